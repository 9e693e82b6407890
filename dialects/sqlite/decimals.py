"""Decimals without a scale on SQLite: BLOBs that compare, byte by byte, as the numbers do.

A BLOB is a byte for the sign, two for the exponent of the first digit, then the digits in pairs,
without trailing zeros. Equal numbers have equal BLOBs, none is empty, and those of a negative
number are complemented, with an end mark above every digit: -1.2 is more than -1.23.
"""

from __future__ import annotations

from decimal import Decimal

from stepping.compiler.canonical import canonical_decimal
from stepping.compiler.exact import EXACT

_NEGATIVE, _ZERO, _POSITIVE = 0, 1, 2
_BIAS = 0x8000
_MAX_ADJUSTED = 10_000  # as for a row that enters: see `canonical.check_decimal`


def encode(value: Decimal) -> bytes:
    """The BLOB of a finite number. OverflowError if no database would hold it."""
    if not value:
        return bytes([_ZERO])
    if abs(value.adjusted()) > _MAX_ADJUSTED:
        raise OverflowError("more digits than a database holds")
    sign, digits, _ = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0").rstrip("0")
    if len(text) % 2:
        text += "0"
    pairs = bytes(int(text[i : i + 2]) + 1 for i in range(0, len(text), 2))
    body = (value.adjusted() + _BIAS).to_bytes(2) + pairs
    if sign:
        return bytes([_NEGATIVE]) + bytes(255 - byte for byte in body) + b"\xff"
    return bytes([_POSITIVE]) + body


def decode(blob: bytes) -> Decimal:
    """The number in canonical form."""
    if blob[0] == _ZERO:
        return Decimal(0)
    body = blob[1:]
    if blob[0] == _NEGATIVE:
        body = bytes(255 - byte for byte in body[:-1])
    adjusted = int.from_bytes(body[:2]) - _BIAS
    digits = "".join(f"{byte - 1:02}" for byte in body[2:])
    sign = "-" if blob[0] == _NEGATIVE else ""
    return canonical_decimal(Decimal(f"{sign}{digits[0]}.{digits[1:] or '0'}E{adjusted}"))


class DecimalSum:
    """The aggregate ``stepping_decimal_sum(value, weight)``: exact; NULL of no value."""

    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, value: bytes | None, weight: int) -> None:
        if value is not None:
            product = EXACT.multiply(decode(value), Decimal(weight))
            self.total = product if self.total is None else EXACT.add(self.total, product)

    def finalize(self) -> bytes | None:
        return None if self.total is None else encode(self.total)
