-- The query outer_join on sqlite; fingerprint fd5427a0da464291578d50a1ad697af9
--
-- output
--   3. outer_join  query.py:18
--   │    incremental: the change of each side meets the rows of the other with its key
--   │    keeps outer_join__teams_c7809e
--   │    keeps outer_join__outer_join_6a74ef
--   │          key (value): look-ups, and the row itself
--   ├─ 1. people (input)
--   │       keeps outer_join__people_4d9316
--   │             key (team): look-ups, and the row itself
--   └─ 2. teams (input)
--           keeps outer_join__teams_5c4966
--                 key (number): look-ups, and the row itself
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of people: 4 statements, 3 look-ups, 1 row written
--   outer_join__people_4d9316 as a whole row, at most one row
--   outer_join__teams_5c4966 by number
--   outer_join__outer_join_6a74ef as a whole row, at most one row
-- One changed row of teams: 8 statements, 6 look-ups, 3 rows written
--   outer_join__teams_c7809e as a whole row, 2 times, at most one row
--   outer_join__outer_join_6a74ef as a whole row, at most one row
--   outer_join__teams_5c4966 as a whole row, at most one row
--   outer_join__people_4d9316 by team, 2 times

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
-- outer_join__outer_join_6a74ef: the rows of outer_join, looked up by value
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__outer_join_6a74ef (
    value INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (value)
) WITHOUT ROWID;
--   outer_join__outer_join_6a74ef__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS outer_join__outer_join_6a74ef__gone
AFTER UPDATE OF c ON outer_join__outer_join_6a74ef WHEN NEW.c = 0
BEGIN
    DELETE FROM outer_join__outer_join_6a74ef WHERE value = NEW.value;
END;
--   outer_join__outer_join_6a74ef__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS outer_join__outer_join_6a74ef__below_zero ON outer_join__outer_join_6a74ef (c) WHERE c < 0;
-- outer_join__people_4d9316: the rows of people, looked up by team
-- for people (the query's arguments)
-- it has a row for each different row of people in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__people_4d9316 (
    team INTEGER NOT NULL,
    name TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (team, name)
) WITHOUT ROWID;
--   outer_join__people_4d9316__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS outer_join__people_4d9316__gone
AFTER UPDATE OF c ON outer_join__people_4d9316 WHEN NEW.c = 0
BEGIN
    DELETE FROM outer_join__people_4d9316 WHERE team = NEW.team AND name = NEW.name;
END;
--   outer_join__people_4d9316__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS outer_join__people_4d9316__below_zero ON outer_join__people_4d9316 (c) WHERE c < 0;
-- outer_join__teams_c7809e: the integral of outer_join
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__teams_c7809e (
    value INTEGER NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (value)
) WITHOUT ROWID;
--   outer_join__teams_c7809e__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS outer_join__teams_c7809e__gone
AFTER UPDATE OF c ON outer_join__teams_c7809e WHEN NEW.c = 0
BEGIN
    DELETE FROM outer_join__teams_c7809e WHERE value = NEW.value;
END;
--   outer_join__teams_c7809e__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS outer_join__teams_c7809e__below_zero ON outer_join__teams_c7809e (c) WHERE c < 0;
-- outer_join__teams_5c4966: the rows of teams, looked up by number
-- for teams (the query's arguments)
-- it has a row for each different row of teams in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__teams_5c4966 (
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (number, title)
) WITHOUT ROWID;
--   outer_join__teams_5c4966__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS outer_join__teams_5c4966__gone
AFTER UPDATE OF c ON outer_join__teams_5c4966 WHEN NEW.c = 0
BEGIN
    DELETE FROM outer_join__teams_5c4966 WHERE number = NEW.number AND title = NEW.title;
END;
--   outer_join__teams_5c4966__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS outer_join__teams_5c4966__below_zero ON outer_join__teams_5c4966 (c) WHERE c < 0;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('outer_join__outer_join_6a74ef', 0), ('outer_join__people_4d9316', 0),
  ('outer_join__teams_5c4966', 0), ('outer_join__teams_c7809e', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'outer_join',
    'fd5427a0da464291578d50a1ad697af9',
    'sqlite',
    2,
    '2 ead7543a3c51aa28 QlpoOTFBWSZTWeDQ5UoACHbfgEAAUOV//j/v3u6////6YAY/HuspgIBnZ3M6ADCVRPUxMmmhoANNNAABpoGgAABqnhBkBKT1PUDelADQAaAANAAcZMmTEYmAEyYJkANGEYAhgEhJFT1P1NTCepoxMGiAaBtNQ00MmARhxkyZMRiYATJgmQA0YRgCGAKkkBGiZNMk9FPU01MaYg0mh5EfoJ6kwMlCHtQ3PX66qz0nM7D1DDw91pVvST54/D02ta1rWtaxkZMstZ9prT6iajRRSNZ79Kqqqri40UYG7cv6yy664/R4TI0MOyeir/5/TEsDP5TNFCRQkUJCsEYsVYYfxXF1gNjWoJjHIH73O5O10dEGIj7h6xQbQJTFWHxoqk0ZVNSQxooK74pMwKb7fI3ayHbIFSxQoGpcRF0hGnLGd6pRzPDKqpWMS8jrPYUbC7o6Kqy1rHAvTCqSqKKilChUnwRlcsFqSHQyRJg1TIIHAkpskEo3EiFpZH3/5y49I2vOTxHAxN9W37/rHvpPiUi0qJUqTEoWUKVKpVKKKd6Lx7xpUEBtvtcDPDbhu42SCmmzjliAHAeI5T5vS8ptWV3e6uAE4B9+bFvNRRjrV6FVkljjDnlhxazcAXRFhlnuMOy5Y5LW9GMVKyEVp0NCQASgojzaDJBGrNwBVUeKYiahBXFWvmg11mJJaONBkhLK3kCIgVTOyNaUXOjHPXU9AEmgouJZWhFjQVIUR4ueQeHwUzwYAZZJmJM1wBG7uscSUoZkCuoAhB3UjsQmVK2Kmq2rWqWeR0hI8E8oYvMAWipMQA1PHW26a998bqm3VEHJRIwOKT7juLPOeY8xQvPyMyfWntPzPWXGh/goPwIod5sPcbD3EwLhkZoxN5MHvNpPzLzeazpGBR9RMyjEm4UTE/8S8uNqN5meCNhoXFhsWLjIFCkUUaFDckby4zOBxZieBOk5H4mhtLybSdBOCkbDE1mQbhqL2ZR+JNrBFxqM0WJYoskbj7D/VcTGyODEvEFIOYbOQNsMoc4cOYekoMIDE2m9C9L7JbyXr4C0hKBLiC5JhnARQIBAJJQhBhzv5GW4FIM8kblgRWH14TYkNMMrLtTe/wDdE64SkPnUe0/Y3Hfu04bd1u/vxtlx6qu28/kPZIt2689UnCT9T/hY7jymWzq8e7jx4i2Hjv48Y2EJ7NupFWOacSDSwHTGmkoJbcnPo1aQawAQVMgPoBhGjRDXC81p/gco5xZZRZXNjkJeFIMo0xhuhY3RDC+0bhoOqjYa5p7E08erk873L6w1aaW7C0l7n4uM9SkTicNuf8zK8azL6TxHE3OuRaRgI5nxPp/J5jlHcY9OJmdMxeQdBNMG5FhxD1WLVVJy7tOmgUWcrPMpioOXQLIIrk8SeQ4ZnM4RkdYjmk24ya6PL27Im0RnMIOWhi0MDKeRSuSWlqqTK74dzZMzAM0qJfIqEoUh/SF3GqlFi1EqQWMfP0RFvRgkwN5bAVPKlI0XMss7l1Ho6jsLzWfARsn0HanlTI+Q5zdI26UrSSi1JVJVJVNjAqRxl5+yKmGMm2RjrnS2ZZKaSE2UWOTncXMJQtOxKh8HjlznLF53FbZhUthJMDI6GhbAxNs5FW6uVfG5SlZR27+rtvuqO2pbxJM9Qi86CkwytFs7zVD1JmzyR2pOkp8sWYROxemk7HaIqzoVqk3tzoNDNMBUjkeOdJhdKNHYjqDII+mdkBxtM4XFjCjMxoYnhSTfgLuSKcKEhwaHKlA='
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
-- locked first: outer_join__outer_join_6a74ef, outer_join__people_4d9316, outer_join__teams_5c4966 in last_update
-- 1. people (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_people_e8c9d2;
-- 2. people (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_people_e8c9d2 (name, team, c) VALUES (?, ?, ?)
-- 3. people (the query's arguments)
INSERT INTO outer_join__people_4d9316 (team, name, c)
SELECT COALESCE(d5.team, x'') AS team, d5.name AS name, d5.c
FROM temp.stepping_delta_people_e8c9d2 AS d5
WHERE TRUE
ORDER BY team, name
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__people_4d9316.c + excluded.c) = 'integer'
    THEN outer_join__people_4d9316.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of people')
  END;
-- 4. people (the query's arguments): a count below 0, looked for where rows were removed
SELECT team, name, c FROM outer_join__people_4d9316 WHERE c < 0 LIMIT 1;
-- 5. outer_join (query.py:18): the change of an output
SELECT
  d0.name AS left_name, d0.team AS left_team, 1 AS right_present, t1.number AS right_number,
  t1.title AS right_title,
  CASE
    WHEN typeof(d0.c * t1.c) = 'integer' THEN d0.c * t1.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d0
CROSS JOIN outer_join__teams_5c4966 AS t1
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
CROSS JOIN outer_join__outer_join_6a74ef AS t4
WHERE t4.value = d3.team;

------------------------------------------------------------------------------
-- When teams changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join_6a74ef, outer_join__people_4d9316, outer_join__teams_5c4966, outer_join__teams_c7809e in last_update
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
LEFT JOIN outer_join__teams_c7809e AS a ON a.value = g.value
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 5. outer_join (query.py:18)
INSERT INTO outer_join__teams_c7809e (value, c)
SELECT d6.number AS value, d6.c
FROM temp.stepping_delta_teams_84606c AS d6
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams_c7809e.c + excluded.c) = 'integer'
    THEN outer_join__teams_c7809e.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of outer_join')
  END;
-- 6. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT value, c FROM outer_join__teams_c7809e WHERE c < 0 LIMIT 1;
-- 7. outer_join (query.py:18)
INSERT INTO outer_join__outer_join_6a74ef (value, c)
SELECT d5.value AS value, d5.c
FROM temp.stepping_exists_teams_994399 AS d5
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__outer_join_6a74ef.c + excluded.c) = 'integer'
    THEN outer_join__outer_join_6a74ef.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of outer_join')
  END;
-- 8. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT value, c FROM outer_join__outer_join_6a74ef WHERE c < 0 LIMIT 1;
-- 9. teams (the query's arguments)
INSERT INTO outer_join__teams_5c4966 (number, title, c)
SELECT d7.number AS number, d7.title AS title, d7.c
FROM temp.stepping_delta_teams_84606c AS d7
WHERE TRUE
ORDER BY number, title
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams_5c4966.c + excluded.c) = 'integer'
    THEN outer_join__teams_5c4966.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of teams')
  END;
-- 10. teams (the query's arguments): a count below 0, looked for where rows were removed
SELECT number, title, c
FROM outer_join__teams_5c4966
WHERE c < 0
LIMIT 1;
-- 11. outer_join (query.py:18): the change of an output
SELECT
  t2.name AS left_name, NULLIF(t2.team, x'') AS left_team, 1 AS right_present,
  d1.number AS right_number, d1.title AS right_title,
  CASE
    WHEN typeof(d1.c * t2.c) = 'integer' THEN d1.c * t2.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_teams_84606c AS d1
CROSS JOIN outer_join__people_4d9316 AS t2
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
CROSS JOIN outer_join__people_4d9316 AS t4
WHERE t4.team = d3.value;

------------------------------------------------------------------------------
-- When any mix of people, teams changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join_6a74ef, outer_join__people_4d9316, outer_join__teams_5c4966, outer_join__teams_c7809e in last_update
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
LEFT JOIN outer_join__teams_c7809e AS a ON a.value = g.value
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 7. outer_join (query.py:18)
INSERT INTO outer_join__teams_c7809e (value, c)
SELECT d16.number AS value, d16.c
FROM temp.stepping_delta_teams_84606c AS d16
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams_c7809e.c + excluded.c) = 'integer'
    THEN outer_join__teams_c7809e.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of outer_join')
  END;
-- 8. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT value, c FROM outer_join__teams_c7809e WHERE c < 0 LIMIT 1;
-- 9. outer_join (query.py:18): the change of an output
SELECT
  d1.name AS left_name, d1.team AS left_team, 1 AS right_present, t2.number AS right_number,
  t2.title AS right_title,
  CASE
    WHEN typeof(d1.c * t2.c) = 'integer' THEN d1.c * t2.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a joined row')
  END AS stepping_count
FROM temp.stepping_delta_people_e8c9d2 AS d1
CROSS JOIN outer_join__teams_5c4966 AS t2
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
CROSS JOIN outer_join__people_4d9316 AS t6
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
CROSS JOIN outer_join__outer_join_6a74ef AS t9
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
CROSS JOIN outer_join__people_4d9316 AS t13
WHERE t13.team = d12.value;
-- 10. outer_join (query.py:18)
INSERT INTO outer_join__outer_join_6a74ef (value, c)
SELECT d14.value AS value, d14.c
FROM temp.stepping_exists_teams_994399 AS d14
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__outer_join_6a74ef.c + excluded.c) = 'integer'
    THEN outer_join__outer_join_6a74ef.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of outer_join')
  END;
-- 11. outer_join (query.py:18): a count below 0, looked for where rows were removed
SELECT value, c FROM outer_join__outer_join_6a74ef WHERE c < 0 LIMIT 1;
-- 12. people (the query's arguments)
INSERT INTO outer_join__people_4d9316 (team, name, c)
SELECT COALESCE(d15.team, x'') AS team, d15.name AS name, d15.c
FROM temp.stepping_delta_people_e8c9d2 AS d15
WHERE TRUE
ORDER BY team, name
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__people_4d9316.c + excluded.c) = 'integer'
    THEN outer_join__people_4d9316.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of people')
  END;
-- 13. people (the query's arguments): a count below 0, looked for where rows were removed
SELECT team, name, c FROM outer_join__people_4d9316 WHERE c < 0 LIMIT 1;
-- 14. teams (the query's arguments)
INSERT INTO outer_join__teams_5c4966 (number, title, c)
SELECT d17.number AS number, d17.title AS title, d17.c
FROM temp.stepping_delta_teams_84606c AS d17
WHERE TRUE
ORDER BY number, title
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(outer_join__teams_5c4966.c + excluded.c) = 'integer'
    THEN outer_join__teams_5c4966.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of teams')
  END;
-- 15. teams (the query's arguments): a count below 0, looked for where rows were removed
SELECT number, title, c
FROM outer_join__teams_5c4966
WHERE c < 0
LIMIT 1;
