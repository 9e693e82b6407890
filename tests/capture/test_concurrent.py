"""Writers at every isolation level at once: no snapshot of anybody's sees a wrong result."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from psycopg import errors

import stepping as st
from tests.capture.shop import Writer, captured, countries, revenue, shop, stats
from tests.support.place import Place

SECONDS = 2.0
LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
MIXES = ((LEVELS[0],), (LEVELS[1],), (LEVELS[2],), LEVELS)
LOST = (errors.SerializationFailure, errors.DeadlockDetected)

# What revenue and countries mean, in the words of the database.
REVENUE = (
    "SELECT sum(i.qty * i.unit_price)::bigint, o.country FROM orders o JOIN items i "
    "ON i.order_id = o.id GROUP BY 2"
)
COUNTRIES = (
    "SELECT DISTINCT country FROM orders o "
    "WHERE EXISTS (SELECT FROM items i WHERE i.order_id = o.id)"
)


def bag(connection: Any, sql: str) -> Counter[tuple[Any, ...]]:
    return Counter(map(tuple, connection.execute(sql).fetchall()))


class Crowd:
    """Threads that write random transactions until time is up; what they raise is kept."""

    def __init__(self, url: str, levels: Sequence[str]) -> None:
        self.until = time.monotonic() + SECONDS
        self.failed: list[BaseException] = []
        self.deadlocks = self.commits = 0
        targets = [(url, levels[i % len(levels)], i) for i in range(4)]
        self.threads = [threading.Thread(target=self.write, args=each) for each in targets]
        for thread in self.threads:
            thread.start()

    def write(self, url: str, level: str, seed: int) -> None:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    f"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {level}"
                )
                writer = Writer(connection, random.Random(seed), "%s")
                while time.monotonic() < self.until:
                    try:
                        with connection.transaction():
                            for _ in range(writer.random.randrange(1, 5)):
                                writer.one(quiet=True)
                        self.commits += 1
                    except LOST as error:
                        self.deadlocks += isinstance(error, errors.DeadlockDetected)
        except BaseException as error:  # told by the test
            self.failed.append(error)

    def join(self) -> None:
        for thread in self.threads:
            thread.join()
        assert not self.failed, self.failed


@pytest.mark.parametrize("levels", MIXES, ids=lambda levels: "-".join(levels).replace(" ", "_"))
def test_every_snapshot_is_right(postgres_place_only: Place, levels: Sequence[str]) -> None:
    place = postgres_place_only
    with shop(place) as (connection, writer):
        for _ in range(30):
            writer.one()
        for query in (revenue, countries, stats):  # stats: a fold of several statements
            place.store(connection, captured(query, "immediate")[0])
        crowd = Crowd(place.where, levels)
        looks = 0
        while time.monotonic() < crowd.until:
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                assert bag(connection, "SELECT * FROM revenue_rows") == bag(connection, REVENUE)
                assert bag(connection, "SELECT * FROM countries_rows") == bag(connection, COUNTRIES)
            looks += 1
        crowd.join()
        assert crowd.commits
        assert looks
        for query in (revenue, countries, stats):
            found = st.verify(place.store(connection, captured(query, "immediate")[0]))
            assert found.ok, str(found)
        for left in ("stepping_pending", "stepping_log_orders", "stepping_log_items"):
            assert connection.execute(f"SELECT count(*) FROM {left}").fetchone() == (0,)  # noqa: S608


def test_deferred_results_are_right_whenever_they_are_refreshed(postgres_place_only: Place) -> None:
    place = postgres_place_only
    with shop(place) as (connection, writer):
        for _ in range(30):
            writer.one()
        stores = [
            place.store(connection, captured(query, "deferred")[0])
            for query in (revenue, countries, stats)
        ]
        crowd = Crowd(place.where, MIXES[3])
        while time.monotonic() < crowd.until:
            for store in stores:
                store.refresh()
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                live = bag(connection, "SELECT * FROM revenue_rows_live")
                assert live == bag(connection, REVENUE)
        crowd.join()
        for store in stores:
            store.refresh()
            assert st.verify(store).ok
        for left in ("stepping_log_orders", "stepping_log_items"):
            assert connection.execute(f"SELECT count(*) FROM {left}").fetchone() == (0,)  # noqa: S608
