"""Which planner this is: a stored plan is a copy of what it would make, and of no other's."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from importlib import metadata, resources
from importlib.resources.abc import Traversable

from stepping.compiler.ir import digest_of

_PACKAGES = ("stepping.compiler", "stepping.dialects")
_INSTALLED = "\nstepping/compiler/lowering/planner.py,"
_WRITES = ("sqlglot",)  # what else says how a plan is spelled


@functools.cache
def planner() -> str:
    """What is another for any planner that may plan differently.

    Of an installed distribution its version and the record of its files, which has a hash of each.
    Where files are worked on, or are in a zip, what is in them: that is read once in a process.
    """
    others = tuple(version_of(name) for name in _WRITES)
    return digest_of((version_of("stepping"), recorded() or content(), others)).hex()


def version_of(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def recorded() -> str:
    """The record of the installed files, if it is those that are running."""
    try:
        installed = metadata.distribution("stepping")
    except metadata.PackageNotFoundError:
        return ""
    record = installed.read_text("RECORD") or ""
    here = str(installed.locate_file("stepping/compiler/lowering/planner.py"))
    # Of an editable install it has none of the files, and a copy in front of it is not this one.
    return record if _INSTALLED in f"\n{record}" and here == __file__ else ""


def content() -> str:
    """A hash of all source files."""
    found = hashlib.blake2b(digest_size=16)
    for package in _PACKAGES:
        for name, data in sources(resources.files(package), package):
            found.update(f"{name} {len(data)}\n".encode())
            found.update(data)
    return found.hexdigest()


def sources(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    """The files of a package and the packages in it, wherever its loader has them."""
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        name = f"{path}/{each.name}"
        if each.is_dir():
            if each.name != "__pycache__":
                yield from sources(each, name)
        elif name.endswith((".py", ".pyc")):
            yield name, each.read_bytes()
