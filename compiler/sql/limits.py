"""DISTINCT, ORDER BY with LIMIT and OFFSET, and DISTINCT ON: the first rows of an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.operators.topn import FirstN, Ordered
from stepping.compiler.sql.aggregates import aggregates_in
from stepping.compiler.sql.frames import Frame
from stepping.compiler.sql.images import comparable
from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.rows import FALSE, Named, Rows, key_of, renaming
from stepping.compiler.sql.scopes import Item, Joined
from stepping.compiler.sql.selecting import Result, Selecting


@dataclass(frozen=True)
class SortKey:
    """What rows are ordered by, and how."""

    scalar: ir.Scalar
    descending: bool
    nulls_first: bool


@dataclass
class Limits:
    """Applies the last clauses of a query. ``selects`` makes its scalars."""

    selects: Selecting

    def order_of(self, node: Expression) -> list[Expression]:
        """The terms of an ORDER BY that decides which rows there are."""
        order = node.args.get("order")
        return list(order.expressions) if order is not None and self.decides(node) else []

    def decides(self, node: Expression) -> bool:
        """Whether the order of a SELECT's rows decides which of them there are."""
        distinct = node.args.get("distinct")
        return has_bounds(node) or bool(distinct is not None and distinct.args.get("on"))

    def of_select(
        self,
        node: Expression,
        frame: Frame,
        outputs: Sequence[Named],
        carried: Sequence[Named],
        order: Sequence[Expression],
    ) -> Rows:
        """The outputs and what is carried, of the rows that the last clauses of a SELECT leave."""
        distinct = node.args.get("distinct")
        on = distinct.args.get("on") if distinct is not None else None
        keys = [self.sort_key(each, frame) for each in order]
        width = len(outputs) + len(carried)
        both = [*outputs, *carried]
        if on is not None:
            if not order:
                raise self.selects.error(
                    "DISTINCT ON without ORDER BY takes any row", on, "ORDER BY what decides"
                )
            nodes = on.expressions if isinstance(on, exp.Tuple) else [on]
            groups = [self.selects.scalars.scalar(each, frame) for each in nodes]
            more = [("key", each) for each in (*groups, *(key.scalar for key in keys))]
            rows = frame.rows.named([*both, *more])
            by = rows.columns[len(outputs) : width + len(groups)]
            sorted_by = self.over(keys, rows, width + len(groups))
            rows = rows.placed(self.selects.clauses.at("distinct on", [on]))
            rows = self.first(rows, sorted_by, 1, 0, by)
            rows = rows.project(rows.columns[:width])
            return self.bounded(node, rows, [], rows.columns[len(outputs) :])
        if distinct is not None:
            rows = frame.rows.named(both)
            rows = rows.placed(self.selects.clauses.select(node, "distinct")).once()
            sorted_by = self.of_distinct(keys, outputs, rows, order)
            return self.bounded(node, rows, sorted_by, rows.columns[len(outputs) :])
        if not keys:
            rows = frame.rows.named(both)
            return self.bounded(node, rows, [], rows.columns[len(outputs) :])
        more = [("key", key.scalar) for key in keys]
        rows = frame.rows.named([*both, *more])
        by = rows.columns[len(outputs) : width]
        rows = self.bounded(node, rows, self.over(keys, rows, width), by)
        return rows.project(rows.columns[:width])

    def of_outputs(self, node: Expression, result: Result) -> Result:
        """The rows that ORDER BY, LIMIT and OFFSET leave of the result of other queries."""
        if not has_bounds(node) or (self.has_one_row(node) and self.leaves_one_row(node)):
            return result
        keys = []
        order = node.args.get("order")
        for each in order.expressions if order is not None else ():
            key = each.this
            if isinstance(key, exp.Literal):
                position = int(key.this) - 1
            else:
                position = int(self.selects.bound.refs[id(key)].name)
            keys.append(self.ordered(each, result.outputs[position]))
        rows = self.bounded(node, result.rows, keys, result.carried)
        return replace(result, rows=rows, single=False)

    def of_distinct(
        self,
        keys: Sequence[SortKey],
        outputs: Sequence[Named],
        rows: Rows,
        order: Sequence[Expression],
    ) -> list[SortKey]:
        """What distinct rows are ordered by: outputs of them."""
        found = []
        for key, node in zip(keys, order, strict=True):
            for position, (_, scalar) in enumerate(outputs):
                if scalar == key.scalar:
                    found.append(replace(key, scalar=rows.columns[position]))
                    break
            else:
                raise self.selects.error("with DISTINCT, ORDER BY must be of the select list", node)
        return found

    def over(self, keys: Sequence[SortKey], rows: Rows, at: int) -> list[SortKey]:
        """The keys as columns of rows, from a position on."""
        return [replace(key, scalar=rows.columns[at + i]) for i, key in enumerate(keys)]

    def sort_key(self, node: Expression, frame: Frame) -> SortKey:
        return self.ordered(node, self.selects.scalars.scalar(node.this, frame))

    def ordered(self, node: Expression, scalar: ir.Scalar) -> SortKey:
        descending = bool(node.args.get("desc"))
        nulls_first = node.args.get("nulls_first")
        if nulls_first is None:
            is_postgres = self.selects.database.dialect == "postgres"
            nulls_first = descending if is_postgres else not descending
        return SortKey(scalar, descending, bool(nulls_first))

    def bounded(
        self,
        node: Expression,
        rows: Rows,
        keys: Sequence[SortKey],
        by: Sequence[ir.Scalar],
    ) -> Rows:
        """The rows within LIMIT and OFFSET, of each group."""
        limit, offset = self.number(node, "limit"), self.number(node, "offset") or 0
        if limit is None and not offset:
            return rows
        if self.has_one_row(node):
            return rows if self.leaves_one_row(node) else rows.where(FALSE, "limit")
        if not keys:
            bound = node.args.get("limit") or node.args.get("offset")
            raise self.selects.error(
                "LIMIT without ORDER BY takes any rows", bound, "ORDER BY what decides"
            )
        rows = rows.placed(self.selects.clauses.last(node))
        if limit == 0:
            return rows.where(FALSE, "limit")
        upper = rows if limit is None else self.first(rows, keys, limit + offset, 0, by)
        if limit is not None and takes_ties(node):
            upper = self.tied(rows, upper, keys, by)
        if not offset:
            return upper
        return upper.without(self.first(rows, keys, offset, 0, by), "limit")

    def tied(
        self, rows: Rows, first: Rows, keys: Sequence[SortKey], by: Sequence[ir.Scalar]
    ) -> Rows:
        """The rows that are equal in the order to one of the first: those, and ties of the last."""
        mine = [*comparable(by), *(key.scalar for key in keys)]
        renamed = renaming(rows, first.columns)
        theirs = [ir.substitute(each, renamed) for each in mine]
        some = first.project(theirs, "with ties").distinct(called="with ties")
        return rows.matching(some, mine, null_safe=True, equal=True, called="with ties")

    def has_one_row(self, node: Expression) -> bool:
        """Whether a query has no more than one row, whatever rows its tables have."""
        if isinstance(node, exp.Subquery):
            return self.has_one_row(node.this)
        if not isinstance(node, exp.Select) or node.args.get("group") is not None:
            return False
        bound, known = self.selects.bound, self.selects.database.aggregates
        if node.args.get("having") is not None:
            return True
        values = (each.value for each in bound.outputs[id(node)])
        made = (bound.aliases.get(id(each), each) for each in values if isinstance(each, exp.Expr))
        if any(any(aggregates_in(each, known)) for each in made):
            return True
        return all(map(self.is_one_row, bound.items[id(node)]))

    def leaves_one_row(self, node: Expression) -> bool:
        """Whether the bounds of a query leave the first row."""
        return self.number(node, "limit") != 0 and not self.number(node, "offset")

    def is_one_row(self, item: Item) -> bool:
        if isinstance(item, Joined):
            both = self.is_one_row(item.left) and self.is_one_row(item.right)
            return both and item.side != "FULL"
        return item.query is not None and self.has_one_row(item.query)

    def first(
        self,
        rows: Rows,
        keys: Sequence[SortKey],
        n: int,
        offset: int,
        by: Sequence[ir.Scalar],
    ) -> Rows:
        """The first rows of each group; ties go by the whole row."""
        scalars: list[ir.Scalar] = []
        ascending: list[bool] = []
        for key in keys:
            if key.scalar.type.nullable:
                scalars.append(ir.IsNull(key.scalar))
                ascending.append(not key.nulls_first)
            scalars.append(key.scalar)
            ascending.append(not key.descending)
        ordered = Ordered(rows.operator, origin=rows.at, called="limit")
        group = key_of(comparable(by)) if by else None
        made = FirstN(
            ordered, key_of(scalars), tuple(ascending), n, group, origin=rows.at, called="limit"
        )
        return rows.of(made)

    def number(self, node: Expression, part: str) -> int | None:
        """The number of a LIMIT or OFFSET, None if there is none."""
        found = node.args.get(part)
        if found is None:
            return None
        if isinstance(found, exp.Fetch):
            options = found.args.get("limit_options")
            if options is not None and options.args.get("percent"):
                raise self.selects.error("FETCH with PERCENT is not taken", found)
            value = found.args.get("count")
            if value is None:
                return 1
        else:
            value = found.expression
        if isinstance(value, exp.Null):
            return None
        if not (isinstance(value, exp.Literal) and value.is_int):
            raise self.selects.error(f"{part.upper()} must be a number", found)
        return int(value.this)


def takes_ties(node: Expression) -> bool:
    """Whether a query is of FETCH FIRST ... WITH TIES."""
    options = node.args["limit"].args.get("limit_options") if node.args.get("limit") else None
    return options is not None and bool(options.args.get("with_ties"))


def has_bounds(node: Expression) -> bool:
    return bool(node.args.get("limit") or node.args.get("offset"))
