"""Which column of which source each name in a query means, as the database looks names up.

The tree is left as it was read: what a node means is noted beside it, by its identity.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from stepping.compiler.plan.database import Database, GivenRows, KnownTable
from stepping.compiler.schema import DatabaseType
from stepping.compiler.sql.calls import Call, call_of, function_name, is_call, written
from stepping.compiler.sql.names import output_name
from stepping.compiler.sql.nodes import (
    is_comma,
    is_join_group,
    is_position,
    is_qualified_star,
    is_quoted,
    keys_of_group,
    row_of,
    with_of,
)
from stepping.compiler.sql.parsing import Expression, Parsed
from stepping.compiler.sql.said import like
from stepping.compiler.sql.scopes import (
    Bound,
    Cte,
    Item,
    Joined,
    Merged,
    Output,
    Ref,
    Scope,
    Source,
    Visible,
    visible,
)
from stepping.errors import QueryError


class Binder:
    """Binds the names of one statement."""

    def __init__(self, parsed: Parsed, database: Database) -> None:
        self.parsed = parsed
        self.database = database
        self.bound = Bound()
        self.numbers = itertools.count()

    def error(self, message: str, node: Expression, hint: str | None = None) -> QueryError:
        return self.parsed.error(message, node, hint)

    def folded(self, identifier: Expression) -> str:
        quoted = bool(getattr(identifier, "args", {}).get("quoted"))
        return self.database.folded(identifier.name, quoted=quoted)

    # -- queries --------------------------------------------------------------------------------

    def query(self, node: Expression, scope: Scope) -> tuple[Output, ...]:
        """Bind a query; its columns. ``scope`` is what is around it."""
        inner = dataclasses.replace(scope)
        self.with_queries(node, inner)
        free: set[Ref] = set()
        match node:
            case exp.Subquery():
                found = self.query(node.this, inner)
                free |= self.bound.free[id(node.this)]
                self.order_of_outputs(node, found, inner)
            case exp.SetOperation():
                found = self.query(node.this, inner)
                other = self.query(node.expression, inner)
                free |= self.bound.free[id(node.this)] | self.bound.free[id(node.expression)]
                if len(found) != len(other):
                    raise self.error(
                        f"the two sides have {len(found)} and {len(other)} columns",
                        node.expression,
                    )
                self.order_of_outputs(node, found, inner)
                found = tuple(Output(each.name, None) for each in found)
            case exp.Select():
                found, free = self.select(node, inner)
            case exp.Values():
                own = Scope(inner, inner.ctes)
                found = self.values(node, own)
                free |= own.free
            case exp.Table():
                raise self.error("TABLE is not taken", node, "write SELECT * FROM it")
            case _:
                raise self.error(f"{node.key.upper()} is no SELECT", node)
        for each in with_of(node):
            free |= self.bound.free[id(each.this)]
        self.bound.outputs[id(node)] = found
        self.bound.free[id(node)] = frozenset(free)
        self.bound.kept.append(node)
        return found

    def with_queries(self, node: Expression, scope: Scope) -> None:
        recursive = bool(node.args.get("with_") and node.args["with_"].args.get("recursive"))
        ctes = dict(scope.ctes)
        for each in with_of(node):
            name = self.folded(each.args["alias"].this)
            if recursive and refers_to(each.this, name, self):
                columns = self.recursive_columns(each, name, Scope(scope, ctes))
                cte = Cte(name, each.this, columns, recursive=True)
                self.query(each.this, Scope(scope, {**ctes, name: cte}))
            else:
                outputs = self.query(each.this, Scope(scope, ctes))
                cte = Cte(name, each.this, self.renamed(each, [o.name for o in outputs]))
            ctes[name] = cte
            self.bound.ctes[id(each)] = cte
        scope.ctes = ctes

    def recursive_columns(
        self, node: Expression, name: str, scope: Scope
    ) -> tuple[tuple[str, str], ...]:
        if not isinstance(node.this, exp.SetOperation):
            raise self.error(
                f"{name} reads itself, and is no UNION",
                node,
                "WITH RECURSIVE r AS (SELECT ... UNION SELECT ... FROM r ...)",
            )
        start = node.this.this
        while isinstance(start, exp.Subquery):
            start = start.this
        probe = Binder(self.parsed, self.database)
        outputs = probe.query(start, scope)
        return self.renamed(node, [each.name for each in outputs])

    def renamed(self, node: Expression, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """The names of a source's columns, after those in its alias."""
        alias = node.args.get("alias")
        given = list(alias.columns) if alias is not None else []
        if len(given) > len(names):
            raise self.error(f"{len(given)} names for {len(names)} columns", alias)
        folded = [self.folded(each) for each in given]
        is_postgres = self.database.dialect == "postgres"  # SQLite shows names as they are written
        shown = folded if is_postgres else [each.name for each in given]
        shown = [*shown, *names[len(given) :]]
        folded += (self.database.folded(each, quoted=True) for each in names[len(given) :])
        return tuple(zip(folded, shown, strict=True))

    def order_of_outputs(self, node: Expression, outputs: tuple[Output, ...], scope: Scope) -> None:
        """The ORDER BY of a set operation, or of a query in parentheses: by names of columns."""
        order = node.args.get("order")
        names = {self.database.folded(each.name, quoted=True): i for i, each in enumerate(outputs)}
        for each in order.expressions if order else ():
            key = each.this
            if isinstance(key, exp.Column) and not key.table and self.folded(key.this) in names:
                position = names[self.folded(key.this)]
                self.bound.refs[id(key)] = Ref(-1, str(position))
            elif not is_position(key):
                raise self.error(
                    "ORDER BY of an expression, of the result of other queries",
                    key,
                    "order by a column of the result, or SELECT from it in a derived table",
                )
        for part in ("limit", "offset"):
            if node.args.get(part):
                self.expression(node.args[part], scope)

    def values(self, node: Expression, scope: Scope) -> tuple[Output, ...]:
        for each in node.expressions:
            self.expression(each, scope)
        width = len(row_of(node.expressions[0]))
        for each in node.expressions:
            if len(row_of(each)) != width:
                raise self.error("VALUES lists must all be the same length", each)
        return tuple(Output(f"column{i}", None) for i in range(1, width + 1))

    # -- SELECT ---------------------------------------------------------------------------------

    def select(self, node: Expression, around: Scope) -> tuple[tuple[Output, ...], set[Ref]]:
        scope = Scope(around, around.ctes)
        self.bound.items[id(node)] = self.from_items(node, scope)
        outputs: list[Output] = []
        for each in node.expressions:
            if isinstance(each, exp.Star) or is_qualified_star(each):
                outputs += self.star(each, scope)
                continue
            outputs.append(Output(output_name(each, self.database.dialect), each.unalias()))
        named = {
            self.database.folded(each.alias, quoted=is_quoted(each.args.get("alias"))): each.this
            for each in reversed(node.expressions)
            if isinstance(each, exp.Alias)
        }
        for each in node.expressions:
            if not (isinstance(each, exp.Star) or is_qualified_star(each)):
                self.expression(each.unalias(), scope)
        if self.database.dialect == "sqlite":
            scope.outputs = named  # SQLite knows them everywhere
        if node.args.get("where"):
            self.expression(node.args["where"], scope)
        self.group(node, scope, outputs, named)
        for part in ("having", "windows", "limit", "offset"):
            found = node.args.get(part)
            for each in found if isinstance(found, list) else [found]:
                if each is not None:
                    self.expression(each, scope)
        self.order(node, scope, outputs, named)
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            inner = dataclasses.replace(scope, outputs=named)
            self.expression(distinct.args["on"], inner)
        return tuple(outputs), scope.free

    def group(
        self,
        node: Expression,
        scope: Scope,
        outputs: Sequence[Output],
        named: Mapping[str, Expression],
    ) -> None:
        group = node.args.get("group")
        if group is None:
            return
        for each in keys_of_group(group):
            if is_position(each):
                self.position(each, outputs)
            elif isinstance(each, exp.Column) and not each.table:
                # A column in front of an output's name.
                found = self.found(each, scope, optional=True)
                name = self.folded(each.this)
                if found is None and name in named:
                    self.bound.aliases[id(each)] = named[name]
                else:
                    self.expression(each, scope)
            else:
                self.expression(each, scope)

    def order(
        self,
        node: Expression,
        scope: Scope,
        outputs: Sequence[Output],
        named: Mapping[str, Expression],
    ) -> None:
        order = node.args.get("order")
        for each in order.expressions if order else ():
            key = each.this
            if is_position(key):
                self.position(key, outputs)
                continue
            if isinstance(key, exp.Column) and not key.table:
                # An output's name in front of a column.
                name = self.folded(key.this)
                if name in named:
                    self.bound.aliases[id(key)] = named[name]
                    continue
            self.expression(key, scope)

    def position(self, node: Expression, outputs: Sequence[Output]) -> None:
        number = int(node.this)
        if not 1 <= number <= len(outputs):
            raise self.error(f"position {number} is not in the select list", node)
        value = outputs[number - 1].value
        if isinstance(value, Ref):
            self.bound.refs[id(node)] = value
        else:
            self.bound.aliases[id(node)] = value

    def star(self, node: Expression, scope: Scope) -> Iterator[Output]:
        star = node if isinstance(node, exp.Star) else node.this
        if any(star.args.get(part) for part in ("except_", "replace", "rename")):
            raise self.error("a star with changes is not taken", node)
        if isinstance(node, exp.Star):
            if not scope.visible:
                raise self.error("SELECT * with no tables specified", node)
            shown = [each for item in scope.visible for each in item]
        else:
            shown = list(self.source_named(node, scope).columns)
        for each in shown:
            yield Output(each.shown, each.ref)

    # -- FROM -----------------------------------------------------------------------------------

    def from_items(self, node: Expression, scope: Scope) -> tuple[Item, ...]:
        if node.args.get("from_") is None:
            return ()
        items: list[tuple[Item, tuple[Visible, ...]]] = []
        joins = [*(node.args.get("joins") or ()), *(node.args.get("laterals") or ())]
        items.append(self.item(node.args["from_"].this, scope))
        self.see(scope, items)
        for each in joins:
            if is_comma(each):
                inner = each.this if isinstance(each, exp.Join) else each
                items.append(self.item(inner, scope))
            else:
                items[-1] = self.join(each, items[-1], scope)
            self.see(scope, items)
        return tuple(item for item, _ in items)

    def see(self, scope: Scope, items: Sequence[tuple[Item, tuple[Visible, ...]]]) -> None:
        scope.visible = [visible for _, visible in items]

    def join(
        self, node: Expression, left: tuple[Item, tuple[Visible, ...]], scope: Scope
    ) -> tuple[Item, tuple[Visible, ...]]:
        right = self.item(node.this, scope)
        side, method, kind = (
            str(node.args.get(k) or "").upper() for k in ("side", "method", "kind")
        )
        if method not in ("", "NATURAL") or kind not in ("", "INNER", "CROSS", "OUTER"):
            raise self.error(f"{method or kind} JOIN is not taken", node)
        seen = scope.visible
        scope.visible = [left[1], right[1]]
        names = [self.folded(each) for each in node.args.get("using") or ()]
        if method == "NATURAL":
            there = {each.name for each in right[1]}
            names = [each.name for each in left[1] if each.name in there]
        visible = (*left[1], *right[1])
        using: list[tuple[Ref, Ref]] = []
        if names:
            merged: list[Visible] = []
            for name in names:
                a, b = (self.one(name, each, node) for each in (left[1], right[1]))
                ref = Ref(next(self.numbers), name)
                self.bound.merged[ref] = Merged(side, a.ref, b.ref)
                using.append((a.ref, b.ref))
                merged.append(Visible(name, a.shown, ref))
            if self.database.dialect == "sqlite":  # shows them where the left side has them
                of_name = {each.name: each for each in merged}
                left_side = (of_name.get(each.name, each) for each in left[1])
                rest = (each for each in right[1] if each.name not in names)
                visible = (*left_side, *rest)
            else:
                rest = (each for each in visible if each.name not in names)
                visible = (*merged, *rest)
        on = node.args.get("on")
        if on is not None:
            self.expression(on, scope)
        scope.visible = seen
        return Joined(node, side, left[0], right[0], on, tuple(using)), visible

    def one(self, name: str, visible: Sequence[Visible], node: Expression) -> Visible:
        found = [each for each in visible if each.name == name]
        if len(found) != 1:
            what = "is in neither" if not found else "is there more than once in one"
            raise self.error(f"the column {name} of USING {what} of the sides", node)
        return found[0]

    def item(self, node: Expression, scope: Scope) -> tuple[Item, tuple[Visible, ...]]:
        if is_join_group(node):
            if node.args.get("alias"):
                raise self.error(
                    "an alias of a join in parentheses is not taken",
                    node,
                    "give the tables in it aliases, or write (SELECT * FROM ...) AS alias",
                )
            found = self.item(node.this, scope)
        else:
            source = self.source(node, scope)
            if source.alias and any(each.alias == source.alias for each in scope.sources):
                raise self.error(f"{source.alias} is there more than once in FROM", node)
            scope.sources.append(source)
            self.bound.sources[source.number] = source
            found = source, source.columns
        for each in node.args.get("joins") or ():
            found = self.join(each, found, scope)
        return found

    def source(self, node: Expression, scope: Scope) -> Source:
        number = next(self.numbers)
        alias = node.args.get("alias")
        alias_name = self.folded(alias.this) if alias is not None and alias.this else ""
        lateral = isinstance(node, exp.Lateral)
        inner = node.this if lateral else node
        if is_call(node):
            return self.call(node, number, scope)
        match inner:
            case exp.Table() if isinstance(inner.this, exp.Identifier):
                name = self.folded(inner.this)
                cte = scope.ctes.get(name) if not inner.args.get("db") else None
                if cte is not None:
                    columns = self.renamed(node, [shown for _, shown in cte.columns])
                    return Source(
                        number,
                        alias_name or name,
                        node,
                        visible(number, columns),
                        query=cte.node,
                        cte=cte,
                    )
                table = self.base_table(inner)
                columns = self.renamed(node, [each.name for each in table.columns])
                return Source(
                    number, alias_name or name, node, visible(number, columns), table=table
                )
            case exp.Subquery() if isinstance(inner.this, exp.Query | exp.Values):
                # What is beside it in FROM it may name only if it is LATERAL.
                around = scope if lateral else Scope(scope.outer, scope.ctes)
                outputs = self.query(inner, around)
                if not lateral:
                    scope.free |= self.bound.free[id(inner)]
                columns = self.renamed(node, [each.name for each in outputs])
                return Source(
                    number, alias_name, node, visible(number, columns), query=inner, lateral=lateral
                )
            case exp.Values():
                outputs = self.query(inner, Scope(scope.outer, scope.ctes))
                columns = self.renamed(node, [each.name for each in outputs])
                return Source(number, alias_name, node, visible(number, columns), query=inner)
            case _:
                raise self.error(f"{inner.key.upper()} in FROM is not taken", node)

    def call(self, node: Expression, number: int, scope: Scope) -> Source:
        """A function in FROM. It may name what is beside it, in front of it."""
        call = call_of(node, self.parsed)
        for each in call.arguments:
            self.expression(each, scope)
        alias = self.folded(call.alias) if call.alias is not None else ""
        own_name = alias or self.database.folded(function_name(call, self.parsed), quoted=False)
        rows = self.rows_of(call)
        given = [column.name for column in rows.columns] if rows is not None else [own_name]
        if rows is not None and rows.scalar:
            given[0] = own_name
        if len(call.columns) > len(given):
            raise self.error(f"{len(call.columns)} names for {len(given)} columns", node)
        shown = [*(each.name for each in call.columns), *given[len(call.columns) :]]
        folded = [self.folded(each) for each in call.columns]
        folded += (self.database.folded(n, quoted=True) for n in given[len(call.columns) :])
        columns = visible(number, list(zip(folded, shown, strict=True)))
        types = tuple(column.type for column in rows.columns) if rows is not None else ()
        return Source(number, own_name, node, columns, call=call, types=types)

    def rows_of(self, call: Call) -> GivenRows | None:
        """What a function gives, as far as that is known before the types of its arguments are."""
        holes = [
            node
            for part in call.arguments
            for node in part.find_all(exp.Column)
            if id(node) in self.bound.refs
        ]
        words = written(call, self.parsed, holes)
        types = [self.type_of(self.bound.refs[id(node)]) for node in holes]
        known = [words[0]]
        for of_type, text in zip(types, words[1:], strict=True):
            if of_type is None:
                known[-1] += "NULL" + text
            else:
                known.append(text)
        try:
            return self.database.rows_of(known, [t for t in types if t], call.definitions)
        except QueryError as error:
            if None in types:  # one column, it seems; later the database is asked again
                return None
            raise self.error(error.message, call.node, error.hint) from error

    def type_of(self, ref: Ref) -> DatabaseType | None:
        """The type of a column, if it is one of a table or stands for one."""
        merged = self.bound.merged.get(ref)
        if merged is not None:
            return self.type_of(merged.left)
        source, position = self.bound.sources[ref.source], int(ref.name)
        if source.table is not None:
            return source.table.columns[position].type
        if source.call is not None:
            return source.types[position] if source.types else None
        value = self.bound.outputs[id(source.query)][position].value
        while isinstance(value, exp.Paren):
            value = value.this
        inner = value if isinstance(value, Ref) else self.bound.refs.get(id(value))
        return self.type_of(inner) if inner is not None else None

    def base_table(self, node: Expression) -> KnownTable:
        if node.args.get("catalog"):
            raise self.error("a table of another database", node)
        for part, what in (
            ("sample", "TABLESAMPLE"),
            ("version", "FOR SYSTEM_TIME"),
            ("only", "ONLY"),
            ("pivots", "PIVOT"),
            ("hints", "a hint"),
        ):
            if node.args.get(part):
                raise self.error(f"{what} is not taken", node)
        db = node.args.get("db")
        schema = self.folded(db) if db else None
        if schema in ("pg_catalog", "information_schema"):
            raise self.error("a table of the system's own cannot be followed", node)
        table = self.database.table(self.folded(node.this), schema)
        if table is None:
            name = f"{db.name}.{node.name}" if db else node.name
            known = [] if db else self.database.table_names()
            hint = like(node.name, known)
            raise self.error(f"there is no table {name}", node, hint)
        if table.schema in ("pg_catalog", "information_schema"):
            raise self.error("a table of the system's own cannot be followed", node)
        return table

    # -- expressions ----------------------------------------------------------------------------

    def expression(self, node: Expression, scope: Scope) -> None:
        """Bind every name in an expression, and the queries inside it."""
        match node:
            case exp.Column():
                self.column(node, scope)
            case exp.Query() | exp.Values():
                self.query(node, Scope(scope, scope.ctes))
            case _:
                for part in node.iter_expressions():
                    self.expression(part, scope)

    def column(self, node: Expression, scope: Scope) -> None:
        if isinstance(node.this, exp.Star):
            raise self.error("a whole row as a value is not taken", node, "name the columns")
        found = self.found(node, scope, optional=False)
        if found is not None:
            self.bound.refs[id(node)] = found

    def found(self, node: Expression, scope: Scope, *, optional: bool) -> Ref | None:
        """The column that a name means, in the innermost scope that has it.

        With ``optional`` only in this one.
        """
        at: Scope | None = scope
        passed: list[Scope] = []
        while at is not None:
            ref = self.in_scope(node, at)
            if ref is not None:
                for each in passed:
                    each.free.add(ref)
                return ref
            if optional:
                return None
            name = self.folded(node.this)
            if not node.table and name in at.outputs:
                self.bound.aliases[id(node)] = at.outputs[name]
                return None
            passed.append(at)
            at = at.outer
        raise self.unknown(node, scope)

    def in_scope(self, node: Expression, scope: Scope) -> Ref | None:
        name = self.folded(node.this)
        if node.table:
            alias = self.folded(node.args["table"])
            db = node.args.get("db")
            for source in scope.sources:
                if source.alias != alias:
                    continue
                if db is not None and (
                    source.table is None or source.table.schema not in ("", self.folded(db))
                ):
                    continue
                for each in source.columns:
                    if each.name == name:
                        return each.ref
                raise self.error(
                    f"there is no column {node.name} in {alias}",
                    node,
                    f"its columns are {', '.join(each.shown for each in source.columns)}",
                )
            return None
        found = [each for item in scope.visible for each in item if each.name == name]
        if not found:  # the row of a function that gives one value is that value
            found = [
                source.columns[0]
                for source in scope.sources
                if source.alias == name
                and source.call is not None
                and len(source.columns) == 1
                and not source.call.definitions
            ]
        if len(found) > 1:
            raise self.error(f"the column {node.name} is ambiguous", node, "write table.column")
        return found[0].ref if found else None

    def unknown(self, node: Expression, scope: Scope) -> QueryError:
        if not node.table and any(s.alias == self.folded(node.this) for s in scope.sources):
            return self.error("a whole row as a value is not taken", node, "name the columns")
        if node.name.lower() in SYSTEM_COLUMNS.get(self.database.dialect, ()):
            return self.error(f"the system column {node.name} is not taken", node)
        what = f"{node.table}.{node.name}" if node.table else node.name
        if node.table:
            aliases = [source.alias for source in scope.sources if source.alias]
            return self.error(f"there is no column {what}", node, like(node.table, aliases))
        known = [each.shown for item in scope.visible for each in item]
        return self.error(f"there is no column {what}", node, like(node.name, known))

    def source_named(self, node: Expression, scope: Scope) -> Source:
        alias = self.folded(node.args["table"])
        at: Scope | None = scope
        while at is not None:
            for source in at.sources:
                if source.alias == alias:
                    return source
            at = at.outer
        raise self.error(f"there is no table {node.table} in FROM", node)


SYSTEM_COLUMNS = {
    "postgres": frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}),
    "sqlite": frozenset({"rowid", "oid", "_rowid_"}),
}


def refers_to(node: Expression, name: str, binder: Binder) -> bool:
    return any(
        isinstance(each.this, exp.Identifier)
        and not each.args.get("db")
        and binder.folded(each.this) == name
        for each in node.find_all(exp.Table)
    )
