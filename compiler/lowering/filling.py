"""Filling tables from others: delta rules read with whole tables in the place of changes.

A delta rule says what a step adds to an integral. With everything that was ever inserted as the
one change, nothing before it, and tables that are filled in the order of the query in the place of
what is behind it, the same rule gives the whole integral. That is how a migration fills what is
new from what is stored, and how verify computes what should be there.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering.arrangements import Arrangement, KeyedState
from stepping.compiler.lowering.changes import Changes, halfway
from stepping.compiler.lowering.demand import Columns, Demand
from stepping.compiler.lowering.fusing import cuts
from stepping.compiler.lowering.group_sql import GroupSQL
from stepping.compiler.lowering.needs import Filling, Find, Needs, Standing, closures
from stepping.compiler.lowering.pieces import Pieces, served
from stepping.compiler.lowering.plan_sql import Planned
from stepping.compiler.lowering.stages import Piece
from stepping.compiler.lowering.terms import Source, Term, TermBuilder, seen_through
from stepping.compiler.plan.statements import EmitDelta, MergeState, Statement
from stepping.compiler.plan.tables import Table, TableColumn, TableKind
from stepping.compiler.schema import BOOL, TEXT
from stepping.dialects.base import CHANGED, KEPT

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


@dataclass
class FillingTerms(TermBuilder):
    """Terms with tables that stand in the place of changes."""

    cuts: Mapping[ir.Operator, Standing] = field(default_factory=dict)
    begun: str = ""

    def terms(self, relation: ir.Relation, wanted: Columns) -> tuple[Term, ...]:
        if isinstance(relation, ir.Constant) and self.begun:
            return (self.if_begun(),)
        if isinstance(relation, ir.Read) and relation.moment is ir.Moment.DELTA:
            found = self.cuts.get(relation.operator)
            if found is not None:
                return (seen_through(self.whole(found.table), found.columns),)
        return super().terms(relation, wanted)

    def if_begun(self) -> Term:
        """One row if the query's first step has been, else none."""
        alias = self.alias(QUERIES)
        name, started = (ir.ColumnRef(f"{alias}.{c.name}", c.type) for c in QUERIES.columns)
        is_it = ir.Call("eq", (name, ir.Const(self.begun, TEXT)), BOOL)
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
            more = frozenset(halfway(changes)) - forced - set(self.needs.cuts)
            if not deep or not more:
                break
            forced |= more
        self.made.statements += statements

    def filled(self, changes: Changes) -> list[Statement]:
        statements: list[Statement] = []
        # A step may carry more columns than these tables are made of.
        scheduler = dataclasses.replace(
            self.planned.scheduler, demand=Demand(delta=self.needs.wanted), delta_tables={}
        )
        arrangements = self.planned.arrangements
        tables = {op: scheduler.delta_table(op) for op in changes.order if op in changes.emitted}
        for op in changes.order:
            if not op.inputs and op not in self.needs.cuts:
                columns = scheduler.delta_columns(op, self.needs.wanted[op])
                role = f"delta_{op.label}"
                tables[op] = scheduler.new_delta_table(role, op, columns, f"the rows of {op.label}")
                self.made.given[op.label] = tables[op]
        tabled = scheduler.own_tables_of(changes)
        builder = FillingTerms(
            changes, arrangements, tables, tabled, cuts=self.needs.cuts, begun=self.begun
        )
        sql = GroupSQL(self.planned.dialect, arrangements)
        pieces = FillingPieces(scheduler, changes, builder, sql, given=self.needs.kept_states)
        for operator in changes.order:
            if operator.inputs and not self.is_cut(operator):
                statements += (piece.statement for piece in pieces.filled(operator))
            elif not operator.inputs and operator.label in self.made.given:
                pieces.used[self.made.given[operator.label]] = None
            arrangement = arrangements.delay.get(operator)
            filled = writes_itself(operator) and operator.inputs[0] not in self.needs.cuts
            is_new = arrangement is not None and arrangement.table.name in self.new
            if arrangement is not None and is_new and not filled:
                statements.append(pieces.whole(arrangement))
            for groups in changes.tabled[operator]:
                state = arrangements.state.get(groups.operator)
                if isinstance(groups, ir.Accumulate) and state and state.table.name in self.new:
                    by = served(groups.operator)
                    statements.append(MergeState(state.table, state.change, by))
        self.made.temporary = {t: None for t in pieces.used if not t.is_kept}
        return statements

    def is_cut(self, operator: ir.Operator) -> bool:
        """Whether nothing below an operator has to be computed."""
        return operator in self.needs.cuts and operator not in self.needs.grouped

    def changes(self, forced: frozenset[ir.Operator]) -> Changes:
        """The rules of what is needed, resolved: nothing is before, all is in the change."""
        needs = self.needs
        delta: dict[ir.Operator, ir.Relation] = {}
        order: list[ir.Operator] = []
        for operator in self.planned.changes:
            if operator not in needs.wanted and operator not in needs.grouped:
                continue
            if not operator.inputs and operator.label in needs.empty:
                continue
            relation: ir.Relation = ir.Read(operator, ir.Moment.DELTA)
            if operator.inputs and not self.is_cut(operator):
                rule = operator.delta(ir.Reads())
                relation = self.resolved(rule, delta)
            if isinstance(relation, ir.Nothing):
                continue
            delta[operator] = relation
            order.append(operator)
        uses: Counter[ir.Operator] = Counter()
        for operator in order:
            uses.update(deltas_read(delta[operator]) - {operator})
            arrangement = self.planned.arrangements.delay.get(operator)
            uses[operator] += arrangement is not None and arrangement.table.name in self.new
        emitted = frozenset(
            operator
            for operator in order
            if operator.inputs
            and operator not in needs.cuts
            and (
                isinstance(delta[operator], ir.Computed)
                or operator in forced
                or self.is_worth(operator, delta, uses)
            )
        )
        emitted |= cuts(order, delta, emitted | set(needs.cuts)) - set(needs.cuts)
        tabled = {op: tuple(dict.fromkeys(ir.tabled(delta[op]))) for op in order}
        return Changes(delta, emitted, tabled, tuple(order))

    def is_worth(
        self,
        operator: ir.Operator,
        delta: Mapping[ir.Operator, ir.Relation],
        uses: Mapping[ir.Operator, int],
    ) -> bool:
        """Whether rows are computed once into a table: those of a join that several read."""
        return uses[operator] > 1 and has_match(delta[operator])

    def resolved(
        self, relation: ir.Relation, delta: Mapping[ir.Operator, ir.Relation]
    ) -> ir.Relation:
        match relation:
            case ir.Read(operator, ir.Moment.DELTA):
                return relation if operator in delta else ir.Nothing(operator.schema.names)
            case ir.Read(operator, ir.Moment.BEFORE):
                return ir.Nothing(operator.schema.names)
            case ir.Read(operator, _, by):
                # Behind the change: its table, which is filled or stands already.
                return ir.Read(operator, ir.Moment.BEFORE, by)
            case ir.Constant() | ir.Nothing():
                return relation
            case ir.Accumulate() if relation.operator in self.needs.kept_states:
                return dataclasses.replace(relation, contributions=())
        parts = tuple(self.resolved(part, delta) for part in ir.sources(relation))
        some = tuple(part for part in parts if not isinstance(part, ir.Nothing))
        match relation:
            case ir.Sum():
                if len(some) < 2:
                    return some[0] if some else ir.Nothing(ir.column_names(relation))
                return ir.Sum(some)
            case ir.Accumulate() | ir.Closure():
                if not some:
                    return ir.Nothing(ir.column_names(relation))
                return ir.with_sources(relation, parts)
            case (
                ir.Project()
                | ir.Filter()
                | ir.Negate()
                | ir.Threshold()
                | ir.First()
                | ir.Computed()
                | ir.Match()
            ):
                if len(some) < len(parts):
                    return ir.Nothing(ir.column_names(relation))
                return ir.with_sources(relation, parts)
            case _:
                assert_never(relation)


def writes_itself(operator: ir.Operator) -> bool:
    """Whether an operator's table is filled by the statements of its input: a recursion's."""
    return any(inner.state == operator for each in operator.inputs for inner in closures(each))


def deltas_read(relation: ir.Relation) -> set[ir.Operator]:
    """The operators whose change is read in a relation."""
    return {
        each.operator
        for each in ir.within(relation)
        if isinstance(each, ir.Read) and each.moment is ir.Moment.DELTA
    }


def has_match(relation: ir.Relation) -> bool:
    if isinstance(relation, ir.Tabled):
        return False
    return isinstance(relation, ir.Match) or any(map(has_match, ir.sources(relation)))


@dataclass
class FillingPieces(Pieces):
    """The statements of one step in which everything comes, and nothing was before."""

    given: frozenset[ir.Operator] = frozenset()

    def whole(self, arrangement: Arrangement) -> Statement:
        """All rows of a delay table, which is empty: no row of it is looked for."""
        table = arrangement.table
        _, parts = self.kept_rows(arrangement)
        select = self.sql.rows(parts, table.weight, consolidated=True, into=table)
        return EmitDelta(table, select, served(arrangement.operator))

    def grouped(self, groups: ir.Accumulate) -> Piece:
        if groups.operator not in self.given:
            return super().grouped(groups)
        state = self.scheduler.arrangements.state[groups.operator]
        self.used[state.change] = None
        return Piece(EmitDelta(state.change, self.standing(state), served(groups.operator)))

    def standing(self, state: KeyedState) -> Expression:
        """Groups that are kept, as if this step had made them."""
        table, dialect = state.table, self.sql.dialect

        def raw(name: str) -> Expression:
            return exp.column(self.sql.name(name), table=self.sql.name(KEPT))

        values: dict[str, Expression] = {ir.GROUP_NEW: raw(table.weight or "")}
        for each in table.values:
            values[each.new] = dialect.reference(table, each.value, KEPT)
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

    def existing(self, threshold: ir.Threshold) -> Piece:
        """Each row with the weight that the rule gives it."""
        table = self.builder.tabled[threshold]
        terms = self.terms(threshold.source, table.names)
        rows = self.rows(terms, table.names, table.weight, consolidated=True)
        count = exp.column(self.sql.name(table.weight), table=self.sql.name(CHANGED))
        weight = self.sql.ruled(count, threshold.rule)
        select = (
            exp.select(
                *(exp.column(self.sql.name(n), table=self.sql.name(CHANGED)) for n in table.names),
                exp.alias_(weight, self.sql.name(table.weight)),
            )
            .from_(exp.Subquery(this=rows, alias=exp.TableAlias(this=self.sql.name(CHANGED))))
            .where(exp.NEQ(this=weight.copy(), expression=exp.Literal.number(0)))
        )
        self.used[table] = None
        return Piece(EmitDelta(table, select, served(threshold.operator)))

    def first(self, first: ir.First) -> list[Piece]:
        return super().first(first)[1:]  # nothing was first before
