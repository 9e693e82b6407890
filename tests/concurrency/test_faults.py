"""Errors of the database in the middle of an iteration, and row functions that raise."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from stepping.runtime import stages
from stepping.runtime.engine import Engine
from tests.support.place import Place
from tests.support.shop import ANN, BOB, User, graph, reading, totals

pytestmark = pytest.mark.usefixtures("each_stage_alone")


def at_stage(monkeypatch: pytest.MonkeyPatch, stage: int, act: Callable[[Any], None]) -> None:
    """Do something once inside of the transaction of a stage, counted from 1; 0 is before it."""
    keep = Engine.part
    calls = -1

    def part(engine: Engine, *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == stage:
            act(engine)
        return keep(engine, *args, **options)

    monkeypatch.setattr(Engine, "part", part)


@pytest.fixture
def postgres(postgres_db: str) -> Place:
    place = Place("postgres", postgres_db)
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN, BOB, time=st.Time(1, 0))
    return place


def raising(error: Exception) -> Callable[[Any], None]:
    def act(_: Any) -> None:
        raise error

    return act


@pytest.mark.parametrize("staged", [True, False])
@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize(
    "error", [psycopg.errors.DeadlockDetected("a"), psycopg.errors.SerializationFailure("b")]
)
def test_lost_transactions_are_run_again(
    postgres: Place,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    staged: bool,
    timed: bool,
) -> None:
    with postgres.opened(graph) as store:
        if staged and timed:
            at_stage(monkeypatch, 2, raising(error))
        else:
            lock, left = store.driver.lock, [error]

            def locked(*args: Any) -> Any:
                if left:
                    raise left.pop()
                return lock(*args)

            monkeypatch.setattr(store.driver, "lock", locked)
        time = st.Time(2, 1, staged) if timed else st.Time()
        (made,) = st.actions(store, graph)[1].insert(reading(1, 5), time=time)
        assert made == ZSetPython({st.Pair(5, "Ann"): 1})
        assert store.status().running == ()


@pytest.mark.parametrize("staged", [True, False])
def test_a_deadlock_with_the_application(postgres: Place, staged: bool) -> None:
    """Postgres ends the step, which has waited for longer; it is run again."""
    with postgres.opened(graph) as store, postgres.plain() as other:
        connection = store.driver.connection
        connection.execute("SET deadlock_timeout = '50ms'")
        other.execute("SET deadlock_timeout = '60s'")
        first, *_, last = store.plan.kept
        lock = "SELECT * FROM last_update WHERE table_name = %s FOR UPDATE"
        time = st.Time(2, 1, staged)

        def insert() -> None:
            (made,) = st.actions(store, graph)[0].insert(User(id=3, name="Cyd"), time=time)
            assert made == ZSetPython()

        thread = threading.Thread(target=insert)
        tries = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %s"
        with other.transaction():
            other.execute(lock, (last,))
            thread.start()
            while other.execute(tries, (connection.info.backend_pid,)).fetchone() == (0,):
                assert thread.is_alive()
            other.execute(lock, (first,))  # which the step has
        thread.join(20)
        assert not thread.is_alive()
        assert set(postgres.times().values()) == {2}
        assert store.status().running == ()


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_terminated_backend(postgres: Place, monkeypatch: pytest.MonkeyPatch, stage: int) -> None:
    def terminate(engine: Engine) -> None:
        pid = engine.driver.connection.info.backend_pid
        with postgres.plain() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    at_stage(monkeypatch, stage, terminate)
    with (
        pytest.raises(psycopg.OperationalError),
        postgres.opened(graph) as store,
    ):
        st.actions(store, graph)[1].insert(reading(1, 5), time=st.Time(2, 1, True))
    with postgres.opened(graph, max_sleep_secs=10) as store:
        st.actions(store, graph)[1].insert(reading(2, 1), time=st.Time(3, 0, True))
        expected = {st.Pair(1, "Bob"): 1}
        if stage > 1:  # something was committed: then all of it is
            expected[st.Pair(5, "Ann")] = 1
        assert dict(totals.zset(store).iter()) == expected
        assert store.status().running == ()


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
@pytest.mark.parametrize("staged", [True, False])
def test_timeouts_of_the_application(postgres: Place, setting: str, staged: bool) -> None:
    """The driver's error; nothing is written of the step, and the next one works."""
    with postgres.opened(graph) as store, postgres.plain() as other:
        before = postgres.contents(graph)
        store.driver.connection.execute(f"SET {setting} = 100")
        readings = st.actions(store, graph)[1]
        with other.transaction():
            other.execute("SELECT * FROM last_update FOR UPDATE")
            with pytest.raises(psycopg.OperationalError):
                readings.insert(reading(1, 5), time=st.Time(2, 1, staged))
        assert postgres.contents(graph) == before
        readings.insert(reading(1, 5), time=st.Time(2, 1, staged))
        assert dict(totals.zset(store).iter()) == {st.Pair(5, "Ann"): 1}


def test_timeout_behind_the_first_commit(postgres: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is finished by the next one, at once."""
    at_stage(
        monkeypatch,
        2,
        lambda engine: engine.driver.connection.execute(
            "SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)"
        ),
    )
    with postgres.opened(graph) as store:
        readings = st.actions(store, graph)[1]
        with pytest.raises(psycopg.errors.QueryCanceled):
            readings.insert(reading(1, 5), time=st.Time(2, 1, True))
        (left,) = store.status().running
        assert left.is_left
        readings.insert(reading(1, 1))
        assert dict(totals.zset(store).iter()) == {st.Pair(6, "Ann"): 1}
        assert store.status().running == ()


def picky(value: int) -> int:
    return int({499: "no number"}.get(value, value))  # a dict's get is no SQL: a Python step


def doubled(numbers: st.ZSet[int]) -> st.ZSet[int]:
    made = st.map(numbers, f=picky)
    _ = numbers_cache[made](lambda z: st.integrate(z))
    _ = input_cache[numbers](lambda z: st.integrate(z))
    return made


numbers_cache: st.Cache[int] = st.Cache(name="made")
input_cache: st.Cache[int] = st.Cache(name="given")
numbers_graph = st.compile(doubled)


@pytest.mark.parametrize("staged", [True, False])
def test_row_function_that_raises_on_the_500th_row(place: Place, staged: bool) -> None:
    """It fails before the first commit: nothing is written, and the time is not used."""
    with place.opened(numbers_graph) as store:
        (numbers,) = st.actions(store, numbers_graph)
        numbers.insert(1000, time=st.Time(1, 0, staged))
        before = place.contents(numbers_graph)
        with pytest.raises(ValueError, match="no number"):
            numbers.insert(*range(1000), time=st.Time(2, 1, staged))
        assert place.contents(numbers_graph) == before
        assert store.status().quarantined == store.status().running == ()
        numbers.insert(*range(499), time=st.Time(2, 1, staged))
        assert len(numbers_cache.zset(store)) == 500


def test_row_function_that_raises_behind_the_first_commit(place: Place) -> None:
    """It needs a table, so its stage comes later: the iteration is undone."""
    with place.opened(joined_graph) as store:
        left, right = st.actions(store, joined_graph)
        left.insert(499, 5, time=st.Time(1, 0, True))
        with pytest.raises(Exception, match="no number"):
            right.insert(5, 499, time=st.Time(2, 1, True))
        assert [each.time for each in store.status().quarantined] == [2]
        right.insert(5, time=st.Time(3, 2, True))
        assert dict(joined_cache.zset(store).iter()) == {5: 1}
        left.remove(499, time=st.Time(4, 3, True))
        store.retry(2)
        assert dict(joined_cache.zset(store).iter()) == {5: 2}


def joined(left: st.ZSet[int], right: st.ZSet[int]) -> st.ZSet[int]:
    both = st.join(left, right, on_left=st.Index.identity(int), on_right=st.Index.identity(int))
    made = st.map(both, f=lambda pair: picky(pair.right))
    _ = joined_cache[made](lambda z: st.integrate(z))
    return made


joined_cache: st.Cache[int] = st.Cache(name="joined")
joined_graph = st.compile(joined)


def test_someone_waits_when_a_worker_dies(postgres: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that waits finishes what was left, without a timeout."""
    advance = stages.StagedIteration.advance
    there, go = threading.Event(), threading.Event()

    def stopped(iteration: Any) -> None:
        if iteration.is_own and iteration.record.t == 2 and iteration.record.stage == 1:
            there.set()
            assert go.wait(20)
            iteration.driver.connection.close()
        advance(iteration)

    monkeypatch.setattr(stages.StagedIteration, "advance", stopped)

    def first() -> None:
        with (
            contextlib.suppress(psycopg.Error),
            postgres.opened(graph, create_tables=False) as store,
        ):
            st.actions(store, graph)[1].insert(reading(1, 5), time=st.Time(2, 1, True))

    def second() -> None:
        with postgres.opened(graph, create_tables=False) as store:
            st.actions(store, graph)[1].insert(reading(1, 7), time=st.Time(3, 2, True))

    threads = [threading.Thread(target=each) for each in (first, second)]
    threads[0].start()
    assert there.wait(20)
    threads[1].start()
    go.set()
    for thread in threads:
        thread.join(20)
    with postgres.opened(graph, create_tables=False) as store:
        assert dict(totals.zset(store).iter()) == {st.Pair(12, "Ann"): 1}
        assert set(postgres.times().values()) == {3}
