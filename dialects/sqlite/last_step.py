"""What the last step left behind on a connection, known for as long as nobody has written since.

What others commit changes the version of the data (sqlite.org/pragma.html#pragma_data_version),
and what this connection writes, by whomever and also if it is rolled back, the count of changes.
As long as neither has, the clock rows are those of the last step, and so are the delta tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Protocol

from stepping.compiler.plan.sql_plan import SQLStatement
from stepping.dialects.driver import CHECK, CLEAR, RUN, STAGE, CountBelowZero, Row, StepAlone
from stepping.dialects.sqlite.cursors import Cursor

VERSION = "PRAGMA main.data_version"

Lock = tuple[tuple[str, ...], str, str]  # tables, query and fingerprint


class Stepping(Protocol):
    """What is asked of the driver."""

    def begin(self) -> None: ...
    def stage(self, statement: SQLStatement, rows: Sequence[Row]) -> None: ...


class LastStep:
    """What is known; each of its methods is called in a transaction that can write."""

    def __init__(self, connection: sqlite3.Connection, own: Cursor) -> None:
        self.connection = connection
        self.own = own
        self.cursor = own.cursor
        self.mark: tuple[int, int] | None = None  # version and count of changes when it was known
        self.version = 0
        self.stood: dict[Lock, dict[str, int]] = {}
        self.even: set[Lock] = set()  # of those, the ones whose tables all stand at one time
        self.empty: set[str] = set()  # delta tables
        self.texts: dict[int, str] = {}

    def lock(self, tables: Sequence[str], query: str, fingerprint: str) -> Mapping[str, int]:
        """See `Driver.lock`; BEGIN IMMEDIATE holds the only write lock there is."""
        key = (tuple(tables), query, fingerprint)
        (self.version,) = self.cursor.execute(VERSION).fetchone()
        if (self.version, self.connection.total_changes) != self.mark:
            self.forget()
        elif key in self.stood:
            return self.stood[key]
        sql = self.texts.get(len(tables)) or self.text(len(tables))
        ((*times, is_installed),) = self.own.rows(sql, (*tables, query, fingerprint))
        if not is_installed:
            return {}
        found = {name: t for name, t in zip(tables, times, strict=True) if t is not None}
        self.stood[key] = found
        if len(found) == len(tables) and len(set(times)) == 1:
            self.even.add(key)
        return found

    def text(self, tables: int) -> str:
        # One look-up for each: for an IN SQLite sorts its list first.
        times = "(SELECT t FROM last_update WHERE table_name = ?), " * tables
        self.texts[tables] = (
            f"SELECT {times}EXISTS "
            "(SELECT 1 FROM stepping_queries WHERE name = ? AND fingerprint = ?)"
        )
        return self.texts[tables]

    def moved(self, tables: Sequence[str], t: int) -> None:
        """Clock rows have been moved by the step that is running."""
        to = dict.fromkeys(tables, t)
        for key, stood in self.stood.items():
            self.stood[key] = {name: to.get(name, at) for name, at in stood.items()}
        self.even = {key for key, stood in self.stood.items() if len(set(stood.values())) == 1}

    def left_empty(self) -> set[str]:
        """The delta tables that hold no rows, as far as that is known."""
        is_known = self.mark is not None and self.mark[1] == self.connection.total_changes
        return set(self.empty) if is_known else set()

    def settled(self, empty: set[str]) -> None:
        """A step that `lock` began has been committed; it left these delta tables empty."""
        self.mark = (self.version, self.connection.total_changes)
        self.empty = empty

    def step(
        self,
        step: StepAlone,
        rows: Sequence[Row],
        driver: Stepping,
        *,
        removes: bool,
        output: bool,
    ) -> dict[int, list[Row]] | None:
        """See `Driver.step_alone`: a whole transaction."""
        connection, execute = self.connection, self.cursor.execute
        found: dict[int, list[Row]] = {}
        driver.begin()
        try:
            (version,) = execute(VERSION).fetchone()
            if (version, connection.total_changes) != self.mark or step.lock not in self.even:
                self.lock(*step.lock)
                if step.lock not in self.even:
                    execute("ROLLBACK")
                    return None
            empty = self.empty
            for statement in step.statements:
                if statement.reads and empty.issuperset(statement.reads):
                    continue
                role = statement.role
                if role is RUN:
                    # With PRAGMA count_changes there is a row, and nothing is counted.
                    ran = execute(statement.sql)
                    if ran.rowcount or ran.description is not None:
                        empty.discard(statement.fills)
                elif role is CLEAR:
                    if statement.fills not in empty:
                        execute(statement.sql)
                        empty.add(statement.fills)
                elif role is STAGE:
                    driver.stage(statement, rows)
                    empty.discard(statement.fills)
                elif role is CHECK:
                    if removes and (below := execute(statement.sql).fetchall()):
                        raise CountBelowZero(statement, below[0])
                elif output:
                    found[statement.output] = execute(statement.sql).fetchall()
            execute("COMMIT")
        except BaseException:
            self.forget()
            if connection.in_transaction:  # a full disk has rolled it back already
                execute("ROLLBACK")
            raise
        self.mark = (version, connection.total_changes)
        return found

    def forget(self) -> None:
        self.mark = None
        self.stood.clear()
        self.even.clear()
        self.empty = set()
