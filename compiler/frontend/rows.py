"""Row classes, and the value type of an annotation."""

from __future__ import annotations

import builtins
import dataclasses
import datetime
import decimal
import enum
import inspect
import math
import sys
import types
import typing
import uuid
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Generic, TypeVar, dataclass_transform

from stepping.compiler.frontend.base_rows import declare_table, is_mapped, mapped_row, table_of
from stepping.compiler.frontend.fields import (
    UNIONS,
    bound_variables,
    fields_of,
    owner_of,
    substituted,
)
from stepping.compiler.frontend.keys import declare_key
from stepping.compiler.frontend.unions import united
from stepping.compiler.plan.base_tables import TableRef
from stepping.compiler.rebuilding import is_named_tuple
from stepping.compiler.schema import EMPTY as EMPTY
from stepping.compiler.schema import (
    NULL,
    Again,
    Atom,
    Build,
    Kind,
    Members,
    Several,
    Struct,
    ValueType,
    Weighted,
    has_columns,
)
from stepping.compiler.schema import Empty as Empty
from stepping.compiler.zset import ZSet, ZSetPython
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

    ``key="id"``, or a tuple of fields: no two rows of an input have the same. See `Action.upsert`.

    ``table="shop.items"``: the rows are those of a table that the application has already. Its
    columns have the fields' names, or those that ``Annotated[int, st.Column("unit_price")]`` gives.
    """

    def __init_subclass__(
        cls, *, table: str | None = None, key: str | tuple[str, ...] | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        declare_table(cls, table)
        own_order = any(name in cls.__dict__ for name in _ORDERING)
        dataclasses.dataclass(frozen=True, kw_only=True, order=not own_order)(cls)
        declare_key(cls, key)
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
    for side in (left, right):
        if not has_columns(side):
            raise QueryError(
                f"rows of {side} have no fields, so that a pair could not hold them",
                hint="give the row class a field",
            )
    fields = (("left", left), ("right", right))
    return Struct(fields, cls=Pair, build=Build.POSITIONAL, name=f"Pair[{left}, {right}]")


@dataclasses.dataclass(frozen=True)
class Scale:
    """``Annotated[Decimal, Scale(2)]``: that many digits after the point, stored as numeric."""

    digits: int


@dataclasses.dataclass(frozen=True)
class Range:
    """``Annotated[int, Range(0, 100)]``: what a row that is given may have in this field.

    Of a float, an int or a Decimal, both ends included. A value outside is a `RowError` that names
    the field. What is computed of such a field may be outside.
    """

    low: Any
    high: Any


AnyFloat = Annotated[float, Range(-math.inf, math.inf)]
"""A float whose infinities are values; elsewhere a row with one is a `RowError`."""


class Long:
    """``Annotated[str, Long]``: texts or bytes that may be longer than an index entry.

    Says so to readers. Rows are found by a hash of a long value, whether or not it is said.
    """


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
_COLLECTIONS: dict[Any, Any] = {tuple: Several, frozenset: Members, ZSetPython: Weighted}
_INSTEAD: dict[Any, str] = {
    list: "a row must not change once stored: write tuple[X, ...]",
    set: "a row must not change once stored: write frozenset[X]",
    dict: "a row must not change once stored: write tuple[tuple[K, V], ...], or a row per item",
    tuple: "say what is in it: tuple[X, ...], or tuple[X, Y]",
    frozenset: "say what is in it: frozenset[X]",
    ZSetPython: "say what is in it: st.ZSetPython[X]",
    ZSet: "a field holds a Z-set in memory: st.ZSetPython[X]",
}
_EMPTY_TYPE = Struct((), cls=EMPTY, build=Build.SINGLETON, name="Empty")
_MAX_NESTED = 10  # of one generic class inside itself: Box[Box[Box[int]]]
_MAX_ALIASES = 100
_MAX_SCALE = 18  # a scaled decimal is a 64-bit integer on SQLite


def type_of(annotation: Any, namespace: Mapping[str, Any] | None = None) -> ValueType:
    """The value type that an annotation stands for.

    ``namespace`` resolves annotations that are strings. Raises `QueryError` for what cannot be
    stored.
    """
    return _Resolver(dict(namespace or {})).resolve(annotation, _Place())


def row_table(annotation: Any, row: ValueType, namespace: Mapping[str, Any]) -> TableRef | None:
    """The table of the application that an input's rows are in, if they are in one."""
    resolver = _Resolver(dict(namespace))
    row_class = resolver.itself(annotation)
    if not isinstance(row_class, type):
        return None
    return table_of(row_class, row, {} if is_mapped(row_class) else resolver.hints(row_class))


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where an annotation stands: inside which row classes, the outermost first.

    ``packed``: inside a collected value, whose row classes are counted from its own beginning. A
    row class that is met again is packed there, so that its outermost fields have columns.
    """

    inside: tuple[Any, ...] = ()
    packed: bool = False

    def within(self, key: Any) -> _Place:
        return _Place((*self.inside, key), self.packed)

    def collected(self) -> _Place:
        return self if self.packed else _Place(packed=True)


@dataclasses.dataclass
class _Resolver:
    namespace: dict[str, Any]

    def resolve(self, annotation: Any, at: _Place) -> ValueType:
        annotation = self.itself(annotation)
        if annotation is None or annotation is types.NoneType:
            return NULL
        if isinstance(annotation, TypeVar):
            raise QueryError(
                f"{annotation} is a type variable, not a type that can be stored",
                hint="give the type argument, as in Pair[Product, LineItem]",
            )
        if isinstance(annotation, type) and annotation in _KINDS:
            return Atom(_KINDS[annotation], python=annotation)
        if annotation is Empty:
            return _EMPTY_TYPE
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Annotated:
            return self.annotated(arguments, at)
        if origin is typing.Literal:
            return _literal(arguments)
        if origin in UNIONS:
            return self.union(annotation, at)
        if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
            fields = tuple((str(i), self.resolve(a, at)) for i, a in enumerate(arguments))
            return Struct(fields, cls=tuple, build=Build.TUPLE)
        if origin in _COLLECTIONS:
            item = self.resolve(arguments[0], at.collected())
            return Atom(Kind.PACKED, collected=_COLLECTIONS[origin](item))
        row_class = origin or annotation
        if isinstance(row_class, type):
            if is_mapped(row_class):
                return mapped_row(row_class)
            if issubclass(row_class, enum.Enum):
                return _enum(row_class)
            if dataclasses.is_dataclass(row_class) or is_named_tuple(row_class):
                return self.row(annotation, row_class, arguments, at)
        raise QueryError(
            f"{_show(annotation)} is not a type that stepping can store",
            hint=_INSTEAD.get(row_class)
            or "use str, int, float, bool, bytes, Decimal, date, datetime, time, UUID, an Enum, "
            "X | None, a tuple, a frozenset, st.Data, a frozen dataclass or a NamedTuple",
        )

    def itself(self, annotation: Any) -> Any:
        """What an annotation means that is a name for another."""
        for _ in range(_MAX_ALIASES):
            if isinstance(annotation, str | typing.ForwardRef):
                annotation = self.named(annotation)
            elif isinstance(annotation, typing.NewType):
                annotation = annotation.__supertype__
            elif type(annotation).__name__ == "TypeAliasType":
                annotation = annotation.__value__
            else:
                return annotation
        raise QueryError(f"{_show(annotation)} is a name for itself")

    def row(
        self, annotation: Any, row_class: Any, arguments: tuple[Any, ...], at: _Place
    ) -> ValueType:
        key = (row_class, arguments)
        if key in at.inside:
            if not at.packed:
                whole = self.row(annotation, row_class, arguments, at.collected())
                assert isinstance(whole, Struct)
                return Atom(Kind.PACKED, collected=whole)
            up = len(at.inside) - 1 - at.inside.index(key)
            again = Again(up, row_class, _show(annotation))
            return Atom(Kind.PACKED, collected=again)
        if sum(1 for cls, _ in at.inside if cls is row_class) >= _MAX_NESTED:
            raise QueryError(
                f"{row_class.__name__} contains itself with other type arguments each time",
                hint="a row class may contain itself with the same type arguments only",
            )
        name = row_class.__name__
        names, build = fields_of(row_class)
        if issubclass(row_class, Pair):
            build = Build.POSITIONAL
        hints = self.hints(row_class)
        bound = bound_variables(row_class, arguments)
        fields = tuple(
            (
                field,
                self.field(
                    f"{name}.{field}",
                    substituted(
                        hints[field], {typing.Self: annotation, **bound[owner_of(row_class, field)]}
                    ),
                    at.within(key),
                ),
            )
            for field in names
        )
        if issubclass(row_class, Pair):
            name = pair_of(fields[0][1], fields[1][1]).name
        elif arguments:
            name += f"[{', '.join(map(_show, arguments))}]"
        return Struct(fields, cls=row_class, build=build, name=name)

    def field(self, where: str, annotation: Any, at: _Place) -> ValueType:
        try:
            return self.resolve(annotation, at)
        except QueryError as error:
            raise QueryError(f"{where}: {error.message}", hint=error.hint) from None

    def hints(self, row_class: Any) -> dict[str, Any]:
        """The annotations of a row class, each resolved where its class was written.

        Names that are not known there are looked up in the query's namespace: a row class may be
        local to the function that defines the query. Then what that function captured comes first.
        A class's own type variables are never another thing of the same name.
        """
        found: dict[str, Any] = {}
        for base in reversed(row_class.__mro__):
            written = vars(builtins) | vars(sys.modules.get(base.__module__, builtins))
            is_local = "<locals>" in base.__qualname__
            beside = is_local and self.namespace.get("__name__") == base.__module__
            names = written | self.namespace if beside else self.namespace | written
            names |= base.__dict__.get("__stepping_locals__", {})
            names |= {variable.__name__: variable for variable in _variables_of(base)}
            names.setdefault(base.__name__, base)
            try:
                found |= self.evaluated(inspect.get_annotations(base), names)
            except NameError as error:
                raise QueryError(
                    f"an annotation of {base.__name__} names {error.name!r}, which is not defined",
                    hint="define it at the top of the module, or next to the query",
                ) from None
        return found

    def evaluated(self, annotations: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
        holder = types.new_class("_Holder")
        holder.__annotations__ = annotations
        return typing.get_type_hints(holder, globalns=names, localns={}, include_extras=True)

    def named(self, annotation: str | typing.ForwardRef) -> Any:
        text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        try:
            return self.evaluated({"it": text}, self.namespace)["it"]
        except NameError as error:
            raise QueryError(f"{text!r}: {error.name!r} is not defined here") from None

    def annotated(self, arguments: tuple[Any, ...], at: _Place) -> ValueType:
        inner = self.resolve(arguments[0], at)
        for mark in arguments[1:]:
            if isinstance(inner, Atom) and inner.kind is Kind.DECIMAL and isinstance(mark, Scale):
                if not 0 <= mark.digits <= _MAX_SCALE:
                    raise QueryError(f"Scale({mark.digits}): a scale is from 0 to {_MAX_SCALE}")
                inner = dataclasses.replace(inner, scale=mark.digits)
            elif isinstance(mark, Range):
                inner = _within(inner, mark)
            elif isinstance(inner, Atom) and inner.kind is Kind.DATETIME and mark is UTC:
                inner = dataclasses.replace(inner, kind=Kind.TIMESTAMP)
        return inner

    def union(self, annotation: Any, at: _Place) -> ValueType:
        alternatives = list(self.alternatives(annotation))
        rest = [a for a in alternatives if a is not types.NoneType and a is not Empty]
        missing = [self.resolve(a, at) for a in alternatives if a is types.NoneType or a is Empty]
        if len(rest) > 1:
            made = united([*(self.resolve(a, at.collected()) for a in rest), *missing])
            if isinstance(made, Atom) or made.build is Build.BARE:
                return made
            # Two names for one row class, which has columns of its own.
        return united([*(self.resolve(a, at) for a in rest[:1]), *missing])

    def alternatives(self, annotation: Any) -> Iterator[Any]:
        annotation = self.itself(annotation)
        if typing.get_origin(annotation) in UNIONS:
            for argument in typing.get_args(annotation):
                yield from self.alternatives(argument)
        else:
            yield annotation


def _within(inner: ValueType, bounds: Range) -> Atom:
    """A type of number with its bounds."""
    if not isinstance(inner, Atom) or inner.kind not in (Kind.INT, Kind.FLOAT, Kind.DECIMAL):
        raise QueryError(
            f"{bounds} is of a {inner}",
            hint="a Range is of numbers: Annotated[int, st.Range(0, 100)]",
        )
    try:
        is_empty = not bounds.low <= bounds.high
    except TypeError:
        is_empty = True
    if is_empty or isinstance(bounds.low, str):
        raise QueryError(f"{bounds} has no numbers in it", hint="give the lower end first")
    return dataclasses.replace(inner, low=bounds.low, high=bounds.high)


def hints_of(row_class: Any, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The annotations of a row class by field, with its type variables left open."""
    return _Resolver(dict(namespace)).hints(row_class)


def _variables_of(cls: Any) -> tuple[Any, ...]:
    return tuple(cls.__dict__.get("__parameters__", ()))


def _enum(row_class: type[enum.Enum], choices: tuple[Any, ...] = ()) -> Atom:
    members = list(row_class)
    if len(set(members)) < len(members):
        raise QueryError(
            f"members of {row_class.__name__} equal each other, and a database holds their names",
            hint="leave out the __eq__ and __hash__ of its own",
        )
    names = tuple(member.name for member in members)
    return Atom(Kind.ENUM, members=names, python=row_class, choices=choices)


def _literal(values: tuple[Any, ...]) -> ValueType:
    kinds = dict.fromkeys(type(value) for value in values)
    return united([_literal_of(kind, [v for v in values if type(v) is kind]) for kind in kinds])


def _literal_of(python: type, values: list[Any]) -> ValueType:
    if python is types.NoneType:
        return NULL
    if issubclass(python, enum.Enum):
        return _enum(python, tuple(values))
    return Atom(_KINDS[python], python=python, choices=tuple(values))


def _show(annotation: Any) -> str:
    """An annotation without the names of modules: the name of an alternative may hold it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is types.NoneType:
        return "None"
    if annotation is Ellipsis:
        return "..."
    if origin is typing.Annotated:
        return _show(arguments[0])
    if origin in UNIONS:
        return " | ".join(map(_show, arguments))
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is not None:
        return f"{_show(origin)}[{', '.join(map(_show, arguments))}]"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
