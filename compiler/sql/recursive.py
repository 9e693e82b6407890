"""WITH RECURSIVE: the least set of rows that its parts derive, on the recursion operator."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.operators.fixpoint import Itself, recursion
from stepping.compiler.schema import Atom, Kind
from stepping.compiler.sql.nodes import with_of
from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.rows import Rows, struct_of
from stepping.compiler.sql.scopes import Cte
from stepping.compiler.sql.selecting import Env, Result, Selecting
from stepping.compiler.sql.sets import Sets
from stepping.errors import QueryError

_serial = itertools.count()
_SHAPE = "WITH RECURSIVE r AS (SELECT ... UNION SELECT ... FROM r JOIN ...)"


@dataclass
class Recursive:
    """Makes the rows of recursive CTEs. ``selects`` makes those of their parts."""

    selects: Selecting
    sets: Sets

    def rows(self, cte: Cte) -> Result:
        """The rows of a CTE that reads itself."""
        selects = self.selects
        parts = self.parts(cte.node, cte)
        seeds = [part for part in parts if not self.reads(part, cte)]
        steps = [part for part in parts if self.reads(part, cte)]
        if not seeds:
            raise selects.error(
                f"{cte.name} has no part that does not read itself", cte.node, _SHAPE
            )
        results = [selects.query(part, Env()) for part in seeds]
        start = results[0]
        atoms = [
            Atom(Kind.NATIVE, nullable=True, native=selects.scalars.type_of(column))
            for column in start.outputs
        ]
        names = [shown for _, shown in cte.columns]
        struct = struct_of(zip(names, atoms, strict=True))
        at = selects.clauses.at(f"with recursive {cte.name}", [cte.node], shown=False)
        itself = Itself(next(_serial), struct, origin=at)
        known = Rows(itself, at)
        selects.of_ctes[id(cte)] = Result(known, len(atoms), tuple(names))
        try:
            for part in steps:
                results.append(selects.query(part, Env()))
            seed = self.together(results[: len(seeds)], atoms, names, at)
            body = self.together(results[len(seeds) :], atoms, names, at)
            made = recursion(seed.operator, body.operator, itself, at, "with recursive")
        except QueryError as error:
            if "st.fixpoint" not in error.message:
                raise
            raise selects.error(
                f"what {cte.name} derives from itself may go when it gains rows, or is joined with "
                "itself",
                steps[0],
                "in the part that reads it use inner joins and conditions; put aggregates, outer "
                "joins, NOT EXISTS and DISTINCT behind it",
            ) from error
        finally:
            del selects.of_ctes[id(cte)]
        return Result(known.of(made), len(atoms), tuple(names))

    def together(
        self, results: list[Result], atoms: list[Atom], names: list[str], at: ir.Source
    ) -> Rows:
        found: Rows | None = None
        for result in results:
            values = [
                self.sets.cast(column, atom)
                for column, atom in zip(result.outputs, atoms, strict=True)
            ]
            rows = result.rows.placed(at)
            rows = rows.named(list(zip(names, values, strict=True)), "with recursive")
            found = rows if found is None else found.plus(rows, "with recursive")
        assert found is not None
        return found

    def parts(self, node: Expression, cte: Cte) -> list[Expression]:
        """The queries that UNION puts together."""
        while isinstance(node, exp.Subquery) and not node.args.get("limit"):
            node = node.this
        if not isinstance(node, exp.SetOperation):
            return [node]
        bounds = [k for k in ("limit", "offset", "order") if node.args.get(k)]
        if bounds or with_of(node) or not isinstance(node, exp.Union):
            what = bounds[0].upper() if bounds else node.key.upper()
            raise self.selects.error(f"{what} in a recursion is not taken", node, _SHAPE)
        if not node.args.get("distinct"):
            raise self.selects.error(
                "a recursive CTE with UNION ALL may have a row more than once, and has no least "
                "set",
                node.expression,
                "write UNION",
            )
        return [*self.parts(node.this, cte), *self.parts(node.expression, cte)]

    def reads(self, node: Expression, cte: Cte) -> bool:
        sources = self.selects.bound.sources.values()
        inside = {id(each) for each in node.walk()}
        return any(each.cte is cte and id(each.node) in inside for each in sources)
