"""Groups whose rows may have negative counts: whether a group exists is counted row by row.

A group exists while any row in it has a weight other than 0, which the sum of weights does not
say once weights of both signs meet: +1 and -1 of two different rows sum to 0. Where counts cannot
be negative, the sum is enough and nothing needs to be kept.
"""

from __future__ import annotations

import dataclasses

from stepping.compiler import ir
from stepping.compiler.operators.aggregate import Aggregate
from stepping.compiler.operators.collect import Collect


def count_existing(
    roots: tuple[ir.Operator, ...], proven: set[ir.Operator]
) -> tuple[ir.Operator, ...]:
    """The same query, with the groups that need it counting the rows that exist."""
    replaced: dict[int, ir.Operator] = {}
    for operator in ir.topological(*roots):
        inputs = tuple(replaced[id(each)] for each in operator.inputs)
        same = all(a is b for a, b in zip(inputs, operator.inputs, strict=True))
        moved = operator if same else operator.over(inputs)
        match moved:
            case Aggregate(existing=None) if moved.by is not None:
                if operator.inputs[0] not in proven:
                    moved = dataclasses.replace(moved, by_existing=True)
            case Collect():
                if operator.inputs[1] not in proven:
                    moved = dataclasses.replace(moved, by_existing=True)
        replaced[id(operator)] = moved
    return tuple(replaced[id(root)] for root in roots)
