"""What the tests of captured queries are given."""

from __future__ import annotations

import pytest

from tests.support.place import Place, postgres_place


@pytest.fixture
def postgres_place_only(each_postgres_db: str) -> Place:
    """A new Postgres database, on each version there is."""
    return postgres_place(each_postgres_db)
