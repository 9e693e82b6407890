"""Exact sums of floats on SQLite, as texts: ``3p-1`` is three halves.

A float is a whole number times a power of two, and so is every sum of floats. The text has the
number, odd or 0, and the power, so that equal sums have equal texts. Where the rows of a sum have
gone, nothing of them is left.
"""

from __future__ import annotations

ZERO = "0p0"
FAULT = "fault"  # of what is no finite float, as a product that is too large; it stays one


_INFINITY = float("inf")


def of_float(value: float) -> tuple[int, int]:
    """A number and a power of two of which it is a multiple."""
    number, power = value.as_integer_ratio()
    return number, 1 - power.bit_length()


def read(text: str) -> tuple[int, int]:
    number, _, power = text.partition("p")
    return int(number), int(power)


def written(number: int, power: int) -> str:
    if not number:
        return ZERO
    zeros = (number & -number).bit_length() - 1
    return f"{number >> zeros}p{power + zeros}"


def plus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    (m, i), (n, j) = a, b
    if i < j:
        return m + (n << (j - i)), i
    return (m << (i - j)) + n, j


def add(old: str | None, change: str | None) -> str:
    """The sum of two sums, of which one may be that of nothing."""
    if FAULT in (old, change):
        return FAULT
    return written(*plus(read(old or ZERO), read(change or ZERO)))


def total(text: str) -> float | None:
    """The float that is nearest to a sum; None beyond the largest, and of a fault."""
    if text == FAULT:
        return None
    number, power = read(text)
    try:
        return float(number << power) if power >= 0 else number / (1 << -power)
    except OverflowError:
        return None


class FloatSum:
    """The aggregate ``stepping_float_sum(value, weight)``."""

    def __init__(self) -> None:
        self.sums: dict[int, int] = {}  # by power: few, and quick to add to
        self.fails = False

    def step(self, value: float | None, weight: int) -> None:
        # A weight beyond 64 bits is a float.
        if value is None or type(weight) is not int or not -_INFINITY < value < _INFINITY:
            self.fails = True
            return
        number, power = value.as_integer_ratio()
        at = power.bit_length()
        self.sums[at] = self.sums.get(at, 0) + number * weight

    def finalize(self) -> str | None:
        if self.fails:
            return FAULT
        found = (0, 0)
        for at, number in self.sums.items():
            found = plus(found, (number, 1 - at))
        return written(*found)
