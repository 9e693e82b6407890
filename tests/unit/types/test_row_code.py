"""Rows are made of their fields, and are the same if their fields are."""

from __future__ import annotations

import dataclasses
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
class OwnPostInit:
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text + "!")


@dataclasses.dataclass(frozen=True)
class OwnInit:
    text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "text", text + "!")


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text + "!")


@dataclasses.dataclass(frozen=True)
class SlottedInPart(Slotted):
    more: int = 0


class Counting(type):
    calls = 0

    def __call__(cls, *given: Any, **named: Any) -> Any:
        Counting.calls += 1
        return super().__call__(*given, **named)


@dataclasses.dataclass(frozen=True)
class OwnMetaclass(metaclass=Counting):
    text: str


class OwnData(st.Data):
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text + "!")


class Named(NamedTuple):
    text: str


class OwnNamed(Named):
    def __new__(cls, text: str) -> OwnNamed:
        return Named.__new__(cls, text + "!")


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(
    "row",
    [
        OwnPostInit("a"),
        OwnInit("a"),
        Slotted("a"),
        SlottedInPart("a", 5),
        OwnData(text="a"),
        OwnNamed("a"),
    ],
    ids=lambda row: type(row).__name__,
)
def test_a_constructor_is_not_run_again(row: Any, several: bool) -> None:
    cls: Any = type(row)
    codec = python_codec(type_of(tuple[cls, ...] if several else cls))
    given = (row, row) if several else row
    ((made, count),) = codec.decode_counted(codec.encoder()([(given, 2)]))
    assert (made, count) == (given, 2)
    assert codec.canonical(made) == given


def test_no_code_of_a_class_runs() -> None:
    row = OwnMetaclass("a")
    calls = Counting.calls
    assert python_codec(type_of(OwnMetaclass)).canonical(row) == row
    assert Counting.calls == calls


@dataclasses.dataclass(frozen=True)
class OwnEquality:
    id: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnEquality) and self.id % 2 == other.id % 2


@dataclasses.dataclass(frozen=True)
class OwnHash:
    id: int

    def __hash__(self) -> int:
        return self.id % 2


class DataWithEquality(st.Data):
    id: int

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class NamedWithEquality(NamedTuple):
    id: int

    def __eq__(self, other: object) -> bool:
        return True


class NamedWithHash(NamedTuple):
    id: int

    def __hash__(self) -> int:
        return 1


@dataclasses.dataclass(frozen=True)
class Parent:
    id: int


@dataclasses.dataclass(frozen=True, eq=False)
class InheritsEquality(Parent):
    name: str


@pytest.mark.parametrize(
    ("cls", "own"),
    [
        (OwnEquality, "__eq__"),
        (OwnHash, "__hash__"),
        (DataWithEquality, "__eq__"),
        (NamedWithEquality, "__eq__"),
        (NamedWithHash, "__hash__"),
        (InheritsEquality, "__eq__"),
    ],
)
def test_rows_are_the_same_if_their_fields_are(cls: Any, own: str) -> None:
    for annotation in (cls, st.Pair[cls, int], tuple[cls, ...]):
        with pytest.raises(st.QueryError, match=rf"{cls.__name__} has an {own} of its own"):
            type_of(annotation)


class OfField:
    def __get__(self, row: Any, owner: Any) -> str:
        return "a"

    def __set__(self, row: Any, value: str) -> None:
        pass


@dataclasses.dataclass(frozen=True)
class WithDescriptor:
    text: str = OfField()  # type: ignore[assignment]


class WithProperty(Named):
    @property
    def text(self) -> str:  # type: ignore[override]
        return "a"


@dataclasses.dataclass(frozen=True)
class OfText(str):
    more: str


@pytest.mark.parametrize("cls", [WithDescriptor, WithProperty, OfText])
def test_rows_that_are_more_than_their_fields(cls: Any) -> None:
    with pytest.raises(st.QueryError, match="cannot be made of its fields again"):
        type_of(cls)


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
def test_a_row_comes_back(annotation: Any, row: Any) -> None:
    codec = python_codec(type_of(annotation))
    ((made, count),) = codec.decode_counted(codec.encoder()([(row, 3)]))
    assert (made, count) == (row, 3)
    assert (hash(made), repr(made)) == (hash(row), repr(row))


def test_a_row_is_as_frozen_as_any() -> None:
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
