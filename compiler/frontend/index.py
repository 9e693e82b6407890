"""Index: what rows are looked up, joined, grouped and ordered by."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from stepping.compiler import ir
from stepping.compiler.codec import Codec, python_codec, value_of
from stepping.compiler.exact import called
from stepping.compiler.frontend.row_calls import columns_of
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.translate import translate
from stepping.compiler.frontend.rows import type_of
from stepping.compiler.schema import (
    Atom,
    Build,
    Column,
    Kind,
    Struct,
    ValueType,
    free_name,
    has_columns,
    schema_of,
)
from stepping.compiler.zset import order_key
from stepping.errors import QueryError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
K = TypeVar("K")
K_co = TypeVar("K_co", covariant=True)


@dataclass(frozen=True, eq=False)
class Index(Generic[T_co, K_co]):
    """A key of a row: one value, or a tuple of values, each ascending or descending.

    `None` sorts first where ascending. Two indexes are equal that pick the same columns in the same
    directions.
    """

    row: Any
    f: Callable[[Any], K_co]
    direction: bool | tuple[bool, ...] = True
    key_type: Any = None
    given_names: tuple[str, ...] = field(default=())

    # With type variables of the method mypy takes what a lambda returns for Any.
    @classmethod
    def pick(
        cls, t: type[T_co], f: Callable[[T_co], K_co], ascending: bool | tuple[bool, ...] = True
    ) -> Index[T_co, K_co]:
        """The key that ``f`` picks: a field, a nested field, an expression, or a tuple of them."""
        return Index(t, f, ascending)

    @classmethod
    def identity(cls, t: type[K], ascending: bool = True) -> Index[K, K]:
        """The row itself, for Z-sets of plain values."""
        return Index(t, _itself, ascending)

    @classmethod
    def atom(
        cls,
        name: str,
        t: type[T_co],
        k: type[K_co],
        f: Callable[[T_co], K_co],
        ascending: bool = True,
    ) -> Index[T_co, K_co]:
        """A key of one value, with its name and type given."""
        return Index(t, f, ascending, k, (name,))

    @classmethod
    def composite(
        cls,
        names: tuple[str, ...],
        t: type[T_co],
        k: type[K_co],
        f: Callable[[T_co], K_co],
        ascending: bool | tuple[bool, ...] = True,
    ) -> Index[T_co, K_co]:
        """A key of several values, with their names and the tuple type given."""
        return Index(t, f, ascending, k, names)

    @cached_property
    def argument(self) -> ValueType:
        """The type of the rows it is an index of."""
        return type_of(self.row)

    @cached_property
    def function(self) -> ir.RowFunction:
        """The translated key function."""
        found = translate(self.f, (self.argument,), what="st.Index.pick")
        if self.key_type is not None:
            wanted = type_of(self.key_type)
            if wanted != found.type:
                raise QueryError(
                    f"the index {self.given_names} is declared as {wanted} and picks {found.type}",
                    where=str(found.source) if found.source else None,
                    hint="declare the type of what the function returns",
                )
        return found

    @property
    def type(self) -> ValueType:
        return self.function.type

    @property
    def is_composite(self) -> bool:
        return is_composite(self.type)

    @property
    def parts(self) -> tuple[ValueType, ...]:
        """The types of the key's values."""
        return key_parts(self.type)

    @property
    def ascending(self) -> tuple[bool, ...]:
        if isinstance(self.direction, bool):
            return (self.direction,) * len(self.parts)
        if len(self.direction) != len(self.parts):
            raise QueryError(
                f"ascending= has {len(self.direction)} values, and the key has {len(self.parts)}",
                hint="give one bool, or one for each part of the key",
            )
        return self.direction

    @property
    def column_ascending(self) -> tuple[bool, ...]:
        """The direction of each column of the key; a part may have several."""
        return directions(self.type, self.ascending)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each column of the key, for columns and tables made from it."""
        if self.given_names and len(self.given_names) == len(self.parts):
            return self.given_names
        return key_names(self.function)

    def key(self, row: Any) -> K_co:
        """The key of a row."""
        key: K_co = self._codec.canonical(called(self.f, (row,)))
        return key

    def canonical(self, key: Any) -> Any:
        """A key as rows have it: see `key`."""
        return self._codec.canonical(key)

    @cached_property
    def _codec(self) -> Codec:
        return python_codec(self.type)

    def tie(self, row: Any) -> Any:
        """By what rows with equal keys are ordered: the whole row, in column order."""
        return tuple(map(order_key, python_codec(self.argument).encode(row)))

    @property
    def is_ordered(self) -> bool:
        """Whether a database orders rows by the key as Python does: not by a collected value."""
        return all(c.type.kind is not Kind.PACKED for c in schema_of(self.type).columns)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Index):
            return NotImplemented
        return (self.function, self.ascending) == (other.function, other.ascending)

    def __hash__(self) -> int:
        return hash((self.function, self.ascending))

    def __str__(self) -> str:
        return f"{', '.join(self.names)} ({', '.join(str(part) for part in self.parts)})"


def _itself(row: Any) -> Any:
    return row


def is_composite(value_type: ValueType) -> bool:
    """Whether a key is a tuple of values that each have a direction."""
    if not isinstance(value_type, Struct) or value_type.is_optional:
        return False
    return value_type.build is Build.TUPLE and has_columns(value_type)


def key_parts(value_type: ValueType) -> tuple[ValueType, ...]:
    """The types of the values that a key is made of: those of a tuple, or the one."""
    if isinstance(value_type, Struct) and is_composite(value_type):
        return tuple(inner for _, inner in value_type.fields)
    return (value_type,)


def directions(value_type: ValueType, ascending: Sequence[bool]) -> tuple[bool, ...]:
    """The direction of each column of a key, given that of each of its parts."""
    if not is_composite(value_type):
        return tuple(ascending) * len(schema_of(value_type))
    return tuple(
        up
        for up, part in zip(ascending, key_parts(value_type), strict=True)
        for _ in (schema_of(part).columns if has_columns(part) else ())
    )


def key_names(function: ir.RowFunction) -> tuple[str, ...]:
    """A readable name for each column that a key function gives."""
    taken: set[str] = set()
    columns = schema_of(function.type).columns
    scalars: tuple[ir.Scalar | None, ...] = function.scalars or (None,) * len(columns)
    return tuple(
        free_name(scalar.name if isinstance(scalar, ir.ColumnRef) else "key", taken)
        for scalar in scalars
    )


def join_types(value_type: ValueType) -> tuple[Atom, ...]:
    """The types of a key's columns as a join compares them: with None taken away."""
    columns = schema_of(value_type).columns
    flags = presence_flags(value_type)
    return tuple(c.type.required() for c, flag in zip(columns, flags, strict=True) if not flag)


def presence_flags(value_type: ValueType) -> tuple[bool, ...]:
    """For each column of a type, whether it only says if an optional row is there."""

    def flags(inner: ValueType) -> Iterator[bool]:
        if isinstance(inner, Atom):
            yield False
            return
        if inner.is_optional:
            yield True
        for _, field_type in inner.fields:
            yield from flags(field_type)

    return tuple(flags(value_type)) or (False,)


def join_function(function: ir.RowFunction) -> ir.RowFunction:
    """A key function as a join compares it, which may be with a key that is never None.

    An optional row in the key counts as its columns: they are None where it is not there, and None
    matches nothing, so that the flag which says so is left out.
    """
    flags = presence_flags(function.type)
    if not any(flags):
        return function
    kept = [i for i, flag in enumerate(flags) if not flag]
    columns = schema_of(function.type).columns
    encode, get = python_codec(function.type).encode, function.call

    def call(row: Any) -> tuple[Any, ...]:
        values = encode(get(row))
        return tuple(value_of(values[i], columns[i].type) for i in kept)

    return dataclasses.replace(
        function,
        type=Struct(tuple((str(n), columns[i].type) for n, i in enumerate(kept))),
        scalars=None if function.scalars is None else tuple(function.scalars[i] for i in kept),
        python=function.python and f"columns that are joined: {function.python}",
        call=call,
    )


def join_key(function: ir.RowFunction) -> Callable[[Any], tuple[Any, ...] | None]:
    """The key of a row as a join compares it, or None where a part of it is None."""
    columns_of_row = columns_of(function)

    def key(row: Any) -> tuple[Any, ...] | None:
        columns = columns_of_row(row)
        return None if None in columns else columns

    return key


def picked(value_type: ValueType, columns: Iterable[Column]) -> ir.RowFunction:
    """The row function that gives these columns as a value; only its scalars are used."""
    scalars = tuple(ir.ColumnRef(column.name, column.type) for column in columns)
    return ir.RowFunction(value_type, scalars, name="columns")


def ordering(
    scalars: Sequence[ir.Scalar], ascending: Sequence[bool]
) -> tuple[tuple[ir.Scalar, ...], tuple[bool, ...]]:
    """The scalars that rows are ordered by, so that any database orders them as Python does.

    In front of a value that may be None stands whether it is there, since databases disagree on
    where NULL sorts; in front of an enum that is ordered by value, its value.
    """
    found: list[tuple[ir.Scalar, bool]] = []
    for scalar, up in zip(scalars, ascending, strict=True):
        if scalar.type.nullable:
            found.append((ir.Not(ir.IsNull(scalar)), up))
        if scalar.type.kind is Kind.ENUM and issubclass(scalar.type.python, int | str):
            found.append((functions.as_value(scalar), up))
        found.append((scalar, up))
    return tuple(each for each, _ in found), tuple(up for _, up in found)
