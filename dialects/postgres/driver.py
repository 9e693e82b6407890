"""Postgres's connection, through psycopg."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from stepping.compiler.codec import Convert
from stepping.compiler.plan.sql_plan import Role, SQLFused, SQLPlan, SQLStatement
from stepping.compiler.plan.statistics import FanOut, PlanNode, TableSize
from stepping.compiler.plan.tables import TableColumn
from stepping.dialects import capture_words
from stepping.dialects.capture import CaptureWords
from stepping.dialects.driver import Lender, Row, forks
from stepping.dialects.postgres import faults, schemas, statistics
from stepping.dialects.postgres.arrays import columns_of
from stepping.dialects.postgres.cursors import end_pipeline, in_pipeline, literal
from stepping.dialects.postgres.delta_tables import DeltaTables
from stepping.dialects.postgres.notifications import CHANNEL, Notifications
from stepping.dialects.postgres.queue import PostgresQueue
from stepping.dialects.postgres.step_function import StepFunctions, arrays, without_output
from stepping.dialects.postgres.transactions import Transactions
from stepping.dialects.postgres.type_facts import is_time
from stepping.dialects.postgres.values import from_column, to_column
from stepping.errors import StoreError, UnsupportedError

if TYPE_CHECKING:
    from stepping.dialects.postgres.described import PostgresDatabase

OLDEST_VERSION = 150000
_FETCH_ROWS = 1000
_NO_RIGHT = (
    errors.InsufficientPrivilege,
    errors.ReadOnlySqlTransaction,
    errors.InvalidSchemaName,  # there is no schema to make them in
)
_USABLE = (TransactionStatus.IDLE, TransactionStatus.INTRANS)

_LOCK = (
    "WITH l AS (SELECT table_name FROM last_update WHERE table_name = ANY(%s) "
    "AND EXISTS (SELECT FROM stepping_queries WHERE name = %s AND fingerprint = %s "
    "AND current_schema() = coalesce(%s, current_schema())) "
    "ORDER BY table_name FOR UPDATE) UPDATE last_update u SET t = u.t FROM l "
    "WHERE u.table_name = l.table_name RETURNING u.table_name, u.t"
)
# Where CREATE TABLE makes tables: not wherever search_path finds one.
_HERE = (
    "c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n "
    "WHERE n.nspname = current_schema())"
)
_LOCK_FREE = _LOCK.replace("FOR UPDATE", "FOR UPDATE SKIP LOCKED")
_ADVANCE = (
    "WITH moved AS (UPDATE last_update SET t = %s WHERE table_name = ANY(%s)) "
    f"SELECT pg_notify('{CHANNEL}', '')"
)


def connect(url: str) -> psycopg.Connection[Any]:
    """A connection in autocommit."""
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True)


class PostgresDriver(Transactions):
    dialect = "postgres"
    error = psycopg.Error
    together_secs = 0.005  # some times what it costs to commit a stage and to begin the next

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        lender: Lender | None = None,
    ) -> None:
        self.forks = forks()
        self._connection = connection
        self._lender = lender or Lender()
        self.check_open()
        self._notifications = Notifications(connection)
        self._deltas = DeltaTables()
        self._begun_here, self._at_end = False, ""
        self._step_functions = StepFunctions()
        if connection.info.server_version < OLDEST_VERSION:
            raise UnsupportedError(
                f"Postgres {connection.info.server_version // 10000} is too old",
                hint="stepping needs Postgres 15 or newer",
            )
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise UnsupportedError(
                f"the database's encoding is {encoding}", hint="create it with ENCODING 'UTF8'"
            )

    def check_open(self) -> None:
        self._lender.check()
        if self._connection.closed:
            lost = self._connection.broken
            raise StoreError(
                "the connection to the server was lost" if lost else "the connection is closed",
                hint="open a connection, and a store on it",
            )
        if in_pipeline(self._connection):
            end_pipeline(self._connection)

    def settle(self, *, failed: bool) -> None:
        self._lender.settle(failed=failed)

    def note(self, error: Exception) -> None:
        lost = bool(self._connection.closed)
        faults.note(error, lost=lost)
        if isinstance(error, errors.UndefinedTable):
            self.features.forget()
        if lost:
            self._lender.lost()

    def is_of_table(self, error: BaseException) -> bool:
        return faults.is_of_table(error)

    @cached_property
    def capturing(self) -> CaptureWords:
        return capture_words(self.dialect)

    @property
    def connection(self) -> psycopg.Connection[Any]:
        return self._connection

    @property
    def database(self) -> PostgresDatabase:
        from stepping.dialects.postgres.described import PostgresDatabase

        return PostgresDatabase(self._connection)

    @property
    def to_column(self) -> Convert:
        return to_column

    @property
    def from_column(self) -> Convert:
        return from_column

    def prepare(self, plan: SQLPlan) -> None:
        self._deltas.add(plan.session_ddl)
        self.schema = self._current_schema()

    def check_schema(self) -> None:
        if self.schema is not None:
            schemas.check(self.schema, self._current_schema())

    def _current_schema(self) -> str | None:
        with self.one_statement():
            return self._look()

    def open_session(self) -> None:
        """Make the delta tables, which only steps that cannot be fused need."""
        self._deltas.create(self)

    def alone(self, what: str = "stepping") -> None:
        # CREATE TABLE IF NOT EXISTS fails where two run it at once.
        self.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (what,))

    def listen(self) -> None:
        self._notifications.listen(self)

    def unlisten(self) -> None:
        self._notifications.unlisten(self)

    def pause(self, seconds: float) -> None:
        self._notifications.pause(seconds)

    def is_of_input(self, error: BaseException) -> bool:
        return faults.is_of_input(error)

    def may_not_write(self, error: BaseException) -> bool:
        return isinstance(error, _NO_RIGHT)

    def is_transient(self, error: BaseException) -> bool:
        return faults.is_transient(error)

    def gave_up_waiting(self, error: BaseException) -> bool:
        return isinstance(error, errors.LockNotAvailable)

    def has_lost(self, error: BaseException) -> bool:
        if isinstance(error, errors.UndefinedTable):
            return self._deltas.are_gone(faults.quoted(error))
        return isinstance(error, errors.InvalidSqlStatementName)

    def lock(self, tables: Sequence[str], query: str, fingerprint: str) -> Mapping[str, int]:
        return self._lock(_LOCK, tables, query, fingerprint)

    def lock_free(self, tables: Sequence[str], query: str, fingerprint: str) -> Mapping[str, int]:
        return self._lock(_LOCK_FREE, tables, query, fingerprint)

    def _lock(
        self, sql: str, tables: Sequence[str], query: str, fingerprint: str
    ) -> Mapping[str, int]:
        # An earlier statement than those that read the tables, or their snapshot would be older
        # than the lock. Each row is written, not only locked: under REPEATABLE READ that makes a
        # step fail, to be run again, whose snapshot is older than the last change.
        # A lock that was waited for is that of the row as it is then; the catalog is seen as it
        # was before. So a migration deletes the rows of a query and inserts them anew.
        given = (list(tables), query, fingerprint, self.schema)
        return dict(self.execute(sql, given, prepare=True).fetchall())

    def standing(self, tables: Sequence[str]) -> Mapping[str, int]:
        sql = "SELECT table_name, t FROM last_update WHERE table_name = ANY(%s)"
        with self.one_statement():
            return dict(self.execute(sql, (list(tables),), prepare=True).fetchall())

    def advance(self, tables: Sequence[str], t: int) -> None:
        self.execute(_ADVANCE, (t, list(tables)), prepare=True)

    def advance_last(self, tables: Sequence[str], t: int) -> None:
        if not self._begun_here:
            self.advance(tables, t)
            return
        self._at_end = _ADVANCE.replace("%s", "{}").format(literal(t), literal(list(tables)))

    def plan_for(self, statement: SQLStatement) -> None:
        self._deltas.plan_for(self, statement)

    def run(self, statement: SQLStatement) -> int:
        if statement.role is Role.CLEAR:
            self.clear([statement])
            return -1
        self.plan_for(statement)
        return self.raw().execute(statement.sql.encode(), prepare=True).rowcount

    def clear(self, statements: Sequence[SQLStatement]) -> None:
        self._deltas.clear(self, statements)

    def stage(self, statement: SQLStatement, rows: Sequence[Row]) -> None:
        sql = statement.stage_sql or statement.sql
        columns = columns_of(rows, statement.columns)
        # A raw cursor: parameters are $1, $2, ..., and a % in the text is a %.
        self.raw().execute(sql.encode(), columns, prepare=True)

    def fused(
        self, fused: SQLFused, staged: Mapping[str, Sequence[Row]], *, output: bool = True
    ) -> list[Row]:
        given = arrays(fused, staged)
        text = fused.sql if output else without_output(fused)
        return self.raw().execute(text.encode(), given, prepare=True, binary=True).fetchall()

    def fused_alone(
        self,
        fused: SQLFused,
        staged: Mapping[str, Sequence[Row]],
        tables: Sequence[str],
        query: str,
        fingerprint: str,
        *,
        output: bool = True,
    ) -> list[Row] | None:
        where = (tables, query, fingerprint)
        return self._step_functions.run(self, fused, staged, *where, output=output)

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self.raw().execute(sql.encode(), parameters or None, binary=True).fetchall()

    def read_each(self, sql: str, several: Sequence[Sequence[Any]]) -> Iterator[list[Row]]:
        # Without a cursor on the server, which takes three trips to it for each.
        if in_pipeline(self._connection):
            for parameters in several:
                yield self.read(sql, parameters)
            return
        for start in range(0, len(several), _FETCH_ROWS):
            cursor = self.raw()
            cursor.format = psycopg.pq.Format.BINARY
            cursor.executemany(sql.encode(), several[start : start + _FETCH_ROWS], returning=True)
            yield cursor.fetchall()
            while cursor.nextset():
                yield cursor.fetchall()

    def select(self, statement: SQLStatement) -> list[Row]:
        return self.raw().execute(statement.sql.encode(), prepare=True, binary=True).fetchall()

    def in_texts(self, sql: str, columns: Sequence[TableColumn], *, exactly: bool = False) -> str:
        natives = [c.type.native for c in columns]
        as_text = [n is not None and (n.as_text or (exactly and is_time(n))) for n in natives]
        if not any(as_text):
            return sql
        names = [f"c{i}" for i, _ in enumerate(columns)]
        shown = [f"{n}::text" if text else n for n, text in zip(names, as_text, strict=True)]
        listed = ", ".join([*names, "n"])
        return f"SELECT {', '.join([*shown, 'n'])} FROM (\n{sql}\n) AS r ({listed})"

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[list[Row]]:
        self.enter()
        # Any number of stores share a connection, and behind a pooler processes share a session.
        name = f"stepping_read_{uuid.uuid4().hex}"
        # WITH HOLD: the cursor outlives its transaction, so that none is open while the caller
        # does something else between two batches, or ends its own.
        declare = f"DECLARE {name} NO SCROLL CURSOR WITH HOLD FOR {sql}"
        with self.transaction():
            self.raw().execute(declare.encode(), parameters or None)
            rows = self._fetched(name)
            current = self._close_and_look(name) if len(rows) < _FETCH_ROWS else self._look()
            schemas.check(self.schema, current)
        if len(rows) < _FETCH_ROWS:
            if rows:
                yield rows
            return
        try:
            while rows:
                yield rows
                with self.transaction():
                    rows = self._fetched(name)
        finally:
            if self._connection.info.transaction_status in _USABLE:
                with self.transaction():
                    self._close(name)

    def _fetched(self, name: str) -> list[Row]:
        sql = f"FETCH FORWARD {_FETCH_ROWS} FROM {name}"
        return self.raw().execute(sql.encode(), binary=True).fetchall()

    def _close(self, name: str) -> None:
        self.execute(f"CLOSE {name}")

    def _look(self) -> str | None:
        """The current schema."""
        row = self.execute(schemas.CURRENT).fetchone()
        return None if row is None else row[0]

    def _close_and_look(self, name: str) -> str | None:
        """As both, in one trip to the server where that can be."""
        if in_pipeline(self._connection):
            self._close(name)
            return self._look()
        cursor = self.execute(f"CLOSE {name}; {schemas.CURRENT}")
        cursor.nextset()
        row = cursor.fetchone()
        return None if row is None else row[0]

    def script(self, statements: Sequence[str]) -> None:
        with self.one_statement():
            for statement in statements:
                self.execute(statement.encode())

    def existing(self, tables: Sequence[str]) -> set[str]:
        sql = (
            "SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relname = ANY(%s) "
            f"AND c.relkind IN ('r', 'p', 'v') AND {_HERE}"
        )
        with self.one_statement():
            rows = self.execute(sql, (list(tables),)).fetchall()
        return {name for (name,) in rows}

    def next_time(self) -> int:
        row = self.execute("SELECT nextval('stepping_clock')").fetchone()
        assert row is not None
        return int(row[0])

    @property
    def queue(self) -> PostgresQueue:
        return PostgresQueue(self)

    @contextmanager
    def settings_kept(self) -> Iterator[None]:
        names = ("lock_timeout", "statement_timeout")
        before = self.execute(
            "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
        ).fetchone()
        try:
            yield
        finally:
            if before is not None and not self._connection.broken:
                restored = ", ".join(f"set_config('{name}', %s, false)" for name in names)
                self.execute(f"SELECT {restored}".encode(), before)

    def columns(self, tables: Sequence[str]) -> dict[str, set[str]]:
        sql = (
            "SELECT c.relname, array_agg(a.attname::text) FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
            "AND NOT a.attisdropped WHERE c.relname = ANY(%s) AND c.relkind IN ('r', 'p') "
            f"AND {_HERE} GROUP BY c.relname"
        )
        with self.one_statement():
            rows = self.execute(sql, (list(tables),)).fetchall()
        return {name: set(columns) for name, columns in rows}

    def indexes(self, names: Sequence[str]) -> set[str]:
        sql = (
            "SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relname = ANY(%s) "
            f"AND c.relkind = 'i' AND {_HERE}"
        )
        with self.one_statement():
            return {name for (name,) in self.execute(sql, (list(names),)).fetchall()}

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self.raw().execute(sql.encode(), parameters or None).rowcount

    def remember(self, query: str, fingerprint: str, key: str, plan: str, recompute: str) -> None:
        sql = (
            "UPDATE stepping_queries SET plan_key = %s, plan = %s, recompute = %s WHERE ctid = ("
            "SELECT ctid FROM stepping_queries WHERE name = %s AND fingerprint = %s "
            "FOR UPDATE SKIP LOCKED)"
        )
        refused = (
            errors.InsufficientPrivilege,
            errors.ReadOnlySqlTransaction,
            errors.SerializationFailure,  # another process has stored it since this one looked
        )
        with suppress(*refused), self.transaction():
            self.execute(sql, (key, plan, recompute, query, fingerprint))

    def start(self, query: str) -> bool:
        sql = "UPDATE stepping_queries SET started = true WHERE name = %s AND NOT started"
        return self.execute(sql, (query,)).rowcount == 0

    def failure(self, error: BaseException) -> str | None:
        return faults.failure(error)

    def refusal(self, error: BaseException) -> str | None:
        return faults.refusal(error)

    def sizes(self, tables: Sequence[str]) -> Mapping[str, TableSize]:
        with self.reading():
            return statistics.sizes(self.read, tables)

    def fan_out(
        self, table: str, columns: Sequence[str], schema: str = "", *, in_order: bool = True
    ) -> FanOut | None:
        with self.reading():
            return statistics.fan_out(self.read, table, columns, schema)

    def query_plans(self, statements: Sequence[str]) -> Sequence[Sequence[PlanNode]]:
        with suppress(errors.ReadOnlySqlTransaction):  # a standby: some have delta tables to read
            self.open_session()
        return [self._query_plan(sql) for sql in statements]

    def _query_plan(self, sql: str) -> Sequence[PlanNode]:
        """None of a statement whose delta tables could not be made."""
        try:
            with self.writing():  # with the settings of a step; EXPLAIN runs nothing
                cursor = self.raw().execute(f"EXPLAIN (FORMAT JSON) {sql}".encode())
                ((found,),) = cursor.fetchall()
        except errors.UndefinedTable as error:
            if not self.has_lost(error):
                raise
            return ()
        return statistics.plan_nodes(found[0]["Plan"])
