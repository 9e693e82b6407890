"""Plans and SQL as files, to be read in a diff: ``pytest --update-golden`` writes them.

``tests/golden/<case>/`` has the query, its operators with their delta rules, and what `explain`
says on each database; every SQL file is also run.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import stepping as st
from stepping import Index, Pair, ZSet, agg
from stepping.compiler.ir.text import query_text
from stepping.compiler.pipeline import Query
from stepping.dialects.sqlite.functions import register

Golden = Callable[[str, str], None]
FOLDER = Path(__file__).parent.parent / "golden"
CASES = sorted(path.parent.name for path in FOLDER.glob("*/query.py"))


def graph_of(case: str) -> Query[Any]:
    module = importlib.import_module(f"tests.golden.{case}.query")
    graph: Query[Any] = st.compile(getattr(module, case))
    return graph


@pytest.mark.parametrize("case", CASES)
def test_plan(case: str, golden: Golden) -> None:
    graph = graph_of(case)
    golden(f"{case}/plan.txt", query_text(graph.outputs, graph.caches.items()))


@pytest.mark.parametrize("case", CASES)
def test_sqlite(case: str, golden: Golden) -> None:
    sql = str(st.explain(graph_of(case), "sqlite"))
    golden(f"{case}/sqlite.sql", sql)
    with st.connection_sqlite(":memory:") as connection:
        register(connection)
        connection.executescript(sql)


@pytest.mark.parametrize("case", CASES)
def test_postgres(case: str, golden: Golden, postgres_db: str) -> None:
    sql = str(st.explain(graph_of(case), "postgres"))
    golden(f"{case}/postgres.sql", sql)
    with st.connection_postgres(postgres_db) as connection:
        connection.execute(sql.encode())


# ------------------------------------------------------------------------------------ delta rules


class Row(st.Data):
    k: int
    t: str | None


class Stats(st.Data):
    n: int
    low: str | None
    kinds: int


Rows = ZSet[Row]
by_k = Index.pick(Row, lambda r: r.k)
by_t = Index.pick(Row, lambda r: r.t)


def many(row: Row) -> frozenset[int]:
    return frozenset(range(row.k))


def stats(a: Rows) -> Any:
    return st.aggregate(
        a,
        by=by_k,
        into=Stats,
        n=agg.count(),
        low=agg.min(lambda r: r.t),
        kinds=agg.count_distinct(lambda r: r.t),
    )


def reached(a: Rows, b: Rows) -> Rows:
    return st.fixpoint(
        a, lambda y: st.map(st.join(y, b, on_left=by_t, on_right=by_t), f=lambda p: p.right)
    )


def counts_in_groups(a: Rows) -> ZSet[Pair[int, int]]:
    return st.flatten(st.per_group[st.group(a, by=by_k)](lambda g: st.count(g)))


RULES: dict[str, Callable[[Rows, Rows], Any]] = {
    "map": lambda a, b: st.map(a, f=lambda r: r.k + 1),
    "filter": lambda a, b: st.filter(a, f=lambda r: r.t is not None),
    "map_many": lambda a, b: st.map_many(a, f=many),
    "add": lambda a, b: st.add(a, b),
    "neg": lambda a, b: st.neg(a),
    "join": lambda a, b: st.join(a, b, on_left=by_k, on_right=by_k),
    "semi_join": lambda a, b: st.semi_join(a, b, on_left=by_t, on_right=by_t),
    "outer_join": lambda a, b: st.outer_join(a, b, on_left=by_k, on_right=by_k),
    "distinct": lambda a, b: st.distinct(a),
    "intersect": lambda a, b: st.intersect(a, b),
    "except_all": lambda a, b: st.except_all(a, b),
    "count": lambda a, b: st.count(a),
    "group_reduce_flatten": lambda a, b: st.group_reduce_flatten(
        a, by=by_t, zero=int, pick_value=lambda r: r.k
    ),
    "aggregate": lambda a, b: stats(a),
    "first_n": lambda a, b: st.first_n(a, index=by_t, n=2),
    "per_group": lambda a, b: counts_in_groups(a),
    "fixpoint": reached,
    "delay": lambda a, b: st.delay(a),
    "differentiate": lambda a, b: st.differentiate(a),
    "haitch": lambda a, b: st.haitch(st.integrate_delay(a), a),
    "make_scalar": lambda a, b: st.make_scalar(st.count(a), zero=int),
}


def test_delta_rules(golden: Golden) -> None:
    """The rule of every operator on one page: no other shows them together."""
    texts = []
    for name, query in RULES.items():
        query.__annotations__ = {"a": ZSet[Row], "b": ZSet[Row]}
        graph = st.compile(query, name=name)
        texts.append(f"== {name}\n\n{query_text(graph.outputs)}")
    golden("delta_rules.txt", "\n".join(texts))
