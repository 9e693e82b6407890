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
from functools import lru_cache

from stepping.compiler.schema import Atom, Kind, ValueType, schema_of

_LARGEST = sys.float_info.max


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
