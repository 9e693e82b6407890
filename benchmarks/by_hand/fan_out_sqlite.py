"""Renaming a widely joined user by hand on SQLite: one INSERT ... SELECT for all its rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks import databases
from benchmarks.competitor import Competitor, Counted
from benchmarks.workload import Change
from benchmarks.workloads.fan_out import EPOCH, MICROSECOND

TABLES = (
    "CREATE TABLE d_users (user_id INTEGER NOT NULL, name TEXT NOT NULL, c INTEGER NOT NULL, "
    "PRIMARY KEY (user_id, name)) WITHOUT ROWID",
    "CREATE TABLE d_reads (user_id INTEGER NOT NULL, ts INTEGER NOT NULL, value REAL NOT NULL, "
    "c INTEGER NOT NULL, PRIMARY KEY (user_id, ts, value)) WITHOUT ROWID",
    "CREATE TABLE result (name TEXT NOT NULL, ts INTEGER NOT NULL, value REAL NOT NULL, "
    "c INTEGER NOT NULL, PRIMARY KEY (name, ts, value)) WITHOUT ROWID",
    "CREATE TRIGGER d_users_gone AFTER UPDATE OF c ON d_users WHEN NEW.c = 0 BEGIN "
    "DELETE FROM d_users WHERE user_id = NEW.user_id AND name = NEW.name; END",
    "CREATE TRIGGER result_gone AFTER UPDATE OF c ON result WHEN NEW.c = 0 BEGIN "
    "DELETE FROM result WHERE name = NEW.name AND ts = NEW.ts AND value = NEW.value; END",
    "CREATE TEMP TABLE in_users (user_id INTEGER, name TEXT, c INTEGER)",
    "CREATE TEMP TABLE in_reads (user_id INTEGER, ts INTEGER, value REAL, c INTEGER)",
    "CREATE TEMP TABLE dr (name TEXT, ts INTEGER, value REAL, c INTEGER)",
)
USERS_CHANGE = """
    INSERT INTO temp.dr SELECT u.name, r.ts, r.value, u.c * r.c
    FROM temp.in_users AS u CROSS JOIN d_reads AS r ON r.user_id = u.user_id"""
READS_CHANGE = """
    INSERT INTO temp.dr SELECT u.name, r.ts, r.value, u.c * r.c
    FROM temp.in_reads AS r CROSS JOIN d_users AS u ON u.user_id = r.user_id"""
KEEP_RESULT = """
    INSERT INTO result SELECT name, ts, value, c FROM temp.dr WHERE true
    ON CONFLICT DO UPDATE SET c = c + excluded.c"""
KEEP_USERS = """
    INSERT INTO d_users SELECT user_id, name, c FROM temp.in_users WHERE true
    ON CONFLICT DO UPDATE SET c = c + excluded.c"""
KEEP_READS = """
    INSERT INTO d_reads SELECT user_id, ts, value, c FROM temp.in_reads WHERE true
    ON CONFLICT DO UPDATE SET c = c + excluded.c"""


class Pipeline(Competitor):
    title = "by hand"

    def open(self) -> Any:
        self.connection = databases.sqlite_connection(self.database)
        for statement in TABLES:
            self.connection.execute(statement)
        return self.connection

    def step(self, change: Change) -> Any:
        execute = self.connection.execute
        signed = [(row, 1) for row in change.added] + [(row, -1) for row in change.removed]
        execute("BEGIN IMMEDIATE")
        execute("DELETE FROM temp.dr")
        if change.input == "users":
            execute("DELETE FROM temp.in_users")
            self.connection.executemany(
                "INSERT INTO temp.in_users VALUES (?, ?, ?)",
                [(user.user_id, user.name, sign) for user, sign in signed],
            )
            execute(USERS_CHANGE)
            execute(KEEP_USERS)
        else:
            execute("DELETE FROM temp.in_reads")
            self.connection.executemany(
                "INSERT INTO temp.in_reads VALUES (?, ?, ?, ?)",
                [
                    (read.user_id, (read.ts - EPOCH) // MICROSECOND, read.value, sign)
                    for read, sign in signed
                ],
            )
            execute(READS_CHANGE)
            execute(KEEP_READS)
        execute(KEEP_RESULT)
        found = execute("SELECT name, ts, value, c FROM temp.dr").fetchall() if change.read else []
        execute("COMMIT")
        return [((name, EPOCH + ts * MICROSECOND, value), c) for name, ts, value, c in found]

    def changed(self, returned: Any) -> Iterable[Counted]:
        for (name, ts, value), count in returned:
            yield (name, (ts - EPOCH) // MICROSECOND, value), count

    def contents(self) -> Iterable[Counted]:
        for name, ts, value, count in self.connection.execute("SELECT * FROM result"):
            yield (name, ts, value), count
