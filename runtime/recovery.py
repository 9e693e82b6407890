"""Finishing iterations that nobody works on any more, and undoing those whose input was bad."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from stepping.compiler.plan.sql_plan import Role, SQLDelta
from stepping.compiler.zset import ZSetPython
from stepping.dialects.driver import Row
from stepping.dialects.iterations import QUARANTINED, RUNNING, Record
from stepping.errors import RowError, SteppingError, StoreError
from stepping.runtime.frontier import Time
from stepping.runtime.running import has_removals
from stepping.runtime.stages import Fenced, StagedIteration, unpacked_input
from stepping.runtime.steps import Steps
from stepping.runtime.waiting import LEASE_SECS


def recover(engine: Steps, record: Record) -> bool:
    """Finish an iteration that its worker has left, or undo it; False if somebody else does."""
    iterations, query = engine.driver.iterations, engine.plan.query
    found = iterations.records(query, t=record.t, inputs=True)
    if not found:
        return False
    iteration = iteration_of(engine, found[0])
    # A worker whose lease is over may be slow rather than dead.
    theirs = record.worker
    iteration.is_awaited = theirs is not None and iterations.is_alive(theirs)
    worker = iterations.worker()
    with engine.driver.staging():
        if not iterations.take_over(query, record, worker, LEASE_SECS):
            return False
    (iteration.record,) = iterations.records(query, t=record.t)
    try:
        iteration.run()
    except Fenced:
        return False
    except Undone:
        pass  # its own worker is told, if there is one; who waits goes on
    return True


class Undone(RowError):
    """An iteration failed because of its input, and was undone."""


def iteration_of(engine: Steps, record: Record) -> StagedIteration:
    """A recorded iteration, as this worker's plan runs it."""
    given = unpacked_input(record.input)
    step = engine.plan.step(frozenset(given))
    if engine.digest_of(step) != record.plan:
        raise StoreError(
            f"the iteration at time {record.t} of the query {engine.plan.query!r} was begun with "
            "another version of its plan, and is not finished",
            hint="finish it with the version that began it, or `stepping drop` it",
        )
    staged = engine.picked(step, given)
    return StagedIteration(
        engine, step, staged, lambda: given, Time(record.t), record, compensate, is_own=False
    )


def compensate(iteration: StagedIteration, error: Exception) -> Undone:
    """Undo an iteration that failed behind its first commit, and put its input aside.

    One transaction. Those that have entered after it cannot be finished, since it is in their way:
    they are undone as well, the last first, and sent back to their start, each to follow the one
    before it again. Each goes through
    the stages it has passed once more with the opposite input; what the two together change in
    the deltas of later stages, which is nothing but the last bits of sums of floats, goes through
    those. Then the frontier moves on.
    """
    engine, record = iteration.engine, iteration.record
    driver, iterations, query = engine.driver, iteration.iterations, iteration.query
    explained = reason_of(iteration, error)
    engine.wait(engine.plan.kept, Time(), predecessor=record.predecessor, own=record)
    engine.loaded = None
    driver.open_session()
    with driver.staging(query):
        running = iterations.records(query, state=RUNNING, lock=True, inputs=True)
        mine = next((each for each in running if each.t == record.t), None)
        if mine is None or (mine.attempt, mine.stage) != (record.attempt, record.stage):
            raise Fenced
        driver.lock(engine.plan.kept, engine.plan.query, engine.plan.fingerprint)
        later = [each for each in running if each.t > record.t]
        undone = [iteration, *(iteration_of(engine, each) for each in later)]
        undos = [Undo(each) for each in undone if each.record.stage]
        for each in reversed(undos):
            each.passed()
        for each in undos:
            each.rest()
        driver.advance(engine.plan.kept, record.t)
        before = record.t
        for entered in later:
            iterations.send_back(query, entered.t, before)
            before = entered.t
        iterations.set_state(query, record.t, QUARANTINED, explained)
    return Undone(
        f"{explained}; the iteration at time {record.t} had been written in part, and was undone",
        hint=f"nothing of it is left, and time {record.t} has passed; its input is kept for "
        "`stepping retry` and `stepping drop`",
    )


def reason_of(iteration: StagedIteration, error: Exception) -> str:
    """The error as a text that is kept."""
    engine = iteration.engine
    if isinstance(error, SteppingError):
        return error.message
    changes = {
        name: ZSetPython(
            (engine.input_codecs[name].decode(tuple(row)), count) for row, count in rows
        )
        for name, rows in iteration.given().items()
    }
    explained = engine.explained(error, changes)
    return explained.message if explained else f"{type(error).__name__}: {error}"


class Undo:
    """The opposite of what an iteration has done so far."""

    def __init__(self, iteration: StagedIteration) -> None:
        self.iteration = iteration
        self.engine = iteration.engine
        self.step = iteration.step
        self.stage = iteration.record.stage
        self.left: list[tuple[SQLDelta, list[Row]]] = []

    def passed(self) -> None:
        """Put the opposite of the input through the stages that are committed."""
        iteration, driver = self.iteration, self.engine.driver
        deltas = [
            delta for delta in iteration.deltas_before(self.stage) if self.is_read_later(delta)
        ]
        iteration.load()
        there = [driver.select(delta.read) for delta in deltas]
        opposite = {
            name: [(*row[:-1], -row[-1]) for row in rows] for name, rows in iteration.staged.items()
        }
        end = self.step.stages[self.stage - 1][1]
        statements = [e for e in self.step.statements[:end] if e.role is not Role.READ]
        self.engine.part(statements, opposite, removes=has_removals(opposite))
        for delta, before in zip(deltas, there, strict=True):
            both = together(delta, before, driver.select(delta.read))
            if both:
                self.left.append((delta, both))
        self.engine.loaded = None

    def is_read_later(self, delta: SQLDelta) -> bool:
        later = self.step.statements[self.step.stages[self.stage - 1][1] :]
        return any(delta.table in each.sql for each in later)

    def rest(self) -> None:
        """Put what is left of both through the stages that are not."""
        if not self.left:
            return
        driver = self.engine.driver
        driver.clear([each for each in self.step.statements if each.role is Role.CLEAR])
        for delta, rows in self.left:
            driver.stage(delta.load, rows)
        start = self.step.stages[self.stage - 1][1]
        roles = (Role.READ, Role.STAGE)
        statements = [each for each in self.step.statements[start:] if each.role not in roles]
        self.engine.part(statements, {}, removes=False)


def together(delta: SQLDelta, first: Iterable[Row], second: Sequence[Row]) -> list[Row]:
    """Two changes one after the other, as one."""
    if not delta.is_change:
        counts: dict[Row, int] = {}
        for row in (*first, *second):
            key = tuple(hashable(value) for value in row[:-1])
            counts[key] = counts.get(key, 0) + int(row[-1])
        return [(*key, count) for key, count in counts.items() if count]
    names = [column.name for column in delta.columns]
    keys = [names.index(name) for name in delta.key]
    pairs = [(names.index(old), names.index(new)) for old, new in delta.values]

    def key_of(row: Row) -> Row:
        return tuple(hashable(row[i]) for i in keys)

    after = {key_of(row): row for row in second}
    found = []
    for row in first:
        other = list(after.pop(key_of(row), row))
        for old, _ in pairs:
            other[old] = row[old]
        if not is_same(pairs, other):
            found.append(tuple(other))
    return [*found, *after.values()]


def is_same(pairs: Sequence[tuple[int, int]], row: Sequence[Any]) -> bool:
    """Whether a group is after a change what it was before it."""
    (n0, n1), *sums = pairs
    if (row[n0] or 0) != row[n1]:
        return False
    return row[n1] == 0 or all(row[old] == row[new] for old, new in sums)


def hashable(value: object) -> object:
    return bytes(value) if isinstance(value, bytearray | memoryview) else value
