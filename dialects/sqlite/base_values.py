"""Values in columns of the application's tables on SQLite, as values of ours.

The library stores dates and times as integers and scaled decimals too, so that they are short and
compare fast. Others write what their drivers write: ISO 8601 texts, and numbers of either kind.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import Kind

Expression = Any

_SAME = frozenset({Kind.INT, Kind.BOOL, Kind.TEXT, Kind.BYTES, Kind.ENUM})
_READ = {
    Kind.FLOAT: "{v} + 0.0",  # an integer becomes a float, and -0.0 becomes 0.0
    Kind.DATE: "CAST(unixepoch({v}) / 86400 AS INTEGER)",
    Kind.DATETIME: "{seconds} * 1000000 + {micros}",
    Kind.TIMESTAMP: "{seconds} * 1000000 + {micros}",
    Kind.TIME: "({seconds} - 946684800) * 1000000 + {micros}",  # a time alone is of 2000-01-01
    Kind.UUID: "unhex(replace({v}, '-', ''))",
}
_SECONDS = "unixepoch({v})"
_MICROS = "CAST(substr(substr({v}, instr({v} || '.', '.') + 1, 6) || '000000', 1, 6) AS INTEGER)"


def decoded(column: TableColumn, value: Expression) -> Expression:
    """What a column of the application's holds, as our own tables would hold it."""
    kind = column.type.kind
    if kind in _SAME:
        return value
    if kind is Kind.DECIMAL:
        scaled = exp.Mul(this=value.copy(), expression=exp.Literal.number(10**column.type.scale))
        return exp.Cast(this=exp.func("ROUND", scaled), to=exp.DataType.build("integer"))
    text = value.sql(dialect="sqlite")
    sql = _READ[kind].format(
        v=text, seconds=_SECONDS.format(v=text), micros=_MICROS.format(v=text)
    )
    return exp.maybe_parse(sql, dialect="sqlite")


def is_same(column: TableColumn) -> bool:
    """Whether a look-up compares the column as it is, so that the application's index serves."""
    return column.type.kind in _SAME and column.collation in ("", "BINARY")


def compared(column: TableColumn, value: Expression) -> Expression:
    """A column of the application's, to be compared with values of ours."""
    if column.type.kind in (Kind.TEXT, Kind.ENUM) and not is_same(column):
        return exp.Collate(this=value, expression=exp.to_identifier("BINARY"))
    return decoded(column, value)
