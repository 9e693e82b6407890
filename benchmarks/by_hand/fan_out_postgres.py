"""Renaming a widely joined user by hand on Postgres: one statement for all its rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from benchmarks import databases
from benchmarks.competitor import Competitor, Counted
from benchmarks.workload import Change
from benchmarks.workloads.fan_out import EPOCH, MICROSECOND

TABLES = (
    "CREATE TABLE d_users (user_id int8 PRIMARY KEY, name text NOT NULL)",
    "CREATE TABLE d_reads (user_id int8, ts timestamp, value float8, c int8 NOT NULL, "
    "PRIMARY KEY (user_id, ts, value))",
    "CREATE TABLE result (name text, ts timestamp, value float8, c int8 NOT NULL, "
    "PRIMARY KEY (name, ts, value))",
)
# A user's name is replaced: the first parameter is the user, then the old name, then the new.
RENAME = """
    WITH u AS (UPDATE d_users SET name = $3 WHERE user_id = $1 AND name = $2 RETURNING user_id),
    r AS MATERIALIZED (SELECT r.ts, r.value, r.c FROM u JOIN d_reads AS r USING (user_id)),
    gone AS (DELETE FROM result AS t USING r
        WHERE t.name = $2 AND t.ts = r.ts AND t.value = r.value AND t.c = r.c),
    less AS (UPDATE result AS t SET c = t.c - r.c FROM r
        WHERE t.name = $2 AND t.ts = r.ts AND t.value = r.value AND t.c <> r.c),
    come AS (INSERT INTO result SELECT $3, ts, value, c FROM r
        ON CONFLICT (name, ts, value) DO UPDATE SET c = result.c + excluded.c)
    SELECT $2::text, ts, value, -c FROM r WHERE $4::bool
    UNION ALL SELECT $3::text, ts, value, c FROM r WHERE $4::bool"""
READS = """
    WITH i AS MATERIALIZED (
        SELECT user_id, ts, value, sum(c)::int8 AS c
        FROM unnest($1::int8[], $2::timestamp[], $3::float8[], $4::int8[])
            AS u(user_id, ts, value, c)
        GROUP BY 1, 2, 3),
    kept AS (INSERT INTO d_reads SELECT user_id, ts, value, c FROM i
        ON CONFLICT (user_id, ts, value) DO UPDATE SET c = d_reads.c + excluded.c),
    r AS MATERIALIZED (SELECT u.name, i.ts, i.value, i.c FROM i JOIN d_users AS u USING (user_id)),
    come AS (INSERT INTO result SELECT name, ts, value, c FROM r
        ON CONFLICT (name, ts, value) DO UPDATE SET c = result.c + excluded.c)
    SELECT name, ts, value, c FROM r"""


class Pipeline(Competitor):
    title = "by hand"
    changeable = ()  # reads are only added, and users only renamed

    def open(self) -> Any:
        self.connection = databases.postgres_connection(self.database)
        for statement in TABLES:
            self.connection.execute(statement)
        for name in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"):
            self.connection.execute(f"SET {name} = off")
        self.connection.execute("SET plan_cache_mode = force_generic_plan")
        self.cursor = psycopg.RawCursor(self.connection)
        return self.connection

    def fill(self, change: Change) -> Any:
        if change.input == "users":
            self.connection.cursor().executemany(
                "INSERT INTO d_users VALUES (%s, %s)",
                [(user.user_id, user.name) for user in change.added],
            )
            return []
        return self.step(change)

    def step(self, change: Change) -> Any:
        if change.input == "users":
            (old,), (new,) = change.removed, change.added
            values: tuple[Any, ...] = (old.user_id, old.name, new.name, change.read)
            found = self.cursor.execute(RENAME, values, prepare=True, binary=True).fetchall()
        else:
            assert not change.removed
            columns = [(read.user_id, read.ts, read.value, 1) for read in change.added]
            arrays = [list(column) for column in zip(*columns, strict=True)]
            found = self.cursor.execute(READS, arrays, prepare=True, binary=True).fetchall()
        return [(row[:3], row[3]) for row in found]

    def changed(self, returned: Any) -> Iterable[Counted]:
        for (name, ts, value), count in returned:
            yield (name, (ts - EPOCH) // MICROSECOND, value), count

    def contents(self) -> Iterable[Counted]:
        rows = self.connection.execute("SELECT name, ts, value, c FROM result").fetchall()
        return (((name, (ts - EPOCH) // MICROSECOND, value), c) for name, ts, value, c in rows)
