"""count, reduce and group_reduce_flatten: one running sum, for all rows or per group."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from stepping.compiler import ir
from stepping.compiler.frontend.index import Index
from stepping.compiler.frontend.rows import Pair
from stepping.compiler.frontend.tracing import (
    operator_of,
    origin,
    pointwise,
    query_error,
    translated,
)
from stepping.compiler.operators.aggregate import Aggregate, Total
from stepping.compiler.operators.collect import collected_by
from stepping.compiler.operators.join import check_index
from stepping.compiler.schema import INT, Atom, Kind, ValueType, Weighted
from stepping.compiler.zset import ZSet, ZSetPython

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V", int, float, Decimal, ZSetPython[Any])


@pointwise
def count(a: ZSet[T]) -> ZSet[int]:
    """One row: the sum of all counts; 0 for nothing, from the first step on.

    Keeps one row.
    """
    operator = operator_of(a, "st.count")
    total = Total("count", ONE, INT)
    return ir.Traced(
        Aggregate(operator, None, (total,), single=True, origin=origin(), called="count")
    )


@pointwise
def reduce(a: ZSet[T], *, zero: Callable[[], V], pick_value: Callable[[T], V]) -> ZSet[V]:
    """One row: the sum of ``pick_value(row) * count``; ``zero()`` for nothing.

    ``zero`` is ``int``, ``float`` or ``Decimal``. Keeps one row.
    """
    operator = operator_of(a, "st.reduce")
    if is_collecting(zero):
        value = collecting("st.reduce", operator, pick_value)
        return ir.Traced(collected_by(operator, value, None, origin(), "reduce"))
    total = total_of("st.reduce", operator, zero, pick_value)
    return ir.Traced(
        Aggregate(operator, None, (total,), single=True, origin=origin(), called="reduce")
    )


@pointwise
def group_reduce_flatten(
    a: ZSet[T], *, by: Index[T, K], zero: Callable[[], V], pick_value: Callable[[T], V]
) -> ZSet[Pair[V, K]]:
    """For each group of rows with equal keys, the sum of ``pick_value(row) * count``, and the key.

    ``zero`` is ``int``, ``float`` or ``Decimal``. A group without rows has no result. Keeps one
    row per group; costs one look-up per changed group. `None` is a group like any other. With
    ``zero=ZSetPython`` the Z-sets that ``pick_value`` returns are added up, in Python.
    """
    what = "st.group_reduce_flatten"
    operator = operator_of(a, what)
    check_index(f"{what} by=", operator, by)
    if is_collecting(zero):
        value = collecting(what, operator, pick_value)
        return ir.Traced(
            collected_by(operator, value, by.function, origin(), "group_reduce_flatten")
        )
    total = total_of(what, operator, zero, pick_value)
    return ir.Traced(
        Aggregate(
            operator,
            by.function,
            (total,),
            single=True,
            origin=origin(),
            called="group_reduce_flatten",
        )
    )


def is_collecting(zero: Callable[[], Any]) -> bool:
    """Whether a sum starts from an empty Z-set."""
    made = zero() if callable(zero) else zero
    return isinstance(made, ZSetPython)


def collecting(
    what: str, operator: ir.Operator, pick_value: Callable[[Any], Any]
) -> ir.RowFunction:
    """A function that gives a Z-set of a row."""
    value = translated(pick_value, (operator.schema.type,), f"{what} pick_value=")
    if not isinstance(value.type, Atom) or not isinstance(value.type.collected, Weighted):
        raise query_error(
            f"{what}: zero= gives a ZSetPython, and pick_value gives {value.type}",
            "annotate pick_value: def pick(row: Row) -> st.ZSetPython[str]",
        )
    return value


ONE = ir.RowFunction(INT, (ir.Const(1, INT),), call=lambda row: 1, name="1")


def total_of(
    what: str, operator: ir.Operator, zero: Callable[[], Any], pick_value: Callable[[Any], Any]
) -> Total:
    """The running sum of what ``pick_value`` picks, starting from ``zero()``."""
    value = translated(pick_value, (operator.schema.type,), f"{what} pick_value=")
    return Total(total_name(value), value, sum_type(what, zero, value.type))


def total_name(value: ir.RowFunction) -> str:
    """A readable name for the column of a sum."""
    scalars = value.scalars or ()
    if len(scalars) == 1 and isinstance(scalars[0], ir.ColumnRef):
        return f"sum_{scalars[0].name}"
    return "total"


def sum_type(what: str, zero: Callable[[], Any], value: ValueType) -> Atom:
    """The type of a sum of ``value`` that starts from ``zero()``."""
    start = zero() if callable(zero) else zero
    kinds = {int: Kind.INT, float: Kind.FLOAT, Decimal: Kind.DECIMAL}
    if type(start) not in kinds or not isinstance(value, Atom):
        raise query_error(
            f"{what} sums numbers, and zero= gives {start!r} for values of type {value}",
            "use zero=int, zero=float or zero=Decimal, and pick a number",
        )
    if start:
        raise query_error(
            f"{what}: zero= gives {start!r}, and a sum of nothing is 0",
            f"use zero={type(start).__name__}, and st.map what it gives",
        )
    wanted = Atom(kinds[type(start)], python=type(start))
    if value.nullable:
        raise query_error(
            f"{what} cannot add up {value}: there is no None + 1",
            "give a number for None in pick_value: lambda row: row.x if row.x is not None else 0",
        )
    if value.kind is wanted.kind:
        return value
    if (value.kind, wanted.kind) in WIDENING:
        return wanted
    raise query_error(
        f"{what}: zero= gives {type(start).__name__}, and pick_value gives {value}",
        "let both be the same type",
    )


WIDENING = {
    (Kind.BOOL, Kind.INT),
    (Kind.BOOL, Kind.FLOAT),
    (Kind.BOOL, Kind.DECIMAL),
    (Kind.INT, Kind.FLOAT),
    (Kind.INT, Kind.DECIMAL),
}
