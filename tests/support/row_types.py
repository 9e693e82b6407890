"""Random types of values, each with values of it: everything that a row may hold, nested."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import itertools
import math
import operator
import types
import typing
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from hypothesis import strategies as hs

import stepping as st
from stepping.compiler.frontend.rows import type_of

T = TypeVar("T")

Values = hs.SearchStrategy[Any]


class Plain(enum.Enum):
    RED = 1
    GREEN = "g"
    BLUE = None


class Level(enum.IntEnum):
    LOW = 30
    MIDDLE = 10
    HIGH = 20


class Name(enum.StrEnum):
    FIRST = "z"
    SECOND = "a"


class Box(st.Data, Generic[T]):
    value: T


class Named(Box[str]):
    size: int = 0


@dataclasses.dataclass(frozen=True)
class Typed:
    """A type as an annotation, and what strategy gives values of it."""

    annotation: Any
    values: Values

    def __repr__(self) -> str:
        return f"Typed({st_name(self.annotation)})"


def st_name(annotation: Any) -> str:
    return str(type_of(annotation))


# Postgres has no NUL in a text; without it the stores hold the same values.
TEXT = hs.text(hs.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
DECIMALS = hs.decimals(-1000, 1000, places=2) | hs.sampled_from(
    [Decimal("-0"), Decimal("1.0"), Decimal("1.00"), Decimal("1e30"), Decimal("-1e-30")]
)
OFFSETS = hs.sampled_from([0, 330, -480]).map(
    lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes))
)
MOMENTS = hs.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30))
AWARE = hs.builds(lambda at, zone: at.replace(tzinfo=zone), MOMENTS, OFFSETS)

FINITE = hs.floats(allow_nan=False, allow_infinity=False) | hs.integers(-3, 3) | hs.just(-0.0)
FLOATS = FINITE | hs.sampled_from([math.inf, -math.inf])

ATOMS: tuple[Typed, ...] = (
    Typed(int, hs.integers(-(2**63), 2**63 - 1) | hs.integers(-2, 2)),
    Typed(float, FINITE),
    Typed(st.AnyFloat, FLOATS),
    Typed(bool, hs.booleans()),
    Typed(str, TEXT),
    Typed(bytes, hs.binary(max_size=5)),
    Typed(Decimal, DECIMALS),
    Typed(Annotated[Decimal, st.Scale(2)], hs.decimals(-10, 10, places=2)),
    Typed(datetime.date, hs.dates()),
    Typed(datetime.datetime, hs.datetimes().map(lambda at: at.replace(fold=0))),
    Typed(Annotated[datetime.datetime, st.UTC], AWARE),
    Typed(datetime.time, hs.times().map(lambda at: at.replace(fold=0))),
    Typed(UUID, hs.uuids()),
    Typed(Plain, hs.sampled_from(Plain)),
    Typed(Level, hs.sampled_from(Level)),
    Typed(Name, hs.sampled_from(Name)),
    Typed(Literal["a", "b"], hs.sampled_from(["a", "b"])),
    Typed(Literal[1, 2, None], hs.sampled_from([1, 2, None])),
    Typed(Literal[Plain.RED], hs.just(Plain.RED)),
    Typed(Literal[True], hs.just(True)),
    Typed(Literal["a", 1], hs.sampled_from(["a", 1])),
    Typed(None, hs.none()),
    Typed(st.Empty, hs.just(st.EMPTY)),
    Typed(Named, hs.builds(Named, value=TEXT, size=hs.integers(0, 1))),
)


def row_class(name: str, fields: dict[str, Any], bases: tuple[Any, ...] = (st.Data,)) -> Any:
    return types.new_class(name, bases, {}, lambda body: body.update(__annotations__=fields))


@hs.composite
def data_types(draw: hs.DrawFn, inner: hs.SearchStrategy[Typed], serial: Any) -> Typed:
    """A row class: st.Data, a frozen dataclass or a NamedTuple."""
    fields = draw(hs.lists(inner, max_size=3))
    name = f"Row{next(serial)}"
    hints = {f"field_{i}": typed.annotation for i, typed in enumerate(fields)}
    values = {f"field_{i}": typed.values for i, typed in enumerate(fields)}
    how = draw(hs.sampled_from(["data", "dataclass", "tuple"]))
    if how == "tuple":
        cls: Any = typing.NamedTuple(name, list(hints.items()))  # type: ignore[misc]
    elif how == "dataclass":
        cls = dataclasses.make_dataclass(name, list(hints.items()), frozen=True)
    else:
        cls = row_class(name, hints)
    return Typed(cls, hs.builds(cls, **values))


@hs.composite
def recursive_types(draw: hs.DrawFn, inner: hs.SearchStrategy[Typed], serial: Any) -> Typed:
    """A row class that contains itself: as a tree, a list, or a set of itself."""
    leaf = draw(inner)
    name = f"Recursive{next(serial)}"
    around, values_of = draw(hs.sampled_from(_AROUND))
    cls = row_class(name, {"leaf": leaf.annotation, "inside": around(typing.Self)})

    def longer(shorter: Values) -> Values:
        return hs.builds(cls, leaf=leaf.values, inside=values_of(shorter))

    shortest = hs.builds(cls, leaf=leaf.values, inside=values_of(hs.nothing()))
    return Typed(cls, hs.recursive(shortest, longer, max_leaves=4))


def _lists(values: Values) -> hs.SearchStrategy[list[Any]]:
    return hs.lists(values, max_size=0 if values.is_empty else 2)


_AROUND: list[tuple[Callable[[Any], Any], Callable[[Values], Values]]] = [
    (lambda t: tuple[t, ...], lambda values: _lists(values).map(tuple)),
    (lambda t: frozenset[t], lambda values: _lists(values).map(frozenset)),
    (lambda t: t | None, lambda values: hs.none() | values),
    (lambda t: st.Pair[t, int] | None, lambda v: hs.none() | hs.builds(st.Pair, v, hs.just(1))),
]


def unions(inner: hs.SearchStrategy[Typed]) -> hs.SearchStrategy[Typed]:
    def united(several: list[Typed]) -> Typed:
        annotation = functools.reduce(operator.or_, (typed.annotation for typed in several))
        return Typed(annotation, hs.one_of(typed.values for typed in several))

    return hs.lists(inner, min_size=2, max_size=3).map(united).filter(_can_be_stored)


def _can_be_stored(typed: Typed) -> bool:
    """Not ``int | Decimal`` and the like, whose values are equal."""
    try:
        type_of(typed.annotation)
    except st.QueryError:
        return False
    return True


def collected(inner: hs.SearchStrategy[Typed]) -> hs.SearchStrategy[Typed]:
    def zset(values: Values) -> Values:
        pairs = hs.lists(hs.tuples(values, hs.integers(-2, 2)), max_size=3)
        return pairs.map(st.ZSetPython)

    return hs.one_of(
        inner.map(lambda t: Typed(tuple[t.annotation, ...], _lists(t.values).map(tuple))),
        inner.map(lambda t: Typed(frozenset[t.annotation], _lists(t.values).map(frozenset))),
        inner.map(lambda t: Typed(st.ZSetPython[t.annotation], zset(t.values))),
    )


def optional(typed: Typed) -> Typed:
    return Typed(typed.annotation | None, hs.none() | typed.values)


def or_empty(typed: Typed) -> Typed:
    return Typed(typed.annotation | st.Empty, hs.just(st.EMPTY) | typed.values)


def both(pair: tuple[Typed, Typed]) -> Typed:
    left, right = pair
    return Typed(
        st.Pair[left.annotation, right.annotation],  # type: ignore[name-defined]
        hs.builds(st.Pair, left.values, right.values),
    )


def fixed(several: list[Typed]) -> Typed:
    return Typed(
        tuple[*(t.annotation for t in several)],  # type: ignore[misc]
        hs.tuples(*(t.values for t in several)),
    )


def boxed(typed: Typed) -> Typed:
    return Typed(Box[typed.annotation], hs.builds(Box, value=typed.values))  # type: ignore[name-defined]


def value_types() -> hs.SearchStrategy[Typed]:
    """Any type of a value, some levels deep."""
    serial = itertools.count()

    def nested(inner: hs.SearchStrategy[Typed]) -> hs.SearchStrategy[Typed]:
        typed = inner.filter(lambda t: t.annotation is not None)
        return hs.one_of(
            data_types(inner, serial),
            typed.map(optional),
            typed.map(or_empty),
            hs.tuples(inner, inner).map(both).filter(_can_be_stored),
            hs.lists(inner, max_size=3).map(fixed),
            inner.map(boxed),
            collected(inner),
            unions(typed),
            recursive_types(inner, serial),
        )

    return hs.recursive(hs.sampled_from(ATOMS), nested, max_leaves=4)
