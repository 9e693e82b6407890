"""Postgres's spelling of the function table: dates and times, UUIDs, enums.

Whatever follows the session's TimeZone or DateStyle is left out: an aware datetime is first made a
naive one in UTC, and text is made by to_char (https://postgresql.org/docs/current/functions-formatting.html).
"""

from __future__ import annotations

import datetime
import re

from stepping.compiler.schema import Kind
from stepping.dialects.postgres.scalar_numbers import (
    BIGINT,
    Rule,
    bound,
    failed,
    physical,
    plain,
)
from stepping.dialects.scalars import Sql, case, concatenated, fn, lift

# Python leaves %Y to the system's C library, and some do not pad it.
PADS_YEARS = datetime.date(1, 1, 1).strftime("%Y") == "0001"

_FIRST_DAY = lift("0001-01-01").cast("DATE")
_PATTERNS = {
    "%Y": "YYYY" if PADS_YEARS else "FMYYYY",
    "%m": "MM",
    "%d": "DD",
    "%H": "HH24",
    "%M": "MI",
    "%S": "SS",
    "%f": "US",
    "%j": "DDD",
    "%y": "YY",
    "%%": '"%"',
}


def naive(value: Sql) -> Sql:
    """A moment without a time zone; a time as one of some day."""
    match value.kind:
        case Kind.TIMESTAMP:
            return fn("timezone", "UTC", value)
        case Kind.DATE:
            return value.cast("TIMESTAMP")
        case Kind.TIME:
            return _FIRST_DAY + value
        case _:
            return value


def _part(name: str) -> Rule:
    return lambda a: fn("date_part", name, _moment(a)).cast(BIGINT)


def _moment(a: Sql) -> Sql:
    return naive(a) if a.kind is Kind.TIMESTAMP else a


def _second(a: Sql) -> Sql:
    return fn("floor", fn("date_part", "second", _moment(a))).cast(BIGINT)


def _fraction(a: Sql) -> Sql:
    """Microseconds within the second."""
    return fn("date_part", "microseconds", _moment(a)).cast(BIGINT) % 1_000_000


def _toordinal(a: Sql) -> Sql:
    day = a if a.kind is Kind.DATE else naive(a).cast("DATE")
    return (day - _FIRST_DAY + 1).cast(BIGINT)


def _isoformat(date: str) -> Rule:
    def rule(a: Sql) -> Sql:
        def body(x: Sql) -> Sql:
            micros = case((_fraction(x).eq(0), ""), otherwise=fn("to_char", naive(x), ".US"))
            parts = [fn("to_char", naive(x), f"{date}HH24:MI:SS"), micros]
            return concatenated(*parts, *(["+00:00"] if x.kind is Kind.TIMESTAMP else []))

        return bound(body, a)

    return rule


def _strftime(a: Sql, spec: Sql) -> Sql:
    pattern = ""
    for piece in re.findall(r"%.|[^%]+", spec.value):
        escaped = piece.replace("\\", "\\\\").replace('"', '\\"')
        pattern += _PATTERNS.get(piece) or f'"{escaped}"'
    made = fn("to_char", naive(a), pattern)
    return made if pattern else fn("coalesce", made, "")  # of no pattern to_char makes NULL


def _start(unit: str) -> Rule:
    def rule(a: Sql) -> Sql:
        begun = fn("date_trunc", unit, naive(a))
        return fn("timezone", "UTC", begun) if a.kind is Kind.TIMESTAMP else begun

    return rule


def _plus_days(a: Sql, n: Sql) -> Sql:
    return _in_years(a, a + plain(n))


def _plus_microseconds(a: Sql, n: Sql) -> Sql:
    return _in_years(a, a + lift(f"{n.value} microseconds").cast("INTERVAL"))


def _in_years(a: Sql, moved: Sql) -> Sql:
    """What is within the years that Python has."""
    assert a.type is not None
    kind = physical(a.type)
    end = "9999-12-31" if a.kind is Kind.DATE else "9999-12-31 23:59:59.999999"
    zone = "+00" if a.kind is Kind.TIMESTAMP else ""
    first = lift(f"0001-01-01{'' if a.kind is Kind.DATE else ' 00:00:00'}{zone}").cast(kind)
    fault = failed("moved beyond the years 1 to 9999: ", a.type, a)
    return case((moved.between(first, lift(f"{end}{zone}").cast(kind)), moved), otherwise=fault)


TIMES: dict[str, Rule] = {
    "date.plus": _plus_days,
    "datetime.plus": _plus_microseconds,
    "date.month_start": lambda a: fn("date_trunc", "month", naive(a)).cast("DATE"),
    "date.year_start": lambda a: fn("date_trunc", "year", naive(a)).cast("DATE"),
    **{f"datetime.{unit}_start": _start(unit) for unit in ("day", "hour", "minute", "second")},
    "date.iso_year": _part("isoyear"),
    "date.iso_week": _part("week"),
    **{
        f"{kind}.{name}": rule
        for kind in ("date", "datetime")
        for name, rule in (
            ("year", _part("year")),
            ("month", _part("month")),
            ("day", _part("day")),
            ("weekday", lambda a: _part("isodow")(a) - 1),
            ("isoweekday", _part("isodow")),
            ("toordinal", _toordinal),
            ("strftime", _strftime),
        )
    },
    **{
        f"{kind}.{name}": rule
        for kind in ("datetime", "time")
        for name, rule in (
            ("hour", _part("hour")),
            ("minute", _part("minute")),
            ("second", _second),
            ("microsecond", _fraction),
        )
    },
    "time.strftime": _strftime,
    "datetime.date": lambda a: naive(a).cast("DATE"),
    "datetime.time": lambda a: naive(a).cast("TIME"),
    "datetime.isoformat": _isoformat('YYYY-MM-DD"T"'),
    "text.of_date": lambda a: fn("to_char", naive(a), "YYYY-MM-DD"),
    "text.of_datetime": _isoformat("YYYY-MM-DD "),
    "text.of_time": _isoformat(""),
}

UUIDS: dict[str, Rule] = {
    "text.of_uuid": lambda a: a.cast("TEXT"),
    "uuid.hex": lambda a: fn("replace", a.cast("TEXT"), "-", ""),
    "uuid.bytes": lambda a: fn("uuid_send", a),
    "enum.name": lambda a: a,
}
