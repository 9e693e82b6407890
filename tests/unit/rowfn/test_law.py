"""The law of row functions: the scalars mean what the function means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.rowfn.translate import translate, translate_condition
from stepping.compiler.ir.function import RowFunction
from stepping.compiler.ir.scalar import size
from stepping.compiler.schema import Kind, schema_of
from tests.support.interpret import Raised, run
from tests.unit.rowfn import corpus_statements
from tests.unit.rowfn.corpus import CASES, CONDITIONS
from tests.unit.rowfn.rows import ROWS, row_type

assert corpus_statements  # which adds to the cases
ALL = [(name, f, types, translate) for name, f, types in CASES]
ALL += [(name, f, types, translate_condition) for name, f, types in CONDITIONS]


@pytest.mark.parametrize(
    ("f", "types", "how"),
    [(f, types, how) for _, f, types, how in ALL],
    ids=[name for name, _, _, _ in ALL],
)
def test_scalars_mean_what_the_function_means(
    f: Callable[..., Any], types: tuple[Any, ...], how: Any
) -> None:
    arguments = tuple(map(row_type, types))
    function: RowFunction = how(f, arguments, what="st.map f=")
    assert function.scalars is not None, f"{function.reason}\n{function.fault}"
    columns = schema_of(function.type).columns
    for scalar, column in zip(function.scalars, columns, strict=True):
        assert size(scalar) < 500
        assert scalar.type.kind in (column.type.kind, Kind.NULL)
        assert column.type.nullable or not scalar.type.nullable
    codec = python_codec(function.type)
    canonical = [python_codec(argument).canonical for argument in arguments]

    @given(st.tuples(*(ROWS[each] for each in types)))
    @settings(max_examples=40, deadline=None)
    def law(drawn: tuple[Any, ...]) -> None:
        rows = tuple(one(row) for one, row in zip(canonical, drawn, strict=True))
        try:
            wanted = codec.canonical(function.call(*rows))
        except Exception:
            with pytest.raises((Raised, ArithmeticError, ValueError, LookupError)):
                run(function, rows, arguments)
        else:
            got = run(function, rows, arguments)
            assert repr(got) == repr(wanted)
            assert type(got) is type(wanted)

    law()
