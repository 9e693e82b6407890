"""The commands migrate, apply and verify, as they are called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import stepping as st
from stepping.cli import main
from tests.migrate.shop import HISTORY, Shape, feed
from tests.support.place import Place

MODULE = """
from tests.migrate.shop import Shape
receipts = Shape({options}).graph()
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def stepping(folder: Path, *arguments: str, options: str = "") -> Result:
    name = f"queries_{abs(hash((str(folder), options)))}"
    (folder / f"{name}.py").write_text(MODULE.format(options=options))
    given = [each.replace("shop:", f"{name}:") for each in arguments]
    return CliRunner().invoke(main, given, catch_exceptions=False)


def test_a_fed_query_beside_one_that_follows_tables(place: Place, shop: Path) -> None:
    with place.plain() as connection:
        connection.execute("CREATE TABLE sold (id INTEGER PRIMARY KEY, n INTEGER)")
    with place.opened(st.sql("SELECT sum(n) AS n FROM sold", name="sums")):
        pass
    made = stepping(shop, "migrate", "shop:receipts", "--db", place.where, "--apply")
    assert made.exit_code == 0, made.output
    with place.opened(Shape().graph()) as store:
        feed(store, Shape(), HISTORY)


def test_from_version_1_to_2_and_back(place: Place, shop: Path) -> None:
    with place.opened(Shape().graph()) as store:
        feed(store, Shape(), HISTORY)
    made = stepping(
        shop,
        *("migrate", "shop:receipts", "--db", place.where, "--out", "migrations"),
        options="counted=True",
    )
    assert made.exit_code == 0, made.output
    assert f"receipts on {place.name}: from version 1 to version 2" in made.stdout
    assert "Not breaking for readers" in made.stdout
    assert "items: receipts__items, 4 rows" in made.stdout
    names = sorted(path.name for path in (shop / "migrations").iterdir())
    assert names == ["0002_receipts_add_counts.down.sql", "0002_receipts_add_counts.up.sql"]

    up, down = (f"migrations/{name}" for name in reversed(names))
    assert stepping(shop, "apply", up, "--db", place.where).output.endswith("receipts: done\n")
    twice = stepping(shop, "apply", up, "--db", place.where)
    assert twice.exit_code == 1
    assert "has been applied already" in twice.output
    again = stepping(shop, "migrate", "shop:receipts", "--db", place.where, options="counted=True")
    assert "nothing to do, version 2 is installed" in again.output
    found = stepping(shop, "verify", "--db", place.where)
    assert found.exit_code == 1  # no store has been opened on version 2
    assert "does not say how the tables of 'receipts' are computed" in found.output
    named = stepping(shop, "verify", "shop:receipts", "--db", place.where, options="counted=True")
    assert "nothing differs" in named.output
    assert "nothing differs" in stepping(shop, "verify", "--db", place.where).output
    back = stepping(shop, "apply", down, "--db", place.where)
    assert back.exit_code == 0, back.output


def test_verify_says_what_differs_and_fails(place: Place, shop: Path) -> None:
    graph = Shape().graph()
    with place.opened(graph) as store:
        feed(store, Shape(), HISTORY)
        table = next(each.of for each in store.plan.caches if each.name == "receipts")
    with place.plain() as connection:
        connection.execute(
            f'UPDATE "{table}" SET total = 7 WHERE right_basket = 1'  # noqa: S608
        )
    found = stepping(shop, "verify", "--db", place.where)
    assert found.exit_code == 1
    assert "at right_basket=1 there is (1, 7, 2), expected (1, 500, 2)" in found.output
    mended = stepping(shop, "verify", "--db", place.where, "--repair")
    assert mended.exit_code == 0
    assert f"repaired: {table}" in mended.output
    assert stepping(shop, "verify", "--db", place.where).exit_code == 0


def test_migrate_and_apply_at_once(place: Place, shop: Path) -> None:
    with place.opened(Shape().graph()) as store:
        feed(store, Shape(), HISTORY)
    arguments = ("migrate", "shop:receipts", "--db", place.where, "--apply")
    assert stepping(shop, *arguments, options="best=True").exit_code == 0
    with place.opened(Shape(best=True).graph(), create_tables=False) as store:
        assert st.verify(store).ok


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("migrate", "nowhere:query", "--db", "DB"), "there is no module nowhere"),
        (("migrate", "shop:other", "--db", "DB"), "has no 'other'"),
        (("verify", "--db", "missing.db"), "there is no file missing.db"),
        (("migrate", "shop:receipts", "--db", "DB", "--rename", "x"), "expected NAME=..."),
    ],
)
def test_bad_input(place: Place, shop: Path, arguments: tuple[str, ...], message: str) -> None:
    with place.opened(Shape().graph()):
        pass
    given = [place.where if each == "DB" else each for each in arguments]
    found = stepping(shop, *given)
    assert found.exit_code != 0
    assert message in found.output
