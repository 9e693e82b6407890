"""Files of views: several CREATE MATERIALIZED VIEW, of which one may read another.

A view that reads another one has that one's SELECT in a WITH in front of its own. So each follows
the tables of the application, none waits for another, and each can be changed by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from stepping.compiler.frontend.signature import check_name
from stepping.compiler.plan.capture import IMMEDIATE
from stepping.compiler.plan.graph import IN_A_FILE
from stepping.compiler.plan.table_names import PLAIN
from stepping.compiler.sql.file_views import FileView, composed
from stepping.compiler.sql.query import SQLQuery, sql
from stepping.compiler.sql.text import Text
from stepping.compiler.sql.views import views_of
from stepping.errors import QueryError


def queries_of(texts: Sequence[Text], dialect: str, tables: Any = None) -> list[SQLQuery[Any]]:
    """The queries of some files, in an order in which none reads one that comes after it.

    A comment ``-- stepping: refresh=deferred on_error=stale scans=true names=digest`` above a view
    is for that view.
    """
    views = [
        FileView(view, text) for text in texts for view in views_of(text, _stem(text.name), dialect)
    ]
    named: dict[str, FileView] = {}
    for each in views:
        check_name(each.view.name, sql)
        if each.view.name.lower() in named:
            raise each.view.select.error(
                f"two views are named {each.view.name}",
                hint="name each: CREATE MATERIALIZED VIEW name AS SELECT ...; a SELECT alone has "
                "the name of its file",
            )
        named[each.view.name.lower()] = each
    if any(each.view.schema for each in named.values()):
        named = {name: each.unqualified(named, dialect) for name, each in named.items()}
    reads = {name: each.reads(named, dialect) for name, each in named.items()}
    order = ordered(reads, named)
    return [
        made(named[name], [named[n] for n in order if n in closure(name, reads)], tables)
        for name in order
    ]


def made(each: FileView, others: Sequence[FileView], tables: Any) -> SQLQuery[Any]:
    view = replace(each.view, select=composed(each, others))
    options: dict[str, Any] = {
        "refresh": IMMEDIATE,
        "on_error": None,
        "names": PLAIN,
        **each.options(),
    }
    query: SQLQuery[Any] = SQLQuery(
        view.name,
        each.file.name,
        view,
        options["refresh"],
        options["on_error"],
        tables_of=tables,
        way=IN_A_FILE,
        names=options["names"],
    )
    query.scans = "scans" in options
    return query


def ordered(reads: Mapping[str, Sequence[str]], named: Mapping[str, FileView]) -> list[str]:
    """The names such that each comes behind those that it reads."""
    done: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            shown = " reads ".join([*above[above.index(name) :], name])
            raise named[name].view.select.error(
                f"views read each other: {shown}", hint="a recursion is a WITH RECURSIVE"
            )
        if name not in done:
            for other in reads[name]:
                visit(other, (*above, name))
            done.append(name)

    for name in reads:
        visit(name, ())
    return done


def closure(name: str, reads: Mapping[str, Sequence[str]]) -> set[str]:
    """All that a view reads, and what that reads."""
    found: set[str] = set()
    waiting = list(reads[name])
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += reads[each]
    return found


def _stem(path: str) -> str:
    file = path.replace("\\", "/").rpartition("/")[2]
    return re.sub(r"\W+", "_", file.rpartition(".")[0]) or path


def named_in(queries: Sequence[SQLQuery[Any]], name: str, where: str) -> Iterator[SQLQuery[Any]]:
    """The query of a name."""
    found = [each for each in queries if each.name == name]
    if not found:
        raise QueryError(
            f"there is no view {name!r}",
            where=where,
            hint=f"there are {', '.join(each.name for each in queries)}",
        )
    yield from found
