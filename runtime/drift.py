"""What of an installed query is no longer as it was installed: `stepping check --db`.

Reads the catalogs of the database only, no row of any table: it takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator

from stepping.compiler.plan.base_tables import BaseTable, TableRef
from stepping.compiler.plan.captures import Capture, CapturedInput
from stepping.compiler.plan.manifest import Manifest
from stepping.dialects.capture import log_name
from stepping.dialects.driver import Driver
from stepping.runtime.occupied import names_of


def drift(driver: Driver, manifest: Manifest) -> list[str]:
    """Each thing that is gone, switched off, or another than it was, with what to do about it."""
    with driver.reading():
        return list(_drift(driver, manifest))


def damage(driver: Driver, manifest: Manifest) -> list[str]:
    """The triggers of a captured query's tables that are gone or switched off."""
    capture = manifest.capture
    with driver.reading():
        return [] if capture is None else list(_triggers(driver, capture))


def unguarded(driver: Driver, manifest: Manifest) -> list[str]:
    """What kept columns that a captured query reads from being dropped, and is gone.

    Nothing is lost with it, unless a column was dropped with it, and is there again.
    """
    capture = manifest.capture
    with driver.reading():
        return [
            f"{each.table}: the trigger {what}"
            for each in (() if capture is None else capture.inputs)
            for what in driver.capturing.unguarded(driver.read, each.table, each.columns)
        ]


def _drift(driver: Driver, manifest: Manifest) -> Iterator[str]:
    names = [*names_of(manifest)]
    capture = manifest.capture
    if capture is not None:
        names += [log_name(each.table) for each in capture.inputs]
    there = driver.existing(names)
    for name in dict.fromkeys(names):
        if name not in there:
            yield f"{name} is gone: uninstall the query and install it again"
    if capture is not None:
        for each in capture.inputs:
            yield from _table(driver, each)
        yield from _triggers(driver, capture)
        yield from unguarded(driver, manifest)
        for each in capture.inputs:
            for what in driver.capturing.of_replication(driver.read, each.table):
                yield f"{each.table}: the trigger {what}"
        if error := driver.capturing.error(driver.read, manifest.query):
            yield f"its results are stale: {error}; mend it, and then stepping repair"


def _table(driver: Driver, each: CapturedInput) -> Iterator[str]:
    """What has become of a table that a query reads."""
    was = each.table
    now = driver.capturing.describe(driver.read, TableRef(was.name, was.schema))
    if now is None:
        yield f"there is no table {was} any more: migrate the query to what it is called now"
        return
    if now.kind != was.kind and not was.of:
        yield f"{was} is {now.kind} now, and was {was.kind}: migrate the query"
        return
    yield from _columns(each, now)
    for key in each.keys:
        if was.is_indexed(key) and not now.is_indexed(key):
            create = driver.capturing.index_ddl(now, key)
            yield f"{was} has lost its index by {', '.join(key)}, which steps look up: {create}"


def _columns(each: CapturedInput, now: BaseTable) -> Iterator[str]:
    for name in each.columns:
        old, new = each.table.column(name), now.column(name)
        if new is None:
            yield f"{now} has no column {name} any more: migrate the query to what it is called now"
        elif old is not None and (old.type, old.collation) != (new.type, new.collation):
            before = " ".join(filter(None, (old.type, old.collation)))
            after = " ".join(filter(None, (new.type, new.collation)))
            yield f"{now}.{name} is {after} now, and was {before}: migrate the query"
        elif old is not None and new.nullable and not old.nullable:
            yield f"{now}.{name} may be NULL now, and could not: migrate the query"


def _triggers(driver: Driver, capture: Capture) -> Iterator[str]:
    for each in capture.inputs:
        for what in driver.capturing.triggers(driver.read, each.table):
            yield f"{each.table}: the trigger {what}"
