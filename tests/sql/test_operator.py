"""A SELECT inside a query function: an operator beside those of Python."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from decimal import Decimal
from typing import Any

import psycopg
import pytest

import stepping as st


class Order(st.Data):
    id: int
    customer: str
    cents: int | None


class Customer(st.Data):
    name: str
    country: str


class Revenue(st.Data):
    country: str
    cents: int | None
    orders: int


class Label(st.Data):
    text: str
    orders: int


revenue = st.Cache[Revenue]("revenue")


def labels(orders: st.ZSet[Order], customers: st.ZSet[Customer]) -> st.ZSet[Label]:
    big = st.filter(orders, f=lambda o: o.cents is None or o.cents > 10)
    found = st.sql(
        """
        SELECT c.country, CAST(sum(o.cents) AS bigint) AS cents, count(*) AS orders
        FROM big AS o JOIN customers AS c ON c.name = o.customer
        GROUP BY c.country
        """,
        tables={"big": big, "customers": customers},
        into=Revenue,
    )
    _ = revenue[found](lambda z: st.integrate(z))
    return st.map(found, f=lambda r: Label(text=f"{r.country}!", orders=r.orders + 1))


def through(store: Any, graph: Any) -> None:
    rng = random.Random(5)
    orders, customers = st.actions(store, graph)
    known: Counter[Any] = Counter()
    people = [
        Customer(name=n, country=c) for n, c in zip("abcd", ("DE", "FR", "DE", "IT"), strict=True)
    ]
    there: list[Order] = []
    for i in range(30):
        kind = rng.random()
        if kind < 0.3:
            person = rng.choice(people)
            (change,) = customers.insert(person)
            known[person] += 1
        elif kind < 0.7 or not there:
            cents = rng.choice([None, 5, 20, 30])
            there.append(Order(id=i, customer=rng.choice("abcd"), cents=cents))
            (change,) = orders.insert(there[-1])
        else:
            (change,) = orders.remove(there.pop(rng.randrange(len(there))))
        wanted: dict[str, list[Any]] = {}
        for order in there:
            if order.cents is None or order.cents > 10:
                for person, n in known.items():
                    if person.name == order.customer:
                        wanted.setdefault(person.country, []).extend([order.cents] * n)
        shown = {
            Revenue(
                country=country,
                cents=sum(c for c in some if c is not None) if any(some) else None,
                orders=len(some),
            )
            for country, some in wanted.items()
        }
        assert {row for row, _ in revenue.zset(store).iter()} == shown
        assert all(isinstance(row, Label) for row, _ in change.iter())


def test_sqlite() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    graph = st.compile(labels)
    through(st.StoreSQLite.from_graph(connection, graph), graph)
    connection.close()


def test_postgres(postgres_db: str) -> None:
    with psycopg.connect(postgres_db, autocommit=True) as connection:
        graph = st.compile(labels)
        through(st.StorePostgres.from_graph(connection, graph), graph)
        again = st.compile(labels)  # finds what is installed
        store = st.StorePostgres.from_graph(connection, again)
        assert len(revenue.zset(store)) > 0


def test_without_a_database() -> None:
    graph = st.compile(labels)
    assert graph.output_types[0].fields[0][0] == "text"  # type: ignore[union-attr]
    assert any("country" in each for each in graph.script("sqlite"))
    assert any("country" in each for each in graph.script("postgres"))
    with pytest.raises(st.QueryError, match="only a database can evaluate"):
        st.StorePython.from_graph(graph)


def test_captured() -> None:
    class Item(st.Data, table="items"):
        id: int
        name: str
        qty: int

    class Total(st.Data):
        name: str
        qty: int

    totals = st.Cache[Total]("totals")

    def query(items: st.ZSet[Item]) -> None:
        found = st.sql(
            "SELECT name, sum(qty) AS qty FROM items GROUP BY name HAVING sum(qty) > 1",
            tables={"items": items},
            into=Total,
        )
        _ = totals[found](lambda z: st.integrate(z))

    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, qty INTEGER NOT NULL)"
    )
    graph = st.compile(query)
    store = st.StoreSQLite.from_graph(connection, graph, scans=True)
    connection.execute("INSERT INTO items (name, qty) VALUES ('a', 1), ('a', 2), ('b', 1)")
    assert connection.execute("SELECT * FROM query_totals").fetchall() == [("a", 3)]
    assert dict(totals.zset(store).iter()) == {Total(name="a", qty=3): 1}
    connection.close()


def test_refused() -> None:
    def no_class(orders: st.ZSet[Order]) -> st.ZSet[Any]:
        found: Any = st.sql("SELECT id FROM orders", tables={"orders": orders})
        return found  # type: ignore[no-any-return]

    with pytest.raises(st.QueryError, match="have no class"):
        st.compile(no_class)

    def wrong_name(orders: st.ZSet[Order]) -> st.ZSet[Label]:
        return st.sql(
            "SELECT customer AS text, id AS orders FROM order_s",
            tables={"orders": orders},
            into=Label,
        )

    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(st.QueryError, match="no table order_s"):
        st.StoreSQLite.from_graph(connection, st.compile(wrong_name))
    connection.close()


class Amount(st.Data):
    customer: str
    amount: Decimal


def test_decimals(postgres_db: str) -> None:
    def query(amounts: st.ZSet[Amount]) -> st.ZSet[Amount]:
        return st.sql(
            "SELECT customer, sum(amount) AS amount FROM amounts GROUP BY 1",
            tables={"amounts": amounts},
            into=Amount,
        )

    with psycopg.connect(postgres_db, autocommit=True) as connection:
        graph = st.compile(query)
        store = st.StorePostgres.from_graph(connection, graph)
        (amounts,) = st.actions(store, graph)
        (change,) = amounts.insert(
            Amount(customer="a", amount=Decimal("1.50")),
            Amount(customer="a", amount=Decimal("1.5")),
        )
        assert dict(change.iter()) == {Amount(customer="a", amount=Decimal("3")): 1}
