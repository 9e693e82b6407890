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
# Of which equal values may differ: '1 day' and '24 hours', 1.0 and 1.00, 'a' and 'A', 0 and -0.
_VARIED = frozenset({"interval", "jsonb", "citext", "numeric", "float4", "float8"})
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
# A text tells values apart, whatever collation they have.
IMAGE = 'CAST({0} AS text) COLLATE "C"'
# In what texts of values are made. They are stored, and tell values apart: whoever writes may have
# set something else. With 0 digits a float has 15.
TEXTS = {
    "extra_float_digits": "1",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "datestyle": "ISO, YMD",
    "timezone": "UTC",
}
# Whose hash is that of a text, which must be the same whatever is set.
_UNSETTLED_HASH = "the text by which its values would be found depends on settings of the session"
_NO_TYPE = "no column can have that type"

_TYPE = """
SELECT pg_catalog.format_type(%(oid)s, %(modifier)s), t.typname, t.typlen, t.typtype,
    t.typbasetype::bigint, t.typtypmod, t.typelem::bigint, t.typcategory,
    (SELECT r.rngsubtype::bigint FROM pg_catalog.pg_range r
        WHERE t.oid IN (r.rngtypid, r.rngmultitypid)),
    (SELECT quote_ident(n.nspname) || '.' || quote_ident(c.collname)
        FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
        WHERE c.oid = %(collation)s),
    (SELECT c.collisdeterministic FROM pg_catalog.pg_collation c
        WHERE c.oid = CASE WHEN %(collation)s = 0 THEN t.typcollation ELSE %(collation)s END),
    (SELECT p.provolatile::text FROM pg_catalog.pg_proc p WHERE p.oid = t.typoutput)
FROM pg_catalog.pg_type t WHERE t.oid = %(oid)s
"""
_PARTS = """
SELECT a.atttypid::bigint, a.atttypmod, a.attcollation::bigint
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
WHERE t.oid = %(oid)s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_HASH = "SELECT hash_record_extended(ROW(CAST(NULL AS {})), 0)"
_GROUPED = "SELECT DISTINCT CAST(NULL AS {})"


class TypeFacts:
    """Asks for each type once."""

    def __init__(self, rows: Rows, can: Callable[[str], bool]) -> None:
        self.rows = rows
        self.can = can  # whether a statement can be run
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
        collation_name, is_deterministic, output_volatility = row[9:]
        if kind == "d":
            under = self.type(int(base), base_modifier, collation)
            return replace(under, name=name, base=under.base or under.name)
        parts: list[DatabaseType] = []
        if category == "A" and element:
            parts = [self.type(int(element), -1, 0)]
        elif subtype:
            parts = [self.type(int(subtype), -1, 0)]
        elif kind == "c":
            parts = [self.type(*each) for each in self.rows(_PARTS, given)]
        varied = short_name in _VARIED and not (short_name == "numeric" and modifier >= 0)
        # Values that differ in the blanks at the end, or in case, are equal.
        varied = varied or (short_name == "bpchar" and modifier < 0)
        varied = varied or is_deterministic is False or any(each.varied for each in parts)
        unhashed = kind != "p" and not self.has(_HASH, oid)
        unequal = unhashed and not self.has(_GROUPED, oid)
        settled = not unhashed or output_volatility == "i"
        short = length > 0 or (short_name == "numeric" and modifier >= 0)
        short = short or (
            short_name in ("bpchar", "varchar") and 0 <= modifier - 4 <= _SHORT_LENGTH
        )
        is_row = kind == "c" or short_name == "record"
        return DatabaseType(
            name,
            collation_name or "",
            short=short and not unhashed,
            as_text=short_name not in _PYTHONIC,
            traits=traits(varied, unhashed, unequal, is_row=is_row),
            image=IMAGE if varied or unequal else "",
            fault=_NO_TYPE if kind == "p" else "" if settled else _UNSETTLED_HASH,
        )

    def has(self, question: str, oid: int) -> bool:
        """Whether a question about NULL of a type can be asked."""
        ((name,),) = self.rows("SELECT pg_catalog.format_type(%s, NULL)", (oid,))
        return self.can(question.format(name))


def traits(varied: bool, unhashed: bool, unequal: bool, *, is_row: bool = False) -> str:
    """What is to be known of a type's values, in the words of `DatabaseType`."""
    said = {
        "varied": varied,
        "shown again": varied or unequal,
        "unhashed": unhashed,
        "unequal": unequal,
        "row": is_row,
    }
    return ", ".join(word for word, is_so in said.items() if is_so)


def base_name(name: str) -> str:
    """The name of a type without its modifier: ``numeric`` for ``numeric(15,2)``."""
    return re.sub(r"\(.*?\)", "", name)


def plain_name(of_type: DatabaseType) -> str:
    """The same, of the type under a domain."""
    return base_name(of_type.base or of_type.name)


def is_time(of_type: DatabaseType) -> bool:
    """Whether Python has not all of its values: no infinity, no year 20000, no 24:00."""
    name = plain_name(of_type)
    return _SHORT.get(name, name) in _TIMES


def is_known(name: str) -> bool:
    """Whether a type is one of Postgres's own, which `named_type` knows."""
    base = base_name(name)
    short_name = _SHORT.get(base, base)
    return short_name in (*_PYTHONIC, *_VARIED - {"citext"}, *_WITHOUT_HASH, *_OTHERS)


# Those of which equal values are the same, beside _PYTHONIC.
_OTHERS = ("timetz", "inet", "cidr", "macaddr", "macaddr8", "pg_lsn", "xid8")
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
    "time with time zone": "timetz",
    "bit varying": "varbit",
}
_TIMES = ("date", "time", "timestamp", "timestamptz")
_FIXED = ("int2", "int4", "int8", "float4", "float8", "oid", "bool", "uuid")
_FIXED_TIMES = (*_TIMES, "interval")


def named_type(name: str, collation: str = "") -> DatabaseType:
    """What `TypeFacts` would say of one of Postgres's own types, as `format_type` names it."""
    base = base_name(name)
    short_name = _SHORT.get(base, base)
    length = re.search(r"\((\d+)", name)
    varied = short_name in _VARIED and not (short_name == "numeric" and length is not None)
    varied = varied or (short_name == "bpchar" and length is None)
    unhashed = short_name in _WITHOUT_HASH
    unequal = short_name in _WITHOUT_EQUALITY
    short = short_name in (*_FIXED, *_FIXED_TIMES) or (
        short_name == "numeric" and length is not None
    )
    if short_name in ("bpchar", "varchar") and length is not None:
        short = int(length.group(1)) <= _SHORT_LENGTH
    return DatabaseType(
        name,
        collation,
        short=short,
        as_text=short_name not in _PYTHONIC,
        traits=traits(varied, unhashed, unequal),
        image=IMAGE if varied or unequal else "",
        fault=_UNSETTLED_HASH if short_name == "money" else "",
    )
