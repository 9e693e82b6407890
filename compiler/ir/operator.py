"""What operators are besides their own families: integrals, and Z-sets that stand for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from stepping.compiler.ir.algebra import Flow, Operator, Reads, Relation
from stepping.compiler.ir.function import RowFunction
from stepping.compiler.ir.node import node
from stepping.compiler.schema import Schema
from stepping.compiler.zset import MATCH_ALL, MatchAll, ZSet
from stepping.errors import QueryError

T = TypeVar("T")


@node
class Integrate(Operator):
    """Everything that ``source`` has changed by so far; with the orders that it is read in."""

    source: Operator
    keys: tuple[RowFunction, ...] = ()
    directions: tuple[tuple[bool, ...], ...] = ()

    @property
    def inputs(self) -> tuple[Operator, ...]:
        return (self.source,)

    @property
    def schema(self) -> Schema:
        return self.source.schema

    @property
    def flow(self) -> Flow:
        return Flow.SNAPSHOT

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        return inputs[0]

    def delta(self, at: Reads) -> Relation:
        return at.delta(self.source)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return inputs[0]


class Traced(ZSet[T]):
    """A Z-set that stands for an operator while a query function is traced."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        _ = operator.schema  # rows that cannot be are an error at the line of the query

    @property
    def flow(self) -> Flow:
        return self.operator.flow

    def as_change(self) -> Traced[T]:
        """What a snapshot is the integral of; a change is itself."""
        if self.flow is Flow.SNAPSHOT:
            (source,) = self.operator.inputs
            return Traced(source)
        return self

    def as_snapshot(self) -> Traced[T]:
        """The integral of a change."""
        return Traced(Integrate(self.operator, origin=self.operator.origin))

    def iter(self, match: frozenset[T] | MatchAll = MATCH_ALL) -> Iterator[tuple[T, int]]:
        # Behind len(), truth, ==, + and - as well.
        raise QueryError(
            f"the query looks at the rows of {self.operator.label}, and there are none to see: "
            "it is called once, when it is compiled",
            hint="apply operators: st.filter for a condition, st.add and st.neg for sums",
        )


def topological(*roots: Operator) -> Iterator[Operator]:
    """Each operator that the roots are made of, once, inputs before what reads them."""
    # By identity: operators that mean the same may build different row classes.
    seen: set[int] = set()
    todo: list[tuple[Operator, bool]] = [(root, False) for root in reversed(roots)]
    while todo:
        operator, expanded = todo.pop()
        if expanded:
            yield operator
        elif id(operator) not in seen:
            seen.add(id(operator))
            todo.append((operator, True))
            todo.extend((part, False) for part in reversed(operator.inputs))
