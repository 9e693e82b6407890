"""What Postgres would say of tables that a SQLAlchemy `MetaData` describes, without asking it.

Which type an expression has is Postgres's to say: that depends on its functions, casts and
operators. Known without it are columns as they are, casts, comparisons and the arithmetic of
numbers; whatever else a SELECT has is an error that says so. What is made of a database's own
answers is checked when a store is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, MetaData, Table, UniqueConstraint, types
from sqlalchemy.dialects.postgresql import psycopg
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from stepping.compiler.plan.database import (
    Compared,
    Database,
    GivenRows,
    KnownColumn,
    KnownTable,
)
from stepping.compiler.schema import DatabaseType
from stepping.dialects.identifiers import quoted
from stepping.dialects.postgres.described import PostgresWords, compared
from stepping.dialects.postgres.type_facts import base_name, named_type
from stepping.errors import QueryError

_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_NAMES = {
    "int": "integer",
    "serial": "integer",
    "bigserial": "bigint",
    "smallserial": "smallint",
    "float": "double precision",
    "float8": "double precision",
    "bool": "boolean",
    "decimal": "numeric",
    "varchar": "character varying",
    "char": "character",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
}
_CLOCKS = (
    *("now", "clock_timestamp", "current_date", "current_timestamp"),
    *("random", "gen_random_uuid"),
)
_AGGREGATES = frozenset(
    {
        *("sum", "avg", "count", "min", "max", "every", "bool_and", "bool_or", "string_agg"),
        *("array_agg", "json_agg", "jsonb_agg", "stddev", "stddev_pop", "stddev_samp"),
        *("variance", "var_pop", "var_samp", "mode", "percentile_cont", "percentile_disc"),
    }
)
_TEXTS = ("text", "character varying", "character")
_BOOLEAN = DatabaseType("boolean", short=True)


def database_of(tables: MetaData) -> MetadataDatabase:
    """A database with these tables."""
    return MetadataDatabase(tables)


class MetadataDatabase(PostgresWords):
    """Answers from what a `MetaData` says."""

    given: Mapping[str, KnownTable] = MappingProxyType({})

    def __init__(self, tables: MetaData) -> None:
        self.tables = {(t.schema, t.name): t for t in tables.tables.values()}

    @contextmanager
    def having(self, tables: Mapping[str, Sequence[KnownColumn]]) -> Iterator[Database]:
        self.given = {name: KnownTable("", name, tuple(c)) for name, c in tables.items()}
        yield self
        self.given = {}

    def is_own_schema(self, name: str) -> bool:
        return name == "public"

    def table(self, name: str, schema: str | None) -> KnownTable | None:
        if name in self.given:
            return self.given[name]
        found = self.tables.get((schema, name))
        if found is None and schema == "public":
            found = self.tables.get((None, name))
        return None if found is None else described(found)

    def typed(self, words: Sequence[str], args: Sequence[DatabaseType]) -> DatabaseType:
        first, *others = words
        text = first + "".join(f"stepping_{i}{each}" for i, each in enumerate(others))
        try:
            tree = parse_one(text, dialect="postgres")
        except SqlglotError as error:
            raise unknown(text) from error
        found = self._type(tree, {f"stepping_{i}": each for i, each in enumerate(args)})
        if found is None:
            shown = re.sub(r"stepping_\d+", lambda m: args[int(m[0][9:])].name, text)
            raise unknown(shown)
        return found

    def _type(self, node: Any, given: dict[str, DatabaseType]) -> DatabaseType | None:
        """The type of an expression, None where only Postgres can say it."""
        match node:
            case exp.Column():
                return given.get(node.name)
            case exp.Paren() | exp.Neg():
                return self._type(node.this, given)
            case exp.Boolean() | exp.Not() | exp.Predicate() | exp.Connector():
                return _BOOLEAN
            case exp.Literal():
                if node.is_string:
                    return named_type("text")
                return named_type("integer" if len(node.name) < 10 and node.is_int else "numeric")
            case exp.Cast():
                return named_type(canonical(node.to.sql(dialect="postgres")))
            case exp.Case():
                arms = [each.args["true"] for each in node.args["ifs"]]
                return self._same([*arms, node.args.get("default")], given)
            case exp.Coalesce():
                return self._same([node.this, *node.expressions], given)
            case exp.Sum() | exp.Avg():
                inner = self._type(node.this, given)
                return None if inner is None else total_of(inner, average=isinstance(node, exp.Avg))
            case exp.Min() | exp.Max() | exp.Abs():
                return self._type(node.this, given)
            case exp.Count():
                return named_type("bigint")
            case exp.Add() | exp.Sub() | exp.Mul() | exp.Div() | exp.Mod():
                return arithmetic(self._type(node.left, given), self._type(node.right, given))
            case exp.Lower() | exp.Upper():
                inner = self._type(node.this, given)
                is_text = inner is not None and base_name(inner.name) in _TEXTS
                return named_type("text") if is_text else None
            case _:
                return None

    def _same(self, nodes: Sequence[Any], given: dict[str, DatabaseType]) -> DatabaseType | None:
        """The type of all that are not NULL, if it is one."""
        some = [each for each in nodes if each is not None and not isinstance(each, exp.Null)]
        found = {self._type(each, given) for each in some}
        numbers = [each for each in found if each is not None and each.name in _NUMBERS]
        if len(numbers) == len(found) and numbers:
            return max(numbers, key=lambda each: _NUMBERS.index(each.name))
        return found.pop() if len(found) == 1 else None

    def rows_of(
        self, words: Sequence[str], args: Sequence[DatabaseType], definitions: str
    ) -> GivenRows:
        raise unknown("?".join(words))

    def common(self, types: Sequence[DatabaseType]) -> DatabaseType:
        if len(set(types)) != 1:
            raise unknown(" UNION ".join(each.name for each in types))
        return types[0]

    def compared(self, a: DatabaseType, b: DatabaseType) -> Compared | None:
        return compared(self, a, b, named_type)

    def names(self, select: str) -> list[str]:
        tree: Any = parse_one(select, dialect="postgres")
        return list(tree.named_selects)

    def reads_alike(self, original: str, printed: str) -> str | None:
        return None  # Postgres says when a store is opened

    def unstable(self, select: str) -> list[tuple[str, str]]:
        why = "gives another value each time"
        return [(name, why) for name in _CLOCKS if re.search(rf"(?i)\b{name}\b", select)]

    @property
    def aggregates(self) -> frozenset[str]:
        return _AGGREGATES


def unknown(what: str) -> QueryError:
    return QueryError(
        f"which type this has only Postgres can say: {what}",
        hint="open a store, or give --db URL; or say it with a cast: CAST(... AS bigint)",
    )


def described(table: Table) -> KnownTable:
    columns = []
    words: Any = psycopg.dialect()  # type: ignore[no-untyped-call]
    for column in table.columns:
        kind = column.type
        name = kind.compile(dialect=words)
        collation = getattr(kind, "collation", None) or ""
        if isinstance(kind, types.Enum) and kind.native_enum and kind.name:
            name = quoted(kind.name) if not kind.schema else f"{quoted(kind.schema)}.{kind.name}"
            of_type = DatabaseType(name, short=True, as_text=True)
        else:
            plain = canonical(name.partition(" COLLATE")[0])
            of_type = named_type(plain, quoted(collation) if collation else "")
        nullable = bool(column.nullable) and not column.primary_key
        columns.append(KnownColumn(column.name, of_type, nullable))
    keys = [tuple(each.name for each in table.primary_key.columns)]
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            keys.append(tuple(each.name for each in constraint.columns))
    for index in table.indexes:
        whole_columns = all(isinstance(each, Column) for each in index.expressions)
        if index.unique and whole_columns and not index.dialect_options["postgresql"].get("where"):
            keys.append(tuple(each.name for each in index.columns))
    can_be_null = {each.name for each in columns if each.nullable}
    whole = tuple(key for key in dict.fromkeys(keys) if key and not can_be_null & set(key))
    return KnownTable(table.schema or "", table.name, tuple(columns), whole)


def canonical(name: str) -> str:
    """A type's name as `format_type` gives it."""
    name = re.sub(r"\s*,\s*", ",", name.strip().lower())
    match = re.fullmatch(r"([a-z0-9_ ]+?)(\(.*?\))?( without time zone| with time zone)?", name)
    if match is None:
        return name
    base, length, zone = match.group(1), match.group(2) or "", match.group(3) or ""
    if base in ("timestamp", "time"):
        return f"{base}{length}{zone or ' without time zone'}"
    if base == "float" and length:
        return "real" if int(length[1:-1]) < 25 else "double precision"
    return f"{_NAMES.get(base, base)}{length}"


def total_of(inner: DatabaseType, *, average: bool) -> DatabaseType | None:
    base = base_name(inner.name)
    if base not in _NUMBERS:
        return None
    if base in ("real", "double precision"):
        return named_type("real" if base == "real" and not average else "double precision")
    if base in ("smallint", "integer") and not average:
        return named_type("bigint")
    return named_type("numeric")


def arithmetic(left: DatabaseType | None, right: DatabaseType | None) -> DatabaseType | None:
    """The type of a sum or product of numbers."""
    if left is None or right is None:
        return None
    names = [base_name(each.name) for each in (left, right)]
    if any(each not in _NUMBERS for each in names):
        return None
    widest = max(names, key=_NUMBERS.index)
    if widest == "real" and len(set(names)) > 1:
        widest = "double precision"
    return named_type(widest)
