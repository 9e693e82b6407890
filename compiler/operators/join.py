"""Inner equi-join: the public function, its node, its meaning and its delta rule."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import uuid
from collections import defaultdict
from functools import cached_property
from typing import Any, TypeVar

from stepping.compiler import ir
from stepping.compiler.codec import python_codec, value_of
from stepping.compiler.frontend.index import Index, join_function, join_key, join_types
from stepping.compiler.frontend.rows import Pair, pair_of
from stepping.compiler.frontend.tracing import (
    at_query_line,
    operators_of,
    origin,
    pointwise,
    query_error,
)
from stepping.compiler.schema import (
    BOOL,
    Atom,
    Build,
    Kind,
    Schema,
    Struct,
    same_shape,
    schema_of,
)
from stepping.compiler.zset import ZSet, ZSetPython

L = TypeVar("L")
R = TypeVar("R")
K = TypeVar("K")


@pointwise
def join(
    l: ZSet[L], r: ZSet[R], *, on_left: Index[L, K], on_right: Index[R, K]
) -> ZSet[Pair[L, R]]:
    """Pair each left row with each right row that has the same key; None matches nothing.

    Keeps one delay table per side, with the columns that are read further on. A step reads only
    the keys that changed, so it costs one look-up per changed row and what it finds.
    """
    left, right = operators_of("st.join", l, r)
    check_keys("st.join", left, right, on_left, on_right)
    keys = join_function(on_left.function), join_function(on_right.function)
    return ir.Traced(Join(left, right, *keys, origin=origin()))


def check_keys(
    what: str,
    left: ir.Operator,
    right: ir.Operator,
    on_left: Index[Any, Any],
    on_right: Index[Any, Any],
) -> None:
    """Raise a QueryError unless both indexes fit their Z-sets and each other."""
    check_index(f"{what} on_left=", left, on_left)
    check_index(f"{what} on_right=", right, on_right)
    if join_types(on_left.type) != join_types(on_right.type):
        raise query_error(
            f"join keys differ in type: on_left is {on_left}, on_right is {on_right}",
            "st.map one side so that both keys have the same types",
        )


def check_index(what: str, operator: ir.Operator, index: object) -> None:
    """Raise a QueryError unless ``index`` is an Index of the operator's rows."""
    if not isinstance(index, Index):
        raise query_error(
            f"{what} expects an Index, got {type(index).__name__}",
            "st.Index.pick(Product, lambda p: p.name)",
        )
    with at_query_line():
        argument = index.argument
        _ = index.function
    if not same_shape(argument, operator.schema.type):
        raise query_error(
            f"{what} is an index of {argument}, and the rows are {operator.schema.type}",
            f"st.Index.pick({operator.schema.type}, ...)",
        )


@ir.node
class Join(ir.Operator):
    left: ir.Operator
    right: ir.Operator
    on_left: ir.RowFunction
    on_right: ir.RowFunction
    null_safe: bool = False  # None matches None

    @property
    def inputs(self) -> tuple[ir.Operator, ...]:
        return (self.left, self.right)

    @cached_property
    def schema(self) -> Schema:
        return schema_of(pair_of(self.left.schema.type, self.right.schema.type))

    def evaluate(self, *inputs: ZSet[Any]) -> ZSet[Any]:
        left, right = inputs
        key_of_left, key_of_right = join_key(self.on_left), join_key(self.on_right)
        by_key = defaultdict(list)
        for row, weight in right.iter():
            by_key[key_of_right(row)].append((row, weight))
        by_key.pop(None, None)
        return ZSetPython(
            (Pair(row, other), v * w)
            for row, v in left.iter()
            for other, w in by_key.get(key_of_left(row), ())
        )

    def delta(self, at: ir.Reads) -> ir.Relation:
        # Bilinear (DBSP theorem 3.4): Δ(l ⋈ r) = Δl ⋈ (r + Δr) + l ⋈ Δr. Reading r after the
        # step and l before it counts Δl ⋈ Δr once; reading both after the step counts it twice.
        assert self.on_left.scalars is not None
        assert self.on_right.scalars is not None
        new_left = self.match(at.delta(self.left), at.after(self.right, by=self.on_right.scalars))
        new_right = self.match(at.before(self.left, by=self.on_left.scalars), at.delta(self.right))
        return ir.Sum((new_left, new_right))

    def meaning(self, wanted: frozenset[str]) -> tuple[Any, ...]:
        own = super().meaning(wanted)  # of joins that are not null-safe, as before there were any
        return own if self.null_safe else tuple(p for p in own if p[0] != "null_safe")

    def match(self, left: ir.Relation, right: ir.Relation) -> ir.Relation:
        assert self.on_left.scalars is not None
        assert self.on_right.scalars is not None
        keys = self.on_left.scalars, self.on_right.scalars
        return ir.Match(left, right, *keys, self.schema.names, self.null_safe)

    def non_negative(self, inputs: tuple[bool, ...]) -> bool:
        return all(inputs)

    @property
    def python_functions(self) -> tuple[ir.RowFunction, ...]:
        return tuple(f for f in (self.on_left, self.on_right) if f.scalars is None)


def null_safe(key: ir.RowFunction) -> ir.RowFunction:
    """A join key in which None equals None: each part that may be None as two that are not.

    The first says whether it is there, the second is its value, or one that stands in for it.
    """
    columns = schema_of(key.type).columns
    scalars: list[ir.Scalar] = []
    types: list[Atom] = []
    for column, scalar in zip(columns, key.scalars or (None,) * len(columns), strict=True):
        if not column.type.nullable:
            types.append(column.type)
            if scalar is not None:
                scalars.append(scalar)
            continue
        types.append(BOOL)
        if column.type.kind is Kind.NULL:
            scalars += () if scalar is None else (ir.IsNull(scalar),)
            continue
        # What is packed has no value to stand in for it, but its bytes have; and what stands in
        # need not be one of a Literal's values.
        packed = column.type.kind is Kind.PACKED
        atom = dataclasses.replace(column.type, nullable=False, choices=())
        atom = Atom(Kind.BYTES) if packed else atom
        types.append(atom)
        if scalar is not None:
            missing = ir.IsNull(scalar)
            stand_in = ir.Const(stand_in_of(atom), atom)
            known = dataclasses.replace(scalar, type=atom)
            scalars += (missing, ir.Case(((missing, stand_in),), known, atom))
    encode, decode = python_codec(key.type).encode, key.call

    def call(row: Any) -> Any:
        parts: list[Any] = []
        for value, column in zip(encode(decode(row)), columns, strict=True):
            if not column.type.nullable:
                parts.append(value_of(value, column.type))
                continue
            parts.append(value is None)
            if column.type.kind is Kind.NULL:
                continue
            parts.append(stand_in_of(column.type) if value is None else value)
        return tuple(parts)

    return dataclasses.replace(
        key,
        type=Struct(
            tuple((str(i), each) for i, each in enumerate(types)), cls=tuple, build=Build.TUPLE
        ),
        scalars=None if key.scalars is None else tuple(scalars),
        python=f"{key.python}, None equal to None" if key.scalars is None else "",
        call=call,
    )


_STAND_INS: dict[Kind, Any] = {
    Kind.INT: 0,
    Kind.FLOAT: 0.0,
    Kind.BOOL: False,
    Kind.TEXT: "",
    Kind.BYTES: b"",
    Kind.DECIMAL: decimal.Decimal(0),
    Kind.DATE: datetime.date(1, 1, 1),
    Kind.DATETIME: datetime.datetime(1, 1, 1, tzinfo=datetime.UTC).replace(tzinfo=None),
    Kind.TIMESTAMP: datetime.datetime(1, 1, 1, tzinfo=datetime.UTC),
    Kind.TIME: datetime.time(0),
    Kind.UUID: uuid.UUID(int=0),
    Kind.PACKED: b"",
}


def stand_in_of(atom: Atom) -> Any:
    """A value that stands beside the word that there is none."""
    if atom.kind is Kind.ENUM:
        return atom.python[atom.members[0]]
    return _STAND_INS[atom.kind]
