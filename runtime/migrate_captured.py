"""From one version of a captured query to the next: the results are computed from its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.capture import staged_name
from stepping.compiler.plan.changes import table_changes
from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.migration import FilledFrom, Migration, MigrationStatement, Phase
from stepping.compiler.plan.shown import ShownChange, shown_changes
from stepping.compiler.plan.sql_plan import Capture, Role, SQLPlan
from stepping.dialects import get_dialect
from stepping.dialects.capture import (
    Reader,
    capture_of,
    making_way,
    removal,
    sections,
    unfollowed,
    unmade,
)
from stepping.dialects.driver import Driver
from stepping.errors import MigrationError
from stepping.runtime import captured, log_types
from stepping.runtime import catalog as catalog_rows
from stepping.runtime.above import Above, made_again
from stepping.runtime.above import guards as guards_above
from stepping.runtime.beside import Beside, guards, on_purpose, readers_of
from stepping.runtime.occupied import check_free


def migration(
    driver: Driver,
    graph: AnyGraph,
    old: Manifest | None,
    backfill: Mapping[str, Any],
    before: Sequence[Manifest] = (),
    in_batches: bool | None = None,
) -> tuple[Migration, tuple[MigrationStatement, ...], str]:
    """The migration, its way back, and why there is none.

    What is there goes and what is wanted comes in one transaction, in which writers of the tables
    wait; on Postgres, where they are large or ``in_batches`` says so, writers go on while the new
    version is filled beside the old one.
    """
    if backfill:
        raise MigrationError(
            f"backfill says where rows of {', '.join(backfill)} come from, and they are in tables",
            hint="leave it out: what a captured query keeps is computed from its tables",
        )
    base = captured.as_installed(driver, graph)
    plan = graph.program(driver.dialect, base=base).plan
    changes = old is not None and old.fingerprint != plan.fingerprint
    above: list[Above] = []
    below: list[Above] = []
    if old is not None and changes:
        above, below = made_again(driver, old, plan)
    written = {each.query for each in before}
    for each in capture_of(plan).inputs:
        if each.table.of in written:
            raise MigrationError(
                f"{graph.name!r} reads the results of {each.table.of!r}, which is migrated before",
                hint=f"apply that first, and write the migration of {graph.name} then",
            )
    if old is None or changes:
        captured.check_tables(driver, plan, graph, scans=graph.scans)
        check_free(driver, plan.manifest, old)
    capture, words = capture_of(plan), driver.capturing
    catalog = get_dialect(driver.dialect).migrations
    others = readers(driver, plan.query, before)
    if in_python(capture):
        raise MigrationError(
            f"the results of {plan.query!r} are computed in Python steps, which no script can run",
            hint="store.uninstall() with the version before, then open the new one",
        )
    beside = in_batches
    if beside is None:
        beside = captured.rows_of(driver, capture) >= captured.MANY_ROWS
    beside = beside and not driver.one_writer and not above
    # Beside the version before, the log keeps the types that it has for that one.
    beside = beside and not log_types.outdated(driver, capture)
    made = Migration(
        plan.query,
        driver.dialect,
        old,
        plan.manifest,
        table_changes(old, plan.manifest, get_dialect(driver.dialect).is_same_table),
        filled_from=tuple(
            FilledFrom(each.table.name, str(each.table), "") for each in capture.inputs
        ),
    )
    if old is not None and not changes:
        return made, (), ""
    key = graph.plan_key(driver.dialect, base=base)
    recompute = graph.recompute(driver.dialect, base=base)[0]
    last = catalog_rows.remembering(plan, recompute, key)
    if beside:
        read, why = table_in_batches(driver, plan, bool(in_batches))
        in_part = captured.in_batches(base, read, staged_name(plan.query))
        aside = catalog_rows.named(driver, graph.staged())  # as it was begun, if it was
        staged = aside.program(driver.dialect, base=in_part).plan
        steps = [*Beside(driver, plan, staged, old, others).statements(), remembered(last)]
        made = replace(made, statements=tuple(steps), staged=staged.fingerprint, unbatched=why)
    else:
        steps = [*at_once(driver, plan, old, others, above), remembered(last)]
        names = tuple(each.old.query for each in above)
        made = replace(made, statements=tuple(steps), above=names)
    if old is None:
        texts = [*removal(words, plan.manifest, others), catalog.forgotten(plan.query)]
        undone = tuple(
            MigrationStatement(Phase.SWITCH, t, "taken away", ignore=on_purpose(t)) for t in texts
        )
        return made, undone, ""
    back_to = catalog_rows.stored_as(driver, old)
    if back_to is None:
        why = "no store was opened on the version before, so that its plan is not in the catalog"
        return made, (), f"{why}: apply what its code says"
    if in_python(capture_of(back_to)) or back_to.registered:
        return made, (), "the version before is computed in Python steps: open it by its own code"
    back = [*at_once(driver, back_to, plan.manifest, others, below)]
    last = catalog_rows.remembering(back_to, catalog_rows.stored_recompute(driver, old.query))
    return made, (*back, remembered(last)), ""


def table_in_batches(driver: Driver, plan: SQLPlan, wanted: bool) -> tuple[BaseTable | None, str]:
    """The table that is read batch by batch, if one is; or why none is where it was to be.

    What has been begun goes on as it was begun.
    """
    begun = catalog_rows.half_installed(driver, plan.query)
    if begun is not None:
        there = begun.manifest().capture
        batches = None if there is None else there.in_batches
        return (None if batches is None else batches.table), ""
    capture = capture_of(plan)
    if not wanted and captured.rows_of(driver, capture) < captured.VERY_MANY_ROWS:
        return None, ""
    if capture.whole_groups:
        return None, "a group would be computed anew for each batch that has a row of it"
    found = captured.largest_in_order(driver, capture)
    if found is None:
        return None, "no table has an index that tells its rows apart, of columns that are not NULL"
    return found, ""


def fed_from_now_on(
    driver: Driver, made: Migration, before: Sequence[Manifest]
) -> tuple[MigrationStatement, ...]:
    """The statements of a migration to a version that is fed, where the one before follows tables:
    what follows them goes first, so that no change is counted by both.
    """
    old = made.old
    assert old is not None
    assert old.capture is not None
    words, catalog = driver.capturing, get_dialect(driver.dialect).migrations
    others = readers(driver, old.query, before)
    changes = shown_changes(old.results, made.new.results)
    tables = ", ".join(str(each.table) for each in old.capture.inputs)
    lock = f"writers of {tables}, until the transaction ends"
    first = catalog.before_shown(changes)
    texts = [*unmade(old), *unfollowed(words, old, others)]
    texts += words.own_drop() if not others else ()
    note = f"{old.query} follows no table any more"
    switch = [
        MigrationStatement(Phase.SWITCH, text, note, lock if text.startswith("LOCK TABLE") else "")
        for text in words.lock([each.table for each in old.capture.inputs])
    ]
    switch += first
    switch += (MigrationStatement(Phase.SWITCH, t, note, ignore=on_purpose(t)) for t in texts)
    rest = (replace(each, sql=catalog.shown_again(each.sql, changes)) for each in made.statements)
    return (*switch, *rest, *catalog.after_shown(changes))


def remembered(text: str) -> MigrationStatement:
    note = "its plan: the next migration has a way back by it, and verify needs no code"
    return MigrationStatement(Phase.SWITCH, text, note)


def in_python(capture: Capture) -> bool:
    """Whether the results are computed in Python steps."""
    return any(each.role in (Role.PYTHON, Role.FOLD) for each in capture.fill.statements)


def at_once(
    driver: Driver,
    plan: SQLPlan,
    old: Manifest | None,
    others: Sequence[Reader],
    above: Sequence[Above] = (),
) -> Iterator[MigrationStatement]:
    """One transaction, in which writers of the tables wait; the queries ``above`` go first, and
    come again behind it.
    """
    catalog = get_dialect(driver.dialect).migrations
    inputs = [i for each in (plan, *(a.plan for a in above)) for i in capture_of(each).inputs]
    tables = ", ".join(sorted({str(each.table) for each in inputs if not each.table.of}))
    lock = f"writers of {tables}, until the transaction ends"

    def steps(texts: Iterable[str], note: str) -> Iterator[MigrationStatement]:
        for text in texts:
            held = lock if text.startswith("LOCK TABLE") else ""
            yield MigrationStatement(Phase.SWITCH, text, note, held, ignore=on_purpose(text))

    reading = [reader for each in above for reader in readers_of(each.old)]
    others = [each for each in others if each.query not in {r.query for r in reading}]
    yield from steps(plan.own_ddl, "our own tables, unless they are there")
    found = [*guards(driver, plan, old, [*others, *reading]), *guards_above(catalog, above)]
    yield from steps(found, "the database is as it was then")
    pairs = [(old, plan), *((each.old, each.plan) for each in above)]
    for position, (was, now) in reversed(list(enumerate(pairs))):
        if was is None or was.capture is None:
            continue
        left = [reader for below, _ in pairs[:position] for reader in readers_of(below)]
        first = {each.sql: each for each in catalog.before_shown(shown_by(was, now))}
        note = f"{was.query}: the version before goes"
        for text in making_way(driver.capturing, was, [*others, *left], first):
            yield from [first[text]] if text in first else steps([text], note)
    instead = {now.query: now.manifest for _, now in pairs}
    for position, (was, now) in enumerate(pairs):
        there = [reader for _, below in pairs[:position] for reader in readers_of(below.manifest)]
        lowers = captured.lowers(driver, capture_of(now), instead)
        yield from steps(lower_texts(driver, lowers), "what it reads is folded in at once")
        changes = shown_by(was, now)
        yield from installed_by(driver, now, [*others, *there], changes, tables, steps)
        if was is not None:
            yield from catalog.after_shown(changes)
    if old is not None:
        yield from steps([catalog.installed(plan.query, plan.manifest.row, True)], "the catalog")
    yield from steps([each.said for each in above], "the catalog")


def shown_by(old: Manifest | None, new: SQLPlan) -> tuple[ShownChange, ...]:
    return shown_changes(() if old is None else old.results, new.manifest.results)


def lower_texts(driver: Driver, lowers: Iterable[Manifest]) -> Iterator[str]:
    for lower in lowers:
        yield from driver.capturing.read_by_others(lower)


def installed_by(
    driver: Driver,
    plan: SQLPlan,
    others: Sequence[Reader],
    changes: Sequence[ShownChange],
    tables: str,
    steps: Callable[[Iterable[str], str], Iterator[MigrationStatement]],
) -> Iterator[MigrationStatement]:
    """A query with its results, where some of its relations are there already."""
    words, capture = driver.capturing, capture_of(plan)
    catalog = get_dialect(driver.dialect).migrations
    fill, results = capture.fill, f"the results of {plan.query}"
    ddl = tuple(catalog.shown_again(text, changes) for text in capture.ddl)
    for each in sections(words, replace(plan, capture=replace(capture, ddl=ddl)), others):
        made = (text for text in each.statements if text not in plan.own_ddl)  # there already
        yield from steps(made, each.title)
    yield from steps(fill.session, results)
    for filling in fill.statements:
        yield MigrationStatement(Phase.SWITCH, filling.sql, results, scans=tables)
    yield from steps(fill.drop, results)
    yield from steps(words.begun(plan.query, capture), "from now on it follows")


def readers(driver: Driver, query: str, before: Sequence[Manifest]) -> list[Reader]:
    """The other queries that follow tables, once those are installed that come ``before``."""
    gone = {query, staged_name(query), *(each.query for each in before)}
    found = [each for each in captured.readers(driver) if each.query not in gone]
    for each in before:
        found += readers_of(each) if each.query != query else []
    return found
