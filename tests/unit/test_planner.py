"""A stored plan is used by the planner that made it, and by no other, wherever its files are."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import stepping

PACKAGE = Path(stepping.__file__).parent
CHANGED = Path("stepping/compiler/lowering/group_sql.py")

OPENED = """
import sys
sys.path.insert(0, sys.argv[1])
import stepping as st
from stepping.compiler.lowering import planner
assert st.__file__.startswith(sys.argv[1]), st.__file__

def query(a: st.ZSet[int]) -> st.ZSet[int]:
    return st.reduce(a, zero=int, pick_value=lambda n: n)

graph = st.compile(query)
with st.connection_sqlite(sys.argv[2]) as connection:
    store = st.StoreSQLite.from_graph(connection, graph)
    st.actions(store, graph)[0].insert(1, 2)
    assert st.verify(store).ok
    print(store._is_stored, bool(planner.recorded()), planner.planner())
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of the package, its links as folders."""
    site = tmp_path / "site"
    shutil.copytree(PACKAGE, site / "stepping", ignore=shutil.ignore_patterns("__pycache__"))
    return site


def opened(where: Path, database: Path) -> tuple[bool, bool, str]:
    """Open a store with the package that is there: is its plan the stored one, is it installed?"""
    run = subprocess.run(
        [sys.executable, "-B", "-c", OPENED, str(where), str(database)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    stored, recorded, key = run.stdout.split()
    return stored == "True", recorded == "True", key


def edited(path: Path) -> None:
    """Change what a file has, and not how long it is."""
    text = path.read_text(encoding="utf-8")
    assert "# " in text
    path.write_text(text.replace("# ", "#\t", 1), encoding="utf-8")


def zipped(site: Path, name: str) -> Path:
    made = site.parent / name
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(site.rglob("*")):
            file.write(path, path.relative_to(site))
    return made


def digest(path: Path) -> str:
    return f"sha256={hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_of_files_that_are_worked_on(copy: Path, tmp_path: Path) -> None:
    database = tmp_path / "shop.db"
    first, again = opened(copy, database), opened(copy, database)
    assert (first[0], again[0]) == (False, True)
    size = (copy / CHANGED).stat().st_size
    edited(copy / CHANGED)
    assert (copy / CHANGED).stat().st_size == size
    assert opened(copy, database)[0] is False, "a plan outlived a change of what makes it"


def test_of_a_zip(copy: Path, tmp_path: Path) -> None:
    database = tmp_path / "shop.db"
    one = zipped(copy, "one.zip")
    assert [opened(one, database)[0] for _ in range(2)] == [False, True]
    edited(copy / CHANGED)
    assert opened(zipped(copy, "two.zip"), database)[0] is False


def test_of_an_installed_distribution(copy: Path, tmp_path: Path) -> None:
    """Its record is looked at, and no file is read; another build has another record."""
    database = tmp_path / "shop.db"
    found = []
    for version in ("1.0", "1.0", "1.1"):
        info = copy / f"stepping-{version}.dist-info"
        info.mkdir(exist_ok=True)
        metadata = f"Metadata-Version: 2.1\nName: stepping\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata)
        lines = (f"{path.relative_to(copy)},{digest(path)},\n" for path in copy.rglob("*.py"))
        (info / "RECORD").write_text("".join(sorted(lines)))
        found.append(opened(copy, database))
        if version != "1.0" or len(found) == 2:
            shutil.rmtree(info)
    assert [stored for stored, _, _ in found] == [False, True, False]
    assert all(recorded for _, recorded, _ in found)
