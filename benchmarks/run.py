"""Measure what a change of an input costs, as a multiple of what others need for the same.

    python -m benchmarks.run --standard                       writes docs/performance.md: 25 minutes
    python -m benchmarks.run                                  all workloads at length: hours
    python -m benchmarks.run meter_reads --dialect sqlite --rows 100000
    python -m benchmarks.run --quick                          does everything work?
    python -m benchmarks.run --compare before.json after.json
    python -m benchmarks.run --document results.json          writes docs/performance.md's tables
    python -m benchmarks.run --targets results.json           what is met, and by how much not

Every figure is a ratio of costs that were measured in turns in one run. `startup` is no workload:
it measures how long a process takes to begin.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import command, document, report, results, standard, startup, targets
from benchmarks.command import choice, numbers
from benchmarks.competitor import Unavailable
from benchmarks.lane import BUILD, LaneError
from benchmarks.measure import Checked, Settings, Tell, WrongResult, check, measure
from benchmarks.results import Results
from benchmarks.standard import BATCHES, COMPETITORS, Ask
from benchmarks.workload import Workload, all_workloads
from tests.support import postgres_server

STARTUP = "startup"
STARTUP_ROUNDS = 9
STANDARD_FILE = BUILD / "benchmarks.json"


def main(arguments: list[str] | None = None) -> int:
    """The command; returns 1 if a result was wrong or a competitor failed."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.compare:
        before, after = (results.load(path).runs for path in given.compare)
        print(report.compared(before, after, given.clock))
        return 0
    if given.targets:
        print(targets.text(results.load(*given.targets), given.clock))
        return 0
    if given.document:
        document.write(given.document, given.clock)
        return 0
    known = [*all_workloads(), STARTUP]
    for name in given.workload:
        if name not in known:
            parser.error(f"there is no workload {name!r}: {', '.join(known)}")
    if given.standard and given.json is None:
        given.json = STANDARD_FILE
    try:
        failed = measure_all(given, asked(given))
    except postgres_server.ServerError as error:
        print(error, file=sys.stderr)
        return 1
    for name in failed:
        print(f"FAILED: {name}", file=sys.stderr)
    if given.standard and not given.workload:
        document.write([given.json], given.clock)
    return 1 if failed else 0


def asked(given: argparse.Namespace) -> list[Ask]:
    """The runs that the options ask for."""
    if given.standard:
        return [
            replace(ask, against=tuple(each for each in ask.against if each in given.against))
            for ask in standard.STANDARD
            if not given.workload or ask.workload in given.workload
        ]
    asks = []
    for name, workload in all_workloads().items():
        if given.workload and name not in given.workload:
            continue
        batches = (1, 100) if given.quick else given.batches
        asks += [Ask(name, rows, given.against, batches) for rows in sizes(workload, given)]
    return asks


def measure_all(given: argparse.Namespace, asks: Sequence[Ask]) -> list[str]:
    """Measure and print all that was asked for; returns what failed."""
    failed: list[str] = []
    found = Results(machine())
    print(", ".join(found.about.values()), flush=True)

    def save() -> None:
        if given.json:
            results.save(given.json, found)

    if not given.workload or STARTUP in given.workload:
        with contextlib.ExitStack() as stack:
            new = {
                dialect: stack.enter_context(command.new_databases(dialect, given.postgres))
                for dialect in given.dialect
            }
            found.starts = startup.measure(new, 1 if given.quick else STARTUP_ROUNDS)
            print(f"\nHow a process begins\n\n{report.starts(found.starts)}", flush=True)
            save()
    until = time.monotonic() + given.minutes * 60
    for number, dialect in enumerate(given.dialect if asks else ()):
        left = until - time.monotonic()
        mine = time.monotonic() + left / (len(given.dialect) - number)
        with server(dialect, given.postgres) as url:
            for run in runs(dialect, url, given, asks, mine, failed):
                found.runs.append(run)
                shown = ", ".join(f"{size:,}" for size in run.sizes)
                print(f"\n{run.title}\n{run.version}, {shown} rows\n")
                print(report.text(run, clock=given.clock), flush=True)
                save()
    if given.standard:
        print(f"\n{targets.text(found, given.clock)}", flush=True)
    return failed


def runs(
    dialect: str,
    url: str | None,
    given: argparse.Namespace,
    asks: Sequence[Ask],
    until: float,
    failed: list[str],
) -> Iterator[results.Run]:
    """Each run that was asked for; what a competitor gives is checked once for a workload.

    The standard ones share the time that there is until a moment.
    """
    workloads = all_workloads()
    checked: dict[str, Checked] = {}
    for number, ask in enumerate(asks):
        shown = ", ".join(f"{size:,}" for size in ask.rows)
        name = f"{ask.workload} on {dialect}, {shown} rows"
        settings = Settings(
            dialect=dialect,
            rows=ask.rows,
            batches=ask.batches,
            against=ask.against,
            rounds=2 if given.quick else given.rounds,
            postgres=url,
            slow=given.slow,
        )
        if given.quick:
            settings = replace(settings, check_rows=200)
        if given.standard:
            share = (until - time.monotonic()) / (len(asks) - number)
            if share < 0:
                print(f"\n{name} is left out: the time is over", file=sys.stderr)
                continue
            # Half of it is for filling tables and the like.
            budget = min(standard.BUDGET_SECS, share / 2 / len(ask.batches))
            settings = replace(settings, check_rows=standard.CHECK_ROWS, budget=budget)
        workload = workloads[ask.workload]
        try:
            if ask.workload not in checked:
                of = [each.against for each in asks if each.workload == ask.workload]
                everybody = tuple(dict.fromkeys(each for against in of for each in against))
                checked[ask.workload] = check(
                    workload, replace(settings, against=everybody), _teller(name)
                )
            yield measure(workload, settings, checked[ask.workload], _teller(name))
        except Unavailable as reason:
            print(f"\n{name} is left out. {reason}", file=sys.stderr)
        except (WrongResult, LaneError) as error:
            print(error, file=sys.stderr)
            failed.append(name)


@contextlib.contextmanager
def server(dialect: str, url: str | None) -> Iterator[str | None]:
    """The URL of a Postgres server; None for SQLite."""
    if dialect == "sqlite":
        yield None
        return
    with command.postgres(url) as found:
        yield found


def sizes(workload: Workload, given: argparse.Namespace) -> list[tuple[int, ...]]:
    """The sizes of each run of a workload: one run for all where it compares them."""
    if workload.by_size:
        return [(200, 400) if given.quick else tuple(given.rows or workload.sizes)]
    if given.quick:
        return [(1_000,)]
    return [(rows,) for rows in given.rows or (10_000, 100_000)]


def machine() -> dict[str, str]:
    """What the figures were measured on, and when."""
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    cores = len(_cores())
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{cores} cores of {processor}, {platform.system()}",
        "python": f"Python {platform.python_version()}",
    }


def _cores() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _teller(what: str) -> Tell:
    def tell(said: str) -> None:
        print(f"[{time.strftime('%H:%M:%S')}] {what}: {said}", file=sys.stderr)

    return tell


def _parser() -> argparse.ArgumentParser:
    parser = command.parser("benchmarks.run", __doc__)
    add = parser.add_argument
    known = ", ".join([*all_workloads(), STARTUP])
    add("workload", nargs="*", help=f"of {known}; all by default")
    add("--batches", type=numbers, default=BATCHES, help="rows of a change")
    add("--rows", type=numbers, help="stored before; 10000,100000 by default")
    add("--rounds", type=int, default=9, help="turns of each competitor")
    add("--against", type=choice(COMPETITORS), default=COMPETITORS, help=",".join(COMPETITORS))
    add("--slow", action="store_true", help="also those that take very long at this size")
    add("--clock", choices=["wall", "cpu"], default="wall", help="cpu: where others are at work")
    add("--quick", action="store_true", help="small tables and two rounds, to see that it works")
    add("--standard", action="store_true", help="what docs/performance.md shows, and write it")
    add("--minutes", type=float, default=standard.MINUTES, help="for --standard, 25 by default")
    add("--json", type=Path, metavar="FILE", help="write all rounds to a file")
    add("--compare", type=Path, nargs=2, metavar="FILE", help="two such files")
    add("--document", type=Path, nargs="+", metavar="FILE", help="write such files to docs/")
    add("--targets", type=Path, nargs="+", metavar="FILE", help="what such files say of targets")
    return parser


if __name__ == "__main__":
    sys.exit(main())
