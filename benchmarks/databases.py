"""Databases to measure in: SQLite files and a Postgres server, with the settings they have.

Every competitor gets the same connection settings, those of `st.connection_sqlite` and
`st.connection_postgres`, and a database of its own.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    import psycopg

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 16000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -65536",
)
POSTGRES_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "off",
    "wal_level": "replica",
    "max_wal_size": "4GB",
    "shared_buffers": "512MB",
}


def sqlite_connection(
    path: str,
    isolation_level: Any = None,
    factory: type[sqlite3.Connection] = sqlite3.Connection,
) -> sqlite3.Connection:
    """A connection as `st.connection_sqlite` makes it, without the library."""
    connection = sqlite3.connect(
        path,
        isolation_level=isolation_level,
        timeout=30,
        cached_statements=1024,
        factory=factory,
    )
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)
    return connection


def postgres_connection(url: str, *, autocommit: bool = True) -> psycopg.Connection[Any]:
    """A connection as `st.connection_postgres` makes it, without the library."""
    import psycopg

    connection: psycopg.Connection[Any] = psycopg.connect(url, autocommit=autocommit)
    connection.execute("SET synchronous_commit = off")
    connection.commit()
    return connection


@contextlib.contextmanager
def new_sqlite(folder: Path) -> Iterator[str]:
    """A path for a new file, which is removed at the end."""
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        yield str(Path(inner) / "benchmark.db")


@contextlib.contextmanager
def new_postgres(maintenance_url: str) -> Iterator[str]:
    """The URL of a new database, which is dropped at the end."""
    import psycopg
    from psycopg import sql

    name = f"benchmark_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(maintenance_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
        )
    try:
        yield urlunsplit(urlsplit(maintenance_url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(maintenance_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


# ------------------------------------------------------------------------------------ what is used


def sqlite_settle(connection: sqlite3.Connection) -> None:
    """After loading: nothing is left in the write-ahead log."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def sqlite_bytes(connection: sqlite3.Connection) -> int:
    """The pages in use."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return (int(pages) - int(free)) * int(size)


def postgres_settle(connection: psycopg.Connection[Any]) -> None:
    """After loading, as autovacuum and the checkpointer would within minutes."""
    connection.commit()
    connection.autocommit, before = True, connection.autocommit
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")
    connection.autocommit = before


def postgres_bytes(connection: psycopg.Connection[Any]) -> int:
    """The tables, with their indexes, of a database."""
    row = connection.execute(
        "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::int8 FROM pg_class "
        "WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace"
    ).fetchone()
    connection.commit()
    assert row is not None
    return int(row[0])


def postgres_wal(connection: psycopg.Connection[Any]) -> int:
    """How many bytes the server has written to its log so far."""
    row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    connection.commit()
    assert row is not None
    return int(row[0])
