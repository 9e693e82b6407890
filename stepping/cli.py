"""The command `stepping`. What a command does not need is not imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_TARGET = click.argument("query", metavar="MODULE:QUERY")
_DIALECT = click.option(
    "--dialect",
    type=click.Choice(["sqlite", "postgres"]),
    default="sqlite",
    show_default=True,
    help="The database whose SQL is printed.",
)

_DB = click.option(
    "--db",
    required=True,
    metavar="URL",
    help="postgresql://..., sqlite:///shop.db, or the path of a SQLite file.",
)


class Commands(click.Group):
    """Shows errors of stepping as what they say, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        from stepping.errors import InternalError, SteppingError

        try:
            return super().invoke(ctx)
        except InternalError:  # a bug of ours: the traceback is what a report needs
            raise
        except SteppingError as error:
            click.echo(f"{type(error).__name__}: {error}", err=True)
            ctx.exit(1)


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib import metadata

    try:
        version = metadata.version("stepping")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    click.echo(f"stepping {version}")
    ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
def main() -> None:
    """Keeps query results up to date inside the database you already have.

    MODULE:QUERY is a query function, or what st.compile made of one: shop.queries:receipts for
    receipts in shop/queries.py. Modules are looked for in the current folder first.
    """


@main.command(short_help="Print the tables and the statements of a query.")
@_TARGET
@_DIALECT
def explain(query: str, dialect: str) -> None:
    """Print the tables of a query and the statements that run when an input changes."""
    from stepping.compiler.explain import explain as explained
    from stepping.target import load

    click.echo(str(explained(load(query), dialect=dialect)), nl=False)


@main.command(short_help="Print the script that creates the tables of a query.")
@_TARGET
@_DIALECT
def ddl(query: str, dialect: str) -> None:
    """Print the script that creates the tables of a query: what create_tables=True runs."""
    from stepping.compiler.explain import ddl_text
    from stepping.target import load

    click.echo(ddl_text(load(query).program(dialect).plan), nl=False)


@main.command(short_help="Fold the queued changes of a query in.")
@_TARGET
@_DB
@click.option("--watch", is_flag=True, help="Go on, and wait for what is enqueued, until stopped.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Rows that are folded into one step, at most.",
)
def drain(query: str, db: str, watch: bool, limit: int) -> None:
    """Fold what store.enqueue has written down into the results of a query.

    Several may run at the same time: each change is folded in once. SIGINT and SIGTERM end
    --watch behind the step that is at work; whatever is killed, nothing is lost.
    """
    from stepping.drain import drain_all
    from stepping.target import load

    drain_all(load(query), db, limit=limit, watch=watch, tell=click.echo)


_TIME = click.argument("time", type=int)


@main.command(short_help="Where tables stand, who is at work, what has been put aside.")
@_DB
@click.argument("query", metavar="[MODULE:QUERY]", required=False)
def status(db: str, query: str | None) -> None:
    """Print up to which time each table is written, who is at work, and what is quarantined.

    Of one query, or of all that are installed.
    """
    from stepping.database import driver_of
    from stepping.runtime.status import all_of

    name = None
    if query is not None:
        from stepping.target import load

        name = load(query).name
    with driver_of(db) as driver:
        for each in all_of(driver, name):
            click.echo(str(each))


@main.command(short_help="Run again what was put aside.")
@_DB
@_TARGET
@_TIME
def retry(db: str, query: str, time: int) -> None:
    """Run the input that was put aside at TIME as a step of now."""
    from stepping.database import opened
    from stepping.target import load

    with opened(db, load(query)) as store:
        store.retry(time)
    click.echo(f"time {time} is written")


@main.command(short_help="Forget what was put aside.")
@_DB
@click.argument("query", metavar="QUERY")
@_TIME
def drop(db: str, query: str, time: int) -> None:
    """Forget the input of the query named QUERY that was put aside at TIME."""
    from stepping.database import driver_of
    from stepping.runtime import quarantine

    with driver_of(db) as driver:
        quarantine.drop(driver, query, time)
    click.echo(f"time {time} is dropped")


@main.command()
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The SQLite file, made anew in each run.  [default: stepping-demo.db]",
)
@click.option("--postgres", metavar="URL", help="Use the schema stepping_demo of this database.")
@click.option(
    "--days",
    type=click.IntRange(1, 31),
    default=31,
    show_default=True,
    help="How many days of flights.",
)
def demo(file: Path | None, postgres: str | None, days: int) -> None:
    """Keep the delays of real flights up to date, and check them."""
    if file is not None and postgres is not None:
        raise click.UsageError("--file and --postgres exclude each other")
    from rich.console import Console

    from stepping.demo.databases import PostgresSchema, SQLiteFile
    from stepping.demo.run import run

    database = (
        PostgresSchema(postgres) if postgres else SQLiteFile(file or Path("stepping-demo.db"))
    )
    if not run(Console(highlight=False), database, days):
        raise SystemExit(1)
