"""SQLite's queue of changes."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from stepping.dialects.driver import Driver
from stepping.dialects.features import QUEUE
from stepping.dialects.queue import Failed, QueueTable, Waiting
from stepping.dialects.sqlite.connecting import commits

_FIRST_SLEEP_SECS = 0.002
_LONGEST_SLEEP_SECS = 0.1

_PUT = "INSERT INTO stepping_queue (query, row_count, change) VALUES (?, ?, ?)"
_PEEK = (
    "SELECT id, row_count, change FROM stepping_queue "
    "WHERE id > ? AND query = ? AND error IS NULL ORDER BY id LIMIT ?"
)
_WAITS = "SELECT 1 FROM stepping_queue WHERE query = ? AND error IS NULL LIMIT 1"
_IN = "query = ? AND id IN (SELECT value FROM json_each(?))"


class SQLiteQueue(QueueTable):
    """``insert``: inserts a row, and returns its rowid."""

    def __init__(self, driver: Driver, insert: Callable[[str, Sequence[Any]], int]) -> None:
        self._driver = driver
        self._insert = insert
        self._features = driver.features

    def put(self, query: str, rows: int, change: bytes) -> int:
        self._features.make(QUEUE)
        # The driver's adapters make bytes slow: see to_column.
        parameters = (query, rows, bytearray(change))
        connection = self._driver.connection
        joins = self._driver.joins()
        if connection.in_transaction or (not joins and commits(connection)):
            try:
                return self._insert(_PUT, parameters)
            except sqlite3.OperationalError as error:
                if connection.in_transaction or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
        with self._driver.joining():  # which waits for as long as a step does
            return self._insert(_PUT, parameters)

    def peek(self, query: str, after: int, limit: int) -> list[Waiting]:
        if not self._features.has(QUEUE):
            return []
        rows = self._driver.read(_PEEK, (after, query, limit))
        return [(entry, n, change) for entry, n, change in rows]

    def take(self, query: str, ids: Sequence[int]) -> dict[int, bytes]:
        # Expressions: a converter of the application is looked up by the type of a column.
        sql = f"DELETE FROM stepping_queue WHERE {_IN} AND error IS NULL RETURNING +id, +change"
        return dict(self._driver.read(sql, (query, json.dumps(ids))))

    def count(self, query: str) -> int:
        sql = "SELECT count(*) FROM stepping_queue WHERE query = ? AND error IS NULL"
        if not self._features.has(QUEUE):
            return 0
        ((count,),) = self._driver.read(sql, (query,))
        return int(count)

    def set_aside(self, entry: int, error: str) -> None:
        self._write("UPDATE stepping_queue SET error = ? WHERE id = ?", (error, entry))

    def failed(self, query: str) -> list[Failed]:
        sql = (
            "SELECT id, row_count, enqueued_at, error, change FROM stepping_queue "
            "WHERE query = ? AND error IS NOT NULL ORDER BY id"
        )
        if not self._features.has(QUEUE):
            return []
        return [
            (entry, n, datetime.fromisoformat(at).replace(tzinfo=UTC), error, change)
            for entry, n, at, error, change in self._driver.read(sql, (query,))
        ]

    def put_back(self, query: str, ids: Sequence[int]) -> int:
        sql = f"UPDATE stepping_queue SET error = NULL WHERE {_IN} AND error IS NOT NULL"
        return self._write(sql, (query, json.dumps(ids)))

    def discard(self, query: str, ids: Sequence[int]) -> int:
        sql = f"DELETE FROM stepping_queue WHERE {_IN} AND error IS NOT NULL"
        return self._write(sql, (query, json.dumps(ids)))

    def _write(self, sql: str, parameters: tuple[Any, ...]) -> int:
        if not self._features.has(QUEUE):
            return 0
        with self._driver.joining():
            return self._driver.change(sql, parameters)

    def wait(self, query: str, secs: float) -> bool:
        deadline = time.monotonic() + secs
        pause = _FIRST_SLEEP_SECS
        while not (self._features.has(QUEUE) and self._driver.read(_WAITS, (query,))):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_SLEEP_SECS)
        return True
