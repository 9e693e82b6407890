-- The query transitive_closure on sqlite; fingerprint 4217c0d56c02b2a9eb477bc2260e6bf6
--
-- output
--   2. transitive_closure  query.py:8
--   │    incremental: what lost its derivation is taken away, and what is derived anew is added
--   │    keeps transitive_closure__edges
--   │          key (left, right): look-ups, and the row itself
--   │          index transitive_closure__edges__right (right): look-ups
--   └─ 1. edges (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of edges: 14 statements, 2 look-ups, and 4 look-ups for each row that those find
--   transitive_closure__edges as a whole row, at most one row
--   transitive_closure__transitive_closure as a whole row, at most one row
--   transitive_closure__transitive_closure by right, 2 times
--   transitive_closure__edges by left
--   transitive_closure__edges by right

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
-- transitive_closure__transitive_closure: the integral of transitive_closure, looked up by right, left, looked up by right
-- for transitive_closure (query.py:8)
-- it has a row for each different row of the result of transitive_closure
CREATE TABLE IF NOT EXISTS transitive_closure__transitive_closure (
    "right" INTEGER NOT NULL,
    "left" INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY ("right", "left")
) WITHOUT ROWID;
--   transitive_closure__transitive_closure__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS transitive_closure__transitive_closure__gone
AFTER UPDATE OF c ON transitive_closure__transitive_closure WHEN NEW.c = 0
BEGIN
    DELETE FROM transitive_closure__transitive_closure WHERE "right" = NEW."right" AND "left" = NEW."left";
END;
-- transitive_closure__edges: the integral of transitive_closure, looked up by left, right, looked up by left, looked up by right
-- for transitive_closure (query.py:8)
-- it has a row for each different row of the result of transitive_closure
CREATE TABLE IF NOT EXISTS transitive_closure__edges (
    "left" INTEGER NOT NULL,
    "right" INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY ("left", "right")
) WITHOUT ROWID;
--   transitive_closure__edges__right: look-ups; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS transitive_closure__edges__right ON transitive_closure__edges ("right");
--   transitive_closure__edges__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS transitive_closure__edges__gone
AFTER UPDATE OF c ON transitive_closure__edges WHEN NEW.c = 0
BEGIN
    DELETE FROM transitive_closure__edges WHERE "left" = NEW."left" AND "right" = NEW."right";
END;
--   transitive_closure__edges__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS transitive_closure__edges__below_zero ON transitive_closure__edges (c) WHERE c < 0;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('transitive_closure__edges', 0), ('transitive_closure__transitive_closure', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'transitive_closure',
    '4217c0d56c02b2a9eb477bc2260e6bf6',
    'sqlite',
    2,
    '2 9c102afa6c2b9458 QlpoOTFBWSZTWV69kqQABSjfgEAAUGV//j/v3u6/7//6UAQeU6uYGctoMoSU1NKYniniDQj1NDRtTQAPUNNqA0BoVTyaegRtKAAGgAAAAAABJqRJop5R6Q8oPRAAaAPQmmjTagAHMCYmgwmTJkyMJgmmmRiYAhgCpJAQEwg1NJoGaTanqGgxNHqbUBkaUI70d38VXrrq5PVNCdyfNPu7qtamDA0sjteVMk0Jm/nw0r15g2barjL+zota37xdrXTFXwVH7mTWE3a462BmaxHikpDadf0REmcdVlwmB9tWxyIOTvudtGLui1sbV7+hc4KwWShbyt2S+cl3hVXovh0PE71Nk0jp57XL5KVKlRSUf8mK6ktSYgXIVBuUXpEqkbwKktcqgEjh9uSehOre88XxtpVWOVHxUllQql9rIiCxiJzEuH0JrM+fPt3VwWrXgbbYcGTiKvhiUEkkTyClMlERCgk8D2iE5q7JdZIAYBeemLIJYSAdIKRAYilAl8oracDuEjSqF9L7lkK5q3FFZ0GcLEHY1q2wizrViuxrSu01qq/Tv2VvtrkhxVInGTudazzu19Ci962Sds/VXuepZqfOoemFJ7Wt3tbvGC6ZM0xbk/ZsT3Lm5pb0wU7I1qYpzFDF7UvXNibmbwTW1LljWsuZIUlJSmpRzE3Lmbg55nE8E3uh7GpsXpsTaTUwaGI2pmyYPYl6WZsktFlLI2ux+HptLWtH6iT3QDE6NRXRahsWs20GUsrOY4ThNx0pxbEeMShgpvcuUgqMPqwIhPLYqT58Zt9W2uXwfB3tXOq6351vGqcQyBXT0NXqaJdMU8Dr1xodOCF9j58T4dlZhZioYyGaO1LG0xt008Mtp0U806BQBfFjAkKzZsenibhMujJlkLzWdk2TcPeZf8rKEn87pMS7/fl4ctmzjvZhqhKcdXwjh0poo09OMRp4vM53NgNeWooTJXiHXG8Vy6bgUwR42bJx4r+FzqBIotpFRJOS9yOTTm3kmc60ZKDgMN9XUnonZHknT44TaidUZIwa2te6V+CNEoXfG6N0JlkZI+Q+CLlCtCOiFnRa6V9JlCWknDqa2TOPI2HBj1OdJNFUc0bXvS7H62eE2zQ6YTRJxUhg5lG5UlKh5sLRWNE8amvkte0olzAtAmoq5qgTVNkVgrk3rDrq4iJeAlQYqqKrUxnVozFhtAmmWU0yVUq1pavx33Jz+KdRjG2E59KJi3Myjf1xtMLCYmomnSTfnvFqn2WtoLT2gxon/F3JFOFCQXr2SpA='
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
-- locked first: transitive_closure__edges, transitive_closure__transitive_closure in last_update
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
LEFT JOIN transitive_closure__edges AS a ON a."left" = g."left" AND a."right" = g."right"
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
      FROM transitive_closure__transitive_closure AS y
      WHERE y."right" = d."right" AND y."left" = d."left"
    )
  UNION
  SELECT t0."left", d."right"
  FROM temp.stepping_exists_edges_def941 AS d
  CROSS JOIN transitive_closure__transitive_closure AS t0
  WHERE
    t0."right" = d."left"
    AND CASE WHEN d."left" IS d."left" THEN t0.c > 0 END
    AND d.c < 0
    AND EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure AS y
      WHERE y."right" = d."right" AND y."left" = t0."left"
    )
  UNION
  SELECT d."left", t1."right"
  FROM stepping_found AS d
  CROSS JOIN transitive_closure__edges AS t1
  WHERE
    t1."left" = d."right"
    AND EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure AS y
      WHERE y."right" = t1."right" AND y."left" = d."left"
    )
)
SELECT "left", "right", 1 AS c FROM stepping_found;
-- 9. transitive_closure (query.py:8)
INSERT INTO transitive_closure__transitive_closure ("right", "left", c)
SELECT d."right" AS "right", d."left" AS "left", -1 AS c
FROM temp.stepping_gone_transitive_closure_def941 AS d
WHERE TRUE
ORDER BY "right", "left"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(transitive_closure__transitive_closure.c + excluded.c) = 'integer'
    THEN transitive_closure__transitive_closure.c + excluded.c
    ELSE json_extract(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of a row of transitive_closure'
    )
  END;
-- 10. transitive_closure (query.py:8)
INSERT INTO transitive_closure__edges ("left", "right", c)
SELECT d2."left" AS "left", d2."right" AS "right", d2.c
FROM temp.stepping_delta_edges_def941 AS d2
WHERE TRUE
ORDER BY "left", "right"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(transitive_closure__edges.c + excluded.c) = 'integer'
    THEN transitive_closure__edges.c + excluded.c
    ELSE json_extract(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of a row of transitive_closure'
    )
  END;
-- 11. transitive_closure (query.py:8): a count below 0, looked for where rows were removed
SELECT "left", "right", c
FROM transitive_closure__edges
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
      FROM transitive_closure__transitive_closure AS y
      WHERE y."right" = d."right" AND y."left" = d."left"
    )
  UNION
  SELECT t0."left", d."right"
  FROM temp.stepping_exists_edges_def941 AS d
  CROSS JOIN transitive_closure__transitive_closure AS t0
  WHERE
    t0."right" = d."left"
    AND CASE WHEN d."left" IS d."left" THEN t0.c > 0 END
    AND d.c > 0
    AND NOT EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure AS y
      WHERE y."right" = d."right" AND y."left" = t0."left"
    )
  UNION
  SELECT t0."left", t0."right"
  FROM temp.stepping_gone_transitive_closure_def941 AS d
  CROSS JOIN transitive_closure__edges AS t0
  WHERE t0."left" = d."left" AND t0."right" = d."right"
  UNION
  SELECT t0."left", t1."right"
  FROM temp.stepping_gone_transitive_closure_def941 AS d
  CROSS JOIN transitive_closure__edges AS t1
  CROSS JOIN transitive_closure__transitive_closure AS t0
  WHERE
    t1."right" = d."right"
    AND t0."right" = t1."left"
    AND t0."left" = d."left"
    AND CASE WHEN d."left" IS d."left" THEN t0.c > 0 END
  UNION
  SELECT d."left", t1."right"
  FROM stepping_found AS d
  CROSS JOIN transitive_closure__edges AS t1
  WHERE
    t1."left" = d."right"
    AND NOT EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure AS y
      WHERE y."right" = t1."right" AND y."left" = d."left"
    )
)
SELECT "left", "right", 1 AS c FROM stepping_found;
-- 13. transitive_closure (query.py:8)
INSERT INTO transitive_closure__transitive_closure ("right", "left", c)
SELECT d."right" AS "right", d."left" AS "left", 1 AS c
FROM temp.stepping_fresh_transitive_closure_def941 AS d
WHERE TRUE
ORDER BY "right", "left"
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(transitive_closure__transitive_closure.c + excluded.c) = 'integer'
    THEN transitive_closure__transitive_closure.c + excluded.c
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
