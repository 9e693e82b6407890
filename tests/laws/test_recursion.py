"""transitive_closure and fixpoint against searches of whole graphs."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet
from tests.support.oracle import Found, Judged, Judges, Rows, hold, plain, run, there, total
from tests.support.rows import LONG, Color, Item, Keys, Part, Place

CASES = judged = Judges()

by_k = Index.pick(Item, lambda i: i.k)
by_n = Index.pick(Item, lambda i: i.n)


def reached(starts: Iterable[Any], edges: Callable[[Any], Iterable[Any]]) -> set[Any]:
    """Breadth first: what there is a path to from any of the starts, these included."""
    found = set(starts)
    waiting = deque(found)
    while waiting:
        for each in edges(waiting.popleft()):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


def closure(pairs: Rows) -> Found:
    edges: dict[Any, set[Any]] = {}
    for pair in there(pairs):
        edges.setdefault(pair.left, set()).add(pair.right)

    def onward(node: Any) -> Iterable[Any]:
        return () if is_none(node) else edges.get(node, ())

    return {Pair(start, end): 1 for start, ends in edges.items() for end in reached(ends, onward)}


def is_none(node: Any) -> bool:
    """None matches nothing, so that a path ends there; nor does a key that has a None in it."""
    return node is None or (isinstance(node, Place) and node.zone is None)


@judged(closure)
def ints(a: ZSet[Pair[int, int]]) -> ZSet[Pair[int, int]]:
    return st.transitive_closure(a)


@judged(closure)
def texts_or_none(a: ZSet[Pair[str | None, str | None]]) -> ZSet[Pair[str | None, str | None]]:
    return st.transitive_closure(a)


@judged(closure)
def nested_rows(a: ZSet[Pair[Place, Place]]) -> ZSet[Pair[Place, Place]]:
    return st.transitive_closure(a)


@judged(closure)
def decimals(a: ZSet[Pair[Decimal, Decimal]]) -> ZSet[Pair[Decimal, Decimal]]:
    return st.transitive_closure(a)


@judged(lambda a: closure(total((Pair(k.color, Color.RED), n) for k, n in a.items())))
def enums(a: ZSet[Keys]) -> ZSet[Pair[Color, Color]]:
    return st.transitive_closure(st.map(a, f=lambda k: Pair(k.color, Color.RED)))


@judged(lambda a: (closure(total((Pair(i.k, i.n), c) for i, c in a.items())),))
def of_a_map(a: ZSet[Item]) -> ZSet[Pair[int, int]]:
    return st.transitive_closure(st.map(a, f=lambda i: Pair(i.k, i.n)))


def of_reading_behind(a: Rows, b: Rows) -> tuple[Found, ...]:
    paths = closure(a)
    counts: dict[int, int] = {}
    for pair in paths:
        counts[pair.left] = counts.get(pair.left, 0) + 1
    ends = {(pair.right,) for pair in paths}
    return (
        {Pair(n, left): 1 for left, n in counts.items()},
        {part: n for part, n in b.items() if (part.k,) in ends},
        closure({Pair(pair.right, pair.left): 1 for pair in paths}),
    )


@judged(of_reading_behind)
def read_by_others(a: ZSet[Pair[int, int]], b: ZSet[Part]) -> tuple[ZSet[Any], ...]:
    paths = st.transitive_closure(a)
    by_left = Index.pick(Pair[int, int], lambda p: p.left)
    by_right = Index.pick(Pair[int, int], lambda p: p.right)
    turned = st.map(paths, f=lambda p: Pair(p.right, p.left))
    return (
        st.group_reduce_flatten(paths, by=by_left, zero=int, pick_value=lambda p: 1),
        st.semi_join(b, paths, on_left=Index.pick(Part, lambda p: p.k), on_right=by_right),
        st.transitive_closure(turned),
    )


# ----------------------------------------------------------------------------------------- fixpoint


class At(st.Data):
    node: int
    cost: int


at_node = Index.pick(At, lambda a: a.node)


def costs(a: Rows, b: Rows) -> Found:
    """Every cost below 6 at which a node can be reached, along edges and back along some."""
    edges = [(e.k, e.n, 1 + e.n % 2) for e in there(b)]
    edges += [(e.n, e.k, 0) for e in there(b) if e.x > 0.0]

    def onward(at: At) -> Iterable[At]:
        return [
            At(node=end, cost=at.cost + more)
            for start, end, more in edges
            if start == at.node and at.cost + more < 6
        ]

    return dict.fromkeys(reached((At(node=i.k, cost=0) for i in there(a)), onward), 1)


@judged(costs)
def bounded_costs(a: ZSet[Item], b: ZSet[Item]) -> ZSet[At]:
    def step(y: ZSet[At]) -> ZSet[At]:
        along = st.join(y, b, on_left=at_node, on_right=by_k)
        moved = st.map(along, f=lambda p: At(node=p.right.n, cost=p.left.cost + 1 + p.right.n % 2))
        some = st.filter(b, f=lambda e: e.x > 0.0)
        back = st.join(y, some, on_left=at_node, on_right=by_n)
        kept = st.distinct(st.map(back, f=lambda p: At(node=p.right.k, cost=p.left.cost)))
        return st.add(st.filter(moved, f=lambda at: at.cost < 6), kept)

    return st.fixpoint(st.map(a, f=lambda i: At(node=i.k, cost=0)), step)


def both_ways(a: Rows, b: Rows) -> Found:
    """Nodes reached by an edge of each input in turn, and those that are named outright."""

    def onward(node: int) -> Iterable[int]:
        return [r.n for l in there(a) for r in there(b) if l.k == node and l.n == r.k]

    return dict.fromkeys(reached((i.k for i in there(b)), onward), 1)


@judged(both_ways)
def two_joins_in_a_step(a: ZSet[Item], b: ZSet[Item]) -> ZSet[int]:
    number = Index.identity(int)

    def step(y: ZSet[int]) -> ZSet[int]:
        half = st.map(st.join(y, a, on_left=number, on_right=by_k), f=lambda p: p.right.n)
        whole = st.join(half, b, on_left=number, on_right=by_k)
        return st.add(y, st.map(whole, f=lambda p: p.right.n))

    return st.fixpoint(st.map(b, f=lambda i: i.k), step)


@judged(lambda a, b: dict.fromkeys((*there(a), *there(b)), 1), together=True)
def a_step_without_itself(a: ZSet[Item], b: ZSet[Item]) -> ZSet[Item]:
    return st.fixpoint(a, lambda y: b)


@judged(
    lambda a, b: dict.fromkeys(
        reached((i.k for i in there(a)), lambda n: [j.n for j in there(b) if j.k == n]), 1
    )
)
def the_other_way_round(a: ZSet[Item], b: ZSet[Item]) -> ZSet[int]:
    """The recursion's rows on the right of the join, and a seed with duplicates."""
    return st.fixpoint(
        st.map(a, f=lambda i: i.k),
        lambda y: st.map(
            st.join(b, y, on_left=by_k, on_right=Index.identity(int)), f=lambda p: p.left.n
        ),
    )


@judged(
    lambda a: dict.fromkeys(
        reached(
            (i.t for i in there(a)),
            lambda t: [t + "x"] if t is not None and len(t) < 4 else [],
        ),
        1,
    ),
)
def rows_made_by_the_step(a: ZSet[Item]) -> ZSet[str | None]:
    def longer(t: str | None) -> str | None:
        return None if t is None else t + "x"

    def step(y: ZSet[str | None]) -> ZSet[str | None]:
        short = st.filter(y, f=lambda t: t is not None and len(t) < 4)
        return st.map(short, f=longer)

    return st.fixpoint(st.map(a, f=lambda i: i.t), step)


# ------------------------------------------------------- after what reads the same table in order


def along(start: ZSet[int], edges: ZSet[Item]) -> ZSet[int]:
    """What is reached from some nodes."""
    number = Index.identity(int)
    return st.fixpoint(
        start,
        lambda y: st.map(st.join(y, edges, on_left=number, on_right=by_k), f=lambda p: p.right.n),
    )


def reached_along(starts: Iterable[int], edges: Rows) -> set[int]:
    return reached(starts, lambda n: [e.n for e in there(edges) if e.k == n])


def again(a: Rows, b: Rows) -> tuple[Found, ...]:
    once = reached_along((i.k for i in there(a)), b)
    twice = reached_along((n + 1 for n in once), b)
    thrice = reached_along((n + 1 for n in twice), b)
    return tuple(dict.fromkeys(found, 1) for found in (once, twice, thrice))


@judged(again)
def one_after_the_other(a: ZSet[Item], b: ZSet[Item]) -> tuple[ZSet[int], ...]:
    """Three recursions over the same edges, each from what the one before it found."""
    once = along(st.map(a, f=lambda i: i.k), b)
    twice = along(st.map(once, f=lambda n: n + 1), b)
    return once, twice, along(st.map(twice, f=lambda n: n + 1), b)


def from_first(a: Rows) -> tuple[Found, ...]:
    nodes = sorted(i.k for i, count in a.items() for _ in range(count))[:1]
    most = [max(i.n for i in there(a))] if a else []
    starts = (nodes, most)
    return tuple(dict.fromkeys(reached_along(each, a), 1) for each in starts)


@judged(from_first, together=True)
def from_what_is_first(a: ZSet[Item]) -> tuple[ZSet[int], ...]:
    """Over edges of which the first ones in two orders are where a recursion starts."""
    first = st.first_n(a, index=by_k, n=1)
    most = st.aggregate(a, into=Most, n=st.agg.max(lambda i: i.n))
    some = st.filter(most, f=lambda m: m.n is not None)
    return (
        along(st.map(first, f=lambda i: i.k), a),
        along(st.map(some, f=lambda m: m.n if m.n is not None else 0), a),
    )


class Most(st.Data):
    n: int | None


def first_reached(a: Rows, b: Rows) -> Found:
    """The first edge, by where it ends, of those that begin at a node which is reached."""
    nodes = reached_along((i.k for i in there(a)), b)
    ends = sorted(((e.n, plain(e), e) for e, m in b.items() for _ in range(m) if e.k in nodes))
    return total((edge, 1) for _, _, edge in ends[:1])


@judged(first_reached)
def first_of_what_is_reached(a: ZSet[Item], b: ZSet[Item]) -> ZSet[Item]:
    nodes = along(st.map(a, f=lambda i: i.k), b)
    edges = st.semi_join(b, nodes, on_left=by_k, on_right=Index.identity(int))
    return st.first_n(edges, index=by_n, n=1)


@pytest.mark.parametrize("case", CASES, ids=CASES.by_name)
def test_recursion(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres, max_steps=10)


NEGATIVE = ["ints", "texts_or_none", "bounded_costs", "two_joins_in_a_step"]


@pytest.mark.parametrize("case", [CASES.by_name[name] for name in NEGATIVE], ids=NEGATIVE)
def test_recursion_of_negative_counts(case: Judged, every_postgres: list[tuple[str, str]]) -> None:
    hold(case, every_postgres, negative=True)


def test_a_cycle_that_holds_itself_up_falls(every_postgres: list[tuple[str, str]]) -> None:
    """peers.md calls it fault 4: rows that are derived from each other, and from nothing else."""
    run(
        CASES.by_name["ints"],
        every_postgres,
        ({Pair(0, 1): 1, Pair(1, 2): 1, Pair(2, 1): 1, Pair(2, 2): 1},),
        ({Pair(0, 1): -1},),
        ({Pair(2, 1): -1, Pair(0, 2): 1},),
        ({Pair(2, 2): -1, Pair(2, 0): 1},),
        ({Pair(0, 2): -1, Pair(1, 2): -1},),
    )


def test_an_edge_that_moves_in_one_step(every_postgres: list[tuple[str, str]]) -> None:
    run(
        CASES.by_name["texts_or_none"],
        every_postgres,
        ({Pair("a", LONG): 1, Pair(LONG, None): 2, Pair(None, "b"): 1},),
        ({Pair("a", LONG): -1, Pair("a", "é"): 1, Pair("é", LONG): 1},),
        ({Pair(LONG, None): -1},),
        ({Pair(LONG, None): -1, Pair("b", "a"): 1},),
    )


def test_a_random_graph_edge_by_edge(every_postgres: list[tuple[str, str]]) -> None:
    """Sixty edges of eight nodes, added and removed, several at once."""
    chosen = random.Random(1)
    there: set[Pair[int, int]] = set()
    steps: list[tuple[dict[Any, int], ...]] = []
    for _ in range(60):
        change: dict[Any, int] = {}
        for _ in range(chosen.choice((1, 1, 1, 3))):
            pair = Pair(chosen.randrange(8), chosen.randrange(8))
            if pair not in change:
                change[pair] = -1 if pair in there else 1
                there ^= {pair}
        steps.append((change,))
    run(CASES.by_name["ints"], every_postgres, *steps)
