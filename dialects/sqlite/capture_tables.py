"""The triggers of one of the application's tables on SQLite, and the log that they fill.

Written down is what a table's rows were and are, in the columns that queries read. SQLite fires no
DELETE trigger for a row that REPLACE takes away (sqlite.org/lang_conflict.html); so what is in the
way is noted before, and what is gone after it is written down.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.schema import bounded
from stepping.dialects.capture import Logged, log_name, rows_of_result, stem
from stepping.dialects.identifiers import quoted
from stepping.dialects.layout import indented
from stepping.dialects.sqlite.native_columns import differs

_ROW_IDS = ("rowid", "_rowid_", "oid")


def table_ddl(logged: Logged) -> list[str]:
    """The log of a table and the triggers that fill it."""
    table, columns = logged.table, logged.columns
    log = log_name(table)
    types = {each.name: each.type for each in table.columns}
    kept = "".join(f",\n    {quoted(c)} {types[c].upper()}".rstrip() for c in columns)
    ddl = [
        f"CREATE TABLE {quoted(log)} (\n"
        f"    stepping_n INTEGER PRIMARY KEY,\n    stepping_c INTEGER NOT NULL{kept}\n)",
    ]
    if logged.folds_by_itself:
        ddl.append(f"CREATE VIEW {quoted(log + '_changed')} (now) AS SELECT 0")
    return [*ddl, *triggers(logged)]


def triggers(logged: Logged) -> list[str]:
    table, columns = logged.table, logged.columns
    if table.of:
        return triggers_of_result(logged)
    log, on = log_name(table), quoted(table.name)
    base = stem(table)
    listed = "".join(f", {quoted(c)}" for c in columns)
    tick = (
        f"  INSERT INTO {quoted(log + '_changed')} VALUES (1);\n" if logged.folds_by_itself else ""
    )

    def row(side: str) -> str:
        return "".join(f", {side}.{quoted(c)}" for c in columns)

    replacing = replaced_keys(table)
    gone = gone_moved = seen = ""
    note: list[str] = []
    if replacing:
        gone, gone_moved, note, seen = replaced(table, columns, replacing)
    insert = f"  INSERT INTO {quoted(log)} (stepping_c{listed}) VALUES (1{row('NEW')});\n"
    types = {each.name: each.type for each in table.columns}
    different = [differs(types[c], f"OLD.{quoted(c)}", f"NEW.{quoted(c)}") for c in columns]
    update = (
        f"  INSERT INTO {quoted(log)} (stepping_c{listed})\n"
        f"    VALUES (-1{row('OLD')}), (1{row('NEW')});\n"
    )
    delete = f"{seen}  INSERT INTO {quoted(log)} (stepping_c{listed}) VALUES (-1{row('OLD')});\n"
    keys = dict.fromkeys(c for key in replacing for c in key)
    unread = [f"OLD.{quoted(c)} IS NOT NEW.{quoted(c)}" for c in keys if c not in columns]
    changed = " OR ".join([*different, *unread]) or "FALSE"
    made = [
        ("insert", "AFTER INSERT", "", gone + insert + tick),
        ("update", "AFTER UPDATE", f"\nWHEN {changed}", gone_moved + update + tick),
        ("delete", "AFTER DELETE", "", delete + tick),
    ]
    watched = watched_columns(table, (*columns, *keys))
    made[1] = ("update", f"AFTER UPDATE{watched}", *made[1][2:])
    texts = [
        f"CREATE TRIGGER {quoted(trigger_name(base, what))} {when} ON {on}{condition}\n"
        f"BEGIN\n{body}END"
        for what, when, condition, body in made
    ]
    return [*note, *texts]


def triggers_of_result(logged: Logged) -> list[str]:
    """What writes down how a result of ours changes, of the table that keeps it."""
    table, log = logged.table, quoted(log_name(logged.table))
    listed = "".join(f", {quoted(c)}" for c in logged.columns)
    tick = (
        f"  INSERT INTO {quoted(log_name(table) + '_changed')} VALUES (1);\n"
        if logged.folds_by_itself
        else ""
    )

    def written(side: str, sign: int) -> str:
        row = ", ".join(
            f"{side}.{quoted(c)} AS {quoted(c)}" for c in table.fact("kept_columns").split("\0")
        )
        rows = indented(rows_of_result(table, f"SELECT {row}"), 4)
        return (
            f"  INSERT INTO {log} (stepping_c{listed}) SELECT {sign}{listed} FROM (\n{rows}\n  );\n"
        )

    made = (
        ("insert", written("NEW", 1)),
        ("update", written("OLD", -1) + written("NEW", 1)),
        ("delete", written("OLD", -1)),
    )
    return [
        f"CREATE TRIGGER {quoted(trigger_name(stem(table), what))} AFTER {what.upper()} "
        f"ON {quoted(table.fact('kept'))}\nBEGIN\n{body}{tick}END"
        for what, body in made
    ]


def watched_columns(table: BaseTable, columns: Sequence[str]) -> str:
    """The OF of a trigger for updates of some columns: it costs nothing where others are set.

    SQLite goes by the names that a statement sets: a row number has several, and a generated column
    is set by none (sqlite.org/lang_createtrigger.html).
    """
    if any(each.generated for each in table.columns) or not columns:
        return ""
    names = dict.fromkeys((*columns, *(_ROW_IDS if table.fact("rowid") else ())))
    return " OF " + ", ".join(each if each in _ROW_IDS else quoted(each) for each in names)


def trigger_name(base: str, what: str) -> str:
    return bounded(f"stepping_{base}_{what}")


def replaced_name(table: BaseTable) -> str:
    return bounded(f"stepping_replaced_{stem(table)}")


def replaced_keys(table: BaseTable) -> list[tuple[str, ...]]:
    """The keys by which a new row may replace one that is there."""
    return [key for key in table.keys if all(key)]


def row_identity(table: BaseTable) -> tuple[str, ...]:
    """What tells a row of a table from the others while a statement runs."""
    row_id = table.fact("rowid")
    return (row_id,) if row_id else tuple(table.fact("primary").split("\0"))


def replaced(
    table: BaseTable, columns: Sequence[str], keys: Sequence[tuple[str, ...]]
) -> tuple[str, str, list[str], str]:
    """What writes down the rows that REPLACE took away: after an insert, after an update, before
    both, and in the trigger of a row whose removal is seen.
    """
    notes, log, on = quoted(replaced_name(table)), quoted(log_name(table)), quoted(table.name)
    identity = row_identity(table)
    listed = "".join(f", {quoted(c)}" for c in columns)
    ids = ", ".join(f"stepping_id{i}" for i, _ in enumerate(identity))
    held = ", ".join(f"m.{quoted(c)}" if c not in _ROW_IDS else f"m.{c}" for c in identity)
    picked = "".join(f", m.{quoted(c)}" for c in columns)

    def raw(side: str, column: str) -> str:
        return f"{side}.{column}" if column in _ROW_IDS else f"{side}.{quoted(column)}"

    def same(note: str, side: str) -> str:
        return " AND ".join(
            f"{note}.stepping_id{i} IS {raw(side, c)}" for i, c in enumerate(identity)
        )

    def found(other: str) -> str:
        arms = [
            f"SELECT {held}{picked} FROM {on} AS m WHERE "
            + " AND ".join(f"m.{quoted(c)} = NEW.{quoted(c)}" for c in key)
            + other
            for key in keys
        ]
        return "\n    UNION ".join(arms)

    itself = (
        " AND NOT (" + " AND ".join(f"{raw('m', c)} IS {raw('OLD', c)}" for c in identity) + ")"
    )
    moved = " OR ".join(
        f"OLD.{quoted(c)} IS NOT NEW.{quoted(c)}" for c in dict.fromkeys(c for k in keys for c in k)
    )
    base = stem(table)
    # DISTINCT rows by identity: UNION takes a row that two keys find once.
    before = [
        f"CREATE TABLE {notes} ({', '.join(f'stepping_id{i}' for i, _ in enumerate(identity))}"
        + "".join(f", {quoted(c)}" for c in columns)
        + ")",
        f"CREATE TRIGGER {quoted(trigger_name(base, 'before_insert'))}"
        f" BEFORE INSERT ON {on}\nBEGIN\n"
        f"  DELETE FROM {notes};\n"
        f"  INSERT INTO {notes} ({ids}{listed})\n    {found('')};\nEND",
        f"CREATE TRIGGER {quoted(trigger_name(base, 'before_update'))}"
        f" BEFORE UPDATE{watched_columns(table, [c for key in keys for c in key])} ON {on}\n"
        f"WHEN {moved}\nBEGIN\n  DELETE FROM {notes};\n"
        f"  INSERT INTO {notes} ({ids}{listed})\n    {found(itself)};\nEND",
    ]
    still = " AND ".join(f"{raw('m', c)} = {notes}.stepping_id{i}" for i, c in enumerate(identity))
    is_gone = f"({same(notes, 'NEW')}) OR NOT EXISTS (SELECT 1 FROM {on} AS m WHERE {still})"
    write = f"  INSERT INTO {log} (stepping_c{listed}) SELECT -1{listed} FROM {notes}\n"
    clear = f"  DELETE FROM {notes};\n"
    # Notes are of this statement's own BEFORE trigger, which an update has only if a key moves: an
    # UPSERT leaves those of its insert.
    after = f"{write}    WHERE {is_gone};\n{clear}"
    after_update = f"{write}    WHERE ({moved}) AND ({is_gone});\n{clear}"
    seen = f"  DELETE FROM {notes} WHERE {same(notes, 'OLD')};\n"
    return after, after_update, before, seen


def table_drop(table: BaseTable) -> list[str]:
    """Takes away what `table_ddl` makes."""
    base = stem(table)
    made = ("insert", "update", "delete", "before_insert", "before_update")
    return [
        *(f"DROP TRIGGER IF EXISTS {quoted(trigger_name(base, what))}" for what in made),
        f"DROP VIEW IF EXISTS {quoted(log_name(table) + '_changed')}",
        f"DROP TABLE IF EXISTS {quoted(log_name(table))}",
        f"DROP TABLE IF EXISTS {quoted(replaced_name(table))}",
    ]
