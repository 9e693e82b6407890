"""Whether what a name is declared to hold can be what it holds: ``st.Cache[Product]``."""

from __future__ import annotations

import typing
from typing import Any

from stepping.compiler.frontend.rows import type_of
from stepping.compiler.schema import EMPTY, Atom, Build, Kind, Struct, ValueType
from stepping.errors import QueryError

_NUMBERS = (Kind.INT, Kind.FLOAT, Kind.DECIMAL)


def declared_type(instance: object) -> ValueType | None:
    """The type argument that a generic object was made with; None where it says nothing here, as a
    text that names a class, or `Any`.
    """
    arguments = typing.get_args(getattr(instance, "__orig_class__", None))
    if len(arguments) != 1 or arguments[0] is Any or isinstance(arguments[0], str):
        return None
    try:
        return type_of(arguments[0])
    except (QueryError, TypeError, NameError):
        return None


def contradicts(declared: ValueType, rows: ValueType) -> bool:
    """Whether no row can be of the declared type. What may be None is not looked at, nor what is
    collected in one column.
    """
    match declared, rows:
        case Atom(), Atom():
            if Kind.NULL in (declared.kind, rows.kind) or Kind.PACKED in (declared.kind, rows.kind):
                return False
            both = {declared.kind, rows.kind}
            return declared.kind is not rows.kind and not both <= set(_NUMBERS)
        case Struct(), Struct():
            plain = (Build.POSITIONAL, Build.KEYWORD)
            if EMPTY in (declared.cls, rows.cls):
                return False
            if declared.build not in plain or rows.build not in plain:
                return False
            if declared.cls is not rows.cls:
                classes = isinstance(declared.cls, type) and isinstance(rows.cls, type)
                return classes and not (
                    issubclass(rows.cls, declared.cls) or issubclass(declared.cls, rows.cls)
                )
            if [name for name, _ in declared.fields] != [name for name, _ in rows.fields]:
                return False
            pairs = zip(declared.fields, rows.fields, strict=True)
            return any(contradicts(a, b) for (_, a), (_, b) in pairs)
        case Struct(), Atom():
            return declared.build is not Build.BARE and rows.kind not in (Kind.PACKED, Kind.NULL)
        case Atom(), Struct():
            return rows.build in (Build.POSITIONAL, Build.KEYWORD) and declared.kind not in (
                Kind.PACKED,
                Kind.NULL,
            )
    return False
