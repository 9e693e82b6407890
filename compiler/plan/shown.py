"""What readers know a query's results by, and what becomes of that from one version to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Shown:
    """A relation, what is right at any time (``live``, if that is another one), and the columns of
    both with their types as the database spells them.
    """

    relation: str
    columns: tuple[tuple[str, str], ...]
    live: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The relations that there are."""
        return tuple(dict.fromkeys(filter(None, (self.relation, self.live))))


@dataclass(frozen=True)
class ShownChange:
    """A relation as it is and as it will be; None where there is none.

    ``was`` is what it is called before, where the query gets another name: then ``old`` has the
    name that it will have.
    """

    old: Shown | None
    new: Shown | None
    was: str = ""

    @property
    def relation(self) -> str:
        return (self.new or self.old).relation  # type: ignore[union-attr]

    @property
    def names_before(self) -> tuple[str, ...]:
        """The relations that are there before it."""
        if self.was:
            return (self.was,)
        return () if self.old is None else self.old.names

    @property
    def both(self) -> tuple[str, ...]:
        """The relations that are there before and after it."""
        after = () if self.new is None else self.new.names
        return () if self.old is None else tuple(name for name in self.old.names if name in after)

    @property
    def gone(self) -> tuple[str, ...]:
        """The relations that are not there any longer."""
        return () if self.old is None else tuple(n for n in self.old.names if n not in self.both)

    @property
    def remaining(self) -> tuple[str, ...]:
        """The names of columns that are there before and after it."""
        new = {} if self.new is None else dict(self.new.columns)
        return () if self.old is None else tuple(n for n, _ in self.old.columns if n in new)

    @property
    def is_wider(self) -> bool:
        """Whether what is read of it goes on as it is: at most, columns come behind the others."""
        if self.old is None or self.new is None:
            return False
        count = len(self.old.columns)
        return count > 0 and self.new.columns[:count] == self.old.columns

    @property
    def lines(self) -> tuple[str, ...]:
        """What becomes of its columns, for a person to read."""
        if self.old is None or self.new is None or not self.old.columns:
            return ()
        old = {name: spelled(of_type) for name, of_type in self.old.columns}
        new = {name: spelled(of_type) for name, of_type in self.new.columns}
        found = [f"was called {self.was}"] if self.was else []
        found += [f"loses the column {named(name, old[name])}" for name in old if name not in new]
        found += [
            f"the column {name} is {new[name] or UNTYPED}, and was {old[name] or UNTYPED}"
            for name in self.remaining
            if new[name] != old[name]
        ]
        found += [f"gets the column {named(name, new[name])}" for name in new if name not in old]
        if not found and not self.is_wider:
            found = [f"its columns are in another order: {', '.join(new)}"]
        return tuple(found)


UNTYPED = "without a type"  # as an expression is on SQLite


def named(column: str, of_type: str) -> str:
    """A column with its type, if it has any: on SQLite it need not."""
    return f"{column} ({of_type})" if of_type else column


def spelled(of_type: str) -> str:
    """A type as a person says it."""
    return of_type.removesuffix(' COLLATE "C"').lower()


def shown_changes(
    old: tuple[Shown, ...], new: tuple[Shown, ...], renamed: tuple[str, str] = ("", "")
) -> tuple[ShownChange, ...]:
    """What becomes of each relation: those that there will be, then those that go.

    ``renamed``: what the names of the old ones begin with, and those of the new ones, where the
    query is called otherwise.
    """
    before = {each.relation: each for each in old}
    changes = []
    for each in new:
        found, was = before.pop(each.relation, None), ""
        if found is None and each.relation.startswith(renamed[1]) and renamed[1]:
            was = renamed[0] + each.relation.removeprefix(renamed[1])
            found = before.get(was)
            if found is None or found.live or each.live:  # of a query that follows tables
                found, was = None, ""
            else:
                found = replace(before.pop(was), relation=each.relation)
        changes.append(ShownChange(found, each, was))
    return (*changes, *(ShownChange(each, None) for each in before.values()))
