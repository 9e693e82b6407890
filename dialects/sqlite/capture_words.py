"""SQLite's words for capturing tables."""

from __future__ import annotations

import json
from collections.abc import Sequence

from stepping.compiler.plan.base_tables import BaseTable, TableRef
from stepping.compiler.plan.capture import DEFERRED
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.sql_plan import Capture, CapturedInput
from stepping.dialects.capture import CaptureWords, Logged, Read, literal, log_name, stem
from stepping.dialects.identifiers import quoted
from stepping.dialects.sqlite import base_tables, capture, capture_tables


class SQLiteCaptureWords(CaptureWords):
    own_tables = ("stepping_readers",)
    folds = "as rows are written, and a view shows what is not yet"

    def own_ddl(self) -> tuple[str, ...]:
        return capture.OWN_DDL

    def own_drop(self) -> tuple[str, ...]:
        return tuple(f"DROP TABLE IF EXISTS {each}" for each in self.own_tables)

    def describe(self, read: Read, table: TableRef) -> BaseTable | None:
        return base_tables.described(read, table)

    def refusals(self, table: BaseTable) -> list[str]:
        found: list[str] = []
        if table.of:
            return found
        if table.kind != "table":
            found.append(f"{table} is {table.kind}, which has no row triggers: name its tables")
        if any(not all(key) for key in table.keys):
            found.append(
                f"{table} has a UNIQUE index over an expression: which rows INSERT OR REPLACE "
                "takes away for it cannot be seen; make it one over a generated column"
            )
        if not table.fact("rowid") and not table.fact("primary"):
            found.append(f"{table} has columns that hide its row number, and no primary key")
        return found

    def lock(self, tables: Sequence[BaseTable]) -> tuple[str, ...]:
        return ()  # BEGIN IMMEDIATE keeps everybody from writing

    def table_ddl(self, logged: Logged) -> list[str]:
        return capture_tables.table_ddl(logged)

    def table_widened(self, logged: Logged, added: Sequence[str]) -> list[str]:
        log = quoted(log_name(logged.table))
        types = {each.name: each.type for each in logged.table.columns}
        grown = [f"ALTER TABLE {log} ADD COLUMN {quoted(c)} {types[c].upper()}" for c in added]
        return [*grown, *self.table_again(logged)]

    def table_narrowed(self, logged: Logged) -> list[str]:
        return self.table_again(logged)

    def table_again(self, logged: Logged) -> list[str]:
        notes = f"DROP TABLE IF EXISTS {quoted(capture_tables.replaced_name(logged.table))}"
        ticks = []
        if logged.folds_by_itself:
            view = quoted(log_name(logged.table) + "_changed")
            ticks.append(f"CREATE VIEW IF NOT EXISTS {view} (now) AS SELECT 0")
        gone = [t for t in capture_tables.table_drop(logged.table) if t.startswith("DROP TRIGGER")]
        return [*gone, notes, *ticks, *capture_tables.triggers(logged)]

    def table_drop(self, table: BaseTable) -> list[str]:
        return capture_tables.table_drop(table)

    def reader(self, query: str, position: int, each: CapturedInput, made: Capture) -> str:
        log, columns = log_name(each.table), json.dumps(each.columns)
        last = f"(SELECT coalesce(max(stepping_n), 0) FROM {quoted(log)})"
        values = f"{literal(query)}, {literal(log)}, {last}, {literal(columns)}"
        values += f", {int(made.folds_by_itself)}, {literal(each.table.of)}"
        return f"INSERT INTO stepping_readers VALUES ({values})"

    def read_by_others(self, lower: Manifest) -> tuple[str, ...]:
        return self._folding(lower, each_row=True)

    def read_by_nobody(self, lower: Manifest) -> tuple[str, ...]:
        return self._folding(lower, each_row=False)

    def _folding(self, lower: Manifest, *, each_row: bool) -> tuple[str, ...]:
        """The triggers that fold a query in, of each row or now and then, made again."""
        made = lower.capture
        # Where no view shows what waits, each row is folded in anyway.
        if made is None:
            return ()
        fold = capture.fold_name(lower.query)
        # What a view shows beyond what is stored must not come a second time.
        first = each_row and made.refresh != DEFERRED and not made.in_python
        refreshed = (f"INSERT INTO {quoted(fold)} VALUES (1)",) if first else ()
        if not made.folds_by_itself or not any(made.relations[0][2:]):
            return refreshed
        texts: list[str] = []
        for each in made.inputs:
            log = log_name(each.table)
            texts += (
                f"DROP TRIGGER IF EXISTS {quoted(capture.folding_name(lower.query, log))}",
                capture.folding_trigger(lower.query, fold, log, each_row=each_row),
            )
        return (*refreshed, *texts)

    def begun(self, query: str, made: Capture) -> tuple[str, ...]:
        positions = tuple(
            f"UPDATE stepping_readers SET position = (SELECT coalesce(max(stepping_n), 0) FROM "
            f"{quoted(log_name(each.table))}) WHERE query = {literal(query)} "
            f"AND log = {literal(log_name(each.table))}"
            for each in made.inputs
        )
        started = f"UPDATE stepping_queries SET started = 1 WHERE name = {literal(query)}"
        return (*positions, started)

    def ended(self, query: str) -> tuple[str, ...]:
        return (f"DELETE FROM stepping_readers WHERE query = {literal(query)}",)

    def readers(self, read: Read, relations: Sequence[str]) -> list[tuple[str, str]]:
        from sqlglot import errors, exp, parse_one

        names, found = {each.lower() for each in relations}, []
        for name, sql in read("SELECT name, sql FROM sqlite_master WHERE type = 'view'"):
            if not any(each in sql.lower() for each in names):
                continue
            try:
                tables = parse_one(sql, dialect="sqlite").expression.find_all(exp.Table)
            except errors.ParseError:
                continue
            if names & {each.name.lower() for each in tables}:
                found.append((f"view {name}", f"{sql};"))
        return found

    def index_ddl(self, table: BaseTable, columns: Sequence[str]) -> str:
        listed = ", ".join(quoted(each) for each in columns)
        called = "_".join((table.name, *columns))
        return f"CREATE INDEX {quoted(called)} ON {quoted(table.name)} ({listed})"

    def lock_folds(self, query: str) -> tuple[str, ...]:
        return ()  # BEGIN IMMEDIATE does

    def error(self, read: Read, query: str) -> str:
        return ""  # nothing is folded in while rows are written: the fold that fails says so

    def triggers(self, read: Read, table: BaseTable) -> list[str]:
        there = {row[0] for row in read("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
        made = ["insert", "update", "delete"]
        made += ["before_insert", "before_update"] if capture_tables.replaced_keys(table) else []
        wanted = [capture_tables.trigger_name(stem(table), what) for what in made]
        return [f"{each} is missing" for each in wanted if each not in there]
