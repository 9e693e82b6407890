"""What runs in Python becomes an operator of its own: a map or filter of the change.

Whether a scalar can be spelled exactly is asked of the dialect, so this is done once per dialect.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rows import Pair, pair_of
from stepping.compiler.operators.aggregate import Aggregate
from stepping.compiler.operators.collect import Collect
from stepping.compiler.operators.join import Join
from stepping.compiler.operators.linear import Filter, Map
from stepping.compiler.schema import Build, Column, Struct, ValueType, schema_of

CanSpell = Callable[[ir.Scalar], str | None]


def isolate_python(roots: tuple[ir.Operator, ...], can_spell: CanSpell) -> tuple[ir.Operator, ...]:
    """The same query, with keys and values that cannot be spelled computed by a map in front."""
    replaced: dict[int, ir.Operator] = {}
    for operator in ir.topological(*roots):
        inputs = tuple(replaced[id(each)] for each in operator.inputs)
        same = all(a is b for a, b in zip(inputs, operator.inputs, strict=True))
        moved = operator if same else operator.over(inputs)
        replaced[id(operator)] = isolated(moved, can_spell)
    return tuple(replaced[id(root)] for root in roots)


def isolated(operator: ir.Operator, can_spell: CanSpell) -> ir.Operator:
    match operator:
        case Map():
            function = spelled(operator.function, can_spell)
            return dataclasses.replace(operator, function=function)
        case Filter():
            reason = "its condition has no exact SQL"
            if operator.predicate is not None:
                unsupported_scalars = can_spell(operator.predicate)
                if unsupported_scalars is None:
                    return operator
                reason = unsupported_scalars
            function = in_python(operator.function, operator.function.reason or reason)
            return dataclasses.replace(operator, function=function)
        case Join():
            return isolated_join(operator, can_spell)
        case Aggregate():
            return isolated_group(operator, can_spell)
        case Collect(by=ir.RowFunction() as by) if operator.by_existing:
            key = spelled(by, can_spell)
            rows, key = keyed(operator.rows, key, operator.origin)
            return dataclasses.replace(operator, rows=rows, by=key)
        case ir.Integrate():
            kept = [
                (key, way)
                for key, way in zip(operator.keys, operator.directions, strict=True)
                if spelled(key, can_spell).scalars is not None
            ]
            keys, directions = tuple(k for k, _ in kept), tuple(w for _, w in kept)
            return dataclasses.replace(operator, keys=keys, directions=directions)
        case _:
            return operator


def spelled(function: ir.RowFunction, can_spell: CanSpell) -> ir.RowFunction:
    """The function, as a Python step if the dialect has no exact words for it."""
    if function.scalars is None:
        return function
    for scalar in function.scalars:
        reason = can_spell(scalar)
        if reason is not None:
            return in_python(function, reason)
    return function


def in_python(function: ir.RowFunction, reason: str) -> ir.RowFunction:
    # A function that was translated is identified by what it means, so that it stays the same
    # function on a dialect that has no words for it.
    if function.scalars is None:
        return function
    identity = f"scalars:{ir.digest_of(function.scalars).hex()}"
    return dataclasses.replace(function, scalars=None, python=identity, reason=reason)


def isolated_join(join: Join, can_spell: CanSpell) -> ir.Operator:
    on_left, on_right = spelled(join.on_left, can_spell), spelled(join.on_right, can_spell)
    if on_left.scalars is not None and on_right.scalars is not None:
        return join
    left, left_key = keyed(join.left, on_left, join.origin)
    right, right_key = keyed(join.right, on_right, join.origin)
    joined = dataclasses.replace(join, left=left, right=right, on_left=left_key, on_right=right_key)
    # Back to pairs of the rows themselves.
    wanted: list[Column] = []
    offset = 0
    for given, original in ((left, join.left), (right, join.right)):
        wanted += joined.schema.columns[offset : offset + len(original.schema)]
        offset += len(given.schema)
    scalars = tuple(ir.ColumnRef(column.name, column.type) for column in wanted)
    function = ir.RowFunction(join.schema.type, scalars, name="rows")
    return Map(joined, function, origin=join.origin)


def keyed(
    source: ir.Operator, key: ir.RowFunction, origin: ir.Source | None
) -> tuple[ir.Operator, ir.RowFunction]:
    """Rows with their key beside them, if the key runs in Python; and the key of those."""
    if key.scalars is not None:
        return source, key
    paired = pair_of(source.schema.type, key.type)
    # Whose rows the key is taken from is part of what the step means.
    function = beside(paired, key, lambda row: Pair(row, key.call(row)), "key")
    mapped = Map(source, function, origin=origin)
    columns = mapped.schema.columns[len(source.schema) :]
    return mapped, picked(key, columns)


def picked(key: ir.RowFunction, columns: tuple[Any, ...]) -> ir.RowFunction:
    scalars = tuple(ir.ColumnRef(column.name, column.type) for column in columns)
    return dataclasses.replace(key, scalars=scalars, python="")


def beside(
    paired: ValueType, key: ir.RowFunction, call: Callable[[Any], Any], what: str
) -> ir.RowFunction:
    """A Python step that puts what ``key`` gives beside something."""
    return ir.RowFunction(
        paired,
        None,
        python=f"{what}:{key.python or ir.digest_of(key).hex()}",
        reason=key.reason,
        source=key.source,
        fault=key.fault,
        call=call,
        name=key.name,
    )


def isolated_group(group: Aggregate, can_spell: CanSpell) -> ir.Operator:
    by = None if group.by is None else spelled(group.by, can_spell)
    values = [spelled(total.function, can_spell) for total in group.totals]
    used = [*values, *([] if by is None else [by])]
    slow = next((function for function in used if function.scalars is None), None)
    if slow is None:
        return group
    # The values side by side, then the key: one pass in Python over the change. Where rows that
    # exist are counted, the row comes first, since two of them with equal values may cancel.
    whole = group.by_existing
    types = [group.source.schema.type] * whole + [function.type for function in used]
    fields = tuple((str(i), each) for i, each in enumerate(types))
    together = Struct(fields, cls=tuple, build=Build.TUPLE)
    function = beside(
        together,
        slow,
        lambda row: (*(row,) * whole, *(each.call(row) for each in used)),
        "values and key",
    )
    identity = "; ".join(each.python or ir.digest_of(each).hex() for each in used)
    function = dataclasses.replace(function, python=f"{'row, ' * whole}values and key: {identity}")
    mapped = Map(group.source, function, origin=group.origin, called=group.label)
    columns = iter(mapped.schema.columns[len(group.source.schema) * whole :])
    own = [
        picked(each, tuple(next(columns) for _ in schema_of(each.type).columns)) for each in used
    ]
    totals = tuple(
        dataclasses.replace(total, function=each)
        for total, each in zip(group.totals, own, strict=False)
    )
    key = None if by is None else own[-1]
    return dataclasses.replace(group, source=mapped, by=key, totals=totals)
