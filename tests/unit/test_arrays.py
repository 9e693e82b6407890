"""Columns as arrays on Postgres: every value arrives as it was."""

from __future__ import annotations

import math
from typing import Any

import hypothesis
import psycopg
import pytest
from hypothesis import strategies as hs

from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import Atom, Kind
from stepping.dialects.postgres.arrays import Array, Binary, columns_of, register

HOSTILE = [
    "",
    " ",
    "NULL",
    "null",
    '"',
    "\\",
    '\\"',
    "{}",
    "a,b",
    "{1,2}",
    "'",
    "\n",
    "\t",
    "é",
    "😀",
]
TYPES = {Kind.INT: "bigint[]", Kind.FLOAT: "double precision[]", Kind.TEXT: "text[]"}

texts = hs.one_of(
    hs.sampled_from(HOSTILE),
    hs.text(hs.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
)
values = {
    Kind.INT: hs.integers(-(2**63), 2**63 - 1),
    Kind.FLOAT: hs.floats(allow_nan=False),
    Kind.TEXT: texts,
}


def sent(connection: psycopg.Connection[Any], kind: Kind, given: list[Any]) -> list[Any]:
    (array,) = columns_of([(value,) for value in given], [TableColumn("a", Atom(kind))])
    assert isinstance(array, Array | Binary)
    sql = f"SELECT CAST($1 AS {TYPES[kind]})"
    cursor = psycopg.RawCursor(connection)
    ((found,),) = cursor.execute(sql.encode(), [array], binary=True).fetchall()
    return list(found)


@pytest.mark.parametrize("kind", TYPES)
@hypothesis.given(data=hs.data())
@hypothesis.settings(
    max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_what_is_sent_arrives(postgres_db: str, kind: Kind, data: Any) -> None:
    given = data.draw(
        hs.lists(hs.lists(hs.one_of(values[kind], hs.none()), min_size=1, max_size=6), max_size=3)
    )
    with psycopg.connect(postgres_db) as connection:
        register(connection.adapters)
        for each in given:
            assert repr(sent(connection, kind, each)) == repr(each)


def test_in_another_encoding(postgres_db: str) -> None:
    with psycopg.connect(postgres_db, client_encoding="LATIN1") as connection:
        register(connection.adapters)
        assert sent(connection, Kind.TEXT, ["é", '"', None]) == ["é", '"', None]
        assert sent(connection, Kind.FLOAT, [math.inf, -math.inf, 1e300]) == [
            math.inf,
            -math.inf,
            1e300,
        ]


def test_the_weight_and_other_kinds() -> None:
    columns = [TableColumn("a", Atom(Kind.BOOL)), TableColumn("b", Atom(Kind.INT, nullable=True))]
    first, second, weight = columns_of([(True, None, 1), (False, 5, -1)], columns)
    assert first == [True, False]
    assert (second.values, weight.text) == ((None, 5), "{1,-1}")
    assert [each.text for each in columns_of([(7, 2)], [columns[1]])] == ["{7}", "{2}"]
    (as_it_is,) = columns_of([("a",), ("b",)], [columns[1]])  # of another class: psycopg says it
    assert as_it_is == ["a", "b"]
