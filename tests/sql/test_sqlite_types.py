"""Values of every kind in columns of every declared type of SQLite, through shapes of SELECTs.

Any column may have any value: a text in an integer, 1 beside 1.0 where no type is declared, texts
that a collation finds equal. After each random transaction a result is the SELECT's, by values and
their types; of groups it shows one of the equal values that are there.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

import stepping as st
from tests.support.sql_views import Row, SQLite

COLUMNS = {
    "x": "",
    "i": "integer",
    "r": "real",
    "n": "numeric",
    "t": "text",
    "b": "blob",
    "tn": "text COLLATE NOCASE",
    "tr": "text COLLATE RTRIM",
    "f": "numeric(10,2)",
    "d": "date",
}
VALUES: list[Any] = [
    *(None, "", "0", 0, 0.0, -0.0, 1, 1.0, "1", "1.0", b"1", b"", math.inf, -math.inf, 0.1, 1e300),
    *(2**53, 2**53 + 1, 2.0**53, 2**63 - 1, -(2**63), 2.0**63, str(2**53 + 1)),
    *("a", "A", "a ", "b", "x", "2020-01-01"),
]
# Values and their types are those of the SELECT; floats within rounding; only what is equal.
SAME, NEAR, EQUAL = range(3)
# With {} for the column.
SHAPES: dict[str, tuple[str, int]] = {
    "projection": ("SELECT g, {} AS x, typeof({}) AS t FROM e", SAME),
    "computed": (
        "SELECT {} + 0 AS x, {} || '' AS y, -{} AS z, coalesce({}, 1.0) AS v FROM e",
        SAME,
    ),
    "filter": ("SELECT {} AS x FROM e WHERE {} >= 1 OR {} = ''", SAME),
    "left_join": ("SELECT e.{} AS x, o.{} AS y FROM e LEFT JOIN o ON e.{} = o.{}", SAME),
    "join_integers": ("SELECT e.{} AS x, o.i AS y FROM e JOIN o ON e.{} = o.i", SAME),
    "join_texts": ("SELECT e.{} AS x, o.t AS y FROM e LEFT JOIN o ON o.t = e.{}", SAME),
    "join_nocase": ("SELECT e.{} AS x, o.tn AS y FROM e JOIN o ON e.{} = o.tn", SAME),
    "join_anything": ("SELECT e.{} AS x, o.x AS y FROM e LEFT JOIN o ON e.{} = o.x", SAME),
    "join_by_keys": ("SELECT e.row_number, o.h FROM e JOIN o ON e.{} = o.{}", SAME),
    "join_null_safe": ("SELECT e.h, o.h AS y FROM e JOIN o ON e.{} IS o.{}", SAME),
    "using": ("SELECT {} AS x, e.g FROM e JOIN o USING ({})", SAME),
    "union_all": ("SELECT {} AS x FROM e UNION ALL SELECT {} FROM o", SAME),
    "in": ("SELECT {} AS x, {} IN (SELECT {} FROM o) AS y FROM e", SAME),
    "in_texts": ("SELECT {} AS x FROM e WHERE {} IN (SELECT t FROM o)", SAME),
    "in_anything": ("SELECT {} AS x, {} IN (SELECT x FROM o) AS y FROM e", SAME),
    "anything_in": ("SELECT x, x IN (SELECT {} FROM o) AS y FROM e", SAME),
    "not_in": ("SELECT {} AS x FROM e WHERE {} NOT IN (SELECT {} FROM o WHERE {} > 0)", SAME),
    "in_correlated": (
        "SELECT {} AS x FROM e WHERE {} IN (SELECT o.{} FROM o WHERE o.g < e.g)",
        SAME,
    ),
    "anti": ("SELECT {} AS x FROM e WHERE NOT EXISTS (SELECT 1 FROM o WHERE o.{} = e.{})", SAME),
    "exists_less": ("SELECT {} AS x FROM e WHERE EXISTS (SELECT 1 FROM o WHERE o.{} < e.{})", SAME),
    "scalar": ("SELECT {} AS x, (SELECT max(h) FROM o WHERE o.{} = e.{}) AS y FROM e", SAME),
    "scalar_less": ("SELECT {} AS x, (SELECT count(*) FROM o WHERE o.{} < e.{}) AS y FROM e", SAME),
    "image": (
        "SELECT {} AS x, (SELECT count(*) FROM o WHERE typeof(o.{}) < typeof(e.{}) "
        "OR length(o.{}) < length(e.{})) AS y FROM e",
        SAME,
    ),
    "image_shown": (
        "SELECT {} AS x, (SELECT max(quote(e.{}) || o.h) FROM o WHERE o.g < e.g) AS y FROM e",
        SAME,
    ),
    "image_in": (
        "SELECT {} AS x, h IN (SELECT h FROM o WHERE quote(e.{}) <> quote(o.{})) AS y FROM e",
        SAME,
    ),
    "partition": ("SELECT h, count(*) OVER (PARTITION BY {}) AS y FROM e", SAME),
    "rank": ("SELECT h, rank() OVER (ORDER BY {}) AS y FROM e", SAME),
    "lag": (
        "SELECT count(*) FROM (SELECT DISTINCT lag(t) OVER (ORDER BY {}, row_number) FROM e)",
        SAME,
    ),
    "count": ("SELECT g, count({}) AS c, count(DISTINCT {}) AS d FROM e GROUP BY g", SAME),
    "count_all": ("SELECT count(DISTINCT {}) AS c FROM e", SAME),
    "having": ("SELECT g FROM e GROUP BY g HAVING min({}) < max({})", SAME),
    "top": ("SELECT g, {} AS x FROM e ORDER BY g, row_number LIMIT 3", SAME),
    "sum": (
        "SELECT g, sum({}) FILTER (WHERE {} BETWEEN -1e9 AND 1e9) AS s FROM e GROUP BY g",
        NEAR,
    ),
    "total": ("SELECT avg({}) AS a, total({}) AS b FROM e WHERE {} BETWEEN -1e9 AND 1e9", NEAR),
    "sum_distinct": ("SELECT sum(DISTINCT {}) AS s FROM e WHERE {} BETWEEN -1e9 AND 1e9", NEAR),
    "distinct": ("SELECT DISTINCT {} AS x FROM e", EQUAL),
    "group": ("SELECT {} AS x, count(*) AS c, sum(g) AS s FROM e GROUP BY {}", EQUAL),
    "groups": ("SELECT {} AS x, g, count(*) AS c FROM e GROUP BY {}, g", EQUAL),
    "group_computed": ("SELECT {} + 0 AS z, count(*) AS c FROM e GROUP BY 1", EQUAL),
    "union": ("SELECT {} AS x FROM e UNION SELECT {} FROM o", EQUAL),
    "except": ("SELECT {} AS x FROM e EXCEPT SELECT {} FROM o", EQUAL),
    "intersect": ("SELECT {} AS x FROM e INTERSECT SELECT {} FROM o", EQUAL),
    "extremes": ("SELECT g, min({}) AS x, max({}) AS y FROM e GROUP BY g", EQUAL),
    "sorted": ("SELECT {} AS x FROM e ORDER BY {}, row_number LIMIT 3", EQUAL),
}
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
CASES = list(itertools.product(SHAPES, COLUMNS))
SOME = (
    *(("projection", "x"), ("join_anything", "tn"), ("join_by_keys", "tn"), ("in_texts", "tn")),
    *(("anything_in", "i"), ("image", "x"), ("lag", "tn"), ("sum", "t"), ("group", "tn")),
    *(("group_computed", "r"), ("except", "x"), ("count", "x")),
)


def seen(value: Any, mode: int, column: str) -> Any:
    if isinstance(value, float) and value == 0:
        value = 0.0  # SQLite shows no sign of it
    if mode == SAME:
        return type(value).__name__, value
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, str) and mode == EQUAL:
        fold = {"tn": str.lower, "tr": lambda text: text.rstrip(" ")}.get(column, str)
        return "text", fold(value)
    return value


class Case:
    """A SELECT over two tables with the columns that it reads."""

    def __init__(self, shape: str, column: str, seed: int) -> None:
        select, self.mode = SHAPES[shape]
        self.select, self.column = select.replace("{}", column), column
        self.random = random.Random(f"{shape} {column} {seed}")
        self.used = [c for c in COLUMNS if re.search(rf"[.( ]{c}\b", self.select)]
        self.values = self.random.sample(VALUES, self.random.choice([4, 6, 9, len(VALUES)]))
        self.numbers = itertools.count(1)
        self.database = SQLite()
        columns = ", ".join(f"{c} {COLUMNS[c]}" for c in self.used)
        for name in "eo":
            listed = f"row_number integer PRIMARY KEY, g integer, h integer, {columns}"
            self.database.run(f"CREATE TABLE {name} ({listed})")

    def insert(self, name: str) -> None:
        number, rng = next(self.numbers), self.random
        row = (number, rng.choice([None, 1, 2, 3]), rng.randrange(4))
        values = (*row, *(rng.choice(self.values) for _ in self.used))
        listed, places = ", ".join(self.used), ", ".join("?" * len(values))
        text = f"INSERT INTO {name} (row_number, g, h, {listed}) VALUES ({places})"
        self.database.run(text, values)

    def write(self) -> None:
        name = self.random.choice("eeo")
        kind = self.random.choices(("insert", "delete", "update", "several"), (5, 3, 4, 1))[0]
        found = self.database.read(f"SELECT row_number FROM {name}")
        if kind == "insert" or not found:
            self.insert(name)
            return
        (number,) = self.random.choice(sorted(found))
        where = "row_number = ?" if kind != "several" else "row_number % 3 = ? % 3"
        if kind == "delete":
            self.database.run(f"DELETE FROM {name} WHERE {where}", (number,))
        else:
            text = f"UPDATE {name} SET {self.random.choice(self.used)} = ? WHERE {where}"
            self.database.run(text, (self.random.choice(self.values), number))

    def bag(self, rows: list[Row]) -> Counter[Row]:
        return Counter(tuple(seen(each, self.mode, self.column) for each in row) for row in rows)

    def check(self) -> None:
        stored, wanted = (
            self.database.read(f"SELECT * FROM {f}") for f in ("v", f"({self.select})")
        )
        has, wants = self.bag(stored), self.bag(wanted)
        assert has == wants, f"{self.select}\n{has - wants}\nfor\n{wants - has}"
        if self.mode == EQUAL:  # each value that is shown is there
            there = {seen(each, SAME, "") for each in self.there()}
            for row in stored:
                for name, each in zip(self.names(), row, strict=True):
                    assert name not in "xy" or seen(each, SAME, "") in there, (
                        f"{self.select}\n{row}"
                    )

    def there(self) -> Iterator[Any]:
        yield None
        for name in "eo":
            yield from (x for (x,) in self.database.read(f"SELECT {self.column} FROM {name}"))

    def names(self) -> list[str]:
        described = self.database.connection.execute(self.select).description
        return [name for name, *_ in described]


def through(shape: str, column: str, seed: int) -> None:
    case = Case(shape, column, seed)
    for _ in range(8):
        case.insert(case.random.choice("eeo"))
    case.database.store(st.sql(case.select, name="v"))
    for _ in range(7):
        case.database.run("BEGIN")
        for _ in range(case.random.randint(1, 4)):
            case.write()
        case.database.run("COMMIT")
        case.check()
    case.database.connection.close()


@pytest.mark.parametrize(("shape", "column"), CASES if LONG else SOME)
def test_sqlite(shape: str, column: str) -> None:
    """Some of the cases; all of them, and several histories, with HYPOTHESIS_PROFILE=long."""
    for seed in range(4 if LONG else 1):
        through(shape, column, seed)
