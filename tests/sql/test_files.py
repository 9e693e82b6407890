"""Files of views: several in one, one that reads another, and the commands that take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import stepping as st
from stepping.cli import main
from stepping.compiler.sql.files import queries_of
from stepping.compiler.sql.text import Text
from tests.support.place import Place

TABLES = """
CREATE TABLE customers (name VARCHAR(40) PRIMARY KEY, country VARCHAR(2) NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer VARCHAR(40) NOT NULL, cents INTEGER);
CREATE INDEX orders_customer ON orders (customer);
INSERT INTO customers VALUES ('Ann', 'de'), ('Bob', 'ch');
INSERT INTO orders VALUES (1, 'Ann', 100), (2, 'Ann', NULL), (3, 'Bob', 7);
"""
VIEWS = """-- what each country brings in
CREATE MATERIALIZED VIEW big AS
WITH few AS (SELECT country, cents FROM revenue WHERE cents > 10)
SELECT * FROM few WHERE few.cents < 1000;

CREATE MATERIALIZED VIEW revenue (country, cents, n) AS
SELECT c.country, sum(o.cents), count(*)
FROM orders o JOIN customers c ON c.name = o.customer
GROUP BY c.country;

-- stepping: refresh=deferred
CREATE MATERIALIZED VIEW many AS SELECT r.country, b.cents FROM revenue r
LEFT JOIN big b ON b.country = r.country WHERE r.n > 0;
"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def shop(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.sql").write_text(VIEWS)
    with place.plain() as connection:
        for statement in filter(str.strip, TABLES.split(";")):
            connection.execute(statement)
    return place


def test_views_over_views(shop: Place) -> None:
    db = ("--db", shop.where)
    assert run("apply", "shop.sql", *db)[0] == 0
    code, said = run("apply", "shop.sql", *db)
    assert code == 0
    assert said.count("is installed as it is wanted") == 3
    with shop.plain() as connection:
        connection.execute("INSERT INTO orders VALUES (4, 'Bob', 500)")
        connection.execute("UPDATE orders SET cents = 1000 WHERE id = 1")
    assert sorted(shop.read("SELECT * FROM revenue")) == [("ch", 507, 2), ("de", 1000, 2)]
    assert shop.read("SELECT * FROM big") == [("ch", 507)]
    assert sorted(shop.read("SELECT * FROM many")) == [("ch", None), ("de", 100)]
    assert run("refresh", "shop.sql", *db)[0] == 0
    assert sorted(shop.read("SELECT * FROM many")) == [("ch", 507), ("de", None)]
    code, said = run("verify", "shop.sql", *db)
    assert (code, said.count("nothing differs")) == (0, 3)
    assert "query many" in run("status", "shop.sql:many", *db)[1]
    assert run("migrate", "shop.sql", "--check", *db)[0] == 0
    Path("shop.sql").write_text(VIEWS.replace("cents < 1000", "cents < 1001"))
    assert run("migrate", "shop.sql", "--check", *db)[0] == 1
    for command in ("explain", "check"):  # of the code, which differs from what is installed
        code, said = run(command, "shop.sql", *db)
        assert (code, said.count("is not what is installed")) == (0, 2), said
        assert "stepping migrate shop.sql --db URL" in said
    code, said = run("verify", "shop.sql", *db)
    assert (code, "do it at once with `stepping apply shop.sql --db URL`" in said) == (1, True)
    code, said = run("migrate", "shop.sql", "--out", "migrations", *db)
    scripts = sorted(map(str, Path("migrations").glob("*.up.sql")))
    assert len(scripts) == 2, said
    code, said = run("apply", *scripts, *db)
    assert (code, "big: done" in said, "many: done" in said) == (0, True, True)
    assert sorted(shop.read("SELECT * FROM big")) == [("ch", 507), ("de", 1000)]
    back = sorted(map(str, Path("migrations").glob("*.down.sql")))
    assert (run("apply", *back, *db)[0], len(back)) == (0, 2)
    assert shop.read("SELECT * FROM big") == [("ch", 507)]
    assert run("uninstall", "shop.sql", "--yes", *db)[0] == 0
    assert "nothing of stepping is installed" in run("status", *db)[1]


def test_operators_have_the_lines_of_their_clauses(shop: Place) -> None:
    """Also of a view that another one reads, and that stands below it."""
    code, said = run("explain", "shop.sql:big", "--json", "--db", shop.where)
    assert code == 0, said
    places = {f"{name} (shop.sql:{line})" for name, line in lines_of(json.loads(said)["operators"])}
    assert places == {
        "materialized view (shop.sql:2)",
        "select (shop.sql:4)",
        "where few.cents < 1000 (shop.sql:4)",
        "select (shop.sql:3)",
        "where cents > 10 (shop.sql:3)",
        "select (shop.sql:7)",
        "group by c.country: sum(o.cents), count(*) (shop.sql:9)",
        "join customers c (shop.sql:8)",
    }


def lines_of(operators: list[dict[str, Any]]) -> set[tuple[str, int]]:
    return {(each["label"], each["place"]["line"]) for each in operators if each["place"]}


CLAUSES = """
SELECT DISTINCT u.country,
  rank() OVER (ORDER BY u.id) AS place
FROM users u
LEFT JOIN orders o
  ON o.user_id = u.id
WHERE u.id > 3
  AND EXISTS (SELECT 1
    FROM orders x WHERE x.user_id = u.id)
UNION ALL
SELECT country, max(id)
FROM users
GROUP BY country
HAVING count(*) > 1
ORDER BY 2
LIMIT 3
"""


def test_every_clause_is_named_where_it_stands(place: Place) -> None:
    with place.plain() as connection:
        connection.execute("CREATE TABLE users (id integer PRIMARY KEY, country text)")
        connection.execute("CREATE TABLE orders (id integer PRIMARY KEY, user_id integer)")
    query = st.sql(CLAUSES, name="all_of_them")
    with place.opened(query, scans=True) as store:
        operators = st.explain(store).to_dict()["operators"]
    assert lines_of(operators) >= {
        ("materialized view", 2),
        ("distinct", 2),
        ("rank() OVER (ORDER BY u.id)", 3),
        ("left join orders o", 5),
        ("where u.id > 3", 7),
        ("where EXISTS (SELECT 1 FROM orders x WHERE x.user_i...", 8),
        ("union all", 10),
        ("group by country: max(id), count(*)", 13),
        ("having count(*) > 1", 14),
        ("order by 2 LIMIT 3", 15),
    }


def test_looked_at_before_it_is_installed(shop: Place) -> None:
    db = ("--db", shop.where)
    code, said = run("check", "shop.sql", "--json", *db)
    assert code == 0, said
    assert [each["problems"] for each in json.loads(said)] == [[], [], []]
    Path("wrong.sql").write_text("CREATE MATERIALIZED VIEW w AS\nSELECT id, nothing FROM orders;")
    code, said = run("check", "wrong.sql", "shop.sql", *db)
    assert code == 1
    assert "wrong.sql:2:12: there is no column nothing" in said
    assert said.count("nothing to complain about") == 3
    assert "revenue" in run("explain", "shop.sql", *db)[1]
    assert "TRIGGER" in run("ddl", "shop.sql:revenue", *db)[1]
    assert shop.read("SELECT count(*) FROM orders") == [(3,)]


def test_a_name_that_is_taken(shop: Place) -> None:
    Path("taken.sql").write_text("CREATE MATERIALIZED VIEW customers AS SELECT id FROM orders;")
    for command in ("check", "migrate", "apply"):
        code, said = run(command, "taken.sql", "--db", shop.where)
        assert code == 1
        assert "needs a table customers, and there is one of that name" in said, said
    assert len(shop.read("SELECT * FROM customers")) == 2


def test_places_and_cycles() -> None:
    create = "CREATE MATERIALIZED VIEW"
    text = Text(f"{create} a AS SELECT * FROM b;\n{create} b AS SELECT * FROM a;", "v.sql")
    with pytest.raises(st.QueryError, match="a reads b reads a"):
        queries_of([text], "sqlite")
    # Places are those of the files, whichever view stands above, below, or in another file.
    above = Text(f"{create} a AS\n  SELECT x FROM b;\n\n{create} c AS SELECT x FROM a", "v.sql")
    below = Text("CREATE MATERIALIZED VIEW b AS\n\n SELECT y AS x FROM r", "w.sql")
    *_, third = queries_of([above, below], "sqlite")
    select = third.text.select
    found = {
        word: select.place(select.sql.index(word)) for word in ("y AS", "x FROM b", "x FROM a")
    }
    assert found == {
        "y AS": ("w.sql", 3, 9),
        "x FROM b": ("v.sql", 2, 10),
        "x FROM a": ("v.sql", 4, 38),
    }
    wrong = Text("-- stepping: refresh=daily\nCREATE MATERIALIZED VIEW a AS SELECT 1 AS x", "v.sql")
    with pytest.raises(st.QueryError, match=r"v\.sql:1:1: refresh=daily is not an option"):
        queries_of([wrong], "sqlite")


def test_a_select_alone_has_the_name_of_its_file(shop: Place) -> None:
    """Whatever the command: none takes what another one refuses."""
    Path("spent.sql").write_text(
        "-- by customer\nSELECT customer, count(*) AS n FROM orders GROUP BY 1;"
    )
    db = ("--db", shop.where)
    for command in ("check", "explain", "migrate", "apply", "verify", "refresh", "status"):
        code, said = run(command, "spent.sql", *db)
        assert code == 0, (command, said)
        assert "spent" in said
    assert sorted(shop.read("SELECT * FROM spent")) == [("Ann", 2), ("Bob", 1)]
    assert run("graph", "spent.sql", "spent.svg", *db) == (0, "wrote spent.svg\n")
    assert "has 3 views: " in run("graph", "shop.sql", "shop.svg", *db)[1]
    assert "tables of the database" in run("drain", "spent.sql:spent", *db)[1]
    assert run("uninstall", "spent.sql", "--yes", *db)[0] == 0


def test_a_plain_view_is_not_taken_for_a_maintained_one(shop: Place) -> None:
    Path("plain.sql").write_text("CREATE VIEW plain AS SELECT id FROM orders;")
    for command in ("check", "explain", "migrate", "apply"):
        code, said = run(command, "plain.sql", "--db", shop.where)
        assert code == 1, (command, said)
        assert "plain.sql:1:1: a plain view is evaluated by the database when it is read" in said
        assert "CREATE MATERIALIZED VIEW plain AS SELECT ..." in said
    with pytest.raises(st.QueryError, match="plain view"):
        st.sql("CREATE OR REPLACE VIEW plain AS SELECT id FROM orders")


def test_check_of_what_is_computed_by_group(shop: Place, tmp_path: Path) -> None:
    (tmp_path / "totals.sql").write_text("SELECT customer, sum(cents) AS n FROM orders GROUP BY 1;")
    (tmp_path / "ranks.sql").write_text(
        "SELECT id, rank() OVER (PARTITION BY customer ORDER BY cents) AS r FROM orders;"
    )
    db = ("--db", shop.where)
    assert run("check", "--no-regroup", "totals.sql", *db)[0] == 0
    assert run("check", "ranks.sql", *db)[0] == 0
    code, said = run("check", "--no-regroup", "ranks.sql", *db)
    assert code == 1
    assert "ranks.sql" in said
    assert "group" in said


def test_short_tables_need_no_index(shop: Place) -> None:
    """As the file says, or the command; and the error says both."""
    with shop.plain() as connection:
        connection.execute("CREATE TABLE kinds (kind TEXT NOT NULL, customer TEXT NOT NULL)")
    select = "SELECT k.kind, count(*) AS n FROM kinds k JOIN orders o USING (customer) GROUP BY 1"
    db = ("--db", shop.where)
    Path("per_kind.sql").write_text(f"{select};")
    code, said = run("apply", "per_kind.sql", *db)
    assert code == 1
    assert "has no index for it: CREATE INDEX" in said
    assert "-- stepping: scans=true above the view (--allow-scans) if the table is short" in said
    assert run("apply", "per_kind.sql", "--allow-scans", *db)[0] == 0
    assert run("uninstall", "per_kind", "--yes", *db)[0] == 0
    Path("per_kind.sql").write_text(f"-- stepping: scans=true\n{select};")
    assert run("apply", "per_kind.sql", *db)[0] == 0
    with shop.plain() as connection:
        connection.execute("INSERT INTO kinds VALUES ('a', 'Ann'), ('b', 'Bob')")
    assert sorted(shop.read("SELECT * FROM per_kind")) == sorted(shop.read(select))


def test_the_way_back_says_what_readers_lose(shop: Place) -> None:
    db = ("--db", shop.where)
    select = "SELECT customer, sum(cents) AS cents{} FROM orders GROUP BY 1"
    view = f"CREATE MATERIALIZED VIEW spent AS {select};"
    Path("spent.sql").write_text(view.format(""))
    assert run("apply", "spent.sql", *db)[0] == 0
    Path("spent.sql").write_text(view.format(", count(*) AS n"))
    code, said = run("migrate", "spent.sql", "--out", ".", *db)
    assert code == 0
    assert "Queued changes" not in said  # whoever writes, writes to the tables
    (script,) = Path().glob("*.down.sql")
    head = script.read_text().splitlines()[1:3]
    assert head[0] == "-- spent: back to version 1"
    assert head[1].startswith("--   spent loses the column n")
