"""The order of a step's statements, and the stages in which they can be committed.

Reads of a step see the tables as they were before it, so each statement that reads a kept table
comes before the one that merges into it; only the first rows of an order are read behind it, from
a table that nothing else reads. Tables that one statement reads or writes together
form a *stage*; no kept table is touched by two stages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepping.compiler.lowering.terms import Term
from stepping.compiler.plan.statements import ClearDelta, MergeDelta, StageDelta, Statement
from stepping.compiler.plan.tables import Table


@dataclass(frozen=True)
class ScheduledStatement:
    """A statement with the tables that it reads and writes: kept ones, and those of deltas.

    ``reads``: kept tables as they were before the step; ``after``: as they are after it.
    """

    statement: Statement
    reads: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    writes: str | None = None
    fills: str | None = None

    @property
    def touched(self) -> frozenset[str]:
        both = self.reads | self.after
        return both | {self.writes} if self.writes else both


def piece_of(
    statement: Statement,
    terms: Iterable[Term],
    *,
    writes: str | None = None,
    fills: Table | None = None,
    also: Iterable[str] = (),
    after: Iterable[str] = (),
) -> ScheduledStatement:
    """A piece that reads what its terms read."""
    tables = [source.table for term in terms for source in term.sources]
    reads = frozenset(table.name for table in tables if table.is_kept) | frozenset(also)
    uses = frozenset(table.name for table in tables if not table.is_kept)
    return ScheduledStatement(
        statement, reads, frozenset(after), uses, writes, fills.name if fills else None
    )


def in_order(pieces: Sequence[ScheduledStatement]) -> tuple[list[ScheduledStatement], list[str]]:
    """The pieces in an order that gives each what it reads; and merges that cannot be placed.

    A table is read as it was before it is merged into, and ordered reads after that
    (`ScheduledStatement.after`); a delta is used when it has been filled. Else the order is as
    given.
    """
    waiting = list(pieces)
    ordered: list[ScheduledStatement] = []
    while waiting:
        ready = next((p for p in waiting if not _held_up(p, waiting)), None)
        if ready is None:
            return ordered, [p.writes for p in waiting if p.writes and p.reads]
        ordered.append(ready)
        waiting.remove(ready)
    return ordered, []


def _held_up(piece: ScheduledStatement, waiting: Sequence[ScheduledStatement]) -> bool:
    """Whether a piece must wait for another one."""
    if piece.writes is not None and piece.writes in piece.reads:
        return True  # it would read what it has written already
    for other in waiting:
        if other is piece:
            continue
        if piece.writes is not None and piece.writes in other.reads:
            return True
        if other.writes is not None and other.writes in piece.after:
            return True
        if other.fills is not None and other.fills in piece.uses:
            return True
        if other.fills is not None and other.fills == piece.fills and _is_clear(other):
            return True
    return False


def _is_clear(piece: ScheduledStatement) -> bool:
    return isinstance(piece.statement, ClearDelta)


def staged(pieces: Sequence[ScheduledStatement]) -> list[list[ScheduledStatement]]:
    """The pieces in stages, in an order in which each stage needs only what is before it."""
    owner = _groups(pieces)
    after = _reachable(pieces, owner)
    # Groups that need each other's results, directly or not, are one stage.
    one = {a: min([a, *(b for b in after[a] if a in after[b])]) for a in after}
    if any(a != first for a, first in one.items()):
        owner = [one[each] for each in owner]
        after = _reachable(pieces, owner)
    ranks: dict[int, int] = {}
    for piece, group in zip(pieces, owner, strict=True):
        ranks[group] = min(ranks.get(group, 2), _rank(piece))
    touching = {g for p, g in zip(pieces, owner, strict=True) if p.touched}
    remaining = sorted(set(owner), key=lambda g: (g in touching, ranks[g], g))
    order: list[int] = []
    while remaining:
        ready = next(
            g for g in remaining if not any(g in after[other] for other in remaining if other != g)
        )
        order.append(ready)
        remaining.remove(ready)
    stages: list[list[ScheduledStatement]] = []
    waiting: list[ScheduledStatement] = [p for p in pieces if isinstance(p.statement, ClearDelta)]
    for group in order:
        own = [
            piece
            for piece, each in zip(pieces, owner, strict=True)
            if each == group and not isinstance(piece.statement, ClearDelta)
        ]
        if any(piece.touched for piece in own):
            stages.append([*waiting, *own])
            waiting = []
        elif stages:
            stages[-1] += own  # what touches no kept table belongs to whatever is committed next
        else:
            waiting += own
    return stages or [waiting]


def _rank(piece: ScheduledStatement) -> int:
    """What can fail because of the rows goes first, so that it fails before anything is committed:
    what touches no table (row functions in Python), then merges that refuse counts below 0.
    """
    if not piece.touched:
        return 2
    statement = piece.statement
    checked = isinstance(statement, MergeDelta) and statement.table.non_negative
    return 0 if checked else 2


def needs(stages: Sequence[Sequence[ScheduledStatement]]) -> tuple[tuple[Table, ...], ...]:
    """For each stage, the tables that it fills and a later one reads: what must not be lost when it
    is committed. Changed rows of inputs are not among them: they are kept since the beginning.
    """
    found = []
    for position, stage in enumerate(stages):
        later = {name for other in stages[position + 1 :] for p in other for name in p.uses}
        filled = {}
        for piece in stage:
            statement = piece.statement
            if piece.fills in later and not isinstance(statement, ClearDelta | StageDelta):
                filled[piece.fills] = statement.table  # type: ignore[union-attr]
        found.append(tuple(filled.values()))
    return tuple(found)


def table_free_prefix(stage: Sequence[ScheduledStatement]) -> int:
    """How many pieces of a stage come before the first that touches a kept table."""
    return next((i for i, piece in enumerate(stage) if piece.touched), len(stage))


def _groups(pieces: Sequence[ScheduledStatement]) -> list[int]:
    """For each piece, the first piece that it shares a kept table with, directly or not."""
    owner = list(range(len(pieces)))
    first: dict[str, int] = {}
    for i, piece in enumerate(pieces):
        for name in sorted(piece.touched):
            a, b = owner[first.setdefault(name, i)], owner[i]
            owner = [min(a, b) if each in (a, b) else each for each in owner]
    return owner


def _reachable(pieces: Sequence[ScheduledStatement], owner: list[int]) -> dict[int, set[int]]:
    """For each group, the groups that need its deltas, directly or not."""
    makers: dict[str, set[int]] = {}
    for i, piece in enumerate(pieces):
        if piece.fills and not _is_clear(piece):
            makers.setdefault(piece.fills, set()).add(owner[i])
    after: dict[int, set[int]] = {group: set() for group in owner}
    for i, piece in enumerate(pieces):
        for name in piece.uses:
            for maker in makers.get(name, set()) - {owner[i]}:
                after[maker].add(owner[i])
    changed = True
    while changed:
        changed = False
        for reached in after.values():
            more = set().union(*(after[each] for each in reached)) - reached
            if more:
                reached |= more
                changed = True
    return after
