"""What a query keeps and runs, as SQL that can be read and pasted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stepping.compiler.plan.sql_plan import Role, SQLPlan, SQLStatement, SQLStep, SQLTable
from stepping.errors import QueryError

_RULE = "-" * 78


@dataclass(frozen=True)
class Explanation:
    """The text of `explain`; ``print`` it, or ``str`` it."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def explain(graph: Any, dialect: str | None = None) -> Explanation:
    """The tables of a query with the reason for each, and the statements per changed input.

    ``graph`` is a compiled query or an open store; ``dialect`` is ``"sqlite"`` or ``"postgres"``,
    and by default that of the store. The text is SQL with comments: every statement in it can be
    run where the tables are, but for Python steps and the loading of changed rows, which are
    comments.
    """
    plan: SQLPlan
    if dialect is None:
        found = getattr(graph, "plan", None)
        if not isinstance(found, SQLPlan):
            raise QueryError(
                "st.explain needs to know the database",
                hint='st.explain(graph, dialect="sqlite") or dialect="postgres"',
            )
        plan = found
    else:
        plan = getattr(graph, "graph", graph).program(dialect).plan
    return Explanation("\n".join(_lines(plan)) + "\n")


def ddl_text(plan: SQLPlan) -> str:
    """The script that ``create_tables=True`` runs, with a comment on each table."""
    return "\n".join([*_heading(plan), *_created(plan)]) + "\n"


def _lines(plan: SQLPlan) -> Iterator[str]:
    yield from _heading(plan)
    python = [s for step in plan.steps for s in step.statements if s.role in _IN_PYTHON]
    for each in dict.fromkeys((s.operator, s.where, s.reason) for s in python):
        yield comment(f"Python step: {each[0]} ({each[1]}): {each[2]}")
    if plan.registered:
        yield comment(
            f"functions registered on the connection: {', '.join(plan.registered)}; "
            "each is exactly one Python builtin"
        )
    yield from _created(plan)
    if plan.session_ddl and any(step.fused is None for step in plan.steps):
        yield from _title("Delta tables, for one connection: what changes in one step")
        for text in plan.session_ddl:
            yield ended(text)
    for step in plan.steps:
        yield from _step(plan, step)


def _heading(plan: SQLPlan) -> Iterator[str]:
    yield comment(f"The query {plan.query} on {plan.dialect}; fingerprint {plan.fingerprint}")


def _created(plan: SQLPlan) -> Iterator[str]:
    yield from _title("Our own tables")
    yield comment("last_update: up to which time each table is written; stepping_queries: what")
    yield comment("is installed; stepping_clock: where store.next_time() stands; stepping_queue:")
    yield comment("changes that store.drain() will fold in")
    yield comment(
        "is installed; stepping_clock: where store.next_time() stands; stepping_times: what"
    )
    yield comment("it gave out; stepping_iterations, stepping_journal: what is committed in stages")
    for text in plan.own_ddl:
        yield ended(text)
    yield from _title("Tables that are kept")
    for each in plan.tables:
        yield from _table(each)
    yield comment("What is installed")
    for text in plan.install:
        yield ended(text)


def _table(kept: SQLTable) -> Iterator[str]:
    table = kept.table
    yield comment(f"{table.name}: {table.reason}")
    yield comment(f"for {table.serves} ({table.where})")
    for text in kept.ddl:
        yield ended(text)


def _step(plan: SQLPlan, step: SQLStep) -> Iterator[str]:
    single = len(step.inputs) == 1
    what = step.inputs[0] if single else f"any mix of {', '.join(step.inputs)}"
    yield from _title(f"When {what} changes: one transaction")
    if step.tables:
        yield comment(f"locked first: {', '.join(step.tables)} in last_update")
    if step.fused is not None:
        yield comment("one statement; its parameters are arrays of the changed rows' columns")
        for name, operator, where, _ in step.fused.parts:
            yield comment(f"  {name}: {operator} ({where})")
        yield ended(step.fused.explain_sql)
        return
    for serial, statement in enumerate(step.statements, 1):
        yield from _statement(serial, statement)


_IN_PYTHON = (Role.PYTHON, Role.FOLD)
_WHAT = {
    Role.CLEAR: "empty the delta table",
    Role.STAGE: "load the changed rows",
    Role.RUN: "",
    Role.READ: "the change of an output",
    Role.CHECK: "a count below 0, looked for where rows were removed",
}


def _statement(serial: int, statement: SQLStatement) -> Iterator[str]:
    served = f"{statement.operator} ({statement.where})"
    if statement.role in _IN_PYTHON:
        yield comment(f"{serial}. Python step: {served}: {statement.reason}")
        if statement.fault:
            yield comment(f"   at {statement.fault}")
        yield ended(statement.sql)
        yield comment(f"its results are loaded into {statement.table}")
        return
    what = _WHAT[statement.role]
    yield comment(f"{serial}. {served}" + (f": {what}" if what else ""))
    if statement.role is Role.STAGE:
        yield comment(statement.sql)
    else:
        yield ended(statement.sql)


def _title(text: str) -> Iterator[str]:
    yield ""
    yield _RULE
    yield comment(text)
    yield _RULE


def comment(text: str) -> str:
    """The text as SQL comment lines, whatever is in it."""
    return "\n".join(f"-- {line}" for line in text.splitlines() or [""])


def ended(sql: str) -> str:
    return f"{sql};"
