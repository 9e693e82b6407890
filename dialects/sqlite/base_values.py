"""Values in columns of the application's tables on SQLite, as values of ours.

The library stores dates and times as integers and scaled decimals too, so that they are short and
compare fast. Others write what their drivers write: ISO 8601 texts, and numbers of either kind.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import Kind
from stepping.dialects.scalars import type_named

Expression = Any

_SAME = frozenset({Kind.INT, Kind.BOOL, Kind.TEXT, Kind.BYTES, Kind.ENUM, Kind.NATIVE})
_FRACTION = "CAST(substr(substr({t}, 21, 6) || '000000', 1, 6) AS INTEGER)"
# Of whole seconds only: a fraction would be rounded to milliseconds.
_NAIVE = "unixepoch(substr({v}, 1, 19)) * 1000000 + " + _FRACTION.format(t="{v}")
_OFFSET = "CASE WHEN {v} GLOB '*[+-][0-9][0-9]:[0-9][0-9]' THEN substr({v}, -6) ELSE '' END"
_WITHOUT_OFFSET = "substr({v}, 1, length({v}) - length({offset}))"
_AWARE = "unixepoch(substr({v}, 1, 19) || {offset}) * 1000000 + " + _FRACTION
_READ = {
    Kind.FLOAT: "{v} + 0.0",  # an integer becomes a float, and -0.0 becomes 0.0
    Kind.DATE: "unixepoch(substr({v}, 1, 10)) / 86400",
    Kind.DATETIME: _NAIVE,
    Kind.TIME: (  # a time alone is one of 2000-01-01
        "(unixepoch(substr({v}, 1, 8)) - 946684800) * 1000000 + "
        "CAST(substr(substr({v}, 10, 6) || '000000', 1, 6) AS INTEGER)"
    ),
    Kind.UUID: "unhex(replace({v}, '-', ''))",
}


def decoded(column: TableColumn, value: Expression) -> Expression:
    """What a column of the application's holds, as our own tables would hold it."""
    kind = column.type.kind
    if kind in _SAME:
        return value
    if kind is Kind.DECIMAL:
        scaled = exp.Literal.number(10 ** (column.type.scale or 0))
        product = exp.Mul(this=value.copy(), expression=scaled)
        return exp.Cast(this=exp.func("ROUND", product), to=type_named("integer"))
    text = value.sql(dialect="sqlite")
    if kind is Kind.TIMESTAMP:
        offset = _OFFSET.format(v=text)
        bare = _WITHOUT_OFFSET.format(v=text, offset=offset)
        sql = _AWARE.format(v=text, offset=offset, t=bare)
    else:
        sql = _READ[kind].format(v=text)
    return exp.maybe_parse(sql, dialect="sqlite")


def is_same(column: TableColumn) -> bool:
    """Whether a look-up compares the column as it is, so that the application's index serves."""
    if column.type.kind is Kind.NATIVE:
        return True
    return column.type.kind in _SAME and column.collation in ("", "BINARY")


def compared(column: TableColumn, value: Expression) -> Expression:
    """A column of the application's, to be compared with values of ours."""
    if column.type.kind in (Kind.TEXT, Kind.ENUM) and not is_same(column):
        return exp.Collate(this=value, expression=exp.to_identifier("BINARY"))
    return decoded(column, value)
