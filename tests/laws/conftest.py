"""Databases for laws: one on each Postgres server, kept for the whole run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import stepping as st
from tests.support import postgres_server
from tests.support.postgres_database import database, published
from tests.support.type_law import Open, on_postgres, on_sqlite


@pytest.fixture(scope="session")
def every_postgres(postgres_folder: Path) -> Iterator[list[tuple[str, str]]]:
    """The name and the URL of a database on each Postgres server of this machine."""
    if os.environ.get("STEPPING_SKIP_POSTGRES") == "1" and "CI" not in os.environ:
        yield []
        return
    with contextlib.ExitStack() as stack:
        found = []
        for server in postgres_server.servers():
            url = stack.enter_context(
                postgres_server.running(server, postgres_folder / server.name)
            )
            found.append((server.name, published(stack.enter_context(database(url)))))
        assert found, "no Postgres server was found"
        yield found


@pytest.fixture(params=["sqlite", *(server.name for server in postgres_server.servers())])
def opened(request: pytest.FixtureRequest) -> Iterator[Open]:
    """What opens a store for a query that is empty and gone afterwards: once for each database."""
    if request.param == "sqlite":
        yield on_sqlite
        return
    urls = dict(request.getfixturevalue("every_postgres"))
    if request.param not in urls:
        pytest.skip("STEPPING_SKIP_POSTGRES=1")
    with st.connection_postgres(urls[request.param]) as connection:
        yield on_postgres(connection)
