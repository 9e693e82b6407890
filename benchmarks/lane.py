"""A lane: a competitor in a process of its own, with a database of its own, filled to a size.

Lanes are measured in turns: A B C, A B C, ... so that whatever else the machine does meanwhile
hits all of them alike. Of competitors whose import names collide each has its own folder first on
the path.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import databases
from benchmarks.competitor import Unavailable

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
ORIGINAL = BUILD / "original"


class LaneError(Exception):
    """A competitor failed; holds its traceback."""


@dataclass
class Lane:
    """One competitor at one size. Each method is one request to its process."""

    name: str
    rows: int
    process: subprocess.Popen[str]
    title: str = ""
    version: str = ""  # of the database
    changeable: tuple[str, ...] = ()  # inputs
    most_rows: int | None = None
    stored: int = 0  # bytes

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        self.tell(do, **arguments)
        return self.hear()

    def tell(self, do: str, **arguments: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise LaneError(f"{self.name}'s process ended with {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise LaneError(f"{self.name}:\n{answer['error']}")
        if "unavailable" in answer:
            raise Unavailable(f"{self.name}: {answer['unavailable']}")
        return answer


@contextlib.contextmanager
def lane(
    workload: str, name: str, dialect: str, rows: int, *, postgres: str | None, folder: Path
) -> Iterator[Lane]:
    """Start a competitor's process with an empty database; both are gone at the end."""
    if dialect == "sqlite":
        new = databases.new_sqlite(folder)
    else:
        assert postgres is not None
        new = databases.new_postgres(postgres)
    if name == "original":
        install_original()
    with new as database:
        process = _start(name, (workload, name, dialect, database))
        try:
            started = Lane(name, rows, process)
            about = started.hear()
            started.title, started.version = about["title"], about["version"]
            started.most_rows = about["most_rows"]
            started.changeable = tuple(about["changeable"])
            yield started
        finally:
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()


def _start(name: str, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
    path = [str(ROOT)]
    if name == "original":
        path.insert(0, str(ORIGINAL))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path), "PYTHONHASHSEED": "0"}
    return subprocess.Popen(
        # -P: the working folder does not come first on the path.
        [sys.executable, "-P", "-m", "benchmarks.worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def install_original() -> None:
    """Put the first version of this library, which has the same name, into a folder of its own."""
    if (ORIGINAL / "stepping").is_dir():
        return
    ORIGINAL.parent.mkdir(exist_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--target", str(ORIGINAL), "stepping==0.0.3", "psycopg[binary]"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"stepping 0.0.3 cannot be installed: {done.stderr.strip()[-300:]}")
