"""The law of guards: what a condition keeps from running does not run, on any store.

Random partial expressions under random guards, of rows whose columns are constants in some
statements: the tags of a union, the missing sides of outer joins. Where the guard protects, all
stores agree with Python; where it does not, all raise `RowError` and are as they were.
"""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest

import stepping as st
from stepping import Empty, Index, Pair, ZSet
from tests.support.law import law, shown


class Row(st.Data):
    k: int
    n: int | None
    t: str


class Line(st.Data):
    kind: str
    a: int
    b: int | None
    t: str


BY_K = Index.pick(Row, lambda row: row.k)
Both = Pair[Row | Empty, Row | Empty]

# What raises where `b` is None or 0, or `t` no number; each a function of a line.
PARTIAL = (
    "line.a // line.b",
    "line.a % line.b",
    "line.a / line.b",
    "10 // line.b",
    "10 % (line.b - line.b)",
    "int(line.t)",
    "int(line.t) // line.a",
    "checked(line)",
    "required(line)",
    "2**62 * 4 // line.a",
    "float(line.t) // 1.0",
)
# What is true where those do not raise, and what is so by chance.
GUARDS = (
    "line.b",
    "line.b is not None and line.b != 0",
    "line.b is not None and line.b > 0 and line.t.isdigit()",
    "line.kind == 'right'",
    "line.kind != 'left' and line.b",
    "line.a and line.t.isdigit() and line.b",
    "line.t.isdigit()",
    "line.a != 0",
    "not (line.b is None or line.b == 0)",
)


def checked(line: Any) -> int:
    assert line.a > 0, "a must be above 0"
    return int(line.a)


def required(line: Any) -> int:
    if line.b is None:
        raise ValueError("b is missing")
    return int(line.a)


def lambda_of(text: str, argument: str, **names: Any) -> Any:
    """A function of its own source, as `linecache` has it."""
    import linecache

    name = f"<guards {abs(hash(text))}>"
    source = f"f = lambda {argument}: {text}\n"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope: dict[str, Any] = {"checked": checked, "required": required, **names}
    exec(compile(source, name, "exec"), scope)
    return scope["f"]


def key_of(row: Row | Empty) -> int:
    return -1 if isinstance(row, Empty) else row.k


def lines(a: ZSet[Row], b: ZSet[Row], how: str) -> ZSet[Line]:
    """Lines whose columns are constants in some of the statements."""
    if how == "union":
        return st.add(
            st.map(a, f=lambda row: Line(kind="left", a=row.k, b=None, t=row.t)),
            st.map(b, f=lambda row: Line(kind="right", a=row.k, b=row.n, t="7")),
        )
    if how == "outer":
        joined = st.full_outer_join(a, b, on_left=BY_K, on_right=BY_K)
        return st.map(
            joined,
            f=lambda p: Line(
                kind="right" if isinstance(p.left, Empty) else "left",
                a=p.left.k if not isinstance(p.left, Empty) else key_of(p.right),
                b=None if isinstance(p.right, Empty) else p.right.n,
                t="x" if isinstance(p.right, Empty) else p.right.t,
            ),
        )
    return st.add(
        st.map(a, f=lambda row: Line(kind="left", a=row.k, b=row.n, t=row.t)),
        st.map(b, f=lambda row: Line(kind="right", a=0, b=0, t="")),
    )


def guarded(how: str, guard: str, partial: str, where: str) -> Any:
    def query(a: ZSet[Row], b: ZSet[Row]) -> ZSet[Any]:
        made = lines(a, b, how)
        if where == "if":
            return st.map(made, f=lambda_of(f"({partial}) if ({guard}) else -1", "line"))
        if where == "and":
            return st.filter(made, f=lambda_of(f"({guard}) and ({partial}) > 0", "line"))
        if where == "or":
            return st.filter(made, f=lambda_of(f"not ({guard}) or ({partial}) > 0", "line"))
        some = st.filter(made, f=lambda_of(guard, "line"))
        if where == "join":
            key = Index.pick(Line, lambda_of(f"({partial}) + 0", "line"))
            return st.join(some, a, on_left=key, on_right=BY_K)
        return st.map(some, f=lambda_of(partial, "line"))

    return query


WHERE = ("if", "and", "or", "filter", "join")


def steps(chosen: random.Random) -> list[tuple[st.ZSetPython[Row], st.ZSetPython[Row]]]:
    def row() -> Row:
        return Row(
            k=chosen.choice([0, 1, 2, 3]),
            n=chosen.choice([None, 0, 1, 2]),
            t=chosen.choice(["1", "x", "", "20"]),
        )

    some = [(chosen.randrange(3), chosen.randrange(3)) for _ in range(4)]
    return [
        (
            st.ZSetPython((row(), 1) for _ in range(left)),
            st.ZSetPython((row(), 1) for _ in range(right)),
        )
        for left, right in some
    ]


@pytest.mark.parametrize("seed", range(24))
def test_guards(seed: int, every_postgres: list[tuple[str, str]]) -> None:
    chosen = random.Random(seed)
    query = guarded(
        chosen.choice(["union", "outer", "plain"]),
        chosen.choice(GUARDS),
        chosen.choice(PARTIAL),
        WHERE[seed % len(WHERE)],
    )
    try:
        graph: Any = st.compile(query)
    except st.QueryError as error:
        pytest.skip(str(error).splitlines()[0])  # types do not fit: 10 % None
    with law(graph, every_postgres[-1:]) as opened:
        reference = st.StorePython.from_graph(graph)
        for step in steps(chosen) * 3:
            wanted: Any = None
            with contextlib.suppress(st.RowError):
                (wanted,) = st.iteration(reference, graph, step)
            for each in opened.stores:
                if wanted is None:
                    with pytest.raises(st.RowError):
                        st.iteration(each.store, graph, step)
                else:
                    (found,) = st.iteration(each.store, graph, step)
                    assert shown(found) == shown(wanted), each.name
