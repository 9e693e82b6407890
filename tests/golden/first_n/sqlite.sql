-- The query first_n on sqlite; fingerprint 51fccb9475696e3b949c91d93023a95c
--
-- output
--   2. first_n  query.py:14
--   │    incremental: the first rows of each group that the change touches, before and after
--   │    keeps first_n__scores_75bbe0
--   │          key (points_is_set, points, player): look-ups, and the row itself
--   │          index first_n__scores_75bbe0__points_is_set_points_player (points_is_set, points, player): reads in the order of points_is_set, points, player
--   └─ 1. scores (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of scores: 7 statements, 3 look-ups, 1 row written
--   first_n__scores_75bbe0 from the start of its order, 2 times, at most 3 rows
--   first_n__scores_75bbe0 as a whole row, at most one row

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
-- first_n__scores_75bbe0: the rows of first_n, read in the order of points_is_set, points, player
-- for first_n (query.py:14)
-- it has a row for each different row of the result of first_n
CREATE TABLE IF NOT EXISTS first_n__scores_75bbe0 (
    points_is_set INTEGER NOT NULL,
    points INTEGER NOT NULL,
    player TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (points_is_set, points, player)
);
--   first_n__scores_75bbe0__points_is_set_points_player: reads in the order of points_is_set, points, player; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS first_n__scores_75bbe0__points_is_set_points_player ON first_n__scores_75bbe0 (points_is_set DESC, points DESC, player);
--   first_n__scores_75bbe0__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS first_n__scores_75bbe0__gone
AFTER UPDATE OF c ON first_n__scores_75bbe0 WHEN NEW.c = 0
BEGIN
    DELETE FROM first_n__scores_75bbe0 WHERE points_is_set = NEW.points_is_set AND points = NEW.points AND player = NEW.player;
END;
--   first_n__scores_75bbe0__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS first_n__scores_75bbe0__below_zero ON first_n__scores_75bbe0 (c) WHERE c < 0;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('first_n__scores_75bbe0', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'first_n',
    '51fccb9475696e3b949c91d93023a95c',
    'sqlite',
    2,
    '2 56e27caba9932054 QlpoOTFBWSZTWU89nm4AA4rfgEAAUGV//j/v3u6/7//6UAMlhbwhu06CSRACaNGTVNlMxJk08KZA9T09TUek/VGmTQZIBU8yk2k9INGAQANBoMTTTAIJEKFTbTQTQTamgYgwEeoAZGhiPQ5gTE0GEyZMmRhME00yMTAEMAkiU9T1TxT0yammgNBkAAaNBo00ABgFxFIttmX6Hj+r2Zm3BpO7cziOKKbZMuoJZmGCXxone5oaa2fJd3UL4uXfVPdszpmU8zoLYaSODzh1PMdTrSORRQUIrcxi4dYD2huuFViRa4LCEsUIZ8wc9BmQi3xINk+zwMha281UNDaYNMf/bBNKLXBDhkQ4ZEuQbcRCaXry5HwBoz3mP3t2lepdQ1rYQNZ2EMUMhgxtv6hJS6g3JFhzx0dMlUFYo8m3Fanvauzcqwt7Ir4abKiYLvjlHffk2KrFZdSRBjYtZfbM5ecGdAGqhNWjdclaq+oKIS4JUSBBpQkizYjtzuNms1sQcNpKG5ct8w8n6WR8hMrsHHBxCF5AS0AcmCObMHpauz2KLcSiFQyI5QekK5Zwong6oHgSBMmBmnZVASstpdAV3vCiARKAvlIVsFMZIpU1o1AgDxBkwFXNjbtZItwDN44cWe7jZjscdhmjRkESDCI6yCRkQoOoEBhDpGXuycCI3z75+F/ApAxR+RxoAO8pupc9IuSJ67go1X7nPk6Lq8bix8WHBFmxU5Y11kKRFDaJ11nN4S8ud3hK4aLPyIdFbofJJzekZqQ3oZDUkVyuqK+bFJgJCbzvi66KJr09gVfr2VYTDki9cUAiONImtKpjMe1sunX29WmzQuwTMmzc6Xx3UAWYPr03EmnrguZQo8lIIKyDIkctSTyYPaJ4pKfMvQ9ektosTAlaxbWQsmGmIjGBSV01JAN7kyEnFWWsipEKTRjXRHbjlhQpsjKg6UNDg2s8loZzNupShTy1SqbAux3YXGgAzJ7EykZ6mmRsoW8iEw32EOIxaYIKhgxDSKZYka0rgiwd0iDyqQmCYZNcv3sREtITEihiYqeNR6WXoN9oCxGC8oyTMtq+tsuGsFjqHbKS0I0YC4DKmdDvhdKY75T8BdyRThQkE89nm4A='
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
-- locked first: first_n__scores_75bbe0 in last_update
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
    FROM first_n__scores_75bbe0 AS m2
    ORDER BY m2.points_is_set DESC, m2.points DESC, m2.player ASC
    LIMIT 3
  ) AS i
  CROSS JOIN first_n__scores_75bbe0 AS m NOT INDEXED
  WHERE m.rowid = i.rowid
) AS w
WHERE w.stepping_upto - w.c < 3;
-- 5. first_n (query.py:14)
INSERT INTO first_n__scores_75bbe0 (points_is_set, points, player, c)
SELECT
  d2.points IS NOT NULL AS points_is_set, COALESCE(d2.points, x'') AS points,
  d2.player AS player, d2.c
FROM temp.stepping_delta_scores_4a5e98 AS d2
WHERE TRUE
ORDER BY points_is_set, points, player
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(first_n__scores_75bbe0.c + excluded.c) = 'integer'
    THEN first_n__scores_75bbe0.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of first_n')
  END;
-- 6. first_n (query.py:14): a count below 0, looked for where rows were removed
SELECT points_is_set, points, player, c
FROM first_n__scores_75bbe0
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
    FROM first_n__scores_75bbe0 AS m2
    ORDER BY m2.points_is_set DESC, m2.points DESC, m2.player ASC
    LIMIT 3
  ) AS i
  CROSS JOIN first_n__scores_75bbe0 AS m NOT INDEXED
  WHERE m.rowid = i.rowid
) AS w
WHERE w.stepping_upto - w.c < 3;
-- 8. first_n (query.py:14): the change of an output
SELECT d1.player, d1.points, d1.c AS stepping_count
FROM temp.stepping_first_scores_4a5e98 AS d1;
