"""Grouped sums: a running sum per group, in a table that is keyed by the group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from stepping.compiler import ir
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.index import Index, key_names
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rows import Pair, pair_of
from stepping.compiler.frontend.tracing import (
    operator_of,
    origin,
    query_error,
    translated,
)
from stepping.compiler.operators.join import check_index
from stepping.compiler.operators.linear import run
from stepping.compiler.schema import (
    Atom,
    Kind,
    Schema,
    ValueType,
    free_name,
    schema_of,
)
from stepping.compiler.zset import ZSet, ZSetPython

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V", int, float, Decimal)

_SUM_KINDS = {
    Kind.INT: ir.SumKind.INT,
    Kind.FLOAT: ir.SumKind.FLOAT,
    Kind.DECIMAL: ir.SumKind.DECIMAL,
}


def group_reduce_flatten(
    a: ZSet[T], *, by: Index[T, K], zero: Callable[[], V], pick_value: Callable[[T], V]
) -> ZSet[Pair[V, K]]:
    """For each group of rows with equal keys, the sum of ``pick_value(row) * count``, and the key.

    ``zero`` is ``int``, ``float`` or ``Decimal``. A group without rows has no result. Keeps one
    row per group; costs one look-up per changed group. `None` is a group like any other.
    """
    what = "st.group_reduce_flatten"
    operator = operator_of(a, what)
    check_index(f"{what} by=", operator, by)
    value = translated(pick_value, (operator.schema.type,), f"{what} pick_value=")
    total = sum_type(what, zero, value.type)
    return ir.Traced(GroupReduce(operator, by.function, value, total, zero, origin=origin()))


def sum_type(what: str, zero: Callable[[], Any], value: ValueType) -> Atom:
    """The type of a sum of ``value`` that starts from ``zero()``."""
    start = zero() if callable(zero) else zero
    kinds = {int: Kind.INT, float: Kind.FLOAT, Decimal: Kind.DECIMAL}
    if type(start) not in kinds or not isinstance(value, Atom):
        raise query_error(
            f"{what} sums numbers, and zero= gives {start!r} for values of type {value}",
            "use zero=int, zero=float or zero=Decimal, and pick a number",
        )
    if start:
        raise query_error(f"{what}: zero= gives {start!r}, and a sum of nothing is 0")
    wanted = Atom(kinds[type(start)], python=type(start))
    if value.nullable:
        raise query_error(
            f"{what} cannot add up {value}: there is no None + 1",
            "give a number for None in pick_value: lambda row: row.x if row.x is not None else 0",
        )
    if value.kind is wanted.kind:
        return value
    if (value.kind, wanted.kind) in _WIDENING:
        return wanted
    raise query_error(
        f"{what}: zero= gives {type(start).__name__}, and pick_value gives {value}",
        "let both be the same type",
    )


_WIDENING = {
    (Kind.BOOL, Kind.INT),
    (Kind.BOOL, Kind.FLOAT),
    (Kind.BOOL, Kind.DECIMAL),
    (Kind.INT, Kind.FLOAT),
    (Kind.INT, Kind.DECIMAL),
}


def widened(scalar: ir.Scalar, wanted: Atom) -> ir.Scalar:
    """``scalar`` as a value of the sum's type."""
    if scalar.type.kind is wanted.kind:
        return scalar
    target = {Kind.INT: "int", Kind.FLOAT: "float", Kind.DECIMAL: "Decimal"}[wanted.kind]
    return functions.builtin(target, (scalar,))


@ir.node
class GroupReduce(ir.Operator):
    source: ir.Operator
    by: ir.RowFunction
    value: ir.RowFunction
    total: Atom
    zero: Callable[[], Any] = field(compare=False)
    by_existing: bool = False  # count the rows that exist: see rewrites/existence.py

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def label(self) -> str:
        return "group_reduce_flatten"

    @cached_property
    def schema(self) -> Schema:
        return schema_of(pair_of(self.total, self.by.type))

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        (rows,) = inputs
        canonical = python_codec(self.schema.type).canonical
        totals: dict[Any, Any] = {}
        for row, count in rows.iter():
            key = run(self.by, row)
            totals[key] = totals.get(key, self.zero()) + run(self.value, row) * count
        return ZSetPython((canonical(Pair(total, key)), 1) for key, total in totals.items())

    @cached_property
    def state_names(self) -> tuple[str, ...]:
        """Names of the columns of the kept groups: the key's, then the sum's."""
        taken = {"n", "n0", "n1"}
        keys = [free_name(name, taken) for name in key_names(self.by)]
        scalars = self.value.scalars or ()
        named = isinstance(scalars[0], ir.ColumnRef) if scalars else False
        stem = f"sum_{scalars[0].name}" if named else "total"  # type: ignore[union-attr]
        total = free_name(stem, taken)
        while any(key.lower().startswith(total.lower()) for key in keys):
            total += "_"  # its own columns are named after it, and must not meet a key's
        return (*keys, total)

    def delta(self, at: ir.Reads) -> ir.Relation:
        # The state of a group is the sum of its weights and the sum of its weighted values, both
        # linear; the result is a function of the state, so its change is new minus old.
        assert self.by.scalars is not None
        assert self.value.scalars is not None
        *keys, total = self.state_names
        kind = _SUM_KINDS[self.total.kind]
        value = widened(self.value.scalars[0], self.total)
        running = ir.RunningSum(total, kind, self.total)
        by = tuple(zip(keys, (scalar.type for scalar in self.by.scalars), strict=True))
        change = at.delta(self.source)
        rows = ir.Contribution(change, self.by.scalars, (value,), not self.by_existing)
        contributions = [rows]
        if self.by_existing:
            existing = ir.Threshold(self.source, change, ir.Rule.PRESENT)
            contributions.append(ir.Contribution(existing, self.by.scalars, (None,)))
        groups = ir.Accumulate(self, tuple(contributions), by, (running,))
        return old_and_new(groups, self.schema, (running,))

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return True

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        return tuple(f for f in (self.by, self.value) if f.scalars is None)


def old_and_new(
    groups: ir.Accumulate, schema: Schema, values: tuple[ir.RunningSum, ...]
) -> ir.Relation:
    """The change of a keyed result: the row each touched group had, taken away, and the one it has.

    ``schema`` has the columns of ``values``, then those of the key.
    """
    types = ir.column_types(groups)

    def column(name: str) -> ir.ColumnRef:
        return ir.ColumnRef(name, types[name])

    # A group that was not there has no old values, and None differs from any new one.
    same = ir.And(
        tuple(
            functions.compare("==", column(ir.old_name(v.name)), column(ir.new_name(v.name)))
            for v in values
        )
    )
    was_there = ir.Not(ir.IsNull(column(ir.GROUP_OLD)))
    is_gone = functions.compare("==", column(ir.GROUP_NEW), ir.Const(0, types[ir.GROUP_NEW]))

    def rows(condition: ir.Scalar, name_of: Callable[[str], str]) -> ir.Relation:
        picked = (
            *(ir.ColumnRef(name_of(v.name), v.type) for v in values),
            *(column(name) for name, _ in groups.keys),
        )
        columns = tuple(zip(schema.names, picked, strict=True))
        return ir.Project(ir.Filter(groups, condition), columns)

    old = rows(ir.And((was_there, ir.Or((is_gone, ir.Not(same))))), ir.old_name)
    new = rows(ir.And((ir.Not(is_gone), ir.Not(same))), ir.new_name)
    return ir.Sum((ir.Negate(old), new))
