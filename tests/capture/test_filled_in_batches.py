# ruff: noqa: S608
"""A query that is installed batch by batch of its largest table, while others write to all of them:
each batch leaves the new tables as the query would have them of what was read so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import stepping as st
from stepping.runtime.apply import Done
from stepping.runtime.stores import driver_for
from stepping.runtime.uninstall import abandon
from tests.capture.shop import ORDERED, QUERIES, captured, expected, shop
from tests.capture.test_concurrent import bag
from tests.capture.test_law import bag as flat_bag
from tests.support.place import Place

BETWEEN = ("fill", "batch", "rest", "fold")  # steps while which nobody is kept out


class Meanwhile:
    """Somebody who writes behind each step; and stops whoever installs behind one of them."""

    def __init__(self, write: Callable[..., None], stop_behind: int = 0) -> None:
        self.write, self.left, self.batches = write, stop_behind, 0

    def __call__(self, done: Done) -> None:
        if done.step.kind not in BETWEEN:
            return
        committed = done.step.sql == "COMMIT"
        self.batches += committed and done.step.kind == "batch"
        # A TRUNCATE waits for all who have read the table.
        self.write(quiet=not committed)
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
@pytest.mark.parametrize("query", [*QUERIES, *ORDERED], ids=lambda query: query.__name__)
def test_the_results_are_what_the_query_means(
    postgres_place_only: Place, query: Callable[..., Any], refresh: str
) -> None:
    place = postgres_place_only
    graph, cache = captured(query, refresh)
    with shop(place, seed=len(query.__name__)) as (connection, writer), place.plain() as installing:
        for _ in range(40):
            writer.one(quiet=True)
        connection.execute("ANALYZE")
        meanwhile = Meanwhile(writer.one)
        st.plan(installing, graph, in_batches=True).apply(meanwhile, batch_rows=3)
        assert meanwhile.batches > 2
        store = place.store(connection, graph, create_tables=False)
        for _ in range(3):
            assert dict(cache.zset(store).iter()) == expected(connection, graph)
            ((_, relation, _),) = store.plan.capture.relations
            rows = connection.execute(f"SELECT * FROM {relation}").fetchall()
            assert Counter(map(tuple, rows)) == flat_bag(expected(connection, graph))
            for _ in range(5):
                writer.one()
        assert st.verify(store).ok
        assert st.plan(connection, graph).is_nothing


SELECTS = {
    "two columns tell rows apart": (
        "SELECT kind, count(*) AS n, max(price) AS high FROM parts GROUP BY kind",
        "a integer NOT NULL, b text NOT NULL, PRIMARY KEY (a, b)",
    ),
    "first ones in place": (
        "SELECT price, a FROM parts ORDER BY price, a LIMIT 5",
        "a integer PRIMARY KEY, b text",
    ),
    "a table with itself": (
        "SELECT x.kind, count(*) AS n FROM parts x JOIN parts y ON x.kind = y.kind GROUP BY x.kind",
        "a integer PRIMARY KEY, b text",
    ),
    "those that have none": (
        "SELECT k.kind FROM kinds k WHERE NOT EXISTS (SELECT 1 FROM parts p WHERE p.kind = k.kind)",
        "a integer PRIMARY KEY, b text",
    ),
    "one row of all": (
        "SELECT count(*) AS n, sum(price) AS total FROM parts",
        "a integer PRIMARY KEY, b text",
    ),
}


@pytest.mark.parametrize("rows", [0, 37])
@pytest.mark.parametrize("case", SELECTS.values(), ids=SELECTS)
def test_selects(postgres_place_only: Place, case: tuple[str, str], rows: int) -> None:
    """Also of a table that has no row when the first snapshot is taken."""
    select, key = case
    place = postgres_place_only
    with place.connect() as connection, place.plain() as installing:
        connection.execute(f"CREATE TABLE parts (kind integer, price integer NOT NULL, {key})")
        connection.execute("CREATE INDEX by_price ON parts (price, a)")
        connection.execute("CREATE INDEX by_kind ON parts (kind, price)")
        connection.execute("CREATE TABLE kinds (kind integer PRIMARY KEY)")
        connection.execute("INSERT INTO kinds SELECT generate_series(0, 6)")
        for number in range(rows):
            connection.execute(INSERT, (number % 5, number % 7, number * 2, "x"))
        connection.execute("ANALYZE")
        if not rows:
            connection.execute("DELETE FROM kinds WHERE kind > 2")
        steps = iter(range(10_000))

        def meanwhile(done: Done) -> None:
            if done.step.kind not in BETWEEN:
                return
            step = next(steps)
            connection.execute(INSERT, (step % 6 or None, step % 7, (step * 13) % 150 - 40, "y"))
            connection.execute("DELETE FROM parts WHERE a %% 11 = %s", (step % 11,))
            connection.execute(MOVED, (step % 17,))
            connection.execute("UPDATE parts SET kind = 5 - kind WHERE a %% 7 = %s", (step % 7,))

        graph = st.sql(select, name="found")
        plan = st.plan(installing, graph, in_batches=True)
        assert "batch" in {each.kind for each in plan.steps}
        plan.apply(meanwhile, batch_rows=4)
        assert bag(connection, "SELECT * FROM found") == bag(connection, select)
        connection.execute(INSERT, (3, 0, 1001, "z"))
        assert bag(connection, "SELECT * FROM found") == bag(connection, select)
        # What told the rows apart is in no log any more.
        rows_of_log = "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
        names = {name for (name,) in connection.execute(rows_of_log, ("stepping_log_parts",))}
        assert "b" not in names
        assert st.verify(place.store(connection, graph)).ok


MOVED = (
    "UPDATE parts SET a = -a - 1 WHERE a %% 17 = %s "
    "AND NOT EXISTS (SELECT FROM parts AS p WHERE p.a = -parts.a - 1)"
)
INSERT = "INSERT INTO parts (kind, price, a, b) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"


def test_it_goes_on_where_it_was_stopped_and_is_taken_back(postgres_place_only: Place) -> None:
    place = postgres_place_only
    graph, cache = captured(QUERIES[0], "immediate")
    with shop(place) as (connection, writer):
        for _ in range(10):
            writer.one(quiet=True)
        for number in range(80):
            writer.do("INSERT INTO items VALUES (?, ?, 1, 1)", 1000 + number, number % 12)
        connection.execute("ANALYZE")
        numbers = iter(range(10_000))

        def add(quiet: bool) -> None:
            number = next(numbers)
            writer.do("INSERT INTO items VALUES (?, ?, 1, 1)", 990 - number, number % 12)
            writer.do("UPDATE items SET qty = qty + 1 WHERE id % 7 = ?", number % 7)

        read = []
        for stop_behind in (31, 40, 0):
            with place.plain() as installing:
                plan = st.plan(installing, graph, in_batches=True)
                meanwhile = Meanwhile(add, stop_behind)
                if stop_behind:
                    with pytest.raises(KeyboardInterrupt):
                        plan.apply(meanwhile, batch_rows=2)
                    ((rows,),) = connection.execute(
                        "SELECT rows_read FROM revenue__next__reading"
                    ).fetchall()
                    read.append(rows)
                    assert "is half done" in st.plan(connection, graph).summary
                    assert f"{rows:,} rows of" in st.plan(connection, graph).summary
                    if stop_behind == 40:
                        assert abandon(driver_for(connection)) == "revenue"
                        with pytest.raises(Exception, match="does not exist"):
                            connection.execute("SELECT * FROM revenue__next__read")
                else:
                    plan.apply(meanwhile, batch_rows=2)
        assert 0 < read[0] < read[1]
        store = place.store(connection, graph, create_tables=False)
        assert dict(cache.zset(store).iter()) == expected(connection, graph)


def test_what_would_compute_groups_anew_for_each_batch_is_read_at_once(
    postgres_place_only: Place,
) -> None:
    place = postgres_place_only
    with shop(place) as (connection, writer):
        for _ in range(20):
            writer.one(quiet=True)
        select = "SELECT id, row_number() OVER (PARTITION BY order_id ORDER BY id) AS n FROM items"
        plan = st.plan(connection, st.sql(select, name="numbered"), in_batches=True)
        assert "batch" not in {each.kind for each in plan.steps}
        assert "Filled from one snapshot, not in batches: a group would be" in plan.summary
        plan.apply()
        assert bag(connection, "SELECT * FROM numbered") == bag(connection, select)
