"""Operators that mean the same become one node, so that what they keep is kept once."""

from __future__ import annotations

from stepping.compiler import ir


def share(roots: tuple[ir.Operator, ...]) -> tuple[ir.Operator, ...]:
    """The same query with equal operators made identical."""
    known: dict[ir.Operator, ir.Operator] = {}
    replaced: dict[int, ir.Operator] = {}
    for operator in ir.topological(*roots):
        inputs = tuple(replaced[id(each)] for each in operator.inputs)
        same = all(a is b for a, b in zip(inputs, operator.inputs, strict=True))
        candidate = operator if same else operator.over(inputs)
        replaced[id(operator)] = known.setdefault(candidate, candidate)
    return tuple(replaced[id(root)] for root in roots)
