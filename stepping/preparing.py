"""`stepping prepare`: what the database said of queries, in files, so that none is needed later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stepping.compiler.plan.answers import Answers
from stepping.compiler.plan.database import Database
from stepping.compiler.sql.query import SQLQuery
from stepping.database import driver_of
from stepping.errors import QueryError
from stepping.runtime import captured

FOLDER = Path(".stepping")


def answers_of(url: str, graph: Any) -> Answers:
    """What a database says of a query."""
    with driver_of(url) as driver:
        noting = noting_of(driver)
        made = graph.bound(lambda: noting)
        found: Answers = noting.answers
        if made.captured is not None:
            found.base = dict(captured.described(driver, made))
        return found


def noting_of(driver: Any) -> Any:
    if driver.dialect == "postgres":
        from stepping.dialects.postgres.prepared import NotingPostgres

        return NotingPostgres(driver.connection)
    from stepping.dialects.sqlite.prepared import NotingSQLite

    return NotingSQLite.of(driver.connection)


def database_of(answers: Answers) -> Database:
    """The database as it was when it was asked."""
    if answers.dialect == "postgres":
        from stepping.dialects.postgres.prepared import PreparedPostgres

        return PreparedPostgres(answers)
    from stepping.dialects.sqlite.prepared import prepared

    return prepared(answers)


def path_of(name: str, folder: Path = FOLDER) -> Path:
    return folder / f"{name}.json"


def written(name: str, folder: Path = FOLDER) -> Answers | None:
    """What was prepared for a query, if anything was."""
    path = path_of(name, folder)
    if not path.exists():
        return None
    return Answers.of_json(path.read_text(encoding="utf-8"), str(path))


def dialect_prepared(folder: Path = FOLDER) -> str | None:
    """The dialect that all of what was prepared is of."""
    found = {
        Answers.of_json(each.read_text(encoding="utf-8"), str(each)).dialect
        for each in sorted(folder.glob("*.json"))
    }
    return found.pop() if len(found) == 1 else None


def bound_as_prepared(graphs: Sequence[Any], folder: Path = FOLDER) -> None:
    """Queries in SQL as they are on the database that was asked for them."""
    for each in graphs:
        if not isinstance(each, SQLQuery) or each.tables_of is not None:
            continue
        answers = written(each.name, folder)
        if answers is not None:
            database = database_of(answers)
            each.prepared = answers
            each.later = lambda database=database: database


def prepare(
    url: str, graphs: Sequence[Any], folder: Path, say: Callable[[str], None], *, check: bool
) -> bool:
    """Write what a database says of each query; or only whether it says what is written."""
    same = True
    for each in graphs:
        if not isinstance(each, SQLQuery):
            raise QueryError(
                f"the query {each.name!r} has no SQL, and needs no database to be compiled",
                hint="prepare what st.sql made, and files of views",
            )
        answers, path = answers_of(url, each), path_of(each.name, folder)
        known = written(each.name, folder)
        if not check:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(answers.to_json(), encoding="utf-8")
            say(f"wrote {path}")
        elif known is None:
            same = False
            say(f"{each.name}: there is no {path}; stepping prepare writes it")
        else:
            different = known.differences(answers)
            same = same and not different
            for line in different:
                say(f"{each.name}: {line}")
            if not different:
                say(f"{each.name}: {path} is what the database says")
    return same
