"""Which collation SQLite compares a value by: asked of its programs, since no pragma tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

BINARY = "BINARY"
_COLLATION = re.compile(r"-(8|16LE|16BE)$")  # in which coding texts are compared


def comparing(select: str) -> str:
    """A SELECT whose program compares the only column ``e`` of another one."""
    return f"SELECT e >= 'x' FROM ({select})"


def collation_in(program: Iterable[tuple[Any, ...]]) -> str:
    """The collation in the EXPLAIN of `comparing`, "" if it is the usual one.

    It is that of the last comparison of a row: others are in the expression itself.
    """
    found = ""
    for _, name, _, _, _, key, *_ in program:
        if name == "ResultRow":
            break
        if name == "Ge" and isinstance(key, str):
            found = _COLLATION.sub("", key)
    return "" if found == BINARY else found
