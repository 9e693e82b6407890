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
--   for sums of floats, which are added up exactly, as numerics
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
--   for sums of floats, which are added up exactly, as numerics
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
--   for sums of floats, which are added up exactly, as numerics
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
    '2 d7dc9b09aeb25da0 QlpoOTFBWSZTWdTIIrUABc1/gFAAAAhR////P//e77/v/+5QBY0QZRmeq1JlKlUEko1HkQyDRMU9J4TSPKNqek8ofqIekBk9R6j1DTQaIDTUAkPU0ABoAAABpoAAAEiIRMmp6Akxqnkj1M0mg9R6gGEaHqDaT1ANDjRkyMIxAMJoMAmg0DJk0ZMhhAYSRBJtVP0ZTaDUwTU9QAAAAADQACNCnZJB3JK7HEkVsPTNn6+jU26jXp3dno69m+m8XFwYLEPyS/7VTZSc+vpZxwdfi6adU2iYYnXQtHedE/I1GzI7bJ/Yok5sYfhXcphkKYUwdGHFo1hYOxWVnUzobdDqGT7Oy7FBZC4Y46+Ac7/W7lOmPEt5CV2boNJOTPPKSkr3d5a0WmzJPGnVQZq5bqWrIVOVtpgG1VqOOWmbFiyb5LeCJ5D2eW1cOE8fNWdShrC+ZZS9wSx2iX5e+5l4qIOkO7SWvrnvrZ3JjbGxibHH/JRMuQJCGnDIBpOGDahyzfer29MdR0a/QSuSrIFLVwyGvNBGdjWFy3OnK7ffznnfA8gRjZ5rQ6hyYbZdhzxXDreCxmzuy9IdDPawhg2G5wwbGS4z+UBwE14GRRxba9vatxEDzHud0yaL/V1rBjSCsY0grsCcDjikNSdk5WHNjrqmj1CnMbZXmNoSfXpLGO11yGQouYQz9MGrcPDDPY3XTRDhtFDbbSSaOS0aLVv3TpxizrS57CDjpII9z30HEUvFEFWqKxtQhfk06MFAJLsqqSFmGbyElqrakEBtdXBpCt01ZkHwoMNYTIrSTiCLKd6QSLJCad5BTcQjJJMkkRXBIOiDZFzXtkkYiNi5iumnmlrVSFpwWEXYpyedHHnGwJJYsgW88VBB0fO9IxoTIM91fRm97RB1I8ipXBesVRy4LtjW5erSFUd3BofdKhOpq7GEkh5xQPixWGYMHMdyjxe78G1HruSsGPE6Ae8RuuWkiBT6712rduVQajYtGx96bZSr6O6+xnpZUpV/ekCDTNKzBrV6kZBSCS1BUoLi17qzKla6skoShplVaE1oRZVtV0R/BXKlGncIF6NkFUmw2UDNIsVAy4llTKULRaZlVLdBAz0sjFbV5oeqiv1F0YkywcDuyTslaAqsTMV9SSInUwrqkVhoFGUWZkc3T2Oah7RJjRoeYdWzlfUfoIWFi+i7PQdDaY/VsChYO0L8Si7FBAHpCZqx6/shQAf1ataL0pYVE21L2SjRv81f9/WLwSLgFckJS8d4p7Y5rivHaBAk+NOTksWTmC+vBEBYi/yDMNvSjhjnX1TVTlvxAxgUkEMWvEhgbHvw/Evucvkak122SN4YgcuWSMjm5qLjxa6XLV/BLRS6rI6tOHFKSNwEulZaxx2ujGwESvlYDgwnuOMgQRvzXgPVcUzTsJ1ycxELNxewQP6jWVsGb2aeEuSs2HDw5UAa8dVmLwp9N1IAetlzV4RA3Kb5fDv5/AA1mwHXOniwA3CjZW1A4ciNVERLQxuxYdatXsB/ldTIBtrFBtTs2iQuaQSJjoUbnIgQcCg0e0QtOV9eOGypAwIIByBZK8vArU5FOKTDvvGSvM4MzFotTonVoKrmCcZ58uEs6MBBImrbEleu1KSopj9n4GbhNF+H65q833JsOMYa2qHDJG4CLVApKS0lmOm0BpnOMIvwctIvDWEAefDFkRTGyrCPKQC65G2QMxFm1beGEzr8clBzBSXPx2dSU8ixpwL6nAd20CgryJZujBQi5SUcjI4hbWCYFiWNGkC4WtkbyZxIWoRQhVSuSXDeYNjRiVqtdYE2ucM2hOiRVp37UuBtS7H76hdcH8mBkUD2EQRAv/F3JFOFCQ1MgitQ'
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
