"""Random SELECTs, in the words of a dialect: of every construct, and mostly what it takes.

All kinds of joins, conditions in three values, subqueries in any position, groups, sets, CTEs,
recursion, windows, and the first rows of an order. Where a SELECT has several right answers it is
not made: LIMIT comes with an ORDER BY of all columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.random_tables import KEYS, TABLES
from tests.support.random_values import Columns, Values

PLACE_OF_A_ROW = re.compile(r"\b(row_number|ntile|lag|lead|\w+_value)\(| ROWS ")


@dataclass
class Made:
    """A query and the types of its columns, which are named c0, c1, ..."""

    text: str
    types: list[str]


@dataclass
class Maker(Values):
    """Makes queries from one source of randomness."""

    serial: int = 0
    ctes: list[tuple[str, Made]] = field(default_factory=list)

    def alias(self) -> str:
        self.serial += 1
        return f"x{self.serial}"

    # -- queries --------------------------------------------------------------------------------

    def statement(self) -> str:
        """A SELECT that reads a table: one of constants is refused."""
        made = self.any_statement()
        while not any(f" {name} AS " in made for name in TABLES):
            made = self.any_statement()
        return made

    def any_statement(self) -> str:
        self.ctes = []
        kind = self.random.random()
        if kind < 0.12:
            return self.with_queries()
        if kind < 0.18:
            return self.recursive()
        return self.query(2).text

    def with_queries(self) -> str:
        self.constructs["CTE"] += 1
        texts = []
        for name in ("w", "z")[: self.random.randint(1, 2)]:
            made = self.query(1)
            self.ctes.append((name, made))
            listed = ", ".join(f"c{i}" for i, _ in enumerate(made.types))
            columns = f"({listed})" if self.chance(0.3) else ""
            how = self.pick("", "", "MATERIALIZED ", "NOT MATERIALIZED ")
            texts.append(f"{name}{columns} AS {how}({made.text})")
        return f"WITH {', '.join(texts)} {self.query(1).text}"

    def recursive(self) -> str:
        self.constructs["WITH RECURSIVE"] += 1
        start = self.select(1, [], ["int", "int"])
        alias, other = self.alias(), self.alias()
        name = self.pick("r", "s", "keyless", "pairs")
        columns = [(f"{other}.{c}", t) for c, t in TABLES[name].items()]
        step = self.pick(
            f"SELECT {alias}.c0, {self.column('int', columns)} FROM w AS {alias} "
            f"JOIN {name} AS {other} ON {self.column('int', columns)} = {alias}.c1",
            f"SELECT {alias}.c0, {alias}.c1 + 1 FROM w AS {alias} WHERE {alias}.c1 < 4",
            f"SELECT {alias}.c1, {alias}.c0 FROM w AS {alias}",
            f"SELECT {alias}.c1, {other}.a FROM {name} AS {other}, w AS {alias} "
            f"WHERE {other}.b = {alias}.c0 AND {self.simple(columns)}",
        )
        self.ctes = [("w", Made("", ["int", "int"]))]
        rest = self.select(1, []).text
        return f"WITH RECURSIVE w(c0, c1) AS ({start.text} UNION {step}) {rest}"

    def query(self, depth: int) -> Made:
        if depth > 0 and self.chance(0.15, "set operation"):
            left = self.select(depth - 1, [])
            right = self.select(depth - 1, [], left.types)
            kinds = ["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]
            if self.on_postgres:
                kinds += ["INTERSECT ALL", "EXCEPT ALL"]
            text = f"{left.text} {self.pick(*kinds)} {right.text}"
            if self.chance(0.2):
                kind = self.pick("UNION", "UNION ALL", "EXCEPT")
                text += f" {kind} {self.select(0, [], left.types).text}"
            if self.chance(0.15, "LIMIT of a set operation"):
                text = self.limited(text, left.types)
            return Made(text, left.types)
        return self.select(depth, [])

    def limited(self, text: str, types: Sequence[str]) -> str:
        """The first rows of a query, in an order of all of its columns, or with ties."""
        words = ["", " DESC", " NULLS LAST", " DESC NULLS FIRST"]
        places = [str(i + 1) for i, _ in enumerate(types)]
        self.random.shuffle(places)
        ties = self.on_postgres and self.chance(0.15, "WITH TIES")
        if ties:
            places = places[:1]
        text += f" ORDER BY {', '.join(p + self.random.choice(words) for p in places)}"
        if ties:
            text += f" FETCH FIRST {self.random.randint(1, 3)} ROWS WITH TIES"
            return f"SELECT * FROM ({text}) AS {self.alias()}"
        limit = f" LIMIT {self.random.randint(1, 4)}"
        offset = f" OFFSET {self.random.randint(1, 2)}"
        roll = self.random.random()
        if roll < 0.1 and self.on_postgres:
            text += f"{offset} ROWS FETCH FIRST 3 ROWS ONLY"
        elif roll < 0.2 and self.on_postgres:
            text += offset
        else:
            text += limit + (offset if roll > 0.6 else "")
        return f"SELECT * FROM ({text}) AS {self.alias()}"

    def select(self, depth: int, outer: Columns, types: list[str] | None = None) -> Made:
        source, columns = self.source(depth, outer)
        where = self.where(depth, columns, outer)
        kinds = ["int", "int", "int", "text", "text", "num"]
        wanted = types or [self.pick(*kinds) for _ in range(self.random.randint(1, 3))]
        if self.chance(0.35, "groups"):
            return self.grouped(depth, source, where, columns, wanted, outer)
        outputs = [self.value(t, columns, depth, outer) for t in wanted]
        places = [i for i, t in enumerate(wanted) if t == "int"]
        by_place: list[str] = []  # those that tell rows apart which are equal in all columns
        for place in places:
            if self.chance(0.2):
                made = self.window(columns)
                while by_place and PLACE_OF_A_ROW.search(made):
                    made = self.window(columns)  # two would do it each in its own way
                by_place += [made] if PLACE_OF_A_ROW.search(made) else []
                outputs[place] = made
        if places and self.chance(0.05, "rows in the select list") and self.on_postgres:
            outputs[places[0]] = f"generate_series(1, {self.column('int', columns)})"
        listed = ", ".join(f"{each} AS c{i}" for i, each in enumerate(outputs))
        is_expanded = "generate_series" in listed
        if self.on_postgres and not (outer or is_expanded) and self.chance(0.06, "DISTINCT ON"):
            key = self.column("int", columns)
            order = f"{key}, {self.order_of(columns)}"
            return Made(
                f"SELECT * FROM (SELECT DISTINCT ON ({key}) {listed} FROM {source}{where} "
                f"ORDER BY {order}) AS {self.alias()}",
                wanted,
            )
        distinct = "DISTINCT " if self.chance(0.15, "DISTINCT") else ""
        text = f"SELECT {distinct}{listed} FROM {source}{where}"
        if not outer and self.chance(0.12, "LIMIT"):
            text = self.limited(text, wanted)
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
        types = dict(columns)
        if self.chance(0.3, "GROUP BY of an expression"):
            made = self.simple_value("int", columns)
            keys.append(made)
            types[made] = "int"
        outputs = []
        for each in wanted:
            own = [key for key in keys if types[key] == each]
            if own and self.chance(0.5):
                outputs.append(self.random.choice(own))
                continue
            made = self.total(each, columns)
            if each == "int" and self.chance(0.15, "value of aggregates"):
                made = f"COALESCE({made}, 0) + {self.total('int', columns)}"
            if each == "int" and self.chance(0.1, "window over groups"):
                made = self.window_of_groups(keys, types, columns)
            outputs.append(made)
        listed = ", ".join(f"{each} AS c{i}" for i, each in enumerate(outputs))
        text = f"SELECT {listed} FROM {source}{where}"
        if keys:
            positions = [
                str(outputs.index(key) + 1) if key in outputs and self.chance(0.3) else key
                for key in keys
            ]
            text += f" GROUP BY {self.grouping(positions, outer)}"
        if self.chance(0.3, "HAVING") and (keys or not outer):
            text += f" HAVING {self.having(depth, keys, types, columns)}"
        elif not keys and self.chance(0.1):
            text += f" LIMIT {self.random.randint(1, 3)}"
            text = text if outer else f"SELECT * FROM ({text}) AS {self.alias()}"
        return Made(text, wanted)

    def window_of_groups(self, keys: Sequence[str], types: dict[str, str], columns: Columns) -> str:
        total = self.total("int", columns, by_group=False)
        order = ", ".join([total, *keys])
        by = f"PARTITION BY {keys[0]} " if keys and self.chance(0.4) else ""
        made = self.pick(
            f"rank() OVER ({by}ORDER BY {total})",
            f"sum({total}) OVER ({by})",
            f"lag({total}) OVER ({by}ORDER BY {order})",
            f"row_number() OVER ({by}ORDER BY {order})",
        )
        return f"CAST({made} AS integer)"

    def grouping(self, keys: list[str], outer: Columns) -> str:
        listed = ", ".join(keys)
        positional = any(key.isdigit() for key in keys)
        if not self.on_postgres or outer or positional or not self.chance(0.25, "GROUPING SETS"):
            return listed
        sets = f"GROUPING SETS (({listed}), ({keys[0]}), ())"
        return self.pick(f"ROLLUP ({listed})", f"CUBE ({listed})", sets)

    def having(
        self, depth: int, keys: Sequence[str], types: dict[str, str], columns: Columns
    ) -> str:
        total = self.total("int", columns, by_group=False)
        comparison = self.pick(">", "<", "=", "<>")
        own = [key for key in keys if types[key] == "int"]
        if depth > 0 and self.chance(0.3, "subquery in HAVING"):
            source, inner = self.source(0, [])
            found = self.total("int", inner, by_group=False)
            # An expression is grouped by, and not the columns in it.
            plain = [key for key in own if key in dict(columns)]
            if plain and self.chance(0.6):
                where = f" WHERE {self.column('int', inner)} {self.pick('=', '<')} {plain[0]}"
                exists = f"EXISTS (SELECT 1 FROM {source}{where})"
                return self.pick(
                    f"{total} {comparison} (SELECT {found} FROM {source}{where})", exists
                )
            return f"{total} {comparison} (SELECT {found} FROM {source})"
        if own and self.chance(0.3):
            return f"({own[0]} > 1 OR {total} {comparison} 2)"
        return f"{total} {comparison} 1"

    # -- FROM and WHERE -------------------------------------------------------------------------

    def source(self, depth: int, outer: Columns) -> tuple[str, Columns]:
        text, columns = self.item(depth)
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 2])):
            if self.chance(0.1, "functions in FROM"):
                made = self.function(text, columns)
                if made is not None:
                    text, columns = made
                    continue
            if self.on_postgres and depth > 0 and self.chance(0.15, "LATERAL"):
                text, columns = self.lateral(text, columns, depth)
                continue
            other, more = self.item(depth)
            if self.chance(0.1, "joins in parentheses"):
                third, most = self.item(0)
                on = f"{self.column('int', more)} = {self.column('int', most)}"
                kind = self.pick("JOIN", "LEFT JOIN", "FULL JOIN")
                other, more = f"({other} {kind} {third} ON {on})", more + most
            kind = self.pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")
            self.constructs[kind] += 1
            both = shared(columns, more)
            if kind == "CROSS JOIN":
                text += f" CROSS JOIN {other}"
            elif both and self.chance(0.2, "USING"):
                text += f" {kind} {other} USING ({self.random.choice(both)})"
            else:
                text += f" {kind} {other} ON {self.on(kind, columns, more, depth)}"
            columns = columns + more
        return text, columns

    def on(self, kind: str, left: Columns, right: Columns, depth: int) -> str:
        comparison = "="
        if kind != "FULL JOIN" and self.chance(0.15, "join by another comparison"):
            comparison = self.pick("<", "<>", "IS NOT DISTINCT FROM", ">=")
        on = f"{self.column('int', left)} {comparison} {self.column('int', right)}"
        if self.chance(0.15):
            on = f"{self.column('text', left)} = {self.column('text', right)}"
        if self.chance(0.3, "further condition of a join"):
            on += f" AND {self.simple(left + right)}"
        elif self.chance(0.1) and kind != "FULL JOIN":
            on = f"({on} OR {self.simple(left + right)})"
        if depth > 0 and kind != "FULL JOIN" and self.chance(0.05, "subquery in ON"):
            on += f" AND {self.of_query(depth, left + right)}"
        return on

    def lateral(self, text: str, columns: Columns, depth: int) -> tuple[str, Columns]:
        alias = self.alias()
        if self.chance(0.5):
            made = self.select(0, columns, ["int"])
        else:
            source, own = self.source(0, [])
            value = self.column("int", own)
            where = self.where(0, own, columns)
            order = f"{value} {self.pick('', 'DESC')}, {self.order_of(own)}"
            made = Made(
                f"SELECT {value} AS c0 FROM {source}{where} ORDER BY {order} LIMIT 2", ["int"]
            )
        join = self.pick("CROSS JOIN LATERAL {}", "LEFT JOIN LATERAL {} ON true", ", LATERAL {}")
        if join.startswith(",") and " JOIN " in text:
            join = "CROSS JOIN LATERAL {}"
        found = join.format(f"({made.text}) AS {alias}")
        return f"{text} {found}", [*columns, (f"{alias}.c0", "int")]

    def function(self, text: str, columns: Columns) -> tuple[str, Columns] | None:
        alias, value = self.alias(), self.column("int", columns)
        if self.on_postgres:
            call = self.pick(
                f"generate_series(0, {value})",
                f"unnest(ARRAY[{value}, {self.column('int', columns)}])",
                f"generate_series({value}, 3)",
            )
            join = self.pick("CROSS JOIN {}", "LEFT JOIN {} ON true", "LEFT JOIN {} ON {}.n > 1")
            call = f"{call} AS {alias}(n)"
            return f"{text} {join.format(call, alias)}", [*columns, (f"{alias}.n", "int")]
        if "RIGHT JOIN" in text or "FULL JOIN" in text:
            return None
        call = f"json_each(json_array({value}, {self.column('int', columns)})) AS {alias}"
        join = self.pick("CROSS JOIN {}", f"LEFT JOIN {{}} ON {alias}.value > 1", "JOIN {}")
        return f"{text} {join.format(call)}", [*columns, (f"{alias}.value", "int")]

    def item(self, depth: int) -> tuple[str, Columns]:
        alias = self.alias()
        if self.ctes and self.chance(0.5):
            name, made = self.random.choice(self.ctes)
            return f"{name} AS {alias}", [(f"{alias}.c{i}", t) for i, t in enumerate(made.types)]
        if depth > 0 and self.chance(0.15, "derived table"):
            made = self.query(depth - 1)
            columns = [(f"{alias}.c{i}", t) for i, t in enumerate(made.types)]
            return f"({made.text}) AS {alias}", columns
        if self.chance(0.03, "VALUES"):
            return f"(SELECT 1 AS c0 UNION ALL VALUES (2), (NULL)) AS {alias}", [
                (f"{alias}.c0", "int")
            ]
        name = self.random.choice(sorted(TABLES))
        columns = [(f"{alias}.{c}", t) for c, t in TABLES[name].items()]
        if KEYS.get(name) == ("row_number",) and self.chance(0.1):
            columns.append((f"{alias}.row_number", "int"))
        return f"{name} AS {alias}", columns

    def where(self, depth: int, columns: Columns, outer: Columns) -> str:
        if not outer and self.chance(0.3):
            return ""
        parts = [self.condition(depth, columns, outer)]
        if outer:
            own, theirs = self.column("int", columns), self.column("int", outer)
            if self.chance(0.15):
                own, theirs = self.column("text", columns), self.column("text", outer)
            comparison = self.pick("=", "=", "=", "<", "<>", "IS NOT DISTINCT FROM")
            parts = [f"{own} {comparison} {theirs}", *(parts if self.chance(0.4) else [])]
            if self.chance(0.1, "condition of outer columns alone"):
                parts.append(self.simple(outer))
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
            return self.of_query(depth, columns + outer if self.chance(0.15) else columns)
        return self.simple(columns)

    def of_query(self, depth: int, columns: Columns) -> str:
        outer = columns if self.chance(0.6) else []
        kinds = ["exists", "in", "not in", "scalar", *(["any"] if self.on_postgres else [])]
        kind = self.pick(*kinds)
        self.constructs[f"{kind} subquery{' correlated' if outer else ''}"] += 1
        if kind == "exists":
            return f"EXISTS ({self.select(depth - 1, outer).text})"
        if kind == "scalar":
            made = self.scalar(columns, outer)
            return f"{self.column('int', columns)} {self.pick('=', '<', '>=')} {made}"
        if kind == "any":
            made = self.select(depth - 1, outer, ["int"]).text
            value = self.column("int", columns)
            return f"{value} {self.pick('=', '<', '<>', '>=')} {self.pick('ANY', 'ALL')} ({made})"
        if self.chance(0.2, "IN of rows"):
            made = self.select(depth - 1, outer, ["int", "int"]).text
            both = f"({self.column('int', columns)}, {self.column('int', columns)})"
            return f"{both} {kind.upper()} ({made})"
        if self.chance(0.2):
            made = self.select(depth - 1, outer, ["text"]).text
            return f"{self.column('text', columns)} {kind.upper()} ({made})"
        made = self.select(depth - 1, outer, ["int"]).text
        return f"{self.column('int', columns)} {kind.upper()} ({made})"

    def scalar(self, columns: Columns, outer: Columns) -> str:
        """A scalar subquery: of an aggregate, or of the first row of an order."""
        source, own = self.source(0, [])
        where = self.where(0, own, outer)
        if self.chance(0.2, "scalar subquery with LIMIT"):
            value = self.column("int", own)
            return f"(SELECT {value} FROM {source}{where} ORDER BY {value} DESC LIMIT 1)"
        total = self.total("int", own)
        if outer and self.chance(0.2, "outer column in the select list of a subquery"):
            total = f"{total} + {self.column('int', outer)}"
        return f"(SELECT {total} FROM {source}{where})"

    # -- values ---------------------------------------------------------------------------------

    def value(self, of_type: str, columns: Columns, depth: int, outer: Columns) -> str:
        if self.chance(0.55):
            return self.column(of_type, columns)
        if depth > 0 and of_type == "int" and self.chance(0.3):
            if self.chance(0.6, "scalar subquery in the select list"):
                return self.scalar(columns, columns if self.chance(0.6) else [])
            self.constructs["condition as a value"] += 1
            return f"CASE WHEN {self.condition(depth, columns, outer)} THEN 1 ELSE 2 END"
        return self.simple_value(of_type, columns)


def shared(left: Columns, right: Columns) -> list[str]:
    """The names that each side has once, in a table of its own, as USING asks for."""
    ours, theirs = ([name.partition(".")[2] for name, _ in side] for side in (left, right))
    numbers = {name.partition(".")[2] for name, t in right if t == "int"}
    return sorted(n for n in numbers if ours.count(n) == 1 and theirs.count(n) == 1)
