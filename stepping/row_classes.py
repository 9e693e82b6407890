"""`stepping types`: row classes for the tables that views read, and for the views' own rows."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from stepping.compiler.schema import Atom, Kind, Struct
from stepping.dialects.sqlite.native_columns import affinity

# Python's types for those of Postgres, by the start of a type's name.
_POSTGRES = (
    (r"smallint|integer|bigint|oid", "int"),
    (r"real|double precision", "float"),
    (r"boolean", "bool"),
    (r"text|character|name|citext|bpchar|\"char\"", "str"),
    (r"bytea", "bytes"),
    (r"numeric\(\d+,(\d+)\)", "Annotated[Decimal, st.Scale({})]"),
    (r"numeric", "Decimal"),
    (r"date$", "date"),
    (r"timestamp.* without", "datetime"),
    (r"timestamp.* with ", "Annotated[datetime, st.UTC]"),
    (r"time.* without", "time"),
    (r"uuid", "UUID"),
)
_SQLITE = {"INTEGER": "int", "REAL": "float", "TEXT": "str", "BLOB": "bytes", "NUMERIC": "float"}
_OWN = {Kind.INT: "int", Kind.FLOAT: "float", Kind.BOOL: "bool", Kind.TEXT: "str"}
_IMPORTS = {
    "Annotated": "from typing import Annotated",
    "Decimal": "from decimal import Decimal",
    "date": "from datetime import date",
    "datetime": "from datetime import datetime",
    "time": "from datetime import time",
    "UUID": "from uuid import UUID",
}


@dataclass
class Field:
    """A column, and what Python has for its values."""

    name: str
    type: str
    note: str = ""


@dataclass
class RowClass:
    """A row class; ``table`` is the table that its rows are of."""

    name: str
    fields: list[Field]
    table: str = ""
    left_out: list[str] = field(default_factory=list)

    def lines(self) -> Iterable[str]:
        table = f', table="{self.table}"' if self.table else ""
        yield f"class {self.name}(st.Data{table}):"
        yield from (f"    # {each}" for each in self.left_out)
        for column in self.fields:
            note = f"  # {column.note}" if column.note else ""
            yield f"    {column.name}: {column.type}{note}"
        if not self.fields:
            yield "    pass"


def module_of(graphs: Sequence[Any]) -> str:
    """A Python module with the classes of some queries that are bound to a database."""
    classes: dict[str, RowClass] = {}
    for graph in graphs:
        known = graph.known
        for table in known.tables.values():
            name = class_name(table.label.replace(".", "_"))
            if name not in classes:
                columns = [
                    (c.name, Atom(Kind.NATIVE, c.nullable, native=c.type)) for c in table.columns
                ]
                classes[name] = row_class(name, columns, known.dialect, table.label)
        result = known.cache_type(graph.name)
        assert isinstance(result, Struct)
        name = class_name(graph.name)
        name = f"{name}Row" if name in classes else name
        columns = [(n, atom) for n, atom in result.fields if isinstance(atom, Atom)]
        classes[name] = row_class(name, columns, known.dialect)
    body = "\n\n\n".join("\n".join(each.lines()) for each in classes.values())
    words = set(re.findall(r"\w+", body))
    standard = sorted(line for name, line in _IMPORTS.items() if name in words)
    head = [
        '"""Rows of tables and views, as the database has them: written by `stepping types`."""'
    ]
    parts = ["\n".join(head), "from __future__ import annotations"]
    parts += ["\n".join(merged(standard))] if standard else []
    return "\n\n".join([*parts, "import stepping as st"]) + f"\n\n\n{body}\n"


def merged(lines: Sequence[str]) -> list[str]:
    """Imports from one module on one line."""
    found: dict[str, list[str]] = {}
    for line in lines:
        module, _, name = line.removeprefix("from ").partition(" import ")
        found.setdefault(module, []).append(name)
    return [f"from {module} import {', '.join(names)}" for module, names in sorted(found.items())]


def row_class(
    name: str, columns: Sequence[tuple[str, Atom]], dialect: str, table: str = ""
) -> RowClass:
    made = RowClass(name, [], table)
    for column, atom in columns:
        of_type = atom.native.name if atom.native is not None else atom.kind.value
        found, note = python_type(atom, dialect, of_table=bool(table))
        if not found:
            made.left_out.append(f"{column} is of type {of_type}, for which Python has none")
            continue
        own = column
        if not column.isidentifier() or keyword.iskeyword(column):
            own = re.sub(r"\W", "_", column) + "_" * keyword.iskeyword(column)
            own = f"column_{own}" if not own.isidentifier() else own
            if not table:
                made.left_out.append(f"{column!r} is no name of a field: name it otherwise (AS)")
                continue
            found = f'Annotated[{found}, st.Column("{column}")]'
        made.fields.append(Field(own, f"{found} | None" if atom.nullable else found, note))
    return made


def python_type(atom: Atom, dialect: str, *, of_table: bool) -> tuple[str, str]:
    """The annotation of a column, and a note on it; "" where there is none."""
    native = atom.native
    if native is None:
        return _OWN.get(atom.kind, ""), ""
    if dialect == "sqlite":
        if not native.name:
            return "int", "or what the expression gives: SQLite does not say"
        declared = native.name.upper()
        if of_table and declared in ("DATE", "DATETIME", "TIMESTAMP", "BOOLEAN"):
            times = {"DATE": "date", "BOOLEAN": "bool"}
            return times.get(declared, "datetime"), ""
        scale = re.fullmatch(r"(?:DECIMAL|NUMERIC)\(\d+, *(\d+)\)", declared)
        if of_table and scale:
            return f"Annotated[Decimal, st.Scale({scale.group(1)})]", ""
        if declared in ("DATE", "DATETIME", "TIMESTAMP"):
            return "str", f"a {declared}, as SQLite stores it"
        return _SQLITE[affinity(declared)], ""
    for pattern, found in _POSTGRES:
        match = re.match(pattern, native.name)
        if match:
            scaled = found.format(*match.groups()) if "{}" in found else found
            return (scaled if of_table else plain(scaled)), ""
    return ("", "") if of_table else ("str", native.name)


def plain(annotation: str) -> str:
    """What a row of a view has: the value as the driver gives it."""
    return re.sub(r"Annotated\[Decimal, .*\]", "Decimal", annotation)


def class_name(name: str) -> str:
    found = "".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", name) if part)
    return found if found.isidentifier() and not keyword.iskeyword(found) else f"Row{found}"
