"""The statements of one step: what fills its delta tables, is merged, and is read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, assert_never

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering.arrange import where_of
from stepping.compiler.lowering.arrangements import Arrangement, Arrangements
from stepping.compiler.lowering.changes import Changes
from stepping.compiler.lowering.closure_sql import ClosureSQL
from stepping.compiler.lowering.group_sql import GroupSQL
from stepping.compiler.lowering.relation_sql import Outputs
from stepping.compiler.lowering.stages import (
    ScheduledStatement,
    piece_of,
)
from stepping.compiler.lowering.terms import Source, Term, TermBuilder
from stepping.compiler.lowering.views import shows_whole
from stepping.compiler.operators.expand import Expand
from stepping.compiler.plan.statements import (
    EmitDelta,
    FoldInPython,
    MapInPython,
    MergeDelta,
    ReadDelta,
    Served,
    StageDelta,
)
from stepping.compiler.plan.tables import Table, TableColumn, TableKind
from stepping.dialects.base import Dialect
from stepping.errors import InternalError

Expression = Any  # a sqlglot expression
Owned = ir.Threshold | ir.First | ir.Regroup | ir.Closure


class Scheduled(Protocol):
    """What is the same for all steps of a query: see `Scheduler`."""

    arrangements: Arrangements
    dialect: Dialect
    logs: Mapping[ir.Operator, Table]

    def python_step(self, operator: ir.Operator) -> int: ...
    def own_table(self, inner: Owned, role: str = "") -> Table: ...


@dataclass
class Pieces:
    """Makes the pieces of one step."""

    scheduler: Scheduled
    changes: Changes
    builder: TermBuilder
    sql: GroupSQL
    used: dict[Table, None] = field(default_factory=dict)
    # Tables of changes in which no weight is below 0 if no input's is: of groups, no change of n.
    growing: set[str] = field(default_factory=set)

    def filled(self, operator: ir.Operator) -> list[ScheduledStatement]:
        """The statements that fill the delta and change tables of an operator."""
        pieces = []
        for inner in self.changes.tabled[operator]:
            table = None if isinstance(inner, ir.Accumulate) else self.builder.tabled[inner]
            if table in self.used:
                continue  # another operator asks the same of the same rows
            match inner:
                case ir.Accumulate():
                    pieces += self.grouped(inner)
                case ir.Threshold():
                    pieces.append(self.existing(inner))
                case ir.First():
                    pieces += self.first(inner)
                case ir.Regroup():
                    pieces += self.regrouped(inner)
                case ir.Closure():
                    pieces += self.closed(inner)
                case _:
                    assert_never(inner)
        table = self.builder.delta_tables.get(operator)
        if table is None:
            return pieces
        self.used[table] = None
        if operator in self.scheduler.logs:
            return [*pieces, self.logged(operator, table)]
        if self.changes.is_source(operator):
            self.growing.add(table.name)
            stage = StageDelta(table, served(operator), operator.label)
            return [*pieces, ScheduledStatement(stage, fills=table.name)]
        relation = self.changes.delta[operator]
        if isinstance(relation, ir.Computed):
            return [*pieces, self.computed(operator, table, relation)]
        terms = self.terms(relation, table.names)
        if self.grows(terms):
            self.growing.add(table.name)
        added_up = operator in self.changes.added_up
        select = self.rows(terms, table.names, table.weight, table, consolidated=added_up)
        emit = EmitDelta(table, select, served(operator))
        return [*pieces, piece_of(emit, terms, fills=table)]

    def logged(self, operator: ir.Operator, table: Table) -> ScheduledStatement:
        """The change of a table of the application, from what was written down of it."""
        term = self.builder.whole(self.scheduler.logs[operator])
        parts = [(term, [(name, term.columns[name]) for name in table.names])]
        select = self.sql.rows(parts, table.weight, consolidated=True)
        self.growing.add(table.name)
        return piece_of(EmitDelta(table, select, served(operator)), [term], fills=table)

    def grouped(self, groups: ir.Accumulate) -> list[ScheduledStatement]:
        state = self.scheduler.arrangements.state[groups.operator]
        contributions = self.builder.group_terms(groups)
        terms = [term for term, _ in contributions]
        self.used[state.change] = None
        if state.table.non_negative and self.grows(terms):
            self.growing.add(state.change.name)
        if groups.collected is not None:
            fold = FoldInPython(
                state.change,
                self.sql.folded(state, contributions),
                served(groups.operator),
                self.scheduler.python_step(groups.operator),
                len(groups.keys),
                "values are packed in Python",
            )
            return [piece_of(fold, terms, fills=state.change, also={state.table.name})]
        select = self.sql.groups(state, contributions)
        emit = EmitDelta(state.change, select, served(groups.operator))
        after = {
            self.scheduler.arrangements.delay[extreme.operator].table.name
            for extreme in groups.extremes
            if extreme.operator in self.scheduler.arrangements.delay
        }
        return [piece_of(emit, terms, fills=state.change, also={state.table.name}, after=after)]

    def merged_groups(self, groups: ir.Accumulate) -> ScheduledStatement | None:
        """The change of groups as it is merged at once; None where Python has a part in it."""
        if groups.collected is not None:
            return None
        arrangements = self.scheduler.arrangements
        contributions = self.builder.group_terms(groups)
        state = arrangements.state[groups.operator]
        merge = self.sql.merged(state, contributions, served(groups.operator))
        extremes = [
            each.operator for each in groups.extremes if each.operator in arrangements.delay
        ]
        after = [arrangements.delay[each].table.name for each in extremes]
        terms = [term for term, _ in contributions]
        return piece_of(merge, terms, writes=state.table.name, after=after)

    def first(self, first: ir.First) -> list[ScheduledStatement]:
        """Take away what was first in each touched group, and add what is first after the step."""
        table = self.builder.tabled[first]
        arrangement = self.scheduler.arrangements.delay.get(first.operator)
        read = frozenset().union(*(ir.columns_read(scalar) for scalar in first.by))
        terms = self.terms(first.source, read)
        self.used[table] = None
        by = served(first.operator)
        made = []
        if arrangement is None:
            new = self.sql.first_in_place(first, table, terms)
            return [self.instead(first.old, first.by, new, table, terms, by)]
        kept = {arrangement.table.name}
        if first.old is not None:
            result = self.scheduler.arrangements.delay[first.old.operator]
            old = self.sql.before(first.by, first.by, result, table, terms)
            also = {result.table.name}
            made.append(piece_of(EmitDelta(table, old, by), terms, fills=table, also=also))
        elif first.stored is ir.Stored.BEFORE:
            old = self.sql.first(first, arrangement, table, terms, -1)
            made.append(piece_of(EmitDelta(table, old, by), terms, fills=table, also=kept))
        new = EmitDelta(table, self.sql.first(first, arrangement, table, terms, 1), by)
        return [*made, piece_of(new, terms, fills=table, after=kept)]

    def instead(
        self,
        old: ir.Read | None,
        by: tuple[ir.Scalar, ...],
        new: Expression,
        into: Table,
        terms: Sequence[Term],
        where: Served,
    ) -> ScheduledStatement:
        """``new`` rows of the touched groups, and what the result had of them taken away: where
        rows are read in place, in one statement, since none has to wait for a merge.
        """
        if old is None:
            return piece_of(EmitDelta(into, new, where), terms, fills=into)
        result = self.scheduler.arrangements.delay[old.operator]
        gone = self.sql.before(by, old.by, result, into, terms)
        both = exp.union(gone, new, distinct=False, copy=False)
        also = {result.table.name}
        return piece_of(EmitDelta(into, both, where), terms, fills=into, also=also)

    def regrouped(self, groups: ir.Regroup) -> list[ScheduledStatement]:
        """Take away the rows of each touched group, and add those that it has after the step."""
        table = self.builder.tabled[groups]
        arrangement = self.scheduler.arrangements.delay.get(groups.operator)
        read = frozenset().union(*(ir.columns_read(scalar) for scalar in groups.by))
        terms = self.terms(groups.source, read)
        self.used[table] = None
        by = served(groups.operator)
        if arrangement is None:
            new = self.sql.regrouped_in_place(groups, table, terms)
            return [self.instead(groups.old, groups.by, new, table, terms, by)]
        made = []
        if groups.old is not None:
            result = self.scheduler.arrangements.delay[groups.old.operator]
            old = self.sql.before(groups.by, groups.old.by, result, table, terms)
            kept = {result.table.name}
            made.append(piece_of(EmitDelta(table, old, by), terms, fills=table, also=kept))
        new = EmitDelta(table, self.sql.regrouped(groups, arrangement, table, terms), by)
        after = {arrangement.table.name}
        return [*made, piece_of(new, terms, fills=table, after=after)]

    def closed(self, closure: ir.Closure) -> list[ScheduledStatement]:
        """Take away what lost a derivation, add what has one: see `ir.Closure`."""
        scheduler, builder = self.scheduler, self.builder
        into = builder.tabled[closure]
        gone = scheduler.own_table(closure, "gone")
        fresh = scheduler.own_table(closure, "fresh")
        arrangements = scheduler.arrangements
        changed = {
            i: builder.tabled[part]
            for i, part in enumerate(closure.presence)
            if isinstance(part, ir.Threshold)
        }
        sql = ClosureSQL(closure, arrangements, self.sql, changed)
        state = sql.state.table
        externals = {arrangements.delay[each].table.name for each in closure.externals}
        by = served(closure.operator)
        uses = frozenset(table.name for table in changed.values())
        for table in (into, gone, fresh):
            self.used[table] = None
        name = frozenset({state.name})
        return [
            ScheduledStatement(
                EmitDelta(gone, weighted(sql.gone(), gone), by),
                reads=frozenset(externals) | name,
                uses=uses,
                fills=gone.name,
            ),
            ScheduledStatement(
                MergeDelta(state, sql.merge(gone, -1), by, distinct=True),
                uses=frozenset({gone.name}),
                writes=state.name,
            ),
            ScheduledStatement(
                EmitDelta(fresh, weighted(sql.fresh(gone), fresh), by),
                after=frozenset(externals) | name,
                uses=uses | {gone.name},
                fills=fresh.name,
            ),
            # Behind what reads the set less what is gone; nothing else touches it.
            ScheduledStatement(
                MergeDelta(state, sql.merge(fresh, 1), by, distinct=True),
                after=name,
                uses=frozenset({fresh.name}),
            ),
            ScheduledStatement(
                EmitDelta(into, sql.delta(gone, fresh, into), by),
                uses=frozenset({gone.name, fresh.name}),
                fills=into.name,
            ),
        ]

    def existing(self, threshold: ir.Threshold) -> ScheduledStatement:
        table = self.builder.tabled[threshold]
        arrangement = None
        if threshold.stored is not ir.Stored.WHOLE:
            arrangement = self.scheduler.arrangements.delay[threshold.operator]
        terms = self.terms(threshold.source, table.names)
        distinct = len(terms) <= 1 and self.differ(threshold, table)
        rows = self.rows(terms, table.names, table.weight, consolidated=not distinct)
        select = self.sql.existing(threshold, arrangement, table, rows, terms)
        self.used[table] = None
        emit = EmitDelta(table, select, served(threshold.operator))
        also = {arrangement.table.name} if arrangement else ()
        return piece_of(emit, terms, fills=table, also=also)

    def differ(self, threshold: ir.Threshold, table: Table) -> bool:
        """Whether no row of the change that a threshold is about comes twice."""
        match threshold.source:
            case ir.Read(operator, ir.Moment.DELTA):
                return self.differ_in(operator, frozenset(table.names))
            case ir.Project(ir.Read(operator, ir.Moment.DELTA), columns):
                held = columns_held(columns, frozenset(table.names))
                return self.differ_in(operator, held)
            case _:
                return False

    def computed(
        self, operator: ir.Operator, table: Table, computed: ir.Computed
    ) -> ScheduledStatement:
        columns = ir.column_names(computed.source)
        terms = self.terms(computed.source, columns)
        select = self.rows(terms, columns, WEIGHT_READ)
        if isinstance(operator, Expand):
            if self.grows(terms):
                self.growing.add(table.name)
            expanded = self.sql.expanded(operator, select, WEIGHT_READ, table)
            return piece_of(EmitDelta(table, expanded, served(operator)), terms, fills=table)
        functions = operator.python_functions
        reason = "; ".join(dict.fromkeys(f.reason for f in functions if f.reason))
        faults = [f.fault or f.source for f in functions]
        fault = "; ".join(str(each) for each in faults if each)
        step = self.scheduler.python_step(operator)
        statement = MapInPython(table, select, served(operator), step, reason, fault)
        return piece_of(statement, terms, fills=table)

    def output(self, position: int, operator: ir.Operator) -> ScheduledStatement:
        columns = operator.schema.names
        terms = self.read(operator, columns)
        select = self.rows(terms, columns, WEIGHT_READ)
        typed = tuple(TableColumn(c.name, c.type) for c in operator.schema.columns)
        distinct = (len(terms) <= 1 and self.is_distinct(operator)) or shows_whole(operator)
        return piece_of(ReadDelta(position, select, served(operator), typed, distinct), terms)

    def kept_rows(
        self, arrangement: Arrangement
    ) -> tuple[tuple[Term, ...], list[tuple[Term, Outputs]]]:
        """The terms of what is added to a delay table, and each with the table's columns."""
        terms = self.read(arrangement.operator, arrangement.reads)
        return terms, [
            (term, [(n, ir.substitute(s, term.columns)) for n, s in arrangement.columns])
            for term in terms
        ]

    def merged(self, arrangement: Arrangement) -> ScheduledStatement:
        operator, table = arrangement.operator, arrangement.table
        terms, parts = self.kept_rows(arrangement)
        distinct = len(terms) <= 1 or is_keyed(operator)
        distinct = distinct and self.is_distinct(operator) and holds_all(arrangement)
        added_up = distinct or self.scheduler.dialect.adds_one_by_one
        select = self.sql.rows(parts, table.weight, consolidated=not added_up, into=table)
        grows = table.non_negative and self.grows(terms)
        merge = MergeDelta(table, select, served(operator), distinct, grows)
        return piece_of(merge, terms, writes=table.name)

    def grows(self, terms: Sequence[Term]) -> bool:
        """Whether no row of these terms has a weight below 0 in a step that only inserts."""
        return all(
            term.sources and not term.negative and all(map(self.is_positive, term.sources))
            for term in terms
        )

    def is_positive(self, source: Source) -> bool:
        table = source.table
        if table.is_kept:
            return source.single or table.non_negative
        return table.kind is TableKind.DELTA and table.name in self.growing

    def is_distinct(self, operator: ir.Operator) -> bool:
        """Whether no row comes twice in an operator's change, all its columns taken together."""
        if is_keyed(operator):
            return True
        if not operator.inputs or self.changes.is_source(operator):
            dialect = self.scheduler.dialect
            some = (dialect.images(c.type, exp.column(c.name)) for c in operator.schema.columns)
            return dialect.adds_one_by_one or not any(some)
        relation = self.changes.delta[operator]
        match relation:
            case ir.Filter(ir.Read(source, ir.Moment.DELTA)):
                return self.is_distinct(source)
            case ir.Project(ir.Read(source, ir.Moment.DELTA), columns):
                return self.differ_in(
                    source, columns_held(columns, frozenset(operator.schema.names))
                )
            case ir.Threshold():
                return True
            case ir.Match(ir.Read(left), ir.Read(right)):
                moments = {relation.left.moment, relation.right.moment}  # type: ignore[union-attr]
                return len(moments) == 2 and all(
                    not self.changes.changed(each) or self.is_distinct(each)
                    for each in (left, right)
                )
            case _:
                return False

    def differ_in(self, operator: ir.Operator, names: frozenset[str]) -> bool:
        """Whether rows of an operator's change differ in these columns, if they differ.

        The change of a table of the application has those columns that are read, and no others.
        """
        log = self.scheduler.logs.get(operator)
        if log is not None:
            return self.is_distinct(operator) and names.issuperset(log.names)
        match self.changes.delta[operator]:
            case ir.Filter(ir.Read(source, ir.Moment.DELTA)):
                return self.differ_in(source, names)
            case ir.Project(ir.Read(source, ir.Moment.DELTA), columns):
                return self.differ_in(source, columns_held(columns, names))
            case _:
                return self.is_distinct(operator) and names.issuperset(operator.schema.names)

    def read(self, operator: ir.Operator, columns: Iterable[str]) -> tuple[Term, ...]:
        return self.terms(ir.Reads().delta(operator), columns)

    def terms(self, relation: ir.Relation, columns: Iterable[str]) -> tuple[Term, ...]:
        return self.builder.terms(relation, frozenset(columns))

    def rows(
        self,
        terms: Sequence[Term],
        columns: Sequence[str],
        weight: str | None,
        into: Table | None = None,
        *,
        consolidated: bool = False,
    ) -> Any:
        if not terms:
            raise InternalError("a change that is not empty has no terms")
        parts = [(term, [(name, term.columns[name]) for name in columns]) for term in terms]
        return self.sql.rows(parts, weight, consolidated=consolidated, into=into)


def columns_held(columns: Iterable[tuple[str, ir.Scalar]], names: frozenset[str]) -> frozenset[str]:
    """The columns that some of a projection's are."""
    shown = (scalar for name, scalar in columns if name in names)
    return frozenset(scalar.name for scalar in shown if isinstance(scalar, ir.ColumnRef))


WEIGHT_READ = "stepping_count"  # the last column of what is read back: no field has this name


def weighted(select: Any, table: Table) -> Any:
    """The rows of a select, each with weight 1."""
    return select.select(exp.alias_(exp.Literal.number(1), exp.to_identifier(table.weight, True)))


def is_keyed(operator: ir.Operator) -> bool:
    """Whether the change comes from a change table: the old and the new row of each group."""
    relation = operator.delta(ir.Reads())
    return any(isinstance(inner, ir.Accumulate) for inner in ir.tabled(relation))


def holds_all(arrangement: Arrangement) -> bool:
    """Whether a delay table holds every column of its operator."""
    return all(arrangement.holding(name) is not None for name in arrangement.operator.schema.names)


def served(operator: ir.Operator) -> Served:
    return Served(operator.label, where_of(operator), operator.digest.hex())


def of_table(table: Table) -> Served:
    return Served(table.serves, table.where, table.node)
