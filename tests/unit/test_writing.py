"""SQL is laid out for its readers, and means what it meant."""

from __future__ import annotations

import sqlite3
from typing import Any

import hypothesis.strategies as hs
import pytest
from hypothesis import given, settings
from sqlglot import exp, parse_one

from stepping.dialects.natives import spliced
from stepping.dialects.writing import generator

LEAVES = hs.sampled_from(["NULL", "0", "1", "2", "3", "x", "y"])
BINARY = ["+", "-", "*", "=", "<>", "<", ">=", "IS", "IS NOT", "AND", "OR", "||"]


def grown(parts: hs.SearchStrategy[str]) -> hs.SearchStrategy[str]:
    """Expressions with parentheses wherever somebody could have put them."""
    return hs.one_of(
        hs.builds("({} {} {})".format, parts, hs.sampled_from(BINARY), parts),
        hs.builds("(NOT {})".format, parts),
        hs.builds("(NOT ({} IS NULL))".format, parts),
        hs.builds("(-{})".format, parts),
        hs.builds("({} BETWEEN {} AND {})".format, parts, parts, parts),
        hs.builds("({} IN ({}, {}))".format, parts, parts, parts),
        hs.builds("CASE WHEN {} THEN {} ELSE {} END".format, parts, parts, parts),
        hs.builds("COALESCE({}, ({}))".format, parts, parts),
    )


def written(tree: exp.Expr, dialect: str = "sqlite") -> str:
    return str(generator(dialect).generate(tree))


@settings(max_examples=150)
@given(hs.recursive(LEAVES, grown, max_leaves=14))
def test_an_expression_means_what_it_meant(text: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (x, y)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, 2), (None, 0), (3, None), (2, 2)])
    select = f"SELECT {text} AS v, x FROM t WHERE {text} OR x > 0 ORDER BY rowid"  # noqa: S608
    ours = written(parse_one(select, dialect="sqlite"))
    assert connection.execute(ours).fetchall() == connection.execute(select).fetchall(), ours
    connection.close()


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ('SELECT "a"."n" AS "n", ("a"."m" + 1) AS "m" FROM "t" AS "a"', "a.n, a.m + 1 AS m"),
        ('SELECT "order", "Name" FROM t', 'SELECT "order", "Name" FROM t'),
        (
            "SELECT 1 FROM t WHERE ((NOT (a IS NULL)) AND ((b = 1) OR c))",
            "a IS NOT NULL AND (b = 1",
        ),
        ("SELECT 1 FROM t WHERE NOT (a = b)", "WHERE a <> b"),
        ("SELECT a FROM t WHERE a - (b - c) = 1", "a - (b - c) = 1"),
        # Two tables may have the column: ORDER BY speaks of what is selected.
        ("SELECT a.k AS k FROM a CROSS JOIN b ORDER BY k", "a.k AS k"),
        ("SELECT a.k AS k FROM a UNION ALL SELECT b.k AS k FROM b ORDER BY k", "b.k AS k"),
    ],
)
def test_what_is_written(dialect: str, given_text: str, expected: str) -> None:
    assert expected in written(parse_one(given_text, dialect=dialect), dialect)


def test_a_line_break_in_words_of_the_database_is_kept() -> None:
    column: Any = exp.column("a")
    tree = exp.select(spliced(("upper(", " || 'x\n  y')"), [column])).from_("t").subquery("s")
    text = written(exp.select("*").from_(tree).where("b > 1"))
    assert "'x\n  y')" in text


def test_what_does_not_fit_is_laid_out() -> None:
    columns = ", ".join(f"column_{i} + {i} AS sum_{i}" for i in range(8))
    text = written(parse_one(f"SELECT {columns} FROM t WHERE a = 1", dialect="sqlite"))  # noqa: S608
    assert all(len(line) <= 100 for line in text.splitlines())
    assert text.splitlines()[0] == "SELECT"
    assert text.splitlines()[-1] == "WHERE a = 1"
