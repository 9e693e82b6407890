"""Where the tables of a query stand, who is at work on them, and what has been put aside."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stepping.dialects.driver import Driver
from stepping.dialects.iterations import QUARANTINED, RUNNING, Iterations, Record
from stepping.runtime.catalog import all_installed, installed


@dataclass(frozen=True)
class RunningIteration:
    """An iteration that is written in part: ``stage`` of its ``stages`` are committed."""

    time: int
    stage: int
    stages: int
    worker: str  # empty if nobody is at work: whoever comes next finishes it
    begun_at: datetime.datetime

    @property
    def is_left(self) -> bool:
        """Whether nobody is at work on it."""
        return not self.worker


@dataclass(frozen=True)
class QuarantinedIteration:
    """An iteration that failed because of its input, and was undone. Its input is kept."""

    time: int
    error: str
    begun_at: datetime.datetime


@dataclass(frozen=True)
class QuarantinedChange:
    """A queued change that could not be folded in: its number, and why."""

    id: int
    error: str
    enqueued_at: datetime.datetime


@dataclass(frozen=True)
class Status:
    """What `store.status()` returns.

    ``tables``: the time up to which each kept table is written. ``given_times``: times that
    ``next_time()`` gave out, that may yet be used: nothing later is written, and their lease has
    not ended. ``queued``: how many changes wait in the queue; ``quarantined_changes``: those that
    `drain` has set aside. ``stale``: why the results of a captured query with ``on_error="stale"``
    are no longer kept up to date, if they are not.
    """

    query: str
    tables: Mapping[str, int]
    stale: str = field(default="", kw_only=True)
    running: tuple[RunningIteration, ...] = ()
    quarantined: tuple[QuarantinedIteration, ...] = ()
    given_times: tuple[int, ...] = ()
    queued: int = 0
    quarantined_changes: tuple[QuarantinedChange, ...] = ()

    @property
    def time(self) -> int:
        """The latest time that any table has reached."""
        return max(self.tables.values(), default=0)

    @property
    def lag(self) -> int:
        """How far the last table is behind the first, in times; 0 when nothing is under way."""
        return self.time - min(self.tables.values(), default=0)

    def __str__(self) -> str:
        lines = [f"query {self.query}: time {self.time}, lag {self.lag}"]
        width = max((len(name) for name in self.tables), default=0)
        lines += [f"  {name:<{width}}  {t}" for name, t in sorted(self.tables.items())]
        if self.stale:
            lines.append(f"  stale: {self.stale}; `stepping repair` computes it again")
        for each in self.running:
            who = each.worker or "nobody; whoever comes next finishes it"
            since = f"{each.begun_at:%Y-%m-%d %H:%M:%S} UTC"
            lines.append(
                f"  time {each.time} is at stage {each.stage} of {each.stages} since {since}: {who}"
            )
        for left in self.quarantined:
            lines.append(f"  time {left.time} is quarantined: {left.error}")
        if self.given_times:
            given = ", ".join(str(t) for t in self.given_times)
            lines.append(f"  given out and not used yet: {given}")
        if self.queued:
            lines.append(f"  queue: {self.queued} changes wait")
        for change in self.quarantined_changes:
            first, *_ = change.error.splitlines()
            lines.append(f"  queued change {change.id} is quarantined: {first}")
        return "\n".join(lines)


def all_of(driver: Driver, query: str | None = None) -> list[Status]:
    """The status of each query that is installed in a database, or of the one of this name."""
    found = list(all_installed(driver).values()) if query is None else [installed(driver, query)]
    return [status_of(driver, each.query, each.manifest().kept) for each in found]


def status_of(driver: Driver, query: str, tables: Sequence[str]) -> Status:
    """The status of a query with these tables."""
    with driver.reading():
        iterations = driver.iterations
        standing = driver.standing(tables)
        passed = max(standing.values(), default=0)  # no step can take a time up to there
        records = iterations.records(query)
        return Status(
            query,
            dict(standing),
            tuple(_running(each, iterations) for each in records if each.state == RUNNING),
            tuple(
                QuarantinedIteration(each.t, each.error or "", _at(each))
                for each in records
                if each.state == QUARANTINED
            ),
            tuple(
                each.t
                for each in iterations.given(query)
                if each.t > passed and not each.is_void and not each.is_over
            ),
            driver.queue.count(query),
            tuple(
                QuarantinedChange(entry, error, at)
                for entry, _, at, error, _ in driver.queue.failed(query)
            ),
        )


def _running(record: Record, iterations: Iterations) -> RunningIteration:
    worker = "" if iterations.is_dead(record) else (record.worker or "").partition(" ")[2]
    return RunningIteration(record.t, record.stage, record.stages, worker, _at(record))


def _at(record: Record) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(record.begun_at, datetime.UTC)
