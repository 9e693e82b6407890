"""Postgres' spelling of the function table: arithmetic of floats.

Postgres raises where a sum, product or quotient overflows, and where a product or quotient is too
small for a float (https://postgresql.org/docs/current/datatype-numeric.html); Python gives an
infinity and 0.0. So there is a quick test for numbers that are far from that, and an exact one for
the others: by the result of smaller or larger numbers. Powers of two scale them without loss.

NaN is above the infinities in Postgres' order, and is handed on.
"""

from __future__ import annotations

from collections.abc import Callable

from stepping.dialects.postgres.scalar_numbers import BIGINT, FLOAT8, FLOAT_RAW, Rule, bound, raw
from stepping.dialects.scalars import Sql, case, fn, lift, number

INFINITY = lift("Infinity").cast(FLOAT8)

# Sizes of which any two have an ordinary product and quotient; and an ordinary sum.
_SMALL, _LARGE = 1e-150, 1e150
_LARGE_TERM = 4e307
# Added to the largest float this changes nothing.
_SMALL_TERM = 1e290


def size(x: Sql) -> Sql:
    return fn("abs", x)


def two(power: int) -> Sql:
    """A power of two; beside a float, Postgres takes the literal for one."""
    return number(repr(2.0**power))


def _bounds(x: Sql) -> tuple[float, float]:
    if x.constant:
        return abs(x.value) or 1.0, abs(x.value) or 1.0  # 0.0 is harmless
    return x.least, x.most


def _smaller(x: Sql, high: float) -> list[Sql]:
    return [size(x) <= number(repr(high))] if _bounds(x)[1] > high else []


def _larger(x: Sql, low: float) -> list[Sql]:
    if _bounds(x)[0] >= low:
        return []
    return [(size(x) >= number(repr(low))).or_(x.eq(0))]


def _all(tests: list[Sql]) -> Sql:
    first, *rest = tests
    for test in rest:
        first = first.and_(test)
    return first


def _unless_extreme(tests: list[Sql], quick: Sql, *exact: tuple[Sql, Sql]) -> Sql:
    """``quick`` where the tests hold, or where no exact condition does."""
    return case((_all(tests), quick), *exact, otherwise=quick) if tests else quick


def _infinite(x: Sql, y: Sql) -> Sql:
    return fn("greatest", size(x), size(y)) >= INFINITY


def _signed_infinity(x: Sql, y: Sql) -> Sql:
    return fn("sign", x) * fn("sign", y) * INFINITY


def _sum(operator: Callable[[Sql, Sql], Sql]) -> Rule:
    def body(x: Sql, y: Sql) -> Sql:
        quick = operator(x, y)
        half = number("0.5")
        fits = size(operator(x * half, y * half)) < two(1023)
        tiny = fn("least", size(x), size(y)) < number(repr(_SMALL_TERM))
        return _unless_extreme(
            [*_smaller(x, _LARGE_TERM), *_smaller(y, _LARGE_TERM)],
            quick,
            (_infinite(x, y).or_(tiny).or_(fits), quick),
            (lift(1).eq(1), fn("sign", x) * INFINITY),
        )

    return lambda a, b: raw(FLOAT_RAW, bound(body, a, b))


def _mul(a: Sql, b: Sql) -> Sql:
    def body(x: Sql, y: Sql) -> Sql:
        quick = x * y
        tests = [*_smaller(x, _LARGE), *_smaller(y, _LARGE)]
        zero = _infinite(x, y).or_(x.eq(0)).or_(y.eq(0))
        large = (fn("least", size(x), size(y)) >= 1).and_(
            size((x * two(-512)) * (y * two(-512))) >= 1
        )
        exact = [(zero, quick), (large, _signed_infinity(x, y))]
        if max(_bounds(x)[0], _bounds(y)[0]) < 1:  # else a product is as large as a factor
            tests += [*_larger(x, _SMALL), *_larger(y, _SMALL)]
            exact.append((_vanishes(x, y), lift(0).cast(FLOAT8)))
        return _unless_extreme(tests, quick, *exact)

    return raw(FLOAT_RAW, bound(body, a, b))


def _vanishes(x: Sql, y: Sql) -> Sql:
    """Whether the product of two sizes is at most 2**-1075, and so rounded to 0.0."""
    small, large = fn("least", size(x), size(y)), fn("greatest", size(x), size(y))

    def scaled(u: Sql, v: Sql) -> Sql:  # by 2**1080 together
        product = u * v
        return (product < 32).or_(
            product.eq(32).and_(bound(at_most, high(u), high(v), u, v, depth=2))
        )

    def high(u: Sql) -> Sql:  # the upper half of its digits
        wide = u * number("134217729")
        return wide - (wide - u)

    def at_most(uh: Sql, vh: Sql, u: Sql, v: Sql) -> Sql:
        # Rounded, the product is 32. What was rounded off, exactly (Dekker 1971):
        ul, vl = u - uh, v - vh
        rest = ul * vl - (((lift(32) - uh * vh) - ul * vh) - uh * vl)
        return rest <= 0

    tiny = (large < 1).and_(small < two(-500))
    return case(
        (tiny, bound(scaled, small * two(600), large * two(480), depth=1)),
        otherwise=lift(1).eq(0),
    )


def _truediv(a: Sql, b: Sql) -> Sql:
    def body(x: Sql, y: Sql) -> Sql:
        quick = x / y
        tests = [*_smaller(x, _LARGE), *_larger(x, _SMALL), *_smaller(y, _LARGE)]
        tests += _larger(y, _SMALL)
        plain = _infinite(x, y).or_(x.eq(0)).or_(y.eq(0))
        return _unless_extreme(
            tests,
            quick,
            (plain, quick),
            (_overflows(size(x), size(y)), _signed_infinity(x, y)),
            (_underflows(size(x), size(y)), lift(0).cast(FLOAT8)),
        )

    return raw(FLOAT_RAW, bound(body, a, b))


def _never() -> Sql:
    return lift(1).eq(0)


def _overflows(x: Sql, y: Sql) -> Sql:
    less = x * two(-540)
    return case(
        ((y >= 1).or_(x < two(-50)), _never()),
        (y < two(-500), less / (y * two(540)) >= two(-56)),
        otherwise=less / y >= two(484),
    )


def _underflows(x: Sql, y: Sql) -> Sql:
    # A quotient of floats that is rounded to a power of two is one, so no more is to be asked.
    less = y * two(-540)
    return case(
        ((y <= 1).or_(x >= two(-50)), _never()),
        (x < two(-500), (x * two(540)) / less <= 32),
        otherwise=x / less <= two(-535),
    )


def _of_int(a: Sql) -> Sql:
    made = a.cast(FLOAT8)
    return Sql(made.tree, least=1.0, most=2.0**63)


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
    return frozenset({FLOAT_RAW} if function in _RINGS | _TO_INT else ())
