"""The drawing of a query as SVG; no program of the system is needed."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from stepping.compiler.explain.layout import LINE, PAD, Box, Drawing, Edge, drawing_of
from stepping.compiler.explain.model import Model

# By what an operator is: the colours of its edge and of its face, on white and on black.
COLOURS = {
    "input": ("#2563eb", "#eff6ff", "#60a5fa", "#172554"),
    "sql": ("#64748b", "#f8fafc", "#94a3b8", "#1e293b"),
    "cache": ("#059669", "#ecfdf5", "#34d399", "#022c22"),
    "python": ("#d97706", "#fffbeb", "#fbbf24", "#451a03"),
    "recomputed": ("#dc2626", "#fef2f2", "#f87171", "#450a0a"),
}
TITLE = ' class="title"'
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"


def kind_of(box: Box) -> str:
    operator = box.operator
    assert operator is not None
    if not operator.incremental:
        return "recomputed"
    if operator.python:
        return "python"
    if not operator.inputs:
        return "input"
    return "cache" if operator.caches else "sql"


def svg_of(model: Model) -> str:
    """A whole SVG file, which follows the reader's light or dark setting."""
    drawn = drawing_of(model)
    light = "".join(
        f".{kind} rect{{stroke:{line};fill:{face}}}" for kind, (line, face, _, _) in COLOURS.items()
    )
    dark = "".join(
        f".{kind} rect{{stroke:{line};fill:{face}}}" for kind, (_, _, line, face) in COLOURS.items()
    )
    style = (
        f"svg{{background:#fff;font:12px {_FONT}}}.edge{{fill:none;stroke:#94a3b8;stroke-width:2}}"
        f".head{{fill:#94a3b8}}text{{fill:#475569}}.title{{fill:#0f172a;font-weight:600}}"
        f"rect{{stroke-width:1.5}}{light}"
        "@media (prefers-color-scheme:dark){svg{background:#0b1120}text{fill:#94a3b8}"
        f".title{{fill:#e2e8f0}}{dark}}}"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawn.width:.0f}" '
        f'height="{drawn.height:.0f}" viewBox="0 0 {drawn.width:.0f} {drawn.height:.0f}">\n'
        f"<title>{shown(model.query)}</title>\n<style>{style}</style>\n{shapes(drawn)}\n</svg>\n"
    )


def shapes(drawn: Drawing) -> str:
    """The edges and boxes; their colours are the style's business."""
    parts = []
    for edge in drawn.edges:
        x, y = edge.points[-1]
        parts.append(
            f'<g class="link" data-from="{shown(edge.source)}" data-to="{shown(edge.target)}">'
            f'<path class="edge" d="{_path(edge)}"/>'
            f'<path class="head" d="M{x:.1f} {y:.1f}l-7 -4.5v9z"/></g>'
        )
    for box in drawn.boxes:
        lines = "".join(
            f'<text x="{box.x + PAD:.1f}" y="{box.y + PAD / 2 + 13 + i * LINE:.1f}"'
            f"{'' if i else TITLE}>"
            f"{shown(text)}</text>"
            for i, text in enumerate(box.lines)
        )
        parts.append(
            f'<g class="box {kind_of(box)}" data-id="{shown(box.id)}"><rect x="{box.x:.1f}" '
            f'y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="8"/>{lines}</g>'
        )
    return "\n".join(parts)


def shown(text: str) -> str:
    """A text in markup. Characters that XML has no place for are left out."""
    return escape("".join(c if c >= " " else " " for c in text))


def _path(edge: Edge) -> str:
    (x, y), *rest = edge.points
    parts = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        middle = (x + to_x) / 2
        parts.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return "".join(parts)


def curve_of(edge: Edge) -> list[tuple[float, float]]:
    """Points on the path of `_path`, for what cannot draw curves."""
    found = [edge.points[0]]
    for (x, y), (to_x, to_y) in pairwise(edge.points):
        middle = (x + to_x) / 2
        for i in range(1, 25):
            t = i / 24
            a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
            found.append(
                ((a + 0.0) * x + (b + c) * middle + d * to_x, (a + b) * y + (c + d) * to_y)
            )
    return found
