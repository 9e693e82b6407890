"""Expressions of a text as scalars in the database's own words.

An expression is taken over as it was written, with places for the columns in it, and for what
stands for them: groups' keys, aggregates, values of subqueries. Its type is asked of the database.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.plan.database import Database
from stepping.compiler.schema import BOOL, Atom, DatabaseType, Kind
from stepping.compiler.sql.conditions import queries_in
from stepping.compiler.sql.frames import Frame
from stepping.compiler.sql.native import native
from stepping.compiler.sql.parsing import Expression, Parsed, token_range
from stepping.compiler.sql.scopes import Bound, Merged, Ref
from stepping.errors import QueryError

Form = tuple[Any, ...]  # what an expression says, without its type

# What cannot raise for any value of its operands' types.
_TOTAL = (
    *(exp.And, exp.Or, exp.Not, exp.Is, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE),
    *(exp.Between, exp.In, exp.Like, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Paren, exp.Literal),
    *(exp.Case, exp.If, exp.Coalesce, exp.Boolean, exp.Null, exp.Column, exp.Identifier),
    *(exp.Nullif, exp.Lower, exp.Upper, exp.Var, exp.DPipe),
)
# What is NULL only where an operand is, on Postgres.
_STRICT = (
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Paren, exp.Cast, exp.DPipe),
    *(exp.Lower, exp.Upper, exp.Extract, exp.Interval, exp.Var),
)
# The same on any database.
_LOGIC = (
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE),
    *(exp.Between, exp.Like, exp.Paren, exp.Literal, exp.Boolean),
)


# What `||` of a text and another value is called.
_CONCATENATIONS = frozenset({"textanycat", "anytextcat"})
_UNSETTLED_WORDS = re.compile(
    r"\b(date|time|timestamp|timestamptz|timetz|interval|float4|float8|float|real|double|money|bytea)\b"
)


@dataclasses.dataclass(frozen=True)
class Words:
    """Words with arguments between them: as they were written, and in a form to compare."""

    written: tuple[str, ...]
    folded: tuple[str, ...]
    args: tuple[ir.Scalar, ...]

    def then(self, other: Words) -> Words:
        """These and others behind them."""
        written = (*self.written[:-1], self.written[-1] + other.written[0], *other.written[1:])
        folded = (*self.folded[:-1], self.folded[-1] + other.folded[0], *other.folded[1:])
        return Words(written, folded, (*self.args, *other.args))

    def joined(self, text: str, args: Sequence[ir.Scalar] = ()) -> Words:
        """These and a text behind them, with ``{}`` for each argument."""
        parts = tuple(text.split("{}"))
        return self.then(Words(parts, parts, tuple(args)))


@dataclasses.dataclass(frozen=True)
class Hole:
    """A part of an expression that has been computed: its tokens, and its value."""

    first: int
    last: int
    scalar: ir.Scalar


class Scalars:
    """Makes scalars of the expressions of one statement."""

    def __init__(self, parsed: Parsed, bound: Bound, database: Database) -> None:
        self.parsed = parsed
        self.bound = bound
        self.database = database
        # Functions of the statement that depend on settings where their arguments do.
        self.unsettled: frozenset[str] = frozenset()

    def error(self, message: str, node: Expression, hint: str | None = None) -> QueryError:
        return self.parsed.error(message, node, hint)

    # -- what an expression means ---------------------------------------------------------------

    def scalar(self, node: Expression, frame: Frame) -> ir.Scalar:
        """The value of an expression for each row."""
        inner = unnested(node)
        found = self.resolved(inner, frame)
        if found is not None:
            return found
        written, words, args = self.spliced(inner, frame)
        of_type = self.typed(node, written, args)
        atom = Atom(Kind.NATIVE, nullable=self.nullable(inner, frame), native=of_type)
        made = ir.Native(words, args, atom, self.partial(inner, frame), written)
        if is_untyped(inner):  # it would be of another type where something else is around it
            return self.native(self.database.cast(of_type), (made,), atom)
        return made

    def typed(
        self, node: Expression, written: Sequence[str], args: Sequence[ir.Scalar]
    ) -> DatabaseType:
        """The type of an expression with these words."""
        types = [self.database.type_of(arg.type) for arg in args]
        self.check_settled(node, "".join(written).lower(), types)
        try:
            return self.database.typed(written, types)
        except QueryError as error:
            raise self.error(error.message, node, error.hint) from error

    def check_settled(self, node: Expression, words: str, types: Sequence[DatabaseType]) -> None:
        """Raise where a function makes texts of values, and those depend on settings."""
        called = [name for name in self.unsettled - {"to_char"} if name in words]
        if "||" in words:
            called += self.unsettled & _CONCATENATIONS
        if not called:
            return
        of = next((str(each) for each in types if not self.database.is_settled(each)), None)
        found = _UNSETTLED_WORDS.search(words)
        if of is None and found is not None:
            of = found.group()
        if of is not None:
            raise self.error(
                f"the text of a {of} depends on settings of the session",
                node,
                "cast it to text in a way that depends on none: to_char of a timestamp AT TIME "
                "ZONE 'UTC', or extract() its parts",
            )

    def check_format(self, node: Expression, frame: Frame) -> None:
        """Raise for a to_char() that depends on settings, as its type and its format say."""
        place = token_range(node, self.parsed.tokens) if isinstance(node, exp.Func) else None
        if place is None or self.token(place[0]).lower() != "to_char":
            return
        given = self.token(place[1] - 2)  # in front of the closing parenthesis
        text = given[1:-1] if given[0] == "'" else None
        why = self.database.unsettled_format(self.type_of(self.scalar(node.this, frame)), text)
        if why is not None:
            hint = "of a timestamp, or of a timestamptz AT TIME ZONE 'UTC', by a constant format"
            raise self.error(f"to_char {why}", node, f"{hint} without TM, and for numbers L, D, G")

    def condition(self, node: Expression, frame: Frame) -> ir.Scalar:
        """A condition, which may be NULL."""
        if isinstance(unnested(node), exp.Null):
            words = self.database.null(self.database.type_of(BOOL))
            return self.native(words, (), BOOL.optional())
        return self.scalar(node, frame)

    def all_of(self, nodes: Sequence[Expression], frame: Frame) -> ir.Scalar:
        """Several conditions as one."""
        found = tuple(self.condition(node, frame) for node in nodes)
        return found[0] if len(found) == 1 else ir.And(found)

    def form(self, node: Expression, frame: Frame) -> Form:
        """What an expression says: the same of two that are equal for each row."""
        inner = unnested(node)
        while id(inner) in self.bound.aliases:
            inner = unnested(self.bound.aliases[id(inner)])
        found = self.resolved(inner, frame)
        if found is not None:
            return ("value", found)
        _, words, args = self.spliced(inner, frame)
        return ("words", words, args)

    def native(
        self, template: str, args: Sequence[ir.Scalar], atom: Atom, **named: ir.Scalar
    ) -> ir.Scalar:
        """Words of the database with ``{0}``, ``{1}``, ... or ``{name}`` for scalars."""
        return native(template, args, atom, **named)

    # -- parts ----------------------------------------------------------------------------------

    def resolved(self, node: Expression, frame: Frame) -> ir.Scalar | None:
        """The value of a node that need not be computed."""
        known = frame.value(id(node))
        if known is not None:
            return known
        if isinstance(node, exp.Not) and frame.value(id(node.this)) is not None:
            # x NOT IN (SELECT ...), in which NOT stands between the tokens of what it negates.
            truth = self.scalar(node.this, frame)
            return self.native(self.database.negated, (truth,), truth.type)
        if id(node) in self.bound.aliases:
            return self.scalar(self.bound.aliases[id(node)], frame)
        grouped = frame.grouped
        if grouped is not None and not isinstance(node, exp.Literal | exp.Identifier):
            found = self.key_of_group(node, frame)
            if found is not None:
                return found
        if id(node) in self.bound.refs:
            return self.of_ref(self.bound.refs[id(node)], node, frame)
        return None

    def of_ref(self, ref: Ref, node: Expression, frame: Frame) -> ir.Scalar:
        ref = self.true_ref(ref)
        known = frame.value(ref)
        if known is not None:
            return known
        if frame.grouped is not None:
            raise self.error(
                f"{node.sql()} is neither grouped by nor in an aggregate",
                node,
                "add it to GROUP BY, or write max() of it",
            )
        raise self.error(f"{node.sql()} cannot be used here", node)

    def true_ref(self, ref: Ref) -> Ref:
        """The column that has a value: of USING, the one of either side."""
        merged: Merged | None = self.bound.merged.get(ref)
        if merged is None or merged.side == "FULL":
            return ref
        return self.true_ref(merged.right if merged.side == "RIGHT" else merged.left)

    def key_of_group(self, node: Expression, frame: Frame) -> ir.Scalar | None:
        assert frame.grouped is not None
        before, keys = frame.grouped.before, frame.grouped.keys
        if not keys or any(id(part) in frame.places for part in node.walk()):
            return None
        # A subquery that is written again is the one that is grouped by.
        for each in queries_in(node) if before.by else ():
            same = next((query for query in before.by if self.is_same(query, each)), None)
            if same is not None and id(same) in before.places:
                before = before.also({id(each): before.places[id(same)]})
        if isinstance(node, exp.DataType | exp.Var):
            return None
        if isinstance(node, exp.Query) and before.value(id(node)) is None:
            return None
        try:
            form = self.form(node, before)
        except QueryError:
            return None
        return next((frame.rows.columns[place] for known, place in keys if known == form), None)

    def is_same(self, a: Expression, b: Expression) -> bool:
        """Whether two subqueries of one SELECT say the same, in the same words."""
        return a is b or self.said_by(a) == self.said_by(b)

    def said_by(self, query: Expression) -> object:
        """The words of a subquery, and the columns in it that are of what is around it."""
        place = token_range(query, self.parsed.tokens)
        inside = {id(part) for part in query.walk()}
        own = {n for n, source in self.bound.sources.items() if id(source.node) in inside}
        refs = (self.bound.refs.get(id(part)) for part in query.find_all(exp.Column))
        outer = tuple(ref for ref in refs if ref is not None and ref.source not in own)
        return (self.folded(*place), outer) if place is not None else id(query)

    def is_there(self, frame: Frame, node: Expression) -> bool:
        """Whether rows have the value of an expression already."""
        if frame.value(id(node)) is not None:
            return True
        return frame.grouped is not None and self.key_of_group(node, frame) is not None

    def spliced(
        self, node: Expression, frame: Frame
    ) -> tuple[tuple[str, ...], tuple[str, ...], tuple[ir.Scalar, ...]]:
        """The words of an expression, as written and in a form to compare, and its arguments."""
        whole = token_range(node, self.parsed.tokens)
        if whole is None:
            raise self.error("this cannot be read", node)
        found = self.words(*whole, [node], frame)
        return found.written, found.folded, found.args

    def words(self, first: int, last: int, nodes: Sequence[Expression], frame: Frame) -> Words:
        """The words from one token to another, with places for what is in some nodes there."""
        found = (hole for node in nodes for hole in self.holes(node, frame))
        holes = sorted(found, key=lambda hole: hole.first)
        written: list[str] = []
        folded: list[str] = []
        at = first
        for hole in holes:
            written.append(self.text(at, hole.first, at > first, True))
            folded.append(self.folded(at, hole.first))
            at = hole.last
        written.append(self.text(at, last, at > first, False))
        folded.append(self.folded(at, last))
        return Words(tuple(written), tuple(folded), tuple(hole.scalar for hole in holes))

    def holes(self, node: Expression, frame: Frame) -> Iterator[Hole]:
        found = self.resolved(node, frame)
        if found is not None:
            place = token_range(node, self.parsed.tokens)
            if place is None:
                raise self.error("this cannot be read", node)
            yield Hole(*place, found)
            return
        if isinstance(node, exp.Query):
            raise self.error("a subquery cannot stand here", node)
        if "to_char" in self.unsettled:
            self.check_format(node, frame)
        for part in node.iter_expressions():
            yield from self.holes(part, frame)

    def text(self, first: int, last: int, after: bool, before: bool) -> str:
        """Tokens as they were written, comments and line breaks apart."""
        if first == last:
            return self.gap(first) if after and before else ""
        parts = [self.gap(first) if after else ""]
        for position in range(first, last):
            if position > first:
                parts.append(self.gap(position))
            parts.append(self.token(position))
        if before:
            parts.append(self.gap(last))
        return "".join(parts)

    def gap(self, position: int) -> str:
        """What stands between a token and the one in front of it."""
        tokens = self.parsed.tokens
        if position == 0 or position >= len(tokens):
            return ""
        start, end = tokens[position - 1].end + 1, tokens[position].start
        between = self.parsed.text.sql[start:end]
        if not between:
            return ""
        both = self.token(position - 1)[-1] + self.token(position)[0]
        # Of two texts on two lines SQL makes one.
        return "\n" if both == "''" and "\n" in between else " "

    def token(self, position: int) -> str:
        token = self.parsed.tokens[position]
        return self.parsed.text.sql[token.start : token.end + 1]

    def folded(self, first: int, last: int) -> str:
        """Tokens so that case and spaces do not matter, where they do not in SQL."""
        texts = (self.token(position) for position in range(first, last))
        return " ".join(t if any(c in t for c in "'\"`[$") else t.lower() for t in texts)

    # -- what is known of values ----------------------------------------------------------------

    def nullable(self, node: Expression, frame: Frame) -> bool:
        """Whether an expression may be NULL: False only where that is certain."""
        found = self.resolved(node, frame)
        if found is not None:
            return found.type.nullable
        match node:
            case exp.Literal() | exp.Boolean() | exp.Is() | exp.Exists():
                return False
            case exp.NullSafeEQ() | exp.NullSafeNEQ() | exp.Var() | exp.DataType():
                return False
            case exp.Coalesce():
                return all(self.nullable(part, frame) for part in (node.this, *node.expressions))
            case exp.Case():
                values = [each.args["true"] for each in node.args["ifs"]]
                default = node.args.get("default")
                return default is None or any(
                    self.nullable(each, frame) for each in (*values, default)
                )
            case exp.In() if node.args.get("query") is None:
                parts = (node.this, *node.expressions)
                return any(self.nullable(part, frame) for part in parts)
        known = (*_STRICT, *_LOGIC) if self.database.dialect == "postgres" else _LOGIC
        if isinstance(node, known):
            return any(self.nullable(part, frame) for part in node.iter_expressions())
        return True

    def partial(self, node: Expression, frame: Frame) -> bool:
        """Whether an expression may raise for some values; not where the frame has its value."""
        total = isinstance(node, _TOTAL)
        if self.database.dialect == "sqlite":
            total = total or not isinstance(node, exp.Func)
        if not total:
            return self.resolved(node, frame) is None
        return any(self.partial(part, frame) for part in node.iter_expressions())

    def types_of(
        self, scalars: Sequence[ir.Scalar], nodes: Sequence[Expression | None]
    ) -> list[DatabaseType]:
        """The types that a common one is asked of: a literal without one takes that of others."""
        both = list(zip(scalars, nodes, strict=True))
        some = [s for s, node in both if node is None or not is_untyped(unnested(node))]
        return [self.type_of(each) for each in some or scalars]

    def type_of(self, scalar: ir.Scalar) -> DatabaseType:
        return self.database.type_of(scalar.type)


def unnested(node: Expression) -> Expression:
    while isinstance(node, exp.Paren | exp.Alias):
        node = node.this
    return node


def is_untyped(node: Expression) -> bool:
    """Whether it is a literal that takes the type of what is around it."""
    return isinstance(node, exp.Null) or (isinstance(node, exp.Literal) and node.is_string)
