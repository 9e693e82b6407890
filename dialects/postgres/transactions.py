"""How a transaction of Postgres begins, is joined, and ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from stepping.dialects.driver import Driver, Lender, Row
from stepping.dialects.postgres.delta_tables import DeltaTables
from stepping.dialects.postgres.iterations import PostgresIterations
from stepping.dialects.postgres.step_function import SETTINGS

_SET = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)" for name, value in SETTINGS.items()
)
_READ_COMMITTED = (
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL datestyle = 'ISO, YMD'; "
)
_CURRENT = "SELECT " + ", ".join(f"current_setting('{name}')" for name in SETTINGS)
_RESTORE = "SELECT " + ", ".join(f"set_config('{name}', %s, true)" for name in SETTINGS)


class Transactions(Driver):
    """Those of one connection, the application's as well."""

    _connection: psycopg.Connection[Any]
    _lender: Lender
    _deltas: DeltaTables
    _begun_here: bool  # whether the transaction that is open is one of ours
    _at_end: str  # what is sent with its COMMIT

    @cached_property
    def iterations(self) -> PostgresIterations:
        return PostgresIterations(self._connection, self.one_statement)

    @contextmanager
    def staging(self, gate: str | None = None) -> Iterator[None]:
        if self.in_transaction():
            with self.writing():
                if gate is not None:
                    self.iterations.gate(gate)
                yield
            return
        # Whatever the connection is set to: each statement must see what was committed before
        # the locks were there. The journal has rows as text.
        begin = f"{_READ_COMMITTED}{_SET}; SELECT set_config('enable_hashjoin', 'off', true)"
        if gate is not None:
            begin += f"; {self.iterations.gate_sql(gate)}"
        with self._begun(begin):
            self._deltas.hash_joins = False
            yield

    def preparing(self) -> AbstractContextManager[None]:
        return self.writing() if self.in_transaction() else self._begun(_SET)

    @contextmanager
    def _begun(self, sql: str) -> Iterator[None]:
        """A transaction with what it begins with, which is one trip to the server with its BEGIN
        where the driver does not send that by itself.
        """
        if not self._connection.autocommit:
            with self._connection.transaction():
                self._deltas.hash_joins = True
                self.execute(sql)
                yield
            return
        self._deltas.hash_joins = True
        self._begun_here, self._at_end = True, ""
        try:
            self.execute(f"BEGIN; {sql}")  # what fails behind BEGIN leaves a transaction open
            yield
            self.execute(f"{self._at_end}; COMMIT" if self._at_end else "COMMIT")
        except BaseException:
            if not self._connection.closed and not self.is_idle():
                self.execute("ROLLBACK")
            raise
        finally:
            self._begun_here = False

    def in_transaction(self) -> bool:
        return not self.is_idle() or self._will_begin()

    def is_idle(self) -> bool:
        return self._connection.info.transaction_status is TransactionStatus.IDLE

    def _will_begin(self) -> bool:
        """Whether the application's transaction has begun, but for the driver's BEGIN."""
        return self._lender.begun() and not self._connection.autocommit and self.is_idle()

    def joins(self) -> bool:
        commits = self._connection.autocommit
        if self._lender.begin() and commits and self.is_idle():
            self._lender.end()  # SQLAlchemy's AUTOCOMMIT: nothing has begun
        return not self.is_idle() or (self._lender.is_shared and not commits)

    def enter(self) -> None:
        """Begin the transaction that the application believes to have begun."""
        if self._will_begin():
            self.execute("SELECT")  # psycopg sends BEGIN before it

    @property
    def is_alone(self) -> bool:
        """Whether the next statement is a transaction by itself, as the connection's are set."""
        connection = self._connection
        own = (connection.isolation_level, connection.read_only, connection.deferrable)
        return connection.autocommit and self.is_idle() and own == (None, None, None)

    @contextmanager
    def joining(self) -> Iterator[None]:
        if self.joins() and self.is_idle():
            with self._begun_by_statement():
                before = self.execute(_CURRENT).fetchone()
                self.execute(_SET, prepare=True)
                self._deltas.hash_joins = True
                yield
                self.execute(_RESTORE, before)
            return
        with self.writing():
            yield

    @contextmanager
    def joining_once(self, *, savepoint: bool) -> Iterator[None]:
        """As `joining`, for one statement that needs no settings of the transaction."""
        if self.joins() and self.is_idle():
            with self._begun_by_statement():
                yield
        elif self.is_alone or (self.in_transaction() and not savepoint):
            yield
        else:
            with self._connection.transaction():
                yield

    @contextmanager
    def _begun_by_statement(self) -> Iterator[None]:
        """A transaction that psycopg begins with the first statement, and the application ends."""
        try:
            yield
        except BaseException:
            if not self._connection.closed and not self.is_idle():
                self._connection.rollback()
            raise

    @contextmanager
    def writing(self) -> Iterator[None]:
        self.enter()
        before = None
        if self.in_transaction():
            before = self.execute(_CURRENT).fetchone()
        with self._connection.transaction():
            self.execute(_SET, prepare=True)
            self._deltas.hash_joins = True
            yield
            if before is not None:
                self.execute(_RESTORE, before)

    @contextmanager
    def computing(self) -> Iterator[None]:
        self.enter()
        joined = self.in_transaction()
        with self._connection.transaction():
            if not joined:
                self.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self._deltas.hash_joins = None
            yield

    @contextmanager
    def one_statement(self) -> Iterator[None]:
        """For one statement: in the application's transaction if it has begun, else by itself."""
        if self.in_transaction() or self._connection.autocommit:
            yield
        else:
            with self._connection.transaction():
                yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        if self.in_transaction():
            yield
            return
        with self._connection.transaction():
            self.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            self._deltas.hash_joins = None  # what verify computes here is of whole tables
            yield

    def execute(self, sql: str | bytes, *parameters: Any, **options: Any) -> psycopg.Cursor[Row]:
        # Not Connection.execute, whose cursors and rows are what the application has made them.
        cursor = psycopg.Cursor(self._connection, row_factory=tuple_row)
        return cursor.execute(sql, *parameters, **options)

    def undo(self) -> None:
        if not self.is_idle():
            self._connection.rollback()
