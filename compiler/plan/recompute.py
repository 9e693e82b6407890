"""How the tables of a query are computed anew from those that cannot be: what verify runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
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
class Temporary:
    """A temporary table, what makes it, and what drops it."""

    name: str
    ddl: tuple[str, ...]
    drop: str


@dataclass(frozen=True)
class Fill:
    """A statement, the table that it fills, and those that it reads."""

    statement: SQLStatement
    into: str
    reads: tuple[str, ...]


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

    temporary: tuple[Temporary, ...] = ()
    fills: tuple[Fill, ...] = ()
    compared: tuple[Compared, ...] = ()
    unverified: tuple[Unverified, ...] = ()
    based: tuple[Based, ...] = ()  # of the unverified tables, those of rows with their counts

    @property
    def session(self) -> tuple[str, ...]:
        """What makes the temporary tables."""
        return tuple(text for each in self.temporary for text in each.ddl)

    @property
    def dropped(self) -> tuple[str, ...]:
        """What drops them."""
        return tuple(each.drop for each in self.temporary)

    @property
    def statements(self) -> tuple[SQLStatement, ...]:
        """What fills them."""
        return tuple(each.statement for each in self.fills)

    def only(self, tables: Collection[str]) -> Recompute:
        """What computes some of the tables, and nothing that they are not made of."""
        compared = tuple(each for each in self.compared if each.table in tables)
        needed = {each.shadow for each in compared}
        fills: list[Fill] = []
        for fill in reversed(self.fills):
            if fill.into in needed:
                needed |= set(fill.reads)
                fills.append(fill)
        temporary = tuple(each for each in self.temporary if each.name in needed)
        return dataclasses.replace(
            self, temporary=temporary, fills=tuple(reversed(fills)), compared=compared
        )
