"""SQLite: its words for plans and scalars, and its connection."""
