"""Functions beside the tables that keep sums, so that statements say in a word what they check.

A sum of integers is a bigint, or an error that names its group; and a group that goes has left
nothing in its sums. Exact sums of floats are numerics. A cast of a float to numeric keeps 15
digits, so that its exact value is put together instead, of its whole part and two times 52 binary
digits behind the point: a numeric of a hundred digits at the most. Floats near to 0 or beyond 2**63
take a longer way. Bodies are parsed when the functions are created, and made a part of the
statements that call them with what is quickly computed.
"""

from __future__ import annotations

from collections.abc import Iterator

from stepping.compiler.canonical import BEYOND
from stepping.compiler.plan.tables import Table
from stepping.compiler.schema import Kind
from stepping.dialects.summing import LeftOver

_SUM = (
    "CREATE OR REPLACE FUNCTION stepping_sum(total numeric, sum_name text, key text)\n"
    "RETURNS bigint LANGUAGE sql PARALLEL SAFE\n"
    "RETURN CASE\n"
    "  WHEN total BETWEEN -9223372036854775808 AND 9223372036854775807 THEN total::bigint\n"
    f"  ELSE ('stepping: the sum ' || sum_name || ' {BEYOND}'\n"
    "    || coalesce(' for the group ' || nullif(key, ''), ''))::integer\n"
    "END"
)

_GONE = (
    "CREATE OR REPLACE FUNCTION stepping_gone(n bigint, something_left boolean, fault text)\n"
    "RETURNS boolean LANGUAGE sql PARALLEL SAFE\n"
    "RETURN CASE\n"
    "  WHEN n <> 0 THEN false\n"
    "  WHEN something_left THEN ('stepping: ' || fault)::integer = 0\n"
    "  ELSE true\n"
    "END"
)

EXACT = (
    # The number and the power of two of which a float is the product. A numeric is not divided by
    # a power of two, which rounds: 2**-n is 5**n * 10**-n.
    "CREATE OR REPLACE FUNCTION stepping_exact_far(x double precision) RETURNS numeric\n"
    "LANGUAGE sql IMMUTABLE PARALLEL SAFE\n"
    "RETURN (\n"
    "  SELECT CASE\n"
    "    WHEN power >= 0 THEN digits * 2::numeric ^ power\n"
    "    ELSE digits * 5::numeric ^ (-power) * ('1E' || power::text)::numeric\n"
    "  END\n"
    "  FROM (SELECT float8send(x)) AS b (bits)\n"
    "  CROSS JOIN LATERAL (\n"
    "    SELECT greatest((get_byte(bits, 0) & 127) * 16 + get_byte(bits, 1) / 16, 1) - 1075\n"
    "  ) AS p (power)\n"
    "  CROSS JOIN LATERAL (SELECT (x / 2::double precision ^ power)::bigint) AS d (digits)\n"
    ")",
    "CREATE OR REPLACE FUNCTION stepping_exact(x double precision) RETURNS numeric\n"
    "LANGUAGE sql IMMUTABLE PARALLEL SAFE\n"
    "RETURN CASE\n"
    "  WHEN abs(x) < 9223372036854775808 AND (abs(x) >= 4.440892098500626e-16 OR x = 0)\n"
    "  THEN trunc(x)::bigint::numeric + (\n"
    "    trunc((x - trunc(x)) * 4503599627370496)::bigint::numeric * 4503599627370496\n"
    "    + trunc((\n"
    "      (x - trunc(x)) * 4503599627370496 - trunc((x - trunc(x)) * 4503599627370496)\n"
    "    ) * 4503599627370496)::bigint\n"
    f"  ) * 0.{5**104:0104}  -- 2 ^ -104\n"
    "  ELSE stepping_exact_far(x)\n"
    "END",
    "CREATE OR REPLACE FUNCTION stepping_nearest(x numeric, fault text) RETURNS double precision\n"
    "LANGUAGE sql IMMUTABLE PARALLEL SAFE\n"
    "RETURN CASE\n"
    "  WHEN abs(x) <= 2.4703282292062327E-324 THEN 0  -- half of the smallest float\n"
    "  WHEN abs(x) < 1.7976931348623158E308 THEN x::double precision\n"
    "  ELSE ('stepping: ' || fault)::integer\n"
    "END",
)


DROPPED = tuple(
    f"DROP FUNCTION IF EXISTS {each}"
    for each in (
        "stepping_sum(numeric, text, text)",
        "stepping_gone(bigint, boolean, text)",
        "stepping_nearest(numeric, text)",
        "stepping_exact(double precision)",
        "stepping_exact_far(double precision)",
    )
)


def functions_of(table: Table, left_over: LeftOver | None) -> Iterator[str]:
    """What creates the functions that the sums of a table need.

    ``left_over``: what is asked of a group that goes, if anything is.
    """
    if any(each.type.kind is Kind.INT and not each.counts for each in table.sums):
        yield _SUM
    if left_over is not None:
        yield _GONE
    if any(each.exact for each in table.sums):
        yield from EXACT
