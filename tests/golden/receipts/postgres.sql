-- The query receipts on postgres; fingerprint e87a80904674734555c8af04418e1aa8
--
-- output 1
--   4. items = map  query.py:34
--   │    incremental: of the change alone, since f(a + b) = f(a) + f(b)
--   │    is receipts_items, a view of receipts__items
--   │    keeps receipts__items
--   │          key (basket_id): look-ups, and the row itself
--   │          index receipts__items__basket_id (basket_id): reads in the order of basket_id
--   └─ 3. joined = join  query.py:28
--      │    incremental: the change of each side meets the rows of the other with its key
--      ├─ 1. products (input)
--      │       keeps receipts__products
--      │             key (name): look-ups, and the row itself
--      └─ 2. line_items (input)
--              keeps receipts__line_items
--                    key (product_name): look-ups, and the row itself
-- output 2
--   5. totals = group_reduce_flatten  query.py:37
--   │    incremental: the groups that the change touches are read and set anew
--   │    keeps receipts__totals
--   │          key (basket_id): one row per key
--   └─ 4. items = map  query.py:34 (above)
-- cache 'items'
--   6. items = integrate  query.py:36
--   │    incremental: the change is added to the table
--   └─ 4. items = map  query.py:34 (above)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of products: 1 statement, 2 look-ups, and 2 look-ups for each row that those find
--   receipts__products as a whole row, at most one row
--   receipts__line_items by product_name
--   receipts__items as a whole row, at most one row
--   receipts__totals by basket_id, at most one row
-- One changed row of line_items: 1 statement, 2 look-ups, and 2 look-ups for each row that those find
--   receipts__line_items as a whole row, at most one row
--   receipts__products by name
--   receipts__items as a whole row, at most one row
--   receipts__totals by basket_id, at most one row

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
-- receipts__items: the cache 'items', read in the order of basket_id
-- for items = map (query.py:34)
-- it has a row for each different row of the result of map
CREATE TABLE IF NOT EXISTS receipts__items (
    basket_id BIGINT NOT NULL,
    product_name TEXT COLLATE "C" NOT NULL,
    product_price DOUBLE PRECISION NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT receipts__items__not_negative CHECK (c >= 0)
);
--   receipts__items__basket_id: reads in the order of basket_id; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS receipts__items__basket_id ON receipts__items (basket_id);
--   receipts__items__basket_id_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS receipts__items__basket_id_key ON receipts__items (basket_id, (hash_record_extended(ROW(basket_id, product_name, product_price), 0)));
--   receipts__items: its rows can be changed where all tables are published
ALTER TABLE receipts__items REPLICA IDENTITY FULL;
--   receipts__items: what it is for, as \d+ shows it
COMMENT ON TABLE receipts__items IS 'stepping: the cache ''items'', read in the order of basket_id; for map';
-- receipts_items: the cache 'items' for any reader, a row as often as it is there
-- for items = map (query.py:34)
-- a view of receipts__items, with no rows of its own
CREATE OR REPLACE VIEW receipts_items AS
SELECT r.basket_id, r.product_name AS name, r.product_price AS price
FROM (
  SELECT basket_id, product_name, product_price, c FROM receipts__items
) AS r (basket_id, product_name, product_price, stepping_count)
CROSS JOIN LATERAL generate_series(1, r.stepping_count);
-- receipts__line_items: the rows of line_items, looked up by product_name
-- for line_items (the query's arguments)
-- it has a row for each different row of line_items in the columns it keeps
CREATE TABLE IF NOT EXISTS receipts__line_items (
    product_name TEXT COLLATE "C" NOT NULL,
    basket_id BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT receipts__line_items__not_negative CHECK (c >= 0)
);
--   receipts__line_items__product_name_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS receipts__line_items__product_name_key ON receipts__line_items ((hashtextextended(product_name, 0)), (hash_record_extended(ROW(product_name, basket_id), 0)));
--   receipts__line_items: its rows can be changed where all tables are published
ALTER TABLE receipts__line_items REPLICA IDENTITY FULL;
--   receipts__line_items: what it is for, as \d+ shows it
COMMENT ON TABLE receipts__line_items IS 'stepping: the rows of line_items, looked up by product_name; for line_items';
-- receipts__products: the rows of products, looked up by name
-- for products (the query's arguments)
-- it has a row for each different row of products in the columns it keeps
CREATE TABLE IF NOT EXISTS receipts__products (
    name TEXT COLLATE "C" NOT NULL,
    price DOUBLE PRECISION NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT receipts__products__not_negative CHECK (c >= 0)
);
--   receipts__products__name_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS receipts__products__name_key ON receipts__products ((hashtextextended(name, 0)), (hash_record_extended(ROW(name, price), 0)));
--   receipts__products: its rows can be changed where all tables are published
ALTER TABLE receipts__products REPLICA IDENTITY FULL;
--   receipts__products: what it is for, as \d+ shows it
COMMENT ON TABLE receipts__products IS 'stepping: the rows of products, looked up by name; for products';
-- receipts__totals: one row per group of group_reduce_flatten: its number of rows and its sums
-- for totals = group_reduce_flatten (query.py:37)
-- it has a row for each basket_id there is
CREATE TABLE IF NOT EXISTS receipts__totals (
    basket_id BIGINT NOT NULL,
    sum_product_price DOUBLE PRECISION NOT NULL,
    sum_product_price_exact NUMERIC NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (basket_id),
    CONSTRAINT receipts__totals__not_negative CHECK (n >= 0)
) WITH (fillfactor = 70);
--   receipts__totals: what it is for, as \d+ shows it
COMMENT ON TABLE receipts__totals IS 'stepping: one row per group of group_reduce_flatten: its number of rows and its sums; for group_reduce_flatten';
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
  ('receipts__items', 0), ('receipts__line_items', 0), ('receipts__products', 0),
  ('receipts__totals', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'receipts',
    'e87a80904674734555c8af04418e1aa8',
    'postgres',
    2,
    '2 668822e25c6a0eab QlpoOTFBWSZTWRbsZp0ADut/gFAAAAhR////P//f77/v/+5gC033ubtbqOxt4Ad9AA96Rg0AFColBYSSJoCp4FPKflNkp6aammQzTKeKDMkGmQNGjQDU0aGmgEJQDQAAADQ0AAAABoIVNtUyZDTAjI00YQwAmmAJiNAZAJNJQSMqeSAPRMRoBoDJk0AAAAAGSoAAAAaAAAAGgAADQAIlCAIBNAART9ImmmTQDIBoGmaTQNHiFcYSQfMEsL3AqMXvWkLnD2m3PzM8MOiLzxe1u3NbLRanEvtgliQTzA0odRT3E0R2LyWIYIyElBY7aLKauStIMuycuZ5bm3yQ8pJxs3dT0cDAKByKMaAS/qnanfj9Aqv5xDkHcm3GeIDiHdyvizFxJP3Qu96oDIyXuC0sK41gIBRGzMzYVs9Ee9I5TOCrXidmoVssYh34vrJ4ncQPvqE9rfHw/s2LX0BvaIX1cPN4yifBpLGGBeFPLdMDfUsdBYKGFMugv5nP4+cuTZfsoyOnCGhvG0g5YBIFlQ5iMCopqDU0TVtgDwZBpPhBDumC9iGJYqaQkpDgdWfQMihYnCi13iCo7qrIX3kOEMZMaZGS6Mow0hA+msTa1HuimROJ7IakwNMVISAKAYepsvO8CxeEr8vLwJCw3NxkFCtBrEpWrKcLYDlnlOyGrsjvvlwmhgl4Bw4H7KLRPtiF8csVH0V194eAVqM1bmQ7p+D5aWkhz+hsdrhzcYwQpYkEYIJEVZGRhaH+sZBSORZgmQJTITEGqttGJRpWYywYpLZJQGwaEawCsRoKvllvU8DkKplputx02RKJr/U9zWD3C8kzhw0dScBdB+KHYRKxhLWpSn02LfJkYhk4y3wS/lxPpnSflCml/KkauVNI2vC5uSG++TTrvmBK7cUlrswdccy+OZnXOptzsFcGMmzkU8kD8MJEPvSKUGAIJDOplkxWCyIwWOiSwRcitskRCV3OMlJXTh5dlzArE0xGx3NWyQ87Ovmob3RabBRre1yOhBgvF09O2Qe/lHNHVOAbCimOMCzFcjYuESjeeNe4MCcY7bIMlAVm56UJ0C2o2VacnRN2Nw3NwmYUuIKpSBXujnKtATZi5ugC0DpkwQB1Ggou4QuCE8TdANcYOxN4pPvZzbQzJU2hO8RoRqXUF5JUmChPewVWCWjYlGuhBLNMG1FE9Y3cCQqx4lBiTAqnKkVnCLR70DN2DBcOzZMGhvyI5E4PaiUJ70vFgweKyILWk1yEDTKQaxu0tQuWQYItUE9JPNbYfBDR6FMLAsUB5WUYBVjmZsEbYvZ9oiTBitikECZtSYdGBzihZGq1ndQuQcje8SOrQ+snwwJh+kWzvNuaCrsuoIh0ZhIHzVS0MYo3XIUxZRIGoaYGGAr79DbQwpNya/N7iByUB8X0Dj7qdBlavngAHcqIChINCLDSIeKIBrRcTnN4E0gFSsVQQ4LNiVjmqOTPhBuWi3/zXIIvvCzQIF4EC4PmCA0O+w/Q2CODAua026OgbgIsCkCtV97T4fZ68gD7AwQvHXfLAbynIP2uK7BrQeFguAuD7M3+reBzb84tGoHJx5BPnZIa73F+6AfaBaj9zA6l1CbnJlg0D6wNbny+CXt4TI72bkDxDk0C53iF41bnxQN4YtzHxKvPsC+oVavRhCrZapFhLnCpYJR0FL28LluCJGyv3O0L2Bc2AgUCiVeoU7Qo1cFgd+xzCzOgKOrmDuDFeLG6u4e1vfncdN4djU4SEdgGr0ONCb917kG9yCgFdTsC4C5YLAqETINzFvANGNHblQMHB2g8Bue10Dg3qx4D0ueN7R4SqBc9HqH8z6aBStKNtFh66SdYOAex3tg2erjaIKoJ2+SQr1askhCSY5XpUZpSeNVy2bm6RzmYZw5DkMkMIvDM8gMOQEPnm54DSM70wwEkjopq1bbbYsYJolkdIQutDkGBsGEC/fAZLsXUErwndVsNW3p2sRbCNyh6oOJIbnMTXBUKzBurDoS3SjNljdet3ZddP6qddD/Vgkr6iVwtPDJKikSUSP4gnzPxh174DBQMqKI8dllqp5jYhxZ1lnTNpBPOkZPppbD0yNdngTrPjDR+9PMTUNTxLne2qb3wWnHHY7ejh7L+cMXR0w6ywJpB3hMPZ1gh66mAVHNCPIrlJKwKKhIjrmFTgXBUSgB2xaDVKUApw6+O7lld1mG3sPaaeLLZnHZnZPNOqm9I5G2tR4nbW9O6xJ0PAMxR9Hw4+wI0chtBOcYaadxqqi9LzYFDkDBQmkR7IUMw9gholjCJDIhRkSYB5dedPHrpzwp0nXN/VM6anIx2RCiNSm3rpyZdQe75aKBxgHL/wVS7wuDjv5WmYGz/CbAQxzbIJ6RLevAqph2GB0lWkL8+4cQM7ROY69yX/Bz9Jim7Ch0it2s9r2x34gUYF6+Q5wTn39J2+Ja3cU19pYnfTO7Yehke3KwQfmuXbyB0ArKckxtQGcYYx5lQ7Wt6cmyPelMG/qSHVkoG4VnaVTangFH1z2naqa/QdSOHmpjc6xNwZe7fxgbgQ7LtyTirlA+qQiGZYONIZgdYaCt7io/e8E147eARyDQS6XUmSZOxoey7szQuC++4LyZIZtUMdmBjYwBWKF4hJIsi+8BO34s9Oc5rhOxd8GFGQpORu7RDi1GBFEZlCRrJDNdDRUzGTIorchXGqMQqFH1Qi4ES46siBJDLeh4J2CjZTMNKahT1e1DXlIEDILsMw6+aYtjuwC4OtLjapiXjrVHHiO9gah9QhYwUrT650w5qROg6nZRiomIpOPt6ms1ZNyhtrrTVZpLIUaNDoBDk3vNvvIzp0kIwJvKBUJjGyJMmsOy2DEUikUFE6YcZLpwmwGshF9wQhNCbzYSMmvmhGQeueZbEalR887ZxwwLTo1s3td0KqO00h4516lk0wtcFYV8QqNViJCYUoLcGXycNiVZDVIK7YkdALbU6LJy53BI1k7+nPfUKh3s5d9bUb0d2axGxS7aumO9uonnNesbiSRhDoCCGwaBlf4Ew/e7UA8uoNiYqYZjw87jgX3hdeQjJGiG3pDEPddziXGwhA5byoc5YIWBIQXMNBDkneIvT5p7R0wOCFDyIBehVvXE2hB0dNgFyULPZCQokGJBKQPQMIjKiPmGmxxsETN6xC85iHMP1CMUGqFO/hYn8HI6Sa+BgJLSLSwD/i7kinChIC3YzToA='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When products changes: one transaction
------------------------------------------------------------------------------
-- locked first: receipts__items, receipts__line_items, receipts__products, receipts__totals in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   products: the query's arguments
--   map: query.py:34
--   group_reduce_flatten: query.py:37
WITH products_change AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.price, u.c
  FROM unnest(CAST('{}' AS TEXT[]), CAST('{}' AS DOUBLE PRECISION[]), CAST('{}' AS BIGINT[])) AS u(name, price, c)
), products_found AS MATERIALIZED (
  SELECT g.name, g.price, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM products_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__products AS a
    WHERE
      hashtextextended(a.name, 0) = hashtextextended(g.name, 0)
      AND a.name = g.name
      AND hash_record_extended(ROW(a.name, a.price), 0) = hash_record_extended(ROW(g.name, g.price), 0)
      AND ROW(a.name, a.price) IS NOT DISTINCT FROM ROW(g.name, g.price)
    LIMIT 1
  ) AS l ON TRUE
), products_inserted AS (
  INSERT INTO receipts__products (name, price, c)
  SELECT o.name, o.price, o.c
  FROM products_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), products_updated AS (
  UPDATE receipts__products AS a
  SET c = o.c
  FROM products_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), products_deleted AS (
  DELETE FROM receipts__products AS a
  USING products_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), map_change AS MATERIALIZED (
  SELECT t1.basket_id, d0.name AS product_name, d0.price AS product_price, d0.c * t1.c AS c
  FROM products_change AS d0
  CROSS JOIN LATERAL (
    SELECT t1.*
    FROM receipts__line_items AS t1
    WHERE
      hashtextextended(t1.product_name, 0) = hashtextextended(d0.name, 0)
      AND t1.product_name = d0.name
    OFFSET 0
  ) AS t1
), map_changed AS (
  SELECT g.basket_id, g.product_name, g.product_price, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d6.basket_id, d6.product_name, d6.product_price, d6.c
    FROM map_change AS d6
  ) AS g
  GROUP BY g.basket_id, g.product_name, g.product_price
  HAVING SUM(g.c) <> 0
), map_found AS MATERIALIZED (
  SELECT
    g.basket_id, g.product_name, g.product_price, COALESCE(l.stepping_old, 0) + g.c AS c,
    l.stepping_rid
  FROM (
    SELECT
      g.*,
      hash_record_extended(ROW(g.basket_id, g.product_name, g.product_price), 0) AS stepping_h0
    FROM map_changed AS g
    OFFSET 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__items AS a
    WHERE
      a.basket_id = g.basket_id
      AND hash_record_extended(ROW(a.basket_id, a.product_name, a.product_price), 0) BETWEEN g.stepping_h0 AND g.stepping_h0
      AND ROW(a.basket_id, a.product_name, a.product_price) IS NOT DISTINCT FROM ROW(g.basket_id, g.product_name, g.product_price)
    ORDER BY hash_record_extended(ROW(a.basket_id, a.product_name, a.product_price), 0)
    LIMIT 1
  ) AS l ON TRUE
), map_inserted AS (
  INSERT INTO receipts__items (basket_id, product_name, product_price, c)
  SELECT o.basket_id, o.product_name, o.product_price, o.c
  FROM map_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), map_updated AS (
  UPDATE receipts__items AS a
  SET c = o.c
  FROM map_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), map_deleted AS (
  DELETE FROM receipts__items AS a
  USING map_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), group_reduce_flatten_change AS MATERIALIZED (
  SELECT
    g.basket_id, a.n AS n0, COALESCE(a.n, 0) + g.n AS n1,
    a.sum_product_price AS sum_product_price_0,
    stepping_nearest(
      trim_scale(COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact),
      'the sum sum_product_price is beyond the largest float for the group ' || CAST(g.basket_id AS TEXT)
    ) AS sum_product_price_1,
    trim_scale(COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS sum_product_price_exact,
    a.stepping_rid
  FROM (
    SELECT
      d2.basket_id, CAST(SUM(d2.c) AS BIGINT) AS n,
      SUM(stepping_exact(d2.product_price) * d2.c) AS sum_product_price_exact
    FROM map_change AS d2
    GROUP BY 1
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM receipts__totals AS a
    WHERE a.basket_id = g.basket_id
    OFFSET 0
  ) AS a ON TRUE
  WHERE g.n <> 0 OR g.sum_product_price_exact <> 0
), group_reduce_flatten_inserted AS (
  INSERT INTO receipts__totals (basket_id, n, sum_product_price, sum_product_price_exact)
  SELECT o.basket_id, o.n1, o.sum_product_price_1, o.sum_product_price_exact
  FROM group_reduce_flatten_change AS o
  WHERE o.stepping_rid IS NULL AND o.n1 <> 0
), group_reduce_flatten_updated AS (
  UPDATE receipts__totals AS a
  SET
    n = o.n1, sum_product_price = o.sum_product_price_1,
    sum_product_price_exact = o.sum_product_price_exact
  FROM group_reduce_flatten_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
), group_reduce_flatten_deleted AS (
  DELETE FROM receipts__totals AS a
  USING group_reduce_flatten_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 = 0
)
SELECT
  0 AS stepping_output, CAST(d3.basket_id AS BIGINT) AS basket_id,
  CAST(d3.product_name AS TEXT) AS product_name,
  CAST(d3.product_price AS DOUBLE PRECISION) AS product_price,
  CAST(d3.c AS BIGINT) AS stepping_count, CAST(NULL AS DOUBLE PRECISION),
  CAST(NULL AS BIGINT), CAST(NULL AS BIGINT)
FROM map_change AS d3
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d4.sum_product_price_0 AS DOUBLE PRECISION) AS "left",
  CAST(d4.basket_id AS BIGINT) AS "right", CAST(-1 AS BIGINT) AS stepping_count
FROM group_reduce_flatten_change AS d4
WHERE
  d4.n0 IS NOT NULL
  AND (d4.n1 = 0 OR d4.sum_product_price_0 IS DISTINCT FROM d4.sum_product_price_1)
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d5.sum_product_price_1 AS DOUBLE PRECISION) AS "left",
  CAST(d5.basket_id AS BIGINT) AS "right", CAST(1 AS BIGINT) AS stepping_count
FROM group_reduce_flatten_change AS d5
WHERE d5.n1 <> 0 AND d5.sum_product_price_0 IS DISTINCT FROM d5.sum_product_price_1;

------------------------------------------------------------------------------
-- When line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: receipts__items, receipts__line_items, receipts__products, receipts__totals in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   line_items: the query's arguments
--   map: query.py:34
--   group_reduce_flatten: query.py:37
WITH line_items_change AS MATERIALIZED (
  SELECT u.basket_id, u.product_name COLLATE "C" AS product_name, u.c
  FROM unnest(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(basket_id, product_name, c)
), line_items_found AS MATERIALIZED (
  SELECT g.product_name, g.basket_id, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM line_items_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__line_items AS a
    WHERE
      hashtextextended(a.product_name, 0) = hashtextextended(g.product_name, 0)
      AND a.product_name = g.product_name
      AND hash_record_extended(ROW(a.product_name, a.basket_id), 0) = hash_record_extended(ROW(g.product_name, g.basket_id), 0)
      AND ROW(a.product_name, a.basket_id) IS NOT DISTINCT FROM ROW(g.product_name, g.basket_id)
    LIMIT 1
  ) AS l ON TRUE
), line_items_inserted AS (
  INSERT INTO receipts__line_items (product_name, basket_id, c)
  SELECT o.product_name, o.basket_id, o.c
  FROM line_items_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), line_items_updated AS (
  UPDATE receipts__line_items AS a
  SET c = o.c
  FROM line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), line_items_deleted AS (
  DELETE FROM receipts__line_items AS a
  USING line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), map_change AS MATERIALIZED (
  SELECT d0.basket_id, t1.name AS product_name, t1.price AS product_price, d0.c * t1.c AS c
  FROM line_items_change AS d0
  CROSS JOIN LATERAL (
    SELECT t1.*
    FROM receipts__products AS t1
    WHERE
      hashtextextended(t1.name, 0) = hashtextextended(d0.product_name, 0)
      AND t1.name = d0.product_name
    OFFSET 0
  ) AS t1
), map_changed AS (
  SELECT g.basket_id, g.product_name, g.product_price, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d6.basket_id, d6.product_name, d6.product_price, d6.c
    FROM map_change AS d6
  ) AS g
  GROUP BY g.basket_id, g.product_name, g.product_price
  HAVING SUM(g.c) <> 0
), map_found AS MATERIALIZED (
  SELECT
    g.basket_id, g.product_name, g.product_price, COALESCE(l.stepping_old, 0) + g.c AS c,
    l.stepping_rid
  FROM (
    SELECT
      g.*,
      hash_record_extended(ROW(g.basket_id, g.product_name, g.product_price), 0) AS stepping_h0
    FROM map_changed AS g
    OFFSET 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__items AS a
    WHERE
      a.basket_id = g.basket_id
      AND hash_record_extended(ROW(a.basket_id, a.product_name, a.product_price), 0) BETWEEN g.stepping_h0 AND g.stepping_h0
      AND ROW(a.basket_id, a.product_name, a.product_price) IS NOT DISTINCT FROM ROW(g.basket_id, g.product_name, g.product_price)
    ORDER BY hash_record_extended(ROW(a.basket_id, a.product_name, a.product_price), 0)
    LIMIT 1
  ) AS l ON TRUE
), map_inserted AS (
  INSERT INTO receipts__items (basket_id, product_name, product_price, c)
  SELECT o.basket_id, o.product_name, o.product_price, o.c
  FROM map_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), map_updated AS (
  UPDATE receipts__items AS a
  SET c = o.c
  FROM map_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), map_deleted AS (
  DELETE FROM receipts__items AS a
  USING map_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), group_reduce_flatten_change AS MATERIALIZED (
  SELECT
    g.basket_id, a.n AS n0, COALESCE(a.n, 0) + g.n AS n1,
    a.sum_product_price AS sum_product_price_0,
    stepping_nearest(
      trim_scale(COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact),
      'the sum sum_product_price is beyond the largest float for the group ' || CAST(g.basket_id AS TEXT)
    ) AS sum_product_price_1,
    trim_scale(COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS sum_product_price_exact,
    a.stepping_rid
  FROM (
    SELECT
      d2.basket_id, CAST(SUM(d2.c) AS BIGINT) AS n,
      SUM(stepping_exact(d2.product_price) * d2.c) AS sum_product_price_exact
    FROM map_change AS d2
    GROUP BY 1
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM receipts__totals AS a
    WHERE a.basket_id = g.basket_id
    OFFSET 0
  ) AS a ON TRUE
  WHERE g.n <> 0 OR g.sum_product_price_exact <> 0
), group_reduce_flatten_inserted AS (
  INSERT INTO receipts__totals (basket_id, n, sum_product_price, sum_product_price_exact)
  SELECT o.basket_id, o.n1, o.sum_product_price_1, o.sum_product_price_exact
  FROM group_reduce_flatten_change AS o
  WHERE o.stepping_rid IS NULL AND o.n1 <> 0
), group_reduce_flatten_updated AS (
  UPDATE receipts__totals AS a
  SET
    n = o.n1, sum_product_price = o.sum_product_price_1,
    sum_product_price_exact = o.sum_product_price_exact
  FROM group_reduce_flatten_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
), group_reduce_flatten_deleted AS (
  DELETE FROM receipts__totals AS a
  USING group_reduce_flatten_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 = 0
)
SELECT
  0 AS stepping_output, CAST(d3.basket_id AS BIGINT) AS basket_id,
  CAST(d3.product_name AS TEXT) AS product_name,
  CAST(d3.product_price AS DOUBLE PRECISION) AS product_price,
  CAST(d3.c AS BIGINT) AS stepping_count, CAST(NULL AS DOUBLE PRECISION),
  CAST(NULL AS BIGINT), CAST(NULL AS BIGINT)
FROM map_change AS d3
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d4.sum_product_price_0 AS DOUBLE PRECISION) AS "left",
  CAST(d4.basket_id AS BIGINT) AS "right", CAST(-1 AS BIGINT) AS stepping_count
FROM group_reduce_flatten_change AS d4
WHERE
  d4.n0 IS NOT NULL
  AND (d4.n1 = 0 OR d4.sum_product_price_0 IS DISTINCT FROM d4.sum_product_price_1)
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d5.sum_product_price_1 AS DOUBLE PRECISION) AS "left",
  CAST(d5.basket_id AS BIGINT) AS "right", CAST(1 AS BIGINT) AS stepping_count
FROM group_reduce_flatten_change AS d5
WHERE d5.n1 <> 0 AND d5.sum_product_price_0 IS DISTINCT FROM d5.sum_product_price_1;

------------------------------------------------------------------------------
-- When any mix of products, line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: receipts__items, receipts__line_items, receipts__products, receipts__totals in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   products: the query's arguments
--   line_items: the query's arguments
--   map: query.py:34
--   group_reduce_flatten: query.py:37
WITH products_change AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.price, u.c
  FROM unnest(CAST('{}' AS TEXT[]), CAST('{}' AS DOUBLE PRECISION[]), CAST('{}' AS BIGINT[])) AS u(name, price, c)
), line_items_change AS MATERIALIZED (
  SELECT u.basket_id, u.product_name COLLATE "C" AS product_name, u.c
  FROM unnest(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(basket_id, product_name, c)
), map_change AS MATERIALIZED (
  SELECT t1.basket_id, d0.name AS product_name, d0.price AS product_price, d0.c * t1.c AS c
  FROM products_change AS d0
  CROSS JOIN LATERAL (
    SELECT t1.*
    FROM receipts__line_items AS t1
    WHERE
      hashtextextended(t1.product_name, 0) = hashtextextended(d0.name, 0)
      AND t1.product_name = d0.name
    OFFSET 0
  ) AS t1
  UNION ALL
  SELECT d3.basket_id, d2.name AS product_name, d2.price AS product_price, d2.c * d3.c AS c
  FROM products_change AS d2
  CROSS JOIN line_items_change AS d3
  WHERE d2.name = d3.product_name
  UNION ALL
  SELECT d4.basket_id, t5.name AS product_name, t5.price AS product_price, d4.c * t5.c AS c
  FROM line_items_change AS d4
  CROSS JOIN LATERAL (
    SELECT t5.*
    FROM receipts__products AS t5
    WHERE
      hashtextextended(t5.name, 0) = hashtextextended(d4.product_name, 0)
      AND t5.name = d4.product_name
    OFFSET 0
  ) AS t5
), line_items_found AS MATERIALIZED (
  SELECT g.product_name, g.basket_id, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM line_items_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__line_items AS a
    WHERE
      hashtextextended(a.product_name, 0) = hashtextextended(g.product_name, 0)
      AND a.product_name = g.product_name
      AND hash_record_extended(ROW(a.product_name, a.basket_id), 0) = hash_record_extended(ROW(g.product_name, g.basket_id), 0)
      AND ROW(a.product_name, a.basket_id) IS NOT DISTINCT FROM ROW(g.product_name, g.basket_id)
    LIMIT 1
  ) AS l ON TRUE
), line_items_inserted AS (
  INSERT INTO receipts__line_items (product_name, basket_id, c)
  SELECT o.product_name, o.basket_id, o.c
  FROM line_items_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), line_items_updated AS (
  UPDATE receipts__line_items AS a
  SET c = o.c
  FROM line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), line_items_deleted AS (
  DELETE FROM receipts__line_items AS a
  USING line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), products_found AS MATERIALIZED (
  SELECT g.name, g.price, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM products_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__products AS a
    WHERE
      hashtextextended(a.name, 0) = hashtextextended(g.name, 0)
      AND a.name = g.name
      AND hash_record_extended(ROW(a.name, a.price), 0) = hash_record_extended(ROW(g.name, g.price), 0)
      AND ROW(a.name, a.price) IS NOT DISTINCT FROM ROW(g.name, g.price)
    LIMIT 1
  ) AS l ON TRUE
), products_inserted AS (
  INSERT INTO receipts__products (name, price, c)
  SELECT o.name, o.price, o.c
  FROM products_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), products_updated AS (
  UPDATE receipts__products AS a
  SET c = o.c
  FROM products_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), products_deleted AS (
  DELETE FROM receipts__products AS a
  USING products_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), map_changed AS (
  SELECT g.basket_id, g.product_name, g.product_price, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d10.basket_id, d10.product_name, d10.product_price, d10.c
    FROM map_change AS d10
  ) AS g
  GROUP BY g.basket_id, g.product_name, g.product_price
  HAVING SUM(g.c) <> 0
), map_found AS MATERIALIZED (
  SELECT
    g.basket_id, g.product_name, g.product_price, COALESCE(l.stepping_old, 0) + g.c AS c,
    l.stepping_rid
  FROM (
    SELECT
      g.*,
      hash_record_extended(ROW(g.basket_id, g.product_name, g.product_price), 0) AS stepping_h0
    FROM map_changed AS g
    OFFSET 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__items AS a
    WHERE
      a.basket_id = g.basket_id
      AND hash_record_extended(ROW(a.basket_id, a.product_name, a.product_price), 0) BETWEEN g.stepping_h0 AND g.stepping_h0
      AND ROW(a.basket_id, a.product_name, a.product_price) IS NOT DISTINCT FROM ROW(g.basket_id, g.product_name, g.product_price)
    ORDER BY hash_record_extended(ROW(a.basket_id, a.product_name, a.product_price), 0)
    LIMIT 1
  ) AS l ON TRUE
), map_inserted AS (
  INSERT INTO receipts__items (basket_id, product_name, product_price, c)
  SELECT o.basket_id, o.product_name, o.product_price, o.c
  FROM map_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), map_updated AS (
  UPDATE receipts__items AS a
  SET c = o.c
  FROM map_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), map_deleted AS (
  DELETE FROM receipts__items AS a
  USING map_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), group_reduce_flatten_change AS MATERIALIZED (
  SELECT
    g.basket_id, a.n AS n0, COALESCE(a.n, 0) + g.n AS n1,
    a.sum_product_price AS sum_product_price_0,
    stepping_nearest(
      trim_scale(COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact),
      'the sum sum_product_price is beyond the largest float for the group ' || CAST(g.basket_id AS TEXT)
    ) AS sum_product_price_1,
    trim_scale(COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS sum_product_price_exact,
    a.stepping_rid
  FROM (
    SELECT
      d6.basket_id, CAST(SUM(d6.c) AS BIGINT) AS n,
      SUM(stepping_exact(d6.product_price) * d6.c) AS sum_product_price_exact
    FROM map_change AS d6
    GROUP BY 1
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM receipts__totals AS a
    WHERE a.basket_id = g.basket_id
    OFFSET 0
  ) AS a ON TRUE
  WHERE g.n <> 0 OR g.sum_product_price_exact <> 0
), group_reduce_flatten_inserted AS (
  INSERT INTO receipts__totals (basket_id, n, sum_product_price, sum_product_price_exact)
  SELECT o.basket_id, o.n1, o.sum_product_price_1, o.sum_product_price_exact
  FROM group_reduce_flatten_change AS o
  WHERE o.stepping_rid IS NULL AND o.n1 <> 0
), group_reduce_flatten_updated AS (
  UPDATE receipts__totals AS a
  SET
    n = o.n1, sum_product_price = o.sum_product_price_1,
    sum_product_price_exact = o.sum_product_price_exact
  FROM group_reduce_flatten_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
), group_reduce_flatten_deleted AS (
  DELETE FROM receipts__totals AS a
  USING group_reduce_flatten_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 = 0
)
SELECT
  0 AS stepping_output, CAST(d7.basket_id AS BIGINT) AS basket_id,
  CAST(d7.product_name AS TEXT) AS product_name,
  CAST(d7.product_price AS DOUBLE PRECISION) AS product_price,
  CAST(d7.c AS BIGINT) AS stepping_count, CAST(NULL AS DOUBLE PRECISION),
  CAST(NULL AS BIGINT), CAST(NULL AS BIGINT)
FROM map_change AS d7
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d8.sum_product_price_0 AS DOUBLE PRECISION) AS "left",
  CAST(d8.basket_id AS BIGINT) AS "right", CAST(-1 AS BIGINT) AS stepping_count
FROM group_reduce_flatten_change AS d8
WHERE
  d8.n0 IS NOT NULL
  AND (d8.n1 = 0 OR d8.sum_product_price_0 IS DISTINCT FROM d8.sum_product_price_1)
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d9.sum_product_price_1 AS DOUBLE PRECISION) AS "left",
  CAST(d9.basket_id AS BIGINT) AS "right", CAST(1 AS BIGINT) AS stepping_count
FROM group_reduce_flatten_change AS d9
WHERE d9.n1 <> 0 AND d9.sum_product_price_0 IS DISTINCT FROM d9.sum_product_price_1;
