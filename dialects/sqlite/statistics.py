"""What SQLite says of tables and of its plans."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stepping.compiler.plan.statistics import FanOut, PlanNode, TableSize
from stepping.dialects.identifiers import quoted

Row = tuple[Any, ...]
Read = Callable[[str], list[Row]]

SAMPLE = 100_000  # rows of a table that are looked at for its fan-out
_READS = re.compile(r"^(SCAN|SEARCH) (\S+)(.*)$")


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def sizes(read: Read, tables: Sequence[str]) -> dict[str, TableSize]:
    """Counts the rows; bytes by way of dbstat, if SQLite was built with it."""
    found = {}
    for table in tables:
        ((rows,),) = read(f"SELECT count(*) FROM {quoted(table)}")
        found[table] = TableSize(rows, _bytes(read, table))
    return found


def _bytes(read: Read, table: str) -> int | None:
    owned = read(f"SELECT name FROM sqlite_master WHERE tbl_name = {text(table)} AND rootpage > 0")
    names = ", ".join(text(name) for (name,) in owned)
    try:  # sqlite.org/dbstat.html
        ((total,),) = read(
            f"SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE AND name IN ({names})"
        )
    except sqlite3.OperationalError:
        return None
    return None if total is None else int(total)


def fan_out(read: Read, table: str, columns: Sequence[str], *, in_order: bool = True) -> FanOut:
    """Of the first rows in the order of the key, if an index gives it; else of the first rows."""
    key = ", ".join(quoted(column) for column in columns)
    name = quoted(table)
    order = f"ORDER BY {key}" if in_order else ""  # to sort all of a table takes long
    ((keys, most, rows),) = read(
        "SELECT count(*), coalesce(max(n), 0), coalesce(sum(n), 0) FROM (SELECT count(*) AS n "
        f"FROM (SELECT {key} FROM {name} {order} LIMIT {SAMPLE}) GROUP BY {key})"
    )
    return FanOut(rows / keys if keys else 0.0, most)


def query_plans(read: Read, statements: Sequence[str]) -> list[tuple[PlanNode, ...]]:
    return [tuple(_nodes(read(f"EXPLAIN QUERY PLAN {sql}"))) for sql in statements]


def _nodes(rows: Sequence[Row]) -> list[PlanNode]:
    depth: Mapping[int, int]
    depth = {0: -1}
    found = []
    for serial, parent, _, detail in rows:
        depth = {**depth, serial: depth.get(parent, -1) + 1}
        reads = _READS.match(detail)
        source, whole = "", False
        if reads:
            verb, source, rest = reads.groups()
            # An automatic index is made of the whole table, each time.
            whole = verb == "SCAN" or "AUTOMATIC" in rest
        found.append(PlanNode(depth[serial], detail, source, whole))
    return found
