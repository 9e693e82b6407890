"""Measure one workload on one database: check everybody, fill the tables, then take turns."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.competitor import Unavailable
from benchmarks.lane import Lane, lane
from benchmarks.results import Round, Run
from benchmarks.workload import Workload

WARM_UP_ROUNDS = 2
LARGE_BATCH = 10_000  # such rounds make the tables grow: one to warm up, and fewer to measure
LARGE_BATCH_ROUNDS = 5
FEWEST_ROUNDS = 3
WARM_UP_SECS = 10.0
BUDGET_SECS = 90.0  # for the rounds of one batch size; then the fewest are enough

Tell = Callable[[str], None]
Start = Callable[[str, int], AbstractContextManager[Lane]]


class WrongResult(Exception):
    """A competitor's result is not that of a full recompute: nothing is timed."""


@dataclass(frozen=True)
class Settings:
    """What is measured, and against whom."""

    dialect: str
    rows: tuple[int, ...]  # more than one only where a workload compares sizes
    batches: tuple[int, ...]
    against: tuple[str, ...]
    rounds: int
    postgres: str | None = None  # the URL of the server's maintenance database
    check_rows: int = 2_000
    budget: float = BUDGET_SECS  # for the rounds of one batch size
    slow: bool = False  # also those that take very long to fill a large table


@dataclass(frozen=True)
class Checked:
    """Who gives what a full recompute gives, and why others were left out."""

    names: tuple[str, ...]
    version: str  # of the database
    skipped: tuple[str, ...]


def measure(workload: Workload, settings: Settings, checked: Checked, tell: Tell) -> Run:
    """Those of a workload's competitors on one database that were checked, in turns."""
    run = Run(workload.name, workload.title, settings.dialect, checked.version)
    names = [name for name in checked.names if name in settings.against]
    run.skipped = [each for each in checked.skipped if each.partition(":")[0] in settings.against]
    with contextlib.ExitStack() as stack:
        start = stack.enter_context(starting(workload, settings))
        lanes: list[Lane] = []
        for rows in settings.rows:
            for name in names:
                started = stack.enter_context(start(name, rows))
                most = started.most_rows
                if most is not None and rows > most and not settings.slow:
                    run.skipped.append(f"{name} at {rows:,} rows: takes long; --slow runs it")
                    continue
                lanes.append(started)
        fill(lanes, tell)
        run.lanes = [results.Lane(each.name, each.title, each.rows, each.stored) for each in lanes]
        for event in workload.events:
            for batch in settings.batches if workload.in_batches else (1,):
                tell(f"{event}, {batch:,} a step" if workload.in_batches else event)
                take_turns(lanes, run.lanes, workload, event, batch, settings)
        for each, measured in zip(lanes, run.lanes, strict=True):
            measured.peak = each.ask("memory")["peak"]
        same_contents(lanes, "at the end")
    return run


@contextlib.contextmanager
def starting(workload: Workload, settings: Settings) -> Iterator[Start]:
    """Starts lanes of a workload by their names, with rows to come."""
    with tempfile.TemporaryDirectory(prefix="stepping-bench-") as folder:
        yield lambda name, rows: lane(
            workload.name,
            name,
            settings.dialect,
            rows,
            postgres=settings.postgres,
            folder=Path(folder),
        )


def fill(lanes: Sequence[Lane], tell: Tell) -> None:
    """Fill all lanes, as many at once as there are cores: nothing is timed yet."""

    def load(each: Lane) -> None:
        tell(f"filling {each.name} with {each.rows:,} rows")
        each.stored = each.ask("load", rows=each.rows)["bytes"]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(load, lanes))
    same_contents(lanes, "after the tables were filled")


def take_turns(
    lanes: Sequence[Lane],
    measured: Sequence[results.Lane],
    workload: Workload,
    event: str,
    batch: int,
    settings: Settings,
) -> None:
    """Rounds A B C, A B C, ...; the first ones warm up and do not count."""
    found: list[list[Round]] = [[] for _ in lanes]
    steps, rounds = workload.steps(event, batch), settings.rounds
    warm_up = WARM_UP_ROUNDS
    if batch >= LARGE_BATCH:
        warm_up, rounds = 1, min(rounds, LARGE_BATCH_ROUNDS)
    start = time.monotonic()
    number = -warm_up
    while number < rounds:
        if number >= FEWEST_ROUNDS and time.monotonic() - start > settings.budget:
            break
        for each, taken in zip(lanes, found, strict=True):
            answer = each.ask(
                "round", event=event, batch=batch, seed=f"{event}/{batch}/{number}", steps=steps
            )
            if number >= 0:
                taken.append(Round(**answer))
        # One is enough to warm up where a round takes long.
        number = max(number + 1, 0) if time.monotonic() - start > WARM_UP_SECS else number + 1
    for result, taken in zip(measured, found, strict=True):
        result.rounds[results.key(event, batch)] = taken


def check(workload: Workload, settings: Settings, tell: Tell) -> Checked:
    """Let all competitors run small changes; each must give what a full recompute gives."""
    tell("checking against a full recompute")
    expected: dict[tuple[str, ...], Any] = {}
    version, skipped, names = "", [], []
    with starting(workload, settings) as start:

        def mixed(name: str, inputs: tuple[str, ...] | None) -> tuple[tuple[str, ...], Any]:
            """Add to, take from and replace in these inputs, or in all that can be changed."""
            nonlocal version
            with start(name, settings.check_rows) as started:
                changed = started.changeable if inputs is None else inputs
                version = started.version
                return changed, started.ask("mixed", rows=settings.check_rows, inputs=changed)

        for name in settings.against:
            if workload.against is not None and name not in workload.against:
                continue
            if name == "pg_ivm" and settings.dialect != "postgres":
                continue
            try:
                inputs, found = mixed(name, None)
            except Unavailable as reason:
                skipped.append(str(reason))
                tell(f"left out: {reason}")
                continue
            names.append(name)
            if inputs not in expected:
                expected[inputs] = mixed("recompute", inputs)[1]
            for what, digest in found.items():
                wanted = expected[inputs][what]
                if digest is not None and digest != wanted:
                    raise WrongResult(
                        f"{name}'s {what} in {workload.name} on {settings.dialect} differ from "
                        f"those of a full recompute:\n{digest}\n{wanted}"
                    )
    if not names:
        raise Unavailable(f"nobody is measured: {'; '.join(skipped)}")
    return Checked(tuple(names), version, tuple(skipped))


def same_contents(lanes: Sequence[Lane], when: str) -> None:
    """All of one size that store the result store the same."""
    for rows in dict.fromkeys(each.rows for each in lanes):
        found = {each.name: each.ask("contents")["contents"] for each in lanes if each.rows == rows}
        stored = {name: digest for name, digest in found.items() if digest is not None}
        if len({digest["sha256"] for digest in stored.values()}) > 1:
            raise WrongResult(f"{when} the results differ: {stored}")
