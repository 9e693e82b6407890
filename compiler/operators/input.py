"""The inputs of a query."""

from __future__ import annotations

from functools import cached_property
from operator import itemgetter
from typing import Any

from stepping.compiler import ir
from stepping.compiler.plan.base_tables import TableRef
from stepping.compiler.schema import Schema, ValueType, schema_of
from stepping.compiler.zset import ZSet


@ir.node
class Input(ir.Operator):
    """Rows that the application inserts and removes; or those of a ``table`` that it has already,
    whoever writes to that.
    """

    name: str
    type: ValueType
    table: TableRef | None = None

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

    @property
    def label(self) -> str:
        return self.name

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        (rows,) = inputs
        return rows

    def delta(self, at: ir.Reads) -> ir.Relation:
        return at.delta(self)

    def meaning(self, wanted: frozenset[str]) -> tuple[Any, ...]:
        columns = [c for c in self.schema.columns if c.name in wanted]
        typed = tuple(sorted(((c.name, c.type) for c in columns), key=itemgetter(0)))
        if self.table is None:
            return (self.name, typed)
        held = tuple(sorted((c.name, self.table.column(c.name)) for c in columns))
        return (str(self.table), held, typed)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return True
