"""What is done with a store, whatever connection it is on: everything, with rows of most types.

`acts_of` are what is done, and `told` says what came of each, so that stores can be compared.
"""

from __future__ import annotations

import datetime
import enum
import functools
import math
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

import stepping as st
from stepping.compiler.zset import ZSetPython


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Point(st.Data):
    x: int
    y: float


class Thing(st.Data):
    number: int
    weight: float
    fragile: bool
    name: str
    blob: bytes
    amount: Decimal
    price: Annotated[Decimal, st.Scale(2)]
    made: datetime.date
    seen: datetime.datetime
    sold: Annotated[datetime.datetime, st.UTC]
    at: datetime.time
    id: uuid.UUID
    color: Color
    size: Literal["s", "m"]
    note: str | None
    point: Point
    was_at: Point | None
    tags: tuple[str, ...]
    days: frozenset[datetime.date]


class Group(st.Data):
    n: int
    least: datetime.date | None
    most: str | None
    sum: int
    weight: float
    price: Decimal
    colors: int
    names: st.ZSetPython[str]


class Read(st.Data):
    """What functions of SQL make of values."""

    number: int
    text: str
    made: str
    seen: str
    sold: str
    at: str
    id: str
    amount: str
    price: str
    weight: str
    year: int
    later: datetime.date
    odd: bool
    likes: bool
    kept: bool
    blob: bytes


class Edge(st.Data):
    one: int
    two: int


PATH = 'C:\\dir\'s "x" %s %% $1 ? \\'
NUMBER = st.Index.pick(Thing, lambda t: t.number)
MADE = st.Index.pick(Thing, lambda t: (t.made, t.name), ascending=(False, True))
COLOR = st.Index.pick(Thing, lambda t: (t.color, t.note))
ONE = st.Index.pick(Edge, lambda e: e.one)
things_cache = st.Cache[Thing]("things")
groups_cache = st.Cache[Any]("groups")
reads_cache = st.Cache[Read]("reads")
paths_cache = st.Cache[Any]("paths")
upper_cache = st.Cache[str]("upper")
first_cache = st.Cache[Any]("first")
CACHES = (things_cache, groups_cache, reads_cache, paths_cache)


def read(t: Thing) -> Read:
    note = PATH if t.note is None else t.note
    return Read(
        number=t.number + 1,
        text=f"{t.name}|{note}|{t.color == Color.RED}",
        made=t.made.isoformat(),
        seen=t.seen.isoformat(),
        sold=t.sold.isoformat(),
        at=t.at.isoformat(),
        id=str(t.id),
        amount=str(t.amount),
        price=str(t.price),
        weight=str(t.weight),
        year=t.seen.year,
        later=(t.sold + datetime.timedelta(days=1)).date(),
        odd=t.name in ("é", PATH, "日本\\"),
        likes=t.name.startswith("A_") or "%b" in t.name or t.name.endswith("\\"),
        kept=t.made < datetime.date(2024, 5, 6) and t.sold < SOLD and t.at > datetime.time(1, 2, 3),
        blob=t.blob,
    )


SOLD = datetime.datetime(2024, 7, 1, 12, 30, 0, 5, tzinfo=datetime.UTC)


def everything(things: st.ZSet[Thing], edges: st.ZSet[Edge], counted: st.ZSet[Edge]) -> Any:
    """In SQL throughout, on either database. Of what is ``counted`` only the sums are kept."""
    groups = st.aggregate(
        things,
        by=COLOR,
        into=Group,
        n=st.agg.count(),
        least=st.agg.min(lambda t: t.made),
        most=st.agg.max(lambda t: t.name),
        sum=st.agg.sum(lambda t: t.number),
        weight=st.agg.sum(lambda t: t.number * 0.25),
        price=st.agg.sum(lambda t: t.price),
        colors=st.agg.count_distinct(lambda t: t.size),
        names=st.agg.collect(lambda t: t.name),
    )
    _ = things_cache[things](lambda z: st.integrate_indexed(z, indexes=(MADE,)))
    _ = groups_cache[groups](lambda z: st.integrate(z))
    reads = st.map(things, f=read)
    _ = reads_cache[reads](lambda z: st.integrate(z))
    joined = st.outer_join(things, edges, on_left=NUMBER, on_right=ONE)
    paths = st.transitive_closure(st.map(edges, f=lambda e: st.Pair(e.one, e.two)))
    _ = paths_cache[paths](lambda z: st.integrate(z))
    sums = st.group_reduce_flatten(counted, by=ONE, zero=int, pick_value=lambda e: e.two)
    return joined, groups, reads, sums


everything.__annotations__["return"] = tuple[Any, ...]


def stepwise(things: st.ZSet[Thing]) -> Any:
    """With an ordered read and a Python step, so that no step is one statement."""
    upper = st.map(things, f=lambda t: t.name.title())
    first = st.first_n(things, index=MADE, n=2)
    total = st.group_reduce_flatten(
        first, by=NUMBER, zero=float, pick_value=lambda t: t.number * 0.25
    )
    _ = upper_cache[upper](lambda z: st.integrate(z))
    _ = first_cache[first](lambda z: st.integrate(z))
    return upper, first, total


everything_graph = st.compile(everything)
stepwise_graph = st.compile(stepwise)

_D, _T, _U = datetime.date, datetime.datetime, datetime.UTC


def thing(number: int, **changed: Any) -> Thing:
    given: dict[str, Any] = {
        "number": number,
        "weight": 0.1 + number,
        "fragile": bool(number % 2),
        "name": ["é", "A_b", "a%b", PATH, "日本\\"][number % 5],
        "blob": bytes([0, 92, 39, 255, number % 256]),
        "amount": Decimal("1234567.890123") * number,
        "price": Decimal("1234.25") + number,
        "made": [_D(2024, 5, 6), _D.max, _D.min, _D(1999, 12, 31)][number % 4],
        "seen": [_T(2024, 5, 6, 7, 8, 9, 10), _T.max, _T.min][number % 3],
        "sold": [SOLD, _T(2024, 3, 31, 1, 30, tzinfo=_U), _T(1, 1, 1, tzinfo=_U)][number % 3],
        "at": [datetime.time(23, 59, 59, 999999), datetime.time(0)][number % 2],
        "id": uuid.UUID(int=(number << 100) + 7),
        "color": [Color.RED, Color.GREEN][number % 2],
        "size": "s" if number % 2 else "m",
        "note": [None, "NULL", "", "x'y\\"][number % 4],
        "point": Point(x=number % 2, y=1e300 / 3),
        "was_at": None if number % 2 else Point(x=-1, y=-0.5),
        "tags": ("a", "NULL", "\\")[: number % 4],
        "days": frozenset({_D(2024, 5, 6 + i) for i in range(number % 3)}),
    }
    return Thing(**{**given, **changed})


THINGS = [thing(number) for number in range(12)]
ABSENT = thing(99, name="absent")
EDGES = [Edge(one=1, two=2), Edge(one=2, two=3), Edge(one=3, two=1), Edge(one=7, two=7)]


def shown(zset: st.ZSet[Any]) -> dict[str, int]:
    """By the text of rows: 1, 1.0 and True are equal, and are not the same."""
    found: dict[str, int] = {}
    for row, count in zset.iter():
        key = repr(row)
        found[key] = found.get(key, 0) + count
    return found


Act = Callable[[], Any]


def acts_of(store: Any, other: Any, *, in_stages: bool = True) -> Iterator[tuple[str, Act]]:
    """What is done with a store of `everything` and another of `stepwise`, and what that gives.

    A transaction of the application cannot be committed ``in_stages``.
    """
    things, edges, counted = st.actions(store, everything_graph)
    (steps,) = st.actions(other, stepwise_graph)
    zset, first = things_cache.zset(store), first_cache.zset(other)

    def caches() -> Any:
        kept = [shown(cache.zset(store)) for cache in CACHES]
        return [*kept, shown(upper_cache.zset(other)), shown(first_cache.zset(other))]

    def staged(action: Any, t: int) -> Any:
        row = THINGS[t % len(THINGS)]
        return action.insert(row, time=st.Time(t, t - 1, flush_every_set=in_stages))

    def nested() -> Any:
        """Two caches are read at once, and written meanwhile."""
        found = []
        for row, count in zset.iter():
            found += [(repr(row), count, repr(each), n) for each, n in first.iter()]
            if len(found) == 4:
                steps.insert(ABSENT)
                steps.remove(ABSENT)
        return sorted(found)

    yield "insert some", lambda: things.insert(*THINGS[:3])
    yield "insert some, in Python", lambda: steps.insert(*THINGS[:3])
    yield "read", caches
    yield "insert edges", lambda: edges.insert(*EDGES)
    # From the second step of its kind on, Postgres has a function for it.
    for row in THINGS[3:]:
        yield f"insert {row.number}", lambda row=row: things.insert(row)  # type: ignore[misc]
        yield f"insert {row.number}, in Python", lambda row=row: steps.insert(row)  # type: ignore[misc]
    yield "read again", caches
    for action, where in ((things, "in SQL"), (steps, "in Python")):
        yield f"remove a row that is not there {where}", lambda a=action: a.remove(ABSENT)  # type: ignore[misc]
        yield f"replace {where}", lambda a=action: a.replace(THINGS[6], ABSENT)  # type: ignore[misc]
        yield f"replace it back {where}", lambda a=action: a.replace(ABSENT, THINGS[6])  # type: ignore[misc]
        yield f"insert what is no row {where}", lambda a=action: a.insert(thing(1, weight=math.nan))  # type: ignore[misc]
    yield "count", lambda: counted.insert(*EDGES)
    yield "count less", lambda: counted.remove(EDGES[0], EDGES[1])
    yield "count less than none", lambda: counted.remove(EDGES[0])
    yield "remove an edge", lambda: edges.remove(EDGES[2])
    yield "remove no edge", lambda: edges.remove(EDGES[2])
    both = (
        ZSetPython({THINGS[7]: 2, THINGS[8]: -1}),
        ZSetPython({EDGES[0]: -1}),
        ZSetPython({EDGES[0]: 1}),
    )
    yield "change both", lambda: st.iteration(store, everything_graph, both)
    yield "at a time", lambda: things.insert(THINGS[8], time=st.Time(1, 0))
    for t in (2, 3):
        yield f"in stages {t}", lambda t=t: staged(things, t)  # type: ignore[misc]
    for t in (1, 2, 3):
        yield f"in stages {t}, in Python", lambda t=t: staged(steps, t)  # type: ignore[misc]
    yield "at a time that has passed", lambda: steps.insert(THINGS[0], time=st.Time(3, 2))
    yield "enqueue", lambda: bool(things.enqueue(THINGS[:3]))
    yield "enqueue, in Python", lambda: bool(steps.enqueue(THINGS[:3]))
    yield "enqueue what is not there", lambda: bool(steps.enqueue(remove=[ABSENT]))
    yield "queued", lambda: [store.queued(), other.queued()]
    yield "drain", lambda: [store.drain(output=False).changes, other.drain().changes]
    yield "quarantined", lambda: [len(other.quarantined()), len(store.quarantined())]
    yield "read once more", caches
    yield "in order", lambda: [(repr(k), repr(r), n) for k, r, n in zset.iter_by_index(MADE)]
    keys = frozenset({(THINGS[1].made, THINGS[1].name), (_D(2000, 1, 1), "")})
    yield "by keys", lambda: [(repr(k), repr(r), n) for k, r, n in zset.iter_by_index(MADE, keys)]
    match = frozenset({THINGS[2], thing(77)})
    yield "match", lambda: sorted((repr(row), n) for row, n in zset.iter(match=match))
    yield "len", lambda: [len(zset), len(first)]
    yield "nested reads", nested
    yield "the clock", lambda: store.next_time() < store.next_time()
    for row in THINGS[:5]:
        yield f"remove {row.number}", lambda row=row: things.remove(row)  # type: ignore[misc]
        yield f"remove {row.number}, in Python", lambda row=row: steps.remove(row)  # type: ignore[misc]
    yield "read at the end", caches
    if isinstance(store, st.StorePython):
        return
    yield "status", lambda: min(store.status().tables.values()) == 3
    for each in (store, other):
        each.driver.connection.commit()  # what a connection without autocommit has begun
        yield "verify", lambda each=each: not st.verify(each).differences  # type: ignore[misc]


FAILING = {
    "remove a row that is not there in SQL",
    "remove a row that is not there in Python",
    "insert what is no row in SQL",
    "insert what is no row in Python",
    "count less than none",
    "remove no edge",
    "at a time that has passed",
}


def told(act: Act) -> Any:
    """What an act came to: what it gave as plain values, or the class of error that it raised."""
    try:
        found = act()
    except st.SteppingError as error:
        return type(error).__name__
    return [shown(each) for each in found] if isinstance(found, tuple) else found


@functools.cache
def expected() -> dict[str, Any]:
    """What comes of each act in memory."""
    stores = [st.StorePython.from_graph(graph) for graph in (everything_graph, stepwise_graph)]
    found = [(name, told(act)) for name, act in acts_of(*stores)]
    assert len(dict(found)) == len(found)
    assert {name for name, each in found if isinstance(each, str)} == FAILING
    return dict(found)


def hold(
    store: Any, other: Any, between: Callable[[], object] = lambda: None, *, in_stages: bool = True
) -> None:
    """All comes out as in memory. ``between`` is called before each act."""
    for name, act in acts_of(store, other, in_stages=in_stages):
        between()
        found, wanted = told(act), expected().get(name, True)
        assert found == wanted, f"{name}: {str(found)[:500]} and not {str(wanted)[:500]}"
