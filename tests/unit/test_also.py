"""What is done with a step, in its transaction, on every store: `Store.step(also=)`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place
from tests.support.shop import ANN, BOB, User, graph, reading, totals, users_cache

CYD = User(id=3, name="Cyd")


@pytest.fixture(params=["python", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "python":
        yield st.StorePython.from_graph(graph)
        return
    fixture = {"sqlite": "sqlite_path", "postgres": "postgres_db"}[request.param]
    with Place(request.param, str(request.getfixturevalue(fixture))).opened(graph) as opened:
        yield opened


def caches(store: Any) -> tuple[Any, Any]:
    return totals.zset(store).to_python(), users_cache.zset(store).to_python()


def test_what_it_raises_undoes_the_step(store: Any) -> None:
    users, readings = st.actions(store, graph)
    users.insert(ANN, time=st.Time(1, 0))
    readings.insert(reading(1, 5), time=st.Time(2, 1))
    before = caches(store)

    def fail() -> None:
        raise KeyError

    for time in (st.Time(), st.Time(3, 2)):
        with pytest.raises(KeyError):
            store.step({"users": ZSetPython({ANN: -1, BOB: 1})}, time, also=fail)
        assert caches(store) == before
    # Its time has not passed either, and what it would have removed is there.
    (changed,) = users.remove(ANN, time=st.Time(3, 2))
    assert changed == ZSetPython({st.Pair(5, "Ann"): -1})


def test_the_steps_that_it_makes_go_with_the_step(store: Any) -> None:
    users, _ = st.actions(store, graph)
    users.insert(ANN)
    before = caches(store)

    def step_and_fail() -> None:
        users.insert(CYD)
        raise KeyError

    with pytest.raises(KeyError):
        store.step({"users": ZSetPython({BOB: 1})}, also=step_and_fail)
    assert caches(store) == before
    store.step({"users": ZSetPython({BOB: 1})}, also=lambda: users.insert(CYD) and None)
    assert users_cache.zset(store) == ZSetPython({ANN: 1, BOB: 1, CYD: 1})


def test_threads_take_turns_on_one_python_store() -> None:
    """Each step moves a reading between two users: the totals are always the same."""
    store = st.StorePython.from_graph(graph)
    users, readings = st.actions(store, graph)
    users.insert(ANN, BOB)
    readings.insert(*(reading(1, value) for value in range(40)))
    whole, ends = sum(range(40)), threading.Event()

    def read() -> int:
        count = 0
        while not ends.is_set():
            assert sum(pair.left * n for pair, n in totals.zset(store).iter()) == whole
            assert len(users_cache.zset(store)) == 2
            count += 1
        return count

    def move(values: range) -> None:
        for value in values:
            readings.replace(reading(1, value), reading(2, value))
            readings.enqueue([reading(1, 100 + value)], remove=[])
            readings.enqueue(remove=[reading(1, 100 + value)])
            store.next_time()

    with ThreadPoolExecutor(6) as pool:
        reading_all = [pool.submit(read) for _ in range(2)]
        moving = [pool.submit(move, range(start, 40, 4)) for start in range(4)]
        wait(moving)
        ends.set()
        for each in moving:
            each.result()
        assert all(each.result() for each in reading_all)
    assert store.drain().changes == 80
    assert store.next_time() == 41
    assert dict(totals.zset(store).iter()) == {st.Pair(whole, "Bob"): 1}
