"""Bounds of numbers: of rows that are given, and of those that functions make of them.

Floats are finite but where a field says otherwise (`AnyFloat`). A given row is checked at the door,
what a function gives when it is made; so that sums, products and comparisons need not ask. Which
floats may be infinite is a fact beside a type, as bounds are: types are equal without it.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from stepping.compiler.schema import Atom, Kind, Struct, ValueType, schema_of

_LARGEST = sys.float_info.max


def at_door(value_type: ValueType) -> ValueType:
    """The same type, of rows that are given: numbers are within their bounds, floats finite.

    The types of collected values stay as they are.
    """
    if isinstance(value_type, Struct):
        fields = tuple((name, at_door(inner)) for name, inner in value_type.fields)
        return replace(value_type, fields=fields)
    low, high = value_type.low, value_type.high
    if value_type.kind is Kind.FLOAT and low is None:
        low, high = -_LARGEST, _LARGEST
    if low is None or (low == -math.inf and high == math.inf):
        return value_type
    return replace(value_type, low=low, high=high, at_door=True)


def computed(value_type: ValueType) -> ValueType:
    """The same type, of rows that functions make: floats are finite, and nothing else is asked."""
    if isinstance(value_type, Struct):
        fields = tuple((name, computed(inner)) for name, inner in value_type.fields)
        return replace(value_type, fields=fields)
    return computed_atom(value_type)


def computed_atom(atom: Atom) -> Atom:
    if atom.kind is not Kind.FLOAT or atom.infinite:
        return atom
    return replace(atom, low=-_LARGEST, high=_LARGEST, at_door=True)


def computed_type(value_type: ValueType) -> ValueType:
    """`computed`, made once for each type."""
    return _computed_type(value_type, id(value_type))


@lru_cache(maxsize=1024)
def _computed_type(value_type: ValueType, identity: int) -> ValueType:
    return computed(value_type)


def with_infinities(value_type: ValueType, which: Iterator[bool]) -> ValueType:
    """The type, where ``which`` says of each column in order whether infinities are in it."""
    if isinstance(value_type, Atom):
        is_infinite = next(which, False) and value_type.kind is Kind.FLOAT
        return value_type.with_infinities() if is_infinite else value_type
    if value_type.is_optional:
        next(which, None)  # the column that says whether it is there
    fields = tuple((name, with_infinities(inner, which)) for name, inner in value_type.fields)
    return value_type if fields == () else replace(value_type, fields=fields)


def any_floats(value_type: ValueType) -> ValueType:
    """The type, where infinities are among the values of all floats."""
    return with_infinities(value_type, itertools.repeat(True))


def given_type(value_type: ValueType) -> ValueType:
    """`at_door`, made once for each type: codecs are kept by the type's identity."""
    return _given_type(value_type, id(value_type))


@lru_cache(maxsize=1024)
def _given_type(value_type: ValueType, identity: int) -> ValueType:
    return at_door(value_type)


def wider(a: ValueType, b: ValueType) -> ValueType:
    """The first of two equal types, with the infinities of both."""
    others = [column.type.infinite for column in schema_of(b).columns]
    if not any(others):
        return a
    own = (column.type.infinite for column in schema_of(a).columns)
    return with_infinities(a, (x or y for x, y in zip(own, others, strict=True)))
