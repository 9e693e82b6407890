"""What is kept for a query: delay tables, groups with their state, and views of those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stepping.compiler import ir
from stepping.compiler.lowering.demand import Key
from stepping.compiler.lowering.in_place import Base
from stepping.compiler.lowering.views import GroupProjection
from stepping.compiler.plan.tables import Table
from stepping.compiler.schema import bounded


@dataclass(frozen=True)
class Arrangement:
    """The delay table of one operator. ``columns`` says what each of its columns holds."""

    operator: ir.Operator
    table: Table
    columns: tuple[tuple[str, ir.Scalar], ...]
    keys: Mapping[Key, tuple[str, ...]]  # the columns that stand for the scalars of a key

    @property
    def reads(self) -> frozenset[str]:
        """The operator's columns that those of the table are made of."""
        return frozenset().union(*(ir.columns_read(scalar) for _, scalar in self.columns))

    def holding(self, name: str) -> str | None:
        """The table's column that holds a column of the operator."""
        for stored, scalar in self.columns:
            if isinstance(scalar, ir.ColumnRef) and scalar.name == name:
                return stored
        return None


@dataclass(frozen=True)
class KeyedState:
    """The state table of an Accumulate, and the change table of one step."""

    groups: ir.Accumulate
    table: Table
    change: Table

    def column_of(self, held: str) -> str:
        """The table's column for a key, or for what the change calls the new value."""
        if held == ir.GROUP_NEW:
            return self.table.weight or ""
        return next((each.value for each in self.table.values if each.new == held), held)


def set_apart(state: KeyedState, prefix: str) -> KeyedState:
    """The same groups, with a change table that nobody else uses."""
    name = bounded(f"stepping_{prefix}{state.change.name.removeprefix('stepping_')}")
    return replace(state, change=replace(state.change, name=name))


@dataclass(frozen=True)
class View:
    """An integral that is the groups of a state table: ``seen`` as the view shows it."""

    seen: Arrangement
    shown: GroupProjection
    state: KeyedState

    def lookup_columns(self, key: Key) -> tuple[str, ...]:
        """The columns of the state table that stand for the scalars of a key."""
        return tuple(self.state.column_of(self.shown.held(scalar) or "") for scalar in key)


@dataclass(frozen=True)
class Arrangements:
    """Everything that is kept for a query."""

    delay: Mapping[ir.Operator, Arrangement]
    state: Mapping[ir.Operator, KeyedState]
    views: Mapping[ir.Operator, View] = field(default_factory=dict)
    flat: frozenset[ir.Operator] = frozenset()  # integrals that are looked up in others
    # What the tables hold while a step is computed.
    moments: ir.Moments = field(default_factory=ir.Moments)
    base: Base = field(default_factory=Base)  # tables of the application

    def seen(self, operator: ir.Operator) -> Arrangement:
        """How an operator's integral is read by name: in its own table, or in a view."""
        view = self.views.get(operator)
        return self.delay[operator] if view is None else view.seen

    def lookup_columns(self, operator: ir.Operator, key: Key) -> tuple[str, ...]:
        """The columns of the kept table that stand for the scalars of a key."""
        view = self.views.get(operator) or self.base.in_place.get(operator)
        return self.delay[operator].keys[key] if view is None else view.lookup_columns(key)

    @property
    def tables(self) -> tuple[Table, ...]:
        return (
            *(each.table for each in self.delay.values()),
            *(each.table for each in self.state.values()),
        )
