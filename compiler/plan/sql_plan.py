"""A plan as text for one database: what is stored, reviewed, explained and run. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stepping.compiler.plan.captures import Capture as Capture
from stepping.compiler.plan.captures import CapturedInput as CapturedInput
from stepping.compiler.plan.captures import Fill as Fill
from stepping.compiler.plan.captures import InBatches as InBatches
from stepping.compiler.plan.captures import Source as Source
from stepping.compiler.plan.manifest import Manifest, PlanInput
from stepping.compiler.plan.manifest import SQLTable as SQLTable
from stepping.compiler.plan.manifest import SQLView as SQLView
from stepping.compiler.plan.shown import Shown
from stepping.compiler.plan.sql_statement import Role as Role
from stepping.compiler.plan.sql_statement import SQLStatement as SQLStatement
from stepping.compiler.plan.tables import TableColumn


@dataclass(frozen=True)
class SQLFused:
    """A whole step as one statement, where a database takes that.

    Its parameters are the arrays of each input's columns and counts, in the order of ``inputs``;
    a row that it returns starts with the position of an output, whose columns and count stand at
    an offset from there.
    """

    sql: str
    inputs: tuple[tuple[str, tuple[TableColumn, ...]], ...]
    outputs: tuple[tuple[int, int, int], ...]  # output, offset of its columns, how many
    parts: tuple[tuple[str, str, str, str], ...] = ()  # name, operator, where, node: for explain
    explain_sql: str = ""  # the same with empty arrays, to be pasted
    parameters: tuple[str, ...] = ()  # the types of the arrays
    returns: tuple[str, ...] = ()  # the types of a row's columns
    joins_changes: bool = True  # a change with another one, which has no index
    returning_at: int = 0  # where in the text the SELECT of the outputs starts: at its end if none


@dataclass(frozen=True)
class SQLDelta:
    """A delta table that one stage of a step fills and a later one reads.

    ``key`` and ``values``: of a CHANGE table the group's key, and pairs of columns that say what is
    before and after the step, the counts first; of any other table the last column is the weight.
    """

    table: str
    columns: tuple[TableColumn, ...]  # the weight included
    read: SQLStatement
    load: SQLStatement
    clear: SQLStatement
    key: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    is_change: bool = False


@dataclass(frozen=True)
class SQLStep:
    """The statements for one set of changed inputs.

    ``stages`` has, for each stage, the positions at which it starts and ends and the kept tables
    it reads or writes: what is committed at once when each table is flushed as soon as it is set.
    ``needs``: for each stage, the delta tables that it fills and later ones read. The first
    ``table_free_prefix`` statements touch no kept table.
    """

    inputs: tuple[str, ...]
    statements: tuple[SQLStatement, ...]
    tables: tuple[str, ...]
    stages: tuple[tuple[int, int, tuple[str, ...]], ...]
    fused: SQLFused | None = None
    growing: SQLFused | None = None  # the same for a change without removals, if that is another
    needs: tuple[tuple[SQLDelta, ...], ...] = ()
    table_free_prefix: int = 0
    distinct: tuple[int, ...] = ()  # outputs of which no row is returned twice


@dataclass(frozen=True)
class SQLOrder:
    """One order in which a cache can be read: by which key, and the texts that do."""

    digest: str
    columns: tuple[str, ...]
    ascending: tuple[bool, ...]
    read_sql: str
    match_sql: str  # the key's columns are the parameters
    types: tuple[TableColumn, ...] = ()


@dataclass(frozen=True)
class SQLCache:
    """How the integral in a table is read as rows: ``columns``, then the count."""

    name: str
    table: str
    columns: tuple[TableColumn, ...]
    read_sql: str
    match_sql: str  # the row's columns are the parameters
    count_sql: str
    orders: tuple[SQLOrder, ...] = ()
    of: str = ""  # of a view: the kept table that it shows
    shown: tuple[str, ...] = ()  # what readers of its relation know the columns by

    @property
    def named(self) -> tuple[tuple[TableColumn, str], ...]:
        """The columns, each with what readers of the relation know it by."""
        names = self.shown or tuple(each.name for each in self.columns)
        return tuple(zip(self.columns, names, strict=True))

    @property
    def kept(self) -> str:
        """The kept table that has the rows."""
        return self.of or self.table


@dataclass(frozen=True)
class StoredInput:
    """How a row of an input is found where it is stored whole, for the message of an error."""

    name: str
    columns: tuple[TableColumn, ...]  # of a row
    columns_matched: tuple[str, ...]  # in the order of the parameters
    match_sql: str


@dataclass(frozen=True)
class Section:
    """Some of the statements that install a query, and what they are for."""

    title: str
    statements: tuple[str, ...]


@dataclass(frozen=True)
class SQLPlan:
    """Everything a store needs to run a query on one kind of database."""

    query: str
    dialect: str
    fingerprint: str
    tables: tuple[SQLTable, ...]
    own_ddl: tuple[str, ...]  # last_update and the catalog
    session_ddl: tuple[str, ...]  # delta tables, once per connection
    steps: tuple[SQLStep, ...]
    caches: tuple[SQLCache, ...]
    snapshots: Mapping[int, SQLCache] = field(default_factory=dict)  # outputs that are integrals
    registered: tuple[str, ...] = ()  # functions that the connection must have
    allow_negative: bool = False
    always: bool = False  # something may change in a step in which no input does
    first: SQLStep | None = None  # a store's first step, if something has a result of nothing
    stored_inputs: tuple[StoredInput, ...] = ()
    install: tuple[str, ...] = ()  # rows of last_update and the catalog
    inputs: tuple[PlanInput, ...] = ()
    python_steps: tuple[str, ...] = ()  # digests of the operators that run in Python
    # Scalars without exact SQL, by digest, and why.
    unsupported_scalars: Mapping[str, str] = field(default_factory=dict)
    capture: Capture | None = None  # of a query whose inputs are tables of the application
    shown: tuple[Shown, ...] = ()  # what readers know the caches by

    @property
    def tables_ddl(self) -> tuple[str, ...]:
        """What creates the tables that are kept, and their views."""
        # Tables may have a function in common.
        return tuple(dict.fromkeys(text for each in self.tables for text in each.script))

    @property
    def sections(self) -> tuple[Section, ...]:
        """Everything that ``create_tables=True`` runs, by what it is for."""
        return (
            Section("Our own tables", self.own_ddl),
            Section("Tables that are kept", self.tables_ddl),
            Section("What is installed", self.install),
        )

    @property
    def script(self) -> tuple[str, ...]:
        """The statements of `sections`, in order."""
        return tuple(text for each in self.sections for text in each.statements)

    @property
    def manifest(self) -> Manifest:
        """What the catalog says of the query."""
        return Manifest(
            self.query,
            self.dialect,
            self.fingerprint,
            self.tables,
            self.inputs,
            tuple((each.name, each.table) for each in self.caches),
            self.allow_negative,
            self.first is not None,
            None if self.capture is None else self.capture.installed,
            self.shown,
        )

    def step(self, changed: frozenset[str]) -> SQLStep:
        """The statements for a set of changed inputs: its own list, or that for any mix."""
        for step in self.steps:
            if frozenset(step.inputs) == changed:
                return step
        return self.steps[-1]

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the tables that are kept, in the order in which they are locked."""
        return tuple(sorted(each.table.name for each in self.tables))
