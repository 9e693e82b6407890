"""Postgres's queue of changes, and how who waits for one is woken."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from stepping.dialects.features import QUEUE
from stepping.dialects.postgres.transactions import Transactions
from stepping.dialects.queue import Failed, QueueTable, Waiting

# A commit that notifies waits for every other that does (src/backend/commands/async.c takes a lock
# of the whole database), so only those notify that somebody waits for. Who waits holds the lock of
# the queue, and has it only when no transaction with an entry is open that saw it free.
_KEY = "hashtext('stepping_queue'), hashtext(current_schema() || '.' || %s)"
_CHANNEL = "stepping_queue"
_PUT = (
    "INSERT INTO stepping_queue (query, row_count, change) SELECT %s, %s, %b "
    "WHERE current_schema() = coalesce(%s, current_schema()) RETURNING id, "
    f"CASE WHEN pg_try_advisory_xact_lock_shared({_KEY}) THEN false "
    f"ELSE pg_notify('{_CHANNEL}', '') IS NULL END"
)
_PEEK = (
    "SELECT id, row_count, change FROM stepping_queue "
    "WHERE query = %s AND id > %s AND error IS NULL ORDER BY id LIMIT %s"
)
_IN = "query = %s AND id = ANY(%s)"
_BUSY_SLEEP_SECS = 0.02
_LONGEST_SLEEP_SECS = 0.5


class PostgresQueue(QueueTable):
    def __init__(self, driver: Transactions) -> None:
        self._driver = driver
        self._features = driver.features

    def may_refuse(self, change: bytes) -> bool:
        return b"\0" in change  # in a text, perhaps; numbers have it as well

    def put(self, query: str, rows: int, change: bytes) -> int:
        self._features.make(QUEUE)
        parameters = (query, rows, change, self._driver.schema, query)
        with self._driver.joining_once(savepoint=False):
            row = self._driver.execute(_PUT, parameters, prepare=True).fetchone()
        if row is None:
            self._driver.check_schema()
        assert row is not None
        return int(row[0])

    def peek(self, query: str, after: int, limit: int) -> list[Waiting]:
        self._driver.check_schema()
        if not self._features.has(QUEUE):
            return []
        with self._driver.one_statement():
            rows = self._driver.execute(
                _PEEK, (query, after, limit), prepare=True, binary=True
            ).fetchall()
        return [(entry, n, bytes(change)) for entry, n, change in rows]

    def take(self, query: str, ids: Sequence[int]) -> dict[int, bytes]:
        sql = f"DELETE FROM stepping_queue WHERE {_IN} AND error IS NULL RETURNING id, change"
        rows = self._driver.execute(sql, (query, list(ids)), prepare=True, binary=True)
        return {entry: bytes(change) for entry, change in rows}

    def count(self, query: str) -> int:
        sql = "SELECT count(*) FROM stepping_queue WHERE query = %s AND error IS NULL"
        self._driver.check_schema()
        if not self._features.has(QUEUE):
            return 0
        with self._driver.one_statement():
            row = self._driver.execute(sql, (query,)).fetchone()
        assert row is not None
        return int(row[0])

    def set_aside(self, entry: int, error: str) -> None:
        text = error.replace("\0", "\\0")
        self._write("UPDATE stepping_queue SET error = %s WHERE id = %s", (text, entry))

    def failed(self, query: str) -> list[Failed]:
        sql = (
            "SELECT id, row_count, enqueued_at, error, change FROM stepping_queue "
            "WHERE query = %s AND error IS NOT NULL ORDER BY id"
        )
        self._driver.check_schema()
        if not self._features.has(QUEUE):
            return []
        with self._driver.one_statement():
            rows = self._driver.execute(sql, (query,), binary=True).fetchall()
        return [(entry, n, at, error, bytes(change)) for entry, n, at, error, change in rows]

    def put_back(self, query: str, ids: Sequence[int]) -> int:
        sql = f"UPDATE stepping_queue SET error = NULL WHERE {_IN} AND error IS NOT NULL"
        return self._write(sql, (query, list(ids)))

    def discard(self, query: str, ids: Sequence[int]) -> int:
        sql = f"DELETE FROM stepping_queue WHERE {_IN} AND error IS NOT NULL"
        return self._write(sql, (query, list(ids)))

    def _write(self, sql: str, parameters: tuple[Any, ...]) -> int:
        self._driver.check_schema()
        if not self._features.has(QUEUE):
            return 0
        with self._driver.joining_once(savepoint=False):
            return self._driver.execute(sql, parameters).rowcount

    def wait(self, query: str, secs: float) -> bool:
        deadline = time.monotonic() + secs
        pause = _BUSY_SLEEP_SECS
        while not self.peek(query, 0, 1):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if not self._locked("pg_try_advisory_lock", query):
                # A transaction with an entry has not ended, or another process waits.
                time.sleep(min(pause, left))
                pause = min(2 * pause, _LONGEST_SLEEP_SECS)
                continue
            try:
                self._listen(query, left)
            finally:
                if not self._driver.connection.closed:
                    self._locked("pg_advisory_unlock", query)
        return True

    def _listen(self, query: str, secs: float) -> None:
        """Return when an entry may wait, or after so many seconds."""
        connection = self._driver.connection
        with self._driver.one_statement():
            self._driver.execute(f"LISTEN {_CHANNEL}")
        try:
            if not self.peek(query, 0, 1):
                for _ in connection.notifies(timeout=secs, stop_after=1):
                    break
        finally:
            if not connection.closed:
                with self._driver.one_statement():
                    self._driver.execute(f"UNLISTEN {_CHANNEL}")

    def _locked(self, function: str, query: str) -> bool:
        with self._driver.one_statement():
            row = self._driver.execute(f"SELECT {function}({_KEY})", (query,)).fetchone()
        assert row is not None
        return bool(row[0])
