"""Commands for somebody who begins."""

from __future__ import annotations

from pathlib import Path

import click

from stepping.commands.options import (
    writing,
)


@click.command(short_help="Write a first query, a first view and a folder for migrations.")
@click.argument(
    "folder", default=Path("."), type=click.Path(file_okay=False, path_type=Path), required=False
)
def init(folder: Path) -> None:
    """Write queries.py, views.sql and migrations/ into FOLDER, the current one by default.

    What is there is left as it is.
    """
    from stepping.starting import started

    with writing(folder):
        for path in started(folder):
            click.echo(f"wrote {path}")


@click.command(short_help="Print what lets a shell complete this command.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script for SHELL: eval "$(stepping completion bash)" in ~/.bashrc."""
    from click.shell_completion import get_completion_class

    cls = get_completion_class(shell)
    assert cls is not None
    root = click.get_current_context().find_root().command
    click.echo(cls(root, {}, "stepping", "_STEPPING_COMPLETE").source())


@click.command()
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


COMMANDS = (init, completion, demo)
