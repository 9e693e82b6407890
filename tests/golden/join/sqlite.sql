-- The query join on sqlite; fingerprint 50ddd623402db36869980861b3c61424
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
-- One changed row of products: 4 statements, 2 look-ups, 1 row written
--   join__products_by_name_5316e2 as a whole row, at most one row
--   join__line_items_by_product_name_4ae32f by product_name
-- One changed row of line_items: 4 statements, 2 look-ups, 1 row written
--   join__line_items_by_product_name_4ae32f as a whole row, at most one row
--   join__products_by_name_5316e2 by name

------------------------------------------------------------------------------
-- Our own tables
------------------------------------------------------------------------------
-- last_update: up to which time each kept table is written; one row per table
CREATE TABLE IF NOT EXISTS last_update (
    table_name TEXT NOT NULL PRIMARY KEY,
    t INTEGER NOT NULL
) WITHOUT ROWID;
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
-- stepping_clock: where store.next_time() stands
CREATE TABLE IF NOT EXISTS stepping_clock (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    t INTEGER NOT NULL
);
-- stepping_queue: changes that store.drain() will fold in; those that wait
CREATE TABLE IF NOT EXISTS stepping_queue (
    id INTEGER PRIMARY KEY,
    query TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    change BLOB NOT NULL,
    enqueued_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    error TEXT
);
-- stepping_times: the times that store.next_time() gave out; those in use
CREATE TABLE IF NOT EXISTS stepping_times (
    query TEXT NOT NULL,
    t INTEGER NOT NULL,
    void INTEGER NOT NULL,
    lease_until REAL NOT NULL,
    PRIMARY KEY (query, t)
) WITHOUT ROWID;
-- stepping_iterations: steps that are committed in stages; those at work or put aside
CREATE TABLE IF NOT EXISTS stepping_iterations (
    query TEXT NOT NULL,
    t INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    stages INTEGER NOT NULL,
    predecessor INTEGER NOT NULL,
    plan TEXT NOT NULL,
    state TEXT NOT NULL,
    input BLOB NOT NULL,
    worker TEXT,
    error TEXT,
    begun_at REAL NOT NULL,
    lease_until REAL NOT NULL,
    PRIMARY KEY (query, t)
);
-- stepping_journal: what stages have handed to later ones; of steps that are at work
CREATE TABLE IF NOT EXISTS stepping_journal (
    query TEXT NOT NULL,
    t INTEGER NOT NULL,
    name TEXT NOT NULL,
    packed BLOB,
    PRIMARY KEY (query, t, name)
);

------------------------------------------------------------------------------
-- Tables that are kept
------------------------------------------------------------------------------
-- join__line_items_by_product_name_4ae32f: the rows of line_items, looked up by product_name
-- for line_items (the query's arguments)
-- it has a row for each different row of line_items in the columns it keeps
CREATE TABLE IF NOT EXISTS join__line_items_by_product_name_4ae32f (
    product_name TEXT NOT NULL,
    basket_id INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (product_name, basket_id)
) WITHOUT ROWID;
--   join__line_items_by_product_name_4ae32f__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS join__line_items_by_product_name_4ae32f__gone
AFTER UPDATE OF c ON join__line_items_by_product_name_4ae32f WHEN NEW.c = 0
BEGIN
    DELETE FROM join__line_items_by_product_name_4ae32f WHERE product_name = NEW.product_name AND basket_id = NEW.basket_id;
END;
--   join__line_items_by_product_name_4ae32f__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS join__line_items_by_product_name_4ae32f__below_zero ON join__line_items_by_product_name_4ae32f (c) WHERE c < 0;
-- join__products_by_name_5316e2: the rows of products, looked up by name
-- for products (the query's arguments)
-- it has a row for each different row of products in the columns it keeps
CREATE TABLE IF NOT EXISTS join__products_by_name_5316e2 (
    name TEXT NOT NULL,
    price REAL NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (name, price)
) WITHOUT ROWID;
--   join__products_by_name_5316e2__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS join__products_by_name_5316e2__gone
AFTER UPDATE OF c ON join__products_by_name_5316e2 WHEN NEW.c = 0
BEGIN
    DELETE FROM join__products_by_name_5316e2 WHERE name = NEW.name AND price = NEW.price;
END;
--   join__products_by_name_5316e2__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS join__products_by_name_5316e2__below_zero ON join__products_by_name_5316e2 (c) WHERE c < 0;

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
    '50ddd623402db36869980861b3c61424',
    'sqlite',
    1,
    '1 f655c1a2a19e1d8e {"query":"join","dialect":"sqlite","fingerprint":"50ddd623402db36869980861b3c61424","tables":[{"table":{"name":"join__line_items_by_product_name_4ae32f","kind":"delay","columns":[{"name":"product_name","type":{"kind":"text"}},{"name":"basket_id","type":{"kind":"int"}}],"weight":"c","key":["product_name"],"non_negative":true,"reason":"the rows of line_items, looked up by product_name","serves":"line_items","where":"the query''s arguments","digest":"4ae32f3eee6e3b50ace3751ba2a5ba81","rows":"dac1310d2e7f395daee7af586b7831ea","holds":[["product_name","product_name"],["basket_id","basket_id"]],"input":"line_items","rows_of":"LineItem","node":"f6a8ceaef9212f12f9a3aa21bd146931"},"ddl":["CREATE TABLE IF NOT EXISTS join__line_items_by_product_name_4ae32f (\n    product_name TEXT NOT NULL,\n    basket_id INTEGER NOT NULL,\n    c INTEGER NOT NULL,\n    PRIMARY KEY (product_name, basket_id)\n) WITHOUT ROWID","CREATE TRIGGER IF NOT EXISTS join__line_items_by_product_name_4ae32f__gone\nAFTER UPDATE OF c ON join__line_items_by_product_name_4ae32f WHEN NEW.c = 0\nBEGIN\n    DELETE FROM join__line_items_by_product_name_4ae32f WHERE product_name = NEW.product_name AND basket_id = NEW.basket_id;\nEND","CREATE INDEX IF NOT EXISTS join__line_items_by_product_name_4ae32f__below_zero ON join__line_items_by_product_name_4ae32f (c) WHERE c < 0"]},{"table":{"name":"join__products_by_name_5316e2","kind":"delay","columns":[{"name":"name","type":{"kind":"text"}},{"name":"price","type":{"kind":"float"}}],"weight":"c","key":["name"],"non_negative":true,"reason":"the rows of products, looked up by name","serves":"products","where":"the query''s arguments","digest":"5316e22260887d31896a6653bdde066a","rows":"84dc607c15e1dcafad3674097ed10c74","holds":[["name","name"],["price","price"]],"input":"products","rows_of":"Product","node":"b030225c044310f91a1885ceaaf3be69"},"ddl":["CREATE TABLE IF NOT EXISTS join__products_by_name_5316e2 (\n    name TEXT NOT NULL,\n    price REAL NOT NULL,\n    c INTEGER NOT NULL,\n    PRIMARY KEY (name, price)\n) WITHOUT ROWID","CREATE TRIGGER IF NOT EXISTS join__products_by_name_5316e2__gone\nAFTER UPDATE OF c ON join__products_by_name_5316e2 WHEN NEW.c = 0\nBEGIN\n    DELETE FROM join__products_by_name_5316e2 WHERE name = NEW.name AND price = NEW.price;\nEND","CREATE INDEX IF NOT EXISTS join__products_by_name_5316e2__below_zero ON join__products_by_name_5316e2 (c) WHERE c < 0"]}],"inputs":[{"name":"products","row":"Product","columns":[{"name":"name","path":["name"],"type":{"kind":"text"}},{"name":"price","path":["price"],"type":{"kind":"float"}}]},{"name":"line_items","row":"LineItem","columns":[{"name":"basket_id","path":["basket_id"],"type":{"kind":"int"}},{"name":"product_name","path":["product_name"],"type":{"kind":"text"}}]}],"caches":[]}'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_products_c88ed1 (
    name TEXT,
    price REAL,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_line_items_1c1527 (
    basket_id INTEGER,
    product_name TEXT,
    c INTEGER NOT NULL
);

------------------------------------------------------------------------------
-- When products changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items_by_product_name_4ae32f, join__products_by_name_5316e2 in last_update
-- 1. products (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_products_c88ed1;
-- 2. products (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_products_c88ed1 (name, price, c) VALUES (?, ?, ?)
-- 3. products (the query's arguments)
INSERT INTO join__products_by_name_5316e2 (name, price, c)
SELECT d2.name AS name, d2.price AS price, d2.c
FROM temp.stepping_delta_products_c88ed1 AS d2
WHERE TRUE
ORDER BY name, price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (join__products_by_name_5316e2.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN join__products_by_name_5316e2.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of products')
  END;
-- 4. products (the query's arguments): a count below 0, looked for where rows were removed
SELECT name, price, c
FROM join__products_by_name_5316e2
WHERE c < 0
LIMIT 1;
-- 5. join (query.py:18): the change of an output
SELECT
  d0.name AS left_name, d0.price AS left_price, t1.basket_id AS right_basket_id,
  t1.product_name AS right_product_name,
  CASE
    WHEN (d0.c * t1.c) BETWEEN -9223372036854775807 AND 9223372036854775807 THEN d0.c * t1.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_products_c88ed1 AS d0
CROSS JOIN join__line_items_by_product_name_4ae32f AS t1
WHERE t1.product_name = d0.name;

------------------------------------------------------------------------------
-- When line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items_by_product_name_4ae32f, join__products_by_name_5316e2 in last_update
-- 1. line_items (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_line_items_1c1527;
-- 2. line_items (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_line_items_1c1527 (basket_id, product_name, c) VALUES (?, ?, ?)
-- 3. line_items (the query's arguments)
INSERT INTO join__line_items_by_product_name_4ae32f (product_name, basket_id, c)
SELECT d2.product_name AS product_name, d2.basket_id AS basket_id, d2.c
FROM temp.stepping_delta_line_items_1c1527 AS d2
WHERE TRUE
ORDER BY product_name, basket_id
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (join__line_items_by_product_name_4ae32f.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN join__line_items_by_product_name_4ae32f.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of line_items')
  END;
-- 4. line_items (the query's arguments): a count below 0, looked for where rows were removed
SELECT product_name, basket_id, c
FROM join__line_items_by_product_name_4ae32f
WHERE c < 0
LIMIT 1;
-- 5. join (query.py:18): the change of an output
SELECT
  t1.name AS left_name, t1.price AS left_price, d0.basket_id AS right_basket_id,
  d0.product_name AS right_product_name,
  CASE
    WHEN (d0.c * t1.c) BETWEEN -9223372036854775807 AND 9223372036854775807 THEN d0.c * t1.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_line_items_1c1527 AS d0
CROSS JOIN join__products_by_name_5316e2 AS t1
WHERE t1.name = d0.product_name;

------------------------------------------------------------------------------
-- When any mix of products, line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items_by_product_name_4ae32f, join__products_by_name_5316e2 in last_update
-- 1. products (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_products_c88ed1;
-- 2. line_items (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_line_items_1c1527;
-- 3. products (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_products_c88ed1 (name, price, c) VALUES (?, ?, ?)
-- 4. line_items (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_line_items_1c1527 (basket_id, product_name, c) VALUES (?, ?, ?)
-- 5. join (query.py:18): the change of an output
SELECT
  d0.name AS left_name, d0.price AS left_price, t1.basket_id AS right_basket_id,
  t1.product_name AS right_product_name,
  CASE
    WHEN (d0.c * t1.c) BETWEEN -9223372036854775807 AND 9223372036854775807 THEN d0.c * t1.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_products_c88ed1 AS d0
CROSS JOIN join__line_items_by_product_name_4ae32f AS t1
WHERE t1.product_name = d0.name
UNION ALL
SELECT
  d2.name AS left_name, d2.price AS left_price, d3.basket_id AS right_basket_id,
  d3.product_name AS right_product_name,
  CASE
    WHEN (d2.c * d3.c) BETWEEN -9223372036854775807 AND 9223372036854775807 THEN d2.c * d3.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_products_c88ed1 AS d2
CROSS JOIN temp.stepping_delta_line_items_1c1527 AS d3
WHERE d2.name = d3.product_name
UNION ALL
SELECT
  t5.name AS left_name, t5.price AS left_price, d4.basket_id AS right_basket_id,
  d4.product_name AS right_product_name,
  CASE
    WHEN (d4.c * t5.c) BETWEEN -9223372036854775807 AND 9223372036854775807 THEN d4.c * t5.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_line_items_1c1527 AS d4
CROSS JOIN join__products_by_name_5316e2 AS t5
WHERE t5.name = d4.product_name;
-- 6. line_items (the query's arguments)
INSERT INTO join__line_items_by_product_name_4ae32f (product_name, basket_id, c)
SELECT d6.product_name AS product_name, d6.basket_id AS basket_id, d6.c
FROM temp.stepping_delta_line_items_1c1527 AS d6
WHERE TRUE
ORDER BY product_name, basket_id
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (join__line_items_by_product_name_4ae32f.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN join__line_items_by_product_name_4ae32f.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of line_items')
  END;
-- 7. line_items (the query's arguments): a count below 0, looked for where rows were removed
SELECT product_name, basket_id, c
FROM join__line_items_by_product_name_4ae32f
WHERE c < 0
LIMIT 1;
-- 8. products (the query's arguments)
INSERT INTO join__products_by_name_5316e2 (name, price, c)
SELECT d7.name AS name, d7.price AS price, d7.c
FROM temp.stepping_delta_products_c88ed1 AS d7
WHERE TRUE
ORDER BY name, price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (join__products_by_name_5316e2.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN join__products_by_name_5316e2.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of products')
  END;
-- 9. products (the query's arguments): a count below 0, looked for where rows were removed
SELECT name, price, c
FROM join__products_by_name_5316e2
WHERE c < 0
LIMIT 1;
