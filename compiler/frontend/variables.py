"""The developer's own names: the variable that a call is assigned to, the function it stands in."""

from __future__ import annotations

import ast
import linecache
from dataclasses import dataclass, field
from functools import lru_cache

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.source import syntax_tree


@dataclass(frozen=True)
class Named:
    """What the source calls a value; both are "" where it has no name."""

    variable: str = ""
    function: str = ""


@dataclass(frozen=True)
class _Names:
    """The names in a file: of functions by their lines, of calls by where they start."""

    functions: list[tuple[int, int, str]] = field(default_factory=list)
    calls: dict[int, list[tuple[int, str]]] = field(default_factory=dict)


def named(source: ir.Source | None) -> Named:
    """What is known of a call by its place. A file that is gone or has changed gives nothing."""
    if source is None:
        return Named()
    known = _names("".join(linecache.getlines(source.file)))
    function = variable = ""
    for first, last, name in known.functions:  # inner ones later
        function = name if first <= source.line <= last else function
    for column, name in known.calls.get(source.line, ()):
        # A Source counts columns from 1, in characters; 0 where they are not known.
        variable = name if source.column in (0, column + 1) else variable
    return Named("" if variable == "_" else variable, function)


@lru_cache(maxsize=64)
def _names(text: str) -> _Names:
    found = _Names()
    try:
        tree = syntax_tree(text)
    except (SyntaxError, ValueError):
        return found
    for node in ast.walk(tree):  # which comes to inner ones later
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.functions.append((node.lineno, node.end_lineno or node.lineno, node.name))
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call)
                | ast.NamedExpr(target=ast.Name(id=name), value=ast.Call() as call)
            ):
                found.calls.setdefault(call.lineno, []).append((call.col_offset, name))
    return found
