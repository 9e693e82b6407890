"""From what a row function returns to a value type and the scalars of its columns."""

from __future__ import annotations

import builtins
import enum
from collections.abc import Iterator
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.access import CLASSES, Access, class_of
from stepping.compiler.frontend.rowfn.context import (
    alike,
    error_at,
    is_missing,
    missing_name,
    natural_kind,
    unusable,
)
from stepping.compiler.frontend.rowfn.functions_calls import (
    FALSE,
    TRUE,
    as_decimal,
    as_value,
    negated,
)
from stepping.compiler.frontend.rowfn.narrowing import cases
from stepping.compiler.frontend.rowfn.shapes import container_of, items_of, kind_name
from stepping.compiler.frontend.rowfn.type_relations import joined, type_name
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
from stepping.compiler.ir.function import Source
from stepping.compiler.schema import (
    EMPTY,
    NULL,
    Atom,
    Build,
    Empty,
    Kind,
    Missing,
    Struct,
    ValueType,
    schema_of,
)
from stepping.errors import RowError


class Untyped(Exception):
    """A value's type is not known."""


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
                then = self._beside(value.then, then, otherwise)
                return joined(then, self._beside(value.otherwise, otherwise, then))
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
        self._unstorable(kind_name(value))
        return None

    def _unstorable(self, name: str) -> None:
        """A value of a type that no column has: an error, if it is that for all rows."""
        if not self.path:
            raise error_at(
                f"{self.what}: it returns a {name}, which cannot be stored",
                self.root,
                "return a tuple, a row, or one of the field types",
            )

    def _beside(self, value: Value, own: ValueType, other: ValueType) -> ValueType:
        """The type of a branch: a constant Decimal beside one with a scale has a scale as well."""
        value = self.resolved(value)
        if (
            isinstance(value, Static)
            and isinstance(own, Atom)
            and isinstance(other, Atom)
            and own.kind is other.kind is Kind.DECIMAL
            and other.scale is not None
        ):
            return as_decimal(ir.Const(value.value, own)).type
        return own

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

    def _type_of_static(self, value: Any) -> ValueType | None:
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
            self._unstorable(type(value).__name__)
            return None

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
                self.valued.add((field, origin))
                return leaf.values[position]
            case Items(of=builtins.tuple) | Static(value=tuple()) if kind.build is Build.TUPLE:
                items = items_of(leaf)
                if items is not None and len(items) == len(kind.fields):
                    self.valued.add((field, origin))
                    return items[position]
        return self.mismatch(leaf, type_name(kind), field, origin)

    def mismatch(self, leaf: Value, wanted: str, field: str, origin: Source | None) -> Value:
        """A value that cannot be stored in a field: an error, if nothing else is given there."""
        given = missing_name(leaf) if is_missing(leaf) else kind_name(leaf)
        message = f"{field or 'the result'}: expected {wanted}, got {given}"
        if is_missing(leaf) and self.path:
            return self.raising(message, None)
        hint = "a bool is no int: write int(...)" if given == "bool" else None
        error = error_at(f"{self.what}: {message}", origin or self.root, hint)
        if not self.path:
            raise error
        self.suspects.append(((field, origin), error))
        return self.raising(message, None)

    # ----------------------------------------------------------------------------------- one column

    def atom(self, value: Value, kind: Atom, field: str, origin: Source | None) -> ir.Scalar:
        """A value as a column of type ``kind``."""
        value = self.resolved(value)
        scalar = self._atom(value, kind, field, origin)
        if not isinstance(value, Choice) and not isinstance(scalar, ir.Raise):
            self.valued.add((field, origin))
        return scalar

    def _atom(self, value: Value, kind: Atom, field: str, origin: Source | None) -> ir.Scalar:
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
