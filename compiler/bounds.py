"""Bounds of numbers: of rows that are given, and of those that functions make of them.

Floats are finite but where a field says otherwise (`AnyFloat`). A given row is checked at the door,
what a function gives when it is made; so that sums, products and comparisons need not ask. Which
floats may be infinite is a fact beside a type, as bounds are: types are equal without it.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any

from stepping.compiler.exact import EXACT
from stepping.compiler.schema import Atom, Kind, ValueType, schema_of

_LARGEST = sys.float_info.max
_MIN_INT, _MAX_INT = -(2**63), 2**63 - 1


def given_type(value_type: ValueType) -> ValueType:
    """The type of rows that are given: numbers are within their bounds, floats finite.

    The types of collected values stay as they are.
    """
    return _changed(value_type, id(value_type), _given)


def computed_type(value_type: ValueType) -> ValueType:
    """The type of rows that functions make: floats are finite, and nothing else is asked."""
    return _changed(value_type, id(value_type), computed_atom)


@lru_cache(maxsize=2048)
def _changed(value_type: ValueType, identity: int, change: Callable[[Atom], Atom]) -> ValueType:
    # Made once for each type: codecs are kept by the type's identity.
    return _each_atom(value_type, change)


def _each_atom(value_type: ValueType, change: Callable[[Atom], Atom]) -> ValueType:
    if isinstance(value_type, Atom):
        return change(value_type)
    fields = tuple((name, _each_atom(inner, change)) for name, inner in value_type.fields)
    return replace(value_type, fields=fields)


def _given(atom: Atom) -> Atom:
    if atom.low is None:
        return computed_atom(atom)
    has_none = atom.low == -math.inf and atom.high == math.inf
    return atom if has_none else replace(atom, at_door=True)


def computed_atom(atom: Atom) -> Atom:
    if atom.kind is not Kind.FLOAT or atom.infinite:
        return atom
    return replace(atom, low=-_LARGEST, high=_LARGEST, at_door=True)


def ends_of(atom: Atom) -> tuple[str, str] | None:
    """The ends of the `Range` that a field was given, as texts, empty where it is open."""
    if atom.low is None:
        return None
    ends = tuple(
        "" if math.isinf(end) else _text(end, atom, whole)
        for end, whole in ((atom.low, math.ceil), (atom.high, math.floor))
    )
    return (ends[0], ends[1]) if any(ends) else None


def _text(end: Any, atom: Atom, whole: Callable[[Any], int]) -> str:
    if atom.kind is Kind.FLOAT:
        return repr(float(end))
    if atom.kind is Kind.INT:
        end = whole(end)
        return str(end) if _MIN_INT < end < _MAX_INT else ""
    if atom.scale is not None:
        rounding = ROUND_CEILING if whole is math.ceil else ROUND_FLOOR
        end = Decimal(end).quantize(Decimal(1).scaleb(-atom.scale), rounding, EXACT)
    return f"{Decimal(end):f}"


def any_floats(value_type: ValueType) -> ValueType:
    """The type, where infinities are among the values of all floats."""
    return with_infinities(value_type, itertools.repeat(True))


def with_infinities(value_type: ValueType, which: Iterator[bool]) -> ValueType:
    """The type, where ``which`` says of each column in order whether infinities are in it."""
    if isinstance(value_type, Atom):
        is_infinite = next(which, False) and value_type.kind is Kind.FLOAT
        return value_type.with_infinities() if is_infinite else value_type
    if value_type.is_optional:
        next(which, None)  # the column that says whether it is there
    fields = tuple((name, with_infinities(inner, which)) for name, inner in value_type.fields)
    return replace(value_type, fields=fields)


def wider(a: ValueType, b: ValueType) -> ValueType:
    """The first of two equal types, with the infinities of both."""
    own, others = ([c.type.infinite for c in schema_of(each).columns] for each in (a, b))
    if all(x or not y for x, y in zip(own, others, strict=True)):
        return a
    return with_infinities(a, (x or y for x, y in zip(own, others, strict=True)))
