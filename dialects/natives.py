"""Expressions in the database's own words, as nodes of a sqlglot tree that print as they stand."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as Sqlglot
from sqlglot.errors import ErrorLevel

from stepping.dialects.scalars import closed


class Spliced(exp.Expression, exp.Condition):
    """Texts (``this``) with an expression between each two."""

    arg_types = {"this": True, "expressions": False}

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.this.expressions)


def spliced(words: Sequence[str], args: Sequence[exp.Expr]) -> exp.Expr:
    """The expression with its words around the arguments."""
    texts = [exp.Var(this=each) for each in words]
    return Spliced(this=exp.Tuple(expressions=texts), expressions=[closed(arg) for arg in args])


def verbatim_type(name: str) -> exp.DataType:
    """A type as a database writes it, which sqlglot is not asked to understand."""
    return exp.DataType(this=exp.DType.USERDEFINED, kind=name)


def generator(sqlglot_name: str) -> Any:
    """What writes the trees of a dialect: indented; what it cannot say is an error."""
    cls = _generator_class(sqlglot_name)
    return cls(dialect=sqlglot_name, pretty=True, unsupported_level=ErrorLevel.RAISE)


@functools.cache
def _generator_class(sqlglot_name: str) -> Any:
    base: Any = Sqlglot.get_or_raise(sqlglot_name).generator_class
    transforms = {**base.TRANSFORMS, Spliced: _spliced_sql}
    return type(f"With{base.__name__}", (base,), {"TRANSFORMS": transforms})


def _spliced_sql(writes: Any, tree: Spliced) -> str:
    first, *others = tree.texts
    pairs = zip(tree.expressions, others, strict=True)
    return first + "".join(writes.sql(arg) + words for arg, words in pairs)
