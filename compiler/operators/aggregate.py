"""Aggregates: running sums and first values per group, in one table that is keyed by the group."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from stepping.compiler import ir
from stepping.compiler.codec import python_codec
from stepping.compiler.exact import EXACT
from stepping.compiler.frontend.index import key_names
from stepping.compiler.frontend.row_calls import caller
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rows import Pair, pair_of
from stepping.compiler.schema import (
    BOOL,
    INT,
    ONE_OR_NONE,
    Atom,
    Build,
    Kind,
    Schema,
    Struct,
    ValueType,
    free_name,
    schema_of,
)
from stepping.compiler.zset import ZSet, ZSetPython, order_key
from stepping.errors import RowError

_SUM_KINDS = {
    Kind.INT: ir.SumKind.INT,
    Kind.FLOAT: ir.SumKind.FLOAT,
    Kind.DECIMAL: ir.SumKind.DECIMAL,
    Kind.NATIVE: ir.SumKind.DECIMAL,  # a database's own numbers, which it adds up exactly
}
_ZEROS: dict[Kind, Callable[[], Any]] = {
    Kind.INT: int,
    Kind.FLOAT: float,
    Kind.DECIMAL: Decimal,
}


ONE = ir.Const(1, INT)


def _sum_kind(atom: Atom) -> ir.SumKind:
    return ir.SumKind.ANY_FLOAT if atom.infinite else _SUM_KINDS[atom.kind]


@ir.node
class Total(ir.Node):
    """One running sum: of a value of each row, None counting as nothing, as a ``type``."""

    name: str
    function: ir.RowFunction
    type: Atom

    def scalar(self) -> ir.Scalar:
        assert self.function.scalars is not None
        (value,) = self.function.scalars
        if not value.type.nullable:
            return widened(value, self.type)
        zero = ir.Const(self.zero(), self.type)
        return ir.Case(((ir.IsNull(value), zero),), widened(required(value), self.type), self.type)

    def zero(self) -> Any:
        return _ZEROS[self.type.kind]()


def required(scalar: ir.Scalar) -> ir.Scalar:
    """The scalar where it is known not to be None."""
    return dataclasses.replace(scalar, type=scalar.type.required())


def widened(scalar: ir.Scalar, wanted: Atom) -> ir.Scalar:
    """``scalar`` as a value of a wider type of number."""
    if scalar.type.kind is Kind.BOOL:
        scalar = functions.builtin("int", (scalar,))
    return functions.coerced(scalar, wanted)  # a decimal may have another scale


@ir.node
class Aggregate(ir.Operator):
    """Per group of ``source``, or for all of it: totals, numbers of distinct values, first values.

    A group is there while a row of it is; or, with ``existing``, while its key is in that; or,
    without ``by``, from the first step on.
    """

    source: ir.Operator
    by: ir.RowFunction | None
    totals: tuple[Total, ...]
    distincts: tuple[ir.Operator, ...] = ()  # Pair[value, key], each once
    extremes: tuple[ir.Operator, ...] = ()  # Pair[key, value], of which the first value is wanted
    largest: tuple[bool, ...] = ()
    existing: ir.Operator | None = None
    single: bool = False  # the result is the only value itself, not a tuple of values
    by_existing: bool = False  # count the rows that exist: see rewrites/existence.py

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        last = () if self.existing is None else (self.existing,)
        return (self.source, *self.distincts, *self.extremes, *last)

    @cached_property
    def left(self) -> ValueType:
        """The type of a group's values."""
        types: list[Atom] = [total.type for total in self.totals]
        types += (INT for _ in self.distincts)
        types += (_value_of(each).optional() for each in self.extremes)
        if self.single:
            return types[0]
        fields = tuple((str(i), each) for i, each in enumerate(types))
        return Struct(fields, cls=tuple, build=Build.TUPLE)

    @cached_property
    def schema(self) -> Schema:
        return schema_of(self.left if self.by is None else pair_of(self.left, self.by.type))

    # -- meaning --------------------------------------------------------------------------------

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        rows, others = inputs[0], inputs[1:]
        distincts = others[: len(self.distincts)]
        extremes = others[len(self.distincts) :][: len(self.extremes)]
        groups: dict[Any, list[Any]] = {}
        is_float = [total.type.kind is Kind.FLOAT for total in self.totals]
        start = [
            FloatSum() if each else total.zero()
            for each, total in zip(is_float, self.totals, strict=True)
        ]
        key_of = (lambda row: None) if self.by is None else caller(self.by)
        values_of = [caller(total.function) for total in self.totals]
        for row, count in rows.iter():
            group = groups.setdefault(key_of(row), list(start))
            for i, total in enumerate(self.totals):
                value = values_of[i](row)
                if value is None:
                    continue
                if is_float[i]:
                    group[i] = group[i].plus(float(value), count)
                elif total.type.kind is Kind.DECIMAL:  # +, * would round to the context's digits
                    group[i] = EXACT.add(group[i], EXACT.multiply(value, count))
                else:
                    group[i] += value * count
        if self.by is None:
            groups.setdefault(None, start)
        elif self.existing is not None:
            there = {key for key, _ in inputs[-1].iter()}
            groups = {key: groups.get(key, list(start)) for key in there}
        numbers = [_counted(each) for each in distincts]
        firsts = [_first(each, down) for each, down in zip(extremes, self.largest, strict=True)]
        canonical = python_codec(self.schema.type).canonical
        found = []
        for key, totals in groups.items():
            values = (
                *(each.value(key) if isinstance(each, FloatSum) else each for each in totals),
                *(number.get(key, 0) for number in numbers),
                *(first.get(key) for first in firsts),
            )
            left = values[0] if self.single else values
            found.append(canonical(left if self.by is None else Pair(left, key)))
        return ZSetPython((row, 1) for row in found)

    # -- delta ----------------------------------------------------------------------------------

    @cached_property
    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the columns of the kept groups: the key's, then the values'."""
        taken = {"n", "n0", "n1"}
        given = ("one",) if self.by is None else key_names(self.by)
        keys = [free_name(name, taken) for name in given]
        wanted = [total.name for total in self.totals]
        wanted += (f"distinct_{i}" for i, _ in enumerate(self.distincts, 1))
        wanted += (f"first_{i}" for i, _ in enumerate(self.extremes, 1))
        values: list[str] = []
        for name in wanted:
            # Its own columns are named after it, and must not meet another's.
            while any(other.lower().startswith(name.lower()) for other in (*keys, *values)):
                name += "_"
            values.append(free_name(name, taken))
        return tuple(keys), tuple(values)

    def delta(self, at: ir.Reads) -> ir.Relation:
        # The state of a group (its number of rows, its sums) is linear in the rows; the result is
        # a function of the state, so its change is the new row minus the old one.
        key_columns, value_columns = self.names
        scalars = (ir.Const(True, BOOL),) if self.by is None else self.by.scalars
        assert scalars is not None
        keys = tuple(zip(key_columns, (s.type for s in scalars), strict=True))
        named = list(zip(value_columns, self.sum_types, strict=False))
        sums = tuple(
            ir.RunningSum(name, _sum_kind(atom), atom)
            for position, (name, atom) in enumerate(named)
            if not self.is_number_of_rows(position)
        )
        extremes = tuple(
            ir.Extreme(name, each, down, _value_of(each).optional())
            for name, each, down in zip(
                value_columns[len(named) :], self.extremes, self.largest, strict=True
            )
        )
        groups = ir.Accumulate(self, self.contributions(at, scalars), keys, sums, extremes)
        values = [
            NUMBER_OF_ROWS if self.is_number_of_rows(position) else before_and_after(name, atom)
            for position, (name, atom) in enumerate(named)
        ]
        values += (before_and_after(each.name, each.type) for each in extremes)
        return old_and_new(groups, self.schema, values, keyed=self.by is not None)

    @property
    def counts_rows(self) -> bool:
        """Whether a group is there while rows of the source are, each as often as it is there."""
        return self.by is not None and self.existing is None and not self.by_existing

    def is_number_of_rows(self, position: int) -> bool:
        """Whether a sum is of ones over the rows that make its group exist, and kept with that."""
        if not self.counts_rows or position >= len(self.totals):
            return False
        total = self.totals[position]
        return total.function.scalars == (ONE,) and total.type.kind is Kind.INT

    @property
    def sum_types(self) -> tuple[Atom, ...]:
        return (*(total.type for total in self.totals), *(ONE_OR_NONE for _ in self.distincts))

    def contributions(
        self, at: ir.Reads, keys: tuple[ir.Scalar, ...]
    ) -> tuple[ir.Contribution, ...]:
        change = at.delta(self.source)
        totals = tuple(total.scalar() for total in self.totals)
        totals = tuple(each for i, each in enumerate(totals) if not self.is_number_of_rows(i))
        nothing = (None,) * (len(totals) + len(self.distincts))
        values = (*totals, *nothing[len(totals) :])
        found = [ir.Contribution(change, keys, values, self.counts_rows)]
        for i, each in enumerate(self.distincts, len(totals)):
            one = (*nothing[:i], ONE, *nothing[i + 1 :])
            columns = ir.references(each.schema.columns)[1:]
            own = keys if self.by is None else tuple(scalar for _, scalar in columns)
            found.append(ir.Contribution(at.delta(each), own, one, counts=False))
        if self.by is None:
            found.append(ir.Contribution(ir.Constant(), keys, nothing))
        elif self.existing is not None:
            columns = ir.references(self.existing.schema.columns)
            own = tuple(scalar for _, scalar in columns)
            found.append(ir.Contribution(at.delta(self.existing), own, nothing))
        elif self.by_existing:
            existing = ir.Threshold(self.source, change, ir.Rule.PRESENT)
            found.append(ir.Contribution(existing, keys, nothing))
        return tuple(found)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return True

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        own = () if self.by is None else (self.by,)
        used = (*own, *(total.function for total in self.totals))
        return tuple(function for function in used if function.scalars is None)


@dataclasses.dataclass(frozen=True)
class FloatSum:
    """A sum of floats: what is finite of it exactly, and its infinities apart."""

    finite: Fraction = Fraction()
    infinite: float = 0.0

    def plus(self, value: float, count: int) -> FloatSum:
        if math.isfinite(value):
            return FloatSum(self.finite + Fraction(value) * count, self.infinite)
        return FloatSum(self.finite, self.infinite + value * count)

    def value(self, key: Any) -> float:
        """The nearest float."""
        try:
            return self.infinite or float(self.finite)
        except OverflowError:
            group = "of the whole set" if key is None else repr(key)
            raise RowError(
                f"a sum is beyond the largest float for the group {group}",
                hint="nothing was changed",
            ) from None


def _value_of(ordered: ir.Operator) -> Atom:
    """The type of the values of an operator of ``Pair[key, value]``, or of values."""
    return ordered.schema.columns[-1].type


def _counted(pairs: ZSet[Any]) -> dict[Any, int]:
    """How many rows of ``Pair[value, key]`` there are per key."""
    counts: dict[Any, int] = {}
    for pair, weight in pairs.iter():
        key = pair.right if isinstance(pair, Pair) else None
        counts[key] = counts.get(key, 0) + weight
    return counts


def _first(pairs: ZSet[Any], largest: bool) -> dict[Any, Any]:
    """The smallest or largest value per key, of ``Pair[key, value]`` with a positive count."""
    found: dict[Any, Any] = {}
    better = max if largest else min
    for pair, weight in pairs.iter():
        if weight > 0:
            key, value = (pair.left, pair.right) if isinstance(pair, Pair) else (None, pair)
            found[key] = better(found.get(key, value), value, key=order_key)
    return found


class GroupValue(NamedTuple):
    """A value of a group: the columns that have it before a step and after it, and its type."""

    old: str
    new: str
    type: Atom


NUMBER_OF_ROWS = GroupValue(ir.GROUP_OLD, ir.GROUP_NEW, INT)


def before_and_after(name: str, atom: Atom) -> GroupValue:
    """Of what is called so in its groups."""
    return GroupValue(ir.old_name(name), ir.new_name(name), atom)


def old_and_new(
    groups: ir.Accumulate, schema: Schema, values: Sequence[GroupValue], *, keyed: bool
) -> ir.Relation:
    """The change of a keyed result: the row each touched group had, taken away, and the one it has.

    ``schema`` has the columns of ``values``, then those of the key unless there is none.
    """
    types = ir.column_types(groups)

    def column(name: str) -> ir.ColumnRef:
        return ir.ColumnRef(name, types[name])

    # A group that was not there has no old values, and None differs from any new one.
    same: list[ir.Scalar] = [
        functions.compare("==", ir.image(column(v.old)), ir.image(column(v.new)))
        for v in dict.fromkeys(values)
    ]
    was_there = ir.Not(ir.IsNull(column(ir.GROUP_OLD)))
    if all(types[v.new].nullable for v in values):
        same.append(was_there)
    unchanged = ir.And(tuple(same))
    is_gone = functions.compare("==", column(ir.GROUP_NEW), ir.Const(0, types[ir.GROUP_NEW]))
    keys = [column(name) for name, _ in groups.keys] if keyed else []

    def rows(condition: ir.Scalar, names: Iterable[str]) -> ir.Relation:
        found = zip(names, values, strict=True)
        picked = (*(ir.ColumnRef(name, v.type) for name, v in found), *keys)
        columns = tuple(zip(schema.names, picked, strict=True))
        return ir.Project(ir.Filter(groups, condition), columns)

    changed = ir.Not(unchanged)
    old = rows(ir.And((was_there, ir.Or((is_gone, changed)))), (v.old for v in values))
    new = rows(ir.And((ir.Not(is_gone), changed)), (v.new for v in values))
    return ir.Sum((ir.Negate(old), new))
