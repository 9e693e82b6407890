"""Our own tables, on Postgres."""

from stepping.dialects.features import QUEUE, STAGES, TIMES

CATALOG = (
    "CREATE TABLE IF NOT EXISTS stepping_queries (\n"
    '    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,\n'
    "    version BIGINT NOT NULL DEFAULT 1,\n"
    "    fingerprint TEXT NOT NULL,\n"
    "    dialect TEXT NOT NULL,\n"
    "    format BIGINT NOT NULL,\n"
    "    tables TEXT NOT NULL,\n"
    "    plan_key TEXT,\n"
    "    plan TEXT,\n"
    "    recompute TEXT,\n"
    "    started BOOLEAN NOT NULL DEFAULT false,\n"
    "    installed_at TIMESTAMPTZ NOT NULL DEFAULT now()\n)",
)

# Of queries that are fed by hand, in steps.
STEPS = (
    "CREATE TABLE IF NOT EXISTS last_update (\n"
    '    table_name TEXT COLLATE "C" NOT NULL PRIMARY KEY,\n'
    "    t BIGINT NOT NULL\n) WITH (fillfactor = 10)",
)

FEATURES = {
    QUEUE: (
        "CREATE TABLE IF NOT EXISTS stepping_queue (\n"
        '    query TEXT COLLATE "C" NOT NULL,\n'
        "    id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,\n"
        "    row_count BIGINT NOT NULL,\n"
        "    change BYTEA NOT NULL,\n"
        "    enqueued_at TIMESTAMPTZ NOT NULL DEFAULT now(),\n"
        "    error TEXT,\n"
        "    PRIMARY KEY (query, id)\n)",
    ),
    TIMES: (
        "CREATE SEQUENCE IF NOT EXISTS stepping_clock",
        "CREATE TABLE IF NOT EXISTS stepping_times (\n"
        '    query TEXT COLLATE "C" NOT NULL,\n'
        "    t BIGINT NOT NULL,\n"
        "    void BOOLEAN NOT NULL,\n"
        "    lease_until DOUBLE PRECISION NOT NULL,\n"
        "    PRIMARY KEY (query, t)\n)",
    ),
    STAGES: (
        "CREATE TABLE IF NOT EXISTS stepping_iterations (\n"
        '    query TEXT COLLATE "C" NOT NULL,\n'
        "    t BIGINT NOT NULL,\n"
        "    attempt BIGINT NOT NULL,\n"
        "    stage BIGINT NOT NULL,\n"
        "    stages BIGINT NOT NULL,\n"
        "    predecessor BIGINT NOT NULL,\n"
        "    plan TEXT NOT NULL,\n"
        "    state TEXT NOT NULL,\n"
        "    input BYTEA NOT NULL,\n"
        "    worker TEXT,\n"
        "    error TEXT,\n"
        "    begun_at DOUBLE PRECISION NOT NULL,\n"
        "    lease_until DOUBLE PRECISION NOT NULL,\n"
        "    PRIMARY KEY (query, t)\n)",
        "CREATE TABLE IF NOT EXISTS stepping_journal (\n"
        '    query TEXT COLLATE "C" NOT NULL,\n'
        "    t BIGINT NOT NULL,\n"
        "    name TEXT NOT NULL,\n"
        "    packed BYTEA,\n"
        "    kept TEXT[],\n"
        "    PRIMARY KEY (query, t, name)\n)",
    ),
}
