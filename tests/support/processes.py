"""Processes that a test starts and kills: forks, so that one costs milliseconds."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

_FORK = multiprocessing.get_context("fork")


@contextlib.contextmanager
def forked(work: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    """A process that does some work; killed at the end if it is still at it."""
    process = _FORK.Process(target=work, args=arguments, daemon=True)
    process.start()
    try:
        yield process
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        process.close()


def die() -> None:
    """As `kill -9`: nothing is cleaned up, and no connection is closed."""
    os.kill(os.getpid(), signal.SIGKILL)


def counting_statements() -> Callable[[int], None]:
    """Kill this process before a statement that it sends to a database.

    For a fork that is thrown away. Called before the connection is opened; what it returns is told
    how many statements are to be sent from then on.
    """
    left = -1

    def die_after(count: int) -> None:
        nonlocal left
        left = count

    def counted() -> None:
        nonlocal left
        if left == 0:
            die()
        left -= 1

    class Cursor(sqlite3.Cursor):
        def execute(self, *arguments: Any) -> Any:
            counted()
            return super().execute(*arguments)

        def executemany(self, *arguments: Any) -> Any:
            counted()
            return super().executemany(*arguments)

    class Connection(sqlite3.Connection):
        def cursor(self, *arguments: Any, **options: Any) -> Any:
            return super().cursor(Cursor)

        def execute(self, *arguments: Any) -> Any:
            return self.cursor().execute(*arguments)

        def executemany(self, *arguments: Any) -> Any:
            return self.cursor().executemany(*arguments)

    connect: Any = sqlite3.connect
    vars(sqlite3)["connect"] = lambda *a, **o: connect(*a, factory=Connection, **o)
    for cls, name in (
        (psycopg.Cursor, "execute"),  # RawCursor has it from there
        (psycopg.Transaction, "_enter_gen"),  # BEGIN or SAVEPOINT
        (psycopg.Transaction, "_commit_gen"),
    ):
        count_calls(cls, name, counted)
    return die_after


def count_calls(cls: Any, name: str, counted: Callable[[], None]) -> None:
    original = getattr(cls, name)

    def called(*arguments: Any, **options: Any) -> Any:
        counted()
        return original(*arguments, **options)

    setattr(cls, name, called)
