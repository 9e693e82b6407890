"""From what a row function returns to a value type and the scalars of its columns."""

from __future__ import annotations

import builtins
import enum
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeGuard

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.access import CLASSES, Access, class_of
from stepping.compiler.frontend.rowfn.context import (
    alike,
    error_at,
    is_missing,
    missing_name,
    natural_kind,
    plain,
    unusable,
)
from stepping.compiler.frontend.rowfn.functions_calls import FALSE, TRUE, as_value, negated
from stepping.compiler.frontend.rowfn.narrowing import cases
from stepping.compiler.frontend.rowfn.shapes import container_of, items_of, kind_name
from stepping.compiler.frontend.rowfn.values import (
    UNKNOWN,
    Choice,
    Items,
    Never,
    Record,
    Scalar,
    Static,
    Unbound,
    Unknown,
    Value,
    constant_of,
)
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.frontend.unions import bare, united
from stepping.compiler.ir.function import Source
from stepping.compiler.schema import (
    EMPTY,
    NULL,
    Again,
    Alternatives,
    Atom,
    Build,
    Collected,
    Empty,
    Kind,
    Missing,
    Several,
    Struct,
    ValueType,
    schema_of,
)
from stepping.errors import RowError


class Untyped(Exception):
    """A value's type is not known."""


class Mixed(Exception):
    """A value is of one type here and of another there. ``str(self)`` says which."""


class Results(Access):
    """Types and columns of values: the conversions that happen when a row is stored."""

    # ------------------------------------------------------------------------------------- the type

    def type_of_value(self, value: Value) -> ValueType:
        """The narrowest type of the value; `Mixed` if it has none, `Untyped` if unknown."""
        found = self._type(value)
        if found is None:
            raise Untyped
        return found

    def _type(self, value: Value) -> ValueType | None:
        value = self.resolved(value)
        match value:
            case Never() | Unbound():
                return None
            case Unknown():
                raise Untyped
            case Choice():
                with self.assuming(value.condition, True):
                    then = self._type(value.then)
                with self.assuming(value.condition, False):
                    otherwise = self._type(value.otherwise)
                if then is None or otherwise is None:
                    return then or otherwise
                return joined(then, otherwise)
            case Record():
                return self._type_of_record(value)
            case Static() if value.value is None:
                return NULL
            case Static() if isinstance(value.value, Empty):
                return type_of(Empty)
            case _ if isinstance(value, Scalar):
                return value.type
        items = items_of(value)
        if items is not None and container_of(value) is tuple:
            fields = tuple((str(i), self._some_type(item)) for i, item in enumerate(items))
            return Struct(fields, cls=tuple, build=Build.TUPLE)
        if isinstance(value, Static):
            return self._type_of_static(value.value)
        if container_of(value) is frozenset:
            self.fault("it returns a collected value", None)
            raise Untyped
        raise error_at(
            f"{self.what}: it returns a {kind_name(value)}, which cannot be stored",
            self.root,
            "return a tuple, a row, or one of the field types",
        )

    def _some_type(self, value: Value) -> ValueType:
        found = self._type(value)
        if found is None:
            raise Untyped
        return found

    def _type_of_record(self, record: Record) -> ValueType:
        fields = tuple(
            (name, declared or self._some_type(value))
            for name, declared, value in zip(record.names, record.types, record.values, strict=True)
        )
        shown = record.cls.__name__
        if None in record.types:
            shown += f"[{', '.join(str(inner) for _, inner in fields)}]"
        return Struct(fields, cls=record.cls, build=record.build, name=shown)

    def _type_of_static(self, value: Any) -> ValueType:
        try:
            return functions.constant(value).type
        except LookupError as error:
            kind = natural_kind(value)
            if kind is not None:  # the type can be stored, and the value cannot
                self.fault(f"a constant cannot be stored: {error.args[0]}", None)
                return kind
            if isinstance(value, frozenset):
                self.fault("it returns a collected value", None)
                raise Untyped from None
            raise error_at(
                f"{self.what}: it returns a {type(value).__name__}, which cannot be stored",
                self.root,
                "return a tuple, a row, or one of the field types",
            ) from None

    # ---------------------------------------------------------------------------------- the columns

    def columns(self, value: Value, kind: ValueType, field: str = "") -> list[ir.Scalar]:
        """The scalars of a value stored as ``kind``: one for each column of its schema."""
        return list(self._columns(value, kind, field, None)) or [TRUE]

    def _columns(
        self, value: Value, kind: ValueType, field: str, origin: Source | None
    ) -> Iterator[ir.Scalar]:
        match kind:
            case Atom():
                yield self.atom(value, kind, field, origin)
            case Struct() if kind.is_optional:
                yield from self._optional(value, kind, field, origin)
            case Struct():
                yield from self._fields(value, kind, field, origin)

    def _optional(
        self, value: Value, kind: Struct, field: str, origin: Source | None
    ) -> Iterator[ir.Scalar]:
        wanted = None if kind.missing is Missing.NONE else EMPTY

        def test(leaf: Value) -> Value:
            return Static(isinstance(leaf, Static) and leaf.value is wanted)

        missing = self.condition(self.lift(test, (value,), None))
        present = negated(missing)
        yield present
        with self.assuming(missing, False):
            inner = list(self._columns(value, kind.required(), field, origin))
        for scalar, column in zip(inner, schema_of(kind).columns[1:], strict=True):
            yield self._where(present, scalar, column.type)

    def _where(self, present: ir.Scalar, scalar: ir.Scalar, kind: Atom) -> ir.Scalar:
        """A column of an optional row: NULL where the row is missing, or False for a flag."""
        if present == TRUE:
            return scalar
        if isinstance(scalar, ir.ColumnRef) and present in self.protection.flags.get(
            scalar.name, ()
        ):
            # Passed through as it is stored.
            return ir.ColumnRef(scalar.name, self.protection.columns[scalar.name].type)
        absent = ir.Const(None, kind) if kind.nullable else FALSE
        return self.made(cases(present, scalar, absent, kind), None)

    def _fields(
        self, value: Value, kind: Struct, field: str, origin: Source | None
    ) -> Iterator[ir.Scalar]:
        if kind.build is Build.BARE:
            yield from self._columns(value, kind.fields[0][1], field, origin)
            return
        label = field or (kind.name if kind.build is not Build.TUPLE else "the result")
        if kind.build is Build.SINGLETON:
            self.lift(lambda leaf: self._part(leaf, kind, 0, label, origin), (value,), None)
            return
        for position, (name, inner) in enumerate(kind.fields):
            part = self.lift(
                lambda leaf, i=position: self._part(leaf, kind, i, label, origin), (value,), None
            )
            named = f"{label}[{name}]" if kind.build is Build.TUPLE else f"{kind.name}.{name}"
            yield from self._columns(part, inner, named, self._origin(value, position) or origin)

    def _origin(self, value: Value, position: int) -> Source | None:
        for leaf in self.leaves(value):
            if isinstance(leaf, Record) and leaf.origins:
                return leaf.origins[position]
        return None

    def _part(
        self, leaf: Value, kind: Struct, position: int, field: str, origin: Source | None
    ) -> Value:
        match leaf:
            case Static() if kind.build is Build.SINGLETON and leaf.value is kind.cls:
                return leaf
            case Record() if leaf.cls is kind.cls:
                return leaf.values[position]
            case Items(of=builtins.tuple) | Static(value=tuple()) if kind.build is Build.TUPLE:
                items = items_of(leaf)
                if items is not None and len(items) == len(kind.fields):
                    return items[position]
        return self.mismatch(leaf, type_name(kind), field, origin)

    def mismatch(self, leaf: Value, wanted: str, field: str, origin: Source | None) -> Value:
        """A value that cannot be stored in a field: an error, if this is reached for any row."""
        given = missing_name(leaf) if is_missing(leaf) else kind_name(leaf)
        message = f"{field or 'the result'}: expected {wanted}, got {given}"
        if is_missing(leaf) and self.path:
            return self.raising(message, None)
        hint = "a bool is no int: write int(...)" if given == "bool" else None
        raise error_at(f"{self.what}: {message}", origin or self.root, hint)

    # ----------------------------------------------------------------------------------- one column

    def atom(self, value: Value, kind: Atom, field: str, origin: Source | None) -> ir.Scalar:
        """A value as a column of type ``kind``."""
        value = self.resolved(value)
        match value:
            case Choice():
                with self.assuming(value.condition, True):
                    then = self.atom(value.then, kind, field, origin)
                with self.assuming(value.condition, False):
                    otherwise = self.atom(value.otherwise, kind, field, origin)
                return self.made(self.branch(value.condition, then, otherwise, kind), None)
            case Never():
                return ir.Raise(value.raised.message, kind.required())
            case Unknown():
                return unusable(kind)
            case Unbound():
                return self.atom(self.lift(lambda v: v, (value,), None), kind, field, origin)
            case Static() if value.value is None and kind.nullable:
                return ir.Const(None, kind)
            case Static() if not is_missing(value):
                return self._constant(value, kind.required(), field, origin)
        if kind.kind is Kind.PACKED and not is_missing(value) and not isinstance(value, Scalar):
            return self._collected_in(value, kind, field, origin)
        if isinstance(value, Scalar):
            return self._converted(value, kind, field, origin)
        return self.atom(self.mismatch(value, type_name(kind), field, origin), kind, field, origin)

    def _constant(self, value: Static, kind: Atom, field: str, origin: Source | None) -> ir.Scalar:
        if kind.kind is Kind.PACKED:
            return self._collected_in(value, kind, field, origin)
        try:
            return ir.Const(functions.fit(value.value, kind, field or "the result"), kind)
        except RowError as error:
            fits = type(value.value) is CLASSES.get(kind.kind) and not kind.choices
            if fits:  # the type does, and the value does not
                self.fault(f"a constant cannot be stored: {error.message}", None)
                return unusable(kind)
            raise error_at(f"{self.what}: {error.message}", origin or self.root) from None

    def _collected_in(
        self, value: Value, kind: Atom, field: str, origin: Source | None
    ) -> ir.Scalar:
        """A constant is packed here; SQL cannot pack a value that depends on the row."""
        constant = constant_of(value)
        if constant is not UNKNOWN:
            kind = kind.required()
            try:
                return ir.Const(functions.fit(constant, kind, field or "the result"), kind)
            except RowError as error:
                raise error_at(f"{self.what}: {error.message}", origin or self.root) from None
        self.fault(f"{field or 'the result'} is a collected value", None)
        return unusable(kind)

    def _converted(
        self, scalar: ir.Scalar, kind: Atom, field: str, origin: Source | None
    ) -> ir.Scalar:
        converted = scalar
        if not alike(scalar.type, kind):
            cls = class_of(scalar)
            member = cls is not None and issubclass(cls, enum.Enum) and issubclass(cls, int | float)
            if member and kind.kind in (Kind.INT, Kind.FLOAT, Kind.DECIMAL):
                converted = as_value(scalar)
            if Kind.PACKED in (scalar.type.kind, kind.kind):
                return self._collected_in(scalar, kind, field, origin)
            try:
                if Kind.ENUM in (converted.type.kind, kind.kind):
                    raise LookupError
                converted = self.made(functions.coerced(converted, kind), None)
            except LookupError:
                value = self.mismatch(scalar, type_name(kind), field, origin)
                return self.atom(value, kind, field, origin)
        given = set(scalar.type.choices)
        if not kind.choices or (given and given <= set(kind.choices)):
            return converted
        allowed: ir.Scalar = FALSE
        for choice in kind.choices:
            one = Static(choice)
            allowed = self.either(allowed, lambda c=one: self.equal(scalar, c, None))  # type: ignore[misc]
        wanted = ", ".join(map(repr, kind.choices))
        with self.assuming(allowed, False):
            never = self.raising(f"{field or 'the result'}: expected one of {wanted}", None)
        refused = self.atom(never, kind, field, origin)
        return self.made(cases(allowed, converted, refused, kind), None)


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
        case Struct(), Struct() if a.cls is b.cls and a.build is b.build:
            missing = {a.missing, b.missing} - {Missing.NEVER}
            if [n for n, _ in a.fields] == [n for n, _ in b.fields] and len(missing) < 2:
                fields = tuple(
                    (n, joined(x, y)) for (n, x), (_, y) in zip(a.fields, b.fields, strict=True)
                )
                return replace(a, fields=fields, missing=next(iter(missing), Missing.NEVER))
    raise Mixed(f"it returns {type_name(a)} for some rows and {type_name(b)} for others")


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
