"""Where the tables of a query stand, who is at work on them, and what has been put aside."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from stepping.compiler.plan.capture import DEFERRED
from stepping.compiler.plan.manifest import Manifest
from stepping.dialects.driver import Driver
from stepping.dialects.identifiers import quoted
from stepping.dialects.iterations import QUARANTINED, RUNNING, Iterations, Record
from stepping.runtime.catalog import all_installed, installed
from stepping.runtime.drift import damage, unguarded

MOST_COUNTED = 10_000  # rows that wait


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
    are no longer kept up to date, if they are not. ``incomplete``: triggers of the tables that it
    follows that are gone or switched off: what is written there goes by unseen until
    `store.repair()`, or `stepping repair`, makes them again. ``waiting``: how many rows of each
    input of a captured query are not folded in, counted up to `MOST_COUNTED`; ``refreshed_at``:
    when it was last refreshed, where the database knows.
    """

    query: str
    tables: Mapping[str, int]
    stale: str = field(default="", kw_only=True)
    incomplete: tuple[str, ...] = field(default=(), kw_only=True)
    waiting: Mapping[str, int] = field(default_factory=dict, kw_only=True)
    refreshed_at: datetime.datetime | None = field(default=None, kw_only=True)
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
        if waits := {name: count for name, count in self.waiting.items() if count}:
            counts = ", ".join(f"{name} {counted(count)}" for name, count in waits.items())
            lines.append(f"  changed rows that wait: {counts}")
        elif self.waiting:
            lines.append("  nothing waits")
        if self.refreshed_at is not None:
            at = self.refreshed_at
            ago = datetime.timedelta(
                seconds=round((datetime.datetime.now(at.tzinfo) - at).total_seconds())
            )
            lines.append(
                f"  refreshed {max(ago, datetime.timedelta())} ago, at {at:%Y-%m-%d %H:%M:%S} UTC"
            )
        if self.stale:
            lines.append(f"  stale: {self.stale}; `stepping repair` computes it again")
        lines += (f"  incomplete: {what}" for what in self.incomplete)
        if self.incomplete:
            lines.append(
                "  what was done since then may not be in its results: `stepping repair "
                f"{self.query}` makes the triggers again, and computes them"
            )
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
    manifests = [each.manifest() for each in found]
    return [status_of(driver, each) for each in manifests]


def counted(count: int) -> str:
    return f"{count:,}" if count < MOST_COUNTED else f"at least {count:,}"


def status_of(driver: Driver, manifest: Manifest) -> Status:
    """The status of a query that is installed."""
    query, capture = manifest.query, manifest.capture
    if capture is None:
        return _status_of(driver, query, manifest.kept)
    found = Status(query, {})  # nobody feeds it steps
    with driver.reading():
        words, read = driver.capturing, driver.read
        lost = (*damage(driver, manifest), *unguarded(driver, manifest))
        found = replace(found, stale=words.error(read, query), incomplete=lost)
        if capture.refresh != DEFERRED:
            return found
        waiting = {each.name: _waiting(driver, each.waiting) for each in capture.inputs}
        return replace(found, waiting=waiting, refreshed_at=words.refreshed_at(read, query))


def _waiting(driver: Driver, view: str) -> int:
    """How many rows wait, counted as far as it is cheap."""
    rows = f"SELECT 1 FROM {quoted(view)} LIMIT {MOST_COUNTED}"  # noqa: S608
    ((count,),) = driver.read(f"SELECT count(*) FROM ({rows}) AS r")  # noqa: S608
    return int(count)


def _status_of(driver: Driver, query: str, tables: Sequence[str]) -> Status:
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
