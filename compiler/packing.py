"""Collected values as bytes: canonical MessagePack, the same for equal values in every process.

A column of `Kind.PACKED` holds these bytes on every store, so that equal values are equal columns.
What is packed is directed by the type, not by the value. Format version 1:

=====================================  ===========================================================
None, or st.EMPTY of ``X | Empty``     nil
bool, int, float, str, bytes           as they are: ints in their shortest form, floats in 64 bits
a member of an Enum                    its name
Decimal                                extension 1: its digits, without trailing zeros
date, time, naive datetime             extensions 2, 3, 4: ISO 8601
aware datetime                         extension 5: ISO 8601 in UTC
UUID                                   extension 6: its 16 bytes
a row, a Pair, a fixed tuple           an array of its fields, in order
``X | Empty`` of no row class          an array of the one value
``tuple[X, ...]``                      an array
``frozenset[X]``                       an array, in the order of the members' packed bytes
``ZSetPython[X]``                      an array of [row, count], in the order of the rows' bytes
``X | Y``                              [name of the alternative, value]
=====================================  ===========================================================

Each value is canonical before it is packed (see `canonical.py`): 1 in a field of type float is 1.0,
-0.0 is 0.0, an aware datetime is UTC. In ``X | Y`` the first alternative that the value fits, in
the order of the names, is what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgpack

from stepping.compiler import canonical
from stepping.compiler.plain import FromPlain, Plain, ToPlain, packed, within
from stepping.compiler.schema import Atom, Collected, Kind
from stepping.errors import RowError

# Raise STORAGE_VERSION in lowering/arrange.py with it: what is stored in the old format must not be
# taken for the new one.
FORMAT_VERSION = 1
# MessagePack itself goes to 1,023; Python's own stack ends before that.
MAX_LEVELS = 400


@dataclass(frozen=True)
class Packing:
    """``pack(value, field)`` checks a value and gives its bytes; ``unpack`` gives it back."""

    pack: Callable[[Any, str], bytes]
    unpack: Callable[[bytes], Any]


def packing_of(atom: Atom) -> Packing:
    """How values of a collected type are packed."""
    assert atom.collected is not None
    # Types are equal that build different classes: see `codec.python_codec`.
    return _packing(atom.collected, id(atom.collected))


def check_of(atom: Atom) -> canonical.Check:
    """What checks a value of a column and returns its canonical form: bytes, if it is packed."""
    if atom.kind is not Kind.PACKED:
        return canonical.check_of(atom)
    pack = packing_of(atom).pack
    return lambda value, atom, field: pack(value, field)


@lru_cache(maxsize=1024)
def _packing(collected: Collected, identity: int) -> Packing:
    to_plain = ToPlain()
    plain, value = to_plain.compiled(collected), FromPlain().compiled(collected)
    is_recursive = to_plain.is_recursive

    def pack(given: Any, field: str) -> bytes:
        try:
            made = plain(given)
        except RowError as error:
            raise within(field, error) from None
        except RecursionError:
            raise _too_deep(field) from None
        if is_recursive and _levels(made) > MAX_LEVELS:
            raise _too_deep(field)
        return packed(made)

    def unpack(data: bytes) -> Any:
        return value(msgpack.unpackb(data, raw=False))

    return Packing(pack, unpack)


def _levels(plain: Plain) -> int:
    """How deep arrays are nested."""
    level = [plain] if type(plain) is list else []
    depth = 0
    while level:
        depth += 1
        level = [inner for outer in level for inner in outer if type(inner) is list]
    return depth


def _too_deep(field: str) -> RowError:
    return RowError(
        f"{field}: the value is nested more than {MAX_LEVELS} levels deep",
        hint="nothing was written; store such a value as rows of their own, with the parent's key",
    )
