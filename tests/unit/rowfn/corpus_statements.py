"""More row functions for the law test: with statements, closures, decorators, callable objects.

Nothing here is called but by the law test.
"""
# ruff: noqa: E501, E702, E731, F841, I001, RET503, RET505
# fmt: off

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import stepping.compiler.frontend.rows as st
from stepping.compiler.frontend.rows import Pair
from stepping.compiler.schema import EMPTY
from tests.unit.rowfn.rows import (
    Colour,
    Item,
    Joined,
    Place,
    Point,
    Product,
)
from tests.unit.rowfn.corpus import case


# ------------------------------------------------------------------------------------- statements


@case(Product)
def early_return(p: Product) -> str:
    """A documented function."""
    if p.qty is None:
        return "none"
    if p.qty > 3:
        return "many"
    elif p.qty == 0:
        return "zero"
    return f"{p.qty}"


@case(Product)
def narrowed_by_return(p: Product) -> int:
    if p.qty is None:
        return 0
    return p.qty + 1


@case(Product)
def local_variables(p: Product) -> float:
    total = p.price
    factor, offset = (2, 1) if p.price > 3 else (1, 0)
    if p.qty:
        total = total * p.qty
        total += offset
    else:
        factor = 7
    total -= 1
    return total * factor


@case(Product)
def assigned_in_one_branch(p: Product) -> str:
    if p.price > 3:
        word = "dear"
    return word + "!"


@case(Product)
def falls_through(p: Product) -> str | None:  # type: ignore[return]
    if p.price > 3:
        return p.name


@case(Product)
def walrus(p: Product) -> int:
    if (n := p.qty) is not None and n > (m := 2):
        return n + m
    return (k := 5) + k


@case(Product)
def walrus_in_a_branch(p: Product) -> int:
    x = 0
    y = p.price > 3 and (x := 4)
    return x + (1 if y else 2)


@case(Item)
def unused_but_raises(i: Item) -> int:
    unused = 10 // i.basket
    return i.count


@case(Item)
def raises_in_a_branch(i: Item) -> int:
    if i.count > 3:
        unused = 10 // i.basket
    return i.count


@case(Item)
def dropped_by_a_subscript(i: Item) -> int:
    return (1 / i.basket, i.count)[1]


@case(Item)
def not_used_by_the_callee(i: Item) -> int:
    def second(a: float, b: int) -> int:
        return b

    return second(1 / i.basket, i.count)


@case(Item)
def asserts(i: Item) -> tuple[int, str]:
    assert i.product is not None, "a product"
    if i.count < 0:
        raise ValueError(f"{i.count} is negative")
    return len(i.product), i.product


@case(Joined)
def empty_by_return(p: Pair[Product, Item | st.Empty]) -> str:
    if isinstance(p.right, st.Empty):
        return p.left.name
    product = p.right.product
    return product if product is not None else p.left.name


@case(Place)
def optional_rows(p: Place) -> Point:
    point = p.point
    if point is None:
        point = Point(0)
    return point._replace(y=point.total)


@case(Product)
def nested_functions(p: Product) -> float:
    bonus = 1.5

    def twice(x: float, times: int = 2, *more: float, plus: float = 0.0) -> float:
        return x * times + plus + bonus

    bonus = 2.5
    thrice: Callable[[float], float] = lambda x: twice(x, 3, plus=1)
    return twice(p.price) + thrice(p.price) + twice(1, 2, 3, 4)


@case(Product)
def matches(p: Product) -> str:
    match p:
        case Product(name="tv"):
            return "television"
        case Product(qty=None, price=price) if price > 1:
            return f"none of {price}"
        case Product(colour=Colour.RED | Colour.GREEN as colour):
            return colour.name
        case Product(qty=int(n)):
            return f"{n}"
        case _:
            return "other"


@case(Place)
def matches_optional(p: Place) -> int:
    match p.point:
        case None:
            return -1
        case (0, y) if y:
            return y
        case Point(x, None):
            return x
        case Point():
            return 100
    return 5


@case(Item)
def loops(i: Item) -> int:
    total = 0
    for n, weight in enumerate_pairs():
        if n == i.basket:
            continue
        if weight > i.count:
            break
        total += n * weight
    else:
        total += 100
    return total


def enumerate_pairs() -> tuple[tuple[int, int], ...]:
    return ((1, 2), (3, -5), (i3(), 8))


def i3() -> int:
    return 3


@case(Item)
def returns_from_a_loop(i: Item) -> int:
    for n in range(4):
        if n == i.basket:
            return n * 10
    return -1


@case(Item)
def half_of_it_returns(i: Item) -> int:
    x = 1
    if i.basket > 0:
        if i.count > 0:
            return 5
        x = 2
    else:
        if i.count > 3:
            x = 3
    x += i.count
    return x


def logged(f: Any) -> Any:
    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return f(*args, **kwargs)

    return wrapper


@case(Product)
@logged
def decorated(p: Product) -> str:
    return p.name + "?"


@case(Product)
@functools.cache
def cached(p: Product) -> str:
    return p.name + helper(p, suffix="!") + pick(lambda q: q.name)(p)


def helper(p: Product, prefix: str = "<", *, suffix: str = ">") -> str:
    return prefix + p.name + suffix


def pick(f: Callable[[Product], str]) -> Callable[[Product], str]:
    return lambda p: f(p)


class Multiplier:
    def __init__(self, by: int) -> None:
        self.by = by

    def __call__(self, n: int) -> int:
        return n * self.by

    def method(self, n: int) -> int:
        return n + self.by

    @staticmethod
    def static(n: int) -> int:
        return n - 1

    @classmethod
    def of_class(cls, n: int) -> int:
        return cls.static(n) * 2


case(int)(Multiplier(3))
case(int)(Multiplier(3).method)
case(int)(Multiplier.static)
case(int)(Multiplier.of_class)

for number in (1, 2, 3):
    case(int)(lambda n, by=number: n * by)
    case(int)((lambda by: lambda n: n + by)(number))

first, second = (lambda p: p.name), (lambda p: p.price); case(Product)(first); case(Product)(second)
case(Product)(lambda p: (lambda q: q.price)(p) + (lambda p: 1)(0)); case(Product)(lambda p: p.name * 2)
case(Product)(
    lambda p: (
        p.name,
        "é" + p.name, p.price  # a comment
        + 1,
    )
)
case(Product)(lambda p: "é" and (lambda: p.name)()); case(Product)(lambda p: "éé" and p.price)
case(Product)(lambda p: None)
case(Product)(lambda p: 1)
case(Product)(lambda p: (1, "a", None, True, 2.5))
case(Product)(lambda p: EMPTY)
case(Product)(lambda p: Product(name="a"))
