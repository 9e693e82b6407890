"""Tables of inputs that differ from installed ones by the names of fields only: they are renamed.

What hangs on a renamed field has another meaning to who cannot see that it is the same; so what is
computed of it is made anew. The rows of inputs are mostly most of the rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from stepping.compiler.migrate.standing import old_input_name, old_path
from stepping.compiler.plan.changes import Fate, TableChange
from stepping.compiler.plan.manifest import Manifest, SQLTable
from stepping.compiler.plan.tables import Table
from stepping.dialects.base import Dialect
from stepping.dialects.migration import body_of, is_index, name_in


def with_renames(
    changes: Sequence[TableChange],
    old: Manifest,
    new: Manifest,
    renames: Mapping[str, str],
    dialect: Dialect,
) -> tuple[TableChange, ...]:
    """The changes, with a new and a dropped table as one that is renamed where that is all."""
    gone = {
        change.old.table.input: change
        for change in changes
        if change.fate is Fate.DROPPED and change.old is not None and change.old.table.input
    }
    found: dict[TableChange, TableChange] = {}
    for change in changes:
        if change.fate is not Fate.NEW or change.new is None or not change.new.table.input:
            continue
        was = gone.get(old_input_name(change.new.table.input, renames))
        if was is None or was.old is None:
            continue
        names = renamed_columns(was.old.table, change.new.table, old, new, renames)
        if names is None:
            continue
        moved = with_columns(was.old.table, dict(names))
        if is_same(moved, change.new.table) and dialect.is_same_table(moved, change.new.table):
            found[was] = change
            found[change] = TableChange(Fate.RENAMED, was.old, change.new, names)
    return tuple(
        found.get(each, each)
        for each in changes
        if each.fate is not Fate.DROPPED or each not in found
    )


def likely_renames(
    old: Manifest, new: Manifest, renames: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """What is gone and what is new, where they may be the same: the only two of one type."""
    found: list[tuple[str, str]] = []
    known = {old_input_name(each.name, renames) for each in new.inputs}
    come_inputs = [e for e in new.inputs if not old.input_named(old_input_name(e.name, renames))]
    gone_inputs = [each for each in old.inputs if each.name not in known]
    found += pairs_of(
        {each.name: [(c.path, c.type) for c in each.columns] for each in gone_inputs},
        {each.name: [(c.path, c.type) for c in each.columns] for each in come_inputs},
    )
    for each in new.inputs:
        stored = old.input_named(old_input_name(each.name, renames))
        if stored is None:
            continue
        was = {c.path: c.type for c in stored.columns if c.path}
        now = {old_path(renames, stored.row, c.path): c.type for c in each.columns if c.path}
        gone = {path[0]: (path[1:], was[path]) for path in was.keys() - now.keys()}
        come = {path[0]: (path[1:], now[path]) for path in now.keys() - was.keys()}
        found += ((f"{stored.row}.{a}", b) for a, b in pairs_of(gone, come))
    return tuple(found)


def pairs_of(gone: Mapping[str, object], come: Mapping[str, object]) -> list[tuple[str, str]]:
    """Names of either side that are the only ones there of something."""
    pairs = []
    for name, what in gone.items():
        like = [other for other, its in come.items() if its == what]
        if len(like) == 1 and list(gone.values()).count(what) == 1:
            pairs.append((name, like[0]))
    return pairs


def renamed_columns(
    was: Table, now: Table, old: Manifest, new: Manifest, renames: Mapping[str, str]
) -> tuple[tuple[str, str], ...] | None:
    """The columns that have another name, as they were and are; None if more is different."""
    stored = next((each for each in old.inputs if each.name == was.input), None)
    wanted = next((each for each in new.inputs if each.name == now.input), None)
    if stored is None or wanted is None:
        return None
    columns = {each.name: each for each in wanted.columns}
    before = {each.path: each for each in stored.columns}
    held = {of: name for name, of in was.holds}
    names: dict[str, str] = {}
    for name, of in now.holds:
        column = columns[of]
        source = before.get(old_path(renames, stored.row, column.path))
        if source is None or source.type != column.type or source.name not in held:
            return None
        names[held[source.name]] = name
    whole = len(names) == len(was.columns) == len(now.columns)
    changed = tuple((a, b) for a, b in names.items() if a != b)
    # One at a time: no name may be taken while another still has it.
    free = not {b for _, b in changed} & set(was.names)
    return changed if whole and free else None


def with_columns(table: Table, names: Mapping[str, str]) -> Table:
    """A table with other names for some of its columns."""

    def renamed(columns: Sequence[str]) -> tuple[str, ...]:
        return tuple(names.get(each, each) for each in columns)

    return dataclasses.replace(
        table,
        columns=tuple(
            dataclasses.replace(each, name=names.get(each.name, each.name))
            for each in table.columns
        ),
        key=renamed(table.key),
        indexes=tuple(
            dataclasses.replace(each, columns=renamed(each.columns)) for each in table.indexes
        ),
        ranges=tuple(
            dataclasses.replace(each, column=names.get(each.column, each.column))
            for each in table.ranges
        ),
    )


def is_same(a: Table, b: Table) -> bool:
    """Whether tables have the same columns, keys and indexes, whatever they are called."""

    def form(table: Table) -> tuple[object, ...]:
        indexes = [(each.columns, each.ascending, each.equal) for each in table.indexes]
        flags = table.weight, table.picked, table.non_negative
        return table.kind, set(table.columns), table.key, indexes, flags

    return form(a) == form(b)


def renamed_table(old: SQLTable, columns: Sequence[tuple[str, str]], dialect: Dialect) -> SQLTable:
    """An installed table once its columns are renamed: indexes keep their names."""
    if not columns:
        return old
    table = with_columns(old.table, dict(columns))
    made = dialect.table_ddl(table)
    on = dialect.quoted(table.name)
    ddl = tuple(
        f"CREATE INDEX IF NOT EXISTS {name_in(was)} ON {on} {body_of(now)}"
        if is_index(was)
        else was
        for was, now in zip(old.ddl, made, strict=True)
    )
    return dataclasses.replace(old, table=table, ddl=ddl)
