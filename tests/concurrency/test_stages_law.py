"""The law of steps in stages: whatever some of them run into, none gets stuck, and the database
holds exactly the steps that succeeded.

Random steps with times, from several workers: good ones, ones whose rows make a later stage fail
when others have entered after them, ones that fail at once, ones that are committed as a whole,
and workers that vanish between two stages.
"""

from __future__ import annotations

import random
import threading
import time as clock
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from stepping.runtime import stages
from tests.support.place import Place, sqlite_place
from tests.support.sampled import LONG
from tests.support.shop import ANN, BOB, User, graph, reading, totals, users_cache

HUGE = 2**62  # two of them do not fit in 64 bits: an error of the second stage
WORKERS = 4
STEPS = 10
JOIN_SECS = 60.0

Changes = tuple[ZSetPython[Any], ZSetPython[Any]]
NOTHING: Changes = (ZSetPython({}), ZSetPython({}))


class Vanished(BaseException):
    """The worker is gone, and its connection with it."""


@dataclass
class Step:
    """A step at a time, and what became of it. ``pauses`` come before each of its stages."""

    t: int
    kind: str
    changes: Changes
    frontier: int
    staged: bool
    pauses: tuple[float, ...]
    vanishes_at: int  # the stage before which its worker vanishes
    begun: threading.Event = field(default_factory=threading.Event)
    made: Any = None
    error: BaseException | None = None

    @property
    def is_bad(self) -> bool:
        return self.kind in ("overflows", "absent")


def changes_of(kind: str, t: int, choice: random.Random) -> Changes:
    user = 1 + choice.randrange(2)
    if kind == "overflows":
        huge = {reading(user, HUGE, day=t): 1, reading(user, HUGE, day=-t): 1}
        return ZSetPython({}), ZSetPython(huge)
    if kind == "absent":
        return ZSetPython({}), ZSetPython({reading(user, 1000 + t): -1})
    rows = {reading(user, choice.randrange(100), day=t): 1}
    # A user whose readings are all there: it reads what a bad step may have written before it.
    other = {User(id=3 - user, name=f"n{t}"): 1}
    return choice.choice([(ZSetPython({}), ZSetPython(rows)), (ZSetPython(other), ZSetPython({}))])


def steps_of(choice: random.Random) -> list[Step]:
    kinds = ("good", "good", "good", "overflows", "overflows", "absent", "whole", "vanishes")
    found = []
    for t in range(2, 2 + STEPS):
        kind = choice.choice(kinds)
        found.append(
            Step(
                t,
                kind,
                changes_of(kind, t, choice),
                choice.choice([-1, -1, 1, t - 1]),
                kind != "whole",
                tuple(choice.choice([0.0, 0.0, 0.005, 0.03]) for _ in range(8)),
                1 + choice.randrange(2),
            )
        )
    return found


@pytest.fixture
def by_time(monkeypatch: pytest.MonkeyPatch) -> dict[int, Step]:
    """The steps that run, by their times: each pauses as it says, and tells when it has begun."""
    steps: dict[int, Step] = {}
    advance = stages.StagedIteration.advance

    def paced(iteration: Any) -> None:
        step = steps.get(iteration.record.t)
        if step is None or not iteration.is_own:
            advance(iteration)
            return
        clock.sleep(step.pauses[iteration.record.stage])
        if step.kind == "vanishes" and iteration.record.stage == step.vanishes_at:
            iteration.driver.connection.close()
            raise Vanished
        advance(iteration)
        step.begun.set()

    monkeypatch.setattr(stages.StagedIteration, "advance", paced)
    return steps


def run(place: Place, step: Step, before: Step | None) -> None:
    """One step, begun as soon as the one before it has: so that it does not come too late."""
    try:
        with place.opened(graph, create_tables=False, max_sleep_secs=20) as store:
            if before is not None:
                assert before.begun.wait(JOIN_SECS)
            time = st.Time(step.t, step.frontier, step.staged)
            try:
                (step.made,) = st.iteration(store, graph, step.changes, time)
            except st.RowError as error:
                step.error = error
                if "was undone" not in str(error):  # it has not begun: somebody must pass its time
                    st.iteration(store, graph, NOTHING, st.Time(step.t))
    except BaseException as error:
        step.error = error
    finally:
        step.begun.set()


class Workers:
    """Threads that take the steps in the order of their times."""

    def __init__(self, place: Place, steps: list[Step]) -> None:
        self.place, self.waiting = place, iter(list(zip(steps, [None, *steps], strict=False)))
        self.turn = threading.Lock()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(WORKERS)]

    def work(self) -> None:
        while True:
            with self.turn:
                both = next(self.waiting, None)
            if both is None:
                return
            run(self.place, *both)

    def finish(self) -> None:
        for thread in self.threads:
            thread.start()
        ends = clock.monotonic() + JOIN_SECS
        for thread in self.threads:
            thread.join(max(0.0, ends - clock.monotonic()))
            assert not thread.is_alive(), "a worker is stuck"


def caches(store: Any) -> tuple[dict[Any, int], dict[Any, int]]:
    return dict(totals.zset(store).iter()), dict(users_cache.zset(store).iter())


def rows_of(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    found = place.contents(graph)
    del found["last_update"]
    return found


FIRST: Changes = (ZSetPython({ANN: 1, BOB: 1}), ZSetPython({reading(1, 7): 1, reading(2, 8): 1}))


@pytest.fixture(params=["alone", "together"])
def transactions(request: pytest.FixtureRequest) -> None:
    if request.param == "alone":
        request.getfixturevalue("each_stage_alone")


@pytest.mark.usefixtures("transactions")
@pytest.mark.parametrize("seed", range(200 if LONG else 6))
def test_none_gets_stuck(place: Place, by_time: dict[int, Step], tmp_path: Path, seed: int) -> None:
    steps = steps_of(random.Random(seed))
    by_time.update({step.t: step for step in steps})
    with place.opened(graph) as store:
        st.iteration(store, graph, FIRST, st.Time(1, 0))
    Workers(place, steps).finish()
    for step in steps:
        wanted: Any = st.RowError if step.is_bad else type(None)
        if step.kind == "vanishes":
            wanted = Vanished | type(None)  # None where all stages were done together
        assert isinstance(step.error, wanted), f"{step.t}, {step.kind}: {step.error!r}"
    by_time.clear()
    t = steps[-1].t + 1
    with place.opened(graph, create_tables=False, max_sleep_secs=20) as store:
        last: Changes = (ZSetPython({}), ZSetPython({reading(1, 1, day=t): 1}))
        st.iteration(store, graph, last, st.Time(t, t - 1))
        done = [FIRST, *(step.changes for step in steps if not step.is_bad), last]
        found = caches(store)
        status = store.status()
    assert status.running == ()
    undone = [step.t for step in steps if "was undone" in str(step.error)]
    assert [each.time for each in status.quarantined] == undone
    assert set(place.times().values()) == {t}
    # A worker that has vanished may be slow, and ask for its outputs.
    vanished = {step.t for step in steps if step.kind == "vanishes"}
    left = place.read("SELECT t, name FROM stepping_journal")
    assert all(t in vanished and name.startswith("output") for t, name in left), left
    again = sqlite_place(tmp_path / "again.db")
    with again.opened(graph) as store:
        for change in done:
            st.iteration(store, graph, change)
        assert found == caches(store)
    if place.name == "sqlite":
        assert rows_of(place) == rows_of(again)
