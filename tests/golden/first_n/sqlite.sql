-- The query first_n on sqlite; fingerprint 0f62fd1055cd4b48fb92cd65cb398977

------------------------------------------------------------------------------
-- Our own tables
------------------------------------------------------------------------------
-- last_update: up to which time each table is written; stepping_queries: what
-- is installed; stepping_clock: where store.next_time() stands; stepping_queue:
-- changes that store.drain() will fold in
-- is installed; stepping_clock: where store.next_time() stands; stepping_times: what
-- it gave out; stepping_iterations, stepping_journal: what is committed in stages
CREATE TABLE IF NOT EXISTS last_update (
    table_name TEXT NOT NULL PRIMARY KEY,
    t INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stepping_queries (
    name TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    tables TEXT NOT NULL,
    started INTEGER NOT NULL DEFAULT 0,
    installed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stepping_clock (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    t INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS stepping_queue (
    id INTEGER PRIMARY KEY,
    query TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    change BLOB NOT NULL,
    enqueued_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    error TEXT
);
CREATE TABLE IF NOT EXISTS stepping_times (
    query TEXT NOT NULL,
    t INTEGER NOT NULL,
    void INTEGER NOT NULL,
    lease_until REAL NOT NULL,
    PRIMARY KEY (query, t)
) WITHOUT ROWID;
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
-- first_n__scores_by_points_is_set_points_player_11a807: the rows of first_n, read in the order of points_is_set, points, player
-- for first_n (query.py:14)
CREATE TABLE IF NOT EXISTS first_n__scores_by_points_is_set_points_player_11a807 (
    points_is_set INTEGER NOT NULL,
    points INTEGER NOT NULL,
    player TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (points_is_set, points, player)
);
CREATE INDEX IF NOT EXISTS first_n__scores_by_points_is_set_points_player_11a807__09f1c4a4 ON first_n__scores_by_points_is_set_points_player_11a807 (points_is_set DESC, points DESC, player);
CREATE TRIGGER IF NOT EXISTS "first_n__scores_by_points_is_set_points_player_11a807__gone"
AFTER UPDATE OF "c" ON "first_n__scores_by_points_is_set_points_player_11a807" WHEN NEW."c" = 0
BEGIN
    DELETE FROM "first_n__scores_by_points_is_set_points_player_11a807" WHERE "points_is_set" = NEW."points_is_set" AND "points" = NEW."points" AND "player" = NEW."player";
END;
CREATE INDEX IF NOT EXISTS "first_n__scores_by_points_is_set_points_player_11a807__below_zero" ON "first_n__scores_by_points_is_set_points_player_11a807" ("c") WHERE "c" < 0;
-- What is installed
INSERT INTO last_update (
  table_name,
  t
)
VALUES
  ('first_n__scores_by_points_is_set_points_player_11a807', 0) ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (
  name,
  fingerprint,
  tables
)
VALUES
  (
    'first_n',
    '0f62fd1055cd4b48fb92cd65cb398977',
    'first_n__scores_by_points_is_set_points_player_11a807'
  ) ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS "stepping_delta_scores_4a5e98" (
    "player" TEXT,
    "points" INTEGER,
    "c" INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS "stepping_first_scores_4a5e98" (
    "player" TEXT,
    "points" INTEGER,
    "c" INTEGER NOT NULL
);

------------------------------------------------------------------------------
-- When scores changes: one transaction
------------------------------------------------------------------------------
-- locked first: first_n__scores_by_points_is_set_points_player_11a807 in last_update
-- 1. scores (the query's arguments): empty the delta table
DELETE FROM temp."stepping_delta_scores_4a5e98";
-- 2. first_n (query.py:14): empty the delta table
DELETE FROM temp."stepping_first_scores_4a5e98";
-- 3. scores (the query's arguments): load the changed rows
-- INSERT INTO temp."stepping_delta_scores_4a5e98" ("player", "points", "c") VALUES (?, ?, ?)
-- 4. first_n (query.py:14)
INSERT INTO temp."stepping_first_scores_4a5e98" (
  "player",
  "points",
  "c"
)
SELECT
  "w"."player",
  "w"."points",
  -(
    CASE
      WHEN "w"."stepping_upto" <= 3
      THEN "w"."c"
      ELSE 3 - (
        "w"."stepping_upto" - "w"."c"
      )
    END
  ) AS "c"
FROM (
  SELECT
    "m"."player" AS "player",
    NULLIF("m"."points", x'') AS "points",
    "m"."c" AS "c",
    SUM("m"."c") OVER (
      ORDER BY "m"."points_is_set" DESC, "m"."points" DESC, "m"."player" ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS "stepping_upto"
  FROM "first_n__scores_by_points_is_set_points_player_11a807" AS "m"
  WHERE
    "m".rowid IN (
      SELECT
        "m2".rowid
      FROM "first_n__scores_by_points_is_set_points_player_11a807" AS "m2"
      ORDER BY
        "m2"."points_is_set" DESC,
        "m2"."points" DESC,
        "m2"."player" ASC
      LIMIT 3
    )
) AS "w"
WHERE
  "w"."stepping_upto" - "w"."c" < 3;
-- 5. first_n (query.py:14)
INSERT INTO "first_n__scores_by_points_is_set_points_player_11a807" (
  "points_is_set",
  "points",
  "player",
  "c"
)
SELECT
  "g"."points_is_set",
  "g"."points",
  "g"."player",
  SUM("g"."c") AS "c"
FROM (
  SELECT
    (
      NOT (
        "d2"."points" IS NULL
      )
    ) AS "points_is_set",
    COALESCE("d2"."points", x'') AS "points",
    "d2"."player" AS "player",
    "d2"."c" AS "c"
  FROM temp."stepping_delta_scores_4a5e98" AS "d2"
) AS "g"
GROUP BY
  "g"."points_is_set",
  "g"."points",
  "g"."player"
HAVING
  SUM("g"."c") <> 0 ON CONFLICT DO UPDATE SET "c" = "first_n__scores_by_points_is_set_points_player_11a807"."c" + excluded."c";
-- 6. first_n (query.py:14): a count below 0, looked for where rows were removed
SELECT
  "points_is_set",
  "points",
  "player",
  "c"
FROM "first_n__scores_by_points_is_set_points_player_11a807"
WHERE
  "c" < 0
LIMIT 1;
-- 7. first_n (query.py:14)
INSERT INTO temp."stepping_first_scores_4a5e98" (
  "player",
  "points",
  "c"
)
SELECT
  "w"."player",
  "w"."points",
  CASE
    WHEN "w"."stepping_upto" <= 3
    THEN "w"."c"
    ELSE 3 - (
      "w"."stepping_upto" - "w"."c"
    )
  END AS "c"
FROM (
  SELECT
    "m"."player" AS "player",
    NULLIF("m"."points", x'') AS "points",
    "m"."c" AS "c",
    SUM("m"."c") OVER (
      ORDER BY "m"."points_is_set" DESC, "m"."points" DESC, "m"."player" ASC
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS "stepping_upto"
  FROM "first_n__scores_by_points_is_set_points_player_11a807" AS "m"
  WHERE
    "m".rowid IN (
      SELECT
        "m2".rowid
      FROM "first_n__scores_by_points_is_set_points_player_11a807" AS "m2"
      ORDER BY
        "m2"."points_is_set" DESC,
        "m2"."points" DESC,
        "m2"."player" ASC
      LIMIT 3
    )
) AS "w"
WHERE
  "w"."stepping_upto" - "w"."c" < 3;
-- 8. first_n (query.py:14): the change of an output
SELECT
  "d1"."player" AS "player",
  "d1"."points" AS "points",
  "d1"."c" AS "stepping_count"
FROM temp."stepping_first_scores_4a5e98" AS "d1";
