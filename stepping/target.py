"""The query that `package.module:query` names on the command line."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterable
from contextlib import redirect_stdout
from types import FunctionType, ModuleType
from typing import Any

from stepping.compiler.pipeline import compile, compile_lazy
from stepping.compiler.plan.graph import AnyGraph, Graph
from stepping.errors import QueryError, SteppingError

_LAZY = compile_lazy(lambda: None).__code__


def load(target: str) -> AnyGraph:
    """The compiled query behind a target: a query function, what `compile` made of one, what
    `st.sql` returned, or a `MaintainedView`.
    """
    found, module = loaded(target)
    with redirect_stdout(sys.stderr):
        return query_of(found, module, target)


def loaded(target: str) -> tuple[Any, ModuleType]:
    """What ``module:name`` names, and the module.

    What that prints while it is imported goes to stderr: stdout is for SQL.
    """
    name, colon, path = target.partition(":")
    if not colon or not name or not path:
        raise QueryError(
            "expected a module, a colon and the name of a query in it, or a .sql file",
            where=repr(target),
            hint="shop.queries:receipts, views.sql, or one view of a file, views.sql:receipts",
        )
    with redirect_stdout(sys.stderr):
        found: Any = module_of(name, target)
        module = found
        for part in path.split("."):
            if not hasattr(found, part):
                owner = f"the module {name}" if found is module else repr(found)
                raise QueryError(
                    f"{owner} has no {part!r}", where=repr(target), hint=known_queries(module)
                )
            found = getattr(found, part)
    return found, module


def graph_of(found: Any) -> AnyGraph | None:
    """The compiled query that something is or, as a `MaintainedView`, is of; else None."""
    maintained = sys.modules.get("stepping.maintained")  # SQLAlchemy takes long to import
    if maintained is not None and isinstance(found, maintained.MaintainedView):
        found = found.graph
    return found if isinstance(found, Graph) else None


def query_of(found: Any, module: ModuleType, target: str) -> AnyGraph:
    graph = graph_of(found)
    if graph is not None:
        return graph
    if is_lazy(found):
        lazy: AnyGraph = found()
        return lazy
    if not is_query_function(found):
        what = f"an object of type {type(found).__name__}"
        if isinstance(found, type):
            what = "a class"
        elif inspect.isroutine(found):
            what = "a function without an argument of type st.ZSet[...]"
        raise QueryError(
            f"this is {what}, and not a query", where=repr(target), hint=known_queries(module)
        )
    return compile(found)


def is_lazy(found: Any) -> bool:
    """Whether it is what `compile_lazy` returned."""
    return isinstance(found, FunctionType) and found.__code__ is _LAZY


def is_query_function(found: Any) -> bool:
    """Whether an argument of a function is annotated with a Z-set."""
    if not callable(found) or isinstance(found, type):
        return False
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return False
    return any("ZSet" in str(parameter.annotation) for parameter in parameters)


def known_queries(module: ModuleType) -> str:
    """A hint that lists the queries of a module."""
    names = [
        name
        for name, each in vars(module).items()
        if graph_of(each) is not None
        or is_lazy(each)
        or (is_query_function(each) and getattr(each, "__module__", None) == module.__name__)
    ]
    if not names:
        return f"{module.__name__} has no query: a function with arguments of type st.ZSet[...]"
    return f"the queries of {module.__name__}: {', '.join(names)}"


def module_of(name: str, target: str) -> ModuleType:
    """The module; the current folder is searched first, as `python -m` does."""
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except SteppingError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise QueryError(
                f"there is no module {error.name}", where=repr(target), hint=nearby(error.name)
            ) from None
        raise failed(name, error) from error
    except (Exception, SystemExit) as error:
        raise failed(name, error) from error


def nearby(name: str) -> str:
    """A hint that lists the modules beside one that was not found."""
    parent, _, _ = name.rpartition(".")
    if name.endswith(".py") or "/" in name or parent.endswith(".py"):
        return "write shop.queries:receipts for receipts in the file shop/queries.py"
    where = f"the package {parent}" if parent else "the current folder"
    path = getattr(sys.modules.get(parent), "__path__", ()) if parent else [os.getcwd()]
    return f"{where} has {_listed(each.name for each in pkgutil.iter_modules(path))}"


def _listed(names: Iterable[str]) -> str:
    shown = sorted(names)
    if len(shown) > 12:
        shown = [*shown[:12], f"and {len(shown) - 12} more"]
    return ", ".join(shown) or "no modules"


def failed(name: str, error: BaseException) -> QueryError:
    """Why a module could not be imported, at the line of it that failed."""
    where, source = name, None
    if isinstance(error, SyntaxError):
        where, source = f"{error.filename}:{error.lineno}", error.text
    else:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if not frame.filename.startswith("<frozen") and frame.filename != importlib.__file__
        ][1:]
        if frames:
            where, source = f"{frames[-1].filename}:{frames[-1].lineno}", frames[-1].line
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return QueryError(
        f"the module {name} cannot be imported: {text}",
        where=where,
        source=f"    {source.strip()}" if source else None,
        hint="run it with the Python that has the application's packages",
    )
