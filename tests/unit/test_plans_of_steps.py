"""What a step on Postgres reads of tables that have grown since its plan was made.

A plan is made once, with the statistics of that time: of empty tables, or of others than there are.
Each step must look its rows up all the same. What is counted is what Postgres itself counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import stepping as st
from stepping.dialects.postgres.settings import SETTINGS
from tests.support.place import Place, postgres_place

KEYS, ROWS = 200, 6_000
MOST = 600  # rows read by a step of one row: far below any table's


class Meter(st.Data):
    id: int
    owner: str


class Read(st.Data):
    meter: int
    at: int
    value: int


class Owner(st.Data):
    name: str
    city: str


totals = st.Cache[st.Pair[int, str]]("totals")

OfMeter = st.Pair[Meter, Read]


def by_city(
    owners: st.ZSet[Owner], meters: st.ZSet[Meter], reads: st.ZSet[Read]
) -> st.ZSet[st.Pair[int, str]]:
    read = st.join(
        meters,
        reads,
        on_left=st.Index.pick(Meter, lambda m: m.id),
        on_right=st.Index.pick(Read, lambda r: r.meter),
    )
    owned = st.join(
        owners,
        read,
        on_left=st.Index.pick(Owner, lambda o: o.name),
        on_right=st.Index.pick(OfMeter, lambda p: p.left.owner),
    )
    total = st.group_reduce_flatten(
        owned,
        by=st.Index.pick(st.Pair[Owner, OfMeter], lambda p: p.left.city),
        zero=int,
        pick_value=lambda p: p.right.right.value,
    )
    _ = totals[total](lambda z: st.integrate(z))
    return total


GRAPH = st.compile(by_city)
KEPT = GRAPH.program("postgres").plan.kept


def owner(number: int) -> Owner:
    return Owner(name=f"owner {number}", city=f"city {number % 20}")


def meter(number: int) -> Meter:
    return Meter(id=number, owner=f"owner {number}")


def read(number: int) -> Read:
    return Read(meter=number % KEYS, at=number, value=1)


@pytest.fixture
def place(each_postgres_db: str) -> Place:
    found = postgres_place(each_postgres_db)
    with found.opened(GRAPH), found.plain() as connection:
        for table in KEPT:  # nobody analyzes but the test
            connection.execute(f'ALTER TABLE "{table}" SET (autovacuum_enabled = off)')
    return found


@contextmanager
def counted(store: Any) -> Iterator[dict[str, int]]:
    """How many rows are meanwhile read of the kept tables, by scans and by indexes."""
    connection = store.driver.connection
    before = rows_read(connection)
    found: dict[str, int] = {}
    yield found
    after = rows_read(connection)
    found.update({name: after[name] - before[name] for name in before})


def rows_read(connection: Any) -> dict[str, int]:
    connection.execute("SELECT pg_stat_force_next_flush()")
    rows = connection.execute(
        "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) + coalesce(("
        "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes AS i WHERE i.relid = t.relid), 0) "
        "FROM pg_stat_user_tables AS t WHERE relname = ANY(%s)",
        (list(KEPT),),
    )
    return {name: int(count) for name, count in rows}


def each_step(actions: Any, number: int) -> Iterator[tuple[str, Any]]:
    """Steps of one row each, which touch few others."""
    owners, meters, reads = actions
    yield "read", lambda: reads.insert(read(number))
    yield "read, removed", lambda: reads.remove(read(number))
    yield "meter", lambda: meters.insert(meter(number))
    yield "meter, removed", lambda: meters.remove(meter(number))
    yield "owner", lambda: owners.insert(owner(number))
    yield "owner, removed", lambda: owners.remove(owner(number))
    yield "owner and meter", lambda: both(actions, number)


def both(actions: Any, number: int) -> None:
    no_reads: st.ZSetPython[Read] = st.ZSetPython()
    one = st.ZSetPython({owner(number): 1}), st.ZSetPython({meter(number): 1}), no_reads
    st.iteration(actions[0].store, GRAPH, one)


def grow(actions: Any) -> None:
    owners, meters, reads = actions
    owners.insert(*map(owner, range(KEYS)))
    meters.insert(*map(meter, range(KEYS)))
    for start in range(0, ROWS, 2_000):
        reads.insert(*map(read, range(start, start + 2_000)))


def check_steps(store: Any, number: int) -> None:
    for name, step in each_step(st.actions(store, GRAPH), number):
        step()  # the first of its kind on a connection may be a plan of its own
        step_again = dict(each_step(st.actions(store, GRAPH), number + 1))[name]
        with counted(store) as found:
            step_again()
        assert sum(found.values()) < MOST, (name, found)


def test_planned_on_empty_tables(place: Place) -> None:
    with place.opened(GRAPH) as store:
        for number in (ROWS + 1_000, ROWS + 2_000, ROWS + 3_000):
            for _, step in each_step(st.actions(store, GRAPH), number):
                step()
        grow(st.actions(store, GRAPH))
        check_steps(store, ROWS)


def test_statistics_of_other_tables(place: Place) -> None:
    """ANALYZE saw three rows; then there were thousands."""
    with place.opened(GRAPH) as store:
        owners, meters, reads = st.actions(store, GRAPH)
        owners.insert(*map(owner, range(3)))
        meters.insert(*map(meter, range(3)))
        reads.insert(*map(read, range(3)))
        store.driver.connection.execute("ANALYZE")
        for number in (ROWS + 1_000, ROWS + 2_000):
            for _, step in each_step((owners, meters, reads), number):
                step()
    with place.opened(GRAPH) as store:
        grow_more(st.actions(store, GRAPH))
        check_steps(store, ROWS)
    with place.opened(GRAPH) as store:  # plans of a full table, with the statistics of three rows
        check_steps(store, ROWS + 10)
        store.driver.connection.execute("ANALYZE")
        check_steps(store, ROWS + 20)


def grow_more(actions: Any) -> None:
    owners, meters, reads = actions
    owners.insert(*map(owner, range(3, KEYS)))
    meters.insert(*map(meter, range(3, KEYS)))
    reads.insert(*map(read, range(3, ROWS)))


def test_changes_are_joined_by_hash(place: Place) -> None:
    """Without an index on either, row by row would be quadratic."""
    step = GRAPH.program("postgres").plan.step(frozenset({"meters", "reads"}))
    assert step.fused is not None
    assert step.fused.joins_changes
    with place.plain() as connection:
        for name, value in SETTINGS.items():
            connection.execute(f"SET {name} = '{value}'")
        types = ", ".join(step.fused.parameters)
        connection.execute(f"PREPARE step({types}) AS {step.fused.sql}")
        given = ", ".join("'{}'" for _ in step.fused.parameters)
        rows = connection.execute(f"EXPLAIN EXECUTE step({given})").fetchall()
    assert any("Hash Join" in line for (line,) in rows)
    assert any("Hash Cond: (d" in line for (line,) in rows)
