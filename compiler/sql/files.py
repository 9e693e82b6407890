"""Files of views: several CREATE MATERIALIZED VIEW, of which one may read another.

A view that reads another one has that one's SELECT in a WITH in front of its own. So each follows
the tables of the application, none waits for another, and each can be changed by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from stepping.compiler.frontend.signature import check_name
from stepping.compiler.plan.capture import DEFERRED, FAIL, IMMEDIATE, STALE
from stepping.compiler.plan.graph import IN_A_FILE
from stepping.compiler.sql.parsing import parse
from stepping.compiler.sql.query import SQLQuery, sql
from stepping.compiler.sql.text import Piece, Span, Text
from stepping.compiler.sql.views import View, views_of
from stepping.errors import QueryError

_OPTIONS = re.compile(r"--[ \t]*stepping:[ \t]*(.*)")
_KNOWN = {"refresh": (IMMEDIATE, DEFERRED), "on_error": (FAIL, STALE)}


def queries_of(texts: Sequence[Text], dialect: str, tables: Any = None) -> list[SQLQuery[Any]]:
    """The queries of some files, in an order in which none reads one that comes after it.

    A comment ``-- stepping: refresh=deferred on_error=stale`` above a view is for that view.
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
    reads = {name: each.reads(named, dialect) for name, each in named.items()}
    order = ordered(reads, named)
    return [
        made(named[name], [named[n] for n in order if n in closure(name, reads)], tables)
        for name in order
    ]


@dataclass(frozen=True)
class FileView:
    """A view and the file that it stands in."""

    view: View
    file: Text

    @property
    def start(self) -> int:
        """Where its SELECT begins."""
        sql = self.view.select.sql
        return len(sql) - len(sql.lstrip())

    @property
    def body(self) -> str:
        return self.view.select.sql[self.start :]

    def reads(self, named: Mapping[str, Any], dialect: str) -> list[str]:
        """The views of these that it reads."""
        (parsed, *_) = parse(self.view.select, dialect)
        own = {each.alias.lower() for each in parsed.tree.find_all(exp.CTE)}
        found = [t.name.lower() for t in parsed.tree.find_all(exp.Table) if not t.db]
        return [name for name in dict.fromkeys(found) if name in named and name not in own]

    def options(self) -> dict[str, str]:
        """What a comment above the view says of it."""
        before = self.file.sql[: self.start]
        before = before[before.rfind(";") + 1 :]
        found = {}
        for line in _OPTIONS.finditer(before):
            for word in line.group(1).split():
                key, _, value = word.partition("=")
                if value not in _KNOWN.get(key, ()):
                    start = self.start - len(before) + line.start()
                    known = ", ".join(f"{k}={v}" for k, values in _KNOWN.items() for v in values)
                    raise self.file.error(
                        f"{word} is not an option of a view",
                        Span(start, start + len(line.group(0))),
                        f"known are {known}",
                    )
                found[key] = value
        return found


def made(each: FileView, others: Sequence[FileView], tables: Any) -> SQLQuery[Any]:
    view = replace(each.view, select=composed(each, others))
    options = {"refresh": IMMEDIATE, "on_error": None, **each.options()}
    return SQLQuery(
        view.name,
        each.file.name,
        view,
        options["refresh"],
        options["on_error"],
        tables_of=tables,
        way=IN_A_FILE,
    )


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


def composed(each: FileView, others: Sequence[FileView]) -> Text:
    """A view's SELECT with those that it reads in front of it."""
    if not others:
        return each.view.select
    own = re.match(r"(?i)with(\s+recursive)?\b", each.body)
    recursive = own is not None and own.group(1) is not None
    out = "WITH RECURSIVE " if recursive else "WITH "
    pieces: list[Piece] = []
    for position, other in enumerate(others):
        columns = ", ".join(map(_quoted, other.view.columns))
        listed = f" ({columns})" if columns else ""
        out += ", " * (position > 0) + f"{_quoted(other.view.name)}{listed} AS ("
        pieces.append(Piece(len(out), other.file, other.start))
        out += other.body + ")"
    out += " " if own is None else ","
    behind = 0 if own is None else own.end()  # its own WITH goes on behind those
    pieces.append(Piece(len(out), each.file, each.start + behind))
    return Text(out + each.body[behind:], each.file.name, tuple(pieces))


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_]\w*", name) else '"' + name.replace('"', '""') + '"'


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
