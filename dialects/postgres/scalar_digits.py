"""Postgres's spelling of the function table: the decimal digits of floats.

A cast of a float to numeric keeps 15 digits. Here its exact value is put together instead.
"""

from __future__ import annotations

from stepping.dialects.postgres.scalar_floats import INFINITY, size, two
from stepping.dialects.postgres.scalar_numbers import (
    BIGINT,
    FLOAT8,
    NUMERIC,
    TEXT,
    Rule,
    bound,
    fixed,
    half_even,
)
from stepping.dialects.scalars import Sql, case, concatenated, fn, lift, number

_MOST_DIGITS = 15
_FIRST_FLOAT = number("9223372036854775808")  # 2**63, the first float beyond the ints
# 2**-104 in full.
_GRAIN = number(f"0.{5**104:0104}")


def _exponent(x: Sql) -> Sql:
    """The power of two that is the last bit of a float of at least 2**63."""
    bits = fn("float8send", x)
    biased = (fn("get_byte", bits, 0) & 127) * 16 + fn("get_byte", bits, 1) / 16
    return biased - 1075


def _whole(x: Sql) -> Sql:
    """The exact value of a float of at least 2**52, by its 53 digits in base 2."""

    def body(exponent: Sql) -> Sql:
        digits = (x / fn("power", two(1).cast(FLOAT8), exponent)).cast(BIGINT)
        return digits.cast(NUMERIC) * fn("power", lift(2).cast(NUMERIC), exponent)

    return bound(body, _exponent(x), depth=3)


def exact(x: Sql) -> Sql:
    """A finite float as a numeric: all digits, but for what is below 2**-104.

    That is nothing unless the float itself is below 2**-51, and then it does not matter for the
    digits that are asked for.
    """
    fraction = (x - fn("trunc", x)) * two(52)
    upper = fn("trunc", fraction).cast(BIGINT).cast(NUMERIC)
    lower = fn("trunc", (fraction - fn("trunc", fraction)) * two(52)).cast(BIGINT).cast(NUMERIC)
    small = fn("trunc", x).cast(BIGINT).cast(NUMERIC) + (upper * 2**52 + lower) * _GRAIN
    return case((size(x) < _FIRST_FLOAT, small), otherwise=_whole(x))


def _checked(digits: int) -> int:
    if digits > _MOST_DIGITS:
        raise LookupError(f"a float to more than {_MOST_DIGITS} digits after the point")
    return digits


def _fixed(a: Sql, n: Sql) -> Sql:
    digits = _checked(n.value)

    def outer(x: Sql) -> Sql:
        rounded = bound(lambda v: half_even(v, digits), exact(x), depth=1)
        shown = bound(lambda v: fixed(v, x < 0), rounded, depth=2)
        return case(
            (x >= INFINITY, "inf"),
            (x <= -INFINITY, "-inf"),
            otherwise=shown,
        )

    return bound(outer, a)


def _round_to(a: Sql, n: Sql) -> Sql:
    digits = _checked(n.value)

    def outer(x: Sql) -> Sql:
        rounded = bound(lambda v: half_even(v, digits).cast(FLOAT8), exact(x), depth=1)
        # Without a fraction there is nothing to round.
        done = size(x) >= (two(53) if digits >= 0 else INFINITY)
        return case((done, x), otherwise=rounded)

    return bound(outer, a)


# ------------------------------------------------------------------------- the shortest digits


def _text(a: Sql) -> Sql:
    """``str(float)``: the fewest digits that give the same float, as Postgres has them too.

    Three differences. Python has ``.0`` behind a whole number and no exponent below 1e16; and where
    the middle between two floats has fewer digits than any number nearer to the float, Postgres
    will not rely on how the middle is rounded. Python does (to even), which matters from 2**54
    on: the middles between smaller floats have more digits than it takes.
    """

    def body(x: Sql) -> Sql:
        shown = x.cast(TEXT)
        plain = x.eq(fn("trunc", x)).and_(size(x) < number("1e15"))
        sign = case((x < 0, "-"), otherwise="")
        return case(
            (x >= INFINITY, "inf"),
            (x <= -INFINITY, "-inf"),
            (plain, shown.then(".0")),
            (size(x) < number("1e15"), shown),
            (size(x) < number("1e16"), sign.then(_sixteen(fn("replace", shown, "-", "")))),
            # The middle of two floats is a multiple of a power of 5 that is too large from here.
            (size(x) >= number("1e41"), shown),
            otherwise=sign.then(bound(_shortest, size(x), depth=1)),
        )

    return bound(body, a)


def _digits(shown: Sql) -> Sql:
    return fn("replace", fn("split_part", shown, "e", 1), ".", "")


def _sixteen(shown: Sql) -> Sql:
    """A number with 16 digits before the point, from one with an exponent."""
    tail = fn("substr", _digits(shown), 17)
    whole = fn("left", fn("rpad", _digits(shown), 17, "0"), 16)
    return concatenated(whole, ".", case((tail.eq(""), "0"), otherwise=tail))


def _shortest(x: Sql) -> Sql:
    def body(value: Sql, exponent: Sql) -> Sql:
        unit = fn("power", lift(2).cast(NUMERIC), exponent)
        # Below a power of two the floats are twice as near.
        power = (value / unit).eq(number(str(2**52)))
        below = value - case((power, unit / 4), otherwise=unit / 2)
        even = ((value / unit) % 2).eq(0)
        candidates = [number("0"), below, value + unit / 2]
        return case(
            (even, bound(choose, *map(rounded, candidates[1:]), x, depth=4)), otherwise=x.cast(TEXT)
        )

    def rounded(value: Sql) -> Sql:
        return fn("trunc", value).cast(TEXT)

    def choose(below: Sql, above: Sql, same: Sql) -> Sql:
        own = fn("length", _digits(same.cast(TEXT)))
        return case(
            (fn("length", fn("rtrim", below, "0")) < own, scientific(below)),
            (fn("length", fn("rtrim", above, "0")) < own, scientific(above)),
            otherwise=same.cast(TEXT),
        )

    def scientific(whole: Sql) -> Sql:
        tail = fn("substr", fn("rtrim", whole, "0"), 2)
        return concatenated(
            fn("left", whole, 1),
            case((tail.eq(""), ""), otherwise=lift(".").then(tail)),
            "e+",
            (fn("length", whole) - 1).cast(TEXT),
        )

    return bound(body, _whole(x), _exponent(x), depth=2)


DIGITS: dict[str, Rule] = {
    "text.of_float": _text,
    "float.fixed": _fixed,
    "float.round_to": _round_to,
}
