"""SQLite's spelling of a captured query: its folds run in triggers, as well as from here."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from stepping.compiler.plan.sql_plan import Capture, Role, SQLCache, SQLStatement
from stepping.compiler.plan.statements import ReadDelta, Step
from stepping.compiler.plan.tables import Table, TableKind
from stepping.dialects.base import Expression
from stepping.dialects.capture import ChangedGroups, PlannedCapture
from stepping.dialects.live import called_in, computed, live_arms
from stepping.dialects.sqlite import capture
from stepping.dialects.sqlite.relations import columns_of
from stepping.dialects.sqlite.unregistered import UnregisteredSQLite


class CapturingSQLite(UnregisteredSQLite):
    """A trigger may not name TEMP tables, and has no WITH at the head of a statement
    (sqlite.org/lang_createtrigger.html).
    """

    deltas_in = None

    shares_deltas = True

    views_changes = True

    def session_ddl(self, table: Table) -> tuple[str, ...]:
        (text,) = super().session_ddl(table)
        return (text.replace("CREATE TEMP TABLE IF NOT EXISTS", "CREATE TABLE", 1),)

    def insert(self, table: Table, columns: Sequence[str], select: Expression) -> Expression:
        if select.args.get("with_"):
            select = exp.select("*").from_(exp.Subquery(this=select))
        return super().insert(table, columns, select)

    def looked_up(
        self,
        select: Expression,
        table: Table,
        alias: str,
        on: Sequence[Expression],
        *,
        optional: bool = False,
    ) -> Expression:
        made = super().looked_up(select, table, alias, on, optional=optional)
        if table.kind is TableKind.BASE:
            # While a log is empty, SQLite takes it for long, and would index the whole table anew
            # for each fold.
            names = {each.this.name for each in on if isinstance(each.this, exp.Column)}
            index = best_index(table, names)
            if index:
                source = made.args["joins"][-1].this
                source.set("indexed", exp.Table(this=self.identifier(index)))
        return made

    def at_once(self, changed: ChangedGroups) -> SQLStatement:
        source = exp.Subquery(this=computed(self, changed.parts, changed.merge.change.names))
        text = self.text(self.set_groups(changed.merge, source), called_in(changed.parts))
        served = changed.merge.served
        return SQLStatement(Role.RUN, text, served.operator, served.where, node=served.node)

    def captured(self, made: PlannedCapture) -> Capture:
        return capture.captured(self, made)

    def live(
        self,
        step: Step,
        reads: Sequence[ReadDelta],
        cache: SQLCache,
        *,
        distinct: bool,
        arms: Sequence[Expression] = (),
        changed: ChangedGroups | None = None,
    ) -> str:
        if arms:
            return live_arms(self, step, arms, columns_of(cache, "r"), changed)
        return capture.live_rows(self, step, reads, cache, distinct=distinct)


def best_index(table: Table, columns: set[str]) -> str:
    """The index that begins with most of these columns, if it has a name and any does."""
    best, most = "", 0
    for index in table.indexes:
        count = 0
        while count < len(index.columns) and index.columns[count] in columns:
            count += 1
        if count > most:
            best, most = index.name, count
    return "" if best == "rowid" else best
