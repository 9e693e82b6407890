"""Values at the edge of their types: stored, found again, joined, grouped, ordered and removed."""

from __future__ import annotations

import datetime
import math
import random
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest

import stepping as st
from tests.support.type_law import Open, Row, graph_of, hold, on_sqlite

UTC = datetime.UTC
AWARE = Annotated[datetime.datetime, st.UTC]
CENTS = Annotated[Decimal, st.Scale(2)]

RANDOM = random.Random(1)
# A B-tree of Postgres takes 2,704 bytes, and stores what can be compressed to that.
INCOMPRESSIBLE = "".join(chr(RANDOM.randrange(0x4E00, 0x9FFF)) for _ in range(5000))
PLANES = [chr(plane * 0x10000 + 0xFFFD) for plane in range(17)]


def naive(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts)  # type: ignore[arg-type]


EXTREMES: list[tuple[str, Any, list[Any]]] = [
    ("ints", int, [0, -1, 1, 2**63 - 1, -(2**63), 2**53, 2**53 + 1]),
    (
        "floats",
        st.AnyFloat,
        [0.0, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1, 1e16, 3],
    ),
    ("short texts", str, ["", " ", "a", "A", "é", "e\u0301", "\x01", "'\"\\", "%s $1 ?", "None"]),
    ("planes", str, PLANES),
    ("long texts", str, ["x" * 1_000_000, INCOMPRESSIBLE, INCOMPRESSIBLE[:-1], "x" * 2705]),
    ("bytes", bytes, [b"", b"\0", b"\xff" * 5000, RANDOM.randbytes(10_000)]),
    (
        "decimals",
        Decimal,
        [
            *(Decimal("-0"), Decimal("0E+99999"), Decimal("1.0"), Decimal("1.00"), Decimal("1e28")),
            *(Decimal("-1e-28"), Decimal("1e9999"), Decimal("-1e-9999")),
            Decimal("123456789" * 20 + "." + "987654321" * 20),
            Decimal("1" + "0" * 5000 + "1"),
        ],
    ),
    (
        "cents",
        CENTS,
        [*map(Decimal, ("0.01", "-0.00", "92233720368547758.07", "-92233720368547758.08"))],
    ),
    ("dates", datetime.date, [datetime.date.min, datetime.date.max, datetime.date(1969, 12, 31)]),
    (
        "naive",
        datetime.datetime,
        [
            *(naive(1, 1, 1), naive(9999, 12, 31, 23, 59, 59, 999999)),
            naive(1969, 12, 31, 23, 59, 59, 999999),
            naive(2024, 10, 27, 2, 30),
        ],
    ),
    (
        "aware",
        AWARE,
        [
            datetime.datetime.min.replace(tzinfo=UTC),
            datetime.datetime.max.replace(tzinfo=UTC),
            datetime.datetime(2024, 1, 1, tzinfo=UTC),
            datetime.datetime(1, 1, 1, tzinfo=datetime.timezone(-datetime.timedelta(hours=5))),
        ],
    ),
    ("times", datetime.time, [datetime.time.min, datetime.time.max, datetime.time(1, 2, 3, 4)]),
    ("uuids", UUID, [UUID(int=0), UUID(int=2**128 - 1), UUID(int=1)]),
    ("collected", tuple[str | bytes, ...], [(), ("",), (INCOMPRESSIBLE,), (b"\xff" * 5000, "a")]),
    ("nothing", None, [None]),
]


@pytest.mark.parametrize("is_optional", [False, True], ids=["required", "optional"])
@pytest.mark.parametrize(
    ("annotation", "values"), [e[1:] for e in EXTREMES], ids=[e[0] for e in EXTREMES]
)
def test_extremes(opened: Open, annotation: Any, values: list[Any], is_optional: bool) -> None:
    if is_optional and annotation is not None:
        annotation, values = annotation | None, [None, *values]
    hold(opened, annotation, values)


def test_nul_in_a_text_on_sqlite() -> None:
    hold(on_sqlite, str, ["", "\0", "a", "a\0", "a\0b", "a\0c", "\0\0", "b"])
    hold(on_sqlite, str | None, [None, "", "\0"])


def test_nul_in_a_collected_text(opened: Open) -> None:
    hold(opened, tuple[str, ...], [("\0",), ("a\0b", ""), ()])


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"])
def test_the_sessions_time_zone(every_postgres: list[tuple[str, str]], zone: str) -> None:
    # 0001-01-01 in UTC is before year 1 in New York.
    values = [datetime.datetime.min.replace(tzinfo=UTC), datetime.datetime.max.replace(tzinfo=UTC)]
    graph, cache, _ = graph_of(AWARE)
    rows = [Row(number=i, value=value) for i, value in enumerate(values)]
    for _, url in every_postgres:
        with st.connection_postgres(url) as connection:
            connection.execute("SELECT set_config('TimeZone', %s, false)", (zone,))
            connection.execute("SET DateStyle = 'German, DMY'")
            connection.execute("BEGIN")
            store = st.StorePostgres.from_graph(connection, graph)
            st.actions(store, graph)[0].insert(*rows)
            assert sorted(row.value for row, _ in cache.zset(store).iter()) == values
            st.actions(store, graph)[0].remove(*rows)
            assert len(cache.zset(store)) == 0
            connection.execute("ROLLBACK")


EAST = datetime.timezone(datetime.timedelta(hours=1))
WEST = datetime.timezone(-datetime.timedelta(hours=1))

REFUSED: list[tuple[Any, Any, str]] = [
    (int, 2**63, "does not fit in 64 bits"),
    (int, -(2**63) - 1, "does not fit in 64 bits"),
    (int, True, "expected int, got bool True"),
    (float, math.nan, "NaN equals nothing"),
    (float, 10**400, "expected float"),
    (str, "\ud800", "lone surrogate"),
    (str, "\udc00" + "a", "lone surrogate"),
    (Decimal, Decimal("NaN"), "is not a number"),
    (Decimal, Decimal("Infinity"), "is not a number"),
    (Decimal, Decimal("1e10001"), "more digits than a database holds"),
    (Decimal, Decimal("1." + "1" * 17_000), "more digits than a database holds"),
    (CENTS, Decimal("0.001"), "more than 2 digits after the point"),
    (CENTS, Decimal("92233720368547758.08"), "does not fit"),
    (datetime.datetime, datetime.datetime(2024, 1, 1, tzinfo=UTC), "has a time zone"),
    (AWARE, naive(2024, 1, 1), "has no time zone"),
    (AWARE, datetime.datetime.min.replace(tzinfo=EAST), "is before year 1 or after year 9999"),
    (AWARE, datetime.datetime.max.replace(tzinfo=WEST), "is before year 1 or after year 9999"),
    (datetime.time, datetime.time(1, tzinfo=UTC), "has a time zone"),
    (datetime.date, naive(2024, 1, 1), "expected date"),
]


@pytest.mark.parametrize("inside", [False, True], ids=["in a column", "collected"])
@pytest.mark.parametrize(("annotation", "value", "message"), REFUSED)
def test_what_is_refused(annotation: Any, value: Any, message: str, inside: bool) -> None:
    if inside:
        annotation, value = tuple[annotation, ...], (value,)
    graph, cache, _ = graph_of(annotation)
    with on_sqlite(graph) as store:
        for each in (store, st.StorePython.from_graph(graph)):
            with pytest.raises(st.RowError, match=message) as caught:
                st.actions(each, graph)[0].insert(Row(number=1, value=value))
            assert ".value" in caught.value.message
            assert len(cache.zset(each)) == 0


def test_nul_in_a_text_on_postgres(every_postgres: list[tuple[str, str]]) -> None:
    graph, cache, _ = graph_of(str)
    for _, url in every_postgres:
        with st.connection_postgres(url) as connection:
            connection.execute("BEGIN")
            store = st.StorePostgres.from_graph(connection, graph)
            with pytest.raises(st.RowError, match=r"Row\[str\]\.value: 'a\\x00' holds NUL"):
                st.actions(store, graph)[0].insert(Row(number=1, value="a\0"))
            assert len(cache.zset(store)) == 0
            connection.execute("ROLLBACK")
