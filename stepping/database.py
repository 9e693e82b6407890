"""The store behind the URL that a command is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stepping.dialects.driver import Driver
from stepping.errors import StoreError
from stepping.runtime.store import (
    StorePostgres,
    StoreSQL,
    StoreSQLite,
    connection_postgres,
    connection_sqlite,
)

_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")


@contextmanager
def opened(url: str, graph: Any) -> Iterator[StoreSQL]:
    """The store of an installed query; its connection is closed at the end."""
    with connected(url) as (cls, connection):
        yield cls.from_graph(connection, graph, create_tables=False)


@contextmanager
def driver_of(url: str) -> Iterator[Driver]:
    """The driver of a database, whatever is installed there."""
    with connected(url) as (cls, connection):
        yield cls.driver_of(connection)


@contextmanager
def connected(url: str) -> Iterator[tuple[type[StoreSQL], Any]]:
    """The class of stores in a database, and a new connection to it."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme in _POSTGRES:
        with connection_postgres(f"postgresql://{rest}") as connection:
            yield StorePostgres, connection
        return
    if separator and scheme != "sqlite":
        raise StoreError(
            f"there is no kind of database {scheme!r}",
            hint="give postgresql://user@host/database, sqlite:///shop.db, or a path",
        )
    path = Path(rest.removeprefix("/") if separator else url)
    if not path.exists():  # sqlite3 would make it
        raise StoreError(f"there is no file {path}", hint="give the path of a SQLite database")
    with connection_sqlite(path) as file:
        yield StoreSQLite, file
