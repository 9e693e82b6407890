"""SQLite's connection."""

from __future__ import annotations

import re
import sqlite3
import time as clock
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from stepping.compiler.canonical import BEYOND
from stepping.compiler.codec import Convert
from stepping.compiler.plan.sql_plan import SQLPlan, SQLStatement
from stepping.compiler.plan.statistics import FanOut, PlanNode, TableSize
from stepping.compiler.plan.tables import WITHIN, outside
from stepping.dialects import capture_words
from stepping.dialects.capture import CaptureWords
from stepping.dialects.driver import Driver, Lender, Row, StepAlone, add_hint, forks
from stepping.dialects.features import FeatureTables
from stepping.dialects.identifiers import quoted
from stepping.dialects.sqlite import functions, statistics, streams
from stepping.dialects.sqlite.connecting import begin_immediate, commits, is_busy
from stepping.dialects.sqlite.cursors import Cursor, is_plain
from stepping.dialects.sqlite.iterations import SQLiteIterations
from stepping.dialects.sqlite.last_step import LastStep
from stepping.dialects.sqlite.own_tables import FEATURES
from stepping.dialects.sqlite.queue import SQLiteQueue
from stepping.dialects.sqlite.values import from_column, to_column
from stepping.errors import StoreError, UnsupportedError

if TYPE_CHECKING:
    from stepping.dialects.sqlite.described import SQLiteDatabase

# An application's transaction may be a deferred one, which has no lock yet. Who reads first, and
# writes when another connection has written in between, fails; this waits for its turn.
_TAKE_WRITE_LOCK = "UPDATE stepping_queries SET version = version WHERE name IS NULL"
_A_WAIT_SECS = 0.005  # a BEGIN that takes longer has waited for another writer
_OF_INPUT = (
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
)
_NO_TABLE = re.compile(r"no such table: (?:temp\.)?(.+)$")
_CONTENDED = 20  # for so many transactions other writers are expected after one had to wait

_BULK_ROWS = (32, 8)  # how many rows are loaded at once that are too few for a plan's own bulk

_NOTHING_WRITTEN = "nothing was written"
_HINTS = {
    "database is locked": "another connection has held the lock for longer than this one waits: "
    f"{_NOTHING_WRITTEN}; keep transactions short, or connect with a longer timeout",
    "disk is full": f"{_NOTHING_WRITTEN}; make room and run it again",
    "readonly database": f"{_NOTHING_WRITTEN}; open the file, and its folder, for writing",
    "disk image is malformed": "the file is damaged: PRAGMA integrity_check says where; restore a "
    "backup, or recover the inputs with the shell's .recover and insert them into a new file",
}


class SQLiteDriver(Driver):
    dialect = "sqlite"
    error = sqlite3.Error
    # Nobody else can write until the transaction ends, so stages overlap with nothing; that ends
    # it now and then lets the others in.
    together_secs = 0.25
    one_writer = True

    def __init__(
        self,
        connection: sqlite3.Connection,
        lender: Lender | None = None,
    ) -> None:
        self.forks = forks()
        self._connection = connection
        # None where the application has made the connection: there is nothing to ask it.
        self._lender = None if type(lender) is Lender else lender
        self._session: tuple[str, ...] = ()
        self._has_session = False
        self._contended = 0  # how many more transactions begin by `begin_immediate`
        self._bulk_texts: dict[str, list[tuple[int, str]]] = {}
        self.check_open()
        self._own = Cursor(connection)
        self._cursor = self._own.cursor
        self._last = LastStep(connection, self._own)
        ((encoding,),) = self.read("PRAGMA encoding")
        if encoding != "UTF-8":  # texts would be ordered by other code units, and hashed otherwise
            raise UnsupportedError(
                f"the database's encoding is {encoding}",
                hint="make a new file: UTF-8 is what SQLite takes by itself; an encoding cannot be "
                "changed afterwards",
            )

    def check_open(self) -> None:
        if self._lender is not None:
            self._lender.check()
        try:
            _ = self._connection.in_transaction
        except sqlite3.ProgrammingError as error:
            raise StoreError(
                "the store's connection is closed", hint="open a connection, and a store on it"
            ) from error

    def settle(self, *, failed: bool) -> None:
        if self._lender is not None:
            self._lender.settle(failed=failed)

    def note(self, error: Exception) -> None:
        if isinstance(error, sqlite3.Error):
            for found, hint in _HINTS.items():
                if found in str(error):
                    add_hint(error, hint)
            if self.is_of_table(error):
                self.features.forget()

    def is_of_table(self, error: BaseException) -> bool:
        return isinstance(error, sqlite3.OperationalError) and "no such " in str(error)

    @cached_property
    def capturing(self) -> CaptureWords:
        return capture_words(self.dialect)

    @property
    def connection(self) -> sqlite3.Connection:
        return self._connection

    @property
    def database(self) -> SQLiteDatabase:
        from stepping.dialects.sqlite.described import SQLiteDatabase

        return SQLiteDatabase.of(self._connection)

    @property
    def to_column(self) -> Convert:
        return to_column

    @property
    def from_column(self) -> Convert:
        return from_column

    def prepare(self, plan: SQLPlan) -> None:
        functions.register(self._connection, plan.registered)
        self._session = tuple(dict.fromkeys((*self._session, *plan.session_ddl)))
        self._has_session = False
        self.open_session()

    def open_session(self) -> None:
        if self._has_session:
            return
        self.script(self._session)
        # In an application's transaction they may yet be rolled back.
        self._has_session = not self._connection.in_transaction

    def alone(self, what: str = "stepping") -> None:
        pass  # BEGIN IMMEDIATE is enough

    @cached_property
    def iterations(self) -> SQLiteIterations:
        return SQLiteIterations(self._own, self.writing, self.features)

    @cached_property
    def features(self) -> FeatureTables:
        return FeatureTables(self, FEATURES)

    def staging(self, gate: str | None = None) -> AbstractContextManager[None]:
        return self.writing()  # BEGIN IMMEDIATE is a gate

    @contextmanager
    def preparing(self) -> Iterator[None]:
        if self.in_transaction():
            yield
            return
        self._cursor.execute("BEGIN")  # delta tables are TEMP: no lock on the file is taken
        try:
            yield
            self._cursor.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._cursor.execute("ROLLBACK")
            raise

    def holds_up_writers(self) -> bool:
        return self.in_transaction()

    def pause(self, seconds: float) -> None:
        clock.sleep(seconds)

    def is_of_input(self, error: BaseException) -> bool:
        if isinstance(error, sqlite3.Error):
            # SQLITE_ERROR: what an expression raised; the others are of the file and its locks.
            return getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_INPUT
        return isinstance(error, Exception) and not isinstance(error, MemoryError | OSError)

    def may_not_write(self, error: BaseException) -> bool:
        code = getattr(error, "sqlite_errorcode", 0)
        return isinstance(error, sqlite3.Error) and code & 0xFF == sqlite3.SQLITE_READONLY

    def is_transient(self, error: BaseException) -> bool:
        return False  # BEGIN IMMEDIATE has waited already

    def has_lost(self, error: BaseException) -> bool:
        found = (
            _NO_TABLE.search(str(error)) if isinstance(error, sqlite3.OperationalError) else None
        )
        if found is None or not any(f" {quoted(found[1])} (" in text for text in self._session):
            return False
        self._has_session = False  # PRAGMA temp_store takes temporary tables away
        return True

    def in_transaction(self) -> bool:
        return self._connection.in_transaction or self.will_begin()

    def will_begin(self) -> bool:
        """Whether the application's transaction has begun, but for the driver's BEGIN."""
        if self._lender is None or not self._lender.begun():
            return False
        return not commits(self._connection) and not self._connection.in_transaction

    def joins(self) -> bool:
        connection, lender = self._connection, self._lender
        if lender is None:
            return connection.in_transaction or not commits(connection)
        if lender.begin() and commits(connection) and not connection.in_transaction:
            lender.end()  # SQLAlchemy's AUTOCOMMIT: nothing has begun
        return connection.in_transaction or (lender.is_shared and not commits(connection))

    def joining(self) -> AbstractContextManager[None]:
        return _Writing(self, is_left_open=self.joins())

    def writing(self) -> AbstractContextManager[None]:
        return _Writing(self, is_left_open=self.will_begin())

    def begin(self) -> None:
        """BEGIN IMMEDIATE; while several write, with pauses of our own: see `begin_immediate`."""
        if self._contended:
            waited = begin_immediate(self._cursor, self.patience())
            self._contended = _CONTENDED if waited else self._contended - 1
            return
        started = clock.monotonic()
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self._contended = _CONTENDED
            left = self.patience() - (clock.monotonic() - started)
            begin_immediate(self._cursor, left)
        if clock.monotonic() - started > _A_WAIT_SECS:
            self._contended = _CONTENDED

    @contextmanager
    def reading(self) -> Iterator[None]:
        if self._connection.in_transaction:
            yield
            return
        self._cursor.execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._cursor.execute("COMMIT")

    def lock(self, tables: Sequence[str], query: str, fingerprint: str) -> Mapping[str, int]:
        self.change(_TAKE_WRITE_LOCK)
        return self._last.lock(tables, query, fingerprint)

    lock_free = lock

    def left_empty(self) -> set[str]:
        return self._last.left_empty()

    def settled(self, empty: set[str]) -> None:
        self._last.settled(empty)

    def standing(self, tables: Sequence[str]) -> Mapping[str, int]:
        if not tables:
            return {}
        marks = ", ".join("?" * len(tables))
        sql = f"SELECT table_name, t FROM last_update WHERE table_name IN ({marks})"
        return dict(self.read(sql, tuple(tables)))

    def advance(self, tables: Sequence[str], t: int) -> None:
        sql = "UPDATE last_update SET t = ? WHERE table_name = ?"
        self._own.change_many(sql, [(t, name) for name in tables])
        self._last.moved(tables, t)

    def run(self, statement: SQLStatement) -> int:
        return self._own.change(statement.sql)

    def can_step_alone(self) -> bool:
        connection, lender = self._connection, self._lender
        is_ours = commits(connection) if lender is None else not lender.is_shared
        return (
            is_ours
            and self._has_session
            and not connection.in_transaction
            and not streams.are_open()
            and is_plain(connection)
        )

    def step_alone(
        self, step: StepAlone, rows: Sequence[Row], *, removes: bool, output: bool
    ) -> dict[int, list[Row]] | None:
        if removes and self.ignores_checks():
            return None
        return self._last.step(step, rows, self, removes=removes, output=output)

    def ignores_checks(self) -> bool:
        ((ignored,),) = self.read("PRAGMA ignore_check_constraints")
        return bool(ignored)

    @contextmanager
    def checking(self) -> Iterator[None]:
        if not self.ignores_checks():
            yield
            return
        self.change("PRAGMA ignore_check_constraints = OFF")
        try:
            yield
        finally:
            self.change("PRAGMA ignore_check_constraints = ON")

    def stage(self, statement: SQLStatement, rows: Sequence[Row]) -> None:
        one = statement.stage_sql or statement.sql
        start, count = 0, len(rows)
        execute = self._cursor.execute if is_plain(self._connection) else self._own.change
        if statement.bulk_sql:
            for size, sql in self._bulk_texts.get(one) or self._bulk_text(one, statement):
                while count - start >= size:
                    values = chain.from_iterable(rows[start : start + size])
                    execute(sql, tuple(values))
                    start += size
        for row in rows[start:]:
            execute(one, row)

    def _bulk_text(self, one: str, statement: SQLStatement) -> list[tuple[int, str]]:
        """Texts that load several rows at once, and how many; the most first."""
        head, values, row = one.rpartition(" VALUES ")
        sizes = [size for size in _BULK_ROWS if size < statement.bulk_rows]
        made = [(size, head + values + ", ".join([row] * size)) for size in sizes]
        most = self._connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // row.count("?")
        texts = [(statement.bulk_rows, statement.bulk_sql), *made]
        self._bulk_texts[one] = [each for each in texts if each[0] <= most]
        return self._bulk_texts[one]

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._own.rows(sql, parameters)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[list[Row]]:
        stream = streams.Stream(self._own.opened(sql, parameters))
        try:
            while rows := stream.fetch():
                yield rows
        finally:
            stream.close()

    def script(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self._own.change(statement)

    def existing(self, tables: Sequence[str]) -> set[str]:
        # It takes names for one without the case of their ASCII letters.
        marks = ", ".join("?" * len(tables))
        sql = (
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
            f"AND name COLLATE NOCASE IN ({marks})"
        )
        there = {lowered(name) for (name,) in self.read(sql, tuple(tables))}
        if not there:
            return set()
        return {name for name in tables if lowered(name) in there}

    def next_time(self) -> int:
        self.change(
            "INSERT INTO stepping_clock (one, t) VALUES (1, 1) "
            "ON CONFLICT (one) DO UPDATE SET t = t + 1"
        )
        ((t,),) = self.read("SELECT t FROM stepping_clock")
        return int(t)

    @property
    def queue(self) -> SQLiteQueue:
        return SQLiteQueue(self, self.insert)

    def columns(self, tables: Sequence[str]) -> dict[str, set[str]]:
        sql = "SELECT name FROM pragma_table_info(?)"
        found = {name: {c for (c,) in self.read(sql, (name,))} for name in tables}
        return {name: columns for name, columns in found.items() if columns}

    def undo(self) -> None:
        if self._connection.in_transaction:
            self._cursor.execute("ROLLBACK")

    def indexes(self, names: Sequence[str]) -> set[str]:
        rows = self.read("SELECT name FROM sqlite_master WHERE type = 'index'")
        return {name for (name,) in rows} & set(names)

    def register(self, names: Sequence[str]) -> None:
        functions.register(self._connection, names)

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self._own.change(sql, parameters)

    def insert(self, sql: str, parameters: Sequence[Any]) -> int:
        """Insert one row; returns its rowid."""
        self._own.change(sql, parameters)
        return self._cursor.lastrowid or 0

    def remember(self, query: str, fingerprint: str, key: str, plan: str, recompute: str) -> None:
        sql = (
            "UPDATE stepping_queries SET plan_key = ?, plan = ?, recompute = ? "
            "WHERE name = ? AND fingerprint = ?"
        )
        ((timeout,),) = self.read("PRAGMA busy_timeout")
        patience, self.patience = self.patience, lambda: 0.0
        self.change("PRAGMA busy_timeout = 0")
        try:
            # Nothing but a copy: left out where the file is read-only, or somebody is writing.
            with suppress(sqlite3.OperationalError), self.writing():
                self.change(sql, (key, plan, recompute, query, fingerprint))
        finally:
            self.change(f"PRAGMA busy_timeout = {int(timeout)}")
            self.patience = patience

    def start(self, query: str) -> bool:
        sql = "UPDATE stepping_queries SET started = 1 WHERE name = ? AND started = 0"
        return self.change(sql, (query,)) == 0

    def failure(self, error: BaseException) -> str | None:
        text = str(error)
        # As a JSON path that is none, within quotes, of which each inside is two.
        quoted = re.search(r"'stepping: (.*)'$", text, re.DOTALL)
        if quoted:
            return quoted.group(1).replace("''", "'")
        found = re.search(r"stepping: (.*)$", text, re.DOTALL)
        if found:
            return found.group(1)
        if isinstance(error, sqlite3.IntegrityError) and "CHECK constraint failed" in text:
            constraint = text.rpartition(": ")[2]
            is_range = constraint.startswith(WITHIN)
            return outside(constraint) if is_range else f"not negative: {constraint}"
        if isinstance(error, sqlite3.OperationalError) and "integer overflow" in text:
            return f"a count or a sum {BEYOND}"
        return None

    def refusal(self, error: BaseException) -> str | None:
        _, failed, says = str(error).partition("CHECK constraint failed: stepping: ")
        return says if failed and isinstance(error, sqlite3.IntegrityError) else None

    def sizes(self, tables: Sequence[str]) -> Mapping[str, TableSize]:
        with self.reading():
            return statistics.sizes(self.read, tables)

    def fan_out(
        self, table: str, columns: Sequence[str], schema: str = "", *, in_order: bool = True
    ) -> FanOut | None:
        with self.reading():
            return statistics.fan_out(self.read, table, columns, in_order=in_order)

    def query_plans(self, statements: Sequence[str]) -> Sequence[Sequence[PlanNode]]:
        self.open_session()
        with self.reading():
            return statistics.query_plans(self.read, statements)


class _Writing:
    """A transaction of its own, or a savepoint in the application's.

    Where none has begun, ``is_left_open`` leaves the one that begins to the application.
    """

    def __init__(self, driver: SQLiteDriver, *, is_left_open: bool) -> None:
        self.driver = driver
        self.is_left_open = is_left_open
        self.execute = driver.change
        self.commit = "COMMIT"
        self.rollback: tuple[str, ...] = ("ROLLBACK",)

    def __enter__(self) -> None:
        driver, connection = self.driver, self.driver.connection
        if streams.are_open():
            for stream in streams.streams_of(connection):
                stream.finish()
        if connection.in_transaction:
            self.commit = "RELEASE stepping"
            self.rollback = ("ROLLBACK TO stepping", "RELEASE stepping")
            self.execute("SAVEPOINT stepping")
        else:
            driver.begin()
            if self.is_left_open:
                self.commit = ""

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        if kind is not None:
            self.undo()
            return
        try:
            if self.commit:
                self.execute(self.commit)
        except BaseException:
            self.undo()
            raise

    def undo(self) -> None:
        if self.driver.connection.in_transaction:  # a full disk has rolled it back already
            for statement in self.rollback:
                self.execute(statement)


def lowered(name: str) -> str:
    """A name as SQLite compares it: ASCII letters without their case."""
    return re.sub("[A-Z]+", lambda found: found[0].lower(), name)
