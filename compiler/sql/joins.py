"""FROM: its tables, joined in an order in which each is found by what is there already."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from stepping.compiler import ir
from stepping.compiler.sql.conditions import conjuncts, has_query, refs_of, true_refs, with_implied
from stepping.compiler.sql.expanding import Expanding
from stepping.compiler.sql.frames import Frame, Key, asked
from stepping.compiler.sql.parsing import Expression
from stepping.compiler.sql.rows import Named, Rows
from stepping.compiler.sql.scopes import Item, Joined, Ref, Source
from stepping.compiler.sql.selecting import Env, Selecting
from stepping.compiler.sql.subqueries import Subqueries

Pair = tuple[ir.Scalar, ir.Scalar]


@dataclass(frozen=True)
class Equal:
    """Two columns that USING or NATURAL finds equal."""

    left: Ref
    right: Ref


@dataclass(frozen=True)
class Dependent:
    """What names columns beside it or around it in FROM: evaluated for each of them.

    A query or a function, or an outer join of such.
    """

    item: Item
    refs: tuple[Ref, ...]


Condition = Expression | Equal
Leaf = Frame | Dependent


@dataclass
class Joins:
    """Makes the rows of one FROM. ``selects`` makes those of the queries in it."""

    selects: Selecting
    subqueries: Subqueries
    expanding: Expanding

    def from_where(
        self, items: Sequence[Item], where: Sequence[Expression], start: Frame | None
    ) -> tuple[Frame | None, list[Expression]]:
        """The rows of FROM that meet the conditions without subqueries, and the others.

        ``start`` has rows that are joined as well: those that the query is asked for.
        """
        conditions: list[Condition] = []
        later: list[Expression] = []
        self.take(list(where), conditions, later)
        waiting = [start] if start is not None else []
        frames: list[Leaf] = []
        for item in items:
            frames += self.leaves(item, conditions, later, waiting)
        frames = [*waiting, *frames]
        if not frames:
            return None, [*(c for c in conditions if not isinstance(c, Equal)), *later]
        return self.planned(frames, conditions), later

    def take(
        self, found: list[Expression], conditions: list[Condition], later: list[Expression]
    ) -> None:
        for each in with_implied(found):
            (later if has_query(each) else conditions).append(each)

    def leaves(
        self,
        item: Item,
        conditions: list[Condition],
        later: list[Expression],
        around: list[Frame],
    ) -> list[Leaf]:
        """What is joined by inner joins. Conditions that hold inside an outer one are used up.

        ``around`` has the rows that a query is asked for; they are taken into the first outer join
        that names a column of them.
        """
        if isinstance(item, Source):
            free = self.free(item)
            if free:
                return [Dependent(item, free)]
            stands = self.selects.clauses.source(item)
            frame = self.selects.source(item)
            return [dataclasses.replace(frame, stands=stands)]
        if not item.side:
            self.take(conjuncts(item.on), conditions, later)
            conditions += (Equal(a, b) for a, b in item.using)
            left = self.leaves(item.left, conditions, later, around)
            return [*left, *self.leaves(item.right, conditions, later, around)]
        asks = self.asks(item)
        if asks and item.side == "FULL":
            hint = "put what names them into a query of its own: (SELECT ...)"
            raise self.selects.error(
                "a FULL JOIN of what names columns in front of it is not taken", item.node, hint
            )
        if asks and not (around and around[0].has(asks)):
            return [Dependent(item, in_order(asks))]
        if asks and item.side == "RIGHT" and self.asks(item.left):  # that side is for each row
            item = dataclasses.replace(item, side="LEFT", left=item.right, right=item.left)
        taken: dict[str, list[Frame]] = {"left": [], "right": []}
        if asks:
            taken[item.side.lower()] = [around.pop()]
        inside = {"LEFT": ("left",), "RIGHT": ("right",)}.get(item.side, ())
        sides: list[Frame] = []
        for name in ("left", "right"):
            inner: Item = getattr(item, name)
            own: list[Condition] = []
            if name in inside:
                refs = refs_of_item(inner)
                own = [each for each in conditions if self.refs(each) and self.within(each, refs)]
                conditions[:] = [each for each in conditions if each not in own]
            below: list[Expression] = []
            asked_of = self.asks(inner)
            if name == "right" and asked_of and sides[0].has(asked_of):
                left_frame = sides[0]
                right, pairs = self.each(left_frame, Dependent(inner, in_order(asked_of)))
                right = self.filtered(right, own, all_of_them=True)
                return [self.outer(item, left_frame, right, pairs)]
            found: list[Leaf] = [*taken[name], *self.leaves(inner, own, below, [])]
            frame = self.planned(found, own)
            for each in below:
                frame = self.subqueries.condition(frame, each)
            sides.append(frame)
        left_frame, right = sides
        return [self.outer(item, left_frame, right)]

    def free(self, source: Source) -> tuple[Ref, ...]:
        """The columns beside or around a query in FROM that it names."""
        bound = self.selects.bound
        if source.call is not None:
            found = {ref for part in source.call.arguments for ref in refs_of(part, bound)}
            return in_order(found)
        if source.query is None:
            return ()
        free = bound.free.get(id(source.query), ())
        return in_order({each for ref in free for each in true_refs(ref, bound)})

    def asks(self, item: Item) -> set[Ref]:
        """The columns that an item names and does not have."""
        if isinstance(item, Source):
            return set(self.free(item))
        found = self.asks(item.left) | self.asks(item.right)
        if item.on is not None:
            found |= refs_of(item.on, self.selects.bound)
        own = refs_of_item(item)
        return {ref for ref in found if not self.is_of(ref, own)}

    def is_of(self, ref: Ref, sources: frozenset[int]) -> bool:
        merged = self.selects.bound.merged.get(ref)
        return self.is_of(merged.left, sources) if merged is not None else ref.source in sources

    def each(self, frame: Frame, dependent: Dependent) -> tuple[Frame, list[Pair]]:
        """The rows of a query for each different one of the columns that it names."""
        source, refs = dependent.item, dependent.refs
        if not frame.has(refs):
            raise self.selects.error("this names columns that are not there", source.node)
        outer, columns = asked(frame.placed(self.place(source)), refs)
        if isinstance(source, Joined):
            found, later = self.from_where([source], (), outer)
            assert found is not None
            for each in later:
                found = self.subqueries.condition(found, each)
            theirs = [found.column(key) for key in outer.places]
            places = {key: i for key, i in found.places.items() if key not in outer.places}
            return dataclasses.replace(found, places=places), list(
                zip(columns, theirs, strict=True)
            )
        if source.call is not None:
            made = self.expanding.beside(outer, source)
            keys = made.rows.columns[: len(columns)]
            own: dict[Key, int] = {c.ref: made.places[c.ref] for c in source.columns}
            return Frame(made.rows, own), list(zip(columns, keys, strict=True))
        result = self.selects.completed(self.selects.query(source.query, Env(outer)), outer)
        made = self.selects.framed(source, result)
        return made, list(zip(columns, result.carried, strict=True))

    def attached(self, frame: Frame, dependent: Dependent) -> Frame:
        """The rows beside those that a query has for each of them."""
        item, at = dependent.item, self.place(dependent.item)
        if isinstance(item, Source) and item.call is not None and frame.has(dependent.refs):
            return self.expanding.beside(frame.placed(at), item)
        other, pairs = self.each(frame, dependent)
        frame = frame.placed(at)
        rows = frame.rows.joined(
            other.rows,
            [a for a, _ in pairs],
            [b for _, b in pairs],
            null_safe=True,
            called="lateral",
        )
        return frame.beside(other, rows)

    def place(self, item: Item) -> ir.Source:
        clauses = self.selects.clauses
        return (
            clauses.source(item) if isinstance(item, Source) else clauses.join(item.node, item.side)
        )

    def refs(self, condition: Condition) -> frozenset[Ref]:
        bound = self.selects.bound
        if isinstance(condition, Equal):
            return true_refs(condition.left, bound) | true_refs(condition.right, bound)
        return refs_of(condition, bound)

    def within(self, condition: Condition, sources: frozenset[int]) -> bool:
        return all(ref.source in sources for ref in self.refs(condition))

    # -- inner joins ----------------------------------------------------------------------------

    def planned(self, leaves: Sequence[Leaf], conditions: list[Condition]) -> Frame:
        """All frames joined: always the next that is found by equality with what is there."""
        waiting = list(conditions)
        dependent = [each for each in leaves if isinstance(each, Dependent)]
        frames = [each for each in leaves if isinstance(each, Frame)]
        if not frames:
            raise self.selects.error(
                "a query that names columns around it cannot stand here", dependent[0].item.node
            )
        rest = [self.filtered(frame, waiting) for frame in frames]
        frame = rest.pop(0)
        while rest:
            equal = ((i, self.equalities(frame, each, waiting)) for i, each in enumerate(rest))
            position, used = next(((i, some) for i, some in equal if some), (0, []))
            other = rest.pop(position)
            pairs = [pair for _, pair in used]
            waiting = [each for each in waiting if not any(each is c for c, _ in used)]
            frame = frame.placed(other.stands or frame.stands)
            rows = frame.rows.joined(other.rows, [a for a, _ in pairs], [b for _, b in pairs])
            frame = self.filtered(frame.beside(other, rows), waiting)
        for found in dependent:
            frame = self.filtered(self.attached(frame, found), waiting)
        frame = self.filtered(frame, waiting, all_of_them=True)
        for each in waiting:
            node = each if not isinstance(each, Equal) else None
            raise self.selects.error("this names columns that are not there where it stands", node)
        return frame

    def filtered(
        self, frame: Frame, waiting: list[Condition], *, all_of_them: bool = False
    ) -> Frame:
        """The rows that meet the conditions which can be told of them; those are used up."""
        scalars = self.selects.scalars
        usable = [
            each
            for each in waiting
            if (self.refs(each) or all_of_them) and frame.has(self.refs(each))
        ]
        waiting[:] = [each for each in waiting if not any(each is c for c in usable)]
        nodes = [each for each in usable if not isinstance(each, Equal)]
        if nodes:
            frame = frame.placed(self.selects.clauses.conditions(nodes))
            frame = frame.over(frame.rows.where(scalars.all_of(nodes, frame)))
        for each in usable:
            if isinstance(each, Equal):
                a, b = (frame.column(self.true(ref)) for ref in (each.left, each.right))
                frame = frame.over(frame.rows.where(self.selects.equal(a, b)))
        return frame

    def equalities(
        self, frame: Frame, other: Frame, waiting: list[Condition]
    ) -> list[tuple[Condition, Pair]]:
        """Conditions that say that a value of one equals one of the other, and both values."""
        found = []
        for each in waiting:
            pair = self.equality(each, frame, other)
            if pair is not None:
                found.append((each, pair))
        return found

    def equality(self, condition: Condition, frame: Frame, other: Frame) -> Pair | None:
        if isinstance(condition, Equal):
            refs = self.true(condition.left), self.true(condition.right)
            for swapped in (False, True):
                mine, theirs = refs[::-1] if swapped else refs
                if mine in frame.places and theirs in other.places:
                    columns = frame.column(mine), other.column(theirs)
                    return self.selects.alike(*columns, swapped=swapped)
            return None
        if not isinstance(condition, exp.EQ):
            return None
        sides = condition.left, condition.right
        for swapped in (False, True):
            a, b = sides[::-1] if swapped else sides
            reads, others = self.refs(a), self.refs(b)
            if reads and others and frame.has(reads) and other.has(others):
                scalars = self.selects.scalars
                pair = scalars.scalar(a, frame), scalars.scalar(b, other)
                return self.selects.alike(*pair, swapped=swapped)
        return None

    def true(self, ref: Ref) -> Ref:
        return self.selects.scalars.true_ref(ref)

    # -- outer joins ----------------------------------------------------------------------------

    def outer(self, join: Joined, left: Frame, right: Frame, each_of: Sequence[Pair] = ()) -> Frame:
        """LEFT, RIGHT and FULL joins: the pairs, and the rows of a side that are in none.

        ``each_of``: columns of the left, each of which may be NULL, that rows of the right are for.
        """
        pairs: list[Pair] = []
        others: list[Expression] = []
        on: list[Condition] = [Equal(a, b) for a, b in join.using]
        for each in (*on, *conjuncts(join.on)):
            pair = None
            if not each_of and (isinstance(each, Equal) or not has_query(each)):
                pair = self.equality(each, left, right)
            if pair is not None:
                pairs.append(pair)
                continue
            if isinstance(each, Equal):
                raise self.selects.error("USING of LATERAL is not taken", join.node, "write ON")
            own = self.refs(each) if not has_query(each) else frozenset()
            if own and join.side == "LEFT" and right.has(own):
                right = self.filtered(right, [each])
            elif own and join.side == "RIGHT" and left.has(own):
                left = self.filtered(left, [each])
            else:
                others.append(each)
        pairs += each_of
        at = self.selects.clauses.join(join.node, join.side)
        left, right = left.placed(at), right.placed(at)
        mine, theirs = [a for a, _ in pairs], [b for _, b in pairs]
        rows = left.rows.joined(
            right.rows, mine, theirs, null_safe=bool(each_of), called="outer join"
        )
        both = left.beside(right, rows)
        for each in others:
            both = self.subqueries.condition(both, each)
        width = left.rows.width
        rows = both.rows.placed(at)
        if rows.width > width + right.rows.width:
            rows = rows.project(rows.columns[: width + right.rows.width])
        missing_left = join.side in ("RIGHT", "FULL")
        missing_right = join.side in ("LEFT", "FULL")
        lefts = optional(rows.columns[:width], missing_left)
        rights = optional(rows.columns[width:], missing_right)
        matched = rows
        out = rows.named([*lefts, *rights], "outer join")
        if missing_right:
            keys = (mine, theirs) if not (others or each_of) else None
            alone = self.alone(left.rows, right.rows, matched, 0, keys)
            own_columns = optional(alone.columns, missing_left)
            out = out.plus(alone.named([*own_columns, *nothing(right.rows)]), "outer join")
        if missing_left:
            keys = (theirs, mine) if not others else None
            alone = self.alone(right.rows, left.rows, matched, width, keys)
            own_columns = optional(alone.columns, missing_right)
            out = out.plus(alone.named([*nothing(left.rows), *own_columns]), "outer join")
        frame = left.beside(right, out)
        return self.merged(join, frame) if join.side == "FULL" else frame

    def alone(
        self,
        rows: Rows,
        other: Rows,
        matched: Rows,
        at: int,
        keys: tuple[list[ir.Scalar], list[ir.Scalar]] | None,
    ) -> Rows:
        """The rows of a side that are in no pair. ``at``: where pairs have its columns."""
        if keys is None or not keys[0]:
            found = matched.project(matched.columns[at : at + rows.width], "outer join")
            found = found.different("outer join")
            some = rows.matching(found, rows.columns, null_safe=True, called="outer join")
        else:
            some = rows.matching(self.selects.known_keys(other, keys[1]), keys[0])
        return rows.without(some, "outer join")

    def merged(self, join: Joined, frame: Frame) -> Frame:
        """The columns of USING in a FULL JOIN: the one of either side that is there."""
        bound = self.selects.bound
        for a, b in join.using:
            ref = next(r for r, m in bound.merged.items() if m.left == a and m.right == b)
            sides = frame.column(self.true(a)), frame.column(self.true(b))
            value = self.selects.first_of(sides)
            frame = frame.with_column(value, sides[0].name, ref)
        return frame


def in_order(refs: Iterable[Ref]) -> tuple[Ref, ...]:
    return tuple(sorted(refs, key=lambda ref: (ref.source, ref.name)))


def optional(columns: Sequence[ir.ColumnRef], missing: bool) -> list[Named]:
    """Columns that may be NULL where a side is missing."""
    if not missing:
        return [(column.name, column) for column in columns]
    return [
        (column.name, dataclasses.replace(column, type=column.type.optional()))
        for column in columns
    ]


def nothing(rows: Rows) -> list[Named]:
    """The columns of rows that are not there."""
    return [(column.name, ir.Const(None, column.type.optional())) for column in rows.columns]


def refs_of_item(item: Item) -> frozenset[int]:
    """The numbers of the sources in an item."""
    if isinstance(item, Source):
        return frozenset({item.number})
    return refs_of_item(item.left) | refs_of_item(item.right)
