"""Rows as sets: distinct, and the set and bag operators that are made of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from stepping.compiler import ir
from stepping.compiler.frontend.tracing import operator_of, operators_of, origin, pointwise
from stepping.compiler.operators.linear import Add, Neg, same_rows
from stepping.compiler.schema import Schema
from stepping.compiler.zset import ZSet, ZSetPython

T = TypeVar("T")


@pointwise
def distinct(a: ZSet[T]) -> ZSet[T]:
    """Each row with a positive count, once.

    Keeps the rows with their counts; costs one look-up per changed row.
    """
    return ir.Traced(Distinct(operator_of(a, "st.distinct"), origin=origin()))


@pointwise
def union(a: ZSet[T], b: ZSet[T]) -> ZSet[T]:
    """Each row that is in either, once. Keeps both sides and their sum."""
    at = origin()
    left, right = _sets("st.union", a, b, at)
    both = Add(left, right, origin=at, called="union")
    return ir.Traced(Distinct(both, origin=at, called="union"))


@pointwise
def intersect(a: ZSet[T], b: ZSet[T]) -> ZSet[T]:
    """Each row that is in both, once. None equals None. Keeps both sides and their sum."""
    at = origin()
    left, right = _sets("st.intersect", a, b, at)
    both = Add(left, right, origin=at, called="intersect")
    return ir.Traced(Distinct(both, ir.Rule.TWICE, origin=at, called="intersect"))


@pointwise
def except_(a: ZSet[T], b: ZSet[T]) -> ZSet[T]:
    """Each row of ``a`` that is not in ``b``, once. Keeps both sides and their difference."""
    at = origin()
    left, right = _sets("st.except_", a, b, at)
    return ir.Traced(Distinct(_minus(left, right, "except_", at), origin=at, called="except_"))


@pointwise
def union_all(a: ZSet[T], b: ZSet[T]) -> ZSet[T]:
    """The rows of both with their counts added: `add` under SQL's name."""
    left, right = operators_of("st.union_all", a, b)
    same_rows("st.union_all", left, right)
    return ir.Traced(Add(left, right, origin=origin(), called="union_all"))


@pointwise
def intersect_all(a: ZSet[T], b: ZSet[T]) -> ZSet[T]:
    """Each row as often as it is in both: the lower of its positive counts."""
    at = origin()
    left, right = _bags("st.intersect_all", a, b, at)
    # min(v, w) = v - max(0, v - w)
    more = Distinct(
        _minus(left, right, "intersect_all", at),
        ir.Rule.SURPLUS,
        origin=at,
        called="intersect_all",
    )
    return ir.Traced(_minus(left, more, "intersect_all", at))


@pointwise
def except_all(a: ZSet[T], b: ZSet[T]) -> ZSet[T]:
    """Each row as much more often as it is in ``a`` than in ``b``."""
    at = origin()
    left, right = _bags("st.except_all", a, b, at)
    surplus = _minus(left, right, "except_all", at)
    return ir.Traced(Distinct(surplus, ir.Rule.SURPLUS, origin=at, called="except_all"))


Operators = tuple[ir.Operator, ir.Operator]


def _sets(what: str, a: ZSet[T], b: ZSet[T], at: ir.Source) -> Operators:
    return _sides(what, a, b, ir.Rule.POSITIVE, at)


def _bags(what: str, a: ZSet[T], b: ZSet[T], at: ir.Source) -> Operators:
    return _sides(what, a, b, ir.Rule.SURPLUS, at)


def _sides(what: str, a: ZSet[T], b: ZSet[T], rule: ir.Rule, at: ir.Source) -> Operators:
    left, right = operators_of(what, a, b)
    same_rows(what, left, right)
    name = what.removeprefix("st.")
    return (
        Distinct(left, rule, origin=at, called=name),
        Distinct(right, rule, origin=at, called=name),
    )


def _minus(left: ir.Operator, right: ir.Operator, name: str, at: ir.Source) -> ir.Operator:
    taken = Neg(right, origin=at, called=name)
    return Add(left, taken, origin=at, called=name)


@ir.node
class Distinct(ir.Operator):
    """The rows of ``source``, each with the weight that a rule gives it."""

    source: ir.Operator
    rule: ir.Rule = ir.Rule.POSITIVE

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def schema(self) -> Schema:
        return self.source.schema

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        return ZSetPython(_weighed(inputs[0].iter(), self.rule))

    def delta(self, at: ir.Reads) -> ir.Relation:
        return ir.Threshold(self.source, at.delta(self.source), self.rule)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return True


def _weighed(rows: Iterable[tuple[Any, int]], rule: ir.Rule) -> Iterable[tuple[Any, int]]:
    for row, weight in rows:
        match rule:
            case ir.Rule.PRESENT:
                yield row, 1
            case ir.Rule.POSITIVE if weight > 0:
                yield row, 1
            case ir.Rule.TWICE if weight > 1:
                yield row, 1
            case ir.Rule.SURPLUS if weight > 0:
                yield row, weight
            case _:
                pass
