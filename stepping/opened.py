"""The store that a URL on the command line names: opened to be looked at, never to be changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from stepping.errors import StoreError

_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")


def dialect_of(url: str) -> str:
    """``sqlite`` for a path or ``sqlite:///path``, ``postgres`` for ``postgresql://...``."""
    scheme, colon, _ = url.partition("://")
    if not colon or scheme == "sqlite":
        return "sqlite"
    if scheme in _POSTGRES:
        return "postgres"
    raise StoreError(
        f"the database {shown(url)} is of no kind that stepping knows",
        hint="sqlite:///path/to/file.db, or postgresql://user@host/database",
    )


@contextmanager
def opened(url: str, graph: Any) -> Iterator[Any]:
    """An open store for a query that is installed there; `SchemaMismatch` if it is not."""
    from stepping.runtime.store import StorePostgres, StoreSQLite

    with connected(url) as connection:
        cls: Any = StoreSQLite if dialect_of(url) == "sqlite" else StorePostgres
        yield cls.from_graph(connection, graph, create_tables=False)


@contextmanager
def empty_sqlite(graph: Any) -> Iterator[Any]:
    """A store in memory without a row, to be asked for its plans."""
    from stepping.runtime.store import StoreSQLite, connection_sqlite

    with connection_sqlite(":memory:") as connection:
        yield StoreSQLite.from_graph(connection, graph)


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """A connection to what a URL names. A SQLite file is never made."""
    from stepping.runtime.store import connection_postgres, connection_sqlite

    if dialect_of(url) == "sqlite":
        import sqlite3

        path = sqlite_path(url)
        if not path.is_file():
            raise StoreError(
                f"there is no SQLite file {path}", hint="sqlite:///relative.db or /absolute.db"
            )
        try:
            with connection_sqlite(path) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master")
                yield connection
        except sqlite3.DatabaseError as error:
            raise unreachable(url, error) from error
        return
    from stepping.runtime.store import _psycopg

    _psycopg()
    import psycopg

    plain = "postgresql://" + url.partition("://")[2]
    try:
        with connection_postgres(plain) as postgres:
            yield postgres
    except psycopg.OperationalError as error:
        raise unreachable(url, error) from error


def sqlite_path(url: str) -> Path:
    """``sqlite:///a.db`` is a.db in this folder, ``sqlite:////a.db`` is /a.db, as in SQLAlchemy."""
    return Path(unquote(url.removeprefix("sqlite:///")) if "://" in url else url)


def unreachable(url: str, error: Exception) -> StoreError:
    reason = str(error).strip().splitlines() or [type(error).__name__]
    return StoreError(
        f"the database {shown(url)} cannot be used: {reason[0]}",
        hint="is the server running, and are the host, the name and the password right?",
    )


def shown(url: str) -> str:
    """The URL without its password."""
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@") if password else url
