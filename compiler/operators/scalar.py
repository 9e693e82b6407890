"""make_scalar and make_set: Z-sets of exactly one row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.tracing import operator_of, origin, pointwise, translated
from stepping.compiler.operators.aggregate import Aggregate, Total
from stepping.compiler.operators.linear import Add, Filter, Map, same_rows
from stepping.compiler.operators.reduce import ONE
from stepping.compiler.schema import BOOL, INT
from stepping.compiler.zset import ZSet
from stepping.errors import RowError

T = TypeVar("T")


@pointwise
def make_scalar(a: ZSet[T], *, zero: Callable[[], T]) -> ZSet[T]:
    """The only row of ``a``, or ``zero()`` while there is none; more than one row fails the step.

    Keeps the number of rows.
    """
    operator = operator_of(a, "st.make_scalar")
    at = origin()
    count = Aggregate(
        operator, None, (Total("count", ONE, INT),), single=True, origin=at, called="make_scalar"
    )
    nothing = Filter(count, _is_nothing(count), origin=at, called="make_scalar")
    made = translated(zero, (), "st.make_scalar zero=")

    def call(_: int) -> Any:
        return zero()

    constant = ir.RowFunction(made.type, made.scalars, made.python, call=call, name="zero")
    default = Map(nothing, constant, origin=at, called="make_scalar")
    return ir.Traced(
        Add(*same_rows("st.make_scalar", operator, default), origin=at, called="make_scalar")
    )


def make_set(a: ZSet[T]) -> ZSet[T]:
    """``a`` itself: a scalar is a Z-set of one row."""
    operator_of(a, "st.make_set")
    return a


def _is_nothing(count: ir.Operator) -> ir.RowFunction:
    """Whether a number of rows is 0; more than 1 raises."""
    (column,) = count.schema.columns
    number = ir.ColumnRef(column.name, column.type)
    text = functions.to_text(number)
    message = functions.binary("+", ir.Const(_MANY, text.type), text)
    several = functions.compare(">", number, ir.Const(1, INT))
    none = functions.compare("==", number, ir.Const(0, INT))
    condition = ir.Case(((several, ir.Raise(message, BOOL)),), none, BOOL)

    def call(rows: int) -> bool:
        if rows > 1:
            raise RowError(f"{_MANY}{rows}", hint="let the Z-set have at most one row, once")
        return rows == 0

    return ir.RowFunction(BOOL, (condition,), call=call, name="is nothing")


_MANY = "st.make_scalar was given more than one row: "
