"""Tables that are read in order, both as they were before a step and after it.

A recursion, or the first rows of an order, reads its table before the step's change is merged and
once more after it. Where a second one depends on what the first one found, and reads the same
table, the merge would have to come before and after its reads: it gets a copy of the table.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass, field
from typing import assert_never

from stepping.compiler import ir
from stepping.compiler.operators.topn import Ordered

Event = tuple[str, ir.Operator]  # "before" or "after" of what reads, "merge" of what is read


def copy_ordered(roots: tuple[ir.Operator, ...]) -> tuple[ir.Operator, ...]:
    """The same query, in which all reads of each table can be put around its merge."""
    replaced: dict[int, ir.Operator] = {}
    events = _Events()
    for operator in ir.topological(*roots):
        inputs = tuple(replaced[id(each)] for each in operator.inputs)
        same = all(a is b for a, b in zip(inputs, operator.inputs, strict=True))
        moved = operator if same else operator.over(inputs)
        if any(type(each) is Ordered for each in inputs):
            moved = events.placed(moved)
        replaced[id(operator)] = moved
    return tuple(replaced[id(root)] for root in roots)


def read_in_order(operator: ir.Operator) -> tuple[set[ir.Operator], set[ir.Operator]]:
    """The operators whose tables one reads before they are merged into, and after that."""
    before: set[ir.Operator] = set()
    after: set[ir.Operator] = set()
    for each in ir.tabled(operator.delta(ir.Reads())):
        match each:
            case ir.First():
                before.add(each.operator)
                after.add(each.operator)
            case ir.Regroup():
                after.add(each.operator)
            case ir.Closure():
                before |= set(each.externals)
                after |= set(each.externals)
            case ir.Accumulate():
                after |= {extreme.operator for extreme in each.extremes}
            case ir.Threshold():
                before.add(each.operator)
            case _:
                assert_never(each)
    return before, after


@dataclass
class _Events:
    """Which reads and merges must come after which, for the operators that have been placed."""

    later: dict[Event, set[Event]] = field(default_factory=lambda: defaultdict(set))
    readers: set[ir.Operator] = field(default_factory=set)
    copies: dict[Ordered, Ordered] = field(default_factory=dict)  # one node for each copy

    def placed(self, operator: ir.Operator) -> ir.Operator:
        """The operator over those copies that it can read."""
        inputs = list(operator.inputs)
        fits: list[ir.Operator] = []
        for position, each in enumerate(operator.inputs):
            while type(each) is Ordered:
                inputs[position] = self.copies.setdefault(each, each)
                moved = operator.over(tuple(inputs))
                if not self.makes_circle(self.around(moved, [*fits, each])):
                    operator = moved
                    fits.append(each)
                    break
                each = dataclasses.replace(each, copy=each.copy + 1)
        for earlier, event in self.around(operator, fits):
            self.later[earlier].add(event)
        self.readers.add(operator)
        return operator

    def around(self, operator: ir.Operator, tables: list[ir.Operator]) -> set[tuple[Event, Event]]:
        """What must come in which order for an operator's reads of these tables."""
        before, after = read_in_order(operator)
        edges: set[tuple[Event, Event]] = {(("before", operator), ("after", operator))}
        edges |= {(("before", operator), ("merge", each)) for each in tables if each in before}
        edges |= {(("merge", each), ("after", operator)) for each in tables if each in after}
        # What is found by one is read by the next, and is what is merged into other tables.
        edges |= {(("after", each), ("before", operator)) for each in self.below(operator)}
        for table in tables:
            edges |= {(("after", each), ("merge", table)) for each in self.below(table)}
        return edges

    def below(self, operator: ir.Operator) -> list[ir.Operator]:
        return [each for each in ir.topological(operator) if each in self.readers]

    def makes_circle(self, edges: set[tuple[Event, Event]]) -> bool:
        """Whether there is no order that keeps to these edges and to those that are known."""
        more: dict[Event, set[Event]] = defaultdict(set)
        for earlier, event in edges:
            more[earlier].add(event)
        for start in list(more):
            seen: set[Event] = set()
            todo = [start]
            while todo:
                at = todo.pop()
                for event in (*self.later.get(at, ()), *more.get(at, ())):
                    if event == start:
                        return True
                    if event not in seen:
                        seen.add(event)
                        todo.append(event)
        return False
