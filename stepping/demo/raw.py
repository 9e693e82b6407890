"""The demo's raw data in plain tables of its own, and the same results computed from it anew.

This is the application's side: tables that it has anyway, beside those that stepping keeps.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Any

from stepping import data
from stepping.compiler.zset import ZSet, ZSetPython
from stepping.data import Airline, Airport
from stepping.demo.query import AirlineDay, Flight, Route

TABLES = (
    "CREATE TABLE raw_airlines (carrier TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL)",
    "CREATE TABLE raw_airports (faa TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL)",
    """CREATE TABLE raw_flights (
    id INTEGER NOT NULL PRIMARY KEY,
    day TEXT NOT NULL,
    carrier TEXT NOT NULL,
    number INTEGER NOT NULL,
    origin TEXT NOT NULL,
    dest TEXT NOT NULL,
    dep_delay INTEGER,
    arr_delay INTEGER
)""",
)

# A `?` is a parameter; `Database.execute` knows how the database writes one.
ADD_AIRLINE = "INSERT INTO raw_airlines (carrier, name) VALUES (?, ?)"
ADD_AIRPORT = "INSERT INTO raw_airports (faa, name) VALUES (?, ?)"
ADD_FLIGHT = (
    "INSERT INTO raw_flights (id, day, carrier, number, origin, dest, dep_delay, arr_delay) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
RENAME_AIRLINE = "UPDATE raw_airlines SET name = ? WHERE carrier = ?"
CORRECT_FLIGHT = "UPDATE raw_flights SET arr_delay = ? WHERE id = ?"
REMOVE_FLIGHT = "DELETE FROM raw_flights WHERE id = ?"

ALL_AIRLINE_DAYS = """
SELECT f.day, a.name, count(*), coalesce(sum(f.arr_delay), 0)
FROM raw_flights f
JOIN raw_airlines a ON a.carrier = f.carrier
GROUP BY f.day, f.carrier, a.name
"""
ALL_ROUTES = """
SELECT o.name, d.name, sum(f.arr_delay)
FROM raw_flights f
JOIN raw_airports o ON o.faa = f.origin
JOIN raw_airports d ON d.faa = f.dest
WHERE f.arr_delay IS NOT NULL
GROUP BY f.origin, f.dest, o.name, d.name
"""


def flights(days: int) -> Iterator[Flight]:
    """The flights of the first ``days`` days, numbered."""
    for number, row in enumerate(data.flights(), start=1):
        if row.day > days:
            return
        yield Flight(
            id=number,
            day=datetime.date(row.year, row.month, row.day),
            carrier=row.carrier,
            number=row.flight,
            origin=row.origin,
            dest=row.dest,
            dep_delay=row.dep_delay,
            arr_delay=row.arr_delay,
        )


def of_airlines(rows: Iterable[Airline]) -> list[tuple[Any, ...]]:
    return [(row.carrier, row.name) for row in rows]


def of_airports(rows: Iterable[Airport]) -> list[tuple[Any, ...]]:
    return [(row.faa, row.name) for row in rows]


def of_flights(rows: Iterable[Flight]) -> list[tuple[Any, ...]]:
    return [
        (r.id, str(r.day), r.carrier, r.number, r.origin, r.dest, r.dep_delay, r.arr_delay)
        for r in rows
    ]


def airline_days(rows: Iterable[tuple[Any, ...]]) -> ZSet[AirlineDay]:
    """What the recompute found, as rows of the cache."""
    return ZSetPython.of_rows(
        AirlineDay(
            day=datetime.date.fromisoformat(day), airline=name, flights=count, delay=int(delay)
        )
        for day, name, count, delay in rows
    )


def routes(rows: Iterable[tuple[Any, ...]]) -> ZSet[Route]:
    return ZSetPython.of_rows(
        Route(origin=origin, dest=dest, delay=int(delay)) for origin, dest, delay in rows
    )
