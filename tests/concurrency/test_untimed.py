"""Many writers without any time: every total is right, and none of them fails."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import sqlite3
import threading
from pathlib import Path

import psycopg
import pytest

import stepping as st
from tests.concurrency.writers import run, work
from tests.support.place import Place
from tests.support.shop import ANN, BOB, graph, reading, totals

WORKERS, STEPS = 8, 12


def total_of(place: Place) -> int:
    with place.opened(graph, create_tables=False) as store:
        return sum(pair.left * count for pair, count in totals.zset(store).iter())


def opened(place: Place) -> None:
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN, BOB)


def test_eight_processes(place: Place) -> None:
    opened(place)
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(4, mp_context=fresh) as pool:
        made = list(
            pool.map(
                work,
                [place.name] * WORKERS,
                [place.where] * WORKERS,
                range(WORKERS),
                [STEPS] * WORKERS,
            )
        )
    assert total_of(place) == sum(made)


def test_eight_threads(place: Place) -> None:
    opened(place)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        made = list(pool.map(lambda i: work(place.name, place.where, i, STEPS), range(WORKERS)))
    assert total_of(place) == sum(made)


@pytest.mark.parametrize("level", ["REPEATABLE_READ", "SERIALIZABLE"])
def test_isolation_levels_of_the_application(postgres_db: str, level: str) -> None:
    place = Place("postgres", postgres_db)
    opened(place)
    isolation = int(psycopg.IsolationLevel[level])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(lambda i: work(place.name, place.where, i, STEPS, isolation), range(4))
        )
    assert total_of(place) == sum(made)


def test_threads_that_share_a_store(postgres_db: str) -> None:
    place = Place("postgres", postgres_db)
    opened(place)
    with place.opened(graph) as store, concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda i: run_writes(store, i), range(4)))
    assert total_of(place) == sum(made)


def run_writes(store: st.Store, worker: int) -> int:
    _, readings = st.actions(store, graph)
    for value in range(10):
        readings.insert(reading(1, value, day=worker))
    return 45


def test_stores_of_a_pool(place: Place) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    opened(place)
    engine = sqlalchemy.create_engine(place.sqlalchemy_url, pool_size=WORKERS)

    def in_pool(worker: int) -> int:
        with engine.connect() as connection:
            store = place.store(connection, graph, create_tables=False)
            made = run(store, worker, STEPS)
            connection.commit()
        return made

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        made = list(pool.map(in_pool, range(3)))
    engine.dispose()
    assert total_of(place) == sum(made)


def test_a_short_busy_timeout_of_the_application(sqlite_path: Path) -> None:
    """A step waits for its turn as long as max_sleep_secs says, whatever the connection's own."""
    place = Place("sqlite", str(sqlite_path))
    opened(place)
    blocker = sqlite3.connect(sqlite_path, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: blocker.execute("COMMIT")).start()
    connection = sqlite3.connect(sqlite_path, isolation_level=None, timeout=0)
    store = place.store(connection, graph, create_tables=False)
    st.actions(store, graph)[1].insert(reading(1, 5))
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (0,)
    blocker.execute("BEGIN IMMEDIATE")
    impatient = place.store(connection, graph, create_tables=False, max_sleep_secs=0.05)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        st.actions(impatient, graph)[1].insert(reading(1, 5))
    blocker.execute("COMMIT")
    assert total_of(place) == 5
    connection.close()
    blocker.close()


def test_many_processes_open_a_new_file(sqlite_path: Path) -> None:
    fresh = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(6, mp_context=fresh) as pool:
        assert all(pool.map(create, [str(sqlite_path)] * 12))


def create(where: str) -> bool:
    with st.connection_sqlite(where) as connection:
        st.StoreSQLite.from_graph(connection, graph)
    return True
