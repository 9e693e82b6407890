"""Tenants by `search_path`: a store reads and writes where it was opened, or nothing."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

import stepping as st
from tests.laws.test_operators import settings
from tests.support.postgres_database import database


class Row(st.Data):
    k: int
    n: int


kept = st.Cache[Row](name="kept")
sums = st.Cache[st.Pair[int, int]](name="sums")


def tenants(a: st.ZSet[Row], b: st.ZSet[Row]) -> st.ZSet[st.Pair[int, int]]:
    both = st.add(a, b)
    total = st.group_reduce_flatten(
        both, by=st.Index.pick(Row, lambda r: r.k), zero=int, pick_value=lambda r: r.n
    )
    _ = kept[a](lambda z: st.integrate(z))
    _ = sums[total](lambda z: st.integrate(z))
    return total


graph = st.compile(tenants)
PLACES = ("public", "t1", 'T"2')
PATHS = {
    "public": ("public", '"$user", public'),
    "t1": ("t1", 't1, public, "T""2"'),
    'T"2': ('"T""2"', '"T""2", public'),
}
ACTS = ("insert", "both", "timed", "staged", "enqueue", "drain", "read", "joined", "len")
moves = some.lists(
    some.tuples(
        some.integers(0, 1),  # the connection
        some.sampled_from(PLACES),  # where the store was opened
        some.sampled_from([(place, path) for place in PLACES for path in PATHS[place]]),
        some.sampled_from(ACTS),
        some.booleans(),  # whether search_path is that of the store after all
    ),
    min_size=4,
    max_size=16,
)


class Model:
    """What each tenant has, and waits for."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[str, Row]]] = {place: [] for place in PLACES}
        self.queued: dict[str, list[tuple[str, Row]]] = {place: [] for place in PLACES}

    def kept(self, place: str) -> set[Row]:
        return {row for name, row in self.rows[place] if name == "a"}


def act(store: Any, kind: str, serial: int) -> list[tuple[str, Row]]:
    """The rows that are written, each with its input."""
    one, two = Row(k=serial % 3, n=serial), Row(k=serial % 2, n=serial)
    a, _ = st.actions(store, graph)
    match kind:
        case "insert":
            a.insert(one)
            return [("a", one)]
        case "both":
            st.iteration(store, graph, (st.ZSetPython({one: 1}), st.ZSetPython({two: 1})))
            return [("a", one), ("b", two)]
        case "timed" | "staged":
            staged = kind == "staged"
            time = st.Time(input_time=store.next_time(), flush_every_set=staged)
            a.insert(one, time=time)
            return [("a", one)]
        case "joined":
            with store.driver.connection.transaction():
                a.insert(one)
                a.insert(two)
            return [("a", one), ("a", two)]
        case "enqueue":
            store.enqueue({"a": st.ZSetPython({one: 1})})
            return [("a", one)]
        case "drain":
            store.drain()
        case "read":
            list(kept.zset(store).iter())
        case "len":
            len(kept.zset(store))
    return []


@contextlib.contextmanager
def opened(url: str) -> Any:
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(st.connection_postgres(url)) for _ in range(2)]
        connections[0].execute('CREATE SCHEMA t1; CREATE SCHEMA "T""2"')
        stores = {}
        for at, connection in enumerate(connections):
            for place in PLACES:
                connection.execute(f"SET search_path TO {PATHS[place][-1]}".encode())
                stores[at, place] = st.StorePostgres.from_graph(connection, graph)
        yield connections, stores


@given(moves)
@settings
def law_of_tenants(url: str, drawn: Any) -> None:
    with database(url) as own, opened(own) as (connections, stores):
        model = Model()
        for serial, (at, place, (current, path), kind, same) in enumerate(drawn):
            if same:
                current, path = place, PATHS[place][serial % 2]
            connections[at].execute(f"SET search_path TO {path}".encode())
            store = stores[at, place]
            if current != place:
                with pytest.raises(st.StoreError, match="current schema"):
                    act(store, kind, serial)
                assert connections[at].info.transaction_status == 0
                continue
            written = act(store, kind, serial)
            if kind == "enqueue":
                model.queued[place] += written
            else:
                model.rows[place] += written
            if kind == "drain":
                model.rows[place] += model.queued[place]
                model.queued[place] = []
            if kind == "read":
                assert dict(kept.zset(store).iter()).keys() == model.kept(place)
        for place in PLACES:
            connections[0].execute(f"SET search_path TO {PATHS[place][0]}".encode())
            store = stores[0, place]
            assert dict(kept.zset(store).iter()).keys() == model.kept(place), place
            assert store.queued() == len(model.queued[place])
            st.verify(store)


def test_tenants(postgres_url: str) -> None:
    law_of_tenants(postgres_url)


def test_a_tenant_without_tables_is_told_that_it_has_none(postgres_db: str) -> None:
    with st.connection_postgres(postgres_db) as connection:
        st.StorePostgres.from_graph(connection, graph)
        connection.execute("CREATE SCHEMA t3; SET search_path TO t3, public")
        with pytest.raises(st.SchemaMismatch, match="is not installed"):
            st.StorePostgres.from_graph(connection, graph, create_tables=False)
        store = st.StorePostgres.from_graph(connection, graph)
        st.actions(store, graph)[0].insert(Row(k=1, n=1))
        assert len(kept.zset(store)) == 1
        connection.execute("SET search_path TO public")
        with pytest.raises(st.StoreError, match="'t3', and now it is 'public'"):
            len(kept.zset(store))
        assert len(kept.zset(st.StorePostgres.from_graph(connection, graph))) == 0
