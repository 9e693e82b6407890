"""The statements of a text: SELECTs, and CREATE MATERIALIZED VIEW with the name it gives one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as Sqlglot
from sqlglot.errors import TokenError

from stepping.compiler.sql.parsing import Parsed, parse
from stepping.compiler.sql.text import Span, Text
from stepping.errors import QueryError

_AFTER = "run it after `stepping apply`: the result is a view, and keeps what is said of it"
# What to do with statements that stand beside materialized views in other files.
_INSTEAD = {
    "REFRESH": "leave it out: the result follows its tables",
    "INDEX": "leave it out: what is kept has an index by its key",
    "DROP": "leave it out: `stepping apply` changes what is installed",
    "COMMENT": _AFTER,
    "GRANT": _AFTER,
    "ALTER": _AFTER,
}


@dataclass(frozen=True)
class View:
    """A SELECT with the name of its result, and of its columns if those are given.

    ``line`` is where it begins in its text: that of CREATE, if it has one.
    """

    name: str
    select: Text
    columns: tuple[str, ...] = ()
    line: int = 1
    schema: str = ""  # that it is written with: the connection's own


def views_of(text: Text, name: str, sqlglot_name: str | None = None) -> list[View]:
    """The views of a text; ``name`` is that of a SELECT without one.

    On Postgres, if that is known to be meant, names without quotes are in small letters.
    """
    found = []
    for tokens in statements(text, sqlglot_name or "postgres"):
        first = tokens[0]
        if first.text.upper() == "CREATE":
            found.append(_created(tokens, text, folds=sqlglot_name == "postgres"))
        elif first.text.upper() in ("SELECT", "WITH", "(", "VALUES"):
            found.append(View(name, _part(text, tokens), line=text.place(first.start)[1]))
        else:
            word = first.text.upper()
            otherwise = (
                "SELECT ..., WITH ... SELECT, or CREATE MATERIALIZED VIEW name AS SELECT ..."
            )
            raise text.error(f"{word} is no SELECT", _span(first), _INSTEAD.get(word, otherwise))
    if not found:
        raise text.error("the text has no SELECT")
    return found


def statements(text: Text, sqlglot_name: str) -> list[list[Any]]:
    """The tokens of each statement."""
    try:
        tokens = Sqlglot.get_or_raise(sqlglot_name).tokenize(text.sql)
    except TokenError as error:
        raise text.error(f"the text cannot be read: {error}") from error
    found: list[list[Any]] = [[]]
    for token in tokens:
        if token.text == ";" and token.token_type.name == "SEMICOLON":
            found.append([])
        else:
            found[-1].append(token)
    return [each for each in found if each]


def plain_view(text: Text, sqlglot_name: str) -> View:
    """The plain view that a statement of a database's own makes."""
    (tokens,) = statements(text, sqlglot_name)
    at = next(i for i, token in enumerate(tokens) if token.text.upper() == "VIEW")
    return _created([tokens[0], *tokens[at:]], text, folds=sqlglot_name == "postgres", plain=True)


def _created(tokens: Sequence[Any], text: Text, *, folds: bool, plain: bool = False) -> View:
    words = [token.text.upper() for token in tokens]
    at = 1
    if words[at : at + 2] == ["OR", "REPLACE"]:
        at += 2
    if words[at : at + 1] == ["VIEW"] and not plain:
        behind = 4 if words[at + 1 : at + 4] == ["IF", "NOT", "EXISTS"] else 1
        shown = tokens[at + behind].text if at + behind < len(tokens) else "name"
        raise text.error(
            "a plain view is evaluated by the database when it is read, and nothing is maintained",
            _span(tokens[0], tokens[at]),
            f"CREATE MATERIALIZED VIEW {shown} AS SELECT ...",
        )
    at += 1 if words[at : at + 1] == ["MATERIALIZED"] else 0
    if words[at : at + 1] != ["VIEW"]:
        word = "INDEX" if "INDEX" in words[at : at + 2] else words[min(at, len(words) - 1)]
        raise text.error(
            f"CREATE {word} is no view",
            _span(tokens[0], tokens[min(1, len(tokens) - 1)]),
            _INSTEAD.get(word, "CREATE MATERIALIZED VIEW name AS SELECT ..."),
        )
    at += 1
    if words[at : at + 3] == ["IF", "NOT", "EXISTS"]:
        at += 3
    schema, name, at = _name(tokens, at, text, folds=folds)
    columns: list[str] = []
    if words[at : at + 1] == ["("]:
        end = words.index(")", at)
        columns = [_named(each, folds) for each in tokens[at + 1 : end] if each.text != ","]
        at = end + 1
    at = _stored(words, at)
    if words[at : at + 1] != ["AS"]:
        where = tokens[min(at, len(tokens) - 1)]
        raise text.error("AS and a SELECT must follow the name of a view", _span(where))
    body = list(tokens[at + 1 :])
    ends = [token.text.upper() for token in body]
    for ending in (["WITH", "NO", "DATA"], ["WITH", "DATA"]):
        if ends[-len(ending) :] == ending:
            body = body[: -len(ending)]
    if not body:
        raise text.error("a SELECT must follow AS", _span(tokens[-1]))
    line = text.place(tokens[0].start)[1]
    return View(name, _part(text, body), tuple(columns), line, schema)


def _stored(words: Sequence[str], at: int) -> int:
    """Where the rest begins behind words on how a table is stored, as pg_dump writes them."""
    while words[at : at + 1] in (["USING"], ["TABLESPACE"]) or words[at : at + 2] == ["WITH", "("]:
        at = words.index(")", at) + 1 if words[at] == "WITH" and ")" in words[at:] else at + 2
    return at


def _name(tokens: Sequence[Any], at: int, text: Text, *, folds: bool) -> tuple[str, str, int]:
    """The schema that is written in front of a name, the name, and where the rest begins."""
    if at >= len(tokens):
        raise text.error("the view has no name", _span(tokens[-1]))
    if at + 2 < len(tokens) and tokens[at + 1].text == ".":
        return _named(tokens[at], folds), _named(tokens[at + 2], folds), at + 3
    return "", _named(tokens[at], folds), at + 1


def _named(token: Any, folds: bool) -> str:
    """A name as it is meant."""
    is_quoted = token.token_type.name == "IDENTIFIER"
    return str(token.text) if is_quoted or not folds else str(token.text).lower()


def _part(text: Text, tokens: Sequence[Any]) -> Text:
    """A statement of a text, on the lines and in the columns that it has there."""
    start, end = tokens[0].start, tokens[-1].end + 1
    before = "".join(c if c in "\n\t" else " " for c in text.sql[:start])
    return Text(before + text.sql[start:end], text.name)


def _span(first: Any, last: Any = None) -> Span:
    return Span(first.start, (last or first).end + 1)


def parsed(view: View, sqlglot_name: str) -> Parsed:
    """The SELECT of a view."""
    found = parse(view.select, sqlglot_name)
    if len(found) != 1 or not isinstance(found[0].tree, exp.Query | exp.Values):
        what = found[0].tree.key.upper() if found else "nothing"
        raise view.select.error(f"{what} is no SELECT")
    return found[0]


def one_view(text: Text, name: str | None) -> View:
    """The only view of a text."""
    found = views_of(text, name or "view")
    if len(found) > 1:
        raise QueryError(
            f"the text has {len(found)} views: {', '.join(each.name for each in found)}",
            where=text.name,
            hint="st.sql takes one; a file with several is given to the command",
        )
    (view,) = found
    return view if name is None else replace(view, name=name)
