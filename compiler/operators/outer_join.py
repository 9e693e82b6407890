"""Joins that ask whether there is a match: semi, anti, and the outer joins.

Each is made of the inner join and of *which keys are there*: the distinct keys of the other side.
A row that arrives at a key which is there already changes no key, so that nothing else is looked
at, however many rows share the key.
"""

from __future__ import annotations

from typing import Any, TypeVar

from stepping.compiler import ir
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.index import Index, join_function, picked
from stepping.compiler.frontend.rows import Pair, pair_of
from stepping.compiler.frontend.tracing import operators_of, origin, pointwise
from stepping.compiler.operators.distinct import Distinct
from stepping.compiler.operators.join import Join, check_keys
from stepping.compiler.operators.linear import Add, Filter, Map, Neg
from stepping.compiler.schema import (
    BOOL,
    EMPTY,
    Build,
    Empty,
    Missing,
    Struct,
    ValueType,
    schema_of,
)
from stepping.compiler.zset import ZSet

L = TypeVar("L")
R = TypeVar("R")
K = TypeVar("K")


@pointwise
def semi_join(l: ZSet[L], r: ZSet[R], *, on_left: Index[L, K], on_right: Index[R, K]) -> ZSet[L]:
    """The rows of ``l``, with their counts, that have a match: a row of ``r`` with their key.

    Keeps the left rows and the keys of the right ones; a change of the right side costs something
    only where a key appears or disappears.
    """
    sides = _Sides("semi_join", l, r, on_left, on_right)
    return ir.Traced(sides.with_match())


@pointwise
def anti_join(l: ZSet[L], r: ZSet[R], *, on_left: Index[L, K], on_right: Index[R, K]) -> ZSet[L]:
    """The rows of ``l``, with their counts, that have no match. None matches nothing."""
    sides = _Sides("anti_join", l, r, on_left, on_right)
    return ir.Traced(sides.without_match())


@pointwise
def outer_join(
    l: ZSet[L], r: ZSet[R], *, on_left: Index[L, K], on_right: Index[R, K]
) -> ZSet[Pair[L, R | Empty]]:
    """The inner join, and each left row without a match beside `EMPTY`.

    Keeps both sides, and the keys of the right one.
    """
    sides = _Sides("outer_join", l, r, on_left, on_right)
    return ir.Traced(sides.add(sides.matched(False, True), sides.left_alone(False)))


@pointwise
def right_outer_join(
    l: ZSet[L], r: ZSet[R], *, on_left: Index[L, K], on_right: Index[R, K]
) -> ZSet[Pair[L | Empty, R]]:
    """The inner join, and each right row without a match beside `EMPTY`."""
    sides = _Sides("right_outer_join", l, r, on_left, on_right)
    return ir.Traced(sides.add(sides.matched(True, False), sides.right_alone(False)))


@pointwise
def full_outer_join(
    l: ZSet[L], r: ZSet[R], *, on_left: Index[L, K], on_right: Index[R, K]
) -> ZSet[Pair[L | Empty, R | Empty]]:
    """The inner join, and the rows of either side without a match beside `EMPTY`."""
    sides = _Sides("full_outer_join", l, r, on_left, on_right)
    alone = sides.add(sides.left_alone(True), sides.right_alone(True))
    return ir.Traced(sides.add(sides.matched(True, True), alone))


class _Sides:
    """Both sides of one call, and the parts that the joins are made of."""

    def __init__(
        self,
        name: str,
        l: ZSet[Any],
        r: ZSet[Any],
        on_left: Index[Any, Any],
        on_right: Index[Any, Any],
    ) -> None:
        self.name = name
        self.left, self.right = operators_of(f"st.{name}", l, r)
        check_keys(f"st.{name}", self.left, self.right, on_left, on_right)
        self.on_left = join_function(on_left.function)
        self.on_right = join_function(on_right.function)
        self.origin = origin()

    def with_match(self) -> ir.Operator:
        return self.semi(self.left, self.on_left, self.right, self.on_right)

    def without_match(self) -> ir.Operator:
        return self.minus(self.left, self.with_match())

    def semi(
        self,
        rows: ir.Operator,
        on: ir.RowFunction,
        other: ir.Operator,
        other_on: ir.RowFunction,
    ) -> ir.Operator:
        """Rows whose key some row of the other side has."""
        keys = self.keys(other, other_on)
        itself = picked(keys.schema.type, keys.schema.columns)
        joined = Join(rows, keys, on, itself, origin=self.origin, called=self.name)
        columns = joined.schema.columns[: len(rows.schema)]
        left = ir.RowFunction(
            rows.schema.type,
            tuple(ir.ColumnRef(column.name, column.type) for column in columns),
            call=lambda pair: pair.left,
            name="left",
        )
        return Map(joined, left, origin=self.origin, called=self.name)

    def keys(self, rows: ir.Operator, on: ir.RowFunction) -> ir.Operator:
        """The distinct keys of rows with a positive count, those with a None left out."""
        # Rows first, then keys: rows of both signs that share a key must not cancel. Where no
        # count can be negative a rewrite drops the first.
        positive = Distinct(rows, origin=self.origin, called=self.name)
        keys = Map(positive, on, origin=self.origin, called=self.name)
        some = [
            ir.Not(ir.IsNull(ir.ColumnRef(column.name, column.type)))
            for column in keys.schema.columns
            if column.type.nullable
        ]
        kept: ir.Operator = keys
        if some:
            encode = python_codec(on.type).encode
            condition = ir.RowFunction(
                BOOL, (ir.And(tuple(some)),), call=lambda key: None not in encode(key), name="key"
            )
            kept = Filter(keys, condition, origin=self.origin, called=self.name)
        return Distinct(kept, origin=self.origin, called=self.name)

    def matched(self, left_optional: bool, right_optional: bool) -> ir.Operator:
        joined = Join(
            self.left,
            self.right,
            self.on_left,
            self.on_right,
            origin=self.origin,
            called=self.name,
        )
        width = len(self.left.schema)
        columns = [ir.ColumnRef(c.name, c.type) for c in joined.schema.columns]
        left = [TRUE, *columns[:width]] if left_optional else columns[:width]
        right = [TRUE, *columns[width:]] if right_optional else columns[width:]
        return self.paired(
            joined, left_optional, right_optional, (*left, *right), lambda pair: pair
        )

    def left_alone(self, left_optional: bool) -> ir.Operator:
        rows = self.without_match()
        columns = [ir.ColumnRef(c.name, c.type) for c in rows.schema.columns]
        own = [TRUE, *columns] if left_optional else columns
        scalars = (*own, *missing(self.right.schema.type))
        return self.paired(rows, left_optional, True, scalars, lambda row: Pair(row, EMPTY))

    def right_alone(self, right_optional: bool) -> ir.Operator:
        matched = self.semi(self.right, self.on_right, self.left, self.on_left)
        rows = self.minus(self.right, matched)
        columns = [ir.ColumnRef(c.name, c.type) for c in rows.schema.columns]
        own = [TRUE, *columns] if right_optional else columns
        scalars = (*missing(self.left.schema.type), *own)
        return self.paired(rows, True, right_optional, scalars, lambda row: Pair(EMPTY, row))

    def paired(
        self,
        source: ir.Operator,
        left_optional: bool,
        right_optional: bool,
        scalars: tuple[ir.Scalar, ...],
        call: Any,
    ) -> ir.Operator:
        left, right = self.left.schema.type, self.right.schema.type
        result = pair_of(
            or_empty(left) if left_optional else left,
            or_empty(right) if right_optional else right,
        )
        function = ir.RowFunction(result, scalars, call=call, name="pair")
        return Map(source, function, origin=self.origin, called=self.name)

    def add(self, a: ir.Operator, b: ir.Operator) -> ir.Operator:
        return Add(a, b, origin=self.origin, called=self.name)

    def minus(self, a: ir.Operator, b: ir.Operator) -> ir.Operator:
        taken = Neg(b, origin=self.origin, called=self.name)
        return Difference(a, taken, origin=self.origin, called=self.name)


@ir.node
class Difference(Add):
    """Rows without some of themselves: no count falls below 0 that was not below 0."""

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return inputs[0]


TRUE = ir.Const(True, BOOL)


def or_empty(value_type: ValueType) -> Struct:
    """The type ``T | Empty``."""
    if isinstance(value_type, Struct) and not value_type.is_optional:
        return value_type.optional(Missing.EMPTY)
    one = (("value", value_type),)
    return Struct(one, Missing.EMPTY, cls=None, build=Build.BARE, name=str(value_type))


def missing(value_type: ValueType) -> tuple[ir.Scalar, ...]:
    """The columns of `EMPTY` where a ``T | Empty`` is expected."""
    first, *others = schema_of(or_empty(value_type)).columns
    return (
        ir.Const(False, first.type),
        *(ir.Const(None, column.type) for column in others),
    )
