"""Values that measures count or need: whether one is there, whether it is true."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.operators.aggregate import required
from stepping.compiler.schema import BOOL, INT


def some(scalar: ir.Scalar, message: str) -> ir.Scalar:
    """The scalar where it must not be None; else the step fails."""
    if not scalar.type.nullable:
        return scalar
    text = functions.to_text(scalar)
    failed = ir.Raise(
        functions.binary("+", ir.Const(f"{message}: ", text.type), text), scalar.type.required()
    )
    return ir.Case(((ir.IsNull(scalar), failed),), required(scalar), scalar.type.required())


def is_there(value: ir.Scalar) -> ir.Scalar:
    return ir.Not(ir.IsNull(value)) if value.type.nullable else ir.Const(True, BOOL)


def is_true(value: ir.Scalar) -> ir.Scalar:
    return functions.truth(value)


def is_false(value: ir.Scalar) -> ir.Scalar:
    false = ir.Not(functions.truth(value))
    return ir.And((ir.Not(ir.IsNull(value)), false)) if value.type.nullable else false


_TESTS: dict[Any, Callable[[Any], bool]] = {
    is_there: lambda value: value is not None,
    is_true: bool,
    is_false: lambda value: value is not None and not value,
}


def counting(value: ir.RowFunction, test: Callable[[ir.Scalar], ir.Scalar]) -> ir.RowFunction:
    """1 for each row whose value passes the test, else 0."""
    get, passes = value.call, _TESTS[test]
    scalars: tuple[ir.Scalar, ...] | None = None
    reason = value.reason
    if value.scalars is not None:
        try:
            condition = test(value.scalars[0])
            one, zero = ir.Const(1, INT), ir.Const(0, INT)
            scalars = (ir.Case(((condition, one),), zero, INT),)
            if condition == ir.Const(True, BOOL):
                scalars = (one,)
        except LookupError as error:
            reason = str(error)
    return dataclasses.replace(
        value,
        type=INT,
        scalars=scalars,
        python="" if scalars else f"{test.__name__}: {value.python or ir.digest_of(value).hex()}",
        reason=reason,
        call=lambda row: int(passes(get(row))),
    )
