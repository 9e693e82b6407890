"""A worker in a process of its own that is killed at its n-th statement."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

import psycopg

from tests.support.place import Place

FORK = multiprocessing.get_context("fork")


def run_and_kill(place: Place, graph: Any, act: Callable[[Any], object], statement: int) -> bool:
    """Run ``act(store)`` in another process that gets SIGKILL when it is about to run, or on
    Postgres has just run, its n-th statement. Returns whether it got that far.
    """
    child = FORK.Process(target=_child, args=(place, graph, act, statement))
    child.start()
    child.join(60)
    assert child.exitcode in (0, -signal.SIGKILL), child.exitcode
    return child.exitcode != 0


def _child(place: Place, graph: Any, act: Callable[[Any], object], statement: int) -> None:
    with place.connect() as connection:
        store = place.store(connection, graph, create_tables=False)
        count = 0

        def seen() -> None:
            nonlocal count
            count += 1
            if count == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        if place.name == "sqlite":
            connection.set_trace_callback(lambda _: seen())
        else:
            after = statement % 2 == 0
            wait = psycopg.Connection.wait

            def counted(self: Any, *args: Any, **options: Any) -> Any:
                if not after:
                    seen()
                found = wait(self, *args, **options)
                if after:
                    seen()
                return found

            psycopg.Connection.wait = counted  # type: ignore[method-assign]
        act(store)
    os._exit(0)
