"""SQLite: what a step need not do again, and must where anybody else has written."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

import stepping as st


class User(st.Data):
    id: int
    name: str


class Order(st.Data):
    user: int
    cents: int


Spent = st.Pair[int, str]
spent = st.Cache[Spent]("spent")
names = st.Cache[st.Pair[User, Order]]("names")


def spendings(users: st.ZSet[User], orders: st.ZSet[Order]) -> st.ZSet[Spent]:
    joined = st.join(
        users,
        orders,
        on_left=st.Index.pick(User, lambda user: user.id),
        on_right=st.Index.pick(Order, lambda order: order.user),
    )
    total = st.group_reduce_flatten(
        joined,
        by=st.Index.pick(st.Pair[User, Order], lambda pair: pair.left.name),
        zero=int,
        pick_value=lambda pair: pair.right.cents,
    )
    _ = spent[total](lambda z: st.integrate(z))
    _ = names[joined](lambda z: st.integrate(z))
    return total


GRAPH = st.compile(spendings)
ANN, BOB = User(id=1, name="Ann"), User(id=2, name="Bob")


@pytest.fixture
def connection(sqlite_path: Path) -> Iterator[sqlite3.Connection]:
    with st.connection_sqlite(sqlite_path) as connection:
        yield connection


def opened(connection: sqlite3.Connection) -> tuple[Any, Any, Any]:
    store = st.StoreSQLite.from_graph(connection, GRAPH)
    return (store, *st.actions(store, GRAPH))


@contextmanager
def traced(connection: sqlite3.Connection) -> Iterator[list[str]]:
    """The statements that are run, without those of triggers."""
    found: list[str] = []
    connection.set_trace_callback(lambda sql: None if sql.startswith("--") else found.append(sql))
    yield found
    connection.set_trace_callback(None)


def test_nothing_runs_for_an_empty_delta(connection: sqlite3.Connection) -> None:
    _, users, orders = opened(connection)
    users.insert(ANN)
    orders.insert(Order(user=1, cents=5))
    for _ in range(2):
        with traced(connection) as found:
            (change,) = users.insert(BOB)
        assert len(change) == 0
    # The change is staged and kept, and joined with the orders for the groups and for the cache:
    # there is nothing to write to the groups, and no change of them to read.
    kinds = Counter(sql.split()[0] for sql in found)
    assert kinds == {"BEGIN": 1, "PRAGMA": 1, "DELETE": 1, "INSERT": 4, "COMMIT": 1}, found


def test_a_name_that_nothing_reads_is_renamed_for_nothing(connection: sqlite3.Connection) -> None:
    def cents(users: st.ZSet[User], orders: st.ZSet[Order]) -> st.ZSet[int]:
        joined = st.join(
            users,
            orders,
            on_left=st.Index.pick(User, lambda user: user.id),
            on_right=st.Index.pick(Order, lambda order: order.user),
        )
        return st.map(joined, f=lambda pair: pair.right.cents)

    graph = st.compile(cents)
    store = st.StoreSQLite.from_graph(connection, graph)
    users, orders = st.actions(store, graph)
    users.insert(ANN)
    orders.insert(Order(user=1, cents=5))
    with traced(connection) as found:
        (change,) = users.replace(ANN, User(id=1, name="Bob"))
    assert found == []
    assert len(change) == 0
    with pytest.raises(st.RowError, match=r"User\.name"):
        users.replace(ANN, User(id=1, name=2))  # type: ignore[arg-type]


def test_a_migration_by_anybody_is_seen(connection: sqlite3.Connection, sqlite_path: Path) -> None:
    migrate = "UPDATE stepping_queries SET fingerprint = 'another', version = 2"
    restore = "UPDATE stepping_queries SET fingerprint = ?, version = 1"
    with st.connection_sqlite(sqlite_path) as other:
        _, users, _ = opened(connection)
        (before,) = connection.execute("SELECT fingerprint FROM stepping_queries").fetchone()
        for user, by in enumerate((other, connection, other, connection)):
            users.insert(User(id=user, name="Ann"))
            by.execute(migrate)
            with pytest.raises(st.SchemaMismatch, match="migrated to version 2"):
                users.insert(BOB)
            by.execute(restore, (before,))


def test_tables_that_stand_apart_are_seen(connection: sqlite3.Connection) -> None:
    store, users, _ = opened(connection)
    users.insert(ANN, time=st.Time(1))
    users.insert(BOB)
    connection.execute("DELETE FROM last_update")
    with pytest.raises(st.StoreError, match="last_update has no row"):
        users.insert(BOB)
    connection.executemany(
        "INSERT INTO last_update VALUES (?, ?)", [(name, 3) for name in store.plan.kept]
    )
    users.insert(BOB, time=st.Time(4))
    with pytest.raises(st.TimePassed):
        users.insert(BOB, time=st.Time(4))
    assert set(dict(connection.execute("SELECT * FROM last_update")).values()) == {4}


def test_what_fails_leaves_nothing_behind(connection: sqlite3.Connection) -> None:
    _, users, orders = opened(connection)
    users.insert(ANN)
    orders.insert(Order(user=1, cents=2**62))
    with pytest.raises(st.RowError, match="64 bits"):
        orders.insert(Order(user=1, cents=2**62), Order(user=2, cents=1))
    assert not connection.in_transaction
    (change,) = users.insert(BOB)
    assert len(change) == 0
    (change,) = orders.insert(Order(user=2, cents=1))
    assert change == st.ZSetPython({st.Pair(1, "Bob"): 1})


OPERATIONS = strategies.tuples(
    strategies.integers(0, 1),  # which store of two on one connection
    strategies.booleans(),  # a user or an order
    strategies.integers(1, 3),
    strategies.sampled_from(
        ["alone", "alone", "twice", "remove", "replace", "commit", "rollback", "savepoint"]
    ),
)


@hypothesis.given(operations=strategies.lists(OPERATIONS, min_size=2, max_size=15))
@hypothesis.settings(max_examples=40)
def test_stores_and_transactions_in_any_order(operations: list[Any]) -> None:
    """Two stores that share their delta tables, and an application that rolls back."""
    counts: Counter[Any] = Counter()
    connection = sqlite3.connect(":memory:", isolation_level=None)
    stores = [opened(connection) for _ in range(2)]
    for which, is_user, key, way in operations:
        _, users, orders = stores[which]
        action = users if is_user else orders
        row: Any = User(id=key, name="n" * key) if is_user else Order(user=key, cents=10 * key)
        if way == "alone":
            action.insert(row)
            counts[row] += 1
        elif way == "twice":
            action.insert(row, row)
            action.remove(row)
            counts[row] += 1
        elif way == "remove" and counts[row]:
            action.remove(row)
            counts[row] -= 1
        elif way == "remove":
            with pytest.raises(st.RowError, match="is not there"):
                action.remove(row)
        elif way == "replace" and counts[row]:
            other: Any = User(id=4, name="n") if is_user else Order(user=1, cents=7)
            action.replace(row, other)
            counts[row] -= 1
            counts[other] += 1
        elif way == "replace":
            with pytest.raises(st.RowError, match="is not there"):
                action.replace(row, User(id=9, name="") if is_user else Order(user=9, cents=9))
        else:
            connection.execute("BEGIN")
            if way == "savepoint":
                connection.execute("SAVEPOINT inner")
            action.insert(row)
            if way == "commit":
                connection.execute("COMMIT")
                counts[row] += 1
            elif way == "rollback":
                connection.execute("ROLLBACK")
            else:
                connection.execute("ROLLBACK TO inner")
                connection.execute("COMMIT")
        check(stores[0][0], counts)
    connection.close()


def check(store: Any, counts: Counter[Any]) -> None:
    joined: Counter[Any] = Counter()
    total: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    for user in [row for row in counts if isinstance(row, User)]:
        for order in [row for row in counts if isinstance(row, Order) and row.user == user.id]:
            n = counts[user] * counts[order]
            if n:
                joined[st.Pair(user, order)] += n
                total[user.name] += n * order.cents
                groups[user.name] += n
    assert dict(names.zset(store).iter()) == dict(joined)
    wanted = {st.Pair(cents, name): 1 for name, cents in total.items() if groups[name]}
    assert dict(spent.zset(store).iter()) == wanted
