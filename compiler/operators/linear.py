"""Linear operators: the change of the result is the operator applied to the change (DBSP 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from operator import itemgetter
from typing import Any, TypeVar

from stepping.compiler import bounds, ir
from stepping.compiler.frontend.row_calls import caller
from stepping.compiler.frontend.tracing import (
    operator_of,
    operators_of,
    origin,
    pointwise,
    query_error,
    translated,
)
from stepping.compiler.schema import Schema, same_classes, same_shape, schema_of
from stepping.compiler.zset import ZSet, ZSetPython

T = TypeVar("T")
U = TypeVar("U")


@pointwise
def map(a: ZSet[T], *, f: Callable[[T], U]) -> ZSet[U]:
    """``f`` of each row; counts of rows that become equal add up.

    Keeps nothing; costs what computing ``f`` for the changed rows costs.
    """
    operator = operator_of(a, "st.map")
    return ir.Traced(
        Map(operator, translated(f, (operator.schema.type,), "st.map f="), origin=origin())
    )


@pointwise
def filter(a: ZSet[T], *, f: Callable[[T], bool]) -> ZSet[T]:
    """The rows for which ``f`` is true. Keeps nothing."""
    operator = operator_of(a, "st.filter")
    function = translated(f, (operator.schema.type,), "st.filter f=", condition=True)
    return ir.Traced(Filter(operator, function, origin=origin()))


@pointwise
def add(a: ZSet[T], b: ZSet[T]) -> ZSet[T]:
    """The rows of both, with their counts added. Keeps nothing."""
    left, right = operators_of("st.add", a, b)
    return ir.Traced(Add(*same_rows("st.add", left, right), origin=origin()))


def add3(a: ZSet[T], b: ZSet[T], c: ZSet[T]) -> ZSet[T]:
    """The rows of all three, with their counts added."""
    return add(add(a, b), c)


@pointwise
def neg(a: ZSet[T]) -> ZSet[T]:
    """The same rows with their counts negated. Keeps nothing."""
    return ir.Traced(Neg(operator_of(a, "st.neg"), origin=origin()))


def same_rows(what: str, left: ir.Operator, right: ir.Operator) -> tuple[ir.Operator, ir.Operator]:
    """Both operators, which must have the same rows."""
    # Rows of two classes are not equal in Python, whatever their columns.
    a, b = left.schema.type, right.schema.type
    if not (same_shape(a, b) and same_classes(a, b)):
        raise query_error(
            f"{what} needs two Z-sets of the same rows, got {left.schema.type} "
            f"and {right.schema.type}",
            "st.map one of them to the rows of the other",
        )
    return with_floats_of(left, right), with_floats_of(right, left)


def with_floats_of(operator: ir.Operator, other: ir.Operator) -> ir.Operator:
    """The operator, with rows whose floats may be infinite where the other's may be."""
    schema = operator.schema
    wider = bounds.wider(schema.type, other.schema.type)
    if wider is schema.type:
        return operator
    scalars = tuple(scalar for _, scalar in ir.references(schema.columns))
    return Map(operator, ir.RowFunction(wider, scalars, name="rows"), origin=operator.origin)


@ir.node
class Map(ir.Operator):
    source: ir.Operator
    function: ir.RowFunction

    linear = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @cached_property
    def schema(self) -> Schema:
        return schema_of(self.function.type)

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        (rows,) = inputs
        given = caller(self.function)
        return ZSetPython((given(row), n) for row, n in rows.iter())

    def delta(self, at: ir.Reads) -> ir.Relation:
        if self.function.scalars is None:
            return ir.Computed(self, at.delta(self.source))
        columns = zip(self.schema.names, self.function.scalars, strict=True)
        return ir.Project(at.delta(self.source), tuple(columns))

    def meaning(self, wanted: frozenset[str]) -> tuple[Any, ...]:
        if self.function.scalars is None:
            return (self.function.python, self.function.type)
        columns = zip(self.schema.names, self.function.scalars, strict=True)
        return tuple(sorted((each for each in columns if each[0] in wanted), key=itemgetter(0)))

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return inputs[0]

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        return () if self.function.scalars is not None else (self.function,)


@ir.node
class Filter(ir.Operator):
    source: ir.Operator
    function: ir.RowFunction

    linear = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def schema(self) -> Schema:
        return self.source.schema

    @property
    def predicate(self) -> ir.Scalar | None:
        """The condition as a scalar, or None where it runs in Python."""
        return None if self.function.scalars is None else self.function.scalars[0]

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        (rows,) = inputs
        is_met = caller(self.function)
        return ZSetPython((row, n) for row, n in rows.iter() if is_met(row))

    def delta(self, at: ir.Reads) -> ir.Relation:
        if self.predicate is None:
            return ir.Computed(self, at.delta(self.source))
        return ir.Filter(at.delta(self.source), self.predicate)

    def meaning(self, wanted: frozenset[str]) -> tuple[Any, ...]:
        return (self.predicate, self.function.python)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return inputs[0]

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        return () if self.predicate is not None else (self.function,)


@ir.node
class Add(ir.Operator):
    left: ir.Operator
    right: ir.Operator

    linear = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.left, self.right)

    @property
    def schema(self) -> Schema:
        return self.left.schema

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        left, right = inputs
        return left + right

    def delta(self, at: ir.Reads) -> ir.Relation:
        return ir.Sum((at.delta(self.left), renamed(at.delta(self.right), self.right, self.left)))

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return all(inputs)


def renamed(relation: ir.Relation, source: ir.Operator, like: ir.Operator) -> ir.Relation:
    """The rows of ``source`` under the column names of ``like``."""
    if source.schema.names == like.schema.names:
        return relation
    columns = zip(like.schema.names, ir.references(source.schema.columns), strict=True)
    return ir.Project(relation, tuple((name, scalar) for name, (_, scalar) in columns))


@ir.node
class Neg(ir.Operator):
    source: ir.Operator

    linear = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def schema(self) -> Schema:
        return self.source.schema

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        return -inputs[0]

    def delta(self, at: ir.Reads) -> ir.Relation:
        return ir.Negate(at.delta(self.source))
