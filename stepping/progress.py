"""How far a migration or a verification is, on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from stepping.runtime.apply import Done
from stepping.runtime.verify import JoinProbe

_WORTH_SAYING = 0.1  # seconds


@contextmanager
def shown() -> Iterator[Callable[[Done], None]]:
    """A bar of the statements that are done; of rows, while they are read in batches.

    Behind a statement that wrote rows, and behind the batches, how many and how many per second.
    """
    with bar() as (console, progress, task):
        state = Rate()

        def show(done: Done) -> None:
            if done.to_read:
                state.batch(done, progress, task)
                return
            if done.step.kind == "batch":
                return
            if state.rows:
                console.print(state.total())
                state.rows = 0
            note = done.step.note
            progress.update(task, total=done.total, completed=done.number, description=note)
            if not done.step.sql.startswith("INSERT") or done.seconds < _WORTH_SAYING:
                return
            if done.rows > 0:
                rate = done.rows / max(done.seconds, 1e-6)
                console.print(f"{done.rows:,} rows in {done.seconds:.1f} s ({rate:,.0f} rows/s)")

        yield show


@contextmanager
def looked() -> Iterator[Callable[[JoinProbe], None]]:
    """A bar of the rows of a table that are compared, with how many per second."""
    with bar() as (_, progress, task):
        started: dict[str, float] = {}

        def show(found: JoinProbe) -> None:
            began = started.setdefault(found.what, time.monotonic())
            words = found.what
            seconds = time.monotonic() - began
            if not words.startswith("computing ") and seconds > 0:
                rate = found.done / seconds
                words += f": {found.done:,} of {found.total:,} rows compared, {rate:,.0f} rows/s"
                words += f", {left_shown((found.total - found.done) / max(rate, 1))} left"
            progress.update(task, total=found.total, completed=found.done, description=words)

        yield show


@contextmanager
def bar() -> Iterator[tuple[Console, Progress, TaskID]]:
    """A bar on standard error, gone at the end; nothing where that is no terminal."""
    console = Console(stderr=True, highlight=False)
    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    progress = Progress(*columns, console=console, transient=True)
    # Where nothing is drawn it would leave an empty line.
    with progress if console.is_interactive else nullcontext():
        yield console, progress, progress.add_task("", total=None)


class Rate:
    """How quickly rows are read since the first of them were, and how long the rest will take."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.first = 0  # rows that an attempt before had read
        self.rows = 0

    def batch(self, done: Done, progress: Progress, task: TaskID) -> None:
        if not self.rows:
            self.started = time.monotonic() - done.seconds
            self.first = done.read - done.batch
        self.rows = done.read
        total = max(done.to_read, done.read)
        words = f"{done.read:,} of {total:,} rows read, {self.per_second():,.0f} rows/s"
        words += f", {left_shown((total - done.read) / self.per_second())} left"
        progress.update(task, total=total, completed=done.read, description=words)

    def per_second(self) -> float:
        seconds = max(time.monotonic() - self.started, 1e-6)
        return max(self.rows - self.first, 1) / seconds

    def total(self) -> str:
        seconds = time.monotonic() - self.started
        rows = self.rows - self.first
        return f"{rows:,} rows read in {seconds:.1f} s ({self.per_second():,.0f} rows/s)"


def left_shown(seconds: float) -> str:
    """A time as a person says it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
