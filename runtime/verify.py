"""verify: compute a query's tables anew in the database, and compare with what is maintained."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stepping.compiler.plan.recompute import Compared, Recompute, Unverified
from stepping.compiler.plan.sql_plan import Role
from stepping.compiler.schema import Kind
from stepping.dialects.driver import Driver, Row
from stepping.errors import StoreError
from stepping.runtime import catalog
from stepping.runtime.engine import Engine

# How far two floats may be apart that are sums of the same values in another order.
RELATIVE, ABSOLUTE = 1e-9, 1e-9
MOST_SHOWN = 20  # differences in a text
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
class Verification:
    """What `verify` found. ``print`` it, or ``str`` it."""

    query: str
    verified: tuple[str, ...]  # tables
    differences: tuple[Difference, ...]
    unverified: tuple[Unverified, ...]
    repaired: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing differs, or all that did was mended."""
        return not {each.table for each in self.differences} - set(self.repaired)

    def __str__(self) -> str:
        count = len(self.differences)
        found = "nothing differs" if not count else f"{count} differ{'s' * (count == 1)}"
        lines = [f"{self.query}: {len(self.verified)} tables computed anew, {found}"]
        lines += (f"  {each}" for each in self.differences[:MOST_SHOWN])
        if count > MOST_SHOWN:
            lines.append(f"  and {count - MOST_SHOWN} more")
        lines += (f"  repaired: {name}" for name in self.repaired)
        lines += (f"  cannot be verified: {u.table}: {u.why}" for u in self.unverified)
        return "\n".join(lines)


def verify(store: Any, *, repair: bool = False) -> Verification:
    """Compute the tables of a store's query from its stored inputs, and compare.

    Costs what computing the whole query costs, in temporary tables; writers go on, since one
    state of the database is read. ``repair=True`` mends the rows that differ, and no others: a
    transaction per table, in which writers of the query wait. What nothing else says the contents
    of, as the stored inputs themselves, cannot be verified, and is listed.
    """
    plan = getattr(store, "plan", None)
    if plan is None:
        raise StoreError(
            f"st.verify needs a store in a database, got {type(store).__name__}",
            hint="StorePython keeps nothing that could differ",
        )
    catalog.check_tables(store.driver, plan.manifest)
    recompute, steps = store.graph.recompute(
        plan.dialect, allow_negative=plan.allow_negative, rewrites=store.rewrites
    )
    engine = Engine(store.driver, store.graph, Recomputed(plan, steps))
    return Verifier(store.driver, plan.query, plan.fingerprint, plan.kept, recompute, engine).run(
        repair=repair
    )


def verify_installed(driver: Driver, *, repair: bool = False) -> Iterator[Verification]:
    """`verify` for each query that is installed, from what the catalog says of it."""
    for found in catalog.queries(driver).values():
        recompute = catalog.stored_recompute(driver, found.query)
        if recompute is None:
            raise StoreError(
                f"the catalog does not say how the tables of {found.query!r} are computed: no "
                "store was opened on them by a role that may write it",
                hint="name the query: stepping verify MODULE:QUERY --db URL",
            )
        manifest = found.manifest()
        catalog.check_tables(driver, manifest)
        kept = manifest.kept
        one = Verifier(driver, found.query, found.fingerprint, kept, recompute, None)
        yield one.run(repair=repair)


@dataclass(frozen=True)
class Recomputed:
    """A plan with the Python steps of recomputing it."""

    plan: Any
    python_steps: Sequence[Any]


@dataclass
class Verifier:
    """Runs one verification on one connection."""

    driver: Driver
    query: str
    fingerprint: str
    kept: Sequence[str]
    recompute: Recompute
    engine: Engine | None  # runs the Python steps, where the query is at hand

    def run(self, *, repair: bool) -> Verification:
        self.check()
        if self.driver.in_transaction():
            raise StoreError(
                "verify was called in a transaction of the application",
                hint="commit first: it makes temporary tables, and reads one state of the database",
            )
        try:
            self.driver.script((*self.recompute.dropped, *self.recompute.session))
            with self.driver.reading():
                self.fill()
                differences = [d for each in self.recompute.compared for d in self.compare(each)]
            repaired = tuple(dict.fromkeys(d.table for d in differences)) if repair else ()
            for name in repaired:
                self.repair(next(c for c in self.recompute.compared if c.table == name))
        finally:
            self.driver.script(self.recompute.dropped)
        verified = tuple(each.table for each in self.recompute.compared)
        return Verification(
            self.query, verified, tuple(differences), self.recompute.unverified, repaired
        )

    def check(self) -> None:
        python = any(s.role in IN_PYTHON for s in self.recompute.statements)
        if python and self.engine is None:
            raise StoreError(
                f"the query {self.query!r} has Python steps, which only its own code can run",
                hint="name it: stepping verify MODULE:QUERY --db URL",
            )

    def fill(self) -> None:
        for statement in self.recompute.statements:
            if statement.role in IN_PYTHON:
                assert self.engine is not None
                run = self.engine.fold if statement.role is Role.FOLD else self.engine.in_python
                run(statement)
            else:
                self.driver.run(statement)

    def compare(self, each: Compared) -> Iterator[Difference]:
        """The keys at which a table and what should be in it differ."""
        keyed: dict[Row, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
        identity = positions(each, each.identity)
        floats = {i for i, c in enumerate(each.columns) if c.type.kind is Kind.FLOAT}
        for side, sql in enumerate((each.extra_sql, each.missing_sql)):
            for row in self.driver.read(sql):
                # A row with another float is found beside the one it should be.
                exact = tuple(row[i] for i in identity if i not in floats or each.is_state)
                keyed[exact][side].append(row)
        names = [each.columns[i].name for i in identity if i not in floats or each.is_state]
        for key, (kept, expected) in keyed.items():
            if not same_rows(kept, expected):
                shown = (None if value == b"" else value for value in key)  # SQLite's None
                values = dict(zip(names, shown, strict=True))
                yield Difference(each.table, each.serves, values, tuple(kept), tuple(expected))

    def repair(self, each: Compared) -> None:
        """Mend the rows of a table that differ still, while nobody else can write."""
        identity = positions(each, each.identity)
        with self.driver.writing():
            standing = self.driver.lock(self.kept, self.query, self.fingerprint)
            if len(standing) < len(self.kept):
                raise StoreError(
                    f"the query {self.query!r} was migrated while it was verified",
                    hint="run verify again",
                )
            self.driver.whole_tables()
            self.driver.script((*self.recompute.dropped, *self.recompute.session))
            self.fill()
            differences = list(self.compare(each))
            for difference in differences:
                for row in (*difference.kept, *difference.expected):
                    self.driver.change(each.delete_sql, [row[i] for i in identity])
            for difference in differences:
                for row in difference.expected:
                    self.driver.change(each.insert_sql, row)


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
