"""A new SQLite file, and a new Postgres database, for each test of migrations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.place import Place, postgres_place, sqlite_place
from tests.support.postgres_database import database, published


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield sqlite_place(tmp_path / "shop.db")
        return
    with database(request.getfixturevalue("postgres_url")) as url:
        yield postgres_place(published(url))


@pytest.fixture
def fresh(place: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Another new database of the same kind."""
    if place.name == "sqlite":
        yield sqlite_place(tmp_path / "fresh.db")
        return
    with database(request.getfixturevalue("postgres_url")) as url:
        yield postgres_place(url)
