"""The meter reads by hand on SQLite: eight statements for a change of reads.

The tables are those a plan would choose. What the library does beyond this: it checks rows, keeps
counts from falling below 0, keeps infinities apart, tells overflows, and knows its frontiers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from benchmarks import databases
from benchmarks.by_hand.staging import Staging
from benchmarks.competitor import Competitor, Counted
from benchmarks.workload import Change
from benchmarks.workloads.meter_reads import EPOCH, EPOCH_DAY, MICROSECOND

TABLES = (
    "CREATE TABLE d_users (user_id INTEGER NOT NULL, c INTEGER NOT NULL, "
    "PRIMARY KEY (user_id)) WITHOUT ROWID",
    "CREATE TABLE d_meters (user_id INTEGER NOT NULL, meter_id INTEGER NOT NULL, "
    "c INTEGER NOT NULL, PRIMARY KEY (user_id, meter_id)) WITHOUT ROWID",
    "CREATE TABLE d_um (meter_id INTEGER NOT NULL, user_id INTEGER NOT NULL, "
    "c INTEGER NOT NULL, PRIMARY KEY (meter_id, user_id)) WITHOUT ROWID",
    "CREATE TABLE d_reads (meter_id INTEGER NOT NULL, ts INTEGER NOT NULL, value REAL NOT NULL, "
    "c INTEGER NOT NULL, PRIMARY KEY (meter_id, ts, value)) WITHOUT ROWID",
    "CREATE TRIGGER d_reads_gone AFTER UPDATE OF c ON d_reads WHEN NEW.c = 0 BEGIN "
    "DELETE FROM d_reads WHERE meter_id = NEW.meter_id AND ts = NEW.ts AND value = NEW.value; END",
    "CREATE TABLE daily (date INTEGER NOT NULL, user_id INTEGER NOT NULL, "
    "meter_id INTEGER NOT NULL, n INTEGER NOT NULL, s REAL NOT NULL, "
    "PRIMARY KEY (date, user_id, meter_id)) WITHOUT ROWID",
    "CREATE TRIGGER daily_gone AFTER UPDATE OF n ON daily WHEN NEW.n = 0 BEGIN "
    "DELETE FROM daily WHERE date = NEW.date AND user_id = NEW.user_id "
    "AND meter_id = NEW.meter_id; END",
    "CREATE TEMP TABLE in_reads (meter_id INTEGER, ts INTEGER, value REAL, c INTEGER)",
    "CREATE TEMP TABLE dg (date INTEGER, user_id INTEGER, meter_id INTEGER, "
    "n0 INTEGER, s0 REAL, n1 INTEGER, s1 REAL)",
)
READS = Staging("DELETE FROM temp.in_reads", "INSERT INTO temp.in_reads VALUES (?, ?, ?, ?)")
CHANGE = """
    INSERT INTO temp.dg
    SELECT g.date, g.user_id, g.meter_id, a.n, a.s, coalesce(a.n, 0) + g.n, coalesce(a.s, 0.0) + g.s
    FROM (SELECT date, user_id, meter_id, sum(w) AS n, sum(value * w) AS s
          FROM (SELECT r.ts / 86400000000 AS date, um.user_id, r.meter_id, r.c * um.c AS w, r.value
                FROM temp.in_reads AS r CROSS JOIN d_um AS um ON um.meter_id = r.meter_id)
          GROUP BY 1, 2, 3) AS g
    LEFT JOIN daily AS a
        ON a.date = g.date AND a.user_id = g.user_id AND a.meter_id = g.meter_id
    WHERE g.n <> 0 OR g.s <> 0"""
KEEP_DAILY = """
    INSERT INTO daily SELECT date, user_id, meter_id, n1, s1 FROM temp.dg
    WHERE n1 <> 0 OR n0 IS NOT NULL ON CONFLICT DO UPDATE SET n = excluded.n, s = excluded.s"""
KEEP_READS = """
    INSERT INTO d_reads SELECT meter_id, ts, value, c FROM temp.in_reads WHERE c <> 0
    ON CONFLICT DO UPDATE SET c = c + excluded.c"""
RETURN = "SELECT date, user_id, meter_id, n0, s0, n1, s1 FROM temp.dg"


class Pipeline(Competitor):
    title = "by hand"
    changeable = ("reads",)

    def open(self) -> Any:
        self.connection = databases.sqlite_connection(self.database)
        for statement in TABLES:
            self.connection.execute(statement)
        return self.connection

    def fill(self, change: Change) -> Any:
        if change.input == "reads":
            return self.step(change)
        cursor = self.connection.cursor()
        if change.input == "meters":
            cursor.executemany(
                "INSERT INTO d_meters VALUES (?, ?, 1)",
                [(meter.user_id, meter.meter_id) for meter in change.added],
            )
            cursor.execute(
                "INSERT INTO d_um SELECT m.meter_id, m.user_id, m.c * u.c "
                "FROM d_meters AS m JOIN d_users AS u USING (user_id)"
            )
        else:
            cursor.executemany(
                "INSERT INTO d_users VALUES (?, 1)", [(user.user_id,) for user in change.added]
            )
        return None

    def step(self, change: Change) -> Any:
        assert change.input == "reads"
        rows: list[tuple[Any, ...]] = []
        for sign, some in ((1, change.added), (-1, change.removed)):
            rows += [
                (read.meter_id, (read.ts - EPOCH) // MICROSECOND, read.value, sign) for read in some
            ]
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute("DELETE FROM temp.dg")
        READS.load(self.connection, rows)
        execute(CHANGE)
        execute(KEEP_DAILY)
        execute(KEEP_READS)
        found = execute(RETURN).fetchall()
        execute("COMMIT")
        changed = []
        day = dt.date.fromordinal
        for date, user_id, meter_id, n0, s0, n1, s1 in found:
            if n0 and n1 and s0 == s1:
                continue
            if n0:
                changed.append(((user_id, meter_id, day(date + EPOCH_DAY), s0), -1))
            if n1:
                changed.append(((user_id, meter_id, day(date + EPOCH_DAY), s1), 1))
        return changed

    def changed(self, returned: Any) -> Iterable[Counted]:
        for (user_id, meter_id, date, value), count in returned or ():
            yield (user_id, meter_id, date.toordinal() - EPOCH_DAY, value), count

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute("SELECT user_id, meter_id, date, s FROM daily")
        return ((row, 1) for row in rows)
