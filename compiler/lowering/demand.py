"""Which columns of each operator are read, at which moment, and by which keys.

Walked from what reads to what is read, so that a column nobody reads is neither stored nor carried
along: a value that nothing downstream uses then costs nothing when it changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import assert_never

from stepping.compiler import ir
from stepping.compiler.frontend.index import ordering
from stepping.compiler.lowering.derivations import closure_keys
from stepping.compiler.lowering.flattening import looked_up

Columns = frozenset[str]
Key = tuple[ir.Scalar, ...]


@dataclass(frozen=True)
class Reading:
    """One way in which a stored integral is read: by a key, in a direction if the order counts.

    In an order, the first ``equal`` scalars of the key are looked up and the others ordered by.
    """

    key: Key
    ascending: tuple[bool, ...] | None = None
    equal: int = 0
    picked: bool = False  # row by row from the start of the order


@dataclass
class Demand:
    """What is read of each operator: of its change, and of its integral."""

    delta: dict[ir.Operator, set[str]] = field(default_factory=lambda: defaultdict(set))
    stored: dict[ir.Operator, set[str]] = field(default_factory=lambda: defaultdict(set))
    readings: dict[ir.Operator, list[Reading]] = field(default_factory=lambda: defaultdict(list))
    states: dict[ir.Operator, ir.Accumulate] = field(default_factory=dict)
    # Operators whose stored rows are read by something other than an equality look-up (thresholds,
    # top-n, extremes, recursion), and by what: a view cannot stand for their integral.
    probed: dict[ir.Operator, set[type[ir.Relation]]] = field(
        default_factory=lambda: defaultdict(set)
    )
    # Joins whose integral is not kept: see `flattening`.
    flat: frozenset[ir.Operator] = frozenset()
    flat_keys: dict[ir.Operator, dict[Key, None]] = field(default_factory=dict)

    def read_delta(self, operator: ir.Operator, columns: Columns) -> None:
        self.delta[operator] |= columns

    def read_stored(self, operator: ir.Operator, columns: Iterable[str], reading: Reading) -> None:
        self.stored[operator] |= set(columns)
        if reading not in self.readings[operator]:
            self.readings[operator].append(reading)


def demand_of(
    roots: tuple[ir.Operator, ...],
    moments: ir.Moments,
    *,
    flat: frozenset[ir.Operator],
    prune: bool = True,
) -> Demand:
    """The demand of a whole query. ``roots``: outputs (changes), and snapshots that are kept."""
    demand = Demand(flat=flat)
    for root in roots:
        match root.flow:
            case ir.Flow.CHANGE:
                demand.delta[root] |= set(root.schema.names)
            case ir.Flow.SNAPSHOT:
                _keep(demand, root)
    for operator in reversed(list(ir.topological(*roots))):
        if operator.flow is ir.Flow.SNAPSHOT:
            continue
        if not prune:
            demand.delta[operator] |= set(operator.schema.names)
            if operator in demand.stored:
                demand.stored[operator] |= set(operator.schema.names)
        for reading in demand.readings.get(operator, ()):
            for scalar in reading.key:
                demand.delta[operator] |= ir.columns_read(scalar)
        demand.delta[operator] |= demand.stored.get(operator, set())
        walk(demand, moments.rule(operator), frozenset(demand.delta[operator]), operator)
    return demand


def _keep(demand: Demand, snapshot: ir.Operator) -> None:
    (source,) = snapshot.inputs
    keys: tuple[ir.RowFunction, ...] = getattr(snapshot, "keys", ())
    directions: tuple[tuple[bool, ...], ...] = getattr(snapshot, "directions", ())
    names = source.schema.names
    demand.read_stored(source, names, Reading(()))
    for function, ascending in zip(keys, directions, strict=True):
        if function.scalars is not None:
            demand.read_stored(source, names, Reading(*ordering(function.scalars, ascending)))


def walk(demand: Demand, relation: ir.Relation, wanted: Columns, within: ir.Operator) -> None:
    """Add what one delta rule of ``within`` reads, if of its result some columns are wanted."""
    match relation:
        case ir.Read(operator, ir.Moment.DELTA):
            if operator is not within:  # an input's change is what it is given
                demand.read_delta(operator, wanted)
        case ir.Read(operator, _, by):
            if operator in demand.flat:
                demand.flat_keys.setdefault(operator, {})[by] = None
                _walk_sides(demand, relation, wanted, within)
            else:
                demand.read_stored(operator, wanted, Reading(by))
        case ir.Project():
            walk(demand, relation.source, columns_of(relation, wanted), within)
        case ir.Filter():
            read = wanted | ir.columns_read(relation.predicate)
            walk(demand, relation.source, read, within)
        case ir.Negate():
            walk(demand, relation.source, wanted, within)
        case ir.Sum():
            for part in relation.parts:
                walk(demand, part, wanted, within)
        case ir.Match():
            left, right = sides(relation, wanted)
            walk(demand, relation.left, left, within)
            walk(demand, relation.right, right, within)
        case ir.Accumulate():
            if not relation.contributions:  # its state is there already
                return
            demand.states[relation.operator] = relation
            for each in relation.contributions:
                read = contributed_columns(each) | collected_columns(relation)
                walk(demand, each.source, read, within)
            for extreme in relation.extremes:
                demand.probed[extreme.operator].add(ir.Accumulate)
                read_ordered(demand, extreme.operator, order_of_extreme(extreme))
                demand.stored[extreme.operator] |= set(extreme.operator.schema.names)
        case ir.Closure():
            whole = frozenset(relation.operator.schema.names)
            demand.read_stored(relation.state, whole, Reading(()))
            demand.probed[relation.state].add(ir.Closure)
            for operator, key in closure_keys(relation):
                demand.probed[operator].add(ir.Closure)
                demand.read_stored(operator, operator.schema.names, Reading(key))
            for part in relation.presence:
                walk(demand, part, frozenset(ir.column_names(part)), within)
        case ir.First():
            demand.probed[relation.operator].add(ir.First)
            read_ordered(demand, relation.operator, order_of_first(relation))
            whole = frozenset(relation.operator.schema.names)
            demand.stored[relation.operator] |= whole
            walk(demand, relation.source, whole, within)
            if relation.old is not None:
                walk(demand, relation.old, whole, within)
        case ir.Regroup():
            demand.probed[relation.operator].add(ir.Regroup)
            rows = frozenset(relation.operator.schema.names)
            demand.read_stored(relation.operator, rows, Reading(relation.by))
            walk(demand, relation.source, rows, within)
            if relation.old is not None:
                walk(demand, relation.old, frozenset(ir.column_names(relation)), within)
        case ir.Threshold():
            # Whether a row exists is a question about the whole row.
            whole = frozenset(relation.operator.schema.names)
            demand.probed[relation.operator].add(ir.Threshold)
            demand.read_stored(relation.operator, whole, Reading(()))
            walk(demand, relation.source, whole, within)
        case ir.Computed():
            walk(demand, relation.source, frozenset(ir.column_names(relation.source)), within)
        case ir.Constant() | ir.Nothing():
            pass
        case _:
            assert_never(relation)


def _walk_sides(demand: Demand, read: ir.Read, wanted: Columns, within: ir.Operator) -> None:
    """What is read of both sides where a join's integral is looked up in theirs."""
    looked = looked_up(read.operator, read.by)
    assert looked is not None
    for step in looked.steps:
        if isinstance(step, ir.Filter):
            wanted |= ir.columns_read(step.predicate)
        else:
            wanted = columns_of(step, wanted)
    for side in looked.reads(read.moment):
        own = {inner for outer, inner in looked.names(side.operator) if outer in wanted}
        if side.operator is looked.first:
            own = own.union(*(ir.columns_read(scalar) for scalar in looked.on_first))
        walk(demand, side, frozenset(own), within)


def read_ordered(demand: Demand, operator: ir.Operator, reading: Reading) -> None:
    demand.read_stored(operator, (), reading)


def order_of_extreme(extreme: ir.Extreme) -> Reading:
    """How the values of a group are read: the key looked up, the value in order."""
    *keys, value = (scalar for _, scalar in ir.references(extreme.operator.schema.columns))
    ordered, ascending = ordering([value], [not extreme.largest])
    up = (*(True for _ in keys), *ascending)
    return Reading((*keys, *ordered), up, equal=len(keys))


def order_of_first(first: ir.First) -> Reading:
    """How the first rows of a group are read: the key looked up, the rows in order."""
    # A scalar of the key that is ordered by as well is looked up only.
    rest = [
        (scalar, up)
        for scalar, up in zip(first.order, first.ascending, strict=True)
        if scalar not in first.by
    ]
    up = (*(True for _ in first.by), *(up for _, up in rest))
    key = (*first.by, *(scalar for scalar, _ in rest))
    return Reading(key, up, equal=len(first.by), picked=True)


def columns_of(project: ir.Project, wanted: Columns) -> Columns:
    """The columns of its source that the wanted columns of a projection are made of."""
    read = (ir.columns_read(scalar) for name, scalar in project.columns if name in wanted)
    return frozenset().union(*read)


def sides(match: ir.Match, wanted: Columns) -> tuple[Columns, Columns]:
    """The columns of each side that a Match needs: the wanted ones, and those of its key.

    A side that is stored has its key as columns of its own, named by its ``by``.
    """
    left_names, right_names = ir.column_names(match.left), ir.column_names(match.right)
    width = len(left_names)
    left = frozenset(
        inner
        for inner, outer in zip(left_names, match.names[:width], strict=True)
        if outer in wanted
    )
    right = frozenset(
        inner
        for inner, outer in zip(right_names, match.names[width:], strict=True)
        if outer in wanted
    )
    if not is_stored(match.left):
        left = left.union(*(ir.columns_read(scalar) for scalar in match.on_left))
    if not is_stored(match.right):
        right = right.union(*(ir.columns_read(scalar) for scalar in match.on_right))
    return left, right


def is_stored(relation: ir.Relation) -> bool:
    """Whether a relation is an integral in a delay table, to be looked up by key."""
    return isinstance(relation, ir.Read) and relation.moment is not ir.Moment.DELTA


def contributed_columns(contribution: ir.Contribution) -> Columns:
    """The columns of its source that a contribution's keys and values are made of."""
    scalars = (*contribution.keys, *(value for value in contribution.values if value is not None))
    return frozenset().union(*(ir.columns_read(scalar) for scalar in scalars))


def collected_columns(groups: ir.Accumulate) -> Columns:
    """The columns of its source that collected values are made of."""
    items = () if groups.collected is None else groups.collected.items
    return frozenset().union(*(ir.columns_read(scalar) for scalar in items))


def non_negative(roots: tuple[ir.Operator, ...], *, allow_negative: bool) -> set[ir.Operator]:
    """The operators whose integral cannot have a count below 0, if the inputs' have none."""
    proven: set[ir.Operator] = set()
    for operator in ir.topological(*roots):
        inputs = tuple(each in proven for each in operator.inputs)
        if operator.non_negative(inputs) and not (allow_negative and not operator.inputs):
            proven.add(operator)
    return proven
