"""SQLite's connection."""

from __future__ import annotations

import datetime
import re
import sqlite3
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from stepping.compiler.canonical import canonical_decimal
from stepping.compiler.codec import Convert
from stepping.compiler.plan.sql_plan import SQLPlan, SQLStatement
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.driver import Driver, Row
from stepping.dialects.sqlite import decimals
from stepping.dialects.sqlite.functions import register
from stepping.dialects.sqlite.queue import SQLiteQueue

BUSY_TIMEOUT_SECS = 30.0
CACHED_STATEMENTS = 1024  # with the default of 128 a large plan would be parsed at each step
_FETCH_ROWS = 1000

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
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":  # the file keeps it; setting it while others write would fail
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 16000")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -65536")
    except BaseException:
        connection.close()
        raise
    return connection


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

    def finish(self) -> None:
        """Fetch all that is left: what the connection writes next must not be seen."""
        if self.rest is None:
            self.rest = self.cursor.fetchall()
            self.cursor.close()


# A SELECT sees what its own connection writes while it runs (sqlite.org/isolation.html), and a
# rollback ends it; several stores may share a connection.
_STREAMS: weakref.WeakSet[_Stream] = weakref.WeakSet()


class SQLiteDriver(Driver):
    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, begun: Callable[[], bool] = bool) -> None:
        self._connection = connection
        self._begun = begun
        self._session: tuple[str, ...] = ()
        self._has_session = False

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

    def in_transaction(self) -> bool:
        return self._connection.in_transaction or self._will_begin()

    def _will_begin(self) -> bool:
        """Whether the application's transaction has begun, but for the driver's BEGIN."""
        autocommit = self._connection.isolation_level is None
        return self._begun() and not autocommit and not self._connection.in_transaction

    @contextmanager
    def writing(self) -> Iterator[None]:
        for stream in list(_STREAMS):
            if stream.cursor.connection is self._connection:
                stream.finish()
        if self._will_begin():
            self._connection.execute("BEGIN IMMEDIATE")
        begin, commit = "BEGIN IMMEDIATE", "COMMIT"
        rollback: tuple[str, ...] = ("ROLLBACK",)
        if self._connection.in_transaction:
            begin, commit = "SAVEPOINT stepping", "RELEASE stepping"
            rollback = ("ROLLBACK TO stepping", "RELEASE stepping")
        self._connection.execute(begin)
        try:
            yield
            self._connection.execute(commit)
        except BaseException:
            if self._connection.in_transaction:  # a full disk has rolled it back already
                for statement in rollback:
                    self._connection.execute(statement)
            raise

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

    def lock(self, tables: Sequence[str]) -> Mapping[str, int]:
        return self.standing(tables)  # BEGIN IMMEDIATE holds the only write lock there is

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
        _STREAMS.add(stream)
        try:
            while rows := stream.fetch():
                yield rows
        finally:
            stream.cursor.close()

    def script(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self._connection.execute(statement)

    def existing(self, tables: Sequence[str]) -> set[str]:
        rows = self._select("SELECT name FROM sqlite_master WHERE type = 'table'")
        there = {name for (name,) in rows}
        return there & set(tables)

    def next_time(self) -> int:
        with self.writing():
            self._connection.execute(
                "INSERT INTO stepping_clock (one, t) VALUES (1, 1) "
                "ON CONFLICT (one) DO UPDATE SET t = t + 1"
            )
            (t,) = self._select("SELECT t FROM stepping_clock").fetchone()
        return int(t)

    @property
    def queue(self) -> SQLiteQueue:
        return SQLiteQueue(self)

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

    def is_own(self, error: BaseException) -> bool:
        return isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.DataError)
