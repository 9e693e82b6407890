"""Postgres's words for scalars: its constants, how it raises, its rows of the function table."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from sqlglot import exp

from stepping.compiler.schema import Atom, Kind
from stepping.dialects.natives import verbatim_type
from stepping.dialects.postgres.scalar_digits import DIGITS
from stepping.dialects.postgres.scalar_floats import FLOATS, absorbed
from stepping.dialects.postgres.scalar_numbers import (
    BIGINT,
    COMPARISONS,
    DECIMAL_RAW,
    DECIMALS,
    FLOAT8,
    INTS,
    NUMERIC,
    TEXT,
    ZERO_RAW,
    Rule,
    bound,
    failed,
    physical,
    raised,
)
from stepping.dialects.postgres.scalar_text import BYTES, TEXTS
from stepping.dialects.postgres.scalar_time import TIMES, UUIDS
from stepping.dialects.scalars import Spelling, Sql, fn, lift, number, visible_column


class PostgresSpelling(Spelling):
    """The spelling of scalars on Postgres from 15 on, in a database in UTF8.

    The session's extra_float_digits must be more than 0, as it is by default: `str(float)` rests on
    the shortest digits that give the same float.
    """

    rules: ClassVar[dict[str, Rule]] = {
        **COMPARISONS,
        **INTS,
        **FLOATS,
        **DIGITS,
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
        unscaled = {"decimal.add", "decimal.sub", "decimal.mul", "decimal.neg", "decimal.abs"}
        if function in unscaled and args[0].scale is None:
            return frozenset({DECIMAL_RAW})
        return absorbed(function)

    def settled(self, term: Sql, what: str) -> Sql:
        atom = term.type
        assert atom is not None
        if term.raw == DECIMAL_RAW:
            return Sql(fn("trim_scale", term).tree, atom)
        if term.raw == ZERO_RAW:
            return term + 0
        column = visible_column(term.tree)
        if column is not None:
            return self._number(term, Sql(column), what)
        return bound(lambda value: self._number(value, value, what), term)

    def _number(self, value: Sql, shown: Sql, what: str) -> Sql:
        fault = failed(f"{what} gives NaN: ", Atom(Kind.FLOAT), shown)
        # -0.0 becomes 0.0 by the sum.
        known = fn("nullif", value, lift("NaN").cast(FLOAT8)) + 0
        return Sql(fn("coalesce", known, fault).tree, value.type)

    def raised(self, message: Sql, atom: Atom) -> Sql:
        return raised(message, atom)

    def constant(self, value: Any, atom: Atom) -> Sql:
        size = abs(value) or 1.0 if atom.kind is Kind.FLOAT and value is not None else 0.0
        tree = _literal(value, atom).tree
        return Sql(tree, atom, constant=True, value=value, least=size, most=size or math.inf)


def _literal(value: Any, atom: Atom) -> Sql:
    if value is None and atom.native is not None:
        return Sql(exp.Cast(this=exp.Null(), to=verbatim_type(atom.native.name)))
    if value is None:
        return Sql(exp.Null()).cast(physical(atom))
    match atom.kind:
        case Kind.BOOL:
            return Sql(exp.Boolean(this=bool(value)))
        case Kind.INT:
            return lift(value).cast(BIGINT)
        case Kind.FLOAT:
            return _float(value)
        case Kind.DECIMAL:
            return _decimal(value)
        case Kind.TEXT:
            return _text(value)
        case Kind.ENUM:
            return _text(value.name if isinstance(value, enum.Enum) else value)
        case Kind.BYTES | Kind.PACKED:
            return fn("decode", value.hex(), "hex")
        case Kind.DATE | Kind.DATETIME | Kind.TIMESTAMP | Kind.TIME:
            return lift(value.isoformat()).cast(physical(atom))
        case Kind.UUID:
            return lift(str(value)).cast(physical(atom))
        case _:
            raise LookupError(f"a constant of type {atom}")


def _float(value: float) -> Sql:
    if math.isinf(value):
        return lift("Infinity" if value > 0 else "-Infinity").cast(FLOAT8)
    digits = -number(repr(-value)) if value < 0 else number(repr(value))
    return digits.cast(FLOAT8)


def _decimal(value: Decimal) -> Sql:
    # Not -value, which would be rounded to the thread's decimal context.
    digits = number(f"{value.copy_abs():f}")
    return (-digits if value < 0 else digits).cast(NUMERIC)


def _text(value: str) -> Sql:
    if "\0" in value:
        raise LookupError("a NUL in a constant")
    return lift(value).cast(TEXT)
