"""Exact sums of floats in SQLite's own words, for folds in triggers, which any client may run.

A sum is a JSON object: ``{"-1": 7, "0": 3}`` is 3 plus 7 times 2**-31. The parts of a float under
each key are whole numbers of 31 bits, so that sums of them are exact; and where the rows of a sum
have gone, nothing of them is left. What is read of it is made of the lowest part upwards, with
each carried to the next until it is between -2**30 and 2**30: then the parts above a part outweigh
it, and no digits cancel.
"""

from __future__ import annotations

from sqlglot import exp

from stepping.dialects.natives import spliced

Expression = exp.Expr

# The value scaled by powers of 2**31, which is exact, until it is between 1 and 2**31.
_PARTS = (
    """(
  WITH RECURSIVE scaled (part, y) AS (
    SELECT 0, """,
    """
    UNION ALL
    SELECT
      CASE WHEN abs(y) < 1 THEN part - 1 ELSE part + 1 END,
      CASE WHEN abs(y) < 1 THEN y * 2147483648.0 ELSE y / 2147483648.0 END
    FROM scaled
    WHERE y <> 0 AND (abs(y) < 1 OR abs(y) >= 2147483648.0) AND part BETWEEN -36 AND 36
  )
  SELECT
    '"' || part || '":' || ((CAST(y * 2147483648.0 AS INTEGER) >> 31) * """,
    """)
    || ',"' || (part - 1) || '":' || ((CAST(y * 2147483648.0 AS INTEGER) & 2147483647) * """,
    """)
    || ',"' || (part - 2) || '":' || (
      CAST((y * 2147483648.0 - CAST(y * 2147483648.0 AS INTEGER)) * 2147483648.0 AS INTEGER) * """,
    """
    )
  FROM scaled WHERE abs(y) >= 1 AND abs(y) < 2147483648.0
)""",
)

_ADDED = (
    """(
  SELECT json_group_object(part, total)
  FROM (
    SELECT key AS part, sum(value) AS total
    FROM (
      SELECT key, value FROM json_each(coalesce(""",
    """, '{}'))
      UNION ALL
      SELECT key, value FROM json_each('{' || coalesce(""",
    """, '') || '}')
    )
    GROUP BY key
    HAVING sum(value) <> 0 OR typeof(sum(value)) = 'real'
  )
)""",
)

_TOTAL = (
    """(
  WITH RECURSIVE parts (part, total) AS MATERIALIZED (
    SELECT CAST(key AS INTEGER), value FROM json_each(""",
    """)
  ),
  carried (part, carry, total) AS (
    SELECT min(part), 0, 0.0 FROM parts
    UNION ALL
    SELECT
      c.part + 1,
      (coalesce(p.total, 0) + c.carry + 1073741824) >> 31,
      c.total / 2147483648.0
      + (((coalesce(p.total, 0) + c.carry + 1073741824) & 2147483647) - 1073741824)
    FROM carried AS c LEFT JOIN parts AS p ON p.part = c.part
    WHERE c.carry <> 0 OR c.part <= (SELECT max(part) FROM parts)
  ),
  scaled (part, total) AS (
    SELECT * FROM (SELECT part - 1, total FROM carried ORDER BY part DESC LIMIT 1)
    UNION ALL
    SELECT
      CASE WHEN part > 0 THEN part - 1 ELSE part + 1 END,
      CASE WHEN part > 0 THEN total * 2147483648.0 ELSE total / 2147483648.0 END
    FROM scaled WHERE part <> 0
  )
  SELECT
    CASE
      WHEN NOT EXISTS (SELECT 1 FROM parts) THEN 0.0
      WHEN EXISTS (SELECT 1 FROM parts WHERE typeof(total) = 'real') THEN """,
    """
      WHEN (SELECT total FROM scaled WHERE part = 0)
        BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308
      THEN (SELECT total FROM scaled WHERE part = 0) + 0.0
      ELSE """,
    """
    END
)""",
)


def parts_of(value: Expression, weight: Expression) -> Expression:
    """The parts of a float, times a weight, as members of a JSON object."""
    return spliced(_PARTS, [value.copy(), *(weight.copy() for _ in range(3))])


def bagged(value: Expression, weight: Expression) -> Expression:
    """Numbers as texts, NULLs left out, with how often each is there: members of a JSON object."""
    words = ("""group_concat('"' || """, """ || '":' || """, ")")
    return spliced(words, [value.copy(), weight.copy()])


def added(old: Expression, change: Expression) -> Expression:
    """A sum, NULL where there was none, with the members that are to be added to it."""
    return spliced(_ADDED, [old.copy(), change.copy()])


def total(exact: Expression, fault: Expression) -> Expression:
    """The float next to what `added` makes, or ``fault``."""
    return spliced(_TOTAL, [exact.copy(), fault, fault.copy()])
