"""SELECTs that are being read on SQLite while their connection may write."""

from __future__ import annotations

import sqlite3
import threading
import weakref

from stepping.dialects.driver import Row
from stepping.dialects.sqlite.cursors import fetched

_FETCH_ROWS = 1000


class Stream:
    """A SELECT that is being read."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.cursor = cursor
        self.rest: list[Row] | None = None
        with _TURN:
            _OPEN.add(self)
            _still.open += 1

    def fetch(self) -> list[Row]:
        if self.rest is None:
            return fetched(self.cursor, _FETCH_ROWS)
        rows, self.rest = self.rest, []
        return rows

    def close(self) -> None:
        """End it. Another thread may hold on to it, when it looks through all of them."""
        with _TURN:
            if self in _OPEN:
                _OPEN.discard(self)
                _still.open -= 1
        self.rest = []
        self.cursor.close()

    def finish(self) -> None:
        """Fetch all that is left: what the connection writes next must not be seen."""
        if self.rest is None:
            self.rest = fetched(self.cursor)
            self.cursor.close()


# A SELECT sees what its own connection writes while it runs (sqlite.org/isolation.html), and a
# rollback ends it; several stores may share a connection.
_OPEN: weakref.WeakSet[Stream] = weakref.WeakSet()
_TURN = threading.RLock()  # a generator may be closed by the garbage collector anywhere


class _Still:
    """How many are open: asked for in each step, where a `WeakSet` takes longer to tell."""

    open = 0


_still = _Still()


def are_open() -> bool:
    """Whether anything is being read on any connection."""
    return _still.open > 0


def streams_of(connection: sqlite3.Connection) -> list[Stream]:
    """What is being read on a connection."""
    with _TURN:
        return [stream for stream in _OPEN if stream.cursor.connection is connection]
