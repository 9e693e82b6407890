"""The store behind the URL that a command is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    scheme, separator, rest = url.partition("://")
    if separator and scheme in _POSTGRES:
        with connection_postgres(f"postgresql://{rest}") as connection:
            yield StorePostgres.from_graph(connection, graph, create_tables=False)
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
        yield StoreSQLite.from_graph(file, graph, create_tables=False)
