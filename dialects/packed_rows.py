"""Rows of column values as MessagePack, as a driver takes and gives them."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgpack

_DECIMAL, _DATE, _TIME, _DATETIME, _UUID = 1, 2, 3, 4, 5


def pack_rows(rows: Sequence[Sequence[Any]]) -> bytes:
    """The bytes of rows; what MessagePack does not know is an extension."""
    return bytes(msgpack.packb(rows, default=_extension))


def unpack_rows(packed: bytes) -> list[tuple[Any, ...]]:
    """The rows again."""
    found = msgpack.unpackb(packed, ext_hook=_value, use_list=False, strict_map_key=False)
    return list(found)


def _extension(value: Any) -> msgpack.ExtType:
    match value:
        case Decimal():
            return msgpack.ExtType(_DECIMAL, str(value).encode())
        case datetime.datetime():
            return msgpack.ExtType(_DATETIME, value.isoformat().encode())
        case datetime.date():
            return msgpack.ExtType(_DATE, value.isoformat().encode())
        case datetime.time():
            return msgpack.ExtType(_TIME, value.isoformat().encode())
        case uuid.UUID():
            return msgpack.ExtType(_UUID, value.bytes)
        case bytearray() | memoryview():
            return bytes(value)
    raise TypeError(f"a {type(value).__name__} is no value of a column")


def _value(code: int, data: bytes) -> Any:
    match code:
        case 1:
            return Decimal(data.decode())
        case 2:
            return datetime.date.fromisoformat(data.decode())
        case 3:
            return datetime.time.fromisoformat(data.decode())
        case 4:
            return datetime.datetime.fromisoformat(data.decode())
        case 5:
            return uuid.UUID(bytes=data)
    return msgpack.ExtType(code, data)
