"""Operators: what the user asked for, one class each. The set is open.

An `Operator` has its plain meaning (``evaluate``) and says what changes in one step (``delta``) as
a `Relation`.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from stepping.compiler.ir.function import RowFunction, Source
from stepping.compiler.ir.node import Node, node
from stepping.compiler.schema import Schema
from stepping.compiler.zset import MATCH_ALL, MatchAll, ZSet
from stepping.errors import QueryError

if TYPE_CHECKING:  # a relation reads operators
    from stepping.compiler.ir.relation import Reads, Relation

T = TypeVar("T")


class Flow(enum.Enum):
    """What the value of an operator is in one step."""

    CHANGE = "change"  # this step's delta
    SNAPSHOT = "snapshot"  # the integral so far


@node
class Operator(Node):
    """One operator of a query: its schema, its plain meaning, and its delta rule.

    Subclasses are frozen nodes whose inputs are the fields that are Operators.
    """

    origin: Source | None = field(default=None, compare=False, kw_only=True)
    called: str = field(default="", compare=False, kw_only=True)

    # f(a + b) = f(a) + f(b) in each input, so the change of the result is f of the change
    # (DBSP theorem 3.3), and nothing needs to be kept.
    linear: ClassVar[bool] = False

    # Its change depends on the step before and not on its inputs alone (DBSP section 2, z^-1), so
    # that it may change in a step in which nothing else does.
    delays: ClassVar[bool] = False

    # Raise it when the operator's integral holds something else for the same query: what was stored
    # is then not taken for what is wanted.
    revision: ClassVar[int] = 1

    @property
    def inputs(self) -> tuple[Operator, ...]:
        raise NotImplementedError

    def over(self, inputs: tuple[Operator, ...]) -> Operator:
        """The same operator with other inputs."""
        given = iter(inputs)
        changed: dict[str, Any] = {}
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Operator):
                changed[each.name] = next(given)
            elif isinstance(value, tuple) and value and isinstance(value[0], Operator):
                changed[each.name] = tuple(next(given) for _ in value)
        return dataclasses.replace(self, **changed)

    @property
    def schema(self) -> Schema:
        raise NotImplementedError

    @property
    def flow(self) -> Flow:
        """The kind of the inputs, which `tracing` has made sure is one."""
        return self.inputs[0].flow

    @property
    def label(self) -> str:
        """What `explain` calls it: the name of the public function."""
        return self.called or type(self).__name__.lower()

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        """The plain meaning on whole Z-sets: the definition that everything else is held to."""
        raise NotImplementedError

    def step(
        self, changes: tuple[ZSet[Any], ...], before: tuple[ZSet[Any], ...]
    ) -> ZSet[Any] | None:
        """The change of one step, for operators whose meaning is about steps; None for others.

        ``changes`` are the inputs' in this step, ``before`` their integrals until it. Operators
        that delay get the changes of the step before.
        """
        return None

    def delta(self, at: Reads) -> Relation:
        """What is added to the integral of the result in one step."""
        raise NotImplementedError

    def meaning(self, wanted: frozenset[str]) -> tuple[Any, ...]:
        """What tells its rows, seen through some columns, from those of others of its class.

        Its inputs are told apart elsewhere. To leave out what the wanted columns do not depend on
        is what lets stored rows be reused when the rest of a query changes.
        """
        own = []
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            several = isinstance(value, tuple) and bool(value) and isinstance(value[0], Operator)
            if each.compare and not isinstance(value, Operator) and not several:
                own.append((each.name, value))
        return tuple(own)

    @property
    def by_steps(self) -> bool:
        """Whether its integral depends on the steps, not on what was inserted alone."""
        return self.delays or type(self).step is not Operator.step

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        """Whether no count of the result's integral can be below 0, given that of the inputs."""
        return False

    @property
    def python_functions(self) -> tuple[Any, ...]:
        """The row functions of this operator that run in Python."""
        return ()


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
