"""The floor: insert the same rows into one table with one index, and return nothing."""

from __future__ import annotations

from typing import Any

from benchmarks import databases
from benchmarks.competitor import Competitor
from benchmarks.workload import Change


class FloorSQLite(Competitor):
    title = "plain insert"
    returns_changes = False

    def open(self) -> Any:
        self.plain = self.workload.plain[self.dialect]
        self.connection = databases.sqlite_connection(self.database)
        for table in self.plain.tables.values():
            for statement in table.create:
                self.connection.execute(statement)
        return self.connection

    def step(self, change: Change) -> Any:
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        self.write(change)
        connection.execute("COMMIT")

    def write(self, change: Change) -> None:
        table = self.plain.tables[change.input]
        if change.removed:
            self.connection.executemany(
                table.delete, [table.columns(row) for row in change.removed]
            )
        if change.added:
            self.connection.executemany(table.insert, [table.columns(row) for row in change.added])


class FloorPostgres(Competitor):
    title = "plain insert"
    returns_changes = False

    def open(self) -> Any:
        self.plain = self.workload.plain[self.dialect]
        self.connection = databases.postgres_connection(self.database)
        for table in self.plain.tables.values():
            for statement in table.create:
                self.connection.execute(statement)
        return self.connection

    def step(self, change: Change) -> Any:
        # Autocommit: what is one statement is one round trip.
        if change.removed:
            with self.connection.transaction():
                self.write(change)
        else:
            self.write(change)

    def write(self, change: Change) -> None:
        import psycopg

        table = self.plain.tables[change.input]
        cursor = psycopg.RawCursor(self.connection)
        for row in change.removed:
            cursor.execute(table.delete, table.columns(row), prepare=True, binary=True)
        if change.added:
            columns = zip(*[table.columns(row) for row in change.added], strict=True)
            arrays = [list(column) for column in columns]
            cursor.execute(table.insert, arrays, prepare=True, binary=True)


def competitor(*arguments: Any) -> Competitor:
    _, dialect, _ = arguments
    return (FloorSQLite if dialect == "sqlite" else FloorPostgres)(*arguments)
