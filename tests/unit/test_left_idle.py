"""Connections that begin a transaction by themselves, and what calls on them leave open.

What is read, waited for or leased leaves nothing open. What writes leaves the transaction that it
has begun to the application (PEP 249), unless it fails; a store's own connection commits.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.pq import TransactionStatus

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place
from tests.support.shop import ANN, BOB, User, graph, reading, users_cache

MISSING = User(id=77, name="?")


@dataclass
class Held:
    """A store on a connection that is not in autocommit, and whether the connection is idle."""

    place: Place
    store: Any
    is_idle: Callable[[], bool]
    commits: bool  # what it writes

    def read(self, what: Callable[[], object]) -> None:
        """A call that writes nothing for the application."""
        what()
        assert self.is_idle()

    def refused(self, what: Callable[[], object]) -> None:
        with pytest.raises(st.SteppingError):
            what()
        assert self.is_idle()

    def write(self, what: Callable[[], object]) -> None:
        what()
        assert self.is_idle() is self.commits
        self.store.driver.connection.commit()
        assert self.is_idle()


def of_driver(place: Place) -> Any:
    return sqlite3.connect(place.where) if place.name == "sqlite" else psycopg.connect(place.where)


def of_engine(place: Place) -> Any:
    return sa.create_engine(place.sqlalchemy_url)


@pytest.fixture(params=[of_driver, of_engine], ids=lambda made: made.__name__)
def held(request: pytest.FixtureRequest, place: Place) -> Iterator[Held]:
    given = request.param(place)
    store = place.store(given, graph, max_sleep_secs=0.1)
    connection = store.driver.connection

    def is_idle() -> bool:
        if place.name == "sqlite":
            return not connection.in_transaction
        return bool(connection.info.transaction_status is TransactionStatus.IDLE)

    held = Held(place, store, is_idle, commits=isinstance(given, sa.Engine))
    yield held
    if isinstance(given, sa.Engine):
        del store, held.store  # with it the connection goes back to the pool
        gc.collect()
        given.dispose()
    else:
        given.close()


def test_each_call(held: Held) -> None:
    store = held.store
    users, readings = st.actions(store, graph)
    nothing: Any = (ZSetPython(), ZSetPython())
    held.write(lambda: users.insert(ANN))
    held.refused(lambda: users.remove(MISSING))
    held.refused(lambda: users.insert(BOB, time=st.Time(3, 2)))  # waits for who never comes
    held.write(lambda: users.insert(BOB, time=st.Time(3, 0)))
    held.refused(lambda: users.insert(BOB, time=st.Time(3, 0)))  # the time has passed
    # flush_every_set=True commits by what it says.
    held.read(lambda: readings.insert(reading(1, 2), time=st.Time(4, 3, True)))
    held.refused(lambda: users.remove(MISSING, time=st.Time(5, 4, True)))
    held.refused(lambda: readings.insert(reading(1, 2), time=st.Time(9, 8, True)))
    held.refused(lambda: users_cache.zset(store, at_least=20))
    held.read(lambda: list(users_cache.zset(store)))
    held.refused(lambda: store.quarantined_input(99))
    held.refused(lambda: store.drop(99))
    held.read(lambda: store.status())
    held.write(lambda: users.enqueue(remove=[MISSING]))
    held.write(lambda: store.drain())  # sets it aside
    held.read(lambda: store.quarantined())
    held.write(lambda: store.retry_queued(1))
    held.read(lambda: store.queued())
    held.read(lambda: store.next_time())
    held.read(lambda: st.verify(store))
    held.read(lambda: st.explain(store))
    held.write(lambda: st.iteration(store, graph, nothing, time=st.Time(30, 4)))
    held.write(lambda: users.insert(User(id=3, name="Cy")))
    with held.place.opened(graph) as other:
        assert len(users_cache.zset(other)) == 3


def test_a_time_whose_lease_has_ended_is_passed_over(held: Held) -> None:
    users, _ = st.actions(held.store, graph)
    held.store.next_time(lease_secs=0.0)
    later = held.store.next_time()
    held.write(lambda: users.insert(ANN, time=st.Time(later, later - 1)))
    with held.place.opened(graph) as other:
        assert len(users_cache.zset(other)) == 1


def test_all_that_is_written_is_rolled_back(held: Held) -> None:
    store = held.store
    users, _ = st.actions(store, graph)
    users.enqueue([BOB])
    store.driver.connection.commit()
    before = held.place.contents(graph)
    users.insert(ANN)
    store.drain()
    users.enqueue([ANN])
    store.driver.connection.rollback()
    changed = held.place.contents(graph) != before
    assert changed is held.commits
    assert store.queued() == 1
    assert held.is_idle()
