"""The name that a database gives a column of a SELECT without AS."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

Expression = Any


def output_name(node: Expression, dialect: str) -> str:
    """The name of an output column: its alias, or what the database makes of the expression.

    That of a derived table's column is what outer queries name it by.
    """
    if isinstance(node, exp.Alias):
        quoted = bool(node.args["alias"].args.get("quoted")) if dialect == "postgres" else True
        return node.alias if quoted else node.alias.lower()
    if dialect == "sqlite":
        inner = node.unnest() if isinstance(node, exp.Paren) else node
        return inner.name if isinstance(inner, exp.Column) else node.sql(dialect="sqlite")
    return _postgres_name(node) or "?column?"


def _postgres_name(node: Expression) -> str:
    # FigureColname of parse_target.c: the strongest name that is found on the way down.
    match node:
        case exp.Column() | exp.Dot():
            return str(node.name).lower() if not node.this.args.get("quoted") else str(node.name)
        case exp.Paren():
            return _postgres_name(node.this)
        case exp.Cast():
            return _postgres_name(node.this) or str(node.to.sql("postgres")).lower()
        case exp.Collate() | exp.Bracket():
            return _postgres_name(node.this)
        case exp.Case():
            return (_postgres_name(node.args["default"]) if node.args.get("default") else "") or (
                "case"
            )
        case exp.Exists():
            return "exists"
        case exp.Subquery():
            inner = node.this
            while isinstance(inner, exp.SetOperation | exp.Subquery):
                inner = inner.this
            selects = inner.expressions if isinstance(inner, exp.Select) else []
            return output_name(selects[0], "postgres") if selects else ""
        case exp.Window() | exp.Filter() | exp.WithinGroup():
            return _postgres_name(node.this)
        case exp.Anonymous():
            return str(node.this).lower()
        case exp.Func():
            return str(node.sql_name()).lower()
        case _:
            return ""
