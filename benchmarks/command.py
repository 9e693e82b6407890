"""What the commands of the benchmarks share: their options, and databases to measure in."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from benchmarks import databases
from tests.support import postgres_server

DIALECTS = ("sqlite", "postgres")

# Gives the path or the URL of a new database, which is gone at the end.
New = Callable[[], AbstractContextManager[str]]


def parser(module: str, about: str | None) -> argparse.ArgumentParser:
    """A parser of a command that measures on one or both databases."""
    made = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--dialect", type=choice(DIALECTS), default=DIALECTS, help="sqlite,postgres by default"
    )
    made.add_argument(
        "--postgres", metavar="URL", help="a server to use in place of one that is started"
    )
    return made


def numbers(given: str) -> tuple[int, ...]:
    """Such as ``1,100,10_000``."""
    return tuple(int(part.replace("_", "")) for part in given.split(","))


def choice(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Some of the names that are known, such as ``sqlite,postgres``."""

    def names(given: str) -> tuple[str, ...]:
        found = tuple(given.split(","))
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return found

    return names


def report(given: argparse.Namespace, measured: Callable[[str, New], Iterable[str]]) -> None:
    """Print what is measured on each of the databases, each line when it is there."""
    for dialect in given.dialect:
        with new_databases(dialect, given.postgres) as new:
            for line in measured(dialect, new):
                print(line, flush=True)


@contextlib.contextmanager
def new_databases(dialect: str, url: str | None = None) -> Iterator[New]:
    """Makes databases of a dialect, on the server that was named or on one that is started."""
    with tempfile.TemporaryDirectory(prefix="stepping-bench-") as folder:
        if dialect == "sqlite":
            yield partial(databases.new_sqlite, Path(folder))
            return
        with postgres(url) as found:
            yield partial(databases.new_postgres, found)


@contextlib.contextmanager
def postgres(url: str | None) -> Iterator[str]:
    """The server that was named, or one with its files on disk and the settings of a careful one.

    But for synchronous_commit, which is off: else a batch of one row measures the disk.
    """
    if url is not None:
        yield url
        return
    servers = postgres_server.servers()
    if not servers:
        raise postgres_server.ServerError("no Postgres server was found; name one with --postgres")
    settings = postgres_server.SETTINGS | databases.POSTGRES_SETTINGS
    with (
        tempfile.TemporaryDirectory(prefix="stepping-bench-") as folder,
        postgres_server.running(servers[0], Path(folder), settings, in_memory=False) as found,
    ):
        yield found
