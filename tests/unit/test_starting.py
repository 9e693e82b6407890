"""stepping init, completion, JSON of commands; and caches that are declared as what they hold."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import stepping as st
from stepping.cli import main


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


def test_what_init_writes_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init", "shop")[0] == 0
    code, said = run("init", "shop")
    assert code == 1
    assert "is there already" in said
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.syspath_prepend(str(tmp_path / "shop"))
    with sqlite3.connect("shop.db") as connection:
        connection.executescript("""
            CREATE TABLE orders (id INTEGER PRIMARY KEY, country TEXT NOT NULL);
            CREATE TABLE items (order_id INTEGER NOT NULL, qty INTEGER NOT NULL,
                unit_price INTEGER NOT NULL);
            CREATE INDEX items_order ON items (order_id);
        """)
    connection.close()
    both = ("queries:graph", "views.sql", "--db", "shop.db")
    code, said = run("check", *both)
    assert code == 0, said
    code, said = run("migrate", *both, "--out", "migrations")
    assert code == 0, said
    scripts = sorted(str(path) for path in Path("migrations").glob("*.up.sql"))
    assert run("apply", *scripts, "--db", "shop.db")[0] == 0
    code, said = run("verify", *both, "--json")
    assert code == 0, said
    assert [(each["query"], each["ok"]) for each in json.loads(said[said.index("[") :])] == [
        ("sales", True),
        ("revenue_per_country", True),
    ]
    code, said = run("status", "--json", "--db", "shop.db")
    assert [each["query"] for each in json.loads(said)] == ["revenue_per_country", "sales"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion(shell: str) -> None:
    code, said = run("completion", shell)
    assert code == 0
    assert "_STEPPING_COMPLETE" in said


class Product(st.Data):
    name: str
    price: float


class Other(st.Data):
    name: str


@pytest.mark.parametrize(
    ("declared", "right"),
    [
        (st.Cache[Product], True),
        (st.Cache["Product"], True),
        (st.Cache[Any], True),
        (st.Cache, True),
        (st.Cache[Other], False),
        (st.Cache[str], False),
        (st.Cache[st.Pair[Product, str]], False),
    ],
)
def test_a_cache_is_what_it_is_declared_as(declared: Any, right: bool) -> None:
    cache = declared("kept")

    def query(products: st.ZSet[Product]) -> st.ZSet[Product]:
        _ = cache[products](lambda z: st.integrate(z))
        return products

    if right:
        st.compile(query)
        return
    with pytest.raises(st.QueryError, match=r"the cache 'kept' is an st.Cache\[.*its rows are Pro"):
        st.compile(query)


def test_numbers_and_none_in_caches() -> None:
    maybe = st.Cache[st.Pair[float | None, int]]("maybe")

    def query(numbers: st.ZSet[int]) -> None:
        pairs = st.map(numbers, f=lambda n: st.Pair(n, n))
        _ = maybe[pairs](lambda z: st.integrate(z))  # type: ignore[index]

    st.compile(query)
