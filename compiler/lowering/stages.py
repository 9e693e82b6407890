"""The order of a step's statements, and the stages in which they can be committed.

All reads of a step see the tables as they were before it, so each statement that reads a kept
table comes before the one that merges into it. Tables that one statement reads or writes together
form a *stage*; no kept table is touched by two stages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepping.compiler.lowering.terms import Term
from stepping.compiler.plan.statements import ClearDelta, Statement
from stepping.compiler.plan.tables import Table


@dataclass(frozen=True)
class Piece:
    """A statement with the tables that it reads and writes: kept ones, and those of deltas."""

    statement: Statement
    reads: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()
    writes: str | None = None
    fills: str | None = None

    @property
    def touched(self) -> frozenset[str]:
        return self.reads | {self.writes} if self.writes else self.reads


def piece_of(
    statement: Statement,
    terms: Iterable[Term],
    *,
    writes: str | None = None,
    fills: Table | None = None,
    also: Iterable[str] = (),
) -> Piece:
    """A piece that reads what its terms read."""
    tables = [source.table for term in terms for source in term.sources]
    reads = frozenset(table.name for table in tables if table.is_kept) | frozenset(also)
    uses = frozenset(table.name for table in tables if not table.is_kept)
    return Piece(statement, reads, uses, writes, fills.name if fills else None)


def in_order(pieces: Sequence[Piece]) -> tuple[list[Piece], list[str]]:
    """The pieces with each merge behind all reads of its table; and merges that cannot be."""
    ordered = [piece for piece in pieces if piece.writes is None]
    waiting = [piece for piece in pieces if piece.writes is not None]
    while waiting:
        free = [
            piece
            for piece in waiting
            if not any(piece.writes in other.reads for other in waiting if other is not piece)
            and piece.writes not in piece.reads
        ]
        if not free:
            return ordered, [piece.writes for piece in waiting if piece.writes and piece.reads]
        ordered += free
        waiting = [piece for piece in waiting if piece not in free]
    return ordered, []


def staged(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The pieces in stages, in an order in which each stage needs only what is before it."""
    return _staged(pieces, _groups(pieces))


def _staged(pieces: Sequence[Piece], owner: list[int]) -> list[list[Piece]]:
    # Groups that need each other's results, directly or not, are one stage.
    after = _reachable(pieces, owner)
    for a in after:
        for b in after[a]:
            if a != b and a in after.get(b, ()):
                return _staged(pieces, [min(a, b) if e in (a, b) else e for e in owner])
    remaining = sorted(set(owner))
    order: list[int] = []
    while remaining:
        ready = next(
            g for g in remaining if not any(g in after[other] for other in remaining if other != g)
        )
        order.append(ready)
        remaining.remove(ready)
    stages: list[list[Piece]] = []
    waiting: list[Piece] = [p for p in pieces if isinstance(p.statement, ClearDelta)]
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


def _groups(pieces: Sequence[Piece]) -> list[int]:
    """For each piece, the first piece that it shares a kept table with, directly or not."""
    owner = list(range(len(pieces)))
    first: dict[str, int] = {}
    for i, piece in enumerate(pieces):
        for name in sorted(piece.touched):
            a, b = owner[first.setdefault(name, i)], owner[i]
            owner = [min(a, b) if each in (a, b) else each for each in owner]
    return owner


def _reachable(pieces: Sequence[Piece], owner: list[int]) -> dict[int, set[int]]:
    """For each group, the groups that need its deltas, directly or not."""
    maker = {piece.fills: owner[i] for i, piece in enumerate(pieces) if piece.fills}
    after: dict[int, set[int]] = {group: set() for group in owner}
    for i, piece in enumerate(pieces):
        for name in piece.uses:
            if name in maker and maker[name] != owner[i]:
                after[maker[name]].add(owner[i])
    changed = True
    while changed:
        changed = False
        for reached in after.values():
            more = set().union(*(after[each] for each in reached)) - reached
            if more:
                reached |= more
                changed = True
    return after
