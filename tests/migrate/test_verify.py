"""verify finds nothing on a healthy store, and exactly the row that was changed by hand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import given

import stepping as st
from tests.migrate.shop import HISTORY, Shape, feed
from tests.support.histories import History, histories
from tests.support.law import act, schema
from tests.support.place import Place, postgres_place
from tests.support.queries import Case
from tests.support.sampled import some
from tests.support.shop import ANN, BOB, User, graph, reading


@pytest.fixture(autouse=True)
def short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are compared two rows at a time."""
    monkeypatch.setattr("stepping.runtime.verify.RANGE_ROWS", 2)


EXAMPLES = max(2, hypothesis.settings().max_examples // 50)
settings = hypothesis.settings(
    max_examples=EXAMPLES, suppress_health_check=list(hypothesis.HealthCheck)
)


def stored(connection: Any, case: Case) -> Any:
    """A store with its inputs kept whole, so that everything that can be is verified."""
    names = dict.fromkeys(case.graph.input_names, "all")
    kept: Any = st.compile(case.query, keep=names)
    sqlite = type(connection).__module__.startswith("sqlite3")
    cls: Any = st.StoreSQLite if sqlite else st.StorePostgres
    return cls.from_graph(connection, kept)


def run(store: Any, history: History) -> None:
    """A history that leaves out the steps that are refused."""
    there: list[dict[Any, int]] = [{} for _ in history.pools]
    for step in history.steps:
        changes = history.changes(step, there)
        try:
            act(store, store.graph, changes)
        except st.RowError:
            continue
        for rows, change in zip(there, changes, strict=True):
            for row, count in change.items():
                rows[row] = rows.get(row, 0) + count


def is_healthy(store: Any, history: History) -> None:
    run(store, history)
    found = st.verify(store)
    assert found.ok, str(found)
    inputs = {each.table.name for each in store.plan.tables if each.table.input}
    by_steps = [u for u in found.unverified if u.table not in inputs]
    assert all("depend on the steps" in u.why for u in by_steps), found.unverified
    assert len(found.verified) + len(found.unverified) == len(store.plan.tables)


@some(3)
def test_every_operator_is_computed_anew_on_sqlite(case: Case) -> None:
    @given(histories(case.row_types, min_steps=3))
    @settings
    def holds(history: History) -> None:
        with st.connection_sqlite(":memory:") as connection:
            is_healthy(stored(connection, case), history)

    holds()


@some(8)
def test_every_operator_is_computed_anew_on_postgres(case: Case, postgres_url: str) -> None:
    @given(histories(case.row_types, min_steps=3))
    @settings
    def holds(history: History) -> None:
        with schema(postgres_url) as connection:
            is_healthy(stored(connection, case), history)

    holds()


@pytest.fixture
def shop(place: Place) -> Iterator[Any]:
    with place.opened(graph) as store:
        users, readings = st.actions(store, graph)
        users.insert(ANN, BOB)
        readings.insert(reading(1, 5), reading(2, 7), reading(1, 2))
        yield store


def table_of(store: Any, serves: str, kind: str) -> str:
    return next(
        each.table.name
        for each in store.plan.tables
        if each.table.serves == serves and each.table.kind.value == kind
    )


class Sold(st.Data):
    kind: str
    part: int


class Part(st.Data):
    part: int
    cost: int


class Costs(st.Data):
    kinds: int
    cheapest: int


def test_a_join_whose_columns_only_its_output_needs(place: Place) -> None:
    """The join is computed once for two tables, which are made of fewer columns than it has."""

    def query(
        sold: st.ZSet[Sold], parts: st.ZSet[Part]
    ) -> tuple[st.ZSet[st.Pair[Sold, Part]], st.ZSet[st.Pair[Costs, int]]]:
        pairs = st.join(
            sold,
            parts,
            on_left=st.Index.pick(Sold, lambda s: s.part),
            on_right=st.Index.pick(Part, lambda p: p.part),
        )
        costs = st.aggregate(
            pairs,
            by=st.Index.pick(st.Pair[Sold, Part], lambda p: p.left.part),
            into=Costs,
            kinds=st.agg.count_distinct(lambda p: p.right.cost),
            cheapest=st.agg.min(lambda p: p.right.cost),
        )
        return pairs, costs

    joined: Any = st.compile(query)
    with place.opened(joined) as store:
        sold, parts = st.actions(store, joined)
        sold.insert(Sold(kind="a", part=1), Sold(kind="b", part=2))
        parts.insert(Part(part=1, cost=3), Part(part=1, cost=4), Part(part=2, cost=5))
        sold.remove(Sold(kind="b", part=2))
        found = st.verify(store)
        assert found.ok, str(found)
        assert found.verified


def test_what_was_changed_by_hand_is_found_and_mended(shop: Any, place: Place) -> None:
    sums = table_of(shop, "group_reduce_flatten", "state")
    before = place.contents(graph)
    with place.plain() as connection:
        connection.execute(
            f"UPDATE \"{sums}\" SET sum_right_value = 8 WHERE left_name = 'Ann'"  # noqa: S608
        )
        connection.execute(f"DELETE FROM \"{sums}\" WHERE left_name = 'Bob'")  # noqa: S608
    found = st.verify(shop)
    assert not found.ok
    shown = {(d.table, tuple(d.key.values()), d.kept, d.expected) for d in found.differences}
    assert shown == {
        (sums, ("Ann",), (("Ann", 8, 2),), (("Ann", 7, 2),)),
        (sums, ("Bob",), (), (("Bob", 7, 1),)),
    }
    assert "at left_name='Ann' there is ('Ann', 8, 2), expected ('Ann', 7, 2)" in str(found)
    mended = st.verify(shop, repair=True)
    assert set(mended.repaired) == {sums}
    assert mended.ok
    assert place.contents(graph) == before
    assert not st.verify(shop).differences


def test_a_row_that_was_added_by_hand_is_taken_away(shop: Any, place: Place) -> None:
    sums = table_of(shop, "group_reduce_flatten", "state")
    before = place.contents(graph)
    with place.plain() as connection:
        connection.execute(f"INSERT INTO \"{sums}\" VALUES ('Eve', 1, 3)")  # noqa: S608
    (found,) = st.verify(shop, repair=True).differences
    assert (found.kept, found.expected) == ((("Eve", 1, 3),), ())
    assert place.contents(graph) == before


def test_only_the_keys_that_differ_are_found_and_mended(place: Place) -> None:
    """Of many keys, in the first range, in the last one and in between; a transaction for each."""
    with place.opened(graph) as store:
        users, readings = st.actions(store, graph)
        users.insert(*(User(id=i, name=f"user {i:02}") for i in range(30)))
        readings.insert(*(reading(i, i) for i in range(30)))
        sums = table_of(store, "group_reduce_flatten", "state")
        before = place.contents(graph)
        names = [f"user {i:02}" for i in (0, 13, 29)]
        with place.plain() as connection:
            for name in names:
                connection.execute(
                    f"UPDATE \"{sums}\" SET sum_right_value = 99 WHERE left_name = '{name}'"  # noqa: S608
                )
        looked: list[Any] = []
        found = st.verify(store, repair=True, progress=looked.append)
        assert {d.key["left_name"] for d in found.differences} == set(names)
        assert found.ok
        assert place.contents(graph) == before
        assert [each.done for each in looked if each.what == sums][:3] == [2, 4, 6]


def test_a_key_that_is_changed_before_it_is_mended_is_looked_at_again(place: Place) -> None:
    """What a step does to a wrong row stays, and the row is right behind it."""
    with place.opened(graph) as store, place.opened(graph) as other:
        users, readings = st.actions(store, graph)
        users.insert(ANN, BOB)
        readings.insert(reading(1, 5), reading(2, 7))
        sums = table_of(store, "group_reduce_flatten", "state")
        with place.plain() as connection:
            connection.execute(f'UPDATE "{sums}" SET sum_right_value = 90')  # noqa: S608
        waiting = [reading(1, 2)]

        def write(looked: Any) -> None:
            if looked.what == sums and waiting:
                st.actions(other, graph)[1].insert(waiting.pop())

        found = st.verify(store, repair=True, progress=write)
        assert found.ok
        assert not st.verify(store).differences
        assert dict(place.read(f'SELECT left_name, sum_right_value FROM "{sums}"')) == {  # noqa: S608
            "Ann": 7,
            "Bob": 7,
        }


def test_a_row_of_a_join_that_was_changed(place: Place) -> None:
    """The rows of a kept join are told apart by all their columns."""
    with joined(place) as (store, table):
        before = place.contents(store.graph)
        with place.plain() as connection:
            connection.execute(f'UPDATE "{table}" SET right_qty = 7 WHERE right_qty = 4')  # noqa: S608
            connection.execute(f'DELETE FROM "{table}" WHERE right_qty = 1')  # noqa: S608
        found = st.verify(store, repair=True)
        assert sorted(d.key["right_qty"] for d in found.differences) == [1, 4, 7]
        assert found.ok
        assert place.contents(store.graph) == before


def test_a_row_that_stands_there_twice(postgres_db: str) -> None:
    """On Postgres nothing forbids that."""
    place = postgres_place(postgres_db)
    with joined(place) as (store, table):
        before = place.contents(store.graph)
        with place.plain() as connection:
            connection.execute(f'INSERT INTO "{table}" SELECT * FROM "{table}" LIMIT 1')  # noqa: S608
        found = st.verify(store, repair=True)
        assert len(found.differences) == 1
        assert found.ok
        assert place.contents(store.graph) == before


@contextlib.contextmanager
def joined(place: Place) -> Iterator[tuple[Any, str]]:
    """A store that keeps a join, and the table of it."""
    with place.opened(Shape().graph()) as store:
        feed(store, Shape(), HISTORY)
        (table,) = [c.table for c in store.plan.caches if c.name == "joined"]
        yield store, table


def test_what_cannot_be_verified_is_listed(shop: Any, place: Place) -> None:
    found = st.verify(shop)
    assert found.ok
    assert {each.why for each in found.unverified} == {
        "it is where the input users is stored",
        "it is where the input readings is stored",
    }
    with pytest.raises(st.StoreError, match="in a transaction"), shop.driver.writing():
        st.verify(shop)


def test_steps_go_on_after_verify(shop: Any) -> None:
    st.verify(shop)
    (made,) = st.actions(shop, graph)[1].insert(reading(2, 1))
    assert made == st.ZSetPython({st.Pair(7, "Bob"): -1, st.Pair(8, "Bob"): 1})
    assert st.verify(shop).ok
