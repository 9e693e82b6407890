"""From annotations to columns, and what cannot be stored."""

from __future__ import annotations

import dataclasses
import enum
from decimal import Decimal
from typing import Any, Generic, Literal, NamedTuple, NewType, Self, TypeVar

import pytest

import stepping as st
from stepping.compiler import ir
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.schema import same_classes, schema_of

T = TypeVar("T")
U = TypeVar("U")


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Level(enum.IntEnum):
    LOW = 1


class Other(enum.IntEnum):
    LOW = 1


class Circle(st.Data):
    radius: float


class Square(st.Data):
    side: int


class Tree(st.Data):
    name: str
    children: tuple[Tree, ...] = ()


class Chain(st.Data, Generic[T]):
    value: T
    next: Chain[T] | None = None


class Me(st.Data):
    value: int
    others: frozenset[Self] = frozenset()


class Left(st.Data):
    right: Right | None = None


class Right(st.Data):
    left: Left | None = None


class Box(st.Data, Generic[T]):
    value: T


class IntBox(Box[int]):
    extra: str


class Swapped(Box[tuple[T, U]], Generic[U, T]):
    own: T


class Both(IntBox, Chain[str]):
    pass


class Grows(st.Data, Generic[T]):
    value: T
    more: Grows[tuple[T, T]] | None = None


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: int
    b: str | None = None


class Point(NamedTuple):
    x: int
    y: Circle | None


class GenericPoint(NamedTuple, Generic[T]):
    x: T


Id = NewType("Id", int)


def columns(annotation: Any) -> list[str]:
    return [f"{column.name} {column.type}" for column in schema_of(type_of(annotation)).columns]


@pytest.mark.parametrize(
    ("annotation", "wanted"),
    [
        (Tree, ["name text", "children tuple[Tree, ...]"]),
        (Tree | None, ["present bool", "name text | None", "children tuple[Tree, ...] | None"]),
        (Chain[int], ["value int", "next Chain[int] | None"]),
        (Me, ["value int", "others frozenset[Me]"]),
        (Left, ["right_present bool", "right_left Left | None"]),
        (Right, ["left_present bool", "left_right Right | None"]),
        (tuple[Tree | None, ...], ["value tuple[Tree | None, ...]"]),
        (Box[int], ["value int"]),
        (Box[Circle], ["value_radius float"]),
        (Box[Circle | Square], ["value Circle | Square"]),
        (Box[Circle | None], ["value_present bool", "value_radius float | None"]),
        (IntBox, ["value int", "extra text"]),
        (Swapped[int, str], ["value_0 text", "value_1 int", "own text"]),
        (
            Both,
            [
                *("value int", "next_present bool", "next_value text | None"),
                *("next_next Chain[str] | None", "extra text"),
            ],
        ),
        (Frozen, ["a int", "b text | None"]),
        (Point, ["x int", "y_present bool", "y_radius float | None"]),
        (GenericPoint[str], ["x text"]),
        (Id, ["value int"]),
        (int | float, ["value float"]),
        (int | float | None, ["value float | None"]),
        (int | None | st.Empty, ["present bool", "value int | None"]),
        (
            Circle | None | st.Empty,
            ["present bool", "value_present bool", "value_radius float | None"],
        ),
        (Circle | Square, ["value Circle | Square"]),
        (Square | Circle | None, ["value Circle | Square | None"]),
        (Circle | Square | st.Empty, ["present bool", "value Circle | Square | None"]),
        (Literal[1, 2], ["value int"]),
        (Literal["a", None], ["value text | None"]),
        (Literal[None], ["value null"]),
        (Literal[True], ["value bool"]),
        (Literal[Color.RED], ["value enum"]),
        (Literal["a", 1], ["value int | text"]),
        (Literal["a"] | str, ["value text"]),
        (tuple[()], ["unit bool"]),
    ],
)
def test_columns(annotation: Any, wanted: list[str]) -> None:
    assert columns(annotation) == wanted


@pytest.mark.parametrize(
    ("annotation", "message", "hint"),
    [
        (list[int], "list[int] is not a type that stepping can store", "tuple[X, ...]"),
        (set[int], "set[int] is not a type", "frozenset[X]"),
        (dict[str, int], "dict[str, int] is not a type", "tuple[tuple[K, V], ...]"),
        (tuple, "tuple is not a type", "tuple[X, ...], or tuple[X, Y]"),
        (frozenset, "frozenset is not a type", "frozenset[X]"),
        (st.ZSetPython, "ZSetPython is not a type", "st.ZSetPython[X]"),
        (st.ZSet[int], "ZSet[int] is not a type", "st.ZSetPython[X]"),
        (Any, "Any is not a type", "use str, int, float"),
        (object, "object is not a type", "use str, int, float"),
        (complex, "complex is not a type", "use str, int, float"),
        (Box, "Box.value: ~T is a type variable", "give the type argument"),
        (tuple[list[int], ...], "list[int] is not a type", "tuple[X, ...]"),
        (bool | int, "bool | int: a value of the one can equal a value of the other", "one type"),
        (int | Decimal, "int | decimal: a value of the one can equal", "one type of number"),
        (Level | int, "enum | int: a value of the one can equal", "one type of number"),
        (Level | Other, "enum | enum: a value of the one can equal", "one type of number"),
        (tuple[int, ...] | tuple[float, ...], "tuple[int, ...] | tuple[float, ...]: a val", "one"),
        (Box[int] | Box[float], "Box[int] | Box[float]: a value of the one can equal", "one type"),
        (Box[int | None] | Box[bool], "Box[int | None] | Box[bool]: a value", "one type"),
        (
            Grows[int],
            "Grows contains itself with other type arguments each time",
            "with the same type arguments only",
        ),
    ],
)
def test_what_cannot_be_stored(annotation: Any, message: str, hint: str) -> None:
    with pytest.raises(st.QueryError) as caught:
        type_of(annotation)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_dataclasses_that_are_no_rows() -> None:
    @dataclasses.dataclass
    class Mutable:
        a: int

    @dataclasses.dataclass(frozen=True, eq=False)
    class Identity:
        a: int

    @dataclasses.dataclass(frozen=True)
    class Derived:
        a: int = dataclasses.field(init=False, default=1)

    @dataclasses.dataclass(frozen=True)
    class Ignoring:
        a: int
        b: int = dataclasses.field(compare=False, default=0)

    @dataclasses.dataclass(frozen=True)
    class Starting:
        a: dataclasses.InitVar[int]

    for cls, message in (
        (Mutable, "Mutable is a dataclass that is not frozen"),
        (Identity, "Identity has no __eq__"),
        (Derived, "Derived.a has init=False"),
        (Ignoring, "Ignoring.b has compare=False"),
        (Starting, "Starting.a is an InitVar"),
    ):
        with pytest.raises(st.QueryError, match=message):
            type_of(cls)


def test_the_order_of_alternatives_does_not_matter() -> None:
    assert type_of(Circle | Square) == type_of(Square | Circle)
    assert type_of(tuple[Circle | Square | None, ...]) == type_of(
        tuple[Square | Circle | None, ...]
    )


def test_types_that_hold_other_values_are_not_equal() -> None:
    different: list[Any] = [
        tuple[int, ...],
        tuple[float, ...],
        tuple[int | None, ...],
        frozenset[int],
        st.ZSetPython[int],
        tuple[Circle, ...],
        tuple[Square, ...],
        tuple[Circle | Square, ...],
        tuple[Circle | Box[int], ...],
        tuple[Tree, ...],
        tuple[Chain[int], ...],
        tuple[Chain[str], ...],
        tuple[tuple[int, ...], ...],
    ]
    kinds = [type_of(annotation) for annotation in different]
    digests = {ir.digest_of(kind) for kind in kinds}
    assert len(digests) == len(set(kinds)) == len(different)


def test_types_of_equal_fields_are_equal_and_build_their_own_classes() -> None:
    class Disc(st.Data):
        radius: float

    a, b = type_of(tuple[Circle, ...]), type_of(tuple[Disc, ...])
    assert a == b
    assert ir.digest_of(a) == ir.digest_of(b)
    assert not same_classes(a, b)
    assert python_codec(b).canonical((Disc(radius=1),)) == (Disc(radius=1.0),)
    with pytest.raises(st.RowError, match=r"expected Circle, got .*Disc"):
        python_codec(a).encode((Disc(radius=1),))
    # Of a union the names are what is stored.
    assert type_of(Circle | Square) != type_of(Disc | Square)


def test_the_first_alternative_that_fits() -> None:
    codec = python_codec(type_of(tuple[int, ...] | tuple[str, ...]))
    assert codec.canonical(()) == ()
    assert codec.canonical(("a",)) == ("a",)
    assert codec.encode((1,)) != codec.encode(("1",))
    with pytest.raises(st.RowError, match="expected tuple"):
        codec.encode((1, "a"))


def test_a_query_names_the_field() -> None:
    class Wrong(st.Data):
        tags: frozenset[list[int]]

    def query(wrong: st.ZSet[Any]) -> st.ZSet[Any]:
        return wrong

    query.__annotations__ = {"wrong": st.ZSet[Wrong]}
    with pytest.raises(st.QueryError) as caught:
        st.compile(query)
    assert caught.value.message == "Wrong.tags: list[int] is not a type that stepping can store"
    assert caught.value.where is not None
