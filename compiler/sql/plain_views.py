"""Plain views of the database that a SELECT reads: their SELECTs stand in a WITH in front of it.

A view has no rows of its own that could be followed, so that what it reads is. Places in its text
are shown in that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlglot import exp

from stepping.compiler.plan.database import Database
from stepping.compiler.sql.file_views import FileView, composed
from stepping.compiler.sql.parsing import Parsed
from stepping.compiler.sql.text import Span, Text, quoted, replaced
from stepping.compiler.sql.views import View, parsed, plain_view


def with_views(made: Parsed, view: View, database: Database) -> View:
    """A view with those of the database in front of it that it reads; itself, if there are none."""
    found = Found(database, ctes_of(made, database))
    select = found.named_in(made)
    if not found.views:
        return view
    others = [FileView(each, each.select) for each in found.views.values()]
    return replace(view, select=composed(FileView(replace(view, select=select), select), others))


@dataclass
class Found:
    """The views that were found, each behind those that it reads."""

    database: Database
    taken: set[str]  # the names of a statement's own WITH queries
    views: dict[str, View] = field(default_factory=dict)

    def named_in(self, made: Parsed) -> Text:
        """A text in which views have the names that they have in the WITH."""
        changes = []
        for node, span in tables_of(made, self.database):
            name, schema = self.path(node)
            called = self.called(name, schema)
            if called is None or called == name:
                continue
            alias = "" if node.args.get("alias") else f" AS {quoted(name)}"
            changes.append((span, quoted(called) + alias))
        return replaced(made.text, changes)

    def path(self, node: Any) -> tuple[str, str | None]:
        db = node.args.get("db")
        return folded(node.this, self.database), folded(db, self.database) if db else None

    def called(self, name: str, schema: str | None) -> str | None:
        """The name of a view in the WITH; None if there is no such view."""
        called = name
        if schema is not None or name in self.taken:
            called = f"{schema or 'view'}.{name}"
        if called not in self.views:
            known = self.database.view(name, schema)
            if known is None:
                return None
            view = plain_view(
                Text(known.statement, f"view {known.name}"), self.database.sqlglot_name
            )
            made = parsed(view, self.database.sqlglot_name)
            self.views[called] = replace(view, name=called, select=self.named_in(made))
            self.views[called] = self.views.pop(called)  # behind those that it reads
        return called


def tables_of(made: Parsed, database: Database) -> Iterator[tuple[Any, Span]]:
    """What a statement reads that is no WITH query of its own, and where it names it."""
    own = ctes_of(made, database)
    for node in made.tree.find_all(exp.Table):
        if not isinstance(node.this, exp.Identifier) or node.args.get("catalog"):
            continue
        db = node.args.get("db")
        if db is None and folded(node.this, database) in own:
            continue
        span = made.span(node.this)
        before = made.span(db) if db is not None else span
        if span is not None and before is not None:
            yield node, before | span


def ctes_of(made: Parsed, database: Database) -> set[str]:
    found = (each.args["alias"].this for each in made.tree.find_all(exp.CTE))
    return {folded(each, database) for each in found}


def folded(identifier: Any, database: Database) -> str:
    return database.folded(identifier.name, quoted=bool(identifier.args.get("quoted")))
