-- The query group_sum on sqlite; fingerprint b7a4d0149812e37e44d1e538f90f734e
--
-- output
--   2. group_reduce_flatten  query.py:16
--   │    incremental: the groups that the change touches are read and set anew
--   │    keeps group_sum__group_reduce_flatten_by_key_2d8356
--   │          key (key): one row per key
--   └─ 1. reads (input)
--
-- Nothing is recomputed: each step costs in proportion to its change.
-- functions registered on the connection: stepping_float_add, stepping_float_sum, stepping_float_total; each is exactly one Python builtin
--
-- One changed row of reads: 6 statements, 2 look-ups, 1 row written
--   group_sum__group_reduce_flatten_by_key_2d8356 by key, 2 times, at most one row

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
-- group_sum__group_reduce_flatten_by_key_2d8356: one row per group of group_reduce_flatten: its number of rows and its sums
-- for group_reduce_flatten (query.py:16)
-- it has a row for each key there is
CREATE TABLE IF NOT EXISTS group_sum__group_reduce_flatten_by_key_2d8356 (
    "key" INTEGER NOT NULL,
    sum_value REAL NOT NULL,
    sum_value_exact TEXT NOT NULL,
    sum_value_pos_inf INTEGER NOT NULL,
    sum_value_neg_inf INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY ("key"),
    CONSTRAINT group_sum__group_reduce_flatten_by_key_2d8356__not_negative CHECK (n >= 0)
) WITHOUT ROWID;
--   group_sum__group_reduce_flatten_by_key_2d8356__gone: removes a row whose count has fallen to 0
CREATE TRIGGER IF NOT EXISTS group_sum__group_reduce_flatten_by_key_2d8356__gone
AFTER UPDATE OF n ON group_sum__group_reduce_flatten_by_key_2d8356 WHEN NEW.n = 0
BEGIN
    DELETE FROM group_sum__group_reduce_flatten_by_key_2d8356 WHERE "key" = NEW."key";
END;

------------------------------------------------------------------------------
-- What is installed
------------------------------------------------------------------------------
INSERT INTO last_update (table_name, t)
VALUES
  ('group_sum__group_reduce_flatten_by_key_2d8356', 0)
ON CONFLICT DO NOTHING;
INSERT INTO stepping_queries (name, fingerprint, dialect, format, tables)
VALUES
  (
    'group_sum',
    'b7a4d0149812e37e44d1e538f90f734e',
    'sqlite',
    1,
    '1 6652b9b8b83dd8ee {"query":"group_sum","dialect":"sqlite","fingerprint":"b7a4d0149812e37e44d1e538f90f734e","tables":[{"table":{"name":"group_sum__group_reduce_flatten_by_key_2d8356","kind":"state","columns":[{"name":"key","type":{"kind":"date"}},{"name":"sum_value","type":{"kind":"float"}},{"name":"sum_value_exact","type":{"kind":"text"}},{"name":"sum_value_pos_inf","type":{"kind":"int"}},{"name":"sum_value_neg_inf","type":{"kind":"int"}}],"weight":"n","key":["key"],"non_negative":true,"reason":"one row per group of group_reduce_flatten: its number of rows and its sums","serves":"group_reduce_flatten","where":"query.py:16","digest":"2d8356fce0d5c58b20d8c92fc929a521","sums":[{"type":{"kind":"float"},"value":"sum_value","old":"sum_value_0","new":"sum_value_1","finite":"sum_value_finite","exact":"sum_value_exact","positive":"sum_value_pos_inf","negative":"sum_value_neg_inf","low":"sum_value_low"}],"rows_of":"Pair[float, date]","node":"e94b652361125ab45655357b5af0f126"},"ddl":["CREATE TABLE IF NOT EXISTS group_sum__group_reduce_flatten_by_key_2d8356 (\n    \"key\" INTEGER NOT NULL,\n    sum_value REAL NOT NULL,\n    sum_value_exact TEXT NOT NULL,\n    sum_value_pos_inf INTEGER NOT NULL,\n    sum_value_neg_inf INTEGER NOT NULL,\n    n INTEGER NOT NULL,\n    PRIMARY KEY (\"key\"),\n    CONSTRAINT group_sum__group_reduce_flatten_by_key_2d8356__not_negative CHECK (n >= 0)\n) WITHOUT ROWID","CREATE TRIGGER IF NOT EXISTS group_sum__group_reduce_flatten_by_key_2d8356__gone\nAFTER UPDATE OF n ON group_sum__group_reduce_flatten_by_key_2d8356 WHEN NEW.n = 0\nBEGIN\n    DELETE FROM group_sum__group_reduce_flatten_by_key_2d8356 WHERE \"key\" = NEW.\"key\";\nEND"]}],"inputs":[{"name":"reads","row":"Read","columns":[{"name":"meter","path":["meter"],"type":{"kind":"int"}},{"name":"at","path":["at"],"type":{"kind":"datetime"}},{"name":"value","path":["value"],"type":{"kind":"float"}}]}],"caches":[]}'
  )
ON CONFLICT DO NOTHING;

------------------------------------------------------------------------------
-- Delta tables, for one connection: what changes in one step
------------------------------------------------------------------------------
CREATE TEMP TABLE IF NOT EXISTS stepping_change_group_reduce_flatten_by_key_89d2ce (
    "key" INTEGER,
    n0 INTEGER,
    n1 INTEGER,
    sum_value_0 REAL,
    sum_value_1 REAL,
    sum_value_finite REAL,
    sum_value_exact TEXT,
    sum_value_pos_inf INTEGER,
    sum_value_neg_inf INTEGER
);
CREATE TEMP TABLE IF NOT EXISTS stepping_delta_reads_fb598c (
    at INTEGER,
    value REAL,
    c INTEGER NOT NULL
);

------------------------------------------------------------------------------
-- When reads changes: one transaction
------------------------------------------------------------------------------
-- locked first: group_sum__group_reduce_flatten_by_key_2d8356 in last_update
-- 1. reads (the query's arguments): empty the delta table
DELETE FROM temp.stepping_delta_reads_fb598c;
-- 2. group_reduce_flatten (query.py:16): empty the delta table
DELETE FROM temp.stepping_change_group_reduce_flatten_by_key_89d2ce;
-- 3. reads (the query's arguments): load the changed rows
-- INSERT INTO temp.stepping_delta_reads_fb598c (at, value, c) VALUES (?, ?, ?)
-- 4. group_reduce_flatten (query.py:16)
INSERT INTO temp.stepping_change_group_reduce_flatten_by_key_89d2ce (
  "key", n0, n1, sum_value_0, sum_value_1, sum_value_finite, sum_value_exact,
  sum_value_pos_inf, sum_value_neg_inf
)
SELECT
  g."key", a.n AS n0,
  CASE
    WHEN (COALESCE(a.n, 0) + g.n) BETWEEN -9223372036854775807 AND 9223372036854775807
    THEN COALESCE(a.n, 0) + g.n
    ELSE JSON_EXTRACT(
      '{}',
      'stepping: ' || 'a count does not fit in 64 bits: that of the rows of the group ' || COALESCE(CAST(g."key" AS TEXT), 'None')
    )
  END AS n1,
  CASE
    WHEN a.sum_value_pos_inf <> 0 OR a.sum_value_neg_inf <> 0
    THEN CASE
      WHEN a.sum_value_pos_inf >= 0 AND a.sum_value_neg_inf <= 0 THEN 9e999
      WHEN a.sum_value_pos_inf <= 0 AND a.sum_value_neg_inf >= 0 THEN -9e999
      ELSE JSON_EXTRACT(
        '{}',
        'stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(a.sum_value AS TEXT)
      )
    END
    ELSE a.sum_value
  END AS sum_value_0,
  CASE
    WHEN COALESCE(a.sum_value_pos_inf, 0) + g.sum_value_pos_inf <> 0
    OR COALESCE(a.sum_value_neg_inf, 0) + g.sum_value_neg_inf <> 0
    THEN CASE
      WHEN COALESCE(a.sum_value_pos_inf, 0) + g.sum_value_pos_inf >= 0
      AND COALESCE(a.sum_value_neg_inf, 0) + g.sum_value_neg_inf <= 0
      THEN 9e999
      WHEN COALESCE(a.sum_value_pos_inf, 0) + g.sum_value_pos_inf <= 0
      AND COALESCE(a.sum_value_neg_inf, 0) + g.sum_value_neg_inf >= 0
      THEN -9e999
      ELSE JSON_EXTRACT(
        '{}',
        'stepping: ' || 'a sum of inf and -inf is not a number: ' || CAST(COALESCE(
          STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_value_exact, g.sum_value_exact)),
          JSON_EXTRACT(
            '{}',
            'stepping: ' || 'the sum sum_value is beyond the largest float for the group ' || COALESCE(CAST(g."key" AS TEXT), 'None')
          )
        ) AS TEXT)
      )
    END
    ELSE COALESCE(
      STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_value_exact, g.sum_value_exact)),
      JSON_EXTRACT(
        '{}',
        'stepping: ' || 'the sum sum_value is beyond the largest float for the group ' || COALESCE(CAST(g."key" AS TEXT), 'None')
      )
    )
  END AS sum_value_1,
  COALESCE(
    STEPPING_FLOAT_TOTAL(STEPPING_FLOAT_ADD(a.sum_value_exact, g.sum_value_exact)),
    JSON_EXTRACT(
      '{}',
      'stepping: ' || 'the sum sum_value is beyond the largest float for the group ' || COALESCE(CAST(g."key" AS TEXT), 'None')
    )
  ) AS sum_value_finite,
  STEPPING_FLOAT_ADD(a.sum_value_exact, g.sum_value_exact) AS sum_value_exact,
  COALESCE(a.sum_value_pos_inf, 0) + g.sum_value_pos_inf AS sum_value_pos_inf,
  COALESCE(a.sum_value_neg_inf, 0) + g.sum_value_neg_inf AS sum_value_neg_inf
FROM (
  SELECT
    ((d0.at + 62135596800000000) / 86400000000 - 719162) AS "key", SUM(d0.c) AS n,
    STEPPING_FLOAT_SUM(d0.value, d0.c) FILTER (WHERE d0.value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308) AS sum_value_exact,
    COALESCE(SUM(d0.c) FILTER (WHERE d0.value = 9e999), 0) AS sum_value_pos_inf,
    COALESCE(SUM(d0.c) FILTER (WHERE d0.value = -9e999), 0) AS sum_value_neg_inf
  FROM temp.stepping_delta_reads_fb598c AS d0
  GROUP BY 1
) AS g
LEFT JOIN group_sum__group_reduce_flatten_by_key_2d8356 AS a ON a."key" = g."key"
WHERE
  g.n <> 0
  OR g.sum_value_exact <> '0p0'
  OR g.sum_value_pos_inf <> 0
  OR g.sum_value_neg_inf <> 0;
-- 5. group_reduce_flatten (query.py:16)
INSERT INTO group_sum__group_reduce_flatten_by_key_2d8356 ("key", sum_value, sum_value_exact, sum_value_pos_inf, sum_value_neg_inf, n)
SELECT
  g."key", g.sum_value_finite, g.sum_value_exact, g.sum_value_pos_inf, g.sum_value_neg_inf,
  g.n1
FROM temp.stepping_change_group_reduce_flatten_by_key_89d2ce AS g
WHERE g.n1 <> 0 OR g.n0 IS NOT NULL
ON CONFLICT DO UPDATE SET
  sum_value = excluded.sum_value, sum_value_exact = excluded.sum_value_exact,
  sum_value_pos_inf = excluded.sum_value_pos_inf,
  sum_value_neg_inf = excluded.sum_value_neg_inf, n = excluded.n;
-- 6. group_reduce_flatten (query.py:16): the change of an output
SELECT d1.sum_value_0 AS "left", d1."key" AS "right", -1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_by_key_89d2ce AS d1
WHERE d1.n0 IS NOT NULL AND (d1.n1 = 0 OR d1.sum_value_0 IS NOT d1.sum_value_1)
UNION ALL
SELECT d2.sum_value_1 AS "left", d2."key" AS "right", 1 AS stepping_count
FROM temp.stepping_change_group_reduce_flatten_by_key_89d2ce AS d2
WHERE d2.n1 <> 0 AND d2.sum_value_0 IS NOT d2.sum_value_1;
