-- The query join on postgres; fingerprint a5c6456da5808ba533dc32c89359f362
--
-- output
--   3. join  query.py:18
--   │    incremental: the change of each side meets the rows of the other with its key
--   ├─ 1. products (input)
--   │       keeps join__products_by_name_5316e2
--   │             key (name): look-ups, and the row itself
--   └─ 2. line_items (input)
--           keeps join__line_items_by_product_name_4ae32f
--                 key (product_name): look-ups, and the row itself
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of products: 1 statement, 2 look-ups, 1 row written
--   join__products_by_name_5316e2 as a whole row, at most one row
--   join__line_items_by_product_name_4ae32f by product_name
-- One changed row of line_items: 1 statement, 2 look-ups, 1 row written
--   join__line_items_by_product_name_4ae32f as a whole row, at most one row
--   join__products_by_name_5316e2 by name

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
-- join__line_items_by_product_name_4ae32f: the rows of line_items, looked up by product_name
-- for line_items (the query's arguments)
-- it has a row for each different row of line_items in the columns it keeps
CREATE TABLE IF NOT EXISTS join__line_items_by_product_name_4ae32f (
    product_name TEXT COLLATE "C" NOT NULL,
    basket_id BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT join__line_items_by_product_name_4ae32f__not_negative CHECK (c >= 0)
);
--   join__line_items_by_product_name_4ae32f__product_name_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS join__line_items_by_product_name_4ae32f__product_name_key ON join__line_items_by_product_name_4ae32f ((HASHTEXTEXTENDED(product_name, 0)), (HASH_RECORD_EXTENDED(ROW(product_name, basket_id), 0)));
--   join__line_items_by_product_name_4ae32f: its rows can be changed where all tables are published
ALTER TABLE join__line_items_by_product_name_4ae32f REPLICA IDENTITY FULL;
--   join__line_items_by_product_name_4ae32f: what it is for, as \d+ shows it
COMMENT ON TABLE join__line_items_by_product_name_4ae32f IS 'stepping: the rows of line_items, looked up by product_name; for line_items';
-- join__products_by_name_5316e2: the rows of products, looked up by name
-- for products (the query's arguments)
-- it has a row for each different row of products in the columns it keeps
CREATE TABLE IF NOT EXISTS join__products_by_name_5316e2 (
    name TEXT COLLATE "C" NOT NULL,
    price DOUBLE PRECISION NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT join__products_by_name_5316e2__not_negative CHECK (c >= 0)
);
--   join__products_by_name_5316e2__name_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS join__products_by_name_5316e2__name_key ON join__products_by_name_5316e2 ((HASHTEXTEXTENDED(name, 0)), (HASH_RECORD_EXTENDED(ROW(name, price), 0)));
--   join__products_by_name_5316e2: its rows can be changed where all tables are published
ALTER TABLE join__products_by_name_5316e2 REPLICA IDENTITY FULL;
--   join__products_by_name_5316e2: what it is for, as \d+ shows it
COMMENT ON TABLE join__products_by_name_5316e2 IS 'stepping: the rows of products, looked up by name; for products';

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('join__line_items_by_product_name_4ae32f', 0), ('join__products_by_name_5316e2', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'join',
    'a5c6456da5808ba533dc32c89359f362',
    'postgres',
    1,
    '1 ab7efa9d0f167496 {"query":"join","dialect":"postgres","fingerprint":"a5c6456da5808ba533dc32c89359f362","tables":[{"table":{"name":"join__line_items_by_product_name_4ae32f","kind":"delay","columns":[{"name":"product_name","type":{"kind":"text"}},{"name":"basket_id","type":{"kind":"int"}}],"weight":"c","key":["product_name"],"non_negative":true,"reason":"the rows of line_items, looked up by product_name","serves":"line_items","where":"the query''s arguments","digest":"4ae32f3eee6e3b50ace3751ba2a5ba81","rows":"dac1310d2e7f395daee7af586b7831ea","holds":[["product_name","product_name"],["basket_id","basket_id"]],"input":"line_items","rows_of":"LineItem","node":"f6a8ceaef9212f12f9a3aa21bd146931"},"ddl":["CREATE TABLE IF NOT EXISTS join__line_items_by_product_name_4ae32f (\n    product_name TEXT COLLATE \"C\" NOT NULL,\n    basket_id BIGINT NOT NULL,\n    c BIGINT NOT NULL,\n    CONSTRAINT join__line_items_by_product_name_4ae32f__not_negative CHECK (c >= 0)\n)","CREATE INDEX IF NOT EXISTS join__line_items_by_product_name_4ae32f__product_name_key ON join__line_items_by_product_name_4ae32f ((HASHTEXTEXTENDED(product_name, 0)), (HASH_RECORD_EXTENDED(ROW(product_name, basket_id), 0)))","ALTER TABLE join__line_items_by_product_name_4ae32f REPLICA IDENTITY FULL","COMMENT ON TABLE join__line_items_by_product_name_4ae32f IS ''stepping: the rows of line_items, looked up by product_name; for line_items''"]},{"table":{"name":"join__products_by_name_5316e2","kind":"delay","columns":[{"name":"name","type":{"kind":"text"}},{"name":"price","type":{"kind":"float"}}],"weight":"c","key":["name"],"non_negative":true,"reason":"the rows of products, looked up by name","serves":"products","where":"the query''s arguments","digest":"5316e22260887d31896a6653bdde066a","rows":"84dc607c15e1dcafad3674097ed10c74","holds":[["name","name"],["price","price"]],"input":"products","rows_of":"Product","node":"b030225c044310f91a1885ceaaf3be69"},"ddl":["CREATE TABLE IF NOT EXISTS join__products_by_name_5316e2 (\n    name TEXT COLLATE \"C\" NOT NULL,\n    price DOUBLE PRECISION NOT NULL,\n    c BIGINT NOT NULL,\n    CONSTRAINT join__products_by_name_5316e2__not_negative CHECK (c >= 0)\n)","CREATE INDEX IF NOT EXISTS join__products_by_name_5316e2__name_key ON join__products_by_name_5316e2 ((HASHTEXTEXTENDED(name, 0)), (HASH_RECORD_EXTENDED(ROW(name, price), 0)))","ALTER TABLE join__products_by_name_5316e2 REPLICA IDENTITY FULL","COMMENT ON TABLE join__products_by_name_5316e2 IS ''stepping: the rows of products, looked up by name; for products''"]}],"inputs":[{"name":"products","row":"Product","columns":[{"name":"name","path":["name"],"type":{"kind":"text"}},{"name":"price","path":["price"],"type":{"kind":"float"}}]},{"name":"line_items","row":"LineItem","columns":[{"name":"basket_id","path":["basket_id"],"type":{"kind":"int"}},{"name":"product_name","path":["product_name"],"type":{"kind":"text"}}]}],"caches":[]}'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When products changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items_by_product_name_4ae32f, join__products_by_name_5316e2 in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   stepping_delta_products_c88ed1: products (the query's arguments)
--   m2_g: products (the query's arguments)
--   m2_o: products (the query's arguments)
--   m2_i: products (the query's arguments)
--   m2_u: products (the query's arguments)
--   m2_d: products (the query's arguments)
--   SELECT: join (query.py:18)
WITH stepping_delta_products_c88ed1 AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.price, u.c
  FROM UNNEST(CAST('{}' AS TEXT[]), CAST('{}' AS DOUBLE PRECISION[]), CAST('{}' AS BIGINT[])) AS u(name, price, c)
), m2_g AS (
  SELECT d2.name, d2.price, d2.c
  FROM stepping_delta_products_c88ed1 AS d2
), m2_o AS MATERIALIZED (
  SELECT g.name, g.price, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m2_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM join__products_by_name_5316e2 AS a
    WHERE
      HASHTEXTEXTENDED(a.name, 0) = HASHTEXTEXTENDED(g.name, 0)
      AND a.name = g.name
      AND HASH_RECORD_EXTENDED(ROW(a.name, a.price), 0) = HASH_RECORD_EXTENDED(ROW(g.name, g.price), 0)
      AND ROW(a.name, a.price) IS NOT DISTINCT FROM ROW(g.name, g.price)
    LIMIT 1
  ) AS l ON TRUE
), m2_i AS (
  INSERT INTO join__products_by_name_5316e2 (name, price, c)
  SELECT o.name, o.price, o.c
  FROM m2_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m2_u AS (
  UPDATE join__products_by_name_5316e2 AS a
  SET c = o.c
  FROM m2_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m2_d AS (
  DELETE FROM join__products_by_name_5316e2 AS a
  USING m2_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(d0.name AS TEXT) AS left_name,
  CAST(d0.price AS DOUBLE PRECISION) AS left_price,
  CAST(t1.basket_id AS BIGINT) AS right_basket_id,
  CAST(t1.product_name AS TEXT) AS right_product_name,
  CAST(d0.c * t1.c AS BIGINT) AS stepping_count
FROM stepping_delta_products_c88ed1 AS d0
CROSS JOIN LATERAL (
  SELECT t1.*
  FROM join__line_items_by_product_name_4ae32f AS t1
  WHERE
    HASHTEXTEXTENDED(t1.product_name, 0) = HASHTEXTEXTENDED(d0.name, 0)
    AND t1.product_name = d0.name
  OFFSET 0
) AS t1;

------------------------------------------------------------------------------
-- When line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items_by_product_name_4ae32f, join__products_by_name_5316e2 in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   stepping_delta_line_items_1c1527: line_items (the query's arguments)
--   m2_g: line_items (the query's arguments)
--   m2_o: line_items (the query's arguments)
--   m2_i: line_items (the query's arguments)
--   m2_u: line_items (the query's arguments)
--   m2_d: line_items (the query's arguments)
--   SELECT: join (query.py:18)
WITH stepping_delta_line_items_1c1527 AS MATERIALIZED (
  SELECT u.basket_id, u.product_name COLLATE "C" AS product_name, u.c
  FROM UNNEST(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(basket_id, product_name, c)
), m2_g AS (
  SELECT d2.product_name, d2.basket_id, d2.c
  FROM stepping_delta_line_items_1c1527 AS d2
), m2_o AS MATERIALIZED (
  SELECT g.product_name, g.basket_id, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m2_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM join__line_items_by_product_name_4ae32f AS a
    WHERE
      HASHTEXTEXTENDED(a.product_name, 0) = HASHTEXTEXTENDED(g.product_name, 0)
      AND a.product_name = g.product_name
      AND HASH_RECORD_EXTENDED(ROW(a.product_name, a.basket_id), 0) = HASH_RECORD_EXTENDED(ROW(g.product_name, g.basket_id), 0)
      AND ROW(a.product_name, a.basket_id) IS NOT DISTINCT FROM ROW(g.product_name, g.basket_id)
    LIMIT 1
  ) AS l ON TRUE
), m2_i AS (
  INSERT INTO join__line_items_by_product_name_4ae32f (product_name, basket_id, c)
  SELECT o.product_name, o.basket_id, o.c
  FROM m2_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m2_u AS (
  UPDATE join__line_items_by_product_name_4ae32f AS a
  SET c = o.c
  FROM m2_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m2_d AS (
  DELETE FROM join__line_items_by_product_name_4ae32f AS a
  USING m2_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(t1.name AS TEXT) AS left_name,
  CAST(t1.price AS DOUBLE PRECISION) AS left_price,
  CAST(d0.basket_id AS BIGINT) AS right_basket_id,
  CAST(d0.product_name AS TEXT) AS right_product_name,
  CAST(d0.c * t1.c AS BIGINT) AS stepping_count
FROM stepping_delta_line_items_1c1527 AS d0
CROSS JOIN LATERAL (
  SELECT t1.*
  FROM join__products_by_name_5316e2 AS t1
  WHERE
    HASHTEXTEXTENDED(t1.name, 0) = HASHTEXTEXTENDED(d0.product_name, 0)
    AND t1.name = d0.product_name
  OFFSET 0
) AS t1;

------------------------------------------------------------------------------
-- When any mix of products, line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items_by_product_name_4ae32f, join__products_by_name_5316e2 in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   stepping_delta_products_c88ed1: products (the query's arguments)
--   stepping_delta_line_items_1c1527: line_items (the query's arguments)
--   m5_g: line_items (the query's arguments)
--   m5_o: line_items (the query's arguments)
--   m5_i: line_items (the query's arguments)
--   m5_u: line_items (the query's arguments)
--   m5_d: line_items (the query's arguments)
--   m6_g: products (the query's arguments)
--   m6_o: products (the query's arguments)
--   m6_i: products (the query's arguments)
--   m6_u: products (the query's arguments)
--   m6_d: products (the query's arguments)
--   SELECT: join (query.py:18)
WITH stepping_delta_products_c88ed1 AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.price, u.c
  FROM UNNEST(CAST('{}' AS TEXT[]), CAST('{}' AS DOUBLE PRECISION[]), CAST('{}' AS BIGINT[])) AS u(name, price, c)
), stepping_delta_line_items_1c1527 AS MATERIALIZED (
  SELECT u.basket_id, u.product_name COLLATE "C" AS product_name, u.c
  FROM UNNEST(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(basket_id, product_name, c)
), m5_g AS (
  SELECT d6.product_name, d6.basket_id, d6.c
  FROM stepping_delta_line_items_1c1527 AS d6
), m5_o AS MATERIALIZED (
  SELECT g.product_name, g.basket_id, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m5_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM join__line_items_by_product_name_4ae32f AS a
    WHERE
      HASHTEXTEXTENDED(a.product_name, 0) = HASHTEXTEXTENDED(g.product_name, 0)
      AND a.product_name = g.product_name
      AND HASH_RECORD_EXTENDED(ROW(a.product_name, a.basket_id), 0) = HASH_RECORD_EXTENDED(ROW(g.product_name, g.basket_id), 0)
      AND ROW(a.product_name, a.basket_id) IS NOT DISTINCT FROM ROW(g.product_name, g.basket_id)
    LIMIT 1
  ) AS l ON TRUE
), m5_i AS (
  INSERT INTO join__line_items_by_product_name_4ae32f (product_name, basket_id, c)
  SELECT o.product_name, o.basket_id, o.c
  FROM m5_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m5_u AS (
  UPDATE join__line_items_by_product_name_4ae32f AS a
  SET c = o.c
  FROM m5_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m5_d AS (
  DELETE FROM join__line_items_by_product_name_4ae32f AS a
  USING m5_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), m6_g AS (
  SELECT d7.name, d7.price, d7.c
  FROM stepping_delta_products_c88ed1 AS d7
), m6_o AS MATERIALIZED (
  SELECT g.name, g.price, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m6_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM join__products_by_name_5316e2 AS a
    WHERE
      HASHTEXTEXTENDED(a.name, 0) = HASHTEXTEXTENDED(g.name, 0)
      AND a.name = g.name
      AND HASH_RECORD_EXTENDED(ROW(a.name, a.price), 0) = HASH_RECORD_EXTENDED(ROW(g.name, g.price), 0)
      AND ROW(a.name, a.price) IS NOT DISTINCT FROM ROW(g.name, g.price)
    LIMIT 1
  ) AS l ON TRUE
), m6_i AS (
  INSERT INTO join__products_by_name_5316e2 (name, price, c)
  SELECT o.name, o.price, o.c
  FROM m6_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m6_u AS (
  UPDATE join__products_by_name_5316e2 AS a
  SET c = o.c
  FROM m6_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m6_d AS (
  DELETE FROM join__products_by_name_5316e2 AS a
  USING m6_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(d0.name AS TEXT) AS left_name,
  CAST(d0.price AS DOUBLE PRECISION) AS left_price,
  CAST(t1.basket_id AS BIGINT) AS right_basket_id,
  CAST(t1.product_name AS TEXT) AS right_product_name,
  CAST(d0.c * t1.c AS BIGINT) AS stepping_count
FROM stepping_delta_products_c88ed1 AS d0
CROSS JOIN LATERAL (
  SELECT t1.*
  FROM join__line_items_by_product_name_4ae32f AS t1
  WHERE
    HASHTEXTEXTENDED(t1.product_name, 0) = HASHTEXTEXTENDED(d0.name, 0)
    AND t1.product_name = d0.name
  OFFSET 0
) AS t1
UNION ALL
SELECT
  0 AS stepping_output, CAST(d2.name AS TEXT) AS left_name,
  CAST(d2.price AS DOUBLE PRECISION) AS left_price,
  CAST(d3.basket_id AS BIGINT) AS right_basket_id,
  CAST(d3.product_name AS TEXT) AS right_product_name,
  CAST(d2.c * d3.c AS BIGINT) AS stepping_count
FROM stepping_delta_products_c88ed1 AS d2
CROSS JOIN stepping_delta_line_items_1c1527 AS d3
WHERE d2.name = d3.product_name
UNION ALL
SELECT
  0 AS stepping_output, CAST(t5.name AS TEXT) AS left_name,
  CAST(t5.price AS DOUBLE PRECISION) AS left_price,
  CAST(d4.basket_id AS BIGINT) AS right_basket_id,
  CAST(d4.product_name AS TEXT) AS right_product_name,
  CAST(d4.c * t5.c AS BIGINT) AS stepping_count
FROM stepping_delta_line_items_1c1527 AS d4
CROSS JOIN LATERAL (
  SELECT t5.*
  FROM join__products_by_name_5316e2 AS t5
  WHERE
    HASHTEXTEXTENDED(t5.name, 0) = HASHTEXTEXTENDED(d4.product_name, 0)
    AND t5.name = d4.product_name
  OFFSET 0
) AS t5;
