"""Values in columns of the application's tables on Postgres, as values of ours."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import Kind
from stepping.dialects.scalars import type_named

Expression = Any

# The types that our own tables have, and those of others that are read as they are.
_SAME: dict[Kind, frozenset[str]] = {
    Kind.INT: frozenset({"bigint"}),
    Kind.BOOL: frozenset({"boolean"}),
    Kind.BYTES: frozenset({"bytea"}),
    Kind.DATE: frozenset({"date"}),
    Kind.DATETIME: frozenset({"timestamp without time zone"}),
    Kind.TIMESTAMP: frozenset({"timestamp with time zone"}),
    Kind.TIME: frozenset({"time without time zone"}),
    Kind.UUID: frozenset({"uuid"}),
}
_CAST: dict[Kind, str] = {
    Kind.INT: "bigint",
    Kind.FLOAT: "double precision",
    Kind.BOOL: "boolean",
    Kind.BYTES: "bytea",
    Kind.DATE: "date",
    Kind.DATETIME: "timestamp",
    Kind.TIMESTAMP: "timestamptz",
    Kind.TIME: "time",
    Kind.UUID: "uuid",
}
_TEXTS = (Kind.TEXT, Kind.ENUM)


def decoded(column: TableColumn, value: Expression) -> Expression:
    """What a column of the application's holds, as our own tables would hold it."""
    kind, base = column.type.kind, _plain(column.base)
    if kind is Kind.NATIVE or base in _SAME.get(kind, ()):
        return value
    if kind in _TEXTS:
        text = value if base == "text" else _cast(value, "text")
        return exp.Collate(this=text, expression=exp.to_identifier("C", quoted=True))
    if kind is Kind.FLOAT:  # -0.0 becomes 0.0
        typed = value if base == "double precision" else _cast(value, "double precision")
        return exp.Add(this=typed, expression=exp.Literal.number("0.0"))
    if kind is Kind.DECIMAL:
        if column.type.scale is None:
            return exp.Anonymous(this="trim_scale", expressions=[_cast(value, "numeric")])
        return _cast(value, f"numeric(38, {column.type.scale})")
    return _cast(value, _CAST[kind])


def compared(column: TableColumn, value: Expression) -> Expression:
    """A value of ours, so that a column of the application's is found by its own index."""
    if column.type.kind not in _TEXTS:
        return value
    base = _plain(column.base)
    if base in ("text", "character varying", "character", "citext", "name"):
        # By the column's own collation, which any index of it has: all say what is equal by bytes.
        own = exp.to_identifier(column.collation or "default", quoted=True)
        return exp.Collate(this=value, expression=own)
    return _cast(value, column.base)


def _plain(base: str) -> str:
    """A type without its length."""
    return base.partition("(")[0].strip() if not base.startswith(("time",)) else base


def _cast(value: Expression, to: str) -> Expression:
    return exp.Cast(this=value, to=type_named(to, "postgres"))
