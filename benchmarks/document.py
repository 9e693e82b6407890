"""Write results into docs/performance.md, between its two marks, and the plot beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import plot, report, results, targets
from benchmarks.results import Results
from benchmarks.workload import all_workloads

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "performance.md"
PLOT = DOCS / "performance.svg"
START = "<!-- results: written by python -m benchmarks.run --document -->"
END = "<!-- end of results -->"
PLOTTED_ROWS = 100_000
STARTS = (
    "Medians of processes of their own. `compile first` is with the import of sqlglot and "
    "SQLAlchemy, which a process needs that compiles, and one that opens a store on an installed "
    "query does not."
)
CLOCKS = {
    "wall": "Times are those of the clock on the wall.",
    "cpu": "The machine had other work too, so that a step was paused the more often the longer it "
    "took: times are those of the processor, of the client and the server together.",
}


def write(
    files: Sequence[Path], clock: str = "wall", page: Path = PAGE, picture: Path = PLOT
) -> None:
    """Put what the files hold into the page, in place of what was there."""
    found = results.load(*files)
    head, _, rest = page.read_text(encoding="utf-8").partition(START)
    _, _, tail = rest.partition(END)
    body = "\n\n".join(_sections(found, clock))
    page.write_text(f"{head}{START}\n\n{body}\n\n{END}{tail}", encoding="utf-8")
    drawn = plot.charts(found.runs, PLOTTED_ROWS, clock)
    if drawn:
        picture.write_text(plot.svg(drawn), encoding="utf-8")


def _sections(found: Results, clock: str) -> Iterator[str]:
    runs = found.runs
    used = ", ".join([found.about["python"], *dict.fromkeys(run.version for run in runs)])
    yield f"Measured on {found.about['date']}: {found.about['machine']}; {used}. {CLOCKS[clock]}"
    yield f"![Costs as multiples of a plain insert, and by the size of the tables]({PLOT.name})"
    yield "### What it is to reach"
    yield targets.text(found, clock)
    if found.starts:
        yield "### How a process begins"
        yield STARTS
        yield report.starts(found.starts, "github")
    workload = ""
    for run in sorted(runs, key=lambda run: [each.workload for each in runs].index(run.workload)):
        if run.workload != workload:
            workload = run.workload
            yield f"### {run.title[0].upper()}{run.title[1:]} (`{workload}`)"
        sizes = ", ".join(f"{rows:,}" for rows in run.sizes)
        yield f"**{run.version}, {sizes} rows stored**"
        if all_workloads()[run.workload].by_size:
            yield report.by_size(run, clock, "github")
        else:
            yield from (report.summary(run, rows, clock) for rows in run.sizes)
        yield report.stored(run, "github")
    left_out = dict.fromkeys(reason for run in runs for reason in run.skipped)
    if left_out:
        yield f"Left out: {'; '.join(left_out)}."
