"""Scalars: typed expressions over the columns of one row. A closed set.

A scalar means exactly what the Python it was translated from means. How a database spells it, and
whether it can, is asked of the dialect when lowering.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from stepping.compiler.ir.node import Node, node
from stepping.compiler.schema import BOOL, TEXT, Atom, Struct


@node
class ColumnRef(Node):
    """A column of the row by name."""

    name: str
    type: Atom


@node
class Const(Node):
    """A constant in canonical form. None has an atom that is nullable."""

    value: Any
    type: Atom


@node
class Call(Node):
    """One row of the function table, `frontend/rowfn/functions.py`, applied.

    ``partial``: it raises for some arguments, so it must not be evaluated where Python would not
    evaluate it.
    """

    function: str
    args: tuple[Scalar, ...]
    type: Atom
    partial: bool = False


@node
class Case(Node):
    """The first value whose condition is true, else ``otherwise``. Conditions are never NULL.

    The only scalar that protects its parts: a value is evaluated only where its condition holds.
    """

    whens: tuple[tuple[Scalar, Scalar], ...]
    otherwise: Scalar
    type: Atom


@node
class And(Node):
    """All of the parts, which are total and never NULL (else a Case stands in its place)."""

    parts: tuple[Scalar, ...]
    type: Atom = BOOL


@node
class Or(Node):
    """Any of the parts, which are total and never NULL."""

    parts: tuple[Scalar, ...]
    type: Atom = BOOL


@node
class Not(Node):
    part: Scalar
    type: Atom = BOOL


@node
class IsNull(Node):
    part: Scalar
    type: Atom = BOOL


@node
class Raise(Node):
    """Fail the iteration with ``message``: where Python would have raised.

    A dialect sees to it that this waits for a row: databases compute constants early, also inside
    CASE.
    """

    message: Scalar  # text
    type: Atom = TEXT


@node
class Native(Node):
    """An expression in the words of one database: ``words``, with an argument between each two.

    It means what that database means by it, errors and NULL included; a condition may be NULL.
    The words are in a form in which case and spaces do not matter any more; ``written`` are those
    of the query, which statements have.
    """

    words: tuple[str, ...]  # one more than there are arguments
    args: tuple[Scalar, ...]
    type: Atom
    partial: bool = False
    written: tuple[str, ...] = field(default=(), compare=False)

    @property
    def shown(self) -> tuple[str, ...]:
        """The words that statements have."""
        return self.written or self.words


Scalar = ColumnRef | Const | Call | Case | And | Or | Not | IsNull | Raise | Native


@dataclass(frozen=True)
class StructValue:
    """A struct whose fields are known as scalars; ``present`` is set for an optional one."""

    type: Struct
    fields: tuple[Value, ...]
    present: Scalar | None = None


Value = ColumnRef | Const | Call | Case | And | Or | Not | IsNull | Raise | Native | StructValue
"""What a row function handles while it is translated: an atom's scalar, or a struct of values."""


def children(scalar: Scalar) -> tuple[Scalar, ...]:
    match scalar:
        case ColumnRef() | Const():
            return ()
        case Call() | Native():
            return scalar.args
        case Case():
            return (*(part for when in scalar.whens for part in when), scalar.otherwise)
        case And() | Or():
            return scalar.parts
        case Not() | IsNull():
            return (scalar.part,)
        case Raise():
            return (scalar.message,)
        case _:
            assert_never(scalar)


def rebuild(scalar: Scalar, change: Callable[[Scalar], Scalar]) -> Scalar:
    """The same scalar with ``change`` applied to each direct part; itself if none changes."""
    parts = children(scalar)
    changed = [change(part) for part in parts]
    if all(new is old for new, old in zip(changed, parts, strict=True)):
        return scalar
    return _with_parts(scalar, tuple(changed))


def _with_parts(scalar: Scalar, parts: tuple[Scalar, ...]) -> Scalar:
    """A scalar with other parts, in the order in which `children` has them."""
    match scalar:
        case ColumnRef() | Const():
            return scalar
        case Call():
            return Call(scalar.function, parts, scalar.type, scalar.partial)
        case Native():
            return dataclasses.replace(scalar, args=parts)
        case Case():
            whens = tuple(zip(parts[:-1:2], parts[1::2], strict=True))
            return Case(whens, parts[-1], scalar.type)
        case And():
            return And(parts)
        case Or():
            return Or(parts)
        case Not():
            return Not(parts[0])
        case IsNull():
            return IsNull(parts[0])
        case Raise():
            return Raise(parts[0], scalar.type)
        case _:
            assert_never(scalar)


def substitute(scalar: Scalar, columns: Mapping[str, Scalar]) -> Scalar:
    """``scalar`` with each column replaced: what composing two row functions means."""
    # By identity: the digests of all parts would take longer than the rest.
    done: dict[int, Scalar] = {}

    def change(part: Scalar) -> Scalar:
        if isinstance(part, ColumnRef):
            return columns[part.name]
        key = id(part)
        if key not in done:
            done[key] = rebuild(part, change)
        return done[key]

    return change(scalar)


def parts_of(scalar: Scalar) -> Iterator[Scalar]:
    """A scalar and all that it is made of; what stands in it twice comes once."""
    seen: set[int] = set()
    todo = [scalar]
    while todo:
        part = todo.pop()
        if id(part) not in seen:
            seen.add(id(part))
            yield part
            todo.extend(children(part))


def columns_read(scalar: Scalar) -> frozenset[str]:
    """Names of the columns that a scalar reads."""
    return frozenset(part.name for part in parts_of(scalar) if isinstance(part, ColumnRef))


def is_partial(scalar: Scalar) -> bool:
    """Whether it can raise. A Case may protect its parts; that it does is not looked into."""
    return any(
        isinstance(part, Raise) or (isinstance(part, Call | Native) and part.partial)
        for part in parts_of(scalar)
    )


def is_finite(scalar: Scalar) -> bool:
    """Whether no value of it is an infinity."""
    match scalar:
        case Const(value):
            return not (isinstance(value, float) and math.isinf(value))
        case Case():
            return all(is_finite(value) for _, value in scalar.whens) and is_finite(
                scalar.otherwise
            )
        case _:
            return not scalar.type.infinite


def size(scalar: Scalar) -> int:
    """Number of nodes as written out: what substituting it twice would cost in SQL text."""
    return 1 + sum(size(part) for part in children(scalar))
