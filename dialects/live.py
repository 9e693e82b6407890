"""A cache as it is with all that waits to be folded in, as one SELECT."""

from __future__ import annotations

from collections.abc import Sequence

from stepping.compiler.plan.statements import EmitDelta, Step
from stepping.dialects.base import Dialect, Expression
from stepping.dialects.capture import indented
from stepping.dialects.identifiers import quoted


def step_parts(dialect: Dialect, step: Step) -> list[str]:
    """What a step computes, as parts of a WITH."""
    parts = []
    for each in step.statements:
        if isinstance(each, EmitDelta):
            columns = [*each.table.names, *([each.table.weight] if each.table.weight else [])]
            listed = ", ".join(quoted(column) for column in columns)
            text = indented(dialect.text(each.select))
            parts.append(f"{quoted(each.table.name)} ({listed}) AS MATERIALIZED (\n{text}\n)")
    return parts


def live_arms(dialect: Dialect, step: Step, arms: Sequence[Expression], columns: str) -> str:
    """A cache with what waits, which is made up of some parts: see `Dialect.live`.

    ``columns`` are what is read of rows ``r``.
    """
    both = indented("\nUNION ALL\n".join(dialect.text(each) for each in arms))
    with_parts = ",\n".join(step_parts(dialect, step))
    return f"WITH {with_parts}\nSELECT {columns}\nFROM (\n{both}\n) AS r"
