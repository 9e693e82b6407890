"""Odd writers on Postgres: cascades, rules, partitions, roles, replication settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

import stepping as st
from tests.capture.shop import captured, revenue, shop, stats
from tests.support.place import Place

SUMS = (
    "SELECT sum(i.qty * i.unit_price)::bigint, o.country FROM orders o JOIN items i "
    "ON i.order_id = o.id GROUP BY 2"
)


class Followed:
    """A shop whose revenue is followed, and whether it is right."""

    def __init__(self, place: Place, connection: Any, *, before: str = "") -> None:
        self.place, self.connection = place, connection
        self.run(before)
        self.run("INSERT INTO orders SELECT i, 'c' || i % 3, i FROM generate_series(1, 9) i")
        self.run("INSERT INTO items SELECT i, i % 10, i % 4, i FROM generate_series(1, 40) i")
        graph, self.cache = captured(revenue, "immediate")
        self.store = place.store(connection, graph)

    def run(self, *texts: str) -> None:
        for text in texts:
            if text:
                self.connection.execute(text)

    def check(self) -> None:
        self.store.refresh()
        rows = self.connection.execute("SELECT * FROM revenue_rows ORDER BY 2").fetchall()
        assert rows == self.connection.execute(f"{SUMS} ORDER BY 2").fetchall()
        ((left,),) = self.connection.execute("SELECT count(*) FROM stepping_pending").fetchall()
        assert left == 0


@pytest.fixture
def followed(postgres_place_only: Place) -> Iterator[Followed]:
    with shop(postgres_place_only) as (connection, _):
        yield Followed(postgres_place_only, connection)


CASES = {
    "merge": [
        "MERGE INTO items i USING (VALUES (1, 5), (100, 6)) v (id, qty) ON i.id = v.id "
        "WHEN MATCHED THEN UPDATE SET qty = v.qty "
        "WHEN NOT MATCHED THEN INSERT VALUES (v.id, 1, v.qty, 3)"
    ],
    "several tables in one statement": [
        "WITH gone AS (DELETE FROM orders WHERE id < 3 RETURNING id), "
        "moved AS (UPDATE items SET order_id = 4 WHERE order_id IN (1, 2) RETURNING 1) "
        "INSERT INTO items SELECT 200 + id, 5, 1, 1 FROM gone"
    ],
    "cascade": [
        "DELETE FROM items WHERE order_id NOT IN (SELECT id FROM orders)",
        "ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE "
        "ON UPDATE CASCADE",
        "DELETE FROM orders WHERE id < 4",
        "UPDATE orders SET id = id + 100 WHERE id < 6",
    ],
    "set null": [
        "DELETE FROM items WHERE order_id NOT IN (SELECT id FROM orders)",
        "ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES orders ON DELETE SET NULL",
        "DELETE FROM orders WHERE id < 4",
    ],
    "constraints immediate and a cascade": [
        "DELETE FROM items WHERE order_id NOT IN (SELECT id FROM orders)",
        "ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE",
        "BEGIN",
        "SET CONSTRAINTS ALL IMMEDIATE",
        "DELETE FROM orders WHERE id < 4",
        "WITH a AS (INSERT INTO orders VALUES (50, 'c9', 50, '') RETURNING id) "
        "UPDATE items SET qty = qty + 1",
        "COMMIT",
    ],
    "savepoints": [
        "BEGIN",
        "UPDATE items SET qty = qty + 1 WHERE id < 5",
        "SAVEPOINT a",
        "DELETE FROM items",
        "ROLLBACK TO a",
        "UPDATE orders SET country = 'x' WHERE id = 1",
        "SET CONSTRAINTS ALL IMMEDIATE",
        "SET CONSTRAINTS ALL DEFERRED",
        "SAVEPOINT b",
        "UPDATE orders SET country = 'y' WHERE id = 2",
        "ROLLBACK TO b",
        "INSERT INTO items VALUES (500, 1, 1, 1)",
        "COMMIT",
    ],
    "truncate and more in one transaction": [
        "BEGIN",
        "INSERT INTO items VALUES (500, 1, 1, 1)",
        "TRUNCATE items",
        "INSERT INTO items VALUES (501, 1, 2, 2)",
        "COMMIT",
        "BEGIN",
        "TRUNCATE orders, items",
        "ROLLBACK",
    ],
    "triggers of the application": [
        "CREATE FUNCTION app_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "NEW.qty := NEW.qty + 1; IF NEW.qty > 8 THEN RETURN NULL; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER app_row BEFORE INSERT OR UPDATE ON items FOR EACH ROW "
        "EXECUTE FUNCTION app_row()",
        "CREATE FUNCTION app_after() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE orders SET country = 'z' WHERE id = NEW.order_id; RETURN NULL; END $$",
        "CREATE TRIGGER app_after AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION app_after()",
        "INSERT INTO items SELECT 300 + i, i, i, 1 FROM generate_series(1, 9) i",
        "UPDATE items SET qty = qty WHERE id % 2 = 0",
    ],
    "deferred constraint triggers of the application": [
        "CREATE FUNCTION app_later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE orders SET country = 'late' WHERE id = NEW.order_id; RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER zz_later AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION app_later()",
        "INSERT INTO items VALUES (300, 1, 1, 1), (301, 2, 1, 1)",
    ],
    "exceptions in a function": [
        "DO $$ BEGIN UPDATE items SET qty = 1; BEGIN DELETE FROM items; RAISE 'no'; "
        "EXCEPTION WHEN OTHERS THEN NULL; END; UPDATE orders SET country = 'e' WHERE id = 3; END $$"
    ],
    "a procedure that commits": [
        "CREATE PROCEDURE app_loop() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..5 LOOP "
        "UPDATE items SET qty = qty + i WHERE id = i; COMMIT; END LOOP; END $$",
        "CALL app_loop()",
    ],
    "a table of the same name in front": [
        "CREATE TEMP TABLE stepping_pending (xid xid8, query text, changed int, since bigint)",
        "CREATE TEMP TABLE stepping_log_items (LIKE stepping_log_items)",
        "UPDATE items SET qty = qty + 1",
        "DROP TABLE pg_temp.stepping_pending, pg_temp.stepping_log_items",
    ],
    "another search path": [
        "CREATE SCHEMA other",
        "SET search_path = other",
        "UPDATE public.items SET qty = qty + 1",
        "SET search_path = public",
    ],
    "columns that are not read": [
        "ALTER TABLE orders ADD COLUMN extra text DEFAULT 'x'",
        "UPDATE orders SET extra = 'y', note = 'n'",
        "ALTER TABLE orders DROP COLUMN extra",
        "INSERT INTO items VALUES (500, 1, 1, 1)",
    ],
    "null keys": [
        "UPDATE items SET order_id = NULL WHERE id < 10",
        "DELETE FROM items WHERE id < 5",
    ],
    "writing through a view and a rule": [
        "CREATE VIEW few AS SELECT * FROM items WHERE qty < 3",
        "INSERT INTO few VALUES (500, 1, 1, 1)",
        "UPDATE few SET qty = 2",
        "CREATE RULE also AS ON DELETE TO orders DO ALSO DELETE FROM items WHERE order_id = OLD.id",
        "DELETE FROM orders WHERE id = 1",
    ],
    "isolation": [
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "UPDATE items SET qty = qty + 1",
        "COMMIT",
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "UPDATE orders SET country = 'r' WHERE id = 1",
        "COMMIT",
    ],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.replace(" ", "_"))
def test_the_result_is_right_after(followed: Followed, case: str) -> None:
    followed.run(*CASES[case])
    followed.check()


def test_copy(followed: Followed) -> None:
    with followed.connection.cursor().copy("COPY items FROM STDIN") as copy:
        for number in range(500, 600):
            copy.write_row((number, number % 10, 1, 2))
    followed.check()


def test_triggers_that_are_all_enabled_fire_once(followed: Followed) -> None:
    followed.run("ALTER TABLE items ENABLE TRIGGER ALL")
    followed.run("UPDATE items SET qty = qty + 1", "INSERT INTO items VALUES (500, 1, 1, 1)")
    followed.check()


def test_a_replica_is_followed_row_by_row(followed: Followed) -> None:
    followed.run("SET session_replication_role = replica")
    followed.run("UPDATE items SET qty = qty + 1", "DELETE FROM items WHERE id < 5")
    followed.run("INSERT INTO items VALUES (500, 1, 1, 1)", "RESET session_replication_role")
    followed.check()


def test_switched_off_triggers_are_told(followed: Followed) -> None:
    followed.run("ALTER TABLE items DISABLE TRIGGER USER")
    graph, _ = captured(revenue, "immediate")
    with pytest.raises(st.CaptureError, match="items: the trigger stepping_insert is switched off"):
        followed.place.store(followed.connection, graph)


def test_a_writer_needs_no_rights_but_on_the_tables(followed: Followed) -> None:
    role = "capture_writer"
    followed.run(f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role}")
    try:
        followed.run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON orders, items TO {role}")
        followed.run(f"GRANT SELECT ON revenue_rows TO {role}", f"SET ROLE {role}")
        followed.run("UPDATE items SET qty = qty + 1", "INSERT INTO items VALUES (500, 1, 1, 1)")
        for forbidden in ("SELECT * FROM stepping_log_items", "DELETE FROM stepping_pending"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                followed.run(forbidden)
        followed.run("RESET ROLE")
        followed.check()
    finally:
        followed.run("RESET ROLE", f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_rows_of_a_partitioned_table_are_seen_wherever_they_are_written(
    postgres_place_only: Place,
) -> None:
    with shop(postgres_place_only) as (connection, _):
        connection.execute("DROP TABLE items")
        connection.execute(
            "CREATE TABLE items (id int, order_id int, qty int NOT NULL, unit_price int NOT NULL) "
            "PARTITION BY RANGE (id)"
        )
        connection.execute("CREATE TABLE items_a PARTITION OF items FOR VALUES FROM (0) TO (100)")
        connection.execute("ALTER TABLE items_a REPLICA IDENTITY FULL")
        connection.execute("CREATE INDEX items_order ON items (order_id)")
        shopped = Followed(postgres_place_only, connection)
        shopped.run(
            "CREATE TABLE items_b PARTITION OF items FOR VALUES FROM (100) TO (1000)",
            "ALTER TABLE items_b REPLICA IDENTITY FULL",
        )
        shopped.run(
            "INSERT INTO items_b VALUES (150, 1, 1, 1)", "INSERT INTO items_a VALUES (99, 2, 3, 4)"
        )
        shopped.run(
            "UPDATE items SET id = id + 100 WHERE id < 20", "DELETE FROM items_b WHERE id < 110"
        )
        shopped.check()


def test_what_no_trigger_sees_is_refused(postgres_place_only: Place) -> None:
    graph, _ = captured(revenue, "immediate")
    with shop(postgres_place_only) as (connection, _):
        connection.execute("CREATE TABLE items_child () INHERITS (items)")
        with pytest.raises(st.CaptureError, match="inheritance children"):
            postgres_place_only.store(connection, graph)


def test_queries_that_meet_in_opposite_order_do_not_lock_each_other(
    postgres_place_only: Place,
) -> None:
    with shop(postgres_place_only) as (connection, writer):
        for _ in range(20):
            writer.one()
        for query in (revenue, stats):
            postgres_place_only.store(connection, captured(query, "immediate")[0])
        with (
            psycopg.connect(postgres_place_only.where) as one,
            psycopg.connect(postgres_place_only.where) as two,
        ):
            for connected, order in ((one, 1), (two, 2)):
                connected.execute(
                    "INSERT INTO orders VALUES (%s, 'q', NULL, '') ON CONFLICT (id) DO NOTHING",
                    (1000 + order,),
                )
                connected.execute("INSERT INTO items VALUES (%s, %s, 1, 1)", (1000 + order, order))
            one.commit()
            two.commit()
