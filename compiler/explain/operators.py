"""The operators of a planned query as its author wrote them.

One call in the query may be several nodes: an outer join is an inner join, the keys that are
there, and what has none. Nodes of one call share their `Source` object, and are shown as one
operator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import dedent

from stepping.compiler import ir
from stepping.compiler.explain.model import Operator, Place, PythonFunction
from stepping.compiler.frontend.variables import Named, named
from stepping.compiler.ir.text import name_of, relation_text
from stepping.compiler.operators.regroup import Regroup


@dataclass
class Group:
    """The nodes of one call, inputs before what reads them."""

    nodes: list[ir.Operator]
    serial: str = ""

    @property
    def root(self) -> ir.Operator:
        return self.nodes[-1]

    @property
    def label(self) -> str:
        if self.root.origin is not None and self.root.origin.what:
            return self.root.origin.what
        # A key that is computed in Python is a map beside the join it is for.
        for each in self.nodes:
            if each.called:
                return each.called
        own = [each for each in self.nodes if type(each).__name__ != "Map"]
        return (own or self.nodes)[0].label


def groups_of(roots: Sequence[ir.Operator], inputs: Sequence[ir.Operator]) -> list[Group]:
    """The calls of a query in an order in which none comes before what it reads."""
    nodes = list(dict.fromkeys([*inputs, *ir.topological(*roots)]))
    key: dict[ir.Operator, object] = {}
    for each in nodes:
        alone = each.origin is None or not each.inputs or isinstance(each, ir.Integrate)
        key[each] = each if alone else id(each.origin)
    while True:
        made: dict[object, Group] = {}
        for each in nodes:
            made.setdefault(key[each], Group([])).nodes.append(each)
        ordered, stuck = _ordered(made, key)
        if not stuck:
            return ordered
        # Calls with the query's own inside of them (per_group) would read each other: those are
        # shown node by node.
        for group in stuck:
            if len(group.nodes) > 1:
                key.update({each: each for each in group.nodes})


def _ordered(
    made: Mapping[object, Group], key: Mapping[ir.Operator, object]
) -> tuple[list[Group], list[Group]]:
    waiting = dict(made)
    ordered: list[Group] = []
    done: set[object] = set()
    while waiting:
        ready = [
            k
            for k, group in waiting.items()
            if all(key[i] in done or key[i] == k for node in group.nodes for i in node.inputs)
        ]
        if not ready:
            return ordered, list(waiting.values())
        for k in ready:
            done.add(k)
            ordered.append(waiting.pop(k))
    return ordered, []


def described(
    groups: list[Group],
    outputs: Sequence[ir.Operator],
    caches: Mapping[str, ir.Operator],
    tables: Mapping[str, Sequence[str]],
    folds: Mapping[str, str],
    query: str,
) -> tuple[Operator, ...]:
    """The operators; ``tables`` are the kept ones by the digest of their node.

    ``folds`` are the nodes that collect in Python, with the reason.
    """
    for serial, group in enumerate(groups, 1):
        group.serial = str(serial)
    serial_of = {node: group.serial for group in groups for node in group.nodes}
    name_in_rules = {
        node: f"{_name(group, named(group.root.origin), ()) or group.label} ({group.serial})"
        for group in groups
        for node in group.nodes
    }
    made = []
    for group in groups:
        root = group.root
        given = named(root.origin)
        kept = tuple(name for node in group.nodes for name in tables.get(node.digest.hex(), ()))
        python = tuple(dict.fromkeys(_in_python(group.nodes, folds)))
        inputs = dict.fromkeys(
            serial_of[each]
            for node in group.nodes
            for each in node.inputs
            if serial_of[each] != group.serial
        )
        cached = tuple(name for name, each in caches.items() if each in group.nodes)
        made.append(
            Operator(
                id=group.serial,
                label=group.label,
                name=_name(group, given, cached),
                function="" if given.function == query else given.function,
                place=place_of(root.origin),
                inputs=tuple(inputs),
                flow=root.flow.value,
                rows=str(root.schema.type),
                incremental=is_incremental(root),
                why=why(group, kept),
                runs="input" if not root.inputs else "Python" if python else "SQL",
                python=python,
                tables=kept,
                rule=_rules(group, name_in_rules),
                caches=cached,
                outputs=tuple(i for i, each in enumerate(outputs) if each in group.nodes),
                by_group=any(isinstance(node, Regroup) for node in group.nodes),
                nodes=tuple(node.digest.hex() for node in group.nodes),
            )
        )
    return tuple(made)


def _name(group: Group, given: Named, cached: Sequence[str]) -> str:
    if not group.root.inputs:
        return group.root.label
    if cached:
        return cached[0]
    # The integral of a call that acts on snapshots has the name of that.
    return given.variable


def place_of(source: ir.Source | None) -> Place | None:
    return None if source is None else Place(source.file, source.line, dedent(source.text))


def is_incremental(operator: ir.Operator) -> bool:
    """Whether a step costs in proportion to the change.

    What acts on snapshots is planned as the integral of the same on changes, so that the only
    operator whose value is a snapshot is `Integrate`. Any other would be computed anew.
    """
    return operator.flow is ir.Flow.CHANGE or isinstance(operator, ir.Integrate)


def why(group: Group, kept: Sequence[str]) -> str:
    """Why a step need not look at more than the change."""
    root = group.root
    if not root.inputs:
        return "its rows are what is inserted and removed"
    if not is_incremental(root):
        return "it acts on whole Z-sets and is not differentiated behind it"
    if isinstance(root, ir.Integrate):
        return "the change is added to the table"
    if all(node.linear for node in group.nodes):
        return "of the change alone, since f(a + b) = f(a) + f(b)"
    if any(node.delays for node in group.nodes):
        return "of the change of the step before"
    rules = [relation for node in group.nodes for relation in ir.within(node.delta(ir.Reads()))]
    if any(isinstance(each, ir.Closure) for each in rules):
        return "what lost its derivation is taken away, and what is derived anew is added"
    if any(isinstance(each, ir.Accumulate) for each in rules):
        return "the groups that the change touches are read and set anew"
    if any(isinstance(each, ir.First) for each in rules):
        return "the first rows of each group that the change touches, before and after"
    if any(isinstance(each, ir.Regroup) for each in rules):
        return "all rows of each group that the change touches are computed anew"
    if any(isinstance(each, ir.Match) for each in rules):
        return "the change of each side meets the rows of the other with its key"
    if kept:
        return "the rows that the change touches are looked up"
    return "of the change alone"


def _in_python(nodes: Iterable[ir.Operator], folds: Mapping[str, str]) -> Iterable[PythonFunction]:
    for node in nodes:
        for function in node.python_functions:
            at = function.fault or function.source
            name = "a lambda" if function.name == "lambda" else function.name
            yield PythonFunction(name, function.reason, str(at) if at else "")
        reason = folds.get(node.digest.hex())
        if reason and not node.python_functions:
            yield PythonFunction(node.label, reason, str(node.origin or ""))


def _rules(group: Group, names: Mapping[ir.Operator, str]) -> str:
    """The delta rules of a call, in which other operators have their name and number."""

    def name(operator: ir.Operator) -> str:
        if len(group.nodes) > 1 and operator in group.nodes:
            return f"{group.serial}.{group.nodes.index(operator) + 1}"
        return names.get(operator, name_of(operator))

    lines = []
    for position, node in enumerate(group.nodes, 1):
        if not node.inputs:
            continue
        text = relation_text(node.delta(ir.Reads()), name)
        if len(group.nodes) > 1:
            kind = name_of(node).split(" ")[0]
            text = f"{group.serial}.{position} {kind}\n" + "".join(
                f"  {line}\n" for line in text.splitlines()
            )
        lines.append(text)
    return "".join(lines)
