-- The query first_n on postgres; fingerprint 09ec763f536f346f0ec303710066115b
--
-- output
--   2. first_n  query.py:14
--   │    incremental: the first rows of each group that the change touches, before and after
--   │    keeps first_n__scores
--   │          key (points_is_set, points, player): look-ups, and the row itself
--   │          index first_n__scores__points_is_set_points_player (points_is_set, points, player): reads in the order of points_is_set, points, player
--   └─ 1. scores (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of scores: 7 statements, 3 look-ups, 1 row written
--   first_n__scores from the start of its order, 2 times, at most 3 rows
--   first_n__scores as a whole row, at most one row

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
-- first_n__scores: the rows of first_n, read in the order of points_is_set, points, player
-- for first_n (query.py:14)
-- it has a row for each different row of the result of first_n
CREATE TABLE IF NOT EXISTS first_n__scores (
    points_is_set BOOLEAN NOT NULL,
    points BIGINT,
    player TEXT COLLATE "C" NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT first_n__scores__not_negative CHECK (c >= 0)
);
--   first_n__scores__points_is_set_points_player: reads in the order of points_is_set, points, player; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS first_n__scores__points_is_set_points_player ON first_n__scores (points_is_set DESC, points DESC, (left(player, 200)));
--   first_n__scores__points_is_set_points_player_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS first_n__scores__points_is_set_points_player_key ON first_n__scores (points_is_set, (hash_record_extended(ROW(points), 0)), (hashtextextended(player, 0)), (hash_record_extended(ROW(points_is_set, points, player), 0)));
--   first_n__scores: its rows can be changed where all tables are published
ALTER TABLE first_n__scores REPLICA IDENTITY FULL;
--   first_n__scores: what it is for, as \d+ shows it
COMMENT ON TABLE first_n__scores IS 'stepping: the rows of first_n, read in the order of points_is_set, points, player; for first_n';

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('first_n__scores', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'first_n',
    '09ec763f536f346f0ec303710066115b',
    'postgres',
    2,
    '2 ed5b8bbcaec79897 QlpoOTFBWSZTWVpWYl0AA6lfgEAAUOV/+z/v3u6/7//qUANlnrdLoIB4SSJkGppT9GpijwSNpkh6I8p6YkyBtRpkDQICNJpAGTQAAAAPSepoABp6kk8qDTyRoGRoyZAaaDQGjRgTCHMCYmgwmTJkyMJgmmmRiYAhgEiEiTNTBTyYiDT0gAZGgDQAGjAj7I6vHoqBwy9bdo/lx63vctnPo2DEdKje1uDl5xnhsg9u8tgTFDzV3lJQXi1KoYcYTq4ZtjFEb0/TKb2OTVEFI0CCi+bMsaANA3fcbWOtzwoMgxhBHNeHwF+jKMmSqpfe/OqFIC5GZDIGEhhGoEmGZ5DpxxO44nUCCQOOwzdtSgqdM6ExDDBG2zXkBmXNN9Hrdm7KaVxvD5jXWwga1sIYnE4kIA5laJlSatRON4VfGXlHzmW5Mc8b8YV9mlLb9Le6x9r5ZldgfNq0ttqwIDjSlFqk6MGmjw3AHTJsKg7JU3M9dcaYXXaahC5mSRm4YM2NdkesMsTYm7DwdBo72BlHSIzAMpldluVyAQJIkhiyKgXAxltNPAowgQgXpf6gJOxEMqxUCRM8wakswhHLCCtDxRxPvEmJxO9WlklMyZUK4Fjn4Ao8HqcqFLX2twZIslMFm7RztnRBDG+bH0h6hHjIBb+kAr7UDUr4kCJBbuJA2yKte/x2lYFl1UeR8ytAbVv3O4y7glk+ju6u8zhr8zsVdNsFA95FIdA5hODhkMXGnyy0J8Rzho4vTIEbWh/UnNCJlQ3oXjHfpdZfzz3Fious8l5yX3ffOU3QrjfgeMJYNFthWBgh/q5gnnBU1GkYsJGQMrYlz6NXx0YPatYDMMxnxjDdJYrTUnBlppwxw9DSuGEV9W0StusEpSW0FlOGLksV24wxgE71y6Y5CSkwIX5RrMCzlgowAoWNN0QpIjvJpJSbNQW4QSxdzQuK/Nqo4BoWK2tGQ7qHWHhcmJoeoc1FJVCmJTluhToxcH+oozsAYneTeUjjYslWGXaUluRAmM5BkA3EZOOCCoYmDBU1YFuwFiYcZEApC/Mkv1lkyDT2beLmNtwWSV8LAsqgi+chpLODoOVmCXbaEXIzLrGSaVs1FZ7xhnAwqHdIBrRgLeZUz0PHC50x45TzF3JFOFCQWlZiXQ=='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_scores_4a5e98 (
    player TEXT COLLATE "C",
    points BIGINT,
    c BIGINT NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_first_scores_4a5e98 (
    player TEXT COLLATE "C",
    points BIGINT,
    c BIGINT NOT NULL
);

------------------------------------------------------------------------------
-- When scores changes: one transaction
------------------------------------------------------------------------------
-- locked first: first_n__scores in last_update
-- 1. scores (the query's arguments): empty the delta table
DELETE FROM stepping_delta_scores_4a5e98;
-- 2. first_n (query.py:14): empty the delta table
DELETE FROM stepping_first_scores_4a5e98;
-- 3. scores (the query's arguments): load the changed rows
-- INSERT INTO stepping_delta_scores_4a5e98 (player, points, c)
-- SELECT u.player COLLATE "C" AS player, u.points, u.c
-- FROM unnest(CAST($1 AS TEXT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[])) AS u(player, points, c)
-- 4. first_n (query.py:14)
INSERT INTO stepping_first_scores_4a5e98 (player, points, c)
SELECT
  w.player, w.points,
  -CASE WHEN w.stepping_upto <= 3 THEN w.c ELSE 3 - (w.stepping_upto - w.c) END AS c
FROM (
  SELECT
    m.player, m.points, m.c,
    SUM(m.c) OVER (
      ORDER BY m.points_is_set DESC, m.points DESC, left(m.player, 200) ASC, m.player ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS stepping_upto
  FROM (
    SELECT *
    FROM first_n__scores AS m
    ORDER BY m.points_is_set DESC, m.points DESC, left(m.player, 200) ASC, m.player ASC
    LIMIT 3
  ) AS m
) AS w
WHERE w.stepping_upto - w.c < 3;
-- 5. first_n (query.py:14)
WITH changed AS (
  SELECT g.points_is_set, g.points, g.player, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d2.points IS NOT NULL AS points_is_set, d2.points, d2.player, d2.c
    FROM stepping_delta_scores_4a5e98 AS d2
  ) AS g
  GROUP BY g.points_is_set, g.points, g.player
  HAVING SUM(g.c) <> 0
), found AS MATERIALIZED (
  SELECT
    g.points_is_set, g.points, g.player, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM (
    SELECT
      g.*, hash_record_extended(ROW(g.points), 0) AS stepping_h0,
      hashtextextended(g.player, 0) AS stepping_h1,
      hash_record_extended(ROW(g.points_is_set, g.points, g.player), 0) AS stepping_h2
    FROM changed AS g
    OFFSET 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM first_n__scores AS a
    WHERE
      a.points_is_set = g.points_is_set
      AND hash_record_extended(ROW(a.points), 0) = g.stepping_h0
      AND a.points IS NOT DISTINCT FROM g.points
      AND hashtextextended(a.player, 0) = g.stepping_h1
      AND a.player = g.player
      AND hash_record_extended(ROW(a.points_is_set, a.points, a.player), 0) BETWEEN g.stepping_h2 AND g.stepping_h2
      AND ROW(a.points_is_set, a.points, a.player) IS NOT DISTINCT FROM ROW(g.points_is_set, g.points, g.player)
    ORDER BY hash_record_extended(ROW(a.points_is_set, a.points, a.player), 0)
    LIMIT 1
  ) AS l ON TRUE
), inserted AS (
  INSERT INTO first_n__scores (points_is_set, points, player, c)
  SELECT o.points_is_set, o.points, o.player, o.c
  FROM found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), updated AS (
  UPDATE first_n__scores AS a
  SET c = o.c
  FROM found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
)
DELETE FROM first_n__scores AS a
USING found AS o
WHERE a.ctid = o.stepping_rid AND o.c = 0;
-- 6. first_n (query.py:14)
INSERT INTO stepping_first_scores_4a5e98 (player, points, c)
SELECT
  w.player, w.points,
  CASE WHEN w.stepping_upto <= 3 THEN w.c ELSE 3 - (w.stepping_upto - w.c) END AS c
FROM (
  SELECT
    m.player, m.points, m.c,
    SUM(m.c) OVER (
      ORDER BY m.points_is_set DESC, m.points DESC, left(m.player, 200) ASC, m.player ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS stepping_upto
  FROM (
    SELECT *
    FROM first_n__scores AS m
    ORDER BY m.points_is_set DESC, m.points DESC, left(m.player, 200) ASC, m.player ASC
    LIMIT 3
  ) AS m
) AS w
WHERE w.stepping_upto - w.c < 3;
-- 7. first_n (query.py:14): the change of an output
SELECT d1.player, d1.points, d1.c AS stepping_count
FROM stepping_first_scores_4a5e98 AS d1;
