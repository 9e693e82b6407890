"""The delta tables that each statement reads and writes, so that one whose inputs are all empty is
skipped.

Every term of a delta rule has a factor that changed: without a change there is no row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import assert_never

from sqlglot import exp

from stepping.compiler.plan.sql_plan import Role, SQLStatement
from stepping.compiler.plan.statements import (
    ClearDelta,
    EmitDelta,
    FoldInPython,
    MapInPython,
    MergeDelta,
    MergeGroups,
    MergeState,
    ReadDelta,
    StageDelta,
    Statement,
)
from stepping.dialects.reads import tables_in


def cleared(statements: Sequence[Statement]) -> frozenset[str]:
    """The delta tables of a step: each is emptied before it is filled."""
    return frozenset(each.table.name for each in statements if isinstance(each, ClearDelta))


def with_deltas(
    statement: Statement, rendered: Sequence[SQLStatement], deltas: Collection[str]
) -> tuple[SQLStatement, ...]:
    """The texts of a statement, which say what delta tables it reads and fills."""
    fills = ""
    reads: tuple[str, ...] = ()
    match statement:
        case ClearDelta() | StageDelta():
            fills = statement.table.name
        case EmitDelta() | MapInPython() | FoldInPython():
            fills, reads = statement.table.name, read_in(statement.select, deltas)
        case MergeDelta() | MergeGroups() | ReadDelta():
            reads = read_in(statement.select, deltas)
        case MergeState():
            reads = (statement.change.name,)
        case _:
            assert_never(statement)
    return tuple(
        each if each.role is Role.CHECK else replace(each, fills=fills, reads=reads)
        for each in rendered
    )


def read_in(select: exp.Expression, deltas: Collection[str]) -> tuple[str, ...]:
    """The delta tables in a select."""
    return tuple(sorted({name for name in tables_in(select) if name in deltas}))
