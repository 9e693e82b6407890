-- The query outer_join on sqlite; fingerprint 959a8bcfbab8bf15b8721c1cde5bbdf6
--
-- output
--   3. outer_join  query.py:18
--   │    incremental: the change of each side meets the rows of the other with its key
--   │    keeps outer_join__teams_2
--   │    keeps outer_join__outer_join
--   │          key (value): look-ups, and the row itself
--   ├─ 1. people (input)
--   │       keeps outer_join__people
--   │             key (team): look-ups, and the row itself
--   └─ 2. teams (input)
--           keeps outer_join__teams
--                 key (number): look-ups, and the row itself
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of people: 4 statements, 3 look-ups, 1 row written
--   outer_join__people as a whole row, at most one row
--   outer_join__teams by number
--   outer_join__outer_join as a whole row, at most one row
-- One changed row of teams: 8 statements, 6 look-ups, 3 rows written
--   outer_join__teams_2 as a whole row, 2 times, at most one row
--   outer_join__outer_join as a whole row, at most one row
--   outer_join__teams as a whole row, at most one row
--   outer_join__people by team, 2 times

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
-- outer_join__outer_join: the rows of outer_join, looked up by value
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__outer_join (
    value INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (value)
) WITHOUT ROWID;
--   outer_join__outer_join__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS outer_join__outer_join__gone
AFTER UPDATE OF c ON outer_join__outer_join WHEN NEW.c = 0
BEGIN
    DELETE FROM outer_join__outer_join WHERE value = NEW.value;
END;
--   outer_join__outer_join__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS outer_join__outer_join__below_zero ON outer_join__outer_join (c) WHERE c < 0;
-- outer_join__people: the rows of people, looked up by team
-- for people (the query's arguments)
-- it has a row for each different row of people in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__people (
    team INTEGER NOT NULL,
    name TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (team, name)
) WITHOUT ROWID;
--   outer_join__people__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS outer_join__people__gone
AFTER UPDATE OF c ON outer_join__people WHEN NEW.c = 0
BEGIN
    DELETE FROM outer_join__people WHERE team = NEW.team AND name = NEW.name;
END;
--   outer_join__people__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS outer_join__people__below_zero ON outer_join__people (c) WHERE c < 0;
-- outer_join__teams_2: the integral of outer_join
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__teams_2 (
    value INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (value)
) WITHOUT ROWID;
--   outer_join__teams_2__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS outer_join__teams_2__gone
AFTER UPDATE OF c ON outer_join__teams_2 WHEN NEW.c = 0
BEGIN
    DELETE FROM outer_join__teams_2 WHERE value = NEW.value;
END;
--   outer_join__teams_2__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS outer_join__teams_2__below_zero ON outer_join__teams_2 (c) WHERE c < 0;
-- outer_join__teams: the rows of teams, looked up by number
-- for teams (the query's arguments)
-- it has a row for each different row of teams in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__teams (
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (number, title)
) WITHOUT ROWID;
--   outer_join__teams__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS outer_join__teams__gone
AFTER UPDATE OF c ON outer_join__teams WHEN NEW.c = 0
BEGIN
    DELETE FROM outer_join__teams WHERE number = NEW.number AND title = NEW.title;
END;
--   outer_join__teams__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS outer_join__teams__below_zero ON outer_join__teams (c) WHERE c < 0;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('outer_join__outer_join', 0), ('outer_join__people', 0), ('outer_join__teams', 0),
  ('outer_join__teams_2', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'outer_join',
    '959a8bcfbab8bf15b8721c1cde5bbdf6',
    'sqlite',
    2,
    '2 da149f62b21677ab QlpoOTFBWSZTWY8V/i4ACBvfgEAAUOV//j/v3u6////6UAYby6ymBABzlqABhKRNGgaUzaKeiemUeoGgAADQAADVPCGQCVB6jQ2UAeoBhAMgaAASFEo09QAmNCMAEw0AAaAABxkyZMRiYATJgmQA0YRgCGAKkkJlNoCGpplPU0ZGCYmm0Jk9JpmoaGIwEF8QefRMVuUvBdDPDnAs8/CJy8C1kcd6WtZa1VYxMWOOk8ppTwE4jNRSNJ8c6qqqri4zUYG67bu7Ra6++8vdkxMzHtzxVf/383FfObLOSKEihJCQKWouXKW231YWVAyLtAmIN4n49+/wcGkot1j+4SsUG2BKYkw+M1UnjKhqSGNFBWb4DLSjH8Zjdaodf4DqQUDKqRFkhGnLzK9Uo5zsxqqVoiXkcx+5RqLtmyqstaxxl6YVSVRRUVQoVJ9EY3LBaiQ6DJEmDVGQQOBJRskEo3EiFpZHn/THl3jW8ZOY4zQbqtu3eQfCk+pSLSolSpNBQsoUqVSqUUU9yLx8BpUEB2dlrgZ3btvU7TpBTThmN0ZgQHLTo9cZNWN3dKOm0T2YwWxReoonRoL3ati6VEfWkwdZjOrTwiLDM+HI1m66uclrLAqVkFZTNCS0FEcm1JPRUeKQJBel6PbFBiQlLW0jhiWIURzakbMdHbOTEGQWW8nabYc8A7tcmMXN1kmIk71jd0UyniAKywg7KR1IMT0qVI5hmtapabUdauWCrNo2XOTcki4uJzzmF20EHBRIwOVJ5jpLPEeE8JQvPaZE/JPefE/UuMzulB6CKHuNR/BqP4JgXDEyRoNxMHwNZPiXm40m8YFHgJkUaCbRRNB1kvLjWjcZHYjUZlxYali4xBQpFFGZQ2pG4uMjjOVkJ2E3nA9hmay8msmwnGpGo0GkxDaOIvZFHsJrYIuOIyRYliiyRtPIdVemlUtVlJMS6HwVTrO4d07D0dStssosUlVKrP1yd7K3muuuuuJPSPUIsXlxJ1nr8mPV5fVd59TZ6fVlp6uHp63tjbsy08v9/MNsTtQlId5R7z5Gs92vr43aS++mJbWKfZlWyGiqSK0NCIMgthlmRHonuHQCwuDaBro6rsVdb1w3srna+N8sLI5oI2OpYJQGoIkkUFElTpsDBxqWxh4hdgY1YjHDPFdf0DjPIWrKDVWxyEsCiDVGmMNQKmoIYYFY3C10dBhoFLl4sdTsmmp7VRSzqnyAossqTpFCCVg9zftGskBuyN5ymx2pFpGAjtn1Px9rwnLHSaN+gyN6RF4GOcwzQYU2w2tGYauVjW3Xy4EgZs4GcINYrEPuNWRzG+MTgI5kmvRJpo7/PqiaxGUwg7uZoZmB97JUqlK4JaWqmN306WqZGAZJUS+RUJQpD5ocpfSqlFi1EpJLGjxbIi3jwSYG4tgKnfSkZrmOOVy6jx8hzl5pPoI1T8DoTvpifYdubZHEa6zsqyi1JVJVFUamBUjll58kaItNFmuRo0ze1Y4qZyE1UWODt3FzCULTnSodo+juS9cWLzpK1zCpbBGBibGZbA0GuVwLcnCvrgpSsY6N3J0X3VHRzRaXWhlxCLzYUmGNotlecUPWmTLFHQk3lPtizCJzr0znO6BFWbFcUm5tbDMyTAVI4Hcm8wulGbnRyHIjz+qlirVUp6KtNRc6qGhidtEm/0XckU4UJCPFf4uA'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_people_e8c9d2 (
    name TEXT,
    team INTEGER,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_teams_84606c (
    number INTEGER,
    title TEXT,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_exists_teams_994399 (
    value INTEGER,
    c INTEGER NOT NULL
);

------------------------------------------------------------------------------
-- When people changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join, outer_join__people, outer_join__teams in last_update
-- 1. people (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_people_e8c9d2;
-- 2. people (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_people_e8c9d2 (name, team, c) VALUES (?, ?, ?)
-- 3. people (the query's arguments)
INSERT INTO outer_join__people (team, name, c)
SELECT COALESCE(d5.team, x'') AS team, d5.name AS name, d5.c
FROM temp.stepping_delta_people_e8c9d2 AS d5
WHERE TRUE
ORDER BY team, name
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__people.c + excluded.c) = 'integer'
    THEN outer_join__people.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of people')
  END;
-- 4. people (the query's arguments): a count below 0, looked for where rows were removed
SELECT team, name, c FROM outer_join__people WHERE c < 0 LIMIT 1;
-- 5. outer_join (query.py:18): the change of an output
SELECT
  d0.name AS left_name, d0.team AS left_team, 1 AS right_present, t1.number AS right_number,
  t1.title AS right_title,
  CASE
    WHEN typeof(d0.c * t1.c) = 'integer' THEN d0.c * t1.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d0
CROSS JOIN outer_join__teams AS t1
WHERE t1.number = d0.team
UNION ALL
SELECT
  d2.name AS left_name, d2.team AS left_team, 0 AS right_present, NULL AS right_number,
  NULL AS right_title, d2.c AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d2
UNION ALL
SELECT
  d3.name AS left_name, d3.team AS left_team, 0 AS right_present, NULL AS right_number,
  NULL AS right_title,
  CASE
    WHEN typeof(-(d3.c * t4.c)) = 'integer' THEN -(d3.c * t4.c)
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d3
CROSS JOIN outer_join__outer_join AS t4
WHERE t4.value = d3.team;

------------------------------------------------------------------------------
-- When teams changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join, outer_join__people, outer_join__teams, outer_join__teams_2 in last_update
-- 1. teams (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_teams_84606c;
-- 2. outer_join (query.py:18): empty the delta table
DELETE FROM temp.stepping_exists_teams_994399;
-- 3. teams (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_teams_84606c (number, title, c) VALUES (?, ?, ?)
-- 4. outer_join (query.py:18)
INSERT INTO temp.stepping_exists_teams_994399 (value, c)
SELECT g.value, CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE -1 END AS c
FROM (
  SELECT g.value, SUM(g.c) AS c
  FROM (
    SELECT d0.number AS value, d0.c
    FROM temp.stepping_delta_teams_84606c AS d0
  ) AS g
  GROUP BY g.value
  HAVING SUM(g.c) <> 0
) AS g
LEFT JOIN outer_join__teams_2 AS a ON a.value = g.value
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 5. outer_join (query.py:18)
INSERT INTO outer_join__teams_2 (value, c)
SELECT d6.number AS value, d6.c
FROM temp.stepping_delta_teams_84606c AS d6
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams_2.c + excluded.c) = 'integer'
    THEN outer_join__teams_2.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of outer_join')
  END;
-- 6. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT value, c FROM outer_join__teams_2 WHERE c < 0 LIMIT 1;
-- 7. outer_join (query.py:18)
INSERT INTO outer_join__outer_join (value, c)
SELECT d5.value AS value, d5.c
FROM temp.stepping_exists_teams_994399 AS d5
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__outer_join.c + excluded.c) = 'integer'
    THEN outer_join__outer_join.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of outer_join')
  END;
-- 8. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT value, c FROM outer_join__outer_join WHERE c < 0 LIMIT 1;
-- 9. teams (the query's arguments)
INSERT INTO outer_join__teams (number, title, c)
SELECT d7.number AS number, d7.title AS title, d7.c
FROM temp.stepping_delta_teams_84606c AS d7
WHERE TRUE
ORDER BY number, title
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams.c + excluded.c) = 'integer'
    THEN outer_join__teams.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of teams')
  END;
-- 10. teams (the query's arguments): a count below 0, looked for where rows were removed
SELECT number, title, c FROM outer_join__teams WHERE c < 0 LIMIT 1;
-- 11. outer_join (query.py:18): the change of an output
SELECT
  t2.name AS left_name, NULLIF(t2.team, x'') AS left_team, 1 AS right_present,
  d1.number AS right_number, d1.title AS right_title,
  CASE
    WHEN typeof(d1.c * t2.c) = 'integer' THEN d1.c * t2.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_teams_84606c AS d1
CROSS JOIN outer_join__people AS t2
WHERE t2.team = d1.number
UNION ALL
SELECT
  t4.name AS left_name, NULLIF(t4.team, x'') AS left_team, 0 AS right_present,
  NULL AS right_number, NULL AS right_title,
  CASE
    WHEN typeof(-(d3.c * t4.c)) = 'integer' THEN -(d3.c * t4.c)
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_exists_teams_994399 AS d3
CROSS JOIN outer_join__people AS t4
WHERE t4.team = d3.value;

------------------------------------------------------------------------------
-- When any mix of people, teams changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join, outer_join__people, outer_join__teams, outer_join__teams_2 in last_update
-- 1. people (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_people_e8c9d2;
-- 2. teams (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_teams_84606c;
-- 3. outer_join (query.py:18): empty the delta table
DELETE FROM temp.stepping_exists_teams_994399;
-- 4. people (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_people_e8c9d2 (name, team, c) VALUES (?, ?, ?)
-- 5. teams (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_teams_84606c (number, title, c) VALUES (?, ?, ?)
-- 6. outer_join (query.py:18)
INSERT INTO temp.stepping_exists_teams_994399 (value, c)
SELECT g.value, CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE -1 END AS c
FROM (
  SELECT g.value, SUM(g.c) AS c
  FROM (
    SELECT d0.number AS value, d0.c
    FROM temp.stepping_delta_teams_84606c AS d0
  ) AS g
  GROUP BY g.value
  HAVING SUM(g.c) <> 0
) AS g
LEFT JOIN outer_join__teams_2 AS a ON a.value = g.value
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 7. outer_join (query.py:18)
INSERT INTO outer_join__teams_2 (value, c)
SELECT d16.number AS value, d16.c
FROM temp.stepping_delta_teams_84606c AS d16
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams_2.c + excluded.c) = 'integer'
    THEN outer_join__teams_2.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of outer_join')
  END;
-- 8. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT value, c FROM outer_join__teams_2 WHERE c < 0 LIMIT 1;
-- 9. outer_join (query.py:18): the change of an output
SELECT
  d1.name AS left_name, d1.team AS left_team, 1 AS right_present, t2.number AS right_number,
  t2.title AS right_title,
  CASE
    WHEN typeof(d1.c * t2.c) = 'integer' THEN d1.c * t2.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d1
CROSS JOIN outer_join__teams AS t2
WHERE t2.number = d1.team
UNION ALL
SELECT
  d3.name AS left_name, d3.team AS left_team, 1 AS right_present, d4.number AS right_number,
  d4.title AS right_title,
  CASE
    WHEN typeof(d3.c * d4.c) = 'integer' THEN d3.c * d4.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d3
CROSS JOIN temp.stepping_delta_teams_84606c AS d4
WHERE d3.team = d4.number
UNION ALL
SELECT
  t6.name AS left_name, NULLIF(t6.team, x'') AS left_team, 1 AS right_present,
  d5.number AS right_number, d5.title AS right_title,
  CASE
    WHEN typeof(d5.c * t6.c) = 'integer' THEN d5.c * t6.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_teams_84606c AS d5
CROSS JOIN outer_join__people AS t6
WHERE t6.team = d5.number
UNION ALL
SELECT
  d7.name AS left_name, d7.team AS left_team, 0 AS right_present, NULL AS right_number,
  NULL AS right_title, d7.c AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d7
UNION ALL
SELECT
  d8.name AS left_name, d8.team AS left_team, 0 AS right_present, NULL AS right_number,
  NULL AS right_title,
  CASE
    WHEN typeof(-(d8.c * t9.c)) = 'integer' THEN -(d8.c * t9.c)
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d8
CROSS JOIN outer_join__outer_join AS t9
WHERE t9.value = d8.team
UNION ALL
SELECT
  d10.name AS left_name, d10.team AS left_team, 0 AS right_present, NULL AS right_number,
  NULL AS right_title,
  CASE
    WHEN typeof(-(d10.c * d11.c)) = 'integer' THEN -(d10.c * d11.c)
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d10
CROSS JOIN temp.stepping_exists_teams_994399 AS d11
WHERE d10.team = d11.value
UNION ALL
SELECT
  t13.name AS left_name, NULLIF(t13.team, x'') AS left_team, 0 AS right_present,
  NULL AS right_number, NULL AS right_title,
  CASE
    WHEN typeof(-(d12.c * t13.c)) = 'integer' THEN -(d12.c * t13.c)
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_exists_teams_994399 AS d12
CROSS JOIN outer_join__people AS t13
WHERE t13.team = d12.value;
-- 10. outer_join (query.py:18)
INSERT INTO outer_join__outer_join (value, c)
SELECT d14.value AS value, d14.c
FROM temp.stepping_exists_teams_994399 AS d14
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__outer_join.c + excluded.c) = 'integer'
    THEN outer_join__outer_join.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of outer_join')
  END;
-- 11. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT value, c FROM outer_join__outer_join WHERE c < 0 LIMIT 1;
-- 12. people (the query's arguments)
INSERT INTO outer_join__people (team, name, c)
SELECT COALESCE(d15.team, x'') AS team, d15.name AS name, d15.c
FROM temp.stepping_delta_people_e8c9d2 AS d15
WHERE TRUE
ORDER BY team, name
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__people.c + excluded.c) = 'integer'
    THEN outer_join__people.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of people')
  END;
-- 13. people (the query's arguments): a count below 0, looked for where rows were removed
SELECT team, name, c FROM outer_join__people WHERE c < 0 LIMIT 1;
-- 14. teams (the query's arguments)
INSERT INTO outer_join__teams (number, title, c)
SELECT d17.number AS number, d17.title AS title, d17.c
FROM temp.stepping_delta_teams_84606c AS d17
WHERE TRUE
ORDER BY number, title
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams.c + excluded.c) = 'integer'
    THEN outer_join__teams.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of teams')
  END;
-- 15. teams (the query's arguments): a count below 0, looked for where rows were removed
SELECT number, title, c FROM outer_join__teams WHERE c < 0 LIMIT 1;
