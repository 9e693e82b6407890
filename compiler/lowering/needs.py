"""Which rows are needed to fill some tables, and where they stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from stepping.compiler import ir
from stepping.compiler.lowering.demand import Columns, Demand, walk
from stepping.compiler.lowering.planned import Planned
from stepping.compiler.lowering.terms import Standing
from stepping.compiler.plan.statements import Statement
from stepping.compiler.plan.tables import Table


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
    # Tables that stay, and are looked up in: whose rows they have.
    looked_up: dict[ir.Operator, Table] = field(default_factory=dict)


Find = Callable[[ir.Operator, Columns], Standing | None]


@dataclass
class Separate(Demand):
    """What one delta rule reads, each read by itself."""

    read: list[tuple[ir.Operator, Columns]] = field(default_factory=list)

    def read_delta(self, operator: ir.Operator, columns: Columns) -> None:
        self.read.append((operator, columns))


@dataclass
class Needs:
    """Which operators' rows are needed for some tables, and which columns of them.

    One table may have some columns of an operator and another one others, and none both: what is
    read in one place is looked for apart from what is read in another.
    """

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
    # The columns of what is computed, and those of it that are read in each place.
    wanted: dict[ir.Operator, set[str]] = field(default_factory=dict)
    asked: dict[ir.Operator, list[Columns]] = field(default_factory=lambda: defaultdict(list))
    # What is read from tables, by the columns that are read.
    cuts: dict[ir.Operator, dict[Columns, Standing]] = field(default_factory=dict)
    apart: set[ir.Operator] = field(default_factory=set)  # whose columns cannot be had together
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
        self.moments = ir.Moments(whole=not self.in_batches, given=self.kept_states)
        self._can: dict[tuple[ir.Operator, Columns], bool] = {}

    def collect(self) -> None:
        """Walk from the new tables to what they are made of, until rows are found that stand."""
        arrangements = self.planned.arrangements
        for operator in reversed(self.planned.changes):
            arrangement = arrangements.delay.get(operator)
            if arrangement is not None and arrangement.table.name in self.new:
                self.ask(operator, arrangement.reads)
            state = arrangements.state.get(operator)
            if state is not None and state.table.name in self.new:
                self.grouped.add(operator)
                self.computed |= {operator} if self.in_batches else set()
            if self.writes_new(operator):
                # Nothing else may read it, and rows that stand elsewhere would not be written.
                self.computed.add(operator)
                self.ask(operator, frozenset())
            if operator in self.asked or operator in self.grouped:
                self.reach(operator)

    def ask(self, operator: ir.Operator, columns: Columns) -> None:
        if self.in_batches and self.asked[operator]:  # a batch is one change of what is read
            self.asked[operator] = [self.asked[operator][0] | columns]
        elif columns not in self.asked[operator]:
            self.asked[operator].append(columns)

    @property
    def read(self) -> dict[ir.Operator, set[str]]:
        """All columns that are read of each operator, wherever they are."""
        return {operator: set().union(*asked) for operator, asked in self.asked.items()}

    def standing(self, operator: ir.Operator, columns: Columns) -> Standing | None:
        """Where these columns of an operator's rows are read, if in a table."""
        found = self.cuts.get(operator, {})
        return next((at for held, at in found.items() if columns <= held), None)

    def is_cut(self, operator: ir.Operator) -> bool:
        """Whether nothing below an operator has to be computed."""
        return operator in self.cuts and operator not in {*self.wanted, *self.grouped}

    def writes_new(self, operator: ir.Operator) -> bool:
        """Whether the rule of an operator writes a new table itself: a recursion's."""
        delay = self.planned.arrangements.delay
        states = (delay.get(each.state) for each in closures(operator))
        return any(each is not None and each.table.name in self.new for each in states)

    def reach(self, operator: ir.Operator) -> None:
        asked = self.asked.get(operator, [])
        if not operator.inputs and operator.label in (self.given | self.empty):
            self.wanted[operator] = set().union(*asked)
            return
        left = [columns for columns in asked if not self.found(operator, columns)]
        if not left and operator not in self.grouped:
            return
        together: Columns = frozenset().union(*left)
        if len(left) > 1 and not self.can(operator, together):
            self.apart.add(operator)
        elif left:
            left = [together]
        if left:
            self.wanted[operator] = set(together)
        if not operator.inputs:
            self.miss(operator, together, "no table has them")
            return
        if operator.by_steps or reads_itself(operator, operator.delta(ir.Reads())):
            self.miss(operator, together, "they depend on the steps in which rows came")
            return
        for columns in left or [frozenset()]:
            demand = self.read_by(operator, columns)
            for source, read in demand.read:
                self.ask(source, read)  # also if it is nothing: how many rows there are
            for stored in demand.readings:
                kept = self.planned.arrangements.delay.get(stored)
                if self.in_batches:
                    self.read_before(stored)
                elif kept is not None and kept.table.name not in self.new:
                    self.made.looked_up[stored] = kept.table
        for each in ir.tabled(operator.delta(ir.Reads())) if self.in_batches else ():
            if isinstance(each, ir.Accumulate):
                self.come_together(each)

    def found(self, operator: ir.Operator, columns: Columns) -> bool:
        if operator in self.computed:
            return False
        found = self.find(operator, columns)
        if found is not None:
            self.cuts.setdefault(operator, {})[columns] = found
        return found is not None

    def read_by(self, operator: ir.Operator, columns: Columns) -> Separate:
        """What the rule of an operator reads, for some of its columns."""
        demand = Separate(flat=self.planned.arrangements.flat)
        walk(demand, self.moments.rule(operator), columns, operator)
        return demand

    def can(self, operator: ir.Operator, columns: Columns) -> bool:
        """Whether these columns of an operator can be found, or computed of what is found."""
        key = (operator, columns)
        if key not in self._can:
            self._can[key] = self._is_found(operator, columns) or self._is_computed(*key)
        return self._can[key]

    def _is_found(self, operator: ir.Operator, columns: Columns) -> bool:
        if not operator.inputs and operator.label in (self.given | self.empty):
            return True
        return operator not in self.computed and self.find(operator, columns) is not None

    def _is_computed(self, operator: ir.Operator, columns: Columns) -> bool:
        if not operator.inputs or operator.by_steps:
            return False
        if reads_itself(operator, operator.delta(ir.Reads())):
            return False
        return all(self.can(*each) for each in self.read_by(operator, columns).read)

    def read_before(self, operator: ir.Operator) -> None:
        """Have an integral filled that a batch reads as it was before it."""
        self.before[operator] = None
        arrangements = self.planned.arrangements
        view = arrangements.views.get(operator)
        if view is None:
            self.ask(operator, arrangements.delay[operator].reads)
            return
        # It is made of the groups of a state table, so these and all between must be computed.
        groups = view.state.groups.operator
        self.grouped.add(groups)
        self.ask(groups, frozenset())
        while operator is not groups:
            self.computed.add(operator)
            self.ask(operator, frozenset())
            (operator,) = operator.inputs
        self.computed.add(groups)

    def come_together(self, groups: ir.Accumulate) -> None:
        """Have all that makes up groups come in the same batches.

        Rows that make a group exist, its distinct values and its values in order are operators of
        their own, which stand in tables of their own. Read from there, the values of a group could
        come in a batch before its rows, when there is no group that would keep them. So rows are
        looked for only where all that is made of what they are made of is made of them.
        """
        roots = parts_of(groups)
        if len(roots) < 2:
            return
        readers: dict[ir.Operator, set[ir.Operator]] = defaultdict(set)
        for root in roots:
            readers[root].add(groups.operator)
        for operator in ir.topological(*roots):
            for each in operator.inputs:
                readers[each].add(operator)
        for operator in ir.topological(*roots):
            below = set(ir.topological(operator)) - {operator}
            if any(readers[each] - below - {operator} for each in below):
                self.computed.add(operator)

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


def closures(operator: ir.Operator) -> Iterator[ir.Closure]:
    """The recursions in the rule of an operator."""
    rule = operator.delta(ir.Reads()) if operator.inputs else None
    for each in () if rule is None else ir.tabled(rule):
        if isinstance(each, ir.Closure):
            yield each


def parts_of(groups: ir.Accumulate) -> list[ir.Operator]:
    """The operators whose rows change groups, or are values of theirs."""
    sources = (part for each in groups.contributions for part in ir.within(each.source))
    read = [part.operator for part in sources if isinstance(part, ir.Read)]
    return list(dict.fromkeys([*read, *(extreme.operator for extreme in groups.extremes)]))


def reads_itself(operator: ir.Operator, relation: ir.Relation) -> bool:
    """Whether a delta rule reads what its own operator was before."""
    return any(
        isinstance(each, ir.Read)
        and each.operator is operator
        and each.moment is not ir.Moment.DELTA
        for each in ir.within(relation)
    )


def in_base(planned: Planned) -> Find:
    """Finds an input's rows in the application's table."""
    base = planned.arrangements.base

    def find(operator: ir.Operator, columns: Columns) -> Standing | None:
        table = base.tables.get(operator)
        if table is None:
            return None
        held = dict(zip(operator.schema.names, table.columns, strict=True))
        return Standing(table, {n: ir.ColumnRef(held[n].name, held[n].type) for n in columns})

    return find
