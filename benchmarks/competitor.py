"""What a competitor is: something that keeps a workload's result in a database, or does part of it.

Every competitor runs in a process of its own (`benchmarks.worker`).
"""

from __future__ import annotations

import importlib
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from benchmarks import databases
from benchmarks.workload import Change, Values, Workload

Counted = tuple[Values, int]  # a row, as Workload.values gives it, with its count


class Unavailable(Exception):
    """This competitor cannot run here, or has nothing for the workload; says why."""


class Competitor(ABC):
    """Keeps a workload's result. `step` is what is timed."""

    title: ClassVar[str]
    returns_changes: ClassVar[bool] = True
    most_rows: ClassVar[int | None] = None  # where filling larger tables takes very long
    changeable: ClassVar[tuple[str, ...] | None] = None  # inputs, where it cannot change all

    def __init__(self, workload: Workload, dialect: str, database: str) -> None:
        self.workload = workload
        self.dialect = dialect
        self.database = database  # a path, or a URL

    @abstractmethod
    def open(self) -> Any:
        """Connect to an empty database, make the tables, and return the driver's connection."""

    @abstractmethod
    def step(self, change: Change) -> Any:
        """Apply a change in one transaction; gives the change of the result, in Python."""

    def changed(self, returned: Any) -> Iterable[Counted]:
        """What `step` returned, row by row, if `returns_changes`."""
        return ()

    def output(self) -> Iterable[Counted] | None:
        """What the changes of the output must add up to; None if it is not known here."""
        return None

    def contents(self) -> Iterable[Counted] | None:
        """The result as it is stored; None if this competitor stores none."""
        return None

    # ------------------------------------------------------------------------ what all have

    def start(self) -> None:
        self.connection = self.open()

    def close(self) -> None:
        self.connection.close()

    def fill(self, change: Change) -> Any:
        """As `step`, when the tables are filled and nothing is timed."""
        return self.step(change)

    def filled(self) -> None:  # noqa: B027  most have nothing left to do
        """The last `fill` is done."""

    def settle(self) -> None:
        if self.dialect == "sqlite":
            databases.sqlite_settle(self.connection)
        else:
            databases.postgres_settle(self.connection)

    def version(self) -> str:
        """The database's."""
        if self.dialect == "sqlite":
            return f"SQLite {sqlite3.sqlite_version}"
        return f"PostgreSQL {self.connection.info.parameter_status('server_version')}"

    def bytes_stored(self) -> int:
        if self.dialect == "sqlite":
            return databases.sqlite_bytes(self.connection)
        return databases.postgres_bytes(self.connection)

    def cpu(self) -> float | None:
        """Seconds of processor so far, of this process and of the server's that works for it.

        Under Linux, and where the server is on this machine; else None.
        """
        if self.dialect == "sqlite":
            return time.process_time()
        server = Path(f"/proc/{self.connection.info.backend_pid}/schedstat")
        try:
            return time.process_time() + int(server.read_text().split()[0]) / 1e9
        except OSError:
            return None

    def bytes_logged(self) -> int | None:
        return None if self.dialect == "sqlite" else databases.postgres_wal(self.connection)


def get(name: str, workload: Workload, dialect: str, database: str) -> Competitor:
    """A competitor for a workload; `Unavailable` if there is none."""
    module = importlib.import_module(f"benchmarks.competitors.{name}")
    made: Competitor = module.competitor(workload, dialect, database)
    return made
