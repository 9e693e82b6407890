"""While a plan is made, garbage is looked for less often.

A plan is made of many small trees, which stay until their text is written: to look through all of
them every few hundred nodes took as long as making them.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 100_000  # objects before the young ones are looked through

_lock = threading.Lock()
_found: list[tuple[int, int, int]] = []  # what was set before, for each plan that is being made


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Raise how many objects are made between two looks, unless there are none or it is more."""
    with _lock:
        before = gc.get_threshold()
        _found.append(_found[0] if _found else before)
        if 0 < before[0] < _YOUNG:
            gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        with _lock:
            set_before = _found.pop()
            if not _found:
                gc.set_threshold(*set_before)
