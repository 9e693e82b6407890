"""The words of a backfill: rows of a SELECT, which anybody may have written, as rows of an input.

Each value is what its field's type says, or is made that where it can be read in one way only: a
date or a time from its ISO text, a Decimal from a text or a number. Any other is an error that
names the column and shows the row. It is all SQL, so that a script can do it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

from sqlglot import exp

from stepping.compiler.plan.tables import Table, TableColumn
from stepping.compiler.schema import Kind, Within
from stepping.dialects.base import Dialect

MOST_SHOWN = 300  # characters of a row in an error

# What an error says of a column, so that it tells how to write the SELECT.
WANTED = {
    Kind.DATE: "a date: the text 2026-01-31",
    Kind.DATETIME: "a datetime: the text 2026-01-31 12:00:00, without a time zone",
    Kind.TIMESTAMP: "a datetime with its time zone: the text 2026-01-31 12:00:00+00:00",
    Kind.TIME: "a time: the text 12:00:00",
    Kind.UUID: "a UUID",
    Kind.BOOL: "a bool",
    Kind.NULL: "None, and nothing else",
}


class BackfillWords(ABC):
    """One database's spelling of that."""

    session: ClassVar[tuple[str, ...]] = ()  # what must be set for values to be read as text

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def given(
        self, into: str, table: Table, within: Mapping[str, Within], sql: str, name: str
    ) -> str:
        """Rows of the SELECT ``sql`` for the input ``name``, each once, into a delta table.

        ``within`` says which columns are of a row that may be missing.
        """
        names = [*table.names, table.weight or ""]
        values = [self.value(each, table, within.get(each.name), name) for each in table.columns]
        columns = ", ".join(self.dialect.quoted(each) for each in names)
        return (
            f"INSERT INTO {into} ({columns})\nSELECT\n    "
            + ",\n    ".join([*values, "1"])
            + f"\nFROM {self.source(sql.strip().rstrip(';'))} AS q"
        )

    def source(self, sql: str) -> str:
        """The rows of a SELECT, in a FROM."""
        return f"(\n{sql}\n)"

    def value(
        self, column: TableColumn, table: Table, within: Within | None, input_name: str
    ) -> str:
        """What is stored of a column of the SELECT."""
        value = self.named(column.name)
        made = self.converted(column, value)
        row = self.row(table)

        def refused(says: str) -> str:
            start = f"backfill of {input_name}: {column.name} is "
            return self.refused(column, start, value, f", {says}, in the row ", row)

        native = column.type.native
        of_row = native is not None and native.is_row  # whose fields may be NULL
        there = f"{value} IS {'DISTINCT FROM' if of_row else 'NOT'} NULL"
        wanted = self.wanted(column)
        given = f"coalesce({made}, {refused(f'and not {wanted}')})"
        if within is None or within.flag not in table.names:
            return f"CASE WHEN {there} THEN {given} END" if column.type.nullable else given
        flag = self.is_set(self.named(within.flag))
        if within.nullable:
            given = f"CASE WHEN {there} THEN {given} END"
        missing = refused(f"though {within.flag} says that there is no row")
        nothing = self.nothing(column, value)
        return f"CASE WHEN {flag} THEN {given} WHEN {nothing} THEN {value} ELSE {missing} END"

    def wanted(self, column: TableColumn) -> str:
        atom = column.type
        if atom.choices:
            return f"one of {', '.join(map(repr, atom.choices))}"
        if atom.kind is Kind.ENUM:
            return f"one of {', '.join(atom.members)}"
        if atom.kind is Kind.DECIMAL and atom.scale is not None:
            return f"a number of at most {atom.scale} digits after the point"
        return WANTED.get(atom.kind, f"of type {atom.required()}")

    def named(self, column: str) -> str:
        return f"q.{self.dialect.quoted(column)}"

    def literal(self, value: object) -> str:
        return str(exp.convert(value).sql(dialect=self.dialect.sqlglot_name))

    def literals(self, values: Iterable[object]) -> str:
        return ", ".join(map(self.literal, values))

    @abstractmethod
    def converted(self, column: TableColumn, value: str) -> str:
        """The value as it is stored; NULL where it is none of the column's type."""

    @abstractmethod
    def refused(self, column: TableColumn, start: str, value: str, says: str, row: str) -> str:
        """An error, as an expression of the column's type."""

    @abstractmethod
    def row(self, table: Table) -> str:
        """All of a row as text."""

    @abstractmethod
    def is_set(self, flag: str) -> str:
        """Whether a flag says that a row is there."""

    @abstractmethod
    def nothing(self, column: TableColumn, value: str) -> str:
        """Whether a column is as in a row that is missing."""
