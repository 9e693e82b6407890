"""Row functions that must mean in SQL what they mean in Python, each with its row types.

Written as users write them, the odd ones included; nothing here is called but by the law test.
"""
# ruff: noqa: E501, PIE804, RUF005, RUF021
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
from stepping.compiler.frontend.rows import Pair
from stepping.compiler.schema import EMPTY
from tests.unit.rowfn import rows
from tests.unit.rowfn.rows import (
    LIMITS,
    NAMES,
    RATE,
    Colour,
    Item,
    Joined,
    Level,
    Money,
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
case(Item)(lambda i: (i.count > 3) & (10 // i.basket > 1))
case(Item)(lambda i: (i.count > 3) | (10 // i.basket > 1) ^ (i.count > 1))
case(Item)(lambda i: (i.count > 3) & (i.basket > 1) | (i.count < 0))

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
case(Product)(lambda p: str(p.price * 2 + 1) + f"{(p.price - 1.5) / 4:.2f}")
case(Place)(lambda p: f"{p.money.amount} {p.money.amount * 2:.2f}")
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
case(Product)(lambda p: Money(1 if p.price > 1 else Decimal("2.50")))  # type: ignore[arg-type]
case(Product)(lambda p: Money(amount=p.qty or 0, **{"currency": p.name}))  # type: ignore[arg-type]
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
