"""Groups that are computed anew, from all their rows, when any of them changes.

Window functions, and aggregates of which no running state is kept: what a group says of a row may
change with any other row of it. Only a database can evaluate them.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NoReturn

from stepping.compiler import ir
from stepping.compiler.schema import Build, Schema, Struct, free_name, schema_of
from stepping.compiler.zset import ZSet
from stepping.errors import InternalError


@ir.node
class Regroup(ir.Operator):
    """Per group of ``source``: each row with ``values`` beside it, or ``folded`` one row of them.

    ``by`` are columns of the source. Values are expressions over its columns in the words of the
    database, which see all rows of a group: window functions, or aggregates. A folded row has the
    group's key in front.
    """

    source: ir.Operator
    by: tuple[ir.Scalar, ...]
    values: tuple[tuple[str, ir.Scalar], ...]
    folded: bool = False

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @cached_property
    def columns(self) -> tuple[tuple[str, ir.Scalar], ...]:
        """The columns of the result, over those of the source."""
        own: tuple[tuple[str, ir.Scalar], ...]
        if self.folded:
            own = tuple((each.name, each) for each in self.by if isinstance(each, ir.ColumnRef))
        else:
            own = ir.references(self.source.schema.columns)
        taken: set[str] = set()
        return tuple((free_name(name, taken), scalar) for name, scalar in (*own, *self.values))

    @cached_property
    def schema(self) -> Schema:
        fields = tuple((name, scalar.type) for name, scalar in self.columns)
        return schema_of(Struct(fields, cls=tuple, build=Build.TUPLE))

    def evaluate(self, *inputs: ZSet[Any]) -> NoReturn:
        raise InternalError("an expression of a SQL query has no meaning in Python")

    def delta(self, at: ir.Reads) -> ir.Relation:
        # Not linear: what the groups that a changed row is in had is taken away, and what they
        # have now is added.
        places = {scalar: i for i, (_, scalar) in reversed(list(enumerate(self.columns)))}
        result = ir.references(self.schema.columns)
        return ir.Regroup(
            self.source,
            at.delta(self.source),
            self.by,
            tuple(
                (name, scalar) for (name, _), (_, scalar) in zip(result, self.columns, strict=True)
            ),
            self.folded,
            tuple(result[places[each]][1] for each in self.by),
        )

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return True
