"""What is kept for a query: rewritten, and arranged by how its rows are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from stepping.compiler import ir
from stepping.compiler.lowering.arrange import arrange
from stepping.compiler.lowering.arrangements import Arrangements, set_apart
from stepping.compiler.lowering.demand import Demand, demand_of, non_negative
from stepping.compiler.lowering.flattening import flattened
from stepping.compiler.lowering.garbage import rarely_collected
from stepping.compiler.lowering.in_place import Base, base_table, log_of, mixed, read_in_place
from stepping.compiler.lowering.names import Naming
from stepping.compiler.lowering.program import Options, rewritten
from stepping.compiler.lowering.relation_sql import RelationSQL
from stepping.compiler.lowering.scalar_sql import can_spell
from stepping.compiler.lowering.schedule import Scheduler
from stepping.compiler.lowering.terms import viewed_term
from stepping.compiler.operators.topn import Ordered
from stepping.compiler.plan.sql_plan import (
    SQLTable,
    SQLView,
)
from stepping.compiler.schema import query_prefix
from stepping.dialects.base import Dialect


@dataclass(frozen=True)
class Planned:
    """A query with everything that is kept for it, and what makes the statements of its steps."""

    name: str
    outputs: tuple[ir.Operator, ...]
    caches: Mapping[str, ir.Operator]
    inputs: tuple[ir.Operator, ...]
    changes: tuple[ir.Operator, ...]  # inputs first, and each behind what it is made of
    arrangements: Arrangements
    scheduler: Scheduler
    dialect: Dialect
    unsupported_scalars: Mapping[str, str]

    @property
    def tables(self) -> tuple[SQLTable, ...]:
        """The kept tables with their DDL."""
        sql = RelationSQL(self.dialect, self.arrangements)
        views: dict[str, list[SQLView]] = {}
        for view in self.arrangements.views.values():
            table = view.seen.table
            term = viewed_term(view, "g")
            rows = sql.rows([(term, tuple(term.columns.items()))], table.weight)
            made = SQLView(table, self.dialect.view_ddl(table, rows))
            views.setdefault(table.of, []).append(made)
        return tuple(
            SQLTable(table, self.dialect.table_ddl(table), tuple(views.get(table.name, ())))
            for table in self.arrangements.tables
        )


@rarely_collected()
def planned(
    name: str,
    outputs: tuple[ir.Operator, ...],
    caches: Mapping[str, ir.Operator],
    inputs: tuple[ir.Operator, ...],
    dialect: Dialect,
    options: Options,
) -> Planned:
    """Rewrite a query and decide what is kept for it."""
    count = len(outputs)
    unsupported_scalars: dict[str, str] = {}

    def spelled(scalar: ir.Scalar) -> str | None:
        reason = can_spell(scalar, dialect.spelling)
        if reason is not None:
            unsupported_scalars[scalar.digest.hex()] = reason
        return reason

    roots = rewritten((*outputs, *caches.values(), *inputs), spelled, options)
    outputs = roots[:count]
    caches = dict(zip(caches, roots[count : count + len(caches)], strict=True))
    inputs = roots[count + len(caches) :]
    whole = tuple(ir.Integrate(op) for op in inputs if op.label in options.keep)
    roots = (*roots[: count + len(caches)], *whole)
    operators = unique((*inputs, *ir.topological(*roots)))
    changes = tuple(op for op in operators if op.flow is ir.Flow.CHANGE)
    kept = frozenset(op.inputs[0] for op in (*caches.values(), *outputs) if op.inputs)
    demand, moments, base = demanded(roots, inputs, options, kept, dialect.nulls_first(True))
    proven = non_negative(roots, allow_negative=options.allow_negative)
    taken: set[str] = set()
    naming = Naming(name, options.names, caches, inputs)
    share = options.rewrites
    exact = dialect.exact_float
    arrangements = arrange(naming, demand, moments, proven, taken, exact, share=share, base=base)
    prefix = f"{query_prefix(name)}__" if dialect.shares_deltas else ""
    if prefix:
        arrangements = replace(
            arrangements,
            state={op: set_apart(each, prefix) for op, each in arrangements.state.items()},
        )
    logs = {op: log_of(name, op, demand.delta[op]) for op in base.tables}
    scheduler = Scheduler(
        changes, outputs, demand, arrangements, dialect, taken, prefix=prefix, logs=logs
    )
    return Planned(
        name,
        outputs,
        caches,
        inputs,
        changes,
        arrangements,
        scheduler,
        dialect,
        unsupported_scalars,
    )


def demanded(
    roots: tuple[ir.Operator, ...],
    inputs: tuple[ir.Operator, ...],
    options: Options,
    kept: frozenset[ir.Operator],
    nulls_first: bool,
) -> tuple[Demand, ir.Moments, Base]:
    """What is read, what the tables hold then, and which are tables of the application."""
    described = dict(options.base)
    inputs = tuple(op for op in inputs if op.label in described)
    tables = {op: base_table(op, described[op.label]) for op in inputs}
    base = Base(tables, {op: described[op.label] for op in inputs})
    given = frozenset(
        op for op in ir.topological(*roots) if stored_input_of(op, options.stored_after)
    )
    stored: frozenset[ir.Operator] = frozenset()  # joins that no one moment can be looked up of
    while True:
        flat, after = flattened(roots, given) if options.rewrites else (frozenset(), given)
        demand = demand_of(roots, ir.Moments(after), flat=flat - stored, prune=options.rewrites)
        base = read_in_place(demand, base, kept, nulls_first)
        joined, torn = mixed(demand, base.in_place)
        if not torn:
            moments = ir.Moments(after | joined | set(base.in_place))
            if any(ir.First in demand.probed.get(op, ()) for op in base.in_place):
                # What was first until now is looked up in the result.
                demand = demand_of(roots, moments, flat=flat - stored, prune=options.rewrites)
            return demand, moments, base
        stored |= torn


def stored_input_of(operator: ir.Operator, names: Collection[str]) -> bool:
    """Whether the rows of an operator are those of one of these inputs."""
    while type(operator) is Ordered:
        operator = operator.source
    return not operator.inputs and operator.label in names


def starts(operator: ir.Operator) -> bool:
    """Whether an operator has a result before anything was inserted."""
    return any(isinstance(r, ir.Constant) for r in ir.within(operator.delta(ir.Reads())))


def unique(operators: Iterable[ir.Operator]) -> tuple[ir.Operator, ...]:
    return tuple(dict.fromkeys(operators))
