"""The queue: what is enqueued is folded in once and in order, and a bad change stops nobody."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import hypothesis
import msgpack
import pytest
from hypothesis import strategies as hs

import stepping as st
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.packing import packing_of
from stepping.compiler.schema import has_columns
from stepping.compiler.zset import ZSetPython
from stepping.runtime import queued
from tests.support.place import Place
from tests.support.row_types import Typed, value_types
from tests.support.shop import ANN, BOB, Reading, User, graph, reading, totals, users_cache

NOTHING: ZSetPython[Any] = ZSetPython()


@pytest.fixture(params=["python", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "python":
        yield st.StorePython.from_graph(graph)
        return
    fixture = {"sqlite": "sqlite_path", "postgres": "postgres_db"}[request.param]
    place = Place(request.param, str(request.getfixturevalue(fixture)))
    with place.opened(graph) as opened:
        yield opened


def test_is_seen_when_it_is_drained(store: Any) -> None:
    users, readings = st.actions(store, graph)
    first = users.enqueue(insert=[ANN, BOB])
    second = readings.enqueue([reading(1, 5), reading(2, 7)])
    third = store.enqueue((NOTHING, ZSetPython({reading(1, 1): 2})))
    assert first < second < third
    assert store.queued() == 3
    assert totals.zset(store) == NOTHING
    drained = store.drain()
    assert (drained.changes, drained.rows, drained.quarantined) == (3, 5, 0)
    expected = ZSetPython({st.Pair(7, "Ann"): 1, st.Pair(7, "Bob"): 1})
    assert drained.outputs == (expected,)  # one step: nothing is retracted
    assert totals.zset(store) == expected
    assert store.queued() == 0
    again = store.drain()
    assert not again
    assert again.outputs == (NOTHING,)


def test_removes_and_cancels(store: Any) -> None:
    users, _ = st.actions(store, graph)
    users.enqueue(insert=[ANN])
    users.enqueue(remove=[ANN])
    assert store.drain().changes == 2  # nothing is left of them
    assert users_cache.zset(store) == NOTHING
    users.enqueue(insert=[ANN])
    store.drain()
    users.enqueue(remove=[ANN], insert=[BOB])
    store.drain()
    assert users_cache.zset(store) == ZSetPython({BOB: 1})


def test_limit_counts_rows(store: Any) -> None:
    users, _ = st.actions(store, graph)
    for i in range(4):
        users.enqueue(User(id=10 * i + j, name="n") for j in range(3))
    assert store.drain(limit=7).rows == 6
    assert store.drain(limit=1).rows == 3  # at least one change
    assert store.drain(limit=100).rows == 3
    assert len(users_cache.zset(store)) == 12


@pytest.mark.parametrize("bad_at", [(0,), (6,), (0, 1, 5), tuple(range(7))])
def test_a_bad_change_is_set_aside(store: Any, bad_at: tuple[int, ...]) -> None:
    users, readings = st.actions(store, graph)
    users.insert(ANN)
    bad = []
    for i in range(7):
        if i in bad_at:
            bad.append(users.enqueue(remove=[User(id=i, name="absent")]))
        else:
            readings.enqueue([reading(1, 10**i)])
    drained = store.drain()
    assert (drained.changes, drained.quarantined) == (7 - len(bad_at), len(bad_at))
    total = sum(10**i for i in range(7) if i not in bad_at)
    expected = ZSetPython({st.Pair(total, "Ann"): 1}) if total else NOTHING
    assert totals.zset(store) == expected
    assert drained.outputs[0] == expected  # the sum of the steps' changes
    assert store.queued() == 0
    found = store.quarantined()
    assert [each.id for each in found] == bad
    assert "name='absent') was removed from users" in found[0].error
    assert found[0].changes == {"users": ZSetPython({User(id=bad_at[0], name="absent"): -1})}
    assert not store.drain()


def test_retry_and_drop(store: Any) -> None:
    users, _ = st.actions(store, graph)
    first, second = (users.enqueue(remove=[each]) for each in (ANN, BOB))
    store.drain()
    users.insert(ANN)
    assert store.retry_queued(first, 999) == 1
    assert store.drop_queued(second, first) == 1  # the first is not in quarantine now
    assert store.quarantined() == []
    assert store.drain().changes == 1
    assert users_cache.zset(store) == NOTHING


def test_rows_are_checked_when_they_are_enqueued(store: Any) -> None:
    users, _ = st.actions(store, graph)
    wrong: Any = User(id="1", name="x")  # type: ignore[arg-type]
    for enqueue in (lambda: users.enqueue([wrong]), lambda: users.insert(wrong)):
        with pytest.raises(st.RowError, match=r"User\.id: expected int, got str '1'"):
            enqueue()
    with pytest.raises(st.RowError, match="64 bits"):
        users.enqueue([User(id=2**63, name="x")])
    if isinstance(store, st.StorePostgres):
        with pytest.raises(st.RowError, match="NUL"):
            users.enqueue([User(id=1, name="a\0b")])
    with pytest.raises(st.QueryError, match="has no such input"):
        store.enqueue({"nobody": NOTHING})
    with pytest.raises(st.QueryError, match="2 inputs"):
        store.enqueue((NOTHING,))
    assert store.queued() == 0


def raising(row: Reading) -> int:
    if row.value == 13:
        raise ValueError("thirteen")
    return int(str(row.value))


def steps_in_python(readings: st.ZSet[Reading]) -> st.ZSet[int]:
    return st.map(readings, f=raising)


def test_a_row_function_that_raises(place: Place) -> None:
    query = st.compile(steps_in_python)
    with place.opened(query) as store:
        (readings,) = st.actions(store, query)
        for value in (1, 13, 3):
            readings.enqueue([reading(1, value)])
        drained = store.drain()
        assert (drained.changes, drained.quarantined) == (2, 1)
        assert drained.outputs == (ZSetPython({1: 1, 3: 1}),)
        assert "thirteen" in store.quarantined()[0].error


def test_queries_have_queues_of_their_own(place: Place) -> None:
    other_graph = st.compile(steps_in_python)
    with place.opened(graph) as store, place.opened(other_graph) as other:
        st.actions(store, graph)[0].enqueue([ANN])
        st.actions(other, other_graph)[0].enqueue([reading(1, 1)])
        assert (store.queued(), other.queued()) == (1, 1)
        assert other.drain().outputs == (ZSetPython({1: 1}),)
        assert (store.queued(), other.queued()) == (1, 0)


def test_another_version_of_a_row_is_not_misread(place: Place) -> None:
    def compiled(value: Any) -> Any:
        class Item(st.Data):
            id: int
            value: value  # type: ignore[valid-type]

        def items(rows: st.ZSet[Item]) -> st.ZSet[Item]:
            return rows

        return st.compile(items), Item

    old, old_row = compiled(int)
    new, new_row = compiled(float)
    with place.opened(old) as store:
        st.actions(store, old)[0].enqueue([old_row(id=1, value=2)])
    with place.opened(new) as store:
        st.actions(store, new)[0].enqueue([new_row(id=1, value=2)])
        drained = store.drain()
        assert (drained.changes, drained.quarantined) == (1, 1)
        (found,) = store.quarantined()
        assert "another version" in found.error
        assert found.changes is None
    with place.opened(old, create_tables=False) as store:  # nothing is lost
        assert store.retry_queued(found.id) == 1
        assert store.drain().outputs == (ZSetPython({old_row(id=1, value=2): 1}),)


def test_joins_the_transaction_of_the_application(place: Place) -> None:
    with place.opened(graph) as store, place.opened(graph) as drainer:
        users, _ = st.actions(store, graph)
        run = store.driver.connection.execute
        run("BEGIN")
        users.enqueue([ANN])
        assert store.queued() == 1
        if place.name == "postgres":
            assert not drainer.drain()
        run("ROLLBACK")
        assert store.queued() == 0
        run("BEGIN")
        users.enqueue([ANN])
        run("COMMIT")
        run("BEGIN")
        assert store.drain().changes == 1
        run("ROLLBACK")  # the step, and the queue with it
        assert drainer.queued() == 1
        assert users_cache.zset(drainer) == NOTHING
        assert drainer.drain().changes == 1
        assert users_cache.zset(store) == ZSetPython({ANN: 1})


def test_a_change_that_was_seen_is_drained_before_what_followed(place: Place) -> None:
    """Who has seen that a row was enqueued may enqueue its removal."""
    with place.opened(graph) as store, place.opened(graph) as other:
        st.actions(store, graph)[0].enqueue([ANN])
        st.actions(other, graph)[0].enqueue(remove=[ANN])
        assert store.drain(limit=1).changes == 1
        assert store.drain(limit=1).changes == 1
        assert store.quarantined() == []


def test_several_drainers_and_writers(place: Place) -> None:
    """Nothing is lost and nothing is folded in twice."""
    writers, each, stop = 3, 25, threading.Event()
    errors: list[BaseException] = []

    def write(seed: int) -> None:
        with place.opened(graph) as store:
            _, readings = st.actions(store, graph)
            for i in range(each):
                readings.enqueue([reading(1, 1, day=seed * 1000 + i)])

    def drain(seed: int) -> None:
        chosen = random.Random(seed)
        with place.opened(graph) as store:
            while store.drain(limit=chosen.randint(1, 9)) or not stop.is_set():
                pass

    def guarded(work: Any, seed: int) -> None:
        try:
            work(seed)
        except BaseException as error:
            errors.append(error)

    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN)
        threads = [threading.Thread(target=guarded, args=(write, i)) for i in range(writers)]
        drainers = [threading.Thread(target=guarded, args=(drain, i)) for i in range(2)]
        for thread in (*threads, *drainers):
            thread.start()
        for thread in threads:
            thread.join()
        stop.set()
        for thread in drainers:
            thread.join()
        assert errors == []
        assert (store.queued(), store.quarantined()) == (0, [])
        assert totals.zset(store) == ZSetPython({st.Pair(writers * each, "Ann"): 1})


def test_waiting_wakes_for_a_change(place: Place) -> None:
    woken: list[float] = []
    with place.opened(graph) as store:
        users, _ = st.actions(store, graph)
        assert store.queue.table.wait("shop", 0.05) is False

        def wait() -> None:
            with place.opened(graph) as other:
                ready.set()
                assert other.queue.table.wait("shop", 20.0)
                woken.append(time.monotonic())

        for _ in range(2):
            ready = threading.Event()
            thread = threading.Thread(target=wait)
            thread.start()
            ready.wait()
            time.sleep(0.1)
            began = time.monotonic()
            users.enqueue([ANN])
            thread.join()
            assert woken.pop() - began < 2
            store.drain()


def test_waiting_is_not_too_late_for_a_transaction_that_was_open(postgres_db: str) -> None:
    """An entry from before somebody waited does not notify, and is found all the same."""
    place = Place("postgres", postgres_db)
    with place.opened(graph) as store, place.opened(graph) as other:
        run = store.driver.connection.execute
        run("BEGIN")
        st.actions(store, graph)[0].enqueue([ANN])
        found: list[bool] = []
        thread = threading.Thread(target=lambda: found.append(other.queue.table.wait("shop", 10)))
        thread.start()
        time.sleep(0.05)
        run("COMMIT")
        thread.join()
        assert found == [True]


@hypothesis.given(data=hs.data(), kind=value_types())
@hypothesis.settings(max_examples=30)
def test_rows_of_every_type_come_back(data: hs.DataObject, kind: Typed) -> None:
    value_type = type_of(kind.annotation)
    hypothesis.assume(has_columns(value_type))
    rows = tuple((row, i - 3) for i, row in enumerate(data.draw(hs.lists(kind.values, max_size=5))))
    packing = packing_of(queued.rows_of(value_type))
    packed = packing.pack(rows, "rows")
    assert packing.pack(packing.unpack(packed), "rows") == packed
    msgpack.unpackb(packed)
