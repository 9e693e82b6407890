"""The developer's own names: the variable that a call is assigned to, the function it stands in."""

from __future__ import annotations

import ast
import linecache
from dataclasses import dataclass
from functools import lru_cache

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.source import syntax_tree


@dataclass(frozen=True)
class Named:
    """What the source calls a value; both are "" where it has no name."""

    variable: str = ""
    function: str = ""


def named(source: ir.Source | None) -> Named:
    """What is known of a call by its place. A file that is gone or has changed gives nothing."""
    if source is None:
        return Named()
    tree = _tree(source.file)
    if tree is None:
        return Named()
    function = variable = ""
    for node in ast.walk(tree):
        first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
        if first is None or last is None or not first <= source.line <= last:
            continue
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                function = node.name  # ast.walk comes to inner ones later
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                variable = name if _is_at(call, source) else variable
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call):
                variable = name if _is_at(call, source) else variable
            case ast.NamedExpr(target=ast.Name(id=name), value=ast.Call() as call):
                variable = name if _is_at(call, source) else variable
    return Named("" if variable == "_" else variable, function)


def _is_at(call: ast.Call, source: ir.Source) -> bool:
    # A Source counts columns from 1, in characters; 0 where they are not known.
    return call.lineno == source.line and source.column in (0, call.col_offset + 1)


@lru_cache(maxsize=64)
def _tree(file: str) -> ast.Module | None:
    lines = linecache.getlines(file)
    try:
        return syntax_tree("".join(lines)) if lines else None
    except (SyntaxError, ValueError):
        return None
