"""Reading a text of SQL: sqlglot's parser, and where each part of the tree stands in the text.

sqlglot keeps the places of names and literals only. Here each method of its parser that gives an
expression notes from which token to which it read, so that an expression can be taken over as it
was written, whatever sqlglot would print for it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as Sqlglot
from sqlglot.errors import ErrorLevel, ParseError, TokenError

from stepping.compiler.sql.text import Span, Text
from stepping.errors import QueryError

Expression = Any  # a sqlglot expression: its classes are not typed

_TOKENS = "stepping_tokens"  # in the meta of a node: its first token, and the one after its last

# What of sqlglot's parser gives the expressions and clauses whose places are wanted.
_NOTED = (
    "_parse_expression",
    "_parse_assignment",
    "_parse_disjunction",
    "_parse_conjunction",
    "_parse_equality",
    "_parse_comparison",
    "_parse_range",
    "_parse_bitwise",
    "_parse_term",
    "_parse_factor",
    "_parse_exponent",
    "_parse_unary",
    "_parse_type",
    "_parse_at_time_zone",
    "_parse_column",
    "_parse_column_ops",
    "_parse_column_reference",
    "_parse_primary",
    "_parse_paren",
    "_parse_function",
    "_parse_function_call",
    "_parse_window",
    "_parse_bracket",
    "_parse_atom",
    "_parse_field",
    "_parse_select",
    "_parse_set_operations",
    "_parse_subquery",
    "_parse_table",
    "_parse_join",
    "_parse_ordered",
    "_parse_cte",
    "_parse_limit",
    "_parse_offset",
    "_parse_lambda",
    "_parse_lateral",
)


@dataclass(frozen=True)
class Parsed:
    """One statement: its tree, the tokens that its nodes refer to, and the text they stand in."""

    tree: Expression
    tokens: Sequence[Any]
    text: Text

    def span(self, node: Expression) -> Span | None:
        """Where a node stands, if that is known."""
        found = token_range(node, self.tokens)
        if found is None:
            return None
        first, last = found
        return Span(self.tokens[first].start, self.tokens[last - 1].end + 1)

    def error(self, message: str, node: Expression | None, hint: str | None = None) -> QueryError:
        """An error that shows a node, or what is around it."""
        span = None
        while node is not None and span is None:
            span = self.span(node)
            node = node.parent
        return self.text.error(message, span, hint)


def token_range(node: Expression, tokens: Sequence[Any]) -> tuple[int, int] | None:
    """The tokens that a node was read from."""
    known = node.meta.get(_TOKENS) if node.meta else None
    if known is not None:
        first, last = known
        return int(first), int(last)
    # What stands between its parts, if it is no method's whole result: a + b in a + b + c.
    found = [token_range(part, tokens) for part in node.iter_expressions()]
    ranges = [each for each in found if each is not None]
    if not ranges:
        start = node.meta.get("start") if node.meta else None
        return None if start is None else _token_at(int(start), tokens)
    return min(first for first, _ in ranges), max(last for _, last in ranges)


def _token_at(start: int, tokens: Sequence[Any]) -> tuple[int, int] | None:
    for position, token in enumerate(tokens):
        if token.start == start:
            return position, position + 1
    return None


def parse(text: Text, sqlglot_name: str) -> list[Parsed]:
    """The statements of a text."""
    dialect = Sqlglot.get_or_raise(sqlglot_name)
    try:
        tokens = dialect.tokenize(text.sql)
        parser = _parser_class(sqlglot_name)(dialect=dialect, error_level=ErrorLevel.IMMEDIATE)
        trees = parser.parse(tokens, text.sql)
    except (ParseError, TokenError) as error:
        raise _unreadable(text, error) from error
    chunks = parser._chunks  # a list of tokens for each statement
    return [
        Parsed(tree, chunk, text)
        for tree, chunk in zip(trees, chunks, strict=True)
        if tree is not None
    ]


def _unreadable(text: Text, error: ParseError | TokenError) -> QueryError:
    found = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    line, column = found.get("line"), found.get("col")
    said = str(found.get("description") or error).rstrip(".")
    # The parser's own classes are nothing to a reader.
    said = re.sub(r"Required keyword: .* missing for <class '.*\.(\w+)'>", _missing, said)
    said = said.replace("Invalid expression / Unexpected token", "this is not expected here")
    said = re.sub(r"<Token .*?text: (.*?), line: .*>", _token, said)
    if line is None or column is None:
        return text.error(f"the text cannot be read: {said}")
    lines = text.sql.split("\n")
    end = sum(len(each) + 1 for each in lines[: line - 1]) + column
    width = len(found.get("highlight") or "") or 1
    return text.error(f"the text cannot be read: {said}", Span(max(0, end - width), end))


def _missing(match: re.Match[str]) -> str:
    return f"something is missing beside {match.group(1).upper()}"


def _token(match: re.Match[str]) -> str:
    return "the end of the text" if match.group(1) == "SENTINEL" else match.group(1)


@functools.cache
def _parser_class(sqlglot_name: str) -> Any:
    base: Any = Sqlglot.get_or_raise(sqlglot_name).parser_class
    noted = {name: _noting(getattr(base, name)) for name in _NOTED if hasattr(base, name)}
    # x -> 'a' is an operator of JSON, also where it is an argument.
    lambdas = {token: made for token, made in base.LAMBDAS.items() if token.name != "ARROW"}
    return type(f"Noting{base.__name__}", (base,), {**noted, "LAMBDAS": lambdas})


def _noting(method: Callable[..., Any]) -> Callable[..., Any]:
    name = method.__name__

    @functools.wraps(method)
    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        first = self._index
        started: list[int] = self.__dict__.setdefault("_started", [])
        if name == "_parse_window" and started and args and isinstance(args[0], exp.Func):
            # What is behind a call is read by the method that reads the call.
            note(args[0], started[-1], first)
        # A method that goes on with what was read before begins where that begins.
        for given in args[:1] or [kwargs.get("this")]:
            if isinstance(given, exp.Expr):
                known = token_range(given, self._tokens)
                first = first if known is None else min(first, known[0])
        if name == "_parse_function_call":
            started.append(first)
            try:
                node = method(self, *args, **kwargs)
            finally:
                started.pop()
        else:
            node = method(self, *args, **kwargs)
        if isinstance(node, exp.Expr) and self._index > first:
            note(node, first, self._index)
        return node

    return noting


def note(node: Expression, first: int, last: int) -> None:
    """Say from which token to which a node was read; an inner method may have said less."""
    known = node.meta.get(_TOKENS)
    if known is not None:
        first, last = min(first, known[0]), max(last, known[1])
    node.meta[_TOKENS] = (first, last)
