"""What Postgres says of tables and of its plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from stepping.compiler.plan.statistics import FanOut, PlanNode, TableSize
from stepping.dialects.identifiers import quoted

Read = Callable[..., list[tuple[Any, ...]]]

COUNTED = 100_000  # up to so many rows are counted; of more, the statistics of ANALYZE are taken
_SIZES = """
SELECT c.relname, c.reltuples::bigint, pg_total_relation_size(c.oid)
FROM pg_class c
WHERE c.relname = ANY($1::text[]) AND c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
"""
_STATISTICS = """
SELECT s.n_distinct, s.most_common_freqs[1], c.reltuples::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname
WHERE c.oid = to_regclass($1::text) AND s.attname = ANY($2::text[])
"""


def sizes(read: Read, tables: Sequence[str]) -> dict[str, TableSize]:
    """Rows, counted if there are not too many, and bytes with the indexes."""
    found = {}
    for name, estimate, size in read(_SIZES, (list(tables),)):
        rows = None if estimate > COUNTED else _counted(read, quoted(name))
        if rows is None and estimate <= COUNTED:  # it has grown since, or was never analysed
            estimate = max(_planned(read, name), COUNTED + 1)
        found[name] = TableSize(estimate if rows is None else rows, size, estimated=rows is None)
    return found


def _planned(read: Read, table: str) -> int:
    """How many rows the planner expects: by the pages that there are now."""
    ((found,),) = read(f"EXPLAIN (FORMAT JSON) SELECT FROM {quoted(table)}", ())
    return int(found[0]["Plan"]["Plan Rows"])


def _counted(read: Read, name: str) -> int | None:
    ((rows,),) = read(f"SELECT count(*) FROM (SELECT FROM {name} LIMIT {COUNTED + 1}) AS t", ())
    return None if rows > COUNTED else int(rows)


def fan_out(read: Read, table: str, columns: Sequence[str], schema: str = "") -> FanOut | None:
    """Counted in a table that is not too long, else by what ANALYZE found; or None."""
    name = ".".join(map(quoted, filter(None, (schema, table))))
    rows = _counted(read, name)
    if rows is not None:
        key = ", ".join(quoted(column) for column in columns)
        ((keys, most),) = read(
            "SELECT count(*), coalesce(max(n), 0) "
            f"FROM (SELECT count(*) AS n FROM {name} GROUP BY {key}) AS g",
            (),
        )
        return FanOut(rows / keys if keys else 0.0, most)
    known = read(_STATISTICS, (name, list(columns)))
    if len(known) < len(columns) or not columns or known[0][2] <= 0:
        return None
    whole = known[0][2]
    # n_distinct below 0 is a share of the rows (postgresql.org/docs/current/view-pg-stats.html).
    # Several columns have at least as many keys as the one that tells most rows apart.
    keys = max((-n * whole if n < 0 else n) for n, _, _ in known)
    often = min((f or 0.0) for _, f, _ in known)
    average = whole / keys if keys else 0.0
    return FanOut(average, max(round(often * whole), round(average)))


def plan_nodes(plan: dict[str, Any]) -> tuple[PlanNode, ...]:
    """The lines of what EXPLAIN (FORMAT JSON) returned."""
    return tuple(_nodes(plan, 0, bounded=False))


def _nodes(node: dict[str, Any], depth: int, *, bounded: bool) -> Iterator[PlanNode]:
    kind = node["Node Type"]
    text = kind
    if kind == "ModifyTable":
        text = node.get("Operation", kind)
    if "Subplan Name" in node:
        text = f"{node['Subplan Name']}: {text}"
    if "Index Name" in node:
        text += f" using {node['Index Name']}"
    relation = node.get("Relation Name") or node.get("CTE Name") or ""
    if relation:
        alias = node.get("Alias", relation)
        text += f" on {relation}" + (f" {alias}" if alias != relation else "")
    for condition in ("Index Cond", "Hash Cond", "Merge Cond", "TID Cond"):
        if condition in node:
            text += f" ({condition.lower()}: {node[condition]})"
    keyed = "Index Cond" in node or kind in ("Bitmap Heap Scan", "Tid Scan", "ModifyTable")
    whole = "Relation Name" in node and not keyed
    by_index = whole and kind != "Seq Scan"
    yield PlanNode(depth, text, node.get("Relation Name", ""), whole, bounded, by_index)
    for inner in node.get("Plans", ()):
        # What a LIMIT reads is bounded unless it is sorted, hashed or grouped first.
        limited = kind == "Limit" or (bounded and kind not in ("Sort", "Hash", "Aggregate"))
        yield from _nodes(inner, depth + 1, bounded=limited)
