"""Real flights: those that landed, joined with airlines and airports, delays by airline and day.

The rows are the slice of January 2013 that comes with the library, again and again in later months
where more are asked for.
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib.util
import random
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import stepping as st
from benchmarks.workload import Change, PlainTable, PlainTables, Values, Workload, in_batches

DATA = Path(__file__).parents[2] / "stepping" / "data" / "__init__.py"
MONTH = dt.timedelta(days=31)
MONTHS = 1_000
EPOCH_DAY = dt.date(1970, 1, 1).toordinal()


class Airline(st.Data):
    carrier: str
    name: str


class Airport(st.Data):
    faa: str
    name: str


class Flight(st.Data):
    day: dt.date
    carrier: str
    flight: int
    tailnum: str | None
    origin: str
    dest: str
    dep_delay: int | None
    arr_delay: int | None
    distance: int


class Delay(st.Data):
    airline: str
    day: dt.date
    minutes: int


Flown = st.Pair[Flight, Airline]

cache = st.Cache[Delay]()

FLIGHT_CARRIER = st.Index.pick(Flight, lambda flight: flight.carrier)
AIRLINE_CARRIER = st.Index.pick(Airline, lambda airline: airline.carrier)
FLOWN_DEST = st.Index.pick(Flown, lambda flown: flown.left.dest)
AIRPORT_FAA = st.Index.pick(Airport, lambda airport: airport.faa)
DELAY_KEY = st.Index.pick(Delay, lambda delay: (delay.airline, delay.day))
DELAY_DAY = st.Index.pick(Delay, lambda delay: delay.day)


def has_landed(flight: Flight) -> bool:
    return flight.arr_delay is not None


def to_delay(arrived: st.Pair[st.Pair[Flight, Airline], Airport]) -> Delay:
    return Delay(
        airline=arrived.left.right.name,
        day=arrived.left.left.day,
        minutes=arrived.left.left.arr_delay or 0,
    )


def pick_minutes(delay: Delay) -> int:
    return delay.minutes


def to_daily(total: st.Pair[int, tuple[str, dt.date]]) -> Delay:
    return Delay(airline=total.right[0], day=total.right[1], minutes=total.left)


def delays(
    flights: st.ZSet[Flight], airlines: st.ZSet[Airline], airports: st.ZSet[Airport]
) -> st.ZSet[Delay]:
    landed = st.filter(flights, f=has_landed)
    flown = st.join(landed, airlines, on_left=FLIGHT_CARRIER, on_right=AIRLINE_CARRIER)
    arrived = st.join(flown, airports, on_left=FLOWN_DEST, on_right=AIRPORT_FAA)
    each = st.map(arrived, f=to_delay)
    grouped = st.group_reduce_flatten(each, by=DELAY_KEY, zero=int, pick_value=pick_minutes)
    daily = st.map(grouped, f=to_daily)
    _ = cache[daily](lambda z: st.integrate_indexed(z, indexes=(DELAY_DAY,)))
    return daily


class Flights(Workload):
    name = "flights"
    title = "real flights: a filter, two joins, sum by (airline, day)"
    inputs = ("flights", "airlines", "airports")
    query = staticmethod(delays)
    cache = cache

    def load(self, rows: int) -> Iterator[Change]:
        data = _data()
        airlines = [Airline(carrier=each.carrier, name=each.name) for each in data.airlines()]
        airports = [Airport(faa=each.faa, name=each.name) for each in data.airports()]
        yield from in_batches("airlines", airlines)
        yield from in_batches("airports", airports)
        yield from in_batches("flights", islice(_flights(), rows))

    def event(self, event: str, batch: int, seed: str) -> Change:
        chance = random.Random(seed)
        january = _january()
        start, month = chance.randrange(len(january)), MONTHS + chance.randrange(MONTHS)
        rows = [
            _later(january[(start + i) % len(january)], month + (start + i) // len(january))
            for i in range(batch)
        ]
        return Change("flights", tuple(rows))

    def values(self, row: Any) -> Values:
        return (row.airline, row.day.toordinal() - EPOCH_DAY, row.minutes)


@functools.cache
def _data() -> Any:
    """The module of the library's data, under a name of its own: the first version has none."""
    spec = importlib.util.spec_from_file_location("benchmarks_flights_data", DATA)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where importlib.resources looks for its files
    spec.loader.exec_module(module)
    return module


@functools.cache
def _january() -> list[Flight]:
    return [
        Flight(
            day=dt.date(each.year, each.month, each.day),
            carrier=each.carrier,
            flight=each.flight,
            tailnum=each.tailnum,
            origin=each.origin,
            dest=each.dest,
            dep_delay=each.dep_delay,
            arr_delay=each.arr_delay,
            distance=each.distance,
        )
        for each in _data().flights()
    ]


def _flights() -> Iterator[Flight]:
    for month in count():
        for flight in _january():
            yield _later(flight, month)


def _later(flight: Flight, months: int) -> Flight:
    return Flight(
        day=flight.day + months * MONTH,
        carrier=flight.carrier,
        flight=flight.flight,
        tailnum=flight.tailnum,
        origin=flight.origin,
        dest=flight.dest,
        dep_delay=flight.dep_delay,
        arr_delay=flight.arr_delay,
        distance=flight.distance,
    )


def _two(row: Any) -> Values:
    return (row.carrier, row.name) if isinstance(row, Airline) else (row.faa, row.name)


def _typed(flight: Flight) -> Values:
    return (
        flight.day,
        flight.carrier,
        flight.flight,
        flight.tailnum,
        flight.origin,
        flight.dest,
        flight.dep_delay,
        flight.arr_delay,
        flight.distance,
    )


def _numbers(flight: Flight) -> Values:
    return (flight.day.toordinal() - EPOCH_DAY, *_typed(flight)[1:])


Flights.plain = {
    "sqlite": PlainTables(
        tables={
            "airlines": PlainTable(
                create=("CREATE TABLE airlines (carrier TEXT PRIMARY KEY, name TEXT NOT NULL)",),
                insert="INSERT INTO airlines VALUES (?, ?)",
                delete="DELETE FROM airlines WHERE carrier = ? AND name = ?",
                columns=_two,
            ),
            "airports": PlainTable(
                create=("CREATE TABLE airports (faa TEXT PRIMARY KEY, name TEXT NOT NULL)",),
                insert="INSERT INTO airports VALUES (?, ?)",
                delete="DELETE FROM airports WHERE faa = ? AND name = ?",
                columns=_two,
            ),
            "flights": PlainTable(
                create=(
                    "CREATE TABLE flights (day INTEGER NOT NULL, carrier TEXT NOT NULL, "
                    "flight INTEGER NOT NULL, tailnum TEXT, origin TEXT NOT NULL, "
                    "dest TEXT NOT NULL, dep_delay INTEGER, arr_delay INTEGER, "
                    "distance INTEGER NOT NULL)",
                    "CREATE INDEX flights_carrier ON flights (carrier, day)",
                ),
                insert="INSERT INTO flights VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                delete="DELETE FROM flights WHERE rowid = (SELECT rowid FROM flights "
                "WHERE day = ? AND carrier = ? AND flight = ? AND tailnum IS ? AND origin = ? "
                "AND dest = ? AND dep_delay IS ? AND arr_delay IS ? AND distance = ? LIMIT 1)",
                columns=_numbers,
            ),
        },
        select="""
            SELECT a.name, f.day, sum(f.arr_delay) AS minutes
            FROM flights AS f JOIN airlines AS a USING (carrier)
            JOIN airports AS p ON p.faa = f.dest
            WHERE f.arr_delay IS NOT NULL GROUP BY 1, 2""",
    ),
    "postgres": PlainTables(
        tables={
            "airlines": PlainTable(
                create=("CREATE TABLE airlines (carrier text PRIMARY KEY, name text NOT NULL)",),
                insert="INSERT INTO airlines SELECT * FROM unnest($1::text[], $2::text[])",
                delete="DELETE FROM airlines WHERE carrier = $1 AND name = $2",
                columns=_two,
            ),
            "airports": PlainTable(
                create=("CREATE TABLE airports (faa text PRIMARY KEY, name text NOT NULL)",),
                insert="INSERT INTO airports SELECT * FROM unnest($1::text[], $2::text[])",
                delete="DELETE FROM airports WHERE faa = $1 AND name = $2",
                columns=_two,
            ),
            "flights": PlainTable(
                create=(
                    "CREATE TABLE flights (day date NOT NULL, carrier text NOT NULL, "
                    "flight int8 NOT NULL, tailnum text, origin text NOT NULL, "
                    "dest text NOT NULL, dep_delay int8, arr_delay int8, distance int8 NOT NULL)",
                    "CREATE INDEX flights_carrier ON flights (carrier, day)",
                ),
                insert="INSERT INTO flights SELECT * FROM unnest($1::date[], $2::text[], "
                "$3::int8[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::int8[], "
                "$9::int8[])",
                delete="DELETE FROM flights WHERE ctid = (SELECT ctid FROM flights "
                "WHERE day = $1 AND carrier = $2 AND flight = $3 "
                "AND tailnum IS NOT DISTINCT FROM $4::text AND origin = $5 AND dest = $6 "
                "AND dep_delay IS NOT DISTINCT FROM $7::int8 "
                "AND arr_delay IS NOT DISTINCT FROM $8::int8 AND distance = $9 LIMIT 1)",
                columns=_typed,
            ),
        },
        select="""
            SELECT a.name, f.day - date '1970-01-01' AS day, sum(f.arr_delay)::int8 AS minutes
            FROM flights AS f JOIN airlines AS a USING (carrier)
            JOIN airports AS p ON p.faa = f.dest
            WHERE f.arr_delay IS NOT NULL GROUP BY 1, 2""",
    ),
}

WORKLOADS = (Flights(),)
