"""How many SELECTs a change is written as: those of a join are the products of its sides'.

The change of a join is three joins: of the change of either side with what the other held, and of
both changes. An outer join, a UNION, or old and new rows of a group are a change in several parts,
and a join of two such is one of all their pairs; a join of that has the pairs of those. So what
would be multiplied is computed into a delta table before it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import assert_never

from stepping.compiler import ir
from stepping.compiler.lowering.fusing import inlined, is_given

MOST_JOINED = 2  # SELECTs that a change is, where it is joined
MOST_REPEATED = 3  # where it is read more than once


def branching(
    order: list[ir.Operator],
    delta: Mapping[ir.Operator, ir.Relation],
    tables: Collection[ir.Operator],
    fixed: Collection[ir.Operator],
) -> frozenset[ir.Operator]:
    """The operators to compute beforehand, besides those with ``tables``, but none of ``fixed``."""
    readers: dict[ir.Operator, int] = {}
    for operator in order:
        for source in inlined(delta[operator]):
            readers[source] = readers.get(source, 0) + 1
    counts: dict[ir.Operator, int] = {}
    found: set[ir.Operator] = set()

    def computed(sources: Collection[ir.Operator]) -> None:
        for source in sources:
            if counts.get(source, 1) > 1 and source not in fixed:
                counts[source] = 1
                found.add(source)

    for operator in order:
        if is_given(operator, delta) or operator in tables:
            counts[operator] = 1
            continue
        for each in ir.within(delta[operator]):
            if isinstance(each, ir.Match):
                for side in (each.left, each.right):
                    if _count(side, counts) > MOST_JOINED:
                        computed(inlined(side))
        counts[operator] = _count(delta[operator], counts)
        if counts[operator] > MOST_REPEATED and readers.get(operator, 0) > 1:
            computed([operator])
    return frozenset(found)


def _count(relation: ir.Relation, known: Mapping[ir.Operator, int]) -> int:
    match relation:
        case ir.Read(operator, ir.Moment.DELTA):
            return known.get(operator, 1)
        case ir.Project() | ir.Filter() | ir.Negate():
            return _count(relation.source, known)
        case ir.Sum(parts):
            return sum(_count(part, known) for part in parts)
        case ir.Match(left, right):
            return _count(left, known) * _count(right, known)
        case ir.Nothing():
            return 0
        case (
            ir.Read()
            | ir.Accumulate()
            | ir.Threshold()
            | ir.First()
            | ir.Regroup()
            | ir.Closure()
            | ir.Computed()
            | ir.Constant()
        ):
            return 1
        case _:
            assert_never(relation)
