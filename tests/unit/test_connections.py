"""An iteration inside an application's own transaction, on each kind of connection."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import sqlalchemy
from sqlalchemy.orm import Session

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place
from tests.support.shop import ANN, BOB, User, graph, reading, totals, users_cache


@dataclass
class Way:
    """One way to hold a connection: what a store is given, and how its transaction is driven."""

    given: Any
    begin: Callable[[], Any]
    commit: Callable[[], Any]
    rollback: Callable[[], Any]
    run: Callable[[str], Any]
    commits: bool = False  # what is outside of a transaction


def sqlite_autocommit(place: Place) -> Iterator[Way]:
    with contextlib.closing(sqlite3.connect(place.where, isolation_level=None)) as connection:
        run = connection.execute
        yield Way(
            connection,
            lambda: run("BEGIN"),
            lambda: run("COMMIT"),
            lambda: run("ROLLBACK"),
            run,
            commits=True,
        )


def sqlite_legacy(place: Place) -> Iterator[Way]:
    with contextlib.closing(sqlite3.connect(place.where)) as connection:
        # The driver begins a transaction in front of the application's first INSERT.
        begin = "INSERT INTO app (id) VALUES (-1)"
        run = connection.execute
        yield Way(connection, lambda: run(begin), connection.commit, connection.rollback, run)


def psycopg_autocommit(place: Place) -> Iterator[Way]:
    with psycopg.connect(place.where, autocommit=True) as connection:
        run: Any = connection.execute
        yield Way(
            connection,
            lambda: run("BEGIN"),
            lambda: run("COMMIT"),
            lambda: run("ROLLBACK"),
            run,
            commits=True,
        )


def psycopg_transactional(place: Place) -> Iterator[Way]:
    with psycopg.connect(place.where) as connection:
        run: Any = connection.execute
        yield Way(connection, lambda: run("SELECT 1"), connection.commit, connection.rollback, run)


def sqlite_pep_249(place: Place) -> Iterator[Way]:
    with contextlib.closing(PEP249(place.where)) as connection:
        begin = "SELECT 1"  # a transaction is always open
        run = connection.execute
        yield Way(connection, lambda: run(begin), connection.commit, connection.rollback, run)


class PEP249(sqlite3.Connection):
    """What ``autocommit=False`` gives from Python 3.12 on."""

    def __init__(self, path: str) -> None:
        if sys.version_info >= (3, 12):
            super().__init__(path, autocommit=False)
            return
        super().__init__(path, isolation_level=None)
        self.autocommit = False
        self.execute("BEGIN")

    if sys.version_info < (3, 12):

        def commit(self) -> None:
            super().commit()
            self.execute("BEGIN")

        def rollback(self) -> None:
            super().rollback()
            self.execute("BEGIN")


def sqlalchemy_connection(place: Place) -> Iterator[Way]:
    engine = sqlalchemy.create_engine(place.sqlalchemy_url)
    with engine.connect() as connection:
        run = connection.exec_driver_sql
        # Nothing is sent to the driver by begin(): the transaction is SQLAlchemy's alone.
        yield Way(connection, connection.begin, connection.commit, connection.rollback, run)
    engine.dispose()


def sqlalchemy_begin(place: Place) -> Iterator[Way]:
    """As SQLAlchemy's documentation has it for SQLite."""
    engine = sqlalchemy.create_engine(place.sqlalchemy_url)

    @sqlalchemy.event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None

    @sqlalchemy.event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.connect() as connection:
        run = connection.exec_driver_sql
        yield Way(connection, connection.begin, connection.commit, connection.rollback, run)
    engine.dispose()


def sqlalchemy_session(place: Place) -> Iterator[Way]:
    engine = sqlalchemy.create_engine(place.sqlalchemy_url)
    with engine.connect() as connection, Session(connection) as session:
        session.connection()
        session.rollback()
        yield Way(
            connection,
            session.connection,
            session.commit,
            session.rollback,
            lambda sql: session.execute(sqlalchemy.text(sql)),
        )
    engine.dispose()


WAYS = {
    "sqlite": (
        sqlite_autocommit,
        sqlite_legacy,
        sqlite_pep_249,
        sqlalchemy_connection,
        sqlalchemy_begin,
        sqlalchemy_session,
    ),
    "postgres": (
        psycopg_autocommit,
        psycopg_transactional,
        sqlalchemy_connection,
        sqlalchemy_session,
    ),
}
ALL = [(kind, way) for kind, ways in WAYS.items() for way in ways]


@pytest.fixture(params=ALL, ids=lambda each: f"{each[0]}-{each[1].__name__}")
def held(request: pytest.FixtureRequest) -> Iterator[tuple[Place, Way]]:
    """A database with the query's tables and one of the application's, and a connection to it."""
    kind, way = request.param
    place = request.getfixturevalue("sqlite_db" if kind == "sqlite" else "postgres_place")
    with place.opened(graph):
        pass
    with place.plain() as connection:
        connection.execute("CREATE TABLE app (id INTEGER)")
    with contextlib.contextmanager(way)(place) as opened:
        yield place, opened


def totals_in(place: Place) -> ZSetPython[Any]:
    with place.opened(graph, create_tables=False) as store:
        return totals.zset(store).to_python()


ONE = ZSetPython({st.Pair(5, "Ann"): 1})
NOTHING: ZSetPython[Any] = ZSetPython()


def insert_both(store: Any) -> None:
    users, readings = st.actions(store, graph)
    users.insert(ANN)
    (changed,) = readings.insert(reading(1, 5))
    assert changed == ONE


def test_commits_with_the_application(held: tuple[Place, Way]) -> None:
    place, way = held
    store = place.store(way.given, graph)
    way.begin()
    way.run("INSERT INTO app (id) VALUES (1)")
    insert_both(store)
    assert totals.zset(store) == ONE  # what it has written is seen inside
    assert totals_in(place) == NOTHING  # and not outside
    way.commit()
    assert totals_in(place) == ONE
    assert (1,) in place.read("SELECT id FROM app")


def test_rolls_back_with_the_application(held: tuple[Place, Way]) -> None:
    place, way = held
    store = place.store(way.given, graph)
    before = place.contents(graph)
    way.begin()
    way.run("INSERT INTO app (id) VALUES (1)")
    insert_both(store)
    way.rollback()
    assert place.contents(graph) == before
    assert place.read("SELECT id FROM app") == []
    way.begin()
    insert_both(store)
    way.commit()
    assert totals_in(place) == ONE


def test_first_statement_of_a_transaction(held: tuple[Place, Way]) -> None:
    """Nothing of the application has reached the driver yet when the iteration begins."""
    place, way = held
    store = place.store(way.given, graph)
    way.begin()
    insert_both(store)
    way.rollback()
    assert totals_in(place) == NOTHING
    way.begin()
    insert_both(store)
    way.commit()
    assert totals_in(place) == ONE


def test_opened_inside_a_transaction(held: tuple[Place, Way]) -> None:
    place, way = held
    way.begin()
    way.run("INSERT INTO app (id) VALUES (1)")
    store = place.store(way.given, graph)
    insert_both(store)
    way.rollback()
    # The connection's own temporary tables may have been rolled back as well.
    way.begin()
    insert_both(store)
    way.commit()
    assert totals_in(place) == ONE
    assert (1,) not in place.read("SELECT id FROM app")


def test_failure_leaves_the_transaction_usable(held: tuple[Place, Way]) -> None:
    place, way = held
    store = place.store(way.given, graph)
    users, _ = st.actions(store, graph)
    way.begin()
    way.run("INSERT INTO app (id) VALUES (1)")
    users.insert(ANN)
    with pytest.raises(st.RowError, match="not there"):
        users.remove(BOB)
    users.insert(User(id=3, name="Cyd"))
    way.commit()
    with place.opened(graph, create_tables=False) as other:
        kept = users_cache.zset(other)
        assert kept == ZSetPython({ANN: 1, User(id=3, name="Cyd"): 1})
    assert (1,) in place.read("SELECT id FROM app")


def is_idle(store: Any) -> bool:
    """Whether nothing keeps others from writing: a transaction of PEP 249 may have begun."""
    return not store.driver.in_transaction() or hasattr(store.driver.connection, "autocommit")


def test_outside_of_a_transaction_it_commits_or_begins_one(held: tuple[Place, Way]) -> None:
    place, way = held
    store = place.store(way.given, graph)
    assert is_idle(store)
    insert_both(store)
    if way.commits:
        assert not store.driver.in_transaction()
    else:
        assert store.driver.in_transaction()
        assert totals_in(place) == NOTHING
        way.given.rollback()
        assert totals.zset(store) == NOTHING
        way.given.rollback()
        insert_both(store)
        way.given.commit()
    assert totals_in(place) == ONE


def test_reading_leaves_nothing_open(held: tuple[Place, Way]) -> None:
    place, way = held
    store = place.store(way.given, graph)
    insert_both(store)
    if not way.commits:
        way.given.commit()
    assert is_idle(store)
    assert totals.zset(store) == ONE
    assert is_idle(store)
    assert len(totals.zset(store)) == 1
    assert is_idle(store)
    # Another connection can write at once.
    with place.opened(graph, create_tables=False) as other:
        st.actions(other, graph)[0].insert(BOB)
    # And read while an iteration over it has not come to its end.
    rows: Any = users_cache.zset(store).iter()
    next(rows)
    assert is_idle(store)
    with place.opened(graph, create_tables=False) as other:
        st.actions(other, graph)[0].insert(User(id=9, name="Zoe"))
    rows.close()


def test_flushing_each_table_needs_the_transaction(held: tuple[Place, Way]) -> None:
    place, way = held
    store = place.store(way.given, graph)
    users, _ = st.actions(store, graph)
    way.begin()
    way.run("INSERT INTO app (id) VALUES (1)")
    with pytest.raises(st.StoreError, match="flush_every_set=True") as caught:
        users.insert(ANN, time=st.Time(1, 0, True))
    assert "hint:" in str(caught.value)
    users.insert(ANN, time=st.Time(1, 0, False))
    way.commit()
    assert set(place.times().values()) == {1}


def test_flushing_nothing_leaves_the_commit_to_the_caller(held: tuple[Place, Way]) -> None:
    place, way = held
    store = place.store(way.given, graph)
    users, readings = st.actions(store, graph)
    way.begin()
    way.run("INSERT INTO app (id) VALUES (1)")
    users.insert(ANN, time=st.Time(1, 0, None))
    readings.insert(reading(1, 5), time=st.Time(2, 1, None))
    assert totals_in(place) == NOTHING
    way.commit()
    assert totals_in(place) == ONE


def test_engine(place: Place) -> None:
    """A store of an Engine has a connection of its own, and each iteration commits."""
    engine = sqlalchemy.create_engine(place.sqlalchemy_url)
    store = place.store(engine, graph)
    insert_both(store)
    assert totals_in(place) == ONE
    assert not store.driver.in_transaction()
    with engine.begin() as other:
        if place.name == "postgres":  # the pool has not handed the store's connection out
            assert other.connection.driver_connection is not store.driver.connection
    del store, other
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    engine.dispose()


def test_session_is_asked_for_its_connection(place: Place) -> None:
    engine = sqlalchemy.create_engine(place.sqlalchemy_url)
    with Session(engine) as session:
        with pytest.raises(st.StoreError, match="Session") as caught:
            place.store(session, graph)
        assert "session.connection()" in str(caught.value)
        store = place.store(session.connection(), graph)
        insert_both(store)
        session.commit()
    engine.dispose()
    assert totals_in(place) == ONE


def test_an_asynchronous_connection_is_refused(postgres_place: Place) -> None:
    async def store() -> None:
        async with await psycopg.AsyncConnection.connect(postgres_place.where) as connection:
            with pytest.raises(st.StoreError, match="AsyncConnection"):
                postgres_place.store(connection, graph)

    asyncio.run(store())


@pytest.fixture
def postgres_place(postgres_db: str) -> Place:
    return Place("postgres", postgres_db)
