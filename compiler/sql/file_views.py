"""A view of a file, and its SELECT with those of the views that it reads in front of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from stepping.compiler.plan.capture import DEFERRED, FAIL, IMMEDIATE, STALE
from stepping.compiler.plan.table_names import DIGEST
from stepping.compiler.sql.parsing import parse
from stepping.compiler.sql.text import Piece, Span, Text, quoted, replaced
from stepping.compiler.sql.views import View

_OPTIONS = re.compile(r"--[ \t]*stepping:[ \t]*(.*)")
_KNOWN = {
    "refresh": (IMMEDIATE, DEFERRED),
    "on_error": (FAIL, STALE),
    "scans": ("true",),
    "names": (DIGEST,),
}


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

    @property
    def shown(self) -> Text:
        """The text that shows places in its SELECT."""
        return self.view.select if self.view.select.pieces else self.file

    def reads(self, named: Mapping[str, Any], dialect: str) -> list[str]:
        """The views of these that it reads."""
        (parsed, *_) = parse(self.view.select, dialect)
        own = {each.alias.lower() for each in parsed.tree.find_all(exp.CTE)}
        found = [t.name.lower() for t in parsed.tree.find_all(exp.Table) if not t.db]
        return [name for name in dict.fromkeys(found) if name in named and name not in own]

    def unqualified(self, named: Mapping[str, FileView], dialect: str) -> FileView:
        """The view, in which others of the files are named without their schema."""
        changes = []
        (parsed, *_) = parse(self.view.select, dialect)
        for table in parsed.tree.find_all(exp.Table):
            other = named.get(table.name.lower())
            if not table.db or other is None or table.db.lower() != other.view.schema.lower():
                continue
            schema, name = parsed.span(table.args["db"]), parsed.span(table.this)
            if schema is not None and name is not None:
                alias = "" if table.alias else f" AS {quoted(table.name)}"
                changes.append((schema | name, quoted(other.view.name) + alias))
        if not changes:
            return self
        select = replaced(self.view.select, changes, self.file)
        return replace(self, view=replace(self.view, select=select))

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


def composed(each: FileView, others: Sequence[FileView]) -> Text:
    """A view's SELECT with those that it reads in front of it."""
    if not others:
        return each.view.select
    own = re.match(r"(?i)with(\s+recursive)?\b", each.body)
    recursive = own is not None and own.group(1) is not None
    out = "WITH RECURSIVE " if recursive else "WITH "
    pieces: list[Piece] = []
    for position, other in enumerate(others):
        columns = ", ".join(map(quoted, other.view.columns))
        listed = f" ({columns})" if columns else ""
        out += ", " * (position > 0) + f"{quoted(other.view.name)}{listed} AS ("
        pieces.append(Piece(len(out), other.shown, other.start))
        out += other.body + ")"
    out += " " if own is None else ","
    behind = 0 if own is None else own.end()  # its own WITH goes on behind those
    pieces.append(Piece(len(out), each.shown, each.start + behind))
    return Text(out + each.body[behind:], each.file.name, tuple(pieces))
