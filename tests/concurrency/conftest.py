"""What tests of many workers are given: a new database of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.place import Place, postgres_place, sqlite_place


@pytest.fixture
def sqlite_db(sqlite_path: Path) -> Place:
    return sqlite_place(sqlite_path)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    """A new database; the test runs once on each kind."""
    if request.param == "sqlite":
        return sqlite_place(request.getfixturevalue("sqlite_path"))
    return postgres_place(request.getfixturevalue("postgres_db"))
