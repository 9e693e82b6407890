"""Running a migration: a reviewed script, or a plan that is at hand."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from stepping.compiler.codec import codec_of
from stepping.compiler.plan.capture import staged_name
from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.plan.migration import Migration, MigrationStatement
from stepping.compiler.plan.script import Meta, ScriptStep, parsed
from stepping.compiler.plan.sql_plan import SQLStatement
from stepping.compiler.plan.tables import Table
from stepping.compiler.schema import schema_of
from stepping.dialects.batches import DEFAULT_ROWS
from stepping.dialects.driver import Driver
from stepping.dialects.identifiers import quoted, unquoted
from stepping.errors import MigrationError, RowError, SteppingError
from stepping.runtime import catalog, filling
from stepping.runtime.running import PythonSteps, Statements, picker_of


class Planned(Protocol):
    """A plan that is at hand: see `MigrationPlan`."""

    @property
    def migration(self) -> Migration: ...
    @property
    def graph(self) -> AnyGraph: ...
    @property
    def rows(self) -> Mapping[str, Iterable[Any]]: ...
    def loading(self, table: Table) -> SQLStatement: ...


@dataclass(frozen=True)
class Done:
    """One statement that was run: its place, what it is for, rows it wrote, seconds it took.

    Behind a batch also how many rows have been read in all, and how many there are, about.
    """

    number: int
    total: int
    step: ScriptStep
    rows: int
    seconds: float
    read: int = 0
    to_read: int = 0
    batch: int = 0  # how many of them in this batch


Progress = Callable[[Done], None]
MOST_CATCHING_UP = 20  # batches of nothing but what has changed meanwhile
LONGEST_PAUSE_SECS = 0.1  # between two batches, where they keep everybody out
LONGEST_TRYING_SECS = 60.0
LONGEST_LOCKING_SECS = 600.0  # for as long a moment is looked for in which nobody writes
LONGEST_SLEEP_SECS = 2.0
FEW_ROWS = 1000  # that the switch may fold in while writers wait
TOGETHER = ("prepare", "fill", "rest", "switch")  # steps of one transaction


def apply(
    driver: Driver,
    text: str,
    what: str = "the script",
    *,
    edited: bool = False,
    progress: Progress | None = None,
    batch_rows: int = DEFAULT_ROWS,
) -> Meta:
    """Run a script of `stepping migrate`. Raises `MigrationError`, and then nothing was done.

    One that was edited after it was written is refused, unless ``edited`` says that it is meant.
    What is filled in batches of ``batch_rows`` is kept if it fails: run again, it goes on.
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
    Runner(driver, progress, batch_rows=batch_rows).run(meta, steps, what)
    return meta


@dataclass
class Runner:
    """Runs the statements of a migration on one connection."""

    driver: Driver
    progress: Progress | None = None
    plan: Planned | None = None  # for what runs in Python
    batch_rows: int = DEFAULT_ROWS

    def run(self, meta: Meta, steps: Sequence[ScriptStep], what: str = "this migration") -> None:
        if self.driver.in_transaction():
            raise MigrationError(
                "the connection is in a transaction", hint="commit first, or use another one"
            )
        begun = filling.half_done(self.driver)
        rest = self.left_to_do(meta, steps, what)
        if begun is not None and any(step.kind == "batch" for step in rest):
            filling.check_whole(self.driver, begun)
        with self.driver.settings_kept():
            try:
                for kind, group in grouped(steps):
                    left = [each for each in group if each[1] in rest]
                    if kind == "batch" and left and meta.staged:
                        self.reads(meta, left, len(steps))
                    elif kind == "batch" and left:
                        self.batches(steps)
                    elif kind == "fold" and left:
                        self.folds(meta, left, len(steps))
                    elif meta.staged and kind in TOGETHER:
                        self.tried(left, len(steps))
                    else:
                        for number, step in left:
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
            begun = filling.half_done(self.driver)
            if meta.direction == "down" and begun and begun.query == meta.installed_as:
                filling.abandon(self.driver)  # back from half way
                return [step for step in steps if step.kind == "after"]
            after = [step for step in steps if step.kind == "after"]
            validates = any("VALIDATE CONSTRAINT" in step.sql for step in after)
            if validates or self.driver.indexes([index_named(step.sql) for step in after]):
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
        beside = found.get(staged_name(meta.query))
        if beside is None:
            return steps
        if meta.staged != beside.fingerprint:
            raise MigrationError(
                f"another version of {meta.query} is being installed: {beside.query} is half done",
                hint="run its script to the end, or take it back with `stepping abandon --db URL`",
            )
        done = {"prepare"}
        if beside.started:
            done |= {"fill", "batch", "rest"}
        elif filling.rows_read(self.driver, beside.manifest()) is not None:
            done |= {"fill"}
        return [step for step in steps if step.kind not in done]

    def batches(self, steps: Sequence[ScriptStep]) -> None:
        """Run the steps of a batch again and again, until nothing is left to be read.

        Then what has changed meanwhile, until that is little enough for the switch.
        """
        batch = [(i, each) for i, each in enumerate(steps, 1) if each.kind == "batch"]
        filling.read_at_once(self.driver, self.batch_rows)
        begun = filling.half_done(self.driver)
        assert begun is not None
        to_read = sum(each.rows for each in self.driver.sizes(begun.tables).values())
        catching_up, before = 0, begun.rows_read
        while True:
            started = time.perf_counter()
            self.again(batch, len(steps))
            seconds = time.perf_counter() - started
            now = filling.half_done(self.driver)
            assert now is not None
            if self.progress is not None:
                number, step = batch[-1]
                rows = now.rows_read - before
                done = Done(number, len(steps), step, 0, seconds, now.rows_read, to_read, rows)
                self.progress(done)
            before = now.rows_read
            unread, changed = filling.left(self.driver, len(now.tables))
            catching_up += not unread
            if not unread and (changed < self.batch_rows or catching_up > MOST_CATCHING_UP):
                return
            if self.driver.one_writer:
                time.sleep(min(seconds, LONGEST_PAUSE_SECS))  # a turn for others

    def reads(self, meta: Meta, batch: Sequence[tuple[int, ScriptStep]], total: int) -> None:
        """Read batch after batch of a table of the application, until less than one is left."""
        manifest = catalog.installed(self.driver, staged_name(meta.query)).manifest()
        assert manifest.capture is not None
        assert manifest.capture.in_batches is not None
        table = manifest.capture.in_batches.table
        filling.tables_read_at_once(self.driver, manifest, self.batch_rows)
        rows = self.driver.sizes([table.name])
        to_read = rows[table.name].rows if table.name in rows else table.rows
        before = filling.rows_read(self.driver, manifest)
        while True:
            started = time.perf_counter()
            self.tried(batch, total)
            seconds = time.perf_counter() - started
            now = filling.rows_read(self.driver, manifest)
            if now is None or before is None or now == before:
                return
            if self.progress is not None:
                number, step = batch[-1]
                read = now - before
                self.progress(Done(number, total, step, 0, seconds, now, max(to_read, now), read))
            before = now

    def folds(self, meta: Meta, fold: Sequence[tuple[int, ScriptStep]], total: int) -> None:
        """Fold in what was written down while tables were filled, until little of it is left."""
        inputs = catalog.installed(self.driver, staged_name(meta.query)).manifest().capture
        assert inputs is not None
        waiting = " + ".join(
            f"(SELECT COUNT(*) FROM {quoted(each.waiting)})"  # noqa: S608
            for each in inputs.inputs
        )
        for _ in range(MOST_CATCHING_UP):
            with self.driver.reading():
                ((rows,),) = self.driver.read(f"SELECT {waiting}")
            if rows < FEW_ROWS:
                return
            self.tried(fold, total)

    def tried(self, group: Sequence[tuple[int, ScriptStep]], total: int) -> None:
        """One transaction; once more where a lock was not to be had, or it lost against another.

        Whoever waits for a lock of a whole table keeps all others waiting behind it: so it waits
        for a moment only, and lets them go on in between.
        """
        deadline = time.monotonic() + LONGEST_LOCKING_SECS
        for turn in itertools.count():
            try:
                for number, step in group:
                    self.step(number, total, step)
                return
            except Exception as error:
                again = self.driver.gave_up_waiting(error) or self.driver.is_transient(error)
                if not again or time.monotonic() > deadline:
                    raise
                self.driver.undo()
            time.sleep(min(0.05 * 2**turn, LONGEST_SLEEP_SECS) * (0.5 + random.random()))

    def again(self, batch: Sequence[tuple[int, ScriptStep]], total: int) -> None:
        """One batch; once more where it lost against another transaction."""
        deadline = time.monotonic() + LONGEST_TRYING_SECS
        while True:
            try:
                for number, step in batch:
                    self.step(number, total, step)
                return
            except Exception as error:
                if not self.driver.is_transient(error) or time.monotonic() > deadline:
                    raise
                self.driver.undo()

    def step(self, number: int, total: int, step: ScriptStep) -> None:
        started = time.perf_counter()
        try:
            rows = self.done(step)
        except SteppingError:
            raise
        except Exception as error:
            note = f"  at step {number} of {total}: {step.note}"
            if note not in getattr(error, "__notes__", ()):
                error.add_note(note)
            raise
        if self.progress is not None:
            seconds = time.perf_counter() - started
            self.progress(Done(number, total, step, max(rows, 0), seconds))

    def done(self, step: ScriptStep) -> int:
        """Run one statement, or what a step in Python does; how many rows it wrote."""
        statement = step.statement
        if statement is not None and statement.program is not None:
            self.in_python(statement.program)
            return 0
        if statement is not None and statement.given:
            return self.given(statement)
        return self.changed(step.sql, is_after=step.kind == "after")

    def changed(self, sql: str, *, is_after: bool) -> int:
        """Run a statement; how many rows it wrote."""
        try:
            return self.driver.change(sql)
        except Exception as error:
            refused, fault = self.driver.refusal(error), self.driver.failure(error)
            if refused is not None:
                raise MigrationError(f"{refused}; nothing was done") from error
            if fault is None:
                raise
            hint = "nothing was done; mend the row, or the SELECT that gives it"
            if is_after:
                hint = "all else of the migration is done; remove such rows, and run it again"
            raise RowError(fault, hint=hint) from error

    # -- Python ---------------------------------------------------------------------------------

    def in_python(self, statement: SQLStatement) -> None:
        assert self.plan is not None
        self.statements.run_python(statement)

    @cached_property
    def statements(self) -> Statements:
        assert self.plan is not None
        program: Any = PythonSteps(
            self.plan.graph.program(self.driver.dialect).plan, self.plan.migration.python_steps
        )
        return Statements(self.driver, self.plan.graph, program)

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


def grouped(steps: Sequence[ScriptStep]) -> list[tuple[str, list[tuple[int, ScriptStep]]]]:
    """The steps that follow each other and are of one kind, each with its number."""

    def kind_of(each: tuple[int, ScriptStep]) -> str:
        kind = each[1].kind
        return "switch" if kind in ("begin", "commit") else kind

    return [(kind, list(group)) for kind, group in itertools.groupby(enumerate(steps, 1), kind_of)]


def index_named(sql: str) -> str:
    """The name of the index that a statement drops."""
    name = sql.split()[-1]
    return unquoted(name)
