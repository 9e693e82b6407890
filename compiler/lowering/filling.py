"""Filling tables from others: delta rules read with whole tables in the place of changes.

A delta rule says what a step adds to an integral. With everything that was ever inserted as the
one change, nothing before it, and tables that are filled in the order of the query in the place of
what is behind it, the same rule gives the whole integral. That is how a migration fills what is
new from what is stored, and how verify computes what should be there.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering.arrangements import Arrangement, KeyedState
from stepping.compiler.lowering.changes import Changes, changes_of, halfway
from stepping.compiler.lowering.demand import Demand
from stepping.compiler.lowering.group_sql import GroupSQL
from stepping.compiler.lowering.needs import Filling, Find, Needs, closures
from stepping.compiler.lowering.pieces import Pieces, served
from stepping.compiler.lowering.planned import Planned
from stepping.compiler.lowering.stages import ScheduledStatement, piece_of
from stepping.compiler.lowering.terms import Source, Term, TermBuilder
from stepping.compiler.plan.statements import EmitDelta, MergeState, Statement
from stepping.compiler.plan.tables import Table, TableColumn, TableKind
from stepping.compiler.schema import BOOL, TEXT
from stepping.dialects.base import KEPT

Expression = Any  # a sqlglot expression

# The catalog: the name of a query, and whether its first step has been.
QUERIES = Table(
    "stepping_queries",
    TableKind.ROWS,
    (TableColumn("name", TEXT), TableColumn("started", BOOL)),
    weight=None,
)


def filling(
    planned: Planned,
    new: set[str],
    find: Find,
    given: frozenset[str] = frozenset(),
    empty: frozenset[str] = frozenset(),
    begun: str = "",
) -> Filling:
    """How the tables named by ``new`` are filled.

    ``find`` says where an operator's rows stand, if they do; ``given`` are inputs whose rows will
    be in their delta tables, ``empty`` those that have none. ``begun`` is the installed query whose
    first step, in which the count of nothing comes, may be still to come.
    """
    made = Filling()
    needs = Needs(planned, new, find, given, made, empty=empty)
    needs.collect()
    if not made.missing:
        Filler(planned, new, needs, made, begun).fill()
    return made


def if_begun(name: str) -> Term:
    """One row if the first step of a query has been, else none."""
    alias = "b"
    held, started = (ir.ColumnRef(f"{alias}.{c.name}", c.type) for c in QUERIES.columns)
    is_it = ir.Call("eq", (held, ir.Const(name, TEXT)), BOOL)
    return Term((Source(QUERIES, alias, single=True),), {}, filters=(is_it, started))


@dataclass
class Filler:
    """Makes the statements, in the order of the query."""

    planned: Planned
    new: set[str]
    needs: Needs
    made: Filling
    begun: str

    def fill(self) -> None:
        """Compute more and more beforehand, until no statement is more than a parser takes."""
        forced: frozenset[ir.Operator] = frozenset()
        while True:
            changes = self.changes(forced)
            statements = self.filled(changes)
            deep = self.planned.scheduler.too_deep(statements)
            more = frozenset(halfway(changes)) - forced - self.inlined
            if not deep or not more:
                break
            forced |= more
        self.made.statements += statements

    def filled(self, changes: Changes) -> list[Statement]:
        made: list[ScheduledStatement] = []
        # A step may carry more columns than these tables are made of.
        demand = Demand(delta=defaultdict(set, self.needs.wanted))
        scheduler = dataclasses.replace(self.planned.scheduler, demand=demand, delta_tables={})
        arrangements = self.planned.arrangements
        tables = {op: scheduler.delta_table(op) for op in changes.order if op in changes.emitted}
        for op in changes.order:
            if not op.inputs and op not in self.needs.cuts:
                columns = scheduler.delta_columns(op, self.needs.wanted[op])
                role = f"delta_{op.label}"
                tables[op] = scheduler.new_delta_table(role, op, columns, f"the rows of {op.label}")
                self.made.given[op.label] = tables[op]
        tabled = scheduler.own_tables_of(changes)
        builder = TermBuilder(changes, arrangements, tables, tabled, elsewhere=self.needs.standing)
        if self.begun:
            builder.constant = if_begun(self.begun)
        sql = GroupSQL(self.planned.dialect, arrangements)
        pieces = FillingPieces(
            scheduler, changes, builder, sql, given=self.needs.kept_states, new=self.new
        )
        for operator in changes.order:
            if operator.inputs and not self.needs.is_cut(operator):
                made += pieces.filled(operator)
            elif not operator.inputs and operator.label in self.made.given:
                pieces.used[self.made.given[operator.label]] = None
            arrangement = arrangements.delay.get(operator)
            filled = writes_itself(operator) and operator.inputs[0] not in self.needs.cuts
            is_new = arrangement is not None and arrangement.table.name in self.new
            if arrangement is not None and is_new and not filled:
                made.append(pieces.whole(arrangement))
            for groups in changes.tabled[operator]:
                state = arrangements.state.get(groups.operator)
                if isinstance(groups, ir.Accumulate) and state and pieces.merges(state):
                    by = served(groups.operator)
                    made.append(ScheduledStatement(MergeState(state.table, state.change, by)))
        # Groups that are kept, but for those of which nothing more is made.
        read = frozenset().union(*(piece.uses for piece in made))
        unread = {change for change in pieces.shown if change.name not in read}
        made = [piece for piece in made if piece.fills not in {each.name for each in unread}]
        used = (table for table in pieces.used if not table.is_kept and table not in unread)
        self.made.temporary = dict.fromkeys(used)
        return [piece.statement for piece in made]

    @property
    def inlined(self) -> frozenset[ir.Operator]:
        """What is not computed into a table: it is in one, or no table can have all its columns."""
        return frozenset(self.needs.cuts) | self.needs.apart

    def changes(self, forced: frozenset[ir.Operator]) -> Changes:
        """The rules of what is needed, resolved: nothing is before, all is in the change."""
        needs = self.needs
        operators = [
            op
            for op in self.planned.changes
            if (op in needs.asked or op in needs.grouped)
            and not (not op.inputs and op.label in needs.empty)
        ]
        given = [op for op in operators if not op.inputs or needs.is_cut(op)]
        delay = self.planned.arrangements.delay
        roots = [op for op in operators if op in delay and delay[op].table.name in self.new]
        return changes_of(
            operators,
            given,
            roots,
            forced,
            moments=needs.moments,
            first=True,
            elsewhere=needs.cuts,
            inlined=self.inlined,
        )


def writes_itself(operator: ir.Operator) -> bool:
    """Whether an operator's table is filled by the statements of its input: a recursion's."""
    return any(inner.state == operator for each in operator.inputs for inner in closures(each))


@dataclass
class FillingPieces(Pieces):
    """The statements of one step in which everything comes, and nothing was before."""

    given: frozenset[ir.Operator] = frozenset()
    new: Set[str] = frozenset()
    shown: dict[Table, None] = field(default_factory=dict)  # changes that show what is kept

    def whole(self, arrangement: Arrangement) -> ScheduledStatement:
        """All rows of a delay table, which is empty: no row of it is looked for."""
        table = arrangement.table
        terms, parts = self.kept_rows(arrangement)
        select = self.sql.rows(parts, table.weight, consolidated=True, into=table)
        return piece_of(EmitDelta(table, select, served(arrangement.operator)), terms)

    def differ(self, threshold: ir.Threshold, table: Table) -> bool:
        return False  # whole tables come, which nobody has added up

    def grouped(self, groups: ir.Accumulate) -> list[ScheduledStatement]:
        state = self.scheduler.arrangements.state[groups.operator]
        is_new = state.table.name in self.new
        if groups.operator not in self.given and (self.merges(state) or not is_new):
            return super().grouped(groups)
        made = []
        if groups.operator not in self.given:
            contributions = self.builder.group_terms(groups)
            terms = [term for term, _ in contributions]
            emit = EmitDelta(
                state.table, self.sql.whole(state, contributions), served(groups.operator)
            )
            made.append(piece_of(emit, terms))
        self.used[state.change] = self.shown[state.change] = None
        emit = EmitDelta(state.change, self.standing(state), served(groups.operator))
        return [*made, ScheduledStatement(emit, fills=state.change.name)]

    def merges(self, state: KeyedState) -> bool:
        """Whether groups are merged into a new table, and not written there at once."""
        return state.groups.collected is not None and state.table.name in self.new

    def standing(self, state: KeyedState) -> Expression:
        """Groups that are kept, as if this step had made them."""
        table, dialect = state.table, self.sql.dialect

        def raw(name: str) -> Expression:
            return exp.column(self.sql.name(name), table=self.sql.name(KEPT))

        values: dict[str, Expression] = {ir.GROUP_NEW: raw(table.weight or "")}
        for each in table.values:
            values[each.new] = dialect.reference(table, each.value, KEPT)
            if each.exact:
                values[each.exact] = raw(each.exact)
            if each.finite:
                values[each.finite] = raw(each.value)
                values |= {side: raw(side) for side in (each.positive, each.negative)}
        columns = []
        for column in state.change.columns:
            value = values.get(column.name)
            if value is None:
                is_key = column.name in table.key
                value = dialect.reference(table, column.name, KEPT) if is_key else exp.null()
            columns.append(exp.alias_(value, self.sql.name(column.name)))
        return exp.select(*columns).from_(self.sql.aliased(table, KEPT))
