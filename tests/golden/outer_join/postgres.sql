-- The query outer_join on postgres; fingerprint 5095c700ebac7ecf5750485da3873666
--
-- output
--   3. outer_join  query.py:18
--   │    incremental: the change of each side meets the rows of the other with its key
--   │    keeps outer_join__teams_c7809e
--   │    keeps outer_join__outer_join_by_value_6a74ef
--   │          key (value): look-ups, and the row itself
--   ├─ 1. people (input)
--   │       keeps outer_join__people_by_team_4d9316
--   │             key (team): look-ups, and the row itself
--   └─ 2. teams (input)
--           keeps outer_join__teams_by_number_5c4966
--                 key (number): look-ups, and the row itself
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of people: 1 statement, 3 look-ups, 1 row written
--   outer_join__people_by_team_4d9316 as a whole row, at most one row
--   outer_join__teams_by_number_5c4966 by number
--   outer_join__outer_join_by_value_6a74ef as a whole row, at most one row
-- One changed row of teams: 1 statement, 6 look-ups, 3 rows written
--   outer_join__teams_c7809e as a whole row, at most one row
--   outer_join__teams_c7809e as a whole row, at most one row
--   outer_join__outer_join_by_value_6a74ef as a whole row, at most one row
--   outer_join__teams_by_number_5c4966 as a whole row, at most one row
--   outer_join__people_by_team_4d9316 by team, 2 times

------------------------------------------------------------------------------
-- Our own tables
------------------------------------------------------------------------------
-- last_update: up to which time each kept table is written; one row per table
CREATE TABLE IF NOT EXISTS last_update (
    table_name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    t BIGINT NOT NULL
) WITH (fillfactor = 10);
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
-- stepping_clock: where store.next_time() stands
CREATE SEQUENCE IF NOT EXISTS stepping_clock;
-- stepping_queue: changes that store.drain() will fold in; those that wait
CREATE TABLE IF NOT EXISTS stepping_queue (
    query TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    row_count BIGINT NOT NULL,
    change BYTEA NOT NULL,
    enqueued_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    error TEXT,
    PRIMARY KEY (query, id)
);
-- stepping_times: the times that store.next_time() gave out; those in use
CREATE TABLE IF NOT EXISTS stepping_times (
    query TEXT COLLATE "C" NOT NULL,
    t BIGINT NOT NULL,
    void BOOLEAN NOT NULL,
    lease_until DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (query, t)
);
-- stepping_iterations: steps that are committed in stages; those at work or put aside
CREATE TABLE IF NOT EXISTS stepping_iterations (
    query TEXT COLLATE "C" NOT NULL,
    t BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    stage BIGINT NOT NULL,
    stages BIGINT NOT NULL,
    predecessor BIGINT NOT NULL,
    plan TEXT NOT NULL,
    state TEXT NOT NULL,
    input BYTEA NOT NULL,
    worker TEXT,
    error TEXT,
    begun_at DOUBLE PRECISION NOT NULL,
    lease_until DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (query, t)
);
-- stepping_journal: what stages have handed to later ones; of steps that are at work
CREATE TABLE IF NOT EXISTS stepping_journal (
    query TEXT COLLATE "C" NOT NULL,
    t BIGINT NOT NULL,
    name TEXT NOT NULL,
    packed BYTEA,
    kept TEXT[],
    PRIMARY KEY (query, t, name)
);

------------------------------------------------------------------------------
-- Tables that are kept
------------------------------------------------------------------------------
-- outer_join__outer_join_by_value_6a74ef: the rows of outer_join, looked up by value
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__outer_join_by_value_6a74ef (
    value BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT outer_join__outer_join_by_value_6a74ef__not_negative CHECK (c >= 0)
);
--   outer_join__outer_join_by_value_6a74ef__value_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS outer_join__outer_join_by_value_6a74ef__value_key ON outer_join__outer_join_by_value_6a74ef (value, (HASH_RECORD_EXTENDED(ROW(value), 0)));
--   outer_join__outer_join_by_value_6a74ef: its rows can be changed where all tables are published
ALTER TABLE outer_join__outer_join_by_value_6a74ef REPLICA IDENTITY FULL;
--   outer_join__outer_join_by_value_6a74ef: what it is for, as \d+ shows it
COMMENT ON TABLE outer_join__outer_join_by_value_6a74ef IS 'stepping: the rows of outer_join, looked up by value; for outer_join';
-- outer_join__people_by_team_4d9316: the rows of people, looked up by team
-- for people (the query's arguments)
-- it has a row for each different row of people in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__people_by_team_4d9316 (
    team BIGINT,
    name TEXT COLLATE "C" NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT outer_join__people_by_team_4d9316__not_negative CHECK (c >= 0)
);
--   outer_join__people_by_team_4d9316__team_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS outer_join__people_by_team_4d9316__team_key ON outer_join__people_by_team_4d9316 ((HASH_RECORD_EXTENDED(ROW(team), 0)), (HASH_RECORD_EXTENDED(ROW(team, name), 0)));
--   outer_join__people_by_team_4d9316: its rows can be changed where all tables are published
ALTER TABLE outer_join__people_by_team_4d9316 REPLICA IDENTITY FULL;
--   outer_join__people_by_team_4d9316: what it is for, as \d+ shows it
COMMENT ON TABLE outer_join__people_by_team_4d9316 IS 'stepping: the rows of people, looked up by team; for people';
-- outer_join__teams_c7809e: the integral of outer_join
-- for outer_join (query.py:18)
-- it has a row for each different row of the result of outer_join
CREATE TABLE IF NOT EXISTS outer_join__teams_c7809e (
    value BIGINT NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT outer_join__teams_c7809e__not_negative CHECK (c >= 0)
);
--   outer_join__teams_c7809e__row_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS outer_join__teams_c7809e__row_key ON outer_join__teams_c7809e ((HASH_RECORD_EXTENDED(ROW(value), 0)));
--   outer_join__teams_c7809e: its rows can be changed where all tables are published
ALTER TABLE outer_join__teams_c7809e REPLICA IDENTITY FULL;
--   outer_join__teams_c7809e: what it is for, as \d+ shows it
COMMENT ON TABLE outer_join__teams_c7809e IS 'stepping: the integral of outer_join; for outer_join';
-- outer_join__teams_by_number_5c4966: the rows of teams, looked up by number
-- for teams (the query's arguments)
-- it has a row for each different row of teams in the columns it keeps
CREATE TABLE IF NOT EXISTS outer_join__teams_by_number_5c4966 (
    number BIGINT NOT NULL,
    title TEXT COLLATE "C" NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT outer_join__teams_by_number_5c4966__not_negative CHECK (c >= 0)
);
--   outer_join__teams_by_number_5c4966__number_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS outer_join__teams_by_number_5c4966__number_key ON outer_join__teams_by_number_5c4966 (number, (HASH_RECORD_EXTENDED(ROW(number, title), 0)));
--   outer_join__teams_by_number_5c4966: its rows can be changed where all tables are published
ALTER TABLE outer_join__teams_by_number_5c4966 REPLICA IDENTITY FULL;
--   outer_join__teams_by_number_5c4966: what it is for, as \d+ shows it
COMMENT ON TABLE outer_join__teams_by_number_5c4966 IS 'stepping: the rows of teams, looked up by number; for teams';

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('outer_join__outer_join_by_value_6a74ef', 0), ('outer_join__people_by_team_4d9316', 0),
  ('outer_join__teams_by_number_5c4966', 0), ('outer_join__teams_c7809e', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'outer_join',
    '5095c700ebac7ecf5750485da3873666',
    'postgres',
    1,
    '1 7489ab7aecba277e {"query":"outer_join","dialect":"postgres","fingerprint":"5095c700ebac7ecf5750485da3873666","tables":[{"table":{"name":"outer_join__outer_join_by_value_6a74ef","kind":"delay","columns":[{"name":"value","type":{"kind":"int"}}],"weight":"c","key":["value"],"non_negative":true,"reason":"the rows of outer_join, looked up by value","serves":"outer_join","where":"query.py:18","digest":"6a74ef84c34f57d351125545d6c4ebc0","rows":"26750c68d8ae76790098a85b559c2960","holds":[["value","value"]],"rows_of":"int","node":"968860603ae6e4964b69651e5893a324"},"ddl":["CREATE TABLE IF NOT EXISTS outer_join__outer_join_by_value_6a74ef (\n    value BIGINT NOT NULL,\n    c BIGINT NOT NULL,\n    CONSTRAINT outer_join__outer_join_by_value_6a74ef__not_negative CHECK (c >= 0)\n)","CREATE INDEX IF NOT EXISTS outer_join__outer_join_by_value_6a74ef__value_key ON outer_join__outer_join_by_value_6a74ef (value, (HASH_RECORD_EXTENDED(ROW(value), 0)))","ALTER TABLE outer_join__outer_join_by_value_6a74ef REPLICA IDENTITY FULL","COMMENT ON TABLE outer_join__outer_join_by_value_6a74ef IS ''stepping: the rows of outer_join, looked up by value; for outer_join''"]},{"table":{"name":"outer_join__people_by_team_4d9316","kind":"delay","columns":[{"name":"team","type":{"kind":"int","nullable":true}},{"name":"name","type":{"kind":"text"}}],"weight":"c","key":["team"],"non_negative":true,"reason":"the rows of people, looked up by team","serves":"people","where":"the query''s arguments","digest":"4d931680da767c1d3873c48008ed209a","rows":"a719ca00f8c84dcb718ea6aec1178a06","holds":[["team","team"],["name","name"]],"input":"people","rows_of":"Person","node":"dc562d526e34df849543f3330d804f07"},"ddl":["CREATE TABLE IF NOT EXISTS outer_join__people_by_team_4d9316 (\n    team BIGINT,\n    name TEXT COLLATE \"C\" NOT NULL,\n    c BIGINT NOT NULL,\n    CONSTRAINT outer_join__people_by_team_4d9316__not_negative CHECK (c >= 0)\n)","CREATE INDEX IF NOT EXISTS outer_join__people_by_team_4d9316__team_key ON outer_join__people_by_team_4d9316 ((HASH_RECORD_EXTENDED(ROW(team), 0)), (HASH_RECORD_EXTENDED(ROW(team, name), 0)))","ALTER TABLE outer_join__people_by_team_4d9316 REPLICA IDENTITY FULL","COMMENT ON TABLE outer_join__people_by_team_4d9316 IS ''stepping: the rows of people, looked up by team; for people''"]},{"table":{"name":"outer_join__teams_c7809e","kind":"delay","columns":[{"name":"value","type":{"kind":"int"}}],"weight":"c","non_negative":true,"reason":"the integral of outer_join","serves":"outer_join","where":"query.py:18","digest":"c7809e9d8cf76e18d10bb702fbf2ea65","rows":"ce781f3c57487054c79d0326c3f777c5","holds":[["value","value"]],"rows_of":"int","node":"620e543b5e47e6e81bfa18f9f81b9885"},"ddl":["CREATE TABLE IF NOT EXISTS outer_join__teams_c7809e (\n    value BIGINT NOT NULL,\n    c BIGINT NOT NULL,\n    CONSTRAINT outer_join__teams_c7809e__not_negative CHECK (c >= 0)\n)","CREATE INDEX IF NOT EXISTS outer_join__teams_c7809e__row_key ON outer_join__teams_c7809e ((HASH_RECORD_EXTENDED(ROW(value), 0)))","ALTER TABLE outer_join__teams_c7809e REPLICA IDENTITY FULL","COMMENT ON TABLE outer_join__teams_c7809e IS ''stepping: the integral of outer_join; for outer_join''"]},{"table":{"name":"outer_join__teams_by_number_5c4966","kind":"delay","columns":[{"name":"number","type":{"kind":"int"}},{"name":"title","type":{"kind":"text"}}],"weight":"c","key":["number"],"non_negative":true,"reason":"the rows of teams, looked up by number","serves":"teams","where":"the query''s arguments","digest":"5c4966122a460b9260ab8462bf843500","rows":"1a4b76515ab0ce838cb277b2a03fbe49","holds":[["number","number"],["title","title"]],"input":"teams","rows_of":"Team","node":"fff5c876fc9e58184bbf8466b5b6344e"},"ddl":["CREATE TABLE IF NOT EXISTS outer_join__teams_by_number_5c4966 (\n    number BIGINT NOT NULL,\n    title TEXT COLLATE \"C\" NOT NULL,\n    c BIGINT NOT NULL,\n    CONSTRAINT outer_join__teams_by_number_5c4966__not_negative CHECK (c >= 0)\n)","CREATE INDEX IF NOT EXISTS outer_join__teams_by_number_5c4966__number_key ON outer_join__teams_by_number_5c4966 (number, (HASH_RECORD_EXTENDED(ROW(number, title), 0)))","ALTER TABLE outer_join__teams_by_number_5c4966 REPLICA IDENTITY FULL","COMMENT ON TABLE outer_join__teams_by_number_5c4966 IS ''stepping: the rows of teams, looked up by number; for teams''"]}],"inputs":[{"name":"people","row":"Person","columns":[{"name":"name","path":["name"],"type":{"kind":"text"}},{"name":"team","path":["team"],"type":{"kind":"int","nullable":true}}]},{"name":"teams","row":"Team","columns":[{"name":"number","path":["number"],"type":{"kind":"int"}},{"name":"title","path":["title"],"type":{"kind":"text"}}]}],"caches":[]}'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When people changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join_by_value_6a74ef, outer_join__people_by_team_4d9316, outer_join__teams_by_number_5c4966 in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   stepping_delta_people_e8c9d2: people (the query's arguments)
--   m2_g: people (the query's arguments)
--   m2_o: people (the query's arguments)
--   m2_i: people (the query's arguments)
--   m2_u: people (the query's arguments)
--   m2_d: people (the query's arguments)
--   SELECT: outer_join (query.py:18)
WITH stepping_delta_people_e8c9d2 AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.team, u.c
  FROM UNNEST(CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[]), CAST('{}' AS BIGINT[])) AS u(name, team, c)
), m2_g AS (SELECT d5.team, d5.name, d5.c FROM stepping_delta_people_e8c9d2 AS d5), m2_o AS MATERIALIZED (
  SELECT g.team, g.name, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m2_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__people_by_team_4d9316 AS a
    WHERE
      HASH_RECORD_EXTENDED(ROW(a.team), 0) = HASH_RECORD_EXTENDED(ROW(g.team), 0)
      AND a.team IS NOT DISTINCT FROM g.team
      AND HASH_RECORD_EXTENDED(ROW(a.team, a.name), 0) = HASH_RECORD_EXTENDED(ROW(g.team, g.name), 0)
      AND ROW(a.team, a.name) IS NOT DISTINCT FROM ROW(g.team, g.name)
    LIMIT 1
  ) AS l ON TRUE
), m2_i AS (
  INSERT INTO outer_join__people_by_team_4d9316 (team, name, c)
  SELECT o.team, o.name, o.c
  FROM m2_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m2_u AS (
  UPDATE outer_join__people_by_team_4d9316 AS a
  SET c = o.c
  FROM m2_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m2_d AS (
  DELETE FROM outer_join__people_by_team_4d9316 AS a
  USING m2_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(d0.name AS TEXT) AS left_name,
  CAST(d0.team AS BIGINT) AS left_team, CAST(TRUE AS BOOLEAN) AS right_present,
  CAST(t1.number AS BIGINT) AS right_number, CAST(t1.title AS TEXT) AS right_title,
  CAST(d0.c * t1.c AS BIGINT) AS stepping_count
FROM stepping_delta_people_e8c9d2 AS d0
CROSS JOIN LATERAL (
  SELECT t1.*
  FROM outer_join__teams_by_number_5c4966 AS t1
  WHERE t1.number = d0.team
  OFFSET 0
) AS t1
UNION ALL
SELECT
  0 AS stepping_output, CAST(d2.name AS TEXT) AS left_name,
  CAST(d2.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title, CAST(d2.c AS BIGINT) AS stepping_count
FROM stepping_delta_people_e8c9d2 AS d2
UNION ALL
SELECT
  0 AS stepping_output, CAST(d3.name AS TEXT) AS left_name,
  CAST(d3.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title,
  CAST(-(d3.c * t4.c) AS BIGINT) AS stepping_count
FROM stepping_delta_people_e8c9d2 AS d3
CROSS JOIN LATERAL (
  SELECT t4.*
  FROM outer_join__outer_join_by_value_6a74ef AS t4
  WHERE t4.value = d3.team
  OFFSET 0
) AS t4;

------------------------------------------------------------------------------
-- When teams changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join_by_value_6a74ef, outer_join__people_by_team_4d9316, outer_join__teams_by_number_5c4966, outer_join__teams_c7809e in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   stepping_delta_teams_84606c: teams (the query's arguments)
--   stepping_exists_teams_994399: outer_join (query.py:18)
--   m4_g: outer_join (query.py:18)
--   m4_o: outer_join (query.py:18)
--   m4_i: outer_join (query.py:18)
--   m4_u: outer_join (query.py:18)
--   m4_d: outer_join (query.py:18)
--   m5_g: outer_join (query.py:18)
--   m5_o: outer_join (query.py:18)
--   m5_i: outer_join (query.py:18)
--   m5_u: outer_join (query.py:18)
--   m5_d: outer_join (query.py:18)
--   m6_g: teams (the query's arguments)
--   m6_o: teams (the query's arguments)
--   m6_i: teams (the query's arguments)
--   m6_u: teams (the query's arguments)
--   m6_d: teams (the query's arguments)
--   SELECT: outer_join (query.py:18)
WITH stepping_delta_teams_84606c AS MATERIALIZED (
  SELECT u.number, u.title COLLATE "C" AS title, u.c
  FROM UNNEST(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(number, title, c)
), stepping_exists_teams_994399 AS MATERIALIZED (
  SELECT
    g.value,
    CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE 0 END - CASE WHEN COALESCE(a.c, 0) > 0 THEN 1 ELSE 0 END AS c
  FROM (
    SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
    FROM (SELECT d0.number AS value, d0.c FROM stepping_delta_teams_84606c AS d0) AS g
    GROUP BY g.value
    HAVING CAST(SUM(g.c) AS BIGINT) <> 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM outer_join__teams_c7809e AS a
    WHERE
      HASH_RECORD_EXTENDED(ROW(a.value), 0) = HASH_RECORD_EXTENDED(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    OFFSET 0
  ) AS a ON TRUE
  WHERE
    CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE 0 END - CASE WHEN COALESCE(a.c, 0) > 0 THEN 1 ELSE 0 END <> 0
), m4_g AS (
  SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (SELECT d6.number AS value, d6.c FROM stepping_delta_teams_84606c AS d6) AS g
  GROUP BY g.value
  HAVING CAST(SUM(g.c) AS BIGINT) <> 0
), m4_o AS MATERIALIZED (
  SELECT g.value, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m4_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__teams_c7809e AS a
    WHERE
      HASH_RECORD_EXTENDED(ROW(a.value), 0) = HASH_RECORD_EXTENDED(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    LIMIT 1
  ) AS l ON TRUE
), m4_i AS (
  INSERT INTO outer_join__teams_c7809e (value, c)
  SELECT o.value, o.c
  FROM m4_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m4_u AS (
  UPDATE outer_join__teams_c7809e AS a
  SET c = o.c
  FROM m4_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m4_d AS (
  DELETE FROM outer_join__teams_c7809e AS a
  USING m4_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), m5_g AS (
  SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (SELECT d5.value, d5.c FROM stepping_exists_teams_994399 AS d5) AS g
  GROUP BY g.value
  HAVING CAST(SUM(g.c) AS BIGINT) <> 0
), m5_o AS MATERIALIZED (
  SELECT g.value, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m5_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__outer_join_by_value_6a74ef AS a
    WHERE
      a.value = g.value
      AND HASH_RECORD_EXTENDED(ROW(a.value), 0) = HASH_RECORD_EXTENDED(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    LIMIT 1
  ) AS l ON TRUE
), m5_i AS (
  INSERT INTO outer_join__outer_join_by_value_6a74ef (value, c)
  SELECT o.value, o.c
  FROM m5_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m5_u AS (
  UPDATE outer_join__outer_join_by_value_6a74ef AS a
  SET c = o.c
  FROM m5_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m5_d AS (
  DELETE FROM outer_join__outer_join_by_value_6a74ef AS a
  USING m5_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), m6_g AS (
  SELECT d7.number, d7.title, d7.c
  FROM stepping_delta_teams_84606c AS d7
), m6_o AS MATERIALIZED (
  SELECT g.number, g.title, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m6_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__teams_by_number_5c4966 AS a
    WHERE
      a.number = g.number
      AND HASH_RECORD_EXTENDED(ROW(a.number, a.title), 0) = HASH_RECORD_EXTENDED(ROW(g.number, g.title), 0)
      AND ROW(a.number, a.title) IS NOT DISTINCT FROM ROW(g.number, g.title)
    LIMIT 1
  ) AS l ON TRUE
), m6_i AS (
  INSERT INTO outer_join__teams_by_number_5c4966 (number, title, c)
  SELECT o.number, o.title, o.c
  FROM m6_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m6_u AS (
  UPDATE outer_join__teams_by_number_5c4966 AS a
  SET c = o.c
  FROM m6_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m6_d AS (
  DELETE FROM outer_join__teams_by_number_5c4966 AS a
  USING m6_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(t2.name AS TEXT) AS left_name,
  CAST(t2.team AS BIGINT) AS left_team, CAST(TRUE AS BOOLEAN) AS right_present,
  CAST(d1.number AS BIGINT) AS right_number, CAST(d1.title AS TEXT) AS right_title,
  CAST(d1.c * t2.c AS BIGINT) AS stepping_count
FROM stepping_delta_teams_84606c AS d1
CROSS JOIN LATERAL (
  SELECT t2.*
  FROM outer_join__people_by_team_4d9316 AS t2
  WHERE
    HASH_RECORD_EXTENDED(ROW(t2.team), 0) = HASH_RECORD_EXTENDED(ROW(d1.number), 0)
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
FROM stepping_exists_teams_994399 AS d3
CROSS JOIN LATERAL (
  SELECT t4.*
  FROM outer_join__people_by_team_4d9316 AS t4
  WHERE
    HASH_RECORD_EXTENDED(ROW(t4.team), 0) = HASH_RECORD_EXTENDED(ROW(d3.value), 0)
    AND t4.team = d3.value
  OFFSET 0
) AS t4;

------------------------------------------------------------------------------
-- When any mix of people, teams changes: one transaction
------------------------------------------------------------------------------
-- locked first: outer_join__outer_join_by_value_6a74ef, outer_join__people_by_team_4d9316, outer_join__teams_by_number_5c4966, outer_join__teams_c7809e in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   stepping_delta_people_e8c9d2: people (the query's arguments)
--   stepping_delta_teams_84606c: teams (the query's arguments)
--   stepping_exists_teams_994399: outer_join (query.py:18)
--   m6_g: outer_join (query.py:18)
--   m6_o: outer_join (query.py:18)
--   m6_i: outer_join (query.py:18)
--   m6_u: outer_join (query.py:18)
--   m6_d: outer_join (query.py:18)
--   m8_g: outer_join (query.py:18)
--   m8_o: outer_join (query.py:18)
--   m8_i: outer_join (query.py:18)
--   m8_u: outer_join (query.py:18)
--   m8_d: outer_join (query.py:18)
--   m9_g: people (the query's arguments)
--   m9_o: people (the query's arguments)
--   m9_i: people (the query's arguments)
--   m9_u: people (the query's arguments)
--   m9_d: people (the query's arguments)
--   m10_g: teams (the query's arguments)
--   m10_o: teams (the query's arguments)
--   m10_i: teams (the query's arguments)
--   m10_u: teams (the query's arguments)
--   m10_d: teams (the query's arguments)
--   SELECT: outer_join (query.py:18)
WITH stepping_delta_people_e8c9d2 AS MATERIALIZED (
  SELECT u.name COLLATE "C" AS name, u.team, u.c
  FROM UNNEST(CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[]), CAST('{}' AS BIGINT[])) AS u(name, team, c)
), stepping_delta_teams_84606c AS MATERIALIZED (
  SELECT u.number, u.title COLLATE "C" AS title, u.c
  FROM UNNEST(CAST('{}' AS BIGINT[]), CAST('{}' AS TEXT[]), CAST('{}' AS BIGINT[])) AS u(number, title, c)
), stepping_exists_teams_994399 AS MATERIALIZED (
  SELECT
    g.value,
    CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE 0 END - CASE WHEN COALESCE(a.c, 0) > 0 THEN 1 ELSE 0 END AS c
  FROM (
    SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
    FROM (SELECT d0.number AS value, d0.c FROM stepping_delta_teams_84606c AS d0) AS g
    GROUP BY g.value
    HAVING CAST(SUM(g.c) AS BIGINT) <> 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM outer_join__teams_c7809e AS a
    WHERE
      HASH_RECORD_EXTENDED(ROW(a.value), 0) = HASH_RECORD_EXTENDED(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    OFFSET 0
  ) AS a ON TRUE
  WHERE
    CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE 0 END - CASE WHEN COALESCE(a.c, 0) > 0 THEN 1 ELSE 0 END <> 0
), m6_g AS (
  SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (
    SELECT d16.number AS value, d16.c
    FROM stepping_delta_teams_84606c AS d16
  ) AS g
  GROUP BY g.value
  HAVING CAST(SUM(g.c) AS BIGINT) <> 0
), m6_o AS MATERIALIZED (
  SELECT g.value, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m6_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__teams_c7809e AS a
    WHERE
      HASH_RECORD_EXTENDED(ROW(a.value), 0) = HASH_RECORD_EXTENDED(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    LIMIT 1
  ) AS l ON TRUE
), m6_i AS (
  INSERT INTO outer_join__teams_c7809e (value, c)
  SELECT o.value, o.c
  FROM m6_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m6_u AS (
  UPDATE outer_join__teams_c7809e AS a
  SET c = o.c
  FROM m6_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m6_d AS (
  DELETE FROM outer_join__teams_c7809e AS a
  USING m6_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), m8_g AS (
  SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (SELECT d14.value, d14.c FROM stepping_exists_teams_994399 AS d14) AS g
  GROUP BY g.value
  HAVING CAST(SUM(g.c) AS BIGINT) <> 0
), m8_o AS MATERIALIZED (
  SELECT g.value, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m8_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__outer_join_by_value_6a74ef AS a
    WHERE
      a.value = g.value
      AND HASH_RECORD_EXTENDED(ROW(a.value), 0) = HASH_RECORD_EXTENDED(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    LIMIT 1
  ) AS l ON TRUE
), m8_i AS (
  INSERT INTO outer_join__outer_join_by_value_6a74ef (value, c)
  SELECT o.value, o.c
  FROM m8_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m8_u AS (
  UPDATE outer_join__outer_join_by_value_6a74ef AS a
  SET c = o.c
  FROM m8_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m8_d AS (
  DELETE FROM outer_join__outer_join_by_value_6a74ef AS a
  USING m8_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), m9_g AS (
  SELECT d15.team, d15.name, d15.c
  FROM stepping_delta_people_e8c9d2 AS d15
), m9_o AS MATERIALIZED (
  SELECT g.team, g.name, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m9_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__people_by_team_4d9316 AS a
    WHERE
      HASH_RECORD_EXTENDED(ROW(a.team), 0) = HASH_RECORD_EXTENDED(ROW(g.team), 0)
      AND a.team IS NOT DISTINCT FROM g.team
      AND HASH_RECORD_EXTENDED(ROW(a.team, a.name), 0) = HASH_RECORD_EXTENDED(ROW(g.team, g.name), 0)
      AND ROW(a.team, a.name) IS NOT DISTINCT FROM ROW(g.team, g.name)
    LIMIT 1
  ) AS l ON TRUE
), m9_i AS (
  INSERT INTO outer_join__people_by_team_4d9316 (team, name, c)
  SELECT o.team, o.name, o.c
  FROM m9_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m9_u AS (
  UPDATE outer_join__people_by_team_4d9316 AS a
  SET c = o.c
  FROM m9_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m9_d AS (
  DELETE FROM outer_join__people_by_team_4d9316 AS a
  USING m9_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), m10_g AS (
  SELECT d17.number, d17.title, d17.c
  FROM stepping_delta_teams_84606c AS d17
), m10_o AS MATERIALIZED (
  SELECT g.number, g.title, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM m10_g AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM outer_join__teams_by_number_5c4966 AS a
    WHERE
      a.number = g.number
      AND HASH_RECORD_EXTENDED(ROW(a.number, a.title), 0) = HASH_RECORD_EXTENDED(ROW(g.number, g.title), 0)
      AND ROW(a.number, a.title) IS NOT DISTINCT FROM ROW(g.number, g.title)
    LIMIT 1
  ) AS l ON TRUE
), m10_i AS (
  INSERT INTO outer_join__teams_by_number_5c4966 (number, title, c)
  SELECT o.number, o.title, o.c
  FROM m10_o AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), m10_u AS (
  UPDATE outer_join__teams_by_number_5c4966 AS a
  SET c = o.c
  FROM m10_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), m10_d AS (
  DELETE FROM outer_join__teams_by_number_5c4966 AS a
  USING m10_o AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
)
SELECT
  0 AS stepping_output, CAST(d1.name AS TEXT) AS left_name,
  CAST(d1.team AS BIGINT) AS left_team, CAST(TRUE AS BOOLEAN) AS right_present,
  CAST(t2.number AS BIGINT) AS right_number, CAST(t2.title AS TEXT) AS right_title,
  CAST(d1.c * t2.c AS BIGINT) AS stepping_count
FROM stepping_delta_people_e8c9d2 AS d1
CROSS JOIN LATERAL (
  SELECT t2.*
  FROM outer_join__teams_by_number_5c4966 AS t2
  WHERE t2.number = d1.team
  OFFSET 0
) AS t2
UNION ALL
SELECT
  0 AS stepping_output, CAST(d3.name AS TEXT) AS left_name,
  CAST(d3.team AS BIGINT) AS left_team, CAST(TRUE AS BOOLEAN) AS right_present,
  CAST(d4.number AS BIGINT) AS right_number, CAST(d4.title AS TEXT) AS right_title,
  CAST(d3.c * d4.c AS BIGINT) AS stepping_count
FROM stepping_delta_people_e8c9d2 AS d3
CROSS JOIN stepping_delta_teams_84606c AS d4
WHERE d3.team = d4.number
UNION ALL
SELECT
  0 AS stepping_output, CAST(t6.name AS TEXT) AS left_name,
  CAST(t6.team AS BIGINT) AS left_team, CAST(TRUE AS BOOLEAN) AS right_present,
  CAST(d5.number AS BIGINT) AS right_number, CAST(d5.title AS TEXT) AS right_title,
  CAST(d5.c * t6.c AS BIGINT) AS stepping_count
FROM stepping_delta_teams_84606c AS d5
CROSS JOIN LATERAL (
  SELECT t6.*
  FROM outer_join__people_by_team_4d9316 AS t6
  WHERE
    HASH_RECORD_EXTENDED(ROW(t6.team), 0) = HASH_RECORD_EXTENDED(ROW(d5.number), 0)
    AND t6.team = d5.number
  OFFSET 0
) AS t6
UNION ALL
SELECT
  0 AS stepping_output, CAST(d7.name AS TEXT) AS left_name,
  CAST(d7.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title, CAST(d7.c AS BIGINT) AS stepping_count
FROM stepping_delta_people_e8c9d2 AS d7
UNION ALL
SELECT
  0 AS stepping_output, CAST(d8.name AS TEXT) AS left_name,
  CAST(d8.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title,
  CAST(-(d8.c * t9.c) AS BIGINT) AS stepping_count
FROM stepping_delta_people_e8c9d2 AS d8
CROSS JOIN LATERAL (
  SELECT t9.*
  FROM outer_join__outer_join_by_value_6a74ef AS t9
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
FROM stepping_delta_people_e8c9d2 AS d10
CROSS JOIN stepping_exists_teams_994399 AS d11
WHERE d10.team = d11.value
UNION ALL
SELECT
  0 AS stepping_output, CAST(t13.name AS TEXT) AS left_name,
  CAST(t13.team AS BIGINT) AS left_team, CAST(FALSE AS BOOLEAN) AS right_present,
  CAST(CAST(NULL AS BIGINT) AS BIGINT) AS right_number,
  CAST(CAST(NULL AS TEXT) AS TEXT) AS right_title,
  CAST(-(d12.c * t13.c) AS BIGINT) AS stepping_count
FROM stepping_exists_teams_994399 AS d12
CROSS JOIN LATERAL (
  SELECT t13.*
  FROM outer_join__people_by_team_4d9316 AS t13
  WHERE
    HASH_RECORD_EXTENDED(ROW(t13.team), 0) = HASH_RECORD_EXTENDED(ROW(d12.value), 0)
    AND t13.team = d12.value
  OFFSET 0
) AS t13;
