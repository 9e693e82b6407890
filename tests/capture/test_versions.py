"""A captured query from one version to the next, by a script and from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from tests.capture.shop import ITEM_ORDER, ORDER_ID, Item, Order, expected, revenue, shop
from tests.migrate.test_changes import is_clean
from tests.support.place import Place


def dear(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[st.Pair[int, str]]:
    some = st.filter(items, f=lambda i: i.price > 1)
    joined = st.join(orders, some, on_left=ORDER_ID, on_right=ITEM_ORDER)
    return st.group_reduce_flatten(
        joined,
        by=st.Index.pick(st.Pair[Order, Item], lambda p: p.left.country),
        zero=int,
        pick_value=lambda p: p.right.qty,
    )


def named(query: Callable[..., Any], refresh: str = "immediate") -> tuple[Any, Any]:
    cache: Any = st.Cache("rows")

    def kept(orders: st.ZSet[Order], items: st.ZSet[Item]) -> None:
        _ = cache[query(orders, items)](lambda z: st.integrate(z))

    return st.compile(kept, name="sales", refresh=refresh), cache


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
def test_a_new_version_takes_the_place_of_the_old_one(place: Place, refresh: str) -> None:
    first, _ = named(revenue)
    second, cache = named(dear, refresh)
    with shop(place) as (connection, writer):
        for _ in range(20):
            writer.one()
        place.store(connection, first)
        with pytest.raises(st.SchemaMismatch, match="another version of the query 'sales'"):
            place.store(connection, second)
        plan = st.plan(connection, second)
        assert not plan.is_nothing
        assert "BEGIN" in plan.up_sql
        plan.apply()
        store = place.store(connection, second)
        for _ in range(20):
            writer.one()
        assert dict(cache.zset(store).iter()) == expected(connection, second)
        assert st.plan(connection, second).is_nothing
        assert st.verify(store).ok


def test_it_is_installed_by_a_script(place: Place) -> None:
    graph, cache = named(revenue)
    with shop(place) as (connection, writer):
        for _ in range(20):
            writer.one()
        st.plan(connection, graph).apply()
        store = place.store(connection, graph, create_tables=False)
        assert dict(cache.zset(store).iter()) == expected(connection, graph)
        for _ in range(20):
            writer.one()
        assert dict(cache.zset(store).iter()) == expected(connection, graph)


@pytest.mark.parametrize("in_batches", [False, True])
def test_squawk_finds_nothing(postgres_place_only: Place, tmp_path: Path, in_batches: bool) -> None:
    with shop(postgres_place_only) as (connection, _):
        made = st.plan(connection, named(revenue)[0], in_batches=in_batches)
        is_clean(made.up_sql, tmp_path)
        is_clean(made.down_sql, tmp_path)
        made.apply()
        is_clean(st.plan(connection, named(dear)[0], in_batches=in_batches).up_sql, tmp_path)
