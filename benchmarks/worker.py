"""A competitor's process: does what the parent asks for, line by line, and times it.

Lines of JSON on standard input and output; whatever else is printed goes to standard error.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import competitor, workload
from benchmarks.competitor import Competitor, Counted, Unavailable

FEWEST_STEPS = 3
ROUND_SECS = 1.0  # of steps that are timed


class Worker:
    """Answers requests for one competitor. Each method is a request."""

    def __init__(self, workload_name: str, competitor_name: str, dialect: str, database: str):
        self.workload = workload.all_workloads()[workload_name]
        self.competitor: Competitor = competitor.get(
            competitor_name, self.workload, dialect, database
        )
        self.competitor.start()

    def about(self) -> dict[str, Any]:
        return {
            "title": self.competitor.title,
            "version": self.competitor.version(),
            "most_rows": self.competitor.most_rows,
            "changeable": self.workload.inputs
            if self.competitor.changeable is None
            else self.competitor.changeable,
        }

    def load(self, rows: int) -> dict[str, Any]:
        for change in self.workload.load(rows):
            self.competitor.fill(change)
        self.competitor.filled()
        self.competitor.settle()
        gc.collect()
        gc.freeze()
        return {"bytes": self.competitor.bytes_stored()}

    def mixed(self, rows: int, inputs: list[str]) -> dict[str, Any]:
        """Load, then change inputs in every way; the changes must add up to the output."""
        found: Counter[Any] = Counter()

        def add(returned: Any) -> None:
            for row, count in self.competitor.changed(returned):
                found[row] += count

        for change in self.workload.load(rows):
            add(self.competitor.fill(change))
        self.competitor.filled()
        for change in self.workload.mixed(rows, inputs):
            add(self.competitor.step(replace(change, read=True)))
        output = self.competitor.output()
        if output is None and self.competitor.returns_changes:
            output = found.items()
        stored = self.competitor.contents()
        return {
            "output": None if output is None else digest(output),
            "contents": None if stored is None else digest(stored),
        }

    def contents(self) -> dict[str, Any]:
        self.competitor.filled()
        stored = self.competitor.contents()
        found = None if stored is None else digest(stored)
        forget_peak_memory()  # it was for all rows of the result
        return {"contents": found}

    def round(self, event: str, batch: int, seed: str, steps: int) -> dict[str, Any]:
        """Apply `steps` changes of `batch` rows each; the time is that of each.

        Where they take long only the first ones are timed, and the others are applied as quickly
        as this competitor can, so that it has the same rows as the rest.
        """
        changes = [self.workload.event(event, batch, f"{seed}/{i}") for i in range(steps)]
        logged = self.competitor.bytes_logged()
        step = self.competitor.step
        gc.collect()
        cpu = self.competitor.cpu()
        taken: list[float] = []
        for change in changes:
            if len(taken) >= FEWEST_STEPS and sum(taken) > ROUND_SECS:
                break
            start = time.perf_counter()
            step(change)
            taken.append(time.perf_counter() - start)
        cpu_after = self.competitor.cpu()
        after = self.competitor.bytes_logged()
        for change in changes[len(taken) :]:
            self.competitor.fill(change)
        return {
            "seconds": taken,
            "rows": sum(len(change) for change in changes[: len(taken)]),
            "cpu": None if cpu is None or cpu_after is None else cpu_after - cpu,
            "logged": None if logged is None or after is None else after - logged,
        }

    def memory(self) -> dict[str, Any]:
        return {"peak": peak_memory()}


def digest(rows: Iterable[Counted]) -> dict[str, Any]:
    """A fingerprint of a Z-set of plain rows, whatever their order."""
    texts = sorted(repr((row, count)) for row, count in _summed(rows).items() if count)
    joined = "\n".join(texts).encode()
    return {"rows": len(texts), "sha256": hashlib.sha256(joined).hexdigest(), "first": texts[:3]}


def _summed(rows: Iterable[Counted]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for row, count in rows:
        found[row] += count
    return found


def peak_memory() -> int:
    """The most memory this process has had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would include what the parent had when it started us
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def forget_peak_memory() -> None:
    """What counts is what it is from now on, where the system can tell."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(given: dict[str, Any]) -> None:
        out.write(json.dumps(given) + "\n")
        out.flush()

    try:
        worker = Worker(*sys.argv[1:])
    except Unavailable as reason:
        answer({"unavailable": str(reason)})
        return
    except Exception:
        answer({"error": traceback.format_exc()})
        return
    answer(worker.about())
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(getattr(worker, request.pop("do"))(**request))
        except Unavailable as reason:
            answer({"unavailable": str(reason)})
            return
        except Exception:
            answer({"error": traceback.format_exc()})
            return


if __name__ == "__main__":
    main()
