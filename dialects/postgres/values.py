"""What Postgres stores for a value, and what psycopg gives for it."""

from __future__ import annotations

import datetime
import enum
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

from stepping.compiler.canonical import canonical_decimal
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.postgres.arrays import texts
from stepping.errors import RowError


def to_column(atom: Atom, field: str) -> Callable[[Any], Any] | None:
    """What is bound for a value."""
    if atom.kind is Kind.ENUM:
        return lambda value: value.name
    if atom.kind is Kind.TEXT:
        return _text_in(field)
    if atom.native is not None:
        return partial(native_text, field=field)
    return None


def native_text(value: Any, field: str) -> str:
    """A value as the text that Postgres reads it from."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text_in(field)(value)
        case float() | int() | Decimal() | uuid.UUID():
            return str(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
        case bytes():
            return f"\\x{value.hex()}"
        case list() | tuple():
            return texts([None if each is None else native_text(each, field) for each in value])
        case dict():
            return _text_in(field)(json.dumps(value))
        case enum.Enum():
            return value.name
        case _:
            raise RowError(
                f"{field}: a {type(value).__name__} is no value that Postgres has",
                hint="give it as Postgres writes it, as a str; nothing was written",
            )


def _text_in(field: str) -> Callable[[str], str]:
    def text(value: str) -> str:
        if "\0" in value:
            raise RowError(
                f"{field}: {value!r} holds NUL, which Postgres cannot store in a text",
                hint="leave it out, or store bytes; nothing was written",
            )
        return value

    return text


def from_column(atom: Atom, field: str) -> Callable[[Any], Any] | None:
    """The value that a column's value stands for."""
    match atom.kind:
        case Kind.ENUM:
            members = {name: atom.python[name] for name in atom.members}
            return members.__getitem__
        case Kind.DECIMAL:
            return _decimal
        case Kind.BYTES | Kind.PACKED:
            return bytes
        case Kind.UUID:
            return lambda value: value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))
        case _:
            return None


def _decimal(value: Decimal) -> Decimal:
    return canonical_decimal(value)


_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


class InUTC(Loader):
    """Aware times as they are stored. psycopg's own loader gives them in the session's time zone,
    and in New York there is no year 1 for 0001-01-01 in UTC.
    """

    format = Format.BINARY

    def load(self, data: Buffer) -> datetime.datetime:
        return _EPOCH + datetime.timedelta(microseconds=int.from_bytes(data, signed=True))
