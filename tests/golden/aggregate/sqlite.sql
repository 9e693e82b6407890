-- The query aggregate on sqlite; fingerprint 144faec8a76c5a98204dba446ac1d31b
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
-- functions registered on the connection: stepping_truediv; each is exactly one Python builtin
--
-- One changed row of orders: 10 statements, 9 look-ups, 4 rows written
--   aggregate__orders_2 as a whole row, 2 times, at most one row
--   aggregate__orders as a whole row, at most one row
--   aggregate__aggregate by customer, 4 times, at most one row
--   aggregate__orders by left, 2 times, the first row

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
-- aggregate__orders: the rows of aggregate, read in the order of left, right
-- for aggregate (query.py:22)
-- it has a row for each different row of the result of aggregate
CREATE TABLE IF NOT EXISTS aggregate__orders (
    "left" INTEGER NOT NULL,
    "right" INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY ("left", "right")
) WITHOUT ROWID;
--   aggregate__orders__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS aggregate__orders__gone
AFTER UPDATE OF c ON aggregate__orders WHEN NEW.c = 0
BEGIN
    DELETE FROM aggregate__orders WHERE "left" = NEW."left" AND "right" = NEW."right";
END;
--   aggregate__orders__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS aggregate__orders__below_zero ON aggregate__orders (c) WHERE c < 0;
-- aggregate__orders_2: the integral of aggregate
-- for aggregate (query.py:22)
-- it has a row for each different row of the result of aggregate
CREATE TABLE IF NOT EXISTS aggregate__orders_2 (
    "left" TEXT NOT NULL,
    "right" INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY ("left", "right")
) WITHOUT ROWID;
--   aggregate__orders_2__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS aggregate__orders_2__gone
AFTER UPDATE OF c ON aggregate__orders_2 WHEN NEW.c = 0
BEGIN
    DELETE FROM aggregate__orders_2 WHERE "left" = NEW."left" AND "right" = NEW."right";
END;
--   aggregate__orders_2__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS aggregate__orders_2__below_zero ON aggregate__orders_2 (c) WHERE c < 0;
-- aggregate__aggregate: one row per group of aggregate: its number of rows and its sums
-- for aggregate (query.py:22)
-- it has a row for each customer there is
CREATE TABLE IF NOT EXISTS aggregate__aggregate (
    customer INTEGER NOT NULL,
    cents INTEGER NOT NULL,
    mean_sum INTEGER NOT NULL,
    distinct_1 INTEGER NOT NULL,
    first_1 INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (customer),
    CONSTRAINT aggregate__aggregate__not_negative CHECK (n >= 0)
) WITHOUT ROWID;
--   aggregate__aggregate__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS aggregate__aggregate__gone
AFTER UPDATE OF n ON aggregate__aggregate WHEN NEW.n = 0
BEGIN
    DELETE FROM aggregate__aggregate WHERE customer = NEW.customer;
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
    '144faec8a76c5a98204dba446ac1d31b',
    'sqlite',
    2,
    '2 19d2dd40ce94d5a4 QlpoOTFBWSZTWXVCNv0ACATfgEAAUGV//z/v3u6/7//+UAYaZvTq4vPDx3TilsOIhJEmhMGkNRtU8TUemo9IANA2pptQAMg1NNGgT1NTUGg00AAaABoBoaABJqJTU01PQg0PUDIADIaM1ABpoACKVPTUT1Dag0ANAAA0AAyaekABFJNNMhNGkyaKYZqj9U9RoDRoZDQNqACEgfGQOA5dOtq+9qOsHIZ05wct0aOEDuhwJ6XZnKSihU8dEmkrQ84zdAFiuYBgXaXK36yZoqZSZUK3DMz4kGUTyGk6105fW9rQIO47hVSZhtHXUAF3zshHIXrIR+ZhsSTQyjwDGZrA2SfYK+wsWKWCiJIcAHkxDATZG02SvAOOSZujc9sJNRAGiDNFjHOMgRbuzOhmmYMwzVkVMNiNlFUklA0Y2sErEs5B7isVlD7oEnFRHkdh+rDoGZqYZ3B1HbQDYRZnZUGkRqMQYMQQSRD+kilhZZoAZRMQCiBQyqlTBRQYARDjTJnB3ZMkjpwwqWCg6D0IMS5Xy3hOjS3SG4WMP9EKGIyYjJSshUZKjIqyTQBx0yY38QUYgvuBpX4Dmkufq3bm5XauUaEidiJJox0YBfJ+MnI5ghu31tmuWR60wKsJVV7CfZO6ttkK2hQ6pHBryk+YNtJo3BdGBxndRxOc2JtnGZ3ksdhOrli1aQhatrryvOkXwWqtOr3hTKNCQWSlKcyoPdda1uZo02wvjRAgU2U3VNa9bSvsSSDBMhC1ch5whedd6JF55zgYGb6M5eOQB1B7MYmhsGS7rCltGuwphamTU1izZJacYCyVATwNsDE0Ori6qXsPj6ALMOAG4YKwpV/QC9wm6A6uL+4Ox2NzJMiTcYAs5AyBhhM2EtuBNWbxxeDJxQNYSoEni/i5OjMDPYBoBvgHYzwcmqlylmdX2yYAmDJq4ASAlGUSbk4ZNYnGM394pYHrAM5zHUOYsoSzPtRmYYKHHNE4p95ol9fkppXWNRiRef79Z884Ul3dwuTOR4FqkA9oTK8svJM2IyS7JwOHqY9nD4dU0T4vD5hUE0JRVF81qzNrdMhmHGB2CICON2fv50PwM9AqGmRTJwuZCrWwFwo079/AaWw26W1aap8TCoDObzoHMDeZJ9dmzORNkr3aqejjtuilXXZBKzWKVEwSvonxYYYSZlyfSVks2MLIPU2h89Laxws+LDzENu2+YXdUk3Op5+6DxMIkBeeQPfhJSlEMQZsGDUOYBDauC9+nVyz7+yuOIY3Kmmgw7+GnIt5pSEKCBiFujodpftQ69DhSkXDyruN0wBtWAd5T92XJApWUMmVXdpWHMjFlmxbXo783dn0ju899Ods5becBkIb4FCPB0ECETwZ8RA8Osebw8xkUROAcxswDaw9qhhTpK+CkAnDxjBJRReUC2RKgpQigioorNQudLdPQBTAFyf9PYCbNpKApSY3IkgaNpJgWZr9KHx+jDZ71rJgDDiNyBMZQCYzHMLwmXkhuu6JAjQCYV5HFkmDMOh5E5AcepirT0+VjHFJwJfliQdgEL10f5AK3M8OTs3VCAdXTh9sAE3KjeIG/dcTgXfQpOcEJcgWTAGpNopN+lpHp1eI7nZLKDFGZKmRBynV2ZsjUcplCsE6IG2TTjx6dW8Va0XFHdwlzUmBMECpQxFESpeFEVd3NsBjbhpSSYd15cxlFBuCAMvUNPVIK2IdsBfYA7/KG8CQQF4ZDE0kbeMGoHbYcws3nGIiCBmMLJNSciGjUA4m5Q26sEEERB6YlEEHA0w0OYDiKFfLVhdSYRP+LuSKcKEg6oRt+gA=='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_change_aggregate_4c159b (
    customer INTEGER,
    n0 INTEGER,
    n1 INTEGER,
    cents_0 INTEGER,
    cents_1 INTEGER,
    mean_sum_0 INTEGER,
    mean_sum_1 INTEGER,
    distinct_1_0 INTEGER,
    distinct_1_1 INTEGER,
    first_1_0 INTEGER,
    first_1_1 INTEGER
);
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_orders_1ea38f (
    customer INTEGER,
    cents INTEGER,
    coupon TEXT,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_exists_orders_903606 (
    "left" TEXT,
    "right" INTEGER,
    c INTEGER NOT NULL
);

------------------------------------------------------------------------------
-- When orders changes: one transaction
------------------------------------------------------------------------------
-- locked first: aggregate__aggregate, aggregate__orders, aggregate__orders_2 in last_update
-- 1. orders (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_orders_1ea38f;
-- 2. aggregate (query.py:22): empty the delta table
DELETE FROM temp.stepping_exists_orders_903606;
-- 3. aggregate (query.py:22): empty the delta table
DELETE FROM temp.stepping_change_aggregate_4c159b;
-- 4. orders (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_orders_1ea38f (customer, cents, coupon, c) VALUES (?, ?, ?, ?)
-- 5. aggregate (query.py:22)
INSERT INTO temp.stepping_exists_orders_903606 ("left", "right", c)
SELECT g."left", g."right", CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE -1 END AS c
FROM (
  SELECT g."left", g."right", SUM(g.c) AS c
  FROM (
    SELECT d0.coupon AS "left", d0.customer AS "right", d0.c
    FROM temp.stepping_delta_orders_1ea38f AS d0
    WHERE d0.coupon IS NOT NULL
  ) AS g
  GROUP BY g."left", g."right"
  HAVING SUM(g.c) <> 0
) AS g
LEFT JOIN aggregate__orders_2 AS a
  ON a."left" = COALESCE(g."left", x'') AND a."right" = g."right"
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 6. aggregate (query.py:22)
INSERT INTO aggregate__orders_2 ("left", "right", c)
SELECT COALESCE(d6.coupon, x'') AS "left", d6.customer AS "right", d6.c
FROM temp.stepping_delta_orders_1ea38f AS d6
WHERE d6.coupon IS NOT NULL
ORDER BY "left", "right"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(aggregate__orders_2.c + excluded.c) = 'integer'
    THEN aggregate__orders_2.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of aggregate')
  END;
-- 7. aggregate (query.py:22): a count below 0, looked for where rows were removed
SELECT "left", "right", c FROM aggregate__orders_2 WHERE c < 0 LIMIT 1;
-- 8. aggregate (query.py:22)
INSERT INTO aggregate__orders ("left", "right", c)
SELECT d5.customer AS "left", d5.cents AS "right", d5.c
FROM temp.stepping_delta_orders_1ea38f AS d5
WHERE TRUE
ORDER BY "left", "right"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(aggregate__orders.c + excluded.c) = 'integer'
    THEN aggregate__orders.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of aggregate')
  END;
-- 9. aggregate (query.py:22): a count below 0, looked for where rows were removed
SELECT "left", "right", c FROM aggregate__orders WHERE c < 0 LIMIT 1;
-- 10. aggregate (query.py:22)
INSERT INTO temp.stepping_change_aggregate_4c159b (
  customer, n0, n1, cents_0, cents_1, mean_sum_0, mean_sum_1, distinct_1_0, distinct_1_1,
  first_1_0, first_1_1
)
SELECT
  g.customer, a.n AS n0,
  CASE
    WHEN typeof(COALESCE(a.n, 0) + g.n) = 'integer' THEN COALESCE(a.n, 0) + g.n
    ELSE json_extract(
      '{}',
      'stepping: a count does not fit in 64 bits: that of the rows of the group ' || g.customer
    )
  END AS n1,
  a.cents AS cents_0,
  CASE
    WHEN (
      (COALESCE(a.cents, 0) >> 32) + g.cents + (((COALESCE(a.cents, 0) & 4294967295) + g.cents_low) >> 32)
    ) BETWEEN -2147483648 AND 2147483647
    AND typeof(g.cents) <> 'real'
    AND typeof(g.cents_low) <> 'real'
    THEN (
      (
        (COALESCE(a.cents, 0) >> 32) + g.cents + (((COALESCE(a.cents, 0) & 4294967295) + g.cents_low) >> 32)
      ) << 32
    ) | (((COALESCE(a.cents, 0) & 4294967295) + g.cents_low) & 4294967295)
    ELSE json_extract('{}', 'stepping: the sum cents does not fit in 64 bits for the group ' || g.customer)
  END AS cents_1,
  a.mean_sum AS mean_sum_0,
  CASE
    WHEN (
      (COALESCE(a.mean_sum, 0) >> 32) + g.mean_sum + (((COALESCE(a.mean_sum, 0) & 4294967295) + g.mean_sum_low) >> 32)
    ) BETWEEN -2147483648 AND 2147483647
    AND typeof(g.mean_sum) <> 'real'
    AND typeof(g.mean_sum_low) <> 'real'
    THEN (
      (
        (COALESCE(a.mean_sum, 0) >> 32) + g.mean_sum + (((COALESCE(a.mean_sum, 0) & 4294967295) + g.mean_sum_low) >> 32)
      ) << 32
    ) | (((COALESCE(a.mean_sum, 0) & 4294967295) + g.mean_sum_low) & 4294967295)
    ELSE json_extract('{}', 'stepping: the sum mean_sum does not fit in 64 bits for the group ' || g.customer)
  END AS mean_sum_1,
  a.distinct_1 AS distinct_1_0,
  CASE
    WHEN typeof(COALESCE(a.distinct_1, 0) + g.distinct_1) = 'integer'
    THEN COALESCE(a.distinct_1, 0) + g.distinct_1
    ELSE json_extract('{}', 'stepping: the sum distinct_1 does not fit in 64 bits for the group ' || g.customer)
  END AS distinct_1_1,
  NULLIF(a.first_1, x'') AS first_1_0,
  (
    SELECT m."right"
    FROM aggregate__orders AS m
    WHERE m."left" = g.customer
    ORDER BY m."right" ASC
    LIMIT 1
  ) AS first_1_1
FROM (
  SELECT
    u.customer, SUM(u.stepping_counted) AS n, SUM((u.cents >> 32) * u.n) AS cents,
    SUM((u.cents & 4294967295) * u.n) AS cents_low, SUM((u.mean_sum >> 32) * u.n) AS mean_sum,
    SUM((u.mean_sum & 4294967295) * u.n) AS mean_sum_low, SUM(u.distinct_1 * u.n) AS distinct_1
  FROM (
    SELECT
      d1.customer, d1.cents, d1.cents AS mean_sum, 0 AS distinct_1, d1.c AS n,
      d1.c AS stepping_counted
    FROM temp.stepping_delta_orders_1ea38f AS d1
    UNION ALL
    SELECT
      d2."right" AS customer, 0 AS cents, 0 AS mean_sum, 1 AS distinct_1, d2.c AS n,
      0 AS stepping_counted
    FROM temp.stepping_exists_orders_903606 AS d2
  ) AS u
  GROUP BY 1
) AS g
LEFT JOIN aggregate__aggregate AS a ON a.customer = g.customer;
-- 11. aggregate (query.py:22)
INSERT INTO aggregate__aggregate (customer, cents, mean_sum, distinct_1, first_1, n)
SELECT
  g.customer, g.cents_1, g.mean_sum_1, g.distinct_1_1, COALESCE(g.first_1_1, x''),
  CASE
    WHEN g.n1 <> 0 THEN g.n1
    WHEN g.cents_1 <> 0 OR g.mean_sum_1 <> 0
    THEN json_extract(
      '{}',
      'stepping: no rows are left in the group ' || g.customer || ', whose cents is ' || g.cents_1 || ', whose mean_sum is ' || g.mean_sum_1
    )
    ELSE 0
  END
FROM temp.stepping_change_aggregate_4c159b AS g
WHERE g.n1 <> 0 OR g.n0 IS NOT NULL OR g.cents_1 <> 0 OR g.mean_sum_1 <> 0
ON CONFLICT DO UPDATE SET
  cents = excluded.cents, mean_sum = excluded.mean_sum, distinct_1 = excluded.distinct_1,
  first_1 = excluded.first_1, n = excluded.n;
-- 12. aggregate (query.py:22): the change of an output
SELECT
  d3.n0 AS left_n, d3.cents_0 AS left_cents,
  CASE
    WHEN d3.first_1_0 IS NULL
    THEN json_extract(
      '{}',
      'stepping: a smallest or largest of nothing: ' || CASE WHEN d3.first_1_0 IS NULL THEN 'None' ELSE CAST(d3.first_1_0 AS TEXT) END
    )
    ELSE d3.first_1_0
  END AS left_cheapest,
  d3.distinct_1_0 AS left_coupons,
  CASE
    WHEN d3.n0 = 0
    THEN json_extract('{}', 'stepping: st.agg.avg (mean=) of nothing: the count is ' || CAST(d3.n0 AS TEXT))
    ELSE coalesce(
      CASE
        WHEN d3.mean_sum_0 BETWEEN (-9007199254740992) AND 9007199254740992
        AND d3.n0 BETWEEN (-9007199254740992) AND 9007199254740992
        THEN CAST(d3.mean_sum_0 AS REAL) / d3.n0
        ELSE stepping_truediv(d3.mean_sum_0, d3.n0)
      END + 0.0,
      json_extract('{}', 'stepping: int / int fails: ' || coalesce(d3.mean_sum_0, 'nothing'))
    )
  END AS left_mean,
  d3.customer AS "right", -1 AS stepping_count
FROM temp.stepping_change_aggregate_4c159b AS d3
WHERE
  d3.n0 IS NOT NULL
  AND (
    d3.n1 = 0
    OR NOT (
      d3.n0 IS d3.n1
      AND d3.cents_0 IS d3.cents_1
      AND d3.mean_sum_0 IS d3.mean_sum_1
      AND d3.distinct_1_0 IS d3.distinct_1_1
      AND d3.first_1_0 IS d3.first_1_1
    )
  )
UNION ALL
SELECT
  d4.n1 AS left_n, d4.cents_1 AS left_cents,
  CASE
    WHEN d4.first_1_1 IS NULL
    THEN json_extract(
      '{}',
      'stepping: a smallest or largest of nothing: ' || CASE WHEN d4.first_1_1 IS NULL THEN 'None' ELSE CAST(d4.first_1_1 AS TEXT) END
    )
    ELSE d4.first_1_1
  END AS left_cheapest,
  d4.distinct_1_1 AS left_coupons,
  CASE
    WHEN d4.n1 = 0
    THEN json_extract('{}', 'stepping: st.agg.avg (mean=) of nothing: the count is ' || CAST(d4.n1 AS TEXT))
    ELSE coalesce(
      CASE
        WHEN d4.mean_sum_1 BETWEEN (-9007199254740992) AND 9007199254740992
        AND d4.n1 BETWEEN (-9007199254740992) AND 9007199254740992
        THEN CAST(d4.mean_sum_1 AS REAL) / d4.n1
        ELSE stepping_truediv(d4.mean_sum_1, d4.n1)
      END + 0.0,
      json_extract('{}', 'stepping: int / int fails: ' || coalesce(d4.mean_sum_1, 'nothing'))
    )
  END AS left_mean,
  d4.customer AS "right", 1 AS stepping_count
FROM temp.stepping_change_aggregate_4c159b AS d4
WHERE
  d4.n1 <> 0
  AND NOT (
    d4.n0 IS d4.n1
    AND d4.cents_0 IS d4.cents_1
    AND d4.mean_sum_0 IS d4.mean_sum_1
    AND d4.distinct_1_0 IS d4.distinct_1_1
    AND d4.first_1_0 IS d4.first_1_1
  );
