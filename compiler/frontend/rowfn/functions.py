"""What row functions may call: Python's names, and the rows of the function table they mean.

A row is a promise: a database gives exactly what Python gives. The rows stand in
``functions_numbers``, ``functions_text`` and ``functions_time``; which of them a database can spell
is asked of its dialect when lowering. Nothing here knows a database.

Arguments are non-null, but for `compare` with ``==``, `truth` and `to_text`. Where there is no
exact row, a LookupError says why.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.functions_calls import FUNCTIONS as FUNCTIONS
from stepping.compiler.frontend.rowfn.functions_calls import (
    apply,
    as_decimal,
    as_float,
    as_int,
    member_of,
    text,
    unscaled,
)
from stepping.compiler.frontend.rowfn.functions_calls import as_value as as_value
from stepping.compiler.frontend.rowfn.functions_calls import call as call
from stepping.compiler.frontend.rowfn.functions_calls import coerced as coerced
from stepping.compiler.frontend.rowfn.functions_calls import constant as constant
from stepping.compiler.frontend.rowfn.functions_formats import formatted as formatted
from stepping.compiler.frontend.rowfn.functions_formats import strftime
from stepping.compiler.frontend.rowfn.functions_operators import BINARY as BINARY
from stepping.compiler.frontend.rowfn.functions_operators import binary as binary
from stepping.compiler.frontend.rowfn.functions_operators import compare as compare
from stepping.compiler.frontend.rowfn.functions_operators import contains as contains
from stepping.compiler.frontend.rowfn.functions_operators import to_text as to_text
from stepping.compiler.frontend.rowfn.functions_operators import truth as truth
from stepping.compiler.frontend.rowfn.functions_operators import unary as unary
from stepping.compiler.frontend.rowfn.functions_table import Function as Function
from stepping.compiler.frontend.rowfn.functions_table import fit as fit
from stepping.compiler.frontend.rowfn.functions_text import CASES, TESTS
from stepping.compiler.frontend.rowfn.functions_time import STARTS
from stepping.compiler.schema import INT, Kind

_LONGEST = 2**31  # no database has texts of more characters

Arguments = tuple[ir.Scalar, ...]
Builder = Callable[[Arguments], ir.Scalar]  # of a method: the receiver comes first


def builtin(name: str, args: Arguments) -> ir.Scalar:
    """``name(*args)`` for a builtin, or a function of the standard library by its full name."""
    return _built(BUILTINS.get(name), f"{name}()", args)


def builtin_name(function: object) -> str | None:
    """The name that `builtin` knows a Python function or type by."""
    return next((name for name, known in _OBJECTS.items() if known is function), None)


def builtin_object(name: str) -> Any:
    """The Python function or type of that name."""
    return _OBJECTS[name]


def method(receiver: ir.Scalar, name: str, args: Arguments) -> ir.Scalar:
    """``receiver.name(*args)``."""
    kind = receiver.type.kind
    if kind is Kind.ENUM and (kind, name) not in METHODS:
        receiver = as_value(receiver)
        kind = receiver.type.kind
    return _built(METHODS.get((kind, name)), f"{kind.value}.{name}()", (receiver, *args))


def attribute(receiver: ir.Scalar, name: str) -> ir.Scalar:
    """``receiver.name``."""
    kind = receiver.type.kind
    return _built(ATTRIBUTES.get((kind, name)), f"{kind.value}.{name}", (receiver,))


def item(receiver: ir.Scalar, index: ir.Scalar) -> ir.Scalar:
    """``receiver[index]`` of a str or bytes, with a constant index."""
    receiver = as_value(receiver)
    return apply(f"{receiver.type.kind.value}.item", receiver, index)


def sliced(
    receiver: ir.Scalar, start: int | None, stop: int | None, step: int | None = None
) -> ir.Scalar:
    """``receiver[start:stop:step]`` of a str or bytes."""
    receiver = as_value(receiver)
    if (start, stop, step) == (None, None, -1):
        return apply(f"{receiver.type.kind.value}.reverse", receiver)
    if step not in (None, 1):
        raise LookupError("a slice with a step")
    bounds = (constant(_within_text(start)), constant(_within_text(stop)))
    return apply(f"{receiver.type.kind.value}.slice", receiver, *bounds)


def _within_text(bound: int | None) -> int | None:
    """A bound of a slice; beyond every text, it is the same as at the end of the longest one."""
    return max(-_LONGEST, min(_LONGEST, bound)) if type(bound) is int else bound


def _built(builder: Builder | None, shown: str, args: Arguments) -> ir.Scalar:
    if builder is None:
        raise LookupError(f"{shown} has no equivalent in SQL")
    try:
        return builder(args)
    except (TypeError, ValueError) as error:  # the wrong number of arguments
        raise LookupError(f"{shown} with {len(args)} arguments") from error


def _row(name: str) -> Builder:
    return lambda args: apply(name, *map(as_value, args))


def _constant(value: ir.Scalar, what: str) -> Any:
    if not isinstance(value, ir.Const):
        raise LookupError(f"{what} must be a constant")
    return value.value


# -------------------------------------------------------------------------------------- builtins


def _len(args: Arguments) -> ir.Scalar:
    (value,) = map(as_value, args)
    return apply(f"{value.type.kind.value}.len", value)


def _abs(args: Arguments) -> ir.Scalar:
    (value,) = map(as_value, args)
    value = as_int(value)
    return apply(f"{value.type.kind.value}.abs", value)


def _round(args: Arguments) -> ir.Scalar:
    value, digits_given = args if len(args) == 2 else (*args, constant(None))
    value = as_int(as_value(value))
    kind = value.type.kind
    digits = _constant(digits_given, "the digits of round()")
    if kind is Kind.INT and (digits is None or digits >= 0):
        return value
    if digits is None:
        return apply(f"{kind.value}.round", value)
    if abs(digits) > 30:
        raise LookupError("round() to more than 30 digits")
    return apply(f"{kind.value}.round_to", value, digits_given)


def _extreme(name: str) -> Builder:
    def build(args: Arguments) -> ir.Scalar:
        if len(args) < 2:
            raise LookupError(f"{name}() of one argument")
        kinds = {arg.type.kind for arg in args}
        if len(kinds) > 1:
            # The result's type is that of whichever is chosen.
            shown = " and ".join(sorted(kind.value for kind in kinds))
            raise LookupError(f"{name}() of {shown}: make them one type, as max(0.0, price)")
        if kinds == {Kind.DECIMAL} and len({arg.type.scale for arg in args}) > 1:
            args = tuple(map(unscaled, args))
        return apply(name, *args)

    return build


def _int(args: Arguments) -> ir.Scalar:
    (value,) = map(as_value, args)
    kind = value.type.kind
    return value if kind is Kind.INT else apply(f"int.of_{kind.value}", value)


def _float(args: Arguments) -> ir.Scalar:
    (value,) = map(as_value, args)
    value = as_int(value)
    kind = value.type.kind
    return value if kind is Kind.FLOAT else apply(f"float.of_{kind.value}", value)


def _decimal(args: Arguments) -> ir.Scalar:
    (value,) = map(as_value, args)
    if value.type.kind not in (Kind.INT, Kind.BOOL, Kind.DECIMAL):
        raise LookupError(f"Decimal({value.type.required()})")
    return as_decimal(value)


def _rounded_int(name: str) -> Builder:
    def build(args: Arguments) -> ir.Scalar:
        (value,) = map(as_value, args)
        value = as_int(value)
        return value if value.type.kind is Kind.INT else apply(f"float.{name}", value)

    return build


def _truncated(args: Arguments) -> ir.Scalar:
    (value,) = map(as_value, args)
    if value.type.kind is Kind.TEXT:
        raise LookupError("math.trunc(str)")
    return _int((value,))


def _one(function: Callable[[ir.Scalar], ir.Scalar]) -> Builder:
    def build(args: Arguments) -> ir.Scalar:
        (value,) = args
        return function(value)

    return build


def _format(args: Arguments) -> ir.Scalar:
    value, spec = args if len(args) == 2 else (*args, text(""))
    if spec.type.kind is not Kind.TEXT:
        raise LookupError("a format spec that is no str")
    return formatted(value, _constant(spec, "a format spec"))


BUILTINS: dict[str, Builder] = {
    "abs": _abs,
    "bool": _one(truth),
    "float": _float,
    "format": _format,
    "int": _int,
    "len": _len,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "round": _round,
    "str": _one(to_text),
    "decimal.Decimal": _decimal,
    "math.ceil": _rounded_int("ceil"),
    "math.floor": _rounded_int("floor"),
    "math.sqrt": lambda args: apply("float.sqrt", *map(as_float, args)),
    "math.trunc": _truncated,
}
_OBJECTS: dict[str, object] = {
    "abs": abs,
    "bool": bool,
    "float": float,
    "format": format,
    "int": int,
    "len": len,
    "max": max,
    "min": min,
    "round": round,
    "str": str,
    "decimal.Decimal": Decimal,
    "math.ceil": math.ceil,
    "math.floor": math.floor,
    "math.sqrt": math.sqrt,
    "math.trunc": math.trunc,
}

# ------------------------------------------------------------------------- methods and attributes


def _padded(name: str) -> Builder:
    def build(args: Arguments) -> ir.Scalar:
        value, width, *fill = args
        if len(fill) > 1 or _constant(width, "the width") > 1000:
            raise LookupError(f"str.{name}() takes a width of at most 1000")
        if fill and len(_constant(fill[0], "the fill character")) != 1:
            raise LookupError(f"str.{name}() takes one fill character")
        return apply(f"text.{name}", value, width, *(fill or [text(" ")]))

    return build


def _stripped(name: str) -> Builder:
    def build(args: Arguments) -> ir.Scalar:
        given = [arg for arg in args if arg.type.kind is not Kind.NULL]  # strip(None) is strip()
        return apply(f"text.{name}", *given)

    return build


def _zfill(args: Arguments) -> ir.Scalar:
    value, width = args
    if _constant(width, "the width") > 1000:
        raise LookupError("str.zfill() takes a width of at most 1000")
    return apply("text.zfill", value, width)


def _encode(args: Arguments) -> ir.Scalar:
    value, *encoding = args
    name = _constant(encoding[0], "an encoding") if encoding else "utf-8"
    if len(encoding) > 1 or str(name).lower() not in ("utf-8", "utf8"):
        raise LookupError("str.encode() to other than UTF-8")
    return apply("bytes.of_text", value)


def _isoformat(args: Arguments) -> ir.Scalar:
    value, *separator = args
    chosen = _constant(separator[0], "the separator") if separator else "T"
    if len(separator) > 1 or chosen not in ("T", " "):
        raise LookupError("datetime.isoformat() takes 'T' or ' '")
    return apply("datetime.isoformat", value) if chosen == "T" else to_text(value)


def _strftime(args: Arguments) -> ir.Scalar:
    value, spec = args
    return strftime(value, _constant(spec, "a format"))


def started(value: ir.Scalar, fields: Mapping[str, Any]) -> ir.Scalar:
    """``value.replace(**fields)`` where that is the start of a month, a year, a day, an hour."""
    prefix = "date." if value.type.kind is Kind.DATE else "datetime."
    found = next(
        (name for name, each in STARTS.items() if each == fields and name.startswith(prefix)), None
    )
    if found is None or value.type.kind not in MOMENTS:
        shown = ", ".join(f"{name}={each!r}" for name, each in fields.items())
        raise LookupError(f"replace({shown}) is no start of a month, year, day, hour or minute")
    return apply(found, value)


def moved(value: ir.Scalar, by: datetime.timedelta) -> ir.Scalar:
    """A date or datetime, and a constant timedelta, of which a date takes the days."""
    if value.type.kind is Kind.DATE:
        return apply("date.plus", value, ir.Const(by.days, INT))
    microseconds = by // datetime.timedelta(microseconds=1)
    return apply("datetime.plus", value, ir.Const(microseconds, INT))


def days_between(left: ir.Scalar, right: ir.Scalar) -> ir.Scalar:
    """``(left - right).days`` of two dates."""
    if left.type.kind is not Kind.DATE or right.type.kind is not Kind.DATE:
        raise LookupError("(a - b).days is known of dates: a.date() - b.date()")
    return apply("int.sub", apply("date.toordinal", left), apply("date.toordinal", right))


def week_part(value: ir.Scalar, name: str) -> ir.Scalar:
    """``value.isocalendar().week`` and its other parts."""
    if value.type.kind in _DATETIMES:
        value = apply("datetime.date", value)
    if value.type.kind is not Kind.DATE:
        raise LookupError(f"isocalendar() of {value.type.kind.value}")
    return apply("date.isoweekday" if name == "weekday" else f"date.iso_{name}", value)


_DATE_PARTS = ("year", "month", "day")
_TIME_PARTS = ("hour", "minute", "second", "microsecond")
_DAY_METHODS = ("weekday", "isoweekday", "toordinal")
_DATETIMES = (Kind.DATETIME, Kind.TIMESTAMP)
MOMENTS = (Kind.DATE, *_DATETIMES)

METHODS: dict[tuple[Kind, str], Builder] = {
    **{
        (Kind.TEXT, name): _row(f"text.{name}")
        for name in (
            *(*CASES, *TESTS, "startswith", "endswith", "find", "rfind", "index", "rindex"),
            *("count", "replace", "removeprefix", "removesuffix"),
        )
    },
    **{(Kind.TEXT, name): _padded(name) for name in ("ljust", "rjust", "center")},
    **{(Kind.TEXT, name): _stripped(name) for name in ("strip", "lstrip", "rstrip")},
    (Kind.TEXT, "zfill"): _zfill,
    (Kind.TEXT, "encode"): _encode,
    (Kind.BYTES, "hex"): _row("bytes.hex"),
    (Kind.FLOAT, "is_integer"): _row("float.is_integer"),
    (Kind.DATE, "isoformat"): _row("text.of_date"),
    (Kind.TIME, "isoformat"): _row("text.of_time"),
    **{(Kind.DATE, name): _row(f"date.{name}") for name in _DAY_METHODS},
    **{
        (kind, name): _row(f"datetime.{name}")
        for kind in _DATETIMES
        for name in (*_DAY_METHODS, "date", "time")
    },
    **{(kind, "isoformat"): _isoformat for kind in _DATETIMES},
    **{(kind, "strftime"): _strftime for kind in (Kind.DATE, Kind.TIME, *_DATETIMES)},
}

ATTRIBUTES: dict[tuple[Kind, str], Builder] = {
    **{(Kind.DATE, name): _row(f"date.{name}") for name in _DATE_PARTS},
    **{(Kind.TIME, name): _row(f"time.{name}") for name in _TIME_PARTS},
    **{
        (kind, name): _row(f"datetime.{name}")
        for kind in _DATETIMES
        for name in (*_DATE_PARTS, *_TIME_PARTS)
    },
    (Kind.UUID, "hex"): _row("uuid.hex"),
    (Kind.UUID, "bytes"): _row("uuid.bytes"),
    (Kind.ENUM, "name"): _one(lambda member: apply("enum.name", member)),
    (Kind.ENUM, "value"): _one(lambda member: member_of(member, lambda m: m.value)),
}
