"""Results as text: for the terminal, and as Markdown for the documentation."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from tabulate import tabulate

from benchmarks.results import (
    Lane,
    Run,
    Start,
    batch_of,
    event_of,
    logged_per_row,
    micros_per_row,
    millis_per_step,
    ratio,
)
from benchmarks.workload import all_workloads

OURS = "stepping"


def text(run: Run, *, clock: str = "wall", format_: str = "simple") -> str:
    """All that was measured in a run, as tables."""
    parts = []
    if all_workloads()[run.workload].by_size:
        parts.append(by_size(run, clock, format_))
    else:
        parts += [costs(run, rows, clock, format_) for rows in run.sizes]
    parts.append(stored(run, format_))
    parts += [f"Left out: {reason}." for reason in run.skipped]
    return "\n\n".join(parts)


def costs(run: Run, rows: int, clock: str = "wall", format_: str = "simple") -> str:
    """A line for each change and competitor: what it costs, and ours as a multiple of that."""
    workload = all_workloads()[run.workload]
    ours = run.lane(OURS, rows)
    lanes = [each for each in run.lanes if each.rows == rows]
    lines = []
    for found in lanes[0].rounds:
        for lane in lanes:
            rounds = lane.rounds[found]
            line = [event_of(found)]
            if workload.in_batches:
                line += [f"{batch_of(found):,}", number(micros_per_row(rounds, clock))]
            line += [
                number(millis_per_step(rounds, clock)),
                lane.title,
                times(ours, lane, found, clock),
                times(lane, ours, found, clock),
            ]
            if run.dialect == "postgres":
                logged = logged_per_row(rounds)
                line.append("" if logged is None else f"{logged:,.0f}")
            lines.append(line)
    headers = ["change"]
    if workload.in_batches:
        headers += ["rows", "µs/row"]
    headers += ["ms", "", "ours / this", "this / ours"]
    if run.dialect == "postgres":
        headers.append("WAL B/row")
    return _table(lines, headers, format_)


def summary(run: Run, rows: int, clock: str = "wall", format_: str = "github") -> str:
    """A column for each change: what ours costs, and how much more or less than each other's."""
    workload = all_workloads()[run.workload]
    ours = run.lane(OURS, rows)
    assert ours is not None
    keys = list(ours.rounds)

    def cost(lane: Lane, found: str) -> str:
        rounds = lane.rounds[found]
        measured = micros_per_row if workload.in_batches else millis_per_step
        return number(measured(rounds, clock))

    lines = [["**stepping**, " + ("µs a row" if workload.in_batches else "ms")]]
    lines[0] += [f"**{cost(ours, each)}**" for each in keys]
    for lane in run.lanes:
        if lane is ours or lane.rows != rows:
            continue
        ratios = [ratio(lane.rounds[each], ours.rounds[each], clock) for each in keys]
        faster = statistics.median(ratios) > 1
        line = [f"times faster than {lane.title}" if faster else f"times the cost of {lane.title}"]
        for each, found in zip(keys, ratios, strict=True):
            line.append(f"{number(found if faster else 1 / found)} ({cost(lane, each)})")
        lines.append(line)
    headers = [f"{batch_of(each):,}" if workload.in_batches else event_of(each) for each in keys]
    headers = ["rows in a change" if workload.in_batches else "change", *headers]
    align = ("left", *("right" for _ in keys))
    return tabulate(lines, headers, tablefmt=format_, disable_numparse=True, colalign=align)


def by_size(run: Run, clock: str = "wall", format_: str = "simple") -> str:
    """A line for each batch and size: what a row costs, as a multiple of the smallest size's."""
    lines = []
    first = run.sizes[0]
    for found in run.lanes[0].rounds:
        for rows in run.sizes:
            line = [f"{batch_of(found):,}", f"{rows:,}"]
            for name in dict.fromkeys(each.name for each in run.lanes):
                lane, base = run.lane(name, rows), run.lane(name, first)
                line += [
                    "" if lane is None else number(micros_per_row(lane.rounds[found], clock)),
                    times(lane, base, found, clock),
                ]
            lines.append(line)
    headers = ["batch", "rows stored"]
    for name in dict.fromkeys(each.name for each in run.lanes):
        title = next(each.title for each in run.lanes if each.name == name)
        headers += [f"{title}, µs/row", f"× at {first:,}"]
    return _table(lines, headers, format_)


def stored(run: Run, format_: str = "simple") -> str:
    """What each competitor stored before the first round, its memory, and what it logged."""
    lines = []
    for lane in run.lanes:
        line = [f"{lane.rows:,}", f"{lane.stored / 2**20:,.1f}", f"{lane.peak / 2**20:,.0f}"]
        if run.dialect == "postgres":
            logged = logged_per_row(lane.rounds[max(lane.rounds, key=_near_a_thousand)])
            line.append("" if logged is None else f"{logged:,.0f}")
        lines.append([*line, lane.title])
    headers = ["rows", "MB stored", "MB of memory"]
    if run.dialect == "postgres":
        headers.append("WAL bytes/row")
    return _table(lines, [*headers, ""], format_)


def starts(found: Sequence[Start], format_: str = "simple") -> str:
    """How long the parts of a process's beginning take, in milliseconds."""
    lines = [
        [each.name, each.dialect, number(each.millis()), number(each.millis("cpu"))]
        for each in found
    ]
    return _table(lines, ["", "database", "ms", "of the processor"], format_)


def _near_a_thousand(found: str) -> int:
    return -abs(batch_of(found) - 1_000)


def times(lane: Lane | None, other: Lane | None, found: str, clock: str) -> str:
    """One lane's cost as a multiple of another's."""
    if lane is None or other is None or lane is other:
        return ""
    return number(ratio(lane.rounds[found], other.rounds[found], clock))


def number(value: float) -> str:
    """Three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def compared(before: Sequence[Run], after: Sequence[Run], clock: str = "wall") -> str:
    """Ratios of two result files beside each other: each is of one run, so they can be compared."""
    lines: list[list[str]] = []
    old = {(run.workload, run.dialect, tuple(run.sizes)): run for run in before}
    for run in after:
        other = old.get((run.workload, run.dialect, tuple(run.sizes)))
        if other is not None:
            lines += _compared(other, run, clock)
    headers = ["workload", "database", "rows", "change", "batch", "ours as a multiple of"]
    return _table(lines, [*headers, "before", "after", "change"], "simple")


def _compared(before: Run, after: Run, clock: str) -> Iterable[list[str]]:
    for lane in after.lanes:
        ours, old = after.lane(OURS, lane.rows), before.lane(lane.name, lane.rows)
        old_ours = before.lane(OURS, lane.rows)
        if lane.name == OURS or ours is None or old is None or old_ours is None:
            continue
        for found in lane.rounds:
            if found not in old.rounds:
                continue
            then = ratio(old_ours.rounds[found], old.rounds[found], clock)
            now = ratio(ours.rounds[found], lane.rounds[found], clock)
            yield [
                *(after.workload, after.dialect, f"{lane.rows:,}", event_of(found)),
                *(f"{batch_of(found):,}", lane.title, number(then), number(now)),
                f"{(now / then - 1) * 100:+.0f}%",
            ]


def _table(lines: Iterable[Sequence[str]], headers: Sequence[str], format_: str) -> str:
    left = ("change", "", "workload", "database", "ours as a multiple of")
    align = ["left" if header in left else "right" for header in headers]
    if headers[-1] == "change":
        align[-1] = "right"
    return tabulate(lines, headers, tablefmt=format_, disable_numparse=True, colalign=tuple(align))
