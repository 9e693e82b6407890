"""What nodes of a query are, as sqlglot has them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from stepping.compiler.sql.parsing import Expression


def with_of(node: Expression) -> list[Expression]:
    """The CTEs of a query."""
    found = node.args.get("with_")
    return list(found.expressions) if found is not None else []


def row_of(node: Expression) -> list[Expression]:
    """The values of a row of VALUES."""
    return list(node.expressions) if isinstance(node, exp.Tuple) else [node]


def keys_of_group(group: Expression) -> Iterator[Expression]:
    """What a GROUP BY groups by, those of its sets included."""
    for each in group.expressions:
        yield from _keys(each)
    for part in ("rollup", "cube", "grouping_sets"):
        for each in group.args.get(part) or ():
            if isinstance(each, exp.Expr):
                yield from _keys(each)


def _keys(node: Expression) -> Iterator[Expression]:
    if isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple):
        for each in node.expressions:
            yield from _keys(each)
    elif isinstance(node, exp.Paren):
        yield from _keys(node.this)
    else:
        yield node


def is_position(node: Expression) -> bool:
    return isinstance(node, exp.Literal) and node.is_int


def is_quoted(node: Expression) -> bool:
    return bool(node is not None and node.args.get("quoted"))


def is_qualified_star(node: Expression) -> bool:
    return isinstance(node, exp.Column) and isinstance(node.this, exp.Star)


def is_comma(node: Expression) -> bool:
    """Whether a join is a comma: where nothing else is said."""
    if isinstance(node, exp.Lateral):
        return True
    said = ("side", "kind", "method", "on", "using")
    return not any(node.args.get(part) for part in said)


def is_join_group(node: Expression) -> bool:
    """Whether it is a join in parentheses."""
    if not isinstance(node, exp.Subquery | exp.Paren):
        return False
    inner = node.this
    if isinstance(inner, exp.Table):
        return True
    return isinstance(inner, exp.Subquery | exp.Paren) and bool(
        inner.args.get("joins") or is_join_group(inner)
    )
