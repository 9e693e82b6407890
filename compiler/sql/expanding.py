"""Functions that give rows for each row: in FROM, and on Postgres in the select list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.operators.expand import Expand
from stepping.compiler.plan.database import GivenRows
from stepping.compiler.schema import Atom, Kind
from stepping.compiler.sql.frames import Frame, Key
from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.scalars import Words
from stepping.compiler.sql.scopes import Source
from stepping.compiler.sql.selecting import Selecting
from stepping.errors import QueryError


@dataclass
class Expanding:
    """Puts rows beside those that a function gives for each. ``selects`` makes its arguments."""

    selects: Selecting

    def beside(self, frame: Frame, source: Source) -> Frame:
        """Rows beside those of a function in FROM that may name their columns."""
        call = source.call
        assert call is not None
        scalars = self.selects.scalars
        words = scalars.words(call.first, call.last, call.arguments, frame)
        rows = self.given(source.node, words, call.definitions)
        places: dict[Key, int] = {
            each.ref: frame.rows.width + i for i, each in enumerate(source.columns)
        }
        return self.expanded(frame, words, rows, source.alias or "function", places)

    def in_select_list(self, frame: Frame, values: Sequence[Expression]) -> Frame:
        """Rows beside those of the functions in a select list: all in step, NULL behind the end."""
        every = [call for value in values for call in self.calls_in(value, frame)]
        calls: list[Expression] = []
        forms: list[object] = []
        place_of: dict[int, int] = {}
        for each in every:
            form = self.selects.scalars.form(each, frame)
            if form not in forms:
                forms.append(form)
                calls.append(each)
            place_of[id(each)] = forms.index(form)
        if not calls:
            return frame
        found: Words | None = None
        for call in calls:
            inner = [e for part in call.iter_expressions() for e in self.calls_in(part, frame)]
            if inner:
                raise self.selects.error(
                    "a function that gives rows inside another one is not taken",
                    inner[0],
                    "put the inner one into FROM",
                )
            written, folded, args = self.selects.scalars.spliced(call, frame)
            words = Words(written, folded, args)
            found = words if found is None else found.joined(", ").then(words)
        assert found is not None
        if len(calls) > 1:
            found = Words(("ROWS FROM (",), ("rows from (",), ()).then(found).joined(")")
        rows = self.given(calls[0], found, "")
        if len(rows.columns) != len(calls):
            raise self.selects.error(
                "a function that gives rows of several columns is not taken here",
                calls[0],
                "put it into FROM",
            )
        places: dict[Key, int] = {key: frame.rows.width + i for key, i in place_of.items()}
        return self.expanded(frame, found, rows, "value", places)

    def check_ordered(
        self, frame: Frame, shown: Sequence[Expression], order: Sequence[Expression]
    ) -> None:
        """Raise where rows of a function are in no order, and an order decides which are taken."""
        calls = [call for each in shown for call in self.calls_in(each, frame)]
        if calls and not any(self.calls_in(each, frame) for each in order):
            raise self.selects.error(
                "which rows of this function are taken, no ORDER BY decides",
                calls[0],
                "put it into FROM, or ORDER BY it as well",
            )

    def calls_in(self, node: Expression, frame: Frame) -> list[Expression]:
        """The calls in an expression that give rows, the outermost ones that are not computed."""
        if isinstance(node, exp.Query | exp.Window) or id(node) in frame.places:
            return []
        if isinstance(node, exp.Func) and self.gives_rows(node):
            known = frame.grouped is not None and self.selects.scalars.key_of_group(node, frame)
            return [] if known else [node]
        return [call for part in node.iter_expressions() for call in self.calls_in(part, frame)]

    def gives_rows(self, node: Expression) -> bool:
        known = self.selects.database.row_functions
        if isinstance(node, exp.Explode | exp.Unnest | exp.ExplodingGenerateSeries):
            return bool(known)
        name = node.this if isinstance(node, exp.Anonymous) else node.sql_name()
        return str(name).lower() in known

    def given(self, node: Expression, words: Words, definitions: str) -> GivenRows:
        """What a function gives, as the database says."""
        scalars = self.selects.scalars
        types = [self.selects.database.type_of(arg.type) for arg in words.args]
        scalars.check_settled(node, " ".join((*words.written, definitions)).lower(), types)
        try:
            return self.selects.database.rows_of(words.written, types, definitions)
        except QueryError as error:
            raise scalars.error(error.message, node, error.hint) from error

    def expanded(
        self,
        frame: Frame,
        words: Words,
        rows: GivenRows,
        called: str,
        places: dict[Key, int],
    ) -> Frame:
        last = rows.alias
        behind = words.joined(last)
        atom = Atom(Kind.NATIVE, nullable=True, native=rows.columns[0].type)
        call = ir.Native(behind.folded, behind.args, atom, True, behind.written)
        found = tuple(
            (each.name, inner, Atom(Kind.NATIVE, nullable=True, native=each.type))
            for each, inner in zip(rows.columns, rows.names, strict=True)
        )
        made = Expand(frame.rows.operator, call, found, origin=frame.rows.at, called=called)
        return frame.over(frame.rows.of(made)).also(places)
