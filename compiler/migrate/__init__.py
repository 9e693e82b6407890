"""Migrations: from the tables that are installed to those that are wanted."""
