"""Decimal arithmetic that does not depend on the `decimal` context of whoever runs it.

``+``, ``-`` and ``*`` are exact, however many digits the numbers have. What may have no end, such
as a quotient, has the 28 digits that Python's own default context gives it. An application's
precision, rounding and traps make no difference, nor does its `decimal.DefaultContext`.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Sequence
from decimal import Context, DecimalException, Inexact
from typing import Any

from stepping.compiler.rebuilding import maker

_TRAPS = (decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow)


def _context(digits: int, lowest: int, highest: int) -> Context:
    # Everything is said: what is left out is taken from `decimal.DefaultContext`.
    return Context(
        prec=digits,
        rounding=decimal.ROUND_HALF_EVEN,
        Emin=lowest,
        Emax=highest,
        capitals=1,
        clamp=0,
        flags=[],
        traps=list(_TRAPS),
    )


# A division is never asked of it: it would take all memory.
EXACT = _context(decimal.MAX_PREC, decimal.MIN_EMIN, decimal.MAX_EMAX)

# More digits than columns hold, and than their products have: see `canonical.check_decimal`. So a
# number that was rounded to them is known by its length.
_MANY = 100_000
_PYTHON = _context(28, -999999, 999999)
_LONG = _context(_MANY, decimal.MIN_EMIN, decimal.MAX_EMAX)
_RAISED: Any = object()


def called(function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """What a function gives for some arguments, whatever the context is.

    It is called once where nothing is rounded to 28 digits. Else it is called with so many digits
    that only what has no end is rounded; of those numbers in its result the 28 digits are taken.
    """
    outside = decimal.getcontext()
    here = _PYTHON.copy()
    decimal.setcontext(here)
    try:
        try:
            rounded = function(*arguments)
        except DecimalException:  # 28 digits may be too few, to round to two places for example
            rounded = _RAISED
        if rounded is not _RAISED and not here.flags[Inexact]:
            return rounded
        decimal.setcontext(_LONG.copy())
        try:
            long = function(*arguments)
        except DecimalException:
            if rounded is _RAISED:
                raise
            return rounded
        return long if rounded is _RAISED else _settled(long, rounded)
    finally:
        decimal.setcontext(outside)


def _settled(long: Any, rounded: Any) -> Any:
    """A value of many digits, with that of 28 where it has no end."""
    cls: Any = type(long)
    if type(rounded) is not type(long):
        return long
    if isinstance(long, decimal.Decimal):
        return rounded if len(long.as_tuple().digits) >= _MANY else long
    if isinstance(long, str):
        return rounded if len(long) >= _MANY else long
    names = getattr(cls, "__dataclass_fields__", ())
    if names:
        pairs = ((getattr(long, name), getattr(rounded, name)) for name in names)
        return maker(cls, tuple(names))(*(_settled(a, b) for a, b in pairs))
    if isinstance(long, tuple) and len(long) == len(rounded):
        return tuple.__new__(cls, map(_settled, long, rounded))
    # In a set nobody knows which of its members is which.
    return rounded if len(repr(long)) >= _MANY else long
