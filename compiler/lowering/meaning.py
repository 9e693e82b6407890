"""What stored rows are, as a digest: the same for two queries, the same rows.

A table is reused on the strength of it, so it holds everything that rows depend on: the inputs'
names, the columns of them that matter, typed constants and captured values, the operators with
their revisions and those of the row functions' builtins, and for Python steps their source. It
holds nothing else, so that a field that nobody reads, a class's name or a moved line change no
table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.functions_table import REVISIONS
from stepping.compiler.ir.scalar import children
from stepping.compiler.lowering.demand import Demand, walk

Columns = frozenset[str]


class StorageDigests:
    """Digests of what operators' integrals hold, each made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, Columns], bytes] = {}
        self._kept: list[ir.Operator] = []  # so that no id is used twice

    def of(self, operator: ir.Operator, wanted: Columns) -> bytes:
        """The digest of an operator's rows, seen through the wanted columns."""
        # Not by recursion: a query may be deeper than Python's stack.
        todo = [(operator, wanted)]
        while todo:
            at = todo[-1]
            key = (id(at[0]), at[1])
            if key in self._known:
                todo.pop()
                continue
            parts = inputs_read(*at)
            missing = [each for each in parts if (id(each[0]), each[1]) not in self._known]
            if missing:
                todo += missing
                continue
            self._known[key] = self._digest(*at, parts)
            self._kept.append(at[0])
            todo.pop()
        return self._known[id(operator), wanted]

    def _digest(
        self, operator: ir.Operator, wanted: Columns, parts: list[tuple[ir.Operator, Columns]]
    ) -> bytes:
        below = tuple(self._known[id(each), columns] for each, columns in parts)
        if is_same_rows(operator):
            return below[0]
        own = operator.meaning(wanted)
        revised = tuple(sorted({(n, REVISIONS[n]) for n in called(own) if n in REVISIONS}))
        return ir.digest_of((type(operator).__name__, operator.revision, own, revised, below))


def is_same_rows(operator: ir.Operator) -> bool:
    """Whether an operator has the very rows of its input, kept apart for another reason."""
    if not operator.inputs or operator.by_steps:
        return False
    relation = operator.delta(ir.Reads())
    return (
        isinstance(relation, ir.Read)
        and relation.moment is ir.Moment.DELTA
        and relation.operator is operator.inputs[0]
        and len(operator.inputs) == 1
    )


def inputs_read(operator: ir.Operator, wanted: Columns) -> list[tuple[ir.Operator, Columns]]:
    """Each input of an operator, with the columns of it that the wanted ones depend on."""
    if not operator.inputs:
        return []
    demand = Demand()
    walk(demand, operator.delta(ir.Reads()), wanted, operator)
    found = []
    for each in operator.inputs:
        columns = frozenset(demand.delta.get(each, ())) | frozenset(demand.stored.get(each, ()))
        for reading in demand.readings.get(each, ()):
            columns = columns.union(*(ir.columns_read(scalar) for scalar in reading.key))
        found.append((each, columns))
    return found


def called(value: Any) -> Iterator[str]:
    """The builtins that scalars anywhere in a value call."""
    match value:
        case ir.Call():
            yield value.function
            for part in value.args:
                yield from called(part)
        case (
            ir.ColumnRef()
            | ir.Const()
            | ir.Case()
            | ir.And()
            | ir.Or()
            | ir.Not()
            | ir.IsNull()
            | ir.Native()
        ):
            for part in children(value):
                yield from called(part)
        case ir.Raise():
            yield from called(value.message)
        case tuple():
            for item in value:
                yield from called(item)
        case ir.Node():
            for field in dataclasses.fields(value):  # type: ignore[arg-type]
                if field.compare:
                    yield from called(getattr(value, field.name))
        case _:
            pass
