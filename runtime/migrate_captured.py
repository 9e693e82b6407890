"""From one version of a captured query to the next: the results are computed from its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepping.compiler.plan.changes import table_changes
from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.migration import FilledFrom, Migration, MigrationStatement, Phase
from stepping.compiler.plan.sql_plan import Role
from stepping.dialects import get_dialect
from stepping.dialects.capture import Reader, capture_of, installation, log_name, removal
from stepping.dialects.driver import Driver
from stepping.errors import MigrationError
from stepping.runtime import captured


def migration(
    driver: Driver,
    graph: AnyGraph,
    old: Manifest | None,
    backfill: Mapping[str, Any],
    before: Sequence[Manifest] = (),
) -> tuple[Migration, tuple[MigrationStatement, ...], str]:
    """The migration, its way back, and why there is none.

    What is there goes and what is wanted comes in one transaction, in which writers of the tables
    wait.
    """
    if backfill:
        raise MigrationError(
            f"backfill says where rows of {', '.join(backfill)} come from, and they are in tables",
            hint="leave it out: what a captured query keeps is computed from its tables",
        )
    base = captured.described(driver, graph)
    plan = graph.program(driver.dialect, base=base).plan
    captured.check_tables(driver, plan, scans=False)
    capture, words = capture_of(plan), driver.capturing
    dialect = get_dialect(driver.dialect)
    catalog = dialect.migrations
    others = readers(driver, plan.query, before)
    said = "nothing" if old is None else f"version of {plan.query} that this script was written for"
    fingerprint = None if old is None else old.fingerprint
    note = "our own tables, unless they are there"
    statements = [MigrationStatement(Phase.SWITCH, text, note) for text in plan.own_ddl]
    statements += [
        MigrationStatement(Phase.SWITCH, text, "the database is as it was when this was written")
        for text in catalog.guard(plan.query, fingerprint, f"there is not {said}")
    ]

    def add(texts: Any, note: str) -> None:
        statements.extend(MigrationStatement(Phase.SWITCH, text, note) for text in texts)

    if old is not None and old.capture is not None:
        add(removal(words, old, others), "the version before goes")
    add(installation(words, plan, others), "tables, triggers and views of the new version")
    fill = capture.fill
    if any(each.role in (Role.PYTHON, Role.FOLD) for each in fill.statements):
        raise MigrationError(
            f"the results of {plan.query!r} are computed in Python steps, which no script can run",
            hint="store.uninstall() with the version before, then open the new one",
        )
    add([*fill.session, *(each.sql for each in fill.statements), *fill.drop], "its results")
    add(words.begun(plan.query, capture), "from now on it follows")
    if old is not None:
        add([catalog.installed(plan.query, plan.manifest.row, True)], "the catalog")
    tables = tuple(FilledFrom(each.table.name, str(each.table), "") for each in capture.inputs)
    made = Migration(
        plan.query,
        driver.dialect,
        old,
        plan.manifest,
        table_changes(old, plan.manifest, dialect.is_same_table),
        tuple(statements),
        filled_from=tables,
    )
    if old is None:
        back = [*removal(words, plan.manifest, others), catalog.forgotten(plan.query)]
        undone = tuple(MigrationStatement(Phase.SWITCH, t, "taken away") for t in back)
        return made, undone, ""
    why = "the version before is computed from the tables by its own code: install that"
    return made, (), why


def readers(driver: Driver, query: str, before: Sequence[Manifest]) -> list[Reader]:
    """The other queries that follow tables, once those are installed that come ``before``."""
    gone = {query, *(each.query for each in before)}
    found = [each for each in captured.readers(driver) if each.query not in gone]
    for each in before:
        capture = each.capture
        if capture is not None and each.query != query:
            found += [
                Reader(each.query, log_name(i.table), i.columns, capture.folds_by_itself)
                for i in capture.inputs
            ]
    return found
