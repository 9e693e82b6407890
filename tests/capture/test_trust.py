"""Results over dumps and restores, copies of files, replication, and whatever is killed."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import stepping as st
from stepping.runtime.drift import drift
from tests.capture.shop import (
    DDL,
    Writer,
    captured,
    countries,
    filtered,
    revenue,
    same_country,
    shop,
    stats,
)
from tests.capture.test_concurrent import LOST, bag
from tests.support import postgres_server
from tests.support.place import Place, postgres_place, sqlite_place
from tests.support.postgres_database import database
from tests.support.postgres_server import OwnServer, Server

REVENUE = (
    "SELECT CAST(sum(i.qty * i.unit_price) AS bigint), o.country FROM orders o JOIN items i "
    "ON i.order_id = o.id GROUP BY 2"
)
COUNTRIES = (
    "SELECT DISTINCT country FROM orders o "
    "WHERE EXISTS (SELECT 1 FROM items i WHERE i.order_id = o.id)"
)
BOTH = ((revenue, "immediate"), (countries, "deferred"))


def installed(place: Place, connection: Any, *, create: bool = True) -> list[Any]:
    return [
        place.store(connection, captured(query, refresh)[0], create_tables=create)
        for query, refresh in BOTH
    ]


def is_right(connection: Any, stores: list[Any]) -> None:
    """Both results are what their SELECTs say, the deferred one by its live relation as well."""
    assert bag(connection, "SELECT * FROM revenue_rows") == bag(connection, REVENUE)
    assert bag(connection, "SELECT * FROM countries_rows_live") == bag(connection, COUNTRIES)
    for store in stores:
        store.refresh()
        assert st.verify(store).ok
    assert bag(connection, "SELECT * FROM countries_rows") == bag(connection, COUNTRIES)


def programs_of(major: int) -> Path:
    """The folder with pg_dump of a version."""
    found = [s.programs for s in postgres_server.servers() if s.programs and s.major == major]
    if not found or not (found[0] / "pg_dump").exists():
        pytest.skip("needs pg_dump")
    return found[0]


def ran(*command: Any, text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def busy(connection: Any, seed: int = 1, statements: int = 30) -> None:
    writer = Writer(connection, random.Random(seed), "%s")
    for _ in range(statements):
        writer.one()


@pytest.fixture
def dumped(each_postgres_url: str, each_postgres_db: str) -> Iterator[tuple[Place, Place, Path]]:
    """A database with two queries, of which one has rows that wait; an empty one; pg_dump."""
    with (
        database(each_postgres_url) as empty,
        shop(postgres_place(each_postgres_db)) as (connection, _),
    ):
        programs = programs_of(connection.info.server_version // 10000)
        busy(connection)
        place = postgres_place(each_postgres_db)
        installed(place, connection)
        busy(connection, 2)
        yield place, postgres_place(empty), programs


@pytest.mark.parametrize("kind", ["plain", "custom"])
def test_a_whole_dump_is_right_at_once(dumped: tuple[Place, Place, Path], kind: str) -> None:
    place, other, programs = dumped
    if kind == "plain":
        text = ran(programs / "pg_dump", "-d", place.where)
        ran(programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", other.where, text=text)
    else:
        file = f"/tmp/{os.getpid()}.dump"
        ran(programs / "pg_dump", "-Fc", "-f", file, "-d", place.where)
        ran(programs / "pg_restore", "-j", "2", "-d", other.where, file)
        Path(file).unlink()
    with other.connect() as connection:
        stores = installed(other, connection, create=False)
        is_right(connection, stores)
        busy(connection, 3)
        is_right(connection, stores)


def test_data_alone_is_restored_with_triggers_disabled(dumped: tuple[Place, Place, Path]) -> None:
    place, other, programs = dumped
    psql = (programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", other.where)
    ran(*psql, text=ran(programs / "pg_dump", "--schema-only", "-d", place.where))
    data = ran(programs / "pg_dump", "--data-only", "--disable-triggers", "-d", place.where)
    ran(*psql, text=data)
    with other.connect() as connection:
        stores = installed(other, connection, create=False)
        is_right(connection, stores)
        busy(connection, 3)
        is_right(connection, stores)
        found = drift(stores[0].driver, stores[0].plan.manifest)
        assert len(found) == 2
        for each in found:
            connection.execute("ALTER" + each.partition("ALTER")[2])
        assert not drift(stores[0].driver, stores[0].plan.manifest)


def test_rows_of_the_application_alone_are_followed(dumped: tuple[Place, Place, Path]) -> None:
    """Into a database in which the queries are installed: its tables are written to."""
    place, other, programs = dumped
    with other.connect() as connection:
        for text in DDL:
            connection.execute(text)
        stores = installed(other, connection)
        data = ran(
            *(programs / "pg_dump", "--data-only", "-t", "orders", "-t", "items"),
            *("-d", place.where),
        )
        ran(programs / "psql", "-X", "-q", "-d", other.where, text=data)
        is_right(connection, stores)


def test_a_deferred_query_folds_on_in_a_younger_cluster(each_own_server: OwnServer) -> None:
    """The snapshot of its last fold is of transactions that are yet to come there."""
    url = each_own_server.url
    with psycopg.connect(url, autocommit=True) as connection:
        for text in DDL:
            connection.execute(text)
        store: Any = st.StorePostgres.from_graph(connection, captured(countries, "deferred")[0])
        busy(connection)
        store.refresh()
        busy(connection, 2, 5)
        # What a dump of a cluster that is a million transactions older would have brought.
        connection.execute(
            "UPDATE stepping_folds SET seen = '1000000:1000000:', xid = '999999'::xid8"
        )
        for log in ("stepping_log_orders", "stepping_log_items"):
            connection.execute(f"UPDATE {log} SET stepping_xid = '1000001'::xid8")  # noqa: S608
        for seed in range(3, 6):
            busy(connection, seed, 8)
            live = "SELECT * FROM countries_rows_live"
            assert bag(connection, live) == bag(connection, COUNTRIES)
            store.refresh()
            assert bag(connection, "SELECT * FROM countries_rows") == bag(connection, COUNTRIES)
        assert connection.execute("SELECT count(*) FROM stepping_log_items").fetchone() == (0,)
        assert st.verify(store).ok


@pytest.mark.parametrize("way", ["dump", "vacuum into", "copy", "backup"])
def test_a_copy_of_a_file_is_right(tmp_path: Path, way: str) -> None:
    place, other = sqlite_place(tmp_path / "shop.db"), sqlite_place(tmp_path / "copy.db")
    with shop(place) as (connection, writer):
        for _ in range(20):
            writer.one()
        installed(place, connection)
        for _ in range(20):
            writer.one()
        if way == "dump":
            with contextlib.closing(sqlite3.connect(other.where, isolation_level=None)) as copy:
                copy.executescript("\n".join(connection.iterdump()))
        elif way == "vacuum into":
            connection.execute("VACUUM INTO ?", (other.where,))
        elif way == "backup":
            with contextlib.closing(sqlite3.connect(other.where)) as copy:
                connection.backup(copy)
    if way == "copy":  # nobody has it open: else the file with -wal as well
        shutil.copy(place.where, other.where)
    with other.connect() as connection:
        stores = installed(other, connection, create=False)
        is_right(connection, stores)
        writer = Writer(connection, random.Random(9), "?")
        for _ in range(20):
            writer.one()
        is_right(connection, stores)


# -- replication, and what is killed --------------------------------------------------------------


@pytest.fixture(params=["18", "15"])
def each_own_server(request: pytest.FixtureRequest) -> Iterator[OwnServer]:
    with contextlib.ExitStack() as stack:
        yield OwnServer(program_server(request.param), stack)


def program_server(major: str) -> Server:
    found = [s for s in postgres_server.servers() if str(s.major) == major and s.programs]
    if not found:
        pytest.skip(f"no programs of Postgres {major}")
    return found[0]


def test_a_subscriber_follows_what_it_is_sent() -> None:
    """The tables of the application are published; the queries are installed on either side."""
    with contextlib.ExitStack() as stack:
        ends = []
        for _ in range(2):
            server = OwnServer(program_server("18"), stack)
            server.crash()
            server.settings |= {"wal_level": "logical", "max_wal_senders": "10"}
            server.start()
            ends.append(stack.enter_context(psycopg.connect(server.url, autocommit=True)))
        publisher, subscriber = ends
        for end in ends:
            for text in DDL:
                end.execute(text)
        busy(publisher)
        for end in ends:
            installed(postgres_place(""), end)
        publisher.execute("CREATE PUBLICATION shop FOR TABLE orders, items")
        info = (
            f"host={publisher.info.host} port={publisher.info.port} user=postgres dbname=postgres"
        )
        subscriber.execute(f"CREATE SUBSCRIPTION shop CONNECTION '{info}' PUBLICATION shop")
        stores = installed(postgres_place(""), subscriber)
        for seed in range(3):
            busy(publisher, 10 + seed, 15)
            reached(publisher, subscriber)
            is_right(subscriber, stores)
        assert bag(subscriber, REVENUE) == bag(publisher, REVENUE)
        for log in ("stepping_log_orders", "stepping_log_items"):
            assert subscriber.execute(f"SELECT count(*) FROM {log}").fetchone() == (0,)  # noqa: S608
        subscriber.execute("DROP SUBSCRIPTION shop")


def reached(publisher: Any, subscriber: Any) -> None:
    """Wait until a subscriber has applied all that was written."""
    (lsn,) = publisher.execute("SELECT pg_current_wal_lsn()::text").fetchone()
    for _ in range(1000):
        (done,) = subscriber.execute(
            "SELECT coalesce(bool_and(srsubstate = 'r'), false) FROM pg_subscription_rel"
        ).fetchone()
        (sent,) = publisher.execute(
            "SELECT coalesce(bool_and(replay_lsn >= %s::pg_lsn), false) FROM pg_stat_replication",
            (lsn,),
        ).fetchone()
        if done and sent:
            return
        time.sleep(0.02)
    raise AssertionError("the subscriber does not follow")


def test_whatever_is_killed_the_results_are_right(each_own_server: OwnServer) -> None:
    """A backend by kill -9, which takes all others with it, and then the server."""
    server = each_own_server
    place = postgres_place(server.url)
    with psycopg.connect(server.url, autocommit=True) as connection:
        for text in DDL:
            connection.execute(text)
        busy(connection)
        installed(place, connection)
        place.store(connection, captured(stats, "immediate")[0])
        place.store(connection, captured(filtered, "deferred")[0])
    for blow in range(3):
        told: list[int] = []
        threads = [
            threading.Thread(target=write_until_lost, args=(server.url, 10 * blow + i, told))
            for i in range(3)
        ]
        refresher = threading.Thread(target=refresh_until_lost, args=(server.url,))
        for thread in (*threads, refresher):
            thread.start()
        time.sleep(0.3 + 0.2 * random.Random(blow).random())
        if blow == 2:
            server.crash()
            server.start()
        else:
            os.kill(told[-1], signal.SIGKILL)
        for thread in (*threads, refresher):
            thread.join()
        with again(server.url) as connection:
            stores = installed(place, connection, create=False)
            stores.append(place.store(connection, captured(stats, "immediate")[0]))
            stores.append(place.store(connection, captured(filtered, "deferred")[0]))
            is_right(connection, stores)
            for left in ("stepping_pending", "stepping_log_orders", "stepping_log_items"):
                assert connection.execute(f"SELECT count(*) FROM {left}").fetchone() == (0,)  # noqa: S608


def test_a_crash_takes_no_number_back_that_rows_have(each_own_server: OwnServer) -> None:
    """As it does of a sequence which is called in the transaction that creates it, with
    wal_level = minimal: what was folded in would be folded in again.
    """
    server = each_own_server
    assert server.settings["wal_level"] == "minimal"
    place = postgres_place(server.url)
    with psycopg.connect(server.url, autocommit=True) as connection:
        for text in DDL:
            connection.execute(text)
        place.store(connection, captured(filtered, "deferred")[0])
        store = place.store(connection, captured(countries, "deferred")[0])
        busy(connection, 1, 5)
        store.refresh()
    server.crash()
    server.start()
    with again(server.url) as connection:
        store = place.store(connection, captured(countries, "deferred")[0])
        busy(connection, 2, 3)
        for _ in range(2):
            store.refresh()
            assert bag(connection, "SELECT * FROM countries_rows") == bag(connection, COUNTRIES)


@contextlib.contextmanager
def again(url: str) -> Iterator[Any]:
    """A connection, once the server has recovered."""
    for _ in range(200):
        with contextlib.suppress(psycopg.OperationalError):
            connection = psycopg.connect(url, autocommit=True)
            break
        time.sleep(0.05)
    with connection:
        yield connection


def write_until_lost(url: str, seed: int, told: list[int]) -> None:
    with (
        contextlib.suppress(psycopg.OperationalError, psycopg.InterfaceError),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        writer = Writer(connection, random.Random(seed), "%s")
        while True:
            told.append(connection.info.backend_pid)
            with contextlib.suppress(*LOST), connection.transaction():
                for _ in range(writer.random.randrange(1, 4)):
                    writer.one(quiet=True)


def refresh_until_lost(url: str) -> None:
    with (
        contextlib.suppress(psycopg.OperationalError, psycopg.InterfaceError),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        while True:
            with contextlib.suppress(*LOST):
                connection.execute("SELECT stepping_refresh('countries')")
            time.sleep(0.03)


def test_transactions_that_touch_tables_in_opposite_order_do_not_deadlock(
    postgres_place_only: Place,
) -> None:
    """Three queries over one table, over the other, and over both."""
    place = postgres_place_only
    with shop(place) as (connection, _):
        stores = [
            place.store(connection, captured(query, "immediate")[0])
            for query in (revenue, same_country, stats)
        ]
        stores.append(
            place.store(
                connection,
                st.sql("SELECT qty, count(*) AS n FROM items GROUP BY qty", name="a_quantity"),
            )
        )
        lost: list[BaseException] = []
        until = time.monotonic() + 1.5
        statements = (
            "INSERT INTO orders VALUES (%s, 'x', NULL, '')",
            "INSERT INTO items VALUES (%s, 1, 1, 1)",
        )

        def write(order: int) -> None:
            with psycopg.connect(place.where, autocommit=True) as writing:
                number = order
                while time.monotonic() < until:
                    number += 4
                    try:
                        with writing.transaction():
                            for text in statements[:: 1 if order % 2 else -1]:
                                writing.execute(text, (number,))
                    except psycopg.Error as error:
                        lost.append(error)

        threads = [threading.Thread(target=write, args=(order,)) for order in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not lost
        for store in stores:
            assert st.verify(store).ok
