"""What a row function becomes: its type, its columns, its fault, or an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import pytest

from stepping.compiler import ir
from stepping.compiler.frontend.rowfn.translate import (
    arguments_schema,
    translate,
    translate_condition,
)
from stepping.compiler.frontend.rows import Data, Empty, Pair, Scale, type_of
from stepping.compiler.ir.scalar import is_partial
from stepping.compiler.schema import EMPTY, Atom, Build, Kind, Missing, Struct, schema_of
from tests.support.interpret import Raised, run
from tests.unit.rowfn.rows import Colour, Item, Joined, Money, Place, Point, Product, row_type
from tests.unit.rowfn.translated import error_of, of

T = TypeVar("T")


# ------------------------------------------------------------------------------------------ types


class Wide(Data):
    amount: Decimal
    cents: Annotated[Decimal, Scale(2)] = Decimal(0)
    ratio: float = 0.0
    note: str | None = None
    size: Literal["s", "m"] = "s"


@dataclass(frozen=True)
class Box(Generic[T]):
    content: T
    weight: float


class Triple(NamedTuple):
    a: float
    b: str | None
    c: int = 3


def test_the_type_is_that_of_the_result() -> None:
    assert str(of(lambda p: p.name).type) == "text"
    assert str(of(lambda p: p.qty).type) == "int | None"
    assert str(of(lambda p: (p.qty, p.price)).type) == "tuple[int | None, float]"
    assert str(of(lambda p: Pair(p.name, None)).type) == "Pair[text, null]"
    assert str(of(lambda p: p.right, Joined).type) == "Item | Empty"
    assert str(of(lambda p: p.product, Place).type) == "Product | None"
    error = error_of(lambda p: p.product or p.money, Place)
    assert "it returns Product for some rows" in error.message
    assert str(of(lambda p: p.name if p.qty else EMPTY).type) == "text | Empty"
    assert of(lambda p: EMPTY).type == type_of(Empty)
    assert of(lambda p: Triple(1, None)).type == type_of(Triple)
    assert str(of(lambda p: Box(p.name, 1)).type) == "Box[text, float]"
    assert of(lambda p: Box[str | None](None, 1)).type == type_of(Box[str | None])


def test_types_build_what_python_would_build() -> None:
    found = of(lambda p: p.colour).type
    assert isinstance(found, Atom)
    assert found.python is Colour
    pair = of(lambda p: Pair(p, 1)).type
    assert isinstance(pair, Struct)
    assert (pair.cls, pair.build) == (Pair, Build.POSITIONAL)
    left = pair.field("left")
    assert isinstance(left, Struct)
    assert left.cls is Product


def test_scalars_are_those_of_the_schema() -> None:
    for f, types in (
        (lambda p: p, (Place,)),
        (lambda p: (p.right, p.left.qty), (Joined,)),
        (lambda p: Pair(p.product, p.point), (Place,)),
        (lambda p: EMPTY, (Product,)),
        (lambda p: (), (Product,)),
    ):
        found = of(f, *types)
        assert found.scalars is not None
        assert len(found.scalars) == len(schema_of(found.type))


def test_rows_pass_through_as_they_are_stored() -> None:
    for kind in (Place, Joined, Point, tuple[int, str]):
        found = of(lambda p: p, kind)
        columns = schema_of(row_type(kind)).columns
        assert found.scalars == tuple(ir.ColumnRef(c.name, c.type) for c in columns)
    right = of(lambda p: p.right, Joined)
    columns = schema_of(row_type(Joined)).columns[-5:]
    assert right.scalars == tuple(ir.ColumnRef(c.name, c.type) for c in columns)


def test_values_are_converted_where_they_are_stored() -> None:
    found = of(lambda p: Wide(amount=1, cents=p.qty or 0, ratio=p.qty or 0))  # type: ignore[arg-type]
    assert found.scalars is not None
    assert [s.type.kind for s in found.scalars[:3]] == [Kind.DECIMAL, Kind.DECIMAL, Kind.FLOAT]
    assert found.scalars[0] == ir.Const(Decimal(1), Atom(Kind.DECIMAL))
    assert found.scalars[1].type.scale == 2
    # Until then a value is what it was given as: here an int.
    assert of(lambda p: str(Wide(amount=1, ratio=3).ratio)).scalars == (  # type: ignore[arg-type]
        ir.Const("3", Atom(Kind.TEXT)),
    )


def test_an_annotation_widens_the_type_and_does_not_narrow_it() -> None:
    def as_float(p: Product) -> float:
        return 3

    def maybe(p: Product) -> str | None:
        return p.name

    def mixed(p: Product) -> float:
        return 1 if p.qty else 2.5

    def wrong(p: Product) -> str:
        return p.qty  # type: ignore[return-value]

    def anything(p: Product) -> Any:
        return p.qty

    assert str(of(as_float).type) == "float"
    assert str(of(maybe).type) == "text | None"
    assert str(of(mixed).type) == "float"
    assert of(mixed).scalars is not None
    assert str(of(wrong).type) == "int | None"
    assert str(of(anything).type) == "int | None"


def test_two_types_in_one_column() -> None:
    error = error_of(lambda p: 1 if p.qty else 2.5)
    assert "it returns int for some rows and float for others" in error.message
    assert error.hint is not None
    assert "one type for all rows" in error.hint
    # Where the field is a float it is one.
    assert of(lambda p: Product(name="a", price=1 if p.qty else 2.5)).scalars is not None


def test_several_arguments_have_the_columns_of_a_tuple() -> None:
    kinds = (row_type(Point), row_type(str))
    assert arguments_schema(kinds).names == ("0_x", "0_y", "1")
    found = translate(lambda p, s: (s, p.x), kinds, what="f=")
    assert found.scalars == (
        ir.ColumnRef("1", Atom(Kind.TEXT)),
        ir.ColumnRef("0_x", Atom(Kind.INT)),
    )


def test_no_arguments_give_a_constant() -> None:
    assert translate(float, (), what="zero=").scalars == (ir.Const(0.0, Atom(Kind.FLOAT)),)
    assert translate(int, (), what="zero=").scalars == (ir.Const(0, Atom(Kind.INT)),)
    assert translate(lambda: Decimal("1.50"), (), what="zero=").scalars == (
        ir.Const(Decimal("1.5"), Atom(Kind.DECIMAL)),
    )
    found = translate(lambda: Product(name="a"), (), what="zero=")
    assert found.scalars is not None
    assert all(isinstance(scalar, ir.Const) for scalar in found.scalars)


def test_meaning_is_identity() -> None:
    rate = 2

    def one(p: Product) -> float:
        """Documented."""
        return p.price * rate

    assert of(one) == of(lambda q: q.price * 2)
    assert of(one) != of(lambda q: q.price * 2.5)
    assert of(one).python == ""
    # Nor does what may be raised tell how it was written.
    assert of(lambda p: p.qty + p.best(p).qty) == of(lambda q: q.qty + q.best(q).qty)
    assert of(lambda p: p.right.count, Joined) == of(lambda q: (q.right).count, Joined)


# ------------------------------------------------------------------------------ what can be raised


def test_none_raises_where_python_raises() -> None:
    found = of(lambda p: p.qty + 1)
    kinds = (row_type(Product),)
    assert run(found, (Product(name="a", qty=2),), kinds) == 3
    message = r"^TypeError: there is None in `qty`, where a value is needed \(where name is a\)$"
    with pytest.raises(Raised, match=message):
        run(found, (Product(name="a"),), kinds)


@pytest.mark.parametrize(
    "f",
    [
        lambda p: p.qty.bit_length() if p.qty else 0,
        lambda p: p.qty is not None and p.qty > 3,
        lambda p: p.qty is None or p.qty > 3,
        lambda p: not (p.qty is None or p.qty < 3),
        lambda p: str(p.qty == 3 and p.qty < 4),
        lambda p: -1 < (p.qty or 0) < 3,
        lambda p: (n := p.qty) is not None and n < 3,
        lambda p: 3 if p.qty is None else p.qty,
    ],
)
def test_narrowing_leaves_nothing_to_raise(f: Callable[..., Any]) -> None:
    found = translate_condition(f, (row_type(Product),), what="f=")
    assert found.scalars is not None or "bit_length" in found.reason
    assert not any(map(is_partial, found.scalars or ()))


def test_optional_rows_are_narrowed() -> None:
    narrowed = of(lambda p: 0 if isinstance(p.right, Empty) else p.right.count, Joined)
    assert not any(map(is_partial, narrowed.scalars or ()))
    assert is_partial(of(lambda p: p.right.count, Joined).scalars[0])  # type: ignore[index]


def test_what_may_raise_stands_in_a_case_only() -> None:
    found = translate_condition(
        lambda i: i.basket != 0 and 1 / i.basket > 2, (row_type(Item),), what="f="
    )
    assert isinstance(found.scalars[0], ir.Case)  # type: ignore[index]
    total = translate_condition(
        lambda i: i.basket != 0 and i.count > 2, (row_type(Item),), what="f="
    )
    assert isinstance(total.scalars[0], ir.And)  # type: ignore[index]


def test_a_message_depends_on_a_column() -> None:
    def fails(p: Product) -> int:
        if p.price > 3:
            raise ValueError("dear")
        return 1

    found = of(fails)
    assert found.scalars is not None
    messages = [part for part in _parts(found.scalars[0]) if isinstance(part, ir.Raise)]
    assert messages
    assert all(any(isinstance(p, ir.ColumnRef) for p in _parts(m)) for m in messages)


def _parts(scalar: ir.Scalar) -> list[ir.Scalar]:
    return [scalar, *(p for child in ir.scalar.children(scalar) for p in _parts(child))]


# --------------------------------------------------------------------------------- captured values


def test_captured_values_are_read_once() -> None:
    names = ["tv"]
    rate = 2
    found = of(lambda p: (p.name in names, p.price * rate))
    names.append("radio")
    rate = 3
    assert found == of(lambda p: (p.name in ["tv"], p.price * 2))
    assert rate == 3


def test_closures_in_a_loop_are_python_s() -> None:
    late = [lambda n: n * i for i in range(3)]  # noqa: B023
    early = [lambda n, i=i: n * i for i in range(3)]
    assert [of(f, int) for f in late] == [of(lambda n: n * 2, int)] * 3
    assert [of(f, int) for f in early] == [of(lambda n, k=k: n * k, int) for k in range(3)]


def test_sets_are_taken_apart_in_one_order() -> None:
    names = {"b", "a", "c"}
    found = of(lambda p: p.name in names)
    assert found == of(lambda p: p.name in ("a", "b", "c"))


def test_captured_rows_and_enums() -> None:
    best = Product(name="tv", price=3)
    cheap = Money(Decimal("1.5"))
    assert of(lambda p: p.price > best.price) == of(lambda p: p.price > 3)
    assert of(lambda p: best).type == row_type(Product)
    assert of(lambda p: best).scalars is not None
    assert of(lambda p: (p == best, cheap.amount)).scalars is not None


def test_missing_rows_keep_their_kind() -> None:
    found = of(lambda p: p.right if p.left.qty else EMPTY, Joined)
    assert isinstance(found.type, Struct)
    assert found.type.missing is Missing.EMPTY
    mixed = of(lambda p: p.right if p.left.qty else None, Joined)
    assert str(mixed.type) == "Item | None | Empty"
    assert mixed.scalars is not None
