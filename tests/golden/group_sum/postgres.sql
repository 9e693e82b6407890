-- The query group_sum on postgres; fingerprint bda11d3c5fae1bd8e51c921c423ecaea
--
-- output
--   2. group_reduce_flatten  query.py:16
--   │    incremental: the groups that the change touches are read and set anew
--   │    keeps group_sum__group_reduce_flatten_1a525c
--   │          key (key): one row per key
--   └─ 1. reads (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of reads: 1 statement, 1 look-up, 1 row written
--   group_sum__group_reduce_flatten_1a525c by key, at most one row

------------------------------------------------------------------------------
-- Our own tables
------------------------------------------------------------------------------
-- stepping_queries: what is installed; one row per query
CREATE TABLE IF NOT EXISTS stepping_queries (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL DEFAULT 1,
    fingerprint TEXT NOT NULL,
    dialect TEXT NOT NULL,
    format BIGINT NOT NULL,
    tables TEXT NOT NULL,
    plan_key TEXT,
    plan TEXT,
    recompute TEXT,
    started BOOLEAN NOT NULL DEFAULT false,
    installed_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
-- last_update: up to which time each kept table is written; one row per table
CREATE TABLE IF NOT EXISTS last_update (
    table_name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    t BIGINT NOT NULL
) WITH (fillfactor = 10);

------------------------------------------------------------------------------
-- Tables that are kept
------------------------------------------------------------------------------
-- group_sum__group_reduce_flatten_1a525c: one row per group of group_reduce_flatten: its number of rows and its sums
-- for group_reduce_flatten (query.py:16)
-- it has a row for each key there is
CREATE TABLE IF NOT EXISTS group_sum__group_reduce_flatten_1a525c (
    key DATE NOT NULL,
    sum_value DOUBLE PRECISION NOT NULL,
    sum_value_exact NUMERIC NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (key),
    CONSTRAINT group_sum__group_reduce_flatten_1a525c__not_negative CHECK (n >= 0)
) WITH (fillfactor = 70);
--   group_sum__group_reduce_flatten_1a525c: what it is for, as \d+ shows it
COMMENT ON TABLE group_sum__group_reduce_flatten_1a525c IS 'stepping: one row per group of group_reduce_flatten: its number of rows and its sums; for group_reduce_flatten';
--   for sums of floats, which are added up exactly
CREATE OR REPLACE FUNCTION stepping_exact_far(x double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
  SELECT CASE
    WHEN power >= 0 THEN digits * 2::numeric ^ power
    ELSE digits * 5::numeric ^ (-power) * ('1E' || power::text)::numeric
  END
  FROM (SELECT float8send(x)) AS b (bits)
  CROSS JOIN LATERAL (
    SELECT greatest((get_byte(bits, 0) & 127) * 16 + get_byte(bits, 1) / 16, 1) - 1075
  ) AS p (power)
  CROSS JOIN LATERAL (SELECT (x / 2::double precision ^ power)::bigint) AS d (digits)
);
--   for sums of floats, which are added up exactly
CREATE OR REPLACE FUNCTION stepping_exact(x double precision) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN abs(x) < 9223372036854775808 AND (abs(x) >= 4.440892098500626e-16 OR x = 0)
  THEN trunc(x)::bigint::numeric + (
    trunc((x - trunc(x)) * 4503599627370496)::bigint::numeric * 4503599627370496
    + trunc((
      (x - trunc(x)) * 4503599627370496 - trunc((x - trunc(x)) * 4503599627370496)
    ) * 4503599627370496)::bigint
  ) * 0.00000000000000000000000000000004930380657631323783823303533017413935457540219431393779814243316650390625  -- 2 ^ -104
  ELSE stepping_exact_far(x)
END;
--   for sums of floats, which are added up exactly
CREATE OR REPLACE FUNCTION stepping_nearest(x numeric, fault text) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN abs(x) <= 2.4703282292062327E-324 THEN 0  -- half of the smallest float
  WHEN abs(x) < 1.7976931348623158E308 THEN x::double precision
  ELSE ('stepping: ' || fault)::integer
END;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('group_sum__group_reduce_flatten_1a525c', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'group_sum',
    'bda11d3c5fae1bd8e51c921c423ecaea',
    'postgres',
    2,
    '2 6e0522eb45591de3 QlpoOTFBWSZTWRuOQbUABdh/gFAAAAhR////P//e77/v/+5QBa0RTetd7tPW1ZKTo1QkkmptBGJppI/SnpPCnqNlG1PSbUPU9RiAHqB6gBE0NMKZKAaGTQAAAYjQDQAAAJEQiZT0yRiKe1TZJ+qbSNB6QAA0APSeUBoMpNTQAA0aAAAADQAAAAAJJBGmqfpT0YqeEYieUAA0ADRoAABpEhUskg+SSwxOSJ8XRRo38+tuuzZq6+zx7+nhu5DAvswXoftS/7VTlpOfbxZvg7fJxp5ZtEwxOupau86p99qOXI/Ko/bnJ7ZA+qw5jFKbpN0j4g4tEsTB2KpaFQ+TbpfYyhV04XSLKYDJFdtHv/teDdqixrgSTPz85qKSiBzExNB/8L+m+2dKA1KuDNdK7l+oLnK20tG1z2cc26jHjqy8JorXQL/T5rVw4Tv6azooawvmWUvcEsdpmH5u+5l4qIOId3IW1Vz3Vs7kxtjYxNjj/koJlyBIQ04ZAMBwwbUOWbr8nqbyjynVs+sldFWQKWoDDmW9w6qMrCCsZ9rR9nKelu4cwOnjalStcC2ayXYc67h1vBYzZ3ZfYHUz1MIaGw2uGDYyXGfnCgY9g0ruffp5+3fuvKs8H0NSej7vvwtEowiJQNHAlyImkteb5uxBqstsChMDDUMF1Xwok9qt2WNiOLK0xfgbaOMmI053Xs0aQQzmZEDCqg8s0VOsqjLF9N50hKJk9wRGtwIUSKgmFZBSTNhGx2EcHUsBpgoDkylz1o2bXVGrDPSb7XjmmlpRpTHRorbJkwouw1qiEZZkkkN6hVMnAwxcBqivVDDDkkomAvOMCgqGYQvzZJn0U0TTxkl94XkYXUlNKOPfGtADHlCvQ6wkemg0JEogoIE9Y7UIzIUAxEUThPUsAqsj1O9JzlioCxT9Q1PulQnU0+FhJIfUKB68VhmDBzHco8mXTgRwglGE9DPAzDrIK6OcKLhIverLFcBk6tS1vvTbMLvTELvN2HJcq6vDCSXY51tDguZVNYqhVdIXKVr2bazKlbKskoShplVaE1qRZVtV0R4EbYQZOcDzBGp6rTaNUwxiUUwvkr0yi+4Weouwz3kmfIyMVzL6YelFfoXRiTLBwO7JOyVoCqnKRdtSyopVAsKlV5pCzMLOyO90et7WQZyY06YGLt9/XXGuwcp1EoLk9BsZkw3NeECoPcEt4guROHAdQNFFG/Z80KRBD0a9iOSYvKyjal55hooeG7+fi7/AsAFCwmZj+iuvINgsx8AJFnN5OPPbkNwaFzokLUdHONj3JRwxzr6Jqpy3YgYwKSFDRsxIYHK92H4F9zl9DUmy3LI3hiB62WSMjp6aLfi1xctX8EtVK4sO6lNGWMUbAGj1aXMabnItYCBZ8mA2sJ2Q0jx6OPHAB1dxPGqhVZFxIfTYsGTz/I4Sxgx9mfbXr1HrnHryoA12VWYutPjdSAHsZc1eEQNym9PF0NecBqagct1UtAGwUKWNMNvEjgmiBcFrmKHZsWDAc6yT3wNdgntwOZs0RSzdEiCkOEqsriAEwBYaPUIWWu+vPDZUgYEEA5AsleXgVqYK1EmRHjGlzG4G2Zi6YRa7eXaMLUss/XVWIXBAchkCoWj8ktjtJSFQUqcUQ0CCCghq44aK83XJsN4w5WqHDJG4CLVApKS5CzHTaA0zxDCNvRBmUieASEW4360YZNagp+5IaaI8VQbVG+HN0xg52dklCWUlz71nUlPIscmBfU4DV4AQFIgU2QenwcTjDfZGUWtgqAolajOBoLgxeMsaxLQRQhVSuSXDcYNjFiVqtjKsTMtYXMhNBIiyaWCXCYJcjbk5dxx+SZaQD6kQRAv/F3JFOFCQG45BtQ=='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When reads changes: one transaction
------------------------------------------------------------------------------
-- locked first: group_sum__group_reduce_flatten_1a525c in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   reads: the query's arguments
--   group_reduce_flatten: query.py:16
WITH reads_change AS MATERIALIZED (
  SELECT u.at, u.value, u.c
  FROM unnest(CAST('{}' AS TIMESTAMP[]), CAST('{}' AS DOUBLE PRECISION[]), CAST('{}' AS BIGINT[])) AS u(at, value, c)
), group_reduce_flatten_change AS MATERIALIZED (
  SELECT
    g."key", a.n AS n0, COALESCE(a.n, 0) + g.n AS n1, a.sum_value AS sum_value_0,
    stepping_nearest(
      trim_scale(COALESCE(a.sum_value_exact, 0) + g.sum_value_exact),
      'the sum sum_value is beyond the largest float for the group ' || CAST(g."key" AS TEXT)
    ) AS sum_value_1,
    trim_scale(COALESCE(a.sum_value_exact, 0) + g.sum_value_exact) AS sum_value_exact,
    a.stepping_rid
  FROM (
    SELECT
      CAST(d0.at AS DATE) AS "key", CAST(SUM(d0.c) AS BIGINT) AS n,
      SUM(stepping_exact(d0.value) * d0.c) AS sum_value_exact
    FROM reads_change AS d0
    GROUP BY 1
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM group_sum__group_reduce_flatten_1a525c AS a
    WHERE a."key" = g."key"
    OFFSET 0
  ) AS a ON TRUE
  WHERE g.n <> 0 OR g.sum_value_exact <> 0
), group_reduce_flatten_inserted AS (
  INSERT INTO group_sum__group_reduce_flatten_1a525c ("key", n, sum_value, sum_value_exact)
  SELECT o."key", o.n1, o.sum_value_1, o.sum_value_exact
  FROM group_reduce_flatten_change AS o
  WHERE o.stepping_rid IS NULL AND o.n1 <> 0
), group_reduce_flatten_updated AS (
  UPDATE group_sum__group_reduce_flatten_1a525c AS a
  SET n = o.n1, sum_value = o.sum_value_1, sum_value_exact = o.sum_value_exact
  FROM group_reduce_flatten_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
), group_reduce_flatten_deleted AS (
  DELETE FROM group_sum__group_reduce_flatten_1a525c AS a
  USING group_reduce_flatten_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 = 0
)
SELECT
  0 AS stepping_output, CAST(d1.sum_value_0 AS DOUBLE PRECISION) AS "left",
  CAST(d1."key" AS DATE) AS "right", CAST(-1 AS BIGINT) AS stepping_count
FROM group_reduce_flatten_change AS d1
WHERE d1.n0 IS NOT NULL AND (d1.n1 = 0 OR d1.sum_value_0 IS DISTINCT FROM d1.sum_value_1)
UNION ALL
SELECT
  0 AS stepping_output, CAST(d2.sum_value_1 AS DOUBLE PRECISION) AS "left",
  CAST(d2."key" AS DATE) AS "right", CAST(1 AS BIGINT) AS stepping_count
FROM group_reduce_flatten_change AS d2
WHERE d2.n1 <> 0 AND d2.sum_value_0 IS DISTINCT FROM d2.sum_value_1;
