"""The syntax tree of one lambda or def, with its place in the user's file.

`inspect.getsource` gives the whole statement around a lambda; which of its lambdas is meant is told
by the positions that the compiler left in the code object (PEP 657). A file may have been written
again since it was imported: what is found there is compiled, and is the function's source only if
that gives the function's code.
"""

from __future__ import annotations
import __future__

import ast
import functools
import gc
import inspect
import linecache
import operator
import tokenize
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType

from stepping.compiler.ir.function import Source

FunctionNode = ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef
Span = tuple[tuple[int, int], tuple[int, int]]

# In a file that is no Python as a whole (a document with examples), how far above a lambda its
# statement may begin.
_LINES_ABOVE = 80
_FUTURE = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)


class SourceMissing(Exception):
    """The source of a function cannot be found, or not told apart. ``str(self)`` says why."""


@dataclass(frozen=True, eq=False)
class Definition:
    """A function's syntax tree. Positions in ``node`` are those of ``file``."""

    node: FunctionNode
    file: str
    lines: tuple[str, ...]

    def at(self, node: ast.AST | None = None) -> Source:
        """The place of a part of the function, by default of the function itself."""
        return marked(self.file, self.lines, node or self.node)


def marked(file: str, lines: tuple[str, ...], node: ast.AST) -> Source:
    """A place, with its line of source and a line of ``^^^`` below what is meant."""
    line: int = getattr(node, "lineno", 1)
    text = lines[line - 1].rstrip("\n") if line <= len(lines) else ""
    start = _characters(text, getattr(node, "col_offset", 0))
    end = len(text)
    if getattr(node, "end_lineno", line) == line:
        end = _characters(text, getattr(node, "end_col_offset", 0)) or end
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        end = len(text.rstrip())
    # A tab stays a tab, so that the marks stand below what they mean in any terminal.
    blank = "".join("\t" if character == "\t" else " " for character in text[:start])
    marks = blank + "^" * max(1, end - start)
    shown = f"    {text}\n    {marks}" if text.strip() else ""
    return Source(file, line, start + 1, shown)


def _characters(line: str, byte_offset: int) -> int:
    # The compiler counts bytes of UTF-8.
    return len(line.encode()[:byte_offset].decode(errors="ignore"))


def definition_of(function: FunctionType) -> Definition:
    """The syntax tree that ``function`` was compiled from; `SourceMissing` if there is none."""
    code = function.__code__
    try:
        return _definition(code, _lines(code, function))
    except SourceMissing:
        # The file may have been read before it was written again and this code loaded from it.
        linecache.checkcache(code.co_filename)
        return _definition(code, _lines(code, function))


def place_of(function: FunctionType) -> Source:
    """Where a function stands, as well as that can be known."""
    try:
        return definition_of(function).at()
    except SourceMissing:
        code = function.__code__
        return Source(code.co_filename, code.co_firstlineno)


def _lines(code: CodeType, function: FunctionType) -> tuple[str, ...]:
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise SourceMissing(
            f"there is no source for {code.co_filename}: put the function into a file"
        )
    return tuple(lines)


def _definition(code: CodeType, lines: tuple[str, ...]) -> Definition:
    spans = list(_spans(code))
    for tree, shown in _trees(code, lines):
        by_line = _by_first_line(tree)
        found = [n for n in by_line.get(code.co_firstlineno, []) if _fits(n, code, spans)]
        if found and _compiles_to(tree, code):
            chosen = found[0] if len(found) == 1 else _told_apart(found, code, spans)
            return Definition(chosen, code.co_filename, shown)
    raise SourceMissing(
        f"{code.co_filename} does not hold this function at line {code.co_firstlineno}: "
        "it was changed after it was loaded"
    )


def _compiles_to(tree: ast.Module, code: CodeType) -> bool:
    """Whether the code of one of the functions in ``tree`` is ``code``."""
    made = _compiled(tree, code.co_flags & _FUTURE)
    return any(_same_code(each, code) for each in made.get((code.co_firstlineno, code.co_name), ()))


@lru_cache(maxsize=256)
def _compiled(tree: ast.Module, flags: int) -> dict[tuple[int, str], list[CodeType]]:
    """The code of each function in ``tree``, by its first line and name."""
    found: dict[tuple[int, str], list[CodeType]] = {}
    with _collecting_nothing(), warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # shown when the file was imported
        try:
            todo = [compile(tree, "<source>", "exec", flags, dont_inherit=True)]
        except SyntaxError:  # a part of a function that returns
            return {}
    while todo:
        code = todo.pop()
        found.setdefault((code.co_firstlineno, code.co_name), []).append(code)
        todo += [part for part in code.co_consts if isinstance(part, CodeType)]
    return found


def _same_code(one: CodeType, other: CodeType) -> bool:
    """Whether two functions do the same, at the same places as far as both know them."""
    if _what_it_does(one) != _what_it_does(other):
        return False
    for here, there in zip(one.co_positions(), other.co_positions(), strict=True):
        if any(a != b and None not in (a, b) for a, b in zip(here, there, strict=True)):
            return False
    inner = ([c for c in code.co_consts if isinstance(c, CodeType)] for code in (one, other))
    return all(_same_code(a, b) for a, b in zip(*inner, strict=True))


def _what_it_does(code: CodeType) -> tuple[object, ...]:
    arguments = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    constants = tuple(map(_exactly, code.co_consts))
    return (code.co_name, arguments, names, constants, code.co_code, code.co_exceptiontable)


def _exactly(constant: object) -> object:
    """Equal for constants of the same type and value only: 1, True and 1.0 are three."""
    match constant:
        case CodeType():
            return CodeType
        case tuple():
            return tuple(map(_exactly, constant))
        case frozenset():
            return frozenset(map(_exactly, constant))
        case _:
            return type(constant), repr(constant)


def _spans(code: CodeType) -> Iterator[Span]:
    for line, end_line, column, end_column in code.co_positions():
        if line is None or end_line is None or column is None or end_column is None:
            continue
        if (line, column) != (end_line, end_column):  # a prologue has no width
            yield (line, column), (end_line, end_column)


def _fits(node: FunctionNode, code: CodeType, spans: list[Span]) -> bool:
    """Whether ``code`` may have been compiled from ``node``."""
    if isinstance(node, ast.Lambda):
        if code.co_name != "<lambda>":
            return False
        first, last = _span(node.body)
    else:
        if code.co_name != node.name:
            return False
        first, last = _span(node)
    if not all(first <= start and end <= last for start, end in spans):
        return False
    arguments = node.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return names == list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]) and all(
        name in _identifiers(node) for name in code.co_names if not name.startswith("_")
    )


def _span(node: ast.AST) -> Span:
    start = (node.lineno, node.col_offset)  # type: ignore[attr-defined]
    return start, (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


def _identifiers(node: ast.AST) -> frozenset[str]:
    names: set[str] = set()
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                names.add(name)
            case ast.alias(name=name):
                names.update(name.split("."))
            case ast.ImportFrom(module=str(name)):
                names.add(name)
            case ast.MatchClass(kwd_attrs=attributes):
                names.update(attributes)
            case ast.Global(names=more) | ast.Nonlocal(names=more):
                names.update(more)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assert():
                names.add("AssertionError")
    return frozenset(names)


def _told_apart(found: list[FunctionNode], code: CodeType, spans: list[Span]) -> FunctionNode:
    """Of several functions that begin on one line, the one that ``code`` was compiled from."""
    if spans:
        # One lambda inside another: all of the inner one's code lies in both, so the smallest is
        # meant; the outer one's own code would not lie in the inner.
        return min(found, key=_length)
    alike = [node for node in found if _same_shape(node, code)]
    if len(alike) == 1:
        return alike[0]
    raise SourceMissing(
        f"several functions begin at {code.co_filename}:{code.co_firstlineno} and cannot be told "
        "apart: run Python without -X no_debug_ranges, or write one on each line"
    )


def _length(node: FunctionNode) -> tuple[int, int]:
    (line, column), (end_line, end_column) = _span(node)
    return end_line - line, end_column - column


def _same_shape(node: FunctionNode, code: CodeType) -> bool:
    if not isinstance(node, ast.Lambda):
        return True
    outer = compile(ast.Expression(node), code.co_filename, "eval")
    (inner,) = (c for c in outer.co_consts if isinstance(c, CodeType))

    # A variable of an enclosing function is a global here, hence sets of all names.
    def shape(c: CodeType) -> tuple[object, ...]:
        constants = [k for k in c.co_consts if not isinstance(k, CodeType)]
        return c.co_varnames, repr(constants), {*c.co_names, *c.co_freevars}

    return shape(inner) == shape(code)


def _trees(code: CodeType, lines: tuple[str, ...]) -> Iterator[tuple[ast.Module, tuple[str, ...]]]:
    """Syntax trees that may hold the function: the file, else statements around the line.

    Each with the lines that its positions are of: an example in a document may have been compiled
    without the margin that it has there.
    """
    whole = _parsed(lines)
    if whole is not None:
        yield whole, lines
        return
    last = code.co_firstlineno
    first = max(1, last - _LINES_ABOVE)
    margins = {len(line) - len(line.lstrip()) for line in lines[first - 1 : last] if line.strip()}
    for margin in sorted({0, *margins}):
        moved = tuple(_without_margin(line, margin) for line in lines)
        for start in range(last, first - 1, -1):
            tree = _statement(moved, start)
            if tree is not None:
                yield tree, moved


def _without_margin(line: str, margin: int) -> str:
    return line if line[:margin].strip() else line[margin:] or "\n"


def syntax_tree(text: str) -> ast.Module:
    """`ast.parse`, while nothing is collected."""
    with _collecting_nothing():
        return ast.parse(text)


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """CPython up to 3.11 raises a SystemError if the collector runs a finalizer while it goes
    through a syntax tree (github.com/python/cpython/issues/106905): of any connection that the
    application dropped.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@lru_cache(maxsize=256)
def _parsed(lines: tuple[str, ...]) -> ast.Module | None:
    try:
        return syntax_tree("".join(lines))
    except (SyntaxError, ValueError):
        return None


@lru_cache(maxsize=256)
def _by_first_line(tree: ast.Module) -> dict[int, list[FunctionNode]]:
    found: dict[int, list[FunctionNode]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, []).append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # The code of a decorated function begins at its first decorator.
            lines = [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]
            found.setdefault(min(lines), []).append(node)
    return found


def _statement(lines: tuple[str, ...], start: int) -> ast.Module | None:
    """The statement that begins on line ``start``, if one does."""
    if start > len(lines):
        return None
    indented = lines[start - 1][:1].isspace()
    try:
        block = "".join(inspect.getblock(lines[start - 1 :]))
        # A line in front instead of a dedent: columns stay what they are in the file.
        tree = syntax_tree(f"if 1:\n{block}" if indented else block)
    except (SyntaxError, ValueError, tokenize.TokenError):
        return None
    ast.increment_lineno(tree, start - 1 - indented)
    return tree
