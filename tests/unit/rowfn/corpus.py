"""Row functions that must mean in SQL what they mean in Python, each with its row types.

Written as users write them, the odd ones included; nothing here is called but by the law test.
"""
# ruff: noqa: E731, SIM108, SIM103, SIM102, RET505, C416, PIE810, E501, RUF005, C408, B023, E701, E702, I001
# fmt: off

from __future__ import annotations

import dataclasses
import functools
import math
import operator
import typing
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import stepping.compiler.frontend.rows as st
from tests.unit.rowfn import rows
from tests.unit.rowfn.rows import (
    EMPTY,
    LIMITS,
    NAMES,
    RATE,
    Colour,
    Item,
    Joined,
    Level,
    Money,
    Pair,
    Place,
    Point,
    Product,
)

CASES: list[tuple[str, Callable[..., Any], tuple[Any, ...]]] = []
CONDITIONS: list[tuple[str, Callable[..., Any], tuple[Any, ...]]] = []


def condition(*types: Any) -> Callable[[Any], Any]:
    def add(f: Any) -> Any:
        CONDITIONS.append((f"condition_{len(CONDITIONS)}", f, types))
        return f

    return add


def case(*types: Any) -> Callable[[Any], Any]:
    def add(f: Any) -> Any:
        CASES.append((f"{getattr(f, '__name__', type(f).__name__)}_{len(CASES)}", f, types))
        return f

    return add


# -------------------------------------------------------------------------- fields and subscripts

case(Product)(lambda p: p)
case(Product)(lambda p: p.name)
case(Product)(lambda p: (p.name, p.price))
case(Joined)(lambda p: p.left.name)
case(Joined)(lambda p: p.right)
case(Joined)(lambda p: p)
case(Place)(lambda p: p)
case(Place)(lambda p: (p.pair[1], p.pair[-2], p.money.amount))
case(Place)(lambda p: p.point.x)
case(Place)(lambda p: p.product)
case(Place)(lambda p: (p.point, p.product, p.size))
case(Point)(lambda p: p[0] + p.x)
case(Point)(lambda p: p[-1])
case(tuple[int, str])(lambda t: t[1])
case(str)(lambda s: s)
case(int)(lambda n: -n)
case(str)(lambda s: s[:2] + s[::-1])
case(str)(lambda s: s[0])
case(Product)(operator.attrgetter("name"))
case(Joined)(operator.attrgetter("left.name", "left.price"))
case(tuple[int, str])(operator.itemgetter(1, 0))
case(Product)(operator.methodcaller("taxed", 0.5))
case(Product)(operator.methodcaller("taxed", rate=0.5))

# ------------------------------------------------------------------------------------ arithmetic

case(Product)(lambda p: p.price * 2 + 1)
case(Item)(lambda i: (i.basket // 7, i.basket % -7, -i.basket, +i.count, i.basket / 4))
case(Item)(lambda i: i.basket // i.count)
case(Item)(lambda i: 2 ** 3 * i.count - 1 << 2)
case(Product)(lambda p: p.qty + 1)
case(Product)(lambda p: (p.qty or 0) + 1)
case(Product)(lambda p: p.price + (p.qty if p.qty is not None else 0))
case(Place)(lambda p: p.money.amount + Decimal("0.50"))
case(Place)(lambda p: p.money + Money(Decimal(1)))
case(Product)(lambda p: p.level + 1)
case(Product)(lambda p: round(p.price))
case(Product)(lambda p: (abs(p.price), math.floor(p.price), int(p.price), math.ceil(p.price)))
case(Product)(lambda p: math.pi * p.price)
case(Product)(lambda p: p.price * RATE * rows.RATE)
case(Item)(lambda i: (i.day.year, i.day.month, i.day.isoformat(), str(i.day)))
case(Item)(lambda i: max(i.basket, i.count, 3) - min(i.basket, 0))
case(Item)(lambda i: sum((i.basket, i.count, 1)))
case(Item)(lambda i: operator.add(i.basket, operator.neg(i.count)))
case(Item)(lambda i: [i.basket, i.count][1] + len((i.basket, 2)))
case(Item)(lambda i: max((i.basket, i.count)))
case(Item)(lambda i: (i.basket > 3) + 1)

# ----------------------------------------------------------------------- comparison and conditions

case(Product)(lambda p: 0 < p.price <= 10 != p.qty)
case(Item)(lambda i: i.basket < i.count < 5 < i.basket)
condition(Product)(lambda p: p.price > 10 and p.name)
case(Product)(lambda p: p.name or "nameless")
condition(Product)(lambda p: p.name and p.price > 1 or p.qty)
case(Product)(lambda p: not p.name)
case(Product)(lambda p: not (p.name and p.qty))
case(Product)(lambda p: p.qty == 3)
case(Product)(lambda p: p.qty != 3)
case(Product)(lambda p: p.qty is None)
case(Product)(lambda p: p.qty is not None and p.qty > 3)
case(Product)(lambda p: p.qty is None or p.qty < 3 or p.price > 2)
condition(Product)(lambda p: p.qty and p.qty > 3)
case(Product)(lambda p: p.qty > 3)
case(Product)(lambda p: p.qty == 3 and p.qty + 1 == 4)
case(Product)(lambda p: "dear" if p.price > 10 else "cheap" if p.price > 1 else None)
case(Product)(lambda p: (1 if p.qty else 2) + (p.qty or 5))
case(Product)(lambda p: p.name in ("tv", "radio"))
case(Product)(lambda p: p.name not in NAMES)
case(Product)(lambda p: p.qty in (None, 1, 2))
case(Product)(lambda p: p.name in {"tv", "x"} or p.name in LIMITS)
case(Product)(lambda p: "a" in p.name)
case(Product)(lambda p: p.name in "tv radio")
case(Product)(lambda p: p.colour is Colour.RED)
case(Product)(lambda p: p.colour == Colour.GREEN or p.colour != Colour.BLUE)
case(Product)(lambda p: p.colour in (Colour.RED, Colour.BLUE))
case(Product)(lambda p: p.level >= Level.HIGH)
case(Product)(lambda p: (p.colour.name, p.colour.value, p.level.value, p.colour.warm))
case(Product)(lambda p: p.colour.shade(p.qty or 0))
case(Product)(lambda p: (p.name, p.price) < ("radio", 5.0))
case(Product)(lambda p: (p.name, p.qty) == ("tv", None))
case(Place)(lambda p: p.point == Point(1, None))
case(Place)(lambda p: p.point == (1, 2))
case(Place)(lambda p: p.money > Money(Decimal("1.5")))
case(Place)(lambda p: bool(p.money))
case(Place)(lambda p: 1 if p.money else 0)
case(Place)(lambda p: p.product is None)
case(Place)(lambda p: p.product == p.product)
case(Joined)(lambda p: isinstance(p.right, st.Empty))
case(Joined)(lambda p: p.right is EMPTY)
case(Joined)(lambda p: p.right.count)
case(Joined)(lambda p: 0 if isinstance(p.right, st.Empty) else p.right.count)
case(Joined)(lambda p: p.right.count if isinstance(p.right, Item) else None)
case(Joined)(lambda p: p.right.product if p.right is not EMPTY else p.left.name)
case(Joined)(lambda p: p.right if p.left.price > 2 else EMPTY)
case(Joined)(lambda p: not isinstance(p.right, st.Empty) and p.right.product is not None and p.left.name in p.right.product)
case(Place)(lambda p: p.product and p.product.name)
case(Place)(lambda p: p.product.name if p.product else "none")
case(Place)(lambda p: p.point.y if p.point is not None and p.point.y else -1)
case(Place)(lambda p: (p.point.x or 1) if p.point else (p.product.qty if p.product else 7))
case(Place)(lambda p: all(x > 0 for x in (p.pair[0], p.money.amount)))
case(Place)(lambda p: any(c in p.pair[1] for c in "ab"))
case(Place)(lambda p: any([p.pair[0] > 1, p.pair[1]]))
case(Item)(lambda i: any(1 / d > 0 for d in (i.basket, i.count)))
case(Item)(lambda i: i.basket != 0 and i.count / i.basket > 1)
condition(Item)(lambda i: i.basket == 0 or 10 // i.basket)
case(Item)(lambda i: 10 // i.basket if i.basket else 0)
condition(Item)(lambda i: i.count // i.basket > 1 and i.count)
case(Item)(lambda i: i.day > date(2024, 1, 1))

# ----------------------------------------------------------------------------------------- texts

case(Product)(lambda p: f"{p.name}: {p.price:.2f} {p.qty!s:>5} {p.name!s} {p.level:d} {{}}")
case(Product)(lambda p: f"{p.qty}")
case(Product)(lambda p: f"{p.qty:03d}")
case(Product)(lambda p: str(p.qty) + str(p.price > 1) + str(None) + str(p.price))
case(Product)(lambda p: p.name.upper().strip() + p.name.replace("a", "b"))
case(Product)(str.upper) if False else case(str)(str.upper)
case(str)(len)
case(str)(str)
case(int)(float)
case(Product)(lambda p: p.name.startswith(("t", "r")) or p.name.endswith("o"))
case(Product)(lambda p: "-".join((p.name, "x", p.colour.value)))
case(Product)(lambda p: "-".join(part for part in (p.name, p.colour.name)))
case(Product)(lambda p: "abc".replace("b", p.name))
case(Product)(lambda p: p.label.lower())
case(Product)(lambda p: p.greeting() + p.name * 2)
case(Product)(lambda p: format(p.price, ".1f"))
case(Item)(lambda i: i.product.upper())
case(Item)(lambda i: i.product and i.product.upper())

# ------------------------------------------------------------------------------------------ rows

case(Product)(lambda p: Product(name=p.name, price=3))
case(Product)(lambda p: Product(name=p.name + "!", price=p.qty or 1, qty=p.qty, colour=Colour.BLUE))
case(Product)(lambda p: Pair(p.name, p.qty))
case(Product)(lambda p: Pair[str, float](p.name, p.qty or 0))
case(Product)(lambda p: Pair(left=p, right=Pair(1, None)))
case(Product)(lambda p: Pair(p.name, p.qty).right)
case(Product)(lambda p: Point(p.qty or 0, p.qty))
case(Product)(lambda p: Point(y=1, x=2).total + len(p.name))
case(Product)(lambda p: Point(*(1, 2)).y)
case(Product)(lambda p: Money(1 if p.price > 1 else Decimal("2.50")))
case(Product)(lambda p: Money(amount=p.qty or 0, **{"currency": p.name}))
case(Product)(lambda p: dataclasses.replace(p, price=p.price * 2, qty=None))
case(Point)(lambda p: p._replace(y=p.x).moved(3))
case(Place)(lambda p: dataclasses.replace(p, product=None, size="l").product)
case(Place)(lambda p: Place(point=None, money=p.money, product=p.product, pair=(1, p.pair[1])))
case(Place)(lambda p: p.product if p.pair[0] > 0 else None)
case(Place)(lambda p: p.point if p.pair[0] > 0 else Point(1))
case(Place)(lambda p: Pair(p.point, p.product) if p.pair[0] else Pair(None, None))
case(Product)(lambda p: p.best(Product(name="tv", price=5)).name)
case(Product)(lambda p: p.taxed() + p.taxed(rate=0.5) if p.dear else p.discount)
case(Product)(lambda p: ((p.name, (p.price, None)), p.qty))
case(Product)(lambda p: (*(p.name, p.qty), 1) + (2,))
case(Product)(lambda p: Product(name="x") if p.qty == 1 else p)
case(Product)(lambda p: LIMITS["low"] + LIMITS.get("middle", 5))
case(Product)(lambda p: LIMITS[p.name])
case(Product)(lambda p: LIMITS.get(p.name, p.qty))
case(Item)(lambda i: NAMES[i.basket])
case(Product, Item)(lambda p, i: (p.name, i.count))
case(Product, Product)(lambda a, b: a if a.price > b.price else b)
case(Product, Product)(lambda a, b: a < b)
condition(Place)(lambda p: p.point)
condition(Joined)(lambda p: p.right)
condition(Product)(lambda p: (p.qty, p.name))
condition(Product)(lambda p: [] or p.colour)
condition(Product)(lambda p: p)
condition(Point)(lambda p: p.y and p or p.x)
case(int, int)(lambda a, b: a + b)
case(Item)(functools.partial(lambda rate, i, *, plus=1: i.count * rate + plus, 3, plus=4))
case(Place)(lambda p: typing.cast(Any, p).pair[0])
case(Place)(lambda p: type(p.pair[0]) is int and isinstance(p.pair[1], (int, str)))


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
def falls_through(p: Product) -> str | None:
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
def empty_by_return(p: Any) -> str:
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
    thrice = lambda x: twice(x, 3, plus=1)
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
