"""A migration as data: what becomes of each table, and the statements that make it so."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepping.compiler.plan.changes import Fate, TableChange, views_gone, views_made
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.shown import ShownChange, shown_changes
from stepping.compiler.plan.sql_plan import SQLStatement
from stepping.compiler.plan.tables import Table
from stepping.compiler.schema import query_prefix


class Phase(enum.Enum):
    """Where a statement stands."""

    BEFORE = "before"  # by itself, while everybody works on; it can be run again
    PREPARE = "prepare"  # in one short transaction; it can be run again
    SESSION = "session"  # by itself; what only the connection has
    FILL = "fill"  # in one transaction that sees one state, while everybody works on
    BATCH = "batch"  # in a transaction each time, until all rows have been read
    REST = "rest"  # in one transaction that sees one state: what no batch has read
    FOLD = "fold"  # in a transaction each time, until little is left of what changed meanwhile
    SWITCH = "switch"  # in the one transaction
    AFTER = "after"  # by itself, behind that; it can be run again


@dataclass(frozen=True)
class Hints:
    """What nobody but the developer knows."""

    renames: Mapping[str, str] = field(default_factory=dict)
    # Inputs whose rows come from elsewhere: a SELECT, or None where Python gives them.
    backfill: Mapping[str, str | None] = field(default_factory=dict)
    in_batches: bool = False  # rows are filled in batches, where that can be
    # Inputs that are given the same rows as that of the same name of another query.
    shares: Mapping[str, str] = field(default_factory=dict)
    features: frozenset[str] = frozenset()  # whose tables are in the database
    wanted: tuple[str, ...] = ()  # features whose tables are made with it


@dataclass(frozen=True)
class MigrationStatement:
    """One statement, with what a reviewer asks of it."""

    phase: Phase
    sql: str
    note: str  # what it does, and why
    lock: str = ""  # what it keeps others from
    scans: str = ""  # the table that it reads or writes all of
    ignore: tuple[str, ...] = ()  # rules of the linter squawk that it breaks on purpose
    program: SQLStatement | None = None  # what a step in Python runs, instead of ``sql``
    given: str = ""  # an input whose rows come from Python


@dataclass(frozen=True)
class FilledFrom:
    """Where the rows of something come from."""

    what: str
    table: str
    query: str  # whose table that is
    note: str = ""


@dataclass(frozen=True)
class Underivable:
    """Rows that no table has, and the tables that cannot be filled for it."""

    input: str  # or the operator
    columns: tuple[str, ...]
    why: str
    blocks: tuple[str, ...]


@dataclass(frozen=True)
class Migration:
    """From what is installed to what is wanted."""

    query: str
    dialect: str
    old: Manifest | None
    new: Manifest
    changes: tuple[TableChange, ...]
    statements: tuple[MigrationStatement, ...] = ()
    filled_from: tuple[FilledFrom, ...] = ()
    underivable: tuple[Underivable, ...] = ()
    registered: tuple[str, ...] = ()  # functions that only stepping's connection has
    given: dict[str, Table] = field(default_factory=dict)  # inputs whose rows come from Python
    python_steps: tuple[Any, ...] = ()
    in_batches: bool = False  # the new tables are filled before the switch, batch by batch
    unbatched: str = ""  # why they are not, where that was asked for
    room: tuple[str, ...] = ()  # tables of which there is a second one meanwhile
    # Fields and inputs that are gone, each with the new one that may be the same.
    suggested: tuple[tuple[str, str], ...] = ()
    staged: str = ""  # the fingerprint of what is installed beside it, and then switched to

    features: frozenset[str] = frozenset()  # as `Hints` says
    above: tuple[str, ...] = ()  # queries that read its results, made again with it

    @property
    def new_views(self) -> tuple[str, ...]:
        """Names of views that were not there."""
        gone = {view.table.name for view in views_gone(self.changes)}
        made = (view.table.name for view in views_made(self.changes))
        return tuple(name for name in made if name not in gone)

    @property
    def gone_views(self) -> tuple[str, ...]:
        """Names of views that nobody makes anew."""
        made = {view.table.name for view in views_made(self.changes)}
        gone = (view.table.name for view in views_gone(self.changes))
        return tuple(name for name in gone if name not in made)

    @property
    def shown(self) -> tuple[ShownChange, ...]:
        """What becomes of the relations that readers know."""
        return changes_shown(self.old, self.new)

    def named(self, *fates: Fate) -> tuple[str, ...]:
        """The tables that something becomes of, by their new names if they have one."""
        found: Iterable[Any] = (c.new or c.old for c in self.changes if c.fate in fates)
        return tuple(each.table.name for each in found)

    @property
    def moved(self) -> dict[str, str]:
        """Digests of tables whose columns are renamed, as they were, by the new ones."""
        return {
            change.new.table.digest: change.old.table.digest
            for change in self.changes
            if change.columns and change.old is not None and change.new is not None
        }

    @property
    def needs_python(self) -> str:
        """Why no script of SQL alone can do it; empty if one can."""
        if self.given:
            return f"the rows of {', '.join(self.given)} come from Python"
        if any(each.program is not None for each in self.statements):
            return "rows have to go through Python steps"
        if self.registered:
            return f"it uses functions that stepping registers: {', '.join(self.registered)}"
        return ""

    @property
    def is_nothing(self) -> bool:
        """Whether what is installed is what is wanted."""
        return self.old is not None and self.old.fingerprint == self.new.fingerprint


def changes_shown(old: Manifest | None, new: Manifest) -> tuple[ShownChange, ...]:
    """What becomes of the relations of a query, which may get another name."""
    if old is None or old.query == new.query:
        return shown_changes(() if old is None else old.results, new.results)
    prefixes = f"{query_prefix(old.query)}_", f"{query_prefix(new.query)}_"
    return shown_changes(old.results, new.results, prefixes)
