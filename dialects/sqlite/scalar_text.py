"""SQLite's spelling of the function table: str and bytes.

SQLite's own `length` and `substr` stop at a NUL, and its `upper` and `lower` know ASCII only
(https://sqlite.org/nulinstr.html). Bytes of UTF-8 do not: a match of whole texts in them is one of
code points, and they are ordered the same way.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from sqlglot import exp

from stepping.dialects.scalars import Sql, case, concatenated, fn, lift
from stepping.dialects.sqlite.scalar_numbers import (
    INT_RAW,
    NULL_RAW,
    Rule,
    bound,
    raw,
    registered,
)

# What str.strip() and str.isspace() take for white space.
WHITE_SPACE = fn("char", *(c for c in range(sys.maxunicode + 1) if chr(c).isspace()))

_NUL = Sql(exp.HexString(this="00"))
_NOTHING = Sql(exp.HexString(this=""))
# No text is longer, unless SQLite was compiled so. `substr` takes 32 bits, and from a start further
# in front of the end than the limit is it gives nothing (sqlite.org/limits.html).
_LONGEST = 10**9


def blob(text: Sql) -> Sql:
    return text.cast("BLOB")


def _size(text: Sql) -> Sql | int:
    """Length in bytes."""
    return len(text.value.encode()) if text.constant else fn("length", blob(text))


def cut(data: Sql, *bounds: Sql | int) -> Sql:
    """A part of some bytes. Of none at all, `substr` makes NULL."""
    return fn("coalesce", fn("substr", data, *bounds), _NOTHING)


def _plain(text: Sql) -> bool:
    """A constant that SQLite's functions take as it is."""
    return text.constant and "\0" not in text.value


def _without_nul(text: Sql) -> Sql:
    return fn("instr", blob(text), _NUL).eq(0)


def length(text: Sql) -> Sql:
    """Code points. Behind a NUL: of the text as JSON, where NUL is an escape, made a space."""
    json = fn("replace", fn("json_quote", fn("replace", text, "\\", "/")), "\\u0000", " ")
    behind = fn("length", fn("json_extract", json, "$"))
    return case((_without_nul(text), fn("length", text)), otherwise=behind)


def _cased(name: str) -> Rule:
    def body(x: Sql) -> Sql:
        ascii_only = fn("length", x).eq(fn("length", blob(x)))
        return case((ascii_only, fn(name, x)), otherwise=registered(name, x))

    return lambda a: bound(body, a)


def _tested(name: str) -> Rule:
    return lambda a: registered(name, a)


def _stripped(name: str, native: str) -> Rule:
    def rule(a: Sql, chars: Sql | None = None) -> Sql:
        if chars is not None and not _plain(chars):
            return registered(name, a, chars)
        return fn(native, a, WHITE_SPACE if chars is None else chars)

    return rule


# ------------------------------------------------------------------------------------- searching


def _startswith(a: Sql, prefix: Sql) -> Sql:
    if _plain(prefix):
        # A NUL ends what is compared too early only where the prefix cannot match anyway.
        return fn("substr", a, 1, len(prefix.value)).eq(prefix)
    return bound(lambda x, y: cut(blob(x), 1, _size(y)).eq(blob(y)), a, prefix)


def _endswith(a: Sql, suffix: Sql) -> Sql:
    if suffix.constant and not suffix.value:
        return Sql(exp.Not(this=a.is_null().tree))
    if suffix.constant:
        return cut(blob(a), -len(suffix.value.encode())).eq(blob(suffix))

    def body(x: Sql, y: Sql) -> Sql:
        ends = cut(blob(x), -lift(_size(y))).eq(blob(y))
        return y.eq("").or_(ends)

    return bound(body, a, suffix)


def _findable(part: Sql) -> bool:
    """A constant that SQLite's `replace` finds: one that starts with NUL counts as empty."""
    return part.constant and part.value != "" and not part.value.startswith("\0")


def _count(a: Sql, part: Sql) -> Sql:
    if not _findable(part):
        return registered("count", a, part)
    size = len(part.value.encode())

    def body(x: Sql) -> Sql:
        rest = fn("replace", x, part, "")
        return (fn("length", blob(x)) - fn("length", blob(rest))) / size

    return bound(body, a)


def _replace(a: Sql, old: Sql, new: Sql) -> Sql:
    return fn("replace", a, old, new) if _findable(old) else registered("replace", a, old, new)


def _removeprefix(a: Sql, prefix: Sql) -> Sql:
    if not prefix.constant:
        return registered("removeprefix", a, prefix)

    def body(x: Sql) -> Sql:
        rest = cut(blob(x), len(prefix.value.encode()) + 1).cast("TEXT")
        return case((_startswith(x, prefix), rest), otherwise=x)

    return bound(body, a)


def _removesuffix(a: Sql, suffix: Sql) -> Sql:
    if not suffix.constant:
        return registered("removesuffix", a, suffix)

    def body(x: Sql) -> Sql:
        size = fn("length", blob(x)) - len(suffix.value.encode())
        return case((_endswith(x, suffix), cut(blob(x), 1, size).cast("TEXT")), otherwise=x)

    return bound(body, a)


# --------------------------------------------------------------------------------------- slicing


def _bounds(start: Sql, stop: Sql) -> tuple[int, int | None]:
    """The same slice of any text, with the bounds that are beyond all of them left out."""
    low, high = start.value or 0, stop.value
    if high is not None and high >= _LONGEST:
        high = None
    return (
        0 if low <= -_LONGEST else min(low, _LONGEST),
        high if high is None else max(high, -_LONGEST),
    )


def _clamped(position: Sql) -> int:
    value: int = position.value
    return max(-_LONGEST, min(_LONGEST, value))


def sliced(x: Sql, size: Callable[[Sql], Sql], start: int, stop: int | None) -> Sql:
    """``x[start:stop]`` by `substr`, which counts from 1; ``size`` gives the length."""
    if stop is None:
        return fn("substr", x, start + 1 if start >= 0 else start)
    if start >= 0 and stop >= 0:
        return fn("substr", x, start + 1, max(0, stop - start))
    first = lift(start) if start >= 0 else fn("max", size(x) + start, 0)
    last = lift(stop) if stop >= 0 else fn("max", size(x) + stop, 0)
    return fn("substr", x, first + 1, fn("max", last - first, 0))


def _slice(a: Sql, start: Sql, stop: Sql) -> Sql:
    low, high = _bounds(start, stop)

    def body(x: Sql) -> Sql:
        native = sliced(x, lambda text: fn("length", text), low, high)
        nul = registered("slice", x, low, _optional(high))
        return case((_without_nul(x), native), otherwise=nul)

    return bound(body, a)


def _optional(value: int | None) -> Sql:
    return Sql(exp.Null()) if value is None else lift(value)


def _item(a: Sql, index: Sql) -> Sql:
    at = _clamped(index)

    def body(x: Sql) -> Sql:
        native = fn("nullif", fn("substr", x, at + 1 if at >= 0 else at, 1), "")
        return case((_without_nul(x), native), otherwise=registered("item", x, at))

    return raw(NULL_RAW, bound(body, a))


# --------------------------------------------------------------------------------------- padding


def repeated(text: Sql | str, times: Sql | int) -> Sql:
    """``text`` so many times; none of it where ``times`` is negative."""
    return fn("replace", fn("hex", fn("zeroblob", times)), "00", text)


def _repeat(a: Sql, n: Sql) -> Sql:
    if n.value <= 0:
        return fn("substr", a, 1, 0)
    return a if n.value == 1 else repeated(a, n.value)


def _padded(layout: Callable[[Sql, Sql, Sql, int], Sql]) -> Rule:
    """``layout`` of the text, its fill character, and how many are missing (or less than 0)."""

    def rule(a: Sql, width: Sql, fill: Sql) -> Sql:
        def outer(x: Sql) -> Sql:
            missing = lift(width) - length(x)
            return bound(lambda m: layout(x, fill, m, width.value), missing, depth=1)

        return bound(outer, a)

    return rule


def _center(x: Sql, fill: Sql, missing: Sql, width: int) -> Sql:
    # Where the odd one goes depends on the width, as in CPython's unicode_center.
    left = missing / 2 + (missing & (width & 1))
    return case(
        (missing <= 0, x),
        otherwise=concatenated(repeated(fill, left), x, repeated(fill, missing - left)),
    )


def _centered(x: Sql, fill: Sql, missing: Sql, width: int) -> Sql:
    left = fn("max", missing, 0) / 2
    return concatenated(repeated(fill, left), x, repeated(fill, missing - left))


def _zfill(a: Sql, width: Sql) -> Sql:
    def outer(x: Sql) -> Sql:
        return bound(lambda zeros: inner(x, zeros), repeated("0", lift(width) - length(x)), depth=1)

    def inner(x: Sql, zeros: Sql) -> Sql:
        first = fn("substr", x, 1, 1)
        signed = first.eq("+").or_(first.eq("-"))
        rest = cut(blob(x), 2).cast("TEXT")
        return case((signed, concatenated(first, zeros, rest)), otherwise=zeros.then(x))

    return bound(outer, a)


def _text_of_float(a: Sql) -> Sql:
    # A registered call costs more than this test, and most floats in rows are whole numbers.
    def body(x: Sql) -> Sql:
        whole = x.cast("INTEGER")
        small = x.between(-(10**15), 10**15).and_(x.eq(whole))
        return case((small, whole.cast("TEXT").then(".0")), otherwise=registered("repr", x))

    return bound(body, a)


TEXTS: dict[str, Rule] = {
    "text.add": lambda a, b: a.then(b),
    "text.repeat": _repeat,
    "text.len": lambda a: bound(length, a),
    "text.upper": _cased("upper"),
    "text.lower": _cased("lower"),
    **{f"text.{n}": _tested(n) for n in ("capitalize", "casefold", "swapcase", "title")},
    **{
        f"text.{name}": _tested(name)
        for name in (
            *("isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower"),
            *("isnumeric", "isprintable", "istitle", "isupper"),
        )
    },
    "text.isspace": lambda a: bound(lambda x: x.ne("").and_(fn("trim", x, WHITE_SPACE).eq("")), a),
    "text.strip": _stripped("strip", "trim"),
    "text.lstrip": _stripped("lstrip", "ltrim"),
    "text.rstrip": _stripped("rstrip", "rtrim"),
    "text.startswith": _startswith,
    "text.endswith": _endswith,
    "text.contains": lambda a, part: fn("instr", a, part) > 0,
    "text.find": lambda a, part: fn("instr", a, part) - 1,
    "text.rfind": lambda a, part: registered("rfind", a, part),
    "text.index": lambda a, part: raw(INT_RAW, fn("nullif", fn("instr", a, part), 0) - 1),
    "text.rindex": lambda a, part: raw(INT_RAW, registered("rindex", a, part)),
    "text.count": _count,
    "text.replace": _replace,
    "text.removeprefix": _removeprefix,
    "text.removesuffix": _removesuffix,
    "text.slice": _slice,
    "text.item": _item,
    "text.reverse": lambda a: registered("reverse", a),
    "text.ljust": _padded(lambda x, fill, missing, width: x.then(repeated(fill, missing))),
    "text.rjust": _padded(lambda x, fill, missing, width: repeated(fill, missing).then(x)),
    "text.center": _padded(_center),
    "text.centered": _padded(_centered),
    "text.zfill": _zfill,
    "text.grouped": lambda a, separator: registered("grouped", a, separator),
    "text.of_int": lambda a: a.cast("TEXT"),
    "text.of_float": _text_of_float,
    "text.of_bool": lambda a: case((a, "True"), otherwise="False"),
    "float.fixed": lambda a, n: registered("fixed", a, n),
    "float.format": lambda a, spec: registered("format", a, spec),
    "int.format": lambda a, spec: registered("format", a, spec),
}

# ----------------------------------------------------------------------------------------- bytes


def _bytes_slice(a: Sql, start: Sql, stop: Sql) -> Sql:
    low, high = _bounds(start, stop)

    def body(x: Sql) -> Sql:
        return fn("coalesce", sliced(x, lambda data: fn("length", data), low, high), _NOTHING)

    return bound(body, a)


def _bytes_item(a: Sql, index: Sql) -> Sql:
    at = _clamped(index)

    def digit(pair: Sql, position: int) -> Sql:
        return fn("instr", "123456789ABCDEF", fn("substr", pair, position, 1))

    # instr() of an empty text is 1, so where there is no byte the pair is made NULL.
    pair = fn("nullif", fn("hex", fn("substr", a, at + 1 if at >= 0 else at, 1)), "")
    return raw(INT_RAW, bound(lambda p: digit(p, 1) * 16 + digit(p, 2), pair))


BYTES: dict[str, Rule] = {
    "bytes.add": lambda a, b: a.then(b).cast("BLOB"),
    "bytes.len": lambda a: fn("length", a),
    "bytes.hex": lambda a: fn("lower", fn("hex", a)),
    "bytes.slice": _bytes_slice,
    "bytes.item": _bytes_item,
    "bytes.of_text": blob,
}
