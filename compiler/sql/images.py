"""What tells values apart that are equal and not the same: 1.0 and 1.00, '1 day' and '24 hours'.

Groups, joins and sets go by what is equal. Which row is which, and which rows around a subquery
its rows belong to, goes by what is the same: there a text stands for a value, its image.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepping.compiler import ir
from stepping.compiler.schema import Atom, DatabaseType, Kind
from stepping.compiler.sql.native import native

# The images of values that are equal, and not the same.
IMAGES = Atom(Kind.NATIVE, native=DatabaseType("text[]", '"C"', as_text=True))


def is_varied(scalar: ir.Scalar) -> bool:
    """Whether values that are equal may differ."""
    return scalar.type.native is not None and scalar.type.native.varied


def is_imaged(scalar: ir.Scalar) -> bool:
    """Whether a text tells equal values apart, of which a cast makes them again."""
    return scalar.type.native is not None and scalar.type.native.shown_again


def is_told_apart(scalar: ir.Scalar) -> bool:
    """Whether a text tells equal values apart that may differ."""
    return scalar.type.native is not None and bool(scalar.type.native.image)


def imaged(scalar: ir.Scalar) -> ir.Scalar:
    """What is equal only for values that are the same."""
    return ir.image(scalar) if is_told_apart(scalar) else scalar


def comparable(scalars: Sequence[ir.Scalar]) -> list[ir.Scalar]:
    """Values by which rows belong together, as texts where their types know no equality."""
    return [
        ir.image(each) if each.type.native is not None and each.type.native.unequal else each
        for each in scalars
    ]


def unimaged(image: ir.Scalar, of: ir.Scalar) -> ir.Scalar:
    """The value again, of what `imaged` made of it."""
    if not is_imaged(of):
        return image
    of_type = of.type.native
    assert of_type is not None
    collate = f" COLLATE {of_type.collation}" if of_type.collation else ""
    return native(f"CAST({{0}} AS {of_type.name}){collate}", (image,), of.type)
