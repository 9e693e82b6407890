"""Making whole again what captures tables, where triggers were lost or switched off.

The triggers of a table are those of all queries that follow it, and that they are gone is the only
sign that results may be wrong. So the transaction that makes them again computes the results of all
these queries; where one of them cannot be computed, nothing is done, and the sign stays.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.capture import STAGED
from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.dialects.capture import Reader, capture_of, log_name, logged
from stepping.dialects.driver import Driver
from stepping.errors import CaptureError, StoreError
from stepping.runtime import captured, catalog
from stepping.runtime.drift import damage, unguarded
from stepping.runtime.running import PythonSteps, Statements

log = logging.getLogger("stepping")


@dataclass(frozen=True)
class Filled:
    """A query whose results are computed anew; ``statements`` run its Python steps, if any."""

    plan: SQLPlan
    statements: Statements | None


@dataclass(frozen=True)
class Repaired:
    """What was wrong, and which queries were computed beside those that were named."""

    wrong: tuple[str, ...]
    others: tuple[str, ...]


def repair(driver: Driver, named: Sequence[Filled]) -> Repaired:
    """Make triggers of the tables of some queries again, and compute the results anew: theirs, and
    those of all queries that follow a table whose triggers were gone.
    """
    words = driver.capturing
    inputs = [i for each in named for i in capture_of(each.plan).inputs]
    tables = list({log_name(each.table): each.table for each in inputs}.values())
    with driver.writing():
        driver.script(words.lock(tables))
        manifests = [each.plan.manifest for each in named]
        found = (w for m in manifests for w in (*damage(driver, m), *unguarded(driver, m)))
        wrong = dict.fromkeys(found)
        readers = captured.readers(driver)
        lost = [each for each in tables if _is_lost(driver, each, readers)]
        others = _others(driver, lost, readers, {each.plan.query for each in named})
        for table in tables:
            same = [each for each in readers if each.log == log_name(table)]
            driver.script(words.table_again(logged(table, same)))
        for each in _in_order(driver, [*named, *others]):
            captured.refill(driver, each.plan, each.statements)
    names = tuple(each.plan.query for each in others)
    if names:
        log.warning(
            "The results of %s are computed anew as well, since triggers of their tables were gone",
            ", ".join(names),
        )
    return Repaired(tuple(wrong), names)


def _is_lost(driver: Driver, table: BaseTable, readers: Sequence[Reader]) -> bool:
    """Whether results may be wrong since a trigger of a table is gone."""
    words = driver.capturing
    read = logged(table, [each for each in readers if each.log == log_name(table)])
    return bool(
        words.triggers(driver.read, table) or words.unguarded(driver.read, table, read.columns)
    )


def repaired(driver: Driver, graphs: Sequence[AnyGraph], names: Sequence[str] = ()) -> Repaired:
    """`repair` of installed queries, by their code, or by what the catalog has of them."""
    named = [_by_name(driver, each) for each in names]
    for graph in (catalog.named(driver, each) for each in graphs):
        base = captured.as_installed(driver, graph)
        plan = graph.program(driver.dialect, base=base).plan
        catalog.check(driver, plan, catalog.target_of(graph))
        _, steps = graph.recompute(driver.dialect, base=base)
        program: Any = PythonSteps(plan, steps)
        named.append(Filled(plan, Statements(driver, graph, program)))
    return repair(driver, named)


def _by_name(driver: Driver, name: str) -> Filled:
    found = _by_catalog(driver, catalog.installed(driver, name).manifest())
    if found is None:
        raise StoreError(
            f"only its own code can compute the results of the query {name!r}; nothing was done",
            hint="name that: stepping repair MODULE:QUERY --db URL, or the file of the view",
        )
    return found


def _by_catalog(driver: Driver, manifest: Manifest) -> Filled | None:
    """A query as the catalog has it, unless only its own code can compute it."""
    plan = catalog.stored_as(driver, manifest)
    return None if plan is None or capture_of(plan).in_python else Filled(plan, None)


def _others(
    driver: Driver, lost: Sequence[BaseTable], readers: Sequence[Reader], named: set[str]
) -> list[Filled]:
    """The other queries that follow tables, as the catalog has them. Raises `CaptureError` if one
    of them cannot be computed by that.
    """
    logs = {log_name(each) for each in lost}
    names = sorted({each.query for each in readers if each.log in logs} - named)
    installed = catalog.queries(driver) if names else {}
    found, begun, in_code = [], [], []
    for name in names:
        if name.endswith(STAGED):
            begun.append(name.removesuffix(STAGED))
            continue
        filled = _by_catalog(driver, installed[name].manifest())
        if filled is None:
            in_code.append(name)
        else:
            found.append(filled)
    which = ", ".join(map(str, lost))
    if begun:
        raise CaptureError(
            f"triggers of {which} were lost while {', '.join(begun)} is being installed",
            hint="nothing was done: `stepping abandon --db URL`, then repair, then install it",
        )
    if in_code:
        listed = ", ".join(in_code)
        raise CaptureError(
            f"triggers of {which} were lost, and {listed} as well may be wrong since then, which "
            "only its own code can compute",
            hint=f"nothing was done: name {listed} too (`stepping repair MODULE:QUERY "
            "MODULE:QUERY --db URL`), so that all are computed at once, or uninstall it first",
        )
    return found


def _in_order(driver: Driver, queries: Sequence[Filled]) -> list[Filled]:
    """Each behind those whose results it reads."""
    return sorted(queries, key=lambda each: len(captured.lowers(driver, capture_of(each.plan))))
