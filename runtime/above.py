"""The queries that read the results of one that is migrated: they are made again with it.

What they keep follows the triggers of a table that goes, and holds results that are others now. So
they are taken away first and installed again behind the new version, each from its plan in the
catalog and filled from the new results, in the same transaction. That they can go on reading is a
matter of the columns that they read: these have to be there, with the types that they had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from stepping.compiler.plan import data
from stepping.compiler.plan.capture import DEFERRED
from stepping.compiler.plan.manifest import Manifest
from stepping.compiler.plan.recompute import Recompute
from stepping.compiler.plan.shown import spelled
from stepping.compiler.plan.sql_plan import CapturedInput, Role, SQLPlan
from stepping.dialects.capture import capture_of
from stepping.dialects.driver import Driver
from stepping.errors import MigrationError
from stepping.runtime import captured, catalog

T = TypeVar("T")


@dataclass(frozen=True)
class Above:
    """A query as it is installed, and as it is made again."""

    old: Manifest
    plan: SQLPlan
    recompute: Recompute | None

    @property
    def said(self) -> str:
        """Says in the catalog what it follows from then on."""
        return catalog.remembering(self.plan, self.recompute)


def made_again(driver: Driver, old: Manifest, new: SQLPlan) -> tuple[list[Above], list[Above]]:
    """The queries above one that is migrated, each behind those that it reads; and as they are on
    the way back. Raises `MigrationError` where one of them cannot go on.
    """
    there = [_installed(driver, name, old.query) for name in _names(driver, old.query)]
    forth, back = [], []
    for manifest, plan, recompute in there:
        inputs = capture_of(plan).inputs
        mine = [each for each in inputs if each.table.of == old.query]
        why = _why_not(manifest, mine, old, new)
        if why:
            raise _in_the_way(driver, old.query, manifest.query, why)
        names = _kept(old, new.manifest)
        following = _renamed(plan, SQLPlan, names)
        capture = capture_of(following)
        read = tuple(_following(each, new.manifest) for each in capture.inputs)
        following = replace(following, capture=replace(capture, inputs=read))
        again = None if recompute is None else _renamed(recompute, Recompute, names)
        forth.append(Above(manifest, following, again))
        back.append(Above(following.manifest, plan, recompute))
    return forth, back


def _names(driver: Driver, query: str) -> list[str]:
    """The queries above, directly or not: each behind those that it reads."""
    found: list[str] = []
    left = [query]
    while left:
        for name in captured.uppers(driver, left.pop(0)):
            # Behind all by which it is found.
            found = [*(each for each in found if each != name), name]
            left.append(name)
    return found


def _installed(driver: Driver, name: str, lower: str) -> tuple[Manifest, SQLPlan, Recompute | None]:
    manifest = catalog.installed(driver, name).manifest()
    plan = catalog.stored_as(driver, manifest)
    if plan is None:
        raise _in_the_way(
            driver, lower, name, "its plan is not in the catalog, since no store was opened on it"
        )
    steps = capture_of(plan).fill.statements
    if capture_of(plan).in_python or any(s.role in (Role.PYTHON, Role.FOLD) for s in steps):
        raise _in_the_way(driver, lower, name, "its results are computed in Python steps")
    return manifest, plan, catalog.stored_recompute(driver, name)


def _why_not(upper: Manifest, inputs: Sequence[CapturedInput], old: Manifest, new: SQLPlan) -> str:
    """Why a query cannot go on reading; nothing if it can."""
    before = {each.relation: dict(each.columns) for each in old.results}
    after = {each.relation: dict(each.columns) for each in new.shown}
    for each in inputs:
        name = each.table.name
        if name not in after:
            return f"it reads {name}, which the new version has not"
        for column in each.columns:
            was, now = before[name].get(column), after[name].get(column)
            if now is None:
                return f"it reads the column {column} of {name}, which the new version has not"
            if was != now:
                of_type = "of a type that is not in the catalog" if was is None else spelled(was)
                return f"it reads the column {column} of {name}, which is {spelled(now)} now, " + (
                    f"and was {of_type}"
                )
        table = captured.as_table(each.table, new.manifest)
        lags = "" if isinstance(table, str) else table.fact("lags")
        if lags and upper.capture is not None and upper.capture.refresh != DEFERRED:
            return f"it is right at all times, and {name} will be right by a view only, {lags}"
    return ""


def _in_the_way(driver: Driver, lower: str, name: str, why: str) -> MigrationError:
    names = _names(driver, lower)
    gone = "; ".join(f"stepping uninstall {each} --db URL" for each in reversed(names))
    return MigrationError(
        f"the results of {lower!r} are read by the query {name!r}, which cannot be made again with "
        f"it: {why}",
        hint=f"in this order: {gone}; migrate {lower}; then install {', '.join(names)} again, by "
        "stepping apply, or by opening a store",
    )


def _kept(old: Manifest, new: Manifest) -> dict[str, str]:
    """The tables that keep the results, by the names that they had."""
    assert old.capture is not None
    assert new.capture is not None
    after = {each.relation: each.kept for each in new.capture.sources}
    pairs = ((each.kept, after.get(each.relation, each.kept)) for each in old.capture.sources)
    return {a: b for a, b in pairs if a != b}


def _following(each: CapturedInput, lower: Manifest) -> CapturedInput:
    if each.table.of != lower.query:
        return each
    table = captured.as_table(each.table, lower)
    assert not isinstance(table, str), table
    order = tuple(fact for fact in each.table.facts if fact[0] == "order")
    return replace(each, table=replace(table, facts=(*table.facts, *order)))


def _renamed(value: T, cls: type[T], names: Mapping[str, str]) -> T:
    """A plan in whose statements tables have other names."""
    if not names:
        return value
    encode, decode = data.coding(cls)
    listed = "|".join(map(re.escape, names))
    pattern = re.compile(rf"(?<!\w)({listed})(?!\w)")

    def replaced(part: Any) -> Any:
        if isinstance(part, str):
            return pattern.sub(lambda found: names[found[1]], part)
        if isinstance(part, list):
            return [replaced(each) for each in part]
        if isinstance(part, dict):
            return {key: replaced(each) for key, each in part.items()}
        return part

    found: T = decode(replaced(encode(value)))
    return found


def guards(words: Any, above: Sequence[Above]) -> Iterator[str]:
    """Fail unless these queries are as they were when the script was written."""
    for each in above:
        says = f"{each.old.query}, which reads its results, is not as it was then"
        yield from words.guard(each.old.query, each.old.fingerprint, says)
