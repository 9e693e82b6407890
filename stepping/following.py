"""Commands for queries that follow tables of the application, by what the catalog says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from stepping.compiler.plan.capture import STAGED
from stepping.compiler.plan.manifest import Manifest
from stepping.dialects.driver import Driver
from stepping.errors import StoreError
from stepping.runtime import captured, catalog, drift


def following(driver: Driver, queries: Sequence[str] = ()) -> list[Manifest]:
    """The captured queries that are installed, or those of these names."""
    for query in queries:
        catalog.installed(driver, query)
    found = {name: each.manifest() for name, each in catalog.all_installed(driver).items()}
    wanted = [each for name, each in found.items() if name in queries or not queries]
    captures = [each for each in wanted if each.capture is not None]
    if not captures:
        who = f"the query {queries[0]!r} follows no" if queries else "no query here follows"
        raise StoreError(
            f"{who} tables",
            hint="its inputs are handed over: stepping drain, or st.actions",
        )
    return captures


def refresh_all(
    driver: Driver, queries: Sequence[str], watch: float | None, say: Callable[[str], None]
) -> None:
    """Fold in what waits; again and again every ``watch`` seconds, if that is asked for."""
    for manifest in following(driver, queries):
        check_sql(manifest, "refresh")
    while True:
        for manifest in following(driver, queries):
            if not queries and manifest.query.endswith(STAGED):
                continue  # whoever installs it folds it
            began = time.monotonic()
            captured.refresh_installed(driver, manifest)
            if watch is None:
                say(f"{manifest.query}: refreshed in {1000 * (time.monotonic() - began):.0f} ms")
        if watch is None:
            return
        time.sleep(watch)


def check_sql(manifest: Manifest, what: str) -> None:
    """Raise for a query that only its own code can fold in."""
    capture = manifest.capture
    if capture is not None and capture.in_python:
        raise StoreError(
            f"the query {manifest.query!r} has Python steps, which only its own code can run",
            hint=f"call store.{what}() in a process that has it",
        )


def wrong_with(driver: Driver, query: str | None) -> list[str]:
    """What is missing or switched off of that which captures the tables of queries."""
    found = []
    for manifest in following(driver, () if query is None else (query,)):
        wrong = (*drift.damage(driver, manifest), *drift.unguarded(driver, manifest))
        found += [f"{manifest.query}: {what}" for what in wrong]
        if error := stale(driver, manifest):
            found.append(f"{manifest.query}: stale: {error}")
    return found


def stale(driver: Driver, manifest: Manifest) -> str:
    with driver.reading():
        return driver.capturing.error(driver.read, manifest.query)
