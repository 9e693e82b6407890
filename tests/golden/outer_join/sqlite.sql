-- The query outer_join on sqlite; fingerprint 6ef637eec1a3ff876db05a51c5e34c3f
--
-- output
--   3. outer_join  query.py:18
--   │    incremental: the change of each side meets the rows of the other with its key
--   │    keeps outer_join__teams_1323c8
--   │    keeps outer_join__outer_join_by_value_fc9e83
--   │          key (value): look-ups, and the row itself
--   ├─ 1. people (input)
--   │       keeps outer_join__people_by_team_a22e03
--   │             key (team): look-ups, and the row itself
--   └─ 2. teams (input)
--           keeps outer_join__teams_by_number_a29639
--                 key (number): look-ups, and the row itself
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of people: 4 statements, 3 look-ups, 1 row written
--   outer_join__people_by_team_a22e03 as a whole row, at most one row
--   outer_join__teams_by_number_a29639 by number
--   outer_join__outer_join_by_value_fc9e83 as a whole row, at most one row
-- One changed row of teams: 8 statements, 6 look-ups, 3 rows written
--   outer_join__teams_1323c8 as a whole row, 2 times, at most one row
--   outer_join__outer_join_by_value_fc9e83 as a whole row, at most one row
--   outer_join__teams_by_number_a29639 as a whole row, at most one row
--   outer_join__people_by_team_a22e03 by team, 2 times

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
    fingerprint TEXT NOT NULL,
    tables TEXT NOT NULL,
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
-- outer_join__outer_join_by_value_fc9e83: the rows of outer_join, looked up by value
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__outer_join_by_value_fc9e83 (
    value INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (value)
) WITHOUT ROWID;
--   outer_join__outer_join_by_value_fc9e83__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS "outer_join__outer_join_by_value_fc9e83__gone"
AFTER UPDATE OF "c" ON "outer_join__outer_join_by_value_fc9e83" WHEN NEW."c" = 0
BEGIN
    DELETE FROM "outer_join__outer_join_by_value_fc9e83" WHERE "value" = NEW."value";
END;
--   outer_join__outer_join_by_value_fc9e83__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS "outer_join__outer_join_by_value_fc9e83__below_zero" ON "outer_join__outer_join_by_value_fc9e83" ("c") WHERE "c" < 0;
-- outer_join__people_by_team_a22e03: the rows of people, looked up by team
-- for people (the query's arguments)
-- it has a row for each different row of people in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__people_by_team_a22e03 (
    team INTEGER NOT NULL,
    name TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (team, name)
) WITHOUT ROWID;
--   outer_join__people_by_team_a22e03__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS "outer_join__people_by_team_a22e03__gone"
AFTER UPDATE OF "c" ON "outer_join__people_by_team_a22e03" WHEN NEW."c" = 0
BEGIN
    DELETE FROM "outer_join__people_by_team_a22e03" WHERE "team" = NEW."team" AND "name" = NEW."name";
END;
--   outer_join__people_by_team_a22e03__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS "outer_join__people_by_team_a22e03__below_zero" ON "outer_join__people_by_team_a22e03" ("c") WHERE "c" < 0;
-- outer_join__teams_1323c8: the integral of outer_join
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__teams_1323c8 (
    value INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (value)
) WITHOUT ROWID;
--   outer_join__teams_1323c8__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS "outer_join__teams_1323c8__gone"
AFTER UPDATE OF "c" ON "outer_join__teams_1323c8" WHEN NEW."c" = 0
BEGIN
    DELETE FROM "outer_join__teams_1323c8" WHERE "value" = NEW."value";
END;
--   outer_join__teams_1323c8__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS "outer_join__teams_1323c8__below_zero" ON "outer_join__teams_1323c8" ("c") WHERE "c" < 0;
-- outer_join__teams_by_number_a29639: the rows of teams, looked up by number
-- for teams (the query's arguments)
-- it has a row for each different row of teams in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__teams_by_number_a29639 (
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (number, title)
) WITHOUT ROWID;
--   outer_join__teams_by_number_a29639__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS "outer_join__teams_by_number_a29639__gone"
AFTER UPDATE OF "c" ON "outer_join__teams_by_number_a29639" WHEN NEW."c" = 0
BEGIN
    DELETE FROM "outer_join__teams_by_number_a29639" WHERE "number" = NEW."number" AND "title" = NEW."title";
END;
--   outer_join__teams_by_number_a29639__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS "outer_join__teams_by_number_a29639__below_zero" ON "outer_join__teams_by_number_a29639" ("c") WHERE "c" < 0;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (
  table_name,
  t
)
VALUES
  ('outer_join__outer_join_by_value_fc9e83', 0),
  ('outer_join__people_by_team_a22e03', 0),
  ('outer_join__teams_1323c8', 0),
  ('outer_join__teams_by_number_a29639', 0) ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (
  name,
  fingerprint,
  tables
)
VALUES
  (
    'outer_join',
    '6ef637eec1a3ff876db05a51c5e34c3f',
    'outer_join__outer_join_by_value_fc9e83 outer_join__people_by_team_a22e03 outer_join__teams_1323c8 outer_join__teams_by_number_a29639'
  ) ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS "stepping_delta_people_e8c9d2" (
    "name" TEXT,
    "team" INTEGER,
    "c" INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS "stepping_delta_teams_84606c" (
    "number" INTEGER,
    "title" TEXT,
    "c" INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS "stepping_exists_teams_994399" (
    "value" INTEGER,
    "c" INTEGER NOT NULL
);

------------------------------------------------------------------------------
-- When people changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join_by_value_fc9e83, outer_join__people_by_team_a22e03, outer_join__teams_by_number_a29639 in last_update
-- 1. people (the query's arguments): empty the delta table
DELETE FROM temp."stepping_delta_people_e8c9d2";
-- 2. people (the query's arguments): load the changed rows
-- INSERT INTO temp."stepping_delta_people_e8c9d2" ("name", "team", "c") VALUES (?, ?, ?)
-- 3. people (the query's arguments)
INSERT INTO "outer_join__people_by_team_a22e03" (
  "team",
  "name",
  "c"
)
SELECT
  COALESCE("d5"."team", x'') AS "team",
  "d5"."name" AS "name",
  "d5"."c" AS "c"
FROM temp."stepping_delta_people_e8c9d2" AS "d5"
WHERE
  TRUE ON CONFLICT DO UPDATE SET "c" = "outer_join__people_by_team_a22e03"."c" + excluded."c";
-- 4. people (the query's arguments): a count below 0, looked for where rows were removed
SELECT
  "team",
  "name",
  "c"
FROM "outer_join__people_by_team_a22e03"
WHERE
  "c" < 0
LIMIT 1;
-- 5. outer_join (query.py:18): the change of an output
SELECT
  "d0"."name" AS "left_name",
  "d0"."team" AS "left_team",
  1 AS "right_present",
  "t1"."number" AS "right_number",
  "t1"."title" AS "right_title",
  "d0"."c" * "t1"."c" AS "stepping_count"
FROM temp."stepping_delta_people_e8c9d2" AS "d0"
CROSS JOIN "outer_join__teams_by_number_a29639" AS "t1"
WHERE
  "t1"."number" = "d0"."team"
UNION ALL
SELECT
  "d2"."name" AS "left_name",
  "d2"."team" AS "left_team",
  0 AS "right_present",
  NULL AS "right_number",
  NULL AS "right_title",
  "d2"."c" AS "stepping_count"
FROM temp."stepping_delta_people_e8c9d2" AS "d2"
UNION ALL
SELECT
  "d3"."name" AS "left_name",
  "d3"."team" AS "left_team",
  0 AS "right_present",
  NULL AS "right_number",
  NULL AS "right_title",
  -(
    "d3"."c" * "t4"."c"
  ) AS "stepping_count"
FROM temp."stepping_delta_people_e8c9d2" AS "d3"
CROSS JOIN "outer_join__outer_join_by_value_fc9e83" AS "t4"
WHERE
  "t4"."value" = "d3"."team";

------------------------------------------------------------------------------
-- When teams changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join_by_value_fc9e83, outer_join__people_by_team_a22e03, outer_join__teams_1323c8, outer_join__teams_by_number_a29639 in last_update
-- 1. teams (the query's arguments): empty the delta table
DELETE FROM temp."stepping_delta_teams_84606c";
-- 2. outer_join (query.py:18): empty the delta table
DELETE FROM temp."stepping_exists_teams_994399";
-- 3. teams (the query's arguments): load the changed rows
-- INSERT INTO temp."stepping_delta_teams_84606c" ("number", "title", "c") VALUES (?, ?, ?)
-- 4. outer_join (query.py:18)
INSERT INTO temp."stepping_exists_teams_994399" (
  "value",
  "c"
)
SELECT
  "g"."value",
  CASE WHEN COALESCE("a"."c", 0) + "g"."c" > 0 THEN 1 ELSE 0 END - CASE WHEN COALESCE("a"."c", 0) > 0 THEN 1 ELSE 0 END AS "c"
FROM (
  SELECT
    "g"."value",
    SUM("g"."c") AS "c"
  FROM (
    SELECT
      "d0"."number" AS "value",
      "d0"."c" AS "c"
    FROM temp."stepping_delta_teams_84606c" AS "d0"
  ) AS "g"
  GROUP BY
    "g"."value"
  HAVING
    SUM("g"."c") <> 0
) AS "g"
LEFT JOIN "outer_join__teams_1323c8" AS "a"
  ON "a"."value" = "g"."value"
WHERE
  (
    CASE WHEN COALESCE("a"."c", 0) + "g"."c" > 0 THEN 1 ELSE 0 END - CASE WHEN COALESCE("a"."c", 0) > 0 THEN 1 ELSE 0 END
  ) <> 0;
-- 5. outer_join (query.py:18)
INSERT INTO "outer_join__teams_1323c8" (
  "value",
  "c"
)
SELECT
  "g"."value",
  SUM("g"."c") AS "c"
FROM (
  SELECT
    "d6"."number" AS "value",
    "d6"."c" AS "c"
  FROM temp."stepping_delta_teams_84606c" AS "d6"
) AS "g"
GROUP BY
  "g"."value"
HAVING
  SUM("g"."c") <> 0 ON CONFLICT DO UPDATE SET "c" = "outer_join__teams_1323c8"."c" + excluded."c";
-- 6. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT
  "value",
  "c"
FROM "outer_join__teams_1323c8"
WHERE
  "c" < 0
LIMIT 1;
-- 7. outer_join (query.py:18)
INSERT INTO "outer_join__outer_join_by_value_fc9e83" (
  "value",
  "c"
)
SELECT
  "g"."value",
  SUM("g"."c") AS "c"
FROM (
  SELECT
    "d5"."value" AS "value",
    "d5"."c" AS "c"
  FROM temp."stepping_exists_teams_994399" AS "d5"
) AS "g"
GROUP BY
  "g"."value"
HAVING
  SUM("g"."c") <> 0 ON CONFLICT DO UPDATE SET "c" = "outer_join__outer_join_by_value_fc9e83"."c" + excluded."c";
-- 8. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT
  "value",
  "c"
FROM "outer_join__outer_join_by_value_fc9e83"
WHERE
  "c" < 0
LIMIT 1;
-- 9. teams (the query's arguments)
INSERT INTO "outer_join__teams_by_number_a29639" (
  "number",
  "title",
  "c"
)
SELECT
  "d7"."number" AS "number",
  "d7"."title" AS "title",
  "d7"."c" AS "c"
FROM temp."stepping_delta_teams_84606c" AS "d7"
WHERE
  TRUE ON CONFLICT DO UPDATE SET "c" = "outer_join__teams_by_number_a29639"."c" + excluded."c";
-- 10. teams (the query's arguments): a count below 0, looked for where rows were removed
SELECT
  "number",
  "title",
  "c"
FROM "outer_join__teams_by_number_a29639"
WHERE
  "c" < 0
LIMIT 1;
-- 11. outer_join (query.py:18): the change of an output
SELECT
  "t1"."name" AS "left_name",
  (
    NULLIF("t1"."team", x'')
  ) AS "left_team",
  1 AS "right_present",
  "d2"."number" AS "right_number",
  "d2"."title" AS "right_title",
  "d2"."c" * "t1"."c" AS "stepping_count"
FROM temp."stepping_delta_teams_84606c" AS "d2"
CROSS JOIN "outer_join__people_by_team_a22e03" AS "t1"
WHERE
  "t1"."team" = "d2"."number"
UNION ALL
SELECT
  "t3"."name" AS "left_name",
  (
    NULLIF("t3"."team", x'')
  ) AS "left_team",
  0 AS "right_present",
  NULL AS "right_number",
  NULL AS "right_title",
  -(
    "d4"."c" * "t3"."c"
  ) AS "stepping_count"
FROM temp."stepping_exists_teams_994399" AS "d4"
CROSS JOIN "outer_join__people_by_team_a22e03" AS "t3"
WHERE
  "t3"."team" = "d4"."value";

------------------------------------------------------------------------------
-- When any mix of people, teams changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join_by_value_fc9e83, outer_join__people_by_team_a22e03, outer_join__teams_1323c8, outer_join__teams_by_number_a29639 in last_update
-- 1. people (the query's arguments): empty the delta table
DELETE FROM temp."stepping_delta_people_e8c9d2";
-- 2. teams (the query's arguments): empty the delta table
DELETE FROM temp."stepping_delta_teams_84606c";
-- 3. outer_join (query.py:18): empty the delta table
DELETE FROM temp."stepping_exists_teams_994399";
-- 4. people (the query's arguments): load the changed rows
-- INSERT INTO temp."stepping_delta_people_e8c9d2" ("name", "team", "c") VALUES (?, ?, ?)
-- 5. teams (the query's arguments): load the changed rows
-- INSERT INTO temp."stepping_delta_teams_84606c" ("number", "title", "c") VALUES (?, ?, ?)
-- 6. outer_join (query.py:18)
INSERT INTO temp."stepping_exists_teams_994399" (
  "value",
  "c"
)
SELECT
  "g"."value",
  CASE WHEN COALESCE("a"."c", 0) + "g"."c" > 0 THEN 1 ELSE 0 END - CASE WHEN COALESCE("a"."c", 0) > 0 THEN 1 ELSE 0 END AS "c"
FROM (
  SELECT
    "g"."value",
    SUM("g"."c") AS "c"
  FROM (
    SELECT
      "d0"."number" AS "value",
      "d0"."c" AS "c"
    FROM temp."stepping_delta_teams_84606c" AS "d0"
  ) AS "g"
  GROUP BY
    "g"."value"
  HAVING
    SUM("g"."c") <> 0
) AS "g"
LEFT JOIN "outer_join__teams_1323c8" AS "a"
  ON "a"."value" = "g"."value"
WHERE
  (
    CASE WHEN COALESCE("a"."c", 0) + "g"."c" > 0 THEN 1 ELSE 0 END - CASE WHEN COALESCE("a"."c", 0) > 0 THEN 1 ELSE 0 END
  ) <> 0;
-- 7. outer_join (query.py:18)
INSERT INTO "outer_join__teams_1323c8" (
  "value",
  "c"
)
SELECT
  "g"."value",
  SUM("g"."c") AS "c"
FROM (
  SELECT
    "d16"."number" AS "value",
    "d16"."c" AS "c"
  FROM temp."stepping_delta_teams_84606c" AS "d16"
) AS "g"
GROUP BY
  "g"."value"
HAVING
  SUM("g"."c") <> 0 ON CONFLICT DO UPDATE SET "c" = "outer_join__teams_1323c8"."c" + excluded."c";
-- 8. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT
  "value",
  "c"
FROM "outer_join__teams_1323c8"
WHERE
  "c" < 0
LIMIT 1;
-- 9. outer_join (query.py:18): the change of an output
SELECT
  "d1"."name" AS "left_name",
  "d1"."team" AS "left_team",
  1 AS "right_present",
  "t2"."number" AS "right_number",
  "t2"."title" AS "right_title",
  "d1"."c" * "t2"."c" AS "stepping_count"
FROM temp."stepping_delta_people_e8c9d2" AS "d1"
CROSS JOIN "outer_join__teams_by_number_a29639" AS "t2"
WHERE
  "t2"."number" = "d1"."team"
UNION ALL
SELECT
  "d3"."name" AS "left_name",
  "d3"."team" AS "left_team",
  1 AS "right_present",
  "d4"."number" AS "right_number",
  "d4"."title" AS "right_title",
  "d3"."c" * "d4"."c" AS "stepping_count"
FROM temp."stepping_delta_people_e8c9d2" AS "d3"
CROSS JOIN temp."stepping_delta_teams_84606c" AS "d4"
WHERE
  "d3"."team" = "d4"."number"
UNION ALL
SELECT
  "t5"."name" AS "left_name",
  (
    NULLIF("t5"."team", x'')
  ) AS "left_team",
  1 AS "right_present",
  "d6"."number" AS "right_number",
  "d6"."title" AS "right_title",
  "d6"."c" * "t5"."c" AS "stepping_count"
FROM temp."stepping_delta_teams_84606c" AS "d6"
CROSS JOIN "outer_join__people_by_team_a22e03" AS "t5"
WHERE
  "t5"."team" = "d6"."number"
UNION ALL
SELECT
  "d7"."name" AS "left_name",
  "d7"."team" AS "left_team",
  0 AS "right_present",
  NULL AS "right_number",
  NULL AS "right_title",
  "d7"."c" AS "stepping_count"
FROM temp."stepping_delta_people_e8c9d2" AS "d7"
UNION ALL
SELECT
  "d8"."name" AS "left_name",
  "d8"."team" AS "left_team",
  0 AS "right_present",
  NULL AS "right_number",
  NULL AS "right_title",
  -(
    "d8"."c" * "t9"."c"
  ) AS "stepping_count"
FROM temp."stepping_delta_people_e8c9d2" AS "d8"
CROSS JOIN "outer_join__outer_join_by_value_fc9e83" AS "t9"
WHERE
  "t9"."value" = "d8"."team"
UNION ALL
SELECT
  "d10"."name" AS "left_name",
  "d10"."team" AS "left_team",
  0 AS "right_present",
  NULL AS "right_number",
  NULL AS "right_title",
  -(
    "d10"."c" * "d11"."c"
  ) AS "stepping_count"
FROM temp."stepping_delta_people_e8c9d2" AS "d10"
CROSS JOIN temp."stepping_exists_teams_994399" AS "d11"
WHERE
  "d10"."team" = "d11"."value"
UNION ALL
SELECT
  "t12"."name" AS "left_name",
  (
    NULLIF("t12"."team", x'')
  ) AS "left_team",
  0 AS "right_present",
  NULL AS "right_number",
  NULL AS "right_title",
  -(
    "d13"."c" * "t12"."c"
  ) AS "stepping_count"
FROM temp."stepping_exists_teams_994399" AS "d13"
CROSS JOIN "outer_join__people_by_team_a22e03" AS "t12"
WHERE
  "t12"."team" = "d13"."value";
-- 10. outer_join (query.py:18)
INSERT INTO "outer_join__outer_join_by_value_fc9e83" (
  "value",
  "c"
)
SELECT
  "g"."value",
  SUM("g"."c") AS "c"
FROM (
  SELECT
    "d14"."value" AS "value",
    "d14"."c" AS "c"
  FROM temp."stepping_exists_teams_994399" AS "d14"
) AS "g"
GROUP BY
  "g"."value"
HAVING
  SUM("g"."c") <> 0 ON CONFLICT DO UPDATE SET "c" = "outer_join__outer_join_by_value_fc9e83"."c" + excluded."c";
-- 11. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT
  "value",
  "c"
FROM "outer_join__outer_join_by_value_fc9e83"
WHERE
  "c" < 0
LIMIT 1;
-- 12. people (the query's arguments)
INSERT INTO "outer_join__people_by_team_a22e03" (
  "team",
  "name",
  "c"
)
SELECT
  COALESCE("d15"."team", x'') AS "team",
  "d15"."name" AS "name",
  "d15"."c" AS "c"
FROM temp."stepping_delta_people_e8c9d2" AS "d15"
WHERE
  TRUE ON CONFLICT DO UPDATE SET "c" = "outer_join__people_by_team_a22e03"."c" + excluded."c";
-- 13. people (the query's arguments): a count below 0, looked for where rows were removed
SELECT
  "team",
  "name",
  "c"
FROM "outer_join__people_by_team_a22e03"
WHERE
  "c" < 0
LIMIT 1;
-- 14. teams (the query's arguments)
INSERT INTO "outer_join__teams_by_number_a29639" (
  "number",
  "title",
  "c"
)
SELECT
  "d17"."number" AS "number",
  "d17"."title" AS "title",
  "d17"."c" AS "c"
FROM temp."stepping_delta_teams_84606c" AS "d17"
WHERE
  TRUE ON CONFLICT DO UPDATE SET "c" = "outer_join__teams_by_number_a29639"."c" + excluded."c";
-- 15. teams (the query's arguments): a count below 0, looked for where rows were removed
SELECT
  "number",
  "title",
  "c"
FROM "outer_join__teams_by_number_a29639"
WHERE
  "c" < 0
LIMIT 1;
