-- The query outer_join on postgres; fingerprint 01b0904584329decfecbf1036df75099
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
-- One changed row of people: 1 statement, 3 look-ups, 1 row written
--   outer_join__people as a whole row, at most one row
--   outer_join__teams by number
--   outer_join__outer_join as a whole row, at most one row
-- One changed row of teams: 1 statement, 6 look-ups, 3 rows written
--   outer_join__teams_2 as a whole row, at most one row
--   outer_join__teams_2 as a whole row, at most one row
--   outer_join__outer_join as a whole row, at most one row
--   outer_join__teams as a whole row, at most one row
--   outer_join__people by team, 2 times

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
-- outer_join__outer_join: the rows of outer_join, looked up by value
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__outer_join (
    value BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT outer_join__outer_join__not_negative CHECK (c >= 0)
);
--   outer_join__outer_join__value_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS outer_join__outer_join__value_key ON outer_join__outer_join (value, (hash_record_extended(ROW(value), 0)));
--   outer_join__outer_join: its rows can be changed where all tables are published
ALTER TABLE outer_join__outer_join REPLICA IDENTITY FULL;
--   outer_join__outer_join: what it is for, as \d+ shows it
COMMENT ON TABLE outer_join__outer_join IS 'stepping: the rows of outer_join, looked up by value; for outer_join';
-- outer_join__people: the rows of people, looked up by team
-- for people (the query's arguments)
-- it has a row for each different row of people in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__people (
    team BIGINT,
    name TEXT COLLATE "C" NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT outer_join__people__not_negative CHECK (c >= 0)
);
--   outer_join__people__team_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS outer_join__people__team_key ON outer_join__people ((hash_record_extended(ROW(team), 0)), (hash_record_extended(ROW(team, name), 0)));
--   outer_join__people: its rows can be changed where all tables are published
ALTER TABLE outer_join__people REPLICA IDENTITY FULL;
--   outer_join__people: what it is for, as \d+ shows it
COMMENT ON TABLE outer_join__people IS 'stepping: the rows of people, looked up by team; for people';
-- outer_join__teams_2: the integral of outer_join
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__teams_2 (
    value BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT outer_join__teams_2__not_negative CHECK (c >= 0)
);
--   outer_join__teams_2__row_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS outer_join__teams_2__row_key ON outer_join__teams_2 ((hash_record_extended(ROW(value), 0)));
--   outer_join__teams_2: its rows can be changed where all tables are published
ALTER TABLE outer_join__teams_2 REPLICA IDENTITY FULL;
--   outer_join__teams_2: what it is for, as \d+ shows it
COMMENT ON TABLE outer_join__teams_2 IS 'stepping: the integral of outer_join; for outer_join';
-- outer_join__teams: the rows of teams, looked up by number
-- for teams (the query's arguments)
-- it has a row for each different row of teams in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__teams (
    number BIGINT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT outer_join__teams__not_negative CHECK (c >= 0)
);
--   outer_join__teams__number_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS outer_join__teams__number_key ON outer_join__teams (number, (hash_record_extended(ROW(number, title), 0)));
--   outer_join__teams: its rows can be changed where all tables are published
ALTER TABLE outer_join__teams REPLICA IDENTITY FULL;
--   outer_join__teams: what it is for, as \d+ shows it
COMMENT ON TABLE outer_join__teams IS 'stepping: the rows of teams, looked up by number; for teams';

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
    '01b0904584329decfecbf1036df75099',
    'postgres',
    2,
    '2 069a52d5aa117aa6 QlpoOTFBWSZTWcja+RUACE/fgEAAUOV/+z/v3u6////qYAY/DvZR4EBva9hoADhKUExqaaE/1QAZGowIwIzUHojQAwinpkaZCZKADQAAAAAGgAGoNJlPRA00AAAAAAAAAEhRUGIAAGgBoA9QAGgAA5gCMExAMAmCaMhoYBMEYmCpJAgAp5BomqfpNoU09RtR+VNqPRk9E9UDxShJ+yT+J79fla+7uNUwvtHI94yeXzsfkjvPQervqqUo2astfsGeOFVST6mOOOWY/L+1VVVWC5g8k9he4yaH74qo+XFU6dWltuuq5dZdcq1l1qrDBoGddc/E0/JMHweg8Cjj1YFtz2q/n7b1uoZT7J6PAS84kQKOSAtg4NIjwnFvII6UAxA6oAA2DKN/ec3WqHXNB1IKBlVIjAjiHKhh1HKOs+mVVSsYl5HST5HJrL9u2qstax7S9MqpKooqKoUKk+yM1ywWukVcZIkwYUZBBAco2SCUbiRCKCLO/Lm8w3rtm1/ROEVD3Uqv2iu0zFHXFZzjccb76jSsxY4fiTxpPuUi0qJUqTEoWUKVKpVKKKdw9dYDc7tfp2w4+r092vp6P7yfBIEexPGMtuMAY4dT4JGaVZiV2sDZl942o8JM7HcFKToODFHBiUCwUMKQapapvhhJ9UGzEeCuQ5oFQmbqGE0ZxCVHmELOWSKxksCeAkF8r5LSsgqlBTC9KohNIYSfSLmjG1nA+JBM70WLRrZisDqrUVdV1pPiZwFVpCqkbhazwG83vWJiRTEIispjK87TaZUZHSQaiyROiThUVG0EupJrLWFfYAa4LgAMsBALrgTFi8/wOR+p2E7zOe4drEfmTxLF5TA/QpF54GRnRQzjxPmeJcYFjQLMwsUNZmLieIo+cm0qx8RmMjKSZE/c8onk0GwsTUaYLFpOBUUXQ0JQo3wbovPMo2GAxO+MxeMxYbmgXSVCoYk1I3Flx8SZGp4l8M0a0mk9x76/xSqWqykm5qXw3Kp+Z4dA8ZQYQGJtN2ulLY2d6hQSlIkrEbQJFMTfDxB4JkGA0Ik6DSAb9VLfqmc76gsywbvDgKhFSxzcX+vtJNaTmkiiP4OaLH0P8jYcPjt/Tht32+M7zb9hjTkVyQEfbusgYiKJ2B5hfB6Hqjpqqt0I3a1F++x9qiY6lhJjEDIANNBjHMFqQ8/Iea4uHQMCdScD2ArVFxvwtG06U+zsLOquxFWVL6pVrLYF0NapSjEvdiKMb7VVme1rrWUo0N3Tbdt4c/NXnxrDPoVz8/b7VSScDfp6ua+NH1S6M+XIZ3qMC0c7oiWOeRRIrkfh8HrOMbvOY78jOeuCokBgBFiJY3LNa9QvPjsuC669HIyjKYgkCEBrGBZzdSjrj1xZHoNOg6jhGc6CRySdpuyk10bmqSdZIzJRfB+DSdjUYmkzVVKV0JZaqMruxpS6SYpSS4lSRQojyScxfSqlFLFQLHs1xGV6TTGwWi8WLTuSpF69jTGjnWy6SwsfUkaE9J0p1JkcU1ROgwjjgaDXWqyotRakqkqiqLdEHFLz6Ivi0wlmRsiX6TNnn1X5lMMSpInWtFi4zxf0NF6/JLDGckqHQf7diXr7y4secrZMKlsCYGRpjaowM5szRzTnK4ca++ClKxNMdVb6jqW4JdLS0MmUaDOSMS2wtlUqqqs9otcOuTwTOzYo64nmKfeLMEnJemhOTeSK1rs8m+W37BpM0xFJOaJ2pvMLpRpckeZHu8KWHG0yxxXAoczGhidqiTf+LuSKcKEhkbXyKg=='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When people changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join, outer_join__people, outer_join__teams in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   people: the query's arguments
--   outer_join: query.py:18
WITH people_change AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.team, u.c
  FROM unnest(CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[]), CAST('{}' AS BIGINT[])) AS u(name, team, c)
), people_found AS MATERIALIZED (
  SELECT g.team, g.name, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM people_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__people AS a
    WHERE
      hash_record_extended(ROW(a.team), 0) = hash_record_extended(ROW(g.team), 0)
      AND a.team IS NOT DISTINCT FROM g.team
      AND hash_record_extended(ROW(a.team, a.name), 0) = hash_record_extended(ROW(g.team, g.name), 0)
      AND ROW(a.team, a.name) IS NOT DISTINCT FROM ROW(g.team, g.name)
    LIMIT 1
  ) AS l ON TRUE
), people_inserted AS (
  INSERT INTO outer_join__people (team, name, c)
  SELECT o.team, o.name, o.c
  FROM people_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), people_updated AS (
  UPDATE outer_join__people AS a
  SET c = o.c
  FROM people_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), people_deleted AS (
  DELETE FROM outer_join__people AS a
  USING people_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(d0.name AS TEXT) AS left_name,
  CAST(d0.team AS BIGINT) AS left_team, CAST(TRUE AS BOOLEAN) AS right_present,
  CAST(t1.number AS BIGINT) AS right_number, CAST(t1.title AS TEXT) AS right_title,
  CAST(d0.c * t1.c AS BIGINT) AS stepping_count
FROM people_change AS d0
CROSS JOIN LATERAL (
  SELECT t1.*
  FROM outer_join__teams AS t1
  WHERE t1.number = d0.team
  OFFSET 0
) AS t1
UNION ALL
SELECT
  0 AS stepping_output, CAST(d2.name AS TEXT) AS left_name,
  CAST(d2.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title, CAST(d2.c AS BIGINT) AS stepping_count
FROM people_change AS d2
UNION ALL
SELECT
  0 AS stepping_output, CAST(d3.name AS TEXT) AS left_name,
  CAST(d3.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title,
  CAST(-(d3.c * t4.c) AS BIGINT) AS stepping_count
FROM people_change AS d3
CROSS JOIN LATERAL (
  SELECT t4.*
  FROM outer_join__outer_join AS t4
  WHERE t4.value = d3.team
  OFFSET 0
) AS t4;

------------------------------------------------------------------------------
-- When teams changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join, outer_join__people, outer_join__teams, outer_join__teams_2 in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   teams: the query's arguments
--   outer_join: query.py:18
WITH teams_change AS MATERIALIZED (
  SELECT u.number, u.title COLLATE "C" AS title, u.c
  FROM unnest(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(number, title, c)
), outer_join_change AS MATERIALIZED (
  SELECT g.value, CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE -1 END AS c
  FROM (
    SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
    FROM (SELECT d0.number AS value, d0.c FROM teams_change AS d0) AS g
    GROUP BY g.value
    HAVING SUM(g.c) <> 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM outer_join__teams_2 AS a
    WHERE
      hash_record_extended(ROW(a.value), 0) = hash_record_extended(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    OFFSET 0
  ) AS a ON TRUE
  WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0)
), outer_join_changed AS (
  SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (SELECT d6.number AS value, d6.c FROM teams_change AS d6) AS g
  GROUP BY g.value
  HAVING SUM(g.c) <> 0
), outer_join_found AS MATERIALIZED (
  SELECT g.value, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM outer_join_changed AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__teams_2 AS a
    WHERE
      hash_record_extended(ROW(a.value), 0) = hash_record_extended(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    LIMIT 1
  ) AS l ON TRUE
), outer_join_inserted AS (
  INSERT INTO outer_join__teams_2 (value, c)
  SELECT o.value, o.c
  FROM outer_join_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), outer_join_updated AS (
  UPDATE outer_join__teams_2 AS a
  SET c = o.c
  FROM outer_join_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), outer_join_deleted AS (
  DELETE FROM outer_join__teams_2 AS a
  USING outer_join_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), outer_join_found_2 AS MATERIALIZED (
  SELECT g.value, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM outer_join_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__outer_join AS a
    WHERE
      a.value = g.value
      AND hash_record_extended(ROW(a.value), 0) = hash_record_extended(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    LIMIT 1
  ) AS l ON TRUE
), outer_join_inserted_2 AS (
  INSERT INTO outer_join__outer_join (value, c)
  SELECT o.value, o.c
  FROM outer_join_found_2 AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), outer_join_updated_2 AS (
  UPDATE outer_join__outer_join AS a
  SET c = o.c
  FROM outer_join_found_2 AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), outer_join_deleted_2 AS (
  DELETE FROM outer_join__outer_join AS a
  USING outer_join_found_2 AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), teams_found AS MATERIALIZED (
  SELECT g.number, g.title, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM teams_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__teams AS a
    WHERE
      a.number = g.number
      AND hash_record_extended(ROW(a.number, a.title), 0) = hash_record_extended(ROW(g.number, g.title), 0)
      AND ROW(a.number, a.title) IS NOT DISTINCT FROM ROW(g.number, g.title)
    LIMIT 1
  ) AS l ON TRUE
), teams_inserted AS (
  INSERT INTO outer_join__teams (number, title, c)
  SELECT o.number, o.title, o.c
  FROM teams_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), teams_updated AS (
  UPDATE outer_join__teams AS a
  SET c = o.c
  FROM teams_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), teams_deleted AS (
  DELETE FROM outer_join__teams AS a
  USING teams_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(t2.name AS TEXT) AS left_name,
  CAST(t2.team AS BIGINT) AS left_team, CAST(TRUE AS BOOLEAN) AS right_present,
  CAST(d1.number AS BIGINT) AS right_number, CAST(d1.title AS TEXT) AS right_title,
  CAST(d1.c * t2.c AS BIGINT) AS stepping_count
FROM teams_change AS d1
CROSS JOIN LATERAL (
  SELECT t2.*
  FROM outer_join__people AS t2
  WHERE
    hash_record_extended(ROW(t2.team), 0) = hash_record_extended(ROW(d1.number), 0)
    AND t2.team = d1.number
  OFFSET 0
) AS t2
UNION ALL
SELECT
  0 AS stepping_output, CAST(t4.name AS TEXT) AS left_name,
  CAST(t4.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title,
  CAST(-(d3.c * t4.c) AS BIGINT) AS stepping_count
FROM outer_join_change AS d3
CROSS JOIN LATERAL (
  SELECT t4.*
  FROM outer_join__people AS t4
  WHERE
    hash_record_extended(ROW(t4.team), 0) = hash_record_extended(ROW(d3.value), 0)
    AND t4.team = d3.value
  OFFSET 0
) AS t4;

------------------------------------------------------------------------------
-- When any mix of people, teams changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join, outer_join__people, outer_join__teams, outer_join__teams_2 in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   people: the query's arguments
--   teams: the query's arguments
--   outer_join: query.py:18
WITH people_change AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.team, u.c
  FROM unnest(CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[]), CAST('{}' AS BIGINT[])) AS u(name, team, c)
), teams_change AS MATERIALIZED (
  SELECT u.number, u.title COLLATE "C" AS title, u.c
  FROM unnest(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(number, title, c)
), outer_join_change AS MATERIALIZED (
  SELECT g.value, CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE -1 END AS c
  FROM (
    SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
    FROM (SELECT d0.number AS value, d0.c FROM teams_change AS d0) AS g
    GROUP BY g.value
    HAVING SUM(g.c) <> 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM outer_join__teams_2 AS a
    WHERE
      hash_record_extended(ROW(a.value), 0) = hash_record_extended(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    OFFSET 0
  ) AS a ON TRUE
  WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0)
), outer_join_changed AS (
  SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (SELECT d16.number AS value, d16.c FROM teams_change AS d16) AS g
  GROUP BY g.value
  HAVING SUM(g.c) <> 0
), outer_join_found AS MATERIALIZED (
  SELECT g.value, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM outer_join_changed AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__teams_2 AS a
    WHERE
      hash_record_extended(ROW(a.value), 0) = hash_record_extended(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    LIMIT 1
  ) AS l ON TRUE
), outer_join_inserted AS (
  INSERT INTO outer_join__teams_2 (value, c)
  SELECT o.value, o.c
  FROM outer_join_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), outer_join_updated AS (
  UPDATE outer_join__teams_2 AS a
  SET c = o.c
  FROM outer_join_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), outer_join_deleted AS (
  DELETE FROM outer_join__teams_2 AS a
  USING outer_join_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), outer_join_found_2 AS MATERIALIZED (
  SELECT g.value, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM outer_join_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__outer_join AS a
    WHERE
      a.value = g.value
      AND hash_record_extended(ROW(a.value), 0) = hash_record_extended(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    LIMIT 1
  ) AS l ON TRUE
), outer_join_inserted_2 AS (
  INSERT INTO outer_join__outer_join (value, c)
  SELECT o.value, o.c
  FROM outer_join_found_2 AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), outer_join_updated_2 AS (
  UPDATE outer_join__outer_join AS a
  SET c = o.c
  FROM outer_join_found_2 AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), outer_join_deleted_2 AS (
  DELETE FROM outer_join__outer_join AS a
  USING outer_join_found_2 AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), people_found AS MATERIALIZED (
  SELECT g.team, g.name, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM people_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__people AS a
    WHERE
      hash_record_extended(ROW(a.team), 0) = hash_record_extended(ROW(g.team), 0)
      AND a.team IS NOT DISTINCT FROM g.team
      AND hash_record_extended(ROW(a.team, a.name), 0) = hash_record_extended(ROW(g.team, g.name), 0)
      AND ROW(a.team, a.name) IS NOT DISTINCT FROM ROW(g.team, g.name)
    LIMIT 1
  ) AS l ON TRUE
), people_inserted AS (
  INSERT INTO outer_join__people (team, name, c)
  SELECT o.team, o.name, o.c
  FROM people_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), people_updated AS (
  UPDATE outer_join__people AS a
  SET c = o.c
  FROM people_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), people_deleted AS (
  DELETE FROM outer_join__people AS a
  USING people_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), teams_found AS MATERIALIZED (
  SELECT g.number, g.title, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM teams_change AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__teams AS a
    WHERE
      a.number = g.number
      AND hash_record_extended(ROW(a.number, a.title), 0) = hash_record_extended(ROW(g.number, g.title), 0)
      AND ROW(a.number, a.title) IS NOT DISTINCT FROM ROW(g.number, g.title)
    LIMIT 1
  ) AS l ON TRUE
), teams_inserted AS (
  INSERT INTO outer_join__teams (number, title, c)
  SELECT o.number, o.title, o.c
  FROM teams_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), teams_updated AS (
  UPDATE outer_join__teams AS a
  SET c = o.c
  FROM teams_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), teams_deleted AS (
  DELETE FROM outer_join__teams AS a
  USING teams_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(d1.name AS TEXT) AS left_name,
  CAST(d1.team AS BIGINT) AS left_team, CAST(TRUE AS BOOLEAN) AS right_present,
  CAST(t2.number AS BIGINT) AS right_number, CAST(t2.title AS TEXT) AS right_title,
  CAST(d1.c * t2.c AS BIGINT) AS stepping_count
FROM people_change AS d1
CROSS JOIN LATERAL (
  SELECT t2.*
  FROM outer_join__teams AS t2
  WHERE t2.number = d1.team
  OFFSET 0
) AS t2
UNION ALL
SELECT
  0 AS stepping_output, CAST(d3.name AS TEXT) AS left_name,
  CAST(d3.team AS BIGINT) AS left_team, CAST(TRUE AS BOOLEAN) AS right_present,
  CAST(d4.number AS BIGINT) AS right_number, CAST(d4.title AS TEXT) AS right_title,
  CAST(d3.c * d4.c AS BIGINT) AS stepping_count
FROM people_change AS d3
CROSS JOIN teams_change AS d4
WHERE d3.team = d4.number
UNION ALL
SELECT
  0 AS stepping_output, CAST(t6.name AS TEXT) AS left_name,
  CAST(t6.team AS BIGINT) AS left_team, CAST(TRUE AS BOOLEAN) AS right_present,
  CAST(d5.number AS BIGINT) AS right_number, CAST(d5.title AS TEXT) AS right_title,
  CAST(d5.c * t6.c AS BIGINT) AS stepping_count
FROM teams_change AS d5
CROSS JOIN LATERAL (
  SELECT t6.*
  FROM outer_join__people AS t6
  WHERE
    hash_record_extended(ROW(t6.team), 0) = hash_record_extended(ROW(d5.number), 0)
    AND t6.team = d5.number
  OFFSET 0
) AS t6
UNION ALL
SELECT
  0 AS stepping_output, CAST(d7.name AS TEXT) AS left_name,
  CAST(d7.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title, CAST(d7.c AS BIGINT) AS stepping_count
FROM people_change AS d7
UNION ALL
SELECT
  0 AS stepping_output, CAST(d8.name AS TEXT) AS left_name,
  CAST(d8.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title,
  CAST(-(d8.c * t9.c) AS BIGINT) AS stepping_count
FROM people_change AS d8
CROSS JOIN LATERAL (
  SELECT t9.*
  FROM outer_join__outer_join AS t9
  WHERE t9.value = d8.team
  OFFSET 0
) AS t9
UNION ALL
SELECT
  0 AS stepping_output, CAST(d10.name AS TEXT) AS left_name,
  CAST(d10.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title,
  CAST(-(d10.c * d11.c) AS BIGINT) AS stepping_count
FROM people_change AS d10
CROSS JOIN outer_join_change AS d11
WHERE d10.team = d11.value
UNION ALL
SELECT
  0 AS stepping_output, CAST(t13.name AS TEXT) AS left_name,
  CAST(t13.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title,
  CAST(-(d12.c * t13.c) AS BIGINT) AS stepping_count
FROM outer_join_change AS d12
CROSS JOIN LATERAL (
  SELECT t13.*
  FROM outer_join__people AS t13
  WHERE
    hash_record_extended(ROW(t13.team), 0) = hash_record_extended(ROW(d12.value), 0)
    AND t13.team = d12.value
  OFFSET 0
) AS t13;
