"""Removals of rows that were never inserted, where the sums that are kept prove it."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Annotated, Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet, ZSetPython, agg
from tests.support.type_law import Open


class Paid(st.Data):
    by: str | None
    cents: int
    rate: Annotated[Decimal, st.Scale(2)]


class Sums(st.Data):
    cents: int
    rate: Decimal
    n: int


summed = st.Cache[Any]("summed")


def query(paid: ZSet[Paid]) -> None:
    sums = st.aggregate(
        paid,
        by=Index.pick(Paid, lambda p: p.by),
        into=Sums,
        cents=agg.sum(lambda p: p.cents),
        rate=agg.sum(lambda p: p.rate),
        n=agg.count(),
    )
    _ = summed[sums](lambda z: st.integrate(z))


def drawn(rng: random.Random) -> Paid:
    rate = Decimal(rng.randrange(3)) / 100
    return Paid(by=rng.choice(("Ann", None)), cents=rng.randrange(-1, 2), rate=rate)


@pytest.mark.parametrize("seed", range(3))
def test_a_group_without_rows_has_no_sums(seed: int, opened: Open) -> None:
    rng = random.Random(seed)
    graph: Any = st.compile(query)
    groups: dict[str | None, tuple[int, int, Decimal]] = {}
    refused = 0
    with opened(graph) as store:
        for _ in range(60):
            row, count = drawn(rng), rng.choice((1, -1))
            n, cents, rate = groups.get(row.by, (0, 0, Decimal(0)))
            after = n + count, cents + count * row.cents, rate + count * row.rate
            is_wrong = after[0] < 0 or (not after[0] and any(after))
            try:
                st.iteration(store, graph, (ZSetPython({row: count}),))
            except st.RowError as error:
                assert is_wrong
                assert "is not there" in str(error)
                refused += 1
            else:
                assert not is_wrong
                groups[row.by] = after
            found = dict(summed.zset(store).iter())
            assert found == {
                Pair(Sums(cents=cents, rate=rate, n=n), by): 1
                for by, (n, cents, rate) in groups.items()
                if n
            }
    assert refused
