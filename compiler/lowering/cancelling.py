"""Changes of which some rows may be there twice, once added and once taken away.

An outer join takes what has a match from all rows of its side, and `except_all` one bag from
another. A row in both is in no result, and Python does not call a row function with it. Where a row
function may raise, such a change is added up first.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from stepping.compiler import ir

Signs = frozenset[int]
NONE: Signs = (
    frozenset()
)  # of rows that are or were in a result: what raises for one raises rightly
PLUS: Signs = frozenset({1})
BOTH: Signs = frozenset({1, -1})


def cancelling(
    order: list[ir.Operator],
    delta: Mapping[ir.Operator, ir.Relation],
    elsewhere: Container[ir.Operator],
) -> frozenset[ir.Operator]:
    """The operators whose change is to be added up before a row function sees it."""
    signs: dict[ir.Operator, Signs] = {}
    found: set[ir.Operator] = set()
    for operator in order:
        if operator in elsewhere:
            signs[operator] = PLUS
            continue
        for source in _seen(delta[operator]):
            if signs.get(source) == BOTH:
                found.add(source)
                signs[source] = PLUS
        signs[operator] = _signs(delta[operator], operator, signs)
    return frozenset(found)


def _seen(relation: ir.Relation) -> Iterator[ir.Operator]:
    """The operators whose change a rule calls a function with that may raise."""
    for each in ir.within(relation):
        called: list[tuple[ir.Relation, tuple[ir.Scalar | None, ...]]] = []
        in_python = isinstance(each, ir.Computed)
        match each:
            case ir.Project():
                called.append((each.source, tuple(scalar for _, scalar in each.columns)))
            case ir.Filter():
                called.append((each.source, (each.predicate,)))
            case ir.Match():
                called += [(each.left, each.on_left), (each.right, each.on_right)]
            case ir.Accumulate():
                called += [(c.source, (*c.keys, *c.values)) for c in each.contributions]
            case ir.Computed():
                called.append((each.source, ()))
            case _:
                pass
        for source, scalars in called:
            is_read = isinstance(source, ir.Read) and source.moment is ir.Moment.DELTA
            partial = any(scalar is not None and ir.is_partial(scalar) for scalar in scalars)
            if is_read and (partial or in_python):
                assert isinstance(source, ir.Read)
                yield source.operator


def _signs(
    relation: ir.Relation, operator: ir.Operator, known: Mapping[ir.Operator, Signs]
) -> Signs:
    match relation:
        case ir.Read(source, ir.Moment.DELTA) if source is not operator:
            return known.get(source, PLUS)
        case ir.Negate():
            return frozenset(-sign for sign in _signs(relation.source, operator, known))
        case ir.Sum():
            return NONE.union(*(_signs(part, operator, known) for part in relation.parts))
        case ir.Match():
            left = _signs(relation.left, operator, known) or PLUS
            right = _signs(relation.right, operator, known) or PLUS
            return frozenset(a * b for a in left for b in right)
        case ir.Project() | ir.Filter():
            return _signs(relation.source, operator, known)
        case ir.Accumulate() | ir.Threshold() | ir.First() | ir.Regroup() | ir.Closure():
            return NONE
        case _:
            return PLUS
