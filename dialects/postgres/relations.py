"""What readers know a cache by: a view of its rows."""

from __future__ import annotations

from stepping.compiler.plan.sql_plan import SQLCache
from stepping.dialects.identifiers import quoted
from stepping.dialects.layout import indented, selected


def columns_of(cache: SQLCache) -> list[str]:
    """The columns of a relation, of rows ``r`` that have those of the cache."""
    return [
        f"r.{quoted(each.name)}" + (f" AS {quoted(name)}" if name != each.name else "")
        for each, name in cache.named
    ]


def stored_rows(cache: SQLCache, *, keyed: bool = False) -> str:
    """A cache as it is stored, each row as often as it is there; ``keyed``: once at most."""
    if cache.of:  # a view with a row for each group
        return f"{selected(columns_of(cache))}\nFROM {quoted(cache.table)} AS r"
    listed = ", ".join(quoted(each.name) for each in cache.columns)
    return (
        f"{selected(columns_of(cache))}\nFROM (\n"
        f"{indented(cache.read_sql)}\n) AS r ({listed}, stepping_count)"
        + ("" if keyed else "\nCROSS JOIN LATERAL generate_series(1, r.stepping_count)")
    )
