"""SQLite files that are full, locked, damaged, read-only, or of another encoding."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place
from tests.support.processes import forked
from tests.support.shop import ANN, BOB, User, graph, reading, users_cache

MANY = [User(id=i, name=f"a name that takes some room, {i}") for i in range(100, 3_000)]


@pytest.fixture
def filled(sqlite_db: Place) -> Place:
    with sqlite_db.opened(graph, features=["queue"]) as store:
        users, readings = st.actions(store, graph)
        users.insert(ANN)
        readings.insert(reading(1, 5))
    return sqlite_db


def works(store: Any) -> None:
    """The next step does what it should."""
    users, _ = st.actions(store, graph)
    before = users_cache.zset(store).to_python()
    users.insert(BOB)
    assert users_cache.zset(store) == before + ZSetPython({BOB: 1})


def notes_of(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", ()))


def test_a_full_disk_in_the_middle_of_an_iteration(filled: Place, each_stage_alone: None) -> None:
    """What is committed of it stays; whoever comes next, with room, finishes it."""
    left = 0
    for t in itertools.count(1):
        with filled.opened(graph, create_tables=False, max_sleep_secs=10) as store:
            run = store.driver.connection.execute
            users, readings = st.actions(store, graph)
            before = users_cache.zset(store).to_python()
            (pages,) = run("PRAGMA page_count").fetchone()
            run(f"PRAGMA max_page_count = {pages + 4 * (t - 1)}")
            many = [User(id=10_000 * t + i, name=f"name {i} of {t}") for i in range(1_000)]
            is_full = False
            try:
                users.insert(*many, time=st.Time(t, 0, True))
            except sqlite3.OperationalError as error:
                assert "disk is full" in str(error)
                is_full = True
            left += len(store.status().running)
            run("PRAGMA max_page_count = 1000000")
            readings.insert(reading(1, t))
            assert store.status().running == ()
            found = users_cache.zset(store).to_python()
            assert found - before in (ZSetPython(), ZSetPython.of_rows(many)), t
        if not is_full:
            break
    assert left > 0  # it was full behind the first commit, too


@pytest.mark.parametrize("where", ["step", "application", "drain", "enqueue"])
def test_a_full_disk(filled: Place, where: str) -> None:
    before = filled.contents(graph)
    with filled.opened(graph, create_tables=False) as store:
        run = store.driver.connection.execute
        users, _ = st.actions(store, graph)
        if where == "drain":
            users.enqueue(MANY)
        (pages,) = run("PRAGMA page_count").fetchone()
        run(f"PRAGMA max_page_count = {pages + 2}")
        if where == "application":
            run("BEGIN")
        with pytest.raises(sqlite3.OperationalError, match="disk is full") as caught:
            {
                "step": lambda: users.insert(*MANY),
                "application": lambda: users.insert(*MANY),
                "enqueue": lambda: users.enqueue(MANY * 10),
                "drain": lambda: store.drain(),
            }[where]()
        assert notes_of(caught.value).count("make room") == 1
        if where == "application" and store.driver.connection.in_transaction:
            run("ROLLBACK")
        assert not store.driver.connection.in_transaction
        assert filled.contents(graph) == before
        assert store.quarantined() == []
        run("PRAGMA max_page_count = 1000000")
        if where == "drain":
            assert store.drain().rows == len(MANY)
        works(store)


def test_a_file_that_is_read_only(filled: Path) -> None:
    uri = f"file:{filled.where}?mode=ro"  # type: ignore[attr-defined]
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        store = st.StoreSQLite.from_graph(connection, graph, create_tables=False)
        users, _ = st.actions(store, graph)
        assert users_cache.zset(store) == ZSetPython({ANN: 1})
        for change in (lambda: users.insert(BOB), lambda: users.enqueue([BOB])):
            with pytest.raises(sqlite3.OperationalError, match="readonly") as caught:
                change()
            assert "for writing" in notes_of(caught.value)
        assert users_cache.zset(store) == ZSetPython({ANN: 1})


def hold(path: str, ready: Any, done: Any) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        ready.set()
        done.wait(20)
        connection.execute("ROLLBACK")


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Another process has a transaction open that has written."""

    fork = multiprocessing.get_context("fork")
    ready, done = fork.Event(), fork.Event()
    with forked(hold, path, ready, done) as process:
        assert ready.wait(20)
        yield
        done.set()
        process.join(20)


def test_a_file_that_is_locked(filled: Place) -> None:
    with (
        locked(filled.where),
        contextlib.closing(
            sqlite3.connect(filled.where, isolation_level=None, timeout=0.05)
        ) as connection,
    ):
        store = st.StoreSQLite.from_graph(
            connection, graph, create_tables=False, max_sleep_secs=0.1
        )
        users, _ = st.actions(store, graph)
        for change in (lambda: users.insert(BOB), lambda: users.enqueue([BOB])):
            with pytest.raises(sqlite3.OperationalError, match="locked") as caught:
                change()
            assert "another connection" in notes_of(caught.value)
        assert users_cache.zset(store) == ZSetPython({ANN: 1})  # reading goes on
    with filled.opened(graph, create_tables=False) as store:
        assert store.queued() == 0
        works(store)


def damage(path: str, table: str) -> None:
    """Overwrite the root page of a table."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with open(path, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


def test_a_page_that_is_damaged(filled: Place) -> None:
    with filled.opened(graph, create_tables=False) as store:
        st.actions(store, graph)[0].enqueue([BOB])
    kept = next(each for each in graph.program("sqlite").plan.caches if each.name == "users")
    damage(filled.where, kept.table)
    with filled.opened(graph, create_tables=False) as store:
        users, _ = st.actions(store, graph)
        uses: list[Callable[[], Any]] = [
            lambda: users.insert(BOB),
            lambda: store.drain(),
            lambda: users_cache.zset(store).to_python(),
        ]
        for use in uses:
            with pytest.raises(sqlite3.DatabaseError, match="malformed") as caught:
                use()
            assert "integrity_check" in notes_of(caught.value)
        # It is no fault of what is queued.
        assert (store.queued(), store.quarantined()) == (1, [])
        assert not store.driver.connection.in_transaction


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16le", "UTF-16be"])
def test_another_encoding_is_refused(sqlite_path: Path, encoding: str) -> None:
    with contextlib.closing(sqlite3.connect(sqlite_path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute("CREATE TABLE app (id INTEGER)")
        with pytest.raises(st.UnsupportedError, match="encoding is UTF-16"):
            st.StoreSQLite.from_graph(connection, graph)
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert tables == [("app",)]
