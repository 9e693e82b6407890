"""The source of functions that take rows of one value type apart and put them together again.

They are generated because a loop over fields, or a call for each value, costs several times the
database's own work per row.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from stepping.compiler import rebuilding
from stepping.compiler.canonical import FAST_NAMES, fast_of, wrong_type
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
Pair = tuple[Any, int]  # a row and its count
Columns = tuple[Any, ...]


class Inline:
    """A conversion as the text of an expression over ``{v}``, which must not raise.

    Generated code has it in place of a call: that takes longer than most conversions. ``names``
    are the other names in braces, and what they stand for.
    """

    def __init__(self, text: str, **names: Any) -> None:
        self.text = text
        self.names: Mapping[str, Any] = names

    def __call__(self, value: Any) -> Any:
        return self._function(value)

    @cached_property
    def _function(self) -> Callable[[Any], Any]:
        text = self.text.format(v="value", **{name: name for name in self.names})
        function: Callable[[Any], Any] = eval(f"lambda value: {text}", dict(self.names))
        return function


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

    def line(self, indent: str, text: str) -> None:
        self.lines.append(indent + text)

    def converted(self, convert: Callable[[Any], Any] | None, value: str) -> str:
        """An expression for a value that has been converted."""
        if convert is None:
            return value
        if isinstance(convert, Inline):
            names = {name: self.constant(each, name) for name, each in convert.names.items()}
            return f"({convert.text.format(v=value, **names)})"
        return f"{self.constant(convert, 'convert')}({value})"

    def compiled(self, *source: str) -> Any:
        scope: dict[str, Any] = {}
        exec(compile("\n".join(source), "<row codec>", "exec"), self.globals, scope)
        return scope["generated"]

    def one(self, argument: str, result: str) -> Any:
        """A function of one row."""
        body = (f"    {line}" for line in self.lines)
        return self.compiled(f"def generated({argument}):", *body, f"    return {result}")

    def many(self, each: str, result: str) -> Any:
        """A function of an iterable, whose items ``each`` takes apart: a list of results."""
        return self.compiled(
            "def generated(given):",
            "    found = []",
            "    append = found.append",
            f"    for {each} in given:",
            *(f"        {line}" for line in self.lines),
            f"        append({result})",
            "    return found",
        )


def _raise_wrong(value: Any, wanted: str, field: str) -> None:
    raise wrong_type(value, wanted, field)


class Encoder(_Generator):
    """Rows to columns, checked and in their canonical form.

    All columns are checked, also those that are not among ``positions``.
    """

    def row(self, value_type: ValueType) -> Callable[[Any], Columns]:
        """A function of a row: its columns."""
        function: Callable[[Any], Columns] = self.one(
            "row", self.picked(self.columns(value_type), None, ())
        )
        return function

    def counted(
        self, value_type: ValueType, positions: Sequence[int] | None
    ) -> Callable[[Any], list[Columns]]:
        """A function of pairs of a row and a count: of each the columns, and then the count."""
        picked = self.picked(self.columns(value_type), positions, ("count",))
        function: Callable[[Any], list[Columns]] = self.many("row, count", picked)
        return function

    def columns(self, value_type: ValueType) -> list[str]:
        self.globals["wrong"] = _raise_wrong
        name = value_type.name if isinstance(value_type, Struct) else "value"
        return list(self.encode(value_type, "row", name, "", optional=False)) or ["True"]

    def picked(
        self, columns: Sequence[str], positions: Sequence[int] | None, behind: Sequence[str]
    ) -> str:
        some = columns if positions is None else [columns[position] for position in positions]
        return f"({', '.join((*some, *behind))},)"

    def encode(
        self, value_type: ValueType, expression: str, field: str, indent: str, *, optional: bool
    ) -> Iterator[str]:
        """Lines that check a value; expressions for its columns.

        ``optional``: the lines may not run, so that an expression is a variable that can be set.
        """
        match value_type:
            case Atom():
                yield self.atom(value_type, expression, field, indent, optional=optional)
            case Struct():
                yield from self.struct(value_type, expression, field, indent, optional=optional)

    def atom(self, atom: Atom, expression: str, field: str, indent: str, *, optional: bool) -> str:
        value = self.variable()
        self.line(indent, f"{value} = {expression}")
        check = self.constant(check_of(atom), "check")
        call = f"{check}({value}, {self.constant(atom, 'atom')}, {self.constant(field, 'field')})"
        tests = [f"{value} is not None"] if atom.nullable else []
        if fast := self.fast(atom, value):
            tests.append(f"not ({fast})")
        only = f"if {' and '.join(tests)}: " if tests else ""
        self.line(indent, f"{only}{value} = {call}")
        convert = self.convert(atom, field)
        column = self.converted(convert, value)
        if column == value:
            return value
        if atom.nullable:
            column = f"(None if {value} is None else {column})"
        if isinstance(convert, Inline) and not optional:
            return column
        # What may raise runs for a column that is not picked, too.
        made = self.variable()
        self.line(indent, f"{made} = {column}")
        return made

    def fast(self, atom: Atom, value: str) -> str:
        """A test that says that a value is canonical; none where only the check can tell."""
        is_enum = atom.kind is Kind.ENUM and not atom.choices
        if is_enum and not issubclass(atom.python, enum.Flag):
            return f"type({value}) is {self.constant(atom.python, 'cls')}"
        return fast_of(atom, value)

    def struct(
        self, struct: Struct, expression: str, field: str, indent: str, *, optional: bool
    ) -> Iterator[str]:
        value = self.variable()
        self.line(indent, f"{value} = {expression}")
        if not struct.is_optional:
            yield from self.fields(struct, value, field, indent, optional=optional)
            return
        convert = self.convert(Atom(Kind.BOOL), field)
        present, shown = self.variable(), self.variable()
        missing = "None" if struct.missing is Missing.NONE else self.constant(EMPTY, "empty")
        self.line(indent, f"{present} = {value} is not {missing}")
        # A variable of its own: where an outer row is missing, this one is set.
        self.line(indent, f"{shown} = {self.converted(convert, present)}")
        self.line(indent, f"if {present}:")
        self.line(indent, "    pass")
        own = list(self.fields(struct, value, field, indent + "    ", optional=True))
        self.line(indent, "else:")
        self.line(indent, "    pass")
        no = repr(convert(False)) if convert else "False"
        for name, column in zip(own, schema_of(struct).columns[1:], strict=True):
            # The flag of a row inside a row that is not there says that it is not there.
            self.line(indent, f"    {name} = {'None' if column.type.nullable else no}")
        yield shown
        yield from own

    def fields(
        self, struct: Struct, value: str, field: str, indent: str, *, optional: bool
    ) -> Iterator[str]:
        if struct.build is Build.BARE:
            ((_, inner),) = struct.fields
            yield from self.encode(inner, value, field, indent, optional=optional)
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
            yield from self.encode(inner, read, f"{field}.{name}", indent, optional=optional)


class Decoder(_Generator):
    """Columns to rows."""

    def row(self, value_type: ValueType) -> Callable[[Columns], Any]:
        """A function of the columns of a row: the row."""
        names, result = self.decoded(value_type)
        self.lines.insert(0, f"({names},) = columns")
        function: Callable[[Columns], Any] = self.one("columns", result)
        return function

    def counted(self, value_type: ValueType) -> Callable[[Any], list[Pair]]:
        """A function of tuples of columns, each with a count at its end: pairs of row and count."""
        names, result = self.decoded(value_type)
        # Postgres adds up counts to a numeric.
        count = "count if type(count) is int else int(count)"
        function: Callable[[Any], list[Pair]] = self.many(f"{names}, count", f"({result}, {count})")
        return function

    def decoded(self, value_type: ValueType) -> tuple[str, str]:
        self.column = itertools.count()
        result = self.decode(value_type, "")
        return ", ".join(f"c{i}" for i in range(len(schema_of(value_type)))), result

    def decode(self, value_type: ValueType, indent: str) -> str:
        """Lines that make a value from the columns ``c0, c1, ...``; an expression for it."""
        match value_type:
            case Atom():
                name = f"c{next(self.column)}"
                value = self.converted(self.convert(value_type, ""), name)
                if value_type.kind is Kind.PACKED:
                    value = self.converted(packing_of(value_type).unpack, value)
                if value == name:
                    return name
                return f"(None if {name} is None else {value})" if value_type.nullable else value
            case Struct() if value_type.is_optional:
                found, present = self.variable(), f"c{next(self.column)}"
                self.line(indent, f"if {present}:")
                made = self.made(value_type, indent + "    ")
                self.line(indent, f"    {found} = {made}")
                none = value_type.missing is Missing.NONE
                missing = "None" if none else self.constant(EMPTY, "empty")
                self.line(indent, f"else: {found} = {missing}")
                return found
            case Struct():
                return self.made(value_type, indent)

    def made(self, struct: Struct, indent: str) -> str:
        values = [(name, self.decode(inner, indent)) for name, inner in struct.fields]
        match struct.build:
            case Build.TUPLE:
                return f"({', '.join(value for _, value in values)}{',' if values else ''})"
            case Build.SINGLETON:
                return self.constant(struct.cls, "single")
            case Build.BARE:
                return values[0][1]
            case Build.KEYWORD | Build.POSITIONAL:
                row = self.variable()
                for line in rebuilding.lines(struct.cls, values, row, self.constant):
                    self.line(indent, line)
                return row
