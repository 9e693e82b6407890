"""`stepping drain`: fold queued changes in, and say how quickly."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stepping.database import opened
from stepping.errors import StoreError
from stepping.runtime.queue import Drained
from stepping.runtime.store import Store

_WAIT_SECS = 0.5  # after which it looks whether it was told to stop

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What the command was asked to do."""

    limit: int
    watch: bool
    retry: tuple[int, ...]
    drop: tuple[int, ...]


def drain_all(graph: Any, url: str, asked: Asked, tell: Tell) -> None:
    """Drain until the queue is empty, or with ``watch`` until SIGINT or SIGTERM."""
    with opened(url, graph) as store, _told_to_stop() as told:
        _take_back(store, asked)
        while not told:
            began = time.perf_counter()
            drained = store.drain(asked.limit, output=False)
            if drained:
                tell(_said(drained, time.perf_counter() - began, store.queued()))
            elif not asked.watch:
                break
            else:
                store.queue.table.wait(graph.name, _WAIT_SECS)
        quarantined = len(store.quarantined())
    if quarantined:
        tell(f"{quarantined} changes are in quarantine: see `stepping status`")


def _take_back(store: Store, asked: Asked) -> None:
    there = {each.id for each in store.quarantined()}
    absent = [str(each) for each in (*asked.retry, *asked.drop) if each not in there]
    if absent:
        raise StoreError(
            f"there is no change {', '.join(absent)} in quarantine",
            hint="`stepping status` shows those that are",
        )
    store.drop_queued(*asked.drop)
    store.retry_queued(*asked.retry)


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
