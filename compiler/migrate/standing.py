"""Where rows stand in the tables that are installed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stepping.compiler import ir
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.lowering.demand import Columns
from stepping.compiler.lowering.meaning import StorageDigests
from stepping.compiler.lowering.terms import Standing
from stepping.compiler.plan.manifest import InputColumn, Manifest, PlanInput
from stepping.compiler.plan.migration import FilledFrom
from stepping.compiler.plan.tables import Table, TableKind
from stepping.compiler.schema import Atom, Column, Kind, Struct, ValueType, schema_of

_WIDENED = {(Kind.INT, Kind.FLOAT), (Kind.INT, Kind.DECIMAL)}


@dataclass(frozen=True)
class Candidate:
    """An installed table, by the name it has when others are filled, and whose it is."""

    table: Table
    manifest: Manifest
    name: str  # as it is installed
    shares: frozenset[str] | None = None  # of another query: the inputs it has in common with it

    def has_rows_of(self, operator: ir.Operator) -> bool:
        """Whether it was given the rows that an operator is of: the names of inputs do not say."""
        inputs = {each.label for each in ir.topological(operator) if not each.inputs}
        return self.shares is None or inputs <= self.shares


@dataclass
class Installed:
    """Finds the rows of operators in installed tables; the query's own come first.

    ``renames`` has ``{"Product.price": "cost"}`` for a field, ``{"products": "goods"}`` for an
    input, as they were to as they are.
    """

    candidates: Sequence[Candidate]
    renames: Mapping[str, str] = field(default_factory=dict)
    meanings: StorageDigests = field(default_factory=StorageDigests)
    found: dict[str, FilledFrom] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)  # of an input: why nothing stands for it

    def find(self, operator: ir.Operator, columns: Columns) -> Standing | None:
        """The rows of an operator, from a table that holds the very same, or an input's."""
        for each in self.candidates:
            standing = self.same(each.table, operator, columns)
            if standing is not None and each.has_rows_of(operator):
                self.note(operator, each)
                return standing
        return self.converted(operator, columns) if not operator.inputs else None

    def looked_up(self, operator: ir.Operator, table: Table) -> None:
        """Note that an operator's rows are read in its own table."""
        for each in self.candidates:
            if each.table.name == table.name:
                self.note(operator, each)

    def note(self, operator: ir.Operator, candidate: Candidate, how: str = "") -> None:
        found = FilledFrom(operator.label, candidate.name, candidate.manifest.query, how)
        self.found.setdefault(operator.label, found)

    def same(self, table: Table, operator: ir.Operator, columns: Columns) -> Standing | None:
        held = {of: name for name, of in table.holds}
        if table.kind is not TableKind.DELAY or not columns <= set(held):
            return None
        if not set(held) <= set(operator.schema.names):
            return None
        if self.meanings.of(operator, frozenset(held)).hex() != table.rows:
            return None
        return Standing(table, {name: reference(table, held[name]) for name in columns})

    # -- inputs whose rows have changed ---------------------------------------------------------

    def converted(self, operator: ir.Operator, columns: Columns) -> Standing | None:
        """The rows of an input whose fields are others now, from what was stored of it."""
        old_name = old_input_name(operator.label, self.renames)
        reasons = []
        for each in self.candidates:
            stored = next((i for i in each.manifest.inputs if i.name == old_name), None)
            if each.table.input != old_name or stored is None or not each.has_rows_of(operator):
                continue
            made: dict[str, ir.Scalar] = {}
            notes: list[str] = []
            failed = ""
            for column in operator.schema.columns:
                if column.name in columns:
                    value = self.column(each.table, stored, operator.schema.type, column, notes)
                    if isinstance(value, str):
                        failed = value
                        break
                    made[column.name] = value
            if not failed:
                self.note(operator, each, "; ".join(notes))
                return Standing(each.table, made)
            reasons.append(failed)
        if reasons:
            self.why[operator.label] = reasons[0]
        return None

    def column(
        self,
        table: Table,
        stored: PlanInput,
        row: ValueType,
        column: Column,
        notes: list[str],
    ) -> ir.Scalar | str:
        """A column of an input's new rows, of the old ones; or why it cannot be."""
        path = old_path(self.renames, stored.row, column.path)
        was = next((each for each in stored.columns if each.path == path), None)
        shown = ".".join(column.path) or column.name
        if was is None:
            default = default_of(row, column)
            if default is None:
                return f"{stored.row} had no {shown}, and it has no default"
            notes.append(f"{shown} is {default.value!r}, its default")
            return default
        held = next((name for name, of in table.holds if of == was.name), None)
        if held is None:
            return f"{table.name} does not hold {'.'.join(was.path) or was.name}"
        if was.path != column.path:
            notes.append(f"{'.'.join(was.path)} is {shown} now")
        return widened(reference(table, held), was, column, notes)


def old_input_name(name: str, renames: Mapping[str, str]) -> str:
    """What an input was called."""
    return next((old for old, new in renames.items() if new == name), name)


def old_path(renames: Mapping[str, str], row: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """What led to a field of a row class before its fields were renamed."""
    for old, new in renames.items():
        owner, dot, name = old.rpartition(".")
        if dot and owner == row and path and path[0] == new:
            return (name, *path[1:])
    return path


def reference(table: Table, name: str) -> ir.ColumnRef:
    return ir.ColumnRef(name, table.column(name).type)


def widened(
    value: ir.ColumnRef, was: InputColumn, column: Column, notes: list[str]
) -> ir.Scalar | str:
    """A stored value as one of a wider type, or why it is none."""
    old, new = was.type, column.type
    shown = ".".join(column.path) or column.name
    if old == new:
        return value
    if (old.nullable and not new.nullable) or not is_wider(old, new):
        return f"{shown} was {old} and is {new}"
    notes.append(f"{shown} was {old} and is {new}")
    if old.kind is new.kind:
        return dataclasses.replace(value, type=new)
    wide = functions.coerced(value, dataclasses.replace(new, nullable=old.nullable))
    return dataclasses.replace(wide, type=new)


def is_wider(old: Atom, new: Atom) -> bool:
    if old.kind is Kind.ENUM and new.kind is Kind.ENUM:
        return set(old.members) <= set(new.members)  # stored by name
    same = old.required() == new.required()
    return same or (old.kind, new.kind) in _WIDENED


def default_of(row: ValueType, column: Column) -> ir.Const | None:
    """The default of the field that a column is of, as the column's constant."""
    if not isinstance(row, Struct) or not column.path:
        return None
    field_of = getattr(row.cls, "__dataclass_fields__", {}).get(column.path[0])
    value: Any
    if field_of is not None:
        if field_of.default is not dataclasses.MISSING:
            value = field_of.default
        elif field_of.default_factory is not dataclasses.MISSING:
            value = field_of.default_factory()
        else:
            return None
    elif column.path[0] in getattr(row.cls, "_field_defaults", {}):
        value = row.cls._field_defaults[column.path[0]]
    else:
        return None
    inner = schema_of(row.field(column.path[0]))
    encoded = python_codec(inner.type).encode(value)
    for each, part in zip(inner.columns, encoded, strict=True):
        if (column.path[0], *each.path) == column.path:
            return ir.Const(part, column.type)
    return None
