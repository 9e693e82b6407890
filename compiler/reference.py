"""The plain meaning of a query, evaluated in memory: what every other store is held to.

Linear operators are applied to the change alone (DBSP theorem 3.3); every other operator is
evaluated on everything inserted so far, before and after the step, and the difference is its
change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepping.compiler import ir
from stepping.compiler.canonical import BEYOND
from stepping.compiler.codec import python_codec
from stepping.compiler.lowering.demand import non_negative
from stepping.compiler.zset import MATCH_ALL, MatchAll, ZSet, ZSetPython
from stepping.errors import RowError

Counts = dict[Any, int]


@dataclass
class Reference:
    """The state of a query in memory. A step that fails leaves it as it was."""

    outputs: tuple[ir.Operator, ...]
    caches: Mapping[str, ir.Operator]
    inputs: tuple[ir.Operator, ...]
    allow_negative: bool = False
    integrals: dict[int, Counts] = field(default_factory=dict)
    started: bool = False
    previous: Mapping[int, ZSetPython[Any]] = field(default_factory=dict)
    done: list[tuple[Counts, ZSetPython[Any]]] = field(default_factory=list)  # in the open step
    turn: threading.RLock = field(default_factory=threading.RLock)  # held by who steps or reads

    def __post_init__(self) -> None:
        roots = (*self.inputs, *self.outputs, *self.caches.values())
        self.operators = tuple(ir.topological(*roots))
        self.kept = {
            id(each)
            for operator in self.operators
            for each in operator.inputs
            if not operator.linear
        }
        proven = non_negative(roots, allow_negative=self.allow_negative)
        self.checked = {id(op) for op in self.operators if id(op) in self.kept and op in proven}
        for operator in self.operators:
            if id(operator) in self.kept or not operator.linear:
                self.integrals[id(operator)] = {}

    def step(
        self, changes: Mapping[str, ZSet[Any]], also: Callable[[], None] | None = None
    ) -> list[ZSet[Any]]:
        """Apply changes of inputs, by name; returns the change (or the integral) of each output.

        ``also`` is called when they have been applied. What it raises undoes the step, and the
        steps that it has made itself.
        """
        begun, before = len(self.done), (self.started, self.previous)
        try:
            deltas = self.evaluated(changes)
            self.started, self.previous = True, deltas
            if also is not None:
                also()
        except BaseException:
            while len(self.done) > begun:
                counts, delta = self.done.pop()
                add(counts, -delta)
            self.started, self.previous = before
            raise
        finally:
            if not begun:
                self.done.clear()
        return [
            self.integral(output.inputs[0])
            if output.flow is ir.Flow.SNAPSHOT
            else deltas[id(output)]
            for output in self.outputs
        ]

    def evaluated(self, changes: Mapping[str, ZSet[Any]]) -> dict[int, ZSetPython[Any]]:
        deltas: dict[int, ZSetPython[Any]] = {}
        for operator in self.operators:
            if not operator.inputs:
                delta = changes.get(operator.label, ZSetPython()).to_python()
            elif (stepped := self.stepped(operator, deltas)) is not None:
                delta = stepped.to_python()
            elif operator.linear:
                before = [deltas[id(each)] for each in operator.inputs]
                delta = operator.evaluate(*before).to_python()
            elif operator.flow is ir.Flow.SNAPSHOT:
                delta = deltas[id(operator.inputs[0])]
            elif self.started and all(deltas[id(each)].empty() for each in operator.inputs):
                delta = ZSetPython()
            else:
                whole = [ZSetPython(self.integrals[id(each)]) for each in operator.inputs]
                delta = operator.evaluate(*whole).to_python() - ZSetPython(
                    self.integrals[id(operator)]
                )
            deltas[id(operator)] = delta
            check_bounds(operator, delta.iter())
            counts = self.integrals.get(id(operator))
            if counts is not None:
                add(counts, delta)
                self.done.append((counts, delta))
                check_bounds(operator, ((row, counts.get(row, 0)) for row, _ in delta.iter()))
                if id(operator) in self.checked:
                    self.check(operator, counts, delta)
        return deltas

    def stepped(
        self, operator: ir.Operator, deltas: Mapping[int, ZSetPython[Any]]
    ) -> ZSet[Any] | None:
        """The change of an operator whose meaning is about steps."""
        changes = tuple(
            (self.previous if operator.delays else deltas).get(id(each), ZSetPython())
            for each in operator.inputs
        )
        integrals = self.integrals
        before = tuple(
            ZSetPython(integrals.get(id(each), {})) - deltas[id(each)] for each in operator.inputs
        )
        return operator.step(changes, before)

    def check(self, operator: ir.Operator, counts: Counts, delta: ZSetPython[Any]) -> None:
        for row, _ in delta.iter():
            if counts.get(row, 0) < 0:
                raise RowError(
                    f"{row!r} was removed from {operator.label}, and it is not there",
                    hint="nothing was written; remove rows as they were inserted, or use "
                    "from_graph(..., allow_negative=True)",
                )

    def cache(self, name: str) -> ZSet[Any]:
        """The rows of a cache."""
        return self.integral(self.caches[name].inputs[0])

    def integral(self, operator: ir.Operator) -> ZSet[Any]:
        codec = python_codec(operator.schema.type)
        return Integral(self.integrals[id(operator)], self.turn, codec.canonical)


def check_bounds(operator: ir.Operator, rows: Iterable[tuple[Any, int]]) -> None:
    """Raise `RowError` if the count of a row is one that no database can keep."""
    for row, count in rows:
        if abs(count) >= 2**63:
            raise RowError(
                f"a count {BEYOND}: that of the row of {operator.label} {row!r}, {count}",
                hint="nothing was changed; a count is an int of less than 64 bits",
            )


def add(counts: Counts, delta: ZSetPython[Any]) -> None:
    """Add a change to counts, in place."""
    for row, count in delta.iter():
        total = counts.get(row, 0) + count
        if total:
            counts[row] = total
        else:
            counts.pop(row, None)


class Integral(ZSet[Any]):
    """An integral, read when it is iterated: as it is between two steps.

    ``canonical`` gives a row that is looked for the form that rows have.
    """

    def __init__(
        self, counts: Counts, turn: threading.RLock, canonical: Callable[[Any], Any]
    ) -> None:
        self.counts = counts
        self.turn = turn
        self.canonical = canonical

    def iter(self, match: frozenset[Any] | MatchAll = MATCH_ALL) -> Iterator[tuple[Any, int]]:
        with self.turn:
            rows = ZSetPython(self.counts)
        if not isinstance(match, MatchAll):
            match = frozenset(map(self.canonical, match))
        return rows.iter(match)


def fault(roots: tuple[ir.Operator, ...], changes: Mapping[str, ZSet[Any]]) -> RowError | None:
    """What Python raises for a changed row of an input, or for one that is made of it alone.

    A database says that a step failed, and not for which row. Nothing stored is read here, so a row
    that only a join or an aggregate makes is not found.
    """
    known: dict[int, ZSetPython[Any]] = {}
    for operator in ir.topological(*roots):
        if operator.inputs and not all(id(each) in known for each in operator.inputs):
            continue
        try:
            if not operator.inputs:
                form = python_codec(operator.schema.type).canonical
                change = changes.get(operator.label, ZSetPython())
                known[id(operator)] = ZSetPython((form(row), n) for row, n in change.iter())
                continue
            # Of what is not linear this is no change, but it calls the same functions.
            made = operator.evaluate(*(known[id(each)] for each in operator.inputs))
            if operator.linear:
                known[id(operator)] = made.to_python()
        except RowError as error:
            return error
        except Exception:  # a meaning that is about more than rows
            continue
    return None
