"""The plugin of pytest, used as an application would use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import sqlalchemy.dialects.postgresql  # before pytester takes away what is imported in its run
from click.testing import CliRunner

import stepping as st
from stepping.cli import main
from stepping.testing import assert_installed, assert_right, differing
from tests.support.place import Place

pytest_plugins = ["pytester"]


class Order(st.Data):
    country: str
    cents: int


totals = st.Cache[st.Pair[int, str]]("totals")


def revenue(orders: st.ZSet[Order]) -> st.ZSet[st.Pair[int, str]]:
    by = st.Index.pick(Order, lambda o: o.country)
    sums = st.group_reduce_flatten(orders, by=by, zero=int, pick_value=lambda o: o.cents)
    _ = totals[sums](lambda z: st.integrate(z))
    return sums


graph = st.compile(revenue, keep={"orders": "all"})

TESTS = """
import pytest
import stepping as st
from stepping.testing import assert_right
from tests.testing.test_plugin import Order, graph, totals

@pytest.mark.parametrize("on", ["memory", "sqlite", "postgres"])
def test_it(stepping_store, on):
    store = stepping_store(graph, on=on)
    (orders,) = st.actions(store, graph)
    orders.insert(Order(country="ch", cents=5), Order(country="ch", cents=5))
    orders.insert(Order(country="de", cents=1))
    orders.remove(Order(country="de", cents=1))
    assert totals.zset(store).rows() == [st.Pair(10, "ch")]
    assert_right(store)

def test_again(stepping_store):
    assert totals.zset(stepping_store(graph, on="postgres")).rows() == []

def test_different(stepping_store):
    store = stepping_store(graph)
    (orders,) = st.actions(store, graph)
    orders.insert(Order(country="ch", cents=5))
    assert totals.zset(store) == st.ZSetPython({st.Pair(6, "ch"): 1})
"""


def test_in_a_suite(
    pytester: pytest.Pytester, postgres_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPPING_TEST_POSTGRES_URL", postgres_db)
    pytester.makepyfile(test_orders=TESTS)
    root = str(Path(__file__).parents[2])
    monkeypatch.syspath_prepend(root)
    result = pytester.runpytest_inprocess("-p", "stepping.testing", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*Z-sets of 1 and 1 rows differ in 2:",
            "*+ Pair(left=5, right='ch')  only left",
            "*only right",
        ]
    )
    with st.connection_postgres(postgres_db) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'step%'")
        assert found.fetchall() == []


def test_what_is_wrong_is_found(place: Place) -> None:
    class Row(st.Data, table="orders"):
        id: int
        country: str
        cents: int

    cache = st.Cache[Any]("totals")

    def sales(orders: st.ZSet[Row]) -> None:
        by = st.Index.pick(Row, lambda o: o.country)
        sums = st.group_reduce_flatten(orders, by=by, zero=int, pick_value=lambda o: o.cents)
        _ = cache[sums](lambda z: st.integrate(z))

    sales.__annotations__["orders"] = st.ZSet[Row]
    followed = st.compile(sales)
    with place.connect() as connection:
        connection.execute(
            "CREATE TABLE orders "
            "(id INTEGER PRIMARY KEY, country TEXT NOT NULL, cents BIGINT NOT NULL)"
        )
        with pytest.raises(AssertionError, match="sales is not installed"):
            assert_installed(connection, followed)
        store = place.store(connection, followed)
        assert_installed(connection, followed)
        connection.execute("INSERT INTO orders VALUES (1, 'ch', 5)")
        assert_right(store)
        connection.execute("BEGIN")
        connection.execute("INSERT INTO orders VALUES (2, 'ch', 7)")
        assert_right(store)
        (table,) = store.plan.kept
        column = next(c for c in store.plan.tables[0].table.names if "reduce" in c or "sum" in c)
        connection.execute(f'UPDATE "{table}" SET "{column}" = 1')  # noqa: S608
        with pytest.raises(AssertionError, match="computed anew"):
            assert_right(store)
        connection.execute("ROLLBACK")
        assert_right(store)
        changed = st.compile(sales, name="sales", refresh="deferred")
        with pytest.raises(AssertionError, match="sales has changed in the code"):
            assert_installed(connection, changed)


def test_what_compares_nothing_fails(place: Place) -> None:
    """Nothing says what was inserted, and nothing is made of what is stored."""
    with place.opened(st.compile(revenue)) as store:
        (orders,) = st.actions(store, store.graph)
        orders.insert(Order(country="ch", cents=5))
        with pytest.raises(AssertionError, match=r"revenue: nothing was compared(.|\n)*keep="):
            assert_right(store)
        found = st.verify(store)
        assert (found.ok, found.nothing_compared) == (True, True)
    with place.plain() as connection:
        connection.execute("CREATE TABLE orders (country TEXT NOT NULL)")
    select = "SELECT country, count(*) AS n FROM orders GROUP BY country"
    with place.opened(st.sql(select, name="by_hand", refresh=None)) as store:
        with pytest.raises(AssertionError, match="hint: without refresh=None"):
            assert_right(store)
        assert "hint: without refresh=None" in str(st.verify(store))
    said = CliRunner().invoke(main, ["verify", "--db", place.where])
    assert (said.exit_code, "revenue: nothing was compared" in said.output) == (3, True)
    allowed = CliRunner().invoke(main, ["verify", "--db", place.where, "--allow-unverified"])
    assert allowed.exit_code == 0


def test_a_maintained_view(place: Place, stepping_store: Any) -> None:
    metadata = sa.MetaData()
    orders = sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True))
    view = st.MaintainedView(
        sa.select(sa.func.count().label("n")).select_from(orders), "order_count", metadata=metadata
    )
    with pytest.raises(st.QueryError, match="stepping_store\\(query, on="):
        stepping_store(view)
    with place.plain() as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        with pytest.raises(st.UnsupportedError, match="assert_right has to know where"):
            assert_right(view)
        store = stepping_store(view, on=connection)
        connection.execute("INSERT INTO orders VALUES (1)")
        for what in (view, view.graph, metadata):
            assert_right(what, connection)
        (table,) = store.plan.kept
        connection.execute(f'DELETE FROM "{table}"')  # noqa: S608
        with pytest.raises(AssertionError, match="order_count: 1 table computed anew, 1 differs"):
            assert_right(view, connection)


def test_rows_and_differences() -> None:
    zset = st.ZSetPython({"b": 2, "a": 1})
    assert zset.rows() == ["a", "b", "b"]
    with pytest.raises(st.StoreError, match="count below 0"):
        (-zset).rows()
    assert differing(zset, st.ZSetPython({"b": 1, "c": -1})) == [
        "Z-sets of 2 and 2 rows differ in 3:",
        "+ 'a'  only left",
        "~ 'b'  2 times left, 1 right",
        "- 'c'  only right (count -1)",
    ]
