-- The query aggregate on postgres; fingerprint 0f048bdca894b401792b7cb882dd31e2
--
-- output
--   2. aggregate  query.py:22
--   │    incremental: the groups that the change touches are read and set anew
--   │    keeps aggregate__orders_0dd177
--   │    keeps aggregate__orders_8fd2ae
--   │          key (left, right): look-ups, and the row itself
--   │          index aggregate__orders_8fd2ae__left_right (left, right): reads in the order of right
--   │    keeps aggregate__aggregate_203925
--   │          key (customer): one row per key
--   └─ 1. orders (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of orders: 10 statements, 9 look-ups, 4 rows written
--   aggregate__orders_0dd177 as a whole row, at most one row
--   aggregate__orders_0dd177 as a whole row, at most one row
--   aggregate__orders_8fd2ae as a whole row, at most one row
--   aggregate__aggregate_203925 by customer, 4 times, at most one row
--   aggregate__orders_8fd2ae by left, 2 times, the first row

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
-- aggregate__orders_8fd2ae: the rows of aggregate, read in the order of left, right
-- for aggregate (query.py:22)
-- it has a row for each different row of the result of aggregate
CREATE TABLE IF NOT EXISTS aggregate__orders_8fd2ae (
    "left" BIGINT NOT NULL,
    "right" BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT aggregate__orders_8fd2ae__not_negative CHECK (c >= 0)
);
--   aggregate__orders_8fd2ae__left_right: reads in the order of right; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS aggregate__orders_8fd2ae__left_right ON aggregate__orders_8fd2ae ("left", "right");
--   aggregate__orders_8fd2ae__left_right_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS aggregate__orders_8fd2ae__left_right_key ON aggregate__orders_8fd2ae ("left", "right", (hash_record_extended(ROW("left", "right"), 0)));
--   aggregate__orders_8fd2ae: its rows can be changed where all tables are published
ALTER TABLE aggregate__orders_8fd2ae REPLICA IDENTITY FULL;
--   aggregate__orders_8fd2ae: what it is for, as \d+ shows it
COMMENT ON TABLE aggregate__orders_8fd2ae IS 'stepping: the rows of aggregate, read in the order of left, right; for aggregate';
-- aggregate__orders_0dd177: the integral of aggregate
-- for aggregate (query.py:22)
-- it has a row for each different row of the result of aggregate
CREATE TABLE IF NOT EXISTS aggregate__orders_0dd177 (
    "left" TEXT COLLATE "C",
    "right" BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT aggregate__orders_0dd177__not_negative CHECK (c >= 0)
);
--   aggregate__orders_0dd177__row_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS aggregate__orders_0dd177__row_key ON aggregate__orders_0dd177 ((hash_record_extended(ROW("left", "right"), 0)));
--   aggregate__orders_0dd177: its rows can be changed where all tables are published
ALTER TABLE aggregate__orders_0dd177 REPLICA IDENTITY FULL;
--   aggregate__orders_0dd177: what it is for, as \d+ shows it
COMMENT ON TABLE aggregate__orders_0dd177 IS 'stepping: the integral of aggregate; for aggregate';
-- aggregate__aggregate_203925: one row per group of aggregate: its number of rows and its sums
-- for aggregate (query.py:22)
-- it has a row for each customer there is
CREATE TABLE IF NOT EXISTS aggregate__aggregate_203925 (
    customer BIGINT NOT NULL,
    cents BIGINT NOT NULL,
    mean_sum BIGINT NOT NULL,
    distinct_1 BIGINT NOT NULL,
    first_1 BIGINT,
    n BIGINT NOT NULL,
    PRIMARY KEY (customer),
    CONSTRAINT aggregate__aggregate_203925__not_negative CHECK (n >= 0)
) WITH (fillfactor = 70);
--   aggregate__aggregate_203925: what it is for, as \d+ shows it
COMMENT ON TABLE aggregate__aggregate_203925 IS 'stepping: one row per group of aggregate: its number of rows and its sums; for aggregate';
--   a sum of integers, or an error where it does not fit in 64 bits
CREATE OR REPLACE FUNCTION stepping_sum(total numeric, fault text) RETURNS bigint
LANGUAGE sql PARALLEL SAFE
RETURN CASE
  WHEN total BETWEEN -9223372036854775808 AND 9223372036854775807 THEN total::bigint
  ELSE ('stepping: ' || fault)::integer
END;
--   whether a group goes; an error where its sums say that rows are left
CREATE OR REPLACE FUNCTION stepping_gone(n bigint, something_left boolean, fault text)
RETURNS boolean LANGUAGE sql PARALLEL SAFE
RETURN CASE
  WHEN n <> 0 THEN false
  WHEN something_left THEN ('stepping: ' || fault)::integer = 0
  ELSE true
END;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('aggregate__aggregate_203925', 0), ('aggregate__orders_0dd177', 0),
  ('aggregate__orders_8fd2ae', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'aggregate',
    '0f048bdca894b401792b7cb882dd31e2',
    'postgres',
    2,
    '2 c74c4b6a06041c84 QlpoOTFBWSZTWRzBLjoACVhfgEAAUOd//z/v3u6/7//uYAdh9vaU7gtwCLQKAGqEJJNVNphT0U2wmppPT9VHtT1T1NqAGjTI81QNA0DSaAA1JNNAGhoaAAANAAAHGTJpphMjIGBGJowRhBo0wACCTUhKNqmmQaNMEAaABppptEAaABxkyaaYTIyBgRiaMEYQaNMAAgiUIAhoTRomqen6Kn6poADRiDQbKB6nqMABwQis6V5I2daazA9WHI8sXIovzfYbrI8ID2LJjr+7UlS9lwwqi02jHUzDLTdLJn8wpgR3jL+/lpyw95RRf7SRaCRm0z7Zq1NLrDHUmRs4uSl3Hg4zjD6ixymSYrPSqDE4gKzAczEvGWjHcQmDLKfwnChkQyrxKGZvMdiWLrH5T7ge58iP4rXcN3mT9Tv8uS7G5mKQwgeBOWBHGNo5WaAuHnRbIZ6HCRucAYeWDOkxguruZzq4mAwM38ipdsI2KKpJKBotwtSJZqeYfAxmNI/CCWmAj7xP8O/eGpxMNbBuG7kBoRZoZUGkRqMQYMQQSRD+kilgsWMyMol4BRAoY0ypcooFhglJZlApSMVPLn3Zvc0oh9Js/UUHvH6iBZL9jLqds3qPHYsUbWC0bXEOzleHadEZghYYf6IUMRkvGSlZCoyVGRVkZwgQTJjLenZLdJICpim/AaOh0dsPlgbWQ2pUcyOOLn5H0IoUWDgwgMCl1Y4AZjSG4dbV96wpiQkvCoF0HFQG8q0YULjFHpYLIgxDuY9blRmHzEgoE1bJPPDcuL2QvTPVFTXOZnGTCsSqrigYim2gc3tSqMlRq5Qa+laVC2MCI8CCzvyiKsC42IRCioqjgpU6KFQJXQF0ozWmVN1LNS+CD3MF7I4hBSIlLWRUFP3RWMs6SQWrdzDiRcmQluy89XxTG9liRA8R1HcccNY1MH3OfQcQF8BPeBzlFDLx1Z9IgcgreR3ZGTvQifEtvA+9/dcald0T9Zs/aYhoQPjVxG3w1P7nEe4vCFFORhyYcWcTADVTdR5CZsvKv3jjUybczMHvK866gQseAP+dxiQ26NmxsUGjCF5fQvaGgBeXthLmBCwOoQalGhxALzwqXh1q4lTZzMgMA2JN+4PtL97iO8xNi4q3Dz3DUSCRbwLkLyl8dS470N6XHQ7y4SGoaEyDBShz+hfuIfzI9v4lJEPQHbPxOgQoGIVIkgXfXuzns6VusXqW3eSmldI1GJF2ODSctSaoWSrWtDVC5Bk9DysArSHKenm1aLzPRnicExLxgHyLyrzUZrcKdDk5rXrS8QZhWXTNQ4yC32d9iBrglMGLJIfpcj3Hyp/vv3f+DmgcAMypp0LOXQUPgwUwVGTfv4H0xhbhzcrvqnkksK9zcYDHlOktOWfNHxj2cNqXUx7V/Ceuty6acKpqQnvGt9g4VLHjCEFkbzu67gM92ynW2tbtJ4U49jHWacwOWj8mbEMUSm19grzomzyN72YdgwIdisC88w9IlKUkZDcwxcg9ACODmQwXtw6deu7tTFz889JYDYIgbF5sNHu8NsLF+48LVRLChoOYezgWqcEIvf67+hgeRKpbq0pUQ5vMNOrh89sqmTQ2DPMjAz94UhrEXMqrnh4dMckadjR57OhEuyhIphfovYMHcid4kFSezxFCIPfY8RQ64EfeaFB9HwsVNTAU6fRGLmwHs+2piP4FDLH1HsTC2EMoDQPxmrR+kh3OCdDQbBuHuM0TD5kC986QOR6DzXjQuyMgNCDRvxu9Q8b29tYIGKUXvhVA8r0uG2tCgH+kTX3YY00MsUwboNGg1QLDQihkSWTQbgspcUGrX2SABeBYM3mwS9qHiZHuToOxzjMnDLr+86GPVzLzDcgZ5uD7jAj4DBPAxfiAZmS2bclvz+bxLXBOUjAe5nMqH8IIVdS94l4ocZdUsXQZBpvuLFrUCiXKGSYI0WdiCJSa+1V7x2N4sUF6MJVOUikHKbeznKMymhVhk4pb/iWNsB7h4La+eXU1PzcbWKVkoVYj17pabaXEuExkNEuN6RQQqGMlEkktq3OQUbtlQwDEqvpeaFb2tWTiWGwwdLe+Y+g5V+qoacgjygX7gD15B0QoEC4OAcFo3JR4nhDiPuzHcObc85JCJYYhRTQtQje4gHBQ37MIQkh+yFGHI+RDVM3IDhKFfLVgtUl0T/i7kinChIDmCXHQ'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_change_aggregate_4c159b (
    customer BIGINT,
    n0 BIGINT,
    n1 BIGINT,
    cents_0 BIGINT,
    cents_1 BIGINT,
    mean_sum_0 BIGINT,
    mean_sum_1 BIGINT,
    distinct_1_0 BIGINT,
    distinct_1_1 BIGINT,
    first_1_0 BIGINT,
    first_1_1 BIGINT
);
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_orders_1ea38f (
    customer BIGINT,
    cents BIGINT,
    coupon TEXT COLLATE "C",
    c BIGINT NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_exists_orders_903606 (
    "left" TEXT COLLATE "C",
    "right" BIGINT,
    c BIGINT NOT NULL
);

------------------------------------------------------------------------------
-- When orders changes: one transaction
------------------------------------------------------------------------------
-- locked first: aggregate__aggregate_203925, aggregate__orders_0dd177, aggregate__orders_8fd2ae in last_update
-- 1. orders (the query's arguments): empty the delta table
DELETE FROM stepping_delta_orders_1ea38f;
-- 2. aggregate (query.py:22): empty the delta table
DELETE FROM stepping_exists_orders_903606;
-- 3. aggregate (query.py:22): empty the delta table
DELETE FROM stepping_change_aggregate_4c159b;
-- 4. orders (the query's arguments): load the changed rows
-- INSERT INTO stepping_delta_orders_1ea38f (customer, cents, coupon, c)
-- SELECT u.customer, u.cents, u.coupon COLLATE "C" AS coupon, u.c
-- FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS TEXT[]), CAST($4 AS BIGINT[])) AS u(customer, cents, coupon, c)
-- 5. aggregate (query.py:22)
INSERT INTO stepping_exists_orders_903606 ("left", "right", c)
SELECT g."left", g."right", CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE -1 END AS c
FROM (
  SELECT g."left", g."right", CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d0.coupon AS "left", d0.customer AS "right", d0.c
    FROM stepping_delta_orders_1ea38f AS d0
    WHERE d0.coupon IS NOT NULL
  ) AS g
  GROUP BY g."left", g."right"
  HAVING SUM(g.c) <> 0
) AS g
LEFT JOIN LATERAL (
  SELECT a.*, a.ctid AS stepping_rid
  FROM aggregate__orders_0dd177 AS a
  WHERE
    hash_record_extended(ROW(a."left", a."right"), 0) = hash_record_extended(ROW(g."left", g."right"), 0)
    AND ROW(a."left", a."right") IS NOT DISTINCT FROM ROW(g."left", g."right")
  OFFSET 0
) AS a ON TRUE
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 6. aggregate (query.py:22)
WITH changed AS (
  SELECT g."left", g."right", CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d6.coupon AS "left", d6.customer AS "right", d6.c
    FROM stepping_delta_orders_1ea38f AS d6
    WHERE d6.coupon IS NOT NULL
  ) AS g
  GROUP BY g."left", g."right"
  HAVING SUM(g.c) <> 0
), found AS MATERIALIZED (
  SELECT g."left", g."right", COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM changed AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM aggregate__orders_0dd177 AS a
    WHERE
      hash_record_extended(ROW(a."left", a."right"), 0) = hash_record_extended(ROW(g."left", g."right"), 0)
      AND ROW(a."left", a."right") IS NOT DISTINCT FROM ROW(g."left", g."right")
    LIMIT 1
  ) AS l ON TRUE
), inserted AS (
  INSERT INTO aggregate__orders_0dd177 ("left", "right", c)
  SELECT o."left", o."right", o.c
  FROM found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), updated AS (
  UPDATE aggregate__orders_0dd177 AS a
  SET c = o.c
  FROM found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
)
DELETE FROM aggregate__orders_0dd177 AS a
USING found AS o
WHERE a.ctid = o.stepping_rid AND o.c = 0;
-- 7. aggregate (query.py:22)
WITH changed AS (
  SELECT g."left", g."right", CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d5.customer AS "left", d5.cents AS "right", d5.c
    FROM stepping_delta_orders_1ea38f AS d5
  ) AS g
  GROUP BY g."left", g."right"
  HAVING SUM(g.c) <> 0
), found AS MATERIALIZED (
  SELECT g."left", g."right", COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM (
    SELECT g.*, hash_record_extended(ROW(g."left", g."right"), 0) AS stepping_h0
    FROM changed AS g
    OFFSET 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM aggregate__orders_8fd2ae AS a
    WHERE
      a."left" = g."left"
      AND a."right" = g."right"
      AND hash_record_extended(ROW(a."left", a."right"), 0) BETWEEN g.stepping_h0 AND g.stepping_h0
      AND ROW(a."left", a."right") IS NOT DISTINCT FROM ROW(g."left", g."right")
    ORDER BY hash_record_extended(ROW(a."left", a."right"), 0)
    LIMIT 1
  ) AS l ON TRUE
), inserted AS (
  INSERT INTO aggregate__orders_8fd2ae ("left", "right", c)
  SELECT o."left", o."right", o.c
  FROM found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), updated AS (
  UPDATE aggregate__orders_8fd2ae AS a
  SET c = o.c
  FROM found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
)
DELETE FROM aggregate__orders_8fd2ae AS a
USING found AS o
WHERE a.ctid = o.stepping_rid AND o.c = 0;
-- 8. aggregate (query.py:22)
INSERT INTO stepping_change_aggregate_4c159b (
  customer, n0, n1, cents_0, cents_1, mean_sum_0, mean_sum_1, distinct_1_0, distinct_1_1,
  first_1_0, first_1_1
)
SELECT
  g.customer, a.n AS n0, COALESCE(a.n, 0) + g.n AS n1, a.cents AS cents_0,
  stepping_sum(
    COALESCE(a.cents, 0) + g.cents,
    'the sum cents does not fit in 64 bits for the group ' || CAST(g.customer AS TEXT)
  ) AS cents_1,
  a.mean_sum AS mean_sum_0,
  stepping_sum(
    COALESCE(a.mean_sum, 0) + g.mean_sum,
    'the sum mean_sum does not fit in 64 bits for the group ' || CAST(g.customer AS TEXT)
  ) AS mean_sum_1,
  a.distinct_1 AS distinct_1_0, COALESCE(a.distinct_1, 0) + g.distinct_1 AS distinct_1_1,
  a.first_1 AS first_1_0,
  (
    SELECT m."right"
    FROM aggregate__orders_8fd2ae AS m
    WHERE m."left" = g.customer
    ORDER BY m."right" ASC
    LIMIT 1
  ) AS first_1_1
FROM (
  SELECT
    u.customer, CAST(SUM(u.stepping_counted) AS BIGINT) AS n,
    SUM(CAST(u.cents AS DECIMAL) * u.n) AS cents,
    SUM(CAST(u.mean_sum AS DECIMAL) * u.n) AS mean_sum,
    CAST(SUM(u.distinct_1 * u.n) AS BIGINT) AS distinct_1
  FROM (
    SELECT
      d1.customer, d1.cents, d1.cents AS mean_sum, 0 AS distinct_1, d1.c AS n,
      d1.c AS stepping_counted
    FROM stepping_delta_orders_1ea38f AS d1
    UNION ALL
    SELECT
      d2."right" AS customer, 0 AS cents, 0 AS mean_sum, CAST(1 AS BIGINT) AS distinct_1,
      d2.c AS n, 0 AS stepping_counted
    FROM stepping_exists_orders_903606 AS d2
  ) AS u
  GROUP BY 1
) AS g
LEFT JOIN LATERAL (
  SELECT a.*, a.ctid AS stepping_rid
  FROM aggregate__aggregate_203925 AS a
  WHERE a.customer = g.customer
  OFFSET 0
) AS a ON TRUE;
-- 9. aggregate (query.py:22)
WITH found AS MATERIALIZED (
  SELECT g.*, a.ctid AS stepping_rid
  FROM stepping_change_aggregate_4c159b AS g
  LEFT JOIN aggregate__aggregate_203925 AS a ON a.customer = g.customer
), inserted AS (
  INSERT INTO aggregate__aggregate_203925 (customer, n, cents, mean_sum, distinct_1, first_1)
  SELECT o.customer, o.n1, o.cents_1, o.mean_sum_1, o.distinct_1_1, o.first_1_1
  FROM found AS o
  WHERE
    o.stepping_rid IS NULL
    AND NOT stepping_gone(
      o.n1,
      o.cents_1 <> 0 OR o.mean_sum_1 <> 0,
      'no rows are left in the group ' || CAST(o.customer AS TEXT) || ', whose cents is ' || CAST(o.cents_1 AS TEXT) || ', whose mean_sum is ' || CAST(o.mean_sum_1 AS TEXT)
    )
), updated AS (
  UPDATE aggregate__aggregate_203925 AS a
  SET
    n = o.n1, cents = o.cents_1, mean_sum = o.mean_sum_1, distinct_1 = o.distinct_1_1,
    first_1 = o.first_1_1
  FROM found AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
)
DELETE FROM aggregate__aggregate_203925 AS a
USING found AS o
WHERE
  a.ctid = o.stepping_rid
  AND stepping_gone(
    o.n1,
    o.cents_1 <> 0 OR o.mean_sum_1 <> 0,
    'no rows are left in the group ' || CAST(o.customer AS TEXT) || ', whose cents is ' || CAST(o.cents_1 AS TEXT) || ', whose mean_sum is ' || CAST(o.mean_sum_1 AS TEXT)
  );
-- 10. aggregate (query.py:22): the change of an output
SELECT
  d3.n0 AS left_n, d3.cents_0 AS left_cents,
  CASE
    WHEN d3.first_1_0 IS NULL
    THEN CAST(CAST('stepping: a smallest or largest of nothing: ' || CASE WHEN d3.first_1_0 IS NULL THEN CAST('None' AS TEXT) ELSE CAST(d3.first_1_0 AS TEXT) END AS INT) AS BIGINT)
    ELSE d3.first_1_0
  END AS left_cheapest,
  d3.distinct_1_0 AS left_coupons,
  CASE
    WHEN d3.n0 = 0
    THEN CAST(CAST('stepping: st.agg.avg (mean=) of nothing: the count is ' || CAST(d3.n0 AS TEXT) AS INT) AS DOUBLE PRECISION)
    ELSE CASE
      WHEN d3.mean_sum_0 BETWEEN (-9007199254740992) AND 9007199254740992
      AND d3.n0 BETWEEN (-9007199254740992) AND 9007199254740992
      THEN CAST(d3.mean_sum_0 AS DOUBLE PRECISION) / CAST(d3.n0 AS DOUBLE PRECISION)
      ELSE CAST(CAST(d3.mean_sum_0 AS DECIMAL(140, 120)) / CAST(d3.n0 AS DECIMAL) AS DOUBLE PRECISION)
    END + 0
  END AS left_mean,
  d3.customer AS "right", -1 AS stepping_count
FROM stepping_change_aggregate_4c159b AS d3
WHERE
  d3.n0 IS NOT NULL
  AND (
    d3.n1 = 0
    OR NOT (
      d3.n0 IS NOT DISTINCT FROM d3.n1
      AND d3.cents_0 IS NOT DISTINCT FROM d3.cents_1
      AND d3.mean_sum_0 IS NOT DISTINCT FROM d3.mean_sum_1
      AND d3.distinct_1_0 IS NOT DISTINCT FROM d3.distinct_1_1
      AND d3.first_1_0 IS NOT DISTINCT FROM d3.first_1_1
    )
  )
UNION ALL
SELECT
  d4.n1 AS left_n, d4.cents_1 AS left_cents,
  CASE
    WHEN d4.first_1_1 IS NULL
    THEN CAST(CAST('stepping: a smallest or largest of nothing: ' || CASE WHEN d4.first_1_1 IS NULL THEN CAST('None' AS TEXT) ELSE CAST(d4.first_1_1 AS TEXT) END AS INT) AS BIGINT)
    ELSE d4.first_1_1
  END AS left_cheapest,
  d4.distinct_1_1 AS left_coupons,
  CASE
    WHEN d4.n1 = 0
    THEN CAST(CAST('stepping: st.agg.avg (mean=) of nothing: the count is ' || CAST(d4.n1 AS TEXT) AS INT) AS DOUBLE PRECISION)
    ELSE CASE
      WHEN d4.mean_sum_1 BETWEEN (-9007199254740992) AND 9007199254740992
      AND d4.n1 BETWEEN (-9007199254740992) AND 9007199254740992
      THEN CAST(d4.mean_sum_1 AS DOUBLE PRECISION) / CAST(d4.n1 AS DOUBLE PRECISION)
      ELSE CAST(CAST(d4.mean_sum_1 AS DECIMAL(140, 120)) / CAST(d4.n1 AS DECIMAL) AS DOUBLE PRECISION)
    END + 0
  END AS left_mean,
  d4.customer AS "right", 1 AS stepping_count
FROM stepping_change_aggregate_4c159b AS d4
WHERE
  d4.n1 <> 0
  AND NOT (
    d4.n0 IS NOT DISTINCT FROM d4.n1
    AND d4.cents_0 IS NOT DISTINCT FROM d4.cents_1
    AND d4.mean_sum_0 IS NOT DISTINCT FROM d4.mean_sum_1
    AND d4.distinct_1_0 IS NOT DISTINCT FROM d4.distinct_1_1
    AND d4.first_1_0 IS NOT DISTINCT FROM d4.first_1_1
  );
