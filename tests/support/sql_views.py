"""SQL queries over tables that change: after each transaction the result equals the SELECT.

The application's tables are there as in any application. What a transaction changes in them is
read before and after it, and given to the query by hand.
"""

from __future__ import annotations

import decimal
import math
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

import stepping as st
from stepping.compiler.schema import Atom, Struct
from stepping.dialects.postgres.driver import PostgresDriver

Row = tuple[Any, ...]


class Database:
    """A database of an application, as a test changes and reads it."""

    dialect: str
    connection: Any

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        raise NotImplementedError

    def read(self, sql: str) -> list[Row]:
        raise NotImplementedError

    def store(self, graph: Any) -> Any:
        raise NotImplementedError

    def shown(self, name: str, native: Any) -> str:
        """A column as rows of a query have it."""
        raise NotImplementedError

    def placeholders(self, count: int) -> str:
        raise NotImplementedError

    def script(self, text: str) -> None:
        for statement in text.split(";"):
            if statement.strip():
                self.run(statement)


class SQLite(Database):
    dialect = "sqlite"

    def __init__(self, path: str = ":memory:") -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self.connection.execute(sql, parameters)

    def read(self, sql: str) -> list[Row]:
        return [tuple(row) for row in self.connection.execute(sql).fetchall()]

    def store(self, graph: Any) -> Any:
        return st.StoreSQLite.from_graph(self.connection, graph, scans=True)

    def shown(self, name: str, native: Any) -> str:
        return quoted(name)

    def placeholders(self, count: int) -> str:
        return ", ".join("?" * count)


class Postgres(Database):
    dialect = "postgres"

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.reader = PostgresDriver(self.connection)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self.connection.execute(sql, parameters or None)

    def read(self, sql: str) -> list[Row]:
        return [tuple(row) for row in self.reader.read(sql)]

    def store(self, graph: Any) -> Any:
        return st.StorePostgres.from_graph(self.connection, graph, scans=True)

    def shown(self, name: str, native: Any) -> str:
        as_text = native is not None and native.as_text
        return f"{quoted(name)}::text" if as_text else quoted(name)

    def placeholders(self, count: int) -> str:
        return ", ".join(["%s"] * count)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def seen(value: Any) -> Any:
    """A value in a form in which two are equal that a database finds equal."""
    match value:
        case bool() | None | str() | int():
            return value
        case decimal.Decimal():
            return "NaN" if value.is_nan() else value
        case float():
            if math.isnan(value):
                return "NaN"
            return value if math.isinf(value) else float(f"{value:.9g}")
        case list() | tuple():
            return tuple(map(seen, value))
        case dict():
            return tuple(sorted((key, seen(each)) for key, each in value.items()))
        case _:
            return value


def bag(rows: Sequence[Row]) -> Counter[Row]:
    return Counter(tuple(map(seen, row)) for row in rows)


def same(a: Counter[Row], b: Counter[Row]) -> bool:
    """Whether two bags of rows are equal, but for the rounding of floats.

    Sums of floats depend on the order in which they are added up.
    """
    if a == b:
        return True
    left, right = ([*(x - y).elements()] for x, y in ((a, b), (b, a)))
    for row in left:
        found = next((other for other in right if near(row, other)), None)
        if found is None:
            return False
        right.remove(found)
    return not right


def near(a: Row, b: Row) -> bool:
    def alike(x: object, y: object) -> bool:
        if isinstance(x, float) and isinstance(y, int | float):
            return math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-6)
        return x == y

    return len(a) == len(b) and all(map(alike, a, b))


@dataclass
class Watched:
    """A query over the tables of an application, fed with what changes in them."""

    database: Database
    select: str
    graph: Any
    store: Any
    tables: Mapping[str, tuple[str, list[str]]] = field(default_factory=dict)
    contents: dict[str, Counter[Row]] = field(default_factory=dict)

    @classmethod
    def of(cls, database: Database, select: str, **options: Any) -> Watched:
        graph = st.sql(select, **{"name": "v", **options})
        store = database.store(graph)
        made = cls(database, select, graph, store)
        tables = {}
        bound = store.graph
        for name, value_type in zip(bound.input_names, bound.input_types, strict=True):
            assert isinstance(value_type, Struct)
            table = bound.tables[name]
            path = ".".join(quoted(each) for each in (table.schema, table.name) if each)
            columns = [
                database.shown(n, atom.native)
                for n, atom in value_type.fields
                if isinstance(atom, Atom)
            ]
            tables[name] = (path, columns)
        made.tables = tables
        made.contents = {name: Counter() for name in tables}
        return made

    def feed(self) -> None:
        """Give the query what has changed in its tables, unless it follows them by itself."""
        if self.graph.refresh is not None:
            return
        changes = {}
        bound = self.store.graph
        for name, value_type in zip(bound.input_names, bound.input_types, strict=True):
            path, columns = self.tables[name]
            rows = self.database.read(f"SELECT {', '.join(columns)} FROM {path}")
            now: Counter[Row] = Counter()
            for row in rows:
                now[tuple(comparable(value) for value in row)] += 1
            before = self.contents[name]
            changed: dict[Any, int] = {}
            for row in {*now, *before}:
                if now[row] != before[row]:
                    values = [value for _, value in row]
                    changed[value_type.cls(*values)] = now[row] - before[row]
            self.contents[name] = now
            changes[name] = st.ZSetPython(list(changed.items()))
        self.store.step(changes)

    def check(self) -> Counter[Row]:
        """That the result is what the SELECT gives now."""
        stored: Counter[Row] = Counter()
        for row, count in self.graph.rows(self.store).iter():
            assert count > 0, f"{row} is there {count} times"
            stored[tuple(map(seen, row))] += count
        value_type = self.store.graph.cache_type(self.graph.name)
        # Names as the SELECT gives them; a text where rows have one.
        columns = ", ".join(self.database.shown(n, a.native) for n, a in value_type.fields)
        names = ", ".join(quoted(name) for name, _ in value_type.fields)
        wanted = bag(
            self.database.read(f"WITH q({names}) AS ({self.select}\n) SELECT {columns} FROM q")
        )
        if not same(stored, wanted):
            missing, extra = wanted - stored, stored - wanted
            raise AssertionError(
                f"{self.select}\nmissing: {dict(missing)}\nnot in the SELECT: {dict(extra)}"
            )
        if self.graph.refresh is not None:  # what any client reads, by the query's name
            relation = quoted(self.graph.name)
            shown = bag(self.database.read(f"SELECT {columns} FROM {relation}"))
            assert same(shown, wanted), f"{self.select}\n{relation} has {dict(shown)}"
        return wanted


def comparable(value: Any) -> tuple[str, Any]:
    """A value with its type, so that 1 and 1.0 are two."""
    return type(value).__name__, value


@dataclass
class Writer:
    """Makes random transactions on tables: rows are inserted, changed and deleted."""

    database: Database
    rows: Mapping[str, Callable[[random.Random], Mapping[str, Any]]]
    random: random.Random
    names: tuple[str, ...] = ()  # of the tables that are written to, if not to all

    def table(self, name: str) -> str:
        return quoted(name)

    def insert(self, name: str) -> None:
        row = self.rows[name](self.random)
        columns = ", ".join(map(quoted, row))
        places = self.database.placeholders(len(row))
        self.database.run(
            f"INSERT INTO {self.table(name)} ({columns}) VALUES ({places})", tuple(row.values())
        )

    def some(self, name: str) -> str | None:
        """A condition that finds one row: tables have a number for each."""
        found = self.database.read(f"SELECT row_number FROM {self.table(name)}")
        if not found:
            return None
        (number,) = self.random.choice(sorted(found))
        return f"row_number = {number}"

    def delete(self, name: str) -> None:
        where = self.some(name)
        if where is not None:
            self.database.run(f"DELETE FROM {self.table(name)} WHERE {where}")

    def update(self, name: str) -> None:
        where = self.some(name)
        if where is None:
            return
        row = dict(self.rows[name](self.random))
        column = self.random.choice(sorted(row))
        place = self.database.placeholders(1)
        self.database.run(
            f"UPDATE {self.table(name)} SET {quoted(column)} = {place} WHERE {where}",
            (row[column],),
        )

    def transaction(self, most: int = 4) -> None:
        self.database.run("BEGIN")
        for _ in range(self.random.randint(1, most)):
            name = self.random.choice(sorted(self.rows))
            kind = self.random.choices(("insert", "delete", "update"), (5, 3, 3))[0]
            getattr(self, kind)(name)
        self.database.run("COMMIT")


@contextmanager
def application(database: Database, ddl: str) -> Iterator[Database]:
    database.script(ddl)
    try:
        yield database
    finally:
        database.connection.close()


def watched_through(
    database: Database,
    select: str,
    writer: Writer,
    *,
    start: int = 12,
    transactions: int = 12,
    writes: int = 4,
    **options: Any,
) -> int:
    """Check a SELECT over a history; how often its result has changed."""
    view = Watched.of(database, select, **options)
    database.run("BEGIN")
    for _ in range(start):
        writer.insert(writer.random.choice(sorted(writer.names or writer.rows)))
    database.run("COMMIT")
    changed = 0
    before: Counter[Row] | None = None
    for _ in range(transactions):
        view.feed()
        now = view.check()
        changed += now != before
        before = now
        writer.transaction(writes)
    view.feed()
    view.check()
    return changed
