"""What is recorded of iterations that are committed in stages, and of times that were given out.

`stepping_iterations` has a row for each iteration from its first commit to its last, and for those
whose input was bad; `stepping_journal` the deltas that its later stages read; `stepping_times` the
times that `next_time` gave out and that are not used yet. Locks are taken in one order: the gate
of a query, rows of `stepping_iterations` by time, rows of `last_update` by name.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stepping.compiler.plan.sql_plan import SQLDelta
from stepping.dialects.features import STAGES, TIMES, FeatureTables

_LEFT: set[tuple[str, int, int]] = set()  # by this process: the worker, a time, the attempt
RUNNING, FINISHED, QUARANTINED = "running", "finished", "quarantined"
_FIELDS = "t, attempt, stage, stages, predecessor, plan, state, worker, error, begun_at"


def host_name() -> str:
    """The name of this machine."""
    import socket  # takes a while to load, and is needed for stages only

    return socket.gethostname()


@dataclass(frozen=True)
class Record:
    """A row of `stepping_iterations`. ``stage``: how many stages are committed. The ``input`` can
    be large, and is read only where it is asked for.
    """

    t: int
    attempt: int
    stage: int
    stages: int
    predecessor: int
    plan: str
    state: str
    worker: str | None
    error: str | None
    begun_at: float
    lease_is_over: bool = False
    input: bytes = b""


@dataclass(frozen=True)
class GivenTime:
    """A time that was given out and has not been used."""

    t: int
    is_void: bool
    is_over: bool  # its lease


@dataclass(frozen=True)
class Used:
    """What there is to know when a time is used."""

    is_void: bool  # it was given out, and its lease has ended
    is_early: bool  # an iteration before it is not finished


class Iterations(ABC):
    """The records, on one connection. Every method is one statement.

    Where the tables of a feature are not there, nothing is recorded in them.
    """

    features: FeatureTables
    now: str  # seconds since 1970, of the database's clock
    for_update = ""

    @abstractmethod
    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement whose parameters are ``$1``, ``$2``, ... and return its rows."""

    @abstractmethod
    def changed(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement, and return how many rows it wrote."""

    @abstractmethod
    def worker(self) -> str:
        """Who works on this connection: its first word tells whether it is still there."""

    @abstractmethod
    def is_alive(self, worker: str) -> bool:
        """Whether the connection, or its process, is still there."""

    @abstractmethod
    def gate(self, query: str) -> None:
        """Let no other iteration of the query begin in stages until the transaction ends."""

    @abstractmethod
    def keep(self, query: str, t: int, delta: SQLDelta) -> None:
        """Write the rows of a delta table to the journal."""

    @abstractmethod
    def load(self, query: str, t: int, delta: SQLDelta) -> None:
        """Fill a delta table, which is empty, from the journal."""

    def is_dead(self, record: Record) -> bool:
        """Whether nobody works on an iteration any more."""
        if record.worker is None or record.lease_is_over:
            return True
        return (record.worker, record.t, record.attempt) in _LEFT or not self.is_alive(
            record.worker
        )

    def label(self) -> str:
        return f"process {os.getpid()} on {host_name()}"

    # -- iterations ---------------------------------------------------------------------------

    def begin(self, query: str, record: Record, lease: float) -> None:
        self.changed(
            "INSERT INTO stepping_iterations (query, t, attempt, stage, stages, predecessor, plan, "
            "state, input, worker, begun_at, lease_until) "
            f"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, {self.now}, {self.now} + $11)",
            (
                query,
                record.t,
                record.attempt,
                record.stage,
                record.stages,
                record.predecessor,
                record.plan,
                record.state,
                record.input,
                record.worker,
                float(lease),
            ),
        )

    def records(
        self,
        query: str,
        *,
        state: str | None = None,
        t: int | None = None,
        lock: bool = False,
        inputs: bool = False,
    ) -> list[Record]:
        """The records of a query in the order of their times."""
        if not self.features.has(STAGES):
            return []
        fields = f"{_FIELDS}, lease_until < {self.now}" + (", input" if inputs else "")
        sql = f"SELECT {fields} FROM stepping_iterations WHERE query = $1"
        parameters: list[Any] = [query]
        for column, value in (("state", state), ("t", t)):
            if value is not None:
                parameters.append(value)
                sql += f" AND {column} = ${len(parameters)}"
        sql += " ORDER BY t" + (self.for_update if lock else "")
        return [
            Record(*row[:11], *(bytes(packed) for packed in row[11:]))
            for row in self.rows(sql, parameters)
        ]

    def before(
        self, query: str, t: int, tables: Sequence[str]
    ) -> tuple[dict[int, int], dict[str, int]]:
        """How many stages other iterations that are running have committed, by their times; and
        up to which time tables are written.

        None are committed of one that was sent back and has not begun again.
        """
        marks = ", ".join(f"${number}" for number in range(3, 3 + len(tables)))
        found = self.rows(
            "SELECT '', t, stage FROM stepping_iterations WHERE query = $1 AND t <> $2 "
            "AND state = 'running' UNION ALL "
            f"SELECT table_name, t, 0 FROM last_update WHERE table_name IN ({marks})",
            (query, t, *tables),
        )
        running = {int(each): int(stage) for name, each, stage in found if not name}
        return running, {name: int(each) for name, each, _ in found if name}

    def enter(self, query: str, record: Record, lease: float) -> bool:
        """Lock the record and count a stage; False if somebody else has taken it over."""
        sql = (
            f"UPDATE stepping_iterations SET stage = stage + 1, lease_until = {self.now} + $1 "
            "WHERE query = $2 AND t = $3 AND attempt = $4 AND stage = $5 AND state = 'running'"
        )
        given = (float(lease), query, record.t, record.attempt, record.stage)
        return self.changed(sql, given) == 1

    def reach(self, query: str, record: Record) -> None:
        """Count several stages."""
        self.changed(
            "UPDATE stepping_iterations SET stage = $1 WHERE query = $2 AND t = $3",
            (record.stage, query, record.t),
        )

    def renew(self, query: str, record: Record, lease: float) -> None:
        """Say that a worker is still there, while it waits."""
        self.changed(
            f"UPDATE stepping_iterations SET lease_until = {self.now} + $1 "
            "WHERE query = $2 AND t = $3 AND attempt = $4",
            (float(lease), query, record.t, record.attempt),
        )

    def take_over(self, query: str, record: Record, worker: str, lease: float) -> bool:
        """Become the one who works on it; False if somebody else was first."""
        sql = (
            "UPDATE stepping_iterations SET attempt = attempt + 1, worker = $1, "
            f"lease_until = {self.now} + $2 "
            "WHERE query = $3 AND t = $4 AND attempt = $5 AND stage = $6 AND state = 'running'"
        )
        given = (worker, float(lease), query, record.t, record.attempt, record.stage)
        return self.changed(sql, given) == 1

    def abandon(self, query: str, record: Record) -> None:
        """Leave it to whoever comes next. If that cannot be written, this process knows it."""
        try:
            self.changed(
                "UPDATE stepping_iterations SET worker = NULL "
                "WHERE query = $1 AND t = $2 AND attempt = $3 AND state = 'running'",
                (query, record.t, record.attempt),
            )
        except Exception:
            _LEFT.add((record.worker or "", record.t, record.attempt))
            raise

    def follow(self, query: str, record: Record) -> None:
        """Write down the iteration before one that begins again."""
        self.changed(
            "UPDATE stepping_iterations SET predecessor = $1 WHERE query = $2 AND t = $3",
            (record.predecessor, query, record.t),
        )

    def send_back(self, query: str, t: int, predecessor: int) -> None:
        """Let an iteration begin again, after another one."""
        self.changed(
            "UPDATE stepping_iterations SET attempt = attempt + 1, stage = 0, predecessor = $1 "
            "WHERE query = $2 AND t = $3",
            (predecessor, query, t),
        )
        self.forget_journal(query, t)

    def set_state(self, query: str, t: int, state: str, error: str | None = None) -> None:
        self.changed(
            "UPDATE stepping_iterations SET state = $1, error = $2, worker = NULL "
            "WHERE query = $3 AND t = $4",
            (state, error, query, t),
        )
        if state == QUARANTINED:
            self.forget_journal(query, t)

    def forget(self, query: str, t: int) -> int:
        """Take a record and its journal away; returns how many there were."""
        self.forget_journal(query, t)
        return self.changed(
            "DELETE FROM stepping_iterations WHERE query = $1 AND t = $2", (query, t)
        )

    def forget_journal(self, query: str, t: int) -> None:
        self.changed("DELETE FROM stepping_journal WHERE query = $1 AND t = $2", (query, t))

    def forget_kept(self, query: str, t: int, name: str) -> None:
        sql = "DELETE FROM stepping_journal WHERE query = $1 AND t = $2 AND name = $3"
        self.changed(sql, (query, t, name))

    def forget_finished(self, query: str) -> None:
        """Take away what was finished for a worker that never asked for it."""
        self.changed(
            "DELETE FROM stepping_iterations WHERE query = $1 AND state = 'finished' "
            f"AND lease_until < {self.now} - 3600",
            (query,),
        )

    def keep_packed(self, query: str, t: int, name: str, packed: bytes) -> None:
        """Write bytes to the journal."""
        self.changed(
            "INSERT INTO stepping_journal (query, t, name, packed) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (query, t, name) DO UPDATE SET packed = excluded.packed",
            (query, t, name, packed),
        )

    def packed(self, query: str, t: int) -> dict[str, bytes]:
        rows = self.rows(
            "SELECT name, packed FROM stepping_journal "
            "WHERE query = $1 AND t = $2 AND packed IS NOT NULL",
            (query, t),
        )
        return {name: bytes(packed) for name, packed in rows}

    # -- times --------------------------------------------------------------------------------

    @abstractmethod
    def use(self, query: str, t: int) -> Used:
        """Say that a time is used now, if it was given out."""

    def given(self, query: str) -> list[GivenTime]:
        if not self.features.has(TIMES):
            return []
        sql = (
            f"SELECT t, void, lease_until < {self.now} FROM stepping_times "
            "WHERE query = $1 ORDER BY t"
        )
        return [GivenTime(int(t), bool(v), bool(o)) for t, v, o in self.rows(sql, (query,))]

    def register(self, query: str, t: int, lease: float) -> None:
        self.changed(
            "INSERT INTO stepping_times (query, t, void, lease_until) "
            f"VALUES ($1, $2, $3, {self.now} + $4)",
            (query, t, False, float(lease)),
        )

    def renew_time(self, query: str, t: int, lease: float) -> None:
        if not self.features.has(TIMES):
            return
        self.changed(
            f"UPDATE stepping_times SET lease_until = {self.now} + $1 "
            "WHERE query = $2 AND t = $3 AND NOT void",
            (float(lease), query, t),
        )

    def void(self, query: str, t: int) -> None:
        """Say that a time will not be used any more; only where its lease is over."""
        self.changed(
            "UPDATE stepping_times SET void = $1 "
            f"WHERE query = $2 AND t = $3 AND lease_until < {self.now}",
            (True, query, t),
        )

    def forget_passed(self, query: str, tables: Sequence[str]) -> None:
        """Take away the times that a step can no longer take: all tables have passed them."""
        marks = ", ".join(f"${number}" for number in range(2, 2 + len(tables)))
        self.changed(
            "DELETE FROM stepping_times WHERE query = $1 AND t <= "
            f"(SELECT min(t) FROM last_update WHERE table_name IN ({marks}))",
            (query, *tables),
        )
