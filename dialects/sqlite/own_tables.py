"""Our own tables, on SQLite."""

from stepping.dialects.features import QUEUE, STAGES, TIMES

CATALOG = (
    "CREATE TABLE IF NOT EXISTS stepping_queries (\n"
    "    name TEXT NOT NULL PRIMARY KEY,\n"
    "    version INTEGER NOT NULL DEFAULT 1,\n"
    "    fingerprint TEXT NOT NULL,\n"
    "    dialect TEXT NOT NULL,\n"
    "    format INTEGER NOT NULL,\n"
    "    tables TEXT NOT NULL,\n"
    "    plan_key TEXT,\n"
    "    plan TEXT,\n"
    "    recompute TEXT,\n"
    "    started INTEGER NOT NULL DEFAULT 0,\n"
    "    installed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP\n) WITHOUT ROWID",
)

# Of queries that are fed by hand, in steps.
STEPS = (
    "CREATE TABLE IF NOT EXISTS last_update (\n"
    "    table_name TEXT NOT NULL PRIMARY KEY,\n"
    "    t INTEGER NOT NULL\n) WITHOUT ROWID",
)

FEATURES = {
    QUEUE: (
        # Without AUTOINCREMENT, which would make an entry cost a third more, the id of the last
        # entry is given out again once that has been deleted: who deletes entries looks at what
        # they hold.
        "CREATE TABLE IF NOT EXISTS stepping_queue (\n"
        "    id INTEGER PRIMARY KEY,\n"
        "    query TEXT NOT NULL,\n"
        "    row_count INTEGER NOT NULL,\n"
        "    change BLOB NOT NULL,\n"
        "    enqueued_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,\n"
        "    error TEXT\n)",
    ),
    TIMES: (
        "CREATE TABLE IF NOT EXISTS stepping_clock (\n"
        "    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),\n"
        "    t INTEGER NOT NULL\n)",
        "CREATE TABLE IF NOT EXISTS stepping_times (\n"
        "    query TEXT NOT NULL,\n"
        "    t INTEGER NOT NULL,\n"
        "    void INTEGER NOT NULL,\n"
        "    lease_until REAL NOT NULL,\n"
        "    PRIMARY KEY (query, t)\n) WITHOUT ROWID",
    ),
    STAGES: (
        "CREATE TABLE IF NOT EXISTS stepping_iterations (\n"
        "    query TEXT NOT NULL,\n"
        "    t INTEGER NOT NULL,\n"
        "    attempt INTEGER NOT NULL,\n"
        "    stage INTEGER NOT NULL,\n"
        "    stages INTEGER NOT NULL,\n"
        "    predecessor INTEGER NOT NULL,\n"
        "    plan TEXT NOT NULL,\n"
        "    state TEXT NOT NULL,\n"
        "    input BLOB NOT NULL,\n"
        "    worker TEXT,\n"
        "    error TEXT,\n"
        "    begun_at REAL NOT NULL,\n"
        "    lease_until REAL NOT NULL,\n"
        "    PRIMARY KEY (query, t)\n)",
        "CREATE TABLE IF NOT EXISTS stepping_journal (\n"
        "    query TEXT NOT NULL,\n"
        "    t INTEGER NOT NULL,\n"
        "    name TEXT NOT NULL,\n"
        "    packed BLOB,\n"
        "    PRIMARY KEY (query, t, name)\n)",
    ),
}
