"""Conditions taken apart: what is joined by AND, and which columns a part of it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.scopes import Bound, Ref


def conjuncts(node: Expression) -> list[Expression]:
    """The parts of a condition that must all be true."""
    if node is None:
        return []
    while isinstance(node, exp.Paren | exp.Where | exp.Having):
        node = node.this
    if isinstance(node, exp.And):
        return [*conjuncts(node.left), *conjuncts(node.right)]
    if isinstance(node, exp.Boolean) and node.this:  # which a JOIN without ON has, too
        return []
    return [node]


def disjuncts(node: Expression) -> list[Expression]:
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Or):
        return [*disjuncts(node.left), *disjuncts(node.right)]
    return [node]


def with_implied(nodes: list[Expression]) -> list[Expression]:
    """The conditions, and behind a disjunction what all its parts have in common.

    ``a AND b OR a AND c`` is true only where ``a`` is, by which rows may be joined.
    """
    found = []
    for node in nodes:
        found.append(node)
        parts = [conjuncts(each) for each in disjuncts(node)]
        if len(parts) > 1:
            first, *others = parts
            found += (each for each in first if all(each in other for other in others))
    return found


def has_query(node: Expression) -> bool:
    return node.find(exp.Query) is not None


def refs_of(node: Expression, bound: Bound) -> frozenset[Ref]:
    """The columns that an expression reads, also from inside the queries in it."""
    found: set[Ref] = set()
    todo = [node]
    while todo:
        part = todo.pop()
        if id(part) in bound.aliases:
            todo.append(bound.aliases[id(part)])
        elif id(part) in bound.refs:
            found |= true_refs(bound.refs[id(part)], bound)
        elif isinstance(part, exp.Query) and id(part) in bound.free:  # and no join in parentheses
            for ref in bound.free[id(part)]:
                found |= true_refs(ref, bound)
        else:
            todo.extend(part.iter_expressions())
    return frozenset(found)


_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


def is_quantified(node: Expression) -> bool:
    """Whether it compares a value with all rows of a subquery: by ANY, SOME or ALL."""
    if not isinstance(node, _COMPARISONS) or not isinstance(node.expression, exp.Any | exp.All):
        return False
    return isinstance(node.expression.this, exp.Query)


def true_refs(ref: Ref, bound: Bound) -> frozenset[Ref]:
    """The columns that hold a column: of USING, that of either side, or its own."""
    merged = bound.merged.get(ref)
    if merged is None or merged.side == "FULL":
        return frozenset({ref})
    return true_refs(merged.right if merged.side == "RIGHT" else merged.left, bound)


def queries_in(
    node: Expression, is_known: Callable[[Expression], bool] = lambda node: False
) -> Iterator[Expression]:
    """The subqueries in an expression, the outermost of each, with what asks for them.

    None of what ``is_known``: where the value of an aggregate is, so are those in its argument.
    """
    if is_known(node):
        return
    if is_quantified(node):
        yield node
        return
    asks = isinstance(node, exp.Exists | exp.Subquery | exp.Any | exp.All)
    if asks and isinstance(node.this, exp.Query):
        yield node
        return
    if isinstance(node, exp.In) and node.args.get("query") is not None:
        yield node
        return
    if isinstance(node, exp.Query):
        yield node
        return
    for part in node.iter_expressions():
        yield from queries_in(part, is_known)
