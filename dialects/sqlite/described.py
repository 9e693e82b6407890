"""What SQLite says of tables, types and expressions, for queries in its own SQL.

It is asked in memory, of a copy of the schema: nothing is made in the database itself. A type is a
declared type, which gives an affinity, with a collation (sqlite.org/datatype3.html).
"""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

from stepping.compiler.plan.database import (
    Compared,
    Database,
    Given,
    GivenRows,
    KnownColumn,
    KnownTable,
    KnownView,
    Measure,
)
from stepping.compiler.schema import Atom, DatabaseType, Kind
from stepping.dialects.identifiers import quoted, shows_query
from stepping.dialects.sqlite.collations import BINARY, collation_in, comparing
from stepping.dialects.sqlite.cursors import Cursor
from stepping.dialects.sqlite.measures import measure
from stepping.dialects.sqlite.native_columns import affinity
from stepping.errors import QueryError

_OWN = {
    Kind.INT: DatabaseType("INTEGER", short=True),
    Kind.FLOAT: DatabaseType("REAL", short=True),
    Kind.BOOL: DatabaseType("INTEGER", short=True),
    Kind.TEXT: DatabaseType("TEXT", short=True),
    Kind.ENUM: DatabaseType("TEXT", short=True),
    Kind.BYTES: DatabaseType("BLOB", short=True),
}
ANY = DatabaseType("", short=True)
# sqlite.org/deterministic.html; dates of 'now' are refused where they are written.
_UNSTABLE = (
    *("random", "randomblob", "changes", "last_insert_rowid", "total_changes"),
    *("current_date", "current_time", "current_timestamp"),
)
_NUMERIC = ("INTEGER", "REAL", "NUMERIC")


# What an affinity makes of a value that is compared: a text that reads as a number is one.
AS_NUMBER = (
    "CASE WHEN typeof({0}) = 'text' AND CAST({0} AS NUMERIC) = {0} THEN CAST({0} AS NUMERIC) "
    "ELSE {0} END"
)
AS_TEXT = "CASE WHEN typeof({0}) IN ('integer', 'real') THEN CAST({0} AS TEXT) ELSE {0} END"


def column_type(declared: str, collation: str) -> DatabaseType:
    """The type of a column of a table."""
    varied = bool(collation) or affinity(declared) == "BLOB"
    return typed(declared, collation, varied=varied)


# What takes one of several values, and what computes with them.
_CHOOSES = re.compile(r"(?i)\b(case|coalesce|ifnull|iif|nullif|min|max|sum)\b")
_COMPUTES = re.compile(r"""(?i)[\w)"'\]`]\s*(-(?!>)|[+*/%])|\bjson_extract\b|->>""")
_REAL = re.compile(r"\d\.\d*|\.\d|\de[-+\d]")
_INTEGER = re.compile(r"(?<![\w.])\d+(?![\w.])")


def is_mixed(expression: str, args: Sequence[DatabaseType]) -> bool:
    """Whether an expression may be an integer for one row, and an equal real for another."""
    expression = re.sub(r"'[^']*'", "''", expression)
    kinds = {affinity(each.name) for each in args}
    chooses = _CHOOSES.search(expression) is not None
    # A column of texts or reals may have a text that is computed with as the integer 0.
    if kinds - {"INTEGER"} and _COMPUTES.search(expression):
        return True
    if kinds & {"BLOB", "NUMERIC"}:
        return chooses
    if not chooses:
        return False
    has_real = "REAL" in kinds or _REAL.search(expression) is not None
    return has_real and ("INTEGER" in kinds or _INTEGER.search(expression) is not None)


def typed(name: str, collation: str, *, varied: bool) -> DatabaseType:
    # `quote` tells 1 from 1.0, and knows no collation.
    image = "quote({0})" if varied else ""
    traits = "varied" if varied else ""
    return DatabaseType(name, collation, short=True, traits=traits, image=image)


_IS_VIEW = re.compile(r"(?is)\s*create\s+(temp(orary)?\s+)?view\b")


class SQLiteDatabase(Database):
    """Asks a copy of a schema: the names of its tables with the statements that made them."""

    dialect = "sqlite"
    sqlglot_name = "sqlite"
    truth = ("1", "0")

    def __init__(self, statements: Mapping[str, str]) -> None:
        self.statements = {name.lower(): sql for name, sql in statements.items()}
        self.serial = itertools.count()
        self._tables: dict[str, KnownTable | None] = {}
        self._typed: dict[tuple[Any, ...], DatabaseType] = {}
        self._copied: set[str] = set()

    @classmethod
    def of(cls, connection: sqlite3.Connection) -> SQLiteDatabase:
        """The schema of a database: of its main file, and of what is temporary."""
        own = Cursor(connection)
        found = own.rows(
            "SELECT name, sql FROM main.sqlite_master WHERE type IN ('table', 'view') "
            "AND sql IS NOT NULL UNION ALL SELECT name, sql FROM temp.sqlite_master "
            "WHERE type IN ('table', 'view') AND sql IS NOT NULL"
        )
        # Unique ones are keys, and a view may name any.
        indexes = own.rows(
            "SELECT name, sql FROM main.sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        )
        made = cls(dict(found))
        made.indexes = [sql for _, sql in indexes]
        if "stepping_queries" in made.statements:
            installed = own.rows("SELECT lower(name) FROM stepping_queries WHERE name IS NOT NULL")
            made.queries = [name for (name,) in installed]
        return made

    indexes: Sequence[str] = ()
    queries: Sequence[str] = ()  # our own that are installed

    @contextmanager
    def having(self, tables: Mapping[str, Sequence[KnownColumn]]) -> Iterator[Database]:
        made = {}
        for name, columns in tables.items():
            listed = ", ".join(
                f"{quoted(c.name)} {c.type}{'' if c.nullable else ' NOT NULL'}" for c in columns
            )
            made[name] = f"CREATE TABLE {quoted(name)} ({listed})"
        yield SQLiteDatabase(made)

    @cached_property
    def memory(self) -> sqlite3.Connection:
        return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self.memory.execute(sql).fetchall()
        except sqlite3.Error as error:
            raise QueryError(f"SQLite says: {error}") from error

    def table_names(self) -> list[str]:
        return [name for name in self.statements if not name.startswith(("sqlite_", "stepping_"))]

    def folded(self, name: str, *, quoted: bool) -> str:
        return name.lower()

    def is_own_schema(self, name: str) -> bool:
        return name.lower() == "main"

    def table(self, name: str, schema: str | None) -> KnownTable | None:
        if schema not in (None, "main", "temp") or name not in self.statements:
            return None
        if name not in self._tables:
            self.copy(name)
            self._tables[name] = self._described(name)
        return self._tables[name]

    def view(self, name: str, schema: str | None) -> KnownView | None:
        sql = self.statements.get(name, "")
        if schema not in (None, "main", "temp") or not _IS_VIEW.match(sql):
            return None
        if shows_query(name, sql.lower(), self.queries):
            return None
        self.copy(name)
        return KnownView(name, sql)

    def copy(self, name: str) -> None:
        """Make a table in memory, and whatever a view reads."""
        if name in self._copied:
            return
        self._copied.add(name)
        sql = self.statements[name]
        if _IS_VIEW.match(sql):
            for other in self.statements:
                if re.search(rf"(?i)\b{re.escape(other)}\b", sql):
                    self.copy(other)
        self.rows(sql)
        for index in self.indexes:
            if re.search(rf'(?i)\bon\s+["`\[]?{re.escape(name)}\b', index):
                self.rows(index)

    def _described(self, name: str) -> KnownTable:
        table = quoted(name)
        columns = []
        primary: dict[int, str] = {}
        strict = self.is_strict(name)
        for _, column, declared, not_null, _, place, hidden in self.rows(
            f"PRAGMA table_xinfo({table})"
        ):
            if hidden == 1:
                continue
            collation = self.collation_of(f"SELECT {quoted(column)} AS e FROM {table}")
            is_row_id = place == 1 and declared.upper() == "INTEGER"
            if place:
                primary[place] = column
            # A column without a type has an affinity, which an expression has not.
            of_type = column_type(declared or "BLOB", collation)
            if affinity(declared) == "INTEGER" and declared:
                traits = "whole integral" if strict or is_row_id else "integral"
                of_type = replace(of_type, traits=f"{of_type.traits} {traits}".strip())
            columns.append(KnownColumn(column, of_type, not (not_null or is_row_id)))
        if sum(1 for _ in primary) > 1:  # of several columns, none is the row id
            names = set(primary.values())
            not_null_names = {
                column
                for _, column, _, not_null, _, _, _ in self.rows(f"PRAGMA table_xinfo({table})")
                if not_null or self.without_row_id(name)
            }
            columns = [
                KnownColumn(c.name, c.type, c.name not in not_null_names) if c.name in names else c
                for c in columns
            ]
        nullable = {column.name for column in columns if column.nullable}
        keys = [tuple(primary[place] for place in sorted(primary))] if primary else []
        for _, index, unique, _, partial in self.rows(f"PRAGMA index_list({table})"):
            parts = self.rows(f"PRAGMA index_info({quoted(index)})")
            found = tuple(column for _, _, column in parts)
            if unique and not partial and None not in found and found not in keys:
                keys.append(found)
        of_real_name = self.rows(f"SELECT name FROM sqlite_master WHERE lower(name) = {text(name)}")
        ((real_name,),) = of_real_name
        whole = tuple(key for key in keys if not nullable.intersection(key))
        return KnownTable("", real_name, tuple(columns), whole)

    def is_strict(self, name: str) -> bool:
        """Whether values have the types of their columns: sqlite.org/stricttables.html."""
        if sqlite3.sqlite_version_info < (3, 37):
            return False
        rows = self.rows(f"SELECT strict FROM pragma_table_list({text(name)})")
        return any(strict for (strict,) in rows)

    def without_row_id(self, name: str) -> bool:
        return re.search(r"(?is)\bwithout\s+rowid\b", self.statements[name]) is not None

    def collation_of(self, select: str) -> str:
        """The collation of a SELECT's only column ``e``, "" if it is the usual one."""
        return collation_in(self.rows(f"EXPLAIN {comparing(select)}"))

    def type_of(self, atom: Atom) -> DatabaseType:
        return atom.native or _OWN[atom.kind]

    def typed(self, words: Sequence[str], args: Sequence[DatabaseType]) -> DatabaseType:
        key = (tuple(words), tuple(args))
        if key not in self._typed:
            serial = next(self.serial)
            columns = ", ".join(f"c{i} {each}" for i, each in enumerate(args)) or "c0"
            self.rows(f"CREATE TEMP TABLE x{serial} ({columns})")
            first, *others = words
            expression = first + "".join(f"x{serial}.c{i}{each}" for i, each in enumerate(others))
            # What a table has of an expression is its affinity.
            self.rows(f"CREATE TEMP TABLE e{serial} AS SELECT {expression} AS e FROM x{serial}")
            ((_, _, declared, *_),) = self.rows(f"PRAGMA temp.table_xinfo(e{serial})")
            collation = self.collation_of(f"SELECT {expression} AS e FROM x{serial}")
            varied = bool(collation) or (not declared and is_mixed(expression, args))
            self._typed[key] = typed(declared, collation, varied=varied)
            self.rows(f"DROP TABLE temp.e{serial}")
            self.rows(f"DROP TABLE temp.x{serial}")
        return self._typed[key]

    def rows_of(
        self, words: Sequence[str], args: Sequence[DatabaseType], definitions: str
    ) -> GivenRows:
        serial = next(self.serial)
        columns = ", ".join(f"c{i} {each}" for i, each in enumerate(args)) or "c0"
        first, *others = words
        call = first + "".join(f"x{serial}.c{i}{each}" for i, each in enumerate(others))
        self.rows(f"CREATE TEMP TABLE x{serial} ({columns})")
        try:
            self.rows(f"CREATE TEMP TABLE e{serial} AS SELECT s.* FROM x{serial}, {call} AS s")
            found = self.rows(f"PRAGMA temp.table_xinfo(e{serial})")
            self.rows(f"DROP TABLE temp.e{serial}")
        finally:
            self.rows(f"DROP TABLE temp.x{serial}")
        known = tuple(
            # 1 and 1.0 are equal, and a list may have both.
            KnownColumn(name, typed(declared, "", varied=not declared))
            for _, name, declared, *_ in found
        )
        return GivenRows(known, tuple(each.name for each in known), " AS s")

    def common(self, types: Sequence[DatabaseType]) -> DatabaseType:
        # A compound SELECT has the affinity and the collation of one of its parts: of the first.
        return types[0]

    def compared(self, a: DatabaseType, b: DatabaseType) -> Compared | None:
        left, right = (affinity(each.name) if each.name else "" for each in (a, b))
        # sqlite.org/datatype3.html, section 4.2: numbers first; a text turns what has no affinity.
        name, turned = left, None
        if left != right:
            if left in _NUMERIC and right in _NUMERIC:
                name = "NUMERIC"
            elif left in _NUMERIC:
                name, turned = "NUMERIC", "right"
            elif right in _NUMERIC:
                name, turned = "NUMERIC", "left"
            elif "TEXT" in (left, right) and "" in (left, right):
                name, turned = "TEXT", "right" if left == "TEXT" else "left"
        # The left operand's collation, if it is a column's; an expression has none of its own.
        collation = a.collation or ("" if a.name else b.collation)

        def made(side: str, of_type: DatabaseType) -> tuple[str, DatabaseType] | None:
            words = "{0}"
            if side == turned:
                words = f"({AS_NUMBER if name == 'NUMERIC' else AS_TEXT})"
                of_type = DatabaseType(name, of_type.collation, short=True)
            elif of_type.collation == collation:
                return None
            # COLLATE leaves the affinity as it is.
            return f"{words} COLLATE {collation or BINARY}", column_type(of_type.name, collation)

        return Compared(made("left", a), made("right", b))

    def names(self, select: str) -> list[str]:
        try:
            described = self.memory.execute(f"SELECT * FROM ({select}\n) LIMIT 0").description
        except sqlite3.Error as error:
            raise QueryError(f"SQLite says: {error}") from error
        return [column[0] for column in described]

    def reads_alike(self, original: str, printed: str) -> str | None:
        first, second = (self.rows(f"EXPLAIN {each}") for each in (original, printed))
        return None if first == second else "another program"

    def unstable(self, select: str) -> list[tuple[str, str]]:
        why = "gives another value each time"
        return [(name, why) for name in _UNSTABLE if re.search(rf"(?i)\b{name}\b", select)]

    def measure(self, function: str, argument: DatabaseType, given: Given) -> Measure | None:
        return measure(function, argument, given)

    aggregates = frozenset(
        {"total", "group_concat", "string_agg", "json_group_array", "json_group_object"}
        | {"jsonb_group_array", "jsonb_group_object", "median", "percentile"}
        | {"percentile_cont", "percentile_disc"}
    )

    def cast(self, to: DatabaseType) -> str:
        return f"CAST({{0}} AS {to.name})" if to.name else "{0}"

    def null(self, of: DatabaseType) -> str:
        return "NULL"


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
