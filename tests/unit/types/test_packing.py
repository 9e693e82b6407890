"""The format of collected values, byte by byte: later versions must find what is stored.

If a test here fails, raise FORMAT_VERSION in compiler/packing.py and STORAGE_VERSION in
compiler/lowering/arrange.py.
"""

from __future__ import annotations

import datetime
import enum
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgpack
import pytest

import stepping as st
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.packing import MAX_LEVELS

UTC = datetime.UTC


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Circle(st.Data):
    radius: float


class Square(st.Data):
    side: int
    note: str | None = None


class Point(NamedTuple):
    x: int
    y: int


class Tree(st.Data):
    name: str
    children: tuple[Tree, ...] = ()


class Basket(st.Data):
    items: tuple[Square, ...] = ()
    tags: frozenset[str] = frozenset()
    shape: Circle | Square = Circle(radius=1.0)
    stock: st.ZSetPython[int] = st.ZSetPython()


def packed(annotation: Any, value: Any) -> bytes:
    """The bytes of the one column of a collected value."""
    (data,) = python_codec(type_of(annotation)).encode(value)
    assert isinstance(data, bytes)
    return data


def ext(code: int, data: bytes) -> msgpack.ExtType:
    return msgpack.ExtType(code, data)


@pytest.mark.parametrize(
    ("item", "value", "plain"),
    [
        (int, 5, 5),
        (int, -(2**63), -(2**63)),
        (float, 3, 3.0),
        (float, -0.0, 0.0),
        (bool, True, True),
        (str, "é😀\0", "é😀\0"),
        (bytes, b"\0\xff", b"\0\xff"),
        (str | None, None, None),
        (Decimal, Decimal("-1.50"), ext(1, b"-1.5")),
        (Decimal, Decimal("1E+3"), ext(1, b"1000")),
        (Decimal, Decimal("-0"), ext(1, b"0")),
        (Annotated[Decimal, st.Scale(2)], Decimal("2.50"), ext(1, b"2.5")),
        (datetime.date, datetime.date(1, 2, 3), ext(2, b"0001-02-03")),
        (datetime.time, datetime.time(1, 2, 3, 4), ext(3, b"01:02:03.000004")),
        (
            datetime.datetime,
            datetime.datetime(9999, 12, 31, 23, 59, 59, 999999),
            ext(4, b"9999-12-31T23:59:59.999999"),
        ),
        (
            Annotated[datetime.datetime, st.UTC],
            datetime.datetime(2024, 1, 1, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=5))),
            ext(5, b"2024-01-01T00:00:00+00:00"),
        ),
        (UUID, UUID(int=1), ext(6, bytes(15) + b"\1")),
        (Color, Color.GREEN, "GREEN"),
        (Circle, Circle(radius=2), [2.0]),
        (Square | None, None, None),
        (Square | None, Square(side=1), [1, None]),
        (Square | st.Empty, st.EMPTY, None),
        (str | st.Empty, "a", ["a"]),
        (str | None | st.Empty, None, [None]),
        (st.Empty, st.EMPTY, []),
        (Point, Point(1, 2), [1, 2]),
        (st.Pair[int, str], st.Pair(1, "a"), [1, "a"]),
        (tuple[int, str], (1, "a"), [1, "a"]),
        (tuple[int, ...], (3, 1, 2), [3, 1, 2]),
        (frozenset[int], frozenset({200, 3, -1}), [3, 200, -1]),
        (st.ZSetPython[str], st.ZSetPython({"b": 2, "a": -1}), [["a", -1], ["b", 2]]),
        (Circle | Square, Square(side=1), ["Square", [1, None]]),
        (Square | Circle, Circle(radius=1), ["Circle", [1.0]]),
        (int | str, 1, ["int", 1]),
        (Tree, Tree(name="a", children=(Tree(name="b"),)), ["a", [["b", []]]]),
    ],
)
def test_the_format(item: Any, value: Any, plain: Any) -> None:
    data = packed(tuple[item, ...], (value,))
    assert data == msgpack.packb([plain])


def test_the_format_on_its_own() -> None:
    assert packed(tuple[str, ...], ("a", "é")).hex() == "92a161a2c3a9"
    assert packed(frozenset[int], frozenset({1, 2})).hex() == "920102"
    assert packed(Circle | Square | None, Circle(radius=1.0)).hex() == (
        "92a6436972636c6591cb3ff0000000000000"
    )


@pytest.mark.parametrize("seed", ["0", "1", "77"])
def test_bytes_do_not_depend_on_the_process(seed: str) -> None:
    # A set's own order, and hash(str), differ between processes.
    script = (
        "from stepping.compiler.codec import python_codec\n"
        "from stepping.compiler.frontend.rows import type_of\n"
        "values = frozenset({'a', 'b', 'c', 'ab', 'é', '', 'x' * 40})\n"
        "print(python_codec(type_of(frozenset[str])).encode(values)[0].hex())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    run = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    values = frozenset({"a", "b", "c", "ab", "é", "", "x" * 40})
    assert run.stdout.strip() == packed(frozenset[str], values).hex()


def test_equal_values_are_equal_bytes() -> None:
    def same(annotation: Any, *values: Any) -> bool:
        return len({packed(annotation, value) for value in values}) == 1

    assert same(tuple[float, ...], (1, 0), (1.0, -0.0), (True + 0.0, 0.0))
    assert same(frozenset[Decimal], frozenset({Decimal("1.0")}), frozenset({Decimal(1)}))
    at = datetime.datetime(2024, 1, 1, tzinfo=UTC)
    there = at.astimezone(datetime.timezone(datetime.timedelta(hours=-7)))
    aware = Annotated[datetime.datetime, st.UTC]
    assert same(frozenset[aware], frozenset({at}), frozenset({there}), frozenset({at, there}))
    assert same(st.ZSetPython[aware], st.ZSetPython({at: 2}), st.ZSetPython([(at, 1), (there, 1)]))


def test_two_members_that_are_one_in_canonical_form_are_one() -> None:
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("Europe/Amsterdam")
    # Of a time that is skipped: Python compares them as they stand, and they are one instant.
    skipped = datetime.datetime(2024, 3, 31, 2, 30, tzinfo=zone)
    after = skipped.astimezone(UTC)
    assert skipped != after
    aware = Annotated[datetime.datetime, st.UTC]
    codec = python_codec(type_of(frozenset[aware]))
    assert codec.canonical(frozenset({skipped, after})) == frozenset({after})
    zset = python_codec(type_of(st.ZSetPython[aware]))
    assert zset.canonical(st.ZSetPython({skipped: 1, after: 2})) == st.ZSetPython({after: 3})


def test_what_is_read_back_is_canonical() -> None:
    basket = Basket(
        items=(Square(side=1),),
        tags=frozenset({"a"}),
        shape=Circle(radius=2),
        stock=st.ZSetPython({1: 2, 3: -1}),
    )
    codec = python_codec(type_of(Basket))
    found = codec.canonical(basket)
    assert found == basket
    assert hash(found) == hash(basket)
    assert isinstance(found.shape, Circle)
    assert repr(found.shape) == "Circle(radius=2.0)"
    assert type(found.stock) is st.ZSetPython


def wrong_side() -> Any:
    return Square(side="x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Basket(items=(Square(side=1), wrong_side())),
            "Basket.items[1].side: expected int",
        ),
        (
            lambda: Basket(items=[Square(side=1)]),
            "Basket.items: expected tuple[Square, ...], got li",
        ),
        (lambda: Basket(tags={"a"}), "Basket.tags: expected frozenset[text], got set {'a'}"),
        (lambda: Basket(tags=frozenset({1})), "Basket.tags{}: expected str, got int 1"),
        (
            lambda: Basket(tags=frozenset({"\ud800"})),
            "Basket.tags{}: '\\ud800' holds a lone surrog",
        ),
        (lambda: Basket(shape=wrong_side()), "Basket.shape.side: expected int, got str 'x'"),
        (lambda: Basket(shape=3), "Basket.shape: expected Circle | Square, got int 3"),
        (lambda: Basket(shape=None), "Basket.shape: expected Circle | Square, got NoneType None"),
        (
            lambda: Basket(shape=Circle(radius=float("nan"))),
            "Basket.shape.radius: NaN equals nothing",
        ),
        (lambda: Basket(stock={1: 2}), "Basket.stock: expected ZSetPython[int], got dict"),
        (
            lambda: Basket(stock=st.ZSetPython({1: 2**63})),
            "Basket.stock{}: the count: 9223372036854",
        ),
        (
            lambda: Basket(stock=st.ZSetPython({2**63: 1})),
            "Basket.stock{}: 9223372036854775808 does",
        ),
    ],
)
def test_an_error_names_the_place(make: Callable[[], Basket], message: str) -> None:
    with pytest.raises(st.RowError) as caught:
        python_codec(type_of(Basket)).encode(make())
    assert caught.value.message.startswith(message), caught.value.message


def test_a_value_that_is_nested_too_deeply() -> None:
    codec = python_codec(type_of(Tree))
    tree = Tree(name="leaf")
    for _ in range(MAX_LEVELS // 2 - 1):
        tree = Tree(name="node", children=(tree,))
    assert codec.encode(codec.canonical(tree)) == codec.encode(tree)
    tree = Tree(name="node", children=(Tree(name="node", children=(tree,)),))
    with pytest.raises(st.RowError, match=r"Tree\.children: the value is nested more than 400"):
        codec.encode(tree)
