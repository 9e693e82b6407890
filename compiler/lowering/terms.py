"""Relations as sums of terms: what one SELECT each can say, before it is SQL.

Fusing linear operators into the statement around them happens here: a projection is a substitution
in a term's columns, a filter one more condition.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from stepping.compiler import ir
from stepping.compiler.lowering.arrangements import Arrangements, View
from stepping.compiler.lowering.changes import Changes
from stepping.compiler.lowering.demand import (
    Columns,
    collected_columns,
    columns_of,
    contributed_columns,
    is_stored,
    sides,
)
from stepping.compiler.lowering.flattening import looked_up
from stepping.compiler.lowering.in_place import InPlace
from stepping.compiler.plan.tables import Table
from stepping.compiler.schema import BOOL, INT
from stepping.errors import InternalError

FALSE = ir.Const(False, BOOL)


@dataclass(frozen=True)
class Source:
    """A table in a term's FROM, under an alias that is unique in the statement."""

    table: Table
    alias: str
    # Columns of this table that equal a scalar over the sources in front of it.
    lookups: tuple[tuple[str, ir.Scalar], ...] = ()
    single: bool = False  # each row counts once, whatever the table's weight says
    null_safe: bool = False  # None is found by None, as for a row that is asked for


@dataclass(frozen=True)
class Term:
    """One SELECT: its sources in the order in which they are to be joined.

    Scalars name columns as ``alias.column``. The weight of a row is the product of the sources'
    weights, negated if ``negative``.
    """

    sources: tuple[Source, ...]
    columns: Mapping[str, ir.Scalar]
    equal: tuple[tuple[ir.Scalar, ir.Scalar], ...] = ()
    filters: tuple[ir.Scalar, ...] = ()
    negative: bool = False


NOTHING_READ = Term((), {})  # one row without columns


@dataclass(frozen=True)
class Standing:
    """Where an operator's rows are: a table, and each wanted column as a scalar over its own."""

    table: Table
    columns: Mapping[str, ir.Scalar]


@dataclass
class TermBuilder:
    """Builds the terms of relations for one plan."""

    changes: Changes
    arrangements: Arrangements
    delta_tables: Mapping[ir.Operator, Table]  # of inputs and of emitted changes
    tabled: Mapping[
        ir.Threshold | ir.First | ir.Regroup | ir.Closure, Table
    ]  # of what is always computed into one
    # Where the change of an operator is read from another table, given the columns.
    elsewhere: Callable[[ir.Operator, Columns], Standing | None] = lambda *_: None
    constant: Term = NOTHING_READ  # what is there before any row is
    serial: Iterator[int] = field(default_factory=itertools.count)

    def terms(self, relation: ir.Relation, wanted: Columns) -> tuple[Term, ...]:
        """The terms of a relation, with at least the ``wanted`` columns."""
        match relation:
            case ir.Read(operator, ir.Moment.DELTA):
                found = self.elsewhere(operator, wanted)
                if found is not None:
                    return (seen_through(self.whole(found.table), found.columns),)
                table = self.delta_tables.get(operator)
                if table is not None:
                    return (self.whole(table),)
                return self.terms(self.changes.delta[operator], wanted)
            case ir.Read():
                return (self.stored(relation),)
            case ir.Project():
                return tuple(
                    self.projected(term, relation, wanted)
                    for term in self.terms(relation.source, columns_of(relation, wanted))
                )
            case ir.Filter():
                read = wanted | ir.columns_read(relation.predicate)
                return tuple(
                    filtered(term, relation.predicate) for term in self.terms(relation.source, read)
                )
            case ir.Negate():
                return tuple(
                    Term(t.sources, t.columns, t.equal, t.filters, not t.negative)
                    for t in self.terms(relation.source, wanted)
                )
            case ir.Sum():
                return tuple(t for part in relation.parts for t in self.terms(part, wanted))
            case ir.Match():
                return self.matched(relation, wanted)
            case ir.Accumulate():
                state = self.arrangements.state[relation.operator]
                return (self.whole(state.change),)
            case ir.Threshold() | ir.First() | ir.Regroup() | ir.Closure():
                return (self.whole(self.tabled[relation]),)
            case ir.Computed():
                raise InternalError("a Python step is read where its table has not been made")
            case ir.Constant():
                return (self.constant,)
            case ir.Nothing():
                return ()
            case _:
                assert_never(relation)

    def group_terms(self, groups: ir.Accumulate) -> list[tuple[Term, ir.Contribution]]:
        """The terms of the rows that change some groups, and what each contributes."""
        return [
            (term, each)
            for each in groups.contributions
            for term in self.terms(
                each.source, contributed_columns(each) | collected_columns(groups)
            )
        ]

    def alias(self, table: Table) -> str:
        return f"{'d' if not table.is_kept else 't'}{next(self.serial)}"

    def whole(self, table: Table) -> Term:
        return whole_of(table, self.alias(table))

    def stored(self, read: ir.Read) -> Term:
        view = self.arrangements.views.get(read.operator)
        if view is not None:
            return viewed_term(view, self.alias(view.state.table))
        base = self.arrangements.base.in_place.get(read.operator)
        if base is not None:
            return term_in_place(base, self.alias(base.table))
        arrangement = self.arrangements.delay[read.operator]
        alias = self.alias(arrangement.table)
        columns = {
            scalar.name: ir.ColumnRef(f"{alias}.{held}", scalar.type)
            for held, scalar in arrangement.columns
            if isinstance(scalar, ir.ColumnRef)
        }
        return Term((Source(arrangement.table, alias),), columns)

    def projected(self, term: Term, project: ir.Project, wanted: Columns) -> Term:
        columns = {
            name: ir.substitute(scalar, term.columns)
            for name, scalar in project.columns
            if name in wanted
        }
        return Term(term.sources, columns, term.equal, term.filters, term.negative)

    def matched(self, match: ir.Match, wanted: Columns) -> tuple[Term, ...]:
        want_left, want_right = sides(match, wanted)
        if isinstance(match.right, ir.Read) and is_stored(match.right):
            drivers = self.terms(match.left, want_left)
            return tuple(self.looking_up(match, each, match.right) for each in drivers)
        if isinstance(match.left, ir.Read) and is_stored(match.left):
            drivers = self.terms(match.right, want_right)
            return tuple(self.looking_up(match, each, match.left) for each in drivers)
        lefts, rights = self.terms(match.left, want_left), self.terms(match.right, want_right)
        return tuple(pair(match, left, right) for left in lefts for right in rights)

    def looking_up(self, match: ir.Match, driver: Term, read: ir.Read) -> Term:
        """One term of two: the changed side first, the stored one looked up by its key."""
        changes_left = read is match.right
        on = match.on_left if changes_left else match.on_right
        key = tuple(ir.substitute(scalar, driver.columns) for scalar in on)
        term, found = self.look_up(driver, read, key, null_safe=match.null_safe)
        left, right = (driver.columns, found) if changes_left else (found, driver.columns)
        return replace(term, columns=columns_of_pair(match, left, right))

    def look_up(
        self, driver: Term, read: ir.Read, key: tuple[ir.Scalar, ...], *, null_safe: bool = False
    ) -> tuple[Term, Mapping[str, ir.Scalar]]:
        """The term with an integral looked up by a key, and the columns of what is found."""
        if read.operator in self.arrangements.flat:
            return self.look_up_sides(driver, read, key, null_safe)
        stored = self.stored(read)
        columns = self.arrangements.lookup_columns(read.operator, read.by)
        (source,) = stored.sources
        lookups = tuple(zip(columns, (guarded(driver, scalar) for scalar in key), strict=True))
        term = replace(
            driver,
            sources=(*driver.sources, replace(source, lookups=lookups, null_safe=null_safe)),
            filters=(*driver.filters, *stored.filters),
        )
        return term, stored.columns

    def look_up_sides(
        self, driver: Term, read: ir.Read, key: tuple[ir.Scalar, ...], null_safe: bool
    ) -> tuple[Term, Mapping[str, ir.Scalar]]:
        """As `look_up`, of a join that is not kept: one side, and by what that has the other."""
        looked = looked_up(read.operator, read.by)
        assert looked is not None
        first, second = looked.reads(read.moment)
        term, found = self.look_up(driver, first, key, null_safe=null_safe)
        on = tuple(ir.substitute(scalar, found) for scalar in looked.on_first)
        term, others = self.look_up(term, second, on, null_safe=looked.join.null_safe)
        columns: Mapping[str, ir.Scalar] = {
            outer: held[inner]
            for side, held in ((looked.first, found), (looked.second, others))
            for outer, inner in looked.names(side)
            if inner in held
        }
        for step in reversed(looked.steps):
            if isinstance(step, ir.Filter):
                term = filtered(replace(term, columns=columns), step.predicate)
            else:
                columns = {
                    name: ir.substitute(scalar, columns)
                    for name, scalar in step.columns
                    if ir.columns_read(scalar) <= columns.keys()
                }
        return term, columns


def columns_of_pair(
    match: ir.Match, left: Mapping[str, ir.Scalar], right: Mapping[str, ir.Scalar]
) -> Mapping[str, ir.Scalar]:
    """The columns of a match, of those of its sides that are there."""
    width = len(ir.column_names(match.left))
    return {
        outer: held[inner]
        for held, inners, outers in (
            (left, ir.column_names(match.left), match.names[:width]),
            (right, ir.column_names(match.right), match.names[width:]),
        )
        for inner, outer in zip(inners, outers, strict=True)
        if inner in held
    }


def pair(match: ir.Match, left: Term, right: Term) -> Term:
    """One term of two changes."""
    pairs = zip(match.on_left, match.on_right, strict=True)
    equal = tuple(
        (
            guarded(left, ir.substitute(a, left.columns)),
            guarded(right, ir.substitute(b, right.columns)),
        )
        for a, b in pairs
    )
    same: tuple[ir.Scalar, ...] = ()
    if match.null_safe:  # no equality, so a condition as any other
        same, equal = tuple(_same(a, b) for a, b in equal), ()
    return Term(
        (*left.sources, *right.sources),
        columns_of_pair(match, left.columns, right.columns),
        (*left.equal, *right.equal, *equal),
        (*left.filters, *right.filters, *same),
        left.negative != right.negative,
    )


def whole_of(table: Table, alias: str) -> Term:
    """All rows of a table, with its own columns."""
    columns = {
        column.name: ir.ColumnRef(f"{alias}.{column.name}", column.type) for column in table.columns
    }
    return Term((Source(table, alias),), columns)


def seen_through(term: Term, columns: Mapping[str, ir.Scalar]) -> Term:
    """The rows of a term with other columns, made of its own."""
    return replace(
        term, columns={name: ir.substitute(s, term.columns) for name, s in columns.items()}
    )


def viewed_term(view: View, alias: str) -> Term:
    """The rows that a view shows, of the state table itself."""
    table = view.state.table
    changed = {each.new: ir.ColumnRef(f"{alias}.{each.value}", each.type) for each in table.values}
    changed[ir.GROUP_NEW] = ir.ColumnRef(f"{alias}.{table.weight}", INT)
    changed |= {
        name: ir.ColumnRef(f"{alias}.{name}", atom) for name, atom in view.state.groups.keys
    }
    columns = {n: ir.substitute(scalar, changed) for n, scalar in view.shown.columns.items()}
    filters = tuple(ir.substitute(each, changed) for each in view.shown.filters)
    return Term((Source(table, alias, single=True),), columns, filters=filters)


def changed_term(view: View, change: Table, alias: str) -> Term:
    """The rows that a view shows of the groups that a step touches, after it."""
    changed = {c.name: ir.ColumnRef(f"{alias}.{c.name}", c.type) for c in change.columns}
    columns = {n: ir.substitute(scalar, changed) for n, scalar in view.shown.columns.items()}
    filters = tuple(ir.substitute(each, changed) for each in view.shown.filters)
    there = ir.Not(ir.Call("eq", (changed[ir.GROUP_NEW], ir.Const(0, INT)), BOOL))
    return Term((Source(change, alias, single=True),), columns, filters=(there, *filters))


def term_in_place(seen: InPlace, alias: str) -> Term:
    """The rows of an operator, of the application's table itself."""
    held = {c.name: ir.ColumnRef(f"{alias}.{c.name}", c.type) for c in seen.table.columns}
    columns = {name: ir.substitute(scalar, held) for name, scalar in seen.columns.items()}
    filters = tuple(ir.substitute(each, held) for each in seen.filters)
    return Term((Source(seen.table, alias, single=True),), columns, filters=filters)


def filtered(term: Term, predicate: ir.Scalar) -> Term:
    """The term with one more condition."""
    condition = guarded(term, ir.substitute(predicate, term.columns), otherwise=FALSE)
    return Term(term.sources, term.columns, term.equal, (*term.filters, condition), term.negative)


def guarded(term: Term, scalar: ir.Scalar, otherwise: ir.Scalar | None = None) -> ir.Scalar:
    """``scalar``, evaluated only for rows that meet the term's conditions.

    Conditions in one WHERE may be evaluated in any order, and Postgres puts cheap ones first and
    moves them below joins: one that can raise must not be reached by rows that another leaves out.
    """
    if not ir.is_partial(scalar):
        return scalar
    conditions = list(term.filters)
    for a, b in term.equal:
        conditions.append(_equal(a, b))
    for source in term.sources:
        for column, value in source.lookups:
            key = ir.ColumnRef(f"{source.alias}.{column}", value.type)
            conditions.append(_same(key, value) if source.null_safe else _equal(key, value))
    if not conditions:
        return scalar
    # Nested, so that each condition is itself reached only where those before it hold.
    missing = otherwise or ir.Const(None, scalar.type.optional())
    for condition in reversed(conditions):
        scalar = ir.Case(((condition, scalar),), missing, scalar.type)
    return scalar


def _same(a: ir.Scalar, b: ir.Scalar) -> ir.Scalar:
    """Equality in which None equals None."""
    return ir.Call("same", (a, b), BOOL)


def _equal(a: ir.Scalar, b: ir.Scalar) -> ir.Scalar:
    """Equality as a join sees it: false where either is None."""
    both = ir.Call("eq", (a, b), BOOL)
    maybe = tuple(ir.Not(ir.IsNull(part)) for part in (a, b) if part.type.nullable)
    return ir.And((*maybe, both)) if maybe else both
