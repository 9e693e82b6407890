"""Z-sets: rows with integer weights (DBSP section 2: maps to Z with finite support)."""

from __future__ import annotations

import enum
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Generic, Protocol, Self, TypeVar

from stepping.compiler.folds import PLAIN, Apart, told_apart
from stepping.compiler.schema import Empty
from stepping.errors import QueryError, RowError, StoreError

_MANY = 1000  # rows: fewer are made before the garbage collector has started often

Counted = tuple[Any, ...]  # columns, and a count at their end
T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
K_co = TypeVar("K_co", covariant=True)


class MatchAll:
    """The default of ``match=``: every row."""

    def __repr__(self) -> str:
        return "MATCH_ALL"


MATCH_ALL = MatchAll()


class Keyed(Protocol[T_contra, K_co]):
    """What a Z-set needs of an `Index`: the key of a row, and each part's direction."""

    @property
    def ascending(self) -> tuple[bool, ...]: ...

    @property
    def is_composite(self) -> bool: ...

    def key(self, row: T_contra, /) -> K_co: ...

    def canonical(self, key: Any, /) -> Any:
        """A key that a caller gives, as `key` would give it."""

    def tie(self, row: T_contra, /) -> Any:
        """By what rows with equal keys are ordered: the whole row, in column order."""


class ZSet(Generic[T]):
    """Rows with non-zero integer counts. What queries are annotated with and what reads return.

    A Z-set that is read from a store is read when it is iterated, so that each iteration sees the
    database as it is then; ``to_python()`` keeps what it was.
    """

    def iter(self, match: frozenset[T] | MatchAll = MATCH_ALL) -> Iterator[tuple[T, int]]:
        """``(row, count)`` for each row, or for each of ``match`` that is in the Z-set."""
        raise NotImplementedError(f"{type(self).__name__} has no rows to iterate")

    def iter_by_index(
        self, index: Keyed[T, Any], match_keys: frozenset[Any] | MatchAll = MATCH_ALL
    ) -> Iterator[tuple[Any, T, int]]:
        """``(key, row, count)`` in index order, ties by the whole row; `None` first."""
        try:
            keyed = [(index.key(row), row, count) for row, count in self.iter()]
        except (AttributeError, TypeError) as error:
            raise QueryError(
                f"iter_by_index cannot pick the key of a row: {error}",
                hint="give an index of the row class that the Z-set has: st.Index.pick(Row, ...)",
            ) from error
        if not isinstance(match_keys, MatchAll):
            wanted = {index.canonical(key) for key in match_keys}
            keyed = [item for item in keyed if item[0] in wanted]
        yield from sorted(keyed, key=lambda item: (index_order(index, item[0]), index.tie(item[1])))

    def rows(self) -> list[T]:
        """The rows in a stable order, each as often as its count says: for tests and small results.

        Raises `StoreError` for a change that takes rows away, which no list of rows can say.
        """
        found = in_order(self.iter())
        below = next((row for row, count in found if count < 0), None)
        if below is not None:
            raise StoreError(
                f"{below!r} has a count below 0, and is in no list of rows",
                hint="zset.iter() gives (row, count)",
            )
        return [row for row, count in found for _ in range(count)]

    def __iter__(self) -> Iterator[tuple[T, int]]:
        return self.iter()

    def to_python(self) -> ZSetPython[T]:
        """The same rows in memory."""
        return ZSetPython(self.iter())

    def __len__(self) -> int:
        """The number of distinct rows."""
        return sum(1 for _ in self.iter())

    def __add__(self, other: ZSet[T]) -> ZSet[T]:
        return ZSetPython((*self.iter(), *other.iter()))

    def __sub__(self, other: ZSet[T]) -> ZSet[T]:
        return self + -other

    def __neg__(self) -> ZSet[T]:
        return self * -1

    def __mul__(self, factor: int) -> ZSet[T]:
        return ZSetPython((row, count * factor) for row, count in self.iter())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ZSet):
            return NotImplemented
        return self.to_python()._counts == other.to_python()._counts

    __hash__: Any = None

    def __str__(self) -> str:
        return table(self)


class ZSetPython(ZSet[T]):
    """A Z-set in memory, from ``{row: count}`` or an iterable of ``(row, count)``.

    Counts of equal rows are added, and rows whose count is 0 are not there. Aware times in the hour
    that comes twice are two moments, although Python's == takes them for one.
    """

    __slots__ = ("_counts",)

    _counts: dict[Any, int]  # by row, or by what stands for one that == takes for another

    def __init__(self, data: Mapping[T, int] | Iterable[tuple[T, int]] | None = None) -> None:
        counts: dict[Any, int] = {}
        if data is None:
            self._counts = counts
            return
        pairs = data.items() if isinstance(data, Mapping) else data
        for row, count in pairs:
            key = row if type(row) in PLAIN else told_apart(row)
            counts[key] = counts.get(key, 0) + count
        if not all(counts.values()):
            counts = {row: count for row, count in counts.items() if count}
        self._counts = counts

    @classmethod
    def of_rows(cls, rows: Iterable[T], count: int = 1) -> Self:
        """Each of ``rows`` with the same count."""
        return cls((row, count) for row in rows)

    def iter(self, match: frozenset[T] | MatchAll = MATCH_ALL) -> Iterator[tuple[T, int]]:
        if isinstance(match, MatchAll):
            for row, count in self._counts.items():
                yield (row.row if type(row) is Apart else row), count
        else:
            for row in match:
                count = self.get_count(row)
                if count:
                    yield row, count

    def get_count(self, row: T) -> int:
        """How often ``row`` is in it: 0 if it is not."""
        return self._counts.get(told_apart(row), 0)

    def empty(self) -> bool:
        return not self._counts

    def to_python(self) -> ZSetPython[T]:
        return self

    def __len__(self) -> int:
        return len(self._counts)

    def __add__(self, other: ZSet[T]) -> ZSetPython[T]:
        return ZSetPython((*self.iter(), *other.iter()))

    def __sub__(self, other: ZSet[T]) -> ZSetPython[T]:
        return ZSetPython((*self.iter(), *((row, -n) for row, n in other.iter())))

    def __neg__(self) -> ZSetPython[T]:
        return self * -1

    def __mul__(self, factor: int) -> ZSetPython[T]:
        return ZSetPython((row, count * factor) for row, count in self.iter())

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ZSetPython):
            return self._counts == other._counts
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash(frozenset(self._counts.items()))

    def __repr__(self) -> str:
        return f"ZSetPython({_shown(in_order(self.iter()))})"


class _LateZSet(ZSetPython[T]):
    """A Z-set whose dict is made when it is first needed, which it may never be."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name != "_counts":  # only looked for here while it is not set
            raise AttributeError(name)
        self._counts = self._made()
        return self._counts

    def _made(self) -> dict[T, int]:
        raise NotImplementedError

    def __reduce__(self) -> Any:
        return (ZSetPython, (list(self.iter()),))


class GivenPairs(_LateZSet[T]):
    """Rows of an input, each with a count, as they were given: some may be equal.

    They are added up when they have their canonical form, and each has been checked: what Python
    takes for equal, such as 1 and True, need not be the same row.
    """

    __slots__ = ("name", "pairs")

    def __init__(self, name: str, pairs: Sequence[tuple[T, int]]) -> None:
        self.name = name
        self.pairs = pairs

    def iter(self, match: frozenset[T] | MatchAll = MATCH_ALL) -> Iterator[tuple[T, int]]:
        return iter(self.pairs) if isinstance(match, MatchAll) else super().iter(match)

    def _made(self) -> dict[T, int]:
        try:
            return ZSetPython(self.pairs)._counts
        except TypeError as error:
            raise RowError(
                f"a row of {self.name} cannot be hashed: {error}",
                hint="rows are immutable: st.Data, a frozen dataclass, a NamedTuple, a plain value",
            ) from error

    def check(self) -> None:
        """Raise `RowError` if a row cannot be hashed."""
        _ = self._counts

    def empty(self) -> bool:
        return not self.pairs


class GivenRows(GivenPairs[T]):
    """Rows of an input as they were given, each with the same count."""

    __slots__ = ("count", "given")

    def __init__(self, name: str, rows: Sequence[T], count: int) -> None:
        self.name = name
        self.given = rows
        self.count = count

    def __getattr__(self, name: str) -> Any:
        if name != "pairs":  # only made for what cannot do without
            return super().__getattr__(name)
        self.pairs = [(row, self.count) for row in self.given]
        return self.pairs

    def empty(self) -> bool:
        return not self.given


class ReadRows(_LateZSet[T]):
    """Rows as a database returned them, made into Python's when they are first looked at.

    They are what they were when they were read, whenever that is. ``read``: columns, and a count at
    their end. ``decode`` makes pairs of row and count of them. ``distinct``: no row comes twice.
    """

    __slots__ = ("_decode", "_distinct", "_found", "_read")

    def __init__(
        self,
        read: Sequence[Counted],
        decode: Callable[[Sequence[Counted]], list[tuple[T, int]]],
        *,
        distinct: bool = False,
    ) -> None:
        self._read = read
        self._distinct = distinct
        self._decode = decode
        self._found: list[tuple[T, int]] | None = None

    def _pairs(self) -> list[tuple[T, int]]:
        read = self._read  # before `_found` is looked at: another thread may set both
        found = self._found
        if found is None:
            if len(read) < _MANY:
                found = self._decoded(read)
            else:
                found = without_collector(lambda: self._decoded(read))
            self._found = found
            self._read = ()
        return found

    def _decoded(self, read: Sequence[Counted]) -> list[tuple[T, int]]:
        return self._decode(read if self._distinct else added_up(read))

    def _made(self) -> dict[T, int]:
        return ZSetPython(self._pairs())._counts

    def iter(self, match: frozenset[T] | MatchAll = MATCH_ALL) -> Iterator[tuple[T, int]]:
        return iter(self._pairs()) if isinstance(match, MatchAll) else super().iter(match)

    def __len__(self) -> int:
        return len(self._pairs())

    def empty(self) -> bool:
        return not self._pairs()


def without_collector(make: Callable[[], T]) -> T:
    """Make many rows with Python's cyclic garbage collector at rest.

    It would start every few hundred rows, and look at all of them again and again and sometimes at
    all there is in the process: that takes longer than making them. It can find nothing there, as
    rows have no cycles. No code of an application may run in ``make``.
    """
    if not gc.isenabled():
        return make()
    gc.disable()
    try:
        return make()
    finally:
        gc.enable()


def added_up(rows: Sequence[Counted]) -> Sequence[Counted]:
    """Columns with a count at their end: equal columns as one, and those left out of count 0."""
    if len(rows) < 2 and all(row[-1] for row in rows):
        return rows
    try:
        counts = _counts_of(rows)
    except TypeError:  # a bytearray is what SQLite's driver takes most quickly
        rows = [tuple(bytes(v) if type(v) is bytearray else v for v in row) for row in rows]
        counts = _counts_of(rows)
    if len(counts) == len(rows) and all(counts.values()):
        return rows
    return [(*columns, count) for columns, count in counts.items() if count]


def _counts_of(rows: Sequence[Counted]) -> dict[Counted, int]:
    counts: dict[Counted, int] = {}
    for row in rows:
        columns = row[:-1]
        counts[columns] = counts.get(columns, 0) + row[-1]
    return counts


_NUMBERS = (bool, int, float, Decimal)


def order_key(value: Any) -> Any:
    """A key by which any values are ordered: as Python orders those of one type, rows by their
    fields, `Empty` and then `None` in front; values of different types by the type's name.
    """
    if value is None:
        return (0,)
    cls = type(value)
    if cls in _NUMBERS:
        return (1, "", value)
    if isinstance(value, ZSet):
        return (1, "zset", tuple(sorted((order_key(row), count) for row, count in value.iter())))
    if isinstance(value, frozenset):
        return (1, "frozenset", tuple(sorted(map(order_key, value))))
    if isinstance(value, tuple):
        return (1, "tuple", tuple(map(order_key, value)))
    names = getattr(cls, "__dataclass_fields__", None)
    if names is not None:
        return (1, cls.__qualname__, tuple(order_key(getattr(value, name)) for name in names))
    if isinstance(value, enum.Enum):
        return (1, cls.__qualname__, value.value if isinstance(value, int | str) else value.name)
    if isinstance(value, Empty):
        return (-1,)
    less: Any = cls.__lt__
    if less is not _NO_ORDER:
        return (1, cls.__qualname__, value)
    return (1, cls.__qualname__, repr(value))


_NO_ORDER: Any = vars(object)["__lt__"]


class _Descending:
    """Turns an order around, for the parts of a key that descend."""

    __slots__ = ("key",)

    def __init__(self, key: Any) -> None:
        self.key = key

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.key < self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.key == other.key)

    __hash__: Any = None


def index_order(index: Keyed[Any, Any], key: Any) -> Any:
    """The sort key of an index key: each part ascending or descending as the index says."""
    return directed(key if index.is_composite else (key,), index.ascending)


def directed(key: Any, ascending: Sequence[bool]) -> Any:
    """The sort key of a key's parts, each ascending or descending; one part stands for itself."""
    parts = key if isinstance(key, tuple) and len(key) == len(ascending) else (key,)
    return tuple(
        order_key(part) if up else _Descending(order_key(part))
        for part, up in zip(parts, ascending, strict=True)
    )


def _shown(pairs: Iterable[tuple[Any, int]]) -> str:
    pairs = list(pairs)
    return repr(dict(pairs) if len(dict(pairs)) == len(pairs) else pairs)


def in_order(counts: Iterable[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """Rows in a stable order: by value where rows can be compared, else by their text."""
    rows = list(counts)
    try:
        return sorted(rows, key=lambda item: order_key(item[0]))
    except TypeError:
        return sorted(rows, key=lambda item: repr(item[0]))


def table(zset: ZSet[Any]) -> str:
    """The Z-set as a table: the count, and a column per field or one for a plain value."""
    from tabulate import tabulate  # takes 20 ms to import, and most programs print nothing

    rows = in_order(zset.iter())
    classes = {type(row) for row, _ in rows}
    fields: tuple[str, ...] = ()
    if len(classes) == 1:
        (only,) = classes
        fields = tuple(getattr(only, "__dataclass_fields__", getattr(only, "_fields", ())))
        own: Any = only.__str__
        if own is not object.__str__:  # the class says itself how it is shown
            fields = ()
    cells = [
        (count, *(str(getattr(row, name)) for name in fields)) if fields else (count, str(row))
        for row, count in rows
    ]
    headers = ["_count_", *(fields or ("_value_",))]
    align = ("right", *("left" for _ in headers[1:])) if cells else None
    return str(
        tabulate(cells, headers, tablefmt="fancy_grid", disable_numparse=True, colalign=align)
    )
