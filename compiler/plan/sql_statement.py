"""One statement of a plan as text, and what the engine does with it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from stepping.compiler.plan.tables import TableColumn


class Role(enum.Enum):
    """What the engine does with a statement."""

    CLEAR = "clear"
    STAGE = "stage"  # once per batch of changed rows
    RUN = "run"
    PYTHON = "python"  # read, map in Python, stage the result
    FOLD = "fold"  # read, collect in Python, stage the result
    READ = "read"  # rows of an output
    CHECK = "check"  # returns a row that makes the step fail; run where rows were removed


@dataclass(frozen=True)
class SQLStatement:
    """One statement, the operator it serves, and the line of the query that calls it."""

    role: Role
    sql: str
    operator: str
    where: str
    table: str = ""  # what it fills: staged rows and results of Python steps
    columns: tuple[TableColumn, ...] = ()  # of what is staged or read, in order
    bulk_sql: str = ""  # stages `bulk_rows` rows at once, where that is another text
    bulk_rows: int = 1
    output: int = -1
    step: int = -1  # which Python step
    keys: int = 0  # of a fold: how many columns the group's key has
    stage_sql: str = ""  # PYTHON: loads what the function returned
    reason: str = ""
    fault: str = ""
    node: str = ""  # the digest of the operator, which a place in the source need not tell
    joins_changes: bool = False  # two delta tables with each other, where a database must know
    fills: str = ""  # the delta table that it loads or empties
    reads: tuple[str, ...] = ()  # delta tables: nothing comes of it where they are all empty
