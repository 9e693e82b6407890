"""Where the demo keeps its tables: a SQLite file, or a schema of a Postgres database."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import stepping as st
from stepping.demo.query import flights_query
from stepping.runtime.store import StoreSQL

SCHEMA = "stepping_demo"
Row = tuple[Any, ...]

GRAPH = st.compile_lazy(flights_query)


class Database(Protocol):
    """What the demo needs of a database. `open` is an ordinary connection to it."""

    dialect: str

    def clear(self) -> None:
        """Remove what the last run has left."""

    def open(self) -> AbstractContextManager[Any]: ...

    def store(self, connection: Any, *, create_tables: bool) -> StoreSQL: ...

    def transaction(self, connection: Any) -> AbstractContextManager[Any]:
        """A transaction of the application's own, which steps join."""

    def execute(self, connection: Any, sql: str, rows: Sequence[Row] = ()) -> list[Row]:
        """Run ``sql`` once, or for each of ``rows``; returns what it finds."""

    def place(self, connection: Any) -> str: ...

    def shell(self, sql: str) -> str:
        """The shell command that runs ``sql``."""

    def shell_schema(self) -> str:
        """The shell command that shows the tables."""


class SQLiteFile:
    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path

    def clear(self) -> None:
        if self.path.exists() and not self._is_ours():
            raise st.StoreError(
                f"{self.path} is there, and it is not a file of this demo",
                hint="name another file with --file; the demo makes its file anew in each run",
            )
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        if self.path.is_file() and not self.path.stat().st_size:
            return True
        try:
            with sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True) as found:
                rows = found.execute("SELECT name FROM sqlite_master WHERE name = 'raw_flights'")
                return bool(rows.fetchall())
        except sqlite3.Error:
            return False

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(st.connection_sqlite(self.path))
            except sqlite3.OperationalError as error:
                raise st.StoreError(
                    f"{self.path}: {error}", hint="name a file that can be written, with --file"
                ) from error
            yield connection

    def store(self, connection: Any, *, create_tables: bool) -> StoreSQL:
        return st.StoreSQLite.from_graph(connection, GRAPH(), create_tables=create_tables)

    @contextmanager
    def transaction(self, connection: Any) -> Iterator[None]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def execute(self, connection: Any, sql: str, rows: Sequence[Row] = ()) -> list[Row]:
        if rows:
            connection.executemany(sql, rows)
            return []
        return list(connection.execute(sql))

    def place(self, connection: Any) -> str:
        return f"{self.path} (SQLite {sqlite3.sqlite_version})"

    def shell(self, sql: str) -> str:
        return f"sqlite3 -box {shlex.quote(str(self.path))} {shlex.quote(sql)}"

    def shell_schema(self) -> str:
        return f"sqlite3 {shlex.quote(str(self.path))} .schema"


class PostgresSchema:
    dialect = "postgres"

    def __init__(self, url: str) -> None:
        self.url = url

    def clear(self) -> None:
        with self.open() as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
            connection.execute(f"CREATE SCHEMA {SCHEMA}")

    @contextmanager
    def open(self) -> Iterator[Any]:
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(st.connection_postgres(self.url))
            except st.SteppingError:  # psycopg is not installed
                raise
            except Exception as error:
                raise st.StoreError(
                    f"cannot connect to Postgres: {str(error).strip()}",
                    hint="--postgres takes a URL: postgresql://user@host/database",
                ) from error
            connection.execute("SET client_min_messages = warning")
            connection.execute(f"SET search_path = {SCHEMA}")
            yield connection

    def store(self, connection: Any, *, create_tables: bool) -> StoreSQL:
        return st.StorePostgres.from_graph(connection, GRAPH(), create_tables=create_tables)

    def transaction(self, connection: Any) -> AbstractContextManager[Any]:
        return connection.transaction()  # type: ignore[no-any-return]

    def execute(self, connection: Any, sql: str, rows: Sequence[Row] = ()) -> list[Row]:
        text = sql.replace("?", "%s")
        if rows:
            with connection.cursor() as cursor:
                cursor.executemany(text, rows)
            return []
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else []

    def place(self, connection: Any) -> str:
        info = connection.info
        version = f"{info.server_version // 10_000}.{info.server_version % 10_000}"
        return f"schema {SCHEMA} of the database {info.dbname} (Postgres {version})"

    def shell(self, sql: str) -> str:
        return f"psql {shlex.quote(self._without_password())} -c {shlex.quote(sql)}"

    def shell_schema(self) -> str:
        return self.shell(rf"\d {SCHEMA}.*")

    def _without_password(self) -> str:
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        parts = conninfo_to_dict(self.url)
        if parts.pop("password", None) is None:
            return self.url
        return make_conninfo("", **{key: str(value) for key, value in parts.items()})
