"""What a database must do in one step: a closed set that every dialect spells.

A ``select`` is a sqlglot tree; this module does not need to know more of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stepping.compiler.plan.tables import Table, TableColumn


@dataclass(frozen=True)
class Served:
    """Which operator a statement is for, and where the query calls it.

    ``node`` is the operator's digest: two calls of one helper function have the same place.
    """

    operator: str
    where: str
    node: str = ""


@dataclass(frozen=True)
class ClearDelta:
    """Empty a delta table of what the last step left in it."""

    table: Table
    served: Served


@dataclass(frozen=True)
class StageDelta:
    """Load the changed rows of an input, as one row of parameters each."""

    table: Table
    served: Served
    input: str


@dataclass(frozen=True)
class EmitDelta:
    """Fill a delta or change table from ``select``, whose columns are the table's."""

    table: Table
    select: Any
    served: Served


@dataclass(frozen=True)
class MergeDelta:
    """Add ``select``, rows with weights, to a delay table; rows whose weight becomes 0 go.

    ``distinct``: no row comes twice, so that they need no consolidation first. ``grows``: no weight
    falls in a step that only inserts.
    """

    table: Table
    select: Any
    served: Served
    distinct: bool = False
    grows: bool = False


@dataclass(frozen=True)
class MergeState:
    """Set each group in a CHANGE table to its state after the step; groups with n = 0 go.

    ``grows``: no n falls in a step that only inserts.
    """

    table: Table
    change: Table
    served: Served
    grows: bool = False


@dataclass(frozen=True)
class MergeGroups:
    """Add ``select``, a change of groups, to their table, where nobody reads what has changed.

    ``on``: which kept row is a group's. ``found`` and ``new`` are the columns of a group that was
    there and of one that was not, as they are set; ``gone``: a condition on one that goes.
    """

    table: Table
    select: Any
    on: tuple[Any, ...]
    gone: Any
    found: tuple[tuple[str, Any], ...]
    new: tuple[tuple[str, Any], ...]
    served: Served


@dataclass(frozen=True)
class MapInPython:
    """Read ``select``, run a row function on each row in Python, load the results."""

    table: Table
    select: Any
    served: Served
    step: int  # position among the plan's Python steps
    reason: str = ""
    fault: str = ""


@dataclass(frozen=True)
class FoldInPython:
    """Fill a CHANGE table in Python: each group's collected values, before and after.

    A row of ``select`` has the group's key, the columns of a value, how its count changes, and of
    the group the number of rows and the packed values before the step.
    """

    table: Table
    select: Any
    served: Served
    step: int
    keys: int  # how many columns the key has
    reason: str


@dataclass(frozen=True)
class ReadDelta:
    """Return the change of an output: its columns, then the weight.

    ``distinct``: no row comes twice.
    """

    output: int
    select: Any
    served: Served
    columns: tuple[TableColumn, ...] = ()
    distinct: bool = False


Statement = (
    ClearDelta
    | StageDelta
    | EmitDelta
    | MergeDelta
    | MergeState
    | MergeGroups
    | MapInPython
    | FoldInPython
    | ReadDelta
)


@dataclass(frozen=True)
class Step:
    """The statements for one set of changed inputs, in order, and the tables they need.

    ``stages`` says which statements can be committed together when each delay table is flushed as
    soon as it is set: positions of the first statement of each stage.
    """

    inputs: tuple[str, ...]
    statements: tuple[Statement, ...]
    tables: tuple[str, ...]  # delay tables read or written, in the order in which they are locked
    stages: tuple[int, ...] = (0,)
    stage_tables: tuple[tuple[str, ...], ...] = field(default=())
    stage_needs: tuple[tuple[Table, ...], ...] = ()  # delta tables that later stages read
    # How many statements come before the first that touches a kept table.
    table_free_prefix: int = 0
    in_turn: bool = False  # some statement reads what an earlier one has merged
