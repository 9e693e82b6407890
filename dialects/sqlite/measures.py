"""Aggregates of SQLite as running sums, with the values and types that SQLite gives.

sum() is an integer as long as all its arguments are, and a float from the first other one on; so
integers are added up apart from the rest, and what is no integer is counted. In a STRICT table all
values of an INTEGER column are; in any other one nearly all, and what is not is kept as it is.
"""

from __future__ import annotations

from stepping.compiler.plan.database import Given, Measure, Part
from stepping.compiler.schema import FLOAT, INT, ONE_OR_NONE, Atom, DatabaseType, Kind
from stepping.dialects.sqlite.sums import BAG

ANY = DatabaseType("", short=True)

# A text that reads as an integer counts as one (sqlite.org/lang_aggfunc.html).
_IS_INTEGER = (
    "CASE typeof({0}) WHEN 'integer' THEN 1 "
    "WHEN 'text' THEN CAST(CAST({0} AS INTEGER) AS TEXT) = trim({0}) ELSE 0 END"
)


def measure(function: str, argument: DatabaseType, given: Given) -> Measure | None:
    if function not in ("sum", "avg", "total"):
        return None
    some = given.may_be_of_nothing and function != "total"
    words = "CASE WHEN {0} IS NULL THEN 0 ELSE 1 END" if given.nullable else "1"
    parts = [Part("n", words, ONE_OR_NONE)] if some or function == "avg" else []
    if given.whole:
        known = "COALESCE({0}, 0)" if given.nullable else "{0}"
        parts.append(Part("sum", known, INT))
        total = {"sum": "+{sum}", "avg": "CAST({sum} AS REAL) / {n}"}.get(
            function, "CAST({sum} AS REAL)"
        )
        value = f"CASE WHEN {{n}} > 0 THEN {total} END" if some else total
        return Measure(tuple(parts), value, ANY, some)
    if given.integral:
        return Measure((*parts, *_INTEGERS), *_of_integers(function, some=some))
    parts += [
        Part("sum", f"CASE WHEN {_IS_INTEGER} THEN CAST({{0}} AS INTEGER) ELSE 0 END", INT),
        Part(
            "real",
            f"CASE WHEN {_IS_INTEGER} OR {{0}} IS NULL THEN 0.0 ELSE CAST({{0}} AS REAL) END",
            FLOAT.with_infinities(),
        ),
    ]
    total = "{sum} + {real}"
    if function == "sum":
        others = f"CASE WHEN {_IS_INTEGER} OR {{0}} IS NULL THEN 0 ELSE 1 END"
        parts.append(Part("reals", others, ONE_OR_NONE))
        total = "CASE WHEN {reals} > 0 THEN {sum} + {real} ELSE +{sum} END"
    elif function == "avg":
        total = "({sum} + {real}) / {n}"
    value = f"CASE WHEN {{n}} > 0 THEN {total} END" if some else total
    return Measure(tuple(parts), value, ANY, some)


# What is no integer, as a bag of numbers: there is hardly ever one.
_INTEGERS = (
    Part("sum", "CASE typeof({0}) WHEN 'integer' THEN {0} ELSE 0 END", INT),
    Part(
        "others",
        "CASE WHEN typeof({0}) NOT IN ('integer', 'null') "
        "THEN replace(quote(CAST({0} AS REAL)), 'Inf', '9e999') END",
        Atom(Kind.NATIVE, native=BAG),
    ),
)


def _of_integers(function: str, *, some: bool) -> tuple[str, DatabaseType, bool]:
    both = "{sum} + (SELECT total(key * value) FROM json_each({others}))"
    total = both
    if function == "sum":
        total = f"CASE WHEN {{others}} = json_object() THEN +{{sum}} ELSE {both} END"
    elif function == "avg":
        total = f"({both}) / {{n}}"
    return f"CASE WHEN {{n}} > 0 THEN {total} END" if some else total, ANY, some
