"""What changes in one step, given which inputs do: delta rules resolved for one plan.

With the other inputs' deltas empty most terms vanish. What remains is decided here to be either
written where it is used (*inlined*) or computed once into a delta table (*emitted*).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from stepping.compiler import ir
from stepping.compiler.lowering.fusing import cuts, is_given


@dataclass(frozen=True)
class Changes:
    """The resolved delta relation of each operator that changes, and which of them are emitted."""

    delta: Mapping[ir.Operator, ir.Relation]
    emitted: frozenset[ir.Operator]
    tabled: Mapping[ir.Operator, tuple[ir.Tabled, ...]]  # in each delta, inner ones first
    order: tuple[ir.Operator, ...]  # those that change, inputs first

    def changed(self, operator: ir.Operator) -> bool:
        return operator in self.delta

    def is_source(self, operator: ir.Operator) -> bool:
        """Whether an operator's change is given, as an input's is."""
        return is_given(operator, self.delta)


def changes_of(
    operators: Iterable[ir.Operator],
    changed: frozenset[str],
    roots: Iterable[ir.Operator],
    forced: frozenset[ir.Operator] = frozenset(),
    *,
    first: bool = False,
    sources: frozenset[ir.Operator] = frozenset(),
    stored_after: frozenset[ir.Operator] = frozenset(),
) -> Changes:
    """Resolve the delta rules for a change of the inputs that are named.

    ``roots`` are read: an operator once for each time that it stands there (an output, a merge).
    ``forced`` are emitted whatever their cost. ``first``: it is the store's first step.
    ``sources`` change as inputs do, whatever they are made of. ``stored_after`` are the operators
    whose integral has been changed already when the step runs.
    """
    delta: dict[ir.Operator, ir.Relation] = {}
    order: list[ir.Operator] = []
    reads = ir.Reads()
    for operator in operators:
        relation: ir.Relation
        if operator in sources:
            relation = reads.delta(operator)
        elif not operator.inputs:
            name = operator.label
            relation = (
                operator.delta(reads) if name in changed else ir.Nothing(operator.schema.names)
            )
        else:
            relation = _Resolver(delta, first, stored_after).resolved(operator.delta(reads))
        if not isinstance(relation, ir.Nothing):
            delta[operator] = relation
            order.append(operator)
    uses = _uses(order, delta, roots)
    emitted = frozenset(
        operator
        for operator in order
        if isinstance(delta[operator], ir.Computed)
        or operator in forced
        or (uses[operator] > 1 and _is_costly(operator, delta, uses))
    )
    emitted |= cuts(order, delta, emitted)
    tabled = {op: tuple(dict.fromkeys(ir.tabled(delta[op]))) for op in order}
    return Changes(delta, emitted, tabled, tuple(order))


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


@dataclass(frozen=True)
class _Resolver:
    """Says what the reads of a rule are in one step: its change, and what is stored.

    All reads of a step see the tables as they are stored when it runs, and merges come last; so no
    two operators can disagree on the order of merges, and a database may run a step as one
    statement. Our own tables are stored as they were *before* the step: what is there after it is
    that and the change. A table of the application is stored as it is *after* it: what was there
    before is that less the change. A read of what is stored is a read `BEFORE`, whichever it is.
    """

    delta: Mapping[ir.Operator, ir.Relation]
    first: bool
    stored_after: frozenset[ir.Operator]

    def stored(self, read: ir.Read) -> ir.Relation:
        operator = read.operator
        there = ir.Read(operator, ir.Moment.BEFORE, read.by)
        is_after = operator in self.stored_after
        if operator not in self.delta or is_after == (read.moment is ir.Moment.AFTER):
            return there
        change: ir.Relation = ir.Read(operator, ir.Moment.DELTA)
        return ir.Sum((there, ir.Negate(change) if is_after else change))

    def resolved(self, relation: ir.Relation) -> ir.Relation:
        """The relation without the terms that are empty, of what is stored and what changes."""
        match relation:
            case ir.Read(operator, ir.Moment.DELTA):
                return relation if operator in self.delta else ir.Nothing(operator.schema.names)
            case ir.Read():
                return self.stored(relation)
            case ir.Nothing():
                return relation
            case ir.Match():
                return self.match(relation)
            case ir.Sum():
                parts = tuple(self.resolved(part) for part in relation.parts)
                kept = tuple(part for part in parts if not isinstance(part, ir.Nothing))
                if not kept:
                    return ir.Nothing(ir.column_names(relation))
                return kept[0] if len(kept) == 1 else ir.Sum(kept)
            case ir.Accumulate():
                parts = tuple(self.resolved(part) for part in ir.sources(relation))
                if all(isinstance(part, ir.Nothing) for part in parts):
                    return ir.Nothing(ir.column_names(relation))
                return ir.with_sources(relation, parts)
            case ir.Closure():
                parts = tuple(self.resolved(part) for part in relation.presence)
                if all(isinstance(part, ir.Nothing) for part in parts):
                    return ir.Nothing(ir.column_names(relation))
                return ir.with_sources(relation, parts)
            case ir.Constant():
                return relation if self.first else ir.Nothing(relation.names)
            case (
                ir.Project()
                | ir.Filter()
                | ir.Negate()
                | ir.Threshold()
                | ir.First()
                | ir.Computed()
            ):
                source = self.resolved(relation.source)
                if isinstance(source, ir.Nothing):
                    return ir.Nothing(ir.column_names(relation))
                return ir.with_sources(relation, (source,))
            case _:
                assert_never(relation)

    def match(self, match: ir.Match) -> ir.Relation:
        left, right = self.resolved(match.left), self.resolved(match.right)
        if isinstance(left, ir.Nothing) or isinstance(right, ir.Nothing):
            return ir.Nothing(match.names)
        # A stored side that has become what is stored and a change is a term of its own each:
        # bilinear.
        lefts = left.parts if isinstance(left, ir.Sum) else (left,)
        rights = right.parts if isinstance(right, ir.Sum) else (right,)
        terms = tuple(ir.with_sources(match, (a, b)) for a in lefts for b in rights)
        return terms[0] if len(terms) == 1 else ir.Sum(terms)


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
            case ir.Accumulate() | ir.Threshold() | ir.First() | ir.Closure() | ir.Computed():
                continue  # stands in a table of its own
            case ir.Read(inner, ir.Moment.DELTA) if inner is not operator:
                # A costly input that is read elsewhere too is emitted itself.
                if counts[inner] <= 1 and not is_given(inner, delta):
                    todo.append(delta[inner])
            case _:
                todo.extend(ir.sources(relation))
    return False
