-- The query receipts on sqlite; fingerprint 73a36ac18f8a117de4a01840517efcff
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
-- functions registered on the connection: stepping_float_add, stepping_float_sum, stepping_float_total; each is exactly one Python builtin
--
-- One changed row of products: 11 statements, 2 look-ups, and 2 look-ups for each row that those find
--   receipts__products as a whole row, at most one row
--   receipts__line_items by product_name
--   receipts__items as a whole row, at most one row
--   receipts__totals by basket_id, at most one row
-- One changed row of line_items: 11 statements, 2 look-ups, and 2 look-ups for each row that those find
--   receipts__line_items as a whole row, at most one row
--   receipts__products by name
--   receipts__items as a whole row, at most one row
--   receipts__totals by basket_id, at most one row

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
-- receipts__items: the cache 'items', read in the order of basket_id
-- for items = map (query.py:34)
-- it has a row for each different row of the result of map
CREATE TABLE IF NOT EXISTS receipts__items (
    basket_id INTEGER NOT NULL,
    product_name TEXT NOT NULL,
    product_price REAL NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (basket_id, product_name, product_price)
) WITHOUT ROWID;
--   receipts__items__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS receipts__items__gone
AFTER UPDATE OF c ON receipts__items WHEN NEW.c = 0
BEGIN
    DELETE FROM receipts__items WHERE basket_id = NEW.basket_id AND product_name = NEW.product_name AND product_price = NEW.product_price;
END;
--   receipts__items__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS receipts__items__below_zero ON receipts__items (c) WHERE c < 0;
-- receipts_items: the cache 'items' for any reader, a row as often as it is there
-- for items = map (query.py:34)
-- a view of receipts__items, with no rows of its own
CREATE VIEW IF NOT EXISTS receipts_items AS
WITH RECURSIVE stored (basket_id, product_name, product_price, stepping_count) AS (
  SELECT basket_id, product_name, product_price, c FROM receipts__items
),
copies (i) AS (
  SELECT 1 UNION ALL SELECT i + 1 FROM copies
  WHERE i < (SELECT max(stepping_count) FROM stored)
)
SELECT r.basket_id, r.product_name AS name, r.product_price AS price
FROM stored AS r JOIN copies AS c ON c.i <= r.stepping_count;
-- receipts__line_items: the rows of line_items, looked up by product_name
-- for line_items (the query's arguments)
-- it has a row for each different row of line_items in the columns it keeps
CREATE TABLE IF NOT EXISTS receipts__line_items (
    product_name TEXT NOT NULL,
    basket_id INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (product_name, basket_id)
) WITHOUT ROWID;
--   receipts__line_items__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS receipts__line_items__gone
AFTER UPDATE OF c ON receipts__line_items WHEN NEW.c = 0
BEGIN
    DELETE FROM receipts__line_items WHERE product_name = NEW.product_name AND basket_id = NEW.basket_id;
END;
--   receipts__line_items__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS receipts__line_items__below_zero ON receipts__line_items (c) WHERE c < 0;
-- receipts__products: the rows of products, looked up by name
-- for products (the query's arguments)
-- it has a row for each different row of products in the columns it keeps
CREATE TABLE IF NOT EXISTS receipts__products (
    name TEXT NOT NULL,
    price REAL NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (name, price)
) WITHOUT ROWID;
--   receipts__products__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS receipts__products__gone
AFTER UPDATE OF c ON receipts__products WHEN NEW.c = 0
BEGIN
    DELETE FROM receipts__products WHERE name = NEW.name AND price = NEW.price;
END;
--   receipts__products__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS receipts__products__below_zero ON receipts__products (c) WHERE c < 0;
-- receipts__totals: one row per group of group_reduce_flatten: its number of rows and its sums
-- for totals = group_reduce_flatten (query.py:37)
-- it has a row for each basket_id there is
CREATE TABLE IF NOT EXISTS receipts__totals (
    basket_id INTEGER NOT NULL,
    sum_product_price REAL NOT NULL,
    sum_product_price_exact TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (basket_id),
    CONSTRAINT receipts__totals__not_negative CHECK (n >= 0)
) WITHOUT ROWID;
--   receipts__totals__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS receipts__totals__gone
AFTER UPDATE OF n ON receipts__totals WHEN NEW.n = 0
BEGIN
    DELETE FROM receipts__totals WHERE basket_id = NEW.basket_id;
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
    '73a36ac18f8a117de4a01840517efcff',
    'sqlite',
    2,
    '2 7223ecece7f5895a QlpoOTFBWSZTWbOm3FQAC+pfgEAAUO1//z//3+6/7//6YAh+993u0Clg4Accedc4Ya7BUgSRTJpNBlJ5op+qek9opofqIGINMGoeiNGjQGqY0aamaIiAAAAAAAAAAOGmmRiMJpgIYBNMIwTEyGmRoaASaUhNBEMyjU0wmgGhkMmmnqGgDIAEUkNT0Ck/UI8kep7VMnqGg0ADINAADQKkiE0yTJkTU3pRoAA0PUNBoNDI9TQCAVPiI8xq+wch5j2VB3ajnm5pl5K/axDhc4JLy0w9JzUxbqE7nxbWbH0ea222vos4aTfP36A7U7AqPGTQ3/QtZVVayTU09FVVVu4zuyObPMx72HDNhB7BWKhxwufKxj75crfaVXcQU11i0bw3z4KsMrcuWLfvkbwax+6pK5oay7BgkaOQrGssmYhMhmMMsIwllLZS2W3R/PXamu/Yc3J6DnkdgzHs5+znywZ+QY5N+f3R3teRihFMvbNj3Remepkp1TDFMoEW7bHCYGDb7Zz7DvwMzMFx7OO0UzzYMzNswkrC4xGmrAuLOLohm56UdmMXEmRgS6hrqetRbD1sDRm3WQndn7AhzLBXfMopyfg8FyVNvw6He12m6MEKWJBGDGRWRkYWyf7ILI4izAmIEpiEwharbRiUaVmGWDFJbJLAbBsJaQKyHpO51+GvOwgxnEZxkB4ckTYtAWNY7Znmo4YksI86ZM3qfQQ99Fgf9BkKDAEEhjwssmFYKRGCg5JLBJ5O8SORJ9PBh2WFHpl/nshfeX0cV9a6bi4jSHUa4Fg0DJ15KS1yuuhzYzPPW+8bRFzXMpnMQn21OV4jbNcDpRgEnBUmx4ZQUB3iVUbZFVdQNcQe5rMBVZCSkK6YidHFfdV7QUWxDKiE2LWZuIJc0HfJiNKQheKIb6XWSlGK0BiYvSYnFsHXBCuMHKh0FUQ4CCyrVbao8KEUIVQsASiApF7YGiij1S5hgmsbOocsQ91tXiQJA9BRxggR562QTslEk4a1XgjzUTy18RmfH3GEdxUlp4yoYn5mF/x6CWTySegrvMS03HvlB0D00H34RbAeg8sdJkdJ+8jIq4zOjUmydJNkfqYk/gwTSuo1OQyKM+/xksUcsychraaVJ4NTh5ybY6vV8lZ76NJ11STsOML+lJvcB1FYlWqTEuXmZMqRMbwskoo9PIXuNeKJ4TEzOZumodlDbL7SWwO084uZ8DZSZEwnf27t/AmzdxJ4Skm4uZYaHA2BgN5gb9I9S5RMUlo26mN9sSiXOixcToO48z8rFrVZY20WH1JJd4MOgQVQT7fSC94PGH8BcdGzw8fsestUaWFgyCIuzGKbgIdYflMQobJJGrlatttsVirI4khyDGQYBHagmS7Rhbl46Pf0Zdpzc/Rt6ds85gcjOShJU1i54Yepbgn62qk+HbLj3Yhf3yAkrC0YNWZJLEjuSo0h2akMYGWTBRa9tuLNMWt2Vrv5lgWtoMI4XZmisWrAYsfWIud7WN6XMYsBi4styd0QX5bmUzQW2ZbDWKXwB/iKcPUBDbwlKN6GeJpa8IiLYkiMsAiG+V10WknbQsL0Vy59fXx5X0y5uGLtar5uWudaZppwqeTHKoYsTdd0oqP4NmUEQEcUMmpKJjHiGqqLwaCG4GChMRJ20pqHiIHCGRsYIKwdA5a9/k9rS5ceJyek27DoI72J0hpNWMyLON0gK2PAaDFNVrQpReikEEq1Us4gIZh1ZGLaBf5ejYiwXlNKJ788JIzpJP4m1q7HWlOFyPMyLtWct1mmER8OwgcD3TRkTYJVDC5fPjyhJDZREgjJrjKFIwGtDxW/oRIv9NtKSV6rxOZWmSU1qmHObFJ0dljfCU3rgQ4Ki3EWcB+SFrNCajfVZqOKUuwIZhtTCL0o3yOjbatZZZa0W1CToQsJysBWFK0CIiBOgR06fBos12yuHXaNUK1BPBuhtijAVxKBgRRFNzMbOG8Cbt1EGQ0hrYMC2caEYwkETPTdbqd9c0kqNaXBfLAlxvYQ4MaNpj7BqynZp2zZSYTokyjWyOM4Kan9Iadid+dMx0TuOxRiomGdVpN9MTMzmGTqoZZaGazKZYkMTFOQQOiZzlpoMeG8KGzGCYMiIMVIpFgsTE1L2DmADSeUsITtzU0GMmfKDIdXLFjgsuK293wG/LBbz52K6IVUc5sh2jwVLJlgyzDDhCo6JAUDAz0SiFZRXLd11OvAqpaue+jwG+uc51WBeGfjjEbG0aXleeSTQkOpCG8lJu2b+uUSet1MZskyKcKKsl52p4j3dxo4cFzlUug2tUOcJPD4o9lNu+FeJjC7rnFU1mm+G6FMjkiwpBkqHNQniOGJpkDDWcSBxnEgcQ84jFBqhTzYLE5iY87ASWkWlgH/i7kinChIWdNuKgA='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_change_group_reduce_flatten_592587 (
    basket_id INTEGER,
    n0 INTEGER,
    n1 INTEGER,
    sum_product_price_0 REAL,
    sum_product_price_1 REAL,
    sum_product_price_exact TEXT
);
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_products_c88ed1 (
    name TEXT,
    price REAL,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_map_b7028e (
    basket_id INTEGER,
    product_name TEXT,
    product_price REAL,
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
-- locked first: receipts__items, receipts__line_items, receipts__products, receipts__totals in last_update
-- 1. products (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_products_c88ed1;
-- 2. map (query.py:34): empty the delta table
DELETE FROM temp.stepping_delta_map_b7028e;
-- 3. group_reduce_flatten (query.py:37): empty the delta table
DELETE FROM temp.stepping_change_group_reduce_flatten_592587;
-- 4. products (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_products_c88ed1 (name, price, c) VALUES (?, ?, ?)
-- 5. products (the query's arguments)
INSERT INTO receipts__products (name, price, c)
SELECT d7.name AS name, d7.price AS price, d7.c
FROM temp.stepping_delta_products_c88ed1 AS d7
WHERE TRUE
ORDER BY name, price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(receipts__products.c + excluded.c) = 'integer'
    THEN receipts__products.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of products')
  END;
-- 6. products (the query's arguments): a count below 0, looked for where rows were removed
SELECT name, price, c FROM receipts__products WHERE c < 0 LIMIT 1;
-- 7. map (query.py:34)
INSERT INTO temp.stepping_delta_map_b7028e (basket_id, product_name, product_price, c)
SELECT
  t1.basket_id, d0.name AS product_name, d0.price AS product_price,
  CASE
    WHEN typeof(d0.c * t1.c) = 'integer' THEN d0.c * t1.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS c
FROM temp.stepping_delta_products_c88ed1 AS d0
CROSS JOIN receipts__line_items AS t1
WHERE t1.product_name = d0.name;
-- 8. map (query.py:34): the change of an output
SELECT d3.basket_id, d3.product_name, d3.product_price, d3.c AS stepping_count
FROM temp.stepping_delta_map_b7028e AS d3;
-- 9. map (query.py:34)
INSERT INTO receipts__items (basket_id, product_name, product_price, c)
SELECT
  d6.basket_id AS basket_id, d6.product_name AS product_name,
  d6.product_price AS product_price, d6.c
FROM temp.stepping_delta_map_b7028e AS d6
WHERE TRUE
ORDER BY basket_id, product_name, product_price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(receipts__items.c + excluded.c) = 'integer' THEN receipts__items.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of map')
  END;
-- 10. map (query.py:34): a count below 0, looked for where rows were removed
SELECT basket_id, product_name, product_price, c
FROM receipts__items
WHERE c < 0
LIMIT 1;
-- 11. group_reduce_flatten (query.py:37)
INSERT INTO temp.stepping_change_group_reduce_flatten_592587 (basket_id, n0, n1, sum_product_price_0, sum_product_price_1, sum_product_price_exact)
SELECT
  g.basket_id, a.n AS n0,
  CASE
    WHEN typeof(COALESCE(a.n, 0) + g.n) = 'integer' THEN COALESCE(a.n, 0) + g.n
    ELSE json_extract(
      '{}',
      'stepping: a count does not fit in 64 bits: that of the rows of the group ' || g.basket_id
    )
  END AS n1,
  a.sum_product_price AS sum_product_price_0,
  COALESCE(
    stepping_float_total(stepping_float_add(a.sum_product_price_exact, g.sum_product_price_exact)),
    json_extract(
      '{}',
      'stepping: the sum sum_product_price is beyond the largest float for the group ' || g.basket_id
    )
  ) AS sum_product_price_1,
  stepping_float_add(a.sum_product_price_exact, g.sum_product_price_exact) AS sum_product_price_exact
FROM (
  SELECT
    d2.basket_id, SUM(d2.c) AS n,
    stepping_float_sum(d2.product_price, d2.c) AS sum_product_price_exact
  FROM temp.stepping_delta_map_b7028e AS d2
  GROUP BY 1
) AS g
LEFT JOIN receipts__totals AS a ON a.basket_id = g.basket_id
WHERE g.n <> 0 OR g.sum_product_price_exact <> '0p0';
-- 12. group_reduce_flatten (query.py:37)
INSERT INTO receipts__totals (basket_id, sum_product_price, sum_product_price_exact, n)
SELECT g.basket_id, g.sum_product_price_1, g.sum_product_price_exact, g.n1
FROM temp.stepping_change_group_reduce_flatten_592587 AS g
WHERE g.n1 <> 0 OR g.n0 IS NOT NULL
ON CONFLICT DO UPDATE SET
  sum_product_price = excluded.sum_product_price,
  sum_product_price_exact = excluded.sum_product_price_exact, n = excluded.n;
-- 13. group_reduce_flatten (query.py:37): the change of an output
SELECT d4.sum_product_price_0 AS "left", d4.basket_id AS "right", -1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_592587 AS d4
WHERE
  d4.n0 IS NOT NULL AND (d4.n1 = 0 OR d4.sum_product_price_0 IS NOT d4.sum_product_price_1)
UNION ALL
SELECT d5.sum_product_price_1 AS "left", d5.basket_id AS "right", 1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_592587 AS d5
WHERE d5.n1 <> 0 AND d5.sum_product_price_0 IS NOT d5.sum_product_price_1;

------------------------------------------------------------------------------
-- When line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: receipts__items, receipts__line_items, receipts__products, receipts__totals in last_update
-- 1. line_items (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_line_items_1c1527;
-- 2. map (query.py:34): empty the delta table
DELETE FROM temp.stepping_delta_map_b7028e;
-- 3. group_reduce_flatten (query.py:37): empty the delta table
DELETE FROM temp.stepping_change_group_reduce_flatten_592587;
-- 4. line_items (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_line_items_1c1527 (basket_id, product_name, c) VALUES (?, ?, ?)
-- 5. line_items (the query's arguments)
INSERT INTO receipts__line_items (product_name, basket_id, c)
SELECT d7.product_name AS product_name, d7.basket_id AS basket_id, d7.c
FROM temp.stepping_delta_line_items_1c1527 AS d7
WHERE TRUE
ORDER BY product_name, basket_id
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(receipts__line_items.c + excluded.c) = 'integer'
    THEN receipts__line_items.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of line_items')
  END;
-- 6. line_items (the query's arguments): a count below 0, looked for where rows were removed
SELECT product_name, basket_id, c
FROM receipts__line_items
WHERE c < 0
LIMIT 1;
-- 7. map (query.py:34)
INSERT INTO temp.stepping_delta_map_b7028e (basket_id, product_name, product_price, c)
SELECT
  d0.basket_id, t1.name AS product_name, t1.price AS product_price,
  CASE
    WHEN typeof(d0.c * t1.c) = 'integer' THEN d0.c * t1.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS c
FROM temp.stepping_delta_line_items_1c1527 AS d0
CROSS JOIN receipts__products AS t1
WHERE t1.name = d0.product_name;
-- 8. map (query.py:34): the change of an output
SELECT d3.basket_id, d3.product_name, d3.product_price, d3.c AS stepping_count
FROM temp.stepping_delta_map_b7028e AS d3;
-- 9. map (query.py:34)
INSERT INTO receipts__items (basket_id, product_name, product_price, c)
SELECT
  d6.basket_id AS basket_id, d6.product_name AS product_name,
  d6.product_price AS product_price, d6.c
FROM temp.stepping_delta_map_b7028e AS d6
WHERE TRUE
ORDER BY basket_id, product_name, product_price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(receipts__items.c + excluded.c) = 'integer' THEN receipts__items.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of map')
  END;
-- 10. map (query.py:34): a count below 0, looked for where rows were removed
SELECT basket_id, product_name, product_price, c
FROM receipts__items
WHERE c < 0
LIMIT 1;
-- 11. group_reduce_flatten (query.py:37)
INSERT INTO temp.stepping_change_group_reduce_flatten_592587 (basket_id, n0, n1, sum_product_price_0, sum_product_price_1, sum_product_price_exact)
SELECT
  g.basket_id, a.n AS n0,
  CASE
    WHEN typeof(COALESCE(a.n, 0) + g.n) = 'integer' THEN COALESCE(a.n, 0) + g.n
    ELSE json_extract(
      '{}',
      'stepping: a count does not fit in 64 bits: that of the rows of the group ' || g.basket_id
    )
  END AS n1,
  a.sum_product_price AS sum_product_price_0,
  COALESCE(
    stepping_float_total(stepping_float_add(a.sum_product_price_exact, g.sum_product_price_exact)),
    json_extract(
      '{}',
      'stepping: the sum sum_product_price is beyond the largest float for the group ' || g.basket_id
    )
  ) AS sum_product_price_1,
  stepping_float_add(a.sum_product_price_exact, g.sum_product_price_exact) AS sum_product_price_exact
FROM (
  SELECT
    d2.basket_id, SUM(d2.c) AS n,
    stepping_float_sum(d2.product_price, d2.c) AS sum_product_price_exact
  FROM temp.stepping_delta_map_b7028e AS d2
  GROUP BY 1
) AS g
LEFT JOIN receipts__totals AS a ON a.basket_id = g.basket_id
WHERE g.n <> 0 OR g.sum_product_price_exact <> '0p0';
-- 12. group_reduce_flatten (query.py:37)
INSERT INTO receipts__totals (basket_id, sum_product_price, sum_product_price_exact, n)
SELECT g.basket_id, g.sum_product_price_1, g.sum_product_price_exact, g.n1
FROM temp.stepping_change_group_reduce_flatten_592587 AS g
WHERE g.n1 <> 0 OR g.n0 IS NOT NULL
ON CONFLICT DO UPDATE SET
  sum_product_price = excluded.sum_product_price,
  sum_product_price_exact = excluded.sum_product_price_exact, n = excluded.n;
-- 13. group_reduce_flatten (query.py:37): the change of an output
SELECT d4.sum_product_price_0 AS "left", d4.basket_id AS "right", -1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_592587 AS d4
WHERE
  d4.n0 IS NOT NULL AND (d4.n1 = 0 OR d4.sum_product_price_0 IS NOT d4.sum_product_price_1)
UNION ALL
SELECT d5.sum_product_price_1 AS "left", d5.basket_id AS "right", 1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_592587 AS d5
WHERE d5.n1 <> 0 AND d5.sum_product_price_0 IS NOT d5.sum_product_price_1;

------------------------------------------------------------------------------
-- When any mix of products, line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: receipts__items, receipts__line_items, receipts__products, receipts__totals in last_update
-- 1. products (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_products_c88ed1;
-- 2. line_items (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_line_items_1c1527;
-- 3. map (query.py:34): empty the delta table
DELETE FROM temp.stepping_delta_map_b7028e;
-- 4. group_reduce_flatten (query.py:37): empty the delta table
DELETE FROM temp.stepping_change_group_reduce_flatten_592587;
-- 5. products (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_products_c88ed1 (name, price, c) VALUES (?, ?, ?)
-- 6. line_items (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_line_items_1c1527 (basket_id, product_name, c) VALUES (?, ?, ?)
-- 7. map (query.py:34)
INSERT INTO temp.stepping_delta_map_b7028e (basket_id, product_name, product_price, c)
SELECT
  t1.basket_id, d0.name AS product_name, d0.price AS product_price,
  CASE
    WHEN typeof(d0.c * t1.c) = 'integer' THEN d0.c * t1.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS c
FROM temp.stepping_delta_products_c88ed1 AS d0
CROSS JOIN receipts__line_items AS t1
WHERE t1.product_name = d0.name
UNION ALL
SELECT
  d3.basket_id, d2.name AS product_name, d2.price AS product_price,
  CASE
    WHEN typeof(d2.c * d3.c) = 'integer' THEN d2.c * d3.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS c
FROM temp.stepping_delta_products_c88ed1 AS d2
CROSS JOIN temp.stepping_delta_line_items_1c1527 AS d3
WHERE d2.name = d3.product_name
UNION ALL
SELECT
  d4.basket_id, t5.name AS product_name, t5.price AS product_price,
  CASE
    WHEN typeof(d4.c * t5.c) = 'integer' THEN d4.c * t5.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS c
FROM temp.stepping_delta_line_items_1c1527 AS d4
CROSS JOIN receipts__products AS t5
WHERE t5.name = d4.product_name;
-- 8. line_items (the query's arguments)
INSERT INTO receipts__line_items (product_name, basket_id, c)
SELECT d11.product_name AS product_name, d11.basket_id AS basket_id, d11.c
FROM temp.stepping_delta_line_items_1c1527 AS d11
WHERE TRUE
ORDER BY product_name, basket_id
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(receipts__line_items.c + excluded.c) = 'integer'
    THEN receipts__line_items.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of line_items')
  END;
-- 9. line_items (the query's arguments): a count below 0, looked for where rows were removed
SELECT product_name, basket_id, c
FROM receipts__line_items
WHERE c < 0
LIMIT 1;
-- 10. products (the query's arguments)
INSERT INTO receipts__products (name, price, c)
SELECT d12.name AS name, d12.price AS price, d12.c
FROM temp.stepping_delta_products_c88ed1 AS d12
WHERE TRUE
ORDER BY name, price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(receipts__products.c + excluded.c) = 'integer'
    THEN receipts__products.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of products')
  END;
-- 11. products (the query's arguments): a count below 0, looked for where rows were removed
SELECT name, price, c FROM receipts__products WHERE c < 0 LIMIT 1;
-- 12. map (query.py:34): the change of an output
SELECT d7.basket_id, d7.product_name, d7.product_price, d7.c AS stepping_count
FROM temp.stepping_delta_map_b7028e AS d7;
-- 13. map (query.py:34)
INSERT INTO receipts__items (basket_id, product_name, product_price, c)
SELECT
  d10.basket_id AS basket_id, d10.product_name AS product_name,
  d10.product_price AS product_price, d10.c
FROM temp.stepping_delta_map_b7028e AS d10
WHERE TRUE
ORDER BY basket_id, product_name, product_price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(receipts__items.c + excluded.c) = 'integer' THEN receipts__items.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of map')
  END;
-- 14. map (query.py:34): a count below 0, looked for where rows were removed
SELECT basket_id, product_name, product_price, c
FROM receipts__items
WHERE c < 0
LIMIT 1;
-- 15. group_reduce_flatten (query.py:37)
INSERT INTO temp.stepping_change_group_reduce_flatten_592587 (basket_id, n0, n1, sum_product_price_0, sum_product_price_1, sum_product_price_exact)
SELECT
  g.basket_id, a.n AS n0,
  CASE
    WHEN typeof(COALESCE(a.n, 0) + g.n) = 'integer' THEN COALESCE(a.n, 0) + g.n
    ELSE json_extract(
      '{}',
      'stepping: a count does not fit in 64 bits: that of the rows of the group ' || g.basket_id
    )
  END AS n1,
  a.sum_product_price AS sum_product_price_0,
  COALESCE(
    stepping_float_total(stepping_float_add(a.sum_product_price_exact, g.sum_product_price_exact)),
    json_extract(
      '{}',
      'stepping: the sum sum_product_price is beyond the largest float for the group ' || g.basket_id
    )
  ) AS sum_product_price_1,
  stepping_float_add(a.sum_product_price_exact, g.sum_product_price_exact) AS sum_product_price_exact
FROM (
  SELECT
    d6.basket_id, SUM(d6.c) AS n,
    stepping_float_sum(d6.product_price, d6.c) AS sum_product_price_exact
  FROM temp.stepping_delta_map_b7028e AS d6
  GROUP BY 1
) AS g
LEFT JOIN receipts__totals AS a ON a.basket_id = g.basket_id
WHERE g.n <> 0 OR g.sum_product_price_exact <> '0p0';
-- 16. group_reduce_flatten (query.py:37)
INSERT INTO receipts__totals (basket_id, sum_product_price, sum_product_price_exact, n)
SELECT g.basket_id, g.sum_product_price_1, g.sum_product_price_exact, g.n1
FROM temp.stepping_change_group_reduce_flatten_592587 AS g
WHERE g.n1 <> 0 OR g.n0 IS NOT NULL
ON CONFLICT DO UPDATE SET
  sum_product_price = excluded.sum_product_price,
  sum_product_price_exact = excluded.sum_product_price_exact, n = excluded.n;
-- 17. group_reduce_flatten (query.py:37): the change of an output
SELECT d8.sum_product_price_0 AS "left", d8.basket_id AS "right", -1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_592587 AS d8
WHERE
  d8.n0 IS NOT NULL AND (d8.n1 = 0 OR d8.sum_product_price_0 IS NOT d8.sum_product_price_1)
UNION ALL
SELECT d9.sum_product_price_1 AS "left", d9.basket_id AS "right", 1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_592587 AS d9
WHERE d9.n1 <> 0 AND d9.sum_product_price_0 IS NOT d9.sum_product_price_1;
