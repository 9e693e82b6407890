"""What tells values of a database's own types apart that are equal, and not the same."""

from __future__ import annotations

from stepping.compiler.ir.scalar import Native, Scalar
from stepping.compiler.schema import Atom, DatabaseType, Kind

# The collation of the words, if they have one.
_TEXTS = {
    collation: Atom(Kind.NATIVE, native=DatabaseType("text", collation))
    for collation in ('"C"', "")
}


def image(scalar: Scalar) -> Scalar:
    """What is equal only for values that are the same: the value itself, or a text of it."""
    native = scalar.type.native
    if native is None or not native.image:
        return scalar
    front, _, behind = native.image.partition("{0}")
    atom = _TEXTS['"C"' if '"C"' in native.image else ""]
    return Native((front, behind), (scalar,), atom.optional() if scalar.type.nullable else atom)
