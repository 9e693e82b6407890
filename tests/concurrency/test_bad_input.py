"""An input that fails when its iteration is written in part: undone, put aside, passed over."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from stepping.runtime import recovery, stages
from tests.support.place import Place
from tests.support.shop import ANN, BOB, Reading, User, graph, reading, totals, users_cache

HUGE = 2**62  # two of them do not fit in 64 bits: an error of the second stage


def caches(store: Any) -> tuple[dict[Any, int], dict[Any, int]]:
    return dict(totals.zset(store).iter()), dict(users_cache.zset(store).iter())


@pytest.fixture(params=["alone", "together"])
def transactions(request: pytest.FixtureRequest) -> None:
    """Whether stages are committed together must make no difference to what becomes of an input."""
    if request.param == "alone":
        request.getfixturevalue("each_stage_alone")


@pytest.fixture
def store(place: Place) -> Iterator[Any]:
    with place.opened(graph, max_sleep_secs=10) as opened:
        users, readings = st.actions(opened, graph)
        users.insert(ANN, BOB, time=st.Time(1, 0, True))
        readings.insert(reading(1, 3), time=st.Time(2, 1, True))
        yield opened


@pytest.mark.usefixtures("transactions")
def test_it_is_undone_and_the_frontier_moves_on(place: Place, store: Any) -> None:
    _, readings = st.actions(store, graph)
    before = place.contents(graph)
    with pytest.raises(st.RowError, match="64 bits") as caught:
        readings.insert(reading(1, HUGE), reading(1, HUGE, day=2), time=st.Time(3, 2, True))
    assert "was undone" in str(caught.value)
    after = place.contents(graph)
    assert dict(after.pop("last_update")) == dict.fromkeys(store.plan.kept, 3)
    del before["last_update"]
    assert after == before
    (left,) = store.status().quarantined
    assert left.time == 3
    assert "64 bits" in left.error
    assert store.quarantined_input(3) == {
        "readings": ZSetPython({reading(1, HUGE): 1, reading(1, HUGE, day=2): 1})
    }
    # The next one waits for nothing.
    readings.insert(reading(1, 4), time=st.Time(4, 3, True))
    assert dict(totals.zset(store).iter()) == {st.Pair(7, "Ann"): 1}


@pytest.mark.usefixtures("each_stage_alone")
def test_retry_and_drop(store: Any) -> None:
    users, readings = st.actions(store, graph)
    for t in (3, 4):
        with pytest.raises(st.RowError):
            readings.insert(reading(1, HUGE), reading(1, HUGE, day=t), time=st.Time(t, 2, True))
    with pytest.raises(st.RowError, match="64 bits"):
        store.retry(3)
    assert [each.time for each in store.status().quarantined] == [3, 4]
    users.remove(ANN)  # now nobody's readings are added up
    (made,) = store.retry(3)
    assert made == ZSetPython({})
    store.drop(4)
    assert store.status().quarantined == ()
    with pytest.raises(st.StoreError, match="quarantined at time 4"):
        store.drop(4)


class Paused:
    """The iteration at a time waits behind its first stage until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, t: int) -> None:
        self.there, self.go = threading.Event(), threading.Event()
        advance = stages.StagedIteration.advance

        def paused(iteration: Any) -> None:
            if iteration.record.t == t and iteration.record.stage == 1 and iteration.is_own:
                self.there.set()
                assert self.go.wait(20)
            advance(iteration)

        monkeypatch.setattr(stages.StagedIteration, "advance", paused)


class Worker(threading.Thread):
    """One step in a thread with a store of its own."""

    def __init__(self, place: Place, change: dict[Any, int], time: st.Time) -> None:
        super().__init__()
        self.place, self.change, self.time = place, change, time
        self.made: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            with self.place.opened(graph, create_tables=False) as store:
                is_user = isinstance(next(iter(self.change)), User)
                both: list[Any] = [ZSetPython({}), ZSetPython({})]
                both[0 if is_user else 1] = ZSetPython(self.change)
                (self.made,) = st.iteration(store, graph, tuple(both), self.time)
        except BaseException as error:
            self.error = error


@pytest.mark.usefixtures("each_stage_alone")
def test_those_that_have_entered_behind_it(
    place: Place, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused = Paused(monkeypatch, 3)
    bad: dict[Reading, int] = {reading(1, HUGE): 1, reading(1, HUGE, day=2): 1}
    first = Worker(place, dict(bad), st.Time(3, 2, True))
    assert paused.there.wait(20)
    # It removes a row that is there, and adds one that the bad one has as well.
    behind = Worker(
        place, {reading(1, HUGE): 1, reading(1, 3): -1, reading(2, 8): 1}, st.Time(4, 2, True)
    )
    readings = next(name for name in store.plan.kept if "readings" in name)
    while place.times()[readings] != 4:
        assert behind.is_alive(), behind.error
    assert store.status().lag == 2
    paused.go.set()
    first.join(20)
    behind.join(20)
    assert isinstance(first.error, st.RowError)
    assert behind.error is None
    assert behind.made == ZSetPython(
        {st.Pair(3, "Ann"): -1, st.Pair(HUGE, "Ann"): 1, st.Pair(8, "Bob"): 1}
    )
    reference = st.StorePython.from_graph(graph)
    users_of, readings_of = st.actions(reference, graph)
    users_of.insert(ANN, BOB)
    readings_of.insert(reading(1, HUGE), reading(2, 8))
    assert caches(store) == caches(reference)
    assert set(place.times().values()) == {4}
    assert [each.time for each in store.status().quarantined] == [3]
    assert store.status().running == ()


@pytest.mark.usefixtures("each_stage_alone")
def test_a_worker_that_is_thought_dead(
    place: Place, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes nothing more, and still returns its output, which the other one left."""
    paused = Paused(monkeypatch, 3)
    slow = Worker(place, {reading(1, 5): 1}, st.Time(3, 2, True))
    assert paused.there.wait(20)
    (record,) = store.driver.iterations.records(store.plan.query)
    assert record.stage == 1
    (at_work,) = store.status().running
    assert f"process {os.getpid()}" in at_work.worker
    assert recovery.recover(store.engine, record)
    assert dict(totals.zset(store).iter()) == {st.Pair(8, "Ann"): 1}
    st.actions(store, graph)[1].insert(reading(1, 1), time=st.Time(4, 3, True))
    paused.go.set()
    slow.join(20)
    assert slow.error is None
    assert slow.made == ZSetPython({st.Pair(3, "Ann"): -1, st.Pair(8, "Ann"): 1})
    assert dict(totals.zset(store).iter()) == {st.Pair(9, "Ann"): 1}
    assert place.read("SELECT * FROM stepping_iterations") == []
    assert place.read("SELECT * FROM stepping_journal") == []


@pytest.mark.usefixtures("transactions")
def test_a_removed_row_that_is_not_there_fails_before_anything_is_committed(
    place: Place, store: Any
) -> None:
    _, readings = st.actions(store, graph)
    before = place.contents(graph)
    with pytest.raises(st.RowError, match="not there"):
        readings.remove(reading(2, 77), time=st.Time(3, 2, True))
    assert place.contents(graph) == before
    assert store.status().quarantined == ()
    readings.insert(reading(2, 77), time=st.Time(3, 2, True))
