"""Groups as sqlglot selects: their change in one step, beside what they were and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering.arrangements import KeyedState
from stepping.compiler.lowering.demand import order_of_extreme
from stepping.compiler.lowering.in_place import InPlace, columns_in_order
from stepping.compiler.lowering.relation_sql import ORDERED, RelationSQL
from stepping.compiler.lowering.terms import Term, term_in_place
from stepping.compiler.plan.tables import SumColumns, Table, TableColumn
from stepping.compiler.schema import INT
from stepping.dialects.base import CHANGED, KEPT
from stepping.dialects.scalars import called

Expression = Any  # a sqlglot expression
COUNTED = "stepping_counted"  # what a row adds to its group's number of rows, where that is apart


@dataclass(frozen=True)
class GroupSQL(RelationSQL):
    """Builds the selects of one dialect, those of groups as well."""

    def groups(
        self, state: KeyedState, contributions: Sequence[tuple[Term, ir.Contribution]]
    ) -> Expression:
        """The rows of a change table: each touched group, before and after.

        The old state is read here, before it is merged, so that the row which is taken away is
        bit for bit the row that was emitted; it is never computed back from the new one.
        """
        inner = self.grouped(state, contributions)
        keys = [name for name, _ in state.groups.keys]
        count = state.table.weight or ""
        group = self.group_text(state.table, keys)
        old_count = exp.column(self.name(count), table=self.name(KEPT))
        change_count = exp.column(self.name(count), table=self.name(CHANGED))
        new_count = self.plus(old_count, change_count)
        new_count = self.dialect.count_in_bounds(new_count, "the rows of the group ", group)
        columns = [
            *(exp.column(self.name(key), table=self.name(CHANGED)) for key in keys),
            called(old_count, self.name(ir.GROUP_OLD)),
            called(new_count, self.name(ir.GROUP_NEW)),
        ]
        changed = [exp.NEQ(this=change_count.copy(), expression=exp.Literal.number(0))]
        for each in state.table.sums:
            old = exp.column(self.name(each.value), table=self.name(KEPT))
            change = exp.column(self.name(each.exact or each.value), table=self.name(CHANGED))
            shown = self.dialect.loaded(state.table, state.table.column(each.value), old.copy())
            columns.append(called(shown, self.name(each.old)))
            if each.exact:
                columns += self.float_columns(each, change, group)
                changed.append(self.dialect.exact_differs(change))
            else:
                added = self.dialect.added(each, old, change, group)
                columns.append(called(added, self.name(each.new)))
                changed += self.dialect.differs(each, change)
            for side in filter(None, (each.positive, each.negative)):
                by = exp.column(self.name(side), table=self.name(CHANGED))
                changed.append(exp.NEQ(this=by.copy(), expression=exp.Literal.number(0)))
        for each, extreme in zip(state.table.extremes, state.groups.extremes, strict=True):
            old = exp.column(self.name(each.value), table=self.name(KEPT))
            shown = self.dialect.loaded(state.table, state.table.column(each.value), old)
            columns.append(called(shown, self.name(each.old)))
            columns.append(called(self.extreme(extreme, keys), self.name(each.new)))
        values = [(key, exp.column(self.name(key), table=self.name(CHANGED))) for key in keys]
        on = self.dialect.lookup(state.table, KEPT, values, null_safe=True)
        source = exp.Subquery(this=inner, alias=exp.TableAlias(this=self.name(CHANGED)))
        terms = [term for term, _ in contributions]
        select = exp.select(*columns, copy=False).from_(source, copy=False)
        select = self.beside(select, state.table, on, terms)
        if state.table.extremes:  # a smallest value may change where no sum does
            return select
        return select.where(exp.or_(*changed, copy=False), copy=False)

    def folded(
        self, state: KeyedState, contributions: Sequence[tuple[Term, ir.Contribution]]
    ) -> Expression:
        """The changed values of each group, beside what the group was; see `FoldInPython`."""
        collected = state.groups.collected
        assert collected is not None
        keys = [name for name, _ in state.groups.keys]
        items = [f"stepping_item_{i}" for i, _ in enumerate(collected.items)]
        parts = []
        for term, each in contributions:
            named = list(zip(keys, each.keys, strict=True))
            named += zip(items, collected.items, strict=True)
            outputs = [(name, ir.substitute(scalar, term.columns)) for name, scalar in named]
            parts.append((term, outputs))
        rows = self.rows(parts, COUNTED)
        (column,) = state.table.extremes
        old = exp.column(self.name(column.value), table=self.name(KEPT))
        values = [(key, exp.column(self.name(key), table=self.name(CHANGED))) for key in keys]
        on = self.dialect.lookup(state.table, KEPT, values, null_safe=True)
        changed = [exp.column(self.name(n), table=self.name(CHANGED)) for n in (*keys, *items)]
        select = exp.select(
            *changed,
            exp.column(self.name(COUNTED), table=self.name(CHANGED)),
            exp.column(self.name(state.table.weight), table=self.name(KEPT)),
            self.dialect.loaded(state.table, state.table.column(column.value), old),
        ).from_(exp.Subquery(this=rows, alias=exp.TableAlias(this=self.name(CHANGED))))
        return self.beside(select, state.table, on, [term for term, _ in contributions])

    def extreme(self, extreme: ir.Extreme, keys: Sequence[str]) -> Expression:
        """The first value of a group, from the start of its index."""
        seen = self.arrangements.base.in_place.get(extreme.operator)
        if seen is not None:
            return self.extreme_in_place(seen, extreme, keys)
        arrangement = self.arrangements.delay[extreme.operator]
        table = arrangement.table
        reading = order_of_extreme(extreme)
        columns = arrangement.keys[reading.key]
        values = [
            (column, exp.column(self.name(key), table=self.name(CHANGED)))
            for column, key in zip(columns[: reading.equal], keys, strict=False)
        ]
        select = (
            exp.select(self.dialect.reference(table, columns[-1], ORDERED))
            .from_(self.aliased(table, ORDERED))
            .where(*self.dialect.lookup(table, ORDERED, values, null_safe=True))
        )
        return exp.Subquery(this=self.in_order(select, arrangement, reading, ORDERED).limit(1))

    def extreme_in_place(
        self, seen: InPlace, extreme: ir.Extreme, keys: Sequence[str]
    ) -> Expression:
        """The same in the application's table, which has been changed already."""
        table, reading = seen.table, order_of_extreme(extreme)
        found, value = columns_in_order(seen, reading)
        values = [
            (column, exp.column(self.name(key), table=self.name(CHANGED)))
            for column, key in zip(found, keys, strict=True)
        ]
        term = term_in_place(seen, ORDERED)
        select = (
            exp.select(self.dialect.reference(table, value, ORDERED))
            .from_(self.aliased(table, ORDERED))
            .where(
                *self.dialect.lookup(table, ORDERED, values, null_safe=True),
                *(self.scalar(each, term) for each in term.filters),
            )
        )
        up = (reading.ascending or (True,))[-1]
        order = self.dialect.ordered(table, table.column(value), ORDERED, ascending=up)
        return exp.Subquery(this=select.order_by(*order).limit(1))

    def float_columns(
        self, each: SumColumns, change: Expression, group: Expression
    ) -> list[Expression]:
        """A float's new sum, and the columns that it is kept in."""
        old = exp.column(self.name(each.exact), table=self.name(KEPT))
        exact = self.dialect.exact_added(old, change)
        finite = self.dialect.exact_total(each, old, change, group)
        kept = called(exact, self.name(each.exact))
        if not each.positive:
            return [called(finite, self.name(each.new)), kept]
        sides = [
            self.plus(
                exp.column(self.name(side), table=self.name(KEPT)),
                exp.column(self.name(side), table=self.name(CHANGED)),
            )
            for side in (each.positive, each.negative)
        ]
        return [
            called(self.dialect.float_total(finite, *sides), self.name(each.new)),
            called(finite, self.name(each.finite)),
            kept,
            *(
                called(side, self.name(name))
                for side, name in zip(sides, (each.positive, each.negative), strict=True)
            ),
        ]

    def grouped(
        self, state: KeyedState, contributions: Sequence[tuple[Term, ir.Contribution]]
    ) -> Expression:
        """The change of each touched group: of its number of rows, and of its sums."""
        keys = [name for name, _ in state.groups.keys]
        sums = state.table.sums
        (term, only), *others = contributions
        all_count = all(each.counts for _, each in contributions)
        if not others and all_count and self.named_once(term, only, sums):
            # Grouped where it is joined: no rows in between.
            key_values = [self.scalar(ir.substitute(s, term.columns), term) for s in only.keys]
            number = weight = self.weight(term, checked=False)  # the group's number is
            values = [
                self.scalar(ir.substitute(v, term.columns), term, self.dialect.sum_absorbs(each))
                for v, each in zip(only.values, sums, strict=True)
                if v is not None
            ]
            source = None
        else:
            alias = self.name("u")
            rows = self.rows_of_groups(state, contributions)
            source = exp.Subquery(this=rows, alias=exp.TableAlias(this=alias))
            key_values = [exp.column(self.name(n), table=alias.copy()) for n in keys]
            weight = exp.column(self.name(state.table.weight), table=alias.copy())
            number = weight
            if not all_count:
                number = exp.column(self.name(COUNTED), table=alias.copy())
            values = [exp.column(self.name(each.value), table=alias.copy()) for each in sums]
        select = exp.select(
            *(called(v, self.name(n)) for v, n in zip(key_values, keys, strict=True)),
            called(
                self.dialect.sum_of(INT, number.copy(), exp.Literal.number(1)),
                self.name(state.table.weight),
            ),
        )
        for value, each in zip(values, sums, strict=True):
            for column, total in self.sum_parts(each, value, weight):
                select = select.select(called(total, self.name(column)), copy=False)
        select = self.body(select, term) if source is None else select.from_(source, copy=False)
        # By position: a constant key would be taken for a position, or refused.
        return select.group_by(*range(1, len(keys) + 1), copy=False) if keys else select

    def named_once(self, term: Term, only: ir.Contribution, sums: Sequence[SumColumns]) -> bool:
        """Whether no value is computed several times where all sums are of one select."""
        return all(
            value is not None and (is_column(term, value) or self.dialect.adds_once(each))
            for value, each in zip(only.values, sums, strict=True)
        )

    def rows_of_groups(
        self, state: KeyedState, contributions: Sequence[tuple[Term, ir.Contribution]]
    ) -> Expression:
        """The rows that change groups: key, values, weight; and what each counts, if that is not
        the weight of all of them.
        """
        keys = [name for name, _ in state.groups.keys]
        all_count = all(each.counts for _, each in contributions)
        selects = []
        for term, each in contributions:
            named = [
                (n, ir.substitute(s, term.columns)) for n, s in zip(keys, each.keys, strict=True)
            ]
            select = self.term(term, named, None, None)
            for value, column in zip(each.values, state.table.sums, strict=True):
                made = (
                    self.dialect.zero(column.type)
                    if value is None
                    else self.scalar(
                        ir.substitute(value, term.columns),
                        term,
                        self.dialect.sum_absorbs(column),
                    )
                )
                select = select.select(called(made, self.name(column.value)), copy=False)
            weight = self.weight(term, checked=not all_count and not each.counts)
            select = select.select(called(weight, self.name(state.table.weight)), copy=False)
            if not all_count:
                counted = self.weight(term) if each.counts else exp.Literal.number(0)
                select = select.select(called(counted, self.name(COUNTED)), copy=False)
            selects.append(select)
        union = selects[0]
        for select in selects[1:]:
            union = exp.union(union, select, distinct=False, copy=False)
        return union

    def sum_parts(
        self, each: SumColumns, value: Expression, weight: Expression
    ) -> list[tuple[str, Expression]]:
        if not each.exact:
            return self.dialect.sum_parts(each, value, weight)
        if not each.positive:
            return [(each.exact, self.dialect.exact_sum(value, weight, None))]
        plus, minus = self.dialect.infinity(1), self.dialect.infinity(-1)
        most = exp.Literal.number("1.7976931348623157e308")
        is_finite = exp.Between(this=value.copy(), low=exp.Neg(this=most), high=most.copy())

        def counted(sign: Expression) -> Expression:
            is_it = exp.EQ(this=value.copy(), expression=sign)
            return self.dialect.count_where(is_it, weight.copy())

        return [
            (each.exact, self.dialect.exact_sum(value, weight, is_finite)),
            (each.positive, counted(plus)),
            (each.negative, counted(minus)),
        ]

    def plus(self, old: Expression, change: Expression) -> Expression:
        zero = exp.Literal.number(0)
        return exp.Add(this=exp.func("COALESCE", old.copy(), zero), expression=change.copy())

    def group_text(self, table: Table, keys: Sequence[str]) -> Expression:
        """The key of a group as text, for the message of an error."""
        parts: list[Expression] = []
        for key in keys:
            value = exp.column(self.name(key), table=self.name(CHANGED))
            if parts:
                parts.append(exp.Literal.string(", "))
            parts.append(self.dialect.text_of(TableColumn(key, table.column(key).type), value))
        if not parts:
            return exp.Literal.string("of the whole set")
        text = parts[0]
        for part in parts[1:]:
            text = exp.DPipe(this=text, expression=part)
        return text


def is_column(term: Term, value: ir.Scalar | None) -> bool:
    """Whether a value costs nothing to name several times."""
    return isinstance(value, ir.ColumnRef) and isinstance(term.columns[value.name], ir.ColumnRef)
