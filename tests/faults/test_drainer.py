"""Drainers that are killed: what was queued is folded in once, and nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from functools import partial
from itertools import count
from typing import Any

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.concurrency.killed import run_and_kill
from tests.docs.page import ROOT
from tests.support.place import Place
from tests.support.shop import ANN, BOB, graph, reading, totals

NOTHING: ZSetPython[Any] = ZSetPython()


def expected(total: int) -> ZSetPython[Any]:
    return ZSetPython({st.Pair(total, "Ann"): 1}) if total else ZSetPython()


def drain_twice(store: Any) -> None:
    store.drain(limit=2)
    store.drain(limit=100)


def test_killed_at_every_statement(place: Place) -> None:
    """Each state that a dead drainer can leave is one from which the next goes on."""
    total = 0
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(ANN)
    for at in count(1):
        with place.opened(graph, create_tables=False) as store:
            users, readings = st.actions(store, graph)
            for value in (1, 2, 3):
                readings.enqueue([reading(1, value, day=at)])
                total += value
            users.enqueue(remove=[BOB])
        was_killed = run_and_kill(place, graph, drain_twice, at)
        with place.opened(graph, create_tables=False) as store:
            # What is not in the results is in the queue.
            left = sum(
                row.value * n
                for _, _, packed in store.queue.table.peek("shop", 0, 1000)
                for row, n in store.queue.packing.unpack(packed).get("readings", ())
            )
            assert sum(pair.left * n for pair, n in totals.zset(store).iter()) + left == total
            assert was_killed or not store.queued()
            store.drain()
            assert totals.zset(store) == expected(total)
            (bad,) = store.quarantined()
            store.drop_queued(bad.id)
        if not was_killed:
            break
    assert at > 15  # it was killed at as many statements


@pytest.mark.usefixtures("each_stage_alone")
def test_a_worker_died_half_way_in_front_of_it(place: Place) -> None:
    """The drain finishes what another worker has left, and then does its own."""
    t = total = 0
    left_half_done = 0
    for at in count(8, 4):
        with place.opened(graph) as store:
            users, readings = st.actions(store, graph)
            if not t:
                users.insert(ANN, time=st.Time(1, 0))
                t = 1
            readings.enqueue([reading(1, 1, day=at)])
        t += 1
        change = (NOTHING, ZSetPython({reading(1, 1000, day=at): 1}))
        insert = partial(st.iteration, graph=graph, inputs=change, time=st.Time(t, 0, True))
        was_killed = run_and_kill(place, graph, insert, at)
        with place.opened(graph, max_sleep_secs=10) as store:
            left_half_done += len(store.status().running)
            assert store.drain().changes == 1
            assert store.status().running == ()
            found = sum(pair.left * n for pair, n in totals.zset(store).iter())
            assert found - total in (1, 1001)  # the iteration, or nothing of it
            total = found
            if not was_killed:
                break
    assert left_half_done > 1


def test_the_command_goes_on_after_it_was_killed(place: Place) -> None:
    command = [sys.executable, "-c", "from stepping.cli import main; main()", "drain"]
    command += ["tests.support.shop:graph", "--db", place.where, "--watch", "--limit", "7"]
    with place.opened(graph) as store:
        users, readings = st.actions(store, graph)
        users.insert(ANN)
        total = 0

        def enqueue(seconds: float) -> None:
            nonlocal total
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                total += 1
                readings.enqueue([reading(1, 1, day=total)])

        for last in (False, True):
            drainer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            try:
                assert drainer.stdout is not None
                enqueue(0.01)
                assert drainer.stdout.readline()  # it is at work
                enqueue(0.05)
                if not last:
                    drainer.kill()
                    continue
                deadline = time.monotonic() + 20
                while store.queued() and time.monotonic() < deadline:
                    time.sleep(0.01)
                assert totals.zset(store) == expected(total)
                # It waits now, and is woken.
                enqueue(0.001)
                while store.queued() and time.monotonic() < deadline:
                    time.sleep(0.01)
                assert totals.zset(store) == expected(total)
                drainer.send_signal(signal.SIGTERM)
                assert drainer.wait(10) == 0
            finally:
                drainer.kill()
                drainer.wait()
                assert drainer.stdout is not None
                drainer.stdout.close()


@pytest.mark.parametrize("dies", ["drainer", "server"])
def test_nothing_is_lost_with_an_open_transaction(postgres_db: str, dies: str) -> None:
    """The step and the deletion are one transaction: whoever ends it ends both."""
    place = Place("postgres", postgres_db)
    with place.opened(graph) as store, place.opened(graph) as other:
        users, _ = st.actions(store, graph)
        users.enqueue([ANN])
        other.driver.connection.execute("BEGIN")
        assert other.drain().changes == 1
        if dies == "drainer":
            other.driver.connection.close()
        else:
            pid = other.driver.connection.info.backend_pid
            store.driver.connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
            deadline = time.monotonic() + 10
            while not store.drain() and time.monotonic() < deadline:
                time.sleep(0.01)
            return
        assert store.drain().changes == 1
