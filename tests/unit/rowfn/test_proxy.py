"""Row functions without a source: recorded, or given up, and never wrong."""

from __future__ import annotations

import datetime
import json
import random
from typing import Any

import pytest

from stepping.compiler.frontend.rows import Pair
from stepping.compiler.schema import EMPTY
from stepping.errors import QueryError
from tests.unit.rowfn.programs import loaded
from tests.unit.rowfn.rows import Colour, Joined, Place, Product
from tests.unit.rowfn.translated import of


def typed(text: str, **scope: Any) -> Any:
    """A function as it is typed at a prompt."""
    names = {"Product": Product, "Pair": Pair, "Colour": Colour, "EMPTY": EMPTY, "rate": 2}
    scope = {**names, **scope}
    exec(f"f = {text}", scope)
    return scope["f"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("lambda p: p.name", Product),
        ("lambda p: (p.name, p.price)", Product),
        ("lambda p: p.left.name", Joined),
        ("lambda p: (p.left.name, p.right.count)", Joined),
        ("lambda p: p.pair[1]", Place),
        ("lambda p: p.price * rate + 1 - -p.price", Product),
        ("lambda p: 3 - p.price", Product),
        ("lambda p: p.price > 3", Product),
        ("lambda p: p.qty == 3", Product),
        ("lambda p: 3 < p.price", Product),
        ("lambda p: p.colour == Colour.RED", Product),
        ("lambda p: p.name.upper() + 'x'", Product),
        ("lambda p: p.name[:2]", Product),
        ("lambda p: Product(name=p.name, price=3)", Product),
        ("lambda p: Pair(p.qty, Pair(p.name, None))", Product),
        ("lambda p: p.taxed(0.5)", Product),
        ("lambda p: p.label", Product),
        ("lambda p: p.greeting()", Product),
        ("lambda p: 3", Product),
        ("lambda p: p", Product),
        ("lambda p: p.qty + 1", Product),
        ("lambda p: (lambda_ := p.name)", Product),
    ],
)
def test_recorded_as_if_the_source_were_there(text: str, kind: Any) -> None:
    found = of(typed(text), kind)
    assert found.scalars is not None, found.reason
    wanted = of(loaded(f"rate = 2\nf = {text}\n"), kind)  # with a source
    assert found.type == wanted.type
    if "3 <" not in text:  # Python asks the row first
        assert found.scalars == wanted.scalars


@pytest.mark.parametrize(
    "text",
    [
        "lambda p: p.qty is None",
        "lambda p: p.name if p.qty else ''",
        "lambda p: p.name or 'x'",
        "lambda p: not p.name",
        "lambda p: f'{p.name}'",
        "lambda p: '%s' % p.name",
        "lambda p: str(p.name)",
        "lambda p: len(p.name)",
        "lambda p: p.name in ('tv', 'radio')",
        "lambda p: 'a' in p.name",
        "lambda p: 1 < p.price < 3",
        "lambda p: isinstance(p.name, str)",
        "lambda p: p.__class__.__name__",
        "lambda p: json.dumps(p.name)",
        "lambda p: now()",
        "lambda p: random.random()",
        "lambda p: (lambda q: q.name)(p)",
        "lambda p: [q for q in (p.name,)][0]",
        "lambda p: max(p.price, 3.0)",
        "lambda p: counter.append(1) or p.name",
    ],
)
def test_given_up_rather_than_guessed(text: str) -> None:
    scope = {"json": json, "random": random, "now": datetime.datetime.now, "counter": []}
    with pytest.raises(QueryError, match=r"there is no source|gives another result"):
        of(typed(text, **scope))
    assert scope["counter"] == []


def test_errors_of_the_query_are_errors_here_too() -> None:
    with pytest.raises(QueryError, match="Product has no field `nme`"):
        of(typed("lambda p: p.nme"))
    with pytest.raises(QueryError, match="is a TypeError in Python"):
        of(typed("lambda p: p.name + 1"))


def test_an_annotation_makes_it_a_python_step() -> None:
    f = typed("lambda p: p.name if p.qty else ''")
    f.__annotations__["return"] = str
    found = of(f)
    assert found.scalars is None
    assert "put the function into a file" in found.reason
    assert str(found.type) == "text"
    assert of(typed("lambda p: p.right"), Joined).scalars is not None
