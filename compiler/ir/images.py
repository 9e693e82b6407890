"""What tells values of a database's own types apart that are equal, and not the same."""

from __future__ import annotations

from stepping.compiler.ir.scalar import Native, Scalar
from stepping.compiler.schema import Atom, DatabaseType, Kind

_TEXT = Atom(Kind.NATIVE, native=DatabaseType("text", '"C"'))


def image(scalar: Scalar) -> Scalar:
    """What is equal only for values that are the same: the value itself, or a text of it."""
    native = scalar.type.native
    if native is None or not native.image:
        return scalar
    front, _, behind = native.image.partition("{0}")
    atom = _TEXT.optional() if scalar.type.nullable else _TEXT
    return Native((front, behind), (scalar,), atom)
