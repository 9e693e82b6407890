"""Tables of every kind for random SELECTs, and random transactions on them.

There are NULLs and duplicates in all of them: in tables with a number for each row, in one without
any key, in one whose only key may be NULL, in one whose key is made of two columns and changes, in
one with generated columns, in one that refers to another and follows what is deleted there, and in
one of numbers with digits, days and truth values.
"""

from __future__ import annotations

import itertools
import random
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.support.sql_views import Writer, quoted

# Of each table the columns that SELECTs read, and what they are to them.
TABLES: Mapping[str, Mapping[str, str]] = {
    "r": {"a": "int", "b": "int", "e": "int", "t": "text"},
    "s": {"a": "int", "b": "int", "d": "int"},
    "u": {"k": "int", "x": "int", "name": "text"},
    "keyless": {"a": "int", "b": "int", "t": "text"},
    "nullable": {"x": "int", "y": "int", "t": "text"},
    "pairs": {"a": "int", "b": "int", "y": "int"},
    "made": {"a": "int", "b": "int", "ab": "int", "t": "text", "tt": "text"},
    "child": {"k": "int", "parent": "int", "t": "text"},
    "more": {"n": "num", "y": "int", "day": "text"},
}
# Columns that tell the rows of a table apart.
KEYS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("r", "s", "u", "made", "more"), ("row_number",)),
    "pairs": ("a", "b"),
    "child": ("k",),
}
DDL = """
CREATE TABLE r (row_number integer PRIMARY KEY, a integer, b integer, e integer, t varchar(20));
CREATE TABLE s (row_number integer PRIMARY KEY, a integer, b integer, d integer);
CREATE TABLE u (
    row_number integer PRIMARY KEY, k integer NOT NULL, x integer, name varchar(20) NOT NULL
);
CREATE TABLE keyless (a integer, b integer, t varchar(20));
CREATE TABLE nullable (x integer UNIQUE, y integer, t varchar(20));
CREATE TABLE pairs (a integer NOT NULL, b integer NOT NULL, y integer, PRIMARY KEY (a, b));
CREATE TABLE made (
    row_number integer PRIMARY KEY, a integer, b integer, t varchar(20),
    ab integer GENERATED ALWAYS AS (a * 10 + b) STORED,
    tt varchar(40) GENERATED ALWAYS AS (t || t) STORED
);
CREATE TABLE child (
    k integer PRIMARY KEY, parent integer REFERENCES s (row_number) ON DELETE CASCADE, t varchar(20)
);
CREATE TABLE more (row_number integer PRIMARY KEY, n numeric(8, 2), y integer, day varchar(10))
"""


def ddl(dialect: str) -> str:
    """The tables. On SQLite an immediate result that is ordered refuses rows that cascade."""
    cascade = " REFERENCES s (row_number) ON DELETE CASCADE"
    return DDL if dialect == "postgres" else DDL.replace(cascade, "")


def tables_in(select: str) -> tuple[str, ...]:
    """The tables that a SELECT reads."""
    found = [name for name in TABLES if re.search(rf"\b{name} AS ", select)]
    return tuple(found) or ("r",)


TEXTS = (None, "", "a", "ab", "B")
DAYS = (None, "2024-01-31", "2024-02-01", "2024-02-29", "2023-12-31")
NUMBERS = itertools.count(1)


def small(rng: random.Random) -> int | None:
    return rng.choice([None, 0, 1, 1, 2, 3])


def rows() -> Mapping[str, Callable[[random.Random], Mapping[str, Any]]]:
    """What a new row of each table is."""
    return {
        "r": lambda rng: {
            "row_number": next(NUMBERS),
            "a": small(rng),
            "b": small(rng),
            "e": small(rng),
            "t": rng.choice(TEXTS),
        },
        "s": lambda rng: {
            "row_number": next(NUMBERS),
            "a": small(rng),
            "b": small(rng),
            "d": small(rng),
        },
        "u": lambda rng: {
            "row_number": next(NUMBERS),
            "k": rng.choice([0, 1, 2, 3]),
            "x": small(rng),
            "name": rng.choice(TEXTS[1:]),
        },
        "keyless": lambda rng: {"a": small(rng), "b": small(rng), "t": rng.choice(TEXTS)},
        "nullable": lambda rng: {
            "x": rng.choice([None, *range(6)]),
            "y": small(rng),
            "t": rng.choice(TEXTS),
        },
        "pairs": lambda rng: {"a": rng.randrange(4), "b": rng.randrange(4), "y": small(rng)},
        "made": lambda rng: {
            "row_number": next(NUMBERS),
            "a": small(rng),
            "b": small(rng),
            "t": rng.choice(TEXTS),
        },
        "child": lambda rng: {"k": rng.randrange(8), "parent": None, "t": rng.choice(TEXTS)},
        "more": lambda rng: {
            "row_number": next(NUMBERS),
            "n": rng.choice([None, 0, 1, 1.5, 2, -0.25, 3]),
            "y": small(rng),
            "day": rng.choice(DAYS),
        },
    }


@dataclass
class Transactions(Writer):
    """Any DML: rows and sets of rows, keys that change, statements and transactions undone."""

    @property
    def kinds(self) -> Mapping[str, int]:
        return {
            "insert": 6,
            "delete": 3,
            "update": 3,
            "several": 1,
            "from_others": 1,
            "delete_some": 1,
            "key": 1,
            "undone": 1,
            "again": 1,
            "empty": 0.1,  # type: ignore[dict-item]
        }

    def tried(self, sql: str, parameters: tuple[Any, ...] = ()) -> None:
        """A statement that a key of a table may be against."""
        self.database.run("SAVEPOINT tried")
        try:
            self.database.run(sql, parameters)
        except (sqlite3.IntegrityError, psycopg.errors.IntegrityError):
            self.database.run("ROLLBACK TO SAVEPOINT tried")
        self.database.run("RELEASE SAVEPOINT tried")

    def row(self, name: str) -> dict[str, Any]:
        made = dict(self.rows[name](self.random))
        if name == "child":
            found = sorted(self.database.read("SELECT row_number FROM s"))
            made["parent"] = self.random.choice([None, *(number for (number,) in found)])
        return made

    def insert(self, name: str, end: str = "ON CONFLICT DO NOTHING") -> None:
        row = self.row(name)
        columns, places = ", ".join(map(quoted, row)), self.database.placeholders(len(row))
        text = f"INSERT INTO {name} ({columns}) VALUES ({places}) {end}"
        self.tried(text, tuple(row.values()))

    def again(self, name: str) -> None:
        """A row that is there already is changed instead."""
        key = {"nullable": "x", "pairs": "a, b", "child": "k"}.get(name)
        value = "t" if name != "pairs" else "y"
        self.insert(name, f"ON CONFLICT ({key}) DO UPDATE SET {value} = NULL" if key else "")

    def some(self, name: str) -> str | None:
        place = "rowid" if self.database.dialect == "sqlite" else "ctid"
        found = self.database.read(f"SELECT CAST({place} AS text) FROM {name}")
        if not found:
            return None
        (chosen,) = self.random.choice(sorted(found))
        return f"rowid = {chosen}" if place == "rowid" else f"ctid = '{chosen}'"

    def update(self, name: str) -> None:
        where = self.some(name)
        row = {k: v for k, v in self.row(name).items() if k not in KEYS.get(name, ())}
        if where is None:
            return
        columns = self.random.sample(sorted(row), self.random.choice([1, 1, min(2, len(row))]))
        one = self.database.placeholders(1)
        listed = ", ".join(f"{quoted(column)} = {one}" for column in columns)
        self.tried(
            f"UPDATE {name} SET {listed} WHERE {where}", tuple(row[column] for column in columns)
        )

    def condition(self, name: str) -> str:
        numbers = [c for c, t in TABLES[name].items() if t == "int"]
        column, comparison = self.random.choice(numbers), self.random.choice(("=", ">", "<"))
        return f"{quoted(column)} {comparison} {self.random.randrange(4)}"

    def several(self, name: str) -> None:
        """Many rows at once, and two columns of them each other's."""
        other = {"r": "a = b, b = a", "s": "d = a + 1", "u": "x = k, k = COALESCE(x, 0)"}
        other |= {"keyless": "a = b, b = a", "nullable": "y = x", "pairs": "y = y + 1"}
        other |= {"made": "a = b, b = a", "child": "t = NULL", "more": "n = -n, y = NULL"}
        self.tried(f"UPDATE {name} SET {other[name]} WHERE {self.condition(name)}")

    def key(self, name: str) -> None:
        """The key of rows changes."""
        if name == "nullable":
            self.tried("UPDATE nullable SET x = NULL WHERE x > 3")
            self.tried("UPDATE nullable SET x = 5 - x WHERE x = 5")
        elif name == "child":
            self.tried(f"UPDATE child SET k = k + 8 WHERE {self.condition(name)}")
        elif name == "pairs":
            self.tried(f"UPDATE pairs SET a = b, b = a WHERE {self.condition(name)}")
        elif name in KEYS and name != "s":
            where = self.condition(name)
            self.tried(f"UPDATE {name} SET row_number = -row_number WHERE {where}")

    def from_others(self, name: str) -> None:
        """Rows made of a query."""
        texts = {
            "keyless": "INSERT INTO keyless SELECT a, b, t FROM r WHERE a = 1",
            "pairs": "INSERT INTO pairs SELECT DISTINCT a, b, 1 FROM s WHERE a + b >= 0 "
            "ON CONFLICT DO NOTHING",
        }
        self.tried(texts.get(name, texts["keyless"]))

    def delete_some(self, name: str) -> None:
        self.tried(f"DELETE FROM {name} WHERE {self.condition(name)}")

    def empty(self, name: str) -> None:
        truncate = self.database.dialect == "postgres" and name != "s"
        self.tried(f"TRUNCATE {name}" if truncate else f"DELETE FROM {name}")

    def undone(self, name: str) -> None:
        """Changes that are taken back, in a transaction that goes on."""
        self.database.run("SAVEPOINT whole")
        for kind in ("insert", "delete_some", "update"):
            getattr(self, kind)(name)
        self.database.run("ROLLBACK TO SAVEPOINT whole")
        self.database.run("RELEASE SAVEPOINT whole")

    def transaction(self, most: int = 4) -> None:
        self.database.run("BEGIN")
        kinds = self.kinds
        for _ in range(self.random.randint(1, most)):
            name = self.random.choice(self.names)
            kind = self.random.choices(list(kinds), list(kinds.values()))[0]
            getattr(self, kind)(name)
        self.database.run("ROLLBACK" if self.random.random() < 0.05 else "COMMIT")
