"""Postgres's words of a migration: no statement blocks readers or writers longer than it must."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from textwrap import indent

from stepping.compiler.plan.manifest import SQLTable
from stepping.compiler.plan.migration import MigrationStatement, Phase
from stepping.compiler.plan.shown import ShownChange
from stepping.compiler.plan.tables import Table
from stepping.dialects.base import Dialect
from stepping.dialects.features import BY_QUERY, FEATURES
from stepping.dialects.metadata import not_negative_name
from stepping.dialects.migration import MigrationRenderer, body_of, is_index, name_in
from stepping.dialects.postgres import shown, sum_functions
from stepping.dialects.postgres.backfill import PostgresBackfillWords
from stepping.dialects.postgres.batches import PostgresBatchRenderer

LOCK_TIMEOUT = "5s"


def _apart(changes: Sequence[ShownChange]) -> tuple[list[str], list[str]]:
    """The relations that stay, and those that are dropped and made again."""
    both = [(name, each.is_wider) for each in changes for name in each.both]
    return [n for n, stays in both if stays], [n for n, stays in both if not stays]


def block(body: str) -> str:
    """Statements of PL/pgSQL as one of SQL."""
    tag = "$stepping$"
    while tag in body:  # whatever a query is called
        tag = f"{tag[:-1]}_$"
    return f"DO {tag} BEGIN\n{indent(body, '    ')}\nEND {tag}"


def if_there(table: str, body: str) -> str:
    """Statements on a table of ours that is made only when it is needed."""
    return f"IF to_regclass('{table}') IS NOT NULL THEN\n{indent(body, '    ')}\nEND IF;"


class PostgresMigrationRenderer(MigrationRenderer):
    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.batches = PostgresBatchRenderer(dialect)
        self.backfill = PostgresBackfillWords(dialect)

    def opening(self) -> tuple[str, ...]:
        # A lock that is waited for keeps everybody behind it waiting as well.
        return (f"SET lock_timeout = '{LOCK_TIMEOUT}'", "SET statement_timeout = '0'")

    def begin(self) -> str:
        return "BEGIN"

    def lock(self, query: str, tables: Sequence[str]) -> tuple[MigrationStatement, ...]:
        statements = [
            MigrationStatement(
                Phase.SWITCH,
                "SELECT pg_advisory_xact_lock(hashtext('stepping'))",
                "one migration at a time",
            )
        ]
        if tables:
            statements.append(
                MigrationStatement(
                    Phase.SWITCH,
                    "SELECT table_name, t FROM last_update WHERE table_name IN "
                    f"({self.names(tables)})\nORDER BY table_name FOR UPDATE",
                    f"keeps steps of {query} out until the transaction ends; readers go on",
                    lock=f"rows of last_update: steps of {query} wait",
                )
            )
        return tuple(statements)

    def counted(self, rows: str, wanted: int, says: str) -> tuple[str, ...]:
        return (block(self.unless(rows, wanted, says)),)

    def unless(self, rows: str, wanted: int, says: str) -> str:
        return (
            f"IF (SELECT count(*) FROM {rows}) <> {wanted} THEN\n"
            f"    RAISE EXCEPTION USING MESSAGE = {self.literal(f'stepping: {says}')};\n"
            "END IF;"
        )

    def settled(self, query: str, tables: Sequence[str]) -> tuple[str, ...]:
        name = "stepping_iterations"
        rows = f"{name} WHERE query = {self.literal(query)} AND state = 'running'"
        says = f"iterations of {query} are at work: see stepping status"
        return (block(if_there(name, self.unless(rows, 0, says))),)

    def drained(self, query: str, there: Collection[str]) -> tuple[str, ...]:
        name = "stepping_queue"
        rows = f"{name} WHERE query = {self.literal(query)} AND error IS NULL"
        says = f"changes of {query} wait in the queue, with rows as they were: drain them first"
        return (block(if_there(name, self.unless(rows, 0, says))),)

    def renamed(self, old: str, new: str, there: Collection[str]) -> tuple[str, ...]:
        tables = [name for each in FEATURES for name in BY_QUERY[each]]
        each = (if_there(name, f"{self.called(name, old, new)};") for name in tables)
        return (block("\n".join(each)),)

    def table_named(self, name: str) -> str:
        return f"pg_class WHERE relname = {self.literal(name)} AND pg_table_is_visible(oid)"

    def before_shown(self, changes: Sequence[ShownChange]) -> list[MigrationStatement]:
        staying, dropped = _apart(changes)
        gone = [*dropped, *(name for each in changes for name in each.gone)]
        made = [self.renamed_relation(each.was, each.relation) for each in changes if each.was]
        for text, note, names in (
            (shown.emptied, "with all that others have made of it and may do with it", staying),
            (shown.unread, "nothing of the application is taken away with it", gone),
        ):
            if names:
                listed = ", ".join(names)
                stays = text is shown.emptied
                lock = f"all access to {listed}, until the transaction ends" if stays else ""
                what = f"{listed} stays, {note}" if stays else f"{listed}: {note}"
                made.append(MigrationStatement(Phase.SWITCH, text(names), what, lock))
        if dropped:
            columns = dict.fromkeys(name for each in changes for name in each.remaining)
            note = f"{', '.join(dropped)}: the owner, who may read it, and what is said of it"
            made.append(MigrationStatement(Phase.SWITCH, shown.noted(dropped, list(columns)), note))
        return [*made, *(self.drop_shown(name) for name in gone)]

    def renamed_relation(self, was: str, name: str) -> MigrationStatement:
        return MigrationStatement(
            Phase.SWITCH,
            f"ALTER VIEW {self.quoted(was)} RENAME TO {self.quoted(name)}",
            f"{name} is what {was} was, with all that belongs to others of it",
            f"all access to {was}, until the transaction ends",
            ignore=("renaming-object",),
        )

    def after_shown(self, changes: Sequence[ShownChange]) -> list[MigrationStatement]:
        staying, dropped = _apart(changes)
        if not staying and not dropped:
            return []
        listed = ", ".join((*staying, *dropped))
        note = f"{listed}: the owner, who may read it, and what is said of it, as it was"
        text = shown.given_back(staying, dropped)
        return [MigrationStatement(Phase.SWITCH, text, note)]

    def shown_again(self, text: str, changes: Sequence[ShownChange]) -> str:
        staying, _ = _apart(changes)
        heads = [f"CREATE VIEW {self.quoted(name)} AS\n" for name in staying]
        if text.startswith(tuple(heads)):
            return text.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)
        return text

    def rename(self, old: SQLTable, new: SQLTable) -> tuple[MigrationStatement, ...]:
        a, b = old.table.name, new.table.name
        note = "the same rows under another name"
        lock = f"all access to {a}, until the transaction ends"
        table = self.statement(
            f"ALTER TABLE {self.quoted(a)} RENAME TO {self.quoted(b)}",
            note,
            lock,
            "renaming-table",
        )
        statements = [table] if a != b else []
        was, now = not_negative_name(a), not_negative_name(b)
        if a != b and any(was in text for text in old.ddl):
            text = f"ALTER TABLE {self.quoted(b)} RENAME CONSTRAINT "
            text += f"{self.quoted(was)} TO {self.quoted(now)}"
            statements.append(self.statement(text, note, lock, "renaming-object"))
        if a != b and self.dialect.identity(old.table):
            text = f"ALTER INDEX IF EXISTS {self.quoted(primary_key(a))} "
            text += f"RENAME TO {self.quoted(primary_key(b))}"
            statements.append(self.statement(text, note, lock, "renaming-object"))
        # Indexes are found by what they index, which is all but their name and the table's.
        wanted = {body_of(text): name_in(text) for text in new.ddl if is_index(text)}
        for text in old.ddl:
            called = wanted.get(body_of(text), "") if is_index(text) else ""
            if called and called != name_in(text):
                sql = f"ALTER INDEX {name_in(text)} RENAME TO {called}"
                statements.append(self.statement(sql, note, lock, "renaming-object"))
        return tuple(statements)

    def ranges(self, old: Table, new: Table) -> tuple[MigrationStatement, ...]:
        before = {each.constraint: each for each in old.ranges}
        after = {each.constraint: each for each in new.ranges}
        on = f"ALTER TABLE {self.quoted(new.name)}"
        made = []
        for name in (n for n, each in before.items() if after.get(n) != each):
            text = f"{on} DROP CONSTRAINT IF EXISTS {self.quoted(name)}"
            note = f"rows of {new.name} may have others"
            made.append(MigrationStatement(Phase.SWITCH, text, note))
        for name, each in after.items():
            if before.get(name) == each:
                continue
            condition = self.dialect.range_condition(new, each)
            text = f"{on} ADD CONSTRAINT {self.quoted(name)} CHECK ({condition}) NOT VALID"
            note = f"what rows that come may have in {each.column}"
            lock = f"all access to {new.name}, until the transaction ends: no row is read"
            made.append(MigrationStatement(Phase.SWITCH, text, note, lock))
            text = f"{on} VALIDATE CONSTRAINT {self.quoted(name)}"
            note = "that rows that are there have it; one that has not fails this step alone"
            made.append(MigrationStatement(Phase.AFTER, text, note, "none", scans=new.name))
        return tuple(made)

    def aside(self, old: SQLTable, name: str) -> tuple[MigrationStatement, ...]:
        a = old.table.name
        note = "makes room for the same rows in another form"
        lock = f"all access to {a}, until the transaction ends"
        texts = [name_in(text) for text in old.ddl if is_index(text)]
        return (
            self.statement(
                f"ALTER TABLE {self.quoted(a)} RENAME TO {self.quoted(name)}",
                note,
                lock,
                "renaming-table",
            ),
            *(
                self.statement(
                    f"DROP INDEX IF EXISTS {text}", note, lock, "require-concurrent-index-deletion"
                )
                for text in texts
            ),
        )

    def statement(self, sql: str, note: str, lock: str, *ignore: str) -> MigrationStatement:
        return MigrationStatement(Phase.SWITCH, sql, note, lock, ignore=ignore)

    def index(self, sql: str, table: str) -> tuple[MigrationStatement, ...]:
        lock = "none that readers or writers wait for"
        text = sql.replace("CREATE INDEX IF NOT EXISTS", "CREATE INDEX CONCURRENTLY IF NOT EXISTS")
        return (
            MigrationStatement(
                Phase.BEFORE,
                f"DROP INDEX CONCURRENTLY IF EXISTS {name_in(sql)}",
                "what an attempt that was cut off has left is not valid",
                lock,
            ),
            MigrationStatement(
                Phase.BEFORE,
                text,
                f"an index that {table} gets, while everybody works on",
                lock,
                scans=table,
            ),
        )

    def drop_index(self, sql: str, table: str) -> MigrationStatement:
        return MigrationStatement(
            Phase.AFTER,
            f"DROP INDEX CONCURRENTLY IF EXISTS {name_in(sql)}",
            f"an index that {table} needs no longer",
            lock="none that readers or writers wait for",
        )

    def temporary(self, table: Table) -> tuple[str, ...]:
        return tuple(
            f"{text.replace(' IF NOT EXISTS', '', 1)} ON COMMIT DROP"
            for text in self.dialect.session_ddl(table)
        )

    def without_own(self) -> tuple[str, ...]:
        return (*super().without_own(), *sum_functions.DROPPED)

    def touched(self, tables: Sequence[str]) -> tuple[str, ...]:
        # A step that waits for a row gets it as it is then, if it is that row still; one that was
        # deleted and inserted again is none that its statement sees.
        if not tables:
            return ()
        return (
            "WITH stepping_gone AS (\n"
            f"    DELETE FROM last_update WHERE table_name IN ({self.names(tables)})\n"
            "    RETURNING table_name, t\n)\n"
            "INSERT INTO last_update (table_name, t)\nSELECT table_name, t FROM stepping_gone",
        )


def primary_key(table: str) -> str:
    """What Postgres calls the index of a primary key: it cuts the table's name off."""
    return table.encode()[: 63 - len("_pkey")].decode(errors="ignore") + "_pkey"
