"""An iteration with flush_every_set=True: committed stage by stage, so that the next can enter.

The first transaction also writes the record of the iteration (its input, the iteration before it,
its plan), each but the last the deltas that later stages read. So whoever comes next can go on from
the last commit: see `recovery`. Whoever commits a stage counts it in the record first, under its
lock; a worker that was taken for dead finds that it cannot, and writes nothing more.

A commit, with the record and the journal, costs what a short stage does. So a transaction goes on
with stages whose tables are free and ready, until it has lasted for the `together_secs` of the
driver; if it gets to the last, there is nothing to be recorded. Row functions in Python may take
any time, so a stage that calls one has a transaction of its own.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from stepping.compiler.plan.sql_plan import Role, SQLDelta, SQLStep
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.dialects.driver import Row
from stepping.dialects.features import STAGES
from stepping.dialects.iterations import FINISHED, QUARANTINED, RUNNING, Record
from stepping.dialects.packed_rows import pack_rows, unpack_rows
from stepping.errors import FrontierTimeout, RowError, StoreError, TimePassed
from stepping.runtime.frontier import Time
from stepping.runtime.running import Staged, has_removals
from stepping.runtime.steps import Steps
from stepping.runtime.waiting import LEASE_SECS, NotYet

Compensate = Callable[["StagedIteration", Exception], RowError]  # see `recovery.compensate`
Given = Mapping[str, list[tuple[Row, int]]]  # all columns of the changed rows of each input


class Fenced(Exception):
    """Somebody else has taken the iteration over."""


def packed_input(given: Given) -> bytes:
    return pack_rows([(name, list(rows)) for name, rows in given.items()])


def unpacked_input(packed: bytes) -> dict[str, list[tuple[Row, int]]]:
    """The changed rows of each input."""
    return {name: list(rows) for name, rows in unpack_rows(packed)}


@dataclass
class StagedIteration:
    """An iteration on its way through its stages.

    ``staged``: the columns of the changed rows that the step needs; ``given`` makes all of them,
    for its record.
    """

    engine: Steps
    step: SQLStep
    staged: Staged
    given: Callable[[], Given]
    time: Time
    record: Record
    compensate: Compensate
    is_own: bool = True  # its outputs are for this worker's caller
    is_awaited: bool = False  # the worker that began it may yet ask for them
    is_alone: bool = False  # each stage has a transaction of its own
    at: int = 0  # the stage that is done, or was last
    prepared: dict[int, list[Row]] = field(default_factory=dict)  # outputs that need no table
    outputs: dict[int, ZSetPython[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.driver = self.engine.driver
        self.iterations = self.driver.iterations
        self.query = self.engine.plan.query
        self.last = len(self.step.stages) - 1
        self.removes = has_removals(self.staged)

    # -- some stages --------------------------------------------------------------------------

    def tables(self, stage: int) -> tuple[str, ...]:
        """What a stage moves: its tables, and with the last one also those nothing touches."""
        own = self.step.stages[stage][2]
        if stage < self.last:
            return own
        touched = {name for _, _, names in self.step.stages for name in names}
        return (*own, *(name for name in self.engine.plan.kept if name not in touched))

    def advance(self) -> None:
        """Do the next stage, when its tables have reached what is before this iteration."""
        stage = self.record.stage
        tables = self.tables(stage)
        first = stage == 0
        while True:
            if first and not self.is_loaded():
                self.prepare()
            time = self.time if first and self.is_own else Time(self.record.t)
            floor = self.engine.wait(
                tables, time, predecessor=self.record.predecessor, own=self.known()
            )
            if first and not self.is_loaded():
                continue  # it has finished another iteration while it waited
            try:
                self.engine.again(
                    partial(self.commit, stage, tables, floor), joined=self.driver.in_transaction()
                )
            except NotYet as reason:
                if first:
                    before = max(self.record.predecessor, reason.predecessor)
                    self.record = replace(self.record, predecessor=before)
                continue
            return

    def known(self) -> Record | None:
        """The record, if it is in the database."""
        return self.record if self.record.attempt else None

    def is_loaded(self) -> bool:
        """Whether the connection's delta tables are as the stages so far have left them."""
        return self.engine.loaded == (self.record.t, self.record.attempt)

    def prepare(self) -> None:
        """Fill the deltas that need no kept table, before anybody is kept from writing."""
        self.engine.again(self.fill, joined=self.driver.in_transaction())

    def fill(self) -> None:
        self.engine.loaded = None
        with self.driver.preparing():
            self.driver.open_session()
            statements = self.step.statements[: self.step.table_free_prefix]
            self.prepared = self.engine.part(statements, self.staged, removes=self.removes)
        self.engine.loaded = (self.record.t, self.record.attempt)

    def commit(self, stage: int, tables: Sequence[str], floor: Mapping[str, int]) -> None:
        """A transaction: a stage, and those behind it that it can go on with."""
        engine, record = self.engine, self.record
        self.driver.open_session()
        with self.driver.staging(self.query if stage == 0 else None):
            if record.attempt and not self.iterations.enter(self.query, record, LEASE_SECS):
                raise Fenced
            engine.lock(tables, Time(record.t), floor)
            ends = clock.monotonic() + (0 if self.is_alone else self.driver.together_secs)
            if stage == 0:
                record = self.entered(tables)
            elif not self.is_loaded():
                self.load()
            read = dict(self.prepared) if stage == 0 else {}
            moved = [*tables]
            for at in self.ready(stage, record, ends):
                self.at = at
                moved += self.tables(at) if at > stage else ()
                start, end, _ = self.step.stages[at]
                start += self.step.table_free_prefix if at == 0 else 0
                statements = self.step.statements[start:end]
                read |= engine.part(statements, self.staged, removes=self.removes)
            outputs = {output: engine.change(output, rows) for output, rows in read.items()}
            record = self.reached(record, stage, self.at, read)
            self.driver.advance_last(moved, record.t)
        self.record = record
        engine.loaded = (record.t, record.attempt)
        self.outputs |= outputs

    def ready(self, stage: int, record: Record, ends: float) -> Iterator[int]:
        """A stage, and those that can be done in the same transaction."""
        yield stage
        for at in range(stage + 1, self.last + 1):
            if clock.monotonic() >= ends or not self.can_enter(at, record):
                return
            yield at

    def can_enter(self, stage: int, record: Record) -> bool:
        """Whether a stage can be done in the same transaction: its tables are locked then."""
        start, end, _ = self.step.stages[stage]
        if any(each.role is Role.PYTHON for each in self.step.statements[start:end]):
            return False
        plan, tables = self.engine.plan, self.tables(stage)
        standing = self.driver.lock_free(tables, plan.query, plan.fingerprint)
        ready = (record.predecessor <= t < record.t for t in standing.values())
        return len(standing) == len(tables) and all(ready)

    def reached(
        self, record: Record, first: int, last: int, read: Mapping[int, list[Row]]
    ) -> Record:
        """Write down that stages are done, and what later ones need of them."""
        done = replace(record, stage=last + 1)
        if last == self.last:
            if record.attempt:
                self.keep_outputs(read)
                self.finish()
            return done
        if not record.attempt:
            plan, packed = self.engine.digest_of(self.step), packed_input(self.given())
            done = replace(done, attempt=1, plan=plan, input=packed)
            self.iterations.begin(self.query, done, LEASE_SECS)
        elif last > first:  # `enter` has counted one
            self.iterations.reach(self.query, done)
        later = [each.sql for each in self.step.statements[self.step.stages[last][1] :]]
        filled = {
            delta.table: delta for each in self.step.needs[first : last + 1] for delta in each
        }
        for delta in filled.values():
            if any(delta.table in sql for sql in later):
                self.iterations.keep(self.query, record.t, delta)
        self.keep_outputs(read)
        return done

    def keep_outputs(self, read: Mapping[int, list[Row]]) -> None:
        for output, rows in read.items() if self.is_awaited else ():
            packed = pack_rows([tuple(row) for row in rows])
            self.iterations.keep_packed(self.query, self.record.t, f"output {output}", packed)

    def entered(self, tables: Sequence[str]) -> Record:
        """Under the gate: the record, with the iteration that is before this one."""
        record = self.record
        running, standing = self.iterations.before(self.query, record.t, self.engine.plan.kept)
        # One that was sent back to its start has written nothing: it comes after this one again.
        begun = [t for t, stages in running.items() if stages]
        for t in (*begun, *standing.values()):
            if t >= record.t:
                raise TimePassed(
                    f"the input time {record.t} has been taken: an iteration at time {t} has begun",
                    hint="give each step a time of its own, later than those before it",
                )
        before = max((t for t in running if t < record.t), default=-1)
        if any(standing[name] < before for name in tables):
            raise NotYet(before)
        record = replace(record, predecessor=max(before, record.predecessor))
        if record.attempt:
            self.iterations.follow(self.query, record)
        else:
            self.engine.use(self.time, early=False)
        return record

    def load(self) -> None:
        """Fill the connection's delta tables with what earlier stages made."""
        self.driver.clear([each for each in self.step.statements if each.role is Role.CLEAR])
        inputs = [each for each in self.step.statements if each.role is Role.STAGE]
        self.engine.part(inputs, self.staged, removes=self.removes)
        for delta in self.deltas_before(self.record.stage):
            self.iterations.load(self.query, self.record.t, delta)

    def deltas_before(self, stage: int) -> list[SQLDelta]:
        found = {delta.table: delta for each in self.step.needs[:stage] for delta in each}
        return list(found.values())

    def finish(self) -> None:
        """The last stage: nothing of it is left but its rows."""
        if not self.is_awaited:
            self.iterations.forget(self.query, self.record.t)
            return
        for delta in self.deltas_before(self.last):
            self.iterations.forget_kept(self.query, self.record.t, delta.table)
        self.iterations.set_state(self.query, self.record.t, FINISHED)
        self.iterations.forget_finished(self.query)

    # -- all of them --------------------------------------------------------------------------

    def run(self) -> dict[int, ZSetPython[Any]]:
        """From the first stage to the last; returns the outputs."""
        try:
            while self.record.stage <= self.last:
                try:
                    self.advance_or_undo()
                except Fenced:
                    if self.taken_over():
                        break
        except BaseException:
            self.engine.loaded = None
            if self.known() is not None:
                # Whoever comes next goes on at once; if the connection is gone, that says it.
                with suppress(Exception):
                    self.iterations.abandon(self.query, self.record)
            raise
        return self.outputs

    def advance_or_undo(self) -> None:
        """`advance`; if the input is bad, undo what is committed of it and raise what it was."""
        try:
            self.advance()
        except TimePassed as error:
            # Its tables may have passed it because somebody else has gone on with it.
            if self.known() is not None and self.is_elsewhere():
                raise Fenced from error
            raise
        except Exception as error:
            if not self.is_bad_input(error):
                raise
            if self.known() is None:
                if self.at == 0:
                    raise
                # What becomes of an input does not depend on how soon its stages were done.
                self.is_alone = True
                return
            # Fenced, where another one before it has been undone meanwhile, and this one with it.
            raise self.compensate(self, error) from error

    def is_bad_input(self, error: Exception) -> bool:
        if isinstance(error, FrontierTimeout | TimePassed | StoreError | NotYet | Fenced):
            return False
        return self.driver.is_of_input(error)

    def is_elsewhere(self) -> bool:
        """Whether the record says something else than this worker has written last."""
        found = self.iterations.records(self.query, state=RUNNING, t=self.record.t)
        mine = (self.record.attempt, self.record.stage)
        return [(each.attempt, each.stage) for each in found] != [mine]

    def taken_over(self) -> bool:
        """What became of an iteration that somebody else has taken over: whether it is finished."""
        self.engine.loaded = None
        deadline = clock.monotonic() + self.engine.longest_wait()
        while True:
            records = self.iterations.records(self.query, t=self.record.t)
            record = records[0] if records else None
            if record is None:
                raise StoreError(
                    f"the iteration at time {self.record.t} was finished by another worker, "
                    "which took this one for dead; its outputs are gone",
                    hint="read the caches: everything of it is written",
                )
            if record.state == QUARANTINED:
                raise RowError(
                    f"the iteration at time {record.t} failed and was undone: {record.error}",
                    hint=f"nothing of it is left; `stepping retry` or `drop` its input: {record.t}",
                )
            if record.state == FINISHED:
                self.take_outputs()
                return True
            if self.is_own and record.worker == self.record.worker:
                # Sent back to the start, since one before it was undone.
                self.record = record
                self.outputs.clear()
                return False
            if not self.is_own:
                raise Fenced
            if clock.monotonic() > deadline:
                raise FrontierTimeout(
                    f"another worker has taken over the iteration at time {record.t}, "
                    "and has not finished it",
                    hint="it will be finished by whoever comes next; `stepping status` shows it",
                )
            self.driver.pause(0.01)

    def take_outputs(self) -> None:
        for name, packed in self.iterations.packed(self.query, self.record.t).items():
            output = int(name.removeprefix("output "))
            self.outputs[output] = self.engine.change(output, unpack_rows(packed))
        self.iterations.forget(self.query, self.record.t)


def run(
    engine: Steps,
    step: SQLStep,
    staged: Staged,
    changes: Mapping[str, ZSet[Any]],
    time: Time,
    compensate: Compensate,
) -> dict[int, ZSetPython[Any]]:
    """A step of this worker, stage by stage; returns its outputs."""
    engine.driver.features.make(STAGES)

    def given() -> Given:
        return {
            name: engine.whole(step, name, staged[name], zset) for name, zset in changes.items()
        }

    record = Record(
        t=time.input_time,
        attempt=0,
        stage=0,
        stages=len(step.stages),
        predecessor=-1,
        plan="",
        state=RUNNING,
        worker=engine.driver.iterations.worker(),
        error=None,
        begun_at=0.0,
    )
    return StagedIteration(engine, step, staged, given, time, record, compensate).run()
