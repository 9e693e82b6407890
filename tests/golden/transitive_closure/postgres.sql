-- The query transitive_closure on postgres; fingerprint d72871d6029795ae041aabec60a524aa
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
-- One changed row of edges: 14 statements, 3 look-ups, and 5 look-ups for each row that those find
--   transitive_closure__edges as a whole row, at most one row
--   transitive_closure__transitive_closure as a whole row, at most one row
--   transitive_closure__transitive_closure by right, 2 times
--   transitive_closure__edges by left
--   transitive_closure__transitive_closure as a whole row, at most one row
--   transitive_closure__edges as a whole row, at most one row
--   transitive_closure__edges by right

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
-- transitive_closure__transitive_closure: the integral of transitive_closure, looked up by right, left, looked up by right
-- for transitive_closure (query.py:8)
-- it has a row for each different row of the result of transitive_closure
CREATE TABLE IF NOT EXISTS transitive_closure__transitive_closure (
    "right" BIGINT NOT NULL,
    "left" BIGINT NOT NULL,
    c BIGINT NOT NULL
);
--   transitive_closure__transitive_closure__right_left_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS transitive_closure__transitive_closure__right_left_key ON transitive_closure__transitive_closure ("right", "left", (hash_record_extended(ROW("right", "left"), 0)));
--   transitive_closure__transitive_closure: its rows can be changed where all tables are published
ALTER TABLE transitive_closure__transitive_closure REPLICA IDENTITY FULL;
--   transitive_closure__transitive_closure: what it is for, as \d+ shows it
COMMENT ON TABLE transitive_closure__transitive_closure IS 'stepping: the integral of transitive_closure, looked up by right, left, looked up by right; for transitive_closure';
-- transitive_closure__edges: the integral of transitive_closure, looked up by left, right, looked up by left, looked up by right
-- for transitive_closure (query.py:8)
-- it has a row for each different row of the result of transitive_closure
CREATE TABLE IF NOT EXISTS transitive_closure__edges (
    "left" BIGINT NOT NULL,
    "right" BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT transitive_closure__edges__not_negative CHECK (c >= 0)
);
--   transitive_closure__edges__left_right_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS transitive_closure__edges__left_right_key ON transitive_closure__edges ("left", "right", (hash_record_extended(ROW("left", "right"), 0)));
--   transitive_closure__edges__right_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS transitive_closure__edges__right_key ON transitive_closure__edges ("right");
--   transitive_closure__edges: its rows can be changed where all tables are published
ALTER TABLE transitive_closure__edges REPLICA IDENTITY FULL;
--   transitive_closure__edges: what it is for, as \d+ shows it
COMMENT ON TABLE transitive_closure__edges IS 'stepping: the integral of transitive_closure, looked up by left, right, looked up by left, looked up by right; for transitive_closure';

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
    'd72871d6029795ae041aabec60a524aa',
    'postgres',
    2,
    '2 2f1c202d9faed0fc QlpoOTFBWSZTWW26tu4ABY1fgEAAUOV/+z/v3u6/7//qUAQ+4pcQx2AGkRTUek0xpMmhiMmTTQNNGRiYTJkAMIp6aT0ExqQmgzUyYmEAD0QAMCMJCiCUxqfqJnqhp6mgZDaRjap6TTTJoaADmBMTQYTJkyZGEwTTTIxMAQwCJSaJkaBGJ6RTynoagaGQHqeofpTamgeUgLyX6D+Tvk9mgOP5mcJb9ae87D1+8kjou7kzC/xVrYcnK3nD7COEitB3tpiO0IEGcR3HWHeMdked0dB9YjpQuA1DX46tow5De4+LQUsvV40U93ZQ7GFpiDto/3iUW4Owgmo0cJhcUW+U+rdRKodS+Ji4AfUShVJCEYxIMDzG0sjKRnjFUREVjIVjGSMdUolUdQGI2+a4WY0mB2wbFx6PA2zfKDZBheleMYwi8YHoQaEQkK0oMIEjGEOxKhwNOhqrqroElyLy5Z6wUZgJrthgZOsiHADiaMW1xWrFRLkaZqNCJ7wlCY7bmPOIKfJ7HGaJFbF0zgguYT0AUobOhFKkmqk8ye6EYSpugNIFFFQBcBiILOiwgpH9AQmmA3EQcjv4eB7R91x7UtH7x5FLKnfEqe57TBIGCcvE5FhaUdCXpCDpvLF5DHxHXQ8EwM2Zcw/A8gLyuk8lxdClKDzkhYOciTapsKnMw1WpcfAvKpfRMEoMGNo4piWHgNxyKCuNgDMew15RSRHzTFoQvId8wIODLW21qwtXPuseoZBobNnSI6QYkH3EZF4R65YdRKsDTrOfKmU6NdaRz4PMssuiulcAd24IiSW2bpUEYUhIkQlyXGIcyox5k790RTgFA5qBoDSHIAumuwgkI5FHOq2BejkBDEmnC3NkarD/DAoTVmwUq7jgYHnDpCBX/ZGhBr1DcVHz19XqxxrcgYKsLYX/8Jiat44QM+/MA8x6w+JgUDnO3uOdomuG0t9NFRw1G1Mh6q7uFOz5vk39EnsMgHIhL1O4QLAycjuKB0mOc3ABg8UMCIm4C3rN1Kwfndi9jrVdSAdAmTmEtDSaS0yK2iYDBzFbBNircFwnWHxWwhLxN4GcmcjY0p2heq0QOg0BaXidhiGwu6xNxU32Ktd6bRNZ5DcU2lt3mVdJseIdCrYaAMCKlxtLpQOYiwYtHGiXXxHpIY5FK2NBqWm8qqwqfk2gAxN5NtDbxhdMaVGMZVAwgmnJJCQhRoUltMGoeozOcrskoc6rtCshVSQkpApPu3WDw9HiFwmdV4Z0AuNd4QOcWgRnLKDLjEWcXlWobkfLSmwUXMDTgv+LuSKcKEg23Vt3AA=='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_edges_def941 (
    "left" BIGINT,
    "right" BIGINT,
    c BIGINT NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_exists_edges_def941 (
    "left" BIGINT,
    "right" BIGINT,
    c BIGINT NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_closure_transitive_closure_def941 (
    "left" BIGINT,
    "right" BIGINT,
    c BIGINT NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_gone_transitive_closure_def941 (
    "left" BIGINT,
    "right" BIGINT,
    c BIGINT NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_fresh_transitive_closure_def941 (
    "left" BIGINT,
    "right" BIGINT,
    c BIGINT NOT NULL
);

------------------------------------------------------------------------------
-- When edges changes: one transaction
------------------------------------------------------------------------------
-- locked first: transitive_closure__edges, transitive_closure__transitive_closure in last_update
-- 1. edges (the query's arguments): empty the delta table
DELETE FROM stepping_delta_edges_def941;
-- 2. transitive_closure (query.py:8): empty the delta table
DELETE FROM stepping_exists_edges_def941;
-- 3. transitive_closure (query.py:8): empty the delta table
DELETE FROM stepping_closure_transitive_closure_def941;
-- 4. transitive_closure (query.py:8): empty the delta table
DELETE FROM stepping_gone_transitive_closure_def941;
-- 5. transitive_closure (query.py:8): empty the delta table
DELETE FROM stepping_fresh_transitive_closure_def941;
-- 6. edges (the query's arguments): load the changed rows
-- INSERT INTO stepping_delta_edges_def941 ("left", "right", c)
-- SELECT u."left", u."right", u.c
-- FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[])) AS u("left", "right", c)
-- 7. transitive_closure (query.py:8)
INSERT INTO stepping_exists_edges_def941 ("left", "right", c)
SELECT g."left", g."right", CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE -1 END AS c
FROM (
  SELECT g."left", g."right", CAST(SUM(g.c) AS BIGINT) AS c
  FROM stepping_delta_edges_def941 AS g
  GROUP BY g."left", g."right"
  HAVING SUM(g.c) <> 0
) AS g
LEFT JOIN LATERAL (
  SELECT a.*, a.ctid AS stepping_rid
  FROM transitive_closure__edges AS a
  WHERE
    a."left" = g."left"
    AND a."right" = g."right"
    AND hash_record_extended(ROW(a."left", a."right"), 0) BETWEEN hash_record_extended(ROW(g."left", g."right"), 0) AND hash_record_extended(ROW(g."left", g."right"), 0)
    AND ROW(a."left", a."right") IS NOT DISTINCT FROM ROW(g."left", g."right")
  ORDER BY hash_record_extended(ROW(a."left", a."right"), 0)
  OFFSET 0
) AS a ON TRUE
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 8. transitive_closure (query.py:8)
INSERT INTO stepping_gone_transitive_closure_def941 ("left", "right", c)
WITH RECURSIVE stepping_found("left", "right") AS (
  SELECT *
  FROM (
    SELECT d."left", d."right"
    FROM stepping_exists_edges_def941 AS d
    WHERE
      d.c < 0
      AND EXISTS(
        SELECT 1
        FROM transitive_closure__transitive_closure AS y
        WHERE
          y."right" = d."right"
          AND y."left" = d."left"
          AND hash_record_extended(ROW(y."right", y."left"), 0) = hash_record_extended(ROW(d."right", d."left"), 0)
          AND ROW(y."right", y."left") IS NOT DISTINCT FROM ROW(d."right", d."left")
        OFFSET 0
      )
    UNION ALL
    SELECT t0."left", d."right"
    FROM stepping_exists_edges_def941 AS d
    CROSS JOIN LATERAL (
      SELECT t0.*
      FROM transitive_closure__transitive_closure AS t0
      WHERE t0."right" = d."left"
      OFFSET 0
    ) AS t0
    WHERE
      t0.c > 0
      AND d.c < 0
      AND EXISTS(
        SELECT 1
        FROM transitive_closure__transitive_closure AS y
        WHERE
          y."right" = d."right"
          AND y."left" = t0."left"
          AND hash_record_extended(ROW(y."right", y."left"), 0) = hash_record_extended(ROW(d."right", t0."left"), 0)
          AND ROW(y."right", y."left") IS NOT DISTINCT FROM ROW(d."right", t0."left")
        OFFSET 0
      )
  ) AS b
  UNION
  SELECT d."left", t1."right"
  FROM stepping_found AS d
  CROSS JOIN LATERAL (
    SELECT t1.*
    FROM transitive_closure__edges AS t1
    WHERE t1."left" = d."right"
    OFFSET 0
  ) AS t1
  WHERE
    EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure AS y
      WHERE
        y."right" = t1."right"
        AND y."left" = d."left"
        AND hash_record_extended(ROW(y."right", y."left"), 0) = hash_record_extended(ROW(t1."right", d."left"), 0)
        AND ROW(y."right", y."left") IS NOT DISTINCT FROM ROW(t1."right", d."left")
      OFFSET 0
    )
)
SELECT "left", "right", 1 AS c FROM stepping_found;
-- 9. transitive_closure (query.py:8)
WITH changed AS (
  SELECT d."right", d."left", -1 AS c
  FROM stepping_gone_transitive_closure_def941 AS d
), found AS MATERIALIZED (
  SELECT g."right", g."left", COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM changed AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM transitive_closure__transitive_closure AS a
    WHERE
      a."right" = g."right"
      AND a."left" = g."left"
      AND hash_record_extended(ROW(a."right", a."left"), 0) = hash_record_extended(ROW(g."right", g."left"), 0)
      AND ROW(a."right", a."left") IS NOT DISTINCT FROM ROW(g."right", g."left")
    LIMIT 1
  ) AS l ON TRUE
), inserted AS (
  INSERT INTO transitive_closure__transitive_closure ("right", "left", c)
  SELECT o."right", o."left", o.c
  FROM found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), updated AS (
  UPDATE transitive_closure__transitive_closure AS a
  SET c = o.c
  FROM found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
)
DELETE FROM transitive_closure__transitive_closure AS a
USING found AS o
WHERE a.ctid = o.stepping_rid AND o.c = 0;
-- 10. transitive_closure (query.py:8)
WITH changed AS (
  SELECT g."left", g."right", CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d2."left", d2."right", d2.c
    FROM stepping_delta_edges_def941 AS d2
  ) AS g
  GROUP BY g."left", g."right"
  HAVING SUM(g.c) <> 0
), found AS MATERIALIZED (
  SELECT g."left", g."right", COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM (
    SELECT g.*, hash_record_extended(ROW(g."left", g."right"), 0) AS stepping_h0
    FROM changed AS g
    OFFSET 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM transitive_closure__edges AS a
    WHERE
      a."left" = g."left"
      AND a."right" = g."right"
      AND hash_record_extended(ROW(a."left", a."right"), 0) BETWEEN g.stepping_h0 AND g.stepping_h0
      AND ROW(a."left", a."right") IS NOT DISTINCT FROM ROW(g."left", g."right")
    ORDER BY hash_record_extended(ROW(a."left", a."right"), 0)
    LIMIT 1
  ) AS l ON TRUE
), inserted AS (
  INSERT INTO transitive_closure__edges ("left", "right", c)
  SELECT o."left", o."right", o.c
  FROM found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), updated AS (
  UPDATE transitive_closure__edges AS a
  SET c = o.c
  FROM found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
)
DELETE FROM transitive_closure__edges AS a
USING found AS o
WHERE a.ctid = o.stepping_rid AND o.c = 0;
-- 11. transitive_closure (query.py:8)
INSERT INTO stepping_fresh_transitive_closure_def941 ("left", "right", c)
WITH RECURSIVE stepping_found("left", "right") AS (
  SELECT *
  FROM (
    SELECT d."left", d."right"
    FROM stepping_exists_edges_def941 AS d
    WHERE
      d.c > 0
      AND NOT EXISTS(
        SELECT 1
        FROM transitive_closure__transitive_closure AS y
        WHERE
          y."right" = d."right"
          AND y."left" = d."left"
          AND hash_record_extended(ROW(y."right", y."left"), 0) = hash_record_extended(ROW(d."right", d."left"), 0)
          AND ROW(y."right", y."left") IS NOT DISTINCT FROM ROW(d."right", d."left")
        OFFSET 0
      )
    UNION ALL
    SELECT t0."left", d."right"
    FROM stepping_exists_edges_def941 AS d
    CROSS JOIN LATERAL (
      SELECT t0.*
      FROM transitive_closure__transitive_closure AS t0
      WHERE t0."right" = d."left"
      OFFSET 0
    ) AS t0
    WHERE
      t0.c > 0
      AND d.c > 0
      AND NOT EXISTS(
        SELECT 1
        FROM transitive_closure__transitive_closure AS y
        WHERE
          y."right" = d."right"
          AND y."left" = t0."left"
          AND hash_record_extended(ROW(y."right", y."left"), 0) = hash_record_extended(ROW(d."right", t0."left"), 0)
          AND ROW(y."right", y."left") IS NOT DISTINCT FROM ROW(d."right", t0."left")
        OFFSET 0
      )
    UNION ALL
    SELECT t0."left", t0."right"
    FROM stepping_gone_transitive_closure_def941 AS d
    CROSS JOIN LATERAL (
      SELECT t0.*
      FROM transitive_closure__edges AS t0
      WHERE t0."left" = d."left" AND t0."right" = d."right"
      OFFSET 0
    ) AS t0
    UNION ALL
    SELECT t0."left", t1."right"
    FROM stepping_gone_transitive_closure_def941 AS d
    CROSS JOIN LATERAL (
      SELECT t1.*
      FROM transitive_closure__edges AS t1
      WHERE t1."right" = d."right"
      OFFSET 0
    ) AS t1
    CROSS JOIN LATERAL (
      SELECT t0.*
      FROM transitive_closure__transitive_closure AS t0
      WHERE t0."right" = t1."left" AND t0."left" = d."left"
      OFFSET 0
    ) AS t0
    WHERE t0.c > 0
  ) AS b
  UNION
  SELECT d."left", t1."right"
  FROM stepping_found AS d
  CROSS JOIN LATERAL (
    SELECT t1.*
    FROM transitive_closure__edges AS t1
    WHERE t1."left" = d."right"
    OFFSET 0
  ) AS t1
  WHERE
    NOT EXISTS(
      SELECT 1
      FROM transitive_closure__transitive_closure AS y
      WHERE
        y."right" = t1."right"
        AND y."left" = d."left"
        AND hash_record_extended(ROW(y."right", y."left"), 0) = hash_record_extended(ROW(t1."right", d."left"), 0)
        AND ROW(y."right", y."left") IS NOT DISTINCT FROM ROW(t1."right", d."left")
      OFFSET 0
    )
)
SELECT "left", "right", 1 AS c FROM stepping_found;
-- 12. transitive_closure (query.py:8)
WITH changed AS (
  SELECT d."right", d."left", 1 AS c
  FROM stepping_fresh_transitive_closure_def941 AS d
), found AS MATERIALIZED (
  SELECT g."right", g."left", COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM changed AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM transitive_closure__transitive_closure AS a
    WHERE
      a."right" = g."right"
      AND a."left" = g."left"
      AND hash_record_extended(ROW(a."right", a."left"), 0) = hash_record_extended(ROW(g."right", g."left"), 0)
      AND ROW(a."right", a."left") IS NOT DISTINCT FROM ROW(g."right", g."left")
    LIMIT 1
  ) AS l ON TRUE
), inserted AS (
  INSERT INTO transitive_closure__transitive_closure ("right", "left", c)
  SELECT o."right", o."left", o.c
  FROM found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), updated AS (
  UPDATE transitive_closure__transitive_closure AS a
  SET c = o.c
  FROM found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
)
DELETE FROM transitive_closure__transitive_closure AS a
USING found AS o
WHERE a.ctid = o.stepping_rid AND o.c = 0;
-- 13. transitive_closure (query.py:8)
INSERT INTO stepping_closure_transitive_closure_def941 ("left", "right", c)
SELECT g."left", g."right", CAST(SUM(g.c) AS BIGINT) AS c
FROM (
  SELECT "left", "right", -1 AS c
  FROM stepping_gone_transitive_closure_def941
  UNION ALL
  SELECT "left", "right", 1 AS c
  FROM stepping_fresh_transitive_closure_def941
) AS g
GROUP BY g."left", g."right"
HAVING SUM(g.c) <> 0;
-- 14. transitive_closure (query.py:8): the change of an output
SELECT d1."left", d1."right", d1.c AS stepping_count
FROM stepping_closure_transitive_closure_def941 AS d1;
