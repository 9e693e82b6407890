-- The query receipts on sqlite; fingerprint 3ed512d3eda1a942d61042831664e4c4
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
--   │    keeps receipts__group_reduce_flatten_by_basket_id_d48106
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
--   receipts__products_by_name_5316e2 as a whole row, at most one row
--   receipts__line_items_by_product_name_4ae32f by product_name
--   receipts__items_2a78a5 as a whole row, at most one row
--   receipts__group_reduce_flatten_by_basket_id_d48106 by basket_id, at most one row
-- One changed row of line_items: 11 statements, 2 look-ups, and 2 look-ups for each row that those find
--   receipts__line_items_by_product_name_4ae32f as a whole row, at most one row
--   receipts__products_by_name_5316e2 by name
--   receipts__items_2a78a5 as a whole row, at most one row
--   receipts__group_reduce_flatten_by_basket_id_d48106 by basket_id, at most one row

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
-- receipts__items_2a78a5: the cache 'items', read in the order of basket_id
-- for items = map (query.py:34)
-- it has a row for each different row of the result of map
CREATE TABLE IF NOT EXISTS receipts__items_2a78a5 (
    basket_id INTEGER NOT NULL,
    product_name TEXT NOT NULL,
    product_price REAL NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (basket_id, product_name, product_price)
) WITHOUT ROWID;
--   receipts__items_2a78a5__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS receipts__items_2a78a5__gone
AFTER UPDATE OF c ON receipts__items_2a78a5 WHEN NEW.c = 0
BEGIN
    DELETE FROM receipts__items_2a78a5 WHERE basket_id = NEW.basket_id AND product_name = NEW.product_name AND product_price = NEW.product_price;
END;
--   receipts__items_2a78a5__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS receipts__items_2a78a5__below_zero ON receipts__items_2a78a5 (c) WHERE c < 0;
-- receipts_items: the cache 'items' for any reader, a row as often as it is there
-- for items = map (query.py:34)
-- a view of receipts__items_2a78a5, with no rows of its own
CREATE VIEW IF NOT EXISTS receipts_items AS
WITH RECURSIVE stored (basket_id, product_name, product_price, stepping_count) AS (
  SELECT basket_id, product_name, product_price, c
  FROM receipts__items_2a78a5
),
copies (i) AS (
  SELECT 1 UNION ALL SELECT i + 1 FROM copies
  WHERE i < (SELECT max(stepping_count) FROM stored)
)
SELECT
    r.basket_id,
    r.product_name,
    r.product_price
FROM stored AS r JOIN copies AS c ON c.i <= r.stepping_count;
-- receipts__line_items_by_product_name_4ae32f: the rows of line_items, looked up by product_name
-- for line_items (the query's arguments)
-- it has a row for each different row of line_items in the columns it keeps
CREATE TABLE IF NOT EXISTS receipts__line_items_by_product_name_4ae32f (
    product_name TEXT NOT NULL,
    basket_id INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (product_name, basket_id)
) WITHOUT ROWID;
--   receipts__line_items_by_product_name_4ae32f__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS receipts__line_items_by_product_name_4ae32f__gone
AFTER UPDATE OF c ON receipts__line_items_by_product_name_4ae32f WHEN NEW.c = 0
BEGIN
    DELETE FROM receipts__line_items_by_product_name_4ae32f WHERE product_name = NEW.product_name AND basket_id = NEW.basket_id;
END;
--   receipts__line_items_by_product_name_4ae32f__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS receipts__line_items_by_product_name_4ae32f__below_zero ON receipts__line_items_by_product_name_4ae32f (c) WHERE c < 0;
-- receipts__products_by_name_5316e2: the rows of products, looked up by name
-- for products (the query's arguments)
-- it has a row for each different row of products in the columns it keeps
CREATE TABLE IF NOT EXISTS receipts__products_by_name_5316e2 (
    name TEXT NOT NULL,
    price REAL NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (name, price)
) WITHOUT ROWID;
--   receipts__products_by_name_5316e2__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS receipts__products_by_name_5316e2__gone
AFTER UPDATE OF c ON receipts__products_by_name_5316e2 WHEN NEW.c = 0
BEGIN
    DELETE FROM receipts__products_by_name_5316e2 WHERE name = NEW.name AND price = NEW.price;
END;
--   receipts__products_by_name_5316e2__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS receipts__products_by_name_5316e2__below_zero ON receipts__products_by_name_5316e2 (c) WHERE c < 0;
-- receipts__group_reduce_flatten_by_basket_id_d48106: one row per group of group_reduce_flatten: its number of rows and its sums
-- for totals = group_reduce_flatten (query.py:37)
-- it has a row for each basket_id there is
CREATE TABLE IF NOT EXISTS receipts__group_reduce_flatten_by_basket_id_d48106 (
    basket_id INTEGER NOT NULL,
    sum_product_price REAL NOT NULL,
    sum_product_price_exact TEXT NOT NULL,
    sum_product_price_pos_inf INTEGER NOT NULL,
    sum_product_price_neg_inf INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (basket_id),
    CONSTRAINT receipts__group_reduce_flatten_by_basket_id_d48106__no_dbaa5591 CHECK (n >= 0)
) WITHOUT ROWID;
--   receipts__group_reduce_flatten_by_basket_id_d48106__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS receipts__group_reduce_flatten_by_basket_id_d48106__gone
AFTER UPDATE OF n ON receipts__group_reduce_flatten_by_basket_id_d48106 WHEN NEW.n = 0
BEGIN
    DELETE FROM receipts__group_reduce_flatten_by_basket_id_d48106 WHERE basket_id = NEW.basket_id;
END;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('receipts__group_reduce_flatten_by_basket_id_d48106', 0), ('receipts__items_2a78a5', 0),
  ('receipts__line_items_by_product_name_4ae32f', 0), ('receipts__products_by_name_5316e2', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'receipts',
    '3ed512d3eda1a942d61042831664e4c4',
    'sqlite',
    1,
    '1 6d6846995b34b24b {"query":"receipts","dialect":"sqlite","fingerprint":"3ed512d3eda1a942d61042831664e4c4","tables":[{"table":{"name":"receipts__items_2a78a5","kind":"delay","columns":[{"name":"basket_id","type":{"kind":"int"}},{"name":"product_name","type":{"kind":"text"}},{"name":"product_price","type":{"kind":"float"}}],"weight":"c","key":["basket_id"],"indexes":[{"name":"receipts__items_2a78a5__basket_id","columns":["basket_id"],"ascending":[true]}],"non_negative":true,"reason":"the cache ''items'', read in the order of basket_id","serves":"map","where":"query.py:34","digest":"2a78a5fcd925c974cf2697be61b74893","rows":"d71b4e65db711a886c90bbd4472bb5d3","holds":[["basket_id","basket_id"],["product_name","product_name"],["product_price","product_price"]],"rows_of":"ReceiptItem","node":"0f6f52109532d82f7c2a113d5f3aa876"},"ddl":["CREATE TABLE IF NOT EXISTS receipts__items_2a78a5 (\n    basket_id INTEGER NOT NULL,\n    product_name TEXT NOT NULL,\n    product_price REAL NOT NULL,\n    c INTEGER NOT NULL,\n    PRIMARY KEY (basket_id, product_name, product_price)\n) WITHOUT ROWID","CREATE TRIGGER IF NOT EXISTS receipts__items_2a78a5__gone\nAFTER UPDATE OF c ON receipts__items_2a78a5 WHEN NEW.c = 0\nBEGIN\n    DELETE FROM receipts__items_2a78a5 WHERE basket_id = NEW.basket_id AND product_name = NEW.product_name AND product_price = NEW.product_price;\nEND","CREATE INDEX IF NOT EXISTS receipts__items_2a78a5__below_zero ON receipts__items_2a78a5 (c) WHERE c < 0"],"views":[{"table":{"name":"receipts_items","kind":"view","columns":[{"name":"basket_id","type":{"kind":"int"}},{"name":"product_name","type":{"kind":"text"}},{"name":"product_price","type":{"kind":"float"}}],"weight":null,"reason":"the cache ''items'' for any reader, a row as often as it is there","serves":"map","where":"query.py:34","digest":"2a78a5fcd925c974cf2697be61b74893","of":"receipts__items_2a78a5","node":"0f6f52109532d82f7c2a113d5f3aa876"},"ddl":"CREATE VIEW IF NOT EXISTS receipts_items AS\nWITH RECURSIVE stored (basket_id, product_name, product_price, stepping_count) AS (\n  SELECT basket_id, product_name, product_price, c\n  FROM receipts__items_2a78a5\n),\ncopies (i) AS (\n  SELECT 1 UNION ALL SELECT i + 1 FROM copies\n  WHERE i < (SELECT max(stepping_count) FROM stored)\n)\nSELECT\n    r.basket_id,\n    r.product_name,\n    r.product_price\nFROM stored AS r JOIN copies AS c ON c.i <= r.stepping_count"}]},{"table":{"name":"receipts__line_items_by_product_name_4ae32f","kind":"delay","columns":[{"name":"product_name","type":{"kind":"text"}},{"name":"basket_id","type":{"kind":"int"}}],"weight":"c","key":["product_name"],"non_negative":true,"reason":"the rows of line_items, looked up by product_name","serves":"line_items","where":"the query''s arguments","digest":"4ae32f3eee6e3b50ace3751ba2a5ba81","rows":"dac1310d2e7f395daee7af586b7831ea","holds":[["product_name","product_name"],["basket_id","basket_id"]],"input":"line_items","rows_of":"LineItem","node":"f6a8ceaef9212f12f9a3aa21bd146931"},"ddl":["CREATE TABLE IF NOT EXISTS receipts__line_items_by_product_name_4ae32f (\n    product_name TEXT NOT NULL,\n    basket_id INTEGER NOT NULL,\n    c INTEGER NOT NULL,\n    PRIMARY KEY (product_name, basket_id)\n) WITHOUT ROWID","CREATE TRIGGER IF NOT EXISTS receipts__line_items_by_product_name_4ae32f__gone\nAFTER UPDATE OF c ON receipts__line_items_by_product_name_4ae32f WHEN NEW.c = 0\nBEGIN\n    DELETE FROM receipts__line_items_by_product_name_4ae32f WHERE product_name = NEW.product_name AND basket_id = NEW.basket_id;\nEND","CREATE INDEX IF NOT EXISTS receipts__line_items_by_product_name_4ae32f__below_zero ON receipts__line_items_by_product_name_4ae32f (c) WHERE c < 0"]},{"table":{"name":"receipts__products_by_name_5316e2","kind":"delay","columns":[{"name":"name","type":{"kind":"text"}},{"name":"price","type":{"kind":"float"}}],"weight":"c","key":["name"],"non_negative":true,"reason":"the rows of products, looked up by name","serves":"products","where":"the query''s arguments","digest":"5316e22260887d31896a6653bdde066a","rows":"84dc607c15e1dcafad3674097ed10c74","holds":[["name","name"],["price","price"]],"input":"products","rows_of":"Product","node":"b030225c044310f91a1885ceaaf3be69"},"ddl":["CREATE TABLE IF NOT EXISTS receipts__products_by_name_5316e2 (\n    name TEXT NOT NULL,\n    price REAL NOT NULL,\n    c INTEGER NOT NULL,\n    PRIMARY KEY (name, price)\n) WITHOUT ROWID","CREATE TRIGGER IF NOT EXISTS receipts__products_by_name_5316e2__gone\nAFTER UPDATE OF c ON receipts__products_by_name_5316e2 WHEN NEW.c = 0\nBEGIN\n    DELETE FROM receipts__products_by_name_5316e2 WHERE name = NEW.name AND price = NEW.price;\nEND","CREATE INDEX IF NOT EXISTS receipts__products_by_name_5316e2__below_zero ON receipts__products_by_name_5316e2 (c) WHERE c < 0"]},{"table":{"name":"receipts__group_reduce_flatten_by_basket_id_d48106","kind":"state","columns":[{"name":"basket_id","type":{"kind":"int"}},{"name":"sum_product_price","type":{"kind":"float"}},{"name":"sum_product_price_exact","type":{"kind":"text"}},{"name":"sum_product_price_pos_inf","type":{"kind":"int"}},{"name":"sum_product_price_neg_inf","type":{"kind":"int"}}],"weight":"n","key":["basket_id"],"non_negative":true,"reason":"one row per group of group_reduce_flatten: its number of rows and its sums","serves":"group_reduce_flatten","where":"query.py:37","digest":"d4810667a9e6090ce5e38bc06c0333d2","sums":[{"type":{"kind":"float"},"value":"sum_product_price","old":"sum_product_price_0","new":"sum_product_price_1","finite":"sum_product_price_finite","exact":"sum_product_price_exact","positive":"sum_product_price_pos_inf","negative":"sum_product_price_neg_inf","low":"sum_product_price_low"}],"rows_of":"Pair[float, int]","node":"6e0711681d1bc32b192e0637eb112077"},"ddl":["CREATE TABLE IF NOT EXISTS receipts__group_reduce_flatten_by_basket_id_d48106 (\n    basket_id INTEGER NOT NULL,\n    sum_product_price REAL NOT NULL,\n    sum_product_price_exact TEXT NOT NULL,\n    sum_product_price_pos_inf INTEGER NOT NULL,\n    sum_product_price_neg_inf INTEGER NOT NULL,\n    n INTEGER NOT NULL,\n    PRIMARY KEY (basket_id),\n    CONSTRAINT receipts__group_reduce_flatten_by_basket_id_d48106__no_dbaa5591 CHECK (n >= 0)\n) WITHOUT ROWID","CREATE TRIGGER IF NOT EXISTS receipts__group_reduce_flatten_by_basket_id_d48106__gone\nAFTER UPDATE OF n ON receipts__group_reduce_flatten_by_basket_id_d48106 WHEN NEW.n = 0\nBEGIN\n    DELETE FROM receipts__group_reduce_flatten_by_basket_id_d48106 WHERE basket_id = NEW.basket_id;\nEND"]}],"inputs":[{"name":"products","row":"Product","columns":[{"name":"name","path":["name"],"type":{"kind":"text"}},{"name":"price","path":["price"],"type":{"kind":"float"}}]},{"name":"line_items","row":"LineItem","columns":[{"name":"basket_id","path":["basket_id"],"type":{"kind":"int"}},{"name":"product_name","path":["product_name"],"type":{"kind":"text"}}]}],"caches":[["items","receipts__items_2a78a5"]]}'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_change_group_reduce_flatten_by_basket_id_b1c1fd (
    basket_id INTEGER,
    n0 INTEGER,
    n1 INTEGER,
    sum_product_price_0 REAL,
    sum_product_price_1 REAL,
    sum_product_price_finite REAL,
    sum_product_price_exact TEXT,
    sum_product_price_pos_inf INTEGER,
    sum_product_price_neg_inf INTEGER
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
-- locked first: receipts__group_reduce_flatten_by_basket_id_d48106, receipts__items_2a78a5, receipts__line_items_by_product_name_4ae32f, receipts__products_by_name_5316e2 in last_update
-- 1. products (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_products_c88ed1;
-- 2. map (query.py:34): empty the delta table
DELETE FROM temp.stepping_delta_map_b7028e;
-- 3. group_reduce_flatten (query.py:37): empty the delta table
DELETE FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd;
-- 4. products (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_products_c88ed1 (name, price, c) VALUES (?, ?, ?)
-- 5. products (the query's arguments)
INSERT INTO receipts__products_by_name_5316e2 (name, price, c)
SELECT d7.name AS name, d7.price AS price, d7.c
FROM temp.stepping_delta_products_c88ed1 AS d7
WHERE TRUE
ORDER BY name, price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (receipts__products_by_name_5316e2.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN receipts__products_by_name_5316e2.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of products')
  END;
-- 6. products (the query's arguments): a count below 0, looked for where rows were removed
SELECT name, price, c
FROM receipts__products_by_name_5316e2
WHERE c < 0
LIMIT 1;
-- 7. map (query.py:34)
INSERT INTO temp.stepping_delta_map_b7028e (basket_id, product_name, product_price, c)
SELECT
  t1.basket_id, d0.name AS product_name, d0.price AS product_price,
  CASE
    WHEN (d0.c * t1.c) BETWEEN -9223372036854775807 AND 9223372036854775807 THEN d0.c * t1.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS c
FROM temp.stepping_delta_products_c88ed1 AS d0
CROSS JOIN receipts__line_items_by_product_name_4ae32f AS t1
WHERE t1.product_name = d0.name;
-- 8. map (query.py:34): the change of an output
SELECT d3.basket_id, d3.product_name, d3.product_price, d3.c AS stepping_count
FROM temp.stepping_delta_map_b7028e AS d3;
-- 9. map (query.py:34)
INSERT INTO receipts__items_2a78a5 (basket_id, product_name, product_price, c)
SELECT
  d6.basket_id AS basket_id, d6.product_name AS product_name,
  d6.product_price AS product_price, d6.c
FROM temp.stepping_delta_map_b7028e AS d6
WHERE TRUE
ORDER BY basket_id, product_name, product_price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (receipts__items_2a78a5.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN receipts__items_2a78a5.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of map')
  END;
-- 10. map (query.py:34): a count below 0, looked for where rows were removed
SELECT basket_id, product_name, product_price, c
FROM receipts__items_2a78a5
WHERE c < 0
LIMIT 1;
-- 11. group_reduce_flatten (query.py:37)
INSERT INTO temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd (
  basket_id, n0, n1, sum_product_price_0, sum_product_price_1, sum_product_price_finite,
  sum_product_price_exact, sum_product_price_pos_inf, sum_product_price_neg_inf
)
SELECT
  g.basket_id, a.n AS n0,
  CASE
    WHEN (COALESCE(a.n, 0) + g.n) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN COALESCE(a.n, 0) + g.n
    ELSE JSON_EXTRACT(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of the rows of the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
    )
  END AS n1,
  CASE
    WHEN a.sum_product_price_pos_inf <> 0 OR a.sum_product_price_neg_inf <> 0
    THEN CASE
      WHEN a.sum_product_price_pos_inf >= 0 AND a.sum_product_price_neg_inf <= 0 THEN 9e999
      WHEN a.sum_product_price_pos_inf <= 0 AND a.sum_product_price_neg_inf >= 0 THEN -9e999
      ELSE JSON_EXTRACT(
        '{}',
        'stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(a.sum_product_price AS TEXT)
      )
    END
    ELSE a.sum_product_price
  END AS sum_product_price_0,
  CASE
    WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <> 0
    OR COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <> 0
    THEN CASE
      WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf >= 0
      AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <= 0
      THEN 9e999
      WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <= 0
      AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf >= 0
      THEN -9e999
      ELSE JSON_EXTRACT(
        '{}',
        'stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(COALESCE(
          STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact)),
          JSON_EXTRACT(
            '{}',
            'stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
          )
        ) AS TEXT)
      )
    END
    ELSE COALESCE(
      STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact)),
      JSON_EXTRACT(
        '{}',
        'stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
      )
    )
  END AS sum_product_price_1,
  COALESCE(
    STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact)),
    JSON_EXTRACT(
      '{}',
      'stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
    )
  ) AS sum_product_price_finite,
  STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact) AS sum_product_price_exact,
  COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf AS sum_product_price_pos_inf,
  COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf AS sum_product_price_neg_inf
FROM (
  SELECT
    d2.basket_id, SUM(d2.c) AS n,
    STEPPING_FLOAT_SUM(d2.product_price, d2.c) FILTER (WHERE d2.product_price BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) AS sum_product_price_exact,
    COALESCE(SUM(d2.c) FILTER (WHERE d2.product_price = 9e999), 0) AS sum_product_price_pos_inf,
    COALESCE(SUM(d2.c) FILTER (WHERE d2.product_price = -9e999), 0) AS sum_product_price_neg_inf
  FROM temp.stepping_delta_map_b7028e AS d2
  GROUP BY 1
) AS g
LEFT JOIN receipts__group_reduce_flatten_by_basket_id_d48106 AS a ON a.basket_id = g.basket_id
WHERE
  g.n <> 0
  OR g.sum_product_price_exact <> '0p0'
  OR g.sum_product_price_pos_inf <> 0
  OR g.sum_product_price_neg_inf <> 0;
-- 12. group_reduce_flatten (query.py:37)
INSERT INTO receipts__group_reduce_flatten_by_basket_id_d48106 (
  basket_id, sum_product_price, sum_product_price_exact, sum_product_price_pos_inf,
  sum_product_price_neg_inf, n
)
SELECT
  g.basket_id, g.sum_product_price_finite, g.sum_product_price_exact,
  g.sum_product_price_pos_inf, g.sum_product_price_neg_inf, g.n1
FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd AS g
WHERE g.n1 <> 0 OR g.n0 IS NOT NULL
ON CONFLICT DO UPDATE SET
  sum_product_price = excluded.sum_product_price,
  sum_product_price_exact = excluded.sum_product_price_exact,
  sum_product_price_pos_inf = excluded.sum_product_price_pos_inf,
  sum_product_price_neg_inf = excluded.sum_product_price_neg_inf, n = excluded.n;
-- 13. group_reduce_flatten (query.py:37): the change of an output
SELECT d4.sum_product_price_0 AS "left", d4.basket_id AS "right", -1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd AS d4
WHERE
  d4.n0 IS NOT NULL AND (d4.n1 = 0 OR d4.sum_product_price_0 IS NOT d4.sum_product_price_1)
UNION ALL
SELECT d5.sum_product_price_1 AS "left", d5.basket_id AS "right", 1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd AS d5
WHERE d5.n1 <> 0 AND d5.sum_product_price_0 IS NOT d5.sum_product_price_1;

------------------------------------------------------------------------------
-- When line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: receipts__group_reduce_flatten_by_basket_id_d48106, receipts__items_2a78a5, receipts__line_items_by_product_name_4ae32f, receipts__products_by_name_5316e2 in last_update
-- 1. line_items (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_line_items_1c1527;
-- 2. map (query.py:34): empty the delta table
DELETE FROM temp.stepping_delta_map_b7028e;
-- 3. group_reduce_flatten (query.py:37): empty the delta table
DELETE FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd;
-- 4. line_items (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_line_items_1c1527 (basket_id, product_name, c) VALUES (?, ?, ?)
-- 5. line_items (the query's arguments)
INSERT INTO receipts__line_items_by_product_name_4ae32f (product_name, basket_id, c)
SELECT d7.product_name AS product_name, d7.basket_id AS basket_id, d7.c
FROM temp.stepping_delta_line_items_1c1527 AS d7
WHERE TRUE
ORDER BY product_name, basket_id
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (receipts__line_items_by_product_name_4ae32f.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN receipts__line_items_by_product_name_4ae32f.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of line_items')
  END;
-- 6. line_items (the query's arguments): a count below 0, looked for where rows were removed
SELECT product_name, basket_id, c
FROM receipts__line_items_by_product_name_4ae32f
WHERE c < 0
LIMIT 1;
-- 7. map (query.py:34)
INSERT INTO temp.stepping_delta_map_b7028e (basket_id, product_name, product_price, c)
SELECT
  d0.basket_id, t1.name AS product_name, t1.price AS product_price,
  CASE
    WHEN (d0.c * t1.c) BETWEEN -9223372036854775807 AND 9223372036854775807 THEN d0.c * t1.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS c
FROM temp.stepping_delta_line_items_1c1527 AS d0
CROSS JOIN receipts__products_by_name_5316e2 AS t1
WHERE t1.name = d0.product_name;
-- 8. map (query.py:34): the change of an output
SELECT d3.basket_id, d3.product_name, d3.product_price, d3.c AS stepping_count
FROM temp.stepping_delta_map_b7028e AS d3;
-- 9. map (query.py:34)
INSERT INTO receipts__items_2a78a5 (basket_id, product_name, product_price, c)
SELECT
  d6.basket_id AS basket_id, d6.product_name AS product_name,
  d6.product_price AS product_price, d6.c
FROM temp.stepping_delta_map_b7028e AS d6
WHERE TRUE
ORDER BY basket_id, product_name, product_price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (receipts__items_2a78a5.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN receipts__items_2a78a5.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of map')
  END;
-- 10. map (query.py:34): a count below 0, looked for where rows were removed
SELECT basket_id, product_name, product_price, c
FROM receipts__items_2a78a5
WHERE c < 0
LIMIT 1;
-- 11. group_reduce_flatten (query.py:37)
INSERT INTO temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd (
  basket_id, n0, n1, sum_product_price_0, sum_product_price_1, sum_product_price_finite,
  sum_product_price_exact, sum_product_price_pos_inf, sum_product_price_neg_inf
)
SELECT
  g.basket_id, a.n AS n0,
  CASE
    WHEN (COALESCE(a.n, 0) + g.n) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN COALESCE(a.n, 0) + g.n
    ELSE JSON_EXTRACT(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of the rows of the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
    )
  END AS n1,
  CASE
    WHEN a.sum_product_price_pos_inf <> 0 OR a.sum_product_price_neg_inf <> 0
    THEN CASE
      WHEN a.sum_product_price_pos_inf >= 0 AND a.sum_product_price_neg_inf <= 0 THEN 9e999
      WHEN a.sum_product_price_pos_inf <= 0 AND a.sum_product_price_neg_inf >= 0 THEN -9e999
      ELSE JSON_EXTRACT(
        '{}',
        'stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(a.sum_product_price AS TEXT)
      )
    END
    ELSE a.sum_product_price
  END AS sum_product_price_0,
  CASE
    WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <> 0
    OR COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <> 0
    THEN CASE
      WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf >= 0
      AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <= 0
      THEN 9e999
      WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <= 0
      AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf >= 0
      THEN -9e999
      ELSE JSON_EXTRACT(
        '{}',
        'stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(COALESCE(
          STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact)),
          JSON_EXTRACT(
            '{}',
            'stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
          )
        ) AS TEXT)
      )
    END
    ELSE COALESCE(
      STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact)),
      JSON_EXTRACT(
        '{}',
        'stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
      )
    )
  END AS sum_product_price_1,
  COALESCE(
    STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact)),
    JSON_EXTRACT(
      '{}',
      'stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
    )
  ) AS sum_product_price_finite,
  STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact) AS sum_product_price_exact,
  COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf AS sum_product_price_pos_inf,
  COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf AS sum_product_price_neg_inf
FROM (
  SELECT
    d2.basket_id, SUM(d2.c) AS n,
    STEPPING_FLOAT_SUM(d2.product_price, d2.c) FILTER (WHERE d2.product_price BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) AS sum_product_price_exact,
    COALESCE(SUM(d2.c) FILTER (WHERE d2.product_price = 9e999), 0) AS sum_product_price_pos_inf,
    COALESCE(SUM(d2.c) FILTER (WHERE d2.product_price = -9e999), 0) AS sum_product_price_neg_inf
  FROM temp.stepping_delta_map_b7028e AS d2
  GROUP BY 1
) AS g
LEFT JOIN receipts__group_reduce_flatten_by_basket_id_d48106 AS a ON a.basket_id = g.basket_id
WHERE
  g.n <> 0
  OR g.sum_product_price_exact <> '0p0'
  OR g.sum_product_price_pos_inf <> 0
  OR g.sum_product_price_neg_inf <> 0;
-- 12. group_reduce_flatten (query.py:37)
INSERT INTO receipts__group_reduce_flatten_by_basket_id_d48106 (
  basket_id, sum_product_price, sum_product_price_exact, sum_product_price_pos_inf,
  sum_product_price_neg_inf, n
)
SELECT
  g.basket_id, g.sum_product_price_finite, g.sum_product_price_exact,
  g.sum_product_price_pos_inf, g.sum_product_price_neg_inf, g.n1
FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd AS g
WHERE g.n1 <> 0 OR g.n0 IS NOT NULL
ON CONFLICT DO UPDATE SET
  sum_product_price = excluded.sum_product_price,
  sum_product_price_exact = excluded.sum_product_price_exact,
  sum_product_price_pos_inf = excluded.sum_product_price_pos_inf,
  sum_product_price_neg_inf = excluded.sum_product_price_neg_inf, n = excluded.n;
-- 13. group_reduce_flatten (query.py:37): the change of an output
SELECT d4.sum_product_price_0 AS "left", d4.basket_id AS "right", -1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd AS d4
WHERE
  d4.n0 IS NOT NULL AND (d4.n1 = 0 OR d4.sum_product_price_0 IS NOT d4.sum_product_price_1)
UNION ALL
SELECT d5.sum_product_price_1 AS "left", d5.basket_id AS "right", 1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd AS d5
WHERE d5.n1 <> 0 AND d5.sum_product_price_0 IS NOT d5.sum_product_price_1;

------------------------------------------------------------------------------
-- When any mix of products, line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: receipts__group_reduce_flatten_by_basket_id_d48106, receipts__items_2a78a5, receipts__line_items_by_product_name_4ae32f, receipts__products_by_name_5316e2 in last_update
-- 1. products (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_products_c88ed1;
-- 2. line_items (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_line_items_1c1527;
-- 3. map (query.py:34): empty the delta table
DELETE FROM temp.stepping_delta_map_b7028e;
-- 4. group_reduce_flatten (query.py:37): empty the delta table
DELETE FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd;
-- 5. products (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_products_c88ed1 (name, price, c) VALUES (?, ?, ?)
-- 6. line_items (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_line_items_1c1527 (basket_id, product_name, c) VALUES (?, ?, ?)
-- 7. map (query.py:34)
INSERT INTO temp.stepping_delta_map_b7028e (basket_id, product_name, product_price, c)
SELECT
  t1.basket_id, d0.name AS product_name, d0.price AS product_price,
  CASE
    WHEN (d0.c * t1.c) BETWEEN -9223372036854775807 AND 9223372036854775807 THEN d0.c * t1.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS c
FROM temp.stepping_delta_products_c88ed1 AS d0
CROSS JOIN receipts__line_items_by_product_name_4ae32f AS t1
WHERE t1.product_name = d0.name
UNION ALL
SELECT
  d3.basket_id, d2.name AS product_name, d2.price AS product_price,
  CASE
    WHEN (d2.c * d3.c) BETWEEN -9223372036854775807 AND 9223372036854775807 THEN d2.c * d3.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS c
FROM temp.stepping_delta_products_c88ed1 AS d2
CROSS JOIN temp.stepping_delta_line_items_1c1527 AS d3
WHERE d2.name = d3.product_name
UNION ALL
SELECT
  d4.basket_id, t5.name AS product_name, t5.price AS product_price,
  CASE
    WHEN (d4.c * t5.c) BETWEEN -9223372036854775807 AND 9223372036854775807 THEN d4.c * t5.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS c
FROM temp.stepping_delta_line_items_1c1527 AS d4
CROSS JOIN receipts__products_by_name_5316e2 AS t5
WHERE t5.name = d4.product_name;
-- 8. line_items (the query's arguments)
INSERT INTO receipts__line_items_by_product_name_4ae32f (product_name, basket_id, c)
SELECT d11.product_name AS product_name, d11.basket_id AS basket_id, d11.c
FROM temp.stepping_delta_line_items_1c1527 AS d11
WHERE TRUE
ORDER BY product_name, basket_id
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (receipts__line_items_by_product_name_4ae32f.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN receipts__line_items_by_product_name_4ae32f.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of line_items')
  END;
-- 9. line_items (the query's arguments): a count below 0, looked for where rows were removed
SELECT product_name, basket_id, c
FROM receipts__line_items_by_product_name_4ae32f
WHERE c < 0
LIMIT 1;
-- 10. products (the query's arguments)
INSERT INTO receipts__products_by_name_5316e2 (name, price, c)
SELECT d12.name AS name, d12.price AS price, d12.c
FROM temp.stepping_delta_products_c88ed1 AS d12
WHERE TRUE
ORDER BY name, price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (receipts__products_by_name_5316e2.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN receipts__products_by_name_5316e2.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of products')
  END;
-- 11. products (the query's arguments): a count below 0, looked for where rows were removed
SELECT name, price, c
FROM receipts__products_by_name_5316e2
WHERE c < 0
LIMIT 1;
-- 12. map (query.py:34): the change of an output
SELECT d7.basket_id, d7.product_name, d7.product_price, d7.c AS stepping_count
FROM temp.stepping_delta_map_b7028e AS d7;
-- 13. map (query.py:34)
INSERT INTO receipts__items_2a78a5 (basket_id, product_name, product_price, c)
SELECT
  d10.basket_id AS basket_id, d10.product_name AS product_name,
  d10.product_price AS product_price, d10.c
FROM temp.stepping_delta_map_b7028e AS d10
WHERE TRUE
ORDER BY basket_id, product_name, product_price
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (receipts__items_2a78a5.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN receipts__items_2a78a5.c + excluded.c
    ELSE JSON_EXTRACT('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of map')
  END;
-- 14. map (query.py:34): a count below 0, looked for where rows were removed
SELECT basket_id, product_name, product_price, c
FROM receipts__items_2a78a5
WHERE c < 0
LIMIT 1;
-- 15. group_reduce_flatten (query.py:37)
INSERT INTO temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd (
  basket_id, n0, n1, sum_product_price_0, sum_product_price_1, sum_product_price_finite,
  sum_product_price_exact, sum_product_price_pos_inf, sum_product_price_neg_inf
)
SELECT
  g.basket_id, a.n AS n0,
  CASE
    WHEN (COALESCE(a.n, 0) + g.n) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN COALESCE(a.n, 0) + g.n
    ELSE JSON_EXTRACT(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of the rows of the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
    )
  END AS n1,
  CASE
    WHEN a.sum_product_price_pos_inf <> 0 OR a.sum_product_price_neg_inf <> 0
    THEN CASE
      WHEN a.sum_product_price_pos_inf >= 0 AND a.sum_product_price_neg_inf <= 0 THEN 9e999
      WHEN a.sum_product_price_pos_inf <= 0 AND a.sum_product_price_neg_inf >= 0 THEN -9e999
      ELSE JSON_EXTRACT(
        '{}',
        'stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(a.sum_product_price AS TEXT)
      )
    END
    ELSE a.sum_product_price
  END AS sum_product_price_0,
  CASE
    WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <> 0
    OR COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <> 0
    THEN CASE
      WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf >= 0
      AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf <= 0
      THEN 9e999
      WHEN COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf <= 0
      AND COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf >= 0
      THEN -9e999
      ELSE JSON_EXTRACT(
        '{}',
        'stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(COALESCE(
          STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact)),
          JSON_EXTRACT(
            '{}',
            'stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
          )
        ) AS TEXT)
      )
    END
    ELSE COALESCE(
      STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact)),
      JSON_EXTRACT(
        '{}',
        'stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
      )
    )
  END AS sum_product_price_1,
  COALESCE(
    STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact)),
    JSON_EXTRACT(
      '{}',
      'stepping: ' || 'the sum sum_product_price is beyond the largest float for the group ' || COALESCE(CAST(g.basket_id AS TEXT), 'None')
    )
  ) AS sum_product_price_finite,
  STEPPING_FLOAT_ADD(a.sum_product_price_exact, g.sum_product_price_exact) AS sum_product_price_exact,
  COALESCE(a.sum_product_price_pos_inf, 0) + g.sum_product_price_pos_inf AS sum_product_price_pos_inf,
  COALESCE(a.sum_product_price_neg_inf, 0) + g.sum_product_price_neg_inf AS sum_product_price_neg_inf
FROM (
  SELECT
    d6.basket_id, SUM(d6.c) AS n,
    STEPPING_FLOAT_SUM(d6.product_price, d6.c) FILTER (WHERE d6.product_price BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) AS sum_product_price_exact,
    COALESCE(SUM(d6.c) FILTER (WHERE d6.product_price = 9e999), 0) AS sum_product_price_pos_inf,
    COALESCE(SUM(d6.c) FILTER (WHERE d6.product_price = -9e999), 0) AS sum_product_price_neg_inf
  FROM temp.stepping_delta_map_b7028e AS d6
  GROUP BY 1
) AS g
LEFT JOIN receipts__group_reduce_flatten_by_basket_id_d48106 AS a ON a.basket_id = g.basket_id
WHERE
  g.n <> 0
  OR g.sum_product_price_exact <> '0p0'
  OR g.sum_product_price_pos_inf <> 0
  OR g.sum_product_price_neg_inf <> 0;
-- 16. group_reduce_flatten (query.py:37)
INSERT INTO receipts__group_reduce_flatten_by_basket_id_d48106 (
  basket_id, sum_product_price, sum_product_price_exact, sum_product_price_pos_inf,
  sum_product_price_neg_inf, n
)
SELECT
  g.basket_id, g.sum_product_price_finite, g.sum_product_price_exact,
  g.sum_product_price_pos_inf, g.sum_product_price_neg_inf, g.n1
FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd AS g
WHERE g.n1 <> 0 OR g.n0 IS NOT NULL
ON CONFLICT DO UPDATE SET
  sum_product_price = excluded.sum_product_price,
  sum_product_price_exact = excluded.sum_product_price_exact,
  sum_product_price_pos_inf = excluded.sum_product_price_pos_inf,
  sum_product_price_neg_inf = excluded.sum_product_price_neg_inf, n = excluded.n;
-- 17. group_reduce_flatten (query.py:37): the change of an output
SELECT d8.sum_product_price_0 AS "left", d8.basket_id AS "right", -1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd AS d8
WHERE
  d8.n0 IS NOT NULL AND (d8.n1 = 0 OR d8.sum_product_price_0 IS NOT d8.sum_product_price_1)
UNION ALL
SELECT d9.sum_product_price_1 AS "left", d9.basket_id AS "right", 1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_by_basket_id_b1c1fd AS d9
WHERE d9.n1 <> 0 AND d9.sum_product_price_0 IS NOT d9.sum_product_price_1;
