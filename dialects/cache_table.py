"""A cache as a SQLAlchemy table, whose columns give the values that the rows have in Python."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import sqlglot
from sqlalchemy import Column, FromClause, MetaData, Table
from sqlalchemy import column as column_of
from sqlalchemy import text as text_of
from sqlalchemy import types as sa
from sqlglot import exp

from stepping.compiler.codec import Convert, value_of
from stepping.compiler.plan.sql_plan import SQLCache
from stepping.compiler.plan.tables import Table as PlanTable
from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import Kind
from stepping.dialects.base import Dialect

# The kinds that both databases order and add up as Python does, stored as they are.
_PLAIN = (Kind.INT, Kind.FLOAT, Kind.TEXT)


class StoredValue(sa.TypeDecorator[Any]):
    """A column's value as the Python value that it stands for."""

    impl = sa.LargeBinary  # each instance has its own
    cache_ok = False

    def __init__(self, impl: Any, to_column: Any, from_column: Any) -> None:
        super().__init__()
        self.impl = self.impl_instance = impl
        self.to_column, self.from_column = to_column, from_column

    def copy(self, **kw: Any) -> StoredValue:
        return StoredValue(self.impl, self.to_column, self.from_column)

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        if value is None or self.to_column is None:
            return value
        stored = self.to_column(value)
        return bytes(stored) if isinstance(stored, bytearray) else stored

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value if value is None or self.from_column is None else self.from_column(value)


def cache_table(
    cache: SQLCache, kept: PlanTable, dialect: Dialect, to_column: Convert, from_column: Convert
) -> FromClause:
    """The table of a cache with a column for each of a row's, and one for the count.

    Where a column is computed when it is read, it is a subquery with the same ``c``: on SQLite a
    value of another storage class stands for None, and NULL is what SQL must see of it. The others
    are still columns to the database, so that an index on them is used.
    """
    stored = stored_columns(cache, kept, dialect)
    columns = [value_type(each, dialect, to_column, from_column) for each in cache.columns]
    weight = kept.weight or "c"
    if stored is None:
        made = text_of(cache.read_sql.replace(":", "\\:"))
        typed = [column_of(c.name, t) for c, t in zip(cache.columns, columns, strict=True)]
        return made.columns(*typed, column_of(weight, sa.BigInteger())).subquery(cache.name)
    named = [
        Column(name, each, key=column.name, nullable=column.type.nullable)
        for name, each, column in zip(stored, columns, cache.columns, strict=True)
    ]
    return Table(kept.name, MetaData(), *named, Column(weight, sa.BigInteger(), nullable=False))


def stored_columns(cache: SQLCache, kept: PlanTable, dialect: Dialect) -> Sequence[str] | None:
    """The table's columns that hold those of a row, or None if one of them is computed."""
    select = sqlglot.parse_one(cache.read_sql, dialect=dialect.sqlglot_name)
    found = []
    for each in select.expressions[: len(cache.columns)]:
        value = each.unalias()
        if not isinstance(value, exp.Column) or value.name not in kept.names:
            return None
        found.append(value.name)
    return found


def value_type(
    column: TableColumn, dialect: Dialect, to_column: Convert, from_column: Convert
) -> Any:
    """The SQLAlchemy type that gives a column's Python values."""
    impl: Any = dialect.sqlalchemy_type(column)
    kind = column.type.kind
    if kind in _PLAIN:
        return impl
    load: Callable[[Any], Any] | None = from_column(column.type, column.name)
    if kind is Kind.PACKED:
        load = _unpacking(column, load)
    if kind is Kind.TIMESTAMP and load is None:
        load = _in_utc
    return StoredValue(impl, to_column(column.type, column.name), load)


def _unpacking(column: TableColumn, load: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    def unpacked(value: Any) -> Any:
        return value_of(value if load is None else load(value), column.type)

    return unpacked


def _in_utc(value: datetime.datetime) -> datetime.datetime:
    return value.astimezone(datetime.UTC)
