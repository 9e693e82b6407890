"""Rows together with what their columns mean to a query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stepping.compiler import ir
from stepping.compiler.sql.images import is_told_apart
from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.rows import Rows, name_of
from stepping.compiler.sql.scopes import Ref

# A column of a source, or the identity of a node whose value has been computed.
Key = Ref | int
_IMAGES = -2  # of the columns of sources, in place of a source's number


def asked(frame: Frame, refs: Sequence[Ref]) -> tuple[Frame, list[ir.Scalar]]:
    """Each different one of some columns, for a query that is asked for each; and where it is.

    Beside a column that may have equal values which are not the same there is what tells them
    apart: so groups, sets and orders of the query keep apart what belongs to each of them.
    """
    columns: list[ir.Scalar] = [frame.column(ref) for ref in refs]
    keys = [*refs, *(Ref(_IMAGES, f"{r.source}.{r.name}") for r in refs if told(frame, r))]
    columns += (ir.image(frame.column(ref)) for ref in refs if told(frame, ref))
    named = [(name_of(each), each) for each in columns]
    rows = frame.rows.named(named, "outer columns").different("outer columns")
    return Frame(rows, {key: i for i, key in enumerate(keys)}), columns


def told(frame: Frame, ref: Ref) -> bool:
    return is_told_apart(frame.column(ref))


@dataclass(frozen=True)
class Grouped:
    """That rows are groups: the expressions that they are grouped by, and in which columns."""

    before: Frame  # the rows that are grouped
    keys: tuple[tuple[object, int], ...]  # an expression's form (see `Scalars.form`), its place


@dataclass(frozen=True)
class Frame:
    """Rows, and in which of their columns stands what a query names."""

    rows: Rows
    places: Mapping[Key, int]
    grouped: Grouped | None = None
    constants: Mapping[Key, ir.Scalar] = field(default_factory=dict)  # what is no column
    stands: ir.Source | None = None  # of a FROM item: where
    by: tuple[Expression, ...] = ()  # the subqueries in what the rows are going to be grouped by

    @classmethod
    def of_groups(
        cls, before: Frame, rows: Rows, forms: Sequence[object], places: Mapping[Key, int]
    ) -> Frame:
        """Groups, whose first columns are what they are grouped by, in these forms."""
        known: dict[Key, int] = {
            ref: i
            for ref in before.places
            if isinstance(ref, Ref)
            for i, form in enumerate(forms)
            if form == ("value", before.column(ref))
        }
        grouped = Grouped(before, tuple((form, i) for i, form in enumerate(forms)))
        return cls(rows, {**known, **places}, grouped)

    def column(self, key: Key) -> ir.ColumnRef:
        return self.rows.columns[self.places[key]]

    def value(self, key: Key) -> ir.Scalar | None:
        """What a key means, if it means something here."""
        if key in self.constants:
            return self.constants[key]
        return self.column(key) if key in self.places else None

    def has(self, refs: Iterable[Ref]) -> bool:
        return all(ref in self.places for ref in refs)

    def placed(self, at: ir.Source | None) -> Frame:
        """The same, of which what comes next is made at another place of the text."""
        return replace(self, rows=self.rows.placed(at))

    def over(self, rows: Rows) -> Frame:
        """The same over other rows, whose first columns are those of these."""
        return replace(self, rows=rows)

    def beside(self, other: Frame, rows: Rows) -> Frame:
        """What both mean, over rows with the columns of these, and behind them of the other."""
        width = self.rows.width
        shifted = {key: place + width for key, place in other.places.items()}
        return replace(self, rows=rows, places={**shifted, **self.places})

    def with_column(self, scalar: ir.Scalar, name: str, *keys: Key) -> Frame:
        """With one more column, under some keys."""
        columns = [(column.name, column) for column in self.rows.columns]
        rows = self.rows.named([*columns, (name, scalar)])
        places = {**self.places, **dict.fromkeys(keys, self.rows.width)}
        return replace(self, rows=rows, places=places)

    def also(self, places: Mapping[Key, int]) -> Frame:
        return replace(self, places={**self.places, **places})

    def picked(self, keys: Sequence[Key]) -> list[ir.Scalar]:
        return [self.column(key) for key in keys]
