"""Which tables a tree reads."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

# What no table is read in: most of any tree.
LEAVES = (exp.Column, exp.Literal, exp.Identifier, exp.DataType, exp.Null, exp.Boolean, exp.Var)


def tables_in(tree: exp.Expr) -> Iterator[str]:
    """The names of tables, as often as they stand there; sqlglot's own walk takes far longer."""
    stack: list[object] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, exp.Table):
            yield node.name
        elif isinstance(node, exp.Expr) and not isinstance(node, LEAVES):
            stack += node.args.values()
