-- The query per_group_count on postgres; fingerprint 34783fd5f91d3f687d932bdfe54eab29
--
-- output
--   5. count  query.py:14
--   │    incremental: the groups that the change touches are read and set anew
--   │    keeps per_group_count__count
--   │          key (right): one row per key
--   ├─ 3. filter  query.py:14
--   │  │    incremental: of the change alone, since f(a + b) = f(a) + f(b)
--   │  └─ 2. owners = group  query.py:13
--   │     │    incremental: of the change alone, since f(a + b) = f(a) + f(b)
--   │     └─ 1. tasks (input)
--   └─ 4. open_tasks = per_group  query.py:14
--      │    incremental: the rows that the change touches are looked up
--      │    keeps per_group_count__tasks
--      └─ 2. owners = group  query.py:13 (above)
--
-- Nothing is recomputed: each step costs in proportion to its change.
--
-- One changed row of tasks: 1 statement, 4 look-ups, 3 rows written
--   per_group_count__tasks as a whole row, at most one row
--   per_group_count__tasks as a whole row, at most one row
--   per_group_count__count by right, 2 times, at most one row

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
-- per_group_count__tasks: the integral of per_group
-- for open_tasks = per_group (query.py:14)
-- it has a row for each different row of the result of per_group
CREATE TABLE IF NOT EXISTS per_group_count__tasks (
    value TEXT COLLATE "C" NOT NULL,
    c BIGINT NOT NULL,
    CONSTRAINT per_group_count__tasks__not_negative CHECK (c >= 0)
);
--   per_group_count__tasks__row_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS per_group_count__tasks__row_key ON per_group_count__tasks ((hash_record_extended(ROW(value), 0)));
--   per_group_count__tasks: its rows can be changed where all tables are published
ALTER TABLE per_group_count__tasks REPLICA IDENTITY FULL;
--   per_group_count__tasks: what it is for, as \d+ shows it
COMMENT ON TABLE per_group_count__tasks IS 'stepping: the integral of per_group; for per_group';
-- per_group_count__count: one row per group of count: its number of rows and its sums
-- for count (query.py:14)
-- it has a row for each right there is
CREATE TABLE IF NOT EXISTS per_group_count__count (
    "right" TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    n BIGINT NOT NULL,
    CONSTRAINT per_group_count__count__not_negative CHECK (n >= 0)
) WITH (fillfactor = 70);
--   per_group_count__count__right_key: look-ups, and the row itself; as many entries as the table has rows
CREATE INDEX IF NOT EXISTS per_group_count__count__right_key ON per_group_count__count ((hashtextextended("right", 0)));
--   per_group_count__count: its rows can be changed where all tables are published
ALTER TABLE per_group_count__count REPLICA IDENTITY FULL;
--   per_group_count__count: what it is for, as \d+ shows it
COMMENT ON TABLE per_group_count__count IS 'stepping: one row per group of count: its number of rows and its sums; for count';
--   a sum of integers, or an error where it does not fit in 64 bits
CREATE OR REPLACE FUNCTION stepping_sum(total numeric, sum_name text, key text)
RETURNS bigint LANGUAGE sql PARALLEL SAFE
RETURN CASE
  WHEN total BETWEEN -9223372036854775808 AND 9223372036854775807 THEN total::bigint
  ELSE ('stepping: the sum ' || sum_name || ' does not fit in 64 bits'
    || coalesce(' for the group ' || nullif(key, ''), ''))::integer
END;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('per_group_count__count', 0), ('per_group_count__tasks', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'per_group_count',
    '34783fd5f91d3f687d932bdfe54eab29',
    'postgres',
    2,
    '2 fdf51a489e51fd8f QlpoOTFBWSZTWZbeBVkABRjfgEAAUOd/+z/v3u6/7//uUAThvWri4HZWqhoQlE0k9CmxNNTJo002IpgTIzRqNqbTSbJB6gamhNMm00KgyBoYgAyAAANAAkIqU2FMTJ6j1PTQEAMhkGhiGTE0MOMmTJiMTACZMEyAGjCMAQwCRICBACniTTUYgA9QB6Q0yNqAFADWIb/bZKdhXt3C9HOvXArLq/Lc2qv3Zrsms8DhUNJT1C6VVSOpe0IHIKB/S5R5Qj8IiiJVol671kCQx9OXFsLb3cOniHuO42Fd2VTBnFJCH8JmXDepONzKwzpyIfE000xxvfLdID6T0DAcgo26KXBxE3fa5/b6uzrJTc0PR8MXywmEwTxA6Zn2cdWY6skoZepV60LawPSirLtPcWuBKYjql7DqaGdNz5/LQuDSY2ndwmP/tjacgEFCoRFMg6xFJU7HBOMHPcJi8uCpQmz+CjYXE5S4ivOTAKDGF3f7YqzG5w4yGOqNOZ/ZK23SW412jRGsLUYQZBobG2VwpmQZJ5D3zdjwz7fMiu6BeZY5IzVU/LaS3N2Tq4ntB4sBTDl20a6AhM44KSEBO29GAIWkuEs60xIMQnrEQsEwkJEaDKUZg4yS41vdn2IHKNppYEmgJUUk+kpyMXXVfUUNcasbClGV7qmDdODT0x8KWpSgL4x6zFCYhUQtzaylNhoEr0fGlJSEXxHpQYeGoTaOco8Use0aPBjKjM8MDRJh7tEfsd889Jnf4ngXWIzxkXCZp7Ngb6JwttdpsjYWFkmbVgUke0LSLm7BLjaDETkckv4MrM3kiW+EQUpGwjFBWpNUGMmjIGEoI2IKxRcrQajC6KriZH45mdwrrwmUDcZhJNDCoqJVIKvKhxFoqGrhxKoehm8S4EHlR+TPWxaHoLHl3/mNp+qmXnMYiXgbn6oIMb1LQedjaX3D0NpMaXvyJBfK+UZumkYT1cfNUTR6efjqXx+1y5dTxbtYpF/X7v7xKhCwqM8YEwuIwBp1+l/8a8jNeJ+pYJXz9LsOTHjd65bnNe4rK56IJFYUKDK0yADvBtGZ+RpWv1q59fFNfe8JZvF6MheJrKa0J7DfakYuQsZ5IrxypQKkCwSQhCZQqqargamtuGc6vOZQzDYvSTgWs4lDzySDgcJdpwXPVyLayxjmicqm1CQCz2qw2mJscXJy0Ohbx5c0KwqB6C0Ig4vvW9IIOlyA7T3sfIlXPrtgjMYeY5augHmCWWVoOhvlGZ4OCWkKKh8tSgPAj3qlJf5mqcXRlV4uGzHSYrKYZMkIaXiItp8WFyiGYEgLlgMygUDoVohhsmS9KzCGJptjaQNTDr2G6QrGOHostpcna5v48lfsupqQAdiBeQeI0bBIg/cWahjYNibMAjgFcf9NdFtKgxm9gjZKhZluqCsdiRkLuEWDwJo2wzEoHRmlvk9ZVxSTqVJ2OaQ2YSJfUpanm1N5Cnrg/5nVm4g5uU0xjUDhiCHUumsEQy2dFYkFAxUrzqToyAwjtfcsw6Owuoui7lqzBqahbBIXTuuGmIYlVwaoDShC2TgZc5i1i+w9+BrvqHYGXVZprvHEpFIjuF3JFOFCQlt4FWQ='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- When tasks changes: one transaction
------------------------------------------------------------------------------
-- locked first: per_group_count__count, per_group_count__tasks in last_update
-- one statement; its parameters are arrays of the changed rows' columns
--   tasks: the query's arguments
--   per_group: query.py:14
--   count: query.py:14
WITH tasks_change AS MATERIALIZED (
  SELECT u.owner COLLATE "C" AS owner, u.done, u.c
  FROM unnest(CAST('{}' AS TEXT[]), CAST('{}' AS BOOLEAN[]), CAST('{}' AS BIGINT[])) AS u(owner, done, c)
), per_group_change AS MATERIALIZED (
  SELECT g.value, CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE -1 END AS c
  FROM (
    SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
    FROM (SELECT d0.owner AS value, d0.c FROM tasks_change AS d0) AS g
    GROUP BY g.value
    HAVING SUM(g.c) <> 0
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM per_group_count__tasks AS a
    WHERE
      hash_record_extended(ROW(a.value), 0) = hash_record_extended(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    OFFSET 0
  ) AS a ON TRUE
  WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0)
), per_group_changed AS (
  SELECT g.value, CAST(SUM(g.c) AS BIGINT) AS c
  FROM (SELECT d5.owner AS value, d5.c FROM tasks_change AS d5) AS g
  GROUP BY g.value
  HAVING SUM(g.c) <> 0
), per_group_found AS MATERIALIZED (
  SELECT g.value, COALESCE(l.stepping_old, 0) + g.c AS c, l.stepping_rid
  FROM per_group_changed AS g
  LEFT JOIN LATERAL (
    SELECT a.ctid AS stepping_rid, a.c AS stepping_old
    FROM per_group_count__tasks AS a
    WHERE
      hash_record_extended(ROW(a.value), 0) = hash_record_extended(ROW(g.value), 0)
      AND ROW(a.value) IS NOT DISTINCT FROM ROW(g.value)
    LIMIT 1
  ) AS l ON TRUE
), per_group_inserted AS (
  INSERT INTO per_group_count__tasks (value, c)
  SELECT o.value, o.c
  FROM per_group_found AS o
  WHERE o.stepping_rid IS NULL AND o.c <> 0
), per_group_updated AS (
  UPDATE per_group_count__tasks AS a
  SET c = o.c
  FROM per_group_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c <> 0
), per_group_deleted AS (
  DELETE FROM per_group_count__tasks AS a
  USING per_group_found AS o
  WHERE a.ctid = o.stepping_rid AND o.c = 0
), count_change AS MATERIALIZED (
  SELECT
    g."right", a.n AS n0, COALESCE(a.n, 0) + g.n AS n1, a.count AS count_0,
    stepping_sum(COALESCE(a.count, 0) + g.count, 'count', g."right") AS count_1, a.stepping_rid
  FROM (
    SELECT
      u."right", CAST(SUM(u.stepping_counted) AS BIGINT) AS n,
      SUM(CAST(u.count AS DECIMAL) * u.n) AS count
    FROM (
      SELECT d1.owner AS "right", CAST(1 AS BIGINT) AS count, d1.c AS n, 0 AS stepping_counted
      FROM tasks_change AS d1
      WHERE NOT d1.done
      UNION ALL
      SELECT d2.value AS "right", 0 AS count, d2.c AS n, d2.c AS stepping_counted
      FROM per_group_change AS d2
    ) AS u
    GROUP BY 1
  ) AS g
  LEFT JOIN LATERAL (
    SELECT a.*, a.ctid AS stepping_rid
    FROM per_group_count__count AS a
    WHERE
      hashtextextended(a."right", 0) = hashtextextended(g."right", 0) AND a."right" = g."right"
    OFFSET 0
  ) AS a ON TRUE
  WHERE g.n <> 0 OR g.count <> 0
), count_inserted AS (
  INSERT INTO per_group_count__count ("right", n, count)
  SELECT o."right", o.n1, o.count_1
  FROM count_change AS o
  WHERE o.stepping_rid IS NULL AND o.n1 <> 0
), count_updated AS (
  UPDATE per_group_count__count AS a
  SET n = o.n1, count = o.count_1
  FROM count_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 <> 0
), count_deleted AS (
  DELETE FROM per_group_count__count AS a
  USING count_change AS o
  WHERE a.ctid = o.stepping_rid AND o.n1 = 0
)
SELECT
  0 AS stepping_output, CAST(d3.count_0 AS BIGINT) AS "left",
  CAST(d3."right" AS TEXT) AS "right", CAST(-1 AS BIGINT) AS stepping_count
FROM count_change AS d3
WHERE d3.n0 IS NOT NULL AND (d3.n1 = 0 OR d3.count_0 IS DISTINCT FROM d3.count_1)
UNION ALL
SELECT
  0 AS stepping_output, CAST(d4.count_1 AS BIGINT) AS "left",
  CAST(d4."right" AS TEXT) AS "right", CAST(1 AS BIGINT) AS stepping_count
FROM count_change AS d4
WHERE d4.n1 <> 0 AND d4.count_0 IS DISTINCT FROM d4.count_1;
