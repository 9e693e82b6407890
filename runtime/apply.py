"""Running a migration: a reviewed script, or a plan that is at hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepping.compiler.codec import codec_of
from stepping.compiler.plan.migration import MigrationStatement
from stepping.compiler.plan.script import Meta, ScriptStep, parsed
from stepping.compiler.plan.sql_plan import Role, SQLStatement
from stepping.compiler.schema import schema_of
from stepping.dialects.driver import Driver
from stepping.errors import MigrationError
from stepping.runtime import catalog
from stepping.runtime.engine import Engine
from stepping.runtime.running import picker_of

if TYPE_CHECKING:
    from stepping.runtime.migrate import MigrationPlan


@dataclass(frozen=True)
class Done:
    """One statement that was run: its place, what it is for, rows it wrote, seconds it took."""

    number: int
    total: int
    step: ScriptStep
    rows: int
    seconds: float


Progress = Callable[[Done], None]


def apply(
    driver: Driver,
    text: str,
    what: str = "the script",
    *,
    edited: bool = False,
    progress: Progress | None = None,
) -> Meta:
    """Run a script of `stepping migrate`. Raises `MigrationError`, and then nothing was done.

    One that was edited after it was written is refused, unless ``edited`` says that it is meant.
    """
    meta, steps, untouched = parsed(text, what)
    if not untouched and not edited:
        raise MigrationError(
            f"{what} was edited since it was written: its checksum is another",
            hint="review it again; then: stepping apply --edited",
        )
    if meta.dialect != driver.dialect:
        raise MigrationError(
            f"{what} is for {meta.dialect}, and this database is {driver.dialect}",
            hint="write one for this database with `stepping migrate`",
        )
    Runner(driver, progress).run(meta, steps, what)
    return meta


@dataclass
class Runner:
    """Runs the statements of a migration on one connection."""

    driver: Driver
    progress: Progress | None = None
    plan: MigrationPlan | None = None  # for what runs in Python

    def run(self, meta: Meta, steps: Sequence[ScriptStep], what: str = "this migration") -> None:
        if self.driver.in_transaction():
            raise MigrationError(
                "the connection is in a transaction", hint="commit first, or use another one"
            )
        rest = self.left_to_do(meta, steps, what)
        with self.driver.settings_kept():
            try:
                for number, step in enumerate(steps, 1):
                    if step in rest:
                        self.step(number, len(steps), step)
            except BaseException:
                self.driver.undo()
                raise

    def left_to_do(
        self, meta: Meta, steps: Sequence[ScriptStep], what: str
    ) -> Sequence[ScriptStep]:
        """All steps, or those behind the transaction if an attempt before came that far."""
        found = catalog.queries(self.driver)
        now = found.get(meta.query)
        if meta.after == ("" if now is None else now.fingerprint):
            after = [step for step in steps if step.kind == "after"]
            if self.driver.indexes([index_named(step.sql) for step in after]):
                return after
            raise MigrationError(
                f"{what} has been applied already: {meta.query} is what it leads to",
                hint="nothing was done",
            )
        before = found.get(meta.installed_as)
        if meta.before != ("" if before is None else before.fingerprint):
            version = "nothing" if before is None else f"version {before.version}"
            raise MigrationError(
                f"{what} is for another version of {meta.installed_as} than is installed, "
                f"which is {version}; nothing was done",
                hint="write it anew with `stepping migrate`",
            )
        return steps

    def step(self, number: int, total: int, step: ScriptStep) -> None:
        started = time.perf_counter()
        statement = step.statement
        rows = 0
        if statement is not None and statement.program is not None:
            self.in_python(statement.program)
        elif statement is not None and statement.given:
            rows = self.given(statement)
        else:
            rows = self.driver.change(step.sql)
        if self.progress is not None:
            seconds = time.perf_counter() - started
            self.progress(Done(number, total, step, max(rows, 0), seconds))

    # -- Python ---------------------------------------------------------------------------------

    def in_python(self, statement: SQLStatement) -> None:
        assert self.plan is not None
        engine = self.engine()
        run = engine.fold if statement.role is Role.FOLD else engine.in_python
        run(statement)

    def engine(self) -> Engine:
        assert self.plan is not None
        program: Any = Steps(
            self.plan.graph.program(self.driver.dialect).plan, self.plan.migration.python_steps
        )
        return Engine(self.driver, self.plan.graph, program)

    def given(self, statement: MigrationStatement) -> int:
        """Load the rows of an input that come from Python."""
        assert self.plan is not None
        name = statement.given
        graph = self.plan.graph
        table = self.plan.migration.given[name]
        value_type = dict(zip(graph.input_names, graph.input_types, strict=True))[name]
        codec = codec_of(value_type, self.driver.to_column, self.driver.from_column)
        names = schema_of(value_type).names
        pick = picker_of([names.index(column) for column in table.names], len(names))
        load = self.plan.loading(table)
        rows = [(*pick(codec.encode(row)), 1) for row in self.plan.rows[name]]
        if rows:
            self.driver.stage(load, rows)
        return len(rows)


@dataclass(frozen=True)
class Steps:
    """A plan with the Python steps of a migration."""

    plan: Any
    python_steps: Sequence[Any]


def index_named(sql: str) -> str:
    """The name of the index that a statement drops."""
    name = sql.split()[-1]
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
