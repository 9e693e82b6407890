"""Rows that Python's == takes for one, although they hold two moments.

When clocks are put back an hour comes twice. Two aware times of one zone in it are equal in Python,
and differ in their ``fold`` and so in what they are in UTC, as which they are stored (PEP 495).
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import functools
import re
import uuid
from typing import Any

# Classes whose values hold no time of day.
PLAIN: set[type] = {
    *(int, float, bool, str, bytes, bytearray, type(None)),
    *(decimal.Decimal, uuid.UUID, datetime.date),
}
_PLAIN_NAMES = {cls.__name__ for cls in PLAIN} | {"None", "Optional", "typing", "decimal", "uuid"}
_SEVERAL = (tuple, frozenset)


class Apart:
    """Stands for a row in a dict in which another one may be that is equal to it."""

    __slots__ = ("folds", "hash", "row")

    def __init__(self, row: Any, folds: tuple[int, ...]) -> None:
        self.row = row
        self.folds = folds
        self.hash = hash((row, folds))

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        return type(other) is Apart and self.folds == other.folds and bool(self.row == other.row)

    def __repr__(self) -> str:
        return repr(self.row)


def told_apart(row: Any) -> Any:
    """The row, or what stands for it in a dict where an aware time in it has a fold."""
    cls: Any = type(row)
    if cls in PLAIN or is_plain(cls):
        return row
    found: list[int] = []
    _look(row, found)
    return Apart(row, tuple(found)) if any(found) else row


def _look(value: Any, folds: list[int]) -> None:
    """Add the folds of all aware times in a value, in order."""
    cls: Any = type(value)
    if cls in PLAIN or is_plain(cls):
        return
    if isinstance(value, datetime.datetime):
        folds.append(int(_is_second(value)))
    elif isinstance(value, frozenset):
        # Which of its members have one, in whatever order it has them.
        each = [told_apart(member) for member in value]
        folds.append(hash(frozenset(each)) if any(type(one) is Apart for one in each) else 0)
    elif isinstance(value, tuple):
        for item in value:
            _look(item, folds)
    else:
        for name in getattr(cls, "__dataclass_fields__", ()):
            _look(getattr(value, name, None), folds)


def _is_second(at: datetime.datetime) -> bool:
    """Whether a time is another moment than without its fold; in UTC a fold means nothing."""
    return bool(
        at.fold and at.tzinfo is not None and at.utcoffset() != at.replace(fold=0).utcoffset()
    )


@functools.lru_cache(maxsize=4096)
def is_plain(cls: type) -> bool:
    """Whether the annotations of a row class say that it holds no time of day."""
    if not dataclasses.is_dataclass(cls):
        return not issubclass(cls, (datetime.datetime, *_SEVERAL))
    said = [field.type for field in dataclasses.fields(cls)]
    return all(
        set(re.findall(r"\w+", each)) <= _PLAIN_NAMES if isinstance(each, str) else each in PLAIN
        for each in said
    )
