"""From what is installed to what is wanted: what becomes of each table, and how it is filled."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from stepping.compiler.lowering.filling import filling
from stepping.compiler.lowering.needs import Filling
from stepping.compiler.lowering.planned import Planned
from stepping.compiler.lowering.recomputing import shadowed
from stepping.compiler.migrate.renaming import likely_renames, renamed_table, with_renames
from stepping.compiler.migrate.standing import Candidate, Installed
from stepping.compiler.plan.changes import (
    Fate,
    TableChange,
    table_changes,
    views_gone,
    views_made,
)
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.migration import (
    FilledFrom,
    Hints,
    Migration,
    MigrationStatement,
    Phase,
    Underivable,
    changes_shown,
)
from stepping.compiler.plan.shown import ShownChange
from stepping.compiler.plan.sql_plan import Role, SQLPlan
from stepping.compiler.plan.statements import Statement
from stepping.compiler.plan.tables import Table
from stepping.compiler.schema import Kind, bounded, within_optional
from stepping.errors import MigrationError

STEPS_IN_PYTHON = (Role.PYTHON, Role.FOLD)


@dataclass
class Migrating:
    """Makes one migration."""

    made_at_once: ClassVar[frozenset[Fate]] = frozenset({Fate.NEW, Fate.REBUILT})

    planned: Planned
    plan: SQLPlan
    old: Manifest | None
    others: Sequence[Manifest]
    hints: Hints

    def __post_init__(self) -> None:
        self.dialect = self.planned.dialect
        self.words = self.dialect.migrations
        wanted, renames = self.plan.manifest, self.hints.renames
        self.changes = table_changes(self.old, wanted, self.dialect.is_same_table)
        if self.old is not None and renames:
            self.changes = with_renames(self.changes, self.old, wanted, renames, self.dialect)
        self.suggested = likely_renames(self.old, wanted, renames) if self.old is not None else ()
        self.statements: list[MigrationStatement] = []
        self.phase = Phase.SWITCH  # of what is added

    @property
    def standing(self) -> list[Manifest]:
        """What is installed, of this query and of others."""
        return [each for each in (self.old, *self.others) if each is not None]

    # -- hints ----------------------------------------------------------------------------------

    def check_hints(self) -> None:
        inputs = {each.name: each for each in self.plan.inputs}
        for name in self.hints.backfill:
            if name not in inputs:
                raise MigrationError(
                    f"backfill names {name!r}, which is no input of {self.plan.query!r}",
                    hint=f"its inputs are {', '.join(inputs)}",
                )
        for name, query in self.hints.shares.items():
            other = next((each for each in self.others if each.query == query), None)
            if name not in inputs or other is None or other.input_named(name) is None:
                known = ", ".join(f"{name}={q}" for name in inputs for q in self.with_input(name))
                raise MigrationError(
                    f"shares has {name}={query}, and both queries must have an input {name}",
                    hint=f"there are {known}" if known else "no other query has one of its inputs",
                )
            if other.capture is not None:
                raise MigrationError(
                    f"shares has {name}={query}, whose inputs are tables of the database",
                    hint=f'give the rows: backfill={{"{name}": "SELECT ..."}}',
                )
        stored = [] if self.old is None else self.old.inputs
        fields = {f"{each.row}.{c.path[0]}" for each in stored for c in each.columns if c.path}
        for old in self.hints.renames:
            if old not in fields and old not in {each.name for each in stored}:
                raise MigrationError(
                    f"renames has {old!r}, and nothing of that name is installed",
                    hint=f"there are {', '.join(sorted(fields))}",
                )

    def with_input(self, name: str) -> list[str]:
        """Other queries with an input of a name, which may be another one or the same."""
        named = (each for each in self.others if each.capture is None)
        return [each.query for each in named if each.input_named(name) is not None]

    def maybe_shared(self, name: str) -> str:
        """Behind what is said of an input without rows: who may have them."""
        found = self.with_input(name)
        if not found or name in self.hints.shares:
            return ""
        return (
            f"; {found[0]} has an input of that name: if both are given the same rows, say "
            f"--shares {name}={found[0]}"
        )

    # -- the whole ------------------------------------------------------------------------------

    def migration(self) -> Migration:
        new = self.plan.manifest
        found = self.installed()
        filled = self.filling(found)
        if filled.missing:
            missing = tuple(
                Underivable(
                    each.operator.label,
                    each.columns,
                    found.why.get(each.operator.label, each.why)
                    + self.maybe_shared(each.operator.label),
                    each.blocks,
                )
                for each in filled.missing
            )
            return Migration(
                *(self.plan.query, self.plan.dialect, self.old, new, self.changes, (), (), missing),
                suggested=self.suggested,
            )
        self.open(found)
        self.make_tables()
        given = self.fill(filled)
        self.switch()
        self.drop()
        return self.done(found, given, self.planned.scheduler.python_steps)

    def done(
        self, found: Installed, given: dict[str, Table], python_steps: Sequence[Any], **more: Any
    ) -> Migration:
        texts = [each.sql for each in self.statements]
        sources = [*found.found.values()]
        sources += (
            FilledFrom(name, "", "", f"a new input: it has no rows yet{self.maybe_shared(name)}")
            for name in sorted(self.empty())
        )
        sources += (
            FilledFrom(name, "", "", "from the SELECT that was given" if sql else "from Python")
            for name, sql in self.hints.backfill.items()
        )
        return Migration(
            self.plan.query,
            self.plan.dialect,
            self.old,
            self.plan.manifest,
            self.changes,
            tuple(self.statements),
            tuple(sources),
            (),
            self.dialect.registered_in(texts),
            given,
            tuple(python_steps),
            suggested=self.suggested,
            features=self.hints.features,
            **more,
        )

    def installed(self) -> Installed:
        """The installed tables that rows can be read from while others are filled."""
        kept = self.kept_tables()
        candidates = []
        for manifest in (self.old, *self.others):
            for each in () if manifest is None else manifest.tables:
                assert manifest is not None
                table, name = each.table, each.table.name
                if manifest is self.old:
                    table = kept.get(name, table)
                shared = None if manifest is self.old else self.shared_with(manifest)
                candidates.append(Candidate(table, manifest, name, shared))
        return Installed(candidates, self.hints.renames)

    def shared_with(self, other: Manifest) -> frozenset[str]:
        """The inputs that are those of another query as well."""
        return frozenset(name for name, q in self.hints.shares.items() if q == other.query)

    def kept_tables(self) -> dict[str, Table]:
        """The query's tables as they are when others are filled, by the names that they had."""
        tables = {}
        for change in self.changes:
            if change.old is None or change.new is None:
                continue
            if change.fate in (Fate.RENAMED, Fate.REBUILT):
                moved = dataclasses.replace(change.old.table, name=change.new.table.name)
                tables[change.old.table.name] = change.new.table if change.columns else moved
        return tables

    def empty(self) -> frozenset[str]:
        """Inputs that are new, and so have no rows."""
        known = {each.name for each in (self.old.inputs if self.old else ())}
        known |= set(self.hints.shares)
        known = {self.hints.renames.get(name, name) for name in known} | known
        names = {each.name for each in self.plan.inputs}
        return frozenset(names - known - set(self.hints.backfill))

    @property
    def new(self) -> set[str]:
        """The tables that are made, and filled."""
        return {
            change.new.table.name
            for change in self.changes
            if change.new is not None and change.fate is Fate.NEW
        }

    def check_read(self, found: Installed) -> None:
        """Raise if rows are given that nothing needs: what is there might say something else."""
        if not self.hints.backfill:
            return
        moved = shadowed(self.planned, set())
        without = filling(moved, self.new, found.find, empty=self.empty(), begun=self.begun)
        needed = {each.operator.label for each in without.missing}
        unread = [name for name in self.hints.backfill if name not in needed]
        if unread:
            raise MigrationError(
                f"backfill says where the rows of {', '.join(unread)} come from, and they would "
                "not be read: what is new is filled from tables that are there",
                hint="leave it out",
            )

    def filling(self, found: Installed) -> Filling:
        self.check_read(found)
        self.planned = shadowed(self.planned, set())  # changes apart from those of steps
        given = frozenset(self.hints.backfill)
        made = filling(self.planned, self.new, found.find, given, self.empty(), self.begun)
        for operator, table in made.looked_up.items():
            found.looked_up(operator, table)
        return made

    @property
    def begun(self) -> str:
        """The query as it is installed, if its first step, with its results, may be to come.

        Then what is kept lacks them, as what is filled has to, until that step brings all.
        """
        return self.old.query if self.old is not None and self.old.starts else ""

    # -- the statements -------------------------------------------------------------------------

    def add(self, sql: str, note: str, **more: Any) -> None:
        self.statements.append(MigrationStatement(self.phase, sql, note, **more))

    def open(self, found: Installed) -> None:
        for change in self.changes:
            if change.fate in (Fate.INDEXED, Fate.RENAMED) and change.old and change.new:
                old = renamed_table(change.old, change.columns, self.dialect)
                self.statements += self.words.indexes(old, change.new)
        # Where all others follow tables there are no tables for steps.
        if all(each.capture is not None for each in self.standing):
            for text in self.plan.own_ddl:
                self.add(text, "our own tables, if they are not there")
        for name in (each for each in self.hints.wanted if each not in self.hints.features):
            for text in self.dialect.feature_ddl(name):
                self.add(text, "our own tables, of a feature that was asked for")
        self.keep_out(found)

    def keep_out(self, found: Installed, *, settled: bool = True) -> None:
        """Keep steps out, and fail if what is installed is not what this was written for."""
        query, old = self.plan.query, self.old
        own = () if old is None else old.kept
        read = [f for f in found.found.values() if f.table and f.table not in own]
        locks = self.words.lock(query, sorted({*own, *(f.table for f in read)}))
        self.statements += (dataclasses.replace(each, phase=self.phase) for each in locks)
        says = f"this script is for {query} as it was when it was written, and another is installed"
        if old is None:
            says = f"{query} is installed already"
        fingerprint = None if old is None else old.fingerprint
        for text in self.words.guard(query if old is None else old.query, fingerprint, says):
            self.add(text, "nothing happens unless it is what the script was written for")
        if self.phase is Phase.SWITCH:
            self.half_done()
        of = {*(f.query for f in read)} | ({old.query} if old is not None else set())
        fed = [each for each in self.standing if each.query in of and each.capture is None]
        for each in sorted(fed, key=lambda each: each.query) if settled else ():
            for text in self.words.settled(each.query, each.kept):
                self.add(text, "tables of which some are ahead of others say nothing")
        misread = old.misread(self.plan.manifest) if old is not None and settled else ()
        there = self.hints.features
        for text in self.words.drained(old.query, there) if old is not None and misread else ():
            self.add(text, f"a queued change holds rows of {', '.join(misread)} as they were")

    def half_done(self) -> None:
        """Fail if new tables may be there already, filled in part."""
        for text in self.words.nothing_half_done():
            self.add(text, "another way of doing it may have been begun")

    def make_tables(self) -> None:
        self.statements += self.words.before_shown(self.shown)
        for view in views_gone(self.changes):
            if view.table.name not in self.shown_names:
                self.statements.append(self.words.drop_view(view))
        for change in self.changes:
            if change.fate is Fate.RENAMED and change.old and change.new:
                self.statements += renaming(change, self.dialect)
            if change.fate is Fate.REBUILT and change.old and not has_room(change):
                name = aside(change.old.table.name)
                self.statements += self.words.aside(change.old, name)
            if change.new is not None and change.fate in self.made_at_once:
                table = change.new.table
                self.make(table, change.new.ddl)
            if change.old and change.new and change.fate not in (Fate.NEW, Fate.REBUILT):
                self.statements += self.words.comments(change.old, change.new)
                self.statements += self.words.ranges(change.old.table, change.new.table)

    @property
    def shown(self) -> tuple[ShownChange, ...]:
        """The relations that are made anew, or go."""
        return shown_anew(self.changes, self.old, self.plan.manifest)

    @property
    def shown_names(self) -> set[str]:
        return {name for each in self.shown for name in (each.was, *each.both, *each.gone)}

    def make(self, table: Table, ddl: Sequence[str], **more: Any) -> None:
        note = f"{table.reason}; for {table.serves} ({table.where})"
        for text in ddl:
            lock = "none: nobody has it yet"
            self.add(text, note, lock=lock, ignore=ignored(text), **more)

    def fill(self, filled: Filling) -> dict[str, Table]:
        given = {}
        for table in filled.temporary:
            for text in self.words.temporary(table):
                note = "holds rows until the new tables are filled"
                self.add(text, note, ignore=ignored(text))
        for name, table in filled.given.items():
            sql = self.hints.backfill[name]
            if sql is None:
                given[name] = table
                self.add("", f"the rows of {name} that Python gives", given=name)
            else:
                self.select(name, table, sql)
        self.copy()
        self.run(filled.statements)
        for table in filled.temporary:
            for text in self.words.drop_temporary(table.name):
                self.add(text, "is needed no longer")
        return given

    def select(self, name: str, table: Table, sql: str) -> None:
        """The rows of an input from a SELECT."""
        packed = [each.name for each in table.columns if each.type.kind is Kind.PACKED]
        if packed:
            raise MigrationError(
                f"a SELECT cannot give {', '.join(packed)} of {name}: a collected value",
                hint="give rows from Python: st.plan(..., backfill={...: rows}).apply()",
            )
        schema = next(each.schema for each in self.planned.inputs if each.label == name)
        words = self.words.backfill
        for text in words.session:
            self.add(text, "values are read as text, to be checked")
        given = words.given(self.words.delta(table), table, within_optional(schema), sql, name)
        self.add(given, f"the rows of {name} that were given, each value checked")

    def copy(self) -> None:
        for change in self.changes:
            if change.fate is Fate.REBUILT and change.old and change.new:
                old = change.old.table.name
                old = old if has_room(change) else aside(old)
                sql = self.words.copy(change.new.table, old)
                self.add(sql, "the same rows in another form", scans=old)

    def run(self, statements: Sequence[Statement]) -> None:
        for statement in statements:
            for text in self.dialect.render(statement):
                if text.role is Role.CHECK:
                    continue
                program = text if text.role in STEPS_IN_PYTHON else None
                note = f"fills what {text.operator} ({text.where}) keeps"
                self.add(text.sql, note, program=program)

    def switch(self) -> None:
        for view in views_made(self.changes):
            self.statements.append(self.words.view(view))
        self.statements += self.words.after_shown(self.shown)
        followed = self.old is None or self.old.capture is not None  # then it had no steps
        old_names = () if self.old is None or followed else self.old.kept
        renamed = {
            change.old.table.name: change.new.table.name
            for change in self.changes
            if change.fate is Fate.RENAMED and change.old and change.new
        }
        for text in self.words.clocks(old_names, self.plan.kept, renamed):
            self.add(text, "where each table stands")
        if self.old is None:
            self.add(self.plan.install[-1], "what is installed")
            if self.plan.first is not None:
                text = f"name = {self.words.literal(self.plan.query)}"
                self.add(
                    f"UPDATE stepping_queries SET started = TRUE WHERE {text}",  # noqa: S608
                    "its first step has been",
                )
            return
        if self.old.query != self.plan.query:
            for text in self.words.renamed(self.old.query, self.plan.query, self.hints.features):
                self.add(text, "what else is known of the query")
        text = self.words.installed(
            self.old.query,
            self.plan.manifest.row,
            self.plan.first is not None and not self.begun,
        )
        self.add(text, "what is installed; processes with the version before fail from here on")

    def drop(self) -> None:
        for change in self.changes:
            if change.old is None:
                continue
            name = change.old.table.name
            if change.fate is Fate.DROPPED:
                self.statements.append(self.words.drop(name, f"nothing needs {name} any longer"))
            if change.fate is Fate.REBUILT:
                name = name if has_room(change) else aside(name)
                self.statements.append(self.words.drop(name, "its rows stand elsewhere"))


def shown_anew(
    changes: Sequence[TableChange], old: Manifest | None, new: Manifest
) -> tuple[ShownChange, ...]:
    """The relations of readers whose views are made anew, or go."""
    gone = {view.table.name for view in views_gone(changes)}
    shown = changes_shown(old, new)
    return tuple(each for each in shown if gone & {each.was, *each.both, *each.gone})


def renaming(change: TableChange, dialect: Any) -> list[MigrationStatement]:
    """The statements that give a table, its columns and its indexes other names."""
    assert change.old is not None
    assert change.new is not None
    words, name = dialect.migrations, change.old.table.name
    columns = [words.rename_column(name, a, b) for a, b in change.columns]
    old = renamed_table(change.old, change.columns, dialect)
    return [*columns, *words.rename(old, change.new)]


def ignored(sql: str) -> tuple[str, ...]:
    """The rules of squawk that a statement breaks on purpose.

    A datetime may be naive; and what is dropped is what nobody needs.
    """
    rules = {
        "TIMESTAMP WITHOUT": "prefer-timestamp-tz",
        "DROP TABLE": "ban-drop-table",
        "DROP FUNCTION": "ban-drop-function",
        "DROP VIEW": "ban-drop-view",
    }
    return tuple(rule for words, rule in rules.items() if words in sql)


def has_room(change: TableChange) -> bool:
    """Whether a table that is written anew can be made beside the old one, by their names."""
    assert change.old is not None
    assert change.new is not None
    return change.old.table.name != change.new.table.name


def aside(name: str) -> str:
    """What a table is called while its rows are written in another form."""
    return bounded(f"{name}__old")
