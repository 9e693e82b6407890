"""Expressions in the database's own words, as nodes of a sqlglot tree that print as they stand."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

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
