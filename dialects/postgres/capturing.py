"""Postgres's spelling of a captured query: its folds run in functions of the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from stepping.compiler.plan.sql_plan import Capture, Role, SQLCache, SQLStatement
from stepping.compiler.plan.statements import MergeDelta, MergeState, ReadDelta, Step
from stepping.compiler.plan.tables import Table
from stepping.dialects.base import Expression
from stepping.dialects.capture import ChangedGroups, PlannedCapture
from stepping.dialects.live import live_arms
from stepping.dialects.postgres import capture
from stepping.dialects.postgres.merge import merge_of_rows, merge_of_states
from stepping.dialects.postgres.relations import columns_of
from stepping.dialects.postgres.sql import PostgresDialect
from stepping.dialects.summing import LeftOver


class CapturingPostgres(PostgresDialect):
    """Folds run under a lock, in whichever session commits: what they write in between is in
    tables that all of them share.
    """

    shares_deltas = True

    # What is followed are whole tables: of no rows no sum is left.

    def left_over(self, table: Table, changed: Callable[[str], Expression]) -> LeftOver | None:
        return None

    def merge_delta(self, statement: MergeDelta) -> tuple[SQLStatement, ...]:
        merge = merge_of_rows(self, statement)
        if merge is None:
            return super().merge_delta(statement)
        return (self.run(Role.RUN, merge, statement.served),)

    def merge_state(self, statement: MergeState) -> tuple[SQLStatement, ...]:
        return (self.run(Role.RUN, merge_of_states(self, statement), statement.served),)

    @cached_property
    def at_commit(self) -> FoldingPostgres:
        return FoldingPostgres()

    def session_ddl(self, table: Table) -> tuple[str, ...]:
        (text,) = super().session_ddl(table)
        return (text.replace("CREATE TEMP TABLE IF NOT EXISTS", "CREATE UNLOGGED TABLE", 1),)

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
            return live_arms(self, step, arms, columns_of(cache))
        return capture.live_rows(self, step, reads, cache, distinct=distinct)


class FoldingPostgres(CapturingPostgres):
    """A fold at the commit returns nothing, and has no snapshot to tell: it may end in a MERGE."""

    @cached_property
    def merging(self) -> MergingPostgres:
        return MergingPostgres()

    @cached_property
    def at_commit(self) -> FoldingPostgres:
        return self


class MergingPostgres(FoldingPostgres):
    """What is added to is there: WHEN MATCHED says so."""

    is_there = True
