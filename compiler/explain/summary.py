"""What `stepping explain` prints unless more is asked for: a query on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepping.compiler.explain.ddl import served
from stepping.compiler.explain.model import ROW, Model, Operator, Step, Table
from stepping.compiler.explain.text import count, lookup_text, number, scan_text, size_text

_MOST = 64  # columns of text before a table's name


def summary_of(model: Model, inputs: Sequence[str] = ()) -> str:
    """The tree of a query with the tables that it keeps, and a line for each input that changes."""
    return "\n".join(_lines(model, inputs)) + "\n"


def _lines(model: Model, inputs: Sequence[str]) -> Iterator[str]:
    yield f"{model.query} on {model.dialect}"
    yield ""
    tree = list(_tree(model))
    width = min(_MOST, max((len(line) for line, _ in tree), default=0))
    for line, kept in tree:
        yield f"{line:<{width}}  {kept}".rstrip()
    yield ""
    for relation in model.relations:
        yield f"read it as {relation}"
    yield from model.capture
    if model.capture:
        yield ""
    for step in model.steps:
        if step.cost is not None and (not inputs or step.inputs[0] in inputs):
            yield from _changed(model, step)
    yield ""
    yield from _verdict(model)
    yield "More: --sql [INPUT] the statements, --ddl what is installed, --tree why, --html a page."


def _tree(model: Model) -> Iterator[tuple[str, str]]:
    shown: set[str] = set()
    outputs = sum(len(operator.outputs) for operator in model.operators)
    for operator in model.operators:
        names = [f"cache {name}" for name in operator.caches]
        names += ["output" if outputs == 1 else f"output {i + 1}" for i in operator.outputs]
        if names:
            yield ", ".join(names), ""
            yield from _branch(model, operator, "  ", "  ", shown)


def _branch(
    model: Model, operator: Operator, first: str, rest: str, shown: set[str]
) -> Iterator[tuple[str, str]]:
    again = operator.id in shown
    line = f"{first}{served(operator)}" if operator.inputs else f"{first}{operator.title}"
    if again:
        yield f"{line} (above)", ""
        return
    shown.add(operator.id)
    kept = [_kept(table) for table in map(model.table, operator.tables) if table is not None]
    if not operator.incremental:
        kept.append(f"RECOMPUTED in each step: {operator.why}")
    kept += (f"Python step: {each.name}: {each.reason}" for each in operator.python)
    yield line, kept[0] if kept else ""
    inputs = [each for each in map(model.operator, operator.inputs) if each is not None]
    for more in kept[1:]:
        yield rest + ("│" if inputs else ""), more
    for position, each in enumerate(inputs, 1):
        last = position == len(inputs)
        branch, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from _branch(model, each, rest + branch, rest + below, shown)


def _kept(table: Table) -> str:
    key = next((f" by {', '.join(each.columns)}" for each in table.indexes if not each.name), "")
    return f"{table.name}{key}{size_text(table)}"


def _changed(model: Model, step: Step) -> Iterator[str]:
    """What one changed row of an input costs, and where it looks."""
    cost = step.cost
    assert cost is not None
    parts = [count(cost.statements, "statement")]
    if cost.rows is not None:
        parts.append(f"{number(cost.rows)} row{'' if cost.rows == 1 else 's'} written")
    if cost.python:
        parts.append(count(cost.python, "Python step"))
    found = dict.fromkeys(lookup_text(each) for each in cost.lookups if each.by != (ROW,))
    yield f"a changed row of {step.title}: {', '.join(parts)}" + ("; looks up" if found else "")
    yield from (f"  {text}" for text in found)


def _verdict(model: Model) -> Iterator[str]:
    if not model.recomputed:
        yield "Nothing is recomputed: each step costs in proportion to its change."
    yield from map(scan_text, model.scans)
