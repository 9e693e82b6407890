"""For the law of the function table: values of each type, and two databases to try them on."""

from __future__ import annotations

import datetime
import enum
import itertools
import math
import sqlite3
import struct
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any, Protocol

import psycopg
from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.canonical import canonical_decimal
from stepping.compiler.exact import EXACT
from stepping.compiler.frontend.rowfn.functions import FUNCTIONS
from stepping.compiler.lowering.scalar_sql import scalar_sql
from stepping.compiler.schema import BOOL, FLOAT, INT, NULL, TEXT, Atom, Kind
from stepping.dialects.postgres.scalars import PostgresSpelling
from stepping.dialects.scalars import Spelling
from stepping.dialects.sqlite.decimals import decode, encode
from stepping.dialects.sqlite.functions import register
from stepping.dialects.sqlite.scalars import SQLiteSpelling
from tests.support.interpret import Raised


class Color(enum.Enum):
    RED = 1
    green = "g"
    Blue_2 = None


SCALES = (0, 2, 9)
ATOMS: dict[str, Atom] = {
    "bool": BOOL,
    "int": INT,
    "float": FLOAT,
    "text": TEXT,
    "bytes": Atom(Kind.BYTES),
    "decimal": Atom(Kind.DECIMAL),
    **{f"decimal_{scale}": Atom(Kind.DECIMAL, scale=scale) for scale in SCALES},
    "date": Atom(Kind.DATE),
    "datetime": Atom(Kind.DATETIME),
    "timestamp": Atom(Kind.TIMESTAMP),
    "time": Atom(Kind.TIME),
    "uuid": Atom(Kind.UUID),
    "enum": Atom(Kind.ENUM, members=tuple(Color.__members__), python=Color),
}
NAMES = {atom: name for name, atom in ATOMS.items()}
MAX_ARGUMENTS = 3

# ---------------------------------------------------------------------------------------- values

_INTS = [0, 1, -1, 2, 3, -3, 7, 10, -10, 97, 2**31, 2**53, 2**53 + 1, -(2**53) - 1]
_INTS += [2**62, 2**63 - 1, -(2**63), -(2**63) + 1, 10**18, 999, -1000]
_FLOATS = [0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -0.5, -2.5, 0.1, 0.3, 0.1 + 0.2, 2.675, 1e15, 1e16]
_FLOATS += [123456789.125, 9007199254740993.0, 2.0**53, 2.0**54 + 8, 2.0**62, 2.0**63, -(2.0**63)]
_FLOATS += [1e22, 1e23, 1.7e308, -1.7e308, 1.7976931348623157e308, 5e-324, -5e-324, 2.2e-308]
_FLOATS += [1e-300, 1e300, 1e-5, 1e-4, 0.0001234, float("inf"), float("-inf"), 1e-160, 1e160]
_FLOATS += [9223372036854774784.0, 18014398509481992.0, 1234567.5, 0.125, 1e100, 3.14, 99.995]
_TEXTS = [
    "",
    "a",
    "A",
    "ß",
    "ǆ",
    "İ",
    "\u0131",
    "Σ",
    "ΑΣ",
    "ﬁ",
    "é",
    "e\u0301",
    "\U0001d4b3",
    "😀b",
    "\x00",
]
_TEXTS += ["a\x00b", "\x00ab\x00", " ", " a ", "\t\n\r\x0b\x0c x\u3000", "\u2003\xa0\x85\x1c"]
_TEXTS += ["ab", "aab", "abab", "hello world", "Hello World", "it's", '"q"', "%", "\\", "-12", "+7"]
_TEXTS += ["12", " 1_000 ", "٣", "1.5", "inf", "nan", "1e400", "-0", "0x1f", "१२", "²", "½", "a_1"]
_TEXTS += ["\\u0000", "$", "\uffff", "\ue000", "\U0010ffff", "-5.25", "1234567.891", "\u200b"]
_BYTES = [b"", b"\0", b"a", b"a\0b", b"\xff\xfe", b"ab", bytes(range(256))]
_DECIMALS = ["0", "1", "-1", "0.5", "2.5", "-2.5", "3.5", "0.05", "0.15", "100", "-0.01", "12.345"]
_DECIMALS += ["1E+30", "-123456789012345678901234567890.125", "0.0000001", "-0.000000123", "1E-40"]
_DECIMALS += ["0.000001", "9999999999.99", "1E+20", "0.30", "2.665", "9223372036854775807"]
_SCALED = [0, 1, -1, 5, 15, 25, -25, 50, 150, 250, 99, 100, -101, 12345, 2**63 - 1, -(2**63)]
_SCALED += [10**18, 2**53 + 1, 500_000_000, 1_500_000_000]
_DATES = [(1, 1, 1), (1969, 12, 31), (1970, 1, 1), (9999, 12, 31), (2000, 2, 29), (1900, 3, 1)]
_DATES += [(2024, 12, 30), (999, 12, 31), (4, 2, 29)]
_TIMES = [(0, 0, 0, 0), (23, 59, 59, 999_999), (0, 0, 0, 1), (12, 30, 1, 500_000), (1, 2, 3, 0)]


Make = Callable[[Random], Any]


def _awkward(edges: Sequence[Any], *others: Make) -> Make:
    """Half of the time one of the edges, else one of the other ways to make a value."""

    def make(random: Random) -> Any:
        return random.choice(edges) if random.random() < 0.5 else random.choice(others)(random)

    return make


def _any_float(random: Random) -> float:
    value: float = struct.unpack("d", random.randbytes(8))[0]
    return 0.0 if math.isnan(value) else value + 0.0


def _character(random: Random) -> str:
    code = random.randrange(0x110000 - 0x800)
    return chr(code if code < 0xD800 else code + 0x800)  # without surrogates


def _text(characters: str) -> Make:
    return lambda random: "".join(random.choices(characters, k=random.randrange(9)))


def _date(random: Random) -> datetime.date:
    return datetime.date.fromordinal(random.randint(1, datetime.date.max.toordinal()))


def _time(random: Random) -> datetime.time:
    clock = (random.randrange(24), random.randrange(60), random.randrange(60))
    return datetime.time(*clock, random.choice([0, 1, 999_999, random.randrange(10**6)]))


def _decimals(scale: int | None) -> Make:
    def exact(digits: int, exponent: int) -> Decimal:
        return canonical_decimal(Decimal(digits).scaleb(exponent, EXACT))

    if scale is None:
        return _awkward(
            [canonical_decimal(Decimal(text)) for text in _DECIMALS],
            lambda random: exact(random.randint(-(10**25), 10**25), random.randint(-30, 12)),
            lambda random: exact(random.randint(-(10**4), 10**4), random.randint(-6, 2)),
        )
    return _awkward(
        [exact(digits, -scale) for digits in _SCALED],
        lambda random: exact(random.randint(-(10**5), 10**5), -scale),
        lambda random: exact(random.randint(-(2**63), 2**63 - 1), -scale),
    )


_dates = _awkward([datetime.date(*d) for d in _DATES], _date)
_times = _awkward([datetime.time(*t) for t in _TIMES], _time)
_CHARACTERS = "".join(_character(Random(seed)) for seed in range(200))
_LATIN = "".join(map(chr, range(0x20, 0x250)))


def _moment(random: Random) -> datetime.datetime:
    return datetime.datetime.combine(_dates(random), _times(random))


_VALUES: dict[str, Make] = {
    "bool": lambda random: random.random() < 0.5,
    "int": _awkward(
        _INTS,
        lambda random: random.randint(-1000, 1000),
        lambda random: random.randint(-(2**63), 2**63 - 1),
        lambda random: random.randint(-(2**20), 2**20) << random.randrange(43),
    ),
    "float": _awkward(
        _FLOATS,
        _any_float,
        lambda random: random.uniform(-1e6, 1e6),
        lambda random: random.randint(-(10**6), 10**6) / 100,
        lambda random: float(random.randint(1, 10 ** random.randint(1, 18))),
        lambda random: random.uniform(-1, 1) * 10.0 ** random.randint(-30, 30),
    ),
    "text": _awkward(_TEXTS, _text("aAbBß-+ 1.é\0"), _text(_LATIN), _text(_CHARACTERS)),
    "bytes": _awkward(_BYTES, lambda random: random.randbytes(random.randrange(9))),
    "decimal": _decimals(None),
    **{f"decimal_{scale}": _decimals(scale) for scale in SCALES},
    "date": _dates,
    "datetime": _moment,
    "timestamp": lambda random: _moment(random).replace(tzinfo=datetime.UTC),
    "time": _times,
    "uuid": lambda random: uuid.UUID(bytes=random.randbytes(16)),
    "enum": lambda random: random.choice(list(Color)),
}


def value(atom: Atom, random: Random, *, nul: bool) -> Any:
    """A value of a type, an awkward one often. ``nul``: whether text may hold a NUL."""
    if atom.nullable and random.random() < 0.3:
        return None
    made = _VALUES[NAMES[atom.required()]](random)
    while isinstance(made, float) and math.isinf(made) and not atom.infinite:
        made = _VALUES["float"](random)
    return made.replace("\0", "_") if isinstance(made, str) and not nul else made


# What stands at a function's constant positions, where it is not any value of the type.
_WIDTHS = [(0, " "), (5, " "), (8, "0"), (6, "é"), (3, "\0"), (-1, "x"), (7, "*")]
_BEYOND_32_BITS = (2**31 - 1, 2**31, 2**32 + 1, 2**62, -(2**31) - 1, -(2**32), -(2**62))
CONSTANTS: dict[str, Sequence[tuple[Any, ...]]] = {
    "int.pow": [(0,), (1,), (2,), (3,), (7,), (63,)],
    "float.round_to": [(0,), (1,), (2,), (5,), (15,), (-1,), (-3,), (20,)],
    "float.fixed": [(0,), (1,), (2,), (6,), (12,)],
    "float.format": [("e",), (".3g",), ("08.2f",), ("010,.1f",), ("G",), ("+.1e",), (" .0f",)],
    "int.format": [("x",), ("b",), ("#o",), ("010,d",), ("=+8d",)],
    "decimal.round_to": [(0,), (1,), (2,), (-1,), (12,)],
    "decimal.fixed": [(0,), (1,), (2,), (4,), (12,)],
    "text.repeat": [(-1,), (0,), (1,), (3,), (40,)],
    "text.strip": [("",), ("a",), ("ab -",), ("é😀",), ("\0",)],
    "text.slice": [
        *itertools.product((None, 0, 1, 3, -1, -3, 2**62), (None, 0, 2, 5, -1, -4, -(2**62))),
        # `substr` of SQLite takes 32 bits, as does that of Postgres.
        *itertools.product((None, 1, -3, *_BEYOND_32_BITS), _BEYOND_32_BITS),
        *itertools.product(_BEYOND_32_BITS, (None, 5, -1)),
    ],
    "text.item": [(0,), (1,), (-1,), (-2,), (5,), (-7,), *((n,) for n in _BEYOND_32_BITS)],
    **{f"text.{name}": _WIDTHS for name in ("ljust", "rjust", "center", "centered")},
    "text.zfill": [(0,), (3,), (6,), (-1,)],
    "text.grouped": [(",",), ("_",)],
    "date.strftime": [("%Y-%m-%d",), ("%d/%m/%y",), ("%j%%",), ("",), ("%H:%M:%S.%f",), ("Year",)],
    "date.plus": [(0,), (1,), (-30,), (366,), (-719_162,), (999_999_999,)],
    "datetime.plus": [(0,), (1,), (-1,), (7_200_000_000,), (-86_400_000_001,), (10**17,)],
    "time.strftime": [("%H:%M",), ("%H%M%S.%f!",), ("100%%",)],
}
CONSTANTS |= {
    "text.lstrip": CONSTANTS["text.strip"],
    "text.rstrip": CONSTANTS["text.strip"],
    "bytes.slice": CONSTANTS["text.slice"],
    "bytes.item": CONSTANTS["text.item"],
    "datetime.strftime": [*CONSTANTS["date.strftime"], ("%Y-%m-%dT%H:%M:%S",), ('"\\%d\\"',)],
}


def signatures(name: str) -> Iterator[tuple[Atom, ...]]:
    """All types of arguments that a function takes, of those in `ATOMS`."""
    function = FUNCTIONS[name]
    for count in range(1, MAX_ARGUMENTS + 1):
        positions = [
            [*ATOMS.values(), NULL] if i in function.constant else list(ATOMS.values())
            for i in range(count)
        ]
        for types in itertools.product(*positions):
            if function.result(types) is not None:
                yield types


def constants(name: str, types: Sequence[Atom]) -> list[dict[int, ir.Const]]:
    """What to put at the constant positions of a call with these types."""
    positions = [i for i in FUNCTIONS[name].constant if i < len(types)]
    if not positions:
        return [{}]
    rows = [
        {i: ir.Const(value, types[i]) for i, value in zip(positions, row, strict=True)}
        for row in CONSTANTS[name]
    ]
    # None is of another type than the int in its place.
    return [
        row
        for row in rows
        if all((c.value is None) == (c.type.kind is Kind.NULL) for c in row.values())
    ]


# What a scalar raises where SQL must fail.
FAILURES = (ArithmeticError, ValueError, TypeError, LookupError, Raised)


def identical(a: Any, b: Any) -> bool:
    """Equal in every bit: 0.0 and -0.0 are not, nor True and 1."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    return str(a) == str(b) if isinstance(a, Decimal) else bool(a == b)


# ------------------------------------------------------------------------------------- databases


class Database(Protocol):
    """A table ``t`` with MAX_ARGUMENTS columns of each type, filled anew for each batch."""

    def __hash__(self) -> int: ...

    name: str
    spelling: Spelling
    nul: bool

    def fill(self, types: Mapping[str, Atom], rows: Sequence[Sequence[Any]]) -> None: ...
    def select(
        self, sql: exp.Expr, atom: Atom, among: Sequence[int]
    ) -> list[Any]: ...  # in the order of ids

    errors: type[Exception]

    def beyond_floats(self, error: Exception) -> bool: ...  # of a value that Python has


def column(atom: Atom, position: int) -> str:
    return f"{NAMES[atom]}_{position}"


def lowered(scalar: ir.Scalar, database: Database) -> exp.Expr:
    return scalar_sql(scalar, lambda name: exp.column(name, table="t"), database.spelling)


_EPOCH = datetime.datetime(1970, 1, 1)
_MICROSECOND = datetime.timedelta(microseconds=1)


def _micros(moment: datetime.datetime) -> int:
    return (moment.replace(tzinfo=None) - _EPOCH) // _MICROSECOND


def _from_micros(micros: int) -> datetime.datetime:
    return _EPOCH + micros * _MICROSECOND


class SQLite:
    name = "sqlite"
    nul = True
    errors: type[Exception] = sqlite3.Error

    def beyond_floats(self, error: Exception) -> bool:
        return False

    spelling: Spelling = SQLiteSpelling()
    _types = {
        Kind.INT: "INTEGER",
        Kind.FLOAT: "REAL",
        Kind.TEXT: "TEXT",
        Kind.ENUM: "TEXT",
        Kind.BYTES: "BLOB",
        Kind.UUID: "BLOB",
    }

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        register(self.connection)
        columns = ", ".join(
            f"{column(atom, i)} {self.type_of(atom)}"
            for atom in ATOMS.values()
            for i in range(MAX_ARGUMENTS)
        )
        self.connection.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns})")

    def type_of(self, atom: Atom) -> str:
        if atom.kind is Kind.DECIMAL:
            return "BLOB" if atom.scale is None else "INTEGER"
        return self._types.get(atom.kind, "INTEGER")

    def fill(self, types: Mapping[str, Atom], rows: Sequence[Sequence[Any]]) -> None:
        self.connection.execute("DELETE FROM t")
        names = ", ".join(["id", *types])
        marks = ", ".join("?" for _ in range(len(types) + 1))
        atoms = list(types.values())
        self.connection.executemany(
            f"INSERT INTO t ({names}) VALUES ({marks})",  # noqa: S608 (names of our own)
            [
                (i, *(self.stored(v, a) for v, a in zip(row, atoms, strict=True)))
                for i, row in enumerate(rows)
            ],
        )

    def select(self, sql: exp.Expr, atom: Atom, among: Sequence[int]) -> list[Any]:
        text = sql.sql(dialect="sqlite")
        ids = ", ".join(map(str, among))
        query = f"SELECT {text} FROM t WHERE id IN ({ids}) ORDER BY id"  # noqa: S608 (tested)
        return [self.read(value, atom) for (value,) in self.connection.execute(query)]

    @staticmethod
    def stored(value: Any, atom: Atom) -> Any:
        if value is None:
            return None
        match atom.kind:
            case Kind.BOOL:
                return int(value)
            case Kind.DECIMAL:
                if atom.scale is None:
                    return encode(value)
                return int(value.scaleb(atom.scale, EXACT))
            case Kind.DATE:
                return value.toordinal() - _EPOCH.toordinal()
            case Kind.DATETIME | Kind.TIMESTAMP:
                return _micros(value)
            case Kind.TIME:
                return _micros(datetime.datetime.combine(_EPOCH, value))
            case Kind.UUID:
                return value.bytes
            case Kind.ENUM:
                return value.name
            case _:
                return value

    @staticmethod
    def read(value: Any, atom: Atom) -> Any:
        if value is None:
            return None
        match atom.kind:
            case Kind.BOOL:
                return {0: False, 1: True}.get(value, value)
            case Kind.DECIMAL if atom.scale is None:
                return decode(value)
            case Kind.DECIMAL:
                assert isinstance(value, int)
                assert atom.scale is not None
                return canonical_decimal(Decimal(value).scaleb(-atom.scale, EXACT))
            case Kind.DATE:
                return datetime.date.fromordinal(value + _EPOCH.toordinal())
            case Kind.DATETIME:
                return _from_micros(value)
            case Kind.TIMESTAMP:
                return _from_micros(value).replace(tzinfo=datetime.UTC)
            case Kind.TIME:
                return _from_micros(value).time()
            case Kind.UUID:
                return uuid.UUID(bytes=value)
            case Kind.ENUM:
                return Color[value]
            case _:
                return value


class Postgres:
    name = "postgres"
    nul = False
    errors: type[Exception] = psycopg.Error

    def beyond_floats(self, error: Exception) -> bool:
        return str(error).startswith(
            ("value out of range: overflow", "value out of range: underflow")
        )

    spelling: Spelling = PostgresSpelling()
    _types = {
        Kind.INT: "bigint",
        Kind.FLOAT: "double precision",
        Kind.BOOL: "boolean",
        Kind.TEXT: 'text COLLATE "C"',
        Kind.ENUM: 'text COLLATE "C"',
        Kind.BYTES: "bytea",
        Kind.DATE: "date",
        Kind.DATETIME: "timestamp",
        Kind.TIMESTAMP: "timestamptz",
        Kind.TIME: "time",
        Kind.UUID: "uuid",
    }

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        # What an application may have set: none of it may change a result.
        self.connection.execute("SET TimeZone = 'America/New_York'; SET DateStyle = 'SQL, DMY'")
        self.connection.execute(
            "SET IntervalStyle = 'postgres_verbose'; SET bytea_output = 'escape'"
        )
        columns = ", ".join(
            f"{column(atom, i)} {self.type_of(atom)}"
            for atom in ATOMS.values()
            for i in range(MAX_ARGUMENTS)
        )
        self.connection.execute(f"CREATE TEMP TABLE t (id int PRIMARY KEY, {columns})")

    def type_of(self, atom: Atom) -> str:
        if atom.kind is Kind.DECIMAL:
            return "numeric" if atom.scale is None else f"numeric(19, {atom.scale})"
        return self._types[atom.kind]

    def fill(self, types: Mapping[str, Atom], rows: Sequence[Sequence[Any]]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("DELETE FROM t")
            with cursor.copy(f"COPY t ({', '.join(['id', *types])}) FROM STDIN") as copy:
                for i, row in enumerate(rows):
                    copy.write_row((i, *map(self.stored, row)))

    def select(self, sql: exp.Expr, atom: Atom, among: Sequence[int]) -> list[Any]:
        text = sql.sql(dialect="postgres")
        if atom.kind is Kind.TIMESTAMP:  # the driver shows it in the session's TimeZone
            text = f"({text}) AT TIME ZONE 'UTC'"
        ids = ", ".join(map(str, among))
        query = f"SELECT {text} FROM t WHERE id IN ({ids}) ORDER BY id"  # noqa: S608 (tested)
        cursor = self.connection.cursor(binary=True)
        return [self.read(v, atom) for (v,) in cursor.execute(query.encode()).fetchall()]

    @staticmethod
    def stored(value: Any) -> Any:
        return value.name if isinstance(value, enum.Enum) else value

    @staticmethod
    def read(value: Any, atom: Atom) -> Any:
        if value is None:
            return None
        match atom.kind:
            case Kind.ENUM:
                return Color[value]
            case Kind.TIMESTAMP:
                return value.replace(tzinfo=datetime.UTC)
            case Kind.DECIMAL if atom.scale is not None:
                return canonical_decimal(value)
            case _:
                return value
