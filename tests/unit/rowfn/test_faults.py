"""Row functions that cannot be translated, and those that mean nothing."""
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import math
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from stepping.compiler.frontend.rowfn.translate import translate_condition
from stepping.compiler.frontend.rows import Data
from stepping.compiler.schema import Atom, Kind
from tests.unit.rowfn.rows import Colour, Joined, Product, row_type
from tests.unit.rowfn.translated import error_of, marked, of

# ------------------------------------------------------------------------ what cannot be translated


def dumps(p: Product) -> str:
    return json.dumps(p.name)


def unannotated(p):  # type: ignore[no-untyped-def]
    return json.dumps(p.name)


def looped(p: Product) -> int:
    n = p.qty or 0
    while n > 3:
        n -= 1
    return n


def tried(p: Product) -> int:
    try:
        return int(p.name)
    except ValueError:
        return 0


def recursive(n: int) -> int:
    return n * recursive(n - 1) if n else 1


def doubled(p: Product) -> int:
    x = p.qty or 1
    for _ in range(12):
        x = x + x
    return x


def branched(p: Product) -> str:
    x = p.name
    for letter in "abcdefghijklmnopqrst":
        if letter in p.name:
            if p.qty:
                return x
            x = x + letter
    return x


def generated(p: Product) -> Any:
    yield p


class Checked(Data):
    a: int

    def __post_init__(self) -> None:
        assert self.a


class Tree(Data):
    name: str
    children: tuple[Tree, ...] = ()


BIG = 2**70
PLACEHOLDER = "%s"


@pytest.mark.parametrize(
    ("f", "kind", "reason", "fault"),
    [
        (dumps, "text", "calls `json.dumps`, which has no exact SQL", "json.dumps(p.name)"),
        (lambda p: (dumps(p), p.qty), "tuple[text, int | None]",
         "calls `json.dumps`, which has no exact SQL", "json.dumps(p.name)"),
        (lambda p: Product(name=unannotated(p)), "Product",  # type: ignore[no-untyped-call]
         "calls `json.dumps`, which has no exact SQL", "json.dumps(p.name)"),
        (lambda p: p.name == json.dumps(p.name), "bool",
         "calls `json.dumps`, which has no exact SQL", "json.dumps(p.name)"),
        (looped, "int", "`while n > 3:` has no exact SQL", "while n > 3:"),
        (tried, "int", "`try:` has no exact SQL", "try:"),
        (lambda p: recursive(p.qty or 0), "int", "`recursive` calls itself", "recursive(n - 1)"),
        (doubled, "int", "written out as SQL it would have more than 4000 parts", "x + x"),
        (lambda p: Checked(a=1), "Checked", "`Checked` has its own `__post_init__`", "Checked(a=1)"),
        (lambda p: BIG, "int",
         "a constant cannot be stored: constant: 1180591620717411303424 does not fit in 64 bits", None),
        (lambda p: 1 if p.qty == BIG else 2, "int",
         "`p.qty == BIG` has no exact SQL: constant: 1180591620717411303424 does not fit in 64 bits",
         "p.qty == BIG"),
        (lambda p: float("nan"), "float", "a constant cannot be stored", None),
        (lambda p: p.name.split()[0], None, "`p.name.split()` has no exact SQL", "p.name.split()"),
        (lambda p: PLACEHOLDER % p.name, "text", "`PLACEHOLDER % p.name` has no exact SQL", "PLACEHOLDER % p.name"),
        (lambda p: f"{p.price:{p.qty}}", "text", "a format that depends on the row", None),
        (lambda p: p.name[p.qty or 0], "text", "an index that depends on the row", "p.name[p.qty or 0]"),
        (lambda p: math.sin(p.price), "float", "calls `math.sin`", "math.sin(p.price)"),
        (lambda p: str(p), "text", "the text of a whole Product", "str(p)"),
        (lambda p: str(-p.price), "text", "the text of a float that may be -0.0", "str(-p.price)"),
        (lambda p: f"{round(p.price, 2)}", "text", "the text of a float that may be -0.0", None),
        (lambda p: f"{p.price * (p.qty or 0):.2f}", "text", "the text of a float that may be -0.0", None),
        (lambda p: repr(p.name), "text", "calls `repr`", "repr(p.name)"),
        (lambda p: 1 // 0, "int", "`1 // 0` raises ZeroDivisionError", "1 // 0"),
    ],
)
def test_what_cannot_be_translated_has_a_reason_and_a_place(
    f: Callable[..., Any], kind: str | None, reason: str, fault: str | None
) -> None:
    if kind is None or (kind == "int" and fault == "1 // 0"):
        assert reason in str(error_of(f))
        return
    found = of(f)
    assert found.scalars is None
    assert str(found.type) == kind
    assert found.reason.startswith(reason) or reason in found.reason
    assert found.fault is not None
    if fault is not None:
        line, marks = found.fault.text.split("\n")
        assert line[marks.index("^") : marks.rindex("^") + 1] == fault
    assert found.fault.file == __file__
    assert found.python.startswith("Python 3.")


def test_branches_that_multiply_are_given_up() -> None:
    assert of(branched).scalars is None


def test_collected_values_pass_through_and_are_not_looked_into() -> None:
    assert of(lambda t: (t.children, t.name), Tree).scalars is not None
    assert of(lambda t: Tree(name="a", children=t.children), Tree).scalars is not None
    assert of(lambda t: t.children == (), Tree).scalars is not None
    assert of(lambda t: Tree(name=t.name), Tree).scalars is not None
    assert of(lambda t: t.children == (1,), Tree).scalars is None
    assert of(lambda t: len(t.children), Tree).scalars is None


def test_without_a_type_there_is_no_python_step() -> None:
    error = error_of(unannotated)
    assert error.message == (
        "st.map f=: the type of what `unannotated` returns is not known "
        "(calls `json.dumps`, which has no exact SQL)"
    )
    assert marked(error) == "json.dumps(p.name)"
    assert error.hint == "annotate what the function returns: def f(row: Row) -> str"


def test_a_condition_needs_no_annotation() -> None:
    found = translate_condition(unannotated, (row_type(Product),), what="st.filter f=")
    assert found.type == Atom(Kind.BOOL)
    assert found.scalars is None
    assert found.call(Product(name="a")) is True


# ---------------------------------------------------------------------------- what means nothing


@dataclass(frozen=True)
class Unordered:
    a: int


@pytest.mark.parametrize(
    ("f", "message", "place"),
    [
        (lambda p: p.nme, "Product has no field `nme`: it has price, name, qty, colour, level", "p.nme"),
        (lambda p: p.name.uper(), "`p.name.uper`: str has no attribute `uper`", "p.name.uper"),
        (lambda p: p.name + 1, "`p.name + 1` is a TypeError in Python", "p.name + 1"),
        (lambda p: p.name < 3, "`p.name < 3` is a TypeError in Python", "p.name < 3"),
        (lambda p: p.colour < Colour.RED, "is a TypeError in Python", "p.colour < Colour.RED"),
        (lambda p: Unordered(1) < Unordered(p.qty or 0), "there is no `<` of Unordered and Unordered",  # type: ignore[operator]
         "Unordered(1) < Unordered(p.qty or 0)"),
        (lambda p: Product(price=3), "missing a required argument: 'name'", "Product(price=3)"),  # type: ignore[call-arg]
        (lambda p: Product(name="a", nme="x"), "unexpected keyword argument 'nme'", None),  # type: ignore[call-arg]
        (lambda p: Product(name=3), "Product.name: expected str, got int 3", "3"),  # type: ignore[arg-type]
        (lambda p: Product(name="a", qty=True), "Product.qty: expected int, got bool True", "True"),
        (lambda p: Product(name="a", qty=p.qty == 1), "Product.qty: expected int | None, got bool",
         "p.qty == 1"),
        (lambda p: Product(name="a", qty=p.price), "Product.qty: expected int | None, got float", "p.price"),
        (lambda p: Product(name=None), "Product.name: expected str, got None", "None"),  # type: ignore[arg-type]
        (lambda p: dataclasses.replace(p, nme=1), "Product has no field `nme`", None),
        (lambda p: [p.name], "it returns a list, which cannot be stored", None),
        (lambda p: {"a": 1}, "it returns a dict, which cannot be stored", None),
        (lambda p: p.greeting, "it returns a function, which cannot be stored", None),
        (lambda p: nowhere, "the name `nowhere` is not defined", "nowhere"),  # type: ignore[name-defined]  # noqa: F821
        (lambda p: math.py, "module 'math' has no attribute 'py'", "math.py"),  # type: ignore[attr-defined]
        (lambda p: Colour.PINK, "`Colour.PINK`", "Colour.PINK"),  # type: ignore[attr-defined]
        (lambda p: p.price(), "`p.price()` calls a float, which is no function", "p.price()"),
        (lambda p: p.taxed(1, 2), "`taxed(self, rate=0.25)`: too many positional arguments",
         "p.taxed(1, 2)"),
        (lambda p: p[0], "a Product has fields, not items", "p[0]"),
        (lambda p: (1, 2)[5], "tuple index out of range", "(1, 2)[5]"),  # type: ignore[misc]
        (lambda p: p.name.upper(1), "is a TypeError in Python", "p.name.upper(1)"),
        (lambda p: [x.y for x in p], "a Product is not iterable", "p"),
        (lambda p: f"{p.name:d}", "is a TypeError in Python: Unknown format code", "p.name"),
        (lambda p, q: p, "missing a required argument: 'q'", "lambda p, q: p"),
        (lambda: 1, "too many positional arguments", "lambda: 1"),
    ],
)
def test_errors_say_what_is_wrong_and_where(
    f: Callable[..., Any], message: str, place: str | None
) -> None:
    error = error_of(f)
    assert error.message.startswith("st.map f=: ")
    assert message in error.message
    assert error.where is not None
    assert error.where.startswith(f"{__file__}:")
    if place is not None:
        assert marked(error) == place


def test_a_field_that_only_a_branch_reads_is_looked_up_too() -> None:
    assert "no field `nme`" in error_of(lambda p: p.right.nme if p.left.qty else 1, Joined).message


CLOCKS: list[Callable[..., Any]] = [
    lambda p: datetime.datetime.now(),  # noqa: DTZ005
    lambda p: (p.name, datetime.date.today()),  # noqa: DTZ011
    lambda p: p.price + time.time(),
    lambda p: p.price * random.random(),
    lambda p: random.choice(["a", "b"]),
    lambda p: uuid.uuid4(),
    lambda p: id(p.name) if p.qty else 0,
    lambda p: hash(p.name),
    lambda p: json.dumps(time.time_ns()),
    lambda p: stamped(p),
    functools.partial(lambda clock, p: clock(), time.time),
    lambda p: p.name if p.qty else str(random.Random().random()),
]


def stamped(p: Product) -> str:
    text = json.dumps(p.name)
    while len(text) < 3:
        text += str(random.random())
    return text


@pytest.mark.parametrize("f", CLOCKS)
def test_what_changes_from_call_to_call_is_refused(f: Callable[..., Any]) -> None:
    error = error_of(f)
    assert "gives another result each time" in error.message
    assert error.hint is not None
    assert "a row function must give the same result each time" in error.hint
