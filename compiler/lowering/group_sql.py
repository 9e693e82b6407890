"""Groups as sqlglot selects: their change in one step, beside what they were and what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering.arrangements import KeyedState
from stepping.compiler.lowering.demand import order_of_extreme
from stepping.compiler.lowering.in_place_sql import InPlaceSQL
from stepping.compiler.lowering.relation_sql import ORDERED
from stepping.compiler.lowering.terms import Term
from stepping.compiler.plan.statements import MergeGroups, Served
from stepping.compiler.plan.tables import SumColumns, Table, TableColumn
from stepping.compiler.schema import INT
from stepping.dialects.base import CHANGED, KEPT
from stepping.dialects.scalars import called, unshared
from stepping.dialects.summing import OfGroup

Expression = Any  # a sqlglot expression
COUNTED = "stepping_counted"  # what a row adds to its group's number of rows, where that is apart


@dataclass(frozen=True)
class GroupSQL(InPlaceSQL):
    """Builds the selects of one dialect, those of groups as well."""

    def groups(
        self, state: KeyedState, contributions: Sequence[tuple[Term, ir.Contribution]]
    ) -> Expression:
        """The rows of a change table: each touched group, before and after.

        The old state is read here, before it is merged, so that the row which is taken away is
        bit for bit the row that was emitted; it is never computed back from the new one.
        """
        table = state.table
        keys = [name for name, _ in state.groups.keys]
        group = self.said_of(state)
        old_count = self.kept(table.weight)
        change_count = self.changed(table.weight)
        new_count = self.dialect.plus(old_count, change_count, INT)
        levels: list[dict[str, Expression]] = [{key: self.changed(key) for key in keys}, {}, {}]
        levels[0] |= {
            ir.GROUP_OLD: old_count,
            ir.GROUP_NEW: self.dialect.count_in_bounds(new_count, "the rows", group),
        }
        changed = [exp.NEQ(this=change_count.copy(), expression=exp.Literal.number(0))]
        rows_count = all(each.counts for _, each in contributions)
        for each in table.sums:
            levels[0][each.old] = self.value_before(table, each)
            self.sum_after(each, group, levels)
            if not (each.counts and rows_count):  # else it is that number of rows
                changed += self.is_changed(each)
        for each, extreme in zip(table.extremes, state.groups.extremes, strict=True):
            levels[0][each.old] = self.value_before(table, each)
            levels[0][each.new] = self.extreme(extreme, keys)
        values = [(key, self.changed(key)) for key in keys]
        on = self.dialect.lookup(table, KEPT, values, null_safe=True)
        terms = [term for term, _ in contributions]

        def of_groups(select: Expression) -> Expression:
            rows = self.aliased_rows(self.grouped(state, contributions))
            select = self.beside(select.from_(rows, copy=False), table, on, terms)
            if table.extremes:  # a smallest value may change where no sum does
                return select
            return select.where(exp.or_(*changed, copy=False), copy=False)

        return self.in_levels(of_groups, levels, state.change.names)

    def merged(
        self, state: KeyedState, contributions: Sequence[tuple[Term, ir.Contribution]], by: Served
    ) -> MergeGroups:
        """The change of groups, and what becomes of those that were there and of those that come.

        A condition on the count alone says that a group goes: what is followed are whole tables,
        so that nothing is left in the sums of no rows.
        """
        table, count = state.table, state.table.weight or ""
        keys = [name for name, _ in state.groups.keys]
        merging = self.dialect.merging
        assert merging is not None
        there = replace(self, dialect=merging)
        (new,) = filter(None, self.kept_values(state, self.changed_extremes(table)))
        (found,) = filter(None, there.kept_values(state, self.changed_extremes(table), before=True))
        new[count] = self.changed(count)
        found[count] = there.dialect.plus(self.kept(count), self.changed(count), INT)
        values = [(key, self.changed(key)) for key in keys]
        zero = exp.Literal.number(0)
        return MergeGroups(
            table,
            self.with_extremes(state, self.grouped(state, contributions)),
            tuple(self.dialect.lookup(table, KEPT, values, null_safe=True)),
            exp.EQ(this=found[count].copy(), expression=zero),
            tuple((name, found[name]) for name in (*table.names, count) if name not in keys),
            tuple((name, new[name]) for name in (*table.names, count)),
            by,
        )

    def with_extremes(self, state: KeyedState, rows: Expression) -> Expression:
        """The change of groups with their smallest and largest values after the step."""
        if not state.table.extremes:
            return rows
        keys = [name for name, _ in state.groups.keys]
        star = exp.Column(this=exp.Star(), table=self.name(CHANGED))
        found = zip(state.table.extremes, state.groups.extremes, strict=True)
        values = (called(self.extreme(each, keys), self.name(of.value)) for of, each in found)
        return exp.select(star, *values).from_(self.aliased_rows(rows), copy=False)

    def changed_extremes(self, table: Table) -> dict[str, Expression]:
        return {each.value: self.changed(each.value) for each in table.extremes}

    def whole(
        self, state: KeyedState, contributions: Sequence[tuple[Term, ir.Contribution]]
    ) -> Expression:
        """All groups as the state table keeps them, where nothing was before."""
        table, count = state.table, state.table.weight or ""
        keys = [name for name, _ in state.groups.keys]
        found = zip(table.extremes, state.groups.extremes, strict=True)
        levels = self.kept_values(state, {of.value: self.extreme(each, keys) for of, each in found})
        levels[0][count] = self.changed(count)

        def of_groups(select: Expression) -> Expression:
            rows = self.aliased_rows(self.grouped(state, contributions))
            there = exp.NEQ(this=self.changed(count), expression=exp.Literal.number(0))
            return select.from_(rows, copy=False).where(there, copy=False)

        return self.in_levels(of_groups, levels, (*table.names, count))

    def kept_values(
        self, state: KeyedState, extremes: Mapping[str, Expression], *, before: bool = False
    ) -> list[dict[str, Expression]]:
        """The columns of groups as the state table keeps them, in levels; see `in_levels`.

        ``before``: with what they were, and not from nothing.
        """
        table = state.table
        keys = [name for name, _ in state.groups.keys]
        group = self.said_of(state)
        levels: list[dict[str, Expression]] = [{key: self.changed(key) for key in keys}, {}, {}]
        for each in table.sums:
            self.sum_after(each, group, levels, since_before=before)
            for level in levels:
                made = {kept: level.pop(new) for kept, new in each.stored if new in level}
                level.pop(each.new, None)  # of what is kept apart
                level |= made
        levels[0] |= extremes
        for name in levels[0]:
            value = levels[0][name]
            levels[0][name] = self.dialect.stored(table, table.column(name), value)
        return levels

    def in_levels(
        self,
        of_groups: Callable[[Expression], Expression],
        levels: Sequence[Mapping[str, Expression]],
        names: Sequence[str],
    ) -> Expression:
        """The columns ``names``, where those of a level are made of those of the level before.

        ``of_groups`` says where those of the first level are from.
        """
        first, *others = [level for level in levels if level]
        order = [name for name in names if name in first]
        order += (name for name in first if name not in order)
        select = of_groups(exp.select(*(self.called(first[n], n) for n in order), copy=False))
        for level in others:
            there = [*order, *(name for name in level if name not in order)]
            order = [name for name in names if name in there]
            order += (name for name in there if name not in order)
            columns = (self.called(level.get(name, self.changed(name)), name) for name in order)
            select = exp.select(*columns, copy=False).from_(self.aliased_rows(select), copy=False)
        return select

    def called(self, value: Expression, name: str) -> Expression:
        named = isinstance(value, exp.Column) and value.name == name
        return unshared(value) if named else called(value, self.name(name))

    def changed(self, name: str | None) -> Expression:
        return self.dialect.column(name or "", CHANGED)

    def kept(self, name: str | None) -> Expression:
        return self.dialect.column(name or "", KEPT)

    def value_before(self, table: Table, each: SumColumns) -> Expression:
        return self.dialect.loaded(table, table.column(each.value), self.kept(each.value))

    def is_changed(self, each: SumColumns) -> list[Expression]:
        """Conditions any of which says that a sum is another one."""
        found = (
            [self.dialect.exact_differs(self.changed(each.exact))]
            if each.exact
            else self.dialect.differs(each, self.changed(each.value))
        )
        for side in filter(None, (each.positive, each.negative)):
            found.append(exp.NEQ(this=self.changed(side), expression=exp.Literal.number(0)))
        return found

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
        if extreme.operator in self.arrangements.base.in_place:
            return self.extreme_in_place(extreme, keys)
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

    def sum_after(
        self,
        each: SumColumns,
        group: OfGroup,
        levels: Sequence[dict[str, Expression]],
        *,
        since_before: bool = True,
    ) -> None:
        """Put into ``levels`` a sum after the step, and the columns that it is kept in."""

        def before(name: str) -> Expression | None:
            return self.kept(name) if since_before else None

        dialect = self.dialect
        if not each.exact:
            change = self.changed(each.value)
            levels[0][each.new] = dialect.added(each, before(each.value), change, group)
            return
        exact = dialect.exact_added(before(each.exact), self.changed(each.exact))
        levels[0][each.exact] = exact
        apart = dialect.names_exact_sums
        if apart:
            exact = self.changed(each.exact)
        finite = dialect.exact_total(each, exact, group)
        levels[1 if apart else 0][each.finite or each.new] = finite
        if not each.positive:
            return
        for side in (each.positive, each.negative):
            levels[0][side] = dialect.plus(before(side), self.changed(side), INT)
        sides = [levels[0][side] for side in (each.positive, each.negative)]
        if apart:
            finite = self.changed(each.finite)
            sides = [self.changed(side) for side in (each.positive, each.negative)]
        levels[2 if apart else 0][each.new] = dialect.float_total(finite, *sides)

    def grouped(
        self, state: KeyedState, contributions: Sequence[tuple[Term, ir.Contribution]]
    ) -> Expression:
        """The change of each touched group: of its number of rows, and of its sums."""
        keys = [name for name, _ in state.groups.keys]
        sums = state.table.sums
        summed = [each for each in sums if not each.counts]
        (term, only), *others = contributions
        all_count = all(each.counts for _, each in contributions)
        if not others and all_count and self.named_once(term, only, sums):
            # Grouped where it is joined: no rows in between.
            key_values = [self.scalar(ir.substitute(s, term.columns), term) for s in only.keys]
            number = weight = self.weight(term, checked=False)  # the group's number is
            values = [
                self.scalar(ir.substitute(v, term.columns), term, self.dialect.sum_absorbs(each))
                for v, each in zip(only.values, sums, strict=True)
                if v is not None and not each.counts
            ]
            source = None
        else:
            rows = self.rows_of_groups(state, contributions)
            source = exp.Subquery(this=rows, alias=exp.TableAlias(this=self.name("u")))
            key_values = [self.dialect.column(n, "u") for n in keys]
            number = weight = self.dialect.column(state.table.weight or "", "u")
            if not all_count:
                number = self.dialect.column(COUNTED, "u")
            values = [self.dialect.column(each.value, "u") for each in summed]
        select = exp.select(
            *(called(v, self.name(n)) for v, n in zip(key_values, keys, strict=True)),
            called(
                self.dialect.sum_of(INT, number.copy(), exp.Literal.number(1)),
                self.name(state.table.weight),
            ),
        )
        by_name = {each.value: value for each, value in zip(summed, values, strict=True)}
        for each in sums:
            value = by_name.get(each.value, exp.Literal.number(1))
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
                if column.counts:
                    continue  # the weight says it
                made = (
                    self.dialect.absent(column.type)
                    if value is None or is_of_null(term, value)
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

    def said_of(self, state: KeyedState) -> OfGroup:
        """The key of a group as text, for the message of an error."""
        table, keys = state.table, [name for name, _ in state.groups.keys]
        parts: list[Expression] = []
        for key in keys:
            value = exp.column(self.name(key), table=self.name(CHANGED))
            if parts:
                parts.append(exp.Literal.string(", "))
            parts.append(self.dialect.text_of(TableColumn(key, table.column(key).type), value))
        text = parts[0]
        for part in parts[1:]:
            text = exp.DPipe(this=text, expression=part)
        if state.groups.is_one:
            return OfGroup(False, self.dialect.nothing_of(text))
        return OfGroup(True, text)


def is_column(term: Term, value: ir.Scalar | None) -> bool:
    """Whether a value costs nothing to name several times."""
    return isinstance(value, ir.ColumnRef) and isinstance(term.columns[value.name], ir.ColumnRef)


def is_of_null(term: Term, value: ir.Scalar) -> bool:
    """Whether a value adds nothing, since it is what an aggregate of a database makes of NULL: of
    the side of an outer join that is missing.
    """
    if not isinstance(value, ir.Native) or not value.args:
        return False
    args = (ir.substitute(each, term.columns) for each in value.args)
    return all(isinstance(each, ir.Const) and each.value is None for each in args)
