"""The law of types: a value of any type is stored, found again, grouped, ordered and removed."""

from __future__ import annotations

import datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as hs

import stepping as st
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.rows import type_of
from tests.support.row_types import ATOMS, Level, Name, Plain, Typed, value_types
from tests.support.type_law import Open, Row, graph_of, has_columns_of, hold

# ------------------------------------------------------------------------------- without a database


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(hs.data())
def test_equal_values_have_equal_columns(data: hs.DataObject) -> None:
    typed: Typed = data.draw(value_types())
    codec = python_codec(type_of(typed.annotation))
    a, b = data.draw(typed.values), data.draw(typed.values)
    columns = codec.encode(a)
    assert (a == b) == (columns == codec.encode(b))
    form = codec.canonical(a)
    assert form == a
    assert hash(form) == hash(a)
    assert codec.encode(form) == columns
    assert repr(codec.canonical(form)) == repr(form)


# --------------------------------------------------------------------------------------- on stores


@settings(
    max_examples=15,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(hs.data())
def test_any_type_on_every_store(opened: Open, data: hs.DataObject) -> None:
    typed: Typed = data.draw(value_types().filter(has_columns_of))
    hold(opened, typed.annotation, data.draw(hs.lists(typed.values, max_size=6)))


@pytest.mark.parametrize("typed", ATOMS, ids=repr)
@settings(
    max_examples=3,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=hs.data())
def test_each_atom_on_every_store(opened: Open, typed: Typed, data: hs.DataObject) -> None:
    annotation: Any = typed.annotation
    values = typed.values
    optional = data.draw(hs.booleans()) or annotation is st.Empty  # it is no key by itself
    if annotation is not None and optional:
        annotation, values = annotation | None, hs.none() | values
    hold(opened, annotation, data.draw(hs.lists(values, max_size=8)))


def test_a_value_without_fields_is_no_key_of_groups() -> None:
    row = Row[tuple[()]]

    def query(rows: Any) -> Any:
        by = st.Index.pick(row, lambda r: r.value)
        return st.group_reduce_flatten(rows, by=by, zero=int, pick_value=lambda r: r.number)

    query.__annotations__ = {"rows": st.ZSet[row]}
    with pytest.raises(st.QueryError, match="have no fields") as caught:
        st.compile(query)
    assert caught.value.where is not None
    assert "group_reduce_flatten" in (caught.value.source or "")


# ------------------------------------------------------------------------------------------- order

IN_ORDER: list[tuple[Any, list[Any]]] = [
    (int | None, [None, -(2**63), -1, 0, 1, 2**63 - 1]),
    (st.AnyFloat | None, [None, float("-inf"), -1.5, 0.0, 5e-324, 1, float("inf")]),
    (bool | None, [None, False, True]),
    (
        str | None,
        [None, "", "A", "B", "a", "a" * 3000, "a" * 3000 + "b", "é", "\uffff", "\U0001f600"],
    ),
    (bytes | None, [None, b"", b"\0", b"\0" * 5000, b"\0" * 5000 + b"\1", b"a", b"\xff"]),
    (datetime.date, [datetime.date.min, datetime.date(1969, 12, 31), datetime.date.max]),
    (datetime.time, [datetime.time.min, datetime.time(1, 2, 3, 4), datetime.time.max]),
    (UUID, [UUID(int=0), UUID(int=1), UUID(int=2**64), UUID(int=2**128 - 1)]),
    (Level | None, [None, Level.MIDDLE, Level.HIGH, Level.LOW]),
    (Name | None, [None, Name.SECOND, Name.FIRST]),
    (Plain | None, [None, Plain.BLUE, Plain.GREEN, Plain.RED]),  # no order in Python: by name
    (int | st.Empty, [st.EMPTY, 1, 2]),
    (int | None | st.Empty, [st.EMPTY, None, 1]),
    (tuple[int, str | None] | None, [None, (1, None), (1, ""), (2, None)]),
    (tuple[str, ...] | None, [None, (), ("",), ("a",), ("a", "b"), ("b",)]),
]


@pytest.mark.parametrize(("annotation", "values"), IN_ORDER, ids=lambda v: str(v)[:40])
def test_the_order_of_an_index(opened: Open, annotation: Any, values: list[Any]) -> None:
    graph, cache, index = graph_of(annotation)
    rows = [Row(number=i, value=value) for i, value in enumerate(values)]
    with opened(graph) as store:
        st.actions(store, graph)[0].insert(*reversed(rows))
        assert [row for _, row, _ in cache.zset(store).iter_by_index(index)] == rows
        assert [key for key, _, _ in cache.zset(store).iter_by_index(index)] == values
