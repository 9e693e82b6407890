"""group, per_group and flatten: any query, run inside each group.

``per_group`` traces its function once, on rows that stand for those of one group, and then adds the
group's key to each operator inside (*lifts* it): a map carries it along, a join and an aggregate
have it in their keys, ``first_n`` orders within it. What does not depend on the group is left as it
is, and computed once. There is one set of tables for all groups.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Generic, TypeVar

from stepping.compiler import ir
from stepping.compiler.frontend.index import Index
from stepping.compiler.frontend.rows import Pair
from stepping.compiler.frontend.tracing import operator_of, origin, pointwise, query_error
from stepping.compiler.operators.join import check_index
from stepping.compiler.operators.keyed import Lift, Rows, beside_key
from stepping.compiler.zset import ZSet

T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K")

_serial = itertools.count()


class Grouped(Generic[T, K]):
    """What `group` returns: a Z-set per key, for `per_group` and `flatten`."""

    def __init__(
        self,
        operator: ir.Operator,
        groups: ir.Operator | None,
        flow: ir.Flow = ir.Flow.CHANGE,
    ) -> None:
        self.operator = operator  # rows beside their group's key
        self.groups = groups  # the rows whose groups exist; None where they are the operator's own
        self.flow = flow

    def as_change(self) -> Grouped[T, K]:
        """The groups of what these are the integral of."""
        return Grouped(self.operator, self.groups)

    def as_snapshot(self) -> Grouped[T, K]:
        """The groups of the integral."""
        return Grouped(self.operator, self.groups, ir.Flow.SNAPSHOT)


@pointwise
def group(a: ZSet[T], *, by: Index[T, K]) -> Grouped[ZSet[T], K]:
    """The rows of ``a`` in groups with equal keys. `None` is a group like any other."""
    operator = operator_of(a, "st.group")
    check_index("st.group by=", operator, by)
    return Grouped(beside_key(operator, by.function, origin(), "group"), None)


@pointwise
def flatten(a: Grouped[ZSet[T], K]) -> ZSet[Pair[T, K]]:
    """Each row beside the key of its group."""
    if not isinstance(a, Grouped):
        raise query_error(
            f"st.flatten expects groups, got {type(a).__name__}",
            "give it what st.group or st.per_group returned",
        )
    return ir.Traced(a.operator)


class PerGroup:
    """``st.per_group[grouped](lambda g: st.count(g))``: run a query inside each group.

    The function may use any operator, nested groups, and Z-sets of the query around it. An operator
    that has one row whatever it is given, as `count` has, has one for each group that exists.
    """

    def __getitem__(
        self, grouped: Grouped[ZSet[T], K]
    ) -> Callable[[Callable[[ZSet[T]], ZSet[U]]], Grouped[ZSet[U], K]]:
        if not isinstance(grouped, Grouped):
            raise query_error(
                f"st.per_group expects groups, got {type(grouped).__name__}",
                "st.per_group[st.group(z, by=index)](lambda g: ...)",
            )

        def run(f: Callable[[ZSet[T]], ZSet[U]]) -> Grouped[ZSet[U], K]:
            keyed = grouped.operator
            value_type = keyed.schema.type
            row_type = dict(value_type.fields)["left"]  # type: ignore[union-attr]
            rows = Rows(next(_serial), row_type, origin=origin())
            result = operator_of(f(ir.Traced(rows)), "st.per_group")
            groups = grouped.groups or keyed
            lifted = Lift(rows, keyed, groups, origin()).lifted(result)
            if lifted is None:
                raise query_error(
                    "the function of st.per_group does not use the group it is given",
                    "start from its argument: lambda g: st.count(g)",
                )
            return Grouped(lifted, groups, grouped.flow)

        return run


per_group = PerGroup()
