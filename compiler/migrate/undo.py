"""The way back: the tables of the version before, filled from what is there then.

Only what is in the catalog is known of that version: its tables, and how they are computed from
the inputs that it stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stepping.compiler.lowering.meaning import StorageDigests
from stepping.compiler.lowering.planned import Planned
from stepping.compiler.lowering.recomputing import standing_in
from stepping.compiler.lowering.relation_sql import RelationSQL
from stepping.compiler.lowering.terms import Standing, seen_through, whole_of
from stepping.compiler.migrate.diff import STEPS_IN_PYTHON, aside, has_room, ignored, renaming
from stepping.compiler.migrate.renaming import renamed_table
from stepping.compiler.plan.changes import Fate, TableChange, views_gone, views_made
from stepping.compiler.plan.manifest import Manifest, SQLTable
from stepping.compiler.plan.migration import Migration, MigrationStatement, Phase, changes_shown
from stepping.compiler.plan.recompute import Based, Recompute
from stepping.compiler.plan.shown import ShownChange
from stepping.compiler.plan.tables import Table


def undo_of(
    migration: Migration,
    recompute: Recompute | None,
    renames: Mapping[str, str],
    planned: Planned,
) -> tuple[tuple[MigrationStatement, ...], str]:
    """The statements that go back, and why there are none if there are none."""
    made = Undo(migration, recompute, renames, planned)
    why = made.why_not()
    return ((), why) if why else (made.made(), "")


@dataclass(frozen=True)
class Restored:
    """A dropped table, how it is filled, and the rows of its operator, which a table now has."""

    based: Based
    rows: str  # a SELECT of them


@dataclass
class Undo:
    """Makes the way back of one migration."""

    migration: Migration
    recompute: Recompute | None
    renames: Mapping[str, str]
    planned: Planned  # the version that is gone back from

    def __post_init__(self) -> None:
        self.dialect = self.planned.dialect
        self.words = self.dialect.migrations
        self.statements: list[MigrationStatement] = []
        self.dropped = [
            c.old for c in self.migration.changes if c.fate is Fate.DROPPED and c.old is not None
        ]
        based = {} if self.recompute is None else {b.table: b for b in self.recompute.based}
        self.restored = {
            table.table.name: Restored(based[table.table.name], rows)
            for table in self.dropped
            if table.table.name in based
            for rows in [self.rows_of(table.table, based[table.table.name])]
            if rows
        }

    # -- whether --------------------------------------------------------------------------------

    def why_not(self) -> str:
        if self.migration.old is None or not self.dropped:
            return ""
        if self.recompute is None:
            return "how its tables are computed is not in the catalog; no store was opened on it"
        known = {each.table for each in self.recompute.compared} | set(self.restored)
        lost = [t.table.name for t in self.dropped if t.table.name not in known]
        if lost:
            return f"nothing has the rows of {', '.join(sorted(lost))} any longer"
        run = [each for found in self.restored.values() for each in found.based.statements]
        run += self.recompute.only(self.computed).statements
        if any(each.role in STEPS_IN_PYTHON for each in run):
            return "rows have to go through Python steps of the version before"
        if self.dialect.registered_in([each.sql for each in run]):
            return "it uses functions that only stepping registers"
        return ""

    @property
    def computed(self) -> set[str]:
        """The dropped tables that are computed from others."""
        return {table.table.name for table in self.dropped} - set(self.restored)

    def rows_of(self, table: Table, based: Based) -> str:
        """The rows that a dropped table was made of, from a table that has them now."""
        found = self.renamed(table, based) if table.input else None
        found = found or self.same(based)
        if found is None:
            return ""
        term = seen_through(whole_of(found.table, "t"), found.columns)
        outputs = [(name, term.columns[name]) for name in based.reads]
        sql = RelationSQL(self.dialect, self.planned.arrangements)
        return self.dialect.text(sql.rows([(term, outputs)], based.weight))

    def same(self, based: Based) -> Standing | None:
        """Where the very rows are, of the operators that there are now."""
        read, meanings = frozenset(based.reads), StorageDigests()
        for operator, each in self.planned.arrangements.delay.items():
            known = read <= set(operator.schema.names)
            if known and meanings.of(operator, read).hex() == based.rows:
                standing = standing_in(each, read)
                if standing is not None:
                    return standing
        return None

    def renamed(self, table: Table, based: Based) -> Standing | None:
        """The rows of an input, whose name may be another now, as may those of its fields."""
        old = self.migration.old
        name = self.renames.get(table.input, table.input)
        stored = None if old is None else old.input_named(table.input)
        now = self.migration.new.input_named(name)
        if stored is None or now is None:
            return None
        was = {column.name: column for column in stored.columns}
        is_called = {column.path: column for column in now.columns}
        names = {}
        for read in based.reads:
            path = was[read].path
            if path:  # a plain value has none
                path = (self.renames.get(f"{stored.row}.{path[0]}", path[0]), *path[1:])
            column = is_called.get(path)
            if column is None or column.type != was[read].type:
                return None
            names[read] = column.name
        for operator, each in self.planned.arrangements.delay.items():
            if operator.inputs or operator.label != name:
                continue
            standing = standing_in(each, frozenset(names.values()))
            if standing is not None:
                columns = {read: standing.columns[of] for read, of in names.items()}
                return Standing(standing.table, columns)
        return None

    # -- how ------------------------------------------------------------------------------------

    def add(self, sql: str, note: str, **more: Any) -> None:
        self.statements.append(MigrationStatement(Phase.SWITCH, sql, note, **more))

    def made(self) -> tuple[MigrationStatement, ...]:
        old, new = self.migration.old, self.migration.new
        for change in self.migration.changes:
            if change.fate in (Fate.INDEXED, Fate.RENAMED) and change.old and change.new:
                back = backwards(change)
                table = renamed_table(change.new, back.columns, self.dialect)
                self.statements += self.words.indexes(table, change.old)
        self.statements += self.words.lock(new.query, new.kept)
        says = f"this script takes back a version of {new.query} that is not installed"
        for text in self.words.guard(new.query, new.fingerprint, says):
            self.add(text, "nothing happens unless it is what the script was written for")
        for text in self.words.nothing_half_done():
            self.add(text, "another migration may have been begun")
        for text in self.words.settled(new.query, new.kept):
            self.add(text, "tables of which some are ahead of others say nothing")
        if misread := new.misread(old) if old is not None else ():
            for text in self.words.drained(new.query, self.migration.features):
                self.add(text, f"a queued change holds rows of {', '.join(misread)} as they are")
        shown = [] if old is None else self.shown(old, new)
        self.statements += self.words.before_shown(shown)
        names = {name for each in shown for name in (each.was, *each.both, *each.gone)}
        for view in reversed(views_made(self.migration.changes)):
            if view.table.name not in names:
                self.statements.append(self.words.drop_view(view))
        # From tables that have not yet got their old names and forms.
        for table in self.dropped:
            self.create(table)
        for name, found in self.restored.items():
            self.restore(name, found)
        for change in self.migration.changes:
            if change.fate is Fate.RENAMED and change.old and change.new:
                self.statements += renaming(backwards(change), self.dialect)
            if change.old and change.new and change.fate is not Fate.REBUILT:
                self.statements += self.words.comments(change.new, change.old)
                self.statements += self.words.ranges(change.new.table, change.old.table)
            if change.fate is Fate.REBUILT and change.old and change.new:
                name = change.new.table.name
                if not has_room(change):
                    name = aside(name)
                    self.statements += self.words.aside(change.new, name)
                self.create(change.old)
                sql = self.words.copy(change.old.table, name)
                self.add(sql, "the same rows in their old form", scans=name)
                self.statements.append(self.words.drop(name, "its rows stand elsewhere"))
        # What is computed asks the catalog whether the query of that name has begun.
        self.catalog(old, new)
        self.compute()
        for view in reversed(views_gone(self.migration.changes)):
            self.statements.append(self.words.view(view))
        self.statements += self.words.after_shown(shown)
        for change in self.migration.changes:
            if change.fate is Fate.NEW and change.new is not None:
                name = change.new.table.name
                self.statements.append(self.words.drop(name, "the version before has it not"))
        return tuple(self.statements)

    def shown(self, old: Manifest, new: Manifest) -> list[ShownChange]:
        """The relations that are made anew, or go, on the way back."""
        made = {view.table.name for view in views_made(self.migration.changes)}
        changes = changes_shown(new, old)
        return [each for each in changes if made & {each.was, *each.both, *each.gone}]

    def create(self, table: SQLTable) -> None:
        for text in table.ddl:
            lock = "none: nobody has it yet"
            self.add(text, table.table.reason, lock=lock, ignore=ignored(text))

    def restore(self, name: str, found: Restored) -> None:
        given = found.based.given
        self.add(self.words.temporary_view(given, found.rows), f"what {name} was made of")
        for statement in found.based.statements:
            self.add(statement.sql, f"the rows of {name}, as they are now")
        drop = self.words.drop_temporary_view(given)
        self.add(drop, "is needed no longer", ignore=ignored(drop))

    def compute(self) -> None:
        wanted = self.computed
        if not wanted:
            return
        assert self.recompute is not None
        recompute = self.recompute.only(wanted)
        for text in recompute.dropped:
            self.add(text, "left by an attempt before", ignore=ignored(text))
        for text in recompute.session:
            self.add(text, "holds rows until the tables are filled", ignore=ignored(text))
        for statement in recompute.statements:
            note = f"computes what {statement.operator} ({statement.where}) keeps"
            self.add(statement.sql, note)
        by_name = {t.table.name: t.table for t in self.dropped}
        for each in recompute.compared:
            sql = self.words.copy(by_name[each.table], each.shadow)
            self.add(sql, f"the rows of {each.table}, as they are now")
        for text in recompute.dropped:
            self.add(text, "is needed no longer", ignore=ignored(text))

    def catalog(self, old: Manifest | None, new: Manifest) -> None:
        renamed = {
            change.new.table.name: change.old.table.name
            for change in self.migration.changes
            if change.fate is Fate.RENAMED and change.old and change.new
        }
        for text in self.words.clocks(new.kept, () if old is None else old.kept, renamed):
            self.add(text, "where each table stands")
        if old is None:
            self.add(self.words.forgotten(new.query), "it is not installed any longer")
            return
        if old.query != new.query:
            for text in self.words.renamed(new.query, old.query, self.migration.features):
                self.add(text, "what else is known of the query")
        # A version in which nothing starts does not write down that it has begun.
        started = old.starts and not new.starts
        text = self.words.installed(new.query, old.row, started)
        self.add(text, "what is installed; processes with the version behind fail from here on")


def backwards(change: TableChange) -> TableChange:
    """What becomes of a kept table on the way back."""
    names = tuple((b, a) for a, b in change.columns)
    return TableChange(change.fate, change.new, change.old, names)
