"""Commands that look at queries and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from stepping.commands.options import (
    DB,
    DIALECT,
    FEATURES,
    INSTALLED,
    TABLES,
    TARGET,
    TARGETS,
    chosen_dialect,
    load,
    load_one,
    writing,
)


@click.command(short_help="Show what a query keeps, runs and costs.")
@TARGETS
@DIALECT
@INSTALLED
@click.option(
    "--sql",
    "sql",
    is_flag=False,
    flag_value="",
    metavar="[INPUT]",
    help="The statements that run when an input changes, or this one.",
)
@click.option("--ddl", is_flag=True, help="What is installed: tables, views, triggers.")
@click.option("--tree", is_flag=True, help="The tree, with why each operator is incremental.")
@click.option("--all", "everything", is_flag=True, help="All of these.")
@TABLES
@click.option("--input", "input_", metavar="NAME", help="Only what a change of this input runs.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page to this file instead of printing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def explain(
    queries: tuple[str, ...],
    dialect: str | None,
    db: str | None,
    tables: str | None,
    sql: str | None,
    ddl: bool,
    tree: bool,
    everything: bool,
    input_: str | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Show a query on one screen: its tree, the tables that it keeps, and what a change of each
    input looks up. With --db, also rows, bytes, fan-out, and below each statement of --sql the
    database's own plan.
    """
    if html is not None and as_json:
        raise click.UsageError("--html and --json exclude each other")
    if sql and input_ and sql != input_:
        raise click.UsageError(f"--sql {sql} and --input {input_} name two inputs")
    loaded = load(queries, dialect, db, tables)
    if html is not None and len(loaded) > 1:
        raise click.UsageError(f"--html writes one page, and there are {len(loaded)} queries")
    data = []
    for position, each in enumerate(loaded):
        with _explained(each, dialect, db, sql or input_) as found:
            if html is not None:
                with writing(html):
                    html.write_text(found.html, encoding="utf-8")
                click.echo(f"wrote {html}")
            elif as_json:
                data.append(found.to_dict())
            else:
                parts = [(tree, "tree"), (ddl, "ddl"), (sql is not None, "statements")]
                chosen = [name for wanted, name in parts if wanted] or ["summary"]
                chosen = ["text"] if everything else chosen
                text = "\n".join(getattr(found, name) for name in chosen)
                click.echo("\n" * (position > 0) + text, nl=False)
    if as_json:
        import json

        click.echo(json.dumps(data if len(loaded) > 1 else data[0], indent=2))


@click.command(short_help="Fail if a query has what a team does not want.")
@TARGETS
@DIALECT
@INSTALLED
@TABLES
@click.option("--no-python-steps", is_flag=True, help="Fail on row functions that run in Python.")
@click.option(
    "--no-recomputed/--allow-recomputed",
    default=True,
    show_default="--no-recomputed",
    help="Fail on operators that are computed anew in each step.",
)
@click.option(
    "--no-scans/--allow-scans",
    default=True,
    show_default="--no-scans",
    help="Fail where a step reads a whole table: an index is missing.",
)
@click.option(
    "--no-regroup",
    is_flag=True,
    help="Fail on window functions and aggregates whose groups are computed anew.",
)
@click.option(
    "--max-fan-out",
    type=click.IntRange(min=1),
    metavar="N",
    help="Fail if one changed row finds more than N rows of a table; needs --db.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
def check(
    queries: tuple[str, ...],
    dialect: str | None,
    db: str | None,
    tables: str | None,
    no_python_steps: bool,
    no_recomputed: bool,
    no_scans: bool,
    no_regroup: bool,
    max_fan_out: int | None,
    as_json: bool,
) -> None:
    """Fail with status 1 if a query has what a team does not want; 2 is a wrong option.

    With --db also if what is installed is no longer as it was: tables, views and triggers that are
    gone or switched off, columns of the application's tables that are renamed or retyped, indexes
    that steps look rows up by. What is not installed is looked at as it would be.
    """
    if max_fan_out is not None and db is None:
        raise click.UsageError("--max-fan-out needs --db: a fan-out is one of rows that are there")
    from stepping.checking import checked
    from stepping.compiler.explain.check import Rules

    rules = Rules(not no_python_steps, not no_recomputed, not no_scans, not no_regroup, max_fan_out)
    found = checked(
        queries,
        dialect or chosen_dialect(None, db),
        db,
        tables,
        rules,
        lambda each: _explained(each, dialect, db, None, planned=True),
    )
    if as_json:
        import json

        click.echo(json.dumps([each.to_dict() for each in found], indent=2))
    for each in () if as_json else found:
        for problem in each.problems:
            click.echo(str(problem))
        count = len(each.problems)
        if count:
            click.echo(f"{each.name}: {count} problem{'' if count == 1 else 's'}", err=True)
        else:
            click.echo(f"{each.name}: nothing to complain about")
    if any(each.problems for each in found):
        raise SystemExit(1)


@click.command(short_help="Write down what the database says of views, for work without it.")
@TARGETS
@DB
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".stepping"),
    show_default=True,
    help="The folder, with a file for each query. Commands look for it in the current folder.",
)
@click.option("--check", "only_check", is_flag=True, help="Fail if it says something else now.")
def prepare(queries: tuple[str, ...], db: str, out: Path, only_check: bool) -> None:
    """Write what the database says of the tables and expressions of queries in SQL, so that
    explain, check, ddl and types need no database afterwards. The files belong into the repository;
    in CI --check fails with status 1 where the database says something else by now.
    """
    from stepping.preparing import prepare as prepared
    from stepping.targets import load_all

    if not prepared(
        db, load_all(queries, chosen_dialect(None, db)), out, click.echo, check=only_check
    ):
        raise SystemExit(1)


@click.command(short_help="Write row classes for tables and views.")
@TARGETS
@DIALECT
@click.option("--db", metavar="URL", help="The database; not needed behind stepping prepare.")
@TABLES
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the module to this file instead of printing it.",
)
def types(
    queries: tuple[str, ...],
    dialect: str | None,
    db: str | None,
    tables: str | None,
    out: Path | None,
) -> None:
    """Print a Python module with a row class for each table that views read, and one for each
    view's rows: for query functions, and for st.sql(..., into=Revenue).
    """
    from stepping.row_classes import module_of

    loaded = load(queries, dialect, db, tables)
    for each in loaded:
        each.on(chosen_dialect(dialect, db))
    text = module_of(loaded)
    if out is None:
        click.echo(text, nl=False)
        return
    with writing(out):
        out.write_text(text, encoding="utf-8")
    click.echo(f"wrote {out}")


@click.command(short_help="Draw a query, as SVG or PNG.")
@TARGET
@DIALECT
@INSTALLED
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def graph(query: str, dialect: str | None, db: str | None, file: Path) -> None:
    """Draw a query from left to right into FILE, whose name ends in .svg or .png."""
    from stepping.compiler.explain.pictures import write_png, write_svg

    if file.suffix not in (".svg", ".png"):
        raise click.UsageError(f"{file} ends in neither .svg nor .png")
    write = write_svg if file.suffix == ".svg" else write_png
    with _explained(load_one(query, dialect, db), dialect, db, None) as found, writing(file):
        write(found, file)
    click.echo(f"wrote {file}")


@click.command(short_help="Print the script that creates the tables of a query.")
@TARGETS
@DIALECT
@click.option("--db", metavar="URL", help="A database that has the tables that views read.")
@TABLES
@FEATURES
def ddl(
    queries: tuple[str, ...],
    dialect: str | None,
    db: str | None,
    tables: str | None,
    features: tuple[str, ...],
) -> None:
    """Print the script that creates the tables of a query: what create_tables=True runs, with a
    comment on each object.
    """
    from stepping.compiler.explain import ddl_text
    from stepping.database import described

    for position, each in enumerate(load(queries, dialect, db, tables)):
        base = None
        if db is not None and each.captured is not None:
            base = described(db, each)
        elif getattr(each, "prepared", None) is not None:
            base = tuple(each.prepared.base.items())
        text = ddl_text(each, chosen_dialect(dialect, db), base, features)
        click.echo("\n" * (position > 0) + text, nl=False)


def differing(query: Any, version: int) -> str:
    """That a query is looked at as its code has it, which is not installed."""
    from stepping.runtime.catalog import target_of

    return (
        f"{query.name} is not what is installed, which is version {version}: this is what its code "
        f"says. `stepping migrate {target_of(query)} --db URL` says what would be done."
    )


@contextmanager
def _explained(
    query: Any, dialect: str | None, db: str | None, input_: str | None, *, planned: bool = False
) -> Iterator[Any]:
    """What is known of a query. ``planned``: SQLite is asked for its plans also without --db."""
    from stepping.compiler.explain import explain as explained
    from stepping.database import dialect_of, empty_sqlite, opened_or_planned

    if db is not None:
        if dialect is not None and dialect != dialect_of(db):
            raise click.UsageError(f"--dialect {dialect} does not fit --db, a {dialect_of(db)} URL")
        with opened_or_planned(db, query) as store:
            if differs := getattr(store, "differs", None):
                click.echo(differing(query, differs.version), err=True)
            yield explained(store, input=input_)
    elif planned and chosen_dialect(dialect, db) == "sqlite" and query.captured is None:
        with empty_sqlite(query) as store:
            yield explained(store, input=input_)
    else:
        yield explained(query, chosen_dialect(dialect, db), input=input_)


COMMANDS = (explain, check, prepare, types, graph, ddl)
