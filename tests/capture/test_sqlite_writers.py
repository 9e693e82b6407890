"""Odd writers on SQLite: REPLACE, cascades, triggers, row numbers, rebuilt tables."""

# ruff: noqa: S608

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import stepping as st
from stepping.compiler.plan.base_tables import TableRef
from stepping.compiler.sql.files import queries_of
from stepping.compiler.sql.text import Text
from stepping.dialects.sqlite.base_tables import described
from tests.capture.shop import captured, revenue
from tests.support.place import Place, sqlite_place

SUMS = (
    "SELECT sum(i.qty * i.unit_price), o.country FROM orders o JOIN items i "
    "ON i.order_id = o.id GROUP BY 2 ORDER BY 2"
)
ITEMS = "order_id INTEGER, qty INTEGER NOT NULL, unit_price INTEGER NOT NULL"

# The same two tables, as people make them.
SHOPS = {
    "plain": (
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, country TEXT NOT NULL, code INT UNIQUE)",
        f"CREATE TABLE items (id INTEGER PRIMARY KEY, {ITEMS})",
    ),
    "without rowid": (
        "CREATE TABLE orders (id INT PRIMARY KEY, country TEXT NOT NULL, code INT UNIQUE) "
        "WITHOUT ROWID",
        f"CREATE TABLE items (id INT, part INT DEFAULT 0, {ITEMS}, PRIMARY KEY (id, part)) "
        "WITHOUT ROWID",
    ),
    "no integer key": (
        "CREATE TABLE orders (id INT UNIQUE, country TEXT NOT NULL, code INT)",
        f"CREATE TABLE items (id INT, {ITEMS})",
    ),
    "replacing by itself": (
        "CREATE TABLE orders (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, country TEXT NOT NULL, "
        "code INT UNIQUE ON CONFLICT REPLACE)",
        f"CREATE TABLE items (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, {ITEMS})",
    ),
    "a cascade": (
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, country TEXT NOT NULL, code INT UNIQUE)",
        "CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id) "
        "ON DELETE CASCADE ON UPDATE CASCADE, qty INTEGER NOT NULL, unit_price INTEGER NOT NULL)",
    ),
    "a trigger that writes": (
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, country TEXT NOT NULL, code INT UNIQUE)",
        f"CREATE TABLE items (id INTEGER PRIMARY KEY, {ITEMS})",
        "CREATE TRIGGER app_new AFTER INSERT ON orders BEGIN "
        "UPDATE items SET qty = 1 WHERE order_id = NEW.id; "
        "INSERT INTO items (id, order_id, qty, unit_price) "
        "SELECT coalesce(max(id), 0) + 1, NEW.id, 1, 1 FROM items; END",
        "CREATE TRIGGER app_gone BEFORE DELETE ON orders BEGIN "
        "DELETE FROM items WHERE order_id = OLD.id; END",
    ),
    "a generated column": (
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, word TEXT NOT NULL, code INT UNIQUE, "
        "country TEXT NOT NULL GENERATED ALWAYS AS (lower(word)) VIRTUAL)",
        f"CREATE TABLE items (id INTEGER PRIMARY KEY, {ITEMS})",
    ),
}
INDEXES = ("CREATE INDEX items_order ON items (order_id)",)


def statement(pick: random.Random, country: str) -> str:
    """A statement that somebody might write, of any kind that SQLite has."""
    number, word = pick.randrange, pick.choice(["a", "b", "C"])
    a, b, c = number(8), number(8), number(8)
    how = pick.choice(["", "OR REPLACE", "OR IGNORE"])
    orders = f"INTO orders (id, {country}, code) VALUES ({a}, '{word}', {b})"
    return pick.choice(
        [
            f"INSERT {how} {orders}",
            f"INSERT {orders}, ({b}, '{word}', {c})",
            f"INSERT {orders} ON CONFLICT DO NOTHING",
            f"INSERT {orders} ON CONFLICT (id) DO UPDATE SET {country} = 'u', code = {c}",
            f"INSERT {how} INTO items (id, order_id, qty, unit_price) "
            f"VALUES ({a + c}, {b}, {c}, 2)",
            f"UPDATE {how} orders SET id = {a} WHERE id = {b}",
            f"UPDATE {how} orders SET code = {a} WHERE id = {b}",
            f"UPDATE orders SET {country} = '{word}' WHERE id > {a}",
            f"UPDATE {how} items SET id = {a}, qty = {c} WHERE id = {b}",
            f"UPDATE items SET order_id = {a}, unit_price = unit_price + 1 WHERE order_id = {b}",
            f"DELETE FROM items WHERE id = {a}",
            f"DELETE FROM orders WHERE id = {a}",
            "DELETE FROM items" if pick.random() < 0.1 else "UPDATE items SET qty = qty",
        ]
    )


def right(connection: Any) -> None:
    shown = connection.execute("SELECT * FROM revenue_rows ORDER BY 2").fetchall()
    assert shown == connection.execute(SUMS).fetchall()


@pytest.mark.parametrize("recursive", [0, 1])
@pytest.mark.parametrize("keys", [0, 1])
@pytest.mark.parametrize("kind", SHOPS, ids=lambda kind: kind.replace(" ", "_"))
def test_every_statement_is_followed(
    sqlite_path: Path, kind: str, keys: int, recursive: int
) -> None:
    graph, _ = captured(revenue, "immediate")
    country = "word" if kind == "a generated column" else "country"
    with st.connection_sqlite(sqlite_path) as connection:
        connection.execute(f"PRAGMA foreign_keys = {keys}")
        connection.execute(f"PRAGMA recursive_triggers = {recursive}")
        for text in (*SHOPS[kind], *INDEXES):
            connection.execute(text)
        store = st.StoreSQLite.from_graph(connection, graph)
        pick = random.Random(kind)
        done = 0
        for count in range(150):
            try:
                connection.execute(statement(pick, country))
                done += 1
            except sqlite3.IntegrityError:
                pass
            right(connection)
            if count % 50 == 49:
                store.refresh()
                right(connection)
        assert done > 50
        assert st.verify(store).ok


def test_a_row_number_that_is_set_is_a_key_that_is_set(sqlite_path: Path) -> None:
    graph, _ = captured(revenue, "immediate")
    with st.connection_sqlite(sqlite_path) as connection:
        for text in (*SHOPS["plain"], *INDEXES):
            connection.execute(text)
        st.StoreSQLite.from_graph(connection, graph)
        connection.execute("INSERT INTO orders VALUES (1, 'a', 1), (2, 'b', 2)")
        connection.execute("INSERT INTO items VALUES (1, 1, 1, 1), (2, 7, 1, 1)")
        connection.execute("UPDATE orders SET rowid = 7 WHERE id = 1")
        right(connection)
        connection.execute("VACUUM")
        connection.execute("REPLACE INTO orders (rowid, country, code) VALUES (9, 'c', 2)")
        right(connection)


def test_attached_and_dumped_files_keep_their_triggers(tmp_path: Path) -> None:
    graph, cache = captured(revenue, "immediate")
    place = sqlite_place(tmp_path / "shop.db")
    with place.connect() as connection:
        for text in (*SHOPS["plain"], *INDEXES):
            connection.execute(text)
        st.StoreSQLite.from_graph(connection, graph)
        connection.execute("INSERT INTO orders VALUES (1, 'a', 1)")
        connection.execute("INSERT INTO items VALUES (1, 1, 1, 1)")
        other = sqlite3.connect(":memory:", isolation_level=None)
        other.execute("ATTACH ? AS shop", (place.where,))
        other.execute("INSERT INTO shop.items VALUES (2, 1, 5, 1)")
        other.close()
        right(connection)
        copied = sqlite3.connect(tmp_path / "copy.db", isolation_level=None)
        copied.executescript("\n".join(connection.iterdump()))
        copied.execute("INSERT INTO items VALUES (3, 1, 7, 1)")
        right(copied)
        store = st.StoreSQLite.from_graph(copied, graph, create_tables=False)
        assert dict(cache.zset(store).iter()) == {st.Pair(13, "a"): 1}
        copied.close()


def test_a_rebuilt_table_is_found_and_mended(sqlite_path: Path) -> None:
    graph, cache = captured(revenue, "immediate")
    with st.connection_sqlite(sqlite_path) as connection:
        for text in (*SHOPS["plain"], *INDEXES):
            connection.execute(text)
        store = st.StoreSQLite.from_graph(connection, graph)
        for text in (
            "PRAGMA legacy_alter_table = ON",  # else RENAME refuses, since a view reads the table
            f"CREATE TABLE new_items (id INTEGER PRIMARY KEY, {ITEMS}, extra TEXT)",
            "INSERT INTO new_items SELECT *, NULL FROM items",
            "DROP TABLE items",
            "ALTER TABLE new_items RENAME TO items",
            *INDEXES,
            "INSERT INTO orders VALUES (1, 'a', 1)",
            "INSERT INTO items VALUES (1, 1, 1, 1, NULL)",
        ):
            connection.execute(text)
        with pytest.raises(st.CaptureError, match="stepping_items_insert is missing"):
            st.StoreSQLite.from_graph(connection, graph)
        store.repair()
        connection.execute("INSERT INTO items VALUES (2, 1, 4, 1, NULL)")
        right(connection)
        store = st.StoreSQLite.from_graph(connection, graph)
        assert dict(cache.zset(store).iter()) == {st.Pair(5, "a"): 1}


def test_an_order_cannot_be_immediate_where_rows_cascade(sqlite_path: Path) -> None:
    from tests.capture.shop import dearest

    graph, _ = captured(dearest, "immediate")
    with st.connection_sqlite(sqlite_path) as connection:
        for text in (*SHOPS["a cascade"], *INDEXES):
            connection.execute(text)
        select = "SELECT qty FROM items i JOIN orders o ON o.id = i.order_id ORDER BY 1 LIMIT 1"
        metadata = sa.MetaData()
        columns = {"items": ("order_id", "qty"), "orders": ("id",)}
        items, orders = (
            sa.Table(name, metadata, *(sa.Column(each, sa.Integer) for each in names))
            for name, names in columns.items()
        )
        joined = sa.select(items.c.qty).join(orders, orders.c.id == items.c.order_id)
        most = joined.order_by(items.c.qty).limit(1)
        view = st.MaintainedView(most, "of_view", metadata=metadata)
        create = f"CREATE MATERIALIZED VIEW of_file AS {select}"
        (of_file,) = queries_of([Text(create, "views.sql")], "sqlite")
        for query, hint in (
            (graph, "st.compile(..., refresh='deferred')"),
            (st.sql(select, name="of_text"), "st.sql(..., refresh='deferred')"),
            (view.graph, "st.MaintainedView(..., refresh='deferred')"),
            (of_file, "-- stepping: refresh=deferred above the view"),
        ):
            with pytest.raises(st.CaptureError, match=r"cascades from orders; .*defer") as error:
                st.StoreSQLite.from_graph(connection, query)
            assert error.value.hint == f"{hint}; nothing was installed"
        deferred, cache = captured(dearest, "deferred")
        store = st.StoreSQLite.from_graph(connection, deferred)
        connection.execute("INSERT INTO orders VALUES (1, 'a', 1)")
        connection.execute("INSERT INTO items VALUES (1, 1, 1, 1)")
        assert dict(cache.zset(store).iter()) == {("a", 1): 1}


def test_a_foreign_key_of_another_place_is_no_matter(place: Place) -> None:
    graph, _ = captured(revenue, "immediate")
    with place.connect() as connection:
        connection.execute("CREATE TABLE shops (id INTEGER PRIMARY KEY)")
        connection.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, country VARCHAR(20) NOT NULL, "
            "code INTEGER, shop INTEGER REFERENCES shops (id) ON DELETE CASCADE)"
        )
        connection.execute(f"CREATE TABLE items (id INTEGER PRIMARY KEY, {ITEMS})")
        connection.execute(INDEXES[0])
        store = place.store(connection, graph)
        connection.execute("INSERT INTO shops VALUES (1)")
        connection.execute("INSERT INTO orders VALUES (1, 'a', 1, 1)")
        connection.execute("INSERT INTO items VALUES (1, 1, 2, 3)")
        assert st.verify(store).ok


def test_a_column_has_its_own_collation() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE TABLE t (n int, tn text COLLATE nocase, d decimal(10,2) COLLATE rtrim, "
        "b text COLLATE binary, note text /* COLLATE nocase */)"
    )
    table = described(lambda sql, *a: connection.execute(sql, *a).fetchall(), TableRef("t", ""))
    assert table is not None
    assert [each.collation for each in table.columns] == ["", "NOCASE", "RTRIM", "", ""]
