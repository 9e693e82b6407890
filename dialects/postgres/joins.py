"""Whether a statement joins changes with each other, or only one with kept tables.

A change looks its rows up in kept tables by an index. The planner cannot know that: it takes a
table for what it was when the plan was made, so that a plan of the first steps would hash a kept
table as a whole in all later ones. So hash joins are switched off, but where two changes are
joined, which have no index: without them that is quadratic.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from stepping.dialects.base import Expression
from stepping.dialects.reads import LEAVES, tables_in

_DELTA = "stepping_"  # how names of delta tables begin: compiler/lowering/names.py


def joins_changes(tree: Expression) -> bool:
    """Whether any SELECT of a statement reads more than one delta table."""
    names = list(tables_in(tree))
    deltas = sum(name.startswith(_DELTA) for name in names)
    if deltas == 0 or (deltas == 1 and len({*names}) == len(names)):  # no WITH query read twice
        return False
    return _changes(tree, {}) > 1


def _changes(node: Expression, parts: Mapping[str, int]) -> int:
    """How many delta tables are joined; ``parts``: in the statement's WITH queries."""
    if isinstance(node, exp.Table):
        return parts.get(node.name, int(node.name.startswith(_DELTA)))
    if isinstance(node, LEAVES):
        return 0
    known, most = parts, 0
    if parts_of := node.args.get("with_"):
        known = own = dict(parts)
        for each in parts_of.expressions:
            own[each.alias] = _changes(each.this, own)
            most = max(most, own[each.alias])
    if isinstance(node, exp.SetOperation):
        return max(most, _changes(node.this, known), _changes(node.expression, known))
    children = node.iter_expressions()
    if isinstance(node, exp.Insert):
        children = iter([node.expression])  # not the table that is written to
    elif isinstance(node, exp.Connector):
        children = node.flatten()  # one level, however many columns are compared
    joined = sum(_changes(each, known) for each in children if not isinstance(each, exp.With))
    return max(most, joined)
