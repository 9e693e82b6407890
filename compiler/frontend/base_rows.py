"""Row types that are tables of the application: mapped classes, and `st.Data` with ``table=``."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Mapping
from typing import Any

from stepping.compiler.plan.base_tables import TableRef
from stepping.compiler.schema import Atom, Build, Kind, Struct, ValueType, schema_of
from stepping.errors import QueryError

_TABLE = "__stepping_table__"


@dataclasses.dataclass(frozen=True)
class Column:
    """``Annotated[int, st.Column("unit_price")]``: the table's column that a field is."""

    name: str


def is_mapped(row_class: Any) -> bool:
    """Whether a class is mapped to a table by SQLAlchemy, or by what is built on it."""
    return "sqlalchemy" in sys.modules and hasattr(row_class, "__mapper__")


def mapped_row(row_class: Any) -> Struct:
    """The row type of a mapped class: an attribute for each column that has a type of ours."""
    fields: list[tuple[str, ValueType]] = []
    for name, column in _mapped_columns(row_class):
        atom = atom_of(column.type)
        if atom is not None:
            fields.append((name, atom.optional() if column.nullable else atom))
    return Struct(tuple(fields), cls=row_class, build=Build.KEYWORD, name=row_class.__name__)


def unread_columns(row_class: Any) -> dict[str, str]:
    """The attributes of a mapped class that no query can read, with the type of each."""
    columns = _mapped_columns(row_class)
    return {name: str(column.type) for name, column in columns if atom_of(column.type) is None}


def _mapped_columns(row_class: Any) -> list[tuple[str, Any]]:
    from sqlalchemy import inspect

    mapper = inspect(row_class)
    table = mapper.local_table
    found = []
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if getattr(column, "table", None) is table:
            found.append((attribute.key, column))
    return found


def atom_of(column_type: Any) -> Atom | None:
    """The type of ours that a SQLAlchemy type is; None where there is none."""
    from sqlalchemy import types as sa

    match column_type:
        case sa.TypeDecorator():
            return None  # what Python sees is not what the column holds
        case sa.Boolean():
            return Atom(Kind.BOOL, python=bool)
        case sa.Enum():
            cls = column_type.enum_class
            if cls is None:
                return Atom(Kind.TEXT, python=str)
            names = tuple(member.name for member in cls)
            stored = tuple(column_type.enums)
            return Atom(Kind.ENUM, members=names, python=cls) if stored == names else None
        case sa.Integer():
            return Atom(Kind.INT, python=int)
        case sa.Float():
            return Atom(Kind.FLOAT, python=float) if not column_type.asdecimal else None
        case sa.Numeric():
            if not column_type.asdecimal:
                return Atom(Kind.FLOAT, python=float)
            return decimal_atom(column_type.scale)
        case sa.DateTime():
            aware = column_type.timezone
            python = _python("datetime", "datetime")
            return Atom(Kind.TIMESTAMP if aware else Kind.DATETIME, python=python)
        case sa.Date():
            return Atom(Kind.DATE, python=_python("datetime", "date"))
        case sa.Time():
            python = _python("datetime", "time")
            return None if column_type.timezone else Atom(Kind.TIME, python=python)
        case sa.Uuid():
            if not column_type.as_uuid:
                return None
            return Atom(Kind.UUID, python=_python("uuid", "UUID"))
        case sa.LargeBinary():
            return Atom(Kind.BYTES, python=bytes)
        case sa.String():
            return Atom(Kind.TEXT, python=str)
        case _:
            return None


def decimal_atom(scale: int | None) -> Atom:
    return Atom(Kind.DECIMAL, scale=scale, python=_python("decimal", "Decimal"))


def _python(module: str, name: str) -> Any:
    return getattr(__import__(module), name)


def table_of(row_class: Any, row: ValueType, hints: Mapping[str, Any]) -> TableRef | None:
    """The table of the application whose rows an input has, if it has those of one.

    ``hints`` are the annotations of a row class by field, with what `Annotated` says.
    """
    if not isinstance(row, Struct):
        return None
    if is_mapped(row_class):
        from sqlalchemy import inspect

        table = inspect(row_class).local_table
        named = {name: column.name for name, column in _mapped_columns(row_class)}
        return _reference(row, table.name, table.schema or "", named)
    given = getattr(row_class, "__dict__", {}).get(_TABLE)
    if given is None:
        return None
    schema, _, name = given.rpartition(".")
    named = {field: column_of(field, hints.get(field)) for field, _ in row.fields}
    return _reference(row, name, schema, named)


def column_of(field: str, hint: Any) -> str:
    """The table's column that a field is: its own name, unless `Column` gives another."""
    if typing.get_origin(hint) is typing.Annotated:
        for mark in typing.get_args(hint)[1:]:
            if isinstance(mark, Column):
                return mark.name
    return field


def _reference(row: Struct, name: str, schema: str, named: Mapping[str, str]) -> TableRef:
    for field, value in row.fields:
        if not isinstance(value, Atom) or value.kind is Kind.PACKED:
            raise QueryError(
                f"{row.name}.{field} is {value}, and no column of the table {name} can hold that",
                hint="the fields of a table's row are its columns: str, int, float, Decimal, ...",
            )
    columns = schema_of(row).columns
    return TableRef(name, schema, tuple((each.name, named[each.path[0]]) for each in columns))


def declare_table(row_class: Any, table: str | None) -> None:
    """Say whose rows a class has: ``class Item(st.Data, table="shop.items")``."""
    if table is not None:
        if not isinstance(table, str) or not table.strip("."):
            raise QueryError(
                f"{row_class.__name__}: table={table!r} is not the name of a table",
                hint='table="items", or table="shop.items" in another schema',
            )
        setattr(row_class, _TABLE, table)


def check_results(what: str, row: ValueType) -> None:
    """Raise for a result with rows of a mapped class, which has an identity in a session."""
    if isinstance(row, Struct):
        if is_mapped(row.cls):
            raise QueryError(
                f"{what} has rows of the mapped class {row.cls.__name__}",
                hint="map them to a row class or a tuple first: "
                f"st.map(..., f=lambda r: (r.{row.fields[0][0]}, ...))",
            )
        for _, inner in row.fields:
            check_results(what, inner)
