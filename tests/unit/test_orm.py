"""Steps in the transaction of an ORM session: flushes, savepoints, and pysqlite's own ways."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event, orm

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place
from tests.support.shop import ANN, BOB, User, graph, users_cache


class Base(orm.DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"

    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(unique=True)


def begins_itself(engine: sa.Engine) -> None:
    """SQLAlchemy's recipe for SQLite: the driver begins nothing, BEGIN is sent."""

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@pytest.fixture(params=["postgres", "sqlite", "sqlite-begin"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    kind, _, begin = request.param.partition("-")
    fixture = {"sqlite": "sqlite_path", "postgres": "postgres_db"}[kind]
    place = Place(kind, str(request.getfixturevalue(fixture)))
    made = sa.create_engine(place.sqlalchemy_url)
    if begin:
        begins_itself(made)
    Base.metadata.create_all(made)
    with place.opened(graph):
        pass
    yield made
    made.dispose()


def store_of(session: orm.Session) -> Any:
    connection = session.connection()
    cls: Any = st.StoreSQLite if connection.dialect.name == "sqlite" else st.StorePostgres
    return cls.from_graph(connection, graph, create_tables=False)


def users_of(session: orm.Session) -> Any:
    return st.actions(store_of(session), graph)[0]


def found(engine: sa.Engine) -> tuple[set[str], set[str]]:
    """The names in the application's table and in the cache, as committed."""
    with orm.Session(engine) as session:
        names = set(session.scalars(sa.select(Account.name)))
        return names, {user.name for user, _ in users_cache.zset(store_of(session)).iter()}


def add(session: orm.Session, user: User) -> None:
    session.add(Account(id=user.id, name=user.name))
    users_of(session).insert(user)


def test_commits_with_what_is_flushed_later(engine: sa.Engine) -> None:
    with orm.Session(engine) as session:
        add(session, ANN)  # the step comes in front of the INSERT, which the commit flushes
        session.commit()
    assert found(engine) == ({"Ann"}, {"Ann"})


def test_a_key_from_the_database(engine: sa.Engine) -> None:
    with orm.Session(engine) as session, session.begin():
        account = Account(name="Ann")
        session.add(account)
        session.flush()
        users_of(session).insert(User(id=account.id, name=account.name))
    assert found(engine) == ({"Ann"}, {"Ann"})


def test_a_flush_that_fails_takes_the_step_with_it(engine: sa.Engine) -> None:
    with orm.Session(engine) as session:
        add(session, ANN)
        session.commit()
        session.add(Account(id=7, name="Ann"))  # the name is taken
        users_of(session).insert(BOB)
        with pytest.raises(sa.exc.IntegrityError):
            session.commit()
        session.rollback()
    assert found(engine) == ({"Ann"}, {"Ann"})


def test_a_step_that_fails_leaves_the_session(engine: sa.Engine) -> None:
    with orm.Session(engine) as session:
        add(session, ANN)
        with pytest.raises(st.RowError):
            users_of(session).remove(BOB)
        session.commit()
    assert found(engine) == ({"Ann"}, {"Ann"})


def nested_rolled_back(session: orm.Session) -> set[str]:
    add(session, ANN)
    session.flush()
    nested = session.begin_nested()
    add(session, BOB)
    session.flush()
    nested.rollback()
    session.commit()
    return {"Ann"}


def outer_rolled_back(session: orm.Session) -> set[str]:
    add(session, ANN)
    session.flush()
    with session.begin_nested():
        add(session, BOB)
    session.rollback()
    return set()


def both_committed(session: orm.Session) -> set[str]:
    add(session, ANN)
    with session.begin_nested():
        add(session, BOB)
    session.commit()
    return {"Ann", "Bob"}


def failure_inside(session: orm.Session) -> set[str]:
    add(session, ANN)
    users = users_of(session)
    nested = session.begin_nested()
    session.add(Account(id=9, name="Zoe"))
    with pytest.raises(st.RowError):
        users.remove(BOB)
    nested.rollback()
    session.commit()
    return {"Ann"}


@pytest.mark.parametrize(
    "work",
    [
        nested_rolled_back,
        outer_rolled_back,
        both_committed,
        failure_inside,
    ],
)
def test_savepoints(engine: sa.Engine, work: Callable[[orm.Session], set[str]]) -> None:
    with orm.Session(engine) as session:
        expected = work(session)
    assert found(engine) == (expected, expected)


def test_a_savepoint_that_comes_first(engine: sa.Engine) -> None:
    """As it is made, Python's driver begins no transaction in front of a savepoint, so that
    releasing it commits. Whatever comes of that comes of both.
    """
    with orm.Session(engine) as session:
        with session.begin_nested():
            add(session, ANN)
        by_itself = session.connection().dialect.name == "sqlite" and (
            session.connection().connection.driver_connection.isolation_level is not None  # type: ignore[union-attr]
        )
        session.rollback()
    expected = {"Ann"} if by_itself else set()
    assert found(engine) == (expected, expected)


def test_enqueue_and_drain_join_the_session(engine: sa.Engine) -> None:
    with orm.Session(engine) as session:
        session.add(Account(id=1, name="Ann"))
        users_of(session).enqueue([ANN])
        session.rollback()
        assert store_of(session).queued() == 0
        session.rollback()
        users_of(session).enqueue([ANN])
        session.commit()
        assert store_of(session).drain().changes == 1
        session.rollback()
        assert store_of(session).queued() == 1
        store_of(session).drain()
        session.commit()
    assert found(engine) == (set(), {"Ann"})


def test_a_connection_that_the_session_has_given_back(engine: sa.Engine) -> None:
    """Another session may have it by now: the store must not write in its transaction."""
    with orm.Session(engine) as session:
        store = store_of(session)
        users, _ = st.actions(store, graph)
        users.insert(ANN)
        session.commit()
        for use in (
            lambda: users.insert(BOB),
            lambda: users.enqueue([BOB]),
            lambda: store.drain(),
            lambda: users_cache.zset(store).to_python(),
            lambda: len(users_cache.zset(store)),
            lambda: store.next_time(),
        ):
            with pytest.raises(st.StoreError, match="given the store's connection back") as caught:
                use()
            assert "session.connection()" in str(caught.value)
        users_of(session).insert(BOB)
        session.commit()
    assert found(engine)[1] == {"Ann", "Bob"}


def test_reading_what_the_session_has_written(engine: sa.Engine) -> None:
    with orm.Session(engine) as session:
        add(session, ANN)
        assert users_cache.zset(store_of(session)) == ZSetPython({ANN: 1})
        assert session.in_transaction()
        session.rollback()
    assert found(engine) == (set(), set())
