"""A SELECT as a query on a database: its names bound, its clauses made operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepping.compiler import ir
from stepping.compiler.operators.input import Input
from stepping.compiler.operators.linear import Map
from stepping.compiler.plan.capture import capturing
from stepping.compiler.plan.database import Database
from stepping.compiler.plan.table_names import DIGEST, TableNames
from stepping.compiler.schema import Build, Struct
from stepping.compiler.sql.binding import Binder
from stepping.compiler.sql.bound_query import BoundQuery, Unbound
from stepping.compiler.sql.into import fitted
from stepping.compiler.sql.parsing import Parsed
from stepping.compiler.sql.plain_views import with_views
from stepping.compiler.sql.reading import check_reading
from stepping.compiler.sql.row_types import row_class
from stepping.compiler.sql.rows import function_of
from stepping.compiler.sql.scopes import Output, Ref, Scope
from stepping.compiler.sql.select import Selects
from stepping.compiler.sql.selecting import Env, Result
from stepping.compiler.sql.text import Span, Text
from stepping.compiler.sql.views import View, parsed


def bind(view: View, unbound: Unbound, database: Database) -> BoundQuery:
    """The query as it is on a database."""
    try:
        return _bound(view, unbound, database)
    except RecursionError as error:
        raise view.select.error(
            "the query is nested too deeply, or has too many operators in a row",
            hint="put parts of it into a WITH query, or write a + (b + c)",
        ) from error


@dataclass(frozen=True)
class Selected:
    """A SELECT as rows made with operators, and the names of its columns."""

    parsed: Parsed
    selects: Selects
    result: Result
    names: list[str]


def selected(
    view: View,
    database: Database,
    *,
    follows: bool = False,
    zsets: Mapping[str, ir.Operator] | None = None,
) -> Selected:
    """A SELECT on a database that is asked. ``zsets``: what some of its tables stand for."""
    if view.schema and not database.is_own_schema(view.schema):
        raise view.select.error(
            f"the view {view.name} is in the schema {view.schema}, which is not the connection's",
            hint=f"it is made where tables are: SET search_path TO {view.schema}, or leave it out",
        )
    made = parsed(view, database.sqlglot_name)
    with_others = with_views(made, view, database) if follows else view
    if with_others is not view:
        view = with_others
        made = parsed(view, database.sqlglot_name)
    check_clocks(made, database)
    binder = Binder(made, database)
    outputs = binder.query(made.tree, Scope(None, {}))
    if not outputs:
        hint = "SELECT 1 AS row FROM ..., or count(*)"
        raise made.error("the SELECT has no columns", made.tree, hint)
    if not view.columns:
        named_apart(made, outputs)
    check_reading(made, database)
    unsettled = check_stable(made, database)
    selects = Selects(made, binder.bound, database, follows=follows, zsets=zsets or {})
    selects.scalars.unsettled = unsettled
    selects.at = ir.Source(view.select.name, view.line)
    result = selects.query(made.tree, Env())
    names = named(view, result, made.text, database)
    different(names, made.text)
    return Selected(made, selects, result, names)


def _bound(view: View, unbound: Unbound, database: Database) -> BoundQuery:
    with database.asked():
        found = selected(view, database, follows=unbound.refresh is not None)
    made, selects, result, names = found.parsed, found.selects, found.result, found.names
    fields = tuple((n, c.type) for n, c in zip(names, result.outputs, strict=True))
    struct = Struct(fields, cls=row_class(view.name, names), build=Build.POSITIONAL, name=view.name)
    columns = dict(zip(names, result.outputs, strict=True))
    if unbound.into is not None:
        struct = fitted(unbound.into, names, result.outputs, made.text, database.dialect)
    function = function_of(struct, (columns[name] for name, _ in struct.fields))
    out = Map(result.rows.operator, function, origin=result.rows.at or selects.at, called=view.name)
    at = ir.Source(view.select.name, view.line, what="materialized view")
    inputs: tuple[Input, ...] = tuple(selects.inputs.values())
    captured = None
    if unbound.refresh is not None:
        tables = [(each.label, each.table) for each in inputs]
        captured = capturing(tables, view.select.name, unbound.refresh, unbound.on_error)
    query = BoundQuery(
        view.name,
        inputs,
        () if captured is not None else (out,),
        {view.name: ir.Integrate(out, origin=at)},
        {unbound: view.name},
        view.select.name,
        python_steps=False,
        captured=captured,
        names=TableNames(by_digest=unbound.names == DIGEST),
        unbound=unbound,
        tables=dict(selects.tables),
        dialect=database.dialect,
    )
    query.way = unbound.way
    return query


def check_clocks(made: Parsed, database: Database) -> None:
    """Raise for what tells the time, where it stands."""
    tokens, text = made.tokens, made.text
    is_sqlite = database.dialect == "sqlite"
    for position, token in enumerate(tokens):
        following = [t.text for t in tokens[position + 1 : position + 4]]
        check_parameter(made, position, is_sqlite)
        name = token.text.lower()
        of_now = name in _DATES and following[:2] == ["(", ")"]
        of_now |= name == "strftime" and following[:1] == ["("] and following[2:] == [")"]
        if is_sqlite and of_now:
            raise text.error(
                f"{name} without a time is of now, another one tomorrow",
                Span(token.start, token.end + 1),
                "give it a column, or join a table of one row with the day",
            )
        of_zone = name in ("localtime", "utc") and token.token_type.name == "STRING"
        if is_sqlite and of_zone and called_around(made, position) in {*_DATES, "strftime"}:
            raise text.error(
                f"'{name}' depends on the time zone of who writes",
                Span(token.start, token.end + 1),
                "give the difference itself, '+02:00', or store times in one zone",
            )
        words = text.sql[token.start : token.end + 1].lower()
        after = tokens[position + 1].text if position + 1 < len(tokens) else ""
        if words in _CALLS and after != "(":
            continue
        if (
            words in _CALLS
            or words in _CLOCKS
            or (words == "'now'" and database.dialect == "sqlite")
        ):
            raise text.error(
                f"{words} is another tomorrow, and nothing would tell the result",
                Span(token.start, token.end + 1),
                "join a table of one row with the day, and change that row",
            )
        if words == "tablesample":
            raise text.error("TABLESAMPLE takes any rows", Span(token.start, token.end + 1))


def check_stable(made: Parsed, database: Database) -> frozenset[str]:
    """Raise for a function whose value may change while no row does.

    Returns those that depend on settings only if an argument does: it is looked at with them.
    """
    found: set[str] = set()
    tokens, text = made.tokens, made.text
    for name, why in database.unstable(text.sql.strip().rstrip(";")):
        if name in database.by_arguments:
            found.add(name)
            continue
        place = next((t for t in tokens if t.text.lower().startswith(name.lower())), None)
        span = Span(place.start, place.end + 1) if place is not None else None
        hint = "store it with the row, as a column, when the row is written"
        if name == "date_trunc":  # of a date, which becomes a timestamptz
            hint = "of a date: date_trunc('month', day::timestamp); else AT TIME ZONE 'UTC'"
        elif "settings" in why and name != "current_setting":
            hint = "timestamptz AT TIME ZONE 'UTC' depends on nothing"
        if name == "timestamptz":  # what a date is made where no function takes one
            hint = "make a timestamp of a date: day::timestamp"
        raise text.error(f"{name.rstrip('_')} {why}", span, hint)
    return frozenset(found)


def called_around(made: Parsed, position: int) -> str:
    """The name of the function that a token is an argument of, in lower case."""
    depth = 0
    for at in range(position - 1, 0, -1):
        text = made.tokens[at].text
        depth += (text == ")") - (text == "(")
        if depth < 0:
            return str(made.tokens[at - 1].text).lower()
    return ""


def check_parameter(made: Parsed, position: int, is_sqlite: bool) -> None:
    """Raise for a parameter, which a result that is kept has not."""
    tokens, sql = made.tokens, made.text.sql
    token = tokens[position]
    after = tokens[min(position + 1, len(tokens) - 1)]
    kind = token.token_type.name
    end = token.end + 1
    adjoins = after.start == end
    before = sql[: token.start].rstrip()[-1:]
    is_operand = bool(before) and before in "=<>(,+-*/|"
    found = kind == "PLACEHOLDER" and is_sqlite  # on Postgres an operator of jsonb
    found |= kind == "PARAMETER" and adjoins and (is_sqlite or token.text == "$")
    found |= kind == "COLON" and adjoins and is_operand and after.token_type.name == "VAR"
    found |= kind == "MOD" and adjoins and is_operand and after.text == "s"
    if found:
        end = after.end + 1 if adjoins and kind != "PLACEHOLDER" else end
        raise made.text.error(
            "a result that is kept has no parameters: it is of all rows",
            Span(token.start, end),
            "write the value, or join a table of one row that has it",
        )


_DATES = frozenset({"date", "time", "datetime", "julianday", "unixepoch"})
_CLOCKS = frozenset(
    {
        *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
    }
)
_CALLS = frozenset({"now", "clock_timestamp", "statement_timestamp", "transaction_timestamp"})


def named_apart(made: Parsed, outputs: Sequence[Output]) -> None:
    """Raise for a second column of a name, where it stands."""
    taken: set[str] = set()
    for each in outputs:
        if each.name.lower() in taken:
            node = each.value if not isinstance(each.value, Ref) else None
            span = None if node is None else made.span(node)
            hint = f"name it otherwise: AS other_{each.name}"
            if span is None:
                hint = "name the columns in place of the *, one of the two with AS"
            raise made.text.error(f"two columns are named {each.name}", span, hint)
        taken.add(each.name.lower())


def named(view: View, result: Result, text: Text, database: Database) -> list[str]:
    """The names of the result's columns: those that are given, then those of the SELECT."""
    given, count = list(view.columns), len(result.outputs)
    if len(given) > count or (0 < len(given) < count and database.dialect == "sqlite"):
        raise text.error(
            f"{len(given)} names are given for {count} columns",
            hint="name all columns of the view, or none",
        )
    return [*given, *result.names[len(given) :]]


def different(names: Sequence[str], text: Text) -> None:
    taken: set[str] = set()
    for name in names:
        if name.lower() in taken:
            raise text.error(f"two columns are named {name}", hint="name one of them: AS ...")
        taken.add(name.lower())
