"""The demo's query: how late flights were, per airline and day and per route."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import stepping as st
from stepping.data import Airline, Airport


class Flight(st.Data):
    """A flight that left New York, or was to leave: a cancelled one has no delays."""

    id: int
    day: datetime.date
    carrier: str
    number: int
    origin: str
    dest: str
    dep_delay: int | None
    arr_delay: int | None


class AirlineDay(st.Data):
    """How many flights an airline had on a day, and how late they arrived: minutes, summed up."""

    day: datetime.date
    airline: str
    flights: int
    delay: int


class Route(st.Data):
    """How late the flights of a route arrived: minutes, summed up; early ones count against it."""

    origin: str
    dest: str
    delay: int


airline_days = st.Cache[AirlineDay]("airline_days")
routes = st.Cache[Route]("routes")

BY_DAY = st.Index.pick(AirlineDay, lambda row: (row.day, row.airline))
MOST_DELAYED = st.Index.pick(Route, lambda row: row.delay, ascending=False)


def flights_query(
    flights: st.ZSet[Flight], airlines: st.ZSet[Airline], airports: st.ZSet[Airport]
) -> tuple[st.ZSet[AirlineDay], st.ZSet[Route]]:
    """The query. It is called once, when it is compiled, and never sees a row."""
    days = per_airline_and_day(flights, airlines)
    delays = per_route(flights, airports)
    _ = airline_days[days](lambda z: st.integrate_indexed(z, indexes=(BY_DAY,)))
    _ = routes[delays](lambda z: st.integrate_indexed(z, indexes=(MOST_DELAYED,)))
    return days, delays


# -------------------------------------------------------------------------- per airline and day


class DayTotal(st.Data):
    carrier: str
    day: datetime.date
    total: int


OF_FLIGHT = st.Index.pick(Flight, lambda flight: (flight.carrier, flight.day))
OF_TOTAL = st.Index.pick(DayTotal, lambda row: (row.carrier, row.day))
OF_TOTALS = st.Index.pick(st.Pair[DayTotal, DayTotal], lambda pair: pair.left.carrier)


def one(flight: Flight) -> int:
    return 1


def minutes_late(flight: Flight) -> int:
    return 0 if flight.arr_delay is None else flight.arr_delay


def per_airline_and_day(
    flights: st.ZSet[Flight], airlines: st.ZSet[Airline]
) -> st.ZSet[AirlineDay]:
    # Totals are kept by the airline's code and joined with its name after that: a new name changes
    # one row per day, and not one per flight.
    totals = st.join(
        day_totals(flights, one),
        day_totals(flights, minutes_late),
        on_left=OF_TOTAL,
        on_right=OF_TOTAL,
    )
    carrier = st.Index.pick(Airline, lambda airline: airline.carrier)
    named = st.join(totals, airlines, on_left=OF_TOTALS, on_right=carrier)
    return st.map(
        named,
        f=lambda pair: AirlineDay(
            day=pair.left.left.day,
            airline=pair.right.name,
            flights=pair.left.left.total,
            delay=pair.left.right.total,
        ),
    )


def day_totals(flights: st.ZSet[Flight], pick: Callable[[Flight], int]) -> st.ZSet[DayTotal]:
    """The sum of ``pick`` for each airline and day."""
    grouped = st.group_reduce_flatten(flights, by=OF_FLIGHT, zero=int, pick_value=pick)
    return st.map(
        grouped,
        f=lambda pair: DayTotal(carrier=pair.right[0], day=pair.right[1], total=pair.left),
    )


# ------------------------------------------------------------------------------------ per route

FROM_TO = st.Index.pick(Flight, lambda flight: (flight.origin, flight.dest))
ORIGIN = st.Index.pick(st.Pair[int, tuple[str, str]], lambda pair: pair.right[0])
DEST = st.Index.pick(
    st.Pair[st.Pair[int, tuple[str, str]], Airport], lambda pair: pair.left.right[1]
)


def per_route(flights: st.ZSet[Flight], airports: st.ZSet[Airport]) -> st.ZSet[Route]:
    # A cancelled flight is not late. Routes to the few airports that have no name in the data are
    # left out, as a join leaves out what has no match.
    arrived = st.filter(flights, f=lambda flight: flight.arr_delay is not None)
    delays = st.group_reduce_flatten(arrived, by=FROM_TO, zero=int, pick_value=minutes_late)
    code = st.Index.pick(Airport, lambda airport: airport.faa)
    with_origin = st.join(delays, airports, on_left=ORIGIN, on_right=code)
    with_both = st.join(with_origin, airports, on_left=DEST, on_right=code)
    return st.map(
        with_both,
        f=lambda pair: Route(
            origin=pair.left.right.name, dest=pair.right.name, delay=pair.left.left.left
        ),
    )
