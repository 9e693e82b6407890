"""The statements of one step, in order: one list per set of changed inputs.

All reads of a step see the tables as they were before it. So each statement that reads a kept
table comes before the one that merges into it; nothing else orders them. Tables that one statement
reads or writes together form a *stage*: it can be committed by itself, and no table is touched by
two stages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from stepping.compiler import ir
from stepping.compiler.lowering import names
from stepping.compiler.lowering.arrange import where_of
from stepping.compiler.lowering.arrangements import Arrangements
from stepping.compiler.lowering.changes import Changes, changes_of, halfway
from stepping.compiler.lowering.demand import Demand
from stepping.compiler.lowering.group_sql import GroupSQL
from stepping.compiler.lowering.pieces import Owned, Pieces, of_table, served
from stepping.compiler.lowering.spans import ranges_of
from stepping.compiler.lowering.stages import (
    ScheduledStatement,
    in_order,
    needs,
    staged,
    table_free_prefix,
)
from stepping.compiler.lowering.terms import NOTHING_READ, Term, TermBuilder
from stepping.compiler.plan.statements import (
    ClearDelta,
    MergeState,
    Statement,
    Step,
)
from stepping.compiler.plan.tables import Table, TableColumn, TableKind
from stepping.compiler.schema import free_name
from stepping.dialects.base import Dialect
from stepping.errors import InternalError

WEIGHT = "c"

# Relations whose change stands in a table of their own, as columns of a row.


@dataclass
class Scheduler:
    """Schedules the steps of one query on one dialect."""

    operators: tuple[ir.Operator, ...]  # inputs first
    outputs: tuple[ir.Operator, ...]
    demand: Demand
    arrangements: Arrangements
    dialect: Dialect
    taken: set[str]
    delta_tables: dict[ir.Operator, Table] = field(default_factory=dict)
    own_tables: dict[tuple[ir.Node, str], Table] = field(default_factory=dict)
    python_steps: list[ir.Operator] = field(default_factory=list)
    prefix: str = ""  # of the names of delta tables, so that they are not those of a step
    sources: frozenset[ir.Operator] = frozenset()  # what changes as inputs do
    logs: Mapping[ir.Operator, Table] = field(default_factory=dict)  # of captured inputs
    constant: Term = NOTHING_READ  # what is there before any row is

    def step(self, changed: frozenset[str], *, first: bool = False) -> Step:
        """The statements for a change of these inputs; ``first``: in a store's first step."""
        forced: frozenset[ir.Operator] = frozenset()
        while True:
            changes = self.changes(changed, forced, first)
            pieces, merging = self.pieces(changes)
            deep = self.too_deep(piece.statement for piece in pieces)
            if deep and (more := frozenset(halfway(changes)) - forced):
                forced |= more
                continue
            ordered, stuck = in_order(pieces)
            if len(ordered) == len(pieces):
                break
            # Two merges that each read what the other writes: compute one change beforehand.
            more = frozenset(merging[name] for name in stuck) - forced
            if not more:
                raise InternalError("the statements of a step cannot be put in order")
            forced |= more
        stages = staged(ordered)
        tables = sorted({name for piece in ordered for name in piece.touched})
        starts, position = [], 0
        for stage in stages:
            starts.append(position)
            position += len(stage)
        return Step(
            tuple(op.label for op in self.operators if not op.inputs and op.label in changed),
            tuple(piece.statement for stage in stages for piece in stage),
            tuple(tables),
            tuple(starts),
            tuple(tuple(sorted(set().union(*(p.touched for p in stage)))) for stage in stages),
            needs(stages),
            table_free_prefix(stages[0]) if stages else 0,
            any(piece.after & {p.writes for p in ordered} for piece in ordered),
        )

    def changes(
        self, changed: frozenset[str], forced: frozenset[ir.Operator], first: bool
    ) -> Changes:
        outputs = [op for op in self.outputs if op.flow is ir.Flow.CHANGE]
        roots = [*outputs, *self.arrangements.delay]
        given = {op for op in self.operators if not op.inputs and op.label in changed}
        given |= self.sources
        moments = self.arrangements.moments
        return changes_of(self.operators, given, roots, forced, moments=moments, first=first)

    def too_deep(self, statements: Iterable[Statement]) -> bool:
        """Whether what has been fused is more than a database's parser takes."""
        selects = (getattr(each, "select", None) for each in statements)
        return any(select is not None and self.dialect.too_deep(select) for select in selects)

    def pieces(self, changes: Changes) -> tuple[list[ScheduledStatement], dict[str, ir.Operator]]:
        tables = {
            op: self.delta_table(op)
            for op in changes.order
            if changes.is_source(op) or op in changes.emitted
        }
        tabled = self.own_tables_of(changes)
        builder = TermBuilder(changes, self.arrangements, tables, tabled, constant=self.constant)
        sql = GroupSQL(self.dialect, self.arrangements, in_steps=True)
        made = Pieces(self, changes, builder, sql)
        pieces: list[ScheduledStatement] = []
        for operator in changes.order:
            pieces += made.filled(operator)
        for position, output in enumerate(self.outputs):
            if output.flow is ir.Flow.CHANGE and changes.changed(output):
                pieces.append(made.output(position, output))
        merging: dict[str, ir.Operator] = {}
        for operator, arrangement in self.arrangements.delay.items():
            if changes.changed(operator):
                pieces.append(made.merged(arrangement))
                merging[arrangement.table.name] = operator
        groups_of: dict[str, ir.Accumulate] = {}  # by their change table
        for groups in dict.fromkeys(each for op in changes.order for each in changes.tabled[op]):
            if not isinstance(groups, ir.Accumulate):
                continue
            state = self.arrangements.state[groups.operator]
            groups_of[state.change.name] = groups
            grows = state.change.name in made.growing
            merge = MergeState(state.table, state.change, served(groups.operator), grows)
            pieces.append(
                ScheduledStatement(
                    merge, uses=frozenset({state.change.name}), writes=state.table.name
                )
            )
        if self.dialect.merging is not None:
            pieces = merged_at_once(pieces, made, groups_of)
        pieces = [self.at_its_moment(piece) for piece in pieces]
        used = [table for table in made.used if table.kind is not TableKind.DELAY]
        clears = [
            ScheduledStatement(ClearDelta(table, of_table(table)), fills=table.name)
            for table in used
        ]
        return [*clears, *pieces], merging

    def at_its_moment(self, piece: ScheduledStatement) -> ScheduledStatement:
        """The piece, reading tables that hold the step's change after that has been merged."""
        moments, delay = self.arrangements.moments, self.arrangements.delay
        names = frozenset(delay[op].table.name for op in moments.after if op in delay)
        if not names & piece.reads:
            return piece
        return replace(piece, reads=piece.reads - names, after=piece.after | (piece.reads & names))

    def delta_table(self, operator: ir.Operator) -> Table:
        """The table of an operator's change, with the columns that anybody reads."""
        if operator not in self.delta_tables:
            columns = self.delta_columns(operator, self.demand.delta[operator])
            made = self.new_delta_table(
                f"delta_{names.role_of(operator)}",
                operator,
                columns,
                f"the change of {operator.label} in one step",
            )
            held = [(each.name, ir.ColumnRef(each.name, each.type)) for each in columns]
            self.delta_tables[operator] = replace(made, ranges=ranges_of(operator, held))
        return self.delta_tables[operator]

    def delta_columns(
        self, operator: ir.Operator, wanted: Collection[str]
    ) -> tuple[TableColumn, ...]:
        columns = operator.schema.columns
        return tuple(TableColumn(c.name, c.type) for c in columns if c.name in wanted)

    def new_delta_table(
        self, role: str, operator: ir.Operator, columns: tuple[TableColumn, ...], reason: str
    ) -> Table:
        taken = {column.name.lower() for column in columns}
        return Table(
            names.delta_name(f"{self.prefix}{role}", columns, self.taken),
            TableKind.DELTA,
            columns,
            free_name(WEIGHT, taken),
            reason=reason,
            serves=operator.label,
            where=where_of(operator),
            rows_of=str(operator.schema.type),
            node=operator.digest.hex(),
        )

    def own_table(self, inner: Owned, role: str = "") -> Table:
        """The table that a relation is always computed into."""
        # By what it means in any step: the source is the change, however it is made.
        unsourced: ir.Node
        match inner:
            case ir.Threshold():
                named, unsourced = "exists", dataclasses.replace(inner, source=ir.Nothing(()))
            case ir.First():
                named, unsourced = "first", dataclasses.replace(inner, source=ir.Nothing(()))
            case ir.Regroup():
                named, unsourced = "groups", dataclasses.replace(inner, source=ir.Nothing(()))
            case ir.Closure():
                named, unsourced = "closure", dataclasses.replace(inner, presence=())
        role = role or named
        key = (unsourced, role)
        if key not in self.own_tables:
            operator = inner.operator
            columns = ir.column_types(inner)
            self.own_tables[key] = self.new_delta_table(
                f"{role}_{names.role_of(operator)}",
                operator,
                tuple(TableColumn(name, columns[name]) for name in ir.column_names(inner)),
                f"what changes in the {role} rows of {operator.label}",
            )
        return self.own_tables[key]

    def own_tables_of(self, changes: Changes) -> dict[Owned, Table]:
        """The tables of all such relations in the changes."""
        return {
            inner: self.own_table(inner)
            for op in changes.order
            for inner in changes.tabled[op]
            if isinstance(inner, Owned)
        }

    def python_step(self, operator: ir.Operator) -> int:
        if operator not in self.python_steps:
            self.python_steps.append(operator)
        return self.python_steps.index(operator)


def merged_at_once(
    pieces: list[ScheduledStatement], made: Pieces, groups_of: Mapping[str, ir.Accumulate]
) -> list[ScheduledStatement]:
    """The pieces, in which a change of groups that nobody else reads is merged as it is found.

    Of the only table that is written: a database may take one MERGE, behind the other parts.
    """
    writing = [piece for piece in pieces if piece.writes is not None]
    if len(writing) != 1 or not isinstance(merge := writing[0].statement, MergeState):
        return pieces
    change = merge.change.name
    others = [each for each in pieces if each is not writing[0] and each.fills != change]
    if any(change in each.uses for each in others):
        return pieces
    at_once = made.merged_groups(groups_of[change])
    if at_once is None or merge.table.name in at_once.reads:
        return pieces
    del made.used[merge.change]
    return [*others, at_once]
