"""Columns of changed rows as arrays.

psycopg looks at each value of a list for its type, and for what has to be quoted, which is most of
what a step of a thousand rows costs in Python. Here a column's type is known. So the type of a
parameter does not go with its values either: for a list of larger numbers than before, psycopg
would have the statement planned anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from struct import Struct
from typing import Any, ClassVar

from psycopg import BaseConnection
from psycopg.adapt import AdaptersMap, Dumper
from psycopg.pq import Format

from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import Kind
from stepping.dialects.driver import Row


class Array:
    """The text of an array of one type."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Ints(Array):
    __slots__ = ()


class Floats(Array):
    __slots__ = ()


class Texts(Array):
    __slots__ = ()


class Binary:
    """The values of an array of one type, some of them None. In the text of an array NULL is a text
    where the session has `array_nulls` off.
    """

    __slots__ = ("values",)

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values


class BinaryInts(Binary):
    __slots__ = ()


class BinaryFloats(Binary):
    __slots__ = ()


class BinaryTexts(Binary):
    __slots__ = ()


class ArrayDumper(Dumper):
    """Sends the text as it is."""

    def dump(self, obj: Array) -> bytes:
        return obj.text.encode(encoding(self.connection))


class BinaryDumper(Dumper):
    """Sends each value with its length, as array_recv and array_send in the server's sources do."""

    format = Format.BINARY
    element: ClassVar[int]  # the type of the values

    def dump(self, obj: Binary) -> bytes:
        packed = self.packed(obj.values)
        head = _HEAD.pack(1, 1, self.element, len(packed), 1)  # dimensions, NULLs, ..., from 1
        return head + b"".join(packed)

    def packed(self, values: Sequence[Any]) -> list[bytes]:
        raise NotImplementedError


_HEAD, _LENGTH = Struct("!iIIii"), Struct("!i")
_INT, _FLOAT = Struct("!iq"), Struct("!id")
_NULL = _LENGTH.pack(-1)


class IntsDumper(ArrayDumper):
    oid = 1016  # bigint[]: pg_type.dat


class FloatsDumper(ArrayDumper):
    oid = 1022  # double precision[]


class TextsDumper(ArrayDumper):
    oid = 1009  # text[]


class BinaryIntsDumper(BinaryDumper):
    oid, element = IntsDumper.oid, 20

    def packed(self, values: Sequence[Any]) -> list[bytes]:
        pack = _INT.pack
        return [_NULL if v is None else pack(8, v) for v in values]


class BinaryFloatsDumper(BinaryDumper):
    oid, element = FloatsDumper.oid, 701

    def packed(self, values: Sequence[Any]) -> list[bytes]:
        pack = _FLOAT.pack
        return [_NULL if v is None else pack(8, v) for v in values]


class BinaryTextsDumper(BinaryDumper):
    oid, element = TextsDumper.oid, 25

    def packed(self, values: Sequence[Any]) -> list[bytes]:
        code, pack = encoding(self.connection), _LENGTH.pack
        encoded = [None if v is None else v.encode(code) for v in values]
        return [_NULL if v is None else pack(len(v)) + v for v in encoded]


def encoding(connection: BaseConnection[Any] | None) -> str:
    return connection.info.encoding if connection else "utf-8"


_DUMPERS: tuple[tuple[type[Array | Binary], type[Dumper]], ...] = (
    (Ints, IntsDumper),
    (Floats, FloatsDumper),
    (Texts, TextsDumper),
    (BinaryInts, BinaryIntsDumper),
    (BinaryFloats, BinaryFloatsDumper),
    (BinaryTexts, BinaryTextsDumper),
)


def register(adapters: AdaptersMap) -> None:
    """Let a connection take these arrays."""
    for array, dumper in _DUMPERS:
        adapters.register_dumper(array, dumper)


def columns_of(rows: Sequence[Row], columns: Sequence[TableColumn]) -> list[Any]:
    """The columns of rows that have a weight behind ``columns``, or nothing."""
    kinds = [column.type.kind for column in columns]
    if rows and len(rows[0]) == len(kinds) + 1:
        kinds.append(Kind.INT)
    return [
        array(kind, values) for kind, values in zip(kinds, zip(*rows, strict=True), strict=True)
    ]


def array(kind: Kind, values: Sequence[Any]) -> Any:
    """An array of values of a kind, or a list for psycopg."""
    has_none = None in values
    try:
        if kind is Kind.INT:
            return BinaryInts(values) if has_none else Ints(joined(int.__repr__, values))
        if kind is Kind.FLOAT:
            return BinaryFloats(values) if has_none else Floats(joined(float.__repr__, values))
        if kind is Kind.TEXT or kind is Kind.ENUM or kind is Kind.NATIVE:
            return BinaryTexts(values) if has_none else Texts(texts(values))
    except TypeError:  # of another class
        pass
    return list(values)


def joined(text: Callable[[Any], str], values: Iterable[Any]) -> str:
    return "{" + ",".join(map(text, values)) + "}"


def texts(values: Sequence[Any]) -> str:
    if not values:
        return "{}"
    if None in values:
        return "{" + ",".join(["NULL" if v is None else f'"{escaped(v)}"' for v in values]) + "}"
    together = "".join(values)
    if '"' in together or "\\" in together:
        values = [escaped(value) for value in values]
    return '{"' + '","'.join(values) + '"}'


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
