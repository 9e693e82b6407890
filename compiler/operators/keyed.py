"""Lifting: an operator on the rows of one group becomes one on rows beside their group's key."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.index import picked
from stepping.compiler.frontend.rows import Pair, pair_of
from stepping.compiler.frontend.tracing import query_error
from stepping.compiler.operators.aggregate import Aggregate, Total
from stepping.compiler.operators.distinct import Distinct
from stepping.compiler.operators.fixpoint import Fixpoint, Itself, recursion
from stepping.compiler.operators.join import Join, null_safe
from stepping.compiler.operators.linear import Add, Filter, Map, Neg
from stepping.compiler.operators.python_rows import IdentityPrint, MapMany
from stepping.compiler.operators.stepwise import Delay, Haitch, Latest
from stepping.compiler.operators.topn import FirstN, Ordered
from stepping.compiler.schema import (
    BOOL,
    Build,
    Column,
    Schema,
    Struct,
    ValueType,
    schema_of,
)
from stepping.compiler.zset import ZSet


@ir.node
class Rows(ir.Operator):
    """Stands for the rows of one group while a function of `per_group` is traced."""

    serial: int
    type: ValueType

    linear = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return ()

    @cached_property
    def schema(self) -> Schema:
        return schema_of(self.type)

    @property
    def flow(self) -> ir.Flow:
        return ir.Flow.CHANGE

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        raise query_error(
            "the rows of a group are used outside of their st.per_group",
            "use the argument of the function inside it, and what per_group returns outside",
            at=self.origin,
        )

    def delta(self, at: ir.Reads) -> ir.Relation:
        self.evaluate()
        raise AssertionError


def beside_key(source: ir.Operator, key: ir.RowFunction, at: ir.Source, called: str) -> ir.Operator:
    """Each row beside its key: ``Pair[row, key]``."""
    own = tuple(scalar for _, scalar in ir.references(source.schema.columns))
    scalars = None if key.scalars is None else (*own, *key.scalars)
    key_of = key.call
    function = ir.RowFunction(
        pair_of(source.schema.type, key.type),
        scalars,
        python="" if scalars else f"beside its key: {key.python}",
        reason=key.reason,
        source=key.source,
        fault=key.fault,
        call=lambda row: Pair(row, key_of(row)),
        name=key.name,
    )
    return Map(source, function, origin=at, called=called)


@dataclasses.dataclass
class Lift:
    """Lifts the operators inside one `per_group`.

    ``keyed`` has the rows of all groups as ``Pair[row, key]``; ``groups`` has rows for the groups
    that exist, beside the same key.
    """

    rows: Rows
    keyed: ir.Operator
    groups: ir.Operator
    at: ir.Source
    done: dict[int, ir.Operator | None] = dataclasses.field(default_factory=dict)
    alive: list[ir.Operator] = dataclasses.field(default_factory=list)

    def lifted(self, operator: ir.Operator) -> ir.Operator | None:
        """The operator over ``Pair[row, key]``, or None if it does not depend on the group."""
        for each in ir.topological(operator):
            if id(each) not in self.done:
                self.done[id(each)] = self.lift(each)
                self.alive.append(each)
        return self.done[id(operator)]

    def lift(self, operator: ir.Operator) -> ir.Operator | None:
        if operator is self.rows:
            return self.keyed
        inputs = [self.done[id(each)] for each in operator.inputs]
        if all(each is None for each in inputs):
            return None
        match operator:
            case Map(source, function):
                return self.map(source, function, operator)
            case Filter(source, function):
                lifted = self.of(source)
                return self.like(operator, source=lifted, function=self.inside(function, source))
            case Add(left, right):
                return self.like(operator, left=self.of(left), right=self.of(right))
            case Neg(source) | Distinct(source):
                return self.like(operator, source=self.of(source))
            case Ordered(source):
                return self.like(operator, source=self.of(source))
            case Join():
                return self.join(operator)
            case Aggregate():
                return self.aggregate(operator)
            case FirstN():
                return self.first(operator)
            case MapMany(source, function):
                return self.map_many(source, function, operator)
            case Fixpoint():
                return self.fixpoint(operator)
            case Latest(source) | Delay(source) | IdentityPrint(source):
                return self.like(operator, source=self.of(source))
            case Haitch(before, change):
                return self.like(operator, before=self.of(before), change=self.of(change))
            case _:
                raise query_error(
                    f"st.{operator.label} cannot stand inside st.per_group",
                    "apply it before grouping, with the group's key as part of the row",
                )

    # -- parts ----------------------------------------------------------------------------------

    @cached_property
    def key_type(self) -> ValueType:
        value_type = self.keyed.schema.type
        assert isinstance(value_type, Struct)
        return dict(value_type.fields)["right"]

    @cached_property
    def existing(self) -> ir.Operator:
        """The keys of the groups that exist: while any row of them has a count other than 0."""
        present = Distinct(self.groups, ir.Rule.PRESENT, origin=self.at, called="per_group")
        keys = Map(present, self.key_of(self.groups), origin=self.at, called="per_group")
        return Distinct(keys, origin=self.at, called="per_group")

    def of(self, operator: ir.Operator) -> ir.Operator:
        """The operator's rows in each group; rows that do not depend on the group are in all."""
        lifted = self.done[id(operator)]
        if lifted is not None:
            return lifted
        one = ir.RowFunction(BOOL, (ir.Const(True, BOOL),), call=lambda row: True, name="one")
        joined = Join(operator, self.existing, one, one, origin=self.at, called="per_group")
        function = picked(joined.schema.type, joined.schema.columns)
        return Map(joined, function, origin=self.at, called="per_group")

    def own(self, lifted: ir.Operator, inner: ir.Operator | Schema) -> tuple[Column, ...]:
        schema = inner if isinstance(inner, Schema) else inner.schema
        return lifted.schema.columns[: len(schema)]

    def key_columns(self, lifted: ir.Operator) -> tuple[Column, ...]:
        return lifted.schema.columns[-len(schema_of(self.key_type)) :]

    def key_of(self, lifted: ir.Operator) -> ir.RowFunction:
        key = picked(self.key_type, self.key_columns(lifted))
        return dataclasses.replace(key, call=lambda pair: pair.right, name="group")

    def inside(self, function: ir.RowFunction, inner: ir.Operator) -> ir.RowFunction:
        """A function of a row as one of the row beside its key."""
        lifted = self.of(inner)
        renamed = {
            column.name: ir.ColumnRef(outer.name, outer.type)
            for column, outer in zip(inner.schema.columns, self.own(lifted, inner), strict=True)
        }
        scalars = None
        if function.scalars is not None:
            scalars = tuple(ir.substitute(scalar, renamed) for scalar in function.scalars)
        call = function.call
        python = f"inside a group: {function.python}" if scalars is None else ""
        return dataclasses.replace(
            function, scalars=scalars, python=python, call=lambda pair: call(pair.left)
        )

    def like(self, operator: Any, **changes: Any) -> ir.Operator:
        found: ir.Operator = dataclasses.replace(operator, **changes)
        return found

    def reshaped(
        self, source: ir.Operator, value_type: ValueType, columns: tuple[Column, ...], call: Any
    ) -> ir.Operator:
        """The same columns as rows of another type."""
        function = dataclasses.replace(picked(value_type, columns), call=call, name="rows")
        return Map(source, function, origin=self.at, called="per_group")

    # -- operators ------------------------------------------------------------------------------

    def map(self, source: ir.Operator, function: ir.RowFunction, operator: Map) -> ir.Operator:
        lifted = self.of(source)
        moved = self.inside(function, source)
        key = [ir.ColumnRef(c.name, c.type) for c in self.key_columns(lifted)]
        scalars = None if moved.scalars is None else (*moved.scalars, *key)
        call = moved.call
        both = dataclasses.replace(
            moved,
            type=pair_of(function.type, self.key_type),
            scalars=scalars,
            call=lambda pair: Pair(call(pair), pair.right),
        )
        return self.like(operator, source=lifted, function=both)

    def map_many(
        self, source: ir.Operator, function: ir.RowFunction, operator: MapMany
    ) -> ir.Operator:
        moved = self.inside(function, source)
        call = moved.call
        both = dataclasses.replace(
            moved, call=lambda pair: [Pair(value, pair.right) for value in call(pair)]
        )
        type_ = pair_of(operator.type, self.key_type)
        return self.like(operator, source=self.of(source), function=both, type=type_)

    def fixpoint(self, fixpoint: Fixpoint) -> ir.Operator:
        """The recursion of all groups at once: a row and its key derive rows with the same key."""
        itself = Itself.of(pair_of(fixpoint.itself.type, self.key_type), self.at)
        self.done[id(fixpoint.itself)] = itself
        seed, body = self.lifted(fixpoint.seed), self.lifted(fixpoint.body)
        if seed is None:
            seed = self.of(fixpoint.seed)
        if body is None:
            body = self.of(fixpoint.body)
        return recursion(seed, body, itself, self.at, fixpoint.label)

    def join(self, join: Join) -> ir.Operator:
        left, right = self.done[id(join.left)], self.done[id(join.right)]
        result = pair_of(join.schema.type, self.key_type)
        on_left, on_right = join.on_left, join.on_right
        if left is not None:
            on_left = self.inside(on_left, join.left)
        if right is not None:
            on_right = self.inside(on_right, join.right)
        if left is not None and right is not None:
            on_left = self.with_group(on_left, left)
            on_right = self.with_group(on_right, right)
        joined = dataclasses.replace(
            join,
            left=left or join.left,
            right=right or join.right,
            on_left=on_left,
            on_right=on_right,
        )
        columns = joined.schema.columns
        width = len(joined.left.schema)
        of_left, of_right = columns[:width], columns[width:]
        own_left = of_left[: len(join.left.schema)]
        own_right = of_right[: len(join.right.schema)]
        key = (of_left if left is not None else of_right)[-len(schema_of(self.key_type)) :]

        def pair(row: Any) -> Any:
            l = row.left.left if left is not None else row.left
            r = row.right.left if right is not None else row.right
            return Pair(Pair(l, r), row.left.right if left is not None else row.right.right)

        return self.reshaped(joined, result, (*own_left, *own_right, *key), pair)

    def with_group(self, on: ir.RowFunction, lifted: ir.Operator) -> ir.RowFunction:
        """A join key with the group's in it, where None equals None."""
        group = null_safe(self.key_of(lifted))
        return self.together(on, group)

    def first(self, first: FirstN) -> ir.Operator:
        lifted = self.of(first.source)
        key = self.inside(first.key, first.source)
        by = self.key_of(lifted)
        if first.by is not None:
            by = self.together(self.inside(first.by, first.source), by)
        return self.like(first, source=lifted, key=key, by=by)

    def together(self, inner: ir.RowFunction, outer: ir.RowFunction) -> ir.RowFunction:
        """Two keys as one: a tuple of both."""
        fields = (("0", inner.type), ("1", outer.type))
        scalars = None
        if inner.scalars is not None and outer.scalars is not None:
            scalars = (*inner.scalars, *outer.scalars)
        first, second = inner.call, outer.call
        return dataclasses.replace(
            inner,
            type=Struct(fields, cls=tuple, build=Build.TUPLE),
            scalars=scalars,
            python=f"{inner.python} and the group" if scalars is None else "",
            call=lambda pair: (first(pair), second(pair)),
        )

    def aggregate(self, inner: Aggregate) -> ir.Operator:
        lifted = self.of(inner.source)
        group = self.key_of(lifted)
        by = (
            group if inner.by is None else self.together(self.inside(inner.by, inner.source), group)
        )
        existing: ir.Operator | None = None
        if inner.by is None:
            existing = self.existing
        elif inner.existing is not None:
            both = self.of(inner.existing)
            existing = self.reshaped(
                both, by.type, both.schema.columns, lambda pair: (pair.left, pair.right)
            )
        totals = tuple(
            Total(total.name, self.inside(total.function, inner.source), total.type)
            for total in inner.totals
        )
        result = self.like(
            inner,
            source=lifted,
            by=by,
            totals=totals,
            distincts=tuple(self.distinct_values(each, by) for each in inner.distincts),
            extremes=tuple(self.ordered_values(each, by) for each in inner.extremes),
            existing=existing,
        )
        if inner.by is None:
            return result
        return self.reshaped(
            result,
            pair_of(inner.schema.type, self.key_type),
            result.schema.columns,
            lambda pair: Pair(Pair(pair.left, pair.right[0]), pair.right[1]),
        )

    def distinct_values(self, distinct: ir.Operator, by: ir.RowFunction) -> ir.Operator:
        """``Pair[value, key]`` in each group as ``Pair[value, (key, group)]``."""
        lifted = self.of(distinct)
        value = distinct.schema.type
        if not is_pair(value):
            return lifted
        assert isinstance(value, Struct)
        moved = self.reshaped(
            lifted,
            pair_of(dict(value.fields)["left"], by.type),
            lifted.schema.columns,
            lambda pair: Pair(pair.left.left, (pair.left.right, pair.right)),
        )
        return Distinct(moved, origin=self.at, called="per_group")

    def ordered_values(self, ordered: ir.Operator, by: ir.RowFunction) -> ir.Operator:
        """``Pair[key, value]`` in each group as ``Pair[(key, group), value]``."""
        lifted = self.of(ordered)
        (rows,) = lifted.inputs  # behind its own table: the order is the outer one's
        value = ordered.schema.type
        own, key = self.own(rows, ordered), self.key_columns(rows)
        if is_pair(value):
            assert isinstance(value, Struct)
            *inner_key, last = own
            columns = (*inner_key, *key, last)
            value_type = dict(value.fields)["right"]

            def swapped(pair: Any) -> Any:
                return Pair((pair.left.left, pair.right), pair.left.right)
        else:
            columns = (*key, *own)
            value_type = value

            def swapped(pair: Any) -> Any:
                return Pair(pair.right, pair.left)

        moved = self.reshaped(rows, pair_of(by.type, value_type), columns, swapped)
        return Ordered(moved, origin=self.at, called="per_group")


def is_pair(value_type: ValueType) -> bool:
    return isinstance(value_type, Struct) and value_type.cls is Pair
