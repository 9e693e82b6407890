"""No module imports one that imports it, however far around, and whether for types only.

`lint-imports` looks at the modules of each package; here circles through several are found as well.
"""

from __future__ import annotations

import graphlib
from collections.abc import Mapping, Set

import grimp


def circle_in(imports: Mapping[str, Set[str]]) -> list[str]:
    """A way from a module back to itself; empty if there is none."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_circles() -> None:
    graph = grimp.build_graph("stepping", exclude_type_checking_imports=False, cache_dir=None)
    imports = {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}
    assert len(imports) > 300
    assert circle_in(imports) == []


def test_a_circle_is_found() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert not circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()})
