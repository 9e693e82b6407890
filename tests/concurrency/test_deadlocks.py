"""Transactions of an application with steps in any order, beside each other: none is a deadlock."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg
import pytest

import stepping as st
from tests.support.place import Place, postgres_place
from tests.support.sampled import LONG
from tests.support.shop import ANN, BOB, Reading, User, reading

WORKERS, TRANSACTIONS = 4, 8

totals: st.Cache[st.Pair[int, int]] = st.Cache(name="totals")
users_cache: st.Cache[User] = st.Cache(name="users")


def apart(
    users: st.ZSet[User], readings: st.ZSet[Reading]
) -> tuple[st.ZSet[User], st.ZSet[st.Pair[int, int]]]:
    """A step of one input reads and writes no table that one of the other does."""
    total = st.group_reduce_flatten(
        readings,
        by=st.Index.pick(Reading, lambda r: r.user_id),
        zero=int,
        pick_value=lambda r: r.value,
    )
    _ = totals[total](lambda z: st.integrate(z))
    _ = users_cache[users](lambda z: st.integrate(z))
    return users, total


graph = st.compile(apart)


@pytest.fixture
def postgres(postgres_db: str) -> Place:
    place = postgres_place(postgres_db)
    with place.plain() as connection:
        connection.execute("CREATE TABLE app (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
        connection.execute("INSERT INTO app SELECT i, 0 FROM generate_series(1, 3) i")
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN, BOB)
    return place


def work(place: Place, worker: int, seed: int, *, autocommit: bool) -> tuple[int, int]:
    """Transactions that lock some of their own rows, in one order, and then make steps in any;
    returns how much it has added up, and how many rows it has counted.
    """
    choice = random.Random(f"{seed} {worker}")
    added = counted = 0
    with psycopg.connect(place.where, autocommit=autocommit) as connection:
        store = place.store(connection, graph, create_tables=False)
        connection.execute("SET deadlock_timeout = '20ms'")
        connection.commit()
        users, readings = st.actions(store, graph)
        for serial in range(TRANSACTIONS):
            committed = choice.random() < 0.7
            rows = sorted(choice.sample([1, 2, 3], choice.randrange(3)))
            with connection.transaction(force_rollback=not committed):
                for row in rows:
                    connection.execute("UPDATE app SET n = n + 1 WHERE id = %s", (row,))
                value = choice.randrange(100)
                extra = User(id=100 + 100 * worker + serial, name=f"{worker}")
                steps: list[Any] = [
                    lambda value=value: readings.insert(reading(1, value)),
                    lambda value=value: readings.insert(reading(2, value)),
                    lambda extra=extra: users.insert(extra),
                    lambda value=value: readings.remove(reading(2, value)),
                ]
                if choice.random() < 0.5:
                    steps[0], steps[2] = steps[2], steps[0]
                for step in steps:
                    step()
            if committed:
                added += value
                counted += len(rows)
    return added, counted


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("seed", range(50 if LONG else 3))
def test_steps_of_one_store_in_any_order(postgres: Place, seed: int, autocommit: bool) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        tasks = [
            pool.submit(work, postgres, worker, seed, autocommit=autocommit)
            for worker in range(WORKERS)
        ]
        done = [task.result(60) for task in tasks]
    with postgres.opened(graph, create_tables=False) as store:
        found = dict(totals.zset(store).iter())
        assert found.get(st.Pair(sum(added for added, _ in done), 1), 0) == 1
    ((rows,),) = postgres.read("SELECT sum(n) FROM app")
    assert rows == sum(counted for _, counted in done)


def test_two_transactions_with_two_steps_each_way(postgres: Place) -> None:
    """Both have made their first step before either makes its second, unless one has to wait."""
    both = threading.Barrier(2)

    def run(users_first: bool) -> None:
        with postgres.opened(graph, create_tables=False) as store:
            users, readings = st.actions(store, graph)
            name = User(id=9 + users_first, name="Cyd")
            steps = [lambda: users.insert(name), lambda: readings.insert(reading(1, 5))]
            first, second = steps if users_first else steps[::-1]
            both.wait(10)
            with store.driver.connection.transaction():
                first()
                with suppress(threading.BrokenBarrierError):
                    both.wait(0.3)
                second()

    with ThreadPoolExecutor(2) as pool:
        for task in [pool.submit(run, users_first) for users_first in (True, False)]:
            task.result(30)
    with postgres.opened(graph, create_tables=False) as store:
        assert dict(totals.zset(store).iter()) == {st.Pair(10, 1): 1}
        assert len(users_cache.zset(store)) == 4


def test_a_first_step_that_lost_is_run_again(postgres: Place) -> None:
    """Not in autocommit the step has begun the transaction, so that all of it is its own."""
    with psycopg.connect(postgres.where) as connection, postgres.plain() as other:
        store = postgres.store(connection, graph, create_tables=False)
        connection.execute("SET deadlock_timeout = '50ms'")
        connection.commit()
        other.execute("SET deadlock_timeout = '60s'")
        first, last = sorted(store.plan.kept)
        lock = "SELECT * FROM last_update WHERE table_name = %s FOR UPDATE"
        tries = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %s"
        pid = connection.info.backend_pid
        with ThreadPoolExecutor(1) as pool:
            with other.transaction():
                other.execute(lock, (last,))
                task = pool.submit(st.actions(store, graph)[1].insert, reading(1, 5))
                while other.execute(tries, (pid,)).fetchone() == (0,):
                    assert not task.done()
                other.execute(lock, (first,))  # which the step has
            task.result(30)
        assert store.driver.in_transaction()
        connection.commit()
    with postgres.opened(graph, create_tables=False) as store:
        assert dict(totals.zset(store).iter()) == {st.Pair(5, 1): 1}
