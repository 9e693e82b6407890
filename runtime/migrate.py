"""st.plan: the migration from what is installed in a database to a query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from stepping.compiler.plan.changes import Fate
from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.migration import Hints, Migration, MigrationStatement, Phase
from stepping.compiler.plan.script import Meta, ScriptStep, script_text, steps_of
from stepping.compiler.plan.sql_plan import Role, SQLStatement
from stepping.compiler.plan.statistics import TableSize
from stepping.compiler.plan.tables import Table
from stepping.dialects.batches import DEFAULT_ROWS
from stepping.dialects.driver import Driver
from stepping.dialects.features import features_of
from stepping.errors import MigrationError
from stepping.runtime import catalog
from stepping.runtime.apply import Done, Runner
from stepping.runtime.filling import HalfDone, half_done, installation_text
from stepping.runtime.occupied import check_free
from stepping.runtime.stores import driver_for
from stepping.runtime.summary import (
    BY_NAME,
    IN_THE_WAY,
    STAYS,
    Reading,
    going_back,
    queued_lines,
    summary_of,
)

IN_BATCHES_FROM = 100_000  # rows that are read
Backfill = Mapping[str, "str | Iterable[Any]"]


@dataclass(frozen=True)
class MigrationPlan:
    """What `plan` returns: what would be done, as a text and as scripts, and the doing of it."""

    migration: Migration
    version: int  # of the query, once it is done
    driver: Driver = field(repr=False)
    graph: AnyGraph = field(repr=False)
    rows: Mapping[str, Iterable[Any]] = field(default_factory=dict, repr=False)
    undone: tuple[MigrationStatement, ...] = field(default=(), repr=False)
    not_undone: str = ""  # why there is no way back
    sizes: Mapping[str, TableSize] = field(default_factory=dict)
    half_done: HalfDone | None = None
    queued: int = 0  # how many changes wait in the queue
    features: tuple[str, ...] = ()  # whose tables are made if they are not there
    half_installed: str = ""  # how far it is that a captured query is being installed

    @property
    def misread(self) -> tuple[str, ...]:
        """Inputs with rows of another form: what is queued must be drained before."""
        old = self.migration.old
        return () if old is None else old.misread(self.migration.new)

    @property
    def kept(self) -> tuple[str, ...]:
        """Tables that stay, with their rows."""
        return self.migration.named(Fate.KEPT, Fate.INDEXED)

    @property
    def new(self) -> tuple[str, ...]:
        """Tables that are made, and filled."""
        return self.migration.named(Fate.NEW, Fate.REBUILT)

    @property
    def renamed(self) -> tuple[str, ...]:
        """Tables that stay with their rows, and get another name, or columns that do: by that."""
        return self.migration.named(Fate.RENAMED)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Tables that go."""
        return self.migration.named(Fate.DROPPED)

    @property
    def is_nothing(self) -> bool:
        """Whether what is installed is what is wanted."""
        return self.migration.is_nothing

    @cached_property
    def summary(self) -> str:
        """What a reviewer has to know, for a person to read."""
        made = summary_of(self.migration, self.version, self.sizes, self.not_undone, self.readings)
        lines = [made]
        if self.migration.new.capture is None:
            lines += queued_lines(self.queued, self.misread, self.version)
        if self.half_done is not None:
            lines.append(str(self.half_done))
        if self.half_installed:
            lines.append(self.half_installed)
        return "\n".join(lines)

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """What the application has made of the relations that are made anew, or go."""
        found = []
        changes = () if self.is_nothing else self.migration.shown
        wider = (each for each in changes if each.is_wider)
        stay = [name for each in wider for name in ((each.was,) if each.was else each.both)]
        go = [n for each in changes for n in each.names_before if n not in stay]
        for names, goes in ((go, True), (stay, False)):
            with self.driver.reading():
                read = self.driver.capturing.readers(self.driver.read, names)
            becomes = IN_THE_WAY if self.driver.capturing.keeps_what_is_read else BY_NAME
            becomes = becomes if goes else STAYS
            found += [Reading(*each, tuple(names), becomes) for each in read]
        return tuple(found)

    @property
    def up_sql(self) -> str:
        """The script that does it. Raises `MigrationError` where SQL alone cannot."""
        self.check()
        why = self.migration.needs_python
        if why:
            raise MigrationError(
                f"no script can do this migration: {why}",
                hint="run it from the application's code: stepping migrate ... --apply, "
                "or st.plan(...).apply()",
            )
        return script_text(self.meta("up"), self.summary, self.steps)

    @property
    def down_sql(self) -> str:
        """The script that goes back to the version before; where there is no way, it says why."""
        self.check()
        old, new = self.migration.old, self.migration.new
        words = self.words
        summary = f"{new.query}: back to version {self.version - 1}"
        statements = self.undone
        if self.not_undone:
            summary += f"\nThere is no way back: {self.not_undone}."
            says = f"there is no way back: {self.not_undone}"
            statements = tuple(
                MigrationStatement(Phase.SWITCH, text, "there is no way back")
                for text in words.guard(new.query, "nothing", says)
            )
        if old is None:
            summary = f"{new.query}: taken away with its tables"
        elif not self.not_undone:
            summary = "\n".join((summary, *(f"  {line}" for line in going_back(self.migration))))
        steps = steps_of(statements, words.opening(), words.begin())
        return script_text(self.meta("down"), summary, steps)

    @property
    def what(self) -> str:
        """A few words for the name of a file."""
        tables = {fate: self.migration.named(fate) for fate in Fate}
        new = (*self.migration.new_views, *tables[Fate.NEW])
        gone = (*self.migration.gone_views, *tables[Fate.DROPPED])
        if self.migration.old is None:
            return "install"
        verb, named = ("add", new) if new and not gone else ("drop", gone)
        if new and gone:
            verb, named = "change", new
        elif tables[Fate.RENAMED]:
            verb, named = "rename", ()
        elif tables[Fate.INDEXED] or tables[Fate.REBUILT]:
            verb, named = "index", (*tables[Fate.INDEXED], *tables[Fate.REBUILT])
        roles = [re.sub(r"_([0-9a-f]{6}|[0-9]+)$", "", name.partition("__")[2]) for name in named]
        return re.sub(r"\W+", "_", "_".join([verb, *roles[:1]])).lower()[:60]

    def apply(
        self, progress: Callable[[Done], None] | None = None, *, batch_rows: int = DEFAULT_ROWS
    ) -> None:
        """Do it, on this connection. Raises `MigrationError`, and then nothing was done.

        What is filled in batches of ``batch_rows`` is kept if it fails: called again, it goes on.
        """
        self.check()
        self.driver.check_schema()
        in_the_way = [str(each) for each in self.readings if each.becomes == IN_THE_WAY]
        if in_the_way:
            raise MigrationError(
                "\n  ".join(["relations have to be dropped that others read:", *in_the_way]),
                hint="nothing was done",
            )
        old = self.migration.old
        if old is not None and self.misread and (found := waiting(self.driver, old)):
            raise MigrationError(
                f"{found} changes of {old.query} wait in the queue, with rows of "
                f"{', '.join(self.misread)} as they were; nothing was done",
                hint=f"drain them first, with version {self.version - 1}: stepping drain",
            )
        self.driver.register(self.migration.registered)
        Runner(self.driver, progress, self, batch_rows).run(self.meta("up"), self.steps)
        self.remember()

    def remember(self) -> None:
        """Store the plan beside what is installed now, as a store that is opened does."""
        if self.graph.captured is not None:
            from stepping.runtime import captured

            captured.remember(self.driver, self.graph)
            return
        dialect, negative = self.driver.dialect, self.migration.new.allow_negative
        catalog.remember(
            self.driver,
            self.graph.program(dialect, allow_negative=negative).plan,
            self.graph.plan_key(dialect, allow_negative=negative),
            lambda: self.graph.recompute(dialect, allow_negative=negative)[0],
        )

    def check(self) -> None:
        """Raise if rows that are needed are nowhere."""
        missing = self.migration.underivable
        if missing:
            lines = [
                f"{each.input} ({', '.join(each.columns)}): {each.why}; needed for "
                f"{', '.join(each.blocks)}"
                for each in missing
            ]
            names = ", ".join(f'"{each.input}": "SELECT ..."' for each in missing)
            same = "".join(
                f"is {gone} called {come} now? Then say so: renames={{{gone!r}: {come!r}}}, or "
                f"--rename {gone}={come}. Else "
                for gone, come in self.migration.suggested
            )
            raise MigrationError(
                "what is stored does not say what the new tables hold:\n  " + "\n  ".join(lines),
                hint=f"{same}say where it is: backfill={{{names}}}, or --backfill on the command "
                "line; or rows from Python",
            )
        if self.is_nothing:
            raise MigrationError(
                f"nothing to do: {self.migration.query} is installed as it is wanted",
                hint="stepping migrate writes a script when the query has changed",
            )

    # -- parts ----------------------------------------------------------------------------------

    @property
    def words(self) -> Any:
        from stepping.dialects import get_dialect

        return get_dialect(self.migration.dialect).migrations

    @property
    def steps(self) -> list[ScriptStep]:
        words = self.words
        begins = words.begin(), words.batches.begin()
        return steps_of(self.migration.statements, words.opening(), *begins)

    def loading(self, table: Table) -> SQLStatement:
        """The statement that loads rows from Python into a delta table."""
        from stepping.dialects import get_dialect

        one, bulk, rows = get_dialect(self.migration.dialect).stage_text(table)
        return SQLStatement(
            Role.STAGE, one, "", "", columns=table.columns, bulk_sql=bulk, bulk_rows=rows
        )

    def meta(self, direction: str) -> Meta:
        old, new = self.migration.old, self.migration.new
        ends = ("" if old is None else old.query, "" if old is None else old.fingerprint)
        if direction == "up":
            installed_as, staged = ends[0] or new.query, self.migration.staged
            return Meta(
                new.query,
                new.dialect,
                direction,
                installed_as,
                ends[1],
                new.fingerprint,
                staged,
            )
        query = ends[0] or new.query
        return Meta(query, new.dialect, direction, new.query, new.fingerprint, ends[1])


def plan(
    store_or_connection: Any,
    graph: AnyGraph,
    *,
    renames: Mapping[str, str] | None = None,
    renamed_from: str | None = None,
    backfill: Backfill | None = None,
    allow_negative: bool = False,
    in_batches: bool | None = None,
    shares: Mapping[str, str] | None = None,
    before: Sequence[MigrationPlan] = (),
    features: Iterable[str] = (),
) -> MigrationPlan:
    """What has to be done in a database for a query to run on it. Changes nothing.

    ``renames`` says what fields and inputs were called before, ``{"Product.price": "cost"}``,
    ``renamed_from`` what the query was called. ``backfill`` says where the rows of an input come
    from where no table has them: a SELECT that names the input's columns, or rows from Python.
    ``shares`` names another query, ``{"products": "receipts"}``, for an input that is given the
    very rows that the input of the same name is given there: what is new is filled from its tables.
    ``in_batches``: whether new tables are filled in batches while writers go on, or in the one
    transaction; None: in batches where 100,000 rows or more are read. ``before`` are plans of other
    queries that are run before this one: scripts of several are then written at once. ``features``
    are those whose tables are made with it: see `from_graph`.
    """
    driver: Driver = getattr(store_or_connection, "driver", None) or driver_for(store_or_connection)
    driver.check_schema()
    graph = graph.bound(lambda: driver.database)
    wanted = features_of(graph.name, features, follows=graph.captured is not None)
    found = catalog.queries(driver)
    name = renamed_from or graph.name
    if renamed_from is not None and renamed_from not in found:
        known = ", ".join(found) or "none"
        raise MigrationError(
            f"renamed_from names {renamed_from!r}, which is not installed",
            hint=f"installed are: {known}",
        )
    if renamed_from is not None and graph.name in found:
        raise MigrationError(
            f"{graph.name!r} is installed as well as {renamed_from!r}",
            hint="leave renamed_from out",
        )
    for each in found.values():
        if each.dialect != driver.dialect:
            raise MigrationError(f"{each.query!r} is installed for {each.dialect}")
    old = found[name].manifest() if name in found else None
    if old is not None:
        catalog.check_tables(driver, old)
        graph = graph.named_as(old.tables, old.query)
    others = [each.manifest() for each in found.values() if each.query != name]
    given = backfill or {}
    selects = {k: v if isinstance(v, str) else None for k, v in given.items()}
    begun = half_done(driver)
    if in_batches is None and begun is not None:
        in_batches = True
    if graph.captured is not None:
        from stepping.runtime import migrate_captured

        beside = catalog.half_installed(driver, graph.name)
        if beside is not None:
            in_batches = True

        found_for = migrate_captured.migration(
            driver, graph, old, given, [each.migration.new for each in before], in_batches
        )
        version = found[name].version + 1 if name in found else 1
        told = "" if beside is None else installation_text(driver, beside)
        sizes = driver.sizes(sorted({each.table for each in found_for[0].filled_from}))
        return MigrationPlan(
            found_for[0],
            version,
            driver,
            graph,
            {},
            *found_for[1:],
            sizes=sizes,
            half_installed=told,
        )
    if old is not None and old.capture is not None:
        in_batches = False  # what is filled is what the tables have when they are no more followed
    there = driver.features.there()
    hints = Hints(renames or {}, selects, bool(in_batches), shares or {}, there, wanted)
    made = graph.migration(driver.dialect, old, others, hints, allow_negative=allow_negative)
    if old is not None and made.moved:
        graph = graph.named_as(old.tables, old.query, made.moved)
        made = graph.migration(driver.dialect, old, others, hints, allow_negative=allow_negative)
    sizes = driver.sizes(sorted({each.table for each in made.filled_from if each.table}))
    if in_batches is None and sum(each.rows for each in sizes.values()) >= IN_BATCHES_FROM:
        hints = replace(hints, in_batches=True)
        made = graph.migration(driver.dialect, old, others, hints, allow_negative=allow_negative)
    recompute = catalog.stored_recompute(driver, name) if old is not None else None
    if not made.is_nothing and begun is None:
        check_free(driver, made.new, old)
    undone, why = graph.undo(made, recompute, hints.renames)
    if old is not None and old.capture is not None and not made.is_nothing:
        from stepping.runtime import captured, migrate_captured

        followers = captured.uppers(driver, old.query)
        if followers:
            raise MigrationError(
                f"the results of {old.query!r} are read by the query {followers[0]!r}, and those "
                "of a query that is fed cannot be followed",
                hint=f"uninstall {', '.join(followers)} first",
            )
        later = [each.migration.new for each in before]
        made = replace(made, statements=migrate_captured.fed_from_now_on(driver, made, later))
        undone, why = (), "the version before follows tables: apply what its code says"
    return MigrationPlan(
        made,
        found[name].version + 1 if name in found else 1,
        driver,
        graph,
        {k: v for k, v in given.items() if not isinstance(v, str)},
        undone,
        why,
        sizes,
        begun,
        waiting(driver, old),
        wanted,
    )


def waiting(driver: Driver, old: Manifest | None) -> int:
    """How many queued changes wait."""
    return 0 if old is None else driver.queue.count(old.query)
