"""Unions: which alternatives there are, and by which names they are told apart.

Values that are equal in Python are one row, so they must be one alternative: a union of types that
have equal values of different kinds (True == 1 == Decimal(1)) is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from stepping.compiler.plain import class_of
from stepping.compiler.schema import (
    EMPTY,
    Alternatives,
    Atom,
    Build,
    Kind,
    Members,
    Missing,
    Several,
    Struct,
    ValueType,
    Weighted,
    same_classes,
)
from stepping.errors import QueryError

_NUMBERS = frozenset({Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.DECIMAL})


def united(given: Sequence[ValueType]) -> ValueType:
    """The type of a value that is of one of the given types."""
    missing: set[Missing] = set()
    options: list[ValueType] = []
    for option in _flattened(given, missing):
        _add(options, option)
    if any(isinstance(o, Atom) and o.kind is Kind.FLOAT for o in options):
        # An int is accepted for a float (PEP 484), and stored as one.
        options = [o for o in options if not (isinstance(o, Atom) and o.kind is Kind.INT)]
    _refuse_confusable(options)
    return missing_added(_whole(options), missing)


def missing_added(kind: ValueType, missing: set[Missing]) -> ValueType:
    """The type, or None, or `Empty`, as ``missing`` says. ``kind`` is required."""
    if Missing.NONE in missing:
        kind = kind.optional()
    if Missing.EMPTY not in missing:
        return kind
    if isinstance(kind, Struct) and not kind.is_optional:
        return kind.optional(Missing.EMPTY)
    # None and Empty are told apart by the flag of a struct of one.
    return bare(kind)


def bare(inner: ValueType) -> Struct:
    """``X | Empty`` of a type whose values cannot be missing in that way themselves."""
    return Struct((("value", inner),), Missing.EMPTY, cls=None, build=Build.BARE, name=str(inner))


def _flattened(given: Sequence[ValueType], missing: set[Missing]) -> Iterator[ValueType]:
    """The alternatives themselves; None and Empty are noted in ``missing``."""
    for kind in given:
        match kind:
            case Atom(kind=Kind.NULL):
                missing.add(Missing.NONE)
                continue
            case Struct(build=Build.SINGLETON) if kind.cls is EMPTY:
                missing.add(Missing.EMPTY)
                continue
            case Atom(nullable=True):
                missing.add(Missing.NONE)
            case Struct() if kind.is_optional:
                missing.add(kind.missing)
        match kind:
            case Struct(build=Build.BARE):
                yield from _flattened([kind.fields[0][1]], missing)
            case Atom(collected=Alternatives(options)):
                yield from _flattened([option for _, option in options], missing)
            case _:
                yield kind.required()


def _add(options: list[ValueType], new: ValueType) -> None:
    """Add an alternative unless it is there; two Literals of one type are one."""
    for position, old in enumerate(options):
        if old == new and same_classes(old, new):
            if isinstance(old, Atom) and isinstance(new, Atom) and old.choices != new.choices:
                both = (*old.choices, *(c for c in new.choices if c not in old.choices))
                choices = both if old.choices and new.choices else ()
                options[position] = dataclasses.replace(old, choices=choices)
            return
    options.append(new)


def _whole(options: list[ValueType]) -> ValueType:
    if len(options) == 1:
        (only,) = options
        return only
    if not options:
        return Atom(Kind.NULL, nullable=True)
    named: list[tuple[str, ValueType]] = []
    taken: set[str] = set()
    for option in options:
        wanted = name = _name(option)
        serial = 2
        while name in taken:
            name = f"{wanted} {serial}"
            serial += 1
        taken.add(name)
        named.append((name, option))
    return Atom(Kind.PACKED, collected=Alternatives(tuple(sorted(named, key=lambda n: n[0]))))


def _name(option: ValueType) -> str:
    if isinstance(option, Atom) and option.kind is Kind.ENUM:
        return str(option.python.__name__)
    return str(option)


def _refuse_confusable(options: list[ValueType]) -> None:
    for position, one in enumerate(options):
        for other in options[:position]:
            if _confusable(one, other, ()):
                raise QueryError(
                    f"{other} | {one}: a value of the one can equal a value of the other, "
                    "so which of them a row holds could not be told",
                    hint="use one type of number; or a row class of its own for each",
                )


def _confusable(a: ValueType, b: ValueType, seen: tuple[tuple[int, int], ...]) -> bool:
    """Whether a value of one type may equal a value of the other that is stored in another way."""
    if (id(a), id(b)) in seen or len(seen) > 200:
        return False
    seen = (*seen, (id(a), id(b)))
    match a, b:
        case Atom(collected=None), Atom(collected=None):
            return _family(a) == _family(b) and not (a.kind is b.kind and same_classes(a, b))
        case Struct(), Struct() if _is_tuple(a) and _is_tuple(b):
            if len(a.fields) != len(b.fields):
                return False
            return a.cls is not b.cls or _any_confusable(a, b, seen)
        case Struct(), Struct():
            return a.cls is b.cls and _any_confusable(a, b, seen)
        case Struct(), Atom(collected=Several(item)) if _is_tuple(a):
            return a.cls is not tuple or any(_confusable(t, item, seen) for _, t in a.fields)
        case Atom(collected=Several()), Struct():
            return _confusable(b, a, seen)
        case Atom(collected=Alternatives(options)), _:
            return any(_confusable(option, b, seen) for _, option in options)
        case _, Atom(collected=Alternatives()):
            return _confusable(b, a, seen)
        case Atom(collected=Struct() as struct), _:
            return _confusable(struct, b, seen)
        case _, Atom(collected=Struct() as struct):
            return _confusable(a, struct, seen)
    if isinstance(a, Atom) and isinstance(b, Atom):
        match a.collected, b.collected:
            case (Several(x), Several(y)) | (Members(x), Members(y)) | (Weighted(x), Weighted(y)):
                return _confusable(x, y, seen)
    return False


def _any_confusable(a: Struct, b: Struct, seen: tuple[tuple[int, int], ...]) -> bool:
    return any(_confusable(x, y, seen) for (_, x), (_, y) in zip(a.fields, b.fields, strict=False))


def _is_tuple(kind: Struct) -> bool:
    return isinstance(kind.cls, type) and issubclass(kind.cls, tuple)


def _family(atom: Atom) -> str:
    """Among which values those that may be equal to an atom's are."""
    if atom.kind is Kind.ENUM:
        cls = class_of(atom)
        if cls is not None and issubclass(cls, int | float):
            return "number"
        if cls is not None and issubclass(cls, str | bytes):
            return "text" if issubclass(cls, str) else "bytes"
        return f"enum {id(cls)}"
    return "number" if atom.kind in _NUMBERS else atom.kind.value
