"""Engine: one step of a plan in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from stepping.compiler.plan.sql_plan import SQLStep
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.dialects.driver import CountBelowZero, Row
from stepping.dialects.iterations import RUNNING, Record
from stepping.errors import SteppingError, StoreError
from stepping.runtime.fast_path import Prepared, run_alone
from stepping.runtime.frontier import NO_TIME, Time, longest_wait
from stepping.runtime.running import Staged, has_removals
from stepping.runtime.steps import Steps
from stepping.runtime.waiting import NotYet


@dataclass(slots=True)
class Asked:
    """What a step is asked to do: see `Engine.step`."""

    changes: Mapping[str, ZSet[Any]]
    time: Time
    also: Callable[[], None] | None = None
    output: bool = True


@dataclass
class Engine(Steps):
    """Runs steps of one plan over one connection."""

    started: bool = False  # whether the first step is known to have been
    alone: dict[str, Prepared | None] = field(default_factory=dict)  # by input
    left: Callable[[], None] | None = None  # is done with the next step, in its transaction

    def __post_init__(self) -> None:
        super().__post_init__()
        self.driver.patience = partial(longest_wait, self.max_sleep_secs)
        self.all_tables = tuple(sorted(self.plan.kept))
        self.turn = threading.RLock()  # threads may share a store: one step at a time

    def step(
        self,
        changes: Mapping[str, ZSet[Any]],
        time: Time,
        also: Callable[[], None] | None = None,
        *,
        output: bool = True,
    ) -> list[ZSetPython[Any]]:
        """Apply changes of inputs, by name; returns the change of each output, or none at all.

        What can fail because of the rows is done before the transaction begins. ``also`` is called
        in that transaction, behind its locks: what it writes is committed with the step or not at
        all, and what it raises undoes the step.
        """
        with self.turn:
            if also is None and time is NO_TIME and len(changes) == 1 and self.left is None:
                alone = run_alone(self, self.alone, changes, output=output)
                if alone is not None:
                    return alone
            failed = True
            try:
                found = self.in_turn(Asked(changes, time, also, output))
                failed = False
                return found
            finally:
                self.driver.unlisten()
                self.driver.settle(failed=failed)

    def in_turn(self, asked: Asked) -> list[ZSetPython[Any]]:
        changes, time = asked.changes, asked.time
        given = [
            name
            for name, zset in changes.items()
            if not (isinstance(zset, ZSetPython) and zset.empty())
        ]
        starting = self.plan.first is not None and not self.started
        step = self.plan.first if starting else self.step_of(frozenset(given))
        assert step is not None
        staged = self.staged(step, changes)
        if len(staged) < len(given) and not starting:  # some changes cancel
            step = self.step_of(frozenset(staged))
            staged = self.staged(step, changes)
        timed = time.input_time >= 0
        joined = self.driver.in_transaction()
        if joined and time.flush_every_set:
            raise StoreError(
                "flush_every_set=True commits each table as soon as it is set, and the "
                "connection is in a transaction of the application",
                hint="commit first, or use flush_every_set=False",
            )
        if time.flush_every_set is None and not self.driver.joins():
            raise StoreError(
                "flush_every_set=None leaves the commit to the caller, and no transaction is open",
                hint="begin a transaction on the connection, or use flush_every_set=False",
            )
        if timed or time.frontier >= 0:
            self.driver.check_schema()
        if asked.also is None and not (staged or timed or starting or self.plan.always):
            self.wait(step.tables, time)
            return self.outputs(asked, step, {})
        try:
            if self.in_stages(step, time) and staged and not starting and asked.also is None:
                from stepping.runtime import recovery, stages

                whole = {name: changes[name] for name in staged}
                found = stages.run(self, step, staged, whole, time, recovery.compensate)
                none: Sequence[Row] = ()
                outputs = range(self.count(asked))
                return [found[i] if i in found else self.change(i, none) for i in outputs]
            return self.at_once(asked, step, staged, joined=joined)
        except SteppingError:
            raise
        except Exception as error:
            explained = self.explained(error, changes)
            if explained is None:
                raise
            raise explained from (None if isinstance(error, CountBelowZero) else error)

    def in_stages(self, step: SQLStep, time: Time) -> bool:
        """Whether a step is committed stage by stage: only a time tells others where it stands.

        A query that looks at the step before has no steps that could be undone.
        """
        several = len(step.stages) > 1 and not self.plan.always
        return bool(time.flush_every_set) and time.input_time >= 0 and several

    def at_once(
        self, asked: Asked, step: SQLStep, staged: Staged, *, joined: bool
    ) -> list[ZSetPython[Any]]:
        """The whole step in one transaction, when no other iteration is half done in its tables.

        A timed one moves all tables of the query. In the application's transaction all are locked,
        in their one order, by the first step: others may follow, in an order of their own.
        """
        is_whole = asked.time.input_time >= 0 or self.driver.joins()
        tables = self.all_tables if is_whole else step.tables
        floor = self.wait(tables, asked.time)
        while True:
            try:
                return self.again(
                    partial(self.transaction, asked, step, staged, tables, floor), joined=joined
                )
            except NotYet as reason:
                floor = self.wait(tables, asked.time, predecessor=reason.predecessor, even=True)

    def transaction(
        self,
        asked: Asked,
        step: SQLStep,
        staged: Staged,
        tables: Sequence[str],
        floor: Mapping[str, int],
    ) -> list[ZSetPython[Any]]:
        time = asked.time
        starting = step is self.plan.first
        self.loaded = None
        is_plain = not (time.input_time >= 0 or floor or asked.also or starting or self.left)
        if staged and is_plain:
            alone = self.fused_alone(step, staged, tables, output=asked.output)
            if alone is not None:
                return self.outputs(asked, step, alone)
        empty: set[str] | None = None
        if step.fused is None:
            self.driver.open_session()  # before the transaction, with which it could be undone
        with self.driver.joining():
            standing = self.lock(tables, time, floor)
            if len(set(standing.values())) > 1 and self.is_half_done(standing):
                raise NotYet
            if asked.also is not None:
                asked.also()
            if starting and self.driver.start(self.plan.query):
                # Another process was first.
                step, starting = self.step_of(frozenset(staged)), False
                staged = self.staged(step, asked.changes)
            if not staged and not starting and not self.plan.always:
                found: Mapping[int, Sequence[Row]] = {}
            elif step.fused is not None:
                found = self.fused(step, staged, output=asked.output)
            else:
                # A query's first step has rows that come from nothing.
                empty = None if starting or self.plan.always else self.driver.left_empty()
                found = self.run(
                    step.statements,
                    staged,
                    removes=has_removals(staged),
                    output=asked.output,
                    empty=empty,
                )
            if time.input_time >= 0:
                self.use(time)
                self.driver.advance(self.plan.kept, time.input_time)
            if self.left is not None:
                left, self.left = self.left, None
                left()
            outputs = self.outputs(asked, step, found)
        is_committed = not self.driver.in_transaction()
        # In an application's transaction the start may yet be rolled back.
        self.started = self.started or (self.plan.first is not None and is_committed)
        if is_committed and asked.also is None:
            self.driver.settled(empty or set())
        return outputs

    def count(self, asked: Asked) -> int:
        """How many outputs the caller gets."""
        return len(self.output_codecs) if asked.output else 0

    def outputs(
        self, asked: Asked, step: SQLStep, found: Mapping[int, Sequence[Row]]
    ) -> list[ZSetPython[Any]]:
        return [
            self.change(i, found.get(i, ()), distinct=i in step.distinct)
            for i in range(self.count(asked))
        ]

    def is_half_done(self, standing: Mapping[str, int]) -> bool:
        """Whether an iteration has been written to some tables, and has others yet to reach."""
        low, high = min(standing.values()), max(standing.values())
        running = self.driver.iterations.records(self.plan.query, state=RUNNING)
        return any(low < each.t <= high for each in running)

    def recover(self, record: Record) -> bool:
        """Finish an iteration that its worker has left: see `recovery.recover`."""
        from stepping.runtime import recovery

        return recovery.recover(self, record)
