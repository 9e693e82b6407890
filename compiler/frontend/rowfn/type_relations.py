"""How two value types relate: which is stored as the other, and which both are stored as."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TypeGuard

from stepping.compiler.frontend.rowfn.access import CLASSES
from stepping.compiler.frontend.rowfn.context import alike, plain
from stepping.compiler.frontend.unions import bare, united
from stepping.compiler.schema import (
    EMPTY,
    NULL,
    Again,
    Alternatives,
    Atom,
    Build,
    Collected,
    Kind,
    Missing,
    Several,
    Struct,
    ValueType,
)


class Mixed(Exception):
    """A value is of one type here and of another there. ``str(self)`` says which."""


def joined(a: ValueType, b: ValueType) -> ValueType:
    """The type of a value that is of one type here and of another there."""
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Atom) and one.kind is Kind.NULL:
            return united((NULL, other))
        if isinstance(one, Struct) and one.cls is EMPTY:
            return united((one, other))
        if _is_bare(one) and not _is_bare(other):
            inside = other
            if isinstance(other, Struct) and other.missing is Missing.EMPTY:
                inside = other.required()
            return bare(joined(one.fields[0][1], inside))
        if isinstance(one, Atom) and one.collected is not None:
            for wide in (one, one.optional()):
                if widens(other, wide):
                    return wide
    match a, b:
        case Atom(), Atom() if alike(a, b):
            both = a if a.choices == b.choices else plain(a)
            return both.optional() if a.nullable or b.nullable else both
        case Atom(), Atom() if (decimal := decimal_of(a, b)) is not None:
            return decimal.optional() if a.nullable or b.nullable else decimal
        case Struct(), Struct() if a.cls is b.cls and a.build is b.build:
            missing = {a.missing, b.missing} - {Missing.NEVER}
            if [n for n, _ in a.fields] == [n for n, _ in b.fields] and len(missing) < 2:
                fields = tuple(
                    (n, joined(x, y)) for (n, x), (_, y) in zip(a.fields, b.fields, strict=True)
                )
                return replace(a, fields=fields, missing=next(iter(missing), Missing.NEVER))
    raise Mixed(f"it returns {type_name(a)} for some rows and {type_name(b)} for others")


def decimal_of(a: Atom, b: Atom) -> Atom | None:
    """The type of Decimal that values of both types are without loss, if there is one."""
    kinds = {a.kind, b.kind}
    if Kind.DECIMAL in kinds and kinds <= {Kind.INT, Kind.DECIMAL}:
        scales = [each.scale for each in (a, b) if each.kind is Kind.DECIMAL]
        known = [scale for scale in scales if scale is not None]
        scale = max(known) if len(known) == len(scales) else None
        return Atom(Kind.DECIMAL, scale=scale, python=Decimal)
    return None


def _is_bare(kind: ValueType) -> TypeGuard[Struct]:
    return isinstance(kind, Struct) and kind.build is Build.BARE


def widens(narrow: ValueType, wide: ValueType) -> bool:
    """Whether every value of one type is stored as the other: what an annotation may add."""
    match narrow, wide:
        case Atom(), Atom():
            if narrow.kind is Kind.NULL:
                return wide.nullable
            if narrow.nullable and not wide.nullable:
                return False
            if wide.collected is not None and not alike(narrow, wide):
                return collects(narrow.required(), wide.collected)
            if narrow.kind is Kind.INT and wide.kind in (Kind.FLOAT, Kind.DECIMAL):
                return True
            return alike(narrow, wide) and (
                not wide.choices
                or (bool(narrow.choices) and set(narrow.choices) <= set(wide.choices))
            )
        case Struct(cls=cls), Struct() if cls is EMPTY and not narrow.is_optional:
            return wide.missing is Missing.EMPTY or wide.cls is EMPTY
        case _, Struct() if _is_bare(wide) and not _is_bare(narrow):
            if isinstance(narrow, Struct) and narrow.missing is Missing.EMPTY:
                narrow = narrow.required()
            return widens(narrow, wide.fields[0][1])
        case Atom(kind=Kind.NULL), Struct():
            return wide.missing is Missing.NONE
        case Struct(), Struct():
            return (
                narrow.cls is wide.cls
                and narrow.missing in (Missing.NEVER, wide.missing)
                and [n for n, _ in narrow.fields] == [n for n, _ in wide.fields]
                and all(
                    widens(x, y) for (_, x), (_, y) in zip(narrow.fields, wide.fields, strict=True)
                )
            )
        case _, Atom(kind=Kind.PACKED):
            absent = narrow.missing if isinstance(narrow, Struct) else Missing.NEVER
            if absent is Missing.EMPTY or (absent is Missing.NONE and not wide.nullable):
                return False
            return wide.collected is not None and collects(narrow.required(), wide.collected)
        case _:
            return False


def collects(narrow: ValueType, wide: Collected) -> bool:
    """Whether every value of a type is stored as a collected one."""
    match wide:
        case Alternatives():
            return any(holds(narrow, option) for _, option in wide.options)
        case Several():
            if not isinstance(narrow, Struct) or narrow.cls is not tuple:
                return False
            return all(holds(each, wide.item) for _, each in narrow.fields)
        case Struct() | Again():
            return isinstance(narrow, Struct) and _same_row(narrow, wide)
        case _:
            return False


def holds(narrow: ValueType, wide: ValueType) -> bool:
    """As `widens`, where the wider type stands inside a collected one."""
    if isinstance(narrow, Struct) and narrow.is_row and isinstance(wide, Struct):
        return narrow.missing in (Missing.NEVER, wide.missing) and _same_row(narrow, wide)
    return widens(narrow, wide)


def _same_row(a: Struct, b: Struct | Again) -> bool:
    """Whether two types are one row class: one that contains itself is written in two ways."""
    return a.cls is b.cls and a.name == b.name


def type_name(kind: ValueType) -> str:
    """The type as a user writes it."""
    match kind:
        case Atom():
            cls = kind.python if kind.kind is Kind.ENUM else CLASSES.get(kind.kind)
            name = getattr(cls, "__name__", None) or str(kind.python or kind.kind.value)
            if kind.kind is Kind.NULL:
                return "None"
            if kind.kind is Kind.PACKED:
                return str(kind)
            return f"{name} | None" if kind.nullable else name
        case Struct(build=Build.TUPLE):
            inner = ", ".join(type_name(each) for _, each in kind.fields)
            return f"tuple[{inner}]" + (" | None" if kind.is_optional else "")
        case _:
            return str(kind)
