"""Workers in processes of their own: each inserts, removes and reads until it is done."""

from __future__ import annotations

import random
from typing import Any

import stepping as st
from tests.support.place import Place
from tests.support.shop import Reading, User, graph, totals


def wrong_totals(rows: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Every insert and removal is of a pair of readings that add up to 10."""
    return [(name, total) for name, total in rows if total % 10]


def work(kind: str, where: str, worker: int, steps: int, isolation: int | None = None) -> int:
    """Steps of one worker: returns by how much its own readings add up in the end."""
    place = Place(kind, where)
    with place.connect() as connection:
        if isolation is not None:
            connection.isolation_level = isolation
        return run(place.store(connection, graph, create_tables=False), worker, steps)


def run(store: Any, worker: int, steps: int) -> int:
    choice = random.Random(worker)
    users, readings = st.actions(store, graph)
    total = 0
    there: list[tuple[Reading, ...]] = []
    for serial in range(steps):
        kind = choice.choice(("insert", "insert", "remove", "read", "user"))
        if kind == "remove" and there:
            readings.remove(*there.pop())
            total -= 10
        elif kind == "read":
            found = [(pair.right, pair.left) for pair, _ in totals.zset(store).iter()]
            assert wrong_totals(found) == [], found
        elif kind == "user":
            extra = User(id=1000 + 100 * worker + serial, name=f"worker {worker}")
            users.insert(extra)
        else:
            one = choice.randrange(10)
            pair = tuple(
                Reading(user_id=1 + choice.randrange(2), day=worker, value=v)
                for v in (one, 10 - one)
            )
            # Both for one user, so that each user's total stays a multiple of 10.
            pair = (pair[0], Reading(user_id=pair[0].user_id, day=worker, value=pair[1].value))
            readings.insert(*pair)
            there.append(pair)
            total += 10
    return total
