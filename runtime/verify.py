"""verify: compute a query's tables anew in the database, and compare with what is maintained.

Mending needs no look at the whole under a lock. What a step adds to a table depends on other tables
only; so where the rows of a key are still those that were seen to be wrong, what they should be has
not changed either, and they are set to it. Where they have changed, another look tells.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from stepping.compiler.plan.graph import AnyGraph
from stepping.compiler.plan.recompute import Compared, Recompute, Unverified
from stepping.compiler.plan.sql_plan import Role
from stepping.compiler.schema import Kind
from stepping.dialects import get_dialect
from stepping.dialects.driver import Driver, Row
from stepping.dialects.identifiers import quoted
from stepping.errors import StoreError
from stepping.runtime import captured, catalog
from stepping.runtime.running import PythonSteps, Statements

# How far two floats may be apart that are sums of the same values in another order.
RELATIVE, ABSOLUTE = 1e-9, 1e-9
MOST_SHOWN = 20  # differences in a text
RANGE_ROWS = 20_000  # of a kept table, that are compared at a time
MOST_LOOKS = 5  # to mend what changes while it is looked at
KEEP = (
    "st.compile(query, keep={'input': 'all'}) stores an input whole, and what is made of it can be "
    "computed anew"
)
IN_PYTHON = (Role.PYTHON, Role.FOLD)


@dataclass(frozen=True)
class Difference:
    """A row that is kept and should not be, or should be and is not; or both, with one key."""

    table: str
    serves: str
    key: dict[str, Any]
    kept: tuple[Row, ...]
    expected: tuple[Row, ...]

    def __str__(self) -> str:
        key = ", ".join(f"{name}={value!r}" for name, value in self.key.items())
        kept = " and ".join(map(repr, self.kept)) or "nothing"
        expected = " and ".join(map(repr, self.expected)) or "nothing"
        return f"{self.table} ({self.serves}): at {key} there is {kept}, expected {expected}"


@dataclass(frozen=True)
class JoinProbe:
    """How far a verification is: a table, how many of its rows are compared, about of how many.

    While the tables are computed: which statement of how many.
    """

    what: str
    done: int
    total: int


@dataclass(frozen=True)
class Verification:
    """What `verify` found. ``print`` it, or ``str`` it."""

    query: str
    verified: tuple[str, ...]  # tables
    differences: tuple[Difference, ...]
    unverified: tuple[Unverified, ...]
    repaired: tuple[str, ...] = ()  # tables
    left: int = 0  # keys that could not be mended, since steps changed them again and again
    hint: str = KEEP  # where nothing was compared
    failed: str = ""  # why the query could not be verified, where it was one of several

    @property
    def ok(self) -> bool:
        """Whether it was verified, and nothing differs, or all that did was mended."""
        wrong = {each.table for each in self.differences} - set(self.repaired)
        return not (wrong or self.left or self.failed)

    @property
    def nothing_compared(self) -> bool:
        """Whether it keeps tables, and none of them could be computed anew."""
        return bool(self.unverified) and not self.verified

    def __str__(self) -> str:
        if self.failed:
            return f"{self.query}: cannot be verified: {self.failed}"
        if self.nothing_compared:
            lines = [f"{self.query}: nothing was compared"]
            lines += (f"  cannot be verified: {u.table}: {u.why}" for u in self.unverified)
            return "\n".join([*lines, f"  hint: {self.hint}"])
        count = len(self.differences)
        found = "nothing differs" if not count else f"{count} differ{'s' * (count == 1)}"
        verified = len(self.verified)
        tables = "1 table" if verified == 1 else f"{verified} tables"
        lines = [f"{self.query}: {tables} computed anew, {found}"]
        lines += (f"  {each}" for each in self.differences[:MOST_SHOWN])
        if count > MOST_SHOWN:
            lines.append(f"  and {count - MOST_SHOWN} more")
        lines += (f"  repaired: {name}" for name in self.repaired)
        if self.left:
            lines.append(f"  not repaired, since steps change them: {self.left} keys; run it again")
        lines += (f"  cannot be verified: {u.table}: {u.why}" for u in self.unverified)
        return "\n".join(lines)


def verify(
    store: Any, *, repair: bool = False, progress: Callable[[JoinProbe], None] | None = None
) -> Verification:
    """Compute the tables of a store's query from its stored inputs, and compare.

    Costs what computing the whole query costs, in temporary tables, which are compared with those
    that are kept range by range; writers go on, since one state of the database is read.
    ``repair=True`` mends the keys that differ, and no others: a transaction for each, in which
    writers of the query wait; and looks again. What nothing else says the contents of, as the
    stored inputs themselves, cannot be verified, and is listed.
    """
    plan = getattr(store, "plan", None)
    if plan is None:
        raise StoreError(
            f"st.verify needs a store in a database, got {type(store).__name__}",
            hint="StorePython keeps nothing that could differ",
        )
    recompute, steps = store.recomputed()
    program: Any = PythonSteps(plan, steps)
    statements = Statements(store.driver, store.graph, program)
    names = plan.query, plan.fingerprint, plan.kept
    with store.in_turn():
        store.check_installed()
        catalog.check_tables(store.driver, plan.manifest)
        refresh = None if plan.capture is None else store.refresh
        verifier = Verifier(store.driver, *names, recompute, statements, progress, refresh)
        return replace(verifier.run(repair=repair), hint=hint_of(store.graph))


def hint_of(graph: AnyGraph) -> str:
    """What to do where nothing of a query can be compared."""
    if graph.way != "st.compile":
        return "without refresh=None it follows its tables, and is compared with them"
    return KEEP


def check_outside(driver: Driver) -> None:
    if driver.in_transaction():
        raise StoreError(
            "verify was called in a transaction of the application",
            hint="commit first: it makes temporary tables, and reads one state of the database",
        )


def needs_code(query: str) -> StoreError:
    """What only the query's own code can compute, or fold in."""
    return StoreError(
        f"the query {query!r} has Python steps, which only its own code can run; nothing of it was "
        "compared",
        hint="name it: stepping verify MODULE:QUERY --db URL, or the file of the view",
    )


@dataclass
class Verifier:
    """Runs one verification on one connection."""

    driver: Driver
    query: str
    fingerprint: str
    kept: Sequence[str]
    recompute: Recompute
    statements: Statements | None  # run the Python steps, where the query is at hand
    progress: Callable[[JoinProbe], None] | None = None
    refresh: Callable[[], None] | None = None  # of a captured query: folds in what waits

    def run(self, *, repair: bool) -> Verification:
        self.check()
        check_outside(self.driver)
        found = self.differences()
        repaired: dict[str, None] = {}
        left = len(found) if repair else 0
        now, looks = found, 1
        while left and looks < MOST_LOOKS:
            for difference in now:
                if self.mended(difference):
                    repaired[difference.table] = None
            now = self.differences()
            left, looks = len(now), looks + 1
        return Verification(
            self.query,
            tuple(each.table for each in self.recompute.compared),
            tuple(found),
            self.recompute.unverified,
            tuple(repaired),
            left,
        )

    def differences(self) -> list[Difference]:
        """Everything that differs in one state of the database; looked at again where another
        fold was quicker than the one that this begins with.
        """
        for turn in range(captured.TURNS):
            try:
                return self.look()
            except Exception as error:
                last = self.refresh is None or turn == captured.TURNS - 1
                if last or not self.driver.is_transient(error):
                    raise
            time.sleep(0.01 * random.random() * 2**turn)
        raise AssertionError("a turn returns or raises")

    def look(self) -> list[Difference]:
        try:
            self.driver.script((*self.recompute.dropped, *self.recompute.session))
            with self.one_state():
                self.fill()
                return [d for each in self.recompute.compared for d in self.compare(each)]
        finally:
            self.driver.script(self.recompute.dropped)

    @contextmanager
    def one_state(self) -> Iterator[None]:
        """All that is read is of one state of the database, in which nothing waits."""
        if self.refresh is None:
            with self.driver.reading():
                yield
            return
        with self.driver.computing():
            self.refresh()
            yield

    def check(self) -> None:
        python = any(s.role in IN_PYTHON for s in self.recompute.statements)
        if python and self.statements is None:
            raise needs_code(self.query)

    def fill(self) -> None:
        for number, statement in enumerate(self.recompute.statements, 1):
            if self.progress is not None:
                what = f"computing {statement.operator}"
                self.progress(JoinProbe(what, number, len(self.recompute.statements)))
            if statement.role in IN_PYTHON:
                assert self.statements is not None
                self.statements.run_python(statement)
            else:
                self.driver.run(statement)

    def compare(self, each: Compared) -> Iterator[Difference]:
        """The keys at which a table and what should be in it differ."""
        keyed: dict[Row, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
        identity = positions(each, each.identity)
        floats = {i for i, c in enumerate(each.columns) if c.type.kind is Kind.FLOAT}
        for side, row in self.in_ranges(each):
            # A row with another float is found beside the one it should be.
            exact = tuple(row[i] for i in identity if i not in floats or each.is_state)
            keyed[exact][side].append(row)
            if same_rows(*keyed[exact]):
                del keyed[exact]
        names = [each.columns[i].name for i in identity if i not in floats or each.is_state]
        for key, (kept, expected) in keyed.items():
            shown = (None if value == b"" else value for value in key)  # SQLite's None
            values = dict(zip(names, shown, strict=True))
            yield Difference(each.table, each.serves, values, tuple(kept), tuple(expected))

    def in_ranges(self, each: Compared) -> Iterator[tuple[int, Row]]:
        """The rows that differ, range by range: those that are kept (0), those that should be (1).

        A range ends where so many rows of the kept table do, or behind them of the other one.
        """
        words = get_dialect(self.driver.dialect).ranges
        tables = quoted(each.table), quoted(each.shadow)
        total = self.driver.sizes([each.table])[each.table].rows if self.progress else 0
        start: Row | None = None
        done = 0
        while True:
            end = None
            for table in tables if each.positions else ():
                found = self.driver.read(*words.position(table, each, start, RANGE_ROWS))
                end = found[0] if found else None
                if end is not None:
                    break
            for side, pair in enumerate((tables, tables[::-1])):
                sql, bounds = words.differing(*pair, each, start, end)
                sql = self.driver.in_texts(sql, each.columns, exactly=True)
                yield from ((side, row) for row in self.driver.read(sql, bounds))
            done += RANGE_ROWS
            if self.progress is not None:
                total = max(total, done) if end is not None else total
                self.progress(JoinProbe(each.table, done if end is not None else total, total))
            if end is None:
                return
            start = end

    def mended(self, difference: Difference) -> bool:
        """Set the rows of a key to what they should be, if they are still what was found."""
        each = next(c for c in self.recompute.compared if c.table == difference.table)
        identity = positions(each, each.identity)

        rows: dict[Row, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
        for side, found in enumerate((difference.kept, difference.expected)):
            for row in found:
                rows[tuple(row[i] for i in identity)][side].append(row)
        with self.driver.writing():
            if self.refresh is not None:
                self.driver.script(self.driver.capturing.lock_folds(self.query))
                there_now = catalog.queries(self.driver).get(self.query)
                is_there = there_now is not None and there_now.fingerprint == self.fingerprint
            else:
                standing = self.driver.lock(self.kept, self.query, self.fingerprint)
                is_there = len(standing) == len(self.kept)
            if not is_there:
                raise StoreError(
                    f"the query {self.query!r} was migrated while it was verified",
                    hint="run verify again",
                )
            find = self.driver.in_texts(each.find_sql, each.columns, exactly=True)
            there = {at: Counter(map(tuple, self.driver.read(find, at))) for at in rows}
            for at, (kept, _) in rows.items():
                if Counter(kept) - there[at] or (there[at] and not kept):
                    return False
            for at in rows:
                self.driver.change(each.delete_sql, at)
            for at, (kept, wanted) in rows.items():
                for row in (there[at] - Counter(kept) + Counter(wanted)).elements():
                    self.driver.change(each.insert_sql, row)
        return True


def positions(each: Compared, names: Sequence[str]) -> list[int]:
    columns = [column.name for column in each.columns]
    return [columns.index(name) for name in names]


def same_rows(kept: Sequence[Row], expected: Sequence[Row]) -> bool:
    """Whether rows differ in nothing but the last digits of floats."""
    if len(kept) != len(expected):
        return False
    pairs = zip(sorted(kept, key=repr), sorted(expected, key=repr), strict=True)
    return all(same(a, b) for x, y in pairs for a, b in zip(x, y, strict=True))


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(a == b)
