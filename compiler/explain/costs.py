"""What one changed row costs, read from the statements themselves.

Each kept table in a FROM is a look-up by the columns that are compared there; a merge is one in
the table that it writes to. How many rows a look-up finds is asked of `FanOuts`, and multiplies
the rows that come behind it. Nothing here is a promise of time: it says how much is read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp

from stepping.compiler.explain.model import ROW, Lookup
from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.statistics import FanOut
from stepping.compiler.plan.tables import Table, TableKind


@dataclass(frozen=True)
class Followed:
    """A table of the application, and the keys that it is looked up by."""

    table: BaseTable
    keys: tuple[tuple[str, ...], ...]
    creates: Callable[[BaseTable, Sequence[str]], str]  # what creates an index

    def lookup(self, compared: tuple[str, ...], fan: FanOut | None, limit: int | None) -> Lookup:
        """A look-up by what is compared; other conditions leave out some of the rows found."""
        key = self.key_of(compared, limit)
        found = self.table.index_by(key)
        if self.table.is_unique(key):
            fan = FanOut(1.0, 1)
        return Lookup(
            str(self.table),
            key,
            None,
            None if fan is None else fan.average,
            None if fan is None else fan.most,
            limit,
            application=True,
            index="" if found is None else found.name,
            create=self.creates(self.table, key)
            if found is None and key and self.table.is_described
            else "",
        )

    def key_of(self, compared: tuple[str, ...], limit: int | None) -> tuple[str, ...]:
        known = [key for key in self.keys if set(key) <= set(compared)]
        # Or the beginning of one is compared, and the first rows are read in the order of the rest.
        begun = [key for key in self.keys if set(compared) == set(key[: len(compared)])]
        begun = begun if limit is not None else []
        return max(known, key=len, default=min(begun, key=len, default=compared))


FanOuts = Callable[[str, tuple[str, ...]], FanOut | None]
Rows = float | None  # None: not known without looking at the data


def told_apart_by(table: Table) -> tuple[str, ...]:
    """What one row of a kept table is looked up by."""
    return table.key if table.kind is TableKind.STATE else (ROW,)


def times(a: Rows, b: Rows) -> Rows:
    return None if a is None or b is None else a * b


def plus(a: Rows, b: Rows) -> Rows:
    return None if a is None or b is None else a + b


@dataclass
class Reading:
    """Reads the statements of one step in order. ``rows`` is what is in each delta table."""

    sqlglot_name: str
    kept: Mapping[str, Table]
    fan_outs: FanOuts
    followed: Mapping[str, Followed] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)
    lookups: list[Lookup] = field(default_factory=list)
    written: Rows = 0.0
    reads: dict[str, None] = field(default_factory=dict)
    writes: dict[str, None] = field(default_factory=dict)
    operator: str = ""

    def statement(self, sql: str, operators: Mapping[str, str] | None = None) -> None:
        """Go through a statement; ``operators`` by the name of a part, of a whole step."""
        tree = sqlglot.parse_one(sql, dialect=self.sqlglot_name)
        self.any(tree, operators or {})

    def any(self, tree: Any, operators: Mapping[str, str]) -> Rows:
        with_ = tree.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            self.operator = operators.get(cte.alias, self.operator)
            if with_.args.get("recursive"):
                self.rows[cte.alias] = None
            found = self.any(cte.this, operators)
            self.rows[cte.alias] = None if with_.args.get("recursive") else found
        match tree:
            case exp.Insert():
                return self.insert(tree, operators)
            case exp.Update() | exp.Delete():
                self.target(tree.this)
                return None
            case exp.Merge():
                return self.merge(tree, operators)
            case exp.Union():
                return plus(self.any(tree.this, operators), self.any(tree.expression, operators))
            case exp.Subquery():
                return self.any(tree.this, operators)
            case exp.Select():
                return self.select(tree, 1.0, operators)
            case _:
                return 1.0

    def target(self, this: Any) -> Table | None:
        table = this.this if isinstance(this, exp.Schema) else this
        kept = self.kept.get(table.name)
        if kept is not None:
            self.writes[kept.name] = None
        return kept

    def insert(self, tree: Any, operators: Mapping[str, str]) -> Rows:
        found = self.any(tree.expression, operators)
        kept = self.target(tree.this)
        if kept is None:
            name = (tree.this.this if isinstance(tree.this, exp.Schema) else tree.this).name
            self.rows[name] = plus(self.rows.get(name, 0.0), found)
            return found
        self.written = plus(self.written, found)
        if tree.args.get("conflict") is not None:
            self.found(Lookup(kept.name, told_apart_by(kept), None, 1.0, 1), found)
        return found

    def merge(self, tree: Any, operators: Mapping[str, str]) -> Rows:
        found = self.any(tree.args["using"], operators)
        kept = self.target(tree.this)
        self.written = plus(self.written, found)
        if kept is not None:
            self.found(Lookup(kept.name, told_apart_by(kept), None, 1.0, 1), found)
        return found

    # -- selects ------------------------------------------------------------------------------

    def select(self, tree: Any, outer: Rows, operators: Mapping[str, str]) -> Rows:
        """The rows of a select that is run ``outer`` times, in all."""
        rows = outer
        limit = limit_of(tree)
        conditions = list(conjuncts(tree))
        from_ = tree.args.get("from_")
        joins = tree.args.get("joins") or ()
        sources = [(from_.this, False)] if from_ is not None else []
        sources += [(join.this, str(join.args.get("side") or "") == "LEFT") for join in joins]
        for position, (source, is_left) in enumerate(sources):
            # What is looked up by this source's rows is no condition on them.
            later = {each.alias_or_name for each, _ in sources[position + 1 :]}
            ready = [each for each in conditions if not later & tables_in(each)]
            found = self.source(source, rows, ready, limit, operators, bool(position))
            rows = rows if is_left and found is not None and found < (rows or 0) else found
        for part in [*tree.expressions, *conditions]:
            for inner in () if is_pick(part) else nested(part):
                if isinstance(inner, exp.Select):
                    self.select(inner, rows, operators)
                else:
                    self.any(inner, operators)
        if limit is not None and rows is not None and outer is not None:
            rows = min(rows, limit * outer)
        elif limit is not None:
            rows = times(outer, float(limit))
        return rows

    def source(
        self,
        source: Any,
        rows: Rows,
        conditions: Sequence[Any],
        limit: int | None,
        operators: Mapping[str, str],
        joined: bool,
    ) -> Rows:
        match source:
            case exp.Lateral() if not isinstance(source.this, exp.Subquery):
                return rows  # a function gives a few for each
            case exp.Lateral():
                inner = source.this.this
                if isinstance(inner, exp.Select):
                    return self.select(inner, rows, operators)
                return times(rows, self.any(inner, operators))
            case exp.Subquery():
                return times(rows, self.any(source.this, operators))
            case exp.Table() if source.name in self.kept:
                return self.kept_table(source, rows, conditions, limit, operators)
            case exp.Table() if self.followed_by(source) is not None:
                return self.base_table(source, rows, conditions, limit)
            case exp.Table() if source.name in self.rows:
                # Two changes of one step are matched by their keys.
                inner_rows = self.rows[source.name]
                return rows if joined and rows is not None else times(rows, inner_rows)
            case _:
                return rows  # the staged arrays, or a function

    def kept_table(
        self,
        source: Any,
        rows: Rows,
        conditions: Sequence[Any],
        limit: int | None,
        operators: Mapping[str, str],
    ) -> Rows:
        table = self.kept[source.name]
        self.reads[table.name] = None
        alias = source.alias or source.name
        for condition in conditions:
            if isinstance(condition, exp.In) and is_rowid(condition.this, alias):
                # Rows that were picked by their place: the list is the look-up.
                query = condition.args["query"]
                return self.select(query.this, rows, operators)
            if isinstance(condition, exp.EQ) and is_rowid(condition.this, alias):
                return rows  # the ids are of a look-up in front of it
        by = compared(conditions, alias, table.names)
        if by and ROW not in by and set(by) >= set(table.names):
            by = (ROW,)
        if table.kind is TableKind.STATE and set(by) == set(table.key):
            by = table.key
        fan = self.fan_out(table, by)
        average = None if fan is None else fan.average
        most = None if fan is None else fan.most
        return self.looked_up(Lookup(table.name, by, None, average, most, limit), rows)

    def followed_by(self, source: Any) -> Followed | None:
        if not source.db and is_named_by_with(source):
            return None
        name = f"{source.db}.{source.name}" if source.db else source.name
        return self.followed.get(name)

    def base_table(
        self, source: Any, rows: Rows, conditions: Sequence[Any], limit: int | None
    ) -> Rows:
        """A table of the application, read where it is."""
        followed = self.followed_by(source)
        assert followed is not None
        names = tuple(column.name for column in followed.table.columns)
        alias = source.alias or source.name
        by = tuple(name for name in compared(conditions, alias, names) if name != ROW)
        fan = self.fan_outs(str(followed.table), followed.key_of(by, limit))
        return self.looked_up(followed.lookup(by, fan, limit), rows)

    def looked_up(self, lookup: Lookup, rows: Rows) -> Rows:
        """Notes a look-up that is made for each of some rows; returns the rows that it finds."""
        self.found(lookup, rows)
        average, limit = lookup.average, lookup.limit
        if limit is not None:
            return times(rows, float(limit) if average is None else min(float(limit), average))
        return times(rows, average)

    def fan_out(self, table: Table, by: tuple[str, ...]) -> FanOut | None:
        if by == (ROW,) or (table.kind is TableKind.STATE and set(by) >= set(table.key)):
            return FanOut(1.0, 1)
        return self.fan_outs(table.name, by)

    def found(self, lookup: Lookup, rows: Rows) -> None:
        self.lookups.append(dataclasses.replace(lookup, times=rows, operator=self.operator))


def conjuncts(tree: Any) -> Iterator[Any]:
    """The conditions of a select, of its WHERE and of its joins."""
    where = tree.args.get("where")
    todo = [where.this] if where is not None else []
    todo += [join.args["on"] for join in tree.args.get("joins") or () if join.args.get("on")]
    yield from conjuncts_of(*todo)


def conjuncts_of(*conditions: Any) -> Iterator[Any]:
    todo = list(conditions)
    while todo:
        each = todo.pop(0)
        if isinstance(each, exp.Paren):
            todo.insert(0, each.this)
        elif isinstance(each, exp.And):
            todo[:0] = [each.this, each.expression]
        else:
            yield each


def tables_in(condition: Any) -> set[str]:
    """The sources whose columns a condition has."""
    return {column.table for column in condition.find_all(exp.Column)}


def compared(conditions: Iterable[Any], alias: str, known: Sequence[str]) -> tuple[str, ...]:
    """The columns of a table, whose names are ``known``, that equal something else."""
    found: dict[str, None] = {}
    for each in conditions:
        sides = equal(each)
        for side, other in (sides, sides[::-1]) if sides else ():
            columns = [c.name for c in side.find_all(exp.Column) if c.table in (alias, "")]
            others = [c for c in other.find_all(exp.Column) if c.table == alias]
            names = [name for name in columns if name in known]
            if not names or others:
                continue
            if len(names) > 1 and len(names) == len(known):
                return (ROW,)
            found.update(dict.fromkeys(names))
            break
    return tuple(found)


def equal(condition: Any) -> tuple[Any, Any] | None:
    """What a condition says is equal; ``a = b OR (a IS NULL AND b IS NULL)`` says it too."""
    match condition:
        case exp.Between() if condition.args["low"] == condition.args["high"]:
            return condition.this, condition.args["low"]
        case exp.EQ() | exp.NullSafeEQ():
            return condition.this, condition.expression
        case exp.Paren():
            return equal(condition.this)
        case exp.Or(args={"this": exp.EQ() as both, "expression": other}):
            nulls = list(conjuncts_of(other))
            is_null = [
                n.this
                for n in nulls
                if isinstance(n, exp.Is) and isinstance(n.expression, exp.Null)
            ]
            sides = (both.this, both.expression)
            return sides if len(nulls) == 2 and all(side in is_null for side in sides) else None
        case _:
            return None


def limit_of(tree: Any) -> int | None:
    limit = tree.args.get("limit")
    literal = None if limit is None else limit.expression
    return int(literal.name) if isinstance(literal, exp.Literal) and literal.is_int else None


def nested(part: Any) -> Iterator[Any]:
    """The outermost queries inside of an expression."""
    if isinstance(part, exp.Subquery | exp.Exists):
        yield part.this
    elif isinstance(part, exp.Select | exp.Union):
        yield part
    else:
        for inner in part.iter_expressions():
            yield from nested(inner)


def is_named_by_with(source: Any) -> bool:
    """Whether a source is a part of a WITH around it, and no table."""
    node = source.parent
    while node is not None:
        with_ = node.args.get("with_")
        if with_ is not None and any(cte.alias == source.name for cte in with_.expressions):
            return True
        node = node.parent
    return False


def is_rowid(column: Any, alias: str) -> bool:
    return isinstance(column, exp.Column) and column.name == "rowid" and column.table == alias


def is_pick(condition: Any) -> bool:
    return isinstance(condition, exp.In) and getattr(condition.this, "name", "") == "rowid"


def added_up(lookups: Iterable[Lookup]) -> tuple[Lookup, ...]:
    """One look-up for each way in which a table is looked at, with how often that is in all."""
    found: dict[tuple[object, ...], Lookup] = {}
    for each in lookups:
        key = (each.table, each.by, each.limit)
        known = found.get(key)
        total = each.times if known is None else plus(known.times, each.times)
        found[key] = dataclasses.replace(known or each, times=total)
    return tuple(found.values())


def parts_of(sql: str, sqlglot_name: str) -> dict[str, str]:
    """The text of each part of a WITH by its name, and of what is behind it as ``SELECT``."""
    tree = sqlglot.parse_one(sql, dialect=sqlglot_name)
    with_ = tree.args.get("with_")
    found = {}
    for cte in with_.expressions if with_ is not None else ():
        found[cte.alias] = cte.this.sql(dialect=sqlglot_name, pretty=True)
    tree.set("with_", None)
    found["SELECT"] = tree.sql(dialect=sqlglot_name, pretty=True)
    return found
