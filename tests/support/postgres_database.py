"""A new, empty Postgres database for each test that asks for one."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


@contextlib.contextmanager
def database(maintenance_url: str, template: str | None = None) -> Iterator[str]:
    """The URL of a new database on the server of `maintenance_url`; dropped at the end.

    Empty, or a copy of the database at the URL ``template``, which nobody is connected to.
    """
    name = f"stepping_{uuid.uuid4().hex[:12]}"
    copied = sql.Identifier(urlsplit(template).path[1:] if template else "template0")
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), copied)
    with psycopg.connect(maintenance_url, autocommit=True) as connection:
        if connection.info.server_version >= 15_00_00:
            # A third of the time of the default, which writes every page to the log.
            create += sql.SQL(" STRATEGY file_copy")
        connection.execute(create)
    try:
        yield urlunsplit(urlsplit(maintenance_url)._replace(path=f"/{name}"))
    finally:
        # FORCE: a test that failed half way may have left a connection open.
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        with psycopg.connect(maintenance_url, autocommit=True) as connection:
            connection.execute(drop)


def published(url: str) -> str:
    """Publish all tables that a database has and will have; the URL.

    Postgres then refuses to change rows of a table that has no replica identity.
    """
    # The servers of tests have a wal_level that is too low to send anything, which is a warning.
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE PUBLICATION all_tables FOR ALL TABLES")
    return url
