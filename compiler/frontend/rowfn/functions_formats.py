"""Format specs of f-strings, taken apart into rows of the function table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.functions_calls import (
    apply,
    as_float,
    as_int,
    choose,
    constant,
    member_of,
    number,
    text,
)
from stepping.compiler.frontend.rowfn.functions_operators import to_text
from stepping.compiler.schema import Kind

_SPEC = re.compile(
    r"(?:(?P<fill>.)?(?P<align>[<>=^]))?(?P<sign>[-+ ])?(?P<z>z)?(?P<alternate>#)?(?P<zero>0)?"
    r"(?P<width>\d+)?(?P<separator>[,_])?(?:\.(?P<precision>\d+))?(?P<type>[a-zA-Z%])?",
    re.DOTALL,
)
_MAX_WIDTH = 1000
_EXAMPLES = {Kind.INT: 1, Kind.FLOAT: 1.5, Kind.TEXT: "a", Kind.DECIMAL: Decimal("1.5")}

# Directives that mean the same in every locale and on every system.
DIRECTIVES = {Kind.TIME: "HMSf%"} | dict.fromkeys(
    (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP), "YmdHMSfjy%"
)


@dataclass(frozen=True)
class Spec:
    fill: str
    align: str
    sign: str
    separator: str
    width: int
    precision: int | None
    type: str
    zero: bool
    rare: bool  # z, #: left to Python's own format


def parsed(spec: str) -> Spec:
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise LookupError(f"the format spec {spec!r}")
    part = match.groupdict()
    width = int(part["width"] or 0)
    if width > _MAX_WIDTH or int(part["precision"] or 0) > _MAX_WIDTH:
        raise LookupError(f"a width or precision above {_MAX_WIDTH}")
    return Spec(
        fill=part["fill"] or " ",
        align=part["align"] or "",
        sign=part["sign"] or "-",
        separator=part["separator"] or "",
        width=width,
        precision=None if part["precision"] is None else int(part["precision"]),
        type=part["type"] or "",
        zero=part["zero"] is not None,
        rare=bool(part["z"] or part["alternate"]),
    )


def formatted(value: ir.Scalar, spec: str) -> ir.Scalar:
    """``format(value, spec)`` of a value that is not None."""
    if not spec:
        return to_text(value)
    kind = value.type.kind
    if kind is Kind.BOOL:
        value, kind = as_int(value), Kind.INT
    if kind in _EXAMPLES:
        try:
            format(_EXAMPLES[kind], spec)
        except ValueError as error:
            raise LookupError(f"the format spec {spec!r}: {error}") from error
    match kind:
        case Kind.INT:
            return _int(value, spec)
        case Kind.FLOAT:
            return _float(value, spec)
        case Kind.TEXT:
            return _str(value, spec)
        case Kind.DECIMAL:
            return _decimal(value, spec)
        case Kind.ENUM:
            return member_of(value, lambda member: format(member, spec))
        case Kind.DATE | Kind.DATETIME | Kind.TIMESTAMP | Kind.TIME:
            return strftime(value, spec)
        case _:
            raise LookupError(f"the format spec {spec!r} of {value.type.required()}")


def strftime(value: ir.Scalar, spec: str) -> ir.Scalar:
    """``value.strftime(spec)``."""
    kind = value.type.kind
    for directive in re.findall(r"%(.?)", spec, re.DOTALL):
        if directive not in DIRECTIVES[kind] or not directive:
            raise LookupError(f"%{directive} in a format depends on the system or the locale")
    if not (spec.isascii() and spec.isprintable()):
        raise LookupError("a date's format of other than printable ASCII characters")
    name = "datetime" if kind is Kind.TIMESTAMP else kind.value
    return apply(f"{name}.strftime", value, text(spec))


def _int(value: ir.Scalar, spec: str) -> ir.Scalar:
    parts = parsed(spec)
    if parts.type in tuple("fFeEgG%"):
        return _float(as_float(value), spec)
    if parts.type == "n":
        raise LookupError("the format spec 'n' depends on the locale")
    if parts.type not in ("", "d") or parts.rare or _needs_python(parts):
        return apply("int.format", value, text(spec))
    return _laid_out(to_text(value), parts)


def _float(value: ir.Scalar, spec: str) -> ir.Scalar:
    parts = parsed(spec)
    if parts.type == "n":
        raise LookupError("the format spec 'n' depends on the locale")
    plain = parts.type == "" and parts.precision is None
    if not (plain or parts.type in ("f", "%")) or parts.rare or _needs_python(parts):
        return apply("float.format", value, text(spec))
    if plain:
        return _laid_out(to_text(value), parts)
    digits = number(6 if parts.precision is None else parts.precision)
    if parts.type == "f":
        return _laid_out(apply("float.fixed", value, digits), parts)
    hundredfold = apply("float.mul", value, constant(100.0))
    return _laid_out(apply("float.fixed", hundredfold, digits), parts, "%")


def _decimal(value: ir.Scalar, spec: str) -> ir.Scalar:
    parts = parsed(spec)
    if parts.rare or _needs_python(parts):
        raise LookupError(f"the format spec {spec!r} of a Decimal")
    if parts.type == "f" and parts.precision is not None:
        return _laid_out(apply("decimal.fixed", value, number(parts.precision)), parts)
    if parts.type == "" and parts.precision is None and not parts.separator:
        return _laid_out(to_text(value), parts)
    raise LookupError(f"the format spec {spec!r} of a Decimal")


def _needs_python(parts: Spec) -> bool:
    """Layouts that are not taken apart: zeros in groups, fill between sign and digits."""
    inner = parts.align == "=" and not (parts.fill == "0" and parts.sign == "-")
    zeros = parts.zero and (parts.sign != "-" or parts.align not in ("", "="))
    padded = parts.width > 0 and (parts.zero or (parts.align == "=" and parts.fill == "0"))
    return inner or zeros or (padded and bool(parts.separator))


def _laid_out(shown: ir.Scalar, parts: Spec, unit: str = "") -> ir.Scalar:
    """A number's text with its separators, its sign and unit, and padded to its width."""
    if parts.separator:
        shown = apply("text.grouped", shown, text(parts.separator))
    if unit:
        shown = apply("text.add", shown, text(unit))
    if parts.sign != "-":
        signed = apply("text.add", text(parts.sign), shown)
        shown = choose(apply("text.startswith", shown, text("-")), shown, signed)
    if not parts.width:
        return shown
    if parts.zero or parts.align == "=":
        return apply("text.zfill", shown, number(parts.width))
    return padded(shown, parts.width, parts.fill, parts.align or ">")


def padded(shown: ir.Scalar, width: int, fill: str, align: str) -> ir.Scalar:
    name = {"<": "text.ljust", ">": "text.rjust", "^": "text.centered"}[align]
    return apply(name, shown, number(width), text(fill)) if width else shown


def _str(value: ir.Scalar, spec: str) -> ir.Scalar:
    parts = parsed(spec)
    if parts.type not in ("", "s") or parts.zero or parts.rare:
        raise LookupError(f"the format spec {spec!r} of a str")
    if parts.precision is not None:
        value = apply("text.slice", value, number(0), number(parts.precision))
    return padded(value, parts.width, parts.fill, parts.align or "<")
