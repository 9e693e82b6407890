"""How far a migration is, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from stepping.runtime.apply import Done


@contextmanager
def shown() -> Iterator[Callable[[Done], None]]:
    """A bar of the statements that are done, and for each that wrote rows, how many per second."""
    console = Console(stderr=True, highlight=False)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def progress(done: Done) -> None:
            bar.update(task, total=done.total, completed=done.number, description=done.step.note)
            if done.rows > 0 and done.step.sql.startswith("INSERT"):
                rate = done.rows / max(done.seconds, 1e-6)
                console.print(f"{done.rows:,} rows in {done.seconds:.1f} s ({rate:,.0f} rows/s)")

        yield progress
