-- The query transitive_closure on sqlite; fingerprint 160752a0dea3f4729d1f87be7b257f8f
--
-- output
--   2. transitive_closure  query.py:8
--   │    incremental: what lost its derivation is taken away, and what is derived anew is added
--   │    keeps transitive_closure__edges_e7926e
--   │          key (left, right): look-ups, and the row itself
--   │          index transitive_closure__edges_e7926e__right (right): look-ups
--   └─ 1. edges (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of edges: 14 statements, 2 look-ups, and 4 look-ups for each row that those find
--   transitive_closure__edges_e7926e as a whole row, at most one row
--   transitive_closure__transitive_closure_7d706c as a whole row, at most one row
--   transitive_closure__transitive_closure_7d706c by right, 2 times
--   transitive_closure__edges_e7926e by left
--   transitive_closure__edges_e7926e by right

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
-- transitive_closure__transitive_closure_7d706c: the integral of transitive_closure, looked up by right, left, looked up by right
-- for transitive_closure (query.py:8)
-- it has a row for each different row of the result of transitive_closure
CREATE TABLE IF NOT EXISTS transitive_closure__transitive_closure_7d706c (
    "right" INTEGER NOT NULL,
    "left" INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY ("right", "left")
) WITHOUT ROWID;
--   transitive_closure__transitive_closure_7d706c__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS transitive_closure__transitive_closure_7d706c__gone
AFTER UPDATE OF c ON transitive_closure__transitive_closure_7d706c WHEN NEW.c = 0
BEGIN
    DELETE FROM transitive_closure__transitive_closure_7d706c WHERE "right" = NEW."right" AND "left" = NEW."left";
END;
-- transitive_closure__edges_e7926e: the integral of transitive_closure, looked up by left, right, looked up by left, looked up by right
-- for transitive_closure (query.py:8)
-- it has a row for each different row of the result of transitive_closure
CREATE TABLE IF NOT EXISTS transitive_closure__edges_e7926e (
    "left" INTEGER NOT NULL,
    "right" INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY ("left", "right")
) WITHOUT ROWID;
--   transitive_closure__edges_e7926e__right: look-ups; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS transitive_closure__edges_e7926e__right ON transitive_closure__edges_e7926e ("right");
--   transitive_closure__edges_e7926e__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS transitive_closure__edges_e7926e__gone
AFTER UPDATE OF c ON transitive_closure__edges_e7926e WHEN NEW.c = 0
BEGIN
    DELETE FROM transitive_closure__edges_e7926e WHERE "left" = NEW."left" AND "right" = NEW."right";
END;
--   transitive_closure__edges_e7926e__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS transitive_closure__edges_e7926e__below_zero ON transitive_closure__edges_e7926e (c) WHERE c < 0;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('transitive_closure__edges_e7926e', 0),
  ('transitive_closure__transitive_closure_7d706c', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'transitive_closure',
    '160752a0dea3f4729d1f87be7b257f8f',
    'sqlite',
    2,
    '2 a997544d69e25a8d QlpoOTFBWSZTWQaq+osABV1fgEAAUGV//j/v3u6/7//6UAQ+U6cQZzuaDlCSmik9T1MyR6mRtCNqD01AAxNHpAeoAGkZE2owVNNPUMmjQAAAAGgACREqPUGm0h6gaNAAaAyAA0AA5gTE0GEyZMmRhME00yMTAEMAVJITICYmUxAR6mCeiBtQ0zRlAxNKEdiPV+tV11zc66ZJ1J45+HVVrUwYGdiel0pimdMn9fHQvXmDXfVb5f5eFrW7Yu0rpir5qjtMmrLva462BmatHekpCV23ptklQ6ngvD3RKIcizl7Lm+jF6otbNavlgublYLJQt0uTFfOZd21V6L4cHO7FNc0Djy2uXyUqVKiko/5My6mTDKgKCIQ6EFIYyIY6IISmhEAMjd68U9Cd7c80XxspVWOaj6qSyoVS+1kpRVSpSnuS8+KcWnTp9nd12SruOD2ZvDj1rcmWRi54y6qQNXZQCiaMm7pmjdi2+MHva+yqIokkQyqvteamsFcr5Pqb0rQTYtgI63AEykgUKUbOrrVOhvMiFzJNnmAkyskxhucEpgbEIcWkQkx0nTZTBQiIDCKkThJ63gWeh1OlRe/dinVOxXa/ZZpfaofnCk9zU+DU+AwXTFkmZtT4tadq5taG5MFPPGpTMnIUMz3Jeua02sncmppXLGpZcxQpKSlNKjkJtXMm9wmUTuTc4va0ta9NabCaWDOzDYmTFg9qXpZkxS0WGQItm+YeiFEQj6TFgQFRisIxTA5JlzaMgltrwL5fPUyl1XWPrGQNDZcqQHG0sLQLuEMCqYZLVo6Xa2bszNpe2hs8ylzw5FkLJhDIFIeZZ6Hhdrt1vv3nWoX4Q1bVrBCNUoidSZRh5vjqbkr7pjx8UqMfbWlSAIwLwWkAI2A1BWI8Zhc0QjZAiCFhF7THc7/jusw/2qllJ9PEmS99PF06+KNl3HeyjZSKlRqhNlmr5xv0aUas+aI0bnlaWzlfXp87hLb2H9cgCjmMJQ43oSZJ30YIVUbuFzpxInjSMoksRAxDwNGTgSZTwoxUHEYctXUnpnmjyTo8cJsROiMUYNTUvdC/BGeULvrdG2ExxMUeQ+aLlCs6OMLONrpX3GMJaSb+ZqYso+xrN7NzOCSZ6o5I2Pkl2bqZYTZM7vQmecqkjByKNqpKVDzYWis1J4FNXOtfdLEvYJQKwihYgViuptobePckehFBjGUQMhDTbbY224VSzYMkkcoFCtlaGiGm037N1ycOicxmjZCcNCJmbWRRu78bGFymLgVdYtVYBuIfNM2iVzg04F/i7kinChIA1V9RYA=='
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
-- locked first: transitive_closure__edges_e7926e, transitive_closure__transitive_closure_7d706c in last_update
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
SELECT g."left", g."right", CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE -1 END AS c
FROM (
  SELECT g."left", g."right", SUM(g.c) AS c
  FROM temp.stepping_delta_edges_def941 AS g
  GROUP BY g."left", g."right"
  HAVING SUM(g.c) <> 0
) AS g
LEFT JOIN transitive_closure__edges_e7926e AS a ON a."left" = g."left" AND a."right" = g."right"
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 8. transitive_closure (query.py:8)
INSERT INTO temp.stepping_gone_transitive_closure_def941 ("left", "right", c)
WITH RECURSIVE stepping_found("left", "right") AS (
  SELECT d."left", d."right"
  FROM temp.stepping_exists_edges_def941 AS d
  WHERE
    d.c < 0
    AND EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_7d706c AS y
      WHERE y."right" = d."right" AND y."left" = d."left"
    )
  UNION
  SELECT t0."left", d."right"
  FROM temp.stepping_exists_edges_def941 AS d
  CROSS JOIN transitive_closure__transitive_closure_7d706c AS t0
  WHERE
    t0."right" = d."left"
    AND CASE WHEN d."left" IS d."left" THEN t0.c > 0 END
    AND d.c < 0
    AND EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_7d706c AS y
      WHERE y."right" = d."right" AND y."left" = t0."left"
    )
  UNION
  SELECT d."left", t1."right"
  FROM stepping_found AS d
  CROSS JOIN transitive_closure__edges_e7926e AS t1
  WHERE
    t1."left" = d."right"
    AND EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_7d706c AS y
      WHERE y."right" = t1."right" AND y."left" = d."left"
    )
)
SELECT "left", "right", 1 AS c FROM stepping_found;
-- 9. transitive_closure (query.py:8)
INSERT INTO transitive_closure__transitive_closure_7d706c ("right", "left", c)
SELECT d."right" AS "right", d."left" AS "left", -1 AS c
FROM temp.stepping_gone_transitive_closure_def941 AS d
WHERE TRUE
ORDER BY "right", "left"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(transitive_closure__transitive_closure_7d706c.c + excluded.c) = 'integer'
    THEN transitive_closure__transitive_closure_7d706c.c + excluded.c
    ELSE json_extract(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of a row of transitive_closure'
    )
  END;
-- 10. transitive_closure (query.py:8)
INSERT INTO transitive_closure__edges_e7926e ("left", "right", c)
SELECT d2."left" AS "left", d2."right" AS "right", d2.c
FROM temp.stepping_delta_edges_def941 AS d2
WHERE TRUE
ORDER BY "left", "right"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(transitive_closure__edges_e7926e.c + excluded.c) = 'integer'
    THEN transitive_closure__edges_e7926e.c + excluded.c
    ELSE json_extract(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of a row of transitive_closure'
    )
  END;
-- 11. transitive_closure (query.py:8): a count below 0, looked for where rows were removed
SELECT "left", "right", c
FROM transitive_closure__edges_e7926e
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
      FROM transitive_closure__transitive_closure_7d706c AS y
      WHERE y."right" = d."right" AND y."left" = d."left"
    )
  UNION
  SELECT t0."left", d."right"
  FROM temp.stepping_exists_edges_def941 AS d
  CROSS JOIN transitive_closure__transitive_closure_7d706c AS t0
  WHERE
    t0."right" = d."left"
    AND CASE WHEN d."left" IS d."left" THEN t0.c > 0 END
    AND d.c > 0
    AND NOT EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_7d706c AS y
      WHERE y."right" = d."right" AND y."left" = t0."left"
    )
  UNION
  SELECT t0."left", t0."right"
  FROM temp.stepping_gone_transitive_closure_def941 AS d
  CROSS JOIN transitive_closure__edges_e7926e AS t0
  WHERE t0."left" = d."left" AND t0."right" = d."right"
  UNION
  SELECT t0."left", t1."right"
  FROM temp.stepping_gone_transitive_closure_def941 AS d
  CROSS JOIN transitive_closure__edges_e7926e AS t1
  CROSS JOIN transitive_closure__transitive_closure_7d706c AS t0
  WHERE
    t1."right" = d."right"
    AND t0."right" = t1."left"
    AND t0."left" = d."left"
    AND CASE WHEN d."left" IS d."left" THEN t0.c > 0 END
  UNION
  SELECT d."left", t1."right"
  FROM stepping_found AS d
  CROSS JOIN transitive_closure__edges_e7926e AS t1
  WHERE
    t1."left" = d."right"
    AND NOT EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure_7d706c AS y
      WHERE y."right" = t1."right" AND y."left" = d."left"
    )
)
SELECT "left", "right", 1 AS c FROM stepping_found;
-- 13. transitive_closure (query.py:8)
INSERT INTO transitive_closure__transitive_closure_7d706c ("right", "left", c)
SELECT d."right" AS "right", d."left" AS "left", 1 AS c
FROM temp.stepping_fresh_transitive_closure_def941 AS d
WHERE TRUE
ORDER BY "right", "left"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(transitive_closure__transitive_closure_7d706c.c + excluded.c) = 'integer'
    THEN transitive_closure__transitive_closure_7d706c.c + excluded.c
    ELSE json_extract(
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
