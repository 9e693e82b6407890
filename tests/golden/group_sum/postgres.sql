-- The query group_sum on postgres; fingerprint 1aaa584d93c594c0b24675866ce03a8e
--
-- output
--   2. group_reduce_flatten  query.py:16
--   │    incremental: the groups that the change touches are read and set anew
--   │    keeps group_sum__group_reduce_flatten
--   │          key (key): one row per key
--   └─ 1. reads (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of reads: 1 statement, 1 look-up, 1 row written
--   group_sum__group_reduce_flatten by key, at most one row

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
-- group_sum__group_reduce_flatten: one row per group of group_reduce_flatten: its number of rows and its sums
-- for group_reduce_flatten (query.py:16)
-- it has a row for each key there is
CREATE TABLE IF NOT EXISTS group_sum__group_reduce_flatten (
    key DATE NOT NULL,
    sum_value DOUBLE PRECISION NOT NULL,
    sum_value_exact NUMERIC NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (key),
    CONSTRAINT group_sum__group_reduce_flatten__not_negative CHECK (n >= 0)
) WITH (fillfactor = 70);
--   group_sum__group_reduce_flatten: what it is for, as \d+ shows it
COMMENT ON TABLE group_sum__group_reduce_flatten IS 'stepping: one row per group of group_reduce_flatten: its number of rows and its sums; for group_reduce_flatten';
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
  ('group_sum__group_reduce_flatten', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'group_sum',
    '1aaa584d93c594c0b24675866ce03a8e',
    'postgres',
    2,
    '2 4466fd88ebb6490b QlpoOTFBWSZTWVWemYwABcp/gFAAAAhR////P//e77/v/+5QBZ3YirtGahelmzKpQSSEaEGg0BT00ZTyT0jEGmnpqHqaGmj1GTQxBqaNGQmmqA0AAAAAADQAAAEiIQRoTaRoaKPTTSbUD1GgDQBowT0gNCNSmQMQGmjTQAAGhoMQyAAAAEiU00jTTTVPAKenpT1ABkGhkDQAAAA4EIhgARcAAoc8AJFbBDq5bq5oCd6y5oXbY5MqEmOpiLVD8cv+1UzpOvu62b4O7s66e9NomGJ1wWHec0/G1G3I81o/znKDb4fpRzGOc1za5oPDuZ6xMHyVK0KzCbm1Quso5fZcdMuAum++viIQ8Ll3XxPyLcTUQz8ZxFJZieYoKIw7y3qttnSiNSpBmrlyS3aCTebmMQ3JWq7s2uzkKeDdO/C6UujtrF/MSbuWupNrC+ZZa9wSx2mYfb33MvFRB1B6dJbCurOtrlA2xsYmxx/yUEy5AkIacMgGA4YNqHLM78ng3lHiOji8pK8VWQKWojDmXQ4dalLgRVTQwtLtyGxsZwg6tK1KnaQMVFUuw51XDreC0TZ3ZfcHSz2sIaGw3OGDYx7Op5QgFbQMlHBftcvJfvTEjHa2Fk8+W3polc9FDnWIME33Y7xksYXNO11rL4rMWYQ5CRTJy6DXUWeriCqC28GZhGWweOeRs/G2urhtFTbdkSY8toxtW/OctEWdaXVhAyqwK83vtJAT32QjFIQuIwVUzbO7MMUWe6towVBrG/q5IICcaFVAbBU5VKFhBrWNhOjDYEmtHqiUjF0ZCcIMBkbAslfJ0VUVSMDQE1Dc8zVXIQS2W/RCxYnokKpsVaULCLzqSmRHdpGwgBk4AuaHVE0H6YpGVCZBovrqZvizg6EcK1rsXOKSC7F1vW1c/EEpTzhg/VKhOps8jCSQ8ooHq0LHWDBzHqUdnV23UbopShWstADMOqiq45wn7pl1KqpSAydcU9xu1Nsxu9cQu848dNyrh7MZJdjetwcFmqmoVQqucLlK1cW6sypXFVklCUNMqrQmsEWVbVdEewrlSjUQEmaOiVcny9GIbqmlYhtvW1NVnWLfYux18hJr0sjQs19sPZRX7C6NBMsHA7sk7JWgKrQUiwqedFKsivKdWGmKsws7I8vr6YNVFnJjVqiY+T3X1U1YSFXMwSXH5jc2mP1ZQke0KsRQuNQQB5wb3wh6fwhRQcfLs2M7BQWFeu+1LXbI+ix/Ot3iCqArk5OYDvFTtINeWE6wJifbf2Z7RpDCvFEospfCpJpr8ey+lautiAxaRSIUNGWwhgZnptqm9z2NUGWeagbx0Ac+WSMjhwocb36WvC5aw6EsaX1ZG73dtKIkB+PHUzS0YsCS70MDrYoyP1JJR4NuwCLsjG3LXJZ5HEw+vvq2yeeCMZOwYM+DPJMYzLvV4AMtMitFenvqlADuZgWCFEQN0JvXfn4NIDs2hC6c8GoC8UrMLrDfuRsrRIyBjhlhw4VmYH+V1doHBgKXzQ3yVFfydRUFeQJW4oKATAFho9ohb9WuMLQQ2VIGBBDkCyV5eBWpirUSZEdAaWY0A2zILnwidWkquYTlPRl106EaxBYSFCu2pLBeZKSopj0PezcJov0efYrzjuTYcgw2tSNuNGgCJ0gSoSVhNjlnAaZeMIz64MhSJ4BIRbwX6kY5NYBT0khs2I6ag2qN8M+eMXPF2SUJZSXPxWdSU8ixpxL6nAd2YFBXlDT7lJVEoK6ZWtHOFewmBYljRqAuFtYt5MtErhFCFVK5JcOMxbGLQVquJlWJtdIa2hOiRVp35pcDNLyPwqF3QfyYmRQPWRBEC/8XckU4UJBVnpmM'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When reads changes: one transaction
------------------------------------------------------------------------------
-- locked first: group_sum__group_reduce_flatten in last_update
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
    FROM group_sum__group_reduce_flatten AS a
    WHERE a."key" = g."key"
    OFFSET 0
  ) AS a ON TRUE
  WHERE g.n <> 0 OR g.sum_value_exact <> 0
), group_reduce_flatten_inserted AS (
  INSERT INTO group_sum__group_reduce_flatten ("key", n, sum_value, sum_value_exact)
  SELECT o."key", o.n1, o.sum_value_1, o.sum_value_exact
  FROM group_reduce_flatten_change AS o
  WHERE o.stepping_rid IS NULL AND o.n1 <> 0
), group_reduce_flatten_updated AS (
  UPDATE group_sum__group_reduce_flatten AS a
  SET n = o.n1, sum_value = o.sum_value_1, sum_value_exact = o.sum_value_exact
  FROM group_reduce_flatten_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
), group_reduce_flatten_deleted AS (
  DELETE FROM group_sum__group_reduce_flatten AS a
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
