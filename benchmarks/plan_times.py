"""How long each part of a statement takes inside of Postgres: its own plans, with their times.

`auto_explain` sends the plan of each statement that ran, those in functions too, as a notice.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SETTINGS = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
    "client_min_messages": "notice",
}
Part = tuple[str, str]
_DURATION = re.compile(r"duration: ([\d.]+) ms\s+plan:\s*", re.DOTALL)


@dataclass
class PlanTimes:
    """Milliseconds by statement, and by the nodes of its plan, each without those below it."""

    runs: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    millis: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    nodes: dict[str, dict[Part, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )

    def start(self, connection: Any) -> None:
        """From now on collect the plans of a psycopg connection's statements."""
        connection.execute("LOAD 'auto_explain'")
        for name, value in SETTINGS.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.add_notice_handler(lambda diagnostic: self.add(diagnostic.message_primary))

    def add(self, message: str | None) -> None:
        found = _DURATION.match(message or "")
        if found is None or message is None:
            return
        plan = json.loads(message[found.end() :])
        sql = plan["Query Text"]
        self.runs[sql] += 1
        self.millis[sql] += float(found[1])
        for name, took in own_times(plan["Plan"]):
            self.nodes[sql][name] += took


def own_times(root: dict[str, Any]) -> Iterator[tuple[Part, float]]:
    """The time of each node without what is below it; a node is named by its CTE and its kind.

    What a CTE takes is in the time of the node that reads it first; it is taken out there, since
    the CTE's own nodes stand in the plan too.
    """
    nodes = list(_below(root, ""))
    ctes = {
        node["Subplan Name"].removeprefix("CTE "): _total(node)
        for _, node in nodes
        if node.get("Subplan Name", "").startswith("CTE ")
    }
    readers: dict[str, dict[str, Any]] = {}
    for _, node in nodes:
        if node["Node Type"] == "CTE Scan":
            dearest = readers.setdefault(node["CTE Name"], node)
            if _total(node) > _total(dearest):
                readers[node["CTE Name"]] = node
    for part, node in nodes:
        below = sum(_total(each) for each in node.get("Plans", ()) if not _is_cte(each))
        own = _total(node) - below
        if node["Node Type"] == "CTE Scan" and readers[node["CTE Name"]] is node:
            own -= ctes.get(node["CTE Name"], 0.0)
        yield (part, _title(node)), max(own, 0.0)


def _below(node: dict[str, Any], part: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if _is_cte(node):
        part = node["Subplan Name"].removeprefix("CTE ")
    yield part, node
    for each in node.get("Plans", ()):
        yield from _below(each, part)


def _is_cte(node: dict[str, Any]) -> bool:
    return str(node.get("Subplan Name", "")).startswith("CTE ")


def _total(node: dict[str, Any]) -> float:
    return float(node.get("Actual Total Time", 0.0)) * float(node.get("Actual Loops", 0))


def _title(node: dict[str, Any]) -> str:
    kind = node.get("Operation") if node["Node Type"] == "ModifyTable" else node["Node Type"]
    on = node.get("Relation Name") or node.get("CTE Name") or node.get("Function Name")
    by = node.get("Index Name")
    return f"{kind}{f' {on}' if on else ''}{f' by {by}' if by else ''}"
