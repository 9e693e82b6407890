"""What SQLite stores for a value: see docs/types.md."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from stepping.compiler.canonical import canonical_decimal
from stepping.compiler.codec import Inline
from stepping.compiler.exact import EXACT
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
    Kind.UUID: Inline("{bytearray}({v}.int.to_bytes(16))", bytearray=bytearray),
    Kind.DATE: Inline("{v}.toordinal() - {first}", first=_EPOCH_DAY),
    Kind.DATETIME: Inline(_MICROSECONDS, epoch=_EPOCH, unit=_MICROSECOND),
    Kind.TIMESTAMP: Inline(_MICROSECONDS, epoch=_EPOCH_UTC, unit=_MICROSECOND),
    Kind.TIME: Inline(
        "(({v}.hour * 60 + {v}.minute) * 60 + {v}.second) * 1000000 + {v}.microsecond"
    ),
    Kind.ENUM: Inline("{v}._name_"),
}


class _Dates(dict[int, datetime.date]):
    """Dates by the days since 1970. A change holds the same few again and again, and looking one up
    takes a fifth of the time of making it.
    """

    def __missing__(self, days: int) -> datetime.date:
        made = datetime.date.fromordinal(days + _EPOCH_DAY)
        if len(self) < _MOST_DATES:
            self[days] = made
        return made


_MOST_DATES = 10_000

_SINCE = "{epoch} + {timedelta}(0, 0, {v})"
_FROM_COLUMN = {
    Kind.BOOL: Inline("{v} != 0"),
    Kind.DATE: Inline("{dates}[{v}]", dates=_Dates()),
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
    # As UUID(bytes=...), which looks at six ways to say one, in a third of the time.
    made = _new(uuid.UUID)
    _set(made, "int", int.from_bytes(data))
    _set(made, "is_safe", _UNKNOWN)
    return made


_new, _set, _UNKNOWN = object.__new__, object.__setattr__, uuid.SafeUUID.unknown


def _scaled(atom: Atom) -> tuple[Callable[[Decimal], int], Callable[[int], Decimal]]:
    scale = atom.scale or 0

    def to_column(value: Decimal) -> int:
        return int(value.scaleb(scale, EXACT))

    def from_column(value: int) -> Decimal:
        return canonical_decimal(Decimal(value).scaleb(-scale, EXACT))

    return to_column, from_column
