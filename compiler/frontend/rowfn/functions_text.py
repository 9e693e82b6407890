"""The function table: str, bytes, and what is made into text."""

from __future__ import annotations

from typing import Any

from stepping.compiler.frontend.rowfn.functions_table import (
    Function,
    Result,
    Types,
    either,
    takes,
)
from stepping.compiler.schema import BOOL, INT, TEXT, Atom, Kind

_BYTES = Atom(Kind.BYTES)
_TEXT1 = takes(Kind.TEXT, gives=TEXT)
_TEST1 = takes(Kind.TEXT, gives=BOOL)
_TEXT2 = takes(Kind.TEXT, Kind.TEXT, gives=TEXT)
_TEST2 = takes(Kind.TEXT, Kind.TEXT, gives=BOOL)
_FIND = takes(Kind.TEXT, Kind.TEXT, gives=INT)
_PAD = takes(Kind.TEXT, Kind.INT, Kind.TEXT, gives=TEXT)
_BOUND = (Kind.INT, Kind.NULL)


def _slices(kind: Kind) -> Result:
    def result(types: Types) -> Atom | None:
        fits = len(types) == 3 and types[0].kind is kind
        return Atom(kind) if fits and all(t.kind in _BOUND for t in types[1:]) else None

    return result


def _slice(value: Any, start: int | None, stop: int | None) -> Any:
    return value[start:stop]


def _item(value: Any, index: int) -> Any:
    return value[index]


def grouped(digits: str, separator: str) -> str:
    """The number that ``digits`` starts with, its integer part in groups of three."""
    sign = digits[: 1 if digits[:1] in "+-" else 0]
    whole, point, rest = digits[len(sign) :].partition(".")
    if not whole.isdigit():
        return digits  # inf
    parts = [whole[max(0, end - 3) : end] for end in range(len(whole), 0, -3)]
    return sign + separator.join(reversed(parts)) + point + rest


def _fixed(value: float, digits: int) -> str:
    return format(value, f".{digits}f")


def _centered(value: str, width: int, fill: str) -> str:
    # format(value, f"{fill}^{width}"), which puts an odd space on the right; str.center() does
    # not always.
    missing = max(0, width - len(value))
    return fill * (missing // 2) + value + fill * (missing - missing // 2)


TESTS = {
    "isalnum": str.isalnum,
    "isalpha": str.isalpha,
    "isascii": str.isascii,
    "isdecimal": str.isdecimal,
    "isdigit": str.isdigit,
    "isidentifier": str.isidentifier,
    "islower": str.islower,
    "isnumeric": str.isnumeric,
    "isprintable": str.isprintable,
    "isspace": str.isspace,
    "istitle": str.istitle,
    "isupper": str.isupper,
}
CASES = {
    "capitalize": str.capitalize,
    "casefold": str.casefold,
    "lower": str.lower,
    "swapcase": str.swapcase,
    "title": str.title,
    "upper": str.upper,
}

TEXTS = (
    Function("text.add", lambda a, b: a + b, _TEXT2, label="str + str"),
    Function(
        "text.repeat",
        lambda text, n: text * n,
        takes(Kind.TEXT, Kind.INT, gives=TEXT),
        constant=(1,),
        label="str * n",
    ),
    Function(
        "text.len",
        len,
        takes(Kind.TEXT, gives=INT),
        note="code points, also behind a NUL",
        label="len(str)",
    ),
    *(
        Function(
            f"text.{name}", python, _TEXT1, note="Unicode, not ASCII only", label=f"str.{name}()"
        )
        for name, python in CASES.items()
    ),
    *(
        Function(
            f"text.{name}", python, _TEST1, note="Unicode, not ASCII only", label=f"str.{name}()"
        )
        for name, python in TESTS.items()
    ),
    *(
        Function(
            f"text.{name}",
            python,
            either(_TEXT1, _TEXT2),
            constant=(1,),
            note="all of Unicode's white space",
            label=f"str.{name}()",
        )
        for name, python in (("strip", str.strip), ("lstrip", str.lstrip), ("rstrip", str.rstrip))
    ),
    Function("text.startswith", str.startswith, _TEST2, label="str.startswith()"),
    Function("text.endswith", str.endswith, _TEST2, label="str.endswith()"),
    Function("text.contains", lambda text, part: part in text, _TEST2, label="str in str"),
    Function("text.find", str.find, _FIND, note="counts code points from 0", label="str.find()"),
    Function("text.rfind", str.rfind, _FIND, label="str.rfind()"),
    Function("text.index", str.index, _FIND, partial=True, label="str.index()"),
    Function("text.rindex", str.rindex, _FIND, partial=True, label="str.rindex()"),
    Function("text.count", str.count, _FIND, note="'' is found len + 1 times", label="str.count()"),
    Function(
        "text.replace",
        str.replace,
        takes(Kind.TEXT, Kind.TEXT, Kind.TEXT, gives=TEXT),
        note="'' is found between all characters",
        label="str.replace()",
    ),
    Function("text.removeprefix", str.removeprefix, _TEXT2, label="str.removeprefix()"),
    Function("text.removesuffix", str.removesuffix, _TEXT2, label="str.removesuffix()"),
    Function("text.slice", _slice, _slices(Kind.TEXT), constant=(1, 2), label="str[a:b]"),
    Function(
        "text.item",
        _item,
        takes(Kind.TEXT, Kind.INT, gives=TEXT),
        partial=True,
        constant=(1,),
        label="str[n]",
    ),
    Function("text.reverse", lambda text: text[::-1], _TEXT1, label="str[::-1]"),
    Function("text.ljust", str.ljust, _PAD, constant=(1, 2), label="str.ljust()"),
    Function("text.rjust", str.rjust, _PAD, constant=(1, 2), label="str.rjust()"),
    Function("text.center", str.center, _PAD, constant=(1, 2), label="str.center()"),
    Function("text.centered", _centered, _PAD, constant=(1, 2), label="format(str, '^n')"),
    Function(
        "text.zfill",
        str.zfill,
        takes(Kind.TEXT, Kind.INT, gives=TEXT),
        constant=(1,),
        label="str.zfill()",
    ),
    Function("text.grouped", grouped, _TEXT2, constant=(1,), label="format(number, ',')"),
    Function("text.of_int", str, takes(Kind.INT, gives=TEXT), label="str(int)"),
    Function(
        "text.of_float",
        str,
        takes(Kind.FLOAT, gives=TEXT),
        note="the shortest digits that give the same float; 1e+16, 3.0",
        label="str(float)",
    ),
    Function("text.of_bool", str, takes(Kind.BOOL, gives=TEXT), label="str(bool)"),
    Function(
        "text.of_decimal",
        str,
        takes(Kind.DECIMAL, gives=TEXT),
        note="1E-7, but 0.000001",
        label="str(Decimal)",
    ),
    Function(
        "float.fixed",
        _fixed,
        takes(Kind.FLOAT, Kind.INT, gives=TEXT),
        constant=(1,),
        note="rounds the exact binary value, half to even",
        label="format(float, '.nf')",
    ),
    Function(
        "float.format",
        format,
        takes(Kind.FLOAT, Kind.TEXT, gives=TEXT),
        constant=(1,),
        label="format(float, spec)",
    ),
    Function(
        "int.format",
        format,
        takes(Kind.INT, Kind.TEXT, gives=TEXT),
        constant=(1,),
        label="format(int, spec)",
    ),
)

BYTES = (
    Function(
        "bytes.add",
        lambda a, b: a + b,
        takes(Kind.BYTES, Kind.BYTES, gives=_BYTES),
        label="bytes + bytes",
    ),
    Function("bytes.len", len, takes(Kind.BYTES, gives=INT), label="len(bytes)"),
    Function("bytes.hex", bytes.hex, takes(Kind.BYTES, gives=TEXT), label="bytes.hex()"),
    Function("bytes.slice", _slice, _slices(Kind.BYTES), constant=(1, 2), label="bytes[a:b]"),
    Function(
        "bytes.item",
        _item,
        takes(Kind.BYTES, Kind.INT, gives=INT),
        partial=True,
        constant=(1,),
        label="bytes[n]",
    ),
    Function("bytes.of_text", str.encode, takes(Kind.TEXT, gives=_BYTES), label="str.encode()"),
)
