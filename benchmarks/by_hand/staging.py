"""Rows into a temporary table of SQLite, as quickly as its driver takes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

ROWS = 256  # of one INSERT


class Staging:
    """Loads a table that is emptied before."""

    def __init__(self, empty: str, insert: str) -> None:
        self.empty = empty  # DELETE FROM ...
        self.one = insert  # INSERT INTO ... VALUES (?, ?, ...)
        row = insert.partition("VALUES ")[2]
        self.many = insert + f", {row}" * (ROWS - 1)

    def load(self, connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        connection.execute(self.empty)
        start = 0
        while len(rows) - start >= ROWS:
            many = rows[start : start + ROWS]
            connection.execute(self.many, [value for row in many for value in row])
            start += ROWS
        if start < len(rows):
            connection.executemany(self.one, rows[start:])
