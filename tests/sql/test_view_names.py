"""The names of views and of their columns, given in front of a SELECT or taken from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from stepping.cli import main
from tests.support.place import Place


@pytest.fixture
def shop(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    with place.plain() as connection:
        connection.execute("CREATE TABLE r (id INTEGER PRIMARY KEY, a INTEGER)")
        connection.execute("INSERT INTO r VALUES (1, 5), (2, 5), (3, NULL)")
    return place


def applied(shop: Place, text: str) -> tuple[int, str]:
    Path("of.sql").write_text(text)
    result = CliRunner().invoke(main, ["apply", "of.sql", "--db", shop.where, "--allow-scans"])
    return result.exit_code, result.output


PAIRS = """CREATE MATERIALIZED VIEW pairs (x, y) AS
SELECT p.id, q.id FROM r p JOIN r q ON q.a = p.a;
CREATE MATERIALIZED VIEW above AS SELECT x FROM pairs WHERE y = 1;
"""


def test_names_in_front_tell_columns_of_one_name_apart(shop: Place) -> None:
    assert applied(shop, PAIRS)[0] == 0
    with shop.plain() as connection:
        connection.execute("UPDATE r SET a = 7 WHERE id = 2")
    assert sorted(shop.read("SELECT x, y FROM pairs")) == [(1, 1), (2, 2)]
    assert shop.read("SELECT x FROM above") == [(1,)]


def test_fewer_names_than_columns(shop: Place) -> None:
    """Postgres names the first columns by them; SQLite refuses it of a view."""
    code, said = applied(shop, "CREATE MATERIALIZED VIEW v (x) AS SELECT id, a FROM r")
    if shop.name == "postgres":
        assert (code, sorted(shop.read("SELECT x, a FROM v"))[0]) == (0, (1, 5))
    else:
        assert (code, "1 names are given for 2 columns" in said) == (1, True)
    code, said = applied(shop, "CREATE MATERIALIZED VIEW w (x, y, z) AS SELECT id, a FROM r")
    assert (code, "3 names are given for 2 columns" in said) == (1, True)


def test_names_without_quotes_are_as_the_database_writes_them(shop: Place) -> None:
    text = 'CREATE MATERIALIZED VIEW AllOf (Id, "Of A") AS SELECT id, a FROM r WHERE a IS NULL'
    assert applied(shop, text)[0] == 0
    assert shop.read('SELECT id, "Of A" FROM ALLOF') == [(3, None)]


def test_a_schema_in_front_of_a_name_is_that_of_the_connection(shop: Place) -> None:
    own = "public" if shop.name == "postgres" else "main"
    text = f"""CREATE MATERIALIZED VIEW {own}.above AS
SELECT few.id FROM {own}.few JOIN {own}.r AS q ON q.id = few.id;
CREATE MATERIALIZED VIEW {own}.few AS SELECT id FROM {own}.r WHERE a = 5;
"""
    assert applied(shop, text)[0] == 0
    with shop.plain() as connection:
        connection.execute("UPDATE r SET a = 7 WHERE id = 2")
    assert shop.read("SELECT id FROM above") == [(1,)]
    code, said = applied(shop, text.replace("few.id FROM", "few.nope FROM"))
    assert (code, "of.sql:2:8" in said, "few.nope" in said) == (1, True, True)
    code, said = applied(shop, "CREATE MATERIALIZED VIEW other.v AS SELECT id FROM r")
    assert (code, "schema other, which is not" in said, "search_path" in said) == (1, True, True)


@pytest.mark.parametrize(
    "stored", ["TABLESPACE pg_default", "USING heap", "WITH (fillfactor = 70) TABLESPACE x"]
)
def test_words_on_how_a_table_is_stored_say_nothing(shop: Place, stored: str) -> None:
    text = f"CREATE MATERIALIZED VIEW n {stored} AS SELECT count(*) AS n FROM r WITH DATA;"
    code, output = applied(shop, text)
    assert code == 0, output
    assert shop.read("SELECT n FROM n") == [(3,)]


@pytest.mark.parametrize(
    ("statement", "hint"),
    [
        ("REFRESH MATERIALIZED VIEW n", "the result follows its tables"),
        ("CREATE UNIQUE INDEX ON n (n)", "has an index by its key"),
        ("DROP MATERIALIZED VIEW IF EXISTS n", "changes what is installed"),
        ("COMMENT ON MATERIALIZED VIEW n IS 'x'", "run it after `stepping apply`"),
        ("GRANT SELECT ON n TO PUBLIC", "run it after `stepping apply`"),
    ],
)
def test_what_stands_beside_views_in_a_dump_is_told_with_what_to_do(
    shop: Place, statement: str, hint: str
) -> None:
    text = f"CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM r;\n{statement};"
    code, output = applied(shop, text)
    assert code == 1, output
    assert "of.sql:2:1" in output
    assert hint in output
