"""What the tests of captured queries are given."""

from __future__ import annotations

import pytest

from tests.support.place import Place, postgres_place
from tests.support.postgres_database import published


@pytest.fixture
def postgres_db(postgres_db: str) -> str:
    return published(postgres_db)


@pytest.fixture
def each_postgres_db(each_postgres_db: str) -> str:
    return published(each_postgres_db)


@pytest.fixture
def postgres_place_only(each_postgres_db: str) -> Place:
    """A new Postgres database, on each version there is."""
    return postgres_place(each_postgres_db)
