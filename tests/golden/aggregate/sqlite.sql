-- The query aggregate on sqlite; fingerprint 9a773513a89d93cfdfe05db5af425345
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
-- functions registered on the connection: stepping_truediv; each is exactly one Python builtin
--
-- One changed row of orders: 10 statements, 9 look-ups, 4 rows written
--   aggregate__orders_0dd177 as a whole row, 2 times, at most one row
--   aggregate__orders_8fd2ae as a whole row, at most one row
--   aggregate__aggregate_203925 by customer, 4 times, at most one row
--   aggregate__orders_8fd2ae by left, 2 times, the first row

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
-- aggregate__orders_8fd2ae: the rows of aggregate, read in the order of left, right
-- for aggregate (query.py:22)
-- it has a row for each different row of the result of aggregate
CREATE TABLE IF NOT EXISTS aggregate__orders_8fd2ae (
    "left" INTEGER NOT NULL,
    "right" INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY ("left", "right")
) WITHOUT ROWID;
--   aggregate__orders_8fd2ae__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS aggregate__orders_8fd2ae__gone
AFTER UPDATE OF c ON aggregate__orders_8fd2ae WHEN NEW.c = 0
BEGIN
    DELETE FROM aggregate__orders_8fd2ae WHERE "left" = NEW."left" AND "right" = NEW."right";
END;
--   aggregate__orders_8fd2ae__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS aggregate__orders_8fd2ae__below_zero ON aggregate__orders_8fd2ae (c) WHERE c < 0;
-- aggregate__orders_0dd177: the integral of aggregate
-- for aggregate (query.py:22)
-- it has a row for each different row of the result of aggregate
CREATE TABLE IF NOT EXISTS aggregate__orders_0dd177 (
    "left" TEXT NOT NULL,
    "right" INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY ("left", "right")
) WITHOUT ROWID;
--   aggregate__orders_0dd177__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS aggregate__orders_0dd177__gone
AFTER UPDATE OF c ON aggregate__orders_0dd177 WHEN NEW.c = 0
BEGIN
    DELETE FROM aggregate__orders_0dd177 WHERE "left" = NEW."left" AND "right" = NEW."right";
END;
--   aggregate__orders_0dd177__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS aggregate__orders_0dd177__below_zero ON aggregate__orders_0dd177 (c) WHERE c < 0;
-- aggregate__aggregate_203925: one row per group of aggregate: its number of rows and its sums
-- for aggregate (query.py:22)
-- it has a row for each customer there is
CREATE TABLE IF NOT EXISTS aggregate__aggregate_203925 (
    customer INTEGER NOT NULL,
    cents INTEGER NOT NULL,
    mean_sum INTEGER NOT NULL,
    distinct_1 INTEGER NOT NULL,
    first_1 INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (customer),
    CONSTRAINT aggregate__aggregate_203925__not_negative CHECK (n >= 0)
) WITHOUT ROWID;
--   aggregate__aggregate_203925__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS aggregate__aggregate_203925__gone
AFTER UPDATE OF n ON aggregate__aggregate_203925 WHEN NEW.n = 0
BEGIN
    DELETE FROM aggregate__aggregate_203925 WHERE customer = NEW.customer;
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
    '9a773513a89d93cfdfe05db5af425345',
    'sqlite',
    2,
    '2 4014e0ad29e3bb93 QlpoOTFBWSZTWX58vEEACEdfgEAAUGV//z/v3u6/7//+YAYhd9KvuIDleedCouIhKEkbSGIaGSZNGQYj1AAGjTINNANTCamCaRqANAAAAGgAAAOMmTJiMTACZMEyAGjCMAQwCTUSSYp6nqaaekaBkAAAaYgA0ABFIJlPUZTKj2inpqPUD1Dyh6nlDNTym0jMUyAJFJiTU9J4TTSYpjCR6gANAGgZANFBED0RApO61ZVnZJygO0epXDU5h9IGMOVehmZmHkMKP9Z9aypGFIq5QLCSKAoJ+kiR6pVWokCSqkKXLd1mvjlSoZzAaE67XS0auHMjDMXnkwtGisBJmdYhfqXXEP2VhnrVo+TQIkyDRVdoudFopiwwQbkRvAeDmQCuuNg5VeAkPOiLC+hwkbMAYsdnOcqoREN3RNzKZBkM6eYqYbEbKKpJKBoxrwSsSzSHWZHkg11sRF5BC0mo+yasDKXlOWgM5rmBtIszsqDSI1GIMGIIJIh/SRSwss0gMomIBRAoZVSpgooMAIiA4pwCEGmkjHDPxLOoQQeVBpLFdbwCaNb6A3Cxh/ohQxGTEZKVkKjJUZFWk6AgQTTOH0BSkC6wNa7A5rVt9+/oSegrLZWa5duWFtiZ3UQ4o5Mu6tgKp9vHpwaedtnz7XA57aMLOMwK3kbp2VtCOAqRsqQwRskAH6CUpEjW+TWLDDSqVSRTlRQFvggo+5FILbA5s+ytH1a6jJNn2QrQ0QXXMAZQmZtRwInRi90pFMVrbI7cMI2rgvADRUUArjTVr16RjZtnG6iqHCwiPLvPXCHW8z2TOt/I+5gavg1n36wP0D3MeTRkbHnYUzR8ZKe10Zuj4i1ZpZuBkaAV/hzA8mjucO5SrD5dIGphsBtGC8KXf5Aq2o6A7nD5g5ubNkmskzLAtJAyBhhNjCatoJuaO/DwsnCBuhLgSd763W6NANmYGgHxQDm0s626k1NTS74SYAoDJu2AkBJhkLwPUvaJwjODfKWB6wDOcp0TlLKEsz82MyGChwzTPVPvNMvqeymleIajEi7fu4z5VJnC0q7uFxoBA9URHdEQr3A2ra33taMKzmPeX64O3i5LxxcnJl8A5gVt5zjAW62b7E2yMpIpFHyJk27J/wLyARiROInJJqEA90ULRBc03TSt+7kvrPFVnJqwFsymYYmMpFgl3x2KSVlfihx446iJXr27MCJHhFdkiF19M9LGMSbWP1uA47sEGnLCPE7oYaqdGGXQBWuxNbhBffK2QRxgjMsC42M7Cl7VQwmcob4SUpRDEGjBd1B9IBDi9lz37eKez6OS+MBiYK1NJW2iawxtnVzwgIJiA4gq7qsNZK1BosM85ugWhdp0RAN6zhqU+2+qgyK8Kr1Z/isOZGlrNpfLybYw2Zdr2c9O6pBlrpjbuYViDMxIHwVggGhHBRxEBw0C3Lj5ismhFgbhVJgqqhakgtlzyrBlAMg6CA4GqbSw81TAXRLFWqazuC3pdE6QKmBhLtlsCSkqiIVIkLB0IDkpRUDKq/BQ6Om2fo1aksDDgZoFBlAJig7AqFCpIZz50gRyAoF+M3sks0DnOVOMDf8bF3Ls+VjE8K114IPkAheLJ94BebS3G57bgwV6sz+xgEVXNSEBmuoIsSzTJxixooQGiG0EqR4FZr3avEed1iygxRklGaRQHNOlomgajmmaFYJuAayaseDVvb5VrRcUdkxc3kwJZAqUMRREqXhRFXZltBjWalAFOyRQnW5ioBgV9Ip9MAyVDVrCVQBt5QzAQBhIKxOKIFuLLwNVQsoVKRi22MURNKCLyMBqayAGJckFt6YxjbPQyCTYaoaXID0lCvhqwupMIn/F3JFOFCQfny8QQA=='
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
-- locked first: aggregate__aggregate_203925, aggregate__orders_0dd177, aggregate__orders_8fd2ae in last_update
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
LEFT JOIN aggregate__orders_0dd177 AS a
  ON a."left" = COALESCE(g."left", x'') AND a."right" = g."right"
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 6. aggregate (query.py:22)
INSERT INTO aggregate__orders_0dd177 ("left", "right", c)
SELECT COALESCE(d6.coupon, x'') AS "left", d6.customer AS "right", d6.c
FROM temp.stepping_delta_orders_1ea38f AS d6
WHERE d6.coupon IS NOT NULL
ORDER BY "left", "right"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(aggregate__orders_0dd177.c + excluded.c) = 'integer'
    THEN aggregate__orders_0dd177.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of aggregate')
  END;
-- 7. aggregate (query.py:22): a count below 0, looked for where rows were removed
SELECT "left", "right", c
FROM aggregate__orders_0dd177
WHERE c < 0
LIMIT 1;
-- 8. aggregate (query.py:22)
INSERT INTO aggregate__orders_8fd2ae ("left", "right", c)
SELECT d5.customer AS "left", d5.cents AS "right", d5.c
FROM temp.stepping_delta_orders_1ea38f AS d5
WHERE TRUE
ORDER BY "left", "right"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(aggregate__orders_8fd2ae.c + excluded.c) = 'integer'
    THEN aggregate__orders_8fd2ae.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of aggregate')
  END;
-- 9. aggregate (query.py:22): a count below 0, looked for where rows were removed
SELECT "left", "right", c
FROM aggregate__orders_8fd2ae
WHERE c < 0
LIMIT 1;
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
    FROM aggregate__orders_8fd2ae AS m
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
LEFT JOIN aggregate__aggregate_203925 AS a ON a.customer = g.customer;
-- 11. aggregate (query.py:22)
INSERT INTO aggregate__aggregate_203925 (customer, cents, mean_sum, distinct_1, first_1, n)
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
