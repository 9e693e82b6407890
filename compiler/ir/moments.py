"""When an integral is read, and what its table holds then.

A delta rule reads an integral as it was before the step or as it is after it. Which of the two a
table holds when the rule is computed depends on whose table it is; the other one is made of it and
of the change (DBSP section 2: the integral after a step is that before it plus the change).

=========  ======================================================  ============  ============
stored     where                                                   before        after
=========  ======================================================  ============  ============
`BEFORE`   tables of our own: a step merges into them last         table         table + change
`AFTER`    tables that have been changed when a step is computed   table - change  table
`WHOLE`    tables that are filled: all they hold is the change     nothing       table
=========  ======================================================  ============  ============

A match of two sums is a sum of matches, so that each term reads tables and changes only. Where all
tables hold what is after the step, the sign of a term is that of (-1) ** (its changes + 1).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Container
from dataclasses import dataclass
from typing import assert_never

from stepping.compiler.ir.algebra import (
    Accumulate,
    Closure,
    Computed,
    Constant,
    Filter,
    First,
    Match,
    Moment,
    Negate,
    Nothing,
    Operator,
    Project,
    Read,
    Reads,
    Regroup,
    Relation,
    Stored,
    Sum,
    Threshold,
)
from stepping.compiler.ir.relation import column_names, sources, with_sources


class _Everything:
    def __contains__(self, _: object) -> bool:
        return True


EVERYTHING: Container[Operator] = _Everything()  # changes


@dataclass(frozen=True)
class Moments:
    """What each table holds while a step is computed, and delta rules in terms of that."""

    after: frozenset[Operator] = frozenset()  # operators whose tables hold what is after it
    whole: bool = False  # nothing was before the step, and all tables hold what is after it
    # Groups whose state is stored already, so that the rows that made it are not read.
    given: frozenset[Operator] = frozenset()

    def stored(self, operator: Operator) -> Stored:
        if self.whole:
            return Stored.WHOLE
        return Stored.AFTER if operator in self.after else Stored.BEFORE

    def rule(
        self, operator: Operator, changes: Container[Operator] = EVERYTHING, *, first: bool = True
    ) -> Relation:
        """The delta rule of an operator over changes and tables, without the terms that are empty.

        ``changes`` are the operators that change; ``first``: it is the first step of a store.
        """
        return _Resolving(self, operator, changes, first).relation(operator.delta(Reads()))


@dataclass(frozen=True)
class _Resolving:
    moments: Moments
    operator: Operator
    changes: Container[Operator]
    first: bool

    def relation(self, relation: Relation) -> Relation:
        match relation:
            case Read():
                return self.read(relation)
            case Nothing():
                return relation
            case Constant():
                return relation if self.first else Nothing(relation.names)
            case Accumulate() if relation.operator in self.moments.given:
                return dataclasses.replace(relation, contributions=())
        parts = tuple(self.relation(part) for part in sources(relation))
        some = tuple(part for part in parts if not isinstance(part, Nothing))
        match relation:
            case Sum():
                return added(some) if some else Nothing(column_names(relation))
            case Accumulate() | Closure():
                # Each of the sources changes something by itself.
                empty = not some
            case Project() | Filter() | Negate() | Computed() | Match():
                empty = len(some) < len(parts)
            case Threshold() | First() | Regroup():
                empty = len(some) < len(parts)
            case _:
                assert_never(relation)
        if empty:
            return Nothing(column_names(relation))
        match relation:
            case Match():
                return multiplied(relation, *parts)
            case Negate():
                return negated(parts[0])
            case Threshold():
                stored = self.moments.stored(relation.operator)
                return dataclasses.replace(relation, source=parts[0], stored=stored)
            case First():
                return self.first_rows(relation, parts[0])
            case Regroup():
                return self.regrouped(relation, parts[0])
            case Closure():
                return self.closure(relation, parts)
            case _:
                return with_sources(relation, parts)

    def read(self, read: Read) -> Relation:
        operator, stored = read.operator, self.moments.stored(read.operator)
        names = operator.schema.names
        delta: Relation = Read(operator, Moment.DELTA)
        table = Read(operator, Moment.STORED, read.by)
        changes = operator in self.changes
        match read.moment, stored:
            case Moment.DELTA, _:
                return delta if changes else Nothing(names)
            case Moment.BEFORE, Stored.WHOLE:
                return Nothing(names)
            case (Moment.BEFORE, Stored.AFTER) if changes:
                return Sum((table, Negate(delta)))
            case (Moment.AFTER, Stored.BEFORE) if changes:
                return Sum((table, delta))
            case _:
                return table

    def first_rows(self, first: First, source: Relation) -> Relation:
        stored = self.moments.stored(first.operator)
        old = None
        if stored is Stored.AFTER:
            # The rows that leave are in no table but that of the result.
            old = Read(self.operator, Moment.STORED, first.by)
        return dataclasses.replace(first, source=source, stored=stored, old=old)

    def regrouped(self, groups: Regroup, source: Relation) -> Relation:
        stored = self.moments.stored(groups.operator)
        old = None
        if stored is not Stored.WHOLE:
            old = Read(self.operator, Moment.STORED, groups.by_result)
        return dataclasses.replace(groups, source=source, stored=stored, old=old)

    def closure(self, closure: Closure, presence: tuple[Relation, ...]) -> Relation:
        stored = tuple(self.moments.stored(each) for each in closure.externals)
        if all(each is Stored.BEFORE for each in stored):
            stored = ()
        return dataclasses.replace(closure, presence=presence, stored=stored)


def added(parts: tuple[Relation, ...]) -> Relation:
    return parts[0] if len(parts) == 1 else Sum(parts)


def negated(relation: Relation) -> Relation:
    return relation.source if isinstance(relation, Negate) else Negate(relation)


def multiplied(match: Match, left: Relation, right: Relation) -> Relation:
    """A match of sums as a sum of matches, their signs in front: it is bilinear."""
    terms: list[Relation] = []
    for a, b in itertools.product(_parts(left), _parts(right)):
        negative = isinstance(a, Negate) != isinstance(b, Negate)
        term = with_sources(match, (_bare(a), _bare(b)))
        terms.append(Negate(term) if negative else term)
    return added(tuple(terms))


def _parts(relation: Relation) -> tuple[Relation, ...]:
    return relation.parts if isinstance(relation, Sum) else (relation,)


def _bare(relation: Relation) -> Relation:
    return relation.source if isinstance(relation, Negate) else relation
