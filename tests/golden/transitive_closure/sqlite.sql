-- The query transitive_closure on sqlite; fingerprint 44008e1f147425fea8a1b44ac4230b40
--
-- output
--   2. transitive_closure  query.py:8
--   │    incremental: what lost its derivation is taken away, and what is derived anew is added
--   │    keeps transitive_closure__edges_by_left_right_e7926e
--   │          key (left, right): look-ups, and the row itself
--   │          index transitive_closure__edges_by_left_right_e7926e__right (right): look-ups
--   └─ 1. edges (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of edges: 14 statements, 2 look-ups, and 4 look-ups for each row that those find
--   transitive_closure__edges_by_left_right_e7926e as a whole row, at most one row
--   transitive_closure__transitive_closure_by_right_left_7d706c as a whole row, at most one row
--   transitive_closure__transitive_closure_by_right_left_7d706c by right, 2 times
--   transitive_closure__edges_by_left_right_e7926e by left
--   transitive_closure__edges_by_left_right_e7926e by right

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
-- transitive_closure__transitive_closure_by_right_left_7d706c: the integral of transitive_closure, looked up by right, left, looked up by right
-- for transitive_closure (query.py:8)
-- it has a row for each different row of the result of transitive_closure
CREATE TABLE IF NOT EXISTS transitive_closure__transitive_closure_by_right_left_7d706c (
    "right" INTEGER NOT NULL,
    "left" INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY ("right", "left")
) WITHOUT ROWID;
--   transitive_closure__transitive_closure_by_right_left_7d706c__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS transitive_closure__transitive_closure_by_right_left_7d706c__gone
AFTER UPDATE OF c ON transitive_closure__transitive_closure_by_right_left_7d706c WHEN NEW.c = 0
BEGIN
    DELETE FROM transitive_closure__transitive_closure_by_right_left_7d706c WHERE "right" = NEW."right" AND "left" = NEW."left";
END;
-- transitive_closure__edges_by_left_right_e7926e: the integral of transitive_closure, looked up by left, right, looked up by left, looked up by right
-- for transitive_closure (query.py:8)
-- it has a row for each different row of the result of transitive_closure
CREATE TABLE IF NOT EXISTS transitive_closure__edges_by_left_right_e7926e (
    "left" INTEGER NOT NULL,
    "right" INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY ("left", "right")
) WITHOUT ROWID;
--   transitive_closure__edges_by_left_right_e7926e__right: look-ups; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS transitive_closure__edges_by_left_right_e7926e__right ON transitive_closure__edges_by_left_right_e7926e ("right");
--   transitive_closure__edges_by_left_right_e7926e__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS transitive_closure__edges_by_left_right_e7926e__gone
AFTER UPDATE OF c ON transitive_closure__edges_by_left_right_e7926e WHEN NEW.c = 0
BEGIN
    DELETE FROM transitive_closure__edges_by_left_right_e7926e WHERE "left" = NEW."left" AND "right" = NEW."right";
END;
--   transitive_closure__edges_by_left_right_e7926e__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS transitive_closure__edges_by_left_right_e7926e__below_zero ON transitive_closure__edges_by_left_right_e7926e (c) WHERE c < 0;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('transitive_closure__edges_by_left_right_e7926e', 0),
  ('transitive_closure__transitive_closure_by_right_left_7d706c', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'transitive_closure',
    '44008e1f147425fea8a1b44ac4230b40',
    'sqlite',
    1,
    '1 13fec6560ce8b0b8 {"query":"transitive_closure","dialect":"sqlite","fingerprint":"44008e1f147425fea8a1b44ac4230b40","tables":[{"table":{"name":"transitive_closure__transitive_closure_by_right_left_7d706c","kind":"delay","columns":[{"name":"right","type":{"kind":"int"}},{"name":"left","type":{"kind":"int"}}],"weight":"c","key":["right","left"],"reason":"the integral of transitive_closure, looked up by right, left, looked up by right","serves":"transitive_closure","where":"query.py:8","digest":"7d706c172c99dbab1b2b96ff12bf3f9b","rows":"9fad74df157c7b7df5e3341413724830","holds":[["right","right"],["left","left"]],"rows_of":"Pair[int, int]","node":"4c68a2c6b445247ed5672b42275b6713"},"ddl":["CREATE TABLE IF NOT EXISTS transitive_closure__transitive_closure_by_right_left_7d706c (\n    \"right\" INTEGER NOT NULL,\n    \"left\" INTEGER NOT NULL,\n    c INTEGER NOT NULL,\n    PRIMARY KEY (\"right\", \"left\")\n) WITHOUT ROWID","CREATE TRIGGER IF NOT EXISTS transitive_closure__transitive_closure_by_right_left_7d706c__gone\nAFTER UPDATE OF c ON transitive_closure__transitive_closure_by_right_left_7d706c WHEN NEW.c = 0\nBEGIN\n    DELETE FROM transitive_closure__transitive_closure_by_right_left_7d706c WHERE \"right\" = NEW.\"right\" AND \"left\" = NEW.\"left\";\nEND"]},{"table":{"name":"transitive_closure__edges_by_left_right_e7926e","kind":"delay","columns":[{"name":"left","type":{"kind":"int"}},{"name":"right","type":{"kind":"int"}}],"weight":"c","key":["left","right"],"indexes":[{"name":"transitive_closure__edges_by_left_right_e7926e__right","columns":["right"]}],"non_negative":true,"reason":"the integral of transitive_closure, looked up by left, right, looked up by left, looked up by right","serves":"transitive_closure","where":"query.py:8","digest":"e7926eee76b8a01a56061aaa5f4aaae9","rows":"7018796d51c0786a6678c00926fbe735","holds":[["left","left"],["right","right"]],"rows_of":"Pair[int, int]","node":"fcf9c20c68b86d33a9c1a783c32b5b1b"},"ddl":["CREATE TABLE IF NOT EXISTS transitive_closure__edges_by_left_right_e7926e (\n    \"left\" INTEGER NOT NULL,\n    \"right\" INTEGER NOT NULL,\n    c INTEGER NOT NULL,\n    PRIMARY KEY (\"left\", \"right\")\n) WITHOUT ROWID","CREATE INDEX IF NOT EXISTS transitive_closure__edges_by_left_right_e7926e__right ON transitive_closure__edges_by_left_right_e7926e (\"right\")","CREATE TRIGGER IF NOT EXISTS transitive_closure__edges_by_left_right_e7926e__gone\nAFTER UPDATE OF c ON transitive_closure__edges_by_left_right_e7926e WHEN NEW.c = 0\nBEGIN\n    DELETE FROM transitive_closure__edges_by_left_right_e7926e WHERE \"left\" = NEW.\"left\" AND \"right\" = NEW.\"right\";\nEND","CREATE INDEX IF NOT EXISTS transitive_closure__edges_by_left_right_e7926e__below_zero ON transitive_closure__edges_by_left_right_e7926e (c) WHERE c < 0"]}],"inputs":[{"name":"edges","row":"Pair[int, int]","columns":[{"name":"left","path":["left"],"type":{"kind":"int"}},{"name":"right","path":["right"],"type":{"kind":"int"}}]}],"caches":[]}'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_edges_def941 (
    "left" INTEGER,
    "right" INTEGER,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_exists_edges_def941 (
    "left" INTEGER,
    "right" INTEGER,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_closure_transitive_closure_def941 (
    "left" INTEGER,
    "right" INTEGER,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_gone_transitive_closure_def941 (
    "left" INTEGER,
    "right" INTEGER,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_fresh_transitive_closure_def941 (
    "left" INTEGER,
    "right" INTEGER,
    c INTEGER NOT NULL
);

------------------------------------------------------------------------------
-- When edges changes: one transaction
------------------------------------------------------------------------------
-- locked first: transitive_closure__edges_by_left_right_e7926e, transitive_closure__transitive_closure_by_right_left_7d706c in last_update
-- 1. edges (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_edges_def941;
-- 2. transitive_closure (query.py:8): empty the delta table
DELETE FROM temp.stepping_exists_edges_def941;
-- 3. transitive_closure (query.py:8): empty the delta table
DELETE FROM temp.stepping_closure_transitive_closure_def941;
-- 4. transitive_closure (query.py:8): empty the delta table
DELETE FROM temp.stepping_gone_transitive_closure_def941;
-- 5. transitive_closure (query.py:8): empty the delta table
DELETE FROM temp.stepping_fresh_transitive_closure_def941;
-- 6. edges (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_edges_def941 ("left", "right", c) VALUES (?, ?, ?)
-- 7. transitive_closure (query.py:8)
INSERT INTO temp.stepping_exists_edges_def941 ("left", "right", c)
SELECT
  g."left", g."right",
  CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE 0 END - CASE WHEN COALESCE(a.c, 0) > 0 THEN 1 ELSE 0 END AS c
FROM (
  SELECT g."left", g."right", SUM(g.c) AS c
  FROM (
    SELECT d0."left", d0."right", d0.c
    FROM temp.stepping_delta_edges_def941 AS d0
  ) AS g
  GROUP BY g."left", g."right"
  HAVING SUM(g.c) <> 0
) AS g
LEFT JOIN transitive_closure__edges_by_left_right_e7926e AS a
  ON a."left" = g."left" AND a."right" = g."right"
WHERE
  CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE 0 END - CASE WHEN COALESCE(a.c, 0) > 0 THEN 1 ELSE 0 END <> 0;
-- 8. transitive_closure (query.py:8)
INSERT INTO temp.stepping_gone_transitive_closure_def941 ("left", "right", c)
WITH RECURSIVE stepping_found("left", "right") AS (
  SELECT d."left", d."right"
  FROM temp.stepping_exists_edges_def941 AS d
  WHERE
    d.c < 0
    AND EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_by_right_left_7d706c AS y
      WHERE y."right" = d."right" AND y."left" = d."left"
    )
  UNION
  SELECT t0."left", d."right"
  FROM temp.stepping_exists_edges_def941 AS d
  CROSS JOIN transitive_closure__transitive_closure_by_right_left_7d706c AS t0
  WHERE
    t0."right" = d."left"
    AND CASE WHEN d."left" IS d."left" THEN t0.c > 0 END
    AND d.c < 0
    AND EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_by_right_left_7d706c AS y
      WHERE y."right" = d."right" AND y."left" = t0."left"
    )
  UNION
  SELECT d."left", t1."right"
  FROM stepping_found AS d
  CROSS JOIN transitive_closure__edges_by_left_right_e7926e AS t1
  WHERE
    t1."left" = d."right"
    AND EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_by_right_left_7d706c AS y
      WHERE y."right" = t1."right" AND y."left" = d."left"
    )
)
SELECT "left", "right", 1 AS c FROM stepping_found;
-- 9. transitive_closure (query.py:8)
INSERT INTO transitive_closure__transitive_closure_by_right_left_7d706c ("right", "left", c)
SELECT d."right" AS "right", d."left" AS "left", -1 AS c
FROM temp.stepping_gone_transitive_closure_def941 AS d
WHERE TRUE
ORDER BY "right", "left"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (transitive_closure__transitive_closure_by_right_left_7d706c.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN transitive_closure__transitive_closure_by_right_left_7d706c.c + excluded.c
    ELSE JSON_EXTRACT(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of a row of transitive_closure'
    )
  END;
-- 10. transitive_closure (query.py:8)
INSERT INTO transitive_closure__edges_by_left_right_e7926e ("left", "right", c)
SELECT d2."left" AS "left", d2."right" AS "right", d2.c
FROM temp.stepping_delta_edges_def941 AS d2
WHERE TRUE
ORDER BY "left", "right"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (transitive_closure__edges_by_left_right_e7926e.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN transitive_closure__edges_by_left_right_e7926e.c + excluded.c
    ELSE JSON_EXTRACT(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of a row of transitive_closure'
    )
  END;
-- 11. transitive_closure (query.py:8): a count below 0, looked for where rows were removed
SELECT "left", "right", c
FROM transitive_closure__edges_by_left_right_e7926e
WHERE c < 0
LIMIT 1;
-- 12. transitive_closure (query.py:8)
INSERT INTO temp.stepping_fresh_transitive_closure_def941 ("left", "right", c)
WITH RECURSIVE stepping_found("left", "right") AS (
  SELECT d."left", d."right"
  FROM temp.stepping_exists_edges_def941 AS d
  WHERE
    d.c > 0
    AND NOT EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_by_right_left_7d706c AS y
      WHERE y."right" = d."right" AND y."left" = d."left"
    )
  UNION
  SELECT t0."left", d."right"
  FROM temp.stepping_exists_edges_def941 AS d
  CROSS JOIN transitive_closure__transitive_closure_by_right_left_7d706c AS t0
  WHERE
    t0."right" = d."left"
    AND CASE WHEN d."left" IS d."left" THEN t0.c > 0 END
    AND d.c > 0
    AND NOT EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_by_right_left_7d706c AS y
      WHERE y."right" = d."right" AND y."left" = t0."left"
    )
  UNION
  SELECT t0."left", t0."right"
  FROM temp.stepping_gone_transitive_closure_def941 AS d
  CROSS JOIN transitive_closure__edges_by_left_right_e7926e AS t0
  WHERE t0."left" = d."left" AND t0."right" = d."right"
  UNION
  SELECT t0."left", t1."right"
  FROM temp.stepping_gone_transitive_closure_def941 AS d
  CROSS JOIN transitive_closure__edges_by_left_right_e7926e AS t1
  CROSS JOIN transitive_closure__transitive_closure_by_right_left_7d706c AS t0
  WHERE
    t1."right" = d."right"
    AND t0."right" = t1."left"
    AND t0."left" = d."left"
    AND CASE WHEN d."left" IS d."left" THEN t0.c > 0 END
  UNION
  SELECT d."left", t1."right"
  FROM stepping_found AS d
  CROSS JOIN transitive_closure__edges_by_left_right_e7926e AS t1
  WHERE
    t1."left" = d."right"
    AND NOT EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_by_right_left_7d706c AS y
      WHERE y."right" = t1."right" AND y."left" = d."left"
    )
)
SELECT "left", "right", 1 AS c FROM stepping_found;
-- 13. transitive_closure (query.py:8)
INSERT INTO transitive_closure__transitive_closure_by_right_left_7d706c ("right", "left", c)
SELECT d."right" AS "right", d."left" AS "left", 1 AS c
FROM temp.stepping_fresh_transitive_closure_def941 AS d
WHERE TRUE
ORDER BY "right", "left"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN (transitive_closure__transitive_closure_by_right_left_7d706c.c + excluded.c) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN transitive_closure__transitive_closure_by_right_left_7d706c.c + excluded.c
    ELSE JSON_EXTRACT(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of a row of transitive_closure'
    )
  END;
-- 14. transitive_closure (query.py:8)
INSERT INTO temp.stepping_closure_transitive_closure_def941 ("left", "right", c)
SELECT g."left", g."right", SUM(g.c) AS c
FROM (
  SELECT "left", "right", -1 AS c
  FROM temp.stepping_gone_transitive_closure_def941
  UNION ALL
  SELECT "left", "right", 1 AS c
  FROM temp.stepping_fresh_transitive_closure_def941
) AS g
GROUP BY g."left", g."right"
HAVING SUM(g.c) <> 0;
-- 15. transitive_closure (query.py:8): the change of an output
SELECT d1."left", d1."right", d1.c AS stepping_count
FROM temp.stepping_closure_transitive_closure_def941 AS d1;
