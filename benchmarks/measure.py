"""Measure one workload on one database: check everybody, fill the tables, then take turns."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
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
    slow: bool = False  # also those that take very long to fill a large table


def measure(workload: Workload, settings: Settings, tell: Tell) -> Run:
    """All competitors of a workload on one database, in turns."""
    run = Run(workload.name, workload.title, settings.dialect)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stepping-bench-")))

        def start(name: str, rows: int) -> Lane:
            return stack.enter_context(
                lane(
                    workload.name,
                    name,
                    settings.dialect,
                    rows,
                    postgres=settings.postgres,
                    folder=folder,
                )
            )

        names = check(workload, settings, folder, run, tell)
        if not names:
            raise Unavailable(f"nobody is measured: {'; '.join(run.skipped)}")
        lanes: list[Lane] = []
        for rows in settings.rows:
            for name in names:
                tell(f"filling {name} with {rows:,} rows")
                started = start(name, rows)
                most = started.most_rows
                if most is not None and rows > most and not settings.slow:
                    run.skipped.append(f"{name} at {rows:,} rows: takes long; --slow runs it")
                    continue
                started.stored = started.ask("load", rows=rows)["bytes"]
                lanes.append(started)
            same_contents(lanes, rows, "after the tables were filled")
        run.lanes = [results.Lane(each.name, each.title, each.rows, each.stored) for each in lanes]
        for event in workload.events:
            for batch in settings.batches if workload.in_batches else (1,):
                tell(f"{event}, {batch:,} a step" if workload.in_batches else event)
                steps = workload.steps(event, batch)
                take_turns(lanes, run.lanes, event, batch, steps, settings.rounds)
        for each, measured in zip(lanes, run.lanes, strict=True):
            measured.peak = each.ask("memory")["peak"]
        for rows in settings.rows:
            same_contents(lanes, rows, "at the end")
    return run


def take_turns(
    lanes: Sequence[Lane],
    measured: Sequence[results.Lane],
    event: str,
    batch: int,
    steps: int,
    rounds: int,
) -> None:
    """Rounds A B C, A B C, ...; the first ones warm up and do not count."""
    found: list[list[Round]] = [[] for _ in lanes]
    warm_up = WARM_UP_ROUNDS
    if batch >= LARGE_BATCH:
        warm_up, rounds = 1, min(rounds, LARGE_BATCH_ROUNDS)
    start = time.monotonic()
    number = -warm_up
    while number < rounds:
        if number >= FEWEST_ROUNDS and time.monotonic() - start > BUDGET_SECS:
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


def check(workload: Workload, settings: Settings, folder: Path, run: Run, tell: Tell) -> list[str]:
    """The names of those that can run; each must give what a full recompute gives."""
    tell("checking against a full recompute")
    expected: dict[tuple[str, ...], Any] = {}

    def mixed(name: str, inputs: tuple[str, ...] | None) -> tuple[tuple[str, ...], Any]:
        """Add to, take from and replace in these inputs, or in all that can be changed."""
        with lane(
            workload.name,
            name,
            settings.dialect,
            settings.check_rows,
            postgres=settings.postgres,
            folder=folder,
        ) as started:
            changed = started.changeable if inputs is None else inputs
            run.version = started.version
            return changed, started.ask("mixed", rows=settings.check_rows, inputs=changed)

    names = []
    for name in settings.against:
        if workload.against is not None and name not in workload.against:
            continue
        try:
            inputs, found = mixed(name, None)
        except Unavailable as reason:
            run.skipped.append(str(reason))
            tell(f"left out: {reason}")
            continue
        names.append(name)
        if inputs not in expected:
            expected[inputs] = mixed("recompute", inputs)[1]
        for what, digest in found.items():
            wanted = expected[inputs][what]
            if digest is not None and digest != wanted:
                raise WrongResult(
                    f"{name}'s {what} in {workload.name} on {settings.dialect} differ from those "
                    f"of a full recompute:\n{digest}\n{wanted}"
                )
    return names


def same_contents(lanes: Sequence[Lane], rows: int, when: str) -> None:
    """Everybody who stores the result stores the same."""
    found = {each.name: each.ask("contents")["contents"] for each in lanes if each.rows == rows}
    stored = {name: digest for name, digest in found.items() if digest is not None}
    if len({digest["sha256"] for digest in stored.values()}) > 1:
        raise WrongResult(f"{when} the results differ: {stored}")
