"""What is known of a scalar before any row is: its constants are computed, as Python does.

Row functions meet constants when they are put together: the tag of a union's rows, the missing side
of an outer join, a captured value. Databases compute such constants when they plan a statement,
also where a condition keeps them from being evaluated, so that what would raise in no row raises
in all. Here it becomes a `Raise`, which waits for a row.
"""

from __future__ import annotations

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.functions import FUNCTIONS, fit
from stepping.compiler.schema import BOOL, TEXT, Kind

TRUE, FALSE = ir.Const(True, BOOL), ir.Const(False, BOOL)


def folded(scalar: ir.Scalar) -> ir.Scalar:
    """The same scalar, with the parts of it computed that depend on no column."""
    done: dict[int, ir.Scalar] = {}  # by identity: digests would take longer than the rest

    def fold(part: ir.Scalar) -> ir.Scalar:
        key = id(part)
        if key not in done:
            done[key] = _folded(ir.rebuild(part, fold))
        return done[key]

    return fold(scalar)


def _folded(scalar: ir.Scalar) -> ir.Scalar:
    """A scalar whose parts are folded."""
    match scalar:
        case ir.Call(args=args) if all(isinstance(arg, ir.Const) for arg in args):
            return _called(scalar)
        case ir.Call(args=args) if any(map(_is_missing, args)) and scalar.function != "same":
            return ir.Const(None, scalar.type.optional())
        case ir.Case():
            return _chosen(scalar)
        case ir.And(parts):
            return _joined(scalar, ir.And, parts, TRUE, FALSE)
        case ir.Or(parts):
            return _joined(scalar, ir.Or, parts, FALSE, TRUE)
        case ir.Not(ir.Const(value)):
            return ir.Const(not value, BOOL)
        case ir.IsNull(ir.Const(value)):
            return ir.Const(value is None, BOOL)
        case _:
            return scalar


def _joined(
    scalar: ir.Scalar,
    make: type[ir.And] | type[ir.Or],
    parts: tuple[ir.Scalar, ...],
    nothing: ir.Const,
    everything: ir.Const,
) -> ir.Scalar:
    if any(_is(part, everything) for part in parts):
        return everything
    left = tuple(part for part in parts if not _is(part, nothing))
    if len(left) == 1:
        return left[0]
    return scalar if len(left) == len(parts) else make(left)


def _is(scalar: ir.Scalar, constant: ir.Const) -> bool:
    return isinstance(scalar, ir.Const) and scalar == constant


def _is_missing(scalar: ir.Scalar) -> bool:
    """Whether it is a None in the place of a value, and not one that was written as such.

    A condition keeps what reads it from being evaluated, whatever its result would be.
    """
    return (
        isinstance(scalar, ir.Const)
        and scalar.value is None
        and scalar.type.kind is not Kind.NULL
        and scalar.type.native is None
    )


def _called(call: ir.Call) -> ir.Scalar:
    if call.function != "same" and any(map(_is_missing, call.args)):
        return ir.Const(None, call.type.optional())
    values = [arg.value for arg in call.args if isinstance(arg, ir.Const)]
    function = FUNCTIONS[call.function]
    try:
        return ir.Const(fit(function.python(*values), call.type, str(function)), call.type)
    except Exception as error:  # whatever Python raises where a row is computed
        text = f"{type(error).__name__}: {error}"
        return ir.Raise(ir.Const(text, TEXT), call.type)


def _chosen(case: ir.Case) -> ir.Scalar:
    """The case without the conditions that are known."""
    whens: list[tuple[ir.Scalar, ir.Scalar]] = []
    otherwise = case.otherwise
    for condition, value in case.whens:
        if _is(condition, TRUE):
            otherwise = value
            break
        if not _is(condition, FALSE):
            whens.append((condition, value))
    if len(whens) == len(case.whens):
        return case
    if whens:
        return ir.Case(tuple(whens), otherwise, case.type)
    if isinstance(otherwise, ir.Const) and otherwise.value is None:
        return ir.Const(None, case.type)
    if otherwise.type.required() == case.type.required():
        return otherwise
    return ir.Case(((TRUE, otherwise),), otherwise, case.type)
