"""Row functions translated, and the errors of those that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.translate import translate
from stepping.errors import QueryError
from tests.unit.rowfn.rows import Product, row_type


def of(f: Callable[..., Any], *types: Any) -> ir.RowFunction:
    return translate(f, tuple(map(row_type, types or (Product,))), what="st.map f=")


def error_of(f: Callable[..., Any], *types: Any) -> QueryError:
    with pytest.raises(QueryError) as caught:
        of(f, *types)
    return caught.value


def marked(error: QueryError) -> str:
    """The part of the source that an error points at."""
    assert error.source is not None
    line, marks = error.source.split("\n")
    return line[marks.index("^") : marks.rindex("^") + 1]
