"""Our own tables: which queries are installed, and whether they are the ones that are wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepping.compiler.plan import data
from stepping.compiler.plan.capture import STAGED, staged_name
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.dialects.capture import literal
from stepping.dialects.driver import Driver
from stepping.errors import SchemaMismatch, StoreError

if TYPE_CHECKING:
    from stepping.compiler.plan.graph import AnyGraph
    from stepping.compiler.plan.recompute import Recompute

CATALOG = "stepping_queries"
_READ = (
    "SELECT name, version, fingerprint, dialect, format, tables, plan_key, started "  # noqa: S608
    f"FROM {CATALOG}"
)


@dataclass(frozen=True)
class Installed:
    """A row of the catalog."""

    query: str
    version: int
    fingerprint: str
    dialect: str
    format: int
    tables: str
    plan_key: str | None
    started: bool

    @property
    def is_staged(self) -> bool:
        """Whether it is filled while writers go on, and not switched to yet: see `beside`."""
        return self.query.endswith(STAGED) and self.manifest().capture is not None

    def manifest(self) -> Manifest:
        """What is installed. Raises `SchemaMismatch` if it was written by a newer version."""
        what = f"what stepping_queries says of the query {self.query!r}"
        return data.from_text(self.tables, Manifest, what)


def queries(driver: Driver) -> dict[str, Installed]:
    """The queries that are installed, by name."""
    if not driver.existing([CATALOG]):
        return {}
    try:
        with driver.reading():
            rows = driver.read(_READ)
    except Exception as error:
        if not driver.is_of_table(error):
            raise
        raise SchemaMismatch(
            f"{CATALOG} cannot be read: {error}",
            hint="it was made by another version of stepping, or this role may not read it",
        ) from error
    return {row[0]: Installed(*row) for row in rows}


def named(driver: Driver, graph: AnyGraph) -> AnyGraph:
    """A query with the names of its tables that are installed, if they are of a version that this
    one can read.
    """
    found = queries(driver).get(graph.name)
    if found is None or found.format > data.FORMAT or found.dialect != driver.dialect:
        return graph
    return graph.named_as(found.manifest().tables)


def installed(driver: Driver, query: str) -> Installed:
    """What is installed of a query. Raises `StoreError` if nothing is."""
    found = all_installed(driver)
    if query not in found:
        raise StoreError(
            f"the query {query!r} is not installed in this database",
            hint=f"installed are: {', '.join(sorted(found))}",
        )
    return found[query]


def all_installed(driver: Driver) -> dict[str, Installed]:
    """The queries that are installed, by name. Raises `StoreError` if there is none."""
    found = queries(driver)
    if not found:
        raise StoreError(
            "nothing of stepping is installed in this database",
            hint="is it the right one? A store that is opened with create_tables=True installs its "
            "query, and so does the script of `stepping ddl`",
        )
    return found


def half_installed(driver: Driver, query: str | None = None) -> Installed | None:
    """What is being installed while writers go on, and is not switched to yet: see `beside`."""
    for name, each in queries(driver).items():
        if query is not None and name != staged_name(query):
            continue
        if each.is_staged:
            return each
    return None


def stored_plan(driver: Driver, query: str, key: str) -> SQLPlan | None:
    """The plan that is stored for a query, if it has a key and can be read."""
    if not driver.existing([CATALOG]):
        return None
    text = stored_text(driver, "plan", query, f" AND plan_key = '{key}'")  # a digest in hex
    try:
        return None if not text else data.from_text(text, SQLPlan, "the stored plan")
    except SchemaMismatch:
        return None  # it is a copy, and can be made again


def stored_as(driver: Driver, manifest: Manifest) -> SQLPlan | None:
    """The plan of what is installed, by whatever key, if a store was opened on it."""
    text = stored_text(driver, "plan", manifest.query)
    try:
        found = None if not text else data.from_text(text, SQLPlan, "the stored plan")
    except SchemaMismatch:
        return None
    return found if found is not None and found.fingerprint == manifest.fingerprint else None


def stored_text(driver: Driver, column: str, query: str, condition: str = "") -> str | None:
    """A column of a query's row in the catalog, and of no other's: plans are long."""
    name = query.replace("'", "''")
    with driver.reading():
        rows = driver.read(
            f"SELECT {column} FROM {CATALOG} WHERE name = '{name}'{condition}"  # noqa: S608
        )
    return rows[0][0] if rows else None


def can_remember(driver: Driver, plan: SQLPlan, *, is_new: bool) -> bool:
    """Whether a plan can be stored now, or with the next step only.

    In an application's transaction that only reads, the one write lock of SQLite is not ours to
    take; on Postgres the row of the catalog would be locked before those of the tables, where a
    query's first step locks them in the other order. ``is_new``: the transaction has made the row.
    """
    if is_new or not driver.in_transaction():
        return True
    if driver.one_writer:
        return False
    return plan.first is None or queries(driver)[plan.query].started


def remember(driver: Driver, plan: SQLPlan, key: str, recompute: Callable[[], Recompute]) -> None:
    """Store the plan beside what is installed, so that it is planned once and not by each process.

    And how its tables are computed again, for who has the database only.
    """
    from stepping.compiler.plan.recompute import Recompute

    texts = data.to_text(plan, SQLPlan), data.to_text(recompute(), Recompute)
    driver.remember(plan.query, plan.fingerprint, key, *texts)


def remembering(plan: SQLPlan, recompute: Recompute | None, key: str | None = None) -> str:
    """The statement that does the same in a script, behind what installs the plan."""
    from stepping.compiler.plan.recompute import Recompute

    computed = None if recompute is None else data.to_text(recompute, Recompute)
    values = {
        "tables": plan.manifest.row["tables"],
        "plan_key": key,
        "plan": data.to_text(plan, SQLPlan),
        "recompute": computed,
    }
    sets = ",\n    ".join(
        f"{name} = NULL" if value is None else f"{name} = {literal(value)}"
        for name, value in values.items()
    )
    return f"UPDATE {CATALOG} SET\n    {sets}\nWHERE name = {literal(plan.query)}"


def stored_recompute(driver: Driver, query: str) -> Recompute | None:
    """How a query's tables are computed anew, if a store has been opened on what is installed."""
    from stepping.compiler.plan.recompute import Recompute

    if not driver.existing([CATALOG]):
        return None
    text = stored_text(driver, "recompute", query)
    what = f"how the tables of {query!r} are computed, in {CATALOG},"
    return None if text is None else data.from_text(text, Recompute, what)


def check(driver: Driver, plan: SQLPlan, target: str) -> None:
    """Raise `SchemaMismatch` unless the plan is what is installed."""
    found = queries(driver).get(plan.query)
    if found is None:
        raise SchemaMismatch(
            f"the query {plan.query!r} is not installed in this database",
            hint="open it once with create_tables=True, or run the script of `stepping ddl`",
        )
    if found.fingerprint != plan.fingerprint:
        raise mismatch(found, plan, target)
    gone = missing(driver, plan)
    if gone:
        raise SchemaMismatch(
            f"tables of the query {plan.query!r} are missing: {', '.join(gone)}",
            hint="open it with create_tables=True, or run the script of `stepping ddl`",
        )


def missing(driver: Driver, plan: SQLPlan) -> list[str]:
    """The tables of a plan that are not in the database."""
    views = (view.table.name for each in plan.tables for view in each.views)
    wanted = (*plan.kept, *views)
    there = driver.existing(wanted)
    return [name for name in wanted if name not in there]


def check_tables(driver: Driver, manifest: Manifest) -> None:
    """Raise `SchemaMismatch` where a table is not there, or has other columns than it was given."""
    there = driver.columns(manifest.kept)
    wrong = []
    for each in manifest.tables:
        table = each.table
        wanted = {*table.names, table.weight or ""}
        found = there.get(table.name)
        if found is None:
            wrong.append(f"{table.name} is not there")
        elif found != wanted:
            differ = ", ".join(sorted(found ^ wanted))
            wrong.append(f"{table.name} has other columns than it was made with: {differ}")
    if wrong:
        raise SchemaMismatch(
            f"tables of the query {manifest.query!r} were changed by hand:\n  "
            + "\n  ".join(wrong),
            hint="make them what `stepping ddl` prints, or restore them from a backup",
        )


def target_of(graph: Any) -> str:
    """What commands know a query by: the file that it is in, or where its module has it."""
    where = str(getattr(graph, "where", ""))
    return where if where.endswith(".sql") else "MODULE:QUERY"


def mismatch(found: Installed | None, plan: SQLPlan, target: str) -> SchemaMismatch:
    """What is installed, against what is wanted, and the command that writes the migration."""
    command = f"stepping migrate {target} --db URL --out migrations/"
    at_once = f", do it at once with `stepping apply {target} --db URL`"
    hint = f"write the migration with `{command}`{at_once if target.endswith('.sql') else ''}, "
    hint += "or give this query a name of its own"
    message = f"another version of the query {plan.query!r} is installed in this database"
    if found is None:
        return SchemaMismatch(message, hint=hint)
    if found.format > data.FORMAT:
        return data.newer(f"what is installed for the query {plan.query!r}", found.format)
    if found.dialect != plan.dialect:
        return SchemaMismatch(
            f"{message}: for {found.dialect}, and this is {plan.dialect}", hint="check the database"
        )
    from stepping.compiler.plan.changes import shown_difference

    lines = shown_difference(found.manifest(), plan.manifest)
    return SchemaMismatch(f"{message}, version {found.version}:\n{lines}", hint=hint)
