-- The query per_group_count on sqlite; fingerprint aa49b9ac6f94d8bea5af8508c8b8d75d
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
-- One changed row of tasks: 9 statements, 6 look-ups, 3 rows written
--   per_group_count__tasks as a whole row, 2 times, at most one row
--   per_group_count__count by right, 4 times, at most one row

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
-- per_group_count__tasks: the integral of per_group
-- for open_tasks = per_group (query.py:14)
-- it has a row for each different row of the result of per_group
CREATE TABLE IF NOT EXISTS per_group_count__tasks (
    value TEXT NOT NULL,
    c INTEGER NOT NULL,
    PRIMARY KEY (value)
) WITHOUT ROWID;
--   per_group_count__tasks__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS per_group_count__tasks__gone
AFTER UPDATE OF c ON per_group_count__tasks WHEN NEW.c = 0
BEGIN
    DELETE FROM per_group_count__tasks WHERE value = NEW.value;
END;
--   per_group_count__tasks__below_zero: finds a count below 0; it has no entry while there is none
CREATE INDEX IF NOT EXISTS per_group_count__tasks__below_zero ON per_group_count__tasks (c) WHERE c < 0;
-- per_group_count__count: one row per group of count: its number of rows and its sums
-- for count (query.py:14)
-- it has a row for each right there is
CREATE TABLE IF NOT EXISTS per_group_count__count (
    "right" TEXT NOT NULL,
    count INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY ("right"),
    CONSTRAINT per_group_count__count__not_negative CHECK (n >= 0)
) WITHOUT ROWID;
--   per_group_count__count__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS per_group_count__count__gone
AFTER UPDATE OF n ON per_group_count__count WHEN NEW.n = 0
BEGIN
    DELETE FROM per_group_count__count WHERE "right" = NEW."right";
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
    'aa49b9ac6f94d8bea5af8508c8b8d75d',
    'sqlite',
    2,
    '2 fa00affc217bc584 QlpoOTFBWSZTWcuTxCsABCffgEAAUGV//z/v3u6/7//6UAPjem5wHudcHpDQhNACDRlM00aRpoaGjTQ0aYE0ANQJhqYSnqekMJkYmIAYCBiDJowlMohT1NNMjTNTQA0AAAAAAaDUoYjCaaaaGINAZGI02oaeoHqaAAJEiAmSntEwp6T1MgPKGTQaPUNNG0gNBgAhrBDNw4DGqegtLTf9FH2kKyzHnRGNigD/YDyEHQ+DMg8Htr6wsQxIGiWIW0MLQ4NXB7H7Mbv3N5PaZtCWTUFIImP4JNRZy3t+5soV134GZNaUm2Zyg58ry2hoYl4lIM7C6VMrlMbkInblO64J0OpxTLQPYqyAJTIL9nkMvLqMHk00KkGkxtOpwmPubG04gCBQSYwkhilWEoiQpiZCaBzZGDitXkFveIsvGK5dqlGFRjFA1E1DQMQxQJCUkxGLwgWW0pwe6qMVb1Q6DYJk8nXQ5YXcoD7nDFdUjjVnHpdDY4Hr0tElwUdkXAhogdaAc7kkidKYEl5NEXtdGLFKEihCTnPRzE9ZFOGsehMzpQKiZZyixb2rfYOYxgOQHABqHn+bRzmw6Oc5towmfQqlvtR7PuPgTIuPKNK8DshfYxkjGdiKCSqKwpxooPqXo4EzAtMFQM4ehFgypGQHW1WdaKCqZjRgWnai8vJEJkUiUoCEMZcNV5BGBMrMxntSwarRBnOoxGYmi69GNGUaLydRiK0pKwmVnVA0X0IkWFYQiBkCO8cyOlm9i5ApzdnDfcMk0+k8ZuO0t+BlfxggY3kmdTE2g3h1tiY0mZgCRtJUDROBV5CmmooM7abFUhtezOz48/ABZAGGNUAMCg2PRDnrcj27WxiqbHMV2x05UVkwUtpgXswu4ZaGvMKWMwEKMwhERuXrmFJzIl3JGw3ZSUOIszqAsgxD+VHxkqBqDTvhDKsGTR0AzgxhhTZhxTyuMaFVRFT2BZqL4a2R5ggACkf93AIlbDImB2EhynIXpbVd3EujBRfOupRlJkBDEFVoABZKkctecDwrlsGjSBmpkzddxd+C9bKUDAoxFOu5nKUPuivLTIClWckgGj9iN27dkxWFIDIAr1ASRctRRNhKNquQQDSB2Z9ZCpLK/JxrAqJ6DjNE6QSxJBpVRAY0BB+hYyBpsTZOrQXULSGDAL2SA2xJAWTbUtaaNgaJEGic3md5S3RSUlRZAJCoFWqiMaMCuCZfTnChg2QGmlakNlVuWmgLZkNe9UGmYtSWlPYrIVpchI03eCwNmu9XFZxNUgxQjJOGWmoWXKL3HJA10SgtRI5YbhuD/F3JFOFCQy5PEKw='
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_change_count_800bde (
    "right" TEXT,
    n0 INTEGER,
    n1 INTEGER,
    count_0 INTEGER,
    count_1 INTEGER
);
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_tasks_102ecf (
    owner TEXT,
    done INTEGER,
    c INTEGER NOT NULL
);
CREATE TEMP TABLE IF NOT EXISTS stepping_exists_tasks_9114d8 (
    value TEXT,
    c INTEGER NOT NULL
);

------------------------------------------------------------------------------
-- When tasks changes: one transaction
------------------------------------------------------------------------------
-- locked first: per_group_count__count, per_group_count__tasks in last_update
-- 1. tasks (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_tasks_102ecf;
-- 2. per_group (query.py:14): empty the delta table
DELETE FROM temp.stepping_exists_tasks_9114d8;
-- 3. count (query.py:14): empty the delta table
DELETE FROM temp.stepping_change_count_800bde;
-- 4. tasks (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_tasks_102ecf (owner, done, c) VALUES (?, ?, ?)
-- 5. per_group (query.py:14)
INSERT INTO temp.stepping_exists_tasks_9114d8 (value, c)
SELECT g.value, CASE WHEN COALESCE(a.c, 0) + g.c > 0 THEN 1 ELSE -1 END AS c
FROM (
  SELECT g.value, SUM(g.c) AS c
  FROM (
    SELECT d0.owner AS value, d0.c
    FROM temp.stepping_delta_tasks_102ecf AS d0
  ) AS g
  GROUP BY g.value
  HAVING SUM(g.c) <> 0
) AS g
LEFT JOIN per_group_count__tasks AS a ON a.value = g.value
WHERE (COALESCE(a.c, 0) + g.c > 0) <> (COALESCE(a.c, 0) > 0);
-- 6. per_group (query.py:14)
INSERT INTO per_group_count__tasks (value, c)
SELECT d5.owner AS value, d5.c
FROM temp.stepping_delta_tasks_102ecf AS d5
WHERE TRUE
ORDER BY value
ON CONFLICT DO UPDATE SET
  c = CASE
    WHEN typeof(per_group_count__tasks.c + excluded.c) = 'integer'
    THEN per_group_count__tasks.c + excluded.c
    ELSE json_extract('{}', 'stepping: ' || 'a count does not fit in 64 bits: that of a row of per_group')
  END;
-- 7. per_group (query.py:14): a count below 0, looked for where rows were removed
SELECT value, c FROM per_group_count__tasks WHERE c < 0 LIMIT 1;
-- 8. count (query.py:14)
INSERT INTO temp.stepping_change_count_800bde ("right", n0, n1, count_0, count_1)
SELECT
  g."right", a.n AS n0,
  CASE
    WHEN typeof(COALESCE(a.n, 0) + g.n) = 'integer' THEN COALESCE(a.n, 0) + g.n
    ELSE json_extract(
      '{}',
      'stepping: a count does not fit in 64 bits: that of the rows of the group ' || g."right"
    )
  END AS n1,
  a.count AS count_0,
  CASE
    WHEN typeof(COALESCE(a.count, 0) + g.count) = 'integer' THEN COALESCE(a.count, 0) + g.count
    ELSE json_extract('{}', 'stepping: the sum count does not fit in 64 bits for the group ' || g."right")
  END AS count_1
FROM (
  SELECT u."right", SUM(u.stepping_counted) AS n, SUM(u.count * u.n) AS count
  FROM (
    SELECT d1.owner AS "right", 1 AS count, d1.c AS n, 0 AS stepping_counted
    FROM temp.stepping_delta_tasks_102ecf AS d1
    WHERE NOT d1.done
    UNION ALL
    SELECT d2.value AS "right", 0 AS count, d2.c AS n, d2.c AS stepping_counted
    FROM temp.stepping_exists_tasks_9114d8 AS d2
  ) AS u
  GROUP BY 1
) AS g
LEFT JOIN per_group_count__count AS a ON a."right" = g."right"
WHERE g.n <> 0 OR g.count <> 0 OR typeof(g.count) = 'real';
-- 9. count (query.py:14)
INSERT INTO per_group_count__count ("right", count, n)
SELECT g."right", g.count_1, g.n1
FROM temp.stepping_change_count_800bde AS g
WHERE g.n1 <> 0 OR g.n0 IS NOT NULL
ON CONFLICT DO UPDATE SET count = excluded.count, n = excluded.n;
-- 10. count (query.py:14): the change of an output
SELECT d3.count_0 AS "left", d3."right", -1 AS stepping_count
FROM temp.stepping_change_count_800bde AS d3
WHERE d3.n0 IS NOT NULL AND (d3.n1 = 0 OR d3.count_0 IS NOT d3.count_1)
UNION ALL
SELECT d4.count_1 AS "left", d4."right", 1 AS stepping_count
FROM temp.stepping_change_count_800bde AS d4
WHERE d4.n1 <> 0 AND d4.count_0 IS NOT d4.count_1;
