"""A plot of results as SVG: costs over a plain insert's, and how they grow with the tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.report import OURS
from benchmarks.results import Run, batch_of, key, micros_per_row, ratio

WIDTH, HEIGHT = 460, 300  # of a chart
LEFT, RIGHT, TOP, BOTTOM = 56, 112, 44, 44  # what is around its lines
# Colours that stay apart for readers who see few of them (Okabe and Ito).
COLOURS = {
    OURS: "#0072b2",
    "hand_written": "#009e73",
    "original": "#d55e00",
    "recompute": "#999999",
    "pg_ivm": "#cc79a7",
    "floor": "#56b4e9",
}

PLOTTED = {"meter_reads": "meter reads", "star": "star"}
GROWING = (1, 1_000)  # rows in a change

Across = Callable[[int], float]  # a point's number to x
Up = Callable[[float], float]  # a value to y
TITLES = {"recompute": "full recompute"}  # where the title is too long for a plot


@dataclass(frozen=True)
class Line:
    """A competitor's points; None where there is none."""

    name: str
    title: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Chart:
    """Lines over the same points, on a logarithmic scale."""

    title: str
    below: str
    points: Sequence[str]
    lines: Sequence[Line]


def charts(runs: Sequence[Run], rows: int, clock: str = "wall") -> list[Chart]:
    """For each database: costs by batch size of some workloads, and by the size of the tables."""
    found = [
        _costs(run, rows, clock)
        for name in PLOTTED
        for run in runs
        if run.workload == name and run.sizes == [rows]
    ]
    for batch in GROWING:
        found += [
            _growth(run, batch, clock)
            for run in runs
            if run.workload == "growth" and key("insert", batch) in run.lanes[0].rounds
        ]
    return found


def _costs(run: Run, rows: int, clock: str) -> Chart:
    floor = run.lane("floor", rows)
    assert floor is not None
    keys = list(floor.rounds)
    lines = [
        Line(
            lane.name,
            TITLES.get(lane.name, lane.title),
            [ratio(lane.rounds[each], floor.rounds[each], clock) for each in keys],
        )
        for lane in run.lanes
        if lane is not floor
    ]
    return Chart(
        f"{_database(run)}, {PLOTTED[run.workload]}, {rows:,} rows: cost / plain insert",
        "rows in a change",
        [f"{batch_of(each):,}" for each in keys],
        lines,
    )


def _growth(run: Run, batch: int, clock: str) -> Chart:
    lines = []
    for name in dict.fromkeys(lane.name for lane in run.lanes):
        lanes = [run.lane(name, rows) for rows in run.sizes]
        values = [
            micros_per_row(lane.rounds[key("insert", batch)], clock) if lane else None
            for lane in lanes
        ]
        title = next(each.title for each in run.lanes if each.name == name)
        lines.append(Line(name, title, values))
    what = "µs to insert one row" if batch == 1 else f"µs a row, {batch:,} in a change"
    return Chart(
        f"{_database(run)}: {what}",
        "rows stored before",
        [f"{rows:,}" for rows in run.sizes],
        lines,
    )


def _database(run: Run) -> str:
    return {"sqlite": "SQLite", "postgres": "Postgres"}[run.dialect]


def svg(drawn: Sequence[Chart]) -> str:
    """Charts, two in a row."""
    rows = math.ceil(len(drawn) / 2)
    width, height = 2 * WIDTH, rows * HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for i, chart in enumerate(drawn):
        parts.append(f'<g transform="translate({i % 2 * WIDTH}, {i // 2 * HEIGHT})">')
        parts += _chart(chart)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _chart(chart: Chart) -> Iterator[str]:
    values = [value for line in chart.lines for value in line.values if value]
    low = 10 ** math.floor(math.log10(min(values)))
    high = 10 ** math.ceil(math.log10(max(values) * 1.001))
    inner, across = HEIGHT - TOP - BOTTOM, WIDTH - LEFT - RIGHT

    def x(i: int) -> float:
        return LEFT + across * (i + 0.5) / len(chart.points)

    def y(value: float) -> float:
        share = math.log10(value / low) / math.log10(high / low)
        return TOP + inner * (1 - share)

    yield _text(LEFT, TOP - 18, chart.title, "start", "bold")
    yield _text(LEFT + across / 2, HEIGHT - 8, chart.below)
    tick = low
    while tick <= high * 1.001:
        yield (
            f'<line x1="{LEFT}" x2="{LEFT + across}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" '
            'stroke="#dddddd"/>'
        )
        yield _text(LEFT - 6, y(tick) + 4, f"{tick:,g}", "end")
        tick *= 10
    for i, point in enumerate(chart.points):
        yield _text(x(i), HEIGHT - BOTTOM + 16, point)
    for line, label in zip(chart.lines, _labels(chart, y), strict=True):
        yield from _line(line, x, y, label)


def _line(line: Line, x: Across, y: Up, label: float) -> Iterator[str]:
    colour = COLOURS.get(line.name, "#000000")
    points = [(x(i), y(value)) for i, value in enumerate(line.values) if value]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for a, b in points:
        yield f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>'
    a = points[-1][0]
    yield (f'<text x="{a + 8:.1f}" y="{label + 4:.1f}" fill="{colour}">{escape(line.title)}</text>')


def _labels(chart: Chart, y: Up) -> list[float]:
    """Where the lines' names stand: at their last points, moved apart."""
    last = [y(next(v for v in reversed(line.values) if v)) for line in chart.lines]
    found = [0.0] * len(last)
    lowest = -math.inf
    for i in sorted(range(len(last)), key=last.__getitem__):
        lowest = found[i] = max(last[i], lowest + 14)
    return found


def _text(x: float, y: float, said: str, anchor: str = "middle", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="#333333">{escape(said)}</text>'
    )
