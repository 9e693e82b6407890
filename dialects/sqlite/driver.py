"""SQLite's connection."""

from __future__ import annotations

import datetime
import random
import re
import sqlite3
import threading
import time as clock
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from stepping.compiler.canonical import canonical_decimal
from stepping.compiler.codec import Convert
from stepping.compiler.plan.sql_plan import SQLPlan, SQLStatement
from stepping.compiler.plan.statistics import FanOut, PlanNode, TableSize
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.driver import Driver, Row, connection_given_back, forks
from stepping.dialects.sqlite import decimals, statistics
from stepping.dialects.sqlite.functions import register
from stepping.dialects.sqlite.iterations import SQLiteIterations
from stepping.dialects.sqlite.queue import SQLiteQueue
from stepping.errors import StoreError, UnsupportedError

BUSY_TIMEOUT_SECS = 30.0
CACHED_STATEMENTS = 1024  # with the default of 128 a large plan would be parsed at each step
_FETCH_ROWS = 1000
_FIRST_PAUSE_SECS = 0.0005  # between two tries to begin a transaction
_LONGEST_PAUSE_SECS = 0.003
_A_WAIT_SECS = 0.005  # a BEGIN that takes longer has waited for another writer
_OF_INPUT = (
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
)
_CONTENDED = 20  # for so many transactions other writers are expected after one had to wait

_NOTHING_WRITTEN = "nothing of this step was written"
_HINTS = {
    "database is locked": "another connection has held the lock for longer than this one waits: "
    f"{_NOTHING_WRITTEN}; keep transactions short, or connect with a longer timeout",
    "disk is full": f"{_NOTHING_WRITTEN}; make room and run it again",
    "readonly database": f"{_NOTHING_WRITTEN}; open the file, and its folder, for writing",
    "disk image is malformed": "the file is damaged: PRAGMA integrity_check says where; restore a "
    "backup, or recover the inputs with the shell's .recover and insert them into a new file",
}

_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_EPOCH = _EPOCH_UTC.replace(tzinfo=None)  # naive times count as if they were UTC
_MICROSECOND = datetime.timedelta(microseconds=1)


def connect(path: str | Path) -> sqlite3.Connection:
    """A connection in autocommit, set up for a store: WAL, a busy timeout, no sync per commit."""
    connection = sqlite3.connect(
        str(path),
        isolation_level=None,
        timeout=BUSY_TIMEOUT_SECS,
        cached_statements=CACHED_STATEMENTS,
    )
    try:
        use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 16000")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -65536")
    except BaseException:
        connection.close()
        raise
    return connection


def use_wal(connection: sqlite3.Connection) -> None:
    """Set journal_mode=WAL, once for a file. While others open it too, that fails at once, whatever
    the busy timeout is.
    """
    deadline = clock.monotonic() + BUSY_TIMEOUT_SECS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            if mode != "wal":  # the file keeps it
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or clock.monotonic() >= deadline:
                raise
        clock.sleep(_LONGEST_PAUSE_SECS)


def _of_enum(atom: Atom) -> Callable[[Any], Any]:
    members = {name: atom.python[name] for name in atom.members}
    return members.__getitem__


def _scaled(atom: Atom) -> tuple[Callable[[Decimal], int], Callable[[int], Decimal]]:
    scale = atom.scale or 0

    def to_column(value: Decimal) -> int:
        return int(value.scaleb(scale))

    def from_column(value: int) -> Decimal:
        return canonical_decimal(Decimal(value).scaleb(-scale))

    return to_column, from_column


def to_column(atom: Atom, field: str) -> Callable[[Any], Any] | None:
    """What is bound for a value: see storage forms in docs/storage.md."""
    match atom.kind:
        case Kind.BOOL:
            return int
        case Kind.BYTES | Kind.PACKED:
            return bytearray  # the driver sends bytes through its adapters: slower
        case Kind.DATE:
            return lambda value: value.toordinal() - _EPOCH_DAY
        case Kind.DATETIME:
            return lambda value: (value - _EPOCH) // _MICROSECOND
        case Kind.TIMESTAMP:
            return lambda value: (value - _EPOCH_UTC) // _MICROSECOND
        case Kind.TIME:
            return lambda value: (
                ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000
                + value.microsecond
            )
        case Kind.UUID:
            return lambda value: bytearray(value.bytes)
        case Kind.ENUM:
            return lambda value: value.name
        case Kind.DECIMAL if atom.scale is not None:
            return _scaled(atom)[0]
        case Kind.DECIMAL:
            return lambda value: bytearray(decimals.encode(value))
        case _:
            return None


def from_column(atom: Atom, field: str) -> Callable[[Any], Any] | None:
    """The value that a column's value stands for."""
    match atom.kind:
        case Kind.BOOL:
            return bool
        case Kind.DATE:
            return lambda value: datetime.date.fromordinal(value + _EPOCH_DAY)
        case Kind.DATETIME:
            return lambda value: _EPOCH + datetime.timedelta(microseconds=value)
        case Kind.TIMESTAMP:
            return lambda value: _EPOCH_UTC + datetime.timedelta(microseconds=value)
        case Kind.TIME:
            return lambda value: (_EPOCH + datetime.timedelta(microseconds=value)).time()
        case Kind.UUID:
            return lambda value: uuid.UUID(bytes=bytes(value))
        case Kind.ENUM:
            return _of_enum(atom)
        case Kind.DECIMAL if atom.scale is not None:
            return _scaled(atom)[1]
        case Kind.DECIMAL:
            return decimals.decode
        case _:
            return None


def begin_immediate(connection: sqlite3.Connection, longest: float) -> bool:
    """BEGIN IMMEDIATE, tried again for ``longest`` seconds; returns whether it had to be.

    SQLite's own wait (sqlite3_busy_timeout) sleeps up to 100 ms between two tries: a writer that
    begins anew as soon as it has committed starves the others. Here all try equally often.
    """
    cursor = connection.cursor()
    cursor.row_factory = None  # tuples, whatever rows the application has asked for
    (given,) = cursor.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    deadline = clock.monotonic() + longest
    pause, tries = _FIRST_PAUSE_SECS, 1
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return tries > 1
            except sqlite3.OperationalError as error:
                if not is_busy(error) or clock.monotonic() >= deadline:
                    raise
            clock.sleep(pause * random.uniform(0.5, 1.5))
            pause, tries = min(1.3 * pause, _LONGEST_PAUSE_SECS), tries + 1
    finally:
        connection.execute(f"PRAGMA busy_timeout = {given:d}")


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the lock, or is about to."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class _Stream:
    """A SELECT that is being read."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.cursor = cursor
        self.rest: list[Row] | None = None

    def fetch(self) -> list[Row]:
        if self.rest is None:
            return self.cursor.fetchmany(_FETCH_ROWS)
        rows, self.rest = self.rest, []
        return rows

    def close(self) -> None:
        """End it. Another thread may hold on to it, when it looks through all of them."""
        with _STREAMS_TURN:
            _STREAMS.discard(self)
        self.rest = []
        self.cursor.close()

    def finish(self) -> None:
        """Fetch all that is left: what the connection writes next must not be seen."""
        if self.rest is None:
            self.rest = self.cursor.fetchall()
            self.cursor.close()


# A SELECT sees what its own connection writes while it runs (sqlite.org/isolation.html), and a
# rollback ends it; several stores may share a connection.
_STREAMS: weakref.WeakSet[_Stream] = weakref.WeakSet()
_STREAMS_TURN = threading.RLock()  # a generator may be closed by the garbage collector anywhere


def streams_of(connection: sqlite3.Connection) -> list[_Stream]:
    """What is being read on a connection."""
    with _STREAMS_TURN:
        return [stream for stream in _STREAMS if stream.cursor.connection is connection]


class SQLiteDriver(Driver):
    dialect = "sqlite"

    def __init__(
        self,
        connection: sqlite3.Connection,
        begun: Callable[[], bool] = bool,
        given_back: Callable[[], bool] = bool,
    ) -> None:
        self.forks = forks()
        self._connection = connection
        self._begun = begun
        self._given_back = given_back
        self._session: tuple[str, ...] = ()
        self._has_session = False
        self._contended = 0  # how many more transactions begin by `begin_immediate`
        self.check_open()
        (encoding,) = self._select("PRAGMA encoding").fetchone()
        if encoding != "UTF-8":  # texts would be ordered by other code units, and hashed otherwise
            raise UnsupportedError(
                f"the database's encoding is {encoding}",
                hint="make a new file: UTF-8 is what SQLite takes by itself; an encoding cannot be "
                "changed afterwards",
            )

    def check_open(self) -> None:
        if self._given_back():
            raise connection_given_back()
        try:
            _ = self._connection.in_transaction
        except sqlite3.ProgrammingError as error:
            raise StoreError(
                "the store's connection is closed", hint="open a connection, and a store on it"
            ) from error

    def note(self, error: Exception) -> None:
        if isinstance(error, sqlite3.Error):
            for found, hint in _HINTS.items():
                if found in str(error):
                    error.add_note(f"  hint: {hint}")

    @property
    def connection(self) -> sqlite3.Connection:
        return self._connection

    @property
    def to_column(self) -> Convert:
        return to_column

    @property
    def from_column(self) -> Convert:
        return from_column

    def prepare(self, plan: SQLPlan) -> None:
        register(self._connection, plan.registered)
        self._session = tuple(dict.fromkeys((*self._session, *plan.session_ddl)))
        self._has_session = False
        self.open_session()

    def open_session(self) -> None:
        if self._has_session:
            return
        for statement in self._session:
            self._connection.execute(statement)
        # In an application's transaction they may yet be rolled back.
        self._has_session = not self._connection.in_transaction

    def alone(self) -> None:
        pass  # BEGIN IMMEDIATE is enough

    @cached_property
    def iterations(self) -> SQLiteIterations:
        return SQLiteIterations(self._connection)

    def staging(self) -> AbstractContextManager[None]:
        return self.writing()

    @contextmanager
    def preparing(self) -> Iterator[None]:
        if self.in_transaction():
            yield
            return
        self._connection.execute("BEGIN")  # delta tables are TEMP: no lock on the file is taken
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
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

    def is_transient(self, error: BaseException) -> bool:
        return False  # BEGIN IMMEDIATE has waited already

    def in_transaction(self) -> bool:
        return self._connection.in_transaction or self._will_begin()

    def _will_begin(self) -> bool:
        """Whether the application's transaction has begun, but for the driver's BEGIN."""
        autocommit = self._connection.isolation_level is None
        return self._begun() and not autocommit and not self._connection.in_transaction

    @contextmanager
    def writing(self) -> Iterator[None]:
        if len(_STREAMS):
            for stream in streams_of(self._connection):
                stream.finish()
        if self._will_begin():
            self._connection.execute("BEGIN IMMEDIATE")
        commit = "COMMIT"
        rollback: tuple[str, ...] = ("ROLLBACK",)
        if self._connection.in_transaction:
            begin, commit = "SAVEPOINT stepping", "RELEASE stepping"
            rollback = ("ROLLBACK TO stepping", "RELEASE stepping")
            self._connection.execute(begin)
        else:
            self._begin()
        try:
            yield
            self._connection.execute(commit)
        except BaseException:
            if self._connection.in_transaction:  # a full disk has rolled it back already
                for statement in rollback:
                    self._connection.execute(statement)
            raise

    def _begin(self) -> None:
        """BEGIN IMMEDIATE; while several write, with pauses of our own: see `begin_immediate`."""
        if self._contended:
            waited = begin_immediate(self._connection, self.patience())
            self._contended = _CONTENDED if waited else self._contended - 1
            return
        started = clock.monotonic()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self._contended = _CONTENDED
            left = self.patience() - (clock.monotonic() - started)
            begin_immediate(self._connection, left)
        if clock.monotonic() - started > _A_WAIT_SECS:
            self._contended = _CONTENDED

    @contextmanager
    def reading(self) -> Iterator[None]:
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")

    def lock(self, tables: Sequence[str], query: str, fingerprint: str) -> Mapping[str, int]:
        # BEGIN IMMEDIATE holds the only write lock there is.
        if not tables:
            return {}
        marks = ", ".join("?" * len(tables))
        sql = (
            f"SELECT table_name, t FROM last_update WHERE table_name IN ({marks}) AND EXISTS "
            "(SELECT 1 FROM stepping_queries WHERE name = ? AND fingerprint = ?)"
        )
        return dict(self._select(sql, (*tables, query, fingerprint)).fetchall())

    def standing(self, tables: Sequence[str]) -> Mapping[str, int]:
        if not tables:
            return {}
        marks = ", ".join("?" * len(tables))
        sql = f"SELECT table_name, t FROM last_update WHERE table_name IN ({marks})"
        return dict(self._select(sql, tuple(tables)).fetchall())

    def advance(self, tables: Sequence[str], t: int) -> None:
        self._connection.executemany(
            "UPDATE last_update SET t = ? WHERE table_name = ?", [(t, name) for name in tables]
        )

    def run(self, statement: SQLStatement) -> None:
        self._connection.execute(statement.sql)

    def stage(self, statement: SQLStatement, rows: Sequence[Row]) -> None:
        execute = self._connection.execute
        one = statement.stage_sql or statement.sql
        bulk, size = statement.bulk_sql, statement.bulk_rows
        start = 0
        if bulk:
            while len(rows) - start >= size:
                execute(bulk, [value for row in rows[start : start + size] for value in row])
                start += size
        if start < len(rows):
            self._connection.executemany(one, rows[start:])

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._select(sql, parameters).fetchall()

    def _select(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        cursor = self._connection.cursor()
        cursor.row_factory = None  # tuples, whatever rows the application has asked for
        return cursor.execute(sql, parameters)

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[list[Row]]:
        stream = _Stream(self._select(sql, parameters))
        with _STREAMS_TURN:
            _STREAMS.add(stream)
        try:
            while rows := stream.fetch():
                yield rows
        finally:
            stream.close()

    def script(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self._connection.execute(statement)

    def existing(self, tables: Sequence[str]) -> set[str]:
        rows = self._select("SELECT name FROM sqlite_master WHERE type = 'table'")
        there = {name for (name,) in rows}
        return there & set(tables)

    def next_time(self) -> int:
        self._connection.execute(
            "INSERT INTO stepping_clock (one, t) VALUES (1, 1) "
            "ON CONFLICT (one) DO UPDATE SET t = t + 1"
        )
        (t,) = self._select("SELECT t FROM stepping_clock").fetchone()
        return int(t)

    @property
    def queue(self) -> SQLiteQueue:
        return SQLiteQueue(self)

    def columns(self, tables: Sequence[str]) -> dict[str, set[str]]:
        sql = "SELECT name FROM pragma_table_info(?)"
        found = {name: {c for (c,) in self._select(sql, (name,)).fetchall()} for name in tables}
        return {name: columns for name, columns in found.items() if columns}

    def undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def indexes(self, names: Sequence[str]) -> set[str]:
        rows = self._select("SELECT name FROM sqlite_master WHERE type = 'index'")
        return {name for (name,) in rows} & set(names)

    def row_counts(self, tables: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        found: dict[str, tuple[int, int | None]] = {}
        for name in tables:
            quoted = '"' + name.replace('"', '""') + '"'
            (rows,) = self._select(f"SELECT count(*) FROM {quoted}").fetchone()
            size = None
            with suppress(sqlite3.OperationalError):  # dbstat is a compile-time option
                sql = "SELECT sum(pgsize) FROM dbstat WHERE name = ? AND aggregate = TRUE"
                (size,) = self._select(sql, (name,)).fetchone()
            found[name] = (rows, size)
        return found

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        return self._connection.execute(sql, parameters).rowcount

    def remember(self, query: str, fingerprint: str, key: str, plan: str, recompute: str) -> None:
        sql = (
            "UPDATE stepping_queries SET plan_key = ?, plan = ?, recompute = ? "
            "WHERE name = ? AND fingerprint = ?"
        )
        (patience,) = self._select("PRAGMA busy_timeout").fetchone()
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            # Nothing but a copy: left out where the file is read-only, or somebody is writing.
            with suppress(sqlite3.OperationalError), self.writing():
                self._connection.execute(sql, (key, plan, recompute, query, fingerprint))
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {int(patience)}")

    def start(self, query: str) -> bool:
        sql = "UPDATE stepping_queries SET started = 1 WHERE name = ? AND started = 0"
        return self._connection.execute(sql, (query,)).rowcount == 0

    def failure(self, error: BaseException) -> str | None:
        text = str(error)
        found = re.search(r"stepping: (.*?)'?$", text, re.DOTALL)
        if found:
            return found.group(1)
        if isinstance(error, sqlite3.IntegrityError) and "CHECK constraint failed" in text:
            return f"not negative: {text.rpartition(': ')[2]}"
        if isinstance(error, sqlite3.OperationalError) and "integer overflow" in text:
            return "a sum does not fit in 64 bits"
        return None

    def sizes(self, tables: Sequence[str]) -> Mapping[str, TableSize]:
        with self.reading():
            return statistics.sizes(self.read, tables)

    def fan_out(self, table: str, columns: Sequence[str]) -> FanOut | None:
        with self.reading():
            return statistics.fan_out(self.read, table, columns)

    def query_plans(self, statements: Sequence[str]) -> Sequence[Sequence[PlanNode]]:
        self.open_session()
        with self.reading():
            return statistics.query_plans(self.read, statements)
