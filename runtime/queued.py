"""A queued change as bytes: what an entry of the queue holds."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgpack

from stepping.compiler.packing import Packing, packing_of
from stepping.compiler.schema import INT, Atom, Kind, Several, Struct, ValueType
from stepping.errors import StoreError

FORMAT = 1

Pairs = Sequence[tuple[Any, int]]

_HEAD = msgpack.packb(FORMAT)


class Changes:
    """Packs and unpacks the changes of a query's inputs.

    An entry is MessagePack one behind the other: the format, then for each input its name, the
    shape of its rows, and its rows with their counts. After a deployment that changed a row class
    an entry must not be read as something else, hence the shape.
    """

    def __init__(self, names: Sequence[str], types: Sequence[ValueType]) -> None:
        self.inputs: dict[str, tuple[bytes, bytes, Packing]] = {}
        for name, value_type in zip(names, types, strict=True):
            shape = shape_of(value_type)
            head = msgpack.packb(name) + msgpack.packb(shape)
            self.inputs[name] = (head, shape, packing_of(rows_of(value_type)))

    def pack(self, changes: Mapping[str, Pairs]) -> tuple[int, bytes]:
        """How many rows there are, and the bytes. A row that cannot be stored is a `RowError`."""
        count = 0
        packed = _HEAD
        for name, pairs in changes.items():
            if pairs:
                head, _, packing = self.inputs[name]
                packed += head + packing.pack(tuple(pairs), name)
                count += len(pairs)
        return count, packed

    def unpack(self, data: bytes) -> dict[str, Pairs]:
        """The rows and counts for each input; `StoreError` if they are of another version."""
        reader = msgpack.Unpacker(max_buffer_size=len(data))
        reader.feed(data)
        version = reader.unpack()
        if version != FORMAT:
            raise StoreError(
                f"the change is in the format {version}, and this version of stepping knows "
                f"{FORMAT}",
                hint="drain it with the version of stepping that enqueued it",
            )
        found: dict[str, Pairs] = {}
        while reader.tell() < len(data):
            name, shape = reader.unpack(), reader.unpack()
            start = reader.tell()
            reader.skip()
            _, known, packing = self.inputs.get(name, (b"", b"", None))
            if packing is None or shape != known:
                form = "is no input any more" if packing is None else "has rows of another form"
                raise StoreError(
                    f"the change was enqueued by another version of the query: {name} {form}",
                    hint="let it wait again (retry_queued), and drain it with that version; or "
                    "drop it (drop_queued), and enqueue what it says with this one",
                )
            found[name] = packing.unpack(data[start : reader.tell()])
        return found


def rows_of(value_type: ValueType) -> Atom:
    """The type of a list of rows with their counts."""
    pair = Struct((("0", value_type), ("1", INT)))
    return Atom(Kind.PACKED, collected=Several(pair))


def shape_of(value_type: ValueType) -> bytes:
    """A digest of what rows of a type hold, whatever their classes are called."""
    return hashlib.blake2b(repr(_shape(value_type)).encode(), digest_size=8).digest()


def _shape(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        fields = [field for field in dataclasses.fields(value) if field.compare]
        return type(value).__name__, *(_shape(getattr(value, field.name)) for field in fields)
    if isinstance(value, tuple):
        return tuple(map(_shape, value))
    return value.name if isinstance(value, enum.Enum) else value
