"""A module may give any name to anything: the types of a row are resolved where it was written."""

from __future__ import annotations

import itertools
import linecache
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

import stepping as st
from stepping.compiler.frontend.rowfn.translate import translate
from stepping.compiler.frontend.rows import type_of

# What a library may hold: its rows use its own type variables, which a query's module does not see.
LIBRARY = '''
from __future__ import annotations
import dataclasses
from typing import Generic, NamedTuple, TypeVar
import stepping as st
A = TypeVar("A")
B = TypeVar("B")
@dataclasses.dataclass(frozen=True)
class Box(Generic[A]):
    content: A
    weight: float
class Two(NamedTuple, Generic[A, B]):
    one: A
    two: B | None = None
class Wrapped(Box[tuple[A, B]], Generic[B, A]):
    pass
def local():
    @dataclasses.dataclass(frozen=True)
    class Inner(Generic[A]):
        it: A
    return Inner
Inner = local()
A = 3  # and may use the name again
'''  # fmt: skip
QUERY = """
class Item(st.Data):
    k: int
FUNCTIONS = {
    "pair": lambda i: st.Pair(i.k, i.k),
    "pair_of_rows": lambda i: st.Pair(i, st.Pair(i.k, "x")),
    "pair_with_arguments": lambda i: st.Pair[int, int](i.k, 1),
    "box": lambda i: Box(i.k, 1),
    "two": lambda i: Two(i.k, i),
    "two_without": lambda i: Two[int, str](i.k),
    "wrapped": lambda i: Wrapped[str, int]((i.k, "a"), 2.5),
    "inner": lambda i: Inner(i.k),
    "captured": lambda i: PAIR,
}
"""
NAMES = ("T", "U", "A", "B", "T_co", "K", "Pair", "Empty", "Data", "Generic", "Any", "Box")
THINGS: dict[str, str] = {
    "a type": "float",
    "a value": "3",
    "another type": "dict",
    "a row class": "type('Named', (st.Data,), {'__annotations__': {'z': str}})",
    "a variable": "__import__('typing').TypeVar('Z')",
}
numbers = itertools.count()


Make = Callable[..., dict[str, Any]]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Runs a source as a module, and gives its names."""

    def make(source: str, **scope: Any) -> dict[str, Any]:
        name = f"module_{next(numbers)}"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        made = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, made)
        vars(made).update(scope, st=st)
        exec(compile(source, name, "exec", dont_inherit=True), vars(made))
        return vars(made)

    return make


@pytest.fixture
def captured(module: Make) -> dict[str, Any]:
    names = module(LIBRARY)
    library = {name: names[name] for name in ("Box", "Two", "Wrapped", "Inner")}
    return {**library, "PAIR": st.Pair(1, "a")}


def types_of(names: dict[str, Any]) -> dict[str, str]:
    row = (type_of(names["Item"], names),)
    found = {name: translate(f, row, what="f=") for name, f in names["FUNCTIONS"].items()}
    assert all(each.scalars is not None for each in found.values())
    return {name: str(each.type) for name, each in found.items()}


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_names_of_a_module_are_not_type_variables(
    module: Make, captured: dict[str, Any], thing: str
) -> None:
    plain = types_of(module(QUERY, **captured))
    assert plain["pair"] == "Pair[int, int]"
    assert plain["captured"] == "Pair[int, text]"
    others = "".join(f"{name} = {thing}\n" for name in NAMES if name not in captured)
    assert types_of(module(others + QUERY, **captured)) == plain


def test_names_around_a_query_are_not_those_of_its_module(module: Make) -> None:
    names = module(
        "from __future__ import annotations\nclass Item(st.Data):\n    k: int\n"
        "def query(a: st.ZSet[Item]) -> st.ZSet[int]:\n    return st.map(a, f=lambda i: i.k)\n"
    )

    class Item(st.Data):  # of another query
        other: str

    graph = st.compile(names["query"])
    store = st.StorePython.from_graph(graph)
    (action,) = st.actions(store, graph)
    (change,) = action.insert(names["Item"](k=1))
    assert list(change.iter()) == [(1, 1)]
    assert Item(other="a") != names["Item"](k=1)
