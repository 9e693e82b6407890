"""The launcher of Postgres: shared by processes, stopped when the last one is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests.support import postgres_server
from tests.support.postgres_database import database

ROOT = Path(__file__).parents[2]

# A process that uses a server until its standard input is closed.
USER = """
import sys
from pathlib import Path
from tests.support.postgres_server import running, servers
with running(servers()[0], Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def user_of(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def url_from(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def becomes_true(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


@pytest.fixture
def managed(postgres_url: str) -> None:  # an error where there is no server
    if postgres_server.URL_VARIABLE in os.environ:
        pytest.skip(f"{postgres_server.URL_VARIABLE} names a server that runs already")


@pytest.mark.usefixtures("managed")
def test_settings(each_postgres_db: str) -> None:
    with psycopg.connect(each_postgres_db) as connection:
        for setting, expected in {
            "server_encoding": "UTF8",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "listen_addresses": "",
        }.items():
            assert connection.execute("SELECT current_setting(%s)", [setting]).fetchone() == (
                expected,
            )
        assert connection.info.server_version >= postgres_server.OLDEST_MAJOR * 1_00_00


def test_each_database_is_new_and_goes_again(each_postgres_url: str) -> None:
    with database(each_postgres_url) as first, database(each_postgres_url) as second:
        with psycopg.connect(first) as connection:
            connection.execute("CREATE TABLE t (a int)")
        with psycopg.connect(second) as connection:
            assert connection.execute("SELECT to_regclass('t')").fetchone() == (None,)
        left_open = psycopg.connect(first)
    assert not answers(first)
    left_open.close()


@pytest.mark.usefixtures("managed")
def test_processes_share_a_server_until_the_last_is_killed(tmp_path: Path) -> None:
    with user_of(tmp_path) as first, user_of(tmp_path) as second:
        url = url_from(first)
        assert url_from(second) == url
        assert answers(url)
        socket_folder = Path(parse_qs(urlsplit(url).query)["host"][0])

        first.communicate()  # the one closes its end and goes
        assert first.returncode == 0
        time.sleep(0.2)
        assert answers(url)

        second.send_signal(signal.SIGKILL)  # the other has no time to clean up
        second.communicate()
        assert becomes_true(lambda: not answers(url))
        assert becomes_true(lambda: not socket_folder.exists())
        assert not (tmp_path / "url").exists()

    with user_of(tmp_path) as third:
        assert answers(url_from(third))
        third.communicate()


@pytest.mark.usefixtures("managed")
def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("initdb", "postgres"):
        (programs / name).write_text("#!/bin/sh\necho out of luck >&2\nexit 1\n")
        (programs / name).chmod(0o755)
    broken = postgres_server.Server("postgres99", 99, programs=programs)
    with (
        pytest.raises(postgres_server.ServerError, match=r"(?s)does not start.*out of luck"),
        postgres_server.running(broken, tmp_path / "run"),
    ):
        pass
