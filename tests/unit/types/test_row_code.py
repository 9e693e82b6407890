"""Rows are made without their `__init__` only where that is all the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import stepping as st
from stepping.compiler.codec import Inline, python_codec
from stepping.compiler.frontend.rows import type_of


class Plain(st.Data):
    id: int
    name: str | None = None


class Point(NamedTuple):
    x: int
    y: int


@dataclasses.dataclass(frozen=True)
class Checked:
    id: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "doubled", 2 * self.id)


@dataclasses.dataclass(frozen=True)
class OwnInit:
    id: int

    def __init__(self, id: int) -> None:
        object.__setattr__(self, "id", id)
        object.__setattr__(self, "doubled", 2 * id)


@dataclasses.dataclass(frozen=True)
class OwnNew:
    id: int

    def __new__(cls, *given: Any, **named: Any) -> OwnNew:
        made = object.__new__(cls)
        object.__setattr__(made, "doubled", 2 * named["id"])
        return made


class Meta(type):
    def __call__(cls, *given: Any, **named: Any) -> Any:
        made = super().__call__(*given, **named)
        object.__setattr__(made, "doubled", 2 * named["id"])
        return made


@dataclasses.dataclass(frozen=True)
class Made(metaclass=Meta):
    id: int


@pytest.mark.parametrize("cls", [Checked, OwnInit, OwnNew, Made])
def test_the_code_of_a_class_runs(cls: Callable[..., Any]) -> None:
    codec = python_codec(type_of(cls))
    assert not codec.is_plain
    assert codec.canonical(cls(id=3)).doubled == 6
    ((row, count),) = codec.decode_counted([(4, 2)])
    assert (row.doubled, count) == (8, 2)


@dataclasses.dataclass(frozen=True)
class OwnEquality:
    id: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnEquality) and self.id % 2 == other.id % 2

    def __hash__(self) -> int:
        return self.id % 2


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    id: int


# What is written in a string has the file name that the functions of `dataclass` have.
scope: dict[str, Any] = {"dataclasses": dataclasses}
exec(
    "@dataclasses.dataclass(frozen=True)\n"
    "class InString:\n"
    "    id: int\n"
    "    def __init__(self, id):\n"
    "        object.__setattr__(self, 'id', id)\n",
    scope,
)


@pytest.mark.parametrize("cls", [OwnEquality, Slotted, scope["InString"]])
def test_not_plain(cls: Callable[..., Any]) -> None:
    codec = python_codec(type_of(cls, {"int": int}))
    assert not codec.is_plain
    assert codec.canonical(cls(id=3)).id == 3


@pytest.mark.parametrize(
    ("annotation", "row"),
    [
        (Plain, Plain(id=1, name="a")),
        (st.Pair[Plain, Plain | None], st.Pair(Plain(id=1), None)),
        (st.Pair[Plain, Plain | st.Empty], st.Pair(Plain(id=1), st.EMPTY)),
        (tuple[Plain, Point], (Plain(id=2), Point(1, 2))),
        (int, 7),
    ],
)
def test_plain(annotation: Any, row: Any) -> None:
    codec = python_codec(type_of(annotation))
    assert codec.is_plain
    ((made, count),) = codec.decode_counted(codec.encoder()([(row, 3)]))
    assert (made, count) == (row, 3)
    assert (hash(made), repr(made)) == (hash(row), repr(row))


def test_a_plain_row_is_as_frozen_as_any() -> None:
    made = python_codec(type_of(Plain)).canonical(Plain(id=1))
    assert made.__dict__ == {"id": 1, "name": None}
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.id = 2


def test_columns_that_are_not_picked_are_checked() -> None:
    encode = python_codec(type_of(Plain)).encoder((1,))
    assert encode([(Plain(id=1, name="a"), 1), (Plain(id=2), -1)]) == [("a", 1), (None, -1)]
    wrong: Any = "1"
    with pytest.raises(st.RowError, match=r"Plain\.id: expected int, got str '1'"):
        encode([(Plain(id=wrong), 1)])


def test_inline_can_be_called() -> None:
    assert Inline("{v} + {more} * {v}", more=2)(5) == 15
