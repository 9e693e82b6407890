"""Records of staged iterations in SQLite: who works is told by process and lease."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any

from stepping.compiler.plan.sql_plan import SQLDelta
from stepping.dialects.features import STAGES, TIMES, FeatureTables
from stepping.dialects.iterations import Iterations, Used, host_name
from stepping.dialects.packed_rows import pack_rows, unpack_rows
from stepping.dialects.sqlite.connecting import commits
from stepping.dialects.sqlite.cursors import Cursor


class SQLiteIterations(Iterations):
    now = "((julianday('now') - 2440587.5) * 86400.0)"

    def __init__(
        self,
        own: Cursor,
        writing: Callable[[], AbstractContextManager[None]],
        features: FeatureTables,
    ) -> None:
        self.own = own
        self.writing = writing  # a transaction, or a savepoint
        self.features = features

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.own.rows(_marked(sql), parameters)

    def changed(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        connection = self.own.connection
        if connection.in_transaction or commits(connection):
            return self.own.change(_marked(sql), parameters)
        with self.writing():
            return self.own.change(_marked(sql), parameters)

    def worker(self) -> str:
        pid = os.getpid()
        return f"{host_name()}/{pid}/{_started(pid)} {self.label()}"

    def is_alive(self, worker: str) -> bool:
        host, pid, started = worker.split(" ")[0].rsplit("/", 2)
        if host != host_name():
            return True  # told by its lease alone
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True  # somebody else's process
        return _started(int(pid)) == started

    def gate(self, query: str) -> None:
        pass  # BEGIN IMMEDIATE is one

    def use(self, query: str, t: int) -> Used:
        key = (query, t)
        void = early = False
        there = self.features.those_of(TIMES, STAGES)
        if TIMES in there:
            sql = "SELECT void FROM stepping_times WHERE query = $1 AND t = $2"
            void = any(void for (void,) in self.rows(sql, key))
            if not void:
                self.changed("DELETE FROM stepping_times WHERE query = $1 AND t = $2", key)
        if STAGES in there:
            sql = (
                "SELECT 1 FROM stepping_iterations "
                "WHERE query = $1 AND t < $2 AND state = 'running'"
            )
            early = bool(self.rows(sql, key))
        return Used(void, early)

    def keep(self, query: str, t: int, delta: SQLDelta) -> None:
        self.keep_packed(query, t, delta.table, pack_rows(self.rows(delta.read.sql)))

    def load(self, query: str, t: int, delta: SQLDelta) -> None:
        sql = "SELECT packed FROM stepping_journal WHERE query = $1 AND t = $2 AND name = $3"
        for (packed,) in self.rows(sql, (query, t, delta.table)):
            self.own.change_many(delta.load.sql, unpack_rows(bytes(packed)))


@lru_cache(maxsize=256)
def _marked(sql: str) -> str:
    """The same with a ``?`` for each parameter; each stands once, in order."""
    return re.sub(r"\$\d+", "?", sql)


def _started(pid: int) -> str:
    """When a process was started, where that can be read: numbers of processes are used again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "0"
    fields = stat.rpartition(")")[2].split()
    return "dead" if fields[0] in ("Z", "X") else fields[19]
