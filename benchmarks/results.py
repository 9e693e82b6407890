"""What was measured, and ratios of it."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Round:
    """One turn of one lane: a few steps of one batch size."""

    seconds: list[float]  # of each step
    rows: int  # in all of them
    cpu: float | None = None  # seconds of processor, the server's included, of all of them
    logged: int | None = None  # bytes of write-ahead log, on Postgres

    def step(self, clock: str = "wall") -> float:
        """Seconds of a step.

        By the clock on the wall the median, since a pause of the machine is nobody's cost; by the
        processor's the mean.
        """
        if clock == "cpu":
            return math.nan if self.cpu is None else self.cpu / len(self.seconds)
        return statistics.median(self.seconds)

    def per_row(self, clock: str = "wall") -> float:
        return self.step(clock) * len(self.seconds) / self.rows


@dataclass
class Lane:
    """One competitor at one size."""

    name: str
    title: str
    rows: int  # in the large table, before the first round
    stored: int = 0  # bytes of tables and indexes then
    peak: int = 0  # bytes of memory of its process, at the end
    rounds: dict[str, list[Round]] = field(default_factory=dict)  # by `key`


@dataclass
class Run:
    """All lanes that took turns."""

    workload: str
    title: str
    dialect: str
    version: str = ""  # of the database
    lanes: list[Lane] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def lane(self, name: str, rows: int) -> Lane | None:
        found = (each for each in self.lanes if (each.name, each.rows) == (name, rows))
        return next(found, None)

    @property
    def sizes(self) -> list[int]:
        return sorted({each.rows for each in self.lanes})


@dataclass
class Start:
    """How long a part of a process's beginning took; see `benchmarks.startup`."""

    name: str
    dialect: str
    seconds: list[float] = field(default_factory=list)  # of each round
    cpu: list[float] = field(default_factory=list)

    def millis(self, clock: str = "wall") -> float:
        return statistics.median(self.cpu if clock == "cpu" else self.seconds) * 1e3


@dataclass
class Results:
    """What a file holds."""

    about: dict[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)


def key(event: str, batch: int) -> str:
    """How a lane's rounds are found."""
    return f"{event} {batch}"


def event_of(found: str) -> str:
    return found.rpartition(" ")[0]


def batch_of(found: str) -> int:
    return int(found.rpartition(" ")[2])


def micros_per_row(rounds: Sequence[Round], clock: str = "wall") -> float:
    return statistics.median(each.per_row(clock) for each in rounds) * 1e6


def millis_per_step(rounds: Sequence[Round], clock: str = "wall") -> float:
    return statistics.median(each.step(clock) for each in rounds) * 1e3


def ratio(of: Sequence[Round], to: Sequence[Round], clock: str = "wall") -> float:
    """The median over rounds of one lane's cost as a multiple of another's in the same round."""
    return statistics.median(
        a.per_row(clock) / b.per_row(clock) for a, b in zip(of, to, strict=True)
    )


def logged_per_row(rounds: Sequence[Round]) -> float | None:
    found = [each.logged / each.rows for each in rounds if each.logged is not None]
    return statistics.median(found) if found else None


# ------------------------------------------------------------------------------------------- files


def save(path: Path, found: Results) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(found), indent=1))


def load(*paths: Path) -> Results:
    """What files hold, together; a later one's run stands in place of the same of an earlier."""
    found = Results()
    runs: dict[tuple[Any, ...], Run] = {}
    for path in paths:
        text = json.loads(path.read_text())
        found.about = text["about"]
        for run in map(_run, text["runs"]):
            runs[run.workload, run.dialect, tuple(run.sizes)] = run
        found.starts = [Start(**each) for each in text["starts"]] or found.starts
    found.runs = list(runs.values())
    return found


def _run(found: dict[str, Any]) -> Run:
    lanes = [
        Lane(
            **{
                **lane,
                "rounds": {
                    key: [Round(**each) for each in rounds]
                    for key, rounds in lane["rounds"].items()
                },
            }
        )
        for lane in found.pop("lanes")
    ]
    return Run(**found, lanes=lanes)
