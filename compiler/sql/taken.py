"""What SQL is taken, as a table: with an example of each, by which tests hold the code to it.

`page` makes docs/what-sql-is-taken.md of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BOTH = ("sqlite", "postgres")
POSTGRES = ("postgres",)
INCREMENTAL, BY_GROUP, REFUSED = "incremental", "by group", "refused"


@dataclass(frozen=True)
class Construct:
    """A construct of SQL: how it is kept up to date, and an example over the tables r, s and u."""

    name: str
    example: str
    how: str = INCREMENTAL
    on: tuple[str, ...] = BOTH
    instead: str = ""  # of what is refused: what to write


TAKEN: tuple[tuple[str, tuple[Construct, ...]], ...] = (
    (
        "FROM",
        (
            Construct("inner joins, by any condition", "SELECT r.a FROM r JOIN s ON r.a < s.b"),
            Construct("comma, CROSS JOIN", "SELECT r.a, s.b FROM r, s"),
            Construct("USING, NATURAL", "SELECT a, d FROM r JOIN s USING (a)"),
            Construct(
                "LEFT, RIGHT, FULL JOIN",
                "SELECT r.a, s.d FROM r LEFT JOIN s ON r.a = s.a AND d > 1",
            ),
            Construct("derived tables", "SELECT q.a FROM (SELECT a FROM r) AS q"),
            Construct(
                "CTEs", "WITH q AS (SELECT a FROM r) SELECT x.a FROM q x JOIN q y ON x.a = y.a"
            ),
            Construct(
                "WITH RECURSIVE by UNION",
                "WITH RECURSIVE p AS (SELECT a FROM r UNION SELECT s.b FROM p JOIN s ON s.a = p.a) "
                "SELECT a FROM p",
            ),
            Construct(
                "WITH RECURSIVE by UNION ALL",
                "WITH RECURSIVE p AS (SELECT a FROM r UNION ALL SELECT s.b FROM p JOIN s "
                "ON s.a = p.a) SELECT a FROM p",
                REFUSED,
                instead="UNION",
            ),
            Construct("VALUES", "SELECT a FROM r JOIN (VALUES (1), (2)) AS v ON v.column1 = a"),
            Construct(
                "LATERAL",
                "SELECT r.a, q.n FROM r, LATERAL (SELECT count(*) AS n FROM s WHERE s.a = r.a) q",
                on=POSTGRES,
            ),
            Construct(
                "functions in FROM",
                "SELECT r.a, n FROM r LEFT JOIN generate_series(1, r.a) AS n ON n > 1",
                on=POSTGRES,
            ),
            Construct(
                "functions in FROM",
                "SELECT r.a, e.value FROM r, json_each(json_array(r.a, r.b)) AS e",
                on=("sqlite",),
            ),
            Construct(
                "functions that give rows in the select list",
                "SELECT a, unnest(ARRAY[b, 1]) AS n FROM r",
                on=POSTGRES,
            ),
        ),
    ),
    (
        "WHERE, HAVING, ON, SELECT",
        (
            Construct("conditions in three values", "SELECT a FROM r WHERE NOT (a = 1 OR b > 2)"),
            Construct(
                "EXISTS, IN and their negations",
                "SELECT a FROM r WHERE a NOT IN (SELECT a FROM s WHERE s.b > r.b)",
            ),
            Construct("IN of rows", "SELECT a FROM r WHERE (a, b) NOT IN (SELECT a, b FROM s)"),
            Construct(
                "ANY, SOME, ALL", "SELECT a FROM r WHERE a > ALL (SELECT b FROM s)", on=POSTGRES
            ),
            Construct(
                "to_char by a constant format",
                "SELECT to_char(a, 'FM000') AS x FROM r",
                on=POSTGRES,
            ),
            Construct(
                "scalar subqueries", "SELECT a, (SELECT max(d) FROM s WHERE s.b < r.b) AS m FROM r"
            ),
            Construct(
                "now(), current_date, random()",
                "SELECT a, current_timestamp AS t FROM r",
                REFUSED,
                instead="a table of one row with the day, which is updated",
            ),
        ),
    ),
    (
        "Groups",
        (
            Construct(
                "count, sum, avg, min, max", "SELECT a, sum(b) AS n, max(e) AS m FROM r GROUP BY a"
            ),
            Construct(
                "FILTER, DISTINCT in an aggregate",
                "SELECT count(DISTINCT b) AS n, sum(e) FILTER (WHERE a > 1) AS m FROM r",
            ),
            Construct("bool_and, bool_or, every", "SELECT bool_or(a > 1) AS x FROM r", on=POSTGRES),
            Construct("HAVING", "SELECT a FROM r GROUP BY a HAVING count(*) > 1"),
            Construct(
                "ROLLUP, CUBE, GROUPING SETS",
                "SELECT a, b, count(*) AS n FROM r GROUP BY ROLLUP (a, b)",
                on=POSTGRES,
            ),
            Construct(
                "all other aggregates, also those of your own",
                "SELECT a, string_agg(t, ',' ORDER BY t) AS x, stddev(b) AS y FROM r GROUP BY a",
                BY_GROUP,
                POSTGRES,
            ),
            Construct(
                "string_agg, array_agg, json_agg without an order",
                "SELECT a, array_agg(t) AS x FROM r GROUP BY a",
                REFUSED,
                POSTGRES,
                "ORDER BY in it, or DISTINCT",
            ),
            Construct(
                "group_concat, json_group_array without an order",
                "SELECT a, group_concat(t) AS x FROM r GROUP BY a",
                REFUSED,
                ("sqlite",),
                "ORDER BY in it, or a window with one",
            ),
            Construct(
                "window functions, with every frame",
                "SELECT a, rank() OVER (PARTITION BY a ORDER BY b) AS n FROM r",
                BY_GROUP,
            ),
        ),
    ),
    (
        "Sets and order",
        (
            Construct("DISTINCT", "SELECT DISTINCT a FROM r"),
            Construct("UNION, INTERSECT, EXCEPT", "SELECT a FROM r EXCEPT SELECT a FROM s"),
            Construct("UNION ALL", "SELECT a FROM r UNION ALL SELECT a FROM s"),
            Construct(
                "INTERSECT ALL, EXCEPT ALL",
                "SELECT a FROM r EXCEPT ALL SELECT a FROM s",
                on=POSTGRES,
            ),
            Construct("ORDER BY with LIMIT, OFFSET", "SELECT a FROM r ORDER BY a LIMIT 2 OFFSET 1"),
            Construct(
                "FETCH FIRST, also WITH TIES",
                "SELECT a, b FROM r ORDER BY a FETCH FIRST 2 ROWS WITH TIES",
                on=POSTGRES,
            ),
            Construct(
                "DISTINCT ON", "SELECT DISTINCT ON (a) a, b FROM r ORDER BY a, b", on=POSTGRES
            ),
            Construct(
                "LIMIT without ORDER BY", "SELECT a FROM r LIMIT 2", REFUSED, instead="ORDER BY"
            ),
            Construct("LIMIT of one row", "SELECT count(*) AS n FROM r LIMIT 1"),
            Construct("FOR UPDATE", "SELECT a FROM r FOR UPDATE", REFUSED),
        ),
    ),
)


def page() -> str:
    """The page of the documentation."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# What SQL is taken"
    yield ""
    yield (
        "Each row is tried by the tests on the databases it names. *Incremental* costs in "
        "proportion to the change, *by group*\nas much as the groups that a change touches. "
        "[From SQL](from-sql.md) has the rest."
    )
    for title, constructs in TAKEN:
        yield ""
        yield f"## {title}"
        yield ""
        yield "| | kept | on | for example |"
        yield "|---|---|---|---|"
        for each in constructs:
            how = each.how + (f": write {each.instead}" if each.instead else "")
            on = "both" if each.on == BOTH else each.on[0]
            example = each.example.replace("|", "\\|")
            yield f"| {each.name} | {how} | {on} | `{example}` |"
