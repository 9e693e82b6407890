"""How a transaction of Postgres begins, is joined, and ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from stepping.dialects.driver import Driver, Lender, Row
from stepping.dialects.features import FeatureTables
from stepping.dialects.postgres.cursors import Cursor, RawCursor, in_pipeline, literal
from stepping.dialects.postgres.delta_tables import DeltaTables
from stepping.dialects.postgres.iterations import PostgresIterations
from stepping.dialects.postgres.own_tables import FEATURES
from stepping.dialects.postgres.settings import SETTINGS
from stepping.dialects.postgres.type_facts import TEXTS

_SET = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)" for name, value in SETTINGS.items()
)
_READ_COMMITTED = (
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET LOCAL datestyle = 'ISO, YMD'",
)
_TEXTS = tuple(f"SET LOCAL {name} = '{value}'" for name, value in TEXTS.items())
_NO_HASH_JOINS = "SELECT set_config('enable_hashjoin', 'off', true)"
_CURRENT = "SELECT " + ", ".join(f"current_setting('{name}')" for name in SETTINGS)
_RESTORE = "SELECT " + ", ".join(f"set_config('{name}', %s, true)" for name in SETTINGS)

# What our statements are written in. The server tells of these without being asked.
_LANGUAGE = {"client_encoding": "UTF8", "standard_conforming_strings": "on"}


class Transactions(Driver):
    """Those of one connection, the application's as well."""

    _connection: psycopg.Connection[Any]
    _lender: Lender
    schema: str | None = None  # that was current when a store was opened
    _deltas: DeltaTables
    _begun_here: bool  # whether the transaction that is open is one of ours
    _at_end: str  # what is sent with its COMMIT

    @cached_property
    def iterations(self) -> PostgresIterations:
        return PostgresIterations(self._connection, self.one_statement, self.features)

    @cached_property
    def features(self) -> FeatureTables:
        return FeatureTables(self, FEATURES)

    @contextmanager
    def staging(self, gate: str | None = None) -> Iterator[None]:
        if self.in_transaction():
            with self.writing():
                self.execute(self.iterations.lock_sql())
                if gate is not None:
                    self.iterations.gate(gate)
                yield
            return
        # Whatever the connection is set to: each statement must see what was committed before
        # the locks were there. The journal has rows as text.
        begin = [*_READ_COMMITTED, self.iterations.lock_sql(), _SET, _NO_HASH_JOINS]
        if gate is not None:
            begin.append(self.iterations.gate_sql(gate))
        with self._begun(*begin):
            self._deltas.hash_joins = False
            yield

    def preparing(self) -> AbstractContextManager[None]:
        return self.writing() if self.in_transaction() else self._begun(_SET)

    @contextmanager
    def _begun(self, *statements: str) -> Iterator[None]:
        """A transaction with what it begins with, which is one trip to the server with its BEGIN
        where the driver does not send that by itself.
        """
        self._deltas.hash_joins = True
        if not self._connection.autocommit or self.foreign_language():
            with self.transaction():
                self.several(*statements)
                yield
            return
        self._begun_here, self._at_end = True, ""
        try:
            self.several("BEGIN", *statements)  # what fails after BEGIN leaves a transaction open
            yield
            self.several(*filter(None, (self._at_end, "COMMIT")))
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

    def foreign_language(self) -> dict[str, str]:
        """The settings of the session in which our statements would be read as something else."""
        told = self._connection.pgconn.parameter_status
        found = {name: told(name.encode()) for name in _LANGUAGE}
        return {
            name: value.decode()
            for name, value in found.items()
            if value is not None and value != _LANGUAGE[name].encode()
        }

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction, or a savepoint in the application's, in which our statements mean what is
        written in them.
        """
        joined = self.in_transaction()
        with self._connection.transaction(), self._our_language(joined=joined):
            yield

    @contextmanager
    def _our_language(self, *, joined: bool) -> Iterator[None]:
        before = self.foreign_language()
        for name in before:
            self.execute(f"SET LOCAL {name} = {literal(_LANGUAGE[name])}")
        yield
        for name, value in before.items() if joined else ():
            self.execute(f"SET LOCAL {name} = {literal(value)}")

    @contextmanager
    def joining(self) -> Iterator[None]:
        if self.joins() and self.is_idle():
            with self._begun_by_statement(), self._our_language(joined=True):
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
            with self._begun_by_statement(), self._our_language(joined=True):
                yield
        elif self.foreign_language():
            with self.transaction():
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
        with ExitStack() as open_one:
            try:
                open_one.enter_context(self.transaction())
                self.execute(_SET, prepare=True)
            except errors.InvalidSqlStatementName:
                # What was prepared is gone, and after a rollback psycopg prepares all of it again.
                open_one.pop_all().__exit__(*sys.exc_info())
                open_one.enter_context(self.transaction())
                self.execute(_SET, prepare=True)
            self._deltas.hash_joins = True
            yield
            if before is not None:
                self.execute(_RESTORE, before)

    @contextmanager
    def computing(self) -> Iterator[None]:
        self.enter()
        if self.in_transaction():
            with self.transaction():
                self._deltas.hash_joins = None
                yield
        else:
            with self._one_state():
                yield

    @contextmanager
    def one_statement(self) -> Iterator[None]:
        """For one statement: in the application's transaction if it has begun, else by itself."""
        by_itself = self.in_transaction() or self._connection.autocommit
        if by_itself and not self.foreign_language():
            yield
        else:
            with self.transaction():
                yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        if self.in_transaction():
            with self.one_statement():
                yield
            return
        with self._one_state(", READ ONLY"):
            yield

    @contextmanager
    def _one_state(self, access: str = "") -> Iterator[None]:
        """A transaction that sees one state of the database, for statements on whole tables."""
        with self.transaction():
            self.several(f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ{access}", *_TEXTS)
            self._deltas.hash_joins = None
            yield

    def raw(self) -> RawCursor:
        return RawCursor(self._connection)

    def execute(self, sql: str | bytes, *parameters: Any, **options: Any) -> psycopg.Cursor[Row]:
        return Cursor(self._connection).execute(sql, *parameters, **options)

    def several(self, *statements: str) -> None:
        """Run statements without parameters in one trip to the server, where that can be."""
        if in_pipeline(self._connection):  # each is a message of its own
            for statement in statements:
                self.execute(statement)
        elif statements:
            self.execute("; ".join(statements))

    def undo(self) -> None:
        if not self.is_idle():
            self._connection.rollback()
