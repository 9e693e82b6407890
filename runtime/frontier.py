"""Time: which step a change is, what it must have seen, and waiting until it has been written."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stepping.errors import FrontierTimeout, TimePassed

MAX_SLEEP_SECS = 30.0  # how long a step waits for its frontier; read at each wait

_FIRST_SLEEP_SECS = 0.0005
_LONGEST_SLEEP_SECS = 0.02


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


def wait_for(
    tables: Sequence[str],
    time: Time,
    read: Callable[[Sequence[str]], Mapping[str, int]],
    max_sleep_secs: float | None,
) -> None:
    """Return when every table has reached the frontier.

    Polls with a pause that doubles up to 20 ms. Raises `TimePassed` at once if a table stands at
    the input time or beyond, `FrontierTimeout` after ``max_sleep_secs``.
    """
    longest = MAX_SLEEP_SECS if max_sleep_secs is None else max_sleep_secs
    deadline = clock.monotonic() + longest
    pause = _FIRST_SLEEP_SECS
    while True:
        standing = read(tables)
        check_not_passed(standing, time)
        behind = {name: t for name, t in standing.items() if t < time.frontier}
        if not behind:
            return
        if clock.monotonic() >= deadline:
            where = ", ".join(f"{name} stands at {t}" for name, t in sorted(behind.items()))
            raise FrontierTimeout(
                f"waited {longest:g} s for the frontier {time.frontier}: {where}",
                hint="the steps before this one have not been written: run them, "
                "or raise stepping.runtime.frontier.MAX_SLEEP_SECS",
            )
        clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_SLEEP_SECS)


def check_not_passed(standing: Mapping[str, int], time: Time) -> None:
    """Raise `TimePassed` if a table has been written at the input time or later."""
    for name, t in sorted(standing.items()):
        if t >= time.input_time:
            raise TimePassed(
                f"the input time {time.input_time} has been taken: {name} stands at {t}",
                hint="give each step a time of its own, later than those before it",
            )
