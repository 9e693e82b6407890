"""SQLite's words for scalars: its constants, how it raises, and its rows of the function table."""

from __future__ import annotations

import datetime
import enum
import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

from sqlglot import exp

from stepping.compiler.exact import EXACT
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.scalars import (
    Spelling,
    Sql,
    case,
    concatenated,
    fn,
    lift,
    number,
    visible_column,
)
from stepping.dialects.sqlite.decimals import encode
from stepping.dialects.sqlite.functions import PREFIX, REGISTERED
from stepping.dialects.sqlite.nesting import DEEPEST_SCALAR, nesting
from stepping.dialects.sqlite.scalar_numbers import (
    COMPARISONS,
    DECIMALS,
    FINITE_RAW,
    FLOATS,
    INFINITY,
    INT_RAW,
    INTS,
    ZERO_RAW,
    Rule,
    absorbed,
    bound,
)
from stepping.dialects.sqlite.scalar_text import BYTES, TEXTS
from stepping.dialects.sqlite.scalar_time import TIMES, UUIDS

_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 (naive, as a DATETIME is)
_MICROSECOND = datetime.timedelta(microseconds=1)

_QUICK = 4  # operators of plain arithmetic


class SQLiteSpelling(Spelling):
    """The spelling of scalars on SQLite from 3.40 on, in a database in UTF-8."""

    rules: ClassVar[dict[str, Rule]] = {
        **COMPARISONS,
        **INTS,
        **FLOATS,
        **DECIMALS,
        **TEXTS,
        **BYTES,
        **TIMES,
        **UUIDS,
    }

    def call(self, function: str, args: Sequence[Sql], result: Atom) -> Sql:
        rule = self.rules.get(function)
        if rule is None:
            raise LookupError
        return rule(*args)

    def absorbs(self, function: str, args: Sequence[Atom]) -> frozenset[str]:
        return absorbed(function, tuple(args))

    def too_deep(self, tree: exp.Expr) -> str | None:
        deep = nesting(tree) > DEEPEST_SCALAR
        return "it is nested too deeply for SQLite's parser" if deep else None

    def settled(self, term: Sql, what: str) -> Sql:
        atom = term.type
        assert atom is not None
        if term.raw == INT_RAW:
            if is_quick(term.tree):
                return self._whole(term, what)
            return bound(lambda value: self._whole(value, what), term)
        if term.raw == FINITE_RAW:
            if is_quick(term.tree):
                return self._finite(term, what)
            return bound(lambda value: self._finite(value, what), term)
        sql = term + number("0.0") if atom.kind is Kind.FLOAT else term  # -0.0 becomes 0.0
        if term.raw == ZERO_RAW:
            return sql
        column = visible_column(sql.tree)
        if column is not None:
            return fn("coalesce", sql, self._failed(f"{what} fails: ", Sql(column)))
        return bound(
            lambda value: fn("coalesce", value, self._failed(f"{what} fails: ", value)), sql
        )

    def _whole(self, value: Sql, what: str) -> Sql:
        fault = self._failed(f"{what} gives no 64-bit int but ", value)
        return case((fn("typeof", value).eq("integer"), value), otherwise=fault)

    def _finite(self, value: Sql, what: str) -> Sql:
        shown = visible_column(value.tree)
        fault = self._failed(f"{what} is not finite: ", value if shown is None else Sql(shown))
        # -0.0 becomes 0.0 by the sum.
        return case((fn("abs", value) < INFINITY, value + number("0.0")), otherwise=fault)

    def _failed(self, text: str, value: Sql) -> Sql:
        # The value makes the message depend on the row: else it would be evaluated at once.
        return self.raised(lift(text).then(fn("coalesce", value, "nothing")), Atom(Kind.TEXT))

    def raised(self, message: Sql, atom: Atom) -> Sql:
        # A JSON path has to start with $; what does not is quoted in the error.
        # A whole constant is not joined to the front: sqlglot would read it as a path.
        whole = isinstance(message.tree, exp.Literal)
        said = lift("stepping: ").then(message) if whole else concatenated("stepping: ", message)
        return fn("json_extract", "{}", said)

    def registered(self, tree: exp.Expr) -> frozenset[str]:
        names = {call.name.lower() for call in tree.find_all(exp.Anonymous)}
        assert all(name in REGISTERED for name in names if name.startswith(PREFIX))
        return frozenset(name for name in names if name in REGISTERED)

    def constant(self, value: Any, atom: Atom) -> Sql:
        size = abs(value) or 1.0 if atom.kind is Kind.FLOAT and value is not None else 0.0
        tree = _literal(value, atom).tree
        span = (value, value) if atom.kind is Kind.INT and value is not None else None
        return Sql(
            tree,
            atom,
            constant=True,
            value=value,
            least=size,
            most=size or math.inf,
            span=span,
        )


def is_quick(tree: exp.Expr) -> bool:
    """Whether an expression is quicker evaluated twice than bound by a subquery."""
    if any(tree.find_all(exp.Subquery, exp.Func)):
        return sum(1 for _ in tree.find_all(exp.Binary, exp.Func, exp.Subquery)) <= 1
    return sum(1 for _ in tree.find_all(exp.Binary)) <= _QUICK


def _literal(value: Any, atom: Atom) -> Sql:
    if value is None:
        return Sql(exp.Null())
    match atom.kind:
        case Kind.BOOL:
            return lift(int(value))
        case Kind.INT:
            return lift(value)
        case Kind.FLOAT:
            return float_literal(value)
        case Kind.TEXT:
            return _text(value)
        case Kind.ENUM:
            return _text(value.name if isinstance(value, enum.Enum) else value)
        case Kind.BYTES | Kind.PACKED:
            return _bytes(value)
        case Kind.UUID:
            return _bytes(value.bytes)
        case Kind.DATE:
            return lift(value.toordinal() - datetime.date(1970, 1, 1).toordinal())
        case Kind.DATETIME | Kind.TIMESTAMP:
            return lift((value.replace(tzinfo=None) - _EPOCH) // _MICROSECOND)
        case Kind.TIME:
            moment = datetime.datetime.combine(_EPOCH, value)
            return lift((moment - _EPOCH) // _MICROSECOND)
        case Kind.DECIMAL:
            return _decimal(value, atom.scale)
        case _:
            raise LookupError(f"a constant of type {atom}")


def _decimal(value: Decimal, scale: int | None) -> Sql:
    if scale is None:
        return _bytes(encode(value))
    return lift(int(value.scaleb(scale, EXACT)))


def _text(value: str) -> Sql:
    if "\0" in value:  # SQL text cannot hold it
        return _bytes(value.encode()).cast("TEXT")
    return lift(value)


def _bytes(value: bytes) -> Sql:
    return Sql(exp.HexString(this=value.hex()))


def float_literal(value: float) -> Sql:
    """A float that SQLite reads back bit for bit.

    Its reader rounds twice (https://sqlite.org/floatingpoint.html), so that about one literal in
    two thousand is off by a bit. A literal of few digits that is not near the middle between two
    floats is safe; any other is written as a product or quotient of powers of two.
    """
    if value < 0:
        return -float_literal(-value)
    if value == float("inf"):
        return INFINITY
    if _reads_well(value):
        return number(repr(value))
    numerator, denominator = value.as_integer_ratio()
    shift = max(0, numerator.bit_length() - 53)
    sql = number(f"{numerator >> shift}.0")
    while shift > 0:
        step = min(shift, 62)
        sql, shift = sql * 2**step, shift - step
    while denominator > 1:
        step = min(denominator, 2**62)
        sql, denominator = sql / step, denominator // step
    return sql


def _reads_well(value: float) -> bool:
    if value == int(value) and value < 2**53:
        return value < 1e16
    digits = Decimal(repr(value)).as_tuple()
    assert isinstance(digits.exponent, int)
    significand = int("".join(map(str, digits.digits)))
    if significand >= 2**53 or abs(digits.exponent) > 22:
        return False
    exact = Fraction(repr(value))
    above, below = (Fraction(math.nextafter(value, to)) for to in (math.inf, 0.0))
    here = Fraction(value)
    middles = ((here + above) / 2, (here + below) / 2)
    spacing = above - here
    return all(abs(exact - middle) > spacing / 256 for middle in middles)
