"""A cache as it is with all that waits to be folded in, as one SELECT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from stepping.compiler.plan.statements import EmitDelta, Step
from stepping.dialects.base import Dialect, Expression
from stepping.dialects.capture import ChangedGroups
from stepping.dialects.identifiers import quoted
from stepping.dialects.layout import indented, selected
from stepping.dialects.part_names import PartNames

CHANGED_GROUPS = "changed_groups"


def step_parts(dialect: Dialect, step: Step) -> tuple[list[str], dict[str, str]]:
    """What a step computes, as parts of a WITH; and what its delta tables are called there."""
    parts = [each for each in step.statements if isinstance(each, EmitDelta)]
    called = called_in(parts)
    return [dialect.text(query_of(dialect, each, called), called) for each in parts], called


def changed_view(dialect: Dialect, changed: ChangedGroups) -> str:
    """What creates the view of how groups change."""
    names = changed.parts[-1].table.names
    select = computed(dialect, changed.parts, names)
    text = dialect.text(select, called_in(changed.parts))
    return f"CREATE VIEW {quoted(changed.view)} AS\n{text}"


def computed(dialect: Dialect, parts: Sequence[EmitDelta], names: Sequence[str]) -> Expression:
    """The SELECT of the last of some parts, behind a WITH of the others; its columns are so named.

    `called_in` says what the others are called.
    """
    *before, last = parts
    called = called_in(parts)
    select = renamed(dialect, last.select, names).copy()
    queries = [query_of(dialect, each, called) for each in before]
    if own := select.args.get("with_"):
        queries += own.expressions
    if queries:
        select.set("with_", exp.With(expressions=queries))
    return select


def query_of(dialect: Dialect, each: EmitDelta, called: Mapping[str, str]) -> Expression:
    columns = [*each.table.names, *([each.table.weight] if each.table.weight else [])]
    return exp.CTE(
        this=renamed(dialect, each.select, columns),
        alias=exp.TableAlias(this=dialect.identifier(called[each.table.name])),
        materialized=True,
    )


def called_in(parts: Sequence[EmitDelta]) -> dict[str, str]:
    """What the delta tables of some parts are called where they are queries of a WITH."""
    names = PartNames.beside(parts)
    for each in parts:
        names.call(each.table, each.table.serves)
    return names.called


def renamed(dialect: Dialect, select: Expression, names: Sequence[str]) -> Expression:
    """The select with its columns under the names that its readers know them by."""
    if not isinstance(select, exp.Select):
        return select  # a union takes the names of its first part, which has them
    if [each.alias_or_name for each in select.expressions] == list(names):
        return select
    picked = zip(select.expressions, names, strict=True)
    columns = [exp.alias_(each.unalias(), dialect.identifier(name)) for each, name in picked]
    changed = select.copy()
    changed.set("expressions", columns)
    return changed


def live_arms(
    dialect: Dialect,
    step: Step,
    arms: Sequence[Expression],
    columns: Sequence[str],
    changed: ChangedGroups | None = None,
) -> str:
    """A cache with what waits, which is made up of some parts: see `Dialect.live`.

    ``columns`` are what is read of rows ``r``.
    """
    if changed is None:
        parts, called = step_parts(dialect, step)
        with_parts = ", ".join(parts)
    else:
        with_parts = f"{CHANGED_GROUPS} AS MATERIALIZED (SELECT * FROM {quoted(changed.view)})"
        called = {changed.merge.change.name: CHANGED_GROUPS}
    both = indented("\nUNION ALL\n".join(dialect.text(each, called) for each in arms))
    return f"WITH {with_parts}\n{selected(columns)}\nFROM (\n{both}\n) AS r"
