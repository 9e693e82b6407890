"""Reading on a hot standby: it follows, waits for a time that has not come, and writes nothing."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import stepping as st
from tests.support import postgres_server
from tests.support.postgres_server import OwnServer, Server

REPLICATED = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}


class Row(st.Data):
    n: int


kept = st.Cache[Row]("kept")


def query(rows: st.ZSet[Row]) -> st.ZSet[Row]:
    _ = kept[rows](lambda z: st.integrate(z))
    return rows


graph = st.compile(query)


@pytest.fixture(params=["15", "18"])
def urls(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A server and its standby, each with a process and files of its own."""
    found = [s for s in postgres_server.servers() if str(s.major) == request.param and s.programs]
    if not found:
        pytest.skip(f"no programs of Postgres {request.param}")
    with contextlib.ExitStack() as stack:
        yield primary_and_standby(found[0], stack)


def primary_and_standby(server: Server, stack: contextlib.ExitStack) -> tuple[str, str]:
    primary = OwnServer(server, stack)
    primary.crash()
    primary.settings |= REPLICATED
    primary.start()
    standby = OwnServer(server, stack)
    standby.crash()
    copied = Path(f"{standby.home}/copied")
    arguments: list[Any] = [primary.programs / "pg_basebackup", "-D", copied, "-d", primary.url]
    subprocess.run(
        [*arguments, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"],
        check=True,
        capture_output=True,
        **primary.account,
    )
    standby.data = copied
    standby.settings |= REPLICATED
    standby.start()
    return primary.url, standby.url


def followed(connection: psycopg.Connection[Any], until: str) -> None:
    """Wait until a standby has read what was written up to a place."""
    for _ in range(500):
        row = connection.execute(
            "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn, pg_sleep(0.01)", [until]
        ).fetchone()
        if row is not None and row[0]:
            return
    raise AssertionError("the standby does not follow")


def test_a_standby_is_read(urls: tuple[str, str]) -> None:
    primary, standby = urls
    with st.connection_postgres(primary) as writing:
        store: Any = st.StorePostgres.from_graph(writing, graph)
        (rows,) = st.actions(store, graph)
        rows.insert(Row(n=1), time=st.Time(1))
        (written,) = writing.execute("SELECT pg_current_wal_lsn()::text").fetchone()  # type: ignore[misc]
        with psycopg.connect(standby, autocommit=True) as reading:
            followed(reading, written)
            there: Any = st.StorePostgres.from_graph(
                reading, graph, create_tables=False, max_sleep_secs=0.05
            )
            assert kept.zset(there) == st.ZSetPython({Row(n=1): 1})
            assert kept.zset(there, at_least=1) == st.ZSetPython({Row(n=1): 1})
            with pytest.raises(st.FrontierTimeout):
                kept.zset(there, at_least=2)
            assert "output" in st.explain(there).summary
            patient: Any = st.StorePostgres.from_graph(
                reading, graph, create_tables=False, max_sleep_secs=20
            )
            late = threading.Timer(0.3, lambda: rows.insert(Row(n=2), time=st.Time(2)))
            late.start()
            assert len(kept.zset(patient, at_least=2)) == 2
            late.join()
