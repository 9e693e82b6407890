"""Integrals that are an aggregate's own groups, seen through maps and filters.

A group's row in its state table says what its row in the result is. So the integral of the result,
and of maps and filters of it, need no table: it is the state table with other columns. What is
looked up or ordered by must then be columns of the state table, where an index can serve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepping.compiler import ir
from stepping.compiler.lowering.demand import Demand, Reading


@dataclass(frozen=True)
class GroupProjection:
    """How an operator's rows are made of groups: steps from the group to the row."""

    groups: ir.Accumulate
    columns: Mapping[str, ir.Scalar]  # over the columns of the change: a key, or `new_name`
    filters: tuple[ir.Scalar, ...]

    def held(self, scalar: ir.Scalar) -> str | None:
        """The key or the new value of a group that a scalar over the operator's columns is."""
        value = ir.substitute(scalar, self.columns)
        return value.name if isinstance(value, ir.ColumnRef) else None


def shown_by(operator: ir.Operator) -> GroupProjection | None:
    """The groups that an operator shows, one row for each of some of them, or None.

    Of a map that leaves out a part of the key several groups might give one row: that is no view,
    since its count would have to be added up.
    """
    steps: list[ir.Project | ir.Filter] = []
    while True:
        relation = operator.delta(ir.Reads())
        match relation:
            case ir.Project(ir.Read(source, ir.Moment.DELTA)):
                steps.append(relation)
                operator = source
            case ir.Filter(ir.Read(source, ir.Moment.DELTA)):
                steps.append(relation)
                operator = source
            case ir.Sum((ir.Negate(), ir.Project(ir.Filter(ir.Accumulate() as groups)) as new)):
                return _through(groups, new, steps)
            case _:
                return None


def shows_whole(operator: ir.Operator) -> bool:
    """Whether the old and the new row of a changed group always differ.

    They do where the operator keeps every column that the test for a change compares; the two rows
    then need no consolidation.
    """
    shown = shown_by(operator)
    groups = shown and shown_by(shown.groups.operator)
    if shown is None or groups is None:
        return False
    held = {each.name for each in shown.columns.values() if isinstance(each, ir.ColumnRef)}
    return all(isinstance(e, ir.ColumnRef) and e.name in held for e in groups.columns.values())


def _through(
    groups: ir.Accumulate, new: ir.Project, steps: Sequence[ir.Project | ir.Filter]
) -> GroupProjection | None:
    columns: Mapping[str, ir.Scalar] = dict(new.columns)
    keyed = any(
        isinstance(scalar, ir.ColumnRef) and scalar.name == name
        for name, _ in groups.keys
        for scalar in columns.values()
    )
    filters: list[ir.Scalar] = []
    for step in reversed(steps):
        if isinstance(step, ir.Filter):
            filters.append(ir.substitute(step.predicate, columns))
        else:
            columns = {name: ir.substitute(scalar, columns) for name, scalar in step.columns}
    held = {scalar.name for scalar in columns.values() if isinstance(scalar, ir.ColumnRef)}
    one_to_one = not keyed or all(name in held for name, _ in groups.keys)
    plain = not any(ir.is_partial(scalar) for scalar in (*columns.values(), *filters))
    # A None in a key is another value in a table, which no index would find through a view; but a
    # NULL of the database's own types is one there as well.
    plain = plain and not any(atom.nullable and atom.native is None for _, atom in groups.keys)
    return GroupProjection(groups, columns, tuple(filters)) if one_to_one and plain else None


def viewed(demand: Demand) -> Mapping[ir.Operator, GroupProjection]:
    """The operators whose integral is read, and needs no table of its own."""
    found: dict[ir.Operator, GroupProjection] = {}
    for operator, readings in demand.readings.items():
        if operator in demand.probed:
            continue
        shown = shown_by(operator)
        if shown is None or shown.groups.operator not in demand.states:
            continue
        if all(_is_served(shown, reading) for reading in readings):
            found[operator] = shown
    return found


def _is_served(shown: GroupProjection, reading: Reading) -> bool:
    """Whether an index of the state table serves a reading."""
    floats = {s.name for s in shown.groups.sums if s.kind is ir.SumKind.ANY_FLOAT}
    apart = {ir.new_name(name) for name in floats}  # the infinities stand in other columns
    return all(
        not scalar.type.nullable and (held := shown.held(scalar)) is not None and held not in apart
        for scalar in reading.key
    )
