"""The page and the drawings; the page in a real browser, where there is one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import stepping as st
from stepping.compiler.explain.layout import drawing_of
from tests.explain import queries
from tests.support import shop

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
HOSTILE = "</script><script>document.title = 'taken'</script><!-- \" ' &"


def test_the_page_loads_nothing() -> None:
    page = st.explain(queries.graph, "postgres").html
    assert "default-src 'none'" in page
    assert not re.search(r"\b(?:src|href)=|url\(|@import|https?://(?!www\.w3\.org)", page)


def test_boxes_do_not_overlap_and_stand_right_of_what_they_read() -> None:
    drawn = drawing_of(st.explain(queries.graph, "sqlite").model)
    boxes = {box.id: box for box in drawn.boxes}
    for a in drawn.boxes:
        for b in drawn.boxes:
            apart = a.x + a.width <= b.x or b.x + b.width <= a.x
            assert a is b or apart or a.y + a.height <= b.y or b.y + b.height <= a.y
        assert a.x >= 0
        assert a.y >= 0
        assert a.x + a.width <= drawn.width
        assert a.y + a.height <= drawn.height
    for edge in drawn.edges:
        assert boxes[edge.source].right[0] < boxes[edge.target].left[0]
        assert edge.points[0] == boxes[edge.source].right
        assert edge.points[-1] == boxes[edge.target].left


def test_svg(tmp_path: Path) -> None:
    st.write_svg(queries.graph, tmp_path / "a.svg")
    tree = ElementTree.parse(tmp_path / "a.svg")
    texts = {each.text for each in tree.iter() if each.tag.endswith("text")}
    assert {"users", "loud = map", "both = outer_join", "runs in Python"} <= texts


def test_png_has_the_size_of_the_drawing(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    with st.connection_sqlite(":memory:") as connection:
        store = st.StoreSQLite.from_graph(connection, shop.graph)
        st.write_png(store, tmp_path / "a.png")
        drawn = drawing_of(st.explain(store).model)
    with image.open(tmp_path / "a.png") as found:
        assert found.size == (round(drawn.width * 2), round(drawn.height * 2))
        assert len(found.getcolors(1 << 20)) > 10


def test_hostile_names_are_text() -> None:
    graph = st.compile(queries.by_user, name=HOSTILE)
    explained = st.explain(graph, "sqlite")
    assert HOSTILE not in explained.html
    found = re.search(r'id="data">(.*?)</script>', explained.html, re.DOTALL)
    assert found
    assert json.loads(found.group(1))["query"] == HOSTILE
    ElementTree.fromstring(_svg(explained))


def _svg(explained: st.Explanation) -> bytes:
    from stepping.compiler.explain.drawing import svg_of

    return svg_of(explained.model).encode()


# Behind the page's own script: what a person would do, and what they would then see.
_PROBE = """
<script>
const seen = {};
const shown = () => document.getElementById("operator").querySelector("h2").textContent;
const still = () => [...document.querySelectorAll(".box.still")].map(
  (box) => box.querySelector(".title").textContent);
seen.first = shown();
document.querySelectorAll("nav button")[1].click();
seen.step = document.getElementById("step").querySelector("h2").textContent;
seen.still = still();
const box = [...document.querySelectorAll(".box")].find(
  (each) => each.querySelector(".title").textContent === "loud = map");
box.dispatchEvent(new MouseEvent("click", { bubbles: true }));
seen.chosen = shown();
seen.python = document.getElementById("operator").textContent.includes("html.escape");
seen.coloured = document.querySelectorAll("pre.sql .k").length;
seen.wide = document.documentElement.scrollWidth > window.innerWidth;
seen.ground = getComputedStyle(document.body).backgroundColor;
seen.title = document.title;
document.body.insertAdjacentHTML("beforeend", `<output id="seen"></output>`);
document.getElementById("seen").textContent = JSON.stringify(seen);
</script>
"""


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")
@pytest.mark.parametrize(("width", "dark"), [(1400, False), (500, True)])
def test_in_a_browser(tmp_path: Path, width: int, dark: bool) -> None:
    page = tmp_path / "page.html"
    page.write_text(st.explain(queries.graph, "sqlite").html.replace("</body>", f"{_PROBE}</body>"))
    scheme = 0 if dark else 1
    run = subprocess.run(
        [
            str(BROWSER),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},900",
            f"--blink-settings=preferredColorScheme={scheme}",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = re.search(r'<output id="seen">(\{.*?)</output>', run.stdout)
    assert found, run.stdout[-500:]
    seen = json.loads(found.group(1))
    assert seen["first"] == "loud = map"
    assert seen["step"] == "When readings changes"
    assert "users" in seen["still"]
    assert "loud = map" in seen["still"]
    assert "both = outer_join" not in seen["still"]
    assert seen["chosen"] == "loud = map"
    assert seen["python"]
    assert seen["coloured"] > 50
    assert not seen["wide"], "the page scrolls sideways"
    assert seen["ground"] == ("rgb(11, 17, 32)" if dark else "rgb(248, 250, 252)")
