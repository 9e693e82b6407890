"""Types of values, and the columns they are stored in. Pure data, imported by every layer.

A row has a *value type*: a tree whose leaves are atoms (one column each) and whose inner nodes are
structs (a row class, a ``Pair``, a fixed tuple). `Schema` lays such a tree out as columns.
"""

from __future__ import annotations

import enum
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

IDENTIFIER_BYTES = 63  # Postgres cuts longer identifiers off; SQLite has no bound


class Kind(enum.Enum):
    """What one column holds, apart from how a database spells it."""

    INT = "int"  # 64 bits, signed
    FLOAT = "float"  # IEEE double without NaN; -0.0 is stored as 0.0
    BOOL = "bool"
    TEXT = "text"  # ordered by code point
    BYTES = "bytes"
    DECIMAL = "decimal"  # exact; with a scale or without
    DATE = "date"
    DATETIME = "datetime"  # naive
    TIMESTAMP = "timestamp"  # aware, always UTC
    TIME = "time"
    UUID = "uuid"
    ENUM = "enum"  # stored by member name
    NULL = "null"  # always None
    PACKED = "packed"  # a collected value in canonical MessagePack: see packing.py
    NATIVE = "native"  # of a type of the database's own, which means what the database means by it


class Empty:
    """The missing side of an outer join. `EMPTY` is the only instance."""

    _instance: Empty | None = None

    def __new__(cls) -> Empty:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "Empty"

    def __lt__(self, other: object) -> bool:
        return not isinstance(other, Empty)

    def __reduce__(self) -> Any:
        return (Empty, ())


EMPTY = Empty()


class Missing(enum.Enum):
    """What stands in for an optional struct that is not there."""

    NEVER = "never"
    NONE = "none"  # X | None
    EMPTY = "empty"  # X | Empty


@dataclass(frozen=True)
class DatabaseType:
    """A type of one database in its own words: of the columns of a SQL query, NATIVE only."""

    name: str  # as the database writes it: numeric(15,2). SQLite has values without a type: ""
    collation: str = ""  # as the database writes it, where it is not the type's own
    base: str = field(default="", compare=False)  # the type under a domain, with its modifier
    short: bool = False  # a value is no longer than an index entry may be
    as_text: bool = False  # rows in Python have its values as texts
    # What is to be known of its values, in words: see the properties.
    traits: str = field(default="", compare=False)
    # Words with ``{0}`` for a value that tell equal ones apart.
    image: str = field(default="", compare=False)
    # Why its values cannot be kept.
    fault: str = field(default="", compare=False)

    @property
    def varied(self) -> bool:
        """Whether values that are equal may differ, so that a group of them shows one of some."""
        return "varied" in self.traits

    @property
    def whole(self) -> bool:
        """Whether every value is an integer of 64 bits, where the name does not say so."""
        return "whole" in self.traits

    @property
    def integral(self) -> bool:
        """Whether values are integers but where something else was written on purpose."""
        return "integral" in self.traits

    @property
    def shown_again(self) -> bool:
        """Whether a cast makes the value of its image."""
        return "shown again" in self.traits

    @property
    def unhashed(self) -> bool:
        """Whether the database has no hash for its values."""
        return "unhashed" in self.traits

    @property
    def unequal(self) -> bool:
        """Whether the database does not say which of its values are equal."""
        return "unequal" in self.traits

    @property
    def is_row(self) -> bool:
        """Whether its values have parts, which are NULL each for itself."""
        return "row" in self.traits

    def __str__(self) -> str:
        return f"{self.name} COLLATE {self.collation}" if self.collation else self.name


@dataclass(frozen=True)
class Atom:
    """The type of one column."""

    kind: Kind
    nullable: bool = False
    scale: int | None = None  # digits after the point, DECIMAL only
    members: tuple[str, ...] = ()  # names of an enum's members, in order, ENUM only
    collected: Collected | None = None  # what is packed, PACKED only
    native: DatabaseType | None = None  # NATIVE only
    # Left out of equality: what Python builds from the column. Renaming a class moves no data.
    python: Any = field(default=None, compare=False, repr=False)
    choices: tuple[Any, ...] = field(default=(), compare=False, repr=False)  # Literal[...]
    # Of a number, what a row that is given may have; None where its type says it all. It is checked
    # ``at_door`` only: what is computed of such values may be outside.
    low: Any = field(default=None, compare=False, repr=False)
    high: Any = field(default=None, compare=False, repr=False)
    at_door: bool = field(default=False, compare=False, repr=False)

    @property
    def infinite(self) -> bool:
        """Whether infinities are among its values: of floats, which are finite elsewhere."""
        return self.kind is Kind.FLOAT and math.inf in (self.high, -(self.low or 0))

    def with_infinities(self) -> Atom:
        return replace(self, low=-math.inf, high=math.inf)

    def optional(self) -> Atom:
        return self if self.nullable else replace(self, nullable=True)

    def required(self) -> Atom:
        return replace(self, nullable=False) if self.nullable else self

    def __str__(self) -> str:
        name = self.kind.value if self.collected is None else str(self.collected)
        if self.kind is Kind.DECIMAL and self.scale is not None:
            name = f"decimal(scale {self.scale})"
        if self.native is not None:
            name = str(self.native) or "any"
        return f"{name} | None" if self.nullable and self.kind is not Kind.NULL else name


class Build(enum.Enum):
    """How a struct's instance is made from its fields' values."""

    KEYWORD = "keyword"  # cls(a=..., b=...)
    POSITIONAL = "positional"  # cls(..., ...)
    TUPLE = "tuple"  # (..., ...)
    SINGLETON = "singleton"  # the one instance, held in `cls`
    BARE = "bare"  # the value of the only field itself


@dataclass(frozen=True)
class Struct:
    """The type of a row class, a Pair, a NamedTuple or a fixed tuple."""

    fields: tuple[tuple[str, ValueType], ...]
    missing: Missing = Missing.NEVER
    # Left out of equality, as in Atom.
    cls: Any = field(default=tuple, compare=False, repr=False)
    build: Build = field(default=Build.TUPLE, compare=False, repr=False)
    name: str = field(default="tuple", compare=False)

    def optional(self, missing: Missing = Missing.NONE) -> Struct:
        return replace(self, missing=missing)

    def required(self) -> Struct:
        return replace(self, missing=Missing.NEVER)

    @property
    def is_optional(self) -> bool:
        return self.missing is not Missing.NEVER

    @property
    def is_row(self) -> bool:
        """Whether its values are instances of a class with fields: no tuple, no bare value."""
        return self.build in (Build.KEYWORD, Build.POSITIONAL)

    def field(self, name: str) -> ValueType:
        return dict(self.fields)[name]

    def __str__(self) -> str:
        if self.build is Build.TUPLE:
            text = f"tuple[{', '.join(str(t) for _, t in self.fields)}]"
        else:
            text = self.name
        suffix = {Missing.NEVER: "", Missing.NONE: " | None", Missing.EMPTY: " | Empty"}
        return text + suffix[self.missing]


ValueType = Atom | Struct


@dataclass(frozen=True)
class Several:
    """``tuple[X, ...]``: any number of values in an order."""

    item: ValueType

    def __str__(self) -> str:
        return f"tuple[{self.item}, ...]"


@dataclass(frozen=True)
class Members:
    """``frozenset[X]``."""

    item: ValueType

    def __str__(self) -> str:
        return f"frozenset[{self.item}]"


@dataclass(frozen=True)
class Weighted:
    """``ZSetPython[X]``: rows with their counts."""

    item: ValueType

    def __str__(self) -> str:
        return f"ZSetPython[{self.item}]"


@dataclass(frozen=True)
class Alternatives:
    """``X | Y``: each under a name, by which a stored value says what it is; sorted by it."""

    options: tuple[tuple[str, ValueType], ...]

    def __str__(self) -> str:
        return " | ".join(str(option) for _, option in self.options)


@dataclass(frozen=True)
class Again:
    """A row class inside itself: the one that is ``up`` row classes further out, 0 the nearest.

    Counted are the structs inside the collected value that `Struct.is_row`.
    """

    up: int
    cls: Any = field(default=None, compare=False, repr=False)
    name: str = field(default="...", compare=False)

    def __str__(self) -> str:
        return self.name


# A Struct is packed whole where a row class contains itself.
Collected = Several | Members | Weighted | Alternatives | Again | Struct

BOOL = Atom(Kind.BOOL)
INT = Atom(Kind.INT)
ONE_OR_NONE = replace(INT, low=0, high=1)  # what a row adds to a number of rows
FLOAT = Atom(Kind.FLOAT)
TEXT = Atom(Kind.TEXT)
NULL = Atom(Kind.NULL, nullable=True)


def required(value_type: ValueType) -> ValueType:
    """The same type with `None` (or `Empty`) taken away."""
    return value_type.required()


def same_shape(a: ValueType, b: ValueType) -> bool:
    """Whether two types hold the same values: equal but for which class Python builds."""
    return a == b


def same_classes(a: ValueType | Collected, b: ValueType | Collected) -> bool:
    """Whether two types of the same shape build the same classes, so that equal columns are equal
    values in Python."""
    match a, b:
        case Atom(), Atom():
            if a.collected is not None and b.collected is not None:
                return same_classes(a.collected, b.collected)
            return a.kind is not Kind.ENUM or a.python is b.python
        case Struct(), Struct():
            return a.cls is b.cls and all(
                same_classes(x, y) for (_, x), (_, y) in zip(a.fields, b.fields, strict=True)
            )
        case Alternatives(), Alternatives():
            return all(
                same_classes(x, y) for (_, x), (_, y) in zip(a.options, b.options, strict=True)
            )
        case (Several(), Several()) | (Members(), Members()) | (Weighted(), Weighted()):
            return same_classes(a.item, b.item)  # type: ignore[union-attr]
        case Again(), Again():
            return a.cls is b.cls
        case _:
            return False


@dataclass(frozen=True)
class Column:
    """One column of a relation. ``path`` leads to it from the row: field names and positions."""

    name: str
    type: Atom
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schema:
    """A value type and its columns, in the order of a depth-first walk of the type.

    An optional struct has a BOOL column in front of its own, and its own are all nullable; a type
    without any column has one BOOL that is always true, since a table needs a column.
    """

    type: ValueType
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def __len__(self) -> int:
        return len(self.columns)


# Every table of Postgres has columns of these names, and statements of ours name some themselves.
SYSTEM_COLUMNS = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})
OURS = "stepping_"

PRESENT = "present"  # last part of the path of an optional struct's flag
UNIT = "unit"  # the column of a type that has none of its own


def schema_of(value_type: ValueType) -> Schema:
    """The columns of a value type, with names that every database takes."""
    leaves = list(_leaves(value_type, (), nullable=False))
    if not leaves:
        leaves = [((UNIT,), BOOL)]
    names = column_names([path or ("value",) for path, _ in leaves])
    return Schema(
        value_type, tuple(Column(n, t, p) for n, (p, t) in zip(names, leaves, strict=True))
    )


def _leaves(
    value_type: ValueType, path: tuple[str, ...], *, nullable: bool
) -> Iterator[tuple[tuple[str, ...], Atom]]:
    match value_type:
        case Atom():
            yield path, value_type.optional() if nullable else value_type
        case Struct():
            if value_type.is_optional:
                yield (*path, PRESENT), BOOL
            inside = nullable or value_type.is_optional
            for name, inner in value_type.fields:
                yield from _leaves(inner, (*path, name), nullable=inside)


@dataclass(frozen=True)
class Within:
    """Of a column of a row that may be missing: which column says so, and whether None is a value
    where it is not missing.
    """

    flag: str
    nullable: bool


def within_optional(schema: Schema) -> dict[str, Within]:
    """The columns that are of a row that may be missing, by name."""
    names = {column.path: column.name for column in schema.columns}
    found: dict[str, Within] = {}

    def walk(inner: ValueType, path: tuple[str, ...], flag: str) -> None:
        if isinstance(inner, Atom):
            if flag:
                found[names[path]] = Within(flag, inner.nullable)
            return
        if inner.is_optional:
            own = names[*path, PRESENT]
            if flag:
                found[own] = Within(flag, nullable=False)
            flag = own
        for name, each in inner.fields:
            walk(each, (*path, name), flag)

    walk(schema.type, (), "")
    return found


def has_columns(value_type: ValueType) -> bool:
    """Whether a type has columns of its own: not a row class without fields."""
    return next(_leaves(value_type, (), nullable=False), None) is not None


def column_names(paths: list[tuple[str, ...]]) -> list[str]:
    """A name for each path: its parts joined by ``_``, unique without regard to case, bounded.

    SQLite compares names without regard to (ASCII) case, and Postgres cuts them at 63 bytes;
    both would make two fields one column.
    """
    taken: set[str] = set()
    return [free_name("_".join(path), taken) for path in paths]


def free_name(wanted: str, taken: set[str]) -> str:
    """``wanted``, bounded and changed until it is not in ``taken``, to which it is added."""
    if wanted.lower() in SYSTEM_COLUMNS or wanted.lower().startswith(OURS):
        wanted = f"field_{wanted}"
    name = bounded(wanted or "_")
    serial = 2
    while name.lower() in taken:
        name = bounded(f"{wanted}_{serial}")
        serial += 1
    taken.add(name.lower())
    return name


def bounded(name: str) -> str:
    """``name`` in at most 63 bytes: cut, with a hash of the whole so that two stay two."""
    raw = name.encode("utf-8", "surrogatepass")
    if len(raw) <= IDENTIFIER_BYTES:
        return name
    tail = hashlib.blake2b(raw, digest_size=4).hexdigest()
    head = raw[: IDENTIFIER_BYTES - len(tail) - 1].decode("utf-8", "ignore")
    return f"{head}_{tail}"


def fitted(text: str, tail: str = "", most: int = IDENTIFIER_BYTES) -> str:
    """``text`` without blanks, cut so that it has at most 63 bytes with ``tail`` behind it."""
    text = re.sub(r"\s+", "_", text)
    raw, most = text.encode("utf-8", "surrogatepass"), most - len(tail)
    if len(raw) > most:
        text = raw[:most].decode("utf-8", "ignore").rstrip("_")
    return text + tail


_LONGEST_PREFIX = 40  # bytes


def query_prefix(query: str) -> str:
    """What names of a query's tables begin with: it has no ``__``, and no other query has it.

    That is the query's name where no other one can be taken for it. SQLite compares names without
    regard to (ASCII) case, blanks are written as ``_``, and long names are cut: such a name has
    some digits of itself behind it.
    """
    raw = query.encode("utf-8", "surrogatepass")
    plain = query and not re.search(r"[A-Z\s]|__|_$", query)
    if plain and len(raw) <= _LONGEST_PREFIX:
        return query
    tail = f"_{hashlib.blake2b(raw, digest_size=3).hexdigest()}"
    head = raw[: _LONGEST_PREFIX - len(tail)].decode("utf-8", "ignore")
    return re.sub(r"[\s_]+", "_", head).rstrip("_") + tail


def shown_names(schema: Schema) -> tuple[str, ...]:
    """What readers of a relation know the columns of a row by: a nested field by its own name where
    no other column has that.
    """
    names = [column.name for column in schema.columns]
    leaves = [column.path[-1] if column.path else column.name for column in schema.columns]
    often = Counter(leaf.lower() for leaf in leaves)
    found = [
        leaf if often[leaf.lower()] == 1 else name for name, leaf in zip(names, leaves, strict=True)
    ]
    # Nor is there one whose whole name that is.
    return tuple(found if len({each.lower() for each in found}) == len(found) else names)


def relation_name(query: str, cache: str) -> str:
    """What readers know a cache by, over all versions of its query; that of a SQL query, which has
    no other result, by the query's own name.
    """
    return query if cache == query else bounded(f"{query}_{cache}")
