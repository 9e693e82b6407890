"""A SELECT, clause by clause, as rows made with operators."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.operators.input import Input
from stepping.compiler.plan.base_tables import TableRef
from stepping.compiler.plan.database import Database, KnownTable
from stepping.compiler.schema import BOOL, Atom, Build, Kind, Struct, schema_of
from stepping.compiler.sql.aggregates import GroupKey, Groups, aggregates_in
from stepping.compiler.sql.clauses import Clauses
from stepping.compiler.sql.conditions import conjuncts, queries_in
from stepping.compiler.sql.expanding import Expanding
from stepping.compiler.sql.frames import Frame, Key
from stepping.compiler.sql.grouping import Grouping
from stepping.compiler.sql.images import imaged, is_imaged, unimaged
from stepping.compiler.sql.joins import Joins
from stepping.compiler.sql.limits import Limits
from stepping.compiler.sql.nodes import keys_of_group
from stepping.compiler.sql.parsing import Expression, Parsed
from stepping.compiler.sql.quantified import Quantified
from stepping.compiler.sql.recursive import Recursive
from stepping.compiler.sql.row_types import row_class
from stepping.compiler.sql.rows import Rows, name_of, renaming
from stepping.compiler.sql.scalars import Scalars, unnested
from stepping.compiler.sql.scopes import Bound, Cte, Output, Ref, Source
from stepping.compiler.sql.selecting import Env, Result, Selecting
from stepping.compiler.sql.sets import Sets
from stepping.compiler.sql.subqueries import Subqueries
from stepping.compiler.sql.values import Values
from stepping.compiler.sql.windows import Windows, windows_in
from stepping.errors import QueryError


@dataclass
class Selects:
    """Makes the rows of the queries of one statement."""

    parsed: Parsed
    bound: Bound
    database: Database
    follows: bool = False  # the tables are those of the application, and are captured
    zsets: Mapping[str, ir.Operator] = field(default_factory=dict)  # that tables stand for
    inputs: dict[str, Input] = field(default_factory=dict)
    tables: dict[str, KnownTable] = field(default_factory=dict)
    of_ctes: dict[int, Result] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scalars = Scalars(self.parsed, self.bound, self.database)
        self.groups = Groups(self)
        self.subqueries = Subqueries(self, self.groups)
        self.quantified = Quantified(self, self.subqueries)
        self.sets = Sets(self)
        self.limits = Limits(self)
        self.windows = Windows(self, self.subqueries, self.groups)
        self.grouping = Grouping(self, self.groups)
        self.recursive = Recursive(self, self.sets)
        self.values = Values(self, self.subqueries)
        self.expanding = Expanding(self)
        self.joins = Joins(self, self.subqueries, self.expanding)
        self.clauses = Clauses(self.parsed)
        self.at: ir.Source | None = None
        self.read = self.columns_read()

    def error(self, message: str, node: Expression | None, hint: str | None = None) -> QueryError:
        return self.parsed.error(message, node, hint)

    # -- queries --------------------------------------------------------------------------------

    def query(self, node: Expression, env: Env) -> Result:
        match node:
            case exp.Subquery():
                result = self.query(node.this, env)
                return self.limits.of_outputs(node, result)
            case exp.SetOperation():
                return self.limits.of_outputs(node, self.sets.operation(node, env))
            case exp.Select():
                return self.select(node, env, conjuncts(node.args.get("where")), ())
            case exp.Values():
                return self.values.rows(node, env)
            case _:
                raise self.error(f"{node.key.upper()} is not taken yet", node)

    def select(
        self,
        node: Expression,
        env: Env,
        where: Sequence[Expression],
        keys: Sequence[Expression],
    ) -> Result:
        """A SELECT with these conditions; ``keys`` are further columns of its result."""
        refuse_clauses(self, node)
        found, later = self.joins.from_where(self.bound.items[id(node)], where, env.outer)
        frame = found if found is not None else self.values.one_row(node)
        if found is None:
            later = list(where)
        base = frame
        for each in later:
            frame = self.subqueries.condition(frame, each, base)
        carried = [self.column_of(ref, frame) for ref in env.carried]
        carried += (self.scalars.scalar(key, frame) for key in keys)
        outputs = self.bound.outputs[id(node)]
        order = self.limits.order_of(node)
        known_aggregates = self.database.aggregates
        calls = [
            call
            for each in (
                *(output.value for output in outputs),
                node.args.get("having"),
                *(key.this for key in order),
            )
            if isinstance(each, exp.Expr)
            for call in aggregates_in(self.bound.aliases.get(id(each), each), known_aggregates)
        ]
        group = node.args.get("group")
        nothing: Mapping[Key, ir.Scalar] | None = None
        if group is not None or calls or node.args.get("having") is not None:
            # Groups are of outer rows that are the same, and values of some types have no equality.
            width = len(env.carried)
            known = carried[:width]
            own = [*(imaged(each) if is_imaged(each) else each for each in known), *carried[width:]]
            frame = frame.placed(self.clauses.group_by(group, calls))
            frame, nothing = self.grouped(node, frame, own, calls, outputs, env)
            if own[:width] != known:
                columns = frame.rows.columns
                shown = [*map(unimaged, columns[:width], known), *columns[width:]]
                names = [each.name for each in columns]
                frame = frame.over(frame.rows.named(list(zip(names, shown, strict=True))))
            carried = self.carried_of_groups(frame, len(carried))
            around: dict[Key, int] = {
                self.scalars.true_ref(ref): i for i, ref in enumerate(env.carried)
            }
            frame = frame.also(around)
        if env.outer is not None and group is None and node.args.get("having") is not None:
            raise self.error(
                "HAVING without GROUP BY, of a subquery that names outer columns, is not taken yet",
                node.args["having"],
            )
        single = nothing is not None and group is None and node.args.get("having") is None
        having = conjuncts(node.args.get("having"))
        for each in having:
            frame = self.subqueries.condition(frame, each, frame)
        none = nothing if single else None
        return self.projected(node, frame, carried, outputs, order, none, env)

    def projected(
        self,
        node: Expression,
        frame: Frame,
        carried: list[ir.Scalar],
        outputs: Sequence[Output],
        order: Sequence[Expression],
        nothing: Mapping[Key, ir.Scalar] | None,
        env: Env,
    ) -> Result:
        """The outputs of a SELECT, behind its groups; DISTINCT, and the first rows of an order."""
        start = frame.rows
        values = [each.value for each in outputs if isinstance(each.value, exp.Expr)]
        sorted_by = [self.bound.aliases.get(id(key.this), key.this) for key in order]
        frame = self.windows.computed(node, frame, [*values, *sorted_by], carried)
        for each in outputs:
            if isinstance(each.value, exp.Expr):
                frame = self.subqueries.computed(frame, each.value)
        frame = frame.placed(self.clauses.select(node))
        for key in order:
            frame = self.subqueries.computed(frame, self.bound.aliases.get(id(key.this), key.this))
        if self.limits.decides(node):
            self.expanding.check_ordered(frame, values, sorted_by)
        frame = self.expanding.in_select_list(frame, [*values, *sorted_by])
        carried = self.over(carried, start, frame.rows)
        scalars = [self.output(each, frame) for each in outputs]
        names = tuple(each.name for each in outputs)
        named = list(zip(names, scalars, strict=True))
        more = [(name_of(each), each) for each in carried]
        rows = self.limits.of_select(node, frame, named, more, order)
        single = nothing is not None and self.limits.leaves_one_row(node)
        empty: tuple[ir.Scalar, ...] = ()
        if nothing is not None and single and carried:
            empty = self.of_nothing(outputs, nothing, frame, env)
        return Result(rows, len(outputs), names, single, empty)

    def of_nothing(
        self, outputs: Sequence[Output], nothing: Mapping[Key, ir.Scalar], frame: Frame, env: Env
    ) -> tuple[ir.Scalar, ...]:
        """The outputs where there are no rows to sum up, over those that the query is asked for."""
        bare = Frame(frame.rows, {}, None, nothing)
        if env.outer is not None:
            bare = Frame(env.outer.rows, env.outer.places, None, nothing)
        found = []
        for each in outputs:
            try:
                value = self.output(each, bare)
                if isinstance(each.value, exp.Expr) and next(windows_in(each.value), None):
                    # Of that one row: elsewhere it would be of all rows that have none.
                    value = self.scalars.native("(SELECT {0})", (value,), value.type)
                found.append(value)
            except QueryError:
                # A column of what is around it as well: then it is no constant.
                return ()
        return tuple(found)

    def completed(self, result: Result, outer: Frame) -> Result:
        """The result with the row that an outer row has where there is nothing to sum up."""
        if not result.single:
            return result
        if not result.nothing:
            raise self.error(
                "an aggregate beside a subquery is not taken here", None, "give it a GROUP BY"
            )
        rows, keys = result.rows, result.carried
        some = outer.rows.matching(
            rows.project(keys).different("group by"),
            outer.rows.columns,
            null_safe=True,
            called="group by",
        )
        names = [column.name for column in rows.columns]
        alone = outer.rows.without(some, "group by")
        renamed = renaming(outer.rows, alone.columns)
        values = [ir.substitute(each, renamed) for each in (*result.nothing, *outer.rows.columns)]
        first: list[tuple[str, ir.Scalar]] = []
        second: list[tuple[str, ir.Scalar]] = []
        for column, value in zip(rows.columns, values, strict=True):
            nullable = column.type.nullable or value.type.nullable
            atom = column.type.optional() if nullable else column.type
            first.append((column.name, dataclasses.replace(column, type=atom)))
            second.append((column.name, self.subqueries.as_type(value, atom)))
        both = rows.named(first, "group by").plus(alone.named(second, "group by"), "group by")
        return dataclasses.replace(
            result, rows=both.named(list(zip(names, both.columns, strict=True)))
        )

    def output(self, output: Output, frame: Frame) -> ir.Scalar:
        if isinstance(output.value, Ref):
            return self.scalars.of_ref(output.value, exp.column(output.name), frame)
        assert output.value is not None
        return self.scalars.scalar(output.value, frame)

    # -- groups ---------------------------------------------------------------------------------

    def grouped(
        self,
        node: Expression,
        frame: Frame,
        carried: list[ir.Scalar],
        calls: Sequence[Expression],
        outputs: Sequence[Output],
        env: Env,
    ) -> tuple[Frame, Mapping[Key, ir.Scalar]]:
        group = node.args.get("group")
        nodes = list(keys_of_group(group)) if group is not None else []
        start = frame.rows
        for each in (*nodes, *(call for call in calls)):
            frame = self.subqueries.computed(frame, self.bound.aliases.get(id(each), each))
        by = [self.bound.aliases.get(id(each), each) for each in nodes]
        asked = tuple(query for each in by for query in queries_in(each))
        frame = dataclasses.replace(frame, by=asked)
        if self.expanding.in_select_list(frame, by) is not frame:
            shown = [each.value for each in outputs if isinstance(each.value, exp.Expr)]
            frame = self.expanding.in_select_list(frame, [*by, *shown])
        carried = self.over(carried, start, frame.rows)
        names = names_of(outputs, self.bound)
        keys: list[GroupKey] = []
        for i, scalar in enumerate(carried):
            told_apart = i < len(env.carried)
            keys.append(GroupKey(("carried", i), scalar, name_of(scalar), told_apart))
        for each in nodes:
            scalar = self.scalars.scalar(each, frame)
            form = self.scalars.form(each, frame)
            if all(known.form != form for known in keys):
                inner = self.bound.aliases.get(id(each), each)
                keys.append(GroupKey(form, scalar, names.get(id(inner)) or name_of(scalar)))
        if group is not None and is_of_sets(group):
            if carried:
                raise self.error("ROLLUP, CUBE and GROUPING SETS of outer columns", group)
            return self.grouping.grouped(group, frame, keys, calls, names)
        keys += self.dependent(node, keys, frame)
        return self.groups.grouped(frame, keys, calls, names)

    def dependent(self, node: Expression, keys: Sequence[GroupKey], frame: Frame) -> list[GroupKey]:
        """The columns of a table whose key is grouped by: they are the same in a whole group."""
        grouped = {key.scalar for key in keys}
        found: list[GroupKey] = []
        for source in self.sources_of(node):
            if source.table is None:
                continue
            places = {
                c.name: Ref(source.number, str(i)) for i, c in enumerate(source.table.columns)
            }
            known = {n: frame.column(r) for n, r in places.items() if r in frame.places}
            if not any(all(known.get(n) in grouped for n in key) for key in source.table.keys):
                continue
            for column in known.values():
                if column not in grouped:
                    grouped.add(column)
                    found.append(GroupKey(("value", column), column, column.name))
        return found

    def sources_of(self, node: Expression) -> list[Source]:
        found: list[Source] = []
        todo = list(self.bound.items[id(node)])
        while todo:
            item = todo.pop(0)
            if isinstance(item, Source):
                found.append(item)
            else:
                todo = [item.left, item.right, *todo]
        return found

    def carried_of_groups(self, frame: Frame, count: int) -> list[ir.Scalar]:
        return list(frame.rows.columns[:count])

    def over(self, scalars: list[ir.Scalar], old: Rows, new: Rows) -> list[ir.Scalar]:
        """Scalars over rows to which columns have been added."""
        if old is new:
            return scalars
        renamed = {a.name: b for a, b in zip(old.columns, new.columns, strict=False)}
        return [ir.substitute(each, renamed) for each in scalars]

    # -- sources --------------------------------------------------------------------------------

    def source(self, source: Source) -> Frame:
        """The rows of a FROM item that depends on nothing around it."""
        if source.table is not None:
            return self.of_table(source)
        if source.call is not None:
            made = self.expanding.beside(self.values.one_row(source.node), source)
            return Frame(made.rows, {each.ref: made.places[each.ref] for each in source.columns})
        result = (
            self.of_cte(source.cte) if source.cte is not None else self.query(source.query, Env())
        )
        return self.framed(source, result)

    def framed(self, source: Source, result: Result) -> Frame:
        places: dict[Key, int] = {each.ref: i for i, each in enumerate(source.columns)}
        return Frame(result.rows, places)

    def of_cte(self, cte: Cte) -> Result:
        if id(cte) not in self.of_ctes:
            if cte.recursive:
                self.of_ctes[id(cte)] = self.recursive.rows(cte)
                return self.of_ctes[id(cte)]
            self.of_ctes[id(cte)] = self.query(cte.node, Env())
        return self.of_ctes[id(cte)]

    def of_table(self, source: Source) -> Frame:
        table = source.table
        assert table is not None
        zset = self.zsets.get(table.name.lower())
        if zset is not None:
            given: dict[Key, int] = {Ref(source.number, str(i)): i for i in range(len(zset.schema))}
            return Frame(Rows(zset, self.at), given)
        if self.zsets:
            raise self.error(
                f"there is no Z-set {table.name}",
                source.node,
                f"tables= has {', '.join(self.zsets)}; give it {table.name} too",
            )
        if table.label not in self.inputs:
            self.inputs[table.label] = self.input(table)
            self.tables[table.label] = table
        rows = Rows(self.inputs[table.label], self.at)
        wanted = self.wanted(table)
        names = [column.name for column in table.columns]
        places: dict[Key, int] = {
            Ref(source.number, str(names.index(name))): i for i, name in enumerate(wanted)
        }
        return Frame(rows, places)

    def wanted(self, table: KnownTable) -> list[str]:
        """The columns of a table that the statement reads, in the table's order."""
        read = self.read.get(table.label, set())
        if not read:
            read = {table.keys[0][0] if table.keys else table.columns[0].name}
        return [column.name for column in table.columns if column.name in read]

    def input(self, table: KnownTable) -> Input:
        names = self.wanted(table)
        columns = [table.column(name) for name in names]
        fields = tuple(
            (each.name, Atom(Kind.NATIVE, nullable=each.nullable, native=each.type))
            for each in columns
        )
        cls = row_class(table.name, names)
        struct = Struct(fields, cls=cls, build=Build.POSITIONAL, name=table.label)
        if not self.follows:
            return Input(table.label, struct)
        held = zip(schema_of(struct).names, names, strict=True)
        return Input(table.label, struct, TableRef(table.name, table.schema, tuple(held)))

    def columns_read(self) -> dict[str, set[str]]:
        """The columns that the statement reads of each table."""
        refs = set(self.bound.refs.values())
        for outputs in self.bound.outputs.values():
            refs |= {each.value for each in outputs if isinstance(each.value, Ref)}
        for merged in self.bound.merged.values():
            refs |= {merged.left, merged.right}
        found: dict[str, set[str]] = {}
        for ref in refs:
            source = self.bound.sources.get(ref.source)
            if source is not None and source.table is not None:
                column = source.table.columns[int(ref.name)].name
                found.setdefault(source.table.label, set()).add(column)
        return found

    # -- scalars --------------------------------------------------------------------------------

    def column_of(self, ref: Ref, frame: Frame) -> ir.Scalar:
        return frame.column(self.scalars.true_ref(ref))

    def null(self, atom: Atom) -> ir.Scalar:
        return ir.Const(None, atom.optional())

    def is_true(self, condition: ir.Scalar) -> ir.Scalar:
        return self.scalars.native(self.database.is_true, (condition,), BOOL)

    def equal(self, a: ir.Scalar, b: ir.Scalar) -> ir.Scalar:
        return self.scalars.native("{0} = {1}", (a, b), BOOL.optional())

    def first_of(self, values: Sequence[ir.Scalar]) -> ir.Scalar:
        """The first value that is not NULL."""
        types = [self.scalars.type_of(value) for value in values]
        common = self.database.common(types)
        atom = Atom(Kind.NATIVE, nullable=all(v.type.nullable for v in values), native=common)
        return self.scalars.native("COALESCE({0}, {1})", values, atom)

    def alike(
        self, a: ir.Scalar, b: ir.Scalar, *, swapped: bool = False
    ) -> tuple[ir.Scalar, ir.Scalar] | None:
        """Two values that a look-up finds equal where ``a = b`` (``b = a`` if swapped) is true."""
        left, right = (b, a) if swapped else (a, b)
        found = self.database.compared(self.scalars.type_of(left), self.scalars.type_of(right))
        if found is None:
            return None
        made = []
        for value, words in ((left, found.left), (right, found.right)):
            if words is not None:
                atom = Atom(Kind.NATIVE, nullable=value.type.nullable, native=words[1])
                value = self.scalars.native(words[0], (value,), atom)
            made.append(value)
        return (made[1], made[0]) if swapped else (made[0], made[1])

    def known_keys(self, rows: Rows, keys: Sequence[ir.Scalar]) -> Rows:
        """The keys of some rows, each once, without those that match nothing."""
        found = rows.project(list(keys), "semi_join")
        some = tuple(ir.Not(ir.IsNull(c)) for c in found.columns if c.type.nullable)
        if some:
            found = found.where(some[0] if len(some) == 1 else ir.And(some), "semi_join")
        return found.distinct(called="semi_join")


def names_of(outputs: Sequence[Output], bound: Bound) -> dict[int, str]:
    """Names for what outputs are made of: of a whole output the output's own."""
    found: dict[int, str] = {}
    for output in outputs:
        if isinstance(output.value, exp.Expr):
            found[id(unnested(output.value))] = output.name
    return found


def is_of_sets(group: Expression) -> bool:
    if any(group.args.get(part) for part in ("rollup", "cube", "grouping_sets", "all", "totals")):
        return True
    return any(
        isinstance(each, exp.Rollup | exp.Cube | exp.GroupingSets) for each in group.expressions
    )


_REFUSED = {
    "qualify": "QUALIFY",
    "connect": "CONNECT BY",
    "match": "MATCH_RECOGNIZE",
    "into": "INTO",
    "locks": "FOR UPDATE",
    "sample": "TABLESAMPLE",
    "hint": "a hint",
    "pivots": "PIVOT",
    "cluster": "CLUSTER BY",
    "sort": "SORT BY",
    "distribute": "DISTRIBUTE BY",
    "prewhere": "PREWHERE",
    "settings": "SETTINGS",
    "format": "FORMAT",
}


def refuse_clauses(selects: Selecting, node: Expression) -> None:
    for part, what in _REFUSED.items():
        if node.args.get(part):
            raise selects.error(f"{what} is not taken", node)


def without_types(scalar: ir.Scalar) -> ir.Scalar:
    return dataclasses.replace(scalar, type=scalar.type.required())
