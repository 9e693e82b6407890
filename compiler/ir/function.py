"""Row functions after translation: what an operator holds of the Python function it was given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stepping.compiler.ir.node import Node, node
from stepping.compiler.ir.scalar import Scalar
from stepping.compiler.schema import ValueType


@dataclass(frozen=True)
class Source:
    """A place in the user's code. ``what`` says what stands there, if it is no call."""

    file: str
    line: int
    column: int = 0
    text: str = ""  # the line(s), with a line of ^^^ below what is meant
    what: str = ""  # the clause of a SELECT, in short

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


@node
class RowFunction(Node):
    """A function of one row (or of two values, for a reduce).

    ``scalars`` has one scalar per column of ``type``'s schema, over the columns of the argument's
    schema. Where the function cannot be translated it is None: ``reason`` says why, and the
    function runs as a Python step, identified by ``python`` (a text of its source, and that of
    the functions it calls, with its constants).
    """

    type: ValueType
    scalars: tuple[Scalar, ...] | None
    python: str = ""
    reason: str = field(default="", compare=False)
    source: Source | None = field(default=None, compare=False)  # of the function
    fault: Source | None = field(default=None, compare=False)  # of what cannot be translated
    call: Callable[..., Any] = field(default=lambda row: row, compare=False)
    name: str = field(default="lambda", compare=False)
