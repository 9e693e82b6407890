-- The query join on sqlite; fingerprint cb1f08db0ee1843f12cec132063a9614
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
-- One changed row of products: 4 statements, 2 look-ups, 1 row written
--   join__products as a whole row, at most one row
--   join__line_items by product_name
-- One changed row of line_items: 4 statements, 2 look-ups, 1 row written
--   join__line_items as a whole row, at most one row
--   join__products by name

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
-- join__line_items: the rows of line_items, looked up by product_name
-- for line_items (the query's arguments)
-- it has a row for each different row of line_items in the columns it keeps
CREATE TABLE IF NOT EXISTS join__line_items (
    product_name TEXT NOT NULL,
    basket_id INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (product_name, basket_id)
) WITHOUT ROWID;
--   join__line_items__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS join__line_items__gone
AFTER UPDATE OF c ON join__line_items WHEN NEW.c = 0
BEGIN
    DELETE FROM join__line_items WHERE product_name = NEW.product_name AND basket_id = NEW.basket_id;
END;
--   join__line_items__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS join__line_items__below_zero ON join__line_items (c) WHERE c < 0;
-- join__products: the rows of products, looked up by name
-- for products (the query's arguments)
-- it has a row for each different row of products in the columns it keeps
CREATE TABLE IF NOT EXISTS join__products (
    name TEXT NOT NULL,
    price REAL NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (name, price)
) WITHOUT ROWID;
--   join__products__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS join__products__gone
AFTER UPDATE OF c ON join__products WHEN NEW.c = 0
BEGIN
    DELETE FROM join__products WHERE name = NEW.name AND price = NEW.price;
END;
--   join__products__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS join__products__below_zero ON join__products (c) WHERE c < 0;

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
    'cb1f08db0ee1843f12cec132063a9614',
    'sqlite',
    2,
    '2 ebb6291b54b1cc0c QlpoOTFBWSZTWU0JJYUABOPfgEAAUOV//j/v3u6////6UARZ6K4wbmKNJISVCepoTyDak0wjTTBAyPQ0IPSaaaZMTDVPTRoNKeSjTQAGBAAaAAAGgSakSaI0QHqekNBoHqGmnkQAaZADQcZMmTEYmAEyYJkANGEYAhgCqJNARoJhTNE1GamgBkHpGNMoA9EIEOUh9g4jSbx6w9nthxE4Js4qqqMhkzGXhGeMmJm89VJmObaXPcuUJgbpoERNWnnMhnNnSPTUopR7L13jkyrWtuZvXE/v/VzoyX/N7uCqt+GNkKrvDRYyuCWOGZSv3urhLy+QshuVL3qSqbhY3D7nPii4wMAnVPkJnC0zIL5S2COFCoKIxUYMEOgCpZKCUWgWpaqlKqWUQpRSgkjZ6tQ0vQjg2M82pP0Q75P+SioyIksJChFYieIlyfQm0a/rn2bXIdrfynPeESyrnkIKUwrmOntM0pxc2ZORuulh3JE8nPZWSUbIypRTe0QywJkVbeOqGsFq+kbWmsHstrRyKqoqQo2T4mtJUSpHAkYtwFNqOdAWCwC1c4AcA0xhMYwwYklXrYo+k9zvfmsaHWkemITHsaXc0u6FqwvYIubEWvezR3qtjJti1LsRglcjWTC5+qKuCrHUjayeCODU1KqF6ixggmJRKWaTaRzLGLeyYRC/wRzOLtVZqozRqRuSjSuZLxrjFVgl2oqijBeiiKJUI1vSa3jSmmQxLQ5V95vHAcxr2DvERBV2+MPAJbAkQUEh1J1IeJg8l7DMWPFkySMecjH4F6NzRyTJsEk3a0QFwooHyUlDaSlmHoibW94Y5yHfxj5aKqtLV6i952N23hq576TxF03+3praeLKUQvUTHQhMU6NGnC3DRo5b8bXJrpCXOsEeHRMTLwOuiyZmJldKZQ8XwfIMVV0kpcV/Db1776bLXPXniE10pDkPAr2J8Ha5QLxTKJ0oTSsf5dwHUrAyJhEgnkuRx2+ThupPTx41rWLHHrOxyah0OWDa5XQXwUZNsRHMh3N8Q9GUYysxiGazsJlEyxcoLCNLSq8rdOMLowo+OaxgwJYIHUikQ+CGjAoCiSjJmNTqzlS7UIoi6sQmIyFhqTHnJjJvb3JQRkwfGIjJ5nSeRg6WTJKUbms/sZ81kKbrqUrVZJu2QpFlGiNNatqjg1ELHKUSFzAQvvjB0io9B3y0sKrRc7o5wvTgK4GJtyDgdg3DSZtBf/S2VaxgXkYR0+1MQoXEkvWtMEmMxaNYjnfLHU6jg4xmueUxJRsPM2LbEuI5OYertomiYTka2y3qYxBoD/i7kinChIJoSSwo'
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
-- locked first: join__line_items, join__products in last_update
-- 1. products (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_products_c88ed1;
-- 2. products (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_products_c88ed1 (name, price, c) VALUES (?, ?, ?)
-- 3. products (the query's arguments)
INSERT INTO join__products (name, price, c)
SELECT d2.name AS name, d2.price AS price, d2.c
FROM temp.stepping_delta_products_c88ed1 AS d2
WHERE TRUE
ORDER BY name, price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(join__products.c + excluded.c) = 'integer' THEN join__products.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of products')
  END;
-- 4. products (the query's arguments): a count below 0, looked for where rows were removed
SELECT name, price, c FROM join__products WHERE c < 0 LIMIT 1;
-- 5. join (query.py:18): the change of an output
SELECT
  d0.name AS left_name, d0.price AS left_price, t1.basket_id AS right_basket_id,
  t1.product_name AS right_product_name,
  CASE
    WHEN typeof(d0.c * t1.c) = 'integer' THEN d0.c * t1.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_products_c88ed1 AS d0
CROSS JOIN join__line_items AS t1
WHERE t1.product_name = d0.name;

------------------------------------------------------------------------------
-- When line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items, join__products in last_update
-- 1. line_items (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_line_items_1c1527;
-- 2. line_items (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_line_items_1c1527 (basket_id, product_name, c) VALUES (?, ?, ?)
-- 3. line_items (the query's arguments)
INSERT INTO join__line_items (product_name, basket_id, c)
SELECT d2.product_name AS product_name, d2.basket_id AS basket_id, d2.c
FROM temp.stepping_delta_line_items_1c1527 AS d2
WHERE TRUE
ORDER BY product_name, basket_id
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(join__line_items.c + excluded.c) = 'integer' THEN join__line_items.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of line_items')
  END;
-- 4. line_items (the query's arguments): a count below 0, looked for where rows were removed
SELECT product_name, basket_id, c
FROM join__line_items
WHERE c < 0
LIMIT 1;
-- 5. join (query.py:18): the change of an output
SELECT
  t1.name AS left_name, t1.price AS left_price, d0.basket_id AS right_basket_id,
  d0.product_name AS right_product_name,
  CASE
    WHEN typeof(d0.c * t1.c) = 'integer' THEN d0.c * t1.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_line_items_1c1527 AS d0
CROSS JOIN join__products AS t1
WHERE t1.name = d0.product_name;

------------------------------------------------------------------------------
-- When any mix of products, line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items, join__products in last_update
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
    WHEN typeof(d0.c * t1.c) = 'integer' THEN d0.c * t1.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_products_c88ed1 AS d0
CROSS JOIN join__line_items AS t1
WHERE t1.product_name = d0.name
UNION ALL
SELECT
  d2.name AS left_name, d2.price AS left_price, d3.basket_id AS right_basket_id,
  d3.product_name AS right_product_name,
  CASE
    WHEN typeof(d2.c * d3.c) = 'integer' THEN d2.c * d3.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_products_c88ed1 AS d2
CROSS JOIN temp.stepping_delta_line_items_1c1527 AS d3
WHERE d2.name = d3.product_name
UNION ALL
SELECT
  t5.name AS left_name, t5.price AS left_price, d4.basket_id AS right_basket_id,
  d4.product_name AS right_product_name,
  CASE
    WHEN typeof(d4.c * t5.c) = 'integer' THEN d4.c * t5.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_line_items_1c1527 AS d4
CROSS JOIN join__products AS t5
WHERE t5.name = d4.product_name;
-- 6. line_items (the query's arguments)
INSERT INTO join__line_items (product_name, basket_id, c)
SELECT d6.product_name AS product_name, d6.basket_id AS basket_id, d6.c
FROM temp.stepping_delta_line_items_1c1527 AS d6
WHERE TRUE
ORDER BY product_name, basket_id
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(join__line_items.c + excluded.c) = 'integer' THEN join__line_items.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of line_items')
  END;
-- 7. line_items (the query's arguments): a count below 0, looked for where rows were removed
SELECT product_name, basket_id, c
FROM join__line_items
WHERE c < 0
LIMIT 1;
-- 8. products (the query's arguments)
INSERT INTO join__products (name, price, c)
SELECT d7.name AS name, d7.price AS price, d7.c
FROM temp.stepping_delta_products_c88ed1 AS d7
WHERE TRUE
ORDER BY name, price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(join__products.c + excluded.c) = 'integer' THEN join__products.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of products')
  END;
-- 9. products (the query's arguments): a count below 0, looked for where rows were removed
SELECT name, price, c FROM join__products WHERE c < 0 LIMIT 1;
