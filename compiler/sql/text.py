"""A text of SQL and places in it, for errors that show them."""

from __future__ import annotations

from dataclasses import dataclass

from stepping.errors import QueryError


@dataclass(frozen=True)
class Span:
    """A part of a text: the offsets of its first character, and of the one after its last."""

    start: int
    end: int

    def __or__(self, other: Span) -> Span:
        return Span(min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True)
class Piece:
    """A part of a text that was put together: from ``start`` on it is ``text`` from ``offset``."""

    start: int
    text: Text
    offset: int


@dataclass(frozen=True)
class Text:
    """SQL as it was given. ``name`` is a file, or says which call of `st.sql` has it.

    A text that was put together of others has its ``pieces`` in order; places in it are theirs.
    """

    sql: str
    name: str = "SQL"
    pieces: tuple[Piece, ...] = ()

    def given(self, offset: int) -> tuple[Text, int]:
        """The text that a character was given in, and where it stands there."""
        before = [piece for piece in self.pieces if piece.start <= offset]
        if not before:
            return self, offset
        piece = before[-1]
        return piece.text.given(offset - piece.start + piece.offset)

    def place(self, offset: int) -> tuple[str, int, int]:
        """Name of the text, line and column of a character, both counted from 1."""
        text, offset = self.given(offset)
        before = text.sql[:offset]
        return text.name, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1

    def where(self, span: Span) -> str:
        name, line, column = self.place(span.start)
        return f"{name}:{line}:{column}"

    def marked(self, span: Span) -> str:
        """The line on which a part begins, with ``^`` below what of it is on that line."""
        _, line, column = self.place(span.start)
        source = self.given(span.start)[0].sql.split("\n")[line - 1]
        width = max(1, min(span.end - span.start, len(source) - column + 1))
        # A tab stays a tab, so that the marks are below what they mark.
        blank = "".join(c if c == "\t" else " " for c in source[: column - 1])
        return f"    {source}\n    {blank}{'^' * width}"

    def error(self, message: str, span: Span | None = None, hint: str | None = None) -> QueryError:
        """An error that shows a part of the text."""
        if span is None:
            return QueryError(message, where=self.name, hint=hint)
        return QueryError(message, where=self.where(span), source=self.marked(span), hint=hint)


def replaced(text: Text, changes: list[tuple[Span, str]], given: Text | None = None) -> Text:
    """A text with other words at some places; ``given`` has it at the same offsets."""
    if not changes:
        return text
    shown = given or text
    out, at = "", 0
    pieces: list[Piece] = []
    for span, words in sorted(changes, key=lambda each: each[0].start):
        pieces.append(Piece(len(out), shown, at))
        out += text.sql[at : span.start]
        pieces.append(Piece(len(out), shown, span.start))
        out += words
        at = span.end
    pieces.append(Piece(len(out), shown, at))
    return Text(out + text.sql[at:], text.name, tuple(pieces))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
