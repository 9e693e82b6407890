-- The query join on postgres; fingerprint 128ba4da5e711c78fb70ea99677000fc
--
-- output
--   3. join  query.py:18
--   │    incremental: the change of each side meets the rows of the other with its key
--   ├─ 1. products (input)
--   │       keeps join__products
--   │             key (name): look-ups, and the row itself
--   └─ 2. line_items (input)
--           keeps join__line_items
--                 key (product_name): look-ups, and the row itself
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of products: 1 statement, 2 look-ups, 1 row written
--   join__products as a whole row, at most one row
--   join__line_items by product_name
-- One changed row of line_items: 1 statement, 2 look-ups, 1 row written
--   join__line_items as a whole row, at most one row
--   join__products by name

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
-- join__line_items: the rows of line_items, looked up by product_name
-- for line_items (the query's arguments)
-- it has a row for each different row of line_items in the columns it keeps
CREATE TABLE IF NOT EXISTS join__line_items (
    product_name TEXT COLLATE "C" NOT NULL,
    basket_id BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT join__line_items__not_negative CHECK (c >= 0)
);
--   join__line_items__product_name_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS join__line_items__product_name_key ON join__line_items ((hashtextextended(product_name, 0)), (hash_record_extended(ROW(product_name, basket_id), 0)));
--   join__line_items: its rows can be changed where all tables are published
ALTER TABLE join__line_items REPLICA IDENTITY FULL;
--   join__line_items: what it is for, as \d+ shows it
COMMENT ON TABLE join__line_items IS 'stepping: the rows of line_items, looked up by product_name; for line_items';
-- join__products: the rows of products, looked up by name
-- for products (the query's arguments)
-- it has a row for each different row of products in the columns it keeps
CREATE TABLE IF NOT EXISTS join__products (
    name TEXT COLLATE "C" NOT NULL,
    price DOUBLE PRECISION NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT join__products__not_negative CHECK (c >= 0)
);
--   join__products__name_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS join__products__name_key ON join__products ((hashtextextended(name, 0)), (hash_record_extended(ROW(name, price), 0)));
--   join__products: its rows can be changed where all tables are published
ALTER TABLE join__products REPLICA IDENTITY FULL;
--   join__products: what it is for, as \d+ shows it
COMMENT ON TABLE join__products IS 'stepping: the rows of products, looked up by name; for products';

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('join__line_items', 0), ('join__products', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'join',
    '128ba4da5e711c78fb70ea99677000fc',
    'postgres',
    2,
    '2 bb026a736532daa4 QlpoOTFBWSZTWQgVgrkABRlfgEAAUOR/+z/v3u6////qUAR+Oqtzg521kaSQlFKeyTSemBHqRtR6mnpAA0eKYgGmgAyn4GgT0lMAAAAAAAAACTUiSYJoRp5JkaBoAxqeoGgDQGQ5gTE0GEyZMmRhME00yMTAEMAVREaJo1T009ITSfqTGp6nqGjT0npNNMNJ4oNCQfIdTvPQyRzPYfr7X4pk631ujrmZa3SWbp9NKD6LWSv/OZ1qrm3uOlhpZlSs1TXw97E2MilF1zWjqaHteV1pV7v5ycM4+34cFWeGOqsLmLkosbTgljQGOV/d1cJcviLIbdS96KYNXCrN4P4wlM2gvI3o+LezLoykmepW+U2omBRGKjBgh1AVLJQSi0CxS1VKpSK0QlNBJG717RrZvuNiUfgp8pnnaJekEvvWLBUyA8kn1Q6xJUZESWEhQiqqKKVCPiRCWQ9uuq/aV24yFYbr86jJbq8DVbxLTFA56EJNCn+SdZQIgCitIsKRzCoNAMAMWKmRAeJaXgKzxIAzYgeKTNa1MIlhUwhzHaphnLFDyOUR4A4YCC5awt3tiEGb9mj93pR61nqOdaPY7pO1VfErPelFzsXYskySZQ7Xzdqq9RYoxKJjxMVUdsS+cbXuqt8TU3qtSGqI7m8dzW0blYjazQopHIlKqNZWhRvQ49Fl+pRxMDO96mS8nJJxthWJRJZHiRuUVaIwW7VyKMwMpsNj7UppkN0zF4bi85y8w75EQVcmuTWDJrPZJxyTpkoIpcowEDoMPVz+fZyuvPiswZ1wIzssz2vtisbsoBApJwkRLx9GsLg8zJRNhx6NOjCG2/Fvip6FlmWNuTl8evCvLEWwzpeaPomYItQM1EEoF05s+P8HDlz1ox3OA3NsLQo0l5CdRxdLgiVJmYmVpTKGa9wGK5aSUm9ht+rdZ6TCxaoSZERSfFCShH+BGDtuTfWINg0yogRijjLmHJJuDJWkqJeDMKDwZBHUTPLS7E+/U+xKxxAJ8xs40m90FEeN5MmiznxiN8RRsaREb0OxywjzujZGUsoRtKaEyiZZGcReuIzZr3nc02haMYo1qFjBgQcEUhHgOW9RREUY9OUqZGoRRHVQtkxEMYMkoGYBRU7wTFzRztIhGJg+kRGw8zyHIxajRc5rmtDQ4jvF6m1pSHFhWqsmim5FYpFGUVq4jFVgcWkzAdAwJgYwQ2uEYOpRX9HGFF24qtix3B0BesKiKuBtGaEwMZo3zJqOA03euX6pmmqIvIxZR7nCEWNa4o1q6i6N0zQ7GRsSZzCw44hHO/6OZ5TWc0cRZxtRI0J3w3TCwnABvAc2yhoYmtrKW9bGINAf8XckU4UJAIFYK5A='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When products changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items, join__products in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   products: the query's arguments
--   join: query.py:18
WITH products_change AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.price, u.c
  FROM unnest(CAST('{}' AS TEXT[]), CAST('{}' AS DOUBLE PRECISION[]), CAST('{}' AS BIGINT[])) AS u(name, price, c)
), products_found AS MATERIALIZED (
  SELECT g.name, g.price, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM products_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM join__products AS a
    WHERE
      hashtextextended(a.name, 0) = hashtextextended(g.name, 0)
      AND a.name = g.name
      AND hash_record_extended(ROW(a.name, a.price), 0) = hash_record_extended(ROW(g.name, g.price), 0)
      AND ROW(a.name, a.price) IS NOT DISTINCT FROM ROW(g.name, g.price)
    LIMIT 1
  ) AS l ON TRUE
), products_inserted AS (
  INSERT INTO join__products (name, price, c)
  SELECT o.name, o.price, o.c
  FROM products_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), products_updated AS (
  UPDATE join__products AS a
  SET c = o.c
  FROM products_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), products_deleted AS (
  DELETE FROM join__products AS a
  USING products_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(d0.name AS TEXT) AS left_name,
  CAST(d0.price AS DOUBLE PRECISION) AS left_price,
  CAST(t1.basket_id AS BIGINT) AS right_basket_id,
  CAST(t1.product_name AS TEXT) AS right_product_name,
  CAST(d0.c * t1.c AS BIGINT) AS stepping_count
FROM products_change AS d0
CROSS JOIN LATERAL (
  SELECT t1.*
  FROM join__line_items AS t1
  WHERE
    hashtextextended(t1.product_name, 0) = hashtextextended(d0.name, 0)
    AND t1.product_name = d0.name
  OFFSET 0
) AS t1;

------------------------------------------------------------------------------
-- When line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items, join__products in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   line_items: the query's arguments
--   join: query.py:18
WITH line_items_change AS MATERIALIZED (
  SELECT u.basket_id, u.product_name COLLATE "C" AS product_name, u.c
  FROM unnest(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(basket_id, product_name, c)
), line_items_found AS MATERIALIZED (
  SELECT g.product_name, g.basket_id, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM line_items_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM join__line_items AS a
    WHERE
      hashtextextended(a.product_name, 0) = hashtextextended(g.product_name, 0)
      AND a.product_name = g.product_name
      AND hash_record_extended(ROW(a.product_name, a.basket_id), 0) = hash_record_extended(ROW(g.product_name, g.basket_id), 0)
      AND ROW(a.product_name, a.basket_id) IS NOT DISTINCT FROM ROW(g.product_name, g.basket_id)
    LIMIT 1
  ) AS l ON TRUE
), line_items_inserted AS (
  INSERT INTO join__line_items (product_name, basket_id, c)
  SELECT o.product_name, o.basket_id, o.c
  FROM line_items_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), line_items_updated AS (
  UPDATE join__line_items AS a
  SET c = o.c
  FROM line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), line_items_deleted AS (
  DELETE FROM join__line_items AS a
  USING line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(t1.name AS TEXT) AS left_name,
  CAST(t1.price AS DOUBLE PRECISION) AS left_price,
  CAST(d0.basket_id AS BIGINT) AS right_basket_id,
  CAST(d0.product_name AS TEXT) AS right_product_name,
  CAST(d0.c * t1.c AS BIGINT) AS stepping_count
FROM line_items_change AS d0
CROSS JOIN LATERAL (
  SELECT t1.*
  FROM join__products AS t1
  WHERE
    hashtextextended(t1.name, 0) = hashtextextended(d0.product_name, 0)
    AND t1.name = d0.product_name
  OFFSET 0
) AS t1;

------------------------------------------------------------------------------
-- When any mix of products, line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items, join__products in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   products: the query's arguments
--   line_items: the query's arguments
--   join: query.py:18
WITH products_change AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.price, u.c
  FROM unnest(CAST('{}' AS TEXT[]), CAST('{}' AS DOUBLE PRECISION[]), CAST('{}' AS BIGINT[])) AS u(name, price, c)
), line_items_change AS MATERIALIZED (
  SELECT u.basket_id, u.product_name COLLATE "C" AS product_name, u.c
  FROM unnest(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(basket_id, product_name, c)
), line_items_found AS MATERIALIZED (
  SELECT g.product_name, g.basket_id, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM line_items_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM join__line_items AS a
    WHERE
      hashtextextended(a.product_name, 0) = hashtextextended(g.product_name, 0)
      AND a.product_name = g.product_name
      AND hash_record_extended(ROW(a.product_name, a.basket_id), 0) = hash_record_extended(ROW(g.product_name, g.basket_id), 0)
      AND ROW(a.product_name, a.basket_id) IS NOT DISTINCT FROM ROW(g.product_name, g.basket_id)
    LIMIT 1
  ) AS l ON TRUE
), line_items_inserted AS (
  INSERT INTO join__line_items (product_name, basket_id, c)
  SELECT o.product_name, o.basket_id, o.c
  FROM line_items_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), line_items_updated AS (
  UPDATE join__line_items AS a
  SET c = o.c
  FROM line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), line_items_deleted AS (
  DELETE FROM join__line_items AS a
  USING line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), products_found AS MATERIALIZED (
  SELECT g.name, g.price, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM products_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM join__products AS a
    WHERE
      hashtextextended(a.name, 0) = hashtextextended(g.name, 0)
      AND a.name = g.name
      AND hash_record_extended(ROW(a.name, a.price), 0) = hash_record_extended(ROW(g.name, g.price), 0)
      AND ROW(a.name, a.price) IS NOT DISTINCT FROM ROW(g.name, g.price)
    LIMIT 1
  ) AS l ON TRUE
), products_inserted AS (
  INSERT INTO join__products (name, price, c)
  SELECT o.name, o.price, o.c
  FROM products_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), products_updated AS (
  UPDATE join__products AS a
  SET c = o.c
  FROM products_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), products_deleted AS (
  DELETE FROM join__products AS a
  USING products_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(d0.name AS TEXT) AS left_name,
  CAST(d0.price AS DOUBLE PRECISION) AS left_price,
  CAST(t1.basket_id AS BIGINT) AS right_basket_id,
  CAST(t1.product_name AS TEXT) AS right_product_name,
  CAST(d0.c * t1.c AS BIGINT) AS stepping_count
FROM products_change AS d0
CROSS JOIN LATERAL (
  SELECT t1.*
  FROM join__line_items AS t1
  WHERE
    hashtextextended(t1.product_name, 0) = hashtextextended(d0.name, 0)
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
FROM products_change AS d2
CROSS JOIN line_items_change AS d3
WHERE d2.name = d3.product_name
UNION ALL
SELECT
  0 AS stepping_output, CAST(t5.name AS TEXT) AS left_name,
  CAST(t5.price AS DOUBLE PRECISION) AS left_price,
  CAST(d4.basket_id AS BIGINT) AS right_basket_id,
  CAST(d4.product_name AS TEXT) AS right_product_name,
  CAST(d4.c * t5.c AS BIGINT) AS stepping_count
FROM line_items_change AS d4
CROSS JOIN LATERAL (
  SELECT t5.*
  FROM join__products AS t5
  WHERE
    hashtextextended(t5.name, 0) = hashtextextended(d4.product_name, 0)
    AND t5.name = d4.product_name
  OFFSET 0
) AS t5;
