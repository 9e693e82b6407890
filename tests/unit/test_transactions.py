"""Steps in an application's transaction: what it writes and the results go together."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import orm

import stepping as st
from stepping.runtime.store import StoreSQL


class Order(st.Data):
    id: int
    customer: str
    cents: int


totals = st.Cache[st.Pair[int, str]]("totals")


def revenue(orders: st.ZSet[Order]) -> st.ZSet[st.Pair[int, str]]:
    total = st.group_reduce_flatten(
        orders,
        by=st.Index.pick(Order, lambda order: order.customer),
        zero=int,
        pick_value=lambda order: order.cents,
    )
    _ = totals[total](lambda z: st.integrate(z))
    return total


GRAPH = st.compile(revenue)
FIRST = Order(id=1, customer="Ann", cents=100)
SECOND = Order(id=2, customer="Ann", cents=50)

Opened = tuple[sa.Engine, type[StoreSQL]]


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, sqlite_path: Path) -> Iterator[Opened]:
    """SQLAlchemy's engine of a database that has the query and a table of the application."""
    if request.param == "sqlite":
        engine = sa.create_engine(f"sqlite:///{sqlite_path}")
        store: type[StoreSQL] = st.StoreSQLite
    else:
        url = request.getfixturevalue("postgres_db")
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        store = st.StorePostgres
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE orders (id INTEGER)"))
        store.from_graph(connection, GRAPH)
    yield engine, store
    engine.dispose()


def total_of(store: StoreSQL) -> int:
    return sum(pair.left * count for pair, count in totals.zset(store).iter())


def orders_in(connection: sa.Connection) -> int:
    found = connection.execute(sa.text("SELECT count(*) FROM orders")).scalar()
    assert isinstance(found, int)
    return found


INSERT = sa.text("INSERT INTO orders (id) VALUES (1)")


@pytest.mark.parametrize("step_comes_first", [False, True])
def test_both_roll_back(opened: Opened, step_comes_first: bool) -> None:
    engine, store_class = opened
    with engine.connect() as connection:
        transaction = connection.begin()
        store = store_class.from_graph(connection, GRAPH, create_tables=False)
        (orders,) = st.actions(store, GRAPH)
        if step_comes_first:
            orders.insert(FIRST)
            connection.execute(INSERT)
        else:
            connection.execute(INSERT)
            orders.insert(FIRST)
        orders.insert(SECOND)
        assert total_of(store) == 150
        transaction.rollback()
        assert total_of(store) == 0
        assert orders_in(connection) == 0


def test_both_commit(opened: Opened) -> None:
    engine, store_class = opened
    with engine.begin() as connection:
        store = store_class.from_graph(connection, GRAPH, create_tables=False)
        (orders,) = st.actions(store, GRAPH)
        orders.insert(FIRST)
        connection.execute(INSERT)
    with engine.connect() as connection:
        store = store_class.from_graph(connection, GRAPH, create_tables=False)
        assert total_of(store) == 100
        assert orders_in(connection) == 1


def test_a_session(opened: Opened) -> None:
    engine, store_class = opened
    with orm.Session(engine) as session:
        store = store_class.from_graph(session.connection(), GRAPH, create_tables=False)
        (orders,) = st.actions(store, GRAPH)
        orders.insert(FIRST)
        session.rollback()
    with orm.Session(engine) as session:
        store = store_class.from_graph(session.connection(), GRAPH, create_tables=False)
        assert total_of(store) == 0
        (orders,) = st.actions(store, GRAPH)
        orders.insert(FIRST)
        session.commit()
    with engine.connect() as connection:
        store = store_class.from_graph(connection, GRAPH, create_tables=False)
        assert total_of(store) == 100


def test_a_step_that_fails_leaves_the_rest_of_the_transaction(opened: Opened) -> None:
    engine, store_class = opened
    with engine.begin() as connection:
        store = store_class.from_graph(connection, GRAPH, create_tables=False)
        (orders,) = st.actions(store, GRAPH)
        orders.insert(Order(id=1, customer="Ann", cents=2**63 - 1))
        with pytest.raises(st.RowError):
            orders.insert(FIRST)
        connection.execute(INSERT)
    with engine.connect() as connection:
        store = store_class.from_graph(connection, GRAPH, create_tables=False)
        assert total_of(store) == 2**63 - 1
        assert orders_in(connection) == 1


def test_with_an_engine_a_step_commits(opened: Opened) -> None:
    engine, store_class = opened
    store = store_class.from_graph(engine, GRAPH, create_tables=False)
    (orders,) = st.actions(store, GRAPH)
    for order in (FIRST, SECOND):
        orders.insert(order)
    with engine.connect() as connection:
        other = store_class.from_graph(connection, GRAPH, create_tables=False)
        assert total_of(other) == 150
    store.driver.connection.close()


def test_a_step_begins_the_transaction_of_a_connection(opened: Opened) -> None:
    """As SQLAlchemy does itself when a connection is first used."""
    engine, store_class = opened
    with engine.connect() as connection:
        store = store_class.from_graph(connection, GRAPH, create_tables=False)
        (orders,) = st.actions(store, GRAPH)
        assert not connection.in_transaction()
        assert total_of(store) == 0
        assert not connection.in_transaction()
        orders.insert(FIRST)
        assert connection.in_transaction()
        connection.rollback()
        assert total_of(store) == 0
        orders.insert(FIRST)
        connection.execute(INSERT)
        connection.commit()
        orders.insert(SECOND)
    with engine.connect() as connection:
        store = store_class.from_graph(connection, GRAPH, create_tables=False)
        assert total_of(store) == 100
        assert orders_in(connection) == 1


def test_autocommit_of_an_engine(opened: Opened) -> None:
    """SQLAlchemy believes that it begins transactions, and the driver commits each statement."""
    engine, store_class = opened
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        store = store_class.from_graph(connection, GRAPH, create_tables=False)
        (orders,) = st.actions(store, GRAPH)
        orders.insert(FIRST)
        with connection.begin():  # which is refused in a transaction
            orders.insert(SECOND)
        connection.rollback()
        assert total_of(store) == 150


def test_no_flushing_inside_of_a_transaction(opened: Opened) -> None:
    engine, store_class = opened
    with engine.begin() as connection:
        store = store_class.from_graph(connection, GRAPH, create_tables=False)
        (orders,) = st.actions(store, GRAPH)
        with pytest.raises(st.StoreError, match="the connection is in a transaction"):
            orders.insert(FIRST, time=st.Time(input_time=1, flush_every_set=True))


def connections(sqlite_path: Path, postgres_db: str) -> list[tuple[Any, type[StoreSQL]]]:
    """Those that are not in autocommit, as drivers make them."""
    found: list[tuple[Any, type[StoreSQL]]] = [
        (sqlite3.connect(sqlite_path), st.StoreSQLite),
        (psycopg.connect(postgres_db), st.StorePostgres),
    ]
    if sys.version_info >= (3, 12):
        path = sqlite_path.with_suffix(".pep249")
        found.append((sqlite3.connect(path, autocommit=False), st.StoreSQLite))
    return found


def test_a_step_begins_the_transaction_of_a_drivers_connection(
    sqlite_path: Path, postgres_db: str
) -> None:
    for connection, store_class in connections(sqlite_path, postgres_db):
        store = store_class.from_graph(connection, GRAPH)
        connection.execute("CREATE TABLE orders (id INTEGER)")
        connection.commit()
        (orders,) = st.actions(store, GRAPH)
        for _ in range(3):  # the third step of a kind is run in another way than the first
            orders.insert(FIRST)
            connection.execute("INSERT INTO orders (id) VALUES (1)")
            assert total_of(store) == 100
            connection.rollback()
            assert total_of(store) == 0
            assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)
            connection.rollback()
        connection.execute("INSERT INTO orders (id) VALUES (1)")
        orders.insert(FIRST)
        connection.rollback()
        assert total_of(store) == 0
        orders.insert(FIRST)
        connection.commit()
        connection.rollback()
        assert total_of(store) == 100
        connection.close()


def test_a_first_step_that_fails_leaves_no_transaction(sqlite_path: Path, postgres_db: str) -> None:
    for connection, store_class in connections(sqlite_path, postgres_db):
        store = store_class.from_graph(connection, GRAPH)
        connection.commit()
        (orders,) = st.actions(store, GRAPH)
        for _ in range(3):
            with pytest.raises(st.RowError, match="not there"):
                orders.remove(FIRST)
        is_pep249 = getattr(connection, "autocommit", None) is False and store.dialect == "sqlite"
        assert is_pep249 or not store.driver.in_transaction()
        connection.execute("INSERT INTO last_update VALUES ('mine', 7)")
        connection.commit()
        assert connection.execute("SELECT t FROM last_update WHERE table_name = 'mine'").fetchone()
        connection.close()


def test_the_block_of_a_psycopg_connection(postgres_db: str) -> None:
    """Its end commits, and an exception rolls back: the first step as well."""
    with st.connection_postgres(postgres_db) as connection:
        outside = st.StorePostgres.from_graph(connection, GRAPH)
        for _ in range(3):
            with suppress(KeyError), psycopg.connect(postgres_db) as block:
                store = st.StorePostgres.from_graph(block, GRAPH, create_tables=False)
                st.actions(store, GRAPH)[0].insert(FIRST)
                assert total_of(outside) == 0
                raise KeyError
            assert total_of(outside) == 0
        with psycopg.connect(postgres_db) as block:
            store = st.StorePostgres.from_graph(block, GRAPH, create_tables=False)
            st.actions(store, GRAPH)[0].insert(FIRST)
        assert total_of(outside) == 100
