"""Calls on connections that begin a transaction by themselves: none of them leaves one open.

A step that finds one open takes it for the application's, and is not committed.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
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

    def call(self, what: Callable[[], object]) -> None:
        with suppress(st.SteppingError):
            what()
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

    held = Held(place, store, is_idle)
    yield held
    if isinstance(given, sa.Engine):
        del store, held.store  # with it the connection goes back to the pool
        gc.collect()
        given.dispose()
    else:
        given.close()


def test_after_any_call_the_next_step_is_committed(held: Held) -> None:
    store = held.store
    users, readings = st.actions(store, graph)
    nothing: Any = (ZSetPython(), ZSetPython())
    held.call(lambda: users.insert(ANN))
    held.call(lambda: users.remove(MISSING))
    held.call(lambda: users.insert(BOB, time=st.Time(3, 2)))  # waits for who never comes
    held.call(lambda: users.insert(BOB, time=st.Time(3, 0)))
    held.call(lambda: users.insert(BOB, time=st.Time(3, 0)))  # the time has passed
    held.call(lambda: readings.insert(reading(1, 2), time=st.Time(4, 3, True)))
    held.call(lambda: users.remove(MISSING, time=st.Time(5, 4, True)))
    held.call(lambda: readings.insert(reading(1, 2), time=st.Time(9, 8, True)))
    held.call(lambda: users_cache.zset(store, at_least=20))
    held.call(lambda: list(users_cache.zset(store)))
    held.call(lambda: store.quarantined_input(99))
    held.call(lambda: store.drop(99))
    held.call(lambda: store.status())
    held.call(lambda: users.enqueue(remove=[MISSING]))
    held.call(lambda: store.drain())
    held.call(lambda: store.retry_queued(1))
    held.call(lambda: store.queued())
    held.call(lambda: st.verify(store))
    held.call(lambda: st.explain(store))
    held.call(lambda: st.iteration(store, graph, nothing, time=st.Time(30, 4)))
    users.insert(User(id=3, name="Cy"))
    with held.place.opened(graph) as other:
        assert len(users_cache.zset(other)) == 3


def test_a_time_whose_lease_has_ended_is_passed_over(held: Held) -> None:
    users, _ = st.actions(held.store, graph)
    held.store.next_time(lease_secs=0.0)
    later = held.store.next_time()
    held.call(lambda: users.insert(ANN, time=st.Time(later, later - 1)))
    with held.place.opened(graph) as other:
        assert len(users_cache.zset(other)) == 1
