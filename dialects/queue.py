"""The table of changes that wait to be folded in: what each database says to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

Waiting = tuple[int, int, bytes]  # id, number of rows, the packed change
Failed = tuple[int, int, datetime, str, bytes]  # id, rows, when it was enqueued, error, change

# Entries are found in the order of their ids. A transaction that has seen what another committed
# has higher ids than that, so that whoever reads the table reads causes in front of effects.


class QueueTable(ABC):
    """``stepping_queue`` on one connection.

    What writes joins the application's transaction as a step does: see `Driver.joining`.
    """

    def may_refuse(self, change: bytes) -> bool:
        """Whether a packed change may have a value that the database cannot store."""
        return False

    @abstractmethod
    def put(self, query: str, rows: int, change: bytes) -> int:
        """Append an entry; returns its id."""

    @abstractmethod
    def peek(self, query: str, after: int, limit: int) -> list[Waiting]:
        """The first entries that wait, behind an id."""

    @abstractmethod
    def take(self, query: str, ids: Sequence[int]) -> dict[int, bytes]:
        """Delete entries that wait; returns the changes of those that were there."""

    @abstractmethod
    def count(self, query: str) -> int:
        """How many entries wait."""

    @abstractmethod
    def set_aside(self, entry: int, error: str) -> None:
        """Mark an entry as one that could not be folded in."""

    @abstractmethod
    def failed(self, query: str) -> list[Failed]:
        """The entries that were set aside."""

    @abstractmethod
    def put_back(self, query: str, ids: Sequence[int]) -> int:
        """Let entries that were set aside wait again; returns how many were."""

    @abstractmethod
    def discard(self, query: str, ids: Sequence[int]) -> int:
        """Delete entries that were set aside; returns how many were."""

    @abstractmethod
    def wait(self, query: str, secs: float) -> bool:
        """Return True as soon as an entry waits, False after so many seconds."""
