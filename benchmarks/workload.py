"""What a workload is: a query, its rows, and the same in plain tables for those it is held against.

A workload's rows are made from seeds, so that every competitor, in a process of its own, is given
the same ones in the same order.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, TypeVar

from benchmarks import workloads

LOAD_ROWS = 10_000  # in one step, when the tables are filled before anything is timed

Values = tuple[Any, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Change:
    """What one step is given: rows added to one input, and rows taken from it."""

    input: str
    added: tuple[Any, ...] = ()
    removed: tuple[Any, ...] = ()
    read: bool = True  # False: nobody looks at the change of the output

    def __len__(self) -> int:
        return len(self.added) + len(self.removed)


@dataclass(frozen=True)
class PlainTable:
    """An input as a developer would store it without this library: one table, one index."""

    create: tuple[str, ...]
    insert: str  # SQLite: a row of parameters; Postgres: an array for each column
    delete: str  # exactly one row that is equal
    columns: Callable[[Any], Values]  # of a row


@dataclass(frozen=True)
class PlainTables:
    """All inputs as plain tables, and the query as one SELECT over them."""

    tables: dict[str, PlainTable]
    select: str  # gives the cache's rows, as `Workload.values` does
    output: str = ""  # gives the output's, where they are others


class Workload(ABC):
    """A query with its rows."""

    name: ClassVar[str]
    title: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]]  # in the order of the query's arguments
    query: ClassVar[Any]
    cache: ClassVar[Any]
    plain: ClassVar[dict[str, PlainTables]]  # by dialect
    events: ClassVar[tuple[str, ...]] = ("insert",)  # kinds of changes that are timed
    in_batches: ClassVar[bool] = True  # False: a change has the size it has
    by_size: ClassVar[bool] = False  # the sizes take turns, and are compared with each other
    sizes: ClassVar[tuple[int, ...]] = ()  # in place of the default ones
    against: ClassVar[tuple[str, ...] | None] = None  # competitors, where not all make sense
    by_hand: ClassVar[str] = ""  # whose pipeline by hand, where not its own

    @abstractmethod
    def load(self, rows: int) -> Iterator[Change]:
        """Fill the tables: small inputs, and `rows` rows of the large one."""

    @abstractmethod
    def event(self, event: str, batch: int, seed: str) -> Change:
        """A change to be timed; another one for each seed."""

    def steps(self, event: str, batch: int) -> int:
        """How many in a round: one that can be measured, and short enough to take turns."""
        return max(1, min(100, 500 // batch))

    @abstractmethod
    def values(self, row: Any) -> Values:
        """A row of the cache as plain numbers and texts, the same in every database."""

    def changed_values(self, row: Any) -> Values:
        """The same of a row of the output, where that is another than the cache's."""
        return self.values(row)

    def mixed(self, rows: int, inputs: Iterable[str]) -> Iterator[Change]:
        """Changes of every kind of these inputs, to be checked and not timed."""
        loaded: dict[str, list[Any]] = {name: [] for name in self.inputs}
        for change in self.load(rows):
            loaded[change.input] += change.added
        chance = random.Random("mixed")
        for _ in range(3):
            for name in inputs:
                some = tuple(dict.fromkeys(chance.sample(loaded[name], 4)))
                yield Change(name, removed=some)
                yield Change(name, added=some[1:])
                yield Change(name, added=some[:1])
        for event in self.events:
            for i in range(3):
                yield self.event(event, 5, f"mixed {i}")


def in_batches(name: str, rows: Iterable[Any], size: int = LOAD_ROWS) -> Iterator[Change]:
    """Changes that add all rows to one input."""
    iterator = iter(rows)
    while batch := tuple(islice(iterator, size)):
        yield Change(name, added=batch)


def all_workloads() -> dict[str, Workload]:
    """By name: those that the modules of `benchmarks.workloads` list as WORKLOADS."""
    found: dict[str, Workload] = {}
    for module in pkgutil.iter_modules(workloads.__path__):
        listed = importlib.import_module(f"{workloads.__name__}.{module.name}").WORKLOADS
        found |= {each.name: each for each in listed}
    return found
