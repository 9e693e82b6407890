"""Sums of floats of any size: next to the exact sum of the rows that are there, whatever has gone.

On a captured query as well, where folds run in triggers, that no function of ours can be called by.
"""

from __future__ import annotations

import math
import random
import sys
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from stepping import Index, ZSet, ZSetPython, agg
from tests.support.place import Place, postgres_place
from tests.support.type_law import Open


class Reading(st.Data, table="readings"):
    id: int
    meter: str
    value: float


class Given(st.Data):
    id: int
    meter: str
    value: float


class Sums(st.Data):
    total: float
    mean: float


summed = st.Cache[Any]("summed")
SQL = {
    "sqlite": (
        "CREATE TABLE readings (id INTEGER PRIMARY KEY, meter TEXT NOT NULL, value REAL NOT NULL)",
        "INSERT INTO readings VALUES (?, ?, ?)",
        "DELETE FROM readings WHERE id = ?",
    ),
    "postgres": (
        "CREATE TABLE readings (id INTEGER PRIMARY KEY, meter TEXT NOT NULL, "
        "value DOUBLE PRECISION NOT NULL)",
        "INSERT INTO readings VALUES (%s, %s, %s)",
        "DELETE FROM readings WHERE id = %s",
    ),
}
GREATEST = sys.float_info.max


def aggregated(rows: Any, cls: Any) -> Any:
    return st.aggregate(
        rows,
        by=Index.pick(cls, lambda r: r.meter),
        into=Sums,
        total=agg.sum(lambda r: r.value),
        mean=agg.avg(lambda r: r.value),
    )


def given(rows: ZSet[Given]) -> None:
    _ = summed[aggregated(rows, Given)](lambda z: st.integrate(z))


def captured(rows: ZSet[Reading]) -> None:
    _ = summed[aggregated(rows, Reading)](lambda z: st.integrate(z))


def drawn(rng: random.Random, number: int, cls: Any) -> Any:
    value = rng.choice(
        (
            1e16,
            -1e16,
            1.0,
            0.1,
            0.2,
            1e290,
            -1e290,
            1e-300,  # an average of less may be no float, which Postgres refuses
            math.ldexp(rng.uniform(-1, 1), rng.randrange(-900, 970)),
            rng.uniform(-1000, 1000),
        )
    )
    return cls(id=number, meter=rng.choice("ab"), value=value)


def expected(rows: dict[Any, int]) -> dict[str, tuple[float, float, float]]:
    """Per meter the sum, how far it may be off, and the average."""
    sums: dict[str, Fraction] = defaultdict(Fraction)
    sizes: dict[str, Fraction] = defaultdict(Fraction)
    counts: dict[str, int] = Counter()
    for row, n in rows.items():
        sums[row.meter] += Fraction(row.value) * n
        sizes[row.meter] += abs(Fraction(row.value)) * n
        counts[row.meter] += n
    return {
        meter: (
            float(total),
            float(sizes[meter] / 10**15) + 5e-324,
            float(total) / counts[meter],
        )
        for meter, total in sums.items()
    }


def check(found: ZSet[Any], rows: dict[Any, int]) -> None:
    wanted = expected(rows)
    pairs = {pair.right: pair.left for pair, _ in found.iter()}
    assert pairs.keys() == wanted.keys()
    for meter, (total, off, mean) in wanted.items():
        assert abs(pairs[meter].total - total) <= off
        assert abs(pairs[meter].mean - mean) <= off


def hold(rng: random.Random, graph: Any, store: Any, steps: int) -> None:
    held: dict[Any, int] = {}
    for number in range(steps):
        change = {drawn(rng, number, Given): rng.choice((1, 1, 3, 2**31))}
        for row in rng.sample(list(held), min(len(held), rng.randrange(3))):
            change[row] = -held.pop(row)
        for row, n in change.items():
            if n > 0:
                held[row] = n
        st.iteration(store, graph, (ZSetPython(change),))
        check(summed.zset(store), held)
    st.iteration(store, graph, (ZSetPython({row: -n for row, n in held.items()}),))
    assert not len(summed.zset(store))


@pytest.mark.parametrize("seed", range(2))
def test_a_sum_is_that_of_what_is_there(seed: int, opened: Open) -> None:
    graph: Any = st.compile(given, keep={"rows": "all"})
    with opened(graph) as store:
        hold(random.Random(seed), graph, store, 60)


def test_in_python() -> None:
    graph: Any = st.compile(given)
    hold(random.Random(5), graph, st.StorePython.from_graph(graph), 60)


def test_two_floats_are_added_as_python_does(opened: Open) -> None:
    graph: Any = st.compile(given)
    rng = random.Random(3)
    with opened(graph) as store:
        for number in range(40):
            pair = [drawn(rng, i, Given).value for i in range(2)]
            rows = {Given(id=i, meter=str(number), value=x): 1 for i, x in enumerate(pair)}
            (total,) = (
                p.left.total
                for p, n in _changed(store, graph, rows)
                if p.right == str(number) and n > 0
            )
            assert total == pair[0] + pair[1]


def _changed(store: Any, graph: Any, rows: dict[Any, int]) -> Any:
    st.iteration(store, graph, (ZSetPython(rows),))
    return summed.zset(store).iter()


def test_beyond_the_largest_float(opened: Open) -> None:
    graph: Any = st.compile(given)
    large = [Given(id=i, meter="a", value=GREATEST * 0.75) for i in range(2)]
    _refused(graph, st.StorePython.from_graph(graph), large)
    with opened(graph) as store:
        _refused(graph, store, large)


def _refused(graph: Any, store: Any, rows: list[Given]) -> None:
    st.iteration(store, graph, (ZSetPython({rows[0]: 1}),))
    with pytest.raises(st.RowError, match="beyond the largest float for the group"):
        st.iteration(store, graph, (ZSetPython({rows[1]: 1}),))
    check(summed.zset(store), {rows[0]: 1})
    st.iteration(store, graph, (ZSetPython({Given(id=3, meter="a", value=-1e308): 1}),))


def test_captured_on_sqlite(tmp_path: Path) -> None:
    _captured(Place("sqlite", str(tmp_path / "readings.db")))


def test_captured_on_postgres(postgres_db: str) -> None:
    _captured(postgres_place(postgres_db))


def _captured(place: Place) -> None:
    rng = random.Random(11)
    graph: Any = st.compile(captured)
    held: dict[Any, int] = {}
    table, insert, delete = SQL[place.name]
    with place.plain() as writer:
        writer.execute(table)
        for number in range(-5, 0):
            row = drawn(rng, number, Reading)
            held[row] = 1
            writer.execute(insert, (row.id, row.meter, row.value))
        with place.opened(graph) as store:
            for number in range(150):
                row = drawn(rng, number, Reading)
                held[row] = 1
                writer.execute(insert, (row.id, row.meter, row.value))
                for gone in rng.sample(list(held), min(len(held), rng.randrange(3))):
                    del held[gone]
                    writer.execute(delete, (gone.id,))
                if number % 10 == 0:
                    check(summed.zset(store), held)
            check(summed.zset(store), held)
            assert st.verify(store).ok
