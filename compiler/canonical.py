"""The one canonical form of a column's value, and the errors for values that have none.

Applied to every row as it enters, before anything is evaluated, on every store: else a change that
is mapped twice may not cancel. A value of a subclass of int, say, is what its base class holds,
whatever methods it overrides.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Callable
from typing import Any

from stepping.compiler.exact import EXACT
from stepping.compiler.schema import Atom, Kind
from stepping.errors import RowError

Check = Callable[[Any, Atom, str], Any]

BEYOND = "does not fit in 64 bits"  # said of an int, a count or a sum
NO_ROWS_LEFT = "no rows are left in the group"  # whose sums are not 0
_MIN_INT, _MAX_INT = -(2**63), 2**63 - 1
_MAX_ADJUSTED = 10_000  # the power of ten of the first digit
_MAX_PLACES = 16_383  # postgresql.org/docs/current/datatype-numeric.html


def wrong_type(value: Any, wanted: str, field: str) -> RowError:
    shown = repr(value)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    return RowError(
        f"{field}: expected {wanted}, got {type(value).__name__} {shown}",
        hint="nothing was written; mend the value and insert the row again",
    )


def check_int(value: Any, atom: Atom, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(value, "int", field)
    value = int.__index__(value)
    if not _MIN_INT <= value <= _MAX_INT:
        raise RowError(
            f"{field}: {value} {BEYOND}",
            hint="an int is from -2**63 to 2**63 - 1; use a Decimal or a str for more",
        )
    return int(value)


def check_float(value: Any, atom: Atom, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise wrong_type(value, "float", field)
    try:
        value = float.__float__(value) if isinstance(value, float) else int.__float__(value)
    except OverflowError:
        raise wrong_type(value, "float", field) from None
    if value != value:
        raise RowError(
            f"{field}: NaN equals nothing, itself included, so the row could never be found again",
            hint="use None in a field of type float | None",
        )
    return float(value + 0.0)  # -0.0 + 0.0 is 0.0


def check_bool(value: Any, atom: Atom, field: str) -> bool:
    if not isinstance(value, bool):
        raise wrong_type(value, "bool", field)
    return value


def check_text(value: Any, atom: Atom, field: str) -> str:
    if not isinstance(value, str) or isinstance(value, enum.Enum):
        raise wrong_type(value, "str", field)
    text: str = str.__str__(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RowError(
            f"{field}: {value!r} holds a lone surrogate, which is no Unicode text",
            hint="decode the text with errors='replace', or store bytes",
        ) from None
    return text


def check_bytes(value: Any, atom: Atom, field: str) -> bytes:
    if not isinstance(value, bytes):
        raise wrong_type(value, "bytes", field)
    return bytes.__add__(value, b"")


def canonical_decimal(value: decimal.Decimal) -> decimal.Decimal:
    """The one form of a number: without trailing zeros and without an exponent above 0."""
    if not value:
        return decimal.Decimal(0)
    value = value.normalize(EXACT)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent > 0:
        return value.quantize(decimal.Decimal(1), context=EXACT)
    return value


def check_decimal(value: Any, atom: Atom, field: str) -> decimal.Decimal:
    if type(value) is not decimal.Decimal and isinstance(value, int | decimal.Decimal):
        value = value if isinstance(value, bool) else decimal.Decimal(value)
    if not isinstance(value, decimal.Decimal):
        raise wrong_type(value, "Decimal", field)
    if not value.is_finite():
        raise RowError(f"{field}: {value} is not a number", hint="use None where there is none")
    if not value:
        return decimal.Decimal(0)
    number, exponent = value, 0
    # Before anything is expanded: Decimal("1e1000000") has a million digits.
    is_long = abs(value.adjusted()) > _MAX_ADJUSTED
    if not is_long:
        number = value.normalize(EXACT)
        exponent = int(number.as_tuple().exponent)
        is_long = -exponent > _MAX_PLACES
    if is_long:
        shown = str(value) if len(str(value)) <= 60 else f"{str(value)[:57]}..."
        raise RowError(
            f"{field}: {shown} has more digits than a database holds",
            hint=f"at most {_MAX_ADJUSTED} before the point and {_MAX_PLACES} after it",
        )
    if exponent > 0:
        number = number.quantize(decimal.Decimal(1), context=EXACT)
    if atom.scale is not None:
        if -exponent > atom.scale:
            raise RowError(
                f"{field}: {number} has more than {atom.scale} digits after the point",
                hint=f"round it first, as the field is Scale({atom.scale})",
            )
        # 10**18 has 19 digits, and fits.
        is_large = number.adjusted() + atom.scale >= 18
        if is_large and not _MIN_INT <= number.scaleb(atom.scale, EXACT) <= _MAX_INT:
            raise RowError(f"{field}: {number} does not fit: 64 bits with scale {atom.scale}")
    return number


def check_date(value: Any, atom: Atom, field: str) -> datetime.date:
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise wrong_type(value, "date", field)
    return datetime.date(value.year, value.month, value.day)


def check_datetime(value: Any, atom: Atom, field: str) -> datetime.datetime:
    if not isinstance(value, datetime.datetime):
        raise wrong_type(value, "datetime", field)
    if value.tzinfo is not None:
        raise RowError(
            f"{field}: {value} has a time zone, and the field is a naive datetime",
            hint="annotate the field with Annotated[datetime, st.UTC] to keep aware times",
        )
    if value.fold:
        raise _folded(value, field)
    return _plain(value, field)


def _folded(value: datetime.datetime | datetime.time, field: str) -> RowError:
    return RowError(
        f"{field}: {value} has fold=1: it is the second of two hours that a database, and Python's "
        "==, take for one",
        hint="keep it aware, in a field Annotated[datetime, st.UTC]; or say that it does not "
        "matter which of the hours it is: value.replace(fold=0)",
    )


def _plain(value: datetime.datetime, field: str) -> datetime.datetime:
    """The value not of a subclass, which may have more, such as nanoseconds."""
    made = datetime.datetime(
        *(value.year, value.month, value.day, value.hour, value.minute, value.second),
        value.microsecond,
        tzinfo=value.tzinfo,
        fold=value.fold,
    )
    if type(value) is not datetime.datetime and not value == made:
        raise wrong_type(value, f"a datetime, such as {made!r}", field)
    return made


def check_timestamp(value: Any, atom: Atom, field: str) -> datetime.datetime:
    if not isinstance(value, datetime.datetime):
        raise wrong_type(value, "datetime", field)
    if value.utcoffset() is None:
        raise RowError(
            f"{field}: {value} has no time zone, and the field is Annotated[datetime, UTC]",
            hint="use datetime(..., tzinfo=UTC), or a plain datetime field",
        )
    try:
        made = _plain(value, field).astimezone(datetime.UTC)
        return made.replace(fold=0)  # means nothing in UTC
    except OverflowError:
        raise RowError(
            f"{field}: {value} is before year 1 or after year 9999 in UTC",
            hint="nothing was written; leave it out, or use None in a field that is optional",
        ) from None


def check_time(value: Any, atom: Atom, field: str) -> datetime.time:
    if not isinstance(value, datetime.time):
        raise wrong_type(value, "time", field)
    if value.tzinfo is not None:
        raise RowError(f"{field}: {value} has a time zone", hint="store a naive time")
    if value.fold:
        raise _folded(value, field)
    return datetime.time(value.hour, value.minute, value.second, value.microsecond)


def check_uuid(value: Any, atom: Atom, field: str) -> uuid.UUID:
    if not isinstance(value, uuid.UUID):
        raise wrong_type(value, "UUID", field)
    return value if type(value) is uuid.UUID else uuid.UUID(int=value.int)


def check_enum(value: Any, atom: Atom, field: str) -> enum.Enum:
    if not isinstance(value, atom.python):
        raise wrong_type(value, atom.python.__name__, field)
    assert isinstance(value, enum.Enum)
    if value.name not in atom.members:  # a Flag's combination has no name of its own
        raise wrong_type(value, f"a member of {atom.python.__name__}", field)
    return value


def check_null(value: Any, atom: Atom, field: str) -> None:
    if value is not None:
        raise wrong_type(value, "None", field)


def check_native(value: Any, atom: Atom, field: str) -> Any:
    """Whether it is a value of its type, its database says when it is staged."""
    return tuple(value) if isinstance(value, list) else value


# A test that is cheaper than calling the check, where it says that the value is canonical.
FAST = {
    Kind.INT: "type({v}) is int and -9223372036854775808 <= {v} <= 9223372036854775807",
    Kind.TEXT: "type({v}) is str and {v}.isascii()",
    Kind.BOOL: "type({v}) is bool",
    Kind.BYTES: "type({v}) is bytes",
    Kind.DATE: "type({v}) is date",
    Kind.DATETIME: "type({v}) is datetime and {v}.tzinfo is None and not {v}.fold",
    Kind.TIMESTAMP: "type({v}) is datetime and {v}.tzinfo is UTC and not {v}.fold",
    Kind.TIME: "type({v}) is time and {v}.tzinfo is None and not {v}.fold",
    Kind.UUID: "type({v}) is UUID",
    Kind.NULL: "{v} is None",
    Kind.FLOAT: "type({v}) is float and ({v} > 0.0 or {v} < 0.0)",
}
FAST_NAMES = {
    "date": datetime.date,
    "datetime": datetime.datetime,
    "time": datetime.time,
    "UTC": datetime.UTC,
    "UUID": uuid.UUID,
}

# Of a collected value the check is made by `packing.py`, from what it is a collection of.
CHECKS: dict[Kind, Check] = {
    Kind.INT: check_int,
    Kind.FLOAT: check_float,
    Kind.BOOL: check_bool,
    Kind.TEXT: check_text,
    Kind.BYTES: check_bytes,
    Kind.DECIMAL: check_decimal,
    Kind.DATE: check_date,
    Kind.DATETIME: check_datetime,
    Kind.TIMESTAMP: check_timestamp,
    Kind.TIME: check_time,
    Kind.UUID: check_uuid,
    Kind.ENUM: check_enum,
    Kind.NULL: check_null,
    Kind.NATIVE: check_native,
}


def _check_bounds(check: Check) -> Check:
    def check_within(value: Any, atom: Atom, field: str) -> Any:
        value = check(value, atom, field)
        if atom.low <= value <= atom.high:
            return value
        if isinstance(value, float) and math.isinf(value):
            raise RowError(
                f"{field}: {value} is not finite",
                hint="nothing was written; annotate the field with st.AnyFloat where infinities "
                "are values, or use None in a field of type float | None",
            )
        raise RowError(
            f"{field}: {value} is not from {atom.low} to {atom.high}",
            hint="nothing was written; mend the value, or the st.Range of the field",
        )

    return check_within


def fast_of(atom: Atom, value: str) -> str:
    """A test that says that ``value`` is canonical; none where only the check can tell."""
    if atom.choices:
        return ""
    if not atom.at_door:
        return FAST.get(atom.kind, "").format(v=value)
    if atom.kind is Kind.INT:
        low, high = _MIN_INT, _MAX_INT
        if not math.isinf(atom.low):
            low = max(math.ceil(atom.low), _MIN_INT)
        if not math.isinf(atom.high):
            high = min(math.floor(atom.high), _MAX_INT)
        return f"type({value}) is int and {low!r} <= {value} <= {high!r}"
    if atom.kind is Kind.FLOAT and math.isfinite(atom.low) and math.isfinite(atom.high):
        bounds = f"{float(atom.low)!r} <= {value} <= {float(atom.high)!r}"
        return f"type({value}) is float and {value} != 0.0 and {bounds}"
    return ""


def check_of(atom: Atom) -> Check:
    """What checks a value of this type and returns its canonical form."""
    check = CHECKS[atom.kind]
    if atom.at_door:
        return _check_bounds(check)
    if not atom.choices:
        return check
    choices = atom.choices

    def check_choice(value: Any, atom: Atom, field: str) -> Any:
        value = check(value, atom, field)
        if value not in choices:
            raise wrong_type(value, f"one of {', '.join(map(repr, choices))}", field)
        return value

    return check_choice
