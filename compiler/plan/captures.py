"""What is installed for a captured query beside its tables. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.sql_statement import SQLStatement
from stepping.compiler.schema import Atom


@dataclass(frozen=True)
class CapturedInput:
    """One input, and what of its table is captured.

    ``columns`` are the table's that the query reads, ``waiting`` the view of their changes that
    are not folded in yet, ``keys`` what rows of the table are looked up by: each wants an index.
    """

    name: str
    table: BaseTable
    columns: tuple[str, ...]
    waiting: str
    keys: tuple[tuple[str, ...], ...] = ()
    types: tuple[Atom, ...] = ()  # of the columns that are read


@dataclass(frozen=True)
class Source:
    """A result that other queries may read as a table: its relation, the table of ours that it
    shows, whose columns these are, and how its rows are made of rows of that table.

    ``select`` reads what ``parts``, the parts of a WITH, make of a relation of the table's name.
    """

    relation: str
    kept: str
    columns: tuple[str, ...]
    parts: tuple[str, ...]
    select: str


@dataclass(frozen=True)
class Fill:
    """What fills the tables of a query from the application's: for one connection."""

    session: tuple[str, ...]
    statements: tuple[SQLStatement, ...]
    drop: tuple[str, ...]


@dataclass(frozen=True)
class InBatches:
    """How the tables of a query are filled batch by batch of one table, while writers go on.

    ``progress`` is the table that says how far it is: a row of it is there once ``begun`` was run
    with the first fill, of what needs no row of ``table``. ``batch`` is run until no more rows are
    read by it, ``rest`` once. All of it is made by ``ddl``.
    """

    table: BaseTable
    progress: str
    ddl: tuple[str, ...]
    begun: tuple[str, ...]
    batch: tuple[str, ...]
    rest: tuple[str, ...]


@dataclass(frozen=True)
class Capture:
    """What is installed for a captured query beside its tables.

    ``ddl`` creates it, after the tables that are captured have their triggers; ``drop`` takes it
    away again. ``relations`` are the names that readers know: of each cache, and what is right at
    any time. ``fold`` is what folds in from any client; empty if only the library can.
    """

    refresh: str
    on_error: str
    inputs: tuple[CapturedInput, ...]
    ddl: tuple[str, ...]
    drop: tuple[str, ...]
    fill: Fill
    fold: str = ""
    in_python: bool = False
    lock: tuple[str, ...] = ()  # before a fold of the library's own
    # What keeps writers out, where a fold of several statements is in a transaction of which each
    # statement sees another state of the tables; in one that sees one state it is not needed.
    keeps_out: tuple[str, ...] = ()
    one_state: bool = False
    settled: tuple[str, ...] = ()  # after it
    refused: tuple[str, ...] = ()  # why it cannot be installed on this database as it is
    folds_by_itself: bool = False  # on SQLite, while rows are written
    relations: tuple[tuple[str, str, str], ...] = ()  # cache, relation, live relation
    sources: tuple[Source, ...] = ()
    whole_groups: bool = False  # some groups are computed from all their rows at each change
    in_batches: InBatches | None = None

    @property
    def follows(self) -> tuple[str, ...]:
        """What has to be the same for two versions of a query to follow its tables alike."""
        columns = (f"{each.table} {' '.join(each.columns)}" for each in self.inputs)
        return (self.refresh, self.on_error, *columns)

    @property
    def installed(self) -> Capture:
        """What the catalog has of it: enough to refresh it, and to take it away."""
        batches = self.in_batches
        if batches is not None:
            batches = replace(batches, ddl=(), begun=(), batch=(), rest=())
        return replace(self, ddl=(), fill=Fill((), (), ()), in_batches=batches)
