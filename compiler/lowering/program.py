"""A plan with what of it runs in Python; and how a stored plan becomes one again.

Needs neither sqlglot nor SQLAlchemy: a service that runs an installed plan imports neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stepping.compiler import ir
from stepping.compiler.lowering.demand import non_negative
from stepping.compiler.plan.base_tables import BaseTable
from stepping.compiler.plan.sql_plan import SQLPlan
from stepping.compiler.plan.table_names import NEW, TableNames
from stepping.compiler.rewrites.existence import count_existing
from stepping.compiler.rewrites.order import copy_ordered
from stepping.compiler.rewrites.python_steps import isolate_python
from stepping.compiler.rewrites.sets import drop_distincts
from stepping.compiler.rewrites.share import share

Roots = tuple[ir.Operator, ...]


@dataclass(frozen=True)
class Options:
    """How a plan is made. The law test runs with the rewrites on and off."""

    allow_negative: bool = False
    rewrites: bool = True
    keep: frozenset[str] = frozenset()  # inputs that are stored whole
    base: tuple[tuple[str, BaseTable], ...] = ()  # inputs that are tables, as the database has them
    stored_after: frozenset[str] = frozenset()  # inputs whose tables have a step's change before it
    names: TableNames = NEW  # of what is installed


@dataclass(frozen=True)
class Program:
    """A plan, and the row functions that it runs in Python."""

    plan: SQLPlan
    python_steps: tuple[ir.Operator, ...]
    outputs: tuple[ir.Operator, ...]
    caches: Mapping[str, ir.Operator] = field(default_factory=dict)


def rewritten(
    roots: Roots, can_spell: Callable[[ir.Scalar], str | None], options: Options
) -> Roots:
    """The query as it is planned for a dialect, which is asked what it can spell exactly."""
    roots = count_existing(roots, non_negative(roots, allow_negative=options.allow_negative))
    roots = isolate_python(roots, can_spell)
    roots = share(roots)
    if options.rewrites:
        proven = non_negative(roots, allow_negative=options.allow_negative)
        roots = share(drop_distincts(roots, proven))
    return copy_ordered(roots)


def restored(plan: SQLPlan, roots: Roots, outputs: int, options: Options) -> Program | None:
    """The program of a stored plan of the very same query, or None if its steps are not found.

    ``roots`` are the outputs, the caches and the inputs as they were traced. What the dialect said
    about scalars is part of the plan, so it is not asked again.
    """
    if plan.python_steps:
        roots = rewritten(
            roots, lambda scalar: plan.unsupported_scalars.get(scalar.digest.hex()), options
        )
    known = (
        {each.digest.hex(): each for each in ir.topological(*roots)} if plan.python_steps else {}
    )
    if not all(digest in known for digest in plan.python_steps):
        return None
    steps = tuple(known[digest] for digest in plan.python_steps)
    names = [each.name for each in plan.caches]
    caches = dict(zip(names, roots[outputs : outputs + len(names)], strict=True))
    return Program(plan, steps, roots[:outputs], caches)
