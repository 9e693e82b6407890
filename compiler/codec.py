"""Rows to tuples of column values and back, by a function generated for each value type.

Encoding also checks a row and brings it into its canonical form, so that equal rows have equal
columns: an int in a float field becomes a float, -0.0 becomes 0.0, a Decimal is normalised, an
aware datetime becomes UTC. A value that does not fit is a `RowError` that names the field.

The column of a collected value holds its packed bytes on every store, the one in memory included:
equality, groups and joins then mean the same everywhere.

The functions are generated because a loop over fields costs several times the database's own work
per row.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stepping.compiler.canonical import FAST, FAST_NAMES, wrong_type
from stepping.compiler.packing import check_of, packing_of
from stepping.compiler.schema import (
    EMPTY,
    Atom,
    Build,
    Kind,
    Missing,
    Struct,
    ValueType,
    schema_of,
)

Convert = Callable[[Atom, str], Callable[[Any], Any] | None]  # a column's type, and its field


@dataclass(frozen=True)
class Codec:
    """``encode(row)`` gives a tuple of column values, ``decode(tuple)`` the row.

    ``decode_counted`` takes the columns with the count behind them, and gives ``(row, count)``.
    """

    type: ValueType
    encode: Callable[[Any], tuple[Any, ...]]
    decode: Callable[[tuple[Any, ...]], Any]
    decode_counted: Callable[[tuple[Any, ...]], tuple[Any, int]]

    def canonical(self, row: Any) -> Any:
        """The row as it would come back from a database."""
        return self.decode(self.encode(row))


def codec_of(
    value_type: ValueType, to_column: Convert | None = None, from_column: Convert | None = None
) -> Codec:
    """The codec of a type. ``to_column(atom, field)`` gives a database's conversion of a value
    that is not None (None where it needs none), and ``from_column`` the reverse.
    """
    # Types are equal that build different classes, so the type's own identity is part of the key;
    # the cache keeps the type alive, so that an identity is never used twice.
    return _codec(value_type, id(value_type), to_column or _as_it_is, from_column or _as_it_is)


@lru_cache(maxsize=1024)
def _codec(value_type: ValueType, identity: int, to_column: Convert, from_column: Convert) -> Codec:
    # Made once: an application may open a store for each request.
    encode = _Encoder(to_column).function(value_type)
    decode = _Decoder(from_column).function(value_type)
    counted = _Decoder(from_column).function(value_type, counted=True)
    return Codec(value_type, encode, decode, counted)


def python_codec(value_type: ValueType) -> Codec:
    """The codec without a database: its columns hold canonical Python values, or packed bytes."""
    return codec_of(value_type)


def value_of(column: Any, atom: Atom) -> Any:
    """The value that a column of `python_codec` holds: itself, but for one that is packed."""
    return python_codec(atom).decode((column,)) if atom.kind is Kind.PACKED else column


def _as_it_is(atom: Atom, field: str) -> None:
    return None


class _Generator:
    def __init__(self, convert: Convert) -> None:
        self.convert = convert
        self.globals: dict[str, Any] = dict(FAST_NAMES)
        self.lines: list[str] = []
        self.serial = itertools.count()

    def constant(self, value: Any, stem: str = "k") -> str:
        name = f"{stem}{next(self.serial)}"
        self.globals[name] = value
        return name

    def variable(self) -> str:
        return f"v{next(self.serial)}"

    def compiled(self, header: str, result: str) -> Any:
        body = [header, *(f"    {line}" for line in self.lines), f"    return {result}"]
        scope: dict[str, Any] = {}
        exec(compile("\n".join(body), "<row codec>", "exec"), self.globals, scope)
        return scope["generated"]


def _raise_wrong(value: Any, wanted: str, field: str) -> None:
    raise wrong_type(value, wanted, field)


class _Encoder(_Generator):
    def function(self, value_type: ValueType) -> Callable[[Any], tuple[Any, ...]]:
        self.globals["wrong"] = _raise_wrong
        name = value_type.name if isinstance(value_type, Struct) else "value"
        columns = list(self.encode(value_type, "row", name, "", nullable=False)) or ["True"]
        function: Callable[[Any], tuple[Any, ...]] = self.compiled(
            "def generated(row):", f"({', '.join(columns)},)"
        )
        return function

    def line(self, indent: str, text: str) -> None:
        self.lines.append(indent + text)

    def encode(
        self, value_type: ValueType, expression: str, field: str, indent: str, *, nullable: bool
    ) -> Iterator[str]:
        match value_type:
            case Atom():
                yield self.atom(value_type, expression, field, indent)
            case Struct():
                yield from self.struct(value_type, expression, field, indent)

    def atom(self, atom: Atom, expression: str, field: str, indent: str) -> str:
        value, checked = self.variable(), self.variable()
        self.line(indent, f"{value} = {expression}")
        check = self.constant(check_of(atom), "check")
        call = f"{check}({value}, {self.constant(atom, 'atom')}, {self.constant(field, 'field')})"
        fast = "" if atom.choices else FAST.get(atom.kind, "")
        convert = self.convert(atom, field)
        wrap = f"{self.constant(convert, 'convert')}({{}})" if convert else "{}"
        if atom.nullable:
            self.line(indent, f"if {value} is None: {checked} = None")
            self.line(indent, "else:")
            indent += "    "
        good = f"{value} if {fast.format(v=value)} else {call}" if fast else call
        self.line(indent, f"{checked} = {wrap.format(good)}")
        return checked

    def struct(self, struct: Struct, expression: str, field: str, indent: str) -> Iterator[str]:
        value = self.variable()
        self.line(indent, f"{value} = {expression}")
        columns: list[str] = []
        inner, no = indent, "False"
        if struct.is_optional:
            present = self.variable()
            missing = "None" if struct.missing is Missing.NONE else self.constant(EMPTY, "empty")
            self.line(indent, f"{present} = {value} is not {missing}")
            inner = indent + "    "
            convert = self.convert(Atom(Kind.BOOL), field)
            if convert:
                # A variable of its own: where an outer row is missing, this one is set.
                shown = self.variable()
                self.line(indent, f"{shown} = {self.constant(convert, 'convert')}({present})")
                columns.append(shown)
                no = repr(convert(False))
            else:
                columns.append(present)
            self.line(indent, f"if {present}:")
        mark = len(self.lines)
        own = list(self.fields(struct, value, field, inner))
        if struct.is_optional:
            if len(self.lines) == mark:
                self.line(inner, "pass")
            self.line(indent, "else:")
            for name, column in zip(own, schema_of(struct).columns[1:], strict=True):
                # The flag of a row inside a row that is not there says that it is not there.
                absent = "None" if column.type.nullable else no
                self.line(indent, f"    {name} = {absent}")
            self.line(indent, "    pass")
        yield from columns
        yield from own

    def fields(self, struct: Struct, value: str, field: str, indent: str) -> Iterator[str]:
        if struct.build is Build.BARE:
            ((_, inner),) = struct.fields
            yield from self.encode(inner, value, field, indent, nullable=True)
            return
        if struct.build is Build.SINGLETON:
            test = f"{value} is not {self.constant(struct.cls, 'cls')}"
        else:
            test = f"type({value}) is not {self.constant(struct.cls, 'cls')}"
            if struct.build is Build.TUPLE:
                test += f" or len({value}) != {len(struct.fields)}"
        wanted = self.constant(str(struct), "wanted")
        self.line(indent, f"if {test}: wrong({value}, {wanted}, {self.constant(field, 'field')})")
        for name, inner in struct.fields:
            if struct.build is Build.TUPLE:
                read = f"{value}[{name}]"
            elif name.isidentifier():
                read = f"{value}.{name}"
            else:
                read = f"getattr({value}, {name!r})"
            yield from self.encode(inner, read, f"{field}.{name}", indent, nullable=True)


class _Decoder(_Generator):
    def function(
        self, value_type: ValueType, *, counted: bool = False
    ) -> Callable[[tuple[Any, ...]], Any]:
        self.column = itertools.count()
        result = self.decode(value_type)
        names = ", ".join(f"c{i}" for i in range(len(schema_of(value_type))))
        if counted:
            names, result = f"{names}, count", f"({result}, int(count))"
        self.lines.insert(0, f"({names},) = columns")
        function: Callable[[tuple[Any, ...]], Any] = self.compiled(
            "def generated(columns):", result
        )
        return function

    def decode(self, value_type: ValueType) -> str:
        """An expression for the value, over the columns ``c0, c1, ...``."""
        match value_type:
            case Atom():
                name = f"c{next(self.column)}"
                convert = self.convert(value_type, "")
                called = f"{self.constant(convert, 'convert')}({name})" if convert else name
                if value_type.kind is Kind.PACKED:
                    unpack = self.constant(packing_of(value_type).unpack, "unpack")
                    called = f"{unpack}({called})"
                if called == name:
                    return name
                return f"(None if {name} is None else {called})" if value_type.nullable else called
            case Struct() if value_type.is_optional:
                present = f"c{next(self.column)}"
                made = self.made(value_type)
                if value_type.missing is Missing.NONE:
                    return f"({made} if {present} else None)"
                return f"({made} if {present} else {self.constant(EMPTY, 'empty')})"
            case Struct():
                return self.made(value_type)

    def made(self, struct: Struct) -> str:
        values = [(name, self.decode(inner)) for name, inner in struct.fields]
        match struct.build:
            case Build.TUPLE:
                return f"({', '.join(value for _, value in values)}{',' if values else ''})"
            case Build.SINGLETON:
                return self.constant(struct.cls, "single")
            case Build.BARE:
                return values[0][1]
            case Build.POSITIONAL:
                cls = self.constant(struct.cls, "cls")
                return f"{cls}({', '.join(value for _, value in values)})"
            case Build.KEYWORD:
                cls = self.constant(struct.cls, "cls")
                if all(name.isidentifier() for name, _ in values):
                    return f"{cls}({', '.join(f'{name}={value}' for name, value in values)})"
                pairs = ", ".join(f"{name!r}: {value}" for name, value in values)
                return f"{cls}(**{{{pairs}}})"
