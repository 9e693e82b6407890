"""Time: input times, frontiers, flush modes, and the clock that stores share."""

from __future__ import annotations

import threading
import time as clock
from typing import Any, cast

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from stepping.runtime import frontier
from tests.support.place import Place
from tests.support.shop import ANN, BOB, Reading, User, graph, reading, shop, totals


def test_untimed_steps_leave_last_update_alone(place: Place) -> None:
    with place.opened(graph) as store:
        users, readings = st.actions(store, graph)
        assert set(place.times().values()) == {0}
        users.insert(ANN)
        readings.insert(reading(1, 5))
        assert set(place.times().values()) == {0}


@pytest.mark.parametrize("flush_every_set", [False, True])
def test_timed_step_moves_every_table_of_the_query(place: Place, flush_every_set: bool) -> None:
    with place.opened(graph) as store:
        users, readings = st.actions(store, graph)
        users.insert(ANN, time=st.Time(3, 0, flush_every_set))
        assert place.times() == dict.fromkeys(store.plan.kept, 3)
        # Only one input changes, and nothing at all: all tables move, changed or not.
        readings.insert(reading(7, 1), time=st.Time(4, 3, flush_every_set))
        assert set(place.times().values()) == {4}
        nothing: Any = (ZSetPython(), ZSetPython())
        st.iteration(store, graph, nothing, time=st.Time(9, 4, flush_every_set))
        assert set(place.times().values()) == {9}


def test_other_queries_keep_their_time(place: Place) -> None:
    other = st.compile(kept_numbers, name="other")
    with place.connect() as connection:
        store, second = place.store(connection, graph), place.store(connection, other)
        st.actions(store, graph)[0].insert(ANN, time=st.Time(2, 0))
        times = place.times()
        assert {times[name] for name in store.plan.kept} == {2}
        assert {times[name] for name in second.plan.kept} == {0}


def kept_numbers(numbers: st.ZSet[int]) -> st.ZSet[int]:
    return st.integrate(numbers)


@pytest.mark.parametrize("flush_every_set", [False, True])
@pytest.mark.parametrize("taken", [5, 4, 0])
def test_time_that_has_passed(place: Place, flush_every_set: bool, taken: int) -> None:
    with place.opened(graph) as store:
        users, _ = st.actions(store, graph)
        users.insert(ANN, time=st.Time(5, 0, flush_every_set))
        before = place.contents(graph)
        started = clock.monotonic()
        with pytest.raises(st.TimePassed, match=f"input time {taken} .*stands at 5") as caught:
            users.insert(BOB, time=st.Time(taken, 1000, flush_every_set))
        assert clock.monotonic() - started < 5  # at once: no wait for the frontier
        assert "hint:" in str(caught.value)
        assert place.contents(graph) == before
        users.insert(BOB, time=st.Time(6, 5, flush_every_set))
        assert set(place.times().values()) == {6}


@pytest.mark.parametrize("flush_every_set", [False, True])
def test_frontier_that_is_never_reached(
    place: Place, flush_every_set: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontier, "MAX_SLEEP_SECS", 0.05)  # read at each wait
    with place.opened(graph) as store:
        users, _ = st.actions(store, graph)
        before = place.contents(graph)
        with pytest.raises(st.FrontierTimeout) as caught:
            users.insert(ANN, time=st.Time(9, 8, flush_every_set))
        text = str(caught.value)
        assert "frontier 8" in text
        assert "0.05 s" in text
        assert f"{store.plan.kept[0]} stands at 0" in text
        assert "hint:" in text
        assert isinstance(caught.value, TimeoutError)
        assert place.contents(graph) == before
        users.insert(ANN, time=st.Time(9, 0, flush_every_set))
        assert set(place.times().values()) == {9}


def test_max_sleep_secs_of_a_store(place: Place) -> None:
    with place.opened(graph, max_sleep_secs=0.02) as store:
        users, _ = st.actions(store, graph)
        started = clock.monotonic()
        with pytest.raises(st.FrontierTimeout, match=r"waited 0\.02 s"):
            users.insert(ANN, time=st.Time(2, 1))
        assert clock.monotonic() - started < 5


def test_a_frontier_without_an_input_time(place: Place) -> None:
    with place.opened(graph, max_sleep_secs=0.02) as store:
        users, _ = st.actions(store, graph)
        with pytest.raises(st.FrontierTimeout):
            users.insert(ANN, time=st.Time(frontier=1))
        users.insert(ANN, time=st.Time(1, 0))
        users.insert(BOB, time=st.Time(frontier=1))
        assert set(place.times().values()) == {1}


@pytest.mark.parametrize("flush_every_set", [False, True])
def test_waits_until_the_frontier_is_reached(place: Place, flush_every_set: bool) -> None:
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN)
    failures: list[BaseException] = []
    done: list[int] = []

    def later(t: int) -> None:
        try:
            with place.opened(graph, create_tables=False) as store:
                _, readings = st.actions(store, graph)
                readings.insert(reading(1, 10**t), time=st.Time(t, t - 1, flush_every_set))
                done.append(t)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=later, args=(t,)) for t in (3, 2, 4)]
    for thread in threads:
        thread.start()
    clock.sleep(0.2)
    assert done == []  # all wait for the first
    later(1)
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(done) == [1, 2, 3, 4]
    with place.opened(graph, create_tables=False) as store:
        assert totals.zset(store) == ZSetPython({st.Pair(11110, "Ann"): 1})
        assert set(place.times().values()) == {4}


def test_flush_every_set_and_not_give_the_same(place: Place) -> None:
    other = st.compile(shop, name="other")
    with place.connect() as connection:
        store, second = place.store(connection, graph), place.store(connection, other)
        reference = st.StorePython.from_graph(graph)
        steps: list[tuple[dict[User, int], dict[Reading, int]]] = [
            ({ANN: 1}, {reading(1, 3): 2}),
            ({}, {reading(1, 3): -1, reading(2, 4): 1}),
            ({BOB: 1}, {}),
            ({ANN: -1, BOB: 1}, {reading(2, 4): 2}),
        ]
        for t, (a, b) in enumerate(steps, start=1):
            change: Any = (ZSetPython(a), ZSetPython(b))
            expected = st.iteration(reference, graph, change)
            assert st.iteration(store, graph, change, st.Time(t, t - 1, False)) == expected
            assert st.iteration(second, other, change, st.Time(t, t - 1, True)) == expected
        assert totals.zset(store) == totals.zset(second) == totals.zset(reference)


def test_failure_of_a_stage_leaves_its_time_alone(place: Place) -> None:
    """With flush_every_set what fails before anything is set has changed nothing."""
    with place.opened(graph) as store:
        users, readings = st.actions(store, graph)
        users.insert(ANN, time=st.Time(1, 0, True))
        with pytest.raises(st.RowError):
            users.insert("Bob", time=st.Time(2, 1, True))  # type: ignore[call-overload]
        assert set(place.times().values()) == {1}
        readings.insert(reading(1, 2), time=st.Time(2, 1, True))
        assert totals.zset(store) == ZSetPython({st.Pair(2, "Ann"): 1})


def test_next_time_is_shared(place: Place) -> None:
    with place.opened(graph) as store, place.opened(graph) as second:
        times = [store.next_time(), second.next_time(), store.next_time(), store.next_time()]
        assert times == sorted(set(times))
        assert times[0] >= 1
        users, _ = st.actions(second, graph)
        users.insert(ANN, time=st.Time(store.next_time(), 0))
    with place.opened(graph, create_tables=False) as store:
        assert store.next_time() > times[-1]


def test_next_time_in_threads(place: Place) -> None:
    with place.opened(graph):
        pass
    found: list[int] = []

    def take() -> None:
        with place.opened(graph, create_tables=False) as store:
            found.extend(store.next_time() for _ in range(20))

    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 60


def test_memory_keeps_time_as_well() -> None:
    store = st.StorePython.from_graph(graph)
    users, _ = st.actions(store, graph)
    first = store.next_time()
    users.insert(ANN, time=st.Time(first, 0))
    with pytest.raises(st.TimePassed):
        users.insert(BOB, time=st.Time(first, 0))
    assert store.next_time() > first


def test_times_have_the_documented_fields() -> None:
    assert st.Time(input_time=2, frontier=1, flush_every_set=True) == st.Time(2, 1, True)
    assert st.Time().flush_every_set is False


@pytest.mark.parametrize(
    "wrong",
    [{"input_time": 1.5}, {"input_time": 2**63}, {"input_time": True}, {"frontier": "1"}],
)
def test_a_time_that_is_no_int_of_64_bits(wrong: Any) -> None:
    (name,) = wrong
    with pytest.raises(st.StoreError, match=f"{name}= is "):
        st.Time(**wrong)
    flush: Any = "yes"
    with pytest.raises(st.StoreError, match="flush_every_set= is 'yes'"):
        st.Time(1, 0, flush)


def test_no_time_and_what_is_none(place: Place) -> None:
    with place.opened(graph) as store:
        for each in (store, st.StorePython.from_graph(graph)):
            users, _ = st.actions(each, graph)
            users.insert(ANN, time=None)
            wrong: Any = 3
            with pytest.raises(st.StoreError, match="time= is 3"):
                users.insert(BOB, time=wrong)
            with pytest.raises(st.StoreError, match="at_least= is 'soon'"):
                totals.zset(each, at_least=cast("Any", "soon"))
        assert set(place.times().values()) == {0}
