"""What `aggregate` can compute of the rows of a group: ``st.agg.sum(lambda r: r.x)`` and so on."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Measure(enum.Enum):
    """A kind of aggregate."""

    SUM = "sum"
    COUNT = "count"
    MIN = "min"
    MAX = "max"
    AVG = "avg"
    COUNT_DISTINCT = "count_distinct"
    COLLECT = "collect"
    ANY = "any_"
    ALL = "all_"


@dataclass(frozen=True)
class Agg:
    """One aggregate: a measure of a function of the rows."""

    measure: Measure
    f: Callable[[Any], Any] | None = None


def sum(f: Callable[[Any], Any]) -> Agg:
    """The sum of ``f(row) * count``; 0 for nothing. None is left out."""
    return Agg(Measure.SUM, f)


def count(f: Callable[[Any], Any] | None = None) -> Agg:
    """How many rows there are; with ``f``, for how many it is not None."""
    return Agg(Measure.COUNT, f)


def min(f: Callable[[Any], Any]) -> Agg:
    """The smallest ``f(row)``, None left out; None for nothing.

    Keeps the values in order: when the smallest goes, the next is the next in an index.
    """
    return Agg(Measure.MIN, f)


def max(f: Callable[[Any], Any]) -> Agg:
    """The largest ``f(row)``, None left out; None for nothing."""
    return Agg(Measure.MAX, f)


def avg(f: Callable[[Any], Any]) -> Agg:
    """The sum of ``f(row)`` by how many there are, None left out; None for nothing."""
    return Agg(Measure.AVG, f)


def count_distinct(f: Callable[[Any], Any]) -> Agg:
    """How many different ``f(row)`` there are, None left out. Keeps them."""
    return Agg(Measure.COUNT_DISTINCT, f)


def collect(f: Callable[[Any], Any]) -> Agg:
    """A `ZSetPython` of ``f(row)`` with their counts, None left out.

    A Python step: of each changed group the values are read and written whole.
    """
    return Agg(Measure.COLLECT, f)


def any_(f: Callable[[Any], Any]) -> Agg:
    """Whether ``f(row)`` is true for some row; False for nothing."""
    return Agg(Measure.ANY, f)


def all_(f: Callable[[Any], Any]) -> Agg:
    """Whether ``f(row)`` is true for each row; True for nothing."""
    return Agg(Measure.ALL, f)
