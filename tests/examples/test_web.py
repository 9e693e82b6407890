"""The web application: a real server, many requests at once, and what is left when it is killed."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
import sqlalchemy as sa
from sqlalchemy import orm

from examples.web.orders import Order, engine_of, store_on, totals
from tests.docs.page import ROOT
from tests.support.place import Place


@contextmanager
def serving(url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server in a process of its own, and where it listens."""
    server = subprocess.Popen(
        [sys.executable, "-m", "examples.web.app", url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield server, urlsplit(server.stdout.readline().strip()).netloc
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def request(address: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        is_json = answer.getheader("Content-Type") == "application/json"
        return answer.status, json.loads(text) if is_json else None
    finally:
        connection.close()


def agree(url: str) -> dict[str, tuple[int, int]]:
    """What the cache says per customer, which is what the table says."""
    engine = engine_of(url)
    with orm.Session(engine) as session:
        rows = session.execute(
            sa.select(Order.customer, sa.func.count(), sa.func.sum(Order.cents)).group_by(
                Order.customer
            )
        )
        stored = {name: (n, int(cents)) for name, n, cents in rows}
        kept = totals.zset(store_on(session.connection()))
        cached = {pair.right: (pair.left.orders, pair.left.cents) for pair, _ in kept.iter()}
    engine.dispose()
    assert cached == stored
    return cached


def delete_at_once(place: Place, address: str, number: int, clients: int) -> list[int]:
    """What clients are told who all have asked for one order before any of them could write."""

    def delete(_: int) -> int:
        return request(address, "DELETE", f"/orders/{number}")[0]

    with concurrent.futures.ThreadPoolExecutor(clients) as pool, place.plain() as holding:
        if place.name == "sqlite":
            holding.execute("BEGIN IMMEDIATE")
            told = pool.map(delete, range(clients))
            time.sleep(0.2)
            holding.execute("ROLLBACK")
        else:
            with holding.transaction(), place.plain() as watching:
                holding.execute("SELECT FROM last_update FOR UPDATE")  # as another step does
                told = pool.map(delete, range(clients))
                waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                while watching.execute(waiting).fetchone() != (clients,):
                    time.sleep(0.01)
        return sorted(told)


def test_several_clients_delete_one_order(place: Place) -> None:
    url = place.sqlalchemy_url
    with serving(url) as (_, address):
        for cents in (5, 7):
            request(address, "POST", "/orders", {"customer": "Ann", "cents": 1})
            body = {"customer": "Ann", "cents": cents}
            _, made = request(address, "POST", "/orders", body)
            assert delete_at_once(place, address, made["id"], 3) == [204, 404, 404]
        assert agree(url) == {"Ann": (2, 2)}


def test_orders_and_totals_are_one(place: Place) -> None:
    url = place.sqlalchemy_url
    with serving(url) as (server, address):

        def post(i: int) -> int:
            body = {"customer": f"c{i % 3}", "cents": i}
            return request(address, "POST", "/orders", body)[0]

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert set(pool.map(post, range(40))) == {201}
        expected = {f"c{i % 3}": 0 for i in range(40)}
        counted = Counter(f"c{i % 3}" for i in range(40))
        for i in range(40):
            expected[f"c{i % 3}"] += i
        assert agree(url) == {name: (counted[name], cents) for name, cents in expected.items()}
        assert request(address, "GET", "/totals/c1")[1]["cents"] == expected["c1"]

        # What stepping refuses is not in the table either.
        _, made = request(address, "POST", "/orders", {"customer": "big", "cents": 2**63 - 1})
        status, said = request(address, "POST", "/orders", {"customer": "big", "cents": 1})
        assert status == 422
        assert "does not fit" in said["error"] or "out of range" in said["error"]
        assert agree(url)["big"] == (1, 2**63 - 1)
        assert request(address, "DELETE", f"/orders/{made['id']}")[0] == 204
        assert "big" not in agree(url)

        # Killed while it works: some orders are there, each with its total.
        def until_killed(i: int) -> None:
            try:
                post(i)
                if i == 20:
                    server.kill()
            except (OSError, http.client.HTTPException):
                pass

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(until_killed, range(60)))
    if place.name == "postgres":
        # The server's connections roll back when Postgres has seen that they are gone.
        with psycopg.connect(place.where, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    after = agree(url)
    assert sum(n for n, _ in after.values()) >= 40
