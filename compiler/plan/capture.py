"""How a query follows tables of the application: what is asked of it, and what is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepping.compiler.plan.base_tables import TableRef
from stepping.errors import QueryError

IMMEDIATE, DEFERRED = "immediate", "deferred"
FAIL, STALE = "fail", "stale"


STAGED = "__next"  # what is installed beside a query, to be switched to, has this behind its name


def staged_name(query: str) -> str:
    """What a version of a query is called while it is filled and writers go on."""
    return query + STAGED


@dataclass(frozen=True)
class Captured:
    """When changes of the tables are folded into the results, and what happens if they cannot be.

    ``tables`` has each input with the table that its rows are in.
    """

    tables: tuple[tuple[str, TableRef], ...]
    refresh: str = IMMEDIATE
    on_error: str = FAIL

    @property
    def is_deferred(self) -> bool:
        return self.refresh == DEFERRED


def capturing(
    inputs: Sequence[tuple[str, TableRef | None]],
    where: str,
    refresh: str | None,
    on_error: str | None,
) -> Captured | None:
    """How a query with these inputs is captured; None if its inputs are no tables."""
    for name, given, known in (
        ("refresh", refresh, (IMMEDIATE, DEFERRED)),
        ("on_error", on_error, (FAIL, STALE)),
    ):
        if given is not None and given not in known:
            raise QueryError(
                f"{name}={given!r} is not one of {', '.join(map(repr, known))}", where=where
            )
    tables = tuple((name, table) for name, table in inputs if table is not None)
    others = [name for name, table in inputs if table is None]
    if tables and others:
        raise QueryError(
            f"the rows of {', '.join(name for name, _ in tables)} are in tables of the database, "
            f"and those of {', '.join(others)} are not: all inputs of a query are tables, or none",
            where=where,
            hint="name the table of each: class Item(st.Data, table='items')",
        )
    if not tables and (refresh is not None or on_error is not None):
        raise QueryError(
            "refresh= and on_error= are for queries whose inputs are tables of the database",
            where=where,
            hint="name the table of each row class: class Item(st.Data, table='items')",
        )
    return Captured(tables, refresh or IMMEDIATE, on_error or FAIL) if tables else None
