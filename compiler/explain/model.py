"""What `explain` found out, as plain data; and as JSON, whose shape is `FORMAT`'s."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from stepping.compiler.plan.sql_plan import Section

# Raised when a key of `Explanation.to_dict` is taken away or means something else; new keys may
# come without it.
FORMAT = 1

ROW = "row"  # what a look-up of a whole row is by


@dataclass(frozen=True)
class Place:
    """A line of the user's code."""

    file: str
    line: int
    text: str = ""  # of the line, with what is meant marked below it

    def __str__(self) -> str:
        return f"{self.file.rsplit('/', 1)[-1]}:{self.line}"


@dataclass(frozen=True)
class PythonFunction:
    """A row function that runs in Python, and why."""

    name: str
    reason: str
    at: str  # of what has no SQL: file:line:column


@dataclass(frozen=True)
class Operator:
    """One call of an operator in the query."""

    id: str
    label: str  # the name of the public function
    name: str  # of the variable it was assigned to, of an input or a cache; or ""
    function: str  # the helper function that calls it, or "" where the query itself does
    place: Place | None
    inputs: tuple[str, ...]
    flow: str  # "change" or "snapshot"
    rows: str  # the type of its rows
    incremental: bool
    why: str
    runs: str  # "input", "SQL" or "Python"
    python: tuple[PythonFunction, ...]
    tables: tuple[str, ...]
    rule: str  # what changes in one step: the delta rule
    caches: tuple[str, ...] = ()
    outputs: tuple[int, ...] = ()
    by_group: bool = False  # whole groups are computed anew when a row of them changes
    nodes: tuple[str, ...] = ()  # digests of the nodes that it is made of

    @property
    def title(self) -> str:
        """``joined = join``, or ``join``."""
        if not self.inputs:
            return f"{self.name} (input)"
        return f"{self.name} = {self.label}" if self.name else self.label


@dataclass(frozen=True)
class Index:
    """What rows of a table are found by, or read in the order of."""

    name: str  # "" for the primary key
    columns: tuple[str, ...]
    use: str


@dataclass(frozen=True)
class Table:
    """A kept table. Rows and bytes are known with a store only."""

    name: str
    operator: str
    reason: str
    grows: str
    columns: tuple[tuple[str, str], ...]  # name and SQL type
    indexes: tuple[Index, ...]
    ddl: tuple[str, ...]
    rows: int | None = None
    bytes: int | None = None  # of the table with its indexes
    estimated: bool = False  # the rows are the database's own estimate


@dataclass(frozen=True)
class View:
    """An operator's rows as a view of the table that another operator keeps."""

    name: str
    operator: str
    of: str
    reason: str
    ddl: str


@dataclass(frozen=True)
class Lookup:
    """A table in which one changed row is looked up, and how many rows that finds."""

    table: str
    by: tuple[str, ...]
    times: float | None  # per changed row; None where that is not known without a store
    average: float | None = None  # rows per key; known with a store only
    most: int | None = None
    limit: int | None = None  # at most so many are read
    operator: str = ""
    # Of a table of the application: the index that serves it, or what creates the one it needs.
    # Both are "" where no database has said which indexes there are.
    application: bool = False
    index: str = ""
    create: str = ""

    @property
    def is_scan(self) -> bool:
        """Whether every row of the table is read."""
        return bool(self.create) or (not self.by and self.limit is None)


@dataclass(frozen=True)
class Cost:
    """What one changed row of one input costs."""

    statements: int
    lookups: tuple[Lookup, ...]
    rows: float | None  # written to kept tables; None where that is not known without a store
    python: int  # Python steps


@dataclass(frozen=True)
class PlanLine:
    """A line of the database's own plan. ``scan`` is a kept table that it reads whole."""

    depth: int
    text: str
    scan: str = ""


@dataclass(frozen=True)
class Part:
    """A part of a step that is one statement: a name in its WITH, or a SELECT at its end."""

    name: str
    operator: str
    label: str
    where: str
    sql: str


@dataclass(frozen=True)
class Statement:
    """A statement of a step, in the order in which they run."""

    serial: int
    operator: str
    label: str
    where: str
    role: str  # clear, stage, run, python, fold, read, check or step (a whole one)
    what: str
    sql: str
    reads: tuple[str, ...]  # kept tables
    writes: tuple[str, ...]
    parts: tuple[Part, ...] = ()  # of a whole step
    python: str = ""  # why it runs in Python
    at: str = ""
    fills: str = ""
    plan: tuple[PlanLine, ...] = ()


@dataclass(frozen=True)
class Step:
    """What runs when these inputs change."""

    inputs: tuple[str, ...]
    locked: tuple[str, ...]
    statements: tuple[Statement, ...]
    operators: tuple[str, ...]  # those that the change goes through
    cost: Cost | None  # of a step for one input

    @property
    def title(self) -> str:
        single = len(self.inputs) == 1
        return self.inputs[0] if single else f"any mix of {', '.join(self.inputs)}"


@dataclass(frozen=True)
class Finding:
    """A scan of a table: where, and by which statement, or which look-up has no index."""

    table: str
    step: str
    operator: str
    what: str
    create: str = ""  # the index that is missing


@dataclass(frozen=True)
class Model:
    query: str
    dialect: str
    fingerprint: str
    place: str
    live: bool  # whether a database was asked for its plans
    operators: tuple[Operator, ...]  # inputs before what reads them
    tables: tuple[Table, ...]
    views: tuple[View, ...]
    steps: tuple[Step, ...]
    registered: tuple[str, ...]
    script: tuple[Section, ...]  # what create_tables=True runs, in order
    session_ddl: tuple[str, ...]
    relations: tuple[str, ...] = ()  # what readers know each cache of a captured query by
    capture: tuple[str, ...] = ()  # how the changes of its tables get in, one line each

    def operator(self, serial: str) -> Operator | None:
        return next((each for each in self.operators if each.id == serial), None)

    def table(self, name: str) -> Table | None:
        return next((each for each in self.tables if each.name == name), None)

    @property
    def recomputed(self) -> tuple[Operator, ...]:
        return tuple(each for each in self.operators if not each.incremental)

    @property
    def by_group(self) -> tuple[Operator, ...]:
        """The operators that compute whole groups anew."""
        return tuple(each for each in self.operators if each.by_group)

    @property
    def in_python(self) -> tuple[Operator, ...]:
        return tuple(each for each in self.operators if each.python)

    def operator_of(self, statement: Statement, table: str) -> str:
        """The operator of a statement; of a whole step, the one whose table is read."""
        kept = self.table(table)
        return statement.operator or (kept.operator if kept is not None else "")

    def unserved(self, lookup: Lookup) -> str:
        """Why no index serves a look-up, or ""."""
        if lookup.create:
            return f"no index begins with {', '.join(lookup.by)}"
        if lookup.is_scan:
            return "it is read without a key"
        table = self.table(lookup.table)
        if table is None or not lookup.by or lookup.by == (ROW,):
            return ""
        if any(index.columns[0] in lookup.by for index in table.indexes if index.columns):
            return ""
        return f"no index begins with any of {', '.join(lookup.by)}"

    @property
    def scans(self) -> tuple[Finding, ...]:
        """Where a step reads a whole table.

        Of kept tables by the database's own plan if one was asked, else by the columns that are
        compared; of the application's by the indexes that they have.
        """
        found = []
        for step in self.steps:
            for each in step.statements:
                for line in each.plan:
                    if line.scan:
                        operator = self.operator_of(each, line.scan)
                        found.append(Finding(line.scan, step.title, operator, line.text))
            for look in step.cost.lookups if step.cost is not None else ():
                if (look.create or not self.live) and self.unserved(look):
                    why = self.unserved(look)
                    found.append(Finding(look.table, step.title, look.operator, why, look.create))
        return tuple(dict.fromkeys(found))


def to_dict(model: Model) -> dict[str, Any]:
    """The model as what `json` writes; the keys are documented in docs/explain.md."""
    return {"version": FORMAT, **_plain(model), "scans": _plain(model.scans)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value
