"""Plans: what a database must hold and do, as plain data."""
