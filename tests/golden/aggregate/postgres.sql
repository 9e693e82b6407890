-- The query aggregate on postgres; fingerprint 181b91bed89e07281863c7688a2fdd08
--
-- output
--   2. aggregate  query.py:22
--   │    incremental: the groups that the change touches are read and set anew
--   │    keeps aggregate__orders_2
--   │    keeps aggregate__orders
--   │          key (left, right): look-ups, and the row itself
--   │          index aggregate__orders__left_right (left, right): reads in the order of right
--   │    keeps aggregate__aggregate
--   │          key (customer): one row per key
--   └─ 1. orders (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of orders: 10 statements, 9 look-ups, 4 rows written
--   aggregate__orders_2 as a whole row, at most one row
--   aggregate__orders_2 as a whole row, at most one row
--   aggregate__orders as a whole row, at most one row
--   aggregate__aggregate by customer, 4 times, at most one row
--   aggregate__orders by left, 2 times, the first row

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
-- aggregate__orders: the rows of aggregate, read in the order of left, right
-- for aggregate (query.py:22)
-- it has a row for each different row of the result of aggregate
CREATE TABLE IF NOT EXISTS aggregate__orders (
    "left" BIGINT NOT NULL,
    "right" BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT aggregate__orders__not_negative CHECK (c >= 0)
);
--   aggregate__orders__left_right: reads in the order of right; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS aggregate__orders__left_right ON aggregate__orders ("left", "right");
--   aggregate__orders__left_right_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS aggregate__orders__left_right_key ON aggregate__orders ("left", "right", (hash_record_extended(ROW("left", "right"), 0)));
--   aggregate__orders: its rows can be changed where all tables are published
ALTER TABLE aggregate__orders REPLICA IDENTITY FULL;
--   aggregate__orders: what it is for, as \d+ shows it
COMMENT ON TABLE aggregate__orders IS 'stepping: the rows of aggregate, read in the order of left, right; for aggregate';
-- aggregate__orders_2: the integral of aggregate
-- for aggregate (query.py:22)
-- it has a row for each different row of the result of aggregate
CREATE TABLE IF NOT EXISTS aggregate__orders_2 (
    "left" TEXT COLLATE "C",
    "right" BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT aggregate__orders_2__not_negative CHECK (c >= 0)
);
--   aggregate__orders_2__row_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS aggregate__orders_2__row_key ON aggregate__orders_2 ((hash_record_extended(ROW("left", "right"), 0)));
--   aggregate__orders_2: its rows can be changed where all tables are published
ALTER TABLE aggregate__orders_2 REPLICA IDENTITY FULL;
--   aggregate__orders_2: what it is for, as \d+ shows it
COMMENT ON TABLE aggregate__orders_2 IS 'stepping: the integral of aggregate; for aggregate';
-- aggregate__aggregate: one row per group of aggregate: its number of rows and its sums
-- for aggregate (query.py:22)
-- it has a row for each customer there is
CREATE TABLE IF NOT EXISTS aggregate__aggregate (
    customer BIGINT NOT NULL,
    cents BIGINT NOT NULL,
    mean_sum BIGINT NOT NULL,
    distinct_1 BIGINT NOT NULL,
    first_1 BIGINT,
    n BIGINT NOT NULL,
    PRIMARY KEY (customer),
    CONSTRAINT aggregate__aggregate__not_negative CHECK (n >= 0)
) WITH (fillfactor = 70);
--   aggregate__aggregate: what it is for, as \d+ shows it
COMMENT ON TABLE aggregate__aggregate IS 'stepping: one row per group of aggregate: its number of rows and its sums; for aggregate';
--   a sum of integers, or an error where it does not fit in 64 bits
CREATE OR REPLACE FUNCTION stepping_sum(total numeric, sum_name text, key text)
RETURNS bigint LANGUAGE sql PARALLEL SAFE
RETURN CASE
  WHEN total BETWEEN -9223372036854775808 AND 9223372036854775807 THEN total::bigint
  ELSE ('stepping: the sum ' || sum_name || ' does not fit in 64 bits'
    || coalesce(' for the group ' || nullif(key, ''), ''))::integer
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
  ('aggregate__aggregate', 0), ('aggregate__orders', 0), ('aggregate__orders_2', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'aggregate',
    '181b91bed89e07281863c7688a2fdd08',
    'postgres',
    2,
    '2 5ff611cc78313810 QlpoOTFBWSZTWaxBgGcACUvfgEAAUOd//z/v3u6/7//uYAeD7bepLcLgHKttRoAakQSSmjUwptIeJT9Kep7Qm1T9KfpT1Aeo0HqZkj0IGGoaaBoTSagAAAAAAAAAOMmTTTCZGQMCMTRgjCDRpgAEEmpFMVPTI0mQyMj0gAABpk0BoADjJk00wmRkDAjE0YIwg0aYABBFEIBNAEyKm2mkDUaZom1MIyM1PapobUYEB2iR/qu7jMbVf1Uck2+83XyOj1ONQc7a4OQ281fmAdWoqM/S2E6FuyDCoKi8ZdaZP80r5+/2ilBGYZO/pKUnWSzbiJdBEzVSa9tKujzBx86ZHVD04RziCCApLG4nn9E68/nx0pX2Nu/Ur+heBU9ZQpuMtc4OxB6xiARkPsSAYJBYkWAYCJEGdU0TALERJwdZXeArGvQMroXzYOYaxT5fhz3QxPkLA7U9wPuNcEmGIHR90rq4dv4zhlN1wSXvPqtrVgiPDJ42bBYh9FxLWKEDYoqkkoGi+1emF5Y4Q5zJypnOkLuJB8RP1ddQ0N5fpQO88LgMYIhxhlImCCJYiDBiCCSIf0kUsFixnIyiXgFEChjTKlyiguRIU3jQVTGSHHu7uecmkoev2w72DU3VoxWXoR7iEK5Tbrx8j+En0UKGhQ7tbWZJ77SQF9U8YyiCHxsJUhPgwEkKMmaMlKyFRkqMirI2CioxMe3LKW17wWKZNyCm5yG33GtmxktzTvdJJgj3xxvgMEyDEs+FriY1QWm3ksrT3imtIC5S7xSxqQMcqaPucxH1oJhtVkIGUUDkEQsGTUe8tK8g8oWRmoKFFaRTEo6FCwbcdYMm911LmymZSg3B0KVpUG0zFrSZFIhDkGxfAVnN8JrVQC59oAiiU2pTBJuO44lVdu1wrRL6xXhac2UDBiSSDGtmUcJFaZCVuCyj6pjsZcDOB6T2nmfcmhfY8z34ntArYH8gPeSSQ1Ywf1YA/AiG4h2YmLqhCe8rqB7n7bGhTZCew3P4mAZkB76OA1/1ofobx5FwQSpwL+DBvY3l4GimyXgJkxcUfcOFDFrxMgehQnMCCh3A+eheQbeTVqbSRlgguLpLmTIAuLmolmAgqDmEDQlk3AFx3ULg60cChtcjEC8O4NdgfiXauA6mBuLFGw8dg0EgSFuAshcTdDoWOiGqWOZ0LCQaBmRiF6knHxX/AnMM18hSwOIJqz750gSgyCwwUOXDj2dh7k0WsWM0twclNK8o1GJF1d73HvyCkta1oWkwCH6okQn+4f2PZd+UlXHDGS5+Zs2YQP8lWauLPh6kdjk5r35bewM4VhtmM276DceGokFphSEQxB9Lid5/6f2/701/cOShuAzKGnQq9DOAQ81hSFJFw4cTi2O3LZBlkfDSUGxpgGPUXlRkls0THNDTs7VPQ15cXzdOaTRo1arw0iPCS+Nw27FzeREkVuOez3Rnrv66TXOOU5cPIwpnhyyfSxtIMESdtqhThMNU3OidfXHXDIZwFpMSg4mFVSxTTExmQeQBDe+ORJgvpN3Tjsw7YOXxZZxUU2ljaMvLpt7VLth2+K1USwoaDmHyOBWhuQhevq29C82EUSvVmaCHF4h4adnD4b8qE5NDeGe0flN37jqGoitlRbkgzV6YdM9raM9WlR6psWh1tNrBGidCKxDCSRxeAoQg91TvFDtew+JmSB6nrUoaF4p09POWVzYB8n5NjiPoUMsPjHyIvrphJlAMh85Ul+Yg5t6dDMZqGuo8ymZzhQx+BAYvGYDieoc14SWzMQMyBlurgR8YdoubmtCAwSRO6Cih33JYa6SSB+wpjpuwxmpjgl7aBlkcyqBYaEKGREWSw2CqliRxq1+VIAC8CwWDw5vCgmDYO8zL05jvOUMZN+PX+p0MOoZFxsHCFMsgvfBvIeowJ1cHzAMjFateK3ZfB3lbBHCIYGIHmxxKB90CFHQud5cKG+LUKloGIGdbNStZCUsoYpekqTTKTWWsUJVqHeq947W8WKC9GZKKTBSLmvblkyZE5lGCzglf6JU3XjyGm1Ybo1794yy0+LDDAqy0Wij07pab6XEuEwwKI3KvSKCFBmwURVvlM0zhUzapIGIZFpOK40aXM0hiDeVGowOdfRGHkONPtoGe4IeETDdsAPVwDmhIQFk2m0SWyS73ug3j4ZDoOTZ4xEQQlRhCUcyssNzgAbVDXcwQIqedpRP3uCD22aYbDiB6ShXx1YLVJdE/4u5IpwoSFYgwDOA='
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
-- locked first: aggregate__aggregate, aggregate__orders, aggregate__orders_2 in last_update
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
  FROM aggregate__orders_2 AS a
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
    FROM aggregate__orders_2 AS a
    WHERE
      hash_record_extended(ROW(a."left", a."right"), 0) = hash_record_extended(ROW(g."left", g."right"), 0)
      AND ROW(a."left", a."right") IS NOT DISTINCT FROM ROW(g."left", g."right")
    LIMIT 1
  ) AS l ON TRUE
), inserted AS (
  INSERT INTO aggregate__orders_2 ("left", "right", c)
  SELECT o."left", o."right", o.c
  FROM found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), updated AS (
  UPDATE aggregate__orders_2 AS a
  SET c = o.c
  FROM found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
)
DELETE FROM aggregate__orders_2 AS a
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
    FROM aggregate__orders AS a
    WHERE
      a."left" = g."left"
      AND a."right" = g."right"
      AND hash_record_extended(ROW(a."left", a."right"), 0) BETWEEN g.stepping_h0 AND g.stepping_h0
      AND ROW(a."left", a."right") IS NOT DISTINCT FROM ROW(g."left", g."right")
    ORDER BY hash_record_extended(ROW(a."left", a."right"), 0)
    LIMIT 1
  ) AS l ON TRUE
), inserted AS (
  INSERT INTO aggregate__orders ("left", "right", c)
  SELECT o."left", o."right", o.c
  FROM found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), updated AS (
  UPDATE aggregate__orders AS a
  SET c = o.c
  FROM found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
)
DELETE FROM aggregate__orders AS a
USING found AS o
WHERE a.ctid = o.stepping_rid AND o.c = 0;
-- 8. aggregate (query.py:22)
INSERT INTO stepping_change_aggregate_4c159b (
  customer, n0, n1, cents_0, cents_1, mean_sum_0, mean_sum_1, distinct_1_0, distinct_1_1,
  first_1_0, first_1_1
)
SELECT
  g.customer, a.n AS n0, COALESCE(a.n, 0) + g.n AS n1, a.cents AS cents_0,
  stepping_sum(COALESCE(a.cents, 0) + g.cents, 'cents', CAST(g.customer AS TEXT)) AS cents_1,
  a.mean_sum AS mean_sum_0,
  stepping_sum(COALESCE(a.mean_sum, 0) + g.mean_sum, 'mean_sum', CAST(g.customer AS TEXT)) AS mean_sum_1,
  a.distinct_1 AS distinct_1_0, COALESCE(a.distinct_1, 0) + g.distinct_1 AS distinct_1_1,
  a.first_1 AS first_1_0,
  (
    SELECT m."right"
    FROM aggregate__orders AS m
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
  FROM aggregate__aggregate AS a
  WHERE a.customer = g.customer
  OFFSET 0
) AS a ON TRUE;
-- 9. aggregate (query.py:22)
WITH found AS MATERIALIZED (
  SELECT g.*, a.ctid AS stepping_rid
  FROM stepping_change_aggregate_4c159b AS g
  LEFT JOIN aggregate__aggregate AS a ON a.customer = g.customer
), inserted AS (
  INSERT INTO aggregate__aggregate (customer, n, cents, mean_sum, distinct_1, first_1)
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
  UPDATE aggregate__aggregate AS a
  SET
    n = o.n1, cents = o.cents_1, mean_sum = o.mean_sum_1, distinct_1 = o.distinct_1_1,
    first_1 = o.first_1_1
  FROM found AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
)
DELETE FROM aggregate__aggregate AS a
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
