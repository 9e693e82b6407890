"""Measure what a change of an input costs, as a multiple of what others need for the same.

    python -m benchmarks.run                                  all workloads, both databases
    python -m benchmarks.run meter_reads --dialect sqlite --rows 100000
    python -m benchmarks.run --quick                          does everything work?
    python -m benchmarks.run --compare before.json after.json
    python -m benchmarks.run --document results.json          writes docs/performance.md's tables

Every figure is a ratio of costs that were measured in turns in one run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import databases, document, report, results
from benchmarks.competitor import Unavailable
from benchmarks.lane import LaneError
from benchmarks.measure import Settings, Tell, WrongResult, measure
from benchmarks.workload import Workload, all_workloads
from tests.support import postgres_server

COMPETITORS = ("floor", "hand_written", "stepping", "recompute", "original", "pg_ivm")
DIALECTS = ("sqlite", "postgres")


def main(arguments: list[str] | None = None) -> int:
    """The command; returns 1 if a result was wrong or a competitor failed."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.compare:
        before, after = (results.load(path)[1] for path in given.compare)
        print(report.compared(before, after, given.clock))
        return 0
    if given.document:
        document.write(given.document, given.clock)
        return 0
    workloads = all_workloads()
    for name in given.workload:
        if name not in workloads:
            parser.error(f"there is no workload {name!r}: {', '.join(workloads)}")
    if given.quick:
        given.batches, given.rows, given.rounds = (1, 100), (1_000,), 2
    try:
        failed = measure_all([workloads[name] for name in given.workload or workloads], given)
    except postgres_server.ServerError as error:
        print(error, file=sys.stderr)
        return 1
    for name in failed:
        print(f"FAILED: {name}", file=sys.stderr)
    return 1 if failed else 0


def measure_all(workloads: list[Workload], given: argparse.Namespace) -> list[str]:
    """Measure and print all that was asked for; returns what failed."""
    failed = []
    runs: list[results.Run] = []
    about = machine()
    print(", ".join(about.values()), flush=True)
    for dialect in given.dialect:
        with postgres(given.postgres) if dialect == "postgres" else contextlib.nullcontext() as url:
            for workload in workloads:
                for rows in sizes(workload, given):
                    settings = Settings(
                        dialect=dialect,
                        rows=rows,
                        batches=(1, 1_000) if workload.by_size else given.batches,
                        against=given.against,
                        rounds=given.rounds,
                        postgres=url,
                        check_rows=200 if given.quick else 2_000,
                        slow=given.slow,
                    )
                    shown = ", ".join(f"{size:,}" for size in rows)
                    name = f"{workload.name} on {dialect}, {shown} rows"
                    try:
                        run = measure(workload, settings, _teller(name))
                    except Unavailable as reason:
                        print(f"\n{name} is left out. {reason}", file=sys.stderr)
                        continue
                    except (WrongResult, LaneError) as error:
                        print(error, file=sys.stderr)
                        failed.append(name)
                        continue
                    runs.append(run)
                    print(f"\n{run.title}\n{run.version}, {shown} rows\n")
                    print(report.text(run, clock=given.clock), flush=True)
                    if given.json:
                        results.save(given.json, about, runs)
    return failed


def sizes(workload: Workload, given: argparse.Namespace) -> list[tuple[int, ...]]:
    """The sizes of each run of a workload: one run for all where it compares them."""
    if workload.by_size:
        return [(200, 400) if given.quick else tuple(given.rows or workload.sizes)]
    return [(rows,) for rows in given.rows or (10_000, 100_000)]


@contextlib.contextmanager
def postgres(url: str | None) -> Iterator[str]:
    """The server that was named, or one with its files on disk and the settings of a careful one.

    But for synchronous_commit, which is off: else a batch of one row measures the disk.
    """
    if url is not None:
        yield url
        return
    servers = postgres_server.servers()
    if not servers:
        raise postgres_server.ServerError("no Postgres server was found; name one with --postgres")
    settings = postgres_server.SETTINGS | databases.POSTGRES_SETTINGS
    with (
        tempfile.TemporaryDirectory(prefix="stepping-bench-") as folder,
        postgres_server.running(servers[0], Path(folder), settings, in_memory=False) as found,
    ):
        yield found


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


def _numbers(given: str) -> tuple[int, ...]:
    return tuple(int(part.replace("_", "")) for part in given.split(","))


def _choice(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def names(given: str) -> tuple[str, ...]:
        found = tuple(given.split(","))
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return found

    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("workload", nargs="*", help=f"of {', '.join(all_workloads())}; all by default")
    add("--batches", type=_numbers, default=(1, 100, 1_000, 10_000), help="rows of a change")
    add("--rows", type=_numbers, help="stored before; 10000,100000 by default")
    add("--rounds", type=int, default=9, help="turns of each competitor")
    add("--dialect", type=_choice(DIALECTS), default=DIALECTS, help="sqlite,postgres by default")
    add("--against", type=_choice(COMPETITORS), default=COMPETITORS, help=",".join(COMPETITORS))
    add("--slow", action="store_true", help="also those that take very long at this size")
    add("--clock", choices=["wall", "cpu"], default="wall", help="cpu: where others are at work")
    add("--postgres", metavar="URL", help="a server to use in place of one that is started")
    add("--quick", action="store_true", help="small tables and two rounds, to see that it works")
    add("--json", type=Path, metavar="FILE", help="write all rounds to a file")
    add("--compare", type=Path, nargs=2, metavar="FILE", help="two such files")
    add("--document", type=Path, nargs="+", metavar="FILE", help="write such files to docs/")
    return parser


if __name__ == "__main__":
    sys.exit(main())
