"""Plans as text: JSON, packed, with a format and a checksum in front. Nothing is evaluated.

What a dataclass holds is told by its annotations, so that no names of classes are stored but
where a field may hold several. Fields that have their default are left out, so that a plan can
gain one and still read what an older version wrote.
"""

from __future__ import annotations

import base64
import bz2
import dataclasses
import enum
import functools
import hashlib
import json
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from stepping.errors import SchemaMismatch

# Raise it when an older version would misread what this one writes.
FORMAT = 2

T = TypeVar("T")
Both = tuple[Callable[[Any], Any], Callable[[Any], Any]]  # to plain data, and from it


def to_text(value: Any, cls: Any) -> str:
    """A value of an annotated type as text: ``format checksum data``, on one line."""
    encode, _ = coding(cls)
    body = packed(json.dumps(encode(value), ensure_ascii=True, separators=(",", ":")))
    return f"{FORMAT} {checksum(body)} {body}"


def from_text(text: str, cls: type[T], what: str) -> T:
    """The value of `to_text`, which nobody changes: of one text it is one object.

    Raises `SchemaMismatch` for a newer format, or a damaged text.
    """
    value: T = _value(text, typing.cast(Any, cls), what)
    return value


@functools.lru_cache(maxsize=16)  # a process has a few queries, and opens a store for each request
def _value(text: str, cls: Any, what: str) -> Any:
    head, _, body = text.partition(" ")
    stated, _, body = body.partition(" ")
    if not head.isdigit():
        raise damaged(what, "it does not begin with its format")
    if int(head) > FORMAT:
        raise newer(what, int(head))
    if checksum(body) != stated:
        raise damaged(what, "its checksum is another")
    _, decode = coding(cls)
    try:
        return decode(json.loads(unpacked(body)))
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise damaged(what, f"{type(error).__name__}: {error}") from error


def packed(text: str) -> str:
    # Not zlib, whose bytes depend on who built it: scripts that say the same are the same.
    return base64.b64encode(bz2.compress(text.encode())).decode()


def unpacked(body: str) -> str:
    if body.startswith(("{", "[")):  # of format 1
        return body
    return bz2.decompress(base64.b64decode(body, validate=True)).decode()


def checksum(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def newer(what: str, found: int) -> SchemaMismatch:
    return SchemaMismatch(
        f"{what} was written by a newer version of stepping: its format is {found}, "
        f"and this version reads up to {FORMAT}",
        hint="upgrade stepping here, as in the process that wrote it",
    )


def damaged(what: str, why: str) -> SchemaMismatch:
    return SchemaMismatch(
        f"{what} cannot be read: {why}",
        hint="it was edited or cut off; restore the table stepping_queries from a backup",
    )


def coding(hint: Any) -> Both:
    """How values of an annotated type become plain data and are read back."""
    return _coding(hint)


@functools.cache
def _coding(hint: Any) -> Both:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in (str, int, bool, float):
        return _same, _checked(hint)
    if hint is type(None):
        return _same, _same
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return (lambda value: value.value), hint
    if origin is tuple:
        return _tuple(arguments)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(*arguments)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        # By name only, when called: a class may be inside itself.
        whole: Any = hint
        return (lambda value: _fields(whole)[0](value)), (lambda data: _fields(whole)[1](data))
    raise TypeError(f"{hint!r} cannot be part of a plan")


def _same(value: Any) -> Any:
    return value


def _checked(hint: type) -> Callable[[Any], Any]:
    def decode(data: Any) -> Any:
        if type(data) is not hint:
            raise TypeError(f"expected {hint.__name__}, found {type(data).__name__}")
        return data

    return decode


def _tuple(arguments: tuple[Any, ...]) -> Both:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        encode, decode = coding(arguments[0])
        return (lambda value: [encode(x) for x in value]), (lambda data: tuple(map(decode, data)))
    parts = [coding(each) for each in arguments]

    def encode_parts(value: Any) -> Any:
        return [part[0](x) for part, x in zip(parts, value, strict=True)]

    def decode_parts(data: Any) -> Any:
        return tuple(part[1](x) for part, x in zip(parts, data, strict=True))

    return encode_parts, decode_parts


def _union(arguments: tuple[Any, ...]) -> Both:
    """One of several classes: a pair of its name and its fields. None is itself."""
    some = [each for each in arguments if each is not type(None)]
    if len(some) == 1:
        encode, decode = coding(some[0])
        return (
            lambda value: None if value is None else encode(value),
            lambda data: None if data is None else decode(data),
        )
    by_name = {each.__name__: each for each in some}

    def encode_named(value: Any) -> Any:
        return None if value is None else [type(value).__name__, coding(type(value))[0](value)]

    def decode_named(data: Any) -> Any:
        return None if data is None else coding(by_name[data[0]])[1](data[1])

    return encode_named, decode_named


def _mapping(key: Any, item: Any) -> Both:
    of_key, of_item = coding(key), coding(item)
    return (
        lambda value: [[of_key[0](k), of_item[0](v)] for k, v in value.items()],
        lambda data: {of_key[1](k): of_item[1](v) for k, v in data},
    )


@functools.cache
def _fields(cls: Any) -> Both:
    hints = typing.get_type_hints(cls)
    kept = [field for field in dataclasses.fields(cls) if is_data(field)]
    parts = {field.name: coding(hints[field.name]) for field in kept}
    defaults = {field.name: field.default for field in kept}

    def encode(value: Any) -> Any:
        found = {}
        for name, (part, _) in parts.items():
            inner = getattr(value, name)
            default = defaults[name]
            if type(inner) is not type(default) or inner != default:
                found[name] = part(inner)
        return found

    def decode(data: Any) -> Any:
        # What an older version wrote of a field that is no more says nothing any more.
        known = ((name, inner) for name, inner in data.items() if name in parts)
        return cls(**{name: parts[name][1](inner) for name, inner in known})

    return encode, decode


def is_data(field: dataclasses.Field[Any]) -> bool:
    """Whether a field is part of the data: not what only Python has, as the class to build."""
    return field.compare or isinstance(field.default, str)
