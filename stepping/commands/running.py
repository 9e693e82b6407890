"""Commands for queries that are installed: what waits, how they stand, whether they are right."""

from __future__ import annotations

import click

from stepping.commands.options import (
    DB,
    TARGET,
    chosen_dialect,
    load,
    load_one,
)


@click.command(short_help="Fold the queued changes of a query in.")
@TARGET
@DB
@click.option("--watch", is_flag=True, help="Go on, and wait for what is enqueued, until stopped.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Rows that are folded into one step, at most.",
)
@click.option(
    "--retry", type=int, multiple=True, metavar="ID", help="Let a quarantined change wait again."
)
@click.option(
    "--drop", type=int, multiple=True, metavar="ID", help="Delete a quarantined change for good."
)
def drain(
    query: str, db: str, watch: bool, limit: int, retry: tuple[int, ...], drop: tuple[int, ...]
) -> None:
    """Fold what store.enqueue has written down into the results of a query.

    `stepping status` shows which changes are in quarantine.

    Several may run at the same time: each change is folded in once. SIGINT and SIGTERM end
    --watch behind the step that is at work; whatever is killed, nothing is lost.
    """
    from stepping.drain import Asked, drain_all

    asked = Asked(limit, watch, retry, drop)
    drain_all(load_one(query, None, db), db, asked, click.echo)


@click.command(short_help="Fold what waits into the results of queries that follow tables.")
@DB
@click.argument("queries", metavar="[NAME | MODULE:QUERY | FILE.sql]...", nargs=-1)
@click.option(
    "--watch",
    type=click.FloatRange(min=0.01),
    metavar="SECONDS",
    help="Go on, every so many seconds, until stopped.",
)
def refresh(db: str, queries: tuple[str, ...], watch: float | None) -> None:
    """Fold in what has been written to the tables that queries follow.

    Of the queries of those names, or of all that are installed.
    """
    from stepping.database import driver_of
    from stepping.following import refresh_all
    from stepping.targets import names_of

    names = names_of(queries, chosen_dialect(None, db))
    with driver_of(db) as driver:
        refresh_all(driver, names, watch, click.echo)


@click.command(short_help="Make what captures tables whole again, and compute the results.")
@click.argument("queries", metavar="NAME | MODULE:QUERY | FILE.sql...", nargs=-1, required=True)
@DB
@click.option("--dry-run", is_flag=True, help="Only say what is wrong; exit with 1 if anything is.")
def repair(queries: tuple[str, ...], db: str, dry_run: bool) -> None:
    """Make triggers again that were lost or switched off, and compute the results from the tables:
    those of the queries that are named, and of all others that follow a table whose triggers were
    lost. It is one transaction, and writers of the tables wait until it is done.

    Of another query that only its own code can compute nothing is done, unless it is named too.
    """
    from stepping.database import driver_of
    from stepping.following import wrong_with
    from stepping.targets import named

    names, others = named(queries)
    graphs = load(tuple(others), None, db)
    every = [*names, *(graph.name for graph in graphs)]
    with driver_of(db) as driver:
        wrong = [line for name in every for line in wrong_with(driver, name)]
        for line in wrong:
            click.echo(line)
        if dry_run:
            raise SystemExit(1 if wrong else 0)
        from stepping.runtime.repair import repaired

        beside = repaired(driver, graphs, names).others
    for name in every:
        click.echo(f"{name}: its triggers are there, and its results computed from the tables")
    for name in beside:
        click.echo(f"{name}: follows the same tables, and its results are computed from them")


_TIME = click.argument("time", type=int)


@click.command(short_help="Where tables stand, who is at work, what has been put aside.")
@DB
@click.argument("queries", metavar="[NAME | MODULE:QUERY | FILE.sql]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(db: str, queries: tuple[str, ...], as_json: bool) -> None:
    """Print up to which time each table is written, who is at work, and what is quarantined.

    Of some queries, or of all that are installed.
    """
    from stepping.database import driver_of
    from stepping.runtime.status import all_of
    from stepping.targets import names_of

    names: list[str | None] = [*names_of(queries, chosen_dialect(None, db))]
    with driver_of(db) as driver:
        found = [each for name in names or [None] for each in all_of(driver, name)]
        if as_json:
            import json
            from dataclasses import asdict

            click.echo(json.dumps([asdict(each) for each in found], indent=2, default=str))
            return
        for each in found:
            click.echo(str(each))


@click.command(short_help="Run again what was put aside.")
@DB
@TARGET
@_TIME
def retry(db: str, query: str, time: int) -> None:
    """Run the input that was put aside at TIME as a step of now."""
    from stepping.database import opened

    with opened(db, load_one(query, None, db)) as store:
        store.retry(time)
    click.echo(f"time {time} is written")


@click.command(short_help="Forget what was put aside.")
@DB
@click.argument("query", metavar="QUERY")
@_TIME
def drop(db: str, query: str, time: int) -> None:
    """Forget the input of the query named QUERY that was put aside at TIME."""
    from stepping.database import driver_of
    from stepping.runtime import quarantine

    with driver_of(db) as driver:
        quarantine.drop(driver, query, time)
    click.echo(f"time {time} is dropped")


@click.command(short_help="Compute the tables of a query anew, and compare.")
@click.argument("queries", metavar="[NAME | MODULE:QUERY | FILE.sql]...", nargs=-1)
@DB
@click.option(
    "--repair",
    is_flag=True,
    help="Mend the keys that differ, and no others: a transaction for each.",
)
@click.option(
    "--allow-unverified",
    is_flag=True,
    help="Do not fail where nothing of a query can be computed anew.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(
    queries: tuple[str, ...], db: str, repair: bool, allow_unverified: bool, as_json: bool
) -> None:
    """Compute the tables of a query, or of all that are installed, anew, and compare.

    Fails with status 1 if something differs or a query cannot be verified, which does not keep
    the others from being verified; and with 3 if nothing differs, but of some query nothing could
    be compared.

    MODULE:QUERY is needed only for a query with Python steps.
    """
    import json
    from dataclasses import asdict

    from stepping.migrating import verified
    from stepping.progress import looked
    from stepping.targets import load_all, named

    ok, compared, data = True, True, []
    names, others = named(queries)
    graphs = load_all(others, chosen_dialect(None, db))
    with looked() as progress:
        for found in verified(db, names, graphs, repair=repair, progress=progress):
            ok = ok and found.ok
            compared = compared and not found.nothing_compared
            if as_json:
                more = {"ok": found.ok, "nothing_compared": found.nothing_compared}
                data.append({**asdict(found), **more})
            else:
                click.echo(str(found))
    if as_json:
        click.echo(json.dumps(data, indent=2, default=str))
    if not ok:
        raise SystemExit(1)
    if not compared and not allow_unverified:
        raise SystemExit(3)


COMMANDS = (drain, refresh, repair, status, retry, drop, verify)
