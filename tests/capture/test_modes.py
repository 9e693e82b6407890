"""What each way of capturing promises: own writes, errors, Python steps, what is refused."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

import stepping as st
from stepping.runtime import captured as folding
from stepping.runtime.verify_each import verify_installed
from tests.capture.shop import (
    ITEM_ORDER,
    ORDER_ID,
    Item,
    Order,
    captured,
    dearest,
    expected,
    revenue,
    shop,
)
from tests.support.place import Place, postgres_place


def rows(connection: Any, relation: str) -> list[tuple[Any, ...]]:
    found = connection.execute(f"SELECT * FROM {relation}").fetchall()  # noqa: S608
    return sorted(map(tuple, found), key=repr)


def loud(text: str) -> str:
    return re.sub("a", "A", text)


def shouted(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[tuple[str, int]]:
    joined = st.join(orders, items, on_left=ORDER_ID, on_right=ITEM_ORDER)
    return st.map(joined, f=lambda p: (loud(p.left.country), p.right.qty))


def test_a_refresh_shows_own_writes_before_the_commit(place: Place) -> None:
    graph, cache = captured(revenue, "immediate")
    with shop(place) as (connection, writer):
        store = place.store(connection, graph)
        connection.execute("BEGIN")
        writer.do("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        writer.do("INSERT INTO items VALUES (1, 1, 2, 5)")
        assert dict(cache.zset(store, stale=True).iter()) == {}
        store.refresh()
        assert rows(connection, "revenue_rows") == [(10, "ch")]
        writer.do("UPDATE items SET qty = 3")
        assert dict(cache.zset(store).iter()) == {st.Pair(15, "ch"): 1}
        connection.execute("ROLLBACK")
        assert rows(connection, "revenue_rows") == []
        writer.do("INSERT INTO orders VALUES (2, 'de', 1, '')")
        assert st.verify(store).ok


def test_what_needs_python_is_folded_in_by_the_library(place: Place) -> None:
    graph, cache = captured(shouted, "deferred")
    with shop(place) as (connection, writer):
        for _ in range(20):
            writer.one()
        store = place.store(connection, graph)
        for _ in range(5):
            for _ in range(4):
                writer.one()
            assert dict(cache.zset(store).iter()) == expected(connection, graph)
        assert st.verify(store).ok
        writer.do("INSERT INTO orders VALUES (77, 'ch', NULL, '')")
        (found,) = verify_installed(store.driver, repair=True)
        assert "Python steps" in found.failed
        assert "nothing of it was compared" in found.failed
        assert not found.ok
        assert dict(cache.zset(store).iter()) == expected(connection, graph)
        store.uninstall()


def test_what_needs_python_is_not_immediate(place: Place) -> None:
    graph, _ = captured(shouted, "immediate")
    with (
        shop(place) as (connection, _),
        pytest.raises(st.CaptureError, match=r"1 Python step, which no trigger can run.*deferred"),
    ):
        place.store(connection, graph)


def test_a_missing_index_is_told_with_what_creates_it(place: Place) -> None:
    graph, cache = captured(revenue, "immediate")
    with shop(place) as (connection, writer):
        connection.execute("DROP INDEX items_order")
        with pytest.raises(
            st.CaptureError,
            match=r"CREATE INDEX (CONCURRENTLY )?items_order_id ON items \(order_id\)",
        ):
            place.store(connection, graph)
        store = place.store(connection, graph, scans=True)
        writer.do("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        writer.do("INSERT INTO items VALUES (1, 1, 2, 5)")
        assert dict(cache.zset(store).iter()) == {st.Pair(10, "ch"): 1}


def test_tables_and_columns_that_are_not_there_are_named(place: Place) -> None:
    graph, _ = captured(revenue, "immediate")
    with shop(place) as (connection, _):
        connection.execute("ALTER TABLE items RENAME COLUMN unit_price TO price")
        with pytest.raises(st.CaptureError, match=r"items has no column 'unit_price'.*price"):
            place.store(connection, graph)
        connection.execute("DROP TABLE items")
        with pytest.raises(st.CaptureError, match="there is no table items"):
            place.store(connection, graph)
        connection.execute("CREATE VIEW items AS SELECT 1 AS order_id, 1 AS qty, 1 AS unit_price")
        with pytest.raises(st.CaptureError, match="items is a view"):
            place.store(connection, graph)


def test_several_queries_share_a_log(place: Place) -> None:
    first, first_cache = captured(revenue, "immediate")
    second, second_cache = captured(dearest, "deferred")
    with shop(place) as (connection, writer):
        one = place.store(connection, first)
        two = place.store(connection, second)
        for _ in range(10):
            writer.one()
        ((before,),) = connection.execute("SELECT count(*) FROM stepping_log_items").fetchall()
        writer.do("INSERT INTO items VALUES (1000, 1, 2, 5)")
        ((after,),) = connection.execute("SELECT count(*) FROM stepping_log_items").fetchall()
        assert after == before + 1
        assert dict(first_cache.zset(one).iter()) == expected(connection, first)
        assert dict(second_cache.zset(two).iter()) == expected(connection, second)
        one.uninstall()
        for _ in range(10):
            writer.one()
        assert dict(second_cache.zset(two).iter()) == expected(connection, second)
        ((left,),) = connection.execute("SELECT count(*) FROM stepping_log_items").fetchall()
        assert left == 0
        two.uninstall()
        ours = ("revenue", "dearest", "_log_", "reader", "pending", "fold", "capture")
        assert [n for n in objects(place, connection) if any(word in n for word in ours)] == []
        writer.do("INSERT INTO items VALUES (1001, 1, 2, 5)")


def objects(place: Place, connection: Any) -> list[str]:
    sql = "SELECT name FROM sqlite_master"
    if place.name == "postgres":
        sql = (
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
            "UNION ALL SELECT tgname FROM pg_trigger"
        )
    return [name for (name,) in connection.execute(sql).fetchall()]


def big(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[st.Pair[int, int]]:
    return st.group_reduce_flatten(
        items, by=st.Index.pick(Item, lambda i: i.qty), zero=int, pick_value=lambda i: i.price
    )


def test_a_write_that_cannot_be_folded_in_fails_or_leaves_the_result_stale(place: Place) -> None:
    most = 2**62 if place.name == "sqlite" else 2**31 - 1
    failing = captured(product, "immediate")[0]
    with shop(place) as (connection, writer):
        store = place.store(connection, failing)
        if place.name == "postgres":
            with pytest.raises(psycopg.Error, match=r"bigint out of range|64 bits"):
                writer.do("INSERT INTO items VALUES (1, 1, ?, ?)", most, most)
            assert connection.execute("SELECT count(*) FROM items").fetchone() == (0,)
        store.uninstall()
        graph, cache = stale_graph()
        store = place.store(connection, graph)
        writer.do("INSERT INTO items VALUES (1, 1, 2, 3)")
        assert dict(cache.zset(store).iter()) == {18: 1}
        writer.do("INSERT INTO items VALUES (2, 1, ?, ?)", most, most)
        assert connection.execute("SELECT count(*) FROM items").fetchone() == (2,)
        if place.name == "postgres":
            assert "bigint out of range" in store.status().stale
            assert "stale" in str(store.status())
        writer.do("DELETE FROM items WHERE id = 2")
        store.repair()
        assert not store.status().stale
        assert dict(cache.zset(store).iter()) == {18: 1}


def product(orders: st.ZSet[Order], items: st.ZSet[Item]) -> st.ZSet[int]:
    return st.map(items, f=lambda i: i.qty * i.price * i.price)


def stale_graph() -> tuple[Any, Any]:
    cache: Any = st.Cache("rows")

    def kept(orders: st.ZSet[Order], items: st.ZSet[Item]) -> None:
        _ = cache[product(orders, items)](lambda z: st.integrate(z))

    return st.compile(kept, name="product", on_error="stale"), cache


def test_actions_and_memory_stores_are_for_queries_that_are_fed(place: Place) -> None:
    graph, _ = captured(revenue, "immediate")
    with shop(place) as (connection, _):
        store = place.store(connection, graph)
        with pytest.raises(st.StoreError, match="write to the tables"):
            st.actions(store, graph)
        with pytest.raises(st.StoreError, match="write to the tables"):
            st.iteration(store, graph, (st.ZSetPython({}), st.ZSetPython({})))
        with pytest.raises(st.StoreError, match="StoreSQLite or StorePostgres"):
            st.StorePython.from_graph(graph)


def test_lost_triggers_are_found_and_made_again(place: Place) -> None:
    graph, cache = captured(revenue, "immediate")
    with shop(place) as (connection, writer):
        store = place.store(connection, graph)
        on = "" if place.name == "sqlite" else " ON items"
        trigger = "stepping_items_insert" if place.name == "sqlite" else "stepping_insert"
        connection.execute(f"DROP TRIGGER {trigger}{on}")
        writer.do("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        writer.do("INSERT INTO items VALUES (1, 1, 2, 5)")
        with pytest.raises(st.CaptureError, match=rf"items: the trigger {trigger} is missing"):
            place.store(connection, graph)
        (wrong,) = store.repair()
        assert "is missing" in wrong
        writer.do("INSERT INTO items VALUES (2, 1, 1, 5)")
        assert dict(cache.zset(place.store(connection, graph)).iter()) == {st.Pair(15, "ch"): 1}


def test_verify_finds_what_was_changed_by_hand_and_mends_it(place: Place) -> None:
    graph, cache = captured(revenue, "immediate")
    with shop(place) as (connection, writer):
        store = place.store(connection, graph)
        writer.do("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        writer.do("INSERT INTO items VALUES (1, 1, 2, 5)")
        store.refresh()
        (table,) = store.plan.kept
        connection.execute(f'UPDATE "{table}" SET total = 7')  # noqa: S608
        assert not st.verify(store).ok
        assert st.verify(store, repair=True).ok
        assert dict(cache.zset(store).iter()) == {st.Pair(10, "ch"): 1}


class Odd(st.Data, table="odd"):
    n: int
    c: int
    xid: int
    id0: int
    changed: int


odd_rows = st.Cache[st.Pair[int, int]]("rows")


def odd(rows: st.ZSet[Odd]) -> None:
    sums = st.group_reduce_flatten(
        rows,
        by=st.Index.pick(Odd, lambda r: r.n),
        zero=int,
        pick_value=lambda r: r.c + r.xid + r.id0 + r.changed,
    )
    _ = odd_rows[sums](lambda z: st.integrate(z))


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
def test_columns_may_have_any_name(place: Place, refresh: str) -> None:
    graph: Any = st.compile(odd, refresh=refresh)
    ddl = "CREATE TABLE odd (n INT PRIMARY KEY, c INT, xid INT, id0 INT, changed INT)"
    with place.connect() as connection:
        connection.execute(ddl)
        store = place.store(connection, graph)
        connection.execute("INSERT INTO odd VALUES (1, 1, 2, 3, 4), (2, 0, 0, 0, 1)")
        connection.execute("UPDATE odd SET c = c + 1, xid = 5 WHERE n = 1")
        connection.execute("DELETE FROM odd WHERE n = 2")
        assert dict(odd_rows.zset(store).iter()) == {st.Pair(14, 1): 1}


def test_verify_looks_again_where_another_fold_was_quicker(
    postgres_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, _ = captured(revenue, "deferred")
    place = postgres_place(postgres_db)
    with shop(place) as (connection, writer), place.plain() as other:
        store = place.store(connection, graph)
        for _ in range(10):
            writer.one()
        fold, turns = folding.refresh_installed, [1]

        def late(driver: Any, manifest: Any) -> None:
            driver.read("SELECT 1")  # of a snapshot that is older than the other fold
            if turns:
                turns.pop()
                other.execute("INSERT INTO orders VALUES (77, 'ch', NULL, '')")
                other.execute("SELECT stepping_refresh('revenue')")
            fold(driver, manifest)

        monkeypatch.setattr(folding, "refresh_installed", late)
        (found,) = verify_installed(store.driver)
        assert found.ok
        assert not turns
