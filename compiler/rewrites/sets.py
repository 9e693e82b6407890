"""Distincts that change nothing, and would keep a table for it."""

from __future__ import annotations

import dataclasses

from stepping.compiler import ir
from stepping.compiler.operators.aggregate import Aggregate
from stepping.compiler.operators.distinct import Distinct
from stepping.compiler.operators.linear import Filter, Map


def drop_distincts(
    roots: tuple[ir.Operator, ...], proven: set[ir.Operator]
) -> tuple[ir.Operator, ...]:
    """The same query without the distincts that are not needed.

    ``distinct(map(distinct(x)))`` is ``distinct(map(x))`` where no count of ``x`` is below 0, so
    that no two rows can cancel; and the distinct of what has each row once is that itself.
    """
    replaced: dict[int, ir.Operator] = {}
    for operator in ir.topological(*roots):
        inputs = tuple(replaced[id(each)] for each in operator.inputs)
        same = all(a is b for a, b in zip(inputs, operator.inputs, strict=True))
        moved = operator if same else operator.over(inputs)
        if isinstance(moved, Distinct) and moved.rule is ir.Rule.POSITIVE:
            moved = dataclasses.replace(moved, source=bare(moved.source, proven))
            if is_set(moved.source):
                moved = moved.source
        replaced[id(operator)] = moved
    return tuple(replaced[id(root)] for root in roots)


def bare(operator: ir.Operator, proven: set[ir.Operator]) -> ir.Operator:
    """What a distinct is taken of, without the distincts below it."""
    match operator:
        case Distinct(source, ir.Rule.POSITIVE | ir.Rule.PRESENT) if source in proven:
            return bare(source, proven)
        case Map(source) | Filter(source):
            inner = bare(source, proven)
            return operator if inner is source else operator.over((inner,))
        case _:
            return operator


def is_set(operator: ir.Operator) -> bool:
    """Whether an operator has each of its rows once."""
    match operator:
        case Distinct(rule=ir.Rule.SURPLUS):
            return False
        case Distinct() | Aggregate():
            return True
        case Filter(source):
            return is_set(source)
        case _:
            return False
