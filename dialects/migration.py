"""The words of a migration: locks, guards, names, and what is said in the catalog."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlglot import exp

from stepping.compiler.plan.manifest import SQLTable, SQLView
from stepping.compiler.plan.migration import MigrationStatement, Phase
from stepping.compiler.plan.shown import ShownChange
from stepping.compiler.plan.tables import Table
from stepping.dialects.backfill import BackfillWords
from stepping.dialects.base import Dialect
from stepping.dialects.batches import PROGRESS, BatchRenderer
from stepping.dialects.features import BY_QUERY, FEATURES
from stepping.dialects.identifiers import quoted

_MADE = re.compile(r"CREATE (TABLE|SEQUENCE) IF NOT EXISTS (\w+)")
NAMED = re.compile(r'CREATE (?:INDEX|TRIGGER)(?: IF NOT EXISTS)? ("(?:[^"]|"")*"|\w+)')


class MigrationRenderer(ABC):
    """One database's spelling of what only migrations say."""

    dialect: Dialect
    batches: BatchRenderer
    backfill: BackfillWords

    def quoted(self, name: str) -> str:
        return self.dialect.quoted(name)

    def literal(self, value: object) -> str:
        return str(exp.convert(value).sql(dialect=self.dialect.sqlglot_name))

    def names(self, names: Sequence[str]) -> str:
        return ", ".join(self.literal(name) for name in names)

    @abstractmethod
    def opening(self) -> tuple[str, ...]:
        """The statements in front of everything."""

    @abstractmethod
    def begin(self) -> str:
        """The statement that begins the transaction."""

    @abstractmethod
    def lock(self, query: str, tables: Sequence[str]) -> tuple[MigrationStatement, ...]:
        """Keep steps of the query out until the transaction ends."""

    @abstractmethod
    def counted(self, rows: str, wanted: int, says: str) -> tuple[str, ...]:
        """Fail with a message unless there are so many rows in a FROM with its conditions."""

    def guard(self, query: str, fingerprint: str | None, says: str) -> tuple[str, ...]:
        """Fail with a message unless the query is installed with a fingerprint, or is not."""
        rows = f"stepping_queries WHERE name = {self.literal(query)}"
        if fingerprint is None:
            return self.counted(rows, 0, says)
        return self.counted(f"{rows} AND fingerprint = {self.literal(fingerprint)}", 1, says)

    @abstractmethod
    def settled(self, query: str, tables: Sequence[str]) -> tuple[str, ...]:
        """Fail if an iteration has been written in part, as flush_every_set=True does: to some of
        the ``tables`` of a query.
        """

    @abstractmethod
    def drained(self, query: str, there: Collection[str]) -> tuple[str, ...]:
        """Fail if changes wait in the queue that the version to come cannot read.

        ``there``: the features whose tables are in the database that the script is written for.
        """

    def nothing_half_done(self) -> tuple[str, ...]:
        """Fail if a migration that fills in batches has been begun."""
        says = "a migration is half done: run it to its end, or take it back with stepping abandon"
        return self.counted(self.table_named(PROGRESS), 0, says)

    @abstractmethod
    def table_named(self, name: str) -> str:
        """A FROM with its conditions: of one row if a table of this name is there."""

    @abstractmethod
    def rename(self, old: SQLTable, new: SQLTable) -> tuple[MigrationStatement, ...]:
        """Give a table, and all that is named after it, the names of another."""

    def rename_column(self, table: str, old: str, new: str) -> MigrationStatement:
        """Give a column another name; indexes and triggers follow."""
        return MigrationStatement(
            Phase.SWITCH,
            f"ALTER TABLE {self.quoted(table)} RENAME COLUMN {self.quoted(old)} "
            f"TO {self.quoted(new)}",
            "the same values under another name: no row is written",
            lock=f"all access to {table}, until the transaction ends",
            ignore=("renaming-column",),
        )

    def indexes(self, old: SQLTable, new: SQLTable) -> tuple[MigrationStatement, ...]:
        """Make the indexes that a kept table gets, and drop those that it loses.

        Of a table that is renamed as well, before that.
        """
        by_body = {body_of(text): text for text in old.ddl if is_index(text)}
        wanted = {body_of(text): text for text in new.ddl if is_index(text)}
        made: list[MigrationStatement] = []
        for body, text in wanted.items():
            if body not in by_body:
                on = f"ON {self.quoted(old.table.name)} {body}"
                sql = f"CREATE INDEX IF NOT EXISTS {name_in(text)} {on}"
                made += self.index(sql, old.table.name)
        for body, text in by_body.items():
            if body not in wanted:
                made.append(self.drop_index(text, new.table.name))
        return tuple(made)

    def comments(self, old: SQLTable, new: SQLTable) -> tuple[MigrationStatement, ...]:
        """What is said of a table that is kept, where that is something else now."""
        said = {text.partition(" IS ")[2] for text in old.ddl if is_comment(text)}
        return tuple(
            MigrationStatement(Phase.SWITCH, text, f"what {new.table.name} is for now")
            for text in new.ddl
            if is_comment(text) and text.partition(" IS ")[2] not in said
        )

    def ranges(self, old: Table, new: Table) -> tuple[MigrationStatement, ...]:
        """What a kept table's rows may have, where that is something else now."""
        return ()  # where a table is written anew for that

    @abstractmethod
    def aside(self, old: SQLTable, name: str) -> tuple[MigrationStatement, ...]:
        """Give a table another name, so that one with its own and its indexes' can be made."""

    @abstractmethod
    def index(self, sql: str, table: str) -> tuple[MigrationStatement, ...]:
        """Make an index of a table that has rows."""

    @abstractmethod
    def drop_index(self, sql: str, table: str) -> MigrationStatement:
        """Drop the index that a statement makes."""

    @abstractmethod
    def temporary(self, table: Table) -> tuple[str, ...]:
        """Make a delta table that is gone behind the transaction."""

    def drop_temporary(self, name: str) -> tuple[str, ...]:
        return ()

    def drop(self, table: str, note: str) -> MigrationStatement:
        """Drop a table."""
        return MigrationStatement(
            Phase.SWITCH,
            f"DROP TABLE IF EXISTS {self.quoted(table)}",
            note,
            lock=f"all access to {table}, until the transaction ends",
            ignore=("ban-drop-table",),
        )

    def view(self, view: SQLView) -> MigrationStatement:
        """Make a view."""
        note = f"{view.table.reason}: a view of {view.table.of}"
        return MigrationStatement(Phase.SWITCH, view.ddl, note, lock="none: it has no rows")

    def drop_view(self, view: SQLView) -> MigrationStatement:
        """Drop a view, without which its table can be changed."""
        name = view.table.name
        return MigrationStatement(
            Phase.SWITCH,
            f"DROP VIEW IF EXISTS {self.quoted(name)}",
            f"the view {name} is made anew, or is needed no longer",
            lock=f"all access to {name}, until the transaction ends",
            ignore=("ban-drop-view",),
        )

    # -- what readers know ----------------------------------------------------------------------

    def before_shown(self, changes: Sequence[ShownChange]) -> list[MigrationStatement]:
        """Makes way for the relations of another version, in front of all that its tables need."""
        names = ((each.was,) if each.was else (*each.both, *each.gone) for each in changes)
        return [self.drop_shown(name) for some in names for name in some]

    def after_shown(self, changes: Sequence[ShownChange]) -> list[MigrationStatement]:
        """Gives back what belongs to others, once the relations of the other version are there."""
        return []

    def shown_again(self, text: str, changes: Sequence[ShownChange]) -> str:
        """The statement that makes a relation, where one may be there that stays."""
        return text

    def drop_shown(self, name: str) -> MigrationStatement:
        return MigrationStatement(
            Phase.SWITCH,
            drop_view(name),
            f"{name} is made anew, or is needed no longer",
            lock=f"all access to {name}, until the transaction ends",
            ignore=("ban-drop-view",),
        )

    def copy(self, table: Table, source: str) -> str:
        """All rows of one table into another with the same columns."""
        names = self.batches.columns(table)
        into, out = self.quoted(table.name), self.quoted(source)
        return f"INSERT INTO {into} ({names})\nSELECT {names}\nFROM {out}"

    def temporary_view(self, name: str, select: str) -> str:
        """Show rows under the name of a temporary table."""
        return f"CREATE TEMP VIEW {self.quoted(name)} AS\n{select}"

    def drop_temporary_view(self, name: str) -> str:
        return f"DROP VIEW {self.quoted(name)}"

    @abstractmethod
    def renamed(self, old: str, new: str, there: Collection[str]) -> tuple[str, ...]:
        """What else is known of a query, under its new name; ``there`` as for `drained`."""

    def called(self, table: str, old: str, new: str) -> str:
        return f"UPDATE {table} SET query = {self.literal(new)} WHERE query = {self.literal(old)}"

    def forgotten(self, query: str) -> str:
        """Take a query out of the catalog."""
        return f"DELETE FROM stepping_queries WHERE name = {self.literal(query)}"

    def delta(self, table: Table) -> str:
        return str(self.dialect.source(table).sql(dialect=self.dialect.sqlglot_name))

    def taken_out(
        self, query: str, tables: Sequence[str], there: Collection[str] = (), *, follows: bool
    ) -> tuple[str, ...]:
        """Take a query and its tables out of all that is ours; ``follows``: it has no steps.
        ``there``: the features whose tables are there.
        """
        if follows:
            return (self.forgotten(query),)
        known = (t for feature in there for t in BY_QUERY[feature])
        own = (f"DELETE FROM {t} WHERE query = {self.literal(query)}" for t in known)
        times = f"DELETE FROM last_update WHERE table_name IN ({self.names(tables)})"
        return (self.forgotten(query), *((times,) if tables else ()), *own)

    def without_own(self) -> tuple[str, ...]:
        """Drop all that is ours, and of no query."""
        ddl = [text for each in FEATURES for text in self.dialect.feature_ddl(each)]
        made = (_MADE.match(text) for text in (*self.dialect.own_ddl(), *ddl))
        return tuple(f"DROP {each[1]} IF EXISTS {each[2]}" for each in made if each)

    # -- our own tables -------------------------------------------------------------------------

    def clocks(
        self, old: Sequence[str], new: Sequence[str], renamed: Mapping[str, str]
    ) -> tuple[str, ...]:
        """The rows of `last_update`: new tables stand where the query stands."""
        added = [name for name in new if name not in old and name not in renamed.values()]
        gone = [name for name in old if name not in new and name not in renamed]
        stands = (
            f"SELECT COALESCE(MAX(t), 0) FROM last_update WHERE table_name IN ({self.names(old)})"
        )
        made = [
            f"INSERT INTO last_update (table_name, t)\nSELECT {self.literal(name)}, "
            + (f"({stands})" if old else "0")
            for name in added
        ]
        made += [
            f"UPDATE last_update SET table_name = {self.literal(b)} "
            f"WHERE table_name = {self.literal(a)}"
            for a, b in renamed.items()
            if a != b
        ]
        if gone:
            made.append(f"DELETE FROM last_update WHERE table_name IN ({self.names(gone)})")
        stay = [name for name in new if name in old]
        return (*made, *self.touched(stay))

    def touched(self, tables: Sequence[str]) -> tuple[str, ...]:
        """Make rows of `last_update` others, so that a step that waits for them finds none."""
        return ()

    def installed(self, old_query: str, row: Mapping[str, Any], started: bool) -> str:
        """What the catalog says of a query that was installed."""
        values = {name: self.literal(value) for name, value in row.items()}
        values |= {"version": "version + 1", "plan_key": "NULL", "plan": "NULL"}
        values["recompute"] = "NULL"
        if started:
            values["started"] = "TRUE"
        sets = ",\n    ".join(f"{name} = {value}" for name, value in values.items())
        return f"UPDATE stepping_queries SET\n    {sets}\nWHERE name = {self.literal(old_query)}"


def drop_view(name: str) -> str:
    return f"DROP VIEW IF EXISTS {quoted(name)}"


def is_comment(sql: str) -> bool:
    return sql.startswith("COMMENT ")


def is_index(sql: str) -> bool:
    return sql.startswith("CREATE INDEX")


def body_of(sql: str) -> str:
    """What an index is of, without its name and its table's."""
    found = re.search(r' ON (?:"(?:[^"]|"")*"|\w+) (\(.*)$', sql, re.DOTALL)
    assert found is not None, sql
    return found.group(1)


def name_in(sql: str) -> str:
    """The name of the index or trigger that a statement makes, quoted if it is there."""
    found = NAMED.match(sql)
    assert found is not None, sql
    return found.group(1)
