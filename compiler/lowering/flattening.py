"""Joins that need no table of their own: a probe of one is a probe of one side, then of the other.

A join of a join would keep every pair of the inner one in a table, only for the outer one to look
them up by a key. Where that key is of one side, the rows of that side are looked up by it, and the
other side's by the inner join's key: one more look-up for each row that is found, and no table to
write with each change. Integrals are linear, so that of a map or a filter of such a join is the
same of what is looked up.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from stepping.compiler import ir
from stepping.compiler.operators.join import Join

MOST_SIDES = 4  # of one look-up: a join of more keeps the inner one
Key = tuple[ir.Scalar, ...]


@dataclass(frozen=True)
class JoinProbe:
    """How the integral of a join is looked up by a key: first one side, then the other."""

    steps: tuple[ir.Project | ir.Filter, ...]  # over the join, the last of them first
    join: Join
    is_left: bool  # whether the first side is the join's left
    by: Key  # the key, over the first side's columns

    @property
    def first(self) -> ir.Operator:
        return self.join.left if self.is_left else self.join.right

    @property
    def second(self) -> ir.Operator:
        return self.join.right if self.is_left else self.join.left

    @property
    def on_first(self) -> Key:
        """The join's key, over the first side's columns."""
        function = self.join.on_left if self.is_left else self.join.on_right
        assert function.scalars is not None
        return function.scalars

    @property
    def on_second(self) -> Key:
        function = self.join.on_right if self.is_left else self.join.on_left
        assert function.scalars is not None
        return function.scalars

    def reads(self, moment: ir.Moment) -> tuple[ir.Read, ir.Read]:
        """The reads of both sides."""
        return ir.Read(self.first, moment, self.by), ir.Read(self.second, moment, self.on_second)

    def names(self, operator: ir.Operator) -> tuple[tuple[str, str], ...]:
        """The join's columns that are a side's, each beside that side's own name."""
        count = len(self.join.left.schema.names)
        names = self.join.schema.names
        own = names[:count] if operator is self.join.left else names[count:]
        return tuple(zip(own, operator.schema.names, strict=True))


def looked_up(operator: ir.Operator, key: Key) -> JoinProbe | None:
    """How an operator's integral is found by a key in those of a join's sides, if it can be."""
    steps: list[ir.Project | ir.Filter] = []
    while not isinstance(operator, Join):
        relation = operator.delta(ir.Reads()) if operator.linear else None
        match relation:
            case ir.Project(ir.Read(source, ir.Moment.DELTA)):
                key = tuple(ir.substitute(each, dict(relation.columns)) for each in key)
            case ir.Filter(ir.Read(source, ir.Moment.DELTA)):
                pass
            case _:
                return None
        steps.append(relation)
        operator = source
    if operator.python_functions or operator.left is operator.right:
        return None
    read = frozenset().union(*(ir.columns_read(each) for each in key))
    count = len(operator.left.schema.names)
    names = operator.schema.names
    for is_left, own in ((True, names[:count]), (False, names[count:])):
        if read and read <= set(own):
            side = operator.left if is_left else operator.right
            columns = {
                outer: ir.ColumnRef(column.name, column.type)
                for outer, column in zip(own, side.schema.columns, strict=True)
            }
            by = tuple(ir.substitute(each, columns) for each in key)
            return JoinProbe(tuple(steps), operator, is_left, by)
    return None


def sides_of(looked: JoinProbe) -> tuple[tuple[ir.Operator, Key], ...]:
    """Both sides of a look-up, each with the key that it is looked up by."""
    return (looked.first, looked.by), (looked.second, looked.on_second)


def can_look_up(operator: ir.Operator, key: Key, flat: Container[ir.Operator]) -> bool:
    """Whether an integral is found by a key: in its table, or in those of a join's sides."""
    if operator not in flat:
        return True
    looked = looked_up(operator, key)
    return looked is not None and all(can_look_up(op, k, flat) for op, k in sides_of(looked))


def flattened(
    roots: tuple[ir.Operator, ...], after: frozenset[ir.Operator]
) -> tuple[frozenset[ir.Operator], frozenset[ir.Operator]]:
    """The operators whose integral is read, and need not be kept for that.

    And which integrals are read as they are after a step: those ``after`` and such as are looked
    up in these alone. Where the tables of two sides hold different moments, a join is kept.
    """
    operators = list(ir.topological(*roots))
    by: dict[ir.Operator, list[Key]] = {}
    pinned: set[ir.Operator] = set()
    for operator in operators:
        if isinstance(operator, ir.Integrate):
            pinned.add(operator.source)
            continue
        for read in _reads(operator.delta(ir.Reads()), pinned):
            by.setdefault(read.operator, []).append(read.by)
    sides: dict[ir.Operator, int] = {}
    for operator in operators:
        if operator not in by or operator in pinned:
            continue
        found = [looked_up(operator, key) for key in by[operator]]
        most = 0
        for each in found:
            if each is None or (each.first in after) != (each.second in after):
                break
            if not all(can_look_up(op, key, sides) for op, key in sides_of(each)):
                break
            most = max(most, sides.get(each.first, 1) + sides.get(each.second, 1))
        else:
            if most <= MOST_SIDES:
                sides[operator] = most
                after |= {operator for each in found[:1] if each and each.first in after}
    return frozenset(sides), after


def _reads(relation: ir.Relation, pinned: set[ir.Operator]) -> Iterator[ir.Read]:
    """The look-ups of integrals; what is read in any other way is added to ``pinned``."""
    match relation:
        case ir.Match():
            for part in (relation.left, relation.right):
                if isinstance(part, ir.Read):
                    if part.moment is not ir.Moment.DELTA:
                        yield part
                else:
                    yield from _reads(part, pinned)
            return
        case ir.Read(operator, moment) if moment is not ir.Moment.DELTA:
            pinned.add(operator)
        case ir.Accumulate():
            pinned.update(each.operator for each in relation.extremes)
        case ir.Threshold() | ir.First() | ir.Regroup():
            pinned.add(relation.operator)
        case ir.Closure():
            pinned.update((relation.state, *relation.externals))
        case _:
            pass
    for part in ir.sources(relation):
        yield from _reads(part, pinned)
