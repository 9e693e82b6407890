"""Inputs whose rows have a key: which rows are there is looked up in the transaction of the step.

A step locks the tables of its query, then reads the rows with the keys that it changes, then runs:
so that nobody inserts the same key in between, and what is removed is what was there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from stepping.compiler.codec import python_codec
from stepping.compiler.plan.graph import AnyGraph, InputKey
from stepping.compiler.schema import ValueType
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.errors import RowError, StoreError
from stepping.runtime.engine import Engine
from stepping.runtime.frontier import NO_TIME, Time
from stepping.runtime.stored import StoredZSet

NOTHING: ZSet[Any] = ZSetPython()
Change = Callable[[], Mapping[str, ZSet[Any]]]


class KeyedStore(Protocol):
    """What is asked of a store whose inputs have keys."""

    graph: AnyGraph

    def cache_zset(self, cache: object) -> ZSet[Any]: ...


@contextmanager
def alone(engine: Engine, time: Time) -> Iterator[None]:
    """A transaction in which no other step of the query changes its tables."""
    if time.flush_every_set:
        raise StoreError(
            "flush_every_set=True commits each table as soon as it is set, and which keys an input "
            "has is looked up in the transaction of the whole step",
            hint="use flush_every_set=False for a query with inputs that have keys",
        )
    plan, driver = engine.plan, engine.driver
    engine.wait(engine.all_tables, time)  # before anything is locked
    with driver.writing():
        engine.lock(engine.all_tables, NO_TIME, {})
        if engine.is_half_done(driver.lock(plan.kept, plan.query, plan.fingerprint)):
            raise StoreError(
                f"an iteration of {plan.query!r} is half done in its tables",
                hint="a query with inputs that have keys is changed with flush_every_set=False",
            )
        yield


def there(store: KeyedStore, key: InputKey, keys: Iterable[Any]) -> dict[Any, list[Any]]:
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


def check(
    store: KeyedStore, changes: Mapping[str, ZSet[Any]], keys: Mapping[str, InputKey]
) -> None:
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


def validate(graph: AnyGraph, changes: Mapping[str, ZSet[Any]]) -> None:
    """Raise `RowError` for what is no row of its input, before keys are made of rows."""
    for name, zset in changes.items():
        encode = python_codec(row_type(graph, name)).encode
        for row, _ in zset.iter():
            encode(row)


def row_type(graph: AnyGraph, name: str) -> ValueType:
    return dict(zip(graph.input_names, graph.input_types, strict=True))[name]


def explain_missing(store: KeyedStore, changes: Mapping[str, ZSet[Any]]) -> None:
    """Raise `RowError` for a row that was removed and is not there, with what its key has now."""
    for name, key in store.graph.keys.items():
        net: Counter[Any] = Counter()
        for row, count in changes.get(name, NOTHING).iter():
            net[row] += count
        taken = {row: key.index.key(row) for row, count in net.items() if count < 0}
        found = there(store, key, taken.values())
        for row, at in taken.items():
            known = found.get(at, [])
            if known.count(row) >= -net[row]:
                continue
            if row in known:
                message = f"{row!r} was removed {-net[row]} times from {name}, and it is there once"
            else:
                now = f"there is {known[0]!r} with" if known else "there is no row with"
                message = f"{row!r} was removed from {name}, and it is not there: "
                message += f"{now} {shown(key, at)}"
            raise RowError(
                message,
                hint="nothing was written; delete(key) takes away whatever row has the key, and "
                "upsert(row) takes its place",
            )


def upserting(store: KeyedStore, name: str, key: InputKey, rows: Sequence[Any]) -> ZSet[Any]:
    """The change that makes these rows those of their keys; of rows with one key the last."""
    form = python_codec(row_type(store.graph, name)).canonical
    rows = [form(row) for row in rows]
    wanted = {key.index.key(row): row for row in rows}
    found = there(store, key, wanted)
    pairs = [(row, -1) for each in found.values() for row in each]
    return ZSetPython([*pairs, *((row, 1) for row in wanted.values())])


def deleting(store: KeyedStore, name: str, key: InputKey, keys: Sequence[Any]) -> ZSet[Any]:
    """The change that takes the rows with some keys away. Raises `RowError` for one without."""
    wanted: dict[Any, None] = {}
    for each in keys:
        at = key_of(name, key, each)
        if at in wanted:
            raise RowError(
                f"{name}: {shown(key, at)} is to be deleted twice",
                hint="name each key once; nothing was written",
            )
        wanted[at] = None
    found = there(store, key, wanted)
    for at in wanted:
        if at not in found:
            raise RowError(
                f"{name}: there is no row with {shown(key, at)}", hint="nothing was written"
            )
    return ZSetPython([(row, -1) for each in found.values() for row in each])


def key_of(name: str, key: InputKey, given: Any) -> Any:
    """A key in its canonical form. Raises `RowError` for what is none."""
    try:
        return key.index.canonical(given)
    except RowError as error:
        fields = ", ".join(key.fields)
        field, _, said = error.message.partition(": ")
        _, _, position = field.partition(".")
        if position.isdigit():
            said = f"{key.fields[int(position)]}: {said}"
        one = "delete((..., ...))" if len(key.fields) > 1 else "delete(...)"
        by = f"delete({', '.join(f'{each}=...' for each in key.fields)})"
        raise RowError(
            f"{name}: {given!r} is no key ({fields}): {said}",
            hint=f"{one} or {by}, each key an argument by itself; nothing was written",
        ) from error


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
