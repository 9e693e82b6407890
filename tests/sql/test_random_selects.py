"""Random SELECTs over tables with NULLs and duplicates, each through random transactions.

``STEPPING_SELECTS=500`` tries as many for each database, from ``STEPPING_SEED`` on.
"""

from __future__ import annotations

import os
import random

import pytest

import stepping as st
from tests.sql.test_selects import rows
from tests.support.random_selects import DDL, Maker
from tests.support.sql_views import Database, Postgres, SQLite, Writer, watched_through

COUNT = int(os.environ.get("STEPPING_SELECTS", "0"))
SEED = int(os.environ.get("STEPPING_SEED", "0"))
# By default a few that are planned quickly.
SEEDS = range(SEED, SEED + COUNT) if COUNT else (0, 1, 2, 3, 4, 6, 7, 8)


def select_of(seed: int) -> str:
    rng = random.Random(seed)
    return Maker(rng, windows=bool(seed % 2)).statement()


def check(database: Database, seed: int) -> None:
    select = select_of(seed)
    database.script(DDL)
    try:
        database.read(select)
    except Exception as error:
        database.connection.close()
        pytest.skip(f"no SELECT of {database.dialect}: {error}")
    try:
        writer = Writer(database, rows(), random.Random(seed))
        watched_through(database, select, writer, transactions=6)
    except st.QueryError as error:
        pytest.fail(f"refused: {select}\n{error}")
    finally:
        database.connection.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_sqlite(seed: int) -> None:
    check(SQLite(), seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_postgres(postgres_db: str, seed: int) -> None:
    check(Postgres(postgres_db), seed)
