"""The store behind the URL that a command is given."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from stepping.compiler.plan.graph import AnyGraph
from stepping.dialects.driver import Driver
from stepping.errors import StoreError, UnsupportedError
from stepping.runtime import captured, catalog
from stepping.runtime.store import StoreSQL
from stepping.runtime.stores import (
    StorePostgres,
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
def opened_or_planned(url: str, graph: Any) -> Iterator[Any]:
    """The store of an installed query; of one that has changed since, or that would follow tables,
    its plan, with ``differs`` if another version of it is installed.
    """
    with connected(url) as (cls, connection):
        found = catalog.queries(cls.driver_of(connection)).get(graph.name)
        if found is not None or graph.captured is not None:
            store = cls(connection, graph)
            differs = found is not None and found.fingerprint != store.plan.fingerprint
            if found is None or differs:
                parts = {"plan": store.plan, "program": store.program, "graph": store.graph}
                more = {"differs": found if differs else None, "application": store.driver}
                yield SimpleNamespace(**parts, **more)
                return
        yield cls.from_graph(connection, graph, create_tables=False)


def bound(url: str, graphs: Sequence[AnyGraph]) -> list[AnyGraph]:
    """Queries as they are on a database, which has the tables that they read."""
    with driver_of(url) as driver:
        for each in graphs:
            each.bound(lambda: driver.database)
    return list(graphs)


def described(url: str, graph: AnyGraph) -> Any:
    """The tables of a query that follows them, as the database describes them."""
    with driver_of(url) as driver:
        return captured.described(driver, graph)


@contextmanager
def driver_of(url: str) -> Iterator[Driver]:
    """The driver of a database, whatever is installed there."""
    with connected(url) as (cls, connection):
        yield cls.driver_of(connection)


@contextmanager
def empty_sqlite(graph: Any) -> Iterator[StoreSQL]:
    """A store in memory without a row, to be asked for its plans."""
    with connection_sqlite(":memory:") as connection:
        yield StoreSQLite.from_graph(connection, graph)


def dialect_of(url: str) -> str:
    """The dialect of the database that a URL or a path names."""
    scheme, separator, _ = url.partition("://")
    if separator and scheme in _POSTGRES:
        return StorePostgres.dialect
    if separator and scheme != "sqlite":
        raise StoreError(
            f"there is no kind of database {scheme!r}",
            hint="give postgresql://user@host/database, sqlite:///shop.db, or a path",
        )
    return StoreSQLite.dialect


@contextmanager
def connected(url: str) -> Iterator[tuple[type[StoreSQL], Any]]:
    """The class of stores in a database, and a new connection to it."""
    _, separator, rest = url.partition("://")
    with ExitStack() as stack:
        if dialect_of(url) == StorePostgres.dialect:
            try:
                connection: Any = stack.enter_context(connection_postgres(f"postgresql://{rest}"))
            except UnsupportedError:
                raise
            except Exception as error:  # psycopg's, which need not be installed
                raise unreachable(url, error) from error
            yield StorePostgres, connection
            return
        path = Path(rest.removeprefix("/") if separator else url)
        if not path.exists():  # sqlite3 would make it
            raise StoreError(f"there is no file {path}", hint="give the path of a SQLite database")
        try:
            connection = stack.enter_context(connection_sqlite(path))
        except sqlite3.Error as error:
            raise unreachable(url, error) from error
        yield StoreSQLite, connection


def unreachable(url: str, error: Exception) -> StoreError:
    reason = str(error).strip().splitlines() or [type(error).__name__]
    return StoreError(
        f"the database {without_password(url)} cannot be opened: {reason[0]}",
        hint="is the server running, and are the host, the name and the password right?"
        if dialect_of(url) == StorePostgres.dialect
        else "is it a SQLite file, and may this user read and write it?",
    )


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    return re.sub(r"(?<=://)([^/@:]*):[^@]*@", r"\1:***@", url)
