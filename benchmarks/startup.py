"""How long a process takes to begin: importing, compiling a query, opening a store.

Each round is a process of its own, `benchmarks.starting`, by turns of the databases.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.command import New
from benchmarks.results import Start

ROOT = Path(__file__).parent.parent
PROGRAM = Path(__file__).parent / "starting.py"


def measure(new: Mapping[str, New], rounds: int) -> list[Start]:
    """What each round took, by database; before the first one the query is installed."""
    found: dict[tuple[str, str], Start] = {}
    with contextlib.ExitStack() as stack:
        where = {dialect: stack.enter_context(each()) for dialect, each in new.items()}
        for dialect, database in where.items():
            process(dialect, database, "install")
        for _ in range(rounds):
            for dialect, database in where.items():
                for name, (wall, cpu) in json.loads(process(dialect, database)).items():
                    start = found.setdefault((name, dialect), Start(name, dialect))
                    start.seconds.append(wall)
                    start.cpu.append(cpu)
    return list(found.values())


def process(*arguments: str) -> str:
    """What one prints: the seconds of each part, on the wall's clock and on the processor's."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # it starts with its bytecode at hand
    done = subprocess.run(
        [sys.executable, "-P", str(PROGRAM), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout
