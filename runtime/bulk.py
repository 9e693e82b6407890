"""How far an insert of many rows is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager


@contextmanager
def reporting(
    progress: bool | Callable[[int], None], name: str, rows: Iterable[object]
) -> Iterator[Callable[[int], None]]:
    """What is told how many rows there are after each batch."""
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda total: None
    else:
        with shown(name, len(rows) if isinstance(rows, Sized) else None) as show:
            yield show


@contextmanager
def shown(name: str, expected: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, and at the end a line with the rate."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    began, done = time.monotonic(), 0

    def words() -> str:
        rate = done / max(time.monotonic() - began, 1e-6)
        return f"{name}: {done:,} rows, {rate:,.0f} rows/s"

    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(words(), total=expected)

        def show(total: int) -> None:
            nonlocal done
            done = total
            bar.update(task, completed=total, description=words())

        yield show
    console.print(words())
