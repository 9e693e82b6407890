"""Functions that give rows for each row: `unnest`, `generate_series`, `json_each`."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NoReturn

from stepping.compiler import ir
from stepping.compiler.schema import Atom, Build, Schema, Struct, free_name, schema_of
from stepping.compiler.zset import ZSet
from stepping.errors import InternalError


@ir.node
class Expand(ir.Operator):
    """Each row of ``source`` beside each row that a function of the database gives for it.

    ``call`` is an item of a FROM in the database's own words, over the source's columns; ``found``
    has its columns: the name that each gets here, the one that it has there, and its type.
    """

    source: ir.Operator
    call: ir.Native
    found: tuple[tuple[str, str, Atom], ...]

    linear = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @cached_property
    def columns(self) -> tuple[tuple[str, Atom], ...]:
        """The columns of the result: those of the source, then the function's."""
        taken: set[str] = set()
        own = [(column.name, column.type) for column in self.source.schema.columns]
        own += ((name, atom) for name, _, atom in self.found)
        return tuple((free_name(name, taken), atom) for name, atom in own)

    @cached_property
    def schema(self) -> Schema:
        return schema_of(Struct(self.columns, cls=tuple, build=Build.TUPLE))

    def evaluate(self, *inputs: ZSet[Any]) -> NoReturn:
        raise InternalError("an expression of a SQL query has no meaning in Python")

    def delta(self, at: ir.Reads) -> ir.Relation:
        return ir.Computed(self, at.delta(self.source))

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return inputs[0]
