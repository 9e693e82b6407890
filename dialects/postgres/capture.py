"""Capturing on Postgres: statement triggers that write down, and folds at the commit or later.

``refresh="immediate"``: a trigger of each table appends what has changed to its log and notes in
``stepping_pending`` which queries have to fold it in; a deferred constraint trigger of that table
folds at the commit, under a lock for each query. Whoever folds sees what all others have committed
and folded, and nobody sees a write without its result.

``refresh="deferred"``: the log is kept until the query is refreshed. What is folded in is told by
the snapshot of the last fold, and not by a number that rows of a slower transaction might be below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stepping.compiler.plan.sql_plan import Capture, CapturedInput, Role, SQLCache, SQLStep
from stepping.compiler.plan.statements import ReadDelta, Step
from stepping.compiler.schema import bounded, relation_name
from stepping.dialects.capture import PlannedCapture, literal, log_name, sources
from stepping.dialects.identifiers import quoted
from stepping.dialects.layout import indented, selected
from stepping.dialects.live import step_parts
from stepping.dialects.postgres.capture_own import LAST_ROW, LOCK
from stepping.dialects.postgres.capture_tables import DEFINER, ME, written
from stepping.dialects.postgres.reading import in_batches
from stepping.dialects.postgres.relations import columns_of, stored_rows
from stepping.dialects.postgres.type_facts import TEXTS

if TYPE_CHECKING:
    from stepping.dialects.postgres.sql import PostgresDialect

# In the transaction that installs: functions find what is in the schema of the connection, and
# nothing that somebody else puts in front of it.
SEARCH_PATH = "set_config('search_path', format('%I, pg_temp', current_schema()), true)"

# Whether a row of a log ``l`` is in the results as a row of `stepping_folds` ``f`` says.
# Its number tells as well: in a cluster that a dump was restored to, transactions count from where
# they are there. What a dump brought is of transactions that are yet to come.
FOLDED = (
    "l.stepping_n <= f.n AND (l.stepping_xid = f.xid\n"
    "    OR pg_visible_in_snapshot(l.stepping_xid, f.seen)\n"
    "    OR (l.stepping_xid >= pg_snapshot_xmax(pg_current_snapshot())\n"
    f"        AND l.stepping_xid <> {ME}\n"
    "        AND pg_snapshot_xmax(f.seen) <= pg_snapshot_xmax(pg_current_snapshot())))"
)

_SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


def captured(dialect: PostgresDialect, made: PlannedCapture) -> Capture:
    """What is installed for a query: the views of what waits, the fold, and the live views."""
    plan, asked = made.plan, made.captured
    query = plan.query
    in_python = bool(plan.python_steps)
    live = {each.cache: each.sql for each in made.live} if asked.is_deferred else {}
    ddl = [*made.deltas]
    if not asked.is_deferred:
        logs = dict.fromkeys(log_name(each.table) for each in made.inputs)
        for log in logs:
            index = quoted(bounded(f"{log}_xid"))
            ddl.append(f"CREATE INDEX IF NOT EXISTS {index} ON {quoted(log)} (stepping_xid)")
    drop = [f"DROP TABLE IF EXISTS {quoted(each)}" for each in made.delta_names]
    fold = bounded(f"{query}_fold")

    def waiting(each: CapturedInput, selects: Sequence[str], also: str) -> str:
        return waiting_rows(query, each, selects, asked.is_deferred, also)

    shown = [(each, made.selects[each.name]) for each in made.inputs]
    batches = in_batches(query, shown, waiting, fold)
    if batches is not None:
        ddl += batches.ddl
        drop.append(f"DROP TABLE IF EXISTS {batches.progress}")
        drop.append(f"DROP VIEW IF EXISTS {quoted(batches.table.read_as)}")
    for each, selects in shown:
        if not each.table.read_as:
            ddl.append(f"CREATE VIEW {quoted(each.waiting)} AS\n{waiting(each, selects, '')}")
        drop.append(f"DROP VIEW IF EXISTS {quoted(each.waiting)}")
    if not in_python:
        if asked.is_deferred:
            ddl += deferred_fold(made, fold)
            drop.append(f"DROP FUNCTION IF EXISTS {quoted(fold)}()")
        else:
            ddl += immediate_fold(made, fold)
            drop += (
                f"DROP SEQUENCE IF EXISTS {quoted(register(query))}",
                f"DROP FUNCTION IF EXISTS {quoted(fold)}()",
                f"DROP TRIGGER IF EXISTS {quoted(fold)} ON stepping_pending",
            )
    relations = []
    for cache in plan.caches:
        relation = relation_name(query, cache.name)
        ddl.append(f"CREATE VIEW {quoted(relation)} AS\n{stored_rows(cache)}")
        drop.append(f"DROP VIEW IF EXISTS {quoted(relation)}")
        live_name = ""
        if cache.name in live:
            live_name = bounded(f"{relation}_live")
            ddl.append(f"CREATE VIEW {quoted(live_name)} AS\n{live[cache.name]}")
            drop.append(f"DROP VIEW IF EXISTS {quoted(live_name)}")
        relations.append((cache.name, relation, live_name))
    return Capture(
        asked.refresh,
        asked.on_error,
        made.inputs,
        tuple(ddl),
        tuple(reversed(drop)),
        made.fill,
        "" if in_python else f"SELECT stepping_refresh({literal(query)})",
        in_python,
        lock=(f"SELECT {LOCK.format(literal(query))}",),
        keeps_out=(shut_out(made),),
        one_state=asked.is_deferred and (in_python or plan.steps[-1].fused is None),
        settled=settled(made),
        relations=tuple(relations),
        sources=tuple(sources(plan, stored_rows)),
        in_batches=batches,
    )


def register(query: str) -> str:
    """The sequence that holds the transaction which folded last. `setval` is outside of MVCC, so
    that it leaves no dead rows, and a snapshot that is held open makes no write slower.
    """
    return bounded(f"{query}_folded_by")


def waiting_rows(
    query: str, each: CapturedInput, selects: Sequence[str], deferred: bool, also: str
) -> str:
    """What is written down and not folded in; ``also``: a condition more."""
    log = quoted(log_name(each.table))
    if deferred:
        where = f"NOT ({FOLDED})"
        source = f"FROM {log} AS l JOIN stepping_folds AS f ON f.query = {literal(query)}"
    else:
        where = (
            f"l.stepping_xid = {ME} AND l.stepping_n >= (\n"
            f"    SELECT p.since FROM stepping_pending AS p\n"
            f"    WHERE p.xid = {ME} AND p.query = {literal(query)})"
        )
        source = f"FROM {log} AS l"
    more = f"\n  AND {also}" if also else ""
    return f"{selected(selects)}\n{source}\nWHERE {where}{more}"


def statements_of(step: SQLStep, *, into: str = "") -> list[str]:
    """A step's statements in a function; with ``into``, one that also takes its snapshot."""
    if step.fused is None:
        return [each.sql for each in step.statements if each.role in (Role.CLEAR, Role.RUN)]
    fused = step.fused
    if not into:
        return [_perform(fused.sql, fused.returning_at, "SELECT 0 INTO done")]
    return [_perform(fused.sql, fused.returning_at, f"SELECT pg_current_snapshot() INTO {into}")]


def _perform(sql: str, returning_at: int, last: str) -> str:
    return sql if returning_at == len(sql) else sql[:returning_at] + last


def immediate_fold(made: PlannedCapture, fold: str) -> list[str]:
    """The function that a transaction's commit runs, and the trigger that has it run."""
    query, asked = made.plan.query, made.captured
    arms = []
    for position, each in enumerate(made.inputs if len(made.inputs) > 1 else ()):
        (step,) = (s for s in made.plan.steps if s.inputs == (each.name,))
        arms.append((f"changed = {2**position}", each, statements_of(step)))
    whole = made.plan.steps[-1]
    begin = f"stepping_begin_fold({literal(query)}, {literal(fold)}, "
    begin += f"{literal(quoted(register(query)))})"
    body = ["IF changed IS NULL THEN RETURN NULL; END IF;  -- folded in already"]
    folds = _arms(arms, whole)
    if asked.on_error == "stale":
        folds = [
            "IF (SELECT f.error IS NULL FROM stepping_folds AS f "
            f"WHERE f.query = {literal(query)}) THEN",
            "  BEGIN",
            *(indented(each, 4) for each in folds),
            "  EXCEPTION WHEN OTHERS THEN",
            "    IF left(SQLSTATE, 2) IN ('40', '53', '55', '57') THEN RAISE; END IF;",
            f"    UPDATE stepping_folds AS f SET error = SQLERRM WHERE f.query = {literal(query)};",
            "  END;",
            "END IF;",
        ]
    body += folds
    body.append(
        f"DELETE FROM stepping_pending AS p WHERE p.xid = {ME} AND p.query = {literal(query)};"
    )
    for position, each in enumerate(made.inputs):
        log = log_name(each.table)
        body += (
            f"IF changed & {2**position} <> 0 THEN",
            f"  DELETE FROM {quoted(log)}\n"
            f"    WHERE stepping_xid = {ME} AND stepping_is_folded({literal(log)});",
            "END IF;",
        )
    body.append("RETURN NULL;")
    return [
        f"CREATE SEQUENCE {quoted(register(query))} START 3",
        function(fold, "trigger", f"changed bigint := {begin}; done integer;", body),
        f"REVOKE ALL ON FUNCTION {quoted(fold)}() FROM PUBLIC",
        f"CREATE CONSTRAINT TRIGGER {quoted(fold)} AFTER INSERT ON stepping_pending\n"
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW\n"
        f"WHEN (NEW.query = {literal(query)}) EXECUTE FUNCTION {quoted(fold)}()",
        f"ALTER TABLE stepping_pending ENABLE ALWAYS TRIGGER {quoted(fold)}",
    ]


def _arms(arms: Sequence[tuple[str, CapturedInput, list[str]]], whole: SQLStep) -> list[str]:
    """A fold for each way in which one table alone has changed, and one for all others."""
    general = [
        "PERFORM set_config('enable_hashjoin', 'on', true);  -- two changes may meet",
        *(f"{text};" for text in statements_of(whole)),
    ]
    if not arms:
        return [f"{text};" for text in statements_of(whole)]
    lines = []
    for position, (condition, each, texts) in enumerate(arms):
        word = "IF" if position == 0 else "ELSIF"
        lines.append(f"{word} {condition} THEN  -- {each.table} alone was changed")
        lines += (indented(f"{text};") for text in texts)
    return [*lines, "ELSE", *(indented(text) for text in general), "END IF;"]


def deferred_fold(made: PlannedCapture, fold: str) -> list[str]:
    """The function that folds in all that waits, in one snapshot."""
    query = made.plan.query
    whole = made.plan.steps[-1]
    body = [f"PERFORM {LOCK.format(literal(query))};"]
    if whole.fused is None:
        # At READ COMMITTED several statements see one state only while nobody writes.
        body += (
            "IF current_setting('transaction_isolation') = 'read committed' THEN",
            f"  {shut_out(made)};",
            "END IF;",
        )
        body += (f"{text};" for text in statements_of(whole))
        body.append("taken := pg_current_snapshot();")
    else:
        body += (f"{text};" for text in statements_of(whole, into="taken"))
    body += (
        f"UPDATE stepping_folds AS f SET seen = taken, xid = {ME}, error = NULL,\n"
        f"  n = {LAST_ROW}, folded_at = clock_timestamp()\n"
        f"WHERE f.query = {literal(query)};",
    )
    body += (f"{forget(each)};" for each in made.inputs)
    return [function(fold, "void", "taken pg_snapshot;", body)]


def shut_out(made: PlannedCapture) -> str:
    tables = sorted({written(each.table) for each in made.inputs})
    return f"LOCK TABLE {', '.join(tables)} IN SHARE MODE"


def settled(made: PlannedCapture) -> tuple[str, ...]:
    """What the library runs after a fold of its own."""
    after = (
        f"UPDATE stepping_folds AS f SET seen = pg_current_snapshot(), xid = {ME}, error = NULL,\n"
        f"  n = {LAST_ROW}, folded_at = clock_timestamp()\n"
        f"WHERE f.query = {literal(made.plan.query)}"
    )
    return (after, *map(forget, made.inputs))


def forget(each: CapturedInput) -> str:
    """Deletes the rows of a log that every query which follows the table has folded in."""
    log = log_name(each.table)
    return (
        f"DELETE FROM {quoted(log)} AS l WHERE NOT EXISTS (\n"
        "  SELECT FROM stepping_readers AS r LEFT JOIN stepping_folds AS f ON f.query = r.query\n"
        f"  WHERE r.log = {literal(log)} AND NOT CASE WHEN r.deferred\n"
        f"    THEN {FOLDED}\n"
        f"    ELSE NOT EXISTS (SELECT FROM stepping_pending AS p\n"
        "                     WHERE p.xid = l.stepping_xid AND p.query = r.query) END)"
    )


def function(called: str, returns: str, declare: str, body: Sequence[str]) -> str:
    settings = "\n".join(
        " ".join(f"SET {key} = '{value}'" for key, value in each.items())
        for each in (_SETTINGS, TEXTS)
    )
    text = "\n".join(indented(line) for line in body)
    return (
        f"CREATE FUNCTION {quoted(called)}() RETURNS {returns}\n"
        f"LANGUAGE plpgsql {DEFINER}\n{settings} SET enable_hashjoin = 'off'\n"
        f"AS $stepping$\n#variable_conflict use_column\nDECLARE {declare}\nBEGIN\n{text}\n"
        "END $stepping$"
    )


# -- what readers see -----------------------------------------------------------------------------


def live_rows(
    dialect: PostgresDialect,
    step: Step,
    reads: Sequence[ReadDelta],
    cache: SQLCache,
    *,
    distinct: bool,
) -> str:
    """A cache as it is with all that waits."""
    listed = ", ".join(quoted(each.name) for each in cache.columns)
    parts, called = step_parts(dialect, step)
    changes = (dialect.text(each.select, called) for each in reads)
    both = "\nUNION ALL\n".join((cache.read_sql, *changes))
    parts.append(f"both_parts ({listed}, stepping_count) AS (\n{indented(both)}\n)")
    parts.append(
        f"now_rows AS (\n  SELECT {listed}, sum(stepping_count) AS stepping_count FROM both_parts\n"
        f"  GROUP BY {listed} HAVING sum(stepping_count) > 0\n)"
    )
    copies = "" if distinct else "\nCROSS JOIN LATERAL generate_series(1, r.stepping_count)"
    return (
        "WITH " + ", ".join(parts) + f"\n{selected(columns_of(cache))}\nFROM now_rows AS r{copies}"
    )
