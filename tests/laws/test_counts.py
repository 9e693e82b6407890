"""Counts and sums of ints near the ends of 64 bits: exact, or the step fails and changes nothing.

The same random steps run on a database and in Python, where ints have no end.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet, ZSetPython
from tests.support.type_law import Open

BY_KEY = Index.pick(tuple[int, int], lambda row: row[0])
joined = st.Cache[Any]("joined")
summed = st.Cache[Any]("summed")
kept = st.Cache[Any]("kept")
less = st.Cache[Any]("less")
SIZES = (1, 2, 3, 2**31 - 1, 2**31, 2**32 + 1, 2**33 + 7, 2**53 + 1, 2**62, 2**63 - 1)
MOST = 2**63 - 1


def query(a: ZSet[tuple[int, int]], b: ZSet[tuple[int, int]]) -> None:
    pairs = st.map(
        st.join(a, b, on_left=BY_KEY, on_right=BY_KEY), f=lambda p: (p.left[1], p.right[1] % 2)
    )
    sums = st.group_reduce_flatten(a, by=BY_KEY, zero=int, pick_value=lambda row: row[1])
    _ = kept[a](lambda z: st.integrate(z))
    _ = joined[pairs](lambda z: st.integrate(z))
    _ = summed[sums](lambda z: st.integrate(z))
    _ = less[st.add(a, st.neg(b))](lambda z: st.integrate(z))


def meaning(a: dict[Any, int], b: dict[Any, int]) -> tuple[dict[Any, int], ...]:
    pairs: dict[Any, int] = {}
    for left, m in a.items():
        for right, n in b.items():
            if left[0] == right[0]:
                pair = (left[1], right[1] % 2)
                pairs[pair] = pairs.get(pair, 0) + m * n
    sums: dict[int, int] = {}
    for row, n in a.items():
        sums[row[0]] = sums.get(row[0], 0) + row[1] * n
    groups = {Pair(total, key): 1 for key, total in sums.items()}
    both = {row: a.get(row, 0) - b.get(row, 0) for row in {**a, **b}}
    return tuple({row: n for row, n in counts.items() if n} for counts in (a, pairs, groups, both))


def fits(found: tuple[dict[Any, int], ...]) -> bool:
    counts = (n for part in found for n in part.values())
    return all(abs(n) <= MOST for n in counts) and all(
        -MOST - 1 <= pair.left <= MOST for pair in found[2]
    )


def change(rng: random.Random, held: dict[Any, int]) -> dict[Any, int]:
    row = (rng.randrange(2), rng.choice((-(2**40), -1, 0, 1, 3, 2**31, 2**62)))
    if held and rng.random() < 0.4:
        row = rng.choice(list(held))
        return {row: -held[row] if rng.random() < 0.5 else -min(held[row], rng.choice(SIZES))}
    return {row: rng.choice(SIZES)}


def added(held: dict[Any, int], by: dict[Any, int]) -> dict[Any, int]:
    total = {row: held.get(row, 0) + by.get(row, 0) for row in {**held, **by}}
    return {row: n for row, n in total.items() if n}


@pytest.mark.parametrize("seed", range(2))
def test_exact_or_an_error(seed: int, opened: Open) -> None:
    rng = random.Random(seed)
    graph = st.compile(query)
    with opened(graph) as store:
        _hold(rng, graph, store)


def test_exact_or_an_error_in_python() -> None:
    graph = st.compile(query)
    for seed in range(6):
        _hold(random.Random(seed), graph, st.StorePython.from_graph(graph))


def _hold(rng: random.Random, graph: Any, store: Any) -> None:
    held: tuple[dict[Any, int], dict[Any, int]] = ({}, {})
    done = refused = 0
    for _ in range(40):
        steps = [change(rng, part) if rng.random() < 0.7 else {} for part in held]
        after = (added(held[0], steps[0]), added(held[1], steps[1]))
        try:
            st.iteration(store, graph, tuple(map(ZSetPython, steps)))
        except st.RowError as error:
            assert "64 bits" in str(error)
            refused += 1
            # What is on its way may be twice as large, or four times where both sides change.
            largest = [n for part in (*after, *held, *steps) for n in part.values()]
            assert not fits(meaning(*after)) or max(map(abs, largest)) >= 2**30
        else:
            held = after
            done += 1
        expected = meaning(*held)
        assert fits(expected)
        found = tuple(dict(each.zset(store).iter()) for each in (kept, joined, summed, less))
        assert found == expected
        assert all(type(n) is int for part in found for n in part.values())
    assert done > 5
    assert refused > 5
