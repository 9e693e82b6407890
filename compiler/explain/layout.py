"""Where the operators of a query stand when it is drawn from left to right.

The usual layers (Sugiyama): an operator stands right of what it reads, long edges go through empty
places, and places within a layer are sorted until few edges cross.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from stepping.compiler.explain.model import Model, Operator
from stepping.compiler.explain.text import bytes_text, count

CHARACTER = 7.2  # the width of one, at 12 pixels
PAD = 12.0
LINE = 17.0
GAP_X, GAP_Y = 56.0, 22.0
MARGIN = 16.0
_SWEEPS = 8

Point = tuple[float, float]


@dataclass
class Box:
    """One operator, or an empty place of a long edge."""

    id: str
    lines: tuple[str, ...]
    operator: Operator | None
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0
    layer: int = 0

    @property
    def left(self) -> Point:
        return (self.x, self.y + self.height / 2)

    @property
    def right(self) -> Point:
        return (self.x + self.width, self.y + self.height / 2)


@dataclass
class Edge:
    source: str
    target: str
    points: list[Point] = field(default_factory=list)


@dataclass
class Drawing:
    boxes: list[Box]
    edges: list[Edge]
    width: float
    height: float


def drawing_of(model: Model) -> Drawing:
    """The boxes and edges of a query, with their places in pixels."""
    boxes = {each.id: _box(model, each) for each in model.operators}
    layers = layers_of(model.operators)
    for each in model.operators:
        boxes[each.id].layer = layers[each.id]
    edges, paths = [], []
    for each in model.operators:
        for serial in each.inputs:
            path = [serial]
            for layer in range(layers[serial] + 1, layers[each.id]):
                empty = Box(f"{serial}>{each.id}@{layer}", (), None, layer=layer, height=2.0)
                boxes[empty.id] = empty
                path.append(empty.id)
            path.append(each.id)
            edges.append(Edge(serial, each.id))
            paths.append(path)
    columns: list[list[Box]] = [[] for _ in range(max(layers.values(), default=0) + 1)]
    for box in boxes.values():
        columns[box.layer].append(box)
    near = _neighbours(paths)
    _sort(columns, near)
    width = _place_x(columns)
    height = _place_y(columns, near)
    for edge, path in zip(edges, paths, strict=True):
        first, *middle, last = (boxes[each] for each in path)
        edge.points = [first.right, *(p for each in middle for p in (each.left, each.right))]
        edge.points.append(last.left)
    real = [box for box in boxes.values() if box.operator is not None]
    return Drawing(real, edges, width, height)


def layers_of(operators: Sequence[Operator]) -> dict[str, int]:
    """Right of everything that is read; inputs as far right as what reads them allows."""
    layers: dict[str, int] = {}
    for each in operators:
        layers[each.id] = max((layers[i] + 1 for i in each.inputs), default=0)
    for each in operators:
        readers = [layers[r.id] for r in operators if each.id in r.inputs]
        if not each.inputs and readers:
            layers[each.id] = min(readers) - 1
    return layers


def _box(model: Model, operator: Operator) -> Box:
    lines = [operator.title if operator.inputs else operator.name]
    where = str(operator.place) if operator.place else f"input of {operator.rows}"
    lines.append(where + (f" in {operator.function}" if operator.function else ""))
    kept = [table for table in map(model.table, operator.tables) if table is not None]
    if kept:
        text = count(len(kept), "table")
        if all(each.rows is not None for each in kept):
            text += f", {count(sum(each.rows or 0 for each in kept), 'row')}"
        if all(each.bytes is not None for each in kept):
            text += f", {bytes_text(sum(each.bytes or 0 for each in kept))}"
        lines.append(f"keeps {text}")
    if operator.python:
        lines.append("runs in Python")
    if not operator.incremental:
        lines.append("recomputed")
    ends = [f"cache {name}" for name in operator.caches]
    ends += [f"output {i + 1}" if i else "output" for i in operator.outputs]
    if ends:
        lines.append(", ".join(ends))
    shown = tuple(map(_short, lines))
    return Box(
        operator.id,
        shown,
        operator,
        width=max(map(len, shown)) * CHARACTER + 2 * PAD,
        height=len(shown) * LINE + PAD,
    )


def _short(text: str) -> str:
    return text if len(text) <= 44 else f"{text[:43]}…"


def _neighbours(paths: Sequence[Sequence[str]]) -> dict[str, tuple[list[str], list[str]]]:
    """What each place is joined to, on its left and on its right."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for path in paths:
        for left, right in pairwise(path):
            found.setdefault(left, ([], []))[1].append(right)
            found.setdefault(right, ([], []))[0].append(left)
    return found


def _sort(columns: list[list[Box]], near: Mapping[str, tuple[list[str], list[str]]]) -> None:
    """Sort each layer by the middle of what its boxes are joined to, to and fro."""
    for sweep in range(_SWEEPS):
        side = sweep % 2
        for column in columns if side == 0 else reversed(columns):
            rank = {box.id: i for other in columns for i, box in enumerate(other)}

            def middle(
                box: Box, rank: Mapping[str, int] = rank, side: int = side
            ) -> tuple[float, int]:
                joined = near.get(box.id, ([], []))[side]
                own = rank[box.id]
                return (sum(rank[j] for j in joined) / len(joined) if joined else own, own)

            column.sort(key=middle)


def _place_x(columns: list[list[Box]]) -> float:
    x = MARGIN
    for column in columns:
        widest = max((box.width for box in column), default=0.0)
        for box in column:
            box.x = x
            if box.operator is None:
                box.width = widest  # an edge goes straight past what stands in the layer
        x += widest + GAP_X
    return x - GAP_X + MARGIN


def _place_y(columns: list[list[Box]], near: Mapping[str, tuple[list[str], list[str]]]) -> float:
    """As near to the middle of what it is joined to as the boxes above and below allow."""
    for column in columns:
        y = 0.0
        for box in column:
            box.y = y
            y += box.height + GAP_Y
    by_id = {box.id: box for column in columns for box in column}
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = []
            for box in column:
                joined = near.get(box.id, ([], []))
                others = [by_id[each] for each in (*joined[0], *joined[1])]
                centre = box.y + box.height / 2
                if others:
                    centre = sum(o.y + o.height / 2 for o in others) / len(others)
                wanted.append(centre - box.height / 2)
            _settle(column, wanted)
    top = min((box.y for box in by_id.values()), default=0.0)
    for box in by_id.values():
        box.y += MARGIN - top
    return max((box.y + box.height for box in by_id.values()), default=0.0) + MARGIN


def _settle(column: list[Box], wanted: list[float]) -> None:
    """Put boxes where they are wanted, in their order and without overlap."""
    for box, y in zip(column, wanted, strict=True):
        box.y = y
    for above, below in pairwise(column):
        below.y = max(below.y, above.y + above.height + GAP_Y)
    # What was pushed down too far goes back by half of it, all together.
    if column:
        drift = sum(box.y - y for box, y in zip(column, wanted, strict=True)) / len(column)
        for box in column:
            box.y -= drift
