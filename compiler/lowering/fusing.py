"""An inlining limit: what would be written out too often is materialised in a delta table first.

A map of a map of a map is one expression over the columns of the first. Where each reads a column
twice, the expression doubles with every map; so a chain is cut, its middle computed into a delta
table, before an expression becomes longer than it is worth.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepping.compiler import ir

LONGEST = 64  # parts of an expression

Sizes = Mapping[str, int]  # of the expression for each column of a relation


def cuts(
    order: list[ir.Operator],
    delta: Mapping[ir.Operator, ir.Relation],
    emitted: frozenset[ir.Operator],
) -> frozenset[ir.Operator]:
    """The operators to compute beforehand, besides those that are, so that none grows too long."""
    sizes: dict[ir.Operator, Sizes] = {}
    more: set[ir.Operator] = set()
    for operator in order:
        if is_given(operator, delta) or operator in emitted:
            sizes[operator] = _ones(operator)
            continue
        found = _sizes(delta[operator], sizes)
        if max(found.values(), default=0) > LONGEST:
            for source in inlined(delta[operator]):
                if max(sizes[source].values(), default=0) > 1:
                    more.add(source)
                    sizes[source] = _ones(source)
            found = _sizes(delta[operator], sizes)
        sizes[operator] = found
    return frozenset(more)


def is_given(operator: ir.Operator, delta: Mapping[ir.Operator, ir.Relation]) -> bool:
    """Whether the delta of an operator is nothing but itself."""
    relation = delta.get(operator)
    return isinstance(relation, ir.Read) and relation.operator == operator


def _ones(operator: ir.Operator) -> Sizes:
    return dict.fromkeys(operator.schema.names, 1)


def inlined(relation: ir.Relation) -> list[ir.Operator]:
    """The operators whose change stands in a relation."""
    if isinstance(relation, ir.Tabled):
        return []
    if isinstance(relation, ir.Read):
        return [relation.operator] if relation.moment is ir.Moment.DELTA else []
    return [each for part in ir.sources(relation) for each in inlined(part)]


def _sizes(relation: ir.Relation, known: Mapping[ir.Operator, Sizes]) -> Sizes:
    match relation:
        case ir.Read(operator, ir.Moment.DELTA) if operator in known:
            return known[operator]
        case ir.Project(source, columns):
            inner = _sizes(source, known)
            return {name: _size(scalar, inner) for name, scalar in columns}
        case ir.Filter() | ir.Negate():
            return _sizes(relation.source, known)
        case ir.Sum(parts):
            each = [_sizes(part, known) for part in parts]
            return {name: max(one.get(name, 1) for one in each) for name in each[0]}
        case ir.Match():
            sides = (*_listed(relation.left, known), *_listed(relation.right, known))
            return dict(zip(relation.names, sides, strict=True))
        case _:
            return dict.fromkeys(ir.column_names(relation), 1)


def _listed(relation: ir.Relation, known: Mapping[ir.Operator, Sizes]) -> list[int]:
    sizes = _sizes(relation, known)
    return [sizes.get(name, 1) for name in ir.column_names(relation)]


def _size(scalar: ir.Scalar, columns: Sizes) -> int:
    if isinstance(scalar, ir.ColumnRef):
        return columns.get(scalar.name, 1)
    return 1 + sum(_size(part, columns) for part in ir.children(scalar))
