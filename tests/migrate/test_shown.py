"""What belongs to others of a relation that readers know stays over the versions of a query."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

import stepping as st
from stepping.runtime.apply import apply
from stepping.runtime.stores import driver_for
from stepping.runtime.verify_each import verify_installed
from tests.migrate.test_relations import V1, V2, Sale, first, sale
from tests.support.place import Place, postgres_place

READS, OWNS = (f"shown_{word}_{os.getpid()}" for word in ("reads", "owns"))
FIRST = "SELECT country, sum(cents) AS cents, count(*) AS n FROM orders GROUP BY country"
WIDER = FIRST.replace("count(*) AS n", "count(note) AS n, sum(id) AS ids")
NARROWER = "SELECT country, count(*) AS n, sum(id) AS ids FROM orders GROUP BY country"
RETYPED = FIRST.replace("sum(cents)", "max(cents)")
TABLE = "CREATE TABLE orders (id INT PRIMARY KEY, country TEXT NOT NULL, cents INT, note TEXT)"
INDEX = "CREATE INDEX orders_country ON orders (country)"
RELATIONS = ("revenue", "revenue_live")


def revenue(select: str) -> Any:
    return st.sql(select, name="revenue", refresh="deferred")


@pytest.fixture
def shop(postgres_db: str) -> Iterator[Any]:
    with postgres_place(postgres_db).connect() as connection:
        connection.execute(f"{TABLE}; {INDEX}; CREATE ROLE {READS}; CREATE ROLE {OWNS}")
        try:
            connection.execute("INSERT INTO orders VALUES (1, 'ch', 5, 'a'), (2, 'ch', 7, NULL)")
            st.StorePostgres.from_graph(connection, revenue(FIRST))
            for name in RELATIONS:
                for text in (
                    f"GRANT SELECT ON {name} TO {READS} WITH GRANT OPTION",
                    f"GRANT SELECT (n), UPDATE (cents) ON {name} TO PUBLIC",
                    f"REVOKE TRIGGER ON {name} FROM CURRENT_USER",
                    f"COMMENT ON VIEW {name} IS 'what it''s for'",
                    f"COMMENT ON COLUMN {name}.n IS 'how many'",
                    f"COMMENT ON COLUMN {name}.cents IS 'how much'",
                    f"ALTER VIEW {name} SET (security_barrier = true)",
                ):
                    connection.execute(text)
            connection.execute(
                f"ALTER VIEW revenue OWNER TO {OWNS};"
                f"GRANT ALL ON SCHEMA public TO {OWNS};"
                f"ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO {OWNS};"
                f"GRANT EXECUTE ON FUNCTION stepping_refresh TO {READS}"
            )
            yield connection
        finally:
            connection.execute(f"DROP OWNED BY {READS}; DROP OWNED BY {OWNS} CASCADE")
            connection.execute(f"DROP ROLE {READS}; DROP ROLE {OWNS}")


def of_others(connection: Any, *columns: str) -> list[tuple[Any, ...]]:
    """The owner, rights, comments and options of each relation, and those of some columns."""
    found = connection.execute(
        "SELECT relname, relowner::regrole::text, array(SELECT p::text FROM "
        "aclexplode(coalesce(relacl, acldefault('r', relowner))) AS p ORDER BY 1)::text, "
        "obj_description(c.oid, 'pg_class'), reloptions::text, array("
        "  SELECT (attname, array(SELECT p::text FROM aclexplode(attacl) AS p ORDER BY 1),"
        "    col_description(c.oid, attnum))::text FROM pg_attribute AS a"
        "  WHERE attrelid = c.oid AND attnum > 0 AND attname = ANY(%s) ORDER BY 1)::text "
        "FROM pg_class AS c WHERE relname IN ('revenue', 'revenue_live') ORDER BY 1",
        [list(columns)],
    ).fetchall()
    function = "SELECT proacl::text FROM pg_proc WHERE proname = 'stepping_refresh'"
    # Who granted it is the owner now, whoever it was.
    return [*found, *connection.execute(function).fetchall()]


@pytest.mark.parametrize("way", ["script", "in batches"])
def test_rights_owner_and_comments_stay(shop: Any, way: str) -> None:
    def migrate(select: str) -> None:
        made = st.plan(shop, revenue(select), in_batches=way == "in batches")
        if way == "script":
            apply(driver_for(shop), made.up_sql)
        else:
            made.apply()

    before, oid = of_others(shop, "country", "n"), "SELECT 'revenue'::regclass::oid"
    whole = of_others(shop, "country", "n", "cents")
    was = shop.execute(oid).fetchone()
    shop.execute("CREATE VIEW best AS SELECT * FROM revenue WHERE cents > 1")
    migrate(WIDER)
    assert of_others(shop, "country", "n", "cents") == whole
    assert shop.execute(oid).fetchone() == was
    assert [tuple(r) for r in shop.execute("SELECT * FROM best")] == [("ch", 12, 1)]
    shop.execute("DROP VIEW best")
    migrate(NARROWER)
    assert of_others(shop, "country", "n") == before
    assert shop.execute(oid).fetchone() != was
    for role in (READS, OWNS):
        shop.execute(f"SET ROLE {role}")
        assert [tuple(r) for r in shop.execute("SELECT * FROM revenue")] == [("ch", 2, 3)]
        shop.execute("RESET ROLE")


def test_what_others_have_made_of_it_is_named(shop: Any) -> None:
    shop.execute("CREATE VIEW best AS SELECT country FROM revenue WHERE cents > 1")
    shop.execute("CREATE VIEW better AS SELECT * FROM best")
    shop.execute("CREATE FUNCTION f() RETURNS SETOF revenue LANGUAGE sql AS 'TABLE revenue'")
    wider, retyped = (st.plan(shop, revenue(each)) for each in (WIDER, RETYPED))
    assert "view best, which the application has made of" in wider.summary
    assert "is in the way" not in wider.summary
    assert (
        "Breaking for readers of revenue: the column cents is integer, and was" in retyped.summary
    )
    script = retyped.up_sql
    for text in (
        retyped.summary,
        error_of(retyped.apply),
        error_of(apply, driver_for(shop), script),
    ):
        assert text.index("CREATE VIEW best AS") < text.index("CREATE VIEW better AS")
        assert "function f()" in text
    store = st.StorePostgres.from_graph(shop, revenue(FIRST))
    assert "CREATE VIEW best AS" in error_of(store.uninstall)
    shop.execute("DROP FUNCTION f(); DROP VIEW better, best")
    apply(driver_for(shop), script)
    assert [tuple(r) for r in shop.execute("SELECT * FROM revenue")] == [("ch", 7, 2)]


def error_of(call: Any, *arguments: Any) -> str:
    with pytest.raises((st.MigrationError, st.StoreError)) as caught:
        call(*arguments)
    return str(caught.value)


def test_of_a_query_that_is_fed(shop: Any) -> None:
    store = st.StorePostgres.from_graph(shop, V1)
    st.actions(store, V1)[0].insert(sale("a", 150))
    shop.execute(f"GRANT SELECT ON sales_by_shop TO {READS}")
    shop.execute("CREATE VIEW doubled AS SELECT * FROM sales_by_shop")
    made = st.plan(shop, V2)
    assert "view doubled" in made.summary
    down = made.down_sql
    for change, expected in ((made.apply, 2), (lambda: apply(driver_for(shop), down), 1)):
        change()
        shop.execute(f"SET ROLE {READS}")
        assert [tuple(r) for r in shop.execute("SELECT * FROM sales_by_shop")] == [(expected, "a")]
        shop.execute("RESET ROLE")
        assert [tuple(r) for r in shop.execute("SELECT * FROM doubled")] == [(expected, "a")]


def test_what_becomes_of_columns_is_said(place: Place) -> None:
    with place.connect() as connection:
        connection.execute(
            "CREATE TABLE orders (id INT PRIMARY KEY, country TEXT NOT NULL, cents INT, note TEXT)"
        )
        connection.execute("CREATE INDEX orders_country ON orders (country)")
        place.store(connection, revenue(FIRST))
        connection.execute("CREATE VIEW best AS SELECT * FROM revenue WHERE cents > 1")
        said = st.plan(connection, revenue(WIDER)).summary
        assert "view best, which the application has made of revenue, revenue_live: stays" in said
        assert "Not breaking for readers" in said
        typed = " (" if place.name == "postgres" else "\n"  # a column of SQLite's need not be
        assert f"revenue: gets the column ids{typed}" in said
        said = st.plan(connection, revenue(NARROWER)).summary
        assert "Breaking for readers of revenue: loses the column cents" in said
        assert "Whoever writes to the tables goes on" in said
        what = "reads it by name" if place.name == "sqlite" else "is in the way"
        assert f"has made of revenue, revenue_live, {what}" in said


def test_back_to_the_select_that_was_installed(place: Place) -> None:
    """Also where a script has installed it; with what was written since."""
    with place.connect() as connection:
        connection.execute(TABLE)
        connection.execute(INDEX)
        driver = driver_for(connection)
        st.plan(connection, revenue(FIRST)).apply()
        graph = revenue(FIRST)
        store = place.store(connection, graph)
        rows = graph.rows(store)
        there = st.plan(connection, revenue(NARROWER))
        up, down = there.up_sql, there.down_sql
        assert not there.not_undone
        for _ in range(2):
            apply(driver, up)
            connection.execute("INSERT INTO orders SELECT count(*), 'ch', 5, NULL FROM orders")
            assert all(each.ok for each in verify_installed(driver))
            assert not st.plan(connection, revenue(RETYPED)).not_undone
            for call in (lambda: list(rows.iter()), store.repair, lambda: st.verify(store)):
                with pytest.raises(st.SchemaMismatch, match="another version of the query"):
                    call()
            apply(driver, down)
            assert all(each.ok for each in verify_installed(driver))
        assert list(map(tuple, connection.execute("SELECT * FROM revenue"))) == [("ch", 10, 2)]
        connection.execute("UPDATE stepping_queries SET plan = NULL")
        assert "no store was opened" in st.plan(connection, revenue(NARROWER)).not_undone


def rights(connection: Any, relation: str) -> tuple[Any, ...]:
    found: tuple[Any, ...] = connection.execute(
        "SELECT relacl::text, obj_description(oid, 'pg_class'), "
        "(SELECT col_description(oid, 1)) FROM pg_class WHERE relname = %s",
        [relation],
    ).fetchone()
    return found


def test_a_query_that_gets_another_name_keeps_what_others_made_of_its_relations(shop: Any) -> None:
    store = st.StorePostgres.from_graph(shop, V1)
    st.actions(store, V1)[0].insert(sale("a", 150))
    shop.execute(f"GRANT SELECT ON sales_by_shop TO {READS}")
    shop.execute("COMMENT ON VIEW sales_by_shop IS 'per shop'")
    shop.execute('CREATE VIEW busy AS SELECT * FROM sales_by_shop WHERE "left" > 0')
    before = rights(shop, "sales_by_shop")
    renamed = st.compile(first, name="sold")
    made = st.plan(shop, renamed, renamed_from="sales")
    assert "sold_by_shop: was called sales_by_shop" in made.summary
    down = made.down_sql
    made.apply()
    assert rights(shop, "sold_by_shop") == before
    assert shop.execute("SELECT * FROM busy").fetchall() == [(1, "a")]
    assert rights(shop, "sales_by_shop") is None
    st.actions(st.StorePostgres.from_graph(shop, renamed), renamed)[0].insert(sale("a", 50))
    assert shop.execute("SELECT * FROM busy").fetchall() == [(2, "a")]
    apply(driver_for(shop), down)
    assert rights(shop, "sales_by_shop") == before
    assert shop.execute("SELECT * FROM busy").fetchall() == [(2, "a")]
    assert rights(shop, "sold_by_shop") is None


def test_one_that_gets_another_name_and_another_column(shop: Any) -> None:
    store = st.StorePostgres.from_graph(shop, V1)
    st.actions(store, V1)[0].insert(sale("a", 150))
    shop.execute(f"GRANT SELECT ON sales_by_shop, sales_days TO {READS}")
    before = rights(shop, "sales_by_shop")
    renamed = st.compile(narrower, name="sold")
    rows = "SELECT 'a' AS shop, DATE '2024-02-29' AS day, 1.50 AS price"
    st.plan(shop, renamed, renamed_from="sales", backfill={"sales": rows}).apply()
    assert rights(shop, "sold_by_shop") == before
    assert shop.execute("SELECT * FROM sold_by_shop").fetchall() == [("a",)]


shops = st.Cache[str]("by_shop")


def narrower(sales: st.ZSet[Sale]) -> None:
    _ = shops[st.map(sales, f=lambda s: s.shop)](lambda z: st.integrate(z))


def test_a_column_without_a_type_is_said_to_have_none() -> None:
    with st.connection_sqlite(":memory:") as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL)")
        of = "SELECT count(*) AS n FROM t", "SELECT max(a + 0) AS n FROM t"
        st.StoreSQLite.from_graph(connection, st.sql(of[0], name="shown"))
        summary = st.plan(connection, st.sql(of[1], name="shown")).summary
        assert "the column n is without a type, and was integer" in summary
