"""What a database says against a text, with its place there, and what may be meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from stepping.compiler.plan.database import Said
from stepping.compiler.sql.parsing import Parsed
from stepping.compiler.sql.text import Span
from stepping.errors import QueryError

_NAMED = re.compile(r'near "(.+?)"|no such \w+: (\S+)|unrecognized token: "(.+?)"')
_HINTS = (
    (
        "must appear in the GROUP BY",
        "add it to GROUP BY, or take one of its values: max() of it",
    ),
    ("pseudo-type", "select its parts as columns of their own"),
    ("operator does not exist", "CAST one of the sides to the type of the other"),
    ("cannot be matched", "CAST the column of one of the sides"),
    ("aggregate functions are not allowed in WHERE", "put the condition into HAVING"),
    ("calls cannot be nested", "aggregate the result of a derived table"),
    ("subquery has too many columns", "as many values in front of IN as it has columns"),
    ("must return only one column", "a subquery for each of them, or a join"),
    ("no such function", "SQLite has it only where an application registers it"),
)


def placed(error: QueryError, parsed: Parsed) -> QueryError:
    """The error with the place in the text that it is about."""
    text = parsed.text
    span = None
    offset = error.offset if isinstance(error, Said) else None
    if offset is not None:
        start = len(text.sql) - len(text.sql.lstrip()) + offset
        token = next((t for t in parsed.tokens if t.start <= start <= t.end), None)
        span = Span(start, start + 1) if token is None else Span(token.start, token.end + 1)
        if token is None and parsed.tokens and start >= parsed.tokens[-1].end:
            span = Span(parsed.tokens[-1].start, parsed.tokens[-1].end + 1)
    else:
        named = _NAMED.search(error.message)
        word = next((w for w in named.groups() if w), "") if named else ""
        some = [t for t in parsed.tokens if word and t.text.lower() == word.lower()]
        if len(some) == 1 or (some and "near" not in error.message):
            span = Span(some[0].start, some[0].end + 1)
    return text.error(error.message, span, hint_of(error))


def hint_of(error: QueryError) -> str | None:
    for words, hint in _HINTS:
        if words in error.message:
            return hint
    return error.hint


def like(name: str, known: Iterable[str]) -> str | None:
    """A hint with the names that one may be a slip of, or all if they are few."""
    names = list(dict.fromkeys(known))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"is it {' or '.join(close)}?"
    return f"there are {', '.join(names)}" if 0 < len(names) <= 12 else None
