"""The Python classes of rows: named tuples with the names of columns."""

from __future__ import annotations

import keyword
from collections import namedtuple
from collections.abc import Sequence
from typing import Any


def row_class(name: str, columns: Sequence[str]) -> Any:
    """A class of named tuples. A name that is no identifier of Python is ``_`` and its position."""
    wanted = "".join(part.title() for part in name.split("_"))
    good = wanted.isidentifier() and not keyword.iskeyword(wanted)
    make: Any = namedtuple
    return make(wanted if good else "Row", columns, rename=True)
