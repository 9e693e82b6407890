"""Columns of SQL queries on SQLite: with its own NULLs, affinities and collations.

Rows of a delay table are told apart by being the same, groups by being equal. Neither is what a
primary key tells where a value may be NULL, has a collation, or has no affinity, so that 1 and 1.0
are stored as they are (sqlite.org/datatype3.html). There a unique index over expressions does.
"""

from __future__ import annotations

import re

from sqlglot import exp

from stepping.compiler.plan.tables import Table, TableColumn, TableKind
from stepping.dialects.sqlite.collations import BINARY
from stepping.dialects.tables import Expression


def affinity(declared: str) -> str:
    """The affinity of a declared type: sqlite.org/datatype3.html, section 3.1."""
    name = declared.upper()
    if "INT" in name:
        return "INTEGER"
    if re.search("CHAR|CLOB|TEXT", name):
        return "TEXT"
    if not name or "BLOB" in name:
        return "BLOB"
    return "REAL" if re.search("REAL|FLOA|DOUB", name) else "NUMERIC"


def is_null_stored(column: TableColumn) -> bool:
    """Whether NULL is stored for None, and no value in its place."""
    return column.type.native is not None and column.type.nullable


def needs_terms(table: Table, column: TableColumn) -> bool:
    """Whether a column in a primary key would not tell rows apart as SQL does."""
    native = column.type.native
    if native is None:
        return False
    if column.type.nullable:
        return True
    if table.kind is TableKind.STATE:
        return False
    return bool(native.collation) or affinity(native.name) == "BLOB"


def terms(table: Table, column: TableColumn, value: Expression) -> list[Expression]:
    """What tells a value apart: from those that are not the same, or not equal to it in a group."""
    native = column.type.native
    if native is None or not needs_terms(table, column):
        return [value]
    known = (
        exp.func("IFNULL", value.copy(), exp.Literal.number(0)) if column.type.nullable else value
    )
    missing = exp.Paren(this=exp.Is(this=value.copy(), expression=exp.Null()))
    if table.kind is TableKind.STATE:
        return [missing, collated(known, native.collation) if native.collation else known]
    known = collated(known, BINARY) if native.collation else known
    if affinity(native.name) == "BLOB":
        return [exp.Anonymous(this="typeof", expressions=[value.copy()]), known]
    return [missing, known] if column.type.nullable else [known]


def differs(declared: str, old: str, new: str) -> str:
    """That a column of a declared type has another value, which may be equal."""
    found = f"{old} IS NOT {new} COLLATE BINARY"
    return found if affinity(declared) != "BLOB" else f"{found} OR typeof({old}) <> typeof({new})"


def collated(value: Expression, collation: str) -> Expression:
    return exp.Collate(this=value, expression=exp.Var(this=collation))
