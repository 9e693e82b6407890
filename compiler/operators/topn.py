"""The first rows of an order, kept up to date from the start of an index."""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar

from stepping.compiler import ir
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.index import Index, directions, ordering
from stepping.compiler.frontend.row_calls import caller
from stepping.compiler.frontend.tracing import operator_of, origin, pointwise, query_error
from stepping.compiler.operators.join import check_index
from stepping.compiler.schema import Schema
from stepping.compiler.zset import ZSet, ZSetPython, directed, order_key

T = TypeVar("T")


@pointwise
def first_n(a: ZSet[T], *, index: Index[T, Any], n: int) -> ZSet[T]:
    """The first ``n`` rows in the order of ``index``; equal rows count as often as they are there.

    Ties go by the whole row in column order. Keeps the rows in that order; a step reads at most
    ``n`` of them before and after it, from the start of the index.
    """
    operator = operator_of(a, "st.first_n")
    check_index("st.first_n index=", operator, index)
    if not index.is_ordered:
        raise query_error(
            f"st.first_n index= orders by a collected value ({index}), and a database does not "
            "order those as Python does",
            "order by a field, or by a value that a function makes of it",
        )
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise query_error(f"st.first_n n= is {n!r}", "give a whole number of rows, at least 1")
    at = origin()
    ordered = Ordered(operator, origin=at, called="first_n")
    return ir.Traced(FirstN(ordered, index.function, index.ascending, n, origin=at))


@ir.node
class Ordered(ir.Operator):
    """The rows of ``source``, in a table that only its reader touches.

    Top-n reads its input *after* this step's change, every other operator *before* it; a table of
    its own keeps the two snapshots apart. ``copy`` tells tables of the same rows apart, of which
    each is merged into at another place in the step: see `rewrites/order.py`.
    """

    source: ir.Operator
    copy: int = 0

    linear = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def schema(self) -> Schema:
        return self.source.schema

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        return inputs[0]

    def delta(self, at: ir.Reads) -> ir.Relation:
        return at.delta(self.source)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return inputs[0]


@ir.node
class FirstN(ir.Operator):
    """The first rows of each group of ``source``, or of all of it."""

    source: ir.Operator
    key: ir.RowFunction
    ascending: tuple[bool, ...]  # of each part of the key
    n: int
    by: ir.RowFunction | None = None

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def schema(self) -> Schema:
        return self.source.schema

    @property
    def label(self) -> str:
        return "first_n"

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        (rows,) = inputs
        columns = python_codec(self.schema.type).encode
        key_of = caller(self.key)
        group_of = (lambda row: None) if self.by is None else caller(self.by)
        groups: dict[Any, list[tuple[Any, int]]] = {}
        for row, count in rows.iter():
            if count > 0:
                groups.setdefault(group_of(row), []).append((row, count))

        def place(item: tuple[Any, int]) -> Any:
            return directed(key_of(item[0]), self.ascending), tuple(
                map(order_key, columns(item[0]))
            )

        found: list[tuple[Any, int]] = []
        for group in groups.values():
            left = self.n
            for row, count in sorted(group, key=place):
                if left <= 0:
                    break
                found.append((row, min(count, left)))
                left -= count
        return ZSetPython(found)

    @cached_property
    def order(self) -> tuple[tuple[ir.Scalar, ...], tuple[bool, ...]]:
        """The scalars that rows are ordered by: the key's, then the whole row."""
        assert self.key.scalars is not None
        rest = [scalar for _, scalar in ir.references(self.schema.columns)]
        rest = [scalar for scalar in rest if scalar not in self.key.scalars]
        up = (*self.column_ascending, *(True for _ in rest))
        return ordering((*self.key.scalars, *rest), up)

    @property
    def column_ascending(self) -> tuple[bool, ...]:
        """The direction of each column of the key."""
        return directions(self.key.type, self.ascending)

    def delta(self, at: ir.Reads) -> ir.Relation:
        # Not linear: what was first is taken away and what is first now is added, for each group
        # that a changed row is in.
        by = () if self.by is None else self.by.scalars
        assert by is not None
        scalars, ascending = self.order
        return ir.First(self.source, at.delta(self.source), by, scalars, ascending, self.n)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return True

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        both = (self.key, self.by) if self.by else (self.key,)
        return tuple(each for each in both if each.scalars is None)
