"""Random SELECTs over the tables r, s and u, which both databases take.

All kinds of joins, conditions in three values, subqueries in any position, groups, sets, CTEs, and
the first rows of an order. Where a SELECT has several right answers it is not made: LIMIT comes
with an ORDER BY of all columns.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

TABLES = {
    "r": {"a": "int", "b": "int", "e": "int", "t": "text"},
    "s": {"a": "int", "b": "int", "d": "int"},
    "u": {"k": "int", "x": "int", "name": "text"},
}
DDL = """
CREATE TABLE r (row_number integer PRIMARY KEY, a integer, b integer, e integer, t varchar(20));
CREATE TABLE s (row_number integer PRIMARY KEY, a integer, b integer, d integer);
CREATE TABLE u (
    row_number integer PRIMARY KEY, k integer NOT NULL, x integer, name varchar(20) NOT NULL
)
"""

Columns = list[tuple[str, str]]  # how a column is written, and its type


@dataclass
class Made:
    """A query and the types of its columns, which are named c0, c1, ..."""

    text: str
    types: list[str]


@dataclass
class Maker:
    """Makes queries from one source of randomness."""

    random: random.Random
    windows: bool = False
    serial: int = 0
    ctes: list[tuple[str, Made]] = field(default_factory=list)

    def pick(self, *some: str) -> str:
        return self.random.choice(some)

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    def alias(self) -> str:
        self.serial += 1
        return f"x{self.serial}"

    # -- queries --------------------------------------------------------------------------------

    def statement(self) -> str:
        self.ctes = []
        with_ = ""
        if self.chance(0.15):
            made = self.select(1, [])
            self.ctes = [("w", made)]
            with_ = f"WITH w AS ({made.text}) "
        return with_ + self.query(2).text

    def query(self, depth: int) -> Made:
        if depth > 0 and self.chance(0.15):
            left = self.select(depth - 1, [])
            right = self.select(depth - 1, [], left.types)
            kind = self.pick("UNION", "UNION ALL", "INTERSECT", "EXCEPT")
            return Made(f"{left.text} {kind} {right.text}", left.types)
        return self.select(depth, [])

    def select(self, depth: int, outer: Columns, types: list[str] | None = None) -> Made:
        source, columns = self.source(depth, outer)
        where = self.where(depth, columns, outer)
        wanted = types or [
            self.pick("int", "int", "text") for _ in range(self.random.randint(1, 3))
        ]
        if self.chance(0.35):
            return self.grouped(depth, source, where, columns, wanted, outer)
        outputs = [self.value(t, columns, depth, outer) for t in wanted]
        if self.windows and self.chance(0.6):
            place = self.random.randrange(len(outputs))
            if wanted[place] == "int":
                outputs[place] = self.window(columns)
        listed = ", ".join(f"{each} AS c{i}" for i, each in enumerate(outputs))
        distinct = "DISTINCT " if self.chance(0.15) else ""
        text = f"SELECT {distinct}{listed} FROM {source}{where}"
        if not outer and self.chance(0.12):
            every = ", ".join(f"{i + 1}" for i in range(len(outputs)))
            text += f" ORDER BY {every} LIMIT {self.random.randint(1, 4)}"
            if self.chance(0.4):
                text += f" OFFSET {self.random.randint(1, 2)}"
            text = f"SELECT * FROM ({text}) AS {self.alias()}"
        return Made(text, wanted)

    def grouped(
        self,
        depth: int,
        source: str,
        where: str,
        columns: Columns,
        wanted: list[str],
        outer: Columns,
    ) -> Made:
        keys = [
            self.column(self.pick("int", "text"), columns) for _ in range(self.random.randint(0, 2))
        ]
        keys = [
            each for each in dict.fromkeys(keys) if not each.startswith("'") and each[0].isalpha()
        ]
        outputs = []
        for each in wanted:
            own = [key for key in keys if self.type_of(key, columns) == each]
            outputs.append(
                self.random.choice(own) if own and self.chance(0.5) else self.total(each, columns)
            )
        listed = ", ".join(f"{each} AS c{i}" for i, each in enumerate(outputs))
        text = f"SELECT {listed} FROM {source}{where}"
        if keys:
            positions = [
                str(outputs.index(key) + 1) if key in outputs and self.chance(0.3) else key
                for key in keys
            ]
            text += f" GROUP BY {', '.join(positions)}"
        if self.chance(0.3) and (keys or not outer):
            text += f" HAVING {self.total('int', columns)} {self.pick('>', '<', '=')} 1"
        elif not keys and self.chance(0.1):
            text += f" LIMIT {self.random.randint(1, 3)}"
        return Made(text, wanted)

    def type_of(self, column: str, columns: Columns) -> str:
        return next((t for name, t in columns if name == column), "int")

    def total(self, of_type: str, columns: Columns) -> str:
        if of_type == "text":
            return f"{self.pick('min', 'max')}({self.column('text', columns)})"
        column = self.column("int", columns)
        made = self.pick(
            "count(*)",
            f"count({column})",
            f"count(DISTINCT {column})",
            f"CAST(sum({column}) AS integer)",
            f"CAST(sum(DISTINCT {column}) AS integer)",
            f"min({column})",
            f"max({column})",
            f"count(*) FILTER (WHERE {column} > 1)",
            f"CAST(sum({column}) FILTER (WHERE {self.column('int', columns)} > 0) AS integer)",
        )
        return f"CAST({made} AS integer)" if made.startswith("count") else made

    def window(self, columns: Columns) -> str:
        by = f"PARTITION BY {self.column('int', columns)} " if self.chance(0.7) else ""
        key, value = self.column("int", columns), self.column("int", columns)
        order = f"ORDER BY {key}"
        frame = self.pick(
            "",
            " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
            " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
            " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE GROUP",
        )
        made = self.pick(
            f"rank() OVER ({by}{order})",
            f"dense_rank() OVER ({by}{order} DESC)",
            f"count(*) OVER ({by})",
            f"sum({value}) OVER ({by}{order}{frame})",
            f"max({value}) OVER ({by}{order}{frame})",
            f"count({value}) OVER ({by}{order}{frame})",
            f"min({value}) FILTER (WHERE {key} > 0) OVER ({by})",
        )
        return f"CAST({made} AS integer)"

    # -- FROM and WHERE -------------------------------------------------------------------------

    def source(self, depth: int, outer: Columns) -> tuple[str, Columns]:
        text, columns = self.item(depth)
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            other, more = self.item(depth)
            kind = self.pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")
            both = shared(columns, more)
            if kind == "CROSS JOIN":
                text += f" CROSS JOIN {other}"
            elif both and self.chance(0.2):
                text += f" {kind} {other} USING ({self.random.choice(both)})"
            else:
                on = f"{self.column('int', columns)} = {self.column('int', more)}"
                if kind != "FULL JOIN" and self.chance(0.3):
                    on += f" AND {self.simple(columns + more)}"
                text += f" {kind} {other} ON {on}"
            columns = columns + more
        return text, columns

    def item(self, depth: int) -> tuple[str, Columns]:
        alias = self.alias()
        if self.ctes and self.chance(0.5):
            name, made = self.ctes[0]
            return f"{name} AS {alias}", [(f"{alias}.c{i}", t) for i, t in enumerate(made.types)]
        if depth > 0 and self.chance(0.2):
            made = self.query(depth - 1)
            columns = [(f"{alias}.c{i}", t) for i, t in enumerate(made.types)]
            return f"({made.text}) AS {alias}", columns
        name = self.random.choice(sorted(TABLES))
        return f"{name} AS {alias}", [(f"{alias}.{c}", t) for c, t in TABLES[name].items()]

    def where(self, depth: int, columns: Columns, outer: Columns) -> str:
        if not outer and self.chance(0.3):
            return ""
        parts = [self.condition(depth, columns, outer)]
        if outer:
            own, theirs = self.column("int", columns), self.column("int", outer)
            comparison = self.pick("=", "=", "=", "<", "<>")
            parts = [f"{own} {comparison} {theirs}", *(parts if self.chance(0.4) else [])]
        return f" WHERE {' AND '.join(parts)}"

    def condition(self, depth: int, columns: Columns, outer: Columns) -> str:
        roll = self.random.random()
        if roll < 0.2:
            word = self.pick("AND", "OR")
            left, right = (self.condition(depth, columns, outer) for _ in range(2))
            return f"({left} {word} {right})"
        if roll < 0.3:
            return f"NOT ({self.condition(depth, columns, outer)})"
        if depth > 0 and roll < 0.55:
            return self.of_query(depth, columns)
        return self.simple(columns)

    def of_query(self, depth: int, columns: Columns) -> str:
        outer = columns if self.chance(0.6) else []
        kind = self.pick("exists", "in", "not in", "scalar")
        if kind == "exists":
            return f"EXISTS ({self.select(depth - 1, outer).text})"
        if kind == "scalar":
            source, own = self.source(0, [])
            where = self.where(0, own, outer)
            made = f"SELECT {self.total('int', own)} FROM {source}{where}"
            return f"{self.column('int', columns)} {self.pick('=', '<', '>=')} ({made})"
        if self.chance(0.2):
            made = self.select(depth - 1, outer, ["int", "int"]).text
            both = f"({self.column('int', columns)}, {self.column('int', columns)})"
            return f"{both} {kind.upper()} ({made})"
        made = self.select(depth - 1, outer, ["int"]).text
        return f"{self.column('int', columns)} {kind.upper()} ({made})"

    def simple(self, columns: Columns) -> str:
        a, b = self.column("int", columns), self.column("int", columns)
        t = self.column("text", columns)
        return self.pick(
            f"{a} {self.pick('=', '<', '<=', '>', '<>')} {b}",
            f"{a} {self.pick('=', '<', '>')} {self.random.randint(0, 3)}",
            f"{a} IS NULL",
            f"{a} IS NOT NULL",
            f"{a} IN (1, {self.random.randint(0, 3)})",
            f"{a} NOT IN (0, 2)",
            f"{a} BETWEEN {b} AND 3",
            f"{t} = {self.pick(chr(39) * 2, repr('a'), repr('B'))}",
            f"{t} LIKE 'a%'",
            f"{a} IS DISTINCT FROM {b}",
        )

    # -- values ---------------------------------------------------------------------------------

    def column(self, of_type: str, columns: Columns) -> str:
        found = [name for name, t in columns if t == of_type]
        if not found:
            return "1" if of_type == "int" else "'a'"
        return self.random.choice(found)

    def value(self, of_type: str, columns: Columns, depth: int, outer: Columns) -> str:
        column = self.column(of_type, columns)
        if self.chance(0.6):
            return column
        if of_type == "text":
            return self.pick(
                f"{column} || 'z'", f"COALESCE({column}, '-')", f"NULLIF({column}, 'a')"
            )
        if depth > 0 and self.chance(0.25):
            source, own = self.source(0, [])
            where = self.where(0, own, columns if self.chance(0.6) else [])
            return f"(SELECT {self.total('int', own)} FROM {source}{where})"
        other = self.column("int", columns)
        return self.pick(
            f"{column} + {other}",
            f"{column} * 2 - 1",
            f"COALESCE({column}, {other}, 7)",
            f"CASE WHEN {self.simple(columns)} THEN {column} ELSE {other} END",
            f"CASE WHEN {self.condition(depth - 1, columns, outer)} THEN 1 END",
            f"-{column}",
        )


def shared(left: Columns, right: Columns) -> list[str]:
    """The names that each side has once, in a table of its own, as USING asks for."""
    names = [name.partition(".")[2] for name, _ in left]
    once = {name for name in names if names.count(name) == 1}
    return sorted(once & {name.partition(".")[2] for name, t in right if t == "int"})
