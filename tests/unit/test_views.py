"""A cache of an aggregate's groups is a view of the aggregate's table, not a second copy."""

from __future__ import annotations

import math
from typing import Any

import pytest
import sqlalchemy as sa

import stepping as st
from stepping.compiler.plan.tables import TableKind
from tests.support.place import Place


class Sale(st.Data):
    shop: str
    day: int
    price: st.AnyFloat
    note: str | None = None


class Total(st.Data):
    day: int
    shop: str
    price: float


class Label(st.Data):
    shop: str
    label: str


def key(sale: Sale) -> tuple[str, int]:
    return (sale.shop, sale.day)


def to_total(pair: st.Pair[float, tuple[str, int]]) -> Total:
    return Total(day=pair.right[1], shop=pair.right[0], price=pair.left)


BY_KEY = st.Index.pick(Sale, key)
BY_DAY = st.Index.pick(Total, lambda total: total.day)
DAY_DOWN = st.Index.pick(Total, lambda total: total.day, ascending=False)
BY_PRICE = st.Index.pick(Total, lambda total: total.price)

SALES = [
    Sale(shop="a", day=2, price=1.5),
    Sale(shop="a", day=2, price=2.0),
    Sale(shop="b", day=1, price=4.0),
    Sale(shop="c", day=3, price=8.0),
]
TOTALS = [
    Total(day=1, shop="b", price=4.0),
    Total(day=2, shop="a", price=3.5),
    Total(day=3, shop="c", price=8.0),
]


def totals_of(sales: st.ZSet[Sale]) -> st.ZSet[Total]:
    sums = st.group_reduce_flatten(sales, by=BY_KEY, zero=float, pick_value=lambda sale: sale.price)
    return st.map(sums, f=to_total)


def tables_of(store: Any) -> list[str]:
    return sorted(each.table.kind.value for each in store.plan.tables)


def views_of(store: Any) -> list[str]:
    """Views that stand for a cache's table; those for other readers have no count."""
    views = (view.table for each in store.plan.tables for view in each.views)
    return [view.name for view in views if view.weight]


def test_a_mapped_sum_is_read_from_the_aggregates_table(place: Place) -> None:
    cache = st.Cache[Total]()

    def query(sales: st.ZSet[Sale]) -> st.ZSet[Total]:
        totals = totals_of(sales)
        _ = cache[totals](lambda z: st.integrate_indexed(z, indexes=(BY_DAY,)))
        return totals

    graph = st.compile(query)
    with place.opened(graph) as store:
        assert tables_of(store) == ["state"]
        (name,) = views_of(store)
        (state,) = store.plan.tables
        assert state.table.key[0] == "day"  # so that the index of the groups serves the order
        (sales,) = st.actions(store, graph)
        sales.insert(*SALES)
        zset = cache.zset(store)
        assert list(zset.iter_by_index(BY_DAY)) == [(total.day, total, 1) for total in TOTALS]
        assert dict(zset.iter()) == dict.fromkeys(TOTALS, 1)
        assert dict(zset.iter(frozenset({TOTALS[1]}))) == {TOTALS[1]: 1}
        assert len(zset) == 3
        sales.remove(SALES[2])
        sales.insert(Sale(shop="a", day=2, price=math.inf))
        left = {Total(day=2, shop="a", price=math.inf): 1, TOTALS[2]: 1}
        assert dict(cache.zset(store).iter()) == left
        table = cache.table(store)
        with place.plain() as connection:
            rows = connection.execute(
                f'SELECT day, c FROM "{name}" ORDER BY day'  # noqa: S608
            ).fetchall()
        assert [tuple(row) for row in rows] == [(2, 1), (3, 1)]
        assert isinstance(table, sa.FromClause)


def test_a_filter_of_groups_is_a_view_with_a_condition(place: Place) -> None:
    cache = st.Cache[Total]()

    def query(sales: st.ZSet[Sale]) -> st.ZSet[Total]:
        large = st.filter(totals_of(sales), f=lambda total: total.price > 3.75)
        _ = cache[large](lambda z: st.integrate(z))
        return large

    graph = st.compile(query)
    with place.opened(graph) as store:
        assert tables_of(store) == ["state"]
        assert len(views_of(store)) == 1
        (sales,) = st.actions(store, graph)
        sales.insert(*SALES)
        assert dict(cache.zset(store).iter()) == {TOTALS[0]: 1, TOTALS[2]: 1}
        sales.insert(SALES[0])
        assert {total.shop for total, _ in cache.zset(store).iter()} == {"a", "b", "c"}


def left_out(sales: st.ZSet[Sale]) -> st.ZSet[Any]:
    sums = st.group_reduce_flatten(sales, by=BY_KEY, zero=float, pick_value=lambda sale: sale.price)
    return st.map(sums, f=lambda pair: pair.left)


def of_notes(sales: st.ZSet[Sale]) -> st.ZSet[Any]:
    by: Any = st.Index.pick(Sale, lambda sale: sale.note)
    return st.group_reduce_flatten(sales, by=by, zero=float, pick_value=lambda sale: sale.price)


@pytest.mark.parametrize("made", [left_out, of_notes])
def test_what_no_index_or_key_of_groups_serves_is_a_table(made: Any, place: Place) -> None:
    """Two groups may give one row, and a key that may be None is stored as another value."""
    cache: Any = st.Cache(name="kept")

    def query(sales: Any) -> Any:
        found = made(sales)
        _ = cache[found](lambda z: st.integrate(z))
        return found

    query.__annotations__ = {"sales": st.ZSet[Sale], "return": made.__annotations__["return"]}
    query.__annotations__["return"] = (
        st.ZSet[float]
        if made is left_out
        else st.ZSet[
            st.Pair[float, str | None]  # type: ignore[misc]
        ]
    )
    graph = st.compile(query)
    with place.opened(graph) as store:
        assert tables_of(store) == ["delay", "state"]
        (sales,) = st.actions(store, graph)
        sales.insert(*SALES, Sale(shop="d", day=1, price=4.0))
        found = sorted(cache.zset(store).iter(), key=repr)
        if made is left_out:
            assert found == [(3.5, 1), (4.0, 2), (8.0, 1)]
        else:
            assert found == [(st.Pair(19.5, None), 1)]


def test_an_order_by_a_float_sum_needs_a_table(place: Place) -> None:
    """Infinities stand in columns of their own, so that no index has the sums in order."""
    cache = st.Cache[Total]()

    def query(sales: st.ZSet[Sale]) -> st.ZSet[Total]:
        totals = totals_of(sales)
        _ = cache[totals](lambda z: st.integrate_indexed(z, indexes=(BY_PRICE, DAY_DOWN)))
        return totals

    graph = st.compile(query)
    with place.opened(graph) as store:
        assert tables_of(store) == ["delay", "state"]
        assert views_of(store) == []


def test_a_join_looks_groups_up_in_their_own_table(place: Place) -> None:
    def query(sales: st.ZSet[Sale], labels: st.ZSet[Label]) -> st.ZSet[st.Pair[Total, Label]]:
        return st.join(
            totals_of(sales),
            labels,
            on_left=st.Index.pick(Total, lambda total: total.shop),
            on_right=st.Index.pick(Label, lambda label: label.shop),
        )

    graph = st.compile(query)
    with place.opened(graph) as store:
        assert tables_of(store) == ["delay", "state"]
        state = next(e.table for e in store.plan.tables if e.table.kind is TableKind.STATE)
        assert state.key[0] == "shop"
        sales, labels = st.actions(store, graph)
        sales.insert(*SALES)
        (found,) = labels.insert(Label(shop="a", label="A"), Label(shop="a", label="AA"))
        assert {(pair.left.price, pair.right.label, n) for pair, n in found.iter()} == {
            (3.5, "A", 1),
            (3.5, "AA", 1),
        }
        (found,) = sales.insert(SALES[0])
        assert sorted((pair.left.price, n) for pair, n in found.iter()) == [
            (3.5, -1),
            (3.5, -1),
            (5.0, 1),
            (5.0, 1),
        ]
        assert st.explain(store).to_dict()["scans"] == []
        assert st.verify(store).ok
