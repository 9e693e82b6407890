"""Filling tables from others: delta rules read with whole tables in the place of changes.

A delta rule says what a step adds to an integral. With everything that was ever inserted as the
one change, nothing before it, and tables that are filled in the order of the query in the place of
what is behind it, the same rule gives the whole integral. That is how a migration fills what is
new from what is stored, and how verify computes what should be there.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering.arrangements import Arrangement, KeyedState
from stepping.compiler.lowering.changes import Changes, halfway
from stepping.compiler.lowering.demand import Columns, Demand, walk
from stepping.compiler.lowering.fusing import cuts
from stepping.compiler.lowering.group_sql import GroupSQL
from stepping.compiler.lowering.pieces import Pieces, served
from stepping.compiler.lowering.plan_sql import Planned
from stepping.compiler.lowering.stages import Piece
from stepping.compiler.lowering.terms import Term, TermBuilder, seen_through
from stepping.compiler.plan.statements import EmitDelta, MergeState, Statement
from stepping.compiler.plan.tables import Table
from stepping.dialects.base import CHANGED, KEPT

Expression = Any  # a sqlglot expression


@dataclass(frozen=True)
class Standing:
    """Where an operator's rows are: a table, and each wanted column as a scalar over its own."""

    table: Table
    columns: Mapping[str, ir.Scalar]


@dataclass(frozen=True)
class Missing:
    """Rows that no table has."""

    operator: ir.Operator
    columns: tuple[str, ...]
    why: str
    blocks: tuple[str, ...]  # tables that cannot be filled for it


@dataclass
class Filling:
    """The statements that fill some tables, and what they need."""

    statements: list[Statement] = field(default_factory=list)
    temporary: dict[Table, None] = field(default_factory=dict)
    given: dict[str, Table] = field(default_factory=dict)  # inputs that come from outside
    missing: list[Missing] = field(default_factory=list)


Find = Callable[[ir.Operator, Columns], Standing | None]


def filling(
    planned: Planned,
    new: set[str],
    find: Find,
    given: frozenset[str] = frozenset(),
    empty: frozenset[str] = frozenset(),
) -> Filling:
    """How the tables named by ``new`` are filled.

    ``find`` says where an operator's rows stand, if they do; ``given`` are inputs whose rows will
    be in their delta tables, ``empty`` those that have none.
    """
    made = Filling()
    needs = Needs(planned, new, find, given, made, empty=empty)
    needs.collect()
    if not made.missing:
        Filler(planned, new, needs, made).fill()
    return made


@dataclass
class Needs:
    """Which operators' rows are needed for some tables, and which columns of them."""

    planned: Planned
    new: set[str]
    find: Find
    given: frozenset[str]
    made: Filling
    # The tables that are there; by default all that are not new.
    there: set[str] | None = None
    empty: frozenset[str] = frozenset()
    # Rows come batch by batch: what a rule reads of the steps before is filled as well.
    in_batches: bool = False
    wanted: dict[ir.Operator, set[str]] = field(default_factory=lambda: defaultdict(set))
    cuts: dict[ir.Operator, Standing] = field(default_factory=dict)
    grouped: set[ir.Operator] = field(default_factory=set)  # whose state is new
    before: dict[ir.Operator, None] = field(default_factory=dict)  # whose integrals are read
    computed: set[ir.Operator] = field(default_factory=set)  # whose rows are not looked for

    def __post_init__(self) -> None:
        states = self.planned.arrangements.state
        self.kept_states = frozenset(
            operator
            for operator, state in states.items()
            if state.table.name not in self.new
            and (self.there is None or state.table.name in self.there)
            and not self.in_batches
        )

    def collect(self) -> None:
        """Walk from the new tables to what they are made of, until rows are found that stand."""
        arrangements = self.planned.arrangements
        for operator in reversed(self.planned.changes):
            arrangement = arrangements.delay.get(operator)
            if arrangement is not None and arrangement.table.name in self.new:
                self.wanted[operator] |= arrangement.reads
            state = arrangements.state.get(operator)
            if state is not None and state.table.name in self.new:
                self.grouped.add(operator)
                self.computed |= {operator} if self.in_batches else set()
            if operator in self.wanted or operator in self.grouped:
                self.reach(operator)

    def reach(self, operator: ir.Operator) -> None:
        columns = frozenset(self.wanted.get(operator, ()))
        if not operator.inputs and operator.label in (self.given | self.empty):
            return
        if operator in self.wanted and operator not in self.computed:
            found = self.find(operator, columns)
            if found is not None:
                self.cuts[operator] = found
                if operator not in self.grouped:
                    return
        if not operator.inputs:
            self.miss(operator, columns, "no table has them")
            return
        relation = operator.delta(ir.Reads())
        if operator.by_steps or reads_itself(operator, relation):
            self.miss(operator, columns, "they depend on the steps in which rows came")
            return
        demand = Demand(given=self.kept_states, flat=self.planned.arrangements.flat)
        walk(demand, relation, columns, operator)
        for source, read in demand.delta.items():
            self.wanted[source] |= read  # also if it is nothing: how many rows there are
        for read_before in demand.readings if self.in_batches else ():
            self.read_before(read_before)

    def read_before(self, operator: ir.Operator) -> None:
        """Have an integral filled that a batch reads as it was before it."""
        self.before[operator] = None
        arrangements = self.planned.arrangements
        view = arrangements.views.get(operator)
        if view is None:
            self.wanted[operator] |= arrangements.delay[operator].reads
            return
        # It is made of the groups of a state table, so these and all between must be computed.
        groups = view.state.groups.operator
        self.grouped.add(groups)
        self.wanted[groups] |= set()
        while operator is not groups:
            self.computed.add(operator)
            self.wanted[operator] |= set()
            (operator,) = operator.inputs
        self.computed.add(groups)

    def miss(self, operator: ir.Operator, columns: Columns, why: str) -> None:
        shown = tuple(name for name in operator.schema.names if name in columns)
        self.made.missing.append(Missing(operator, shown, why, tuple(self.blocked(operator))))

    def blocked(self, operator: ir.Operator) -> Iterator[str]:
        arrangements = self.planned.arrangements
        for each in self.planned.changes:
            if operator in ir.topological(each):
                kept = arrangements.delay.get(each), arrangements.state.get(each)
                names = (found.table.name for found in kept if found is not None)
                yield from (name for name in names if name in self.new)


def reads_itself(operator: ir.Operator, relation: ir.Relation) -> bool:
    """Whether a delta rule reads what its own operator was before."""
    return any(
        isinstance(each, ir.Read)
        and each.operator is operator
        and each.moment is not ir.Moment.DELTA
        for each in ir.within(relation)
    )


@dataclass
class FillingTerms(TermBuilder):
    """Terms with tables that stand in the place of changes."""

    cuts: Mapping[ir.Operator, Standing] = field(default_factory=dict)

    def terms(self, relation: ir.Relation, wanted: Columns) -> tuple[Term, ...]:
        if isinstance(relation, ir.Read) and relation.moment is ir.Moment.DELTA:
            found = self.cuts.get(relation.operator)
            if found is not None:
                return (seen_through(self.whole(found.table), found.columns),)
        return super().terms(relation, wanted)


@dataclass
class Filler:
    """Makes the statements, in the order of the query."""

    planned: Planned
    new: set[str]
    needs: Needs
    made: Filling

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
        builder = FillingTerms(changes, arrangements, tables, tabled, cuts=self.needs.cuts)
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
    return any(
        isinstance(inner, ir.Closure) and inner.state == operator
        for each in operator.inputs
        for inner in ir.tabled(each.delta(ir.Reads()))
    )


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
