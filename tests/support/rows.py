"""Row classes for tests, and values of every type: few, so that rows collide, and nasty."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import types
import typing
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from hypothesis import strategies as st

import stepping


class Color(enum.Enum):
    RED = 1
    GREEN = "g"
    blue = None


class Size(enum.IntEnum):
    SMALL = 10
    LARGE = 2


class Mood(enum.StrEnum):
    GOOD = "zz"
    BAD = "aa"


class Item(stepping.Data):
    """The row of most queries: a key, a nullable text, a float and an int."""

    k: int
    t: str | None
    x: stepping.AnyFloat
    n: int


class Part(stepping.Data):
    """What an Item is joined with."""

    k: int | None
    name: str
    cost: stepping.AnyFloat


class Money(stepping.Data):
    owner: str
    scaled: Annotated[Decimal, stepping.Scale(2)]
    free: Decimal


class Place(stepping.Data):
    city: str
    zone: int | None


class Visit(stepping.Data):
    """Nested rows, one of them optional, and a fixed tuple."""

    at: Place
    before: Place | None
    code: tuple[int, str]
    n: int


class Keys(stepping.Data):
    """Each kind of key."""

    day: datetime.date
    moment: datetime.datetime
    stamp: Annotated[datetime.datetime, stepping.UTC]
    hour: datetime.time
    uid: uuid.UUID
    color: Color
    flag: bool
    raw: bytes
    size: Size
    mood: Mood
    n: int


class Maybe(stepping.Data):
    """Each kind of value, or None."""

    i: int | None
    f: stepping.AnyFloat | None
    b: bool | None
    s: str | None
    raw: bytes | None
    d: Decimal | None
    scaled: Annotated[Decimal, stepping.Scale(3)] | None
    day: datetime.date | None
    moment: datetime.datetime | None
    stamp: Annotated[datetime.datetime, stepping.UTC] | None
    hour: datetime.time | None
    uid: uuid.UUID | None
    color: Color | None
    size: Size | None
    mood: Mood | None
    kind: Literal["a", "b"] | None


@dataclasses.dataclass(frozen=True)
class Frozen:
    k: int
    s: str


class Named(NamedTuple):
    k: int
    s: str | None


# ----------------------------------------------------------------------------------------- values

LONG = "long " * 1000  # 5,000 characters: more than an entry of a Postgres B-tree may hold

# The first of each pair are drawn more often: few, so that rows, keys and groups meet.
_POOLS: dict[Any, tuple[list[Any], list[Any]]] = {
    int: ([0, 1, 2, 3], [-1, 7, 2**31, 2**53 + 1, 2**62, -(2**62), 2**63 - 1, -(2**63)]),
    # Halves and quarters, whose sums are exact in any order; drift has a test of its own.
    float: ([0.0, 0.5, -1.25, 3.0], [-0.0, 2.0**40, -(2.0**20), 1]),
    stepping.AnyFloat: (
        [0.0, 0.5, -1.25, 3.0],
        [-0.0, float("inf"), float("-inf"), 2.0**40, -(2.0**20), 1],
    ),
    bool: ([False, True], []),
    str: (
        ["a", "b", ""],
        ["A", "é", "e\u0301", "it's", '"q"', "😀", "%s {} %", "\\", " a ", "\n", "\ue000", LONG],
    ),
    bytes: ([b"", b"a"], [b"\0", b"\xff\xfe", b"a\0"]),
    Decimal: (
        [Decimal(0), Decimal("1.5"), Decimal("-2.25")],
        [Decimal("1.50"), Decimal("1E+20"), Decimal("-0.0"), Decimal("0.000000001"), Decimal(10)],
    ),
    datetime.date: (
        [datetime.date(2024, 2, 29), datetime.date(1969, 12, 31)],
        [datetime.date.min, datetime.date.max],
    ),
    datetime.datetime: (
        list(
            map(datetime.datetime.fromisoformat, ["2024-02-29T12:00", "1969-12-31T23:59:59.999999"])
        ),
        list(map(datetime.datetime.fromisoformat, ["0001-01-01", "9999-12-31T23:59:59.999999"])),
    ),
    datetime.time: (
        [datetime.time(0), datetime.time(12, 30, 1, 1)],
        [datetime.time.max, datetime.time(1)],
    ),
    uuid.UUID: ([uuid.UUID(int=0), uuid.UUID(int=7)], [uuid.UUID(int=2**128 - 1)]),
}
_SCALED = ([Decimal(0), Decimal("1.5"), Decimal("-2.25")], [Decimal("0.01"), Decimal("1E+6")])
_EAST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
_AWARE = (
    [
        datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC),
        datetime.datetime(2024, 2, 29, 17, 30, tzinfo=_EAST),  # the same moment
    ],
    [
        datetime.datetime(1, 1, 2, tzinfo=datetime.UTC),
        datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=datetime.UTC),
        datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=_EAST),
    ],
)


def of_type(annotation: Any, *, nasty: bool = True) -> st.SearchStrategy[Any]:
    """Values of a row class or of a field's annotation."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated and annotation not in _POOLS:
        pool = _AWARE if arguments[0] is datetime.datetime else _SCALED
        return _drawn(*pool, nasty=nasty)
    if origin in (typing.Union, types.UnionType):
        parts = [of_type(each, nasty=nasty) for each in arguments if each is not types.NoneType]
        return st.one_of(st.none(), *parts)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.tuples(*(of_type(each, nasty=nasty) for each in arguments))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return st.sampled_from(list(annotation))
    if annotation in _POOLS:
        return _drawn(*_POOLS[annotation], nasty=nasty)
    row_class = origin or annotation
    variables = dict(zip(getattr(row_class, "__parameters__", ()), arguments, strict=False))
    hints = typing.get_type_hints(row_class, include_extras=True)
    names = getattr(row_class, "_fields", None) or [f.name for f in dataclasses.fields(row_class)]
    fields = {name: of_type(variables.get(hints[name], hints[name]), nasty=nasty) for name in names}
    return st.builds(row_class, **fields)


def _drawn(common: list[Any], rare: list[Any], *, nasty: bool) -> st.SearchStrategy[Any]:
    often = st.sampled_from(common)
    if not nasty or not rare:
        return often
    return st.one_of(often, often, often, st.sampled_from(rare))
