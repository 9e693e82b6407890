"""`stepping status`, `retry` and `drop`: an operator sees what is stuck, and deals with it."""

from __future__ import annotations

import os
import re
import threading
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner, Result

import stepping as st
from stepping.cli import main
from stepping.compiler.zset import ZSetPython
from stepping.runtime import stages
from tests.concurrency.killed import run_and_kill
from tests.support.place import Place
from tests.support.shop import ANN, graph, reading, totals

HUGE = 2**62  # two of them do not fit in 64 bits
QUERY = "tests.support.shop:graph"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def quarantine(store: Any, t: int) -> None:
    change = (reading(1, HUGE, day=t), reading(1, HUGE, day=-t))
    with pytest.raises(st.RowError):
        st.actions(store, graph)[1].insert(*change, time=st.Time(t, 0, True))


def test_retry_and_drop(place: Place) -> None:
    with place.opened(graph) as store:
        users, _ = st.actions(store, graph)
        users.insert(ANN, time=st.Time(1, 0))
        for t in (2, 3):
            quarantine(store, t)
        shown = run("status", "--db", place.where)
        assert shown.exit_code == 0
        for t in (2, 3):
            assert f"time {t} is quarantined: the sum sum_right_value does not fit" in shown.output

        # It fails as it did, and stays where it is.
        before = place.contents(graph)
        shown = run("retry", "--db", place.where, QUERY, "2")
        assert shown.exit_code == 1
        assert "64 bits" in shown.output
        assert place.contents(graph) == before
        assert [each.time for each in store.status().quarantined] == [2, 3]

        users.remove(ANN)  # now nobody's readings are added up
        shown = run("retry", "--db", place.where, QUERY, "2")
        assert (shown.exit_code, shown.output) == (0, "time 2 is written\n")
        shown = run("drop", "--db", place.where, "shop", "3")
        assert (shown.exit_code, shown.output) == (0, "time 3 is dropped\n")
        assert "quarantined" not in run("status", "--db", place.where, QUERY).output
        readings = store.plan.step(frozenset({"readings"})).stages[0][2]
        ((kept,),) = place.read(f'SELECT sum(c) FROM "{readings[0]}"')  # noqa: S608
        assert kept == 2  # what was run again, and nothing of what was dropped


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("retry", QUERY, "7"), "nothing of the query 'shop' is quarantined at time 7"),
        (("drop", "shop", "7"), "nothing of the query 'shop' is quarantined at time 7"),
        (("drop", "absent", "2"), "nothing of the query 'absent' is quarantined at time 2"),
    ],
)
def test_what_is_not_there(place: Place, arguments: tuple[str, ...], said: str) -> None:
    with place.opened(graph):
        pass
    command, *others = arguments
    shown = run(command, "--db", place.where, *others)
    assert shown.exit_code == 1
    assert said in shown.output
    assert "stepping status" in shown.output


def test_an_iteration_cannot_be_dropped_while_it_is_at_work(
    place: Place, each_stage_alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = stages.StagedIteration.advance
    there, go = threading.Event(), threading.Event()

    def paused(iteration: Any) -> None:
        if iteration.record.stage == 1:
            there.set()
            assert go.wait(20)
        advance(iteration)

    monkeypatch.setattr(stages.StagedIteration, "advance", paused)
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN)

    def work() -> None:
        with place.opened(graph, create_tables=False) as store:
            st.actions(store, graph)[1].insert(reading(1, 5), time=st.Time(1, 0, True))

    worker = threading.Thread(target=work)
    worker.start()
    assert there.wait(20)
    shown = run("status", "--db", place.where).output
    dropped = run("drop", "--db", place.where, "shop", "1")
    go.set()
    worker.join(20)
    assert re.search(rf"time 1 is at stage 1 of \d since .* UTC: process {os.getpid()} ", shown)
    assert dropped.exit_code == 1
    assert "at stage" not in run("status", "--db", place.where).output
    with place.opened(graph, create_tables=False) as store:
        assert totals.zset(store) == ZSetPython({st.Pair(5, "Ann"): 1})


def test_what_a_dead_worker_has_left_is_shown(place: Place, each_stage_alone: None) -> None:
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN)
    change: Any = (ZSetPython(), ZSetPython({reading(1, 5): 1}))
    insert = partial(st.iteration, graph=graph, inputs=change, time=st.Time(1, 0, True))
    for statement in range(12, 60, 3):
        assert run_and_kill(place, graph, insert, statement), "it was never killed half way"
        shown = run("status", "--db", place.where).output
        if "at stage" in shown:
            break
    assert "nobody; whoever comes next finishes it" in shown, shown
    with place.opened(graph, create_tables=False, max_sleep_secs=10) as store:
        st.actions(store, graph)[1].insert(reading(1, 1))
        assert totals.zset(store) == ZSetPython({st.Pair(6, "Ann"): 1})
    assert "at stage" not in run("status", "--db", place.where).output
