"""The clock that all processes on a store share, and what becomes of times that it gives out."""

from __future__ import annotations

import random
from collections.abc import Sequence

from stepping.dialects.driver import Driver
from stepping.dialects.features import TIMES

LEASE_SECS = 10.0  # how long a time that was given out is waited for; read at each call
_GATE = "stepping_clock"
_FORGOTTEN = 16  # one call in so many takes away what is over, which each wait would read


def next_time(
    driver: Driver, query: str, tables: Sequence[str], lease_secs: float | None = None
) -> int:
    """The next time, written down with a lease. ``tables`` are those that the query keeps.

    Nobody passes over it before it has been used or the lease has ended. When it has, whoever
    waits for it goes on, and a step that comes at this time nevertheless is refused.
    """
    lease = LEASE_SECS if lease_secs is None else lease_secs
    driver.features.make(TIMES)
    joined = driver.in_transaction()
    with driver.writing():
        if not joined:
            driver.iterations.gate(_GATE)  # so that a time is written down before any later one
            if tables and random.randrange(_FORGOTTEN) == 0:
                driver.iterations.forget_passed(query, tables)
        t = driver.next_time()
        driver.iterations.register(query, t, lease)
    return t
