"""A query of ten operators, for the time it takes to compile one."""

from __future__ import annotations

import stepping as st
from benchmarks.workloads.flights import (
    AIRLINE_CARRIER,
    AIRPORT_FAA,
    DELAY_DAY,
    DELAY_KEY,
    FLIGHT_CARRIER,
    FLOWN_DEST,
    Airline,
    Airport,
    Delay,
    Flight,
    has_landed,
    pick_minutes,
    to_daily,
    to_delay,
)

late_cache = st.Cache[Delay]()


def is_late(delay: Delay) -> bool:
    return delay.minutes > 60


def pick_day(delay: Delay) -> Delay:
    return Delay(airline="all", day=delay.day, minutes=delay.minutes)


def late_days(
    flights: st.ZSet[Flight], airlines: st.ZSet[Airline], airports: st.ZSet[Airport]
) -> tuple[st.ZSet[Delay], st.ZSet[Delay]]:
    landed = st.filter(flights, f=has_landed)
    flown = st.join(landed, airlines, on_left=FLIGHT_CARRIER, on_right=AIRLINE_CARRIER)
    arrived = st.join(flown, airports, on_left=FLOWN_DEST, on_right=AIRPORT_FAA)
    each = st.map(arrived, f=to_delay)
    grouped = st.group_reduce_flatten(each, by=DELAY_KEY, zero=int, pick_value=pick_minutes)
    daily = st.map(grouped, f=to_daily)
    late = st.filter(daily, f=is_late)
    of_day = st.map(late, f=pick_day)
    known = st.distinct(of_day)
    _ = late_cache[late](lambda z: st.integrate_indexed(z, indexes=(DELAY_DAY,)))
    return late, known
