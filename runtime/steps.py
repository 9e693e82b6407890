"""What steps of one plan have in common, whether they are committed at once or in stages."""

from __future__ import annotations

import hashlib
import random
import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stepping.compiler.canonical import NO_ROWS_LEFT
from stepping.compiler.plan.sql_plan import SQLStep
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.dialects.driver import CountBelowZero
from stepping.dialects.iterations import RUNNING, Record
from stepping.errors import RowError, SchemaMismatch, SteppingError, StoreError, TimePassed
from stepping.runtime.catalog import queries
from stepping.runtime.frontier import Time, check_not_passed, longest_wait
from stepping.runtime.running import Statements
from stepping.runtime.waiting import NotYet, Wait

R = TypeVar("R")
_FIRST_PAUSE_SECS = 0.001  # between two tries of a transaction
_LONGEST_PAUSE_SECS = 0.05
_MOST_LOST = 5  # so often a transaction is run again since its session has lost something
BELOW_ZERO = "a count would fall below 0"
NOT_NEGATIVE = "not negative: "  # how a driver reports that a count fell below 0


@dataclass
class Steps(Statements):
    """Waits, locks and errors of the steps of one plan over one connection."""

    max_sleep_secs: float | None = None
    loaded: tuple[int, int] | None = None  # the staged iteration whose deltas the connection has
    digests: dict[int, str] = field(default_factory=dict)  # of steps, by their identity

    def recover(self, record: Record) -> bool:
        """Finish an iteration that its worker has left: see `recovery.recover`."""
        raise NotImplementedError

    def digest_of(self, step: SQLStep) -> str:
        """What a record says of the plan of a step."""
        if id(step) not in self.digests:
            self.digests[id(step)] = digest_of(step)
        return self.digests[id(step)]

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


def digest_of(step: SQLStep) -> str:
    """What a record says of the plan: with another one its journal means nothing."""
    texts = [(each.role.value, each.sql, each.step) for each in step.statements]
    return hashlib.blake2b(repr((texts, step.stages)).encode(), digest_size=16).hexdigest()


def removed(changes: Mapping[str, ZSet[Any]]) -> Iterator[str]:
    """The rows that are taken away, as they are named in messages."""
    for name, zset in changes.items():
        yield from (f"{row!r} from {name}" for row, count in zset.iter() if count < 0)


def some(shown: Iterable[str]) -> str:
    """The first of some texts, and how many more there are."""
    texts = list(shown)
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return ", ".join(texts[:3]) + more
