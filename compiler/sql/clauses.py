"""Where the clauses of a SELECT stand, and what they are called in short: what `explain` says.

Each place is an object of its own. Operators that have the same one are of one clause.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.sql.parsing import Expression, Parsed, token_range
from stepping.compiler.sql.scopes import Source
from stepping.compiler.sql.text import Span

_MOST = 48  # characters of a clause


@dataclass(frozen=True)
class Clauses:
    """The places of one statement."""

    parsed: Parsed

    def source(self, source: Source) -> ir.Source:
        """A FROM item, with the join that it stands in."""
        node = source.node
        while isinstance(node.parent, exp.Subquery | exp.Lateral | exp.Alias):
            node = node.parent
        join = node.parent
        if isinstance(join, exp.Join):
            kind = " ".join(filter(None, (join.args.get("side"), join.args.get("kind"))))
            return self.at(f"{kind} join".strip().lower(), [node])
        return self.at("join" if self._has_several(join) else "from", [node])

    def join(self, node: Expression, side: str) -> ir.Source:
        """An outer join: what is joined, and where."""
        inner = node.this if isinstance(node, exp.Join) else node
        return self.at(f"{side} join".lower(), [inner])

    def conditions(self, nodes: Sequence[Expression]) -> ir.Source | None:
        """Conditions that rows have to meet; None if they stand nowhere."""
        return self.at(next(map(clause_of, nodes), "where"), nodes, " and ") if nodes else None

    def group_by(self, group: Expression, calls: Sequence[Expression]) -> ir.Source:
        """A GROUP BY with the aggregates of its groups, or the aggregates of all rows."""
        shown = {self.text(call): call for call in calls}
        if group is None:
            return self.at("aggregate", list(shown.values()))
        parts = list(group.expressions) or list(group.iter_expressions())
        found = self.at("group by", parts, keyword="GROUP")
        listed = clipped(", ".join(shown))
        return found if not shown else called(found, f"{found.what}: {listed}")

    def select(self, node: Expression, what: str = "select") -> ir.Source:
        """The select list; its text is left out, which is most of the SELECT."""
        return self.at(what, node.expressions[:1], keyword="SELECT", shown=False)

    def last(self, node: Expression) -> ir.Source:
        """ORDER BY with LIMIT and OFFSET."""
        bounds = [node.args[part] for part in ("limit", "offset") if node.args.get(part)]
        order = node.args.get("order")
        if order is None:
            return self.at("", bounds, " ")
        found = self.at("order by", order.expressions, keyword="ORDER")
        return called(found, " ".join([found.what, *map(self.text, bounds)]))

    def set_operation(self, node: Expression) -> ir.Source:
        words = {exp.Intersect: "intersect", exp.Except: "except"}
        word = words.get(type(node), "union")
        what = word if node.args.get("distinct") else f"{word} all"
        return self.at(what, [node.expression], keyword=word.upper(), shown=False)

    # -- places ---------------------------------------------------------------------------------

    def at(
        self,
        what: str,
        nodes: Sequence[Expression],
        separator: str = ", ",
        *,
        keyword: str = "",
        shown: bool = True,
    ) -> ir.Source:
        """The place of some nodes, from a word in front of them on; ``what`` and their text."""
        spans = [span for span in map(self.parsed.span, nodes) if span is not None]
        text = separator.join(filter(None, map(self.text, nodes))) if shown else ""
        made = " ".join(filter(None, (what, clipped(text))))
        if not spans:
            return ir.Source(self.parsed.text.name, 1, what=made)
        span = self._from(keyword, nodes[0], spans[0])
        file, line, column = self.parsed.text.place(span.start)
        return ir.Source(file, line, column, self.parsed.text.marked(span), made)

    def text(self, node: Expression) -> str:
        """A node as it was written, on one line."""
        span = self.parsed.span(node)
        if span is None:
            return ""
        written = self.parsed.text.sql[span.start : span.end]
        return " ".join(re.sub(r"--[^\n]*|/\*.*?\*/", " ", written, flags=re.DOTALL).split())

    def _from(self, keyword: str, node: Expression, span: Span) -> Span:
        found = token_range(node, self.parsed.tokens)
        if not keyword or found is None:
            return span
        for token in reversed(self.parsed.tokens[: found[0]]):
            if token.text.upper().split()[:1] == [keyword]:
                return Span(token.start, span.end)
        return span

    def _has_several(self, from_: Expression) -> bool:
        select = from_.parent if isinstance(from_, exp.From) else None
        return select is not None and bool(select.args.get("joins"))


def clause_of(node: Expression) -> str:
    """The clause that a condition stands in."""
    while node is not None and not isinstance(node, exp.Query):
        if isinstance(node, exp.Where | exp.Having):
            return str(node.key)
        if isinstance(node, exp.Join):
            return "on"
        node = node.parent
    return "where"


def called(place: ir.Source, what: str) -> ir.Source:
    return ir.Source(place.file, place.line, place.column, place.text, what)


def clipped(text: str) -> str:
    return text if len(text) <= _MOST else text[: _MOST - 3].rstrip() + "..."
