"""Rows of the application's tables as sqlglot selects: first ones, extremes, and whole groups.

The tables have been changed already when a step runs, and each row of theirs counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering.demand import order_of_extreme, order_of_first
from stepping.compiler.lowering.in_order import Placed, Served
from stepping.compiler.lowering.in_place import InPlace
from stepping.compiler.lowering.relation_sql import ORDERED, RelationSQL
from stepping.compiler.lowering.terms import Term, term_in_place
from stepping.compiler.plan.tables import Table
from stepping.dialects.base import CHANGED, KEPT
from stepping.dialects.scalars import called

Expression = Any  # a sqlglot expression


@dataclass(frozen=True)
class InPlaceSQL(RelationSQL):
    """Builds the selects of one dialect, those of tables that are read in place as well."""

    def extreme_in_place(self, extreme: ir.Extreme, keys: Sequence[str]) -> Expression:
        """The first value of a group, from the start of an index."""
        seen = self.arrangements.base.in_place[extreme.operator]
        reading = order_of_extreme(extreme)
        order = seen.orders[reading]
        value = self.dialect.reference(seen.table, order.order[0].column, ORDERED)
        by = zip(seen.lookup_columns(reading.key[: reading.equal]), keys, strict=False)
        values = [(column, self.of_group(key)) for column, key in by]
        found = [
            exp.Subquery(this=each)
            for each in self.from_the_start(seen, order, ORDERED, values, value, 1)
        ]
        return found[0] if len(found) == 1 else exp.func("COALESCE", *found)

    def first_in_place(self, first: ir.First, into: Table, terms: Sequence[Term]) -> Expression:
        """The first rows of each touched group, which nothing needs to be counted for."""
        seen = self.arrangements.base.in_place[first.operator]
        order = seen.orders[order_of_first(first)]
        keys, touched = self.touched(first.by, terms)
        by = zip(seen.lookup_columns(first.by), keys, strict=True)
        values = [(column, self.of_group(key)) for column, key in by]

        def start(alias: str, what: Expression) -> Expression:
            found = self.from_the_start(seen, order, alias, values, what, first.n)
            union, *others = found if len(found) == 1 else [exp.Subquery(this=s) for s in found]
            for each in others:
                union = exp.Union(this=union, expression=each, distinct=False)
            return union

        term = term_in_place(seen, ORDERED)
        columns = [
            called(self.scalar(term.columns[name], term), self.name(name)) for name in into.names
        ]
        one = called(exp.Literal.number(1), self.name(into.weight))
        return self.dialect.picked(seen.table, touched, start).select(*columns, one, copy=False)

    def from_the_start(
        self,
        seen: InPlace,
        order: Served,
        alias: str,
        values: Sequence[tuple[str, Expression]],
        what: Expression,
        most: int,
    ) -> list[Expression]:
        """Selects of a group's first rows, of which all but one find none."""
        term = term_in_place(seen, alias)
        found = []
        for on, none in self.dialect.ways(seen.table, alias, values):
            # A column that is NULL stands in the order of its index, as the database sees it.
            placed = [each for each in order.by if each.column in none]
            terms = [self.placed(each, alias) for each in (*placed, *order.order)]
            filters = (self.scalar(each, term) for each in term.filters)
            select = exp.select(what.copy()).from_(self.aliased(seen.table, alias), copy=False)
            found.append(select.where(*on, *filters).order_by(*terms).limit(most))
        return found

    def placed(self, each: Placed, alias: str) -> Expression:
        first = each.nulls_first
        return exp.Ordered(
            this=exp.column(self.name(each.column), table=self.name(alias)),
            desc=not each.ascending,
            nulls_first=self.dialect.nulls_first(each.ascending) if first is None else first,
        )

    def of_group(self, key: str) -> Expression:
        return exp.column(self.name(key), table=self.name(CHANGED))

    def regrouped_in_place(
        self, groups: ir.Regroup, into: Table, terms: Sequence[Term]
    ) -> Expression:
        """What is computed of all rows of each touched group."""
        seen = self.arrangements.base.in_place[groups.operator]
        keys, touched = self.touched(groups.by, terms)
        by = zip(seen.lookup_columns(groups.by), keys, strict=True)
        term = term_in_place(seen, KEPT)

        def value(scalar: ir.Scalar) -> Expression:
            return self.scalar(ir.substitute(scalar, term.columns), term)

        columns = [called(value(s), self.name(name)) for name, s in groups.columns]
        one = called(exp.Literal.number(1), self.name(into.weight))
        select = exp.select(*columns, one)
        source = exp.Subquery(this=touched, alias=exp.TableAlias(this=self.name(CHANGED)))
        values = [(column, self.of_group(key)) for column, key in by]
        select = select.from_(source, copy=False)
        select = self.dialect.whole_groups(select, seen.table, KEPT, values)
        select = select.where(*(self.scalar(each, term) for each in term.filters), copy=False)
        if groups.folded:
            select = select.group_by(*map(value, groups.by), copy=False)
        return select
