"""IR nodes: frozen dataclasses that are identified by a digest of their meaning.

A plain frozen dataclass hashes its children again at each call, which is exponential on a DAG with
shared nodes; a digest is computed once per node. It is the same in every process, so names of
tables can rest on it.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import hashlib
import uuid
from typing import Any, TypeVar, dataclass_transform

from stepping.errors import InternalError

_DIGEST_BYTES = 16
Cls = TypeVar("Cls", bound=type)


class Node:
    """Base of IR nodes: equality and hash are the digest.

    Fields declared with ``compare=False`` (a source position, the Python function behind a row
    function) are no part of the meaning and so no part of the digest; nor are fields that have
    their default value, so that a node can gain one without renaming what is installed.
    """

    _digest: bytes
    _hash: int

    @property
    def digest(self) -> bytes:
        try:
            return self._digest
        except AttributeError:
            hasher = hashlib.blake2b(digest_size=_DIGEST_BYTES)
            _feed_dataclass(hasher, self)
            object.__setattr__(self, "_digest", hasher.digest())
            return self._digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.digest == other.digest

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            object.__setattr__(self, "_hash", int.from_bytes(self.digest[:8]))
            return self._hash

    def __repr__(self) -> str:
        """One line, nodes within it by their class: a whole query is printed by `ir.text`."""
        shown = []
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.compare:
                shown.append(f"{field.name}={_shown(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(dataclasses.field,))
def node(cls: Cls) -> Cls:
    """Make ``cls``, a subclass of `Node`, a frozen dataclass whose identity is its digest."""
    return dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)  # type: ignore[return-value]


def _shown(value: Any) -> str:
    if isinstance(value, Node):
        return f"{type(value).__name__}(...)"
    if isinstance(value, tuple):
        inner = ", ".join(map(_shown, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def digest_of(value: Any) -> bytes:
    """The digest of any value that may stand in a node's field."""
    hasher = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    _feed(hasher, value)
    return hasher.digest()


def _feed_dataclass(hasher: Any, value: Any) -> None:
    _feed_text(hasher, "D", type(value).__name__)
    for name, default in _compared(type(value)):  # type: ignore[arg-type]
        inner = getattr(value, name)
        if default is not dataclasses.MISSING and _plain_equal(inner, default):
            continue
        _feed_text(hasher, "F", name)
        _feed(hasher, inner)


@functools.cache
def _compared(cls: type) -> tuple[tuple[str, Any], ...]:
    """The fields of a dataclass that are part of its meaning, each with its default value."""
    fields = dataclasses.fields(cls)
    return tuple((field.name, field.default) for field in fields if field.compare)


def _plain_equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def _feed_text(hasher: Any, tag: str, text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    hasher.update(f"{tag}{len(raw)}:".encode())
    hasher.update(raw)


def _feed(hasher: Any, value: Any) -> None:
    # Types are part of the text: 1, True and 1.0 are equal in Python and differ here.
    match value:
        case Node():
            hasher.update(b"N")
            hasher.update(value.digest)
        case None | bool() | int() | float() if not isinstance(value, enum.Enum):
            _feed_text(hasher, type(value).__name__, repr(value))
        case enum.Enum():
            _feed_text(hasher, "E", value.name)
        case str():
            _feed_text(hasher, "s", value)
        case bytes():
            hasher.update(f"b{len(value)}:".encode())
            hasher.update(value)
        case tuple():
            hasher.update(f"({len(value)}:".encode())
            for item in value:
                _feed(hasher, item)
        case (
            decimal.Decimal()
            | datetime.date()
            | datetime.time()
            | datetime.timedelta()
            | uuid.UUID()
        ):
            _feed_text(hasher, type(value).__name__, repr(value))
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            _feed_dataclass(hasher, value)
        case _:
            raise InternalError(f"a {type(value).__name__} cannot be a field of an IR node")
