"""How changed rows come to Postgres, as an array for each column, and how they go back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from stepping.compiler.plan.tables import Table, TableColumn
from stepping.compiler.schema import INT, Atom, Kind
from stepping.dialects.base import Expression
from stepping.dialects.natives import verbatim_type
from stepping.dialects.postgres.sums import PostgresSums
from stepping.dialects.postgres.tables import TEXTS, PostgresTables
from stepping.dialects.scalars import type_named


class PostgresStaging(PostgresSums, PostgresTables):
    """Staged rows."""

    def typed_parameter(self, position: int, sql_type: str) -> Expression:
        # Cast, since psycopg sends a small int as a smallint and None as a text.
        number = exp.Parameter(this=exp.Literal.number(position))
        return exp.Cast(this=number, to=type_named(sql_type, "postgres"))

    def staged(self, table: Table, first: int = 1) -> Expression:
        """The staged rows, from one array per column: parameters from ``first`` on."""
        columns = self.staged_columns(table)
        names = [self.identifier(column.name) for column in columns]
        types = self.staged_types(table)
        arrays = [self.typed_parameter(first + i, each) for i, each in enumerate(types)]
        unnest = exp.Anonymous(this="unnest", expressions=arrays)
        alias = exp.TableAlias(this=self.identifier("u"), columns=names)
        values = [
            exp.alias_(self.collated(column, exp.column(name.copy(), table="u")), name.copy())
            for column, name in zip(columns, names, strict=True)
        ]
        rows = exp.select(*values).from_(exp.Table(this=unnest, alias=alias))
        return self.folded(rows, columns) if any(c.type.native for c in columns) else rows

    def folded(self, rows: Expression, columns: Sequence[TableColumn]) -> Expression:
        """Staged rows that are equal as values of their types, as one: no text tells that."""
        *own, weight = columns
        source = exp.Subquery(this=rows, alias=exp.TableAlias(this=self.identifier("r")))
        total = self.sum_of(INT, exp.column(self.identifier(weight.name)), exp.Literal.number(1))
        select = exp.select()
        by: list[Expression] = []
        for column in own:
            name = self.identifier(column.name)
            key, value = self.grouped_as(column.type, exp.column(name))
            by += [key.copy(), *self.images(column.type, exp.column(name.copy()))]
            select = select.select(
                value.copy() if value is key else exp.alias_(value, name.copy()), copy=False
            )
        select = select.select(exp.alias_(total.copy(), self.identifier(weight.name)))
        select = select.from_(source, copy=False).group_by(*by, copy=False)
        return select.having(exp.NEQ(this=total, expression=exp.Literal.number(0)), copy=False)

    def staged_columns(self, table: Table) -> list[TableColumn]:
        weight = [TableColumn(table.weight, Atom(Kind.INT))] if table.weight else []
        return [*table.columns, *weight]

    def staged_types(self, table: Table) -> list[str]:
        """The types of the arrays that rows of a delta table come in."""
        return [f"{self.array_type(column)}[]" for column in self.staged_columns(table)]

    def array_type(self, column: TableColumn) -> str:
        # What Python has of a value of a type of the database's own is a text.
        as_text = column.type.kind in TEXTS or column.type.native is not None
        return "text" if as_text else self.column_type(column)

    def returned_type(self, column: TableColumn) -> str:
        native = column.type.native
        if native is not None:
            return "text" if native.as_text else native.name
        # Nothing is rounded when it is returned.
        return "numeric" if column.type.kind is Kind.DECIMAL else self.array_type(column)

    def collated(self, column: TableColumn, value: Expression) -> Expression:
        if column.type.kind in TEXTS:
            return exp.Collate(this=value, expression=exp.to_identifier("C", quoted=True))
        if column.type.native is not None:
            return exp.Cast(this=value, to=verbatim_type(column.type.native.name))
        return value
