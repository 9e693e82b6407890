"""A cache as it is with all that waits to be folded in, as one SELECT."""

from __future__ import annotations

from collections.abc import Sequence

from stepping.compiler.plan.statements import EmitDelta, Step
from stepping.dialects.base import Dialect, Expression
from stepping.dialects.capture import ChangedGroups, indented
from stepping.dialects.identifiers import quoted


CHANGED_GROUPS = "changed_groups"


def step_parts(dialect: Dialect, step: Step) -> list[str]:
    """What a step computes, as parts of a WITH."""
    return [part(dialect, each) for each in step.statements if isinstance(each, EmitDelta)]


def part(dialect: Dialect, each: EmitDelta) -> str:
    columns = [*each.table.names, *([each.table.weight] if each.table.weight else [])]
    listed = ", ".join(quoted(column) for column in columns)
    text = indented(dialect.text(each.select))
    return f"{quoted(each.table.name)} ({listed}) AS MATERIALIZED (\n{text}\n)"


def changed_view(dialect: Dialect, changed: ChangedGroups) -> str:
    """What creates the view of how groups change."""
    *before, last = changed.parts
    listed = ", ".join(quoted(each) for each in last.table.names)
    parts = ",\n".join(part(dialect, each) for each in before)
    head = f"WITH {parts}\n" if parts else ""
    return f"CREATE VIEW {quoted(changed.view)} ({listed}) AS\n{head}{dialect.text(last.select)}"


def live_arms(
    dialect: Dialect,
    step: Step,
    arms: Sequence[Expression],
    columns: str,
    changed: ChangedGroups | None = None,
) -> str:
    """A cache with what waits, which is made up of some parts: see `Dialect.live`.

    ``columns`` are what is read of rows ``r``.
    """
    called = {} if changed is None else {changed.merge.change.name: CHANGED_GROUPS}
    both = indented("\nUNION ALL\n".join(dialect.text(each, called) for each in arms))
    with_parts = ",\n".join(step_parts(dialect, step))
    if changed is not None:
        with_parts = f"{CHANGED_GROUPS} AS MATERIALIZED (SELECT * FROM {quoted(changed.view)})"
    return f"WITH {with_parts}\nSELECT {columns}\nFROM (\n{both}\n) AS r"
