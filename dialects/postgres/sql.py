"""Postgres's spelling of a plan: the statements of a step, and the same step as one statement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from sqlglot import exp

from stepping.compiler.plan.sql_plan import Role, SQLCache, SQLFused, SQLPlan, SQLStatement
from stepping.compiler.plan.statements import (
    EmitDelta,
    FoldInPython,
    MapInPython,
    MergeDelta,
    MergeGroups,
    MergeState,
    Statement,
    Step,
)
from stepping.compiler.plan.tables import Table, TableColumn, TableKind
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.base import Expression
from stepping.dialects.natives import verbatim_type
from stepping.dialects.postgres import base_values
from stepping.dialects.postgres.fuse import fuse
from stepping.dialects.postgres.joins import joins_changes
from stepping.dialects.postgres.look_ups import through_its_index
from stepping.dialects.postgres.merge import (
    ROW_ID,
    Part,
    delta_parts,
    merge_of_groups,
    state_parts,
    with_parts,
)
from stepping.dialects.postgres.migration import PostgresMigrationRenderer
from stepping.dialects.postgres.own_tables import CATALOG, FEATURES, STEPS
from stepping.dialects.postgres.relations import stored_rows
from stepping.dialects.postgres.scalars import PostgresSpelling
from stepping.dialects.postgres.staging import PostgresStaging
from stepping.dialects.postgres.tables import TEXTS, text_image
from stepping.dialects.ranges import RangeRenderer
from stepping.dialects.scalars import type_named


class PostgresDialect(PostgresStaging):
    name = "postgres"
    sqlglot_name = "postgres"
    create_view = "CREATE OR REPLACE VIEW"
    adds_checks = True

    def shown(self, cache: SQLCache, *, keyed: bool) -> str:
        return stored_rows(cache, keyed=keyed)

    @cached_property
    def spelling(self) -> PostgresSpelling:
        return PostgresSpelling()

    @cached_property
    def migrations(self) -> PostgresMigrationRenderer:
        return PostgresMigrationRenderer(self)

    # -- tables and columns -------------------------------------------------------------------

    def loaded(self, table: Table, column: TableColumn, reference: Expression) -> Expression:
        if table.kind is TableKind.BASE:
            return base_values.decoded(column, reference)
        return super().loaded(table, column, reference)

    def plan_metadata(self, plan: SQLPlan) -> Any:
        from stepping.dialects.postgres.metadata import plan_metadata

        return plan_metadata(plan, self)

    @property
    def ranges(self) -> RangeRenderer:
        # No key forbids a row that stands there twice. Not every value of a type is one in Python.
        return RangeRenderer("$", "EXCEPT ALL", "CAST({} AS text)")

    def own_ddl(self, *, steps: bool = True) -> tuple[str, ...]:
        return (*CATALOG, *(STEPS if steps else ()))

    def feature_ddl(self, feature: str) -> tuple[str, ...]:
        return FEATURES[feature]

    def lookup(
        self,
        table: Table,
        alias: str,
        values: Sequence[tuple[str, Expression]],
        *,
        null_safe: bool,
    ) -> list[Expression]:
        conditions: list[Expression] = []
        for name, value in values:
            column = table.column(name)
            reference = exp.column(
                self.identifier(name), table=self.identifier(alias) if alias else None
            )
            if table.kind is TableKind.BASE:
                value = base_values.compared(column, value)
                same: Expression = exp.EQ(this=reference, expression=value)
                native = column.type.native
                if null_safe and native is not None and native.is_row:
                    # A row of NULLs IS NULL, and is none.
                    same = exp.NullSafeEQ(this=reference, expression=value)
                elif null_safe and column.type.nullable:  # which an index serves, too
                    missing = (
                        exp.Is(this=each.copy(), expression=exp.Null())
                        for each in (reference, value)
                    )
                    same = exp.paren(exp.or_(same, exp.and_(*missing)))
                conditions.append(same)
                continue
            if not self.is_plain(column):
                # IS NOT DISTINCT FROM uses no index, and a B-tree refuses long values: found by
                # hash, then compared.
                typed = self.cast(value, column)
                pair = (self.hashed(column, reference), self.hashed(column, typed))
                conditions.append(exp.EQ(this=pair[0], expression=pair[1]))
            sides = [reference.copy(), value.copy()]
            if column.type.native is not None and column.type.native.unequal:
                sides = [text_image(each) for each in sides]
            is_same = exp.NullSafeEQ if null_safe and column.type.nullable else exp.EQ
            conditions.append(is_same(this=sides[0], expression=sides[1]))
        return conditions

    def identical(
        self, table: Table, alias: str, values: Sequence[tuple[str, Expression]]
    ) -> list[Expression]:
        # Probes the index on the key and the row's hash, then compares the whole row: hashes can
        # collide.
        by_name = dict(values)
        conditions = self.lookup(
            table, alias, [(name, by_name[name]) for name in table.key], null_safe=True
        )
        kept = [exp.column(self.identifier(n), table=self.identifier(alias)) for n in table.names]
        given = [self.cast(by_name[name], table.column(name)) for name in table.names]
        columns = [table.column(name) for name in table.names]
        hashes = [self.row_hash(self.hashable(columns, side)) for side in (kept, given)]
        conditions.append(exp.EQ(this=hashes[0], expression=hashes[1]))
        rows = [
            exp.Anonymous(this="ROW", expressions=self.comparable(columns, side))
            for side in (kept, given)
        ]
        conditions.append(exp.NullSafeEQ(this=rows[0], expression=rows[1]))
        return conditions

    def comparable(
        self, columns: Sequence[TableColumn], values: Sequence[Expression]
    ) -> list[Expression]:
        """Values that are equal where those of the columns are the same."""
        return [
            text_image(value)
            if column.type.native is not None
            and (column.type.native.varied or column.type.native.unequal)
            else value.copy()
            for column, value in zip(columns, values, strict=True)
        ]

    def differing_columns(self, table: Table) -> list[Expression]:
        columns = super().differing_columns(table)
        return [
            text_image(each) if column.type.native and column.type.native.unequal else each
            for each, column in zip(columns, table.columns, strict=True)
        ]

    def cast(self, value: Expression, column: TableColumn) -> Expression:
        if isinstance(value, exp.Column):
            return value.copy()
        native = column.type.native
        if native is not None:
            to_native = verbatim_type(native.name)
            is_typed = isinstance(value, exp.Cast) and value.args["to"] == to_native
            typed = value.copy() if is_typed else exp.Cast(this=value.copy(), to=to_native)
            if not native.collation:
                return typed
            return exp.Collate(this=typed, expression=exp.Var(this=native.collation))
        plain = TableColumn(column.name, column.type)
        to = "TEXT" if plain.type.kind in TEXTS else self.column_type(plain)
        typed = exp.Cast(this=value.copy(), to=type_named(to, "postgres"))
        if plain.type.kind in TEXTS:
            return exp.Collate(this=typed, expression=exp.to_identifier("C", quoted=True))
        return typed

    def joined(
        self, select: Expression, source: Expression, on: Sequence[Expression]
    ) -> Expression:
        if not on:
            return select.join(exp.Join(this=source, kind="CROSS"), copy=False)
        return select.join(source, on=exp.and_(*on), copy=False)

    def looked_up(
        self,
        select: Expression,
        table: Table,
        alias: str,
        on: Sequence[Expression],
        *,
        optional: bool = False,
    ) -> Expression:
        if not on or table.kind is TableKind.BASE:
            return super().looked_up(select, table, alias, on, optional=optional)
        # Row by row, in a subquery that is not flattened because of its OFFSET: a plan that was
        # made when the table was small would begin with all of it, or hash it.
        name = self.identifier(alias)
        found = exp.select(exp.Column(this=exp.Star(), table=name.copy()))
        if optional:
            rid = exp.alias_(exp.column("ctid", table=name.copy()), ROW_ID)
            found = found.select(rid, copy=False)
        found = found.from_(exp.alias_(self.source(table), name.copy(), table=True), copy=False)
        found = self.found(found, table, alias, on)
        lateral = exp.Lateral(this=exp.Subquery(this=found), alias=exp.TableAlias(this=name.copy()))
        if optional:
            return select.join(exp.Join(this=lateral, side="LEFT"), on=exp.true(), copy=False)
        return select.join(exp.Join(this=lateral, kind="CROSS"), copy=False)

    def found(
        self, select: Expression, table: Table, alias: str, on: Sequence[Expression]
    ) -> Expression:
        # With OFFSET it is not made a join with what is around it.
        return through_its_index(self, select, table, on).offset(0, copy=False)

    def picked(
        self,
        table: Table,
        touched: Expression | None,
        start: Callable[[str, Expression], Expression],
    ) -> Expression:
        alias = exp.TableAlias(this=self.identifier("m"))
        rows = exp.Subquery(this=start("m", exp.Star()), alias=alias)
        if touched is None:
            return exp.select().from_(rows, copy=False)
        groups = exp.Subquery(this=touched, alias=exp.TableAlias(this=self.identifier("g")))
        lateral = exp.Lateral(this=exp.Subquery(this=rows.this), alias=alias)
        return exp.select().from_(groups, copy=False).join(lateral, join_type="cross", copy=False)

    def ways(
        self, table: Table, alias: str, values: Sequence[tuple[str, Expression]]
    ) -> list[tuple[list[Expression], tuple[str, ...]]]:
        # IS NOT DISTINCT FROM uses no index, and with OR one is not read in its order.
        found: list[tuple[list[Expression], tuple[str, ...]]] = [([], ())]
        for name, value in values:
            same = self.lookup(table, alias, [(name, value)], null_safe=False)
            more = [([*on, *(each.copy() for each in same)], none) for on, none in found]
            if table.column(name).type.nullable:
                column = exp.column(self.identifier(name), table=self.identifier(alias))
                missing = [exp.Is(this=each, expression=exp.Null()) for each in (column, value)]
                more += (
                    ([*on, *(each.copy() for each in missing)], (*none, name)) for on, none in found
                )
            found = more
        return found

    def whole_groups(
        self, select: Expression, table: Table, alias: str, values: Sequence[tuple[str, Expression]]
    ) -> Expression:
        # Group by group: how many there are is not known when the plan is made.
        name = self.identifier(alias)
        source = exp.alias_(self.source(table), name.copy(), table=True)
        rows = [
            exp.select(exp.Star()).from_(source.copy(), copy=False).where(*on, copy=False).offset(0)
            for on, _ in self.ways(table, alias, values)
        ]
        found: Expression
        found, *others = rows if len(rows) == 1 else [exp.Subquery(this=each) for each in rows]
        for each in others:
            found = exp.Union(this=found, expression=each, distinct=False)
        lateral = exp.Lateral(this=exp.Subquery(this=found), alias=exp.TableAlias(this=name))
        return select.join(exp.Join(this=lateral, kind="CROSS"), copy=False)

    def images(self, atom: Atom, value: Expression) -> list[Expression]:
        return [text_image(value)] if atom.native is not None and atom.native.varied else []

    def ties(self, atom: Atom, value: Expression) -> list[Expression]:
        return self.images(atom, value)

    def grouped_as(self, atom: Atom, value: Expression) -> tuple[Expression, Expression]:
        if atom.native is None or not atom.native.unequal:
            return value, value
        # A cast to another type would leave a COLLATE next to it out.
        text = exp.DPipe(this=text_image(value), expression=exp.Literal.string(""))
        again = exp.Cast(this=exp.paren(text.copy()), to=verbatim_type(atom.native.name))
        return text, again

    def beside_each(self, select: Expression, call: Expression) -> Expression:
        return select.join(exp.Join(this=exp.Lateral(this=call), kind="CROSS"), copy=False)

    def repeated(self, select: Expression, count: Expression) -> Expression:
        series = exp.Anonymous(this="generate_series", expressions=[exp.Literal.number(1), count])
        alias = exp.TableAlias(this=self.identifier("copies"))
        return select.join(exp.Lateral(this=series, alias=alias), join_type="cross", copy=False)

    def recursive(
        self,
        name: str,
        columns: Sequence[str],
        bases: Sequence[Expression],
        steps: Sequence[Expression],
    ) -> Expression:
        # The recursive query may be named once only, behind one UNION.
        base = bases[0]
        for each in bases[1:]:
            base = exp.union(base, each, distinct=False, copy=False)
        base = exp.select("*").from_(exp.Subquery(this=base, alias=exp.TableAlias(this="b")))
        return super().recursive(
            name, columns, [base], [self.one_step(name, steps)] if steps else []
        )

    def one_step(self, name: str, steps: Sequence[Expression]) -> Expression:
        if len(steps) == 1:
            return steps[0]
        # Each step beside the row it starts from: the first source of all of them.
        union = None
        for step in steps:
            inner = step.copy()
            first, *others = inner.args["joins"] if inner.args.get("joins") else (None,)
            if first is None:
                inner.set("from_", None)
            else:
                inner.set("from_", exp.From(this=first.this))
                on = first.args.get("on")
                inner.set("joins", others)
                if on is not None:
                    inner = inner.where(on)
            union = inner if union is None else exp.union(union, inner, distinct=False, copy=False)
        rows = exp.alias_(exp.Table(this=self.identifier(name)), self.identifier("d"), table=True)
        lateral = exp.Lateral(
            this=exp.Subquery(this=union), alias=exp.TableAlias(this=self.identifier("x"))
        )
        return (
            exp.select("x.*").from_(rows, copy=False).join(lateral, join_type="cross", copy=False)
        )

    def nothing_of(self, text: Expression) -> Expression:
        return exp.Anonymous(this="left", expressions=[text, exp.Literal.number(0)])

    def text_of(self, column: TableColumn, value: Expression) -> Expression:
        native = column.type.native
        is_text = column.type.kind is Kind.TEXT or (native is not None and native.name == "text")
        shown = value if is_text else exp.Cast(this=value, to=type_named("text"))
        if not column.type.nullable:
            return shown
        return exp.func("COALESCE", shown, exp.Literal.string(self.none_of(column)))

    # -- statements ---------------------------------------------------------------------------

    def stage_text(self, table: Table) -> tuple[str, str, int]:
        insert = self.insert(table, table.names, self.staged(table))
        return self.text(insert), "", 1

    def parameter(self, position: int, column: TableColumn) -> Expression:
        native = column.type.native
        if native is None:
            return self.typed_parameter(position, self.array_type(column))
        number = exp.Parameter(this=exp.Literal.number(position))
        return exp.Cast(this=number, to=verbatim_type(native.name))

    def fused(self, step: Step) -> tuple[SQLFused | None, SQLFused | None]:
        return fuse(self, step)

    def render(self, statement: Statement) -> tuple[SQLStatement, ...]:
        made = super().render(statement)
        match statement:
            case EmitDelta() | MergeDelta() | MergeGroups() | MapInPython() | FoldInPython():
                if joins_changes(statement.select):
                    made = tuple(replace(each, joins_changes=True) for each in made)
        return made

    def merge_delta(self, statement: MergeDelta) -> tuple[SQLStatement, ...]:
        return (self.merged(delta_parts(self, statement, str), statement.served),)

    def merge_state(self, statement: MergeState) -> tuple[SQLStatement, ...]:
        return (self.merged(state_parts(self, statement, str), statement.served),)

    def merge_groups(self, statement: MergeGroups) -> tuple[SQLStatement, ...]:
        return (self.run(Role.RUN, merge_of_groups(self, statement), statement.served),)

    def merged(self, parts: Sequence[Part], served: Any) -> SQLStatement:
        tree = with_parts(self, parts[:-1], parts[-1].tree)
        return self.run(Role.RUN, tree, served)

    def nulls_first(self, ascending: bool) -> bool:
        return not ascending

    def ordered(
        self, table: Table, column: TableColumn, alias: str, *, ascending: bool
    ) -> list[Expression]:
        terms = super().ordered(table, column, alias, ascending=ascending)
        if column.type.native is not None and column.type.native.unequal:
            terms[0].set("this", text_image(terms[0].this))
        prefix = self.prefix(column, terms[0].this)
        if prefix is None:
            return terms
        shown = exp.Ordered(
            this=prefix, desc=not ascending, nulls_first=self.nulls_first(ascending)
        )
        return [shown, *terms]
