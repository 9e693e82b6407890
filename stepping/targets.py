"""The queries that a command is given: ``module:query``, and files of SQL with views."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stepping.compiler.plan.graph import AnyGraph
from stepping.errors import QueryError
from stepping.target import load, loaded


def load_all(targets: Sequence[str], dialect: str | None, tables: str | None = None) -> list[Any]:
    """The compiled queries behind some targets; files are read together, so that a view may read
    one of another file. ``tables`` names a `MetaData`, or a class that has one.
    """
    files = [each for each in targets if is_file(each)]
    found: list[AnyGraph] = [load(each) for each in targets if each not in files]
    if files:
        from stepping.compiler.sql.files import named_in, queries_of

        known = None if tables is None else metadata_of(tables)
        split = [_split(each) for each in files]
        paths = list(dict.fromkeys(path for path, _ in split))
        queries = queries_of([_text(path) for path in paths], dialect or "sqlite", known)
        for path, name in split:
            if name:
                found += named_in(queries, name, path)
        whole = {path for path, name in split if not name}
        found += [each for each in queries if each.where in whole]
    return found


def names_of(targets: Sequence[str], dialect: str) -> list[str]:
    """The names of the queries behind some targets. A word alone is a name."""
    names, others = named(targets)
    return [*names, *(each.name for each in load_all(others, dialect))]


def named(targets: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those of some targets that are names of installed queries, a word alone, and the others."""
    others = [each for each in targets if ":" in each or is_file(each)]
    return [each for each in targets if each not in others], others


def is_file(target: str) -> bool:
    return _split(target)[0].endswith(".sql")


def _split(target: str) -> tuple[str, str]:
    """The path and the name of ``views.sql:revenue``."""
    path, colon, name = target.rpartition(":")
    return (path, name) if colon and path.endswith(".sql") else (target, "")


def _text(path: str) -> Any:
    from stepping.compiler.sql.text import Text

    try:
        return Text(Path(path).read_text(encoding="utf-8"), path)
    except UnicodeDecodeError as error:
        raise QueryError("the file is no text in UTF-8", where=path) from error
    except OSError as error:
        raise QueryError(f"the file cannot be read: {error.strerror}", where=path) from error


def metadata_of(target: str) -> Any:
    """The `MetaData` that ``module:Base`` or ``module:metadata`` names."""
    from sqlalchemy import MetaData

    found = loaded(target)[0]
    metadata = getattr(found, "metadata", found)
    if not isinstance(metadata, MetaData):
        raise QueryError(
            f"this is {type(found).__name__}, and no MetaData of SQLAlchemy's",
            where=repr(target),
            hint="--tables shop.models:Base, or the name of a MetaData",
        )
    return metadata
