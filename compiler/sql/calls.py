"""Functions in FROM, as they are written: the call, and the names that an alias gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from stepping.compiler.sql.parsing import Expression, Parsed, token_range

_OPEN, _CLOSE = ("(", "["), (")", "]")


@dataclass(frozen=True)
class Call:
    """A function in FROM. Its tokens are ``first`` to ``last``, the alias left out."""

    node: Expression
    first: int
    last: int
    alias: Expression | None = None  # an identifier
    columns: tuple[Expression, ...] = ()
    definitions: str = ""  # of columns, where the alias gives their types

    @property
    def arguments(self) -> list[Expression]:
        """What is in the call that may name columns."""
        return [
            part for part in self.node.iter_expressions() if not isinstance(part, exp.TableAlias)
        ]


def is_call(node: Expression) -> bool:
    """Whether an item of a FROM is a function."""
    inner = node.this if isinstance(node, exp.Lateral) else node
    if isinstance(inner, exp.Unnest):
        return True
    if isinstance(inner, exp.Table):
        return not isinstance(inner.this, exp.Identifier)
    return isinstance(inner, exp.Func)


def call_of(node: Expression, parsed: Parsed) -> Call:
    """A function in FROM, of the tokens that it was read from."""
    found = token_range(node, parsed.tokens)
    if found is None:
        raise parsed.error("this function cannot be read", node)
    first, end = found
    words = [token.text.upper() for token in parsed.tokens[first:end]]
    if words[0] == "LATERAL":
        first, words = first + 1, words[1:]
    at = closing(words, words.index("("))
    if words[at : at + 2] == ["WITH", "ORDINALITY"]:
        at += 2
    last = first + at
    rest = list(parsed.tokens[last:end])
    if rest and rest[0].text.upper() == "AS":
        rest = rest[1:]
    alias = identifier(rest[0]) if rest and rest[0].text != "(" else None
    inside = rest[(2 if alias is not None else 1) : -1]
    names = [each for each in inside if each.text != ","]
    if len(names) == (len(inside) + 1) // 2:  # one token, then a comma
        return Call(node, first, last, alias, tuple(map(identifier, names)))
    text = parsed.text.sql[inside[0].start : inside[-1].end + 1]
    return Call(node, first, last, alias, (), text)


def closing(words: Sequence[str], at: int) -> int:
    """Behind the bracket that closes the one at a place."""
    depth = 0
    for position in range(at, len(words)):
        depth += (words[position] in _OPEN) - (words[position] in _CLOSE)
        if depth == 0:
            return position + 1
    return len(words)


def identifier(token: Any) -> Expression:
    return exp.to_identifier(token.text, quoted=token.token_type.name == "IDENTIFIER")


def written(call: Call, parsed: Parsed, holes: Sequence[Expression]) -> list[str]:
    """The words of a call with places for some nodes in it, as they stand in the text."""
    tokens, sql = parsed.tokens, parsed.text.sql
    places = sorted(place for each in holes if (place := token_range(each, tokens)) is not None)
    found = []
    at = tokens[call.first].start
    for first, last in places:
        found.append(sql[at : tokens[first].start])
        at = tokens[last - 1].end + 1
    return [*found, sql[at : tokens[call.last - 1].end + 1]]


def function_name(call: Call, parsed: Parsed) -> str:
    """The name that a function without an alias has, and its column if that is one."""
    name = parsed.tokens[call.first]
    if parsed.tokens[call.first + 1].text == ".":
        name = parsed.tokens[call.first + 2]
    return str(name.text)
