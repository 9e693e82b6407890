"""What readers know a cache by: a view of its rows, with values as other clients know them."""

from __future__ import annotations

from stepping.compiler.plan.sql_plan import SQLCache
from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import Kind
from stepping.dialects.identifiers import quoted
from stepping.dialects.layout import indented, selected

_SHOWN = {
    Kind.DATE: "date({v} * 86400, 'unixepoch')",
    Kind.UUID: "lower(hex({v}))",
}


def shown(column: TableColumn, value: str) -> str:
    """A value of ours as other clients know it: dates and times as ISO 8601 text."""
    kind = column.type.kind
    if kind in (Kind.DATETIME, Kind.TIMESTAMP):
        parts = f"(({value} % 1000000) + 1000000) % 1000000"
        base = f"datetime(({value} - {parts}) / 1000000, 'unixepoch')"
        return f"{base} || printf('.%06d', {parts})"
    if kind is Kind.TIME:
        return f"time({value} / 1000000, 'unixepoch') || printf('.%06d', {value} % 1000000)"
    if kind is Kind.DECIMAL and column.type.scale is not None:
        return f"{value} / 1{'0' * column.type.scale}.0" if column.type.scale else value
    return _SHOWN[kind].format(v=value) if kind in _SHOWN else value


def columns_of(cache: SQLCache, alias: str) -> list[str]:
    return [
        f"{shown(each, f'{alias}.{quoted(each.name)}')} AS {quoted(name)}"
        if shown(each, "v") != "v" or name != each.name
        else f"{alias}.{quoted(each.name)}"
        for each, name in cache.named
    ]


def stored_rows(cache: SQLCache, *, keyed: bool = False) -> str:
    """A cache as it is stored, each row as often as it is there; ``keyed``: once at most."""
    if cache.of:  # a view with a row for each group
        return f"{selected(columns_of(cache, 'r'))}\nFROM {quoted(cache.table)} AS r"
    names = ", ".join(quoted(each.name) for each in cache.columns)
    if keyed:
        return f"{selected(columns_of(cache, 'r'))}\nFROM (\n{indented(cache.read_sql)}\n) AS r"
    return (
        f"WITH RECURSIVE stored ({names}, stepping_count) AS (\n{indented(cache.read_sql)}\n),\n"
        f"{repeated(cache, 'stored')}"
    )


def repeated(cache: SQLCache, source: str) -> str:
    """Each row of ``source`` as often as its count says."""
    return (
        "copies (i) AS (\n  SELECT 1 UNION ALL SELECT i + 1 FROM copies\n"
        f"  WHERE i < (SELECT max(stepping_count) FROM {source})\n)\n"
        f"{selected(columns_of(cache, 'r'))}\n"
        f"FROM {source} AS r JOIN copies AS c ON c.i <= r.stepping_count"
    )
