"""From one version of a captured query to the next: the results are computed from its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stepping.compiler.plan.capture import staged_name
from stepping.compiler.plan.changes import table_changes
from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.migration import FilledFrom, Migration, MigrationStatement, Phase
from stepping.compiler.plan.shown import shown_changes
from stepping.compiler.plan.sql_plan import Capture, Role, SQLPlan
from stepping.dialects import get_dialect
from stepping.dialects.capture import Reader, capture_of, installation, making_way, removal
from stepping.dialects.driver import Driver
from stepping.errors import MigrationError
from stepping.runtime import captured
from stepping.runtime import catalog as catalog_rows
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
    above = captured.uppers(driver, graph.name) if changes else []
    if above:
        raise MigrationError(
            f"the results of {graph.name!r} are read by the query {above[0]!r}",
            hint=f"uninstall {', '.join(above)} first, and install it again behind the migration",
        )
    if old is None or changes:
        captured.check_tables(driver, plan, scans=graph.scans)
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
    beside = beside and not driver.one_writer
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
    if beside:
        staged = graph.staged().program(driver.dialect, base=base).plan
        steps = Beside(driver, plan, staged, old, others).statements()
        made = replace(made, statements=tuple(steps), staged=staged.fingerprint)
    else:
        steps = at_once(driver, plan, old, others)
        made = replace(made, statements=tuple(steps))
    if old is None:
        back = [*removal(words, plan.manifest, others), catalog.forgotten(plan.query)]
        undone = tuple(
            MigrationStatement(Phase.SWITCH, t, "taken away", ignore=on_purpose(t)) for t in back
        )
        return made, undone, ""
    back_to = catalog_rows.stored_as(driver, old)
    if back_to is None:
        why = "no store was opened on the version before, so that its plan is not in the catalog"
        return made, (), f"{why}: apply what its code says"
    if in_python(capture_of(back_to)) or back_to.registered:
        return made, (), "the version before is computed in Python steps: open it by its own code"
    return made, tuple(at_once(driver, back_to, plan.manifest, others)), ""


def in_python(capture: Capture) -> bool:
    """Whether the results are computed in Python steps."""
    return any(each.role in (Role.PYTHON, Role.FOLD) for each in capture.fill.statements)


def at_once(
    driver: Driver, plan: SQLPlan, old: Manifest | None, others: Sequence[Reader]
) -> Iterator[MigrationStatement]:
    """One transaction, in which writers of the tables wait."""
    capture, words = capture_of(plan), driver.capturing
    catalog = get_dialect(driver.dialect).migrations
    fill = capture.fill
    tables = ", ".join(sorted({str(each.table) for each in capture.inputs}))
    lock = f"writers of {tables}, until the transaction ends"

    def steps(texts: Iterable[str], note: str) -> Iterator[MigrationStatement]:
        for text in texts:
            held = lock if text.startswith("LOCK TABLE") else ""
            yield MigrationStatement(Phase.SWITCH, text, note, held, ignore=on_purpose(text))

    yield from steps(plan.own_ddl, "our own tables, unless they are there")
    yield from steps(guards(driver, plan, old, others), "the database is as it was then")
    changes = shown_changes(() if old is None else old.results, plan.manifest.results)
    if old is not None and old.capture is not None:
        before = {each.sql: each for each in catalog.before_shown(changes)}
        for text in making_way(words, old, others, before):
            yield from (
                [before[text]] if text in before else steps([text], "the version before goes")
            )
    for lower in captured.lowers(driver, capture):
        note = f"the results of {lower.query} are folded in at once from now on"
        yield from steps(words.read_by_others(lower), note)
    ddl = tuple(catalog.shown_again(text, changes) for text in capture.ddl)
    made = installation(words, replace(plan, capture=replace(capture, ddl=ddl)), others)
    yield from steps(made, "tables, triggers and views of the new version")
    if old is not None:
        yield from catalog.after_shown(changes)
    yield from steps(fill.session, "its results")
    for each in fill.statements:
        yield MigrationStatement(Phase.SWITCH, each.sql, "its results", scans=tables)
    yield from steps(fill.drop, "its results")
    yield from steps(words.begun(plan.query, capture), "from now on it follows")
    if old is not None:
        yield from steps([catalog.installed(plan.query, plan.manifest.row, True)], "the catalog")


def readers(driver: Driver, query: str, before: Sequence[Manifest]) -> list[Reader]:
    """The other queries that follow tables, once those are installed that come ``before``."""
    gone = {query, staged_name(query), *(each.query for each in before)}
    found = [each for each in captured.readers(driver) if each.query not in gone]
    for each in before:
        found += readers_of(each) if each.query != query else []
    return found
