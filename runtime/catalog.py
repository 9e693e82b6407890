"""Our own tables: which queries are installed, and whether they are the ones that are wanted."""

from __future__ import annotations

from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.dialects.driver import Driver
from stepping.errors import SchemaMismatch

CATALOG = "stepping_queries"


def installed(driver: Driver, query: str) -> str | None:
    """The fingerprint of the installed query of this name, or None."""
    if not driver.existing([CATALOG]):
        return None
    with driver.reading():
        rows = driver.read(f"SELECT name, fingerprint FROM {CATALOG}")  # noqa: S608
    fingerprints: dict[str, str] = dict(rows)
    return fingerprints.get(query)


def install(driver: Driver, plan: SQLPlan) -> None:
    """Create the tables of a plan, unless they are there; and say in the catalog that they are."""
    found = installed(driver, plan.query)
    if found == plan.fingerprint and not missing(driver, plan):
        return
    if found is not None and found != plan.fingerprint:
        raise mismatch(plan)
    with driver.writing():
        driver.alone()
        driver.script(plan.script)
    if installed(driver, plan.query) != plan.fingerprint:  # another process was first
        raise mismatch(plan)


def check(driver: Driver, plan: SQLPlan) -> None:
    """Raise `SchemaMismatch` unless the plan is what is installed."""
    found = installed(driver, plan.query)
    if found is None:
        raise SchemaMismatch(
            f"the query {plan.query!r} is not installed in this database",
            hint="open it once with create_tables=True, or run the script of `stepping ddl`",
        )
    if found != plan.fingerprint:
        raise mismatch(plan)
    gone = missing(driver, plan)
    if gone:
        raise SchemaMismatch(
            f"tables of the query {plan.query!r} are missing: {', '.join(gone)}",
            hint="open it with create_tables=True, or run the script of `stepping ddl`",
        )


def missing(driver: Driver, plan: SQLPlan) -> list[str]:
    """The tables of a plan that are not in the database."""
    there = driver.existing(plan.kept)
    return [name for name in plan.kept if name not in there]


def mismatch(plan: SQLPlan) -> SchemaMismatch:
    return SchemaMismatch(
        f"another version of the query {plan.query!r} is installed in this database",
        hint="give this one a name of its own, st.compile(query, name=...), "
        "or remove the installed tables first",
    )
