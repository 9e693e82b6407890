"""Row functions as they are called in Python: in memory, and by Python steps.

What a function gives is brought into its canonical form at once, before anything is compared with
it: it is what it would be if it had been stored in a column.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepping.compiler import ir
from stepping.compiler.bounds import computed_type
from stepping.compiler.codec import python_codec
from stepping.compiler.exact import called
from stepping.errors import RowError, SteppingError

Columns = tuple[Any, ...]


def columns_of(function: ir.RowFunction) -> Callable[..., Columns]:
    """A function of a row: the columns of what a row function gives for it."""
    encode, call = python_codec(computed_type(function.type)).encode, function.call

    def columns(*arguments: Any) -> Columns:
        try:
            return encode(called(call, arguments))
        except SteppingError:
            raise
        except Exception as error:
            shown = ", ".join(repr(argument) for argument in arguments)
            raise RowError(
                f"{function.name} raised {type(error).__name__}: {error}; for the row {shown}",
                where=str(function.source) if function.source else None,
                hint="nothing was written; mend the function, or leave such rows out with "
                "st.filter",
            ) from error

    return columns


def caller(function: ir.RowFunction) -> Callable[..., Any]:
    """A function of a row: what a row function gives for it."""
    columns, decode = columns_of(function), python_codec(function.type).decode
    return lambda *arguments: decode(columns(*arguments))
