"""Rows of results, rows by name, and what is refused with its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

import stepping as st


class Revenue(st.Data):
    country: str
    cents: int | None
    orders: int


class Wrong(st.Data):
    country: int
    cents: int | None
    orders: int


SELECT = """
SELECT c.country, sum(o.cents) AS cents, count(*) AS orders
FROM orders o JOIN customers c ON c.name = o.customer
GROUP BY c.country
"""


@pytest.fixture
def shop() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript("""
        CREATE TABLE customers (name TEXT NOT NULL PRIMARY KEY, country TEXT NOT NULL);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, cents INTEGER);
        CREATE INDEX orders_customer ON orders (customer);
        INSERT INTO customers VALUES ('Ann', 'DE');
        INSERT INTO orders (customer, cents) VALUES ('Ann', 100), ('Ann', NULL);
    """)
    yield connection
    connection.close()


def test_rows_of_a_class(shop: sqlite3.Connection) -> None:
    graph = st.sql(SELECT, name="revenue", into=Revenue)
    store = st.StoreSQLite.from_graph(shop, graph)
    assert dict(graph.rows(store).iter()) == {Revenue(country="DE", cents=100, orders=2): 1}


def test_a_field_of_another_type(shop: sqlite3.Connection) -> None:
    graph = st.sql(SELECT, name="revenue", into=Wrong)
    with pytest.raises(st.QueryError, match=r"Wrong\.country is a int, .* is a TEXT"):
        st.StoreSQLite.from_graph(shop, graph)


def test_a_view_has_its_own_name(shop: sqlite3.Connection) -> None:
    graph = st.sql(f"CREATE MATERIALIZED VIEW per_country AS {SELECT}")
    st.StoreSQLite.from_graph(shop, graph)
    shop.execute("INSERT INTO orders (customer, cents) VALUES ('Ann', 5)")
    assert shop.execute("SELECT * FROM per_country").fetchall() == [("DE", 105, 3)]


def test_rows_by_name(shop: sqlite3.Connection) -> None:
    graph = st.sql("SELECT cents FROM orders WHERE cents > 10", name="big", refresh=None)
    store = st.StoreSQLite.from_graph(shop, graph)
    (orders,) = st.actions(store, graph)
    orders.insert({"id": 1, "cents": 7}, {"id": 2, "cents": 70})
    orders.replace({"cents": 70}, {"cents": 71})
    assert [tuple(row) for row, _ in graph.rows(store).iter()] == [(71,)]
    with pytest.raises(st.RowError, match="has no cents"):
        orders.insert({"id": 3})


@pytest.mark.parametrize(
    ("select", "message", "place"),
    [
        ("SELECT id FROM orders LIMIT 3", "LIMIT without ORDER BY", ":1:23"),
        ("SELECT id, nothing FROM orders", "no column nothing", ":1:12"),
        ("SELECT id FROM nowhere", "no table nowhere", ":1:16"),
        ("SELECT id,\n  current_date FROM orders", "current_date is another tomorrow", ":2:3"),
        ("SELECT random() AS x FROM orders", "random", ":1:8"),
        ("SELECT o.id FROM orders o, orders o", "more than once", ":1:28"),
        ("SELECT id AS x, cents AS X FROM orders", "two columns are named", ""),
        ("SELECT id, FROM orders", "syntax error", ""),
    ],
)
def test_refused(shop: sqlite3.Connection, select: str, message: str, place: str) -> None:
    before = shop.execute("SELECT count(*) FROM sqlite_master").fetchone()
    with pytest.raises(st.QueryError, match=message) as caught:
        st.StoreSQLite.from_graph(shop, st.sql(select, name="refused"))
    assert (caught.value.where or "").endswith(place)
    assert shop.execute("SELECT count(*) FROM sqlite_master").fetchone() == before


@pytest.mark.parametrize("key", ["g", "h"])
def test_groups_are_kept_once_whether_or_not_their_key_may_be_null(key: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE r (k integer PRIMARY KEY, g text, h text NOT NULL)")
        graph = st.sql(f"SELECT {key}, count(*) AS n FROM r GROUP BY {key}", name="v")
        store = st.StoreSQLite.from_graph(connection, graph, scans=True)
        (table,) = store.plan.tables
        assert table.views
        connection.execute("INSERT INTO r VALUES (1, NULL, 'x'), (2, NULL, 'x')")
        shown = None if key == "g" else "x"
        assert connection.execute("SELECT * FROM v").fetchall() == [(shown, 2)]
