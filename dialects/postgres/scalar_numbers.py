"""Postgres's spelling of the function table: comparisons, int, bool and Decimal.

`bigint` and `numeric` are exact and raise by themselves where Python raises, or where an int has
more than 64 bits (https://postgresql.org/docs/current/datatype-numeric.html).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from stepping.compiler.schema import Atom, Kind
from stepping.dialects.natives import verbatim_type
from stepping.dialects.scalars import Sql, case, concatenated, fn, let, lift, number

Rule = Callable[..., Sql]

NAN_RAW = "nan"  # a float that may be NaN or -0.0
ZERO_RAW = "zero"  # a float that may be -0.0
DECIMAL_RAW = "decimal"  # a numeric with zeros behind its last digit

BIGINT = "BIGINT"
FLOAT8 = "DOUBLE PRECISION"
NUMERIC = "NUMERIC"
TEXT = "TEXT"
_EXACT_INT = 2**53  # ints up to here are floats without loss
_FIRST_FLOAT = 2**63  # the first float beyond the ints


def raw(kind: str, sql: Sql) -> Sql:
    return replace(sql, raw=kind)


def bound(body: Callable[..., Sql], *values: Sql, depth: int = 0) -> Sql:
    return let(values, body, offset=True, depth=depth)


def float8(digits: str) -> Sql:
    return number(digits).cast(FLOAT8)


def plain(value: Sql) -> Sql:
    """A constant without the cast that gives it its type, beside an operand that has one."""
    tree = value.tree
    if value.constant and isinstance(tree, exp.Cast) and value.kind in _BARE:
        bare = value.kind is not Kind.FLOAT or value.finite
        return replace(value, tree=tree.this) if bare else value
    return value


_BARE = (Kind.INT, Kind.FLOAT, Kind.TEXT, Kind.ENUM, Kind.DECIMAL)


def pair(a: Sql, b: Sql) -> tuple[Sql, Sql]:
    """Two operands, of which a constant takes its type from the other."""
    return (a, plain(b)) if b.constant else (plain(a), b)


def failed(text: str, atom: Atom, *values: Sql) -> Sql:
    """An expression that raises, showing the first of the values that is no constant.

    One that does not depend on the row would be evaluated when the statement is planned, also
    inside CASE.
    """
    value = next((value for value in values if not value.constant), values[0])
    shown = fn("coalesce", value.cast(TEXT), "NULL")
    return raised(concatenated(text, shown), atom)


_PHYSICAL = {
    Kind.INT: BIGINT,
    Kind.FLOAT: FLOAT8,
    Kind.BOOL: "BOOLEAN",
    Kind.DECIMAL: NUMERIC,
    Kind.TEXT: TEXT,
    Kind.ENUM: TEXT,
    Kind.BYTES: "BYTEA",
    Kind.PACKED: "BYTEA",
    Kind.DATE: "DATE",
    Kind.DATETIME: "TIMESTAMP",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.TIME: "TIME",
    Kind.UUID: "UUID",
    Kind.NULL: "BOOLEAN",  # as its column is
}
_FROM_INTEGER = (Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.DECIMAL, Kind.TEXT, Kind.ENUM, Kind.NULL)


def physical(atom: Atom) -> str:
    return _PHYSICAL[atom.kind]


def said(message: Sql) -> Sql:
    """A message that is put together when a row fails.

    A constant would be cast when the statement is planned, also inside CASE, but for what is
    volatile (postgresql.org/docs/current/xfunc-volatility.html).
    """
    if message.tree.find(exp.Column) is None:
        return concatenated(message, fn("left", fn("timeofday"), 0))
    return message


def raised(message: Sql, atom: Atom) -> Sql:
    # The error quotes the text that is no integer.
    fault = concatenated("stepping: ", said(message)).cast("INTEGER")
    if atom.native is not None:
        text = fault.cast(TEXT).tree
        return Sql(exp.Cast(this=text, to=verbatim_type(atom.native.name)), atom)
    if atom.kind not in _FROM_INTEGER:
        fault = fault.cast(TEXT)
    return fault.cast(physical(atom))


# ----------------------------------------------------------------------------------- comparisons


def code_points(text: Sql) -> Sql:
    """Text that is compared by code point, whatever the database's collation."""
    collation = exp.to_identifier("C", quoted=True)
    operand = text.tree if isinstance(text.tree, exp.Column) else exp.Paren(this=text.tree.copy())
    return Sql(exp.Paren(this=exp.Collate(this=operand.copy(), expression=collation)))


def _compared(compare: Callable[[Sql, Sql], Sql]) -> Rule:
    def rule(a: Sql, b: Sql) -> Sql:
        if {a.kind, b.kind} == {Kind.INT, Kind.FLOAT}:
            return _int_with_float(compare, a, b)
        a, b = pair(a, b)
        if a.kind is Kind.TEXT:
            return compare(code_points(a), b)
        return compare(a, b)

    return rule


def _equal(a: Sql, b: Sql) -> Sql:
    # Collations that can be a database's own find texts equal only where they are the same.
    if {a.kind, b.kind} == {Kind.INT, Kind.FLOAT}:
        return _int_with_float(Sql.eq, a, b)
    return Sql.eq(*pair(a, b))


def _int_with_float(compare: Callable[[Sql, Sql], Sql], a: Sql, b: Sql) -> Sql:
    """Exact, where Postgres would round the int to a float.

    Rounding keeps the order, so only where the rounded int equals the float is there more to ask.
    """

    def body(x: Sql, y: Sql) -> Sql:
        i, f = (x, y) if x.kind is Kind.INT else (y, x)

        def ordered(whole: Sql, other: Sql | int) -> Sql:
            left, right = (whole, other) if x.kind is Kind.INT else (other, whole)
            return compare(lift(left), lift(right))

        rounded = i.cast(FLOAT8)
        small = f.constant and (abs(f.value) < _EXACT_INT or not f.finite)
        if small or (i.constant and abs(i.value) <= _EXACT_INT):
            return ordered(rounded, f)
        if f.constant:  # a whole number; its cast to bigint below could raise at once
            return ordered(i.cast(NUMERIC), number(str(int(f.value))).cast(NUMERIC))
        return case(
            (rounded.ne(f), ordered(rounded, f)),
            # The one float that is equal to a rounded int and is no int: the int is less.
            (f.eq(float8(f"{_FIRST_FLOAT}")), ordered(lift(0), 1)),
            otherwise=ordered(i, f.cast(BIGINT)),
        )

    return bound(body, a, b)


def _extreme(name: str) -> Rule:
    def rule(*args: Sql) -> Sql:
        if args[0].kind is Kind.TEXT:
            return fn(name, *map(code_points, args))
        return fn(name, *args)

    return rule


COMPARISONS: dict[str, Rule] = {
    "eq": _equal,
    "same": lambda a, b: Sql.same(*pair(a, b)),
    "lt": _compared(Sql.__lt__),
    "le": _compared(Sql.__le__),
    "gt": _compared(Sql.__gt__),
    "ge": _compared(Sql.__ge__),
    "min": _extreme("least"),
    "max": _extreme("greatest"),
}

# ------------------------------------------------------------------------------------------ ints


def _infix(operator: Callable[..., Sql]) -> Rule:
    def rule(a: Sql, b: Sql) -> Sql:
        return operator(*pair(a, b))

    return rule


def _opposite(x: Sql, y: Sql) -> Sql:
    """Whether a quotient that is rounded towards 0 is more than the one that is rounded down."""
    if y.constant:
        return (x % plain(y) < 0) if y.value > 0 else (x % plain(y) > 0)
    return (x % y).ne(0).and_((x < 0).ne(y < 0))


def _floordiv(a: Sql, b: Sql) -> Sql:
    def body(x: Sql, y: Sql) -> Sql:
        return x / plain(y) - case((_opposite(x, y), 1), otherwise=0)

    return bound(body, a, b)


def _mod(a: Sql, b: Sql) -> Sql:
    def body(x: Sql, y: Sql) -> Sql:
        rest = x % plain(y)
        return case((_opposite(x, y), rest + plain(y)), otherwise=rest)

    return bound(body, a, b)


def _truediv(a: Sql, b: Sql) -> Sql:
    def small(x: Sql) -> Sql:
        return x.between(-_EXACT_INT, _EXACT_INT)

    def body(x: Sql, y: Sql) -> Sql:
        quotient = x.cast(FLOAT8) / y.cast(FLOAT8)
        # A quotient of ints that is the middle between two floats has at most 62 digits behind
        # the point; with 120 digits any other is on the right side of it.
        wide = (x.cast("NUMERIC(140, 120)") / y.cast(NUMERIC)).cast(FLOAT8)
        return case((small(x).and_(small(y)), quotient), otherwise=wide)

    return raw(ZERO_RAW, bound(body, a, b))


def _power(a: Sql, n: Sql) -> Sql:
    def body(x: Sql) -> Sql:
        product = x * 0 + 1 if n.value == 0 else x
        for _ in range(n.value - 1):
            product = product * x
        return product

    return bound(body, a)


INTS: dict[str, Rule] = {
    "int.add": _infix(Sql.__add__),
    "int.sub": _infix(Sql.__sub__),
    "int.mul": _infix(Sql.__mul__),
    "int.floordiv": _floordiv,
    "int.mod": _mod,
    "int.truediv": _truediv,
    "int.pow": _power,
    "int.neg": Sql.__neg__,
    "int.abs": lambda a: fn("abs", a),
    "int.and": _infix(Sql.__and__),
    "int.or": _infix(Sql.__or__),
    "int.xor": _infix(Sql.__xor__),
    "int.invert": Sql.__invert__,
    "int.of_bool": lambda a: a.cast("INTEGER").cast(BIGINT),
    "int.of_decimal": lambda a: fn("trunc", a).cast(BIGINT),
}

# -------------------------------------------------------------------------------------- decimals


def half_even(x: Sql, digits: int) -> Sql:
    """A numeric rounded half to even; Postgres rounds a half away from 0."""
    # Twice the rounded half of a number in the middle is the even one of its neighbours.
    middle = number(f"5E{-digits - 1}")
    tie = fn("abs", x - fn("trunc", x, digits)).eq(middle)
    even = fn("round", x * number("0.5"), digits) * 2
    return case((tie, even), otherwise=fn("round", x, digits))


def _scaled(scale: int, value: Sql) -> Sql:
    """A numeric of this scale, or an error where it has more than 64 bits without its point."""
    if scale == 0:
        return value.cast(BIGINT).cast(NUMERIC)
    digits = (value * number(str(10**scale))).cast(BIGINT)
    return digits.cast(NUMERIC) * number(f"0.{'1'.rjust(scale, '0')}")


def _arithmetic(operator: Callable[..., Sql]) -> Rule:
    def rule(*args: Sql) -> Sql:
        scales = [arg.scale for arg in args]
        made = operator(*args)
        if scales[0] is None:
            return raw(DECIMAL_RAW, made)
        product = operator is Sql.__mul__
        return _scaled(sum(s for s in scales if s is not None) if product else scales[0], made)

    return rule


# The most digits behind the point that a numeric has: more are rounded off.
_MAX_DIGITS = 16_383


def _decimal_mul(a: Sql, b: Sql) -> Sql:
    if a.scale is not None:
        return _arithmetic(Sql.__mul__)(a, b)

    def body(x: Sql, y: Sql) -> Sql:
        digits = fn("scale", x) + fn("scale", y)
        fault = failed("more digits than Postgres holds: ", Atom(Kind.DECIMAL), digits)
        return case((digits <= _MAX_DIGITS, x * y), otherwise=fault)

    return raw(DECIMAL_RAW, bound(body, a, b))


def _to_scale(scale: int) -> Rule:
    def rule(a: Sql) -> Sql:
        if a.scale is not None and a.scale <= scale:
            return _scaled(scale, a) if a.scale < scale else a

        def body(x: Sql) -> Sql:
            whole = x.eq(fn("trunc", x, scale))
            fault = failed(f"more than {scale} digits after the point: ", Atom(Kind.DECIMAL), x)
            return case((whole, _scaled(scale, x)), otherwise=fault)

        return bound(body, a)

    return rule


def _decimal_round(a: Sql) -> Sql:
    return bound(lambda x: half_even(x, 0).cast(BIGINT), a)


def _decimal_round_to(a: Sql, n: Sql) -> Sql:
    made = bound(lambda x: half_even(x, n.value), a)
    return raw(DECIMAL_RAW, made) if a.scale is None else _scaled(a.scale, made)


def fixed(rounded: Sql, negative: Sql) -> Sql:
    """The text of a rounded number: with a sign also where a negative one became 0."""
    sign = case((rounded.eq(0).and_(negative), "-"), otherwise="")
    return sign.then(rounded.cast(TEXT))


def _decimal_fixed(a: Sql, n: Sql) -> Sql:
    def body(x: Sql) -> Sql:
        return bound(lambda y: fixed(y, x < 0), half_even(x, n.value), depth=1)

    return bound(body, a)


def _text_of_decimal(a: Sql) -> Sql:
    if a.scale is not None and a.scale <= 6:  # never an exponent
        return fn("trim_scale", a).cast(TEXT)

    def body(x: Sql) -> Sql:
        small = fn("abs", x).between(number("1E-16383"), number("9.9E-7"))
        digits = fn("ltrim", fn("replace", fn("abs", x).cast(TEXT), ".", ""), "0")
        exponent = fn("length", digits) - fn("scale", x) - 1
        tail = fn("substr", digits, 2)
        shown = concatenated(
            case((x < 0, "-"), otherwise=""),
            fn("left", digits, 1),
            case((tail.ne(""), lift(".").then(tail)), otherwise=""),
            "E",
            exponent.cast(TEXT),
        )
        return case((small, shown), otherwise=x.cast(TEXT))

    return bound(body, fn("trim_scale", a))


# Halfway from the largest float to what would be the next one: from here on a float is infinite.
_OVERFLOW = number(str(2**1024 - 2**970))
_TINY = number("1E-300")


def _float_of_decimal(a: Sql) -> Sql:
    if a.scale is not None:
        return a.cast(FLOAT8)

    def body(x: Sql) -> Sql:
        # Postgres raises where a number is too large or too small for a float.
        size = fn("abs", x)
        infinite = case((x < 0, float8("'-Infinity'")), otherwise=float8("'Infinity'"))
        half_of_least = size * fn("power", lift(2).cast(NUMERIC), 1075) <= 1
        return case(
            (size >= _OVERFLOW, infinite),
            ((size < _TINY).and_(half_of_least), float8("0")),
            otherwise=x.cast(FLOAT8),
        )

    return bound(body, a)


DECIMALS: dict[str, Rule] = {
    "decimal.add": _arithmetic(Sql.__add__),
    "decimal.sub": _arithmetic(Sql.__sub__),
    "decimal.mul": _decimal_mul,
    "decimal.neg": _arithmetic(Sql.__neg__),
    "decimal.abs": _arithmetic(lambda a: fn("abs", a)),
    "decimal.of_int": lambda a: a.cast(NUMERIC),
    "decimal.unscaled": lambda a: raw(DECIMAL_RAW, a),
    **{f"decimal.scaled_{scale}": _to_scale(scale) for scale in range(19)},
    "decimal.round": _decimal_round,
    "decimal.round_to": _decimal_round_to,
    "decimal.fixed": _decimal_fixed,
    "text.of_decimal": _text_of_decimal,
    "float.of_decimal": _float_of_decimal,
}
