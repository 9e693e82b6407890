"""What two versions of a query keep: which tables stay as they are, which are new, which go."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stepping.compiler.plan.manifest import Manifest, SQLTable, SQLView, physical
from stepping.compiler.plan.tables import Table


class Fate(enum.Enum):
    """What becomes of a table."""

    KEPT = "kept"  # with its rows, as it is
    INDEXED = "indexed"  # kept with its rows; indexes are added or dropped
    RENAMED = "renamed"  # kept with its rows, under another name
    REBUILT = "rebuilt"  # the same rows in another form: copied
    NEW = "new"
    DROPPED = "dropped"


@dataclass(frozen=True)
class TableChange:
    """One table: as it is installed, and as it is wanted."""

    fate: Fate
    old: SQLTable | None
    new: SQLTable | None
    columns: tuple[tuple[str, str], ...] = ()  # that are renamed, as they were and are

    @property
    def shown(self) -> str:
        """Its name, and the operator it serves."""
        table = (self.new or self.old).table  # type: ignore[union-attr]
        return f"{table.name} ({table.serves}, {table.where})"


def table_changes(
    old: Manifest | None, new: Manifest, same_form: Callable[[Table, Table], bool] | None = None
) -> tuple[TableChange, ...]:
    """What becomes of each table: those of the wanted query in its order, then those that go.

    ``same_form`` says whether two tables differ in nothing but their indexes, on their database.
    """
    by_digest = {} if old is None else {each.table.digest: each for each in old.tables}
    found: list[TableChange] = []
    for wanted in new.tables:
        known = by_digest.pop(wanted.table.digest, None)
        found.append(TableChange(_fate(known, wanted, same_form), known, wanted))
    gone = (TableChange(Fate.DROPPED, each, None) for each in by_digest.values())
    return (*found, *gone)


def _fate(
    known: SQLTable | None,
    wanted: SQLTable,
    same_form: Callable[[Table, Table], bool] | None,
) -> Fate:
    if known is None:
        return Fate.NEW
    if physical(known.table) == physical(wanted.table):
        return Fate.KEPT
    if same_form is not None and not same_form(known.table, wanted.table):
        return Fate.REBUILT
    if known.table.name != wanted.table.name:
        return Fate.RENAMED
    return Fate.INDEXED


def views_gone(changes: Iterable[TableChange]) -> tuple[SQLView, ...]:
    """The installed views that go before their tables are changed: views of views first."""
    found = [v for each in changes if each.old for v in each.old.views if not _stays(each, v)]
    return tuple(reversed(found))


def views_made(changes: Iterable[TableChange]) -> tuple[SQLView, ...]:
    """The wanted views that are not there, or are dropped."""
    found = (v for each in changes if each.new for v in each.new.views if not _stays(each, v))
    return tuple(found)


def _stays(change: TableChange, view: SQLView) -> bool:
    if change.old is None or change.new is None or change.fate not in (Fate.KEPT, Fate.INDEXED):
        return False
    form = physical(view.table)
    return all(form in [physical(v.table) for v in e.views] for e in (change.old, change.new))


def shown_difference(old: Manifest, new: Manifest) -> str:
    """Which operators' tables differ, a line each."""
    lines = []
    changes = table_changes(old, new)
    for view in views_made(changes):
        lines.append(f"  wanted, and not installed: {shown_view(view)}")
    for view in views_gone(changes):
        lines.append(f"  installed, and not wanted: {shown_view(view)}")
    for change in changes:
        match change.fate:
            case Fate.NEW:
                lines.append(f"  wanted, and not installed: {change.shown}")
            case Fate.DROPPED:
                lines.append(f"  installed, and not wanted: {change.shown}")
            case Fate.INDEXED | Fate.REBUILT:
                lines.append(f"  installed with other keys or indexes: {change.shown}")
            case Fate.RENAMED:
                lines.append(f"  installed under another name: {change.shown}")
            case Fate.KEPT:
                pass
    if old.allow_negative != new.allow_negative:
        lines.append(f"  installed with allow_negative={old.allow_negative}")
    return "\n".join(lines) or "  the tables are the same; what is said of them differs"


def shown_view(view: SQLView) -> str:
    """Its name, and the operator whose rows it shows."""
    table = view.table
    return f"{table.name} (a view; {table.serves}, {table.where})"
