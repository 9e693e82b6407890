"""SQLite's spelling of the function table: comparisons, int, float, bool and Decimal.

SQLite makes a REAL of an int that overflows, and NULL of a division by zero and of NaN
(https://sqlite.org/lang_expr.html). Sums, differences and products hand both on.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import replace

from stepping.compiler.schema import Atom, Kind
from stepping.dialects.scalars import (
    Sql,
    case,
    concatenated,
    fn,
    let,
    lift,
    number,
    product_is_number,
    sum_is_number,
)

Rule = Callable[..., Sql]

INT_RAW = "int"  # REAL or NULL in place of an int
NULL_RAW = "null"  # NULL in place of a value, or -0.0
ZERO_RAW = "zero"  # -0.0 in place of 0.0
FINITE_RAW = "finite"  # an infinity or NULL in place of a finite float, or -0.0

_EXACT_INT = 2**53  # ints up to here are floats without loss
_FIRST_REAL = number("9223372036854775808.0")  # 2**63, the first float beyond the ints
_HALF = number("0.5")
_HALF_RANGE = 2**62
INFINITY = number("9e999")


def raw(kind: str, sql: Sql) -> Sql:
    return replace(sql, raw=kind)


def within(least: int, most: int, sql: Sql) -> Sql:
    """An int that is known to be between two others."""
    return replace(sql, span=(least, most))


def bound(body: Callable[..., Sql], *values: Sql, depth: int = 0) -> Sql:
    return let(values, body, offset=False, depth=depth)


def registered(name: str, *args: Sql | int | str) -> Sql:
    return fn(f"stepping_{name}", *args)


def _ten(power: int) -> int:
    return int(10**power)


# ----------------------------------------------------------------------------------- comparisons


def _compared(compare: Callable[[Sql, Sql], Sql]) -> Rule:
    """Comparisons are SQLite's own, which are exact also between INTEGER and REAL."""

    def rule(a: Sql, b: Sql) -> Sql:
        if a.kind is Kind.DECIMAL and a.scale != b.scale:
            return bound(lambda x, y: _of_scales(compare, x, y, a.scale, b.scale), a, b)
        return compare(a, b)

    return rule


def _of_scales(
    compare: Callable[[Sql, Sql], Sql], a: Sql, b: Sql, left: int | None, right: int | None
) -> Sql:
    # A product with a power of ten could overflow, so the one with more digits is divided:
    # a * m < b where b = q * m + r means a < q, or a = q and 0 < r.
    assert left is not None
    assert right is not None
    if left < right:
        m = _ten(right - left)
        return case((a.eq(b / m), compare(lift(0), b % m)), otherwise=compare(a, b / m))
    m = _ten(left - right)
    return case((b.eq(a / m), compare(a % m, lift(0))), otherwise=compare(a / m, b))


COMPARISONS: dict[str, Rule] = {
    "eq": _compared(Sql.eq),
    "same": Sql.same,
    "lt": _compared(Sql.__lt__),
    "le": _compared(Sql.__le__),
    "gt": _compared(Sql.__gt__),
    "ge": _compared(Sql.__ge__),
    "min": lambda *args: fn("min", *args),
    "max": lambda *args: fn("max", *args),
}

# ------------------------------------------------------------------------------------------ ints


def _floordiv(a: Sql, b: Sql) -> Sql:
    if not b.constant:
        quotient = bound(
            lambda x, y: x / y - (x % y).ne(0).and_((x < 0).ne(y < 0)),
            a,
            b,
        )
        return raw(INT_RAW, quotient)
    if b.value > 0:
        return bound(lambda x: x / b - (x % b < 0), a)
    quotient = bound(lambda x: x / b - (x % b > 0), a)
    # Only the smallest int has no quotient by -1.
    return quotient if b.value < -1 else raw(INT_RAW, quotient)


def _mod(a: Sql, b: Sql) -> Sql:
    if not b.constant:
        rest = bound(
            lambda x, y: x % y + y * (x % y).ne(0).and_((x < 0).ne(y < 0)),
            a,
            b,
        )
        return raw(INT_RAW, rest)
    if 0 < b.value <= _HALF_RANGE:
        return within(0, b.value - 1, (a % b + b) % b)  # less deeply nested than with a bound value
    if b.value > 0:
        return bound(lambda x: x % b + b * (x % b < 0), a)
    rest = bound(lambda x: x % b + b * (x % b > 0), a)
    return rest if b.value else raw(INT_RAW, rest)


def _truediv(a: Sql, b: Sql) -> Sql:
    def small(x: Sql) -> Sql | None:
        if x.constant and abs(x.value) <= _EXACT_INT:
            return None
        return x.between(-_EXACT_INT, _EXACT_INT)

    def body(x: Sql, y: Sql) -> Sql:
        tests = [test for test in (small(x), small(y)) if test is not None]
        quotient = x.cast("REAL") / y
        if not tests:
            return quotient
        both = tests[0] if len(tests) == 1 else tests[0].and_(tests[1])
        return case((both, quotient), otherwise=registered("truediv", x, y))

    return raw(NULL_RAW, bound(body, a, b))


def _power(a: Sql, n: Sql) -> Sql:
    def body(x: Sql) -> Sql:
        product = x * 0 + 1 if n.value == 0 else x
        for _ in range(n.value - 1):
            product = product * x
        return product

    return raw(INT_RAW, bound(body, a))


def in_range(x: Sql) -> Sql:
    return (x >= -_FIRST_REAL).and_(x < _FIRST_REAL)


def _of_float(whole: Callable[[Sql, Sql], Sql]) -> Rule:
    """An int from a float ``x`` and what is left of it without its fraction."""

    def rule(a: Sql) -> Sql:
        return raw(INT_RAW, bound(lambda x: case((in_range(x), whole(x, x.cast("INTEGER")))), a))

    return rule


def _rounded(x: Sql, whole: Sql) -> Sql:
    # The difference is exact. Half to even: a half counts where the whole part is odd.
    fraction = x - whole
    up = (fraction > _HALF).or_(fraction.eq(_HALF).and_(whole & 1))
    down = (fraction < -_HALF).or_(fraction.eq(-_HALF).and_(whole & 1))
    return whole + up - down


def _whole(function: Callable[[int, int], int], spelled: Callable[[Sql, Sql], Sql]) -> Rule:
    """Arithmetic of ints, which needs no check where no result can be beyond 64 bits."""

    def rule(a: Sql, b: Sql) -> Sql:
        if a.span is None or b.span is None or a.raw or b.raw:
            return raw(INT_RAW, spelled(a, b))
        ends = [function(x, y) for x in a.span for y in b.span]
        if not -(2**63) <= min(ends) <= max(ends) < 2**63:
            return raw(INT_RAW, spelled(a, b))
        return within(min(ends), max(ends), spelled(a, b))

    return rule


INTS: dict[str, Rule] = {
    "int.add": _whole(operator.add, lambda a, b: a + b),
    "int.sub": _whole(operator.sub, lambda a, b: a - b),
    "int.mul": _whole(operator.mul, lambda a, b: a * b),
    "int.floordiv": _floordiv,
    "int.mod": _mod,
    "int.truediv": _truediv,
    "int.pow": _power,
    "int.neg": lambda a: raw(INT_RAW, -a),
    "int.abs": lambda a: raw(INT_RAW, fn("abs", a)),
    "int.and": lambda a, b: a & b,
    "int.or": lambda a, b: a | b,
    "int.xor": lambda a, b: bound(lambda x, y: (x | y) - (x & y), a, b),
    "int.invert": lambda a: ~a,
    "int.of_bool": lambda a: a,
    "int.of_float": _of_float(lambda x, whole: whole),
    "int.of_text": lambda a: raw(INT_RAW, registered("int", a)),
    "float.round": _of_float(_rounded),
    "float.floor": _of_float(lambda x, whole: whole - (x < whole)),
    "float.ceil": _of_float(lambda x, whole: whole + (x > whole)),
}

# ---------------------------------------------------------------------------------------- floats


def _is_integer(x: Sql) -> Sql:
    infinite = fn("abs", x).eq(INFINITY)
    return case((in_range(x), x.eq(x.cast("INTEGER"))), otherwise=infinite.eq(0))


def _float_of_decimal(a: Sql) -> Sql:
    scale = a.scale
    if scale is None:
        return raw(FINITE_RAW, registered("decimal_float", a))

    def body(x: Sql) -> Sql:
        # Both are exact floats, so that the quotient is rounded once.
        quotient = x.cast("REAL") / number(f"{_ten(scale)}.0")
        wide = registered("decimal_float", registered("decimal_of", x, scale))
        return case((x.between(-_EXACT_INT, _EXACT_INT), quotient), otherwise=wide)

    return bound(body, a)


def _worst(*raws: str) -> str:
    return next((each for each in (FINITE_RAW, NULL_RAW, ZERO_RAW) if each in raws), "")


def _sized(own: str, made: Sql, a: Sql, b: Sql, most: float) -> Sql:
    """A result of two floats, no larger than ``most``: of finite ones it has to be finite."""
    if a.finite and b.finite and most == math.inf:
        own = FINITE_RAW
    return replace(raw(_worst(own, a.raw, b.raw), made), most=most)


def _sum(operator: Callable[[Sql, Sql], Sql]) -> Rule:
    def rule(a: Sql, b: Sql) -> Sql:
        own = "" if sum_is_number(a, b) else NULL_RAW
        return _sized(own, operator(a, b), a, b, a.most + b.most)

    return rule


def _product(a: Sql, b: Sql) -> Sql:
    own = ZERO_RAW if product_is_number(a, b) else NULL_RAW
    return _sized(own, a * b, a, b, a.most * b.most)


def _quotient(a: Sql, b: Sql) -> Sql:
    own = ZERO_RAW if b.factor else NULL_RAW
    if b.least >= 1 and own == ZERO_RAW:  # no larger than the dividend, which has been looked at
        return raw(_worst(own, a.raw, b.raw), a / b)
    return _sized(own, a / b, a, b, a.most / b.least if b.least and b.factor else math.inf)


def _of_floats(name: str) -> Rule:
    """A function of ours, which gives NULL where Python raises."""

    def rule(*args: Sql) -> Sql:
        is_finite = all(each.finite for each in args if each.kind is Kind.FLOAT)
        return raw(FINITE_RAW if is_finite else NULL_RAW, registered(name, *args))

    return rule


FLOATS: dict[str, Rule] = {
    "float.add": _sum(Sql.__add__),
    "float.sub": _sum(Sql.__sub__),
    "float.mul": _product,
    "float.truediv": _quotient,
    "float.floordiv": _of_floats("floordiv"),
    "float.mod": _of_floats("mod"),
    "float.pow": _of_floats("pow"),
    # 0 - a, so that 0.0 stays 0.0; but -0.0 is read as a literal of its own.
    "float.neg": lambda a: raw(a.raw, number("0.0") - a if a.constant else -a),
    "float.abs": lambda a: raw(a.raw, fn("abs", a)),
    "float.of_int": lambda a: replace(a.cast("REAL"), least=1.0, most=2.0**63),
    "float.of_decimal": _float_of_decimal,
    "float.of_text": lambda a: raw(NULL_RAW, registered("float", a)),
    "float.round_to": _of_floats("round"),
    "float.sqrt": lambda a: raw(NULL_RAW, registered("sqrt", a)),
    "float.is_integer": lambda a: bound(_is_integer, a),
}

# -------------------------------------------------------------------------------------- decimals


def _arithmetic(name: str, scaled: Callable[..., Sql]) -> Rule:
    def rule(*args: Sql) -> Sql:
        if args[0].scale is None:
            return raw(NULL_RAW, registered(f"decimal_{name}", *args))
        return raw(INT_RAW, scaled(*args))

    return rule


def _to_scale(scale: int) -> Rule:
    def rule(a: Sql) -> Sql:
        if a.scale is None:
            return raw(INT_RAW, registered("decimal_scaled", a, scale))
        if a.scale <= scale:
            return raw(INT_RAW, a * _ten(scale - a.scale)) if a.scale < scale else a
        m = _ten(a.scale - scale)
        return raw(INT_RAW, bound(lambda x: case(((x % m).eq(0), x / m)), a))

    return rule


def _half_even(x: Sql, m: int) -> Sql:
    """``x / m`` for a power of ten ``m``, rounded half to even."""
    quotient, rest, half = x / m, x % m, m // 2
    up = (rest > half).or_(rest.eq(half).and_(quotient & 1))
    down = (rest < -half).or_(rest.eq(-half).and_(quotient & 1))
    return quotient + up - down


def _decimal_round(a: Sql) -> Sql:
    scale = a.scale
    if scale is None:
        return raw(INT_RAW, registered("decimal_round", a))
    return a if scale == 0 else bound(lambda x: _half_even(x, _ten(scale)), a)


def _decimal_round_to(a: Sql, n: Sql) -> Sql:
    if a.scale is None:
        return raw(NULL_RAW, registered("decimal_round_to", a, n))
    dropped = a.scale - n.value
    if dropped <= 0:
        return a
    if dropped > 18:
        raise LookupError("round(Decimal, n) to so few digits")
    m = _ten(dropped)
    return raw(INT_RAW, bound(lambda x: _half_even(x, m) * m, a))


def _decimal_fixed(a: Sql, n: Sql) -> Sql:
    digits = int(n.value)
    if a.scale is None:
        return registered("decimal_fixed", a, n)
    if a.scale > digits:
        return registered("decimal_fixed", registered("decimal_of", a, a.scale), n)
    return decimal_digits(a, a.scale, "0" * (digits - a.scale))


def decimal_digits(a: Sql, scale: int, zeros: str = "") -> Sql:
    """All digits of a scaled decimal, and ``zeros`` behind them."""
    if scale == 0:
        text = a.cast("TEXT")
        return concatenated(text, f".{zeros}") if zeros else text

    def body(x: Sql) -> Sql:
        m = _ten(scale)
        # The quotient's sign is lost where it is 0; and abs(x) itself may overflow.
        sign = case((x < 0, "-"), otherwise="")
        whole = fn("abs", x / m).cast("TEXT")
        rest = fn("printf", f".%0{scale}d{zeros}", fn("abs", x % m))
        return concatenated(sign, whole, rest)

    return bound(body, a)


def _text_of_decimal(a: Sql) -> Sql:
    if a.scale is None:
        return registered("decimal_text", a)
    if a.scale > 6:  # where str() may have an exponent
        return registered("decimal_text", registered("decimal_of", a, a.scale))
    if a.scale == 0:
        return a.cast("TEXT")
    return fn("rtrim", fn("rtrim", decimal_digits(a, a.scale), "0"), ".")


def _int_of_decimal(a: Sql) -> Sql:
    if a.scale is None:
        return raw(INT_RAW, registered("decimal_int", a))
    return a / _ten(a.scale) if a.scale else a


DECIMALS: dict[str, Rule] = {
    "decimal.add": _arithmetic("add", lambda a, b: a + b),
    "decimal.sub": _arithmetic("sub", lambda a, b: a - b),
    "decimal.mul": _arithmetic("mul", lambda a, b: a * b),
    "decimal.neg": _arithmetic("neg", lambda a: -a),
    "decimal.abs": _arithmetic("abs", lambda a: fn("abs", a)),
    "decimal.of_int": lambda a: a,
    "decimal.unscaled": lambda a: a if a.scale is None else registered("decimal_of", a, a.scale),
    **{f"decimal.scaled_{scale}": _to_scale(scale) for scale in range(19)},
    "decimal.round": _decimal_round,
    "decimal.round_to": _decimal_round_to,
    "decimal.fixed": _decimal_fixed,
    "text.of_decimal": _text_of_decimal,
    "int.of_decimal": _int_of_decimal,
}

# Rows that hand a raw argument on. (`%`, `/` of ints and the bit operators make ints of a REAL.)
_INT_RINGS = {"add", "sub", "mul", "neg", "abs", "pow"}
_NULL_RINGS = {"add", "sub", "mul", "truediv", "neg", "abs"}
_FROM_FLOAT = {"int.of_float", "float.round", "float.floor", "float.ceil"}


def absorbed(function: str, args: tuple[Atom, ...]) -> frozenset[str]:
    family, _, name = function.partition(".")
    scaled = family == "decimal" and args[0].scale is not None
    if (family == "int" or scaled) and name in _INT_RINGS:
        return frozenset({INT_RAW})
    if function in _FROM_FLOAT:
        return frozenset({NULL_RAW, ZERO_RAW, FINITE_RAW})
    if family == "float" and name in _NULL_RINGS:
        # A divisor that is infinite gives 0.0; and beside one that may be, nobody would tell.
        is_finite = name != "truediv" and not any(each.infinite for each in args)
        return frozenset({NULL_RAW, ZERO_RAW, *((FINITE_RAW,) if is_finite else ())})
    return frozenset()
