"""Every statement in SQL that most databases take; what differs is one small method each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, assert_never

from sqlglot import exp

from stepping.compiler.plan.sql_plan import Role, SQLFused, SQLPlan, SQLStatement
from stepping.compiler.plan.statements import (
    ClearDelta,
    EmitDelta,
    FoldInPython,
    MapInPython,
    MergeDelta,
    MergeGroups,
    MergeState,
    ReadDelta,
    Served,
    StageDelta,
    Statement,
    Step,
)
from stepping.compiler.plan.tables import Table, TableColumn
from stepping.compiler.schema import Atom
from stepping.dialects.ranges import RangeRenderer
from stepping.dialects.summing import Summing
from stepping.dialects.tables import Expression as Expression

CHANGED = "g"  # the alias of a change in statements that merge it
EXPANDED = "s"  # the alias of what a function gives for each row
KEPT = "a"  # the alias of the kept table there


class Dialect(Summing):
    """One database's spelling of plans."""

    shares_deltas = False  # every connection has the same delta tables
    views_changes = False  # what changes in groups is a view, that folds and readers share
    adds_one_by_one = False  # a merge adds up equal rows of a change by itself

    def too_deep(self, tree: Expression) -> bool:
        """Whether a select is nested more deeply than the database's parser takes."""
        return False

    # -- tables of the application --------------------------------------------------------------

    @property
    def at_commit(self) -> Dialect:
        """The same, as it spells folds at the commit of what they fold in."""
        return self

    def captured(self, made: Any) -> Any:
        """The `Capture` of a `PlannedCapture`: see `dialects/capture.py`."""
        raise NotImplementedError

    def live(
        self,
        step: Step,
        reads: Sequence[ReadDelta],
        cache: Any,
        *,
        distinct: bool,
        arms: Sequence[Expression] = (),
        changed: Any | None = None,
    ) -> str:
        """A SELECT of a cache as it is with all that waits to be folded in.

        ``arms``: the parts that make it up, where it shows groups; else it is what is stored, with
        what ``reads`` add, ``distinct`` where no row is there twice. ``changed``: the view of
        what changes in the groups, if there is one.
        """
        raise NotImplementedError

    def at_once(self, changed: Any) -> SQLStatement:
        """The statement that computes `ChangedGroups` and merges them: see `views_changes`."""
        raise NotImplementedError

    @abstractmethod
    def shown(self, cache: Any, *, keyed: bool) -> str:
        """A SELECT of a cache as it is stored, each row as often as it is there: for any reader.

        ``keyed``: no row is there more than once.
        """

    # -- migrations ---------------------------------------------------------------------------

    @property
    @abstractmethod
    def migrations(self) -> Any:
        """The words of migrations: see `dialects/migration.py`."""

    # -- tables and columns -------------------------------------------------------------------

    @abstractmethod
    def plan_metadata(self, plan: SQLPlan) -> Any:
        """Everything that a plan creates, as SQLAlchemy `MetaData`."""

    @property
    @abstractmethod
    def ranges(self) -> RangeRenderer:
        """The words of comparing two tables range by range."""

    @abstractmethod
    def own_ddl(self, *, steps: bool = True) -> tuple[str, ...]:
        """The statements that create our own tables if they are not there.

        ``steps``: those as well that only a query needs which is fed by hand.
        """

    @abstractmethod
    def feature_ddl(self, feature: str) -> tuple[str, ...]:
        """The statements that do so for the tables of a feature."""

    def published_whole(self, name: str) -> tuple[str, ...]:
        """What lets rows of a table without a primary key be changed where it is published."""
        return ()

    def logged(self, table: Table, column: TableColumn, reference: Expression) -> Expression:
        """The value of a column of the application's that its log has."""
        return self.loaded(table, column, reference)

    def loaded(self, table: Table, column: TableColumn, reference: Expression) -> Expression:
        """The value that a stored column stands for."""
        each = table.sum_named(column.name)
        if each is not None and each.positive:
            sides = (
                exp.column(self.identifier(side), table=reference.args["table"].copy())
                for side in (each.positive, each.negative)
            )
            return self.float_total(reference, *sides)
        return reference

    def stored(self, table: Table, column: TableColumn, value: Expression) -> Expression:
        """What is stored for a value."""
        return value

    @abstractmethod
    def joined(
        self, select: Expression, source: Expression, on: Sequence[Expression]
    ) -> Expression:
        """Join one more source, to be looked up for each row of what is in front of it."""

    def looked_up(
        self,
        select: Expression,
        table: Table,
        alias: str,
        on: Sequence[Expression],
        *,
        optional: bool = False,
    ) -> Expression:
        """Join the rows of a kept table that are found for each row of a change in front of it.

        ``optional``: a row for which none is found stays.
        """
        source = exp.alias_(self.source(table), self.identifier(alias), table=True)
        if not optional:
            return self.joined(select, source, on)
        condition = exp.and_(*on, copy=False) if on else exp.true()
        return select.join(source, on=condition, join_type="left", copy=False)

    def depending(self, given: Expression, value: Expression) -> Expression:
        """A condition on a kept table, written as if it depended on the row that drives the join.

        SQLite would otherwise build a Bloom filter over the whole table.
        """
        return given

    def found(
        self, select: Expression, table: Table, alias: str, on: Sequence[Expression]
    ) -> Expression:
        """A select from a kept table, of the rows that are found for one row of a change."""
        return select.where(*on, copy=False)

    @abstractmethod
    def picked(
        self,
        table: Table,
        touched: Expression | None,
        start: Callable[[str, Expression], Expression],
    ) -> Expression:
        """A select without columns: the rows of ``start``, for each row of ``touched`` (``g``).

        ``start(alias, what)`` selects that from ``table``, in an order and up to a limit; the rows
        are those of the alias ``m``.
        """

    def ways(
        self, table: Table, alias: str, values: Sequence[tuple[str, Expression]]
    ) -> list[tuple[list[Expression], tuple[str, ...]]]:
        """Conditions as of `lookup`, None equal to None, such that an index is read in its order:
        where several are needed, rows meet one of them. With each the columns that are None in it.
        """
        return [(self.lookup(table, alias, values, null_safe=True), ())]

    def whole_groups(
        self, select: Expression, table: Table, alias: str, values: Sequence[tuple[str, Expression]]
    ) -> Expression:
        """Join all rows of a table that have these values, for each group in front of it."""
        on = self.lookup(table, alias, values, null_safe=True)
        return self.looked_up(select, table, alias, on)

    def images(self, atom: Atom, value: Expression) -> list[Expression]:
        """What tells a value from others that are equal to it, and not the same."""
        return []

    def ties(self, atom: Atom, value: Expression) -> list[Expression]:
        """What equal values are ordered by, where an index has no order of them."""
        return []

    def grouped_as(self, atom: Atom, value: Expression) -> tuple[Expression, Expression]:
        """What to group by, and the value that a group has: where values cannot be compared."""
        return value, value

    def beside_each(self, select: Expression, call: Expression) -> Expression:
        """A select with the rows that a function gives for each of its rows."""
        return select.join(exp.Join(this=call, kind="CROSS"), copy=False)

    @abstractmethod
    def repeated(self, select: Expression, count: Expression) -> Expression:
        """Each row of a select as often as ``count`` says, not at all where that is below 1."""

    def recursive(
        self,
        name: str,
        columns: Sequence[str],
        bases: Sequence[Expression],
        steps: Sequence[Expression],
    ) -> Expression:
        """The rows of the bases and what the steps make of rows of ``name``, each row once."""
        union = bases[0]
        if len(bases) == 1 and not steps:  # there is no UNION to leave out what is there twice
            whole = exp.Subquery(this=union, alias=exp.TableAlias(this=self.identifier("b")))
            union = exp.select("*").distinct().from_(whole)
        for each in (*bases[1:], *steps):
            union = exp.union(union, each, distinct=True, copy=False)
        table = exp.TableAlias(
            this=self.identifier(name), columns=[self.identifier(column) for column in columns]
        )
        select = exp.select(*(exp.column(self.identifier(column)) for column in columns))
        select = select.from_(exp.Table(this=self.identifier(name)))
        queries = [exp.CTE(this=union, alias=table)]
        select.set("with_", exp.With(expressions=queries, recursive=True))
        return select

    @property
    def merging(self) -> Dialect | None:
        """The same database, as it adds to groups that are there; None where they are looked up
        first, and set to what comes of it.
        """
        return None

    # -- statements ---------------------------------------------------------------------------

    def render(self, statement: Statement) -> tuple[SQLStatement, ...]:
        """A statement of a plan as text."""
        match statement:
            case ClearDelta():
                return (
                    self.run(
                        Role.CLEAR, exp.delete(self.source(statement.table)), statement.served
                    ),
                )
            case StageDelta():
                return (self.stage(statement),)
            case EmitDelta():
                insert = self.insert(statement.table, statement.table.names, statement.select)
                return (self.run(Role.RUN, insert, statement.served),)
            case MergeDelta():
                return self.merge_delta(statement)
            case MergeState():
                return self.merge_state(statement)
            case MergeGroups():
                return self.merge_groups(statement)
            case MapInPython():
                return (self.map_in_python(statement),)
            case FoldInPython():
                return (self.fold_in_python(statement),)
            case ReadDelta():
                read = self.run(Role.READ, statement.select, statement.served)
                return (replace(read, output=statement.output),)
            case _:
                assert_never(statement)

    def fused(self, step: Step) -> tuple[SQLFused | None, SQLFused | None]:
        """The whole step as one statement, where that is quicker and can be said; and for changes
        without removals, where that is another one.
        """
        return None, None

    def registered_in(self, texts: Sequence[str]) -> tuple[str, ...]:
        """The functions in SQL texts that a connection must have registered."""
        return ()

    def run(self, role: Role, tree: Expression, served: Served) -> SQLStatement:
        text = self.text(tree)
        return SQLStatement(role, text, served.operator, served.where, node=served.node)

    def stage(self, statement: StageDelta) -> SQLStatement:
        """The text that loads changed rows."""
        one, bulk, rows = self.stage_text(statement.table)
        table, served = statement.table, statement.served
        return SQLStatement(
            Role.STAGE,
            one,
            served.operator,
            served.where,
            node=served.node,
            table=table.name,
            columns=table.columns,
            bulk_sql=bulk,
            bulk_rows=rows,
        )

    @abstractmethod
    def stage_text(self, table: Table) -> tuple[str, str, int]:
        """The text that loads one row (or any number), that for many rows, and how many."""

    @abstractmethod
    def merge_delta(self, statement: MergeDelta) -> tuple[SQLStatement, ...]:
        """The statements that add a change to a delay table."""

    @abstractmethod
    def merge_state(self, statement: MergeState) -> tuple[SQLStatement, ...]:
        """The statements that set groups to their new state."""

    def merge_groups(self, statement: MergeGroups) -> tuple[SQLStatement, ...]:
        """The statements that add a change of groups to their table: see `merging`."""
        raise NotImplementedError

    def map_in_python(self, statement: MapInPython) -> SQLStatement:
        made = self.through_python(Role.PYTHON, statement)
        return replace(made, fault=statement.fault)

    def fold_in_python(self, statement: FoldInPython) -> SQLStatement:
        return replace(self.through_python(Role.FOLD, statement), keys=statement.keys)

    def through_python(self, role: Role, statement: MapInPython | FoldInPython) -> SQLStatement:
        """What is read for a Python step, and what loads the rows that it returns."""
        stage, bulk, rows = self.stage_text(statement.table)
        return replace(
            self.run(role, statement.select, statement.served),
            table=statement.table.name,
            columns=statement.table.columns,
            stage_sql=stage,
            bulk_sql=bulk,
            bulk_rows=rows,
            step=statement.step,
            reason=statement.reason,
        )

    def insert_constants(
        self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> str:
        """Rows of constants into one of our own tables, unless they are there."""
        values = [exp.Tuple(expressions=[exp.convert(value) for value in row]) for row in rows]
        insert = exp.Insert(
            this=exp.Schema(
                this=exp.to_table(table), expressions=[exp.to_identifier(c) for c in columns]
            ),
            expression=exp.Values(expressions=values),
            conflict=exp.OnConflict(action=exp.var("DO NOTHING")),
        )
        return self.text(insert)

    # -- reading ------------------------------------------------------------------------------

    def read_table(
        self,
        table: Table,
        columns: Sequence[str],
        *,
        order: Sequence[tuple[str, bool]] = (),
        ties: Sequence[Expression] = (),
        match: Sequence[str] = (),
    ) -> str:
        """A SELECT of a delay table's rows with their count, by key or in an order."""
        references = [self.reference(table, name) for name in columns]
        select = exp.select(
            *(exp.alias_(r, self.identifier(n)) for r, n in zip(references, columns, strict=True)),
            exp.column(self.identifier(table.weight or "")),
        ).from_(self.source(table))
        if match:
            pairs = [
                (name, self.parameter(i, table.column(name))) for i, name in enumerate(match, 1)
            ]
            select = select.where(*self.lookup(table, "", pairs, null_safe=True))
        for name, ascending in order:
            select = select.order_by(
                *self.ordered(table, table.column(name), "", ascending=ascending)
            )
        for value in ties:
            # ORDER BY a bare constant would be the position of a column.
            select = select.order_by(exp.Ordered(this=value, nulls_first=self.nulls_first(True)))
        return self.text(select)

    def reference(self, table: Table, name: str, alias: str = "") -> Expression:
        """The value of a table's column."""
        return self.loaded(table, table.column(name), self.column(name, alias))

    def ordered(
        self, table: Table, column: TableColumn, alias: str, *, ascending: bool
    ) -> list[Expression]:
        """Terms of an ORDER BY. Where None can stand, a column in front says whether it does."""
        raw = self.column(column.name, alias)
        # No NULLS FIRST: an index's own order must serve.
        return [exp.Ordered(this=raw, desc=not ascending, nulls_first=self.nulls_first(ascending))]

    @abstractmethod
    def nulls_first(self, ascending: bool) -> bool:
        """Where the database puts NULLs if nothing is said."""

    # -- text ---------------------------------------------------------------------------------
