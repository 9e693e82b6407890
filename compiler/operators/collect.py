"""Collecting: the values of a group's rows, with their counts, as one value."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

from stepping.compiler import ir
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.index import key_names, picked
from stepping.compiler.frontend.recursion import column_form, packed_form
from stepping.compiler.frontend.row_calls import caller
from stepping.compiler.frontend.rows import Pair, pair_of
from stepping.compiler.operators.aggregate import before_and_after, old_and_new
from stepping.compiler.operators.linear import Map
from stepping.compiler.packing import packing_of
from stepping.compiler.schema import (
    BOOL,
    Atom,
    Build,
    Kind,
    Missing,
    Schema,
    Struct,
    ValueType,
    Weighted,
    free_name,
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
    collected = Collect(items, source, by, apart=True, origin=at, called=called)
    if by is not None:
        return collected
    column = collected.schema.columns[0]
    only = dataclasses.replace(
        picked(collected.collected, (column,)), call=lambda pair: pair.left, name="values"
    )
    return Map(collected, only, origin=at, called=called)


ONE = ir.RowFunction(BOOL, (ir.Const(True, BOOL),), call=lambda row: True, name="one")


def without_none(kind: ValueType) -> ValueType:
    """The type without None, which is left out of what is collected; `Empty` is not."""
    if isinstance(kind, Struct) and kind.missing is Missing.EMPTY:
        return kind
    return kind.required()


def one_or_none(item: ValueType) -> Struct:
    """``tuple[item] | None``."""
    return Struct((("0", item),), Missing.NONE, cls=tuple, build=Build.TUPLE)


def without_missing(value: ir.RowFunction) -> ir.RowFunction:
    """What a row function gives in a tuple of one, and None where it gives None."""

    def call(row: Any) -> tuple[Any] | None:
        given = value.call(row)
        return None if given is None else (given,)

    there: tuple[ir.Scalar, ...] = (ir.Const(True, BOOL),)
    scalars = value.scalars
    if scalars is not None:
        if isinstance(value.type, Struct) and value.type.missing is Missing.NONE:
            there = ()  # its own flag comes first
        elif isinstance(value.type, Atom) and value.type.nullable:
            there = (ir.Not(ir.IsNull(scalars[0])),)
        scalars = (*there, *scalars)
    python = value.python and f"in a tuple of one: {value.python}"
    kind = one_or_none(without_none(value.type))
    return dataclasses.replace(value, type=kind, scalars=scalars, python=python, call=call)


@ir.node
class Items(ir.Operator):
    """The rows of the Z-set that each row gives, beside the row's key; and the key by itself.

    ``Pair[tuple[value] | None, key]``: the None says that the row's group exists, whatever it
    gives; a value that is None itself is in a tuple.
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
        item = column_form(returned.collected.item)
        return schema_of(pair_of(one_or_none(item), self.by.type))

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        canonical = python_codec(self.schema.type).canonical
        key_of, values_of = caller(self.by), caller(self.value)
        return ZSetPython(
            (canonical(Pair(value, key)), count * times)
            for row, count in inputs[0].iter()
            for key in [key_of(row)]
            for value, times in ((None, 1), *(((v,), n) for v, n in values_of(row).iter()))
        )

    def delta(self, at: ir.Reads) -> ir.Relation:
        return ir.Computed(self, at.delta(self.source))

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        return (self.value,)


@ir.node
class Collect(ir.Operator):
    """``Pair[ZSetPython of values, key]`` of rows ``Pair[tuple[value] | None, key]``.

    Kept packed, a row per group. Packing is Python's: of a touched group the old values are read,
    changed and written, which its old and its new row have to hold anyway. A group is there while a
    row of ``rows`` is, of which ``by`` gives the key; without ``by`` from the first step on.
    """

    source: ir.Operator
    rows: ir.Operator
    by: ir.RowFunction | None
    apart: bool = False  # a row of ``rows`` is None in ``source``, apart from what values it has
    by_existing: bool = False  # count the rows that exist: see rewrites/existence.py

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source, self.rows)

    @property
    def always(self) -> bool:
        return self.by is None

    @property
    def label(self) -> str:
        return self.called or "collect"

    @cached_property
    def sides(self) -> tuple[ValueType, ValueType]:
        pair = self.source.schema.type
        assert isinstance(pair, Struct)
        (_, value), (_, key) = pair.fields
        return value, key

    @cached_property
    def item(self) -> ValueType:
        """The type of a value."""
        given = self.sides[0]
        assert isinstance(given, Struct)
        ((_, value),) = given.fields
        return value

    @cached_property
    def collected(self) -> Atom:
        return Atom(Kind.PACKED, collected=Weighted(packed_form(self.item)))

    @cached_property
    def schema(self) -> Schema:
        return schema_of(pair_of(self.collected, self.sides[1]))

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        groups: dict[Any, list[tuple[Any, int]]] = {True: []}
        if self.by is not None:
            key_of = caller(self.by)
            groups = {key_of(row): [] for row, _ in inputs[1].iter()}
        for pair, count in inputs[0].iter():
            group = groups.setdefault(pair.right, [])
            if pair.left is not None:
                group.append((pair.left[0], count))
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
        if self.by_existing:  # whatever the counts of a group's values add up to, it is there
            change = ir.Filter(change, items[0])
        nothing = tuple((c.name, ir.Const(None, c.type)) for c in columns[:value_width])
        there: ir.Relation | None = None
        if self.by is None:
            one = (columns[-1].name, ir.Const(True, columns[-1].type))
            there = ir.Project(ir.Constant(), (*nothing, one))
        elif self.by_existing:
            assert self.by.scalars is not None
            exist = ir.Threshold(self.rows, at.delta(self.rows), ir.Rule.PRESENT)
            key = zip((c.name for c in columns[value_width:]), self.by.scalars, strict=True)
            there = ir.Project(exist, (*nothing, *key))
        groups = ir.Accumulate(
            self,
            (ir.Contribution(change if there is None else ir.Sum((change, there)), keys, ()),),
            tuple((n, s.type) for n, s in zip(names, keys, strict=True)),
            (),
            collected=collected,
        )
        value = before_and_after(collected.name, collected.type)
        return old_and_new(groups, self.schema, (value,), keyed=True)

    def meaning(self, wanted: frozenset[str]) -> tuple[Any, ...]:
        # The keys are the source's, unless those of rows that exist are looked at.
        existing = ((self.by, self.by_existing),) if self.by_existing else ()
        return (("always", self.always), *(("apart",) if self.apart else ()), *existing)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return True

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        reason = "values are packed in Python"
        return (ir.RowFunction(self.schema.type, None, python="collect", reason=reason),)

    # -- the step in Python ---------------------------------------------------------------------

    def given(self, columns: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """The columns of a value, or None if they are those of no value."""
        return (columns[1:] or (True,)) if columns[0] else None

    def folded(
        self, n: int | None, old: bytes | None, changes: list[tuple[tuple[Any] | None, int]]
    ) -> tuple[Any, ...]:
        """``n0, n1`` and the packed values before and after, from those before and a change."""
        packing = packing_of(self.collected)
        before = ZSetPython() if old is None else packing.unpack(old)
        after = before + ZSetPython((value[0], count) for value, count in changes if value)
        only_none = self.apart or self.by_existing
        total = (n or 0) + sum(count for value, count in changes if not (value and only_none))
        return n, total, old, packing.pack(after, self.label)
