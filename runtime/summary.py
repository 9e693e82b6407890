"""The summary of a migration, for a reviewer who has five minutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stepping.compiler.plan.changes import Fate
from stepping.compiler.plan.migration import Migration, Phase
from stepping.compiler.plan.shown import ShownChange
from stepping.compiler.plan.statistics import TableSize

Sizes = Mapping[str, TableSize]


STAYS = "stays"
IN_THE_WAY = "is in the way: drop it before, and make it again behind"
BY_NAME = "reads it by name: does it read what goes, or is another?"


@dataclass(frozen=True)
class Reading:
    """What the application has made of a relation, a view of its own mostly, and what becomes of
    it when the relation is made anew.
    """

    what: str
    made: str  # the statement that makes it
    relations: tuple[str, ...]
    becomes: str

    def __str__(self) -> str:
        of = f"{self.what}, which the application has made of {', '.join(self.relations)}"
        if self.becomes == STAYS:
            return f"{of}: {STAYS}"
        made = "\n".join(f"    {line}" for line in self.made.splitlines())
        return f"{of}, {self.becomes}\n{made}"


_SHOWN = {
    Fate.KEPT: "kept, with its rows",
    Fate.INDEXED: "kept, with its rows; indexes or bounds change",
    Fate.RENAMED: "renamed, with its rows",
    Fate.REBUILT: "the same rows, written in another form",
    Fate.NEW: "new",
    Fate.DROPPED: "dropped",
}


def summary_of(
    migration: Migration, version: int, sizes: Sizes, not_undone: str, readers: Sequence[Reading]
) -> str:
    """What becomes of each table, what is locked and written, and what fails meanwhile."""
    return "\n".join(_lines(migration, version, sizes, not_undone, readers))


def _lines(
    migration: Migration, version: int, sizes: Sizes, not_undone: str, readers: Sequence[Reading]
) -> Iterator[str]:
    old = migration.old
    what = f"{migration.query} on {migration.dialect}"
    if migration.is_nothing:
        yield f"{what}: nothing to do, version {version - 1} is installed as it is wanted"
        return
    was = "not installed" if old is None else f"version {version - 1}"
    yield f"{what}: from {was} to version {version}"
    yield ""
    yield from _breaking(migration, version)
    yield ""
    yield from _shown(migration, readers)
    yield "Tables:"
    for change in migration.changes:
        table = (change.new or change.old).table  # type: ignore[union-attr]
        text = f"  {table.name}: {_SHOWN[change.fate]}"
        if change.fate is Fate.RENAMED and change.old is not None:
            was = change.old.table.name
            text = text if was != table.name else f"  {table.name}: {_SHOWN[Fate.KEPT]}"
            names = [f"was {was}"] if was != table.name else []
            names += [f"{b} was {a}" for a, b in change.columns]
            text += f" ({', '.join(names)})"
        yield f"{text}; {table.serves} ({table.where})"
    if migration.new_views or migration.gone_views:
        yield "Views:"
        yield from (f"  {name}: new" for name in migration.new_views)
        yield from (f"  {name}: dropped" for name in migration.gone_views)
    if migration.filled_from:
        yield "Filled from:"
        for each in migration.filled_from:
            yield f"  {each.what}: {_source(each, migration, sizes)}"
    if migration.underivable:
        yield "Not in the database, so that nothing can be done without a backfill:"
        for gap in migration.underivable:
            yield f"  {gap.input} ({', '.join(gap.columns)}): {gap.why}"
    for gone, come in migration.suggested:
        yield f"{gone} is gone and {come} is new: if it is the same, say --rename {gone}={come}"
    if migration.needs_python:
        yield f"No script alone can do it: {migration.needs_python}."
    yield from _in_batches(migration)
    yield "Locks:"
    locks = [s.lock for s in migration.statements if s.lock and not s.lock.startswith("none: ")]
    yield from (f"  {lock}" for lock in dict.fromkeys(locks))
    yield f"  {_meanwhile(migration)}"
    if old is not None:
        yield f"Back to version {version - 1}: " + (
            f"there is no way, since {not_undone}" if not_undone else "by the script .down.sql"
        )


def going_back(migration: Migration) -> Iterator[str]:
    """What the way back does with the relations that readers know."""
    for each in migration.shown:
        back = ShownChange(each.new, each.old)
        yield from (f"{back.relation} {line}" for line in back.lines)
        if back.gone:
            yield f"{', '.join(back.gone)} is there no longer"


def _shown(migration: Migration, readers: Sequence[Reading]) -> Iterator[str]:
    """What becomes of the relations, and of what others have made of them."""
    changes = [each for each in migration.shown if each.old is not None]
    if not changes and not readers:
        return
    yield "Relations:"
    for each in changes:
        yield f"  {each.relation}: {'; '.join(each.lines) or 'the same columns'}"
        again = [name for name in each.both if not each.is_wider]
        if again and migration.dialect == "postgres":
            yield (
                f"  {', '.join(again)}: dropped and made again; the owner, the rights and the "
                "comments are given back"
            )
    for reading in readers:
        yield f"  {reading}"
    if migration.above:
        yield f"Read by {', '.join(migration.above)}: made again in the same transaction"


def queued_lines(queued: int, misread: Sequence[str], version: int) -> Iterator[str]:
    """What becomes of changes that wait in the queue."""
    if misread:
        found = f"{queued} do: drain them with version {version - 1}" if queued else "none does now"
        yield (
            f"Queued changes: rows of {', '.join(misread)} get another form, so that nothing is "
            f"done while any waits; {found}."
        )
    elif queued:
        yield f"Queued changes: {queued} wait, and version {version} folds them in."


def _breaking(migration: Migration, version: int) -> Iterator[str]:
    if migration.old is None:
        yield "Not breaking: nothing that is there changes."
        return
    gone = [name for each in migration.shown for name in each.gone]
    captured = migration.new.capture is not None
    if not captured:
        gone = [
            change.old.table.name
            for change in migration.changes
            if change.old is not None and change.fate in (Fate.DROPPED, Fate.RENAMED)
        ]
        gone += migration.gone_views
    narrower = [each for each in migration.shown if each.both and not each.is_wider]
    if gone:
        yield f"Breaking for whoever reads these tables by name: {', '.join(gone)}."
    for each in narrower:
        if each.lines:
            yield f"Breaking for readers of {each.relation}: {'; '.join(each.lines)}."
    if not gone and not any(each.lines for each in narrower):
        yield "Not breaking for readers: no table goes, and none has another name."
    if captured:
        yield (
            "Whoever writes to the tables goes on. Stores that are open on version "
            f"{version - 1} fail cleanly when they read their rows (SchemaMismatch)."
        )
        return
    yield (
        f"Processes with version {version - 1} fail cleanly at their next step "
        "(SchemaMismatch, nothing written)."
    )


def _source(each: object, migration: Migration, sizes: Sizes) -> str:
    table, query, note = each.table, each.query, each.note  # type: ignore[attr-defined]
    if not table:
        return str(note)
    text = str(table)
    if (
        query
        and query != migration.query
        and (migration.old is None or query != migration.old.query)
    ):
        text += f" of the query {query}"
    if table in sizes:
        held = sizes[table]
        text += f", {held.rows:,} rows"
        text += f", {bytes_shown(held.bytes)}" if held.bytes is not None else ""
    return f"{text}; {note}" if note else text


def bytes_shown(size: int) -> str:
    """A number of bytes as a person reads it."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"


def _in_batches(migration: Migration) -> Iterator[str]:
    if migration.staged:
        yield "Filled beside what is there, while writers go on:"
        yield "  a short lock: triggers of the tables write down what changes from now on"
        batches = any(each.phase is Phase.BATCH for each in migration.statements)
        if batches:
            yield "  the largest table is read in batches of 10,000 rows, each in a transaction and"
            yield "  a snapshot of its own; then what has changed since is folded in"
        else:
            yield "  one snapshot is read and kept; then what has changed since is folded in"
        yield "  a short lock: the last of that, and the switch"
        yield "  `stepping apply` tries again where a lock is not to be had in 200 ms, folds until"
        yield "  little is left, and goes on where it was killed; psql does each step once"
    if migration.unbatched and migration.staged:
        yield f"Filled from one snapshot, not in batches: {migration.unbatched}."
    elif migration.unbatched:
        yield f"Filled in the one transaction, not in batches: {migration.unbatched}."
    if not migration.in_batches:
        return
    yield "Filled in batches before the switch, while writers go on:"
    yield "  `stepping apply` reads 10,000 rows of each table at a time; killed, it goes on there"
    yield "  psql and sqlite3 read all of them at once, before the switch"
    yield "  triggers write down what changes meanwhile; the switch adds only what is left of that"
    for name in migration.room:
        yield f"  room that is needed meanwhile: as much again as {name} takes"


def _meanwhile(migration: Migration) -> str:
    if migration.staged:
        return "writers wait for the two short locks only; readers for the second, if at all"
    if migration.new.capture is not None and migration.dialect != "sqlite":
        return "writers of the tables wait until the transaction ends; readers go on"
    if migration.in_batches and migration.dialect == "sqlite":
        return "writers of the file wait for one batch, and for the switch; readers go on"
    if migration.in_batches:
        return f"steps of {migration.query} wait for the switch, which is short; readers go on"
    if migration.dialect == "sqlite":
        return "all writers of the file wait until the transaction ends; readers go on"
    online = any(each.phase is Phase.BEFORE for each in migration.statements)
    text = f"steps of {migration.query} wait until the transaction ends; readers go on"
    return f"{text}; indexes are made before it" if online else text
