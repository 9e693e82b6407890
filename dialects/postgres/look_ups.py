"""A look-up of rows by a key, so that Postgres finds them by the index of that key.

Where a table has several indexes, conditions on some columns are the start of more than one. Which
one finds fewer rows is known from statistics only, and they may be of another time: while each
index finds one row, the one with fewer columns costs less. So the last column of the key is
compared by a range of one value, and the rows are asked for in its order. No other index has that
order, and sorts are switched off in steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from stepping.compiler.plan.tables import Table
from stepping.dialects.base import Expression

if TYPE_CHECKING:
    from stepping.dialects.postgres.tables import PostgresTables


def through_its_index(
    dialect: PostgresTables, select: Expression, table: Table, on: Sequence[Expression]
) -> Expression:
    """``select ... WHERE on``, by the index that has most of the conditions.

    ``on`` compares columns of ``table``, or hashes of them, with values.
    """
    last = last_of_key(dialect, table, on)
    if last is None:
        return select.where(*on, copy=False)
    term, value = last.this, last.expression
    one = exp.Between(this=term.copy(), low=value.copy(), high=value.copy())
    conditions = [one if each is last else each for each in on]
    return select.where(*conditions, copy=False).order_by(term.copy(), copy=False)


def last_of_key(
    dialect: PostgresTables, table: Table, on: Sequence[Expression]
) -> Expression | None:
    """The condition on the last column of the index to be used, if another might be used."""
    terms_of = dialect.index_terms(table)
    if len(terms_of) < 2:
        return None
    equal = {term_of(dialect, each.this): each for each in on if isinstance(each, exp.EQ)}
    indexes = [
        (terms, next((i for i, term in enumerate(terms) if term not in equal), len(terms)))
        for terms in terms_of
    ]
    best, most = max(indexes, key=lambda found: found[1], default=((), 0))
    if most == 0:
        return None
    key, last = best[:most], best[most - 1]
    others = [terms[:count] for terms, count in indexes if count and terms[:most] != key]
    if not others or any(last in terms for terms in others):
        return None
    return equal[last]


def term_of(dialect: PostgresTables, value: Expression) -> str:
    """What is compared, as it stands in an index."""
    if isinstance(value, exp.Column):
        return dialect.quoted(value.name)

    def bare(node: Expression) -> Expression:
        return exp.column(node.this.copy()) if isinstance(node, exp.Column) else node

    return f"({dialect.text(value.transform(bare))})"
