"""Alembic: `revision --autogenerate` sees queries that are new, changed and gone.

What it writes are operations with the SQL of each migration in them: ``op.create_maintained_view``,
``op.alter_maintained_view`` and ``op.drop_maintained_view``. So a revision is reviewed like any
other, and stays the same when the query changes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate.render import renderers
from alembic.operations import MigrateOperation, Operations, ops
from alembic.util import PriorityDispatchResult

from stepping.compiler.plan import data
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.dialects.capture import filled, installation
from stepping.dialects.driver import Driver
from stepping.errors import MigrationError, SteppingError
from stepping.maintained import registered
from stepping.released import Read, dropped_last, is_retyped, released
from stepping.runtime import captured, catalog
from stepping.runtime.migrate import MigrationPlan, plan
from stepping.runtime.stores import driver_for
from stepping.runtime.uninstall import removed

OPTION = "stepping_queries"  # of `context.configure`: compiled queries
MANY_ROWS = 100_000
log = logging.getLogger("alembic.autogenerate.stepping")


# -- operations ------------------------------------------------------------------------------------


class QueryOp(MigrateOperation):
    """What is done to an installed query: statements, and those that take it back."""

    what = ""

    def __init__(
        self, name: str, statements: Sequence[str], *, undo: Sequence[str] = (), note: str = ""
    ) -> None:
        self.name, self.statements, self.undo, self.note = name, statements, undo, note


@Operations.register_operation("create_maintained_view")
class CreateMaintainedViewOp(QueryOp):
    """A query is installed, and its results are computed."""

    what = "create"

    @classmethod
    def create_maintained_view(
        cls, operations: Operations, name: str, statements: Sequence[str]
    ) -> Any:
        """Install the query of a name: ``op.create_maintained_view("revenue", [...])``."""
        return operations.invoke(cls(name, statements))

    def reverse(self) -> MigrateOperation:
        return DropMaintainedViewOp(self.name, self.undo, undo=self.statements)

    def to_diff_tuple(self) -> tuple[str, str]:
        return ("add_maintained_view", self.name)


@Operations.register_operation("alter_maintained_view")
class AlterMaintainedViewOp(QueryOp):
    """Another version of a query takes the place of the one that is installed."""

    what = "alter"

    @classmethod
    def alter_maintained_view(
        cls, operations: Operations, name: str, statements: Sequence[str]
    ) -> Any:
        """Migrate the query of a name: ``op.alter_maintained_view("revenue", [...])``."""
        return operations.invoke(cls(name, statements))

    def reverse(self) -> MigrateOperation:
        return AlterMaintainedViewOp(self.name, self.undo, undo=self.statements)

    def to_diff_tuple(self) -> tuple[str, str]:
        return ("modify_maintained_view", self.name)


@Operations.register_operation("drop_maintained_view")
class DropMaintainedViewOp(QueryOp):
    """A query is taken away, with all that it keeps."""

    what = "drop"

    @classmethod
    def drop_maintained_view(
        cls, operations: Operations, name: str, statements: Sequence[str]
    ) -> Any:
        """Uninstall the query of a name: ``op.drop_maintained_view("revenue", [...])``."""
        return operations.invoke(cls(name, statements))

    def reverse(self) -> MigrateOperation:
        return CreateMaintainedViewOp(self.name, self.undo, undo=self.statements)

    def to_diff_tuple(self) -> tuple[str, str]:
        return ("remove_maintained_view", self.name)


def run(operations: Operations, operation: QueryOp) -> None:
    """Run the statements of an operation, or print them."""
    if not operation.statements:
        raise MigrationError(
            f"there is no SQL for the query {operation.name!r} in this revision",
            hint="stepping migrate MODULE:QUERY --db URL writes what can be done",
        )
    context = operations.get_context()
    for each in operation.statements:
        if context.as_sql:
            context.impl.static_output(each.rstrip().removesuffix(";") + ";\n")
        else:
            execute(operations.get_bind(), each)


def execute(connection: Any, statement: str) -> None:
    """Run a statement as it is: a ``%`` in it is a ``%``, and a colon no parameter."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
    finally:
        cursor.close()


def rendered(autogen_context: Any, operation: QueryOp) -> list[str]:
    """An operation as a revision has it: each statement as it is to be read."""
    autogen_context.imports.add("import stepping.revisions  # op.create_maintained_view and others")
    lines = [f"# {line}" for line in operation.note.splitlines()]
    if not operation.statements:
        lines.append("# no SQL is known for this: it fails")
    texts = "".join(f"        {literal(each)},\n" for each in operation.statements)
    return [
        *lines,
        f"op.{operation.what}_maintained_view(\n    {operation.name!r},\n    [\n{texts}    ],\n)",
    ]


def literal(statement: str) -> str:
    """A statement as a Python literal of several lines, which indentation does not change."""
    lines = statement.split("\n")
    if len(lines) == 1:
        return repr(statement)
    inner = "\n".join(
        f"            {line + chr(10)!r}" if i < len(lines) - 1 else f"            {line!r}"
        for i, line in enumerate(lines)
    )
    return f"(\n{inner}\n        )"


for _each in (CreateMaintainedViewOp, AlterMaintainedViewOp, DropMaintainedViewOp):
    Operations.implementation_for(_each)(run)
    renderers.dispatch_for(_each)(rendered)


# -- what has changed ------------------------------------------------------------------------------


def compare_queries(context: Any, upgrade: Any) -> Any:
    """Add what has to be done for the queries of the code to be those that are installed."""
    wanted = wanted_queries(context)
    if wanted is not None:
        with looking(context) as connection:
            if connection is not None:
                Comparison(context, connection, upgrade).compare(wanted)
    return PriorityDispatchResult.CONTINUE


def wanted_queries(context: Any) -> dict[str, Any] | None:
    """The queries that Alembic is to take care of, by name; None where there are none of them."""
    given = context.opts.get(OPTION)
    metadata = context.metadata
    several = metadata if isinstance(metadata, list | tuple) else [metadata]
    views = [view for each in several if each is not None for view in registered(each)]
    if given is None and not views:
        return None
    found = {view.graph.name: view.graph for view in views}
    return found | {each.name: each for each in given or ()}


@contextmanager
def looking(context: Any) -> Iterator[Any]:
    """The connection, in a transaction of which nothing stays: what is asked of a database with
    the tables of the revision is asked of it.
    """
    connection = context.connection
    if connection is None:
        yield None
        return
    began = not connection.in_transaction()
    if began:
        connection.begin()
    execute(connection, "SAVEPOINT stepping_autogenerate")
    try:
        yield connection
    finally:
        execute(connection, "ROLLBACK TO SAVEPOINT stepping_autogenerate")
        execute(connection, "RELEASE SAVEPOINT stepping_autogenerate")
        if began:
            connection.rollback()


@dataclass
class Comparison:
    """Compares the queries of the code with those of a database, on one connection."""

    context: Any
    connection: Any
    upgrade: Any

    @property
    def driver(self) -> Driver:
        return driver_for(self.connection)

    def compare(self, wanted: dict[str, Any]) -> None:
        installed = catalog.all_installed(self.driver) if catalog.queries(self.driver) else {}
        manifests = {name: each.manifest() for name, each in installed.items()}
        every = self.context.opts.get(OPTION) is not None
        gone = [
            each
            for name, each in manifests.items()
            # Queries that are fed by hand are Alembic's only where it is given all of them.
            if name not in wanted and (every or each.capture is not None)
        ]
        read = columns_read(manifests)
        self.warn(read)
        drops = [self.dropped(each) for each in gone]
        drop = self.driver.capturing.release
        if drop:
            self.upgrade.ops[:] = released(self.upgrade.ops, read, drop)
        self.make_tables()
        makes = [self.made(each, manifests.get(each.name)) for each in wanted.values()]
        self.upgrade.ops[:0] = drops
        self.upgrade.ops.extend(each for each in makes if each is not None)
        if drop:
            self.upgrade.ops[:] = dropped_last(self.upgrade.ops, read)

    def dropped(self, manifest: Manifest) -> QueryOp:
        driver = self.driver
        left = [name for name in catalog.queries(driver) if name != manifest.query]
        down = self.installed_again(manifest)
        texts = list(removed(driver, manifest, left))
        for each in texts:
            execute(self.connection, each)
        log.info("Detected removed query %r", manifest.query)
        return DropMaintainedViewOp(manifest.query, texts, undo=down)

    def made(self, graph: Any, old: Manifest | None) -> QueryOp | None:
        made = plan(self.connection, graph, in_batches=False)
        if made.is_nothing:
            return None
        made.check()
        why = made.migration.needs_python
        if why:
            log.warning("The query %r is not in the revision: %s", graph.name, why)
            return None
        down = [each.sql for each in made.undone]
        texts = [each.sql for each in made.migration.statements]
        for each in texts:
            execute(self.connection, each)
        if old is None:
            left = [name for name in catalog.queries(self.driver) if name != graph.name]
            down = list(removed(self.driver, made.migration.new, left))
        log.info("Detected %s query %r", "added" if old is None else "changed", graph.name)
        note = self.note(made)
        cls = CreateMaintainedViewOp if old is None else AlterMaintainedViewOp
        return cls(graph.name, texts, undo=down, note=note)

    def note(self, made: MigrationPlan) -> str:
        capture = made.migration.new.capture
        rows = sum(max(each.rows, 0) for each in made.sizes.values())
        if capture is not None:
            names = [each.table.name for each in capture.inputs if not each.table.schema]
            rows = sum(each.rows for each in self.driver.sizes(names).values())
        if rows < MANY_ROWS:
            return ""
        name = made.migration.new.query
        log.warning("The query %r is filled from %s rows", name, f"{rows:,}")
        return (
            f"{name} is filled from {rows:,} rows, while writers of its tables wait. To do it\n"
            "apart from the revision, take this out and run `stepping migrate`, `stepping apply`."
        )

    def installed_again(self, manifest: Manifest) -> list[str]:
        """What installs a query as it is now, if its plan is in the catalog."""
        text = catalog.stored_text(self.driver, "plan", manifest.query)
        if text is None or manifest.capture is None:
            return []
        try:
            found = data.from_text(text, SQLPlan, "the plan of a query")
        except SteppingError:
            return []
        words = self.driver.capturing
        others = [each for each in captured.readers(self.driver) if each.query != found.query]
        assert found.capture is not None
        texts = [*installation(words, found, others), *filled(words, found).statements]
        return [*found.own_ddl, *texts]

    def make_tables(self) -> None:
        """Do what the revision does to tables, as far as this database can. What it drops stays:
        our own tables may be among them yet, until the plugin that spares them has its turn.
        """
        operations = Operations(self.context.migration_context)
        for each in self.upgrade.ops:
            parts = each.ops if isinstance(each, ops.ModifyTableOps) else [each]
            for part in parts:
                if isinstance(part, ops.DropTableOp | ops.DropIndexOp | ops.DropColumnOp):
                    continue
                execute(self.connection, "SAVEPOINT stepping_table")
                try:
                    operations.invoke(part)
                except Exception:  # what only a batch can do on SQLite, for one
                    execute(self.connection, "ROLLBACK TO SAVEPOINT stepping_table")
                execute(self.connection, "RELEASE SAVEPOINT stepping_table")

    def warn(self, read: Read) -> None:
        """Say which columns that queries read are dropped or retyped."""
        for table in self.upgrade.ops:
            for part in table.ops if isinstance(table, ops.ModifyTableOps) else ():
                what = ""
                if isinstance(part, ops.DropColumnOp):
                    what = "dropped"
                elif is_retyped(part):
                    what = "given another type"
                column = getattr(part, "column_name", "")
                queries = read.get((table.table_name, column))
                if what and queries:
                    log.warning(
                        "The column %s.%s is %s, and is read by %s: change the query in the same "
                        "revision, or take it away before",
                        *(table.table_name, column, what, ", ".join(queries)),
                    )


def columns_read(manifests: dict[str, Manifest]) -> Read:
    """The columns of tables that installed queries read, and which queries these are."""
    read: dict[tuple[str, str], list[str]] = {}
    for manifest in manifests.values():
        for each in manifest.capture.inputs if manifest.capture is not None else ():
            for column in each.columns:
                read.setdefault((each.table.name, column), []).append(manifest.query)
    return read
