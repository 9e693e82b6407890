"""SQLite's spelling of a plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from sqlalchemy import types as sa
from sqlalchemy.dialects.sqlite import dialect as sqlalchemy_sqlite
from sqlglot import exp

from stepping.compiler.plan.sql_plan import Role, SQLCache, SQLPlan, SQLStatement
from stepping.compiler.plan.statements import MergeDelta, MergeState, Served
from stepping.compiler.plan.tables import Table, TableColumn, TableIndex, TableKind, TableRange
from stepping.compiler.schema import INT, Atom, Kind, bounded
from stepping.dialects.base import Expression
from stepping.dialects.metadata import Verbatim, create_statements
from stepping.dialects.ranges import RangeRenderer
from stepping.dialects.scalars import Sql, closed
from stepping.dialects.sqlite import base_values
from stepping.dialects.sqlite.collations import BINARY
from stepping.dialects.sqlite.functions import AGGREGATES, REGISTERED
from stepping.dialects.sqlite.migration import SQLiteMigrationRenderer
from stepping.dialects.sqlite.native_columns import (
    affinity,
    collated,
    is_null_stored,
    needs_terms,
    terms,
)
from stepping.dialects.sqlite.nesting import DEEPEST, nesting
from stepping.dialects.sqlite.own_tables import CATALOG, FEATURES, STEPS
from stepping.dialects.sqlite.relations import stored_rows
from stepping.dialects.sqlite.scalars import SQLiteSpelling
from stepping.dialects.sqlite.sums import SQLiteSums

# Rows per multi-row VALUES: quickest at about 256 rows, and a statement has at most 32,766
# parameters (sqlite.org/limits.html).
_BULK_ROWS = 256
_MAX_PARAMETERS = 32_000

_TYPES: dict[Kind, type[Any]] = {
    Kind.INT: sa.INTEGER,
    Kind.FLOAT: sa.REAL,
    Kind.BOOL: sa.INTEGER,
    Kind.TEXT: sa.TEXT,
    Kind.BYTES: sa.BLOB,
    Kind.DATE: sa.INTEGER,  # days since 1970-01-01
    Kind.DATETIME: sa.INTEGER,  # microseconds since 1970-01-01
    Kind.TIMESTAMP: sa.INTEGER,
    Kind.TIME: sa.INTEGER,  # microseconds since midnight
    Kind.UUID: sa.BLOB,
    Kind.ENUM: sa.TEXT,
    Kind.NULL: sa.INTEGER,
    Kind.PACKED: sa.BLOB,
}


_INSERT = 12  # what stands in front of a select that is inserted, on the parser's stack


class SQLiteDialect(SQLiteSums):
    name = "sqlite"
    sqlglot_name = "sqlite"
    adds_one_by_one = True  # by an upsert for each; a count of 0 in between deletes the row
    deltas_in: str | None = "temp"  # the schema of delta tables

    def shown(self, cache: SQLCache, *, keyed: bool) -> str:
        return stored_rows(cache, keyed=keyed)

    @cached_property
    def spelling(self) -> SQLiteSpelling:
        return SQLiteSpelling()

    def too_deep(self, tree: Expression) -> bool:
        return nesting(tree) > DEEPEST - _INSERT

    @cached_property
    def migrations(self) -> SQLiteMigrationRenderer:
        return SQLiteMigrationRenderer(self)

    # -- tables and columns -------------------------------------------------------------------

    def source(self, table: Table) -> Expression:
        name = self.identifier(table.name)
        if table.kind is TableKind.BASE and table.schema:
            return exp.Table(this=name, db=self.identifier(table.schema))
        is_delta = table.kind in (TableKind.DELTA, TableKind.CHANGE)
        return exp.Table(this=name, db=exp.to_identifier(self.deltas_in) if is_delta else None)

    def sqlalchemy_type(self, column: TableColumn) -> Any:
        if column.type.kind is Kind.DECIMAL:  # scaled to an integer, else bytes that sort
            return sa.INTEGER() if column.type.scale is not None else sa.BLOB()
        if column.type.native is not None:
            return Verbatim(str(column.type.native))
        return _TYPES[column.type.kind]()

    def allows_null(self, column: TableColumn) -> bool:
        return is_null_stored(column)  # elsewhere a sentinel stands for None: see `sentinel`

    def identity(self, table: Table) -> tuple[str, ...]:
        """The primary key: what rows are looked up by, then whatever else tells them apart."""
        columns = self.telling(table)
        return () if self.has_terms(table) else columns

    def telling(self, table: Table) -> tuple[str, ...]:
        """The columns that tell a table's rows apart, what they are looked up by first."""
        if table.kind is TableKind.STATE:
            return table.key
        return (*table.key, *(name for name in table.names if name not in table.key))

    def has_terms(self, table: Table) -> bool:
        """Whether an index over expressions tells rows apart, and no primary key."""
        return any(needs_terms(table, table.column(name)) for name in self.telling(table))

    @property
    def ranges(self) -> RangeRenderer:
        return RangeRenderer("?", "EXCEPT")

    def identity_terms(self, table: Table) -> tuple[str, ...]:
        return tuple(
            self.text(term)
            for name in self.telling(table)
            for term in terms(table, table.column(name), exp.column(self.identifier(name)))
        )

    def table_options(self, table: Table) -> dict[str, Any]:
        # One B-tree is the table, its identity and the index that joins use. Rows that are picked
        # need a row id, since SQLite looks up pairs in a list by their first part only.
        whole = self.identity(table) and not table.picked
        return {"sqlite_with_rowid": False} if whole else {}

    def column_type(self, column: TableColumn) -> str:
        return str(self.sqlalchemy_type(column))

    def table_ddl(self, table: Table) -> tuple[str, ...]:
        created = create_statements(table, self, sqlalchemy_sqlite())
        identity = self.identity(table)
        if self.has_terms(table):
            created = (*created, *self.term_indexes(table))
        elif not identity:
            return created
        # Rows whose count falls to 0 go. The trigger costs nothing while rows are inserted, and
        # deletes by the whole key, which a DELETE with row values in a subquery would not use.
        name, weight = self.quoted(table.name), self.quoted(table.weight or "")
        same = " AND ".join(f"{self.quoted(c)} = NEW.{self.quoted(c)}" for c in identity)
        same = same or "rowid = NEW.rowid"
        trigger = (
            f"CREATE TRIGGER IF NOT EXISTS {self.quoted(table.name + '__gone')}\n"
            f"AFTER UPDATE OF {weight} ON {name} WHEN NEW.{weight} = 0\n"
            f"BEGIN\n    DELETE FROM {name} WHERE {same};\nEND"
        )
        if not table.non_negative or table.kind is TableKind.STATE:
            return (*created, trigger)
        # An upsert adds to a count, and SQLite would check the row that it did not insert: a
        # count below 0 is looked for after the merge, in an index that is always empty.
        below = (
            f"CREATE INDEX IF NOT EXISTS {self.quoted(table.name + '__below_zero')} "
            f"ON {name} ({weight}) WHERE {weight} < 0"
        )
        return (*created, trigger, below)

    def term_indexes(self, table: Table) -> tuple[str, ...]:
        """The index that tells rows apart, and that of what they are looked up by first."""
        on = self.quoted(table.name)
        unique = self.quoted(bounded(f"{table.name}__row"))
        made = f"CREATE UNIQUE INDEX IF NOT EXISTS {unique} ON {on} "
        made += f"({', '.join(self.identity_terms(table))})"
        if not any(needs_terms(table, table.column(name)) for name in table.key):
            return (made,)
        key = self.quoted(bounded(f"{table.name}__{'_'.join(table.key)}_key"))
        columns = ", ".join(map(self.quoted, table.key))
        return (made, f"CREATE INDEX IF NOT EXISTS {key} ON {on} ({columns})")

    def checks_count(self, table: Table) -> bool:
        return table.non_negative and table.kind is TableKind.STATE

    def checked(self, table: Table) -> tuple[TableRange, ...]:
        # A Decimal without a scale is a text, which only functions of ours compare.
        types = {column.name: column.type for column in table.columns}
        texts = {n for n, t in types.items() if t.kind is Kind.DECIMAL and t.scale is None}
        return tuple(each for each in table.ranges if each.column not in texts)

    def range_end(self, value: Any, atom: Atom) -> Expression:
        scaled = value.scaleb(atom.scale) if atom.kind is Kind.DECIMAL else value
        return super().range_end(int(scaled) if atom.kind is Kind.DECIMAL else value, atom)

    def own_ddl(self, *, steps: bool = True) -> tuple[str, ...]:
        return (*CATALOG, *(STEPS if steps else ()))

    def feature_ddl(self, feature: str) -> tuple[str, ...]:
        return FEATURES[feature]

    def registered_in(self, texts: Sequence[str]) -> tuple[str, ...]:
        words = {word for text in texts for word in re.findall(r"(?i)\bstepping_\w+(?=\()", text)}
        known = {name.lower(): name for name in (*REGISTERED, *AGGREGATES)}
        return tuple(sorted(known[word.lower()] for word in words if word.lower() in known))

    def sentinel(self, atom: Atom) -> Expression:
        """What stands for None in a kept table: a value of another storage class.

        A column of a WITHOUT ROWID key cannot be NULL, and NULLs are all different in a UNIQUE
        index; a blob is never equal to a number or a text (sqlite.org/datatype3.html).
        """
        is_blob = self.sqlalchemy_type(TableColumn("", atom)).__class__ is sa.BLOB
        return exp.Literal.string("") if is_blob else exp.HexString(this="")

    def plan_metadata(self, plan: SQLPlan) -> Any:
        from stepping.dialects.sqlite.metadata import plan_metadata

        return plan_metadata(plan, self)

    def loaded(self, table: Table, column: TableColumn, reference: Expression) -> Expression:
        if table.is_kept and column.type.nullable and not is_null_stored(column):
            return exp.func("NULLIF", reference, self.sentinel(column.type))
        if table.kind is TableKind.BASE:
            return base_values.decoded(column, reference)
        return super().loaded(table, column, reference)

    def logged(self, table: Table, column: TableColumn, reference: Expression) -> Expression:
        value = super().logged(table, column, reference)
        # A log has columns without one: queries in Python compare the same texts by bytes.
        native = column.type.native
        return collated(value, native.collation) if native and native.collation else value

    def stored(self, table: Table, column: TableColumn, value: Expression) -> Expression:
        if table.is_kept and column.type.nullable and not is_null_stored(column):
            return exp.func("COALESCE", value, self.sentinel(column.type))
        return value

    def lookup(
        self,
        table: Table,
        alias: str,
        values: Sequence[tuple[str, Expression]],
        *,
        null_safe: bool,
    ) -> list[Expression]:
        conditions = []
        for name, value in values:
            column = exp.column(
                self.identifier(name), table=self.identifier(alias) if alias else None
            )
            if table.kind is TableKind.BASE:
                column = base_values.compared(table.column(name), column)
            if null_safe:
                value = self.stored(table, table.column(name), value)
            same: Any = exp.EQ
            shows_null = table.kind is TableKind.VIEW and table.column(name).type.nullable
            if null_safe and (shows_null or is_null_stored(table.column(name))):
                same = exp.NullSafeEQ
            conditions.append(same(this=column, expression=value))
        return conditions

    def identical(
        self, table: Table, alias: str, values: Sequence[tuple[str, Expression]]
    ) -> list[Expression]:
        if not self.has_terms(table):
            return super().identical(table, alias, values)
        of = self.identifier(alias) if alias else None
        conditions: list[Expression] = []
        for name, value in values:
            column = table.column(name)
            kept = terms(table, column, exp.column(self.identifier(name), table=of))
            given = terms(table, column, self.stored(table, column, value))
            pairs = zip(kept, given, strict=True)
            conditions += (exp.EQ(this=a, expression=closed(b)) for a, b in pairs)
        return conditions

    def parameter(self, position: int, column: TableColumn) -> Expression:
        # Numbered, since a condition may have the same value twice.
        return exp.Var(this=f"?{position}")

    def joined(
        self, select: Expression, source: Expression, on: Sequence[Expression]
    ) -> Expression:
        # CROSS JOIN keeps the order: the change first, whatever sqlite_stat1 says
        # (sqlite.org/optoverview.html, "manual control of query plans using CROSS JOIN").
        joined = select.join(exp.Join(this=source, kind="CROSS"), copy=False)
        return joined.where(*on, copy=False) if on else joined

    def depending(self, given: Expression, value: Expression) -> Expression:
        # Once there are statistics, a table that is looked up and filtered gets a Bloom filter, for
        # which all of it is read in each step (sqlite.org/optoverview.html, "Bloom filters"), but
        # not where the filter needs the change. CASE, since a conjunction is taken apart.
        same = exp.Is(this=value, expression=value.copy())
        return exp.Case(ifs=[exp.If(this=same, true=given)])

    def picked(
        self,
        table: Table,
        touched: Expression | None,
        start: Callable[[str, Expression], Expression],
    ) -> Expression:
        # There is no LATERAL: rows are picked by the ids that a correlated list gives. It is an
        # array, since the whole table is read for `rowid IN (SELECT ...)` if sqlite_stat1 says that
        # it has few rows.
        ids = start("m2", exp.column("rowid", table=self.identifier("m2")))
        if touched is None:
            return self.by_id(table, ids)
        rowid = exp.column("rowid", table=self.identifier("i"))
        inner = exp.Subquery(this=ids, alias=exp.TableAlias(this=self.identifier("i")))
        listed = exp.select(exp.Anonymous(this="json_group_array", expressions=[rowid])).from_(
            inner
        )
        each = exp.Anonymous(this="json_each", expressions=[exp.Subquery(this=listed)])
        array = exp.alias_(exp.Table(this=each), self.identifier("i"), table=True)
        groups = exp.Subquery(this=touched, alias=exp.TableAlias(this=self.identifier("g")))
        made = exp.select().from_(groups).join(array, join_type="cross")
        return self.looked_up_by_id(made, table, exp.column("value", table=self.identifier("i")))

    def images(self, atom: Atom, value: Expression) -> list[Expression]:
        native = atom.native
        if native is None:
            return []
        found = [collated(value, BINARY)] if native.collation else []
        if affinity(native.name) == "BLOB":
            found.append(exp.Anonymous(this="typeof", expressions=[value.copy()]))
        return found

    def repeated(self, select: Expression, count: Expression) -> Expression:
        # A list with as many elements: two digits for each byte, one of them behind a comma.
        zeros = exp.func("hex", exp.func("zeroblob", count))
        listed = exp.func("replace", zeros, exp.Literal.string("00"), exp.Literal.string(",0"))
        text = exp.DPipe(
            this=exp.DPipe(
                this=exp.Literal.string("["),
                expression=exp.func("substr", listed, exp.Literal.number(2)),
            ),
            expression=exp.Literal.string("]"),
        )
        series = exp.Table(this=exp.Anonymous(this="json_each", expressions=[text]))
        copies = exp.alias_(series, self.identifier("copies"), table=True)
        return select.join(copies, join_type="cross", copy=False)

    def by_id(self, table: Table, ids: Expression) -> Expression:
        """The rows of a table with these row ids, each looked up."""
        found = exp.Subquery(this=ids, alias=exp.TableAlias(this=self.identifier("i")))
        rowid = exp.column("rowid", table=self.identifier("i"))
        return self.looked_up_by_id(exp.select().from_(found), table, rowid)

    def looked_up_by_id(self, select: Expression, table: Table, rowid: Expression) -> Expression:
        same = exp.EQ(this=exp.column("rowid", table=self.identifier("m")), expression=rowid)
        source = exp.alias_(self.source(table), self.identifier("m"), table=True)
        # By its row number alone: else it may be read whole, in the order that is asked for.
        source.set("indexed", False)
        return select.join(source, join_type="cross").where(same)

    # -- statements ---------------------------------------------------------------------------

    def stage_text(self, table: Table) -> tuple[str, str, int]:
        names = [*table.names, *([table.weight] if table.weight else [])]
        into = ", ".join(self.quoted(name) for name in names)
        row = f"({', '.join('?' * len(names))})"
        rows = max(1, min(_BULK_ROWS, _MAX_PARAMETERS // len(names)))
        schema = f"{self.deltas_in}." if self.deltas_in else ""
        head = f"INSERT INTO {schema}{self.quoted(table.name)} ({into}) VALUES "
        return head + row, head + ", ".join([row] * rows), rows

    def merge_delta(self, statement: MergeDelta) -> tuple[SQLStatement, ...]:
        table = statement.table
        weight = self.identifier(table.weight or "")
        # In the order of the table's B-tree, so that neighbours share a page.
        identity = [exp.column(self.identifier(name)) for name in self.telling(table)]
        select = self.upsert_source(statement.select).order_by(*identity)
        insert = self.insert(table, table.names, select)
        total = exp.Add(
            this=exp.column(weight.copy(), table=self.identifier(table.name)),
            expression=exp.column(weight.copy(), table="excluded"),
        )
        total = self.count_in_bounds(total, f"a row of {table.serves}")
        insert.set("conflict", self.on_conflict([(weight, total)]))
        merge = self.run(Role.RUN, insert, statement.served)
        return (merge, self.check(table, statement.served)) if table.non_negative else (merge,)

    def check(self, table: Table, served: Served) -> SQLStatement:
        """A row whose count has fallen below 0: found at once, in an index of such rows only."""
        weight = exp.column(self.identifier(table.weight or ""))
        select = (
            exp.select(*(exp.column(self.identifier(name)) for name in table.names), weight)
            .from_(self.source(table))
            .where(exp.LT(this=weight.copy(), expression=exp.Literal.number(0)))
            .limit(1)
        )
        return replace(
            self.run(Role.CHECK, select, served), table=table.name, columns=table.columns
        )

    def merge_state(self, statement: MergeState) -> tuple[SQLStatement, ...]:
        return (self.run(Role.RUN, self.set_groups(statement), statement.served),)

    def set_groups(self, statement: MergeState, source: Expression | None = None) -> Expression:
        """The INSERT that sets groups to their new state; ``source``: what has their change."""
        table, change = statement.table, statement.change
        alias = self.identifier("g")

        def changed(name: str) -> Expression:
            return exp.column(self.identifier(name), table=alias.copy())

        pairs = [p for each in table.values for p in each.stored]
        columns = [self.stored(table, table.column(key), changed(key)) for key in table.key]
        values = {
            inner: self.stored(table, table.column(inner), changed(outer)) for inner, outer in pairs
        }
        values[table.weight or ""] = changed("n1")
        there: Expression = exp.NEQ(this=changed("n1"), expression=exp.Literal.number(0))
        was = exp.Not(this=exp.Is(this=changed("n0"), expression=exp.Null()))
        touched = [there, was]
        left_over = self.left_over(table, changed)
        if left_over is not None:
            left = left_over.condition
            fault = self.spelling.raised(Sql(left_over.text), INT).tree
            ifs = [exp.If(this=there.copy(), true=changed("n1")), exp.If(this=left, true=fault)]
            values[table.weight or ""] = exp.Case(ifs=ifs, default=exp.Literal.number(0))
            touched.append(left.copy())
        elif table.vanishing:  # a constraint of the table says that something is left
            touched += (
                exp.NEQ(this=changed(each.new), expression=self.zero(each.type))
                for each in table.vanishing
                if not each.counts
            )
        ordered = [name for name in (*table.names, table.weight or "") if name not in table.key]
        select = (
            exp.select(*columns, *(values[name] for name in ordered))
            .from_(exp.alias_(source or self.source(change), alias.copy(), table=True))
            .where(exp.or_(*touched))
        )
        names = [*table.key, *(name for name in ordered if name != table.weight)]
        insert = self.insert(table, names, select)
        sets = [
            (self.identifier(name), exp.column(self.identifier(name), table="excluded"))
            for name in ordered
        ]
        insert.set("conflict", self.on_conflict(sets))
        return insert

    def on_conflict(self, sets: Sequence[tuple[Expression, Expression]]) -> Expression:
        return exp.OnConflict(
            action=exp.var("DO UPDATE"),
            expressions=[exp.EQ(this=name.copy(), expression=value) for name, value in sets],
        )

    def upsert_source(self, select: Expression) -> Expression:
        # In "INSERT ... SELECT ... FROM d ON CONFLICT" SQLite's parser takes ON for the start of
        # a join condition; any WHERE clause settles it (sqlite.org/lang_upsert.html).
        if isinstance(select, exp.Select) and not select.args.get("group"):
            return select.copy() if select.args.get("where") else select.where(exp.true())
        if isinstance(select, exp.Select):
            return select.copy()
        return exp.select("*").from_(exp.Subquery(this=select)).where(exp.true())

    def plain_indexes(self, table: Table) -> tuple[TableIndex, ...]:
        # The primary key serves what ascends and is its beginning.
        identity = self.identity(table)
        return tuple(
            index
            for index in table.indexes
            if not (all(index.ascending) and identity[: len(index.columns)] == index.columns)
        )

    def nulls_first(self, ascending: bool) -> bool:
        return ascending
