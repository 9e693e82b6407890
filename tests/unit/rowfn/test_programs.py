"""The law of row functions on random ones."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepping.compiler.codec import python_codec
from stepping.compiler.frontend.rowfn.translate import translate, translate_condition
from stepping.errors import QueryError
from tests.support.interpret import Raised, run
from tests.unit.rowfn.programs import loaded, programs
from tests.unit.rowfn.rows import Joined, joined, row_type

ARGUMENTS = (row_type(Joined),)


@given(programs(), st.lists(joined, min_size=8, max_size=8), st.booleans())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_row_functions_mean_what_they_mean_in_python(
    source: str, rows: list[Any], as_condition: bool
) -> None:
    f = loaded(source)
    try:
        how = translate_condition if as_condition else translate
        function = how(f, ARGUMENTS, what="st.map f=")
    except QueryError:
        return
    if function.scalars is None:
        return
    codec = python_codec(function.type)
    for row in map(python_codec(ARGUMENTS[0]).canonical, rows):
        try:
            wanted = codec.canonical(function.call(row))
        except Exception as error:
            wanted = error
        try:
            got = run(function, (row,), ARGUMENTS)
        except (Raised, ArithmeticError, ValueError, LookupError) as error:
            got = error
        if isinstance(wanted, Exception) or isinstance(got, Exception):
            assert isinstance(wanted, Exception), (wanted, got, row)
            assert isinstance(got, Exception), (wanted, got, row)
        else:
            assert repr(got) == repr(wanted)
