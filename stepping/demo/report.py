"""What the demo prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Table
from rich.text import Text

from stepping.compiler.zset import ZSet, ZSetPython, in_order
from stepping.demo.databases import SCHEMA, Database
from stepping.demo.query import BY_DAY, MOST_DELAYED, airline_days, routes
from stepping.runtime.store import StoreSQL

_SHOWN = 8


def heading(console: Console) -> None:
    console.print("[bold]Flights that left New York in January 2013[/]: how late they were")
    console.print()


def place(console: Console, where: str) -> None:
    line(console, "database", where)


def inputs(console: Console, flights: int, airlines: int, airports: int) -> None:
    line(console, "inputs", f"{flights:,} flights, {airlines:,} airlines, {airports:,} airports")


def line(console: Console, what: str, text: str) -> None:
    """One thing that was done."""
    console.print(f"  {what:<11}", end="", style="dim")
    console.print(Text(text), soft_wrap=True)


class _Rate(ProgressColumn):
    """Rows per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} rows/s")


class Bar:
    """A progress bar of rows; nothing where the output is no terminal."""

    def __init__(self, console: Console, rows: int) -> None:
        self._progress = Progress(
            TextColumn("  streaming "),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task("flights", total=rows)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance(self, rows: int) -> None:
        self._progress.advance(self._task, rows)


def loaded(console: Console, rows: int, batches: int, seconds: float) -> None:
    line(
        console,
        "streamed",
        f"{rows:,} flights in {batches} batches, one per day: {seconds:.2f} s, "
        f"{rows / seconds:,.0f} rows/s",
    )
    console.print()


def zset(console: Console, changes: ZSet[Any]) -> None:
    """A change as a table: the rows that went have the count -1."""
    rows = in_order(changes.iter())
    names = list(type(rows[0][0]).__dataclass_fields__) if rows else []
    _table(console, "", ["count", *names], ((n, *_values(row, names)) for row, n in rows))


def tables(console: Console, store: StoreSQL) -> None:
    """The first days, and the most delayed routes: read from the caches in index order."""
    kept_days, kept_routes = airline_days.zset(store), routes.zset(store)
    console.print()
    days = islice(kept_days.iter_by_index(BY_DAY), _SHOWN)
    _table(
        console,
        f"airline_days, by day and airline: {_SHOWN} of {len(kept_days):,}",
        ["day", "airline", "flights", "delay"],
        ((r.day, r.airline, r.flights, r.delay) for _, r, _ in days),
    )
    late = islice(kept_routes.iter_by_index(MOST_DELAYED), _SHOWN)
    _table(
        console,
        f"routes, the most delayed first: {_SHOWN} of {len(kept_routes):,}",
        ["origin", "dest", "delay"],
        ((r.origin, r.dest, r.delay) for _, r, _ in late),
    )


def _values(row: Any, names: Iterable[str]) -> Iterable[Any]:
    return (getattr(row, name) for name in names)


def _table(
    console: Console, title: str, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    shown = Table(title=title or None, title_justify="left")
    values = list(rows)
    for position, name in enumerate(names):
        numeric = all(isinstance(row[position], int) for row in values)
        shown.add_column(name, justify="right" if numeric else "left")
    for row in values:
        shown.add_row(*(f"{v:,}" if isinstance(v, int) else Text(str(v)) for v in row))
    console.print(shown)
    console.print()


@dataclass(frozen=True)
class Check:
    """What a cache holds, and what a recompute gives; each row has some totals."""

    cache: str
    totals: int
    kept: ZSetPython[Any]
    expected: ZSet[Any]


def compared(console: Console, checks: Sequence[Check], seconds: float) -> bool:
    """Say how what is kept compares with what was recomputed; returns whether all agree."""
    wrong = [check for check in checks if check.kept != check.expected]
    total = sum(len(check.expected) * check.totals for check in checks)
    rows = " and ".join(f"{len(check.expected):,} rows of {check.cache}" for check in checks)
    text = f"{total:,} totals in {rows}"
    if not wrong:
        console.print("[bold green]Checked[/]: ", end="")
        console.print(
            f"all {text} are what a full recompute in SQL gives, which took "
            f"{seconds * 1000:.0f} ms.",
            soft_wrap=True,
        )
        return True
    console.print("[bold red]WRONG[/]: ", end="")
    console.print(f"of {text} these are not what a full recompute gives:", soft_wrap=True)
    for check in wrong:
        console.print(f"{check.cache}: what is kept minus what is right")
        zset(console, check.kept - check.expected)
    return False


def next_steps(console: Console, database: Database, names: dict[str, str]) -> None:
    """Commands to type next, as they stand."""
    table = names["routes"]
    if database.dialect == "postgres":
        table = f"{SCHEMA}.{table}"
    # Shown, not run.
    select = f"SELECT origin, dest, delay FROM {table} ORDER BY delay DESC LIMIT 5"  # noqa: S608
    console.print()
    console.print("What to type next:")
    for command in (
        database.shell_schema(),
        database.shell(select),
        f"stepping explain stepping.demo:flights_query --dialect {database.dialect}",
        f"stepping ddl stepping.demo:flights_query --dialect {database.dialect}",
    ):
        console.print(Text(f"  {command}"), soft_wrap=True)
