"""What a changed row costs in tables of the application: each look-up, its index, its fan-out."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import stepping as st
from stepping.cli import main
from stepping.compiler.explain.model import Lookup, Model
from stepping.database import bound, opened_or_planned
from tests.support.place import Place

DDL = """
CREATE TABLE users (id integer PRIMARY KEY, country integer, boss integer);
CREATE TABLE orders (id integer PRIMARY KEY, user_id integer, cents integer NOT NULL);
CREATE INDEX orders_user ON orders (user_id, cents);
"""
# Each with what else its rows are found by: NULL-safe keys, several tables, both sides of a join.
SELECTS = {
    "by_key": "SELECT u.country, o.cents FROM orders o JOIN users u ON u.id = o.user_id "
    "WHERE o.cents = 3",
    "outer_by_key": "SELECT u.id, o.cents FROM users u LEFT JOIN orders o ON o.user_id = u.id "
    "AND o.cents < u.country",
    "of_itself": "SELECT b.country, e.id FROM users e JOIN users b ON b.id = e.boss",
    "kept": "SELECT id FROM users u WHERE EXISTS (SELECT 1 FROM orders o WHERE o.user_id = u.id)",
    "highest": "SELECT user_id, max(cents) AS most FROM orders GROUP BY user_id",
}


def explained(place: Place, select: str) -> Model:
    """As `stepping explain --db` says it of a query that is not installed."""
    with opened_or_planned(place.where, *bound(place.where, [st.sql(select, name="q")])) as store:
        return st.explain(store).model


def lookups(model: Model, changed: str) -> dict[tuple[str, tuple[str, ...]], Lookup]:
    """The look-ups in the application's tables when one row of an input changes."""
    step = next(step for step in model.steps if step.inputs == (changed,))
    assert step.cost is not None
    return {(each.table, each.by): each for each in step.cost.lookups if each.application}


@pytest.fixture
def shop(place: Place) -> Place:
    with place.plain() as plain:
        for statement in DDL.split(";"):
            plain.execute(statement)
        plain.execute("INSERT INTO users VALUES (1, 1, NULL), (2, 1, 1), (3, 2, 1), (4, 2, 1)")
        plain.execute("INSERT INTO orders VALUES (1, 1, 3), (2, 1, 4), (3, 1, 5), (4, 2, 3)")
    return place


def test_the_look_ups_are_those_that_are_planned(shop: Place) -> None:
    for select in SELECTS.values():
        (query,) = bound(shop.where, [st.sql(select, name="q")])
        with opened_or_planned(shop.where, query) as store:
            capture, model = store.plan.capture, st.explain(store).model
        planned = {(str(each.table), key) for each in capture.inputs for key in each.keys}
        changed = [step.title for step in model.steps if step.cost is not None]
        found = {(t, tuple(sorted(by))) for each in changed for t, by in lookups(model, each)}
        assert found == {(table, tuple(sorted(key))) for table, key in planned}, select


def test_fan_out_and_the_index_of_each(shop: Place) -> None:
    found = explained(shop, SELECTS["by_key"])
    order = lookups(found, "orders")["users", ("id",)]
    assert (order.average, order.most) == (1.0, 1)  # the primary key
    assert order.index
    user = lookups(found, "users")["orders", ("user_id",)]
    assert (user.index, user.average, user.most) == ("orders_user", 2.0, 3)
    step = next(step for step in found.steps if step.inputs == ("users",))
    assert step.cost is not None
    assert step.cost.rows == 2.0  # for each order that is found
    bosses = lookups(explained(shop, SELECTS["of_itself"]), "users")
    assert bosses["users", ("id",)].most == 1


def test_an_index_that_is_missing(shop: Place) -> None:
    with shop.opened(st.sql(SELECTS["by_key"], name="q")) as store, shop.plain() as plain:
        assert lookups(st.explain(store).model, "users")["orders", ("user_id",)].index
        plain.execute("DROP INDEX orders_user")
        found = st.explain(store)
        look = lookups(found.model, "users")["orders", ("user_id",)]
        assert look.is_scan
        assert (look.average, look.most) == (2.0, 3)
        (scan,) = found.model.scans
        assert (scan.table, scan.step, scan.create) == ("orders", "users", look.create)
        assert "SCAN of orders by user_id, which no index begins with" in found.summary
        plain.execute(look.create)
        assert st.explain(store).model.scans == ()


def test_without_a_database() -> None:
    class User(st.Data, table="users"):
        id: int
        country: str

    class Order(st.Data, table="orders"):
        user_id: int
        cents: int

    def revenue(users: st.ZSet[User], orders: st.ZSet[Order]) -> st.ZSet[st.Pair[int, str]]:
        joined = st.join(
            users,
            orders,
            on_left=st.Index.pick(User, lambda u: u.id),
            on_right=st.Index.pick(Order, lambda o: o.user_id),
        )
        return st.map(joined, f=lambda p: st.Pair(p.right.cents, p.left.country))

    found = st.explain(st.compile(revenue), "sqlite")
    assert "  orders by user_id (which needs an index)" in found.summary.splitlines()
    assert not found.model.scans
    assert "orders by user_id (which needs an index)" in found.tree


def test_the_command_says_it(shop: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with shop.plain() as plain:
        plain.execute("DROP INDEX orders_user")
    Path("views.sql").write_text(f"CREATE MATERIALIZED VIEW q AS {SELECTS['by_key']};")
    arguments = ["check", "views.sql", "--db", shop.where]
    out = CliRunner().invoke(main, arguments)
    assert out.exit_code == 1
    assert "a change of users reads all of orders" in out.output
    assert "hint: CREATE INDEX" in out.output
    assert CliRunner().invoke(main, [*arguments, "--allow-scans"]).exit_code == 0
