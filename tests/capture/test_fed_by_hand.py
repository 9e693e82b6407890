"""A version that is fed by hand behind one that followed the application's tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import stepping as st
from tests.capture.test_concurrent import bag
from tests.support.place import Place

SELECT = "SELECT k, sum(n) AS total, max(d) AS most FROM t GROUP BY k"
ROWS = "INSERT INTO t VALUES ('a''s', 1, 1.5), ('a''s', 2, NULL), (NULL, 3, 2)"


def made(connection: Any) -> None:
    connection.execute("CREATE TABLE t (k TEXT, n INTEGER NOT NULL, d NUMERIC(10, 2))")
    connection.execute(ROWS)


@pytest.mark.parametrize("refresh", ["immediate", "deferred"])
@pytest.mark.parametrize("others", [False, True])
def test_its_rows_are_those_of_the_table(place: Place, refresh: str, others: bool) -> None:
    fed = st.sql(SELECT, name="sums", refresh=None)
    other = st.sql("SELECT n FROM t WHERE n > 1", name="large")
    with place.connect() as connection:
        made(connection)
        place.store(connection, st.sql(SELECT, name="sums", refresh=refresh))
        if others:
            place.store(connection, other)
        connection.execute("INSERT INTO t VALUES ('b', 4, 3)")
        wanted = bag(connection, SELECT)
        plan = st.plan(connection, fed, backfill={"t": "SELECT k, n, d FROM t"})
        assert "follows tables: apply what its code says" in plan.summary
        plan.apply()
        store = place.store(connection, fed)
        assert bag(connection, "SELECT * FROM sums_sums") == wanted
        # Nobody follows the table for it any more.
        connection.execute("INSERT INTO t VALUES ('b', 100, 100)")
        assert bag(connection, "SELECT * FROM sums_sums") == wanted
        (t,) = st.actions(store, fed)
        t.insert({"k": "b", "n": 100, "d": 100 if place.name == "sqlite" else Decimal(100)})
        assert bag(connection, "SELECT * FROM sums_sums") == bag(connection, SELECT)
        if others:
            assert bag(connection, "SELECT * FROM large") == bag(
                connection, "SELECT n FROM t WHERE n > 1"
            )
            assert st.verify(place.store(connection, other)).ok
            place.store(connection, other).uninstall()
        assert st.plan(connection, fed).is_nothing
        assert [name for name in names(place) if "_log_" in name] == []


def names(place: Place) -> list[str]:
    if place.name == "sqlite":
        return [name for (name,) in place.read("SELECT name FROM sqlite_master")]
    functions = "SELECT proname::text FROM pg_proc UNION ALL SELECT tgname::text FROM pg_trigger"
    tables = "SELECT relname::text FROM pg_class"
    rows = place.read(f"SELECT * FROM ({tables} UNION ALL {functions}) AS x (name)")  # noqa: S608
    return [name for (name,) in rows if name.startswith("stepping_")]


def test_what_others_read_is_not_fed(place: Place) -> None:
    fed = st.sql(SELECT, name="sums", refresh=None)
    with place.connect() as connection:
        made(connection)
        place.store(connection, st.sql(SELECT, name="sums"), scans=True)
        above = st.sql("SELECT total FROM sums WHERE total > 1", name="above", refresh="deferred")
        place.store(connection, above)
        with pytest.raises(st.MigrationError, match="read by the query 'above'"):
            st.plan(connection, fed, backfill={"t": "SELECT k, n, d FROM t"})


WRONG = {
    "k": ("1", "k is 1 .*, and not of type text"),
    "n": ("1.5", "n is 1.5 .*, and not of type integer"),
    "d": ("1.555", "d is 1.555 .*, and not of type numeric"),
}


@pytest.mark.parametrize("column", WRONG)
def test_a_value_that_would_be_rounded_is_refused(postgres_place_only: Place, column: str) -> None:
    place = postgres_place_only
    value, says = WRONG[column]
    fed = st.sql(SELECT, name="sums", refresh=None)
    with place.connect() as connection:
        made(connection)
        listed = {"k": "k", "n": "n", "d": "d", column: f"{value} AS {column}"}
        select = f"SELECT {', '.join(listed.values())} FROM t"  # noqa: S608
        with pytest.raises(st.RowError, match=says):
            st.plan(connection, fed, backfill={"t": select}).apply()
        right = "SELECT 'x' AS k, 7 AS n, 2::numeric AS d"
        st.plan(connection, fed, backfill={"t": right}).apply()
        assert place.read("SELECT * FROM sums_sums") == [("x", 7, Decimal("2.00"))]
