"""Collecting: the values of a group's rows, with their counts, as one value."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

from stepping.compiler import ir
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.index import key_names, picked
from stepping.compiler.frontend.rows import Pair, pair_of
from stepping.compiler.operators.aggregate import old_and_new
from stepping.compiler.operators.linear import Map, run
from stepping.compiler.packing import packing_of
from stepping.compiler.schema import (
    BOOL,
    Atom,
    Kind,
    Schema,
    Struct,
    ValueType,
    Weighted,
    free_name,
    required,
    schema_of,
)
from stepping.compiler.zset import ZSet, ZSetPython


def collected_by(
    source: ir.Operator,
    value: ir.RowFunction,
    by: ir.RowFunction | None,
    at: ir.Source,
    called: str,
) -> ir.Operator:
    """The sum of what ``value`` gives, per key as ``Pair[ZSetPython, key]``, or for all rows."""
    items = Items(source, value, ONE if by is None else by, origin=at, called=called)
    collected = Collect(items, always=by is None, origin=at, called=called)
    if by is not None:
        return collected
    column = collected.schema.columns[0]
    only = dataclasses.replace(
        picked(collected.collected, (column,)), call=lambda pair: pair.left, name="values"
    )
    return Map(collected, only, origin=at, called=called)


ONE = ir.RowFunction(BOOL, (ir.Const(True, BOOL),), call=lambda row: True, name="one")


@ir.node
class Items(ir.Operator):
    """The rows of the Z-set that each row gives, beside the row's key; and the key by itself.

    ``Pair[value | None, key]``: the None says that the row's group exists, whatever it gives.
    """

    source: ir.Operator
    value: ir.RowFunction
    by: ir.RowFunction

    linear = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def label(self) -> str:
        return self.called or "collect"

    @cached_property
    def schema(self) -> Schema:
        returned = self.value.type
        assert isinstance(returned, Atom)
        assert isinstance(returned.collected, Weighted)
        return schema_of(pair_of(returned.collected.item.optional(), self.by.type))

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        canonical = python_codec(self.schema.type).canonical
        return ZSetPython(
            (canonical(Pair(value, key)), count * times)
            for row, count in inputs[0].iter()
            for key in [run(self.by, row)]
            for value, times in ((None, 1), *run(self.value, row).iter())
        )

    def delta(self, at: ir.Reads) -> ir.Relation:
        return ir.Computed(self, at.delta(self.source))

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        return (self.value,)


@ir.node
class Collect(ir.Operator):
    """``Pair[ZSetPython of values, key]`` of rows ``Pair[value, key]``; None is left out.

    Kept packed, a row per group. Packing is Python's: of a touched group the old values are read,
    changed and written, which its old and its new row have to hold anyway.
    """

    source: ir.Operator
    always: bool = False  # one group, which is there from the first step on

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def label(self) -> str:
        return self.called or "collect"

    @cached_property
    def sides(self) -> tuple[ValueType, ValueType]:
        pair = self.source.schema.type
        assert isinstance(pair, Struct)
        (_, value), (_, key) = pair.fields
        return value, key

    @property
    def item(self) -> ValueType:
        """The type of a value, without None."""
        return required(self.sides[0])

    @cached_property
    def collected(self) -> Atom:
        return Atom(Kind.PACKED, collected=Weighted(self.item), python=ZSetPython)

    @cached_property
    def schema(self) -> Schema:
        return schema_of(pair_of(self.collected, self.sides[1]))

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        groups: dict[Any, list[tuple[Any, int]]] = {True: []} if self.always else {}
        for pair, count in inputs[0].iter():
            group = groups.setdefault(pair.right, [])
            if pair.left is not None:
                group.append((pair.left, count))
        return ZSetPython((Pair(ZSetPython(rows), key), 1) for key, rows in groups.items())

    def delta(self, at: ir.Reads) -> ir.Relation:
        value_width = len(schema_of(self.sides[0]))
        columns = self.source.schema.columns
        taken = {"n", "n0", "n1"}
        references = tuple(scalar for _, scalar in ir.references(columns))
        items = references[:value_width]
        keys = references[value_width:]
        named = key_names(ir.RowFunction(self.sides[1], keys))
        names = tuple(free_name(name, taken) for name in named)
        collected = ir.Collected(free_name("collected", taken), items, self.collected)
        change: ir.Relation = at.delta(self.source)
        if self.always:
            nothing = (
                *((c.name, ir.Const(None, c.type)) for c in columns[:value_width]),
                (columns[-1].name, ir.Const(True, columns[-1].type)),
            )
            change = ir.Sum((change, ir.Project(ir.Constant(), nothing)))
        groups = ir.Accumulate(
            self,
            (ir.Contribution(change, keys, ()),),
            tuple((n, s.type) for n, s in zip(names, keys, strict=True)),
            (),
            collected=collected,
        )
        return old_and_new(groups, self.schema, (collected,), keyed=True)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return True

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        reason = "values are packed in Python"
        return (ir.RowFunction(self.schema.type, None, python="collect", reason=reason),)

    # -- the step in Python ---------------------------------------------------------------------

    def given(self, columns: tuple[Any, ...]) -> Any:
        """None if the columns are those of no value."""
        value = self.sides[0]
        if isinstance(value, Struct) and value.is_optional:
            return columns[0] or None
        if isinstance(value, Atom) and value.nullable:
            return columns[0]
        return True

    def folded(
        self, n: int | None, old: bytes | None, changes: list[tuple[Any, int]]
    ) -> tuple[Any, ...]:
        """``n0, n1`` and the packed values before and after, from those before and a change."""
        packing = packing_of(self.collected)
        before = ZSetPython() if old is None else packing.unpack(old)
        after = before + ZSetPython(each for each in changes if each[0] is not None)
        total = (n or 0) + sum(count for _, count in changes)
        return n, total, old, packing.pack(after, self.label)
