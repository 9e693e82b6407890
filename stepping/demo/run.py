"""The demo: stream the flights, change some of them, and compare with a recompute."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any

from rich.console import Console

import stepping as st
from stepping import data
from stepping.compiler.schema import relation_name
from stepping.data import Airline
from stepping.demo import raw, report
from stepping.demo.databases import GRAPH, Database
from stepping.demo.query import AirlineDay, Flight, airline_days, routes
from stepping.demo.tables import follow
from stepping.runtime.store import StoreSQL

ALL_DAYS = 31
RENAMED = "EV"
NEW_NAME = "ExpressJet Airlines LLC"
CORRECTED = 10
REMOVED = 10


@dataclass
class Demo:
    console: Console
    database: Database
    connection: Any
    store: StoreSQL

    def __post_init__(self) -> None:
        self.flights, self.airlines, self.airports = st.actions(self.store, GRAPH())

    def raw(self, sql: str, rows: Sequence[tuple[Any, ...]] = ()) -> None:
        self.database.execute(self.connection, sql, rows)

    def load(self, rows: Sequence[Flight]) -> None:
        """The raw tables and the small inputs first, then the flights, a batch for each day."""
        airlines, airports = list(data.airlines()), list(data.airports())
        for sql in raw.TABLES:
            self.raw(sql)
        with self.database.transaction(self.connection):
            self.raw(raw.ADD_AIRLINE, raw.of_airlines(airlines))
            self.raw(raw.ADD_AIRPORT, raw.of_airports(airports))
            self.raw(raw.ADD_FLIGHT, raw.of_flights(rows))
        self.airlines.insert(*airlines)
        self.airports.insert(*airports)
        report.inputs(self.console, len(rows), len(airlines), len(airports))
        spent = 0.0
        batches = [list(batch) for _, batch in groupby(rows, key=lambda flight: flight.day)]
        with report.Bar(self.console, len(rows)) as bar:
            for batch in batches:
                start = time.perf_counter()
                self.flights.insert(*batch)
                spent += time.perf_counter() - start
                bar.advance(len(batch))
        report.loaded(self.console, len(rows), len(batches), spent)

    def rename(self) -> None:
        """One airline has a new name: a change of one row, in one transaction with the raw row."""
        (old,) = (each for each in data.airlines() if each.carrier == RENAMED)
        new = Airline(RENAMED, NEW_NAME)
        with self.database.transaction(self.connection):
            self.raw(raw.RENAME_AIRLINE, [(new.name, new.carrier)])
            start = time.perf_counter()
            days, _ = self.airlines.replace(old, new)
            spent = time.perf_counter() - start
        report.line(
            self.console,
            "renamed",
            f"{old.name} is now {new.name}: {replaced(days)} rows of airline_days are replaced, "
            f"{spent * 1000:.1f} ms",
        )

    def correct(self, flights: Sequence[Flight]) -> None:
        """The latest flights were an hour less late; each correction is a step."""
        spent: list[float] = []
        changes: st.ZSet[AirlineDay] = st.ZSetPython()
        for old in flights:
            assert old.arr_delay is not None
            new = dataclasses.replace(old, arr_delay=old.arr_delay - 60)
            with self.database.transaction(self.connection):
                self.raw(raw.CORRECT_FLIGHT, [(new.arr_delay, new.id)])
                start = time.perf_counter()
                changes, _ = self.flights.replace(old, new)
                spent.append(time.perf_counter() - start)
        report.line(
            self.console,
            "corrected",
            f"{len(flights)} flights, a step for each: {median(spent) * 1000:.1f} ms (median); "
            "the last step's change:",
        )
        report.zset(self.console, changes)

    def remove(self, flights: Sequence[Flight]) -> None:
        """Some flights were entered by mistake."""
        with self.database.transaction(self.connection):
            self.raw(raw.REMOVE_FLIGHT, [(flight.id,) for flight in flights])
            start = time.perf_counter()
            days, delays = self.flights.remove(*flights)
            spent = time.perf_counter() - start
        report.line(
            self.console,
            "removed",
            f"{len(flights)} flights, in one step: {replaced(days)} rows of airline_days and "
            f"{replaced(delays)} of routes are replaced, {spent * 1000:.1f} ms",
        )


def replaced(changes: st.ZSet[Any]) -> int:
    """How many rows a change takes away; as many come in their place."""
    return sum(-count for _, count in changes.iter() if count < 0)


def compare(console: Console, database: Database) -> bool:
    """Whether both caches, read by another connection, hold what a full recompute gives."""
    with database.open() as connection:
        store = database.store(connection, create_tables=False)
        report.tables(console, store)
        start = time.perf_counter()
        days = raw.airline_days(database.execute(connection, raw.ALL_AIRLINE_DAYS))
        delays = raw.routes(database.execute(connection, raw.ALL_ROUTES))
        spent = time.perf_counter() - start
        checks = [
            report.Check("airline_days", 2, airline_days.zset(store).to_python(), days),
            report.Check("routes", 1, routes.zset(store).to_python(), delays),
        ]
        return report.compared(console, checks, spent)


def run(console: Console, database: Database, days: int = ALL_DAYS) -> bool:
    """The whole demo; returns whether every total is right."""
    report.heading(console)
    rows = list(raw.flights(days))
    database.clear()
    with database.open() as connection:
        store = database.store(connection, create_tables=True)
        report.place(console, database.place(connection))
        demo = Demo(console, database, connection, store)
        demo.load(rows)
        demo.rename()
        late = sorted(rows, key=lambda flight: flight.arr_delay or 0, reverse=True)
        demo.correct(late[:CORRECTED])
        demo.remove(late[CORRECTED : CORRECTED + REMOVED])
        names = [cache.name for cache in store.plan.caches]
        tables = {name: relation_name(store.plan.query, name) for name in names}
    is_right = compare(console, database)
    is_right = follow(console, database) and is_right
    report.next_steps(console, database, tables)
    return is_right
