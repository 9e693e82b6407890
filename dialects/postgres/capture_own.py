"""What every database on Postgres has that any captured query is installed in.

The functions without ``SECURITY DEFINER`` are called by those that have it, with their rights and
their search_path.
"""

from __future__ import annotations

LOCK = "pg_advisory_xact_lock(hashtext('stepping ' || current_schema()), hashtext({}))"

# The number of the last row that was written down. Installing looks at it and calls no nextval:
# with wal_level = minimal a crash takes a sequence back by up to 32 numbers, if it was called in
# the transaction that created it.
LAST_ROW = "(SELECT last_value - (NOT is_called)::integer FROM stepping_log_n)"

OWN_DDL = (
    """\
CREATE TABLE IF NOT EXISTS stepping_readers (  -- which queries follow which tables
    query text NOT NULL,
    log text NOT NULL,
    bit bigint NOT NULL,          -- in stepping_pending.changed
    deferred boolean NOT NULL,
    columns text NOT NULL,
    result_of text NOT NULL DEFAULT '',  -- the query whose result the table is, if any
    PRIMARY KEY (log, query)
)""",
    """\
CREATE TABLE IF NOT EXISTS stepping_folds (  -- up to where each query has folded in
    query text PRIMARY KEY,
    fold text NOT NULL,           -- the function that folds, and its trigger
    seen pg_snapshot NOT NULL,    -- what was committed then is in the results
    xid xid8 NOT NULL,            -- and of this transaction's own rows those up to n
    n bigint NOT NULL,
    error text,                   -- why the results are stale, if they are
    folded_at timestamptz NOT NULL DEFAULT clock_timestamp()
)""",
    "CREATE SEQUENCE IF NOT EXISTS stepping_log_n",
    # Outside of MVCC: the transaction that changed stepping_readers last.
    "CREATE SEQUENCE IF NOT EXISTS stepping_readers_changed_by START 3",
    """\
CREATE UNLOGGED TABLE IF NOT EXISTS stepping_pending (  -- of each running transaction
    xid xid8 NOT NULL,
    query text NOT NULL,
    changed bigint NOT NULL,      -- the tables that were, a bit for each
    since bigint NOT NULL,        -- the first row of the logs that is not folded in yet
    PRIMARY KEY (xid, query)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)""",
    # A snapshot that is older than the lock: somebody may have folded in since.
    """\
CREATE OR REPLACE FUNCTION stepping_check_snapshot(changed_by regclass, what text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE last xid8 := pg_sequence_last_value(changed_by)::text::xid8;
BEGIN
  IF last IS NULL OR last = pg_current_xact_id()
      OR pg_visible_in_snapshot(last, pg_current_snapshot()) THEN
    RETURN;
  END IF;
  BEGIN
    PERFORM pg_xact_status(last);
  EXCEPTION WHEN invalid_parameter_value THEN  -- it is yet to come: a dump brought the number
    RETURN;
  END;
  RAISE EXCEPTION 'could not serialize access: % was changed by a concurrent transaction', what
    USING ERRCODE = 'serialization_failure';
END $$""",
    """\
CREATE OR REPLACE FUNCTION stepping_next_row() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN  -- a snapshot may be older than a query that follows the table by now
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    PERFORM stepping_check_snapshot('stepping_readers_changed_by', 'stepping_readers');
  END IF;
  RETURN nextval('stepping_log_n');
END $$""",
    """\
CREATE OR REPLACE FUNCTION stepping_note_change(changed_log text, first_row bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN  -- in stepping_pending, whose triggers fold
  INSERT INTO stepping_pending AS p
  SELECT pg_current_xact_id(), r.query, r.bit, first_row
  FROM stepping_readers AS r WHERE r.log = changed_log AND NOT r.deferred
  ON CONFLICT (xid, query) DO UPDATE SET changed = p.changed | excluded.changed
  WHERE p.changed & excluded.changed = 0;
END $$""",
    # In one order, so that two transactions never wait for each other; of those as well that are
    # going to have to fold in what these change.
    f"""\
CREATE OR REPLACE FUNCTION stepping_lock_pending() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE pending text[] := ARRAY(
    SELECT query FROM stepping_pending WHERE xid = pg_current_xact_id() ORDER BY query);
  each_query text;
BEGIN
  IF EXISTS (SELECT FROM stepping_readers WHERE result_of <> '') THEN
    pending := ARRAY(
      WITH RECURSIVE touched AS (
        SELECT unnest(pending) AS query
        UNION
        SELECT r.query FROM stepping_readers r JOIN touched t ON r.result_of = t.query
        WHERE NOT r.deferred
      ) SELECT query FROM touched ORDER BY query);
  END IF;
  FOREACH each_query IN ARRAY pending LOOP
    PERFORM {LOCK.format("each_query")};
  END LOOP;
END $$""",
    """\
CREATE OR REPLACE FUNCTION stepping_begin_fold(folded text, fold text, folded_by regclass)
RETURNS bigint  -- the tables that were changed, a bit for each; NULL: there is nothing to fold in
LANGUAGE plpgsql AS $$
DECLARE changed_tables bigint; first_row bigint;
BEGIN
  IF pg_trigger_depth() > 1 THEN  -- SET CONSTRAINTS ALL IMMEDIATE while a statement runs
    EXECUTE format('SET CONSTRAINTS %I DEFERRED', fold);
    DELETE FROM stepping_pending AS p WHERE p.xid = pg_current_xact_id() AND p.query = folded
      RETURNING p.changed, p.since INTO changed_tables, first_row;
    IF FOUND THEN
      INSERT INTO stepping_pending
      VALUES (pg_current_xact_id(), folded, changed_tables, first_row);
    END IF;
    RETURN NULL;
  END IF;
  SELECT p.changed INTO changed_tables
    FROM stepping_pending AS p WHERE p.xid = pg_current_xact_id() AND p.query = folded;
  IF FOUND THEN
    PERFORM stepping_lock_pending();
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      PERFORM stepping_check_snapshot(folded_by, folded);
    END IF;
    PERFORM setval(folded_by, pg_current_xact_id()::text::bigint);
  END IF;
  RETURN changed_tables;
END $$""",
    """\
CREATE OR REPLACE FUNCTION stepping_is_folded(changed_log text) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN  -- whether all who follow the table have folded in what this transaction wrote to it
  RETURN NOT EXISTS (
    SELECT FROM stepping_readers AS r WHERE r.log = changed_log AND (r.deferred OR EXISTS (
      SELECT FROM stepping_pending AS p
      WHERE p.xid = pg_current_xact_id() AND p.query = r.query)));
END $$""",
    """\
CREATE OR REPLACE FUNCTION stepping_refresh(query text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  called text := (SELECT f.fold FROM stepping_folds f WHERE f.query = $1);
  lower text;
BEGIN
  FOR lower IN SELECT DISTINCT r.result_of FROM stepping_readers r
      JOIN stepping_folds f ON f.query = r.result_of JOIN pg_proc p ON p.proname = f.fold
      WHERE r.query = $1 AND pg_function_is_visible(p.oid) ORDER BY 1 LOOP
    PERFORM stepping_refresh(lower);
  END LOOP;
  IF called IS NULL THEN
    RAISE EXCEPTION 'no captured query is called %', query;
  ELSIF NOT (SELECT q.started FROM stepping_queries q WHERE q.name = $1) THEN
    RAISE EXCEPTION '% is being installed, and not filled yet', query;
  ELSIF EXISTS (SELECT FROM stepping_readers r WHERE r.query = $1 AND r.deferred) THEN
    EXECUTE format('SELECT %I()', called);
  ELSE
    EXECUTE format('SET CONSTRAINTS %I IMMEDIATE', called);
    EXECUTE format('SET CONSTRAINTS %I DEFERRED', called);
  END IF;
END $$""",
)

OWN_DROP = (
    "DROP FUNCTION IF EXISTS stepping_refresh(text)",
    "DROP FUNCTION IF EXISTS stepping_is_folded(text)",
    "DROP FUNCTION IF EXISTS stepping_begin_fold(text, text, regclass)",
    "DROP FUNCTION IF EXISTS stepping_lock_pending()",
    "DROP FUNCTION IF EXISTS stepping_note_change(text, bigint)",
    "DROP FUNCTION IF EXISTS stepping_next_row()",
    "DROP FUNCTION IF EXISTS stepping_check_snapshot(regclass, text)",
    "DROP TABLE IF EXISTS stepping_pending",
    "DROP TABLE IF EXISTS stepping_folds",
    "DROP TABLE IF EXISTS stepping_readers",
    "DROP SEQUENCE IF EXISTS stepping_log_n",
    "DROP SEQUENCE IF EXISTS stepping_readers_changed_by",
)
