"""One rule for what the same row is: its fields have the same canonical form. On every store, in
what a step returns, in what is read, and in another process.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import itertools
import uuid
import zoneinfo
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pytest

import stepping as st
from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.rows import type_of
from tests.support.place import Place, postgres_place, sqlite_place
from tests.support.processes import forked
from tests.support.type_law import Open, Row, graph_of, on_sqlite, shown

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
PLUS_2 = datetime.timezone(datetime.timedelta(hours=2))
AWARE = Annotated[datetime.datetime, st.UTC]
CENTS = Annotated[Decimal, st.Scale(2)]


class Int(int):
    """A subclass that is nobody's equal, and says that it is 7."""

    def __int__(self) -> int:
        return 7

    def __index__(self) -> int:
        return 7

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 7


class Float(float):
    def __float__(self) -> float:
        return 7.0

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 7


class Text(str):
    def __str__(self) -> str:
        return "seven"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.lower() == other.lower()

    def __hash__(self) -> int:
        return hash(self.lower())


class Bytes(bytes):
    def __bytes__(self) -> bytes:
        return b"seven"


class Number(Decimal):
    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 7


class Date(datetime.date):
    pass


class DateTime(datetime.datetime):
    pass


class Precise(datetime.datetime):
    """As pandas has it: with nanoseconds, which a datetime does not have."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Precise)

    def __hash__(self) -> int:
        return 7


class Time(datetime.time):
    pass


class UUID(uuid.UUID):
    pass


class Color(enum.Enum):
    RED = 1
    CRIMSON = 1  # noqa: PIE796 (a second name of it)
    GREEN = "1"


class Size(enum.IntEnum):
    ONE = 1
    TWO = 2
    ALSO_TWO = 2


class Mood(enum.StrEnum):
    GOOD = "a"
    BAD = "A"


class Other(enum.Enum):
    RED = 1


class Point(NamedTuple):
    x: float
    y: str


class Flat(st.Data):
    x: float
    y: str


@dataclasses.dataclass(frozen=True)
class Converting:
    """Whose constructor changes a value: a row of it is what it is once it is made."""

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.text + "!")


def berlin(hour: int, fold: int = 0, *, day: int = 27, month: int = 10) -> datetime.datetime:
    return datetime.datetime(2024, month, day, hour, 30, tzinfo=BERLIN, fold=fold)


def utc(hour: int, *, day: int = 27, month: int = 10) -> datetime.datetime:
    return datetime.datetime(2024, month, day, hour, 30, tzinfo=datetime.UTC)


NAIVE = datetime.datetime(2024, 10, 27, 2, 30)
ONE = uuid.UUID(int=1)
HIDDEN = Text("e\u0301")

# A type; values of it, those that are the same row beside each other; and what is no value of it.
Same = tuple[Any, list[list[Any]], list[Any]]
SAME: list[Same] = [
    (int, [[1, Int(1)], [0], [-1], [2**63 - 1]], [True, 1.0, "1", Decimal(1)]),
    (
        float,
        [[1, 1.0, Int(1), Float(1)], [0, 0.0, -0.0, Float(-0.0)], [0.1 + 0.2], [0.3], [5e-324]],
        [True, "1", Decimal(1), float("nan")],
    ),
    (bool, [[True], [False]], [1, 0, 1.0]),
    (
        str,
        [["a", Text("a")], ["A", Text("A")], ["a "], ["é"], ["e\u0301", HIDDEN], ["ß"], ["ss"]],
        [Mood.GOOD, b"a", 1],
    ),
    (bytes, [[b"a", Bytes(b"a")], [b""], [b"\0"]], [bytearray(b"a"), memoryview(b"a"), "a"]),
    (
        Decimal,
        [
            [Decimal("1"), Decimal("1.0"), Decimal("1.00"), 1, Int(1), Number("1.000")],
            [Decimal("1E+2"), Decimal("100"), Decimal("100.0"), 100],
            [Decimal("0"), Decimal("-0"), Decimal("0E+5"), Number("-0.00"), 0],
            [Decimal(10**30 + 1)],
            [Decimal(10**30)],
            [Decimal("1." + "0" * 40 + "1")],
        ],
        [True, 1.0, Decimal("NaN"), Decimal("-Infinity")],
    ),
    (
        CENTS,
        [[Decimal("1"), Decimal("1.000"), 1], [Decimal("0"), Decimal("-0.0")], [Decimal("0.01")]],
        [True, 1.0, Decimal("0.001")],
    ),
    (
        datetime.date,
        [[datetime.date(2024, 1, 1), Date(2024, 1, 1)], [datetime.date(2024, 1, 2)]],
        [NAIVE, "2024-01-01"],
    ),
    (
        datetime.datetime,
        [[NAIVE, DateTime(2024, 10, 27, 2, 30)], [NAIVE.replace(microsecond=1)]],
        [NAIVE.replace(fold=1), utc(2), datetime.date(2024, 1, 1), Precise(2024, 1, 1)],
    ),
    (
        AWARE,
        [
            # The hour that comes twice, and one that never comes.
            [berlin(2), utc(0), utc(2).replace(tzinfo=PLUS_2)],
            [berlin(2, 1), utc(1), utc(1).replace(fold=1)],
            [berlin(2, day=31, month=3), utc(1, day=31, month=3)],
            [berlin(2, 1, day=31, month=3), utc(0, day=31, month=3)],
            [utc(5), berlin(6), berlin(6, 1), utc(7).replace(tzinfo=PLUS_2)],
        ],
        [NAIVE, "2024-01-01", Precise(2024, 1, 1, tzinfo=PLUS_2)],
    ),
    (
        datetime.time,
        [[datetime.time(2, 30), Time(2, 30)], [datetime.time(2, 30, 0, 1)]],
        [datetime.time(2, 30, fold=1), datetime.time(2, 30, tzinfo=PLUS_2), NAIVE],
    ),
    (uuid.UUID, [[ONE, UUID(int=1)], [uuid.UUID(int=0)]], [str(ONE), ONE.bytes, 1]),
    (Color, [[Color.RED, Color.CRIMSON], [Color.GREEN]], [Other.RED, 1, "RED"]),
    (Size, [[Size.TWO, Size.ALSO_TWO], [Size.ONE]], [2, "TWO"]),
    (Mood, [[Mood.GOOD], [Mood.BAD]], ["a", "GOOD"]),
    (Literal[1, 2], [[1], [2]], [True, 1.0, 3]),
    (tuple[float, str], [[(1, "a"), (1.0, "a")], [(1.0, "A")]], [[1.0, "a"], Point(1.0, "a")]),
    (Point, [[Point(1, "a"), Point(1.0, "a")], [Point(0, "a"), Point(-0.0, "a")]], [(1.0, "a")]),
    (Flat, [[Flat(x=1, y="a"), Flat(x=1.0, y="a")]], [Point(1.0, "a"), (1.0, "a")]),
    (Converting, [[Converting("a")], [Converting("a!")]], ["a!"]),
    (st.Pair[AWARE, int], [[st.Pair(berlin(2), 1), st.Pair(utc(0), 1)]], [(utc(0), 1)]),
    (tuple[float, ...], [[(1, -0.0), (1.0, 0)], [()], [(0.0,), (0,)]], [[1.0], 1.0]),
    (
        tuple[AWARE, ...],
        [[(berlin(2), utc(5)), (utc(0), berlin(6))], [(berlin(2, 1), utc(5))]],
        [[utc(0)]],
    ),
    (
        frozenset[Decimal],
        [[frozenset({Decimal("1.0")}), frozenset({1})], [frozenset()]],
        [{Decimal(1)}, (Decimal(1),)],
    ),
    (frozenset[AWARE], [[frozenset({berlin(2)}), frozenset({berlin(2), utc(0)})]], [{utc(0)}]),
    (
        st.ZSetPython[float],
        [
            [st.ZSetPython({1: 2}), st.ZSetPython([(1.0, 1), (1, 1)])],
            [st.ZSetPython(), st.ZSetPython({1.0: 0})],
        ],
        [{1.0: 2}, [(1.0, 2)]],
    ),
    (
        st.ZSetPython[AWARE],
        [
            [st.ZSetPython({berlin(2): 1, utc(5): 1}), st.ZSetPython({utc(0): 1, berlin(6): 1})],
            [st.ZSetPython([(berlin(2), 1), (berlin(2, 1), -1)])],
            [st.ZSetPython()],
        ],
        [],
    ),
    (int | str, [[1, Int(1)], ["1"], ["é"], ["e\u0301"]], [1.0, True, b"1"]),
    (None, [[None]], [0, st.EMPTY]),
]
IDS = [str(annotation) for annotation, _, _ in SAME]


@pytest.fixture(params=SAME, ids=IDS)
def same(request: pytest.FixtureRequest) -> Same:
    found: Same = request.param
    return found


def row_of(annotation: Any) -> Any:
    return Row[annotation]


def one_of_each(groups: list[list[Any]]) -> list[Any]:
    return [values[0] for values in groups]


def cases(groups: list[list[Any]]) -> Iterator[tuple[Any, Any, Any]]:
    """Two values that are the same row, and one that is another or None."""
    others = [*one_of_each(groups)[1:], *one_of_each(groups)[:1]]
    for values, other in zip(groups, others, strict=True):
        for a, b in itertools.product(values, repeat=2):
            yield a, b, other if len(groups) > 1 else None


def test_the_same_row(opened: Open, same: Same) -> None:
    annotation, groups, _ = same
    graph, cache, _ = graph_of(annotation)
    row = row_of(annotation)
    with opened(graph) as store:
        reference = st.StorePython.from_graph(graph)
        form = python_codec(type_of(row)).canonical

        def canonical(value: Any) -> Any:
            return form(row(number=1, value=value))

        def done(step: Any, kept: list[Any]) -> None:
            """A step on both stores; afterwards the cache has these rows."""
            found, wanted = step(store), step(reference)
            assert list(map(shown, found)) == list(map(shown, wanted))
            assert len(cache.zset(store)) == len(kept)
            assert shown(cache.zset(store)) == shown(cache.zset(reference))
            for read, value in itertools.product((store, reference), kept):
                ((_, count),) = cache.zset(read).iter(frozenset({row(number=1, value=value)}))
                assert count == cache.zset(reference).to_python().get_count(canonical(value))

        def rows(values: list[Any]) -> list[Any]:
            return [row(number=1, value=value) for value in values]

        for a, b, c in cases(groups):
            done(lambda s, a=a: st.actions(s, graph)[0].insert(*rows([a])), [b])
            done(lambda s, b=b: st.actions(s, graph)[0].remove(*rows([b])), [])
            done(lambda s, a=a: st.actions(s, graph)[0].insert(*rows([a])), [b])
            done(lambda s, a=a, b=b: st.actions(s, graph)[0].replace(*rows([a, b])), [a])
            if c is not None:
                done(lambda s, b=b, c=c: st.actions(s, graph)[0].replace(*rows([b, c])), [c])
                change = st.ZSetPython(zip(rows([c, a]), (-1, 1), strict=True))
                assert len(change) == 2
                done(lambda s, z=change: st.iteration(s, graph, (z, st.ZSetPython())), [b])
                done(
                    lambda s, a=a, c=c: st.iteration(
                        s, graph, (of(rows([c]), 1) + of(rows([a]), -1), st.ZSetPython())
                    ),
                    [c],
                )
                b = c
            done(lambda s, b=b: st.iteration(s, graph, (of(rows([b]), -1), st.ZSetPython())), [])
        everything = [value for values in groups for value in values]
        both = (of(rows(everything), 1), of(rows(one_of_each(groups)), 1))
        done(lambda s: st.iteration(s, graph, both), one_of_each(groups))


def of(rows: list[Any], count: int) -> st.ZSetPython[Any]:
    return st.ZSetPython([(row, count) for row in rows])


def test_what_is_no_value(same: Same) -> None:
    annotation, _, refused = same
    graph, cache, _ = graph_of(annotation)
    row = row_of(annotation)
    with on_sqlite(graph) as store:
        for each, value in itertools.product((store, st.StorePython.from_graph(graph)), refused):
            for given in (value, *((value,) * 2 if isinstance(value, bool) else ())):
                with pytest.raises(st.RowError):
                    st.actions(each, graph)[0].insert(row(number=1, value=given))
            assert len(cache.zset(each)) == 0


def test_equal_in_python_and_no_value(opened: Open) -> None:
    """1 and True are equal: what is taken away and added is looked at before it cancels."""
    graph, cache, _ = graph_of(int)
    wrong: Any = True
    with opened(graph) as store:
        for each in (store, st.StorePython.from_graph(graph)):
            (action, _) = st.actions(each, graph)
            action.insert(Row(number=1, value=1))
            with pytest.raises(st.RowError, match="expected int, got bool True"):
                action.replace(Row(number=1, value=1), Row(number=1, value=wrong))
            assert shown(cache.zset(each)) == {repr(Row(number=1, value=1)): 1}


# ------------------------------------------------------------------------------ in another process


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, sqlite_path: Path) -> Place:
    if request.param == "sqlite":
        return sqlite_place(sqlite_path)
    return postgres_place(request.getfixturevalue("postgres_db"))


def remove_as_read(place: Place, graph: Any, cache: st.Cache[Any]) -> None:
    """Reads all rows, and takes them away as they were read."""
    with place.opened(graph) as store:
        rows = [row for row, count in cache.zset(store).iter() for _ in range(count)]
        st.actions(store, graph)[0].remove(*rows)


def test_rows_that_another_process_has_read(place: Place, same: Same) -> None:
    annotation, groups, _ = same
    graph, cache, _ = graph_of(annotation)
    row = row_of(annotation)
    with place.opened(graph) as store:
        everything = [value for values in groups for value in values]
        st.actions(store, graph)[0].insert(*(row(number=1, value=value) for value in everything))
        with forked(remove_as_read, place, graph, cache) as process:
            process.join(60)
            assert process.exitcode == 0
        assert len(cache.zset(store)) == 0


# ------------------------------------------------------------------------------------ the context


class Amount(st.Data):
    owner: str
    free: Decimal
    cents: CENTS


def titled(row: Amount) -> tuple[str, Decimal, Decimal, Decimal]:  # on Postgres a Python step
    return row.owner.title(), row.free + 1, row.free * row.free - row.cents, round(row.free, 2)


def shares(row: Amount) -> tuple[Decimal, Decimal, str, str]:
    """Quotients, of which some have no end; beside a sum that is exact."""
    third = row.free / 3
    return third, row.free + Decimal("0." + "0" * 40 + "1"), f"{third:.3f}", str(row.cents / 7)


class Totals(st.Data):
    total: Decimal
    mean: Decimal
    most: Decimal | None
    kinds: int


totals_cache = st.Cache[st.Pair[Totals, str]]("totals")
BY_OWNER = st.Index.pick(Amount, lambda row: row.owner)
BY_SUM = st.Index.pick(Amount, lambda row: row.free + row.cents)


def amounts(rows: st.ZSet[Amount]) -> Any:
    totals = st.aggregate(
        rows,
        by=BY_OWNER,
        into=Totals,
        total=st.agg.sum(lambda row: row.free * row.cents),
        mean=st.agg.avg(lambda row: row.cents),
        most=st.agg.max(lambda row: -row.free),
        kinds=st.agg.count_distinct(lambda row: abs(row.free)),
    )
    _ = totals_cache[totals](lambda z: st.integrate(z))
    joined = st.join(rows, rows, on_left=BY_SUM, on_right=BY_SUM)
    first = st.first_n(rows, index=BY_SUM, n=2)
    return totals, joined, first, st.map(rows, f=titled), st.map(rows, f=shares)


@dataclasses.dataclass(frozen=True)
class Hostile:
    """A decimal context that no number comes through as it is."""

    digits: int
    rounding: str
    traps: tuple[Any, ...] = ()
    exponents: int = 999_999

    def __enter__(self) -> None:
        context = decimal.Context(
            prec=self.digits,
            rounding=self.rounding,
            Emin=-self.exponents,
            Emax=self.exponents,
            traps=list(self.traps),
        )
        object.__setattr__(self, "before", decimal.getcontext())
        decimal.setcontext(context)

    def __exit__(self, *raised: object) -> None:
        decimal.setcontext(self.before)  # type: ignore[attr-defined]


ALL_TRAPS = (
    *(decimal.Inexact, decimal.Rounded, decimal.Subnormal, decimal.Clamped),
    *(decimal.FloatOperation, decimal.InvalidOperation, decimal.DivisionByZero),
)
CONTEXTS = [
    Hostile(1, decimal.ROUND_UP),
    Hostile(5, decimal.ROUND_05UP, ALL_TRAPS),
    Hostile(3, decimal.ROUND_FLOOR, ALL_TRAPS, exponents=1),
    Hostile(60, decimal.ROUND_DOWN),
]
AMOUNTS = [
    Amount(owner="ann", free=Decimal("1.23456789"), cents=Decimal("1.99")),
    Amount(owner="ann", free=Decimal("1000000000000000000000000000000.5"), cents=Decimal("-0.05")),
    Amount(owner="bob", free=Decimal("-1E-30"), cents=Decimal("92233720368547758.07")),
    Amount(owner="bob", free=Decimal("1E+40"), cents=Decimal("0.00")),
    Amount(owner="cid", free=Decimal("0.6666666666666666666666666667"), cents=Decimal("10.00")),
]


def test_any_context(opened: Open) -> None:
    graph = st.compile(amounts, name="amounts")
    with opened(graph) as store:
        calm = st.StorePython.from_graph(graph)
        hostile = st.StorePython.from_graph(graph)
        for amount, context in zip(AMOUNTS, itertools.cycle(CONTEXTS)):
            wanted = [shown(each) for each in st.actions(calm, graph)[0].insert(amount)]
            for each in (store, hostile):
                with context:
                    found = [shown(z) for z in st.actions(each, graph)[0].insert(amount)]
                assert found == wanted
        for context in CONTEXTS:
            with context:
                assert shown(totals_cache.zset(store)) == shown(totals_cache.zset(calm))
        for amount, context in zip(AMOUNTS, itertools.cycle(reversed(CONTEXTS))):
            wanted = [shown(each) for each in st.actions(calm, graph)[0].remove(amount)]
            for each in (store, hostile):
                with context:
                    found = [shown(z) for z in st.actions(each, graph)[0].remove(amount)]
                assert found == wanted
        assert len(totals_cache.zset(store)) == 0


def test_what_is_exact_and_what_has_28_digits() -> None:
    graph = st.compile(amounts, name="amounts")
    store = st.StorePython.from_graph(graph)
    (amount,) = (AMOUNTS[1],)
    *_, mapped, shared = st.actions(store, graph)[0].insert(amount)
    ((_, more, product, rounded),) = (row for row, _ in mapped.iter())
    assert more == Decimal("1000000000000000000000000000001.5")
    with decimal.localcontext(prec=100):
        assert product == amount.free * amount.free + Decimal("0.05")
    assert rounded == amount.free
    ((third, exact, text, seventh),) = (row for row, _ in shared.iter())
    assert third == Decimal("333333333333333333333333333333.5")  # it has an end
    assert str(exact).endswith("0.5" + "0" * 39 + "1")
    assert text == "333333333333333333333333333333.500"
    assert seventh == "-0.007142857142857142857142857143"


# -------------------------------------------------------------------------------------- in memory


def test_z_sets_in_memory_tell_moments_apart() -> None:
    summer, winter = berlin(2), berlin(2, 1)
    assert summer == winter
    assert hash(summer) == hash(winter)
    for a, b in (
        (summer, winter),
        ((1, summer), (1, winter)),
        (st.Pair(summer, None), st.Pair(winter, None)),
        (Row(number=1, value=summer), Row(number=1, value=winter)),
        (frozenset({summer}), frozenset({winter})),
        (((summer,),), ((winter,),)),
    ):
        both: Any = st.ZSetPython([(a, 1), (b, 1)])
        assert len(both) == 2
        assert both.get_count(a) == both.get_count(b) == 1
        assert both == st.ZSetPython([(b, 1)]) + st.ZSetPython([(a, 1)])
        assert both - st.ZSetPython([(b, 1)]) == st.ZSetPython([(a, 1)])
        assert st.ZSetPython([(a, 1)]) != st.ZSetPython([(b, 1)])
        assert (both * 2 + both * -2).empty()
        assert [row for row, _ in both.iter(frozenset({b}))] == [b]
        assert len({repr(row) for row, _ in both.iter()}) == 2
        assert hash(both) == hash(st.ZSetPython(list(both.iter())))
