"""Python functions registered on a SQLite connection: each the exact spelling of one builtin.

No view, index, trigger or migration script uses one, since another program that opens the file has
not got them. Where Python raises they return NULL, for the expression around them to raise with a
message: SQLite hides an exception's text.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from stepping.compiler.canonical import canonical_decimal, check_decimal
from stepping.compiler.exact import EXACT
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.sqlite import float_sums
from stepping.dialects.sqlite.decimals import DecimalSum, decode, encode
from stepping.dialects.sqlite.float_sums import FloatSum

PREFIX = "stepping_"


def _total(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any) -> Any:
        return None if None in args else function(*args)

    return called


def _partial(function: Callable[..., Any]) -> Callable[..., Any]:
    """As a database stores it: NULL where ``function`` raises or its result does not fit."""

    def called(*args: Any) -> Any:
        if None in args:
            return None
        try:
            result = function(*args)
        except (ArithmeticError, ValueError, LookupError, TypeError):
            return None
        match result:
            case int():
                return result if -(2**63) <= result < 2**63 else None
            case float():
                return None if math.isnan(result) else result + 0.0
            case complex():
                return None
            case _:
                return result

    return called


# ----------------------------------------------------------------------------------------- text


def _slice(text: str | None, start: int | None, stop: int | None) -> str | None:
    return None if text is None else text[start:stop]


def _item(text: str, index: int) -> str:
    return text[index]


def _grouped(digits: str, separator: str) -> str:
    sign = digits[: 1 if digits[:1] in ("+", "-") else 0]
    whole, point, rest = digits[len(sign) :].partition(".")
    if not (whole.isascii() and whole.isdigit()):
        return digits  # inf
    return sign + f"{int(whole):,}".replace(",", separator) + point + rest


_CASES = ("capitalize", "casefold", "lower", "swapcase", "title", "upper")
_TESTS = (
    *("isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower"),
    *("isnumeric", "isprintable", "isspace", "istitle", "isupper"),
)

_TEXTS: dict[str, tuple[int, Callable[..., Any]]] = {
    **{name: (1, _total(getattr(str, name))) for name in (*_CASES, *_TESTS)},
    **{name: (2, _total(getattr(str, name))) for name in ("strip", "lstrip", "rstrip")},
    **{name: (2, _total(getattr(str, name))) for name in ("removeprefix", "removesuffix")},
    **{name: (2, _total(getattr(str, name))) for name in ("rfind", "count")},
    "rindex": (2, _partial(str.rindex)),
    "replace": (3, _total(str.replace)),
    "slice": (3, _slice),
    "item": (2, _partial(_item)),
    "reverse": (1, _total(lambda text: text[::-1])),
    "grouped": (2, _total(_grouped)),
    "repr": (1, _total(lambda value: repr(value + 0.0))),
    "fixed": (2, _total(lambda value, digits: format(value + 0.0, f".{digits}f"))),
    "format": (2, _total(lambda value, spec: format(value + 0, spec))),
    "int": (1, _partial(int)),
    "float": (1, _partial(float)),
    "unhex": (1, _partial(bytes.fromhex)),
}

# -------------------------------------------------------------------------------------- numbers

_NUMBERS: dict[str, tuple[int, Callable[..., Any]]] = {
    "truediv": (2, _partial(lambda a, b: a / b)),
    "floordiv": (2, _partial(lambda a, b: a // b)),
    "mod": (2, _partial(lambda a, b: a % b)),
    "pow": (2, _partial(lambda a, b: a**b)),
    "sqrt": (1, _partial(math.sqrt)),
    "round": (2, _partial(round)),
}


def _encoded(value: Decimal) -> bytes | None:
    try:
        return encode(value)
    except OverflowError:
        return None


def _decimal(function: Callable[..., Decimal]) -> Callable[..., Any]:
    return _total(lambda *blobs: _encoded(function(*map(decode, blobs))))


def _scaled(blob: bytes, scale: int) -> int:
    value = decode(blob).scaleb(scale, EXACT)
    if value != value.to_integral_value(context=EXACT):
        raise ValueError("digits would be lost")
    return int(value)


def _rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits, EXACT), context=EXACT)


def _fixed(value: Decimal, digits: int) -> str:
    # As format(value, ".nf"), which rounds as the thread's context says.
    return f"{_rounded(value, digits):f}"


def _parsed(value: Any) -> bytes | None:
    """The Decimal that a number is, or a text that is written as one."""
    if isinstance(value, bytes) or (isinstance(value, str) and not _NUMBER.fullmatch(value)):
        return None
    # A float that is no whole number is the shortest of the decimals that it is nearest to.
    whole = isinstance(value, str | int) or value.is_integer()
    number = Decimal(value if whole else repr(value))
    return _encoded(check_decimal(number, Atom(Kind.DECIMAL), ""))


_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)")

_DECIMALS: dict[str, tuple[int, Callable[..., Any]]] = {
    "add": (2, _decimal(EXACT.add)),
    "sub": (2, _decimal(EXACT.subtract)),
    "mul": (2, _decimal(EXACT.multiply)),
    "neg": (1, _decimal(EXACT.minus)),
    "abs": (1, _decimal(EXACT.abs)),
    # To and from an int that is scaled by a power of ten.
    "of": (2, _total(lambda value, scale: encode(Decimal(value).scaleb(-scale, EXACT)))),
    "scaled": (2, _partial(_scaled)),
    "int": (1, _partial(lambda blob: int(decode(blob)))),
    "round": (1, _partial(lambda blob: int(_rounded(decode(blob), 0)))),
    "round_to": (2, _total(lambda blob, digits: _encoded(_rounded(decode(blob), digits)))),
    "fixed": (2, _total(lambda blob, digits: _fixed(decode(blob), digits))),
    "text": (1, _total(lambda blob: str(canonical_decimal(decode(blob))))),
    "float": (1, _total(lambda blob: float(decode(blob)) + 0.0)),
    "parse": (1, _partial(_parsed)),
}

REGISTERED: dict[str, tuple[int, Callable[..., Any]]] = {
    **{f"{PREFIX}{name}": entry for name, entry in (_TEXTS | _NUMBERS).items()},
    **{f"{PREFIX}decimal_{name}": entry for name, entry in _DECIMALS.items()},
    f"{PREFIX}float_add": (2, float_sums.add),
    f"{PREFIX}float_total": (1, float_sums.total),
}

AGGREGATES: dict[str, tuple[int, type]] = {
    f"{PREFIX}decimal_sum": (2, DecimalSum),
    f"{PREFIX}float_sum": (2, FloatSum),
}


def register(connection: sqlite3.Connection, names: Iterable[str] | None = None) -> None:
    """Make the named functions known to ``connection``; by default all of them."""
    wanted = [*REGISTERED, *AGGREGATES] if names is None else names
    for name in wanted:
        if name in AGGREGATES:
            count, aggregate = AGGREGATES[name]
            connection.create_aggregate(name, count, aggregate)
        else:
            count, function = REGISTERED[name]
            connection.create_function(name, count, function, deterministic=True)
