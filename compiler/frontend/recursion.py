"""Row classes that contain themselves, as columns and inside a collected value.

As columns the outermost fields of such a row class are real columns, and the class is packed where
it is met again; inside a collected value it is `Again`. Each form has one spelling, so that types
are equal that hold the same values, whichever way they were come by.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from stepping.compiler.frontend.unions import bare
from stepping.compiler.schema import (
    Again,
    Alternatives,
    Atom,
    Collected,
    Kind,
    Members,
    Missing,
    Several,
    Struct,
    ValueType,
    Weighted,
)


def packed_form(kind: ValueType) -> ValueType:
    """The type as it stands inside a collected value."""
    return _folded(kind, ())


def column_form(kind: ValueType) -> ValueType:
    """The type that stands inside a collected value as that of a row."""
    return _expanded(kind, ())


def _key(struct: Struct) -> tuple[Any, str]:
    return struct.cls, struct.name  # the name has the type arguments


def _folded(kind: ValueType, inside: tuple[Any, ...]) -> ValueType:
    match kind:
        case Atom(collected=None) | Atom(collected=Again()):
            return kind
        case Atom(collected=Struct() as whole):
            return _folded(whole.optional() if kind.nullable else whole, inside)
        case Atom():
            assert kind.collected is not None
            parts = [_folded(part, inside) for part in _parts(kind.collected)]
            return dataclasses.replace(kind, collected=_rebuilt(kind.collected, parts))
        case Struct() if kind.is_row and _key(kind) in inside:
            up = len(inside) - 1 - inside.index(_key(kind))
            again = Atom(Kind.PACKED, collected=Again(up, kind.cls, kind.name))
            if kind.missing is Missing.EMPTY:
                return bare(again)
            return again.optional() if kind.is_optional else again
        case Struct():
            within = (*inside, _key(kind)) if kind.is_row else inside
            return _with_fields(kind, [_folded(inner, within) for _, inner in kind.fields])


def _expanded(kind: ValueType, enclosing: tuple[Struct, ...]) -> ValueType:
    """``enclosing``: the row classes whose columns these are, each whole, as it is packed."""
    match kind:
        case Atom(collected=None):
            return kind
        case Atom(collected=Again(up)):
            return dataclasses.replace(kind, collected=enclosing[-1 - up])
        case Atom():
            return _folded(_closed(kind, enclosing, 0), ())
        case Struct():
            if kind.is_row:
                whole = _folded(_closed(kind.required(), enclosing, 0), ())
                assert isinstance(whole, Struct)
                enclosing = (*enclosing, whole)
            return _with_fields(kind, [_expanded(inner, enclosing) for _, inner in kind.fields])


def _closed(kind: ValueType, enclosing: tuple[Struct, ...], depth: int) -> ValueType:
    """The type with the row classes around it put in for the places where they are met again."""
    match kind:
        case Atom(collected=None):
            return kind
        case Atom(collected=Again(up)):
            if up < depth:
                return kind
            whole = enclosing[-1 - (up - depth)]
            return whole.optional() if kind.nullable else whole
        case Atom():
            assert kind.collected is not None
            parts = [_closed(part, enclosing, depth) for part in _parts(kind.collected)]
            return dataclasses.replace(kind, collected=_rebuilt(kind.collected, parts))
        case Struct():
            inner = depth + 1 if kind.is_row else depth
            return _with_fields(kind, [_closed(each, enclosing, inner) for _, each in kind.fields])


def _with_fields(struct: Struct, fields: list[ValueType]) -> Struct:
    names = [name for name, _ in struct.fields]
    return dataclasses.replace(struct, fields=tuple(zip(names, fields, strict=True)))


def _parts(collected: Collected) -> list[ValueType]:
    match collected:
        case Several() | Members() | Weighted():
            return [collected.item]
        case Alternatives():
            return [option for _, option in collected.options]
        case Struct():
            return [collected]
        case Again():
            return []


def _rebuilt(collected: Collected, parts: list[ValueType]) -> Collected:
    match collected:
        case Several() | Members() | Weighted():
            return dataclasses.replace(collected, item=parts[0])
        case Alternatives():
            names = [name for name, _ in collected.options]
            return Alternatives(tuple(zip(names, parts, strict=True)))
        case Struct():
            (whole,) = parts
            assert isinstance(whole, Struct)
            return whole
        case Again():
            return collected
