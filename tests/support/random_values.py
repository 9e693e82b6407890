"""Random expressions over columns: values, conditions, aggregates and window functions.

Where an order decides what a value is, it is one of all columns that are there: rows that are equal
in it are equal.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

Columns = list[tuple[str, str]]  # how a column is written, and its type


@dataclass
class Values:
    """Makes expressions for a dialect. ``constructs`` counts what it has made."""

    random: random.Random
    dialect: str = "sqlite"
    constructs: Counter[str] = field(default_factory=Counter)

    def pick(self, *some: str) -> str:
        return self.random.choice(some)

    def chance(self, p: float, construct: str = "") -> bool:
        """Whether something happens, which is noted."""
        happens = self.random.random() < p
        if happens and construct:
            self.constructs[construct] += 1
        return happens

    @property
    def on_postgres(self) -> bool:
        return self.dialect == "postgres"

    def column(self, of_type: str, columns: Columns) -> str:
        found = [name for name, t in columns if t == of_type]
        if not found:
            return {"int": "1", "text": "'a'", "num": "0.5"}[of_type]
        return self.random.choice(found)

    # -- values ---------------------------------------------------------------------------------

    def simple_value(self, of_type: str, columns: Columns) -> str:
        column, other = self.column(of_type, columns), self.column(of_type, columns)
        number = self.column("int", columns)
        if of_type == "text":
            made = [
                *(f"{column} || 'z'", f"COALESCE({column}, '-')", f"NULLIF({column}, 'a')"),
                *(f"upper({column})", f"substr({column}, 1, 1)", f"{column} || {other}"),
                *(f"replace({column}, 'a', 'é')", f"CAST({number} AS varchar(9))"),
                f"CASE {number} WHEN 1 THEN {column} WHEN 2 THEN 'two' ELSE {other} END",
            ]
        elif of_type == "num":
            made = [
                *(f"{column} + {number}", f"{column} * 2", f"COALESCE({column}, 0.5)"),
                *(f"-{column}", f"{column} * 0.5"),
            ]
        else:
            text = self.column("text", columns)
            made = [
                *(f"{column} + {other}", f"{column} * 2 - 1", f"COALESCE({column}, {other}, 7)"),
                f"CASE WHEN {self.simple(columns)} THEN {column} ELSE {other} END",
                *(f"-{column}", f"length({text})", f"abs({column} - {other})"),
                *(f"{column} % 2", f"{column} / NULLIF({other}, 0)"),
                f"CASE WHEN {self.simple(columns)} THEN 1 WHEN {self.simple(columns)} THEN 2 END",
            ]
        return self.pick(*made)

    # -- conditions -----------------------------------------------------------------------------

    def simple(self, columns: Columns) -> str:
        a, b = self.column("int", columns), self.column("int", columns)
        t, n = self.column("text", columns), self.column("num", columns)
        comparison = self.pick("=", "<", "<=", ">", "<>")
        some = [
            f"{a} {comparison} {b}",
            f"{a} {comparison} {self.random.randint(0, 3)}",
            *(f"{a} IS NULL", f"{a} IS NOT NULL", f"{t} IS NULL"),
            *(f"{a} IN (1, {self.random.randint(0, 3)})", f"{a} NOT IN (0, {b})"),
            *(f"{a} BETWEEN {b} AND 3", f"{a} NOT BETWEEN 0 AND {b}"),
            f"{t} = {self.pick(chr(39) * 2, repr('a'), repr('B'))}",
            *(f"{t} LIKE 'a%'", f"{t} NOT LIKE '%b'", f"{t} > 'a'"),
            *(f"{a} IS DISTINCT FROM {b}", f"{a} IS NOT DISTINCT FROM {b}"),
            *(f"({a} = {b}) IS NOT TRUE", f"({a} > 1) IS FALSE"),
            f"({a}, {b}) {self.pick('=', '<', '>=')} ({b}, 1)",
            f"{a} + {b} > 2",
        ]
        if n in [name for name, _ in columns]:
            some += [f"{n} > {a}", f"{n} = {a}", f"{n} < 1.5"]
        return self.pick(*some)

    # -- aggregates -----------------------------------------------------------------------------

    def order_of(self, columns: Columns) -> str:
        """An order in which equal rows alone are equal."""
        names = [name for name, _ in columns]
        self.random.shuffle(names)
        words = ["", "", " DESC", " NULLS FIRST", " DESC NULLS LAST", " NULLS LAST"]
        return ", ".join(f"{name}{self.random.choice(words)}" for name in names)

    def total(self, of_type: str, columns: Columns, *, by_group: bool = True) -> str:
        """An aggregate over columns. ``by_group``: also such as are computed anew."""
        if by_group and self.chance(0.15, "aggregate by group"):
            made = self.of_group(of_type, columns)
            if made is not None:
                return made
        if of_type == "text":
            value = self.column("text", columns)
            if self.chance(0.3):
                value = self.simple_value("text", columns)
            return f"{self.pick('min', 'max')}({value})"
        if of_type == "num":
            column = self.column(self.pick("num", "int"), columns)
            made = self.pick("sum", "avg", "min", "max")
            if made in ("min", "max"):
                column = self.column("num", columns)
            distinct = "DISTINCT " if self.chance(0.2, "DISTINCT in an aggregate") else ""
            return f"{made}({distinct}{column}) {self.filtered(columns)}* 1.0"
        column = self.column("int", columns)
        if self.chance(0.3):
            column = self.simple_value("int", columns)
        kind = self.pick("count", "count", "sum", "sum", "min", "max", "all")
        if kind == "all":
            return f"CAST(count(*) {self.filtered(columns)}AS integer)"
        distinct = "DISTINCT " if self.chance(0.25, "DISTINCT in an aggregate") else ""
        return f"CAST({kind}({distinct}{column}) {self.filtered(columns)}AS integer)"

    def filtered(self, columns: Columns) -> str:
        if self.chance(0.25, "FILTER"):
            return f"FILTER (WHERE {self.simple(columns)}) "
        return ""

    def of_group(self, of_type: str, columns: Columns) -> str | None:
        """An aggregate that is computed anew, over all rows of a group."""
        order = self.order_of(columns)
        text, number = self.column("text", columns), self.column("int", columns)
        if not self.on_postgres:
            if of_type == "text":
                return "group_concat('x')"
            return None
        if of_type == "text":
            return self.pick(
                f"string_agg({text}, ',' ORDER BY {order})",
                f"string_agg(DISTINCT {text}, '/' ORDER BY {text})",
                f"CAST(array_agg({number} ORDER BY {order}) AS text)",
                f"CAST(array_agg(DISTINCT {number}) AS text)",
                f"CAST(json_agg({text} ORDER BY {order}) {self.filtered(columns)}AS text)",
                f"CAST(jsonb_object_agg({number}, 1) FILTER (WHERE {number} IS NOT NULL) AS text)",
                f"min({text}) || string_agg({text}, '' ORDER BY {order})",
                f"CAST(percentile_disc(0.5) WITHIN GROUP (ORDER BY {text}) AS varchar(9))",
            )
        if of_type == "int":
            return self.pick(
                f"percentile_disc(0.5) WITHIN GROUP (ORDER BY {number})",
                f"CAST(bit_or({number}) AS integer)",
                f"CAST(bool_or({number} > 1) AS integer)",
                f"CAST(every({number} > 0) {self.filtered(columns)}AS integer)",
                f"mode() WITHIN GROUP (ORDER BY {number} * 0)",
                f"CAST(rank(1) WITHIN GROUP (ORDER BY {number}) AS integer)",
                f"CAST(regr_count({number}, 1) AS integer)",
                f"(array_agg({number} ORDER BY {order}))[1]",
            )
        return self.pick(
            f"round(CAST(stddev({number}) AS numeric), 6)",
            f"round(CAST(var_pop({number}) AS numeric), 6)",
            f"CAST(percentile_cont(0.25) WITHIN GROUP (ORDER BY {number}) AS numeric)",
        )

    # -- windows --------------------------------------------------------------------------------

    def window(self, columns: Columns, name: str = "") -> str:
        """A window function. ``name``: of a window with an order, beside it."""
        self.constructs["window"] += 1
        key, value = self.column("int", columns), self.column("int", columns)
        by = f"PARTITION BY {self.column(self.pick('int', 'text'), columns)} "
        by = by if self.chance(0.7) else ""
        if self.chance(0.2):
            by = f"PARTITION BY {self.simple_value('int', columns)}, {key} "
        whole = self.order_of(columns)
        order = f"ORDER BY {key}{self.pick('', ' DESC', ' NULLS FIRST')}"
        frame = self.pick(
            *("", "", " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"),
            " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
            " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE GROUP",
            " RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING",
        )
        if "1 PRECEDING" in frame and "RANGE" in frame:
            order = f"ORDER BY {key}"
        rows = self.pick(
            *("", " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", " ROWS 2 PRECEDING"),
            " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW",
        )
        over = f"{by}ORDER BY {whole}"
        made = self.pick(
            f"rank() OVER ({by}{order})",
            f"dense_rank() OVER ({by}{order})",
            f"count(*) OVER ({by})",
            f"sum({value}) OVER ({by})",
            f"{self.pick('sum', 'max', 'min', 'count')}({value}) OVER ({by}{order}{frame})",
            f"{self.pick('sum', 'max', 'min', 'count')}({value}) OVER ({over}{rows})",
            f"min({value}) FILTER (WHERE {key} > 0) OVER ({by})",
            f"row_number() OVER ({over})",
            f"ntile({self.random.randint(1, 3)}) OVER ({over})",
            f"{self.pick('lag', 'lead')}({value}) OVER ({over})",
            f"{self.pick('lag', 'lead')}({value}, 2, 9) OVER ({over})",
            f"{self.pick('first_value', 'last_value')}({value}) OVER ({over}{rows})",
            f"nth_value({value}, 2) OVER ({over}{rows})",
            f"sum(count(*)) OVER ({by})" if name == "grouped" else f"count(*) OVER ({by}{order})",
            f"cume_dist() OVER ({by}{order}) * 12",
            f"percent_rank() OVER ({by}{order}) * 12",
        )
        return f"CAST({made} AS integer)"
