"""What `explain` says as SQL with comments: a tree of the query, its tables, its statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepping.compiler.explain.ddl import comment, created, ended, heading, title
from stepping.compiler.explain.model import (
    ROW,
    Finding,
    Index,
    Lookup,
    Model,
    Operator,
    Statement,
    Step,
    Table,
)


def text_of(model: Model, inputs: Sequence[str] = ()) -> str:
    """All of it; with ``inputs``, only the statements for a change of one of those alone."""
    return "\n".join(_lines(model, inputs)) + "\n"


def tree_of(model: Model) -> str:
    """The tree alone: each operator with why it is incremental, and the tables it keeps."""
    return "\n".join([*tree(model), "", *summary(model)]) + "\n"


def statements_of(model: Model, inputs: Sequence[str] = ()) -> str:
    """The statements that run when an input changes, or one of these."""
    return "\n".join(_statements(model, inputs)).lstrip("\n") + "\n"


def _lines(model: Model, inputs: Sequence[str]) -> Iterator[str]:
    yield from heading(model.query, model.dialect, model.fingerprint)
    yield comment("")
    for line in tree(model):
        yield comment(line)
    yield comment("")
    for line in summary(model):
        yield comment(line)
    yield from created(model)
    yield from _statements(model, inputs)


def _statements(model: Model, inputs: Sequence[str]) -> Iterator[str]:
    if model.session_ddl:
        yield from title("Delta tables, for one connection: what changes in one step")
        for text in model.session_ddl:
            yield ended(text)
    for step in model.steps:
        if not inputs or (len(step.inputs) == 1 and step.inputs[0] in inputs):
            yield from _step(step)


# ---------------------------------------------------------------------------------- the tree


def tree(model: Model) -> Iterator[str]:
    """Outputs and caches, each above what it is made of. What was shown already is named only."""
    shown: set[str] = set()
    outputs = sum(len(operator.outputs) for operator in model.operators)
    for operator in model.operators:
        what = _ends(operator, outputs)
        if what:
            yield what
            yield from _branch(model, operator, "  ", "  ", shown)
    for operator in model.operators:
        if operator.id not in shown:
            yield "read by nothing"
            yield from _branch(model, operator, "  ", "  ", shown)


def _ends(operator: Operator, outputs: int) -> str:
    parts = [f"cache {name!r}" for name in operator.caches]
    parts += ["output" if outputs == 1 else f"output {i + 1}" for i in operator.outputs]
    return " and ".join(parts)


def _branch(
    model: Model, operator: Operator, first: str, rest: str, shown: set[str]
) -> Iterator[str]:
    again = operator.id in shown
    yield f"{first}{operator.id}. {headline(operator)}" + (" (above)" if again else "")
    if again:
        return
    shown.add(operator.id)
    inputs = [each for each in map(model.operator, operator.inputs) if each is not None]
    inner = rest + ("│    " if inputs else "     ")
    for line in details(model, operator):
        yield inner + line
    for position, each in enumerate(inputs, 1):
        last = position == len(inputs)
        yield from _branch(
            model,
            each,
            rest + ("└─ " if last else "├─ "),
            rest + ("   " if last else "│  "),
            shown,
        )


def headline(operator: Operator) -> str:
    """``joined = join  receipts.py:24``."""
    text = operator.title
    if operator.place is not None:
        text += f"  {operator.place}"
    if operator.function:
        text += f" in {operator.function}"
    return text


def details(model: Model, operator: Operator) -> Iterator[str]:
    if operator.inputs:
        how = "by group" if operator.by_group else "incremental"
        how = how if operator.incremental else "recomputed in each step"
        yield f"{how}: {operator.why}"
    for each in operator.python:
        yield f"Python step: {each.name}: {each.reason}" + (f", at {each.at}" if each.at else "")
    for view in model.views:
        if view.operator == operator.id:
            yield f"is {view.name}, a view of {view.of}"
    for name in operator.tables:
        table = model.table(name)
        if table is not None:
            yield f"keeps {name}{size_text(table)}"
            for index in table.indexes:
                yield f"      {index_text(index)}"


def size_text(table: Table) -> str:
    if table.rows is None:
        return ""
    rows = f"{'about ' if table.estimated else ''}{count(table.rows, 'row')}"
    return f": {rows}" + ("" if table.bytes is None else f", {bytes_text(table.bytes)}")


def index_text(index: Index) -> str:
    name = f"index {index.name}" if index.name else "key"
    return f"{name} ({', '.join(index.columns)}): {index.use}"


def count(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def bytes_text(n: int) -> str:
    size = float(n)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


# ------------------------------------------------------------------------------------ in short


def summary(model: Model) -> Iterator[str]:
    if not model.recomputed:
        yield "Nothing is recomputed: each step costs in proportion to its change."
    for each in model.recomputed:
        yield f"Recomputed in each step: {headline(each)}: {each.why}"
    for each in model.in_python:
        for function in each.python:
            at = f", at {function.at}" if function.at else ""
            yield f"Python step: {headline(each)}: {function.name}: {function.reason}{at}"
    if model.registered:
        yield (
            f"functions registered on the connection: {', '.join(model.registered)}; "
            "each is exactly one Python builtin"
        )
    yield from map(scan_text, model.scans)
    yield ""
    for step in model.steps:
        if step.cost is not None:
            yield from cost_lines(step)


def cost_lines(step: Step) -> Iterator[str]:
    """What one changed row of an input costs."""
    cost = step.cost
    assert cost is not None
    parts = [count(cost.statements, "statement")]
    looked = sum(each.times is not None for each in cost.lookups)
    if looked:
        total = sum(each.times or 0.0 for each in cost.lookups)
        parts.append(f"{number(total)} look-up{'' if total == 1 else 's'}")
    if cost.rows is not None:
        parts.append(f"{number(cost.rows)} row{'' if cost.rows == 1 else 's'} written")
    if cost.python:
        parts.append(count(cost.python, "Python step"))
    more = len(cost.lookups) - looked
    if more:
        parts.append(f"and {count(more, 'look-up')} for each row that those find")
    yield f"One changed row of {step.title}: {', '.join(parts)}"
    for each in cost.lookups:
        yield f"  {lookup_text(each)}"


def scan_text(scan: Finding) -> str:
    create = f": {scan.create}" if scan.create else ""
    return f"SCAN of {scan.table} when {scan.step} changes: {scan.what}{create}"


def lookup_text(each: Lookup) -> str:
    by = "as a whole row" if each.by == (ROW,) else f"by {', '.join(each.by)}"
    text = f"{each.table} {by}"
    if each.create:
        text = f"SCAN of {text}, which no index begins with"
    elif each.index:
        text += f" (index {each.index})"
    elif each.application and each.by:
        text += " (which needs an index)"
    elif each.is_scan:
        text = f"SCAN of {each.table}: all of it is read"
    elif not each.by:
        text = f"{each.table} from the start of its order"
    if each.times is not None and each.times != 1:
        text += f", {number(each.times)} times"
    if each.limit is not None and each.limit > 1:
        text += f", at most {each.limit} rows"
    elif each.limit == 1 and each.most != 1:
        text += ", the first row"
    elif each.most == 1:
        text += ", at most one row"
    elif each.average is not None:
        text += f", {number(each.average)} rows on average, {number(float(each.most or 0))} at most"
    return f"{text}: {each.create}" if each.create else text


def number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


# ---------------------------------------------------------------------------------- statements


def _step(step: Step) -> Iterator[str]:
    yield from title(f"When {step.title} changes: one transaction")
    if step.locked:
        yield comment(f"locked first: {', '.join(step.locked)} in last_update")
    for each in step.statements:
        yield from _statement(each)
        for line in each.plan:
            mark = f"  <-- SCAN of {line.scan}" if line.scan else ""
            yield comment(f"     {'  ' * line.depth}{line.text}{mark}")


def _statement(each: Statement) -> Iterator[str]:
    if each.role == "step":
        yield comment(each.what)
        for label, where in dict.fromkeys((part.label, part.where) for part in each.parts):
            yield comment(f"  {label}: {where}")
        yield ended(each.sql)
        return
    served = f"{each.label} ({each.where})"
    if each.role in ("python", "fold"):
        yield comment(f"{each.serial}. Python step: {served}: {each.python}")
        if each.at:
            yield comment(f"   at {each.at}")
        yield ended(each.sql)
        yield comment(f"its results are loaded into {each.fills}")
        return
    yield comment(f"{each.serial}. {served}" + (f": {each.what}" if each.what else ""))
    if each.role == "stage":
        yield comment(each.sql)
    else:
        yield ended(each.sql)
