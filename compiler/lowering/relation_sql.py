"""Terms to sqlglot selects: rows with weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering.arrangements import Arrangement, Arrangements
from stepping.compiler.lowering.demand import Reading, order_of_first
from stepping.compiler.lowering.scalar_sql import scalar_sql
from stepping.compiler.lowering.spans import Span, span_in
from stepping.compiler.lowering.terms import Source, Term
from stepping.compiler.operators.expand import Expand
from stepping.compiler.plan.tables import Table, TableKind
from stepping.compiler.schema import INT, Atom
from stepping.dialects.base import CHANGED, EXPANDED, KEPT, Dialect
from stepping.dialects.scalars import called

Expression = Any  # a sqlglot expression
ORDERED = "m"  # the alias of a table that is read in order
UPTO = "stepping_upto"  # how many rows there are up to one, in an order
Outputs = Sequence[tuple[str, ir.Scalar]]


@dataclass(frozen=True)
class RelationSQL:
    """Builds the selects of one dialect.

    ``in_steps``: what they begin with is small, also where it is kept, as a delay's rows are.
    """

    dialect: Dialect
    arrangements: Arrangements
    in_steps: bool = False

    # -- rows -----------------------------------------------------------------------------------

    def rows(
        self,
        parts: Sequence[tuple[Term, Outputs]],
        weight: str | None,
        *,
        consolidated: bool = False,
        into: Table | None = None,
    ) -> Expression:
        """``SELECT columns, weight`` of each term, put together with UNION ALL.

        ``consolidated``: equal rows are added up and those of weight 0 left out. ``into``: the
        values as that table stores them.
        """
        if consolidated and weight is not None and into is None and len(parts) == 1:
            shown = self.shown_whole(*parts[0], weight)
            if shown is not None:
                types = {name: scalar.type for name, scalar in parts[0][1]}
                return self.consolidated(shown, [*types], weight, types)
        selects = [self.term(term, outputs, weight, into) for term, outputs in parts]
        union = selects[0]
        for select in selects[1:]:
            union = exp.union(union, select, distinct=False, copy=False)
        if not consolidated or weight is None:
            return union
        names = [name for name, _ in parts[0][1]]
        types = {name: scalar.type for name, scalar in parts[0][1]}
        return self.consolidated(self.aliased_rows(union), names, weight, types)

    def aliased_rows(self, rows: Expression) -> Expression:
        """A select as a source, with the alias of a change."""
        return exp.Subquery(this=rows, alias=exp.TableAlias(this=self.name(CHANGED)))

    def shown_whole(self, term: Term, outputs: Outputs, weight: str) -> Expression | None:
        """The table whose rows are those of a term, with the columns of these names."""
        if len(term.sources) != 1 or term.equal or term.filters or term.negative:
            return None
        (source,) = term.sources
        table = source.table
        if table.weight != weight or source.single:
            return None
        for name, scalar in outputs:
            if scalar != ir.ColumnRef(f"{source.alias}.{name}", scalar.type):
                return None
            plain = exp.column(self.name(name), table=self.name(source.alias))
            if self.dialect.reference(table, name, source.alias) != plain:
                return None
        return self.aliased(table, CHANGED)

    def consolidated(
        self, rows: Expression, names: Sequence[str], weight: str, types: Mapping[str, Atom]
    ) -> Expression:
        """Rows that are the same as one, their weights added. ``rows`` have the alias `CHANGED`."""
        columns: list[Expression] = []
        by: list[Expression] = []
        for name in names:
            column: Expression = self.dialect.column(name, CHANGED)
            key = column
            if name in types:
                key, column = self.dialect.grouped_as(types[name], column)
                by += self.dialect.images(types[name], column)
            by.append(key)
            columns.append(called(column, self.name(name)) if column is not key else column)
        count = exp.column(self.name(weight), table=self.name(CHANGED))
        total = self.dialect.sum_of(INT, count, exp.Literal.number(1))
        some = exp.NEQ(this=exp.Sum(this=count.copy()), expression=exp.Literal.number(0))
        return (
            exp.select(*columns, called(total.copy(), self.name(weight)))
            .from_(rows, copy=False)
            .group_by(*(column.copy() for column in by), copy=False)
            .having(some, copy=False)
        )

    def term(
        self, term: Term, outputs: Outputs, weight: str | None, into: Table | None
    ) -> Expression:
        columns = []
        for name, scalar in outputs:
            value = self.scalar(scalar, term)
            if into is not None:
                value = self.dialect.stored(into, into.column(name), value)
            columns.append(called(value, self.name(name)))
        if weight is not None:
            columns.append(called(self.weight(term), self.name(weight)))
        return self.body(exp.select(*columns, copy=False), term)

    def body(self, select: Expression, term: Term) -> Expression:
        """The FROM and WHERE of a term."""
        if not term.sources:  # a constant
            return select
        first, *others = term.sources
        select = select.from_(self.aliased(first.table, first.alias), copy=False)
        for source in others:
            values = [
                (column, self.value(self.scalar(value, term), first))
                for column, value in source.lookups
            ]
            on = self.dialect.lookup(source.table, source.alias, values, null_safe=source.null_safe)
            looks_up = source.table.is_kept or source.table.kind is TableKind.BASE
            if looks_up and (self.in_steps or is_change(first.table)):
                select = self.dialect.looked_up(select, source.table, source.alias, on)
            else:
                select = self.dialect.joined(select, self.aliased(source.table, source.alias), on)
        conditions: list[Expression] = [
            exp.EQ(this=self.scalar(a, term), expression=self.scalar(b, term))
            for a, b in term.equal
        ]
        conditions += [
            self.of_change(self.scalar(condition, term), first) for condition in term.filters
        ]
        # All at once: one by one, each would be a level deeper, and rows can have many columns.
        return select.where(*conditions, copy=False)

    def of_change(self, condition: Expression, first: Source) -> Expression:
        """A condition on rows that are looked up for those of ``first``."""
        aliases = {column.table for column in condition.find_all(exp.Column) if column.table}
        alone = len(aliases) == 1 or condition.find(exp.And)
        if not self.in_steps or aliases <= {first.alias} or not alone:
            return condition
        return self.depending(condition, first)

    def value(self, value: Expression, first: Source) -> Expression:
        """What a column is looked up by for rows of ``first``; it may be a constant."""
        constant = self.in_steps and value.find(exp.Column) is None
        return self.depending(value, first) if constant else value

    def depending(self, value: Expression, first: Source) -> Expression:
        # A change of which no column is read has its weight still.
        column = first.table.names[0] if first.table.columns else first.table.weight
        of_first = exp.column(self.name(column), table=self.name(first.alias))
        return self.dialect.depending(value, of_first)

    def weight(self, term: Term, *, checked: bool = True) -> Expression:
        """The weight of a term's rows: the product of its sources', with its sign.

        ``checked``: an error where it is beyond 64 bits, on databases that do not say so.
        """
        factors = [
            exp.column(self.name(source.table.weight), table=self.name(source.alias))
            for source in term.sources
            if source.table.weight is not None and not source.single
        ]
        if not factors:
            return exp.Literal.number(1) if not term.negative else exp.Literal.number(-1)
        product: Expression = factors[0]
        for factor in factors[1:]:
            product = exp.Mul(this=product, expression=factor)
        if term.negative:
            product = exp.Neg(this=exp.paren(product))
        if len(factors) == 1 or not checked:
            return product
        return self.dialect.count_in_bounds(product, "a joined row")

    def expanded(self, operator: Expand, rows: Expression, weight: str, into: Table) -> Expression:
        """Rows beside those that a function gives for each of them."""

        def column(name: str) -> Expression:
            return exp.column(self.name(name), table=self.name(CHANGED))

        own = operator.source.schema.names
        values = [column(name) for name in own]
        values += (
            exp.column(self.name(n), table=self.name(EXPANDED)) for _, n, _ in operator.found
        )
        by_name = dict(zip(operator.schema.names, values, strict=True))
        columns = [
            exp.alias_(self.dialect.stored(into, into.column(name), by_name[name]), self.name(name))
            for name in into.names
        ]
        columns.append(exp.alias_(column(weight), self.name(into.weight)))
        source = exp.Subquery(this=rows, alias=exp.TableAlias(this=self.name(CHANGED)))
        call = scalar_sql(operator.call, column, self.dialect.spelling).unnest()
        return self.dialect.beside_each(exp.select(*columns).from_(source), call)

    def scalar(
        self, scalar: ir.Scalar, term: Term, absorbed: frozenset[str] = frozenset()
    ) -> Expression:
        tables = {source.alias: source.table for source in term.sources}

        def column(name: str) -> Expression:
            alias, _, inner = name.partition(".")
            return self.dialect.reference(tables[alias], inner, alias)

        def span(name: str) -> Span | None:
            alias, _, inner = name.partition(".")
            return span_in(tables[alias], inner)

        return scalar_sql(scalar, column, self.dialect.spelling, absorbed, span)

    def aliased(self, table: Table, alias: str) -> Expression:
        return exp.alias_(self.dialect.source(table), self.name(alias), table=True)

    def name(self, name: str | None) -> Expression:
        return self.dialect.identifier(name or "")

    # -- groups ---------------------------------------------------------------------------------

    def beside(
        self, select: Expression, table: Table, on: Sequence[Expression], terms: Iterable[Term]
    ) -> Expression:
        """Join to rows that come from ``terms`` what a kept table has of them, if it has."""
        if all(is_change(term.sources[0].table) for term in terms if term.sources):
            return self.dialect.looked_up(select, table, KEPT, on, optional=True)
        condition = exp.and_(*on, copy=False) if on else exp.true()
        return select.join(self.aliased(table, KEPT), on=condition, join_type="left", copy=False)

    def existing(
        self,
        threshold: ir.Threshold,
        arrangement: Arrangement | None,
        into: Table,
        rows: Expression,
        terms: Sequence[Term],
    ) -> Expression:
        """Rows whose weight under a rule a change turns, by how much.

        ``rows`` are those of ``terms``, consolidated. ``arrangement`` is where the rows are that
        the rule is about; None if there were none before.
        """
        change = exp.column(self.name(into.weight), table=self.name(CHANGED))
        zero = exp.Literal.number(0)

        def changed(name: str) -> Expression:
            return exp.column(self.name(name), table=self.name(CHANGED))

        def turned(turn: Expression, is_turned: Expression) -> Expression:
            source = exp.Subquery(this=rows, alias=exp.TableAlias(this=self.name(CHANGED)))
            return (
                exp.select(*map(changed, into.names), called(turn, self.name(into.weight)))
                .from_(source, copy=False)
                .where(is_turned, copy=False)
            )

        rule = threshold.rule
        if arrangement is None:
            return turned(ruled(change, rule), there(change.copy(), rule))
        table = arrangement.table
        stored = exp.func(
            "COALESCE", exp.column(self.name(table.weight), table=self.name(KEPT)), zero.copy()
        )
        if threshold.stored is ir.Stored.BEFORE:
            before: Expression = stored
            after: Expression = exp.Add(this=stored.copy(), expression=change.copy())
        else:
            before = exp.Sub(this=stored.copy(), expression=change.copy())
            after = stored
        if rule is ir.Rule.SURPLUS:
            turn: Expression = exp.Sub(this=ruled(after, rule), expression=ruled(before, rule))
            is_turned = exp.NEQ(this=turn.copy(), expression=zero.copy())
        else:
            comes = there(after, rule)
            gone = exp.paren(there(before, rule))
            is_turned = exp.NEQ(this=exp.paren(comes.copy()), expression=gone)
            less = exp.Neg(this=exp.Literal.number(1))
            ifs = [exp.If(this=comes, true=exp.Literal.number(1))]
            turn = exp.Case(ifs=ifs, default=less)
        values = [
            (held, scalar_sql(scalar, changed, self.dialect.spelling))
            for held, scalar in arrangement.columns
        ]
        on = self.dialect.identical(table, KEPT, values)
        return self.beside(turned(turn, is_turned), table, on, terms)

    def in_order(
        self, select: Expression, arrangement: Arrangement, reading: Reading, alias: str
    ) -> Expression:
        """The rows that are there, in the order of a reading."""
        table = arrangement.table
        if not table.non_negative:
            weight = exp.column(self.name(table.weight), table=self.name(alias))
            select = select.where(exp.GT(this=weight, expression=exp.Literal.number(0)), copy=False)
        columns = arrangement.keys[reading.key]
        for name, up in list(zip(columns, reading.ascending or (), strict=True))[reading.equal :]:
            terms = self.dialect.ordered(table, table.column(name), alias, ascending=up)
            select = select.order_by(*terms, copy=False)
        return select

    def ties(self, arrangement: Arrangement, reading: Reading, alias: str) -> list[Expression]:
        """What rows are ordered by that are equal in an order, and not the same."""
        table = arrangement.table
        columns = arrangement.keys[reading.key][reading.equal :]
        return [
            exp.Ordered(this=each, nulls_first=self.dialect.nulls_first(True))
            for name in columns
            for each in self.dialect.ties(
                table.column(name).type, exp.column(self.name(name), table=self.name(alias))
            )
        ]

    def first(
        self,
        first: ir.First,
        arrangement: Arrangement,
        into: Table,
        terms: Sequence[Term],
        sign: int,
    ) -> Expression:
        """The first rows of each touched group, each as often as it is among the first ``n``."""
        table = arrangement.table
        reading = order_of_first(first)
        columns = arrangement.keys[reading.key]
        keys, touched = self.touched(first.by, terms)
        values = [
            (column, exp.column(self.name(key), table=self.name(CHANGED)))
            for column, key in zip(columns, keys, strict=False)
        ]

        def start(alias: str, what: Expression) -> Expression:
            select = exp.select(what).from_(self.aliased(table, alias), copy=False)
            if values:
                select = select.where(*self.dialect.lookup(table, alias, values, null_safe=True))
            select = self.in_order(select, arrangement, reading, alias)
            ties = self.ties(arrangement, reading, alias)
            return select.order_by(*ties, copy=False).limit(first.n, copy=False)

        picked = self.dialect.picked(table, touched, start)
        weight = exp.column(self.name(table.weight), table=self.name(ORDERED))
        order = [
            term
            for name, up in list(zip(columns, reading.ascending or (), strict=True))[
                reading.equal :
            ]
            for term in self.dialect.ordered(table, table.column(name), ORDERED, ascending=up)
        ]
        order += self.ties(arrangement, reading, ORDERED)
        upto = exp.Window(
            this=exp.Sum(this=weight.copy()),
            partition_by=[exp.column(self.name(key), table=self.name(CHANGED)) for key in keys],
            order=exp.Order(expressions=order),
            spec=exp.WindowSpec(
                kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW"
            ),
        )
        held = [arrangement.holding(name) or "" for name in into.names]
        counted = picked.select(
            *(
                exp.alias_(self.dialect.reference(table, a, ORDERED), self.name(b))
                for a, b in zip(held, into.names, strict=True)
            ),
            called(weight, self.name(into.weight)),
            called(upto, self.name(UPTO)),
        )
        mine = exp.column(self.name(into.weight), table=self.name("w"))
        reached = exp.column(self.name(UPTO), table=self.name("w"))
        most = exp.Literal.number(first.n)
        before = exp.Sub(this=reached.copy(), expression=mine.copy())
        taken = exp.Case(
            ifs=[
                exp.If(this=exp.LTE(this=reached.copy(), expression=most.copy()), true=mine.copy())
            ],
            default=exp.Sub(this=most.copy(), expression=exp.paren(before.copy())),
        )
        return (
            exp.select(
                *(exp.column(self.name(name), table=self.name("w")) for name in into.names),
                exp.alias_(
                    taken if sign > 0 else exp.Neg(this=exp.paren(taken)), self.name(into.weight)
                ),
            )
            .from_(exp.Subquery(this=counted, alias=exp.TableAlias(this=self.name("w"))))
            .where(exp.LT(this=before, expression=most.copy()))
        )

    def touched(
        self, by: Sequence[ir.Scalar], terms: Sequence[Term]
    ) -> tuple[Sequence[str], Expression | None]:
        """The keys of the groups that a change touches, once each; None if there is one group."""
        keys = [f"k{i}" for i in range(len(by))]
        if not keys:
            return keys, None
        parts = [
            (
                term,
                [(n, ir.substitute(s, term.columns)) for n, s in zip(keys, by, strict=True)],
            )
            for term in terms
        ]
        rows = exp.Subquery(this=self.rows(parts, None), alias=exp.TableAlias(this=self.name("u")))
        touched = exp.select(*(exp.column(self.name(k), table="u") for k in keys)).distinct()
        return keys, touched.from_(rows)

    def before(
        self,
        by: Sequence[ir.Scalar],
        by_result: tuple[ir.Scalar, ...],
        arrangement: Arrangement,
        into: Table,
        terms: Sequence[Term],
    ) -> Expression:
        """What the result had of each touched group, taken away: from the result's own table."""
        table = arrangement.table
        keys, touched = self.touched(by, terms)
        held = [arrangement.holding(name) or "" for name in into.names]
        weight = exp.column(self.name(table.weight), table=self.name(KEPT))
        select = exp.select(
            *(
                exp.alias_(self.dialect.reference(table, a, KEPT), self.name(b))
                for a, b in zip(held, into.names, strict=True)
            ),
            called(exp.Neg(this=weight), self.name(into.weight)),
        )
        if touched is None:
            return select.from_(self.aliased(table, KEPT), copy=False)
        source = exp.Subquery(this=touched, alias=exp.TableAlias(this=self.name(CHANGED)))
        values = [
            (column, exp.column(self.name(key), table=self.name(CHANGED)))
            for column, key in zip(arrangement.keys[by_result], keys, strict=True)
        ]
        on = self.dialect.lookup(table, KEPT, values, null_safe=True)
        select = select.from_(source, copy=False)
        return self.dialect.looked_up(select, table, KEPT, on)

    def regrouped(
        self, groups: ir.Regroup, arrangement: Arrangement, into: Table, terms: Sequence[Term]
    ) -> Expression:
        """What is computed of all rows of each touched group, each as often as it is there."""
        table = arrangement.table
        keys, touched = self.touched(groups.by, terms)
        values = [
            (column, exp.column(self.name(key), table=self.name(CHANGED)))
            for column, key in zip(arrangement.keys[groups.by], keys, strict=True)
        ]
        held = {name: arrangement.holding(name) or "" for name in groups.operator.schema.names}

        def column(name: str) -> Expression:
            return self.dialect.reference(table, held[name], KEPT)

        def value(scalar: ir.Scalar) -> Expression:
            return scalar_sql(scalar, column, self.dialect.spelling)

        columns = [called(value(s), self.name(name)) for name, s in groups.columns]
        one = called(exp.Literal.number(1), self.name(into.weight))
        select = exp.select(*columns, one)
        source = exp.Subquery(this=touched, alias=exp.TableAlias(this=self.name(CHANGED)))
        on = self.dialect.lookup(table, KEPT, values, null_safe=True)
        select = self.dialect.looked_up(select.from_(source, copy=False), table, KEPT, on)
        weight = exp.column(self.name(table.weight), table=self.name(KEPT))
        select = self.dialect.repeated(select, weight)
        if groups.folded:
            select = select.group_by(*map(value, groups.by), copy=False)
        return select


def is_change(table: Table) -> bool:
    """Whether a table has what one step changes, and not what is kept."""
    return table.kind in (TableKind.DELTA, TableKind.CHANGE)


def there(count: Expression, rule: ir.Rule) -> Expression:
    """Whether a rule gives a row any weight, of its count in the integral."""
    zero, one = exp.Literal.number(0), exp.Literal.number(1)
    match rule:
        case ir.Rule.PRESENT:
            return exp.NEQ(this=count, expression=zero)
        case ir.Rule.POSITIVE | ir.Rule.SURPLUS:
            return exp.GT(this=count, expression=zero)
        case ir.Rule.TWICE:
            return exp.GT(this=count, expression=one)
        case _:
            assert_never(rule)


def ruled(count: Expression, rule: ir.Rule) -> Expression:
    """The weight that a rule gives a row that is `there`; of a surplus, that of any row."""
    if rule is not ir.Rule.SURPLUS:
        return exp.Literal.number(1)
    surplus = exp.If(this=there(count.copy(), rule), true=count.copy())
    return exp.Case(ifs=[surplus], default=exp.Literal.number(0))
