"""SQLite's connections as stepping makes them, and how one waits for the write lock."""

from __future__ import annotations

import random
import sqlite3
import time as clock
from pathlib import Path

BUSY_TIMEOUT_SECS = 30.0
CACHED_STATEMENTS = 1024  # with the default of 128 a large plan would be parsed at each step
_FIRST_PAUSE_SECS = 0.0005  # between two tries to begin a transaction
_LONGEST_PAUSE_SECS = 0.003
_LEGACY = getattr(sqlite3, "LEGACY_TRANSACTION_CONTROL", -1)


def connect(path: str | Path) -> sqlite3.Connection:
    """A connection in autocommit, set up for a store: WAL, a busy timeout, no sync per commit."""
    connection = sqlite3.connect(
        str(path),
        isolation_level=None,
        timeout=BUSY_TIMEOUT_SECS,
        cached_statements=CACHED_STATEMENTS,
    )
    try:
        use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 16000")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -65536")
    except BaseException:
        connection.close()
        raise
    return connection


def use_wal(connection: sqlite3.Connection) -> None:
    """Set journal_mode=WAL, once for a file. While others open it too, that fails at once, whatever
    the busy timeout is.
    """
    deadline = clock.monotonic() + BUSY_TIMEOUT_SECS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            if mode != "wal":  # the file keeps it
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or clock.monotonic() >= deadline:
                raise
        clock.sleep(_LONGEST_PAUSE_SECS)


def commits(connection: sqlite3.Connection) -> bool:
    """Whether a statement commits by itself, and no transaction begins with it."""
    control = getattr(connection, "autocommit", _LEGACY)  # Python 3.12
    return control is True or (control == _LEGACY and connection.isolation_level is None)


def begin_immediate(cursor: sqlite3.Cursor, longest: float) -> bool:
    """BEGIN IMMEDIATE, tried again for ``longest`` seconds; returns whether it had to be.

    SQLite's own wait (sqlite3_busy_timeout) sleeps up to 100 ms between two tries: a writer that
    begins anew as soon as it has committed starves the others. Here all try equally often.
    """
    ((given,),) = cursor.execute("PRAGMA busy_timeout").fetchall()
    cursor.execute("PRAGMA busy_timeout = 0")
    deadline = clock.monotonic() + longest
    pause, tries = _FIRST_PAUSE_SECS, 1
    try:
        while True:
            try:
                cursor.execute("BEGIN IMMEDIATE")
                return tries > 1
            except sqlite3.OperationalError as error:
                if not is_busy(error) or clock.monotonic() >= deadline:
                    raise
            clock.sleep(pause * random.uniform(0.5, 1.5))
            pause, tries = min(1.3 * pause, _LONGEST_PAUSE_SECS), tries + 1
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {given:d}")


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the lock, or is about to."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
