"""Postgres's types: their names, how long values are, and where equal values are not the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stepping.compiler.schema import DatabaseType

Rows = Callable[..., list[tuple[Any, ...]]]

# Types whose values psycopg gives as values that Python compares as Postgres does.
_PYTHONIC = frozenset(
    {
        *("int2", "int4", "int8", "float4", "float8", "numeric", "oid", "bool", "uuid", "bytea"),
        *("text", "varchar", "bpchar", "name", "date", "time", "timestamp", "timestamptz"),
    }
)
_SHORT_LENGTH = 400  # characters that an index entry of 2,704 bytes has room for, beside others
_INEXACT = {
    "interval": "'1 day' and '24 hours' are equal",
    "jsonb": "1.0 and 1.00 in it are equal",
    "citext": "'a' and 'A' are equal",
}
_WITHOUT_HASH = frozenset(
    {
        *("json", "xml", "point", "box", "line", "lseg", "path", "polygon", "circle", "money"),
        *("bit", "varbit", "tsvector", "tsquery", "jsonpath", "txid_snapshot", "pg_snapshot"),
    }
)
# Whose values GROUP BY cannot compare.
_WITHOUT_EQUALITY = frozenset(
    {
        *("json", "xml", "point", "box", "line", "lseg", "path", "polygon", "circle"),
        *("jsonpath", "txid_snapshot", "pg_snapshot"),
    }
)

_TYPE = """
SELECT pg_catalog.format_type(%(oid)s, %(modifier)s), t.typname, t.typlen, t.typtype,
    t.typbasetype::bigint, t.typtypmod, t.typelem::bigint, t.typcategory,
    (SELECT r.rngsubtype::bigint FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid),
    (SELECT quote_ident(n.nspname) || '.' || quote_ident(c.collname)
        FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
        WHERE c.oid = %(collation)s),
    (SELECT c.collisdeterministic FROM pg_catalog.pg_collation c
        WHERE c.oid = CASE WHEN %(collation)s = 0 THEN t.typcollation ELSE %(collation)s END)
FROM pg_catalog.pg_type t WHERE t.oid = %(oid)s
"""


class TypeFacts:
    """Asks for each type once."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.known: dict[tuple[int, int, int], DatabaseType] = {}

    def type(self, oid: int, modifier: int, collation: int) -> DatabaseType:
        """A type by its number in the catalog, its modifier, and a collation or 0."""
        key = (oid, modifier, collation)
        if key not in self.known:
            self.known[key] = self._asked(*key)
        return self.known[key]

    def named(self, name: str) -> DatabaseType:
        """A type by its name, which is one of Postgres's own."""
        ((oid,),) = self.rows("SELECT CAST(%s AS regtype)::oid::bigint", (name,))
        return self.type(int(oid), -1, 0)

    def _asked(self, oid: int, modifier: int, collation: int) -> DatabaseType:
        given = {"oid": oid, "modifier": modifier, "collation": collation}
        (row,) = self.rows(_TYPE, given)
        name, short_name, length, kind, base, base_modifier, element, category, subtype = row[:9]
        collation_name, is_deterministic = row[9:]
        if kind == "d":
            return replace(self.type(int(base), base_modifier, collation), name=name)
        fault = ""
        if short_name in _INEXACT:
            fault = f"{_INEXACT[short_name]}, and not the same"
        elif short_name in _WITHOUT_HASH:
            fault = "Postgres has no hash for its values"
        elif short_name == "bpchar" and modifier < 0:
            fault = "values that differ in the blanks at the end are equal, and not the same"
        elif category == "A" and element:
            fault = self.type(int(element), -1, 0).fault
        elif subtype:
            fault = self.type(int(subtype), -1, 0).fault
        elif is_deterministic is False:
            fault = "its collation finds texts equal that are not the same"
        short = length > 0 or (short_name == "numeric" and modifier >= 0)
        short = short or (
            short_name in ("bpchar", "varchar") and 0 <= modifier - 4 <= _SHORT_LENGTH
        )
        return DatabaseType(
            name,
            collation_name or "",
            short=short,
            as_text=short_name not in _PYTHONIC,
            fault=fault,
        )


def is_inexact(of_type: DatabaseType) -> bool:
    """Whether values of a type may be equal and not the same: as texts they differ."""
    name = base_name(of_type.name)
    if name in ("real", "double precision") or (name == "numeric" and "(" not in of_type.name):
        return True
    return "equal" in of_type.fault


def has_equality(of_type: DatabaseType) -> bool:
    """Whether rows can be grouped by values of a type."""
    return base_name(of_type.name) not in _WITHOUT_EQUALITY


def base_name(name: str) -> str:
    """The name of a type without its modifier: ``numeric`` for ``numeric(15,2)``."""
    return re.sub(r"\(.*?\)", "", name)


_SHORT = {
    "smallint": "int2",
    "integer": "int4",
    "bigint": "int8",
    "real": "float4",
    "double precision": "float8",
    "boolean": "bool",
    "character varying": "varchar",
    "character": "bpchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
}
_FIXED = ("int2", "int4", "int8", "float4", "float8", "oid", "bool", "uuid")
_FIXED_TIMES = ("date", "time", "timestamp", "timestamptz", "interval")


def named_type(name: str, collation: str = "") -> DatabaseType:
    """What `TypeFacts` would say of one of Postgres's own types, as `format_type` names it."""
    base = base_name(name)
    short_name = _SHORT.get(base, base)
    length = re.search(r"\((\d+)", name)
    fault = ""
    if short_name in _INEXACT:
        fault = f"{_INEXACT[short_name]}, and not the same"
    elif short_name in _WITHOUT_HASH:
        fault = "Postgres has no hash for its values"
    short = short_name in (*_FIXED, *_FIXED_TIMES) or (
        short_name == "numeric" and length is not None
    )
    if short_name in ("bpchar", "varchar") and length is not None:
        short = int(length.group(1)) <= _SHORT_LENGTH
    return DatabaseType(
        name, collation, short=short, as_text=short_name not in _PYTHONIC, fault=fault
    )
