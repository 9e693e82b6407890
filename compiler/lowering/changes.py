"""What changes in one step, given which inputs do: delta rules resolved for one plan.

With the other inputs' deltas empty most terms vanish. What remains is decided here to be either
written where it is used (*inlined*) or computed once into a delta table (*emitted*).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stepping.compiler import ir
from stepping.compiler.lowering.branches import branching
from stepping.compiler.lowering.cancelling import cancelling
from stepping.compiler.lowering.fusing import cuts, is_given


@dataclass(frozen=True)
class Changes:
    """The resolved delta relation of each operator that changes, and which of them are emitted."""

    delta: Mapping[ir.Operator, ir.Relation]
    emitted: frozenset[ir.Operator]
    tabled: Mapping[ir.Operator, tuple[ir.Tabled, ...]]  # in each delta, inner ones first
    added_up: frozenset[ir.Operator]  # of those that are emitted: no row is there twice
    order: tuple[ir.Operator, ...]  # those that change, inputs first

    def changed(self, operator: ir.Operator) -> bool:
        return operator in self.delta

    def is_source(self, operator: ir.Operator) -> bool:
        """Whether an operator's change is given, as an input's is."""
        return is_given(operator, self.delta)


def changes_of(
    operators: Sequence[ir.Operator],
    given: Collection[ir.Operator],
    roots: Iterable[ir.Operator],
    forced: frozenset[ir.Operator] = frozenset(),
    *,
    moments: ir.Moments,
    first: bool = False,
    elsewhere: Collection[ir.Operator] = (),
    inlined: Collection[ir.Operator] = (),
) -> Changes:
    """Resolve the delta rules for a change of what is ``given``.

    ``roots`` are read: an operator once for each time that it is there (an output, a merge).
    ``forced`` are emitted whatever their cost. ``moments`` says what the tables hold; ``first``:
    it is the store's first step. The changes of what is ``elsewhere`` are read from tables that
    are there already; what is ``inlined`` gets no table whatever it costs.
    """
    delta = resolved(operators, given, moments, first=first)
    order = list(delta)
    added_up = cancelling(order, delta, elsewhere) - frozenset(inlined)
    forced |= added_up
    uses = _uses(order, delta, roots)
    emitted = frozenset(
        operator
        for operator in order
        if isinstance(delta[operator], ir.Computed)
        or (
            operator not in inlined
            and (operator in forced or (uses[operator] > 1 and _is_costly(operator, delta, uses)))
        )
    )
    tables = emitted | frozenset(elsewhere)
    emitted |= branching(order, delta, tables, frozenset(inlined))
    emitted |= cuts(order, delta, emitted | frozenset(elsewhere)) - frozenset(inlined)
    tabled = {op: tuple(dict.fromkeys(ir.tabled(delta[op]))) for op in order}
    return Changes(delta, emitted, tabled, added_up, tuple(order))


def resolved(
    operators: Sequence[ir.Operator],
    given: Collection[ir.Operator],
    moments: ir.Moments,
    *,
    first: bool,
) -> dict[ir.Operator, ir.Relation]:
    """The delta rules of the operators that change if ``given`` do, inputs first.

    The change of what is given is nothing but itself.
    """
    delta: dict[ir.Operator, ir.Relation] = {}
    for operator in operators:
        if operator in given:
            delta[operator] = ir.Read(operator, ir.Moment.DELTA)
        elif operator.inputs:
            relation = moments.rule(operator, delta, first=first)
            if not isinstance(relation, ir.Nothing):
                delta[operator] = relation
    return delta


def halfway(changes: Changes) -> list[ir.Operator]:
    """The operators in the middle of the longest chains that are inlined.

    Where what was fused is nested too deeply, computing these beforehand cuts it in two.
    """
    height: dict[ir.Operator, int] = {}
    for operator in changes.order:
        given = changes.is_source(operator) or operator in changes.emitted
        if given or changes.tabled[operator]:
            height[operator] = 0
        else:
            height[operator] = 1 + max(height.get(each, 0) for each in operator.inputs)
    middle = (max(height.values(), default=0) + 1) // 2
    return [operator for operator in changes.order if middle and height[operator] == middle]


def _uses(
    order: list[ir.Operator], delta: Mapping[ir.Operator, ir.Relation], roots: Iterable[ir.Operator]
) -> Mapping[ir.Operator, int]:
    """How often each change would be computed if every operator were inlined but the costly."""
    counts: dict[ir.Operator, int] = defaultdict(int)
    for root in roots:
        counts[root] += 1
    for operator in reversed(order):
        relation = delta[operator]
        # An emitted change is computed once, however often it is read.
        once = isinstance(relation, ir.Computed) or (
            counts[operator] > 1 and _is_costly(operator, delta, counts)
        )
        times = min(1, counts[operator]) if once else counts[operator]
        # So is what has a table of its own, and that even if nothing but its state is read.
        for inner in dict.fromkeys(ir.tabled(relation)):
            for source in ir.sources(inner):
                _count(source, operator, counts, 1)
        _count(relation, operator, counts, times)
    return counts


def _count(
    relation: ir.Relation, within: ir.Operator, counts: dict[ir.Operator, int], times: int
) -> None:
    if isinstance(relation, ir.Tabled):
        return
    if isinstance(relation, ir.Read):
        if relation.moment is ir.Moment.DELTA and relation.operator is not within:
            counts[relation.operator] += times
        return
    for part in ir.sources(relation):
        _count(part, within, counts, times)


def _is_costly(
    operator: ir.Operator,
    delta: Mapping[ir.Operator, ir.Relation],
    counts: Mapping[ir.Operator, int],
) -> bool:
    """Whether computing the change again costs more than reading it from a delta table."""
    todo = [delta[operator]]
    while todo:
        relation = todo.pop()
        match relation:
            case ir.Match():
                return True
            case ir.Accumulate() | ir.Threshold() | ir.First() | ir.Regroup():
                continue
            case ir.Closure() | ir.Computed():
                continue  # stands in a table of its own
            case ir.Read(inner, ir.Moment.DELTA) if inner is not operator:
                # A costly input that is read elsewhere too is emitted itself.
                if counts[inner] <= 1 and not is_given(inner, delta):
                    todo.append(delta[inner])
            case _:
                todo.extend(ir.sources(relation))
    return False
