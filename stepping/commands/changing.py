"""Commands that install queries, change them, and take them away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from stepping.commands.options import (
    DB,
    FEATURES,
    TARGETS,
    chosen_dialect,
    load,
    writing,
)


def _pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    found = {}
    for value in values:
        name, equals, given = value.partition("=")
        if not equals:
            raise click.UsageError(f"{option} {value}: expected NAME=...")
        found[name] = given
    return found


_ALLOW_SCANS = click.option(
    "--allow-scans",
    is_flag=True,
    help="Tables that queries follow may be read whole, where no index has a key: short ones.",
)
_BATCH_ROWS = click.option(
    "--batch-rows",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Rows of each table that a batch reads.",
)


def _loaded(queries: tuple[str, ...], db: str, *, scans: bool) -> list[Any]:
    found = load(queries, None, db)
    for each in found:
        each.scans = each.scans or scans
    return found


@click.command(short_help="Write the migration from what is installed to a query.")
@TARGETS
@DB
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder that the scripts are written to.  [default: only the summary is printed]",
)
@click.option("--rename", "renames", multiple=True, metavar="Product.price=cost")
@click.option("--renamed-from", metavar="NAME", help="What the query was called.")
@click.option("--backfill", "selects", multiple=True, metavar="products='SELECT ...'")
@click.option(
    "--shares",
    multiple=True,
    metavar="products=QUERY",
    help="An input that is given the same rows as that of another query: it has them already.",
)
@click.option("--apply", "run", is_flag=True, help="Run it at once, with what needs Python.")
@click.option(
    "--in-batches/--at-once",
    default=None,
    help="Fill new tables in batches while writers go on, or in the one transaction.  "
    "[default: in batches from 100,000 rows on]",
)
@_BATCH_ROWS
@_ALLOW_SCANS
@FEATURES
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if anything is to be done.")
def migrate(
    queries: tuple[str, ...],
    db: str,
    out: Path | None,
    renames: tuple[str, ...],
    renamed_from: str | None,
    selects: tuple[str, ...],
    shares: tuple[str, ...],
    run: bool,
    in_batches: bool | None,
    batch_rows: int,
    allow_scans: bool,
    features: tuple[str, ...],
    check: bool,
) -> None:
    """Compare a query with what is installed, and write the scripts that go there and back.

    Of a file of views a pair of scripts for each that has changed.
    """
    from stepping.database import connected
    from stepping.migrating import written
    from stepping.runtime.migrate import MigrationPlan, plan

    loaded = _loaded(queries, db, scans=allow_scans)
    if len(loaded) > 1 and (renames or renamed_from or selects or shares):
        raise click.UsageError(
            "--rename, --renamed-from, --backfill and --shares are of one query: name it"
        )
    changed: list[MigrationPlan] = []
    for each in loaded:
        with connected(db) as (_, connection):
            made = plan(
                connection,
                each,
                renames=_pairs(renames, "--rename"),
                renamed_from=renamed_from,
                backfill=_pairs(selects, "--backfill"),
                in_batches=in_batches,
                shares=_pairs(shares, "--shares"),
                before=() if run else changed,
                features=features,
            )
            click.echo(made.summary)
            if made.is_nothing:
                continue
            changed.append(made)
            if check:
                continue
            made.check()
            if out is not None:
                with writing(out):
                    paths = written(made, out)
                for path in paths:
                    click.echo(f"wrote {path}")
            if run:
                from stepping.progress import shown

                with shown() as progress:
                    made.apply(progress, batch_rows=batch_rows)
    if check and changed:
        raise SystemExit(1)


@click.command(short_help="Run scripts that `stepping migrate` wrote, or install views.")
@click.argument("targets", metavar="SCRIPT | FILE.sql | MODULE:QUERY...", nargs=-1, required=True)
@DB
@click.option("--edited", is_flag=True, help="Run it although it was edited since it was written.")
@_BATCH_ROWS
@_ALLOW_SCANS
@FEATURES
def apply(
    targets: tuple[str, ...],
    db: str,
    edited: bool,
    batch_rows: int,
    allow_scans: bool,
    features: tuple[str, ...],
) -> None:
    """Run a script of `stepping migrate`, all of it or nothing.

    Of what is filled in batches, those that are done are kept: run again, it goes on from there.

    Of queries, and of files of views, install those that are new, and migrate those that have
    changed.
    """
    from stepping.database import driver_of
    from stepping.migrating import scripts_of
    from stepping.progress import shown
    from stepping.runtime.apply import apply as run

    scripts = scripts_of(targets)
    for path, text in scripts.items():
        with shown() as progress, driver_of(db) as driver:
            what = Path(path).name
            meta = run(driver, text, what, edited=edited, progress=progress, batch_rows=batch_rows)
        click.echo(f"{meta.query}: done")
    queries = tuple(each for each in targets if each not in scripts)
    if features and not queries:
        raise click.UsageError("--with is of queries: a script makes what it was written to make")
    if queries:
        from stepping.migrating import applied

        loaded = _loaded(queries, db, scans=allow_scans)
        with shown() as progress:
            lines = list(applied(db, loaded, progress, batch_rows, features))
        for line in lines:
            click.echo(line)


@click.command(short_help="Take a query away, with all that it keeps.")
@DB
@click.argument("queries", metavar="NAME | MODULE:QUERY | FILE.sql...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall(db: str, queries: tuple[str, ...], yes: bool) -> None:
    """Drop the tables, views, triggers and functions of a query, and forget it.

    By the name that it is installed under (`stepping status` shows it), so that its code need not
    be there any longer. With the last query the tables that say what is installed go as well. There
    is no way back: its inputs are gone, unless they are tables of your own.
    """
    from stepping.database import driver_of
    from stepping.runtime import catalog
    from stepping.runtime.uninstall import uninstall as taken_away
    from stepping.targets import names_of

    for name in names_of(queries, chosen_dialect(None, db)):
        with driver_of(db) as driver:
            kept = catalog.installed(driver, name).manifest().kept
            if not yes:
                click.confirm(f"drop {len(kept)} tables of {name}, with their rows?", abort=True)
            gone = taken_away(driver, name)
        click.echo(f"{name}: uninstalled; {len(gone)} table{'s' * (len(gone) != 1)} dropped")


@click.command(short_help="Take back a migration that is half done.")
@DB
def abandon(db: str) -> None:
    """Take back what has been filled while writers went on, and not been switched to."""
    from stepping.database import driver_of
    from stepping.runtime.uninstall import abandon as take_back

    with driver_of(db) as driver:
        click.echo(f"{take_back(driver)}: as it was")


COMMANDS = (migrate, apply, uninstall, abandon)
