"""The result of a SQL query in a row class: its fields are the SELECT's columns, in any order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.schema import Atom, Kind, Struct
from stepping.compiler.sql.text import Text

# What Python has for the values of a database's types, by the start of the type's name.
_TYPES: dict[Kind, str] = {
    Kind.INT: r"smallint|integer|bigint|int|tinyint|mediumint|oid",
    Kind.FLOAT: r"real|double|float",
    Kind.BOOL: r"bool",
    Kind.TEXT: r"text|character|varchar|char|citext|name|clob|nvarchar|\"char\"",
    Kind.BYTES: r"bytea|blob",
    Kind.DECIMAL: r"numeric|decimal",
    Kind.DATE: r"date$",
    Kind.DATETIME: r"timestamp( \(\d\))?( without|$)|datetime",
    Kind.TIMESTAMP: r"timestamp(\(\d\))? with time zone|timestamptz",
    Kind.TIME: r"time(\(\d\))? without|time$",
    Kind.UUID: r"uuid",
}


def fitted(
    into: Any, names: Sequence[str], outputs: Sequence[ir.ColumnRef], text: Text, dialect: str
) -> Struct:
    """The type of rows of a class with the columns of a SELECT; an error where they do not fit."""
    value_type = type_of(into)
    if not isinstance(value_type, Struct) or not value_type.is_row:
        raise text.error(f"into={into!r} is no row class", hint="class Revenue(st.Data): ...")
    columns = dict(zip(names, outputs, strict=True))
    fields = dict(value_type.fields)
    missing = [name for name in fields if name not in columns]
    others = [name for name in columns if name not in fields]
    if missing or others:
        said = [f"the SELECT has no column {', '.join(missing)}"] if missing else []
        said += [f"{value_type.name} has no field {', '.join(others)}"] if others else []
        raise text.error("; ".join(said), hint=f"the SELECT's columns are {', '.join(columns)}")
    for name, field in fields.items():
        check(name, field, columns[name].type, value_type.name, text, dialect)
    found = tuple((name, columns[name].type) for name in fields)
    return Struct(found, cls=value_type.cls, build=value_type.build, name=value_type.name)


def check(name: str, field: Any, atom: Atom, cls: str, text: Text, dialect: str) -> None:
    """Raise unless a field takes the values of a column."""
    shown = atom.native.name if atom.native is not None else atom.kind.value
    if not isinstance(field, Atom):
        raise text.error(f"{cls}.{name} is a {field}, and the column {name} is a {shown}")
    if atom.native is None:
        fits = field.kind is atom.kind
    elif atom.native.name in ("", "BLOB"):  # SQLite's values without a type
        fits = True
    else:
        pattern = _TYPES.get(field.kind, "$^")
        fits = re.match(pattern, atom.native.name.lower()) is not None
        is_text = re.match(_TYPES[Kind.TEXT], atom.native.name.lower()) is not None
        is_number = field.kind in (Kind.INT, Kind.FLOAT)
        fits = fits or (dialect == "sqlite" and is_number and not is_text)
        # What Python has no type for comes as a text.
        fits = fits or (field.kind is Kind.TEXT and atom.native.as_text)
    if not fits:
        raise text.error(
            f"{cls}.{name} is a {field.required()}, and the column {name} is a {shown}",
            hint=f"annotate it with the type of {shown}, or cast the column",
        )
