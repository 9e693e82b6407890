"""A new database of one kind, and what tests do with it without stepping."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

import stepping as st
from stepping.runtime.stores import driver_for


@dataclass(frozen=True)
class Place:
    """Where a store is kept: a SQLite file, or a Postgres database."""

    name: str  # "sqlite" or "postgres"
    where: str

    def connect(self) -> AbstractContextManager[Any]:
        """A connection as stepping makes it."""
        if self.name == "sqlite":
            return st.connection_sqlite(self.where)
        return st.connection_postgres(self.where)

    def store(self, connection: Any, graph: Any, **options: Any) -> Any:
        cls: Any = st.StoreSQLite if self.name == "sqlite" else st.StorePostgres
        return cls.from_graph(connection, graph, **options)

    @contextlib.contextmanager
    def opened(self, graph: Any, **options: Any) -> Iterator[Any]:
        """A store on a connection of its own."""
        with self.connect() as connection:
            yield self.store(connection, graph, **options)

    @property
    def sqlalchemy_url(self) -> str:
        if self.name == "sqlite":
            return f"sqlite:///{self.where}"
        return self.where.replace("postgresql://", "postgresql+psycopg://", 1)

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a SELECT, on a plain connection of its own."""
        with self.plain() as connection:
            return [tuple(row) for row in connection.execute(sql).fetchall()]

    def recorded(self, table: str) -> list[tuple[Any, ...]]:
        """The rows of one of our own tables that is made when it is used first."""
        with self.connect() as connection:
            there = driver_for(connection).existing([table])
        return self.read(f"SELECT * FROM {table}") if there else []  # noqa: S608

    @contextlib.contextmanager
    def plain(self) -> Iterator[Any]:
        """The driver's connection with nothing set, in autocommit."""
        connection: Any
        if self.name == "sqlite":
            connection = sqlite3.connect(self.where, isolation_level=None, timeout=5)
        else:
            connection = psycopg.connect(self.where, autocommit=True)
        try:
            yield connection
        finally:
            connection.close()

    def times(self) -> dict[str, int]:
        """What `last_update` says."""
        return dict(self.read("SELECT table_name, t FROM last_update"))

    def contents(self, graph: Any) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every kept table, to see that nothing was written."""
        tables = graph.program(self.name).plan.kept
        found = {}
        for table in (*tables, "last_update"):
            name = '"' + table.replace('"', '""') + '"'
            found[table] = sorted(self.read(f"SELECT * FROM {name}"), key=repr)  # noqa: S608
        return found


def sqlite_place(path: Path) -> Place:
    return Place("sqlite", str(path))


def postgres_place(url: str) -> Place:
    return Place("postgres", url)
