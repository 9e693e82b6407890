"""Capturing on SQLite: what shows changes that wait, what folds them in, and what readers see."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from stepping.compiler.plan.capture import FAIL
from stepping.compiler.plan.sql_plan import Capture, CapturedInput, Role, SQLCache
from stepping.compiler.plan.statements import ReadDelta, Step
from stepping.compiler.schema import Kind, bounded, query_prefix, relation_name
from stepping.dialects.capture import DEFER, PlannedCapture, literal, log_name, sources
from stepping.dialects.identifiers import quoted
from stepping.dialects.layout import indented, selected
from stepping.dialects.live import changed_view, step_parts
from stepping.dialects.sqlite.relations import columns_of, repeated, stored_rows

if TYPE_CHECKING:
    from stepping.dialects.sqlite.sql import SQLiteDialect

OWN_DDL = (
    "CREATE TABLE IF NOT EXISTS stepping_readers (\n"
    "    query TEXT NOT NULL,\n"
    "    log TEXT NOT NULL,\n"
    "    position INTEGER NOT NULL,\n"
    "    columns TEXT NOT NULL,\n"
    "    folds_by_itself INTEGER NOT NULL,\n"
    "    result_of TEXT NOT NULL,  -- the query whose result the table is, if it is one\n"
    "    PRIMARY KEY (query, log)\n"
    ") WITHOUT ROWID",
)
UNHEX = (3, 41)  # the version that has this function
FOLD_AFTER = 100  # logged rows: until then a live view is quicker than a fold for each


def captured(dialect: SQLiteDialect, made: PlannedCapture) -> Capture:
    """What is installed for a query: the views of what waits, the fold, and the live views."""
    plan, asked = made.plan, made.captured
    query = plan.query
    in_python = bool(plan.python_steps or plan.registered)
    live = {each.cache: each.sql for each in made.live} if not in_python else {}
    deferred = asked.is_deferred
    # Where nothing shows what waits, every row has to be folded in at once.
    each_row = not live and bool(plan.caches)
    wrong = unsafe(made.inputs)
    # What a fold raises would fail the statement that is written.
    folds = not deferred and not in_python and not wrong and asked.on_error == FAIL
    refused = [*too_old(made.inputs)]
    if not deferred:
        refused += (
            f"{each.table}, a result of {each.table.of!r}, is right by a view only, "
            f"{each.table.fact('lags')}: {DEFER}"
            for each in made.inputs
            if each.table.fact("lags")
        )
    if each_row and not deferred and not in_python and not folds:
        why = "; ".join(wrong) or "on_error='stale' lets no fold run while rows are written"
        refused.append(
            "its results have an order or are computed by group, so that no view can show what "
            f"waits, and no trigger can fold it in: {why}; {DEFER}"
        )
    ddl = [*made.deltas]
    drop = [f"DROP TABLE IF EXISTS {quoted(each)}" for each in made.delta_names]
    waiting = [
        waiting_view(query, each.waiting, log_name(each.table), made.selects[each.name])
        for each in made.inputs
    ]
    ddl += waiting
    drop += [f"DROP VIEW IF EXISTS {quoted(each.waiting)}" for each in made.inputs]
    if made.changed is not None:
        ddl.append(changed_view(dialect, made.changed))
        drop.append(f"DROP VIEW IF EXISTS {quoted(made.changed.view)}")
    fold = fold_name(query)
    if not in_python:
        ddl += fold_ddl(dialect, made, fold)
        drop.append(f"DROP VIEW IF EXISTS {quoted(fold)}")
    relations = []
    for cache in plan.caches:
        relation = relation_name(query, cache.name)
        stored = stored_rows(cache)
        shown = live.get(cache.name, "")
        if shown:
            live_name = relation if not deferred else bounded(f"{relation}_live")
            ddl.append(f"CREATE VIEW {quoted(live_name)} AS\n{shown}")
            drop.append(f"DROP VIEW IF EXISTS {quoted(live_name)}")
        if deferred or not shown:
            ddl.append(f"CREATE VIEW {quoted(relation)} AS\n{stored}")
            drop.append(f"DROP VIEW IF EXISTS {quoted(relation)}")
        relations.append((cache.name, relation, live_name if shown else ""))
    if folds:
        for each in made.inputs:
            ddl.append(folding_trigger(query, fold, log_name(each.table), each_row=each_row))
            drop.append(
                f"DROP TRIGGER IF EXISTS {quoted(folding_name(query, log_name(each.table)))}"
            )
    return Capture(
        asked.refresh,
        asked.on_error,
        made.inputs,
        tuple(ddl),
        tuple(reversed(drop)),
        made.fill,
        "" if in_python else f"INSERT INTO {quoted(fold)} VALUES (1)",
        in_python,
        settled=tuple(settled(made)),
        refused=tuple(refused),
        folds_by_itself=folds,
        relations=tuple(relations),
        sources=tuple(sources(plan, stored_rows)),
    )


def too_old(inputs: Sequence[CapturedInput]) -> list[str]:
    """What this version of SQLite cannot read of the tables."""
    if sqlite3.sqlite_version_info >= UNHEX:
        return []
    return [
        f"{each.table} has a UUID, which is read from its text from SQLite 3.41 on, and this is "
        f"{sqlite3.sqlite_version}: make the field a str"
        for each in inputs
        if any(atom.kind is Kind.UUID for atom in each.types)
    ]


def unsafe(inputs: Sequence[CapturedInput]) -> list[str]:
    """Why no fold can run in the triggers of these tables; nothing if it can.

    A row trigger may run while another row of the same statement has been changed and not been
    written down: that of a cascade before its parent's, that of what a trigger writes before the
    one of the row it was for.
    """
    tables = {each.table.name.lower() for each in inputs}
    found = []
    for each in inputs:
        if each.table.fact("lags"):
            found.append(f"{each.table} is right by a view only, {each.table.fact('lags')}")
        for trigger in filter(None, each.table.fact("triggers").split("\0")):
            found.append(f"{each.table} has the trigger {trigger}")
        for parent in filter(None, each.table.fact("cascades").split("\0")):
            if parent.lower() in tables:
                found.append(f"a foreign key of {each.table} cascades from {parent}")
    return found


def waiting_view(query: str, view: str, log: str, selects: Sequence[str]) -> str:
    return (
        f"CREATE VIEW {quoted(view)} AS\n"
        f"{selected(selects)}\n"
        f"FROM {quoted(log)} AS l\n"
        f"WHERE l.stepping_n > {position(query, log)}"
    )


def position(query: str, log: str) -> str:
    """Up to which row of a log a query has folded in."""
    return (
        f"(SELECT position FROM stepping_readers WHERE query = {literal(query)} "
        f"AND log = {literal(log)})"
    )


def fold_name(query: str) -> str:
    """What a row is inserted into for a query to fold in what waits."""
    return bounded(f"{query_prefix(query)}_refresh")


def fold_ddl(dialect: SQLiteDialect, made: PlannedCapture, fold: str) -> list[str]:
    """What folds in from any client: ``INSERT INTO <query>_refresh VALUES (1)``."""
    step = made.plan.steps[-1]
    results = [each.table for each in made.inputs if each.table.of]
    lower = dict.fromkeys(each.of for each in results if not each.fact("in_python"))
    body = [f"INSERT INTO {quoted(fold_name(each))} VALUES (1)" for each in lower]
    if made.changed is not None:
        merge = made.changed.merge
        called = {merge.change.name: made.changed.view}
        body.append(dialect.text(dialect.set_groups(merge), called))
    else:
        body += [each.sql for each in step.statements if each.role in (Role.CLEAR, Role.RUN)]
    body += settled(made)
    statements = ";\n".join(indented(text) for text in body)
    waits = " OR ".join(f"EXISTS (SELECT 1 FROM {quoted(each.waiting)})" for each in made.inputs)
    return [
        f"CREATE VIEW {quoted(fold)} (now) AS SELECT 0",
        f"CREATE TRIGGER {quoted(bounded(fold + '_fold'))} INSTEAD OF INSERT ON {quoted(fold)}\n"
        + ("" if lower else f"WHEN {waits}\n")
        + f"BEGIN\n{statements};\nEND",
    ]


def settled(made: PlannedCapture) -> list[str]:
    """Says that all that was written down is folded in, and deletes what nobody waits for."""
    query, body = made.plan.query, []
    for each in made.inputs:
        log = log_name(each.table)
        mine = f"query = {literal(query)} AND log = {literal(log)}"
        body += [
            "UPDATE stepping_readers SET position = "
            f"(SELECT coalesce(max(stepping_n), 0) FROM {quoted(log)}) WHERE {mine}",
            f"DELETE FROM {quoted(log)} WHERE stepping_n <= "
            f"(SELECT min(position) FROM stepping_readers WHERE log = {literal(log)})",
            f"UPDATE stepping_readers SET position = 0 WHERE log = {literal(log)} "
            f"AND NOT EXISTS (SELECT 1 FROM {quoted(log)})",
        ]
    return body


def folding_name(query: str, log: str) -> str:
    return bounded(f"{query_prefix(query)}_follows_{log.removeprefix('stepping_log_')}")


def folding_trigger(query: str, fold: str, log: str, *, each_row: bool) -> str:
    """Folds in while rows are written: each of them, or when enough wait."""
    most = 0 if each_row else FOLD_AFTER
    return (
        f"CREATE TRIGGER {quoted(folding_name(query, log))}\n"
        f"INSTEAD OF INSERT ON {quoted(log + '_changed')}\n"
        f"WHEN (SELECT max(stepping_n) FROM {quoted(log)}) > {position(query, log)} + {most}\n"
        f"BEGIN\n  INSERT INTO {quoted(fold)} VALUES (1);\nEND"
    )


# -- what readers see -----------------------------------------------------------------------------


def live_rows(
    dialect: SQLiteDialect,
    step: Step,
    reads: Sequence[ReadDelta],
    cache: SQLCache,
    *,
    distinct: bool,
) -> str:
    """A cache as it is with all that waits."""
    names = [quoted(each.name) for each in cache.columns]
    parts, called = step_parts(dialect, step)
    changes = (dialect.text(each.select, called) for each in reads)
    both = "\nUNION ALL\n".join((cache.read_sql, *changes))
    listed = ", ".join(names)
    parts.append(f"both_parts ({listed}, stepping_count) AS (\n{indented(both)}\n)")
    # Texts that a collation finds equal are rows of their own, and so are 1 and 1.0.
    images = (
        image
        for each in cache.columns
        for image in dialect.images(each.type, exp.column(each.name, quoted=True))
    )
    by = ", ".join([*names, *(image.sql(dialect.sqlglot_name) for image in images)])
    grouped = (
        f"SELECT {listed}, sum(stepping_count) AS stepping_count FROM both_parts\n"
        f"GROUP BY {by}\nHAVING sum(stepping_count) > 0"
    )
    parts.append(f"now_rows ({listed}, stepping_count) AS (\n{indented(grouped)}\n)")
    if distinct:
        head = "WITH " + ", ".join(parts)
        return f"{head}\n{selected(columns_of(cache, 'r'))}\nFROM now_rows AS r"
    return "WITH RECURSIVE " + ", ".join(parts) + ",\n" + repeated(cache, "now_rows")
