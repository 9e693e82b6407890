"""Options and arguments that several commands have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

TARGET = click.argument("query", metavar="MODULE:QUERY | FILE.sql:NAME")
TARGETS = click.argument("queries", metavar="MODULE:QUERY | FILE.sql...", nargs=-1, required=True)
TABLES = click.option(
    "--tables",
    metavar="MODULE:BASE",
    help="The tables that views read, without --db: a MetaData of SQLAlchemy's, or a class with "
    "one.",
)
DIALECT = click.option(
    "--dialect",
    type=click.Choice(["sqlite", "postgres"]),
    show_default="sqlite, or that of --db",
    help="The database whose SQL is meant.",
)
INSTALLED = click.option(
    "--db",
    metavar="URL",
    help="A database in which the query is installed: it is measured, and asked for its plans.",
)

DB = click.option(
    "--db",
    required=True,
    metavar="URL",
    help="postgresql://..., sqlite:///shop.db, or the path of a SQLite file.",
)

FEATURES = click.option(
    "--with",
    "features",
    metavar="queue,times,stages",
    default="",
    callback=lambda _context, _option, value: tuple(filter(None, value.split(","))),
    help="Features whose tables are made as well, rather than when they are first used.",
)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Says which file cannot be written, and why."""
    try:
        yield
    except OSError as error:
        raise click.FileError(str(path), error.strerror or str(error)) from error


def chosen_dialect(dialect: str | None, db: str | None) -> str:
    from stepping.database import dialect_of
    from stepping.preparing import dialect_prepared

    if dialect is not None or db is not None:
        return dialect or dialect_of(str(db))
    return dialect_prepared() or "sqlite"


def load(
    queries: tuple[str, ...], dialect: str | None, db: str | None, tables: str | None = None
) -> list[Any]:
    """The compiled queries, each bound to the database that it is asked of."""
    from stepping.database import bound, dialect_of
    from stepping.targets import load_all

    if db is not None and dialect not in (None, dialect_of(db)):
        raise click.UsageError(f"--dialect {dialect} does not fit --db, a {dialect_of(db)} URL")

    found = load_all(queries, chosen_dialect(dialect, db), tables)
    if db is not None:
        return bound(db, found)
    from stepping.preparing import bound_as_prepared

    bound_as_prepared(found)
    return found


def load_one(query: str, dialect: str | None, db: str | None) -> Any:
    """The compiled query behind one target; a file with one view need not name it."""
    found = load((query,), dialect, db)
    if len(found) != 1:
        names = ", ".join(each.name for each in found)
        raise click.UsageError(f"{query} has {len(found)} views: {names}; name one: {query}:NAME")
    return found[0]
