"""The shop: a real server, writers of every kind, and dashboards that are always right."""

from __future__ import annotations

import concurrent.futures
import random
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from examples.shop.models import Base, Product, engine_of
from tests.docs.page import ROOT
from tests.examples.test_web import request
from tests.support.place import Place

# What each dashboard shows, said once more by a SELECT of its own.
MEANING = {
    "revenue": """
        SELECT u.country, o.placed, sum(i.qty * i.cents), count(*)
        FROM orders o JOIN users u ON u.id = o.user_id JOIN items i ON i.order_id = o.id
        WHERE o.status = 'paid' GROUP BY u.country, o.placed""",
    "open_orders": "SELECT user_id, count(*) FROM orders WHERE status = 'open' GROUP BY user_id",
    "idle_users": "SELECT id, name FROM users WHERE id NOT IN (SELECT user_id FROM orders)",
    "top_products": """
        SELECT category, name, qty FROM (
            SELECT category, name, sum(qty) AS qty, row_number() OVER (
                PARTITION BY category ORDER BY sum(qty) DESC, name) AS place
            FROM items JOIN products ON products.id = product_id GROUP BY category, name
        ) AS sold WHERE place <= 10""",
}


def url_of(place: Place) -> str:
    if place.name == "sqlite":
        return f"sqlite:///{place.where}"
    return place.where.replace("postgresql://", "postgresql+psycopg://", 1)


def compare(engine: sa.Engine, address: str) -> dict[str, int]:
    """The rows of each dashboard, which are those of its SELECT."""
    found = {}
    for name, text in MEANING.items():
        status, shown = request(address, "GET", f"/dashboards/{name}")
        assert status == 200
        with engine.connect() as connection:
            meant = [list(map(str, row)) for row in connection.exec_driver_sql(text)]
        assert sorted(shown) == sorted(meant), name
        found[name] = len(shown)
    return found


def shopper(address: str, seed: int, users: list[int], products: int) -> None:
    """Somebody who orders, pays and cancels."""
    chance = random.Random(seed)
    mine: list[int] = []
    for _ in range(8):
        items = [
            {"product_id": chance.randint(1, products), "qty": chance.randint(1, 5), "cents": 250}
            for _ in range(chance.randint(1, 3))
        ]
        placed = f"2024-03-{chance.randint(1, 5):02}"
        body: dict[str, Any] = {"user_id": chance.choice(users), "placed": placed, "items": items}
        status, made = request(address, "POST", "/orders", body)
        assert status == 201
        mine.append(made["id"])
        if chance.random() < 0.6:
            assert request(address, "POST", f"/orders/{chance.choice(mine)}/pay")[0] in (204, 404)
        if chance.random() < 0.3:
            assert request(address, "DELETE", f"/orders/{chance.choice(mine)}")[0] in (204, 404)


def test_dashboards_follow_whoever_writes(place: Place) -> None:
    engine = engine_of(url_of(place))
    with engine.begin() as connection:
        products = [
            {"id": i, "name": f"product {i:02}", "category": "home" if i % 3 else "garden"}
            for i in range(1, 31)
        ]
        connection.execute(sa.insert(Product), products)
    server = subprocess.Popen(
        [sys.executable, "-m", "examples.shop.app", url_of(place)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        address = urlsplit(server.stdout.readline().strip()).netloc
        users = []
        for country in ("ch", "de", "at", "ch", "de"):
            body = {"name": f"somebody in {country}", "country": country}
            users.append(request(address, "POST", "/users", body)[1]["id"])
        assert compare(engine, address)["idle_users"] == 5
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            runs = [pool.submit(shopper, address, i, users[:4], 30) for i in range(3)]
            for each in runs:
                each.result()
        found = compare(engine, address)
        assert found["idle_users"] >= 1
        assert found["top_products"] > 10
        # A shell, a bulk load, a correction: writers that know nothing of the application.
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE items SET cents = cents * 2 WHERE qty > 3")
            connection.exec_driver_sql("UPDATE users SET country = 'fr' WHERE country = 'ch'")
            connection.exec_driver_sql(
                "INSERT INTO orders (user_id, placed, status)"
                " SELECT id, '2024-03-09', 'open' FROM users"
            )
        assert compare(engine, address)["idle_users"] == 0
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM orders WHERE status = 'paid'")
        assert compare(engine, address)["revenue"] == 0
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        engine.dispose()


def test_nothing_is_installed_in_the_tables_of_the_shop(place: Place) -> None:
    """The models know nothing of it: what `create_all` makes is what it made before."""
    engine = engine_of(url_of(place))
    try:
        assert set(sa.inspect(engine).get_table_names()) == set(Base.metadata.tables)
    finally:
        engine.dispose()


@pytest.mark.parametrize("name", sorted(MEANING))
def test_every_dashboard_is_compared(name: str) -> None:
    from examples.shop.app import DASHBOARDS

    assert name in DASHBOARDS
    assert set(MEANING) == set(DASHBOARDS)


def test_what_was_added_is_short() -> None:
    """The guide says how many lines the four dashboards are."""
    added = Path(ROOT, "examples/shop/dashboards.py").read_text().splitlines()
    assert len(added) <= 40
    page = Path(ROOT, "docs/sqlalchemy-application.md").read_text()
    assert f"({len(added)} lines)" in page
