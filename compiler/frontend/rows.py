"""Row classes, and the value type of an annotation."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import inspect
import sys
import types
import typing
import uuid
from collections.abc import Mapping
from typing import Any, Generic, TypeVar, dataclass_transform

from stepping.compiler.schema import EMPTY as EMPTY
from stepping.compiler.schema import (
    NULL,
    Atom,
    Build,
    Kind,
    Missing,
    Struct,
    ValueType,
)
from stepping.compiler.schema import Empty as Empty
from stepping.compiler.zset import ZSetPython
from stepping.errors import QueryError

T = TypeVar("T")
U = TypeVar("U")

_ORDERING = ("__lt__", "__le__", "__gt__", "__ge__")


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    order_default=True,
    field_specifiers=(dataclasses.field,),
)
class Data:
    """Base of row classes: each subclass is a frozen, keyword-only, ordered, hashable dataclass.

    >>> class Product(Data):
    ...     name: str
    ...     price: float = 0.0
    >>> Product(name="tv")
    Product(name='tv', price=0.0)

    Fields may be ``str, int, float, bool, bytes, Decimal, date, datetime, time, UUID``, enums,
    ``X | None``, fixed tuples and other row classes (all in real columns), and collected types
    (in one packed column). A value of the wrong type is a `RowError` where it is first stored.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own_order = any(name in cls.__dict__ for name in _ORDERING)
        dataclasses.dataclass(frozen=True, kw_only=True, order=not own_order)(cls)
        # Annotations that are strings and name a class of the enclosing function are resolved
        # from that function's locals, which are gone later.
        frame = sys._getframe(1)
        if frame.f_locals is not frame.f_globals:
            cls.__stepping_locals__ = dict(frame.f_locals)  # type: ignore[attr-defined]


@dataclasses.dataclass(frozen=True, order=True)
class Pair(Generic[T, U]):
    """Two rows side by side: what a join returns."""

    left: T
    right: U


def pair_of(left: ValueType, right: ValueType) -> Struct:
    """The type of ``Pair[left, right]``."""
    fields = (("left", left), ("right", right))
    return Struct(fields, cls=Pair, build=Build.POSITIONAL, name=f"Pair[{left}, {right}]")


@dataclasses.dataclass(frozen=True)
class Scale:
    """``Annotated[Decimal, Scale(2)]``: that many digits after the point, stored as numeric."""

    digits: int


UTC = datetime.UTC  # Annotated[datetime, UTC]: aware, stored and returned as UTC

_KINDS: dict[Any, Kind] = {
    int: Kind.INT,
    float: Kind.FLOAT,
    bool: Kind.BOOL,
    str: Kind.TEXT,
    bytes: Kind.BYTES,
    decimal.Decimal: Kind.DECIMAL,
    datetime.date: Kind.DATE,
    datetime.datetime: Kind.DATETIME,
    datetime.time: Kind.TIME,
    uuid.UUID: Kind.UUID,
}
_EMPTY_TYPE = Struct((), cls=EMPTY, build=Build.SINGLETON, name="Empty")
_MAX_SCALE = 18  # a scaled decimal is a 64-bit integer on SQLite


def type_of(annotation: Any, namespace: Mapping[str, Any] | None = None) -> ValueType:
    """The value type that an annotation stands for.

    ``namespace`` resolves annotations that are strings. Raises `QueryError` for what cannot be
    stored.
    """
    return _Resolver(dict(namespace or {})).resolve(annotation, {}, ())


@dataclasses.dataclass
class _Resolver:
    namespace: dict[str, Any]

    def resolve(
        self, annotation: Any, variables: Mapping[Any, Any], inside: tuple[Any, ...]
    ) -> ValueType:
        if isinstance(annotation, str | typing.ForwardRef):
            annotation = self.named(annotation)
        if annotation is None or annotation is types.NoneType:
            return NULL
        if isinstance(annotation, TypeVar):
            if annotation not in variables:
                raise QueryError(
                    f"{annotation} is a type variable, not a type that can be stored",
                    hint="give the type argument, as in Pair[Product, LineItem]",
                )
            return self.resolve(variables[annotation], variables, inside)
        if isinstance(annotation, typing.NewType):
            return self.resolve(annotation.__supertype__, variables, inside)
        if annotation in _KINDS:
            return Atom(_KINDS[annotation], python=annotation)
        if annotation is Empty:
            return _EMPTY_TYPE
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Annotated:
            return self.annotated(arguments, variables, inside)
        if origin is typing.Literal:
            return _literal(arguments)
        if origin in (typing.Union, types.UnionType):
            return self.union(annotation, arguments, variables, inside)
        if origin is tuple:
            if len(arguments) == 2 and arguments[1] is Ellipsis:
                return self.packed(annotation, variables)
            fields = tuple(
                (str(i), self.resolve(a, variables, inside)) for i, a in enumerate(arguments)
            )
            return Struct(fields, cls=tuple, build=Build.TUPLE)
        if origin is frozenset or origin is ZSetPython or annotation in (frozenset, ZSetPython):
            return self.packed(annotation, variables)
        row_class = origin or annotation
        if isinstance(row_class, type):
            if issubclass(row_class, enum.Enum):
                names = tuple(member.name for member in row_class)
                return Atom(Kind.ENUM, members=names, python=row_class)
            if (row_class, arguments) in inside:
                raise _Recursive(row_class, arguments)
            if dataclasses.is_dataclass(row_class) or _is_named_tuple(row_class):
                return self.row(annotation, row_class, arguments, variables, inside)
        raise QueryError(
            f"{_show(annotation)} is not a type that stepping can store",
            hint="use str, int, float, bool, bytes, Decimal, date, datetime, time, UUID, an Enum, "
            "X | None, a tuple, st.Data, a frozen dataclass or a NamedTuple",
        )

    def row(
        self,
        annotation: Any,
        row_class: Any,
        arguments: tuple[Any, ...],
        variables: Mapping[Any, Any],
        inside: tuple[Any, ...],
    ) -> ValueType:
        name = row_class.__name__
        arguments = tuple(variables.get(a, a) if isinstance(a, TypeVar) else a for a in arguments)
        own = _type_variables(row_class, arguments)
        key = (row_class, typing.get_args(annotation))
        if _is_named_tuple(row_class):
            names, build = row_class._fields, Build.POSITIONAL
        else:
            if not row_class.__dataclass_params__.frozen:
                raise QueryError(
                    f"{name} is a dataclass that is not frozen: a row must not change once stored",
                    hint="write @dataclass(frozen=True), or derive from st.Data",
                )
            for field in dataclasses.fields(row_class):
                if not field.init:
                    raise QueryError(
                        f"{name}.{field.name} has init=False, so a stored row could not be rebuilt",
                        hint="make it a property",
                    )
            names = tuple(field.name for field in dataclasses.fields(row_class))
            build = Build.POSITIONAL if issubclass(row_class, Pair) else Build.KEYWORD
        hints = self.hints(row_class)
        try:
            fields = tuple(
                (field, self.field(name, field, hints, own, (*inside, key))) for field in names
            )
        except _Recursive as recursion:
            if recursion.key == key:
                return self.packed(annotation, variables)
            raise
        if issubclass(row_class, Pair):
            name = pair_of(fields[0][1], fields[1][1]).name
        elif arguments:
            name += f"[{', '.join(map(_show, arguments))}]"
        return Struct(fields, cls=row_class, build=build, name=name)

    def field(
        self,
        row: str,
        name: str,
        hints: Mapping[str, Any],
        variables: Mapping[Any, Any],
        inside: tuple[Any, ...],
    ) -> ValueType:
        try:
            return self.resolve(hints[name], variables, inside)
        except _Recursive:
            raise
        except QueryError as error:
            raise QueryError(f"{row}.{name}: {error.message}", hint=error.hint) from None

    def hints(self, row_class: Any) -> dict[str, Any]:
        local = dict(self.namespace)
        for base in reversed(row_class.__mro__):
            local |= base.__dict__.get("__stepping_locals__", {})
        local.setdefault(row_class.__name__, row_class)
        try:
            return typing.get_type_hints(row_class, localns=local, include_extras=True)
        except NameError as error:
            raise QueryError(
                f"an annotation of {row_class.__name__} names {error.name!r}, which is not defined",
                hint="define it at the top of the module, or next to the query",
            ) from None

    def named(self, annotation: str | typing.ForwardRef) -> Any:
        text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        holder = types.new_class("_Holder")
        holder.__annotations__ = {"it": text}
        try:
            return typing.get_type_hints(
                holder, globalns=self.namespace, localns={}, include_extras=True
            )["it"]
        except NameError as error:
            raise QueryError(f"{text!r}: {error.name!r} is not defined here") from None

    def annotated(
        self, arguments: tuple[Any, ...], variables: Mapping[Any, Any], inside: tuple[Any, ...]
    ) -> ValueType:
        inner = self.resolve(arguments[0], variables, inside)
        for mark in arguments[1:]:
            if isinstance(inner, Atom) and inner.kind is Kind.DECIMAL and isinstance(mark, Scale):
                if not 0 <= mark.digits <= _MAX_SCALE:
                    raise QueryError(f"Scale({mark.digits}): a scale is from 0 to {_MAX_SCALE}")
                inner = dataclasses.replace(inner, scale=mark.digits)
            elif isinstance(inner, Atom) and inner.kind is Kind.DATETIME and mark is UTC:
                inner = dataclasses.replace(inner, kind=Kind.TIMESTAMP)
        return inner

    def union(
        self,
        annotation: Any,
        arguments: tuple[Any, ...],
        variables: Mapping[Any, Any],
        inside: tuple[Any, ...],
    ) -> ValueType:
        rest = [a for a in arguments if a is not types.NoneType and a is not Empty]
        if len(rest) == 1 and not (len(arguments) > 2):
            inner = self.resolve(rest[0], variables, inside)
            is_none = types.NoneType in arguments
            match inner:
                case Struct() if not inner.is_optional:
                    return inner.optional(Missing.NONE if is_none else Missing.EMPTY)
                case Atom() if is_none:
                    return inner.optional()
                case Atom():  # str | Empty: a struct of one, so that Empty is told from None
                    one = (("value", inner),)
                    return Struct(one, Missing.EMPTY, cls=None, build=Build.BARE, name=str(inner))
        return self.packed(annotation, variables)

    def packed(self, annotation: Any, variables: Mapping[Any, Any]) -> ValueType:
        if isinstance(annotation, type) or not variables:
            concrete = annotation
        else:
            concrete = _substituted(annotation, variables)
        nullable = types.NoneType in typing.get_args(annotation)
        return Atom(Kind.PACKED, nullable=nullable, python=concrete)


class _Recursive(QueryError):
    """A row class that contains itself: packed where it starts."""

    def __init__(self, row_class: Any, arguments: tuple[Any, ...]) -> None:
        super().__init__(f"{row_class.__name__} contains itself")
        self.key = (row_class, arguments)


def _substituted(annotation: Any, variables: Mapping[Any, Any]) -> Any:
    parameters = getattr(annotation, "__parameters__", ())
    if not parameters:
        return annotation
    return annotation[tuple(variables.get(p, p) for p in parameters)]


def _type_variables(row_class: Any, arguments: tuple[Any, ...]) -> dict[Any, Any]:
    """Type variable to type, for a generic row class and the generic bases it derives from."""
    found = dict(zip(getattr(row_class, "__parameters__", ()), arguments, strict=False))
    for base in getattr(row_class, "__orig_bases__", ()):
        origin = typing.get_origin(base)
        if origin is None or origin is Generic:
            continue
        inner = tuple(
            found.get(a, a) if isinstance(a, TypeVar) else a for a in typing.get_args(base)
        )
        found = {**_type_variables(origin, inner), **found}
    return found


def _literal(values: tuple[Any, ...]) -> ValueType:
    present = tuple(value for value in values if value is not None)
    kinds = {type(value) for value in present}
    if len(kinds) != 1:
        raise QueryError(
            f"Literal[{', '.join(map(repr, values))}] mixes types, so no one column can hold it",
            hint="use values of one type",
        )
    (python,) = kinds
    nullable = len(present) < len(values)
    if issubclass(python, enum.Enum):
        names = tuple(member.name for member in python)
        return Atom(Kind.ENUM, nullable, members=names, python=python, choices=present)
    return Atom(_KINDS[python], nullable, python=python, choices=present)


def _is_named_tuple(candidate: type) -> bool:
    return issubclass(candidate, tuple) and hasattr(candidate, "_fields")


def _show(annotation: Any) -> str:
    return annotation.__name__ if inspect.isclass(annotation) else str(annotation)
