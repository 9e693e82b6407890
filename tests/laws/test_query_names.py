"""Queries of one database do not meet, however alike their names: each has its own tables."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as some

import stepping as st
from stepping.compiler.lowering import names
from stepping.compiler.schema import IDENTIFIER_BYTES, query_prefix
from stepping.dialects.sqlite.driver import lowered
from stepping.runtime.occupied import names_of
from tests.laws.test_operators import settings
from tests.support.law import schema

STEMS = (
    *("shop", "select", "last_update", "stepping_queries", "stepping_queue", "1st", "größe", "表"),
    *("c", "a.b", 'a"b', "a'b", "a%b", "a$1", "a;b", "ß" * 31, "q" * 40, "q" * 62, "x" * 200),
)


@some.composite
def alike(draw: some.DrawFn) -> tuple[str, str]:
    """Two names that are nearly the same."""
    name = draw(some.sampled_from(STEMS))
    changed = draw(
        some.sampled_from(
            (
                *(name.upper(), name.title(), name + "_", "_" + name, f"{name} ", name + "1"),
                *(name + "\u0301", name.replace("_", " "), name.replace("_", "__")),
                *(name[:-1] + "?", name + "__c", name + "_c", f"stepping_{name}", f"{name}\t"),
                f"{name}_{query_prefix(name)[-6:]}",
                query_prefix(name.upper()),
            )
        )
    )
    ends = draw(some.sampled_from(("", " eu", "_eu", "__eu", "EU")))
    return (name + ends, changed + ends) if draw(some.booleans()) else (name, changed)


@given(alike(), some.text("ac_ _EU", max_size=60), some.text("ac_ _EU", max_size=60))
def test_tables_of_two_queries_have_two_names(pair: tuple[str, str], one: str, two: str) -> None:
    """Also if they mean the same, so that their digests are the same."""
    if pair[0] == pair[1]:
        return
    parts = [lowered(query_prefix(each)) for each in pair]
    assert parts[0] != parts[1]
    for query, part, role in zip(pair, parts, (one, two), strict=True):
        name = names.table_name(query, role or "rows", "0123456789abcdef")
        assert len(name.encode()) <= IDENTIFIER_BYTES
        assert lowered(name).split("__")[0] == part.split("__")[0] == part


def query_of(name: str, inputs: tuple[str, str], cache: str, field: str) -> tuple[Any, Any]:
    """A query that keeps its first input, and sums of both joined."""
    row: Any = type("Row", (st.Data,), {"__annotations__": {field: int, "n": int}, "n": 0})
    kept = st.Cache[Any](name=cache)
    by = st.Index.pick(row, eval(f"lambda r: (r.{field}, r.n)"))
    found: dict[str, Any] = {"st": st, "by": by, "Row": row, "kept": kept}
    a, b = inputs
    text = (
        f"def query({a}: st.ZSet[Row], {b}: st.ZSet[Row]) -> st.ZSet[st.Pair[Row, Row]]:\n"
        f"    joined = st.join({a}, {b}, on_left=by, on_right=by)\n"
        f"    _ = kept[{a}](lambda z: st.integrate(z))\n"
        "    return joined\n"
    )
    exec(text, found)
    return st.compile(found["query"], name=name), (row, kept, field)


inputs = some.permutations(("shop", "shop_", "Shop", "größe", "c", "last_update", "n", "_1"))
fields = some.sampled_from(("a", "A", "größe", "c", "order", "stepping_n", "x" * 70, "rowid"))
caches = some.sampled_from(("c", "C", "c ", "_c", "x__c", "select", "1", "n" * 70, 'a"', "größe"))


def hold(stores: Any, connection: Any, queries: tuple[str, str], drawn: Any) -> None:
    opened: list[Any] = []
    for name, (labels, cache, field) in zip(queries, drawn, strict=True):
        graph, about = query_of(name, tuple(labels[:2]), cache, field)
        opened.append((stores.from_graph(connection, graph), graph, *about))
    if queries[0] != queries[1]:
        own = [{lowered(each) for each in names_of(store.plan.manifest)} for store, *_ in opened]
        assert not own[0] & own[1]
    for turn, (store, graph, row, _, field) in enumerate(opened):
        one, two = st.actions(store, graph)
        for value in (1, 2):
            one.insert(row(**{field: 10 * turn + value}))
        (joined,) = two.insert(row(**{field: 10 * turn + 1}))
        assert len(joined) == 1
    for turn, (store, _, _, kept, field) in enumerate(opened):
        rows = {getattr(each, field): count for each, count in kept.zset(store).iter()}
        assert rows == {10 * turn + 1: 1, 10 * turn + 2: 1}, store.plan.query
    for store, *_ in opened:
        store.uninstall()


drawn = some.tuples(*[some.tuples(inputs, caches, fields)] * 2)
_plain = (("a", "b"), "c", "k")
_shown = {
    "case": (("Shop", "shop"), (_plain, _plain)),
    "end": (("q" * 60 + "1", "q" * 60 + "2"), (_plain, _plain)),
    "where": (("shop", "shop__x"), ((("a", "b"), "x__c", "k"), _plain)),
    "blank": (("my shop", "my_shop"), (_plain, _plain)),
}


def shown(test: Any) -> Any:
    for queries, given_names in _shown.values():
        test = example(queries, given_names)(test)
    return test


def test_on_sqlite() -> None:
    @shown
    @given(alike().filter(lambda pair: pair[0] != pair[1]), drawn)
    @settings
    def holds(queries: tuple[str, str], given_names: Any) -> None:
        with st.connection_sqlite(":memory:") as connection:
            hold(st.StoreSQLite, connection, queries, given_names)

    holds()


def test_on_postgres(every_postgres: list[tuple[str, str]]) -> None:
    (_, url) = every_postgres[0]

    @shown
    @given(alike().filter(lambda pair: pair[0] != pair[1]), drawn)
    @settings
    def holds(queries: tuple[str, str], given_names: Any) -> None:
        with schema(url) as connection:
            hold(st.StorePostgres, connection, queries, given_names)

    holds()
