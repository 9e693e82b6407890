"""Stores whose connection is closed, lost, or of another process."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
import sqlalchemy.orm

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support import postgres_server
from tests.support.place import Place
from tests.support.processes import forked
from tests.support.shop import ANN, BOB, User, graph, users_cache


def uses(store: Any) -> list[Callable[[], Any]]:
    """Everything that a store does with its connection."""
    users, _ = st.actions(store, graph)
    return [
        lambda: users.insert(BOB),
        lambda: users.insert(),
        lambda: users.enqueue([BOB]),
        lambda: store.drain(),
        lambda: store.queued(),
        lambda: store.quarantined(),
        lambda: store.next_time(),
        lambda: store.status(),
        lambda: users_cache.zset(store).to_python(),
        lambda: len(users_cache.zset(store)),
        lambda: list(users_cache.zset(store).iter(frozenset({ANN}))),
    ]


def test_a_closed_connection(place: Place) -> None:
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN)
        store.driver.connection.close()
        for use in uses(store):
            with pytest.raises(st.StoreError, match="connection is closed") as caught:
                use()
            assert "hint: open a connection" in str(caught.value)
        with pytest.raises(st.StoreError, match="connection is closed"):
            place.store(store.driver.connection, graph)
    with place.opened(graph) as store:
        assert users_cache.zset(store) == ZSetPython({ANN: 1})


def test_a_closed_connection_of_sqlalchemy(place: Place) -> None:
    engine = sa.create_engine(place.sqlalchemy_url)
    with engine.connect() as connection:
        store = place.store(connection, graph)
    for use in uses(store):
        with pytest.raises(st.StoreError, match="given the store's connection back"):
            use()
    engine.dispose()


def refused(store: Any, found: Any) -> None:
    for use in uses(store):
        try:
            use()
        except st.StoreError as error:
            found.put(str(error))
        else:
            found.put("it was used")


def test_a_fork_with_an_open_store(place: Place) -> None:

    found = multiprocessing.get_context("fork").SimpleQueue()
    with place.opened(graph) as store:
        users, _ = st.actions(store, graph)
        users.insert(ANN)
        with forked(refused, store, found) as process:
            said = [found.get() for _ in uses(store)]
            process.join(20)
        assert all("before this process was forked" in each for each in said)
        users.insert(BOB)  # the connection is as it was
        assert users_cache.zset(store) == ZSetPython({ANN: 1, BOB: 1})


# ---------------------------------------------------------------------------------- a lost server


def test_terminated_between_two_steps(postgres_db: str) -> None:
    place = Place("postgres", postgres_db)
    with place.opened(graph) as store, place.plain() as other:
        users, _ = st.actions(store, graph)
        users.insert(ANN)
        users.enqueue([BOB])
        pid = store.driver.connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        with pytest.raises(psycopg.OperationalError) as caught:
            users.insert(User(id=3, name="Cyd"))
        assert "open a connection, and a store on it" in caught.value.__notes__[0]
        for use in uses(store):
            with pytest.raises(st.StoreError, match="connection to the server was lost"):
                use()
    with place.opened(graph, create_tables=False) as store:
        assert users_cache.zset(store) == ZSetPython({ANN: 1})
        assert store.drain().changes == 1
        assert users_cache.zset(store) == ZSetPython({ANN: 1, BOB: 1})


@pytest.mark.parametrize("pool_pre_ping", [False, True])
def test_terminated_below_sqlalchemy(postgres_db: str, pool_pre_ping: bool) -> None:
    """A store is opened anew, and the pool has taken note of the connection that is lost."""
    place = Place("postgres", postgres_db)
    engine = sa.create_engine(place.sqlalchemy_url, pool_size=1, pool_pre_ping=pool_pre_ping)
    with place.plain() as other:

        def terminate(store: Any) -> None:
            pid = store.driver.connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

        store = place.store(engine, graph)
        terminate(store)
        with pytest.raises(psycopg.OperationalError):
            st.actions(store, graph)[0].insert(ANN)
        del store
        store = place.store(engine, graph)
        st.actions(store, graph)[0].insert(ANN)
        del store
        with sa.orm.Session(engine) as session:
            store = place.store(session.connection(), graph)
            terminate(store)
            with pytest.raises(psycopg.OperationalError):
                st.actions(store, graph)[0].insert(BOB)
        with sa.orm.Session(engine) as session:
            st.actions(place.store(session.connection(), graph), graph)[0].insert(BOB)
            session.commit()
    engine.dispose()
    with place.opened(graph) as store:
        assert users_cache.zset(store) == ZSetPython({ANN: 1, BOB: 1})


def test_terminated_while_a_cache_is_read(postgres_db: str) -> None:
    place = Place("postgres", postgres_db)
    with place.opened(graph) as store, place.plain() as other:
        users, _ = st.actions(store, graph)
        users.insert(*(User(id=i, name="n") for i in range(3_000)))
        rows = users_cache.zset(store).iter()
        next(rows)
        pid = store.driver.connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        with pytest.raises(psycopg.OperationalError) as caught:
            list(rows)
        assert "the connection is lost" in caught.value.__notes__[0]


@pytest.fixture
def own_server() -> Iterator[postgres_server.OwnServer]:
    found = [server for server in postgres_server.servers() if server.programs]
    if not found:
        pytest.skip("needs the programs of a server, and was given a running one")
    with contextlib.ExitStack() as clean_up:
        yield postgres_server.OwnServer(found[0], clean_up)


def insert_until_lost(url: str, told: Any) -> None:
    """Each row is told of when its step has reported success. Every other is in stages."""
    with st.connection_postgres(url) as connection:
        store = st.StorePostgres.from_graph(connection, graph)
        users, _ = st.actions(store, graph)
        for i in range(100_000):
            try:
                time = st.Time(i, i - 2, True) if i % 2 else st.Time()
                users.insert(User(id=2 * i, name="inserted"), time=time)
                users.enqueue([User(id=2 * i + 1, name="queued")])
            except psycopg.Error:
                return
            told.put(i)


def test_the_server_crashes_and_starts_again(
    own_server: postgres_server.OwnServer, each_stage_alone: None
) -> None:
    """What reported success is there, and what was under way is there as a whole or not at all."""

    told = multiprocessing.get_context("fork").SimpleQueue()
    place = Place("postgres", own_server.url)
    with forked(insert_until_lost, own_server.url, told) as worker:
        last = told.get()
        deadline = time.monotonic() + 20
        while last < 30 and time.monotonic() < deadline:
            last = told.get()
        own_server.crash()
        worker.join(20)
        assert worker.exitcode == 0
    while not told.empty():
        last = told.get()
    own_server.start()
    with place.opened(graph, create_tables=False) as store:
        while store.drain(limit=7):
            pass
        rows = users_cache.zset(store).to_python()
        ids = {user.id for user, _ in rows.iter()}
        assert set(rows.iter()) == {
            (User(id=i, name="queued" if i % 2 else "inserted"), 1) for i in ids
        }
        promised = set(range(2 * (last + 1)))
        assert ids >= promised
        assert ids - promised <= {2 * last + 2, 2 * last + 3}  # what was in flight
        st.actions(store, graph)[0].insert(BOB)
