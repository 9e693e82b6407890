"""Between which integers a value is, where the ranges of fields prove it.

A row of an input is checked where it is given, so that what is read of it, whatever is joined and
filtered in between, is within its field's `Range`; and so is what arithmetic makes of such values.
Decimals with a scale are integers of their last digit.
"""

from __future__ import annotations

import operator as arithmetic
from collections.abc import Callable, Iterable
from typing import assert_never

from stepping.compiler import ir
from stepping.compiler.bounds import ends_of
from stepping.compiler.operators.input import Input
from stepping.compiler.plan.tables import Table, TableRange
from stepping.compiler.schema import Atom, Kind

Span = tuple[int, int]

HALF = 2**31  # what is below this is added up more often than any step has rows
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "int.add": arithmetic.add,
    "int.sub": arithmetic.sub,
    "int.mul": arithmetic.mul,
}


def ranges_of(
    operator: ir.Operator, columns: Iterable[tuple[str, ir.Scalar]]
) -> tuple[TableRange, ...]:
    """What rows of an operator have in columns of a table: those of an input have been checked."""
    if not isinstance(operator, Input) or operator.table is not None:
        return ()
    found = []
    for name, scalar in columns:
        ends = ends_of(scalar.type) if isinstance(scalar, ir.ColumnRef) else None
        if ends is not None:
            found.append(TableRange(name, *ends))
    return tuple(found)


def span_in(table: Table, column: str) -> Span | None:
    """Between which ints the values of a table's column are."""
    if table.column(column).type.kind is not Kind.INT:
        return None
    found = next((each for each in table.ranges if each.column == column), None)
    both = found is not None and found.low and found.high
    return (int(found.low), int(found.high)) if found is not None and both else None


class Spans:
    """Those of one query's operators, each looked up once."""

    def __init__(self) -> None:
        self.known: dict[tuple[ir.Operator, str], Span | None] = {}

    def of(self, scalar: ir.Scalar, rows: ir.Relation) -> Span | None:
        """The span of a scalar over the rows of a relation; None where nobody knows."""
        match scalar:
            case ir.ColumnRef(name):
                return self.column(rows, name)
            case ir.Const(int() as value) if scalar.type.kind is Kind.INT:
                return value, value
            case ir.Call(function, (left, right)) if function in _ARITHMETIC:
                a, b = self.of(left, rows), self.of(right, rows)
                if a is None or b is None:
                    return None
                ends = [_ARITHMETIC[function](x, y) for x in a for y in b]
                return min(ends), max(ends)
            case ir.Case(whens, otherwise) if scalar.type.kind is Kind.INT:
                return _around(self.of(each, rows) for each in (*(v for _, v in whens), otherwise))
            case _:
                return None

    def column(self, rows: ir.Relation, name: str) -> Span | None:
        match rows:
            case ir.Read(operator):
                return self.of_operator(operator, name)
            case ir.Project(source, columns):
                return self.of(dict(columns)[name], source)
            case ir.Filter(source) | ir.Negate(source):
                return self.column(source, name)
            case ir.Threshold(_, source) | ir.First(_, source):  # some of the same rows
                return self.column(source, name)
            case ir.Match(left, right):
                at, names = rows.names.index(name), ir.column_names(left)
                if at < len(names):
                    return self.column(left, names[at])
                return self.column(right, ir.column_names(right)[at - len(names)])
            case ir.Sum(parts):
                at = ir.column_names(rows).index(name)
                return _around(self.column(each, ir.column_names(each)[at]) for each in parts)
            case ir.Accumulate() | ir.Regroup() | ir.Closure() | ir.Computed():
                return None
            case ir.Constant() | ir.Nothing():
                return None
            case _:
                assert_never(rows)

    def of_operator(self, operator: ir.Operator, name: str) -> Span | None:
        key = operator, name
        if key not in self.known:
            self.known[key] = None  # of what is defined by itself
            if isinstance(operator, Input):
                given = operator.table is None
                self.known[key] = _span(operator.schema.column(name).type) if given else None
            elif operator.inputs:
                self.known[key] = self.column(operator.delta(ir.Reads()), name)
        return self.known[key]

    def are_small(self, groups: ir.Accumulate, position: int) -> bool:
        """Whether what each row adds to a sum is within 32 bits, in the sum's own unit."""
        of = groups.sums[position].type
        for each in groups.contributions:
            value = each.values[position]
            if value is None:
                continue
            span = self.of(value, each.source)
            same = (value.type.kind, value.type.scale) == (of.kind, of.scale)
            if span is None or not same or not -HALF < span[0] <= span[1] < HALF:
                return False
        return True


def _span(atom: Atom) -> Span | None:
    ends = ends_of(atom) or ("", "")
    if not all(ends) or not (atom.kind is Kind.INT or atom.scale is not None):
        return None
    low, high = (int(end.replace(".", "")) for end in ends)
    return low, high


def _around(spans: Iterable[Span | None]) -> Span | None:
    found = list(spans)
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None
    return min(low for low, _ in known), max(high for _, high in known)
