"""`stepping drain`: fold queued changes in, and say how quickly."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stepping.database import opened
from stepping.runtime.queue import Drained

_WAIT_SECS = 0.5  # after which it looks whether it was told to stop

Tell = Callable[[str], None]


def drain_all(graph: Any, url: str, *, limit: int, watch: bool, tell: Tell) -> None:
    """Drain until the queue is empty, or with ``watch`` until SIGINT or SIGTERM."""
    with opened(url, graph) as store, _told_to_stop() as told:
        while not told:
            began = time.perf_counter()
            drained = store.drain(limit)
            if drained:
                tell(_said(drained, time.perf_counter() - began, store.queued()))
            elif not watch:
                break
            else:
                store.queue.table.wait(graph.name, _WAIT_SECS)
        quarantined = len(store.quarantined())
    if quarantined:
        tell(f"{quarantined} changes are in quarantine: see store.quarantined()")


def _said(drained: Drained, secs: float, left: int) -> str:
    text = f"{drained.changes} changes, {drained.rows} rows, {drained.rows / secs:,.0f} rows/s"
    if drained.quarantined:
        text += f"; {drained.quarantined} put in quarantine"
    return f"{text}; {left} changes wait"


@contextmanager
def _told_to_stop() -> Iterator[list[int]]:
    """A list that has something in it once the process was told to stop."""
    told: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda number, frame: told.append(number)) for each in signals]
    try:
        yield told
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)
