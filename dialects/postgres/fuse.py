"""A whole step as one statement: the change comes in as arrays, every part reads z^-1.

Sound because the plan reads each table as it was before the step and merges afterwards: all parts
of one data-modifying statement see the same snapshot, so their order does not matter. One
statement needs no delta tables and one round trip.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from sqlglot import exp

from stepping.compiler.plan.sql_plan import SQLFused
from stepping.compiler.plan.statements import (
    ClearDelta,
    EmitDelta,
    FoldInPython,
    MapInPython,
    MergeDelta,
    MergeGroups,
    MergeState,
    ReadDelta,
    Served,
    StageDelta,
    Step,
)
from stepping.compiler.plan.tables import Table, TableColumn, TableKind
from stepping.dialects.base import KEPT, Expression
from stepping.dialects.live import renamed
from stepping.dialects.natives import verbatim_type
from stepping.dialects.part_names import PartNames
from stepping.dialects.postgres.joins import joins_changes
from stepping.dialects.postgres.merge import (
    ROW_ID,
    Part,
    delta_parts,
    merge_of_groups,
    merge_of_rows,
    merge_of_states,
    query_of,
    state_parts,
    with_parts,
)
from stepping.dialects.postgres.staging import PostgresStaging
from stepping.dialects.scalars import type_named
from stepping.errors import InternalError

OUTPUT = "stepping_output"
_PARAMETER = re.compile(r"CAST\(\$\d+ AS ")


def fuse(dialect: PostgresStaging, step: Step) -> tuple[SQLFused | None, SQLFused | None]:
    """The step as one statement, or None if a part of it runs in Python or reads what it wrote.

    And the same for a change without removals, or None if that is no other.
    """
    parts: list[Part] = []
    served: list[tuple[str, str, str, str]] = []
    inputs: list[tuple[str, tuple[TableColumn, ...]]] = []
    reads: list[ReadDelta] = []
    parameters: list[str] = []
    found: set[str] = set()  # change tables that have `ROW_ID`
    falling: list[Part] = []  # what deletes, where nothing is deleted if nothing is removed
    at_end: Expression | None = None  # what merges the last table
    names = PartNames.beside(step.statements)

    def add(made: Sequence[Part], by: Served) -> None:
        parts.extend(made)
        served.extend((part.name, by.operator, by.where, by.node) for part in made)

    if step.in_turn:
        return None, None
    last_merge = merged_at_end(dialect, step)
    for statement in step.statements:
        match statement:
            case ClearDelta():
                continue
            case MapInPython() | FoldInPython():
                return None, None
            case StageDelta():
                inputs.append((statement.input, statement.table.columns))
                names.call(statement.table, statement.input)
                staged = dialect.staged(statement.table, len(parameters) + 1)
                parameters += dialect.staged_types(statement.table)
                add([part_of(names, statement.table, staged)], statement.served)
            case EmitDelta():
                columns = [*statement.table.names]
                if statement.table.weight:
                    columns.append(statement.table.weight)
                names.call(statement.table, statement.table.serves)
                tree = renamed(dialect, statement.select, columns)
                if looks_its_groups_up(statement):
                    # The merge finds them by that, and looks nothing up again.
                    tree = tree.select(exp.column(ROW_ID, table=KEPT))
                    found.add(statement.table.name)
                add([part_of(names, statement.table, tree)], statement.served)
            case MergeDelta() if statement is last_merge and (
                at_end := merge_of_rows(dialect, statement)
            ):
                continue
            case MergeDelta():
                made = delta_parts(dialect, statement, names.of(statement.table))
                add(made, statement.served)
                falling += made[-1:] if statement.grows else ()
            case MergeState():
                name = names.called[statement.change.name] if statement.change.name in found else ""
                if name and statement is last_merge:
                    at_end = merge_of_states(dialect, statement, name)
                    continue
                made = state_parts(dialect, statement, names.of(statement.table), found=name)
                add(made, statement.served)
                falling += made[-1:] if statement.grows else ()
            case MergeGroups():
                at_end = merge_of_groups(dialect, statement)
            case ReadDelta():
                reads.append(statement)
            case _:
                assert_never(statement)
    last, outputs = outputs_of(dialect, reads)
    returned = dialect.text(last, names.called)
    if at_end is not None and last_merge is not None:
        last, returned = at_end, ""
        by = last_merge.served
        served.append(("SELECT", by.operator, by.where, by.node))
    tree = with_parts(dialect, parts, last)
    for read in reads:
        by = read.served
        served.append(("SELECT", by.operator, by.where, by.node))
    text = dialect.text(tree, names.called)
    fused = SQLFused(
        text,
        tuple(inputs),
        outputs,
        tuple(served),
        explain_sql=_PARAMETER.sub("CAST('{}' AS ", text),
        parameters=tuple(parameters),
        joins_changes=any(
            joins_changes(each.select)
            for each in step.statements
            if isinstance(each, EmitDelta | MergeDelta | MergeGroups | ReadDelta)
        ),
        returning_at=len(text) - len(returned) if text.endswith(returned) else 0,
        returns=("integer", *(each for read in reads for each in column_types(dialect, read))),
    )
    if dialect.merging is not None or not falling:
        return fused, None  # a fold is read: one text for what was added and what was removed
    return fused, without(dialect, fused, falling, names)


def merged_at_end(
    dialect: PostgresStaging, step: Step
) -> MergeDelta | MergeState | MergeGroups | None:
    """The merge that the whole statement may be, the others its parts; of a fold."""
    statements = step.statements
    if dialect.merging is None or any(isinstance(each, ReadDelta) for each in statements):
        return None
    merges = [e for e in statements if isinstance(e, MergeDelta | MergeState | MergeGroups)]
    return merges[-1] if merges else None


def part_of(names: PartNames, table: Table, tree: Expression) -> Part:
    return Part(names.called[table.name], tree, materialized=True)


def without(
    dialect: PostgresStaging, fused: SQLFused, parts: Sequence[Part], names: PartNames
) -> SQLFused:
    """The same without some parts. They are cut out of the text: to write it takes longest of all
    that is done to plan a step.
    """
    text = fused.sql
    for part in parts:
        cut_out = dialect.text(query_of(dialect, part), names.called)
        front, cut, behind = text.partition(f", {cut_out}")
        if not cut:
            raise InternalError(f"a statement does not have its part {part.name}")
        text = front + behind
    shorter = len(fused.sql) - len(text)
    starts = fused.returning_at - shorter if fused.returning_at else 0
    return replace(fused, sql=text, returning_at=starts, parts=(), explain_sql="")


def looks_its_groups_up(statement: EmitDelta) -> bool:
    """Whether the select of a change table has `ROW_ID` of the groups as they are kept."""
    if statement.table.kind is not TableKind.CHANGE or not isinstance(statement.select, exp.Select):
        return False
    joined = [join.this for join in statement.select.args.get("joins") or ()]
    return any(isinstance(each, exp.Lateral) and each.alias == KEPT for each in joined)


def outputs_of(
    dialect: PostgresStaging, reads: Sequence[ReadDelta]
) -> tuple[Expression, tuple[tuple[int, int, int], ...]]:
    """One SELECT of all outputs: a row has the columns of its own, and NULL for the others'."""
    if not reads:
        nothing = exp.select(exp.alias_(exp.Literal.number(0), OUTPUT)).where(exp.false())
        return nothing, ()
    selects: list[Expression] = []
    widths: list[int] = []
    for position, read in enumerate(reads):
        branches = list(union_branches(read.select))
        widths.append(len(branches[0].expressions))
        types = column_types(dialect, read)
        selects += (tagged(read.output, position, branch, types) for branch in branches)
    if len(reads) > 1:
        all_types = [column_types(dialect, read) for read in reads]
        selects = [padded(select, position_of(select), widths, all_types) for select in selects]
    union = selects[0]
    for select in selects[1:]:
        union = exp.union(union, select, distinct=False, copy=False)
    offsets, offset = [], 1
    for read, width in zip(reads, widths, strict=True):
        offsets.append((read.output, offset, width))
        offset += width
    return union, tuple(offsets)


def column_types(dialect: PostgresStaging, read: ReadDelta) -> list[str]:
    return [*(dialect.returned_type(column) for column in read.columns), "bigint"]


def union_branches(select: Expression) -> Sequence[Expression]:
    if isinstance(select, exp.Union):
        return [*union_branches(select.this), *union_branches(select.expression)]
    return [select]


def tagged(output: int, position: int, select: Expression, types: Sequence[str]) -> Expression:
    """The rows of an output with its position in front. A function returns none of other types."""
    changed = select.copy()
    tag = exp.alias_(exp.Literal.number(output), OUTPUT)
    columns = [typed(each, t) for each, t in zip(changed.expressions, types, strict=True)]
    changed.set("expressions", [tag, *columns])
    changed.meta["position"] = position
    return changed


def typed(column: Expression, to: str) -> Expression:
    alias = column.args.get("alias")  # of a subquery as well, which is no exp.Alias
    value = column.unalias().copy()
    if isinstance(value, exp.Subquery):
        value.set("alias", None)
    cast = exp.Cast(this=value, to=returned_type(to))
    return exp.alias_(cast, alias.copy()) if alias else cast


# Those that columns of Python's types have.
_OWN_TYPES = frozenset(
    {
        "bigint",
        "boolean",
        "bytea",
        "date",
        "double precision",
        "numeric",
        "text",
        "time without time zone",
        "timestamp with time zone",
        "timestamp without time zone",
        "uuid",
    }
)


def returned_type(name: str) -> exp.DataType:
    if name.lower() in _OWN_TYPES:
        return type_named(name, "postgres")
    return verbatim_type(name)


def position_of(select: Expression) -> int:
    return int(select.meta["position"])


def padded(
    select: Expression, position: int, widths: Sequence[int], types: Sequence[Sequence[str]]
) -> Expression:
    tag, *own = select.expressions
    columns = [tag]
    for other, width in enumerate(widths):
        if other == position:
            columns += own
        else:
            columns += (typed(exp.Null(), types[other][i]) for i in range(width))
    select.set("expressions", columns)
    return select
