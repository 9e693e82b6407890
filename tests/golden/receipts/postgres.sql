-- The query receipts on postgres; fingerprint e0d5ffb6c3c8229f3619d406cbfe80c7
--
-- output 1
--   4. items = map  query.py:34
--   │    incremental: of the change alone, since f(a + b) = f(a) + f(b)
--   │    is receipts_items, a view of receipts__items_2a78a5
--   │    keeps receipts__items_2a78a5
--   │          key (basket_id): look-ups, and the row itself
--   │          index receipts__items_2a78a5__basket_id (basket_id): reads in the order of basket_id
--   └─ 3. joined = join  query.py:28
--      │    incremental: the change of each side meets the rows of the other with its key
--      ├─ 1. products (input)
--      │       keeps receipts__products_by_name_5316e2
--      │             key (name): look-ups, and the row itself
--      └─ 2. line_items (input)
--              keeps receipts__line_items_by_product_name_4ae32f
--                    key (product_name): look-ups, and the row itself
-- output 2
--   5. totals = group_reduce_flatten  query.py:37
--   │    incremental: the groups that the change touches are read and set anew
--   │    keeps receipts__group_reduce_flatten_by_basket_id_4bb391
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
--   receipts__products_by_name_5316e2 as a whole row, at most one row
--   receipts__line_items_by_product_name_4ae32f by product_name
--   receipts__items_2a78a5 as a whole row, at most one row
--   receipts__group_reduce_flatten_by_basket_id_4bb391 by basket_id, at most one row
-- One changed row of line_items: 1 statement, 2 look-ups, and 2 look-ups for each row that those find
--   receipts__line_items_by_product_name_4ae32f as a whole row, at most one row
--   receipts__products_by_name_5316e2 by name
--   receipts__items_2a78a5 as a whole row, at most one row
--   receipts__group_reduce_flatten_by_basket_id_4bb391 by basket_id, at most one row

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
-- receipts__items_2a78a5: the cache 'items', read in the order of basket_id
-- for items = map (query.py:34)
-- it has a row for each different row of the result of map
CREATE TABLE IF NOT EXISTS receipts__items_2a78a5 (
    basket_id BIGINT NOT NULL,
    product_name TEXT COLLATE "C" NOT NULL,
    product_price DOUBLE PRECISION NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT receipts__items_2a78a5__not_negative CHECK (c >= 0)
);
--   receipts__items_2a78a5__basket_id: reads in the order of basket_id; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS receipts__items_2a78a5__basket_id ON receipts__items_2a78a5 (basket_id);
--   receipts__items_2a78a5__basket_id_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS receipts__items_2a78a5__basket_id_key ON receipts__items_2a78a5 (basket_id, (HASH_RECORD_EXTENDED(ROW(basket_id, product_name, product_price), 0)));
--   receipts__items_2a78a5: its rows can be changed where all tables are published
ALTER TABLE receipts__items_2a78a5 REPLICA IDENTITY FULL;
--   receipts__items_2a78a5: what it is for, as \d+ shows it
COMMENT ON TABLE receipts__items_2a78a5 IS 'stepping: the cache ''items'', read in the order of basket_id; for map';
-- receipts_items: the cache 'items' for any reader, a row as often as it is there
-- for items = map (query.py:34)
-- a view of receipts__items_2a78a5, with no rows of its own
CREATE OR REPLACE VIEW receipts_items AS
SELECT r.basket_id, r.product_name, r.product_price
FROM (
  SELECT basket_id, product_name, product_price, c
  FROM receipts__items_2a78a5
) AS r (basket_id, product_name, product_price, stepping_count)
CROSS JOIN LATERAL generate_series(1, r.stepping_count);
-- receipts__line_items_by_product_name_4ae32f: the rows of line_items, looked up by product_name
-- for line_items (the query's arguments)
-- it has a row for each different row of line_items in the columns it keeps
CREATE TABLE IF NOT EXISTS receipts__line_items_by_product_name_4ae32f (
    product_name TEXT COLLATE "C" NOT NULL,
    basket_id BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT receipts__line_items_by_product_name_4ae32f__not_negative CHECK (c >= 0)
);
--   receipts__line_items_by_product_name_4ae32f__product_name_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS receipts__line_items_by_product_name_4ae32f__product_name_key ON receipts__line_items_by_product_name_4ae32f ((HASHTEXTEXTENDED(product_name, 0)), (HASH_RECORD_EXTENDED(ROW(product_name, basket_id), 0)));
--   receipts__line_items_by_product_name_4ae32f: its rows can be changed where all tables are published
ALTER TABLE receipts__line_items_by_product_name_4ae32f REPLICA IDENTITY FULL;
--   receipts__line_items_by_product_name_4ae32f: what it is for, as \d+ shows it
COMMENT ON TABLE receipts__line_items_by_product_name_4ae32f IS 'stepping: the rows of line_items, looked up by product_name; for line_items';
-- receipts__products_by_name_5316e2: the rows of products, looked up by name
-- for products (the query's arguments)
-- it has a row for each different row of products in the columns it keeps
CREATE TABLE IF NOT EXISTS receipts__products_by_name_5316e2 (
    name TEXT COLLATE "C" NOT NULL,
    price DOUBLE PRECISION NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT receipts__products_by_name_5316e2__not_negative CHECK (c >= 0)
);
--   receipts__products_by_name_5316e2__name_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS receipts__products_by_name_5316e2__name_key ON receipts__products_by_name_5316e2 ((HASHTEXTEXTENDED(name, 0)), (HASH_RECORD_EXTENDED(ROW(name, price), 0)));
--   receipts__products_by_name_5316e2: its rows can be changed where all tables are published
ALTER TABLE receipts__products_by_name_5316e2 REPLICA IDENTITY FULL;
--   receipts__products_by_name_5316e2: what it is for, as \d+ shows it
COMMENT ON TABLE receipts__products_by_name_5316e2 IS 'stepping: the rows of products, looked up by name; for products';
-- receipts__group_reduce_flatten_by_basket_id_4bb391: one row per group of group_reduce_flatten: its number of rows and its sums
-- for totals = group_reduce_flatten (query.py:37)
-- it has a row for each basket_id there is
CREATE TABLE IF NOT EXISTS receipts__group_reduce_flatten_by_basket_id_4bb391 (
    basket_id BIGINT NOT NULL,
    sum_product_price DOUBLE PRECISION NOT NULL,
    sum_product_price_exact NUMERIC NOT NULL,
    sum_product_price_pos_inf BIGINT NOT NULL,
    sum_product_price_neg_inf BIGINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (basket_id),
    CONSTRAINT receipts__group_reduce_flatten_by_basket_id_4bb391__no_62d0e818 CHECK (n >= 0)
) WITH (fillfactor = 70);
--   receipts__group_reduce_flatten_by_basket_id_4bb391: what it is for, as \d+ shows it
COMMENT ON TABLE receipts__group_reduce_flatten_by_basket_id_4bb391 IS 'stepping: one row per group of group_reduce_flatten: its number of rows and its sums; for group_reduce_flatten';

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('receipts__group_reduce_flatten_by_basket_id_4bb391', 0), ('receipts__items_2a78a5', 0),
  ('receipts__line_items_by_product_name_4ae32f', 0), ('receipts__products_by_name_5316e2', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'receipts',
    'e0d5ffb6c3c8229f3619d406cbfe80c7',
    'postgres',
    1,
    '1 64326fc54e8e6ce8 {"query":"receipts","dialect":"postgres","fingerprint":"e0d5ffb6c3c8229f3619d406cbfe80c7","tables":[{"table":{"name":"receipts__items_2a78a5","kind":"delay","columns":[{"name":"basket_id","type":{"kind":"int"}},{"name":"product_name","type":{"kind":"text"}},{"name":"product_price","type":{"kind":"float"}}],"weight":"c","key":["basket_id"],"indexes":[{"name":"receipts__items_2a78a5__basket_id","columns":["basket_id"],"ascending":[true]}],"non_negative":true,"reason":"the cache ''items'', read in the order of basket_id","serves":"map","where":"query.py:34","digest":"2a78a5fcd925c974cf2697be61b74893","rows":"d71b4e65db711a886c90bbd4472bb5d3","holds":[["basket_id","basket_id"],["product_name","product_name"],["product_price","product_price"]],"rows_of":"ReceiptItem","node":"0f6f52109532d82f7c2a113d5f3aa876"},"ddl":["CREATE TABLE IF NOT EXISTS receipts__items_2a78a5 (\n    basket_id BIGINT NOT NULL,\n    product_name TEXT COLLATE \"C\" NOT NULL,\n    product_price DOUBLE PRECISION NOT NULL,\n    c BIGINT NOT NULL,\n    CONSTRAINT receipts__items_2a78a5__not_negative CHECK (c >= 0)\n)","CREATE INDEX IF NOT EXISTS receipts__items_2a78a5__basket_id ON receipts__items_2a78a5 (basket_id)","CREATE INDEX IF NOT EXISTS receipts__items_2a78a5__basket_id_key ON receipts__items_2a78a5 (basket_id, (HASH_RECORD_EXTENDED(ROW(basket_id, product_name, product_price), 0)))","ALTER TABLE receipts__items_2a78a5 REPLICA IDENTITY FULL","COMMENT ON TABLE receipts__items_2a78a5 IS ''stepping: the cache ''''items'''', read in the order of basket_id; for map''"],"views":[{"table":{"name":"receipts_items","kind":"view","columns":[{"name":"basket_id","type":{"kind":"int"}},{"name":"product_name","type":{"kind":"text"}},{"name":"product_price","type":{"kind":"float"}}],"weight":null,"reason":"the cache ''items'' for any reader, a row as often as it is there","serves":"map","where":"query.py:34","digest":"2a78a5fcd925c974cf2697be61b74893","of":"receipts__items_2a78a5","node":"0f6f52109532d82f7c2a113d5f3aa876"},"ddl":"CREATE OR REPLACE VIEW receipts_items AS\nSELECT r.basket_id, r.product_name, r.product_price\nFROM (\n  SELECT basket_id, product_name, product_price, c\n  FROM receipts__items_2a78a5\n) AS r (basket_id, product_name, product_price, stepping_count)\nCROSS JOIN LATERAL generate_series(1, r.stepping_count)"}]},{"table":{"name":"receipts__line_items_by_product_name_4ae32f","kind":"delay","columns":[{"name":"product_name","type":{"kind":"text"}},{"name":"basket_id","type":{"kind":"int"}}],"weight":"c","key":["product_name"],"non_negative":true,"reason":"the rows of line_items, looked up by product_name","serves":"line_items","where":"the query''s arguments","digest":"4ae32f3eee6e3b50ace3751ba2a5ba81","rows":"dac1310d2e7f395daee7af586b7831ea","holds":[["product_name","product_name"],["basket_id","basket_id"]],"input":"line_items","rows_of":"LineItem","node":"f6a8ceaef9212f12f9a3aa21bd146931"},"ddl":["CREATE TABLE IF NOT EXISTS receipts__line_items_by_product_name_4ae32f (\n    product_name TEXT COLLATE \"C\" NOT NULL,\n    basket_id BIGINT NOT NULL,\n    c BIGINT NOT NULL,\n    CONSTRAINT receipts__line_items_by_product_name_4ae32f__not_negative CHECK (c >= 0)\n)","CREATE INDEX IF NOT EXISTS receipts__line_items_by_product_name_4ae32f__product_name_key ON receipts__line_items_by_product_name_4ae32f ((HASHTEXTEXTENDED(product_name, 0)), (HASH_RECORD_EXTENDED(ROW(product_name, basket_id), 0)))","ALTER TABLE receipts__line_items_by_product_name_4ae32f REPLICA IDENTITY FULL","COMMENT ON TABLE receipts__line_items_by_product_name_4ae32f IS ''stepping: the rows of line_items, looked up by product_name; for line_items''"]},{"table":{"name":"receipts__products_by_name_5316e2","kind":"delay","columns":[{"name":"name","type":{"kind":"text"}},{"name":"price","type":{"kind":"float"}}],"weight":"c","key":["name"],"non_negative":true,"reason":"the rows of products, looked up by name","serves":"products","where":"the query''s arguments","digest":"5316e22260887d31896a6653bdde066a","rows":"84dc607c15e1dcafad3674097ed10c74","holds":[["name","name"],["price","price"]],"input":"products","rows_of":"Product","node":"b030225c044310f91a1885ceaaf3be69"},"ddl":["CREATE TABLE IF NOT EXISTS receipts__products_by_name_5316e2 (\n    name TEXT COLLATE \"C\" NOT NULL,\n    price DOUBLE PRECISION NOT NULL,\n    c BIGINT NOT NULL,\n    CONSTRAINT receipts__products_by_name_5316e2__not_negative CHECK (c >= 0)\n)","CREATE INDEX IF NOT EXISTS receipts__products_by_name_5316e2__name_key ON receipts__products_by_name_5316e2 ((HASHTEXTEXTENDED(name, 0)), (HASH_RECORD_EXTENDED(ROW(name, price), 0)))","ALTER TABLE receipts__products_by_name_5316e2 REPLICA IDENTITY FULL","COMMENT ON TABLE receipts__products_by_name_5316e2 IS ''stepping: the rows of products, looked up by name; for products''"]},{"table":{"name":"receipts__group_reduce_flatten_by_basket_id_4bb391","kind":"state","columns":[{"name":"basket_id","type":{"kind":"int"}},{"name":"sum_product_price","type":{"kind":"float"}},{"name":"sum_product_price_exact","type":{"kind":"decimal"}},{"name":"sum_product_price_pos_inf","type":{"kind":"int"}},{"name":"sum_product_price_neg_inf","type":{"kind":"int"}}],"weight":"n","key":["basket_id"],"non_negative":true,"reason":"one row per group of group_reduce_flatten: its number of rows and its sums","serves":"group_reduce_flatten","where":"query.py:37","digest":"4bb391fc23564012d1ac4488a7d8be4a","sums":[{"type":{"kind":"float"},"value":"sum_product_price","old":"sum_product_price_0","new":"sum_product_price_1","finite":"sum_product_price_finite","exact":"sum_product_price_exact","positive":"sum_product_price_pos_inf","negative":"sum_product_price_neg_inf","low":"sum_product_price_low"}],"rows_of":"Pair[float, int]","node":"6e0711681d1bc32b192e0637eb112077"},"ddl":["CREATE TABLE IF NOT EXISTS receipts__group_reduce_flatten_by_basket_id_4bb391 (\n    basket_id BIGINT NOT NULL,\n    sum_product_price DOUBLE PRECISION NOT NULL,\n    sum_product_price_exact NUMERIC NOT NULL,\n    sum_product_price_pos_inf BIGINT NOT NULL,\n    sum_product_price_neg_inf BIGINT NOT NULL,\n    n BIGINT NOT NULL,\n    PRIMARY KEY (basket_id),\n    CONSTRAINT receipts__group_reduce_flatten_by_basket_id_4bb391__no_62d0e818 CHECK (n >= 0)\n) WITH (fillfactor = 70)","COMMENT ON TABLE receipts__group_reduce_flatten_by_basket_id_4bb391 IS ''stepping: one row per group of group_reduce_flatten: its number of rows and its sums; for group_reduce_flatten''"]}],"inputs":[{"name":"products","row":"Product","columns":[{"name":"name","path":["name"],"type":{"kind":"text"}},{"name":"price","path":["price"],"type":{"kind":"float"}}]},{"name":"line_items","row":"LineItem","columns":[{"name":"basket_id","path":["basket_id"],"type":{"kind":"int"}},{"name":"product_name","path":["product_name"],"type":{"kind":"text"}}]}],"caches":[["items","receipts__items_2a78a5"]]}'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When products changes: one transaction
------------------------------------------------------------------------------
-- locked first: receipts__group_reduce_flatten_by_basket_id_4bb391, receipts__items_2a78a5, receipts__line_items_by_product_name_4ae32f, receipts__products_by_name_5316e2 in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   stepping_delta_products_c88ed1: products (the query's arguments)
--   m4_g: products (the query's arguments)
--   m4_o: products (the query's arguments)
--   m4_i: products (the query's arguments)
--   m4_u: products (the query's arguments)
--   m4_d: products (the query's arguments)
--   stepping_delta_map_b7028e: map (query.py:34)
--   m7_g: map (query.py:34)
--   m7_o: map (query.py:34)
--   m7_i: map (query.py:34)
--   m7_u: map (query.py:34)
--   m7_d: map (query.py:34)
--   stepping_change_group_reduce_flatten_by_basket_id_299695: group_reduce_flatten (query.py:37)
--   m9_i: group_reduce_flatten (query.py:37)
--   m9_u: group_reduce_flatten (query.py:37)
--   m9_d: group_reduce_flatten (query.py:37)
--   SELECT: map (query.py:34)
--   SELECT: group_reduce_flatten (query.py:37)
WITH stepping_delta_products_c88ed1 AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.price, u.c
  FROM UNNEST(CAST('{}' AS TEXT[]), CAST('{}' AS DOUBLE PRECISION[]), CAST('{}' AS BIGINT[])) AS u(name, price, c)
), m4_g AS (
  SELECT d7.name, d7.price, d7.c
  FROM stepping_delta_products_c88ed1 AS d7
), m4_o AS MATERIALIZED (
  SELECT g.name, g.price, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m4_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__products_by_name_5316e2 AS a
    WHERE
      HASHTEXTEXTENDED(a.name, 0) = HASHTEXTEXTENDED(g.name, 0)
      AND a.name = g.name
      AND HASH_RECORD_EXTENDED(ROW(a.name, a.price), 0) = HASH_RECORD_EXTENDED(ROW(g.name, g.price), 0)
      AND ROW(a.name, a.price) IS NOT DISTINCT FROM ROW(g.name, g.price)
    LIMIT 1
  ) AS l ON TRUE
), m4_i AS (
  INSERT INTO receipts__products_by_name_5316e2 (name, price, c)
  SELECT o.name, o.price, o.c
  FROM m4_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m4_u AS (
  UPDATE receipts__products_by_name_5316e2 AS a
  SET c = o.c
  FROM m4_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m4_d AS (
  DELETE FROM receipts__products_by_name_5316e2 AS a
  USING m4_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), stepping_delta_map_b7028e AS MATERIALIZED (
  SELECT t1.basket_id, d0.name AS product_name, d0.price AS product_price, d0.c * t1.c AS c
  FROM stepping_delta_products_c88ed1 AS d0
  CROSS JOIN LATERAL (
    SELECT t1.*
    FROM receipts__line_items_by_product_name_4ae32f AS t1
    WHERE
      HASHTEXTEXTENDED(t1.product_name, 0) = HASHTEXTEXTENDED(d0.name, 0)
      AND t1.product_name = d0.name
    OFFSET 0
  ) AS t1
), m7_g AS (
  SELECT g.basket_id, g.product_name, g.product_price, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d6.basket_id, d6.product_name, d6.product_price, d6.c
    FROM stepping_delta_map_b7028e AS d6
  ) AS g
  GROUP BY g.basket_id, g.product_name, g.product_price
  HAVING CAST(SUM(g.c) AS BIGINT) <> 0
), m7_o AS MATERIALIZED (
  SELECT
    g.basket_id, g.product_name, g.product_price, COALESCE(l.stepping_old, 0) + g.c AS c,
    l.stepping_rid
  FROM (
    SELECT
      g.*,
      HASH_RECORD_EXTENDED(ROW(g.basket_id, g.product_name, g.product_price), 0) AS stepping_h0
    FROM m7_g AS g
    OFFSET 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__items_2a78a5 AS a
    WHERE
      a.basket_id = g.basket_id
      AND HASH_RECORD_EXTENDED(ROW(a.basket_id, a.product_name, a.product_price), 0) BETWEEN g.stepping_h0 AND g.stepping_h0
      AND ROW(a.basket_id, a.product_name, a.product_price) IS NOT DISTINCT FROM ROW(g.basket_id, g.product_name, g.product_price)
    ORDER BY HASH_RECORD_EXTENDED(ROW(a.basket_id, a.product_name, a.product_price), 0)
    LIMIT 1
  ) AS l ON TRUE
), m7_i AS (
  INSERT INTO receipts__items_2a78a5 (basket_id, product_name, product_price, c)
  SELECT o.basket_id, o.product_name, o.product_price, o.c
  FROM m7_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m7_u AS (
  UPDATE receipts__items_2a78a5 AS a
  SET c = o.c
  FROM m7_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m7_d AS (
  DELETE FROM receipts__items_2a78a5 AS a
  USING m7_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), stepping_change_group_reduce_flatten_by_basket_id_299695 AS MATERIALIZED (
  SELECT
    g.basket_id, a.n AS n0, COALESCE(a.n, 0) + g.n AS n1,
    CASE
      WHEN a.sum_product_price_pos_inf <> 0 OR a.sum_product_price_neg_inf <> 0
      THEN CASE
        WHEN a.sum_product_price_pos_inf >= 0 AND a.sum_product_price_neg_inf <= 0
        THEN CAST('Infinity' AS DOUBLE PRECISION)
        WHEN a.sum_product_price_pos_inf <= 0 AND a.sum_product_price_neg_inf >= 0
        THEN CAST('-Infinity' AS DOUBLE PRECISION)
        ELSE CAST(CAST('stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(a.sum_product_price AS TEXT) AS INT) AS DOUBLE PRECISION)
      END
      ELSE a.sum_product_price
    END AS sum_product_price_0,
    CASE
      WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <> 0
      OR COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <> 0
      THEN CASE
        WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf >= 0
        AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <= 0
        THEN CAST('Infinity' AS DOUBLE PRECISION)
        WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <= 0
        AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf >= 0
        THEN CAST('-Infinity' AS DOUBLE PRECISION)
        ELSE CAST(CAST('stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(CASE
          WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) >= 1.7976931348623158E308
          THEN CAST(CAST('stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
          WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) <= 2.4703282292062327E-324
          THEN CAST(0 AS DOUBLE PRECISION)
          ELSE CAST((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS DOUBLE PRECISION)
        END AS TEXT) AS INT) AS DOUBLE PRECISION)
      END
      ELSE CASE
        WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) >= 1.7976931348623158E308
        THEN CAST(CAST('stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
        WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) <= 2.4703282292062327E-324
        THEN CAST(0 AS DOUBLE PRECISION)
        ELSE CAST((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS DOUBLE PRECISION)
      END
    END AS sum_product_price_1,
    CASE
      WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) >= 1.7976931348623158E308
      THEN CAST(CAST('stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
      WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) <= 2.4703282292062327E-324
      THEN CAST(0 AS DOUBLE PRECISION)
      ELSE CAST((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS DOUBLE PRECISION)
    END AS sum_product_price_finite,
    TRIM_SCALE(COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS sum_product_price_exact,
    COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf AS sum_product_price_pos_inf,
    COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf AS sum_product_price_neg_inf,
    a.stepping_rid
  FROM (
    SELECT
      d2.basket_id, CAST(SUM(d2.c) AS BIGINT) AS n,
      COALESCE(
        SUM(
          CASE
            WHEN ABS(d2.product_price) < 4.440892098500626e-16 AND d2.product_price <> 0
            THEN CASE
              WHEN ABS(d2.product_price * 1.0715086071862673e+301) < 9223372036854775808
              THEN CAST(CAST(TRUNC(d2.product_price * 1.0715086071862673e+301) AS BIGINT) AS DECIMAL) + (
                CAST(CAST(TRUNC(
                  (
                    d2.product_price * 1.0715086071862673e+301 - TRUNC(d2.product_price * 1.0715086071862673e+301)
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL) * 4503599627370496 + CAST(CAST(TRUNC(
                  (
                    (
                      d2.product_price * 1.0715086071862673e+301 - TRUNC(d2.product_price * 1.0715086071862673e+301)
                    ) * 4503599627370496.0 - TRUNC(
                      (
                        d2.product_price * 1.0715086071862673e+301 - TRUNC(d2.product_price * 1.0715086071862673e+301)
                      ) * 4503599627370496.0
                    )
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL)
              ) * 0.00000000000000000000000000000004930380657631323783823303533017413935457540219431393779814243316650390625
              ELSE (
                SELECT
                  CAST(CAST(d2.product_price * 1.0715086071862673e+301 / POWER(CAST(2.0 AS DOUBLE PRECISION), let3) AS BIGINT) AS DECIMAL) * POWER(CAST(2 AS DECIMAL), let3)
                FROM (
                  SELECT
                    (GET_BYTE(FLOAT8SEND(d2.product_price * 1.0715086071862673e+301), 0) & 127) * 16 + GET_BYTE(FLOAT8SEND(d2.product_price * 1.0715086071862673e+301), 1) / 16 - 1075 AS let3
                  OFFSET 0
                ) AS lets3
              )
            END * (POWER(CAST(5 AS DECIMAL), 1000) * 1E-1000)
            ELSE CASE
              WHEN ABS(d2.product_price) < 9223372036854775808
              THEN CAST(CAST(TRUNC(d2.product_price) AS BIGINT) AS DECIMAL) + (
                CAST(CAST(TRUNC((d2.product_price - TRUNC(d2.product_price)) * 4503599627370496.0) AS BIGINT) AS DECIMAL) * 4503599627370496 + CAST(CAST(TRUNC(
                  (
                    (d2.product_price - TRUNC(d2.product_price)) * 4503599627370496.0 - TRUNC((d2.product_price - TRUNC(d2.product_price)) * 4503599627370496.0)
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL)
              ) * 0.00000000000000000000000000000004930380657631323783823303533017413935457540219431393779814243316650390625
              ELSE (
                SELECT
                  CAST(CAST(d2.product_price / POWER(CAST(2.0 AS DOUBLE PRECISION), let3) AS BIGINT) AS DECIMAL) * POWER(CAST(2 AS DECIMAL), let3)
                FROM (
                  SELECT
                    (GET_BYTE(FLOAT8SEND(d2.product_price), 0) & 127) * 16 + GET_BYTE(FLOAT8SEND(d2.product_price), 1) / 16 - 1075 AS let3
                  OFFSET 0
                ) AS lets3
              )
            END
          END * d2.c
        ) FILTER (WHERE d2.product_price BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
        0
      ) AS sum_product_price_exact,
      COALESCE(
        CAST(SUM(d2.c) FILTER (WHERE d2.product_price = CAST('Infinity' AS DOUBLE PRECISION)) AS BIGINT),
        0
      ) AS sum_product_price_pos_inf,
      COALESCE(
        CAST(SUM(d2.c) FILTER (WHERE d2.product_price = CAST('-Infinity' AS DOUBLE PRECISION)) AS BIGINT),
        0
      ) AS sum_product_price_neg_inf
    FROM stepping_delta_map_b7028e AS d2
    GROUP BY 1
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM receipts__group_reduce_flatten_by_basket_id_4bb391 AS a
    WHERE a.basket_id = g.basket_id
    OFFSET 0
  ) AS a ON TRUE
  WHERE
    g.n <> 0
    OR g.sum_product_price_exact <> 0
    OR g.sum_product_price_pos_inf <> 0
    OR g.sum_product_price_neg_inf <> 0
), m9_i AS (
  INSERT INTO receipts__group_reduce_flatten_by_basket_id_4bb391 (
    basket_id, n, sum_product_price, sum_product_price_exact, sum_product_price_pos_inf,
    sum_product_price_neg_inf
  )
  SELECT
    o.basket_id, o.n1, o.sum_product_price_finite, o.sum_product_price_exact,
    o.sum_product_price_pos_inf, o.sum_product_price_neg_inf
  FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS o
  WHERE o.stepping_rid IS NULL AND o.n1 <> 0
), m9_u AS (
  UPDATE receipts__group_reduce_flatten_by_basket_id_4bb391 AS a
  SET
    n = o.n1, sum_product_price = o.sum_product_price_finite,
    sum_product_price_exact = o.sum_product_price_exact,
    sum_product_price_pos_inf = o.sum_product_price_pos_inf,
    sum_product_price_neg_inf = o.sum_product_price_neg_inf
  FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
), m9_d AS (
  DELETE FROM receipts__group_reduce_flatten_by_basket_id_4bb391 AS a
  USING stepping_change_group_reduce_flatten_by_basket_id_299695 AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 = 0
)
SELECT
  0 AS stepping_output, CAST(d3.basket_id AS BIGINT) AS basket_id,
  CAST(d3.product_name AS TEXT) AS product_name,
  CAST(d3.product_price AS DOUBLE PRECISION) AS product_price,
  CAST(d3.c AS BIGINT) AS stepping_count, CAST(NULL AS DOUBLE PRECISION),
  CAST(NULL AS BIGINT), CAST(NULL AS BIGINT)
FROM stepping_delta_map_b7028e AS d3
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d4.sum_product_price_0 AS DOUBLE PRECISION) AS "left",
  CAST(d4.basket_id AS BIGINT) AS "right", CAST(-1 AS BIGINT) AS stepping_count
FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS d4
WHERE
  d4.n0 IS NOT NULL
  AND (d4.n1 = 0 OR d4.sum_product_price_0 IS DISTINCT FROM d4.sum_product_price_1)
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d5.sum_product_price_1 AS DOUBLE PRECISION) AS "left",
  CAST(d5.basket_id AS BIGINT) AS "right", CAST(1 AS BIGINT) AS stepping_count
FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS d5
WHERE d5.n1 <> 0 AND d5.sum_product_price_0 IS DISTINCT FROM d5.sum_product_price_1;

------------------------------------------------------------------------------
-- When line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: receipts__group_reduce_flatten_by_basket_id_4bb391, receipts__items_2a78a5, receipts__line_items_by_product_name_4ae32f, receipts__products_by_name_5316e2 in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   stepping_delta_line_items_1c1527: line_items (the query's arguments)
--   m4_g: line_items (the query's arguments)
--   m4_o: line_items (the query's arguments)
--   m4_i: line_items (the query's arguments)
--   m4_u: line_items (the query's arguments)
--   m4_d: line_items (the query's arguments)
--   stepping_delta_map_b7028e: map (query.py:34)
--   m7_g: map (query.py:34)
--   m7_o: map (query.py:34)
--   m7_i: map (query.py:34)
--   m7_u: map (query.py:34)
--   m7_d: map (query.py:34)
--   stepping_change_group_reduce_flatten_by_basket_id_299695: group_reduce_flatten (query.py:37)
--   m9_i: group_reduce_flatten (query.py:37)
--   m9_u: group_reduce_flatten (query.py:37)
--   m9_d: group_reduce_flatten (query.py:37)
--   SELECT: map (query.py:34)
--   SELECT: group_reduce_flatten (query.py:37)
WITH stepping_delta_line_items_1c1527 AS MATERIALIZED (
  SELECT u.basket_id, u.product_name COLLATE "C" AS product_name, u.c
  FROM UNNEST(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(basket_id, product_name, c)
), m4_g AS (
  SELECT d7.product_name, d7.basket_id, d7.c
  FROM stepping_delta_line_items_1c1527 AS d7
), m4_o AS MATERIALIZED (
  SELECT g.product_name, g.basket_id, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m4_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__line_items_by_product_name_4ae32f AS a
    WHERE
      HASHTEXTEXTENDED(a.product_name, 0) = HASHTEXTEXTENDED(g.product_name, 0)
      AND a.product_name = g.product_name
      AND HASH_RECORD_EXTENDED(ROW(a.product_name, a.basket_id), 0) = HASH_RECORD_EXTENDED(ROW(g.product_name, g.basket_id), 0)
      AND ROW(a.product_name, a.basket_id) IS NOT DISTINCT FROM ROW(g.product_name, g.basket_id)
    LIMIT 1
  ) AS l ON TRUE
), m4_i AS (
  INSERT INTO receipts__line_items_by_product_name_4ae32f (product_name, basket_id, c)
  SELECT o.product_name, o.basket_id, o.c
  FROM m4_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m4_u AS (
  UPDATE receipts__line_items_by_product_name_4ae32f AS a
  SET c = o.c
  FROM m4_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m4_d AS (
  DELETE FROM receipts__line_items_by_product_name_4ae32f AS a
  USING m4_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), stepping_delta_map_b7028e AS MATERIALIZED (
  SELECT d0.basket_id, t1.name AS product_name, t1.price AS product_price, d0.c * t1.c AS c
  FROM stepping_delta_line_items_1c1527 AS d0
  CROSS JOIN LATERAL (
    SELECT t1.*
    FROM receipts__products_by_name_5316e2 AS t1
    WHERE
      HASHTEXTEXTENDED(t1.name, 0) = HASHTEXTEXTENDED(d0.product_name, 0)
      AND t1.name = d0.product_name
    OFFSET 0
  ) AS t1
), m7_g AS (
  SELECT g.basket_id, g.product_name, g.product_price, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d6.basket_id, d6.product_name, d6.product_price, d6.c
    FROM stepping_delta_map_b7028e AS d6
  ) AS g
  GROUP BY g.basket_id, g.product_name, g.product_price
  HAVING CAST(SUM(g.c) AS BIGINT) <> 0
), m7_o AS MATERIALIZED (
  SELECT
    g.basket_id, g.product_name, g.product_price, COALESCE(l.stepping_old, 0) + g.c AS c,
    l.stepping_rid
  FROM (
    SELECT
      g.*,
      HASH_RECORD_EXTENDED(ROW(g.basket_id, g.product_name, g.product_price), 0) AS stepping_h0
    FROM m7_g AS g
    OFFSET 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__items_2a78a5 AS a
    WHERE
      a.basket_id = g.basket_id
      AND HASH_RECORD_EXTENDED(ROW(a.basket_id, a.product_name, a.product_price), 0) BETWEEN g.stepping_h0 AND g.stepping_h0
      AND ROW(a.basket_id, a.product_name, a.product_price) IS NOT DISTINCT FROM ROW(g.basket_id, g.product_name, g.product_price)
    ORDER BY HASH_RECORD_EXTENDED(ROW(a.basket_id, a.product_name, a.product_price), 0)
    LIMIT 1
  ) AS l ON TRUE
), m7_i AS (
  INSERT INTO receipts__items_2a78a5 (basket_id, product_name, product_price, c)
  SELECT o.basket_id, o.product_name, o.product_price, o.c
  FROM m7_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m7_u AS (
  UPDATE receipts__items_2a78a5 AS a
  SET c = o.c
  FROM m7_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m7_d AS (
  DELETE FROM receipts__items_2a78a5 AS a
  USING m7_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), stepping_change_group_reduce_flatten_by_basket_id_299695 AS MATERIALIZED (
  SELECT
    g.basket_id, a.n AS n0, COALESCE(a.n, 0) + g.n AS n1,
    CASE
      WHEN a.sum_product_price_pos_inf <> 0 OR a.sum_product_price_neg_inf <> 0
      THEN CASE
        WHEN a.sum_product_price_pos_inf >= 0 AND a.sum_product_price_neg_inf <= 0
        THEN CAST('Infinity' AS DOUBLE PRECISION)
        WHEN a.sum_product_price_pos_inf <= 0 AND a.sum_product_price_neg_inf >= 0
        THEN CAST('-Infinity' AS DOUBLE PRECISION)
        ELSE CAST(CAST('stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(a.sum_product_price AS TEXT) AS INT) AS DOUBLE PRECISION)
      END
      ELSE a.sum_product_price
    END AS sum_product_price_0,
    CASE
      WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <> 0
      OR COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <> 0
      THEN CASE
        WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf >= 0
        AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <= 0
        THEN CAST('Infinity' AS DOUBLE PRECISION)
        WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <= 0
        AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf >= 0
        THEN CAST('-Infinity' AS DOUBLE PRECISION)
        ELSE CAST(CAST('stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(CASE
          WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) >= 1.7976931348623158E308
          THEN CAST(CAST('stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
          WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) <= 2.4703282292062327E-324
          THEN CAST(0 AS DOUBLE PRECISION)
          ELSE CAST((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS DOUBLE PRECISION)
        END AS TEXT) AS INT) AS DOUBLE PRECISION)
      END
      ELSE CASE
        WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) >= 1.7976931348623158E308
        THEN CAST(CAST('stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
        WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) <= 2.4703282292062327E-324
        THEN CAST(0 AS DOUBLE PRECISION)
        ELSE CAST((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS DOUBLE PRECISION)
      END
    END AS sum_product_price_1,
    CASE
      WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) >= 1.7976931348623158E308
      THEN CAST(CAST('stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
      WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) <= 2.4703282292062327E-324
      THEN CAST(0 AS DOUBLE PRECISION)
      ELSE CAST((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS DOUBLE PRECISION)
    END AS sum_product_price_finite,
    TRIM_SCALE(COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS sum_product_price_exact,
    COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf AS sum_product_price_pos_inf,
    COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf AS sum_product_price_neg_inf,
    a.stepping_rid
  FROM (
    SELECT
      d2.basket_id, CAST(SUM(d2.c) AS BIGINT) AS n,
      COALESCE(
        SUM(
          CASE
            WHEN ABS(d2.product_price) < 4.440892098500626e-16 AND d2.product_price <> 0
            THEN CASE
              WHEN ABS(d2.product_price * 1.0715086071862673e+301) < 9223372036854775808
              THEN CAST(CAST(TRUNC(d2.product_price * 1.0715086071862673e+301) AS BIGINT) AS DECIMAL) + (
                CAST(CAST(TRUNC(
                  (
                    d2.product_price * 1.0715086071862673e+301 - TRUNC(d2.product_price * 1.0715086071862673e+301)
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL) * 4503599627370496 + CAST(CAST(TRUNC(
                  (
                    (
                      d2.product_price * 1.0715086071862673e+301 - TRUNC(d2.product_price * 1.0715086071862673e+301)
                    ) * 4503599627370496.0 - TRUNC(
                      (
                        d2.product_price * 1.0715086071862673e+301 - TRUNC(d2.product_price * 1.0715086071862673e+301)
                      ) * 4503599627370496.0
                    )
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL)
              ) * 0.00000000000000000000000000000004930380657631323783823303533017413935457540219431393779814243316650390625
              ELSE (
                SELECT
                  CAST(CAST(d2.product_price * 1.0715086071862673e+301 / POWER(CAST(2.0 AS DOUBLE PRECISION), let3) AS BIGINT) AS DECIMAL) * POWER(CAST(2 AS DECIMAL), let3)
                FROM (
                  SELECT
                    (GET_BYTE(FLOAT8SEND(d2.product_price * 1.0715086071862673e+301), 0) & 127) * 16 + GET_BYTE(FLOAT8SEND(d2.product_price * 1.0715086071862673e+301), 1) / 16 - 1075 AS let3
                  OFFSET 0
                ) AS lets3
              )
            END * (POWER(CAST(5 AS DECIMAL), 1000) * 1E-1000)
            ELSE CASE
              WHEN ABS(d2.product_price) < 9223372036854775808
              THEN CAST(CAST(TRUNC(d2.product_price) AS BIGINT) AS DECIMAL) + (
                CAST(CAST(TRUNC((d2.product_price - TRUNC(d2.product_price)) * 4503599627370496.0) AS BIGINT) AS DECIMAL) * 4503599627370496 + CAST(CAST(TRUNC(
                  (
                    (d2.product_price - TRUNC(d2.product_price)) * 4503599627370496.0 - TRUNC((d2.product_price - TRUNC(d2.product_price)) * 4503599627370496.0)
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL)
              ) * 0.00000000000000000000000000000004930380657631323783823303533017413935457540219431393779814243316650390625
              ELSE (
                SELECT
                  CAST(CAST(d2.product_price / POWER(CAST(2.0 AS DOUBLE PRECISION), let3) AS BIGINT) AS DECIMAL) * POWER(CAST(2 AS DECIMAL), let3)
                FROM (
                  SELECT
                    (GET_BYTE(FLOAT8SEND(d2.product_price), 0) & 127) * 16 + GET_BYTE(FLOAT8SEND(d2.product_price), 1) / 16 - 1075 AS let3
                  OFFSET 0
                ) AS lets3
              )
            END
          END * d2.c
        ) FILTER (WHERE d2.product_price BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
        0
      ) AS sum_product_price_exact,
      COALESCE(
        CAST(SUM(d2.c) FILTER (WHERE d2.product_price = CAST('Infinity' AS DOUBLE PRECISION)) AS BIGINT),
        0
      ) AS sum_product_price_pos_inf,
      COALESCE(
        CAST(SUM(d2.c) FILTER (WHERE d2.product_price = CAST('-Infinity' AS DOUBLE PRECISION)) AS BIGINT),
        0
      ) AS sum_product_price_neg_inf
    FROM stepping_delta_map_b7028e AS d2
    GROUP BY 1
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM receipts__group_reduce_flatten_by_basket_id_4bb391 AS a
    WHERE a.basket_id = g.basket_id
    OFFSET 0
  ) AS a ON TRUE
  WHERE
    g.n <> 0
    OR g.sum_product_price_exact <> 0
    OR g.sum_product_price_pos_inf <> 0
    OR g.sum_product_price_neg_inf <> 0
), m9_i AS (
  INSERT INTO receipts__group_reduce_flatten_by_basket_id_4bb391 (
    basket_id, n, sum_product_price, sum_product_price_exact, sum_product_price_pos_inf,
    sum_product_price_neg_inf
  )
  SELECT
    o.basket_id, o.n1, o.sum_product_price_finite, o.sum_product_price_exact,
    o.sum_product_price_pos_inf, o.sum_product_price_neg_inf
  FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS o
  WHERE o.stepping_rid IS NULL AND o.n1 <> 0
), m9_u AS (
  UPDATE receipts__group_reduce_flatten_by_basket_id_4bb391 AS a
  SET
    n = o.n1, sum_product_price = o.sum_product_price_finite,
    sum_product_price_exact = o.sum_product_price_exact,
    sum_product_price_pos_inf = o.sum_product_price_pos_inf,
    sum_product_price_neg_inf = o.sum_product_price_neg_inf
  FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
), m9_d AS (
  DELETE FROM receipts__group_reduce_flatten_by_basket_id_4bb391 AS a
  USING stepping_change_group_reduce_flatten_by_basket_id_299695 AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 = 0
)
SELECT
  0 AS stepping_output, CAST(d3.basket_id AS BIGINT) AS basket_id,
  CAST(d3.product_name AS TEXT) AS product_name,
  CAST(d3.product_price AS DOUBLE PRECISION) AS product_price,
  CAST(d3.c AS BIGINT) AS stepping_count, CAST(NULL AS DOUBLE PRECISION),
  CAST(NULL AS BIGINT), CAST(NULL AS BIGINT)
FROM stepping_delta_map_b7028e AS d3
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d4.sum_product_price_0 AS DOUBLE PRECISION) AS "left",
  CAST(d4.basket_id AS BIGINT) AS "right", CAST(-1 AS BIGINT) AS stepping_count
FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS d4
WHERE
  d4.n0 IS NOT NULL
  AND (d4.n1 = 0 OR d4.sum_product_price_0 IS DISTINCT FROM d4.sum_product_price_1)
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d5.sum_product_price_1 AS DOUBLE PRECISION) AS "left",
  CAST(d5.basket_id AS BIGINT) AS "right", CAST(1 AS BIGINT) AS stepping_count
FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS d5
WHERE d5.n1 <> 0 AND d5.sum_product_price_0 IS DISTINCT FROM d5.sum_product_price_1;

------------------------------------------------------------------------------
-- When any mix of products, line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: receipts__group_reduce_flatten_by_basket_id_4bb391, receipts__items_2a78a5, receipts__line_items_by_product_name_4ae32f, receipts__products_by_name_5316e2 in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   stepping_delta_products_c88ed1: products (the query's arguments)
--   stepping_delta_line_items_1c1527: line_items (the query's arguments)
--   stepping_delta_map_b7028e: map (query.py:34)
--   m7_g: line_items (the query's arguments)
--   m7_o: line_items (the query's arguments)
--   m7_i: line_items (the query's arguments)
--   m7_u: line_items (the query's arguments)
--   m7_d: line_items (the query's arguments)
--   m8_g: products (the query's arguments)
--   m8_o: products (the query's arguments)
--   m8_i: products (the query's arguments)
--   m8_u: products (the query's arguments)
--   m8_d: products (the query's arguments)
--   m10_g: map (query.py:34)
--   m10_o: map (query.py:34)
--   m10_i: map (query.py:34)
--   m10_u: map (query.py:34)
--   m10_d: map (query.py:34)
--   stepping_change_group_reduce_flatten_by_basket_id_299695: group_reduce_flatten (query.py:37)
--   m12_i: group_reduce_flatten (query.py:37)
--   m12_u: group_reduce_flatten (query.py:37)
--   m12_d: group_reduce_flatten (query.py:37)
--   SELECT: map (query.py:34)
--   SELECT: group_reduce_flatten (query.py:37)
WITH stepping_delta_products_c88ed1 AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.price, u.c
  FROM UNNEST(CAST('{}' AS TEXT[]), CAST('{}' AS DOUBLE PRECISION[]), CAST('{}' AS BIGINT[])) AS u(name, price, c)
), stepping_delta_line_items_1c1527 AS MATERIALIZED (
  SELECT u.basket_id, u.product_name COLLATE "C" AS product_name, u.c
  FROM UNNEST(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(basket_id, product_name, c)
), stepping_delta_map_b7028e AS MATERIALIZED (
  SELECT t1.basket_id, d0.name AS product_name, d0.price AS product_price, d0.c * t1.c AS c
  FROM stepping_delta_products_c88ed1 AS d0
  CROSS JOIN LATERAL (
    SELECT t1.*
    FROM receipts__line_items_by_product_name_4ae32f AS t1
    WHERE
      HASHTEXTEXTENDED(t1.product_name, 0) = HASHTEXTEXTENDED(d0.name, 0)
      AND t1.product_name = d0.name
    OFFSET 0
  ) AS t1
  UNION ALL
  SELECT d3.basket_id, d2.name AS product_name, d2.price AS product_price, d2.c * d3.c AS c
  FROM stepping_delta_products_c88ed1 AS d2
  CROSS JOIN stepping_delta_line_items_1c1527 AS d3
  WHERE d2.name = d3.product_name
  UNION ALL
  SELECT d4.basket_id, t5.name AS product_name, t5.price AS product_price, d4.c * t5.c AS c
  FROM stepping_delta_line_items_1c1527 AS d4
  CROSS JOIN LATERAL (
    SELECT t5.*
    FROM receipts__products_by_name_5316e2 AS t5
    WHERE
      HASHTEXTEXTENDED(t5.name, 0) = HASHTEXTEXTENDED(d4.product_name, 0)
      AND t5.name = d4.product_name
    OFFSET 0
  ) AS t5
), m7_g AS (
  SELECT d11.product_name, d11.basket_id, d11.c
  FROM stepping_delta_line_items_1c1527 AS d11
), m7_o AS MATERIALIZED (
  SELECT g.product_name, g.basket_id, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m7_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__line_items_by_product_name_4ae32f AS a
    WHERE
      HASHTEXTEXTENDED(a.product_name, 0) = HASHTEXTEXTENDED(g.product_name, 0)
      AND a.product_name = g.product_name
      AND HASH_RECORD_EXTENDED(ROW(a.product_name, a.basket_id), 0) = HASH_RECORD_EXTENDED(ROW(g.product_name, g.basket_id), 0)
      AND ROW(a.product_name, a.basket_id) IS NOT DISTINCT FROM ROW(g.product_name, g.basket_id)
    LIMIT 1
  ) AS l ON TRUE
), m7_i AS (
  INSERT INTO receipts__line_items_by_product_name_4ae32f (product_name, basket_id, c)
  SELECT o.product_name, o.basket_id, o.c
  FROM m7_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m7_u AS (
  UPDATE receipts__line_items_by_product_name_4ae32f AS a
  SET c = o.c
  FROM m7_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m7_d AS (
  DELETE FROM receipts__line_items_by_product_name_4ae32f AS a
  USING m7_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), m8_g AS (
  SELECT d12.name, d12.price, d12.c
  FROM stepping_delta_products_c88ed1 AS d12
), m8_o AS MATERIALIZED (
  SELECT g.name, g.price, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m8_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__products_by_name_5316e2 AS a
    WHERE
      HASHTEXTEXTENDED(a.name, 0) = HASHTEXTEXTENDED(g.name, 0)
      AND a.name = g.name
      AND HASH_RECORD_EXTENDED(ROW(a.name, a.price), 0) = HASH_RECORD_EXTENDED(ROW(g.name, g.price), 0)
      AND ROW(a.name, a.price) IS NOT DISTINCT FROM ROW(g.name, g.price)
    LIMIT 1
  ) AS l ON TRUE
), m8_i AS (
  INSERT INTO receipts__products_by_name_5316e2 (name, price, c)
  SELECT o.name, o.price, o.c
  FROM m8_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m8_u AS (
  UPDATE receipts__products_by_name_5316e2 AS a
  SET c = o.c
  FROM m8_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m8_d AS (
  DELETE FROM receipts__products_by_name_5316e2 AS a
  USING m8_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), m10_g AS (
  SELECT g.basket_id, g.product_name, g.product_price, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d10.basket_id, d10.product_name, d10.product_price, d10.c
    FROM stepping_delta_map_b7028e AS d10
  ) AS g
  GROUP BY g.basket_id, g.product_name, g.product_price
  HAVING CAST(SUM(g.c) AS BIGINT) <> 0
), m10_o AS MATERIALIZED (
  SELECT
    g.basket_id, g.product_name, g.product_price, COALESCE(l.stepping_old, 0) + g.c AS c,
    l.stepping_rid
  FROM (
    SELECT
      g.*,
      HASH_RECORD_EXTENDED(ROW(g.basket_id, g.product_name, g.product_price), 0) AS stepping_h0
    FROM m10_g AS g
    OFFSET 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM receipts__items_2a78a5 AS a
    WHERE
      a.basket_id = g.basket_id
      AND HASH_RECORD_EXTENDED(ROW(a.basket_id, a.product_name, a.product_price), 0) BETWEEN g.stepping_h0 AND g.stepping_h0
      AND ROW(a.basket_id, a.product_name, a.product_price) IS NOT DISTINCT FROM ROW(g.basket_id, g.product_name, g.product_price)
    ORDER BY HASH_RECORD_EXTENDED(ROW(a.basket_id, a.product_name, a.product_price), 0)
    LIMIT 1
  ) AS l ON TRUE
), m10_i AS (
  INSERT INTO receipts__items_2a78a5 (basket_id, product_name, product_price, c)
  SELECT o.basket_id, o.product_name, o.product_price, o.c
  FROM m10_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m10_u AS (
  UPDATE receipts__items_2a78a5 AS a
  SET c = o.c
  FROM m10_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m10_d AS (
  DELETE FROM receipts__items_2a78a5 AS a
  USING m10_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), stepping_change_group_reduce_flatten_by_basket_id_299695 AS MATERIALIZED (
  SELECT
    g.basket_id, a.n AS n0, COALESCE(a.n, 0) + g.n AS n1,
    CASE
      WHEN a.sum_product_price_pos_inf <> 0 OR a.sum_product_price_neg_inf <> 0
      THEN CASE
        WHEN a.sum_product_price_pos_inf >= 0 AND a.sum_product_price_neg_inf <= 0
        THEN CAST('Infinity' AS DOUBLE PRECISION)
        WHEN a.sum_product_price_pos_inf <= 0 AND a.sum_product_price_neg_inf >= 0
        THEN CAST('-Infinity' AS DOUBLE PRECISION)
        ELSE CAST(CAST('stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(a.sum_product_price AS TEXT) AS INT) AS DOUBLE PRECISION)
      END
      ELSE a.sum_product_price
    END AS sum_product_price_0,
    CASE
      WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <> 0
      OR COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <> 0
      THEN CASE
        WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf >= 0
        AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <= 0
        THEN CAST('Infinity' AS DOUBLE PRECISION)
        WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <= 0
        AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf >= 0
        THEN CAST('-Infinity' AS DOUBLE PRECISION)
        ELSE CAST(CAST('stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(CASE
          WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) >= 1.7976931348623158E308
          THEN CAST(CAST('stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
          WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) <= 2.4703282292062327E-324
          THEN CAST(0 AS DOUBLE PRECISION)
          ELSE CAST((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS DOUBLE PRECISION)
        END AS TEXT) AS INT) AS DOUBLE PRECISION)
      END
      ELSE CASE
        WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) >= 1.7976931348623158E308
        THEN CAST(CAST('stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
        WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) <= 2.4703282292062327E-324
        THEN CAST(0 AS DOUBLE PRECISION)
        ELSE CAST((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS DOUBLE PRECISION)
      END
    END AS sum_product_price_1,
    CASE
      WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) >= 1.7976931348623158E308
      THEN CAST(CAST('stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None') AS INT) AS DOUBLE PRECISION)
      WHEN ABS((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact)) <= 2.4703282292062327E-324
      THEN CAST(0 AS DOUBLE PRECISION)
      ELSE CAST((COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS DOUBLE PRECISION)
    END AS sum_product_price_finite,
    TRIM_SCALE(COALESCE(a.sum_product_price_exact, 0) + g.sum_product_price_exact) AS sum_product_price_exact,
    COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf AS sum_product_price_pos_inf,
    COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf AS sum_product_price_neg_inf,
    a.stepping_rid
  FROM (
    SELECT
      d6.basket_id, CAST(SUM(d6.c) AS BIGINT) AS n,
      COALESCE(
        SUM(
          CASE
            WHEN ABS(d6.product_price) < 4.440892098500626e-16 AND d6.product_price <> 0
            THEN CASE
              WHEN ABS(d6.product_price * 1.0715086071862673e+301) < 9223372036854775808
              THEN CAST(CAST(TRUNC(d6.product_price * 1.0715086071862673e+301) AS BIGINT) AS DECIMAL) + (
                CAST(CAST(TRUNC(
                  (
                    d6.product_price * 1.0715086071862673e+301 - TRUNC(d6.product_price * 1.0715086071862673e+301)
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL) * 4503599627370496 + CAST(CAST(TRUNC(
                  (
                    (
                      d6.product_price * 1.0715086071862673e+301 - TRUNC(d6.product_price * 1.0715086071862673e+301)
                    ) * 4503599627370496.0 - TRUNC(
                      (
                        d6.product_price * 1.0715086071862673e+301 - TRUNC(d6.product_price * 1.0715086071862673e+301)
                      ) * 4503599627370496.0
                    )
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL)
              ) * 0.00000000000000000000000000000004930380657631323783823303533017413935457540219431393779814243316650390625
              ELSE (
                SELECT
                  CAST(CAST(d6.product_price * 1.0715086071862673e+301 / POWER(CAST(2.0 AS DOUBLE PRECISION), let3) AS BIGINT) AS DECIMAL) * POWER(CAST(2 AS DECIMAL), let3)
                FROM (
                  SELECT
                    (GET_BYTE(FLOAT8SEND(d6.product_price * 1.0715086071862673e+301), 0) & 127) * 16 + GET_BYTE(FLOAT8SEND(d6.product_price * 1.0715086071862673e+301), 1) / 16 - 1075 AS let3
                  OFFSET 0
                ) AS lets3
              )
            END * (POWER(CAST(5 AS DECIMAL), 1000) * 1E-1000)
            ELSE CASE
              WHEN ABS(d6.product_price) < 9223372036854775808
              THEN CAST(CAST(TRUNC(d6.product_price) AS BIGINT) AS DECIMAL) + (
                CAST(CAST(TRUNC((d6.product_price - TRUNC(d6.product_price)) * 4503599627370496.0) AS BIGINT) AS DECIMAL) * 4503599627370496 + CAST(CAST(TRUNC(
                  (
                    (d6.product_price - TRUNC(d6.product_price)) * 4503599627370496.0 - TRUNC((d6.product_price - TRUNC(d6.product_price)) * 4503599627370496.0)
                  ) * 4503599627370496.0
                ) AS BIGINT) AS DECIMAL)
              ) * 0.00000000000000000000000000000004930380657631323783823303533017413935457540219431393779814243316650390625
              ELSE (
                SELECT
                  CAST(CAST(d6.product_price / POWER(CAST(2.0 AS DOUBLE PRECISION), let3) AS BIGINT) AS DECIMAL) * POWER(CAST(2 AS DECIMAL), let3)
                FROM (
                  SELECT
                    (GET_BYTE(FLOAT8SEND(d6.product_price), 0) & 127) * 16 + GET_BYTE(FLOAT8SEND(d6.product_price), 1) / 16 - 1075 AS let3
                  OFFSET 0
                ) AS lets3
              )
            END
          END * d6.c
        ) FILTER (WHERE d6.product_price BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
        0
      ) AS sum_product_price_exact,
      COALESCE(
        CAST(SUM(d6.c) FILTER (WHERE d6.product_price = CAST('Infinity' AS DOUBLE PRECISION)) AS BIGINT),
        0
      ) AS sum_product_price_pos_inf,
      COALESCE(
        CAST(SUM(d6.c) FILTER (WHERE d6.product_price = CAST('-Infinity' AS DOUBLE PRECISION)) AS BIGINT),
        0
      ) AS sum_product_price_neg_inf
    FROM stepping_delta_map_b7028e AS d6
    GROUP BY 1
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM receipts__group_reduce_flatten_by_basket_id_4bb391 AS a
    WHERE a.basket_id = g.basket_id
    OFFSET 0
  ) AS a ON TRUE
  WHERE
    g.n <> 0
    OR g.sum_product_price_exact <> 0
    OR g.sum_product_price_pos_inf <> 0
    OR g.sum_product_price_neg_inf <> 0
), m12_i AS (
  INSERT INTO receipts__group_reduce_flatten_by_basket_id_4bb391 (
    basket_id, n, sum_product_price, sum_product_price_exact, sum_product_price_pos_inf,
    sum_product_price_neg_inf
  )
  SELECT
    o.basket_id, o.n1, o.sum_product_price_finite, o.sum_product_price_exact,
    o.sum_product_price_pos_inf, o.sum_product_price_neg_inf
  FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS o
  WHERE o.stepping_rid IS NULL AND o.n1 <> 0
), m12_u AS (
  UPDATE receipts__group_reduce_flatten_by_basket_id_4bb391 AS a
  SET
    n = o.n1, sum_product_price = o.sum_product_price_finite,
    sum_product_price_exact = o.sum_product_price_exact,
    sum_product_price_pos_inf = o.sum_product_price_pos_inf,
    sum_product_price_neg_inf = o.sum_product_price_neg_inf
  FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
), m12_d AS (
  DELETE FROM receipts__group_reduce_flatten_by_basket_id_4bb391 AS a
  USING stepping_change_group_reduce_flatten_by_basket_id_299695 AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 = 0
)
SELECT
  0 AS stepping_output, CAST(d7.basket_id AS BIGINT) AS basket_id,
  CAST(d7.product_name AS TEXT) AS product_name,
  CAST(d7.product_price AS DOUBLE PRECISION) AS product_price,
  CAST(d7.c AS BIGINT) AS stepping_count, CAST(NULL AS DOUBLE PRECISION),
  CAST(NULL AS BIGINT), CAST(NULL AS BIGINT)
FROM stepping_delta_map_b7028e AS d7
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d8.sum_product_price_0 AS DOUBLE PRECISION) AS "left",
  CAST(d8.basket_id AS BIGINT) AS "right", CAST(-1 AS BIGINT) AS stepping_count
FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS d8
WHERE
  d8.n0 IS NOT NULL
  AND (d8.n1 = 0 OR d8.sum_product_price_0 IS DISTINCT FROM d8.sum_product_price_1)
UNION ALL
SELECT
  1 AS stepping_output, CAST(NULL AS BIGINT), CAST(NULL AS TEXT),
  CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS BIGINT),
  CAST(d9.sum_product_price_1 AS DOUBLE PRECISION) AS "left",
  CAST(d9.basket_id AS BIGINT) AS "right", CAST(1 AS BIGINT) AS stepping_count
FROM stepping_change_group_reduce_flatten_by_basket_id_299695 AS d9
WHERE d9.n1 <> 0 AND d9.sum_product_price_0 IS DISTINCT FROM d9.sum_product_price_1;
