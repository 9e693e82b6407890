"""Attributes, subscripts and iteration of the values of a row function."""

from __future__ import annotations

import ast
import datetime
import decimal
import enum
import functools
import inspect
import sys
import types
import uuid
from collections.abc import Callable
from typing import Any

from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.context import is_missing, shown
from stepping.compiler.frontend.rowfn.shapes import (
    container_of,
    items_of,
    kind_name,
    members_of,
    method_of,
)
from stepping.compiler.frontend.rowfn.texts import Texts
from stepping.compiler.frontend.rowfn.values import (
    UNKNOWN,
    Bound,
    Choice,
    Items,
    Keywords,
    Method,
    Never,
    Record,
    SetOf,
    Static,
    Unknown,
    Value,
    known,
    object_of,
)
from stepping.compiler.schema import Kind

CLASSES: dict[Kind, type] = {
    Kind.INT: int,
    Kind.FLOAT: float,
    Kind.BOOL: bool,
    Kind.TEXT: str,
    Kind.BYTES: bytes,
    Kind.DECIMAL: decimal.Decimal,
    Kind.DATE: datetime.date,
    Kind.DATETIME: datetime.datetime,
    Kind.TIMESTAMP: datetime.datetime,
    Kind.TIME: datetime.time,
    Kind.UUID: uuid.UUID,
    Kind.NULL: types.NoneType,
}
_MAX_ALTERNATIVES = 200


class Access(Texts):
    """``value.name`` and ``value[index]``."""

    # ---------------------------------------------------------------------------------- attributes

    def attribute(self, value: Value, wanted: str, at: ast.AST | None) -> Value:
        value = self.compact(value, at, strict=False)
        return self.lift(lambda v: self._attribute(v, wanted, at), (value,), at)

    def _attribute(self, value: Value, wanted: str, at: ast.AST | None) -> Value:
        match value:
            case Record():
                return self._attribute_of_record(value, wanted, at)
            case Items() | SetOf():
                return self._attribute_of_class(value, value.of, wanted, at)
            case Static():
                return self._attribute_of_static(value, wanted, at)
            case Keywords():
                return Method(value, wanted)
        scalar = self.scalar_of(value)
        if scalar is None:
            return self.fault(f"`{shown(at)}`: the attribute of a function", at)
        cls = class_of(scalar)
        if cls is None:
            return self.fault(f"`{shown(at)}` looks into a collected value", at)
        if issubclass(cls, enum.Enum):
            return self._attribute_of_member(scalar, cls, wanted, at)
        return self._attribute_of_class(scalar, cls, wanted, at)

    def _attribute_of_class(
        self, value: Value, cls: type, wanted: str, at: ast.AST | None
    ) -> Value:
        found = inspect.getattr_static(cls, wanted, None)
        if found is None:
            return self.wrong(
                f"`{shown(at)}`: {cls.__name__} has no attribute `{wanted}`",
                at,
                f"{cls.__name__} is the type of what stands in front of the dot",
                raised=f"AttributeError: there is no `{wanted}`",
                name=True,
            )
        if callable(getattr(cls, wanted)):
            return Method(value, wanted)
        scalar = self.scalar_of(value)
        if scalar is None:
            return self.fault(f"`{shown(at)}` has no exact SQL", at)
        return self.applied(
            lambda v: getattr(v, wanted), (scalar,), lambda: functions.attribute(scalar, wanted), at
        )

    def _attribute_of_member(
        self, scalar: Any, cls: type[enum.Enum], wanted: str, at: ast.AST | None
    ) -> Value:
        try:
            return self.constant_back(self.made(functions.attribute(scalar, wanted), at))
        except LookupError:
            pass
        plain = inspect.getattr_static(cls, wanted, None)
        if isinstance(plain, types.FunctionType):
            return Bound(Static(plain), scalar)
        # For any other attribute: which member is it?
        return self.lift(
            lambda member: self._attribute(member, wanted, at), (self.member(scalar, cls, at),), at
        )

    def member(self, scalar: Any, cls: type[enum.Enum], at: ast.AST | None) -> Value:
        """An enum's value as a choice between its members."""
        *others, last = scalar.type.members
        result: Value = Static(cls[last])
        for other in reversed(others):
            member, rest = Static(cls[other]), result
            condition = self.equal(scalar, member, at)
            result = self.choose(condition, lambda m=member: m, lambda r=rest: r)  # type: ignore[misc]
        return result

    def _attribute_of_record(self, record: Record, wanted: str, at: ast.AST | None) -> Value:
        if wanted in record.names:
            return record.named(wanted)
        cls = record.cls
        if wanted == "__class__":
            return Static(cls)
        found = inspect.getattr_static(cls, wanted, None)
        match found:
            case None if hasattr(cls, "__getattr__"):
                return self.fault(f"`{cls.__name__}` has its own `__getattr__`", at)
            case None:
                fields = ", ".join(record.names) or "none"
                return self.wrong(
                    f"{cls.__name__} has no field `{wanted}`: it has {fields}",
                    at,
                    raised=f"AttributeError: there is no `{wanted}`",
                    name=True,
                )
            case property():
                if found.fget is None:
                    return self.raising(f"`{wanted}` cannot be read", at)
                return self.call(Bound(Static(found.fget), record), (), {}, at)
            case functools.cached_property():
                return self.call(Bound(Static(found.func), record), (), {}, at)
            case types.FunctionType():
                return Bound(Static(found), record)
            case classmethod():
                return Bound(Static(found.__func__), Static(cls))
            case staticmethod():
                return Static(found.__func__)
        if issubclass(cls, tuple) and hasattr(tuple, wanted):
            return Method(record, wanted)
        if hasattr(type(found), "__get__"):
            return self.fault(f"`{shown(at)}` is computed by a descriptor", at)
        return known(found)

    def _attribute_of_static(self, value: Static, wanted: str, at: ast.AST | None) -> Value:
        thing = value.value
        if is_missing(value):
            return self.raising_missing(value, at, f"that has no `{wanted}`")
        try:
            found = inspect.getattr_static(thing, wanted, None)
            if isinstance(found, property) and not _of_library(type(thing)):
                fget = found.fget
                if isinstance(fget, types.FunctionType):
                    return self.call(Bound(Static(fget), value), (), {}, at)
            return known(getattr(thing, wanted))
        except AttributeError as error:
            return self.wrong(
                f"`{shown(at)}`: {error}", at, raised=f"AttributeError: {error}", name=True
            )
        except Exception as error:
            return self.fault(f"`{shown(at)}` raises {type(error).__name__}: {error}", at)

    # ---------------------------------------------------------------------------------- subscripts

    def subscript(self, value: Value, index: Value, at: ast.AST | None) -> Value:
        value = self.compact(value, at, strict=False)
        return self.lift(lambda v, i: self._subscript(v, i, at), (value, index), at)

    def _subscript(self, value: Value, index: Value, at: ast.AST | None) -> Value:
        if is_missing(value):
            return self.raising_missing(value, at, "that has no items")
        constant = object_of(index)
        if constant is not UNKNOWN:
            index = Static(constant)
        if isinstance(value, Keywords) and isinstance(index, Static):
            found = value.items.get(index.value)
            return found or self.raising("KeyError: there is no such key", at)
        if isinstance(index, Static):
            return self._item(value, index.value, at)
        if isinstance(value, Record):
            method = method_of(value.cls, "__getitem__")
            if method is not None:
                return self.call(Bound(Static(method), value), (index,), {}, at)
        return self._looked_up(value, index, at)

    def _item(self, value: Value, index: Any, at: ast.AST | None) -> Value:
        items = items_of(value)
        if items is not None:
            try:
                found = items[index]
            except (IndexError, TypeError, ValueError) as error:
                of = container_of(value).__name__
                return self.wrong(
                    f"`{shown(at)}`: {error}",
                    at,
                    f"the {of} has {len(items)} items",
                    raised=f"{type(error).__name__}: {error}",
                )
            return Items(found, container_of(value)) if isinstance(found, tuple) else found
        match value:
            case Static():
                try:
                    return known(value.value[index])
                except (LookupError, TypeError, ValueError) as error:
                    return self.raising(f"{type(error).__name__}: {error}", at)
            case Record():
                method = method_of(value.cls, "__getitem__")
                if method is not None:
                    return self.call(Bound(Static(method), value), (Static(index),), {}, at)
                return self.wrong(
                    f"`{shown(at)}`: a {value.cls.__name__} has fields, not items",
                    at,
                    "fields are read by name: " + ", ".join(value.names),
                    raised=f"TypeError: a {value.cls.__name__} has no items",
                )
        scalar = self.scalar_of(value)
        if scalar is None:
            return self.fault(f"`{shown(at)}`: an item of such a value", at)
        if index is None:
            return self.raising("TypeError: None is no index", at)
        if isinstance(index, slice):
            part = index
            return self.applied(
                lambda v: v[part],
                (scalar,),
                lambda: functions.sliced(scalar, part.start, part.stop, part.step),
                at,
            )
        position = self.constant(index)
        if position is None:
            return self.fault(f"`{shown(at)}`: such an index", at)
        return self.applied(
            lambda v, i: v[i], (scalar, position), lambda: functions.item(scalar, position), at
        )

    def _looked_up(
        self, value: Value, key: Value, at: ast.AST | None, default: Value | None = None
    ) -> Value:
        """``{...}[key]`` or ``(...)[i]`` where the key is not known: one alternative for each."""
        alternatives: list[tuple[Any, Value]] | None = None
        items = items_of(value)
        if items is not None:
            alternatives = [(i, item) for i, item in enumerate(items)]
            alternatives += [(i - len(items), item) for i, item in enumerate(items)]
        elif isinstance(value, Static) and isinstance(value.value, dict):
            alternatives = [(k, known(v)) for k, v in value.value.items()]
        if alternatives is None or len(alternatives) > _MAX_ALTERNATIVES:
            text = self.scalar_of(value)
            kind = text.type if text is not None and text.type.kind is Kind.TEXT else None
            return self.fault(f"`{shown(at)}`: an index that depends on the row", at, kind)
        scalar = self.scalar_of(key)
        if items is not None and (scalar is None or scalar.type.kind is not Kind.INT):
            return self.fault(f"`{shown(at)}`: such an index", at)
        if items is None and not self.hashed(key):
            return self.fault(f"`{shown(at)}` looks for what has no hash", at)
        error = "KeyError: there is no such key" if items is None else "IndexError: out of range"
        return self._pick(
            alternatives, key, at, lambda: default if default else self.raising(error, at)
        )

    def _pick(
        self,
        alternatives: list[tuple[Any, Value]],
        key: Value,
        at: ast.AST | None,
        otherwise: Callable[[], Value],
    ) -> Value:
        if not alternatives:
            return otherwise()
        (known, value), *rest = alternatives
        return self.choose(
            self.equal(key, Static(known), at),
            lambda: value,
            lambda: self._pick(rest, key, at, otherwise),
        )

    def unpacked(self, value: Value, at: ast.AST | None) -> tuple[Value, ...] | Never | Unknown:
        """The values of something iterable, where it is known how many there are.

        Else the value of whatever asks for them: Python raises, or it is not known.
        """
        value = self.resolved(value)
        if isinstance(value, Never | Unknown):
            return value
        items = items_of(value)
        if items is not None:
            return items
        match value:
            case Static(value=range() | dict() | str() as constant):
                if len(constant) <= _MAX_ALTERNATIVES:
                    return tuple(map(known, constant))
            case Record() if not hasattr(value.cls, "__iter__"):
                message = f"a {value.cls.__name__} is not iterable"
                return _nothing(
                    self.wrong(f"`{shown(at)}`: {message}", at, raised=f"TypeError: {message}")
                )
            case Choice():
                leaves = [leaf for leaf in self.leaves(value) if not isinstance(leaf, Never)]
                lengths = {None if (i := items_of(leaf)) is None else len(i) for leaf in leaves}
                if not leaves:
                    return next(leaf for leaf in self.leaves(value) if isinstance(leaf, Never))
                if len(lengths) == 1 and None not in lengths:
                    (length,) = lengths
                    positions = range(length or 0)
                    return tuple(self.subscript(value, Static(i), at) for i in positions)
        members = members_of(value)
        if members is not None:
            if len(members) < 2:
                return members
            return _nothing(self.fault(f"`{shown(at)}`: the items of a set have no order", at))
        if is_missing(value):
            return _nothing(self.raising_missing(value, at, "that has no items"))
        return _nothing(self.fault(f"`{shown(at)}`: going through {kind_name(value)}", at))


def _nothing(value: Value) -> Never | Unknown:
    return value if isinstance(value, Never) else Unknown()


def class_of(scalar: Any) -> type | None:
    """The Python class of a scalar's values; None for collected values."""
    kind = scalar.type.kind
    if kind is Kind.ENUM:
        return scalar.type.python if isinstance(scalar.type.python, type) else None
    return CLASSES.get(kind)


def _of_library(cls: type) -> bool:
    return cls.__module__.split(".")[0] in sys.stdlib_module_names
