"""What relations are made of, and their columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import assert_never

from stepping.compiler.ir.algebra import (
    GROUP_NEW,
    GROUP_OLD,
    Accumulate,
    Closure,
    Computed,
    Constant,
    Contribution,
    Filter,
    First,
    Match,
    Negate,
    Nothing,
    Project,
    Read,
    Regroup,
    Relation,
    Sum,
    Tabled,
    Threshold,
    new_name,
    old_name,
)
from stepping.compiler.ir.scalar import ColumnRef, Scalar
from stepping.compiler.schema import INT, Atom, Column
from stepping.errors import InternalError


def column_names(relation: Relation) -> tuple[str, ...]:
    """The names of a relation's columns, its weight apart."""
    match relation:
        case Read():
            return relation.operator.schema.names
        case Project() | Regroup():
            return tuple(name for name, _ in relation.columns)
        case Filter() | Negate():
            return column_names(relation.source)
        case Match():
            return relation.names
        case Sum():
            return column_names(relation.parts[0])
        case Accumulate():
            values = (*relation.sums, *relation.others)
            sums = (part(value.name) for value in values for part in (old_name, new_name))
            return (*(name for name, _ in relation.keys), GROUP_OLD, GROUP_NEW, *sums)
        case Computed() | Threshold() | First() | Closure():
            return relation.operator.schema.names
        case Constant() | Nothing():
            return relation.names
        case _:
            assert_never(relation)


def sources(relation: Relation) -> tuple[Relation, ...]:
    """The relations that one is made of."""
    match relation:
        case Read() | Constant() | Nothing():
            return ()
        case Project() | Filter() | Negate() | Threshold() | First() | Regroup() | Computed():
            return (relation.source,)
        case Closure():
            return relation.presence
        case Accumulate():
            return tuple(each.source for each in relation.contributions)
        case Match():
            return (relation.left, relation.right)
        case Sum():
            return relation.parts
        case _:
            assert_never(relation)


def with_sources(relation: Relation, parts: tuple[Relation, ...]) -> Relation:
    """The same relation over other ones."""
    match relation:
        case Read() | Constant() | Nothing():
            return relation
        case Project():
            return Project(parts[0], relation.columns)
        case Filter():
            return Filter(parts[0], relation.predicate)
        case Negate():
            return Negate(parts[0])
        case Accumulate():
            contributions = tuple(
                Contribution(part, each.keys, each.values, each.counts)
                for part, each in zip(parts, relation.contributions, strict=True)
                if not isinstance(part, Nothing)
            )
            return dataclasses.replace(relation, contributions=contributions)
        case Threshold():
            return dataclasses.replace(relation, source=parts[0])
        case First() | Regroup():
            return dataclasses.replace(relation, source=parts[0])
        case Closure():
            return dataclasses.replace(relation, presence=parts)
        case Computed():
            return Computed(relation.operator, parts[0])
        case Match():
            return dataclasses.replace(relation, left=parts[0], right=parts[1])
        case Sum():
            return Sum(parts)
        case _:
            assert_never(relation)


def within(relation: Relation) -> Iterator[Relation]:
    """A relation and all that it is made of."""
    yield relation
    for part in sources(relation):
        yield from within(part)


def tabled(relation: Relation) -> Iterator[Tabled]:
    """The relations within one that have tables of their own, inner ones first."""
    for part in sources(relation):
        yield from tabled(part)
    if isinstance(relation, Tabled):
        yield relation


def references(columns: tuple[Column, ...]) -> tuple[tuple[str, Scalar], ...]:
    """The columns as they are, for a `Project` that adds to them or leaves some out."""
    return tuple((column.name, ColumnRef(column.name, column.type)) for column in columns)


def column_types(relation: Relation) -> Mapping[str, Atom]:
    """Name to type for each column."""
    match relation:
        case Read() | Computed() | Threshold() | First() | Closure():
            return {column.name: column.type for column in relation.operator.schema.columns}
        case Project() | Regroup():
            return {name: scalar.type for name, scalar in relation.columns}
        case Filter() | Negate():
            return column_types(relation.source)
        case Match():
            left, right = column_types(relation.left), column_types(relation.right)
            both = (*left.values(), *right.values())
            return dict(zip(relation.names, both, strict=True))
        case Sum():
            return column_types(relation.parts[0])
        case Accumulate():
            types: dict[str, Atom] = dict(relation.keys)
            types |= {GROUP_OLD: INT.optional(), GROUP_NEW: INT}
            for each in (*relation.sums, *relation.others):
                types |= {old_name(each.name): each.type.optional(), new_name(each.name): each.type}
            return types
        case Constant() | Nothing():
            raise InternalError("an empty relation has no types")
        case _:
            assert_never(relation)
