"""How long each statement takes, seen from the client: around the calls of the drivers.

SQLite's connection is made of classes that are timed; psycopg's methods are replaced while it is
measured. Both time sending, running and reading a statement, whoever sends it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from benchmarks import databases

TRANSACTION = "BEGIN, COMMIT and other messages"


@dataclass
class Times:
    """Seconds and calls by statement, in the order in which they were first seen."""

    clock: Callable[[], float] = time.perf_counter
    is_on: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def add(self, sql: str, start: float, *, call: bool = True) -> None:
        if self.is_on:
            self.seconds[sql] = self.seconds.get(sql, 0.0) + self.clock() - start
            self.calls[sql] = self.calls.get(sql, 0) + call


@contextlib.contextmanager
def timed(dialect: str, times: Times) -> Iterator[None]:
    """Connections that are opened inside of this are timed while `Times.is_on`."""
    with _timed_sqlite(times) if dialect == "sqlite" else _timed_postgres(times):
        yield


@contextlib.contextmanager
def _timed_sqlite(times: Times) -> Iterator[None]:
    clock = times.clock

    class Cursor(sqlite3.Cursor):
        sql = ""

        def execute(self, sql: str, *parameters: Any) -> Cursor:
            start = clock()
            self.sql = sql
            super().execute(sql, *parameters)
            times.add(sql, start)
            return self

        def executemany(self, sql: str, *parameters: Any) -> Cursor:
            start = clock()
            self.sql = sql
            super().executemany(sql, *parameters)
            times.add(sql, start)
            return self

        def fetchall(self) -> list[Any]:
            start = clock()
            found = super().fetchall()
            times.add(self.sql, start, call=False)
            return found

        def fetchmany(self, *size: Any, **sizes: Any) -> list[Any]:
            start = clock()
            found = super().fetchmany(*size, **sizes)
            times.add(self.sql, start, call=False)
            return found

        def fetchone(self) -> Any:
            start = clock()
            found = super().fetchone()
            times.add(self.sql, start, call=False)
            return found

        def __next__(self) -> Any:
            start = clock()
            found = super().__next__()
            times.add(self.sql, start, call=False)
            return found

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def execute(self, sql: str, *parameters: Any) -> Any:
            return self.cursor().execute(sql, *parameters)

        def executemany(self, sql: str, *parameters: Any) -> Any:
            return self.cursor().executemany(sql, *parameters)

    connect = databases.sqlite_connection

    def connected(path: str, isolation_level: Any = None) -> sqlite3.Connection:
        return connect(path, isolation_level, Connection)

    with mock.patch.object(databases, "sqlite_connection", connected):
        yield


@contextlib.contextmanager
def _timed_postgres(times: Times) -> Iterator[None]:
    import psycopg

    clock = times.clock
    sent: list[str] = []  # the statement that is under way
    last = TRANSACTION  # the one whose rows are read
    wait, execute, fetchall = (
        psycopg.Connection.wait,
        psycopg.Cursor.execute,
        psycopg.Cursor.fetchall,
    )

    def timed_wait(self: Any, *arguments: Any, **options: Any) -> Any:
        if sent:
            return wait(self, *arguments, **options)
        start = clock()
        try:
            return wait(self, *arguments, **options)
        finally:
            times.add(TRANSACTION, start)

    def timed_execute(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal last
        sql = last = query.decode() if isinstance(query, bytes) else str(query)
        start = clock()
        sent.append(sql)
        try:
            return execute(self, query, *arguments, **options)
        finally:
            sent.pop()
            times.add(sql, start)

    def timed_fetchall(self: Any) -> Any:
        start = clock()
        try:
            return fetchall(self)
        finally:
            times.add(last, start, call=False)

    with (
        mock.patch.object(psycopg.Connection, "wait", timed_wait),
        mock.patch.object(psycopg.Cursor, "execute", timed_execute),
        mock.patch.object(psycopg.Cursor, "fetchall", timed_fetchall),
    ):
        yield
