"""Tables of a plan: the delay tables that stay, and the delta tables of one step."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from stepping.compiler.schema import Atom


class TableKind(enum.Enum):
    DELAY = "delay"  # rows with their weight: an integral
    STATE = "state"  # one row per group: its weight `n` and its running sums
    DELTA = "delta"  # rows with their weight: what changes in one step; emptied before each
    CHANGE = "change"  # groups with their state before and after one step; emptied before each


@dataclass(frozen=True)
class TableColumn:
    name: str
    type: Atom


@dataclass(frozen=True)
class TableIndex:
    """Columns that rows are looked up or ordered by, in this order."""

    name: str
    columns: tuple[str, ...]
    ascending: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table as the plan sees it, before a database says how its columns are stored.

    ``key`` is what rows are first looked up by: the start of a delay table's identity, or the
    whole of a state table's. ``weight`` is the column of the count, None in a CHANGE table.
    """

    name: str
    kind: TableKind
    columns: tuple[TableColumn, ...]
    weight: str | None
    key: tuple[str, ...] = ()
    indexes: tuple[TableIndex, ...] = ()
    non_negative: bool = False  # no weight below 0 unless a removed row was not there
    reason: str = ""
    serves: str = ""  # the operator whose rows these are
    where: str = ""  # file:line of it
    digest: str = ""
    rows_of: str = field(default="", compare=False)  # the row type, for messages

    @property
    def is_kept(self) -> bool:
        return self.kind in (TableKind.DELAY, TableKind.STATE)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> TableColumn:
        return next(column for column in self.columns if column.name == name)
