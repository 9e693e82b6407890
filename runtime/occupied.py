"""Whether the names of a query's tables are free in a database.

`CREATE TABLE IF NOT EXISTS` takes whatever has the name for what is to be made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepping.compiler.plan.manifest import Manifest
from stepping.dialects import get_dialect
from stepping.dialects.driver import Driver
from stepping.dialects.features import FEATURES
from stepping.dialects.identifiers import quoted
from stepping.errors import SchemaMismatch
from stepping.runtime import catalog

_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \(\n(.*)\n\)", re.DOTALL)
_COLUMN = re.compile(r"^ {4}(?!PRIMARY KEY)(\w+) ", re.MULTILINE)


def check_free(driver: Driver, wanted: Manifest, old: Manifest | None = None) -> None:
    """Raise `SchemaMismatch` if a table, or a view, has a name that a query needs for its own.

    ``old`` is what is installed of the query: its tables stay, or go.
    """
    check_own(driver, steps=wanted.capture is None)
    own = set() if old is None else {*names_of(old)}
    names = [name for name in names_of(wanted) if name not in own]
    there = driver.existing(names)
    for taken in (name for name in names if name in there):
        check_one(driver, wanted, taken)


def check_one(driver: Driver, wanted: Manifest, taken: str) -> None:
    """A table may have the name if it is as it will be made, and empty: Alembic was first."""
    for other in catalog.queries(driver).values():
        if other.query != wanted.query and taken.lower() in map(str.lower, names_of(other)):
            raise SchemaMismatch(
                f"the query {wanted.query!r} needs a table {taken}, and that is one of the query "
                f"{other.query!r} in this database",
                hint="give one of the two another name: name= of st.compile or st.sql, or that of "
                "the view",
            )
    table = next((each.table for each in wanted.tables if each.table.name == taken), None)
    columns = driver.columns([taken]).get(taken)
    if table is not None and columns == {*table.names, table.weight or ""}:
        rows = driver.read(f"SELECT 1 FROM {quoted(taken)} LIMIT 1")  # noqa: S608
        if not rows:
            return
    raise SchemaMismatch(
        f"the query {wanted.query!r} needs a table {taken}, and there is one of that name which "
        "stepping_queries knows nothing of",
        hint="rename it, or give the query another name; or drop it, if it was left behind by the "
        "query",
    )


def check_own(driver: Driver, *, steps: bool) -> None:
    """Raise `SchemaMismatch` if a table of the application has the name of one of our own that is
    needed; ``steps``: by a query that is fed by hand.
    """
    wanted = dict(own_columns(driver.dialect, steps=steps))
    there = driver.existing(list(wanted))
    found = driver.columns(sorted(there))
    for name in sorted(there):
        missing = wanted[name] - found.get(name, set())
        if missing:
            has = ", ".join(sorted(found.get(name, ()))) or "other columns"
            raise SchemaMismatch(
                f"there is a table {name} in this database that is not stepping's: it has {has}, "
                f"and no {', '.join(sorted(missing))}",
                hint="rename it, or let stepping have a "
                + ("file" if driver.dialect == "sqlite" else "schema (SET search_path)")
                + " of its own",
            )


def own_columns(dialect: str, *, steps: bool) -> Iterator[tuple[str, set[str]]]:
    """Our own tables, each with its columns."""
    words = get_dialect(dialect)
    features = [text for each in FEATURES for text in words.feature_ddl(each)] if steps else []
    for text in (*words.own_ddl(steps=steps), *features):
        made = _TABLE.match(text)
        if made is not None:
            yield made[1], set(_COLUMN.findall(made[2]))


def names_of(manifest: Manifest | catalog.Installed) -> Iterator[str]:
    """The tables and views of a query, with those that readers know."""
    if isinstance(manifest, catalog.Installed):
        manifest = manifest.manifest()
    for each in manifest.tables:
        yield each.table.name
        yield from (view.table.name for view in each.views)
    if manifest.capture is not None:
        yield from (each.waiting for each in manifest.capture.inputs)
        for _, relation, live in manifest.capture.relations:
            yield relation
            if live and live != relation:
                yield live
