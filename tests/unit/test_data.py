"""The slice of flights that ships with the package."""

from __future__ import annotations

import datetime
from collections import Counter

import pytest

from stepping import data


@pytest.fixture(scope="module")
def flights() -> list[data.Flight]:
    return list(data.flights())


def test_january_2013_is_whole(flights: list[data.Flight]) -> None:
    assert len(flights) == 27_004
    assert {(flight.year, flight.month) for flight in flights} == {(2013, 1)}
    assert {flight.day for flight in flights} == set(range(1, 32))
    assert Counter(flight.origin for flight in flights).keys() == {"EWR", "JFK", "LGA"}


def test_values_are_parsed(flights: list[data.Flight]) -> None:
    assert flights[0] == data.Flight(
        year=2013, month=1, day=1, dep_time=517, sched_dep_time=515, dep_delay=2, arr_time=830,
        sched_arr_time=819, arr_delay=11, carrier="UA", flight=1545, tailnum="N14228",
        origin="EWR", dest="IAH", air_time=227, distance=1400, hour=5, minute=15,
        time_hour=datetime.datetime(2013, 1, 1, 10, tzinfo=datetime.UTC),
    )  # fmt: skip


def test_cancelled_flights_have_no_departure(flights: list[data.Flight]) -> None:
    cancelled = [flight for flight in flights if flight.dep_time is None]
    assert len(cancelled) == 521
    assert all(flight.dep_delay is None and flight.arr_delay is None for flight in cancelled)
    assert any(flight.tailnum is None for flight in cancelled)


def test_the_other_tables(flights: list[data.Flight]) -> None:
    airlines, airports, planes = list(data.airlines()), list(data.airports()), list(data.planes())
    assert (len(airlines), len(airports), len(planes)) == (16, 1_458, 3_322)
    assert {flight.carrier for flight in flights} <= {airline.carrier for airline in airlines}
    # Keys that lead nowhere: what outer joins are tried on.
    assert {flight.dest for flight in flights} - {airport.faa for airport in airports} == {
        "BQN", "PSE", "SJU", "STT"
    }  # fmt: skip
    assert {flight.tailnum for flight in flights} - {plane.tailnum for plane in planes}
    assert [airport.faa for airport in airports if airport.tzone is None] == ["EEN", "LRO", "YAK"]
    assert any(plane.year is None for plane in planes)


def test_a_reader_that_is_left_early_closes_its_file() -> None:
    reader = data.flights()
    assert next(reader).carrier == "UA"
    del reader  # an open file would be a ResourceWarning, which is an error here
