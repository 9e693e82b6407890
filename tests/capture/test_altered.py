"""Postgres drops no column that is read, and changes the type of none, unasked."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

import stepping as st
from stepping.runtime.stores import driver_for
from stepping.runtime.uninstall import uninstall
from tests.capture.shop import captured, revenue, shop
from tests.capture.test_commands import run
from tests.support.place import Place

COLUMNS = {"items": ("id", "order_id", "qty", "unit_price"), "orders": ("country", "code", "note")}
VIEWS = {
    "totals": ("SELECT order_id, sum(qty) AS q FROM items GROUP BY order_id", {"order_id", "qty"}),
    "prices": ("SELECT unit_price, count(*) AS n FROM items GROUP BY 1", {"unit_price"}),
    "quantities": ("SELECT qty, count(*) AS n FROM items GROUP BY qty", {"qty"}),
    "codes": ("SELECT code, count(*) AS n FROM orders GROUP BY code", {"code"}),
    "all_items": ("SELECT count(*) AS n FROM items", set()),
}


def tried(connection: Any, statement: str) -> type[Exception] | None:
    """What a statement says; it is taken back."""
    try:
        with connection.transaction():
            connection.execute(statement)
            raise psycopg.Rollback
    except psycopg.Error as error:
        return type(error)
    return None


def refused(connection: Any) -> set[str]:
    """The columns that cannot be dropped. Their types cannot be changed either, and no others'."""
    found = set()
    for table, columns in COLUMNS.items():
        for column in columns:
            alter = f"ALTER TABLE {table} "
            dropped = tried(connection, f"{alter} DROP COLUMN {column}")
            changed = tried(connection, f"{alter} ALTER COLUMN {column} TYPE text")
            assert (dropped, changed) in (
                (None, None),
                (errors.DependentObjectsStillExist, errors.FeatureNotSupported),
            )
            found |= {column} if dropped else set()
    return found


@pytest.mark.parametrize("seed", range(3))
def test_what_is_read_cannot_be_dropped_and_all_else_can(
    postgres_place_only: Place, seed: int
) -> None:
    rng, there = random.Random(seed), set[str]()
    place = postgres_place_only
    with shop(place) as (connection, writer):
        for _ in range(8):
            name = rng.choice(list(VIEWS))
            if name in there:
                uninstall(driver_for(connection), name)
            else:
                refresh = rng.choice(["immediate", "deferred"])
                place.store(connection, st.sql(VIEWS[name][0], name=name, refresh=refresh))
            there ^= {name}
            assert refused(connection) == set().union(*(VIEWS[each][1] for each in there))
            writer.one()
            if there:
                for status in json.loads(run("status", "--json", "--db", place.where)[1]):
                    assert status["incomplete"] == []
        for name in there:
            uninstall(driver_for(connection), name)
        assert refused(connection) == set()
        left = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'stepping%'"
        assert place.read(left) == [(0,)]


def test_a_migration_releases_what_is_read_no_more(
    postgres_place_only: Place, tmp_path: Path
) -> None:
    place, file = postgres_place_only, tmp_path / "views.sql"
    with shop(place) as (connection, writer):
        for read, free in (("qty", "unit_price"), ("unit_price", "qty"), ("id", "qty")):
            select = f"SELECT max({read}) AS m FROM items"  # noqa: S608
            file.write_text(f"CREATE MATERIALIZED VIEW m AS {select};")
            code, said = run("apply", str(file), "--db", place.where)
            assert code == 0, said
            assert refused(connection) == {read}
            writer.one()
            assert run("verify", "m", "--db", place.where)[0] == 0
            assert tried(connection, f"ALTER TABLE items DROP COLUMN {free}") is None


def test_a_column_of_a_partitioned_table(postgres_place_only: Place) -> None:
    with postgres_place_only.connect() as connection:
        connection.execute("CREATE TABLE sales (day int, cents int) PARTITION BY RANGE (day)")
        connection.execute("CREATE TABLE s1 PARTITION OF sales FOR VALUES FROM (0) TO (9)")
        connection.execute("ALTER TABLE s1 REPLICA IDENTITY FULL")  # it is published
        query = st.sql("SELECT sum(cents) AS s FROM sales", name="sold")
        postgres_place_only.store(connection, query)
        connection.execute("INSERT INTO sales VALUES (1, 5)")
        connection.execute("UPDATE s1 SET cents = 6")
        assert postgres_place_only.read("SELECT s FROM sold") == [(6,)]
        found = tried(connection, "ALTER TABLE sales DROP COLUMN cents")
        assert found is errors.DependentObjectsStillExist


def test_a_column_that_is_dropped_nevertheless(place: Place, tmp_path: Path) -> None:
    if place.name == "sqlite":
        pytest.skip("SQLite drops no column that a trigger names")
    graph, _ = captured(revenue, "immediate")
    (tmp_path / "views.sql").write_text(f"CREATE MATERIALIZED VIEW totals AS {VIEWS['totals'][0]};")
    with shop(place) as (connection, writer):
        for _ in range(20):
            writer.one()
        writer.do("INSERT INTO items VALUES (900, 1, 3, 5)")
        store = place.store(connection, graph)
        assert run("apply", str(tmp_path / "views.sql"), "--db", place.where)[0] == 0
        connection.execute("ALTER TABLE items DROP COLUMN qty CASCADE")
        assert any("stepping_reads is missing" in each for each in store.status().incomplete)
        connection.execute("ALTER TABLE items ADD COLUMN qty integer NOT NULL DEFAULT 1")
        found = "revenue: items: the trigger stepping_reads is missing"
        code, said = run("repair", "revenue", "--dry-run", "--db", place.where)
        assert (code, said[: len(found)]) == (1, found)
        assert "stepping_reads is missing" in run("status", "--db", place.where)[1]
        assert run("verify", "--db", place.where)[0] == 1
        code, said = run("repair", "revenue", "--db", place.where)
        assert code == 0, said
        assert "totals: follows the same tables" in said
        assert store.status().incomplete == ()
        assert run("verify", "--db", place.where)[0] == 0


def retyped(connection: Any, kind: str) -> None:
    """In the order that docs/your-tables.md says."""
    with connection.transaction():
        connection.execute("DROP TRIGGER stepping_reads ON items")
        connection.execute(f"ALTER TABLE items ALTER COLUMN qty TYPE {kind}")


def test_the_type_of_a_column_that_is_read(postgres_place_only: Place, tmp_path: Path) -> None:
    place, file = postgres_place_only, tmp_path / "views.sql"
    names = [each for each in VIEWS if each != "quantities"]
    file.write_text("\n".join(f"CREATE MATERIALIZED VIEW {n} AS {VIEWS[n][0]};" for n in names))
    with shop(place) as (connection, writer):
        writer.do("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        writer.do("INSERT INTO items VALUES (1, 1, 2, 5)")
        code, said = run("apply", str(file), "--db", place.where)
        assert code == 0, said
        retyped(connection, "numeric(20, 4)")
        code, said = run("check", str(file), "--db", place.where)
        assert code == 1
        assert "items.qty is numeric(20,4) now, and was integer" in said
        code, said = run("apply", str(file), "--db", place.where)
        assert code == 0, said
        writer.do("INSERT INTO items VALUES (3, 1, 10000000000.1234, 5)")
        assert place.read("SELECT q::text FROM totals") == [("10000000002.1234",)]
        assert run("check", str(file), "--db", place.where)[0] == 0
        assert run("verify", "--db", place.where)[0] == 0
        assert refused(connection) == {"order_id", "qty", "unit_price", "code"}


def test_the_type_of_a_column_that_several_read(postgres_place_only: Place, tmp_path: Path) -> None:
    """A log that has it in the type before takes no values of the one since."""
    place = postgres_place_only
    for name in ("totals", "quantities"):
        text = f"CREATE MATERIALIZED VIEW {name} AS {VIEWS[name][0]};"
        (tmp_path / f"{name}.sql").write_text(text)
    files = [str(tmp_path / "totals.sql"), str(tmp_path / "quantities.sql")]
    with shop(place) as (connection, writer):
        assert run("apply", *files, "--db", place.where)[0] == 0
        retyped(connection, "numeric(20, 4)")
        code, said = run("apply", *files, "--db", place.where)
        assert code == 1
        assert "items.qty is numeric(20,4) now, and integer in its log" in said
        assert "`stepping uninstall quantities --db URL`" in said
        code, said = run("uninstall", "quantities", "--yes", "--db", place.where)
        assert code == 0, said
        code, said = run("apply", *files, "--db", place.where)
        assert code == 0, said
        writer.do("INSERT INTO items VALUES (3, 1, 1.1234, 5)")
        assert place.read("SELECT q::text FROM totals") == [("1.1234",)]
        assert place.read("SELECT qty::text FROM quantities") == [("1.1234",)]
        assert run("verify", "--db", place.where)[0] == 0
