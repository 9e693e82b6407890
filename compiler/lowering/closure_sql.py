"""The selects of a recursion: what is taken away from a set of rows, and what is added to it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.lowering.arrangements import Arrangement, Arrangements
from stepping.compiler.lowering.derivations import GIVEN, prefixed, prefixes, visits
from stepping.compiler.lowering.relation_sql import RelationSQL
from stepping.compiler.lowering.scalar_sql import scalar_sql
from stepping.compiler.lowering.terms import Source, Term
from stepping.compiler.plan.tables import Table, TableColumn, TableKind
from stepping.compiler.schema import BOOL

Expression = Any  # a sqlglot expression
FOUND = "stepping_found"  # the recursive query's rows


@dataclass
class ClosureSQL:
    """Builds the selects of one recursion on one dialect.

    ``changed`` has, for each external that changes, the table of its rows that come or go.
    """

    closure: ir.Closure
    arrangements: Arrangements
    sql: RelationSQL
    changed: Mapping[int, Table]

    @property
    def state(self) -> Arrangement:
        return self.arrangements.delay[self.closure.state]

    @property
    def names(self) -> tuple[str, ...]:
        return self.closure.operator.schema.names

    def gone(self) -> Expression:
        """Rows that were derived from something that ceases to be there, directly or not.

        Everything is read as it was before the step: of what holds the step's change already,
        that and what has gone. A row may have another derivation: `fresh` finds it.
        """
        bases = [
            self.kept(each, there=True)
            for rule in self.closure.rules
            for number, position in enumerate(rule.sources)
            if position in self.changed
            for each in self.before(rule, number, self.changed[position], sign=-1)
        ]
        return self.recursive(bases, there=True)

    def fresh(self, gone: Table) -> Expression:
        """Rows that are derived after the step and are not in the set, less what was taken away."""
        bases = [
            self.kept(self.select(rule, number, self.changed[position], sign=1), there=False)
            for rule in self.closure.rules
            for number, position in enumerate(rule.sources)
            if position in self.changed
        ]
        bases += (self.derived_again(rule, gone) for rule in self.closure.rules)
        return self.recursive(bases, there=False)

    # -- selects --------------------------------------------------------------------------------

    def recursive(self, bases: Sequence[Expression], *, there: bool) -> Expression:
        """The bases, and what the rules derive from them and from that."""
        rows = Table(
            FOUND,
            TableKind.ROWS,
            tuple(TableColumn(c.name, c.type) for c in self.closure.operator.schema.columns),
            None,
        )
        steps = [
            self.kept(each, there=there)
            for rule in self.closure.rules
            for number, position in enumerate(rule.sources)
            if position == ir.ITSELF
            for each in (
                self.before(rule, number, rows) if there else [self.select(rule, number, rows)]
            )
        ]
        return self.sql.dialect.recursive(FOUND, self.names, list(bases), steps)

    def before(
        self, rule: ir.Derivation, start: int, driver: Table, sign: int = 0
    ) -> list[tuple[Expression, list[Expression]]]:
        """The selects of what a rule derived before the step; it may be more.

        A table that holds the step's change has all that was there before but the rows that have
        gone. What it has more is no matter here: what is taken away wrongly is derived again.
        """
        gone = [
            number
            for number, position in enumerate(rule.sources)
            if number != start and position in self.changed and self.holds_change(position)
        ]
        return [
            self.select(rule, start, driver, sign, frozenset(among))
            for count in range(len(gone) + 1)
            for among in itertools.combinations(gone, count)
        ]

    def holds_change(self, position: int) -> bool:
        """Whether the table of an external has the step's change when the step is computed."""
        stored = self.closure.stored
        return bool(stored) and stored[position] is ir.Stored.AFTER

    def select(
        self,
        rule: ir.Derivation,
        start: int,
        driver: Table,
        sign: int = 0,
        gone: frozenset[int] = frozenset(),
    ) -> tuple[Expression, list[Expression]]:
        """What a rule derives from the rows of ``driver`` at one of its sources; and the values.

        The sources numbered in ``gone`` are not the tables, but their rows that have gone.
        """
        aliases = {str(start): "d"}
        sources = [Source(driver, "d")]
        held: dict[str, Arrangement | None] = {"d": None}
        order, rest = visits(rule, start)
        signs = [(driver, "d", sign)] if sign else []
        for visit in order:
            if visit.number not in gone:
                sources.append(self.looked_up(rule, visit, aliases, held))
                continue
            table, alias = self.changed[rule.sources[visit.number]], f"t{visit.number}"
            own = (prefixed(key, visit.number) for key in visit.key)
            rest = [*rest, *zip(own, visit.values, strict=True)]
            aliases[str(visit.number)], held[alias] = alias, None
            sources.append(Source(table, alias))
            signs.append((table, alias, -1))
        select, values = self.built(rule, sources, aliases, held, rest)
        for table, alias, way in signs:
            weight = exp.column(self.name(table.weight), table=self.name(alias))
            test = exp.GT if way > 0 else exp.LT
            select = select.where(test(this=weight, expression=exp.Literal.number(0)))
        return select, values

    def derived_again(self, rule: ir.Derivation, gone: Table) -> Expression:
        """The rows of ``gone`` that a rule still derives."""
        aliases = {GIVEN: "d"}
        sources = [Source(gone, "d")]
        held: dict[str, Arrangement | None] = {"d": None}
        order, rest = visits(rule, None)
        for visit in order:
            source = self.looked_up(rule, visit, aliases, held)
            asked = [GIVEN in prefixes(value) for value in visit.values]
            if any(
                value.type.nullable for value, of in zip(visit.values, asked, strict=True) if of
            ):
                # A row that is asked for may have None, which joins do not find.
                source = dataclasses.replace(source, null_safe=True)
                moved = [
                    (prefixed(k, visit.number), v)
                    for k, v in zip(visit.key, visit.values, strict=True)
                ]
                rest = [*rest, *(p for p, of in zip(moved, asked, strict=True) if not of)]
            sources.append(source)
        given = [(a, b) for a, b in rest if b.type.nullable and GIVEN in prefixes(b)]
        same = tuple(ir.Call("same", p, BOOL) for p in given)
        rule = dataclasses.replace(rule, filters=(*rule.filters, *same))
        rest = [p for p in rest if p not in given]
        select, _ = self.built(rule, sources, aliases, held, rest)
        return select

    def looked_up(
        self,
        rule: ir.Derivation,
        visit: Any,
        aliases: dict[str, str],
        held: dict[str, Arrangement | None],
    ) -> Source:
        position = rule.sources[visit.number]
        operator = self.closure.state if position == ir.ITSELF else self.closure.externals[position]
        arrangement = self.arrangements.delay[operator]
        alias = f"t{visit.number}"
        values = tuple(self.renamed(value, aliases, held) for value in visit.values)
        columns = arrangement.keys[visit.key]
        aliases[str(visit.number)] = alias
        held[alias] = arrangement
        return Source(arrangement.table, alias, tuple(zip(columns, values, strict=True)))

    def built(
        self,
        rule: ir.Derivation,
        sources: Sequence[Source],
        aliases: Mapping[str, str],
        held: Mapping[str, Arrangement | None],
        rest: Sequence[tuple[ir.Scalar, ir.Scalar]],
    ) -> tuple[Expression, list[Expression]]:
        def moved(scalar: ir.Scalar) -> ir.Scalar:
            return self.renamed(scalar, aliases, held)

        term = Term(
            tuple(sources),
            {},
            tuple((moved(a), moved(b)) for a, b in rest),
            tuple(moved(condition) for condition in rule.filters),
        )
        outputs = list(zip(self.names, map(moved, rule.columns), strict=True))
        select = self.sql.term(term, outputs, None, None)
        for source in sources:
            if source.table.is_kept and not source.table.non_negative:
                weight = exp.column(self.name(source.table.weight), table=self.name(source.alias))
                there = exp.GT(this=weight, expression=exp.Literal.number(0))
                select = select.where(self.sql.of_change(there, sources[0]))
        return select, [self.sql.scalar(scalar, term) for _, scalar in outputs]

    def renamed(
        self,
        scalar: ir.Scalar,
        aliases: Mapping[str, str],
        held: Mapping[str, Arrangement | None],
    ) -> ir.Scalar:
        """A rule's scalar over the columns of the tables that stand for its sources."""

        def change(part: ir.Scalar) -> ir.Scalar:
            if not isinstance(part, ir.ColumnRef):
                return ir.rebuild(part, change)
            source, _, column = part.name.partition(".")
            alias = aliases[source]
            arrangement = held[alias]
            if source == GIVEN:
                column = self.names[int(column)]
            elif arrangement is not None:
                column = arrangement.holding(column) or column
            return ir.ColumnRef(f"{alias}.{column}", part.type)

        return change(scalar)

    def kept(self, made: tuple[Expression, list[Expression]], *, there: bool) -> Expression:
        """The select with its rows that are in the set, or with those that are not."""
        select, values = made
        by_name = dict(zip(self.names, values, strict=True))
        arrangement = self.state
        table = arrangement.table
        pairs = [
            (held, scalar_sql(scalar, by_name.__getitem__, self.sql.dialect.spelling))
            for held, scalar in arrangement.columns
        ]
        conditions = self.sql.dialect.identical(table, "y", pairs)
        inner = exp.select(exp.Literal.number(1)).from_(self.sql.aliased(table, "y"))
        if self.sql.in_steps:
            inner = self.sql.dialect.found(inner, table, "y", conditions)
        else:
            inner = inner.where(*conditions)
        exists: Expression = exp.Exists(this=inner)
        condition = exists if there else exp.Not(this=exists)
        if self.sql.in_steps:
            driver = [c for c in select.find_all(exp.Column) if c.table == "d"]
            if driver and not any(c.table == "d" for c in condition.find_all(exp.Column)):
                condition = self.sql.dialect.depending(condition, driver[0].copy())
        return select.where(condition)

    def name(self, name: str | None) -> Expression:
        return self.sql.name(name)

    def delta(self, gone: Table, fresh: Table, into: Table) -> Expression:
        """What the set changes by: what is gone for good, and what is new."""
        parts = []
        for table, sign in ((gone, -1), (fresh, 1)):
            columns = [exp.column(self.name(name)) for name in self.names]
            weight = exp.alias_(exp.Literal.number(sign), self.name(into.weight))
            parts.append(exp.select(*columns, weight).from_(self.sql.dialect.source(table)))
        union = exp.union(parts[0], parts[1], distinct=False, copy=False)
        types = {name: into.column(name).type for name in self.names}
        rows = self.sql.aliased_rows(union)
        return self.sql.consolidated(rows, self.names, into.weight or "", types)

    def merge(self, rows: Table, sign: int) -> Expression:
        """Rows of a table as the set stores them, each with the same weight."""
        table = self.state.table
        values = {
            column.name: exp.column(self.name(column.name), table=self.name("d"))
            for column in rows.columns
        }
        columns = [
            exp.alias_(
                self.sql.dialect.stored(
                    table,
                    table.column(held),
                    scalar_sql(scalar, values.__getitem__, self.sql.dialect.spelling),
                ),
                self.name(held),
            )
            for held, scalar in self.state.columns
        ]
        weight = exp.alias_(exp.Literal.number(sign), self.name(table.weight))
        return exp.select(*columns, weight).from_(self.sql.aliased(rows, "d"))
