"""The flights by hand on SQLite: only what landed is kept, of it only what is asked for.

Airlines and airports are kept as they are looked up. What the library does beyond this: it checks
rows, keeps counts from falling below 0, tells overflows, and knows its frontiers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks import databases
from benchmarks.by_hand.staging import Staging
from benchmarks.competitor import Competitor, Counted
from benchmarks.workload import Change
from benchmarks.workloads.flights import EPOCH_DAY

TABLES = (
    "CREATE TABLE d_airlines (carrier TEXT NOT NULL, name TEXT NOT NULL, c INTEGER NOT NULL, "
    "PRIMARY KEY (carrier, name)) WITHOUT ROWID",
    "CREATE TABLE d_airports (faa TEXT NOT NULL, c INTEGER NOT NULL, "
    "PRIMARY KEY (faa)) WITHOUT ROWID",
    "CREATE TABLE d_flights (carrier TEXT NOT NULL, day INTEGER NOT NULL, dest TEXT NOT NULL, "
    "minutes INTEGER NOT NULL, c INTEGER NOT NULL, "
    "PRIMARY KEY (carrier, day, dest, minutes)) WITHOUT ROWID",
    "CREATE INDEX d_flights_dest ON d_flights (dest)",  # for a change of airports
    "CREATE TRIGGER d_flights_gone AFTER UPDATE OF c ON d_flights WHEN NEW.c = 0 BEGIN "
    "DELETE FROM d_flights WHERE carrier = NEW.carrier AND day = NEW.day AND dest = NEW.dest "
    "AND minutes = NEW.minutes; END",
    "CREATE TABLE daily (airline TEXT NOT NULL, day INTEGER NOT NULL, n INTEGER NOT NULL, "
    "s INTEGER NOT NULL, PRIMARY KEY (airline, day)) WITHOUT ROWID",
    "CREATE INDEX daily_day ON daily (day)",
    "CREATE TRIGGER daily_gone AFTER UPDATE OF n ON daily WHEN NEW.n = 0 BEGIN "
    "DELETE FROM daily WHERE airline = NEW.airline AND day = NEW.day; END",
    "CREATE TEMP TABLE in_flights (carrier TEXT, day INTEGER, dest TEXT, minutes INTEGER, "
    "c INTEGER)",
    "CREATE TEMP TABLE dg (airline TEXT, day INTEGER, n0 INTEGER, s0 INTEGER, n1 INTEGER, "
    "s1 INTEGER)",
)
FLIGHTS = Staging(
    "DELETE FROM temp.in_flights", "INSERT INTO temp.in_flights VALUES (?, ?, ?, ?, ?)"
)
CHANGE = """
    INSERT INTO temp.dg
    SELECT g.airline, g.day, a.n, a.s, coalesce(a.n, 0) + g.n, coalesce(a.s, 0) + g.s
    FROM (SELECT airline, day, sum(w) AS n, sum(minutes * w) AS s
          FROM (SELECT l.name AS airline, f.day, f.minutes, f.c * l.c * p.c AS w
                FROM temp.in_flights AS f
                CROSS JOIN d_airlines AS l ON l.carrier = f.carrier
                CROSS JOIN d_airports AS p ON p.faa = f.dest)
          GROUP BY 1, 2) AS g
    LEFT JOIN daily AS a ON a.airline = g.airline AND a.day = g.day
    WHERE g.n <> 0 OR g.s <> 0"""
KEEP_DAILY = """
    INSERT INTO daily SELECT airline, day, n1, s1 FROM temp.dg
    WHERE n1 <> 0 OR n0 IS NOT NULL ON CONFLICT DO UPDATE SET n = excluded.n, s = excluded.s"""
KEEP_FLIGHTS = """
    INSERT INTO d_flights SELECT carrier, day, dest, minutes, c FROM temp.in_flights WHERE true
    ORDER BY 1, 2, 3, 4 ON CONFLICT DO UPDATE SET c = c + excluded.c"""
RETURN = "SELECT airline, day, n0, s0, n1, s1 FROM temp.dg"


class Pipeline(Competitor):
    title = "by hand"
    changeable = ("flights",)

    def open(self) -> Any:
        self.connection = databases.sqlite_connection(self.database)
        for statement in TABLES:
            self.connection.execute(statement)
        return self.connection

    def fill(self, change: Change) -> Any:
        if change.input == "flights":
            return self.step(change)
        many = self.connection.executemany
        if change.input == "airlines":
            rows = [(each.carrier, each.name) for each in change.added]
            many("INSERT INTO d_airlines VALUES (?, ?, 1)", rows)
        else:
            many("INSERT INTO d_airports VALUES (?, 1)", [(each.faa,) for each in change.added])
        return None

    def step(self, change: Change) -> Any:
        assert change.input == "flights"
        rows: list[tuple[Any, ...]] = []
        for sign, some in ((1, change.added), (-1, change.removed)):
            rows += [
                (each.carrier, each.day.toordinal() - EPOCH_DAY, each.dest, each.arr_delay, sign)
                for each in some
                if each.arr_delay is not None
            ]
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute("DELETE FROM temp.dg")
        FLIGHTS.load(self.connection, rows)
        execute(CHANGE)
        execute(KEEP_DAILY)
        execute(KEEP_FLIGHTS)
        found = execute(RETURN).fetchall()
        execute("COMMIT")
        changed = []
        for airline, day, n0, s0, n1, s1 in found:
            if n0 and n1 and s0 == s1:
                continue
            if n0:
                changed.append(((airline, day, s0), -1))
            if n1:
                changed.append(((airline, day, s1), 1))
        return changed

    def changed(self, returned: Any) -> Iterable[Counted]:
        return returned or ()

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute("SELECT airline, day, s FROM daily")
        return ((row, 1) for row in rows)
