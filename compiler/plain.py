"""Collected values in plain form: what MessagePack has words for. The format is `packing.py`'s.

One small function is written for each row class, tuple, set and union inside a collected type, for
the reason that `codec.py` gives.
"""

from __future__ import annotations

import datetime
import itertools
import uuid
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, assert_never

import msgpack

from stepping.compiler import rebuilding
from stepping.compiler.canonical import FAST, FAST_NAMES, check_int, check_of, wrong_type
from stepping.compiler.schema import (
    EMPTY,
    INT,
    Again,
    Alternatives,
    Atom,
    Build,
    Collected,
    Kind,
    Members,
    Missing,
    Several,
    Struct,
    ValueType,
    Weighted,
)
from stepping.compiler.zset import ZSetPython
from stepping.errors import RowError

_DECIMAL, _DATE, _TIME, _DATETIME, _TIMESTAMP, _UUID = range(1, 7)

Plain = Any  # None, bool, int, float, str, bytes, list, ExtType


def packed(plain: Plain) -> bytes:
    """The bytes of a value in plain form."""
    data: bytes = msgpack.packb(plain, use_bin_type=True)
    return data


def within(place: str, error: RowError) -> RowError:
    """An error in a part of a value: the messages of checks start with where they are."""
    return RowError(place + error.message, hint=error.hint)


def _wrong(value: Any, wanted: str) -> None:
    raise wrong_type(value, wanted, "")


class _Writer:
    """Functions written for one type, by name: those of row classes call themselves."""

    def __init__(self) -> None:
        self.globals: dict[str, Any] = dict(FAST_NAMES)
        self.lines: list[str] = []
        self.serial = itertools.count()
        self.rows: list[str] = []  # the functions of the row classes that enclose this place
        self.later: list[Callable[[], None]] = []  # tables that need the finished functions
        self.is_recursive = False

    def compiled(self, collected: Collected) -> Callable[[Any], Any]:
        name = self.collected(collected)
        exec(compile("\n".join(self.lines), "<packing>", "exec"), self.globals)
        for fill in self.later:
            fill()
        function: Callable[[Any], Any] = self.globals[name]
        return function

    def name(self, stem: str) -> str:
        return f"{stem}{next(self.serial)}"

    def constant(self, value: Any, stem: str = "k") -> str:
        name = self.name(stem)
        self.globals[name] = value
        return name

    def write(self, name: str, body: Iterable[str]) -> str:
        self.lines += [f"def {name}(v):", *(f"    {line}" for line in body)]
        return name

    def collected(self, collected: Collected) -> str:
        """The name of the function for a collected value that is there."""
        match collected:
            case Again():
                self.is_recursive = True
                return self.rows[-1 - collected.up]
            case Struct():
                return self.struct(collected)
            case Several():
                return self.several(collected)
            case Members():
                return self.members(collected)
            case Weighted():
                return self.weighted(collected)
            case Alternatives():
                return self.alternatives(collected)
            case _:
                assert_never(collected)

    def struct(self, struct: Struct) -> str:
        name = self.name("row")
        if struct.is_row:
            self.rows.append(name)
        self.write(name, self.fields(struct))
        if struct.is_row:
            self.rows.pop()
        return name

    def fields(self, struct: Struct) -> list[str]:
        raise NotImplementedError

    def several(self, kind: Several) -> str:
        raise NotImplementedError

    def members(self, kind: Members) -> str:
        raise NotImplementedError

    def weighted(self, kind: Weighted) -> str:
        raise NotImplementedError

    def alternatives(self, kind: Alternatives) -> str:
        raise NotImplementedError


# ------------------------------------------------------------------------------ from value to plain


def _ext_of(code: int, text: Callable[[Any], str]) -> Callable[[Any], Any]:
    return lambda value: msgpack.ExtType(code, text(value).encode())


_TO_PLAIN: dict[Kind, Callable[[Any], Any]] = {
    Kind.DECIMAL: _ext_of(_DECIMAL, str),
    Kind.DATE: _ext_of(_DATE, datetime.date.isoformat),
    Kind.TIME: _ext_of(_TIME, datetime.time.isoformat),
    Kind.DATETIME: _ext_of(_DATETIME, datetime.datetime.isoformat),
    Kind.TIMESTAMP: _ext_of(_TIMESTAMP, datetime.datetime.isoformat),
    Kind.UUID: lambda value: msgpack.ExtType(_UUID, value.bytes),
    Kind.ENUM: lambda value: value.name,
}


class ToPlain(_Writer):
    """Checks and conversions. The messages of errors start with the path inside the value."""

    def __init__(self) -> None:
        super().__init__()
        self.globals |= {
            "wrong": _wrong,
            "within": within,
            "RowError": RowError,
            "packed": packed,
            "merged": _merged,
            "count_of": lambda count: check_int(count, INT, ": the count"),
        }

    def of(self, kind: ValueType, v: str) -> str:
        """An expression for the plain form of the variable ``v``."""
        match kind:
            case Atom(kind=Kind.PACKED):
                assert kind.collected is not None
                made = f"{self.collected(kind.collected)}({v})"
            case Atom():
                check = self.constant(check_of(kind), "check")
                made = f"{check}({v}, {self.constant(kind, 'atom')}, '')"
                if kind.kind in FAST and not kind.choices:
                    made = f"({v} if {FAST[kind.kind].format(v=v)} else {made})"
                if kind.kind in _TO_PLAIN:
                    made = f"{self.constant(_TO_PLAIN[kind.kind], 'plain')}({made})"
            case Struct():
                made = f"{self.struct(kind)}({v})"
                if kind.missing is Missing.EMPTY:
                    return f"(None if {v} is {self.constant(EMPTY, 'empty')} else {made})"
                return f"(None if {v} is None else {made})" if kind.is_optional else made
        return f"(None if {v} is None else {made})" if kind.nullable else made

    def fields(self, struct: Struct) -> list[str]:
        if struct.build is Build.BARE:
            ((_, inner),) = struct.fields
            return [f"return [{self.of(inner, 'v')}]"]
        wanted = self.constant(str(struct.required()), "wanted")
        if struct.build is Build.SINGLETON:
            test = f"v is not {self.constant(struct.cls, 'cls')}"
        else:
            test = f"type(v) is not {self.constant(struct.cls, 'cls')}"
            if struct.build is Build.TUPLE:
                test += f" or len(v) != {len(struct.fields)}"
        lines = [f"if {test}: wrong(v, {wanted})"]
        if not struct.fields:
            return [*lines, "return []"]
        lines.append("try:")
        made = []
        for position, (field, inner) in enumerate(struct.fields):
            if struct.build is Build.TUPLE:
                at, read = f"[{field}]", f"v[{field}]"
            else:
                at = f".{field}"
                read = f"v.{field}" if field.isidentifier() else f"getattr(v, {field!r})"
            lines += [f"    at = {at!r}", f"    i{position} = {read}"]
            lines.append(f"    r{position} = {self.of(inner, f'i{position}')}")
            made.append(f"r{position}")
        lines += ["except RowError as error:", "    raise within(at, error) from None"]
        return [*lines, f"return [{', '.join(made)}]"]

    def several(self, kind: Several) -> str:
        wanted = self.constant(str(kind), "wanted")
        one = self.of(kind.item, "i")
        return self.write(
            self.name("several"),
            [
                f"if type(v) is not tuple: wrong(v, {wanted})",
                "try:",
                f"    return [{one} for i in v]",
                "except RowError:",
                # Once more, to say which.
                "    position = 0",
                "    try:",
                "        for i in v:",
                f"            {one}",
                "            position += 1",
                "    except RowError as error:",
                "        raise within(f'[{position}]', error) from None",
                "    raise",
            ],
        )

    def members(self, kind: Members) -> str:
        wanted = self.constant(str(kind), "wanted")
        # Two members may be one in canonical form: the same instant in two time zones.
        return self.write(
            self.name("members"),
            [
                f"if type(v) is not frozenset: wrong(v, {wanted})",
                "try:",
                f"    found = {{packed(p): p for p in [{self.of(kind.item, 'i')} for i in v]}}",
                "except RowError as error:",
                "    raise within('{}', error) from None",
                "return [found[b] for b in sorted(found)]",
            ],
        )

    def weighted(self, kind: Weighted) -> str:
        wanted = self.constant(str(kind), "wanted")
        cls = self.constant(ZSetPython, "cls")
        one = self.of(kind.item, "i")
        return self.write(
            self.name("weighted"),
            [
                f"if type(v) is not {cls}: wrong(v, {wanted})",
                "try:",
                f"    return merged([({one}, count_of(n)) for i, n in v.iter()])",
                "except RowError as error:",
                "    raise within('{}', error) from None",
            ],
        )

    def alternatives(self, kind: Alternatives) -> str:
        name = self.name("alternatives")
        options: list[tuple[str, ValueType, str]] = []
        for option, inner in kind.options:
            function = self.name("option")
            self.write(function, [f"return {self.of(inner, 'v')}"])
            options.append((option, inner, function))

        def fill() -> None:
            self.globals[name] = _alternatives(
                [(n, class_of(t), self.globals[f]) for n, t, f in options], str(kind)
            )

        self.later.append(fill)
        return name


def _alternatives(
    options: list[tuple[str, type | None, Callable[[Any], Plain]]], wanted: str
) -> Callable[[Any], Plain]:
    every = [(name, plain) for name, _, plain in options]
    by_class: dict[type, list[tuple[str, Callable[[Any], Plain]]]] = {}
    for name, cls, plain in options:
        if cls is not None:
            by_class.setdefault(cls, []).append((name, plain))

    def alternatives(value: Any) -> Plain:
        fitting = by_class.get(type(value), every)
        if len(fitting) == 1:
            ((name, plain),) = fitting
            return [name, plain(value)]
        for name, plain in fitting:
            try:
                return [name, plain(value)]
            except RowError:
                continue
        raise wrong_type(value, wanted, "")

    return alternatives


def class_of(kind: ValueType) -> type | None:
    """The class of every canonical value of a type."""
    match kind:
        case Struct():
            return type(kind.cls) if kind.build is Build.SINGLETON else kind.cls
        case Atom(collected=Several()):
            return tuple
        case Atom(collected=Members()):
            return frozenset
        case Atom(collected=Weighted()):
            return ZSetPython
        case Atom(collected=Struct() | Again() as row):
            return row.cls if isinstance(row.cls, type) else None
        case Atom(kind=Kind.ENUM):
            return kind.python if isinstance(kind.python, type) else None
        case Atom():
            return _CLASSES.get(kind.kind)


_CLASSES: dict[Kind, type] = {
    Kind.INT: int,
    Kind.FLOAT: float,
    Kind.BOOL: bool,
    Kind.TEXT: str,
    Kind.BYTES: bytes,
    Kind.DECIMAL: Decimal,
    Kind.DATE: datetime.date,
    Kind.DATETIME: datetime.datetime,
    Kind.TIMESTAMP: datetime.datetime,
    Kind.TIME: datetime.time,
    Kind.UUID: uuid.UUID,
}


def _merged(rows: list[tuple[Plain, int]]) -> list[Plain]:
    """Rows with their counts in the order of their bytes; those that have become equal are one."""
    found: dict[bytes, list[Any]] = {}
    for row, count in rows:
        pair = found.setdefault(packed(row), [row, 0])
        pair[1] += count
    return [found[data] for data in sorted(found) if found[data][1]]


# ------------------------------------------------------------------------------ from plain to value


def _of_text(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda ext: parse(ext.data.decode())


_FROM_PLAIN: dict[Kind, Callable[[Any], Any]] = {
    Kind.DECIMAL: _of_text(Decimal),
    Kind.DATE: _of_text(datetime.date.fromisoformat),
    Kind.TIME: _of_text(datetime.time.fromisoformat),
    Kind.DATETIME: _of_text(datetime.datetime.fromisoformat),
    Kind.TIMESTAMP: _of_text(datetime.datetime.fromisoformat),
    Kind.UUID: lambda ext: uuid.UUID(bytes=ext.data),
}


class FromPlain(_Writer):
    def __init__(self) -> None:
        super().__init__()
        self.globals |= {"ZSetPython": ZSetPython}

    def of(self, kind: ValueType, v: str) -> str:
        """An expression for the value of the plain form that the expression ``v`` gives."""
        match kind:
            case Atom(kind=Kind.PACKED):
                assert kind.collected is not None
                made = f"{self.collected(kind.collected)}({v})"
            case Atom(kind=Kind.ENUM):
                by_name = {name: kind.python[name] for name in kind.members}
                made = f"{self.constant(by_name, 'members')}[{v}]"
            case Atom():
                if kind.kind not in _FROM_PLAIN:
                    return v
                made = f"{self.constant(_FROM_PLAIN[kind.kind], 'value')}({v})"
            case Struct():
                made = f"{self.struct(kind)}({v})"
                if not kind.is_optional:
                    return made
                missing = "None"
                if kind.missing is Missing.EMPTY:
                    missing = self.constant(EMPTY, "empty")
                return f"({missing} if {v} is None else {made})"
        return f"(None if {v} is None else {made})" if kind.nullable else made

    def fields(self, struct: Struct) -> list[str]:
        values = [
            (name, self.of(inner, f"v[{position}]"))
            for position, (name, inner) in enumerate(struct.fields)
        ]
        match struct.build:
            case Build.BARE:
                return [f"return {values[0][1]}"]
            case Build.SINGLETON:
                return [f"return {self.constant(struct.cls, 'single')}"]
            case Build.TUPLE:
                return [f"return ({''.join(f'{value}, ' for _, value in values)})"]
            case Build.KEYWORD | Build.POSITIONAL:
                return [*rebuilding.lines(struct.cls, values, "row", self.constant), "return row"]

    def several(self, kind: Several) -> str:
        made = self.of(kind.item, "i")
        items = "v" if made == "i" else f"[{made} for i in v]"
        return self.write(self.name("several"), [f"return tuple({items})"])

    def members(self, kind: Members) -> str:
        made = self.of(kind.item, "i")
        items = "v" if made == "i" else f"[{made} for i in v]"
        return self.write(self.name("members"), [f"return frozenset({items})"])

    def weighted(self, kind: Weighted) -> str:
        pairs = f"[({self.of(kind.item, 'i')}, n) for i, n in v]"
        return self.write(self.name("weighted"), [f"return ZSetPython({pairs})"])

    def alternatives(self, kind: Alternatives) -> str:
        table: dict[str, Any] = {}
        functions: dict[str, str] = {}
        for option, inner in kind.options:
            function = self.name("option")
            functions[option] = self.write(function, [f"return {self.of(inner, 'v')}"])
        self.later.append(lambda: table.update({n: self.globals[f] for n, f in functions.items()}))
        reader = self.constant(table, "options")
        return self.write(self.name("alternatives"), [f"return {reader}[v[0]](v[1])"])
