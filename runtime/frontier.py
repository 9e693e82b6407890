"""Time: which step a change is, what it must have seen, and what it must not come behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stepping.errors import TimePassed

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


NO_TIME = Time()


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
