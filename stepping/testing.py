"""A plugin of pytest: stores for tests, whether results are right, and readable differences.

pytest loads it where stepping is installed. `assert_right` and `assert_installed` need no pytest.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import pytest

from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.sql.query import SQLQuery
from stepping.compiler.zset import ZSet, in_order
from stepping.errors import QueryError, UnsupportedError
from stepping.runtime import catalog
from stepping.runtime.drift import drift
from stepping.runtime.migrate import plan
from stepping.runtime.running import PythonSteps, Statements
from stepping.runtime.store import StorePython, StoreSQL
from stepping.runtime.stores import StorePostgres, StoreSQLite, connection_postgres, driver_for
from stepping.runtime.verify import Verification, Verifier, hint_of
from stepping.target import graph_of

if TYPE_CHECKING:  # SQLAlchemy takes long to import
    from stepping.maintained import MaintainedView

POSTGRES = "STEPPING_TEST_POSTGRES_URL"
MEMORY, SQLITE, POSTGRES_NAME = "memory", "sqlite", "postgres"
MOST_SHOWN = 30  # rows in a difference

MakeStore = Callable[..., Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stepping")
    group.addoption(
        "--stepping-postgres",
        metavar="URL",
        help=f"the Postgres database that stores of tests are in; {POSTGRES} by default",
    )
    group.addoption(
        "--stepping-store",
        choices=[MEMORY, SQLITE, POSTGRES_NAME],
        help="where stores of tests are that do not say it themselves",
    )
    parser.addini(
        "stepping_store", "where stores of tests are: memory, sqlite or postgres", default=""
    )


@pytest.fixture
def stepping_store(request: pytest.FixtureRequest) -> Iterator[MakeStore]:
    """Makes stores that are gone after the test.

    ``stepping_store(graph)`` is a store in memory; ``on="sqlite"`` one in a SQLite database in
    memory, ``on="postgres"`` one in a schema of its own, in a transaction that is rolled back;
    ``on=connection`` one on a connection of the application, in whose transaction it is. What is
    rolled back takes the store with it. Several on one kind of database share it.
    """
    with ExitStack() as stack:
        connections: dict[str, Any] = {}

        def make(query: AnyGraph | MaintainedView[Any], on: Any = None, **options: Any) -> Any:
            graph = graph_of(query)
            if graph is None:
                raise UnsupportedError(
                    f"stepping_store expects a compiled query, got {type(query).__name__}",
                    hint="what st.compile or st.sql returned, or a MaintainedView",
                )
            if graph.scans:
                options.setdefault("scans", True)
            where = on if on is not None else _default(request.config)
            if where == MEMORY:
                return _in_memory(graph, options)
            if where not in (SQLITE, POSTGRES_NAME):
                return _class_of(where).from_graph(where, graph, **options)
            if where not in connections:
                connections[where] = stack.enter_context(_opened(where, request.config))
            return _class_of(connections[where]).from_graph(connections[where], graph, **options)

        yield make


def _in_memory(graph: AnyGraph, options: dict[str, Any]) -> StorePython:
    if isinstance(graph, SQLQuery):
        raise QueryError(
            f"the query {graph.name!r} is in SQL, whose expressions only a database can evaluate",
            where=graph.where,
            hint="a store where its tables are: stepping_store(query, on=session.connection())",
        )
    return StorePython.from_graph(graph, **options)


def _default(config: pytest.Config) -> str:
    found: str = config.getoption("--stepping-store") or config.getini("stepping_store") or MEMORY
    return found


def _opened(where: str, config: pytest.Config) -> Any:
    if where == SQLITE:
        return closing(sqlite3.connect(":memory:", isolation_level=None))
    url = config.getoption("--stepping-postgres") or os.environ.get(POSTGRES)
    if not url:
        pytest.skip(f"no Postgres to test on: --stepping-postgres URL, or {POSTGRES}")
    return _rolled_back(url)


class _rolled_back:
    """A connection in a transaction with a schema of its own; both are taken back at the end."""

    def __init__(self, url: str) -> None:
        self.opened = connection_postgres(url)

    def __enter__(self) -> Any:
        connection: Any = self.opened.__enter__()
        schema = f"stepping_test_{secrets.token_hex(6)}"
        connection.execute("BEGIN")
        connection.execute(f'CREATE SCHEMA "{schema}"')
        connection.execute(f'SET LOCAL search_path TO "{schema}"')
        self.connection = connection
        return connection

    def __exit__(self, *error: Any) -> None:
        try:
            self.connection.rollback()
        finally:
            self.opened.__exit__(None, None, None)


def _class_of(connection: Any) -> type[StoreSQL]:
    return StoreSQLite if driver_for(connection).dialect == "sqlite" else StorePostgres


# -- what is right ---------------------------------------------------------------------------------


def assert_right(what: Any, connection: Any = None) -> None:
    """Compute all that a store keeps anew from its inputs, and fail with what differs.

    ``what`` is a store; or, with the ``connection`` on which it is installed, a compiled query, a
    `MaintainedView`, or a `MetaData` with such views.

    Also inside of a transaction, whose own writes are seen. Of a query that follows tables what
    waits is folded in first, and it is compared with the tables. What nothing else says the
    contents of, as the inputs that a store was fed, is not looked at. Where that is all that there
    is, it fails: nothing was compared.
    """
    if isinstance(what, StorePython):
        return  # it evaluates the meaning of the query in each step
    if isinstance(what, StoreSQL):
        _assert_right(what)
        return
    graphs = list(_queries([what], "assert_right(store), or assert_right(view, connection)"))
    if connection is None:
        raise UnsupportedError(
            f"{type(what).__name__} is no store: assert_right has to know where it is installed",
            hint="assert_right(view, session.connection())",
        )
    cls = _class_of(connection)
    for graph in graphs:
        _assert_right(cls.from_graph(connection, graph, create_tables=False))


def _assert_right(store: StoreSQL) -> None:
    recompute, steps = store.recomputed()
    program: Any = PythonSteps(store.plan, steps)
    statements = Statements(store.driver, store.graph, program)
    names = store.plan.query, store.plan.fingerprint, store.plan.kept
    joined = store.driver.in_transaction()
    with store.in_turn():
        follows = store.plan.capture is not None
        if follows and joined:
            store.refresh()
        refresh = store.refresh if follows and not joined else None
        verifier = Verifier(store.driver, *names, recompute, statements, None, refresh)
        found = verifier.differences()
    tables = tuple(each.table for each in recompute.compared)
    said = Verification(
        store.plan.query,
        tables,
        tuple(found),
        recompute.unverified,
        hint=hint_of(store.graph),
    )
    if found or said.nothing_compared:
        raise AssertionError(str(said))


def assert_installed(connection: Any, *graphs: Any) -> None:
    """Fail unless what a database has installed of some queries is what the code says.

    ``graphs`` are compiled queries, a `MaintainedView`, or a `MetaData` with such views. A query
    that has changed, is missing, or lost a table or a trigger is named, with what to do.
    """
    driver = driver_for(connection)
    there = catalog.queries(driver)
    wrong: list[str] = []
    for graph in _queries(graphs, "assert_installed(connection, graph, Base.metadata)"):
        made = plan(connection, graph)
        if graph.name not in there:
            wrong.append(f"{graph.name} is not installed")
        elif not made.is_nothing:
            wrong.append(f"{graph.name} has changed in the code:\n{made.summary}")
        else:
            manifest = there[graph.name].manifest()
            wrong += [f"{graph.name}: {each}" for each in drift(driver, manifest)]
    if wrong:
        raise AssertionError(
            "\n".join(wrong) + "\nwrite the migration: stepping migrate MODULE:QUERY --db URL"
        )


def _queries(given: Any, usage: str) -> Iterator[Any]:
    for each in given:
        found = graph_of(each)
        if found is not None:
            yield found
        elif hasattr(each, "info") or hasattr(each, "metadata"):
            from stepping.maintained import metadata_of, registered

            yield from (view.graph for view in registered(metadata_of(each)))
        else:
            raise UnsupportedError(
                f"{type(each).__name__} is no compiled query",
                hint=usage,
            )


# -- differences -----------------------------------------------------------------------------------


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    """What `assert zset == ...` shows: the rows that differ, with their counts."""
    if op != "==" or not isinstance(left, ZSet) or not isinstance(right, ZSet):
        return None
    return differing(left, right)


def differing(left: ZSet[Any], right: ZSet[Any]) -> list[str]:
    """The rows whose counts differ, a line for each."""
    ours, theirs = dict(left.to_python().iter()), dict(right.to_python().iter())
    rows = in_order((row, 1) for row in {**ours, **theirs} if ours.get(row) != theirs.get(row))
    lines = [f"Z-sets of {len(ours)} and {len(theirs)} rows differ in {len(rows)}:"]
    for row, _ in rows[:MOST_SHOWN]:
        a, b = ours.get(row, 0), theirs.get(row, 0)
        where = "only left" if not b else "only right" if not a else f"{a} times left, {b} right"
        times = "" if (a and b) or abs(a or b) == 1 else f", {a or b} times"
        sign = "- " if not a else "+ " if not b else "~ "
        counted = " (count -1)" if (a or b) == -1 and not (a and b) else ""
        lines.append(f"{sign}{row!r}  {where}{times}{counted}")
    if len(rows) > MOST_SHOWN:
        lines.append(f"and {len(rows) - MOST_SHOWN} more")
    return lines
