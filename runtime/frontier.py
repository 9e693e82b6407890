"""Time: which step a change is, what it must have seen, and what it must not come behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepping.errors import StoreError, TimePassed

MAX_SLEEP_SECS = 30.0  # how long a step waits for its frontier; read at each wait


@dataclass(frozen=True)
class Time:
    """When a change happens, in integers that the caller (or ``store.next_time()``) gives out.

    ``input_time`` is the time of this change. ``frontier``: the step reads each table only when
    all changes up to that time are in it. ``flush_every_set``: False commits the step as a whole;
    True commits each delay table as soon as it is set, so that the next step can begin; None
    commits nothing.
    """

    input_time: int = -1
    frontier: int = -1
    flush_every_set: bool | None = False

    def __post_init__(self) -> None:
        for name, t in (("input_time", self.input_time), ("frontier", self.frontier)):
            if type(t) is not int or not -(2**63) <= t < 2**63:
                raise StoreError(
                    f"st.Time {name}= is {t!r}", hint="a time is an int, and has 64 bits"
                )
        if self.flush_every_set not in (True, False, None):
            raise StoreError(
                f"st.Time flush_every_set= is {self.flush_every_set!r}",
                hint="it is False, True or None",
            )


NO_TIME = Time()


def time_of(given: Time | None) -> Time:
    """What a caller gave as ``time=``; None is none."""
    if given is None:
        return NO_TIME
    if not isinstance(given, Time):
        raise StoreError(
            f"time= is {given!r}", hint="time=st.Time(input_time=2, frontier=1), or leave it out"
        )
    return given


def longest_wait(max_sleep_secs: float | None) -> float:
    """What a store was opened with, or else what is set for all."""
    return MAX_SLEEP_SECS if max_sleep_secs is None else max_sleep_secs


def check_not_passed(standing: Mapping[str, int], time: Time) -> None:
    """Raise `TimePassed` if a table has been written at the input time or later."""
    for name, t in sorted(standing.items()):
        if t >= time.input_time:
            raise TimePassed(
                f"the input time {time.input_time} has been taken: {name} stands at {t}",
                hint="give each step a time of its own, later than those before it",
            )
