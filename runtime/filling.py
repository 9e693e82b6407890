"""A migration that is half done: how far it is, and how it is taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from stepping.compiler.plan.capture import STAGED
from stepping.compiler.plan.manifest import Manifest
from stepping.dialects.batches import PROGRESS, at_name, log_name
from stepping.dialects.driver import Driver
from stepping.errors import MigrationError
from stepping.runtime.catalog import Installed

_DROPPED = re.compile(r'^DROP TABLE IF EXISTS "?(stepping_filling\w*)"?$')


@dataclass(frozen=True)
class HalfDone:
    """What has been filled in batches, and is not what is installed yet."""

    query: str
    tables: tuple[str, ...]  # that rows are read from
    rows_read: int
    back_out: tuple[str, ...]  # statements of one transaction

    def __str__(self) -> str:
        return (
            f"A migration of {self.query} is half done: {self.rows_read:,} rows have been read. "
            "Run again, it goes on; `stepping abandon` takes it back."
        )


def half_done(driver: Driver) -> HalfDone | None:
    """The migration that is half done in a database, if there is one."""
    if not driver.existing([PROGRESS]):
        return None
    with driver.reading():
        rows = driver.read(f"SELECT query, reads, rows_read, back_out FROM {PROGRESS}")  # noqa: S608
    for query, reads, rows_read, back_out in rows:
        try:
            return HalfDone(query, tuple(json.loads(reads)), rows_read, tuple(json.loads(back_out)))
        except ValueError as error:
            raise MigrationError(
                f"{PROGRESS} does not say what the migration of {query} has made: {error}",
                hint="it was changed by hand; restore it from a backup",
            ) from error
    return None


def check_whole(driver: Driver, found: HalfDone) -> None:
    """Raise `MigrationError` if a table is gone that says how far a migration is."""
    made = {name for text in found.back_out for name in _DROPPED.findall(text)}
    gone = sorted(made - driver.existing(sorted(made)))
    if gone:
        raise MigrationError(
            f"the half-done migration of {found.query} cannot go on: {', '.join(gone)} is gone",
            hint="take it back with `stepping abandon --db URL`, and begin again",
        )


def left(driver: Driver, sources: int) -> tuple[int, int]:
    """How many tables have rows that were not read, and how many changes were written down."""

    def total(names: Sequence[str]) -> str:
        return " + ".join(f"(SELECT COUNT(*) FROM {name})" for name in names)  # noqa: S608

    numbers = range(1, sources + 1)
    at, log = total([at_name(i) for i in numbers]), total([log_name(i) for i in numbers])
    with driver.reading():
        ((unread, changed),) = driver.read(f"SELECT {at}, {log}")
    return unread, changed


def read_at_once(driver: Driver, rows: int) -> None:
    """Say how many rows of each table a batch reads."""
    with driver.writing():
        driver.change(f"UPDATE {PROGRESS} SET batch_rows = {int(rows)}")  # noqa: S608


def rows_read(driver: Driver, manifest: Manifest) -> int | None:
    """How many rows of its largest table a captured query, which is filled in batches, has read;
    None before the first snapshot has been.
    """
    batches = None if manifest.capture is None else manifest.capture.in_batches
    if batches is None:
        return None
    with driver.reading():
        rows = driver.read(f"SELECT rows_read FROM {batches.progress}")  # noqa: S608
    return int(rows[0][0]) if rows else None


def installation_text(driver: Driver, found: Installed) -> str:
    """How far that is."""
    query = found.query.removesuffix(STAGED)
    done = "its tables are filled" if found.started else "its tables are not filled yet"
    manifest = found.manifest()
    read = rows_read(driver, manifest)
    if read is not None and not found.started:
        assert manifest.capture is not None
        assert manifest.capture.in_batches is not None
        done = f"{read:,} rows of {manifest.capture.in_batches.table} have been read"
    return (
        f"The installation of {query} is half done: {done}. Run again, it goes on; "
        "`stepping abandon` takes it back."
    )


def tables_read_at_once(driver: Driver, manifest: Manifest, rows: int) -> None:
    """Say how many rows of that table a batch reads."""
    assert manifest.capture is not None
    assert manifest.capture.in_batches is not None
    progress = manifest.capture.in_batches.progress
    with driver.writing():
        driver.change(f"UPDATE {progress} SET batch_rows = {int(rows)}")  # noqa: S608


def abandon(driver: Driver) -> str:
    """Take back the migration that is half done; returns whose it was. Raises `MigrationError`."""
    found = half_done(driver)
    if found is None:
        raise MigrationError(
            "no migration is half done in this database", hint="nothing has to be taken back"
        )
    with driver.writing():
        for text in found.back_out:
            driver.change(text)
    return found.query
