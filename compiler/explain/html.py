"""The page of `explain`: one file that loads nothing, with the graph, its tables and its SQL."""

from __future__ import annotations

import json
from importlib import resources

from stepping.compiler.explain.drawing import shapes, shown
from stepping.compiler.explain.layout import drawing_of
from stepping.compiler.explain.model import Model, to_dict

# Whatever is in the names and texts of a query, the page asks nobody for anything.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page_of(model: Model) -> str:
    """The whole page."""
    files = resources.files("stepping.compiler.explain")
    style = files.joinpath("page.css").read_text(encoding="utf-8")
    script = files.joinpath("page.js").read_text(encoding="utf-8")
    drawn = drawing_of(model)
    size = f"{drawn.width:.0f}", f"{drawn.height:.0f}"
    marks = "".join(f'<li class="{kind}">{shown(text)}</li>' for kind, text in _marks(model))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{shown(model.query)} on {shown(model.dialect)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{shown(model.query)} <span class="soft">on {shown(model.dialect)}</span></h1>
<ul class="marks">{marks}</ul>
</header>
<main>
<nav aria-label="changed input"><span class="soft">When this changes:</span></nav>
<div id="graph" class="card">
<svg width="{size[0]}" height="{size[1]}" viewBox="0 0 {size[0]} {size[1]}" role="group">
{shapes(drawn)}
</svg>
</div>
<div class="columns">
<section id="operator" class="card" aria-live="polite"></section>
<section id="step" class="card"></section>
</div>
</main>
<script type="application/json" id="data">{_json(model)}</script>
<script>
{script}</script>
</body>
</html>
"""


def _json(model: Model) -> str:
    # "</script>" in a string would end the element, "<!--" change how it is read.
    return json.dumps(to_dict(model)).replace("<", "\\u003c")


def _marks(model: Model) -> list[tuple[str, str]]:
    """What somebody with a minute wants to know."""
    recomputed, python, scans = len(model.recomputed), len(model.in_python), len(model.scans)
    found = [("", "nothing is recomputed")]
    if recomputed:
        found = [("bad", f"{recomputed} recomputed in each step")]
    found.append(("", f"{python} Python step{'' if python == 1 else 's'}"))
    if scans:
        found.append(("bad", f"{scans} scan{'' if scans == 1 else 's'} of a kept table"))
    else:
        found.append(("", "no scan of a kept table"))
    found.append(("", f"{len(model.tables)} tables kept"))
    found.append(("", f"fingerprint {model.fingerprint[:12]}"))
    return found
