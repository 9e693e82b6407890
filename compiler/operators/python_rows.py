"""Operators whose rows are made in Python: map_many and identity_print."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, TypeVar

from stepping.compiler import ir
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.recursion import column_form
from stepping.compiler.frontend.row_calls import caller
from stepping.compiler.frontend.tracing import (
    operator_of,
    origin,
    pointwise,
    query_error,
    translated,
)
from stepping.compiler.schema import Atom, Members, Schema, Several, ValueType, schema_of
from stepping.compiler.zset import ZSet, ZSetPython

T = TypeVar("T")
U = TypeVar("U")


@pointwise
def map_many(a: ZSet[T], *, f: Callable[[T], Iterable[U]]) -> ZSet[U]:
    """Each of the values that ``f(row)`` returns, as often as the row is there.

    ``f`` is annotated with what it returns: ``frozenset[U]``, or ``tuple[U, ...]``. It runs as a
    Python step: only the change is read, mapped and written back. Keeps nothing.
    """
    operator = operator_of(a, "st.map_many")
    function = translated(f, (operator.schema.type,), "st.map_many f=")
    return ir.Traced(MapMany(operator, function, element_type(function), origin=origin()))


def element_type(function: ir.RowFunction) -> ValueType:
    """The type of the values in what a function returns."""
    returned = function.type
    if isinstance(returned, Atom) and isinstance(returned.collected, Several | Members):
        return column_form(returned.collected.item)
    raise query_error(
        f"st.map_many f= returns {returned}, not several values",
        "pass a function that says so: def f(row: Row) -> tuple[str, ...], or frozenset[str]",
    )


@ir.node
class MapMany(ir.Operator):
    """The values of each row's collection."""

    source: ir.Operator
    function: ir.RowFunction
    type: ValueType

    linear = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def label(self) -> str:
        return self.called or "map_many"

    @cached_property
    def schema(self) -> Schema:
        return schema_of(self.type)

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        canonical, values = python_codec(self.type).canonical, caller(self.function)
        return ZSetPython(
            (canonical(value), count) for row, count in inputs[0].iter() for value in values(row)
        )

    def delta(self, at: ir.Reads) -> ir.Relation:
        return ir.Computed(self, at.delta(self.source))

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return inputs[0]

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        return (self.function,)


@pointwise
def identity_print(a: ZSet[T]) -> ZSet[T]:
    """``a`` itself; the change is printed in each step, before it is committed. For debugging."""
    return ir.Traced(IdentityPrint(operator_of(a, "st.identity_print"), origin=origin()))


@ir.node
class IdentityPrint(ir.Operator):
    """The rows of ``source``, printed."""

    source: ir.Operator

    linear = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def schema(self) -> Schema:
        return self.source.schema

    @property
    def label(self) -> str:
        return "identity_print"

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        print(inputs[0])  # noqa: T201 (what it is for)
        return inputs[0]

    def delta(self, at: ir.Reads) -> ir.Relation:
        return ir.Computed(self, at.delta(self.source))

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return inputs[0]

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        return (
            ir.RowFunction(
                self.schema.type, None, python="print", reason="it prints the change", name="print"
            ),
        )
