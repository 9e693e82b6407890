"""How deeply a statement is nested, as SQLite's parser counts it.

The parser keeps what it has begun and not finished on a stack of 100 entries, a limit that is
compiled in (https://sqlite.org/compile.html#yystackdepth); since 3.46 the stack grows. What would
not fit is planned otherwise: a change in between is written to a table of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from stepping.dialects.natives import Spliced

DEEPEST = 96  # entries of the parser's stack, less those of EXPLAIN and the statement's end
DEEPEST_SCALAR = 84  # the statement around an expression needs some too

_COLUMN = 7
_DEPTH_OF_TEXT, _DEPTH_OF_PARENTHESIS = 8, 6
_UNARY = (exp.Neg, exp.Not, exp.BitwiseNot)
_CLAUSES = {  # entries in front of an expression in a clause of a SELECT
    "expressions": 3,
    "where": 5,
    "group": 9,
    "having": 7,
    "order": 11,
    "limit": 9,
    "offset": 11,
}
# Entries of a parenthesis right behind another one, or behind its NOT.
_ENTRIES = {"": 1, "NOT": 2}


def nesting(tree: exp.Expr) -> int:
    """The entries of the parser's stack that a tree needs: at least as many as it really does."""
    if isinstance(tree, exp.Column):  # most of any tree; it has names only
        return _COLUMN
    return 1 + max((before + nesting(part) for before, part in _parts(tree)), default=0)


def _parts(tree: exp.Expr) -> Iterator[tuple[int, exp.Expr]]:
    """The parts of a tree, each with how many entries are on the stack when it begins."""
    match tree:
        case exp.Select():
            yield from _select(tree)
        case exp.SetOperation():
            yield 0, tree.this
            yield 2, tree.expression
        case exp.Insert():
            yield 6, tree.expression
            if tree.args.get("conflict"):
                yield 14, tree.args["conflict"]
        case exp.CTE():
            yield 6, tree.this
        case exp.Subquery() | exp.Exists() | exp.Paren():
            yield 2, tree.this
        case exp.Alias() | exp.Ordered():
            yield 0, tree.this
        case exp.Case():
            if tree.this:
                yield 1, tree.this
            for each in tree.args.get("ifs") or ():
                yield 4, each.this
                yield 6, each.args["true"]
            if tree.args.get("default"):
                yield 4, tree.args["default"]
        case exp.Cast():
            yield 2, tree.this
        case exp.Between():
            yield 0, tree.this
            yield 2, tree.args["low"]
            yield 4, tree.args["high"]
        case exp.In():
            yield 0, tree.this
            for part in (*tree.expressions, tree.args.get("query")):
                if part:
                    yield 5, part
        case exp.Binary():
            left: exp.Expr = tree
            while type(left) is type(tree):  # of a AND b AND c, what is on the left is one entry
                yield 2, left.expression
                left = left.this
            yield 0, left
        case _ if isinstance(tree, _UNARY):
            yield 1, tree.this
        case Spliced():
            most, depths = parentheses(tree.texts)
            yield _DEPTH_OF_TEXT + most, tree.this.expressions[0]
            for depth, part in zip(depths, tree.expressions, strict=False):
                yield _DEPTH_OF_TEXT + depth, part
        case _:
            for part in tree.iter_expressions():
                yield 5, part


def parentheses(texts: Sequence[str]) -> tuple[int, list[int]]:
    """The entries that the parentheses of texts need: at most, and behind each text."""
    deepest = depth = 0
    entries: list[int] = []  # of each parenthesis that is open
    before = ""  # what stands between the last one and here
    behind: list[int] = []
    for text in texts:
        for sign in text:
            if sign == "(":
                entries.append(_ENTRIES.get(before.strip().upper(), _DEPTH_OF_PARENTHESIS))
                depth, before = depth + entries[-1], ""
                deepest = max(deepest, depth)
                continue
            if sign == ")" and entries:
                depth -= entries.pop()
            before += sign
        before += "x"  # an argument
        behind.append(depth)
    return deepest, behind


def _select(select: exp.Select) -> Iterator[tuple[int, exp.Expr]]:
    for clause, before in _CLAUSES.items():
        for each in _clause(select, clause):
            yield before, each
    # "from" has an underscore in newer versions of sqlglot.
    source = select.args.get("from_") or select.args.get("from")
    if source:
        yield 5, source.this
    for join in select.args.get("joins") or ():
        yield 5, join.this
        if join.args.get("on"):
            yield 10, join.args["on"]
    if select.args.get("with_"):
        for each in select.args["with_"].expressions:
            yield 0, each


def _clause(select: exp.Select, clause: str) -> list[exp.Expr]:
    found = select.args.get(clause)
    if found is None:
        return []
    if isinstance(found, list):
        return found
    return [found.this] if clause in ("where", "having") else list(found.iter_expressions())
