"""Volatile functions: clocks, random numbers, identities of objects.

A result of theirs cannot be maintained, so they are refused.
"""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from stepping.compiler.frontend.rowfn.context import error_at
from stepping.compiler.ir.function import Source
from stepping.errors import QueryError

_MODULES = frozenset({"random", "_random", "secrets", "time"})
# Objects' identities and the hashes of str differ between processes.
_FUNCTIONS = (uuid.uuid1, uuid.uuid4, id, hash)
_METHODS = frozenset({"now", "utcnow", "today"})
_NAMES = frozenset({"urandom", "getpid", "getrandom", "perf_counter"})


def is_clock(thing: Any) -> bool:
    """Whether calling ``thing`` may give another result for the same arguments."""
    if not callable(thing):
        return False
    if any(thing is function for function in _FUNCTIONS):
        return True
    name = getattr(thing, "__name__", "")
    owner = getattr(thing, "__self__", None)
    if isinstance(owner, type) and issubclass(owner, datetime.date) and name in _METHODS:
        return True
    if isinstance(thing, type):
        return thing.__module__ in ("random", "_random")
    module = getattr(thing, "__module__", None)
    if module is None and owner is not None:  # a method of a random generator
        module = type(owner).__module__
    return module in _MODULES or (module in ("os", "posix", "nt") and name in _NAMES)


def clock_error(what: str, text: str, place: Source | None) -> QueryError:
    return error_at(
        f"{what}: `{text}` gives another result each time",
        place,
        "a row function must give the same result each time, else the change that removes a row "
        "would not find it; put the time or the random value into the row",
    )
