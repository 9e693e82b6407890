"""Postgres' spelling of the function table: arithmetic of floats.

Postgres raises where a sum, product or quotient overflows, and where a product or quotient is too
small for a float (https://postgresql.org/docs/current/datatype-numeric.html); Python gives an
infinity and 0.0. So there is a quick test for numbers that are far from that, and an exact one for
the others: by the result of smaller or larger numbers. Powers of two scale them without loss.

NaN is above the infinities in Postgres' order, and is handed on.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import replace

from stepping.dialects.postgres.scalar_numbers import (
    BIGINT,
    FLOAT8,
    NAN_RAW,
    ZERO_RAW,
    Rule,
    bound,
    plain,
    raw,
)
from stepping.dialects.scalars import (
    Sql,
    case,
    fn,
    lift,
    number,
    product_is_number,
    sum_is_number,
)

INFINITY = lift("Infinity").cast(FLOAT8)
_ZERO = lift(0).cast(FLOAT8)

# Sizes of which any two have an ordinary product and quotient; and an ordinary sum.
_SMALL, _LARGE = number("1e-150"), number("1e150")
_LARGE_TERM = number("4e307")
# Added to the largest float this changes nothing.
_SMALL_TERM = 1e290


def size(x: Sql) -> Sql:
    return fn("abs", x)


def two(power: int) -> Sql:
    """A power of two; beside a float, Postgres takes the literal for one."""
    return number(repr(2.0**power))


def _worst(*raws: str) -> str:
    return NAN_RAW if NAN_RAW in raws else max(raws)


def _infinite(x: Sql, y: Sql) -> Sql:
    return fn("greatest", size(x), size(y)) >= INFINITY


def _signed_infinity(x: Sql, y: Sql) -> Sql:
    return fn("sign", x) * fn("sign", y) * INFINITY


def _last(holds: Callable[[float], bool]) -> float:
    """The largest positive float of which ``holds`` is true, as it is of all smaller ones."""
    low, high = 0, struct.unpack("<q", struct.pack("<d", math.inf))[0]
    while high - low > 1:
        middle = (low + high) // 2
        if holds(_float(middle)):
            low = middle
        else:
            high = middle
    return _float(low)


def _float(bits: int) -> float:
    value: float = struct.unpack("<d", struct.pack("<q", bits))[0]
    return value


# ------------------------------------------------------------------------------------------ sums


def _sum(operator: Callable[..., Sql]) -> Rule:
    def body(x: Sql, y: Sql) -> Sql:
        quick = operator(x, plain(y)) if y.constant else operator(plain(x), y)
        if min(x.most, y.most) < _SMALL_TERM:
            return quick
        half = number("0.5")
        ordinary = (size(x) <= _LARGE_TERM).and_(size(y) <= _LARGE_TERM)
        tiny = fn("least", size(x), size(y)) < number(repr(_SMALL_TERM))
        fits = size(operator(x * half, y * half)) < two(1023)
        return case(
            (ordinary.or_(_infinite(x, y)).or_(tiny), quick),
            (fits, quick),
            otherwise=fn("sign", x) * INFINITY,
        )

    def rule(a: Sql, b: Sql) -> Sql:
        own = "" if sum_is_number(a, b) else NAN_RAW
        return raw(_worst(own, a.raw, b.raw), bound(body, a, b))

    return rule


# -------------------------------------------------------------------------------------- products


def _mul(a: Sql, b: Sql) -> Sql:
    if not b.constant and (a.constant or a.least >= 1):
        a, b = b, a  # the same product
    by_constant = b.factor and not a.constant
    if by_constant:
        own = ZERO_RAW if b.value < 0 else ""
        body = _mul_by_constant
    else:
        own = ZERO_RAW if product_is_number(a, b) else NAN_RAW
        body = _mul_by_whole if min(a.least, b.least) < 1 <= max(a.least, b.least) else _mul_any
    return raw(_worst(own, a.raw, b.raw), bound(body, a, b))


def _mul_by_constant(x: Sql, y: Sql) -> Sql:
    quick, factor = x * plain(y), abs(y.value)
    if factor == 1:
        return quick
    if factor > 1:
        most = _last(lambda size: not math.isinf(size * factor))
        ordinary = (size(x) <= number(repr(most))).or_(size(x) >= INFINITY)
        infinity = INFINITY if y.value > 0 else -INFINITY
        return case((ordinary, quick), otherwise=fn("sign", x) * infinity)
    # The largest that is rounded to 0.0; a product of 0.0 is no error.
    lost = _last(lambda size: size * factor == 0.0)
    return case(((size(x) > number(repr(lost))).or_(x.eq(0)), quick), otherwise=_ZERO)


def _mul_by_whole(x: Sql, y: Sql) -> Sql:
    """A product with a number that is 0.0 or at least 1.0."""
    ordinary = (size(x) <= _LARGE).and_(size(y) <= _LARGE) if not y.finite else size(x) <= _LARGE
    return case(
        (ordinary.or_(_infinite(x, y) if not y.finite else size(x) >= INFINITY), x * y),
        (_too_large(x, y), _signed_infinity(x, y)),
        otherwise=x * y,
    )


def _too_large(x: Sql, y: Sql) -> Sql:
    """Whether the product of two numbers, of which none is below 1.0, is infinite."""
    return size((x * two(-512)) * (y * two(-512))) >= 1


def _mul_any(x: Sql, y: Sql) -> Sql:
    large = (fn("least", size(x), size(y)) >= 1).and_(_too_large(x, y))
    return case(
        (_ordinary(x, y), x * y),
        (_infinite(x, y).or_(x.eq(0)).or_(y.eq(0)), x * y),
        (large, _signed_infinity(x, y)),
        (_vanishes(x, y), _ZERO),
        otherwise=x * y,
    )


def _ordinary(x: Sql, y: Sql) -> Sql:
    """Whether neither a product nor a quotient comes near the bounds of floats."""
    least, greatest = fn("least", size(x), size(y)), fn("greatest", size(x), size(y))
    return (least >= _SMALL).and_(greatest <= _LARGE)


def _vanishes(x: Sql, y: Sql) -> Sql:
    """Whether the product of two sizes is at most 2**-1075, and so rounded to 0.0."""
    small, large = fn("least", size(x), size(y)), fn("greatest", size(x), size(y))

    def scaled(u: Sql, v: Sql) -> Sql:  # by 2**1080 together
        exact = bound(at_most, high(u), high(v), u, v, depth=2)
        return (u * v < 32).or_((u * v).eq(32).and_(exact))

    def high(u: Sql) -> Sql:  # the upper half of its digits
        wide = u * number("134217729")
        return wide - (wide - u)

    def at_most(uh: Sql, vh: Sql, u: Sql, v: Sql) -> Sql:
        # Rounded, the product is 32. What was rounded off, exactly (Dekker 1971):
        ul, vl = u - uh, v - vh
        return ul * vl - (lift(32) - uh * vh - ul * vh - uh * vl) <= 0

    tiny = (large < 1).and_(small < two(-500))
    inside = bound(scaled, small * two(600), large * two(480), depth=1)
    return case((tiny, inside), otherwise=_FALSE)


_FALSE = lift(1).eq(0)

# ------------------------------------------------------------------------------------- quotients


def _truediv(a: Sql, b: Sql) -> Sql:
    if b.factor:
        own = ZERO_RAW if b.value < 0 else ""
        body = _div_by_constant
    else:
        own = ZERO_RAW if sum_is_number(a, b) else NAN_RAW
        body = _div_by_whole if b.least >= 1 and b.finite else _div_any
    return raw(_worst(own, a.raw, b.raw), bound(body, a, b))


def _div_by_constant(x: Sql, y: Sql) -> Sql:
    quick, divisor = (x / plain(y)), abs(y.value)
    if divisor < 1:
        most = _last(lambda size: not math.isinf(size / divisor))
        ordinary = (size(x) <= number(repr(most))).or_(size(x) >= INFINITY)
        infinity = INFINITY if y.value > 0 else -INFINITY
        return case((ordinary, quick), otherwise=fn("sign", x) * infinity)
    if divisor == 1:
        return quick
    lost = _last(lambda size: size / divisor == 0.0)
    return case(((size(x) > number(repr(lost))).or_(x.eq(0)), quick), otherwise=_ZERO)


def _div_by_whole(x: Sql, y: Sql) -> Sql:
    """A quotient by an int: at most 2**63, and at least 1 or an error."""
    ordinary = (size(x) >= _SMALL).or_(x.eq(0))
    vanishes = size(x) * two(540) / size(y) <= two(-535)
    return case((ordinary, x / y), (vanishes, _ZERO), otherwise=x / y)


def _div_any(x: Sql, y: Sql) -> Sql:
    return case(
        (_ordinary(x, y), x / y),
        (_infinite(x, y).or_(x.eq(0)).or_(y.eq(0)), x / y),
        (_overflows(size(x), size(y)), _signed_infinity(x, y)),
        (_underflows(size(x), size(y)), _ZERO),
        otherwise=x / y,
    )


def _overflows(x: Sql, y: Sql) -> Sql:
    less = x * two(-540)
    return case(
        ((y >= 1).or_(x < two(-50)), _FALSE),
        (y < two(-500), less / (y * two(540)) >= two(-56)),
        otherwise=less / y >= two(484),
    )


def _underflows(x: Sql, y: Sql) -> Sql:
    # A quotient of floats that is rounded to a power of two is one, so no more is to be asked.
    less = y * two(-540)
    return case(
        ((y <= 1).or_(x >= two(-50)), _FALSE),
        (x < two(-500), x * two(540) / less <= 32),
        otherwise=x / less <= two(-535),
    )


def _of_int(a: Sql) -> Sql:
    return replace(a.cast(FLOAT8), least=1.0, most=2.0**63)


FLOATS: dict[str, Rule] = {
    "float.add": _sum(Sql.__add__),
    "float.sub": _sum(Sql.__sub__),
    "float.mul": _mul,
    "float.truediv": _truediv,
    "float.neg": lambda a: raw(a.raw, lift(0) - a),  # so that 0.0 stays 0.0
    "float.abs": lambda a: raw(a.raw, size(a)),
    "float.of_int": _of_int,
    "float.sqrt": lambda a: fn("sqrt", a),
    "float.is_integer": lambda a: bound(lambda x: x.eq(fn("trunc", x)).and_(size(x) < INFINITY), a),
    "int.of_float": lambda a: fn("trunc", a).cast(BIGINT),
    "float.round": lambda a: a.cast(BIGINT),  # this cast rounds half to even
    "float.floor": lambda a: fn("floor", a).cast(BIGINT),
    "float.ceil": lambda a: fn("ceil", a).cast(BIGINT),
}

_RINGS = {"float.add", "float.sub", "float.mul", "float.truediv", "float.neg", "float.abs"}
_TO_INT = {"int.of_float", "float.round", "float.floor", "float.ceil"}  # raise on NaN by themselves


def absorbed(function: str) -> frozenset[str]:
    return frozenset({NAN_RAW, ZERO_RAW} if function in _RINGS | _TO_INT else ())
