"""Queries inside expressions: EXISTS, IN, ANY, ALL and scalar subqueries, whatever they name.

None is run for each row. A subquery becomes rows beside the keys by which they belong to the rows
around it: those that it compares with outer columns by ``=``, else the outer columns themselves,
for each different one of which it is evaluated. What it says of a row is then a join away.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.operators.aggregate import Aggregate, Total
from stepping.compiler.operators.topn import Ordered
from stepping.compiler.schema import BOOL, INT, TEXT, Atom
from stepping.compiler.sql.aggregates import Groups
from stepping.compiler.sql.conditions import (
    conjuncts,
    has_query,
    is_quantified,
    queries_in,
    refs_of,
    true_refs,
)
from stepping.compiler.sql.frames import Frame, asked
from stepping.compiler.sql.images import imaged, is_imaged, is_told_apart
from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.rows import (
    FALSE,
    ONE,
    TRUE,
    Rows,
    first_of_equal,
    function_of,
    shown_again,
    struct_of,
)
from stepping.compiler.sql.scopes import Ref
from stepping.compiler.sql.selecting import Env, Result, Selecting


@dataclass(frozen=True)
class Belonging:
    """The rows of a subquery, and the keys by which they belong to the rows around it."""

    result: Result
    mine: tuple[ir.Scalar, ...]  # of the rows around it
    theirs: tuple[ir.Scalar, ...]
    null_safe: bool  # the keys are outer columns themselves, which may be NULL

    @property
    def rows(self) -> Rows:
        return self.result.rows


@dataclass
class Subqueries:
    """Answers the subqueries of a statement. ``selects`` makes their rows."""

    selects: Selecting
    groups: Groups

    # -- conditions -----------------------------------------------------------------------------

    def condition(self, frame: Frame, node: Expression, base: Frame | None = None) -> Frame:
        """The rows for which a condition is true. ``base``: the rows before any condition."""
        selects = self.selects
        frame = frame.placed(selects.clauses.conditions([node]))
        if not has_query(node):
            return frame.over(frame.rows.where(selects.scalars.condition(node, frame)))
        inner, negated = node, False
        while isinstance(inner, exp.Not | exp.Paren):
            negated ^= isinstance(inner, exp.Not)
            inner = inner.this
        if isinstance(inner, exp.Exists):
            return self.existing(frame, inner, base, negated=negated)
        is_in = isinstance(inner, exp.In) and inner.args.get("query") is not None
        if is_in and not negated and not has_query(inner.this):
            return self.among(frame, inner, base)
        width = frame.rows.width
        computed = self.computed(frame, node, base)
        rows = computed.rows.where(selects.scalars.condition(node, computed))
        return frame.over(rows.project(rows.columns[:width]))

    def existing(
        self, frame: Frame, node: Expression, base: Frame | None, *, negated: bool
    ) -> Frame:
        found = self.belonging(node.this, frame, base)
        if found.result.single:  # a row without GROUP BY is always there
            return frame.over(frame.rows.where(FALSE)) if negated else frame
        some = self.matched(frame.rows, found)
        return frame.over(frame.rows.without(some, "anti_join") if negated else some)

    def matched(self, rows: Rows, found: Belonging) -> Rows:
        """The rows to which some row of a subquery belongs."""
        return rows.matching(self.keys(found), found.mine, null_safe=found.null_safe)

    def keys(self, found: Belonging, rows: Rows | None = None) -> Rows:
        """The keys to which rows belong, each once."""
        own = rows if rows is not None else found.rows
        keys = own.project(list(found.theirs), "semi_join")
        if found.null_safe:
            return keys.different("semi_join")
        return keys.distinct(called="semi_join")

    def among(self, frame: Frame, node: Expression, base: Frame | None) -> Frame:
        """``x IN (SELECT ...)``, true."""
        found = self.belonging(node.args["query"], frame, base, whole=True)
        pairs = self.compared(node, frame, found)
        if pairs is None:
            return self.of_mark(frame, node, base)
        mine = [*found.mine, *(a for a, _ in pairs)]
        theirs = [*found.theirs, *(b for _, b in pairs)]
        if not found.null_safe:
            keys = self.selects.known_keys(found.rows, theirs)
            return frame.over(frame.rows.matching(keys, mine))
        # Keys may be NULL, the values compared may not. Keys are the same, and values are equal.
        mine = [*map(imaged, found.mine), *(a for a, _ in pairs)]
        theirs = [*map(imaged, found.theirs), *(b for _, b in pairs)]
        some = found.rows.where(known([b for _, b in pairs]), "semi_join")
        keys = some.project(theirs, "semi_join").distinct(called="semi_join")
        rows = frame.rows.where(known([a for a, _ in pairs]), "semi_join")
        return frame.over(rows.matching(keys, mine, null_safe=True, equal=True))

    def of_mark(self, frame: Frame, node: Expression, base: Frame | None) -> Frame:
        width = frame.rows.width
        computed = self.computed(frame, node, base)
        rows = computed.rows.where(self.selects.scalars.condition(node, computed))
        return frame.over(rows.project(rows.columns[:width]))

    def compared(
        self, node: Expression, frame: Frame, found: Belonging
    ) -> list[tuple[ir.Scalar, ir.Scalar]] | None:
        """The values of both sides of an IN, as a look-up compares them; None if none can."""
        values = row_of(node.this)
        outputs = found.result.outputs
        if len(values) != len(outputs):
            raise self.selects.error(
                f"{len(values)} values are compared with {len(outputs)} columns", node
            )
        pairs = []
        for value, column in zip(values, outputs, strict=True):
            pair = self.selects.alike(self.selects.scalars.scalar(value, frame), column)
            if pair is None:
                return None
            pairs.append(pair)
        return pairs

    # -- values ---------------------------------------------------------------------------------

    def computed(self, frame: Frame, node: Expression, base: Frame | None = None) -> Frame:
        """The rows with the value of each subquery in an expression as a further column."""
        at = frame.rows.at
        is_there = functools.partial(self.selects.scalars.is_there, frame)
        for query in list(queries_in(node, is_there)):
            if id(query) not in frame.places:  # nor was made with the one before it
                frame = frame.placed(self.selects.clauses.at("", [query]))
                frame = self.valued(frame, query, base)
        return frame.placed(at)

    def valued(self, frame: Frame, node: Expression, base: Frame | None) -> Frame:
        match node:
            case exp.Exists():
                found = self.belonging(node.this, frame, base)
                if found.result.single:
                    return frame.with_column(TRUE, "exists", id(node))
                rows = self.marked(frame.rows, self.keys(found), found.mine, found.null_safe)
                return frame.over(rows).also({id(node): frame.rows.width})
            case exp.In():
                return self.in_query(frame, node, base)
            case exp.Subquery():
                return self.scalar(frame, node, base)
            case _ if is_quantified(node):
                return self.selects.quantified.valued(frame, node, base)
            case _:
                in_array = isinstance(node.parent, exp.Array)
                hint = "COALESCE((SELECT array_agg(x ORDER BY x) FROM ...), '{}')"
                raise self.selects.error(
                    "a subquery cannot stand here", node, hint if in_array else None
                )

    def marked(
        self,
        rows: Rows,
        keys: Rows,
        mine: Sequence[ir.Scalar],
        null_safe: bool,
        *,
        equal: bool = False,
    ) -> Rows:
        """The rows with a last column that says whether their key is among ``keys``."""
        some = rows.matching(keys, mine, null_safe=null_safe, equal=equal, called="mark")
        others = rows.without(some, "mark")
        columns = [(c.name, c) for c in some.columns]
        yes = some.named([*columns, ("mark", TRUE)], "mark")
        columns = [(c.name, c) for c in others.columns]
        return yes.plus(others.named([*columns, ("mark", FALSE)], "mark"), "mark")

    def in_query(self, frame: Frame, node: Expression, base: Frame | None) -> Frame:
        """``x IN (SELECT ...)`` as a value: true, false, or NULL where that cannot be told."""
        selects = self.selects
        frame = self.computed(frame, node.this, base)
        values = row_of(node.this)
        if len(values) != 1:
            return selects.quantified.among(frame, node, values)
        value = selects.scalars.scalar(values[0], frame)
        frame = frame.with_column(value, "value", id(node.this))
        found = self.belonging(node.args["query"], frame, base, whole=True)
        column = frame.column(id(node.this))
        pair = selects.alike(column, found.result.outputs[0])
        if pair is None:
            raise selects.error("IN compares values of types that have no common one", node)
        width = frame.rows.width
        keys = found.rows.where(known([pair[1]]), "mark")
        own, others = list(found.mine), list(found.theirs)
        if found.null_safe:  # these are the same, and the value of IN is equal
            own, others = [list(map(imaged, each)) for each in (own, others)]
        keys = keys.project([*others, pair[1]], "mark").distinct(called="mark")
        rows = frame.rows
        if found.null_safe and pair[0].type.nullable:
            raise_if = known([pair[0]])
            some = rows.where(raise_if, "mark").matching(
                keys, [*own, pair[0]], null_safe=True, equal=True, called="mark"
            )
            rows = self.with_mark(rows, some)
        else:
            rows = self.marked(rows, keys, [*own, pair[0]], found.null_safe, equal=True)
        rows = self.marked(rows, self.keys(found), self.again(found, rows), found.null_safe)
        nulls = found.rows
        if pair[1].type.nullable:
            nulls = found.rows.where(ir.IsNull(pair[1]), "mark")
            keys_of_nulls = self.keys(found, nulls)
            mine = self.again(found, rows)
            rows = self.marked(rows, keys_of_nulls, mine, found.null_safe)
            has_null: ir.Scalar = rows.columns[width + 2]
        else:
            has_null = FALSE
        matches, any_row = rows.columns[width], rows.columns[width + 1]
        yes, no = selects.database.truth
        words = (
            f"CASE WHEN {{0}} THEN {yes} WHEN NOT {{1}} THEN {no} "
            f"WHEN {{2}} OR {{3}} THEN NULL ELSE {no} END"
        )
        unknown = ir.IsNull(rows.columns[frame.places[id(node.this)]])
        made = selects.scalars.native(words, (matches, any_row, unknown, has_null), BOOL.optional())
        columns = [(c.name, c) for c in rows.columns[:width]]
        out = rows.named([*columns, ("mark", made)], "mark")
        return frame.over(out).also({id(node): width})

    def with_mark(self, rows: Rows, some: Rows) -> Rows:
        others = rows.without(some, "mark")
        columns = [(c.name, c) for c in some.columns]
        yes = some.named([*columns, ("mark", TRUE)], "mark")
        columns = [(c.name, c) for c in others.columns]
        return yes.plus(others.named([*columns, ("mark", FALSE)], "mark"), "mark")

    def again(self, found: Belonging, rows: Rows) -> list[ir.Scalar]:
        """The keys of the rows around a subquery, over rows with further columns."""
        names = {column.name: column for column in rows.columns}
        return [ir.substitute(each, names) for each in found.mine]

    def scalar(self, frame: Frame, node: Expression, base: Frame | None) -> Frame:
        """The value of a scalar subquery: NULL without a row, an error with more than one."""
        selects = self.selects
        found = self.belonging(node, frame, base)
        if found.result.single and found.mine and not (found.null_safe or found.result.nothing):
            found = self.belonging(node, frame, base, whole=True)
        if found.result.width != 1:
            raise selects.error("a subquery must return only one column", node)
        width = frame.rows.width
        if found.result.single:
            rows = found.rows
            mine, theirs = found.mine, found.theirs
            both = frame.rows.joined(
                rows, mine, theirs, null_safe=found.null_safe, called="scalar subquery"
            )
            value: ir.Scalar = both.columns[width]
        else:
            rows = self.one_of_each(found)
            both = frame.rows.joined(
                rows,
                list(map(imaged, found.mine)) if found.null_safe else found.mine,
                rows.columns[2:],
                null_safe=found.null_safe,
                equal=True,
                called="scalar subquery",
            )
            count, value = both.columns[width], both.columns[width + 1]
            several = selects.scalars.native("{0} > 1", (count,), BOOL)
            message = selects.scalars.native(
                "'more than one row returned by a subquery used as an expression: ' || {0}",
                (count,),
                TEXT,
            )
            value = ir.Case(((several, ir.Raise(message, value.type)),), value, value.type)
        kept = [(c.name, c) for c in both.columns[:width]]
        if found.result.single and (found.null_safe or not found.mine):  # there is one, always
            out = both.named([*kept, ("value", value)], "scalar subquery")
            return frame.over(out).also({id(node): width})
        nothing = (
            found.result.nothing[0]
            if found.result.single and found.result.nothing
            else selects.null(value.type)
        )
        atom = value.type if not nothing.type.nullable else value.type.optional()
        value = dataclasses.replace(value, type=atom)
        if nothing.type != atom:
            nothing = self.as_type(nothing, atom)
        yes = both.named([*kept, ("value", value)], "scalar subquery")
        alone = frame.rows.without(both.project(both.columns[:width]), "scalar subquery")
        columns = [(c.name, c) for c in alone.columns]
        no = alone.named([*columns, ("value", nothing)], "scalar subquery")
        return frame.over(yes.plus(no, "scalar subquery")).also({id(node): width})

    def as_type(self, scalar: ir.Scalar, atom: Atom) -> ir.Scalar:
        if isinstance(scalar, ir.Const) and scalar.value is None:
            return ir.Const(None, atom)
        is_same = scalar.type.native == atom.native or self.selects.database.dialect == "sqlite"
        if atom.native is None or is_same:
            return self.selects.scalars.native("{0}", (scalar,), atom)
        return self.selects.scalars.native(self.selects.database.cast(atom.native), (scalar,), atom)

    def one_of_each(self, found: Belonging) -> Rows:
        """For each key the number of rows, a value of them, and the key."""
        keys = list(found.theirs)
        if found.null_safe:
            keys = list(map(imaged, keys))
        value = found.result.outputs[0]
        named = [*((f"key_{i}", key) for i, key in enumerate(keys)), ("value", value)]
        rows = found.rows.named(named, "scalar subquery")
        from stepping.compiler.sql.aggregates import GroupKey

        group_keys = [
            GroupKey(("key", i), column, column.name)
            for i, column in enumerate(rows.columns[: len(keys)])
        ]
        values = self.groups.ordered(rows, group_keys, rows.columns[-1])
        by = None
        if keys:
            struct = struct_of((k.name, k.scalar.type) for k in group_keys)
            by = function_of(struct, (k.scalar for k in group_keys))
        total = Total("rows", function_of(INT, (ONE,)), INT)
        assert isinstance(values, Ordered)
        extremes = [values]
        varied = [key.scalar for key in group_keys if is_imaged(key.scalar)]
        if varied:
            extremes.append(first_of_equal(rows, by, varied, "scalar subquery"))
        made = Aggregate(
            rows.operator,
            by,
            (total,),
            (),
            tuple(extremes),
            (False,) * len(extremes),
            origin=rows.at,
            called="scalar subquery",
        )
        groups = rows.of(made)
        if not varied:
            return groups
        count, first, image, *found_keys = groups.columns
        shown = shown_again(image, varied)
        named = [("rows", count), ("value", first)]
        named += [
            (key.name, shown.get(key.scalar, column))
            for key, column in zip(group_keys, found_keys, strict=True)
        ]
        return groups.named(named, "scalar subquery")

    # -- which rows a subquery is for -----------------------------------------------------------

    def belonging(
        self, node: Expression, frame: Frame, base: Frame | None, *, whole: bool = False
    ) -> Belonging:
        """The rows of a subquery, beside the keys by which they belong to those of ``frame``.

        ``whole``: with the row of an aggregate without GROUP BY also where it is of no rows.
        """
        selects = self.selects
        inner = node
        while isinstance(inner, exp.Subquery) and not any(
            inner.args.get(part) for part in ("limit", "offset", "order", "with_")
        ):
            inner = inner.this
        free = self.free(inner)
        if not free:
            return Belonging(selects.query(inner, Env()), (), (), False)
        pairs = self.equalities(inner, free)
        if pairs is not None:
            conditions, equal = pairs
            result = selects.select(inner, Env(), conditions, [a for a, _ in equal])
            if whole and result.single:
                return self.of_each(inner, free, frame, base)
            mine: list[ir.Scalar] = []
            theirs: list[ir.Scalar] = []
            for (_, outer), column in zip(equal, result.carried, strict=True):
                pair = selects.alike(selects.scalars.scalar(outer, frame), column)
                if pair is None:
                    break
                mine.append(pair[0])
                theirs.append(pair[1])
            else:
                return Belonging(result, tuple(mine), tuple(theirs), False)
        return self.of_each(inner, free, frame, base)

    def of_each(
        self, node: Expression, free: Sequence[Ref], frame: Frame, base: Frame | None
    ) -> Belonging:
        """A subquery for each different one of the outer columns that it names."""
        self.check_known(node, free, frame)
        # Of the rows before any condition, where those have the columns: what conditions have made
        # of them since would be part of each change again.
        of_all = base is not None and base.grouped is frame.grouped and base.has(free)
        outer, _ = asked(base if base is not None and of_all else frame, free)
        result = self.selects.completed(self.selects.query(node, Env(outer)), outer)
        mine: list[ir.Scalar] = [frame.column(ref) for ref in free]
        mine += [ir.image(each) for each in mine if is_told_apart(each)]
        return Belonging(result, tuple(mine), result.carried, True)

    def check_known(self, node: Expression, free: Sequence[Ref], frame: Frame) -> None:
        """Raise for an outer column that has no one value, as in groups of something else."""
        unknown = {ref for ref in free if frame.value(ref) is None}
        if not unknown:
            return
        bound, scalars = self.selects.bound, self.selects.scalars
        for each in node.walk():
            ref = bound.refs.get(id(each))
            if ref is not None and unknown & set(true_refs(ref, bound)):
                scalars.of_ref(ref, each, frame)
        raise self.selects.error("an outer column of this subquery has no value here", node)

    def free(self, node: Expression) -> tuple[Ref, ...]:
        bound = self.selects.bound
        found = {true for ref in bound.free[id(node)] for true in true_refs(ref, bound)}
        return tuple(sorted(found, key=lambda ref: (ref.source, ref.name)))

    def equalities(
        self, node: Expression, free: Sequence[Ref]
    ) -> tuple[list[Expression], list[tuple[Expression, Expression]]] | None:
        """The other conditions of a subquery, and pairs of an inner and an outer value.

        None unless it names outer columns only where it compares them by ``=``.
        """
        bound = self.selects.bound
        outside = set(free)
        if not isinstance(node, exp.Select) or node.args.get("having") is not None:
            return None
        rest: list[Expression] = []
        pairs: list[tuple[Expression, Expression]] = []
        for each in conjuncts(node.args.get("where")):
            read = refs_of(each, bound)
            if not read & outside:
                rest.append(each)
                continue
            pair = self.correlated(each, outside)
            if pair is None:
                return None
            pairs.append(pair)
        elsewhere = [part for key, part in node.args.items() if key != "where"]
        for found in elsewhere:
            for part in found if isinstance(found, list) else [found]:
                if isinstance(part, exp.Expr) and self.reads(part) & outside:
                    return None
        return rest, pairs

    def reads(self, node: Expression) -> frozenset[Ref]:
        """The columns that a clause reads, those of the queries in its FROM items included."""
        return refs_of(node, self.selects.bound)

    def correlated(
        self, node: Expression, outside: set[Ref]
    ) -> tuple[Expression, Expression] | None:
        if not isinstance(node, exp.EQ) or has_query(node):
            return None
        for a, b in ((node.left, node.right), (node.right, node.left)):
            inner, outer = (refs_of(each, self.selects.bound) for each in (a, b))
            if inner and outer and not inner & outside and outer <= outside:
                return a, b
        return None


def known(scalars: Sequence[ir.Scalar]) -> ir.Scalar:
    """That none of some values is NULL."""
    some = tuple(ir.Not(ir.IsNull(each)) for each in scalars if each.type.nullable)
    if not some:
        return TRUE
    return some[0] if len(some) == 1 else ir.And(some)


def row_of(node: Expression) -> list[Expression]:
    """The values that IN compares: one, or those of a row."""
    inner = node
    while isinstance(inner, exp.Paren):
        inner = inner.this
    return list(inner.expressions) if isinstance(inner, exp.Tuple) else [inner]
