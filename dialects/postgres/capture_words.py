"""Postgres's words for capturing tables."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence

from stepping.compiler.plan.base_tables import BaseTable, TableRef
from stepping.compiler.plan.capture import DEFERRED
from stepping.compiler.plan.sql_plan import Capture, CapturedInput
from stepping.compiler.schema import bounded
from stepping.dialects.capture import CaptureWords, Logged, Read, literal, log_name
from stepping.dialects.identifiers import quoted
from stepping.dialects.layout import indented, wrapped
from stepping.dialects.postgres import base_tables, capture, capture_own, capture_tables, shown
from stepping.dialects.postgres.capture_tables import ME, qualified, written
from stepping.dialects.postgres.type_facts import TEXTS

_PLANS = (
    "enable_seqscan",
    "enable_hashjoin",
    "enable_mergejoin",
    "enable_sort",
    "enable_bitmapscan",
)
_OFF = {"D": "is switched off", "R": "fires for replication only", "A": "fires twice"}


class PostgresCaptureWords(CaptureWords):
    keeps_what_is_read = True
    own_tables = ("stepping_pending", "stepping_folds", "stepping_readers")
    folds = "at the commit"
    release = f'DROP TRIGGER IF EXISTS stepping_{capture_tables.READS} ON "{{}}"'

    def folds_at_once(self, capture: Capture) -> bool:
        return capture.refresh != DEFERRED  # at the commit, of which triggers take note

    def own_ddl(self) -> tuple[str, ...]:
        return capture_own.OWN_DDL

    def own_drop(self) -> tuple[str, ...]:
        return capture_own.OWN_DROP

    def describe(self, read: Read, table: TableRef) -> BaseTable | None:
        return base_tables.described(read, table)

    def refusals(self, table: BaseTable) -> list[str]:
        found = []
        if table.kind == "a table with inheritance children":
            found.append(
                f"{table} has inheritance children: rows written to a child fire no trigger of it; "
                "make it a partitioned table"
            )
        elif table.kind != "table":
            found.append(f"{table} is {table.kind}, which has no such triggers: name its tables")
        if table.fact("child"):
            found.append(f"{table} is a partition or a child of another table: name that one")
        if table.fact("forced_rls"):
            found.append(
                f"{table} has FORCE ROW LEVEL SECURITY, so that its owner sees a part of it: "
                "install as a role with BYPASSRLS"
            )
        if table.fact("not_owner"):
            found.append(
                f"{table} belongs to {table.fact('owner')}: triggers are made by the owner, so "
                f"install as that role (SET ROLE {quoted(table.fact('owner'))})"
            )
        return found

    def lock(self, tables: Sequence[BaseTable]) -> tuple[str, ...]:
        listed = ", ".join(sorted({written(each) for each in tables}))
        # Whole tables are read next: not by the plans of a step, which look up a few rows.
        settings = {**dict.fromkeys(_PLANS, "on"), **TEXTS}
        values = [f"('{name}', '{value}')" for name, value in settings.items()]
        return (
            f"LOCK TABLE {listed} IN SHARE ROW EXCLUSIVE MODE",
            f"DO $$ BEGIN\n  PERFORM {capture.SEARCH_PATH};\n"
            f"  PERFORM set_config(name, value, true) FROM (VALUES\n"
            f"{indented(wrapped(values), 4)}\n"
            "  ) AS wanted (name, value);\nEND $$",
        )

    def table_ddl(self, logged: Logged) -> list[str]:
        return capture_tables.table_ddl(logged)

    def table_widened(self, logged: Logged, added: Sequence[str]) -> list[str]:
        log = quoted(log_name(logged.table))
        columns = {each.name: each for each in logged.table.columns}
        grown = [
            f"ALTER TABLE {log} ADD COLUMN {quoted(c)} {capture_tables.typed(columns[c])}"
            for c in added
        ]
        return [*grown, *self._following(logged)]

    def table_narrowed(self, logged: Logged) -> list[str]:
        return self._following(logged)

    def _following(self, logged: Logged) -> list[str]:
        """What depends on the columns that are read, made again for others."""
        guard = capture_tables.guard(logged)
        if not guard and not logged.table.of:
            name = quoted(capture_tables.trigger_name(logged.table, capture_tables.READS))
            guard = [f"DROP TRIGGER IF EXISTS {name} ON {qualified(logged.table)}"]
        return [capture_tables.capture_function(logged), *guard]

    def table_again(self, logged: Logged) -> list[str]:
        drops = capture_tables.table_drop(logged.table)
        dropped = [text for text in drops if text.startswith("DROP TRIGGER")]
        function = capture_tables.capture_function(logged)
        made = capture_tables.triggers(logged.table)
        return [*dropped, function, *made, *capture_tables.guard(logged)]

    def table_drop(self, table: BaseTable) -> list[str]:
        return capture_tables.table_drop(table)

    def reader(self, query: str, position: int, each: CapturedInput, made: Capture) -> str:
        deferred = "true" if made.refresh == DEFERRED else "false"
        log, columns = literal(log_name(each.table)), literal(json.dumps(each.columns))
        values = f"{literal(query)}, {log}, {2**position}, {deferred}, {columns}"
        values += f", {literal(each.table.of)}"
        return f"INSERT INTO stepping_readers VALUES ({values})"

    def outdated(self) -> tuple[str, ...]:
        note = f"setval('stepping_readers_changed_by', {ME}::text::bigint)"
        return (f"DO $$ BEGIN PERFORM {note}; END $$",)

    def seen(self, query: str) -> str:
        fold = bounded(f"{query}_fold")
        return (
            f"INSERT INTO stepping_folds VALUES ({literal(query)}, {literal(fold)}, "
            f"pg_current_snapshot(), {ME}, {capture_own.LAST_ROW}) "
            "ON CONFLICT (query) DO UPDATE SET seen = excluded.seen, xid = excluded.xid, "
            "n = excluded.n, error = NULL, folded_at = excluded.folded_at"
        )

    def begun(self, query: str, made: Capture) -> tuple[str, ...]:
        # Nobody writes to the tables now, or this sees one state of them.
        started = f"UPDATE stepping_queries SET started = true WHERE name = {literal(query)}"
        return (self.seen(query), started)

    def ended(self, query: str) -> tuple[str, ...]:
        return (
            f"DELETE FROM stepping_readers WHERE query = {literal(query)}",
            f"DELETE FROM stepping_folds WHERE query = {literal(query)}",
            f"DELETE FROM stepping_pending WHERE query = {literal(query)}",
            *self.outdated(),
        )

    def unread(self, relations: Sequence[str]) -> tuple[str, ...]:
        return (shown.unread(relations),) if relations else ()

    def readers(self, read: Read, relations: Sequence[str]) -> list[tuple[str, str]]:
        return [(a, b) for a, b in read(shown.readers(relations))] if relations else []

    def index_ddl(self, table: BaseTable, columns: Sequence[str]) -> str:
        listed = ", ".join(quoted(each) for each in columns)
        called = quoted(bounded("_".join((table.name, *columns))))
        return f"CREATE INDEX CONCURRENTLY {called} ON {qualified(table)} ({listed})"

    def lock_folds(self, query: str) -> tuple[str, ...]:
        return (f"SELECT {capture_own.LOCK.format(literal(query))}",)

    def error(self, read: Read, query: str) -> str:
        rows = read("SELECT error FROM stepping_folds WHERE query = $1", (query,))
        return (rows[0][0] or "") if rows else ""

    def refreshed_at(self, read: Read, query: str) -> datetime.datetime | None:
        # As a number: what a time is in a text is a setting of the session.
        seconds = "SELECT extract(epoch FROM folded_at)::float8 FROM stepping_folds"
        rows = read(f"{seconds} WHERE query = $1", (query,))
        return datetime.datetime.fromtimestamp(rows[0][0], datetime.UTC) if rows else None

    def of_replication(self, read: Read, table: BaseTable) -> list[str]:
        name = capture_tables.trigger_name(table, "replica")
        rows = read(
            "SELECT tgenabled::text FROM pg_trigger WHERE tgrelid = to_regclass($1) "
            "AND tgname = $2::name",
            (base_tables.named(TableRef(table.name, table.schema)), name),
        )
        if not capture_tables.has_replica(table) or (rows and rows[0][0] in ("R", "A")):
            return []
        # As ENABLE TRIGGER ALL leaves it, and with it pg_restore --disable-triggers.
        mend = f"ALTER TABLE {qualified(table)} ENABLE REPLICA TRIGGER {quoted(name)}"
        return [f"{name} does not fire for what a subscription applies: {mend}"]

    def unguarded(self, read: Read, table: BaseTable, columns: Sequence[str]) -> list[str]:
        if table.of or not columns:
            return []
        name = capture_tables.trigger_name(table, capture_tables.READS)
        rows = read(
            "SELECT a.attname::text, a.attnum = ANY (t.tgattr::int2[]) FROM pg_attribute AS a "
            "LEFT JOIN pg_trigger AS t ON t.tgrelid = a.attrelid AND t.tgname = $2::name "
            "WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped",
            (base_tables.named(TableRef(table.name, table.schema)), name),
        )
        named: dict[str, bool | None] = dict(rows)
        if None in named.values():
            return [f"{name} is missing, as if a column that is read was dropped with CASCADE"]
        left_out = ", ".join(each for each in columns if named.get(each) is False)
        return [f"{name} does not name {left_out}"] if left_out else []

    def triggers(self, read: Read, table: BaseTable) -> list[str]:
        rows = read(
            "SELECT tgname::text, tgenabled::text FROM pg_trigger WHERE tgrelid = to_regclass($1)",
            (base_tables.named(TableRef(table.fact("kept") or table.name, table.schema)),),
        )
        there: dict[str, str] = dict(rows)
        found = []
        wanted = [
            capture_tables.trigger_name(table, what) for what, *_ in capture_tables.events(table)
        ]
        for each in wanted:
            if each not in there:
                found.append(f"{each} is missing")
            elif there[each] != "O":
                found.append(f"{each} {_OFF.get(there[each], 'is switched off')}")
        return found
