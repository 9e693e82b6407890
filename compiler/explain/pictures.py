"""Files with the drawing of a query: SVG, and PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stepping.compiler.explain import Explanation, explain
from stepping.compiler.explain.drawing import COLOURS, curve_of, kind_of, svg_of
from stepping.compiler.explain.layout import LINE, PAD, drawing_of
from stepping.compiler.explain.model import Model
from stepping.errors import UnsupportedError


def write_svg(graph: Any, path: str | Path, dialect: str | None = None) -> None:
    """Draw a query from left to right into an SVG file.

    ``graph`` is a compiled query (drawn as planned for ``dialect``, by default SQLite), an open
    store (with its rows and bytes) or what `explain` returned.
    """
    Path(path).write_text(svg_of(_model(graph, dialect)), encoding="utf-8")


def write_png(graph: Any, path: str | Path, dialect: str | None = None) -> None:
    """As `write_svg`, into a PNG file; needs Pillow, as the extra ``png`` brings it."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise UnsupportedError(
            "st.write_png needs Pillow, which is not installed",
            hint="pip install -e '.[png]' in the checkout of stepping; or pip install pillow; "
            "or st.write_svg",
        ) from error
    model = _model(graph, dialect)
    drawn = drawing_of(model)
    scale = 2  # for screens with small pixels
    size = (round(drawn.width * scale), round(drawn.height * scale))
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font, bold = (ImageFont.load_default(size) for size in (12 * scale, 13 * scale))

    def scaled(*values: float) -> tuple[float, ...]:
        return tuple(value * scale for value in values)

    for edge in drawn.edges:
        curve = [scaled(*point) for point in curve_of(edge)]
        draw.line(curve, fill="#94a3b8", width=2 * scale, joint="curve")
        x, y = scaled(*edge.points[-1])
        draw.polygon([(x, y), (x - 12, y - 8), (x - 12, y + 8)], fill="#94a3b8")
    for box in drawn.boxes:
        line, face, _, _ = COLOURS[kind_of(box)]
        corners = scaled(box.x, box.y, box.x + box.width, box.y + box.height)
        draw.rounded_rectangle(corners, 8 * scale, face, line, 2 * scale)
        for position, text in enumerate(box.lines):
            at = ((box.x + PAD) * scale, (box.y + PAD / 2 + position * LINE + 1) * scale)
            chosen = font if position else bold
            draw.text(at, text, fill="#475569" if position else "#0f172a", font=chosen)
    image.save(path, "PNG")


def _model(graph: Any, dialect: str | None) -> Model:
    if isinstance(graph, Explanation):
        return graph.model
    is_store = hasattr(graph, "driver") and dialect is None
    return explain(graph, None if is_store else dialect or "sqlite").model
