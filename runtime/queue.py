"""The queue: changes that are written down now and folded into one step later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Protocol

import msgpack

from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.dialects.queue import QueueTable
from stepping.errors import RowError, SteppingError, StoreError
from stepping.runtime.queued import Changes, Pairs


class Step(Protocol):
    """A step of a store."""

    def __call__(
        self, changes: Mapping[str, ZSet[Any]], *, also: Callable[[], None], output: bool
    ) -> tuple[ZSet[Any], ...]: ...


Check = Callable[[Mapping[str, ZSet[Any]]], object]
IsOfInput = Callable[[BaseException], bool]

UNREADABLE = (StoreError, ValueError, TypeError, LookupError, msgpack.UnpackException)

_PEEK_ENTRIES = 1000


@dataclass(frozen=True)
class Drained:
    """What `drain` has done. It is true if it has done anything.

    ``changes`` and ``rows`` were folded in; ``quarantined`` changes could not be, and were set
    aside with their error. ``outputs`` is the change of each output, as `st.iteration` returns it.
    """

    changes: int
    rows: int
    quarantined: int
    outputs: tuple[ZSet[Any], ...]

    def __bool__(self) -> bool:
        return self.changes > 0 or self.quarantined > 0


@dataclass(frozen=True)
class Quarantined:
    """A queued change that could not be folded in, and why.

    ``changes`` holds its rows by input, or is None if another version of the query enqueued it.
    """

    id: int
    enqueued_at: datetime
    rows: int
    error: str
    changes: Mapping[str, ZSet[Any]] | None


@dataclass(frozen=True)
class Entry:
    id: int
    rows: int
    changes: Mapping[str, Pairs]
    packed: bytes


class Taken(Exception):
    """Another process has folded in what this one was about to."""


class Queue:
    """The queue of one store.

    Entries are read, and deleted in the transaction of the step that folds them in: a step that
    does not find all of them there any more is undone.
    """

    def __init__(
        self,
        graph: AnyGraph,
        table: QueueTable,
        *,
        step: Step,
        check: Check,
        is_of_input: IsOfInput,
        turn: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.query = graph.name
        self.outputs = len(graph.output_types)
        self.packing = Changes(graph.input_names, graph.input_types)
        self.table = table
        self.put, self.may_refuse = table.put, table.may_refuse
        self.step = step
        self.check = check
        self.is_of_input = is_of_input
        self.turn = turn  # threads may share a store

    def enqueue(self, changes: Mapping[str, Pairs]) -> int:
        """Append a change; what can fail because of its rows alone fails here."""
        try:
            rows, packed = self.packing.pack(changes)
        except RowError:
            with suppress(TypeError):  # of what has no hash, and is no row
                self.check(zsets(changes))  # raises what an insert would
            raise
        if self.may_refuse(packed):
            self.check(zsets(changes))
        with self.turn():
            return self.put(self.query, rows, packed)

    def drain(self, limit: int | None, *, output: bool = True) -> Drained:
        """Fold in what waits, up to ``limit`` rows, but at least one entry."""
        with self.turn():
            return self.drained(limit, Total(self.outputs if output else 0))

    def drained(self, limit: int | None, total: Total) -> Drained:
        while entries := self.first(limit, total):
            try:
                self.fold(entries, total)
                break
            except Taken:
                continue
        return total.drained()

    def first(self, limit: int | None, total: Total) -> list[Entry]:
        """The first entries that wait; those that cannot be read are set aside."""
        found: list[Entry] = []
        rows, after = 0, 0
        while True:
            waiting = self.table.peek(self.query, after, _PEEK_ENTRIES)
            for entry, n, packed in waiting:
                if limit is not None and found and rows + n > limit:
                    return found
                after = entry
                try:
                    changes = self.packing.unpack(packed)
                except UNREADABLE as error:
                    self.set_aside(entry, error, total)
                    continue
                found.append(Entry(entry, n, changes, packed))
                rows += n
            if len(waiting) < _PEEK_ENTRIES:
                return found

    def fold(self, entries: list[Entry], total: Total) -> None:
        """One step for all; where their rows make it fail, one for each half of them.

        So a bad entry costs as many steps as its position has digits in binary, and stops nobody.
        """
        wanted = {entry.id: entry.packed for entry in entries}

        def take() -> None:
            # An id may be that of another entry by now, if the table was empty in between.
            if self.table.take(self.query, list(wanted)) != wanted:
                raise Taken

        try:
            outputs = self.step(folded(entries), also=take, output=total.reads)
        except Taken:
            raise
        except Exception as error:
            if not self.is_of_rows(error):
                raise
            if len(entries) == 1:
                self.set_aside(entries[0].id, error, total)
                return
            half = len(entries) // 2
            self.fold(entries[:half], total)
            self.fold(entries[half:], total)
        else:
            total.add(entries, outputs)

    def is_of_rows(self, error: Exception) -> bool:
        """Whether rows made a step fail, or a row function on them, and not the surroundings."""
        if isinstance(error, SteppingError):
            return isinstance(error, RowError)
        return self.is_of_input(error)

    def set_aside(self, entry: int, error: Exception, total: Total) -> None:
        self.table.set_aside(entry, f"{type(error).__name__}: {error}")
        total.quarantined += 1

    def waiting(self) -> int:
        with self.turn():
            return self.table.count(self.query)

    def quarantined(self) -> list[Quarantined]:
        with self.turn():
            failed = self.table.failed(self.query)
        return [
            Quarantined(entry, at, n, error, self.readable(packed))
            for entry, n, at, error, packed in failed
        ]

    def put_back(self, ids: Sequence[int]) -> int:
        with self.turn():
            return self.table.put_back(self.query, ids)

    def discard(self, ids: Sequence[int]) -> int:
        with self.turn():
            return self.table.discard(self.query, ids)

    def readable(self, packed: bytes) -> Mapping[str, ZSet[Any]] | None:
        try:
            return zsets(self.packing.unpack(packed))
        except UNREADABLE:
            return None


class Total:
    """What a drain has done so far."""

    def __init__(self, outputs: int) -> None:
        self.changes = self.rows = self.quarantined = 0
        self.reads = outputs > 0
        self.outputs: list[ZSet[Any]] = [ZSetPython() for _ in range(outputs)]

    def add(self, entries: list[Entry], outputs: tuple[ZSet[Any], ...]) -> None:
        self.changes += len(entries)
        self.rows += sum(entry.rows for entry in entries)
        if self.reads:
            # Several steps only where one entry was bad; an output that is an integral is read
            # anew.
            is_first = self.changes == len(entries)
            self.outputs = [
                new if is_first or not isinstance(new, ZSetPython) else old + new
                for old, new in zip(self.outputs, outputs, strict=True)
            ]

    def drained(self) -> Drained:
        return Drained(self.changes, self.rows, self.quarantined, tuple(self.outputs))


def folded(entries: list[Entry]) -> dict[str, ZSet[Any]]:
    """All changes as one."""
    pairs: dict[str, list[tuple[Any, int]]] = {}
    for entry in entries:
        for name, rows in entry.changes.items():
            pairs.setdefault(name, []).extend(rows)
    return zsets(pairs)


def zsets(changes: Mapping[str, Pairs]) -> dict[str, ZSet[Any]]:
    return {name: ZSetPython(pairs) for name, pairs in changes.items()}


class QueueInMemory(QueueTable):
    """The queue of a `StorePython`."""

    def __init__(self) -> None:
        self.ids = count(1)
        self.entries: dict[int, tuple[int, datetime, bytes]] = {}
        self.errors: dict[int, str] = {}

    def put(self, query: str, rows: int, change: bytes) -> int:
        entry = next(self.ids)
        self.entries[entry] = (rows, datetime.now(UTC), change)
        return entry

    def peek(self, query: str, after: int, limit: int) -> list[tuple[int, int, bytes]]:
        waiting = [each for each in self.entries if each > after and each not in self.errors]
        return [(each, self.entries[each][0], self.entries[each][2]) for each in waiting[:limit]]

    def take(self, query: str, ids: Any) -> dict[int, bytes]:
        return {each: self.entries.pop(each)[2] for each in ids}

    def count(self, query: str) -> int:
        return len(self.entries) - len(self.errors)

    def set_aside(self, entry: int, error: str) -> None:
        self.errors[entry] = error

    def failed(self, query: str) -> list[tuple[int, int, datetime, str, bytes]]:
        return [
            (each, self.entries[each][0], self.entries[each][1], error, self.entries[each][2])
            for each, error in sorted(self.errors.items())
        ]

    def put_back(self, query: str, ids: Any) -> int:
        return sum(self.errors.pop(each, None) is not None for each in ids)

    def discard(self, query: str, ids: Any) -> int:
        there = [each for each in ids if each in self.errors]
        for each in there:
            del self.entries[each], self.errors[each]
        return len(there)

    def wait(self, query: str, secs: float) -> bool:
        return self.count(query) > 0
