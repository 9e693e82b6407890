"""The law of the queue: whatever happens to who drains it, what was enqueued is folded in once, in
order, and means what the same changes mean at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as hs

import stepping as st
from stepping.compiler.zset import ZSetPython
from tests.support.law import empty
from tests.support.place import Place
from tests.support.shop import Reading, User, graph, totals, users_cache

USERS = [User(id=i, name=name) for i, name in ((1, "Ann"), (2, "Bob"), (3, "Ann"))]
READINGS = [
    Reading(user_id=u, day=1, value=v) for u, v in ((1, 5), (1, -5), (2, 7), (3, 1), (9, 2))
]
ROWS: list[Any] = [*USERS, *READINGS]
DIRECT = Reading(user_id=1, day=2, value=100)  # inserted without the queue


class Interrupted(OSError):
    """Something that happens to a drainer, and is no fault of the rows."""


class Interruption:
    """Raises behind the n-th thing that is asked of a connection."""

    METHODS = ("lock", "run", "stage", "read", "fused", "clear")
    OF_QUEUE = ("peek", "take", "set_aside")

    def __init__(self, store: Any) -> None:
        self.left = 0
        for target, names in ((store.driver, self.METHODS), (store.queue.table, self.OF_QUEUE)):
            for name in names:
                setattr(target, name, self.counted(getattr(target, name)))

    def counted(self, method: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            found = method(*args, **options)
            self.left -= 1
            if self.left == 0:
                raise Interrupted
            return found

        return call


@dataclass(frozen=True)
class Enqueue:
    """A change of some rows: taken away if they are there, else put in."""

    worker: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Drain:
    worker: int
    limit: int | None
    interrupted_at: int  # 0: not at all


@dataclass(frozen=True)
class Insert:
    worker: int


workers = hs.integers(0, 1)
moves = hs.one_of(
    hs.builds(
        Enqueue,
        workers,
        hs.lists(hs.integers(0, len(ROWS) - 1), min_size=1, max_size=3, unique=True).map(tuple),
    ),
    hs.builds(Drain, workers, hs.sampled_from([1, 2, 5, None]), hs.integers(0, 12)),
    hs.builds(Insert, workers),
)
histories = hs.lists(moves, max_size=14)


@pytest.fixture
def stores(place: Place) -> Iterator[list[Any]]:
    with ExitStack() as stack:
        yield [stack.enter_context(place.opened(graph, features=["queue"])) for _ in range(2)]


@dataclass
class Run:
    """A history as it is run, and what must have come of it."""

    stores: list[Any]
    there: Counter[Any] = field(default_factory=Counter)
    enqueued: int = 0
    drained: int = 0
    was_interrupted: bool = False

    def __post_init__(self) -> None:
        for store in self.stores:
            empty(store)
        self.stores[0].driver.connection.execute("DELETE FROM stepping_queue")
        self.interruptions = [Interruption(store) for store in self.stores]

    def move(self, move: Enqueue | Drain | Insert) -> None:
        store = self.stores[move.worker]
        match move:
            case Enqueue():
                rows = [ROWS[i] for i in move.rows]
                change = {row: -self.there[row] or 1 for row in rows}
                self.there.update(change)
                both: tuple[dict[Any, int], dict[Any, int]] = ({}, {})
                for row, count in change.items():
                    both[isinstance(row, Reading)][row] = count
                store.enqueue(tuple(map(ZSetPython, both)))
                self.enqueued += 1
            case Insert():
                self.there[DIRECT] += 1
                st.actions(store, graph)[1].insert(DIRECT)
            case Drain():
                self.interruptions[move.worker].left = move.interrupted_at
                try:
                    self.drained += store.drain(move.limit).changes
                except Interrupted:
                    self.was_interrupted = True
                self.interruptions[move.worker].left = 0

    def check(self) -> None:
        """What is not in the results is in the queue, and nothing is in both."""
        store = self.stores[0]
        waiting: Counter[Any] = Counter()
        for _, _, packed in store.queue.table.peek(graph.name, 0, 100):
            for pairs in store.queue.packing.unpack(packed).values():
                for row, count in pairs:
                    waiting[row] += count
        folded = dict(users_cache.zset(store).iter())
        for user in USERS:
            assert folded.get(user, 0) + waiting[user] == self.there[user]
        assert store.quarantined() == []

    def check_end(self) -> None:
        store = self.stores[1]
        while drained := store.drain():
            self.drained += drained.changes
        assert store.queued() == 0
        if not self.was_interrupted:
            assert self.drained == self.enqueued
        reference = st.StorePython.from_graph(graph)
        both: tuple[dict[Any, int], dict[Any, int]] = ({}, {})
        for row, count in self.there.items():
            both[isinstance(row, Reading)][row] = count
        st.iteration(reference, graph, (ZSetPython(both[0]), ZSetPython(both[1])))
        for cache in (totals, users_cache):
            assert cache.zset(store) == cache.zset(reference)


@hypothesis.given(history=histories)
@hypothesis.settings(
    max_examples=max(25, hypothesis.settings().max_examples // 4),
    suppress_health_check=[
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.too_slow,
    ],
)
def test_once_and_in_order(stores: list[Any], history: list[Enqueue | Drain | Insert]) -> None:
    run = Run(stores)
    for move in history:
        run.move(move)
        run.check()
    run.check_end()
