"""The second half of the demo: plain tables, plain statements, and a result that follows them."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console

import stepping as st
from stepping.demo import report
from stepping.demo.databases import Database

SELECT = """
SELECT a.name AS airline, count(*) AS flights, sum(f.arr_delay) AS delay
FROM raw_flights f JOIN raw_airlines a ON a.carrier = f.carrier
GROUP BY a.name
"""
NAME = "airline_totals"
INDEX = "CREATE INDEX raw_flights_carrier ON raw_flights (carrier)"

# What people type into a shell, or another program sends: none of it knows of any query.
WRITES = (
    ("a flight is delayed", "UPDATE raw_flights SET arr_delay = arr_delay + 90 WHERE id = 1"),
    ("a day is lost", "DELETE FROM raw_flights WHERE day = '2013-01-01' AND carrier = 'UA'"),
    ("an airline is bought", "UPDATE raw_flights SET carrier = 'UA' WHERE carrier = 'HA'"),
    ("a name is changed", "UPDATE raw_airlines SET name = 'United' WHERE carrier = 'UA'"),
    (
        "a flight is added",
        "INSERT INTO raw_flights (id, day, carrier, number, origin, dest, dep_delay, arr_delay) "
        "VALUES (1000000, '2013-01-01', 'UA', 1, 'EWR', 'IAH', 0, 5)",
    ),
)


def follow(console: Console, database: Database) -> bool:
    """Install a SELECT on the application's tables, write to them, and compare after each write."""
    report.line(console, "tables", "a SELECT on raw_flights and raw_airlines, kept by triggers:")
    console.print(SELECT.strip(), style="dim")
    with database.open() as connection:
        database.execute(connection, INDEX)
        graph: Any = st.sql(SELECT, name=NAME)
        cls = st.StoreSQLite if database.dialect == "sqlite" else st.StorePostgres
        start = time.perf_counter()
        cls.from_graph(connection, graph)
        spent = time.perf_counter() - start
        report.line(console, "installed", f"triggers and result: {spent * 1000:.0f} ms")
        return all(wrote(console, database, connection, *each) for each in WRITES)


def wrote(console: Console, database: Database, connection: Any, what: str, sql: str) -> bool:
    """One plain statement; whether the result is what the SELECT gives after it."""
    start = time.perf_counter()
    database.execute(connection, sql)
    spent = time.perf_counter() - start
    kept = sorted(database.execute(connection, f"SELECT * FROM {NAME}"))  # noqa: S608
    is_right = kept == sorted(database.execute(connection, SELECT))
    said = f"{len(kept)} rows of {NAME} are right" if is_right else f"{NAME} is WRONG"
    report.line(console, "wrote", f"{what}: {spent * 1000:.1f} ms; {said}")
    return is_right
