"""What SQLite stores for a value: see docs/types.md."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from stepping.compiler.canonical import canonical_decimal
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.sqlite import decimals

_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_EPOCH = _EPOCH_UTC.replace(tzinfo=None)  # naive times count as if they were UTC
_MICROSECOND = datetime.timedelta(microseconds=1)


def _of_enum(atom: Atom) -> Callable[[Any], Any]:
    members = {name: atom.python[name] for name in atom.members}
    return members.__getitem__


def _scaled(atom: Atom) -> tuple[Callable[[Decimal], int], Callable[[int], Decimal]]:
    scale = atom.scale or 0

    def to_column(value: Decimal) -> int:
        return int(value.scaleb(scale))

    def from_column(value: int) -> Decimal:
        return canonical_decimal(Decimal(value).scaleb(-scale))

    return to_column, from_column


def to_column(atom: Atom, field: str) -> Callable[[Any], Any] | None:
    """What is bound for a value."""
    match atom.kind:
        case Kind.BOOL:
            return int
        case Kind.BYTES | Kind.PACKED:
            return bytearray  # the driver sends bytes through its adapters: slower
        case Kind.DATE:
            return lambda value: value.toordinal() - _EPOCH_DAY
        case Kind.DATETIME:
            return lambda value: (value - _EPOCH) // _MICROSECOND
        case Kind.TIMESTAMP:
            return lambda value: (value - _EPOCH_UTC) // _MICROSECOND
        case Kind.TIME:
            return lambda value: (
                ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000
                + value.microsecond
            )
        case Kind.UUID:
            return lambda value: bytearray(value.bytes)
        case Kind.ENUM:
            return lambda value: value.name
        case Kind.DECIMAL if atom.scale is not None:
            return _scaled(atom)[0]
        case Kind.DECIMAL:
            return lambda value: bytearray(decimals.encode(value))
        case _:
            return None


def from_column(atom: Atom, field: str) -> Callable[[Any], Any] | None:
    """The value that a column's value stands for."""
    match atom.kind:
        case Kind.BOOL:
            return bool
        case Kind.DATE:
            return lambda value: datetime.date.fromordinal(value + _EPOCH_DAY)
        case Kind.DATETIME:
            return lambda value: _EPOCH + datetime.timedelta(microseconds=value)
        case Kind.TIMESTAMP:
            return lambda value: _EPOCH_UTC + datetime.timedelta(microseconds=value)
        case Kind.TIME:
            return lambda value: (_EPOCH + datetime.timedelta(microseconds=value)).time()
        case Kind.UUID:
            return lambda value: uuid.UUID(bytes=bytes(value))
        case Kind.ENUM:
            return _of_enum(atom)
        case Kind.DECIMAL if atom.scale is not None:
            return _scaled(atom)[1]
        case Kind.DECIMAL:
            return decimals.decode
        case _:
            return None
