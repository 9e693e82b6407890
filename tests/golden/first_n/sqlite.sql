-- The query first_n on sqlite; fingerprint b98bdc82289fb61c96f9839900c9d77d
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
-- first_n__scores: the rows of first_n, read in the order of points_is_set, points, player
-- for first_n (query.py:14)
-- it has a row for each different row of the result of first_n
CREATE TABLE IF NOT EXISTS first_n__scores (
    points_is_set INTEGER NOT NULL,
    points INTEGER NOT NULL,
    player TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (points_is_set, points, player)
);
--   first_n__scores__points_is_set_points_player: reads in the order of points_is_set, points, player; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS first_n__scores__points_is_set_points_player ON first_n__scores (points_is_set DESC, points DESC, player);
--   first_n__scores__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS first_n__scores__gone
AFTER UPDATE OF c ON first_n__scores WHEN NEW.c = 0
BEGIN
    DELETE FROM first_n__scores WHERE points_is_set = NEW.points_is_set AND points = NEW.points AND player = NEW.player;
END;
--   first_n__scores__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS first_n__scores__below_zero ON first_n__scores (c) WHERE c < 0;

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
    'b98bdc82289fb61c96f9839900c9d77d',
    'sqlite',
    2,
    '2 9bd35fec9a9ac0f8 QlpoOTFBWSZTWV7vDPcAA2ffgEAAUGV//j/v3u6/7//6UAMrCeDhwa4aJGE1MpsGijamj1PU0yaPUAaaNqZNqBpoQE1TyaBANGiGjRppgABMRpoaASIiaUeEmFNMQ0PUAaGQANNAB6hzAmJoMJkyZMjCYJppkYmAIYBJIp6mp5qn6p6E00BoaaAaaGNRk0xAAGACuBbStop8htTeZmdoFY7rTQFqU3qaWQCBpgwIPeKFDJYahI7fliHGY7mv34JxIhhebK6xg1nVe9ApQnXBspwQYTlSk3+JWrX93ze3hW4kaVIL/t1F1mdTRdeg0nxeRmXNvv0omhtMGmP/NgmlFzghwyIcMiXINuIhNLw6M3tDXpwMfS3cU8C6Rrcwga0sIYoZDBjbfwCSi6Q4cvVXn6OgrOHFQtzGrtAZ+cyxt5mxs6E52qiBSNecCUFQ2FdR7lo3FchyNfLFGyAqUroElkker4owEBqEIiFuqIY5zD0vhfIGbMAThgWmqgeRvMjuEyzSzyzhB5WJtYHE4Q0aA01rNFpQboUApGRDyB0gsTagjQ9yiOeTAmTAzUMqQJrVdLCFi3li8IEQuEgsMEoTIkp6xtg8HQBkwFODE2Rkiu8NGa/y6rOJmMbhzDNCNQcgj1HJHghPcnjxhDkjPVlIGGeqmr2yEgKZvk89cAD0Ghmlj+jSl2oBVl/Yh7lunlQHURoWmqWKlJZQkiCk1cQJ6LVE67BsgRc1ANdWwJrhQn7IkHuWOYge4TCOaBEk3PGyIMDf2xXRDC28njAKffmkwjCRTK3xvgLWRBtIkaMQqOjMeft48juQsoIzI8WM7BnkAxsW6es24HAlPyoKmcEKULJI4s8rJX2qYYpKeVdx7uQuoVTAlbhbMysw0xEYgUStNJKD7yaEoNPDsLsxCv7epctuvq3qoW/raxNqHXLyuSWhnM26SlCnmpRUmoWxtlY1gHAnvTKRppNGRqQuNECYM7LgG4jf5IIKQwYNIoyqRx5ivYaiISJi2hCYTjLYdct3yBBCYmIsTlLnYy8xFBwMgIIkroyTgWzCnWLDWSxpDulJa0a8hbTQmeh4QudMeCCX+LuSKcKEgvd4Z7g='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_scores_4a5e98 (
    player TEXT,
    points INTEGER,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_first_scores_4a5e98 (
    player TEXT,
    points INTEGER,
    c INTEGER NOT NULL
);

------------------------------------------------------------------------------
-- When scores changes: one transaction
------------------------------------------------------------------------------
-- locked first: first_n__scores in last_update
-- 1. scores (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_scores_4a5e98;
-- 2. first_n (query.py:14): empty the delta table
DELETE FROM temp.stepping_first_scores_4a5e98;
-- 3. scores (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_scores_4a5e98 (player, points, c) VALUES (?, ?, ?)
-- 4. first_n (query.py:14)
INSERT INTO temp.stepping_first_scores_4a5e98 (player, points, c)
SELECT
  w.player, w.points,
  -CASE WHEN w.stepping_upto <= 3 THEN w.c ELSE 3 - (w.stepping_upto - w.c) END AS c
FROM (
  SELECT
    m.player, NULLIF(m.points, x'') AS points, m.c,
    SUM(m.c) OVER (
      ORDER BY m.points_is_set DESC, m.points DESC, m.player ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS stepping_upto
  FROM (
    SELECT m2.rowid
    FROM first_n__scores AS m2
    ORDER BY m2.points_is_set DESC, m2.points DESC, m2.player ASC
    LIMIT 3
  ) AS i
  CROSS JOIN first_n__scores AS m NOT INDEXED
  WHERE m.rowid = i.rowid
) AS w
WHERE w.stepping_upto - w.c < 3;
-- 5. first_n (query.py:14)
INSERT INTO first_n__scores (points_is_set, points, player, c)
SELECT
  d2.points IS NOT NULL AS points_is_set, COALESCE(d2.points, x'') AS points,
  d2.player AS player, d2.c
FROM temp.stepping_delta_scores_4a5e98 AS d2
WHERE TRUE
ORDER BY points_is_set, points, player
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(first_n__scores.c + excluded.c) = 'integer' THEN first_n__scores.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of first_n')
  END;
-- 6. first_n (query.py:14): a count below 0, looked for where rows were removed
SELECT points_is_set, points, player, c
FROM first_n__scores
WHERE c < 0
LIMIT 1;
-- 7. first_n (query.py:14)
INSERT INTO temp.stepping_first_scores_4a5e98 (player, points, c)
SELECT
  w.player, w.points,
  CASE WHEN w.stepping_upto <= 3 THEN w.c ELSE 3 - (w.stepping_upto - w.c) END AS c
FROM (
  SELECT
    m.player, NULLIF(m.points, x'') AS points, m.c,
    SUM(m.c) OVER (
      ORDER BY m.points_is_set DESC, m.points DESC, m.player ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS stepping_upto
  FROM (
    SELECT m2.rowid
    FROM first_n__scores AS m2
    ORDER BY m2.points_is_set DESC, m2.points DESC, m2.player ASC
    LIMIT 3
  ) AS i
  CROSS JOIN first_n__scores AS m NOT INDEXED
  WHERE m.rowid = i.rowid
) AS w
WHERE w.stepping_upto - w.c < 3;
-- 8. first_n (query.py:14): the change of an output
SELECT d1.player, d1.points, d1.c AS stepping_count
FROM temp.stepping_first_scores_4a5e98 AS d1;
