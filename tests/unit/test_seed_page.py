"""What the page on storing state shows, on both databases, in one process and in several."""

from __future__ import annotations

import concurrent.futures
import subprocess
import sys

import pytest

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.place import Place
from tests.support.receipts import (
    ITEMS,
    PRINTED,
    RADIO,
    TV,
    LineItem,
    Product,
    cache,
    fill,
    graph,
    insert_chunk,
)

READ_WEEKS_LATER = """
import sys
import stepping as st
from tests.support.receipts import cache, graph
kind, where = sys.argv[1:]
connect = st.connection_sqlite if kind == "sqlite" else st.connection_postgres
cls = st.StoreSQLite if kind == "sqlite" else st.StorePostgres
with connect(where) as conn:
    store = cls.from_graph(conn, graph, create_tables=False)
    zset = cache.zset(store)
    print(zset)
"""


def test_in_memory() -> None:
    store = st.StorePython.from_graph(graph)
    fill(store)
    assert str(cache.zset(store)) == PRINTED


def test_change_that_is_returned(place: Place) -> None:
    with place.opened(graph) as store:
        joined = fill(store)
    by_name = {"tv": TV, "radio": RADIO}
    assert joined == ZSetPython({st.Pair(by_name[i.product_name], i): 1 for i in ITEMS})
    assert all(type(pair.left.price) is float for pair, _ in joined.iter())  # 3 is stored as 3.0


def test_reading_weeks_later_in_another_process(place: Place) -> None:
    with place.opened(graph, create_tables=True) as store:
        fill(store)
    ran = subprocess.run(
        [sys.executable, "-c", READ_WEEKS_LATER, place.name, place.where],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == PRINTED + "\n"
    assert ran.stderr == ""


def test_replacing_a_price(place: Place) -> None:
    with place.opened(graph) as store:
        fill(store)
        products, _ = st.actions(store, graph)
        (joined,) = products.replace(TV, Product(name="tv", price=4))
        assert sorted(count for _, count in joined.iter()) == [-1, -1, 1, 1]
        assert set(cache.zset(store).to_python()._counts) == {
            "Basket id: 1 total: $24.0",
            "Basket id: 2 total: $8.0",
        }
        products.remove(Product(name="tv", price=4))
        assert [row for row, _ in cache.zset(store).iter()] == ["Basket id: 1 total: $20.0"]


def test_schema_is_what_a_dba_would_want_to_find(place: Place) -> None:
    with place.opened(graph) as store:
        kept = store.plan.kept
    assert len(kept) == 4  # two sides of the join, the sums, the cache
    assert all(name.startswith("query__") and len(name.encode()) <= 63 for name in kept)
    assert set(place.times()) == set(kept)
    (items,) = (name for name in kept if name.startswith("query__line_items"))
    if place.name == "sqlite":
        columns = [(c[1], c[2]) for c in place.read(f'PRAGMA table_info("{items}")')]
        whole, text = "INTEGER", "TEXT"
    else:
        columns = place.read(
            "SELECT column_name, data_type FROM information_schema.columns "  # noqa: S608
            f"WHERE table_name = '{items}' ORDER BY ordinal_position"
        )
        whole, text = "bigint", "text"
    assert dict(columns) == {"product_name": text, "basket_id": whole, "qty": whole, "c": whole}


def chunks(n: int) -> list[tuple[LineItem, ...]]:
    """Line items, some of them equal, in chunks."""
    items = [
        LineItem(basket_id=i % 7, product_name=("tv", "radio", "car")[i % 3], qty=i % 5)
        for i in range(n * 10)
    ]
    return [tuple(chunk) for chunk in st.batched(items, 10)]


@pytest.mark.parametrize("flush_every_set", [False, True])
def test_in_parallel(place: Place, flush_every_set: bool) -> None:
    """The example of the page: each chunk waits until the one before it has been written."""
    batches = chunks(20)
    with place.opened(graph, create_tables=True) as store:
        products, _ = st.actions(store, graph)
        products.insert(TV, RADIO)
    times = [
        st.Time(input_time=i, frontier=i - 1, flush_every_set=flush_every_set)
        for i, _ in enumerate(batches, start=1)
    ]
    kinds, wheres = [place.name] * len(batches), [place.where] * len(batches)
    with concurrent.futures.ProcessPoolExecutor(max_workers=4) as executor:
        made = list(executor.map(insert_chunk, kinds, wheres, batches, times))

    sequential = st.StorePython.from_graph(graph)
    products, line_items = st.actions(sequential, graph)
    products.insert(TV, RADIO)
    expected = []
    for batch in batches:
        (joined,) = line_items.insert(*batch)
        expected.append(sum(count for _, count in joined.iter()))
    assert made == expected
    with place.opened(graph, create_tables=False) as store:
        assert cache.zset(store) == cache.zset(sequential)
        assert set(place.times().values()) == {len(batches)}
