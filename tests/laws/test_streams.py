"""Operators about steps against their definition: a list of the changes of each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given

import stepping as st
from stepping import Index, Pair, ZSet
from tests.support.histories import History, histories
from tests.support.law import act, empty, law
from tests.support.oracle import Found, Rows, settings, there, total
from tests.support.rows import Item, Maybe, Part

by_k = Index.pick(Item, lambda i: i.k)
of_part = Index.pick(Part, lambda p: p.k)

Steps = list[Found]  # of one value: what it is in each step


def plus(a: Rows, b: Rows) -> Found:
    return total((*a.items(), *b.items()))


def minus(a: Rows, b: Rows) -> Found:
    return total((*a.items(), *((row, -n) for row, n in b.items())))


def integrals(changes: Steps) -> Steps:
    found: Steps = []
    for change in changes:
        found.append(plus(found[-1] if found else {}, change))
    return found


def delayed(values: Steps) -> Steps:
    return [{}, *values][: len(values)]


def changes_of(values: Steps) -> Steps:
    return [minus(now, before) for now, before in zip(values, delayed(values), strict=True)]


def mapped(f: Callable[..., Found], *values: Steps) -> Steps:
    return [f(*each) for each in zip(*values, strict=True)]


def distinct(rows: Rows) -> Found:
    return dict.fromkeys(there(rows), 1)


def joined(a: Rows, b: Rows) -> Found:
    return total((Pair(l, r), n * m) for l, n in a.items() for r, m in b.items() if l.k == r.k)


# -------------------------------------------------------------------------------------- the queries


def delays(a: ZSet[Item], b: ZSet[Part]) -> tuple[ZSet[Any], ...]:
    return (
        st.delay(a),
        st.delay(st.delay(a)),
        st.differentiate(b),
        st.integrate(st.delay(b)),
        st.integrate_delay(a),
        st.delay(st.integrate(b)),
        st.differentiate(st.delay(st.integrate(a))),
    )


def of_delays(a: Steps, b: Steps) -> tuple[Steps, ...]:
    before = delayed(integrals(b))
    return (
        delayed(a),
        delayed(delayed(a)),
        changes_of(b),
        before,
        delayed(integrals(a)),
        before,
        delayed(a),
    )


def incremental_distinct(a: ZSet[Maybe]) -> tuple[ZSet[Any], ...]:
    return (
        st.haitch(st.integrate_delay(a), a),
        st.distinct(a),
        st.differentiate(st.distinct(st.integrate(a))),
        st.distinct(st.integrate(a)),
    )


def of_incremental_distinct(a: Steps) -> tuple[Steps, ...]:
    there = mapped(distinct, integrals(a))
    return changes_of(there), changes_of(there), changes_of(there), there


def snapshots(a: ZSet[Item], b: ZSet[Part]) -> tuple[ZSet[Any], ...]:
    left, right = st.integrate(a), st.integrate(b)
    pairs = st.join(left, right, on_left=by_k, on_right=of_part)
    return (
        st.differentiate(pairs),
        pairs,
        st.count(left),
        st.differentiate(left),
        st.map(right, f=lambda p: p.name),
        st.differentiate(st.integrate(st.differentiate(pairs))),
    )


def of_snapshots(a: Steps, b: Steps) -> tuple[Steps, ...]:
    pairs = mapped(joined, integrals(a), integrals(b))
    return (
        changes_of(pairs),
        pairs,
        mapped(lambda rows: {sum(rows.values()): 1}, integrals(a)),
        a,
        mapped(lambda rows: total((p.name, n) for p, n in rows.items()), integrals(b)),
        changes_of(pairs),
    )


def joins_across_steps(a: ZSet[Item], b: ZSet[Part]) -> tuple[ZSet[Any], ...]:
    """A join of changes reads the integrals of both, here one of them a step late."""
    late = st.delay(a)
    return (
        st.join(late, b, on_left=by_k, on_right=of_part),
        st.join(st.integrate(late), st.integrate(b), on_left=by_k, on_right=of_part),
        st.add(a, st.neg(late)),
        st.group_reduce_flatten(late, by=by_k, zero=int, pick_value=lambda i: 1),
        st.distinct(late),
    )


def of_joins_across_steps(a: Steps, b: Steps) -> tuple[Steps, ...]:
    late = integrals(delayed(a))
    pairs = mapped(joined, late, integrals(b))
    counts = mapped(
        lambda rows: {
            Pair(sum(n for i, n in rows.items() if i.k == k), k): 1 for k in {i.k for i in rows}
        },
        late,
    )
    return (
        changes_of(pairs),
        pairs,
        changes_of(a),
        changes_of(counts),
        changes_of(mapped(distinct, late)),
    )


def recursions_across_steps(a: ZSet[Item], b: ZSet[Item]) -> tuple[ZSet[Any], ...]:
    """From what was there a step ago, along what is there now, and the other way round."""
    late = st.delay(a)
    number = Index.identity(int)

    def along(start: ZSet[int], edges: ZSet[Item]) -> ZSet[int]:
        return st.fixpoint(
            start,
            lambda y: st.map(
                st.join(y, edges, on_left=number, on_right=by_k), f=lambda p: p.right.n
            ),
        )

    return (
        along(st.map(late, f=lambda i: i.k), a),
        along(st.map(b, f=lambda i: i.k), late),
        along(st.map(st.differentiate(st.delay(st.integrate(b))), f=lambda i: i.k), a),
    )


def of_recursions_across_steps(a: Steps, b: Steps) -> tuple[Steps, ...]:
    def along(start: Rows, edges: Rows) -> Found:
        found = {i.k for i in there(start)}
        while more := {e.n for e in there(edges) if e.k in found} - found:
            found |= more
        return dict.fromkeys(found, 1)

    now, late, of_b = integrals(a), integrals(delayed(a)), integrals(b)
    return (
        changes_of(mapped(along, late, now)),
        changes_of(mapped(along, of_b, late)),
        changes_of(mapped(along, integrals(delayed(b)), now)),
    )


Query = Callable[..., Any]
Judge = Callable[..., tuple[Steps, ...]]

CASES: list[tuple[Query, Judge, Sequence[Any], bool]] = [
    (delays, of_delays, (Item, Part), False),
    (delays, of_delays, (Item, Part), True),
    (incremental_distinct, of_incremental_distinct, (Maybe,), False),
    (incremental_distinct, of_incremental_distinct, (Maybe,), True),
    (snapshots, of_snapshots, (Item, Part), False),
    (joins_across_steps, of_joins_across_steps, (Item, Part), False),
    (recursions_across_steps, of_recursions_across_steps, (Item, Item), False),
]


@pytest.mark.parametrize(
    ("query", "judge", "row_types", "negative"),
    CASES,
    ids=[f"{case[0].__name__}{'_negative' * case[3]}" for case in CASES],
)
def test_steps(
    query: Query,
    judge: Judge,
    row_types: Sequence[Any],
    negative: bool,
    every_postgres: list[tuple[str, str]],
) -> None:
    graph: Any = st.compile(query)
    with law(graph, every_postgres, allow_negative=negative) as opened:

        @given(histories(row_types, negative=negative))
        @settings
        def holds(history: History) -> None:
            for each in opened.stores:
                empty(each.store)
            stores = [each.store for each in opened.stores]
            stores.append(st.StorePython.from_graph(graph, allow_negative=negative))
            run(graph, stores, judge, history)

        holds()


def run(graph: Any, stores: Sequence[st.Store], judge: Judge, history: History) -> None:
    inputs: list[Steps] = [[] for _ in graph.input_names]
    for moves in (*history.steps, (), ()):  # delays go on changing when nothing else does
        rows = [integrals(steps)[-1] if steps else {} for steps in inputs]
        step = history.changes(moves, rows)
        for steps, change in zip(inputs, step, strict=True):
            steps.append(total(change.items()))
        wanted = [steps[-1] for steps in judge(*inputs)]
        for store in stores:
            found = act(store, graph, step)
            for i, (value, rows_wanted) in enumerate(zip(found, wanted, strict=True)):
                canonical = st.ZSetPython(rows_wanted)
                assert value == canonical, f"{type(store).__name__}: output {i}"


def test_caches_of_steps(every_postgres: list[tuple[str, str]]) -> None:
    """What a cache keeps of a delayed change is the integral a step late."""
    late: st.Cache[Item] = st.Cache()

    def query(a: ZSet[Item]) -> ZSet[Item]:
        _ = late[a](lambda z: st.delay_indexed(st.integrate(z), indexes=(by_k,)))
        return a

    graph = st.compile(query)
    rows = [Item(k=k, t=None, x=0.0, n=0) for k in (2, 1)]
    with law(graph, every_postgres) as opened:
        stores: list[st.Store] = [each.store for each in opened.stores]
        for store in [*stores, st.StorePython.from_graph(graph)]:
            (items,) = st.actions(store, graph)
            items.insert(*rows)
            assert late.zset(store) == st.ZSetPython()
            items.remove(rows[0])
            assert [row for _, row, _ in late.zset(store).iter_by_index(by_k)] == rows[::-1]
            st.iteration(store, graph, (st.ZSetPython(),))
            assert late.zset(store) == st.ZSetPython({rows[1]: 1})
