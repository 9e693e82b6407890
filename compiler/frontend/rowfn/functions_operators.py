"""Python's operators over scalars: which rows of the function table they mean."""

from __future__ import annotations

from collections.abc import Callable

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.functions_calls import (
    FALSE,
    TRUE,
    apply,
    as_decimal,
    as_float,
    as_int,
    as_value,
    choose,
    constant,
    is_null,
    member_of,
    negated,
    number,
    scaled,
    text,
    unscaled,
)
from stepping.compiler.frontend.rowfn.functions_numbers import MAX_PRODUCT_SCALE
from stepping.compiler.schema import Atom, Kind

_MAX_SHIFT = 62  # 2**62 is the largest power of two that is a 64-bit int
_MAX_REPEAT = 1000
_MAX_EXPONENT = 63

_ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod"}
_BITWISE = {"&": "and", "|": "or", "^": "xor"}
_ORDER = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_WHOLE = (Kind.INT, Kind.BOOL)
_NUMBERS = (Kind.INT, Kind.BOOL, Kind.FLOAT)

# The pairs of kinds that have a row, for whoever asks what there is; `binary` decides.
BINARY: dict[tuple[str, Kind, Kind], str] = {
    **{(op, Kind.INT, Kind.INT): f"int.{name}" for op, name in _ARITHMETIC.items()},
    **{(op, Kind.INT, Kind.INT): f"int.{name}" for op, name in _BITWISE.items()},
    **{(op, Kind.FLOAT, Kind.FLOAT): f"float.{name}" for op, name in _ARITHMETIC.items()},
    **{(op, Kind.DECIMAL, Kind.DECIMAL): f"decimal.{_ARITHMETIC[op]}" for op in "+-*"},
    ("+", Kind.TEXT, Kind.TEXT): "text.add",
    ("+", Kind.BYTES, Kind.BYTES): "bytes.add",
    ("*", Kind.TEXT, Kind.INT): "text.repeat",
    ("**", Kind.INT, Kind.INT): "int.pow",
    ("**", Kind.FLOAT, Kind.FLOAT): "float.pow",
}


def binary(op: str, left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    """``left op right`` for one of Python's binary operators."""
    left, right = as_value(left), as_value(right)
    kinds = {left.type.kind, right.type.kind}
    if op in _BITWISE:
        return _bitwise(op, left, right)
    if op in ("<<", ">>"):
        return _shifted(op, left, right)
    if op == "**":
        return _power(left, right)
    if op not in _ARITHMETIC:
        raise LookupError(f"the operator {op} has no equivalent")
    if kinds <= set(_WHOLE):
        return apply(f"int.{_ARITHMETIC[op]}", as_int(left), as_int(right))
    if kinds <= set(_NUMBERS):
        return apply(f"float.{_ARITHMETIC[op]}", as_float(left), as_float(right))
    if kinds <= {*_WHOLE, Kind.DECIMAL}:
        return _decimal(op, left, right)
    if op == "+" and kinds in ({Kind.TEXT}, {Kind.BYTES}):
        return apply(f"{left.type.kind.value}.add", left, right)
    if op == "*" and kinds == {Kind.TEXT, Kind.INT}:
        value, times = (left, right) if left.type.kind is Kind.TEXT else (right, left)
        if not isinstance(times, ir.Const) or times.value > _MAX_REPEAT:
            raise LookupError(f"str * n takes a constant n of at most {_MAX_REPEAT}")
        return apply("text.repeat", value, times)
    raise LookupError(f"{op} of {left.type.required()} and {right.type.required()}")


def _decimal(op: str, left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    left, right = as_decimal(left), as_decimal(right)
    if op not in ("+", "-", "*"):
        raise LookupError(f"Decimal {op} Decimal is rounded by Python's decimal context")
    scales = (left.type.scale, right.type.scale)
    known = [scale for scale in scales if scale is not None]
    if len(known) < 2 or (op == "*" and sum(known) > MAX_PRODUCT_SCALE):
        left, right = unscaled(left), unscaled(right)
    elif op != "*":
        left, right = scaled(left, max(known)), scaled(right, max(known))
    return apply(f"decimal.{_ARITHMETIC[op]}", left, right)


def _bitwise(op: str, left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    if left.type.kind is right.type.kind is Kind.BOOL:
        # Both sides are evaluated, and either may raise: And and Or are for total parts.
        if op == "^":
            return negated(apply("eq", left, right))
        return apply("min" if op == "&" else "max", left, right)
    return apply(f"int.{_BITWISE[op]}", as_int(left), as_int(right))


def _shifted(op: str, left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    if not isinstance(right, ir.Const) or not 0 <= right.value <= _MAX_SHIFT:
        raise LookupError(f"{op} takes a constant from 0 to {_MAX_SHIFT}")
    # A shift is a product, or a quotient rounded down, which raise where Python's result has
    # more than 64 bits; the databases' shifts lose bits instead.
    name = "int.mul" if op == "<<" else "int.floordiv"
    return apply(name, as_int(left), number(2**right.value))


def _power(left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    left, right = as_int(left), as_int(right)
    if left.type.kind is right.type.kind is Kind.INT:
        if not isinstance(right, ir.Const):
            raise LookupError("int ** int takes a constant exponent")
        if right.value >= 0:
            if right.value > _MAX_EXPONENT:
                raise LookupError(f"int ** n takes an n of at most {_MAX_EXPONENT}")
            return apply("int.pow", left, right)
    if {left.type.kind, right.type.kind} <= {Kind.INT, Kind.FLOAT}:
        return apply("float.pow", as_float(left), as_float(right))
    raise LookupError(f"** of {left.type.required()} and {right.type.required()}")


def unary(op: str, part: ir.Scalar) -> ir.Scalar:
    """``op part`` for ``-``, ``+``, ``~`` and ``not``."""
    if op == "not":
        return negated(truth(part))
    part = as_int(as_value(part))
    kind = part.type.kind
    if op == "~" and kind is Kind.INT:
        return apply("int.invert", part)
    if kind in (Kind.INT, Kind.FLOAT, Kind.DECIMAL):
        if op == "+":
            return part
        if op == "-":
            return apply(f"{kind.value}.neg", part)
    raise LookupError(f"{op} of {part.type.required()}")


# ------------------------------------------------------------------------------------ comparison


def compare(op: str, left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    """``left op right`` as a BOOL that is never NULL; ``==`` and ``!=`` take nullable values."""
    if op in ("==", "is"):
        return equal(left, right)
    if op in ("!=", "is not"):
        return negated(equal(left, right))
    if op not in _ORDER:
        raise LookupError(f"the operator {op} has no equivalent")
    left, right = _alike(as_value(left), as_value(right))
    return apply(_ORDER[op], left, right)


def equal(left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    """``left == right``, where None equals None."""
    if left.type.kind is right.type.kind is Kind.NATIVE:
        return ir.Call("same", (left, right), Atom(Kind.BOOL))
    if Kind.NULL in (left.type.kind, right.type.kind):
        return is_null(right if left.type.kind is Kind.NULL else left)
    if left.type.kind is right.type.kind is Kind.ENUM and left.type.python is right.type.python:
        a, b = left, right
    else:
        a, b = as_value(left), as_value(right)
        if a.type.kind is not b.type.kind:
            kinds = {a.type.kind, b.type.kind}
            if kinds == {Kind.DECIMAL, Kind.FLOAT}:
                raise LookupError("comparing a Decimal with a float")
            if not (kinds <= set(_NUMBERS) or kinds <= {*_WHOLE, Kind.DECIMAL}):
                return _both_null(left, right)  # of different types: never equal
        elif a.type.kind is Kind.ENUM and a.type.python is not b.type.python:
            return _both_null(left, right)
    if not (left.type.nullable or right.type.nullable):
        return apply("eq", *_alike(a, b))
    if a.type.required() == b.type.required() and a is left and b is right:
        return apply("same", left, right)
    return choose(
        is_null(left),
        is_null(right),
        choose(is_null(right), FALSE, apply("eq", *_alike(a, b))),
    )


def _both_null(left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    if not (left.type.nullable and right.type.nullable):
        return FALSE
    return choose(is_null(left), is_null(right), FALSE)


def _alike(left: ir.Scalar, right: ir.Scalar) -> tuple[ir.Scalar, ir.Scalar]:
    """Two values as types that have a comparison: exact, never rounded."""
    if left.type.kind is right.type.kind is not Kind.DECIMAL:
        return left, right
    kinds = {left.type.kind, right.type.kind}
    if kinds <= set(_NUMBERS):
        left, right = as_int(left), as_int(right)
        return _exact_float(left, right), _exact_float(right, left)
    if kinds <= {*_WHOLE, Kind.DECIMAL}:
        left, right = as_decimal(left), as_decimal(right)
        if None in (left.type.scale, right.type.scale):
            return unscaled(left), unscaled(right)
    return left, right


def _exact_float(value: ir.Scalar, other: ir.Scalar) -> ir.Scalar:
    """A constant int that is compared with a float, as the float that it also is."""
    if other.type.kind is not Kind.FLOAT or not isinstance(value, ir.Const):
        return value
    exact = value.type.kind is Kind.INT and abs(value.value) <= 2**53
    return constant(float(value.value)) if exact else value


def contains(needle: ir.Scalar, container: ir.Scalar) -> ir.Scalar:
    """``needle in container`` for two texts."""
    return apply("text.contains", as_value(container), as_value(needle))


# --------------------------------------------------------------------------------- truth and text

_ZEROS: dict[Kind, object] = {Kind.INT: 0, Kind.FLOAT: 0.0, Kind.TEXT: "", Kind.BYTES: b""}
_ALWAYS_TRUE = (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP, Kind.TIME, Kind.UUID)


def truth(value: ir.Scalar) -> ir.Scalar:
    """``bool(value)``; None is false."""
    if value.type.kind is Kind.NULL:
        return FALSE
    if value.type.kind is Kind.BOOL and value.type.nullable:
        return apply("same", value, TRUE)
    return choose(is_null(value), FALSE, _truth(value))


def _truth(value: ir.Scalar) -> ir.Scalar:
    kind = value.type.kind
    if kind is Kind.BOOL:
        return value
    if kind in _ZEROS:
        return negated(apply("eq", value, constant(_ZEROS[kind])))
    if kind is Kind.DECIMAL:
        return negated(apply("eq", *_alike(value, number(0))))
    if kind is Kind.ENUM:
        return member_of(value, bool)
    if kind in _ALWAYS_TRUE:
        return TRUE
    raise LookupError(f"the truth of {value.type}")


def to_text(value: ir.Scalar) -> ir.Scalar:
    """``str(value)``; None is 'None'."""
    if value.type.kind is Kind.NULL:
        return text("None")
    return choose(is_null(value), text("None"), _text(value))


_TEXT_OF: dict[Kind, Callable[[ir.Scalar], ir.Scalar]] = {
    Kind.TEXT: lambda value: value,
    Kind.INT: lambda value: apply("text.of_int", value),
    Kind.FLOAT: lambda value: apply("text.of_float", value),
    Kind.BOOL: lambda value: apply("text.of_bool", value),
    Kind.DECIMAL: lambda value: apply("text.of_decimal", value),
    Kind.DATE: lambda value: apply("text.of_date", value),
    Kind.DATETIME: lambda value: apply("text.of_datetime", value),
    Kind.TIMESTAMP: lambda value: apply("text.of_datetime", value),
    Kind.TIME: lambda value: apply("text.of_time", value),
    Kind.UUID: lambda value: apply("text.of_uuid", value),
    Kind.ENUM: lambda value: member_of(value, str),
}


def _text(value: ir.Scalar) -> ir.Scalar:
    if value.type.kind not in _TEXT_OF:
        raise LookupError(f"str({value.type})")
    return _TEXT_OF[value.type.kind](value)
