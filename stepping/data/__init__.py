"""A slice of real data for examples, tests and benchmarks: New York's flights of January 2013.

Each function yields rows one by one as they are read, with their values parsed and ``NA`` as None.
Where the data is from, and how free it is, stands in the README.md beside this file.
"""

from __future__ import annotations

import csv
import datetime
import gzip
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any, NamedTuple, TypeVar, get_type_hints

Row = TypeVar("Row")


class Airline(NamedTuple):
    """A carrier's two-letter code and its name."""

    carrier: str
    name: str


class Airport(NamedTuple):
    """An airport; ``alt`` is in feet, ``tz`` in hours from UTC."""

    faa: str
    name: str
    lat: float
    lon: float
    alt: int
    tz: int
    dst: str
    tzone: str | None


class Plane(NamedTuple):
    """An aircraft by its tail number; not every flight's is known."""

    tailnum: str
    year: int | None
    type: str
    manufacturer: str
    model: str
    engines: int
    seats: int
    speed: int | None
    engine: str


class Flight(NamedTuple):
    """A flight that left New York, or was to leave: a cancelled one has no ``dep_time``.

    Times of the day are local and written as numbers, so that 517 is 5:17; delays are in minutes.
    """

    year: int
    month: int
    day: int
    dep_time: int | None
    sched_dep_time: int
    dep_delay: int | None
    arr_time: int | None
    sched_arr_time: int
    arr_delay: int | None
    carrier: str
    flight: int
    tailnum: str | None
    origin: str
    dest: str
    air_time: int | None
    distance: int
    hour: int
    minute: int
    time_hour: datetime.datetime  # the hour it was scheduled for; aware, UTC


def airlines() -> Iterator[Airline]:
    """The 16 carriers."""
    return _rows(Airline, "airlines.csv.gz")


def airports() -> Iterator[Airport]:
    """1,458 airports; four destinations of the flights are not among them."""
    return _rows(Airport, "airports.csv.gz")


def planes() -> Iterator[Plane]:
    """3,322 aircraft."""
    return _rows(Plane, "planes.csv.gz")


def flights() -> Iterator[Flight]:
    """The 27,004 flights of January 2013, in the order of their days and departures."""
    return _rows(Flight, "flights_2013.csv.gz")


_PARSERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: float,
    datetime.datetime: datetime.datetime.fromisoformat,
    str | None: lambda text: None if text == "NA" else text,
    int | None: lambda text: None if text == "NA" else int(text),
}


def _rows(row_class: Callable[..., Row], file: str) -> Iterator[Row]:
    hints = get_type_hints(row_class)
    parsers = [_PARSERS[hint] for hint in hints.values()]
    with (
        files(__name__).joinpath(file).open("rb") as packed,
        gzip.open(packed, "rt", encoding="utf-8", newline="") as text,
    ):
        lines = csv.reader(text)
        assert next(lines) == list(hints), f"{file} does not have {row_class}'s columns"
        for line in lines:
            yield row_class(*(parse(value) for parse, value in zip(parsers, line, strict=True)))
