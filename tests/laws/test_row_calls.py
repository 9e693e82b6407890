"""What Python's operators, builtins, methods and format specs become means what they mean.

No database: the scalars are evaluated by the Python functions of their rows.
"""

from __future__ import annotations

import enum
import itertools
import operator
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from functools import partial
from random import Random
from typing import Any

import pytest

from stepping.compiler import ir
from stepping.compiler.bounds import computed_atom
from stepping.compiler.exact import EXACT
from stepping.compiler.frontend.rowfn import functions
from stepping.compiler.frontend.rowfn.functions import fit
from stepping.compiler.frontend.rowfn.functions_calls import atom_of
from stepping.compiler.schema import INT, TEXT, Atom, Kind
from stepping.errors import RowError
from tests.support.interpret import interpret
from tests.support.scalars import ATOMS, FAILURES, identical, value

ROUNDS = 60
Build = Callable[..., ir.Scalar]


class Size(enum.IntEnum):
    NONE = 0
    SMALL = 1
    LARGE = 10


class Word(enum.StrEnum):
    EMPTY = ""
    one = "One"


ENUMS = {name: atom_of(next(iter(cls))) for name, cls in (("size", Size), ("word", Word))}
TYPES = ATOMS | ENUMS


def drawn(atom: Atom, random: Random) -> Any:
    if atom.python in (Size, Word):
        return random.choice(list(atom.python))
    return value(atom, random, nul=True)


def check(build: Build, python: Callable[..., Any], atoms: Sequence[Atom], random: Random) -> bool:
    """The scalar that ``build`` makes of columns means ``python``; False if there is none."""
    columns = [ir.ColumnRef(f"c{i}", atom) for i, atom in enumerate(atoms)]
    try:
        scalar = build(*columns)
    except LookupError:
        return False
    for _ in range(ROUNDS):
        args = [
            None if atom.nullable and random.random() < 0.3 else drawn(atom.required(), random)
            for atom in atoms
        ]
        row = {column.name: arg for column, arg in zip(columns, args, strict=True)}
        assert same_meaning(scalar, row, partial(python, *args)), (args, scalar)
    return True


def same_meaning(scalar: ir.Scalar, row: dict[str, Any], python: Callable[[], Any]) -> bool:
    try:
        with localcontext(EXACT):
            expected = fit(python(), computed_atom(scalar.type))
    except FAILURES:
        try:
            interpret(scalar, row)
        except FAILURES:
            return True
        return False
    try:
        return identical(interpret(scalar, row), expected)
    except RowError as error:
        # A Decimal with a scale has 64 bits, also on the way to a result that has them; and a float
        # is finite on the way to what is no float.
        return "64 bits with scale" in str(error) or "is not finite" in str(error)


BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}


@pytest.mark.parametrize("op", BINARY)
def test_binary_operators(op: str) -> None:
    random = Random(op)
    known = {
        (a.kind, b.kind)
        for a, b in itertools.product(TYPES.values(), repeat=2)
        if check(lambda x, y: functions.binary(op, x, y), BINARY[op], (a, b), random)
    }
    expected = {(left, right) for name, left, right in functions.BINARY if name == op}
    assert expected - known <= {(Kind.TEXT, Kind.INT)}  # which takes a constant


@pytest.mark.parametrize("number", [-2, -1, 0, 1, 2, 3, 40, 62, 63, 64])
@pytest.mark.parametrize(
    "operation", [operator.lshift, operator.rshift, operator.pow, operator.mul, operator.add]
)
def test_operators_with_a_constant(operation: Callable[..., Any], number: int) -> None:
    signs = {operator.lshift: "<<", operator.rshift: ">>", operator.pow: "**"}
    op = signs.get(operation) or next(op for op, known in BINARY.items() if known is operation)
    constant = functions.constant(number)
    random = Random(number)
    for atom in TYPES.values():
        check(
            lambda x: functions.binary(op, x, constant),
            lambda x: operation(x, number),
            [atom],
            random,
        )
        check(
            lambda x: functions.binary(op, constant, x),
            lambda x: operation(number, x),
            [atom],
            random,
        )


COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@pytest.mark.parametrize("op", COMPARISONS)
def test_comparisons(op: str) -> None:
    random = Random(op)
    kinds = [*TYPES.values()]
    if op in ("==", "!="):
        kinds += [atom.optional() for atom in TYPES.values()]
    for a, b in itertools.product(kinds, repeat=2):
        spelled = check(lambda x, y: functions.compare(op, x, y), COMPARISONS[op], (a, b), random)
        ordered = a.kind is not Kind.ENUM or a.python is not ATOMS["enum"].python
        assert spelled or a != b or not ordered


@pytest.mark.parametrize("nullable", [False, True])
def test_truth_and_text(*, nullable: bool) -> None:
    random = Random(0)
    for atom in TYPES.values():
        of = atom.optional() if nullable else atom
        assert check(functions.truth, bool, [of], random)
        assert check(functions.to_text, str, [of], random) or atom.kind is Kind.BYTES
        assert check(lambda x: functions.unary("not", x), operator.not_, [of], random)
    none = functions.constant(None)
    assert functions.truth(none) == functions.constant(False)
    assert functions.to_text(none) == functions.constant("None")


def test_unary_operators() -> None:
    random = Random(0)
    for op, python in (("-", operator.neg), ("+", operator.pos), ("~", operator.invert)):
        for atom in TYPES.values():
            if atom.kind is Kind.BOOL and op == "~":
                continue  # deprecated in Python
            check(lambda x, op=op: functions.unary(op, x), python, [atom], random)


SPECS = [
    *("", "d", "5", "05d", "5d", ",", "_d", "+d", " d", "<8", ">8", "^8", "*^9", "=+7d", "é>6"),
    *("x", "#x", "b", "010,d", "=8", "0=8", ".2f", ".0f", "f", "8.3f", "08.3f", "+.1f", ",.2f"),
    *("012,.1f", "_.3f", "e", ".3e", "g", ".5g", "G", "%", ".1%", ",.0%", "+,.1%", ">12.2%", "F"),
    *("s", ".3", ">6.2", "<6s", "^7.4s", "05", "10", "z.1f", "c", "n", "<05d", "-5.1f", ".3s"),
    *("%Y-%m-%d", "%d.%m.%y", "%H:%M", "%H:%M:%S.%f", "%j", "%A", "%%", "on %Y/%m", "%s", "ü%Y"),
]


@pytest.mark.parametrize("spec", SPECS)
def test_format_specs(spec: str) -> None:
    random = Random(spec)
    for atom in TYPES.values():
        check(lambda x: functions.formatted(x, spec), lambda x: format(x, spec), [atom], random)


def test_common_format_specs_have_rows() -> None:
    wanted = {
        "int": ["d", ",", "05d", ">10", "<10", "+d"],
        "float": [".2f", ".0f", ",.2f", ".1%", ">10.2f", "08.2f"],
        "text": [">10", "<10", "^10", ".3"],
        "decimal_2": [".2f", ",.2f", ">10"],
        "decimal": [".2f"],
        "bool": ["d"],
        "date": ["%Y-%m-%d"],
        "datetime": ["%Y-%m-%d %H:%M"],
        "timestamp": ["%d.%m.%Y"],
        "time": ["%H:%M"],
    }
    for name, specs in wanted.items():
        for spec in specs:
            functions.formatted(ir.ColumnRef("x", ATOMS[name]), spec)


# What a method or builtin may be given besides its receiver; None is no argument.
ARGUMENTS: list[tuple[Any, ...]] = [
    *((), ("",), ("a",), ("ab",), ("é",), (" ",), ("\0",), (None,), (0,), (2,), (7,), (-1,)),
    *((5, "*"), (5, "xy"), (6, "\0"), ("a", "b"), ("", "-"), ("utf-8",), ("T",), (" ",), ("%Y",)),
]


@pytest.mark.parametrize(("kind", "name"), functions.METHODS, ids=str)
def test_methods(kind: Kind, name: str) -> None:
    random = Random(name)
    atom = next(atom for atom in ATOMS.values() if atom.kind is kind)
    found = False
    for args in ARGUMENTS:
        constants = tuple(map(functions.constant, args))
        found |= check(
            lambda x, constants=constants: functions.method(x, name, constants),
            lambda x, args=args: getattr(x, name)(*args),
            [atom],
            random,
        )
    found |= check(
        lambda x, y: functions.method(x, name, (y,)),
        lambda x, y: getattr(x, name)(y),
        [atom, TEXT],
        random,
    )
    assert found


@pytest.mark.parametrize(("kind", "name"), functions.ATTRIBUTES, ids=str)
def test_attributes(kind: Kind, name: str) -> None:
    for atom in TYPES.values():
        if atom.kind is kind and (kind is not Kind.ENUM or atom.python is not ATOMS["enum"].python):
            assert check(
                lambda x: functions.attribute(x, name),
                lambda x: getattr(x, name),
                [atom],
                Random(name),
            )


@pytest.mark.parametrize("name", functions.BUILTINS)
def test_builtins(name: str) -> None:
    python = functions.builtin_object(name)
    random = Random(name)
    found = False
    for count in (1, 2, 3):
        for atoms in itertools.product(TYPES.values(), repeat=count):
            if count < 3 or len(set(atoms)) == 1:
                found |= check(lambda *args: functions.builtin(name, args), python, atoms, random)
    for args in ARGUMENTS:
        constants = tuple(map(functions.constant, args))
        for atom in TYPES.values():
            check(
                lambda x, constants=constants: functions.builtin(name, (x, *constants)),
                lambda x, args=args: python(x, *args),
                [atom],
                random,
            )
    assert found
    assert functions.builtin_name(python) == name


def test_items_and_slices() -> None:
    bounds = (None, 0, 2, -1, -3, 2**70, -(2**70))
    for atom in (TEXT, ATOMS["bytes"]):
        for index in (0, 1, -1, -4):
            at = functions.constant(index)
            assert check(
                lambda x, at=at: functions.item(x, at),
                lambda x, index=index: x[index],
                [atom],
                Random(0),
            )
        for start, stop in itertools.product(bounds, repeat=2):
            assert check(
                lambda x, a=start, b=stop: functions.sliced(x, a, b),
                lambda x, a=start, b=stop: x[a:b],
                [atom],
                Random(0),
            )
    reverse: Build = lambda x: functions.sliced(x, None, None, -1)  # noqa: E731
    assert check(reverse, lambda x: x[::-1], [TEXT], Random(0))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda x: functions.binary("/", x, functions.constant(Decimal(2))), "Decimal / Decimal"),
        (lambda x: functions.builtin("max", (x, functions.constant(0.0))), "make them one type"),
        (lambda x: functions.method(x, "bit_length", ()), "no equivalent"),
        (lambda x: functions.binary("**", x, x), "a constant exponent"),
        (lambda x: functions.formatted(x, "n"), "the locale"),
        (lambda x: functions.call("no.such", x), "no function no.such"),
        (lambda x: functions.binary("//", functions.constant(1), functions.constant(0)), "raises"),
    ],
)
def test_reasons(build: Build, reason: str) -> None:
    with pytest.raises(LookupError, match=reason):
        build(ir.ColumnRef("x", INT))
