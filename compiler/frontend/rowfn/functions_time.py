"""The function table: date, datetime, time, UUID and Enum."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from stepping.compiler.frontend.rowfn.functions_table import Function, takes
from stepping.compiler.schema import INT, TEXT, Atom, Kind

DATE = Atom(Kind.DATE)
TIME = Atom(Kind.TIME)
DATETIMES = (Kind.DATETIME, Kind.TIMESTAMP)


def _attribute(kind: str, name: str, *kinds: Kind) -> Function:
    return Function(
        f"{kind}.{name}",
        lambda x: getattr(x, name),
        takes(kinds, gives=INT),
        label=f"{kind}.{name}",
    )


def _method(kind: str, name: str, gives: Atom, *kinds: Kind, note: str = "") -> Function:
    def python(value: Any) -> Any:
        return getattr(value, name)()

    return Function(
        f"{kind}.{name}", python, takes(kinds, gives=gives), note=note, label=f"{kind}.{name}()"
    )


def _strftime(kind: str, *kinds: Kind) -> Function:
    return Function(
        f"{kind}.strftime",
        lambda value, spec: value.strftime(spec),
        takes(kinds, Kind.TEXT, gives=TEXT),
        constant=(1,),
        note="%Y of a year before 1000 is padded on some systems only",
        label=f"{kind}.strftime()",
    )


# What `replace` of a date or datetime may set, each to its first value, by what it begins.
STARTS: dict[str, dict[str, int]] = {
    "date.month_start": {"day": 1},
    "date.year_start": {"month": 1, "day": 1},
    "datetime.day_start": {"hour": 0, "minute": 0, "second": 0, "microsecond": 0},
    "datetime.hour_start": {"minute": 0, "second": 0, "microsecond": 0},
    "datetime.minute_start": {"second": 0, "microsecond": 0},
    "datetime.second_start": {"microsecond": 0},
}


def _start(name: str, fields: dict[str, Any]) -> Function:
    def gives(types: Sequence[Atom]) -> Atom | None:
        kinds = (Kind.DATE,) if name.startswith("date.") else DATETIMES
        return Atom(types[0].kind) if len(types) == 1 and types[0].kind in kinds else None

    def python(value: Any) -> Any:
        return value.replace(**fields)

    shown = ", ".join(f"{field}={first}" for field, first in fields.items())
    return Function(name, python, gives, label=f"{name.partition('.')[0]}.replace({shown})")


def _week(part: int, name: str) -> Function:
    return Function(
        f"date.iso_{name}",
        lambda x: x.isocalendar()[part],
        takes(Kind.DATE, gives=INT),
        label=f"date.isocalendar().{name}",
    )


def _plus_days(value: datetime.date, days: int) -> datetime.date:
    return value + datetime.timedelta(days=days)


def _plus_microseconds(value: datetime.datetime, microseconds: int) -> datetime.datetime:
    return value + datetime.timedelta(microseconds=microseconds)


def _moved(types: Sequence[Atom]) -> Atom | None:
    fits = len(types) == 2 and types[0].kind in DATETIMES and types[1].kind is Kind.INT
    return Atom(types[0].kind) if fits else None


TIMES = (
    Function(
        "date.plus",
        _plus_days,
        takes(Kind.DATE, Kind.INT, gives=DATE),
        partial=True,
        constant=(1,),
        note="a constant timedelta; raises beyond the years 1 to 9999",
        label="date + timedelta",
    ),
    Function(
        "datetime.plus",
        _plus_microseconds,
        _moved,
        partial=True,
        constant=(1,),
        note="a constant timedelta; raises beyond the years 1 to 9999",
        label="datetime + timedelta",
    ),
    *(_start(name, fields) for name, fields in STARTS.items()),
    *(_week(part, name) for part, name in enumerate(("year", "week"))),
    *(_attribute("date", name, Kind.DATE) for name in ("year", "month", "day")),
    *(_method("date", n, INT, Kind.DATE) for n in ("weekday", "isoweekday", "toordinal")),
    Function("text.of_date", str, takes(Kind.DATE, gives=TEXT), label="str(date)"),
    _strftime("date", Kind.DATE),
    *(
        _attribute("datetime", name, *DATETIMES)
        for name in ("year", "month", "day", "hour", "minute", "second", "microsecond")
    ),
    *(_method("datetime", n, INT, *DATETIMES) for n in ("weekday", "isoweekday", "toordinal")),
    _method("datetime", "date", DATE, *DATETIMES, note="rounds down, also before 1970"),
    _method("datetime", "time", TIME, *DATETIMES),
    _method(
        "datetime", "isoformat", TEXT, *DATETIMES, note="microseconds only where there are some"
    ),
    Function("text.of_datetime", str, takes(DATETIMES, gives=TEXT), label="str(datetime)"),
    _strftime("datetime", *DATETIMES),
    *(_attribute("time", name, Kind.TIME) for name in ("hour", "minute", "second", "microsecond")),
    Function("text.of_time", str, takes(Kind.TIME, gives=TEXT), label="str(time)"),
    _strftime("time", Kind.TIME),
)


def _hex(value: uuid.UUID) -> str:
    return value.hex


def _bytes(value: uuid.UUID) -> bytes:
    return value.bytes


UUIDS = (
    Function("text.of_uuid", str, takes(Kind.UUID, gives=TEXT), label="str(UUID)"),
    Function("uuid.hex", _hex, takes(Kind.UUID, gives=TEXT), label="UUID.hex"),
    Function("uuid.bytes", _bytes, takes(Kind.UUID, gives=Atom(Kind.BYTES)), label="UUID.bytes"),
)

ENUMS = (
    Function(
        "enum.name", lambda member: member.name, takes(Kind.ENUM, gives=TEXT), label="Enum.name"
    ),
)
