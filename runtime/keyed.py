"""Inputs whose rows have a key: which rows are there is looked up in the transaction of the step.

A step locks the tables of its query, then reads the rows with the keys that it changes, then runs:
so that nobody inserts the same key in between, and what is removed is what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from stepping.compiler.plan.graph import InputKey
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.errors import RowError, StoreError
from stepping.runtime.frontier import NO_TIME, Time
from stepping.runtime.stored import StoredZSet

if TYPE_CHECKING:
    from stepping.runtime.store import Store, StoreSQL

Change = Callable[[], Mapping[str, ZSet[Any]]]


@contextmanager
def alone(store: StoreSQL, time: Time) -> Iterator[None]:
    """A transaction in which no other step of the query changes its tables."""
    if time.flush_every_set:
        raise StoreError(
            "flush_every_set=True commits each table as soon as it is set, and which keys an input "
            "has is looked up in the transaction of the whole step",
            hint="use flush_every_set=False for a query with inputs that have keys",
        )
    plan, engine = store.plan, store.engine
    with store.in_turn():
        engine.wait(engine.all_tables, time)  # before anything is locked
        with store.driver.writing():
            engine.lock(engine.all_tables, NO_TIME, {})
            if engine.is_half_done(store.driver.lock(plan.kept, plan.query, plan.fingerprint)):
                raise StoreError(
                    f"an iteration of {plan.query!r} is half done in its tables",
                    hint="a query with inputs that have keys is changed with flush_every_set=False",
                )
            yield


def there(store: Store, key: InputKey, keys: Iterable[Any]) -> dict[Any, list[Any]]:
    """The rows that have some keys, by key."""
    found: dict[Any, list[Any]] = {}
    zset = store.cache_zset(key.cache)
    wanted = frozenset(keys)
    if isinstance(zset, StoredZSet):
        rows = zset.of_keys(key.index, wanted)
    else:
        rows = zset.iter_by_index(key.index, wanted)
    for at, row, count in rows:
        found.setdefault(at, []).extend([row] * count)
    return found


def check(store: Store, changes: Mapping[str, ZSet[Any]], keys: Mapping[str, InputKey]) -> None:
    """Raise `RowError` if a change leaves two rows with one key."""
    for name, zset in changes.items():
        key = keys.get(name)
        if key is None:
            continue
        pairs = [(key.index.key(row), row, count) for row, count in zset.iter() if count]
        added = {at for at, _, count in pairs if count > 0}
        if not added:
            continue
        before = there(store, key, added)
        left = {at: len(rows) for at, rows in before.items()}
        for at, _, count in pairs:
            left[at] = left.get(at, 0) + count
        twice = next(((at, row) for at, row, count in pairs if count > 0 and left[at] > 1), None)
        if twice is not None:
            at, row = twice
            known = before.get(at)
            what = f"{known[0]!r} is there" if known else "it is inserted twice"
            raise RowError(
                f"{name}: a second row with {shown(key, at)}: {row!r}; {what}",
                hint="nothing was written; upsert(row) takes the place of the one that is there",
            )


def shown(key: InputKey, at: Any) -> str:
    values = at if len(key.fields) > 1 else (at,)
    return ", ".join(f"{name}={value!r}" for name, value in zip(key.fields, values, strict=True))


def upserting(store: Store, name: str, key: InputKey, rows: Sequence[Any]) -> ZSet[Any]:
    """The change that makes these rows those of their keys; of rows with one key the last."""
    wanted = {key.index.key(row): row for row in rows}
    found = there(store, key, wanted)
    pairs = [(row, -1) for each in found.values() for row in each]
    return ZSetPython([*pairs, *((row, 1) for row in wanted.values())])


def deleting(store: Store, name: str, key: InputKey, keys: Sequence[Any]) -> ZSet[Any]:
    """The change that takes the rows with some keys away. Raises `RowError` for one without."""
    wanted = dict.fromkeys(key.index.canonical(each) for each in keys)
    found = there(store, key, wanted)
    for at in wanted:
        if at not in found:
            raise RowError(
                f"{name}: there is no row with {shown(key, at)}", hint="nothing was written"
            )
    return ZSetPython([(row, -1) for each in found.values() for row in each])


def key_given(name: str, key: InputKey, by: Mapping[str, Any]) -> Any:
    """The key that keyword arguments say."""
    if set(by) != set(key.fields):
        given = ", ".join(by) or "nothing"
        raise RowError(
            f"{name}: the key is {', '.join(key.fields)}, and {given} was given",
            hint=f"delete({', '.join(f'{each}=...' for each in key.fields)}); nothing was written",
        )
    values = tuple(by[each] for each in key.fields)
    return values if len(values) > 1 else values[0]
