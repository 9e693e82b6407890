"""SQLite's words of a migration: everything is in one transaction, which nobody else writes in."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from stepping.compiler.plan.manifest import SQLTable
from stepping.compiler.plan.migration import MigrationStatement, Phase
from stepping.compiler.plan.tables import Table
from stepping.dialects.base import Dialect
from stepping.dialects.features import BY_QUERY, FEATURES, QUEUE
from stepping.dialects.migration import MigrationRenderer, name_in
from stepping.dialects.sqlite.backfill import SQLiteBackfillWords
from stepping.dialects.sqlite.batches import SQLiteBatchRenderer


class SQLiteMigrationRenderer(MigrationRenderer):
    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.batches = SQLiteBatchRenderer(dialect)
        self.backfill = SQLiteBackfillWords(dialect)

    def opening(self) -> tuple[str, ...]:
        return ()

    def begin(self) -> str:
        return "BEGIN IMMEDIATE"

    def lock(self, query: str, tables: Sequence[str]) -> tuple[MigrationStatement, ...]:
        return ()  # BEGIN IMMEDIATE holds the only write lock there is

    def counted(self, rows: str, wanted: int, says: str) -> tuple[str, ...]:
        # There is no statement that raises: a constraint does, and says its name.
        return (
            "DROP TABLE IF EXISTS temp.stepping_guard",
            "CREATE TEMP TABLE stepping_guard (found INTEGER "
            f"CONSTRAINT {self.quoted(f'stepping: {says}')} "
            f"CHECK (found = {wanted}))",
            f"INSERT INTO temp.stepping_guard\nSELECT count(*) FROM {rows}",
            "DROP TABLE temp.stepping_guard",
        )

    def settled(self, query: str, tables: Sequence[str]) -> tuple[str, ...]:
        # No statement is taken that names a table which may not be there.
        if not tables:
            return ()
        rows = f"(SELECT DISTINCT t FROM last_update WHERE table_name IN ({self.names(tables)}))"
        return self.counted(rows, 1, f"iterations of {query} are at work: see stepping status")

    def drained(self, query: str, there: Collection[str]) -> tuple[str, ...]:
        if QUEUE not in there:
            return ()  # what is enqueued meanwhile is set aside when it is drained
        rows = f"stepping_queue WHERE query = {self.literal(query)} AND error IS NULL"
        says = f"changes of {query} wait in the queue, with rows as they were: drain them first"
        return self.counted(rows, 0, says)

    def renamed(self, old: str, new: str, there: Collection[str]) -> tuple[str, ...]:
        known = [name for each in FEATURES if each in there for name in BY_QUERY[each]]
        others = [name for each in FEATURES if each not in there for name in BY_QUERY[each]]
        says = "what is known of the query is in tables that were not there: write the script anew"
        rows = f"sqlite_master WHERE name IN ({self.names(others)})"
        guard = self.counted(rows, 0, says) if others else ()
        return (*guard, *(self.called(name, old, new) for name in known))

    def table_named(self, name: str) -> str:
        return f"sqlite_master WHERE name = {self.literal(name)}"

    def indexes(self, old: SQLTable, new: SQLTable) -> tuple[MigrationStatement, ...]:
        # A table that is renamed has all of them made anew.
        return super().indexes(old, new) if old.table.name == new.table.name else ()

    def rename(self, old: SQLTable, new: SQLTable) -> tuple[MigrationStatement, ...]:
        note = "the same rows under another name"
        moved = self.statement(
            f"ALTER TABLE {self.quoted(old.table.name)} RENAME TO {self.quoted(new.table.name)}",
            note,
        )
        dropped = [self.statement(text, note) for text in self.without_parts(old)]
        made = [self.statement(text, note) for text in new.ddl[1:]]
        first = () if old.table.name == new.table.name else (moved,)
        return (*first, *dropped, *made)

    def aside(self, old: SQLTable, name: str) -> tuple[MigrationStatement, ...]:
        note = "makes room for the same rows in another form"
        moved = f"ALTER TABLE {self.quoted(old.table.name)} RENAME TO {self.quoted(name)}"
        texts = (moved, *self.without_parts(old))
        return tuple(self.statement(text, note) for text in texts)

    def without_parts(self, table: SQLTable) -> list[str]:
        """Drop the indexes and triggers of a table, which keep their names when it is renamed."""
        made = []
        for text in table.ddl[1:]:
            kind = "INDEX" if text.startswith("CREATE INDEX") else "TRIGGER"
            made.append(f"DROP {kind} IF EXISTS {name_in(text)}")
        return made

    def statement(self, sql: str, note: str) -> MigrationStatement:
        return MigrationStatement(Phase.SWITCH, sql, note)

    def index(self, sql: str, table: str) -> tuple[MigrationStatement, ...]:
        note = f"an index that {table} gets"
        return (MigrationStatement(Phase.SWITCH, sql, note, scans=table),)

    def drop_index(self, sql: str, table: str) -> MigrationStatement:
        text = f"DROP INDEX IF EXISTS {name_in(sql)}"
        return MigrationStatement(Phase.SWITCH, text, f"what {table} has no longer")

    def temporary(self, table: Table) -> tuple[str, ...]:
        # The same connection may have one of this name from an attempt before.
        return (*self.drop_temporary(table.name), *self.dialect.session_ddl(table))

    def drop_temporary(self, name: str) -> tuple[str, ...]:
        return (f"DROP TABLE IF EXISTS temp.{self.quoted(name)}",)
