"""How the tables of a query are computed anew from those that cannot be: what verify runs."""

from __future__ import annotations

from dataclasses import dataclass

from stepping.compiler.plan.sql_plan import SQLStatement
from stepping.compiler.plan.tables import TableColumn


@dataclass(frozen=True)
class Compared:
    """A kept table, and the temporary one with what should be in it."""

    table: str
    shadow: str
    columns: tuple[TableColumn, ...]  # without the count
    weight: str
    key: tuple[str, ...]
    is_state: bool
    serves: str
    where: str
    columns_sql: str  # with the count
    positions: tuple[str, ...]  # expressions by which rows are told apart, and have an order
    find_sql: str  # the row of a key, or a row of a delay table; its parameters are the columns
    delete_sql: str  # that row
    insert_sql: str  # a row with its count

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that tell rows apart: a group's key, or all."""
        return self.key if self.is_state else tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Unverified:
    """A kept table that nothing else says the contents of."""

    table: str
    why: str


@dataclass(frozen=True)
class Based:
    """How such a table is filled, once something else has the rows of its operator.

    These are read from a temporary table ``given`` with the columns ``reads``, those of the
    operator that the table's are made of, and a count.
    """

    table: str
    rows: str  # the digest of the operator's rows, seen through ``reads``
    reads: tuple[str, ...]
    given: str
    weight: str
    statements: tuple[SQLStatement, ...]


@dataclass(frozen=True)
class Recompute:
    """Temporary tables, the statements that fill them, and what they are compared with."""

    session: tuple[str, ...] = ()
    statements: tuple[SQLStatement, ...] = ()
    compared: tuple[Compared, ...] = ()
    unverified: tuple[Unverified, ...] = ()
    dropped: tuple[str, ...] = ()  # statements that drop the temporary tables
    based: tuple[Based, ...] = ()  # of the unverified tables, those of rows with their counts
