"""What a row of the function table is, and how its argument types are written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from stepping.compiler.packing import check_of
from stepping.compiler.schema import BOOL, Atom, Kind

Types = tuple[Atom, ...]
Result = Callable[[Types], Atom | None]

# Revisions of functions, by name, that are not the first: stored rows that an older one made are
# not taken for those of a newer one. Raise it here when a function's result changes for some value.
REVISIONS: dict[str, int] = {}


@dataclass(frozen=True)
class Function:
    """One row: a function of non-null atoms that a database may spell.

    ``python`` is the meaning on canonical values. Its result is then brought into canonical form
    (`fit`), which may raise: an int has 64 bits, a float is not NaN.
    """

    name: str  # "<kind>.<operation>", or the bare operation where it is for many kinds
    python: Callable[..., Any]
    result: Result  # the result's type; None where the argument types do not fit
    partial: bool = False  # it raises for some arguments
    constant: tuple[int, ...] = ()  # positions of arguments that must be constants
    note: str = ""  # the trap
    label: str = ""  # how a user writes it

    def __str__(self) -> str:
        return self.label or self.name


def fit(value: Any, atom: Atom, what: str = "result") -> Any:
    """``value`` in the canonical form of its type, or a `RowError`: what a column could hold."""
    if value is None and atom.nullable:
        return None
    return check_of(atom)(value, atom, what)


def takes(*arguments: Kind | tuple[Kind, ...], gives: Atom) -> Result:
    """Exactly these kinds of arguments. A tuple lists what one argument may be."""
    allowed = [kind if isinstance(kind, tuple) else (kind,) for kind in arguments]

    def result(types: Types) -> Atom | None:
        if len(types) != len(allowed):
            return None
        fits = all(t.kind in kinds for t, kinds in zip(types, allowed, strict=True))
        return gives if fits else None

    return result


def either(*results: Result) -> Result:
    """The first of several signatures that fits."""

    def result(types: Types) -> Atom | None:
        return next((atom for r in results if (atom := r(types)) is not None), None)

    return result


NUMBERS = (Kind.INT, Kind.FLOAT)
ORDERED = (
    *(Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.TEXT, Kind.BYTES, Kind.DECIMAL),
    *(Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP, Kind.TIME, Kind.UUID),
)


def comparable(kinds: tuple[Kind, ...]) -> Result:
    """Two of the same type; also an int with a float, and scaled decimals of any scales."""

    def result(types: Types) -> Atom | None:
        if len(types) != 2:
            return None
        left, right = (t.required() for t in types)
        if left.kind not in kinds or right.kind not in kinds:
            return None
        if left == right or (left.kind in NUMBERS and right.kind in NUMBERS):
            return BOOL
        scaled = left.kind is right.kind is Kind.DECIMAL
        return BOOL if scaled and None not in (left.scale, right.scale) else None

    return result


def alike(kinds: tuple[Kind, ...], *, least: int = 2) -> Result:
    """Two or more of one type, which is also the result's."""

    def result(types: Types) -> Atom | None:
        required = {t.required() for t in types}
        if len(types) < least or len(required) != 1:
            return None
        (atom,) = required
        return plain(atom) if atom.kind in kinds else None

    return result


def plain(atom: Atom) -> Atom:
    """The type without what holds for one column only: None, and a Literal's choices."""
    return replace(atom, nullable=False, choices=())
