"""Where the time of a step goes: its statements, what Postgres does in them, and its Python.

    python -m benchmarks.profile meter_reads --dialect sqlite --rows 100000 --batch 1000
    python -m benchmarks.profile meter_reads --competitor hand_written

Each part is measured in steps of its own, so that none pays for the other's measuring: first steps
without anything, then with the clock around each statement, then with samples of where Python is,
and on Postgres with the times of the plans.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tabulate import tabulate

from benchmarks import command, competitor
from benchmarks.command import New
from benchmarks.competitor import Competitor, Unavailable
from benchmarks.plan_times import PlanTimes
from benchmarks.report import number
from benchmarks.samples import Samples
from benchmarks.standard import COMPETITORS
from benchmarks.statement_times import Times, timed
from benchmarks.workload import Workload, all_workloads
from tests.support import postgres_server

SQL_WIDTH = 72
NAME_WIDTH = 40
NODES = 12
FUNCTIONS = 10
SAMPLED_SECS = 3.0
PASSES = 3  # of the steps of a round, for each part


@dataclass
class Profile:
    """What was measured of the steps of one event."""

    millis: float  # of a step, the median
    steps: int  # in which statements were timed
    seconds: float  # of one of these, the mean
    times: Times
    samples: Samples
    plans: PlanTimes | None = None
    served: Mapping[str, str] = field(default_factory=dict)  # operators, by statement


def profile(
    workload: Workload,
    name: str,
    dialect: str,
    new: New,
    rows: int,
    event: str,
    batch: int,
    clock: str = "wall",
    sampled_secs: float = SAMPLED_SECS,
) -> Profile:
    """Fill the tables, and measure steps of one size."""
    times = Times(time.thread_time if clock == "cpu" else time.perf_counter)
    number_of_steps = workload.steps(event, batch)
    seeds = iter(range(10**9))

    def steps(count: int) -> list[float]:
        changes = [workload.event(event, batch, f"profile {next(seeds)}") for _ in range(count)]
        taken = []
        for change in changes:
            start = times.clock()
            made.step(change)
            taken.append(times.clock() - start)
        return taken

    with new() as database, timed(dialect, times):
        made = competitor.get(name, workload, dialect, database)
        made.start()
        try:
            for change in workload.load(rows):
                made.fill(change)
            made.filled()
            made.settle()
            steps(number_of_steps)  # to warm up
            plain = [took for _ in range(PASSES) for took in steps(number_of_steps)]
            times.is_on = True
            watched = [took for _ in range(PASSES) for took in steps(number_of_steps)]
            times.is_on = False
            samples = Samples()
            until = time.monotonic() + sampled_secs
            while time.monotonic() < until:
                changes = [
                    workload.event(event, batch, f"sampled {next(seeds)}")
                    for _ in range(number_of_steps)
                ]
                with samples.taken():
                    for change in changes:
                        made.step(change)
            plans = None
            if dialect == "postgres":
                plans = PlanTimes()
                plans.start(made.connection)
                steps(number_of_steps)
            return Profile(
                statistics.median(plain) * 1e3,
                len(watched),
                statistics.fmean(watched),
                times,
                samples,
                plans,
                operators(made),
            )
        finally:
            made.close()


def operators(made: Competitor) -> dict[str, str]:
    """Which operator each statement of the library's plan serves."""
    plan = getattr(getattr(made, "store", None), "plan", None)
    return {
        statement.sql: f"{statement.operator} {statement.where}".strip()
        for step in (() if plan is None else plan.steps)
        for statement in step.statements
    }


def text(found: Profile) -> Iterator[str]:
    """The tables of a profile."""
    yield f"A step takes {number(found.millis)} ms (median)."
    yield statements(found)
    if found.plans is not None:
        yield from plans(found.plans)
    yield python(found.samples)


def statements(found: Profile) -> str:
    """A line for each statement, as the client sees it."""
    per_step = {sql: took / found.steps for sql, took in found.times.seconds.items()}
    whole = sum(per_step.values())
    lines = [
        [
            brief(sql),
            found.served.get(sql, ""),
            number(found.times.calls[sql] / found.steps),
            number(took * 1e6),
            f"{took / found.seconds:.1%}",
        ]
        for sql, took in sorted(per_step.items(), key=lambda item: -item[1])
    ]
    for title, took in (
        ("all statements", whole),
        ("Python between them", found.seconds - whole),
    ):
        lines.append([title, "", "", number(took * 1e6), f"{took / found.seconds:.1%}"])
    return table(lines, ["statement", "of", "calls a step", "µs a step", "share"])


def plans(found: PlanTimes) -> Iterator[str]:
    """The parts of the statements that take most inside of the server."""
    whole = max(found.millis.values(), default=0.0)  # a function's holds those in it
    for sql, millis in sorted(found.millis.items(), key=lambda item: -item[1]):
        runs = found.runs[sql]
        yield f"Inside of the server, {number(millis / runs * 1e3)} µs a run: {brief(sql)}"
        if millis < whole / 10:
            continue
        nodes = sorted(found.nodes[sql].items(), key=lambda item: -item[1])
        measured = sum(took for _, took in nodes)
        lines = [
            [
                brief(part, NAME_WIDTH),
                brief(node),
                number(took / runs * 1e3),
                f"{took / measured:.1%}",
            ]
            for (part, node), took in nodes[:NODES]
            if took
        ]
        yield table(lines, ["part", "node of the plan", "µs a run", "share"])


def python(samples: Samples) -> str:
    """Where this process was while the processor worked for it."""
    whole = sum(samples.seconds.values())
    places = sorted(samples.seconds.items(), key=lambda item: -item[1])
    lines = [[place, f"{took / whole:.1%}"] for place, took in places[:FUNCTIONS]]
    return table(lines, ["where the process is", f"share of {samples.count:,} samples"])


def brief(sql: str, width: int = SQL_WIDTH) -> str:
    """The beginning of a statement, on one line."""
    line = " ".join(sql.replace('"', "").split())
    return line if len(line) <= width else line[: width - 3] + "..."


def table(lines: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    texts = ("statement", "of", "part", "node of the plan", "where the process is")
    align = ["left" if header in texts else "right" for header in headers]
    return tabulate(lines, headers, disable_numparse=True, colalign=align)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = command.parser("benchmarks.profile", __doc__)
    add = parser.add_argument
    add("workload", choices=list(all_workloads()))
    add("--rows", type=int, default=100_000, help="stored before")
    add("--batch", type=int, default=1_000, help="rows of a change")
    add("--event", help="which change of the workload; the first by default")
    add("--competitor", choices=COMPETITORS, default="stepping")
    add("--clock", choices=["wall", "cpu"], default="wall", help="cpu: of this process alone")
    given = parser.parse_args(arguments)
    workload = all_workloads()[given.workload]
    event = given.event or workload.events[0]
    if event not in workload.events:
        parser.error(f"{given.workload} has no change {event!r}: {', '.join(workload.events)}")
    batch = given.batch if workload.in_batches else 1
    try:
        for dialect in given.dialect:
            with command.new_databases(dialect, given.postgres) as new:
                found = profile(
                    *(workload, given.competitor, dialect, new),
                    *(given.rows, event, batch, given.clock),
                )
            print(
                f"\n{given.competitor} on {dialect}: {workload.title}\n"
                f"{event}, {batch:,} rows a step, {given.rows:,} rows stored"
            )
            for part in text(found):
                print(f"\n{part}", flush=True)
    except (Unavailable, postgres_server.ServerError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
