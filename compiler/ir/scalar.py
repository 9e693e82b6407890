"""Scalars: typed expressions over the columns of one row. A closed set.

A scalar means exactly what the Python it was translated from means. How a database spells it, and
whether it can, is asked of the dialect when lowering.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
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
    """The same scalar with ``change`` applied to each direct part."""
    match scalar:
        case ColumnRef() | Const():
            return scalar
        case Call():
            return Call(
                scalar.function, tuple(map(change, scalar.args)), scalar.type, scalar.partial
            )
        case Native():
            return dataclasses.replace(scalar, args=tuple(map(change, scalar.args)))
        case Case():
            whens = tuple((change(a), change(b)) for a, b in scalar.whens)
            return Case(whens, change(scalar.otherwise), scalar.type)
        case And():
            return And(tuple(map(change, scalar.parts)))
        case Or():
            return Or(tuple(map(change, scalar.parts)))
        case Not():
            return Not(change(scalar.part))
        case IsNull():
            return IsNull(change(scalar.part))
        case Raise():
            return Raise(change(scalar.message), scalar.type)
        case _:
            assert_never(scalar)


def substitute(scalar: Scalar, columns: Mapping[str, Scalar]) -> Scalar:
    """``scalar`` with each column replaced: what composing two row functions means."""
    done: dict[Scalar, Scalar] = {}

    def change(part: Scalar) -> Scalar:
        if isinstance(part, ColumnRef):
            return columns[part.name]
        if part not in done:
            done[part] = rebuild(part, change)
        return done[part]

    return change(scalar)


def columns_read(scalar: Scalar) -> frozenset[str]:
    """Names of the columns that a scalar reads."""
    seen: set[Scalar] = set()
    names: set[str] = set()
    todo = [scalar]
    while todo:
        part = todo.pop()
        if part in seen:
            continue
        seen.add(part)
        if isinstance(part, ColumnRef):
            names.add(part.name)
        todo.extend(children(part))
    return frozenset(names)


def is_partial(scalar: Scalar) -> bool:
    """Whether it can raise. A Case may protect its parts; that it does is not looked into."""
    seen: set[Scalar] = set()
    todo = [scalar]
    while todo:
        part = todo.pop()
        if isinstance(part, Raise) or (isinstance(part, Call | Native) and part.partial):
            return True
        if part not in seen:
            seen.add(part)
            todo.extend(children(part))
    return False


def size(scalar: Scalar) -> int:
    """Number of nodes as written out: what substituting it twice would cost in SQL text."""
    return 1 + sum(size(part) for part in children(scalar))
