"""Every command, in every situation in which it cannot do what it is asked: a line that says why,
another that says what to do, and a status that a build can go by; no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import conninfo_to_dict

import stepping as st
from stepping.cli import main
from tests.support.place import Place, postgres_place, sqlite_place
from tests.support.postgres_database import database

QUERIES = """
import stepping as st

class Product(st.Data):
    name: str
    price: int

def named(times):
    totals = st.Cache("totals")
    def query(products: st.ZSet[Product]) -> st.ZSet[st.Pair[int, str]]:
        sums = st.group_reduce_flatten(
            products,
            by=st.Index.pick(Product, lambda p: p.name),
            zero=int,
            pick_value=lambda p: p.price * times,
        )
        _ = totals[sums](lambda z: st.integrate(z))
        return sums
    return st.compile(query, name="shop", keep={"products": "all"})

old, new = named(1), named(2)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module with two versions of a query, in the current folder."""
    name = f"shop_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(QUERIES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield name
    sys.modules.pop(name, None)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def fails(*arguments: str, status: int = 1) -> str:
    """What a command says that fails as it should."""
    found = run(*arguments)
    assert found.exception is None or isinstance(found.exception, SystemExit), (
        arguments,
        found.exception,
    )
    assert found.exit_code == status, (arguments, found.exit_code, found.output)
    assert "Traceback" not in found.output
    assert found.output.strip(), arguments
    return found.output


def commands(module: str, script: Path) -> list[tuple[str, ...]]:
    """Every command that is given a database."""
    old, new = f"{module}:old", f"{module}:new"
    return [
        *(("status",), ("status", old), ("verify",), ("verify", old), ("verify", "--repair")),
        *(("drain", old), ("refresh",), ("refresh", "shop"), ("repair", old)),
        *(("retry", old, "3"), ("drop", "shop", "3"), ("abandon",), ("uninstall", "shop", "--yes")),
        *(("uninstall", old, "--yes"), ("explain", old), ("check", old)),
        *(("migrate", new, "--apply"), ("apply", str(script))),
    ]


def installed(place: Place, module: str) -> None:
    graph: Any = __import__(module).old
    with place.opened(graph) as store:
        st.actions(store, graph)[0].insert(
            *(store.graph.inputs[0].schema.type.cls(name="a", price=1),)
        )


def written(module: str, place: Place) -> Path:
    folder = Path(f"scripts_{place.name}")
    assert run("migrate", f"{module}:new", "--db", place.where, "--out", str(folder)).exit_code == 0
    return next(folder.glob("*.up.sql"))


def test_where_there_is_no_database(module: str, tmp_path: Path, postgres_url: str) -> None:
    shop = sqlite_place(tmp_path / "shop.db")
    installed(shop, module)
    script = written(module, shop)
    (tmp_path / "text.db").write_text("no database at all\n" * 100)
    (tmp_path / "folder.db").mkdir()
    asked = conninfo_to_dict(postgres_url)
    nowhere = f"postgresql://{asked['user']}@/nowhere?host={asked['host']}&port={asked['port']}"
    urls = ["missing.db", "text.db", "folder.db", "", "mysql://x/y", "sqlite:///missing.db"]
    for url in (*urls, "postgresql://nobody@127.0.0.1:1/x", nowhere):
        for command in commands(module, script):
            assert "hint: " in fails(*command, "--db", url)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_where_nothing_is_installed(kind: str, module: str, tmp_path: Path, request: Any) -> None:
    with place_of(kind, tmp_path, request) as (place, empty):
        installed(place, module)
        script = written(module, place)
        for command in commands(module, script):
            if command[0] == "migrate":
                continue
            assert "hint: " in fails(*command, "--db", empty.where), command
        assert "nothing of stepping is installed" in fails("verify", "--db", empty.where)
        assert "nothing of stepping is installed" in fails("status", "--db", empty.where)


def place_of(kind: str, folder: Path, request: Any) -> Any:
    import contextlib

    @contextlib.contextmanager
    def made() -> Iterator[tuple[Place, Place]]:
        if kind == "sqlite":
            (folder / "empty.db").touch()
            yield sqlite_place(folder / "shop.db"), sqlite_place(folder / "empty.db")
            return
        url = request.getfixturevalue("postgres_url")
        with database(url) as one, database(url) as other:
            yield postgres_place(one), postgres_place(other)

    return made()


def test_a_role_that_only_reads(module: str, postgres_db: str) -> None:
    place = postgres_place(postgres_db)
    installed(place, module)
    script = written(module, place)
    asked = conninfo_to_dict(postgres_db)
    role = f"reads_{asked['dbname']}"
    with psycopg.connect(postgres_db, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}".encode())
    url = f"postgresql://{role}@/{asked['dbname']}?host={asked['host']}&port={asked['port']}"
    try:
        for command in commands(module, script):
            if command[0] in ("status", "verify", "explain", "check", "drain"):  # nothing waits
                found = run(*command, "--db", url)
                assert not found.exception or isinstance(found.exception, SystemExit), command
            else:
                assert "hint: " in fails(*command, "--db", url)
    finally:
        with psycopg.connect(postgres_db, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}".encode())
            connection.execute(f"DROP ROLE {role}".encode())


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_scripts_that_cannot_be_run(kind: str, module: str, tmp_path: Path, request: Any) -> None:
    with place_of(kind, tmp_path, request) as (place, _):
        installed(place, module)
        before = place.contents(__import__(module).old)
        script = written(module, place)
        (tmp_path / "bytes.sql").write_bytes(bytes(range(256)))
        (tmp_path / "empty.sql").touch()
        (tmp_path / "wrong.sql").write_text(script.read_text().replace("INSERT INTO", "INSRT INTO"))
        (tmp_path / "gone.sql").write_text(
            script.read_text().replace("DROP ", 'DROP TABLE "x";DROP ', 1)
        )
        db = ("--db", place.where)
        assert "no script of `stepping migrate`" in fails("apply", "bytes.sql", *db)
        assert "no script of `stepping migrate`" in fails("apply", "empty.sql", *db)
        assert "was edited" in fails("apply", "wrong.sql", *db)
        said = fails("apply", "wrong.sql", "--edited", *db)
        assert "syntax error" in said
        assert "at step " in said
        assert "hint: was the script edited" in said
        fails("apply", "missing.sql", *db, status=2)
        fails("apply", ".", *db, status=2)
        fails("apply", str(script), *db, "--batch-rows", "0", status=2)
        assert place.contents(__import__(module).old) == before


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_migrations_that_were_not_meant(
    kind: str, module: str, tmp_path: Path, request: Any
) -> None:
    with place_of(kind, tmp_path, request) as (place, _):
        installed(place, module)
        new, db = f"{module}:new", ("--db", place.where)
        found = run("migrate", f"{module}:old", *db, "--out", "none", "--apply")
        assert found.exit_code == 0
        assert (
            found.output
            == f"shop on {kind}: nothing to do, version 1 is installed as it is wanted\n"
        )
        assert not Path("none").exists()
        said = fails("migrate", new, *db, "--backfill", "products=SELECT 1")
        assert "would not be read" in said
        assert "no input of 'shop'" in fails("migrate", new, *db, "--backfill", "other=SELECT 1")
        fails("migrate", new, *db, "--backfill", "products", status=2)
        assert "nothing of that name" in fails("migrate", new, *db, "--rename", "Product.x=y")
        assert "is not installed" in fails("migrate", new, *db, "--renamed-from", "other")
        Path("file").touch()
        fails("migrate", new, *db, "--out", "file", status=2)
        fails("migrate", new, *db, "--out", "file/folder")
        for target in ("nothing:new", f"{module}:nothing", module, f"{module}:Product"):
            assert "hint: " in fails("migrate", target, *db)
