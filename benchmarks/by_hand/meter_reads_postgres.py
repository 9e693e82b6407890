"""The meter reads by hand on Postgres: one function, and in it one statement after the lock.

Two functions, as a plan would have: for a change with positive counts only the reads are appended
without being looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from benchmarks import databases
from benchmarks.competitor import Competitor, Counted
from benchmarks.workload import Change
from benchmarks.workloads.meter_reads import EPOCH_DAY

TABLES = (
    "CREATE TABLE clock (table_name text PRIMARY KEY, t int8 NOT NULL) WITH (fillfactor = 10)",
    "INSERT INTO clock VALUES ('meter_reads', 0)",
    "CREATE TABLE d_users (user_id int8 PRIMARY KEY, c int8 NOT NULL)",
    "CREATE TABLE d_meters (user_id int8, meter_id int8, c int8 NOT NULL, "
    "PRIMARY KEY (user_id, meter_id))",
    "CREATE TABLE d_um (meter_id int8, user_id int8, c int8 NOT NULL, "
    "PRIMARY KEY (meter_id, user_id))",
    "CREATE TABLE d_reads (meter_id int8 NOT NULL, ts timestamp NOT NULL, value float8 NOT NULL, "
    "c int8 NOT NULL, h int8 NOT NULL)",
    "CREATE INDEX d_reads_key ON d_reads (meter_id, h)",
    "CREATE TABLE daily (date date NOT NULL, user_id int8 NOT NULL, meter_id int8 NOT NULL, "
    "value float8 NOT NULL, n int8 NOT NULL, PRIMARY KEY (date, user_id, meter_id)) "
    "WITH (fillfactor = 70)",
)
HEAD = """
    CREATE FUNCTION {name}(int8[], timestamp[], float8[], int8[])
    RETURNS TABLE (user_id int8, meter_id int8, date date, value float8, c int8)
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off SET jit = off
    AS $function$
    #variable_conflict use_column
    BEGIN
    UPDATE clock SET t = t WHERE table_name = 'meter_reads';
    RETURN QUERY
    WITH i AS MATERIALIZED (
        SELECT meter_id, ts, value, c, hash_record_extended(row(meter_id, ts, value), 0) AS h
        FROM unnest($1, $2, $3, $4) AS u(meter_id, ts, value, c)),"""
APPEND = """
    s AS (INSERT INTO d_reads (meter_id, ts, value, c, h) SELECT meter_id, ts, value, c, h FROM i),
    """
MERGE = """
    k AS MATERIALIZED (
        SELECT i.*, l.rid, coalesce(l.c, 0) + i.c AS nc
        FROM (SELECT meter_id, ts, value, h, sum(c)::int8 AS c FROM i GROUP BY 1, 2, 3, 4) AS i
        LEFT JOIN LATERAL (
            SELECT d.ctid AS rid, d.c FROM d_reads AS d
            WHERE d.meter_id = i.meter_id AND d.h = i.h
                AND (d.meter_id, d.ts, d.value) IS NOT DISTINCT FROM (i.meter_id, i.ts, i.value)
            LIMIT 1) AS l ON true),
    si AS (INSERT INTO d_reads (meter_id, ts, value, c, h)
        SELECT meter_id, ts, value, nc, h FROM k WHERE rid IS NULL AND nc <> 0),
    su AS (UPDATE d_reads AS d SET c = nc FROM k WHERE d.ctid = k.rid AND nc <> 0),
    sd AS (DELETE FROM d_reads AS d USING k WHERE d.ctid = k.rid AND nc = 0),
    """
TAIL = """
    j AS (SELECT um.user_id, um.meter_id, i.ts::date AS date, sum(i.value * (um.c * i.c)) AS dv,
            sum(um.c * i.c)::int8 AS dn
        FROM i JOIN d_um AS um USING (meter_id) GROUP BY 1, 2, 3),
    o AS MATERIALIZED (
        SELECT j.user_id, j.meter_id, j.date, g.value AS ov, g.n AS n0,
            coalesce(g.value, 0) + dv AS nv, coalesce(g.n, 0) + dn AS nn, g.ctid AS rid
        FROM j LEFT JOIN daily AS g USING (user_id, meter_id, date) WHERE dn <> 0 OR dv <> 0),
    gi AS (INSERT INTO daily (user_id, meter_id, date, value, n)
        SELECT user_id, meter_id, date, nv, nn FROM o WHERE rid IS NULL AND nn <> 0),
    gu AS (UPDATE daily AS g SET value = nv, n = nn FROM o WHERE g.ctid = o.rid AND nn <> 0),
    gd AS (DELETE FROM daily AS g USING o WHERE g.ctid = o.rid AND nn = 0)
    SELECT user_id, meter_id, date, ov, -1::int8 FROM o
        WHERE n0 IS NOT NULL AND (nn = 0 OR ov IS DISTINCT FROM nv)
    UNION ALL SELECT user_id, meter_id, date, nv, 1::int8 FROM o
        WHERE nn <> 0 AND (n0 IS NULL OR ov IS DISTINCT FROM nv);
    END $function$"""
CALL_ADDED = "SELECT * FROM reads_added($1, $2, $3, $4)"
CALL_MIXED = "SELECT * FROM reads_mixed($1, $2, $3, $4)"


class Pipeline(Competitor):
    title = "by hand"
    changeable = ("reads",)

    def open(self) -> Any:
        self.connection = databases.postgres_connection(self.database)
        for statement in TABLES:
            self.connection.execute(statement)
        self.connection.execute(HEAD.replace("{name}", "reads_added") + APPEND + TAIL)
        self.connection.execute(HEAD.replace("{name}", "reads_mixed") + MERGE + TAIL)
        self.cursor = psycopg.RawCursor(self.connection)
        return self.connection

    def fill(self, change: Change) -> Any:
        if change.input == "reads":
            return self.step(change)
        cursor = self.connection.cursor()
        if change.input == "meters":
            cursor.executemany(
                "INSERT INTO d_meters VALUES (%s, %s, 1)",
                [(meter.user_id, meter.meter_id) for meter in change.added],
            )
            cursor.execute(
                "INSERT INTO d_um SELECT m.meter_id, m.user_id, m.c * u.c "
                "FROM d_meters AS m JOIN d_users AS u USING (user_id)"
            )
        else:
            cursor.executemany(
                "INSERT INTO d_users VALUES (%s, 1)", [(user.user_id,) for user in change.added]
            )
        return None

    def step(self, change: Change) -> Any:
        assert change.input == "reads"
        reads = change.added + change.removed
        arrays = [
            [read.meter_id for read in reads],
            [read.ts for read in reads],
            [read.value for read in reads],
            [1] * len(change.added) + [-1] * len(change.removed),
        ]
        call = CALL_MIXED if change.removed else CALL_ADDED
        rows = self.cursor.execute(call, arrays, prepare=True, binary=True).fetchall()
        return [(row[:4], row[4]) for row in rows]

    def changed(self, returned: Any) -> Iterable[Counted]:
        for (user_id, meter_id, date, value), count in returned or ():
            yield (user_id, meter_id, date.toordinal() - EPOCH_DAY, value), count

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute(
            "SELECT user_id, meter_id, date - date '1970-01-01', value FROM daily"
        ).fetchall()
        return ((tuple(row), 1) for row in rows)
