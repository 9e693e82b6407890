"""A backfill by SELECT: each value is what the row class says, or an error says which is not."""

from __future__ import annotations

import datetime as dt
import enum
import re
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepping
from stepping import Cache, Data, ZSet
from stepping.compiler.canonical import CHECKS
from stepping.compiler.plan.tables import TableColumn
from stepping.compiler.schema import Atom, Kind
from stepping.dialects import get_dialect
from stepping.dialects.sqlite import functions, values
from stepping.runtime.apply import apply
from tests.support.place import Place


class Color(enum.Enum):
    RED = 1
    GREEN = 2


# ------------------------------------------------------------ what SQLite makes of any value at all

_TIME = r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?"
_DAY = r"\d{4}-\d\d-\d\d"
_ZONE = r"(Z|[+-]\d\d:\d\d)"
FORMS = {
    Kind.DATE: (_DAY, dt.date.fromisoformat),
    Kind.DATETIME: (rf"{_DAY}([ T]{_TIME})?", dt.datetime.fromisoformat),
    Kind.TIMESTAMP: (rf"{_DAY}[ T]{_TIME}{_ZONE}", dt.datetime.fromisoformat),
    Kind.TIME: (_TIME, dt.time.fromisoformat),
    Kind.UUID: (r"[\da-fA-F]{8}(-[\da-fA-F]{4}){3}-[\da-fA-F]{12}|[\da-fA-F]{32}", uuid.UUID),
}


def meant(atom: Atom, raw: Any) -> Any:
    """What a value of a SELECT means for a column; a ValueError where it means nothing."""
    match atom.kind, raw:
        case Kind.BOOL, int() if raw in (0, 1):
            return bool(raw)
        case Kind.DECIMAL, float() if one_decimal(raw, atom.scale):
            return Decimal(int(raw) if raw.is_integer() else repr(raw))
        case Kind.DECIMAL, str() if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", raw, re.ASCII):
            return Decimal(raw)
        case Kind.UUID, bytes() if len(raw) == 16:
            return uuid.UUID(bytes=raw)
        case Kind.ENUM, str() if raw in Color.__members__:
            return Color[raw]
        case ((Kind.DATE | Kind.DATETIME | Kind.TIMESTAMP | Kind.TIME | Kind.UUID), str()):
            form, read = FORMS[atom.kind]
            if re.fullmatch(form, raw, re.ASCII):
                return read(raw)
        case ((Kind.INT | Kind.FLOAT | Kind.TEXT | Kind.BYTES), _):
            return raw
        case Kind.DECIMAL, int():
            return Decimal(raw)
    raise ValueError


def one_decimal(number: float, scale: int | None) -> bool:
    """Whether no two decimals of so many digits behind the point are this float."""
    return scale is None or abs(number) * 10**scale < 10**15 or number.is_integer()


def stored(atom: Atom, raw: Any) -> Any:
    """The column's value for it; None where it means nothing."""
    try:
        value = CHECKS[atom.kind](meant(atom, raw), atom, "")
    except ValueError:
        return None
    convert = values.to_column(atom, "")
    column = value if convert is None else convert(value)
    return bytes(column) if isinstance(column, bytearray) else column


ATOMS = [
    *(Atom(kind) for kind in (Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.TEXT, Kind.BYTES)),
    *(Atom(kind) for kind in (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP, Kind.TIME, Kind.UUID)),
    *(Atom(Kind.DECIMAL, scale=scale) for scale in (None, 0, 2, 9)),
    Atom(Kind.ENUM, members=tuple(Color.__members__), python=Color),
]
digits = st.text("0123456789", max_size=21)
moments = st.datetimes() | st.datetimes(timezones=st.timezones(no_cache=True))
texts = st.one_of(
    moments.map(str),
    moments.map(lambda moment: moment.isoformat(timespec="minutes")),
    st.dates().map(str),
    st.times().map(str),
    st.uuids().map(str),
    st.uuids().map(lambda u: u.hex),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.tuples(st.sampled_from(["", "-", "+"]), digits, st.sampled_from(["", "."]), digits).map(
        "".join
    ),
    st.sampled_from(
        ["RED", "red", "", " 1", "1 ", "1_0", "now", "2026-02-30", "12:00", "24:00:00"]
    ),
    st.sampled_from(["0000-01-01", "2026-1-1", "2026-01-01 10:0", "2026-01-01T10", "2451545.0"]),
    st.sampled_from(["0001-01-01 00:00:00+01:00", "9999-12-31 23:59:59-00:01", "10:00\0"]),
    st.text(st.characters(codec="utf-8"), max_size=4),
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A text with one character more, less, or another."""
    text = draw(texts)
    at = draw(st.integers(0, len(text)))
    piece = draw(st.sampled_from(["", *"09-.: TZ+\0é٣"]))
    return text[:at] + piece + text[at + draw(st.integers(0, 1)) :]


raws = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-300, 300),
    st.floats(allow_nan=False),
    st.integers(-(10**6), 10**6).map(lambda cents: cents / 100),
    texts,
    damaged(),
    st.binary(max_size=17),
    st.binary(min_size=16, max_size=16),
)


@pytest.mark.parametrize("atom", ATOMS, ids=str)
def test_sqlite_takes_what_python_would(atom: Atom) -> None:
    words = get_dialect("sqlite").migrations.backfill
    sql = f"SELECT {words.converted(TableColumn('v', atom), 'q.v')} FROM (SELECT ? AS v) AS q"  # noqa: S608

    with stepping.connection_sqlite(":memory:") as connection:
        functions.register(connection)

        @hypothesis.settings(max_examples=hypothesis.settings().max_examples * 4)
        @given(raws)
        def holds(raw: Any) -> None:
            ((found,),) = connection.execute(sql, (raw,)).fetchall()
            wanted = stored(atom, raw)
            assert repr(found) == repr(wanted), raw

        holds()


# ------------------------------------------------------------------------------- on both databases


class Thing(Data):
    id: int
    at: dt.datetime
    seen: Annotated[dt.datetime, stepping.UTC] | None
    day: dt.date
    time: dt.time
    price: Annotated[Decimal, stepping.Scale(2)]
    weight: Decimal | None
    ratio: float
    ok: bool
    name: str | None
    data: bytes
    key: uuid.UUID
    color: Color
    size: Literal["small", "large"]


things = Cache[Thing]("things")


def kept(a: ZSet[Thing]) -> ZSet[Thing]:
    _ = things[a](lambda z: stepping.integrate(z))
    return a


GRAPH = stepping.compile(kept)
THING = Thing(
    id=1,
    at=dt.datetime(2026, 11, 29, 10, 0, 0, 500),
    seen=dt.datetime(2026, 11, 29, 8, tzinfo=dt.UTC),
    day=dt.date(1969, 12, 31),
    time=dt.time(10, 30),
    price=Decimal("-2.50"),
    weight=Decimal("0.125"),
    ratio=2.0,
    ok=True,
    name="it's 100%",
    data=b"\x00\xff",
    key=uuid.UUID("12345678-1234-5678-9abc-123456789abc"),
    color=Color.GREEN,
    size="large",
)
COLUMNS = {
    "id": "1",
    "at": "'2026-11-29T10:00:00.0005'",
    "seen": "'2026-11-29 10:00:00+02:00'",
    "day": "'1969-12-31'",
    "time": "'10:30'",
    "price": "'-2.5'",
    "weight": "'0.1250'",
    "ratio": "2",
    "ok": "TRUE",
    "name": "'it''s 100%'",
    "data": "x'00ff'",
    "key": "'12345678-1234-5678-9ABC-123456789abc'",
    "color": "'GREEN'",
    "size": "'large'",
}
OTHERWISE = {
    "at": ["timestamp '2026-11-29 10:00:00.0005'"],
    "seen": ["timestamptz '2026-11-29 08:00:00Z'", "'2026-11-29T08:00Z'"],
    "day": ["date '1969-12-31'"],
    "time": ["time '10:30'"],
    "price": ["-2.5", "-2.50::numeric(10, 4)", "'-002.500'"],
    "weight": ["0.125", "0.125::float8"],
    "ratio": ["2.0", "2::smallint", "2.0::float4"],
    "key": ["'12345678123456789abc123456789abc'::uuid"],
    "id": ["1::smallint", "1::numeric"],
    "name": ["'it''s 100%'::varchar(20)"],
}
WRONG = {
    "id": ["1.5", "'1'", "NULL", "x'01'"],
    "at": ["'2026-02-30 10:00:00'", "'2026-11-29 10:00:00Z'", "1764410400", "'soon'", "NULL"],
    "seen": ["'2026-11-29 10:00:00'", "1764410400", "'0001-01-01 00:00:00+01:00'"],
    "day": ["'2026-11-29 10:00:00'", "'29.11.2026'", "20000", "2461374.5"],
    "time": ["'24:00:00'", "36000", "'10'"],
    "price": ["'2.505'", "2.505", "'2,50'", "'1e2'", "'99999999999999999999'", "''", "NULL"],
    "weight": ["'heavy'", "x'01'"],
    "ratio": ["'2.0'", "NULL"],
    "ok": ["2", "'true'", "NULL"],
    "name": ["1", "x'61'"],
    "data": ["'text'", "1"],
    "key": ["'12345678'", "'12345678-1234-5678-9abc-123456789abg'", "1"],
    "color": ["'BLUE'", "2", "'green'"],
    "size": ["'medium'", "'LARGE'", "NULL"],
}
WRONG_ON_POSTGRES = {
    "id": ["1.0::float8", "true", "9223372036854775808"],
    "at": ["timestamptz '2026-11-29 10:00:00Z'", "date '2026-11-29'", "timestamp 'infinity'"],
    "seen": ["timestamp '2026-11-29 10:00:00'", "timestamptz '-infinity'"],
    "day": ["timestamp '2026-11-29 10:00:00'", "date '0044-03-15 BC'", "date 'infinity'"],
    "time": ["time '24:00:00'"],
    "price": ["'NaN'::numeric", "2.505::numeric"],
    "weight": ["'NaN'::float8", "'Infinity'::float8"],
    "ratio": ["'NaN'::float8"],
}


def select(place: Place, changed: dict[str, str]) -> str:
    texts = COLUMNS | changed
    if place.name == "postgres":
        texts = {a: re.sub(r"^x('.*')$", r"decode(\1, 'hex')", b) for a, b in texts.items()}
    return "SELECT " + ", ".join(f"{b} AS {a}" for a, b in texts.items())


@pytest.mark.parametrize("column", [None, *OTHERWISE])
def test_values_that_mean_the_row(place: Place, column: str | None) -> None:
    forms = OTHERWISE.get(column or "", [COLUMNS["id"]])
    with place.connect() as connection:
        for form in forms:
            if place.name == "sqlite" and re.search(r"::|^\w+ '", form):
                continue
            made = stepping.plan(
                connection, GRAPH, backfill={"a": select(place, {column or "id": form})}
            )
            made.apply()
            with place.opened(GRAPH, create_tables=False) as store:
                assert list(things.zset(store).iter()) == [(THING, 1)], form
                stepping.actions(store, GRAPH)[0].remove(THING)
            store = place.store(connection, GRAPH)
            apply(made.driver, made.down_sql)


@pytest.mark.parametrize("column", WRONG)
def test_values_that_mean_nothing(place: Place, column: str) -> None:
    forms = list(WRONG[column])
    if place.name == "postgres":
        forms += WRONG_ON_POSTGRES.get(column, ())
    # On Postgres all rows of a SELECT have the same types.
    rows = f"{select(place, {'id': '7'})} UNION ALL " if place.name == "sqlite" else ""
    with place.connect() as connection:
        for form in forms:
            made = stepping.plan(
                connection,
                GRAPH,
                backfill={"a": rows + select(place, {column: form})},
            )
            with pytest.raises(stepping.RowError) as caught:
                made.apply()
            said = str(caught.value)
            assert said.startswith(f"backfill of a: {column} is "), (form, said)
            assert "in the row " in said, said
            assert not made.driver.existing(["stepping_queries"])
