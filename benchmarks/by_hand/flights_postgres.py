"""The flights by hand on Postgres: one function, and in it one statement after the lock.

Two functions, as a plan would have: for a change with positive counts only the flights are appended
without being looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from benchmarks import databases
from benchmarks.competitor import Competitor, Counted
from benchmarks.workload import Change
from benchmarks.workloads.flights import EPOCH_DAY

TABLES = (
    "CREATE TABLE clock (table_name text PRIMARY KEY, t int8 NOT NULL) WITH (fillfactor = 10)",
    "INSERT INTO clock VALUES ('flights', 0)",
    'CREATE TABLE d_airlines (carrier text COLLATE "C", name text COLLATE "C", c int8 NOT NULL, '
    "PRIMARY KEY (carrier, name))",
    'CREATE TABLE d_airports (faa text COLLATE "C" PRIMARY KEY, c int8 NOT NULL)',
    'CREATE TABLE d_flights (carrier text COLLATE "C" NOT NULL, day date NOT NULL, '
    'dest text COLLATE "C" NOT NULL, minutes int8 NOT NULL, c int8 NOT NULL, h int8 NOT NULL)',
    "CREATE INDEX d_flights_key ON d_flights (carrier, h)",
    "CREATE INDEX d_flights_dest ON d_flights (dest)",  # for a change of airports
    'CREATE TABLE daily (airline text COLLATE "C" NOT NULL, day date NOT NULL, '
    "minutes int8 NOT NULL, n int8 NOT NULL, PRIMARY KEY (airline, day)) WITH (fillfactor = 70)",
    "CREATE INDEX daily_day ON daily (day)",
)
HEAD = """
    CREATE FUNCTION {name}(text[], date[], text[], int8[], int8[])
    RETURNS TABLE (airline text, day date, minutes int8, c int8)
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off SET jit = off
    AS $function$
    #variable_conflict use_column
    BEGIN
    UPDATE clock SET t = t WHERE table_name = 'flights';
    RETURN QUERY
    WITH i AS MATERIALIZED (
        SELECT carrier COLLATE "C" AS carrier, day, dest COLLATE "C" AS dest, minutes, c,
            hash_record_extended(row(carrier COLLATE "C", day, dest COLLATE "C", minutes), 0) AS h
        FROM unnest($1, $2, $3, $4, $5) AS u(carrier, day, dest, minutes, c)),"""
APPEND = """
    s AS (INSERT INTO d_flights (carrier, day, dest, minutes, c, h)
        SELECT carrier, day, dest, minutes, c, h FROM i),
    """
MERGE = """
    k AS MATERIALIZED (
        SELECT i.*, l.rid, coalesce(l.c, 0) + i.c AS nc
        FROM (SELECT carrier, day, dest, minutes, h, sum(c)::int8 AS c FROM i
              GROUP BY 1, 2, 3, 4, 5) AS i
        LEFT JOIN LATERAL (
            SELECT d.ctid AS rid, d.c FROM d_flights AS d
            WHERE d.carrier = i.carrier AND d.h = i.h
                AND (d.day, d.dest, d.minutes) = (i.day, i.dest, i.minutes)
            LIMIT 1) AS l ON true),
    si AS (INSERT INTO d_flights (carrier, day, dest, minutes, c, h)
        SELECT carrier, day, dest, minutes, nc, h FROM k WHERE rid IS NULL AND nc <> 0),
    su AS (UPDATE d_flights AS d SET c = nc FROM k WHERE d.ctid = k.rid AND nc <> 0),
    sd AS (DELETE FROM d_flights AS d USING k WHERE d.ctid = k.rid AND nc = 0),
    """
TAIL = """
    j AS (SELECT l.name AS airline, i.day, sum(i.minutes * (i.c * l.c * p.c))::int8 AS dv,
            sum(i.c * l.c * p.c)::int8 AS dn
        FROM i JOIN d_airlines AS l USING (carrier) JOIN d_airports AS p ON p.faa = i.dest
        GROUP BY 1, 2),
    o AS MATERIALIZED (
        SELECT j.airline, j.day, g.minutes AS ov, g.n AS n0, coalesce(g.minutes, 0) + dv AS nv,
            coalesce(g.n, 0) + dn AS nn, g.ctid AS rid
        FROM j LEFT JOIN daily AS g USING (airline, day) WHERE dn <> 0 OR dv <> 0),
    gi AS (INSERT INTO daily (airline, day, minutes, n)
        SELECT airline, day, nv, nn FROM o WHERE rid IS NULL AND nn <> 0),
    gu AS (UPDATE daily AS g SET minutes = nv, n = nn FROM o WHERE g.ctid = o.rid AND nn <> 0),
    gd AS (DELETE FROM daily AS g USING o WHERE g.ctid = o.rid AND nn = 0)
    SELECT airline, day, ov, -1::int8 FROM o
        WHERE n0 IS NOT NULL AND (nn = 0 OR ov IS DISTINCT FROM nv)
    UNION ALL SELECT airline, day, nv, 1::int8 FROM o
        WHERE nn <> 0 AND (n0 IS NULL OR ov IS DISTINCT FROM nv);
    END $function$"""
CALL_ADDED = "SELECT * FROM flights_added($1, $2, $3, $4, $5)"
CALL_MIXED = "SELECT * FROM flights_mixed($1, $2, $3, $4, $5)"


class Pipeline(Competitor):
    title = "by hand"
    changeable = ("flights",)

    def open(self) -> Any:
        self.connection = databases.postgres_connection(self.database)
        for statement in TABLES:
            self.connection.execute(statement)
        self.connection.execute(HEAD.replace("{name}", "flights_added") + APPEND + TAIL)
        self.connection.execute(HEAD.replace("{name}", "flights_mixed") + MERGE + TAIL)
        self.cursor = psycopg.RawCursor(self.connection)
        return self.connection

    def fill(self, change: Change) -> Any:
        if change.input == "flights":
            return self.step(change)
        many = self.connection.cursor().executemany
        if change.input == "airlines":
            rows = [(each.carrier, each.name) for each in change.added]
            many("INSERT INTO d_airlines VALUES (%s, %s, 1)", rows)
        else:
            many("INSERT INTO d_airports VALUES (%s, 1)", [(each.faa,) for each in change.added])
        return None

    def step(self, change: Change) -> Any:
        assert change.input == "flights"
        added = [each for each in change.added if each.arr_delay is not None]
        removed = [each for each in change.removed if each.arr_delay is not None]
        flights = added + removed
        arrays = [
            [each.carrier for each in flights],
            [each.day for each in flights],
            [each.dest for each in flights],
            [each.arr_delay for each in flights],
            [1] * len(added) + [-1] * len(removed),
        ]
        call = CALL_MIXED if removed else CALL_ADDED
        rows = self.cursor.execute(call, arrays, prepare=True, binary=True).fetchall()
        return [(row[:3], row[3]) for row in rows]

    def changed(self, returned: Any) -> Iterable[Counted]:
        for (airline, day, minutes), count in returned or ():
            yield (airline, day.toordinal() - EPOCH_DAY, minutes), count

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute(
            "SELECT airline, day - date '1970-01-01', minutes FROM daily"
        ).fetchall()
        return ((tuple(row), 1) for row in rows)
