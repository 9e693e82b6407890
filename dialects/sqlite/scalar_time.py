"""SQLite's spelling of the function table: dates and times, UUIDs, enums.

A date is the number of days since 1970, a datetime the microseconds since then, a time those since
midnight. Integer division rounds towards 0, so all are counted from the year 1, where nothing is
negative; SQLite's own date functions know the calendar (https://sqlite.org/lang_datefunc.html).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

from stepping.compiler.schema import Kind
from stepping.dialects.scalars import Sql, case, concatenated, fn
from stepping.dialects.sqlite.scalar_numbers import INT_RAW, Rule, bound, raw, within

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_DAYS = 719_162  # from 0001-01-01, a Monday, to 1970-01-01
_SECONDS = _DAYS * 86_400

# Python leaves %Y to the system's C library, and some do not pad it.
PADS_YEARS = datetime.date(1, 1, 1).strftime("%Y") == "0001"


def _micros(moment: Sql) -> Sql:
    """Microseconds since 0001-01-01."""
    return moment + _DAYS * _DAY


def _seconds(value: Sql) -> Sql:
    """Seconds since 1970, for SQLite's date functions."""
    match value.kind:
        case Kind.DATE:
            return value * 86_400
        case Kind.TIME:
            return value / _SECOND
        case _:
            return _micros(value) / _SECOND - _SECONDS


def _fraction(value: Sql) -> Sql:
    """Microseconds within the second."""
    return (value if value.kind is Kind.TIME else _micros(value)) % _SECOND


def _formatted(value: Sql, spec: str) -> Sql:
    return fn("strftime", spec, _seconds(value), "unixepoch")


def _calendar(directive: str, most: int) -> Rule:
    return lambda a: within(1, most, _formatted(a, directive).cast("INTEGER"))


def _clock(unit: int, count: int) -> Rule:
    def rule(a: Sql) -> Sql:
        return within(0, count - 1, (a if a.kind is Kind.TIME else _micros(a)) / unit % count)

    return rule


def _days(a: Sql) -> Sql:
    """Days since 0001-01-01."""
    return a + _DAYS if a.kind is Kind.DATE else _micros(a) / _DAY


def _isoformat(date: str) -> Rule:
    def rule(a: Sql) -> Sql:
        def body(x: Sql) -> Sql:
            micros = case((_fraction(x).eq(0), ""), otherwise=fn("printf", ".%06d", _fraction(x)))
            parts = [_formatted(x, f"{date}%H:%M:%S"), micros]
            return concatenated(*parts, *(["+00:00"] if x.kind is Kind.TIMESTAMP else []))

        return bound(body, a)

    return rule


def _strftime(a: Sql, spec: Sql) -> Sql:
    def body(x: Sql) -> Sql:
        parts: list[Sql | str] = []
        plain = ""  # what both strftimes say in the same way
        for piece in re.findall(r"%.|[^%]+", spec.value):
            special = _SPECIAL.get(piece)
            if special is None:
                plain += piece
                continue
            if plain:
                parts.append(_formatted(x, plain))
            plain = ""
            parts.append(special(x))
        if plain:
            parts.append(_formatted(x, plain))
        return concatenated(*parts)

    if not spec.value:
        return fn("substr", a, 1, 0)
    return bound(body, a)


_SPECIAL: dict[str, Callable[[Sql], Sql]] = {
    "%f": lambda x: fn("printf", "%06d", 0 if x.kind is Kind.DATE else _fraction(x)),
    "%y": lambda x: fn("substr", _formatted(x, "%Y"), 3, 2),
}
if not PADS_YEARS:
    _SPECIAL["%Y"] = lambda x: fn("ltrim", _formatted(x, "%Y"), "0")


def _start(unit: int) -> Rule:
    return lambda a: a - _micros(a) % unit


def _thursday(a: Sql) -> Sql:
    """That of a date's week: its year is the week's, which begins on Monday."""
    return a - _days(a) % 7 + 3


def _of_thursday(directive: str) -> Rule:
    return lambda a: fn("strftime", directive, _thursday(a) * 86_400, "unixepoch").cast("INTEGER")


def _plus(least: int, most: int) -> Rule:
    def rule(a: Sql, n: Sql) -> Sql:
        moved = a + n
        return raw(INT_RAW, case((moved.between(least, most), moved)))

    return rule


_LAST_DAY = datetime.date.max.toordinal() - 1 - _DAYS

TIMES: dict[str, Rule] = {
    "date.plus": _plus(-_DAYS, _LAST_DAY),
    "datetime.plus": _plus(-_DAYS * _DAY, (_LAST_DAY + 1) * _DAY - 1),
    "date.month_start": lambda a: a - _calendar("%d", 31)(a) + 1,
    "date.year_start": lambda a: a - _calendar("%j", 366)(a) + 1,
    "datetime.day_start": _start(_DAY),
    "datetime.hour_start": _start(_HOUR),
    "datetime.minute_start": _start(_MINUTE),
    "datetime.second_start": _start(_SECOND),
    "date.iso_year": lambda a: within(1, 9999, _of_thursday("%Y")(a)),
    "date.iso_week": lambda a: within(1, 53, (_of_thursday("%j")(a) - 1) / 7 + 1),
    **{
        f"{kind}.{name}": rule
        for kind in ("date", "datetime")
        for name, rule in (
            ("year", _calendar("%Y", 9999)),
            ("month", _calendar("%m", 12)),
            ("day", _calendar("%d", 31)),
            ("weekday", lambda a: within(0, 6, _days(a) % 7)),
            ("isoweekday", lambda a: within(1, 7, _days(a) % 7 + 1)),
            ("toordinal", lambda a: within(1, 9999 * 366, _days(a) + 1)),
            ("strftime", _strftime),
        )
    },
    **{
        f"{kind}.{name}": rule
        for kind in ("datetime", "time")
        for name, rule in (
            ("hour", _clock(_HOUR, 24)),
            ("minute", _clock(_MINUTE, 60)),
            ("second", _clock(_SECOND, 60)),
            ("microsecond", _fraction),
        )
    },
    "time.strftime": _strftime,
    "datetime.date": lambda a: _micros(a) / _DAY - _DAYS,
    "datetime.time": lambda a: _micros(a) % _DAY,
    "datetime.isoformat": _isoformat("%Y-%m-%dT"),
    "text.of_date": lambda a: _formatted(a, "%Y-%m-%d"),
    "text.of_datetime": _isoformat("%Y-%m-%d "),
    "text.of_time": _isoformat(""),
}


def _text_of_uuid(a: Sql) -> Sql:
    def body(digits: Sql) -> Sql:
        bounds = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        first, *rest = (fn("substr", digits, start, size) for start, size in bounds)
        return concatenated(first, *(part for r in rest for part in ("-", r)))

    return bound(body, fn("lower", fn("hex", a)))


UUIDS: dict[str, Rule] = {
    "text.of_uuid": _text_of_uuid,
    "uuid.hex": lambda a: fn("lower", fn("hex", a)),
    "uuid.bytes": lambda a: a,
    "enum.name": lambda a: a,
}
