"""Whether the log of a table holds values of the types that its columns have.

A log has a column once, however many queries read it. Where the type of the table's column was
changed since, what is written down would be cut, rounded, or refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepping.compiler.plan.base_tables import TableRef
from stepping.compiler.plan.capture import staged_name
from stepping.compiler.plan.captures import Capture
from stepping.dialects.capture import Reader, log_name
from stepping.dialects.driver import Driver
from stepping.errors import CaptureError


def outdated(driver: Driver, capture: Capture) -> dict[tuple[str, str], str]:
    """The columns that a query reads which a log has in another type, by log and name; for each
    what it is in the table, and what in the log.
    """
    found: dict[tuple[str, str], str] = {}
    with driver.reading():
        for each in capture.inputs:
            log = driver.capturing.describe(driver.read, TableRef(log_name(each.table)))
            for name in each.columns if log is not None and not each.table.of else ():
                old, new = log.column(name) if log else None, each.table.column(name)
                if old is not None and new is not None and old.type.upper() != new.type.upper():
                    told = f"{each.table}.{name} is {new.type} now, and {old.type} in its log"
                    found[log_name(each.table), name] = told
    return found


def check(driver: Driver, query: str, capture: Capture, readers: Sequence[Reader]) -> None:
    """Raise `CaptureError` where other queries read such a column, so that the log must keep it."""
    mine = {query, staged_name(query)}
    wrong: list[str] = []
    names: dict[str, None] = {}
    for (log, column), told in outdated(driver, capture).items():
        others = [r.query for r in readers if r.log == log and column in r.columns]
        others = [each for each in others if each not in mine]
        if others:
            wrong.append(told)
            names |= dict.fromkeys(others)
    if wrong:
        listed = " ".join(sorted(names))
        raise CaptureError(
            f"the query {query!r} would follow values of another type:\n  " + "\n  ".join(wrong),
            hint=f"nothing was done. The log has them for {', '.join(sorted(names))} as well, "
            f"installed before the type was changed: `stepping uninstall {listed} --db URL`, and "
            "install them again behind this one",
        )
