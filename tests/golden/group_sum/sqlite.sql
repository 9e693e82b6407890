-- The query group_sum on sqlite; fingerprint 22e3a6e2c87e75f2fa5ad5871d5d46dc
--
-- output
--   2. group_reduce_flatten  query.py:16
--   │    incremental: the groups that the change touches are read and set anew
--   │    keeps group_sum__group_reduce_flatten
--   │          key (key): one row per key
--   └─ 1. reads (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
-- functions registered on the connection: stepping_float_add, stepping_float_sum, stepping_float_total; each is exactly one Python builtin
--
-- One changed row of reads: 6 statements, 2 look-ups, 1 row written
--   group_sum__group_reduce_flatten by key, 2 times, at most one row

------------------------------------------------------------------------------
-- Our own tables
------------------------------------------------------------------------------
-- stepping_queries: what is installed; one row per query
CREATE TABLE IF NOT EXISTS stepping_queries (
    name TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL DEFAULT 1,
    fingerprint TEXT NOT NULL,
    dialect TEXT NOT NULL,
    format INTEGER NOT NULL,
    tables TEXT NOT NULL,
    plan_key TEXT,
    plan TEXT,
    recompute TEXT,
    started INTEGER NOT NULL DEFAULT 0,
    installed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITHOUT ROWID;
-- last_update: up to which time each kept table is written; one row per table
CREATE TABLE IF NOT EXISTS last_update (
    table_name TEXT NOT NULL PRIMARY KEY,
    t INTEGER NOT NULL
) WITHOUT ROWID;

------------------------------------------------------------------------------
-- Tables that are kept
------------------------------------------------------------------------------
-- group_sum__group_reduce_flatten: one row per group of group_reduce_flatten: its number of rows and its sums
-- for group_reduce_flatten (query.py:16)
-- it has a row for each key there is
CREATE TABLE IF NOT EXISTS group_sum__group_reduce_flatten (
    "key" INTEGER NOT NULL,
    sum_value REAL NOT NULL,
    sum_value_exact TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY ("key"),
    CONSTRAINT group_sum__group_reduce_flatten__not_negative CHECK (n >= 0)
) WITHOUT ROWID;
--   group_sum__group_reduce_flatten__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS group_sum__group_reduce_flatten__gone
AFTER UPDATE OF n ON group_sum__group_reduce_flatten WHEN NEW.n = 0
BEGIN
    DELETE FROM group_sum__group_reduce_flatten WHERE "key" = NEW."key";
END;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('group_sum__group_reduce_flatten', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'group_sum',
    '22e3a6e2c87e75f2fa5ad5871d5d46dc',
    'sqlite',
    2,
    '2 babedf22cac88bfd QlpoOTFBWSZTWYEEWcIAAvlfgEAAUGV/+z/v3u6/7//qQALlm1NnSNISiCaExGg1J6nk1H6KeiGR6DKeSfqeVPKZNPQamImylPym0pp6gyaAAAGjQaD1AASmUSaNIfqjTEBo0GgAAAAABKEJqZHpT00J+lNNAAGgAAAAFBEsROxfnUMiXb9jQfVz44dVZFGutgSSStbyWJ5gbyw8uH4o7GTaeFMvGX1wzP3J2uk4663ZDor3ubQyYfZ7OijxDDBS+wETq1RCFSmDQwVSIaH7+0SChz3AYc+OYjoVUuhGuGKEhEJCdsP0iSU5qQEgahsYKATTQ0DUkYLlFYkjJGdt4JvCj+QNQJBWmgVVFaxleoHB5mO7jPfXPne7pbk76O95Tsg6ZrvBtd7xFiWXLBr1TBOFQfBpM0kecjtxWPqWlGXG8AAXE4OGapPu/Zs/PUwdvg3bKefhc6bUqThawsobRaj2wlKB3lOXOta0QL14gxRFAphbxCL4TAtrvAnNDKIANHGARSJrA6j1w3VgWkzBLvJ9IwEpjANEgJvWTOQVvXOZEwdusY0wpwkdig1Qqvenr13VJR0ZN72fSaKUIW9pptEViIbkRd7W2XIiRIHdu2+Mht7uYTvWDOv05gmADPDEewT+SYU/x6AcM2K6ypfg4lW22/zAcwVKVxKqJWs3etkci+q6Klcb4E5YJjJhiqZ1cqUXImF8YNLFNVRPHBDpAXtoJlAqgcowL+Vh659MxjdM/GQvakpb/0TKmT5aM2WOQBU1uL1Y/QoRMYMYiqTp0ZqdBK+kDcpzLbkwER6IlMQMeW8v88KLIAlBlQBgLYDg/ESzk4+Wx5FSqLKijOAqqAcXx7lGbMKXrQuYhRM1oOuaYgXhS0AgnMiVPoxU0FgSViQGxIAsmlVpKNRmnemZZNyqtX1NXYjCwSixXy0rKY5Dx651JxIutU0AJDQVGU54E3AQRLQLhJqJmL4BW4YkATxlKqKJgKYFakBRhHKLQwUiKRHMscOORlwYfY2Nkf4u5IpwoSECCLOE'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_change_group_reduce_flatten_7aff67 (
    "key" INTEGER,
    n0 INTEGER,
    n1 INTEGER,
    sum_value_0 REAL,
    sum_value_1 REAL,
    sum_value_exact TEXT
);
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_reads_fb598c (
    at INTEGER,
    value REAL,
    c INTEGER NOT NULL
);

------------------------------------------------------------------------------
-- When reads changes: one transaction
------------------------------------------------------------------------------
-- locked first: group_sum__group_reduce_flatten in last_update
-- 1. reads (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_reads_fb598c;
-- 2. group_reduce_flatten (query.py:16): empty the delta table
DELETE FROM temp.stepping_change_group_reduce_flatten_7aff67;
-- 3. reads (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_reads_fb598c (at, value, c) VALUES (?, ?, ?)
-- 4. group_reduce_flatten (query.py:16)
INSERT INTO temp.stepping_change_group_reduce_flatten_7aff67 ("key", n0, n1, sum_value_0, sum_value_1, sum_value_exact)
SELECT
  g."key", a.n AS n0,
  CASE
    WHEN typeof(COALESCE(a.n, 0) + g.n) = 'integer' THEN COALESCE(a.n, 0) + g.n
    ELSE json_extract(
      '{}',
      'stepping: a count does not fit in 64 bits: that of the rows of the group ' || g."key"
    )
  END AS n1,
  a.sum_value AS sum_value_0,
  COALESCE(
    stepping_float_total(stepping_float_add(a.sum_value_exact, g.sum_value_exact)),
    json_extract('{}', 'stepping: the sum sum_value is beyond the largest float for the group ' || g."key")
  ) AS sum_value_1,
  stepping_float_add(a.sum_value_exact, g.sum_value_exact) AS sum_value_exact
FROM (
  SELECT
    (d0.at + 62135596800000000) / 86400000000 - 719162 AS "key", SUM(d0.c) AS n,
    stepping_float_sum(d0.value, d0.c) AS sum_value_exact
  FROM temp.stepping_delta_reads_fb598c AS d0
  GROUP BY 1
) AS g
LEFT JOIN group_sum__group_reduce_flatten AS a ON a."key" = g."key"
WHERE g.n <> 0 OR g.sum_value_exact <> '0p0';
-- 5. group_reduce_flatten (query.py:16)
INSERT INTO group_sum__group_reduce_flatten ("key", sum_value, sum_value_exact, n)
SELECT g."key", g.sum_value_1, g.sum_value_exact, g.n1
FROM temp.stepping_change_group_reduce_flatten_7aff67 AS g
WHERE g.n1 <> 0 OR g.n0 IS NOT NULL
ON CONFLICT DO UPDATE SET
  sum_value = excluded.sum_value, sum_value_exact = excluded.sum_value_exact, n = excluded.n;
-- 6. group_reduce_flatten (query.py:16): the change of an output
SELECT d1.sum_value_0 AS "left", d1."key" AS "right", -1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_7aff67 AS d1
WHERE d1.n0 IS NOT NULL AND (d1.n1 = 0 OR d1.sum_value_0 IS NOT d1.sum_value_1)
UNION ALL
SELECT d2.sum_value_1 AS "left", d2."key" AS "right", 1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_7aff67 AS d2
WHERE d2.n1 <> 0 AND d2.sum_value_0 IS NOT d2.sum_value_1;
