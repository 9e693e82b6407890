"""Row classes whose rows have a key: ``class Order(st.Data, key="id")``."""

from __future__ import annotations

import dataclasses
from typing import Any

from stepping.compiler.schema import Struct, ValueType
from stepping.errors import QueryError

_KEY = "__stepping_key__"


def declare_key(row_class: Any, key: str | tuple[str, ...] | None) -> None:
    """Say which fields tell a row of a class from all others."""
    if key is None:
        return
    fields = (key,) if isinstance(key, str) else tuple(key)
    known = [each.name for each in dataclasses.fields(row_class)]
    unknown = [str(each) for each in fields if each not in known]
    if unknown or not fields or len(set(fields)) < len(fields):
        raise QueryError(
            f"{row_class.__name__}: key={key!r} names {', '.join(unknown) or 'no fields'}"
            + (", which it has not" if unknown else " once each"),
            hint=f"its fields are {', '.join(known)}: key={known[0]!r}" if known else None,
        )
    setattr(row_class, _KEY, fields)


def key_fields(row: ValueType) -> tuple[str, ...]:
    """The fields that are the key of an input's rows; none if they have no key."""
    found: tuple[str, ...] = getattr(row.cls, _KEY, ()) if isinstance(row, Struct) else ()
    return found
