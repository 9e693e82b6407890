"""The function table: comparisons, int, float, bool and Decimal."""

from __future__ import annotations

import decimal
import math
import operator
from decimal import Decimal
from typing import Any

from stepping.compiler.exact import EXACT
from stepping.compiler.frontend.rowfn.functions_table import (
    ORDERED,
    Function,
    Types,
    alike,
    comparable,
    takes,
)
from stepping.compiler.schema import BOOL, FLOAT, INT, TEXT, Atom, Kind

MAX_SCALE = 18  # a scaled decimal is a 64-bit integer on SQLite
# Of a product: one with more digits after the point has no scale, since too few of 64 bits would
# be left for those before it.
MAX_PRODUCT_SCALE = 9

_EQUATABLE = (*ORDERED, Kind.ENUM)
_INT2 = takes(Kind.INT, Kind.INT, gives=INT)
_FLOAT1 = takes(Kind.FLOAT, gives=FLOAT)
_FLOAT2 = takes(Kind.FLOAT, Kind.FLOAT, gives=FLOAT)


def _same(types: Types) -> Atom | None:
    return alike((*_EQUATABLE, Kind.PACKED))(types) and BOOL if len(types) == 2 else None


def _decimal2(types: Types) -> Atom | None:
    return alike((Kind.DECIMAL,))(types) if len(types) == 2 else None


def _decimal1(types: Types) -> Atom | None:
    return alike((Kind.DECIMAL,), least=1)(types) if len(types) == 1 else None


def _decimal_product(types: Types) -> Atom | None:
    if [t.kind for t in types] != [Kind.DECIMAL] * 2:
        return None
    left, right = (t.scale for t in types)
    if left is None and right is None:
        return Atom(Kind.DECIMAL)
    if left is None or right is None or left + right > MAX_PRODUCT_SCALE:
        return None
    return Atom(Kind.DECIMAL, scale=left + right)


def _as_is(value: Any) -> Any:
    return value


def _int_pow(base: int, exponent: int) -> int:
    if exponent < 0:
        raise ValueError("the result is a float")
    return int(base**exponent)


def _float_pow(base: float, exponent: float) -> float:
    result = base**exponent
    if isinstance(result, complex):
        raise TypeError("a complex number cannot be stored")
    return float(result)


def _decimal_round(value: Decimal, digits: int) -> Decimal:
    unit = Decimal(1).scaleb(-digits, EXACT)
    return value.quantize(unit, rounding=decimal.ROUND_HALF_EVEN, context=EXACT)


def _decimal_round_int(value: Decimal) -> int:
    return int(value.to_integral_value(decimal.ROUND_HALF_EVEN, EXACT))


def _decimal_fixed(value: Decimal, digits: int) -> str:
    # Without trailing zeros a context's precision does not enter; the rounding is the context's.
    with decimal.localcontext(EXACT):
        return format(value, f".{digits}f")


COMPARISONS = (
    Function(
        "eq",
        operator.eq,
        comparable((*_EQUATABLE, Kind.PACKED)),
        note="int and float exactly, also beyond 2**53; collected values as their packed bytes",
        label="a == b",
    ),
    Function("same", operator.eq, _same, note="None equals None", label="a == b, maybe None"),
    Function("lt", operator.lt, comparable(ORDERED), note="text by code point", label="a < b"),
    Function("le", operator.le, comparable(ORDERED), label="a <= b"),
    Function("gt", operator.gt, comparable(ORDERED), label="a > b"),
    Function("ge", operator.ge, comparable(ORDERED), label="a >= b"),
    Function("min", lambda *values: min(values), alike(ORDERED), label="min()"),
    Function("max", lambda *values: max(values), alike(ORDERED), label="max()"),
)

INTS = (
    Function("int.add", operator.add, _INT2, partial=True, label="int + int"),
    Function("int.sub", operator.sub, _INT2, partial=True, label="int - int"),
    Function("int.mul", operator.mul, _INT2, partial=True, label="int * int"),
    Function(
        "int.floordiv",
        operator.floordiv,
        _INT2,
        partial=True,
        note="rounds down, where databases round towards 0; raises on 0",
        label="int // int",
    ),
    Function(
        "int.mod",
        operator.mod,
        _INT2,
        partial=True,
        note="has the sign of the divisor, where databases take the dividend's",
        label="int % int",
    ),
    Function(
        "int.truediv",
        operator.truediv,
        takes(Kind.INT, Kind.INT, gives=FLOAT),
        partial=True,
        note="correctly rounded also beyond 2**53",
        label="int / int",
    ),
    Function(
        "int.pow",
        _int_pow,
        _INT2,
        partial=True,
        constant=(1,),
        note="a constant exponent from 0",
        label="int ** n",
    ),
    Function("int.neg", operator.neg, takes(Kind.INT, gives=INT), partial=True, label="-int"),
    Function("int.abs", abs, takes(Kind.INT, gives=INT), partial=True, label="abs(int)"),
    Function("int.and", operator.and_, _INT2, label="int & int"),
    Function("int.or", operator.or_, _INT2, label="int | int"),
    Function("int.xor", operator.xor, _INT2, label="int ^ int"),
    Function("int.invert", operator.invert, takes(Kind.INT, gives=INT), label="~int"),
    Function("int.of_bool", int, takes(Kind.BOOL, gives=INT), label="int(bool)"),
    Function(
        "int.of_float",
        int,
        takes(Kind.FLOAT, gives=INT),
        partial=True,
        note="towards 0; raises on an infinity",
        label="int(float)",
    ),
    Function(
        "int.of_text",
        int,
        takes(Kind.TEXT, gives=INT),
        partial=True,
        note="Unicode digits, underscores and white space, as in Python",
        label="int(str)",
    ),
    Function(
        "int.of_decimal",
        int,
        takes(Kind.DECIMAL, gives=INT),
        partial=True,
        note="towards 0",
        label="int(Decimal)",
    ),
)

FLOATS = (
    Function("float.add", operator.add, _FLOAT2, partial=True, label="float + float"),
    Function("float.sub", operator.sub, _FLOAT2, partial=True, label="float - float"),
    Function(
        "float.mul",
        operator.mul,
        _FLOAT2,
        partial=True,
        note="raises where the result overflows or is NaN",
        label="float * float",
    ),
    Function(
        "float.truediv",
        operator.truediv,
        _FLOAT2,
        partial=True,
        note="raises on 0.0",
        label="float / float",
    ),
    Function("float.floordiv", operator.floordiv, _FLOAT2, partial=True, label="float // float"),
    Function("float.mod", operator.mod, _FLOAT2, partial=True, label="float % float"),
    Function("float.pow", _float_pow, _FLOAT2, partial=True, label="float ** float"),
    Function("float.neg", operator.neg, _FLOAT1, label="-float"),
    Function("float.abs", abs, _FLOAT1, label="abs(float)"),
    Function("float.of_int", float, takes(Kind.INT, gives=FLOAT), label="float(int)"),
    Function("float.of_decimal", float, takes(Kind.DECIMAL, gives=FLOAT), label="float(Decimal)"),
    Function(
        "float.of_text",
        float,
        takes(Kind.TEXT, gives=FLOAT.with_infinities()),
        partial=True,
        note="'nan' raises",
        label="float(str)",
    ),
    Function(
        "float.round",
        round,
        takes(Kind.FLOAT, gives=INT),
        partial=True,
        note="half to even",
        label="round(float)",
    ),
    Function(
        "float.round_to",
        round,
        takes(Kind.FLOAT, Kind.INT, gives=FLOAT),
        partial=True,
        constant=(1,),
        note="rounds the exact binary value: round(2.675, 2) is 2.67",
        label="round(float, n)",
    ),
    Function(
        "float.floor",
        math.floor,
        takes(Kind.FLOAT, gives=INT),
        partial=True,
        label="math.floor(float)",
    ),
    Function(
        "float.ceil",
        math.ceil,
        takes(Kind.FLOAT, gives=INT),
        partial=True,
        label="math.ceil(float)",
    ),
    Function("float.sqrt", math.sqrt, _FLOAT1, partial=True, label="math.sqrt(float)"),
    Function(
        "float.is_integer",
        float.is_integer,
        takes(Kind.FLOAT, gives=BOOL),
        label="float.is_integer()",
    ),
)

DECIMALS = (
    Function("decimal.add", EXACT.add, _decimal2, partial=True, label="Decimal + Decimal"),
    Function("decimal.sub", EXACT.subtract, _decimal2, partial=True, label="Decimal - Decimal"),
    Function(
        "decimal.mul", EXACT.multiply, _decimal_product, partial=True, label="Decimal * Decimal"
    ),
    Function("decimal.neg", EXACT.minus, _decimal1, partial=True, label="-Decimal"),
    Function("decimal.abs", EXACT.abs, _decimal1, partial=True, label="abs(Decimal)"),
    Function(
        "decimal.of_int",
        Decimal,
        takes(Kind.INT, gives=Atom(Kind.DECIMAL, scale=0)),
        label="Decimal(int)",
    ),
    Function(
        "decimal.unscaled",
        _as_is,
        takes(Kind.DECIMAL, gives=Atom(Kind.DECIMAL)),
        label="a Decimal without a scale",
    ),
    # The scale is the position in this row's family: one row for each scale.
    *(
        Function(
            f"decimal.scaled_{scale}",
            _as_is,
            takes(Kind.DECIMAL, gives=Atom(Kind.DECIMAL, scale=scale)),
            partial=True,
            note="raises where digits would be lost",
            label=f"a Decimal with scale {scale}",
        )
        for scale in range(MAX_SCALE + 1)
    ),
    Function(
        "decimal.round",
        _decimal_round_int,
        takes(Kind.DECIMAL, gives=INT),
        partial=True,
        note="half to even",
        label="round(Decimal)",
    ),
    Function(
        "decimal.round_to",
        _decimal_round,
        lambda types: _decimal1(types[:1]) if [t.kind for t in types[1:]] == [Kind.INT] else None,
        partial=True,
        constant=(1,),
        note="half to even",
        label="round(Decimal, n)",
    ),
    Function(
        "decimal.fixed",
        _decimal_fixed,
        takes(Kind.DECIMAL, Kind.INT, gives=TEXT),
        constant=(1,),
        note="half to even",
        label="format(Decimal, '.nf')",
    ),
)
