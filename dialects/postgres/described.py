"""What Postgres says of tables, types and expressions, for queries in its own SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg

from stepping.compiler.plan.database import (
    Compared,
    Database,
    Given,
    GivenRows,
    KnownColumn,
    KnownTable,
    KnownView,
    Measure,
    Said,
)
from stepping.compiler.schema import Atom, DatabaseType, Kind
from stepping.dialects.identifiers import quoted, shows_query
from stepping.dialects.postgres.cursors import Cursor
from stepping.dialects.postgres.measures import measure
from stepping.dialects.postgres.type_facts import TypeFacts, base_name, plain_name
from stepping.errors import QueryError

_OWN = {
    Kind.INT: DatabaseType("bigint", short=True),
    Kind.FLOAT: DatabaseType("double precision", short=True),
    Kind.BOOL: DatabaseType("boolean", short=True),
    Kind.DECIMAL: DatabaseType("numeric"),
    Kind.TEXT: DatabaseType("text", '"C"'),
    Kind.ENUM: DatabaseType("text", '"C"'),
    Kind.BYTES: DatabaseType("bytea"),
    Kind.DATE: DatabaseType("date", short=True),
    Kind.DATETIME: DatabaseType("timestamp without time zone", short=True),
    Kind.TIMESTAMP: DatabaseType("timestamp with time zone", short=True),
    Kind.TIME: DatabaseType("time without time zone", short=True),
    Kind.UUID: DatabaseType("uuid", short=True),
}
_INTEGERS = ("smallint", "integer", "bigint")
_NUMBERS = (*_INTEGERS, "numeric", "real", "double precision")  # each is cast to the ones behind it
# Whose text depends on no setting of the session, as that of dates, floats and bytea does.
_SETTLED = frozenset(
    {*_INTEGERS, "numeric", "text", "character varying", "character", "boolean", "uuid"}
    | {"json", "jsonb", "name", "oid"}
)
_TEXTS = ("text", "character varying")

_TABLE = """
SELECT CASE WHEN n.nspname = current_schema() THEN '' ELSE n.nspname::text END, c.relname,
    c.oid::bigint
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
_COLUMNS = """
SELECT a.attname, a.attnotnull, a.atttypid::bigint, a.atttypmod,
    CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::bigint ELSE 0 END
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_KEYS = """
SELECT array_agg(a.attname::text ORDER BY k.position)
FROM pg_catalog.pg_index i
CROSS JOIN LATERAL unnest(i.indkey[: i.indnkeyatts - 1]) WITH ORDINALITY AS k (attnum, position)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = %s AND i.indisunique AND i.indimmediate AND i.indisvalid
    AND i.indpred IS NULL AND i.indexprs IS NULL
GROUP BY i.indexrelid, i.indisprimary
HAVING bool_and(a.attnotnull)
ORDER BY i.indisprimary DESC, 1
"""


_COLLATION = """
SELECT a.atttypid::bigint, a.atttypmod, a.attcollation::bigint
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = 'stepping_typed'::regclass AND a.attnum = 1
    AND a.attcollation NOT IN (0, t.typcollation)
"""
_PLAIN_VIEW = """
SELECT c.relname::text, pg_catalog.pg_get_viewdef(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(%s) AND c.relkind = 'v'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
_VIEW = """
SELECT pg_catalog.pg_get_viewdef(to_regclass(%s)),
    (SELECT r.ev_action::text FROM pg_catalog.pg_rewrite r WHERE r.ev_class = to_regclass(%s))
"""
_FUNCTIONS = re.compile(r":(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)")
_VOLATILE = """
SELECT DISTINCT p.proname::text, p.provolatile::text FROM pg_catalog.pg_proc p
WHERE p.oid = ANY(%s) AND p.provolatile <> 'i' ORDER BY 1
"""
_WHY = {
    "v": "gives another value each time",
    "s": "depends on the time or on settings of the session",
}


class PostgresWords(Database):
    """What is the same whoever is asked: how Postgres spells and folds."""

    dialect = "postgres"
    sqlglot_name = "postgres"

    def folded(self, name: str, *, quoted: bool) -> str:
        return name if quoted else name.lower()

    def type_of(self, atom: Atom) -> DatabaseType:
        return own_type(atom)

    def measure(self, function: str, argument: DatabaseType, given: Given) -> Measure | None:
        return measure(self, function, argument, given)

    def cast(self, to: DatabaseType) -> str:
        return f"CAST({{0}} AS {to.name})"

    def null(self, of: DatabaseType) -> str:
        cast = f"CAST(NULL AS {of.name})"
        return f"({cast} COLLATE {of.collation})" if of.collation else cast

    by_arguments = frozenset(
        {
            *("concat", "concat_ws", "format", "textanycat", "anytextcat", "array_to_string"),
            *("to_json", "to_jsonb", "array_to_json", "quote_literal", "quote_nullable"),
            *("json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg"),
            *("json_to_recordset", "jsonb_to_recordset", "json_to_record", "jsonb_to_record"),
            "to_char",
            *("json_build_array", "jsonb_build_array", "json_build_object", "jsonb_build_object"),
        }
    )

    def is_settled(self, of_type: DatabaseType) -> bool:
        return plain_name(of_type).removesuffix("[]") in _SETTLED

    def unsettled_format(self, of_type: DatabaseType, text: str | None) -> str | None:
        name = plain_name(of_type)
        if name in ("timestamp with time zone", "time with time zone"):
            return "of a time with a zone depends on the zone of the session"
        if text is None:
            return "by a format that is not a constant may depend on settings of the session"
        is_number = name in (*_INTEGERS, *_NUMBERS)
        # Names of months in the session's language; signs of its country.
        if "TM" in text.upper() or (is_number and set(text.upper()) & set("LDG")):
            return "by this format depends on settings of the session"
        return None


class PostgresDatabase(PostgresWords):
    """Asks over a connection; what a question makes is rolled back."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.facts = TypeFacts(self.rows, self.can)
        self._tables: dict[tuple[str, str | None], KnownTable | None] = {}
        self._typed: dict[tuple[Any, ...], DatabaseType] = {}

    @contextmanager
    def asked(self) -> Iterator[None]:
        with self.connection.transaction(force_rollback=True):
            yield

    @contextmanager
    def having(self, tables: Mapping[str, Sequence[KnownColumn]]) -> Iterator[Database]:
        # The temporary schema is looked up first.
        known, self._tables = self._tables, {}
        try:
            with self.connection.transaction(force_rollback=True):
                for name, columns in tables.items():
                    listed = ", ".join(
                        f"{quoted(c.name)} {c.type}{'' if c.nullable else ' NOT NULL'}"
                        for c in columns
                    )
                    create = f"CREATE TEMP TABLE {quoted(name)} ({listed})"
                    Cursor(self.connection).execute(create.encode())
                yield self
        finally:
            self._tables = known

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return Cursor(self.connection).execute(sql.encode(), parameters or None).fetchall()

    def can(self, statement: str) -> bool:
        """Whether a statement can be run."""
        try:
            with self.connection.transaction(force_rollback=True):
                self.rows(statement)
        except psycopg.errors.Error:
            if self.connection.closed:
                raise
            return False
        return True

    def is_own_schema(self, name: str) -> bool:
        return self.rows("SELECT current_schema()::text") == [(name,)]

    def table(self, name: str, schema: str | None) -> KnownTable | None:
        key = (name, schema)
        if key not in self._tables:
            self._tables[key] = self._described(name, schema)
        return self._tables[key]

    def view(self, name: str, schema: str | None) -> KnownView | None:
        path = ".".join(quoted(part) for part in (schema, name) if part is not None)
        found = self.rows(_PLAIN_VIEW, (path,))
        if not found:
            return None
        ((real_name, select),) = found
        if self._queries and shows_query(real_name, select, self._queries):
            return None
        return KnownView(real_name, f"CREATE VIEW {quoted(real_name)} AS{select}")

    @cached_property
    def _queries(self) -> list[str]:
        """The names of our own queries that are installed."""
        if self.rows("SELECT to_regclass('stepping_queries')") == [(None,)]:
            return []
        return [name for (name,) in self.rows("SELECT name FROM stepping_queries")]

    def table_names(self) -> list[str]:
        found = self.rows(
            "SELECT relname::text FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p') AND "
            "pg_catalog.pg_table_is_visible(oid) AND relnamespace <> 'pg_catalog'::regnamespace "
            "AND NOT starts_with(relname, 'stepping_') ORDER BY 1 LIMIT 1000"
        )
        return [name for (name,) in found]

    def _described(self, name: str, schema: str | None) -> KnownTable | None:
        path = ".".join(quoted(part) for part in (schema, name) if part is not None)
        found = self.rows(_TABLE, (path,))
        if not found:
            return None
        ((schema_name, table_name, oid),) = found
        columns = tuple(
            KnownColumn(column, self.facts.type(type_oid, modifier, collation), not not_null)
            for column, not_null, type_oid, modifier, collation in self.rows(_COLUMNS, (oid,))
        )
        keys = tuple(tuple(names) for (names,) in self.rows(_KEYS, (oid,)))
        return KnownTable(schema_name, table_name, columns, keys)

    def typed(self, words: Sequence[str], args: Sequence[DatabaseType]) -> DatabaseType:
        key = (tuple(words), tuple(args))
        if key not in self._typed:
            first, *others = words
            # One column stands for all of a type: DISTINCT in an aggregate wants that of ORDER BY.
            known = list(dict.fromkeys(args))
            texts = [
                f"x.c{known.index(each)}{word}" for each, word in zip(args, others, strict=True)
            ]
            given = ", ".join(f"{self.null(each)} AS c{i}" for i, each in enumerate(known)) or "1"
            text = f"SELECT {first}{''.join(texts)} AS e FROM (SELECT {given}) AS x LIMIT 0"
            (found,) = self._output_types(text)
            if "collate" in text.lower():  # of an argument, or here
                found = self._collated(text, found)
            self._typed[key] = found
        return self._typed[key]

    def _collated(self, select: str, of_type: DatabaseType) -> DatabaseType:
        """A type with the collation that the value of a SELECT has, if it is not the usual one."""
        # Only a column of a relation says that.
        try:
            with self.connection.transaction(force_rollback=True):
                Cursor(self.connection).execute(
                    f"CREATE TEMP VIEW stepping_typed AS {select}".encode()
                )
                found = self.rows(_COLLATION)
        except psycopg.errors.Error:
            if self.connection.closed:
                raise
            return of_type
        return self.facts.type(*found[0]) if found else of_type

    def rows_of(
        self, words: Sequence[str], args: Sequence[DatabaseType], definitions: str
    ) -> GivenRows:
        first, *others = words
        call = first + "".join(f"x.c{i}{each}" for i, each in enumerate(others))
        given = ", ".join(f"{self.null(each)} AS c{i}" for i, each in enumerate(args)) or "1"
        alias = f"s ({definitions})" if definitions else "s"
        text = f"SELECT s.* FROM (SELECT {given}) AS x CROSS JOIN LATERAL {call} AS {alias} LIMIT 0"
        cursor = self._described_cursor(text)
        shown = [column.name for column in cursor.description or ()]
        types = self._types_of(cursor)
        columns = tuple(KnownColumn(*each) for each in zip(shown, types, strict=True))
        names = tuple(shown if definitions else (f"c{i}" for i, _ in enumerate(shown)))
        alias = alias if definitions else f"s ({', '.join(names)})"
        return GivenRows(columns, names, f" AS {alias}", scalar=shown[:1] == ["s"])

    @cached_property
    def row_functions(self) -> frozenset[str]:
        found = self.rows("SELECT DISTINCT proname::text FROM pg_catalog.pg_proc WHERE proretset")
        return frozenset(name for (name,) in found)

    def _output_types(self, select: str) -> list[DatabaseType]:
        return self._types_of(self._described_cursor(select))

    def _types_of(self, cursor: psycopg.Cursor[Any]) -> list[DatabaseType]:
        result, count = cursor.pgresult, len(cursor.description or ())
        if result is None:
            raise QueryError("the database describes no columns")
        return [self.facts.type(result.ftype(i), result.fmod(i), 0) for i in range(count)]

    def _described_cursor(self, select: str) -> psycopg.Cursor[Any]:
        try:
            with self.connection.transaction():
                return Cursor(self.connection).execute(select.encode())
        except psycopg.errors.Error as error:
            if self.connection.closed:
                raise
            said = error.diag.message_primary or str(error)
            raise QueryError(f"Postgres says: {said}", hint=error.diag.message_hint) from error

    def common(self, types: Sequence[DatabaseType]) -> DatabaseType:
        first, *others = types
        if all(each == first for each in others):
            return first
        parts = " UNION ALL ".join(f"SELECT {self.null(each)} AS c" for each in types)
        (found,) = self._output_types(f"SELECT c FROM ({parts}) AS x LIMIT 0")
        return found

    def compared(self, a: DatabaseType, b: DatabaseType) -> Compared | None:
        return compared(self, a, b, self.facts.named)

    def names(self, select: str) -> list[str]:
        cursor = self._described_cursor(f"SELECT * FROM ({select}\n) AS x LIMIT 0")
        return [column.name for column in cursor.description or ()]

    def reads_alike(self, original: str, printed: str) -> str | None:
        first = self._view(original)
        try:
            second = self._view(printed)
        except Said as error:
            error.offset = None  # of another text
            raise
        return None if first[0] == second[0] else first[0]

    def _view(self, select: str) -> tuple[str, str]:
        """A SELECT as Postgres shows it, and the functions and operators in it by their numbers."""
        # Of the first text a syntax error has the place.
        name = "stepping_reading"
        front = f"CREATE TEMP VIEW {name} AS "
        try:
            try:
                found = self._made(f"{front}{select}\n")
            except psycopg.errors.DuplicateColumn:  # which are named in front of it
                found = self._made(f"{front}SELECT FROM ({select}\n) AS x")
        except psycopg.errors.Error as error:
            said = error.diag.message_primary or str(error)
            raised = Said(f"Postgres says: {said}", hint=error.diag.message_hint)
            if error.diag.statement_position is not None:  # counted in characters, from 1
                raised.offset = int(error.diag.statement_position) - 1 - len(front)
            raise raised from error
        return str(found[0]), str(found[1])

    def _made(self, create: str) -> tuple[Any, ...]:
        """What a view would be."""
        name = "stepping_reading"
        with self.connection.transaction(force_rollback=True):
            cursor = Cursor(self.connection)
            cursor.execute(create.encode())
            (found,) = cursor.execute(_VIEW, (name, name)).fetchall()
        return found

    def unstable(self, select: str) -> list[tuple[str, str]]:
        _, rule = self._view(select)
        oids = {int(each) for each in _FUNCTIONS.findall(rule)}
        found = [(name, _WHY[kind]) for name, kind in self.rows(_VOLATILE, (sorted(oids - {0}),))]
        if "SQLVALUEFUNCTION" in rule:
            found.append(("current_", _WHY["s"]))
        return found

    @cached_property
    def aggregates(self) -> frozenset[str]:
        found = self.rows("SELECT proname::text FROM pg_catalog.pg_proc WHERE prokind = 'a'")
        return frozenset(name for (name,) in found)


def own_type(atom: Atom) -> DatabaseType:
    """The type of a column of our own."""
    return atom.native or _OWN[atom.kind]


def compared(
    database: Database,
    a: DatabaseType,
    b: DatabaseType,
    named: Callable[[str], DatabaseType],
) -> Compared | None:
    """How ``=`` compares values of two types; None if a look-up cannot do that."""
    left, right = base_name(a.name), base_name(b.name)
    # Hashes of these agree, and their indexes compare one with the other.
    alike = any(left in some and right in some for some in (_INTEGERS, _TEXTS, _NUMBERS[-2:]))
    if left == right or alike:
        return Compared()
    if left in _NUMBERS and right in _NUMBERS:
        to = DatabaseType(max(left, right, key=_NUMBERS.index))
    else:
        try:
            database.typed(("(", ") = (", ")"), (a, b))
            to = database.common([a, b])
        except QueryError:
            return None
        if base_name(to.name) == "character":  # with another value's blanks
            to = DatabaseType("text")
    to = named(to.name)
    words = (database.cast(to), to)
    name = base_name(to.name)
    return Compared(None if left == name else words, None if right == name else words)
