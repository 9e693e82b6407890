"""What the tests of the examples share: a store of each kind, and random histories of rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

import stepping as st

OpenStore = Callable[[Any], st.Store]  # of a compiled query


@pytest.fixture(params=["python", "sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest) -> Iterator[OpenStore]:
    """Opens a store of one kind for a compiled query; the test runs once for each kind."""
    with ExitStack() as stack:

        def open_python(graph: Any) -> st.Store:
            return st.StorePython.from_graph(graph)

        def open_sqlite(graph: Any) -> st.Store:
            path = request.getfixturevalue("sqlite_path")
            return st.StoreSQLite.from_graph(stack.enter_context(st.connection_sqlite(path)), graph)

        def open_postgres(graph: Any) -> st.Store:
            url = request.getfixturevalue("postgres_db")
            return st.StorePostgres.from_graph(
                stack.enter_context(st.connection_postgres(url)), graph
            )

        yield {"python": open_python, "sqlite": open_sqlite, "postgres": open_postgres}[
            request.param
        ]


class History:
    """Random changes of several inputs, the same in each run, and the rows that are left."""

    def __init__(self, actions: Sequence[Any], pools: Sequence[Sequence[Any]]) -> None:
        self.random = random.Random(7)
        self.actions = actions
        self.pools = pools
        self.rows: tuple[list[Any], ...] = tuple([] for _ in pools)

    def step(self) -> None:
        """Insert, remove or replace some rows of one input. Each row is there at most once."""
        which = self.random.randrange(len(self.pools))
        rows, action = self.rows[which], self.actions[which]
        missing = [row for row in self.pools[which] if row not in rows]
        chosen = self.random.choice(("insert", "insert", "remove", "replace"))
        if chosen == "insert" and missing:
            some = self.random.sample(missing, self.random.randint(1, min(3, len(missing))))
            action.insert(*some)
            rows.extend(some)
        elif chosen == "remove" and rows:
            some = self.random.sample(rows, self.random.randint(1, min(2, len(rows))))
            action.remove(*some)
            for row in some:
                rows.remove(row)
        elif chosen == "replace" and rows and missing:
            old, new = self.random.choice(rows), self.random.choice(missing)
            action.replace(old, new)
            rows[rows.index(old)] = new
