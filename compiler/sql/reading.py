"""Whether the database reads a text as it was read here.

What was read is printed again, its expressions as they were written, since those are taken over
word for word: the database is given both texts, and must find them the same. So a fault of the
parser is an error that shows what was printed, and never another result.
"""

from __future__ import annotations

from sqlglot import exp

from stepping.compiler.plan.database import Database
from stepping.compiler.sql.calls import is_call
from stepping.compiler.sql.conditions import has_query
from stepping.compiler.sql.parsing import Expression, Parsed, token_range
from stepping.compiler.sql.said import placed
from stepping.errors import QueryError

# What a query is put together from: everything else is an expression.
_CLAUSES = (
    *(exp.Query, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered),
    *(exp.Limit, exp.Offset, exp.Fetch, exp.LimitOptions, exp.With, exp.CTE, exp.Alias),
    *(exp.TableAlias, exp.Table, exp.Lateral, exp.Distinct, exp.Rollup, exp.Cube),
    *(exp.GroupingSets, exp.Values, exp.Identifier, exp.Star),
)


def check_reading(parsed: Parsed, database: Database) -> None:
    """Raise a QueryError where the database reads the text otherwise than it was read here."""
    qualify = parsed.tree.find(exp.Qualify)
    if qualify is not None:
        hint = "write the condition around a subquery"
        raise parsed.error("QUALIFY is not taken", qualify, hint)
    original = parsed.text.sql.strip().rstrip(";")
    tree = parsed.tree.copy()
    # The parser takes a comma for CROSS JOIN, by which SQLite would fix the order of a plan.
    for join in tree.find_all(exp.Join):
        if join.kind == "CROSS" and is_comma(join, parsed):
            join.set("kind", None)
    tree = restored(parsed, tree)
    printed = tree.sql(dialect=database.sqlglot_name)
    try:
        found = database.reads_alike(original, printed)
    except QueryError as error:
        raise placed(error, parsed) from error
    if found is not None:
        raise parsed.text.error(
            f"this is read otherwise than {database.dialect} reads it: as {printed}",
            hint=f"write it in other words; {database.dialect} reads {found}",
        )


def is_comma(join: Expression, parsed: Parsed) -> bool:
    """Whether a join was written with a comma."""
    place = token_range(join.this, parsed.tokens)
    before = reversed(parsed.tokens[: place[0]]) if place is not None else ()
    word = next((t.text.upper() for t in before if t.text.upper() in (",", "JOIN")), "")
    return word == ","


def restored(parsed: Parsed, node: Expression) -> Expression:
    """The tree with each expression in the words that it was written in."""
    if isinstance(node, exp.Tuple) and isinstance(node.parent, exp.Distinct):
        return node  # DISTINCT ON has its parentheses
    if isinstance(node, exp.Tuple) and isinstance(node.parent, exp.Values):
        node.set("expressions", [restored(parsed, each) for each in node.expressions])
        return node  # a row of VALUES has its own
    item = isinstance(node.parent, exp.From | exp.Join) and is_call(node)
    if item or (not isinstance(node, _CLAUSES) and not has_query(node)):
        place = token_range(node, parsed.tokens)
        if place is None:
            return node
        first, last = place
        start, end = parsed.tokens[first].start, parsed.tokens[last - 1].end + 1
        return exp.Var(this=parsed.text.sql[start:end])
    for key, value in list(node.args.items()):
        if isinstance(value, list):
            parts = [restored(parsed, v) if isinstance(v, exp.Expr) else v for v in value]
            node.set(key, parts)
        elif isinstance(value, exp.Expr):
            node.set(key, restored(parsed, value))
    return of_values(node)


def of_values(node: Expression) -> Expression:
    """What is printed of a query: VALUES as it is, which the parser takes for a SELECT from it."""
    found = node.args.get("from_") if isinstance(node, exp.Select) else None
    if found is None or not isinstance(found.this, exp.Values) or found.this.alias != "_values":
        return node
    rows = found.this.copy()
    rows.set("alias", None)
    parts = [rows, *(node.args[k] for k in ("order", "limit", "offset") if node.args.get(k))]
    return exp.Var(this=" ".join(each.sql().strip() for each in parts))
