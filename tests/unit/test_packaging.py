"""What is installed: the list of packages, their data, and what importing them costs."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import types
import zipfile
from pathlib import Path

import pytest

import stepping

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]
MOVED = {"stepping.compiler", "stepping.dialects", "stepping.runtime"}


def folder_of(package: str) -> Path:
    """Where a package's files are, going by the names alone."""
    parts = package.split(".")
    return ROOT.joinpath(*(parts[1:] if ".".join(parts[:2]) in MOVED else parts))


def python_folders() -> set[str]:
    """Each folder that holds Python files, as the package that it has to be."""
    found = set()
    for package in ("stepping", *MOVED):
        top = folder_of(package)
        for file in top.rglob("*.py"):  # does not follow the links in stepping/
            inside = file.parent.relative_to(top).parts
            found.add(".".join((package, *inside)))
    return found


def run_python(code: str, *, cwd: Path = ROOT) -> str:
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


# --------------------------------------------------------------------------------- pyproject.toml


def test_every_folder_is_a_listed_package() -> None:
    assert sorted(python_folders()) == SETUPTOOLS["packages"]


@pytest.mark.parametrize("package", SETUPTOOLS["packages"])
def test_every_package_has_an_init(package: str) -> None:
    assert (folder_of(package) / "__init__.py").is_file()


@pytest.mark.parametrize("package", ["stepping", *sorted(MOVED)])
def test_top_packages_are_marked_as_typed(package: str) -> None:
    assert (folder_of(package) / "py.typed").is_file()


@pytest.mark.parametrize("package", sorted(MOVED))
def test_links_for_static_tools(package: str) -> None:
    link = ROOT.joinpath(*package.split("."))
    assert link.is_symlink()
    assert link.resolve() == folder_of(package)
    assert SETUPTOOLS["package-dir"][package] == folder_of(package).name


def test_a_type_checker_elsewhere_finds_it_by_the_links(tmp_path: Path) -> None:
    """As an editable install does with ``editable_mode=compat``: the folder is on the path."""
    program = tmp_path / "program.py"
    program.write_text(
        "from typing import assert_type\n\nimport stepping as st\n\n"
        "class Item(st.Data):\n    name: str\n\n"
        "assert_type(st.Index.pick(Item, lambda i: i.name), st.Index[Item, str])\n"
    )
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--cache-dir", tmp_path / "c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "", "MYPYPATH": str(ROOT)},
    )
    in_program = [line for line in found.stdout.splitlines() if line.startswith("program.py")]
    assert not in_program, found.stdout
    assert "errors prevented" not in found.stdout


def test_dev_extra_and_dev_group_are_one_list() -> None:
    dev = PROJECT["project"]["optional-dependencies"]["dev"]
    assert dev == PROJECT["dependency-groups"]["dev"]
    assert dev == sorted(dev)


# --------------------------------------------------------------------------- what an import does


@pytest.mark.parametrize("name", ["compiler", "dialects", "runtime"])
def test_short_names_are_refused(name: str) -> None:
    # From the checkout they would import, as a second copy of every class.
    out = run_python(f"try:\n    import {name}\nexcept ImportError as error:\n    print(error)")
    assert f"import stepping.{name}" in out


def test_what_is_said_to_be_installed_is_there() -> None:
    """Extras by their names, and of this checkout: the registry has another code base."""
    extras = set(PROJECT["project"]["optional-dependencies"])
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    for part in ("stepping", "compiler", "dialects", "runtime"):
        files += (ROOT / part).rglob("*.py")
    for path in files:
        for package, names in re.findall(r"pip install[^\n`]*?(\.|\w+)\[(\w+)\]", path.read_text()):
            if package != "psycopg":
                assert (package, names in extras) == (".", True), path


def test_pages_share_no_database() -> None:
    """So that they can be followed one after the other in one folder."""
    of: dict[str, str] = {}
    for page in (ROOT / "README.md", *ROOT.glob("docs/**/*.md")):
        for name in set(re.findall(r"\b\w+\.db\b", page.read_text())):
            assert of.setdefault(name, page.name) == page.name, name


def test_import_loads_no_database_library() -> None:
    out = run_python("import sys, stepping\nprint(*sys.modules)")
    heavy = {"sqlglot", "sqlalchemy", "psycopg", "click", "rich", "alembic"}
    # What a service that runs its queries never calls; it takes a quarter of the time.
    heavy |= {f"stepping.runtime.{name}" for name in ("migrate", "verify", "status", "queue")}
    heavy |= {f"stepping.runtime.{name}" for name in ("stages", "recovery", "quarantine")}
    heavy |= {"stepping.compiler.explain", "stepping.compiler.plan.migration"}
    assert not heavy & set(out.split())


def test_names_that_are_imported_later_are_there() -> None:
    for name in dir(stepping):
        assert getattr(stepping, name) is not None
    assert isinstance(stepping.explain, types.FunctionType)
    assert stepping.verify is stepping.verify
    with pytest.raises(AttributeError, match="no attribute 'Explain'"):
        stepping.Explain  # type: ignore[attr-defined]  # noqa: B018


# --------------------------------------------------------------------------------- wheel and sdist


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist, made from a copy of what is committed or could be."""
    copy = tmp_path_factory.mktemp("build") / "checkout"
    copy.mkdir()
    for name in ("pyproject.toml", "LICENSE"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    if "readme" in PROJECT["project"]:
        readme = PROJECT["project"]["readme"]
        (copy / readme).write_bytes((ROOT / readme).read_bytes())
    for package in SETUPTOOLS["packages"]:
        source = folder_of(package)
        target = copy / source.relative_to(ROOT)
        target.mkdir(parents=True, exist_ok=True)
        for file in source.iterdir():
            if file.is_file():
                (target / file.name).write_bytes(file.read_bytes())
    # The backend itself, as every front end calls it; a front end would download it again.
    run_python(
        "from setuptools import build_meta as b; b.build_wheel('dist'); b.build_sdist('dist')",
        cwd=copy,
    )
    return copy / "dist"


def shipped_files() -> set[str]:
    """The path in a wheel of each file that belongs to a package."""
    return {
        f"{package.replace('.', '/')}/{file.name}"
        for package in SETUPTOOLS["packages"]
        for file in folder_of(package).iterdir()
        if file.is_file() and file.suffix != ".pyc"
    }


def test_wheel_holds_every_file(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == shipped_files()


def test_wheel_works_alone(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    out = run_python(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import stepping.compiler.schema as schema, stepping.data as data\n"
        "print(schema.__file__, sum(1 for _ in data.flights()))",
        cwd=tmp_path,
    )
    assert out.split() == [str(tmp_path / "stepping" / "compiler" / "schema.py"), "27004"]


def test_sdist_holds_every_file(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        str((folder_of(package) / file.name).relative_to(ROOT))
        for package in SETUPTOOLS["packages"]
        for file in folder_of(package).iterdir()
        if file.is_file() and file.suffix != ".pyc"
    }
    assert wanted <= names
    assert {"LICENSE", "pyproject.toml"} <= names
