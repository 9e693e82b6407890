"""Postgres roles: who migrates, who runs iterations, who reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import stepping as st
from tests.migrate.shop import HISTORY, MORE, Shape, feed
from tests.support.place import postgres_place

PAGE = Path(__file__).parents[2] / "docs" / "migrations.md"


@pytest.fixture
def roles(postgres_db: str) -> Iterator[str]:
    """A database in which the roles of the guide are made, by the statements of the guide."""
    place = postgres_place(postgres_db)
    with place.opened(Shape().graph(), features=["times", "queue"]) as store:
        feed(store, Shape(), HISTORY)
    (script,) = re.findall(r"```sql\n(-- roles.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with place.plain() as connection:
        connection.execute(script)
        connection.execute("GRANT shop_runs TO CURRENT_USER; GRANT shop_reads TO CURRENT_USER")
    yield postgres_db
    with place.plain() as connection:
        for role in ("shop_runs", "shop_reads"):
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def as_role(url: str, role: str) -> str:
    return f"{url}&options=-crole%3D{role}"


def test_a_role_without_ddl_runs_iterations(roles: str) -> None:
    place = postgres_place(as_role(roles, "shop_runs"))
    graph = Shape().graph()
    with place.opened(graph, create_tables=False) as store:
        feed(store, Shape(), MORE)
        assert store.next_time() > 0
        _, items = st.actions(store, graph)
        items.insert(time=st.Time(store.next_time(), -1, False))
        assert st.verify(store).ok
    with place.plain() as connection:
        for sql in (
            "CREATE TABLE mine (a INT)",
            f"DROP TABLE {graph.program('postgres').plan.kept[0]}",
            f"TRUNCATE {graph.program('postgres').plan.kept[0]}",
            "DELETE FROM stepping_queries",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql)


def test_tables_of_a_later_version_have_the_same_rights(roles: str) -> None:
    owner, new = postgres_place(roles), Shape(counted=True)
    with owner.connect() as connection:
        st.plan(connection, new.graph()).apply()
    with postgres_place(as_role(roles, "shop_runs")).opened(
        new.graph(), create_tables=False
    ) as store:
        feed(store, new, MORE)
    with postgres_place(as_role(roles, "shop_reads")).opened(
        new.graph(), create_tables=False
    ) as store:
        assert all(len(cache.zset(store)) for cache in store.graph.cache_names)


def test_a_role_that_only_reads(roles: str) -> None:
    place = postgres_place(as_role(roles, "shop_reads"))
    graph: Any = Shape().graph()
    with place.opened(graph, create_tables=False) as store:
        cache = next(each for each, name in graph.cache_names.items() if name == "receipts")
        assert len(cache.zset(store)) == 2
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            feed(store, Shape(), MORE)
    with place.plain() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f'DELETE FROM "{graph.program("postgres").plan.kept[0]}"')  # noqa: S608
