"""Aggregates of Postgres as running sums, with the values that Postgres gives.

NaN and the infinities are counted, since none of them leaves a sum again. Of a group with a row
whose argument is not NULL the sum is a number; of no such row it is NULL.
"""

from __future__ import annotations

from dataclasses import replace

from stepping.compiler.plan.database import Database, Given, Measure, Part
from stepping.compiler.schema import FLOAT, INT, ONE_OR_NONE, Atom, DatabaseType, Kind
from stepping.dialects.postgres.type_facts import named_type, plain_name

_NUMERIC = Atom(Kind.NATIVE, native=named_type("numeric"))
# Of numbers of 32 bits at most, so that their products with counts have 64.
SMALL = replace(INT, low=-(2**31), high=2**31 - 1)
_SMALL = ("smallint", "integer")
_FLOATS = ("real", "double precision")


def measure(
    database: Database, function: str, argument: DatabaseType, given: Given
) -> Measure | None:
    match function:
        case "sum" | "avg":
            return _sum(database, function, argument, given)
        case "bool_and" | "every" | "bool_or":
            return _truth(database, function, argument, given)
        case _:
            return None


def counted(nullable: bool) -> Part:
    """How many arguments are not NULL."""
    words = "CASE WHEN {0} IS NULL THEN 0 ELSE 1 END" if nullable else "1"
    return Part("n", words, ONE_OR_NONE)


def _sum(database: Database, function: str, argument: DatabaseType, given: Given) -> Measure | None:
    base = plain_name(argument)
    result = database.typed((f"{function}(", ")"), (argument,))
    some = given.may_be_of_nothing
    average = function == "avg"
    parts = [counted(given.nullable)] if some or average else []
    known = "COALESCE({0}, 0)" if given.nullable else "{0}"
    if base in (*_SMALL, "bigint"):
        # sum(bigint) is a numeric, sums of what is smaller are bigints.
        total = SMALL if base in _SMALL and not average else _NUMERIC
        words = known if total is SMALL else f"CAST({known} AS numeric)"
        value = "{sum}"
        parts.append(Part("sum", words, total))
    elif base == "numeric":
        has_scale = (argument.base or argument.name) != base
        names = ("nan",) if given.finite or has_scale else tuple(_SPECIAL)
        parts += _with_specials(_NUMERIC, known, names)
        value = _of_specials(names)
    elif base in _FLOATS:
        parts += _with_specials(FLOAT, f"CAST({known} AS double precision)", tuple(_SPECIAL))
        value = _of_specials(tuple(_SPECIAL), "double precision")
    else:
        return None
    if average:
        value = f"({value}) / {{n}}"
    if result.name not in ("bigint", "numeric", "double precision"):
        value = f"CAST({value} AS {result.name})"
    if some:
        value = f"CASE WHEN {{n}} > 0 THEN {value} END"
    return Measure(tuple(parts), value, result, some)


# What is no number to add up, by the name of the part that counts it.
_SPECIAL = {"nan": "NaN", "infinite": "Infinity", "minus_infinite": "-Infinity"}


def _with_specials(total: Atom, known: str, names: tuple[str, ...]) -> list[Part]:
    texts = ", ".join(f"'{_SPECIAL[name]}'" for name in names)
    parts = [
        Part(name, f"CASE WHEN {{0}} = '{_SPECIAL[name]}' THEN 1 ELSE 0 END", ONE_OR_NONE)
        for name in names
    ]
    words = f"CASE WHEN {{0}} IN ({texts}) THEN 0 ELSE {known} END"
    return [Part("sum", words, total), *parts]


def _of_specials(names: tuple[str, ...], of_type: str = "numeric") -> str:
    both = " OR ({infinite} > 0 AND {minus_infinite} > 0)" if len(names) > 1 else ""
    whens = [
        f"WHEN {{{name}}} > 0{both if name == 'nan' else ''} "
        f"THEN CAST('{_SPECIAL[name]}' AS {of_type})"
        for name in names
    ]
    return f"CASE {' '.join(whens)} ELSE {{sum}} END"


def _truth(
    database: Database, function: str, argument: DatabaseType, given: Given
) -> Measure | None:
    if argument.name != "boolean":
        return None
    some = given.may_be_of_nothing
    if function == "bool_or":
        part = Part("true", "CASE WHEN {0} THEN 1 ELSE 0 END", ONE_OR_NONE)
        value = "{true} > 0"
    else:
        part = Part("false", "CASE WHEN NOT {0} THEN 1 ELSE 0 END", ONE_OR_NONE)
        value = "{false} = 0"
    parts = (counted(given.nullable), part) if some else (part,)
    value = f"CASE WHEN {{n}} > 0 THEN {value} END" if some else value
    return Measure(parts, value, argument, some)
