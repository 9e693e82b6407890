"""A view of a file, and its SELECT with those of the views that it reads in front of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from stepping.compiler.plan.capture import DEFERRED, FAIL, IMMEDIATE, STALE
from stepping.compiler.sql.parsing import parse
from stepping.compiler.sql.text import Piece, Span, Text
from stepping.compiler.sql.views import View

_OPTIONS = re.compile(r"--[ \t]*stepping:[ \t]*(.*)")
_KNOWN = {"refresh": (IMMEDIATE, DEFERRED), "on_error": (FAIL, STALE), "scans": ("true",)}


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
    return '"' + name.replace('"', '""') + '"'
