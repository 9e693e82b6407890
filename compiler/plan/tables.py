"""Tables of a plan: the delay tables that stay, and the delta tables of one step."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from stepping.compiler.schema import INT, Atom, bounded

WITHIN = "within_"  # begins the name of a constraint of a `TableRange`


class TableKind(enum.Enum):
    DELAY = "delay"  # rows with their weight: an integral
    STATE = "state"  # one row per group: its weight `n` and its running sums
    VIEW = "view"  # the rows of a state table as those of a result, each with weight 1
    DELTA = "delta"  # rows with their weight: what changes in one step; emptied before each
    ROWS = "rows"  # of a recursive query, while it runs
    BASE = "base"  # a table of the application: each of its rows has weight 1
    LOG = "log"  # a view of what has changed in one of these and waits: rows with their weight
    CHANGE = "change"  # groups with their state before and after one step; emptied before each


@dataclass(frozen=True)
class TableColumn:
    """A column. ``base`` and ``collation`` are those of a column of the application's."""

    name: str
    type: Atom
    base: str = ""
    collation: str = ""


@dataclass(frozen=True)
class SumColumns:
    """Where a running sum stands in its state table, and in the change table of one step.

    ``old`` and ``new`` are the sum before and after the step. A sum of floats is kept exactly
    (``exact``, as the database has it best), so that nothing is left of rows that have gone; its
    value is the float nearest to it. Where infinities are values, the sum's finite part
    (``finite``) and its infinities of each sign (``positive``, ``negative``: how many) are kept
    apart: Inf - Inf is no number, and a sum must be right again when the infinity has gone.
    """

    type: Atom
    value: str
    old: str
    new: str
    finite: str = ""
    exact: str = ""
    positive: str = ""
    negative: str = ""
    # Of rows that count the group: where none is left, neither is a sum. Only of what is exact.
    vanishes: bool = False
    counts: bool = False  # what is added up of each row is 1
    small: bool = False  # what each row adds to it is within 32 bits
    low: str = ""  # of a change on its way: its lower half, where a database adds up halves

    @property
    def shown(self) -> str:
        """What it is called in errors: without what tells its column from others."""
        return self.value.rstrip("_") or self.value

    @property
    def stored(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a column of the state table, and the change table's column it is set from."""
        if not self.exact:
            return ((self.value, self.new),)
        if not self.finite:
            return ((self.value, self.new), (self.exact, self.exact))
        sides = ((self.positive, self.positive), (self.negative, self.negative))
        return ((self.value, self.finite), (self.exact, self.exact), *sides)


@dataclass(frozen=True)
class TableRange:
    """What rows that are given may have in a column: numbers as texts, empty where it is open."""

    column: str
    low: str
    high: str

    @property
    def constraint(self) -> str:
        """The name of its CHECK, of which each table has its own."""
        return bounded(f"{WITHIN}{self.column}")


def outside(constraint: str, table: str = "") -> str:
    """What it means that the constraint of a range was violated."""
    of = f" of {table}" if table else ""
    column = constraint.removeprefix(WITHIN)
    return f"a value of {column}{of} is not within the st.Range of its field"


@dataclass(frozen=True)
class TableIndex:
    """Columns that rows are looked up by, and then read in the order of.

    ``ascending`` is empty for a mere look-up; else the first ``equal`` columns are looked up, and
    the others ordered by.
    """

    name: str
    columns: tuple[str, ...]
    ascending: tuple[bool, ...] = ()
    equal: int = 0


@dataclass(frozen=True)
class Table:
    """A table as the plan sees it, before a database says how its columns are stored.

    ``key`` is what rows are first looked up by: the start of a delay table's identity, or the
    whole of a state table's. ``weight`` is the column of the count, None in a CHANGE table.
    ``picked``: rows of it are picked one by one, from the start of an order.
    """

    name: str
    kind: TableKind
    columns: tuple[TableColumn, ...]
    weight: str | None
    key: tuple[str, ...] = ()
    indexes: tuple[TableIndex, ...] = ()
    picked: bool = False
    non_negative: bool = False  # no weight below 0 unless a removed row was not there
    reason: str = ""
    serves: str = ""  # the operator whose rows these are
    where: str = ""  # file:line of it
    digest: str = ""  # of what is stored: the same digest, the same rows in columns of these names
    rows: str = ""  # of the rows, seen through the columns in ``holds``
    holds: tuple[tuple[str, str], ...] = ()  # a column, and the operator's column that it holds
    schema: str = ""  # of the application's tables, if it is not the connection's own
    of: str = ""  # of a view: the table that it shows
    input: str = ""  # the input whose rows these are, if no operator is between
    sums: tuple[SumColumns, ...] = ()
    ranges: tuple[TableRange, ...] = ()
    extremes: tuple[SumColumns, ...] = ()  # of minima and maxima, which are not added up
    rows_of: str = field(default="", compare=False)  # the row type, for messages
    node: str = field(default="", compare=False)  # the operator's digest, for explain

    @property
    def is_kept(self) -> bool:
        return self.kind in (TableKind.DELAY, TableKind.STATE)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def by_name(self) -> Mapping[str, TableColumn]:
        return {column.name: column for column in self.columns}

    @property
    def vanishing(self) -> tuple[SumColumns, ...]:
        """The sums that are 0 where a group has no rows, unless a row was removed wrongly."""
        return tuple(each for each in self.sums if each.vanishes)

    @property
    def values(self) -> tuple[SumColumns, ...]:
        """What a state table keeps for a group, and where its change table has it."""
        return (*self.sums, *self.extremes)

    def sum_named(self, column: str) -> SumColumns | None:
        """The running sum whose value a column of a state table holds."""
        if self.kind is not TableKind.STATE:
            return None
        return next((each for each in self.sums if each.value == column), None)

    def column(self, name: str) -> TableColumn:
        return TableColumn(name, INT) if name == self.weight else self.by_name[name]
