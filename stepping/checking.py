"""What `stepping check` looks at and finds, for each query that it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from stepping.compiler.explain.check import Problem, Rules, problems
from stepping.database import bound, connected, driver_of
from stepping.errors import CaptureError, SchemaMismatch, SteppingError
from stepping.preparing import bound_as_prepared
from stepping.runtime import catalog
from stepping.runtime.captured import check_tables
from stepping.runtime.drift import drift
from stepping.runtime.occupied import check_free
from stepping.targets import is_file, load_all

Explained = Callable[[Any], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Checked:
    """A query, and what is wrong with it."""

    name: str
    problems: tuple[Problem | str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        found = [
            {"where": "", "what": each, "hint": ""} if isinstance(each, str) else vars(each)
            for each in self.problems
        ]
        return {"query": self.name, "problems": found}


def checked(
    targets: Sequence[str],
    dialect: str,
    url: str | None,
    tables: str | None,
    rules: Rules,
    explained: Explained,
) -> list[Checked]:
    """Of each query what the rules do not allow. Of files of views also those that are not taken:
    one that is not keeps no other from being looked at.
    """
    found = []
    graphs = load_all(targets, dialect, tables)
    if url is None:
        bound_as_prepared(graphs)
    for each in graphs:
        name = f"{each.name} on {dialect}"
        wrong: list[Problem | str] = []
        try:
            if url is not None:
                bound(url, [each])
                wrong += _drift(url, each.name)
                wrong += [] if wrong else _occupied(url, each)
            drifted = bool(wrong)
            if not drifted:
                allowed = replace(rules, scans=rules.scans or each.scans)
                with explained(each) as explanation:
                    wrong += problems(explanation.model, allowed)
            if url is not None and each.captured is not None and not drifted:
                wrong += _refused(url, each)
        except SteppingError as error:
            if not any(is_file(target) for target in targets):
                raise
            wrong = [f"{type(error).__name__}: {error}"]
        found.append(Checked(name, tuple(wrong)))
    return found


def _drift(url: str, name: str) -> list[str]:
    """What of that which is installed is no longer as it was."""
    with driver_of(url) as driver:
        found = catalog.queries(driver).get(name)
        return [] if found is None else list(map(str, drift(driver, found.manifest())))


def _occupied(url: str, graph: Any) -> list[str]:
    """What has a name that a query, which is not installed as it is now, needs for its own."""
    with connected(url) as (cls, connection):
        store = cls(connection, graph)
        found = catalog.queries(store.driver).get(graph.name)
        if found is None or found.fingerprint != store.plan.fingerprint:
            try:
                old = None if found is None else found.manifest()
                check_free(store.driver, store.plan.manifest, old)
            except SchemaMismatch as error:
                return [str(error)]
    return []


def _refused(url: str, graph: Any) -> list[Problem | str]:
    """Why the tables of a query cannot be followed, but for indexes, which are scans."""
    with connected(url) as (cls, connection):
        store = cls(connection, graph)
        try:
            check_tables(store.driver, store.plan, graph, scans=True)
        except CaptureError as error:
            return [str(error)]
    return []
