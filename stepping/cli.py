"""The command `stepping`. What a command does not need is not imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

_TARGET = click.argument("query", metavar="MODULE:QUERY")
_TARGETS = click.argument("queries", metavar="MODULE:QUERY | FILE.sql...", nargs=-1, required=True)
_TABLES = click.option(
    "--tables",
    metavar="MODULE:BASE",
    help="The tables that views read, without --db: a MetaData of SQLAlchemy's, or a class with "
    "one.",
)
_DIALECT = click.option(
    "--dialect",
    type=click.Choice(["sqlite", "postgres"]),
    show_default="sqlite, or that of --db",
    help="The database whose SQL is meant.",
)
_INSTALLED = click.option(
    "--db",
    metavar="URL",
    help="A database in which the query is installed: it is measured, and asked for its plans.",
)

_DB = click.option(
    "--db",
    required=True,
    metavar="URL",
    help="postgresql://..., sqlite:///shop.db, or the path of a SQLite file.",
)


class Commands(click.Group):
    """Shows errors of stepping, of databases and of files as what they say, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        from stepping.errors import InternalError, SteppingError
        from stepping.faults import told

        try:
            return super().invoke(ctx)
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


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Says which file cannot be written, and why."""
    try:
        yield
    except OSError as error:
        raise click.FileError(str(path), error.strerror or str(error)) from error


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


@main.command(short_help="Show what a query keeps, runs and costs.")
@_TARGETS
@_DIALECT
@_INSTALLED
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
@_TABLES
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
    loaded = _loaded(queries, dialect, db, tables)
    if html is not None and len(loaded) > 1:
        raise click.UsageError(f"--html writes one page, and there are {len(loaded)} queries")
    data = []
    for position, each in enumerate(loaded):
        with _explained(each, dialect, db, sql or input_) as found:
            if html is not None:
                with _writing(html):
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


@main.command(short_help="Fail if a query has what a team does not want.")
@_TARGETS
@_DIALECT
@_INSTALLED
@_TABLES
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
    help="Fail where a step reads a whole kept table: an index is missing.",
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
        dialect or _dialect(None, db),
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


@main.command(short_help="Write down what the database says of views, for work without it.")
@_TARGETS
@_DB
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

    if not prepared(db, load_all(queries, _dialect(None, db)), out, click.echo, check=only_check):
        raise SystemExit(1)


@main.command(short_help="Write row classes for tables and views.")
@_TARGETS
@_DIALECT
@click.option("--db", metavar="URL", help="The database; not needed behind stepping prepare.")
@_TABLES
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

    loaded = _loaded(queries, dialect, db, tables)
    for each in loaded:
        each.on(_dialect(dialect, db))
    text = module_of(loaded)
    if out is None:
        click.echo(text, nl=False)
        return
    with _writing(out):
        out.write_text(text, encoding="utf-8")
    click.echo(f"wrote {out}")


@main.command(short_help="Draw a query, as SVG or PNG.")
@_TARGET
@_DIALECT
@_INSTALLED
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def graph(query: str, dialect: str | None, db: str | None, file: Path) -> None:
    """Draw a query from left to right into FILE, whose name ends in .svg or .png."""
    from stepping.compiler.explain.drawing import write_png, write_svg
    from stepping.target import load

    if file.suffix not in (".svg", ".png"):
        raise click.UsageError(f"{file} ends in neither .svg nor .png")
    write = write_svg if file.suffix == ".svg" else write_png
    with _explained(load(query), dialect, db, None) as found, _writing(file):
        write(found, file)
    click.echo(f"wrote {file}")


@main.command(short_help="Print the script that creates the tables of a query.")
@_TARGETS
@_DIALECT
@click.option("--db", metavar="URL", help="A database that has the tables that views read.")
@_TABLES
def ddl(queries: tuple[str, ...], dialect: str | None, db: str | None, tables: str | None) -> None:
    """Print the script that creates the tables of a query: what create_tables=True runs, with a
    comment on each object.
    """
    from stepping.compiler.explain import ddl_text
    from stepping.database import described

    for position, each in enumerate(_loaded(queries, dialect, db, tables)):
        base = None
        if db is not None and each.captured is not None:
            base = described(db, each)
        elif getattr(each, "prepared", None) is not None:
            base = tuple(each.prepared.base.items())
        text = ddl_text(each, _dialect(dialect, db), base)
        click.echo("\n" * (position > 0) + text, nl=False)


def _dialect(dialect: str | None, db: str | None) -> str:
    from stepping.database import dialect_of
    from stepping.preparing import dialect_prepared

    if dialect is not None or db is not None:
        return dialect or dialect_of(str(db))
    return dialect_prepared() or "sqlite"


def _loaded(
    queries: tuple[str, ...], dialect: str | None, db: str | None, tables: str | None = None
) -> list[Any]:
    """The compiled queries, each bound to the database that it is asked of."""
    from stepping.database import bound, dialect_of
    from stepping.targets import load_all

    if db is not None and dialect not in (None, dialect_of(db)):
        raise click.UsageError(f"--dialect {dialect} does not fit --db, a {dialect_of(db)} URL")

    found = load_all(queries, _dialect(dialect, db), tables)
    if db is not None:
        return bound(db, found)
    from stepping.preparing import bound_as_prepared

    bound_as_prepared(found)
    return found


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
            yield explained(store, input=input_)
    elif planned and _dialect(dialect, db) == "sqlite" and query.captured is None:
        with empty_sqlite(query) as store:
            yield explained(store, input=input_)
    else:
        yield explained(query, _dialect(dialect, db), input=input_)


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
    from stepping.target import load

    asked = Asked(limit, watch, retry, drop)
    drain_all(load(query), db, asked, click.echo)


@main.command(short_help="Fold what waits into the results of queries that follow tables.")
@_DB
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

    names = names_of(queries, _dialect(None, db))
    with driver_of(db) as driver:
        refresh_all(driver, names, watch, click.echo)


@main.command(short_help="Make what captures tables whole again, and compute the results.")
@_TARGETS
@_DB
@click.option("--dry-run", is_flag=True, help="Only say what is wrong; exit with 1 if anything is.")
def repair(queries: tuple[str, ...], db: str, dry_run: bool) -> None:
    """Make triggers again that were lost or switched off, and compute the results from the tables.

    Writers of the tables wait until it is done.
    """
    from stepping.database import driver_of
    from stepping.following import wrong_with

    is_wrong = False
    for graph in _loaded(queries, None, db):
        with driver_of(db) as driver:
            wrong = wrong_with(driver, graph.name)
            is_wrong = is_wrong or bool(wrong)
            for line in wrong:
                click.echo(line)
            if dry_run:
                continue
            from stepping.runtime.captured import repaired

            repaired(driver, graph)
        click.echo(
            f"{graph.name}: its triggers are there, and its results computed from the tables"
        )
    if dry_run:
        raise SystemExit(1 if is_wrong else 0)


_TIME = click.argument("time", type=int)


@main.command(short_help="Where tables stand, who is at work, what has been put aside.")
@_DB
@click.argument("queries", metavar="[NAME | MODULE:QUERY | FILE.sql]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(db: str, queries: tuple[str, ...], as_json: bool) -> None:
    """Print up to which time each table is written, who is at work, and what is quarantined.

    Of some queries, or of all that are installed.
    """
    from stepping.database import driver_of
    from stepping.runtime.status import all_of
    from stepping.targets import names_of

    names: list[str | None] = [*names_of(queries, _dialect(None, db))]
    with driver_of(db) as driver:
        found = [each for name in names or [None] for each in all_of(driver, name)]
        if as_json:
            import json
            from dataclasses import asdict

            click.echo(json.dumps([asdict(each) for each in found], indent=2, default=str))
            return
        for each in found:
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


def _pairs(values: tuple[str, ...], option: str) -> dict[str, str]:
    found = {}
    for value in values:
        name, equals, given = value.partition("=")
        if not equals:
            raise click.UsageError(f"{option} {value}: expected NAME=...")
        found[name] = given
    return found


_BATCH_ROWS = click.option(
    "--batch-rows",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Rows of each table that a batch reads.",
)


@main.command(short_help="Write the migration from what is installed to a query.")
@_TARGETS
@_DB
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
    check: bool,
) -> None:
    """Compare a query with what is installed, and write the scripts that go there and back.

    Of a file of views a pair of scripts for each that has changed.
    """
    from stepping.database import connected
    from stepping.migrating import written
    from stepping.runtime.migrate import MigrationPlan, plan

    loaded = _loaded(queries, None, db)
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
            )
            click.echo(made.summary)
            if made.is_nothing:
                continue
            changed.append(made)
            if check:
                continue
            made.check()
            if out is not None:
                with _writing(out):
                    paths = written(made, out)
                for path in paths:
                    click.echo(f"wrote {path}")
            if run:
                from stepping.progress import shown

                with shown() as progress:
                    made.apply(progress, batch_rows=batch_rows)
    if check and changed:
        raise SystemExit(1)


@main.command(short_help="Run scripts that `stepping migrate` wrote, or install views.")
@click.argument(
    "scripts",
    metavar="SCRIPT...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@_DB
@click.option("--edited", is_flag=True, help="Run it although it was edited since it was written.")
@_BATCH_ROWS
def apply(scripts: tuple[Path, ...], db: str, edited: bool, batch_rows: int) -> None:
    """Run a script of `stepping migrate`, all of it or nothing.

    Of what is filled in batches, those that are done are kept: run again, it goes on from there.

    Of a file of CREATE MATERIALIZED VIEW, install the views that are new, and migrate those that
    have changed.
    """
    from stepping.database import driver_of
    from stepping.migrating import is_script
    from stepping.progress import shown
    from stepping.runtime.apply import apply as run

    # What is not text has no first lines, which is what it will be told.
    texts = {each: each.read_text(encoding="utf-8", errors="replace") for each in scripts}
    views = [each for each in scripts if not is_script(texts[each])]
    for script in scripts:
        if script in views:
            continue
        with shown() as progress, driver_of(db) as driver:
            text, what = texts[script], script.name
            meta = run(driver, text, what, edited=edited, progress=progress, batch_rows=batch_rows)
        click.echo(f"{meta.query}: done")
    if views:
        from stepping.migrating import applied

        loaded = _loaded(tuple(map(str, views)), None, db)
        with shown() as progress:
            lines = list(applied(db, loaded, progress, batch_rows))
        for line in lines:
            click.echo(line)


@main.command(short_help="Take a query away, with all that it keeps.")
@_DB
@click.argument("query", metavar="NAME | MODULE:QUERY | FILE.sql")
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall(db: str, query: str, yes: bool) -> None:
    """Drop the tables, views, triggers and functions of a query, and forget it.

    By the name that it is installed under (`stepping status` shows it), so that its code need not
    be there any longer. With the last query the tables that say what is installed go as well. There
    is no way back: its inputs are gone, unless they are tables of your own.
    """
    from stepping.database import driver_of
    from stepping.runtime import catalog
    from stepping.runtime.uninstall import uninstall as taken_away
    from stepping.targets import names_of

    for name in names_of((query,), _dialect(None, db)):
        with driver_of(db) as driver:
            kept = catalog.installed(driver, name).manifest().kept
            if not yes:
                click.confirm(f"drop {len(kept)} tables of {name}, with their rows?", abort=True)
            gone = taken_away(driver, name)
        click.echo(f"{name}: uninstalled; {len(gone)} table{'s' * (len(gone) != 1)} dropped")


@main.command(short_help="Take back a migration that is half done.")
@_DB
def abandon(db: str) -> None:
    """Take back what has been filled while writers went on, and not been switched to."""
    from stepping.database import driver_of
    from stepping.runtime.uninstall import abandon as take_back

    with driver_of(db) as driver:
        click.echo(f"{take_back(driver)}: as it was")


@main.command(short_help="Compute the tables of a query anew, and compare.")
@click.argument("queries", metavar="[MODULE:QUERY | FILE.sql]...", nargs=-1)
@_DB
@click.option(
    "--repair",
    is_flag=True,
    help="Mend the keys that differ, and no others: a transaction for each.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(queries: tuple[str, ...], db: str, repair: bool, as_json: bool) -> None:
    """Compute the tables of a query, or of all that are installed, anew, and compare.

    MODULE:QUERY is needed only for a query with Python steps.
    """
    import json
    from dataclasses import asdict

    from stepping.migrating import verified
    from stepping.progress import looked

    ok, data = True, []
    with looked() as progress:
        for graph in _loaded(queries, None, db) if queries else [None]:
            for found in verified(db, graph, repair=repair, progress=progress):
                ok = ok and found.ok
                if as_json:
                    data.append({**asdict(found), "ok": found.ok})
                else:
                    click.echo(str(found))
    if as_json:
        click.echo(json.dumps(data, indent=2, default=str))
    if not ok:
        raise SystemExit(1)


@main.command(short_help="Write a first query, a first view and a folder for migrations.")
@click.argument(
    "folder", default=Path("."), type=click.Path(file_okay=False, path_type=Path), required=False
)
def init(folder: Path) -> None:
    """Write queries.py, views.sql and migrations/ into FOLDER, the current one by default.

    What is there is left as it is.
    """
    from stepping.starting import started

    with _writing(folder):
        for path in started(folder):
            click.echo(f"wrote {path}")


@main.command(short_help="Print what lets a shell complete this command.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script for SHELL: eval "$(stepping completion bash)" in ~/.bashrc."""
    from click.shell_completion import get_completion_class

    cls = get_completion_class(shell)
    assert cls is not None
    click.echo(cls(main, {}, "stepping", "_STEPPING_COMPLETE").source())


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
