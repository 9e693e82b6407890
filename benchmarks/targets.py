"""What this library is to reach, and whether it did: computed from results, never written by hand.

A target is missed by what it is dearer than allowed, or slower than wanted, in per cent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tabulate import tabulate

from benchmarks.report import OURS, number
from benchmarks.results import Lane, Results, Round, Run, key, millis_per_step, ratio

BATCHES = (1, 100, 1_000, 10_000)
ROWS = 100_000
DATABASES = {"sqlite": "SQLite", "postgres": "Postgres"}

# For a change of so many rows as BATCHES says.
PLAIN: dict[str, Sequence[float]] = {"sqlite": (3, 4, 4, 4), "postgres": (3, 4.5, 5, 6.5)}
BY_HAND: dict[str, Sequence[float]] = {
    "sqlite": (1.25, 1.15, 1.15, 1.15),
    "postgres": (1.25, 1.25, 1.25, 1.25),
}
ORIGINAL: dict[str, Sequence[float]] = {"sqlite": (20, 10, 14, 28), "postgres": (12, 24, 31, 35)}
PG_IVM: dict[tuple[str, str], Sequence[float]] = {
    ("meter_reads", "any order"): (2.5, 2, 3.5, 15),
    ("meter_reads_in_order", "order of time"): (2.5, 1.4, 2, 1),
}
GROWTH = 1.3


@dataclass(frozen=True)
class Target:
    """One figure: what it is to be, and what it is."""

    limit: float
    measured: float | None  # None: not in these results
    at_least: bool = False
    unit: str = ""

    @property
    def missed_by(self) -> float | None:
        """By which share it is missed; None if it is met, or was not measured."""
        if self.measured is None:
            return None
        share = self.measured / self.limit - 1
        if self.at_least:
            share = 1 - self.measured / self.limit
        return share if share > 0 else None

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        wanted = f"{sign} {self.limit:g}{self.unit}"
        if self.measured is None:
            return f"not measured ({wanted})"
        found = f"{number(self.measured)}{self.unit}"
        missed = self.missed_by
        return (
            f"{found} ({wanted})" if missed is None else f"**{found}** ({wanted}; by {missed:.0%})"
        )


@dataclass(frozen=True)
class Row:
    """A target with a figure for each size of a change, or for the whole."""

    what: str
    targets: tuple[Target, ...]


def by_batch(results: Results, clock: str = "wall") -> Iterator[Row]:
    """The targets that depend on how many rows a change has."""
    for dialect, limits in PLAIN.items():
        found = run_of(results, "meter_reads", dialect)
        what = f"{DATABASES[dialect]}: cost, as a multiple of a plain insert's"
        yield Row(what, over(found, "floor", limits, clock))
    for dialect, limits in BY_HAND.items():
        for workload, title in (("meter_reads", "meter reads"), ("star", "star")):
            found = run_of(results, workload, dialect)
            what = f"{DATABASES[dialect]}, {title}: cost, as a multiple of the pipeline by hand's"
            yield Row(what, over(found, "hand_written", limits, clock))
    for dialect, limits in ORIGINAL.items():
        found = run_of(results, "meter_reads", dialect)
        what = f"{DATABASES[dialect]}: times faster than stepping 0.0.3"
        yield Row(what, over(found, "original", limits, clock, at_least=True))
    for (workload, order), limits in PG_IVM.items():
        found = run_of(results, workload, "postgres")
        what = f"Postgres: times faster than pg_ivm, {order}"
        yield Row(what, over(found, "pg_ivm", limits, clock, at_least=True))
    for dialect, database in DATABASES.items():
        what = f"{database}: cost of a row at 1M over that at 100k, beyond a plain insert's"
        yield Row(what, growth(results, dialect, clock))


def single(results: Results, clock: str = "wall") -> Iterator[Row]:
    """The targets that are one figure."""
    for dialect, limit in (("sqlite", 1.0), ("postgres", 2.5)):
        stored = sizes(run_of(results, "meter_reads", dialect))
        what = f"{DATABASES[dialect]}: size of the database over that of the plain tables"
        yield Row(what, (Target(limit, stored),))
    for dialect, database in DATABASES.items():
        more = renaming(run_of(results, "fan_out_unused", dialect), clock)
        what = f"{database}: renaming a row with {ROWS:,} matches whose name nothing reads, more "
        yield Row(what + "than a one-row insert", (Target(1, more, unit=" ms"),))
    for name, shown, limit in (
        ("compile", "compiling a query of ten operators", 100),
        ("open a store", "opening a store on an installed query", 20),
        ("import stepping", "`import stepping`", 150),
    ):
        for dialect, database in DATABASES.items():
            found = [
                each for each in results.starts if (each.name, each.dialect) == (name, dialect)
            ]
            if name == "import stepping" and dialect != "sqlite":
                continue  # the same
            what = shown if name == "import stepping" else f"{database}: {shown}"
            took = found[0].millis(clock) if found else None
            yield Row(what, (Target(limit, took, unit=" ms"),))


def run_of(results: Results, workload: str, dialect: str) -> Run | None:
    """The run of a workload with the size that the targets name."""
    for run in results.runs:
        if (run.workload, run.dialect) == (workload, dialect) and ROWS in run.sizes:
            return run
    return None


def over(
    run: Run | None,
    name: str,
    limits: Sequence[float],
    clock: str,
    *,
    at_least: bool = False,
) -> tuple[Target, ...]:
    """Our cost as a multiple of a competitor's, for each batch; or theirs of ours."""
    ours = None if run is None else run.lane(OURS, ROWS)
    theirs = None if run is None else run.lane(name, ROWS)
    targets = []
    for batch, limit in zip(BATCHES, limits, strict=True):
        pair = both(ours, theirs, key("insert", batch))
        found = None
        if pair is not None:
            found = ratio(pair[1], pair[0], clock) if at_least else ratio(*pair, clock)
        targets.append(Target(limit, found, at_least))
    return tuple(targets)


def both(
    a: Lane | None, b: Lane | None, found: str
) -> tuple[Sequence[Round], Sequence[Round]] | None:
    if a is None or b is None or found not in a.rounds or found not in b.rounds:
        return None
    return a.rounds[found], b.rounds[found]


def growth(results: Results, dialect: str, clock: str) -> tuple[Target, ...]:
    run = run_of(results, "growth", dialect)
    targets = []
    for batch in BATCHES:
        found = None
        if run is not None:
            ours = both(run.lane(OURS, 10 * ROWS), run.lane(OURS, ROWS), key("insert", batch))
            plain = both(
                run.lane("floor", 10 * ROWS), run.lane("floor", ROWS), key("insert", batch)
            )
            if ours and plain:
                found = ratio(*ours, clock) / ratio(*plain, clock)
        targets.append(Target(GROWTH, found))
    return tuple(targets)


def sizes(run: Run | None) -> float | None:
    ours = None if run is None else run.lane(OURS, ROWS)
    plain = None if run is None else run.lane("floor", ROWS)
    return None if ours is None or plain is None else ours.stored / plain.stored


def renaming(run: Run | None, clock: str) -> float | None:
    ours = None if run is None else run.lane(OURS, ROWS)
    pair = both(ours, ours, key("rename", 1))
    if ours is None or pair is None:
        return None
    insert = millis_per_step(ours.rounds[key("insert", 1)], clock)
    return millis_per_step(pair[0], clock) - insert


def table(rows: Sequence[Row], headers: Sequence[str], format_: str) -> str:
    lines = [[row.what, *map(str, row.targets)] for row in rows]
    align = ("left", *("right" for _ in headers[1:]))
    return tabulate(lines, headers, tablefmt=format_, disable_numparse=True, colalign=align)


def text(results: Results, clock: str = "wall", format_: str = "github") -> str:
    """All targets as two tables, and how many are met."""
    first, second = list(by_batch(results, clock)), list(single(results, clock))
    all_ = [target for row in (*first, *second) for target in row.targets]
    known = [target for target in all_ if target.measured is not None]
    met = sum(target.missed_by is None for target in known)
    said = f"{met} of {len(known)} targets are met"
    if len(known) < len(all_):
        said += f"; {len(all_) - len(known)} were not measured here"
    batches = [f"{batch:,}" for batch in BATCHES]
    return "\n\n".join(
        [
            f"{said}. In brackets is what is wanted. A figure that misses it is bold, with by how "
            "much: so many per cent dearer than allowed, or slower than wanted.",
            table(first, ["rows in a change", *batches], format_),
            table(second, ["", "measured"], format_),
        ]
    )
