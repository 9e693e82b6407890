"""Our own tables that only some programs need: what waits in a queue, steps in stages, times.

They are made when a feature is asked for, or used first. Whether they are there is looked up when
it has to be known, and not again once they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from stepping.errors import StoreError

QUEUE, TIMES, STAGES = "queue", "times", "stages"


@dataclass(frozen=True)
class Feature:
    """The ``tables`` of a feature: they are made together, the last one last."""

    title: str
    tables: tuple[str, ...]


FEATURES: Mapping[str, Feature] = {
    QUEUE: Feature("The queue: store.enqueue() and store.drain()", ("stepping_queue",)),
    TIMES: Feature("Times: store.next_time()", ("stepping_clock", "stepping_times")),
    STAGES: Feature(
        "Steps in stages: flush_every_set=True", ("stepping_iterations", "stepping_journal")
    ),
}

# Those with a column ``query``.
BY_QUERY = {
    name: tuple(each for each in feature.tables if each != "stepping_clock")
    for name, feature in FEATURES.items()
}


def features_of(query: str, names: Iterable[str], *, follows: bool) -> tuple[str, ...]:
    """The features that are asked for by these names, each once and in one order.

    ``follows``: the inputs of the query are tables, so that it has none.
    """
    given = (names,) if isinstance(names, str) else tuple(names)
    if given and follows:
        raise StoreError(
            f"the inputs of {query!r} are tables of the database: it has neither a queue nor steps",
            hint="leave the features out",
        )
    unknown = [name for name in given if name not in FEATURES]
    if unknown:
        raise StoreError(
            f"there is no feature {unknown[0]!r}", hint=f"features are {', '.join(FEATURES)}"
        )
    return tuple(name for name in FEATURES if name in given)


class Connected(Protocol):
    """What is needed of a connection: see `Driver`."""

    def existing(self, tables: Sequence[str]) -> set[str]: ...
    def in_transaction(self) -> bool: ...
    def writing(self) -> AbstractContextManager[None]: ...
    def alone(self, what: str = ...) -> None: ...
    def script(self, statements: Sequence[str]) -> None: ...
    def may_not_write(self, error: BaseException) -> bool: ...


class FeatureTables:
    """Which of them are there, as far as one connection knows; and the making of them.

    ``ddl``: the statements that make those of each feature.
    """

    def __init__(self, driver: Connected, ddl: Mapping[str, Sequence[str]]) -> None:
        self.driver = driver
        self.ddl = ddl
        self.known: set[str] = set()  # to be there, for good
        self.unsettled: set[str] = set()  # made in a transaction that may yet be rolled back

    def has(self, feature: str) -> bool:
        """Whether the tables of a feature are there."""
        return feature in self.known or feature in self.those_of(feature)

    def those_of(self, *features: str) -> set[str]:
        """The features of these whose tables are there, by one look."""
        there = self.known.intersection(features)
        last = {FEATURES[each].tables[-1]: each for each in features if each not in there}
        for name in self.driver.existing(tuple(last)) if last else ():
            self.found(last[name])
            there.add(last[name])
        return there

    def found(self, feature: str) -> None:
        """Told that the tables of a feature have been seen."""
        if feature not in self.unsettled or not self.driver.in_transaction():
            self.unsettled.discard(feature)
            self.known.add(feature)

    def make(self, feature: str) -> None:
        """Make the tables of a feature if they are not there: in the application's transaction, or
        in one of their own.
        """
        if self.has(feature):
            return
        try:
            with self.driver.writing():
                self.driver.alone("stepping_features")
                self.driver.script(self.ddl[feature])
        except Exception as error:
            if not self.driver.may_not_write(error):
                raise
            raise missing(feature, f"this connection may not make it: {error}") from error
        if self.driver.in_transaction():
            self.unsettled.add(feature)
        else:
            self.known.add(feature)

    def there(self) -> frozenset[str]:
        """The features whose tables are there."""
        return frozenset(self.those_of(*FEATURES))

    def require(self, feature: str) -> None:
        """Raise `StoreError` unless the tables of a feature are there."""
        if not self.has(feature):
            raise missing(feature, "the store was opened with create_tables=False")

    def forget(self) -> None:
        """Told that a table was not there: what is known may be so no longer."""
        self.known.clear()


def missing(feature: str, why: str) -> StoreError:
    """The error where the tables of a feature are needed, and are not to be had."""
    tables = FEATURES[feature].tables
    named = " and ".join(tables)
    are = "is" if len(tables) == 1 else "are"
    return StoreError(
        f"{named} {are} not there, and {why}",
        hint=f"let a role that may make tables run the script of `stepping ddl --with {feature}`, "
        f'or open the store once with features=["{feature}"]; and grant rights on what it makes',
    )
