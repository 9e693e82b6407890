-- The query group_sum on postgres; fingerprint e77d241b5fc0ad8a3949b434caf7175b
--
-- output
--   2. group_reduce_flatten  query.py:16
--   │    incremental: the groups that the change touches are read and set anew
--   │    keeps group_sum__group_reduce_flatten_by_key_f7b020
--   │          key (key): one row per key
--   └─ 1. reads (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of reads: 1 statement, 1 look-up, 1 row written
--   group_sum__group_reduce_flatten_by_key_f7b020 by key, at most one row

------------------------------------------------------------------------------
-- Our own tables
------------------------------------------------------------------------------
-- last_update: up to which time each kept table is written; one row per table
CREATE TABLE IF NOT EXISTS last_update (
    table_name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    t BIGINT NOT NULL
) WITH (fillfactor = 10);
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
-- stepping_clock: where store.next_time() stands
CREATE SEQUENCE IF NOT EXISTS stepping_clock;
-- stepping_queue: changes that store.drain() will fold in; those that wait
CREATE TABLE IF NOT EXISTS stepping_queue (
    query TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    row_count BIGINT NOT NULL,
    change BYTEA NOT NULL,
    enqueued_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    error TEXT,
    PRIMARY KEY (query, id)
);
-- stepping_times: the times that store.next_time() gave out; those in use
CREATE TABLE IF NOT EXISTS stepping_times (
    query TEXT COLLATE "C" NOT NULL,
    t BIGINT NOT NULL,
    void BOOLEAN NOT NULL,
    lease_until DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (query, t)
);
-- stepping_iterations: steps that are committed in stages; those at work or put aside
CREATE TABLE IF NOT EXISTS stepping_iterations (
    query TEXT COLLATE "C" NOT NULL,
    t BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    stage BIGINT NOT NULL,
    stages BIGINT NOT NULL,
    predecessor BIGINT NOT NULL,
    plan TEXT NOT NULL,
    state TEXT NOT NULL,
    input BYTEA NOT NULL,
    worker TEXT,
    error TEXT,
    begun_at DOUBLE PRECISION NOT NULL,
    lease_until DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (query, t)
);
-- stepping_journal: what stages have handed to later ones; of steps that are at work
CREATE TABLE IF NOT EXISTS stepping_journal (
    query TEXT COLLATE "C" NOT NULL,
    t BIGINT NOT NULL,
    name TEXT NOT NULL,
    packed BYTEA,
    kept TEXT[],
    PRIMARY KEY (query, t, name)
);

------------------------------------------------------------------------------
-- Tables that are kept
------------------------------------------------------------------------------
-- group_sum__group_reduce_flatten_by_key_f7b020: one row per group of group_reduce_flatten: its number of rows and its sums
-- for group_reduce_flatten (query.py:16)
-- it has a row for each key there is
CREATE TABLE IF NOT EXISTS group_sum__group_reduce_flatten_by_key_f7b020 (
    key DATE NOT NULL,
    sum_value DOUBLE PRECISION NOT NULL,
    sum_value_exact NUMERIC NOT NULL,
    sum_value_pos_inf BIGINT NOT NULL,
    sum_value_neg_inf BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (key),
    CONSTRAINT group_sum__group_reduce_flatten_by_key_f7b020__not_negative CHECK (n >= 0)
) WITH (fillfactor = 70);
--   group_sum__group_reduce_flatten_by_key_f7b020: what it is for, as \d+ shows it
COMMENT ON TABLE group_sum__group_reduce_flatten_by_key_f7b020 IS 'stepping: one row per group of group_reduce_flatten: its number of rows and its sums; for group_reduce_flatten';

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('group_sum__group_reduce_flatten_by_key_f7b020', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'group_sum',
    'e77d241b5fc0ad8a3949b434caf7175b',
    'postgres',
    1,
    '1 1fd50c6e99189f1d {"query":"group_sum","dialect":"postgres","fingerprint":"e77d241b5fc0ad8a3949b434caf7175b","tables":[{"table":{"name":"group_sum__group_reduce_flatten_by_key_f7b020","kind":"state","columns":[{"name":"key","type":{"kind":"date"}},{"name":"sum_value","type":{"kind":"float"}},{"name":"sum_value_exact","type":{"kind":"decimal"}},{"name":"sum_value_pos_inf","type":{"kind":"int"}},{"name":"sum_value_neg_inf","type":{"kind":"int"}}],"weight":"n","key":["key"],"non_negative":true,"reason":"one row per group of group_reduce_flatten: its number of rows and its sums","serves":"group_reduce_flatten","where":"query.py:16","digest":"f7b0203ee541c28b90a463ec5a1d1c96","sums":[{"type":{"kind":"float"},"value":"sum_value","old":"sum_value_0","new":"sum_value_1","finite":"sum_value_finite","exact":"sum_value_exact","positive":"sum_value_pos_inf","negative":"sum_value_neg_inf","low":"sum_value_low"}],"rows_of":"Pair[float, date]","node":"e94b652361125ab45655357b5af0f126"},"ddl":["CREATE TABLE IF NOT EXISTS group_sum__group_reduce_flatten_by_key_f7b020 (\n    key DATE NOT NULL,\n    sum_value DOUBLE PRECISION NOT NULL,\n    sum_value_exact NUMERIC NOT NULL,\n    sum_value_pos_inf BIGINT NOT NULL,\n    sum_value_neg_inf BIGINT NOT NULL,\n    n BIGINT NOT NULL,\n    PRIMARY KEY (key),\n    CONSTRAINT group_sum__group_reduce_flatten_by_key_f7b020__not_negative CHECK (n >= 0)\n) WITH (fillfactor = 70)","COMMENT ON TABLE group_sum__group_reduce_flatten_by_key_f7b020 IS ''stepping: one row per group of group_reduce_flatten: its number of rows and its sums; for group_reduce_flatten''"]}],"inputs":[{"name":"reads","row":"Read","columns":[{"name":"meter","path":["meter"],"type":{"kind":"int"}},{"name":"at","path":["at"],"type":{"kind":"datetime"}},{"name":"value","path":["value"],"type":{"kind":"float"}}]}],"caches":[]}'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When reads changes: one transaction
------------------------------------------------------------------------------
-- locked first: group_sum__group_reduce_flatten_by_key_f7b020 in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   stepping_delta_reads_fb598c: reads (the query's arguments)
--   stepping_change_group_reduce_flatten_by_key_134f09: group_reduce_flatten (query.py:16)
--   m4_i: group_reduce_flatten (query.py:16)
--   m4_u: group_reduce_flatten (query.py:16)
--   m4_d: group_reduce_flatten (query.py:16)
--   SELECT: group_reduce_flatten (query.py:16)
WITH stepping_delta_reads_fb598c AS MATERIALIZED (
  SELECT u.at, u.value, u.c
  FROM UNNEST(CAST('{}' AS TIMESTAMP[]), CAST('{}' AS DOUBLE PRECISION[]), CAST('{}' AS BIGINT[])) AS u(at, value, c)
), stepping_change_group_reduce_flatten_by_key_134f09 AS MATERIALIZED (
  SELECT
    g."key", a.n AS n0, COALESCE(a.n, 0) + g.n AS n1,
    CASE
      WHEN a.sum_value_pos_inf <> 0 OR a.sum_value_neg_inf <> 0
      THEN CASE
        WHEN a.sum_value_pos_inf >= 0 AND a.sum_value_neg_inf <= 0
        THEN CAST('Infinity' AS DOUBLE PRECISION)
        WHEN a.sum_value_pos_inf <= 0 AND a.sum_value_neg_inf >= 0
        THEN CAST('-Infinity' AS DOUBLE PRECISION)
        ELSE CAST(CAST('stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(a.sum_value AS TEXT) AS INT) AS DOUBLE PRECISION)
      END
      ELSE a.sum_value
    END AS sum_value_0,
    CASE
      WHEN COALESCE(a.sum_value_pos_inf, 0) + g.sum_value_pos_inf <> 0
      OR COALESCE(a.sum_value_neg_inf, 0) + g.sum_value_neg_inf <> 0
      THEN CASE
        WHEN COALESCE(a.sum_value_pos_inf, 0) + g.sum_value_pos_inf >= 0
        AND COALESCE(a.sum_value_neg_inf, 0) + g.sum_value_neg_inf <= 0
        THEN CAST('Infinity' AS DOUBLE PRECISION)
        WHEN COALESCE(a.sum_value_pos_inf, 0) + g.sum_value_pos_inf <= 0
        AND COALESCE(a.sum_value_neg_inf, 0) + g.sum_value_neg_inf >= 0
        THEN CAST('-Infinity' AS DOUBLE PRECISION)
        ELSE CAST(CAST('stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(CASE
          WHEN ABS((COALESCE(a.sum_value_exact, 0) + g.sum_value_exact)) >= 1.7976931348623158E308
          THEN CAST(CAST('stepping: ' || 'the sum sum_value is beyond the largest float for the group ' || COALESCE(CAST(g."key" AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
          WHEN ABS((COALESCE(a.sum_value_exact, 0) + g.sum_value_exact)) <= 2.4703282292062327E-324
          THEN CAST(0 AS DOUBLE PRECISION)
          ELSE CAST((COALESCE(a.sum_value_exact, 0) + g.sum_value_exact) AS DOUBLE PRECISION)
        END AS TEXT) AS INT) AS DOUBLE PRECISION)
      END
      ELSE CASE
        WHEN ABS((COALESCE(a.sum_value_exact, 0) + g.sum_value_exact)) >= 1.7976931348623158E308
        THEN CAST(CAST('stepping: ' || 'the sum sum_value is beyond the largest float for the group ' || COALESCE(CAST(g."key" AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
        WHEN ABS((COALESCE(a.sum_value_exact, 0) + g.sum_value_exact)) <= 2.4703282292062327E-324
        THEN CAST(0 AS DOUBLE PRECISION)
        ELSE CAST((COALESCE(a.sum_value_exact, 0) + g.sum_value_exact) AS DOUBLE PRECISION)
      END
    END AS sum_value_1,
    CASE
      WHEN ABS((COALESCE(a.sum_value_exact, 0) + g.sum_value_exact)) >= 1.7976931348623158E308
      THEN CAST(CAST('stepping: ' || 'the sum sum_value is beyond the largest float for the group ' || COALESCE(CAST(g."key" AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
      WHEN ABS((COALESCE(a.sum_value_exact, 0) + g.sum_value_exact)) <= 2.4703282292062327E-324
      THEN CAST(0 AS DOUBLE PRECISION)
      ELSE CAST((COALESCE(a.sum_value_exact, 0) + g.sum_value_exact) AS DOUBLE PRECISION)
    END AS sum_value_finite,
    TRIM_SCALE(COALESCE(a.sum_value_exact, 0) + g.sum_value_exact) AS sum_value_exact,
    COALESCE(a.sum_value_pos_inf, 0) + g.sum_value_pos_inf AS sum_value_pos_inf,
    COALESCE(a.sum_value_neg_inf, 0) + g.sum_value_neg_inf AS sum_value_neg_inf, a.stepping_rid
  FROM (
    SELECT
      CAST(d0.at AS DATE) AS "key", CAST(SUM(d0.c) AS BIGINT) AS n,
      COALESCE(
        SUM(
          CASE
            WHEN ABS(d0.value) < 4.440892098500626e-16 AND d0.value <> 0
            THEN CASE
              WHEN ABS(d0.value * 1.0715086071862673e+301) < 9223372036854775808
              THEN CAST(CAST(TRUNC(d0.value * 1.0715086071862673e+301) AS BIGINT) AS DECIMAL) + (
                CAST(CAST(TRUNC(
                  (d0.value * 1.0715086071862673e+301 - TRUNC(d0.value * 1.0715086071862673e+301)) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL) * 4503599627370496 + CAST(CAST(TRUNC(
                  (
                    (d0.value * 1.0715086071862673e+301 - TRUNC(d0.value * 1.0715086071862673e+301)) * 4503599627370496.0 - TRUNC(
                      (d0.value * 1.0715086071862673e+301 - TRUNC(d0.value * 1.0715086071862673e+301)) * 4503599627370496.0
                    )
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL)
              ) * 0.00000000000000000000000000000004930380657631323783823303533017413935457540219431393779814243316650390625
              ELSE (
                SELECT
                  CAST(CAST(d0.value * 1.0715086071862673e+301 / POWER(CAST(2.0 AS DOUBLE PRECISION), let3) AS BIGINT) AS DECIMAL) * POWER(CAST(2 AS DECIMAL), let3)
                FROM (
                  SELECT
                    (GET_BYTE(FLOAT8SEND(d0.value * 1.0715086071862673e+301), 0) & 127) * 16 + GET_BYTE(FLOAT8SEND(d0.value * 1.0715086071862673e+301), 1) / 16 - 1075 AS let3
                  OFFSET 0
                ) AS lets3
              )
            END * (POWER(CAST(5 AS DECIMAL), 1000) * 1E-1000)
            ELSE CASE
              WHEN ABS(d0.value) < 9223372036854775808
              THEN CAST(CAST(TRUNC(d0.value) AS BIGINT) AS DECIMAL) + (
                CAST(CAST(TRUNC((d0.value - TRUNC(d0.value)) * 4503599627370496.0) AS BIGINT) AS DECIMAL) * 4503599627370496 + CAST(CAST(TRUNC(
                  (
                    (d0.value - TRUNC(d0.value)) * 4503599627370496.0 - TRUNC((d0.value - TRUNC(d0.value)) * 4503599627370496.0)
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL)
              ) * 0.00000000000000000000000000000004930380657631323783823303533017413935457540219431393779814243316650390625
              ELSE (
                SELECT
                  CAST(CAST(d0.value / POWER(CAST(2.0 AS DOUBLE PRECISION), let3) AS BIGINT) AS DECIMAL) * POWER(CAST(2 AS DECIMAL), let3)
                FROM (
                  SELECT
                    (GET_BYTE(FLOAT8SEND(d0.value), 0) & 127) * 16 + GET_BYTE(FLOAT8SEND(d0.value), 1) / 16 - 1075 AS let3
                  OFFSET 0
                ) AS lets3
              )
            END
          END * d0.c
        ) FILTER (WHERE d0.value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
        0
      ) AS sum_value_exact,
      COALESCE(
        CAST(SUM(d0.c) FILTER (WHERE d0.value = CAST('Infinity' AS DOUBLE PRECISION)) AS BIGINT),
        0
      ) AS sum_value_pos_inf,
      COALESCE(
        CAST(SUM(d0.c) FILTER (WHERE d0.value = CAST('-Infinity' AS DOUBLE PRECISION)) AS BIGINT),
        0
      ) AS sum_value_neg_inf
    FROM stepping_delta_reads_fb598c AS d0
    GROUP BY 1
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM group_sum__group_reduce_flatten_by_key_f7b020 AS a
    WHERE a."key" = g."key"
    OFFSET 0
  ) AS a ON TRUE
  WHERE
    g.n <> 0
    OR g.sum_value_exact <> 0
    OR g.sum_value_pos_inf <> 0
    OR g.sum_value_neg_inf <> 0
), m4_i AS (
  INSERT INTO group_sum__group_reduce_flatten_by_key_f7b020 ("key", n, sum_value, sum_value_exact, sum_value_pos_inf, sum_value_neg_inf)
  SELECT
    o."key", o.n1, o.sum_value_finite, o.sum_value_exact, o.sum_value_pos_inf,
    o.sum_value_neg_inf
  FROM stepping_change_group_reduce_flatten_by_key_134f09 AS o
  WHERE o.stepping_rid IS NULL AND o.n1 <> 0
), m4_u AS (
  UPDATE group_sum__group_reduce_flatten_by_key_f7b020 AS a
  SET
    n = o.n1, sum_value = o.sum_value_finite, sum_value_exact = o.sum_value_exact,
    sum_value_pos_inf = o.sum_value_pos_inf, sum_value_neg_inf = o.sum_value_neg_inf
  FROM stepping_change_group_reduce_flatten_by_key_134f09 AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
), m4_d AS (
  DELETE FROM group_sum__group_reduce_flatten_by_key_f7b020 AS a
  USING stepping_change_group_reduce_flatten_by_key_134f09 AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 = 0
)
SELECT
  0 AS stepping_output, CAST(d1.sum_value_0 AS DOUBLE PRECISION) AS "left",
  CAST(d1."key" AS DATE) AS "right", CAST(-1 AS BIGINT) AS stepping_count
FROM stepping_change_group_reduce_flatten_by_key_134f09 AS d1
WHERE d1.n0 IS NOT NULL AND (d1.n1 = 0 OR d1.sum_value_0 IS DISTINCT FROM d1.sum_value_1)
UNION ALL
SELECT
  0 AS stepping_output, CAST(d2.sum_value_1 AS DOUBLE PRECISION) AS "left",
  CAST(d2."key" AS DATE) AS "right", CAST(1 AS BIGINT) AS stepping_count
FROM stepping_change_group_reduce_flatten_by_key_134f09 AS d2
WHERE d2.n1 <> 0 AND d2.sum_value_0 IS DISTINCT FROM d2.sum_value_1;
