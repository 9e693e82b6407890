"""Queries that read the results of other queries: right at all times, over any depth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import stepping as st
from stepping.cli import main
from stepping.runtime.apply import apply
from stepping.runtime.stores import driver_for
from stepping.runtime.verify_each import verify_installed
from tests.capture.shop import Order, captured, filtered, revenue, shop
from tests.capture.test_concurrent import LEVELS, Crowd, bag
from tests.support.place import Place

STATEMENTS = 40
REVENUE = (
    "SELECT sum(i.qty * i.unit_price) AS total, o.country FROM orders o "
    "JOIN items i ON i.order_id = o.id GROUP BY o.country"
)
SOLD = "SELECT o.country, i.qty FROM orders o JOIN items i ON i.order_id = o.id WHERE i.qty > 1"
BANDS = (
    "WITH r (total, country) AS ({}) SELECT r.total / 10 AS band, count(*) AS n FROM r GROUP BY 1"
)
NUMBERED = "SELECT b.band, b.n, o.country FROM ({}) AS b JOIN orders AS o ON o.id = b.band"


class Revenue(st.Data, table="revenue_rows"):
    left: int
    right: str


def beside_orders(revenues: st.ZSet[Revenue], orders: st.ZSet[Order]) -> st.ZSet[tuple[int, int]]:
    """A result beside a table of which it is made."""
    joined = st.join(
        revenues,
        orders,
        on_left=st.Index.pick(Revenue, lambda r: r.right),
        on_right=st.Index.pick(Order, lambda o: o.country),
    )
    return st.map(joined, f=lambda p: (p.left.left, p.right.id))


def kept(name: str, refresh: str) -> Any:
    cache: Any = st.Cache("rows")

    def query(revenues: st.ZSet[Revenue], orders: st.ZSet[Order]) -> None:
        _ = cache[beside_orders(revenues, orders)](lambda z: st.integrate(z))

    return st.compile(query, name=name, refresh=refresh)


def selected(select: str, name: str, refresh: str) -> Any:
    return st.sql(select, name=name, refresh=refresh)


@pytest.mark.parametrize("upper", ["immediate", "deferred"])
@pytest.mark.parametrize("lower", ["immediate", "deferred"])
def test_results_of_results_are_right(place: Place, lower: str, upper: str) -> None:
    relation = {
        "bands": BANDS.format(REVENUE),
        "numbered": NUMBERED.format(BANDS.format(REVENUE)),
        "beside_rows": f"SELECT r.total, o.id FROM ({REVENUE}) r JOIN orders o "  # noqa: S608
        "ON o.country = r.country",
        "per_qty": f"SELECT qty, count(*) FROM ({SOLD}) AS s GROUP BY 1",  # noqa: S608
    }
    with shop(place) as (connection, writer):
        for _ in range(20):
            writer.one()
        for query in (revenue, filtered):
            place.store(connection, captured(query, lower)[0])
        names = [each[0] for each in connection.execute("SELECT * FROM filtered_rows").description]
        graphs = [
            selected(BANDS.format("SELECT * FROM revenue_rows"), "bands", upper),
            selected(NUMBERED.format("SELECT * FROM bands"), "numbered", upper),
            kept("beside", upper),
            selected(
                f'SELECT s."{names[1]}" AS qty, count(*) AS n FROM filtered_rows AS s GROUP BY 1',  # noqa: S608
                "per_qty",
                upper,
            ),
        ]
        stores = [place.store(connection, each) for each in graphs]
        always = lower == upper == "immediate"
        for count in range(STATEMENTS):
            writer.one()
            if not always and count % 8 != 7:
                continue
            for store, (name, meaning) in zip(
                stores, sorted(relation.items(), key=lambda e: [*relation].index(e[0])), strict=True
            ):
                if not always:
                    store.refresh()
                assert bag(connection, f"SELECT * FROM {name}") == bag(connection, meaning), name  # noqa: S608
        for store in stores:
            assert st.verify(store).ok
        with pytest.raises(st.StoreError, match="are read by the query"):
            place.store(connection, captured(revenue, lower)[0]).uninstall()
        for store in reversed(stores):
            store.uninstall()
        for _ in range(10):
            writer.one()
        for query in (revenue, filtered):
            store = place.store(connection, captured(query, lower)[0])
            store.refresh()
            assert st.verify(store).ok
            store.uninstall()


def test_own_writes_are_seen_through_both(place: Place) -> None:
    with shop(place) as (connection, _):
        place.store(connection, captured(revenue, "immediate")[0])
        graph = selected(BANDS.format("SELECT * FROM revenue_rows"), "bands", "immediate")
        store = place.store(connection, graph)
        connection.execute("BEGIN")
        connection.execute("INSERT INTO orders VALUES (1, 'ch', 1, '')")
        connection.execute("INSERT INTO items VALUES (1, 1, 1, 35)")
        store.refresh()
        assert bag(connection, "SELECT * FROM bands") == Counter({(3, 1): 1})
        connection.execute("ROLLBACK")
        assert bag(connection, "SELECT * FROM bands") == Counter()
        assert st.verify(store).ok


def test_every_snapshot_is_right_over_two_floors(postgres_place_only: Place) -> None:
    """Writers of all isolation levels; the upper query has the first name, and one table of the
    lower one beside it, so that their locks are asked for in either order.
    """
    place = postgres_place_only
    with shop(place) as (connection, writer):
        for _ in range(20):
            writer.one()
        place.store(connection, captured(revenue, "immediate")[0])
        above = NUMBERED.format(BANDS.format("SELECT * FROM revenue_rows"))
        upper = place.store(connection, selected(above, "above", "immediate"))
        wanted = NUMBERED.format(BANDS.format(REVENUE))
        crowd = Crowd(place.where, LEVELS)
        looks = 0
        while any(thread.is_alive() for thread in crowd.threads):
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                assert bag(connection, "SELECT * FROM above") == bag(connection, wanted)
            looks += 1
        crowd.join()
        assert crowd.commits
        assert looks
        assert st.verify(upper).ok


def test_a_result_that_lags_is_not_read_at_once(place: Place) -> None:
    """On SQLite no trigger can fold in what another trigger writes: a view shows it."""
    if place.name != "sqlite":
        pytest.skip("on Postgres what is immediate is folded in at the commit")
    with shop(place) as (connection, writer):
        connection.execute(
            "CREATE TRIGGER touched AFTER INSERT ON orders BEGIN "
            "UPDATE items SET qty = qty + 1 WHERE order_id = NEW.id; END"
        )
        place.store(connection, captured(revenue, "immediate")[0])
        for _ in range(10):
            writer.one()
        select = BANDS.format("SELECT * FROM revenue_rows")
        with pytest.raises(st.CaptureError, match="is right by a view only"):
            place.store(connection, selected(select, "bands", "immediate"))
        store = place.store(connection, selected(select, "bands", "deferred"))
        for _ in range(20):
            writer.one()
        store.refresh()
        assert bag(connection, "SELECT * FROM bands") == bag(connection, BANDS.format(REVENUE))


def test_files_over_each_other(place: Place, tmp_path: Path) -> None:
    """A view of one file reads one of another, that has been installed before it."""
    lower, upper = tmp_path / "lower.sql", tmp_path / "upper.sql"
    lower.write_text(f"CREATE MATERIALIZED VIEW sold AS {REVENUE}")
    upper.write_text("CREATE MATERIALIZED VIEW rich AS SELECT country FROM sold WHERE total > 5")
    run = CliRunner()
    with shop(place) as (connection, writer):
        for _ in range(10):
            writer.one()
        for path in (lower, upper, lower, upper):
            done = run.invoke(main, ["apply", str(path), "--db", place.where])
            assert done.exit_code == 0, done.output
        assert "installed as it is wanted" in done.output
        for _ in range(30):
            writer.one()
            wanted = f"SELECT country FROM ({REVENUE}) AS r WHERE total > 5"  # noqa: S608
            assert bag(connection, "SELECT * FROM rich") == bag(connection, wanted)
        done = run.invoke(main, ["verify", "--db", place.where])
        assert done.exit_code == 0, done.output
        done = run.invoke(main, ["uninstall", "--db", place.where, "sold", "--yes"])
        assert "are read by the query 'rich'" in done.output
        for name in ("rich", "sold"):
            done = run.invoke(main, ["uninstall", "--db", place.where, name, "--yes"])
            assert done.exit_code == 0, done.output


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
def test_what_is_read_is_migrated_with_its_readers(place: Place, refresh: str) -> None:
    """To other results, to other columns, and back."""
    more = REVENUE.replace("SELECT", "SELECT o.country, count(*) AS n,").replace(
        ", o.country F", " F"
    )
    some = REVENUE.replace("GROUP", "WHERE i.qty > 1 GROUP")
    with shop(place) as (connection, writer):
        driver = driver_for(connection)

        def is_right(meaning: str) -> None:
            for _ in range(4):
                writer.one()
            for each in verify_installed(driver):  # folds in what waits
                assert each.ok, str(each)
            bands = BANDS.format(f"SELECT total, country FROM ({meaning}) AS m")  # noqa: S608
            for name, wanted in (("bands", bands), ("numbered", NUMBERED.format(bands))):
                assert bag(connection, f"SELECT * FROM {name}") == bag(connection, wanted), name  # noqa: S608

        for _ in range(20):
            writer.one()
        place.store(connection, selected(REVENUE, "sold", refresh))
        read = BANDS.format("SELECT total, country FROM sold")
        for name, select in (("bands", read), ("numbered", NUMBERED.format("SELECT * FROM bands"))):
            place.store(connection, selected(select, name, refresh))
        down = ""
        for select in (more, some):
            made = st.plan(connection, selected(select, "sold", refresh))
            assert "Read by bands, numbered: made again in the same transaction" in made.summary
            down = made.down_sql
            apply(driver, made.up_sql)
            is_right(select)
        apply(driver, down)
        is_right(more)
        without = REVENUE.replace("AS total", "AS sum")
        with pytest.raises(st.MigrationError) as caught:
            st.plan(connection, selected(without, "sold", refresh))
        said = str(caught.value)
        assert "'bands', which cannot be made again with it: it reads the column total" in said
        assert said.index("uninstall numbered") < said.index("uninstall bands")
