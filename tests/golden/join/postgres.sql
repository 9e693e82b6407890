-- The query join on postgres; fingerprint 2a210093a63e76f5cdf6696fabb1ef43
--
-- output
--   3. join  query.py:18
--   │    incremental: the change of each side meets the rows of the other with its key
--   ├─ 1. products (input)
--   │       keeps join__products_5316e2
--   │             key (name): look-ups, and the row itself
--   └─ 2. line_items (input)
--           keeps join__line_items_4ae32f
--                 key (product_name): look-ups, and the row itself
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of products: 1 statement, 2 look-ups, 1 row written
--   join__products_5316e2 as a whole row, at most one row
--   join__line_items_4ae32f by product_name
-- One changed row of line_items: 1 statement, 2 look-ups, 1 row written
--   join__line_items_4ae32f as a whole row, at most one row
--   join__products_5316e2 by name

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
-- join__line_items_4ae32f: the rows of line_items, looked up by product_name
-- for line_items (the query's arguments)
-- it has a row for each different row of line_items in the columns it keeps
CREATE TABLE IF NOT EXISTS join__line_items_4ae32f (
    product_name TEXT COLLATE "C" NOT NULL,
    basket_id BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT join__line_items_4ae32f__not_negative CHECK (c >= 0)
);
--   join__line_items_4ae32f__product_name_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS join__line_items_4ae32f__product_name_key ON join__line_items_4ae32f ((hashtextextended(product_name, 0)), (hash_record_extended(ROW(product_name, basket_id), 0)));
--   join__line_items_4ae32f: its rows can be changed where all tables are published
ALTER TABLE join__line_items_4ae32f REPLICA IDENTITY FULL;
--   join__line_items_4ae32f: what it is for, as \d+ shows it
COMMENT ON TABLE join__line_items_4ae32f IS 'stepping: the rows of line_items, looked up by product_name; for line_items';
-- join__products_5316e2: the rows of products, looked up by name
-- for products (the query's arguments)
-- it has a row for each different row of products in the columns it keeps
CREATE TABLE IF NOT EXISTS join__products_5316e2 (
    name TEXT COLLATE "C" NOT NULL,
    price DOUBLE PRECISION NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT join__products_5316e2__not_negative CHECK (c >= 0)
);
--   join__products_5316e2__name_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS join__products_5316e2__name_key ON join__products_5316e2 ((hashtextextended(name, 0)), (hash_record_extended(ROW(name, price), 0)));
--   join__products_5316e2: its rows can be changed where all tables are published
ALTER TABLE join__products_5316e2 REPLICA IDENTITY FULL;
--   join__products_5316e2: what it is for, as \d+ shows it
COMMENT ON TABLE join__products_5316e2 IS 'stepping: the rows of products, looked up by name; for products';

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('join__line_items_4ae32f', 0), ('join__products_5316e2', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'join',
    '2a210093a63e76f5cdf6696fabb1ef43',
    'postgres',
    2,
    '2 b89b7c008be2d57e QlpoOTFBWSZTWTpdz2kABUpfgEAAUOR/+z/v3u6////qUASeztV3HBiFHRphJJTyCmNGjUeoyDJoAYZEADQACVNCZMCJGgDQDQAAABpoAEhSRPTUB6gaAANAAAAAAHMCYmgwmTJkyMJgmmmRiYAhgCpJJkMiZHpNKeJPImgGjI2iZDNJ6QaFA9w+tl66ryMk6Hcer1vMqj0Ox9HoqqZbPpHmYnCtYH4Pe9Y7lRJjDKYMgYx+c4mtiMEZlmWhQiC1jWkhW6YQ7DWOYQZk+ImKisfjiNG66EZMUQK9uFDA7jKFoVqfdjdxVFV0owx4qqoRocqFzc+L4aaVWELycU/dxbTRMaKr7V19KwspDYxptjQ0MP0CKjIChRBQjckdLWl1kUqwonL+W4ZNr7jYpPMt7qrrZqOIGVW0KBFeB4EvJh/DFE0mMVBiIMZmTDGITxWhXcOvFLWW+GuRapeK84djsvZ4GRsEsdG1Woc5F0cpZmtjaooiIVtg1kgHViAtKvixzbk6xISlkUVQpfaxQ1CEJ3rtrHBY56PngvucRdKQDq2TfCy5JQeycLrL0najpUEbNzGN9yAoUEjuMJ4HEn5sHnOphPU8KO9cvlMH7KTQ7mjUxVRRjHe+DvXL1mBZqLKnI1Lk75T4Tc9tzD3GtwXNaNcng4DwZM3Kuk3NqLLTnUpcmRdYs4I5s2C/Ws3tJtvedivKxUczYXSkowTkTlWXM00sO9oSzaMXc7q9dLVapF0sj0XGbQZs41AmGBmZpdAlUlnyMzkqjUliSVaTgTMPHEYwHcQ58uxlqqsZ4ns6Oa2ps1b9ID4rWmL3vggwl4LiUh9GsNQeRgiv0U9vXEi3ehGOVgeNgwab8+HRfa/hJhb2WvM3yVUJhYqcUUsVXLjlq/hry6ebVodDdtLnTUucV8if6v8HWlLVVSqYUqkbV7rGpoYUUo4NO7qHKMLbuHVXZi5pJTPU3nJ8jkOOPJs12yPi0vHIbVOd2+Vzq7SQniJ0pAyDA4KA3AZhqJ3UOpnwbsIlCKCxnFgV2G3NRzvIWT5nXi4MG/VJwks2M5JwR6XGJ2vLsmNMYm4tmVSVTE2yXtBNravdrnq+appkyWMDS0kPElonxHG9ZZJZXtWEV5xCbGO/BujLoisGkoDVwIRapU0M3SzkTUaXykmw7XUc7U1mbQ6NDJGZvPAXrbmdo36brl1Ga3LdLS0mMuubzUuXuviyHtVCXtRRp6lR/LsLl3TaqqrlzxDTA90HJkDJQIyyhQJCaglpNs2nt/KErM6VK8mpjPY8UTAyaCzJdrNE5aqx6WxlNtIwHNInS/6dD5zI6JvMHM1lDMnjN6+5S+BaBx88HBpnK5YU5mmmDgH+LuSKcKEgdLue0g=='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When products changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items_4ae32f, join__products_5316e2 in last_update
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
    FROM join__products_5316e2 AS a
    WHERE
      hashtextextended(a.name, 0) = hashtextextended(g.name, 0)
      AND a.name = g.name
      AND hash_record_extended(ROW(a.name, a.price), 0) = hash_record_extended(ROW(g.name, g.price), 0)
      AND ROW(a.name, a.price) IS NOT DISTINCT FROM ROW(g.name, g.price)
    LIMIT 1
  ) AS l ON TRUE
), products_inserted AS (
  INSERT INTO join__products_5316e2 (name, price, c)
  SELECT o.name, o.price, o.c
  FROM products_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), products_updated AS (
  UPDATE join__products_5316e2 AS a
  SET c = o.c
  FROM products_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), products_deleted AS (
  DELETE FROM join__products_5316e2 AS a
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
  FROM join__line_items_4ae32f AS t1
  WHERE
    hashtextextended(t1.product_name, 0) = hashtextextended(d0.name, 0)
    AND t1.product_name = d0.name
  OFFSET 0
) AS t1;

------------------------------------------------------------------------------
-- When line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items_4ae32f, join__products_5316e2 in last_update
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
    FROM join__line_items_4ae32f AS a
    WHERE
      hashtextextended(a.product_name, 0) = hashtextextended(g.product_name, 0)
      AND a.product_name = g.product_name
      AND hash_record_extended(ROW(a.product_name, a.basket_id), 0) = hash_record_extended(ROW(g.product_name, g.basket_id), 0)
      AND ROW(a.product_name, a.basket_id) IS NOT DISTINCT FROM ROW(g.product_name, g.basket_id)
    LIMIT 1
  ) AS l ON TRUE
), line_items_inserted AS (
  INSERT INTO join__line_items_4ae32f (product_name, basket_id, c)
  SELECT o.product_name, o.basket_id, o.c
  FROM line_items_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), line_items_updated AS (
  UPDATE join__line_items_4ae32f AS a
  SET c = o.c
  FROM line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), line_items_deleted AS (
  DELETE FROM join__line_items_4ae32f AS a
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
  FROM join__products_5316e2 AS t1
  WHERE
    hashtextextended(t1.name, 0) = hashtextextended(d0.product_name, 0)
    AND t1.name = d0.product_name
  OFFSET 0
) AS t1;

------------------------------------------------------------------------------
-- When any mix of products, line_items changes: one transaction
------------------------------------------------------------------------------
-- locked first: join__line_items_4ae32f, join__products_5316e2 in last_update
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
    FROM join__line_items_4ae32f AS a
    WHERE
      hashtextextended(a.product_name, 0) = hashtextextended(g.product_name, 0)
      AND a.product_name = g.product_name
      AND hash_record_extended(ROW(a.product_name, a.basket_id), 0) = hash_record_extended(ROW(g.product_name, g.basket_id), 0)
      AND ROW(a.product_name, a.basket_id) IS NOT DISTINCT FROM ROW(g.product_name, g.basket_id)
    LIMIT 1
  ) AS l ON TRUE
), line_items_inserted AS (
  INSERT INTO join__line_items_4ae32f (product_name, basket_id, c)
  SELECT o.product_name, o.basket_id, o.c
  FROM line_items_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), line_items_updated AS (
  UPDATE join__line_items_4ae32f AS a
  SET c = o.c
  FROM line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), line_items_deleted AS (
  DELETE FROM join__line_items_4ae32f AS a
  USING line_items_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), products_found AS MATERIALIZED (
  SELECT g.name, g.price, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM products_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM join__products_5316e2 AS a
    WHERE
      hashtextextended(a.name, 0) = hashtextextended(g.name, 0)
      AND a.name = g.name
      AND hash_record_extended(ROW(a.name, a.price), 0) = hash_record_extended(ROW(g.name, g.price), 0)
      AND ROW(a.name, a.price) IS NOT DISTINCT FROM ROW(g.name, g.price)
    LIMIT 1
  ) AS l ON TRUE
), products_inserted AS (
  INSERT INTO join__products_5316e2 (name, price, c)
  SELECT o.name, o.price, o.c
  FROM products_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), products_updated AS (
  UPDATE join__products_5316e2 AS a
  SET c = o.c
  FROM products_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), products_deleted AS (
  DELETE FROM join__products_5316e2 AS a
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
  FROM join__line_items_4ae32f AS t1
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
  FROM join__products_5316e2 AS t5
  WHERE
    hashtextextended(t5.name, 0) = hashtextextended(d4.product_name, 0)
    AND t5.name = d4.product_name
  OFFSET 0
) AS t5;
