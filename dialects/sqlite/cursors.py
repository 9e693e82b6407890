"""Statements of our own on a connection of the application's.

What the application has set up is for its own rows: factories of its connection, adapters and
converters of the whole module, `PRAGMA count_changes`. Here rows are tuples of what is stored, what
is bound is what is given, and how many rows a statement wrote is told, whatever is set.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from types import NoneType
from typing import Any

from stepping.dialects.driver import Row


class Cursor:
    """Those of one connection. Each statement is finished, and its rows are read, at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        # Not `Connection.cursor`, which an application may have made its own.
        self.cursor = sqlite3.Cursor(connection)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run a statement, and return its rows."""
        return fetched(self.opened(sql, parameters, self.cursor))

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement that returns no rows; how many rows it wrote, -1 if nobody knows."""
        return finished(self.cursor.execute(sql, bound(parameters)))

    def change_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of some parameters."""
        for parameters in rows:
            self.change(sql, parameters)

    def opened(
        self, sql: str, parameters: Sequence[Any] = (), cursor: sqlite3.Cursor | None = None
    ) -> sqlite3.Cursor:
        """A cursor with the rows of a statement, for `fetched`; by default a new one."""
        if _registered.converters() or "[" in sql:
            sql = self.unconverted(sql, parameters)
        return (cursor or sqlite3.Cursor(self.connection)).execute(sql, bound(parameters))

    def unconverted(self, sql: str, parameters: Sequence[Any]) -> str:
        """A SELECT whose columns have neither a declared type nor a name that could name one."""
        if not sql.startswith(("SELECT", "WITH")):
            return sql
        described = sqlite3.Cursor(self.connection)
        described.execute(f"SELECT * FROM ({sql}) LIMIT 0", bound(parameters))
        return _unconverted(sql, len(described.description))


@lru_cache(maxsize=256)
def _unconverted(sql: str, width: int) -> str:
    names = [f"c{i}" for i in range(width)]
    values = ", ".join(f"+{name}" for name in names)
    return f"WITH stepping_read ({', '.join(names)}) AS ({sql}) SELECT {values} FROM stepping_read"


def fetched(cursor: sqlite3.Cursor, most: int = 0) -> list[Row]:
    """The rows of a cursor that are left, or the next of them."""
    connection = cursor.connection
    factory = connection.text_factory
    if factory is str:
        return cursor.fetchmany(most) if most else cursor.fetchall()
    connection.text_factory = str  # a cursor has none of its own
    try:
        return cursor.fetchmany(most) if most else cursor.fetchall()
    finally:
        connection.text_factory = factory


def finished(cursor: sqlite3.Cursor) -> int:
    """How many rows a statement has written that returns none, -1 if nobody knows."""
    if cursor.description is None:
        return cursor.rowcount
    # With PRAGMA count_changes the number is a row, and the statement goes on until that is read.
    rows = cursor.fetchall()
    return int(rows[0][0]) if rows else -1


def is_plain(connection: sqlite3.Connection) -> bool:
    """Whether rows can be bound and fetched as they are, without this."""
    return (
        connection.text_factory is str
        and not _registered.adapters()
        and not _registered.converters()
    )


# ------------------------------------------------------------------------ adapters and converters


class _Int(int):
    pass


class _Float(float):
    pass


class _Text(str):
    pass


class _Bytes(bytes):
    pass


class _Bytearray(bytearray):
    pass


class _Null:
    """NULL, which cannot be an instance of a class of ours: it is adapted instead."""


_NULL = _Null()
sqlite3.register_adapter(_Null, lambda null: None)

# Adapters are looked up by the exact class, so a subclass is bound as it is.
_BOUND: dict[type, Callable[[Any], Any]] = {
    int: _Int,
    float: _Float,
    str: _Text,
    bytes: _Bytes,
    bytearray: _Bytearray,
    bool: _Int,
    NoneType: lambda null: _NULL,
}
_DECLARED = ("INTEGER", "REAL", "TEXT", "BLOB")  # the types of our columns


class _Registered:
    """Whether there are adapters or converters for what we bind and read.

    They can be registered at any time, and are never taken back: their number tells of new ones.
    """

    def __init__(self) -> None:
        self.seen = (-1, -1)
        self.found = (False, False)

    def look(self) -> None:
        self.seen = len(sqlite3.adapters), len(sqlite3.converters)
        self.found = (
            any((cls, sqlite3.PrepareProtocol) in sqlite3.adapters for cls in _BOUND),
            any(name in sqlite3.converters for name in _DECLARED),
        )

    def adapters(self) -> bool:
        if self.seen[0] != len(sqlite3.adapters):
            self.look()
        return self.found[0]

    def converters(self) -> bool:
        if self.seen[1] != len(sqlite3.converters):
            self.look()
        return self.found[1]


_registered = _Registered()


def bound(parameters: Sequence[Any]) -> Sequence[Any]:
    """Parameters that no adapter of the application changes."""
    if not parameters or not _registered.adapters():
        return parameters
    return [_BOUND[type(value)](value) if type(value) in _BOUND else value for value in parameters]
