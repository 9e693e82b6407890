-- The query outer_join on sqlite; fingerprint d81bc23682c7422880738ad7f39cd52d
--
-- output
--   3. outer_join  query.py:18
--   │    incremental: the change of each side meets the rows of the other with its key
--   │    keeps outer_join__teams
--   │    keeps outer_join__outer_join
--   │          key (value): look-ups, and the row itself
--   ├─ 1. people (input)
--   │       keeps outer_join__people
--   │             key (team): look-ups, and the row itself
--   └─ 2. teams (input)
--           keeps outer_join__teams_2
--                 key (number): look-ups, and the row itself
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of people: 4 statements, 3 look-ups, 1 row written
--   outer_join__people as a whole row, at most one row
--   outer_join__teams_2 by number
--   outer_join__outer_join as a whole row, at most one row
-- One changed row of teams: 8 statements, 6 look-ups, 3 rows written
--   outer_join__teams as a whole row, 2 times, at most one row
--   outer_join__outer_join as a whole row, at most one row
--   outer_join__teams_2 as a whole row, at most one row
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
-- outer_join__teams: the integral of outer_join
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__teams (
    value INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (value)
) WITHOUT ROWID;
--   outer_join__teams__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS outer_join__teams__gone
AFTER UPDATE OF c ON outer_join__teams WHEN NEW.c = 0
BEGIN
    DELETE FROM outer_join__teams WHERE value = NEW.value;
END;
--   outer_join__teams__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS outer_join__teams__below_zero ON outer_join__teams (c) WHERE c < 0;
-- outer_join__teams_2: the rows of teams, looked up by number
-- for teams (the query's arguments)
-- it has a row for each different row of teams in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__teams_2 (
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (number, title)
) WITHOUT ROWID;
--   outer_join__teams_2__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS outer_join__teams_2__gone
AFTER UPDATE OF c ON outer_join__teams_2 WHEN NEW.c = 0
BEGIN
    DELETE FROM outer_join__teams_2 WHERE number = NEW.number AND title = NEW.title;
END;
--   outer_join__teams_2__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS outer_join__teams_2__below_zero ON outer_join__teams_2 (c) WHERE c < 0;

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
    'd81bc23682c7422880738ad7f39cd52d',
    'sqlite',
    2,
    '2 92d2e11d10e37add QlpoOTFBWSZTWaIIlcsACBvfgEAAUOV//j/v3u6////6UAYby6ymBABzlqABhKU00ymCnqem0JPTTSeoGgAAHpAAARU/CaYRMlTR6gPFAHqAAAAaAASFEpPT0ptRhG0CbIINM0ABHoNAAcZMmTEYmAEyYJkANGEYAhgCpIgUehMpmkxTTRoMJoaYQ00GagDIwEGMQXeWZHJTEF8NIOUDKydkTmIFsI4cUtay1qqxmZs8+U+s5U8JOQ1UUjlPdrVVVVcuaqMTfffv6Sr4YYFO2Zmpl1Tx1h/v73FjOTPOKKEihJCQKWouXKW241YWVA+l+gT5hxCO7x49ro7OeruX3A7KYb6ChArB8YRBda6kgmQbEAbN1JlpRvz+zdaobrlg6kFAzrCIskI05U0wVKOs7c6qlZRMCO6foUbC+7dVWWtY4GCY1SUooqKoUKk96M7rBaiQ6DJEmDVGQQOBJRskEo3EiFpZHm+7n04Da8hOk7hib6tv3+Ue2k+BSLSolSpMihZQpUqlUoop+aMB7Q2WAQDdtvoAZ4cN/N6jnRCPckBwKACgeeeX0rVrLo7mxbwfbjA7U2Q5cuwLW3WrcuSDjXWsgZxZS5OY85M0prbGbDrdrTWiEyNStwsNzCzKRid6IC5Jpq8obqdBMNAnSXviQxUF1uuFwcSKzS7FDNnJBRjC2aYaHl8wWQLDYFjOMJCseajEOuHNCGM3UCKKKsUelCSwg4w9hnKXzOlzXSSK1RwMtot0sLDlXC8TO/my3ckQcVEjE6En2HeLPGeI8RQwPWaE+pP1PcfgXNTwFB5yKH5mw/Y2H7ExLjM0RkbyYvabSe4wN5ynAYlHhJoUZE5hRMj2EwLm1G80O1Gw1LlhsWLmYKFIoo1KHMkby5odw6GgnaTgcT8TU2mBNpNxO4pGwyOUzDmHIYNCj8SbWKLnIaIsSxRZI5jynor00qlqspJmXh7VU9h3zwHaef0K5pZRYpKqVWv3yfNpb7b3ve5J6R6hFjAuSew9Xlz9P1/bfzbG70+rT0cfY9cbcdlac/8/8G2JxhKQ8Cj9T+jaGEvdPLMrDBim0VPPyv5MoaUQVZFBCiY0T3DpBQWhtg2ShV0znOUy5bp5MWaGiOBcL7+JeN8TUCKwRGsXK5leZbdu5dt6tYw7QYRovBpCvv1BxncLDKDVWxyEsCiDCNMYYAqYBDDKrG4WulI2GsT2Km1aaKnqWPQQxxqyAorrcnUPCCODHK37Rq4QbtHdOg3OmRaRiI6j4H0et4jojvGXDI0J0YXATyX5bV32wWtKb89i2XZ4rzEGbQBoB+8qENc4aHUcIzOkR1JNuUnLR9PZsibRGkxg+bUyamJ4GipVKVxS0tVM7+/42yaGIaJUTCRUJQpD/kOgwpVSixaiUkljLx7oi3kxSYm8tiKnhSkars89Lr0eTnOswOU94jZPoOxPCmZ8R1TmkchtrWyrKLUlUlUVRsYlSOiYH9Iyi0ys2yMuWcGzPNTWQmyixxdVy7GULTrSodJ73fmC5YwO8VtmNS2KMTM3NS2JkbZxKtz8a+F1KVnHZv5+zC9R2d2LS9oacgjA3FJjnaLaYHJD700aZo7EnAp8cWYxOtgms63YIqzcrkk3uZuNTRMRUjid+cDG8o1daOc50eb1UsVaqlPPVpsLvRRoYnbRJv4F3JFOFCQogiVywA=='
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
-- locked first: outer_join__outer_join, outer_join__people, outer_join__teams_2 in last_update
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
CROSS JOIN outer_join__teams_2 AS t1
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
LEFT JOIN outer_join__teams AS a ON a.value = g.value
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 5. outer_join (query.py:18)
INSERT INTO outer_join__teams (value, c)
SELECT d6.number AS value, d6.c
FROM temp.stepping_delta_teams_84606c AS d6
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams.c + excluded.c) = 'integer'
    THEN outer_join__teams.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of outer_join')
  END;
-- 6. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT value, c FROM outer_join__teams WHERE c < 0 LIMIT 1;
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
INSERT INTO outer_join__teams_2 (number, title, c)
SELECT d7.number AS number, d7.title AS title, d7.c
FROM temp.stepping_delta_teams_84606c AS d7
WHERE TRUE
ORDER BY number, title
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams_2.c + excluded.c) = 'integer'
    THEN outer_join__teams_2.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of teams')
  END;
-- 10. teams (the query's arguments): a count below 0, looked for where rows were removed
SELECT number, title, c FROM outer_join__teams_2 WHERE c < 0 LIMIT 1;
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
LEFT JOIN outer_join__teams AS a ON a.value = g.value
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 7. outer_join (query.py:18)
INSERT INTO outer_join__teams (value, c)
SELECT d16.number AS value, d16.c
FROM temp.stepping_delta_teams_84606c AS d16
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams.c + excluded.c) = 'integer'
    THEN outer_join__teams.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of outer_join')
  END;
-- 8. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT value, c FROM outer_join__teams WHERE c < 0 LIMIT 1;
-- 9. outer_join (query.py:18): the change of an output
SELECT
  d1.name AS left_name, d1.team AS left_team, 1 AS right_present, t2.number AS right_number,
  t2.title AS right_title,
  CASE
    WHEN typeof(d1.c * t2.c) = 'integer' THEN d1.c * t2.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d1
CROSS JOIN outer_join__teams_2 AS t2
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
INSERT INTO outer_join__teams_2 (number, title, c)
SELECT d17.number AS number, d17.title AS title, d17.c
FROM temp.stepping_delta_teams_84606c AS d17
WHERE TRUE
ORDER BY number, title
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams_2.c + excluded.c) = 'integer'
    THEN outer_join__teams_2.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of teams')
  END;
-- 15. teams (the query's arguments): a count below 0, looked for where rows were removed
SELECT number, title, c FROM outer_join__teams_2 WHERE c < 0 LIMIT 1;
