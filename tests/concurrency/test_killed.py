"""kill -9 of a worker at each statement of an iteration: nothing is lost, nothing is stuck."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.concurrency.killed import run_and_kill
from tests.support.place import Place, sqlite_place
from tests.support.shop import ANN, BOB, Reading, User, graph, reading, totals, users_cache

Changes = tuple[ZSetPython[User], ZSetPython[Reading]]


def changed(store: Any, change: Changes, time: st.Time) -> Any:
    return st.iteration(store, graph, change, time)


def caches(store: Any) -> tuple[dict[Any, int], dict[Any, int]]:
    return dict(totals.zset(store).iter()), dict(users_cache.zset(store).iter())


def meaning(changes: list[Changes]) -> tuple[dict[Any, int], dict[Any, int]]:
    store = st.StorePython.from_graph(graph)
    for change in changes:
        st.iteration(store, graph, change)
    return caches(store)


def child_change(kind: str, serial: int) -> Changes:
    user = User(id=100 + serial, name=f"n{serial % 3}")
    rows = {reading(1, serial): 1, reading(2, serial, day=2): 2}
    return ZSetPython({user: 1} if "u" in kind else {}), ZSetPython(rows if "r" in kind else {})


def parent_change(serial: int) -> Changes:
    return ZSetPython({}), ZSetPython({reading(1 + serial % 2, 1000): 1})


def kept_rows(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    found = place.contents(graph)
    del found["last_update"]
    return found


class Killing:
    """A store whose workers are killed, and the changes that it has taken."""

    def __init__(self, place: Place, store: Any) -> None:
        self.place, self.store, self.t, self.serial = place, store, 1, 0
        self.done: list[Changes] = [(ZSetPython({ANN: 1, BOB: 1}), ZSetPython({reading(1, 7): 1}))]
        st.iteration(store, graph, self.done[0], st.Time(1, 0))

    def at(self, statement: int, kind: str, *, staged: bool, next_timed: bool) -> bool:
        """Kill a worker at a statement and let another one come; whether it was killed."""
        self.serial += 1
        self.t += 1
        change, mine = child_change(kind, self.serial), parent_change(self.serial)
        act = partial(changed, change=change, time=st.Time(self.t, 0, staged))
        was_killed = run_and_kill(self.place, graph, act, statement)
        if next_timed:
            self.t += 1
        st.iteration(
            self.store, graph, mine, st.Time(self.t, 0, staged) if next_timed else st.Time()
        )
        found = caches(self.store)
        if found == meaning([*self.done, change, mine]):
            self.done.append(change)
        else:
            assert was_killed, "an iteration that reported success is lost"
            assert found == meaning([*self.done, mine]), statement
        self.done.append(mine)
        return was_killed

    def check_end(self) -> None:
        """The last one finishes all there is, and every table is what it would be without this."""
        self.t += 1
        st.iteration(self.store, graph, parent_change(1), st.Time(self.t, 0))
        self.done.append(parent_change(1))
        assert self.place.recorded("stepping_iterations") == []
        assert self.place.recorded("stepping_journal") == []
        assert set(self.place.times().values()) == {self.t}


@pytest.mark.parametrize(
    ("alone", "staged", "next_timed", "kind", "every"),
    [
        (True, True, True, "r", 1),
        (True, True, False, "ur", 1),
        (True, True, True, "u", 2),
        (False, True, True, "ur", 3),
        (False, False, True, "ur", 4),
    ],
)
def test_at_each_statement(
    place: Place,
    request: pytest.FixtureRequest,
    alone: bool,
    staged: bool,
    next_timed: bool,
    kind: str,
    every: int,
    sqlite_path: Path,
) -> None:
    if alone:
        request.getfixturevalue("each_stage_alone")
    with place.opened(graph, max_sleep_secs=10) as store:
        killing = Killing(place, store)
        statement = 1
        while killing.at(statement, kind, staged=staged, next_timed=next_timed):
            statement += every
        assert statement > 6
        killing.check_end()
    if place.name == "sqlite":
        again = sqlite_place(sqlite_path.with_name("again.db"))
        with again.opened(graph) as store:
            for change in killing.done:
                st.iteration(store, graph, change)
        assert kept_rows(again) == kept_rows(place)
