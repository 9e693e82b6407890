"""A query of the corpus."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import stepping

Q = TypeVar("Q", bound=Callable[..., Any])


@dataclass(frozen=True, eq=False)
class Case:
    """A query function and what is said of it in tests.

    ``python``: that it has Python steps on every database.
    """

    query: Callable[..., Any]
    python: bool = False

    @property
    def name(self) -> str:
        return self.query.__name__

    @cached_property
    def graph(self) -> Any:
        return stepping.compile(self.query)

    @property
    def row_types(self) -> tuple[Any, ...]:
        """The annotation of each input's rows."""
        hints = typing.get_type_hints(self.query, include_extras=True)
        hints.pop("return", None)
        return tuple(typing.get_args(each)[0] for each in hints.values())


class Corpus(list[Case]):
    """Collects queries: ``@corpus`` above each, or ``@corpus.python``."""

    def __call__(self, query: Q) -> Q:
        self.append(Case(query))
        return query

    def python(self, query: Q) -> Q:
        """A query that has Python steps on every database."""
        self.append(Case(query, python=True))
        return query
