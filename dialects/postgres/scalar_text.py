"""Postgres's spelling of the function table: str and bytes.

Postgres counts code points, and its text has no NUL. What asks for the case or the class of a
character follows the database's locale, not Unicode as Python knows it, and is not here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from sqlglot import exp

from stepping.compiler.schema import Atom, Kind
from stepping.dialects.postgres.scalar_numbers import BIGINT, TEXT, Rule, bound, failed, pair, plain
from stepping.dialects.scalars import Sql, case, concatenated, fn, lift

# What str.strip() and str.isspace() take for white space.
_SPACES = [code for code in range(sys.maxunicode + 1) if chr(code).isspace()]
WHITE_SPACE = Sql(exp.UnicodeString(this="".join(f"\\{code:04X}" for code in _SPACES)))

_MAX_BOUND = 2**30  # a text has no more than this many characters


def _int(value: Sql) -> Sql:
    return value.cast(BIGINT)


def length(text: Sql) -> Sql:
    return fn("length", text)


def _stripped(native: str) -> Rule:
    def rule(a: Sql, chars: Sql | None = None) -> Sql:
        return fn(native, a, WHITE_SPACE if chars is None else chars)

    return rule


# ------------------------------------------------------------------------------------- searching


def _rfind(x: Sql, part: Sql) -> Sql:
    back = fn("strpos", fn("reverse", x), fn("reverse", part))
    return _int(length(x) - length(part) - back + 1)


def _count(a: Sql, part: Sql) -> Sql:
    def body(x: Sql, y: Sql) -> Sql:
        rest = length(x) - length(fn("replace", x, y, ""))
        found = rest / length(y)
        if y.constant:
            return _int(found if y.value else length(x) + 1)
        return _int(case((y.eq(""), length(x) + 1), otherwise=found))

    return bound(body, a, part)


def _replace(a: Sql, old: Sql, new: Sql) -> Sql:
    if old.constant and old.value:
        return fn("replace", a, plain(old), plain(new))

    def body(x: Sql, y: Sql, z: Sql) -> Sql:
        between = fn("array_to_string", fn("string_to_array", x, Sql(exp.Null())), z)
        inserted = case((x.eq(""), z), otherwise=concatenated(z, between, z))
        return case((y.eq(""), inserted), otherwise=fn("replace", x, y, z))

    return bound(body, a, old, new)


def _removeprefix(a: Sql, prefix: Sql) -> Sql:
    def body(x: Sql, y: Sql) -> Sql:
        rest = fn("substr", x, length(y) + 1)
        return case((fn("starts_with", x, y), rest), otherwise=x)

    return bound(body, a, prefix)


def _removesuffix(a: Sql, suffix: Sql) -> Sql:
    def body(x: Sql, y: Sql) -> Sql:
        ends = fn("right", x, length(y)).eq(y)
        rest = fn("substr", x, 1, length(x) - length(y))
        return case((ends, rest), otherwise=x)

    return bound(body, a, suffix)


# --------------------------------------------------------------------------------------- slicing


def _clamped(position: Sql) -> int | None:
    value = position.value
    return None if value is None else max(-_MAX_BOUND, min(_MAX_BOUND, value))


def _slice(a: Sql, start: Sql, stop: Sql) -> Sql:
    low, high = _clamped(start) or 0, _clamped(stop)

    def body(x: Sql) -> Sql:
        first = lift(low) if low >= 0 else fn("greatest", length(x) + low, 0)
        if high is None:
            return fn("substr", x, low + 1 if low >= 0 else first + 1)
        if low >= 0 and high >= 0:
            return fn("substr", x, low + 1, max(0, high - low))
        last = lift(high) if high >= 0 else fn("greatest", length(x) + high, 0)
        return fn("substr", x, first + 1, fn("greatest", last - first, 0))

    return bound(body, a)


def _item(a: Sql, index: Sql) -> Sql:
    at = _clamped(index)
    assert at is not None

    def body(x: Sql) -> Sql:
        fault = failed(f"str[{index.value}] of ", Atom(Kind.TEXT), x)
        if at >= 0:
            return case((length(x) > at, fn("substr", x, at + 1, 1)), otherwise=fault)
        found = fn("substr", x, length(x) + (at + 1), 1)
        return case((length(x) >= -at, found), otherwise=fault)

    return bound(body, a)


# --------------------------------------------------------------------------------------- padding


def _padded(layout: Callable[[Sql, Sql, Sql, int], Sql]) -> Rule:
    """``layout`` of the text, its fill character, and how many are missing (or less than 0)."""

    def rule(a: Sql, width: Sql, fill: Sql) -> Sql:
        size = int(width.value)
        return bound(lambda x: layout(x, fill, lift(size) - length(x), size), a)

    return rule


def _center(x: Sql, fill: Sql, missing: Sql, width: int) -> Sql:
    # Where the odd one goes depends on the width, as in CPython's unicode_center.
    def body(count: Sql) -> Sql:
        left = count / 2 + (count & (width & 1))
        parts = (fn("repeat", fill, left), x, fn("repeat", fill, count - left))
        return case((count <= 0, x), otherwise=concatenated(*parts))

    return bound(body, missing, depth=1)


def _centered(x: Sql, fill: Sql, missing: Sql, width: int) -> Sql:
    def body(count: Sql) -> Sql:
        left = count / 2
        return concatenated(fn("repeat", fill, left), x, fn("repeat", fill, count - left))

    return bound(body, missing, depth=1)


def _zfill(a: Sql, width: Sql) -> Sql:
    def body(x: Sql) -> Sql:
        zeros = fn("repeat", "0", lift(int(width.value)) - length(x))
        first = fn("left", x, 1)
        signed = first.eq("+").or_(first.eq("-"))
        padded = concatenated(first, zeros, fn("substr", x, 2))
        return case((signed, padded), otherwise=zeros.then(x))

    return bound(body, a)


def _grouped(a: Sql, separator: Sql) -> Sql:
    def outer(x: Sql) -> Sql:
        first = fn("left", x, 1)
        sign = case((first.eq("+").or_(first.eq("-")), first), otherwise="")
        whole = fn("ltrim", fn("split_part", x, ".", 1), "+-")
        return bound(lambda s, digits: inner(x, s, digits), sign, whole, depth=1)

    def inner(x: Sql, sign: Sql, digits: Sql) -> Sql:
        # What has other characters than digits has an exponent, or is no number.
        other = fn("translate", digits, "0123456789", "")
        rest = fn("substr", x, length(sign) + length(digits) + 1)
        short = (length(digits) <= 3).or_(other.ne(""))
        return case((short, x), otherwise=concatenated(sign, groups(digits), rest))

    def groups(digits: Sql) -> Sql:
        # A regular expression, which can do it for any number, is ten times as slow.
        pattern = "([0-9])(?=([0-9]{3})+$)"
        many = fn("regexp_replace", digits, pattern, f"\\1{separator.value}", "g")
        whens = []
        for threes in (1, 2, 3, 4):
            parts: list[Sql | str] = [fn("left", digits, length(digits) - 3 * threes)]
            for behind in range(threes, 0, -1):
                part = fn("substr", digits, length(digits) - (3 * behind - 1), 3)
                parts += [separator.value, part]
            whens.append((length(digits) <= 3 * threes + 3, concatenated(*parts)))
        return case(*whens, otherwise=many)

    return bound(outer, a)


TEXTS: dict[str, Rule] = {
    "text.add": lambda a, b: Sql.then(*pair(a, b)),
    "text.repeat": lambda a, n: fn("repeat", a, n.value),
    "text.len": lambda a: _int(length(a)),
    "text.isascii": lambda a: bound(lambda x: fn("octet_length", x).eq(length(x)), a),
    "text.isspace": lambda a: bound(lambda x: x.ne("").and_(fn("btrim", x, WHITE_SPACE).eq("")), a),
    "text.strip": _stripped("btrim"),
    "text.lstrip": _stripped("ltrim"),
    "text.rstrip": _stripped("rtrim"),
    "text.startswith": lambda a, prefix: fn("starts_with", *pair(a, prefix)),
    "text.endswith": lambda a, suffix: bound(
        lambda x, y: fn("right", x, length(y)).eq(y), a, suffix
    ),
    "text.contains": lambda a, part: fn("strpos", *pair(a, part)) > 0,
    "text.find": lambda a, part: _int(fn("strpos", *pair(a, part)) - 1),
    "text.rfind": lambda a, part: bound(
        lambda x, y: case(
            (fn("strpos", x, y).eq(0), lift(-1).cast(BIGINT)), otherwise=_rfind(x, y)
        ),
        a,
        part,
    ),
    "text.index": lambda a, part: bound(
        lambda x, y: case(
            (fn("strpos", x, y) > 0, _int(fn("strpos", x, y) - 1)),
            otherwise=failed("substring not found: ", Atom(Kind.INT), x, y),
        ),
        a,
        part,
    ),
    "text.rindex": lambda a, part: bound(
        lambda x, y: case(
            (fn("strpos", x, y) > 0, _rfind(x, y)),
            otherwise=failed("substring not found: ", Atom(Kind.INT), x, y),
        ),
        a,
        part,
    ),
    "text.count": _count,
    "text.replace": _replace,
    "text.removeprefix": _removeprefix,
    "text.removesuffix": _removesuffix,
    "text.slice": _slice,
    "text.item": _item,
    "text.reverse": lambda a: fn("reverse", a),
    "text.ljust": _padded(lambda x, fill, missing, width: x.then(fn("repeat", fill, missing))),
    "text.rjust": _padded(lambda x, fill, missing, width: fn("repeat", fill, missing).then(x)),
    "text.center": _padded(_center),
    "text.centered": _padded(_centered),
    "text.zfill": _zfill,
    "text.grouped": _grouped,
    "text.of_int": lambda a: a.cast(TEXT),
    "text.of_bool": lambda a: case((a, "True"), otherwise="False"),
}

# ----------------------------------------------------------------------------------------- bytes


def _bytes_item(a: Sql, index: Sql) -> Sql:
    at = _clamped(index)
    assert at is not None
    if at >= 0:
        return _int(fn("get_byte", a, at))
    return bound(lambda x: _int(fn("get_byte", x, length(x) + at)), a)


BYTES: dict[str, Rule] = {
    "bytes.add": lambda a, b: a.then(b),
    "bytes.len": lambda a: _int(length(a)),
    "bytes.hex": lambda a: fn("encode", a, "hex"),
    "bytes.slice": _slice,
    "bytes.item": _bytes_item,
    "bytes.of_text": lambda a: fn("convert_to", a, "UTF8"),
}
