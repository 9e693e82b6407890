"""Window functions: computed by the database, over all rows of each partition that changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.operators.regroup import Regroup
from stepping.compiler.operators.topn import Ordered
from stepping.compiler.schema import Atom, Kind
from stepping.compiler.sql.aggregates import Groups
from stepping.compiler.sql.frames import Frame, Key
from stepping.compiler.sql.images import comparable
from stepping.compiler.sql.parsing import Expression, token_range
from stepping.compiler.sql.rows import TRUE
from stepping.compiler.sql.scalars import Words
from stepping.compiler.sql.selecting import Selecting
from stepping.compiler.sql.subqueries import Subqueries

# What is never NULL.
_NUMBERS = ("row_number", "rank", "dense_rank", "ntile", "percent_rank", "cume_dist", "count")
_BEHIND_PARTITION = ("ORDER", "ROWS", "RANGE", "GROUPS")


@dataclass(frozen=True)
class Call:
    """A window function: its words, what it is partitioned by, and the rest of its window."""

    node: Expression
    function: Words
    partition: tuple[ir.Scalar, ...]
    rest: Words


@dataclass
class Windows:
    """Computes the window functions of one SELECT. ``selects`` makes its scalars."""

    selects: Selecting
    subqueries: Subqueries
    groups: Groups

    def computed(
        self,
        select: Expression,
        frame: Frame,
        nodes: Sequence[Expression],
        carried: Sequence[ir.Scalar],
    ) -> Frame:
        """The rows with the value of each window function in some expressions beside them.

        Partitions are those of each outer row that the query is asked for, by ``carried``.
        """
        found = [window for node in nodes for window in windows_in(node)]
        for window in found:
            frame = self.subqueries.computed(frame, window)
        start = frame.rows
        groups: dict[tuple[ir.Scalar, ...], list[Call]] = {}
        for window in found:
            call = self.call(select, window, frame)
            groups.setdefault(tuple(dict.fromkeys(call.partition)), []).append(call)
        for partition, calls in groups.items():
            frame = frame.placed(self.selects.clauses.at("", [call.node for call in calls]))
            frame = self.of_partition(frame, start.width, [*comparable(carried), *partition], calls)
        return frame

    def of_partition(
        self, frame: Frame, width: int, partition: Sequence[ir.Scalar], calls: Sequence[Call]
    ) -> Frame:
        """The rows with the values of functions that are partitioned alike.

        The first ``width`` columns are those that the calls are made of.
        """
        before = frame.rows
        names = [column.name for column in before.columns]
        kept: list[tuple[str, ir.Scalar]] = list(zip(names, before.columns, strict=True))
        places: list[int] = []
        for each in partition or [TRUE]:
            if isinstance(each, ir.ColumnRef) and each.name in names:
                places.append(names.index(each.name))
            else:
                places.append(len(kept))
                kept.append(("partition", each))
        rows = before if len(kept) == before.width else before.named(kept, "window")
        columns = rows.columns
        renamed = dict(zip(names[:width], columns, strict=False))
        by = tuple(columns[place] for place in dict.fromkeys(places))
        values = []
        for call in calls:
            words = call.function.joined(" OVER (")
            if partition:
                listed = ", ".join("{}" for _ in by)
                words = words.joined(f"PARTITION BY {listed} ", by)
            words = words.then(call.rest).joined(")")
            args = tuple(ir.substitute(arg, {**renamed, **own(by)}) for arg in words.args)
            scalar = self.value(call, words, args)
            values.append(("window", scalar))
        made = Regroup(
            Ordered(rows.operator, origin=rows.at, called="window"),
            by,
            tuple(values),
            origin=rows.at,
            called="window",
        )
        out = rows.of(made)
        columns = out.columns
        chosen = [(c.name, c) for c in (*columns[: before.width], *columns[len(kept) :])]
        if len(kept) > before.width:
            out = out.named(chosen, "window")
        own_places: dict[Key, int] = {
            id(call.node): before.width + i for i, call in enumerate(calls)
        }
        return frame.over(out).also(own_places)

    def value(self, call: Call, words: Words, args: tuple[ir.Scalar, ...]) -> ir.Scalar:
        selects = self.selects
        of_type = selects.scalars.typed(call.node, words.written, args)
        first = words.folded[0].strip().split(" ", 1)[0].split("(", 1)[0]
        atom = Atom(Kind.NATIVE, nullable=first not in _NUMBERS, native=of_type)
        return ir.Native(words.folded, args, atom, True, words.written)

    def call(self, select: Expression, node: Expression, frame: Frame) -> Call:
        selects = self.selects
        parsed, scalars = selects.parsed, selects.scalars
        place = token_range(node, parsed.tokens)
        if place is None:
            raise selects.error("this window function cannot be read", node)
        over = self.over(node, *place)
        function = scalars.words(place[0], over, [node.this], frame)
        named = node.args.get("alias")
        if named is not None and parsed.tokens[over + 1].text != "(":
            partition, rest = self.window(select, self.named(select, named), frame)
        else:
            partition, rest = self.window(select, node, frame, over + 1)
        if not any("order by" in words for words in rest.folded):
            self.groups.check_order(node.this, function.args)
        return Call(node, function, partition, rest)

    def window(
        self, select: Expression, node: Expression, frame: Frame, start: int | None = None
    ) -> tuple[tuple[ir.Scalar, ...], Words]:
        """What a window is partitioned by, and the words behind that.

        ``start``: its opening parenthesis, if not behind the first one of the node.
        """
        selects = self.selects
        tokens, scalars = selects.parsed.tokens, selects.scalars
        if start is None:
            place = token_range(node, tokens)
            assert place is not None
            start = next(i for i in range(place[0], len(tokens)) if tokens[i].text == "(")
        end = closing(tokens, start)
        partition = tuple(
            scalars.scalar(each, frame) for each in node.args.get("partition_by") or ()
        )
        depth, at = 0, start + 1
        while at < end and not (depth == 0 and self.ends_partition(at)):
            depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)
            at += 1
        parts = [node.args[k] for k in ("order", "spec") if node.args.get(k) is not None]
        rest = scalars.words(at, end, parts, frame) if at < end else Words(("",), ("",), ())
        base = node.args.get("alias")
        if base is not None:
            inherited, before = self.window(select, self.named(select, base), frame)
            return (*inherited, *partition), before.joined(" ").then(rest)
        return partition, rest

    def ends_partition(self, at: int) -> bool:
        """Whether a token begins what stands behind PARTITION BY. Columns are called order_id."""
        word, before = (self.selects.scalars.token(i).upper() for i in (at, at - 1))
        is_value = before.endswith("BY") or before in (",", ".")
        return not is_value and word.split()[0] in _BEHIND_PARTITION

    def named(self, select: Expression, name: Expression) -> Expression:
        folded = self.selects.database.folded
        wanted = folded(name.name, quoted=bool(name.args.get("quoted")))
        for each in select.args.get("windows") or ():
            if folded(each.this.name, quoted=bool(each.this.args.get("quoted"))) == wanted:
                return each
        raise self.selects.error(f"there is no window {name.name}", name)

    def over(self, node: Expression, first: int, last: int) -> int:
        """The position of the word OVER."""
        tokens, depth = self.selects.parsed.tokens, 0
        for at in range(first, last):
            text = tokens[at].text.upper()
            if text == "OVER" and depth == 0:
                return at
            depth += {"(": 1, ")": -1}.get(text, 0)
        raise self.selects.error("a window function without OVER", node)


def own(columns: Sequence[ir.ColumnRef]) -> dict[str, ir.Scalar]:
    return {column.name: column for column in columns}


def closing(tokens: Sequence[object], start: int) -> int:
    """The position of the parenthesis that closes the one at ``start``."""
    depth = 0
    for at in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)  # type: ignore[attr-defined]
        if depth == 0:
            return at
    return len(tokens)


def windows_in(node: Expression) -> Iterator[Expression]:
    """The window functions of an expression, not those of the queries in it."""
    if isinstance(node, exp.Query):
        return
    if isinstance(node, exp.Window):
        yield node
        return
    for part in node.iter_expressions():
        yield from windows_in(part)
