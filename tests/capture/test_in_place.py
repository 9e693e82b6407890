# ruff: noqa: S608
"""First rows, extremes and windows of a table are read in the table itself, where an index of its
has them; and are right whoever changes it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

import stepping as st
from tests.capture.test_concurrent import bag
from tests.support.place import Place

COLUMNS = "id, shop, kind, price, cost"


@dataclass(frozen=True)
class Shape:
    """A SELECT over items, and the index that it is read by."""

    select: str
    index: str
    only: str = ""  # the database that can say it


def numbered(by: str, order: str, n: int) -> str:
    number = f"row_number() OVER (PARTITION BY {by} ORDER BY {order}) AS n"
    return f"SELECT {COLUMNS} FROM (SELECT {COLUMNS}, {number} FROM items) AS x WHERE n <= {n}"


SHAPES = {
    "largest of a group": Shape(
        "SELECT kind, max(cost) AS high, min(cost) AS low FROM items GROUP BY kind", "kind, cost"
    ),
    "of a group of two": Shape(
        "SELECT shop, kind, max(price) AS high FROM items GROUP BY shop, kind", "kind, shop, price"
    ),
    "of a group of two NULLs": Shape(
        "SELECT cost, kind, max(price) AS high FROM items GROUP BY cost, kind", "cost, kind, price"
    ),
    "largest of all": Shape("SELECT max(cost) AS high, min(price) AS low FROM items", "cost"),
    "first ones": Shape(f"SELECT {COLUMNS} FROM items ORDER BY price, id LIMIT 5", "price, id"),
    "first ones, with duplicates": Shape("SELECT price FROM items ORDER BY price LIMIT 6", "price"),
    "last ones": Shape(
        f"SELECT {COLUMNS} FROM items ORDER BY price DESC, id DESC LIMIT 5", "price, id"
    ),
    "some in the middle": Shape(
        f"SELECT {COLUMNS} FROM items ORDER BY price, id LIMIT 4 OFFSET 3", "price, id"
    ),
    "both directions": Shape(
        f"SELECT {COLUMNS} FROM items ORDER BY cost DESC, id LIMIT 5", "cost DESC, id"
    ),
    "NULLs last": Shape(
        f"SELECT {COLUMNS} FROM items ORDER BY cost DESC NULLS LAST, id LIMIT 5",
        "cost DESC NULLS LAST, id",
        "postgres",
    ),
    "NULLs first": Shape(
        f"SELECT {COLUMNS} FROM items ORDER BY cost NULLS FIRST, id LIMIT 5",
        "cost DESC NULLS LAST, id DESC",
        "postgres",
    ),
    "numbered": Shape(numbered("kind", "cost, id", 2), "kind"),
    "numbered, of two columns": Shape(numbered("kind, cost", "price DESC, id", 1), "cost, kind"),
    "first of a group": Shape(
        f"SELECT DISTINCT ON (kind) {COLUMNS} FROM items ORDER BY kind, cost DESC, id",
        "kind, cost DESC, id",
        "postgres",
    ),
}


def made(connection: Any, seed: int) -> random.Random:
    connection.execute(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, shop INTEGER NOT NULL, kind INTEGER,"
        " price INTEGER NOT NULL, cost INTEGER)"
    )
    pick = random.Random(seed)
    for number in range(40):
        connection.execute(f"INSERT INTO items VALUES ({number}, {values(pick)})")
    return pick


def values(pick: random.Random) -> str:
    kind, cost = (pick.choice(["NULL", *range(4)]) for _ in range(2))
    return f"{pick.randrange(3)}, {kind}, {pick.randrange(6)}, {cost}"


def change(connection: Any, pick: random.Random, number: int) -> None:
    kind = pick.random()
    if kind < 0.4:
        connection.execute(f"INSERT INTO items VALUES ({number}, {values(pick)})")
    elif kind < 0.65:
        connection.execute(f"DELETE FROM items WHERE id % 17 = {pick.randrange(17)}")
    elif kind < 0.7:
        connection.execute("DELETE FROM items WHERE kind IS NULL")
    elif kind < 0.72:
        connection.execute("DELETE FROM items")
    else:
        to = pick.choice(["kind = NULL", "kind = shop", "cost = NULL", "cost = price", "price = 2"])
        connection.execute(f"UPDATE items SET {to} WHERE id % 5 = {pick.randrange(5)}")


def copies(store: Any) -> list[str]:
    return [name for name in store.plan.kept if "__items" in name]


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("indexed", [True, False])
def test_they_are_right(place: Place, shape: Shape, refresh: str, indexed: bool) -> None:
    if shape.only not in ("", place.name):
        pytest.skip("said otherwise there")
    with place.connect() as connection:
        pick = made(connection, len(shape.select))
        if indexed:
            connection.execute(f"CREATE INDEX served ON items ({shape.index})")
            connection.execute("CREATE INDEX served_too ON items (price)")
        graph = st.sql(shape.select, name="found", refresh=refresh)
        store = place.store(connection, graph)
        assert bool(copies(store)) is not indexed
        ((_, relation, live),) = store.plan.capture.relations
        assert live or not indexed or refresh == "immediate"
        for number in range(60):
            change(connection, pick, 100 + number)
            wanted = bag(connection, shape.select)
            if refresh == "deferred" and live:
                assert bag(connection, f"SELECT * FROM {live}") == wanted
            if refresh == "deferred" and number % 6 == 5:
                store.refresh()
            if refresh == "immediate" or number % 6 == 5:
                assert bag(connection, f"SELECT * FROM {relation}") == wanted, number
        assert st.verify(store).ok


NOT_SERVED = {
    "the other direction": ("ORDER BY price DESC, id", "price, id"),
    "NULLs at the other end": ("ORDER BY cost NULLS LAST, id", "cost, id"),
    "rows are not told apart": ("ORDER BY price, kind, id", "price, id"),
    "some rows only": ("WHERE cost > 0 ORDER BY price, id", "price, id"),
    "of what is no column": ("ORDER BY price + cost, id", "price, cost, id"),
}


@pytest.mark.parametrize("case", NOT_SERVED.values(), ids=NOT_SERVED)
def test_what_no_index_has_is_kept_and_explained(place: Place, case: tuple[str, str]) -> None:
    order, index = case
    with place.connect() as connection:
        pick = made(connection, 3)
        if place.name == "postgres" and "NULLS" in order:
            order = order.replace("LAST", "FIRST")
        connection.execute(f"CREATE INDEX served ON items ({index})")
        select = f"SELECT {COLUMNS} FROM items {order} LIMIT 5"
        store = place.store(connection, st.sql(select, name="found"))
        assert copies(store)
        (kept,) = (each.table for each in store.plan.tables if "__items" in each.table.name)
        assert "not in place, since" in kept.reason
        for number in range(20):
            change(connection, pick, 100 + number)
            ((_, relation, _),) = store.plan.capture.relations
            assert bag(connection, f"SELECT * FROM {relation}") == bag(connection, select)


def test_it_is_right_where_the_index_has_gone(place: Place) -> None:
    shape = SHAPES["both directions"]
    with place.connect() as connection:
        pick = made(connection, 5)
        connection.execute(f"CREATE INDEX served ON items ({shape.index})")
        graph = st.sql(shape.select, name="found")
        kept = place.store(connection, graph).plan.kept
        connection.execute("DROP INDEX served")
        store = place.store(connection, graph)
        assert store.plan.kept == kept
        ((_, relation, _),) = store.plan.capture.relations
        for number in range(20):
            change(connection, pick, 100 + number)
            assert bag(connection, f"SELECT * FROM {relation}") == bag(connection, shape.select)
        assert st.verify(store).ok


def test_rows_of_a_table_without_numbers_are_kept(sqlite_path: Any) -> None:
    """SQLite picks the first rows of a group by their number."""
    with st.connection_sqlite(sqlite_path) as connection:
        connection.execute(
            "CREATE TABLE items (id INTEGER PRIMARY KEY, rowid INTEGER, price INTEGER NOT NULL)"
        )
        connection.execute("CREATE INDEX served ON items (price, id)")
        graph = st.sql("SELECT id, price FROM items ORDER BY price, id LIMIT 2", name="found")
        store = st.StoreSQLite.from_graph(connection, graph)
        assert copies(store)
        connection.execute("INSERT INTO items VALUES (1, 7, 5), (2, 7, 4), (3, 1, 9)")
        rows = connection.execute("SELECT * FROM found ORDER BY price").fetchall()
        assert [tuple(each) for each in rows] == [(2, 4), (1, 5)]


class Item(st.Data, table="items"):
    id: int
    kind: int | None
    price: int


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
def test_first_n_of_row_classes(place: Place, refresh: str) -> None:
    cache: Any = st.Cache("rows")

    def cheapest(items: st.ZSet[Item]) -> None:
        first = st.first_n(items, index=st.Index.pick(Item, lambda i: i.price), n=4)
        _ = cache[first](lambda z: st.integrate(z))

    with place.connect() as connection:
        pick = made(connection, 9)
        connection.execute("CREATE INDEX served ON items (price, id)")
        store = place.store(connection, st.compile(cheapest, refresh=refresh))
        assert not copies(store)
        for number in range(40):
            change(connection, pick, 100 + number)
            rows = "SELECT id, kind, price FROM items ORDER BY price, id LIMIT 4"
            wanted = {Item(id=a, kind=b, price=c): 1 for a, b, c in connection.execute(rows)}
            assert dict(cache.zset(store).iter()) == wanted
