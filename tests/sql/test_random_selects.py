"""Random SELECTs over tables with NULLs and duplicates, each through random transactions.

``STEPPING_SELECTS=500`` tries as many for each database, from ``STEPPING_SEED`` on.
"""

from __future__ import annotations

import os
import random

import pytest

import stepping as st
from tests.support.random_selects import Maker
from tests.support.random_tables import Transactions, ddl, rows, tables_in
from tests.support.sql_views import Database, Postgres, SQLite, watched_through

COUNT = int(os.environ.get("STEPPING_SELECTS", "0"))
SEED = int(os.environ.get("STEPPING_SEED", "0"))
# By default a few that are planned quickly.
SEEDS = range(SEED, SEED + COUNT) if COUNT else (1, 9, 20, 21, 49, 198, 226, 296)


def select_of(seed: int, dialect: str) -> str:
    return Maker(random.Random(seed), dialect).statement()


def attempt(database: Database, seed: int, refresh: str) -> str:
    """Hold the result of one SELECT to it; what has come of it."""
    select = select_of(seed, database.dialect)
    database.script(ddl(database.dialect))
    try:
        database.read(select)
    except Exception as error:
        return f"no SELECT of {database.dialect}: {error}"
    writer = Transactions(database, rows(), random.Random(seed), tables_in(select))
    watched_through(database, select, writer, transactions=6, refresh=refresh)
    return "right"


def check(database: Database, seed: int) -> None:
    try:
        found = attempt(database, seed, "deferred" if seed % 3 == 2 else "immediate")
    except st.QueryError as error:
        pytest.fail(f"refused: {select_of(seed, database.dialect)}\n{error}")
    finally:
        database.connection.close()
    if found != "right":
        pytest.skip(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_sqlite(seed: int) -> None:
    check(SQLite(), seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_postgres(postgres_db: str, seed: int) -> None:
    check(Postgres(postgres_db), seed)
