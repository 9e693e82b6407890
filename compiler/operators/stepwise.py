"""Operators about steps: delay, differentiate, and H, the incremental distinct of the paper."""

from __future__ import annotations

from typing import Any, TypeVar

from stepping.compiler import ir
from stepping.compiler.frontend.index import Index
from stepping.compiler.frontend.tracing import (
    operator_of,
    origin,
    query_error,
)
from stepping.compiler.operators.linear import Add, Neg, same_rows
from stepping.compiler.operators.stream import integrate_indexed
from stepping.compiler.schema import Schema
from stepping.compiler.zset import ZSet, ZSetPython

T = TypeVar("T")


def delay(a: ZSet[T]) -> ZSet[T]:
    """What ``a`` was in the step before; nothing in the first (DBSP section 2, z^-1).

    Of a change, the last step's change; of a snapshot, the integral as it was. Keeps the last
    change, and runs in every step.
    """
    if isinstance(a, ir.Traced) and a.flow is ir.Flow.SNAPSHOT:
        return delay(a.as_change()).as_snapshot()  # type: ignore[attr-defined, no-any-return]
    operator = operator_of(a, "st.delay")
    at = origin()
    latest = Latest(operator, origin=at, called="delay")
    return ir.Traced(Delay(latest, origin=at))


def delay_indexed(a: ZSet[T], *, indexes: tuple[Index[T, Any], ...]) -> ZSet[T]:
    """As `delay` of a snapshot, in a table that can be read in the order of each index."""
    if not isinstance(a, ir.Traced) or a.flow is not ir.Flow.SNAPSHOT:
        raise query_error(
            "st.delay_indexed was given a change, of which no table is kept",
            "st.delay the change, or st.integrate it first",
        )
    return integrate_indexed(delay(a.as_change()), indexes=indexes)


def integrate_delay(a: ZSet[T]) -> ZSet[T]:
    """Everything that ``a`` had changed by before this step."""
    return integrate_indexed(delay(a), indexes=())


def differentiate(a: ZSet[T]) -> ZSet[T]:
    """What ``a`` has changed by since the step before (DBSP definition 3.25).

    Of a snapshot, the change that it is the integral of: it costs nothing. Of a change, the change
    less the last one.
    """
    if isinstance(a, ir.Traced) and a.flow is ir.Flow.SNAPSHOT:
        return a.as_change()
    operator = operator_of(a, "st.differentiate")
    before = operator_of(delay(a), "st.differentiate")
    at = origin()
    taken = Neg(before, origin=at, called="differentiate")
    return ir.Traced(Add(operator, taken, origin=at, called="differentiate"))


def haitch(i: ZSet[T], a: ZSet[T]) -> ZSet[T]:
    """1 for each row of ``a`` that becomes positive in ``i + a``, -1 for each that ceases to be.

    ``i`` is what was there before: ``st.integrate_delay(...)``. With ``i`` that of ``a`` itself it
    is the incremental `distinct` (DBSP section 4.2, the function H).
    """
    change = operator_of(a, "st.haitch")
    snapshot = operator_of(i, "st.haitch")
    source = snapshot.inputs[0] if snapshot.flow is ir.Flow.SNAPSHOT else snapshot
    if not isinstance(source, Delay) or change.flow is not ir.Flow.CHANGE:
        raise query_error(
            "st.haitch needs what was there before the step, and a change",
            "st.haitch(st.integrate_delay(a), a)",
        )
    (latest,) = source.inputs
    before, change = same_rows("st.haitch", latest.inputs[0], change)
    return ir.Traced(Haitch(before, change, origin=origin()))


@ir.node
class Latest(ir.Operator):
    """The rows whose integral is the last step's change: a step takes the old ones away."""

    source: ir.Operator

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def schema(self) -> Schema:
        return self.source.schema

    def step(
        self, changes: tuple[ZSet[Any], ...], before: tuple[ZSet[Any], ...]
    ) -> ZSet[Any] | None:
        return changes[0]

    def delta(self, at: ir.Reads) -> ir.Relation:
        return ir.Sum((at.delta(self.source), ir.Negate(at.before(self, by=()))))


@ir.node
class Delay(ir.Operator):
    """The change of the step before."""

    source: ir.Operator

    delays = True

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.source,)

    @property
    def schema(self) -> Schema:
        return self.source.schema

    def step(
        self, changes: tuple[ZSet[Any], ...], before: tuple[ZSet[Any], ...]
    ) -> ZSet[Any] | None:
        return changes[0]

    def delta(self, at: ir.Reads) -> ir.Relation:
        return at.before(self.source, by=())


@ir.node
class Haitch(ir.Operator):
    """H of the integral of ``before`` until the step, and a change."""

    before: ir.Operator
    change: ir.Operator

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.before, self.change)

    @property
    def schema(self) -> Schema:
        return self.before.schema

    def step(
        self, changes: tuple[ZSet[Any], ...], before: tuple[ZSet[Any], ...]
    ) -> ZSet[Any] | None:
        was = before[0].to_python()
        return ZSetPython(
            (row, int(was.get_count(row) + count > 0) - int(was.get_count(row) > 0))
            for row, count in changes[1].iter()
        )

    def delta(self, at: ir.Reads) -> ir.Relation:
        return ir.Threshold(
            self.before, at.delta(self.change), ir.Rule.POSITIVE, change_of=self.change
        )
