"""The changes of a step as a caller gives them: a Z-set per input, with counts that are ints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.errors import QueryError, RowError


def changes_of(graph: AnyGraph, given: Any, what: str) -> Mapping[str, ZSet[Any]]:
    """The changes of a query's inputs by name, from a Z-set for each or a mapping."""
    names = graph.input_names
    if isinstance(given, Mapping):
        unknown = [str(name) for name in given if name not in names]
        if unknown:
            raise QueryError(
                f"{what} was given {', '.join(unknown)}, and the query {graph.name!r} has no such "
                "input",
                hint=f"its inputs are: {', '.join(names)}",
            )
        found = dict(given)
    else:
        zsets = tuple(given) if isinstance(given, list | tuple) else (given,)
        if len(zsets) != len(names):
            raise QueryError(
                f"{what} was given {len(zsets)} Z-sets, and the query {graph.name!r} has "
                f"{len(names)} inputs: {', '.join(names)}",
                hint="pass a Z-set for each, an empty ZSetPython() where nothing changes",
            )
        found = dict(zip(names, zsets, strict=True))
    for name, zset in found.items():
        if not isinstance(zset, ZSet):
            raise QueryError(
                f"{what} was given a {type(zset).__name__} for {name}",
                hint=f"a Z-set has rows with their counts: st.ZSetPython({{row: 1}}); {what} takes "
                "one for each input, in a tuple",
            )
        check_counts(name, zset)
    return found


def check_counts(name: str, zset: ZSet[Any]) -> None:
    """Raise `RowError` if a count of a Z-set that was made in Python is no int of 64 bits."""
    if not isinstance(zset, ZSetPython):  # counts that a database has are ints
        return
    for row, count in zset.iter():
        if type(count) is not int or not -(2**63) < count < 2**63:
            raise RowError(
                f"{name}: the count of {row!r} is {count!r}",
                hint="a count is an int of less than 64 bits; nothing was written",
            )
