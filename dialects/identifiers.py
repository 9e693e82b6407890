"""Names in SQL text: bare where they mean the same, on every database, else in quotes."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

# Words that are no names on SQLite or Postgres, or not everywhere.
_WORDS = (
    "abort action add after all alter always analyse analyze and any array as asc asymmetric "
    "attach authorization autoincrement before begin between binary both by cascade case cast "
    "check collate collation column commit concurrently conflict constraint create cross "
    "current current_catalog current_date current_role current_schema current_time "
    "current_timestamp current_user database default deferrable deferred delete desc detach "
    "distinct do drop each else end escape except exclude exclusive exists explain fail false "
    "fetch filter first following for foreign freeze from full generated glob grant group "
    "groups having if ignore ilike immediate in index indexed initially inner insert instead "
    "intersect into is isnull join key last lateral leading left like limit localtime "
    "localtimestamp match materialized natural no not nothing notnull null nulls of offset on "
    "only or order others outer over overlaps partition placing plan pragma preceding primary "
    "query raise range recursive references regexp reindex release rename replace restrict "
    "returning right rollback row rows savepoint select session_user set similar some "
    "symmetric system_user table tablesample temp temporary then ties to trailing transaction "
    "trigger true unbounded union unique update user using vacuum values variadic verbose "
    "view virtual when where window with without "
)
RESERVED = frozenset(_WORDS.split())
_BARE = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)


@functools.lru_cache(maxsize=65536)
def is_bare(name: str) -> bool:
    """Whether a name means itself without quotes."""
    return _BARE.fullmatch(name) is not None and name not in RESERVED


def quoted(name: str) -> str:
    """A name as it is written in SQL, whatever is in it."""
    return name if is_bare(name) else '"' + name.replace('"', '""') + '"'


def unquoted(text: str) -> str:
    """The name that a text of `quoted` stands for."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def shows_query(view: str, text: str, queries: Iterable[str]) -> bool:
    """Whether a view, by its name and text, is one that shows a query of these, or a part of it."""
    for query in queries:
        named = view == query or view.startswith(f"{query}_")
        if named and re.search(rf"\b{re.escape(query)}_", text):
            return True
    return False
