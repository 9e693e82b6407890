"""Columns of changed rows as arrays.

psycopg looks at each value of a list for its type, and for what has to be quoted, which is most of
what a step of a thousand rows costs in Python. Here a column's type is known. So the type of a
parameter does not go with its values either: for a list of larger numbers than before, psycopg
would have the statement planned anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from psycopg.adapt import AdaptersMap, Dumper

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


class ArrayDumper(Dumper):
    """Sends the text as it is."""

    def dump(self, obj: Array) -> bytes:
        connection = self.connection
        return obj.text.encode(connection.info.encoding if connection else "utf-8")


class IntsDumper(ArrayDumper):
    oid = 1016  # bigint[]: pg_type.dat


class FloatsDumper(ArrayDumper):
    oid = 1022  # double precision[]


class TextsDumper(ArrayDumper):
    oid = 1009  # text[]


_DUMPERS: tuple[tuple[type[Array], type[Dumper]], ...] = (
    (Ints, IntsDumper),
    (Floats, FloatsDumper),
    (Texts, TextsDumper),
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
    try:
        if kind is Kind.INT:
            return Ints(numbers(int.__repr__, values))
        if kind is Kind.FLOAT:
            return Floats(numbers(float.__repr__, values))
        if kind is Kind.TEXT or kind is Kind.ENUM or kind is Kind.NATIVE:
            return Texts(texts(values))
    except TypeError:  # of another class
        pass
    return list(values)


def numbers(text: Callable[[Any], str], values: Iterable[Any]) -> str:
    try:
        return "{" + ",".join(map(text, values)) + "}"
    except TypeError:
        return "{" + ",".join(["NULL" if v is None else text(v) for v in values]) + "}"


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
