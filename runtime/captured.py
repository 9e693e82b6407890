"""Captured queries: installed beside the application's tables, refreshed, checked, taken away."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stepping.compiler.plan.base_tables import COPIED, IN_ORDER, BaseTable
from stepping.compiler.plan.capture import DEFERRED, IMMEDIATE, Captured, staged_name
from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.sql_plan import Capture, Role, SQLPlan
from stepping.compiler.schema import bounded
from stepping.dialects.capture import (
    DEFER,
    Reader,
    capture_of,
    installation,
    literal,
    log_name,
)
from stepping.dialects.driver import Driver
from stepping.dialects.identifiers import quoted
from stepping.errors import CaptureError, RowError, SchemaMismatch, StoreError
from stepping.runtime import catalog, log_types
from stepping.runtime.filling import installation_text
from stepping.runtime.occupied import check_free, names_of
from stepping.runtime.running import Statements

READERS = "stepping_readers"
MANY_ROWS = 100_000  # in tables: from there on whoever waits for a fill is to be told
VERY_MANY_ROWS = 3_000_000  # from there on one snapshot is not held for all of them
log = logging.getLogger("stepping")
TURNS = 8  # so often a fold is tried that loses against another one


def described(driver: Driver, graph: AnyGraph) -> tuple[tuple[str, BaseTable], ...]:
    """The tables of a captured query as the database describes them, by input.

    Raises `CaptureError` with all that is missing.
    """
    captured = captured_of(graph)
    words = driver.capturing
    tables, missing = [], []
    with driver.reading():
        for label, reference in captured.tables:
            found = words.describe(driver.read, reference)
            if found is None:
                missing.append(f"{label}: there is no table {reference}")
                continue
            if found.kind != "table":
                owner = shown_by(driver, found.name)
                if owner is None:
                    missing += words.refusals(found)
                    continue
                result = as_table(found, owner)
                if isinstance(result, str):
                    missing.append(f"{reference} is {result}")
                    continue
                found = result
            there = {each.name for each in found.columns}
            for _, column in reference.columns:
                if column not in there:
                    missing.append(
                        f"{label}: {reference} has no column {column!r}; it has "
                        + ", ".join(sorted(there))
                    )
            tables.append((label, found))
    if missing:
        raise CaptureError(
            f"the tables of the query {graph.name!r} are not those of this database:\n  "
            + "\n  ".join(missing),
            hint=graph.naming,
        )
    return tuple(tables)


Tables = tuple[tuple[str, BaseTable], ...]


def variants(tables: Tables) -> Iterator[Tables]:
    """The tables, and as they are where another index was there when a query was installed: what
    it keeps is what it was then, until it is migrated.
    """
    yield tables
    for how in (IN_ORDER, COPIED):
        yield tuple((name, each.read(how)) for name, each in tables)


def as_installed(driver: Driver, graph: AnyGraph, **options: Any) -> Tables:
    """The tables of a query, as what is installed of it takes them if it is the same query."""
    tables = described(driver, graph)
    found = catalog.queries(driver).get(graph.name)
    for each in () if found is None else variants(tables):
        plan = graph.program(driver.dialect, base=each, **options).plan
        if found is not None and plan.fingerprint == found.fingerprint:
            return each
    return tables


def remember(driver: Driver, graph: AnyGraph) -> None:
    """Store the plan of a query that has been installed by a script."""
    base = as_installed(driver, graph)
    plan = graph.program(driver.dialect, base=base).plan
    key = graph.plan_key(driver.dialect, base=base)
    catalog.remember(driver, plan, key, lambda: graph.recompute(driver.dialect, base=base)[0])


def shown_by(driver: Driver, name: str) -> Manifest | None:
    """The installed query that shows its result under a name."""
    for each in catalog.queries(driver).values():
        if name in names_of(each):
            return each.manifest()
    return None


def as_table(found: BaseTable, lower: Manifest) -> BaseTable | str:
    """The result of a query as a table that another one reads; or what it is, if it cannot be."""
    capture, query = lower.capture, lower.query
    if capture is None:
        return (
            f"the result of the query {query!r}, whose changes are given to st.actions: only those "
            "of a query that follows tables can be followed"
        )
    made = next((each for each in capture.sources if each.relation == found.name), None)
    if made is None:
        named = ", ".join(each.relation for each in capture.sources)
        return f"a part of the query {query!r}, whose results are {named}"
    facts = [
        ("of", query),
        ("kept", made.kept),
        ("kept_columns", "\0".join(made.columns)),
        ("parts", ", ".join(made.parts)),
        ("select", made.select),
    ]
    if capture.refresh == IMMEDIATE and not capture.folds_by_itself and lower.dialect == "sqlite":
        facts.append(("lags", "since what is written is not folded in by triggers"))
    facts.append(("in_python", "yes" if capture.in_python else ""))
    return replace(found, kind="table", facts=tuple(each for each in facts if each[1]))


def captured_of(graph: Any) -> Captured:
    found = getattr(graph, "captured", None)
    if found is None:
        raise StoreError(f"the inputs of the query {graph.name!r} are no tables of the database")
    known: Captured = found
    return known


def planned_from(table: BaseTable, columns: Sequence[str]) -> BaseTable:
    """What of a table a plan depends on: not what nobody reads."""
    read = tuple(each for each in table.columns if each.name in set(columns))
    return replace(table, columns=read, rows=-1)


def check_tables(driver: Driver, plan: SQLPlan, graph: AnyGraph, *, scans: bool) -> None:
    """Raise `CaptureError`, with all findings, for tables that cannot be captured."""
    capture = capture_of(plan)
    check_triggers(driver, plan)
    log_types.check(driver, plan.query, capture, readers(driver))
    words = driver.capturing
    findings: list[str] = []
    for each in capture.inputs:
        findings += words.refusals(each.table)
    unindexed = [] if findings or scans else missing_indexes(driver, capture)
    findings += unindexed
    findings += capture.refused
    if capture.in_python and capture.refresh != DEFERRED:
        steps = len(plan.python_steps)
        what = f"{steps} Python step{'s' * (steps != 1)}" if steps else "functions of this process"
        findings.append(
            f"the query needs {what}, which no trigger can run: {DEFER}, and refreshed from Python"
        )
    if findings:
        hints = [graph.saying("refresh", DEFERRED)] if any(DEFER in e for e in findings) else []
        if unindexed:
            hints.append(f"an index, or {graph.scanning} if the table is short")
        raise CaptureError(
            f"the query {plan.query!r} cannot be captured:\n  " + "\n  ".join(findings),
            hint="; ".join((*hints, "nothing was installed")),
        )


def check_triggers(driver: Driver, plan: SQLPlan) -> None:
    """Raise `CaptureError` where other queries follow a table of a query, and triggers are gone.

    Without them the query would not follow it either. Made again, they would hide that the results
    of the others are wrong: that is for `repair`, which computes these as well.
    """
    mine = {plan.query, staged_name(plan.query)}
    others = [each for each in readers(driver) if each.query not in mine]
    wrong: list[str] = []
    names: set[str] = set()
    for each in capture_of(plan).inputs:
        following = {other.query for other in others if other.log == log_name(each.table)}
        lost = driver.capturing.triggers(driver.read, each.table) if following else []
        if lost:
            wrong += (f"{each.table}: the trigger {what}" for what in lost)
            names |= following
    if wrong:
        listed = ", ".join(sorted(names))
        raise CaptureError(
            f"the query {plan.query!r} would not follow its tables:\n  " + "\n  ".join(wrong),
            hint="nothing was done. These triggers were lost when a table was rebuilt or were "
            f"switched off, and so the results of {listed} may be wrong: `stepping repair "
            "MODULE:QUERY --db URL`, of one of these, makes them again and computes the results; "
            "or uninstall them first",
        )


def missing_indexes(driver: Driver, capture: Capture) -> list[str]:
    """The look-ups of tables that no index serves, each with what creates one."""
    found = []
    for each in capture.inputs:
        for key in each.keys:
            if not each.table.is_indexed(key):
                ddl = driver.capturing.index_ddl(each.table, key)
                found.append(
                    f"{each.table} is looked up by {', '.join(key)}, and has no index for it: {ddl}"
                )
    return found


def readers(driver: Driver) -> list[Reader]:
    """All queries that follow tables, with what they read."""
    if not driver.existing([READERS]):
        return []
    sqlite = driver.dialect == "sqlite"
    itself = "folds_by_itself" if sqlite else "NOT deferred"
    rows = driver.read(f"SELECT query, log, columns, {itself} FROM {READERS}")  # noqa: S608
    return [Reader(q, log, tuple(json.loads(c)), bool(f)) for q, log, c, f in rows]


def install(driver: Driver, plan: SQLPlan, statements: Statements, target: str) -> bool:
    """Create all that a captured query needs and fill its tables, in one transaction; False if it
    is there already.

    Writers of the tables wait until it ends.
    """
    found = catalog.queries(driver).get(plan.query)
    if found is not None:
        if found.fingerprint != plan.fingerprint:
            raise catalog.mismatch(found, plan, target)
        return False
    begun = catalog.half_installed(driver, plan.query)
    if begun is not None:
        said = installation_text(driver, begun)
        raise SchemaMismatch(
            f"the query {plan.query!r} is not installed yet. {said}",
            hint="wait for `stepping apply`, or run it again",
        )
    say_if_large(driver, plan, target)
    capture, words = capture_of(plan), driver.capturing
    with driver.writing():
        driver.alone()
        check_free(driver, plan.manifest)
        for lower in lowers(driver, capture):
            driver.script(words.read_by_others(lower))
        driver.script(installation(words, plan, readers(driver)))
        fill(driver, capture, statements)
        driver.script(words.begun(plan.query, capture))
    return True


def say_if_large(driver: Driver, plan: SQLPlan, target: str) -> None:
    """Tell in the log, before it begins, for how many rows writers are going to wait."""
    rows = rows_of(driver, capture_of(plan))
    if rows >= MANY_ROWS:
        instead = (
            "" if driver.one_writer else f"; `stepping migrate {target} --apply` lets them go on"
        )
        log.warning(
            "The query %r is filled from about %s rows, while writers of its tables wait%s",
            *(plan.query, f"{rows:,}", instead),
        )


def rows_of(driver: Driver, capture: Capture) -> int:
    """How many rows are in the tables of a query, about."""
    return sum(rows_by_table(driver, capture).values())


def rows_by_table(driver: Driver, capture: Capture) -> dict[BaseTable, int]:
    tables = dict.fromkeys(each.table for each in capture.inputs)
    sizes = driver.sizes(sorted({each.name for each in tables if not each.schema}))
    return {
        each: max(each.rows, 0) if each.schema or each.name not in sizes else sizes[each.name].rows
        for each in tables
    }


def largest_in_order(driver: Driver, capture: Capture) -> BaseTable | None:
    """The table with most rows of those whose rows an index tells apart."""
    rows = rows_by_table(driver, capture)
    found = (each for each in rows if not each.of and each.telling is not None)
    return max(found, key=lambda each: rows[each], default=None)


def in_batches(tables: Tables, read: BaseTable | None, query: str) -> Tables:
    """The tables of a query, one of which is read as far as it has come."""
    if read is None or read.telling is None:
        return tables
    view, position = bounded(f"{query}__read"), read.telling
    same = read.schema, read.name
    return tuple(
        (label, t.read_in_batches(view, position) if (t.schema, t.name) == same else t)
        for label, t in tables
    )


def fill(driver: Driver, capture: Capture, statements: Statements | None) -> None:
    """Fill a query's tables, which are empty, from the application's.

    ``statements`` run its Python steps.
    """
    driver.script(capture.fill.session)
    for statement in capture.fill.statements:
        if statement.role in (Role.PYTHON, Role.FOLD):
            assert statements is not None
            statements.run_python(statement)
        else:
            driver.run(statement)
    driver.script(capture.fill.drop)


def lowers(
    driver: Driver, capture: Capture, instead: Mapping[str, Manifest] | None = None
) -> list[Manifest]:
    """The queries whose results a query reads, each behind those that it reads itself; ``instead``
    are those that will be another version.
    """
    names = dict.fromkeys(each.table.of for each in capture.inputs if each.table.of)
    installed = catalog.queries(driver) if names else {}
    found: dict[str, Manifest] = {}
    for name in names:
        manifest = (instead or {}).get(name) or installed[name].manifest()
        assert manifest.capture is not None
        found |= {each.query: each for each in lowers(driver, manifest.capture, instead)}
        found[name] = manifest
    return list(found.values())


def uppers(driver: Driver, query: str) -> list[str]:
    """The queries that read the results of a query."""
    if not driver.existing([READERS]):
        return []
    name = literal(query)
    rows = driver.read(
        f"SELECT DISTINCT query FROM {READERS} WHERE result_of = {name} ORDER BY query"  # noqa: S608
    )
    return [row[0] for row in rows]


def refresh_lowers(driver: Driver, capture: Capture) -> None:
    """Fold in what waits for the results that a query reads."""
    for manifest in lowers(driver, capture):
        if manifest.capture is not None and not manifest.capture.in_python:
            refresh_installed(driver, manifest)


def refresh(driver: Driver, plan: SQLPlan, statements: Statements) -> None:
    """Fold in what waits; what the transaction of the caller has written, included.

    ``statements`` run the fold, if the database alone cannot.
    """
    capture = capture_of(plan)
    try:
        _refreshed(driver, plan, statements, capture)
    except Exception as error:
        failure = driver.failure(error)
        if failure is None:
            raise
        hint = "nothing was folded in: the result stays as it was, until these rows are changed"
        raise RowError(f"{failure}; in the query {plan.query!r}", hint=hint) from error


def _refreshed(driver: Driver, plan: SQLPlan, statements: Statements, capture: Capture) -> None:
    if capture.in_python:
        refresh_lowers(driver, capture)
    if not capture.in_python:
        folded(driver, capture, lambda: driver.script([capture.fold]))
        return
    step = plan.steps[-1].statements
    folded(driver, capture, lambda: statements.run(step, {}, removes=False, output=False))


def folded(driver: Driver, capture: Capture, fold: Callable[[], object]) -> None:
    """Run a fold in a transaction; again where another one was quicker and nothing is committed."""
    joined = driver.in_transaction()
    for turn in range(TURNS):
        alone = capture.one_state and not joined
        try:
            with driver.computing() if alone else driver.writing():
                if capture.in_python:
                    driver.script(capture.lock)
                    driver.script(capture.keeps_out if joined else ())
                fold()
                if capture.in_python:
                    driver.script(capture.settled)
            return
        except Exception as error:
            if joined or turn == TURNS - 1 or not driver.is_transient(error):
                raise
        time.sleep(0.01 * random.random() * 2**turn)


def refill(driver: Driver, plan: SQLPlan, statements: Statements | None) -> None:
    """Compute a query's tables from the application's, whatever they hold."""
    capture, words = capture_of(plan), driver.capturing
    with driver.writing():
        refresh_lowers(driver, capture)
        driver.script(words.lock([each.table for each in capture.inputs]))
        for each in plan.tables:
            driver.script([f"DELETE FROM {quoted(each.table.name)}"])  # noqa: S608
        fill(driver, capture, statements)
        driver.script(words.begun(plan.query, capture))


def refresh_installed(driver: Driver, manifest: Manifest) -> None:
    """`refresh` of a query that the database alone can fold in, whatever its code is."""
    capture = manifest.capture
    assert capture is not None
    folded(driver, capture, lambda: driver.script([capture.fold]))
