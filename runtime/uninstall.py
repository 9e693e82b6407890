"""Taking a query away: its tables, views, triggers and functions, and what the catalog says of it.

What is needed for that is in the catalog, whatever the code has by now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.capture import STAGED
from stepping.compiler.plan.manifest import Manifest
from stepping.dialects import get_dialect
from stepping.dialects.capture import log_name, removal
from stepping.dialects.driver import Driver
from stepping.dialects.identifiers import quoted
from stepping.errors import MigrationError, StoreError
from stepping.runtime import captured, catalog, filling
from stepping.runtime.filling import half_done


def uninstall(driver: Driver, query: str) -> tuple[str, ...]:
    """Take a query away, and with the last one all that is ours; the names of its tables.

    In one transaction, that of the application if there is one. Steps that are running end first,
    and processes that have it open fail with a `SchemaMismatch` from then on.
    """
    found = catalog.installed(driver, query)
    begun = half_done(driver)
    if begun is not None and (begun.query == query or {*begun.tables} & {*found.manifest().kept}):
        raise MigrationError(
            f"a migration of {begun.query!r} that reads its tables is half done",
            hint="run it to its end, or take it back with `stepping abandon --db URL`",
        )
    readers = captured.uppers(driver, query)
    if readers:
        raise StoreError(
            f"the results of {query!r} are read by the query {readers[0]!r}",
            hint=f"uninstall {', '.join(readers)} first",
        )
    with driver.writing():
        driver.alone()
        manifest = catalog.installed(driver, query).manifest()  # as it is now that we are alone
        if manifest.capture is None:
            driver.lock(manifest.kept, query, manifest.fingerprint)
        else:
            driver.script(driver.capturing.lock_folds(query))
        left = [name for name in catalog.queries(driver) if name != query]
        lost = _lost(driver, manifest)
        for text in removed(driver, manifest, left):
            run(driver, text)
        _still_lost(driver, lost)
        for lower in [] if manifest.capture is None else captured.lowers(driver, manifest.capture):
            if not captured.uppers(driver, lower.query):
                driver.script(driver.capturing.read_by_nobody(lower))
    return manifest.kept


def _lost(driver: Driver, manifest: Manifest) -> list[BaseTable]:
    """The tables of a query of whose triggers some are gone."""
    tables = [] if manifest.capture is None else [each.table for each in manifest.capture.inputs]
    return [each for each in tables if driver.capturing.triggers(driver.read, each)]


def _still_lost(driver: Driver, tables: Sequence[BaseTable]) -> None:
    """Take triggers away that were made again for fewer columns: that some of them were gone is the
    sign that the other queries may be wrong, which only a repair takes back.
    """
    logs = {each.log for each in captured.readers(driver)}
    words = driver.capturing
    for each in tables:
        if log_name(each) in logs and not words.triggers(driver.read, each):
            drops = words.table_drop(each)
            driver.script([text for text in drops if text.startswith("DROP TRIGGER")])


def run(driver: Driver, text: str) -> None:
    try:
        driver.change(text)
    except Exception as error:
        refused = driver.refusal(error)
        if refused is None:
            raise
        raise StoreError(f"{refused}\nnothing was done") from error


def abandon(driver: Driver) -> str:
    """Take back what is half done, a migration or an installation; returns whose it was."""
    found = catalog.half_installed(driver)
    if found is None or half_done(driver) is not None:
        return filling.abandon(driver)
    uninstall(driver, found.query)
    return found.query.removesuffix(STAGED)


def removed(driver: Driver, manifest: Manifest, left: list[str]) -> Iterator[str]:
    """The statements that take a query away. ``left`` are those that remain."""
    if manifest.capture is not None:
        readers = [each for each in captured.readers(driver) if each.query != manifest.query]
        yield from removal(driver.capturing, manifest, readers)
    else:
        yield from driver.capturing.unread(
            [name for each in manifest.results for name in each.names]
        )
        for each in manifest.tables:
            yield from (
                f"DROP VIEW IF EXISTS {quoted(view.table.name)}" for view in reversed(each.views)
            )
            yield f"DROP TABLE IF EXISTS {quoted(each.table.name)}"
    words = get_dialect(driver.dialect).migrations
    if left:
        there, follows = driver.features.there(), manifest.capture is not None
        yield from words.taken_out(manifest.query, manifest.kept, there, follows=follows)
    else:
        yield from words.without_own()
