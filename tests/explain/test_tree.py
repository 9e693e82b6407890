"""The tree: the developer's own names, one operator per call, what runs in Python and why."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

import pytest

import stepping as st
from stepping.compiler.explain.model import Operator
from tests.explain import queries
from tests.support import shop
from tests.support.queries import CASES


def operators(graph: Any, dialect: str = "sqlite") -> tuple[Operator, ...]:
    return st.explain(graph, dialect).model.operators


def test_operators_have_the_names_of_their_variables() -> None:
    found = {each.title for each in operators(shop.graph)}
    assert found == {
        "users (input)",
        "readings (input)",
        "both = join",
        "sums = group_reduce_flatten",
        "totals = integrate",
        "users = integrate",
    }


def test_a_call_is_one_operator_whatever_it_is_made_of() -> None:
    found = operators(queries.graph)
    by_label = [each.label for each in found]
    assert by_label.count("outer_join") == 1
    assert by_label.count("union") == 1
    assert by_label.count("filter") == 3  # in a loop: each is a call
    outer = next(each for each in found if each.label == "outer_join")
    assert outer.name == "both"
    assert len(outer.nodes) > 3


def test_calls_of_one_helper_are_told_apart() -> None:
    calls = [each for each in operators(queries.graph) if each.function == "by_user"]
    assert [each.name for each in calls] == ["sums", "sums"]
    assert len({each.tables for each in calls}) == 2
    found = st.explain(queries.graph, "sqlite").model
    for each in calls:
        served = {s.operator for step in found.steps for s in step.statements}
        assert each.id in served


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_python_step_has_its_function_its_reason_and_its_place(dialect: str) -> None:
    (loud,) = (each for each in operators(queries.graph, dialect) if each.python)
    (function,) = loud.python
    assert loud.runs == "Python"
    assert loud.name == "loud"
    assert function.name == "shouted"
    assert "html.escape" in function.reason
    line = queries.shouted.__code__.co_firstlineno + 1
    assert function.at.startswith(f"{queries.__file__}:{line}:")
    text = str(st.explain(queries.graph, dialect))
    assert f"Python step: shouted: {function.reason}" in text


def test_everything_stands_in_the_tree() -> None:
    text = st.explain(queries.graph, "sqlite").text
    for each in operators(queries.graph):
        assert f" {each.id}. {each.title}" in text
    assert "-- Nothing is recomputed" in text


# All of them with HYPOTHESIS_PROFILE=long.
SOME = list(CASES)[:: 1 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 6]


@pytest.mark.parametrize("name", SOME)
def test_every_query_is_explained(name: str) -> None:
    """All of it is incremental, and no step scans a kept table."""
    graph = CASES[name].graph
    static = st.explain(graph, "postgres").model
    assert not static.recomputed
    assert not static.scans
    names = {name for each in static.operators for name in each.tables}
    assert names == {table.name for table in static.tables}
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        found = st.explain(st.StoreSQLite.from_graph(connection, graph)).model
    finally:
        connection.close()
    assert not found.scans
    serials = {each.id for each in found.operators}
    assert all(s.operator in serials for step in found.steps for s in step.statements)


def test_the_text_is_sql_whatever_the_names_are() -> None:
    graph = st.compile(queries.by_user, name="a\n; DROP TABLE users; --\"'\x01")
    text = st.explain(graph, "sqlite").text
    connection = sqlite3.connect(":memory:")
    connection.executescript(text)
    connection.close()


def test_an_input_that_is_not_there() -> None:
    with pytest.raises(st.QueryError, match="no input 'user'") as caught:
        st.explain(shop.graph, "sqlite", input="user")
    assert "users, readings" in str(caught.value)


def test_one_input_has_its_statements_only() -> None:
    text = st.explain(shop.graph, "sqlite", input="users").text
    assert "-- When users changes" in text
    assert "-- When readings changes" not in text
    assert "any mix" not in text


def test_a_query_is_one_line() -> None:
    assert repr(shop.graph) == (
        "<Query shop(users: User, readings: Reading) -> Pair[int, text], caches totals, users>"
    )
    assert len(repr(shop.graph.outputs[0])) < 400
