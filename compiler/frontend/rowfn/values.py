"""What a row function handles while it is translated.

A scalar here is never NULL: a value that may be None is a `Choice` between None and a scalar, and
an optional row one between `EMPTY` (or None) and a record. So the rules of None are nowhere but in
`Choice`, and knowing more about a row is nothing but deciding choices.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.narrowing import Protection
from stepping.compiler.frontend.rowfn.source import Definition, FunctionNode
from stepping.compiler.frontend.rows import Pair, hints_of, type_of
from stepping.compiler.ir.function import Source
from stepping.compiler.rebuilding import is_named_tuple, maker
from stepping.compiler.schema import (
    EMPTY,
    Atom,
    Build,
    Column,
    Kind,
    Missing,
    Schema,
    Struct,
    ValueType,
)
from stepping.errors import QueryError


@dataclass(frozen=True, eq=False)
class Static:
    """A Python object that is known while translating: a constant, a function, a class."""

    value: Any


@dataclass(frozen=True, eq=False)
class Items:
    """A tuple of values, or a list, which never changes here: what would change one is no SQL."""

    items: tuple[Value, ...]
    of: type = tuple


@dataclass(frozen=True, eq=False)
class SetOf:
    """A set or frozenset of the values ``items``, of which some may be equal, in no order."""

    items: tuple[Value, ...]
    of: type


@dataclass(frozen=True, eq=False)
class Record:
    """An instance of a row class. Values are as they were given: a conversion to the fields'
    types happens when a row is stored, in Python as here.

    The type of a field is None where the class leaves it open (`Pair` without arguments).
    """

    cls: type
    build: Build
    names: tuple[str, ...]
    types: tuple[ValueType | None, ...]
    values: tuple[Value, ...]
    origins: tuple[Source | None, ...] = ()

    def named(self, name: str) -> Value:
        return self.values[self.names.index(name)]


@dataclass(frozen=True, eq=False)
class Choice:
    """``then`` where the condition holds, else ``otherwise``."""

    condition: ir.Scalar
    then: Value
    otherwise: Value


@dataclass(frozen=True, eq=False)
class Never:
    """No value: Python raises before there is one."""

    raised: ir.Raise


@dataclass(frozen=True, eq=False)
class Unbound:
    """A local variable that was not assigned on the path that led here."""

    name: str


@dataclass(frozen=True, eq=False)
class Unknown:
    """The result of something that cannot be translated, of a type that is not known either."""


@dataclass(frozen=True, eq=False)
class Bound:
    """A Python function with its first argument."""

    function: Value
    receiver: Value


@dataclass(frozen=True, eq=False)
class Method:
    """A method of a builtin type, not called yet."""

    receiver: Value
    name: str


@dataclass(eq=False)
class Frame:
    """One call of a function, or one run of a comprehension: a scope with variables of its own.

    What they hold depends on the path, and is in a `State`.
    """

    variables: frozenset[str]
    definition: Definition
    function: Any  # the function object, for its globals and closure
    outer: Frame | None = None
    is_captured: bool = False  # by a function that was defined in it

    def owner(self, name: str) -> Frame | None:
        """The scope that a variable belongs to; None if it is no local variable."""
        frame: Frame | None = self
        while frame is not None and name not in frame.variables:
            frame = frame.outer
        return frame


# What each variable holds where a path has come to: replaced, never changed in place.
State = Mapping[tuple[Frame, str], "Value"]


@dataclass(frozen=True, eq=False)
class Closure:
    """A function defined inside the row function."""

    node: FunctionNode
    frame: Frame
    defaults: dict[str, Value]


@dataclass(frozen=True, eq=False)
class Keywords:
    """The ``**kwargs`` of a call."""

    items: dict[str, Value]


Value = (
    ir.Scalar
    | Static
    | Items
    | SetOf
    | Record
    | Choice
    | Never
    | Unbound
    | Unknown
    | Bound
    | Method
    | Closure
    | Keywords
)

Scalar = (
    ir.ColumnRef,
    ir.Const,
    ir.Call,
    ir.Case,
    ir.And,
    ir.Or,
    ir.Not,
    ir.IsNull,
    ir.Raise,
)
"""For ``isinstance``: the scalars among the values."""

NONE = Static(None)
UNKNOWN = object()  # what `object_of` gives for a value that depends on the row
MISSING = {Missing.NONE: NONE, Missing.EMPTY: Static(EMPTY)}


def argument(value_type: ValueType, columns: Iterator[Column]) -> Value:
    """The value of an argument that is stored in ``columns``, which are taken one by one."""
    match value_type:
        case Atom(kind=Kind.NULL):
            next(columns)
            return NONE
        case Atom():
            column = next(columns)
            there = ir.ColumnRef(column.name, value_type.required())
            if not value_type.nullable:
                return there
            return Choice(ir.IsNull(ir.ColumnRef(column.name, column.type)), NONE, there)
        case Struct() if value_type.is_optional:
            flag = next(columns)
            inner = argument(value_type.required(), columns)
            return Choice(ir.ColumnRef(flag.name, flag.type), inner, MISSING[value_type.missing])
    fields = tuple(argument(inner, columns) for _, inner in value_type.fields)
    match value_type.build:
        case Build.TUPLE:
            return Items(fields)
        case Build.SINGLETON:
            return Static(value_type.cls)
        case Build.BARE:
            return fields[0]
        case Build.KEYWORD | Build.POSITIONAL:
            names = tuple(name for name, _ in value_type.fields)
            types = tuple(inner for _, inner in value_type.fields)
            return Record(value_type.cls, value_type.build, names, types, fields)


def argument_of(schema: Schema) -> Value:
    return argument(schema.type, iter(schema.columns))


def protection_of(schema: Schema) -> Protection:
    """Which columns of an argument are NULL when."""
    flags: dict[str, tuple[ir.Scalar, ...]] = {}
    own: set[str] = set()
    columns = iter(schema.columns)

    def walk(value_type: ValueType, outer: tuple[ir.Scalar, ...]) -> None:
        match value_type:
            case Atom():
                column = next(columns)
                flags[column.name] = outer
                if value_type.nullable:
                    own.add(column.name)
            case Struct():
                if value_type.is_optional:
                    flag = next(columns)
                    flags[flag.name] = outer
                    outer = (*outer, ir.ColumnRef(flag.name, flag.type))
                for _, inner in value_type.fields:
                    walk(inner, outer)

    walk(schema.type, ())
    return Protection({column.name: column for column in schema.columns}, flags, frozenset(own))


def same_static(a: Any, b: Any) -> bool:
    """Whether two known objects are one constant: 1, True and 1.0 are three."""
    if a is b:
        return True
    if type(a) is not type(b) or not isinstance(a, int | float | str | bytes):
        return False
    return repr(a) == repr(b)


def join(condition: ir.Scalar, then: Value, otherwise: Value) -> Value:
    if then is otherwise:
        return then
    if isinstance(then, Static) and isinstance(otherwise, Static):
        if same_static(then.value, otherwise.value):
            return then
    elif isinstance(then, Scalar) and isinstance(otherwise, Scalar) and then == otherwise:
        return then
    return Choice(condition, then, otherwise)


def row_shape(
    annotation: Any, namespace: Mapping[str, Any]
) -> tuple[Build, tuple[str, ...], tuple[ValueType | None, ...]] | None:
    """How a row class is built, its fields, and their types (None where it leaves them open).

    None if it is no row class with columns of its own; a `QueryError` if it cannot be stored.
    """
    cls = typing.get_origin(annotation) or annotation
    named = issubclass(cls, tuple) and hasattr(cls, "_fields")
    if not named and not dataclasses.is_dataclass(cls):
        return None
    try:
        kind = type_of(annotation, namespace)
    except QueryError:
        if annotation is not cls or not getattr(cls, "__parameters__", ()):
            raise
    else:
        if not isinstance(kind, Struct):
            return None
        return kind.build, *(zip(*kind.fields, strict=True) if kind.fields else ((), ()))
    # A generic class without arguments.
    names = cls._fields if named else tuple(f.name for f in dataclasses.fields(cls))
    hints = hints_of(cls, namespace)
    build = Build.POSITIONAL if named or cls is Pair else Build.KEYWORD
    return build, names, tuple(_type_or_open(hints[name], namespace) for name in names)


def _type_or_open(annotation: Any, namespace: Mapping[str, Any]) -> ValueType | None:
    try:
        return type_of(annotation, namespace)
    except QueryError:
        return None


def known(value: Any) -> Value:
    """A Python object that was captured: an instance of a row class is a record."""
    cls = type(value)
    if isinstance(value, type) or not (dataclasses.is_dataclass(cls) or is_named_tuple(cls)):
        return Static(value)
    try:
        shape = row_shape(type(value), {})
    except QueryError:
        return Static(value)
    if shape is None:
        return Static(value)
    build, names, types = shape
    return Record(
        type(value), build, names, types, tuple(known(getattr(value, name)) for name in names)
    )


def constant_of(value: Value) -> Any:
    """As `object_of`, of a record as well: what is packed as a whole."""
    match value:
        case Record():
            parts = [constant_of(part) for part in value.values]
            if any(part is UNKNOWN for part in parts):
                return UNKNOWN
            return maker(value.cls, value.names)(*parts)
        case Items() | SetOf():
            items = [constant_of(item) for item in value.items]
            return UNKNOWN if any(item is UNKNOWN for item in items) else value.of(items)
        case _:
            return object_of(value)


def object_of(value: Value) -> Any:
    """The Python object that a value is; `UNKNOWN` if it depends on the row."""
    match value:
        case Static():
            return value.value
        case Items() | SetOf():
            items = [object_of(item) for item in value.items]
            return UNKNOWN if any(item is UNKNOWN for item in items) else value.of(items)
        case Method(receiver=Static(value=thing)):
            return getattr(thing, value.name, UNKNOWN)
        case _:
            return UNKNOWN
