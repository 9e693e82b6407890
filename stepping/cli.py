"""The command `stepping`. What a command does not need is not imported."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

import click

from stepping.commands import changing, looking, running, starting

SIGPIPE = 13  # signal.SIGPIPE, which Windows has not


class Commands(click.Group):
    """Shows errors of stepping, of databases and of files as what they say, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        from stepping.errors import InternalError, SteppingError
        from stepping.faults import told

        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Whoever read the output has enough of it, as `head` has. What is left of it must not
            # be written when the process ends: docs.python.org/3/library/signal.html, on SIGPIPE.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(128 + SIGPIPE)
        except (InternalError, click.exceptions.Exit, click.ClickException, click.Abort):
            raise  # of a bug of ours the traceback is what a report needs
        except SteppingError as error:
            click.echo(f"{type(error).__name__}: {error}", err=True)
            ctx.exit(1)
        except Exception as error:
            text = told(error)
            if text is None:
                raise
            click.echo(text, err=True)
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

    MODULE:QUERY is a query function, or what st.compile or st.sql made: shop.queries:receipts for
    receipts in shop/queries.py. Modules are looked for in the current folder first.

    FILE.sql is a file with one or several CREATE MATERIALIZED VIEW, which may read each other;
    views.sql:revenue is one of them. Several files may be given, and are read together.
    """


for _each in (*looking.COMMANDS, *running.COMMANDS, *changing.COMMANDS, *starting.COMMANDS):
    main.add_command(_each)
