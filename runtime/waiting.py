"""Waiting until tables have been written up to a time, and helping where nobody writes them."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stepping.dialects.driver import Driver
from stepping.dialects.iterations import RUNNING, Record
from stepping.errors import FrontierTimeout
from stepping.runtime.frontier import Time, check_not_passed, longest_wait

Recover = Callable[[Record], bool]  # finishes what nobody works on; False if somebody does

_FIRST_PAUSE_SECS = 0.0005
_LONGEST_PAUSE_SECS = 0.02
_LOOK_SECS = 0.02  # how long a wait goes on before it looks whether anybody is at work
_LOOK_AGAIN_SECS = 0.1
LEASE_SECS = 10.0  # how long a worker on a staged iteration may say nothing


class NotYet(Exception):
    """A table has not reached what a step must have seen: wait, and try again."""

    def __init__(self, predecessor: int = -1) -> None:
        super().__init__(predecessor)
        self.predecessor = predecessor


@dataclass
class Wait:
    """One wait. ``frontier`` can be passed where the clock gave out no time up to it;
    ``predecessor``, an iteration that has begun, cannot. ``even``: no iteration may have been
    written to some of the tables only.
    """

    driver: Driver
    query: str
    tables: Sequence[str]
    time: Time
    recover: Recover
    max_sleep_secs: float | None = None
    predecessor: int = -1
    even: bool = False
    own: Record | None = None
    kept: Sequence[str] = ()  # all tables of the query, for messages
    running: list[Record] = field(default_factory=list)

    def __call__(self) -> Mapping[str, int]:
        """Where each table must stand at least, and does now.

        The connection listens from then on; the end of the step ends it.
        """
        need = max(self.time.frontier, self.predecessor)
        longest = longest_wait(self.max_sleep_secs)
        started = moved = clock.monotonic()
        look = started + _LOOK_SECS
        renew = started + LEASE_SECS / 3
        first = True
        before: Mapping[str, int] = {}
        while True:
            standing = self.driver.standing(self.tables)
            if standing != before:
                before, moved = standing, clock.monotonic()
            if self.time.input_time >= 0:
                check_not_passed(standing, self.time)
            behind = {name: t for name, t in standing.items() if t < need}
            uneven = self.even and len(set(standing.values())) > 1
            if not behind and not uneven:
                break
            now = clock.monotonic()
            if behind and (first or now >= look):
                behind = self.not_passed_over(behind)
                if not behind and not uneven:
                    break
            if now >= look or (first and self.even):
                self.running = self.driver.iterations.records(self.query, state=RUNNING)
                uneven = uneven and any(self.is_in(each, standing) for each in self.running)
                if not behind and not uneven:
                    break
                if self.helped(at_once=not first):
                    look, first = now, False
                    continue
                if now >= look:
                    look = now + _LOOK_AGAIN_SECS
            if first:
                self.driver.listen()
                first = False
                continue  # what was told before we listened
            if now >= renew:
                self.renew()
                renew = now + LEASE_SECS / 3
            if now >= started + longest:
                raise self.timeout(longest, need, behind or standing)
            # Where nobody is woken: late by a tenth of what the step before this one takes.
            pause = max(_FIRST_PAUSE_SECS, (now - moved) / 10)
            self.driver.pause(min(pause, _LONGEST_PAUSE_SECS))
        return {name: min(t, need) for name, t in standing.items()}

    def is_in(self, record: Record, standing: Mapping[str, int]) -> bool:
        """Whether an iteration has been written to some of the tables and not to others."""
        return min(standing.values()) < record.t <= max(standing.values())

    def not_passed_over(self, behind: dict[str, int]) -> dict[str, int]:
        """The tables that have not reached the predecessor, or that wait for a time in use."""
        late = {name: t for name, t in behind.items() if t < self.predecessor}
        if self.time.input_time < 0 or len(late) == len(behind):
            return behind
        iterations = self.driver.iterations
        given = {each.t: each for each in iterations.given(self.query)}
        own = given.get(self.time.input_time)
        if own is None or own.is_void:
            # The caller's own times: every one up to the frontier must come.
            return behind if own is None and self.own is None else late
        waiting = []
        for each in given.values():
            if each.t > self.time.frontier or each.is_void or each.t == self.time.input_time:
                continue
            if each.is_over:
                iterations.void(self.query, each.t)
            else:
                waiting.append(each.t)
        found = {name: t for name, t in behind.items() if any(t < w for w in waiting)}
        return {**late, **found}

    def helped(self, *, at_once: bool) -> bool:
        """Finish the first iteration that nobody works on."""
        held_up = self.driver.holds_up_writers()
        if not at_once and not held_up:
            at_once = any(each.worker is None for each in self.running)
        if not at_once and not held_up:
            return False
        for record in self.running:
            mine = self.own is not None and self.own.t == record.t
            if mine or (self.own is not None and record.t > self.own.t):
                continue
            if held_up or self.driver.iterations.is_dead(record):
                try:
                    return self.recover(record)
                except FrontierTimeout:
                    raise
                except Exception as error:
                    if not self.driver.is_transient(error):
                        raise
                    return False
            return False  # the others wait for this one
        return False

    def renew(self) -> None:
        if self.own is not None:
            self.driver.iterations.renew(self.query, self.own, LEASE_SECS)
        elif self.time.input_time >= 0:
            self.driver.iterations.renew_time(self.query, self.time.input_time, LEASE_SECS)

    def timeout(self, longest: float, need: int, behind: Mapping[str, int]) -> FrontierTimeout:
        standing = self.driver.standing(self.kept)
        behind = {name: t for name, t in standing.items() if t < need} or behind
        where = ", ".join(f"{name} stands at {t}" for name, t in sorted(behind.items()))
        self.running = self.driver.iterations.records(self.query, state=RUNNING)
        at_work = [
            f"time {each.t} is at stage {each.stage} of {each.stages}, by "
            + (" ".join((each.worker or "").split(" ")[1:]) or "nobody")
            for each in self.running
        ]
        who = "; ".join(at_work) or "nobody is at work on it"
        return FrontierTimeout(
            f"waited {longest:g} s for the frontier {need}: {where}; {who}",
            hint="the steps before this one have not been written: run them (an empty iteration "
            "at a time passes over it), or raise stepping.runtime.frontier.MAX_SLEEP_SECS",
        )
