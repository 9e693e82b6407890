"""Every page of the documentation runs, and prints what it says."""

from __future__ import annotations

import multiprocessing
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import stepping
from tests.docs.page import MODULE, ROOT, Page

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder, whose modules are importable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if name == MODULE or file.startswith(str(tmp_path)):
            del sys.modules[name]


# Functions of a page are found by child processes as they are here: these must be forks.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page(
    path: Path,
    folder: Path,
    request: pytest.FixtureRequest,
    golden: Callable[[str, str], None],  # --update-golden writes what is printed into the page
) -> None:
    page = Page(path, folder, update=request.config.getoption("--update-golden"))
    sys.modules[MODULE] = page.module
    if re.search(r"\bDB_URL\b", path.read_text(encoding="utf-8")):
        page.module.__dict__["DB_URL"] = request.getfixturevalue("postgres_db")
    method = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("fork", force=True)
    try:
        page.run()
    finally:
        multiprocessing.set_start_method(method, force=True)


def test_every_public_name_is_documented() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    public = {
        name
        for name in dir(stepping)
        if not name.startswith("_") and not isinstance(getattr(stepping, name), types.ModuleType)
    }
    missing = sorted(name for name in public if not re.search(rf"\bst\.{name}\b|`{name}\b", text))
    assert not missing, f"no page of docs/ mentions {', '.join(missing)}"
