"""SELECTs over small tables with NULLs and duplicates, each through random transactions."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import random_tables
from tests.support.random_tables import DDL
from tests.support.sql_views import Database, Postgres, SQLite, Writer, watched_through


def rows() -> Mapping[str, Any]:
    return {name: make for name, make in random_tables.rows().items() if name in ("r", "s", "u")}


def selects() -> tuple[dict[str, str], dict[str, str]]:
    """The SELECTs of the file beside this one: for both databases, and for Postgres only."""
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    text = Path(__file__).with_name("selects.sql").read_text()
    both, _, postgres = text.partition("-- postgres:")
    for part, into in zip((both, postgres), found, strict=True):
        for name, select in re.findall(r"^-- (\w+)\n(.*?);$", part, re.DOTALL | re.MULTILINE):
            into[name] = select
    return found


SELECTS, ONLY_POSTGRES = selects()


@pytest.fixture
def sqlite() -> Iterator[Database]:
    database = SQLite()
    database.script(DDL)
    yield database
    database.connection.close()


@pytest.fixture
def postgres(postgres_db: str) -> Iterator[Database]:
    database = Postgres(postgres_db)
    database.script(DDL)
    yield database
    database.connection.close()


def through(database: Database, select: str, seed: int, **options: Any) -> None:
    writer = Writer(database, rows(), random.Random(seed))
    changed = watched_through(database, select, writer, **options)
    assert changed > 1, "the result has never changed"


@pytest.mark.parametrize("name", sorted(SELECTS))
def test_sqlite(sqlite: Database, name: str) -> None:
    through(sqlite, SELECTS[name], 1)


@pytest.mark.parametrize("name", sorted({**SELECTS, **ONLY_POSTGRES}))
def test_postgres(postgres: Database, name: str) -> None:
    through(postgres, {**SELECTS, **ONLY_POSTGRES}[name], 1)


FED = (
    *("columns", "left_condition", "group", "distinct", "not_exists_theta", "order_limit"),
    *("rank", "named_windows"),
)


@pytest.mark.parametrize("name", FED)
def test_fed_by_hand(sqlite: Database, postgres: Database, name: str) -> None:
    through(sqlite, SELECTS[name], 2, refresh=None)
    through(postgres, SELECTS[name], 2, refresh=None)
