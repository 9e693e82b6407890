"""The script of a view is for somebody who reads it: short, and nothing in it twice."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

import stepping as st
from stepping.cli import main
from tests.support.place import Place, sqlite_place

TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, country TEXT NOT NULL){kind};
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, cents {int}){kind};
CREATE INDEX orders_customer ON orders (customer_id);
INSERT INTO customers VALUES (1, 'ch'), (2, 'de');
INSERT INTO orders VALUES (1, 1, 500), (2, 1, {second}), (3, 2, 700)
"""
REVENUE = """
SELECT c.country, sum(o.cents) AS cents, {more}count(*) AS n
FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.country
"""
MOST = {"sqlite": 305, "postgres": 475}  # lines, all that a database has once with them


def filled(place: Place, *, nullable: bool, strict: bool = True) -> None:
    kind = " STRICT" if strict and place.name == "sqlite" else ""
    integer, second = ("INTEGER", "NULL") if nullable else ("INTEGER NOT NULL", "250")
    with place.plain() as connection:
        for statement in TABLES.format(kind=kind, int=integer, second=second).split(";"):
            connection.execute(statement)


@pytest.mark.parametrize("columns", ["country", "country, name"])
def test_rows_of_a_select_distinct_are_kept_once(place: Place, columns: str) -> None:
    with place.connect() as connection:
        connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, country TEXT, name TEXT)")
        connection.execute("INSERT INTO people VALUES (1, 'ch', 'A'), (2, 'ch', NULL)")
        select = f"SELECT DISTINCT {columns} FROM people"
        store = place.store(connection, st.sql(select, name="different"))
        assert len(store.plan.kept) == 1
        connection.execute("INSERT INTO people VALUES (3, 'de', 'A'), (4, 'ch', 'A')")
        connection.execute("DELETE FROM people WHERE id = 1")
        shown = sorted(map(repr, place.read("SELECT * FROM different")))
        assert shown == sorted(map(repr, place.read(select)))
        assert st.verify(store).ok


def test_a_script_is_short(place: Place, tmp_path: Path) -> None:
    filled(place, nullable=False)
    file = tmp_path / "views.sql"
    file.write_text(f"CREATE MATERIALIZED VIEW revenue AS {REVENUE.format(more='')};")
    shown = CliRunner().invoke(main, ["ddl", str(file), "--db", place.where])
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert len(lines) <= MOST[place.name]
    made = Counter(line.partition("(")[0] for line in lines if line.startswith("CREATE "))
    triggers = {line for line in made if "TRIGGER" in line}  # of each table, under one name
    assert {line for line, times in made.items() if times > 1} <= triggers
    assert "stepping_queue" not in shown.output  # no table that only fed queries need
    # What changes in the groups is said in one place, and merged without being written down.
    assert made["CREATE VIEW revenue__changed_groups AS"] == (place.name == "sqlite")
    assert shown.output.count("MERGE INTO") == (0 if place.name == "sqlite" else 3)
    assert "stepping_change" not in shown.output


def test_parts_of_statements_are_not_called_as_tables_are(place: Place) -> None:
    """Tables of the application keep their names in what is generated."""
    with place.plain() as connection:
        for statement in (
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, cents INTEGER)",
            "CREATE TABLE orders_change (kind TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL)",
            "CREATE TABLE changed_groups (name TEXT NOT NULL PRIMARY KEY)",
            "CREATE INDEX orders_kind ON orders (kind)",
            "CREATE INDEX orders_change_name ON orders_change (name)",
            "INSERT INTO orders VALUES (1, 'a', 5), (2, 'b', 7)",
            "INSERT INTO orders_change VALUES ('a', 'first'), ('b', 'second')",
            "INSERT INTO changed_groups VALUES ('first'), ('second')",
        ):
            connection.execute(statement)
    select = """
        SELECT c.name, sum(o.cents) AS cents, count(*) AS n
        FROM orders o JOIN orders_change c ON c.kind = o.kind
        JOIN changed_groups g ON g.name = c.name GROUP BY c.name
    """
    with place.opened(st.sql(select, name="spent")):
        for write in (
            "INSERT INTO orders VALUES (3, 'a', 11), (4, 'c', 13)",
            "INSERT INTO orders_change VALUES ('c', 'third')",
            "INSERT INTO changed_groups VALUES ('third')",
            "UPDATE orders_change SET name = 'second' WHERE kind = 'a'",
            "DELETE FROM orders WHERE kind = 'b'",
            "DELETE FROM changed_groups WHERE name = 'second'",
        ):
            with place.plain() as connection:
                connection.execute(write)
            assert sorted(place.read("SELECT * FROM spent")) == sorted(place.read(select)), write


def test_a_number_of_rows_is_kept_once(place: Place) -> None:
    """Also where groups are looked up and put in order by it."""
    filled(place, nullable=False)
    select = """
        SELECT kind, n FROM (
            SELECT country AS kind, count(*) AS n, count(*) + 1 AS next FROM customers GROUP BY 1
        ) AS counted WHERE n > 1 ORDER BY n DESC, kind LIMIT 2
    """
    with place.opened(st.sql(select, name="largest")) as store:
        (groups,) = [each.table for each in store.plan.tables if each.table.kind.value == "state"]
        assert [each.name for each in groups.columns] == ["country"]
        for write in (
            "INSERT INTO customers VALUES (3, 'ch'), (4, 'de'), (5, 'de'), (6, 'at')",
            "INSERT INTO customers VALUES (7, 'at'), (8, 'at'), (9, 'at')",
            "UPDATE customers SET country = 'ch' WHERE country = 'at'",
            "DELETE FROM customers WHERE country = 'ch'",
        ):
            with place.plain() as connection:
                connection.execute(write)
            store.refresh()
            found = sorted(place.read("SELECT * FROM largest"))
            assert found == sorted(place.read(select)), write


def test_sums_of_a_strict_table_are_of_integers(tmp_path: Path) -> None:
    place = sqlite_place(tmp_path / "shop.db")
    filled(place, nullable=True)
    more = "sum(2 * o.cents + 1) AS twice, total(o.cents) AS whole, avg(o.cents) AS mean, "
    select = REVENUE.format(more=more)
    graph = st.sql(select, name="revenue")
    with place.opened(graph):
        for write in (
            "INSERT INTO orders VALUES (4, 2, 4503599627370497)",
            "UPDATE orders SET cents = -cents WHERE id IN (1, 4)",
            "DELETE FROM orders WHERE id = 3",
            "UPDATE customers SET country = 'at' WHERE id = 1",
        ):
            with place.plain() as connection:
                connection.execute(write)
            assert sorted(place.read("SELECT * FROM revenue")) == sorted(place.read(select))
        ((text,),) = place.read(
            "SELECT group_concat(sql) FROM sqlite_master WHERE name LIKE 'revenue%'"
        )
        assert "json_each" not in text  # no sum of floats
        with place.plain() as connection:
            for key in (5, 6):
                connection.execute(f"INSERT INTO orders VALUES ({key}, 1, {2**63 - 1})")
            with pytest.raises(sqlite3.Error, match=r"for the group at|integer overflow"):
                connection.execute("SELECT * FROM revenue").fetchall()


@pytest.mark.parametrize("strict", [True, False])
def test_a_change_may_be_beyond_64_bits_where_the_sum_is_not(tmp_path: Path, strict: bool) -> None:
    place = sqlite_place(tmp_path / "shop.db")
    filled(place, nullable=True, strict=strict)
    least, most = -(2**63), 2**63 - 1
    with place.opened(st.sql(REVENUE.format(more=""), name="revenue")):
        for write in (
            f"INSERT INTO orders VALUES (4, 3, {least}), (5, 4, {most})",
            "INSERT INTO customers VALUES (3, 'at'), (4, 'fr')",
            f"UPDATE orders SET cents = {least} WHERE id = 5",
            "UPDATE orders SET cents = -5 WHERE id = 4",
            f"UPDATE orders SET cents = {most} WHERE id = 5",
            "DELETE FROM orders WHERE id > 3",
        ):
            with place.plain() as connection:
                connection.execute(write)
                found = sorted(connection.execute("SELECT * FROM revenue").fetchall())
                connection.execute("INSERT INTO revenue_refresh VALUES (1)")
            assert repr(found) == repr(sorted(place.read(REVENUE.format(more="")))), write
            assert sorted(place.read("SELECT * FROM revenue")) == found, write


def test_what_is_no_integer_is_added_up_as_the_select_does(tmp_path: Path) -> None:
    place = sqlite_place(tmp_path / "shop.db")
    filled(place, nullable=True, strict=False)
    more = "sum(2 * o.cents + 1) AS twice, total(o.cents) AS whole, avg(o.cents) AS mean, "
    select = REVENUE.format(more=more)
    with place.opened(st.sql(select, name="revenue")):
        for write in (
            "INSERT INTO orders VALUES (4, 2, 1.5), (5, 2, 'many'), (6, 1, x'3132'), (7, 1, '12')",
            "INSERT INTO orders VALUES (8, 1, 9e999), (9, 1, 1099511627776), (10, 2, 1e300)",
            "UPDATE orders SET cents = -cents WHERE id IN (4, 8)",
            "INSERT INTO orders VALUES (11, 1, 9e999)",
            "DELETE FROM orders WHERE id IN (8, 10, 11)",
            "UPDATE customers SET country = 'at' WHERE id = 1",
            "UPDATE orders SET cents = 3 WHERE typeof(cents) <> 'integer'",
            "DELETE FROM orders WHERE customer_id = 2",
        ):
            with place.plain() as connection:
                connection.execute(write)
            found = sorted(place.read("SELECT * FROM revenue"))
            assert repr(found) == repr(sorted(place.read(select))), write
            with place.plain() as connection:  # what is stored, and not what waits
                connection.execute("INSERT INTO revenue_refresh VALUES (1)")
            assert repr(sorted(place.read("SELECT * FROM revenue"))) == repr(found), write
