"""Numbers of rows that are given: floats are finite, and a Range is kept, on every store."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Annotated, Any

import pytest

import stepping as st
from tests.support.type_law import on_sqlite


class Bounded(st.Data):
    plain: float = 0.5
    maybe: float | None = None
    any: st.AnyFloat = 0.5
    percent: Annotated[int, st.Range(0, 100)] = 1
    price: Annotated[Decimal, st.Scale(2), st.Range(0, 10)] = Decimal(1)
    part: Annotated[float, st.Range(0, 1)] = 0.5
    text: Annotated[str, st.Long] = "a"


def query(a: st.ZSet[Bounded]) -> st.ZSet[Bounded]:
    return st.map(a, f=lambda row: row)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"plain": math.inf}, "Bounded.plain: inf is not finite"),
    ({"plain": -math.inf}, "Bounded.plain: -inf is not finite"),
    ({"plain": math.nan}, "Bounded.plain: NaN"),
    ({"maybe": math.inf}, "Bounded.maybe: inf is not finite"),
    ({"any": math.nan}, "Bounded.any: NaN"),
    ({"percent": 101}, "Bounded.percent: 101 is not from 0 to 100"),
    ({"percent": -1}, "Bounded.percent: -1 is not from 0 to 100"),
    ({"price": Decimal("10.01")}, "Bounded.price: 10.01 is not from 0 to 10"),
    ({"part": 1.5}, "Bounded.part: 1.5 is not from 0 to 1"),
]
TAKEN: list[dict[str, Any]] = [
    {},
    {"any": math.inf},
    {"any": -math.inf},
    {"percent": 0},
    {"percent": 100},
    {"part": 0},
    {"part": 1},
    {"plain": 1.7976931348623157e308},
    {"plain": -0.0},
]


@pytest.mark.parametrize("kind", ["python", "sqlite"])
def test_bounds(kind: str) -> None:
    graph = st.compile(query)
    if kind == "python":
        hold(graph, st.StorePython.from_graph(graph))
    else:
        with on_sqlite(graph) as store:
            hold(graph, store)


def hold(graph: Any, store: Any) -> None:
    (rows,) = st.actions(store, graph)
    for values, message in REFUSED:
        with pytest.raises(st.RowError) as caught:
            rows.insert(Bounded(**values))
        assert str(caught.value).startswith(message)
    for values in TAKEN:
        (change,) = rows.insert(Bounded(**values))
        assert dict(change.iter()) == {Bounded(**values): 1}


def test_a_range_is_of_numbers() -> None:
    class Text(st.Data):
        name: Annotated[str, st.Range(0, 1)]

    class Nothing(st.Data):
        n: Annotated[int, st.Range(2, 1)]

    classes: tuple[Any, ...] = (Text, Nothing)
    for cls in classes:

        def of(a: Any) -> Any:
            return a

        zset: Any = st.ZSet
        of.__annotations__ = {"a": zset[cls], "return": zset[cls]}
        with pytest.raises(st.QueryError, match="Range"):
            st.compile(of)
