"""Floats are finite but for those of `AnyFloat` fields and what is computed from them: an operation
that overflows fails the step on every store, and infinities go through where they are values.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import psycopg
import pytest

import stepping as st
from stepping import agg
from stepping.dialects.postgres.sum_functions import EXACT
from tests.support.type_law import Open


class Pair(st.Data):
    id: int
    x: float
    y: float


class Loose(st.Data):
    id: int
    x: st.AnyFloat
    y: float


class Made(st.Data):
    id: int
    value: float


def product(rows: st.ZSet[Pair]) -> st.ZSet[Made]:
    return st.map(rows, f=lambda r: Made(id=r.id, value=r.x * r.y))


def hidden(rows: st.ZSet[Pair]) -> st.ZSet[Made]:
    return st.map(rows, f=lambda r: Made(id=r.id, value=1.0 / (1.0 + r.x * r.y)))


def kept(rows: st.ZSet[Pair]) -> st.ZSet[Pair]:
    return st.filter(rows, f=lambda r: r.x * r.y < 5.0)


def summed(rows: st.ZSet[Pair]) -> st.ZSet[st.Pair[float, int]]:
    by = st.Index.pick(Pair, lambda r: r.id)
    return st.group_reduce_flatten(rows, by=by, zero=float, pick_value=lambda r: r.x * r.y)


def in_python(rows: st.ZSet[Pair]) -> st.ZSet[Made]:
    def by_hand(r: Pair) -> Made:
        return Made(id=r.id, value=math.fsum([r.x, r.y]) * r.x)

    return st.map(rows, f=by_hand)


@pytest.mark.parametrize("query", [product, kept, summed, in_python, hidden])
def test_an_overflow_fails_the_step(query: Callable[..., Any], opened: Open) -> None:
    graph: Any = st.compile(query)
    good, bad = Pair(id=1, x=2.0, y=0.5), Pair(id=2, x=1e200, y=1e200)
    with opened(graph) as store:
        (rows,) = st.actions(store, graph)
        before = _results(rows.insert(good))
        with pytest.raises(st.RowError):
            rows.insert(bad)
        (change,) = rows.remove(good)
        assert dict(change.iter()) == {row: -n for row, n in before.items()}


def test_an_overflow_fails_the_step_in_memory() -> None:
    for query in (product, summed, in_python):
        graph: Any = st.compile(query)
        (rows,) = st.actions(st.StorePython.from_graph(graph), graph)
        with pytest.raises(st.RowError, match="not finite"):
            rows.insert(Pair(id=2, x=1e200, y=1e200))


class Figures(st.Data):
    total: float
    least: float | None


def _results(changes: Any) -> dict[Any, int]:
    (change,) = changes
    return dict(change.iter())


def loose(rows: st.ZSet[Loose], others: st.ZSet[Pair]) -> tuple[st.ZSet[Any], ...]:
    products = st.map(rows, f=lambda r: Made(id=r.id, value=r.x * 2.0 + r.y))
    plain = st.map(others, f=lambda r: Made(id=r.id, value=r.x))
    both = st.add(plain, products)
    by = st.Index.pick(Made, lambda r: r.id)
    totals = st.group_reduce_flatten(both, by=by, zero=float, pick_value=lambda r: r.value)
    figures = st.aggregate(
        both,
        by=by,
        into=Figures,
        total=agg.sum(lambda r: r.value),
        least=agg.min(lambda r: r.value),
    )
    return both, totals, st.distinct(st.map(both, f=lambda r: r.value)), figures


def test_infinities_go_through_where_they_are_values(opened: Open) -> None:
    graph: Any = st.compile(loose)
    memory: Any = st.StorePython.from_graph(graph)
    rng = random.Random(4)
    held: list[Any] = []
    with opened(graph) as store:
        for number in range(30):
            x = rng.choice((math.inf, -math.inf, 1.5, rng.uniform(-9, 9)))
            of = Loose if rng.random() < 0.6 else Pair
            y = rng.uniform(-9, 9)
            row = of(id=number % 2, x=x if of is Loose else y, y=y)  # type: ignore[operator]
            # At most one sign in a group: the sum of both is no number.
            clash = any(
                isinstance(r, Loose) and r.id == row.id and r.x == -row.x and math.isinf(r.x)
                for r in held
            )
            change: dict[Any, int] = {} if clash else {row: 1}
            if held and rng.random() < 0.4:
                gone = held.pop(rng.randrange(len(held)))
                change[gone] = change.get(gone, 0) - 1
            held += [] if clash else [row]
            given = tuple(
                st.ZSetPython({r: n for r, n in change.items() if isinstance(r, cls)})
                for cls in (Loose, Pair)
            )
            assert st.iteration(store, graph, given) == st.iteration(memory, graph, given)


def test_a_float_as_a_numeric_is_exact(each_postgres_url: str) -> None:
    rng = random.Random(1)
    edges = [0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 2.0**-51, 2.0**-52]
    values = [*edges, 2.0**63, 2.0**63 - 1024, *(rng.uniform(-1e6, 1e6) for _ in range(200))]
    values += (rng.gauss(0, 1) * 10.0 ** rng.randint(-25, 25) for _ in range(200))
    while len(values) < 1000:
        (value,) = struct.unpack("<d", rng.randbytes(8))
        values += [value] if math.isfinite(value) else []
    with psycopg.connect(each_postgres_url) as connection:
        connection.execute("CREATE SCHEMA exact_floats; SET search_path = exact_floats")
        for text in EXACT:
            connection.execute(text)
        found = connection.execute(
            "SELECT x, stepping_exact(x)::text, stepping_nearest(stepping_exact(x), '')"
            " FROM unnest(%s::float8[]) AS x",
            [[*values, *(-value for value in values)]],
        ).fetchall()
        connection.rollback()
    assert all(Fraction(text) == Fraction(x) and near == x for x, text, near in found)
