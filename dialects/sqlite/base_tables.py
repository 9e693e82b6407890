"""What SQLite says of the application's tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from stepping.compiler.plan.base_tables import BaseColumn, BaseIndex, BaseTable, TableRef
from stepping.dialects.identifiers import quoted
from stepping.dialects.sqlite.collations import collation_in, comparing

Read = Callable[..., list[tuple[Any, ...]]]

_OURS = "stepping_"


def described(read: Read, table: TableRef) -> BaseTable | None:
    """A table as it is in the database; None if there is none of that name."""
    found = read(
        "SELECT name, type, sql FROM sqlite_master WHERE lower(name) = lower(?) "
        "AND type IN ('table', 'view')",
        (table.name,),
    )
    if not found:
        return None
    ((name, kind, sql),) = found
    if kind == "view":
        shown = read("SELECT t.name, t.type FROM pragma_table_xinfo(?) AS t", (name,))
        columns = tuple(BaseColumn(column, type_.lower()) for column, type_ in shown)
        return BaseTable(name, kind="a view", columns=columns)
    if re.match(r"\s*CREATE\s+VIRTUAL\b", sql or "", re.IGNORECASE):
        return BaseTable(name, kind="a virtual table")
    rows = read(
        'SELECT t.name, t.type, t."notnull", t.pk, t.hidden FROM pragma_table_xinfo(?) AS t',
        (name,),
    )
    collations = _collations(read, name, [row[0] for row in rows])
    columns = tuple(
        BaseColumn(
            column, type_.lower(), not notnull and not pk, collations.get(column, ""), hidden > 1
        )
        for column, type_, notnull, pk, hidden in rows
    )
    primary = tuple(row[0] for row in sorted(rows, key=lambda row: row[3]) if row[3])
    without_rowid = not _has_rowid(read, name)
    whole = (
        len(primary) == 1 and next(r[1] for r in rows if r[0] == primary[0]).upper() == "INTEGER"
    )
    row_id = primary[0] if whole and not without_rowid else ""
    indexes, keys = _indexes(read, name)
    if row_id:
        indexes = (BaseIndex("rowid", (row_id,), unique=True), *indexes)
        keys = ((row_id,), *keys)
    facts = [("rowid", "" if without_rowid else _row_id_name([row[0] for row in rows]))]
    facts += [("without_rowid", "yes")] if without_rowid else []
    facts += [("primary", "\0".join(primary))]
    facts += [("triggers", "\0".join(_triggers(read, name)))]
    facts += [("cascades", "\0".join(_cascades(read, name)))]
    return BaseTable(
        name,
        columns=columns,
        indexes=indexes,
        keys=keys,
        row_id=row_id,
        facts=tuple((key, value) for key, value in facts if value),
    )


def _has_rowid(read: Read, table: str) -> bool:
    ((without,),) = read(
        "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", (table,)
    )
    return not without


def _row_id_name(columns: Sequence[str]) -> str:
    """A name of the row number that no column has taken."""
    taken = {column.lower() for column in columns}
    return next((each for each in ("rowid", "_rowid_", "oid") if each not in taken), "")


def _indexes(read: Read, table: str) -> tuple[tuple[BaseIndex, ...], tuple[tuple[str, ...], ...]]:
    """The indexes over columns, and the keys that a row may be replaced for."""
    indexes, keys = [], []
    for name, unique, partial in read(
        'SELECT name, "unique", partial FROM pragma_index_list(?)', (table,)
    ):
        rows = read(
            'SELECT name, "desc" FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno', (name,)
        )
        columns = tuple(row[0] for row in rows)
        down = tuple(bool(row[1]) for row in rows)
        plain = all(column is not None for column in columns)
        if plain and not partial:
            indexes.append(BaseIndex(name, columns, bool(unique), down if any(down) else ()))
        if unique:
            keys.append(tuple(column or "" for column in columns))
    return tuple(indexes), tuple(dict.fromkeys(keys))


def _collations(read: Read, table: str, columns: Sequence[str]) -> dict[str, str]:
    """Columns that are not compared by bytes, with the collation that compares them."""
    selects = {each: f"SELECT {quoted(each)} AS e FROM {quoted(table)}" for each in columns}
    found = {c: collation_in(read(f"EXPLAIN {comparing(s)}")) for c, s in selects.items()}
    return {column: collation for column, collation in found.items() if collation}


def _triggers(read: Read, table: str) -> list[str]:
    """The application's own triggers on a table."""
    rows = read(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(?)",
        (table,),
    )
    return [name for (name,) in rows if not name.startswith(_OURS)]


def _cascades(read: Read, table: str) -> list[str]:
    """The tables whose deleted or changed rows change rows of this one."""
    rows = read('SELECT "table", on_update, on_delete FROM pragma_foreign_key_list(?)', (table,))
    quiet = ("NO ACTION", "RESTRICT")
    return [parent for parent, *acts in rows if any(act not in quiet for act in acts)]
