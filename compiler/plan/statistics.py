"""What a database says of the tables that are kept and of its own plans: plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TableSize:
    """How much a table holds; ``bytes`` with its indexes, None where the database cannot say."""

    rows: int
    bytes: int | None
    estimated: bool = False


@dataclass(frozen=True)
class FanOut:
    """How many rows a key finds: on average and at most, among the keys there are."""

    average: float
    most: int


@dataclass(frozen=True)
class PlanNode:
    """One line of a database's plan of a statement.

    ``source`` is the table or the alias that it reads, if it reads one. ``whole``: it reads all of
    it. ``bounded``: it stops early, at a LIMIT. ``chosen``: there is an index that would do, and
    the planner takes the whole table for cheaper, which it is if that is short.
    """

    depth: int
    text: str
    source: str = ""
    whole: bool = False
    bounded: bool = False
    chosen: bool = False
