"""What is set on Postgres while a step runs."""

from __future__ import annotations

from stepping.dialects.postgres.type_facts import TEXTS

# For the statements of a plan only. Each looks up a change's rows in kept tables by an index;
# a plan made when the tables were small must not scan them when they have grown, nor sort a group
# where an index has its order: while a group has few rows, both cost the same. A disabled scan
# costs so much that it would wake the JIT, hence jit = off.
SETTINGS = {
    "enable_seqscan": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "enable_hashjoin": "on",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    # Times that are given as texts are read in the application's DateStyle and TimeZone.
    **{name: TEXTS[name] for name in ("extra_float_digits", "intervalstyle", "bytea_output")},
}
