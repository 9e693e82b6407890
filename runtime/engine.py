"""Engine: one step of a plan in one transaction."""

from __future__ import annotations

import random
import threading
import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from stepping.compiler.canonical import NO_ROWS_LEFT
from stepping.compiler.plan.sql_plan import SQLStep
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.dialects.driver import CountBelowZero, Row
from stepping.dialects.iterations import RUNNING, Record
from stepping.errors import RowError, SchemaMismatch, SteppingError, StoreError, TimePassed
from stepping.runtime.catalog import queries
from stepping.runtime.fast_path import Prepared, run_alone
from stepping.runtime.frontier import NO_TIME, Time, check_not_passed, longest_wait
from stepping.runtime.running import Staged, Statements, has_removals
from stepping.runtime.waiting import NotYet, Wait

# Steps in stages are imported when one is asked for: most services never do.
if TYPE_CHECKING:
    from stepping.runtime.stages import StagedIteration

R = TypeVar("R")
_FIRST_PAUSE_SECS = 0.001  # between two tries of a transaction
_LONGEST_PAUSE_SECS = 0.05
_MOST_LOST = 5  # so often a transaction is run again since its session has lost something
BELOW_ZERO = "a count would fall below 0"
NOT_NEGATIVE = "not negative: "  # how a driver reports that a count fell below 0


@dataclass(slots=True)
class Asked:
    """What a step is asked to do: see `Engine.step`."""

    changes: Mapping[str, ZSet[Any]]
    time: Time
    also: Callable[[], None] | None = None
    output: bool = True


@dataclass
class Engine(Statements):
    """Runs steps of one plan over one connection."""

    max_sleep_secs: float | None = None
    started: bool = False  # whether the first step is known to have been
    loaded: tuple[int, int] | None = None  # the staged iteration whose deltas the connection has
    alone: dict[str, Prepared | None] = field(default_factory=dict)  # by input
    digests: dict[int, str] = field(default_factory=dict)  # of steps, by their identity
    left: Callable[[], None] | None = None  # is done with the next step, in its transaction

    def __post_init__(self) -> None:
        super().__post_init__()
        self.driver.patience = partial(longest_wait, self.max_sleep_secs)
        self.all_tables = tuple(sorted(self.plan.kept))
        self.turn = threading.RLock()  # threads may share a store: one step at a time

    def explained(self, error: Exception, changes: Mapping[str, ZSet[Any]]) -> SteppingError | None:
        """What an error says of the rows, if it does."""
        if isinstance(error, CountBelowZero):
            return self.not_there(changes, f"{BELOW_ZERO} (a row of {error.operator}: {error.row})")
        failure = self.driver.failure(error)
        if failure is None:
            return None
        if failure.startswith(NOT_NEGATIVE):
            return self.not_there(changes, f"{BELOW_ZERO} ({failure.removeprefix(NOT_NEGATIVE)})")
        if failure.startswith(NO_ROWS_LEFT):
            return self.not_there(changes, failure)
        if failure.startswith("a count"):  # which does not say of which rows
            changed = (
                f"{row!r} in {name}" + ("" if abs(count) == 1 else f" ({count} times)")
                for name, zset in changes.items()
                for row, count in zset.iter()
            )
            failure += f"; in the query {self.plan.query!r}, changed were {some(changed)}"
        return self.graph.fault(changes) or RowError(
            failure, hint="nothing was written; the database is as it was before this step"
        )

    def longest_wait(self) -> float:
        """How many seconds a step waits for its frontier, or for its turn."""
        return longest_wait(self.max_sleep_secs)

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
                alone = run_alone(self, changes, output=output)
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
                from stepping.runtime import stages

                whole = {name: changes[name] for name in staged}
                found = stages.run(self, step, staged, whole, time)
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

    def check_rows(self, changes: Mapping[str, ZSet[Any]]) -> None:
        """Raise the `RowError` that a step with these changes would begin with."""
        for name, zset in changes.items():
            self.encoded(name, zset)

    def again(self, run: Callable[[], R], *, joined: bool) -> R:
        """Run a transaction, and again where it lost against another one and nothing is committed,
        or where what the session had for it is gone.

        Of the application's transaction only the application can run the whole again.
        """
        deadline = clock.monotonic() + self.longest_wait()
        pause, lost = _FIRST_PAUSE_SECS, 0
        while True:
            try:
                return run()
            except Exception as error:
                if lost < _MOST_LOST and self.driver.has_lost(error):
                    lost += 1  # in the application's transaction, too: its savepoint is as before
                    continue
                if joined or not self.driver.is_transient(error) or clock.monotonic() > deadline:
                    raise
            clock.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(2 * pause, _LONGEST_PAUSE_SECS)

    def in_stages(self, step: SQLStep, time: Time) -> bool:
        """Whether a step is committed stage by stage: only a time tells others where it stands.

        A query that looks at the step before has no steps that could be undone.
        """
        several = len(step.stages) > 1 and not self.plan.always
        return bool(time.flush_every_set) and time.input_time >= 0 and several

    def wait(
        self,
        tables: Sequence[str],
        time: Time,
        *,
        predecessor: int = -1,
        even: bool = False,
        own: Record | None = None,
    ) -> Mapping[str, int]:
        """Wait as `Wait` says; where each table must stand at least, and does."""
        if not tables or not (even or time.frontier >= 0 or predecessor >= 0):
            return {}
        return Wait(
            self.driver,
            self.plan.query,
            tables,
            time,
            self.recover,
            self.max_sleep_secs,
            predecessor,
            even,
            own,
            self.plan.kept,
        )()

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

    def digest_of(self, step: SQLStep) -> str:
        """What a record says of the plan of a step."""
        if id(step) not in self.digests:
            from stepping.runtime import stages

            self.digests[id(step)] = stages.digest_of(step)
        return self.digests[id(step)]

    def recover(self, record: Record) -> bool:
        """Finish an iteration that its worker has left: see `recovery.recover`."""
        from stepping.runtime import recovery

        return recovery.recover(self, record)

    def undo(self, iteration: StagedIteration, error: Exception) -> RowError:
        """Undo an iteration that failed when it was written in part; returns what to raise."""
        from stepping.runtime import recovery

        return recovery.compensate(iteration, error)

    def use(self, time: Time, *, early: bool = True) -> None:
        """Take the time, if it was given out by the clock."""
        used = self.driver.iterations.use(self.plan.query, time.input_time)
        if used.is_void:
            raise TimePassed(
                f"the time {time.input_time} was given out by next_time(), and its lease has ended",
                hint="nothing was written: take a new time, and use it before its lease ends",
            )
        if used.is_early and early:
            running = self.driver.iterations.records(self.plan.query, state=RUNNING)
            raise NotYet(max(each.t for each in running if each.t < time.input_time))

    def lock(
        self, tables: Sequence[str], time: Time, floor: Mapping[str, int]
    ) -> Mapping[str, int]:
        standing = self.driver.lock(tables, self.plan.query, self.plan.fingerprint)
        if len(standing) < len(set(tables)):
            self.check_installed()
            missing = sorted(set(tables) - set(standing))
            raise StoreError(
                f"last_update has no row for {', '.join(missing)}",
                hint="the tables of the query are not installed; use create_tables=True",
            )
        if time.input_time >= 0:
            check_not_passed(standing, time)
        if floor and any(standing[name] < t for name, t in floor.items()):
            raise NotYet
        return standing

    def check_installed(self) -> None:
        """Raise if the query has been migrated since the store was opened, or is not this one."""
        self.driver.check_schema()
        found = queries(self.driver).get(self.plan.query)
        if found is None:
            raise SchemaMismatch(
                f"the query {self.plan.query!r} has been uninstalled since this store was opened; "
                "nothing was written",
                hint="open a store on it with create_tables=True, or end this process",
            )
        if found.fingerprint != self.plan.fingerprint:
            raise SchemaMismatch(
                f"the query {self.plan.query!r} has been migrated to version {found.version} since "
                "this store was opened; nothing was written",
                hint="start this process with the version of the query that is installed",
            )

    def not_there(self, changes: Mapping[str, ZSet[Any]], what: str) -> RowError:
        """Something tells that a removed row was not there: which."""
        with self.driver.reading():  # which leaves no transaction open
            absent = self.absent(changes)
        if absent is not None:
            name, row = absent
            message = f"{row!r} was removed from {name}, and it is not there"
        else:
            message = (
                f"a removed row is not there, and {what}; removed were {some(removed(changes))}"
            )
        return RowError(
            message,
            hint="nothing was written; remove rows as they were inserted, "
            "or use from_graph(..., allow_negative=True)",
        )

    def absent(self, changes: Mapping[str, ZSet[Any]]) -> tuple[str, Any] | None:
        """The first removed row that is not in the stored input, if one is stored whole."""
        for stored in self.plan.stored_inputs:
            encode = self.input_codecs[stored.name].encode
            names = [column.name for column in stored.columns]
            positions = [names.index(name) for name in stored.columns_matched]
            for row, count in changes.get(stored.name, ZSetPython()).iter():
                if count < 0:
                    values = encode(row)
                    found = self.driver.read(stored.match_sql, [values[i] for i in positions])
                    if sum(each[-1] for each in found) + count < 0:
                        return stored.name, row
        return None


def removed(changes: Mapping[str, ZSet[Any]]) -> Iterator[str]:
    """The rows that are taken away, as they are named in messages."""
    for name, zset in changes.items():
        yield from (f"{row!r} from {name}" for row, count in zset.iter() if count < 0)


def some(shown: Iterable[str]) -> str:
    """The first of some texts, and how many more there are."""
    texts = list(shown)
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return ", ".join(texts[:3]) + more
