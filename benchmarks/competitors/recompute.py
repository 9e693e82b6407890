"""The same SELECT computed in full after each change, over plain tables.

On Postgres as a materialized view; on SQLite, which has none, as a table that is filled anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks.competitor import Competitor, Counted
from benchmarks.competitors.floor import FloorPostgres, FloorSQLite
from benchmarks.workload import Change


class RecomputeSQLite(FloorSQLite):
    title = "full recompute"

    def open(self) -> Any:
        connection = super().open()
        connection.execute(f"CREATE TABLE result AS {self.plain.select}")
        return connection

    def step(self, change: Change) -> Any:
        connection = self.connection
        connection.execute("BEGIN IMMEDIATE")
        self.write(change)
        connection.execute("DELETE FROM result")
        connection.execute(f"INSERT INTO result {self.plain.select}")
        connection.execute("COMMIT")

    def fill(self, change: Change) -> Any:
        super().step(change)

    def filled(self) -> None:
        self.step(Change(self.workload.inputs[0]))

    def output(self) -> Iterable[Counted]:
        rows = self.connection.execute(self.plain.output or self.plain.select)
        return ((tuple(row), 1) for row in rows)

    def contents(self) -> Iterable[Counted]:
        return ((tuple(row), 1) for row in self.connection.execute("SELECT * FROM result"))


class RecomputePostgres(FloorPostgres):
    title = "REFRESH MATERIALIZED VIEW"

    def open(self) -> Any:
        connection = super().open()
        connection.execute(f"CREATE MATERIALIZED VIEW result AS {self.plain.select}")
        return connection

    def step(self, change: Change) -> Any:
        with self.connection.transaction():
            self.write(change)
            self.connection.execute("REFRESH MATERIALIZED VIEW result")

    def fill(self, change: Change) -> Any:
        super().step(change)

    def filled(self) -> None:
        self.step(Change(self.workload.inputs[0]))

    def output(self) -> Iterable[Counted]:
        rows = self.connection.execute(self.plain.output or self.plain.select).fetchall()
        return ((tuple(row), 1) for row in rows)

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute("SELECT * FROM result").fetchall()
        return ((tuple(row), 1) for row in rows)


def competitor(*arguments: Any) -> Competitor:
    _, dialect, _ = arguments
    return (RecomputeSQLite if dialect == "sqlite" else RecomputePostgres)(*arguments)
