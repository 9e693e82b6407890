"""Incremental view maintenance inside the database you already have."""
