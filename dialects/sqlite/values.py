"""What SQLite stores for a value: see docs/types.md."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from stepping.compiler.canonical import canonical_decimal
from stepping.compiler.codec import Inline
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.sqlite import decimals

_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_EPOCH = _EPOCH_UTC.replace(tzinfo=None)  # naive times count as if they were UTC
_MICROSECOND = datetime.timedelta(microseconds=1)

_MICROSECONDS = "({v} - {epoch}) // {unit}"
_TO_COLUMN = {
    Kind.BOOL: Inline("1 if {v} else 0"),
    # The driver sends bytes through its adapters: slower.
    Kind.BYTES: Inline("{bytearray}({v})", bytearray=bytearray),
    Kind.PACKED: Inline("{bytearray}({v})", bytearray=bytearray),
    Kind.UUID: Inline("{bytearray}({v}.bytes)", bytearray=bytearray),
    Kind.DATE: Inline("{v}.toordinal() - {first}", first=_EPOCH_DAY),
    Kind.DATETIME: Inline(_MICROSECONDS, epoch=_EPOCH, unit=_MICROSECOND),
    Kind.TIMESTAMP: Inline(_MICROSECONDS, epoch=_EPOCH_UTC, unit=_MICROSECOND),
    Kind.TIME: Inline(
        "(({v}.hour * 60 + {v}.minute) * 60 + {v}.second) * 1000000 + {v}.microsecond"
    ),
    Kind.ENUM: Inline("{v}._name_"),
}

_SINCE = "{epoch} + {timedelta}(0, 0, {v})"
_FROM_COLUMN = {
    Kind.BOOL: Inline("{v} != 0"),
    Kind.DATE: Inline("{date}({v} + {first})", date=datetime.date.fromordinal, first=_EPOCH_DAY),
    Kind.DATETIME: Inline(_SINCE, epoch=_EPOCH, timedelta=datetime.timedelta),
    Kind.TIMESTAMP: Inline(_SINCE, epoch=_EPOCH_UTC, timedelta=datetime.timedelta),
    Kind.TIME: Inline(f"({_SINCE}).time()", epoch=_EPOCH, timedelta=datetime.timedelta),
}


def to_column(atom: Atom, field: str) -> Callable[[Any], Any] | None:
    """What is bound for a value."""
    if atom.kind is not Kind.DECIMAL:
        return _TO_COLUMN.get(atom.kind)
    if atom.scale is not None:
        return _scaled(atom)[0]
    return lambda value: bytearray(decimals.encode(value))


def from_column(atom: Atom, field: str) -> Callable[[Any], Any] | None:
    """The value that a column's value stands for."""
    match atom.kind:
        case Kind.UUID:
            return _uuid
        case Kind.ENUM:
            members = {name: atom.python[name] for name in atom.members}
            return Inline("{members}[{v}]", members=members)
        case Kind.DECIMAL:
            return decimals.decode if atom.scale is None else _scaled(atom)[1]
        case _:
            return _FROM_COLUMN.get(atom.kind)


def _uuid(data: bytes) -> uuid.UUID:
    return uuid.UUID(bytes=bytes(data))


def _scaled(atom: Atom) -> tuple[Callable[[Decimal], int], Callable[[int], Decimal]]:
    scale = atom.scale or 0

    def to_column(value: Decimal) -> int:
        return int(value.scaleb(scale))

    def from_column(value: int) -> Decimal:
        return canonical_decimal(Decimal(value).scaleb(-scale))

    return to_column, from_column
