"""Databases for laws: one on each Postgres server, kept for the whole run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres_server
from tests.support.postgres_database import database


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
            found.append((server.name, stack.enter_context(database(url))))
        assert found, "no Postgres server was found"
        yield found
