"""The tables of an application, writers that know nothing of the library, and queries over them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import stepping as st
from tests.support.place import Place

DDL = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, country VARCHAR(20) NOT NULL,"
    " code INTEGER UNIQUE, note TEXT)",
    "CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER, qty INTEGER NOT NULL,"
    " unit_price INTEGER NOT NULL)",
    "CREATE INDEX items_order ON items (order_id)",
    "CREATE INDEX orders_country ON orders (country)",
)


class Order(st.Data, table="orders"):
    id: int
    country: str
    code: int | None


class Item(st.Data, table="items"):
    order_id: int | None
    qty: int
    price: Annotated[int, st.Column("unit_price")]


class Stats(st.Data):
    n: int
    total: int
    low: int | None
    high: int | None


ORDER_ID = st.Index.pick(Order, lambda o: o.id)
ITEM_ORDER = st.Index.pick(Item, lambda i: i.order_id)
OrderItem = st.Pair[Order, Item]


def revenue(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[st.Pair[int, str]]:
    joined = st.join(orders, items, on_left=ORDER_ID, on_right=ITEM_ORDER)
    return st.group_reduce_flatten(
        joined,
        by=st.Index.pick(OrderItem, lambda p: p.left.country),
        zero=int,
        pick_value=lambda p: p.right.qty * p.right.price,
    )


def filtered(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[tuple[str, int]]:
    some = st.filter(items, f=lambda i: i.qty > 1)
    joined = st.join(orders, some, on_left=ORDER_ID, on_right=ITEM_ORDER)
    return st.map(joined, f=lambda p: (p.left.country, p.right.qty))


def outer(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[tuple[int, int | None]]:
    joined = st.outer_join(orders, items, on_left=ORDER_ID, on_right=ITEM_ORDER)
    return st.map(
        joined, f=lambda p: (p.left.id, None if isinstance(p.right, st.Empty) else p.right.qty)
    )


def without(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[int]:
    left = st.anti_join(orders, items, on_left=ORDER_ID, on_right=ITEM_ORDER)
    return st.map(left, f=lambda o: o.id)


def stats(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[st.Pair[Stats, str]]:
    joined = st.join(orders, items, on_left=ORDER_ID, on_right=ITEM_ORDER)
    return st.aggregate(
        joined,
        by=st.Index.pick(OrderItem, lambda p: p.left.country),
        into=Stats,
        n=st.agg.count(),
        total=st.agg.sum(lambda p: p.right.qty),
        low=st.agg.min(lambda p: p.right.price),
        high=st.agg.max(lambda p: p.right.price),
    )


def countries(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[str]:
    used = st.semi_join(orders, items, on_left=ORDER_ID, on_right=ITEM_ORDER)
    return st.distinct(st.map(used, f=lambda o: o.country))


def dearest(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[tuple[str, int]]:
    joined = st.join(orders, items, on_left=ORDER_ID, on_right=ITEM_ORDER)
    rows = st.map(joined, f=lambda p: (p.left.country, p.right.price))
    by_price = st.Index.pick(tuple[str, int], lambda r: r[1], ascending=False)
    return st.first_n(rows, index=by_price, n=3)


def counted(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[int]:
    return st.count(st.join(orders, items, on_left=ORDER_ID, on_right=ITEM_ORDER))


def same_country(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[tuple[int, int]]:
    by_country = st.Index.pick(Order, lambda o: o.country)
    pairs = st.join(orders, orders, on_left=by_country, on_right=by_country)
    return st.map(pairs, f=lambda p: (p.left.id, p.right.id))


QUERIES: tuple[Callable[..., Any], ...] = (
    revenue,
    filtered,
    outer,
    without,
    stats,
    countries,
    counted,
    same_country,
)
ORDERED: tuple[Callable[..., Any], ...] = (dearest,)


@dataclass
class Writer:
    """Somebody who changes the tables by plain statements."""

    connection: Any
    random: random.Random
    mark: str  # of a parameter

    def do(self, sql: str, *values: object) -> None:
        text = sql if self.mark == "?" else sql.replace("%", "%%").replace("?", self.mark)
        self.connection.execute(text, values)

    def one(self, *, quiet: bool = False) -> None:
        """One statement; ``quiet``: none that locks a whole table."""
        pick, number = self.random.random(), self.random.randrange
        word = self.random.choice("abc")
        sqlite = self.mark == "?"
        if pick < 0.25:
            self.do(
                "INSERT INTO orders VALUES (?, ?, ?, 'x') ON CONFLICT DO NOTHING",
                *(number(12), word, number(12)),
            )
        elif pick < 0.5:
            order = self.random.choice([*range(12), None])
            self.do(
                "INSERT INTO items VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                *(self.random.randrange(2**31), order, number(4), number(4)),
            )
        elif pick < 0.6:
            self.do(
                "DELETE FROM items WHERE id IN (SELECT id FROM items WHERE id % 5 = ?)", number(5)
            )
        elif pick < 0.7:
            self.do("UPDATE orders SET country = ? WHERE id < ?", word, number(12))
        elif pick < 0.75:
            self.do("UPDATE items SET order_id = ?, qty = qty WHERE id % 3 = 0", number(12))
        elif pick < 0.8:
            self.do("UPDATE orders SET note = ?", word)
        elif pick < 0.85:
            self.do(
                "INSERT INTO orders VALUES (?, ?, NULL, 'y') "
                "ON CONFLICT (id) DO UPDATE SET country = 'u'",
                *(number(12), word),
            )
        elif pick < 0.92:
            self.do("DELETE FROM orders WHERE id = ?", number(12))
        elif sqlite and pick < 0.97:
            self.do(
                "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, 'r')", number(12), word, number(12)
            )
        elif sqlite:
            self.do("UPDATE OR REPLACE orders SET code = ? WHERE id = ?", number(12), number(12))
        elif pick < 0.94 and not quiet:
            self.do("TRUNCATE items")
        else:
            self.do(
                "WITH gone AS (DELETE FROM items WHERE id % 2 = 0 RETURNING order_id) "
                "DELETE FROM orders WHERE id IN (SELECT order_id FROM gone)"
            )


@contextmanager
def shop(place: Place, seed: int = 1) -> Iterator[tuple[Any, Writer]]:
    """A connection to a database with the tables, and somebody who writes to them."""
    with place.connect() as connection:
        for text in DDL:
            connection.execute(text)
        mark = "?" if place.name == "sqlite" else "%s"
        yield connection, Writer(connection, random.Random(seed), mark)


def expected(connection: Any, graph: Any) -> dict[Any, int]:
    """The plain meaning of a query's cache over what is in the tables now."""
    orders = connection.execute("SELECT id, country, code FROM orders").fetchall()
    items = connection.execute("SELECT order_id, qty, unit_price FROM items").fetchall()
    reference = graph.reference()
    reference.step(
        {
            "orders": st.ZSetPython([(Order(id=a, country=b, code=c), 1) for a, b, c in orders]),
            "items": st.ZSetPython([(Item(order_id=a, qty=b, price=c), 1) for a, b, c in items]),
        }
    )
    return dict(reference.cache("rows").iter())


def captured(query: Callable[..., Any], refresh: str) -> tuple[Any, Any]:
    """A query whose result is kept in the cache ``rows``; and that cache."""
    cache: Any = st.Cache("rows")

    def kept(orders: st.ZSet[Order], items: st.ZSet[Item]) -> None:
        _ = cache[query(orders, items)](lambda z: st.integrate(z))

    return st.compile(kept, name=query.__name__, refresh=refresh), cache
