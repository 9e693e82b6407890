"""Postgres's spelling of the function table: arithmetic of floats.

Postgres raises where a sum, product or quotient of finite floats overflows, and where a product or
quotient is too small for a float (https://postgresql.org/docs/current/datatype-numeric.html). So a
step fails there: elsewhere a float is what it is in Python. NaN, which only infinities give, is
handed on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stepping.dialects.postgres.scalar_numbers import (
    BIGINT,
    FLOAT8,
    NAN_RAW,
    ZERO_RAW,
    Rule,
    bound,
    pair,
    raw,
)
from stepping.dialects.scalars import (
    Sql,
    fn,
    lift,
    number,
    product_is_number,
    sum_is_number,
)

INFINITY = lift("Infinity").cast(FLOAT8)


def size(x: Sql) -> Sql:
    return fn("abs", x)


def two(power: int) -> Sql:
    """A power of two; beside a float, Postgres takes the literal for one."""
    return number(repr(2.0**power))


def _worst(*raws: str) -> str:
    return NAN_RAW if NAN_RAW in raws else max(raws)


def _sum(operator: Callable[..., Sql]) -> Rule:
    def rule(a: Sql, b: Sql) -> Sql:
        own = "" if sum_is_number(a, b) else NAN_RAW
        return raw(_worst(own, a.raw, b.raw), operator(*pair(a, b)))

    return rule


def _mul(a: Sql, b: Sql) -> Sql:
    own = ZERO_RAW if product_is_number(a, b) else NAN_RAW
    return raw(_worst(own, a.raw, b.raw), Sql.__mul__(*pair(a, b)))


def _truediv(a: Sql, b: Sql) -> Sql:
    own = ZERO_RAW if b.factor or sum_is_number(a, b) else NAN_RAW
    return raw(_worst(own, a.raw, b.raw), Sql.__truediv__(*pair(a, b)))


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
