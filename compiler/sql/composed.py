"""A SELECT that SQLAlchemy has composed, as a text in the words of one database.

SQLAlchemy writes for a driver, with parameters beside the text. A result that is kept has no
parameters: their values stand in the text, so that what a driver would have done with them (a type,
a time zone, a doubled ``%``) has to be right here.
"""

from __future__ import annotations

import datetime
import math
import warnings
from typing import Any

from stepping.errors import QueryError


def is_select(given: object) -> bool:
    """Whether it is a `select()` of SQLAlchemy's, or a `union()` of some."""
    if not type(given).__module__.startswith("sqlalchemy."):
        return False
    from sqlalchemy.sql.expression import SelectBase

    return isinstance(given, SelectBase)


def text_of(select: Any, dialect: str, where: str) -> str:
    """The text of a SELECT for a dialect. Raises `QueryError` where it would mean another thing."""
    from sqlalchemy import exc

    words = _dialect(dialect)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", exc.SAWarning)  # of values that are missing: see below
            parameters = select.compile(dialect=words).binds.values()
            for each in parameters:
                check_parameter(each, dialect, where)
            made = select.compile(dialect=words, compile_kwargs={"literal_binds": True})
    except (exc.CompileError, NotImplementedError) as error:
        first = str(error.args[0] if error.args else error).splitlines()[0]
        raise QueryError(
            f"SQLAlchemy cannot write this select() for {dialect}: {first}",
            where=where,
            hint="a value that is no number or text can be a text with a cast: "
            "cast(literal('...'), Type)",
        ) from error
    return str(made)


VIEW = "stepping_view"  # in the info of a table that is a maintained view: the query behind it


def views_in(select: Any) -> list[Any]:
    """The queries whose results a SELECT reads, and those that these read, the first ones first."""
    from sqlalchemy import Table
    from sqlalchemy.sql.visitors import iterate

    found: list[Any] = []
    for each in iterate(select):
        query = each.info.get(VIEW) if isinstance(each, Table) else None
        if query is not None and query not in found:
            inner = [] if isinstance(query.text, str) else views_in(query.text)
            found += [other for other in inner if other not in found]
            found.append(query)
    return found


def check_parameter(parameter: Any, dialect: str, where: str) -> None:
    """Raise for a parameter that has no value, or one that a text cannot say."""
    if parameter.required:
        raise QueryError(
            f"the parameter {parameter.key!r} of the select() has no value",
            where=where,
            hint=f"give it one, .params({parameter.key}=...), or join a table of one row that has "
            "the value: a result that is kept is of all its rows",
        )
    value = parameter.effective_value
    values = value if isinstance(value, list | tuple) else [value]
    for each in values:
        if isinstance(each, float) and not math.isfinite(each):
            raise QueryError(f"{each} in a select() is not a number", where=where)
        if isinstance(each, datetime.datetime | datetime.time):
            check_zone(each, parameter.type, dialect, where)


def check_zone(value: Any, column_type: Any, dialect: str, where: str) -> None:
    """Raise where the zone of a time would be dropped, or one would be made up."""
    has_zone = value.tzinfo is not None
    with_zone = bool(getattr(column_type, "timezone", False))
    if has_zone and dialect == "sqlite":
        raise QueryError(
            f"{value!r} has a time zone, and SQLite's DATETIME drops it",
            where=where,
            hint="compare with a naive time, in the zone that the column is written in",
        )
    if has_zone and not with_zone:
        raise QueryError(
            f"{value!r} has a time zone, and is compared with a column that has none: the zone "
            "would be dropped",
            where=where,
            hint="compare with a naive time, or say DateTime(timezone=True) if the column has one",
        )
    if with_zone and not has_zone and dialect == "postgres":
        raise QueryError(
            f"{value!r} has no time zone, and is compared with a column that has one: it would be "
            "read in the zone of the session",
            where=where,
            hint="give it a zone: datetime(..., tzinfo=timezone.utc)",
        )


def _dialect(name: str) -> Any:
    """SQLAlchemy's dialect, such that a text is to be run as it stands."""
    # Where parameters are named, a `%` is not doubled.
    if name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.dialect(paramstyle="named")
    from sqlalchemy.dialects.postgresql import psycopg

    made: Any = psycopg.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    made._backslash_escapes = False  # with standard_conforming_strings, as a connection would tell
    return made
