"""Making the tables of a query that is fed by hand."""

from __future__ import annotations

from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.dialects.driver import Driver
from stepping.runtime import catalog


def install(driver: Driver, plan: SQLPlan, target: str) -> bool:
    """Create the tables of a plan, and say in the catalog that they are there.

    False if they were, and nothing is done.
    """
    found = catalog.queries(driver).get(plan.query)
    if found is not None and found.fingerprint != plan.fingerprint:
        raise catalog.mismatch(found, plan, target)
    if found is not None and not catalog.missing(driver, plan):
        return False
    try:
        with driver.writing():
            driver.alone()
            if plan.query not in catalog.queries(driver):  # another process may have been first
                from stepping.runtime.occupied import check_free

                check_free(driver, plan.manifest)
            driver.script(plan.script)
    except Exception as error:
        driver.note(error)
        raise
    found = catalog.queries(driver).get(plan.query)
    if found is None or found.fingerprint != plan.fingerprint:  # another process was first
        raise catalog.mismatch(found, plan, target)
    return True
