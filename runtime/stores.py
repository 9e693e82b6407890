"""Stores in a SQLite and in a Postgres database, and connections for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepping.dialects.driver import Driver
from stepping.errors import StoreError, UnsupportedError
from stepping.runtime.connections import driver_connection, lender_of, opened

if TYPE_CHECKING:
    import psycopg

from stepping.runtime.store import StoreSQL


class StoreSQLite(StoreSQL):
    """Keeps a query's results in a SQLite database."""

    dialect = "sqlite"

    @classmethod
    def driver_of(cls, connection: Any) -> Driver:
        from stepping.dialects.sqlite.driver import SQLiteDriver

        given = opened(connection)
        found = driver_connection(given)
        if not isinstance(found, sqlite3.Connection):
            raise wrong_connection("StoreSQLite", found, "st.connection_sqlite(path)")
        return SQLiteDriver(found, lender_of(given))


class StorePostgres(StoreSQL):
    """Keeps a query's results in a Postgres database (15 or newer)."""

    dialect = "postgres"

    @classmethod
    def driver_of(cls, connection: Any) -> Driver:
        _psycopg()
        import psycopg

        from stepping.dialects.postgres.driver import PostgresDriver

        given = opened(connection)
        found = driver_connection(given)
        if not isinstance(found, psycopg.Connection):
            raise wrong_connection("StorePostgres", found, "st.connection_postgres(url)")
        return PostgresDriver(found, lender_of(given))


@contextmanager
def connection_sqlite(path: str | Path) -> Iterator[sqlite3.Connection]:
    """A connection to a SQLite file, set up for stores and closed at the end."""
    from stepping.dialects.sqlite.connecting import connect

    if "://" in str(path):
        scheme, _, rest = str(path).partition("://")
        wanted = f"st.connection_sqlite({rest.removeprefix('/')!r})"
        raise StoreError(
            f"st.connection_sqlite takes the path of a file, and got a URL: {scheme}://...",
            hint=wanted if scheme.startswith("sqlite") else "st.connection_postgres(url)",
        )
    connection = connect(path)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def connection_postgres(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to Postgres in autocommit, closed at the end."""
    _psycopg()
    from stepping.dialects.postgres.driver import connect

    scheme, separator, _ = str(url).partition("://")
    if separator and not scheme.startswith("postgres"):
        raise StoreError(
            f"st.connection_postgres takes a postgresql:// URL, and got {scheme}://...",
            hint="st.connection_sqlite(path)" if scheme.startswith("sqlite") else "",
        )
    if not separator and "=" not in str(url):
        raise StoreError(
            f"st.connection_postgres takes a URL, and got {str(url)!r}",
            hint=f"postgresql://user@host/database; of a SQLite file st.connection_sqlite({url!r})",
        )
    connection = connect(url)
    try:
        yield connection
    finally:
        connection.close()


def _psycopg() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise UnsupportedError(
            "psycopg is not installed, and Postgres needs it",
            hint="pip install -e '.[postgres]' in the checkout of stepping; or pip install "
            "'psycopg[binary]'",
        ) from error


def driver_for(connection: Any) -> Driver:
    """The driver of whichever database a connection is to."""
    given = opened(connection)
    found = driver_connection(given)
    if isinstance(found, sqlite3.Connection):
        return StoreSQLite.driver_of(given)
    if type(found).__module__.partition(".")[0] == "psycopg":
        return StorePostgres.driver_of(given)
    raise StoreError(
        f"expected a store or a connection, got {type(found).__name__}",
        hint="pass a store, or what st.connection_sqlite or st.connection_postgres gives",
    )


def wrong_connection(store: str, found: object, hint: str) -> StoreError:
    return StoreError(
        f"{store} was given a {type(found).__module__}.{type(found).__name__}",
        hint=f"pass the connection of {hint}, or SQLAlchemy's to the same kind of database",
    )
