"""Records of staged iterations in Postgres: who works holds a session lock."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from stepping.compiler.plan.sql_plan import SQLDelta
from stepping.dialects.features import FEATURES, STAGES, TIMES, FeatureTables
from stepping.dialects.identifiers import quoted
from stepping.dialects.iterations import Iterations, Used
from stepping.dialects.postgres.cursors import RawCursor, literal

_WITH_USED = "WITH used AS (DELETE FROM stepping_times WHERE query = $1 AND t = $2 RETURNING void) "
_USED = {
    TIMES: "coalesce((SELECT void FROM used), false)",
    STAGES: "EXISTS (SELECT 1 FROM stepping_iterations "
    "WHERE query = $1 AND t < $2 AND state = 'running')",
}
_IS_THERE = {
    each: f"to_regclass(format('%I.{FEATURES[each].tables[-1]}', current_schema())) IS NOT NULL"
    for each in (TIMES, STAGES)
}
_CLASS = 0x73746570  # of our session locks: each worker has one, with a number of its own


class PostgresIterations(Iterations):
    now = "extract(epoch FROM clock_timestamp())::float8"
    for_update = " FOR UPDATE"

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        one_statement: Callable[[], AbstractContextManager[None]],
        features: FeatureTables,
    ) -> None:
        self.connection = connection
        self.one_statement = one_statement  # see `Transactions.one_statement`
        self.features = features
        self._worker: str | None = None

    def _run(self, sql: str, parameters: Sequence[Any]) -> RawCursor:
        cursor = RawCursor(self.connection)
        with self.one_statement():
            cursor.execute(sql.encode(), parameters or None, prepare=True)
        return cursor

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._run(sql, parameters).fetchall()

    def changed(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self._run(sql, parameters).rowcount

    def worker(self) -> str:
        if self._worker is None:
            self._worker = f"{random.SystemRandom().getrandbits(31)} {self.label()}"
        return self._worker

    def lock_sql(self) -> str:
        """Takes the lock by which the others see that this worker is there: one of the session,
        which goes with the connection, however that ends. In each transaction of a stage, since
        DISCARD takes it away.
        """
        return f"SELECT pg_advisory_lock({_CLASS}, {self.worker().split(' ')[0]})"

    def is_alive(self, worker: str) -> bool:
        number = int(worker.split(" ")[0])
        sql = (
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 "
            "AND classid = $1::bigint::oid AND objid = $2::bigint::oid AND granted"
        )
        return bool(self.rows(sql, (_CLASS, number)))

    def gate(self, query: str) -> None:
        self.rows(self.gate_sql(query))

    def gate_sql(self, query: str) -> str:
        return f"SELECT pg_advisory_xact_lock(hashtext('stepping'), hashtext({literal(query)}))"

    def forget(self, query: str, t: int) -> int:
        return self.changed(
            "WITH j AS (DELETE FROM stepping_journal WHERE query = $1 AND t = $2) "
            "DELETE FROM stepping_iterations WHERE query = $1 AND t = $2",
            (query, t),
        )

    def use(self, query: str, t: int) -> Used:
        there = self.features.known & {TIMES, STAGES}
        while True:
            # In one trip to the server with a look for the tables that may be made at any time.
            asked = [_USED[each] if each in there else _IS_THERE[each] for each in (TIMES, STAGES)]
            sql = f"{_WITH_USED if TIMES in there else ''}SELECT {', '.join(asked)}"
            (found,) = self.rows(sql, (query, t) if there else ())
            seen = {each for each, yes in zip((TIMES, STAGES), found, strict=True) if yes} - there
            if not seen:
                return Used(*found)
            for each in seen:
                self.features.found(each)
            there |= seen

    def keep(self, query: str, t: int, delta: SQLDelta) -> None:
        self.changed(
            "INSERT INTO stepping_journal (query, t, name, kept) "
            "SELECT $1, $2, $3, coalesce(array_agg(d::text), '{}') "
            f"FROM {quoted(delta.table)} d "
            "ON CONFLICT (query, t, name) DO UPDATE SET kept = excluded.kept",
            (query, t, delta.table),
        )

    def load(self, query: str, t: int, delta: SQLDelta) -> None:
        table = quoted(delta.table)
        self.changed(
            f"INSERT INTO {table} SELECT (d.r).* FROM ("
            f"SELECT unnest(kept)::{table} AS r FROM stepping_journal "
            "WHERE query = $1 AND t = $2 AND name = $3 OFFSET 0) d",
            (query, t, delta.table),
        )
