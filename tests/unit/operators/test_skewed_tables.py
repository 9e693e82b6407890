"""What a step on Postgres reads of tables where all rows have one column's value in common.

To look rows up by the index of that column is to read the whole table. While each index seems to
find one row, which is what statistics of other rows say, nothing else tells the indexes apart; and
with the statistics of empty tables it makes no difference where a join begins.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet

COUNT = 600
MOST = 60  # rows read, some of them dead


class Left(st.Data):
    id: int
    group: int
    name: str
    value: int


class Right(st.Data):
    id: int
    left: int
    tag: str | None
    value: int


def several_keys(a: ZSet[Left], b: ZSet[Right]) -> ZSet[Pair[Left, Right]]:
    one = st.join(
        a,
        b,
        on_left=Index.pick(Left, lambda r: (r.group, r.id)),
        on_right=Index.pick(Right, lambda r: (r.value, r.left)),
    )
    two = st.join(
        a,
        b,
        on_left=Index.pick(Left, lambda r: r.name),
        on_right=Index.pick(Right, lambda r: r.tag),
    )
    three = st.join(
        a,
        b,
        on_left=Index.pick(Left, lambda r: (r.group, r.value, r.name)),
        on_right=Index.pick(Right, lambda r: (r.id, r.left, r.tag)),
    )
    return st.add3(one, two, three)


def several_outer_joins(a: ZSet[Left], b: ZSet[Right]) -> tuple[Any, ...]:
    return (
        st.full_outer_join(
            a,
            b,
            on_left=Index.pick(Left, lambda r: r.id),
            on_right=Index.pick(Right, lambda r: r.left),
        ),
        st.anti_join(
            a,
            b,
            on_left=Index.pick(Left, lambda r: (r.group, r.id)),
            on_right=Index.pick(Right, lambda r: (r.value, r.left)),
        ),
    )


def joined_later(a: ZSet[Left], b: ZSet[Right]) -> ZSet[Pair[Left, Right]]:
    return st.join(
        st.delay(a),
        b,
        on_left=Index.pick(Left, lambda r: r.id),
        on_right=Index.pick(Right, lambda r: r.left),
    )


def distinct_rows(a: ZSet[Left], b: ZSet[Right]) -> tuple[Any, ...]:
    on_name, on_tag = Index.pick(Left, lambda r: r.name), Index.pick(Right, lambda r: r.tag)
    on_group, on_value = Index.pick(Left, lambda r: r.group), Index.pick(Right, lambda r: r.value)
    return (
        st.distinct(a),
        st.join(a, b, on_left=on_name, on_right=on_tag),
        st.join(a, b, on_left=on_group, on_right=on_value),
    )


def connected(a: ZSet[Pair[int, int]]) -> ZSet[Pair[int, int]]:
    return st.transitive_closure(a)


def reached(a: ZSet[int], b: ZSet[Pair[int, int]]) -> ZSet[int]:
    def step(found: ZSet[int]) -> ZSet[int]:
        onwards = st.join(
            found,
            b,
            on_left=Index.identity(int),
            on_right=Index.pick(Pair[int, int], lambda p: p.left),
        )
        return st.map(onwards, f=lambda p: p.right.right)

    return st.fixpoint(a, step)


Make = Callable[[int], Any]
NEW = 10**6


def left(**common: Any) -> Make:
    return lambda i: Left(**{"id": i, "group": i, "name": f"name {i}", "value": i, **common})


def right(**common: Any) -> Make:
    # That of a new row matches no left one, however many there are with something in common.
    return lambda i: Right(**{"id": i, "left": i + 5, "tag": f"tag {i}", "value": i, **common})


def edge(i: int) -> Pair[int, int]:
    return Pair(2 * i + 1, 2 * i + 2)


def odd(i: int) -> int:
    return 2 * i + 1


JOINED = (left(), right())

# The query, its rows, and such rows as have nothing in common.
TABLES: dict[str, tuple[Callable[..., Any], tuple[Make, ...], tuple[Make, ...]]] = {
    "several keys, one group": (several_keys, (left(group=-1), right(value=-2)), JOINED),
    "several keys, one name": (several_keys, (left(name="one"), right(tag="another")), JOINED),
    "several keys, one value": (several_keys, (left(value=-1), right(left=-2)), JOINED),
    "outer joins, one group": (several_outer_joins, (left(group=-1), right(value=-2)), JOINED),
    "outer joins, one id": (several_outer_joins, (left(id=-1), right(left=-2)), JOINED),
    "joined later": (joined_later, JOINED, JOINED),
    "distinct, one name": (distinct_rows, (left(name="one"), right(tag="another")), JOINED),
    "distinct, one group": (distinct_rows, (left(group=-1), right(value=-2)), JOINED),
    "connected": (connected, (edge,), (edge,)),
    "reached": (reached, (odd, edge), (odd, edge)),
}


def small_steps(store: Any, makes: tuple[Make, ...]) -> Iterator[tuple[str, Callable[..., Any]]]:
    for position, action in enumerate(st.actions(store, store.graph)):
        new, old, other = (makes[position](i) for i in (NEW, 0, COUNT // 2))
        yield f"insert {position}", partial(action.insert, new)
        yield f"insert again {position}", partial(action.insert, new)
        yield f"remove one of two {position}", partial(action.remove, new)
        yield f"replace {position}", partial(action.replace, other, new)
        yield f"replace back {position}", partial(action.replace, new, other)
        yield f"remove {position}", partial(action.remove, new)
        yield f"remove the first {position}", partial(action.remove, old)
        yield f"put it back {position}", partial(action.insert, old)


def planned_on_empty_tables(store: Any, others: tuple[Make, ...]) -> None:
    run_steps(store, others)


def planned_on_other_rows(store: Any, others: tuple[Make, ...]) -> None:
    """Every index finds one row of them, and that is what statistics say from then on."""
    rows = [[make(i) for i in range(5 * NEW, 5 * NEW + 150)] for make in others]
    st.iteration(store, store.graph, tuple(map(st.ZSetPython.of_rows, rows)))
    store.driver.connection.execute("ANALYZE")
    run_steps(store, others)


def run_steps(store: Any, others: tuple[Make, ...]) -> None:
    """Twice, so that each has its plan as several statements and as a function."""
    actions = st.actions(store, store.graph)
    moved = tuple(partial(lambda make, i: make(i + 2 * NEW), make) for make in others)
    for _ in range(2):
        for action, make in zip(actions, moved, strict=True):
            action.insert(make(0), make(COUNT // 2))
        for _, step in small_steps(store, moved):
            step()
        for action, make in zip(actions, moved, strict=True):
            action.remove(make(0), make(COUNT // 2))


@pytest.mark.parametrize("known", [planned_on_empty_tables, planned_on_other_rows])
@pytest.mark.parametrize("name", TABLES)
def test_a_step_reads_the_rows_it_needs(name: str, known: Any, postgres_db: str) -> None:
    query, makes, others = TABLES[name]
    with st.connection_postgres(postgres_db) as connection:
        # Else rows that were deleted a moment ago are read again and again.
        connection.execute("SET synchronous_commit = on")
        graph: Any = st.compile(query)
        store: Any = st.StorePostgres.from_graph(connection, graph)
        known(store, others)
        rows = [st.ZSetPython.of_rows([make(i) for i in range(COUNT)]) for make in makes]
        st.iteration(store, graph, tuple(rows))
        st.iteration(store, graph, tuple(st.ZSetPython() for _ in makes))  # what a delay lets go

        def rows_read() -> int:
            connection.execute("SELECT pg_stat_force_next_flush()")
            found = connection.execute(
                "SELECT sum(seq_tup_read + coalesce((SELECT sum(idx_tup_read) FROM"
                " pg_stat_user_indexes AS i WHERE i.relid = t.relid), 0))"
                " FROM pg_stat_user_tables AS t WHERE relname LIKE %s",
                [f"{query.__name__}%"],
            ).fetchone()
            assert found is not None
            return int(found[0])

        clock = itertools.count(1)
        ways: dict[str, Callable[[], Any]] = {
            "as statements": dict,
            "as a function": dict,
            "in stages": lambda: {"time": st.Time(next(clock), 0, flush_every_set=True)},
        }
        for way, options in ways.items():
            for step_name, step in small_steps(store, makes):
                before = rows_read()
                step(**options())
                read = rows_read() - before
                assert read < MOST, f"{step_name} {way} read {read} rows"
