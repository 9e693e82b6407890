"""Times that the shared clock gives out: waited for while they may be used, then passed over."""

from __future__ import annotations

import threading
import time as clock

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place
from tests.support.shop import ANN, BOB, graph, reading, shop, totals

other = st.compile(shop, name="other")


@pytest.mark.parametrize("flush_every_set", [False, True])
def test_times_of_another_query_are_passed_over(place: Place, flush_every_set: bool) -> None:
    with place.connect() as connection:
        store, second = place.store(connection, graph), place.store(connection, other)
        users, readings = st.actions(store, graph)
        st.actions(second, other)[0].insert(ANN, time=st.Time(second.next_time(), 0))
        for value in (2, 3):
            second.next_time()
            t = store.next_time()
            readings.insert(reading(1, value), time=st.Time(t, t - 1, flush_every_set))
        t = store.next_time()
        users.insert(ANN, time=st.Time(t, t - 1, flush_every_set))
        assert {place.times()[name] for name in store.plan.kept} == {t}
        assert dict(totals.zset(store).iter()) == {st.Pair(5, "Ann"): 1}


@pytest.mark.parametrize("flush_every_set", [False, True])
def test_a_time_that_is_never_used(place: Place, flush_every_set: bool) -> None:
    with place.opened(graph, max_sleep_secs=10) as store:
        users, readings = st.actions(store, graph)
        lost = store.next_time(lease_secs=0.3)
        t = store.next_time()
        assert store.status().given_times == (lost, t)
        started = clock.monotonic()
        users.insert(ANN, time=st.Time(t, t - 1, flush_every_set))
        assert 0.1 < clock.monotonic() - started < 5
        assert store.status().given_times == ()
        with pytest.raises(st.TimePassed):
            users.insert(BOB, time=st.Time(lost, lost - 1, flush_every_set))
        readings.insert(reading(1, 1), time=st.Time(store.next_time(), t, flush_every_set))


def test_a_time_that_others_have_passed_is_no_longer_to_come(place: Place) -> None:
    with place.opened(graph) as store:
        users, _ = st.actions(store, graph)
        passed, t, later = (store.next_time(lease_secs=60) for _ in range(3))
        users.insert(ANN, time=st.Time(t))  # waits for none before it
        assert store.status().given_times == (later,)
        with pytest.raises(st.TimePassed):
            users.insert(BOB, time=st.Time(passed))


def test_times_that_nobody_can_take_any_more_are_forgotten(place: Place) -> None:
    with place.opened(graph) as store:
        users, _ = st.actions(store, graph)
        first = store.next_time(lease_secs=0.0)
        for _ in range(200):
            t = store.next_time(lease_secs=0.0)
        to_come = store.next_time()
        users.insert(ANN, time=st.Time(t))  # passes over all of them
        for _ in range(200):
            store.next_time()
        given = [each.t for each in store.driver.iterations.given(store.plan.query)]
        assert given[0] == to_come
        assert len(given) == 201
        with pytest.raises(st.TimePassed):
            users.insert(BOB, time=st.Time(first))


def test_a_late_arrival_is_refused(place: Place) -> None:
    with place.opened(graph, max_sleep_secs=0.2) as store:
        users, _ = st.actions(store, graph)
        late, held = store.next_time(lease_secs=0.0), store.next_time()
        t = store.next_time()
        with pytest.raises(st.FrontierTimeout):  # it passes over `late`, and waits for `held`
            users.insert(ANN, time=st.Time(t, held))
        with pytest.raises(st.TimePassed, match=f"time {late} was given out .* lease has ended"):
            users.insert(BOB, time=st.Time(late, 0))
        users.insert(ANN, time=st.Time(held, late))
        users.insert(BOB, time=st.Time(t, held))
        assert set(place.times().values()) == {t}


def test_who_waits_keeps_its_time(place: Place) -> None:
    """The lease of a step that waits for its frontier is renewed."""
    with place.opened(graph, max_sleep_secs=20) as store, place.opened(graph) as second:
        users, _ = st.actions(store, graph)
        first = second.next_time(lease_secs=60)
        waiting = store.next_time(lease_secs=5)
        done = threading.Event()

        def wait() -> None:
            with place.opened(graph, max_sleep_secs=20) as third:
                readings = st.actions(third, graph)[1]
                readings.insert(reading(1, 1), time=st.Time(waiting, first))
                done.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert not done.wait(0.2)
        users.insert(ANN, time=st.Time(first, 0))
        thread.join(20)
        assert done.is_set()
        assert totals.zset(store) == ZSetPython({st.Pair(1, "Ann"): 1})


def test_many_workers_with_the_clock(place: Place) -> None:
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN)
    failures: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            with place.opened(graph, create_tables=False) as store:
                readings = st.actions(store, graph)[1]
                for serial in range(6):
                    t = store.next_time()
                    readings.insert(
                        reading(1, 1, day=10 * worker + serial), time=st.Time(t, t - 1, True)
                    )
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with place.opened(graph, create_tables=False) as store:
        assert totals.zset(store) == ZSetPython({st.Pair(24, "Ann"): 1})
        assert store.status().lag == 0
        assert place.read("SELECT * FROM stepping_times") == []


def test_waking_up_on_postgres(postgres_db: str) -> None:
    """Within a few milliseconds of the commit that is waited for, not at the next poll."""
    place = Place("postgres", postgres_db)
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN, time=st.Time(1, 0))
        woke: list[float] = []

        def wait() -> None:
            with place.opened(graph, create_tables=False) as second:
                readings = st.actions(second, graph)[1]
                for t in range(3, 40, 2):
                    second.engine.wait(second.plan.kept, st.Time(t, t - 1))
                    woke.append(clock.perf_counter())
                    readings.insert(reading(1, 1), time=st.Time(t, t - 1))

        thread = threading.Thread(target=wait)
        thread.start()
        committed = []
        readings = st.actions(store, graph)[1]
        for t in range(2, 40, 2):
            store.engine.wait(store.plan.kept, st.Time(t, t - 1))
            clock.sleep(0.03)  # longer than the polls of a wait that has begun
            readings.insert(reading(1, 1), time=st.Time(t, t - 1))
            committed.append(clock.perf_counter())
        thread.join(20)
        latencies = sorted(b - a for a, b in zip(committed, woke, strict=True))
        assert latencies[len(latencies) // 2] < 0.005, latencies


def test_what_a_waiting_step_is_told_is_not_kept(postgres_db: str) -> None:
    """psycopg keeps notifications until somebody asks for them: ours must not pile up, and the
    application's must be there.
    """
    place = Place("postgres", postgres_db)
    with place.opened(graph) as store, place.opened(graph) as other:
        connection = store.driver.connection
        connection.execute("LISTEN application")
        users = st.actions(store, graph)[0]
        for t in range(2, 8, 2):
            waiting = threading.Thread(
                target=users.insert, args=(ANN,), kwargs={"time": st.Time(t, t - 1)}
            )
            waiting.start()
            clock.sleep(0.05)
            other.driver.connection.execute("NOTIFY application, 'hello'")
            st.actions(other, graph)[0].insert(BOB, time=st.Time(t - 1, t - 2))
            waiting.join(20)
        found = [(n.channel, n.payload) for n in connection.notifies(timeout=0.2)]
        assert found == [("application", "hello")] * 3
